//! SELECT: one bounded read after the other, each from as many replicas as the level asks for, until the page is full.

use std::sync::Arc;

use helenus_cql_protocol::limits::RESPONSE_BODY_SIZE_MAX;
use helenus_cql_protocol::request::QueryParams;
use helenus_cql_protocol::response::{ErrorResponse, FailureReason};
use helenus_engine::cursor::ReadMode;
use helenus_engine::error::ReadError;
use helenus_model::consistency::Consistency;
use helenus_model::read::{ReadCommand, ReadLimits, ReadScope};
use helenus_query::error::QueryError;
use helenus_query::prepare::Statement;
use helenus_query::select::{PageRequest, SelectExecution, SelectPlan};
use helenus_query::sink::RowSink;
use helenus_query::system_tables;
use helenus_query::values::BoundValues;

use super::client::{Asker, Handled, Reply, ReplyColumns, RowsReply};
use super::lists::ListWrite;
use super::operation::{Kind, Operation};
use super::read::ReadWait;
use super::statement::PreparedStatement;
use super::{Coordinator, SlotId, errors};
use crate::answer::{Answer, Fed, feed};
use crate::scan;
use crate::task::{Task, TaskReply};

/// A SELECT under way.
#[derive(Debug)]
pub(super) struct SelectWait {
    pub(super) statement: Arc<PreparedStatement>,
    execution: SelectExecution,
    rows: Vec<u8>,
    count: u32,
    pub(super) level: Consistency,
    /// SERIAL or LOCAL_SERIAL, when that was asked for; `level` is the quorum that is read at then.
    pub(super) serial: Option<Consistency>,
    /// What was proposed for the partition of the present command is decided.
    settled: bool,
    skip_metadata: bool,
    metadata_changed: bool,
    pub(super) is_range: bool,
    pub(super) warnings: Vec<String>,
    /// The read being waited for.
    pub(super) read: ReadWait,
    /// The rows are for this write, not for the client.
    pub(super) then: Option<Box<ListWrite>>,
}

/// Encodes rows as RESULT has them, as far as a response holds them.
pub(crate) struct EncodedRows<'o> {
    rows: &'o mut Vec<u8>,
    count: &'o mut u32,
    bytes_max: usize,
    is_over: bool,
}

impl<'o> EncodedRows<'o> {
    /// Appends to the rows of a response.
    #[inline]
    pub(crate) fn new(rows: &'o mut Vec<u8>, count: &'o mut u32) -> Self {
        EncodedRows { rows, count, bytes_max: RESPONSE_BODY_SIZE_MAX as usize, is_over: false }
    }

    /// The same for rows that cannot have more than their statement or the metadata.
    pub(crate) fn whole(rows: &'o mut Vec<u8>, count: &'o mut u32) -> Self {
        EncodedRows { bytes_max: usize::MAX, ..EncodedRows::new(rows, count) }
    }

    /// True when so many bytes more are within the limit; else nothing is taken any more.
    #[inline]
    fn has_room(&mut self, bytes: usize) -> bool {
        self.is_over |= bytes > self.bytes_max.saturating_sub(self.rows.len());
        !self.is_over
    }
}

impl RowSink for EncodedRows<'_> {
    #[inline]
    fn value(&mut self, value: Option<&[u8]>) {
        if self.has_room(4 + value.map_or(0, <[u8]>::len)) {
            put_value(self.rows, value);
        }
    }

    #[inline]
    fn refusal(&self) -> Option<QueryError> {
        self.is_over.then(|| {
            let most = self.bytes_max;
            QueryError::Server(format!("Response exceeds the maximum of {most} bytes of a frame"))
        })
    }

    #[inline]
    fn end_row(&mut self) {
        *self.count += 1;
    }

    #[inline]
    fn row(&mut self, values: &[Option<&[u8]>]) {
        // Room for all at once, so that no value asks for it.
        let bytes = values.iter().map(|value| 4 + value.map_or(0, <[u8]>::len)).sum();
        if !self.has_room(bytes) {
            return;
        }
        self.rows.reserve(bytes);
        for value in values {
            put_value(self.rows, *value);
        }
        self.end_row();
    }
}

/// Appends a value with its length before it.
#[inline(always)]
fn put_value(rows: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        None => rows.extend_from_slice(&(-1_i32).to_be_bytes()),
        // Most values are numbers: their bytes need no loop.
        Some(&[a, b, c, d, e, f, g, h]) => rows.extend_from_slice(&[0, 0, 0, 8, a, b, c, d, e, f, g, h]),
        Some(value) => {
            rows.extend_from_slice(&(value.len() as i32).to_be_bytes());
            rows.extend_from_slice(value);
        }
    }
}

