//! An SSTable of the store, with what reads and compaction ask of it without touching the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use helenus_model::key::{KeyRef, RingPosition};
use helenus_model::read::{ColumnFilter, Slice};
use helenus_model::schema::Table;
use helenus_model::time::{LocalSeconds, Now, WriteTimestamp};

use crate::cursor::ReadMode;
use crate::disk::Disk;
use crate::error::ReadError;
use crate::manifest::Generation;
use crate::sstable::{SsTable, SsTableCaches, SsTableCursor, SsTableScan};

/// See the module.
#[derive(Debug)]
pub(crate) struct SsTableHandle {
    pub(crate) generation: Generation,
    /// Bytes on disk.
    pub(crate) bytes: u64,
    pub(crate) min_timestamp: WriteTimestamp,
    pub(crate) max_timestamp: WriteTimestamp,
    /// When it became part of the store, or this process found it, seconds.
    pub(crate) opened_at: AtomicI64,
    pub(crate) reader: Arc<SsTable>,
}

impl SsTableHandle {
    /// Opens SSTable `generation` in `directory`.
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        caches: &Arc<SsTableCaches>,
        directory: &str,
        generation: Generation,
        table: &Arc<Table>,
        now: Now,
    ) -> Result<Self, ReadError> {
        let id = generation.to_string();
        let reader = SsTable::open(Arc::clone(disk), directory, &id, table, Arc::clone(caches))?;
        Ok(SsTableHandle {
            generation,
            bytes: reader.size(),
            min_timestamp: reader.metadata().min_timestamp,
            max_timestamp: reader.metadata().max_timestamp,
            opened_at: AtomicI64::new(now.seconds()),
            reader,
        })
    }

    /// False when there is surely no partition of this key.
    #[inline]
    pub(crate) fn may_contain(&self, key: KeyRef<'_>) -> bool {
        self.reader.may_contain(key)
    }

    /// Reads one partition.
    pub(crate) fn cursor<'a>(
        &'a self,
        key: KeyRef<'_>,
        slices: &'a [Slice],
        reversed: bool,
        columns: &'a ColumnFilter,
        mode: ReadMode,
    ) -> Result<Option<SsTableCursor<'a>>, ReadError> {
        self.reader.cursor(key, slices, reversed, columns, mode)
    }

    /// Reads the partitions of `[start, end)`.
    pub(crate) fn scan(
        &self,
        start: &RingPosition,
        end: &RingPosition,
        slices: &[Slice],
        columns: &ColumnFilter,
        mode: ReadMode,
    ) -> Result<SsTableScan, ReadError> {
        self.reader.scan(start, end, slices, columns, mode)
    }

    /// True when both have keys of a common part of the ring.
    pub(crate) fn overlaps(&self, other: &SsTableHandle) -> bool {
        self.reader.first() <= other.reader.last() && other.reader.first() <= self.reader.last()
    }

    /// About which share of the columns are tombstones issued before `gc_before`.
    pub(crate) fn droppable_ratio(&self, gc_before: LocalSeconds) -> f64 {
        let metadata = self.reader.metadata();
        let columns =
            metadata.cells_per_partition.mean().max(0) as f64 * metadata.cells_per_partition.count().max(0) as f64;
        if columns <= 0.0 {
            return 0.0;
        }
        metadata.tombstones.sum_until(gc_before as f64) / columns
    }

    /// Seconds since it became part of the store.
    pub(crate) fn age(&self, now: LocalSeconds) -> i64 {
        now.saturating_sub(self.opened_at.load(Ordering::Relaxed))
    }
}
