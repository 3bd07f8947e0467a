//! What clients do: unique rows, cells that are overwritten and deleted, logged batches over several partitions and tables,
//! counters, registers that are swapped, rows with an indexed column, new columns and tables, a table that comes and goes, and reads of all but the last. [`history::History`] remembers what was asked
//! and what came of it.

use helenus_cql_protocol::client_conn::ClientConn;
use helenus_cql_protocol::notation::{Value, Values, ValuesBuffer};
use helenus_cql_protocol::request::{Batch, BatchBuffer, BatchKind, BatchQuery, Execute, Query, QueryParams, Request};
use helenus_cql_protocol::response::{ErrorKind, ErrorResponse};
use helenus_model::consistency::Consistency;
use helenus_model::rng::Rng;

use crate::client::PreparedIds;
use crate::options::Options;
use crate::world::{Rows, WALL_START_MICROS};

pub mod choose;
pub mod history;
pub mod swap;

use history::{Cell, Demand, History, Seen};

/// Partitions of each table.
pub const PARTITIONS: i32 = 8;
/// Clustering rows of a partition of `registers`.
pub const REGISTERS: i32 = 8;
/// Values of the indexed column of `tagged`: few, so that rows come to a value and go again.
pub const TAGS: i32 = 4;

/// The keyspace, then the tables, to be made before anything else.
pub fn schema(replication: usize) -> Vec<String> {
    vec![
        format!(
            "CREATE KEYSPACE sim WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': {replication}}}"
        ),
        "CREATE TABLE sim.events (p int, c int, v text, PRIMARY KEY (p, c))".to_owned(),
        "CREATE TABLE sim.registers (p int, c int, v bigint, s bigint static, PRIMARY KEY (p, c)) \
         WITH CLUSTERING ORDER BY (c DESC)"
            .to_owned(),
        "CREATE TABLE sim.pairs (p int, n bigint, v bigint, PRIMARY KEY (p, n))".to_owned(),
        "CREATE TABLE sim.counts (p int PRIMARY KEY, n counter)".to_owned(),
        "CREATE TABLE sim.swaps (p int PRIMARY KEY, v bigint)".to_owned(),
        "CREATE TABLE sim.tagged (p int, c int, tag int, PRIMARY KEY (p, c))".to_owned(),
        "CREATE INDEX tags ON sim.tagged (tag)".to_owned(),
    ]
}

/// The statements of the workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum Statement {
    InsertEvent,
    SetRegister,
    SetStatic,
    DeleteCell,
    DeleteRow,
    DeleteRange,
    DeletePartition,
    InsertPair,
    Count,
    SelectEvents,
    SelectRegisters,
    SelectPairs,
    /// ALTER TABLE; its text is made anew each time, and never prepared.
    AddColumn,
    /// INSERT into a column that was added; never prepared.
    InsertWide,
    /// CREATE TABLE; never prepared.
    AddTable,
    /// INSERT into a table that was added; never prepared.
    InsertMore,
    /// A logged batch over several tables; never prepared.
    MixedBatch,
    /// Something about the table `gone`, which comes and goes; never prepared.
    Gone,
    /// A conditional write; never prepared.
    Swap,
    /// A read at SERIAL of what is swapped; never prepared.
    Look,
    /// Something about a row with an indexed column; never prepared.
    Tag,
}

impl Statement {
    /// Those that clients prepare.
    pub const EVERY: [Statement; 12] = [
        Statement::InsertEvent,
        Statement::SetRegister,
        Statement::SetStatic,
        Statement::DeleteCell,
        Statement::DeleteRow,
        Statement::DeleteRange,
        Statement::DeletePartition,
        Statement::InsertPair,
        Statement::Count,
        Statement::SelectEvents,
        Statement::SelectRegisters,
        Statement::SelectPairs,
    ];

