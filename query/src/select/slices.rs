//! The slices of one execution, and what is left of them where a page ended.

use helenus_model::key::{Position, PositionBuf, put_clustering_value};
use helenus_model::read::Slice;
use helenus_model::schema::{Column, SortOrder, Table};

use crate::error::QueryError;
use crate::restrict::{ClusteringKind, GroupTerm, Restrictions, SliceBound};
use crate::term::{Term, Value};
use crate::values::{BoundValues, ExecuteOptions};

/// What is left of `slices` behind a row, in reading order.
pub(super) fn trim(table: &Table, slices: &mut Vec<Slice>, clustering: &[u8], reversed: bool) {
    let order = table.comparator();
    slices.retain_mut(|slice| {
        let place = Position { prefix: clustering, weight: if reversed { -1 } else { 1 } };
        if reversed {
            if order.compare_positions(place, slice.end.as_ref()).is_lt() {
                slice.end = place.to_owned();
            }
        } else if order.compare_positions(slice.start.as_ref(), place).is_lt() {
            slice.start = place.to_owned();
        }
        order.compare_positions(slice.start.as_ref(), slice.end.as_ref()).is_lt()
    });
}

/// The slices of the common restrictions (equalities, then at most one range of one column) without detours; None for others.
pub(super) fn simple_slices(
    restrictions: &Restrictions,
    values: &dyn BoundValues,
    options: &ExecuteOptions<'_>,
) -> Result<Option<Vec<Slice>>, QueryError> {
    let table = &*restrictions.table;
    let mut prefix = Vec::with_capacity(if restrictions.clustering.is_empty() { 0 } else { 32 });
    for restriction in &restrictions.clustering {
        let Some(column) = table.clustering.get(restriction.first) else { return Ok(None) };
        match &restriction.kind {
            ClusteringKind::Equal(GroupTerm::Elements(terms)) if restriction.width == 1 && !restriction.multi => {
                let [term] = terms.as_slice() else { return Ok(None) };
                put_term(&mut prefix, term, column, values, options)?;
            }
            ClusteringKind::Slice { start, end } if restriction.width == 1 && !restriction.multi => {
                let (low, high) = match column.order {
                    SortOrder::Ascending => (start, end),
                    SortOrder::Descending => (end, start),
                };
                let mut place = |bound: &Option<SliceBound>, side: i8| -> Result<Option<PositionBuf>, QueryError> {
                    let Some(bound) = bound else {
                        return Ok(Some(Position { prefix: &prefix, weight: side }.to_owned()));
                    };
                    let GroupTerm::Elements(terms) = &bound.value else { return Ok(None) };
                    let [term] = terms.as_slice() else { return Ok(None) };
                    let length = prefix.len();
                    match term.evaluate(values, options)? {
                        // As the end of a range null stands before every value, in either order.
                        Value::Null => put_clustering_value(&mut prefix, None),
                        _ => put_term(&mut prefix, term, column, values, options)?,
                    }
                    let weight = if bound.inclusive { side } else { -side };
                    let found = Position { prefix: &prefix, weight }.to_owned();
                    prefix.truncate(length);
                    Ok(Some(found))
                };
                let (Some(start), Some(end)) = (place(low, -1)?, place(high, 1)?) else { return Ok(None) };
                let empty = table.comparator().compare_positions(start.as_ref(), end.as_ref()).is_ge();
                return Ok(Some(if empty { Vec::new() } else { vec![Slice { start, end }] }));
            }
            _ => return Ok(None),
        }
    }
    Ok(Some(vec![Slice::of_prefix(&prefix)]))
}

fn put_term(
    prefix: &mut Vec<u8>,
    term: &Term,
    column: &Column,
    values: &dyn BoundValues,
    options: &ExecuteOptions<'_>,
) -> Result<(), QueryError> {
    match term.evaluate(values, options)? {
        Value::Bytes(value) => {
            put_clustering_value(prefix, Some(&value));
            Ok(())
        }
        Value::Null => Err(QueryError::invalid(format!("Invalid null value in condition for column {}", column.name))),
        Value::Unset => Err(QueryError::invalid(format!("Invalid unset value for column {}", column.name))),
    }
}
