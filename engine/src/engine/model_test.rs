//! The engine beside a model: a list of all writes, from which the visible content is worked out straight from the rules, with no
//! code in common.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use helenus_model::key::{KeyRef, Position, PositionBuf, RingPosition};
use helenus_model::read::{ColumnFilter, ReadCommand, ReadLimits, ReadScope, Slice, Through};
use helenus_model::rng::Rng;
use helenus_model::row::{CellKind, CellRef, ColumnId, DeletionTime, Liveness, RowHeader};
use helenus_model::schema::{Index, IndexTarget, Schema, SchemaChange, Table, TableParts};
use helenus_model::time::{NO_DELETION_TIME, Now};
use proptest::prelude::*;
use uuid::Uuid;

use super::{Engine, EngineConfig, JobProgress};
use crate::cursor::ReadMode;
use crate::disk_memory::{Faults, MemoryDisk};
use crate::error::ReadError;
use crate::testing::{
    Change, Collector, OTHER, STATIC, SeenPartition, SeenRow, TAGS, VALUE, clustering, row, schema, table_parts,
};

const KEYS: u8 = 3;
const FIRST: i32 = 4;
const SECOND: i32 = 3;
const TABLE: Uuid = Uuid::from_u128(1);

/// A place of a write: a row, the static row, or a range of rows by first clustering column.
#[derive(Clone, Debug)]
enum Fact {
    Cell {
        row: Option<(i32, i32)>,
        column: ColumnId,
        path: Option<i32>,
        kind: CellKind,
        timestamp: i64,
        ttl: i32,
        local: i64,
        value: u8,
    },
    Marker {
        row: (i32, i32),
        timestamp: i64,
        ttl: i32,
        expires_at: i64,
    },
    RowDeletion {
        row: (i32, i32),
        deletion: DeletionTime,
    },
    /// Rows between two places; each is a first column, optionally a second, and whether the place is behind what it names.
    Range {
        start: Bound,
        end: Bound,
        deletion: DeletionTime,
    },
    Partition {
        deletion: DeletionTime,
    },
}

/// First column, second column if any, true when behind.
type Bound = (i32, Option<i32>, bool);

/// One step of a run.
#[derive(Clone, Debug)]
enum Step {
    Write {
        key: u8,
        facts: Vec<Fact>,
    },
    Flush,
    Compact,
    Jobs,
    Truncate,
    Restart,
    Crash {
        power_cut: bool,
    },
    KillDuringJobs {
        after: u64,
        power_cut: bool,
    },
    Check {
        seed: u64,
    },
    Later(i64),
    /// The indexes are dropped and made again.
    Reindex,
}

struct World {
    disk: MemoryDisk,
    schema: Arc<Schema>,
    table: Arc<Table>,
    engine: Engine,
    facts: BTreeMap<u8, Vec<Fact>>,
    now: i64,
    rng: Rng,
    attempts: Cell<u64>,
}

fn config() -> EngineConfig {
    EngineConfig {
        log_segment_bytes: 4000,
        log_bytes_max: 20_000,
        memtable_bytes_max: 6000,
        chunk_cache_bytes: 1 << 20,
        key_cache_bytes: 1 << 16,
        ..EngineConfig::default()
    }
}

fn at_second(now: i64) -> Now {
    Now { wall_micros: now * 1_000_000, monotonic_micros: 0 }
}

fn is_before(bound: Bound, row: (i32, i32)) -> bool {
    // The second column is in descending order.
    match bound {
        (first, None, behind) => first < row.0 || (first == row.0 && !behind),
        (first, Some(second), behind) => {
            first < row.0 || (first == row.0 && (second > row.1 || (second == row.1 && !behind)))
        }
    }
}

fn prefix(bound: Bound) -> Vec<u8> {
    match bound {
        (first, None, _) => clustering(&[first]),
        (first, Some(second), _) => clustering(&[first, second]),
    }
}

