//! The kinds of sources a read merges, in one type, so that no call goes through a table of functions.

use helenus_model::key::KeyRef;
use helenus_model::partition::Unfiltered;
use helenus_model::row::{DeletionTime, RowRef};

use crate::cursor::{PartitionCursor, PartitionScan};
use crate::error::ReadError;
use crate::memtable::{MemtableCursor, MemtableScan};
use crate::sstable::{SsTableCursor, SsTableScan};

/// One partition of one source.
#[derive(Debug)]
pub(crate) enum CursorSource<'c> {
    Memtable(MemtableCursor<'c>),
    SsTable(Box<SsTableCursor<'c>>),
}

/// A range of one source.
#[derive(Debug)]
pub(crate) enum ScanSource<'c> {
    Memtable(Box<MemtableScan<'c>>),
    SsTable(Box<SsTableScan>),
}

macro_rules! cursor {
    ($type:ident, $($variant:ident),*) => {
        impl PartitionCursor for $type<'_> {
            fn deletion(&self) -> DeletionTime {
                match self { $($type::$variant(source) => source.deletion(),)* }
            }

            fn static_row(&self) -> Option<RowRef<'_>> {
                match self { $($type::$variant(source) => source.static_row(),)* }
            }

            fn advance(&mut self) -> Result<bool, ReadError> {
                match self { $($type::$variant(source) => source.advance(),)* }
            }

            fn current(&self) -> Option<Unfiltered<'_>> {
                match self { $($type::$variant(source) => source.current(),)* }
            }
        }
    };
}

cursor!(CursorSource, Memtable, SsTable);
cursor!(ScanSource, Memtable, SsTable);

impl PartitionScan for ScanSource<'_> {
    fn next_partition(&mut self) -> Result<bool, ReadError> {
        match self {
            ScanSource::Memtable(scan) => scan.next_partition(),
            ScanSource::SsTable(scan) => scan.next_partition(),
        }
    }

    fn key(&self) -> KeyRef<'_> {
        match self {
            ScanSource::Memtable(scan) => scan.key(),
            ScanSource::SsTable(scan) => scan.key(),
        }
    }
}
