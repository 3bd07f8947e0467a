//! Starting: manifest, tables, log replay.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use helenus_model::mutation::MutationRef;
use helenus_model::schema::{Schema, Table};
use helenus_model::time::Now;
use parking_lot::{Mutex, RwLock};

use super::{Engine, EngineConfig, State};
use crate::disk::Disk;
use crate::error::OpenError;
use crate::log::{self, Log, LogPosition};
use crate::manifest::Manifest;
use crate::table_store::{TableSet, TableStore};

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
}

impl Engine {
    /// Opens the store of a data directory, made if there is none: the tables of `schema` and `local_tables` (the node's own), and
    /// what the log holds beyond the SSTables. `now` is for what ages.
    pub fn open(
        disk: Arc<dyn Disk>,
        config: EngineConfig,
        schema: &Arc<Schema>,
        local_tables: Vec<Arc<Table>>,
        now: Now,
    ) -> Result<(Engine, ReplayReport), OpenError> {
        let manifest = Manifest::load(&*disk)?;
        let mut report = ReplayReport::default();
        let mut stores = Vec::new();
        for (table, is_local) in schema.tables().map(|t| (t, false)).chain(local_tables.iter().map(|t| (t, true))) {
            stores.push(Arc::new(TableStore::new(Arc::clone(table), is_local)));
        }
        let flushed_to = manifest.tables.values().map(|table| table.flushed.segment).max().unwrap_or(0);
        let first = manifest.log_start;
        let next_segment = log::next_segment(&*disk, LOG_DIRECTORY, first.max(flushed_to + 1))?;
        let engine = Engine {
            log: Log::new(Arc::clone(&disk), LOG_DIRECTORY, (&config).into(), next_segment, BTreeMap::new()),
            disk,
            config,
            tables: ArcSwap::from_pointee(TableSet::new(stores)),
            state: Mutex::new(State { manifest }),
            barrier: RwLock::new(()),
            memtable_bytes: AtomicUsize::new(0),
            skipped_updates: AtomicU64::new(0),
        };
        engine.replay(first, &mut report, now)?;
        Ok((engine, report))
    }

    fn replay(&self, first: u32, report: &mut ReplayReport, _now: Now) -> Result<(), OpenError> {
        let tables = self.tables.load_full();
        let flushed: BTreeMap<_, _> =
            self.state.lock().manifest.tables.iter().map(|(id, table)| (*id, table.flushed)).collect();
        let mut skipped_flushed = 0;
        let outcome = log::replay(&*self.disk, LOG_DIRECTORY, first, &mut |position, body| {
            let mutation = MutationRef::validate(body).map_err(|error| OpenError::Corrupt {
                path: format!("{LOG_DIRECTORY}, segment {}", position.segment),
                offset: u64::from(position.offset),
                what: format!("a record that is no mutation: {error}"),
            })?;
            let is_new = |id| flushed.get(&id).copied().unwrap_or(LogPosition::ZERO) <= position;
            skipped_flushed += mutation.updates().filter(|(id, _)| !is_new(*id)).count() as u64;
            self.apply_to_memtables(&tables, mutation, is_new, Some(position));
            Ok(())
        })?;
        report.records = outcome.records;
        report.segments = outcome.segments.len() as u64;
        report.torn_bytes = outcome.torn_bytes;
        report.put_aside = outcome.put_aside;
        report.skipped_flushed = skipped_flushed;
        report.skipped_unknown = self.skipped_updates.swap(0, Ordering::Relaxed);
        self.log.adopt(outcome.segments);
        Ok(())
    }
}
