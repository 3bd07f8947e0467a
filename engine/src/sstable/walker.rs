//! Walks one partition of a file, restricted to slices, in either direction. The state is apart from what it is read with, so
//! that point reads borrow the table and scans own it.

use helenus_model::key::{ClusteringComparator, Position};
use helenus_model::partition::{Marker, Unfiltered};
use helenus_model::read::{ColumnFilter, Slice};
use helenus_model::row::{DeletionTime, RowRef};

use super::block_file::{Window, WindowMode};
use super::column_map::ColumnMap;
use super::index_reader::{EntryPlace, IndexBlock, IndexContext, PromotedIndex, read_full_deletion};
use super::reader::SsTable;
use super::row_reader::{Head, HeadKind, RowScratch, read_head, read_marker, read_row};
use crate::cursor::ReadMode;
use crate::error::ReadError;

/// What a walk is made with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) sstable: &'a SsTable,
    pub(super) map: &'a ColumnMap,
    /// In table order, not overlapping.
    pub(super) slices: &'a [Slice],
    pub(super) columns: &'a ColumnFilter,
    pub(super) reversed: bool,
}

impl<'a> Context<'a> {
    fn order(&self) -> &'a ClusteringComparator {
        self.map.table.comparator()
    }

    fn index(&self) -> IndexContext<'a> {
        IndexContext { file: &self.sstable.index, caches: &self.sstable.caches, lengths: &self.map.lengths }
    }
}

/// What the walk stands at.
#[derive(Clone, Copy, Debug)]
enum Current {
    None,
    /// The row in `clustering` and `row`.
    Row,
    /// The marker at the bound in `clustering`.
    Marker {
        weight: i8,
        close: DeletionTime,
        open: DeletionTime,
    },
    /// A marker at an end of a slice.
    SliceEnd {
        slice: usize,
        at_start: bool,
        close: DeletionTime,
        open: DeletionTime,
    },
    /// An item of the block read backwards.
    Buffered(usize),
}

/// Where the walk goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Find the start of the slice of this number in reading order.
    Seek(usize),
    /// Inside it.
    Inside(usize),
    /// Behind its last item: tell the deletion that is open there.
    Leave(usize),
    Done,
}

/// An item of a block that is given out backwards; ranges are of `arena`.
#[derive(Clone, Copy, Debug)]
enum Buffered {
    Row { clustering: usize, row: usize, end: usize },
    Marker { prefix: usize, end: usize, weight: i8, close: DeletionTime, open: DeletionTime },
}

/// The state of a walk.
#[derive(Debug)]
pub(super) struct Walker {
    data: Window,
    pub(super) index: Window,
    rows_left: u64,
    place: EntryPlace,
    pub(super) deletion: DeletionTime,
    static_row: Vec<u8>,
    has_static: bool,
    promoted: Option<PromotedIndex>,
    header_length: Option<u64>,
    step: Step,
    /// Position of the next unfiltered in Data.db.
    at: u64,
    /// Deletion in force before it.
    open: DeletionTime,
    current: Current,
    clustering: Vec<u8>,
    row: Vec<u8>,
    scratch: RowScratch,
    block: IndexBlock,
    /// Backwards: number of the block in `items`, and of the item given out last.
    block_number: usize,
    next_item: usize,
    items: Vec<Buffered>,
    arena: Vec<u8>,
    open_at_start: DeletionTime,
}

impl Walker {
    pub(super) fn new(mode: ReadMode, data: WindowMode, index: WindowMode) -> Self {
        Walker {
            data: Window::new(data),
            index: Window::new(index),
            rows_left: mode.rows_budget,
            place: EntryPlace { data: 0, promoted: 0, promoted_length: 0 },
            deletion: DeletionTime::LIVE,
            static_row: Vec::new(),
            has_static: false,
            promoted: None,
            header_length: None,
            step: Step::Done,
            at: 0,
            open: DeletionTime::LIVE,
            current: Current::None,
            clustering: Vec::new(),
            row: Vec::new(),
            scratch: RowScratch::default(),
            block: IndexBlock::default(),
            block_number: 0,
            next_item: 0,
            items: Vec::new(),
            arena: Vec::new(),
            open_at_start: DeletionTime::LIVE,
        }
    }

