//! Counting: increments become what this node has counted in all, and that is what is written.
//!
//! An increment must never be applied twice, so none is ever in the log, in a memtable or on its way to a replica: this node's own
//! shard of each counter is read, the increment added, and the shard written with a higher clock ([`helenus_model::counter`]). Between
//! the reading and the writing nobody else may count in the partition: there is a lock for each of many parts of the ring.

use std::sync::atomic::Ordering;

use helenus_model::counter;
use helenus_model::key::KeyRef;
use helenus_model::mutation::{MutationRef, put_mutation_head, put_update};
use helenus_model::partition::{Item, PartitionRef, PartitionWriter, Unfiltered};
use helenus_model::read::{ColumnFilter, Flow, Next, PartitionConsumer, ReadCommand, ReadLimits, ReadScope, Slice};
use helenus_model::row::{CellKind, CellRef, ColumnId, DeletionTime, RowRef};
use helenus_model::schema::Table;
use helenus_model::time::LocalSeconds;
use helenus_model::token::Token;
use helenus_model::types::CqlType;
use parking_lot::Mutex;
use thiserror::Error;
use uuid::Uuid;

use super::Engine;
use crate::cursor::ReadMode;
use crate::error::{ReadError, WriteError};
use crate::log::LogPosition;

/// Locks of partitions with counters.
const LOCKS: usize = 1024;

/// One lock for many partitions.
#[derive(Debug)]
pub(super) struct CounterLocks(Box<[Mutex<()>]>);

impl Default for CounterLocks {
    fn default() -> Self {
        CounterLocks((0..LOCKS).map(|_| Mutex::default()).collect())
    }
}

impl CounterLocks {
    pub(super) fn of(&self, token: Token) -> &Mutex<()> {
        // Neighbours on the ring have different locks.
        &self.0[token.0 as u64 as usize % LOCKS]
    }
}

/// Who counts, and when.
#[derive(Clone, Copy, Debug)]
pub struct CountedBy {
    /// This node's counter id: its host id.
    pub id: Uuid,
    /// The clock of a shard that has none yet, and the least one of any other: microseconds since the epoch.
    pub clock: i64,
    /// Now, for what has expired.
    pub now: LocalSeconds,
}

/// Nothing was counted.
#[derive(Clone, Debug, Error)]
pub enum CountError {
    /// This node's shards could not be read. [`ReadError::WouldBlock`] and [`ReadError::OverBudget`] as with any read; the former also
    /// when somebody else counts near by.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The shards could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// These are no increments.
    #[error("a counter's increment is not a number of 8 bytes, or not of a counter")]
    NoIncrement,
}

/// What this node has counted of the columns of a row.
type Counts = Vec<(ColumnId, counter::Shard)>;

impl Engine {
    /// Counts: `increments` is a mutation, validated at the border, in which the values of counters' cells are numbers to add. What is
    /// applied instead, and is to be sent to the other replicas, is appended to `out`; as with [`Engine::apply`] the log position says
    /// when it survives. Nothing waits for a device or a lock unless `mode` says so.
    ///
    /// # Errors
    /// [`CountError`]; nothing was counted then.
    pub fn count(
        &self,
        increments: &[u8],
        by: CountedBy,
        durable: bool,
        mode: ReadMode,
        out: &mut Vec<u8>,
    ) -> Result<LogPosition, CountError> {
        let mutation = MutationRef::new(increments);
        let lock = self.counter_locks.of(mutation.key.token);
        let _alone = if mode.may_block { lock.lock() } else { lock.try_lock().ok_or(ReadError::WouldBlock)? };
        loop {
            let truncations = self.truncations.load(Ordering::Acquire);
            out.clear();
            self.add_up(mutation, by, mode, out)?;
            // What was read before a truncation is not to be written behind it.
            let is_current = || self.truncations.load(Ordering::Acquire) == truncations;
            if let Some(position) = self.apply_if(out, durable, is_current)? {
                return Ok(position);
            }
        }
    }

    /// Appends the mutation of the shards that this node has after these increments.
    fn add_up(
        &self,
        mutation: MutationRef<'_>,
        by: CountedBy,
        mode: ReadMode,
        out: &mut Vec<u8>,
    ) -> Result<(), CountError> {
        put_mutation_head(out, mutation.key.key, mutation.updates().count());
        let tables = self.tables.load();
        for (id, update) in mutation.updates() {
            let store = tables.get(id).ok_or(WriteError::UnknownTable(id))?;
            let table = store.definition.load_full();
            let update = PartitionRef::new(update);
            let mut counted = Counted { id: by.id, statics: Counts::new(), rows: Vec::new() };
            if let Some(command) = what_to_read(&table, mutation.key, update, by.now)? {
                crate::read::read(store, self.config.clock, &command, mode, &mut counted)?;
            }
            let mut partition = Vec::new();
            counted.add_to(&table, update, by.clock, &mut partition);
            put_update(out, id, &partition);
        }
        Ok(())
    }
}

