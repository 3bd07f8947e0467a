//! Counters. One replica of a partition leads each write to it:
//!
//! 1. The coordinator leads when it is a replica; else it sends the increments to one that is, of its own data centre where there is
//!    one ([`Message::Count`]).
//! 2. The leader turns the increments into what it has counted in all, and applies that ([`Engine::count`]): here if all that is to be
//!    read is in memory and nobody else counts near by, else on the pool of threads.
//! 3. When that lasts, the same bytes go to the other replicas as any write does, hints included.
//! 4. The client's level is counted by the leader, whose answer is the one to the increments.
//!
//! Only step 1 carries increments, and it is taken once: nothing of it is ever tried again. When its answer does not come in time
//! nobody knows whether they were counted, and the client is told so: a write timeout of type COUNTER, which it must not try again.
//!
//! [`Engine::count`]: helenus_engine::engine::Engine::count

use std::sync::Arc;

use helenus_cql_protocol::response::{ErrorKind, ErrorResponse, FailureReason, WriteType};
use helenus_engine::cursor::ReadMode;
use helenus_engine::engine::{CountError, CountedBy};
use helenus_engine::error::ReadError;
use helenus_engine::log::LogPosition;
use helenus_model::consistency::Consistency;
use helenus_model::mutation::MutationRef;
use helenus_model::token::Token;
use helenus_query::write::WriteBatch;

use super::client::{Asker, Handled, Reply};
use super::consistency::{Requirement, Tally};
use super::operation::{Kind, Operation};
use super::write::{Progress, Target, TargetState, Then, WriteWait};
use super::{AwaitingSync, Coordinator, LOCAL, LinkId, SlotId, errors};
use crate::config::SyncMode;
use crate::message::{Message, Outcome, WriteKind};
use crate::shared::Shared;
use crate::task::Task;
use crate::view::KeyspaceView;

/// Increments of one partition that this node leads.
#[derive(Debug)]
pub struct Increments {
    keyspace: Arc<str>,
    token: Token,
    bytes: Vec<u8>,
    level: Consistency,
    durable: bool,
    by: CountedBy,
    waiter: Waiter,
}

/// Who waits for the leader.
#[derive(Debug)]
pub(super) enum Waiter {
    /// A client of this coordinator.
    Client(Asker, Vec<String>),
    /// A client of this coordinator, kept in an operation meanwhile.
    Kept(SlotId),
    /// A part of an operation of this coordinator.
    Part(SlotId, u32),
    /// Another node's coordinator.
    Peer(LinkId, u64),
}

/// What came of counting: the mutation that was applied and where it stands in the log.
pub type Counted = Result<(Vec<u8>, LogPosition), CountError>;

impl Increments {
    /// Counts on this thread.
    pub(crate) fn count(&self, shared: &Shared, mode: ReadMode) -> Counted {
        let mut mutation = Vec::new();
        let position = shared.engine.count(&self.bytes, self.by, self.durable, mode, &mut mutation)?;
        Ok((mutation, position))
    }
}

/// Refuses the levels that counters do not know, as Cassandra does of single statements only.
pub(super) fn check_level(level: Consistency, table: &str) -> Result<(), ErrorResponse> {
    match level {
        Consistency::Any => {
            Err(errors::invalid(format!("Consistency level ANY is not yet supported for counter table {table}")))
        }
        Consistency::Serial | Consistency::LocalSerial => {
            Err(errors::invalid("Counter operations are inherently non-serializable"))
        }
        _ => Ok(()),
    }
}

impl Coordinator {
    /// Writes what the statements of a request do to counters.
    pub(super) fn write_counters(
        &mut self,
        asker: Asker,
        write: &WriteBatch,
        level: Consistency,
        warnings: Vec<String>,
    ) -> Handled {
        let mut leaders = Vec::new();
        for mutation in write.mutations() {
            match self.leader(mutation.keyspace(), mutation.key.token, level) {
                Ok(leader) => leaders.push(leader),
                Err(error) => return error.into(),
            }
        }
        let mut mutations = write.mutations();
        match (leaders.as_slice(), mutations.next()) {
            (_, None) => Handled::Reply(Reply::Void, warnings),
            ([LOCAL], Some(only)) => {
                let waiter = Waiter::Client(asker, warnings);
                let increments = self.increments(only.keyspace(), only.key.token, only.bytes.to_vec(), level, waiter);
                self.lead(increments)
            }
            _ => self.write_to_leaders(asker, write, &leaders, level, warnings),
        }
    }

