//! The cells that an operation leaves in a row.

use helenus_model::row::{CellRef, DeletionTime, RowHeader, RowRef};
use helenus_model::schema::Table;
use helenus_model::time::{LocalSeconds, WriteTimestamp};
use helenus_model::value::{Comparator, components, elements, entries, timeuuid_from_parts};

use super::attributes::TimeToLive;
use super::count::increment;
use super::lists::{ListRows, Place};
use super::operation::{Action, Operation};
use crate::error::QueryError;
use crate::function::next_timeuuid;
use crate::term::Value;
use crate::values::{BoundValues, ExecuteOptions};

/// Milliseconds at which Cassandra mirrors the time of elements put before a list: 2010-01-01, seen from 1582-10-15, in ticks.
const PREPEND_MIRROR_TICKS: u64 = (1_262_304_000_000 + 12_219_292_800_000) * 10_000;

/// Writes cells into a row that has begun.
pub(super) struct CellWriter<'a> {
    /// What was read before, and where the row stands in it.
    pub(super) lists: Option<&'a ListRows>,
    pub(super) place: Place<'a>,
    /// What the statement has written to the row before, when that may be to the same column.
    pub(super) pending: Option<RowRef<'a>>,
    pub(super) table: &'a Table,
    pub(super) header: &'a RowHeader,
    pub(super) timestamp: WriteTimestamp,
    pub(super) time_to_live: TimeToLive,
    pub(super) now: LocalSeconds,
    pub(super) values: &'a dyn BoundValues,
    pub(super) options: &'a ExecuteOptions<'a>,
    pub(super) out: &'a mut Vec<u8>,
}

