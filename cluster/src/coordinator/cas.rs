//! Conditional writes and SERIAL reads: the proposer of a partition's register. What a round is stands at the head of [`crate::cas`].
//!
//! A round that comes behind another proposer's is tried again after a random while, until `cas_contention_timeout`. One whose value
//! some replicas have accepted and others refused may still be decided, by whoever finds it: the next round tells, by the origin of
//! what it finds and of what was decided before that, whether it was. Only when too many later decisions hide that is the client told
//! that the outcome is unknown.

mod choose;
mod finish;
mod request;
mod step;

use std::collections::VecDeque;
use std::sync::Arc;

use helenus_cql_protocol::response::FailureReason;
use helenus_model::consistency::Consistency;
use helenus_model::schema::Table;
use helenus_model::token::Token;
use helenus_query::cas::CasRequest;
use rustc_hash::FxHashMap;

use super::client::RowsReply;
use super::operation::{Kind, Operation};
use super::select::SelectWait;
use super::{Coordinator, LOCAL, LinkId, SlotId};
use crate::cas::ballot::Ballot;
use crate::cas::wire::{Answer, Taken, Value, register_bytes};
use crate::message::{Message, Outcome};

pub(super) use finish::Decision;

/// A conditional write, or the settling before a SERIAL read.
#[derive(Debug)]
pub(super) struct CasWait {
    table: Arc<Table>,
    key: Box<[u8]>,
    token: Token,
    goal: Goal,
    serial: Consistency,
    commit_level: Consistency,
    warnings: Vec<String>,
    phase: Phase,
    ballot: Ballot,
    /// The latest ballot heard of.
    latest: Ballot,
    /// Replicas of this round, alive when it began.
    participants: Vec<u16>,
    /// How many of them must promise and accept.
    required: usize,
    targets: Vec<Target>,
    /// Parts of the operation before `targets[0]`: late answers of earlier phases have lower numbers.
    first: u32,
    /// Origins of own values that some replicas may have accepted, in rounds that were given up.
    half_accepted: Vec<Ballot>,
    /// Origins of the latest decisions, the latest first: what an own value is proposed behind.
    decided: Vec<Ballot>,
    /// The rows of a refused write.
    refusal: Option<Box<RowsReply>>,
    contentions: u16,
    rounds: u32,
    /// No further round begins then, monotonic ms.
    give_up_at: u64,
    /// It ends then, monotonic ms.
    expires_at: u64,
}

/// What it is for.
#[derive(Debug)]
enum Goal {
    Write(Box<CasRequest>),
    /// Whatever was proposed before this read began is to be decided or never to be.
    Settle(Box<SelectWait>),
}

#[derive(Debug)]
enum Phase {
    Prepare,
    /// Replicas that lack the latest decision were sent it.
    Learn,
    /// The partition is read.
    Read,
    Propose(Value, Whose),
    Commit(Whose),
    /// Until the next round.
    Backoff,
}

/// Whose value is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// This operation's own: with it the operation is done.
    Own,
    /// Found half decided.
    Found,
}

/// A replica asked.
#[derive(Debug)]
struct Target {
    peer: u16,
    state: TargetState,
}

#[derive(Debug, PartialEq, Eq)]
enum TargetState {
    Waiting,
    Promised {
        accepted: Taken,
        decided: Taken,
    },
    /// Accepted, or learned.
    Done,
    Refused,
    Failed(u16),
}

/// Steps of registers that this coordinator has to do itself, and those that wait for the disk.
#[derive(Debug, Default)]
pub(super) struct CasSteps {
    ready: VecDeque<ReadyStep>,
    blocked: FxHashMap<u64, BlockedStep>,
    blocked_count: u64,
    /// Time of the last ballot made here: every one is later than the one before.
    last_micros: i64,
}

#[derive(Debug)]
enum ReadyStep {
    Round(SlotId),
    /// This node's own part.
    Local(SlotId, u32),
}

/// A step whose register is being read.
#[derive(Debug)]
enum BlockedStep {
    Own(SlotId, u32),
    Peer(LinkId, Vec<u8>),
}

impl CasSteps {
    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }
}

impl CasWait {
    fn count(&self, wanted: impl Fn(&TargetState) -> bool) -> usize {
        self.targets.iter().filter(|target| wanted(&target.state)).count()
    }

    fn waiting(&self) -> usize {
        self.count(|state| *state == TargetState::Waiting)
    }

    fn done(&self) -> usize {
        self.count(|state| *state == TargetState::Done)
    }

    fn promised(&self) -> usize {
        self.count(|state| matches!(state, TargetState::Promised { .. }))
    }

    /// Begins to ask these replicas.
    fn ask(&mut self, peers: &[u16]) {
        self.first += self.targets.len() as u32;
        self.targets = peers.iter().map(|peer| Target { peer: *peer, state: TargetState::Waiting }).collect();
    }

    fn target(&mut self, part: u32) -> Option<&mut Target> {
        self.targets.get_mut(part.checked_sub(self.first)? as usize)
    }

