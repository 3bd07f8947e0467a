//! The store of one node: tables, log, memtables and SSTables together.
//!
//! The engine is shared by all coordinators of a node. [`Engine::apply`] and [`Engine::read`] run on their threads and wait for no
//! device. Everything slow is asked for: log writes and syncs by their own calls, flush and compaction as jobs.
//!
//! Order of locks: those of counters, `state`, then `barrier`, then what the log and the memtables lock inside.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use helenus_model::mutation::MutationRef;
use helenus_model::read::{PartitionConsumer, ReadCommand};
use parking_lot::{Mutex, RwLock};
use uuid::Uuid;

mod count;
mod figures;
mod files;
mod import;
mod indexes;
mod jobs;
mod open;
mod revived;
mod schema;
mod snapshot;
mod stats;
mod views;

pub use count::{CountError, CountedBy};
pub use figures::{ScanFigures, TableFigures};
pub(crate) use figures::{ScanWindow, Times};
pub use import::ImportError;
pub use jobs::{CompactJob, FlushJob, Job, JobError, JobProgress, JobSummary, RemoveJob};
pub use open::ReplayReport;
pub use snapshot::DrainError;
pub use views::{BuiltRows, ViewBuild, ViewUpdate, ViewWriteError};

pub use crate::error::OpenError;
pub use crate::index::build::BuildJob;
pub use stats::{EngineStats, TableStats};

use crate::cursor::ReadMode;
use crate::disk::{Disk, DiskError};
use crate::error::{ReadError, WriteError};
use crate::index;
use crate::log::{Log, LogConfig, LogPosition};
use crate::manifest::{Generation, Manifest};
use crate::recent::RecentWrites;
use crate::sstable::SsTableCaches;
use crate::table_store::TableSet;

/// Budgets and options of the store.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Bytes of a log segment (`commitlog_segment_size`).
    pub log_segment_bytes: u32,
    /// Bytes of all log segments; above it the tables that need the oldest segment are flushed (`commitlog_total_space`).
    pub log_bytes_max: u64,
    /// Bytes of all memtables; above it the largest is flushed. At four times as many, when flushes do not keep up, writes are refused.
    pub memtable_bytes_max: usize,
    /// Bytes of the cache of uncompressed chunks (`file_cache_size`).
    pub chunk_cache_bytes: u64,
    /// Bytes of the cache of places in indexes (`key_cache_size`).
    pub key_cache_bytes: u64,
    /// Bytes between the entries of a wide partition's index (`column_index_size`).
    pub column_index_bytes: u32,
    /// Dropped and truncated tables leave a snapshot (`auto_snapshot`).
    pub auto_snapshot: bool,
    /// A clock that never goes back, nanoseconds, by which some reads and writes are timed.
    pub clock: fn() -> u64,
}

impl Default for EngineConfig {
    fn default() -> Self {
        EngineConfig {
            log_segment_bytes: 32 << 20,
            log_bytes_max: 8 << 30,
            memtable_bytes_max: 64 << 20,
            chunk_cache_bytes: 64 << 20,
            key_cache_bytes: 16 << 20,
            column_index_bytes: 64 << 10,
            auto_snapshot: true,
            clock: || 0,
        }
    }
}

/// What jobs and schema changes alter, one at a time. Writes and reads never wait for it.
#[derive(Debug)]
struct State {
    manifest: Manifest,
    /// Tables that were dropped, of which the log may have records.
    gone: BTreeSet<Uuid>,
    /// Tables of which a memtable is being flushed: one at a time, oldest first.
    flushing: BTreeSet<Uuid>,
    /// Tables whose obsolete files are being removed.
    removing: BTreeSet<Uuid>,
    /// SSTables being compacted.
    compacting: BTreeSet<Generation>,
    /// Tables to flush, asked for.
    flush_wanted: BTreeSet<Uuid>,
    /// Tables to compact into one SSTable, asked for.
    major_wanted: BTreeSet<Uuid>,
    /// When the free space of the disk was looked at last, monotonic microseconds, and the bytes of the log then.
    space_checked: (Option<u64>, u64),
}

