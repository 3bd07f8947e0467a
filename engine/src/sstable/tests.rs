//! Whole files: what is written is read back, in both directions, in slices, by ranges, and damage is noticed.

use std::sync::Arc;

use helenus_model::key::{ClusteringValues, KeyRef, Position, PositionBuf, RingPosition, put_clustering_value};
use helenus_model::read::{ColumnFilter, Slice};
use helenus_model::rng::Rng;
use helenus_model::row::{DeletionTime, RowRef};
use helenus_model::schema::Table;
use proptest::prelude::*;

use super::test_content::{TestItem, TestPartition, random_partitions, random_table, row_content};
use super::*;
use crate::cursor::{PartitionCursor, PartitionScan, ReadMode};
use crate::disk::Disk;
use crate::disk_memory::{Faults, MemoryDisk};
use crate::error::ReadError;

/// A file and what it should hold.
struct Case {
    disk: MemoryDisk,
    table: Arc<Table>,
    partitions: Vec<TestPartition>,
    info: SsTableInfo,
}

const DIRECTORY: &str = "ks/t";
const COMPRESSORS: [&str; 6] =
    ["LZ4Compressor", "ZstdCompressor", "SnappyCompressor", "DeflateCompressor", "NoopCompressor", ""];

fn encoding_of(partitions: &[TestPartition]) -> EncodingStats {
    let mut stats = EncodingStats::default();
    for partition in partitions {
        stats.add_deletion(partition.deletion);
        if let Some(row) = &partition.static_row {
            stats.add_row(RowRef::new(row));
        }
        partition.items.iter().for_each(|item| stats.add_unfiltered(&item.as_unfiltered()));
    }
    stats
}

fn write(
    disk: &MemoryDisk,
    table: &Arc<Table>,
    partitions: &[TestPartition],
    column_index_size: u32,
) -> Option<SsTableInfo> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let encoding = encoding_of(partitions);
    let options = WriterOptions::of_table(table, encoding, partitions.len() as u64).expect("known options");
    let options = WriterOptions { column_index_size, ..options };
    let mut writer = SsTableWriter::create(disk, DIRECTORY, "7", table.clone(), options).expect("created");
    for partition in partitions {
        let static_row = partition.static_row.as_deref().map(RowRef::new);
        writer.begin_partition(partition.key.as_ref(), partition.deletion, static_row).expect("begun");
        for item in &partition.items {
            writer.unfiltered(item.as_unfiltered()).expect("written");
        }
        writer.end_partition().expect("ended");
    }
    writer.finish().expect("finished")
}

/// A random table with random content, small chunks and blocks; None when there is nothing to write.
fn case(seed: u64, partitions: u64, rows: u64) -> Option<Case> {
    let mut rng = Rng::new(seed);
    let columns = if rng.chance(10) { 70 } else { 8 };
    let mut parts = random_table(&mut rng, "t", 3, columns).to_parts();
    let compression = &mut parts.params.compression;
    compression.clear();
    match COMPRESSORS[rng.index(COMPRESSORS.len())] {
        "" => drop(compression.insert("enabled".to_owned(), "false".to_owned())),
        class => {
            compression.insert("class".to_owned(), class.to_owned());
            compression.insert("chunk_length_in_kb".to_owned(), (1 << rng.below(3)).to_string());
            if rng.chance(30) {
                compression.insert("min_compress_ratio".to_owned(), "1.1".to_owned());
            }
        }
    }
    parts.params.min_index_interval = [1, 3, 8, 40][rng.index(4)];
    parts.params.bloom_filter_fp_chance = [0.01, 0.1, 1.0][rng.index(3)];
    let table = Arc::new(Table::new(parts));
    let partitions = random_partitions(&mut rng, &table, partitions, rows);
    let disk = MemoryDisk::new();
    let column_index_size = [64, 500, 4096, 65536][rng.index(4)];
    let info = write(&disk, &table, &partitions, column_index_size)?;
    Some(Case { disk, table, partitions, info })
}

impl Case {
    fn open(&self) -> Result<Arc<SsTable>, ReadError> {
        let caches = Arc::new(SsTableCaches::new(1 << 20, 1 << 16));
        SsTable::open(Arc::new(self.disk.clone()), DIRECTORY, "7", &self.table, caches)
    }
}

