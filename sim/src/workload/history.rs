//! What was written and what came of it, and whether an answer agrees.
//!
//! A write that was acknowledged must be read, or a newer one of the same cell; one whose end nobody knows may or may not be. What
//! a read of a majority has shown counts as acknowledged from then on: later reads of a majority may not go back. The value of a register is the timestamp of its write, so an answer names the write it comes from.

use std::collections::{BTreeMap, BTreeSet};

use super::Statement;
use super::choose::event_value;

/// What came of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is under way, or nobody knows.
    Unknown,
    /// So many replicas had it at this time, microseconds.
    Acknowledged {
        /// Replicas.
        replicas: usize,
        /// When the client knew.
        at: u64,
    },
}

#[derive(Clone, Copy, Debug)]
struct Write {
    timestamp: i64,
    status: Status,
}

/// A cell of `registers`; without `c` the static one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Partition.
    pub p: i32,
    /// Row.
    pub c: Option<i32>,
}

#[derive(Clone, Copy, Debug)]
struct CellWrite {
    write: usize,
    deletes: bool,
    seen: Option<Seen>,
}

/// A read that showed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Replicas it heard.
    pub replicas: usize,
    /// When it was answered, microseconds.
    pub at: u64,
}

/// A row of `events`.
#[derive(Clone, Copy, Debug)]
pub struct EventRow {
    /// Its write.
    pub write: usize,
    /// The added column that has a value, too.
    pub wide: Option<u32>,
    seen: Option<Seen>,
}

impl EventRow {
    /// A row of this write.
    pub fn new(write: usize, wide: Option<u32>) -> Self {
        EventRow { write, wide, seen: None }
    }
}

#[derive(Clone, Debug)]
struct Pair {
    partitions: BTreeMap<i32, Option<Seen>>,
    write: usize,
}

/// Which acknowledged writes an answer must show.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// Those acknowledged before this time, microseconds.
    pub before: u64,
    /// Replicas that the read heard: it must overlap with the write's.
    pub replicas: usize,
}

impl Demand {
    /// All that were ever acknowledged.
    pub const EVERYTHING: Demand = Demand { before: u64::MAX, replicas: usize::MAX / 2 };
}

/// See the module.
#[derive(Debug)]
pub struct History {
    /// Replication factor.
    pub replication: usize,
    writes: Vec<Write>,
    cells: BTreeMap<Cell, Vec<CellWrite>>,
    events: BTreeMap<i32, BTreeMap<i32, EventRow>>,
    pairs: BTreeMap<i64, Pair>,
    columns: BTreeMap<u32, bool>,
    tables: BTreeMap<u32, bool>,
}

/// A row of an answer.
pub type Row = Vec<Option<Vec<u8>>>;

fn int(value: Option<&Option<Vec<u8>>>) -> Option<i32> {
    value?.as_deref()?.try_into().ok().map(i32::from_be_bytes)
}

fn big(value: Option<&Option<Vec<u8>>>) -> Option<i64> {
    value?.as_deref()?.try_into().ok().map(i64::from_be_bytes)
}

impl History {
    /// Of nothing.
    pub fn new(replication: usize) -> Self {
        History {
            replication,
            writes: Vec::new(),
            cells: BTreeMap::new(),
            events: BTreeMap::new(),
            pairs: BTreeMap::new(),
            columns: BTreeMap::new(),
            tables: BTreeMap::new(),
        }
    }

    /// A write begins; its number.
    pub fn begin(&mut self, timestamp: i64) -> usize {
        self.writes.push(Write { timestamp, status: Status::Unknown });
        self.writes.len() - 1
    }

    /// It touches a register.
    pub fn cell(&mut self, cell: Cell, write: usize, deletes: bool) {
        self.cells.entry(cell).or_default().push(CellWrite { write, deletes, seen: None });
    }

    /// It makes a row of `events`.
    pub fn event(&mut self, p: i32, c: i32, row: EventRow) {
        self.events.entry(p).or_default().insert(c, row);
    }