/// True when `a` wins over `b`: later, then tombstone over expiring over live, then larger deletion time, value, TTL.
fn wins(a: &Fact, b: &Fact) -> bool {
    let rank = |fact: &Fact| match fact {
        Fact::Cell { kind, timestamp, ttl, local, value, .. } => {
            let class = match kind {
                CellKind::Tombstone => 2,
                CellKind::Expiring => 1,
                _ => 0,
            };
            let local = if class == 0 { 0 } else { *local };
            let value = if class == 2 { None } else { Some(*value) };
            (*timestamp, class.min(1), i32::from(class == 2), local, value, *ttl)
        }
        _ => (i64::MIN, 0, 0, 0, None, 0),
    };
    rank(a) > rank(b)
}

impl World {
    fn deletions_of(&self, key: u8, row: Option<(i32, i32)>) -> i64 {
        let facts = self.facts.get(&key).map_or(&[][..], Vec::as_slice);
        let times = facts.iter().filter_map(|fact| match fact {
            Fact::Partition { deletion } => Some(deletion.marked_at),
            Fact::RowDeletion { row: at, deletion } => (Some(*at) == row).then_some(deletion.marked_at),
            Fact::Range { start, end, deletion } => {
                row.is_some_and(|row| is_before(*start, row) && !is_before(*end, row)).then_some(deletion.marked_at)
            }
            _ => None,
        });
        times.max().unwrap_or(i64::MIN)
    }

    /// What a client sees of one row (None: the static row), straight from the rules.
    fn expected_row(&self, key: u8, row: Option<(i32, i32)>) -> SeenRow {
        let deleted = self.deletions_of(key, row);
        let facts = self.facts.get(&key).map_or(&[][..], Vec::as_slice);
        let mut complex: BTreeMap<ColumnId, i64> = BTreeMap::new();
        let mut winners: BTreeMap<(ColumnId, Option<i32>), &Fact> = BTreeMap::new();
        let mut markers = Vec::new();
        for fact in facts {
            match fact {
                Fact::Cell { row: at, column, kind: CellKind::ComplexDeletion, timestamp, .. } if *at == row => {
                    let known = complex.entry(*column).or_insert(*timestamp);
                    *known = (*known).max(*timestamp);
                }
                Fact::Cell { row: at, column, path, .. } if *at == row => {
                    let winner = winners.entry((*column, *path)).or_insert(fact);
                    if wins(fact, winner) {
                        *winner = fact;
                    }
                }
                Fact::Marker { row: at, timestamp, ttl, expires_at } if Some(*at) == row => {
                    markers.push((*timestamp, *ttl != 0, *expires_at, *ttl));
                }
                _ => {}
            }
        }
        let mut seen = SeenRow::default();
        if let Some((timestamp, expiring, expires_at, _)) = markers.iter().max() {
            seen.marker = *timestamp > deleted && (!expiring || self.now < *expires_at);
        }
        for ((column, path), fact) in winners {
            let Fact::Cell { kind, timestamp, local, value, .. } = fact else { continue };
            let deleted = deleted.max(complex.get(&column).copied().unwrap_or(i64::MIN));
            let live = match kind {
                CellKind::Live | CellKind::Counter => true,
                CellKind::Expiring => self.now < *local,
                _ => false,
            };
            if live && *timestamp > deleted {
                seen.cells.insert((column, path.map(|path| path.to_be_bytes().to_vec())), vec![*value]);
            }
        }
        seen
    }

    fn expected(&self, key: u8, wanted: impl Fn((i32, i32)) -> bool, reversed: bool) -> SeenPartition {
        let mut rows = Vec::new();
        for first in 0..FIRST {
            for second in (0..SECOND).rev() {
                let seen = self.expected_row(key, Some((first, second)));
                if seen.is_live() && wanted((first, second)) {
                    rows.push((clustering(&[first, second]), seen));
                }
            }
        }
        if reversed {
            rows.reverse();
        }
        SeenPartition { key: vec![key], statics: self.expected_row(key, None), rows }
    }

