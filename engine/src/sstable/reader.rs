//! An open SSTable: what is kept in memory of it, and how its parts are found.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};
use helenus_model::codec::DecodeError;
use helenus_model::key::{DecoratedKey, KeyRef, RingPosition};
use helenus_model::read::{ColumnFilter, Slice};
use helenus_model::schema::Table;

use super::block_file::{BlockFile, Window, WindowMode, corrupt};
use super::bloom::BloomFilter;
use super::cache::SsTableCaches;
use super::checksum::{BlockSums, ComponentSums, Sidecar};
use super::column_map::ColumnMap;
use super::component::{Component, Descriptor};
use super::compress::CompressionInfo;
use super::cursor::{ScanPurpose, SsTableCursor, SsTableScan};
use super::encoding::{DELETION_EPOCH, TIMESTAMP_EPOCH};
use super::index_reader::{EntryPlace, find_entry, learn_landmarks, read_entry};
use super::landmarks::Landmarks;
use super::statistics::{PARTITIONER, Statistics, StatsMetadata};
use super::summary::{Summary, SummaryBuilder};
use crate::cursor::ReadMode;
use crate::disk::{Disk, DiskErrorKind, DiskFile};
use crate::error::ReadError;

/// Bytes of whole components that are read at once when they are checked.
const READ_PIECE: usize = 1 << 20;

/// An immutable file of partitions. Shared between threads; everything in it is read-only but caches and counters.
#[derive(Debug)]
pub struct SsTable {
    pub(super) descriptor: Descriptor,
    pub(super) disk: Arc<dyn Disk>,
    number: u64,
    pub(super) data: BlockFile,
    pub(super) index: BlockFile,
    pub(super) caches: Arc<SsTableCaches>,
    pub(super) filter: Option<BloomFilter>,
    pub(super) summary: Summary,
    landmarks: Landmarks,
    pub(super) statistics: Statistics,
    map: ArcSwap<ColumnMap>,
    first: DecoratedKey,
    last: DecoratedKey,
    partitions: u64,
    has_partition_deletions: bool,
    size: u64,
    true_positives: AtomicU64,
    false_positives: AtomicU64,
}

