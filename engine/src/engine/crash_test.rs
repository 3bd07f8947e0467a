//! Kills, power cuts and errors at every operation of flushes, compactions, truncations and drops.

use std::collections::BTreeMap;
use std::sync::Arc;

use helenus_model::key::RingPosition;
use helenus_model::read::{ColumnFilter, ReadCommand, ReadLimits, ReadScope, Slice};
use helenus_model::rng::Rng;
use helenus_model::row::{CellRef, RowHeader};
use helenus_model::schema::{Column, ColumnKind, DroppedColumn, Replication, Schema, SchemaChange};
use helenus_model::time::Now;
use helenus_model::types::CqlType;
use helenus_model::types::parse_java_class;
use uuid::Uuid;

use super::{Engine, EngineConfig, JobError, JobProgress};
use crate::cursor::ReadMode;
use crate::disk::Disk;
use crate::disk::DiskErrorKind;
use crate::disk_memory::{Faults, MemoryDisk};
use crate::manifest::Manifest;
use crate::sstable::Descriptor;
use crate::testing::{
    Change, Collector, OTHER as OTHER_COLUMN, SeenPartition, VALUE, clustering, insert, row, schema, table_parts,
};

const TABLE: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);
const NOW: Now = Now { wall_micros: 1_000_000_000, monotonic_micros: 0 };

fn config() -> EngineConfig {
    EngineConfig { log_segment_bytes: 1000, auto_snapshot: false, ..EngineConfig::default() }
}

fn tables() -> Arc<Schema> {
    schema(vec![table_parts(1, "t", 10), table_parts(2, "other", 10)])
}

fn open(disk: &MemoryDisk) -> Engine {
    Engine::open(Arc::new(disk.clone()), config(), tables(), Vec::new(), NOW).expect("opens").0
}

fn write(engine: &Engine, table: Uuid, from: i32, count: i32) {
    for i in from..from + count {
        engine.apply(&insert(table, &[(i % 5) as u8], &[i, i], i64::from(i), &i.to_be_bytes()), true).expect("applied");
    }
    engine.log_flush().expect("flushed");
}

fn run_jobs(engine: &Engine) -> Result<(), JobError> {
    run_jobs_at(engine, NOW)
}

fn run_jobs_at(engine: &Engine, now: Now) -> Result<(), JobError> {
    while let Some(mut job) = engine.next_job(now) {
        while let JobProgress::More { .. } = job.run_slice(engine, 200, now)? {}
    }
    Ok(())
}

fn read(engine: &Engine, table: Uuid) -> Vec<SeenPartition> {
    let command = ReadCommand {
        table,
        schema_epoch: 1,
        scope: ReadScope::Range { start: RingPosition::FIRST, end: RingPosition::LAST, resume: None },
        slices: vec![Slice::all()],
        reversed: false,
        columns: ColumnFilter::All,
        limits: ReadLimits::NONE,
        now: NOW.seconds(),
        through: None,
    };
    let definition = engine.tables.load().get(table).expect("known").definition.load_full();
    let mut collector = Collector::new(&definition, command.now, false);
    engine.read(&command, ReadMode::UNBOUNDED, &mut collector).expect("read");
    collector.seen()
}

/// Three SSTables, and rows in the memtables of two tables.
fn prepared() -> (MemoryDisk, Engine) {
    let disk = MemoryDisk::new();
    let engine = open(&disk);
    for round in 0..3 {
        write(&engine, TABLE, round * 7, 10);
        engine.flush(TABLE);
        run_jobs(&engine).expect("flushed");
    }
    write(&engine, TABLE, 50, 10);
    write(&engine, OTHER, 0, 10);
    engine.log_sync_awaited().expect("synced");
    (disk, engine)
}

/// Every file below `data` belongs to an SSTable of the manifest.
fn check_no_orphans(disk: &MemoryDisk, context: &str) {
    let manifest = Manifest::load(disk).expect("a manifest");
    for path in disk.files().iter().filter(|path| path.starts_with("data/")) {
        let (directory, name) = path.rsplit_once('/').expect("a directory");
        let (descriptor, _) = Descriptor::parse(directory, name).expect("an SSTable");
        let generation = descriptor.id.parse().expect("a generation");
        let live =
            manifest.tables.values().any(|table| table.directory == directory && table.live.contains(&generation));
        assert!(live, "{context}: {path} belongs to nothing");
    }
}