    /// Its text, with markers.
    pub fn text(self) -> &'static str {
        match self {
            Statement::InsertEvent => "INSERT INTO sim.events (p, c, v) VALUES (?, ?, ?)",
            Statement::SetRegister => "UPDATE sim.registers SET v = ? WHERE p = ? AND c = ?",
            Statement::SetStatic => "UPDATE sim.registers SET s = ? WHERE p = ?",
            Statement::DeleteCell => "DELETE v FROM sim.registers WHERE p = ? AND c = ?",
            Statement::DeleteRow => "DELETE FROM sim.registers WHERE p = ? AND c = ?",
            Statement::DeleteRange => "DELETE FROM sim.registers WHERE p = ? AND c >= ? AND c < ?",
            Statement::DeletePartition => "DELETE FROM sim.registers WHERE p = ?",
            Statement::InsertPair => "INSERT INTO sim.pairs (p, n, v) VALUES (?, ?, ?)",
            Statement::Count => "UPDATE sim.counts SET n = n + ? WHERE p = ?",
            Statement::SelectEvents => "SELECT c, v FROM sim.events WHERE p = ?",
            Statement::SelectRegisters => "SELECT c, v, s FROM sim.registers WHERE p = ?",
            Statement::SelectPairs => "SELECT n, v FROM sim.pairs WHERE p = ?",
            Statement::AddColumn
            | Statement::InsertWide
            | Statement::AddTable
            | Statement::InsertMore
            | Statement::MixedBatch
            | Statement::Gone
            | Statement::Swap
            | Statement::Look
            | Statement::Tag => "",
        }
    }
}

/// A value to be bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Datum {
    /// `int`
    Int(i32),
    /// `bigint`
    Big(i64),
    /// `text`
    Text(String),
}

impl Datum {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Datum::Int(value) => value.to_be_bytes().to_vec(),
            Datum::Big(value) => value.to_be_bytes().to_vec(),
            Datum::Text(text) => text.as_bytes().to_vec(),
        }
    }

    fn literal(&self) -> String {
        match self {
            Datum::Int(value) => value.to_string(),
            Datum::Big(value) => value.to_string(),
            Datum::Text(text) => format!("'{text}'"),
        }
    }
}

/// What an operation does to the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A write: its number in the history.
    Write(usize),
    /// So much is added to the counters of these partitions.
    Count(Vec<i32>, i64),
    /// The value of this register's swap, which is another than all others; what must be there before.
    Swap(i32, Option<i64>, i64),
    /// The value of this register is told.
    Look(i32),
    /// A read of a partition of the statement's table.
    Read(i32),
    /// The column of this number.
    AddColumn(u32),
    /// The table of this number.
    AddTable(u32),
    /// Nothing that the model knows of.
    Nothing,
}

/// How the request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// EXECUTE.
    Prepared,
    /// QUERY with literals.
    Text,
    /// BATCH of prepared statements, logged.
    Logged,
    /// BATCH of prepared statements, unlogged.
    Unlogged,
    /// BATCH of prepared statements, of counters.
    Counter,
}

/// One request of a client.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its statement.
    pub statement: Statement,
    /// Values of one statement, or of each statement of a batch.
    pub values: Vec<Vec<Datum>>,
    /// How it is sent.
    pub form: Form,
    /// Its text, where that is not the statement's.
    pub text: Option<String>,
    /// Consistency level.
    pub level: Consistency,
    /// The client's timestamp; None: the server gives one.
    pub timestamp: Option<i64>,
    /// What it does to the model.
    pub effect: Effect,
    /// When it was begun, microseconds.
    pub begun: u64,
}

/// What came of a request.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Rows.
    Rows(Rows),
    /// It is done.
    Done,
    /// An error.
    Error(ErrorResponse),
    /// The connection ended first.
    Unknown,
}

impl Outcome {
    /// A number for the trace.
    pub fn code(&self) -> u64 {
        match self {
            Outcome::Rows(rows) => 1000 + rows.rows.len() as u64,
            Outcome::Done => 1,
            Outcome::Error(error) => 100 + error.message.len() as u64,
            Outcome::Unknown => 2,
        }
    }
}

/// Replicas that must have answered at a level.
pub fn replicas_at(level: Consistency, replication: usize) -> usize {
    match level {
        // It may be no more than a hint.
        Consistency::Any => 0,
        Consistency::One | Consistency::LocalOne => 1,
        Consistency::Two => 2,
        Consistency::Three => 3,
        Consistency::All => replication,
        _ => replication / 2 + 1,
    }
}

