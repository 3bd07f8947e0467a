//! Merging SSTables into one, without what may be forgotten.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use helenus_model::key::KeyRef;
use helenus_model::partition::Unfiltered;
use helenus_model::row::Purger;
use helenus_model::schema::Table;
use helenus_model::time::{LocalSeconds, Now};
use uuid::Uuid;

use super::{JobError, JobProgress, JobSummary};
use crate::compaction::purge::PartitionPurger;
use crate::compaction::size_tiered::{self, Candidate};
use crate::compaction::strategy::CompactionOptions;
use crate::cursor::PartitionCursor;
use crate::engine::{Engine, State};
use crate::error::ReadError;
use crate::index;
use crate::manifest::Generation;
use crate::merge::MergeCursor;
use crate::read::MergedScan;
use crate::sstable::{EncodingStats, SsTableScan, SsTableWriter, WriterOptions};
use crate::sstable_handle::SsTableHandle;
use crate::table_store::{TableStore, View};

/// How often a table is looked at again although nothing was flushed.
const CHECK_INTERVAL_SECONDS: i64 = 600;

/// See the module.
#[derive(Debug)]
pub struct CompactJob {
    store: Arc<TableStore>,
    inputs: Vec<Arc<SsTableHandle>>,
    output: Option<(Generation, SsTableWriter)>,
    /// The inputs in step.
    walk: Option<MergedScan<Arc<Table>, SsTableScan>>,
}

/// The next compaction of a table: one that was asked for, else what its strategy chooses.
pub(super) fn next(state: &mut State, store: &Arc<TableStore>, now: Now) -> Option<CompactJob> {
    let view = store.view.load();
    let busy = |handle: &Arc<SsTableHandle>| state.compacting.contains(&handle.generation);
    let major = state.major_wanted.contains(&store.id);
    if now.seconds() >= store.compaction_check_at.load(Ordering::Relaxed) {
        // What has expired meanwhile may be worth a compaction, though no file is new.
        store.compaction_check_at.store(now.seconds().saturating_add(CHECK_INTERVAL_SECONDS), Ordering::Relaxed);
        store.compaction_due.store(true, Ordering::Relaxed);
    }
    if !major && !store.compaction_due.load(Ordering::Relaxed) {
        return None;
    }
    let free: Vec<_> = view.sstables.iter().filter(|handle| !busy(handle)).cloned().collect();
    let inputs = if major {
        // All or nothing: what another compaction works on comes with the next try.
        if free.len() != view.sstables.len() {
            return None;
        }
        state.major_wanted.remove(&store.id);
        free
    } else {
        choose(store, &view, &free, now)
    };
    if inputs.is_empty() {
        store.compaction_due.store(false, Ordering::Relaxed);
        return None;
    }
    state.compacting.extend(inputs.iter().map(|handle| handle.generation));
    Some(CompactJob { store: Arc::clone(store), inputs, output: None, walk: None })
}

fn choose(store: &TableStore, view: &View, free: &[Arc<SsTableHandle>], now: Now) -> Vec<Arc<SsTableHandle>> {
    let table = store.definition.load();
    let options = CompactionOptions::of_table(&table);
    if !options.enabled {
        return Vec::new();
    }
    let gc_before = now.seconds().saturating_sub(i64::from(table.params.gc_grace_seconds));
    let candidate = |handle: &Arc<SsTableHandle>| Candidate {
        generation: handle.generation,
        bytes: handle.bytes,
        droppable: is_droppable(handle, view, &options, gc_before, now.seconds()),
    };
    let candidates: Vec<_> = free.iter().map(candidate).collect();
    let chosen = size_tiered::choose(&candidates, &options.size_tiered);
    chosen
        .iter()
        .filter_map(|generation| free.iter().find(|handle| handle.generation == *generation))
        .cloned()
        .collect()
}

/// Worth compacting alone: enough old tombstones, no other SSTable in its way, and not just written.
fn is_droppable(
    handle: &SsTableHandle,
    view: &View,
    options: &CompactionOptions,
    gc_before: LocalSeconds,
    now: LocalSeconds,
) -> bool {
    handle.age(now) >= options.tombstone_compaction_interval
        && handle.droppable_ratio(gc_before) > options.tombstone_threshold
        && (options.unchecked_tombstone_compaction
            || view.sstables.iter().all(|other| other.generation == handle.generation || !other.overlaps(handle)))
}

impl CompactJob {
    /// The table whose SSTables are merged.
    pub fn table(&self) -> Uuid {
        self.store.id
    }