impl CellWriter<'_> {
    pub(super) fn value(&mut self, column: u16, path: Option<&[u8]>, value: &[u8]) {
        let TimeToLive { ttl, expires_at } = self.time_to_live;
        let mut cell = CellRef::expiring(column, self.timestamp, ttl, expires_at, value);
        cell.path = path;
        cell.encode(self.header, self.out);
    }

    pub(super) fn tombstone(&mut self, column: u16, path: Option<&[u8]>) {
        let mut cell = CellRef::tombstone(column, self.timestamp, self.now);
        cell.path = path;
        cell.encode(self.header, self.out);
    }

    /// Deletes what a complex column held before; what the same statement writes has to outlive it.
    fn overwrite(&mut self, column: u16) {
        self.complex_deletion(column, self.timestamp.saturating_sub(1));
    }

    fn complex_deletion(&mut self, column: u16, marked_at: WriteTimestamp) {
        let deletion = DeletionTime { marked_at, local: self.now };
        CellRef::complex_deletion(column, deletion).encode(self.header, self.out);
    }

    /// Writes the cells of one operation, in the order of their paths.
    pub(super) fn write(&mut self, operation: &Operation) -> Result<(), QueryError> {
        let column = operation.column;
        let (term, overwrites) = match &operation.action {
            Action::DeleteCell => {
                self.tombstone(column, None);
                return Ok(());
            }
            Action::DeleteAll => {
                self.complex_deletion(column, self.timestamp);
                return Ok(());
            }
            Action::PutEntry { key, value } => {
                let key = key.evaluate(self.values, self.options)?;
                let value = value.evaluate(self.values, self.options)?;
                self.entry(column, map_key(&key)?, &value);
                return Ok(());
            }
            Action::DeleteKey(key) => {
                let key = key.evaluate(self.values, self.options)?;
                self.tombstone(column, Some(map_key(&key)?));
                return Ok(());
            }
            Action::Count { by, negative } => {
                let value = by.evaluate(self.values, self.options)?;
                if let Some(number) = increment(&value, *negative)? {
                    CellRef::live(column, self.timestamp, &number.to_be_bytes()).encode(self.header, self.out);
                }
                return Ok(());
            }
            Action::Add(term) => return self.add(column, term),
            Action::SetAt { .. } | Action::DeleteAt(_) | Action::DiscardValues(_) => return self.write_list(operation),
            Action::DeleteElement(term)
            | Action::SetField(_, term)
            | Action::Set(term)
            | Action::Append(term)
            | Action::Prepend(term)
            | Action::AddToSet(term, _)
            | Action::PutAll(term, _)
            | Action::Discard(term, _) => (term, false),
            Action::SetList(term) | Action::SetSet(term, _) | Action::SetMap(term, _) | Action::SetUserType(term) => {
                (term, true)
            }
        };
        let value = term.evaluate(self.values, self.options)?;
        if value == Value::Unset {
            return Ok(());
        }
        if overwrites {
            self.overwrite(column);
        }
        self.write_value(column, &operation.action, value.bytes())
    }

    /// Writes a value that is not unset; the deletion before an overwrite is there already.
    fn write_value(&mut self, column: u16, action: &Action, value: Option<&[u8]>) -> Result<(), QueryError> {
        match (action, value) {
            (Action::Set(_), Some(bytes)) => self.value(column, None, bytes),
            (Action::Set(_), None) => self.tombstone(column, None),
            (Action::SetField(place, _), Some(bytes)) => self.value(column, Some(&place.to_be_bytes()), bytes),
            (Action::SetField(place, _), None) => self.tombstone(column, Some(&place.to_be_bytes())),
            (Action::DeleteElement(_), Some(bytes)) => self.tombstone(column, Some(bytes)),
            (Action::DeleteElement(_), None) => return Err(QueryError::invalid("Invalid null set element")),
            (_, None) => {}
            (Action::SetList(_) | Action::Append(_), Some(bytes)) => {
                for element in elements(bytes) {
                    let path = next_timeuuid(self.options);
                    self.value(column, Some(&path), element);
                }
            }
            (Action::Prepend(_), Some(bytes)) => self.prepend(column, bytes),
            (Action::SetSet(_, order) | Action::AddToSet(_, order), Some(bytes)) => {
                for element in sorted(elements(bytes).collect(), |a, b| order.compare(a, b)) {
                    self.value(column, Some(element), &[]);
                }
            }
            (Action::Discard(_, order), Some(bytes)) => {
                for element in sorted(elements(bytes).collect(), |a, b| order.compare(a, b)) {
                    self.tombstone(column, Some(element));
                }
            }
            (Action::SetMap(_, order) | Action::PutAll(_, order), Some(bytes)) => self.entries(column, order, bytes),
            (Action::SetUserType(_), Some(bytes)) => {
                for (place, field) in components(bytes).enumerate() {
                    if let Some(field) = field {
                        self.value(column, Some(&(place as u16).to_be_bytes()), field);
                    }
                }
            }
            (
                Action::PutEntry { .. }
                | Action::DeleteKey(_)
                | Action::DeleteCell
                | Action::DeleteAll
                | Action::Count { .. }
                | Action::Add(_)
                | Action::SetAt { .. }
                | Action::DeleteAt(_)
                | Action::DiscardValues(_),
                Some(_),
            ) => {}
        }
        Ok(())
    }

    fn entries(&mut self, column: u16, order: &Comparator, bytes: &[u8]) {
        // Of equal keys the last stays: reversed before the (stable) sort keeps it first among its equals.
        let mut all: Vec<(&[u8], &[u8])> = entries(bytes).collect();
        all.reverse();
        for (key, value) in sorted(all, |a, b| order.compare(a.0, b.0)) {
            self.value(column, Some(key), value);
        }
    }

    fn entry(&mut self, column: u16, key: &[u8], value: &Value<'_>) {
        match value {
            Value::Unset => {}
            Value::Null => self.tombstone(column, Some(key)),
            Value::Bytes(bytes) => self.value(column, Some(key), bytes),
        }
    }

    /// Elements before a list get times mirrored at a moment in the past: the later put, the earlier. The elements of one statement
    /// keep their order.
    fn prepend(&mut self, column: u16, bytes: &[u8]) {
        let all: Vec<&[u8]> = elements(bytes).collect();
        let ticks: Vec<u64> = all.iter().map(|_| self.options.ids.next_ticks()).collect();
        for (element, tick) in all.iter().zip(ticks.iter().rev()) {
            let mirrored = (2 * PREPEND_MIRROR_TICKS).saturating_sub(*tick);
            let path = timeuuid_from_parts(mirrored, self.options.ids.clock_and_node()).into_bytes();
            self.value(column, Some(&path), element);
        }
    }
}

fn map_key<'v>(key: &'v Value<'_>) -> Result<&'v [u8], QueryError> {
    match key {
        Value::Null => Err(QueryError::invalid("Invalid null map key")),
        Value::Unset => Err(QueryError::invalid("Invalid unset map key")),
        Value::Bytes(bytes) => Ok(bytes),
    }
}

/// The parts in order, the first of equals only. Clients mostly send them so: then nothing moves.
fn sorted<Part>(mut parts: Vec<Part>, order: impl Fn(&Part, &Part) -> std::cmp::Ordering) -> Vec<Part> {
    if !parts.is_sorted_by(|a, b| order(a, b).is_lt()) {
        parts.sort_by(|a, b| order(a, b));
        parts.dedup_by(|a, b| order(a, b).is_eq());
    }
    parts
}