/// Runs `action` on prepared stores and ends the process at its first, second … operation, until it gets through.
fn crash_everywhere(action: impl Fn(&Engine) -> bool, check: impl Fn(&Engine, bool, &str)) {
    for power_cut in [false, true] {
        let mut passed = false;
        for at in 0.. {
            assert!(at < 2000, "the action ends");
            let (disk, engine) = prepared();
            disk.set_faults(Faults { kill_at: Some(disk.operations() + at), ..Faults::default() });
            let done = action(&engine);
            passed |= done;
            drop(engine);
            let mut rng = Rng::new(at);
            disk.crash(power_cut, &mut rng);
            let context = format!("operation {at}, power cut {power_cut}");
            let engine = open(&disk);
            check(&engine, done, &context);
            check_no_orphans(&disk, &context);
            run_jobs(&engine).expect("jobs go on");
            check(&engine, done, &context);
            check_no_orphans(&disk, &context);
            drop(engine);
            disk.crash(true, &mut rng);
            check(&open(&disk), done, &context);
            if done {
                break;
            }
        }
        assert!(passed, "the action got through at last");
    }
}

#[test]
fn a_flush_and_a_compaction_may_end_anywhere() {
    let (_, engine) = prepared();
    let expected = [read(&engine, TABLE), read(&engine, OTHER)];
    crash_everywhere(
        |engine| {
            engine.flush_all();
            if run_jobs(engine).is_err() {
                return false;
            }
            engine.compact_major(TABLE);
            run_jobs(engine).is_ok()
        },
        |engine, _, context| {
            assert_eq!(read(engine, TABLE), expected[0], "{context}");
            assert_eq!(read(engine, OTHER), expected[1], "{context}");
        },
    );
}

#[test]
fn a_truncation_may_end_anywhere_and_nothing_comes_back() {
    let (_, engine) = prepared();
    let expected = [read(&engine, TABLE), read(&engine, OTHER)];
    crash_everywhere(
        |engine| engine.truncate(TABLE, NOW).is_ok() && run_jobs(engine).is_ok(),
        |engine, done, context| {
            let found = read(engine, TABLE);
            assert!(found.is_empty() || (!done && found == expected[0]), "{context}: all or nothing");
            assert_eq!(read(engine, OTHER), expected[1], "{context}");
        },
    );
}

#[test]
fn writes_after_a_truncation_stay() {
    let (disk, engine) = prepared();
    engine.truncate(TABLE, NOW).expect("truncated");
    assert_eq!(engine.truncated_at(TABLE), Some(NOW.wall_micros));
    write(&engine, TABLE, 500, 3);
    let expected = read(&engine, TABLE);
    assert_eq!(expected.iter().map(|partition| partition.rows.len()).sum::<usize>(), 3);
    engine.log_sync().expect("synced");
    drop(engine);
    disk.crash(true, &mut Rng::new(3));
    let engine = open(&disk);
    assert_eq!(read(&engine, TABLE), expected);
    engine.drain(NOW).expect("drained");
    let report = Engine::open(Arc::new(disk.clone()), config(), tables(), Vec::new(), NOW).expect("opens").1;
    assert_eq!(report.records, report.skipped_flushed + report.skipped_unknown, "nothing is replayed after a drain");
}

