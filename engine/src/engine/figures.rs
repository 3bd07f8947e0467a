//! What `nodetool tablestats` tells of a table beyond [`super::TableStats`].

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use helenus_model::time::Now;
use uuid::Uuid;

use super::Engine;
use crate::table_store::TableStore;

/// One operation in so many is timed.
const TIMED_ONE_IN: u64 = 16;
/// Minutes that a [`ScanWindow`] tells of.
const WINDOW_MINUTES: i64 = 5;

/// How long operations took: a sample of them.
#[derive(Debug, Default)]
pub(crate) struct Times {
    nanos: AtomicU64,
    count: AtomicU64,
}

impl Times {
    /// When operation `number` begins, if it is one of those timed.
    #[inline]
    pub(crate) fn begin(number: u64, clock: fn() -> u64) -> Option<u64> {
        number.is_multiple_of(TIMED_ONE_IN).then(clock)
    }

    /// It has ended.
    #[inline]
    pub(crate) fn end(&self, began: Option<u64>, clock: fn() -> u64) {
        if let Some(began) = began {
            self.nanos.fetch_add(clock().saturating_sub(began), Relaxed);
            self.count.fetch_add(1, Relaxed);
        }
    }

    fn mean_nanos(&self) -> Option<f64> {
        let count = self.count.load(Relaxed);
        (count > 0).then(|| self.nanos.load(Relaxed) as f64 / count as f64)
    }
}

/// What reads passed in each of the last minutes. Two threads that begin the same minute may lose a read or two of it.
#[derive(Debug, Default)]
pub(crate) struct ScanWindow([Minute; WINDOW_MINUTES as usize + 1]);

#[derive(Debug, Default)]
struct Minute {
    number: AtomicI64,
    reads: AtomicU64,
    live: AtomicU64,
    live_max: AtomicU64,
    tombstones: AtomicU64,
    tombstones_max: AtomicU64,
}

impl ScanWindow {
    fn note(&self, seconds: i64, live: u64, tombstones: u64) {
        let number = seconds.div_euclid(60);
        let minute = &self.0[number.rem_euclid(WINDOW_MINUTES + 1) as usize];
        if minute.number.load(Relaxed) != number {
            minute.number.store(number, Relaxed);
            for figure in [&minute.reads, &minute.live, &minute.live_max, &minute.tombstones, &minute.tombstones_max] {
                figure.store(0, Relaxed);
            }
        }
        let raise = |most: &AtomicU64, value: u64| {
            if most.load(Relaxed) < value {
                most.fetch_max(value, Relaxed);
            }
        };
        minute.reads.fetch_add(1, Relaxed);
        minute.live.fetch_add(live, Relaxed);
        raise(&minute.live_max, live);
        if tombstones > 0 {
            minute.tombstones.fetch_add(tombstones, Relaxed);
            raise(&minute.tombstones_max, tombstones);
        }
    }

    fn figures(&self, seconds: i64) -> ScanFigures {
        let now = seconds.div_euclid(60);
        let mut figures = ScanFigures::default();
        let mut reads = 0;
        let recent = self.0.iter().filter(|minute| (0..WINDOW_MINUTES).contains(&(now - minute.number.load(Relaxed))));
        let (mut live, mut tombstones) = (0, 0);
        for minute in recent {
            reads += minute.reads.load(Relaxed);
            live += minute.live.load(Relaxed);
            tombstones += minute.tombstones.load(Relaxed);
            figures.live_max = figures.live_max.max(minute.live_max.load(Relaxed));
            figures.tombstones_max = figures.tombstones_max.max(minute.tombstones_max.load(Relaxed));
        }
        if reads > 0 {
            figures.live_mean = Some(live as f64 / reads as f64);
            figures.tombstones_mean = Some(tombstones as f64 / reads as f64);
        }
        figures
    }
}

/// What reads of the last five minutes passed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ScanFigures {
    /// Live rows a read; None without reads.
    pub live_mean: Option<f64>,
    /// Most live rows of a read.
    pub live_max: u64,
    /// Tombstones a read.
    pub tombstones_mean: Option<f64>,
    /// Most tombstones of a read.
    pub tombstones_max: u64,
}

/// See the module. Sizes in bytes, times in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableFigures {
    /// Directory of the table's files, as the engine names it.
    pub directory: String,
    /// The largest SSTable, all components.
    pub sstable_bytes_max: u64,
    /// Data before compression, of compressed SSTables.
    pub compressible_bytes: u64,
    /// The same data compressed.
    pub compressed_bytes: u64,
    /// Rows and deletions written to the memtables.
    pub memtable_operations: u64,
    /// Memtables written to disk since the start.
    pub flushes: u64,
    /// Mean time of a read of this node's own data; None when none was timed.
    pub read_nanos_mean: Option<f64>,
    /// Mean time of a write to the memtable.
    pub write_nanos_mean: Option<f64>,
    /// Memory of bloom filters.
    pub filter_memory: u64,
    /// Memory of index summaries.
    pub summary_memory: u64,
    /// Memory of chunk offsets.
    pub chunk_memory: u64,
    /// SSTables with a bloom filter.
    pub filters: u64,
    /// Size of the smallest, largest and mean partition in SSTables, as far as their histograms tell.
    pub partition_bytes: (u64, u64, u64),
    /// Share of the columns in SSTables that are tombstones past gc_grace.
    pub droppable_tombstones: f64,
    /// Reads of the last five minutes.
    pub scans: ScanFigures,
}

