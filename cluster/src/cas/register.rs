//! A replica's registers: rows of `system.paxos`, each read, compared and written under a lock of its stripe, so that the coordinators
//! of this node cannot come between. The lock is never held while a device is waited for: a row that is not in memory makes the step
//! fail with [`StepError::Blocked`], and it is tried again when the row was read elsewhere.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use helenus_cql_protocol::response::FailureReason;
use helenus_engine::cursor::ReadMode;
use helenus_engine::engine::ViewWriteError;
use helenus_engine::error::{ReadError, WriteError};
use helenus_engine::log::LogPosition;
use helenus_model::key::{KeyRef, put_clustering_value};
use helenus_model::mutation::{MutationRef, encode_mutation};
use helenus_model::partition::{PartitionWriter, Unfiltered};
use helenus_model::read::{ColumnFilter, Flow, Next, PartitionConsumer, ReadCommand, ReadLimits, ReadScope, Slice};
use helenus_model::row::{CellRef, ColumnId, DeletionTime, RowHeader, RowRef};
use helenus_model::schema::Table;
use helenus_model::time::{LocalSeconds, NO_TIMESTAMP, Now};
use helenus_query::system_tables::definitions;
use parking_lot::Mutex;
use uuid::Uuid;

use super::ballot::Ballot;
use super::wire::{Answer, Taken, Value, ValueRef};
use crate::shared::Shared;

/// Locks; two registers of one stripe wait for each other, for microseconds.
const STRIPES: usize = 64;
/// A register is kept at least so long after its last step, seconds (Cassandra: three hours, or gc_grace_seconds).
const KEPT_SECONDS_MIN: i64 = 3 * 3600;
/// A decided value of more bytes goes to the log before the register does, each in a record of its own: a record holds one
/// `max_mutation_size`, and the register repeats the value.
const TOGETHER_BYTES_MAX: usize = 64 * 1024;
/// What the register adds to a mutation at most, beside its key.
const REGISTER_BYTES: usize = 1024;
/// About what a row, a cell, and a mutation are beside their keys and values: what is written gets its memory at once.
const ROW_BYTES: usize = 48;
const CELL_BYTES: usize = 32;
const MUTATION_BYTES: usize = 32;
/// The last second an SSTable can hold as an expiry.
const EXPIRY_MAX: LocalSeconds = i32::MAX as LocalSeconds - 1;

/// The locks.
#[derive(Debug)]
pub(crate) struct Registers {
    stripes: [Mutex<()>; STRIPES],
}

impl Default for Registers {
    fn default() -> Self {
        Registers { stripes: [const { Mutex::new(()) }; STRIPES] }
    }
}

/// Why a step was not done.
#[derive(Debug)]
pub(crate) enum StepError {
    /// The register's row is not in memory. The read brings it there.
    Blocked(Box<ReadCommand>),
    /// The protocol's reason.
    Failed(u16),
}

/// A step's answer, and where in the log it stands: it may be told when that is on the device. None: nothing was written.
pub(crate) type Step = (Answer, Option<LogPosition>);

/// The columns of `system.paxos`.
#[derive(Debug)]
struct Columns {
    table: Arc<Table>,
    promised: ColumnId,
    accepted_at: ColumnId,
    accepted: ColumnId,
    decided_at: ColumnId,
    decided: ColumnId,
}

fn columns() -> &'static Columns {
    static COLUMNS: OnceLock<Columns> = OnceLock::new();
    COLUMNS.get_or_init(|| {
        let table = definitions().table("system", "paxos").cloned().expect("system.paxos is defined");
        let id = |name: &str| table.column(name).expect("a column of system.paxos").id;
        Columns {
            promised: id("in_progress_ballot"),
            accepted_at: id("proposal_ballot"),
            accepted: id("proposal"),
            decided_at: id("most_recent_commit_at"),
            decided: id("most_recent_commit"),
            table,
        }
    })
}

/// What a register holds.
#[derive(Debug)]
struct State {
    promised: Ballot,
    /// When the values were taken, [`Ballot::NONE`] where there is none.
    accepted_at: Ballot,
    decided_at: Ballot,
    /// The values as they are encoded; empty where only ballots were asked for.
    accepted: Option<Vec<u8>>,
    decided: Option<Vec<u8>>,
    /// The latest timestamp of its cells.
    newest: i64,
}

