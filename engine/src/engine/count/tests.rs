//! Counting on one node and on several that send each other what they wrote.

use std::collections::BTreeMap;
use std::sync::Arc;

use helenus_model::counter::{put_global, total};
use helenus_model::key::RingPosition;
use helenus_model::rng::Rng;
use helenus_model::row::RowHeader;
use helenus_model::schema::{Column, ColumnKind, Schema, SortOrder, TableParams, TableParts};
use helenus_model::time::Now;

use super::*;
use crate::disk_memory::MemoryDisk;
use crate::engine::{Engine, EngineConfig, JobProgress};
use crate::testing::{Change, clustering, row, schema};

const TABLE: Uuid = Uuid::from_u128(1);
const NOW: Now = Now { wall_micros: 1_000_000_000, monotonic_micros: 0 };
const STATIC: ColumnId = 1;
const HITS: ColumnId = 2;
const MISSES: ColumnId = 3;

/// `CREATE TABLE ks.t (k blob, a int, s counter static, hits counter, misses counter, PRIMARY KEY (k, a))`.
fn tables() -> Arc<Schema> {
    let column = |id, name: &str, ty, kind| Column {
        id,
        name: name.to_owned(),
        ty,
        kind,
        position: 0,
        order: SortOrder::Ascending,
    };
    schema(vec![TableParts {
        id: TABLE,
        keyspace: "ks".to_owned(),
        name: "t".to_owned(),
        epoch: 1,
        columns: vec![
            column(0, "k", CqlType::Blob, ColumnKind::PartitionKey),
            column(0, "a", CqlType::Int, ColumnKind::Clustering),
            column(STATIC, "s", CqlType::Counter, ColumnKind::Static),
            column(HITS, "hits", CqlType::Counter, ColumnKind::Regular),
            column(MISSES, "misses", CqlType::Counter, ColumnKind::Regular),
        ],
        dropped: Vec::new(),
        next_column_id: 4,
        params: TableParams { gc_grace_seconds: 10, ..TableParams::default() },
        indexes: Vec::new(),
        view: None,
    }])
}

fn open(disk: &MemoryDisk) -> Engine {
    let config = EngineConfig { auto_snapshot: false, ..EngineConfig::default() };
    Engine::open(Arc::new(disk.clone()), config, tables(), Vec::new(), NOW).expect("opens").0
}

/// One node: its counter id is its number.
struct Node {
    disk: MemoryDisk,
    engine: Engine,
    id: u128,
}

/// Values of counters by row (−1: the static one) and column.
type Values = BTreeMap<(i32, ColumnId), i64>;

fn increment(at: i32, column: ColumnId, timestamp: i64, by: i64) -> Vec<u8> {
    let value = by.to_be_bytes();
    let cell = row(RowHeader::EMPTY, &[CellRef::live(column, timestamp, &value)]);
    let change = match at {
        -1 => Change { static_row: Some(cell), ..Change::default() },
        _ => Change { rows: vec![(clustering(&[at]), cell)], ..Change::default() },
    };
    change.encode(TABLE, b"k")
}

impl Node {
    fn new(id: u128) -> Self {
        let disk = MemoryDisk::new();
        Node { engine: open(&disk), disk, id }
    }

    fn try_count(&self, increments: &[u8], clock: i64, mode: ReadMode) -> Result<Vec<u8>, CountError> {
        let by = CountedBy { id: Uuid::from_u128(self.id), clock, now: NOW.seconds() };
        let mut out = Vec::new();
        self.engine.count(increments, by, true, mode, &mut out)?;
        self.engine.log_flush().expect("flushed");
        assert!(MutationRef::validate(&out).is_ok());
        Ok(out)
    }

    fn count(&self, at: i32, column: ColumnId, timestamp: i64, by: i64) -> Vec<u8> {
        self.try_count(&increment(at, column, timestamp, by), 1_000, ReadMode::UNBOUNDED).expect("counted")
    }

    fn apply(&self, mutation: &[u8]) {
        self.engine.apply(mutation, true).expect("applied");
        self.engine.log_flush().expect("flushed");
    }

    fn run_jobs(&self) {
        while let Some(mut job) = self.engine.next_job(NOW) {
            while let JobProgress::More { .. } = job.run_slice(&self.engine, 1000, NOW).expect("done") {}
        }
    }

    fn flush(&self) {
        self.engine.flush(TABLE);
        self.run_jobs();
    }

