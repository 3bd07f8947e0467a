//! One node's storage: commit log, memtables, SSTables in Cassandra's `nb` format, compaction.
//!
//! The engine owns no thread and reads no clock. It is `Sync`: coordinators apply and read on their own threads; flush and
//! compaction are jobs that the caller runs in slices wherever it likes.

mod compaction;
pub mod cursor;
pub mod disk;
pub mod disk_memory;
pub mod engine;
pub mod error;
mod index;
pub mod log;
mod manifest;
pub mod memtable;
pub mod merge;
mod read;
mod recent;
pub mod sstable;
mod sstable_handle;
mod table_store;
#[cfg(test)]
mod testing;
