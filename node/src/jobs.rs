//! Background work of the store on threads of its own: flushes on one, everything else on others, within the throughput limit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use helenus_engine::engine::{Engine, Job, JobError, JobProgress, JobSummary};
use parking_lot::{Condvar, Mutex};
use uuid::Uuid;

use crate::clock;
use crate::config::DiskFailurePolicy;
use crate::fatal::fatal;

/// Bytes handled between two looks at the clock.
const SLICE_BYTES: u64 = 1 << 20;
/// How often it is looked whether a flush is due.
const FLUSH_WAIT: Duration = Duration::from_millis(20);
/// How often it is looked whether a compaction is due; what changes the files rings before.
const COMPACTION_WAIT: Duration = Duration::from_secs(1);
/// A job that failed is not tried again before this.
const FAILURE_WAIT: Duration = Duration::from_secs(10);

/// Figures of the jobs since the start.
#[derive(Debug, Default)]
pub(crate) struct JobStats {
    pub(crate) flushes: AtomicU64,
    /// Flushes under way.
    pub(crate) flushing: AtomicU64,
    pub(crate) compactions: AtomicU64,
    pub(crate) bytes_compacted: AtomicU64,
    pub(crate) failures: AtomicU64,
}

/// The jobs of a node. See the module.
#[derive(Debug)]
pub(crate) struct Jobs {
    engine: Arc<Engine>,
    policy: DiskFailurePolicy,
    /// Bytes a second of compactions; zero is no limit.
    throughput: u64,
    /// Jobs under way by table. Held while a job is taken, so that one that was asked for is either here or still to be taken.
    running: Mutex<BTreeMap<Uuid, usize>>,
    bell: (Mutex<bool>, Condvar),
    pub(crate) stats: JobStats,
}

impl Jobs {
    pub(crate) fn new(engine: Arc<Engine>, policy: DiskFailurePolicy, throughput: u64) -> Self {
        Jobs {
            engine,
            policy,
            throughput,
            running: Mutex::default(),
            bell: (Mutex::new(false), Condvar::new()),
            stats: JobStats::default(),
        }
    }

    /// Starts the threads: one for flushes, `compactors` for the rest.
    pub(crate) fn start(self: &Arc<Self>, compactors: usize) {
        let jobs = Arc::clone(self);
        crate::tasks::spawn("flush", move || jobs.flush_forever());
        for number in 0..compactors {
            let jobs = Arc::clone(self);
            crate::tasks::spawn(&format!("compaction-{number}"), move || jobs.work_forever());
        }
    }