    /// It makes a pair.
    pub fn pair(&mut self, number: i64, partitions: Vec<i32>, write: usize) {
        let partitions = partitions.into_iter().map(|p| (p, None)).collect();
        self.pairs.insert(number, Pair { partitions, write });
    }

    /// It was acknowledged.
    pub fn acknowledged(&mut self, write: usize, replicas: usize, at: u64) {
        self.writes[write].status = Status::Acknowledged { replicas, at };
    }

    /// Nobody knows what came of it.
    pub fn unknown(&mut self, write: usize) {
        self.writes[write].status = Status::Unknown;
    }

    /// A column is to be added; its number.
    pub fn begin_column(&mut self) -> u32 {
        let number = self.columns.len() as u32;
        self.columns.insert(number, false);
        number
    }

    /// It was added.
    pub fn column_added(&mut self, number: u32) {
        self.columns.insert(number, true);
    }

    /// Columns that were added for sure.
    pub fn columns(&self) -> Vec<u32> {
        self.columns.iter().filter(|(_, added)| **added).map(|(number, _)| *number).collect()
    }

    /// A table is to be made; its number.
    pub fn begin_table(&mut self) -> u32 {
        let number = self.tables.len() as u32;
        self.tables.insert(number, false);
        number
    }

    /// It was made.
    pub fn table_added(&mut self, number: u32) {
        self.tables.insert(number, true);
    }

    /// Tables that were made for sure.
    pub fn tables(&self) -> Vec<u32> {
        self.tables.iter().filter(|(_, added)| **added).map(|(number, _)| *number).collect()
    }

    /// A read of a partition was answered. If it heard a majority, what it showed is on a majority now (read repair).
    pub fn seen(&mut self, statement: Statement, p: i32, rows: &[Row], seen: Seen) {
        if seen.replicas * 2 <= self.replication {
            return;
        }
        for row in rows {
            match statement {
                Statement::SelectEvents => {
                    let event = int(row.first()).and_then(|c| self.events.get_mut(&p)?.get_mut(&c));
                    if let Some(event) = event {
                        event.seen.get_or_insert(seen);
                    }
                }
                Statement::SelectPairs => {
                    let pair = big(row.first()).and_then(|number| self.pairs.get_mut(&number));
                    if let Some(place) = pair.and_then(|pair| pair.partitions.get_mut(&p)) {
                        place.get_or_insert(seen);
                    }
                }
                Statement::SelectRegisters => {
                    if let Some(c) = int(row.first()) {
                        self.cell_seen(Cell { p, c: Some(c) }, big(row.get(1)), seen);
                    }
                    self.cell_seen(Cell { p, c: None }, big(row.get(2)), seen);
                }
                _ => {}
            }
        }
    }

    fn cell_seen(&mut self, cell: Cell, value: Option<i64>, seen: Seen) {
        let (Some(value), Some(touches)) = (value, self.cells.get_mut(&cell)) else { return };
        for touch in touches.iter_mut().filter(|touch| !touch.deletes) {
            if self.writes[touch.write].timestamp == value {
                touch.seen.get_or_insert(seen);
            }
        }
    }

    /// Writes that were acknowledged.
    pub fn acknowledged_count(&self) -> usize {
        self.writes.iter().filter(|write| write.status != Status::Unknown).count()
    }

    fn must_show(&self, write: usize, seen: Option<Seen>, demand: Demand) -> bool {
        let was_seen =
            seen.is_some_and(|seen| seen.at < demand.before && seen.replicas + demand.replicas > self.replication);
        was_seen || self.was_acknowledged(write, demand)
    }

    fn was_acknowledged(&self, write: usize, demand: Demand) -> bool {
        match self.writes[write].status {
            Status::Unknown => false,
            Status::Acknowledged { replicas, at } => {
                at < demand.before && replicas + demand.replicas > self.replication
            }
        }
    }

    /// Checks the rows that a statement of the workload returned for a partition.
    pub fn check_partition(&self, statement: Statement, p: i32, rows: &[Row], demand: Demand) -> Result<(), String> {
        match statement {
            Statement::SelectEvents => self.check_events(p, rows, demand),
            Statement::SelectRegisters => self.check_registers(p, rows, demand),
            Statement::SelectPairs => self.check_pairs(p, rows, demand),
            _ => Ok(()),
        }
    }

