//! Every counter is between what was acknowledged and that plus what nobody knows; and all members say the same.

use helenus_model::consistency::Consistency;

use super::read_all;
use crate::workload::PARTITIONS;
use crate::world::World;

/// Checks the promise.
pub fn check(world: &mut World) {
    const PROMISE: &str = "counters count what was acknowledged, and nothing twice";
    let members = world.members.len();
    let first = world.rng.index(members);
    // The first read at ALL brings the replicas together.
    let mut reads = vec![(first, Consistency::All)];
    reads.extend((0..members).flat_map(|member| [(member, Consistency::Quorum), (member, Consistency::One)]));
    let mut told: Vec<Option<i64>> = vec![None; PARTITIONS as usize];
    for (member, level) in reads {
        for p in 0..PARTITIONS {
            let query = format!("SELECT n FROM sim.counts WHERE p = {p}");
            let Some(rows) = read_all(world, member, &query, level, None) else { return };
            let value = match rows.first().and_then(|row| row.first()) {
                None | Some(None) => 0,
                Some(Some(bytes)) => bytes.as_slice().try_into().map_or(-1, i64::from_be_bytes),
            };
            let tally = world.workload.counted(p);
            let most = tally.acknowledged + tally.unknown;
            if !(tally.acknowledged..=most).contains(&value) {
                let text = format!(
                    "member {member} at {level}, partition {p}: {value}, but {} to {most} were counted",
                    tally.acknowledged
                );
                return world.fail(PROMISE, text);
            }
            if let Some(before) = told[p as usize].replace(value)
                && before != value
            {
                let text = format!("member {member} at {level}, partition {p}: {value}, and {before} before");
                return world.fail(PROMISE, text);
            }
        }
    }
}
