//! Writes to tables with materialized views, as a coordinator does them: what is to be read first may have to be waited for, so they
//! are tasks then; what other nodes' views are to hear is sent and, once they have it, forgotten in the batch log; and coordinator 0
//! sees that every view is built.

use std::collections::BTreeSet;

use helenus_engine::cursor::ReadMode;
use helenus_engine::engine::{ViewBuild, ViewWriteError};
use helenus_engine::error::{ReadError, WriteError};
use helenus_engine::log::LogPosition;
use helenus_model::consistency::Consistency;
use helenus_model::time::Now;
use uuid::Uuid;

use super::batch::BatchPlaces;
use super::consistency::{Requirement, Tally};
use super::operation::{Kind, Operation};
use super::write::{Progress, Target, TargetState, Then, WriteWait};
use super::{AwaitingSync, Coordinator, LinkId, SlotId, errors};
use crate::config::SyncMode;
use crate::message::{Message, Outcome, WriteKind};
use crate::shared::Shared;
use crate::task::Task;
use crate::views::RemoteUpdates;

/// A write to a table with views, to be applied on this node.
#[derive(Debug)]
pub struct ViewWrite {
    bytes: Vec<u8>,
    durable: bool,
    now: Now,
    waiter: Waiter,
}

/// Who waits for it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Waiter {
    /// A part of a write of this coordinator.
    Part(SlotId, u32),
    /// A repair that a read of this coordinator waits for.
    Repair(SlotId, u32),
    /// Another node's coordinator.
    Peer(LinkId, u64),
}

/// What came of it.
pub type Viewed = Result<LogPosition, ViewWriteError>;

impl ViewWrite {
    /// Applies it on this thread.
    pub(crate) fn apply(&self, shared: &Shared, mode: ReadMode) -> Viewed {
        shared.apply_viewed(&self.bytes, self.durable, self.now, mode)
    }
}

/// The building of views.
#[derive(Debug, Default)]
pub(super) struct ViewBuilds {
    /// Under way.
    running: BTreeSet<Uuid>,
    /// Known to be built.
    done: BTreeSet<Uuid>,
}

/// The protocol's reason why a write was not applied.
fn reason(error: &ViewWriteError) -> u16 {
    match error {
        ViewWriteError::Write(error) => errors::write_reason(error),
        ViewWriteError::Read(error) => errors::read_reason(error),
    }
}

impl Coordinator {
    /// Applies a mutation of a table with views: at once, or on the pool of threads; None then.
    pub(super) fn apply_viewed(&mut self, bytes: &[u8], durable: bool, waiter: Waiter) -> Option<Viewed> {
        let mode = ReadMode { may_block: false, rows_budget: u64::from(self.shared.config.inline_rows_max) };
        match self.shared.apply_viewed(bytes, durable, self.now, mode) {
            Err(ViewWriteError::Read(ReadError::WouldBlock | ReadError::OverBudget)) => {
                let write = ViewWrite { bytes: bytes.to_vec(), durable, now: self.now, waiter };
                self.tasks.push(Task::Views(Box::new(write)));
                None
            }
            applied => {
                self.log_dirty = true;
                Some(applied)
            }
        }
    }

    /// This node's part of a write.
    pub(super) fn apply_viewed_part(&mut self, id: SlotId, part: u32, bytes: &[u8], durable: bool) {
        if let Some(applied) = self.apply_viewed(bytes, durable, Waiter::Part(id, part)) {
            self.part_applied(id, part, durable, applied);
        }
    }

    fn part_applied(&mut self, id: SlotId, part: u32, durable: bool, applied: Viewed) {
        match applied {
            Ok(position) => self.after_local_write(id, part, position, durable),
            Err(error) => {
                tracing::error!(%error, "a write failed here");
                self.write_target(id, part, TargetState::Failed(reason(&error)));
            }
        }
    }

    /// A peer's write.
    pub(super) fn apply_viewed_for_peer(&mut self, link: LinkId, id: u64, bytes: &[u8], durable: bool) {
        if let Some(applied) = self.apply_viewed(bytes, durable, Waiter::Peer(link, id)) {
            self.peer_applied(link, id, durable, applied);
        }
    }

    fn peer_applied(&mut self, link: LinkId, id: u64, durable: bool, applied: Viewed) {
        match applied {
            Ok(position) if durable => self.acknowledge_durable(link, id, position),
            Ok(_) => self.acknowledge(link, id, Outcome::Done),
            Err(error) => {
                tracing::warn!(%error, "a peer's write failed here");
                self.acknowledge(link, id, Outcome::Failed(reason(&error)));
            }
        }
    }

