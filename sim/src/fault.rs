//! Faults, one after the other, of the kinds a run has.

use helenus_engine::disk_memory::Faults as DiskFaults;
use helenus_model::rng::Rng;

use crate::net::{Link, Purpose, Side};
use crate::options::Options;
use crate::queue::Event;
use crate::world::World;

/// The end of a fault.
#[derive(Clone, Debug)]
pub enum Mend {
    /// Ways that were cut are whole again.
    Ways(Vec<(usize, usize)>),
    /// Messages between two members are as quick as before.
    Delay(usize, usize),
    /// One end of a link that still crosses a cut gives it up.
    GiveUp(u64, Side),
    /// A process that was to die at an operation of its disk and did none dies now.
    Die(usize, u32),
}

/// What goes wrong, and how often it did.
#[derive(Debug)]
pub struct Faults {
    rng: Rng,
    active: bool,
    /// Members that died since the beginning.
    pub deaths: usize,
    /// Faults so far.
    pub count: usize,
}

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Delay,
    Break,
    Isolate,
    CutPair,
    OneWay,
    Kill,
    KillAll,
    PowerCut,
    PowerCutAll,
}

impl Faults {
    /// None yet.
    pub fn new(_options: &Options, rng: Rng) -> Self {
        Faults { rng, active: false, deaths: 0, count: 0 }
    }
}

fn kinds(options: &Options) -> Vec<Kind> {
    let faults = options.faults;
    [
        (faults.delays, &[Kind::Delay][..]),
        (faults.breaks, &[Kind::Break, Kind::Break]),
        (faults.partitions, &[Kind::Isolate, Kind::CutPair]),
        (faults.one_way, &[Kind::OneWay]),
        (faults.kills, &[Kind::Kill, Kind::Kill]),
        (faults.kills_all, &[Kind::KillAll]),
        (faults.power_cuts, &[Kind::PowerCut, Kind::PowerCut, Kind::PowerCutAll]),
    ]
    .into_iter()
    .filter(|(wanted, _)| *wanted)
    .flat_map(|(_, kinds)| kinds.iter().copied())
    .collect()
}

impl World {
    /// Faults begin.
    pub fn start_faults(&mut self) {
        self.faults.active = true;
        self.queue.after(self.options.fault_pause_micros, Event::Fault);
    }

    /// Everything is mended: ways are whole, processes run. Deaths on order are called off.
    pub fn mend_everything(&mut self) {
        self.faults.active = false;
        self.net.mend_all(&mut self.queue);
        for member in 0..self.members.len() {
            self.died(member);
            self.members[member].dies_at = None;
            let disk = DiskFaults { cold_reads_every: self.options.cold_reads_every, ..DiskFaults::default() };
            self.members[member].disk.set_faults(disk);
            self.start_member(member);
        }
        self.say(|| "everything is mended".to_owned());
    }

    pub(crate) fn next_fault(&mut self) {
        if !self.faults.active {
            return;
        }
        let pause = self.options.fault_pause_micros;
        let delay = self.faults.rng.between(pause, pause * 4);
        self.queue.after(delay, Event::Fault);
        let kinds = kinds(&self.options);
        if kinds.is_empty() {
            return;
        }
        let kind = kinds[self.faults.rng.index(kinds.len())];
        self.faults.count += 1;
        let a = self.faults.rng.index(self.members.len());
        let b = (a + 1 + self.faults.rng.index(self.members.len() - 1)) % self.members.len();
        self.trace.numbers(self.queue.now(), [kind as u64, a as u64, b as u64]);
        self.say(|| format!("fault: {kind:?} {a} {b}"));
        match kind {
            Kind::Delay => self.delay_messages(a, b),
            Kind::Break => self.break_some_link(),
            Kind::Isolate => {
                let others = (0..self.members.len()).filter(|other| *other != a);
                self.cut_ways(others.flat_map(|other| [(a, other), (other, a)]).collect());
            }
            Kind::CutPair => self.cut_ways(vec![(a, b), (b, a)]),
            Kind::OneWay => self.cut_ways(vec![(a, b)]),
            Kind::Kill => self.order_death(a, false),
            Kind::PowerCut => self.order_death(a, true),
            Kind::KillAll => (0..self.members.len()).for_each(|member| self.order_death(member, false)),
            Kind::PowerCutAll => (0..self.members.len()).for_each(|member| self.order_death(member, true)),
        }
    }

