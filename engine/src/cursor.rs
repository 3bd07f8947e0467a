//! One partition's content from one source, item by item: what memtables, SSTables and other replicas' answers all are.

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
