//! Writes one SSTable: partitions in ring order go in, all components come out.

use std::sync::Arc;

use helenus_model::key::{BoundKind, DecoratedKey, KeyRef, Position, PositionBuf};
use helenus_model::limits::KEY_BYTES_MAX;
use helenus_model::partition::Unfiltered;
use helenus_model::row::{DeletionTime, RowRef};
use helenus_model::schema::{ColumnKind, Table};
use helenus_model::time::{LocalSeconds, WriteTimestamp};
use uuid::Uuid;

use super::bloom::BloomFilter;
use super::checksum::{BlockSums, Sidecar, block_size};
use super::component::{Component, Descriptor, Version};
use super::compress::CompressionParams;
use super::data_writer::{DataSummary, DataWriter, OutputFile};
use super::encoding::EncodingStats;
use super::index_writer::{PartitionIndex, put_full_deletion};
use super::metadata::MetadataCollector;
use super::row_writer::{END_OF_PARTITION, RowWriter};
use super::serialization_header::{SerializationHeader, columns_in_file};
use super::statistics::{LogPosition, PARTITIONER, Statistics, StatsMetadata};
use super::summary::SummaryBuilder;
use super::write_error::SsTableWriteError;
use crate::disk::{Disk, DiskErrorKind, DiskResult};

/// Rows of a large partition are handed to the chunks when this many bytes have gathered.
const PARTITION_BUFFER: usize = 64 * 1024;

/// How a file is written.
#[derive(Clone, Debug, PartialEq)]
pub struct WriterOptions {
    /// Format; only [`Version::Nb`] is written so far.
    pub version: Version,
    /// None: uncompressed.
    pub compression: Option<CompressionParams>,
    /// `column_index_size`: bytes between entries of a wide partition's index.
    pub column_index_size: u32,
    /// Parts of the commit log whose content is in the file.
    pub commit_log: Vec<(LogPosition, LogPosition)>,
    /// This node.
    pub originating_host: Option<Uuid>,
    /// Level in leveled compaction.
    pub level: i32,
    /// Milliseconds; 0 for unrepaired.
    pub repaired_at: i64,
    /// Partitions expected; the bloom filter is made for so many.
    pub estimated_partitions: u64,
    /// Smallest times and columns of everything that will be written.
    pub encoding: EncodingStats,
}

impl WriterOptions {
    /// What the table's options say, for so many partitions with this content.
    pub fn of_table(
        table: &Table,
        encoding: EncodingStats,
        estimated_partitions: u64,
    ) -> Result<Self, SsTableWriteError> {
        Ok(WriterOptions {
            version: Version::Nb,
            compression: CompressionParams::of_table(&table.params)?,
            column_index_size: 64 * 1024,
            commit_log: Vec::new(),
            originating_host: None,
            level: 0,
            repaired_at: 0,
            estimated_partitions,
            encoding,
        })
    }
}

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub struct SsTableInfo {
    /// Where.
    pub descriptor: Descriptor,
    /// The components and their lengths in bytes, TOC last.
    pub components: Vec<(Component, u64)>,
    /// First key.
    pub first: DecoratedKey,
    /// Last key.
    pub last: DecoratedKey,
    /// Partitions.
    pub partitions: u64,
    /// Rows, and static rows with content.
    pub rows: u64,
    /// Cells, tombstones included.
    pub cells: u64,
    /// Tombstones of every kind, and expiring cells and markers.
    pub tombstones: u64,
    /// Bytes before compression.
    pub uncompressed_length: u64,
    /// Some partition has a deletion of its own.
    pub has_partition_deletions: bool,
    /// Smallest timestamp.
    pub min_timestamp: WriteTimestamp,
    /// Largest timestamp.
    pub max_timestamp: WriteTimestamp,
    /// Smallest deletion or expiry time.
    pub min_local_deletion_time: LocalSeconds,
    /// Largest deletion or expiry time; live things count as never.
    pub max_local_deletion_time: LocalSeconds,
    /// All that Statistics.db says.
    pub stats: StatsMetadata,
}

impl SsTableInfo {
    /// Paths of all components.
    pub fn paths(&self) -> Vec<String> {
        self.components.iter().map(|(component, _)| self.descriptor.path(*component)).collect()
    }

    /// Bytes on disk.
    pub fn size(&self) -> u64 {
        self.components.iter().map(|(_, length)| length).sum()
    }
}