#[test]
fn an_error_at_any_operation_leaves_the_data_and_the_work_is_done_later() {
    let (_, engine) = prepared();
    let expected = [read(&engine, TABLE), read(&engine, OTHER)];
    for at in 0..400 {
        let (disk, engine) = prepared();
        let fail_at = BTreeMap::from([(disk.operations() + at, DiskErrorKind::Full)]);
        disk.set_faults(Faults { fail_at, ..Faults::default() });
        engine.flush_all();
        let mut failed = run_jobs(&engine).is_err();
        engine.compact_major(TABLE);
        failed |= run_jobs(&engine).is_err();
        assert_eq!(read(&engine, TABLE), expected[0], "operation {at}");
        assert_eq!(read(&engine, OTHER), expected[1], "operation {at}");
        disk.set_faults(Faults::default());
        // Unless the manifest is in doubt, the store goes on.
        if run_jobs(&engine).is_ok() {
            assert_eq!(read(&engine, TABLE), expected[0], "operation {at}");
        }
        drop(engine);
        disk.crash(false, &mut Rng::new(at));
        let engine = open(&disk);
        assert_eq!(read(&engine, TABLE), expected[0], "operation {at}");
        assert_eq!(read(&engine, OTHER), expected[1], "operation {at}");
        check_no_orphans(&disk, &format!("operation {at}"));
        if !failed && at > 0 {
            break;
        }
    }
}

#[test]
fn a_dropped_table_is_gone_with_its_files() {
    let (disk, engine) = prepared();
    let other = read(&engine, OTHER);
    let without = schema(vec![table_parts(2, "other", 10)]);
    engine.set_schema(Arc::clone(&without), NOW).expect("dropped");
    assert!(engine.apply(&insert(TABLE, b"k", &[1, 1], 1, b"v"), true).is_err());
    run_jobs(&engine).expect("files go");
    assert_eq!(read(&engine, OTHER), other);
    assert!(disk.files().iter().all(|path| !path.contains("/t-")), "{:?}", disk.files());
    drop(engine);
    disk.crash(false, &mut Rng::new(1));
    let (engine, report) = Engine::open(Arc::new(disk), config(), without, Vec::new(), NOW).expect("opens");
    assert_eq!(read(&engine, OTHER), other);
    assert!(report.skipped_unknown > 0, "the log still has records of the dropped table");
}

/// A table is dropped, and another made with its id, by `name`. `restarts`: the node starts again in between; `tidies`: it has time to
/// remove the files.
fn check_reused_id(name: &str, restarts: bool, tidies: bool) {
    let context = format!("{name}, restarts {restarts}, tidies {tidies}");
    let (disk, mut engine) = prepared();
    let without = schema(vec![table_parts(2, "other", 10)]);
    let with = schema(vec![table_parts(1, name, 10), table_parts(2, "other", 10)]);
    engine.set_schema(Arc::clone(&without), NOW).expect("dropped");
    if tidies {
        run_jobs(&engine).expect("files go");
    }
    let reopen = |engine: Engine, schema: &Arc<Schema>| {
        drop(engine);
        disk.crash(false, &mut Rng::new(1));
        Engine::open(Arc::new(disk.clone()), config(), Arc::clone(schema), Vec::new(), NOW).expect("opens").0
    };
    if restarts {
        engine = reopen(engine, &without);
    }
    engine.set_schema(Arc::clone(&with), NOW).expect("made again");
    write(&engine, TABLE, 70, 1);
    let written = read(&engine, TABLE);
    assert_eq!(written.len(), 1, "{context}");
    engine = reopen(engine, &with);
    assert_eq!(read(&engine, TABLE), written, "{context}: what the log has");
    engine.flush(TABLE);
    run_jobs(&engine).expect("flushed, and files went");
    engine = reopen(engine, &with);
    assert_eq!(read(&engine, TABLE), written, "{context}: what the files have");
    check_no_orphans(&disk, &context);
}

#[test]
fn a_table_with_the_id_of_a_dropped_one_has_only_its_own() {
    for restarts in [false, true] {
        for tidies in [false, true] {
            for name in ["t", "u"] {
                check_reused_id(name, restarts, tidies);
            }
        }
    }
}