    /// All partitions in ring order.
    fn expected_all(&self) -> Vec<SeenPartition> {
        let mut keys: Vec<u8> = (0..KEYS).collect();
        keys.sort_by_key(|key| KeyRef::new(&[*key]).token);
        let all = keys.into_iter().map(|key| self.expected(key, |_| true, false));
        all.filter(|partition| partition.statics.is_live() || !partition.rows.is_empty()).collect()
    }

    fn command(&self, scope: ReadScope) -> ReadCommand {
        ReadCommand {
            table: TABLE,
            schema_epoch: 1,
            scope,
            slices: vec![Slice::all()],
            reversed: false,
            columns: ColumnFilter::All,
            limits: ReadLimits::NONE,
            now: self.now,
            through: None,
        }
    }

    fn read(&self, command: &ReadCommand) -> Vec<SeenPartition> {
        // First as a coordinator's thread reads: without waiting, and not too long. Then as an I/O thread does.
        let attempt = self.attempts.get();
        self.attempts.set(attempt + 1);
        let hasty = ReadMode { may_block: false, rows_budget: attempt % 40 };
        let mut collector = Collector::new(&self.table, self.now, command.reversed);
        match self.engine.read(command, hasty, &mut collector) {
            Ok(()) => return collector.seen(),
            Err(ReadError::WouldBlock | ReadError::OverBudget) => {}
            Err(other) => panic!("{other}"),
        }
        let mut collector = Collector::new(&self.table, self.now, command.reversed);
        self.engine.read(command, ReadMode::UNBOUNDED, &mut collector).expect("read");
        collector.seen()
    }

    fn all(&self) -> ReadScope {
        ReadScope::Range { start: RingPosition::FIRST, end: RingPosition::LAST, resume: None }
    }

    fn check(&self, seed: u64) {
        let mut rng = Rng::new(seed);
        let all = self.expected_all();
        self.same(&self.read(&self.command(self.all())), &all, "full scan");
        self.check_paging(1 + rng.below(4) as u32, &all, None);
        self.check_indexes(&mut rng);
        for key in 0..KEYS {
            let of_key = |partition: SeenPartition| {
                let some = partition.statics.is_live() || !partition.rows.is_empty();
                some.then_some(partition).into_iter().collect::<Vec<_>>()
            };
            for reversed in [false, true] {
                let mut command = self.command(ReadScope::Partition { key: Box::new([key]) });
                command.reversed = reversed;
                self.same(&self.read(&command), &of_key(self.expected(key, |_| true, reversed)), "partition");
                command.slices = self.random_slices(&mut rng);
                let wanted = |row: (i32, i32)| {
                    let row = clustering(&[row.0, row.1]);
                    let row = Position::row(&row);
                    let order = self.table.comparator();
                    command.slices.iter().any(|slice| {
                        order.compare_positions(slice.start.as_ref(), row).is_lt()
                            && order.compare_positions(row, slice.end.as_ref()).is_lt()
                    })
                };
                self.same(&self.read(&command), &of_key(self.expected(key, wanted, reversed)), "slices");
            }
            let at = (rng.below(FIRST as u64) as i32, rng.below(SECOND as u64) as i32);
            let mut command = self.command(ReadScope::Partition { key: Box::new([key]) });
            command.slices = vec![Slice::of_prefix(&clustering(&[at.0, at.1]))];
            self.same(&self.read(&command), &of_key(self.expected(key, |row| row == at, false)), "row");
            self.check_first_marker(key);
        }
    }