    fn compact(&self) {
        self.flush();
        self.engine.compact_major(TABLE);
        self.run_jobs();
    }

    fn killed(self) -> Node {
        let Node { disk, engine, id } = self;
        drop(engine);
        disk.crash(false, &mut Rng::new(1));
        Node { engine: open(&disk), disk, id }
    }

    fn values(&self) -> Values {
        let command = ReadCommand {
            table: TABLE,
            schema_epoch: 1,
            scope: ReadScope::Range { start: RingPosition::FIRST, end: RingPosition::LAST, resume: None },
            slices: vec![Slice::all()],
            reversed: false,
            columns: ColumnFilter::All,
            limits: ReadLimits::NONE,
            now: NOW.seconds(),
            through: None,
        };
        let mut seen = Seen::default();
        self.engine.read(&command, ReadMode::UNBOUNDED, &mut seen).expect("read");
        seen.0
    }
}

#[derive(Default)]
struct Seen(Values);

impl Seen {
    fn row(&mut self, at: i32, row: RowRef<'_>) {
        for cell in row.cells().filter(|cell| cell.kind == CellKind::Counter) {
            self.0.insert((at, cell.column), total(cell.value));
        }
    }
}

impl PartitionConsumer for Seen {
    fn partition(&mut self, _: KeyRef<'_>, _: DeletionTime, static_row: Option<RowRef<'_>>) -> Flow {
        static_row.into_iter().for_each(|row| self.row(-1, row));
        Flow::Continue(Next::Item)
    }

    fn unfiltered(&mut self, item: Unfiltered<'_>) -> Flow {
        if let Unfiltered::Row { clustering, row } = item {
            let at = (0..100).find(|at| crate::testing::clustering(&[*at]) == clustering).expect("a small number");
            self.row(at, row);
        }
        Flow::Continue(Next::Item)
    }

    fn end_partition(&mut self) -> Flow {
        Flow::Continue(Next::Partition)
    }
}

#[test]
fn increments_add_up_through_flush_compaction_and_replay() {
    let mut node = Node::new(1);
    let mut expected = Values::new();
    for round in 0..6_i64 {
        for (at, column, by) in [(-1, STATIC, 1), (0, HITS, 2), (0, MISSES, -3), (5, HITS, i64::MAX)] {
            node.count(at, column, round, by);
            let value = expected.entry((at, column)).or_insert(0_i64);
            *value = value.wrapping_add(by);
        }
        assert_eq!(node.values(), expected, "round {round}");
        match round {
            1 | 3 => node.flush(),
            2 => node = node.killed(),
            4 => node.compact(),
            _ => {}
        }
        assert_eq!(node.values(), expected, "behind round {round}");
    }
}

#[test]
fn replicas_agree_in_whatever_order_and_however_often_they_are_told() {
    for seed in 0..50 {
        let mut rng = Rng::new(seed);
        let nodes = [Node::new(1), Node::new(2), Node::new(3)];
        let (mut sent, mut expected) = (Vec::new(), Values::new());
        for step in 0..40_i64 {
            let leader = &nodes[rng.below(3) as usize];
            let (at, by) = (rng.below(3) as i32 - 1, rng.below(9) as i64 - 4);
            let column = if at < 0 { STATIC } else { HITS };
            sent.push(leader.count(at, column, step, by));
            *expected.entry((at, column)).or_insert(0_i64) += by;
            if rng.below(4) == 0 {
                // Some hear of something, perhaps not for the first time.
                nodes[rng.below(3) as usize].apply(&sent[rng.below(sent.len() as u64) as usize]);
            }
            match rng.below(12) {
                0 => nodes[rng.below(3) as usize].flush(),
                1 => nodes[rng.below(3) as usize].compact(),
                _ => {}
            }
        }
        for node in &nodes {
            rng.shuffle(&mut sent);
            sent.iter().for_each(|mutation| node.apply(mutation));
            assert_eq!(node.values(), expected, "seed {seed}");
        }
    }
}

