//! The SELECT that a statement makes for itself to learn under which paths the elements of lists stand.

use std::sync::Arc;

use helenus_model::schema::{Column, ColumnKind};
use helenus_model::types::CqlType;

use super::assemble::{CellPart, Inputs, Source};
use super::plan::SelectPlan;
use super::selector::Selector;
use crate::restrict::Restrictions;
use crate::spec::ColumnSpec;

impl SelectPlan {
    /// Reads the rows of `restrictions`: the key's columns, the clustering's, and of each list its elements, their paths and write times.
    pub(crate) fn of_lists(restrictions: &Restrictions, lists: &[&Column]) -> SelectPlan {
        let table = Arc::clone(&restrictions.table);
        let mut inputs = Inputs::default();
        let mut columns = Vec::new();
        let mut simple = Vec::new();
        for column in table.partition_key.iter().chain(&table.clustering) {
            columns.push(ColumnSpec::of_column(&table, column));
            simple.push(inputs.add(Source::of_column(column)));
        }
        for column in lists {
            let source = |part| match column.kind {
                ColumnKind::Static => Source::Static(column.id, part),
                _ => Source::Regular(column.id, part),
            };
            let (paths, times) = (source(CellPart::Paths), source(CellPart::WriteTimes));
            columns.push(ColumnSpec::of_column(&table, column));
            simple.push(inputs.add(Source::of_column(column)));
            columns.push(ColumnSpec::named(&table, "[paths]", CqlType::list(CqlType::Timeuuid, true)));
            simple.push(inputs.add(paths));
            columns.push(ColumnSpec::named(&table, "[times]", CqlType::list(CqlType::Bigint, true)));
            simple.push(inputs.add(times));
        }
        // Static lists alone need no row.
        let distinct = !table.clustering.is_empty() && restrictions.clustering.is_empty();
        SelectPlan {
            selectors: simple.iter().map(|input| Selector::Input(*input)).collect(),
            simple: Some(simple.into()),
            plain: false,
            columns,
            inputs,
            restrictions: restrictions.clone(),
            distinct,
            allows_filtering: false,
            full_partitions: true,
            is_of_write: true,
            filters_rows: false,
            table,
            constants: Vec::new(),
            aggregates: Vec::new(),
            impure: false,
            filters: Vec::new(),
            reversed: false,
            sort: None,
            group_by: None,
            limit: None,
            per_partition_limit: None,
            hash: 0,
            warnings: Vec::new(),
        }
    }
}
