//! One partition from several sources: memtables and SSTables of a replica, or the answers of several replicas.
//!
//! The merge walks all sources in step, in reading order. Rows of one place become one by the model's merge rule; the strongest
//! deletion in force (of the partition, or of a range open in any source) is applied to them; of the markers only those are
//! told at which the strongest open range deletion changes.

use std::cmp::Ordering;
use std::ops::Deref;

use helenus_model::key::Position;
use helenus_model::partition::{Marker, Unfiltered};
use helenus_model::row::{DeletionTime, RowRef, filter_deleted, merge_rows};
use helenus_model::schema::Table;

use crate::cursor::PartitionCursor;
use crate::error::ReadError;

mod encoded;

pub use encoded::EncodedCursor;

#[derive(Debug)]
struct Source<C> {
    cursor: C,
    /// Takes part in the partition at hand.
    active: bool,
    /// Its current item was given out and is to be left behind before the next comparison.
    spent: bool,
    /// It has a current item.
    live: bool,
    /// Its range deletion in force.
    open: DeletionTime,
}

/// What the merge stands at.
#[derive(Clone, Copy, Debug)]
enum Current {
    Nothing,
    /// The current row of a source, as it is.
    Whole(usize),
    /// The clustering of a source's current row, and the row in `row`.
    Built(usize),
    /// The place of a source's current marker.
    Marker {
        source: usize,
        close: DeletionTime,
        open: DeletionTime,
    },
}

/// A merge of sources; itself a [`PartitionCursor`]. The static row it tells has the partition's deletion applied.
#[derive(Debug)]
pub struct MergeCursor<T, C> {
    table: T,
    reversed: bool,
    sources: Vec<Source<C>>,
    deletion: DeletionTime,
    /// Static row, built from several or cut by the deletion.
    static_row: Option<Vec<u8>>,
    /// The range deletion told last.
    open: DeletionTime,
    current: Current,
    row: Vec<u8>,
    scratch: Vec<u8>,
    /// Items of sources that may still be looked at.
    budget: u64,
}

impl<T: Deref<Target = Table>, C: PartitionCursor> MergeCursor<T, C> {
    /// A merge of `cursors`, all of one partition.
    pub fn new(table: T, cursors: impl IntoIterator<Item = C>, reversed: bool) -> Self {
        let mut merge = MergeCursor::idle(table, cursors, reversed);
        merge.restart(|_| true);
        merge
    }

    /// A merge that waits for [`MergeCursor::restart`].
    pub(crate) fn idle(table: T, cursors: impl IntoIterator<Item = C>, reversed: bool) -> Self {
        let source = |cursor| Source { cursor, active: false, spent: false, live: false, open: DeletionTime::LIVE };
        MergeCursor {
            table,
            reversed,
            sources: cursors.into_iter().map(source).collect(),
            deletion: DeletionTime::LIVE,
            static_row: None,
            open: DeletionTime::LIVE,
            current: Current::Nothing,
            row: Vec::new(),
            scratch: Vec::new(),
            budget: u64::MAX,
        }
    }

    /// Begins a partition that the sources chosen by `active` have and stand at.
    pub(crate) fn restart(&mut self, mut active: impl FnMut(&C) -> bool) {
        self.deletion = DeletionTime::LIVE;
        for source in &mut self.sources {
            source.active = active(&source.cursor);
            source.spent = source.active;
            source.live = false;
            source.open = DeletionTime::LIVE;
            if source.active {
                self.deletion = self.deletion.max(source.cursor.deletion());
            }
        }
        self.open = DeletionTime::LIVE;
        self.current = Current::Nothing;
        self.static_row = self.merge_statics();
    }

    /// The sources.
    pub(crate) fn cursors(&self) -> impl Iterator<Item = &C> {
        self.sources.iter().map(|source| &source.cursor)
    }

    /// The sources, to move between partitions.
    pub(crate) fn cursors_mut(&mut self) -> impl Iterator<Item = &mut C> {
        self.sources.iter_mut().map(|source| &mut source.cursor)
    }

    /// Limits how many rows and markers of the sources are looked at; one more is [`ReadError::OverBudget`].
    pub fn set_budget(&mut self, items: u64) {
        self.budget = items;
    }

