//! Entries that are in the way go: when a read comes upon them, and when the index is compacted.

use std::sync::Arc;

use helenus_model::read::{ColumnFilter, ReadCommand, ReadLimits, ReadScope, Slice, Through};
use helenus_model::schema::{Index, IndexTarget, Schema};
use helenus_model::time::Now;
use uuid::Uuid;

use crate::cursor::ReadMode;
use crate::disk_memory::MemoryDisk;
use crate::engine::{Engine, EngineConfig, JobProgress};
use crate::testing::{Collector, insert, schema, table_parts};

const TABLE: Uuid = Uuid::from_u128(1);
const INDEX: Uuid = Uuid::from_u128(2);
const NOW: Now = Now { wall_micros: 1_000_000_000, monotonic_micros: 0 };

fn indexed() -> Arc<Schema> {
    let mut parts = table_parts(1, "t", 10);
    let (name, column) = ("t_v_idx".to_owned(), "v".to_owned());
    parts.indexes.push(Index { id: INDEX, name, column, target: IndexTarget::Simple });
    schema(vec![parts])
}

fn open(disk: &MemoryDisk, schema: Arc<Schema>) -> Engine {
    Engine::open(Arc::new(disk.clone()), EngineConfig::default(), schema, Vec::new(), NOW).expect("opens").0
}

fn run_jobs(engine: &Engine) {
    while let Some(mut job) = engine.next_job(NOW) {
        while let JobProgress::More { .. } = job.run_slice(engine, 100, NOW).expect("runs") {}
    }
}

/// Rows that a read finds.
fn rows(engine: &Engine, schema: &Schema, table: Uuid, scope: ReadScope, through: Option<Through>) -> usize {
    let command = ReadCommand {
        table,
        schema_epoch: 1,
        scope,
        slices: vec![Slice::all()],
        reversed: false,
        columns: ColumnFilter::All,
        limits: ReadLimits::NONE,
        now: NOW.seconds(),
        through: through.map(Box::new),
    };
    let base = schema.table_by_id(TABLE).expect("there");
    let index = base.indexes.iter().find(|index| index.id == table);
    let definition = index
        .map_or(Arc::clone(base), |index| Arc::new(super::hidden_table(base, index).expect("its column is there")));
    let mut collector = Collector::new(&definition, command.now, false);
    engine.read(&command, ReadMode::UNBOUNDED, &mut collector).expect("read");
    collector.partitions.iter().map(|partition| partition.rows.len()).sum()
}

fn found(engine: &Engine, schema: &Schema, value: &[u8]) -> usize {
    use helenus_model::key::RingPosition;
    let scope = ReadScope::Range { start: RingPosition::FIRST, end: RingPosition::LAST, resume: None };
    rows(engine, schema, TABLE, scope, Some(Through::Index { index: INDEX, value: value.into() }))
}

fn entries(engine: &Engine, schema: &Schema, value: &[u8]) -> usize {
    rows(engine, schema, INDEX, ReadScope::Partition { key: value.into() }, None)
}

/// Forty rows that all had the value `old`; thirty of them have another since.
fn overwritten(engine: &Engine) {
    for number in 0..40 {
        engine.apply(&insert(TABLE, &[number], &[1, 1], 5, b"old"), true).expect("applied");
        if number % 4 != 0 {
            engine.apply(&insert(TABLE, &[number], &[1, 1], 6, b"new"), true).expect("applied");
        }
    }
}

#[test]
fn a_read_removes_the_entries_that_it_passes_over() {
    let schema = indexed();
    let engine = open(&MemoryDisk::new(), Arc::clone(&schema));
    run_jobs(&engine);
    overwritten(&engine);
    assert_eq!(entries(&engine, &schema, b"old"), 40);
    assert_eq!(found(&engine, &schema, b"old"), 10);
    assert_eq!(entries(&engine, &schema, b"old"), 10);
    assert_eq!(found(&engine, &schema, b"old"), 10);
    assert_eq!(found(&engine, &schema, b"new"), 30);
    // The value comes back, newer.
    engine.apply(&insert(TABLE, &[1], &[1, 1], 7, b"old"), true).expect("applied");
    assert_eq!(found(&engine, &schema, b"old"), 11);
}

#[test]
fn a_compaction_drops_them() {
    let schema = indexed();
    let engine = open(&MemoryDisk::new(), Arc::clone(&schema));
    run_jobs(&engine);
    overwritten(&engine);
    engine.flush(TABLE);
    run_jobs(&engine);
    assert_eq!(entries(&engine, &schema, b"old"), 40);
    engine.compact_major(TABLE);
    run_jobs(&engine);
    assert_eq!(entries(&engine, &schema, b"old"), 10);
    assert_eq!((found(&engine, &schema, b"old"), found(&engine, &schema, b"new")), (10, 30));
}

#[test]
fn an_index_is_built_once() {
    let disk = MemoryDisk::new();
    let plain = schema(vec![table_parts(1, "t", 10)]);
    let engine = open(&disk, plain);
    overwritten(&engine);
    engine.flush(TABLE);
    run_jobs(&engine);
    let schema = indexed();
    engine.set_schema(Arc::clone(&schema), NOW).expect("set");
    assert!(!engine.is_index_built(INDEX), "the rows are on disk");
    run_jobs(&engine);
    assert!(engine.is_index_built(INDEX));
    assert_eq!(found(&engine, &schema, b"old"), 10);
    drop(engine);
    let engine = open(&disk, Arc::clone(&schema));
    assert!(engine.is_index_built(INDEX), "the manifest says so");
    assert_eq!((found(&engine, &schema, b"old"), found(&engine, &schema, b"new")), (10, 30));
}
