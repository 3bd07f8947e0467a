//! Reads through an index: entries of a value in ring order, and of each the base row, if it has the value now.

use std::ops::ControlFlow;
use std::sync::Arc;

use helenus_model::key::{
    ClusteringValues, KeyRef, Position, PositionBuf, RingKey, RingPosition, put_clustering_value,
};
use helenus_model::partition::{PartitionWriter, Unfiltered};
use helenus_model::read::{
    ColumnFilter, Flow, Next, PartitionConsumer, ReadCommand, ReadLimits, ReadScope, Slice, Through, slices_behind,
};
use helenus_model::row::{DeletionTime, Liveness, RowHeader, RowRef};
use helenus_model::schema::Table;
use helenus_model::time::{LocalSeconds, WriteTimestamp};
use helenus_model::token::Token;
use uuid::Uuid;

use super::entries::put_place;
use super::is_of_partitions;
use super::matching::{Matching, Wanted};
use crate::cursor::ReadMode;
use crate::engine::Engine;
use crate::error::ReadError;
use crate::read::FoundRows;
use crate::table_store::{TableSet, TableStore};

/// Entries looked at in one go, unless fewer rows are wanted.
const BATCH_ENTRIES: u32 = 256;

/// Runs a read whose rows are found by `through`.
pub(crate) fn read(
    engine: &Engine,
    tables: &TableSet,
    store: &TableStore,
    command: &ReadCommand,
    through: &Through,
    mode: ReadMode,
    consumer: &mut dyn PartitionConsumer,
) -> Result<(), ReadError> {
    match through {
        Through::Rows(partitions) => {
            let table = store.definition.load();
            let view = store.view.load();
            let mut rows = FoundRows::new(&table, &view, command, mode);
            rows.read_listed(partitions, consumer)
        }
        Through::Index { index, value } => {
            let entries = index_store(tables, store, *index)?;
            if !entries.index.as_ref().is_some_and(super::IndexStore::is_complete) {
                return Err(ReadError::IndexNotAvailable(*index));
            }
            let table = store.definition.load_full();
            let mut outdated = Vec::new();
            let result = IndexRead { table: &table, store, entries, value, command, mode }.run(consumer, &mut outdated);
            engine.remove_entries(entries, value, &outdated, command.now);
            result
        }
    }
}

fn index_store<'t>(tables: &'t TableSet, base: &TableStore, index: Uuid) -> Result<&'t Arc<TableStore>, ReadError> {
    let found = tables.get(index).filter(|store| store.index.as_ref().is_some_and(|of| of.base == base.id));
    found.ok_or(ReadError::IndexNotAvailable(index))
}

/// True when the base row (or partition) that an entry stands for has the entry's value.
pub(crate) fn is_current(
    base: &TableStore,
    entries: &TableStore,
    value: &[u8],
    place: &[u8],
    now: LocalSeconds,
) -> Result<bool, ReadError> {
    let Some((key, clustering)) = split_place(place) else { return Ok(false) };
    let table = base.definition.load_full();
    let Some(index) = &entries.index else { return Ok(true) };
    let Some(column) = table.column(&index.index.column) else { return Ok(false) };
    let slice = if is_of_partitions(column) { Slice::all() } else { Slice::of_prefix(clustering) };
    let command = ReadCommand {
        table: table.id,
        schema_epoch: table.epoch,
        scope: ReadScope::Partition { key: key.into() },
        slices: vec![slice],
        reversed: false,
        columns: ColumnFilter::All,
        limits: ReadLimits { rows: 1, ..ReadLimits::NONE },
        now,
        through: None,
    };
    let mut any = Any(false);
    let wanted = Wanted { column, target: index.index.target, value, now };
    let view = base.view.load();
    let mut matching = Matching::new(wanted, &command, &mut any);
    let key = KeyRef::new(key);
    matching.enter(key, false);
    FoundRows::new(&table, &view, &command, ReadMode::UNBOUNDED).read_one(key, &command.slices, &mut matching)?;
    matching.leave();
    drop(matching);
    Ok(any.0)
}

/// Hears whether there is anything.
struct Any(bool);

impl PartitionConsumer for Any {
    fn partition(&mut self, _: KeyRef<'_>, _: DeletionTime, _: Option<RowRef<'_>>) -> Flow {
        self.0 = true;
        ControlFlow::Break(())
    }

    fn unfiltered(&mut self, _: Unfiltered<'_>) -> Flow {
        ControlFlow::Break(())
    }

    fn end_partition(&mut self) -> Flow {
        ControlFlow::Break(())
    }
}

