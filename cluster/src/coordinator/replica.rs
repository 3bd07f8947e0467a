//! What this node does for other nodes' coordinators.

use helenus_cql_protocol::response::FailureReason;
use helenus_engine::cursor::ReadMode;
use helenus_engine::error::{ReadError, WriteError};
use helenus_engine::log::LogPosition;
use helenus_model::codec::Reader;
use helenus_model::mutation::MutationRef;
use helenus_model::read::ReadCommand;
use uuid::Uuid;

use super::{AwaitingSync, Coordinator, LinkId, errors};
use crate::answer::{Answer, AnswerWriter, digest};
use crate::config::SyncMode;
use crate::message::{Message, Outcome};
use crate::scan::{self, Scanned};
use crate::task::{Task, TaskReply};

impl Coordinator {
    /// Another node's coordinator wants something.
    pub(super) fn peer_request(&mut self, link: LinkId, id: u64, message: Message<'_>) {
        if let Message::Write { schema_epoch, .. }
        | Message::Read { schema_epoch, .. }
        | Message::Count { schema_epoch, .. }
        | Message::CasPrepare { schema_epoch, .. }
        | Message::CasPropose { schema_epoch, .. }
        | Message::CasCommit { schema_epoch, .. }
        | Message::BatchStore { schema_epoch, .. } = message
            && schema_epoch > self.view.schema().epoch
        {
            return self.defer(link, id, &message);
        }
        match message {
            Message::Write { mutation, .. } => self.replica_write(link, id, mutation),
            Message::Count { level, increments, .. } => self.replica_count(link, id, level, increments),
            Message::Read { digest, command, .. } => self.replica_read(link, id, digest, command),
            Message::BatchStore { batch, mutations, .. } => match self.store_batch(batch, mutations) {
                Ok(position) => self.acknowledge_durable(link, id, position),
                Err(reason) => self.acknowledge(link, id, Outcome::Failed(reason)),
            },
            Message::BatchRemove { batch } => self.remove_batch(batch),
            Message::CasPrepare { .. } | Message::CasPropose { .. } | Message::CasCommit { .. } => {
                self.peer_register_step(link, id, &message);
            }
            Message::Truncate { table, .. } => self.replica_truncate(link, id, table),
            other => tracing::warn!(?other, "an answer came where requests belong"),
        }
    }

    pub(super) fn acknowledge(&mut self, link: LinkId, id: u64, outcome: Outcome) {
        self.answer(link, id, &Message::Ack(outcome));
    }

    /// Acknowledges what is in the log: at once, or when it is on the device (batch and group mode).
    pub(super) fn acknowledge_durable(&mut self, link: LinkId, id: u64, position: LogPosition) {
        if self.shared.config.sync_mode == SyncMode::Synced {
            self.unsynced.push_back((position, AwaitingSync::Link(link, id)));
        } else {
            self.acknowledge(link, id, Outcome::Done);
        }
    }

    fn replica_write(&mut self, link: LinkId, id: u64, bytes: &[u8]) {
        let mutation = match MutationRef::validate(bytes) {
            Ok(mutation) => mutation,
            Err(error) => {
                tracing::error!(%error, "a peer's mutation cannot be decoded");
                return self.acknowledge(link, id, Outcome::Failed(FailureReason::Unknown.code()));
            }
        };
        let durable = mutation.updates().next().is_none_or(|(table, _)| self.is_durable(table));
        match self.shared.engine.apply(bytes, durable) {
            Ok(position) => {
                self.log_dirty = true;
                if durable {
                    self.acknowledge_durable(link, id, position);
                } else {
                    self.acknowledge(link, id, Outcome::Done);
                }
            }
            Err(WriteError::HasViews) => self.apply_viewed_for_peer(link, id, bytes, durable),
            Err(error) => {
                tracing::warn!(%error, "a peer's write failed here");
                self.acknowledge(link, id, Outcome::Failed(errors::write_reason(&error)));
            }
        }
    }

    /// Whether writes to this table go to the log.
    pub(super) fn is_durable(&self, table: Uuid) -> bool {
        let table = self.view.schema().table_by_id(table);
        table.and_then(|table| self.view.keyspace(&table.keyspace)).is_none_or(|keyspace| keyspace.durable_writes)
    }

    fn replica_read(&mut self, link: LinkId, id: u64, wants_digest: bool, bytes: &[u8]) {
        let command = match ReadCommand::decode(&mut Reader::new(bytes)) {
            Ok(command) => command,
            Err(error) => {
                tracing::error!(%error, "a peer's read cannot be decoded");
                return self.answer(link, id, &Message::ReadFailed(FailureReason::Unknown.code()));
            }
        };
        let mut answer = Vec::new();
        let mode = ReadMode { may_block: false, rows_budget: u64::from(self.shared.config.inline_rows_max) };
        let mut writer = AnswerWriter::of_read(&mut answer, &command);
        let scanned = self.shared.table(command.table);
        match scanned.and_then(|table| scan::read(&self.shared, &table, &command, mode, &mut writer)) {
            Ok(scanned) => {
                writer.finish();
                self.replica_read_done(link, id, wants_digest, &command, Ok((answer, scanned)));
            }
            Err(ReadError::WouldBlock | ReadError::OverBudget) => {
                let reply = TaskReply::Link { link, id, digest: wants_digest };
                self.tasks.push(Task::Read { command: Box::new(command), reply });
            }
            Err(error) => self.replica_read_done(link, id, wants_digest, &command, Err(error)),
        }
    }

    /// A peer's read has an answer.
    pub(super) fn replica_read_done(
        &mut self,
        link: LinkId,
        id: u64,
        wants_digest: bool,
        command: &ReadCommand,
        answer: Result<(Vec<u8>, Scanned), ReadError>,
    ) {
        // The warning is logged here; as in Cassandra it does not travel (`read_thresholds_enabled` is off there).
        let answer = answer.map(|(answer, scanned)| {
            let _logged = self.scan_warning(scanned, command);
            answer
        });
        let unsynced = self.shared.engine.unsynced_position(command);
        match answer {
            Ok(answer) if wants_digest => {
                let gc_before = self.gc_before(command);
                let digest = digest(Answer::new(&answer), command.now, gc_before, &mut self.scratch.digest);
                match unsynced {
                    None => self.answer(link, id, &Message::Digest(digest)),
                    Some(position) => self.await_sync(position, AwaitingSync::PeerDigest(link, id, digest)),
                }
            }
            Ok(answer) => match unsynced {
                None => self.answer(link, id, &Message::Data(&answer)),
                Some(position) => self.await_sync(position, AwaitingSync::PeerRead(link, id, answer)),
            },
            Err(error) => {
                tracing::warn!(%error, "a peer's read failed here");
                self.answer(link, id, &Message::ReadFailed(errors::read_reason(&error)));
            }
        }
    }

    fn replica_truncate(&mut self, link: LinkId, id: u64, table: Uuid) {
        let outcome = match self.shared.engine.truncate(table, self.now) {
            Ok(()) => Outcome::Done,
            Err(error) => {
                tracing::error!(%error, "a table cannot be truncated here");
                Outcome::Failed(FailureReason::Unknown.code())
            }
        };
        self.acknowledge(link, id, outcome);
    }
}
