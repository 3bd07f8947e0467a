//! One run from beginning to end.

use helenus_model::consistency::Consistency;

use crate::check;
use crate::coverage::Coverage;
use crate::options::Options;
use crate::queue::Event;
use crate::workload::schema;
use crate::world::{Failure, World};

/// How long a cluster may take to come up, microseconds.
const START_MICROS: u64 = 60_000_000;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// Hash over everything that happened.
    pub hash: u64,
    /// The promise that was not kept.
    pub failure: Option<Failure>,
    /// Requests of clients that ended.
    pub operations: usize,
    /// Those that succeeded.
    pub succeeded: usize,
    /// Writes that were acknowledged.
    pub acknowledged: usize,
    /// Faults.
    pub faults: usize,
    /// Processes that died.
    pub deaths: usize,
    /// Simulated time, microseconds.
    pub micros: u64,
    /// What the members did because of the faults.
    pub coverage: Coverage,
}

/// Runs what `options` say.
pub fn run(options: Options) -> Report {
    let mut world = World::new(options);
    let text = format!("{:?}", world.options);
    world.say(|| text);
    start(&mut world);
    if world.failure.is_none() {
        work(&mut world);
    }
    if world.failure.is_none() {
        end(&mut world);
    }
    Report {
        seed: world.options.seed,
        hash: world.trace.hash(),
        failure: world.failure.clone(),
        operations: world.workload.ended,
        succeeded: world.workload.succeeded,
        acknowledged: world.workload.history.acknowledged_count(),
        faults: world.faults.count,
        deaths: world.faults.deaths,
        micros: world.now(),
        coverage: world.total_coverage(),
    }
}

/// Runs a seed with the options that follow from it.
pub fn run_seed(seed: u64, prints: bool) -> Report {
    run(Options { prints, ..Options::from_seed(seed) })
}

/// Members come up and the schema is made.
fn start(world: &mut World) {
    for member in 0..world.members.len() {
        // Now and then the second seed is late: the first waits half a minute for it before it begins a cluster.
        let late = if member == 1 && world.rng.chance(5) { 32_000_000 } else { 0 };
        let delay = late + world.rng.below(1_500_000);
        world.queue.after(delay, Event::Restart(member));
    }
    let deadline = world.now() + START_MICROS;
    let everyone_knows_everyone = |world: &World| {
        world.members.iter().all(|slot| {
            slot.running.as_ref().is_some_and(|running| {
                running.serves
                    && running.member.control.metadata().nodes.len() == world.members.len()
                    && running.member.control.metadata().members.len() == world.members.len()
            })
        })
    };
    while !everyone_knows_everyone(world) {
        if world.failure.is_some() {
            return;
        }
        if world.now() > deadline {
            return world.fail("a cluster comes up", "not every member is in the ring of every member");
        }
        let until = world.now() + 50_000;
        world.run_until(until);
    }
    let until = world.now() + 3_000_000;
    world.run_until(until);
    for statement in schema(world.options.replication) {
        if world.failure.is_some() {
            return;
        }
        if let Err(error) = world.call(0, &statement, Consistency::One) {
            world.fail("a schema is made", format!("{statement}: {error}"));
        }
    }
}

/// Clients work, faults come.
fn work(world: &mut World) {
    for client in 0..world.clients.len() - 1 {
        let delay = world.rng.below(200_000);
        world.queue.after(delay, Event::Connect(client));
        world.queue.after(delay + 100_000, Event::Ask(client));
    }
    world.start_faults();
    let deadline = world.now() + world.options.work_micros * 4;
    while world.failure.is_none() && world.workload.pause().is_some() && world.now() < deadline {
        let until = world.now() + 100_000;
        world.run_until(until);
    }
    world.workload.stop();
}

/// Everything is mended, and the promises are checked.
fn end(world: &mut World) {
    world.mend_everything();
    let answered = world.now() + 25_000_000;
    while world.failure.is_none() && world.clients.iter().any(|client| client.in_flight() > 0) && world.now() < answered
    {
        let until = world.now() + 50_000;
        world.run_until(until);
    }
    let checks: [fn(&mut World); 7] = [
        check::settled::check,
        check::hints::check,
        check::acknowledged::check,
        check::counters::check,
        check::swaps::check,
        check::indexes::check,
        check::replicas::check,
    ];
    for check in checks {
        if world.failure.is_none() {
            check(world);
        }
    }
}
