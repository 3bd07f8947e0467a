//! Writes: to every replica at once, answered when the consistency level is met, hinted where a replica missed it.

use std::sync::Arc;

use helenus_cql_protocol::response::{ErrorResponse, FailureReason, WriteType};
use helenus_engine::error::WriteError;
use helenus_engine::log::LogPosition;
use helenus_model::consistency::Consistency;
use helenus_model::token::Token;

use super::cas::Decision;
use super::client::{Asker, Handled, Reply};
use super::consistency::{Requirement, Tally};
use super::hinted::AwaitingHints;
use super::operation::{Kind, Operation};
use super::{AwaitingSync, Coordinator, LOCAL, SlotId, errors};
use crate::config::SyncMode;
use crate::message::{Message, Outcome, WriteKind};
use crate::view::View;

/// A mutation on its way to a token's replicas.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) keyspace: Arc<str>,
    pub(super) token: Token,
    pub(super) mutation: Vec<u8>,
}

/// A replica of one of the mutations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// Which mutation.
    pub(super) mutation: u32,
    pub(super) peer: u16,
    pub(super) state: TargetState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TargetState {
    Waiting,
    Done,
    /// A hint was written that is to count as an answer (ANY), once it is durable.
    Hinting,
    /// It failed there, or never got there: a hint was written if hints are for it.
    Failed(u16),
}

impl TargetState {
    fn is_open(self) -> bool {
        matches!(self, TargetState::Waiting | TargetState::Hinting)
    }
}

/// One mutation's progress.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) bytes: Vec<u8>,
    pub(super) requirement: Requirement,
    pub(super) tally: Tally,
}

/// A write that waits for replicas.
#[derive(Debug)]
pub(super) struct WriteWait {
    pub(super) kind: WriteKind,
    level: Consistency,
    write_type: WriteType,
    mutations: Vec<Progress>,
    targets: Vec<Target>,
    /// Mutations whose level is not met yet.
    unmet: usize,
    waiting: usize,
    answered: bool,
    /// The last of the hints written for it; 0: none ([`crate::hints::HintStore::write`]).
    hints: u64,
    pub(super) warnings: Vec<String>,
    pub(super) then: Then,
    /// It is the commit of a conditional write.
    pub(super) decision: Option<Box<Decision>>,
}

/// What follows when the level is met everywhere.
#[derive(Debug, Default)]
pub(super) enum Then {
    /// The client is answered.
    #[default]
    Answer,
    /// A batch is stored on enough nodes: now its mutations are written.
    WriteBatch(Box<super::batch::StoredBatch>),
    /// The client is answered; and when every replica has the mutations of this batch or a hint for them, it is forgotten where it
    /// is stored.
    ForgetBatch(super::batch::BatchPlaces),
    /// A hint was delivered.
    Hint(uuid::Uuid),
    /// A batch of an earlier coordinator was replayed.
    Replayed(uuid::Uuid),
    /// What this node has counted is where the level wants it.
    Counted(super::count::Waiter),
    /// The conditional write goes on.
    Decided(SlotId),
}

impl WriteWait {
    /// One mutation for one peer.
    pub(super) fn single(kind: WriteKind, peer: u16, mutation: Vec<u8>, then: Then) -> Self {
        let requirement = Requirement { level: Consistency::One, block_for: 1, local_only: false, each: Vec::new() };
        let tally = Tally::new(&requirement);
        WriteWait {
            kind,
            level: Consistency::One,
            write_type: WriteType::Simple,
            mutations: vec![Progress { bytes: mutation, requirement, tally }],
            targets: vec![Target { mutation: 0, peer, state: TargetState::Waiting }],
            unmet: 1,
            waiting: 1,
            answered: false,
            hints: 0,
            warnings: Vec::new(),
            then,
            decision: None,
        }
    }

    /// A write to counters that waits for all these targets. No hints are made of it.
    pub(super) fn of_parts(
        level: Consistency,
        mutations: Vec<Progress>,
        targets: Vec<Target>,
        warnings: Vec<String>,
        then: Then,
    ) -> Self {
        WriteWait {
            kind: WriteKind::Repair,
            level,
            write_type: WriteType::Counter,
            unmet: mutations.len(),
            waiting: targets.len(),
            mutations,
            targets,
            answered: false,
            hints: 0,
            warnings,
            then,
            decision: None,
        }
    }