/// Reads a whole component; None when it is not there.
pub(super) fn read_component(
    disk: &dyn Disk,
    descriptor: &Descriptor,
    component: Component,
) -> Result<Option<Vec<u8>>, ReadError> {
    let path = descriptor.path(component);
    let file = match disk.open(&path) {
        Ok(file) => file,
        Err(error) if error.kind == DiskErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let length = usize::try_from(file.len()?).map_err(|_| corrupt(&path, 0, "length"))?;
    let mut bytes = vec![0; length];
    file.read_at(0, &mut bytes)?;
    Ok(Some(bytes))
}

/// Reads a component and checks every block of it.
fn read_checked(
    disk: &dyn Disk,
    descriptor: &Descriptor,
    component: Component,
    sidecar: &Sidecar,
) -> Result<Option<Vec<u8>>, ReadError> {
    let Some(sums) = sidecar.find(component) else { return Ok(None) };
    let path = descriptor.path(component);
    let bytes = read_component(disk, descriptor, component)?;
    let Some(bytes) = bytes else { return Err(corrupt(&path, 0, "the component is missing")) };
    match sums.check(&bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(at) => Err(corrupt(&path, at, "checksum of a block")),
    }
}

/// The checksums of an SSTable that is ours or was imported.
pub(super) fn read_sidecar(disk: &dyn Disk, descriptor: &Descriptor) -> Result<Sidecar, ReadError> {
    match read_component(disk, descriptor, Component::Helenus)? {
        Some(bytes) => decoded(descriptor, Component::Helenus, Sidecar::decode(&bytes)),
        None => Err(corrupt(&descriptor.path(Component::Helenus), 0, "no checksums: the SSTable was not imported")),
    }
}

fn missing(descriptor: &Descriptor, component: Component) -> ReadError {
    corrupt(&descriptor.path(component), 0, "the component is missing")
}

fn decoded<T>(descriptor: &Descriptor, component: Component, result: Result<T, DecodeError>) -> Result<T, ReadError> {
    result.map_err(|error| {
        let at = match &error {
            DecodeError::Truncated { at, .. } | DecodeError::Invalid { at, .. } | DecodeError::Trailing { at, .. } => {
                *at
            }
        };
        corrupt(&descriptor.path(component), at as u64, error)
    })
}

impl SsTable {
    /// Opens the SSTable `id` in `directory`. Every block of the components that are kept in memory is checked now, those of
    /// Data.db and Index.db whenever they are read. A file without our sidecar is foreign and must be imported first.
    pub fn open(
        disk: Arc<dyn Disk>,
        directory: &str,
        id: &str,
        table: &Arc<Table>,
        caches: Arc<SsTableCaches>,
    ) -> Result<Arc<SsTable>, ReadError> {
        let descriptor = Descriptor::new(directory, id);
        let sidecar = read_sidecar(&*disk, &descriptor)?;
        Ok(Arc::new(Self::open_with(disk, descriptor, table, caches, &sidecar)?))
    }

    /// Opens files that must be as `sidecar` says.
    pub(super) fn open_with(
        disk: Arc<dyn Disk>,
        descriptor: Descriptor,
        table: &Arc<Table>,
        caches: Arc<SsTableCaches>,
        sidecar: &Sidecar,
    ) -> Result<SsTable, ReadError> {
        let number = caches.next_number();
        let read = |component| read_checked(&*disk, &descriptor, component, sidecar);
        for component in [Component::Toc, Component::Digest] {
            if read(component)?.is_none() {
                return Err(missing(&descriptor, component));
            }
        }
        let statistics = read(Component::Statistics)?.ok_or_else(|| missing(&descriptor, Component::Statistics))?;
        let statistics = decoded(&descriptor, Component::Statistics, Statistics::decode(&statistics))?;
        let unfit = |what: String| corrupt(&descriptor.path(Component::Statistics), 0, what);
        if statistics.partitioner != PARTITIONER {
            return Err(unfit(format!("partitioner {} is not supported", statistics.partitioner)));
        }
        let map = ColumnMap::new(&statistics.header, table).map_err(unfit)?;
        let filter = match read(Component::Filter)? {
            Some(bytes) => Some(decoded(&descriptor, Component::Filter, BloomFilter::decode(&bytes))?),
            None => None,
        };
        let data = open_data(&*disk, &descriptor, number, sidecar)?;
        let index = open_index(&*disk, &descriptor, sidecar, caches.next_number())?;
        let summary = match read(Component::Summary)? {
            Some(bytes) => decoded(&descriptor, Component::Summary, Summary::decode(&bytes, index.length))?,
            None => rebuild_summary(&index, &caches, table)?,
        };
        let mut size = 0;
        for component in Component::ALL {
            if let Ok(file) = disk.open(&descriptor.path(component)) {
                size += file.len()?;
            }
        }
        Ok(SsTable {
            first: DecoratedKey::new(summary.first.clone()),
            last: DecoratedKey::new(summary.last.clone()),
            descriptor,
            disk,
            number,
            data,
            index,
            caches,
            filter,
            landmarks: Landmarks::new(summary.len()),
            summary,
            statistics,
            map: ArcSwap::from_pointee(map),
            partitions: sidecar.partitions,
            has_partition_deletions: sidecar.has_partition_deletions,
            size,
            true_positives: AtomicU64::new(0),
            false_positives: AtomicU64::new(0),
        })
    }

    /// Reads rows under another definition of the table from now on: columns were added, dropped or widened.
    pub fn update_schema(&self, table: &Arc<Table>) -> Result<(), ReadError> {
        let map = ColumnMap::new(&self.statistics.header, table)
            .map_err(|what| corrupt(&self.descriptor.path(Component::Statistics), 0, what))?;
        self.map.store(Arc::new(map));
        Ok(())
    }

    pub(super) fn map(&self) -> Arc<ColumnMap> {
        self.map.load_full()
    }

    /// The same for a short time, without touching the count of references that other cores use.
    pub(super) fn borrow_map(&self) -> Guard<Arc<ColumnMap>> {
        self.map.load()
    }

    /// Where the files are.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Times, counts and histograms of the content.
    pub fn metadata(&self) -> &StatsMetadata {
        &self.statistics.stats
    }

    /// What the deltas are based on, and the columns that occur: a compaction merges those of its inputs.
    pub fn encoding_stats(&self) -> super::EncodingStats {
        let bases = self.statistics.header.bases;
        let map = self.map.load();
        let ids = map.statics.columns.iter().chain(&map.regulars.columns).filter_map(|column| column.id);
        // A base at its epoch stands for "nothing of the kind".
        let mut stats = super::EncodingStats {
            min_timestamp: Some(bases.timestamp).filter(|timestamp| *timestamp != TIMESTAMP_EPOCH),
            min_local_deletion_time: Some(bases.local).filter(|local| *local != DELETION_EPOCH).map(i64::from),
            min_ttl: Some(bases.ttl).filter(|ttl| *ttl != 0),
            columns: Vec::new(),
        };
        ids.for_each(|id| stats.add_column(id));
        stats
    }

    /// First key.
    pub fn first(&self) -> KeyRef<'_> {
        self.first.as_ref()
    }

    /// Last key.
    pub fn last(&self) -> KeyRef<'_> {
        self.last.as_ref()
    }

    /// Partitions: exact for files of our own and imported ones.
    pub fn estimate_partitions(&self) -> u64 {
        self.partitions
    }

    /// False when surely no partition has a deletion of its own.
    pub fn has_partition_deletions(&self) -> bool {
        self.has_partition_deletions
    }

    /// Bytes on disk, all components.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes of Data.db before compression.
    pub fn uncompressed_length(&self) -> u64 {
        self.data.length
    }

    /// Bytes kept in memory for the file: filter, summary, chunk offsets and checksums.
    pub fn memory(&self) -> usize {
        let filter = self.filter.as_ref().map_or(0, BloomFilter::memory);
        filter + self.summary.memory() + self.landmarks.memory() + self.data.memory() + self.index.memory()
    }

    /// The same by part: filter, summary, and what finds the chunks of Data.db.
    pub fn memory_parts(&self) -> (usize, usize, usize) {
        (self.filter.as_ref().map_or(0, BloomFilter::memory), self.summary.memory(), self.data.memory())
    }

    /// Point reads that the bloom filter let through: those that found their key, and those that did not.
    pub fn bloom_counts(&self) -> (u64, u64) {
        (self.true_positives.load(Ordering::Relaxed), self.false_positives.load(Ordering::Relaxed))
    }

    /// False when the file surely has no partition of this key. Reads nothing.
    pub fn may_contain(&self, key: KeyRef<'_>) -> bool {
        key >= self.first.as_ref()
            && key <= self.last.as_ref()
            && self.filter.as_ref().is_none_or(|filter| filter.may_contain(key.key))
    }

    /// Reads one partition; None when it is not here. Slices are in table order, also for a reversed read.
    pub fn cursor<'a>(
        &'a self,
        key: KeyRef<'_>,
        slices: &'a [Slice],
        reversed: bool,
        columns: &'a ColumnFilter,
        mode: ReadMode,
    ) -> Result<Option<SsTableCursor<'a>>, ReadError> {
        if !self.may_contain(key) {
            return Ok(None);
        }
        SsTableCursor::open(self, key, slices, reversed, columns, mode)
    }

    /// Reads the partitions of `[start, end)` in ring order.
    pub fn scan(
        self: &Arc<Self>,
        start: &RingPosition,
        end: &RingPosition,
        slices: &[Slice],
        columns: &ColumnFilter,
        mode: ReadMode,
    ) -> Result<SsTableScan, ReadError> {
        SsTableScan::open(self.clone(), start, end.clone(), slices, columns.clone(), mode, ScanPurpose::Read)
    }

    /// Reads everything, past the cache and in big pieces: for compaction.
    pub fn scan_all(self: &Arc<Self>) -> Result<SsTableScan, ReadError> {
        let (first, last) = (RingPosition::FIRST, RingPosition::LAST);
        let slices = [Slice::all()];
        SsTableScan::open(
            self.clone(),
            &first,
            last,
            &slices,
            ColumnFilter::All,
            ReadMode::UNBOUNDED,
            ScanPurpose::Compaction,
        )
    }

    /// Finds a key's entry: in a block of the index that is in memory, else by the cache of keys, else in the file.
    pub(super) fn find(&self, window: &mut Window, key: KeyRef<'_>) -> Result<Option<EntryPlace>, ReadError> {
        let Some(sample) = self.summary.floor(key) else { return Ok(None) };
        let start = self.summary.position(sample).unwrap_or(0);
        let end = self.summary.position(sample + 1).unwrap_or(self.index.length);
        let (from, to) = self.landmarks.narrow(sample, key.token, start, end);
        let in_memory = window.has_cached(&self.index, &self.caches, from);
        let mut place = if in_memory { None } else { self.caches.place(self.number, key.key) };
        if place.is_none() {
            place = find_entry(window, &self.index, &self.caches, key.key, from, to)?;
            if let Some(place) = place.filter(|_| !in_memory) {
                self.caches.put_place(self.number, key.key, place);
            }
            if in_memory && !self.landmarks.knows(sample) {
                self.learn(window, sample, start, end);
            }
        }
        let counter = if place.is_some() { &self.true_positives } else { &self.false_positives };
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(place)
    }

    /// Walks an interval of the index for its landmarks, where that needs no waiting.
    #[cold]
    fn learn(&self, window: &mut Window, sample: usize, start: u64, end: u64) {
        // What stands in the way is told to a read that needs it.
        if let Ok(found) =
            window.without_waiting(|window| learn_landmarks(window, &self.index, &self.caches, start, end))
        {
            self.landmarks.keep(sample, found);
        }
    }
}

