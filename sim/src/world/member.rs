//! Members: their processes, disks, clocks, syncs and background work.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use helenus_cluster::config::{MemberConfig, SyncMode};
use helenus_cluster::coordinator::{Coordinator, SlotId};
use helenus_cluster::member::Member;
use helenus_engine::disk::Disk;
use helenus_engine::disk_memory::{Faults, MemoryDisk};
use helenus_engine::engine::{Job, JobProgress};
use helenus_model::rng::Rng;
use helenus_model::time::Now;
use uuid::Uuid;

use super::World;
use crate::net::Side;
use crate::options::{COORDINATORS, Options, Sabotage};
use crate::queue::{Event, MemberRun, Place};

/// The wall clock when a run begins, microseconds since the Unix epoch: some day in 2026.
pub const WALL_START_MICROS: i64 = 1_780_000_000_000_000;
/// Between two ticks of a coordinator, microseconds.
pub(super) const COORDINATOR_TICK: u64 = 10_000;
/// Between two ticks of a control part.
pub(super) const CONTROL_TICK: u64 = 20_000;

/// A link that a coordinator wants.
#[derive(Debug, Default)]
pub struct PeerLink {
    /// The link, while there is one, established or not.
    pub link: Option<u64>,
    /// True while a new attempt is on the queue.
    pub dialing_later: bool,
}

/// A coordinator of a running member.
#[derive(Debug)]
pub struct CoordinatorSlot {
    /// The coordinator.
    pub coordinator: Coordinator,
    /// A [`Event::Flush`] is on the queue.
    pub flush_due: bool,
    /// Its links to others.
    pub peers: BTreeMap<Uuid, PeerLink>,
    /// Links of its clients.
    pub clients: BTreeMap<SlotId, u64>,
    /// When the last of what others told it arrives, so that it hears things in order.
    pub heard_until: u64,
}

/// A control link being opened or open.
#[derive(Debug)]
pub struct ControlLink {
    /// The link.
    pub link: u64,
    /// Frames that wait for it to open.
    pub waiting: Vec<Vec<u8>>,
}

/// A running process.
#[derive(Debug)]
pub struct Running {
    /// The member.
    pub member: Member,
    /// Its coordinators.
    pub coordinators: Vec<CoordinatorSlot>,
    /// Links of its control part.
    pub control_links: BTreeMap<SocketAddr, ControlLink>,
    /// It may serve clients.
    pub serves: bool,
    job: Option<Job>,
    syncing: bool,
    started_at: u64,
    clock_base: u64,
}

/// A member, running or not.
#[derive(Debug)]
pub struct MemberSlot {
    /// Its process.
    pub running: Option<Running>,
    /// Number of its life.
    pub run: u32,
    /// Its disk.
    pub disk: MemoryDisk,
    /// False after a power cut: then nobody even says that nobody listens.
    pub powered: bool,
    /// Operation of the disk at which the process dies, and whether the power goes.
    pub dies_at: Option<(u64, bool)>,
    config: MemberConfig,
    skew_micros: i64,
    rng: Rng,
}

impl MemberSlot {
    /// Of an empty disk.
    pub fn new(member: usize, options: &Options, mut rng: Rng) -> Self {
        let skew_micros = rng.below(options.skew_micros + 1) as i64;
        MemberSlot {
            running: None,
            run: 0,
            disk: MemoryDisk::new(),
            powered: true,
            dies_at: None,
            config: options.member_config(member),
            skew_micros,
            rng,
        }
    }

    fn now(&self, now: u64, started_at: u64, clock_base: u64) -> Now {
        Now {
            wall_micros: WALL_START_MICROS + now as i64 + self.skew_micros,
            monotonic_micros: clock_base + (now - started_at),
        }
    }
}

impl World {
    /// The clocks of a running member.
    pub fn member_now(&self, member: usize) -> Now {
        let slot = &self.members[member];
        let (started_at, base) =
            slot.running.as_ref().map_or((0, 0), |running| (running.started_at, running.clock_base));
        slot.now(self.queue.now(), started_at, base)
    }