/// One read under way.
struct IndexRead<'r> {
    table: &'r Table,
    store: &'r TableStore,
    entries: &'r TableStore,
    value: &'r [u8],
    command: &'r ReadCommand,
    mode: ReadMode,
}

impl IndexRead<'_> {
    /// Entries that can never come true again are appended to `outdated`.
    fn run(&self, consumer: &mut dyn PartitionConsumer, outdated: &mut Vec<Entry>) -> Result<(), ReadError> {
        let index = self.entries.index.as_ref().map(|store| &store.index);
        let Some((index, column)) = index.and_then(|index| Some((index, self.table.column(&index.column)?))) else {
            return Ok(());
        };
        let wanted = Wanted { column, target: index.target, value: self.value, now: self.command.now };
        let of_partitions = is_of_partitions(column);
        let (mut start, end, resume) = self.places(of_partitions);
        let batch = self.command.limits.rows.min(self.command.limits.partitions).clamp(16, BATCH_ENTRIES);
        let plain = ReadCommand { limits: ReadLimits::NONE, through: None, slices: Vec::new(), ..self.command.clone() };
        let view = self.store.view.load();
        let mut rows = FoundRows::new(self.table, &view, &plain, self.mode);
        let mut matching = Matching::new(wanted, self.command, consumer);
        loop {
            let found = self.batch(&start, &end, batch, rows.budget_left())?;
            rows.spend(found.len() as u64)?;
            let mut left = found.as_slice();
            while let Some((key, group)) = next_partition(&mut left) {
                let resumed = resume.as_ref().filter(|(at, _)| *at == key);
                let slices = match resumed {
                    Some((_, place)) => {
                        slices_behind(self.table.comparator(), &self.command.slices, place.as_ref(), false)
                    }
                    None => self.command.slices.clone(),
                };
                let key = KeyRef::new(key);
                if !matching.enter(key, resumed.is_some()) {
                    continue;
                }
                let slices = if of_partitions { slices } else { self.rows_within(&slices, group) };
                if !slices.is_empty() {
                    rows.read_one(key, &slices, &mut matching)?;
                }
                let learned = matching.take_outdated();
                if !learned.is_empty() {
                    let is_outdated = |entry: &&Entry| learned.covers(entry.clustering(), entry.timestamp);
                    outdated.extend(group.iter().filter(is_outdated).cloned());
                }
                if matching.is_done() {
                    return Ok(());
                }
            }
            match found.last() {
                Some(last) if found.len() as u32 >= batch => {
                    start = Position { prefix: &last.place, weight: 1 }.to_owned();
                }
                _ => break,
            }
        }
        matching.leave();
        Ok(())
    }

    /// Between which places of the value's partition the entries of the command's scope lie, and the place in a base partition behind
    /// which the read goes on.
    fn places(&self, of_partitions: bool) -> (PositionBuf, PositionBuf, Option<(&[u8], PositionBuf)>) {
        match &self.command.scope {
            ReadScope::Partition { key } => {
                let mut prefix = Vec::new();
                put_place(&mut prefix, KeyRef::new(key));
                let place = |weight| Position { prefix: &prefix, weight }.to_owned();
                (place(-1), place(1), None)
            }
            ReadScope::Range { start, end, resume } => {
                let mut first = ring_place(start);
                let mut within = None;
                if let Some((key, Some(place))) = resume
                    && start.compare_to_key(KeyRef::new(key)).is_lt()
                    && end.compare_to_key(KeyRef::new(key)).is_gt()
                {
                    let mut prefix = Vec::new();
                    put_place(&mut prefix, KeyRef::new(key));
                    let mut weight = -1;
                    if !of_partitions {
                        prefix.extend_from_slice(&place.prefix);
                        weight = if place.weight == 0 { 1 } else { place.weight };
                    }
                    first = Position { prefix: &prefix, weight }.to_owned();
                    within = Some((&**key, place.clone()));
                }
                (first, ring_place(end), within)
            }
        }
    }

    /// Up to `count` entries from `start` on and before `end`.
    fn batch(&self, start: &PositionBuf, end: &PositionBuf, count: u32, budget: u64) -> Result<Vec<Entry>, ReadError> {
        let hidden = self.entries.definition.load();
        if hidden.comparator().compare_positions(start.as_ref(), end.as_ref()).is_ge() {
            return Ok(Vec::new());
        }
        let command = ReadCommand {
            table: hidden.id,
            schema_epoch: hidden.epoch,
            scope: ReadScope::Partition { key: self.value.into() },
            slices: vec![Slice { start: start.clone(), end: end.clone() }],
            reversed: false,
            columns: ColumnFilter::All,
            limits: ReadLimits { rows: count, ..ReadLimits::NONE },
            now: self.command.now,
            through: None,
        };
        let mode = ReadMode { rows_budget: budget, ..self.mode };
        let mut entries = Entries { now: self.command.now, found: Vec::new() };
        crate::read::read(self.entries, || 0, &command, mode, &mut entries)?;
        Ok(entries.found)
    }

    /// A slice for each of these rows that lies within the slices, both in table order.
    fn rows_within(&self, slices: &[Slice], entries: &[Entry]) -> Vec<Slice> {
        let order = self.table.comparator();
        let mut slices = slices.iter().peekable();
        let mut out = Vec::with_capacity(entries.len());
        for clustering in entries.iter().map(Entry::clustering) {
            let row = Position::row(clustering);
            while slices.next_if(|slice| order.compare_positions(slice.end.as_ref(), row).is_lt()).is_some() {}
            if slices.peek().is_some_and(|slice| order.compare_positions(slice.start.as_ref(), row).is_lt()) {
                out.push(Slice::of_prefix(clustering));
            }
        }
        out
    }
}

