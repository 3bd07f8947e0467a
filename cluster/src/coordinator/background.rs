//! What coordinator 0 does unasked: hints to nodes that are back, batches whose coordinator is gone.
//!
//! Hints of one host are delivered one file at a time, a window of them in flight; when all of a file are acknowledged it is
//! removed. All hints go to the device every few seconds, in every mode. Batches are looked for every few seconds; one older than the replay age is written again with its original
//! timestamps, and forgotten when every replica has it or has a hint.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use helenus_cql_protocol::response::WriteType;
use helenus_engine::cursor::ReadMode;
use helenus_model::consistency::Consistency;
use helenus_model::mutation::MutationRef;
use helenus_model::time::Now;
use uuid::Uuid;

use super::client::{Handled, Reply};
use super::hinted::AwaitingHints;
use super::operation::{Kind, Operation};
use super::write::{Outgoing, Then, WriteOptions};
use super::{Coordinator, SlotId};
use crate::answer::AnswerWriter;
use crate::hints::Hint;
use crate::message::{Message, WriteKind, read_list};
use crate::shared::Shared;
use crate::system;
use crate::task::{HintFile, Task};
use crate::throttle::{Throttle, part_of};

/// Hints in flight to one host.
const HINT_WINDOW: usize = 128;
/// Between two looks for hints and batches, ms.
const LOOK_MILLIS: u64 = 1_000;
/// Between two syncs of hints that nobody waits for, ms (Cassandra's `hints_flush_period`).
const HINTS_SYNC_MILLIS: u64 = 10_000;

/// State of the work above.
#[derive(Debug, Default)]
pub(super) struct Background {
    look_at: u64,
    sync_hints_at: u64,
    deliveries: BTreeMap<Uuid, Delivery>,
    down_since: BTreeMap<Uuid, u64>,
    /// Set until the first look, so that batches of an earlier run are found.
    looked_for_batches: bool,
    /// Batches stored here, with the monotonic ms they came.
    batches: BTreeMap<Uuid, u64>,
    replaying: BTreeMap<Uuid, ()>,
    /// Those of them that wait for their turn.
    due: VecDeque<Uuid>,
}

/// A hint file on its way to a host.
#[derive(Debug)]
struct Delivery {
    /// None until it is read.
    number: Option<u64>,
    hints: VecDeque<Hint>,
    in_flight: usize,
    failed: bool,
    throttle: Throttle,
}

impl Background {
    pub(super) fn peer_up(&mut self, host: Uuid) {
        self.down_since.remove(&host);
    }

    pub(super) fn peer_down(&mut self, host: Uuid) {
        if let Some(delivery) = self.deliveries.get_mut(&host) {
            delivery.failed = true;
            delivery.hints.clear();
        }
        self.down_since.entry(host).or_insert(0);
    }

    /// True unless the host is down for longer than the hint window. One that is up takes them always: it was only slow.
    pub(super) fn takes_hints(&mut self, host: Uuid, is_up: bool, shared: &Shared, now: Now) -> bool {
        if is_up {
            return true;
        }
        let now = now.monotonic_millis();
        let since = self.down_since.entry(host).or_insert(now);
        if *since == 0 {
            *since = now;
        }
        now - *since <= shared.config.hint_window_millis
    }

    pub(super) fn batch_stored(&mut self, batch: Uuid, now: Now) {
        self.batches.insert(batch, now.monotonic_millis());
    }

    pub(super) fn batch_removed(&mut self, batch: Uuid) {
        self.batches.remove(&batch);
        self.replaying.remove(&batch);
    }

    /// A batch stays stored: it is replayed again.
    pub(super) fn replay_again(&mut self, batch: Uuid) {
        self.replaying.remove(&batch);
    }
}

impl Coordinator {
    /// Time passes.
    pub(super) fn background_tick(&mut self) {
        let now = self.now.monotonic_millis();
        if self.view.local.is_none() {
            return;
        }
        self.resume_throttled();
        if now < self.background.look_at {
            return;
        }
        self.background.look_at = now + LOOK_MILLIS;
        if self.number == 0 {
            self.look_for_hints();
            self.look_for_view_builds();
            if now >= self.background.sync_hints_at {
                self.background.sync_hints_at = now + HINTS_SYNC_MILLIS;
                if self.shared.hints.needs_sync() {
                    self.tasks.push(Task::SyncHints { to_device: true });
                }
            }
            if !self.background.looked_for_batches {
                self.background.looked_for_batches = self.find_batches();
            }
        }
        self.replay_batches();
    }

    fn look_for_hints(&mut self) {
        let up: Vec<Uuid> = self.peers.iter().filter(|peer| peer.up).map(|peer| peer.host).collect();
        for host in up {
            if self.background.deliveries.contains_key(&host) || !self.shared.hints.has_hints(host) {
                continue;
            }
            self.read_hints(host, None);
        }
    }