/// Data.db with what is needed to read its chunks.
fn open_data(disk: &dyn Disk, descriptor: &Descriptor, number: u64, sidecar: &Sidecar) -> Result<BlockFile, ReadError> {
    let path = descriptor.path(Component::Data);
    let file = disk.open(&path)?;
    let length = file.len()?;
    if sidecar.find(Component::Data).is_none_or(|sums| sums.length != length) {
        return Err(corrupt(&path, length, "length of the file"));
    }
    if let Some(info) = read_checked(disk, descriptor, Component::CompressionInfo, sidecar)? {
        let info = decoded(descriptor, Component::CompressionInfo, CompressionInfo::decode(&info, length))?;
        return BlockFile::chunks(file, path, length, &info, Some(number));
    }
    let crc = read_checked(disk, descriptor, Component::Crc, sidecar)?;
    let crc = crc.ok_or_else(|| missing(descriptor, Component::Crc))?;
    let (size, sums) = decoded(descriptor, Component::Crc, decode_crc(&crc))?;
    BlockFile::raw(file, path, length, size, sums, Some(number))
}

/// `CRC.db`: chunk size and sums.
fn decode_crc(bytes: &[u8]) -> Result<(u32, Box<[u32]>), DecodeError> {
    let mut reader = helenus_model::codec::Reader::new(bytes);
    let size = reader.u32()?;
    if size == 0 || size > 1 << 24 || !reader.remaining().is_multiple_of(4) {
        return Err(reader.invalid("size of chunks"));
    }
    let mut sums = Vec::with_capacity(reader.remaining() / 4);
    while !reader.is_empty() {
        sums.push(reader.u32()?);
    }
    Ok((size, sums.into()))
}