impl State {
    const NOTHING: State = State {
        promised: Ballot::NONE,
        accepted_at: Ballot::NONE,
        decided_at: Ballot::NONE,
        accepted: None,
        decided: None,
        newest: NO_TIMESTAMP,
    };

    /// The latest ballot it has seen.
    fn latest(&self) -> Ballot {
        self.promised.max(self.accepted_at).max(self.decided_at)
    }
}

/// Collects a register's cells.
struct StateReader {
    now: LocalSeconds,
    /// Values are wanted, not only ballots.
    with_values: bool,
    state: State,
}

impl StateReader {
    fn cell(&mut self, column: ColumnId, value: &[u8]) {
        let Columns { promised, accepted_at, accepted, decided_at, decided, .. } = *columns();
        let ballot = || Uuid::from_slice(value).map_or(Ballot::NONE, Ballot::from_uuid);
        let bytes = || Some(if self.with_values { value.to_vec() } else { Vec::new() });
        let state = &mut self.state;
        if column == promised {
            state.promised = ballot();
        } else if column == accepted_at {
            state.accepted_at = ballot();
        } else if column == decided_at {
            state.decided_at = ballot();
        } else if column == accepted {
            state.accepted = bytes();
        } else if column == decided {
            state.decided = bytes();
        }
    }
}

impl PartitionConsumer for StateReader {
    fn partition(&mut self, _key: KeyRef<'_>, _deletion: DeletionTime, _static_row: Option<RowRef<'_>>) -> Flow {
        ControlFlow::Continue(Next::Item)
    }

    fn unfiltered(&mut self, item: Unfiltered<'_>) -> Flow {
        if let Unfiltered::Row { row, .. } = item {
            for cell in row.cells() {
                self.state.newest = self.state.newest.max(cell.timestamp);
                if cell.is_live(self.now) {
                    self.cell(cell.column, cell.value);
                }
            }
        }
        ControlFlow::Continue(Next::Item)
    }

    fn end_partition(&mut self) -> Flow {
        ControlFlow::Continue(Next::Partition)
    }
}

fn clustering(table: Uuid) -> Vec<u8> {
    let mut out = Vec::with_capacity(17);
    put_clustering_value(&mut out, Some(table.as_bytes()));
    out
}

fn read_command(table: Uuid, key: &[u8], now: LocalSeconds) -> ReadCommand {
    let registers = &columns().table;
    ReadCommand {
        table: registers.id,
        schema_epoch: registers.epoch,
        scope: ReadScope::Partition { key: key.into() },
        slices: vec![Slice::of_prefix(&clustering(table))],
        reversed: false,
        columns: ColumnFilter::All,
        limits: ReadLimits::NONE,
        now,
        through: None,
    }
}

fn read_state(
    shared: &Shared,
    table: Uuid,
    key: &[u8],
    now: LocalSeconds,
    with_values: bool,
) -> Result<State, StepError> {
    let command = read_command(table, key, now);
    let mut reader = StateReader { now, with_values, state: State::NOTHING };
    let mode = ReadMode { may_block: false, rows_budget: u64::MAX };
    match shared.engine.read(&command, mode, &mut reader) {
        Ok(()) => {
            let mut state = reader.state;
            // A ballot whose value is gone is none.
            state.accepted_at = state.accepted.as_ref().map_or(Ballot::NONE, |_| state.accepted_at);
            state.decided_at = state.decided.as_ref().map_or(Ballot::NONE, |_| state.decided_at);
            Ok(state)
        }
        Err(ReadError::WouldBlock | ReadError::OverBudget) => Err(StepError::Blocked(Box::new(command))),
        Err(error) => Err(failed("read", &error)),
    }
}

/// A value and the ballot it was taken at, None at [`Ballot::NONE`].
fn taken(ballot: Ballot, value: Option<&[u8]>) -> Result<Taken, StepError> {
    let Some(bytes) = value.filter(|_| ballot != Ballot::NONE) else { return Ok(None) };
    Ok(Some((ballot, Value::decode(bytes).map_err(|error| failed("decoded", &error))?)))
}