/// The class of such a key is that of a key of several columns.
#[test]
fn a_composite_alone_in_the_partition_key_is_read_again() {
    let mut parts = table_parts(1, "t", 10);
    parts.columns[0].ty = parse_java_class("CompositeType(Int32Type,UTF8Type)").expect("a class");
    let schema = schema(vec![parts]);
    let disk = MemoryDisk::new();
    let reopen =
        || Engine::open(Arc::new(disk.clone()), config(), Arc::clone(&schema), Vec::new(), NOW).expect("opens").0;
    let engine = reopen();
    let key = [0, 4, 0, 0, 0, 1, 0, 0, 1, b'a', 0];
    engine.apply(&insert(TABLE, &key, &[1, 1], 1, b"v"), true).expect("applied");
    engine.log_flush().expect("flushed");
    let written = read(&engine, TABLE);
    engine.flush(TABLE);
    run_jobs(&engine).expect("flushed");
    drop(engine);
    assert_eq!(read(&reopen(), TABLE), written);
}

#[test]
fn unknown_files_stop_the_start() {
    let (disk, engine) = prepared();
    drop(engine);
    let directory = format!("data/ks/t-{}", TABLE.simple());
    let source = disk.files().into_iter().find(|path| path.starts_with(&directory)).expect("an SSTable");
    let id = source.rsplit_once('/').and_then(|(_, name)| name.split('-').nth(1)).expect("an id").to_owned();
    for (paths, refused) in [
        (vec![format!("{directory}/nb-999-big-Data.db"), format!("{directory}/nb-999-big-TOC.txt")], true),
        (vec![format!("{directory}/nb-999-big-Data.db")], false),
        (vec![format!("{directory}/notes")], true),
        (vec!["data/ks/x-1/nb-1-big-TOC.txt".to_owned()], true),
        (vec!["commitlog/notes".to_owned()], true),
        (vec!["manifest/notes".to_owned()], true),
        (vec![format!("{directory}/snapshots/a/nb-{id}-big-TOC.txt")], false),
    ] {
        let copy = disk.copy();
        for path in &paths {
            copy.put(path, b"bytes".to_vec());
        }
        let opened = Engine::open(Arc::new(copy), config(), tables(), Vec::new(), NOW);
        match (opened, refused) {
            (Err(error), true) => {
                let named =
                    paths.iter().any(|path| error.to_string().contains(path.rsplit_once('/').expect("a directory").0));
                assert!(named, "{error} names one of {paths:?}");
            }
            (Ok(_), false) => {}
            (other, _) => panic!("{paths:?}: {:?}", other.map(|(_, report)| report)),
        }
    }
}

#[test]
fn a_snapshot_has_the_files_and_survives_a_compaction() {
    let (disk, engine) = prepared();
    engine.snapshot(TABLE, "before", NOW).expect("made");
    assert_eq!(engine.snapshots(TABLE).expect("listed"), ["before"]);
    let linked =
        |disk: &MemoryDisk| disk.files().into_iter().filter(|path| path.contains("/snapshots/before/")).count();
    let count = linked(&disk);
    assert!(count >= 4 * 8, "{count} files");
    engine.compact_major(TABLE);
    run_jobs(&engine).expect("compacted");
    assert_eq!(linked(&disk), count);
}