fn items_of(cursor: &mut impl PartitionCursor) -> Result<Vec<String>, ReadError> {
    let mut items = Vec::new();
    while cursor.advance()? {
        items.push(TestItem::of(&cursor.current().expect("an item")).content());
    }
    assert!(!cursor.advance()? && cursor.current().is_none(), "the end is the end");
    Ok(items)
}

/// Everything that the current partition says.
fn partition_of(cursor: &mut impl PartitionCursor) -> Result<String, ReadError> {
    let head = format!("{:?} {:?}", cursor.deletion(), cursor.static_row().map(|row| row_content(row.bytes())));
    Ok(format!("{head} {:#?}", items_of(cursor)?))
}

fn expected_partition(partition: &TestPartition) -> String {
    let items: Vec<String> = partition.items.iter().map(TestItem::content).collect();
    format!("{:?} {:?} {items:#?}", partition.deletion, partition.static_row.as_deref().map(row_content))
}

fn expected_scan(partitions: &[TestPartition]) -> Vec<String> {
    partitions.iter().map(|partition| format!("{:02x?} {}", partition.key.key, expected_partition(partition))).collect()
}

fn scan_contents(mut scan: SsTableScan) -> Result<Vec<String>, ReadError> {
    let mut out = Vec::new();
    while scan.next_partition()? {
        let key = format!("{:02x?}", scan.key().key);
        out.push(format!("{key} {}", partition_of(&mut scan)?));
    }
    Ok(out)
}

/// What a read of `slice` should say, by filtering all items.
fn slice_items(table: &Table, items: &[TestItem], slice: &Slice) -> Vec<TestItem> {
    let order = table.comparator();
    let (start, end) = (slice.start.as_ref(), slice.end.as_ref());
    let mut inside = Vec::new();
    let (mut at_start, mut at_end) = (DeletionTime::LIVE, DeletionTime::LIVE);
    for item in items {
        let (from_start, to_end) =
            (order.compare_positions(item.position(), start), order.compare_positions(item.position(), end));
        match item {
            TestItem::Row(..) if from_start.is_ge() && to_end.is_le() => inside.push(item.clone()),
            TestItem::Marker(_, _, _, open) if from_start.is_le() => (at_start, at_end) = (*open, *open),
            TestItem::Marker(_, _, _, open) if to_end.is_lt() => {
                at_end = *open;
                inside.push(item.clone());
            }
            _ => {}
        }
    }
    let marker = |place: Position<'_>, close, open| TestItem::Marker(place.prefix.to_vec(), place.weight, close, open);
    if !at_start.is_live() {
        inside.insert(0, marker(start, DeletionTime::LIVE, at_start));
    }
    if !at_end.is_live() {
        inside.push(marker(end, at_end, DeletionTime::LIVE));
    }
    inside
}

fn reversed(items: Vec<TestItem>) -> Vec<TestItem> {
    let turn = |item| match item {
        TestItem::Marker(prefix, weight, close, open) => TestItem::Marker(prefix, weight, open, close),
        row => row,
    };
    items.into_iter().rev().map(turn).collect()
}

