//! One read command over its replicas: full data from one, digests from as many more as the level asks for; when they differ,
//! full data from all of them, reconciled and repaired before the answer (blocking read repair).

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use helenus_cql_protocol::response::{ErrorResponse, FailureReason};
use helenus_engine::cursor::ReadMode;
use helenus_engine::error::ReadError;
use helenus_model::consistency::Consistency;
use helenus_model::key::{KeyRef, RingPosition};
use helenus_model::read::{ReadCommand, ReadScope};

use super::client::Reply;
use super::consistency::Requirement;
use super::index_read::IndexWait;
use super::operation::{Kind, Operation};
use super::{AwaitingSync, Coordinator, LOCAL, SlotId, errors};
use crate::answer::{Answer, AnswerWriter, Fed, digest};
use crate::message::Message;
use crate::scan::{self, Scanned};
use crate::topology::NodeIndex;
use crate::view::KeyspaceView;

/// A replica asked.
#[derive(Debug)]
pub(super) struct ReadTarget {
    pub(super) peer: u16,
    pub(super) wants_digest: bool,
    pub(super) state: ReadState,
}

/// What a replica said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReadState {
    Waiting,
    Data(Vec<u8>),
    Digest([u8; 16]),
    Failed(u16),
}

/// How far a read is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// One full answer and digests.
    #[default]
    First,
    /// Full answers from all, because digests differed.
    Full,
    /// Repairs were sent; the merged answer waits for their acknowledgement: part and peer of each.
    Repair { merged: Vec<u8>, waiting: Vec<(u32, u16)> },
}

/// A part of the ring to be read, and who holds it.
#[derive(Debug)]
struct Part {
    command: ReadCommand,
    /// Alive replicas in the order of preference.
    replicas: Vec<u16>,
    block_for: usize,
}

/// A read command being answered.
#[derive(Debug, Default)]
pub(super) struct ReadWait {
    parts: VecDeque<Part>,
    pub(super) targets: Vec<ReadTarget>,
    /// Replicas of the current part that were not asked yet.
    spare: Vec<u16>,
    pub(super) phase: Phase,
    /// Parts of the operation before `targets[0]`: late answers of earlier rounds have lower numbers.
    first: u32,
    /// This command needs this node's own engine only.
    here: bool,
    /// The read through an index that found the rows of the current command.
    pub(super) index: Option<Box<IndexWait>>,
}

impl ReadWait {
    /// A read of this node's own data.
    pub(super) fn here(command: ReadCommand) -> Self {
        let part = Part { command, replicas: vec![LOCAL], block_for: 1 };
        ReadWait { parts: VecDeque::from([part]), here: true, ..ReadWait::default() }
    }

    /// Parts of the operation that wait for this peer.
    pub(super) fn parts_waiting_for(&self, peer: u16) -> Vec<u32> {
        let waits = |(i, target): (usize, &ReadTarget)| {
            (target.peer == peer && target.state == ReadState::Waiting).then_some(self.first + i as u32)
        };
        self.targets.iter().enumerate().filter_map(waits).collect()
    }

    pub(super) fn command(&self) -> Option<&ReadCommand> {
        self.parts.front().map(|part| &part.command)
    }

    pub(super) fn command_mut(&mut self) -> Option<&mut ReadCommand> {
        self.parts.front_mut().map(|part| &mut part.command)
    }

    /// Number of the next part that may be given out.
    pub(super) fn next_part(&self) -> u32 {
        self.first + self.targets.len() as u32
    }

    fn block_for(&self) -> usize {
        self.parts.front().map_or(1, |part| part.block_for)
    }

    fn answered(&self) -> usize {
        self.targets.iter().filter(|t| matches!(t.state, ReadState::Data(_) | ReadState::Digest(_))).count()
    }

    fn is_waiting(&self) -> bool {
        self.targets.iter().any(|target| target.state == ReadState::Waiting)
    }
}