    /// The process of this life, if it still runs.
    pub fn running(&mut self, at: MemberRun) -> Option<&mut Running> {
        let slot = &mut self.members[at.member];
        if slot.run == at.run { slot.running.as_mut() } else { None }
    }

    pub(super) fn slot(&mut self, place: Place) -> Option<&mut CoordinatorSlot> {
        self.running(place.at).and_then(|running| running.coordinators.get_mut(place.number))
    }

    /// The life a member is in.
    pub fn at(&self, member: usize) -> MemberRun {
        MemberRun { member, run: self.members[member].run }
    }

    /// Starts a member's process, if it does not run.
    pub fn start_member(&mut self, member: usize) {
        if self.members[member].running.is_some() {
            return;
        }
        let slot = &mut self.members[member];
        slot.run += 1;
        slot.powered = true;
        slot.dies_at = None;
        slot.disk.set_faults(Faults { cold_reads_every: self.options.cold_reads_every, ..Faults::default() });
        let disk: Arc<dyn Disk> = match self.options.wrap_disk {
            Some(wrap) => wrap(slot.disk.clone()),
            None => Arc::new(slot.disk.clone()),
        };
        let started_at = self.queue.now();
        let clock_base = slot.rng.below(3_000_000);
        let now = slot.now(started_at, started_at, clock_base);
        let seed = slot.rng.next_u64();
        let opened = Member::open(slot.config.clone(), self.options.engine.clone(), disk, now, seed);
        let mut opened = match opened {
            Ok(opened) => opened,
            Err(error) => return self.fail("a member starts again", format!("member {member}: {error}")),
        };
        self.coverage.torn_logs += u64::from(opened.replay.torn_bytes > 0);
        let replay = format!("{:?}", opened.replay);
        let coordinators = (0..COORDINATORS as u16)
            .map(|number| CoordinatorSlot {
                coordinator: opened.coordinator(number, now),
                flush_due: false,
                peers: BTreeMap::new(),
                clients: BTreeMap::new(),
                heard_until: 0,
            })
            .collect();
        slot.running = Some(Running {
            member: opened,
            coordinators,
            control_links: BTreeMap::new(),
            serves: false,
            job: None,
            syncing: false,
            started_at,
            clock_base,
        });
        let run = slot.run;
        self.say(|| format!("member {member} starts (life {run}): {replay}"));
        self.trace.bytes(started_at, member as u64, replay.as_bytes());
        self.start_clocks(member);
    }

    fn start_clocks(&mut self, member: usize) {
        let at = self.at(member);
        for number in 0..COORDINATORS {
            let phase = self.rng.below(COORDINATOR_TICK);
            self.queue.after(phase, Event::CoordinatorTick(Place { at, number }));
        }
        let phase = self.rng.below(CONTROL_TICK);
        self.queue.after(phase, Event::ControlTick(at));
        self.queue.after(phase + 1_000, Event::Job(at));
        if self.options.sync_mode == SyncMode::Periodic {
            self.queue.after(phase + 2_000, Event::Sync(at));
        }
        self.pump_control(at);
    }

    /// Ends a member's process at once. What it handed to the operating system stays, unless the power goes.
    pub fn kill_member(&mut self, member: usize, power_cut: bool) {
        let slot = &mut self.members[member];
        let Some(ended) = slot.running.take() else { return };
        self.coverage.add_life(&ended.member.shared.stats);
        let slot = &mut self.members[member];
        slot.dies_at = None;
        slot.powered = !power_cut;
        let disk = slot.disk.clone();
        disk.crash(power_cut, &mut slot.rng);
        self.say(|| format!("member {member} {}", if power_cut { "loses its power" } else { "is killed" }));
        for id in self.net.ids() {
            for side in [Side::Dialer, Side::Acceptor] {
                let Some(link) = self.net.link(id) else { continue };
                if !link.open[side as usize] || link.owners[side as usize].member() != Some(member) {
                    continue;
                }
                if power_cut {
                    // The other end learns it from a reset after the start, or gives up.
                    let delay = self.rng.between(10_000, 15_000_000);
                    self.queue.after(delay, Event::Broken(id, side.other()));
                    self.net.forget_side(id, side);
                } else {
                    self.net.close(&mut self.queue, id, side);
                }
            }
        }
    }

