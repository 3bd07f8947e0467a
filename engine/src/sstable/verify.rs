//! Checking every byte of an SSTable, and taking foreign ones in.

use std::sync::Arc;

use helenus_model::codec::Reader;
use helenus_model::key::{DecoratedKey, Position, PositionBuf};
use helenus_model::read::ColumnFilter;
use helenus_model::row::{CellPathOrder, CellRef, DeletionTime, RowRef};
use helenus_model::schema::Table;

use super::block_file::{Window, WindowMode, corrupt};
use super::cache::SsTableCaches;
use super::checksum::{Sidecar, block_size};
use super::column_map::ColumnMap;
use super::component::{Component, Descriptor};
use super::index_reader::{EntryPlace, IndexBlock, IndexContext, PromotedIndex, read_entry, read_full_deletion};
use super::reader::{SsTable, read_component, read_sidecar, sum_file};
use super::row_reader::{Head, HeadKind, RowScratch, read_head, read_marker, read_previous_size, read_row};
use super::writer::write_whole;
use crate::disk::{Disk, DiskErrorKind};
use crate::error::ReadError;

/// Bytes read at once.
const READ_AHEAD: usize = 1 << 20;

/// What a verification found in a sound file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Partitions.
    pub partitions: u64,
    /// Rows, and static rows with content.
    pub rows: u64,
    /// Range tombstone markers.
    pub markers: u64,
    /// Some partition has a deletion of its own.
    pub has_partition_deletions: bool,
}

impl SsTable {
    /// Reads every byte of every component: checksums, index and summary against data, bloom filter, order of partitions, rows
    /// and cells, sizes. The first fault is the error.
    pub fn verify(&self) -> Result<VerifyReport, ReadError> {
        let sidecar = read_sidecar(&*self.disk, &self.descriptor)?;
        self.verify_with(&sidecar)
    }

    fn verify_with(&self, sidecar: &Sidecar) -> Result<VerifyReport, ReadError> {
        for sums in &sidecar.components {
            let path = self.descriptor.path(sums.component);
            let found = sum_file(&*self.disk.open(&path)?, sums.block)?;
            let differs = found.sums.iter().zip(&sums.sums).position(|(a, b)| a != b);
            if let Some(block) = differs {
                return Err(corrupt(&path, block as u64 * u64::from(sums.block), "checksum of a block"));
            }
            if found.length != sums.length {
                return Err(corrupt(&path, found.length.min(sums.length), "length of the file"));
            }
        }
        self.verify_digest()?;
        let map = self.map();
        let mode = WindowMode { may_block: true, read_ahead: READ_AHEAD, cache: false };
        let verifier = Verifier {
            sstable: self,
            map: &map,
            data: Window::new(mode),
            index: Window::new(mode),
            promoted: Window::new(WindowMode { read_ahead: 0, ..mode }),
            clustering: Vec::new(),
            row: Vec::new(),
            scratch: RowScratch::default(),
            at: 0,
            report: VerifyReport::default(),
        };
        let report = verifier.run()?;
        if sidecar.partitions != 0 && sidecar.partitions != report.partitions {
            return Err(corrupt(&self.descriptor.path(Component::Helenus), 8, "count of partitions"));
        }
        Ok(report)
    }

    fn verify_digest(&self) -> Result<(), ReadError> {
        let path = self.descriptor.path(Component::Digest);
        let digest = read_component(&*self.disk, &self.descriptor, Component::Digest)?;
        let digest = digest.as_deref().and_then(|text| std::str::from_utf8(text).ok()?.trim().parse::<u32>().ok());
        let file = self.disk.open(&self.descriptor.path(Component::Data))?;
        let (length, mut at) = (file.len()?, 0);
        let mut hasher = crc32fast::Hasher::new();
        let mut piece = Vec::new();
        while at < length {
            piece.resize(READ_AHEAD.min((length - at) as usize), 0);
            file.read_at(at, &mut piece)?;
            hasher.update(&piece);
            at += piece.len() as u64;
        }
        if digest == Some(hasher.finalize()) { Ok(()) } else { Err(corrupt(&path, 0, "digest of Data.db")) }
    }

