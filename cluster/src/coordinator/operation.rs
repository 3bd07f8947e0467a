//! Requests that wait: for other nodes, for the disk, for the log, for the control part.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use helenus_cql_protocol::response::{FailureReason, WriteType};

use super::addresses::AddressId;
use super::cas::CasWait;
use super::client::{Asker, Reply};
use super::inner_read::InnerRead;
use super::read::ReadWait;
use super::select::SelectWait;
use super::statement::PreparedStatement;
use super::truncate::TruncateWait;
use super::write::WriteWait;
use super::{Coordinator, LOCAL, SlotId, errors};
use crate::control::{ProposalDone, schema_change};
use crate::message::{Message, Outcome};
use crate::task::{TaskDone, TaskReply};
use crate::topology::NodeIndex;

/// A request that waits.
#[derive(Debug)]
pub(super) struct Operation {
    /// The client; None for this node's own work (hints, batch replay), and once the client has its answer.
    pub(super) asker: Option<Asker>,
    /// Monotonic ms.
    pub(super) deadline: u64,
    /// What it holds in memory, counted against the limit of what is in flight.
    pub(super) bytes: usize,
    /// The client's address, for as long as it holds memory.
    pub(super) address: Option<AddressId>,
    pub(super) kind: Kind,
}

/// What waits.
#[derive(Debug)]
pub(super) enum Kind {
    Write(WriteWait),
    Select(Box<SelectWait>),
    /// A read for another operation.
    Read(Box<InnerRead>),
    Cas(Box<CasWait>),
    Truncate(TruncateWait),
    Login {
        name: Arc<str>,
    },
    Control,
}

/// What an operation is counted as beside the mutations it carries.
const OPERATION_BYTES: usize = 1024;

impl Operation {
    /// An operation that carries so many bytes.
    pub(super) fn carrying(self, bytes: usize) -> Self {
        Operation { bytes: self.bytes + bytes, ..self }
    }

    pub(super) fn new(asker: Option<Asker>, deadline: u64, kind: Kind) -> Self {
        let address = asker.map(|asker| asker.address);
        Operation { asker, deadline, bytes: OPERATION_BYTES, address, kind }
    }

    /// The read it waits for, if it is one that reads.
    #[inline]
    pub(super) fn reading(&mut self) -> Option<&mut ReadWait> {
        match &mut self.kind {
            Kind::Select(select) => Some(&mut select.read),
            Kind::Read(inner) => Some(&mut inner.read),
            _ => None,
        }
    }
}

/// Request ids: slot, generation and part of the operation. A slot index has 24 bits, a part 24.
fn request_id(id: SlotId, part: u32) -> u64 {
    debug_assert!(part < 1 << 24 && id.index < 1 << 24, "an operation has fewer than 16 million parts");
    u64::from(id.index) << 40 | u64::from(id.generation) << 24 | u64::from(part)
}

fn parse_request_id(id: u64) -> (SlotId, u32) {
    let slot = SlotId { index: (id >> 40) as u32, generation: (id >> 24) as u16 };
    (slot, (id & 0xff_ffff) as u32)
}

impl Coordinator {
    pub(super) fn deadline(&self, timeout_millis: u64) -> u64 {
        self.now.monotonic_millis() + timeout_millis
    }

    /// Gives an operation a slot, and a place among those that time out.
    pub(super) fn begin(&mut self, mut operation: Operation) -> SlotId {
        let deadline = operation.deadline;
        self.in_flight_bytes += operation.bytes;
        operation.address = operation.address.filter(|address| self.addresses.add(*address, operation.bytes));
        let id = self.operations.insert(operation);
        self.watch(deadline, id);
        id
    }

    /// Takes an operation out for good.
    pub(super) fn end(&mut self, id: SlotId) -> Option<Operation> {
        let operation = self.operations.remove(id)?;
        self.in_flight_bytes -= operation.bytes;
        if let Some(address) = operation.address {
            self.addresses.remove(address, operation.bytes);
        }
        Some(operation)
    }