    /// The disk did not do what a process wanted: it was to die there, or nothing may fail.
    pub(super) fn disk_failed(&mut self, member: usize, what: &str) {
        match self.members[member].dies_at {
            Some((_, power_cut)) => self.kill_member(member, power_cut),
            None => self.fail("a sound disk works", format!("member {member}: {what}")),
        }
    }

    /// Kills a process whose last operation on the disk was to be its last. True: it is dead.
    pub(crate) fn died(&mut self, member: usize) -> bool {
        let slot = &self.members[member];
        let Some((operation, power_cut)) = slot.dies_at else { return slot.running.is_none() };
        if slot.disk.operations() > operation {
            self.kill_member(member, power_cut);
            return true;
        }
        false
    }

    /// Asks for a sync of the log, unless one is under way.
    pub(super) fn want_sync(&mut self, at: MemberRun) {
        let delay = 20 + self.rng.below(self.options.sync_micros_max);
        let Some(running) = self.running(at) else { return };
        if !std::mem::replace(&mut running.syncing, true) {
            self.queue.after(delay, Event::Sync(at));
        }
    }

    pub(super) fn sync_log(&mut self, at: MemberRun) {
        let sabotaged = self.options.sabotage == Sabotage::AnswerBeforeSync;
        let periodic = self.options.sync_mode == SyncMode::Periodic;
        let Some(running) = self.running(at) else { return };
        let wanted = std::mem::replace(&mut running.syncing, false);
        let engine = Arc::clone(&running.member.shared.engine);
        let position = if !engine.log_needs_sync() {
            Ok(engine.log_synced_position())
        } else if sabotaged {
            Ok(helenus_engine::log::LogPosition { segment: u32::MAX, offset: 0 })
        } else {
            if wanted { engine.log_sync_awaited() } else { engine.log_sync() }
        };
        match position {
            Err(error) => return self.disk_failed(at.member, &error.to_string()),
            Ok(_) if self.died(at.member) => return,
            Ok(position) => {
                for number in 0..COORDINATORS {
                    let place = Place { at, number };
                    let when = self.hear(place, 200);
                    self.queue.at(when, Event::Synced(place, position));
                }
            }
        }
        // One that somebody waited for (conditional writes do in every mode) is not one of the periodic ones.
        if periodic && !wanted {
            let period = self.rng.between(500_000, 3_000_000);
            self.queue.after(period, Event::Sync(at));
        }
    }

    /// When a coordinator hears something that is said now, microseconds.
    pub(super) fn hear(&mut self, place: Place, delay_max: u64) -> u64 {
        let at = self.queue.now() + 5 + self.rng.below(delay_max);
        match self.slot(place) {
            Some(slot) => {
                slot.heard_until = slot.heard_until.max(at);
                slot.heard_until
            }
            None => at,
        }
    }

    pub(super) fn run_job(&mut self, at: MemberRun) {
        let now = self.member_now(at.member);
        let pause = self.rng.between(1_000, 40_000);
        let budget = self.rng.between(1_000, 60_000);
        let Some(running) = self.running(at) else { return };
        let engine = Arc::clone(&running.member.shared.engine);
        let job = running.job.take().or_else(|| engine.next_job(now));
        let mut failed = None;
        if let Some(mut job) = job {
            match job.run_slice(&engine, budget, now) {
                Ok(JobProgress::More { .. }) => running.job = Some(job),
                Ok(JobProgress::Done(summary)) => {
                    let text = format!("{summary:?}");
                    self.say(|| format!("member {}: job done, {text}", at.member));
                    self.trace.bytes(self.queue.now(), at.member as u64, text.as_bytes());
                }
                Err(error) => failed = Some(error.to_string()),
            }
        }
        if let Some(error) = failed {
            return self.disk_failed(at.member, &error);
        }
        if !self.died(at.member) {
            self.queue.after(pause, Event::Job(at));
        }
    }
}
