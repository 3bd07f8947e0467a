//! A partition snapshot, item by item, in either direction and restricted to slices.

use std::cmp::Ordering;
use std::sync::Arc;

use helenus_model::key::Position;
use helenus_model::partition::{Marker, Unfiltered};
use helenus_model::read::Slice;
use helenus_model::row::{DeletionTime, RowRef};
use helenus_model::schema::Table;

use super::partition::Rows;
use super::ranges::DeletedRange;
use super::tree::{TreeCursor, split_row};
use super::{Partition, ScanShape};
use crate::cursor::PartitionCursor;
use crate::error::ReadError;

/// Where the rows of the partition come from.
#[derive(Debug)]
enum RowSource {
    None,
    /// The only row; true while it is still to come.
    One(bool),
    Many(TreeCursor),
}

/// What stands at the cursor.
#[derive(Clone, Copy, Debug)]
enum Current {
    Nothing,
    Row,
    /// A marker whose place is the start or end of a range or slice, by index.
    Marker {
        place: Place,
        close: DeletionTime,
        open: DeletionTime,
    },
}

/// A place owned by the partition or by the slices.
#[derive(Clone, Copy, Debug)]
enum Place {
    RangeStart(usize),
    RangeEnd(usize),
    SliceStart(usize),
    SliceEnd(usize),
}

/// A cursor over one partition of a memtable. It owns its snapshot.
#[derive(Debug)]
pub(crate) struct MemtableCursor<'c> {
    table: &'c Table,
    slices: &'c [Slice],
    reversed: bool,
    statics: bool,
    partition: Arc<Partition>,
    rows: RowSource,
    current: Current,
    /// Slice being read, as counted in reading order.
    slice: usize,
    /// The row source stands at a row inside the slice that is still to be given.
    row_pending: bool,
    /// The slice has no end in reading order: every row behind its start lies in it.
    endless: bool,
    /// Index of the next range to enter, or of the one that is open; in table order. Equal to the count (or `usize::MAX`) when none is left.
    range: usize,
    range_open: bool,
}

impl<'c> MemtableCursor<'c> {
    /// Over a snapshot.
    pub(crate) fn new(shape: ScanShape<'c>, partition: Arc<Partition>) -> Self {
        let ScanShape { table, slices, reversed, statics, rows_wanted } = shape;
        let rows = match &partition.rows {
            Rows::None => RowSource::None,
            Rows::One(_) => RowSource::One(false),
            Rows::Many(tree) => RowSource::Many(TreeCursor::new(tree, reversed, rows_wanted)),
        };
        let mut cursor = MemtableCursor {
            table,
            slices,
            reversed,
            statics,
            partition,
            rows,
            current: Current::Nothing,
            slice: 0,
            row_pending: false,
            endless: false,
            range: usize::MAX,
            range_open: false,
        };
        cursor.enter_slice();
        cursor
    }

    /// True when the partition is deleted as of some time, or ranges of it are.
    pub(crate) fn has_deletions(&self) -> bool {
        !self.partition.deletion().is_live() || self.partition.ranges().is_some()
    }

    /// Order in reading direction.
    fn compare(&self, a: Position<'_>, b: Position<'_>) -> Ordering {
        let ordering = self.table.comparator().compare_positions(a, b);
        if self.reversed { ordering.reverse() } else { ordering }
    }

    fn slice_index(&self) -> Option<usize> {
        let at = if self.reversed { self.slices.len().checked_sub(self.slice + 1)? } else { self.slice };
        (at < self.slices.len()).then_some(at)
    }

    fn ranges(&self) -> &[DeletedRange] {
        self.partition.ranges().map_or(&[], |list| list.as_slice())
    }

