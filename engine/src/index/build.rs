//! Building an index on a table that has rows: the base table is read from one end of the ring to the other, some rows at a time, and their
//! entries go to the hidden table's memtable, which writes fill meanwhile. Entries made twice are the same entry.

use std::ops::ControlFlow;
use std::sync::Arc;

use helenus_model::key::{KeyRef, Position, PositionBuf, RingPosition};
use helenus_model::partition::{PartitionWriter, Unfiltered};
use helenus_model::read::{ColumnFilter, Flow, Next, PartitionConsumer, ReadCommand, ReadLimits, ReadScope, Slice};
use helenus_model::row::{DeletionTime, RowRef};
use helenus_model::time::{LocalSeconds, Now};

use super::IndexState;
use super::entries;
use crate::cursor::ReadMode;
use crate::engine::{Engine, JobError, JobProgress, JobSummary};
use crate::error::ReadError;
use crate::log::LogPosition;
use crate::table_store::{TableSet, TableStore};

/// Rows read in one go.
const STEP_ROWS: u32 = 512;

/// Where a read of a range goes on.
pub(crate) type Resume = Option<(Box<[u8]>, Option<PositionBuf>)>;

/// See the module.
#[derive(Debug)]
pub struct BuildJob {
    base: Arc<TableStore>,
    store: Arc<TableStore>,
    start: RingPosition,
    resume: Resume,
    /// Which build of the index this is.
    number: u64,
}

impl BuildJob {
    /// The next index to be built, if there is one; it is being built from now on.
    pub(crate) fn next(tables: &TableSet) -> Option<BuildJob> {
        tables.iter().find_map(|store| {
            let index = store.index.as_ref().filter(|index| index.state() == IndexState::Unbuilt)?;
            let base = tables.get(index.base)?;
            let number = index.begin_build();
            Some(BuildJob {
                number,
                base: Arc::clone(base),
                store: Arc::clone(store),
                start: RingPosition::FIRST,
                resume: None,
            })
        })
    }

    /// The hidden table of the index.
    pub fn table(&self) -> uuid::Uuid {
        self.store.id
    }

    /// Does about `budget_bytes` of the work.
    pub fn run_slice(&mut self, engine: &Engine, budget_bytes: u64, now: Now) -> Result<JobProgress, JobError> {
        let mut bytes = 0;
        while bytes < budget_bytes {
            if !engine.has_store(&self.store) {
                return Ok(self.done());
            }
            match self.step(engine, now.seconds()) {
                Ok(Some(read)) => bytes += read,
                Ok(None) => {
                    engine.index_complete(&self.store, self.number);
                    return Ok(self.done());
                }
                Err(error) => {
                    engine.index_build_failed(&self.store, self.number);
                    return Err(error.into());
                }
            }
        }
        Ok(JobProgress::More { bytes })
    }

    fn done(&self) -> JobProgress {
        JobProgress::Done(JobSummary { table: self.store.id, ..JobSummary::default() })
    }

    /// Reads some rows and makes their entries; None when there are no more.
    fn step(&mut self, engine: &Engine, now: LocalSeconds) -> Result<Option<u64>, ReadError> {
        let scope = ReadScope::Range { start: self.start.clone(), end: RingPosition::LAST, resume: self.resume.take() };
        let rows = collect(&self.base, scope, STEP_ROWS, now)?;
        engine.make_entries(&self.base, &self.store, &rows, None);
        if rows.live < STEP_ROWS {
            return Ok(None);
        }
        let Some(next) = rows.next() else { return Ok(None) };
        (self.start, self.resume) = next;
        Ok(Some(rows.bytes.max(1)))
    }
}

/// Makes the entries of a table that is small and in memory only, or has nothing at all. False: it is not. The entries are as durable as
/// the rows: the log has these and is kept until the entries, too, are in SSTables.
pub(crate) fn build_at_once(
    engine: &Engine,
    base: &TableStore,
    store: &TableStore,
    now: LocalSeconds,
) -> Result<bool, ReadError> {
    let view = base.view.load_full();
    let bytes: usize = view.memtables().map(|memtable| memtable.bytes()).sum();
    if !view.sstables.is_empty() || bytes > AT_ONCE_BYTES_MAX {
        return Ok(false);
    }
    let scope = ReadScope::Range { start: RingPosition::FIRST, end: RingPosition::LAST, resume: None };
    let rows = collect(base, scope, u32::MAX, now)?;
    let position = view.memtables().filter_map(|memtable| memtable.first_position()).min();
    engine.make_entries(base, store, &rows, position);
    Ok(true)
}

