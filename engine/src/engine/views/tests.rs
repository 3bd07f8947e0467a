//! Views are what their base table says, after any writes in any order.

use std::collections::BTreeMap;
use std::sync::Arc;

use helenus_model::key::{ClusteringValues, Position, RingPosition, put_clustering_value};
use helenus_model::read::{ColumnFilter, ReadCommand, ReadLimits, ReadScope, Slice};
use helenus_model::row::{CellRef, ColumnId, DeletionTime, RowHeader};
use helenus_model::schema::{
    Column, ColumnKind, Schema, SortOrder, Table, TableParts, ViewCondition, ViewDefinition, ViewOperator,
};
use helenus_model::time::{LocalSeconds, Now};
use proptest::prelude::*;
use uuid::Uuid;

use crate::cursor::ReadMode;
use crate::disk_memory::MemoryDisk;
use crate::engine::{Engine, EngineConfig, JobProgress, ViewBuild};
use crate::testing::{Change, Collector, OTHER, TAGS, VALUE, clustering, row, schema, table_parts};

const BASE: Uuid = Uuid::from_u128(1);
/// `(v), k, a, b`: there is an entry as long as there is a `v`.
const BY_VALUE: Uuid = Uuid::from_u128(2);
/// `(a), k, b`
const BY_KEY: Uuid = Uuid::from_u128(3);
/// As `BY_VALUE`, of the rows with `a = 1` only.
const FILTERED: Uuid = Uuid::from_u128(4);

const SECOND: i64 = 1_000_000;

fn at(seconds: LocalSeconds) -> Now {
    Now { wall_micros: seconds * SECOND, monotonic_micros: 0 }
}

/// A view of the test's table with these key columns, and all others.
fn view(id: Uuid, name: &str, key: &[&str], conditions: Vec<ViewCondition>) -> TableParts {
    let base = table_parts(1, "t", 1_000_000);
    let mut columns = Vec::new();
    for column in base.columns.iter().filter(|column| column.kind != ColumnKind::Static) {
        let place = key.iter().position(|name| *name == column.name);
        let (kind, position) = match place {
            Some(0) => (ColumnKind::PartitionKey, 0),
            Some(place) => (ColumnKind::Clustering, place as u16 - 1),
            None => (ColumnKind::Regular, 0),
        };
        columns.push(Column { kind, position, order: SortOrder::Ascending, ..column.clone() });
    }
    let definition = ViewDefinition {
        base: BASE,
        base_name: "t".to_owned(),
        include_all: true,
        where_clause: String::new(),
        conditions,
        extra: key.contains(&"v").then_some(VALUE),
    };
    TableParts { id, name: name.to_owned(), columns, view: Some(Arc::new(definition)), ..base }
}

fn viewed() -> Arc<Schema> {
    let is_one = ViewCondition {
        columns: vec!["a".to_owned()],
        operator: ViewOperator::Equal,
        values: vec![vec![1_i32.to_be_bytes().to_vec()]],
    };
    schema(vec![
        table_parts(1, "t", 1_000_000),
        view(BY_VALUE, "by_value", &["v", "k", "a", "b"], Vec::new()),
        view(BY_KEY, "by_key", &["a", "k", "b"], Vec::new()),
        view(FILTERED, "filtered", &["v", "k", "a", "b"], vec![is_one]),
    ])
}

fn open(disk: &MemoryDisk, schema: Arc<Schema>) -> Engine {
    Engine::open(Arc::new(disk.clone()), EngineConfig::default(), schema, Vec::new(), at(0)).expect("opens").0
}

/// Applies a mutation with everything that it changes in views.
fn write(engine: &Engine, mutation: &[u8], now: LocalSeconds) {
    let mut route = |updates: Vec<super::ViewUpdate>| updates.into_iter().map(|update| update.mutation).collect();
    engine.apply_with_views(mutation, true, now, ReadMode::UNBOUNDED, &mut route).expect("applied");
}

/// Live rows by the values of their key columns, in the order of `names`.
type Seen = BTreeMap<Vec<Vec<u8>>, BTreeMap<(ColumnId, Option<Vec<u8>>), Vec<u8>>>;

