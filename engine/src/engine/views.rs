//! Materialized views. A write to a table that has some reads the rows it touches before it is applied, works out what changes in
//! the views ([`helenus_model::view`]), and is applied together with that: one record of the log has the write, the rows of views that
//! are kept here, and whatever else the caller wants to be remembered of those that are kept elsewhere. So after a crash all of it is
//! there, or nothing is. Between the reading and the applying nobody else may write to the partition.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use helenus_model::key::{ClusteringComparator, KeyRef, Position, PositionBuf, RingPosition};
use helenus_model::mutation::{MutationRef, put_mutation_set};
use helenus_model::partition::{Item, PartitionRef, RangeTombstone, Unfiltered};
use helenus_model::read::{ColumnFilter, Flow, Next, PartitionConsumer, ReadCommand, ReadLimits, ReadScope, Slice};
use helenus_model::row::{DeletionTime, RowHeader, RowRef, merge_rows};
use helenus_model::schema::Table;
use helenus_model::time::LocalSeconds;
use helenus_model::token::Token;
use helenus_model::view::ViewUpdates;
use thiserror::Error;
use uuid::Uuid;

use super::{Engine, revived};
use crate::cursor::ReadMode;
use crate::error::{ReadError, WriteError};
use crate::index::build::{Resume, collect};
use crate::log::LogPosition;
use crate::table_store::{TableSet, TableStore};

/// What a write changes in one partition of a view.
#[derive(Clone, Debug)]
pub struct ViewUpdate {
    /// The view.
    pub view: Arc<Table>,
    /// Where in the ring its partition lies.
    pub token: Token,
    /// The mutation.
    pub mutation: Vec<u8>,
}

/// Nothing was written.
#[derive(Clone, Debug, Error)]
pub enum ViewWriteError {
    /// What is there already could not be read. [`ReadError::WouldBlock`] and [`ReadError::OverBudget`] as with any read; the former
    /// also when somebody else writes near by.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It could not be applied.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Where the building of a view goes on.
#[derive(Clone, Debug)]
pub struct ViewBuild {
    view: Uuid,
    start: RingPosition,
    resume: Resume,
}

impl ViewBuild {
    /// From the first row of the base table on.
    pub fn new(view: Uuid) -> Self {
        ViewBuild { view, start: RingPosition::FIRST, resume: None }
    }

    /// The view.
    pub fn view(&self) -> Uuid {
        self.view
    }
}

/// Rows of a base table, as entries of a view.
#[derive(Debug, Default)]
pub struct BuiltRows {
    /// For each partition of the base table its token and its entries.
    pub partitions: Vec<(Token, Vec<ViewUpdate>)>,
    /// False: there are no more rows.
    pub more: bool,
}

/// True when a mutation is of a table that has views.
pub(super) fn concerns(tables: &TableSet, mutation: MutationRef<'_>) -> bool {
    mutation.updates().any(|(id, _)| tables.views_of(id).is_some())
}

impl Engine {
    /// Applies a mutation, validated at the border, of a table that has views. `route` is given what it changes in them and answers what
    /// of that is to be applied here, and whatever else is to be applied with it; it may be asked more than once, and only the last answer
    /// counts. Nothing waits for a device or a lock unless `mode` says so.
    ///
    /// # Errors
    /// [`ViewWriteError`]; nothing was applied then.
    pub fn apply_with_views(
        &self,
        mutation: &[u8],
        durable: bool,
        now: LocalSeconds,
        mode: ReadMode,
        route: &mut dyn FnMut(Vec<ViewUpdate>) -> Vec<Vec<u8>>,
    ) -> Result<LogPosition, ViewWriteError> {
        let decoded = MutationRef::new(mutation);
        let lock = self.counter_locks.of(decoded.key.token);
        let _alone = if mode.may_block { lock.lock() } else { lock.try_lock().ok_or(ReadError::WouldBlock)? };
        loop {
            let truncations = self.truncations.load(Ordering::Acquire);
            let tables = self.tables.load_full();
            let others = route(self.changes_of_views(&tables, decoded, now, mode)?);
            // What was read before a truncation, or under another schema, is not to be written behind it.
            let is_current =
                || self.truncations.load(Ordering::Acquire) == truncations && Arc::ptr_eq(&tables, &self.tables.load());
            if let Some(position) = self.apply_together(mutation, &others, durable, is_current)? {
                return Ok(position);
            }
        }
    }

