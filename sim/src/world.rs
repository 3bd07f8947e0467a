//! The world: members, network, clients and time. [`World::step`] lets the next thing happen.

use std::fmt;

use helenus_model::rng::Rng;

use crate::client::Client;
use crate::coverage::Coverage;
use crate::fault::Faults;
use crate::net::Net;
use crate::options::Options;
use crate::queue::{Event, Queue};
use crate::trace::Trace;
use crate::workload::Workload;

mod call;
mod control;
mod coordinator;
mod links;
mod member;

pub use call::{CallError, Rows};
pub use member::{MemberSlot, Running, WALL_START_MICROS};

/// A promise that was not kept, or something that must not happen at all.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which promise.
    pub promise: &'static str,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.promise, self.what)
    }
}

/// See the module.
#[derive(Debug)]
pub struct World {
    /// What the run is like.
    pub options: Options,
    /// What is to come.
    pub queue: Queue,
    /// Links.
    pub net: Net,
    /// Members.
    pub members: Vec<MemberSlot>,
    /// Clients: those that work, and last the one that asks for the checks.
    pub clients: Vec<Client>,
    /// What clients ask, and what came of it.
    pub workload: Workload,
    /// What goes wrong.
    pub faults: Faults,
    /// What happened.
    pub trace: Trace,
    /// What ended lives did.
    pub coverage: Coverage,
    /// The first promise that was not kept.
    pub failure: Option<Failure>,
    /// For everything that has no generator of its own.
    pub rng: Rng,
}

impl World {
    /// Everything at its beginning; nothing runs yet.
    pub fn new(options: Options) -> Self {
        let mut rng = Rng::new(options.seed);
        let net = Net::new(options.members, options.delay_micros, rng.fork());
        let members = (0..options.members).map(|member| MemberSlot::new(member, &options, rng.fork())).collect();
        let clients = (0..=options.clients).map(|client| Client::new(client, rng.fork())).collect();
        let workload = Workload::new(&options, rng.fork());
        let faults = Faults::new(&options, rng.fork());
        let trace = Trace::new(options.seed, options.prints);
        World {
            options,
            queue: Queue::default(),
            net,
            members,
            clients,
            workload,
            faults,
            trace,
            coverage: Coverage::default(),
            failure: None,
            rng,
        }
    }

    /// Simulated time, microseconds.
    pub fn now(&self) -> u64 {
        self.queue.now()
    }

    /// What all lives did so far.
    pub fn total_coverage(&self) -> Coverage {
        let mut total = self.coverage;
        for running in self.members.iter().filter_map(|slot| slot.running.as_ref()) {
            total.add_life(&running.member.shared.stats);
            total.epochs = total.epochs.max(running.member.control.metadata().epoch);
        }
        total
    }

    /// Notes that a promise was not kept; the first counts.
    pub fn fail(&mut self, promise: &'static str, what: impl Into<String>) {
        let failure = Failure { promise, what: what.into() };
        self.trace.line(self.queue.now(), || format!("FAILURE {failure}"));
        self.failure.get_or_insert(failure);
    }

    /// Prints a line of the trace, if lines are wanted.
    pub(crate) fn say(&self, text: impl FnOnce() -> String) {
        self.trace.line(self.queue.now(), text);
    }

    /// Lets everything happen up to `until`, microseconds, or to the first failure.
    pub fn run_until(&mut self, until: u64) {
        while self.failure.is_none() && self.queue.next_at().is_some_and(|at| at <= until) {
            self.step();
        }
        if self.failure.is_none() {
            self.queue.pass(until);
        }
    }

    /// Lets the next thing happen.
    pub fn step(&mut self) {
        let Some(event) = self.queue.pop() else { return };
        match event {
            Event::CoordinatorTick(place) => self.coordinator_tick(place),
            Event::Flush(place) => self.flush(place),
            Event::Task(place, task) => self.run_task(place, *task),
            Event::Tell(place, event) => self.tell_coordinator(place, &event),
            Event::Synced(place, position) => self.log_synced(place, position),
            Event::Dial(place, host) => self.dial_peer(place, host),
            Event::ControlTick(at) => self.control_tick(at),
            Event::Request(at, request) => self.control_request(at, *request),
            Event::Sync(at) => self.sync_log(at),
            Event::Job(at) => self.run_job(at),
            Event::Item(link, side) => self.item_arrived(link, side),
            Event::Broken(link, side) => self.link_broken(link, side),
            Event::DialTimeout(link) => self.dial_timeout(link),
            Event::Connect(client) => self.client_connect(client),
            Event::Ask(client) => self.client_ask(client),
            Event::Gather(client, register) => self.client_gathers(client, register),
            Event::GatherFault => self.fault_while_gathered(),
            Event::GiveUp(client, serial) => self.client_give_up(client, serial),
            Event::Fault => self.next_fault(),
            Event::Mend(mend) => self.mend(mend),
            Event::Restart(member) => self.start_member(member),
        }
    }
}