/// What became of one read command, or of all of them.
pub(super) enum Step {
    /// Its rows are consumed.
    Done,
    /// It has to wait: where for is in the operation's `read`.
    Wait,
    /// At SERIAL: what was proposed for this partition is to be decided before it is read.
    Settle(Box<[u8]>),
    Failed(helenus_cql_protocol::response::ErrorResponse),
}

impl SelectWait {
    /// A read that has not begun, without anything for its RESULT.
    pub(super) fn new(statement: Arc<PreparedStatement>, execution: SelectExecution, level: Consistency) -> Self {
        SelectWait {
            statement,
            is_range: execution.is_range(),
            execution,
            rows: Vec::new(),
            count: 0,
            level,
            skip_metadata: false,
            metadata_changed: false,
            warnings: Vec::new(),
            read: ReadWait::default(),
            then: None,
            serial: None,
            settled: false,
        }
    }

    /// The rows as RESULT has them.
    pub(super) fn into_rows(self) -> Result<Vec<u8>, helenus_query::error::QueryError> {
        let SelectWait { execution, mut rows, mut count, .. } = self;
        execution.finish(&mut EncodedRows::new(&mut rows, &mut count))?;
        Ok(rows)
    }

    /// The command under way, for replicas: with what their answers may have.
    fn command_for_replicas(&self, bytes: u32) -> Option<ReadCommand> {
        let command = self.execution.command()?.clone();
        Some(ReadCommand { limits: ReadLimits { bytes, ..command.limits }, ..command })
    }

    /// Gives an answer to the execution.
    pub(super) fn consume<'a>(&mut self, answer: &'a [u8]) -> Fed<'a> {
        let mut sink = EncodedRows::new(&mut self.rows, &mut self.count);
        let mut consumer = self.execution.consumer(&mut sink);
        let fed = feed(Answer::new(answer), &mut consumer);
        if let Fed::Short(end) = fed {
            self.execution.answer_ended(end.key, end.row);
        }
        fed
    }

    fn command_done(&mut self) -> Result<(), helenus_query::error::QueryError> {
        let mut sink = EncodedRows::new(&mut self.rows, &mut self.count);
        self.execution.command_done(&mut sink)
    }
}

/// The answer of a SELECT that failed: its warnings go with the error.
fn failed(statement: &PreparedStatement, mut warnings: Vec<String>, error: ErrorResponse) -> Handled {
    if let Statement::Select(plan) = &statement.prepared.statement {
        warnings.extend_from_slice(plan.warnings());
    }
    Handled::Reply(Reply::Error(error), warnings)
}

impl Coordinator {
    /// Starts a SELECT.
    pub(super) fn select(
        &mut self,
        asker: Asker,
        statement: &Arc<PreparedStatement>,
        plan: &Arc<SelectPlan>,
        values: &dyn BoundValues,
        params: &QueryParams<'_>,
        metadata_changed: bool,
    ) -> Handled {
        let size = params.page_size.and_then(|size| u32::try_from(size).ok()).filter(|size| *size > 0);
        let options = self.execute_options(params);
        let execution = match plan.start(values, &options, PageRequest { size, state: params.paging_state }) {
            Ok(execution) => execution,
            // A function of constants failed: what is read is known already, and warned of.
            Err(error @ QueryError::FunctionFailure { .. }) => {
                return failed(statement, Vec::new(), errors::query_error(error));
            }
            Err(error) => return errors::query_error(error).into(),
        };
        let mut select = SelectWait {
            rows: std::mem::take(&mut self.scratch.rows),
            skip_metadata: params.skip_metadata && !metadata_changed,
            metadata_changed,
            warnings: statement.prepared.warnings.clone(),
            ..SelectWait::new(Arc::clone(statement), execution, params.consistency)
        };
        if select.level.is_serial() && self.view.keyspace(plan.keyspace()).is_some() {
            // Cassandra reads partition by partition when it pages, all at once when not.
            if size.is_none() && !select.is_range && !select.execution.reads_one_partition() {
                return errors::invalid(
                    "SERIAL/LOCAL_SERIAL consistency may only be requested for one partition at a time",
                )
                .into();
            }
            select.serial = Some(select.level);
            select.level = match select.level {
                Consistency::LocalSerial => Consistency::LocalQuorum,
                _ => Consistency::Quorum,
            };
        }
        self.drive_select(asker, select, plan)
    }

