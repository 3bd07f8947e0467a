//! No acknowledged write is lost: after one read at ALL, every member's answer at QUORUM and at ONE shows it, or a newer one of
//! the same cell. And pages together are the whole.

use std::collections::{BTreeMap, BTreeSet};

use helenus_model::consistency::Consistency;

use super::{batches, read_all};
use crate::workload::choose::{PLACES_OF_TABLE, place_of};
use crate::workload::history::{Demand, Row};
use crate::workload::{PARTITIONS, Statement};
use crate::world::World;

/// What the reads at ALL found.
#[derive(Debug, Default)]
pub struct Found {
    /// Numbers of pairs, by partition.
    pub pairs: BTreeMap<i32, BTreeSet<i64>>,
    /// Rows of events, by partition.
    pub events: BTreeMap<i32, BTreeSet<i32>>,
}

/// The reads of the checks: each statement with the number of its partition 0 in the model and its query without the partition.
pub(super) fn queries(world: &World) -> Vec<(Statement, i32, String)> {
    let extras: String = world.workload.history.columns().iter().map(|column| format!(", extra_{column}")).collect();
    let mut queries = vec![
        (Statement::SelectEvents, 0, format!("SELECT c, v{extras} FROM sim.events")),
        (Statement::SelectRegisters, 0, "SELECT c, v, s FROM sim.registers".to_owned()),
        (Statement::SelectPairs, 0, "SELECT n, v FROM sim.pairs".to_owned()),
    ];
    for table in world.workload.history.tables() {
        queries.push((Statement::SelectEvents, place_of(table, 0), format!("SELECT c, v FROM sim.more_{table}")));
    }
    queries
}

/// Reads every partition over one member and checks the answers.
pub(super) fn check_member(
    world: &mut World,
    member: usize,
    level: Consistency,
    promise: &'static str,
    mut each: impl FnMut(Statement, i32, &[Row]),
) {
    for (statement, first, query) in queries(world) {
        for p in 0..PARTITIONS {
            let query = format!("{query} WHERE p = {p}");
            let page_size = if world.rng.chance(40) { Some(world.rng.between(1, 60) as i32) } else { None };
            let Some(rows) = read_all(world, member, &query, level, page_size) else { return };
            each(statement, first + p, &rows);
            let checked = world.workload.history.check_partition(statement, first + p, &rows, Demand::EVERYTHING);
            if let Err(what) = checked {
                let text = format!("member {member} at {level}, page size {page_size:?}, {query}: {what}");
                return world.fail(promise, text);
            }
        }
    }
}

/// Checks the promise.
pub fn check(world: &mut World) {
    const PROMISE: &str = "no acknowledged write is lost";
    let mut found = Found::default();
    let reader = world.rng.index(world.members.len());
    check_member(world, reader, Consistency::All, PROMISE, |statement, p, rows| note(&mut found, statement, p, rows));
    if world.failure.is_none() {
        batches::check(world, &found);
    }
    for member in 0..world.members.len() {
        for level in [Consistency::Quorum, Consistency::One] {
            if world.failure.is_none() {
                check_member(world, member, level, PROMISE, |_, _, _| ());
            }
        }
    }
    scan(world, &found);
}

/// A scan of the whole table in pages gives each row once.
fn scan(world: &mut World, found: &Found) {
    if world.failure.is_some() {
        return;
    }
    let (member, page_size) = (world.rng.index(world.members.len()), world.rng.between(3, 200) as i32);
    let rows = read_all(world, member, "SELECT p, c FROM sim.events", Consistency::Quorum, Some(page_size));
    let Some(rows) = rows else { return };
    let number =
        |value: &Option<Vec<u8>>| value.as_deref().and_then(|v| v.try_into().ok()).map_or(-1, i32::from_be_bytes);
    let mut seen: BTreeMap<i32, BTreeSet<i32>> = BTreeMap::new();
    let mut count = 0;
    for row in &rows {
        if let [p, c] = row.as_slice() {
            seen.entry(number(p)).or_default().insert(number(c));
            count += 1;
        }
    }
    let events = || found.events.iter().filter(|(p, rows)| **p < PLACES_OF_TABLE && !rows.is_empty());
    let expected: usize = events().map(|(_, rows)| rows.len()).sum();
    let all: BTreeMap<_, _> = events().map(|(p, rows)| (*p, rows.clone())).collect();
    if seen != all || count != expected {
        let text = format!("member {member}, pages of {page_size}: {count} rows of {expected}");
        world.fail("a scan in pages gives each row once", text);
    }
}

fn note(found: &mut Found, statement: Statement, p: i32, rows: &[Row]) {
    for row in rows {
        let Some(Some(first)) = row.first() else { continue };
        match statement {
            Statement::SelectEvents => {
                if let Ok(bytes) = first.as_slice().try_into() {
                    found.events.entry(p).or_default().insert(i32::from_be_bytes(bytes));
                }
            }
            Statement::SelectPairs => {
                if let Ok(bytes) = first.as_slice().try_into() {
                    found.pairs.entry(p).or_default().insert(i64::from_be_bytes(bytes));
                }
            }
            _ => {}
        }
    }
}