    /// Takes in an SSTable that another program wrote: checks all of it and writes its sidecar. One that has a sidecar already is
    /// only opened and verified.
    pub fn import(
        disk: Arc<dyn Disk>,
        directory: &str,
        id: &str,
        table: &Arc<Table>,
        caches: Arc<SsTableCaches>,
    ) -> Result<Arc<SsTable>, ReadError> {
        let descriptor = Descriptor::new(directory, id);
        if read_component(&*disk, &descriptor, Component::Helenus)?.is_some() {
            let sstable = SsTable::open(disk, directory, id, table, caches)?;
            sstable.verify()?;
            return Ok(sstable);
        }
        let mut sidecar = Sidecar { partitions: 0, has_partition_deletions: true, components: Vec::new() };
        for component in Component::ALL {
            match disk.open(&descriptor.path(component)) {
                Ok(file) => sidecar.add(component, sum_file(&*file, block_size(component))?),
                Err(error) if error.kind == DiskErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        let opened = SsTable::open_with(disk.clone(), descriptor.clone(), table, caches.clone(), &sidecar)?;
        let report = opened.verify_with(&sidecar)?;
        sidecar.partitions = report.partitions;
        sidecar.has_partition_deletions = report.has_partition_deletions;
        let path = descriptor.path(Component::Helenus);
        let unfinished = format!("{path}.tmp");
        match disk.remove(&unfinished) {
            Err(error) if error.kind != DiskErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        write_whole(&*disk, &unfinished, &sidecar.encode())?;
        disk.rename(&unfinished, &path)?;
        disk.sync_dir(&descriptor.directory)?;
        SsTable::open(disk, directory, id, table, caches)
    }
}

/// Walks Index.db and Data.db side by side.
struct Verifier<'a> {
    sstable: &'a SsTable,
    map: &'a ColumnMap,
    data: Window,
    index: Window,
    promoted: Window,
    clustering: Vec<u8>,
    row: Vec<u8>,
    scratch: RowScratch,
    /// Position in Data.db.
    at: u64,
    report: VerifyReport,
}

/// The promoted index while its blocks are compared with the rows.
struct BlockCheck {
    promoted: PromotedIndex,
    number: usize,
    block: IndexBlock,
    end: u64,
}

impl Verifier<'_> {
    fn run(mut self) -> Result<VerifyReport, ReadError> {
        let sstable = self.sstable;
        let (index, caches) = (&sstable.index, &*sstable.caches);
        let (mut position, mut key) = (0, Vec::new());
        let mut last: Option<DecoratedKey> = None;
        let mut samples = 0;
        while position < index.length {
            let place = read_entry(&mut self.index, index, caches, position, &mut key)?;
            let decorated = DecoratedKey::new(&*key);
            if last.as_ref().is_some_and(|last| *last >= decorated) {
                return Err(index.corrupt(position, "order of partitions"));
            }
            if place.data != self.at {
                return Err(index.corrupt(position, "position of a partition"));
            }
            if !sstable.may_contain(decorated.as_ref()) {
                return Err(index.corrupt(position, "a key is not in the bloom filter or outside the summary's range"));
            }
            if sstable.summary.position(samples) == Some(position) {
                if sstable.summary.key(samples) != &*key {
                    return Err(index.corrupt(position, "a key of the summary"));
                }
                samples += 1;
            }
            self.partition(&key, place)?;
            position = place.end();
            self.report.partitions += 1;
            last = Some(decorated);
        }
        if samples != sstable.summary.len() {
            return Err(corrupt(&sstable.descriptor.path(Component::Summary), 0, "a sample is not in the index"));
        }
        let ends = last.as_ref().is_some_and(|last| last.as_ref() == sstable.last());
        if !ends || self.at != sstable.data.length {
            return Err(sstable.data.corrupt(self.at, "bytes behind the last partition"));
        }
        // A static row whose columns were all dropped counts in the file, but is not seen.
        let all_seen =
            self.map.statics.columns.iter().all(|column| column.id.is_some() && column.dropped_at == i64::MIN);
        if all_seen && sstable.metadata().rows as u64 != self.report.rows {
            return Err(corrupt(&sstable.descriptor.path(Component::Statistics), 0, "count of rows"));
        }
        Ok(self.report)
    }

    fn head(&mut self, is_static: bool) -> Result<Head, ReadError> {
        let file = &self.sstable.data;
        let (map, clustering) = (self.map, &mut self.clustering);
        let head = self.data.record(file, &self.sstable.caches, self.at, file.length, |bytes| {
            read_head(bytes, map, is_static, clustering)
        })?;
        if head.length > file.length - self.at {
            return Err(file.corrupt(self.at, "size of a row reaches beyond the end of the file"));
        }
        Ok(head)
    }

    /// Decodes and checks the row at `at`.
    fn row(&mut self, head: Head, flags: u8, previous: u64, is_static: bool) -> Result<(), ReadError> {
        let file = &self.sstable.data;
        let bytes = self.data.get(file, &self.sstable.caches, self.at, head.length as usize)?;
        let body = bytes.get(head.body..head.length as usize).unwrap_or_default();
        let columns = if is_static { &self.map.statics } else { &self.map.regulars };
        let invalid = |error: helenus_model::codec::DecodeError| file.undecodable(self.at, &error);
        if read_previous_size(body).map_err(invalid)? != previous {
            return Err(file.corrupt(self.at, "size of the previous row"));
        }
        self.row.clear();
        read_row(body, flags, columns, self.map.bases, &ColumnFilter::All, &mut self.scratch, &mut self.row)
            .map_err(invalid)?;
        let empty = self.row.is_empty();
        if !empty {
            let row = RowRef::validate(&self.row).map_err(invalid)?;
            check_paths(&self.map.table, row).map_err(|what| file.corrupt(self.at, what))?;
        }
        if !is_static || !empty {
            self.report.rows += 1;
        }
        Ok(())
    }

    fn partition(&mut self, key: &[u8], place: EntryPlace) -> Result<(), ReadError> {
        let sstable = self.sstable;
        let (file, caches) = (&sstable.data, &*sstable.caches);
        let start = self.at;
        let mut deletion = DeletionTime::LIVE;
        let (same, length) = self.data.record(file, caches, start, file.length, |bytes| {
            let mut reader = Reader::new(bytes);
            let same = reader.bytes16()? == key;
            deletion = read_full_deletion(&mut reader)?;
            Ok((same, reader.position()))
        })?;
        if !same {
            return Err(file.corrupt(start, "not the partition that the index says"));
        }
        self.report.has_partition_deletions |= !deletion.is_live();
        self.at += length as u64;
        if !self.map.statics.columns.is_empty() {
            let head = self.head(true)?;
            let HeadKind::Row(flags) = head.kind else { return Err(file.corrupt(self.at, "static row")) };
            self.row(head, flags, 0, true)?;
            self.at += head.length;
        }
        let mut check = self.open_blocks(place, start, deletion)?;
        let mut open = DeletionTime::LIVE;
        let mut previous = start;
        let mut last: Option<PositionBuf> = None;
        loop {
            let head = self.head(false)?;
            let weight = match head.kind {
                HeadKind::End => break,
                HeadKind::Row(_) => 0,
                HeadKind::Marker(kind) => kind.weight(),
            };
            let position = Position { prefix: &self.clustering, weight }.to_owned();
            let order = self.map.table.comparator();
            if last.as_ref().is_some_and(|last| !order.compare_positions(last.as_ref(), position.as_ref()).is_lt()) {
                return Err(file.corrupt(self.at, "order of rows"));
            }
            let distance = self.at - previous;
            match head.kind {
                HeadKind::Row(flags) => self.row(head, flags, distance, false)?,
                _ => open = self.marker(head, distance, open)?,
            }
            previous = self.at;
            if let Some(check) = &mut check {
                self.check_block(check, self.at - start, head.length, position.as_ref(), open)?;
            }
            self.at += head.length;
            last = Some(position);
        }
        if !open.is_live() {
            return Err(file.corrupt(self.at, "a range tombstone is open at the end of the partition"));
        }
        self.at += 1;
        if check.is_some_and(|check| check.number != check.promoted.count) {
            return Err(sstable.index.corrupt(place.promoted, "index blocks behind the partition"));
        }
        Ok(())
    }

    fn marker(&mut self, head: Head, previous: u64, open: DeletionTime) -> Result<DeletionTime, ReadError> {
        let file = &self.sstable.data;
        let HeadKind::Marker(kind) = head.kind else { return Err(file.corrupt(self.at, "no marker")) };
        let bytes = self.data.get(file, &self.sstable.caches, self.at, head.length as usize)?;
        let body = bytes.get(head.body..head.length as usize).unwrap_or_default();
        let invalid = |error: helenus_model::codec::DecodeError| file.undecodable(self.at, &error);
        if read_previous_size(body).map_err(invalid)? != previous {
            return Err(file.corrupt(self.at, "size of the previous row"));
        }
        let (close, next) = read_marker(body, kind, self.map.bases).map_err(invalid)?;
        if close != open {
            return Err(file.corrupt(self.at, "a marker closes a deletion that is not open"));
        }
        self.report.markers += 1;
        Ok(next)
    }

    fn index_context(&self) -> IndexContext<'_> {
        IndexContext { file: &self.sstable.index, caches: &self.sstable.caches, lengths: &self.map.lengths }
    }