    pub(super) fn run_slice(&mut self, engine: &Engine, budget_bytes: u64, now: Now) -> Result<JobProgress, JobError> {
        let result = self.slice(engine, budget_bytes, now);
        if !matches!(result, Ok(JobProgress::More { .. })) {
            let mut state = engine.state.lock();
            for input in &self.inputs {
                state.compacting.remove(&input.generation);
            }
        }
        if result.is_err() {
            self.give_up(engine);
            // Not again at once: the next flush makes it due.
            self.store.compaction_due.store(false, Ordering::Relaxed);
        }
        result
    }

    fn give_up(&mut self, engine: &Engine) {
        if let Some((generation, writer)) = self.output.take() {
            // The job's own error is the one to tell; files that stay are pending, so a start removes them.
            let _ = writer.abort();
            engine.state.lock().obsolete_pending(self.store.id, generation);
        }
    }

    fn is_wanted(&self) -> bool {
        let view = self.store.view.load();
        self.inputs.iter().all(|input| view.sstables.iter().any(|handle| Arc::ptr_eq(handle, input)))
    }

    fn slice(&mut self, engine: &Engine, budget_bytes: u64, now: Now) -> Result<JobProgress, JobError> {
        if !self.is_wanted() {
            // The table was dropped or truncated meanwhile.
            self.give_up(engine);
            return Ok(JobProgress::Done(JobSummary { table: self.store.id, ..JobSummary::default() }));
        }
        if self.output.is_none() {
            self.begin(engine)?;
        }
        let view = self.store.view.load_full();
        // Of an index only entries are kept whose rows have the value still.
        let base = self.store.index.as_ref().and_then(|index| engine.tables.load().get(index.base).cloned());
        let (Some((_, writer)), Some(walk)) = (&mut self.output, &mut self.walk) else { unreachable!("just begun") };
        let mut handled = 0;
        while let Some(key) = walk.next_key() {
            let purger = purger(&self.store, &self.inputs, &view, key.as_ref(), now);
            let before = writer.uncompressed_length();
            let purger = PartitionPurger::new(purger);
            let _ = match &base {
                None => write_purged(walk.merge(), key.as_ref(), purger, |_| Ok(true), writer)?,
                Some(base) => {
                    let is_current = |item: &Unfiltered<'_>| match item {
                        Unfiltered::Row { clustering, .. } => {
                            index::read::is_current(base, &self.store, &key.key, clustering, now.seconds())
                        }
                        Unfiltered::Marker(_) => Ok(true),
                    };
                    write_purged(walk.merge(), key.as_ref(), purger, is_current, writer)?
                }
            };
            walk.leave(key.as_ref())?;
            handled += 64 + writer.uncompressed_length() - before;
            if handled >= budget_bytes {
                return Ok(JobProgress::More { bytes: handled });
            }
        }
        self.finish(engine, now)
    }

    fn begin(&mut self, engine: &Engine) -> Result<(), JobError> {
        let table = self.store.definition.load_full();
        let mut scans = Vec::with_capacity(self.inputs.len());
        let mut encoding = EncodingStats::default();
        let mut partitions = 0;
        for input in &self.inputs {
            encoding.merge(&input.reader.encoding_stats());
            partitions += input.reader.estimate_partitions();
            scans.push(input.reader.scan_all()?);
        }
        let options = WriterOptions::of_table(&table, encoding, partitions)?;
        let options = WriterOptions { column_index_size: engine.config.column_index_bytes, ..options };
        self.walk = Some(MergedScan::new(Arc::clone(&table), scans, false)?);
        let generation = engine.new_generation(&mut engine.state.lock(), &self.store)?;
        let disk = Arc::clone(&engine.disk);
        let id = generation.to_string();
        match SsTableWriter::create(disk, &self.store.directory(), &id, table, options) {
            Ok(writer) => self.output = Some((generation, writer)),
            Err(error) => {
                engine.state.lock().obsolete_pending(self.store.id, generation);
                return Err(error.into());
            }
        }
        Ok(())
    }

    fn finish(&mut self, engine: &Engine, now: Now) -> Result<JobProgress, JobError> {
        let Some((generation, writer)) = self.output.take() else { unreachable!("a compaction that ends was begun") };
        let finished = writer.finish().map_err(JobError::from).and_then(|info| {
            let Some(info) = info else { return Ok((None, None)) };
            Ok((Some(info), Some(Arc::new(engine.open_sstable(&self.store, generation, now)?))))
        });
        let (info, handle) = match finished {
            Ok(finished) => finished,
            Err(error) => {
                engine.state.lock().obsolete_pending(self.store.id, generation);
                return Err(error);
            }
        };
        self.install(engine, generation, handle)?;
        self.store.counters.compactions.fetch_add(1, Ordering::Relaxed);
        Ok(JobProgress::Done(JobSummary {
            table: self.store.id,
            bytes_in: self.inputs.iter().map(|input| input.bytes).sum(),
            bytes_out: info.as_ref().map_or(0, |info| info.size()),
            sstables_in: self.inputs.len(),
            partitions: info.as_ref().map_or(0, |info| info.partitions),
        }))
    }

    /// One moment before this the data is in the inputs, one moment after it in the output.
    fn install(
        &mut self,
        engine: &Engine,
        generation: Generation,
        handle: Option<Arc<SsTableHandle>>,
    ) -> Result<(), JobError> {
        let mut state = engine.state.lock();
        if !self.is_wanted() {
            state.obsolete_pending(self.store.id, generation);
            return Ok(());
        }
        if let Some(handle) = &handle {
            // The definition may have changed since the file was opened; it does not while `state` is held.
            if let Err(error) = handle.reader.update_schema(&self.store.definition.load_full()) {
                state.obsolete_pending(self.store.id, generation);
                return Err(error.into());
            }
        }
        let directory = self.store.directory();
        let committed = engine.commit(&mut state, |manifest| {
            let table = manifest.table_mut(self.store.id, &directory);
            table.pending.remove(&generation);
            if handle.is_some() {
                table.live.insert(generation);
            }
            for input in &self.inputs {
                table.live.remove(&input.generation);
                table.obsolete.insert(input.generation);
            }
        });
        if let Err(error) = committed {
            state.obsolete_pending(self.store.id, generation);
            return Err(error.into());
        }
        let view = self.store.view.load_full();
        let is_input = |handle: &Arc<SsTableHandle>| self.inputs.iter().any(|input| Arc::ptr_eq(input, handle));
        let mut sstables: Vec<_> = view.sstables.iter().filter(|handle| !is_input(handle)).cloned().collect();
        sstables.extend(handle);
        let flushing = view.flushing.clone();
        self.store.view.store(View::new(Arc::clone(&view.active), flushing, sstables));
        self.store.compaction_due.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// What may be forgotten of a partition: tombstones past gc_grace that are older than anything that other sources have of it.
fn purger(store: &TableStore, inputs: &[Arc<SsTableHandle>], view: &View, key: KeyRef<'_>, now: Now) -> Purger {
    let mut max_purgeable = i64::MAX;
    for handle in view.sstables.iter().filter(|handle| !inputs.iter().any(|input| Arc::ptr_eq(input, handle))) {
        if handle.min_timestamp < max_purgeable && handle.may_contain(key) {
            max_purgeable = handle.min_timestamp;
        }
    }
    // Looked at as they are now: what was written or flushed since the slice began counts.
    let current = store.view.load();
    for memtable in current.memtables() {
        max_purgeable = memtable.min_timestamp(key).map_or(max_purgeable, |time| time.min(max_purgeable));
    }
    let is_new = |handle: &&Arc<SsTableHandle>| !view.sstables.iter().any(|known| Arc::ptr_eq(known, handle));
    for handle in current.sstables.iter().filter(is_new) {
        if handle.min_timestamp < max_purgeable && handle.may_contain(key) {
            max_purgeable = handle.min_timestamp;
        }
    }
    let now = now.seconds();
    let gc_before = now.saturating_sub(i64::from(store.definition.load().params.gc_grace_seconds));
    Purger { now, gc_before, max_purgeable }
}

/// Writes one merged partition without what the purger drops; one without content is left out.
fn write_purged<C: PartitionCursor>(
    merge: &mut MergeCursor<Arc<Table>, C>,
    key: KeyRef<'_>,
    mut purger: PartitionPurger,
    is_wanted: impl Fn(&Unfiltered<'_>) -> Result<bool, ReadError>,
    writer: &mut SsTableWriter,
) -> Result<ControlFlow<()>, JobError> {
    let deletion = purger.deletion(merge.deletion());
    let mut begun = false;
    let static_row = merge.static_row().and_then(|row| purger.row(row));
    if !deletion.is_live() || static_row.is_some() {
        writer.begin_partition(key, deletion, static_row)?;
        begun = true;
    }
    while merge.advance()? {
        let Some(item) = merge.current().and_then(|item| purger.item(item)) else { continue };
        if !is_wanted(&item)? {
            continue;
        }
        if !begun {
            writer.begin_partition(key, deletion, None)?;
            begun = true;
        }
        writer.unfiltered(item)?;
    }
    if begun {
        writer.end_partition()?;
    }
    Ok(if begun { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
}
