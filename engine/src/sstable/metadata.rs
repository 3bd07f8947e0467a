//! Collects what `Statistics.db` says while the rows go by (Cassandra's `MetadataCollector`).

use helenus_model::key::{ClusteringComparator, ClusteringValues, Position, PositionBuf};
use helenus_model::time::NO_DELETION_TIME;

use super::encoding::{NEVER, widen_local};
use super::histogram::{CELL_OFFSETS, EstimatedHistogram, SIZE_OFFSETS, TombstoneCounter};
use super::key_sketch::KeySketch;
use super::statistics::StatsMetadata;

/// Times and counts of everything written.
#[derive(Debug)]
pub(super) struct MetadataCollector {
    partition_sizes: EstimatedHistogram,
    cells_per_partition: EstimatedHistogram,
    timestamps: Option<(i64, i64)>,
    locals: Option<(i32, i32)>,
    ttls: Option<(i32, i32)>,
    tombstones: TombstoneCounter,
    pub(super) tombstones_seen: u64,
    first: Option<PositionBuf>,
    last: Option<PositionBuf>,
    pub(super) columns_set: i64,
    pub(super) rows: i64,
    pub(super) cells: u64,
    pub(super) partition_cells: i64,
    pub(super) has_partition_deletions: bool,
    pub(super) legacy_counter_shards: bool,
    pub(super) sketch: KeySketch,
}

fn widen<T: Ord + Copy>(range: &mut Option<(T, T)>, value: T) {
    *range = Some(match *range {
        None => (value, value),
        Some((low, high)) => (low.min(value), high.max(value)),
    });
}

impl MetadataCollector {
    pub(super) fn new() -> Self {
        MetadataCollector {
            partition_sizes: EstimatedHistogram::new(SIZE_OFFSETS),
            cells_per_partition: EstimatedHistogram::new(CELL_OFFSETS),
            timestamps: None,
            locals: None,
            ttls: None,
            tombstones: TombstoneCounter::default(),
            tombstones_seen: 0,
            first: None,
            last: None,
            columns_set: 0,
            rows: 0,
            cells: 0,
            partition_cells: 0,
            has_partition_deletions: false,
            legacy_counter_shards: false,
            sketch: KeySketch::new(),
        }
    }

    /// A row marker or cell that is neither deleted nor expiring.
    #[inline]
    pub(super) fn live(&mut self, timestamp: i64) {
        widen(&mut self.timestamps, timestamp);
        widen(&mut self.locals, NEVER);
        widen(&mut self.ttls, 0);
    }

    /// A cell or row marker with an end; `ttl` 0 for a cell's tombstone.
    #[inline]
    pub(super) fn mortal(&mut self, timestamp: i64, local: i32, ttl: i32) {
        widen(&mut self.timestamps, timestamp);
        widen(&mut self.locals, local);
        widen(&mut self.ttls, ttl);
        self.tombstones.add(local);
        self.tombstones_seen += 1;
    }

    /// A deletion of a partition, range, row or complex column.
    pub(super) fn deletion(&mut self, timestamp: i64, local: i32) {
        widen(&mut self.timestamps, timestamp);
        widen(&mut self.locals, local);
        self.tombstones.add(local);
        self.tombstones_seen += 1;
    }

    /// Where a row, or the outer side of a range tombstone, stands.
    pub(super) fn place(&mut self, order: &ClusteringComparator, position: Position<'_>) {
        if position.prefix.is_empty() && order.is_empty() {
            return;
        }
        let last = self.last.as_ref().map(PositionBuf::as_ref);
        if last.is_none_or(|last| order.compare_positions(position, last).is_gt()) {
            self.last = Some(position.to_owned());
            if self.first.is_some() {
                return;
            }
        }
        let first = self.first.as_ref().map(PositionBuf::as_ref);
        if first.is_none_or(|first| order.compare_positions(position, first).is_lt()) {
            self.first = Some(position.to_owned());
        }
    }

    pub(super) fn end_partition(&mut self, bytes: u64) {
        self.partition_sizes.add(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.cells_per_partition.add(self.partition_cells);
        self.cells += self.partition_cells as u64;
        self.partition_cells = 0;
    }

    /// The stats part; what the writer knows better is left at its default.
    pub(super) fn finish(self) -> (StatsMetadata, KeySketch) {
        let (min_timestamp, max_timestamp) = self.timestamps.unwrap_or((i64::MAX, i64::MIN));
        let locals = self.locals.map(|(low, high)| (widen_local(low), widen_local(high)));
        let (min_local_deletion_time, max_local_deletion_time) = locals.unwrap_or((NO_DELETION_TIME, NO_DELETION_TIME));
        let (min_ttl, max_ttl) = self.ttls.unwrap_or((0, 0));
        let values = |place: Option<PositionBuf>| -> Vec<Vec<u8>> {
            let place = place.map(|place| place.prefix).unwrap_or_default();
            ClusteringValues::new(&place).map_while(|value| value.map(<[u8]>::to_vec)).collect()
        };
        let stats = StatsMetadata {
            partition_sizes: self.partition_sizes,
            cells_per_partition: self.cells_per_partition,
            commit_log: Vec::new(),
            min_timestamp,
            max_timestamp,
            min_local_deletion_time,
            max_local_deletion_time,
            min_ttl,
            max_ttl,
            compression_ratio: -1.0,
            tombstones: self.tombstones.finish(),
            level: 0,
            repaired_at: 0,
            min_clustering: values(self.first),
            max_clustering: values(self.last),
            legacy_counter_shards: self.legacy_counter_shards,
            columns_set: self.columns_set,
            rows: self.rows,
            pending_repair: None,
            transient: false,
            originating_host: None,
        };
        (stats, self.sketch)
    }
}
