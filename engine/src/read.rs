//! Reads: which sources have something to say, merged, cut to the limits, given to a consumer item by item.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use helenus_model::key::{ClusteringValues, KeyRef, Position, PositionBuf, RingPosition};
use helenus_model::partition::{Marker, Unfiltered};
use helenus_model::read::{ColumnFilter, Flow, Next, PartitionConsumer, ReadCommand, ReadScope, Slice, slices_behind};
use helenus_model::row::DeletionTime;
use helenus_model::schema::Table;

use crate::cursor::{PartitionCursor, ReadMode};
use crate::engine::Times;
use crate::error::ReadError;
use crate::memtable::{MemtableCursor, MemtableScan, Partition, ScanShape};
use crate::merge::MergeCursor;
use crate::table_store::{TableStore, View};

mod alone;
mod dropped;
mod found;
mod limit;
mod scan;
mod source;

use alone::Alone;
use dropped::WithoutDropped;
pub(crate) use found::FoundRows;
pub(crate) use limit::LimitState;
pub(crate) use scan::MergedScan;
use source::{CursorSource, ScanSource};

/// Runs `command` on one table. See [`crate::engine::Engine::read`].
pub(crate) fn read(
    store: &TableStore,
    clock: fn() -> u64,
    command: &ReadCommand,
    mode: ReadMode,
    consumer: &mut dyn PartitionConsumer,
) -> Result<(), ReadError> {
    let began = Times::begin(store.counters.reads.load(Relaxed), clock);
    let result = run(store, command, mode, consumer);
    // What is run again elsewhere counts there.
    if !matches!(result, Err(ReadError::WouldBlock | ReadError::OverBudget)) {
        store.counters.reads.fetch_add(1, Relaxed);
        store.counters.read_times.end(began, clock);
    }
    result
}

fn run(
    store: &TableStore,
    command: &ReadCommand,
    mode: ReadMode,
    consumer: &mut dyn PartitionConsumer,
) -> Result<(), ReadError> {
    let table = store.definition.load();
    let view = store.view.load();
    let statics = wants_statics(&table, &command.columns);
    let mut read = Read {
        table: &table,
        view: &view,
        command,
        mode,
        statics,
        budget: mode.rows_budget,
        limits: LimitState::new(command, table.is_strict()),
        consumer,
    };
    match &command.scope {
        ReadScope::Partition { key } => {
            let key = KeyRef::new(key);
            if !read.partition_from_memory(key)? {
                let _ = read.partition(key, &command.slices, false)?;
            }
        }
        ReadScope::Range { start, end, resume } => read.range(start, end, resume.as_ref())?,
    }
    Ok(())
}

fn wants_statics(table: &Table, columns: &ColumnFilter) -> bool {
    table.has_statics()
        && match columns {
            ColumnFilter::All => true,
            filter @ ColumnFilter::Only(_) => table.statics.iter().any(|column| filter.includes(column.id)),
        }
}

/// One read under way.
struct Read<'r> {
    table: &'r Table,
    view: &'r View,
    command: &'r ReadCommand,
    mode: ReadMode,
    statics: bool,
    /// Items that may still be looked at.
    budget: u64,
    limits: LimitState<'r>,
    consumer: &'r mut dyn PartitionConsumer,
}

/// The items of a partition as they are to be given out, from however many sources.
trait Walk: PartitionCursor {
    /// Limits how many items of the sources are looked at; one more is [`ReadError::OverBudget`].
    fn set_budget(&mut self, items: u64);
    /// What is left of the budget.
    fn budget_left(&self) -> u64;
    /// The range deletion in force behind the current item.
    fn open_deletion(&self) -> DeletionTime;
}

impl<C: PartitionCursor> Walk for MergeCursor<&Table, C> {
    fn set_budget(&mut self, items: u64) {
        MergeCursor::set_budget(self, items);
    }

    fn budget_left(&self) -> u64 {
        MergeCursor::budget_left(self)
    }

    fn open_deletion(&self) -> DeletionTime {
        MergeCursor::open_deletion(self)
    }
}

/// Whether the read goes on with another partition.
type Onward = ControlFlow<(), ()>;