impl Coordinator {
    /// True when this node alone can answer: it holds everything the command asks for and the level wants one replica.
    #[inline]
    pub(super) fn is_local_read(&self, keyspace: &KeyspaceView, command: &ReadCommand, level: Consistency) -> bool {
        let one = matches!(level, Consistency::One | Consistency::LocalOne)
            || keyspace.replication.total_factor() == 1 && !matches!(level, Consistency::Two | Consistency::Three);
        if !one {
            return false;
        }
        let is_here = |replicas: &[NodeIndex]| replicas.iter().any(|node| self.peer_of(*node) == LOCAL);
        match &command.scope {
            ReadScope::Partition { key } => is_here(keyspace.placement.replicas(KeyRef::new(key).token)),
            ReadScope::Range { .. } => {
                matches!(keyspace.placement.ranges().as_slice(), [(_, _, replicas)] if is_here(replicas))
            }
        }
    }

    /// Cuts a command along the ring and finds the replicas of each part.
    pub(super) fn plan_read(
        &mut self,
        keyspace: &str,
        command: ReadCommand,
        level: Consistency,
    ) -> Result<ReadWait, ErrorResponse> {
        let view = Arc::clone(&self.view);
        let Some(keyspace) = view.keyspace(keyspace) else {
            return Err(errors::invalid(format!("Keyspace '{keyspace}' does not exist")));
        };
        let requirement = Requirement::new(level, &keyspace.replication, &self.shared.config.datacenter);
        let mut parts = VecDeque::new();
        match &command.scope {
            ReadScope::Partition { key } => {
                let nodes = keyspace.placement.replicas(KeyRef::new(key).token);
                parts.push_back(self.plan_part(command.clone(), nodes, &requirement)?);
            }
            ReadScope::Range { start, end, resume } => {
                for (after, until, nodes) in keyspace.placement.ranges() {
                    let from = after.map_or(RingPosition::FIRST, RingPosition::after).max(start.clone());
                    let to = until.map_or(RingPosition::LAST, RingPosition::after).min(end.clone());
                    if from < to {
                        let scope = ReadScope::Range { start: from, end: to, resume: resume.clone() };
                        let part = ReadCommand { scope, ..command.clone() };
                        parts.push_back(self.plan_part(part, nodes, &requirement)?);
                    }
                }
            }
        }
        Ok(ReadWait { parts, ..ReadWait::default() })
    }

    fn plan_part(
        &self,
        command: ReadCommand,
        nodes: &[NodeIndex],
        requirement: &Requirement,
    ) -> Result<Part, ErrorResponse> {
        let own_datacenter = self.shared.config.datacenter.as_str();
        let checked = requirement.check(&self.view, nodes, own_datacenter, |node| self.is_alive(node));
        if let Err(error) = checked {
            self.count_failure(&self.shared.stats.reads.unavailables);
            return Err(errors::unavailable(requirement.level, error));
        }
        let mut replicas: Vec<(u8, u16)> = Vec::with_capacity(nodes.len());
        for node in nodes.iter().filter(|node| self.is_alive(**node)) {
            let datacenter = self.view.node(*node).datacenter.as_str();
            if requirement.counts(datacenter, own_datacenter) {
                let peer = self.peer_of(*node);
                let distance = if peer == LOCAL { 0 } else { 1 + u8::from(datacenter != own_datacenter) };
                replicas.push((distance, peer));
            }
        }
        // Stable: among equals the ring's order stays.
        replicas.sort_by_key(|(distance, _)| *distance);
        let mut replicas: Vec<u16> = replicas.into_iter().map(|(_, peer)| peer).collect();
        self.spread_each_quorum(&mut replicas, requirement);
        Ok(Part { command, replicas, block_for: requirement.block_for as usize })
    }

    /// EACH_QUORUM reads ask a quorum of every data centre first.
    fn spread_each_quorum(&self, replicas: &mut Vec<u16>, requirement: &Requirement) {
        if requirement.each.is_empty() {
            return;
        }
        let datacenter = |peer: u16| match peer {
            LOCAL => self.shared.config.datacenter.as_str(),
            peer => self.peers[usize::from(peer)].datacenter.as_str(),
        };
        let mut first = Vec::new();
        for (name, needed) in &requirement.each {
            first.extend(replicas.iter().copied().filter(|peer| datacenter(*peer) == name).take(*needed as usize));
        }
        replicas.retain(|peer| !first.contains(peer));
        first.append(replicas);
        *replicas = first;
    }

