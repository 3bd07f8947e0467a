//! Choosing the next request.

use helenus_model::consistency::Consistency;

use super::history::{Cell, EventRow};
use super::swap::look;
use super::{Datum, Effect, Form, Operation, PARTITIONS, REGISTERS, Statement, TAGS, Workload, register};

/// Of a thousand requests.
const ADD_COLUMN: u64 = 6;

impl Workload {
    /// The next request; None when all are asked.
    pub fn next(&mut self, now: u64) -> Option<Operation> {
        self.left = self.left.checked_sub(1)?;
        if self.rng.below(1000) < self.swaps_of_thousand {
            return Some(self.swap_somewhere(now));
        }
        Some(match self.rng.below(1000) {
            0..300 => self.insert_events(now),
            300..330 => self.insert_wide(now),
            330..600 => self.write_registers(now),
            600..680 => self.insert_pair(now),
            680..720 => self.mixed_batch(now),
            720..726 => self.add_column(now),
            726..729 => self.add_table(now),
            729..750 => self.insert_more(now),
            750..760 => self.come_and_go(now),
            760..820 => self.count(now),
            820..860 => self.swap_somewhere(now),
            860..890 => self.tag(now),
            _ => self.read(now),
        })
    }

    fn swap_somewhere(&mut self, now: u64) -> Operation {
        // Few registers, so that clients meet.
        let p = self.partition() % 3;
        self.swap(p, now)
    }

    /// The next request of a client that is wanted at a register; None when all are asked.
    pub fn next_at(&mut self, register: i32, now: u64) -> Option<Operation> {
        self.left = self.left.checked_sub(1)?;
        Some(if self.rng.chance(65) { self.swap(register, now) } else { look(register, now) })
    }

    fn level(&mut self) -> Consistency {
        match self.rng.below(10) {
            0 | 1 => Consistency::One,
            2 => Consistency::LocalOne,
            3..6 => Consistency::Quorum,
            6 | 7 => Consistency::LocalQuorum,
            _ => Consistency::All,
        }
    }

    fn write_level(&mut self) -> Consistency {
        if self.rng.chance(10) { Consistency::Any } else { self.level() }
    }

    fn form(&mut self) -> Form {
        if self.rng.chance(20) { Form::Text } else { Form::Prepared }
    }

    fn partition(&mut self) -> i32 {
        self.rng.index(PARTITIONS as usize) as i32
    }

    fn operation(&mut self, statement: Statement, values: Vec<Datum>, effect: Effect, now: u64) -> Operation {
        let form = self.form();
        let level = if matches!(effect, Effect::Write(_)) { self.write_level() } else { self.level() };
        Operation { statement, values: vec![values], form, text: None, level, timestamp: None, effect, begun: now }
    }

    /// One new row, or two of one partition in an unlogged batch: one mutation.
    fn insert_events(&mut self, now: u64) -> Operation {
        let p = self.partition();
        let write = self.history.begin(0);
        let count = if self.rng.chance(15) { 2 } else { 1 };
        let mut values = Vec::new();
        for _ in 0..count {
            let c = self.event_clustering();
            self.history.event(p, c, EventRow::new(write, None));
            values.push(vec![Datum::Int(p), Datum::Int(c), Datum::Text(event_value(p, c))]);
        }
        let mut operation = self.operation(Statement::InsertEvent, Vec::new(), Effect::Write(write), now);
        operation.values = values;
        if count > 1 {
            operation.form = if self.rng.chance(50) { Form::Unlogged } else { Form::Logged };
        }
        operation
    }

    /// Spread over the partition, so that rows come in no order.
    fn event_clustering(&mut self) -> i32 {
        (self.number() * 7_919 % 1_000_003) as i32
    }

    fn insert_wide(&mut self, now: u64) -> Operation {
        if self.history.columns().is_empty() {
            return self.insert_events(now);
        }
        let write = self.history.begin(0);
        let text = self.wide_row(write);
        self.text_operation(Statement::InsertWide, text, Effect::Write(write), now)
    }

    /// A statement of a new row with a value in a column that was added.
    fn wide_row(&mut self, write: usize) -> String {
        let columns = self.history.columns();
        let column = columns[self.rng.index(columns.len())];
        let (p, c) = (self.partition(), self.event_clustering());
        self.history.event(p, c, EventRow::new(write, Some(column)));
        format!("INSERT INTO sim.events (p, c, v, extra_{column}) VALUES ({p}, {c}, '{}', {c})", event_value(p, c))
    }

