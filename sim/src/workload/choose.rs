//! Choosing the next request.

use helenus_model::consistency::Consistency;

use super::history::{Cell, EventRow};
use super::{Datum, Effect, Form, Operation, PARTITIONS, REGISTERS, Statement, Workload, register};

/// Of a thousand requests.
const ADD_COLUMN: u64 = 6;

impl Workload {
    /// The next request; None when all are asked.
    pub fn next(&mut self, now: u64) -> Option<Operation> {
        self.left = self.left.checked_sub(1)?;
        Some(match self.rng.below(1000) {
            0..300 => self.insert_events(now),
            300..330 => self.insert_wide(now),
            330..600 => self.write_registers(now),
            600..720 => self.insert_pair(now),
            720..726 => self.add_column(now),
            _ => self.read(now),
        })
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

    fn form(&mut self) -> Form {
        if self.rng.chance(20) { Form::Text } else { Form::Prepared }
    }

    fn partition(&mut self) -> i32 {
        self.rng.index(PARTITIONS as usize) as i32
    }

    fn operation(&mut self, statement: Statement, values: Vec<Datum>, effect: Effect, now: u64) -> Operation {
        let (form, level) = (self.form(), self.level());
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
            self.history.event(p, c, EventRow { write, wide: None });
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
        let columns = self.history.columns();
        if columns.is_empty() {
            return self.insert_events(now);
        }
        let column = columns[self.rng.index(columns.len())];
        let (p, c) = (self.partition(), self.event_clustering());
        let write = self.history.begin(0);
        self.history.event(p, c, EventRow { write, wide: Some(column) });
        let mut operation = self.operation(Statement::InsertWide, Vec::new(), Effect::Write(write), now);
        operation.form = Form::Text;
        operation.text = Some(format!(
            "INSERT INTO sim.events (p, c, v, extra_{column}) VALUES ({p}, {c}, '{}', {c})",
            event_value(p, c)
        ));
        operation
    }

    fn add_column(&mut self, now: u64) -> Operation {
        let number = self.history.begin_column();
        let mut operation = self.operation(Statement::AddColumn, Vec::new(), Effect::AddColumn(number), now);
        operation.form = Form::Text;
        operation.text = Some(format!("ALTER TABLE sim.events ADD extra_{number} int"));
        operation
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

    /// Two rows of one number in two partitions, in a logged batch.
    fn insert_pair(&mut self, now: u64) -> Operation {
        let number = self.number();
        let write = self.history.begin(0);
        let a = self.partition();
        let b = (a + 1 + self.rng.index(PARTITIONS as usize - 1) as i32) % PARTITIONS;
        self.history.pair(number, [a, b], write);
        let mut operation = self.operation(Statement::InsertPair, Vec::new(), Effect::Write(write), now);
        operation.form = Form::Logged;
        operation.values =
            [a, b].into_iter().map(|p| vec![Datum::Int(p), Datum::Big(number), Datum::Big(number)]).collect();
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

/// The text of an event.
pub(crate) fn event_value(p: i32, c: i32) -> String {
    format!("event {p} {c} {}", "x".repeat((c % 90) as usize))
}

const _: () = assert!(ADD_COLUMN == 726 - 720, "the share of new columns");