    /// This node's is the only register, so that nobody but this round rests on what it promises this round.
    fn is_alone(&self) -> bool {
        self.required == 1 && self.participants == [LOCAL]
    }

    /// Level of reads, and of commits of others' values.
    fn quorum(&self) -> Consistency {
        if self.serial == Consistency::LocalSerial { Consistency::LocalQuorum } else { Consistency::Quorum }
    }

    /// Parts that wait for this peer.
    pub(super) fn parts_waiting_for(&self, peer: u16) -> Vec<u32> {
        let waits = |(i, target): (usize, &Target)| {
            (target.peer == peer && target.state == TargetState::Waiting).then_some(self.first + i as u32)
        };
        self.targets.iter().enumerate().filter_map(waits).collect()
    }
}

impl Coordinator {
    fn cas_wait(&mut self, id: SlotId) -> Option<&mut CasWait> {
        match self.operations.get_mut(id)? {
            Operation { kind: Kind::Cas(wait), .. } => Some(wait),
            _ => None,
        }
    }

    /// Does what this node's own registers have to do.
    pub(super) fn run_cas_steps(&mut self) {
        while let Some(step) = self.cas.ready.pop_front() {
            match step {
                ReadyStep::Round(id) => self.begin_round(id),
                ReadyStep::Local(id, part) => self.own_register_step(id, part),
            }
        }
    }

    /// A new ballot, later than all that were heard of.
    fn next_ballot(&mut self, latest: Ballot) -> Ballot {
        use helenus_query::values::IdSource;
        let after = latest.micros.max(self.cas.last_micros).saturating_add(1);
        let micros = self.shared.timestamp(self.now).max(after);
        self.cas.last_micros = micros;
        Ballot::new(micros, self.ids.clock_and_node())
    }

    /// Asks for promises.
    fn begin_round(&mut self, id: SlotId) {
        let Some(mut operation) = self.operations.take(id) else { return };
        let Kind::Cas(wait) = &mut operation.kind else { return self.operations.put_back(id, operation) };
        let found = self.participants(&wait.table.keyspace, wait.token, wait.serial);
        let ballot = self.next_ballot(wait.latest);
        let result = match found {
            Err(error) => Err(error),
            Ok((participants, required)) => {
                wait.rounds += 1;
                wait.ballot = ballot;
                wait.phase = Phase::Prepare;
                wait.ask(&participants);
                wait.participants = participants;
                wait.required = required;
                operation.deadline = wait.expires_at;
                Ok(())
            }
        };
        self.operations.put_back(id, operation);
        match result {
            Ok(()) => self.ask_targets(id),
            Err(error) => self.fail_cas(id, error),
        }
    }

    /// Proposes a value to every participant.
    fn propose_value(&mut self, id: SlotId, value: Value, whose: Whose) {
        let Some(Operation { kind: Kind::Cas(wait), deadline, .. }) = self.operations.get_mut(id) else { return };
        *deadline = wait.expires_at.max(*deadline);
        wait.phase = Phase::Propose(value, whose);
        let participants = std::mem::take(&mut wait.participants);
        wait.ask(&participants);
        wait.participants = participants;
        self.ask_targets(id);
    }

    /// Sends the phase's request to all targets; this node's own part is done at the end of the batch.
    fn ask_targets(&mut self, id: SlotId) {
        let Some(wait) = self.cas_wait(id) else { return };
        let parts: Vec<(u32, u16)> =
            wait.targets.iter().enumerate().map(|(i, target)| (wait.first + i as u32, target.peer)).collect();
        if parts.iter().any(|(_, peer)| *peer != LOCAL) {
            self.ask_peers(id, &parts);
        }
        let own = parts.iter().filter(|(_, peer)| *peer == LOCAL);
        self.cas.ready.extend(own.map(|(part, _)| ReadyStep::Local(id, *part)));
        for (part, peer) in parts {
            if peer != LOCAL && !self.peers[usize::from(peer)].up {
                self.cas_answered(id, part, Answer::Failed(FailureReason::NodeDown.code()));
            }
        }
    }

    /// Sends the phase's request to those of the targets that are other nodes and up.
    fn ask_peers(&mut self, id: SlotId, parts: &[(u32, u16)]) {
        let schema_epoch = self.view.schema().epoch;
        let Some(wait) = self.cas_wait(id) else { return };
        let ballot = wait.ballot.to_uuid();
        let proposed = match &wait.phase {
            Phase::Propose(value, _) => Some(value),
            _ => None,
        };
        let body = register_bytes(wait.table.id, &wait.key, proposed);
        let message = match proposed {
            Some(_) => Message::CasPropose { ballot, schema_epoch, proposal: &body },
            None => Message::CasPrepare { ballot, schema_epoch, register: &body },
        };
        for (part, peer) in parts {
            if *peer != LOCAL && self.peers[usize::from(*peer)].up {
                self.request(*peer, id, *part, &message);
            }
        }
    }

