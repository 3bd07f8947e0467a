//! Writing a memtable to an SSTable.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use helenus_model::key::{DecoratedKey, KeyRef, RingPosition};
use helenus_model::read::Slice;
use helenus_model::schema::Table;
use helenus_model::time::Now;
use uuid::Uuid;

use super::{JobError, JobProgress, JobSummary};
use crate::cursor::{PartitionCursor, PartitionScan};
use crate::engine::Engine;
use crate::manifest::Generation;
use crate::memtable::{MemtableScan, ScanShape};
use crate::merge::MergeCursor;
use crate::sstable::{EncodingStats, SsTableInfo, SsTableWriter, WriterOptions};
use crate::sstable_handle::SsTableHandle;
use crate::table_store::{Flushing, TableStore, View};

/// See the module.
#[derive(Debug)]
pub struct FlushJob {
    store: Arc<TableStore>,
    flushing: Flushing,
    /// The file being written.
    output: Option<(Generation, SsTableWriter)>,
    /// Behind this partition the next slice goes on.
    last: Option<DecoratedKey>,
}

impl FlushJob {
    pub(super) fn new(store: Arc<TableStore>, flushing: Flushing) -> Self {
        FlushJob { store, flushing, output: None, last: None }
    }

    /// The table whose memtable is flushed.
    pub fn table(&self) -> Uuid {
        self.store.id
    }

    /// Does about `budget_bytes` of the work.
    pub fn run_slice(&mut self, engine: &Engine, budget_bytes: u64, now: Now) -> Result<JobProgress, JobError> {
        let result = self.slice(engine, budget_bytes, now);
        match &result {
            Ok(JobProgress::More { .. }) => {}
            Ok(JobProgress::Done(_)) => {
                engine.state.lock().flushing.remove(&self.store.id);
            }
            Err(_) => self.give_up(engine),
        }
        result
    }

    /// Removes what was written; the memtable stays where it is and is handed out again.
    fn give_up(&mut self, engine: &Engine) {
        let generation = self.output.take().map(|(generation, writer)| {
            // The job's own error is the one to tell; files that stay are pending, so a start removes them.
            let _ = writer.abort();
            generation
        });
        let mut state = engine.state.lock();
        state.flushing.remove(&self.store.id);
        if let Some(generation) = generation {
            state.obsolete_pending(self.store.id, generation);
        }
    }

    fn is_wanted(&self) -> bool {
        let view = self.store.view.load();
        view.flushing.iter().any(|flushing| Arc::ptr_eq(&flushing.memtable, &self.flushing.memtable))
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
        let Some((_, writer)) = &mut self.output else { unreachable!("just begun") };
        let before = writer.uncompressed_length();
        let table = self.store.definition.load_full();
        let slices = [Slice::all()];
        let shape = ScanShape { table: &table, slices: &slices, reversed: false, statics: true, rows_wanted: u32::MAX };
        let start = self.last.as_ref().map_or(RingPosition::FIRST, |key| RingPosition::behind(key.as_ref()));
        let scan = MemtableScan::new(Arc::clone(&self.flushing.memtable), start, RingPosition::LAST, shape);
        let mut merge = MergeCursor::idle(&*table, [scan], false);
        loop {
            let more = match merge.cursors_mut().next() {
                Some(scan) => scan.next_partition()?,
                None => false,
            };
            if !more {
                break;
            }
            let key = merge.cursors().next().map_or(KeyRef::new(&[]), PartitionScan::key).to_owned();
            merge.restart(|_| true);
            let _ = write_partition(&mut merge, key.as_ref(), writer)?;
            self.last = Some(key);
            let bytes = writer.uncompressed_length() - before;
            if bytes >= budget_bytes {
                return Ok(JobProgress::More { bytes });
            }
        }
        self.finish(engine, now)
    }