#[test]
fn clocks_never_go_back() {
    let node = Node::new(1);
    let clock_of = |mutation: &[u8]| {
        let update = MutationRef::new(mutation).updates().next().expect("an update").1;
        let item = PartitionRef::new(update).items().next().expect("a row");
        let Item::Unfiltered(Unfiltered::Row { row, .. }) = item else { panic!("{item:?}") };
        let cell = row.cells().next().expect("a cell");
        counter::shard_of(cell.value, Uuid::from_u128(1)).map(|shard| (shard.clock, shard.count))
    };
    let count = |clock| node.try_count(&increment(0, HITS, 1, 1), clock, ReadMode::UNBOUNDED).expect("counted");
    assert_eq!(clock_of(&count(500)), Some((500, 1)));
    assert_eq!(clock_of(&count(700)), Some((700, 2)));
    assert_eq!(clock_of(&count(600)), Some((701, 3)), "a wall clock that was set back");
}

#[test]
fn what_was_deleted_is_counted_anew() {
    let node = Node::new(1);
    let delete = |deletion, rows: Vec<(Vec<u8>, Vec<u8>)>| {
        node.apply(&Change { deletion, rows, ..Change::default() }.encode(TABLE, b"k"));
    };
    let deletion = |marked_at| DeletionTime { marked_at, local: NOW.seconds() };
    node.count(0, HITS, 1, 5);
    node.count(1, HITS, 1, 7);
    let header = RowHeader { deletion: deletion(2), ..RowHeader::EMPTY };
    delete(None, vec![(clustering(&[0]), row(header, &[]))]);
    assert_eq!(node.values(), Values::from([((1, HITS), 7)]));
    node.count(0, HITS, 3, 1);
    assert_eq!(node.values(), Values::from([((0, HITS), 1), ((1, HITS), 7)]));
    // A cell's tombstone covers whatever comes (CASSANDRA-7346).
    delete(None, vec![(clustering(&[1]), row(RowHeader::EMPTY, &[CellRef::tombstone(HITS, 2, NOW.seconds())]))]);
    node.count(1, HITS, 9, 1);
    assert_eq!(node.values(), Values::from([((0, HITS), 1)]));
    node.flush();
    delete(Some(deletion(10)), Vec::new());
    assert_eq!(node.values(), Values::new());
    node.count(1, HITS, 11, 4);
    node.compact();
    assert_eq!(node.values(), Values::from([((1, HITS), 4)]));
    node.engine.truncate(TABLE, NOW).expect("truncated");
    node.count(1, HITS, 1, 2);
    assert_eq!(node.values(), Values::from([((1, HITS), 2)]));
}

#[test]
fn nobody_waits_who_must_not_and_what_is_no_increment_is_refused() {
    let node = Node::new(1);
    let inline = ReadMode { may_block: false, rows_budget: 100 };
    let token = MutationRef::new(&increment(0, HITS, 1, 1)).key.token;
    let held = node.engine.counter_locks.of(token).lock();
    let refused = node.try_count(&increment(0, HITS, 1, 1), 1, inline);
    assert!(matches!(refused, Err(CountError::Read(ReadError::WouldBlock))), "{refused:?}");
    drop(held);
    assert!(node.try_count(&increment(0, HITS, 1, 1), 1, inline).is_ok());
    let mut context = Vec::new();
    put_global(&mut context, Uuid::from_u128(1), 1, 1);
    for cell in [CellRef::counter(HITS, 1, &context), CellRef::live(HITS, 1, b"four")] {
        let change = Change { rows: vec![(clustering(&[0]), row(RowHeader::EMPTY, &[cell]))], ..Change::default() };
        let refused = node.try_count(&change.encode(TABLE, b"k"), 1, inline);
        assert!(matches!(refused, Err(CountError::NoIncrement)), "{refused:?}");
    }
    assert_eq!(node.values(), Values::from([((0, HITS), 1)]));
}

#[test]
fn threads_that_count_in_one_partition_take_turns() {
    let node = Node::new(1);
    let (threads, each) = (4, 300);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let node = &node;
            scope.spawn(move || {
                for step in 0..each {
                    let increments = increment(0, HITS, step, 1);
                    // Half of them as a coordinator does: at once, or else where waiting is allowed.
                    let inline = ReadMode { may_block: false, rows_budget: 100 };
                    let mode = if thread % 2 == 0 { ReadMode::UNBOUNDED } else { inline };
                    match node.try_count(&increments, step, mode) {
                        Err(CountError::Read(ReadError::WouldBlock)) => {
                            node.try_count(&increments, step, ReadMode::UNBOUNDED).expect("counted")
                        }
                        counted => counted.expect("counted"),
                    };
                }
            });
        }
        scope.spawn(|| (0..10).for_each(|_| node.flush()));
    });
    assert_eq!(node.values(), Values::from([((0, HITS), threads * each)]));
}
