//! What a read counts of a row: whether it is live, and how many tombstones it holds.

use super::{CellKind, RowRef};
use crate::time::LocalSeconds;

/// See [`RowRef::tally`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowTally {
    /// The row would be returned.
    pub is_live: bool,
    /// Dead cells; 1 for a row that has none and is dead otherwise.
    pub tombstones: u32,
}

impl RowRef<'_> {
    /// Counts as Cassandra's `ReadCommand.MetricRecording` does behind `withoutPurgeableTombstones`: deleted and expired cells at
    /// `now`, and a row without any that is deleted as a whole. What was deleted before `gc_before` does not count.
    #[inline]
    pub fn tally(&self, now: LocalSeconds, gc_before: LocalSeconds) -> RowTally {
        let header = &self.header;
        let mut tally = RowTally { is_live: header.liveness.is_live(now), tombstones: 0 };
        let mut deleted = !header.deletion.is_live() && header.deletion.local >= gc_before;
        deleted |= !header.liveness.is_none() && !tally.is_live && header.liveness.expires_at >= gc_before;
        for cell in self.cells() {
            match cell.kind {
                CellKind::Live | CellKind::Counter => tally.is_live = true,
                CellKind::Expiring if now < cell.local => tally.is_live = true,
                // It becomes a tombstone as old as its writing.
                CellKind::Expiring => tally.tombstones += u32::from(cell.local - i64::from(cell.ttl) >= gc_before),
                CellKind::Tombstone => tally.tombstones += u32::from(cell.local >= gc_before),
                CellKind::ComplexDeletion => deleted |= cell.local >= gc_before,
            }
        }
        if !tally.is_live && tally.tombstones == 0 {
            tally.tombstones = u32::from(deleted);
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CellRef, DeletionTime, Liveness, RowHeader};
    use super::*;

    const NOW: i64 = 1_000;
    const GC_BEFORE: i64 = 900;

    fn check(what: &str, header: RowHeader, cells: &[CellRef<'_>], expected: (bool, u32)) {
        let mut row = Vec::new();
        header.encode(&mut row);
        cells.iter().for_each(|cell| cell.encode(&header, &mut row));
        let tally = RowRef::new(&row).tally(NOW, GC_BEFORE);
        assert_eq!((tally.is_live, tally.tombstones), expected, "{what}");
    }

    #[test]
    fn rows_are_counted_as_cassandra_counts_them() {
        let marker = RowHeader::of_statement(1, 0, 0, true);
        let bare = RowHeader::EMPTY;
        let deleted = |local| RowHeader::new(Liveness::NONE, DeletionTime { marked_at: 1, local });
        let expiring_marker = |expires_at| RowHeader::of_statement(1, 10, expires_at, true);
        let live = CellRef::live(0, 1, b"v");
        let dead = |local| CellRef::tombstone(1, 1, local);
        check("a marker alone", marker, &[], (true, 0));
        check("a live cell", bare, &[live], (true, 0));
        check("a live and a dead cell", bare, &[live, dead(950)], (true, 1));
        check("dead cells count one by one", bare, &[dead(950), CellRef::tombstone(2, 1, 950)], (false, 2));
        check("what may be purged does not count", bare, &[dead(899)], (false, 0));
        check("a cell that lives", bare, &[CellRef::expiring(0, 1, 60, 1_001, b"v")], (true, 0));
        check("an expired cell", bare, &[CellRef::expiring(0, 1, 60, 1_000, b"v")], (false, 1));
        check("an expired cell written long ago", bare, &[CellRef::expiring(0, 1, 200, 1_000, b"v")], (false, 0));
        check("a deleted row", deleted(950), &[], (false, 1));
        check("a deleted row written again", deleted(950), &[live], (true, 0));
        check("a deleted row with a dead cell counts once", deleted(950), &[dead(950)], (false, 1));
        check("a row deleted long ago", deleted(899), &[], (false, 0));
        check("an expired marker", expiring_marker(950), &[], (false, 1));
        check("a marker that lives", expiring_marker(1_001), &[], (true, 0));
        let complex = CellRef::complex_deletion(0, DeletionTime { marked_at: 1, local: 950 });
        check("a deleted collection", bare, &[complex], (false, 1));
        check("a deleted collection of a live row", marker, &[complex], (true, 0));
    }
}