impl State {
    fn new(manifest: Manifest) -> Self {
        State {
            manifest,
            gone: BTreeSet::new(),
            flushing: BTreeSet::new(),
            removing: BTreeSet::new(),
            compacting: BTreeSet::new(),
            flush_wanted: BTreeSet::new(),
            major_wanted: BTreeSet::new(),
            space_checked: (None, 0),
        }
    }

    /// Nothing came of a pending SSTable; what is left of its files is to go. The next manifest says so; until then it is pending,
    /// which for a start means the same.
    fn obsolete_pending(&mut self, table: Uuid, generation: Generation) {
        if let Some(record) = self.manifest.tables.get_mut(&table) {
            record.pending.remove(&generation);
            record.obsolete.insert(generation);
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Engine {
    disk: Arc<dyn Disk>,
    caches: Arc<SsTableCaches>,
    config: EngineConfig,
    log: Log,
    tables: ArcSwap<TableSet>,
    state: Mutex<State>,
    /// Held shared from a record's place in the log to its place in the memtable, and alone to switch memtables: so a switched
    /// memtable holds exactly the records before the position of the switch.
    barrier: RwLock<()>,
    /// The log segment being replayed, which must stay; `u32::MAX` when the replay is over.
    replaying: AtomicU32,
    memtable_bytes: AtomicUsize,
    skipped_updates: AtomicU64,
    /// Kept only where reads must not be ahead of the device.
    recent: OnceLock<RecentWrites>,
    counter_locks: count::CounterLocks,
    /// Tables emptied since the start; changed while `barrier` is held alone.
    truncations: AtomicU64,
}

impl Engine {
    /// Applies an encoded mutation that was validated at the border: to the log if `durable`, and to the memtables of the tables
    /// known here; updates of others are skipped and counted. Returns the log position that [`Engine::log_flush`] and
    /// [`Engine::log_sync`] must have passed for the mutation to survive a kill or a power cut. Nothing waits for a device.
    pub fn apply(&self, mutation: &[u8], durable: bool) -> Result<LogPosition, WriteError> {
        let position = self.apply_if(mutation, durable, || true)?;
        Ok(position.unwrap_or(LogPosition::ZERO))
    }

    /// [`Engine::apply`] unless, at its moment, `still` says no: then nothing is done, and there is no position.
    #[inline]
    fn apply_if(
        &self,
        mutation: &[u8],
        durable: bool,
        still: impl FnOnce() -> bool,
    ) -> Result<Option<LogPosition>, WriteError> {
        if self.memtable_bytes.load(Ordering::Relaxed) > self.config.memtable_bytes_max.saturating_mul(4) {
            return Err(WriteError::Overloaded);
        }
        let decoded = MutationRef::new(mutation);
        let shared = self.barrier.read();
        if !still() {
            return Ok(None);
        }
        let tables = self.tables.load();
        if tables.has_views() && views::concerns(&tables, decoded) {
            return Err(WriteError::HasViews);
        }
        let mut unknown = None;
        let known = decoded.updates().filter(|(id, _)| {
            let known = tables.get(*id).is_some();
            if !known {
                unknown = Some(*id);
            }
            known
        });
        if known.count() == 0
            && let Some(unknown) = unknown
        {
            self.skipped_updates.fetch_add(1, Ordering::Relaxed);
            return Err(WriteError::UnknownTable(unknown));
        }
        let (start, end) = if durable {
            let (start, end) = self.log.append(mutation)?;
            if let Some(recent) = self.recent.get() {
                recent.note(decoded.key.token, end);
            }
            (Some(start), end)
        } else {
            (None, LogPosition::ZERO)
        };
        self.apply_to_memtables(&tables, decoded, |_| true, start);
        drop(shared);
        Ok(Some(end))
    }

    /// Applies the updates of tables that `wanted` lets through.
    fn apply_to_memtables(
        &self,
        tables: &TableSet,
        mutation: MutationRef<'_>,
        wanted: impl Fn(Uuid) -> bool,
        position: Option<LogPosition>,
    ) {
        let mut grown = 0;
        for (id, update) in mutation.updates() {
            let Some(store) = tables.get(id) else {
                self.skipped_updates.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let definition = store.definition.load();
            if wanted(id) {
                let began = Times::begin(store.counters.writes.fetch_add(1, Ordering::Relaxed), self.config.clock);
                let left;
                let own = match definition.revived() {
                    [] => update,
                    revived => {
                        left = revived::without_dropped(update, revived);
                        left.as_slice()
                    }
                };
                grown += store.view.load().active.apply(&definition, mutation.key, own, position);
                store.counters.write_times.end(began, self.config.clock);
            }
            if !definition.indexes.is_empty() {
                grown += index::entries::apply(tables, &definition, mutation.key, update, &wanted, position);
            }
        }
        if grown != 0 {
            // Wrapping addition of a negative number subtracts.
            self.memtable_bytes.fetch_add(grown as usize, Ordering::Relaxed);
        }
    }

    /// Hands everything applied so far to the operating system, by one write: called once for a batch of requests, before they
    /// are answered. A killed process loses nothing that was flushed.
    pub fn log_flush(&self) -> Result<(), WriteError> {
        self.log.flush()
    }

    /// True when something was flushed that is not durable yet.
    pub fn log_needs_sync(&self) -> bool {
        self.log.needs_sync()
    }

    /// Makes durable what was flushed before the call and returns up to where. Waits for the device: not for a coordinator's thread.
    pub fn log_sync(&self) -> Result<LogPosition, WriteError> {
        self.log.set_awaited(false);
        self.log.sync()
    }

    /// The same, because someone waits for it. As long as syncs are of this kind, the log is made ready for quick ones.
    pub fn log_sync_awaited(&self) -> Result<LogPosition, WriteError> {
        self.log.set_awaited(true);
        self.log.sync()
    }

    /// From now on [`Engine::unsynced_position`] knows: for batch and group mode, where nobody is to be shown what is not durable.
    pub fn track_unsynced(&self) {
        self.recent.get_or_init(RecentWrites::new);
    }

    /// How far the log must be durable before the result of a read that was just run may be told; None: it is.
    pub fn unsynced_position(&self, command: &ReadCommand) -> Option<LogPosition> {
        let newest = self.recent.get()?.newest(&command.scope);
        (newest > self.log.synced_position()).then_some(newest)
    }

    /// Mutations whose position is not above this survive a power cut.
    pub fn log_synced_position(&self) -> LogPosition {
        self.log.synced_position()
    }

    /// Runs a read. The consumer gets the partitions in ring order, each as it was at one moment, with deletions applied and still
    /// told; rows may carry cells of other columns than those asked for, and columns dropped since. Partitions with nothing in them
    /// are not told. On [`ReadError::WouldBlock`] and [`ReadError::OverBudget`] the caller resets its consumer and runs the command
    /// again where waiting or long reads are allowed.
    pub fn read(
        &self,
        command: &ReadCommand,
        mode: ReadMode,
        consumer: &mut dyn PartitionConsumer,
    ) -> Result<(), ReadError> {
        let tables = self.tables.load();
        let store = tables.get(command.table).ok_or(ReadError::UnknownTable(command.table))?;
        match &command.through {
            None => crate::read::read(store, self.config.clock, command, mode, consumer),
            Some(through) => index::read::read(self, &tables, store, command, through, mode, consumer),
        }
    }
}

impl Engine {
    /// Takes the manifest one step further, durably, or not at all. When nobody can tell whether it took the step, the log stops:
    /// a start finds out.
    fn commit(&self, state: &mut State, edit: impl FnOnce(&mut Manifest)) -> Result<(), DiskError> {
        let mut next = state.manifest.clone();
        edit(&mut next);
        if next == state.manifest {
            return Ok(());
        }
        next.prepare(&*self.disk)?;
        if let Err(error) = Manifest::publish(&*self.disk) {
            self.log.stop(&error);
            return Err(error);
        }
        state.manifest = next;
        Ok(())
    }
}

impl From<&EngineConfig> for LogConfig {
    fn from(config: &EngineConfig) -> Self {
        LogConfig { segment_bytes: config.log_segment_bytes }
    }
}

#[cfg(test)]
mod concurrency_test;
#[cfg(test)]
mod crash_test;
#[cfg(test)]
mod model_test;