    /// What [`Engine::apply_with_views`] reads of the tables with views: where that would wait, it does not after these were run.
    pub fn reads_of_views(&self, mutation: &[u8], now: LocalSeconds) -> Vec<ReadCommand> {
        let tables = self.tables.load();
        let mutation = MutationRef::new(mutation);
        let viewed = mutation.updates().filter(|(id, _)| tables.views_of(*id).is_some());
        let command = |(id, update)| {
            let base = tables.get(id)?.definition.load_full();
            Write { base: &base, key: mutation.key, update: PartitionRef::new(update), now }.command()
        };
        viewed.filter_map(command).collect()
    }

    /// Applies mutations of views, and what is to be remembered with them, as one record of the log where that has room for all.
    pub fn apply_all(&self, mutations: &[Vec<u8>], durable: bool) -> Result<LogPosition, WriteError> {
        let Some((first, others)) = mutations.split_first() else { return Ok(LogPosition::ZERO) };
        Ok(self.apply_together(first, others, durable, || true)?.unwrap_or(LogPosition::ZERO))
    }

    fn changes_of_views(
        &self,
        tables: &TableSet,
        mutation: MutationRef<'_>,
        now: LocalSeconds,
        mode: ReadMode,
    ) -> Result<Vec<ViewUpdate>, ViewWriteError> {
        let mut changes = Vec::new();
        for (id, update) in mutation.updates() {
            let (Some(views), Some(store)) = (tables.views_of(id), tables.get(id)) else { continue };
            let base = store.definition.load_full();
            let left;
            let update = match base.revived() {
                [] => update,
                revived => {
                    left = revived::without_dropped(update, revived);
                    left.as_slice()
                }
            };
            let write = Write { base: &base, key: mutation.key, update: PartitionRef::new(update), now };
            let Some(before) = write.read_before(self, store, mode)? else { continue };
            write.changes(&before, views, &mut changes)?;
        }
        Ok(changes)
    }

    /// Applies a mutation and others with it, unless, at its moment, `still` says no.
    fn apply_together(
        &self,
        mutation: &[u8],
        others: &[Vec<u8>],
        durable: bool,
        still: impl FnOnce() -> bool,
    ) -> Result<Option<LogPosition>, WriteError> {
        if self.memtable_bytes.load(Ordering::Relaxed) > self.config.memtable_bytes_max.saturating_mul(4) {
            return Err(WriteError::Overloaded);
        }
        let shared = self.barrier.read();
        if !still() {
            return Ok(None);
        }
        let tables = self.tables.load();
        let decoded = MutationRef::new(mutation);
        if let Some((unknown, _)) = decoded.updates().next()
            && decoded.updates().all(|(id, _)| tables.get(id).is_none())
        {
            return Err(WriteError::UnknownTable(unknown));
        }
        // The views first: where it takes several records, a write that was not answered is the last of them.
        let all: Vec<&[u8]> = others.iter().map(Vec::as_slice).chain([mutation]).collect();
        let mut last = LogPosition::ZERO;
        let mut set = Vec::new();
        for group in self.groups(&all, durable) {
            let body = match group {
                [only] => only,
                several => {
                    set.clear();
                    put_mutation_set(&mut set, several);
                    set.as_slice()
                }
            };
            let mut start = None;
            if durable {
                let (begin, end) = self.log.append(body)?;
                (start, last) = (Some(begin), end);
            }
            for mutation in group {
                let mutation = MutationRef::new(mutation);
                if let (Some(recent), true) = (self.recent.get(), durable) {
                    recent.note(mutation.key.token, last);
                }
                self.apply_to_memtables(&tables, mutation, |_| true, start);
            }
        }
        drop(shared);
        Ok(Some(last))
    }