    /// Opens the partition's promoted index, if it has one.
    fn open_blocks(
        &mut self,
        place: EntryPlace,
        start: u64,
        deletion: DeletionTime,
    ) -> Result<Option<BlockCheck>, ReadError> {
        if place.promoted_length == 0 {
            return Ok(None);
        }
        let mut window = std::mem::replace(
            &mut self.promoted,
            Window::new(WindowMode { may_block: true, read_ahead: 0, cache: false }),
        );
        let promoted = PromotedIndex::open(&mut window, self.index_context(), place);
        self.promoted = window;
        let promoted = promoted?;
        if promoted.header_length != self.at - start || promoted.deletion != deletion {
            return Err(self.sstable.index.corrupt(place.promoted, "header length or deletion of a partition"));
        }
        Ok(Some(BlockCheck { promoted, number: 0, block: IndexBlock::default(), end: self.at - start }))
    }

    /// Compares the unfiltered at `offset` of the partition with the block it lies in.
    fn check_block(
        &mut self,
        check: &mut BlockCheck,
        offset: u64,
        length: u64,
        position: Position<'_>,
        open: DeletionTime,
    ) -> Result<(), ReadError> {
        let wrong = |what: &str| Err(self.sstable.index.corrupt(self.at, format!("{what} of an index block")));
        if offset == check.end {
            if check.number == check.promoted.count {
                return wrong("number");
            }
            let context =
                IndexContext { file: &self.sstable.index, caches: &self.sstable.caches, lengths: &self.map.lengths };
            check.promoted.block(&mut self.promoted, context, check.number, &mut check.block)?;
            if check.block.offset != offset || check.block.first() != position {
                return wrong("start");
            }
            check.end = match offset.checked_add(check.block.width) {
                Some(end) => end,
                None => return wrong("width"),
            };
        }
        let end = offset + length;
        // The end-of-partition byte belongs to the last block, unless its last row closed it.
        let last_block = check.number + 1 == check.promoted.count;
        if end == check.end || (last_block && end + 1 == check.end) {
            let closes = end == check.end || check.block.last() == position;
            if !closes {
                return Ok(());
            }
            if check.block.last() != position || check.block.open() != open {
                return wrong("end");
            }
            check.number += 1;
            check.end = end;
        } else if end > check.end {
            return wrong("width");
        }
        Ok(())
    }
}

/// The cells of complex columns must be in the order of their paths.
fn check_paths(table: &Table, row: RowRef<'_>) -> Result<(), &'static str> {
    let mut last: Option<CellRef<'_>> = None;
    for cell in row.cells() {
        if let Some(last) = last
            && last.column == cell.column
            && let (Some(a), Some(b)) = (last.path, cell.path)
            && !table.compare_paths(cell.column, a, b).is_lt()
        {
            return Err("order of the cells of a collection");
        }
        last = Some(cell);
    }
    Ok(())
}
