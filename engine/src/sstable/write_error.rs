//! Why an SSTable could not be written.

use helenus_model::row::ColumnId;
use thiserror::Error;

use crate::disk::DiskError;

/// An SSTable was not written. What was begun is removed by [`super::SsTableWriter::abort`].
#[derive(Clone, Debug, Error)]
pub enum SsTableWriteError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A deletion or expiry lies outside what 32-bit seconds hold; the writer of the statement should have capped it.
    #[error("local deletion time {0} does not fit the nb format")]
    DeletionTimeOutOfRange(i64),
    /// A TTL below zero.
    #[error("negative TTL {0}")]
    NegativeTtl(i32),
    /// A row has a column that the header of the file was not told of.
    #[error("column {0} is not in the file's header")]
    ColumnNotInHeader(ColumnId),
    /// A value's length is not that of its type, or a path is missing or too much.
    #[error("column {column}: {what}")]
    InvalidCell {
        /// The column.
        column: ColumnId,
        /// What is wrong.
        what: &'static str,
    },
    /// A clustering has too many, too few or invalid values.
    #[error("clustering: {0}")]
    InvalidClustering(&'static str),
    /// Keys or rows did not come in order.
    #[error("{0} out of order")]
    OutOfOrder(&'static str),
    /// A limit of the format.
    #[error("{0} is too large for the nb format")]
    TooLarge(&'static str),
    /// The table's options ask for something unknown.
    #[error("not supported yet: {0}")]
    Unsupported(String),
}