    /// Number, peer and mutation of each part.
    pub(super) fn parts(&self) -> impl Iterator<Item = (u32, u16, &[u8])> {
        self.targets
            .iter()
            .enumerate()
            .map(|(part, target)| (part as u32, target.peer, self.mutations[target.mutation as usize].bytes.as_slice()))
    }

    /// Peer and bytes of a write made by [`WriteWait::single`].
    pub(super) fn only(&self) -> (u16, &[u8]) {
        (self.targets[0].peer, &self.mutations[0].bytes)
    }

    /// Parts that wait for this peer.
    pub(super) fn parts_waiting_for(&self, peer: u16) -> Vec<u32> {
        let waits = |(part, target): (usize, &Target)| {
            (target.peer == peer && target.state == TargetState::Waiting).then_some(part as u32)
        };
        self.targets.iter().enumerate().filter_map(waits).collect()
    }
}

/// Refuses SERIAL for a write without conditions. (Of a batch it is the quorum, as in Cassandra.)
pub(super) fn unconditional_serial() -> Handled {
    errors::invalid("You must use conditional updates for serializable writes").into()
}

/// How a write is to be done.
pub(super) struct WriteOptions {
    pub(super) level: Consistency,
    pub(super) write_type: WriteType,
    pub(super) kind: WriteKind,
    pub(super) warnings: Vec<String>,
    pub(super) then: Then,
    /// It is the commit of a conditional write.
    pub(super) decision: Option<Box<Decision>>,
}

impl Coordinator {
    /// The most frequent write: one mutation of one partition, straight from the statement's buffer. Nothing is copied when this
    /// node is the only replica.
    #[inline]
    pub(super) fn write_one(
        &mut self,
        asker: Asker,
        keyspace: &str,
        token: Token,
        mutation: &[u8],
        level: Consistency,
        warnings: Vec<String>,
    ) -> Handled {
        let view = Arc::clone(&self.view);
        if let Some(place) = view.keyspace(keyspace)
            && let [only] = place.placement.replicas(token)
            && self.peer_of(*only) == LOCAL
            && place.replication.total_factor() == 1
            && self.shared.config.sync_mode == SyncMode::Periodic
            && !matches!(level, Consistency::Serial | Consistency::LocalSerial | Consistency::Two | Consistency::Three)
        {
            return match self.shared.engine.apply(mutation, place.durable_writes) {
                Ok(_) => {
                    self.log_dirty = true;
                    self.count_write(asker.began);
                    Handled::Reply(Reply::Void, warnings)
                }
                Err(WriteError::HasViews) => self.write_single(asker, keyspace, token, mutation, level, warnings),
                Err(error) => self.local_write_error(level, WriteType::Simple, &error).into(),
            };
        }
        if level.is_serial() {
            return unconditional_serial();
        }
        self.write_single(asker, keyspace, token, mutation, level, warnings)
    }

    fn write_single(
        &mut self,
        asker: Asker,
        keyspace: &str,
        token: Token,
        mutation: &[u8],
        level: Consistency,
        warnings: Vec<String>,
    ) -> Handled {
        let outgoing = Outgoing { keyspace: keyspace.into(), token, mutation: mutation.to_vec() };
        let write_type = WriteType::Simple;
        let (kind, then) = (WriteKind::Normal, Then::Answer);
        let options = WriteOptions { level, write_type, kind, warnings, then, decision: None };
        self.write(Some(asker), vec![outgoing], options)
    }

    fn local_write_error(
        &self,
        level: Consistency,
        write_type: WriteType,
        error: &helenus_engine::error::WriteError,
    ) -> helenus_cql_protocol::response::ErrorResponse {
        if let helenus_engine::error::WriteError::TooLarge { .. } = error {
            return errors::invalid(error.to_string());
        }
        tracing::error!(%error, "a write failed here");
        let address = self.shared.config.internode;
        let reason = FailureReason::from_code(errors::write_reason(error));
        errors::write_failure(level, 0, 1, write_type, vec![(address, reason)])
    }

