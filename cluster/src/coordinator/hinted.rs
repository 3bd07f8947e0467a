//! What must not be done before a hint is durable: acknowledge a write at ANY that has nothing but hints, forget a batch that some
//! replica has as a hint only. Durable means: the kernel has it; in batch and group mode, the device (ARCHITECTURE.md, the way of a write).
//!
//! A sync waits for the device, so it is a task. There is one at a time; whoever comes meanwhile waits for the next.

use helenus_cql_protocol::response::FailureReason;
use helenus_engine::disk::DiskError;
use uuid::Uuid;

use super::batch::BatchPlaces;
use super::{Coordinator, SlotId};
use crate::config::SyncMode;
use crate::task::Task;

/// Who waits for hints.
#[derive(Debug)]
pub(super) enum AwaitingHints {
    /// A part of a write at ANY that is a hint.
    Part(SlotId, u32),
    /// A batch whose mutations are written or hinted, to be forgotten where it is stored.
    Forget(BatchPlaces),
    /// A batch that was replayed, to be forgotten here.
    Replayed(Uuid),
}

/// Who waits, and the sync under way.
#[derive(Debug, Default)]
pub(super) struct Hinted {
    /// With the number of hints that must be durable ([`crate::hints::HintStore::write`]).
    waiting: Vec<(u64, AwaitingHints)>,
    under_way: bool,
}

impl Coordinator {
    /// Goes on with `waiter` when so many hints are durable: at once, or after a task.
    pub(super) fn after_hints(&mut self, hints: u64, waiter: AwaitingHints) {
        if hints <= self.durable_hints() {
            return self.hints_are_durable(waiter);
        }
        self.hinted.waiting.push((hints, waiter));
        self.sync_hints();
    }

    fn sync_hints(&mut self) {
        if !std::mem::replace(&mut self.hinted.under_way, true) {
            let to_device = self.shared.config.sync_mode == SyncMode::Synced;
            self.tasks.push(Task::SyncHints { to_device });
        }
    }

    /// How many of the hints written since the start are durable in this node's mode.
    pub(super) fn durable_hints(&self) -> u64 {
        match self.shared.config.sync_mode {
            SyncMode::Synced => self.shared.hints.synced(),
            SyncMode::Periodic => self.shared.hints.flushed(),
        }
    }

    fn hints_are_durable(&mut self, waiter: AwaitingHints) {
        match waiter {
            AwaitingHints::Part(id, part) => self.hint_is_durable(id, part),
            AwaitingHints::Forget(places) => self.forget_batch(&places),
            AwaitingHints::Replayed(batch) => self.forget_replayed(batch),
        }
    }

    /// The task has run.
    pub(super) fn hints_synced(&mut self, result: Result<(), DiskError>) {
        self.hinted.under_way = false;
        if let Err(error) = result {
            tracing::error!(%error, "hints cannot be made durable: batches stay stored until they can");
            for (_, waiter) in std::mem::take(&mut self.hinted.waiting) {
                match waiter {
                    AwaitingHints::Part(id, part) => self.part_failed(id, part, FailureReason::Unknown.code()),
                    // Whoever stores it replays it.
                    AwaitingHints::Forget(_) => {}
                    AwaitingHints::Replayed(batch) => self.background.replay_again(batch),
                }
            }
            return;
        }
        let durable = self.durable_hints();
        let waiting = std::mem::take(&mut self.hinted.waiting);
        let (ready, waiting) = waiting.into_iter().partition(|(hints, _)| *hints <= durable);
        self.hinted.waiting = waiting;
        if !self.hinted.waiting.is_empty() {
            self.sync_hints();
        }
        let ready: Vec<(u64, AwaitingHints)> = ready;
        for (_, waiter) in ready {
            self.hints_are_durable(waiter);
        }
    }
}