    /// A statement of a new row in a table that was added.
    fn more_row(&mut self, write: usize) -> String {
        let tables = self.history.tables();
        let table = tables[self.rng.index(tables.len())];
        let (p, c) = (self.partition(), self.event_clustering());
        let place = place_of(table, p);
        self.history.event(place, c, EventRow::new(write, None));
        format!("INSERT INTO sim.more_{table} (p, c, v) VALUES ({p}, {c}, '{}')", event_value(place, c))
    }

    fn text_operation(&mut self, statement: Statement, text: String, effect: Effect, now: u64) -> Operation {
        let mut operation = self.operation(statement, Vec::new(), effect, now);
        operation.form = Form::Text;
        operation.text = Some(text);
        operation
    }

    fn add_table(&mut self, now: u64) -> Operation {
        let number = self.history.begin_table();
        let text = format!("CREATE TABLE sim.more_{number} (p int, c int, v text, PRIMARY KEY (p, c))");
        self.text_operation(Statement::AddTable, text, Effect::AddTable(number), now)
    }

    fn insert_more(&mut self, now: u64) -> Operation {
        if self.history.tables().is_empty() {
            return self.insert_events(now);
        }
        let write = self.history.begin(0);
        let text = self.more_row(write);
        self.text_operation(Statement::InsertMore, text, Effect::Write(write), now)
    }

    /// A logged batch of rows of several tables, some of them with a schema that is new.
    fn mixed_batch(&mut self, now: u64) -> Operation {
        let write = self.history.begin(0);
        let (mut rows, number) = (Vec::new(), self.number());
        let partitions = self.partitions();
        for p in &partitions {
            rows.push(format!("INSERT INTO sim.pairs (p, n, v) VALUES ({p}, {number}, {number})"));
        }
        let partitions_first = partitions[0];
        self.history.pair(number, partitions, write);
        if !self.history.columns().is_empty() && self.rng.chance(60) {
            rows.push(self.wide_row(write));
        }
        if !self.history.tables().is_empty() && self.rng.chance(60) {
            rows.push(self.more_row(write));
        }
        if self.rng.chance(30) {
            // Perhaps one mutation with a row above: what becomes of this table must not matter to that row.
            rows.insert(0, format!("INSERT INTO sim.gone (p, v) VALUES ({partitions_first}, {number})"));
        }
        let (p, c) = (self.partition(), self.event_clustering());
        self.history.event(p, c, EventRow::new(write, None));
        rows.push(format!("INSERT INTO sim.events (p, c, v) VALUES ({p}, {c}, '{}')", event_value(p, c)));
        let text = format!("BEGIN BATCH {}; APPLY BATCH", rows.join("; "));
        self.text_operation(Statement::MixedBatch, text, Effect::Write(write), now)
    }

    /// A table that is made, written, emptied and dropped; nothing is promised of its content.
    fn come_and_go(&mut self, now: u64) -> Operation {
        let p = self.partition();
        let text = match self.rng.below(10) {
            0 | 1 => "CREATE TABLE IF NOT EXISTS sim.gone (p int PRIMARY KEY, v int)".to_owned(),
            2 => "DROP TABLE IF EXISTS sim.gone".to_owned(),
            3 => "TRUNCATE sim.gone".to_owned(),
            _ => format!("INSERT INTO sim.gone (p, v) VALUES ({p}, {p})"),
        };
        self.text_operation(Statement::Gone, text, Effect::Nothing, now)
    }

    /// A row comes to a tag, or leaves it. The model does not know of it: an index is compared with the rows themselves.
    fn tag(&mut self, now: u64) -> Operation {
        let (p, c) = (self.partition() % 3, self.rng.index(REGISTERS as usize));
        let tag = self.rng.index(TAGS as usize);
        let text = match self.rng.below(20) {
            0 => format!("DELETE FROM sim.tagged WHERE p = {p}"),
            1 => format!("DELETE FROM sim.tagged WHERE p = {p} AND c >= {c}"),
            2 | 3 => format!("DELETE FROM sim.tagged WHERE p = {p} AND c = {c}"),
            4 | 5 => format!("DELETE tag FROM sim.tagged WHERE p = {p} AND c = {c}"),
            6..10 => format!("UPDATE sim.tagged SET tag = {tag} WHERE p = {p} AND c = {c}"),
            10 => format!("SELECT p, c FROM sim.tagged WHERE tag = {tag}"),
            _ => format!("INSERT INTO sim.tagged (p, c, tag) VALUES ({p}, {c}, {tag})"),
        };
        self.text_operation(Statement::Tag, text, Effect::Nothing, now)
    }

