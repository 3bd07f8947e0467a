//! Where no process died, hints alone bring every acknowledged write to every replica: it is read at ONE over each member before
//! any read at ALL could have repaired it.

use helenus_model::consistency::Consistency;

use super::acknowledged::check_member;
use crate::world::World;

/// Checks the promise.
pub fn check(world: &mut World) {
    if world.faults.deaths > 0 {
        return;
    }
    for member in 0..world.members.len() {
        if world.failure.is_none() {
            check_member(world, member, Consistency::One, "hints bring what was missed", |_, _, _| ());
        }
    }
}