    /// Sends mutations to their replicas. The operation lives until every replica has answered or timed out, longer than the client
    /// waits.
    pub(super) fn write(&mut self, asker: Option<Asker>, outgoing: Vec<Outgoing>, options: WriteOptions) -> Handled {
        let view = Arc::clone(&self.view);
        let own_datacenter = self.shared.config.datacenter.clone();
        let WriteOptions { level, write_type, kind, warnings, then, decision } = options;
        let mut mutations = Vec::with_capacity(outgoing.len());
        for out in &outgoing {
            let Some(keyspace) = view.keyspace(&out.keyspace) else {
                return errors::invalid(format!("Keyspace '{}' does not exist", out.keyspace)).into();
            };
            let requirement = Requirement::new(level, &keyspace.replication, &own_datacenter);
            let replicas = keyspace.placement.replicas(out.token);
            if let Err(error) = requirement.check(&view, replicas, &own_datacenter, |node| self.is_alive(node)) {
                self.count_failure(&self.shared.stats.writes.unavailables);
                return errors::unavailable(level, error).into();
            }
            let tally = Tally::new(&requirement);
            mutations.push(Progress { bytes: Vec::new(), requirement, tally });
        }
        let unmet = mutations.len();
        let wait = WriteWait {
            kind,
            level,
            write_type,
            mutations,
            targets: Vec::new(),
            unmet,
            waiting: 0,
            answered: false,
            hints: 0,
            warnings,
            then,
            decision,
        };
        let deadline = self.deadline(self.shared.config.write_timeout_millis);
        let bytes = outgoing.iter().map(|out| out.mutation.len()).sum();
        let id = self.begin(Operation::new(asker, deadline, Kind::Write(wait)).carrying(bytes));
        self.send_mutations(id, outgoing, &view);
        self.settle_write(id, true)
    }

    /// Whether so many replicas of a token are alive as a write at this level wants.
    pub(super) fn check_alive(&self, keyspace: &str, token: Token, level: Consistency) -> Result<(), ErrorResponse> {
        let view = &self.view;
        let Some(keyspace) = view.keyspace(keyspace) else {
            return Err(errors::invalid(format!("Keyspace '{keyspace}' does not exist")));
        };
        let own_datacenter = self.shared.config.datacenter.as_str();
        let requirement = Requirement::new(level, &keyspace.replication, own_datacenter);
        let replicas = keyspace.placement.replicas(token);
        let checked = requirement.check(view, replicas, own_datacenter, |node| self.is_alive(node));
        checked.map_err(|error| errors::unavailable(level, error))
    }

    /// Applies here and sends to the others; what cannot be sent is hinted.
    fn send_mutations(&mut self, id: SlotId, outgoing: Vec<Outgoing>, view: &View) {
        let Some(mut operation) = self.operations.take(id) else { return };
        let Kind::Write(wait) = &mut operation.kind else { return self.operations.put_back(id, operation) };
        let schema_epoch = view.schema().epoch;
        let (mut local, mut hinted) = (Vec::new(), Vec::new());
        for (i, out) in outgoing.into_iter().enumerate() {
            let durable = view.keyspace(&out.keyspace).is_none_or(|keyspace| keyspace.durable_writes);
            for node in view.replicas(&out.keyspace, out.token) {
                let part = wait.targets.len() as u32;
                let peer = self.peer_of(*node);
                let mut target = Target { mutation: i as u32, peer, state: TargetState::Waiting };
                if peer == LOCAL {
                    local.push((part, durable));
                    wait.waiting += 1;
                } else if self.peers[usize::from(peer)].up {
                    let message = match &wait.decision {
                        None => Message::Write { kind: wait.kind, schema_epoch, mutation: &out.mutation },
                        Some(decision) => decision.message(schema_epoch),
                    };
                    self.request(peer, id, part, &message);
                    wait.waiting += 1;
                } else {
                    target.state = TargetState::Failed(FailureReason::NodeDown.code());
                    let hints = self.hint(peer, wait.kind, &out.mutation);
                    wait.hints = wait.hints.max(hints);
                    if hints > 0 && wait.level == Consistency::Any {
                        target.state = TargetState::Hinting;
                        wait.waiting += 1;
                        hinted.push((hints, part));
                    }
                }
                wait.targets.push(target);
            }
            wait.mutations[i].bytes = out.mutation;
        }
        self.operations.put_back(id, operation);
        for (part, durable) in local {
            self.apply_locally(id, part, durable);
        }
        for (hints, part) in hinted {
            self.await_hint(id, part, hints);
        }
    }

