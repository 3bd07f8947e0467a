//! A walk over a memtable's partitions in ring order.

use std::sync::Arc;

use helenus_model::key::{KeyRef, RingPosition};
use helenus_model::partition::Unfiltered;
use helenus_model::read::Slice;
use helenus_model::row::{DeletionTime, RowRef};
use helenus_model::schema::Table;
use helenus_model::token::Token;

use super::{Memtable, MemtableCursor, Partition};
use crate::cursor::{PartitionCursor, PartitionScan};
use crate::error::ReadError;

/// Partitions fetched under one lock of a shard.
const BATCH: usize = 64;

/// How the partitions of a scan are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScanShape<'c> {
    /// The table's definition.
    pub(crate) table: &'c Table,
    /// Rows wanted.
    pub(crate) slices: &'c [Slice],
    /// From last to first.
    pub(crate) reversed: bool,
    /// With static rows.
    pub(crate) statics: bool,
    /// Rows that will be read of a partition, if it has so many; `u32::MAX` for all.
    pub(crate) rows_wanted: u32,
}

/// See [`PartitionScan`]. Partitions written behind the scan's place are missed, those before it are seen.
#[derive(Debug)]
pub(crate) struct MemtableScan<'c> {
    memtable: Arc<Memtable>,
    shape: ScanShape<'c>,
    start: RingPosition,
    end: RingPosition,
    more: bool,
    /// Fetched, last first.
    batch: Vec<(Token, Arc<Partition>)>,
    token: Token,
    partition: Option<Arc<Partition>>,
    cursor: Option<MemtableCursor<'c>>,
}

impl<'c> MemtableScan<'c> {
    /// Over the partitions of `[start, end)`.
    pub(crate) fn new(memtable: Arc<Memtable>, start: RingPosition, end: RingPosition, shape: ScanShape<'c>) -> Self {
        MemtableScan {
            memtable,
            shape,
            start,
            end,
            more: true,
            batch: Vec::new(),
            token: Token::MIN,
            partition: None,
            cursor: None,
        }
    }

    fn fetch(&mut self) {
        self.more = self.memtable.partitions_between(&self.start, &self.end, BATCH, &mut self.batch);
        if let Some((token, last)) = self.batch.last() {
            self.start = RingPosition::behind(KeyRef { token: *token, key: &last.key });
        }
        self.batch.reverse();
    }
}

impl PartitionScan for MemtableScan<'_> {
    fn next_partition(&mut self) -> Result<bool, ReadError> {
        self.cursor = None;
        self.partition = None;
        while self.batch.is_empty() && self.more {
            self.fetch();
        }
        let Some((token, partition)) = self.batch.pop() else { return Ok(false) };
        self.token = token;
        self.partition = Some(Arc::clone(&partition));
        self.cursor = Some(MemtableCursor::new(self.shape, partition));
        Ok(true)
    }

    fn key(&self) -> KeyRef<'_> {
        KeyRef { token: self.token, key: self.partition.as_ref().map_or(&[], |partition| &partition.key) }
    }
}

impl PartitionCursor for MemtableScan<'_> {
    fn deletion(&self) -> DeletionTime {
        self.cursor.as_ref().map_or(DeletionTime::LIVE, PartitionCursor::deletion)
    }

    fn static_row(&self) -> Option<RowRef<'_>> {
        self.cursor.as_ref().and_then(PartitionCursor::static_row)
    }

    fn advance(&mut self) -> Result<bool, ReadError> {
        self.cursor.as_mut().map_or(Ok(false), PartitionCursor::advance)
    }

    fn current(&self) -> Option<Unfiltered<'_>> {
        self.cursor.as_ref().and_then(PartitionCursor::current)
    }
}