    /// What is left of the budget.
    pub fn budget_left(&self) -> u64 {
        self.budget
    }

    /// The range deletion in force behind the current item, LIVE if none. Whoever stops here closes it.
    pub fn open_deletion(&self) -> DeletionTime {
        self.open
    }

    /// The merged static row without what the partition's deletion covers; None when nothing is left.
    fn merge_statics(&mut self) -> Option<Vec<u8>> {
        if self.table.is_counter() && !self.deletion.is_live() {
            return self.merge_counting_statics();
        }
        let mut rows =
            self.sources.iter().filter(|source| source.active).filter_map(|source| source.cursor.static_row());
        let first = rows.next()?;
        let mut merged = Vec::with_capacity(first.bytes().len());
        merged.extend_from_slice(first.bytes());
        for row in rows {
            self.scratch.clear();
            merge_rows(&*self.table, RowRef::new(&merged), row, &mut self.scratch);
            std::mem::swap(&mut merged, &mut self.scratch);
        }
        if !self.deletion.is_live() {
            self.scratch.clear();
            if !filter_deleted(RowRef::new(&merged), self.deletion, &mut self.scratch) {
                return None;
            }
            std::mem::swap(&mut merged, &mut self.scratch);
        }
        (!RowRef::new(&merged).is_empty()).then_some(merged)
    }

    /// As [`MergeCursor::merge_statics`] of counters under a deletion.
    fn merge_counting_statics(&mut self) -> Option<Vec<u8>> {
        let rows = self.sources.iter().filter(|source| source.active).filter_map(|source| source.cursor.static_row());
        self.row.clear();
        merge_what_is_left(&self.table, rows, self.deletion, &mut self.row, &mut self.scratch);
        (!self.row.is_empty()).then(|| self.row.clone())
    }

    fn compare(&self, a: Position<'_>, b: Position<'_>) -> Ordering {
        let ordering = self.table.comparator().compare_positions(a, b);
        if self.reversed { ordering.reverse() } else { ordering }
    }

    fn position(&self, source: usize) -> Option<Position<'_>> {
        self.sources.get(source)?.cursor.current().map(|item| item.position())
    }

    /// Moves the spent sources on, finds those at the first place, marks them spent and returns the first of them.
    fn next_place(&mut self) -> Result<Option<usize>, ReadError> {
        let mut alone = None;
        let mut living = 0;
        for (i, source) in self.sources.iter_mut().enumerate().filter(|(_, source)| source.active) {
            if source.spent {
                source.spent = false;
                source.live = source.cursor.advance()?;
                self.budget = self.budget.checked_sub(1).ok_or(ReadError::OverBudget)?;
            }
            if source.live {
                alone = Some(i);
                living += 1;
            }
        }
        if living > 1 {
            alone = self.mark_first();
        } else if let Some(source) = alone {
            self.sources[source].spent = true;
        }
        Ok(alone)
    }

    fn mark_first(&mut self) -> Option<usize> {
        let mut first: Option<usize> = None;
        for i in 0..self.sources.len() {
            if !self.sources[i].active || !self.sources[i].live {
                continue;
            }
            let ordering = match first {
                None => Ordering::Less,
                Some(first) => match (self.position(i), self.position(first)) {
                    (Some(a), Some(b)) => self.compare(a, b),
                    _ => Ordering::Greater,
                },
            };
            match ordering {
                Ordering::Less => {
                    for source in &mut self.sources[..i] {
                        source.spent = false;
                    }
                    self.sources[i].spent = true;
                    first = Some(i);
                }
                Ordering::Equal => self.sources[i].spent = true,
                Ordering::Greater => {}
            }
        }
        first
    }

    /// The strongest deletion open in any source, if it is stronger than the partition's.
    fn strongest_open(&self) -> DeletionTime {
        let open = self.sources.iter().fold(DeletionTime::LIVE, |open, source| open.max(source.open));
        if self.deletion.max(open) == self.deletion { DeletionTime::LIVE } else { open }
    }

    fn take_marker(&mut self, first: usize) -> bool {
        for source in self.sources.iter_mut().filter(|source| source.spent && source.active) {
            if let Some(Unfiltered::Marker(marker)) = source.cursor.current() {
                source.open = marker.open;
            }
        }
        let close = self.open;
        let open = self.strongest_open();
        self.open = open;
        self.current = Current::Marker { source: first, close, open };
        close != open
    }

    fn take_row(&mut self, first: usize) -> bool {
        let several = self.sources.iter().filter(|source| source.spent && source.active).count() > 1;
        let deletion = self.deletion.max(self.open);
        if !several {
            self.current = Current::Whole(first);
            let Some(Unfiltered::Row { row, .. }) = self.sources[first].cursor.current() else { return false };
            if deletion.is_live() {
                return !row.is_empty();
            }
            self.row.clear();
            self.current = Current::Built(first);
            return filter_deleted(row, deletion, &mut self.row);
        }
        self.row.clear();
        if !deletion.is_live() && self.table.is_counter() {
            let rows = self.sources.iter().filter(|source| source.spent && source.active);
            let rows = rows.filter_map(|source| match source.cursor.current() {
                Some(Unfiltered::Row { row, .. }) => Some(row),
                _ => None,
            });
            merge_what_is_left(&self.table, rows, deletion, &mut self.row, &mut self.scratch);
            self.current = Current::Built(first);
            return !self.row.is_empty();
        }
        let mut begun = false;
        for source in self.sources.iter().filter(|source| source.spent && source.active) {
            let Some(Unfiltered::Row { row, .. }) = source.cursor.current() else { continue };
            if !begun {
                self.row.extend_from_slice(row.bytes());
                begun = true;
                continue;
            }
            self.scratch.clear();
            merge_rows(&*self.table, RowRef::new(&self.row), row, &mut self.scratch);
            std::mem::swap(&mut self.row, &mut self.scratch);
        }
        self.current = Current::Built(first);
        if !deletion.is_live() {
            self.scratch.clear();
            if !filter_deleted(RowRef::new(&self.row), deletion, &mut self.scratch) {
                return false;
            }
            std::mem::swap(&mut self.row, &mut self.scratch);
        }
        !RowRef::new(&self.row).is_empty()
    }
}

