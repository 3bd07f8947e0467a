//! Guardrails of what a statement writes: the sizes of values and collections, and timestamps.
//!
//! They look at what is given, never at what is there (so not at sums with it). What a conditional statement writes is looked at when
//! its conditions hold.

use std::iter;

use helenus_model::time::WriteTimestamp;
use helenus_model::types::CqlType;
use helenus_model::value::{components, elements, entries};

use super::{Guardrails, Threshold, Warnings, fail, threshold_kind, violated};
use crate::error::QueryError;
use crate::term::{Term, Value};
use crate::values::{BoundValues, ExecuteOptions};
use crate::write::{Action, Operation, WritePlan};

/// What Cassandra counts of a cell beside its value and path: timestamp, TTL and time of deletion.
const CELL_BYTES: u64 = 20;
/// Warnings of one answer: no frame has more, however many rows a statement names.
const WARNINGS_MAX: usize = u16::MAX as usize;
/// The path of a list's element.
const LIST_PATH_BYTES: u64 = 16;

/// The times of writes, in microseconds before or behind now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Maximum,
    Minimum,
}

impl Edge {
    fn guard(
        self,
        threshold: Threshold,
        table: &str,
        timestamp: WriteTimestamp,
        now_micros: i64,
        warnings: &mut Warnings,
    ) -> Result<(), QueryError> {
        let (guardrail, place, reason) = match self {
            Edge::Maximum => (
                "maximum_timestamp",
                "after the maximum",
                "Timestamps too far in the future can lead to data that can't be easily overwritten",
            ),
            Edge::Minimum => (
                "minimum_timestamp",
                "before the minimum",
                "Timestamps too far in the past can cause writes can be unexpectedly lost",
            ),
        };
        let crossed = |distance: Option<u64>| {
            let distance = i64::try_from(distance?).unwrap_or(i64::MAX);
            let edge = match self {
                Edge::Maximum => now_micros.saturating_add(distance),
                Edge::Minimum => now_micros.saturating_sub(distance),
            };
            let beyond = if self == Edge::Maximum { timestamp > edge } else { timestamp < edge };
            (beyond && edge > 0).then_some(edge)
        };
        let message = |is_warning, edge| {
            let kind = threshold_kind(is_warning);
            format!(
                "The modification to table {table} has a timestamp {timestamp} {place} allowable {kind} threshold {edge}. {reason}"
            )
        };
        if let Some(edge) = crossed(threshold.fail) {
            return fail(guardrail, &message(false, edge));
        }
        if let Some(edge) = crossed(threshold.warn) {
            warnings.push(violated(guardrail, &message(true, edge)));
        }
        Ok(())
    }
}

/// One column's values, and what is said of them.
struct Column<'g> {
    guardrails: &'g Guardrails,
    name: &'g str,
    warnings: Warnings,
}

