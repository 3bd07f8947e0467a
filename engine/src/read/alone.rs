//! One memtable as the only source of a partition in which nothing is deleted but cells: there is nothing to merge.

use helenus_model::partition::Unfiltered;
use helenus_model::row::{DeletionTime, RowRef};

use super::Walk;
use crate::cursor::PartitionCursor;
use crate::error::ReadError;
use crate::memtable::MemtableCursor;

/// See the module.
pub(super) struct Alone<'c> {
    cursor: MemtableCursor<'c>,
    /// Rows that may still be looked at.
    budget: u64,
}

impl<'c> Alone<'c> {
    /// Of a cursor over a partition without deletions of its own and of ranges.
    pub(super) fn new(cursor: MemtableCursor<'c>) -> Self {
        debug_assert!(!cursor.has_deletions(), "deletions are for a merge to apply");
        Alone { cursor, budget: 0 }
    }
}

impl PartitionCursor for Alone<'_> {
    fn deletion(&self) -> DeletionTime {
        DeletionTime::LIVE
    }

    fn static_row(&self) -> Option<RowRef<'_>> {
        self.cursor.static_row().filter(|row| !row.is_empty())
    }

    fn advance(&mut self) -> Result<bool, ReadError> {
        loop {
            let more = self.cursor.advance()?;
            self.budget = self.budget.checked_sub(1).ok_or(ReadError::OverBudget)?;
            // An update that set nothing leaves a row of nothing.
            if !(more && self.cursor.is_at_empty_row()) {
                return Ok(more);
            }
        }
    }

    fn current(&self) -> Option<Unfiltered<'_>> {
        self.cursor.current()
    }
}

impl Walk for Alone<'_> {
    fn set_budget(&mut self, items: u64) {
        self.budget = items;
    }

    fn budget_left(&self) -> u64 {
        self.budget
    }

    fn open_deletion(&self) -> DeletionTime {
        DeletionTime::LIVE
    }
}
