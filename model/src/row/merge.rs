//! Merging two rows of one clustering, and applying an outer deletion to a row.

use std::cmp::Ordering;

use super::{CellKind, CellRef, Cells, ColumnId, DeletionTime, Liveness, RowHeader, RowRef, compare_cells};
use crate::counter;

/// The order of cells inside complex columns; a table's schema knows it.
pub trait CellPathOrder {
    /// Compares two paths of `column`.
    fn compare_paths(&self, column: ColumnId, a: &[u8], b: &[u8]) -> Ordering;
}

/// Appends to `out` the row that both `a` and `b` together stand for: the later marker and deletion, and of each cell the
/// winner, without what a row or complex deletion of either shadows.
pub fn merge_rows(order: &impl CellPathOrder, a: RowRef<'_>, b: RowRef<'_>, out: &mut Vec<u8>) {
    let deletion = a.header.deletion.max(b.header.deletion);
    let mut liveness = a.header.liveness.max(b.header.liveness);
    if deletion.deletes(liveness.timestamp) {
        liveness = Liveness::NONE;
    }
    let mut header = RowHeader::new(liveness, deletion);
    if liveness.is_none() {
        // No marker: share the later row's bases, so that its cells stay short.
        let base = if a.header.base_timestamp >= b.header.base_timestamp { &a.header } else { &b.header };
        header.base_timestamp = base.base_timestamp;
        header.base_ttl = base.base_ttl;
        header.base_expires_at = base.base_expires_at;
    }
    header.encode(out);
    let mut merge = CellMerge { order, header, deletion, complex: None, out };
    merge.run(a.cells(), b.cells());
}

/// Appends to `out` what is left of `row` under `deletion` (of its partition or a range). Returns false, with `out` as it was,
/// when nothing is left. The row's own deletion stays only when it is stronger.
pub fn filter_deleted(row: RowRef<'_>, deletion: DeletionTime, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let mut header = row.header;
    if header.deletion.max(deletion) == deletion {
        header.deletion = DeletionTime::LIVE;
    }
    if deletion.deletes(header.liveness.timestamp) {
        header.liveness = Liveness::NONE;
    }
    let mut left = !header.liveness.is_none() || !header.deletion.is_live();
    header.encode(out);
    for cell in row.cells() {
        if !deletion.deletes(cell.timestamp) {
            cell.encode(&header, out);
            left = true;
        }
    }
    if !left {
        out.truncate(start);
    }
    left
}

struct CellMerge<'o, O> {
    order: &'o O,
    header: RowHeader,
    deletion: DeletionTime,
    /// Complex deletion in force and its column.
    complex: Option<(ColumnId, DeletionTime)>,
    out: &'o mut Vec<u8>,
}