/// What a client sees of a table.
fn seen(engine: &Engine, table: &Arc<Table>, now: LocalSeconds, names: &[&str]) -> Seen {
    let command = ReadCommand {
        table: table.id,
        schema_epoch: 1,
        scope: ReadScope::Range { start: RingPosition::FIRST, end: RingPosition::LAST, resume: None },
        slices: vec![Slice::all()],
        reversed: false,
        columns: ColumnFilter::All,
        limits: ReadLimits::NONE,
        now,
        through: None,
    };
    let mut collector = Collector::new(table, now, false);
    engine.read(&command, ReadMode::UNBOUNDED, &mut collector).expect("read");
    let mut out = Seen::new();
    for partition in collector.partitions {
        for (clustering, row) in partition.rows {
            if table.is_strict() && !row.marker {
                continue;
            }
            let values: Vec<Vec<u8>> =
                ClusteringValues::new(&clustering).map(|value| value.unwrap_or_default().to_vec()).collect();
            let value = |name: &&str| -> Vec<u8> {
                let column = table.column(name).expect("there");
                match column.kind {
                    ColumnKind::PartitionKey => partition.key.clone(),
                    ColumnKind::Clustering => values[usize::from(column.position)].clone(),
                    _ => row.cells.get(&(column.id, None)).cloned().unwrap_or_default(),
                }
            };
            out.insert(names.iter().map(value).collect(), row.cells.clone());
        }
    }
    out
}

/// What a view is to show, from what its base table shows.
fn wanted(engine: &Engine, schema: &Schema, view: &Table, now: LocalSeconds) -> Seen {
    let base = schema.table_by_id(BASE).expect("there");
    let definition = view.view.as_ref().expect("a view");
    let names = ["v", "k", "a", "b"];
    let mut out = Seen::new();
    for (key, mut cells) in seen(engine, base, now, &names) {
        let is_one = key[2] == 1_i32.to_be_bytes();
        if definition.extra.is_some() && cells.remove(&(VALUE, None)).is_none()
            || (!definition.conditions.is_empty() && !is_one)
        {
            continue;
        }
        out.insert(if definition.extra.is_some() { key } else { key[1..].to_vec() }, cells);
    }
    out
}

fn check(engine: &Engine, schema: &Schema, now: LocalSeconds) {
    for (id, names) in
        [(BY_VALUE, &["v", "k", "a", "b"][..]), (BY_KEY, &["k", "a", "b"]), (FILTERED, &["v", "k", "a", "b"])]
    {
        let view = schema.table_by_id(id).expect("there");
        assert_eq!(seen(engine, view, now, names), wanted(engine, schema, view, now), "{} at {now}", view.name);
    }
}

/// A write to the base table.
#[derive(Clone, Debug)]
enum Op {
    /// INSERT or UPDATE of `v`, `w`, an element of `tags`: each a value, a deletion, or nothing.
    Write {
        at: (i32, i32),
        marker: bool,
        ttl: i32,
        value: Option<u8>,
        other: Option<u8>,
        tag: Option<u8>,
    },
    DeleteRow(i32, i32),
    DeleteRange(i32),
    DeletePartition,
    Flush,
}

fn op() -> impl Strategy<Value = Op> {
    let cell = || proptest::option::of(0..4_u8);
    let ttl = prop_oneof![3 => Just(0), 1 => 1..40_i32];
    let write = ((0..2_i32, 0..2_i32), any::<bool>(), ttl, cell(), cell(), cell())
        .prop_map(|(at, marker, ttl, value, other, tag)| Op::Write { at, marker, ttl, value, other, tag });
    prop_oneof![
        12 => write,
        2 => (0..2_i32, 0..2_i32).prop_map(|(a, b)| Op::DeleteRow(a, b)),
        1 => (0..2_i32).prop_map(Op::DeleteRange),
        1 => Just(Op::DeletePartition),
        1 => Just(Op::Flush),
    ]
}

/// The mutation of a write at `timestamp`; 3 stands for a deletion.
fn mutation(op: &Op, timestamp: i64, now: LocalSeconds, key: &[u8]) -> Option<Vec<u8>> {
    let deletion = DeletionTime { marked_at: timestamp, local: now };
    let change = match op {
        Op::Write { at, marker, ttl, value, other, tag } => {
            let (ttl, ends) = (*ttl, now + i64::from(*ttl));
            let header = RowHeader::of_statement(timestamp, ttl, ends, *marker);
            let bytes = [[0_u8], [1], [2]];
            let path = 7_i32.to_be_bytes();
            let mut cells = Vec::new();
            for (column, value) in [(VALUE, value), (OTHER, other), (TAGS, tag)] {
                let Some(value) = value else { continue };
                let cell = match bytes.get(usize::from(*value)) {
                    Some(bytes) if column != TAGS => CellRef::expiring(column, timestamp, ttl, ends, bytes),
                    Some(_) => CellRef::expiring(column, timestamp, ttl, ends, &[]),
                    None => CellRef::tombstone(column, timestamp, now),
                };
                cells.push(if column == TAGS { cell.at(&path) } else { cell });
            }
            Change { rows: vec![(clustering(&[at.0, at.1]), row(header, &cells))], ..Change::default() }
        }
        Op::DeleteRow(a, b) => {
            let header = RowHeader { deletion, ..RowHeader::EMPTY };
            Change { rows: vec![(clustering(&[*a, *b]), row(header, &[]))], ..Change::default() }
        }
        Op::DeleteRange(a) => {
            let mut prefix = Vec::new();
            put_clustering_value(&mut prefix, Some(&a.to_be_bytes()));
            let place = |weight| Position { prefix: &prefix, weight };
            return Some(
                Change { ranges: vec![(place(-1), place(1), deletion)], ..Change::default() }.encode(BASE, key),
            );
        }
        Op::DeletePartition => Change { deletion: Some(deletion), ..Change::default() },
        Op::Flush => return None,
    };
    Some(change.encode(BASE, key))
}