    /// Asks the replicas of the read's current part.
    pub(super) fn send_reads(&mut self, id: SlotId) {
        let Some(read) = self.operations.get_mut(id).and_then(Operation::reading) else { return };
        let Some(part) = read.parts.front() else { return self.resume_select(id) };
        read.first += read.targets.len() as u32;
        read.targets.clear();
        read.phase = Phase::First;
        read.index = None;
        let (now, later) = part.replicas.split_at(part.block_for.min(part.replicas.len()));
        read.spare = later.to_vec();
        for (i, peer) in now.iter().enumerate() {
            read.targets.push(ReadTarget { peer: *peer, wants_digest: i > 0, state: ReadState::Waiting });
        }
        let first = read.first;
        let count = read.targets.len() as u32;
        // The others first: they work while this node does its own part.
        for part in (first..first + count).rev() {
            self.send_read(id, part);
        }
    }

    /// Asks one replica.
    pub(super) fn send_read(&mut self, id: SlotId, part: u32) {
        let schema_epoch = self.view.schema().epoch;
        let Some(mut operation) = self.operations.take(id) else { return };
        let Some(read) = operation.reading() else { return self.operations.put_back(id, operation) };
        let target = part.checked_sub(read.first).and_then(|i| read.targets.get(i as usize));
        let (Some(target), Some(command)) = (target, read.command()) else {
            return self.operations.put_back(id, operation);
        };
        let (peer, wants_digest, here) = (target.peer, target.wants_digest, read.here);
        if peer != LOCAL {
            let mut bytes = Vec::new();
            command.encode(&mut bytes);
            let message = Message::Read { digest: wants_digest, schema_epoch, command: &bytes };
            self.request(peer, id, part, &message);
            return self.operations.put_back(id, operation);
        }
        if here {
            // It was tried on this thread before.
            let command = command.clone();
            self.operations.put_back(id, operation);
            return self.read_task(&command, id, part);
        }
        self.operations.put_back(id, operation);
        // Run from a loop, not from here: its answer may bring the next read of the same statement, and so on.
        self.local_reads.push_back((id, part));
    }

    /// Does this node's own parts of reads.
    pub(super) fn run_local_reads(&mut self) {
        while let Some((id, part)) = self.local_reads.pop_front() {
            let Some(read) = self.operations.get_mut(id).and_then(Operation::reading) else { continue };
            let Some(command) = read.command().cloned() else { continue };
            let mut answer = Vec::new();
            let mode = ReadMode { may_block: false, rows_budget: u64::from(self.shared.config.inline_rows_max) };
            let mut writer = AnswerWriter::of_read(&mut answer, &command);
            let scanned = self.shared.table(command.table);
            let scanned = scanned.and_then(|table| scan::read(&self.shared, &table, &command, mode, &mut writer));
            match scanned {
                Ok(scanned) => {
                    writer.finish();
                    self.local_read_done(id, part, &command, Ok((answer, scanned)));
                }
                Err(ReadError::WouldBlock | ReadError::OverBudget) => self.read_task(&command, id, part),
                Err(error) => self.local_read_done(id, part, &command, Err(error)),
            }
        }
    }

    /// This node's own part of a read is done.
    pub(super) fn local_read_done(
        &mut self,
        id: SlotId,
        part: u32,
        command: &ReadCommand,
        answer: Result<(Vec<u8>, Scanned), ReadError>,
    ) {
        match answer {
            Ok((answer, scanned)) => {
                if let Some(warning) = self.scan_warning(scanned, command)
                    && let Some(Operation { kind: Kind::Select(select), .. }) = self.operations.get_mut(id)
                    && !select.warnings.contains(&warning)
                {
                    select.warnings.push(warning);
                }
                match self.shared.engine.unsynced_position(command) {
                    None => self.set_read_state(id, part, ReadState::Data(answer)),
                    Some(position) => self.await_sync(position, AwaitingSync::OwnRead(id, part, answer)),
                }
            }
            Err(error) => {
                tracing::error!(%error, "a read failed here");
                self.set_read_state(id, part, ReadState::Failed(errors::read_reason(&error)));
            }
        }
    }