    /// Goes to the start of the partition of `key` at `place`.
    pub(super) fn begin(&mut self, context: Context<'_>, key: &[u8], place: EntryPlace) -> Result<(), ReadError> {
        self.place = place;
        self.current = Current::None;
        self.open = DeletionTime::LIVE;
        self.has_static = false;
        self.promoted = None;
        self.header_length = None;
        self.step = if context.slices.is_empty() { Step::Done } else { Step::Seek(0) };
        let whole =
            !context.reversed && context.slices.first().is_some_and(|slice| slice.start.as_ref() == Position::FIRST);
        if place.promoted_length > 0 && !whole {
            let promoted = PromotedIndex::open(&mut self.index, context.index(), place)?;
            self.promoted = Some(promoted);
            self.header_length = Some(promoted.header_length);
            self.deletion = promoted.deletion;
            if !context.map.wants_statics(context.columns) {
                self.at = place.data.saturating_add(promoted.header_length);
                return Ok(());
            }
        }
        self.read_header(context, key)
    }

    fn read_header(&mut self, context: Context<'_>, key: &[u8]) -> Result<(), ReadError> {
        let (file, caches) = (&context.sstable.data, &*context.sstable.caches);
        let start = self.place.data;
        let mut deletion = DeletionTime::LIVE;
        let (same, length) = self.data.record(file, caches, start, file.length, |bytes| {
            let mut reader = helenus_model::codec::Reader::new(bytes);
            let same = reader.bytes16()? == key;
            deletion = read_full_deletion(&mut reader)?;
            Ok((same, reader.position()))
        })?;
        if !same {
            return Err(file.corrupt(start, "not the partition that the index says"));
        }
        self.deletion = deletion;
        self.at = start + length as u64;
        if !context.map.statics.columns.is_empty() {
            let head = self.read_head(context, true)?;
            let HeadKind::Row(flags) = head.kind else {
                return Err(file.corrupt(self.at, "static row"));
            };
            if context.map.wants_statics(context.columns) {
                let bytes = self.data.get(file, caches, self.at, head.length as usize)?;
                self.static_row.clear();
                let body = bytes.get(head.body..head.length as usize).unwrap_or_default();
                let (statics, bases) = (&context.map.statics, context.map.bases);
                let row = &mut self.static_row;
                self.has_static = read_row(body, flags, statics, bases, context.columns, &mut self.scratch, row)
                    .map_err(|error| file.undecodable(self.at, &error))?;
            }
            self.at += head.length;
        }
        if self.header_length.is_some_and(|length| start + length != self.at) {
            return Err(file.corrupt(start, "length of the partition header is not the index's"));
        }
        Ok(())
    }

