//! Increments of counters, on their way to the node that counts them.
//!
//! In a mutation of increments the value of a counter's cell is what is to be added: 8 bytes, in a live cell. Whoever leads the write
//! turns it into a shard (`helenus_engine::engine::Engine::count`), so these bytes are never merged with what is stored. But the
//! statements of one request may add to one counter more than once: then the increments are added up here.

use helenus_model::row::{CellKind, CellRef, DeletionTime, RowHeader, RowRef, compare_cells, merge_rows};
use helenus_model::schema::Table;

use crate::error::QueryError;
use crate::term::Value;

/// The number an increment adds.
pub(super) fn increment(value: &Value<'_>, negative: bool) -> Result<Option<i64>, QueryError> {
    let bytes = match value {
        Value::Unset => return Ok(None),
        Value::Null => return Err(QueryError::invalid("Invalid null value for counter increment")),
        Value::Bytes(bytes) => bytes,
    };
    let Ok(number) = <[u8; 8]>::try_from(&**bytes).map(i64::from_be_bytes) else {
        return Err(QueryError::invalid(format!("Expected 8 or 0 byte long for a counter ({})", bytes.len())));
    };
    match (negative, number.checked_neg()) {
        (false, _) => Ok(Some(number)),
        (true, Some(negated)) => Ok(Some(negated)),
        (true, None) => Err(QueryError::invalid(format!(
            "The negation of {number} overflows supported counter precision (signed 8 bytes integer)"
        ))),
    }
}

/// Merges what two statements of one request write to one row.
pub(super) fn merge_writes(table: &Table, a: RowRef<'_>, b: RowRef<'_>, out: &mut Vec<u8>) {
    if table.is_counter() { add_up(a, b, out) } else { merge_rows(table, a, b, out) }
}

/// The row of both rows' increments and deletions. Every column has one cell, and cells stand by column.
fn add_up(a: RowRef<'_>, b: RowRef<'_>, out: &mut Vec<u8>) {
    let deletion: DeletionTime = a.header.deletion.max(b.header.deletion);
    let header = RowHeader { deletion, ..RowHeader::EMPTY };
    header.encode(out);
    let left = |cell: &CellRef<'_>| !deletion.deletes(cell.timestamp);
    let mut first = a.cells().filter(left).peekable();
    let mut second = b.cells().filter(left).peekable();
    loop {
        let order = match (first.peek(), second.peek()) {
            (None, None) => return,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(a), Some(b)) => a.column.cmp(&b.column),
        };
        let a = if order.is_le() { first.next() } else { None };
        let b = if order.is_ge() { second.next() } else { None };
        match (a, b) {
            (Some(a), Some(b)) => put_sum(&a, &b, &header, out),
            (Some(cell), None) | (None, Some(cell)) => cell.encode(&header, out),
            (None, None) => return,
        }
    }
}

fn put_sum(a: &CellRef<'_>, b: &CellRef<'_>, header: &RowHeader, out: &mut Vec<u8>) {
    let number = |cell: &CellRef<'_>| {
        let bytes = <[u8; 8]>::try_from(cell.value).ok().filter(|_| cell.kind == CellKind::Live)?;
        Some(i64::from_be_bytes(bytes))
    };
    match (number(a), number(b)) {
        (Some(x), Some(y)) => {
            let sum = x.wrapping_add(y).to_be_bytes();
            CellRef::live(a.column, a.timestamp.max(b.timestamp), &sum).encode(header, out);
        }
        // A deletion wins, whatever the times (CASSANDRA-7346).
        (None, Some(_)) => a.encode(header, out),
        (Some(_), None) => b.encode(header, out),
        (None, None) => if compare_cells(a, b).is_ge() { a } else { b }.encode(header, out),
    }
}
