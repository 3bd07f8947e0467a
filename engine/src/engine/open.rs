//! Starting: manifest, files, tables, log replay.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use helenus_model::mutation::validate_mutations;
use helenus_model::schema::{Schema, Table};
use helenus_model::time::Now;
use parking_lot::{Mutex, RwLock};

use super::count::CounterLocks;
use super::{Engine, EngineConfig, State, files};
use crate::disk::Disk;
use crate::error::OpenError;
use crate::index::{IndexStore, hidden_table};
use crate::log::{self, Log, LogPosition};
use crate::manifest::Manifest;
use crate::sstable::SsTableCaches;
use crate::sstable_handle::SsTableHandle;
use crate::table_store::{TableSet, TableStore, View};

/// Directory of the log.
pub(super) const LOG_DIRECTORY: &str = "commitlog";

/// What a start found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayReport {
    /// Log records read.
    pub records: u64,
    /// Log segments read.
    pub segments: u64,
    /// Updates skipped because their table is not known.
    pub skipped_unknown: u64,
    /// Updates skipped because they are in SSTables already, or were truncated.
    pub skipped_flushed: u64,
    /// Bytes of a torn log tail, cut off.
    pub torn_bytes: u64,
    /// Log segments that were never durable and follow a lost tail: renamed to `….lost`.
    pub put_aside: Vec<String>,
    /// Files of interrupted flushes and compactions, removed.
    pub removed_files: Vec<String>,
    /// Directories with SSTables of tables that the schema does not know: left alone.
    pub orphaned_directories: Vec<String>,
}

impl Engine {
    /// Opens the store of a data directory, made if there is none: the tables of `schema` and `local_tables` (the node's own), and
    /// what the log holds beyond the SSTables. `now` is for what ages.
    pub fn open(
        disk: Arc<dyn Disk>,
        config: EngineConfig,
        schema: Arc<Schema>,
        local_tables: Vec<Arc<Table>>,
        now: Now,
    ) -> Result<(Engine, ReplayReport), OpenError> {
        let mut manifest = Manifest::load(&*disk)?;
        let mut report = ReplayReport::default();
        let before = manifest.clone();
        files::tidy(&*disk, &mut manifest, &mut report.removed_files)?;
        if manifest != before {
            manifest.prepare(&*disk)?;
            Manifest::publish(&*disk)?;
        }
        let tables = schema.tables().map(|table| (table, false)).chain(local_tables.iter().map(|table| (table, true)));
        let caches = Arc::new(SsTableCaches::new(config.chunk_cache_bytes, config.key_cache_bytes));
        let mut stores = Vec::new();
        for (table, is_local) in tables {
            let store = TableStore::new(Arc::clone(table), is_local);
            stores.push(Arc::new(open_table(&disk, &caches, &manifest, store, now)?));
            for index in &table.indexes {
                let Some(hidden) = hidden_table(table, index) else { continue };
                let is_built = manifest.tables.get(&index.id).is_some_and(|record| record.index_built);
                let store = TableStore::of_index(Arc::new(hidden), IndexStore::new(table.id, index.clone(), is_built));
                stores.push(Arc::new(open_table(&disk, &caches, &manifest, store, now)?));
            }
        }
        let tables = TableSet::new(stores).with_views(&schema);
        let orphans =
            manifest.tables.iter().filter(|(id, record)| tables.get(**id).is_none() && !record.live.is_empty());
        report.orphaned_directories = orphans.map(|(_, record)| record.directory.clone()).collect();
        let flushed_to = manifest.tables.values().map(|table| table.flushed.segment).max().unwrap_or(0);
        let first = manifest.log_start;
        let next_segment = log::next_segment(&*disk, LOG_DIRECTORY, first.max(flushed_to + 1))?;
        let engine = Engine {
            log: Log::new(Arc::clone(&disk), LOG_DIRECTORY, (&config).into(), next_segment, BTreeMap::new()),
            disk,
            caches,
            config,
            tables: ArcSwap::from_pointee(tables),
            state: Mutex::new(State::new(manifest)),
            barrier: RwLock::new(()),
            replaying: AtomicU32::new(first),
            memtable_bytes: AtomicUsize::new(0),
            skipped_updates: AtomicU64::new(0),
            recent: OnceLock::new(),
            counter_locks: CounterLocks::default(),
            truncations: AtomicU64::new(0),
        };
        engine.replay(first, &mut report, now)?;
        Ok((engine, report))
    }

    fn replay(&self, first: u32, report: &mut ReplayReport, now: Now) -> Result<(), OpenError> {
        let tables = self.tables.load_full();
        let flushed: BTreeMap<_, _> =
            self.state.lock().manifest.tables.iter().map(|(id, table)| (*id, table.flushed)).collect();
        let mut skipped_flushed = 0;
        let mut gone = BTreeSet::new();
        let outcome = log::replay(&*self.disk, LOG_DIRECTORY, first, &mut |position, body| {
            self.replaying.store(position.segment, Ordering::Relaxed);
            let mutations = validate_mutations(body).map_err(|error| OpenError::Corrupt {
                path: log::segment_file(LOG_DIRECTORY, position.segment),
                offset: u64::from(position.offset),
                what: format!("a record that is no mutation: {error}"),
            })?;
            let is_new = |id| flushed.get(&id).copied().unwrap_or(LogPosition::ZERO) <= position;
            for mutation in mutations {
                skipped_flushed += mutation.updates().filter(|(id, _)| !is_new(*id)).count() as u64;
                gone.extend(mutation.updates().map(|(id, _)| id).filter(|id| tables.get(*id).is_none()));
                self.apply_to_memtables(&tables, mutation, is_new, Some(position));
            }
            if self.memtable_bytes.load(Ordering::Relaxed) > self.config.memtable_bytes_max {
                let behind = LogPosition { offset: position.offset + 1, ..position };
                self.flush_largest(behind, now).map_err(|error| OpenError::Flush(error.to_string()))?;
            }
            Ok(())
        })?;
        self.state.lock().gone = gone;
        report.records = outcome.records;
        report.segments = outcome.segments.len() as u64;
        report.torn_bytes = outcome.torn_bytes;
        report.put_aside = outcome.put_aside;
        report.skipped_flushed = skipped_flushed;
        report.skipped_unknown = self.skipped_updates.swap(0, Ordering::Relaxed);
        self.log.adopt(outcome.segments);
        self.replaying.store(u32::MAX, Ordering::Relaxed);
        Ok(())
    }
}

fn open_table(
    disk: &Arc<dyn Disk>,
    caches: &Arc<SsTableCaches>,
    manifest: &Manifest,
    store: TableStore,
    now: Now,
) -> Result<TableStore, OpenError> {
    let table = &store.definition.load_full();
    let Some(record) = manifest.tables.get(&table.id) else { return Ok(store) };
    let mut sstables = Vec::with_capacity(record.live.len());
    for generation in &record.live {
        let handle = SsTableHandle::open(disk, caches, &record.directory, *generation, table, now)?;
        sstables.push(Arc::new(handle));
    }
    store.view.store(View::new(Arc::default(), Vec::new(), sstables));
    Ok(store)
}
