//! Conditional writes of a partition are linearizable: what was swapped is one chain, and all members tell its end.

use helenus_model::consistency::Consistency;

use super::read_all;
use crate::workload::PARTITIONS;
use crate::world::World;

/// Checks the promise.
pub fn check(world: &mut World) {
    const PROMISE: &str = "conditional writes are one chain for each register";
    for member in 0..world.members.len() {
        for p in 0..PARTITIONS {
            let query = format!("SELECT v FROM sim.swaps WHERE p = {p}");
            let Some(rows) = read_all(world, member, &query, Consistency::Serial, None) else { return };
            if let Err(what) = world.workload.check_swaps(p, &rows) {
                return world.fail(PROMISE, format!("member {member}, register {p}: {what}"));
            }
        }
    }
}
