//! Rows without the cells of columns that were dropped.
//!
//! SSTables leave cells up to the drop out when they are read; a memtable has them until it is flushed. What is newer stays where it
//! is, and is left out here: it is seen again when the column comes again. A row that is left with nothing was
//! there for its dropped columns only and is not told: without a marker Cassandra does not show it either.

use helenus_model::partition::Unfiltered;
use helenus_model::row::{DeletionTime, RowRef};
use helenus_model::schema::Table;

use super::Walk;
use crate::cursor::PartitionCursor;
use crate::error::ReadError;

/// Another walk over a partition of a table that had more columns once.
pub(super) struct WithoutDropped<'w, W> {
    table: &'w Table,
    walk: &'w mut W,
    /// What is left of the static row, if it had cells to leave out.
    static_row: Option<Vec<u8>>,
    /// What is left of the current row, if it had.
    row: Vec<u8>,
    is_cut: bool,
}

impl<'w, W: Walk> WithoutDropped<'w, W> {
    /// Of a walk that stands before its first item.
    pub(super) fn new(table: &'w Table, walk: &'w mut W) -> Self {
        let static_row = walk.static_row().filter(|row| has_dropped(table, row)).map(|row| {
            let mut left = Vec::new();
            cut(table, row, &mut left);
            left
        });
        WithoutDropped { table, walk, static_row, row: Vec::new(), is_cut: false }
    }
}

fn has_dropped(table: &Table, row: &RowRef<'_>) -> bool {
    row.cells().any(|cell| table.is_gone(cell.column, cell.timestamp))
}

fn cut(table: &Table, row: RowRef<'_>, out: &mut Vec<u8>) {
    out.clear();
    row.header.encode(out);
    let left = row.cells().filter(|cell| !table.is_gone(cell.column, cell.timestamp));
    left.for_each(|cell| cell.encode(&row.header, out));
}

impl<W: Walk> PartitionCursor for WithoutDropped<'_, W> {
    fn deletion(&self) -> DeletionTime {
        self.walk.deletion()
    }

    fn static_row(&self) -> Option<RowRef<'_>> {
        match &self.static_row {
            Some(left) => Some(RowRef::new(left)).filter(|row| !row.is_empty()),
            None => self.walk.static_row(),
        }
    }

    fn advance(&mut self) -> Result<bool, ReadError> {
        loop {
            self.is_cut = false;
            if !self.walk.advance()? {
                return Ok(false);
            }
            let Some(Unfiltered::Row { row, .. }) = self.walk.current() else { return Ok(true) };
            if !has_dropped(self.table, &row) {
                return Ok(true);
            }
            cut(self.table, row, &mut self.row);
            if !RowRef::is_empty_row(&self.row) {
                self.is_cut = true;
                return Ok(true);
            }
        }
    }

    fn current(&self) -> Option<Unfiltered<'_>> {
        match self.walk.current()? {
            Unfiltered::Row { clustering, .. } if self.is_cut => {
                Some(Unfiltered::Row { clustering, row: RowRef::new(&self.row) })
            }
            item => Some(item),
        }
    }
}

impl<W: Walk> Walk for WithoutDropped<'_, W> {
    fn set_budget(&mut self, items: u64) {
        self.walk.set_budget(items);
    }

    fn budget_left(&self) -> u64 {
        self.walk.budget_left()
    }

    fn open_deletion(&self) -> DeletionTime {
        self.walk.open_deletion()
    }
}