    /// A hint counts when it lasts. The write is not settled here: its caller does that, and must be the one who answers.
    fn await_hint(&mut self, id: SlotId, part: u32, hints: u64) {
        if hints <= self.durable_hints() {
            self.write_target(id, part, TargetState::Done);
        } else {
            self.after_hints(hints, AwaitingHints::Part(id, part));
        }
    }

    pub(super) fn hint_is_durable(&mut self, id: SlotId, part: u32) {
        self.write_target(id, part, TargetState::Done);
        self.settle_later(id);
    }

    pub(super) fn part_failed(&mut self, id: SlotId, part: u32, reason: u16) {
        self.write_target(id, part, TargetState::Failed(reason));
        self.settle_later(id);
    }

    fn apply_locally(&mut self, id: SlotId, part: u32, durable: bool) {
        let Some(Operation { kind: Kind::Write(wait), .. }) = self.operations.get_mut(id) else { return };
        if wait.decision.is_some() {
            return self.commit_here(id, part);
        }
        let target = wait.targets[part as usize];
        let bytes = &wait.mutations[target.mutation as usize].bytes;
        match self.shared.engine.apply(bytes, durable) {
            Ok(position) => {
                self.log_dirty = true;
                self.after_local_write(id, part, position, durable);
            }
            Err(WriteError::HasViews) => {
                let bytes = bytes.clone();
                self.apply_viewed_part(id, part, &bytes, durable);
            }
            Err(error) => {
                tracing::error!(%error, "a write failed here");
                self.write_target(id, part, TargetState::Failed(errors::write_reason(&error)));
            }
        }
    }

    pub(super) fn after_local_write(&mut self, id: SlotId, part: u32, position: LogPosition, durable: bool) {
        if durable && self.shared.config.sync_mode == SyncMode::Synced {
            self.unsynced.push_back((position, AwaitingSync::Operation(id, part)));
        } else {
            self.write_target(id, part, TargetState::Done);
        }
    }

    /// The log is on the device.
    pub(super) fn local_write_done(&mut self, id: SlotId, part: u32) {
        self.write_target(id, part, TargetState::Done);
        self.settle_later(id);
    }

    pub(super) fn write_acknowledged(&mut self, id: SlotId, part: u32, outcome: Outcome) {
        let state = match outcome {
            Outcome::Done => TargetState::Done,
            Outcome::Failed(reason) => TargetState::Failed(reason),
        };
        if state != TargetState::Done {
            // It may come to know the table, or get its disk back, before the hint reaches it.
            self.hint_target(id, part);
        }
        self.write_target(id, part, state);
        self.settle_later(id);
    }

    /// A replica's link closed before it answered.
    pub(super) fn write_lost(&mut self, id: SlotId, part: u32) {
        self.hint_target(id, part);
        self.write_target(id, part, TargetState::Failed(FailureReason::NodeDown.code()));
        self.settle_later(id);
    }

    pub(super) fn hint_target(&mut self, id: SlotId, part: u32) {
        let Some(mut operation) = self.operations.take(id) else { return };
        if let Kind::Write(wait) = &mut operation.kind
            && let Some(target) = wait.targets.get(part as usize)
            && target.state == TargetState::Waiting
        {
            let hints = self.hint(target.peer, wait.kind, &wait.mutations[target.mutation as usize].bytes);
            wait.hints = wait.hints.max(hints);
        }
        self.operations.put_back(id, operation);
    }

    /// Keeps a write for a node that misses it: how many hints that makes since the start. 0: hints are off, or not for this kind of
    /// write or this node.
    fn hint(&mut self, peer: u16, kind: WriteKind, mutation: &[u8]) -> u64 {
        let hinted = self.shared.config.hints_enabled
            && matches!(kind, WriteKind::Normal | WriteKind::Replay)
            && peer != LOCAL
            && self.peer_takes_hints(peer)
            && self.shared.hints.has_room();
        if !hinted {
            return 0;
        }
        let host = self.peers[usize::from(peer)].host;
        self.count_failure(&self.shared.stats.hints_written);
        self.log_dirty = true;
        self.shared.hints.write(host, self.now.wall_micros / 1000, mutation)
    }