/// Memtables up to this size are indexed on the thread that changes the schema.
const AT_ONCE_BYTES_MAX: usize = 1 << 20;

pub(crate) fn collect(base: &TableStore, scope: ReadScope, rows: u32, now: LocalSeconds) -> Result<Rows, ReadError> {
    let table = base.definition.load();
    let command = ReadCommand {
        table: table.id,
        schema_epoch: table.epoch,
        scope,
        slices: vec![Slice::all()],
        reversed: false,
        columns: ColumnFilter::All,
        limits: ReadLimits { rows, ..ReadLimits::NONE },
        now,
        through: None,
    };
    let mut collected = Rows { now, ..Rows::default() };
    crate::read::read(base, || 0, &command, ReadMode::UNBOUNDED, &mut collected)?;
    Ok(collected)
}

/// Rows of the base table, as updates of its partitions.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    now: LocalSeconds,
    pub(crate) partitions: Vec<(Box<[u8]>, Vec<u8>)>,
    /// Clustering of the last partition's last row.
    last: Option<Box<[u8]>>,
    /// Live rows, as the limit counts them.
    pub(crate) live: u32,
    bytes: u64,
    is_static_live: bool,
    rows_in_partition: u32,
}

impl Rows {
    /// Where the next rows begin; None when there were none.
    pub(crate) fn next(&self) -> Option<(RingPosition, Resume)> {
        let (key, _) = self.partitions.last()?;
        let at = KeyRef::new(key);
        let Some(clustering) = &self.last else { return Some((RingPosition::behind(at), None)) };
        let behind = Position { prefix: clustering, weight: 1 }.to_owned();
        Some((RingPosition::at(at), Some((key.clone(), Some(behind)))))
    }
}

impl PartitionConsumer for Rows {
    fn partition(&mut self, key: KeyRef<'_>, _: DeletionTime, static_row: Option<RowRef<'_>>) -> Flow {
        let mut update = Vec::new();
        PartitionWriter::begin(&mut update, DeletionTime::LIVE, static_row.as_ref().map(RowRef::bytes));
        self.partitions.push((key.key.into(), update));
        self.last = None;
        self.is_static_live = static_row.is_some_and(|row| row.is_live(self.now));
        self.rows_in_partition = 0;
        ControlFlow::Continue(Next::Item)
    }

    fn unfiltered(&mut self, item: Unfiltered<'_>) -> Flow {
        if let (Unfiltered::Row { clustering, row }, Some((_, update))) = (item, self.partitions.last_mut()) {
            PartitionWriter::resume(update).row(clustering, row.bytes());
            self.last = Some(clustering.into());
            let is_live = u32::from(row.is_live(self.now));
            self.live += is_live;
            self.rows_in_partition += is_live;
        }
        ControlFlow::Continue(Next::Item)
    }

    fn end_partition(&mut self) -> Flow {
        if let Some((_, update)) = self.partitions.last_mut() {
            PartitionWriter::resume(update).end();
            self.bytes += update.len() as u64;
        }
        self.live += u32::from(self.rows_in_partition == 0 && self.is_static_live);
        ControlFlow::Continue(Next::Partition)
    }
}

impl Engine {
    /// Puts the entries of rows that were read into the memtable of an index.
    pub(crate) fn make_entries(
        &self,
        base: &TableStore,
        store: &TableStore,
        rows: &Rows,
        position: Option<LogPosition>,
    ) {
        let table = base.definition.load();
        let _shared = self.hold_memtables();
        let grown = rows
            .partitions
            .iter()
            .map(|(key, update)| entries::apply_one(&table, store, KeyRef::new(key), update, position))
            .sum();
        self.note_growth(grown);
    }
}