/// Merges into `out` what a deletion leaves of each row. A counter's cell has one timestamp for all that was counted in it, so what
/// is deleted must be gone before the rest is merged.
fn merge_what_is_left<'r>(
    table: &Table,
    rows: impl Iterator<Item = RowRef<'r>>,
    deletion: DeletionTime,
    out: &mut Vec<u8>,
    scratch: &mut Vec<u8>,
) {
    let mut left = Vec::new();
    for row in rows {
        left.clear();
        if !filter_deleted(row, deletion, &mut left) {
            continue;
        }
        if out.is_empty() {
            out.extend_from_slice(&left);
        } else {
            scratch.clear();
            merge_rows(table, RowRef::new(out), RowRef::new(&left), scratch);
            std::mem::swap(out, scratch);
        }
    }
}

impl<T: Deref<Target = Table>, C: PartitionCursor> PartitionCursor for MergeCursor<T, C> {
    fn deletion(&self) -> DeletionTime {
        self.deletion
    }

    fn static_row(&self) -> Option<RowRef<'_>> {
        self.static_row.as_deref().map(RowRef::new)
    }

    fn advance(&mut self) -> Result<bool, ReadError> {
        loop {
            self.current = Current::Nothing;
            let Some(first) = self.next_place()? else { return Ok(false) };
            let told = match self.sources[first].cursor.current() {
                Some(Unfiltered::Row { .. }) => self.take_row(first),
                Some(Unfiltered::Marker(_)) => self.take_marker(first),
                None => false,
            };
            if told {
                return Ok(true);
            }
        }
    }

    fn current(&self) -> Option<Unfiltered<'_>> {
        match self.current {
            Current::Nothing => None,
            Current::Whole(source) => self.sources.get(source)?.cursor.current(),
            Current::Built(source) => match self.sources.get(source)?.cursor.current()? {
                Unfiltered::Row { clustering, .. } => Some(Unfiltered::Row { clustering, row: RowRef::new(&self.row) }),
                Unfiltered::Marker(_) => None,
            },
            Current::Marker { source, close, open } => {
                Some(Unfiltered::Marker(Marker { position: self.position(source)?, close, open }))
            }
        }
    }
}