impl<O: CellPathOrder> CellMerge<'_, O> {
    fn run(&mut self, mut a: Cells<'_>, mut b: Cells<'_>) {
        let (mut left, mut right) = (a.next(), b.next());
        loop {
            match (&left, &right) {
                (None, None) => return,
                (Some(l), None) => {
                    self.put(l);
                    left = a.next();
                }
                (None, Some(r)) => {
                    self.put(r);
                    right = b.next();
                }
                (Some(l), Some(r)) => match self.place(l, r) {
                    Ordering::Less => {
                        self.put(l);
                        left = a.next();
                    }
                    Ordering::Greater => {
                        self.put(r);
                        right = b.next();
                    }
                    Ordering::Equal => {
                        self.put_winner(l, r);
                        left = a.next();
                        right = b.next();
                    }
                },
            }
        }
    }

    fn place(&self, a: &CellRef<'_>, b: &CellRef<'_>) -> Ordering {
        let complex = |c: &CellRef<'_>| c.kind == CellKind::ComplexDeletion;
        a.column.cmp(&b.column).then_with(|| complex(b).cmp(&complex(a))).then_with(|| match (a.path, b.path) {
            (Some(x), Some(y)) => self.order.compare_paths(a.column, x, y),
            (x, y) => x.is_some().cmp(&y.is_some()),
        })
    }

    fn put_winner(&mut self, a: &CellRef<'_>, b: &CellRef<'_>) {
        if a.kind == CellKind::ComplexDeletion {
            self.put(&CellRef::complex_deletion(a.column, a.deletion().max(b.deletion())));
        } else if a.kind == CellKind::Counter || b.kind == CellKind::Counter {
            self.put_counter(a, b);
        } else if compare_cells(a, b).is_ge() {
            self.put(a);
        } else {
            self.put(b);
        }
    }

    /// Cassandra's `Cells.resolveCounter`: a tombstone wins whatever its timestamp (CASSANDRA-7346); of two counters the contexts
    /// are merged, under the later timestamp. What the row's deletion covers is left out before.
    #[inline(never)]
    fn put_counter(&mut self, a: &CellRef<'_>, b: &CellRef<'_>) {
        if self.deletion.deletes(a.timestamp) || (b.kind != CellKind::Counter && !self.deletion.deletes(b.timestamp)) {
            return self.put(b);
        }
        if self.deletion.deletes(b.timestamp) || a.kind != CellKind::Counter {
            return self.put(a);
        }
        let mut context = Vec::with_capacity(a.value.len() + b.value.len());
        counter::merge(a.value, b.value, &mut context);
        self.put(&CellRef::counter(a.column, a.timestamp.max(b.timestamp), &context));
    }

    fn put(&mut self, cell: &CellRef<'_>) {
        if self.deletion.deletes(cell.timestamp) {
            return;
        }
        if cell.kind == CellKind::ComplexDeletion {
            self.complex = Some((cell.column, cell.deletion()));
        } else if let Some((column, deletion)) = self.complex
            && column == cell.column
            && deletion.deletes(cell.timestamp)
        {
            return;
        }
        cell.encode(&self.header, self.out);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::row::{CellKind, Liveness};

    struct Bytes;

    impl CellPathOrder for Bytes {
        fn compare_paths(&self, _: ColumnId, a: &[u8], b: &[u8]) -> Ordering {
            a.cmp(b)
        }
    }

    /// A random row in canonical form: built by merging single-cell rows. Few times and values, so that ties abound.
    fn row() -> impl Strategy<Value = Vec<u8>> {
        let time = 0..4_i64;
        let cell = (0..3_u16, 0..4_u8, time.clone(), 1..3_i64, proptest::option::of(0..2_u8), 0..2_u8);
        let deletion = proptest::option::weighted(0.3, (time.clone(), 1..3_i64));
        let liveness = proptest::option::of((time, 0..2_i32, 1..3_i64));
        (proptest::collection::vec(cell, 0..6), deletion, liveness).prop_map(|(cells, deletion, liveness)| {
            let deletion = deletion.map_or(DeletionTime::LIVE, |(marked_at, local)| DeletionTime { marked_at, local });
            let liveness = liveness.map_or(Liveness::NONE, |(timestamp, ttl, at)| Liveness {
                timestamp,
                ttl,
                expires_at: if ttl == 0 { i64::MAX } else { at },
            });
            let mut out = Vec::new();
            RowHeader::new(liveness, deletion).encode(&mut out);
            let mut canonical = Vec::new();
            merge_rows(&Bytes, RowRef::new(&out), RowRef::new(&out), &mut canonical);
            for (column, kind, timestamp, local, path, value) in cells {
                let path = if column == 2 { path.map(|p| [p]).or(Some([9])) } else { None };
                let value = [value];
                let cell = match kind {
                    0 => CellRef::live(column, timestamp, &value),
                    1 => CellRef::expiring(column, timestamp, 1, local, &value),
                    2 if column == 2 => CellRef::complex_deletion(2, DeletionTime { marked_at: timestamp, local }),
                    _ => CellRef::tombstone(column, timestamp, local),
                };
                let cell = match &path {
                    Some(path) if cell.kind != CellKind::ComplexDeletion => cell.at(path),
                    _ => cell,
                };
                let mut single = Vec::new();
                RowHeader::EMPTY.encode(&mut single);
                cell.encode(&RowHeader::EMPTY, &mut single);
                canonical = merged(&canonical, &single);
            }
            canonical
        })
    }

    /// A row of two counters, of which some are deleted, and perhaps the row: shards of three nodes.
    fn counters(deletions: bool) -> impl Strategy<Value = Vec<u8>> {
        let shards = proptest::collection::vec((0..3_u128, 0..3_i64, 0..3_i64), 0..3);
        let cell = proptest::option::of((0..6_i64, proptest::option::weighted(0.8, shards)));
        let deletion = proptest::option::weighted(0.3, 0..6_i64);
        (cell.clone(), cell, deletion).prop_map(move |(first, second, deletion)| {
            let deletion = deletion
                .filter(|_| deletions)
                .map_or(DeletionTime::LIVE, |marked_at| DeletionTime { marked_at, local: 1 });
            let header = RowHeader { deletion, ..RowHeader::EMPTY };
            let mut out = Vec::new();
            header.encode(&mut out);
            for (column, cell) in [(0, first), (1, second)] {
                match cell {
                    None => {}
                    Some((timestamp, None)) => CellRef::tombstone(column, timestamp, 1).encode(&header, &mut out),
                    Some((timestamp, Some(shards))) => {
                        let context = shards.iter().fold(Vec::new(), |all, (id, clock, count)| {
                            let (mut one, mut next) = (Vec::new(), Vec::new());
                            counter::put_global(&mut one, uuid::Uuid::from_u128(*id), *clock, *count);
                            counter::merge(&all, &one, &mut next);
                            next
                        });
                        CellRef::counter(column, timestamp, &context).encode(&header, &mut out);
                    }
                }
            }
            merged(&out, &out)
        })
    }

    fn merged(a: &[u8], b: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        merge_rows(&Bytes, RowRef::new(a), RowRef::new(b), &mut out);
        assert!(RowRef::validate(&out).is_ok());
        out
    }

    /// What a row says, whatever bases its bytes use.
    fn content(row: &[u8]) -> String {
        let row = RowRef::new(row);
        format!("{:?} {:?} {:?}", row.header.liveness, row.header.deletion, row.cells().collect::<Vec<_>>())
    }

    #[test]
    fn a_deleted_counter_stays_deleted_until_its_row_is_deleted_later() {
        let check = |a: (Option<i64>, CellRef<'_>), b: CellRef<'_>, expected: &str| {
            let encode = |deletion: Option<i64>, cell: CellRef<'_>| {
                let deletion = deletion.map_or(DeletionTime::LIVE, |marked_at| DeletionTime { marked_at, local: 1 });
                let header = RowHeader { deletion, ..RowHeader::EMPTY };
                let mut out = Vec::new();
                header.encode(&mut out);
                cell.encode(&header, &mut out);
                out
            };
            let (a, b) = (encode(a.0, a.1), encode(None, b));
            for row in [merged(&a, &b), merged(&b, &a)] {
                let cells = RowRef::new(&row).cells();
                let shown =
                    cells.map(|cell| format!("{:?} {} {}", cell.kind, cell.timestamp, counter::total(cell.value)));
                assert_eq!(shown.collect::<Vec<_>>().join(", "), expected);
            }
        };
        let (mut five, mut seven) = (Vec::new(), Vec::new());
        counter::put_global(&mut five, uuid::Uuid::from_u128(1), 10, 5);
        counter::put_global(&mut seven, uuid::Uuid::from_u128(2), 10, 7);
        let count = |timestamp| CellRef::counter(0, timestamp, &five);
        let other = |timestamp| CellRef::counter(0, timestamp, &seven);
        let deleted = |timestamp| CellRef::tombstone(0, timestamp, 1);
        check((None, count(3)), other(2), "Counter 3 12");
        check((None, count(3)), deleted(2), "Tombstone 2 0");
        check((None, count(3)), deleted(4), "Tombstone 4 0");
        check((Some(2), count(3)), deleted(2), "Counter 3 5");
        check((Some(2), count(3)), other(2), "Counter 3 5");
        check((Some(2), count(3)), other(1), "Counter 3 5");
        check((Some(2), count(3)), other(4), "Counter 4 12");
        check((Some(2), deleted(3)), count(4), "Tombstone 3 0");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn merge_is_commutative_associative_idempotent(a in row(), b in row(), c in row()) {
            prop_assert_eq!(content(&merged(&a, &b)), content(&merged(&b, &a)));
            prop_assert_eq!(content(&merged(&merged(&a, &b), &c)), content(&merged(&a, &merged(&b, &c))));
            prop_assert_eq!(content(&merged(&a, &a)), content(&a));
            prop_assert_eq!(content(&merged(&merged(&a, &b), &b)), content(&merged(&a, &b)));
        }

        #[test]
        fn merging_counters_is_commutative_associative_idempotent(
            a in counters(false), b in counters(false), c in counters(false)
        ) {
            prop_assert_eq!(content(&merged(&a, &b)), content(&merged(&b, &a)));
            prop_assert_eq!(content(&merged(&merged(&a, &b), &c)), content(&merged(&a, &merged(&b, &c))));
            prop_assert_eq!(content(&merged(&merged(&a, &b), &b)), content(&merged(&a, &b)));
        }

        /// Not associative: a counter's cell has one timestamp for what many increments left in it, so a deletion between two of
        /// them finds what it should cover only while they are apart. Cassandra's counters are no better.
        #[test]
        fn merging_deleted_counters_is_commutative_idempotent(a in counters(true), b in counters(true)) {
            prop_assert_eq!(content(&merged(&a, &b)), content(&merged(&b, &a)));
            prop_assert_eq!(content(&merged(&a, &a)), content(&a));
            prop_assert_eq!(content(&merged(&merged(&a, &b), &b)), content(&merged(&a, &b)));
        }

        #[test]
        fn an_outer_deletion_leaves_only_what_is_newer(a in row(), marked_at in 0..4_i64) {
            let deletion = DeletionTime { marked_at, local: 1 };
            let mut out = Vec::new();
            let left = filter_deleted(RowRef::new(&a), deletion, &mut out);
            prop_assert_eq!(left, !out.is_empty());
            if left {
                let row = RowRef::validate(&out).expect("valid");
                prop_assert!(row.cells().all(|cell| cell.timestamp > marked_at));
                prop_assert!(row.header.liveness.is_none() || row.header.liveness.timestamp > marked_at);
            }
        }
    }
}