    fn position(&self, place: Place) -> Position<'_> {
        match place {
            Place::RangeStart(i) => self.ranges()[i].start.as_ref(),
            Place::RangeEnd(i) => self.ranges()[i].end.as_ref(),
            Place::SliceStart(i) => self.slices[i].start.as_ref(),
            Place::SliceEnd(i) => self.slices[i].end.as_ref(),
        }
    }

    /// First and last place of the slice in reading order.
    fn slice_places(&self, slice: usize) -> (Place, Place) {
        if self.reversed {
            (Place::SliceEnd(slice), Place::SliceStart(slice))
        } else {
            (Place::SliceStart(slice), Place::SliceEnd(slice))
        }
    }

    /// First and last place of a range in reading order.
    fn range_places(&self, range: usize) -> (Place, Place) {
        if self.reversed {
            (Place::RangeEnd(range), Place::RangeStart(range))
        } else {
            (Place::RangeStart(range), Place::RangeEnd(range))
        }
    }

    /// Moves rows and ranges to the start of the slice.
    fn enter_slice(&mut self) {
        self.row_pending = false;
        self.range_open = false;
        self.range = usize::MAX;
        let Some(slice) = self.slice_index() else { return };
        let end = self.position(self.slice_places(slice).1);
        self.endless = end.prefix.is_empty() && end.weight == if self.reversed { -1 } else { 1 };
        let start = if self.reversed { self.slices[slice].end.as_ref() } else { self.slices[slice].start.as_ref() };
        match &mut self.rows {
            RowSource::None => {}
            RowSource::One(pending) => *pending = true,
            RowSource::Many(cursor) => cursor.seek(self.table.comparator(), start),
        }
        self.check_row(slice);
        if self.partition.ranges().is_some() {
            self.range = self.first_range(slice);
        }
    }

    /// Decides whether the row the source stands at lies in the slice.
    fn check_row(&mut self, slice: usize) {
        let (first, last) = self.slice_places(slice);
        let is_before_end = |clustering| self.compare(Position::row(clustering), self.position(last)).is_lt();
        self.row_pending = match &self.rows {
            RowSource::None | RowSource::One(false) => false,
            RowSource::One(true) => self.source_clustering().is_some_and(|clustering| {
                self.compare(self.position(first), Position::row(clustering)).is_lt() && is_before_end(clustering)
            }),
            // Behind the seek nothing lies before the slice.
            RowSource::Many(cursor) if self.endless => cursor.is_at_row(),
            RowSource::Many(_) => self.source_clustering().is_some_and(is_before_end),
        };
    }

    fn source_clustering(&self) -> Option<&[u8]> {
        self.source_row().map(|(clustering, _)| clustering)
    }

    /// True when the cursor stands at a row that an update without any value left.
    #[inline]
    pub(crate) fn is_at_empty_row(&self) -> bool {
        matches!(self.current, Current::Row) && self.source_row().is_some_and(|(_, row)| RowRef::is_empty_row(row))
    }

    #[inline]
    fn source_row(&self) -> Option<(&[u8], &[u8])> {
        match &self.rows {
            RowSource::None => None,
            RowSource::One(_) => match &self.partition.rows {
                Rows::One(row) => Some(split_row(row)),
                _ => None,
            },
            RowSource::Many(cursor) => cursor.current(),
        }
    }

    /// The first range, in reading order, that reaches into the slice.
    fn first_range(&self, slice: usize) -> usize {
        let order = self.table.comparator();
        let slice = &self.slices[slice];
        let ranges = self.ranges();
        if self.reversed {
            let behind = ranges
                .partition_point(|range| order.compare_positions(range.start.as_ref(), slice.end.as_ref()).is_lt());
            behind.checked_sub(1).unwrap_or(usize::MAX)
        } else {
            ranges.partition_point(|range| order.compare_positions(range.end.as_ref(), slice.start.as_ref()).is_le())
        }
    }

    fn next_range(&self, range: usize) -> usize {
        if self.reversed { range.checked_sub(1).unwrap_or(usize::MAX) } else { range + 1 }
    }

    /// The place where the current range opens (if it is still closed) or closes, cut to the slice; None when no range is left
    /// in the slice.
    fn next_marker(&self, slice: usize) -> Option<Place> {
        if self.range >= self.ranges().len() {
            return None;
        }
        let (slice_first, slice_last) = self.slice_places(slice);
        let (first, last) = self.range_places(self.range);
        let later = |a: Place, b: Place| self.compare(self.position(a), self.position(b)).is_gt();
        if self.range_open {
            return Some(if later(last, slice_last) { slice_last } else { last });
        }
        let place = if later(slice_first, first) { slice_first } else { first };
        self.compare(self.position(place), self.position(slice_last)).is_lt().then_some(place)
    }

    /// Passes the marker at `place` of the current range and tells what it closes and opens.
    fn pass_marker(&mut self, slice: usize, place: Place) {
        let deletion = self.ranges()[self.range].deletion;
        if !self.range_open {
            self.range_open = true;
            self.current = Current::Marker { place, close: DeletionTime::LIVE, open: deletion };
            return;
        }
        self.range_open = false;
        self.range = self.next_range(self.range);
        let mut open = DeletionTime::LIVE;
        if let Some(next) = self.next_marker(slice)
            && self.compare(self.position(next), self.position(place)).is_eq()
        {
            open = self.ranges()[self.range].deletion;
            self.range_open = true;
        }
        self.current = Current::Marker { place, close: deletion, open };
    }

    #[inline]
    fn step(&mut self) -> bool {
        // Most partitions have rows, no deleted ranges, and are read to the end of the slice or of the limit.
        if matches!(self.current, Current::Row)
            && self.endless
            && self.range == usize::MAX
            && let RowSource::Many(cursor) = &mut self.rows
        {
            cursor.step();
            if cursor.is_at_row() {
                return true;
            }
            self.current = Current::Nothing;
        }
        self.step_anywhere()
    }

    fn step_anywhere(&mut self) -> bool {
        if matches!(self.current, Current::Row) {
            match &mut self.rows {
                RowSource::None => {}
                RowSource::One(pending) => *pending = false,
                RowSource::Many(cursor) => cursor.step(),
            }
            if let Some(slice) = self.slice_index() {
                self.check_row(slice);
            }
        }
        self.current = Current::Nothing;
        while let Some(slice) = self.slice_index() {
            let marker = self.next_marker(slice);
            match (marker, self.row_pending) {
                (Some(place), false) => self.pass_marker(slice, place),
                (Some(place), true) => {
                    let row = Position::row(self.source_clustering().unwrap_or_default());
                    if self.compare(self.position(place), row).is_lt() {
                        self.pass_marker(slice, place);
                    } else {
                        self.give_row();
                    }
                }
                (None, true) => self.give_row(),
                (None, false) => {
                    self.slice += 1;
                    self.enter_slice();
                    continue;
                }
            }
            return true;
        }
        false
    }

    fn give_row(&mut self) {
        self.row_pending = false;
        self.current = Current::Row;
    }
}

impl PartitionCursor for MemtableCursor<'_> {
    fn deletion(&self) -> DeletionTime {
        self.partition.deletion()
    }

    fn static_row(&self) -> Option<RowRef<'_>> {
        if self.statics { self.partition.static_row() } else { None }
    }

    fn advance(&mut self) -> Result<bool, ReadError> {
        Ok(self.step())
    }

    fn current(&self) -> Option<Unfiltered<'_>> {
        match self.current {
            Current::Nothing => None,
            Current::Row => {
                let (clustering, row) = self.source_row()?;
                Some(Unfiltered::Row { clustering, row: RowRef::new(row) })
            }
            Current::Marker { place, close, open } => {
                Some(Unfiltered::Marker(Marker { position: self.position(place), close, open }))
            }
        }
    }
}