    /// A read of one row and no column gives the first row that has a marker, whatever else is there.
    fn check_first_marker(&self, key: u8) {
        let mut command = self.command(ReadScope::Partition { key: Box::new([key]) });
        command.columns = ColumnFilter::Only(Box::default());
        command.limits.rows = 1;
        let marked = |rows: Vec<(Vec<u8>, SeenRow)>| -> Vec<Vec<u8>> {
            rows.into_iter().filter(|(_, row)| row.marker).map(|(clustering, _)| clustering).collect()
        };
        let found = self.read(&command).into_iter().flat_map(|partition| marked(partition.rows));
        let expected = marked(self.expected(key, |_| true, false).rows);
        assert_eq!(found.collect::<Vec<_>>(), expected.into_iter().take(1).collect::<Vec<_>>(), "first marker");
    }

    /// Reads through every index and for every value, and compares with all rows filtered.
    fn check_indexes(&self, rng: &mut Rng) {
        for index in &self.table.indexes {
            for value in 0..3_u8 {
                let key = match index.column.as_str() {
                    "v" | "s" => vec![value],
                    _ => i32::from(value).to_be_bytes().to_vec(),
                };
                let has = |row: &SeenRow, column, path: Option<&[u8]>| {
                    let found = row.cells.get(&(column, path.map(<[u8]>::to_vec)));
                    found.is_some_and(|found| path.is_some() || **found == *key)
                };
                let matches = |at: &[u8], row: &SeenRow| match index.column.as_str() {
                    "v" => has(row, VALUE, None),
                    "tags" => has(row, TAGS, Some(&key)),
                    "b" => at.ends_with(&key),
                    _ => true,
                };
                let keep = |mut partition: SeenPartition| {
                    partition.rows.retain(|(at, row)| matches(at, row));
                    match index.column.as_str() {
                        "s" => has(&partition.statics, STATIC, None).then_some(partition),
                        _ => (!partition.rows.is_empty()).then_some(partition),
                    }
                };
                let expected: Vec<_> = self.expected_all().into_iter().filter_map(keep).collect();
                let through = Through::Index { index: index.id, value: key.clone().into() };
                let mut command = self.command(self.all());
                command.through = Some(Box::new(through.clone()));
                self.same(&self.read(&command), &expected, &format!("index on {} = {value}", index.column));
                self.check_paging(1 + rng.below(3) as u32, &expected, Some(&through));
                for partition in &expected {
                    command.scope = ReadScope::Partition { key: partition.key.clone().into() };
                    self.same(&self.read(&command), std::slice::from_ref(partition), "index in a partition");
                }
            }
        }
    }

    /// Compares what was read with what was expected, and names the first place where they differ and what was written there.
    fn same(&self, found: &[SeenPartition], expected: &[SeenPartition], what: &str) {
        if found == expected {
            return;
        }
        let flat = |partitions: &[SeenPartition]| -> BTreeMap<(Vec<u8>, Vec<u8>), SeenRow> {
            let rows = partitions.iter().flat_map(|p| {
                let statics = std::iter::once((vec![], p.statics.clone()));
                statics.chain(p.rows.iter().cloned()).map(|(at, row)| ((p.key.clone(), at), row))
            });
            rows.filter(|(_, row)| row.is_live()).collect()
        };
        let (found_rows, expected_rows) = (flat(found), flat(expected));
        let places: BTreeSet<_> = found_rows.keys().chain(expected_rows.keys()).collect();
        for place in places {
            let (found, expected) = (found_rows.get(place), expected_rows.get(place));
            assert!(
                found == expected,
                "{what}: {place:?}: {found:?}, but {expected:?} is expected; now {}, written:\n{}",
                self.now,
                self.facts.get(&place.0[0]).into_iter().flatten().map(|f| format!("{f:?}\n")).collect::<String>()
            );
        }
        panic!("{what}: the order differs");
    }

    fn random_slices(&self, rng: &mut Rng) -> Vec<Slice> {
        let mut places: Vec<PositionBuf> = Vec::new();
        for _ in 0..2 * rng.between(1, 3) {
            let first = rng.below(FIRST as u64) as i32;
            let prefix = match rng.below(3) {
                0 => clustering(&[]),
                1 => clustering(&[first]),
                _ => clustering(&[first, rng.below(SECOND as u64) as i32]),
            };
            let weight = if rng.chance(50) { 1 } else { -1 };
            places.push(PositionBuf { prefix: prefix.into(), weight });
        }
        let order = self.table.comparator();
        places.sort_by(|a, b| order.compare_positions(a.as_ref(), b.as_ref()));
        places.dedup();
        places.chunks_exact(2).map(|pair| Slice { start: pair[0].clone(), end: pair[1].clone() }).collect()
    }