fn failed(what: &str, error: &dyn std::error::Error) -> StepError {
    tracing::error!(%error, "a register cannot be {what}");
    StepError::Failed(FailureReason::Unknown.code())
}

fn write_failed(error: &WriteError) -> StepError {
    tracing::error!(%error, "a register cannot be written");
    StepError::Failed(match error {
        WriteError::UnknownTable(_) => FailureReason::IncompatibleSchema.code(),
        _ => FailureReason::Unknown.code(),
    })
}

/// Whether a register can hold a mutation of this key, of which records hold `most` bytes.
pub(crate) fn fits(mutation: &[u8], key: &[u8], most: usize) -> bool {
    mutation.is_empty() || mutation.len() + key.len() + REGISTER_BYTES <= most
}

/// One step of a register of this node.
pub(crate) struct RegisterStep<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) table: &'a Table,
    pub(crate) key: &'a [u8],
    pub(crate) ballot: Ballot,
    pub(crate) now: Now,
}

impl RegisterStep<'_> {
    fn seconds(&self) -> LocalSeconds {
        self.now.wall_micros.div_euclid(1_000_000)
    }

    fn lock(&self) -> parking_lot::MutexGuard<'_, ()> {
        let token = KeyRef::new(self.key).token.0 as u64;
        let stripe = token ^ self.table.id.as_u64_pair().0;
        self.shared.registers.stripes[(stripe % STRIPES as u64) as usize].lock()
    }

    fn state(&self, with_values: bool) -> Result<State, StepError> {
        read_state(self.shared, self.table.id, self.key, self.seconds(), with_values)
    }

    /// The update of the register's row: its new cells, None to delete.
    fn update(&self, state: &State, cells: &mut [(ColumnId, Option<&[u8]>)]) -> Vec<u8> {
        let now = self.seconds();
        let timestamp = self.shared.timestamp(self.now).max(state.newest.saturating_add(1));
        let kept = KEPT_SECONDS_MIN.max(i64::from(self.table.params.gc_grace_seconds)).min((EXPIRY_MAX - now).max(1));
        let header = RowHeader::of_statement(timestamp, kept as i32, now + kept, false);
        let bytes: usize = cells.iter().map(|(_, value)| CELL_BYTES + value.map_or(0, <[u8]>::len)).sum();
        let mut row = Vec::with_capacity(ROW_BYTES + bytes);
        header.encode(&mut row);
        cells.sort_by_key(|(column, _)| *column);
        for (column, value) in cells.iter() {
            match value {
                Some(value) => CellRef::expiring(*column, timestamp, kept as i32, now + kept, value),
                None => CellRef::tombstone(*column, timestamp, now),
            }
            .encode(&header, &mut row);
        }
        let mut partition = Vec::with_capacity(ROW_BYTES + row.len());
        let mut writer = PartitionWriter::begin(&mut partition, DeletionTime::LIVE, None);
        writer.row(&clustering(self.table.id), &row);
        writer.end();
        partition
    }

    fn mutation(&self, updates: &[(Uuid, &[u8])]) -> Vec<u8> {
        let bytes: usize = updates.iter().map(|(_, update)| MUTATION_BYTES + update.len()).sum();
        let mut mutation = Vec::with_capacity(MUTATION_BYTES + self.key.len() + bytes);
        encode_mutation(&mut mutation, self.key, updates);
        mutation
    }

    fn write(
        &self,
        state: &State,
        cells: &mut [(ColumnId, Option<&[u8]>)],
        to_log: bool,
    ) -> Result<LogPosition, StepError> {
        let update = self.update(state, cells);
        let mutation = self.mutation(&[(columns().table.id, &update)]);
        self.shared.engine.apply(&mutation, to_log).map_err(|error| write_failed(&error))
    }

    /// A ballot is to be promised. Without `to_log` a crash forgets the promise: where nobody rests on it but who crashes, too.
    pub(crate) fn prepare(&self, to_log: bool) -> Result<Step, StepError> {
        let _alone = self.lock();
        let state = self.state(true)?;
        let latest = state.latest();
        if !self.ballot.may_follow(latest) {
            return Ok((Answer::Refused(latest), None));
        }
        let ballot = self.ballot.to_uuid();
        let position = self.write(&state, &mut [(columns().promised, Some(ballot.as_bytes()))], to_log)?;
        let accepted = state.accepted.as_deref().filter(|_| state.accepted_at > state.decided_at);
        let accepted = taken(state.accepted_at, accepted)?;
        let decided = taken(state.decided_at, state.decided.as_deref())?;
        Ok((Answer::Promised { accepted, decided }, to_log.then_some(position)))
    }

    /// A value is to be accepted.
    pub(crate) fn accept(&self, value: &Value) -> Result<Step, StepError> {
        let _alone = self.lock();
        let state = self.state(false)?;
        let latest = state.latest();
        if !self.ballot.may_follow(latest) {
            return Ok((Answer::Refused(latest), None));
        }
        let (ballot, value) = (self.ballot.to_uuid(), value.encode());
        let mut cells = [
            (columns().promised, Some(ballot.as_bytes().as_slice())),
            (columns().accepted_at, Some(ballot.as_bytes().as_slice())),
            (columns().accepted, Some(value.as_slice())),
        ];
        let position = self.write(&state, &mut cells, true)?;
        Ok((Answer::Accepted, Some(position)))
    }

    /// Applies what is decided. A table with views is read before: that is not waited for here either.
    fn apply(&self, mutation: &[u8], to_log: bool) -> Result<LogPosition, StepError> {
        match self.shared.engine.apply(mutation, to_log) {
            Err(WriteError::HasViews) => {}
            applied => return applied.map_err(|error| write_failed(&error)),
        }
        let mode = ReadMode { may_block: false, ..ReadMode::UNBOUNDED };
        match self.shared.apply_viewed(mutation, to_log, self.now, mode) {
            Ok(position) => Ok(position),
            Err(ViewWriteError::Write(error)) => Err(write_failed(&error)),
            Err(ViewWriteError::Read(ReadError::WouldBlock)) => {
                let reads = self.shared.engine.reads_of_views(mutation, self.now.seconds());
                let read = reads.into_iter().next();
                read.map_or_else(
                    || Err(StepError::Failed(FailureReason::Unknown.code())),
                    |read| Err(StepError::Blocked(Box::new(read))),
                )
            }
            Err(ViewWriteError::Read(error)) => Err(failed("committed", &error)),
        }
    }

    /// A value is decided: its mutation is applied, and the register knows. `durable`: the table's writes go to the log.
    pub(crate) fn commit(&self, value: &ValueRef<'_>, durable: bool) -> Result<LogPosition, StepError> {
        let _alone = self.lock();
        let state = self.state(false)?;
        let (engine, table) = (&self.shared.engine, self.table.id);
        let ballot = self.ballot.to_uuid();
        let mut updates = Vec::new();
        let truncated = engine.truncated_at(table).is_some_and(|micros| value.origin.micros <= micros);
        if !value.mutation.is_empty() && !truncated {
            updates.extend(MutationRef::new(value.mutation).updates());
        }
        let update;
        if self.ballot > state.decided_at {
            let mut cells = vec![
                (columns().decided_at, Some(ballot.as_bytes().as_slice())),
                (columns().decided, Some(value.bytes)),
            ];
            if state.accepted.is_some() && state.accepted_at <= self.ballot {
                cells.extend([(columns().accepted_at, None), (columns().accepted, None)]);
            }
            update = self.update(&state, &mut cells);
            let apart = !durable || value.bytes.len() > TOGETHER_BYTES_MAX;
            if apart && !updates.is_empty() {
                let mutation = self.mutation(&std::mem::take(&mut updates));
                self.apply(&mutation, durable)?;
            }
            updates.push((columns().table.id, &update));
        }
        if updates.is_empty() {
            return Ok(engine.log_synced_position());
        }
        // One record, or the data before: the register never knows of a decision whose data is not there.
        let mutation = self.mutation(&updates);
        let to_log = durable || updates.last().is_some_and(|(id, _)| *id == columns().table.id);
        self.apply(&mutation, to_log)
    }
}