#[test]
fn an_sstable_is_brought_in_whole_or_not_at_all() {
    let (source, engine) = prepared();
    engine.compact_major(TABLE);
    engine.flush(TABLE);
    run_jobs(&engine).expect("flushed");
    engine.compact_major(TABLE);
    run_jobs(&engine).expect("compacted");
    let expected = read(&engine, TABLE);
    let files: Vec<String> = source.files().into_iter().filter(|path| path.contains("/t-")).collect();
    let bytes = |path: &str| {
        let file = source.open(path).expect("opens");
        let mut bytes = vec![0; file.len().expect("a length") as usize];
        file.read_at(0, &mut bytes).expect("read");
        bytes
    };
    // Copies the files without our checksums, one byte of `damaged` changed.
    let copy = |disk: &MemoryDisk, engine: &Engine, damaged: &str| {
        let (directory, generation) = engine.begin_import(TABLE).expect("begun");
        for path in files.iter().filter(|path| !path.ends_with("Helenus.db")) {
            let component = path.rsplit_once('-').expect("a component").1;
            let mut bytes = bytes(path);
            if component == damaged {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            disk.put(&format!("{directory}/nb-{generation}-big-{component}"), bytes);
        }
        generation
    };
    let disk = MemoryDisk::new();
    let target = open(&disk);
    for (damaged, owns) in [("Data.db", true), ("Index.db", true), ("Statistics.db", true), ("", false)] {
        let generation = copy(&disk, &target, damaged);
        assert!(target.check_import(TABLE, generation, &|_| owns).is_err(), "{damaged} {owns}");
        target.abandon_import(TABLE, generation);
        run_jobs(&target).expect("files go");
        assert!(read(&target, TABLE).is_empty(), "{damaged}");
        assert!(disk.files().iter().all(|path| !path.contains("/t-")), "{damaged}: {:?}", disk.files());
    }
    // A kill before the end leaves nothing.
    let generation = copy(&disk, &target, "");
    target.check_import(TABLE, generation, &|_| true).expect("sound");
    drop(target);
    disk.crash(false, &mut Rng::new(1));
    let target = open(&disk);
    assert!(read(&target, TABLE).is_empty());
    check_no_orphans(&disk, "after the kill");
    let generation = copy(&disk, &target, "");
    target.check_import(TABLE, generation, &|_| true).expect("sound");
    target.install_import(TABLE, generation, NOW).expect("installed");
    assert_eq!(read(&target, TABLE), expected);
    drop(target);
    disk.crash(true, &mut Rng::new(1));
    let target = open(&disk);
    assert_eq!(read(&target, TABLE), expected, "after a power cut");
    assert!(target.begin_import(Uuid::from_u128(9)).is_err(), "no such table");
}

#[test]
fn truncation_and_drop_leave_snapshots_if_configured() {
    let disk = MemoryDisk::new();
    let config = EngineConfig { auto_snapshot: true, ..config() };
    let (engine, _) = Engine::open(Arc::new(disk.clone()), config, tables(), Vec::new(), NOW).expect("opens");
    write(&engine, TABLE, 0, 10);
    engine.truncate(TABLE, NOW).expect("truncated");
    assert_eq!(engine.snapshots(TABLE).expect("listed"), ["truncated-1000000-t"]);
    assert!(read(&engine, TABLE).is_empty());
    write(&engine, TABLE, 0, 10);
    engine.set_schema(schema(vec![]), NOW).expect("dropped");
    run_jobs(&engine).expect("files go");
    let left: Vec<_> = disk.files().into_iter().filter(|path| path.ends_with("Data.db")).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.iter().all(|path| path.contains("/snapshots/")), "{left:?}");
}

#[test]
fn a_full_disk_refuses_writes_and_recovers_when_there_is_space() {
    let disk = MemoryDisk::new();
    let engine = open(&disk);
    disk.set_faults(Faults { capacity_bytes: Some(60_000), ..Faults::default() });
    let (mut applied, mut refused) = (0, 0);
    for i in 0..3000_i32 {
        let mutation = insert(TABLE, &[1], &[i, i], i64::from(i), &[7; 20]);
        match engine.apply(&mutation, true).and_then(|_| engine.log_flush()) {
            Ok(()) => {
                assert_eq!(refused, 0, "writes stay refused while the disk is full");
                applied += 1;
            }
            Err(error) => {
                assert!(error.to_string().contains("space") || error.to_string().contains("free"), "{error}");
                refused += 1;
            }
        }
        if i % 50 == 0 {
            // A flush may find no space, too.
            let _ = run_jobs_at(&engine, Now { monotonic_micros: i as u64 * 100_000, ..NOW });
        }
    }
    assert!(applied > 100 && refused > 100, "{applied} applied, {refused} refused");
    let rows = |engine: &Engine| read(engine, TABLE).iter().map(|partition| partition.rows.len()).sum::<usize>();
    assert!(rows(&engine) >= applied, "reads go on, nothing is lost");
    disk.set_faults(Faults::default());
    let later = Now { monotonic_micros: 400_000_000, ..NOW };
    run_jobs_at(&engine, later).expect("there is space");
    write(&engine, TABLE, 5000, 10);
    let found = rows(&engine);
    assert!(found >= applied + 10);
    drop(engine);
    disk.crash(false, &mut Rng::new(1));
    assert_eq!(rows(&open(&disk)), found);
}

