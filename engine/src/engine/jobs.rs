//! Background work: what is to be done next, and doing it in slices.
//!
//! [`Engine::next_job`] hands out one piece of work; the caller runs its slices on a thread where waiting is allowed, as many bytes
//! at a time as its throughput limit wants, and may run several jobs at once. A job is run to its end or its first error, unless
//! the node stops: then the next start removes what it had written.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use helenus_model::time::Now;
use thiserror::Error;
use uuid::Uuid;

use super::{BuildJob, Engine, State};
use crate::disk::{DiskError, DiskErrorKind};
use crate::error::ReadError;
use crate::log::LogPosition;
use crate::manifest::Generation;
use crate::memtable::Memtable;
use crate::sstable::SsTableWriteError;
use crate::sstable_handle::SsTableHandle;
use crate::table_store::{Flushing, TableStore, View};

mod compact;
mod flush;
mod remove;

pub use compact::CompactJob;
pub use flush::FlushJob;
pub use remove::RemoveJob;
pub(super) use remove::remove_generations;

/// Between two looks at the free space of the disk, unless much is written.
const SPACE_CHECK_MICROS: u64 = 1_000_000;

/// A job stopped. Nothing was changed; the work is handed out again by a later [`Engine::next_job`].
#[derive(Clone, Debug, Error)]
pub enum JobError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// An SSTable could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An SSTable could not be written.
    #[error(transparent)]
    Write(#[from] SsTableWriteError),
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobProgress {
    /// Another slice is needed; so many bytes were handled in this one.
    More {
        /// Bytes handled, before compression.
        bytes: u64,
    },
    /// The job is done.
    Done(JobSummary),
}

/// What a job did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobSummary {
    /// Its table.
    pub table: Uuid,
    /// Bytes of the SSTables read.
    pub bytes_in: u64,
    /// Bytes of the SSTables written.
    pub bytes_out: u64,
    /// SSTables read.
    pub sstables_in: usize,
    /// Partitions written.
    pub partitions: u64,
}

/// A piece of background work.
#[derive(Debug)]
pub enum Job {
    /// Writes a memtable to an SSTable.
    Flush(FlushJob),
    /// Merges SSTables.
    Compact(CompactJob),
    /// Removes files that nothing needs.
    Remove(RemoveJob),
    /// Builds a secondary index.
    Build(BuildJob),
}

impl Job {
    /// Does about `budget_bytes` of the work.
    pub fn run_slice(&mut self, engine: &Engine, budget_bytes: u64, now: Now) -> Result<JobProgress, JobError> {
        match self {
            Job::Flush(job) => job.run_slice(engine, budget_bytes, now),
            Job::Compact(job) => job.run_slice(engine, budget_bytes, now),
            Job::Remove(job) => job.run(engine),
            Job::Build(job) => job.run_slice(engine, budget_bytes, now),
        }
    }

    /// What it is, as an operator knows it.
    pub fn name(&self) -> &'static str {
        match self {
            Job::Flush(_) => "a flush",
            Job::Compact(_) => "a compaction",
            Job::Remove(_) => "a removal of files",
            Job::Build(_) => "a build of an index",
        }
    }

    /// The table it works on.
    pub fn table(&self) -> Uuid {
        match self {
            Job::Flush(job) => job.table(),
            Job::Compact(job) => job.table(),
            Job::Remove(job) => job.table(),
            Job::Build(job) => job.table(),
        }
    }
}

impl Engine {
    /// The next piece of background work, if there is any: first flushes, then removals, then indexes, then compactions.
    pub fn next_job(&self, now: Now) -> Option<Job> {
        if let Some(job) = self.next_flush(now) {
            return Some(Job::Flush(job));
        }
        let mut state = self.state.lock();
        let tables = self.tables.load_full();
        if let Some(job) = remove::next(&mut state) {
            return Some(Job::Remove(job));
        }
        self.note_built_indexes(&mut state, &tables);
        if let Some(job) = BuildJob::next(&tables) {
            return Some(Job::Build(job));
        }
        tables.iter().find_map(|store| compact::next(&mut state, store, now)).map(Job::Compact)
    }

    /// The next flush that is due, if there is any: more urgent than other jobs, so a caller may want threads of its own for it.
    pub fn next_flush(&self, now: Now) -> Option<FlushJob> {
        let mut state = self.state.lock();
        self.watch_space(&mut state, now);
        self.switch_where_needed(&mut state);
        self.take_flush(&mut state)
    }

    /// Before the disk is so full that the memtables could not be flushed any more, writes are refused and everything is flushed,
    /// which gives the log's space back. When there is space again, writes go on. Looked at once a second, and whenever the log
    /// has grown by a quarter of a segment.
    fn watch_space(&self, state: &mut State, now: Now) {
        let micros = now.monotonic_micros;
        let log_bytes = self.log.usage().1;
        let grown = log_bytes.abs_diff(state.space_checked.1);
        let is_recent = state.space_checked.0.is_some_and(|at| micros.saturating_sub(at) < SPACE_CHECK_MICROS);
        if is_recent && grown < u64::from(self.config.log_segment_bytes / 4) {
            return;
        }
        state.space_checked = (Some(micros), log_bytes);
        let Ok(free) = self.disk.free_bytes() else { return };
        let needed = self.memtable_bytes.load(Ordering::Relaxed) as u64 + u64::from(self.config.log_segment_bytes);
        if free >= needed {
            self.log.retry();
            return;
        }
        let error = DiskError {
            operation: "write",
            path: "commitlog".to_owned(),
            message: format!("{free} bytes are free, {needed} are kept for flushes"),
            kind: DiskErrorKind::Full,
        };
        self.log.refuse(error);
        if self.memtable_bytes.load(Ordering::Relaxed) > 0 {
            state.flush_wanted.extend(self.tables.load().iter().map(|store| store.id));
        }
    }