    pub(super) fn static_row(&self) -> Option<RowRef<'_>> {
        self.has_static.then(|| RowRef::new(&self.static_row))
    }

    /// Reads the head at `at`, its clustering into `clustering`; the whole unfiltered lies in the file.
    #[inline]
    fn read_head(&mut self, context: Context<'_>, is_static: bool) -> Result<Head, ReadError> {
        let file = &context.sstable.data;
        let clustering = &mut self.clustering;
        let head = self.data.record(file, &context.sstable.caches, self.at, file.length, |bytes| {
            read_head(bytes, context.map, is_static, clustering)
        })?;
        if head.length > file.length - self.at {
            return Err(file.corrupt(self.at, "size of a row reaches beyond the end of the file"));
        }
        Ok(head)
    }

    /// Takes one row, marker or partition off the budget.
    pub(super) fn spend(&mut self) -> Result<(), ReadError> {
        match self.rows_left.checked_sub(1) {
            Some(left) => {
                self.rows_left = left;
                Ok(())
            }
            None => Err(ReadError::OverBudget),
        }
    }

    /// Goes to the next item; false at the end.
    pub(super) fn advance(&mut self, context: Context<'_>) -> Result<bool, ReadError> {
        if context.reversed { self.advance_backwards(context) } else { self.advance_forwards(context) }
    }

    pub(super) fn current<'w>(&'w self, slices: &'w [Slice]) -> Option<Unfiltered<'w>> {
        Some(match self.current {
            Current::None => return None,
            Current::Row => Unfiltered::Row { clustering: &self.clustering, row: RowRef::new(&self.row) },
            Current::Marker { weight, close, open } => {
                Unfiltered::Marker(Marker { position: Position { prefix: &self.clustering, weight }, close, open })
            }
            Current::SliceEnd { slice, at_start, close, open } => {
                let slice = slices.get(slice)?;
                let position = if at_start { slice.start.as_ref() } else { slice.end.as_ref() };
                Unfiltered::Marker(Marker { position, close, open })
            }
            Current::Buffered(i) => match *self.items.get(i)? {
                Buffered::Row { clustering, row, end } => Unfiltered::Row {
                    clustering: &self.arena[clustering..row],
                    row: RowRef::new(&self.arena[row..end]),
                },
                Buffered::Marker { prefix, end, weight, close, open } => {
                    let position = Position { prefix: &self.arena[prefix..end], weight };
                    // Met from the other side.
                    Unfiltered::Marker(Marker { position, close: open, open: close })
                }
            },
        })
    }

    fn advance_forwards(&mut self, context: Context<'_>) -> Result<bool, ReadError> {
        loop {
            match self.step {
                Step::Done => {
                    self.current = Current::None;
                    return Ok(false);
                }
                Step::Seek(number) => {
                    let Some(slice) = context.slices.get(number) else {
                        self.step = Step::Done;
                        continue;
                    };
                    if !self.seek(context, slice)? {
                        self.finish_forwards(context)?;
                        continue;
                    }
                    self.step = Step::Inside(number);
                    if !self.open.is_live() {
                        let (close, open) = (DeletionTime::LIVE, self.open);
                        self.current = Current::SliceEnd { slice: number, at_start: true, close, open };
                        return Ok(true);
                    }
                }
                Step::Inside(number) => {
                    if self.next_inside(context, number)? {
                        return Ok(true);
                    }
                }
                Step::Leave(number) => {
                    self.step = Step::Seek(number + 1);
                    if !self.open.is_live() {
                        let (close, open) = (self.open, DeletionTime::LIVE);
                        self.current = Current::SliceEnd { slice: number, at_start: false, close, open };
                        return Ok(true);
                    }
                }
            }
        }
    }

    /// The partition's end was met: nothing may be open there.
    fn finish_forwards(&mut self, context: Context<'_>) -> Result<(), ReadError> {
        self.step = Step::Done;
        if self.open.is_live() {
            return Ok(());
        }
        Err(context.sstable.data.corrupt(self.at, "a range tombstone is open at the end of the partition"))
    }

    /// Goes to the first item of a slice, or the first behind it; false at the end of the partition.
    fn seek(&mut self, context: Context<'_>, slice: &Slice) -> Result<bool, ReadError> {
        let start = slice.start.as_ref();
        if let Some(promoted) = self.promoted
            && start != Position::FIRST
        {
            let order = context.order();
            let index = context.index();
            let before = |block: &IndexBlock| order.compare_positions(block.last(), start).is_lt();
            let number = promoted.partition_point(&mut self.index, index, &mut self.block, before)?;
            let number = number.min(promoted.count - 1);
            let mut open = DeletionTime::LIVE;
            if number > 0 {
                promoted.block(&mut self.index, index, number - 1, &mut self.block)?;
                open = self.block.open();
            }
            promoted.block(&mut self.index, index, number, &mut self.block)?;
            let at = self.place.data.saturating_add(self.block.offset);
            if at > self.at {
                (self.at, self.open) = (at, open);
            }
        }
        loop {
            let head = self.read_head(context, false)?;
            let (weight, kind) = match head.kind {
                HeadKind::End => return Ok(false),
                HeadKind::Row(_) => (0, None),
                HeadKind::Marker(kind) => (kind.weight(), Some(kind)),
            };
            let place = Position { prefix: &self.clustering, weight };
            let order = context.order().compare_positions(place, start);
            if order.is_gt() || (order.is_eq() && kind.is_none()) {
                return Ok(true);
            }
            self.spend()?;
            if kind.is_some() {
                self.open = self.marker(context, head)?.1;
            }
            self.at += head.length;
        }
    }

    /// Reads the marker at `at`; what it closes must be what is open.
    fn marker(&mut self, context: Context<'_>, head: Head) -> Result<(DeletionTime, DeletionTime), ReadError> {
        let file = &context.sstable.data;
        let HeadKind::Marker(kind) = head.kind else { return Err(file.corrupt(self.at, "no marker")) };
        let bytes = self.data.get(file, &context.sstable.caches, self.at, head.length as usize)?;
        let body = bytes.get(head.body..head.length as usize).unwrap_or_default();
        let (close, open) =
            read_marker(body, kind, context.map.bases).map_err(|error| file.undecodable(self.at, &error))?;
        if close != self.open {
            return Err(file.corrupt(self.at, "a marker closes a deletion that is not open"));
        }
        Ok((close, open))
    }

    /// One step inside a slice: true when an item was met.
    fn next_inside(&mut self, context: Context<'_>, number: usize) -> Result<bool, ReadError> {
        let Some(slice) = context.slices.get(number) else {
            self.step = Step::Done;
            return Ok(false);
        };
        let end = slice.end.as_ref();
        let head = self.read_head(context, false)?;
        self.spend()?;
        match head.kind {
            HeadKind::End => {
                self.finish_forwards(context)?;
                Ok(false)
            }
            HeadKind::Row(flags) => {
                let place = Position::row(&self.clustering);
                if end != Position::LAST && context.order().compare_positions(place, end).is_gt() {
                    self.step = Step::Leave(number);
                    return Ok(false);
                }
                self.row.clear();
                if end.weight > 0 && *end.prefix == *self.clustering {
                    // The slice ends with exactly this row.
                    self.step = Step::Leave(number);
                }
                let found = self.row(context, head, flags)?;
                self.at += head.length;
                self.current = Current::Row;
                Ok(found)
            }
            HeadKind::Marker(kind) => {
                let weight = kind.weight();
                let place = Position { prefix: &self.clustering, weight };
                if context.order().compare_positions(place, end).is_ge() && end != Position::LAST {
                    self.step = Step::Leave(number);
                    return Ok(false);
                }
                let (close, open) = self.marker(context, head)?;
                self.open = open;
                self.at += head.length;
                self.current = Current::Marker { weight, close, open };
                Ok(true)
            }
        }
    }

    /// Appends the row at `at` to `row`; false when it says nothing.
    fn row(&mut self, context: Context<'_>, head: Head, flags: u8) -> Result<bool, ReadError> {
        let file = &context.sstable.data;
        let bytes = self.data.get(file, &context.sstable.caches, self.at, head.length as usize)?;
        let body = bytes.get(head.body..head.length as usize).unwrap_or_default();
        let (regulars, bases) = (&context.map.regulars, context.map.bases);
        read_row(body, flags, regulars, bases, context.columns, &mut self.scratch, &mut self.row)
            .map_err(|error| file.undecodable(self.at, &error))
    }

    fn advance_backwards(&mut self, context: Context<'_>) -> Result<bool, ReadError> {
        // Slices are numbered in reading order; `slice_of` gives their place in the list.
        let slice_of = |number: usize| context.slices.len().checked_sub(number + 1);
        loop {
            match self.step {
                Step::Done => {
                    self.current = Current::None;
                    return Ok(false);
                }
                Step::Seek(number) => {
                    let Some(at) = slice_of(number) else {
                        self.step = Step::Done;
                        continue;
                    };
                    let slice = &context.slices[at];
                    self.block_number = self.last_block(context, slice)?;
                    let open = self.load_block(context, slice)?;
                    self.step = Step::Inside(number);
                    if !open.is_live() {
                        self.current =
                            Current::SliceEnd { slice: at, at_start: false, close: DeletionTime::LIVE, open };
                        return Ok(true);
                    }
                }
                Step::Inside(number) => {
                    if let Some(next) = self.next_item.checked_sub(1) {
                        self.next_item = next;
                        self.current = Current::Buffered(next);
                        return Ok(true);
                    }
                    let Some(slice) = slice_of(number).and_then(|at| context.slices.get(at)) else {
                        self.step = Step::Done;
                        continue;
                    };
                    if self.previous_block(context, slice)? {
                        self.load_block(context, slice)?;
                    } else {
                        self.step = Step::Leave(number);
                    }
                }
                Step::Leave(number) => {
                    self.step = Step::Seek(number + 1);
                    if let Some(slice) = slice_of(number).filter(|_| !self.open_at_start.is_live()) {
                        let (close, open) = (self.open_at_start, DeletionTime::LIVE);
                        self.current = Current::SliceEnd { slice, at_start: true, close, open };
                        return Ok(true);
                    }
                }
            }
        }
    }

    /// The last block that may have something at or before the end of a slice; 0 without an index.
    fn last_block(&mut self, context: Context<'_>, slice: &Slice) -> Result<usize, ReadError> {
        let Some(promoted) = self.promoted else { return Ok(0) };
        let (order, end) = (context.order(), slice.end.as_ref());
        let before = |block: &IndexBlock| order.compare_positions(block.first(), end).is_le();
        let count = promoted.partition_point(&mut self.index, context.index(), &mut self.block, before)?;
        Ok(count.saturating_sub(1))
    }

    /// Goes to the block before, if it reaches into the slice.
    fn previous_block(&mut self, context: Context<'_>, slice: &Slice) -> Result<bool, ReadError> {
        let (Some(promoted), Some(number)) = (self.promoted, self.block_number.checked_sub(1)) else {
            return Ok(false);
        };
        promoted.block(&mut self.index, context.index(), number, &mut self.block)?;
        if context.order().compare_positions(self.block.last(), slice.start.as_ref()).is_lt() {
            return Ok(false);
        }
        self.block_number = number;
        Ok(true)
    }

    /// Reads the slice's items of the block `block_number` forwards into `items`. Returns the deletion open behind them.
    fn load_block(&mut self, context: Context<'_>, slice: &Slice) -> Result<DeletionTime, ReadError> {
        self.items.clear();
        self.arena.clear();
        self.open = DeletionTime::LIVE;
        let mut end = context.sstable.data.length;
        if let Some(promoted) = self.promoted {
            let number = self.block_number;
            if number > 0 {
                promoted.block(&mut self.index, context.index(), number - 1, &mut self.block)?;
                self.open = self.block.open();
            }
            promoted.block(&mut self.index, context.index(), number, &mut self.block)?;
            self.at = self.place.data.saturating_add(self.block.offset);
            if number + 1 < promoted.count {
                end = self.at.saturating_add(self.block.width);
            }
        } else if let Some(length) = self.header_length {
            self.at = self.place.data + length;
        } else {
            // The first slice: the walk stands behind the header.
            self.header_length = Some(self.at - self.place.data);
        }
        self.open_at_start = self.open;
        while self.at < end && self.buffer_next(context, slice)? {}
        self.next_item = self.items.len();
        Ok(self.open)
    }

    /// Buffers the unfiltered at `at` if it is in the slice; false behind the slice and at the end of the partition.
    fn buffer_next(&mut self, context: Context<'_>, slice: &Slice) -> Result<bool, ReadError> {
        let head = self.read_head(context, false)?;
        let order = context.order();
        let (start, end) = (slice.start.as_ref(), slice.end.as_ref());
        match head.kind {
            HeadKind::End => return Ok(false),
            HeadKind::Row(flags) => {
                let place = Position::row(&self.clustering);
                if order.compare_positions(place, end).is_gt() {
                    return Ok(false);
                }
                self.spend()?;
                if order.compare_positions(Position::row(&self.clustering), start).is_ge() {
                    self.row.clear();
                    if self.row(context, head, flags)? {
                        let clustering = self.arena.len();
                        self.arena.extend_from_slice(&self.clustering);
                        let row = self.arena.len();
                        self.arena.extend_from_slice(&self.row);
                        self.items.push(Buffered::Row { clustering, row, end: self.arena.len() });
                    }
                }
            }
            HeadKind::Marker(kind) => {
                let weight = kind.weight();
                let place = Position { prefix: &self.clustering, weight };
                if order.compare_positions(place, end).is_ge() {
                    return Ok(false);
                }
                let inside = order.compare_positions(place, start).is_gt();
                self.spend()?;
                let (close, open) = self.marker(context, head)?;
                self.open = open;
                if inside {
                    let prefix = self.arena.len();
                    self.arena.extend_from_slice(&self.clustering);
                    self.items.push(Buffered::Marker { prefix, end: self.arena.len(), weight, close, open });
                } else {
                    self.open_at_start = open;
                }
            }
        }
        self.at += head.length;
        Ok(true)
    }
}