    /// Cuts a list of mutations into groups of which each fits into one record of the log.
    fn groups<'g, 'm>(&self, all: &'g [&'m [u8]], durable: bool) -> Vec<&'g [&'m [u8]]> {
        let most = if durable { self.log.record_bytes_max() } else { usize::MAX };
        let (mut groups, mut rest) = (Vec::new(), all);
        while !rest.is_empty() {
            // Every mutation has a length in front of it, and the set a head.
            let mut bytes = 16;
            let fits = |mutation: &&&[u8]| {
                bytes += mutation.len() + 9;
                bytes <= most
            };
            let count = rest.iter().take_while(fits).count().max(1);
            let (group, left) = rest.split_at(count);
            groups.push(group);
            rest = left;
        }
        groups
    }

    /// True when every row of the base table has been taken into the view on this node.
    pub fn is_view_built(&self, view: Uuid) -> bool {
        self.state.lock().manifest.tables.get(&view).is_some_and(|record| record.index_built)
    }

    /// Every row has been. What was made of them lasts before this is noted; waits for the device.
    pub fn view_is_built(&self, view: Uuid) -> Result<(), WriteError> {
        self.log.flush()?;
        self.log.sync()?;
        let tables = self.tables.load_full();
        let store = tables.get(view).ok_or(WriteError::UnknownTable(view))?;
        let directory = store.directory();
        self.commit(&mut self.state.lock(), |manifest| manifest.table_mut(view, &directory).index_built = true)?;
        Ok(())
    }

    /// Reads about so many rows of a view's base table and works out their entries; None when the view is gone.
    pub fn build_view(
        &self,
        build: &mut ViewBuild,
        rows: u32,
        now: LocalSeconds,
    ) -> Result<Option<BuiltRows>, ViewWriteError> {
        let tables = self.tables.load_full();
        let Some(view) = tables.get(build.view).map(|store| store.definition.load_full()) else { return Ok(None) };
        let Some(base) = view.view.as_ref().and_then(|definition| tables.get(definition.base)) else {
            return Ok(None);
        };
        let scope =
            ReadScope::Range { start: build.start.clone(), end: RingPosition::LAST, resume: build.resume.take() };
        let read = collect(base, scope, rows, now)?;
        let table = base.definition.load_full();
        let mut built = BuiltRows { partitions: Vec::new(), more: read.live >= rows };
        for (key, update) in &read.partitions {
            let key = KeyRef::new(key);
            let write = Write { base: &table, key, update: PartitionRef::new(update), now };
            let mut changes = Vec::new();
            write.changes(&Before::default(), std::slice::from_ref(&view), &mut changes)?;
            if !changes.is_empty() {
                built.partitions.push((key.token, changes));
            }
        }
        match read.next() {
            Some((start, resume)) => (build.start, build.resume) = (start, resume),
            None => built.more = false,
        }
        Ok(Some(built))
    }
}

/// A partition, or part of it, as it was before a write.
#[derive(Default)]
struct Before {
    /// Clustering and row, in table order, each with the deletions around it as its own.
    rows: Vec<(Vec<u8>, Vec<u8>)>,
    /// The partition's deletion, if there is one.
    deletion: Option<DeletionTime>,
    /// From where on which deletion of a range is in force.
    open: Vec<(PositionBuf, DeletionTime)>,
}

impl Before {
    /// The deletion around a row that is not there.
    fn cover(&self, order: &ClusteringComparator, clustering: &[u8]) -> DeletionTime {
        let place = Position::row(clustering);
        let behind = self.open.partition_point(|(at, _)| order.compare_positions(at.as_ref(), place).is_lt());
        let open = behind.checked_sub(1).and_then(|last| self.open.get(last));
        let open = open.map_or(DeletionTime::LIVE, |(_, deletion)| *deletion);
        self.deletion.unwrap_or(DeletionTime::LIVE).max(open)
    }
}

/// A write to one partition of a base table.
struct Write<'w> {
    base: &'w Table,
    key: KeyRef<'w>,
    update: PartitionRef<'w>,
    now: LocalSeconds,
}

