//! One partition's content from one source, item by item: what memtables, SSTables and other replicas' answers all are.

use helenus_model::key::KeyRef;
use helenus_model::partition::Unfiltered;
use helenus_model::row::{DeletionTime, RowRef};

use crate::error::ReadError;

/// Rows and range tombstone markers of one partition, in reading order, restricted to the slices asked for. A deletion that is
/// open where a slice starts is told by a marker at the slice's start, one open at its end by a marker at its end, so every
/// source's markers pair up within each slice.
pub trait PartitionCursor {
    /// The partition's deletion.
    fn deletion(&self) -> DeletionTime;
    /// Its static row, when there is one and it was asked for.
    fn static_row(&self) -> Option<RowRef<'_>>;
    /// Goes to the next item; false at the end.
    fn advance(&mut self) -> Result<bool, ReadError>;
    /// The item gone to; it is valid until the next `advance`.
    fn current(&self) -> Option<Unfiltered<'_>>;
}

/// A walk over the partitions of one source in ring order. After [`PartitionScan::next_partition`] said true, the scan is itself
/// the [`PartitionCursor`] of that partition.
pub trait PartitionScan: PartitionCursor {
    /// Goes to the next partition, also from the middle of one; false at the end.
    fn next_partition(&mut self) -> Result<bool, ReadError>;
    /// The key of the partition gone to.
    fn key(&self) -> KeyRef<'_>;
}

/// How a read behaves on the thread it runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadMode {
    /// False: answer [`ReadError::WouldBlock`] instead of waiting for the device.
    pub may_block: bool,
    /// Rows and markers the read may look at before it answers [`ReadError::OverBudget`].
    pub rows_budget: u64,
}

impl ReadMode {
    /// Waits for the device and reads to the end.
    pub const UNBOUNDED: ReadMode = ReadMode { may_block: true, rows_budget: u64::MAX };
}
