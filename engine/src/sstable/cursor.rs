//! Reads of one partition, and of many in ring order.

use std::sync::Arc;

use arc_swap::Guard;
use helenus_model::key::{KeyRef, RingPosition};
use helenus_model::partition::Unfiltered;
use helenus_model::read::{ColumnFilter, Slice};
use helenus_model::row::{DeletionTime, RowRef};
use helenus_model::token::Token;

use super::block_file::WindowMode;
use super::column_map::ColumnMap;
use super::index_reader::read_entry;
use super::reader::SsTable;
use super::walker::{Context, Walker};
use crate::cursor::{PartitionCursor, PartitionScan, ReadMode};
use crate::error::ReadError;

/// Most bytes a range read reads ahead.
const READ_AHEAD: usize = 256 * 1024;
/// Most bytes a compaction reads ahead.
const COMPACTION_READ_AHEAD: usize = 1 << 20;

/// One partition of one SSTable.
#[derive(Debug)]
pub struct SsTableCursor<'a> {
    sstable: &'a SsTable,
    map: Guard<Arc<ColumnMap>>,
    slices: &'a [Slice],
    columns: &'a ColumnFilter,
    reversed: bool,
    walker: Walker,
}

impl<'a> SsTableCursor<'a> {
    pub(super) fn open(
        sstable: &'a SsTable,
        key: KeyRef<'_>,
        slices: &'a [Slice],
        reversed: bool,
        columns: &'a ColumnFilter,
        mode: ReadMode,
    ) -> Result<Option<Self>, ReadError> {
        let window = WindowMode { may_block: mode.may_block, read_ahead: 0, cache: true };
        let mut walker = Walker::new(mode, window, window);
        let Some(place) = sstable.find(&mut walker.index, key)? else { return Ok(None) };
        let map = sstable.borrow_map();
        let mut cursor = SsTableCursor { sstable, map, slices, columns, reversed, walker };
        let context = Context { sstable, map: &cursor.map, slices, columns, reversed };
        cursor.walker.begin(context, key.key, place)?;
        Ok(Some(cursor))
    }
}

impl PartitionCursor for SsTableCursor<'_> {
    fn deletion(&self) -> DeletionTime {
        self.walker.deletion
    }

    fn static_row(&self) -> Option<RowRef<'_>> {
        self.walker.static_row()
    }

    fn advance(&mut self) -> Result<bool, ReadError> {
        let context = Context {
            sstable: self.sstable,
            map: &self.map,
            slices: self.slices,
            columns: self.columns,
            reversed: self.reversed,
        };
        self.walker.advance(context)
    }

    fn current(&self) -> Option<Unfiltered<'_>> {
        self.walker.current(self.slices)
    }
}

/// What a scan is for: it decides whether the chunk cache is used and how much is read ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScanPurpose {
    Read,
    Compaction,
}

/// The partitions of a range of one SSTable.
#[derive(Debug)]
pub struct SsTableScan {
    sstable: Arc<SsTable>,
    map: Arc<ColumnMap>,
    slices: Box<[Slice]>,
    columns: ColumnFilter,
    end: RingPosition,
    walker: Walker,
    /// Position of the next entry in Index.db; None behind the last of the range.
    next_entry: Option<u64>,
    key: Vec<u8>,
    token: Token,
}

impl SsTableScan {
    pub(super) fn open(
        sstable: Arc<SsTable>,
        start: &RingPosition,
        end: RingPosition,
        slices: &[Slice],
        columns: ColumnFilter,
        mode: ReadMode,
        purpose: ScanPurpose,
    ) -> Result<Self, ReadError> {
        let cache = purpose == ScanPurpose::Read;
        let ahead = match (mode.may_block, purpose) {
            // What is in memory comes in pieces; a large one might not be.
            (false, _) => 0,
            (true, ScanPurpose::Read) => READ_AHEAD,
            (true, ScanPurpose::Compaction) => COMPACTION_READ_AHEAD,
        };
        let window = WindowMode { may_block: mode.may_block, read_ahead: ahead, cache };
        let mut scan = SsTableScan {
            map: sstable.map(),
            slices: slices.into(),
            columns,
            end,
            walker: Walker::new(mode, window, window),
            next_entry: None,
            key: Vec::new(),
            token: Token::MIN,
            sstable,
        };
        scan.seek(start)?;
        Ok(scan)
    }

    /// Goes to the first entry of the range.
    fn seek(&mut self, start: &RingPosition) -> Result<(), ReadError> {
        let before = |token: Token, key: &[u8]| start.compare_to_key(KeyRef { token, key }).is_gt();
        let sample = self.sstable.summary.partition_point(before).saturating_sub(1);
        let mut position = self.sstable.summary.position(sample).unwrap_or(0);
        while position < self.sstable.index.length {
            let (index, caches) = (&self.sstable.index, &*self.sstable.caches);
            let place = read_entry(&mut self.walker.index, index, caches, position, &mut self.key)?;
            if !start.compare_to_key(KeyRef::new(&self.key)).is_gt() {
                self.next_entry = Some(position);
                return Ok(());
            }
            position = place.end();
        }
        Ok(())
    }
}

impl PartitionCursor for SsTableScan {
    fn deletion(&self) -> DeletionTime {
        self.walker.deletion
    }

    fn static_row(&self) -> Option<RowRef<'_>> {
        self.walker.static_row()
    }

    fn advance(&mut self) -> Result<bool, ReadError> {
        let context = Context {
            sstable: &self.sstable,
            map: &self.map,
            slices: &self.slices,
            columns: &self.columns,
            reversed: false,
        };
        self.walker.advance(context)
    }

    fn current(&self) -> Option<Unfiltered<'_>> {
        self.walker.current(&self.slices)
    }
}

impl PartitionScan for SsTableScan {
    fn next_partition(&mut self) -> Result<bool, ReadError> {
        let Some(position) = self.next_entry.take() else { return Ok(false) };
        self.walker.spend()?;
        let (index, caches) = (&self.sstable.index, &*self.sstable.caches);
        let before = self.token;
        let place = read_entry(&mut self.walker.index, index, caches, position, &mut self.key)?;
        self.token = Token::of_key(&self.key);
        if self.token < before {
            return Err(index.corrupt(position, "order of partitions"));
        }
        if !self.end.compare_to_key(self.key()).is_gt() {
            return Ok(false);
        }
        if place.end() < index.length {
            self.next_entry = Some(place.end());
        }
        let context = Context {
            sstable: &self.sstable,
            map: &self.map,
            slices: &self.slices,
            columns: &self.columns,
            reversed: false,
        };
        self.walker.begin(context, &self.key, place)?;
        Ok(true)
    }

    fn key(&self) -> KeyRef<'_> {
        KeyRef { token: self.token, key: &self.key }
    }
}