    /// Reads everything in pages of `size` rows; a page goes on behind the last row of the one before.
    fn check_paging(&self, size: u32, all: &[SeenPartition], through: Option<&Through>) {
        let mut found: Vec<SeenPartition> = Vec::new();
        let mut scope = self.all();
        for page in 0.. {
            assert!(page < 200, "paging ends");
            let mut command = self.command(scope.clone());
            command.limits.rows = size;
            command.through = through.cloned().map(Box::new);
            let mut rows = self.read(&command);
            if let ReadScope::Range { resume: Some((key, _)), .. } = &scope {
                // The static row comes along again, but the partition is no row of its own any more.
                rows.retain(|partition| partition.key[..] != key[..] || !partition.rows.is_empty());
            }
            let counted: usize = rows.iter().map(|p| p.rows.len().max(1)).sum();
            assert!(counted <= size as usize + 1, "at most one page: {counted}");
            let last = rows.last().cloned();
            for partition in rows {
                match found.last_mut() {
                    Some(known) if known.key == partition.key => known.rows.extend(partition.rows),
                    _ => found.push(partition),
                }
            }
            let Some(last) = last.filter(|_| counted >= size as usize) else { break };
            let place = last.rows.last().map(|(clustering, _)| Position::row(clustering).to_owned());
            // A partition of a static row only is finished with its page.
            let place = Some(place.unwrap_or(Position::LAST.to_owned()));
            let start = RingPosition::at(KeyRef::new(&last.key));
            scope = ReadScope::Range { start, end: RingPosition::LAST, resume: Some((last.key.into(), place)) };
        }
        self.same(&found, all, "pages");
    }

    fn write(&mut self, key: u8, facts: &[Fact]) {
        let bytes = encode(key, facts);
        self.engine.apply(&bytes, true).expect("applied");
        self.engine.log_flush().expect("flushed");
        self.facts.entry(key).or_default().extend(facts.iter().cloned());
    }

    /// Runs up to `count` jobs, each to its end, in small slices.
    fn run_jobs(&mut self, count: usize) {
        for _ in 0..count {
            let now = at_second(self.now);
            let Some(mut job) = self.engine.next_job(now) else { return };
            let slice = self.rng.between(1, 500);
            while let JobProgress::More { .. } = job.run_slice(&self.engine, slice, now).expect("the job goes on") {}
        }
    }