    /// What is to be said of a read of this node's own data that passed many tombstones.
    #[inline]
    pub(super) fn scan_warning(&self, scanned: Scanned, command: &ReadCommand) -> Option<String> {
        if scanned.tombstones <= self.shared.config.tombstone_warn {
            return None;
        }
        let table = self.shared.table(command.table).ok()?;
        scanned.warning(&self.shared, &table, command)
    }

    /// What this node's own part of a read has seen is on the device.
    pub(super) fn own_read_synced(&mut self, id: SlotId, part: u32, answer: Vec<u8>) {
        self.set_read_state(id, part, ReadState::Data(answer));
    }

    /// A peer's part of a read is done.
    pub(super) fn read_answered(&mut self, id: SlotId, part: u32, message: Message<'_>) {
        let state = match message {
            Message::Data(bytes) if Answer::validate(bytes).is_ok() => ReadState::Data(bytes.to_vec()),
            Message::Data(_) => {
                tracing::error!("a peer's answer to a read cannot be decoded");
                ReadState::Failed(FailureReason::Unknown.code())
            }
            Message::Digest(digest) => ReadState::Digest(digest),
            Message::ReadFailed(reason) => ReadState::Failed(reason),
            _ => return,
        };
        self.set_read_state(id, part, state);
    }

    fn set_read_state(&mut self, id: SlotId, part: u32, state: ReadState) {
        let Some(read) = self.operations.get_mut(id).and_then(Operation::reading) else { return };
        let Some(i) = part.checked_sub(read.first) else { return };
        let Some(target) = read.targets.get_mut(i as usize) else { return };
        if target.state != ReadState::Waiting {
            return;
        }
        let failed = matches!(state, ReadState::Failed(_));
        target.state = state;
        if failed {
            self.ask_another(id, i as usize);
        }
        self.settle_read(id);
    }

    /// A replica failed: the next one is asked in its place.
    fn ask_another(&mut self, id: SlotId, failed: usize) {
        let is_up = |peers: &[super::Peer], peer: u16| peer == LOCAL || peers[usize::from(peer)].up;
        let Some(read) = self.operations.get_mut(id).and_then(Operation::reading) else { return };
        while !read.spare.is_empty() {
            let peer = read.spare.remove(0);
            if is_up(&self.peers, peer) {
                let wants_digest = read.targets[failed].wants_digest && read.phase == Phase::First;
                read.targets.push(ReadTarget { peer, wants_digest, state: ReadState::Waiting });
                let part = read.first + read.targets.len() as u32 - 1;
                return self.send_read(id, part);
            }
        }
    }

    /// Looks whether the answers are enough.
    fn settle_read(&mut self, id: SlotId) {
        let Some(read) = self.operations.get_mut(id).and_then(Operation::reading) else { return };
        let enough = read.answered() >= read.block_for();
        match read.phase {
            Phase::Repair { .. } => {}
            Phase::First if enough => self.compare_answers(id),
            Phase::Full if enough && !read.is_waiting() => self.reconcile_answers(id),
            _ if !read.is_waiting() => self.fail_read(id, false),
            _ => {}
        }
    }

    /// Enough replicas have answered: if they agree, the full answer is the result.
    fn compare_answers(&mut self, id: SlotId) {
        let Some(mut operation) = self.operations.take(id) else { return };
        let Some(read) = operation.reading() else { return self.operations.put_back(id, operation) };
        let agreed = {
            let digests = self.digests_agree(read);
            digests && read.targets.iter().any(|target| matches!(target.state, ReadState::Data(_)))
        };
        if !agreed {
            self.operations.put_back(id, operation);
            return self.read_all_fully(id);
        }
        let data = read.targets.iter_mut().find_map(|target| match &mut target.state {
            ReadState::Data(data) => Some(std::mem::take(data)),
            _ => None,
        });
        self.operations.put_back(id, operation);
        self.deliver(id, &data.unwrap_or_default());
    }

    fn digests_agree(&mut self, read: &ReadWait) -> bool {
        let answers = read.answered();
        if answers <= 1 {
            return true;
        }
        let Some(command) = read.command() else { return true };
        let gc_before = self.gc_before(command);
        let mut seen = None;
        for target in &read.targets {
            let digest = match &target.state {
                ReadState::Data(data) => digest(Answer::new(data), command.now, gc_before, &mut self.scratch.digest),
                ReadState::Digest(digest) => *digest,
                _ => continue,
            };
            if *seen.get_or_insert(digest) != digest {
                return false;
            }
        }
        true
    }