    /// Flushes tables and waits for the end of it.
    ///
    /// # Errors
    /// A flush failed.
    pub(crate) fn flush(&self, tables: &[Uuid]) -> Result<(), JobError> {
        tables.iter().for_each(|table| self.engine.flush(*table));
        while let Some(job) = self.engine.next_flush(clock::now()) {
            self.run(Job::Flush(job))?;
        }
        let is_pending = |engine: &Engine| {
            let stats = engine.stats();
            stats.tables.iter().any(|table| table.pending_flushes > 0 && tables.contains(&table.id))
        };
        while is_pending(&self.engine) {
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Compacts all SSTables of tables into one each and waits for the end of it.
    ///
    /// # Errors
    /// A job failed.
    pub(crate) fn compact(&self, tables: &[Uuid]) -> Result<(), JobError> {
        self.flush(tables)?;
        tables.iter().for_each(|table| self.engine.compact_major(*table));
        loop {
            if let Some(job) = self.take() {
                self.run_taken(job)?;
                continue;
            }
            if !self.running.lock().keys().any(|table| tables.contains(table)) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Jobs under way, flushes not among them.
    pub(crate) fn running(&self) -> usize {
        self.running.lock().values().sum()
    }

    fn ring(&self) {
        *self.bell.0.lock() = true;
        self.bell.1.notify_one();
    }

    fn wait(&self, limit: Duration) {
        let mut rung = self.bell.0.lock();
        if !*rung {
            self.bell.1.wait_for(&mut rung, limit);
        }
        *rung = false;
    }

    fn flush_forever(&self) {
        loop {
            match self.engine.next_flush(clock::now()) {
                None => std::thread::sleep(FLUSH_WAIT),
                Some(job) => {
                    let job = Job::Flush(job);
                    let name = job.name();
                    if let Err(error) = self.run(job) {
                        self.failed(name, &error);
                    }
                }
            }
        }
    }

    fn work_forever(&self) {
        loop {
            match self.take() {
                None => self.wait(COMPACTION_WAIT),
                Some(job) => {
                    let name = job.name();
                    if let Err(error) = self.run_taken(job) {
                        self.failed(name, &error);
                    }
                }
            }
        }
    }

    fn take(&self) -> Option<Job> {
        let mut running = self.running.lock();
        let job = self.engine.next_job(clock::now())?;
        *running.entry(job.table()).or_default() += 1;
        Some(job)
    }

    /// Runs a job that [`Jobs::take`] counted.
    fn run_taken(&self, job: Job) -> Result<JobSummary, JobError> {
        let table = job.table();
        let result = self.run(job);
        let mut running = self.running.lock();
        if let Some(count) = running.get_mut(&table) {
            *count -= 1;
            if *count == 0 {
                running.remove(&table);
            }
        }
        result
    }

    fn run(&self, mut job: Job) -> Result<JobSummary, JobError> {
        let is_flush = matches!(job, Job::Flush(_));
        let is_compaction = matches!(job, Job::Compact(_));
        let throughput = if is_compaction { self.throughput } else { 0 };
        self.stats.flushing.fetch_add(u64::from(is_flush), Ordering::Relaxed);
        let result = self.run_slices(&mut job, throughput);
        self.stats.flushing.fetch_sub(u64::from(is_flush), Ordering::Relaxed);
        drop(job);
        let counter = match &result {
            Err(_) => &self.stats.failures,
            Ok(_) if is_flush => &self.stats.flushes,
            Ok(summary) if is_compaction => {
                self.stats.bytes_compacted.fetch_add(summary.bytes_in, Ordering::Relaxed);
                &self.stats.compactions
            }
            Ok(_) => return result,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.ring();
        result
    }

    fn run_slices(&self, job: &mut Job, throughput: u64) -> Result<JobSummary, JobError> {
        let started = Instant::now();
        let mut handled = 0;
        loop {
            match job.run_slice(&self.engine, SLICE_BYTES, clock::now())? {
                JobProgress::Done(summary) => {
                    tracing::debug!(?summary, seconds = started.elapsed().as_secs_f64(), "a job is done");
                    return Ok(summary);
                }
                JobProgress::More { bytes } => handled += bytes,
            }
            if throughput > 0 {
                let due = Duration::from_secs_f64(handled as f64 / throughput as f64);
                std::thread::sleep(due.saturating_sub(started.elapsed()));
            }
        }
    }

    /// A job that was not asked for by anybody who could be told has failed.
    fn failed(&self, name: &str, error: &JobError) {
        let is_damage = matches!(error, JobError::Read(_));
        match self.policy {
            DiskFailurePolicy::Stop | DiskFailurePolicy::StopParanoid | DiskFailurePolicy::Die if !is_damage => {
                fatal(&format!("{name} failed, and disk_failure_policy says to stop: {error}"));
            }
            _ => tracing::error!(%error, "{name} failed; it is tried again"),
        }
        std::thread::sleep(FAILURE_WAIT);
    }
}

#[cfg(test)]
mod tests {
    use helenus_engine::disk_memory::MemoryDisk;
    use helenus_engine::engine::EngineConfig;
    use helenus_model::mutation::encode_mutation;
    use helenus_model::partition::PartitionWriter;
    use helenus_model::row::DeletionTime;
    use helenus_model::schema::{Column, ColumnKind, Schema, SortOrder, Table, TableParams, TableParts};
    use helenus_model::types::CqlType;

    use super::*;

    fn table() -> Arc<Table> {
        let order = SortOrder::Ascending;
        let column =
            |id, name: &str, kind| Column { id, name: name.to_owned(), ty: CqlType::Blob, kind, position: 0, order };
        Arc::new(Table::new(TableParts {
            id: Uuid::from_u128(7),
            keyspace: "ks".to_owned(),
            name: "t".to_owned(),
            epoch: 1,
            columns: vec![column(0, "k", ColumnKind::PartitionKey), column(1, "v", ColumnKind::Regular)],
            dropped: Vec::new(),
            next_column_id: 2,
            params: TableParams::default(),
            indexes: Vec::new(),
            view: None,
        }))
    }

    /// A flush is not counted among the jobs under way: when it ends, a compaction of its table goes on being one.
    #[test]
    fn a_flush_does_not_end_a_compaction() {
        let table = table();
        let (schema, disk) = (Arc::new(Schema::default()), Arc::new(MemoryDisk::new()));
        let opened = Engine::open(disk, EngineConfig::default(), schema, vec![Arc::clone(&table)], clock::now());
        let engine = Arc::new(opened.expect("an empty disk opens").0);
        let jobs = Jobs::new(Arc::clone(&engine), DiskFailurePolicy::Stop, 0);
        let (mut partition, mut mutation) = (Vec::new(), Vec::new());
        PartitionWriter::begin(&mut partition, DeletionTime { marked_at: 1, local: 1 }, None).end();
        encode_mutation(&mut mutation, b"k", &[(table.id, &partition)]);
        engine.apply(&mutation, true).expect("the disk is sound");
        jobs.running.lock().insert(table.id, 1);
        jobs.flush(&[table.id]).expect("the disk is sound");
        assert_eq!(jobs.stats.flushes.load(Ordering::Relaxed), 1);
        assert_eq!(jobs.running(), 1);
    }
}