impl<'w> Write<'w> {
    fn ranges(&self) -> impl Iterator<Item = RangeTombstone<'w>> {
        self.update.items().filter_map(|item| match item {
            Item::Range(range) => Some(range),
            Item::Unfiltered(_) => None,
        })
    }

    fn rows(&self) -> impl Iterator<Item = (&'w [u8], RowRef<'w>)> {
        self.update.items().filter_map(|item| match item {
            Item::Unfiltered(Unfiltered::Row { clustering, row }) => Some((clustering, row)),
            _ => None,
        })
    }

    /// The read of the rows that the write may change; None when it changes none.
    fn command(&self) -> Option<ReadCommand> {
        let slices = self.slices();
        (!slices.is_empty()).then(|| ReadCommand {
            table: self.base.id,
            schema_epoch: self.base.epoch,
            scope: ReadScope::Partition { key: self.key.key.into() },
            slices,
            reversed: false,
            columns: ColumnFilter::All,
            limits: ReadLimits::NONE,
            now: self.now,
            through: None,
        })
    }

    /// The rows that the write may change; None when it changes none.
    fn read_before(&self, engine: &Engine, store: &TableStore, mode: ReadMode) -> Result<Option<Before>, ReadError> {
        let Some(command) = self.command() else { return Ok(None) };
        let mut before = Before::default();
        crate::read::read(store, engine.config.clock, &command, mode, &mut before)?;
        Ok(Some(before))
    }

    /// What the write touches, in table order and not overlapping.
    fn slices(&self) -> Vec<Slice> {
        if !self.update.deletion.is_live() {
            return vec![Slice::all()];
        }
        let order = self.base.comparator();
        let ranges = self.ranges().map(|range| Slice { start: range.start.to_owned(), end: range.end.to_owned() });
        let mut slices: Vec<Slice> = ranges.collect();
        slices.extend(self.rows().map(|(clustering, _)| Slice::of_prefix(clustering)));
        slices.sort_by(|a, b| order.compare_positions(a.start.as_ref(), b.start.as_ref()));
        let mut joined: Vec<Slice> = Vec::with_capacity(slices.len());
        for slice in slices {
            match joined.last_mut() {
                Some(last) if order.compare_positions(slice.start.as_ref(), last.end.as_ref()).is_le() => {
                    if order.compare_positions(slice.end.as_ref(), last.end.as_ref()).is_gt() {
                        last.end = slice.end;
                    }
                }
                _ => joined.push(slice),
            }
        }
        joined
    }

    /// The deletion of the write that covers a row.
    fn cover(&self, clustering: &[u8]) -> DeletionTime {
        let (order, place) = (self.base.comparator(), Position::row(clustering));
        let covers = |range: &RangeTombstone<'_>| {
            order.compare_positions(range.start, place).is_lt() && order.compare_positions(place, range.end).is_lt()
        };
        self.ranges().filter(covers).fold(self.update.deletion, |deletion, range| deletion.max(range.deletion))
    }

    /// Appends what changes in each of `views`.
    fn changes(&self, before: &Before, views: &[Arc<Table>], changes: &mut Vec<ViewUpdate>) -> Result<(), WriteError> {
        let of_view = |view| ViewUpdates::new(self.base, view, self.key.key, self.now);
        let mut collected: Vec<_> = views.iter().filter_map(|view| Some((view, of_view(view)?))).collect();
        let order = self.base.comparator();
        let mut left = before.rows.iter().peekable();
        let mut empty = Vec::new();
        RowHeader::EMPTY.encode(&mut empty);
        let mut each = |clustering: &[u8], known: Option<&[u8]>, update: Option<RowRef<'_>>| {
            let nothing = known.is_none().then(|| covered(RowRef::new(&empty), before.cover(order, clustering)));
            let before = RowRef::new(known.unwrap_or(nothing.as_deref().unwrap_or(&empty)));
            let written = covered(update.unwrap_or(RowRef::new(&empty)), self.cover(clustering));
            let mut after = Vec::new();
            merge_rows(self.base, before, RowRef::new(&written), &mut after);
            for (_, updates) in &mut collected {
                updates.add(clustering, before, RowRef::new(&after));
            }
        };
        for (clustering, row) in self.rows() {
            while let Some((at, known)) = left.next_if(|(at, _)| order.compare(at, clustering).is_lt()) {
                each(at, Some(known), None);
            }
            match left.next_if(|(at, _)| order.compare(at, clustering).is_eq()) {
                Some((at, known)) => each(at, Some(known), Some(row)),
                None => each(clustering, None, Some(row)),
            }
        }
        left.for_each(|(at, known)| each(at, Some(known), None));
        for (view, updates) in collected {
            let mutations = updates.finish().map_err(|too_long| WriteError::ViewKeyTooLong(too_long.0))?;
            changes.extend(mutations.into_iter().map(|mutation| ViewUpdate {
                view: Arc::clone(view),
                token: MutationRef::new(&mutation).key.token,
                mutation,
            }));
        }
        Ok(())
    }
}

/// A row with a deletion around it as its own.
fn covered(row: RowRef<'_>, cover: DeletionTime) -> Vec<u8> {
    if cover.is_live() {
        return row.bytes().to_vec();
    }
    let header = RowHeader { deletion: row.header.deletion.max(cover), ..row.header };
    let mut out = Vec::with_capacity(row.bytes().len() + 16);
    header.encode(&mut out);
    row.cells().for_each(|cell| cell.encode(&header, &mut out));
    out
}

impl PartitionConsumer for Before {
    fn partition(&mut self, _: KeyRef<'_>, deletion: DeletionTime, _: Option<RowRef<'_>>) -> Flow {
        self.deletion = (!deletion.is_live()).then_some(deletion);
        Flow::Continue(Next::Item)
    }

    fn unfiltered(&mut self, item: Unfiltered<'_>) -> Flow {
        match item {
            Unfiltered::Row { clustering, row } => {
                let open = self.open.last().map_or(DeletionTime::LIVE, |(_, deletion)| *deletion);
                let cover = self.deletion.unwrap_or(DeletionTime::LIVE).max(open);
                self.rows.push((clustering.to_vec(), covered(row, cover)));
            }
            Unfiltered::Marker(marker) => self.open.push((marker.position.to_owned(), marker.open)),
        }
        Flow::Continue(Next::Item)
    }

    fn end_partition(&mut self) -> Flow {
        Flow::Continue(Next::Partition)
    }
}

#[cfg(test)]
mod tests;