    /// The replica that is to lead a write, after a check that the level can be met.
    fn leader(&mut self, keyspace: &str, token: Token, level: Consistency) -> Result<u16, ErrorResponse> {
        let view = Arc::clone(&self.view);
        let place = known_keyspace(&view, keyspace)?;
        let requirement = Requirement::new(level, &place.replication, &self.shared.config.datacenter);
        let replicas = place.placement.replicas(token);
        let own_datacenter = self.shared.config.datacenter.clone();
        if let Err(error) = requirement.check(&view, replicas, &own_datacenter, |node| self.is_alive(node)) {
            self.count_failure(&self.shared.stats.writes.unavailables);
            return Err(errors::unavailable(level, error));
        }
        let alive: Vec<u16> =
            replicas.iter().filter(|node| self.is_alive(**node)).map(|node| self.peer_of(*node)).collect();
        if alive.contains(&LOCAL) {
            return Ok(LOCAL);
        }
        let near = |peer: &&u16| self.peers[usize::from(**peer)].datacenter == own_datacenter;
        let mut choice: Vec<u16> = alive.iter().filter(near).copied().collect();
        let is_local = matches!(level, Consistency::LocalOne | Consistency::LocalQuorum);
        if choice.is_empty() && !is_local {
            choice = alive;
        }
        if choice.is_empty() {
            self.count_failure(&self.shared.stats.writes.unavailables);
            let required = requirement.block_for;
            return Err(errors::unavailable(level, super::consistency::Unavailable { required, alive: 0 }));
        }
        Ok(choice[self.rng.index(choice.len())])
    }

    fn increments(
        &self,
        keyspace: &str,
        token: Token,
        bytes: Vec<u8>,
        level: Consistency,
        waiter: Waiter,
    ) -> Increments {
        let by = CountedBy { id: self.shared.host_id, clock: self.shared.timestamp(self.now), now: self.now.seconds() };
        let durable = self.view.keyspace(keyspace).is_none_or(|place| place.durable_writes);
        Increments { keyspace: keyspace.into(), token, bytes, level, durable, by, waiter }
    }

    /// Several partitions, or one of which this node is no replica: an operation waits for the leaders.
    fn write_to_leaders(
        &mut self,
        asker: Asker,
        write: &WriteBatch,
        leaders: &[u16],
        level: Consistency,
        warnings: Vec<String>,
    ) -> Handled {
        let one = || Requirement { level: Consistency::One, block_for: 1, local_only: false, each: Vec::new() };
        let progress = |_: &u16| Progress { bytes: Vec::new(), tally: Tally::new(&one()), requirement: one() };
        let target = |(i, peer): (usize, &u16)| Target { mutation: i as u32, peer: *peer, state: TargetState::Waiting };
        let wait = WriteWait::of_parts(
            Consistency::One,
            leaders.iter().map(progress).collect(),
            leaders.iter().enumerate().map(target).collect(),
            warnings,
            Then::Answer,
        );
        let bytes = write.size();
        let id = self.begin_count(Some(asker), wait, bytes);
        let schema_epoch = self.view.schema().epoch;
        for (part, (mutation, peer)) in write.mutations().zip(leaders).enumerate() {
            let part = part as u32;
            if *peer == LOCAL {
                let (keyspace, token) = (mutation.keyspace(), mutation.key.token);
                let bytes = mutation.bytes.to_vec();
                let increments = self.increments(keyspace, token, bytes, level, Waiter::Part(id, part));
                let _later = self.lead(increments);
            } else {
                self.request(*peer, id, part, &Message::Count { schema_epoch, level, increments: mutation.bytes });
            }
        }
        Handled::Later
    }

    fn begin_count(&mut self, asker: Option<Asker>, wait: WriteWait, bytes: usize) -> SlotId {
        let deadline = self.deadline(self.shared.config.counter_write_timeout_millis);
        self.begin(Operation::new(asker, deadline, Kind::Write(wait)).carrying(bytes))
    }

