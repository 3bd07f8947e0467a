//! The bases of the deltas in `Data.db`, and how times are brought into the 32 bits of `nb`.

use helenus_model::partition::Unfiltered;
use helenus_model::row::{CellKind, ColumnId, DeletionTime, RowRef};
use helenus_model::time::{LocalSeconds, NO_DELETION_TIME, WriteTimestamp};

use super::write_error::SsTableWriteError;

/// 2015-09-22T00:00:00Z, microseconds: the base of header timestamps.
pub(super) const TIMESTAMP_EPOCH: i64 = 1_442_880_000_000_000;
/// The same, seconds.
pub(super) const DELETION_EPOCH: i32 = 1_442_880_000;
/// "Never" in a 32-bit local deletion time.
pub(super) const NEVER: i32 = i32::MAX;

/// What a file's header must know before its first row: the smallest times and the columns that occur. A memtable collects
/// it row by row, a compaction takes the union of its inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodingStats {
    /// Smallest timestamp of anything; None when there is none.
    pub min_timestamp: Option<WriteTimestamp>,
    /// Smallest local deletion time of tombstones and expiring things.
    pub min_local_deletion_time: Option<LocalSeconds>,
    /// Smallest TTL of what expires.
    pub min_ttl: Option<i32>,
    /// Static and regular columns that occur, ascending.
    pub columns: Vec<ColumnId>,
}

fn lower<T: Ord + Copy>(current: &mut Option<T>, value: T) {
    if current.is_none_or(|known| value < known) {
        *current = Some(value);
    }
}

impl EncodingStats {
    /// Takes a deletion into account.
    pub fn add_deletion(&mut self, deletion: DeletionTime) {
        if !deletion.is_live() {
            lower(&mut self.min_timestamp, deletion.marked_at);
            lower(&mut self.min_local_deletion_time, deletion.local);
        }
    }

    /// Takes a row or static row into account.
    pub fn add_row(&mut self, row: RowRef<'_>) {
        let liveness = row.header.liveness;
        if !liveness.is_none() {
            lower(&mut self.min_timestamp, liveness.timestamp);
            if liveness.ttl != 0 {
                lower(&mut self.min_ttl, liveness.ttl);
                lower(&mut self.min_local_deletion_time, liveness.expires_at);
            }
        }
        self.add_deletion(row.header.deletion);
        let mut last = None;
        for cell in row.cells() {
            lower(&mut self.min_timestamp, cell.timestamp);
            if cell.local != NO_DELETION_TIME {
                lower(&mut self.min_local_deletion_time, cell.local);
            }
            if cell.kind == CellKind::Expiring {
                lower(&mut self.min_ttl, cell.ttl);
            }
            if last != Some(cell.column) {
                last = Some(cell.column);
                self.add_column(cell.column);
            }
        }
    }

    /// Takes a row or marker into account.
    pub fn add_unfiltered(&mut self, item: &Unfiltered<'_>) {
        match item {
            Unfiltered::Row { row, .. } => self.add_row(*row),
            Unfiltered::Marker(marker) => {
                self.add_deletion(marker.close);
                self.add_deletion(marker.open);
            }
        }
    }

    /// Notes that a column occurs.
    pub fn add_column(&mut self, column: ColumnId) {
        if let Err(at) = self.columns.binary_search(&column) {
            self.columns.insert(at, column);
        }
    }

    /// Takes all that `other` has seen into account.
    pub fn merge(&mut self, other: &EncodingStats) {
        if let Some(value) = other.min_timestamp {
            lower(&mut self.min_timestamp, value);
        }
        if let Some(value) = other.min_local_deletion_time {
            lower(&mut self.min_local_deletion_time, value);
        }
        if let Some(value) = other.min_ttl {
            lower(&mut self.min_ttl, value);
        }
        for column in &other.columns {
            self.add_column(*column);
        }
    }
}

/// A local deletion time as `nb` holds it. [`NO_DELETION_TIME`] is 2147483647; what does not fit below that is an error.
#[inline]
pub(super) fn narrow_local(local: LocalSeconds) -> Result<i32, SsTableWriteError> {
    if local == NO_DELETION_TIME {
        return Ok(NEVER);
    }
    match i32::try_from(local) {
        Ok(narrow) if narrow != NEVER => Ok(narrow),
        _ => Err(SsTableWriteError::DeletionTimeOutOfRange(local)),
    }
}

/// The other way round.
#[inline]
pub(super) fn widen_local(local: i32) -> LocalSeconds {
    if local == NEVER { NO_DELETION_TIME } else { i64::from(local) }
}

/// The three minima as the file's deltas use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bases {
    pub(super) timestamp: i64,
    pub(super) local: i32,
    pub(super) ttl: i32,
}

impl Bases {
    pub(super) fn of(stats: &EncodingStats) -> Result<Bases, SsTableWriteError> {
        let local = match stats.min_local_deletion_time {
            None => DELETION_EPOCH,
            Some(local) => narrow_local(local)?,
        };
        Ok(Bases {
            timestamp: stats.min_timestamp.unwrap_or(TIMESTAMP_EPOCH),
            local: if local == NEVER { DELETION_EPOCH } else { local },
            ttl: stats.min_ttl.unwrap_or(0),
        })
    }
}