    /// True when no more may be taken on.
    pub(super) fn is_overloaded(&self, address: AddressId) -> bool {
        let config = &self.shared.config;
        self.in_flight_bytes > config.in_flight_bytes_max
            || self.addresses.bytes(address) > config.in_flight_bytes_per_address_max
    }

    pub(super) fn watch(&mut self, deadline: u64, id: SlotId) {
        // Timeouts are few different lengths, so each queue is in order by itself.
        let timeout = deadline.saturating_sub(self.now.monotonic_millis());
        self.deadlines.entry(timeout).or_default().push_back((deadline, id));
    }

    /// Sends a request of an operation's part.
    pub(super) fn request(&mut self, peer: u16, id: SlotId, part: u32, message: &Message<'_>) {
        self.send(peer, request_id(id, part), message);
    }

    pub(super) fn peer_of(&self, node: NodeIndex) -> u16 {
        self.peer_of_node.get(usize::from(node)).copied().unwrap_or(LOCAL)
    }

    /// A peer answers.
    pub(super) fn peer_answer(&mut self, peer: u16, id: u64, message: Message<'_>) {
        let (id, part) = parse_request_id(id);
        match message {
            Message::Ack(outcome) => self.acknowledged(peer, id, part, outcome),
            Message::Data(_) | Message::Digest(_) | Message::ReadFailed(_) => self.read_answered(id, part, message),
            Message::CasAnswer(bytes) => self.peer_cas_answered(id, part, bytes),
            other => tracing::warn!(?other, "a request came where answers belong"),
        }
    }

    fn acknowledged(&mut self, peer: u16, id: SlotId, part: u32, outcome: Outcome) {
        let Some(operation) = self.operations.get_mut(id) else { return };
        match &operation.kind {
            Kind::Write(_) => self.write_acknowledged(id, part, outcome),
            Kind::Select(_) | Kind::Read(_) => self.repair_acknowledged(id, part, outcome),
            Kind::Cas(_) => self.cas_acknowledged(id, part, outcome),
            Kind::Truncate(_) => self.truncate_acknowledged(id, peer, outcome),
            Kind::Login { .. } | Kind::Control => {}
        }
    }

    /// What this node itself wrote for an operation is on the device.
    pub(super) fn operation_synced(&mut self, id: SlotId, part: u32) {
        match self.operations.get_mut(id).map(|operation| &operation.kind) {
            Some(Kind::Write(_)) => self.local_write_done(id, part),
            Some(Kind::Select(_) | Kind::Read(_)) => self.repair_acknowledged(id, part, Outcome::Done),
            _ => {}
        }
    }

    /// The link to a peer is gone: what an operation waits for from it fails.
    pub(super) fn operation_lost_peer(&mut self, id: SlotId, peer: u16) {
        let Some(operation) = self.operations.get_mut(id) else { return };
        if let Some(read) = operation.reading() {
            for part in read.parts_waiting_for(peer) {
                self.read_answered(id, part, Message::ReadFailed(FailureReason::NodeDown.code()));
            }
            return self.repair_lost_peer(id, peer);
        }
        match &operation.kind {
            Kind::Write(wait) => {
                for part in wait.parts_waiting_for(peer) {
                    self.write_lost(id, part);
                }
            }
            Kind::Cas(wait) => {
                for part in wait.parts_waiting_for(peer) {
                    self.cas_lost_peer(id, part);
                }
            }
            Kind::Select(_) | Kind::Read(_) => {}
            Kind::Truncate(_) => self.truncate_acknowledged(id, peer, Outcome::Failed(FailureReason::NodeDown.code())),
            Kind::Login { .. } | Kind::Control => {}
        }
    }

    /// A task has run.
    pub(super) fn handle_task(&mut self, done: TaskDone) {
        match done {
            TaskDone::Read { command, answer, reply: TaskReply::Operation(id, part) } => {
                self.local_read_done(id, part, &command, answer);
            }
            TaskDone::Read { command, answer, reply: TaskReply::Link { link, id, digest } } => {
                self.replica_read_done(link, id, digest, &command, answer);
            }
            TaskDone::Read { reply: TaskReply::Register(number), .. } => self.register_read(number),
            TaskDone::Password { fits, reply: TaskReply::Operation(id, _) } => self.login_done(id, fits),
            TaskDone::Password { .. } => {}
            TaskDone::Hints { host, file } => self.hints_read(host, file),
            TaskDone::HintsSynced(result) => self.hints_synced(result),
            TaskDone::Counted(increments, counted) => self.count_done(*increments, counted),
            TaskDone::ViewsApplied(write, applied) => self.views_applied(&write, applied),
            TaskDone::ViewBuilt(build, result) => self.view_built(build, result),
        }
    }