    fn peer_takes_hints(&mut self, peer: u16) -> bool {
        let config = &self.shared.config;
        let super::Peer { host, up, ref datacenter, .. } = self.peers[usize::from(peer)];
        if config.hint_disabled_datacenters.contains(datacenter) {
            return false;
        }
        if config.hint_host_bytes_max > 0 && self.shared.hints.bytes(host) >= config.hint_host_bytes_max {
            self.count_failure(&self.shared.stats.hints_dropped);
            return false;
        }
        self.background.takes_hints(host, up, &self.shared, self.now)
    }

    pub(super) fn write_target(&mut self, id: SlotId, part: u32, state: TargetState) {
        let own_datacenter = &self.shared.config.datacenter;
        let Some(Operation { kind: Kind::Write(wait), .. }) = self.operations.get_mut(id) else { return };
        let Some(target) = wait.targets.get_mut(part as usize) else { return };
        if !target.state.is_open() {
            return;
        }
        target.state = state;
        wait.waiting -= 1;
        if state == TargetState::Done {
            let progress = &mut wait.mutations[target.mutation as usize];
            let was_met = progress.tally.is_met(&progress.requirement);
            let datacenter = match target.peer {
                LOCAL => own_datacenter,
                peer => &self.peers[usize::from(peer)].datacenter,
            };
            progress.tally.add(&progress.requirement, datacenter, own_datacenter);
            if !was_met && progress.tally.is_met(&progress.requirement) {
                wait.unmet -= 1;
            }
        }
    }

    pub(super) fn settle_later(&mut self, id: SlotId) {
        if let Handled::Reply(..) = self.settle_write(id, false) {
            debug_assert!(false, "a write that waited answers its client itself");
        }
    }

    /// Looks whether a write can be answered or forgotten. With `at_once` the answer is returned instead of sent.
    pub(super) fn settle_write(&mut self, id: SlotId, at_once: bool) -> Handled {
        let Some(Operation { asker, kind: Kind::Write(wait), .. }) = self.operations.get_mut(id) else {
            return Handled::Later;
        };
        let met = wait.mutations.iter().all(|progress| progress.tally.is_met(&progress.requirement));
        let finished = wait.waiting == 0;
        // A replayed batch is forgotten only when every replica has it or has a hint for it.
        let met = met && (finished || !matches!(wait.then, Then::Replayed(_)));
        if wait.answered || !(met || finished) {
            if finished {
                self.finish_write(id);
            }
            return Handled::Later;
        }
        wait.answered = true;
        let asker = asker.take();
        let warnings = std::mem::take(&mut wait.warnings);
        // A batch is forgotten only when nobody is waited for any more; one that failed stays stored, and is replayed.
        let then = match &wait.then {
            Then::ForgetBatch(_) if met => Then::Answer,
            _ => std::mem::take(&mut wait.then),
        };
        let hints = wait.hints;
        let failure = if met { None } else { Some(self.write_failure(id)) };
        if finished {
            self.finish_write(id);
        }
        let handled = self.after_write(asker, then, failure, warnings, hints);
        match (handled, asker) {
            (Handled::Reply(reply, warnings), Some(asker)) if !at_once => {
                self.respond(asker, reply, warnings);
                Handled::Later
            }
            (Handled::Reply(..), None) if !at_once => Handled::Later,
            (handled, _) => handled,
        }
    }

    /// No replica is waited for any more.
    fn finish_write(&mut self, id: SlotId) {
        if let Some(Operation { kind: Kind::Write(wait), .. }) = self.end(id)
            && let Then::ForgetBatch(places) = wait.then
        {
            self.after_hints(wait.hints, AwaitingHints::Forget(places));
        }
    }

    fn after_write(
        &mut self,
        asker: Option<Asker>,
        then: Then,
        failure: Option<helenus_cql_protocol::response::ErrorResponse>,
        warnings: Vec<String>,
        hints: u64,
    ) -> Handled {
        match then {
            Then::Answer | Then::ForgetBatch(_) => {
                if let Some(asker) = asker {
                    self.count_write(asker.began);
                }
                match failure {
                    None => Handled::Reply(Reply::Void, warnings),
                    Some(error) => error.into(),
                }
            }
            Then::Counted(waiter) => self.leader_answers(waiter, failure),
            Then::WriteBatch(batch) => self.batch_stored(asker, *batch, failure, warnings),
            Then::Decided(id) => {
                self.decision_written(id, failure);
                Handled::Later
            }
            Then::Hint(host) => {
                self.hint_delivered(host, failure.is_none());
                Handled::Later
            }
            Then::Replayed(batch) => {
                self.batch_replayed(batch, failure.is_none(), hints);
                Handled::Later
            }
        }
    }