    /// Goes on with a SELECT at SERIAL.
    pub(super) fn settled_select(&mut self, asker: Asker, mut select: SelectWait) -> Handled {
        match &select.statement.prepared.statement {
            helenus_query::prepare::Statement::Select(plan) => {
                select.settled = true;
                let plan = Arc::clone(plan);
                self.drive_select(asker, select, &plan)
            }
            _ => errors::server("the statement is no SELECT").into(),
        }
    }

    /// Runs a SELECT as far as it goes without waiting.
    #[inline]
    fn drive_select(&mut self, asker: Asker, mut select: SelectWait, plan: &Arc<SelectPlan>) -> Handled {
        match self.advance_select(&mut select, plan) {
            Step::Done => self.finish_select(asker, select),
            Step::Failed(error) => failed(&select.statement, select.warnings, error),
            Step::Settle(key) => self.settle_before(asker, select, plan, key),
            Step::Wait => self.await_select(asker, select),
        }
    }

    /// Reads on until all is read or something has to be waited for.
    #[inline]
    pub(super) fn advance_select(&mut self, select: &mut SelectWait, plan: &SelectPlan) -> Step {
        while let Some(command) = select.execution.command() {
            if select.serial.is_some()
                && !select.settled
                && let ReadScope::Partition { key } = &command.scope
            {
                return Step::Settle(key.clone());
            }
            // The fast way needs no copy of the command.
            let step = match self.local_source(plan, command, select.level) {
                Source::Generated => self.read_generated(plan, select),
                Source::Stored => self.read_here(plan, select),
                Source::Replicas => self.read_replicas(plan, select),
            };
            match step {
                Step::Done => {
                    select.settled = false;
                    if let Err(error) = select.command_done() {
                        return Step::Failed(errors::query_error(error));
                    }
                }
                step => return step,
            }
        }
        Step::Done
    }

    /// Sends the reads that are to be waited for.
    pub(super) fn await_select(&mut self, asker: Asker, select: SelectWait) -> Handled {
        let timeout = match select.is_range {
            true => self.shared.config.range_timeout_millis,
            false => self.shared.config.read_timeout_millis,
        };
        let deadline = self.deadline(timeout);
        let id = self.begin(Operation::new(Some(asker), deadline, Kind::Select(Box::new(select))));
        self.send_reads(id);
        Handled::Later
    }

    /// Goes on with a SELECT whose read was answered and consumed.
    pub(super) fn resume_select(&mut self, id: SlotId) {
        let Some(operation) = self.end(id) else { return };
        let (Some(asker), Kind::Select(select)) = (operation.asker, operation.kind) else { return };
        let mut select = *select;
        let plan = Arc::clone(select.execution.plan());
        select.read = ReadWait::default();
        select.settled = false;
        let handled = match select.command_done() {
            Ok(()) => self.drive_select(asker, select, &plan),
            Err(error) => failed(&select.statement, select.warnings, errors::query_error(error)),
        };
        if let Handled::Reply(reply, warnings) = handled {
            self.respond(asker, reply, warnings);
        }
    }

    #[inline]
    fn finish_select(&mut self, asker: Asker, mut select: SelectWait) -> Handled {
        if let Some(write) = select.then.take() {
            return self.lists_read(asker, select, write);
        }
        let SelectWait {
            statement, execution, mut rows, mut count, skip_metadata, metadata_changed, mut warnings, ..
        } = select;
        let end = execution.finish(&mut EncodedRows::new(&mut rows, &mut count));
        match end {
            Ok(end) => {
                warnings.extend(end.warnings);
                self.count_read(asker.began, select.is_range);
                self.note_slow(asker.began, &statement);
                let paging_state = end.paging_state;
                let columns = ReplyColumns::Statement(statement);
                let rows = RowsReply { columns, rows, count, paging_state, skip_metadata, metadata_changed };
                Handled::Reply(Reply::Rows(Box::new(rows)), warnings)
            }
            Err(error) => failed(&statement, warnings, errors::query_error(error)),
        }
    }

    /// Where a command's data is.
    #[inline]
    fn local_source(&self, plan: &SelectPlan, command: &ReadCommand, level: Consistency) -> Source {
        if let Some(keyspace) = self.view.keyspace(plan.keyspace()) {
            return match self.is_local_read(keyspace, command, level) {
                true => Source::Stored,
                false => Source::Replicas,
            };
        }
        if system_tables::is_stored(plan.table()) { Source::Stored } else { Source::Generated }
    }