    /// Begins with the next file for a host.
    fn read_hints(&mut self, host: Uuid, delivered: Option<u64>) {
        let delivery = Delivery {
            number: None,
            hints: VecDeque::new(),
            in_flight: 0,
            failed: false,
            throttle: Throttle::default(),
        };
        self.background.deliveries.insert(host, delivery);
        self.tasks.push(Task::ReadHints { host, delivered });
    }

    /// A hint file was read, or there is none.
    pub(super) fn hints_read(&mut self, host: Uuid, file: Option<HintFile>) {
        let Some(HintFile { number, hints, sound }) = file else {
            self.background.deliveries.remove(&host);
            return;
        };
        if !sound {
            tracing::error!(%host, number, "a hint file ends in damage: what stands before it is delivered");
        }
        let hints = hints.into_iter().filter_map(|hint| self.deliverable(hint)).collect();
        let Some(delivery) = self.background.deliveries.get_mut(&host) else { return };
        delivery.number = Some(number);
        if !delivery.failed {
            delivery.hints = hints;
        }
        self.send_hints(host);
    }

    /// A hint must decode, and something of it must be wanted.
    fn deliverable(&self, mut hint: Hint) -> Option<Hint> {
        match self.still_wanted(&hint.mutation, hint.written_millis) {
            None => {
                self.count_failure(&self.shared.stats.hints_dropped);
                return None;
            }
            Some(Cow::Borrowed(_)) => {}
            Some(Cow::Owned(part)) => hint.mutation = part,
        }
        Some(hint)
    }

    fn send_hints(&mut self, host: Uuid) {
        let Some(peer) = self.peer_of_host.get(&host).copied() else { return };
        // Shared by the nodes that send hints to one host, as in Cassandra.
        let rate = part_of(self.shared.config.hint_bytes_per_second, self.view.ring.nodes.len().saturating_sub(1));
        while let Some(delivery) = self.background.deliveries.get_mut(&host) {
            let micros = self.now.monotonic_micros;
            if delivery.in_flight >= HINT_WINDOW || !delivery.hints.is_empty() && !delivery.throttle.is_free(micros) {
                return;
            }
            let Some(hint) = delivery.hints.pop_front() else { break };
            delivery.throttle.charge(micros, hint.mutation.len(), rate);
            delivery.in_flight += 1;
            let deadline = self.deadline(self.shared.config.write_timeout_millis);
            let wait = super::write::WriteWait::single(WriteKind::Hint, peer, hint.mutation, Then::Hint(host));
            let id = self.begin(Operation::new(None, deadline, Kind::Write(wait)));
            self.send_single(id);
        }
        self.finish_delivery(host);
    }

    fn finish_delivery(&mut self, host: Uuid) {
        let Some(delivery) = self.background.deliveries.get(&host) else { return };
        let Some(number) = delivery.number else { return };
        if delivery.in_flight > 0 || !delivery.hints.is_empty() {
            return;
        }
        if delivery.failed {
            self.background.deliveries.remove(&host);
        } else {
            self.read_hints(host, Some(number));
        }
    }

    /// A hint was acknowledged, or not.
    pub(super) fn hint_delivered(&mut self, host: Uuid, done: bool) {
        if done {
            self.count_failure(&self.shared.stats.hints_delivered);
        }
        if let Some(delivery) = self.background.deliveries.get_mut(&host) {
            delivery.in_flight = delivery.in_flight.saturating_sub(1);
            if !done {
                delivery.failed = true;
                delivery.hints.clear();
            }
            self.send_hints(host);
        }
    }

    /// Finds batches that an earlier run of this node kept. False: the disk was not ready; look again.
    fn find_batches(&mut self) -> bool {
        let command = system::all_batches(self.now.seconds());
        let mut answer = Vec::new();
        let mut writer = AnswerWriter::new(&mut answer);
        if let Err(error) = self.shared.engine.read(&command, ReadMode::UNBOUNDED, &mut writer) {
            tracing::warn!(%error, "the batch log cannot be read");
            return false;
        }
        writer.finish();
        for (batch, _) in system::read_batches(&answer, self.now.seconds()) {
            self.background.batches.entry(batch).or_insert(0);
        }
        true
    }

    fn replay_batches(&mut self) {
        let now = self.now.monotonic_millis();
        let age = self.shared.config.batch_replay_after_millis;
        let due = |(batch, at): (&Uuid, &u64)| (*at + age <= now).then_some(*batch);
        let due: Vec<Uuid> = self.background.batches.iter().filter_map(due).collect();
        for batch in due {
            if self.background.replaying.insert(batch, ()).is_none() {
                self.background.due.push_back(batch);
            }
        }
        self.replay_due_batches();
    }

