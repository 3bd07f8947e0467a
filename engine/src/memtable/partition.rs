//! One partition in memory. Most have a single row: that one lies in the partition itself, without a tree.

use std::sync::Arc;

use helenus_model::partition::{Item, PartitionRef, Unfiltered};
use helenus_model::row::{DeletionTime, RowRef, filter_deleted, merge_rows};
use helenus_model::schema::Table;

use smallvec::SmallVec;

use super::ranges::RangeList;
use super::stats::MemtableStats;
use super::tree::{StoredRow, Tree, clustering_of, lay_out_row, split_row};

/// What a row costs beside its bytes: reference counts, the slot in a leaf, the allocator's share.
const ROW_OVERHEAD: usize = 48;
/// What a partition costs beside its key and rows.
pub(super) const PARTITION_OVERHEAD: usize = 112;
const EXTRA_OVERHEAD: usize = 96;
/// A row that says nothing.
const EMPTY_ROW: &[u8] = &[0];

/// What few partitions have.
#[derive(Clone, Debug)]
pub(crate) struct Extra {
    pub(crate) deletion: DeletionTime,
    pub(crate) static_row: Option<Arc<[u8]>>,
    pub(crate) ranges: RangeList,
}

/// The rows of a partition.
#[derive(Clone, Debug)]
pub(crate) enum Rows {
    None,
    One(StoredRow),
    Many(Tree),
}

/// A partition. Cloning it copies the key and a few reference counts, never rows.
#[derive(Clone, Debug)]
pub(crate) struct Partition {
    /// Most keys fit into the partition itself: one cache miss less on the way to a row.
    pub(crate) key: SmallVec<[u8; 16]>,
    extra: Option<Arc<Extra>>,
    pub(crate) rows: Rows,
}

/// Buffers that outlive one update, so that merging allocates nothing but the result.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    merged: Vec<u8>,
    stored: Vec<u8>,
}

/// Bytes gained and lost by an update.
#[derive(Debug, Default)]
struct Growth {
    gained: usize,
    lost: usize,
}

impl Partition {
    pub(super) fn new(key: &[u8]) -> Self {
        Partition { key: SmallVec::from_slice(key), extra: None, rows: Rows::None }
    }

    /// Deletion of the whole partition.
    #[inline]
    pub(crate) fn deletion(&self) -> DeletionTime {
        self.extra.as_ref().map_or(DeletionTime::LIVE, |extra| extra.deletion)
    }

