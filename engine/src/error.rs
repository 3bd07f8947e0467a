//! What can go wrong in the engine, by kind of operation.

use thiserror::Error;
use uuid::Uuid;

use crate::disk::DiskError;

/// A read could not be answered.
#[derive(Clone, Debug, Error)]
pub enum ReadError {
    /// The data is not in memory, and the caller did not want to wait: run the read again where waiting is allowed.
    #[error("the read would wait for the disk")]
    WouldBlock,
    /// The read went over its budget of rows or bytes on this thread: run it again where long reads belong.
    #[error("the read is too long for this thread")]
    OverBudget,
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A file's bytes are not what was written.
    #[error("{path} is corrupt at byte {offset}: {what}")]
    Corrupt {
        /// The file.
        path: String,
        /// Where, in the file.
        offset: u64,
        /// What was expected and found.
        what: String,
    },
    /// The table is not known here.
    #[error("unknown table {0}")]
    UnknownTable(Uuid),
    /// The reader gave up: it had passed more tombstones than it may.
    #[error("scanned over {0} tombstones (see tombstone_failure_threshold)")]
    TooManyTombstones(u64),
    /// The secondary index is not known here, or not built yet.
    #[error("index {0} is not available")]
    IndexNotAvailable(Uuid),
}

/// A write was not done.
#[derive(Clone, Debug, Error)]
pub enum WriteError {
    /// The disk failed; the log takes no more writes until a restart.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The log failed before; the first failure's words.
    #[error("writes are stopped: {0}")]
    Stopped(String),
    /// Flushes do not keep up with the writes.
    #[error("the memtables are full")]
    Overloaded,
    /// The mutation is larger than half a log segment.
    #[error("Mutation of {bytes} bytes is too large for the maximum size of {bytes_max}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// An SSTable could not be read, or does not fit the table's new definition.
    #[error(transparent)]
    SsTable(#[from] ReadError),
    /// The snapshot before a truncation or drop could not be made, so nothing was done.
    #[error("snapshot: {0}")]
    Snapshot(String),
    /// The table has materialized views: the write goes by [`crate::engine::Engine::apply_with_views`].
    #[error("the table has materialized views")]
    HasViews,
    /// A view of the table cannot have the key that the write gives it: it has so many bytes.
    #[error("Key length of {0} is longer than maximum of 65535")]
    ViewKeyTooLong(usize),
    /// None of the mutation's tables is known here.
    #[error("unknown table {0}")]
    UnknownTable(Uuid),
}

/// The engine does not start.
#[derive(Clone, Debug, Error)]
pub enum OpenError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A file's bytes are not what was written.
    #[error("{path} is corrupt at byte {offset}: {what}")]
    Corrupt {
        /// The file.
        path: String,
        /// Where, in the file.
        offset: u64,
        /// What was expected and found.
        what: String,
    },
    /// A whole SSTable lies in a table's directory that nobody here wrote.
    #[error("{path} is not in the manifest: move it away and bring it in with `nodetool import`")]
    UnknownSsTable {
        /// Its Data.db.
        path: String,
    },
    /// A file lies where none of its name belongs.
    #[error("{path} does not belong in the data directory")]
    UnknownFile {
        /// The file.
        path: String,
    },
    /// An SSTable or the manifest could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log holds more than fits into memory, and what was replayed could not be flushed.
    #[error("flush while the log is replayed: {0}")]
    Flush(String),
    /// Written by another version.
    #[error("{path} has format version {version}; this program reads {supported}")]
    Version {
        /// The file.
        path: String,
        /// What it says.
        version: u8,
        /// What is known.
        supported: u8,
    },
}