    fn reopen(&mut self) {
        let (engine, _) = Engine::open(
            Arc::new(self.disk.clone()),
            config(),
            Arc::clone(&self.schema),
            Vec::new(),
            at_second(self.now),
        )
        .expect("opens");
        self.engine = engine;
        self.disk.set_faults(Faults { cold_reads_every: 3, ..Faults::default() });
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Write { key, facts } => self.write(*key, facts),
            Step::Flush => {
                self.engine.flush(TABLE);
                self.run_jobs(1);
            }
            Step::Compact => {
                self.engine.compact_major(TABLE);
                self.run_jobs(100);
            }
            Step::Jobs => self.run_jobs(3),
            Step::Truncate => {
                self.engine.truncate(TABLE, at_second(self.now)).expect("truncated");
                self.facts.clear();
            }
            Step::Restart => self.reopen(),
            Step::Crash { power_cut } => {
                if *power_cut {
                    self.engine.log_sync_awaited().expect("synced");
                }
                self.disk.crash(*power_cut, &mut self.rng);
                self.reopen();
            }
            Step::KillDuringJobs { after, power_cut } => {
                if *power_cut {
                    self.engine.log_sync_awaited().expect("synced");
                }
                self.engine.flush(TABLE);
                if self.rng.chance(50) {
                    self.engine.compact_major(TABLE);
                }
                self.disk.set_faults(Faults { kill_at: Some(self.disk.operations() + after), ..Faults::default() });
                let now = at_second(self.now);
                while let Some(mut job) = self.engine.next_job(now) {
                    let mut progress = job.run_slice(&self.engine, 100, now);
                    while let Ok(JobProgress::More { .. }) = progress {
                        progress = job.run_slice(&self.engine, 100, now);
                    }
                    if progress.is_err() {
                        break;
                    }
                }
                self.disk.crash(*power_cut, &mut self.rng);
                self.reopen();
            }
            Step::Check { seed } => {
                let is_built = |index: &Index| self.engine.is_index_built(index.id);
                if !self.table.indexes.iter().all(is_built) {
                    self.run_jobs(100);
                }
                self.check(*seed);
            }
            Step::Reindex => {
                let epoch = self.schema.epoch + 1;
                let indexes = self.table.indexes.iter().cloned();
                let indexes = indexes.map(|index| Index { id: Uuid::from_u128(index.id.as_u128() + 100), ..index });
                let parts = TableParts { indexes: indexes.collect(), ..self.table.to_parts() };
                let change = SchemaChange::PutTable(Box::new(parts));
                self.schema = Arc::new(self.schema.apply(epoch, &[change]).expect("applies"));
                self.table = Arc::clone(self.schema.table_by_id(TABLE).expect("there"));
                self.engine.set_schema(Arc::clone(&self.schema), at_second(self.now)).expect("set");
            }
            Step::Later(seconds) => self.now += seconds,
        }
    }
}

fn new_world(seed: u64, gc_grace_seconds: i32, indexed: bool) -> World {
    let disk = MemoryDisk::new();
    let mut parts = table_parts(1, "t", gc_grace_seconds);
    if indexed {
        let columns = [
            ("v", IndexTarget::Simple),
            ("s", IndexTarget::Simple),
            ("b", IndexTarget::Simple),
            ("tags", IndexTarget::Values),
        ];
        parts.indexes = (10..)
            .zip(columns)
            .map(|(id, (column, target))| Index {
                id: Uuid::from_u128(id),
                name: format!("t_{column}_idx"),
                column: column.to_owned(),
                target,
            })
            .collect();
    }
    let schema = schema(vec![parts]);
    let table = Arc::clone(schema.table_by_id(TABLE).expect("there"));
    let now = 1000;
    let (engine, _) =
        Engine::open(Arc::new(disk.clone()), config(), Arc::clone(&schema), Vec::new(), at_second(now)).expect("opens");
    World { disk, schema, table, engine, facts: BTreeMap::new(), now, rng: Rng::new(seed), attempts: Cell::new(0) }
}

/// Marker, deletion and cells of a row.
type RowFacts<'a> = (Liveness, DeletionTime, Vec<&'a Fact>);