/// The table of [`tables`] as of `epoch`, without the columns `dropped` and with the blob columns `added`.
fn altered(epoch: u64, dropped: &[&str], added: &[(u16, &str)]) -> Arc<Schema> {
    let mut parts = table_parts(1, "t", 10);
    for name in dropped {
        let at = parts.columns.iter().position(|column| column.name == *name).expect("there");
        let Column { name, ty, kind, .. } = parts.columns.remove(at);
        parts.dropped.push(DroppedColumn { name, ty, kind, dropped_at: 8, id: None });
    }
    for (id, name) in added {
        let template = parts.columns.iter().find(|column| column.kind == ColumnKind::Regular).expect("there").clone();
        let (name, ty) = ((*name).to_owned(), CqlType::Blob);
        parts.columns.push(Column { id: *id, name, ty, ..template });
        parts.next_column_id = id + 1;
    }
    let replication = Replication::Simple { factor: 1 };
    let keyspace = SchemaChange::PutKeyspace { name: "ks".to_owned(), replication, durable_writes: true };
    let changes = [keyspace, SchemaChange::PutTable(Box::new(parts))];
    Arc::new(Schema::default().apply(epoch, &changes).expect("a valid schema"))
}

/// Which of the table's columns have values, by number of rows.
fn columns_seen(engine: &Engine) -> BTreeMap<u16, usize> {
    let definition = engine.tables.load().get(TABLE).expect("known").definition.load_full();
    let mut counts = BTreeMap::new();
    for (_, row) in read(engine, TABLE).into_iter().flat_map(|partition| partition.rows) {
        for (column, _) in row.cells.keys().filter(|(column, _)| definition.column_by_id(*column).is_some()) {
            *counts.entry(*column).or_default() += 1;
        }
    }
    counts
}

#[test]
fn columns_come_and_go_in_memtables_files_and_log() {
    let both = |engine: &Engine, ids: &[u16], from: i32| {
        for i in from..from + 4 {
            let timestamp = i64::from(i) + 1;
            let cells: Vec<_> = ids.iter().map(|id| CellRef::live(*id, timestamp, b"value")).collect();
            let row = row(RowHeader::of_statement(timestamp, 0, 0, true), &cells);
            let change = Change { rows: vec![(clustering(&[i, i]), row)], ..Change::default() };
            engine.apply(&change.encode(TABLE, b"k"), true).expect("applied");
        }
        engine.log_flush().expect("flushed");
    };
    for flush_first in [false, true] {
        let disk = MemoryDisk::new();
        let engine = open(&disk);
        both(&engine, &[VALUE, OTHER_COLUMN], 0);
        if flush_first {
            engine.flush(TABLE);
            run_jobs(&engine).expect("flushed");
        }
        engine.set_schema(altered(2, &["w"], &[]), NOW).expect("altered");
        assert_eq!(columns_seen(&engine), BTreeMap::from([(VALUE, 4)]), "{flush_first}");
        // A late write under the old schema, and a flush of rows with the dropped column.
        both(&engine, &[VALUE, OTHER_COLUMN], 4);
        engine.flush(TABLE);
        run_jobs(&engine).expect("flushed");
        assert_eq!(columns_seen(&engine), BTreeMap::from([(VALUE, 8)]), "{flush_first}");
        // The name comes again, as another column: the old values do not.
        engine.set_schema(altered(3, &["w"], &[(5, "w"), (6, "x")]), NOW).expect("altered");
        assert_eq!(columns_seen(&engine), BTreeMap::from([(VALUE, 8)]), "{flush_first}");
        both(&engine, &[VALUE, 5, 6], 8);
        let expected = BTreeMap::from([(VALUE, 12), (5, 4), (6, 4)]);
        assert_eq!(columns_seen(&engine), expected, "{flush_first}");
        drop(engine);
        disk.crash(false, &mut Rng::new(1));
        let schema = altered(3, &["w"], &[(5, "w"), (6, "x")]);
        let (engine, _) = Engine::open(Arc::new(disk), config(), schema, Vec::new(), NOW).expect("opens");
        assert_eq!(columns_seen(&engine), expected, "{flush_first}");
        engine.compact_major(TABLE);
        engine.flush(TABLE);
        run_jobs(&engine).expect("compacted");
        engine.compact_major(TABLE);
        run_jobs(&engine).expect("compacted");
        assert_eq!(engine.stats().tables[0].live_sstables, 1);
        assert_eq!(columns_seen(&engine), expected, "{flush_first}");
    }
}

