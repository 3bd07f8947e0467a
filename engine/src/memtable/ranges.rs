//! The range deletions of one partition: sorted, not overlapping, the strongest where several were.

use helenus_model::key::{ClusteringComparator, Position, PositionBuf};
use helenus_model::row::DeletionTime;

/// One deleted range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeletedRange {
    /// First place covered; weight −1 or 1.
    pub(crate) start: PositionBuf,
    /// Last place covered; weight −1 or 1.
    pub(crate) end: PositionBuf,
    /// The deletion.
    pub(crate) deletion: DeletionTime,
}

impl DeletedRange {
    fn new(start: Position<'_>, end: Position<'_>, deletion: DeletionTime) -> Self {
        DeletedRange { start: start.to_owned(), end: end.to_owned(), deletion }
    }

    /// Bytes in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.start.prefix.len() + self.end.prefix.len() + 32
    }
}

/// A normalised list of ranges.
#[derive(Clone, Debug, Default)]
pub(crate) struct RangeList(Vec<DeletedRange>);

impl RangeList {
    /// The ranges in table order.
    pub(crate) fn as_slice(&self) -> &[DeletedRange] {
        &self.0
    }

    /// Adds a deletion of `start` to `end`; an empty range adds nothing.
    pub(crate) fn insert(
        &mut self,
        order: &ClusteringComparator,
        start: Position<'_>,
        end: Position<'_>,
        deletion: DeletionTime,
    ) {
        let before = |a: Position<'_>, b: Position<'_>| order.compare_positions(a, b).is_lt();
        if !before(start, end) || deletion.is_live() {
            return;
        }
        let first = self.0.partition_point(|range| !before(start, range.end.as_ref()));
        let behind = self.0.partition_point(|range| before(range.start.as_ref(), end));
        if first >= behind {
            self.0.insert(first, DeletedRange::new(start, end, deletion));
            return;
        }
        let mut pieces: Vec<DeletedRange> = Vec::with_capacity(2 * (behind - first) + 1);
        let mut put = |from: Position<'_>, to: Position<'_>, deletion: DeletionTime| {
            if let Some(last) = pieces.last_mut()
                && last.deletion == deletion
                && order.compare_positions(last.end.as_ref(), from).is_eq()
            {
                last.end = to.to_owned();
                return;
            }
            pieces.push(DeletedRange::new(from, to, deletion));
        };
        let mut at = start;
        for range in &self.0[first..behind] {
            let (range_start, range_end) = (range.start.as_ref(), range.end.as_ref());
            if before(range_start, start) {
                put(range_start, start, range.deletion);
            }
            let low = if before(range_start, start) { start } else { range_start };
            let high = if before(end, range_end) { end } else { range_end };
            if before(at, low) {
                put(at, low, deletion);
            }
            put(low, high, range.deletion.max(deletion));
            at = high;
            if before(end, range_end) {
                put(end, range_end, range.deletion);
            }
        }
        if before(at, end) {
            put(at, end, deletion);
        }
        self.0.splice(first..behind, pieces);
    }

    /// Bytes in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(DeletedRange::bytes).sum()
    }

    /// The deletion in force at the row `clustering`.
    pub(crate) fn covering(&self, order: &ClusteringComparator, clustering: &[u8]) -> DeletionTime {
        let row = Position::row(clustering);
        let at = self.0.partition_point(|range| order.compare_positions(range.end.as_ref(), row).is_lt());
        match self.0.get(at) {
            Some(range) if order.compare_positions(range.start.as_ref(), row).is_lt() => range.deletion,
            _ => DeletionTime::LIVE,
        }
    }
}

#[cfg(test)]
mod tests {
    use helenus_model::key::put_clustering_value;
    use helenus_model::types::CqlType;
    use helenus_model::value::Comparator;
    use proptest::prelude::*;

    use super::*;

    fn prefix(value: i32) -> Vec<u8> {
        let mut out = Vec::new();
        put_clustering_value(&mut out, Some(&value.to_be_bytes()));
        out
    }

    proptest! {
        #[test]
        fn the_strongest_deletion_covers_each_row(
            ranges in proptest::collection::vec((0..12_i32, any::<bool>(), 0..12_i32, any::<bool>(), 0..5_i64), 0..20),
        ) {
            let order = ClusteringComparator::new(vec![Comparator::for_type(&CqlType::Int)]);
            let mut list = RangeList::default();
            let mut expected = [DeletionTime::LIVE; 12];
            for (from, from_behind, to, to_behind, time) in ranges {
                let (start, end) = (prefix(from), prefix(to));
                let start = Position { prefix: &start, weight: if from_behind { 1 } else { -1 } };
                let end = Position { prefix: &end, weight: if to_behind { 1 } else { -1 } };
                let deletion = DeletionTime { marked_at: time, local: 1 };
                list.insert(&order, start, end, deletion);
                for (row, expected) in expected.iter_mut().enumerate() {
                    let clustering = prefix(row as i32);
                    let row = Position::row(&clustering);
                    if order.compare_positions(start, row).is_lt() && order.compare_positions(row, end).is_lt() {
                        *expected = expected.max(deletion);
                    }
                }
                for pair in list.as_slice().windows(2) {
                    prop_assert!(order.compare_positions(pair[0].end.as_ref(), pair[1].start.as_ref()).is_le());
                }
                for range in list.as_slice() {
                    prop_assert!(order.compare_positions(range.start.as_ref(), range.end.as_ref()).is_lt());
                }
            }
            for (row, expected) in expected.iter().enumerate() {
                prop_assert_eq!(list.covering(&order, &prefix(row as i32)), *expected);
            }
        }
    }
}
