//! A read through a secondary index tells the rows that a read of all rows, filtered, tells: over every member, at every level.

use std::collections::{BTreeMap, BTreeSet};

use helenus_model::consistency::Consistency;

use super::read_all;
use crate::workload::TAGS;
use crate::workload::history::Row;
use crate::world::World;

type Places = BTreeSet<(i32, i32)>;

fn number(value: Option<&Option<Vec<u8>>>) -> Option<i32> {
    let bytes: [u8; 4] = value?.as_deref()?.try_into().ok()?;
    Some(i32::from_be_bytes(bytes))
}

/// Partition and clustering of each row; None when a row came twice.
fn places(rows: &[Row]) -> Option<Places> {
    let places: Places =
        rows.iter().map(|row| (number(row.first()).unwrap_or(-1), number(row.get(1)).unwrap_or(-1))).collect();
    (places.len() == rows.len()).then_some(places)
}

/// Checks the promise.
pub fn check(world: &mut World) {
    const PROMISE: &str = "an index tells the rows that a scan tells";
    let members = world.members.len();
    let reader = world.rng.index(members);
    // At ALL: every replica has everything behind it.
    let all = "SELECT p, c, tag FROM sim.tagged";
    let Some(rows) = read_all(world, reader, all, Consistency::All, None) else { return };
    let mut tagged: BTreeMap<i32, Places> = BTreeMap::new();
    for row in &rows {
        if let (Some(p), Some(c), Some(tag)) = (number(row.first()), number(row.get(1)), number(row.get(2))) {
            tagged.entry(tag).or_default().insert((p, c));
        }
    }
    for member in 0..members {
        for level in [Consistency::One, Consistency::Quorum, Consistency::All] {
            for tag in 0..TAGS {
                let query = format!("SELECT p, c FROM sim.tagged WHERE tag = {tag}");
                let page_size = if world.rng.chance(40) { Some(world.rng.between(1, 30) as i32) } else { None };
                let Some(found) = read_all(world, member, &query, level, page_size) else { return };
                let expected = tagged.get(&tag).cloned().unwrap_or_default();
                if places(&found).as_ref() != Some(&expected) {
                    let text = format!(
                        "member {member} at {level}, pages of {page_size:?}, tag {tag}: {} rows {:?}, but {expected:?} are tagged so",
                        found.len(),
                        places(&found)
                    );
                    return world.fail(PROMISE, text);
                }
            }
        }
    }
}