/// The partition being written.
#[derive(Debug)]
struct Open {
    key: DecoratedKey,
    /// Where it starts in uncompressed Data.db.
    start: u64,
    /// Where the last unfiltered starts, from the partition's start.
    previous: u64,
    last: Option<PositionBuf>,
    deletion_open: bool,
}

/// Writes an SSTable. On any error call [`SsTableWriter::abort`].
#[derive(Debug)]
pub struct SsTableWriter {
    disk: Arc<dyn Disk>,
    descriptor: Descriptor,
    table: Arc<Table>,
    options: WriterOptions,
    header: SerializationHeader,
    rows: RowWriter,
    data: DataWriter,
    index: OutputFile,
    partition_index: PartitionIndex,
    filter: Option<BloomFilter>,
    summary: SummaryBuilder,
    meta: MetadataCollector,
    /// Bytes of the open partition that are not with `data` yet.
    buffer: Vec<u8>,
    index_entry: Vec<u8>,
    open: Option<Open>,
    first: Option<DecoratedKey>,
    last: Option<DecoratedKey>,
    partitions: u64,
    created: Vec<Component>,
}

impl SsTableWriter {
    /// Starts the files. `id` is opaque text without `-`; `directory` must exist.
    pub fn create(
        disk: Arc<dyn Disk>,
        directory: &str,
        id: &str,
        table: Arc<Table>,
        options: WriterOptions,
    ) -> Result<Self, SsTableWriteError> {
        let Version::Nb = options.version;
        let descriptor = Descriptor::new(directory, id);
        let header = SerializationHeader::of_table(&table, &options.encoding)?;
        let statics = columns_in_file(&table, &options.encoding, ColumnKind::Static);
        let regulars = columns_in_file(&table, &options.encoding, ColumnKind::Regular);
        let rows = RowWriter::new(&table, header.bases, &statics, &regulars);
        let create = |component| OutputFile::create(&*disk, &descriptor.path(component), block_size(component));
        let data = create(Component::Data)?;
        let begun = create(Component::Index)
            .map_err(SsTableWriteError::from)
            .and_then(|index| Ok((DataWriter::new(data, options.compression.clone())?, index)));
        let (data, index) = match begun {
            Ok(files) => files,
            Err(error) => {
                // The first error is the one to tell; Index.db may be another's and stays.
                let _ = disk.remove(&descriptor.path(Component::Data));
                return Err(error);
            }
        };
        Ok(SsTableWriter {
            rows,
            data,
            index,
            partition_index: PartitionIndex::new(options.column_index_size),
            filter: BloomFilter::new(options.estimated_partitions, table.params.bloom_filter_fp_chance),
            summary: SummaryBuilder::new(table.params.min_index_interval),
            meta: MetadataCollector::new(),
            buffer: Vec::new(),
            index_entry: Vec::new(),
            open: None,
            first: None,
            last: None,
            partitions: 0,
            created: vec![Component::Data, Component::Index],
            disk,
            descriptor,
            table,
            options,
            header,
        })
    }

    /// Where the files are.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Uncompressed bytes written so far: compaction splits its output by it.
    pub fn uncompressed_length(&self) -> u64 {
        self.data.position() + self.buffer.len() as u64
    }

    /// Compressed bytes of Data.db written so far.
    pub fn file_length(&self) -> u64 {
        self.data.out.position()
    }

    /// Partitions written so far.
    pub fn partitions(&self) -> u64 {
        self.partitions
    }

    /// Starts a partition; keys come in ring order.
    pub fn begin_partition(
        &mut self,
        key: KeyRef<'_>,
        deletion: DeletionTime,
        static_row: Option<RowRef<'_>>,
    ) -> Result<(), SsTableWriteError> {
        let in_order = self.open.is_none() && self.last.as_ref().is_none_or(|last| last.as_ref() < key);
        if !in_order {
            return Err(SsTableWriteError::OutOfOrder("partition"));
        }
        if key.key.len() > KEY_BYTES_MAX {
            return Err(SsTableWriteError::TooLarge("partition key"));
        }
        let start = self.data.position();
        self.buffer.clear();
        self.buffer.extend_from_slice(&(key.key.len() as u16).to_be_bytes());
        self.buffer.extend_from_slice(key.key);
        put_full_deletion(deletion, &mut self.buffer)?;
        if !deletion.is_live() {
            self.meta.deletion(deletion.marked_at, super::encoding::narrow_local(deletion.local)?);
            self.meta.has_partition_deletions = true;
        }
        if self.rows.has_statics() {
            self.rows.static_row(static_row, &mut self.meta, &mut self.buffer)?;
        } else if static_row.is_some_and(|row| row.cells().any(|cell| self.table.column_by_id(cell.column).is_some())) {
            return Err(SsTableWriteError::OutOfOrder("static row without static columns in the header"));
        }
        self.partition_index.begin(deletion, self.buffer.len() as u64);
        self.open = Some(Open { key: key.to_owned(), start, previous: 0, last: None, deletion_open: false });
        Ok(())
    }

