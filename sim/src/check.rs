//! The promises, a file each, checked when everything is mended.

pub mod acknowledged;
pub mod batches;
pub mod counters;
pub mod hints;
pub mod indexes;
pub mod replicas;
pub mod settled;
pub mod swaps;

use helenus_model::consistency::Consistency;

use crate::workload::history::Row;
use crate::world::World;

/// Reads an answer of a member to its end, page by page. A refusal is a failure.
pub(crate) fn read_all(
    world: &mut World,
    member: usize,
    query: &str,
    level: Consistency,
    page_size: Option<i32>,
) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    let mut paging_state: Option<Vec<u8>> = None;
    loop {
        match world.call_page(member, query, level, page_size, paging_state.as_deref()) {
            Ok(page) => {
                rows.extend(page.rows);
                paging_state = page.paging_state;
                if paging_state.is_none() {
                    return Some(rows);
                }
            }
            Err(error) => {
                world.fail(
                    "everything succeeds after the faults",
                    format!("member {member}, {query} at {level}: {error}"),
                );
                return None;
            }
        }
    }
}