    /// Another node's coordinator has chosen this node to lead.
    pub(super) fn replica_count(&mut self, link: LinkId, id: u64, level: Consistency, bytes: &[u8]) {
        let refused = |reason: FailureReason| Message::Ack(Outcome::Failed(reason.code()));
        let mutation = match MutationRef::validate(bytes) {
            Ok(mutation) => mutation,
            Err(error) => {
                tracing::error!(%error, "a peer's increments cannot be decoded");
                return self.answer(link, id, &refused(FailureReason::Unknown));
            }
        };
        let view = Arc::clone(&self.view);
        let table = mutation.updates().find_map(|(table, _)| view.schema().table_by_id(table));
        let Some(table) = table else { return self.answer(link, id, &refused(FailureReason::IncompatibleSchema)) };
        let token = mutation.key.token;
        match self.leader(&table.keyspace, token, level) {
            Ok(LOCAL) => {
                let waiter = Waiter::Peer(link, id);
                let increments = self.increments(&table.keyspace, token, bytes.to_vec(), level, waiter);
                let _later = self.lead(increments);
            }
            Ok(_) => {
                tracing::error!("a peer's increments are of a partition that is not here");
                self.answer(link, id, &refused(FailureReason::Unknown));
            }
            // It was met as the coordinator sees it; nothing was counted.
            Err(_) => self.answer(link, id, &refused(FailureReason::NodeDown)),
        }
    }

    /// Counts here, at once or on the pool of threads.
    fn lead(&mut self, increments: Increments) -> Handled {
        let mode = ReadMode { may_block: false, rows_budget: u64::from(self.shared.config.inline_rows_max) };
        match increments.count(&self.shared, mode) {
            Err(CountError::Read(ReadError::WouldBlock | ReadError::OverBudget)) => {
                let increments = self.keep_client(increments);
                self.tasks.push(Task::Count(Box::new(increments)));
                Handled::Later
            }
            counted => self.counted(increments, counted),
        }
    }

    /// While increments are elsewhere, the client waits in an operation that times out.
    fn keep_client(&mut self, mut increments: Increments) -> Increments {
        increments.waiter = match increments.waiter {
            Waiter::Client(asker, warnings) => {
                let view = Arc::clone(&self.view);
                let requirement = match known_keyspace(&view, &increments.keyspace) {
                    Ok(place) => Requirement::new(increments.level, &place.replication, &self.shared.config.datacenter),
                    Err(_) => {
                        Requirement { level: increments.level, block_for: 1, local_only: false, each: Vec::new() }
                    }
                };
                let progress = Progress { bytes: Vec::new(), tally: Tally::new(&requirement), requirement };
                let target = Target { mutation: 0, peer: LOCAL, state: TargetState::Waiting };
                let wait = WriteWait::of_parts(increments.level, vec![progress], vec![target], warnings, Then::Answer);
                Waiter::Kept(self.begin_count(Some(asker), wait, increments.bytes.len()))
            }
            waiter => waiter,
        };
        increments
    }

    /// The task has run.
    pub(super) fn count_done(&mut self, increments: Increments, counted: Counted) {
        let mut increments = increments;
        if let Waiter::Kept(id) = increments.waiter {
            // A client that has its answer already is not told again, but what was counted goes to the others.
            let asker = self.end(id).and_then(|operation| {
                let Kind::Write(wait) = operation.kind else { return None };
                Some(Waiter::Client(operation.asker?, wait.warnings))
            });
            increments.waiter = asker.unwrap_or(Waiter::Kept(id));
        }
        let asker = match &increments.waiter {
            Waiter::Client(asker, _) => Some(*asker),
            _ => None,
        };
        if let (Handled::Reply(reply, warnings), Some(asker)) = (self.counted(increments, counted), asker) {
            self.respond(asker, reply, warnings);
        }
    }

    /// What was counted is applied here, or nothing was.
    fn counted(&mut self, increments: Increments, counted: Counted) -> Handled {
        let (mutation, position) = match counted {
            Ok(counted) => counted,
            Err(error) => return self.not_counted(increments, &error),
        };
        self.log_dirty = true;
        let view = Arc::clone(&self.view);
        let Ok(place) = known_keyspace(&view, &increments.keyspace) else {
            return self.leader_answers(increments.waiter, None);
        };
        let is_synced = self.shared.config.sync_mode == SyncMode::Synced && increments.durable;
        let replicas = place.placement.replicas(increments.token);
        let requirement = Requirement::new(increments.level, &place.replication, &self.shared.config.datacenter);
        if let ([only], false) = (replicas, is_synced)
            && self.peer_of(*only) == LOCAL
            && requirement.block_for == 1
        {
            return self.leader_answers(increments.waiter, None);
        }
        let peers: Vec<u16> = replicas.iter().map(|node| self.peer_of(*node)).collect();
        let target = |peer: &u16| Target { mutation: 0, peer: *peer, state: TargetState::Waiting };
        let progress = Progress { bytes: mutation, tally: Tally::new(&requirement), requirement };
        let targets = peers.iter().map(target).collect();
        let (asker, warnings, then) = match increments.waiter {
            Waiter::Client(asker, warnings) => (Some(asker), warnings, Then::Answer),
            waiter => (None, Vec::new(), Then::Counted(waiter)),
        };
        let mut wait = WriteWait::of_parts(increments.level, vec![progress], targets, warnings, then);
        wait.kind = WriteKind::Normal;
        let id = self.begin_count(asker, wait, increments.bytes.len());
        if is_synced {
            self.await_sync(position, AwaitingSync::Counted(id));
            return Handled::Later;
        }
        self.send_counted(id);
        self.settle_write(id, true)
    }