impl Operation {
    /// Puts the request into a connection; its stream. None: the statement is not prepared there.
    pub fn send(&self, conn: &mut ClientConn, prepared: Option<&PreparedIds>) -> Option<i16> {
        let mut params = QueryParams { timestamp: self.timestamp, ..QueryParams::new(self.level) };
        let buffers: Vec<ValuesBuffer> = self.values.iter().map(|values| buffer(values)).collect();
        match self.form {
            Form::Text => {
                let text = self.text.clone().unwrap_or_else(|| literal_text(self.statement.text(), &self.values[0]));
                conn.send(&Request::Query(Query { query: &text, params }), false)
            }
            Form::Prepared => {
                let ids = prepared?;
                params.values = buffers.first().map_or(Values::EMPTY, ValuesBuffer::values);
                let result_metadata_id = ids.result_metadata.as_deref();
                conn.send(&Request::Execute(Execute { id: &ids.id, result_metadata_id, params }), false)
            }
            Form::Logged | Form::Unlogged | Form::Counter => {
                let ids = prepared?;
                let mut batch = BatchBuffer::new(conn.version());
                for buffer in &buffers {
                    batch.push(BatchQuery::Prepared(&ids.id), buffer.values());
                }
                let kind = match self.form {
                    Form::Logged => BatchKind::Logged,
                    Form::Counter => BatchKind::Counter,
                    _ => BatchKind::Unlogged,
                };
                conn.send(&Request::Batch(Batch { kind, statements: batch.statements(), params }), false)
            }
        }
    }
}

fn buffer(values: &[Datum]) -> ValuesBuffer {
    let mut buffer = ValuesBuffer::positional();
    for value in values {
        buffer.push("", Value::Bytes(&value.bytes()));
    }
    buffer
}

/// The statement with literals in place of its markers.
pub fn literal_text(text: &str, values: &[Datum]) -> String {
    let mut parts = text.split('?');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (value, part) in values.iter().zip(parts) {
        out.push_str(&value.literal());
        out.push_str(part);
    }
    out
}

/// What was added to a counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// By increments that were acknowledged.
    pub acknowledged: i64,
    /// By those of which nobody knows.
    pub unknown: i64,
}

/// What clients ask, and what came of it.
#[derive(Debug)]
pub struct Workload {
    /// Everything written so far.
    pub history: History,
    /// Requests that succeeded, and all that ended.
    pub succeeded: usize,
    /// All that ended.
    pub ended: usize,
    counts: [Tally; PARTITIONS as usize],
    swaps: std::collections::BTreeMap<i32, swap::Swaps>,
    pub(crate) rng: Rng,
    pub(crate) left: usize,
    swaps_of_thousand: u64,
    pause: u64,
    next_number: i64,
    last_timestamp: i64,
}

impl Workload {
    /// Nothing asked yet.
    pub fn new(options: &Options, rng: Rng) -> Self {
        Workload {
            history: History::new(options.replication),
            succeeded: 0,
            ended: 0,
            counts: [Tally::default(); PARTITIONS as usize],
            swaps: std::collections::BTreeMap::new(),
            rng,
            left: options.operations,
            swaps_of_thousand: options.swaps_of_thousand,
            pause: options.work_micros * options.clients as u64 / options.operations as u64,
            next_number: 1,
            last_timestamp: 0,
        }
    }

    /// Mean time between two requests of a client, microseconds; None when all are asked.
    pub fn pause(&self) -> Option<u64> {
        (self.left > 0).then_some(self.pause)
    }

    /// Asks nothing more.
    pub fn stop(&mut self) {
        self.left = 0;
    }

    /// What was added to the counter of a partition.
    pub fn counted(&self, partition: i32) -> Tally {
        self.counts.get(partition as usize).copied().unwrap_or_default()
    }