    fn replay_due_batches(&mut self) {
        while self.shared.batch_replay.is_free(self.now.monotonic_micros)
            && let Some(batch) = self.background.due.pop_front()
        {
            self.replay_batch(batch);
        }
    }

    /// Goes on with what had to wait for its rate.
    fn resume_throttled(&mut self) {
        self.replay_due_batches();
        let waits = |(host, delivery): (&Uuid, &Delivery)| (!delivery.hints.is_empty()).then_some(*host);
        let waiting: Vec<Uuid> = self.background.deliveries.iter().filter_map(waits).collect();
        waiting.into_iter().for_each(|host| self.send_hints(host));
    }

    fn replay_batch(&mut self, batch: Uuid) {
        let command = system::one_batch(batch, self.now.seconds());
        let mut answer = Vec::new();
        let mut writer = AnswerWriter::new(&mut answer);
        if let Err(error) = self.shared.engine.read(&command, ReadMode::UNBOUNDED, &mut writer) {
            tracing::error!(%error, %batch, "a batch cannot be read");
            self.background.replaying.remove(&batch);
            return;
        }
        writer.finish();
        let found = system::read_batches(&answer, self.now.seconds());
        let Some((_, stored)) = found.into_iter().next() else { return self.background.batch_removed(batch) };
        let rate = part_of(self.shared.config.batch_replay_bytes_per_second, self.view.ring.nodes.len());
        self.shared.batch_replay.charge(self.now.monotonic_micros, stored.len(), rate);
        let outgoing = self.batch_mutations(&stored, millis_of(batch));
        if outgoing.is_empty() {
            return self.remove_batch(batch);
        }
        let options = WriteOptions {
            // Every replica must have it, or a hint for it, before it is forgotten.
            level: Consistency::Any,
            write_type: WriteType::Batch,
            kind: WriteKind::Replay,
            warnings: Vec::new(),
            then: Then::Replayed(batch),
            decision: None,
        };
        if let Handled::Reply(Reply::Error(error), _) = self.write(None, outgoing, options) {
            tracing::error!(%batch, error = %error.message, "a batch cannot be replayed");
            self.background.replay_again(batch);
        }
    }

    /// What is still wanted of the mutations of a stored batch, written at that time.
    fn batch_mutations(&self, stored: &[u8], written_millis: i64) -> Vec<Outgoing> {
        let mutations = read_list(stored).unwrap_or_default();
        let outgoing = |bytes: &&[u8]| {
            let wanted = self.still_wanted(bytes, written_millis)?;
            let mutation = MutationRef::validate(&wanted).ok()?;
            let table = mutation.updates().find_map(|(id, _)| self.view.schema().table_by_id(id))?;
            let (keyspace, token) = (table.keyspace.as_str().into(), mutation.key.token);
            Some(Outgoing { keyspace, token, mutation: wanted.into_owned() })
        };
        mutations.iter().filter_map(outgoing).collect()
    }

    /// A batch was written again, so many hints being all that some replicas have of it; or it could not be.
    pub(super) fn batch_replayed(&mut self, batch: Uuid, done: bool, hints: u64) {
        if done {
            self.count_failure(&self.shared.stats.batches_replayed);
            self.after_hints(hints, AwaitingHints::Replayed(batch));
        } else {
            self.background.replay_again(batch);
        }
    }

    /// Every replica has the batch, or a hint for it that lasts.
    pub(super) fn forget_replayed(&mut self, batch: Uuid) {
        self.background.replay_again(batch);
        self.remove_batch(batch);
    }

    /// Sends the one mutation of an operation to its one peer.
    fn send_single(&mut self, id: SlotId) {
        let schema_epoch = self.view.schema().epoch;
        let Some(operation) = self.operations.take(id) else { return };
        let Kind::Write(wait) = &operation.kind else { return self.operations.put_back(id, operation) };
        let (peer, bytes) = wait.only();
        let up = self.peers[usize::from(peer)].up;
        if up {
            let message = Message::Write { kind: WriteKind::Hint, schema_epoch, mutation: bytes };
            self.request(peer, id, 0, &message);
        }
        self.operations.put_back(id, operation);
        if !up {
            self.write_lost(id, 0);
        }
    }
}

/// When a batch was written, ms since the epoch: its id is a time UUID.
fn millis_of(batch: Uuid) -> i64 {
    batch.get_timestamp().map_or(i64::MAX, |time| {
        let (seconds, nanos) = time.to_unix();
        seconds as i64 * 1000 + i64::from(nanos / 1_000_000)
    })
}