impl Engine {
    /// Notes what a read of this node's own data passed, at second `seconds`.
    #[inline]
    pub fn note_scan(&self, table: Uuid, seconds: i64, live_rows: u64, tombstones: u64) {
        if let Some(store) = self.tables.load().get(table) {
            store.counters.scans.note(seconds, live_rows, tombstones);
        }
    }

    /// The figures of all tables as of now.
    pub fn table_figures(&self, now: Now) -> BTreeMap<Uuid, TableFigures> {
        self.tables.load().iter().map(|store| (store.id, of_table(store, now.seconds()))).collect()
    }
}

fn of_table(store: &TableStore, seconds: i64) -> TableFigures {
    let definition = store.definition.load();
    let view = store.view.load();
    let counters = &store.counters;
    let mut figures = TableFigures {
        directory: store.directory(),
        memtable_operations: view.memtables().map(|memtable| memtable.stats().operations).sum(),
        flushes: counters.flushes.load(Relaxed),
        read_nanos_mean: counters.read_times.mean_nanos(),
        write_nanos_mean: counters.write_times.mean_nanos(),
        scans: counters.scans.figures(seconds),
        ..TableFigures::default()
    };
    let gc_before = seconds.saturating_sub(i64::from(definition.params.gc_grace_seconds)) as f64;
    let (mut partitions, mut partition_bytes) = (0_i64, 0_i64);
    let (mut columns, mut droppable) = (0.0, 0.0);
    for handle in &view.sstables {
        let (reader, metadata) = (&handle.reader, handle.reader.metadata());
        let (filter, summary, chunks) = reader.memory_parts();
        figures.filter_memory += filter as u64;
        figures.summary_memory += summary as u64;
        figures.chunk_memory += chunks as u64;
        figures.filters += u64::from(filter > 0);
        figures.sstable_bytes_max = figures.sstable_bytes_max.max(handle.bytes);
        if metadata.compression_ratio >= 0.0 {
            figures.compressible_bytes += reader.uncompressed_length();
            figures.compressed_bytes += (reader.uncompressed_length() as f64 * metadata.compression_ratio) as u64;
        }
        let sizes = &metadata.partition_sizes;
        let (smallest, largest) = (sizes.min().max(0) as u64, sizes.max().max(0) as u64);
        let (min, max, _) = figures.partition_bytes;
        figures.partition_bytes.0 = if min == 0 { smallest } else { min.min(smallest) };
        figures.partition_bytes.1 = max.max(largest);
        partition_bytes = partition_bytes.saturating_add(sizes.mean().saturating_mul(sizes.count()));
        partitions += sizes.count();
        columns += metadata.cells_per_partition.mean() as f64 * metadata.cells_per_partition.count() as f64;
        droppable += metadata.tombstones.sum_until(gc_before);
    }
    figures.partition_bytes.2 = partition_bytes.checked_div(partitions).unwrap_or(0).max(0) as u64;
    figures.droppable_tombstones = if columns > 0.0 { droppable / columns } else { 0.0 };
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_of_five_minutes_count() {
        let window = ScanWindow::default();
        let start = 1_000_020;
        assert_eq!(window.figures(start), ScanFigures::default());
        window.note(start, 3, 0);
        window.note(start + 59, 5, 10);
        let expected =
            ScanFigures { live_mean: Some(4.0), live_max: 5, tombstones_mean: Some(5.0), tombstones_max: 10 };
        assert_eq!(window.figures(start + 60), expected);
        assert_eq!(window.figures(start + 4 * 60), expected);
        assert_eq!(window.figures(start + 6 * 60), ScanFigures::default(), "they are over");
        window.note(start + 6 * 60, 1, 0);
        assert_eq!(window.figures(start + 6 * 60).live_mean, Some(1.0), "their place is taken by others");
    }

    #[test]
    fn one_in_sixteen_is_timed() {
        let times = Times::default();
        assert_eq!(times.mean_nanos(), None);
        for number in 0..32 {
            let began = Times::begin(number, || 100);
            assert_eq!(began.is_some(), number % 16 == 0);
            times.end(began, || 107);
        }
        assert_eq!(times.mean_nanos(), Some(7.0));
    }
}
