//! Forgetting what is dead and old enough, at compaction.

use super::{CellKind, CellRef, DeletionTime, Liveness, RowRef};
use crate::time::{LocalSeconds, NO_DELETION_TIME, WriteTimestamp};

/// What may be forgotten: a tombstone issued before `gc_before` whose timestamp is below every timestamp that may still lie in
/// data outside this compaction (Cassandra's max purgeable timestamp).
#[derive(Clone, Copy, Debug)]
pub struct Purger {
    /// Now, seconds: what has expired by now becomes a tombstone of its expiry minus its TTL.
    pub now: LocalSeconds,
    /// Now minus gc_grace_seconds.
    pub gc_before: LocalSeconds,
    /// Timestamps at or above this must be kept.
    pub max_purgeable: WriteTimestamp,
}

impl Purger {
    /// True when a tombstone of these times may be dropped.
    #[inline]
    pub fn may_purge(&self, timestamp: WriteTimestamp, local: LocalSeconds) -> bool {
        local < self.gc_before && timestamp < self.max_purgeable
    }

    /// True when this deletion may be dropped.
    pub fn may_purge_deletion(&self, deletion: DeletionTime) -> bool {
        !deletion.is_live() && self.may_purge(deletion.marked_at, deletion.local)
    }
}

/// Appends to `out` the row without what may be forgotten; expired cells and markers turn into tombstones first, as in
/// Cassandra's `BufferCell.purge`. Returns false, with `out` as it was, when nothing is left.
pub fn purge_row(row: RowRef<'_>, purger: &Purger, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let mut header = row.header;
    if purger.may_purge_deletion(header.deletion) {
        header.deletion = DeletionTime::LIVE;
    }
    let liveness = header.liveness;
    if !liveness.is_none() && !liveness.is_live(purger.now) && purger.may_purge(liveness.timestamp, liveness.expires_at)
    {
        header.liveness = Liveness::NONE;
    }
    let mut left = !header.liveness.is_none() || !header.deletion.is_live();
    header.encode(out);
    for cell in row.cells() {
        if let Some(cell) = purge_cell(cell, purger) {
            cell.encode(&header, out);
            left = true;
        }
    }
    if !left {
        out.truncate(start);
    }
    left
}

fn purge_cell<'a>(cell: CellRef<'a>, purger: &Purger) -> Option<CellRef<'a>> {
    match cell.kind {
        CellKind::Live | CellKind::Counter => Some(cell),
        CellKind::Tombstone | CellKind::ComplexDeletion => {
            (!purger.may_purge(cell.timestamp, cell.local)).then_some(cell)
        }
        CellKind::Expiring if cell.is_live(purger.now) => Some(cell),
        CellKind::Expiring => {
            debug_assert!(cell.local != NO_DELETION_TIME, "an expiring cell has an end");
            let tombstone = CellRef {
                kind: CellKind::Tombstone,
                local: cell.local - i64::from(cell.ttl),
                ttl: 0,
                value: &[],
                ..cell
            };
            purge_cell(tombstone, purger)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::RowHeader;

    fn bare(timestamp: WriteTimestamp) -> RowHeader {
        RowHeader { base_timestamp: timestamp, ..RowHeader::EMPTY }
    }

    #[test]
    fn purges_by_age_and_timestamp() {
        let purger = Purger { now: 1000, gc_before: 900, max_purgeable: 50 };
        let check = |cell: CellRef<'_>, kept: bool| {
            let header = bare(10);
            let mut row = Vec::new();
            header.encode(&mut row);
            cell.encode(&header, &mut row);
            let mut out = Vec::new();
            assert_eq!(purge_row(RowRef::new(&row), &purger, &mut out), kept, "{cell:?}");
            let is_live = cell.kind == CellKind::Live;
            assert_eq!(RowRef::new(&row).is_immortal(), is_live, "{cell:?}");
            assert!(!is_live || out == row, "an immortal row is left as it is");
            assert_eq!(out.is_empty(), !kept);
        };
        check(CellRef::live(1, 10, b"v"), true);
        check(CellRef::tombstone(1, 10, 899), false);
        check(CellRef::tombstone(1, 10, 900), true);
        check(CellRef::tombstone(1, 50, 1), true);
        check(CellRef::expiring(1, 10, 5, 1001, b"v"), true);
        check(CellRef::expiring(1, 10, 5, 1000, b"v"), true);
        check(CellRef::expiring(1, 10, 500, 1000, b"v"), false);
        check(CellRef::complex_deletion(1, DeletionTime { marked_at: 10, local: 1 }), false);
    }
}
