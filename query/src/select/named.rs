//! The columns that a selection clause names, before anything else of it is checked: Cassandra looks at these first, then at WHERE,
//! and only then at types and functions.

use helenus_cql::ast::{SelectClause, Selector};
use helenus_model::schema::{Column, ColumnKind, Table};

use super::selection::find_column;
use crate::error::QueryError;

/// The columns in the order of the text; none for `*`.
///
/// # Errors
/// A name that is no column.
pub(super) fn named_columns<'t>(clause: &SelectClause, table: &'t Table) -> Result<Vec<&'t Column>, QueryError> {
    let mut found = Vec::new();
    if let SelectClause::Items(items) = clause {
        for item in items {
            add(&item.selector, table, &mut found)?;
        }
    }
    Ok(found)
}

fn add<'t>(selector: &Selector, table: &'t Table, found: &mut Vec<&'t Column>) -> Result<(), QueryError> {
    match selector {
        Selector::Column(name) => found.push(find_column(table, &name.text)?),
        Selector::Literal(_) | Selector::Null | Selector::Marker(_) | Selector::CountRows => {}
        Selector::Function { arguments: parts, .. }
        | Selector::Tuple(parts)
        | Selector::List(parts)
        | Selector::Set(parts) => {
            for part in parts {
                add(part, table, found)?;
            }
        }
        Selector::WriteTime { inner, .. }
        | Selector::Cast { inner, .. }
        | Selector::TypeHint { inner, .. }
        | Selector::Field { inner, .. }
        | Selector::Element { inner, .. }
        | Selector::Slice { inner, .. }
        | Selector::Negation(inner) => add(inner, table, found)?,
        Selector::Arithmetic { left, right, .. } => {
            add(left, table, found)?;
            add(right, table, found)?;
        }
        Selector::Map(entries) => {
            for (key, value) in entries {
                // The keys may be names of a UDT's fields.
                if !matches!(key, Selector::Column(_)) {
                    add(key, table, found)?;
                }
                add(value, table, found)?;
            }
        }
    }
    Ok(())
}

/// Only static and partition-key columns, at least one of them static.
pub(super) fn are_only_statics(columns: &[&Column]) -> bool {
    columns.iter().any(|column| column.kind == ColumnKind::Static)
        && columns.iter().all(|column| matches!(column.kind, ColumnKind::Static | ColumnKind::PartitionKey))
}