    fn add_column(&mut self, now: u64) -> Operation {
        let number = self.history.begin_column();
        let text = format!("ALTER TABLE sim.events ADD extra_{number} int");
        self.text_operation(Statement::AddColumn, text, Effect::AddColumn(number), now)
    }

    fn write_registers(&mut self, now: u64) -> Operation {
        let timestamp = self.timestamp(now);
        let write = self.history.begin(timestamp);
        let (p, c) = (self.partition(), self.rng.index(REGISTERS as usize) as i32);
        let (key, row) = (Datum::Int(p), Datum::Int(c));
        let (statement, values) = match self.rng.below(100) {
            0..60 => {
                self.history.cell(register(p, c), write, false);
                (Statement::SetRegister, vec![Datum::Big(timestamp), key, row])
            }
            60..72 => {
                self.history.cell(Cell { p, c: None }, write, false);
                (Statement::SetStatic, vec![Datum::Big(timestamp), key])
            }
            72..80 => {
                self.history.cell(register(p, c), write, true);
                (Statement::DeleteCell, vec![key, row])
            }
            80..90 => {
                self.history.cell(register(p, c), write, true);
                (Statement::DeleteRow, vec![key, row])
            }
            90..97 => {
                let end = c + self.rng.index(REGISTERS as usize) as i32;
                (c..end.min(REGISTERS)).for_each(|c| self.history.cell(register(p, c), write, true));
                (Statement::DeleteRange, vec![key, row, Datum::Int(end)])
            }
            _ => {
                (0..REGISTERS).for_each(|c| self.history.cell(register(p, c), write, true));
                self.history.cell(Cell { p, c: None }, write, true);
                (Statement::DeletePartition, vec![key])
            }
        };
        let mut operation = self.operation(statement, values, Effect::Write(write), now);
        operation.timestamp = Some(timestamp);
        operation
    }

    /// Two to four partitions.
    fn partitions(&mut self) -> Vec<i32> {
        let mut all: Vec<i32> = (0..PARTITIONS).collect();
        self.rng.shuffle(&mut all);
        all.truncate(2 + self.rng.index(3));
        all
    }

    /// Rows of one number in several partitions, in a logged batch.
    fn insert_pair(&mut self, now: u64) -> Operation {
        let number = self.number();
        let write = self.history.begin(0);
        let partitions = self.partitions();
        let mut operation = self.operation(Statement::InsertPair, Vec::new(), Effect::Write(write), now);
        operation.form = Form::Logged;
        let row = |p: &i32| vec![Datum::Int(*p), Datum::Big(number), Datum::Big(number)];
        operation.values = partitions.iter().map(row).collect();
        self.history.pair(number, partitions, write);
        operation
    }

    /// Adds to one counter, or to several in a batch. Each number is another, so that a sum tells what is in it.
    fn count(&mut self, now: u64) -> Operation {
        let partitions = if self.rng.chance(20) { self.partitions() } else { vec![self.partition()] };
        let by = self.rng.between(1, 1000) as i64;
        let values = partitions.iter().map(|p| vec![Datum::Big(by), Datum::Int(*p)]).collect();
        let several = partitions.len() > 1;
        let mut operation = self.operation(Statement::Count, Vec::new(), Effect::Count(partitions, by), now);
        operation.values = values;
        if several {
            operation.form = Form::Counter;
        }
        operation
    }

    fn read(&mut self, now: u64) -> Operation {
        let p = self.partition();
        let statement = match self.rng.below(10) {
            0..3 => Statement::SelectEvents,
            3..8 => Statement::SelectRegisters,
            _ => Statement::SelectPairs,
        };
        self.operation(statement, vec![Datum::Int(p)], Effect::Read(p), now)
    }
}

/// The number under which the model keeps a partition of an added table; those of `events` are below.
pub(crate) fn place_of(table: u32, p: i32) -> i32 {
    (table as i32 + 1) * PLACES_OF_TABLE + p
}

/// Numbers of partitions that a table has in the model.
pub(crate) const PLACES_OF_TABLE: i32 = 100;

/// The text of an event.
pub(crate) fn event_value(p: i32, c: i32) -> String {
    format!("event {p} {c} {}", "x".repeat((c % 90) as usize))
}

const _: () = assert!(ADD_COLUMN == 726 - 720, "the share of new columns");
