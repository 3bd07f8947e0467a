//! Replicas are equal after the faults and a read at ALL: each partition's live content, cell by cell, with its times.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::ControlFlow;
use std::sync::Arc;

use helenus_engine::cursor::ReadMode;
use helenus_model::key::{KeyRef, RingPosition};
use helenus_model::partition::Unfiltered;
use helenus_model::read::{ColumnFilter, Flow, Next, PartitionConsumer, ReadCommand, ReadLimits, ReadScope, Slice};
use helenus_model::row::{DeletionTime, RowRef};
use helenus_model::schema::Table;

use crate::world::World;

const PROMISE: &str = "replicas are equal";

/// Live content of a table: for each partition's key its rows as text.
#[derive(Debug, Default)]
struct Content {
    partitions: BTreeMap<Vec<u8>, Vec<String>>,
    key: Vec<u8>,
    rows: Vec<String>,
    now: i64,
}

impl Content {
    fn row(&mut self, clustering: Option<&[u8]>, row: RowRef<'_>) {
        if !row.is_live(self.now) {
            return;
        }
        let mut text = format!("{clustering:?}");
        if row.header.liveness.is_live(self.now) {
            let _ = write!(text, " {:?}", row.header.liveness);
        }
        for cell in row.cells().filter(|cell| cell.is_live(self.now)) {
            let _ = write!(text, " {}@{} {:?}", cell.column, cell.timestamp, cell.value);
        }
        self.rows.push(text);
    }
}

impl PartitionConsumer for Content {
    fn partition(&mut self, key: KeyRef<'_>, _: DeletionTime, static_row: Option<RowRef<'_>>) -> Flow {
        self.key = key.key.to_vec();
        if let Some(row) = static_row {
            self.row(None, row);
        }
        ControlFlow::Continue(Next::Item)
    }

    fn unfiltered(&mut self, item: Unfiltered<'_>) -> Flow {
        if let Unfiltered::Row { clustering, row } = item {
            self.row(Some(clustering), row);
        }
        ControlFlow::Continue(Next::Item)
    }

    fn end_partition(&mut self) -> Flow {
        let rows = std::mem::take(&mut self.rows);
        if !rows.is_empty() {
            self.partitions.insert(std::mem::take(&mut self.key), rows);
        }
        ControlFlow::Continue(Next::Item)
    }
}

fn command(table: &Table, now: i64) -> ReadCommand {
    ReadCommand {
        table: table.id,
        schema_epoch: table.epoch,
        scope: ReadScope::Range { start: RingPosition::FIRST, end: RingPosition::LAST, resume: None },
        slices: vec![Slice::all()],
        reversed: false,
        columns: ColumnFilter::All,
        limits: ReadLimits::NONE,
        now,
        through: None,
    }
}

/// Checks the promise.
pub fn check(world: &mut World) {
    let tables: Vec<Arc<Table>> = match world.members.first().and_then(|slot| slot.running.as_ref()) {
        // Nobody reads the table that comes and goes at ALL.
        Some(running) => {
            let tables = running.member.control.metadata().schema.tables();
            tables.filter(|table| table.name.as_str() != "gone").cloned().collect()
        }
        None => return world.fail(PROMISE, "a member does not run"),
    };
    for table in tables {
        let mut contents: Vec<BTreeMap<Vec<u8>, Vec<String>>> = Vec::new();
        for member in 0..world.members.len() {
            match content_of(world, member, &table) {
                Ok(content) => contents.push(content),
                Err(what) => return world.fail(PROMISE, format!("member {member}, {}: {what}", table.name)),
            }
        }
        compare(world, &table, &contents);
    }
}

/// What a member holds of the partitions it is a replica of.
fn content_of(world: &World, member: usize, table: &Table) -> Result<BTreeMap<Vec<u8>, Vec<String>>, String> {
    let Some(running) = &world.members[member].running else { return Err("it does not run".to_owned()) };
    let shared = &running.member.shared;
    let now = world.member_now(member).seconds();
    let mut content = Content { now, ..Content::default() };
    let read = shared.engine.read(&command(table, now), ReadMode::UNBOUNDED, &mut content);
    read.map_err(|error| error.to_string())?;
    let view = shared.view.load();
    let is_replica = |key: &[u8]| {
        let replicas = view.replicas(&table.keyspace, KeyRef::new(key).token);
        view.local.is_some_and(|local| replicas.contains(&local))
    };
    Ok(content.partitions.into_iter().filter(|(key, _)| is_replica(key)).collect())
}

fn compare(world: &mut World, table: &Table, contents: &[BTreeMap<Vec<u8>, Vec<String>>]) {
    let mut first: BTreeMap<&[u8], (usize, &Vec<String>)> = BTreeMap::new();
    let mut holders: BTreeMap<&[u8], usize> = BTreeMap::new();
    for (member, content) in contents.iter().enumerate() {
        for (key, rows) in content {
            *holders.entry(key).or_default() += 1;
            let (other, expected) = *first.entry(key).or_insert((member, rows));
            if expected != rows {
                let difference = difference(expected, rows);
                let text = format!(
                    "{}.{}, key {key:?}, members {other} and {member}: {difference}",
                    table.keyspace, table.name
                );
                return world.fail(PROMISE, text);
            }
        }
    }
    let replication = world.options.replication;
    if let Some((key, count)) = holders.into_iter().find(|(_, count)| *count != replication) {
        let text = format!("{}.{}, key {key:?} is on {count} of {replication} replicas", table.keyspace, table.name);
        world.fail(PROMISE, text);
    }
}

fn difference(a: &[String], b: &[String]) -> String {
    let only = |x: &[String], y: &[String]| x.iter().find(|row| !y.contains(row)).cloned().unwrap_or_default();
    format!("{} rows, only there: {}; {} rows, only there: {}", a.len(), only(a, b), b.len(), only(b, a))
}
