//! Merging two rows of one clustering, and applying an outer deletion to a row.

use std::cmp::Ordering;

use super::{CellKind, CellRef, Cells, ColumnId, DeletionTime, Liveness, RowHeader, RowRef, compare_cells};

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
        } else if compare_cells(a, b).is_ge() {
            self.put(a);
        } else {
            self.put(b);
        }
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