    /// What a member says to the others is late, or its links to them break, or its process dies, while clients are at work at one register:
    /// what it decided is told to nobody else for a while.
    pub(crate) fn fault_while_gathered(&mut self) {
        let faults = self.options.faults;
        // Deaths are rarer: a member takes a while to be back.
        let kinds = [
            (faults.delays, &[Kind::Delay, Kind::Delay, Kind::Delay, Kind::Delay][..]),
            (faults.breaks, &[Kind::Break, Kind::Break]),
            (faults.kills, &[Kind::Kill]),
            (faults.power_cuts, &[Kind::PowerCut, Kind::PowerCutAll]),
        ];
        let kinds: Vec<Kind> =
            kinds.into_iter().filter(|(wanted, _)| *wanted).flat_map(|(_, kinds)| kinds.iter().copied()).collect();
        if !self.faults.active || kinds.is_empty() {
            return;
        }
        self.faults.count += 1;
        let member = self.faults.rng.index(self.members.len());
        match kinds[self.faults.rng.index(kinds.len())] {
            Kind::Delay => {
                let late = self.faults.rng.between(20_000, 400_000);
                let lasts = self.faults.rng.between(10_000, 100_000);
                for other in (0..self.members.len()).filter(|other| *other != member) {
                    self.net.set_late(member, other, late);
                    self.queue.after(lasts, Event::Mend(Mend::Delay(member, other)));
                }
            }
            Kind::Break => self.break_links_of(member),
            Kind::PowerCut => self.order_death(member, true),
            Kind::PowerCutAll => (0..self.members.len()).for_each(|member| self.order_death(member, true)),
            _ => self.order_death(member, false),
        }
    }

    /// All links of a member's coordinators to the other members.
    fn break_links_of(&mut self, member: usize) {
        for id in self.net.ids() {
            let is_of_member = |link: &mut Link| {
                matches!(link.purpose, Purpose::Data(_))
                    && link.owners.iter().any(|owner| owner.member() == Some(member))
            };
            if self.net.link(id).is_some_and(is_of_member) {
                self.net.break_link(&mut self.queue, id);
            }
        }
    }

    fn delay_messages(&mut self, a: usize, b: usize) {
        let late = self.faults.rng.between(5_000, 3_000_000);
        let lasts = self.faults.rng.between(500_000, 8_000_000);
        self.net.set_late(a, b, late);
        self.queue.after(lasts, Event::Mend(Mend::Delay(a, b)));
    }

    fn break_some_link(&mut self) {
        let ids = self.net.ids();
        if !ids.is_empty() {
            let id = ids[self.faults.rng.index(ids.len())];
            self.net.break_link(&mut self.queue, id);
        }
    }

    fn cut_ways(&mut self, ways: Vec<(usize, usize)>) {
        let lasts = self.faults.rng.between(200_000, 12_000_000);
        for (from, to) in &ways {
            self.net.cut(*from, *to);
        }
        self.doom_crossing();
        self.queue.after(lasts, Event::Mend(Mend::Ways(ways)));
    }

    /// A process is to die: at once, or in the middle of what it does to its disk soon.
    fn order_death(&mut self, member: usize, power_cut: bool) {
        let slot = &self.members[member];
        if slot.running.is_none() || slot.dies_at.is_some() {
            return;
        }
        let away = self.faults.rng.between(50_000, 10_000_000);
        self.faults.deaths += 1;
        if self.faults.rng.chance(50) {
            self.kill_member(member, power_cut);
        } else {
            let operation = slot.disk.operations() + self.faults.rng.below(30);
            let cold_reads_every = self.options.cold_reads_every;
            let faults = DiskFaults { kill_at: Some(operation), cold_reads_every, ..DiskFaults::default() };
            slot.disk.set_faults(faults);
            let run = slot.run;
            self.members[member].dies_at = Some((operation, power_cut));
            self.queue.after(1_000_000, Event::Mend(Mend::Die(member, run)));
        }
        self.queue.after(away + 1_000_001, Event::Restart(member));
    }

    pub(crate) fn mend(&mut self, mend: Mend) {
        match mend {
            Mend::Ways(ways) => {
                for (from, to) in ways {
                    self.net.mend(&mut self.queue, from, to);
                }
            }
            Mend::Delay(a, b) => self.net.set_late(a, b, 0),
            Mend::GiveUp(link, side) => {
                if self.net.is_crossing(link) {
                    self.queue.after(0, Event::Broken(link, side));
                }
            }
            Mend::Die(member, run) => {
                let slot = &self.members[member];
                if let (true, Some((_, power_cut))) = (slot.run == run, slot.dies_at) {
                    self.kill_member(member, power_cut);
                }
            }
        }
    }
}