    /// The error of a write whose level cannot be met any more, or was not in time.
    fn write_failure(&mut self, id: SlotId) -> helenus_cql_protocol::response::ErrorResponse {
        let own_address = self.shared.config.internode;
        let Some(Operation { kind: Kind::Write(wait), .. }) = self.operations.get_mut(id) else {
            return errors::server("the write is gone");
        };
        let unmet = wait.mutations.iter().position(|progress| !progress.tally.is_met(&progress.requirement));
        let unmet = unmet.unwrap_or(0);
        let progress = &wait.mutations[unmet];
        let (level, write_type) = (wait.level, wait.write_type);
        let (received, block_for) = (progress.tally.received, progress.requirement.block_for);
        let mut failures = Vec::new();
        for target in wait.targets.iter().filter(|target| target.mutation as usize == unmet) {
            if let TargetState::Failed(reason) = target.state
                && reason != FailureReason::NodeDown.code()
            {
                let address = match target.peer {
                    LOCAL => own_address,
                    peer => self
                        .view
                        .metadata
                        .nodes
                        .get(&self.peers[usize::from(peer)].host)
                        .map_or(own_address, |node| node.internode),
                };
                failures.push((address, FailureReason::from_code(reason)));
            }
        }
        if failures.is_empty() {
            self.count_failure(&self.shared.stats.writes.timeouts);
            return errors::write_timeout(level, received, block_for, write_type);
        }
        self.count_failure(&self.shared.stats.writes.failures);
        errors::write_failure(level, received, block_for, write_type, failures)
    }

    /// Time is up: whoever has not answered gets a hint, and the client its answer if it has none.
    pub(super) fn write_expired(&mut self, id: SlotId) {
        let Some(Operation { kind: Kind::Write(wait), .. }) = self.operations.get_mut(id) else { return };
        let late: Vec<u32> =
            (0..wait.targets.len() as u32).filter(|part| wait.targets[*part as usize].state.is_open()).collect();
        for part in late {
            self.hint_target(id, part);
            self.write_target(id, part, TargetState::Failed(FailureReason::NodeDown.code()));
        }
        self.settle_later(id);
        self.finish_write(id);
    }
}

impl Coordinator {
    /// Stores a batch on its places; when all have it, what follows is in `batch`. `here` is where it stands in this node's log, if
    /// this node is the place.
    pub(super) fn store_at_places(
        &mut self,
        asker: Asker,
        batch: super::batch::StoredBatch,
        stored: &[u8],
        here: Option<LogPosition>,
        warnings: Vec<String>,
    ) -> Handled {
        let peers = if here.is_some() { vec![LOCAL] } else { batch.places.peers.clone() };
        let id = batch.places.batch;
        let block_for = peers.len() as u32;
        let requirement = Requirement { level: batch.level, block_for, local_only: false, each: Vec::new() };
        let tally = Tally::new(&requirement);
        let target = |peer: &u16| Target { mutation: 0, peer: *peer, state: TargetState::Waiting };
        let wait = WriteWait {
            kind: WriteKind::Repair,
            level: batch.level,
            write_type: WriteType::BatchLog,
            mutations: vec![Progress { bytes: Vec::new(), requirement, tally }],
            targets: peers.iter().map(target).collect(),
            unmet: 1,
            waiting: peers.len(),
            answered: false,
            hints: 0,
            warnings,
            then: Then::WriteBatch(Box::new(batch)),
            decision: None,
        };
        let deadline = self.deadline(self.shared.config.write_timeout_millis);
        let operation = self.begin(Operation::new(Some(asker), deadline, Kind::Write(wait)));
        match here {
            Some(_) if self.shared.config.sync_mode == SyncMode::Periodic => self.stored_batches.push(operation),
            Some(position) => self.after_local_write(operation, 0, position, true),
            None => {}
        }
        if here.is_some() {
            return Handled::Later;
        }
        let schema_epoch = self.view.schema().epoch;
        for (part, peer) in peers.iter().enumerate() {
            let message = Message::BatchStore { batch: id, schema_epoch, mutations: stored };
            self.request(*peer, operation, part as u32, &message);
        }
        Handled::Later
    }
}