#[test]
fn what_was_written_before_a_drop_does_not_come_back_with_the_column() {
    let disk = MemoryDisk::new();
    let engine = open(&disk);
    let schema = altered(3, &["w"], &[(5, "w")]);
    engine.set_schema(Arc::clone(&schema), NOW).expect("altered");
    // The drop was at 8.
    for timestamp in 7..10 {
        let cells = [VALUE, 5].map(|id| CellRef::live(id, timestamp, b"value"));
        let row = row(RowHeader::EMPTY, &cells);
        let change = Change { rows: vec![(clustering(&[timestamp as i32, 0]), row)], ..Change::default() };
        engine.apply(&change.encode(TABLE, b"k"), true).expect("applied");
    }
    engine.log_flush().expect("flushed");
    let expected = BTreeMap::from([(VALUE, 3), (5, 1)]);
    assert_eq!(columns_seen(&engine), expected, "in the memtable");
    drop(engine);
    let (engine, _) = Engine::open(Arc::new(disk), config(), schema, Vec::new(), NOW).expect("opens");
    assert_eq!(columns_seen(&engine), expected, "from the log");
    engine.flush(TABLE);
    run_jobs(&engine).expect("flushed");
    assert_eq!(columns_seen(&engine), expected, "in the SSTable");
}

#[test]
fn what_is_newer_than_a_drop_comes_back_with_the_column() {
    let schema = |epoch, is_there: bool| {
        let mut parts = table_parts(1, "t", 10);
        let at = parts.columns.iter().position(|column| column.name == "w").expect("there");
        let Column { id, name, ty, kind, .. } = parts.columns[at].clone();
        parts.dropped.push(DroppedColumn { name, ty, kind, dropped_at: 8, id: Some(id) });
        if !is_there {
            parts.columns.remove(at);
        }
        let replication = Replication::Simple { factor: 1 };
        let keyspace = SchemaChange::PutKeyspace { name: "ks".to_owned(), replication, durable_writes: true };
        let changes = [keyspace, SchemaChange::PutTable(Box::new(parts))];
        Arc::new(Schema::default().apply(epoch, &changes).expect("a valid schema"))
    };
    // Where the cells lie when the column goes, and when it comes: each step is done, or not.
    for steps in 0..16 {
        let does = |step: u32| steps & (1 << step) != 0;
        let disk = MemoryDisk::new();
        let mut engine = open(&disk);
        for timestamp in 7..10 {
            let cells = [VALUE, OTHER_COLUMN].map(|id| CellRef::live(id, timestamp, b"value"));
            let row = row(RowHeader::EMPTY, &cells);
            let change = Change { rows: vec![(clustering(&[timestamp as i32, 0]), row)], ..Change::default() };
            engine.apply(&change.encode(TABLE, b"k"), true).expect("applied");
        }
        engine.log_flush().expect("flushed");
        let flush = |engine: &Engine| {
            engine.flush(TABLE);
            run_jobs(engine).expect("flushed");
        };
        if does(0) {
            flush(&engine);
        }
        engine.set_schema(schema(2, false), NOW).expect("altered");
        assert_eq!(columns_seen(&engine), BTreeMap::from([(VALUE, 3)]), "{steps}");
        if does(1) {
            flush(&engine);
        }
        if does(2) {
            engine.compact_major(TABLE);
            run_jobs(&engine).expect("compacted");
        }
        if does(3) {
            drop(engine);
            (engine, _) =
                Engine::open(Arc::new(disk.clone()), config(), schema(2, false), Vec::new(), NOW).expect("opens");
        }
        assert_eq!(columns_seen(&engine), BTreeMap::from([(VALUE, 3)]), "{steps}");
        engine.set_schema(schema(3, true), NOW).expect("altered");
        let expected = BTreeMap::from([(VALUE, 3), (OTHER_COLUMN, 1)]);
        assert_eq!(columns_seen(&engine), expected, "{steps}");
        flush(&engine);
        engine.compact_major(TABLE);
        run_jobs(&engine).expect("compacted");
        assert_eq!(columns_seen(&engine), expected, "{steps}");
    }
}