impl<'r> Read<'r> {
    /// Answers from the active memtable without allocating, if it is the only source, a single row is asked for, and no deletion
    /// is near. Returns false, with nothing given out, when that is not so.
    fn partition_from_memory(&mut self, key: KeyRef<'_>) -> Result<bool, ReadError> {
        let [slice] = self.command.slices.as_slice() else { return Ok(false) };
        let Some(clustering) = slice.as_prefix() else { return Ok(false) };
        let whole = ClusteringValues::new(clustering).count() == self.table.comparator().len();
        if !whole || !self.table.dropped.is_empty() || self.others_have(key)? {
            return Ok(false);
        }
        let Some(partition) = self.view.active.partition(key) else { return Ok(true) };
        if !partition.deletion().is_live() || partition.ranges().is_some() {
            return Ok(false);
        }
        self.limits.begin_partition();
        let static_row = if self.statics { partition.static_row() } else { None };
        let row = partition.row(self.table, clustering);
        if static_row.is_none() && row.is_none() {
            return Ok(true);
        }
        let mut flow = self.consumer.partition(key, DeletionTime::LIVE, static_row);
        if let (ControlFlow::Continue(Next::Item), Some((clustering, row))) = (flow, row) {
            flow = self.consumer.unfiltered(Unfiltered::Row { clustering, row });
        }
        if flow.is_continue() {
            let _ = self.consumer.end_partition();
        }
        Ok(true)
    }

    /// True when a source other than the active memtable may have the partition.
    fn others_have(&self, key: KeyRef<'_>) -> Result<bool, ReadError> {
        Ok(self.view.flushing.iter().any(|flushing| flushing.memtable.partition(key).is_some())
            || self.view.sstables.iter().any(|handle| handle.may_contain(key)))
    }