/// The mutation of some facts about one partition.
fn encode(key: u8, facts: &[Fact]) -> Vec<u8> {
    let mut rows: BTreeMap<Option<(i32, i32)>, RowFacts<'_>> = BTreeMap::new();
    let mut change = Change::default();
    let mut prefixes = Vec::new();
    for fact in facts {
        match fact {
            Fact::Cell { row, .. } => {
                rows.entry(*row).or_insert((Liveness::NONE, DeletionTime::LIVE, Vec::new())).2.push(fact)
            }
            Fact::Marker { row, timestamp, ttl, expires_at } => {
                let entry = rows.entry(Some(*row)).or_insert((Liveness::NONE, DeletionTime::LIVE, Vec::new()));
                let expires_at = if *ttl == 0 { NO_DELETION_TIME } else { *expires_at };
                entry.0 = Liveness { timestamp: *timestamp, ttl: *ttl, expires_at };
            }
            Fact::RowDeletion { row, deletion } => {
                rows.entry(Some(*row)).or_insert((Liveness::NONE, DeletionTime::LIVE, Vec::new())).1 = *deletion;
            }
            Fact::Range { start, end, deletion } => {
                prefixes.push((prefix(*start), start.2, prefix(*end), end.2, *deletion));
            }
            Fact::Partition { deletion } => change.deletion = Some(*deletion),
        }
    }
    for (start, start_behind, end, end_behind, deletion) in &prefixes {
        let place = |prefix, behind: &bool| Position { prefix, weight: if *behind { 1 } else { -1 } };
        change.ranges.push((place(start, start_behind), place(end, end_behind), *deletion));
    }
    // Rows in the table's order: the second column descends.
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by_key(|(row, _)| row.map(|(first, second)| (first, -second)));
    for (place, (liveness, deletion, cells)) in rows {
        let header = RowHeader::new(liveness, deletion);
        let bytes = row_of(header, &cells);
        match place {
            None => change.static_row = Some(bytes),
            Some((first, second)) => change.rows.push((clustering(&[first, second]), bytes)),
        }
    }
    change.encode(TABLE, &[key])
}

fn row_of(header: RowHeader, cells: &[&Fact]) -> Vec<u8> {
    let mut sorted = cells.to_vec();
    let place = |fact: &Fact| match fact {
        Fact::Cell { column, kind, path, .. } => (*column, *kind != CellKind::ComplexDeletion, *path),
        _ => (0, false, None),
    };
    sorted.sort_by_key(|fact| place(fact));
    let mut out = row(header, &[]);
    for fact in sorted {
        let Fact::Cell { column, path, kind, timestamp, ttl, local, value, .. } = fact else { continue };
        let path = path.map(i32::to_be_bytes);
        let value = [*value];
        let cell = match kind {
            CellKind::Live | CellKind::Counter => CellRef::live(*column, *timestamp, &value),
            CellKind::Expiring => CellRef::expiring(*column, *timestamp, *ttl, *local, &value),
            CellKind::Tombstone => CellRef::tombstone(*column, *timestamp, *local),
            CellKind::ComplexDeletion => {
                CellRef::complex_deletion(*column, DeletionTime { marked_at: *timestamp, local: *local })
            }
        };
        let cell = match &path {
            Some(path) => cell.at(path),
            None => cell,
        };
        cell.encode(&header, &mut out);
    }
    out
}

/// One fact, from a few random numbers. At most one fact for each place of a mutation: see [`facts`].
fn fact(draw: &mut Rng, timestamp: i64, now: i64) -> Fact {
    let at = (draw.below(FIRST as u64) as i32, draw.below(SECOND as u64) as i32);
    let deletion = DeletionTime { marked_at: timestamp, local: now };
    let ttl = draw.between(1, 30) as i32;
    let value = draw.below(3) as u8;
    let bound = |draw: &mut Rng| {
        let second = if draw.chance(50) { Some(draw.below(SECOND as u64) as i32) } else { None };
        (draw.below(FIRST as u64) as i32, second, draw.chance(50))
    };
    match draw.below(20) {
        0 => Fact::Partition { deletion },
        1 | 2 => Fact::RowDeletion { row: at, deletion },
        3..6 => Fact::Range { start: bound(draw), end: bound(draw), deletion },
        6 | 7 => Fact::Marker { row: at, timestamp, ttl: 0, expires_at: 0 },
        8 => Fact::Marker { row: at, timestamp, ttl, expires_at: now + i64::from(ttl) },
        _ => {
            let (column, path) = match draw.below(8) {
                0 => (STATIC, None),
                1..4 => (VALUE, None),
                4 => (OTHER, None),
                _ => (TAGS, Some(draw.below(3) as i32)),
            };
            let kind = match draw.below(8) {
                0 if column == TAGS => CellKind::ComplexDeletion,
                0 | 1 => CellKind::Tombstone,
                2 | 3 => CellKind::Expiring,
                _ => CellKind::Live,
            };
            let path = path.filter(|_| kind != CellKind::ComplexDeletion);
            let (ttl, local) = match kind {
                CellKind::Live | CellKind::Counter => (0, NO_DELETION_TIME),
                CellKind::Expiring => (ttl, now + i64::from(ttl)),
                _ => (0, now),
            };
            let row = if column == STATIC { None } else { Some(at) };
            Fact::Cell { row, column, path, kind, timestamp, ttl, local, value }
        }
    }
}