#[test]
fn a_drop_whose_snapshot_fails_keeps_the_files() {
    let disk = MemoryDisk::new();
    let config = EngineConfig { auto_snapshot: true, ..config() };
    let (engine, _) = Engine::open(Arc::new(disk.clone()), config.clone(), tables(), Vec::new(), NOW).expect("opens");
    write(&engine, TABLE, 0, 10);
    engine.flush(TABLE);
    run_jobs(&engine).expect("flushed");
    let files = |disk: &MemoryDisk| disk.files().into_iter().filter(|path| path.contains("/t-")).collect::<Vec<_>>();
    let before = files(&disk);
    // The first of the snapshot's links, and every later try, finds no space.
    let next = disk.operations();
    let fail_at = (next..next + 20).map(|at| (at, DiskErrorKind::Full)).collect();
    disk.set_faults(Faults { fail_at, ..Faults::default() });
    let without = schema(vec![table_parts(2, "other", 10)]);
    let kept = engine.set_schema(Arc::clone(&without), NOW).expect("dropped all the same");
    assert!(matches!(kept.as_slice(), [(name, _)] if name == "ks.t"), "{kept:?}");
    disk.set_faults(Faults::default());
    run_jobs(&engine).expect("nothing to do");
    assert!(engine.apply(&insert(TABLE, b"k", &[1, 1], 1, b"v"), true).is_err(), "the table is gone");
    write(&engine, OTHER, 0, 10);
    assert_eq!(files(&disk).iter().filter(|path| !path.contains("/snapshots/")).count(), before.len());
    drop(engine);
    let (_, report) = Engine::open(Arc::new(disk.clone()), config, without, Vec::new(), NOW).expect("opens");
    assert_eq!(report.orphaned_directories.len(), 1, "they are told of at each start");
}

#[test]
fn the_index_of_wide_partitions_is_as_fine_as_configured() {
    let index_bytes = |column_index_bytes: u32| {
        let disk = MemoryDisk::new();
        let config = EngineConfig { column_index_bytes, ..config() };
        let engine = Engine::open(Arc::new(disk.clone()), config, tables(), Vec::new(), NOW).expect("opens").0;
        for i in 0..200 {
            engine.apply(&insert(TABLE, b"k", &[i, i], 1, &[7; 100]), true).expect("applied");
        }
        engine.flush(TABLE);
        run_jobs(&engine).expect("flushed");
        let index = disk.files().into_iter().find(|path| path.ends_with("Index.db")).expect("an index");
        disk.open(&index).expect("opens").len().expect("a length")
    };
    let (coarse, fine) = (index_bytes(64 << 10), index_bytes(1 << 10));
    assert!(fine > coarse + 15 * 10, "{fine} bytes with entries each KiB, {coarse} without");
}

#[test]
fn the_log_is_bounded_by_flushing_what_keeps_it() {
    let disk = MemoryDisk::new();
    let config = EngineConfig { log_bytes_max: 5000, ..config() };
    let (engine, _) = Engine::open(Arc::new(disk), config, tables(), Vec::new(), NOW).expect("opens");
    write(&engine, OTHER, 0, 1);
    for round in 0..50 {
        write(&engine, TABLE, round * 10, 10);
        run_jobs(&engine).expect("flushed");
        assert!(engine.stats().log_bytes < 8000, "{}", engine.stats().log_bytes);
    }
}
