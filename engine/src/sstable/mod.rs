//! Immutable files of partitions in Cassandra's "big" format, version `nb`, all components, plus one of our own: a CRC of every
//! block of every component (`Helenus.db`), because `nb` has none for Index, Filter, Summary and CompressionInfo.
//!
//! Writing: [`SsTableWriter`]. Reading: [`SsTable`], whose cursors and scans are [`PartitionCursor`](crate::cursor::PartitionCursor)s.
//! Every byte is checked against a CRC before use; what is damaged answers [`ReadError::Corrupt`](crate::error::ReadError::Corrupt).

mod block_file;
mod bloom;
mod cache;
mod checksum;
mod clustering;
mod column_map;
mod component;
mod compress;
mod cursor;
mod data_writer;
mod encoding;
mod histogram;
mod index_reader;
mod index_writer;
mod key_sketch;
mod landmarks;
mod metadata;
mod reader;
mod row_reader;
mod row_writer;
mod serialization_header;
mod statistics;
mod summary;
#[cfg(test)]
mod test_content;
#[cfg(test)]
mod tests;
mod verify;
mod walker;
mod write_error;
mod writer;

pub use cache::SsTableCaches;
pub use component::{Component, Descriptor, Version};
pub use compress::{CompressionParams, Compressor};
pub use cursor::{SsTableCursor, SsTableScan};
pub use encoding::EncodingStats;
pub use histogram::{EstimatedHistogram, TombstoneHistogram};
pub use reader::SsTable;
pub use statistics::{LogPosition, Statistics, StatsMetadata};
pub use verify::VerifyReport;
pub use write_error::SsTableWriteError;
pub use writer::{SsTableInfo, SsTableWriter, WriterOptions};