    /// The task has run.
    pub(super) fn views_applied(&mut self, write: &ViewWrite, applied: Viewed) {
        self.log_dirty = true;
        match write.waiter {
            Waiter::Peer(link, id) => self.peer_applied(link, id, write.durable, applied),
            Waiter::Part(id, part) => {
                self.part_applied(id, part, write.durable, applied);
                self.settle_later(id);
            }
            Waiter::Repair(id, part) => match applied {
                Ok(position) if write.durable && self.shared.config.sync_mode == SyncMode::Synced => {
                    self.await_sync(position, AwaitingSync::Operation(id, part));
                }
                Ok(_) => self.repair_acknowledged(id, part, Outcome::Done),
                Err(error) => {
                    tracing::error!(%error, "a repair failed here");
                    self.repair_acknowledged(id, part, Outcome::Failed(reason(&error)));
                }
            },
        }
    }

    /// Sends other nodes what their views are to have. The batch log of this node keeps it until they do.
    pub(super) fn send_view_updates(&mut self) {
        for remote in self.shared.view_updates.take() {
            self.send_remote(remote);
        }
    }

    fn send_remote(&mut self, remote: RemoteUpdates) {
        let RemoteUpdates { batch, updates } = remote;
        self.background.batch_stored(batch, self.now);
        let one = || Requirement { level: Consistency::One, block_for: 1, local_only: false, each: Vec::new() };
        let (mut mutations, mut targets) = (Vec::new(), Vec::new());
        let mut size = 0;
        for (host, bytes) in updates {
            // A host that is not known any more is left to the replay of the batch.
            let Some(peer) = self.peer_of_host.get(&host).copied() else { return };
            size += bytes.len();
            targets.push(Target { mutation: mutations.len() as u32, peer, state: TargetState::Waiting });
            mutations.push(Progress { bytes, tally: Tally::new(&one()), requirement: one() });
        }
        let parts: Vec<u16> = targets.iter().map(|target| target.peer).collect();
        let then = Then::ForgetBatch(BatchPlaces { batch, here: true, peers: Vec::new() });
        let wait = WriteWait::of_parts(Consistency::One, mutations, targets, Vec::new(), then);
        let deadline = self.deadline(self.shared.config.write_timeout_millis);
        let id = self.begin(Operation::new(None, deadline, Kind::Write(wait)).carrying(size));
        let schema_epoch = self.view.schema().epoch;
        let Some(operation) = self.operations.take(id) else { return };
        if let Kind::Write(wait) = &operation.kind {
            for (part, peer, mutation) in wait.parts() {
                if self.peers[usize::from(peer)].up {
                    let message = Message::Write { kind: WriteKind::Repair, schema_epoch, mutation };
                    self.request(peer, id, part, &message);
                }
            }
        }
        self.operations.put_back(id, operation);
        for (part, peer) in parts.into_iter().enumerate() {
            if !self.peers[usize::from(peer)].up {
                let down = helenus_cql_protocol::response::FailureReason::NodeDown.code();
                self.write_target(id, part as u32, TargetState::Failed(down));
            }
        }
        self.settle_later(id);
    }

    /// Begins to build the views that are not built on this node.
    pub(super) fn look_for_view_builds(&mut self) {
        if self.number != 0 || self.view.local.is_none() {
            return;
        }
        let view = std::sync::Arc::clone(&self.view);
        let schema = view.schema();
        self.view_builds.done.retain(|id| schema.table_by_id(*id).is_some());
        for (table, _) in schema.views() {
            let id = table.id;
            if self.view_builds.done.contains(&id) || self.view_builds.running.contains(&id) {
                continue;
            }
            if self.shared.engine.is_view_built(id) {
                self.view_builds.done.insert(id);
            } else {
                self.view_builds.running.insert(id);
                self.tasks.push(Task::BuildView(Box::new(ViewBuild::new(id)), self.now));
            }
        }
    }

    /// Some rows were taken into a view, or could not be.
    pub(super) fn view_built(&mut self, build: Box<ViewBuild>, result: Result<bool, ViewWriteError>) {
        self.log_dirty = true;
        match result {
            Ok(true) => self.tasks.push(Task::BuildView(build, self.now)),
            Ok(false) => {
                self.view_builds.running.remove(&build.view());
            }
            Err(ViewWriteError::Write(WriteError::Overloaded)) => {
                self.view_builds.running.remove(&build.view());
            }
            Err(error) => {
                tracing::error!(%error, view = %build.view(), "a view cannot be built: it is tried again");
                self.view_builds.running.remove(&build.view());
            }
        }
    }
}