impl Column<'_> {
    fn items(&mut self, count: usize) -> Result<(), QueryError> {
        let (name, count) = (self.name, count as u64);
        let threshold = self.guardrails.items_per_collection;
        threshold.guard("items_per_collection", count, &mut self.warnings, |is_warning, most| {
            let kind = threshold_kind(is_warning);
            format!("Detected collection {name} with {count} items, this exceeds the {kind} threshold of {most}.")
        })
    }

    fn value(&mut self, bytes: &[u8]) -> Result<(), QueryError> {
        let (name, size) = (self.name, bytes.len() as u64);
        let threshold = self.guardrails.column_value_size;
        threshold.guard("column_value_size", size, &mut self.warnings, |is_warning, most| {
            let kind = threshold_kind(is_warning);
            format!("Value of column '{name}' has size {size}, this exceeds the {kind} threshold of {most}.")
        })
    }

    fn collection(&mut self, size: u64) -> Result<(), QueryError> {
        let name = self.name;
        let threshold = self.guardrails.collection_size;
        threshold.guard("collection_size", size, &mut self.warnings, |is_warning, most| {
            let kind = threshold_kind(is_warning);
            format!("Detected collection {name} of size {size}, this exceeds the {kind} threshold of {most}.")
        })
    }

    /// A column of one cell.
    fn whole(&mut self, ty: &CqlType, bytes: &[u8]) -> Result<(), QueryError> {
        let count = match ty {
            CqlType::List { .. } | CqlType::Set { .. } => elements(bytes).count(),
            CqlType::Map { .. } => entries(bytes).count(),
            _ => return self.value(bytes),
        };
        self.items(count)?;
        self.value(bytes)?;
        self.collection(bytes.len() as u64 + CELL_BYTES)
    }

    fn list(&mut self, bytes: &[u8]) -> Result<(), QueryError> {
        self.items(elements(bytes).count())?;
        let mut size = 0;
        for element in elements(bytes) {
            self.value(element)?;
            size += element.len() as u64 + LIST_PATH_BYTES + CELL_BYTES;
        }
        self.collection(size)
    }

    fn set(&mut self, bytes: &[u8]) -> Result<(), QueryError> {
        self.items(elements(bytes).count())?;
        let mut size = 0;
        for element in elements(bytes) {
            self.value(element)?;
            size += element.len() as u64 + CELL_BYTES;
        }
        self.collection(size)
    }

    fn map(&mut self, bytes: &[u8]) -> Result<(), QueryError> {
        self.items(entries(bytes).count())?;
        let mut size = 0;
        for (key, value) in entries(bytes) {
            self.value(value)?;
            self.value(key)?;
            size += (key.len() + value.len()) as u64 + CELL_BYTES;
        }
        self.collection(size)
    }

    /// Guards what an operation writes. A term that cannot be evaluated is left to who binds it.
    fn operation(
        &mut self,
        ty: &CqlType,
        action: &Action,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<(), QueryError> {
        let given = |term: &Term| match term.evaluate(values, options) {
            Ok(Value::Bytes(bytes)) => Some(bytes.into_owned()),
            _ => None,
        };
        match action {
            Action::Set(term) => given(term).map_or(Ok(()), |bytes| self.whole(ty, &bytes)),
            Action::SetList(term) | Action::Append(term) => given(term).map_or(Ok(()), |bytes| self.list(&bytes)),
            Action::SetSet(term, _) | Action::AddToSet(term, _) => given(term).map_or(Ok(()), |bytes| self.set(&bytes)),
            Action::SetMap(term, _) | Action::PutAll(term, _) => given(term).map_or(Ok(()), |bytes| self.map(&bytes)),
            Action::SetUserType(term) => {
                given(term).map_or(Ok(()), |bytes| components(&bytes).flatten().try_for_each(|field| self.value(field)))
            }
            Action::PutEntry { key, value } => {
                for part in [given(value), given(key)].iter().flatten() {
                    self.value(part)?;
                }
                Ok(())
            }
            // The elements, or what is kept of those that are deleted.
            Action::Prepend(term) | Action::Discard(term, _) => {
                given(term).map_or(Ok(()), |bytes| elements(&bytes).try_for_each(|element| self.value(element)))
            }
            Action::SetField(_, term)
            | Action::SetAt { value: term, .. }
            | Action::DeleteKey(term)
            | Action::DeleteElement(term) => given(term).map_or(Ok(()), |bytes| self.value(&bytes)),
            Action::Count { .. }
            | Action::Add(_)
            | Action::DeleteAt(_)
            | Action::DiscardValues(_)
            | Action::DeleteCell
            | Action::DeleteAll => Ok(()),
        }
    }
}

/// Says it again for each row, as far as an answer has room.
fn say_for_rows(warnings: &mut Warnings, said: &[String], rows: usize) {
    let room = WARNINGS_MAX.saturating_sub(warnings.len());
    warnings.extend(iter::repeat_n(said, rows.min(room)).flatten().take(room).cloned());
}

impl Guardrails {
    pub(super) fn guards_sizes(&self) -> bool {
        [self.items_per_collection, self.column_value_size, self.collection_size]
            .iter()
            .any(|threshold| *threshold != Threshold::default())
    }

    /// Guards the timestamp a statement gives itself.
    pub(super) fn guard_timestamp(
        &self,
        plan: &WritePlan,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
        warnings: &mut Warnings,
    ) -> Result<(), QueryError> {
        if plan.attributes.timestamp.is_none() {
            return Ok(());
        }
        let Ok(timestamp) = plan.attributes.timestamp(values, options) else { return Ok(()) };
        let (table, now) = (plan.table.name.as_str(), options.now_millis.saturating_mul(1000));
        Edge::Maximum.guard(self.maximum_timestamp, table, timestamp, now, warnings)?;
        Edge::Minimum.guard(self.minimum_timestamp, table, timestamp, now, warnings)
    }

    /// Guards the sizes of what a statement writes. What is said is said again for each row.
    pub(crate) fn guard_sizes(
        &self,
        plan: &WritePlan,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
        warnings: &mut Warnings,
    ) -> Result<(), QueryError> {
        if !self.guards_sizes() {
            return Ok(());
        }
        let mut violated = Ok(());
        // Rows that cannot be named and values of JSON that cannot be read are told by who binds them.
        let _ = plan.with_values(values, |values| {
            let rows = plan.rows_written(values, options)?;
            if rows == 0 {
                return Ok(());
            }
            let mut said = Vec::new();
            for Operation { column, action, .. } in plan.operations() {
                let Some(column) = plan.table.column_by_id(*column) else { continue };
                let mut guarded = Column { guardrails: self, name: &column.name, warnings: Vec::new() };
                violated = guarded.operation(&column.ty, action, values, options);
                if violated.is_err() {
                    return Ok(());
                }
                said.extend(guarded.warnings);
            }
            say_for_rows(warnings, &said, rows);
            Ok(())
        });
        violated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_room_for_so_many_warnings() {
        for (said, rows, count) in [(0, usize::MAX, 1), (2, 3, 7), (2, usize::MAX, WARNINGS_MAX)] {
            let mut warnings = vec!["earlier".to_owned()];
            say_for_rows(&mut warnings, &vec!["late".to_owned(); said], rows);
            assert_eq!(warnings.len(), count, "{said} for {rows} rows");
        }
    }
}