    /// What was counted here is on the device.
    pub(super) fn counted_synced(&mut self, id: SlotId) {
        self.send_counted(id);
        self.settle_later(id);
    }

    /// What was counted here lasts: now the other replicas may hear of it.
    fn send_counted(&mut self, id: SlotId) {
        let schema_epoch = self.view.schema().epoch;
        let Some(operation) = self.operations.take(id) else { return };
        let Kind::Write(wait) = &operation.kind else { return self.operations.put_back(id, operation) };
        let (mut done, mut down) = (Vec::new(), Vec::new());
        for (part, peer, mutation) in wait.parts() {
            if peer == LOCAL {
                done.push(part);
            } else if self.peers[usize::from(peer)].up {
                self.request(peer, id, part, &Message::Write { kind: WriteKind::Normal, schema_epoch, mutation });
            } else {
                down.push(part);
            }
        }
        self.operations.put_back(id, operation);
        for part in down {
            self.hint_target(id, part);
            self.write_target(id, part, TargetState::Failed(FailureReason::NodeDown.code()));
        }
        for part in done {
            self.write_target(id, part, TargetState::Done);
        }
    }

    fn not_counted(&mut self, increments: Increments, error: &CountError) -> Handled {
        tracing::error!(%error, "counters cannot be written here");
        let reason = match error {
            CountError::Write(error) => errors::write_reason(error),
            CountError::Read(error) => errors::read_reason(error),
            CountError::NoIncrement => FailureReason::Unknown.code(),
        };
        self.count_failure(&self.shared.stats.writes.failures);
        let failures = vec![(self.shared.config.internode, FailureReason::from_code(reason))];
        let block_for = match known_keyspace(&self.view, &increments.keyspace) {
            Ok(place) => {
                Requirement::new(increments.level, &place.replication, &self.shared.config.datacenter).block_for
            }
            Err(_) => 1,
        };
        let failure = errors::write_failure(increments.level, 0, block_for, WriteType::Counter, failures);
        self.leader_answers(increments.waiter, Some(failure))
    }

    /// Tells whoever waits for the leader how it went.
    pub(super) fn leader_answers(&mut self, waiter: Waiter, failure: Option<ErrorResponse>) -> Handled {
        let outcome = match failure.as_ref().map(|error| &error.kind) {
            None => Outcome::Done,
            Some(ErrorKind::WriteFailure { .. }) => Outcome::Failed(FailureReason::Unknown.code()),
            // Whoever waits takes it for what it is: nobody knows.
            Some(_) => Outcome::Failed(FailureReason::NodeDown.code()),
        };
        match waiter {
            Waiter::Client(asker, warnings) => {
                self.count_write(asker.began);
                return match failure {
                    None => Handled::Reply(Reply::Void, warnings),
                    Some(error) => error.into(),
                };
            }
            Waiter::Kept(_) => {}
            // Told at the end of the batch of events: the client's request may still be being read.
            Waiter::Part(id, part) => self.counted_parts.push((id, part, outcome)),
            Waiter::Peer(link, id) => self.answer(link, id, &Message::Ack(outcome)),
        }
        Handled::Later
    }

    /// Leaders of this very coordinator have answered.
    pub(super) fn tell_counted_parts(&mut self) {
        for (id, part, outcome) in std::mem::take(&mut self.counted_parts) {
            self.write_acknowledged(id, part, outcome);
        }
    }
}

fn known_keyspace<'v>(view: &'v crate::view::View, keyspace: &str) -> Result<&'v KeyspaceView, ErrorResponse> {
    view.keyspace(keyspace).ok_or_else(|| errors::invalid(format!("Keyspace '{keyspace}' does not exist")))
}