fn run_jobs(engine: &Engine, now: Now) {
    engine.flush_all();
    while let Some(mut job) = engine.next_job(now) {
        while let JobProgress::More { .. } = job.run_slice(engine, 1000, now).expect("runs") {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    /// Every timestamp is given once, in any order; time goes on, so that what has a TTL ends.
    #[test]
    fn views_follow_their_base_table(
        ops in proptest::collection::vec((op(), 0..2_u8), 1..40),
        order in any::<u64>(),
    ) {
        let disk = MemoryDisk::default();
        let schema = viewed();
        let engine = open(&disk, Arc::clone(&schema));
        let mut times: Vec<i64> = (1..=ops.len() as i64).collect();
        helenus_model::rng::Rng::new(order).shuffle(&mut times);
        let mut now = 1000;
        for ((op, key), timestamp) in ops.iter().zip(times) {
            now += 3;
            match mutation(op, timestamp, now, &[*key]) {
                Some(mutation) => write(&engine, &mutation, now),
                None => run_jobs(&engine, at(now)),
            }
            check(&engine, &schema, now);
        }
        for later in [now + 5, now + 20, now + 100] {
            check(&engine, &schema, later);
        }
        engine.log_flush().expect("flushed");
        let again = open(&disk, Arc::clone(&schema));
        check(&again, &schema, now);
    }
}

#[test]
fn a_view_of_rows_that_are_there_is_built() {
    let disk = MemoryDisk::default();
    let without = schema(vec![table_parts(1, "t", 1_000_000)]);
    let engine = open(&disk, Arc::clone(&without));
    for number in 0..300_i32 {
        let value = [(number % 7) as u8];
        let header = RowHeader::of_statement(5, 0, 0, true);
        let row = row(header, &[CellRef::live(VALUE, 5, &value)]);
        let change = Change { rows: vec![(clustering(&[number % 3, number]), row)], ..Change::default() };
        engine.apply(&change.encode(BASE, &[(number % 11) as u8]), true).expect("applied");
    }
    let schema = viewed();
    engine.set_schema(Arc::clone(&schema), at(1)).expect("set");
    for id in [BY_VALUE, BY_KEY, FILTERED] {
        let mut build = ViewBuild::new(id);
        loop {
            let built = engine.build_view(&mut build, 7, 1).expect("read").expect("there");
            for (_, updates) in built.partitions {
                let mutations: Vec<Vec<u8>> = updates.into_iter().map(|update| update.mutation).collect();
                engine.apply_all(&mutations, true).expect("applied");
            }
            if !built.more {
                break;
            }
        }
        assert!(!engine.is_view_built(id));
        engine.view_is_built(id).expect("noted");
        assert!(engine.is_view_built(id));
    }
    check(&engine, &schema, 1);
    let base = schema.table_by_id(BASE).expect("there");
    assert_eq!(seen(&engine, base, 1, &["k", "a", "b"]).len(), 300);
    let again = open(&disk, Arc::clone(&schema));
    assert!(again.is_view_built(BY_VALUE));
    check(&again, &schema, 1);
    let mutation = Change { rows: vec![(clustering(&[1, 1]), row(RowHeader::EMPTY, &[]))], ..Change::default() };
    assert!(again.apply(&mutation.encode(BASE, b"k"), true).is_err(), "a table with views is not written without them");
    again.truncate(BASE, at(2)).expect("truncated");
    for id in [BASE, BY_VALUE, BY_KEY] {
        let table = schema.table_by_id(id).expect("there");
        assert_eq!(seen(&again, table, 1, &["k"]), Seen::new(), "{}", table.name);
    }
}

/// A dead marker wins over what made the entry, and loses to what comes later.
#[test]
fn an_expired_marker_is_dead_at_any_time() {
    use helenus_model::row::Liveness;
    let marker = |timestamp, ttl, expires_at| Liveness { timestamp, ttl, expires_at };
    let forever = i64::MAX;
    for (other, wins) in [
        (marker(10, 0, forever), true),
        (marker(10, 1000, 1_000_000), true),
        (marker(9, 0, forever), true),
        (marker(11, 0, forever), false),
        (marker(11, 5, 7), false),
    ] {
        let dead = Liveness::expired(10, 50);
        let expected = if wins { dead } else { other };
        assert_eq!((dead.max(other), other.max(dead)), (expected, expected), "{other:?}");
        assert!(!dead.is_live(0) && !dead.is_live(100));
    }
}