/// Random slices in table order that do not overlap, at places near those of the items.
fn random_slices(rng: &mut Rng, table: &Table, items: &[TestItem]) -> Vec<Slice> {
    let mut places = vec![Position::FIRST.to_owned(), Position::LAST.to_owned()];
    for _ in 0..rng.below(8) {
        if items.is_empty() {
            break;
        }
        let prefix = items[rng.index(items.len())].position().prefix.to_vec();
        let values = ClusteringValues::new(&prefix).count() as u64;
        let mut cut = Vec::new();
        ClusteringValues::new(&prefix)
            .take(rng.below(values + 1) as usize)
            .for_each(|v| put_clustering_value(&mut cut, v));
        if rng.chance(50) {
            cut = prefix;
        }
        let weights: &[i8] = if rng.chance(30) {
            &[-1, 1]
        } else if rng.chance(50) {
            &[-1]
        } else {
            &[1]
        };
        places.extend(weights.iter().map(|weight| PositionBuf { prefix: cut.clone().into(), weight: *weight }));
    }
    let order = table.comparator();
    places.sort_by(|a, b| order.compare_positions(a.as_ref(), b.as_ref()));
    places.dedup();
    if rng.chance(50) {
        places.remove(0);
    }
    places.chunks_exact(2).map(|pair| Slice { start: pair[0].clone(), end: pair[1].clone() }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn what_is_written_is_read(seed: u64, few: bool) {
        let (partitions, rows) = if few { (3, 200) } else { (60, 6) };
        if let Some(case) = case(seed, partitions, rows) {
            let sstable = case.open().expect("opens");
            prop_assert_eq!(sstable.estimate_partitions(), case.partitions.len() as u64);
            prop_assert_eq!(sstable.metadata(), &case.info.stats);
            let report = sstable.verify().expect("sound");
            prop_assert_eq!((report.partitions, report.rows), (case.info.partitions, case.info.rows));
            prop_assert_eq!(report.has_partition_deletions, case.info.has_partition_deletions);
            prop_assert_eq!(scan_contents(sstable.scan_all().expect("scans")).expect("reads"), expected_scan(&case.partitions));
            let (all, slices) = (ColumnFilter::All, [Slice::all()]);
            for partition in case.partitions.iter().chain(&case.partitions) {
                let cursor = sstable.cursor(partition.key.as_ref(), &slices, false, &all, ReadMode::UNBOUNDED);
                let mut cursor = cursor.expect("reads").expect("is there");
                prop_assert_eq!(partition_of(&mut cursor).expect("reads"), expected_partition(partition));
                let mut absent = partition.key.key.to_vec();
                absent.push(1);
                let cursor = sstable.cursor(KeyRef::new(&absent), &slices, false, &all, ReadMode::UNBOUNDED);
                prop_assert!(case.partitions.iter().any(|other| *other.key.key == *absent) || cursor.expect("reads").is_none());
            }
        }
    }

    #[test]
    fn slices_are_filters_and_reversed_reads_are_reversed(seed: u64, slice_seed: u64) {
        if let Some(case) = case(seed, 3, 120) {
            let sstable = case.open().expect("opens");
            let mut rng = Rng::new(slice_seed);
            let all = ColumnFilter::All;
            for partition in &case.partitions {
                let slices = random_slices(&mut rng, &case.table, &partition.items);
                let mut expected: Vec<Vec<TestItem>> =
                    slices.iter().map(|slice| slice_items(&case.table, &partition.items, slice)).collect();
                for backwards in [false, true] {
                    if backwards {
                        expected = expected.into_iter().rev().map(reversed).collect();
                    }
                    let cursor = sstable.cursor(partition.key.as_ref(), &slices, backwards, &all, ReadMode::UNBOUNDED);
                    let mut cursor = cursor.expect("reads").expect("is there");
                    prop_assert_eq!(cursor.deletion(), partition.deletion);
                    prop_assert_eq!(
                        cursor.static_row().map(|row| row_content(row.bytes())),
                        partition.static_row.as_deref().map(row_content)
                    );
                    let expected: Vec<String> = expected.iter().flatten().map(TestItem::content).collect();
                    prop_assert_eq!(items_of(&mut cursor).expect("reads"), expected, "backwards: {}, {:?}", backwards, slices);
                }
            }
        }
    }

    #[test]
    fn ranges_are_parts_of_the_ring(seed: u64, range_seed: u64) {
        if let Some(case) = case(seed, 40, 4) {
            let sstable = case.open().expect("opens");
            let mut rng = Rng::new(range_seed);
            for _ in 0..10 {
                let mut place = || {
                    let key = case.partitions[rng.index(case.partitions.len())].key.as_ref();
                    match rng.below(6) {
                        0 => RingPosition::FIRST,
                        1 => RingPosition::LAST,
                        2 => RingPosition::before(key.token),
                        3 => RingPosition::after(key.token),
                        4 => RingPosition::at(key),
                        _ => RingPosition::behind(key),
                    }
                };
                let (start, end) = (place(), place());
                let inside: Vec<TestPartition> = case.partitions.iter().filter(|partition| {
                    let key = partition.key.as_ref();
                    start.compare_to_key(key).is_lt() && end.compare_to_key(key).is_gt()
                }).cloned().collect();
                let (all, slices) = (ColumnFilter::All, [Slice::all()]);
                let scan = sstable.scan(&start, &end, &slices, &all, ReadMode::UNBOUNDED).expect("scans");
                prop_assert_eq!(scan_contents(scan).expect("reads"), expected_scan(&inside));
                // Partitions can be left at any item.
                let mut scan = sstable.scan(&start, &end, &slices, &all, ReadMode::UNBOUNDED).expect("scans");
                for partition in &inside {
                    prop_assert!(scan.next_partition().expect("reads"));
                    prop_assert_eq!(scan.key(), partition.key.as_ref());
                    for _ in 0..rng.below(3) {
                        scan.advance().expect("reads");
                    }
                }
                prop_assert!(!scan.next_partition().expect("reads"));
            }
        }
    }

    #[test]
    fn unwanted_columns_stay_away(seed: u64, wanted: u64) {
        if let Some(case) = case(seed, 10, 10) {
            let sstable = case.open().expect("opens");
            let ids: Vec<u16> = (0..64).filter(|id| wanted & (1 << id) != 0).collect();
            let filter = ColumnFilter::Only(ids.into());
            let mut scan = sstable.scan(&RingPosition::FIRST, &RingPosition::LAST, &[Slice::all()], &filter, ReadMode::UNBOUNDED)
                .expect("scans");
            for partition in &case.partitions {
                prop_assert!(scan.next_partition().expect("reads"));
                let mut rows = partition.items.iter().filter_map(|item| match item {
                    TestItem::Row(clustering, row) => Some((clustering, RowRef::new(row))),
                    TestItem::Marker(..) => None,
                }).filter(|(_, row)| {
                    !row.header.liveness.is_none() || !row.header.deletion.is_live() || row.cells().any(|c| filter.includes(c.column))
                });
                while scan.advance().expect("reads") {
                    let Some(helenus_model::partition::Unfiltered::Row { clustering, row }) = scan.current() else { continue };
                    let (known, full) = rows.next().expect("a row");
                    prop_assert_eq!(known, clustering);
                    prop_assert!(row.cells().eq(full.cells().filter(|cell| filter.includes(cell.column))));
                }
                prop_assert!(rows.next().is_none());
            }
        }
    }
}

/// Everything that the file says, read in every way there is, or the first error.
fn read_all(case: &Case) -> Result<Vec<String>, ReadError> {
    let sstable = case.open()?;
    let (all, slices) = (ColumnFilter::All, [Slice::all()]);
    let scanned = scan_contents(sstable.scan_all()?)?;
    for (partition, expected) in case.partitions.iter().zip(&scanned) {
        let cursor = sstable.cursor(partition.key.as_ref(), &slices, false, &all, ReadMode::UNBOUNDED)?;
        let content = match cursor {
            None => "nothing".to_owned(),
            Some(mut cursor) => partition_of(&mut cursor)?,
        };
        assert_eq!(format!("{:02x?} {content}", partition.key.key), *expected);
        let cursor = sstable.cursor(partition.key.as_ref(), &slices, true, &all, ReadMode::UNBOUNDED)?;
        let expected: Vec<String> = reversed(partition.items.clone()).iter().map(TestItem::content).collect();
        assert_eq!(items_of(&mut cursor.expect("is there"))?, expected);
    }
    Ok(scanned)
}

/// Damages the file of each component at `places` of its bytes: reads answer an error or what was written, and the verification
/// always answers an error.
fn check_damage(case: &Case, rng: &mut Rng, places: u64) {
    let expected = expected_scan(&case.partitions);
    assert_eq!(read_all(case).expect("sound"), expected);
    for (component, length) in &case.info.components {
        let path = case.info.descriptor.path(*component);
        let sound = case.disk.content(&path).expect("there");
        assert_eq!(sound.len() as u64, *length);
        for place in 0..places.min(*length) {
            let at = if *length <= places { place } else { rng.below(*length) } as usize;
            let mut damaged = sound.clone();
            match rng.below(8) {
                0 => damaged.truncate(at),
                1 => damaged.insert(at, rng.below(256) as u8),
                _ => damaged[at] ^= 1 << rng.below(8),
            }
            if damaged == sound {
                continue;
            }
            case.disk.put(&path, damaged);
            if let Ok(found) = read_all(case) {
                assert_eq!(found, expected, "{path}, byte {at}");
            }
            let verified = case.open().and_then(|sstable| sstable.verify());
            assert!(matches!(verified, Err(ReadError::Corrupt { .. } | ReadError::Disk(_))), "{path}, byte {at}");
        }
        case.disk.put(&path, sound);
    }
}

#[test]
fn damage_is_noticed() {
    let mut cases = 0;
    for seed in 0..40 {
        let mut rng = Rng::new(seed);
        let (partitions, rows) = if seed % 2 == 0 { (3, 20) } else { (12, 2) };
        if let Some(case) = case(seed, partitions, rows) {
            check_damage(&case, &mut rng, 40);
            cases += 1;
        }
    }
    assert!(cases > 30, "{cases} cases");
}

#[test]
fn every_byte_of_a_small_file_counts() {
    for seed in [3, 4] {
        if let Some(case) = case(seed, 2, 3) {
            check_damage(&case, &mut Rng::new(seed), 20_000);
        }
    }
}

/// With a key cache for nothing, so that every read needs its block of Index.db.
#[test]
fn what_was_read_once_is_read_again_without_the_disk() {
    let case = case(11, 12, 4).expect("content");
    let caches = Arc::new(SsTableCaches::new(1 << 20, 0));
    let sstable = SsTable::open(Arc::new(case.disk.clone()), DIRECTORY, "7", &case.table, caches).expect("opened");
    let (all, slices) = (ColumnFilter::All, [Slice::all()]);
    case.disk.set_faults(Faults { cold_reads_every: 1, ..Faults::default() });
    let read = |may_block| {
        let mode = ReadMode { may_block, ..ReadMode::UNBOUNDED };
        let each = case.partitions.iter().map(|partition| {
            let cursor = sstable.cursor(partition.key.as_ref(), &slices, false, &all, mode)?;
            partition_of(&mut cursor.expect("is there"))
        });
        each.collect::<Result<Vec<_>, _>>()
    };
    assert!(matches!(read(false), Err(ReadError::WouldBlock)), "nothing was read yet");
    let expected = read(true).expect("the disk answers");
    assert_eq!(read(false).expect("no wait"), expected);
}

/// Without our sidecar a file is foreign: damage that no checksum of the format covers must not panic either.
#[test]
fn foreign_files_are_imported_after_verification() {
    for seed in 100..116 {
        let Some(case) = case(seed, 6, 10) else { continue };
        let sidecar = case.info.descriptor.path(Component::Helenus);
        case.disk.remove(&sidecar).expect("removed");
        assert!(matches!(case.open(), Err(ReadError::Corrupt { .. })));
        let disk: Arc<dyn Disk> = Arc::new(case.disk.clone());
        let import = || SsTable::import(disk.clone(), DIRECTORY, "7", &case.table, Arc::default());
        let mut rng = Rng::new(seed);
        for component in
            [Component::Index, Component::Summary, Component::Filter, Component::CompressionInfo, Component::Crc]
        {
            let path = case.info.descriptor.path(component);
            let Some(sound) = case.disk.content(&path) else { continue };
            for _ in 0..60 {
                let mut damaged = sound.clone();
                let at = rng.index(damaged.len());
                damaged[at] ^= 1 << rng.below(8);
                case.disk.put(&path, damaged);
                if let Ok(imported) = import() {
                    let found = imported.scan_all().and_then(scan_contents).expect("verified");
                    assert_eq!(found, expected_scan(&case.partitions), "{path}, byte {at}");
                    case.disk.remove(&sidecar).expect("written by the import");
                }
            }
            case.disk.put(&path, sound);
        }
        if seed % 2 == 0 {
            case.disk.remove(&case.info.descriptor.path(Component::Summary)).expect("rebuilt from the index");
        }
        let imported = import().expect("sound");
        assert_eq!(imported.estimate_partitions(), case.info.partitions);
        assert_eq!(read_all(&case).expect("sound"), expected_scan(&case.partitions));
    }
}

#[test]
fn aborted_files_are_gone_and_empty_ones_never_were() {
    let mut rng = Rng::new(1);
    let table = Arc::new(random_table(&mut rng, "t", 2, 4));
    let disk = MemoryDisk::new();
    assert_eq!(write(&disk, &table, &[], 100), None);
    assert!(disk.files().is_empty());
    let options = WriterOptions::of_table(&table, EncodingStats::default(), 1).expect("known options");
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let mut writer = SsTableWriter::create(shared, DIRECTORY, "1", table.clone(), options).expect("created");
    writer.begin_partition(KeyRef::new(b"k"), DeletionTime::LIVE, None).expect("begun");
    assert!(writer.begin_partition(KeyRef::new(b"l"), DeletionTime::LIVE, None).is_err());
    assert_eq!(disk.files().len(), 2);
    writer.abort().expect("aborted");
    assert!(disk.files().is_empty());
}

/// Writes a sidecar, and `CRC.db` and the digest, that fit the files as they are now.
fn reseal(case: &Case) {
    let path = |component| case.info.descriptor.path(component);
    let data = case.disk.content(&path(Component::Data)).expect("there");
    if case.disk.content(&path(Component::Crc)).is_some() {
        let mut crc = 65536_u32.to_be_bytes().to_vec();
        crc.extend(data.chunks(65536).flat_map(|chunk| crc32fast::hash(chunk).to_be_bytes()));
        case.disk.put(&path(Component::Crc), crc);
    }
    case.disk.put(&path(Component::Digest), crc32fast::hash(&data).to_string().into_bytes());
    let mut sidecar = checksum::Sidecar { partitions: 0, has_partition_deletions: true, components: Vec::new() };
    for component in Component::ALL.into_iter().filter(|component| *component != Component::Helenus) {
        if let Some(bytes) = case.disk.content(&path(component)) {
            sidecar.add(component, checksum::BlockSums::of(component, &bytes));
        }
    }
    case.disk.put(&path(Component::Helenus), sidecar.encode());
}

/// Reads in every way without expecting anything but an end.
fn read_garbage(case: &Case, slices: &[Slice]) -> Result<(), ReadError> {
    let sstable = case.open()?;
    let all = ColumnFilter::All;
    for partition in &case.partitions {
        for (slices, backwards) in [(slices, false), (slices, true), (&[Slice::all()][..], true)] {
            let cursor = sstable.cursor(partition.key.as_ref(), slices, backwards, &all, ReadMode::UNBOUNDED);
            if let Ok(Some(mut cursor)) = cursor {
                let _ = items_of(&mut cursor);
            }
        }
    }
    let _ = sstable.verify();
    scan_contents(sstable.scan_all()?).map(drop)
}

/// Bytes that no writer wrote, but with right checksums: nothing panics, and what is wrong is an error of kind Corrupt.
#[test]
fn garbage_under_valid_checksums_does_not_panic() {
    let mut errors = 0;
    for seed in 200..212 {
        let mut rng = Rng::new(seed);
        let Some(case) = case(seed, 4, 25) else { continue };
        let slices = random_slices(&mut rng, &case.table, &case.partitions[0].items);
        let raw = case.disk.content(&case.info.descriptor.path(Component::Crc)).is_some();
        for component in
            [Component::Data, Component::Index, Component::Summary, Component::Filter, Component::CompressionInfo]
        {
            let path = case.info.descriptor.path(component);
            let Some(sound) = case.disk.content(&path) else { continue };
            if component == Component::Data && !raw {
                continue;
            }
            for _ in 0..if component == Component::Data { 100 } else { 30 } {
                let mut damaged = sound.clone();
                for _ in 0..1 + rng.below(3) {
                    let at = rng.index(damaged.len());
                    damaged[at] = if rng.chance(50) { rng.below(256) as u8 } else { damaged[at] ^ (1 << rng.below(8)) };
                }
                case.disk.put(&path, damaged);
                reseal(&case);
                match read_garbage(&case, &slices) {
                    Ok(()) => {}
                    Err(error) => {
                        assert!(matches!(error, ReadError::Corrupt { .. } | ReadError::Disk(_)), "{error}");
                        errors += 1;
                    }
                }
            }
            case.disk.put(&path, sound);
        }
        reseal(&case);
    }
    assert!(errors > 100, "{errors} errors");
}
