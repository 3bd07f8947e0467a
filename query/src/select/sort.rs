//! ORDER BY over several partitions: the only case where rows are sorted here.

use std::cmp::Ordering;

use helenus_model::types::CqlType;
use helenus_model::value::Comparator;

use super::assemble::RowView;
use crate::error::QueryError;
use crate::sink::RowSink;

/// Most bytes of rows that are sorted in memory.
const SORTED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// By what rows are sorted: inputs, their order, and whether it is turned round.
#[derive(Clone, Debug, Default)]
pub(super) struct SortPlan {
    keys: Vec<(u16, Comparator, bool)>,
    /// The partitions are read against their order: nulls stand last.
    reversed: bool,
}

impl SortPlan {
    pub(super) fn new(reversed: bool) -> Self {
        SortPlan { keys: Vec::new(), reversed }
    }

    pub(super) fn push(&mut self, input: u16, ty: &CqlType, descending: bool) {
        self.keys.push((input, Comparator::for_type(ty), descending));
    }

    /// Nulls stand first in the table's own order, last against it, as in Cassandra.
    fn compare(&self, a: &SortedRow, b: &SortedRow) -> Ordering {
        for ((_, order, descending), (a, b)) in self.keys.iter().zip(a.keys.iter().zip(&b.keys)) {
            let found = match (a, b) {
                (Some(a), Some(b)) if *descending => order.compare(b, a),
                (Some(a), Some(b)) => order.compare(a, b),
                (a, b) if self.reversed => b.is_some().cmp(&a.is_some()),
                (a, b) => a.is_some().cmp(&b.is_some()),
            };
            if found.is_ne() {
                return found;
            }
        }
        Ordering::Equal
    }
}

type OwnedValue = Option<Box<[u8]>>;

#[derive(Clone, Debug)]
struct SortedRow {
    keys: Vec<OwnedValue>,
    values: Vec<OwnedValue>,
}

impl SortedRow {
    fn bytes(&self) -> usize {
        self.keys.iter().chain(&self.values).flatten().map(|value| value.len()).sum()
    }
}

/// The rows so far.
#[derive(Clone, Debug)]
pub(super) struct Sorter {
    limit: u32,
    rows: Vec<SortedRow>,
    keys: Vec<OwnedValue>,
    values: Vec<OwnedValue>,
    bytes: usize,
}

impl Sorter {
    /// Keeps the first `limit` rows in the end.
    pub(super) fn new(limit: u32) -> Self {
        Sorter { limit, rows: Vec::new(), keys: Vec::new(), values: Vec::new(), bytes: 0 }
    }

    /// Starts a row with what it is sorted by; its values follow through the sink.
    pub(super) fn begin(&mut self, plan: &SortPlan, row: &RowView<'_>) {
        self.keys = plan.keys.iter().map(|(input, _, _)| row.value(*input).map(Into::into)).collect();
        self.bytes += self.keys.iter().flatten().map(|key| key.len()).sum::<usize>();
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Forgets the rows behind the first `rows`.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.rows.truncate(rows);
        self.values.clear();
        self.bytes = self.rows.iter().map(SortedRow::bytes).sum();
    }

    /// Refuses to grow without end.
    ///
    /// # Errors
    /// More than 256 MiB of rows.
    pub(super) fn check(&self) -> Result<(), QueryError> {
        if self.bytes > SORTED_BYTES_MAX {
            return Err(QueryError::invalid(
                "ORDER BY with IN on the partition key would sort too many rows in memory; add a LIMIT or sort client side",
            ));
        }
        Ok(())
    }

    /// Sorts and gives the rows.
    pub(super) fn finish(mut self, plan: &SortPlan, sink: &mut dyn RowSink) {
        self.rows.sort_by(|a, b| plan.compare(a, b));
        for row in self.rows.iter().take(self.limit as usize) {
            for value in &row.values {
                sink.value(value.as_deref());
            }
            sink.end_row();
        }
    }
}

impl RowSink for Sorter {
    fn value(&mut self, value: Option<&[u8]>) {
        self.bytes = self.bytes.saturating_add(value.map_or(0, <[u8]>::len));
        // Behind the limit nothing is kept: the statement fails.
        self.values.push(value.filter(|_| self.bytes <= SORTED_BYTES_MAX).map(Into::into));
    }

    fn refusal(&self) -> Option<QueryError> {
        self.check().err()
    }

    fn end_row(&mut self) {
        let (keys, values) = (std::mem::take(&mut self.keys), std::mem::take(&mut self.values));
        self.rows.push(SortedRow { keys, values });
    }
}