/// The columns of a row that are incremented.
fn note_increments(table: &Table, row: RowRef<'_>, columns: &mut Vec<ColumnId>) -> Result<bool, CountError> {
    let mut any = false;
    for cell in row.cells() {
        match cell.kind {
            CellKind::Tombstone => continue,
            CellKind::Live if cell.value.len() == 8 => {}
            _ => return Err(CountError::NoIncrement),
        }
        // One that was dropped meanwhile is of no interest.
        let Some(column) = table.column_by_id(cell.column) else { continue };
        if column.ty != CqlType::Counter {
            return Err(CountError::NoIncrement);
        }
        any = true;
        columns.push(cell.column);
    }
    Ok(any)
}

/// The read of the counters that are incremented; None when there are none.
fn what_to_read(
    table: &Table,
    key: KeyRef<'_>,
    update: PartitionRef<'_>,
    now: LocalSeconds,
) -> Result<Option<ReadCommand>, CountError> {
    let (mut columns, mut slices) = (Vec::new(), Vec::new());
    if let Some(row) = update.static_row {
        note_increments(table, row, &mut columns)?;
    }
    for item in update.items() {
        if let Item::Unfiltered(Unfiltered::Row { clustering, row }) = item
            && note_increments(table, row, &mut columns)?
        {
            slices.push(Slice::of_prefix(clustering));
        }
    }
    if columns.is_empty() {
        return Ok(None);
    }
    columns.sort_unstable();
    columns.dedup();
    Ok(Some(ReadCommand {
        table: table.id,
        schema_epoch: table.epoch,
        scope: ReadScope::Partition { key: key.key.into() },
        slices,
        reversed: false,
        columns: ColumnFilter::Only(columns.into()),
        limits: ReadLimits::NONE,
        now,
        through: None,
    }))
}

/// What this node has counted in a partition so far.
struct Counted {
    id: Uuid,
    statics: Counts,
    /// By clustering, in table order.
    rows: Vec<(Vec<u8>, Counts)>,
}

impl Counted {
    fn own_shards(&self, row: RowRef<'_>) -> Counts {
        let counters = row.cells().filter(|cell| cell.kind == CellKind::Counter);
        counters.filter_map(|cell| Some((cell.column, counter::shard_of(cell.value, self.id)?))).collect()
    }

    /// Appends `update` with this node's shards in the place of the increments.
    fn add_to(&self, table: &Table, update: PartitionRef<'_>, clock: i64, out: &mut Vec<u8>) {
        let mut row_out = Vec::new();
        let static_row = update.static_row.map(|row| {
            self.row(table, row, &self.statics, clock, &mut row_out);
            row_out.as_slice()
        });
        let mut writer = PartitionWriter::begin(out, update.deletion, static_row);
        for item in update.items() {
            match item {
                Item::Unfiltered(Unfiltered::Row { clustering, row }) => {
                    let mut row_out = Vec::new();
                    self.row(table, row, self.row_at(table, clustering), clock, &mut row_out);
                    writer.row(clustering, &row_out);
                }
                Item::Range(range) => writer.range(&range),
                // Mutations carry ranges; a marker in one was refused at the border.
                Item::Unfiltered(Unfiltered::Marker(_)) => {}
            }
        }
        writer.end();
    }

    /// The counts of a row.
    fn row_at(&self, table: &Table, clustering: &[u8]) -> &[(ColumnId, counter::Shard)] {
        let place = self.rows.binary_search_by(|(at, _)| table.comparator().compare(at, clustering));
        place.ok().and_then(|place| self.rows.get(place)).map_or(&[], |(_, counts)| counts)
    }

    fn row(
        &self,
        table: &Table,
        row: RowRef<'_>,
        counts: &[(ColumnId, counter::Shard)],
        clock: i64,
        out: &mut Vec<u8>,
    ) {
        row.header.encode(out);
        let mut context = Vec::new();
        for cell in row.cells() {
            let Ok(increment) = <[u8; 8]>::try_from(cell.value) else {
                cell.encode(&row.header, out);
                continue;
            };
            if table.column_by_id(cell.column).is_none() {
                continue;
            }
            let before = counts.iter().find(|(column, _)| *column == cell.column).map(|(_, shard)| shard);
            let (last, count) = before.map_or((i64::MIN, 0), |shard| (shard.clock, shard.count));
            let count = count.wrapping_add(i64::from_be_bytes(increment));
            context.clear();
            counter::put_global(&mut context, self.id, clock.max(last.saturating_add(1)), count);
            CellRef::counter(cell.column, cell.timestamp, &context).encode(&row.header, out);
        }
    }
}

impl PartitionConsumer for Counted {
    fn partition(&mut self, _: KeyRef<'_>, _: DeletionTime, static_row: Option<RowRef<'_>>) -> Flow {
        if let Some(row) = static_row {
            self.statics = self.own_shards(row);
        }
        Flow::Continue(Next::Item)
    }

    fn unfiltered(&mut self, item: Unfiltered<'_>) -> Flow {
        if let Unfiltered::Row { clustering, row } = item {
            let counts = self.own_shards(row);
            self.rows.push((clustering.to_vec(), counts));
        }
        Flow::Continue(Next::Item)
    }

    fn end_partition(&mut self) -> Flow {
        Flow::Continue(Next::Partition)
    }
}

#[cfg(test)]
mod tests;