    /// Rows of `c, v`, then the added columns in order of their numbers.
    fn check_events(&self, p: i32, rows: &[Row], demand: Demand) -> Result<(), String> {
        let empty = BTreeMap::new();
        let known = self.events.get(&p).unwrap_or(&empty);
        let mut seen = BTreeSet::new();
        let mut last = None;
        for row in rows {
            let Some(c) = int(row.first()) else { return Err("a row without clustering".to_owned()) };
            if last.is_some_and(|last| last >= c) {
                return Err(format!("row {c} is out of order"));
            }
            last = Some(c);
            seen.insert(c);
            let Some(event) = known.get(&c) else { return Err(format!("row {c} was never written")) };
            let value = row.get(1).and_then(Option::as_deref);
            if value != Some(event_value(p, c).as_bytes()) {
                return Err(format!("row {c} has the value {value:?}"));
            }
            if row.len() > 2 {
                for (i, column) in self.columns().into_iter().enumerate() {
                    let expected = (event.wide == Some(column)).then_some(c);
                    let found = int(row.get(2 + i));
                    if found != expected {
                        return Err(format!("row {c}, extra_{column}: {found:?} instead of {expected:?}"));
                    }
                }
            }
        }
        for (c, event) in known {
            if self.must_show(event.write, event.seen, demand) && !seen.contains(c) {
                let write = self.writes[event.write];
                return Err(format!("row {c} of events is missing, {write:?}, {:?}", event.seen));
            }
        }
        Ok(())
    }

    /// Rows of `c, v, s`, c descending.
    fn check_registers(&self, p: i32, rows: &[Row], demand: Demand) -> Result<(), String> {
        let mut found: BTreeMap<Cell, i64> = BTreeMap::new();
        for row in rows {
            if let Some(value) = big(row.get(2)) {
                found.insert(Cell { p, c: None }, value);
            }
            if let (Some(c), Some(value)) = (int(row.first()), big(row.get(1))) {
                found.insert(Cell { p, c: Some(c) }, value);
            }
        }
        for cell in found.keys() {
            if !self.cells.contains_key(cell) {
                return Err(format!("{cell:?} was never written"));
            }
        }
        for (cell, writes) in self.cells.range(Cell { p, c: None }..=Cell { p, c: Some(i32::MAX) }) {
            self.check_cell(writes, found.get(cell).copied(), demand)
                .map_err(|what| format!("{cell:?} of registers: {what}"))?;
        }
        Ok(())
    }

    fn check_cell(&self, writes: &[CellWrite], found: Option<i64>, demand: Demand) -> Result<(), String> {
        let floor = writes
            .iter()
            .filter(|touch| self.must_show(touch.write, touch.seen, demand))
            .max_by_key(|touch| self.writes[touch.write].timestamp);
        let Some(floor) = floor else {
            return match found {
                Some(value) if !self.is_written(writes, value) => Err(format!("the value {value} was never written")),
                _ => Ok(()),
            };
        };
        let least = self.writes[floor.write];
        match found {
            Some(value) if !self.is_written(writes, value) => Err(format!("the value {value} was never written")),
            Some(value) if value >= least.timestamp => Ok(()),
            Some(value) => Err(format!("the value is of {value}, but {least:?} was acknowledged or seen: {floor:?}")),
            None => {
                let deleted =
                    |touch: &CellWrite| touch.deletes && self.writes[touch.write].timestamp >= least.timestamp;
                match writes.iter().any(deleted) {
                    true => Ok(()),
                    false => Err(format!("there is no value, but {least:?} was acknowledged or seen: {floor:?}")),
                }
            }
        }
    }

    fn is_written(&self, writes: &[CellWrite], value: i64) -> bool {
        writes.iter().any(|touch| !touch.deletes && self.writes[touch.write].timestamp == value)
    }