    fn begin(&mut self, engine: &Engine) -> Result<(), JobError> {
        let table = self.store.definition.load_full();
        let stats = self.flushing.memtable.stats();
        let encoding = EncodingStats::from(&stats);
        let partitions = self.flushing.memtable.partition_count() as u64;
        let options = WriterOptions::of_table(&table, encoding, partitions)?;
        let options = WriterOptions { column_index_size: engine.config.column_index_bytes, ..options };
        let generation = engine.new_generation(&mut engine.state.lock(), &self.store)?;
        let disk = Arc::clone(&engine.disk);
        let writer =
            SsTableWriter::create(disk, &self.store.directory(), &generation.to_string(), Arc::clone(&table), options);
        match writer {
            Ok(writer) => self.output = Some((generation, writer)),
            Err(error) => {
                engine.state.lock().obsolete_pending(self.store.id, generation);
                return Err(error.into());
            }
        }
        Ok(())
    }

    fn finish(&mut self, engine: &Engine, now: Now) -> Result<JobProgress, JobError> {
        let Some((generation, writer)) = self.output.take() else { unreachable!("a flush that ends was begun") };
        let info = match writer.finish() {
            Ok(info) => info,
            Err(error) => {
                engine.state.lock().obsolete_pending(self.store.id, generation);
                return Err(error.into());
            }
        };
        let handle = match &info {
            Some(_) => match engine.open_sstable(&self.store, generation, now) {
                Ok(handle) => Some(Arc::new(handle)),
                Err(error) => {
                    engine.state.lock().obsolete_pending(self.store.id, generation);
                    return Err(error.into());
                }
            },
            None => None,
        };
        self.install(engine, generation, handle)?;
        self.store.counters.flushes.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(JobProgress::Done(self.summary(info.as_ref())))
    }

    fn summary(&self, info: Option<&SsTableInfo>) -> JobSummary {
        JobSummary {
            table: self.store.id,
            bytes_out: info.map_or(0, SsTableInfo::size),
            partitions: info.map_or(0, |info| info.partitions),
            ..JobSummary::default()
        }
    }

    /// One moment before this the data is in the memtable and the log, one moment after it in the SSTable.
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
        let log_start = engine.log_start(Some(&self.flushing.memtable));
        if let Some(handle) = &handle {
            // The definition may have changed since the file was opened; it does not while `state` is held.
            if let Err(error) = handle.reader.update_schema(&self.store.definition.load_full()) {
                state.obsolete_pending(self.store.id, generation);
                return Err(error.into());
            }
        }
        let directory = self.store.directory();
        let committed = engine.commit(&mut state, |manifest| {
            manifest.log_start = manifest.log_start.max(log_start);
            let table = manifest.table_mut(self.store.id, &directory);
            table.pending.remove(&generation);
            table.flushed = table.flushed.max(self.flushing.position);
            if handle.is_some() {
                table.live.insert(generation);
            }
        });
        if let Err(error) = committed {
            state.obsolete_pending(self.store.id, generation);
            return Err(error.into());
        }
        let view = self.store.view.load_full();
        let flushing = view
            .flushing
            .iter()
            .filter(|flushing| !Arc::ptr_eq(&flushing.memtable, &self.flushing.memtable))
            .cloned()
            .collect();
        let mut sstables = view.sstables.clone();
        sstables.extend(handle);
        // Writes may switch nothing while `state` is held, so the active memtable is still that of `view`.
        self.store.view.store(View::new(Arc::clone(&view.active), flushing, sstables));
        self.store.compaction_due.store(true, Ordering::Relaxed);
        engine.memtable_bytes.fetch_sub(self.flushing.memtable.bytes(), Ordering::Relaxed);
        let log_start = state.manifest.log_start;
        drop(state);
        engine.log.remove_before(log_start)?;
        Ok(())
    }
}

/// Writes one merged partition; one without content is left out.
pub(super) fn write_partition<C: PartitionCursor>(
    merge: &mut MergeCursor<&Table, C>,
    key: KeyRef<'_>,
    writer: &mut SsTableWriter,
) -> Result<ControlFlow<()>, JobError> {
    let mut more = merge.advance()?;
    if !more && merge.deletion().is_live() && merge.static_row().is_none() {
        return Ok(ControlFlow::Break(()));
    }
    writer.begin_partition(key, merge.deletion(), merge.static_row())?;
    while more {
        if let Some(item) = merge.current() {
            writer.unfiltered(item)?;
        }
        more = merge.advance()?;
    }
    writer.end_partition()?;
    Ok(ControlFlow::Continue(()))
}
