//! After the faults the cluster comes to rest within a minute: every member is in the ring, every link is open, every hint is
//! delivered, every batch is replayed; and then every request succeeds at ALL.

use helenus_model::consistency::Consistency;

use crate::workload::{Datum, Effect, Form, Operation, PARTITIONS, REGISTERS, Statement, literal_text, register};
use crate::world::World;

/// Time the cluster has, microseconds.
pub const REST_MICROS: u64 = 60_000_000;
/// Between two looks.
const LOOK_MICROS: u64 = 200_000;

/// What is missing to a cluster at rest.
fn missing(world: &World) -> Option<String> {
    // A link whose other end lost its power looks well until a reset comes: that takes a while, too.
    if let Some(link) = world.net.half_open() {
        return Some(format!("one end of link {link} is gone"));
    }
    if let Some(link) = world.net.late_link(world.now()) {
        return Some(format!("messages on link {link} are late"));
    }
    let everyone: Vec<_> = world.members.iter().filter_map(|slot| slot.running.as_ref()).collect();
    if everyone.len() < world.members.len() {
        return Some("a member does not run".to_owned());
    }
    let hosts: Vec<_> = everyone.iter().map(|running| running.member.shared.host_id).collect();
    for (i, running) in everyone.iter().enumerate() {
        if !running.member.control.is_joined() {
            return Some(format!("member {i} is not in the ring"));
        }
        let epoch = running.member.control.metadata().epoch;
        let newest = everyone.iter().map(|running| running.member.control.metadata().epoch).max();
        if newest.is_some_and(|newest| epoch < newest) {
            return Some(format!("member {i} is at epoch {epoch} of {newest:?}"));
        }
        for slot in &running.coordinators {
            for host in hosts.iter().filter(|host| **host != running.member.shared.host_id) {
                if !slot.coordinator.peer_is_up(*host) {
                    return Some(format!(
                        "coordinator {} of member {i} has no link to {host}",
                        slot.coordinator.number()
                    ));
                }
            }
        }
        let pending = running.member.shared.hints.pending();
        if !pending.is_empty() {
            return Some(format!("member {i} keeps hints: {pending:?}"));
        }
    }
    None
}

/// Waits until the cluster is at rest.
pub fn check(world: &mut World) {
    let deadline = world.now() + REST_MICROS;
    while world.failure.is_none() {
        let until = world.now() + LOOK_MICROS;
        world.run_until(until);
        let missing = missing(world).or_else(|| kept_batches(world));
        let Some(missing) = missing else { break };
        if world.now() >= deadline {
            return world.fail("the cluster comes to rest within a minute", missing);
        }
    }
    write_everywhere(world);
}

/// Batches that some member keeps.
fn kept_batches(world: &mut World) -> Option<String> {
    for member in 0..world.members.len() {
        match world.call(member, "SELECT id FROM system.batches", Consistency::One) {
            Ok(answer) if answer.rows.is_empty() => {}
            Ok(answer) => return Some(format!("member {member} keeps {} batches", answer.rows.len())),
            Err(error) => return Some(format!("member {member} cannot say which batches it keeps: {error}")),
        }
    }
    None
}

/// Writes over every member at ALL.
fn write_everywhere(world: &mut World) {
    for round in 0..world.members.len() * 4 {
        if world.failure.is_some() {
            return;
        }
        let member = round % world.members.len();
        let (p, c) = (round as i32 % PARTITIONS, round as i32 % REGISTERS);
        let now = world.now();
        let timestamp = world.workload.timestamp(now);
        let write = world.workload.history.begin(timestamp);
        world.workload.history.cell(register(p, c), write, false);
        let values = vec![Datum::Big(timestamp), Datum::Int(p), Datum::Int(c)];
        let text = literal_text(Statement::SetRegister.text(), &values)
            .replace("UPDATE sim.registers", &format!("UPDATE sim.registers USING TIMESTAMP {timestamp}"));
        let operation = Operation {
            statement: Statement::SetRegister,
            values: vec![values],
            form: Form::Text,
            text: Some(text.clone()),
            level: Consistency::All,
            timestamp: None,
            effect: Effect::Write(write),
            begun: now,
        };
        match world.call(member, &text, Consistency::All) {
            Ok(_) => {
                let now = world.now();
                let noted = world.workload.finish(&operation, crate::workload::Outcome::Done, now);
                debug_assert!(noted.is_ok(), "a success is no failure");
            }
            Err(error) => {
                world.fail("everything succeeds after the faults", format!("member {member}, {text}: {error}"))
            }
        }
    }
}