    /// Rows of `n, v`.
    fn check_pairs(&self, p: i32, rows: &[Row], demand: Demand) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for row in rows {
            let (Some(number), Some(value)) = (big(row.first()), big(row.get(1))) else {
                return Err("a pair without a number or a value".to_owned());
            };
            let known = self.pairs.get(&number).is_some_and(|pair| pair.partitions.contains_key(&p));
            if !known || value != number {
                return Err(format!("pair {number} with the value {value} was never written"));
            }
            seen.insert(number);
        }
        for (number, pair) in &self.pairs {
            let Some(shown) = pair.partitions.get(&p) else { continue };
            if self.must_show(pair.write, *shown, demand) && !seen.contains(number) {
                return Err(format!("pair {number} is missing, {:?}, {shown:?}", self.writes[pair.write]));
            }
        }
        Ok(())
    }

    /// Checks that of each write of several rows there is all or nothing. `pairs` are the numbers found in each
    /// partition, `events` the rows.
    pub fn check_atomic(
        &self,
        pairs: &BTreeMap<i32, BTreeSet<i64>>,
        events: &BTreeMap<i32, BTreeSet<i32>>,
    ) -> Result<(), String> {
        // Of each write, the rows by name and whether they were found.
        let mut rows_of_write: BTreeMap<usize, Vec<(String, bool)>> = BTreeMap::new();
        for (number, pair) in &self.pairs {
            for p in pair.partitions.keys() {
                let found = pairs.get(p).is_some_and(|found| found.contains(number));
                rows_of_write.entry(pair.write).or_default().push((format!("pair {number} of partition {p}"), found));
            }
        }
        for (p, rows) in &self.events {
            for (c, row) in rows {
                let found = events.get(p).is_some_and(|found| found.contains(c));
                rows_of_write.entry(row.write).or_default().push((format!("event {c} of partition {p}"), found));
            }
        }
        for rows in rows_of_write.values() {
            if rows.iter().any(|(_, found)| *found) && !rows.iter().all(|(_, found)| *found) {
                return Err(format!("a batch is torn: {rows:?}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(c: i32, v: i64) -> Row {
        vec![Some(c.to_be_bytes().to_vec()), Some(v.to_be_bytes().to_vec()), None]
    }

    #[test]
    fn registers_show_the_newest_acknowledged_write_or_a_newer_one() {
        let check = |found: Option<i64>, good: bool| {
            let mut history = History::new(3);
            let cell = Cell { p: 0, c: Some(1) };
            for (timestamp, deletes, known) in
                [(10, false, true), (20, false, true), (30, false, false), (40, true, false)]
            {
                let write = history.begin(timestamp);
                history.cell(cell, write, deletes);
                if known {
                    history.acknowledged(write, 2, 100);
                }
            }
            let rows: Vec<Row> = found.map(|value| row(1, value)).into_iter().collect();
            let checked = history.check_registers(0, &rows, Demand::EVERYTHING);
            assert_eq!(checked.is_ok(), good, "{found:?}: {checked:?}");
            let weak = Demand { before: 101, replicas: 1 };
            let written = found.is_none_or(|value| [10, 20, 30].contains(&value));
            assert_eq!(history.check_registers(0, &rows, weak).is_ok(), written, "{found:?}");
            let early = Demand { before: 100, replicas: 3 };
            assert_eq!(history.check_registers(0, &rows, early).is_ok(), written, "{found:?}");
        };
        check(Some(20), true);
        check(Some(30), true);
        check(None, true);
        check(Some(10), false);
        check(Some(40), false);
        check(Some(15), false);
    }

    #[test]
    fn pairs_are_whole() {
        let mut history = History::new(3);
        let write = history.begin(0);
        history.pair(5, vec![1, 2], write);
        let events = BTreeMap::new();
        let numbers = |p: &[i32]| p.iter().map(|p| (*p, BTreeSet::from([5]))).collect();
        assert!(history.check_atomic(&numbers(&[]), &events).is_ok());
        assert!(history.check_atomic(&numbers(&[1, 2]), &events).is_ok());
        assert!(history.check_atomic(&numbers(&[2]), &events).is_err());
    }
}
