//! The disk as the engine sees it: a dozen calls, so that tests and the simulator bring disks that fail, tear, forget or delay.
//!
//! Paths are relative to the node's data directory, with `/` between parts. Nothing here retries: the first error of a sync
//! is final for its file.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// What a disk refused, and where.
#[derive(Clone, Debug, Error)]
#[error("{operation} {path}: {message}")]
pub struct DiskError {
    /// The call that failed: `open`, `write`, `sync` …
    pub operation: &'static str,
    /// The path it was made for.
    pub path: String,
    /// The operating system's words.
    pub message: String,
    /// What the caller may want to tell apart.
    pub kind: DiskErrorKind,
}

/// Kinds of [`DiskError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskErrorKind {
    /// There is no such file.
    NotFound,
    /// No space is left.
    Full,
    /// Anything else.
    Other,
}

/// Result of a disk call.
pub type DiskResult<T> = Result<T, DiskError>;

/// A directory tree.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Makes a new file for writing and reading; an existing one is an error.
    fn create(&self, path: &str) -> DiskResult<Arc<dyn DiskFile>>;
    /// Opens an existing file for reading and writing.
    fn open(&self, path: &str) -> DiskResult<Arc<dyn DiskFile>>;
    /// Renames a file, replacing the target.
    fn rename(&self, from: &str, to: &str) -> DiskResult<()>;
    /// Removes a file, or an empty directory.
    fn remove(&self, path: &str) -> DiskResult<()>;
    /// Makes a second name for a file (snapshots).
    fn link(&self, from: &str, to: &str) -> DiskResult<()>;
    /// Makes a directory and its parents; an existing one is fine.
    fn create_dir(&self, path: &str) -> DiskResult<()>;
    /// Names in a directory, sorted; directories end with `/`. A directory that is not there is an error of kind NotFound.
    fn list(&self, path: &str) -> DiskResult<Vec<String>>;
    /// Makes creations, renames and removals in a directory durable.
    fn sync_dir(&self, path: &str) -> DiskResult<()>;
    /// Bytes that may still be written.
    fn free_bytes(&self) -> DiskResult<u64>;
}

/// An open file. All calls may come from several threads.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Writes all of `bytes` at `offset`; behind the end it grows. On return the operating system has them.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> DiskResult<()>;
    /// Reads exactly `into.len()` bytes at `offset`; a shorter file is an error. May wait for the device.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> DiskResult<()>;
    /// The same, but only if the bytes are in memory: false when the device would be waited for.
    fn try_read_at(&self, offset: u64, into: &mut [u8]) -> DiskResult<bool>;
    /// Makes the content durable.
    fn sync(&self) -> DiskResult<()>;
    /// Length in bytes.
    fn len(&self) -> DiskResult<u64>;
    /// True when the file has no bytes.
    fn is_empty(&self) -> DiskResult<bool> {
        Ok(self.len()? == 0)
    }
    /// Sets the length (a torn tail is cut, a log segment is made ready).
    fn set_len(&self, len: u64) -> DiskResult<()>;
}
