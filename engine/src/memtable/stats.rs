//! What a memtable knows about its content: the SSTable header's bases, the columns present, what reads may skip.

use helenus_model::row::{CellKind, ColumnId, DeletionTime, RowRef};
use helenus_model::time::{LocalSeconds, NO_DELETION_TIME, WriteTimestamp};

use crate::sstable::EncodingStats;

/// A set of column ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnSet(Vec<u64>);

impl ColumnSet {
    /// Adds a column.
    #[inline]
    pub fn insert(&mut self, column: ColumnId) {
        let word = usize::from(column / 64);
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (column % 64);
    }

    /// True when the column is in the set.
    pub fn contains(&self, column: ColumnId) -> bool {
        self.0.get(usize::from(column / 64)).is_some_and(|word| word & (1 << (column % 64)) != 0)
    }

    /// Adds all columns of `other`.
    pub fn union(&mut self, other: &ColumnSet) {
        if other.0.len() > self.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }

    /// The columns, ascending.
    pub fn iter(&self) -> impl Iterator<Item = ColumnId> {
        self.0.iter().enumerate().flat_map(|(i, word)| {
            (0..64_usize).filter(move |bit| word & (1 << bit) != 0).map(move |bit| (i * 64 + bit) as ColumnId)
        })
    }
}

/// Bounds over everything written to a memtable (also over what was overwritten since).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemtableStats {
    /// Lowest timestamp of any row marker, cell or deletion; `i64::MAX` when there is none.
    pub min_timestamp: WriteTimestamp,
    /// Highest timestamp; `i64::MIN` when there is none.
    pub max_timestamp: WriteTimestamp,
    /// Lowest second at which something was deleted or expires; [`NO_DELETION_TIME`] when nothing does.
    pub min_local_deletion_time: LocalSeconds,
    /// Lowest TTL; 0 when nothing expires.
    pub min_ttl: i32,
    /// Regular columns that have cells.
    pub regulars: ColumnSet,
    /// Static columns that have cells.
    pub statics: ColumnSet,
    /// True when a whole partition was deleted.
    pub partition_deletions: bool,
    /// True when a range was deleted.
    pub range_tombstones: bool,
    /// Rows written, static ones included, and deletions of partitions and ranges.
    pub operations: u64,
}

impl From<&MemtableStats> for EncodingStats {
    fn from(stats: &MemtableStats) -> Self {
        let mut encoding = EncodingStats {
            min_timestamp: (stats.min_timestamp != i64::MAX).then_some(stats.min_timestamp),
            min_local_deletion_time: Some(stats.min_local_deletion_time).filter(|time| *time != NO_DELETION_TIME),
            min_ttl: (stats.min_ttl != 0).then_some(stats.min_ttl),
            columns: Vec::new(),
        };
        for column in stats.statics.iter().chain(stats.regulars.iter()) {
            encoding.add_column(column);
        }
        encoding
    }
}

impl Default for MemtableStats {
    fn default() -> Self {
        MemtableStats {
            min_timestamp: i64::MAX,
            max_timestamp: i64::MIN,
            min_local_deletion_time: NO_DELETION_TIME,
            min_ttl: 0,
            regulars: ColumnSet::default(),
            statics: ColumnSet::default(),
            partition_deletions: false,
            range_tombstones: false,
            operations: 0,
        }
    }
}

impl MemtableStats {
    #[inline]
    fn timestamp(&mut self, timestamp: WriteTimestamp) {
        self.min_timestamp = self.min_timestamp.min(timestamp);
        self.max_timestamp = self.max_timestamp.max(timestamp);
    }

    #[inline]
    fn expiry(&mut self, ttl: i32, at: LocalSeconds) {
        self.min_ttl = if self.min_ttl == 0 { ttl } else { self.min_ttl.min(ttl) };
        self.min_local_deletion_time = self.min_local_deletion_time.min(at);
    }

    /// Takes note of a deletion of a partition, range or row.
    pub fn deletion(&mut self, deletion: DeletionTime) {
        if !deletion.is_live() {
            self.timestamp(deletion.marked_at);
            self.min_local_deletion_time = self.min_local_deletion_time.min(deletion.local);
        }
    }

    /// Takes note of a row. True when a deletion in the row may shadow other parts of it.
    pub fn row(&mut self, row: &RowRef<'_>, is_static: bool) -> bool {
        self.operations += 1;
        let mut shadows = !row.header.deletion.is_live();
        let liveness = row.header.liveness;
        if !liveness.is_none() {
            self.timestamp(liveness.timestamp);
            if liveness.ttl != 0 {
                self.expiry(liveness.ttl, liveness.expires_at);
            }
        }
        self.deletion(row.header.deletion);
        for cell in row.cells() {
            self.timestamp(cell.timestamp);
            match cell.kind {
                CellKind::Live | CellKind::Counter => {}
                CellKind::Expiring => self.expiry(cell.ttl, cell.local),
                CellKind::Tombstone => {
                    self.min_local_deletion_time = self.min_local_deletion_time.min(cell.local);
                }
                CellKind::ComplexDeletion => {
                    self.min_local_deletion_time = self.min_local_deletion_time.min(cell.local);
                    shadows = true;
                }
            }
            if is_static { self.statics.insert(cell.column) } else { self.regulars.insert(cell.column) }
        }
        shadows
    }

    /// Bounds over both.
    pub fn union(&mut self, other: &MemtableStats) {
        self.min_timestamp = self.min_timestamp.min(other.min_timestamp);
        self.max_timestamp = self.max_timestamp.max(other.max_timestamp);
        self.min_local_deletion_time = self.min_local_deletion_time.min(other.min_local_deletion_time);
        self.min_ttl = match (self.min_ttl, other.min_ttl) {
            (0, ttl) | (ttl, 0) => ttl,
            (a, b) => a.min(b),
        };
        self.regulars.union(&other.regulars);
        self.statics.union(&other.statics);
        self.partition_deletions |= other.partition_deletions;
        self.range_tombstones |= other.range_tombstones;
        self.operations += other.operations;
    }
}