    /// Writes a row or marker of the open partition, in table order.
    pub fn unfiltered(&mut self, item: Unfiltered<'_>) -> Result<(), SsTableWriteError> {
        let Some(open) = &mut self.open else {
            return Err(SsTableWriteError::OutOfOrder("row outside a partition"));
        };
        let position = item.position();
        let order = self.table.comparator();
        if let Some(last) = &open.last
            && !order.compare_positions(last.as_ref(), position).is_lt()
        {
            return Err(SsTableWriteError::OutOfOrder("row"));
        }
        let start = self.data.position() - open.start + self.buffer.len() as u64;
        let previous = start - open.previous;
        let mut kind = None;
        let written = match &item {
            Unfiltered::Row { clustering, row } => {
                self.rows.row(clustering, *row, previous, &mut self.meta, &mut self.buffer)?
            }
            Unfiltered::Marker(marker) => {
                let (closes, opens) = (!marker.close.is_live(), !marker.open.is_live());
                if closes != open.deletion_open {
                    return Err(SsTableWriteError::OutOfOrder("range tombstone marker"));
                }
                kind = BoundKind::of(position.weight, closes, opens);
                if let Some(kind) = kind {
                    self.rows.marker(marker, kind, previous, &mut self.meta, &mut self.buffer)?;
                    open.deletion_open = opens;
                }
                kind.is_some()
            }
        };
        if !written {
            return Ok(());
        }
        let end = self.data.position() - open.start + self.buffer.len() as u64;
        self.partition_index.add(&item, kind, &self.rows.lengths, start, end)?;
        if kind.is_none_or(|kind| !(kind.closes() && kind.opens())) {
            self.meta.place(order, position);
        }
        open.previous = start;
        remember(&mut open.last, position);
        if self.buffer.len() >= PARTITION_BUFFER {
            self.data.put(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Ends the open partition.
    pub fn end_partition(&mut self) -> Result<(), SsTableWriteError> {
        let Some(open) = self.open.take() else {
            return Err(SsTableWriteError::OutOfOrder("end of partition"));
        };
        if open.deletion_open {
            return Err(SsTableWriteError::OutOfOrder("range tombstone without an end"));
        }
        self.buffer.push(END_OF_PARTITION);
        self.data.put(&self.buffer)?;
        self.buffer.clear();
        let length = self.data.position() - open.start;
        self.meta.end_partition(length);
        self.index_entry.clear();
        self.partition_index.finish(&open.key.key, open.start, length, &mut self.index_entry)?;
        let index_position = self.index.position();
        self.index.put(&self.index_entry)?;
        self.summary.add(&open.key.key, index_position);
        if let Some(filter) = &mut self.filter {
            filter.add(&open.key.key);
        }
        self.meta.sketch.add(&open.key.key);
        self.partitions += 1;
        if self.first.is_none() {
            self.first = Some(open.key.clone());
        }
        self.last = Some(open.key);
        Ok(())
    }

    /// Writes the remaining components and makes everything durable, the table of contents last. None, with all files removed,
    /// when there was no partition.
    pub fn finish(mut self) -> Result<Option<SsTableInfo>, SsTableWriteError> {
        match self.complete() {
            Ok(Some(info)) => Ok(Some(info)),
            Ok(None) => {
                self.abort()?;
                Ok(None)
            }
            Err(error) => {
                // The first error is the one to tell.
                let _ = self.abort();
                Err(error)
            }
        }
    }

    fn complete(&mut self) -> Result<Option<SsTableInfo>, SsTableWriteError> {
        if self.open.is_some() {
            return Err(SsTableWriteError::OutOfOrder("end of the file inside a partition"));
        }
        let (Some(first), Some(last)) = (self.first.clone(), self.last.clone()) else { return Ok(None) };
        let data = self.data.finish()?;
        self.index.finish()?;
        let mut sidecar = Sidecar {
            partitions: self.partitions,
            has_partition_deletions: self.meta.has_partition_deletions,
            components: Vec::new(),
        };
        sidecar.add(Component::Data, self.data.out.sums.clone());
        sidecar.add(Component::Index, self.index.sums.clone());
        let (rows, cells, tombstones) = (self.meta.rows as u64, self.meta.cells, self.meta.tombstones_seen);
        let statistics = self.statistics(&data);
        let summary = std::mem::replace(&mut self.summary, SummaryBuilder::new(1)).finish(&last.key).encode()?;
        let mut small = vec![(Component::Summary, summary)];
        if let Some(filter) = &self.filter {
            small.push((Component::Filter, filter.encode()));
        }
        small.push((Component::Statistics, statistics.encode()));
        if let Some(info) = &data.compression {
            small.push((Component::CompressionInfo, info.encode()));
        }
        if let Some(crc) = data.crc {
            small.push((Component::Crc, crc));
        }
        small.push((Component::Digest, data.digest.to_string().into_bytes()));
        let mut components = vec![(Component::Data, data.file_length), (Component::Index, self.index.position())];
        for (component, bytes) in small {
            self.put_component(component, &bytes)?;
            sidecar.add(component, BlockSums::of(component, &bytes));
            components.push((component, bytes.len() as u64));
        }
        let toc = table_of_contents(components.iter().map(|(component, _)| *component));
        sidecar.add(Component::Toc, BlockSums::of(Component::Toc, toc.as_bytes()));
        for (component, bytes) in [(Component::Helenus, sidecar.encode()), (Component::Toc, toc.into_bytes())] {
            self.put_component(component, &bytes)?;
            components.push((component, bytes.len() as u64));
        }
        self.disk.sync_dir(&self.descriptor.directory)?;
        let stats = statistics.stats;
        Ok(Some(SsTableInfo {
            descriptor: self.descriptor.clone(),
            components,
            first,
            last,
            partitions: self.partitions,
            rows,
            cells,
            tombstones,
            uncompressed_length: data.uncompressed_length,
            has_partition_deletions: sidecar.has_partition_deletions,
            min_timestamp: stats.min_timestamp,
            max_timestamp: stats.max_timestamp,
            min_local_deletion_time: stats.min_local_deletion_time,
            max_local_deletion_time: stats.max_local_deletion_time,
            stats,
        }))
    }

    fn statistics(&mut self, data: &DataSummary) -> Statistics {
        let meta = std::mem::replace(&mut self.meta, MetadataCollector::new());
        let (mut stats, sketch) = meta.finish();
        stats.compression_ratio = data.compression_ratio;
        stats.commit_log = self.options.commit_log.clone();
        stats.level = self.options.level;
        stats.repaired_at = self.options.repaired_at;
        stats.originating_host = self.options.originating_host;
        Statistics {
            partitioner: PARTITIONER.to_owned(),
            bloom_filter_fp_chance: self.table.params.bloom_filter_fp_chance,
            stats,
            key_sketch: sketch.encode(),
            header: self.header.clone(),
        }
    }

    fn put_component(&mut self, component: Component, bytes: &[u8]) -> DiskResult<()> {
        self.created.push(component);
        write_whole(&*self.disk, &self.descriptor.path(component), bytes)
    }

    /// Removes every file that was begun.
    pub fn abort(self) -> Result<(), SsTableWriteError> {
        let mut first_error = None;
        for component in self.created.iter().rev() {
            match self.disk.remove(&self.descriptor.path(*component)) {
                Err(error) if error.kind != DiskErrorKind::NotFound => first_error = first_error.or(Some(error)),
                _ => {}
            }
        }
        match first_error {
            Some(error) => Err(error.into()),
            None => Ok(self.disk.sync_dir(&self.descriptor.directory)?),
        }
    }
}

/// Makes a durable file of these bytes.
pub(super) fn write_whole(disk: &dyn Disk, path: &str, bytes: &[u8]) -> DiskResult<()> {
    let file = disk.create(path)?;
    file.write_at(0, bytes)?;
    file.sync()
}

/// `TOC.txt` for these components, the sidecar and itself.
pub(super) fn table_of_contents(components: impl Iterator<Item = Component>) -> String {
    let mut toc = String::new();
    for component in components.chain([Component::Helenus, Component::Toc]) {
        toc.push_str(component.name());
        toc.push('\n');
    }
    toc
}

/// Keeps a place, reusing the allocation where the length is the same.
fn remember(place: &mut Option<PositionBuf>, position: Position<'_>) {
    match place {
        Some(known) if known.prefix.len() == position.prefix.len() => {
            known.prefix.copy_from_slice(position.prefix);
            known.weight = position.weight;
        }
        _ => *place = Some(position.to_owned()),
    }
}
