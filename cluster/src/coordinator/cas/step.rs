//! The steps of this node's own registers, for its coordinators and for those of other nodes. A step whose register is not in memory
//! waits for a task that reads it, and is tried again.

use helenus_cql_protocol::response::FailureReason;
use helenus_engine::log::LogPosition;
use helenus_model::codec::{DecodeError, Reader};
use helenus_model::read::ReadCommand;
use helenus_model::schema::Table;

use super::{BlockedStep, Decision, Phase, ReadyStep};
use crate::cas::ballot::Ballot;
use crate::cas::register::{RegisterStep, Step, StepError};
use crate::cas::wire::{Answer, Value, ValueRef, read_register};
use crate::config::SyncMode;
use crate::coordinator::operation::Kind;
use crate::coordinator::{AwaitingSync, Coordinator, LinkId, SlotId};
use crate::message::{Message, Outcome};
use crate::task::{Task, TaskReply};

impl Coordinator {
    fn register_step<'a>(&'a self, table: &'a Table, key: &'a [u8], ballot: Ballot) -> RegisterStep<'a> {
        RegisterStep { shared: &self.shared, table, key, ballot, now: self.now }
    }

    /// This node's own part of a phase.
    pub(super) fn own_register_step(&mut self, id: SlotId, part: u32) {
        let Some(operation) = self.operations.take(id) else { return };
        let Kind::Cas(wait) = &operation.kind else { return self.operations.put_back(id, operation) };
        if part < wait.first {
            // Of an earlier phase: it waited for its register too long.
            return self.operations.put_back(id, operation);
        }
        let step = self.register_step(&wait.table, &wait.key, wait.ballot);
        let done = match &wait.phase {
            // The promise of an only register is lost with the one who rests on it.
            Phase::Prepare => Some(step.prepare(!wait.is_alone())),
            Phase::Propose(value, _) => Some(step.accept(value)),
            _ => None,
        };
        self.operations.put_back(id, operation);
        match done {
            None => {}
            Some(Ok((answer, None))) => self.cas_answered(id, part, answer),
            Some(Ok((answer, Some(position)))) => {
                self.log_dirty = true;
                self.await_sync(position, AwaitingSync::OwnRegister(id, part, Box::new(answer)));
            }
            Some(Err(StepError::Failed(reason))) => self.cas_answered(id, part, Answer::Failed(reason)),
            Some(Err(StepError::Blocked(command))) => self.block(BlockedStep::Own(id, part), command),
        }
    }

    /// The register is read elsewhere, then the step is tried again.
    fn block(&mut self, step: BlockedStep, command: Box<ReadCommand>) {
        self.cas.blocked_count += 1;
        let number = self.cas.blocked_count;
        self.cas.blocked.insert(number, step);
        self.tasks.push(Task::Read { command, reply: TaskReply::Register(number) });
    }

    /// A register was read. If that failed, the step tells so itself.
    pub(in crate::coordinator) fn register_read(&mut self, number: u64) {
        match self.cas.blocked.remove(&number) {
            None => {}
            Some(BlockedStep::Peer(link, bytes)) => {
                if let Ok((id, message)) = Message::decode(&mut Reader::new(&bytes)) {
                    self.peer_request(link, id, message);
                }
            }
            Some(BlockedStep::Own(id, part)) => match self.operations.get_mut(id).map(|operation| &operation.kind) {
                Some(Kind::Cas(_)) => self.cas.ready.push_back(ReadyStep::Local(id, part)),
                Some(Kind::Write(_)) => self.commit_here(id, part),
                _ => {}
            },
        }
    }

    fn commit(&self, decision: &Decision) -> Result<(LogPosition, bool), StepError> {
        let Decision { table, ballot, message } = decision;
        let durable = self.is_durable(table.id);
        let (_, key, value) = read_register(message).map_err(undecodable)?;
        let value = ValueRef::decode(value).map_err(undecodable)?;
        let position = self.register_step(table, key, *ballot).commit(&value, durable)?;
        Ok((position, self.shared.config.sync_mode == SyncMode::Synced))
    }

    /// This node's own part of a commit.
    pub(in crate::coordinator) fn commit_here(&mut self, id: SlotId, part: u32) {
        let Some(operation) = self.operations.take(id) else { return };
        let decision = match &operation.kind {
            Kind::Write(wait) => wait.decision.as_deref(),
            _ => None,
        };
        let committed = decision.map(|decision| self.commit(decision));
        self.operations.put_back(id, operation);
        match committed {
            None => {}
            Some(Ok((position, waits))) => {
                self.log_dirty = true;
                match waits {
                    true => self.await_sync(position, AwaitingSync::Operation(id, part)),
                    false => self.local_write_done(id, part),
                }
            }
            Some(Err(StepError::Blocked(command))) => self.block(BlockedStep::Own(id, part), command),
            Some(Err(StepError::Failed(reason))) => self.part_failed(id, part, reason),
        }
    }

    /// This node itself lacks the latest decision.
    pub(super) fn learn_here(&mut self, id: SlotId, part: u32, decision: &Decision) {
        match self.commit(decision) {
            Ok(_) => {
                // What rests on it waits for the device by itself: the next promise or acceptance stands behind it in the log.
                self.log_dirty = true;
                self.cas_acknowledged(id, part, Outcome::Done);
            }
            // The next round finds the register in memory.
            Err(StepError::Blocked(command)) => {
                self.tasks.push(Task::Read { command, reply: TaskReply::Register(0) });
                self.cas_acknowledged(id, part, Outcome::Failed(FailureReason::NodeDown.code()));
            }
            Err(StepError::Failed(reason)) => self.cas_acknowledged(id, part, Outcome::Failed(reason)),
        }
    }

    /// Another node's coordinator wants a step of a register here.
    pub(in crate::coordinator) fn peer_register_step(&mut self, link: LinkId, id: u64, message: &Message<'_>) {
        match self.try_peer_step(message) {
            Ok(PeerStep::Answered((answer, position))) => {
                let mut bytes = Vec::new();
                answer.encode(&mut bytes);
                match position {
                    None => self.answer(link, id, &Message::CasAnswer(&bytes)),
                    Some(position) => {
                        self.log_dirty = true;
                        self.await_sync(position, AwaitingSync::PeerRegister(link, id, bytes));
                    }
                }
            }
            Ok(PeerStep::Committed(position, waits)) => {
                self.log_dirty = true;
                match waits {
                    true => self.await_sync(position, AwaitingSync::Link(link, id)),
                    false => self.answer(link, id, &Message::Ack(Outcome::Done)),
                }
            }
            Err(StepError::Blocked(command)) => {
                let mut bytes = Vec::new();
                message.encode(id, &mut bytes);
                self.block(BlockedStep::Peer(link, bytes), command);
            }
            Err(StepError::Failed(reason)) if matches!(message, Message::CasCommit { .. }) => {
                self.answer(link, id, &Message::Ack(Outcome::Failed(reason)));
            }
            Err(StepError::Failed(reason)) => {
                let mut bytes = Vec::new();
                Answer::Failed(reason).encode(&mut bytes);
                self.answer(link, id, &Message::CasAnswer(&bytes));
            }
        }
    }

    fn try_peer_step(&self, message: &Message<'_>) -> Result<PeerStep, StepError> {
        let (ballot, body) = match message {
            Message::CasPrepare { ballot, register: body, .. }
            | Message::CasPropose { ballot, proposal: body, .. }
            | Message::CasCommit { ballot, decision: body, .. } => (Ballot::from_uuid(*ballot), *body),
            _ => return Err(StepError::Failed(FailureReason::Unknown.code())),
        };
        let (table, key, value) = read_register(body).map_err(undecodable)?;
        let Some(table) = self.view.schema().table_by_id(table) else {
            return Err(StepError::Failed(FailureReason::IncompatibleSchema.code()));
        };
        let step = self.register_step(table, key, ballot);
        match message {
            Message::CasPrepare { .. } => step.prepare(true).map(PeerStep::Answered),
            Message::CasPropose { .. } => {
                step.accept(&Value::decode(value).map_err(undecodable)?).map(PeerStep::Answered)
            }
            _ => {
                let value = ValueRef::decode(value).map_err(undecodable)?;
                let position = step.commit(&value, self.is_durable(table.id))?;
                Ok(PeerStep::Committed(position, self.shared.config.sync_mode == SyncMode::Synced))
            }
        }
    }
}

/// A step done for another node.
enum PeerStep {
    Answered(Step),
    /// Where in the log it stands, and whether the acknowledgement waits for the device.
    Committed(LogPosition, bool),
}

fn undecodable(error: DecodeError) -> StepError {
    tracing::error!(%error, "a step of a register cannot be decoded");
    StepError::Failed(FailureReason::Unknown.code())
}