/// The facts of one mutation: what a statement or a batch with one timestamp writes.
fn facts(draw: &mut Rng, timestamp: i64, now: i64) -> Vec<Fact> {
    let mut out: Vec<Fact> = Vec::new();
    let mut places = BTreeSet::new();
    for _ in 0..draw.between(1, 4) {
        let fact = fact(draw, timestamp, now);
        let place = match &fact {
            Fact::Cell { row, column, path, kind, .. } => {
                format!("{row:?} {column} {path:?} {}", *kind == CellKind::ComplexDeletion)
            }
            Fact::Marker { row, .. } => format!("marker {row:?}"),
            Fact::RowDeletion { row, .. } => format!("row {row:?}"),
            Fact::Range { .. } => format!("range {}", out.len()),
            Fact::Partition { .. } => "partition".to_owned(),
        };
        let reversed_range = match &fact {
            Fact::Range { start, end, .. } => {
                let grid = (0..FIRST).flat_map(|a| (0..SECOND).map(move |b| (a, b)));
                !grid.clone().any(|row| is_before(*start, row) && !is_before(*end, row))
            }
            _ => false,
        };
        if !reversed_range && places.insert(place) {
            out.push(fact);
        }
    }
    out
}

/// A run from a seed. With `monotonic`, timestamps only grow, as purging asks for, and time passes.
fn steps(seed: u64, length: usize, monotonic: bool, indexed: bool) -> Vec<Step> {
    let mut draw = Rng::new(seed);
    let mut now = 1000;
    let mut out = Vec::new();
    for i in 0..length {
        out.push(match draw.below(100) {
            0..70 => {
                let timestamp = if monotonic { i as i64 + 1 } else { draw.below(12) as i64 };
                Step::Write { key: draw.below(u64::from(KEYS)) as u8, facts: facts(&mut draw, timestamp, now) }
            }
            70..77 => Step::Flush,
            77..79 => Step::Compact,
            79..81 => Step::Jobs,
            81 => Step::Truncate,
            82..84 => Step::Restart,
            84 => Step::Crash { power_cut: draw.chance(50) },
            85 => Step::KillDuringJobs { after: draw.below(150), power_cut: draw.chance(50) },
            // A compaction turns an expired cell into a tombstone, which then wins over an expiring cell of the same timestamp, as in
            // Cassandra: so time passes only where timestamps differ.
            86..90 if monotonic => {
                let seconds = draw.between(1, 12) as i64;
                now += seconds;
                Step::Later(seconds)
            }
            90 if indexed => Step::Reindex,
            _ => Step::Check { seed: draw.next_u64() },
        });
    }
    out.push(Step::Check { seed: draw.next_u64() });
    out
}

fn run(seed: u64, length: usize, monotonic: bool, indexed: bool) {
    let mut world = new_world(seed, if monotonic { 5 } else { 1_000_000 }, indexed);
    for step in steps(seed, length, monotonic, indexed) {
        world.run(&step);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn the_engine_is_the_model(seed: u64, length in 1..80_usize) {
        run(seed, length, false, false);
    }

    #[test]
    fn reads_through_indexes_are_filtered_reads(seed: u64, length in 1..80_usize, monotonic: bool) {
        run(seed, length, monotonic, true);
    }

    #[test]
    fn the_engine_is_the_model_while_tombstones_are_purged(seed: u64, length in 1..80_usize) {
        run(seed, length, true, false);
    }
}