    fn shape<'s>(&self, slices: &'s [Slice]) -> ScanShape<'s>
    where
        'r: 's,
    {
        let limits = &self.command.limits;
        ScanShape {
            table: self.table,
            slices,
            reversed: self.command.reversed,
            statics: self.statics,
            rows_wanted: limits.rows.min(limits.per_partition),
        }
    }

    fn memtable_partitions(&self, key: KeyRef<'_>) -> Vec<Arc<Partition>> {
        self.view.memtables().filter_map(|memtable| memtable.partition(key)).collect()
    }

    /// Reads one partition. `resumed` when its first rows were given on an earlier page.
    fn partition(&mut self, key: KeyRef<'_>, slices: &[Slice], resumed: bool) -> Result<Onward, ReadError> {
        let (table, reversed) = (self.table, self.command.reversed);
        let shape = self.shape(slices);
        let mut sources: Vec<_> = self
            .memtable_partitions(key)
            .into_iter()
            .map(|partition| CursorSource::Memtable(MemtableCursor::new(shape, partition)))
            .collect();
        self.add_sstables(key, slices, &mut sources)?;
        if sources.is_empty() {
            return Ok(Onward::Continue(()));
        }
        if sources.len() == 1 {
            match sources.pop() {
                Some(CursorSource::Memtable(cursor)) if !cursor.has_deletions() => {
                    return self.emit(&mut Alone::new(cursor), key, resumed);
                }
                other => sources.extend(other),
            }
        }
        let mut merge = MergeCursor::new(table, sources, reversed);
        self.emit(&mut merge, key, resumed)
    }

    /// Adds the SSTables that have the partition, except those in which everything is older than a deletion
    /// of the whole partition.
    fn add_sstables<'c>(
        &self,
        key: KeyRef<'_>,
        slices: &'c [Slice],
        sources: &mut Vec<CursorSource<'c>>,
    ) -> Result<(), ReadError>
    where
        'r: 'c,
    {
        let mut deletion = sources.iter().fold(DeletionTime::LIVE, |deletion, source| deletion.max(source.deletion()));
        for handle in &self.view.sstables {
            if handle.max_timestamp < deletion.marked_at {
                continue;
            }
            let command = self.command;
            let cursor = handle.cursor(key, slices, command.reversed, &command.columns, self.mode)?;
            if let Some(cursor) = cursor {
                deletion = deletion.max(cursor.deletion());
                sources.push(CursorSource::SsTable(Box::new(cursor)));
            }
        }
        Ok(())
    }

    fn range(
        &mut self,
        start: &RingPosition,
        end: &RingPosition,
        resume: Option<&(Box<[u8]>, Option<PositionBuf>)>,
    ) -> Result<(), ReadError> {
        let command = self.command;
        let mut start = start.clone();
        if let Some((key, place)) = resume {
            let key = KeyRef::new(key);
            if start.compare_to_key(key).is_lt() && end.compare_to_key(key).is_gt() {
                let cut;
                let slices = match place {
                    None => &command.slices,
                    Some(place) => {
                        cut = slices_behind(self.table.comparator(), &command.slices, place.as_ref(), command.reversed);
                        &cut
                    }
                };
                if self.partition(key, slices, place.is_some())?.is_break() {
                    return Ok(());
                }
                start = RingPosition::behind(key);
            }
        }
        self.scan(&start, end)
    }

    /// Reads the partitions of `[start, end)`.
    fn scan(&mut self, start: &RingPosition, end: &RingPosition) -> Result<(), ReadError> {
        let shape = self.shape(&self.command.slices);
        let mut sources = Vec::with_capacity(1 + self.view.flushing.len() + self.view.sstables.len());
        for memtable in self.view.memtables() {
            let scan = MemtableScan::new(Arc::clone(memtable), start.clone(), end.clone(), shape);
            sources.push(ScanSource::Memtable(Box::new(scan)));
        }
        for handle in &self.view.sstables {
            let scan = handle.scan(start, end, shape.slices, &self.command.columns, self.mode)?;
            sources.push(ScanSource::SsTable(Box::new(scan)));
        }
        let mut walk = MergedScan::new(self.table, sources, self.command.reversed)?;
        while let Some(key) = walk.next_key() {
            if self.emit(walk.merge(), key.as_ref(), false)?.is_break() {
                break;
            }
            walk.leave(key.as_ref())?;
        }
        Ok(())
    }

    /// Gives one merged partition to the consumer, up to the limits. An empty one is not told at all.
    fn emit(&mut self, merge: &mut impl Walk, key: KeyRef<'_>, resumed: bool) -> Result<Onward, ReadError> {
        if self.table.dropped.is_empty() {
            return self.emit_items(merge, key, resumed);
        }
        self.emit_items(&mut WithoutDropped::new(self.table, merge), key, resumed)
    }

    fn emit_items(&mut self, merge: &mut impl Walk, key: KeyRef<'_>, resumed: bool) -> Result<Onward, ReadError> {
        merge.set_budget(self.budget);
        self.limits.begin_partition();
        let mut more = merge.advance()?;
        if !more && merge.deletion().is_live() && merge.static_row().is_none() {
            self.budget = merge.budget_left();
            return Ok(Onward::Continue(()));
        }
        let mut flow = self.consumer.partition(key, merge.deletion(), merge.static_row());
        while more && flow == Flow::Continue(Next::Item) {
            let Some(item) = merge.current() else { break };
            if let Unfiltered::Row { row, .. } = &item
                && !self.command.wants(row)
            {
                more = merge.advance()?;
                continue;
            }
            flow = self.consumer.unfiltered(item);
            if let Unfiltered::Row { clustering, row } = item
                && flow == Flow::Continue(Next::Item)
                && self.limits.row_ends_partition(&row)
            {
                flow = self.close(clustering, merge.open_deletion());
                break;
            }
            more = merge.advance()?;
        }
        self.budget = merge.budget_left();
        if flow.is_break() || self.consumer.end_partition().is_break() {
            return Ok(Onward::Break(()));
        }
        let static_live = !resumed && merge.static_row().is_some_and(|row| row.is_live(self.command.now));
        Ok(if self.limits.end_partition(static_live) { Onward::Break(()) } else { Onward::Continue(()) })
    }

    /// The limit ends a partition behind the row `clustering`; a range deletion that is open there is closed, so that the answer
    /// says nothing about what was not read.
    fn close(&mut self, clustering: &[u8], open: DeletionTime) -> Flow {
        if open.is_live() {
            return Flow::Continue(Next::Partition);
        }
        let weight = if self.command.reversed { -1 } else { 1 };
        let position = Position { prefix: clustering, weight };
        match self.consumer.unfiltered(Unfiltered::Marker(Marker { position, close: open, open: DeletionTime::LIVE })) {
            Flow::Break(()) => Flow::Break(()),
            Flow::Continue(_) => Flow::Continue(Next::Partition),
        }
    }
}