    fn note_count(&mut self, partitions: &[i32], by: i64, outcome: &Outcome) {
        for p in partitions {
            let Some(tally) = self.counts.get_mut(*p as usize) else { continue };
            match outcome {
                Outcome::Done | Outcome::Rows(_) => tally.acknowledged += by,
                Outcome::Error(error) if was_not_begun(error) => {}
                Outcome::Error(_) | Outcome::Unknown => tally.unknown += by,
            }
        }
    }

    /// A timestamp of a client: the wall clock, unique.
    pub fn timestamp(&mut self, now: u64) -> i64 {
        self.last_timestamp = (WALL_START_MICROS + now as i64).max(self.last_timestamp + 1);
        self.last_timestamp
    }

    /// A number never given before.
    pub(crate) fn number(&mut self) -> i64 {
        self.next_number += 1;
        self.next_number
    }

    /// Notes what came of an operation. An error is a promise that was not kept.
    pub fn finish(&mut self, operation: &Operation, outcome: Outcome, now: u64) -> Result<(), (&'static str, String)> {
        self.ended += 1;
        if let Outcome::Error(error) = &outcome
            && !is_expected(operation, error)
        {
            return Err((
                "a legal request is not refused",
                format!("{operation:?}: {:?} {}", error.kind, error.message),
            ));
        }
        if matches!(outcome, Outcome::Done | Outcome::Rows(_)) {
            self.succeeded += 1;
        }
        match (&operation.effect, outcome) {
            (Effect::Count(partitions, by), outcome) => self.note_count(partitions, *by, &outcome),
            (Effect::Swap(..), outcome) => self.note_swap(operation, &outcome, now),
            (Effect::Look(register), Outcome::Rows(rows)) => self.note_look(*register, operation.begun, now, &rows),
            (Effect::Write(write), Outcome::Done) => {
                let replicas = replicas_at(operation.level, self.history.replication);
                self.history.acknowledged(*write, replicas, now);
            }
            (Effect::Write(write), _) => self.history.unknown(*write),
            (Effect::AddColumn(number), Outcome::Done) => self.history.column_added(*number),
            (Effect::AddTable(number), Outcome::Done) => self.history.table_added(*number),
            (Effect::Read(partition), Outcome::Rows(rows)) => {
                let replicas = replicas_at(operation.level, self.history.replication);
                let demand = Demand { before: operation.begun, replicas };
                let checked = self.history.check_partition(operation.statement, *partition, &rows.rows, demand);
                if let Err(what) = checked {
                    let text = format!("read of partition {partition} at {}: {what}", operation.level);
                    return Err(("a read meets the writes it overlaps, acknowledged or read before", text));
                }
                self.history.seen(operation.statement, *partition, &rows.rows, Seen { replicas, at: now });
            }
            _ => {}
        }
        Ok(())
    }
}

/// True for errors of requests of which nothing was done.
fn was_not_begun(error: &ErrorResponse) -> bool {
    matches!(error.kind, ErrorKind::Unavailable { .. } | ErrorKind::Overloaded | ErrorKind::IsBootstrapping)
}

/// True for errors that faults explain.
fn is_expected(operation: &Operation, error: &ErrorResponse) -> bool {
    match error.kind {
        ErrorKind::Unavailable { .. }
        | ErrorKind::WriteTimeout { .. }
        | ErrorKind::ReadTimeout { .. }
        | ErrorKind::WriteFailure { .. }
        | ErrorKind::ReadFailure { .. }
        | ErrorKind::CasWriteUnknown { .. }
        | ErrorKind::Overloaded
        | ErrorKind::IsBootstrapping => true,
        ErrorKind::ServerError => {
            matches!(operation.statement, Statement::AddColumn | Statement::AddTable | Statement::Gone)
        }
        // A node that is cut off does not know the column or the table yet.
        ErrorKind::Invalid => matches!(
            operation.statement,
            Statement::InsertWide | Statement::InsertMore | Statement::MixedBatch | Statement::Gone
        ),
        ErrorKind::TruncateError => operation.statement == Statement::Gone,
        _ => false,
    }
}

/// A register cell.
pub fn register(p: i32, c: i32) -> Cell {
    Cell { p, c: Some(c) }
}