    /// Tombstones issued before this second may be purged, so replicas may differ in them.
    pub(super) fn gc_before(&self, command: &ReadCommand) -> i64 {
        let table = self.view.schema().table_by_id(command.table);
        command.now - table.map_or(0, |table| i64::from(table.params.gc_grace_seconds))
    }

    /// Digests differ: every replica asked is asked for everything.
    fn read_all_fully(&mut self, id: SlotId) {
        let Some(read) = self.operations.get_mut(id).and_then(Operation::reading) else { return };
        let peers: Vec<u16> = read
            .targets
            .iter()
            .filter(|target| !matches!(target.state, ReadState::Failed(_)))
            .map(|target| target.peer)
            .collect();
        self.count_failure(&self.shared.stats.read_repairs);
        self.ask_fully(id, &peers);
    }

    /// Asks these replicas for full data, forgetting earlier answers.
    pub(super) fn ask_fully(&mut self, id: SlotId, peers: &[u16]) {
        let Some(read) = self.operations.get_mut(id).and_then(Operation::reading) else { return };
        read.first += read.targets.len() as u32;
        read.phase = Phase::Full;
        read.targets = peers
            .iter()
            .map(|peer| ReadTarget { peer: *peer, wants_digest: false, state: ReadState::Waiting })
            .collect();
        let first = read.first;
        for part in (first..first + peers.len() as u32).rev() {
            self.send_read(id, part);
        }
    }

    /// The result of the current part: consumed, then the next part or the next command.
    pub(super) fn deliver(&mut self, id: SlotId, answer: &[u8]) {
        let Some(Operation { kind: Kind::Select(select), .. }) = self.operations.get_mut(id) else {
            return self.deliver_inside(id, answer);
        };
        let fed = select.consume(answer);
        if matches!(fed, Fed::Short(_)) {
            self.shared.stats.short_answers.fetch_add(1, Relaxed);
        }
        select.read.parts.pop_front();
        // Behind the end of a short answer the execution's next command goes on: what it asks for is less than this one's parts.
        if select.read.parts.is_empty() || fed != Fed::Whole {
            self.resume_select(id);
        } else {
            self.send_reads(id);
        }
    }

    /// No answer can be given any more, or not in time.
    pub(super) fn fail_read(&mut self, id: SlotId, timed_out: bool) {
        let own_address = self.shared.config.internode;
        let Some(operation) = self.end(id) else { return };
        let (read, level) = match &operation.kind {
            Kind::Select(select) => (&select.read, select.level),
            Kind::Read(inner) => (&inner.read, inner.level),
            _ => return,
        };
        let (received, block_for) = (read.answered() as u32, read.block_for() as u32);
        let data_present = read.targets.iter().any(|target| matches!(target.state, ReadState::Data(_)));
        let mut failures = Vec::new();
        let mut lost = timed_out;
        for target in &read.targets {
            if let ReadState::Failed(reason) = target.state {
                lost |= reason == FailureReason::NodeDown.code();
                let host = (target.peer != LOCAL).then(|| self.peers[usize::from(target.peer)].host);
                let node = host.and_then(|host| self.view.metadata.nodes.get(&host));
                let address = node.map_or(own_address, |node| node.internode);
                failures.push((address, FailureReason::from_code(reason)));
            }
        }
        let error = if lost || failures.is_empty() {
            self.count_failure(&self.shared.stats.reads.timeouts);
            errors::read_timeout(level, received, block_for, data_present)
        } else {
            self.count_failure(&self.shared.stats.reads.failures);
            errors::read_failure(level, received, block_for, data_present, failures)
        };
        match (operation.asker, operation.kind) {
            (Some(asker), Kind::Select(select)) => {
                self.note_slow(asker.began, &select.statement);
                self.respond(asker, Reply::Error(error), Vec::new());
            }
            (_, Kind::Read(inner)) => self.inner_read_done(inner.reader, Err(error)),
            _ => {}
        }
    }

    /// Time is up.
    pub(super) fn read_expired(&mut self, id: SlotId) {
        self.fail_read(id, true);
    }
}