    /// The control part has done what an operation asked for.
    pub(super) fn control_reply(
        &mut self,
        id: SlotId,
        result: &Result<ProposalDone, helenus_query::error::QueryError>,
    ) {
        let Some(operation) = self.end(id) else { return };
        let Some(asker) = operation.asker else { return };
        let (reply, warnings) = match result {
            Ok(done) => {
                let reply = match &done.event {
                    Some(event) => Reply::SchemaChange(schema_change(event)),
                    None => Reply::Void,
                };
                (reply, done.warnings.clone())
            }
            Err(error) => (Reply::Error(errors::query_error(error.clone())), Vec::new()),
        };
        self.respond(asker, reply, warnings);
    }

    /// Times out what is due.
    pub(super) fn expire_operations(&mut self) {
        let now = self.now.monotonic_millis();
        let mut due = Vec::new();
        self.deadlines.retain(|_, queue| {
            while queue.front().is_some_and(|(deadline, _)| *deadline <= now) {
                if let Some((_, id)) = queue.pop_front() {
                    due.push(id);
                }
            }
            !queue.is_empty()
        });
        for id in due {
            self.expire(id, now);
        }
    }

    fn expire(&mut self, id: SlotId, now: u64) {
        let Some(operation) = self.operations.get_mut(id) else { return };
        if operation.deadline > now {
            // It was given more time.
            let deadline = operation.deadline;
            self.watch(deadline, id);
            return;
        }
        match &operation.kind {
            Kind::Write(_) => self.write_expired(id),
            Kind::Select(_) | Kind::Read(_) => self.read_expired(id),
            Kind::Cas(_) => self.cas_expired(id),
            Kind::Truncate(_) => self.truncate_expired(id),
            Kind::Login { .. } | Kind::Control => {
                let Some(operation) = self.end(id) else { return };
                if let Some(asker) = operation.asker {
                    self.respond(asker, Reply::Error(errors::server("the request took too long")), Vec::new());
                }
            }
        }
    }

    /// Counts a write of a client that was answered.
    pub(super) fn count_write(&self, began: u64) {
        self.shared.stats.writes.record(self.now.monotonic_micros.saturating_sub(began));
    }

    /// Counts a read of a client that was answered.
    pub(super) fn count_read(&self, began: u64, scan: bool) {
        let stats = if scan { &self.shared.stats.scans } else { &self.shared.stats.reads };
        stats.record(self.now.monotonic_micros.saturating_sub(began));
    }

    /// Logs a read that took longer than `slow_query_log_timeout`.
    pub(super) fn note_slow(&self, began: u64, statement: &PreparedStatement) {
        let millis = self.now.monotonic_micros.saturating_sub(began) / 1000;
        let most = self.shared.config.slow_query_millis;
        if most == 0 || millis <= most {
            return;
        }
        self.count_failure(&self.shared.stats.slow_reads);
        let query: String = statement.text.chars().take(512).collect();
        tracing::info!(millis, "slow query: {query}");
    }

    pub(super) fn count_failure(&self, counter: &std::sync::atomic::AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// The protocol's name for a kind of write.
pub(super) fn write_type(logged: bool, statements: usize) -> WriteType {
    match (logged, statements) {
        (_, 0 | 1) => WriteType::Simple,
        (true, _) => WriteType::Batch,
        (false, _) => WriteType::UnloggedBatch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_name_operation_and_part() {
        for (index, generation, part) in [(0, 0, 0), (1, 2, 3), (0xff_ffff, 0xffff, 0xff_fffe)] {
            let id = SlotId { index, generation };
            assert_eq!(parse_request_id(request_id(id, part)), (id, part));
        }
    }
}