    /// The static row.
    #[inline]
    pub(crate) fn static_row(&self) -> Option<RowRef<'_>> {
        self.extra.as_ref()?.static_row.as_ref().map(|row| RowRef::new(row))
    }

    /// Range deletions.
    #[inline]
    pub(crate) fn ranges(&self) -> Option<&RangeList> {
        self.extra.as_ref().map(|extra| &extra.ranges).filter(|ranges| !ranges.as_slice().is_empty())
    }

    /// The row at `clustering`, as it is stored (no outer deletion applied).
    pub(crate) fn row(&self, table: &Table, clustering: &[u8]) -> Option<(&[u8], RowRef<'_>)> {
        let stored = match &self.rows {
            Rows::None => return None,
            Rows::One(row) => table.comparator().compare(clustering_of(row), clustering).is_eq().then_some(row)?,
            Rows::Many(tree) => tree.get(table.comparator(), clustering)?,
        };
        let (clustering, row) = split_row(stored);
        Some((clustering, RowRef::new(row)))
    }

    /// Applies one update; returns by how many bytes the partition grew (or shrank).
    pub(super) fn apply(
        &mut self,
        table: &Table,
        update: PartitionRef<'_>,
        scratch: &mut Scratch,
        stats: &mut MemtableStats,
    ) -> isize {
        let mut growth = Growth::default();
        if !update.deletion.is_live() {
            stats.deletion(update.deletion);
            stats.partition_deletions = true;
            stats.operations += 1;
            let extra = self.extra_mut(&mut growth);
            extra.deletion = extra.deletion.max(update.deletion);
        }
        if let Some(row) = update.static_row {
            self.put_static(table, row, scratch, stats, &mut growth);
        }
        for item in update.items() {
            match item {
                Item::Unfiltered(Unfiltered::Row { clustering, row }) => {
                    let shadows = stats.row(&row, false);
                    self.put_row(table, clustering, (row, shadows), scratch, &mut growth);
                }
                Item::Range(range) => {
                    stats.deletion(range.deletion);
                    stats.range_tombstones = true;
                    stats.operations += 1;
                    let extra = self.extra_mut(&mut growth);
                    growth.lost += extra.ranges.bytes();
                    extra.ranges.insert(table.comparator(), range.start, range.end, range.deletion);
                    growth.gained += extra.ranges.bytes();
                }
                // Mutations carry ranges; a marker in one was refused at the border.
                Item::Unfiltered(Unfiltered::Marker(_)) => {}
            }
        }
        growth.gained as isize - growth.lost as isize
    }

    /// The deletion of the partition or of a range that covers the row `clustering`.
    fn deletion_at(&self, table: &Table, clustering: &[u8]) -> DeletionTime {
        let range = self.ranges().map(|ranges| ranges.covering(table.comparator(), clustering));
        self.deletion().max(range.unwrap_or(DeletionTime::LIVE))
    }

    fn extra_mut(&mut self, growth: &mut Growth) -> &mut Extra {
        if self.extra.is_none() {
            growth.gained += EXTRA_OVERHEAD;
        }
        let extra = self.extra.get_or_insert_with(|| {
            Arc::new(Extra { deletion: DeletionTime::LIVE, static_row: None, ranges: RangeList::default() })
        });
        Arc::make_mut(extra)
    }

    fn put_static(
        &mut self,
        table: &Table,
        row: RowRef<'_>,
        scratch: &mut Scratch,
        stats: &mut MemtableStats,
        growth: &mut Growth,
    ) {
        let shadows = stats.row(&row, true);
        let extra = self.extra_mut(growth);
        let merged = match &extra.static_row {
            Some(old) if table.is_counter() && !extra.deletion.is_live() => {
                growth.lost += old.len();
                merge_uncovered(table, RowRef::new(old), row, extra.deletion, scratch)
            }
            None => canonical(table, (row, shadows), &mut scratch.merged),
            Some(old) => {
                scratch.merged.clear();
                merge_rows(table, RowRef::new(old), row, &mut scratch.merged);
                growth.lost += old.len();
                &scratch.merged
            }
        };
        growth.gained += merged.len();
        extra.static_row = Some(Arc::from(merged));
    }

    fn put_row(
        &mut self,
        table: &Table,
        clustering: &[u8],
        row: (RowRef<'_>, bool),
        scratch: &mut Scratch,
        growth: &mut Growth,
    ) {
        let order = table.comparator();
        let cover = if table.is_counter() { self.deletion_at(table, clustering) } else { DeletionTime::LIVE };
        let mut make = |old: Option<&StoredRow>| match old {
            Some(old) if !cover.is_live() => {
                let (clustering, before) = split_row(old);
                let merged = merge_uncovered(table, RowRef::new(before), row.0, cover, scratch).to_vec();
                lay_out_row(&mut scratch.stored, clustering, &merged);
                growth.gained += scratch.stored.len();
                growth.lost += old.len();
                Some(Arc::from(&scratch.stored[..]))
            }
            _ => merge_stored(table, old, clustering, row, scratch, growth),
        };
        match &mut self.rows {
            Rows::None => {
                if let Some(row) = make(None) {
                    self.rows = Rows::One(row);
                }
            }
            Rows::One(one) if order.compare(clustering_of(one), clustering).is_eq() => {
                if let Some(row) = make(Some(one)) {
                    *one = row;
                }
            }
            Rows::One(one) => {
                let mut tree = Tree::of_one(order, Arc::clone(one));
                tree.upsert(order, clustering, &mut make);
                self.rows = Rows::Many(tree);
            }
            Rows::Many(tree) => tree.upsert(order, clustering, &mut make),
        }
    }
}

/// The row to store for `row` over `old`; None when `old` already says it all.
fn merge_stored(
    table: &Table,
    old: Option<&StoredRow>,
    clustering: &[u8],
    row: (RowRef<'_>, bool),
    scratch: &mut Scratch,
    growth: &mut Growth,
) -> Option<StoredRow> {
    let Scratch { merged, stored } = scratch;
    let Some(old) = old else {
        lay_out_row(stored, clustering, canonical(table, row, merged));
        growth.gained += stored.len() + ROW_OVERHEAD;
        return Some(Arc::from(&stored[..]));
    };
    let (clustering, before) = split_row(old);
    merged.clear();
    merge_rows(table, RowRef::new(before), row.0, merged);
    if merged.as_slice() == before {
        return None;
    }
    lay_out_row(stored, clustering, merged);
    growth.gained += stored.len();
    growth.lost += old.len();
    Some(Arc::from(&stored[..]))
}

/// A row of counters over the one before it, without what `cover` deletes of either: a counter's cell has one timestamp for all that
/// was counted in it, so what is deleted must be gone before the rest is merged.
fn merge_uncovered<'a>(
    table: &Table,
    before: RowRef<'_>,
    row: RowRef<'_>,
    cover: DeletionTime,
    scratch: &'a mut Scratch,
) -> &'a [u8] {
    let Scratch { merged, stored } = scratch;
    merged.clear();
    stored.clear();
    let new = if filter_deleted(row, cover, stored) { RowRef::new(stored) } else { RowRef::new(EMPTY_ROW) };
    let mut old = Vec::new();
    let old = if filter_deleted(before, cover, &mut old) { RowRef::new(&old) } else { RowRef::new(EMPTY_ROW) };
    merge_rows(table, old, new, merged);
    merged
}

/// The row as merging would leave it; the flag is whether a deletion in the row may shadow other parts of it.
fn canonical<'a>(table: &Table, (row, shadows): (RowRef<'a>, bool), merged: &'a mut Vec<u8>) -> &'a [u8] {
    if !shadows {
        return row.bytes();
    }
    merged.clear();
    merge_rows(table, row, row, merged);
    merged
}