/// An entry of a value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Its clustering in the hidden table.
    pub(crate) place: Box<[u8]>,
    /// When it was written.
    pub(crate) timestamp: WriteTimestamp,
}

impl Entry {
    /// The clustering of its base row; empty for one of a whole partition.
    fn clustering(&self) -> &[u8] {
        split_place(&self.place).map_or(&[], |(_, clustering)| clustering)
    }
}

/// Collects the live entries of a value.
struct Entries {
    now: LocalSeconds,
    found: Vec<Entry>,
}

impl PartitionConsumer for Entries {
    fn partition(&mut self, _: KeyRef<'_>, _: DeletionTime, _: Option<RowRef<'_>>) -> Flow {
        ControlFlow::Continue(Next::Item)
    }

    fn unfiltered(&mut self, item: Unfiltered<'_>) -> Flow {
        if let Unfiltered::Row { clustering, row } = item
            && row.is_live(self.now)
        {
            self.found.push(Entry { place: clustering.into(), timestamp: row.header.liveness.timestamp });
        }
        ControlFlow::Continue(Next::Item)
    }

    fn end_partition(&mut self) -> Flow {
        ControlFlow::Continue(Next::Partition)
    }
}

/// The base partition and clustering of an entry.
fn split_place(place: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut values = ClusteringValues::new(place);
    values.next()??;
    let key = values.next()??;
    let mut head = Vec::new();
    put_place(&mut head, KeyRef::new(key));
    Some((key, place.get(head.len()..)?))
}

/// Takes the entries of the next base partition.
fn next_partition<'e>(left: &mut &'e [Entry]) -> Option<(&'e [u8], &'e [Entry])> {
    let (key, _) = split_place(&left.first()?.place)?;
    let is_of = |entry: &Entry| split_place(&entry.place).is_some_and(|(other, _)| other == key);
    let count = left.iter().take_while(|entry| is_of(entry)).count();
    let (group, rest) = left.split_at(count);
    *left = rest;
    Some((key, group))
}

impl Engine {
    /// Removes entries of a value that only cost a look: in memory, as the entries of a write are, and never logged.
    fn remove_entries(&self, entries: &TableStore, value: &[u8], outdated: &[Entry], now: LocalSeconds) {
        if outdated.is_empty() {
            return;
        }
        let hidden = entries.definition.load();
        let (mut update, mut row) = (Vec::new(), Vec::new());
        let mut writer = PartitionWriter::begin(&mut update, DeletionTime::LIVE, None);
        for entry in outdated {
            row.clear();
            let deletion = DeletionTime { marked_at: entry.timestamp, local: now };
            RowHeader::new(Liveness::NONE, deletion).encode(&mut row);
            writer.row(&entry.place, &row);
        }
        writer.end();
        let _shared = self.hold_memtables();
        let view = entries.view.load();
        self.note_growth(view.active.apply(&hidden, KeyRef::new(value), &update, None));
    }
}

/// Where the entries of base partitions from a place of the ring on begin.
fn ring_place(place: &RingPosition) -> PositionBuf {
    let RingPosition { token: Token(token), key } = place;
    let mut prefix = Vec::new();
    put_clustering_value(&mut prefix, Some(&token.to_be_bytes()));
    let weight = match key {
        RingKey::Before => -1,
        RingKey::After => 1,
        RingKey::At { key, after } => {
            put_clustering_value(&mut prefix, Some(key));
            if *after { 1 } else { -1 }
        }
    };
    Position { prefix: &prefix, weight }.to_owned()
}
