//! A logged batch is there as a whole or not at all, once its replay had its time.

use super::acknowledged::Found;
use crate::world::World;

/// Checks the promise on what the reads at ALL found.
pub fn check(world: &mut World, found: &Found) {
    if let Err(what) = world.workload.history.check_atomic(&found.pairs, &found.events) {
        world.fail("a logged batch is whole", what);
    }
}