    fn take_flush(&self, state: &mut State) -> Option<FlushJob> {
        let tables = self.tables.load_full();
        for store in tables.iter().filter(|store| store.view.load().has_flushing()) {
            if state.flushing.contains(&store.id) {
                continue;
            }
            if let Some(flushing) = store.view.load().flushing.first() {
                state.flushing.insert(store.id);
                return Some(FlushJob::new(Arc::clone(store), flushing.clone()));
            }
        }
        None
    }

    /// Flushes the largest memtable at once, while the log is replayed up to `position`.
    pub(super) fn flush_largest(&self, position: LogPosition, now: Now) -> Result<(), JobError> {
        {
            let _state = self.state.lock();
            let tables = self.tables.load_full();
            if let Some(store) = tables.iter().max_by_key(|store| store.view.load().active.bytes()) {
                self.switch(store, Some(position));
            }
        }
        loop {
            let Some(mut job) = self.take_flush(&mut self.state.lock()) else { return Ok(()) };
            while matches!(job.run_slice(self, u64::MAX, now)?, JobProgress::More { .. }) {}
        }
    }

    /// Switches memtables that are to be flushed: because it was asked for, because all together are too large, or because they
    /// keep old log segments.
    fn switch_where_needed(&self, state: &mut State) {
        let tables = self.tables.load_full();
        for table in std::mem::take(&mut state.flush_wanted) {
            if let Some(store) = tables.get(table) {
                self.switch(store, None);
            }
        }
        let flushing: usize = tables.iter().map(|store| store.view.load().flushing_bytes()).sum();
        let active: usize = tables.iter().map(|store| store.view.load().active.bytes()).sum();
        // While a large part is on its way to disk already, more small files would not help.
        if active + flushing > self.config.memtable_bytes_max && flushing <= self.config.memtable_bytes_max / 2 {
            let largest = tables.iter().max_by_key(|store| store.view.load().active.bytes());
            if let Some(store) = largest {
                self.switch(store, None);
            }
        }
        if self.log.usage().1 > self.config.log_bytes_max
            && let Some(oldest) = self.log.oldest_segment()
        {
            for store in tables.iter() {
                let first = store.view.load().active.first_position();
                if first.is_some_and(|first| first.segment <= oldest) {
                    self.switch(store, None);
                }
            }
        }
    }

    /// Gives a table a new memtable and queues the old one, if there is anything in it. `position` is that up to which the log was
    /// applied, while it is replayed; otherwise the end of the log.
    pub(super) fn switch(&self, store: &TableStore, position: Option<LogPosition>) {
        if store.view.load().active.is_empty() {
            return;
        }
        let _alone = self.barrier.write();
        let position = position.unwrap_or_else(|| self.log.position());
        let view = store.view.load_full();
        let mut flushing = view.flushing.clone();
        flushing.push(Flushing { memtable: Arc::clone(&view.active), position });
        store.view.store(View::new(Arc::default(), flushing, view.sstables.clone()));
    }

    /// Asks for the flush of a table and its indexes; the next jobs do it.
    pub fn flush(&self, table: Uuid) {
        let indexes = self.indexes_of(table);
        let mut state = self.state.lock();
        state.flush_wanted.insert(table);
        state.flush_wanted.extend(indexes.iter().map(|store| store.id));
    }

    /// Asks for the flush of all tables.
    pub fn flush_all(&self) {
        let tables = self.tables.load_full();
        self.state.lock().flush_wanted.extend(tables.iter().map(|store| store.id));
    }

    /// Asks for a compaction of all SSTables of a table into one; and so for its indexes.
    pub fn compact_major(&self, table: Uuid) {
        let indexes = self.indexes_of(table);
        let mut state = self.state.lock();
        state.major_wanted.insert(table);
        state.major_wanted.extend(indexes.iter().map(|store| store.id));
    }

    /// A new SSTable's number, noted as pending: if nothing comes of it, the next start removes its files.
    pub(super) fn new_generation(&self, state: &mut State, store: &TableStore) -> Result<Generation, DiskError> {
        let generation = state.manifest.next_generation;
        let directory = store.directory();
        self.disk.create_dir(&directory)?;
        self.commit(state, |manifest| {
            manifest.next_generation += 1;
            manifest.table_mut(store.id, &directory).pending.insert(generation);
        })?;
        Ok(generation)
    }

    pub(super) fn open_sstable(
        &self,
        store: &TableStore,
        generation: Generation,
        now: Now,
    ) -> Result<SsTableHandle, ReadError> {
        let table = store.definition.load_full();
        SsTableHandle::open(&self.disk, &self.caches, &store.directory(), generation, &table, now)
    }

    /// The log is needed from this segment on, once `without` is flushed.
    fn log_start(&self, without: Option<&Arc<Memtable>>) -> u32 {
        let _alone = self.barrier.write();
        let tables = self.tables.load_full();
        let mut first = self.log.position().segment.min(self.replaying.load(Ordering::Relaxed));
        for store in tables.iter() {
            let view = store.view.load();
            for memtable in
                view.memtables().filter(|memtable| without.is_none_or(|without| !Arc::ptr_eq(memtable, without)))
            {
                first = memtable.first_position().map_or(first, |position| first.min(position.segment));
            }
        }
        first
    }
}