    /// A register answers.
    pub(super) fn cas_answered(&mut self, id: SlotId, part: u32, answer: Answer) {
        let Some(wait) = self.cas_wait(id) else { return };
        let mut later = Ballot::NONE;
        let state = match answer {
            Answer::Promised { accepted, decided } => TargetState::Promised { accepted, decided },
            Answer::Accepted => TargetState::Done,
            Answer::Refused(ballot) => {
                later = ballot;
                TargetState::Refused
            }
            Answer::Failed(reason) => TargetState::Failed(reason),
        };
        let Some(target) = wait.target(part).filter(|target| target.state == TargetState::Waiting) else { return };
        target.state = state;
        wait.latest = wait.latest.max(later);
        self.settle_cas(id);
    }

    /// A peer's register answers.
    pub(super) fn peer_cas_answered(&mut self, id: SlotId, part: u32, bytes: &[u8]) {
        let answer = Answer::decode(bytes).unwrap_or_else(|error| {
            tracing::error!(%error, "a register's answer cannot be decoded");
            Answer::Failed(FailureReason::Unknown.code())
        });
        self.cas_answered(id, part, answer);
    }

    /// The link to a replica closed before it answered.
    pub(super) fn cas_lost_peer(&mut self, id: SlotId, part: u32) {
        self.cas_answered(id, part, Answer::Failed(FailureReason::NodeDown.code()));
    }

    /// A replica has learned a decision, or cannot.
    pub(super) fn cas_acknowledged(&mut self, id: SlotId, part: u32, outcome: Outcome) {
        let Some(wait) = self.cas_wait(id) else { return };
        let Some(target) = wait.target(part).filter(|target| target.state == TargetState::Waiting) else { return };
        target.state = match outcome {
            Outcome::Done => TargetState::Done,
            Outcome::Failed(reason) => TargetState::Failed(reason),
        };
        self.settle_cas(id);
    }

    /// Looks whether the phase is over.
    fn settle_cas(&mut self, id: SlotId) {
        let Some(wait) = self.cas_wait(id) else { return };
        let (waiting, required) = (wait.waiting(), wait.required);
        match wait.phase {
            Phase::Prepare if wait.promised() >= required => self.choose_value(id),
            Phase::Prepare if wait.promised() + waiting < required => self.round_lost(id),
            Phase::Propose(..) if wait.done() >= required => self.value_accepted(id),
            Phase::Propose(..) if wait.done() + waiting < required => self.proposal_lost(id),
            Phase::Learn if wait.done() == wait.targets.len() => self.all_have_learned(id),
            Phase::Learn if waiting == 0 => self.round_lost(id),
            _ => {}
        }
    }

    /// Not enough have accepted, and no more will.
    fn proposal_lost(&mut self, id: SlotId) {
        let Some(wait) = self.cas_wait(id) else { return };
        if let Phase::Propose(value, Whose::Own) = &wait.phase
            && !value.mutation.is_empty()
            && wait.targets.iter().any(|target| target.state != TargetState::Refused)
        {
            let origin = value.origin;
            wait.half_accepted.push(origin);
        }
        self.round_lost(id);
    }

    /// The round came to nothing: another one after a while, or the end.
    fn round_lost(&mut self, id: SlotId) {
        let now = self.now.monotonic_millis();
        let random = self.rng.next_u64();
        let Some(Operation { kind: Kind::Cas(wait), deadline, .. }) = self.operations.get_mut(id) else { return };
        let refused = wait.targets.iter().any(|target| target.state == TargetState::Refused);
        wait.contentions = wait.contentions.saturating_add(u16::from(refused));
        let failed = wait.targets.iter().any(
            |target| matches!(target.state, TargetState::Failed(reason) if reason != FailureReason::NodeDown.code()),
        );
        if failed && !refused {
            return self.fail_replicas(id);
        }
        if now >= wait.give_up_at {
            return self.time_out_cas(id);
        }
        wait.phase = Phase::Backoff;
        // Longer for those who lost more often, up to Cassandra's 100 ms.
        let longest = 10_u64 << wait.rounds.min(4);
        *deadline = now + 1 + random % longest.min(100);
        let deadline = *deadline;
        self.watch(deadline, id);
    }

    /// Time is up: for the pause between two rounds, or for all.
    pub(super) fn cas_expired(&mut self, id: SlotId) {
        let now = self.now.monotonic_millis();
        let Some(wait) = self.cas_wait(id) else { return };
        if matches!(wait.phase, Phase::Backoff) && now < wait.expires_at {
            self.cas.ready.push_back(ReadyStep::Round(id));
            return self.give_time(id);
        }
        if let Phase::Propose(value, Whose::Own) = &wait.phase
            && !value.mutation.is_empty()
        {
            let origin = value.origin;
            wait.half_accepted.push(origin);
        }
        self.time_out_cas(id);
    }

    /// Lets the operation live until its end, not only to the end of a pause.
    fn give_time(&mut self, id: SlotId) {
        let Some(Operation { kind: Kind::Cas(wait), deadline, .. }) = self.operations.get_mut(id) else { return };
        *deadline = wait.expires_at;
        let deadline = *deadline;
        self.watch(deadline, id);
    }
}