    fn read_generated(&mut self, plan: &SelectPlan, select: &mut SelectWait) -> Step {
        let source = crate::system::LiveSystem::new(&self.shared, &self.view);
        let mut sink = EncodedRows::new(&mut select.rows, &mut select.count);
        let Some((command, mut consumer)) = select.execution.command_and_consumer(&mut sink) else { return Step::Done };
        match system_tables::read(plan.table(), command, &source, &mut consumer) {
            Ok(()) => Step::Done,
            Err(error) => Step::Failed(errors::query_error(error)),
        }
    }

    /// Reads this node's own data on the spot, or hands the read to where waiting is allowed.
    #[inline]
    fn read_here(&mut self, plan: &SelectPlan, select: &mut SelectWait) -> Step {
        let mark = (select.rows.len(), select.count);
        let mode = ReadMode { may_block: false, rows_budget: u64::from(self.shared.config.inline_rows_max) };
        let mut sink = EncodedRows::new(&mut select.rows, &mut select.count);
        let Some((command, mut consumer)) = select.execution.command_and_consumer(&mut sink) else { return Step::Done };
        let read = match scan::read(&self.shared, plan.table(), command, mode, &mut consumer) {
            // It has seen what a power cut would take back: the way that can wait for the device.
            Ok(_) if self.shared.engine.unsynced_position(command).is_some() => Err(ReadError::WouldBlock),
            read => read,
        };
        match read {
            Ok(scanned) => {
                if scanned.tombstones > self.shared.config.tombstone_warn
                    && let Some(command) = select.execution.command()
                {
                    select.warnings.extend(scanned.warning(&self.shared, plan.table(), command));
                }
                Step::Done
            }
            Err(ReadError::WouldBlock | ReadError::OverBudget) => {
                let bytes = self.shared.config.answer_bytes_max;
                let Some(command) = select.command_for_replicas(bytes) else { return Step::Done };
                select.execution.restart_command();
                select.rows.truncate(mark.0);
                select.count = mark.1;
                select.read = ReadWait::here(command);
                Step::Wait
            }
            Err(error) => Step::Failed(self.local_read_error(select.level, &error)),
        }
    }

    /// The error of a read that only this node was asked for.
    pub(super) fn local_read_error(
        &self,
        level: Consistency,
        error: &ReadError,
    ) -> helenus_cql_protocol::response::ErrorResponse {
        tracing::error!(%error, "a read failed here");
        self.count_failure(&self.shared.stats.reads.failures);
        let reason = FailureReason::from_code(errors::read_reason(error));
        errors::read_failure(level, 0, 1, false, vec![(self.shared.config.internode, reason)])
    }

    fn read_replicas(&mut self, plan: &SelectPlan, select: &mut SelectWait) -> Step {
        let bytes = self.shared.config.answer_bytes_max;
        let Some(command) = select.command_for_replicas(bytes) else { return Step::Done };
        match self.plan_read(plan.keyspace(), command, select.level) {
            Ok(read) => {
                select.read = read;
                Step::Wait
            }
            Err(error) => Step::Failed(error),
        }
    }

    /// A read of this node's own that is run elsewhere.
    pub(super) fn read_task(&mut self, command: &ReadCommand, id: SlotId, part: u32) {
        let reply = TaskReply::Operation(id, part);
        self.tasks.push(Task::Read { command: Box::new(command.clone()), reply });
    }
}

enum Source {
    /// Made from live state.
    Generated,
    /// In this node's engine, and no other node has to be asked.
    Stored,
    /// On replicas.
    Replicas,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_end_where_a_response_does() {
        let (mut rows, mut count) = (Vec::new(), 0);
        let mut sink = EncodedRows { bytes_max: 20, ..EncodedRows::new(&mut rows, &mut count) };
        sink.row(&[Some(b"abcd"), None]);
        sink.value(Some(b"efgh"));
        assert_eq!(sink.refusal(), None, "as many as may be");
        sink.value(Some(b""));
        assert!(matches!(sink.refusal(), Some(QueryError::Server(_))));
        sink.row(&[Some(b"")]);
        assert_eq!(rows.len(), 20);
        let mut sink = EncodedRows { bytes_max: 20, ..EncodedRows::new(&mut rows, &mut count) };
        sink.row(&[None]);
        assert!(sink.refusal().is_some());
        assert_eq!(rows.len(), 20);
    }
}