/// Index.db. Its blocks are cached beside those of Data.db, under a number of their own: a read needs one of each.
fn open_index(
    disk: &dyn Disk,
    descriptor: &Descriptor,
    sidecar: &Sidecar,
    number: u64,
) -> Result<BlockFile, ReadError> {
    let path = descriptor.path(Component::Index);
    let file = disk.open(&path)?;
    let length = file.len()?;
    let sums = sidecar.find(Component::Index).filter(|sums| sums.length == length);
    let ComponentSums { block, sums, .. } = sums.ok_or_else(|| corrupt(&path, length, "length of the file"))?;
    BlockFile::raw(file, path, length, *block, sums.clone().into(), Some(number))
}

/// Checksums of a whole file as it is.
pub(super) fn sum_file(file: &dyn DiskFile, block: u32) -> Result<BlockSums, ReadError> {
    let mut sums = BlockSums::new(block);
    let length = file.len()?;
    let mut piece = Vec::new();
    while sums.length < length {
        piece.resize(READ_PIECE.min((length - sums.length) as usize), 0);
        file.read_at(sums.length, &mut piece)?;
        sums.update(&piece);
    }
    sums.finish();
    Ok(sums)
}

/// A summary made from Index.db, when there is none.
fn rebuild_summary(index: &BlockFile, caches: &SsTableCaches, table: &Table) -> Result<Summary, ReadError> {
    let mut window = Window::new(WindowMode { may_block: true, read_ahead: READ_PIECE, cache: false });
    let mut builder = SummaryBuilder::new(table.params.min_index_interval);
    let (mut position, mut key) = (0, Vec::new());
    while position < index.length {
        let place = read_entry(&mut window, index, caches, position, &mut key)?;
        builder.add(&key, position);
        position = place.end();
    }
    if position == 0 {
        return Err(index.corrupt(0, "no partition"));
    }
    Ok(builder.finish(&key))
}
