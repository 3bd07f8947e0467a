//! The entries that a write of the base table makes in its indexes.

use std::borrow::Cow;

use helenus_model::key::{
    ClusteringValues, KeyRef, put_clustering_value, put_composite_component, split_partition_key,
};
use helenus_model::partition::{Item, PartitionRef, PartitionWriter, Unfiltered};
use helenus_model::row::{CellRef, DeletionTime, Liveness, RowHeader, RowRef};
use helenus_model::schema::{Column, ColumnKind, Index, IndexTarget, Table};
use helenus_model::time::{NO_DELETION_TIME, NO_TIMESTAMP, WriteTimestamp};
use helenus_model::types::CqlType;
use uuid::Uuid;

use super::{VALUE_BYTES_MAX, is_of_one_cell, is_of_partitions};
use crate::log::LogPosition;
use crate::table_store::{TableSet, TableStore};

/// Adds the entries of one table's part of a mutation to those of its indexes that `wanted` lets through. Returns by how many bytes
/// memtables grew.
pub(crate) fn apply(
    tables: &TableSet,
    table: &Table,
    key: KeyRef<'_>,
    update: &[u8],
    wanted: &impl Fn(Uuid) -> bool,
    position: Option<LogPosition>,
) -> isize {
    let stores = table.indexes.iter().filter_map(|index| tables.get(index.id));
    stores.filter(|store| wanted(store.id)).map(|store| apply_one(table, store, key, update, position)).sum()
}

/// Adds the entries of one table's part of a mutation to one index.
pub(crate) fn apply_one(
    table: &Table,
    store: &TableStore,
    key: KeyRef<'_>,
    update: &[u8],
    position: Option<LogPosition>,
) -> isize {
    let index = store.index.as_ref().map(|store| &store.index);
    let Some(mut writer) = index.and_then(|index| EntryWriter::new(table, index, store, position)) else { return 0 };
    let update = PartitionRef::new(update);
    writer.begin(key);
    if let Some(row) = update.static_row {
        writer.static_row(row);
    }
    for item in update.items() {
        if let Item::Unfiltered(Unfiltered::Row { clustering, row }) = item {
            writer.row(clustering, row);
        }
    }
    writer.grown
}

/// Writes the entries of one index into its memtable.
struct EntryWriter<'a> {
    column: &'a Column,
    target: IndexTarget,
    key_columns: usize,
    hidden: arc_swap::Guard<std::sync::Arc<Table>>,
    store: &'a TableStore,
    position: Option<LogPosition>,
    /// Token and key of the base partition, encoded.
    place: Vec<u8>,
    /// How long `place` is without a clustering.
    place_length: usize,
    /// The value of a partition-key column in this partition.
    key_value: Vec<u8>,
    update: Vec<u8>,
    /// Bytes by which the memtable grew.
    grown: isize,
}

impl<'a> EntryWriter<'a> {
    /// None when the table has not the index's column.
    fn new(table: &'a Table, index: &'a Index, store: &'a TableStore, position: Option<LogPosition>) -> Option<Self> {
        Some(EntryWriter {
            column: table.column(&index.column)?,
            target: index.target,
            key_columns: table.partition_key.len(),
            hidden: store.definition.load(),
            store,
            position,
            place: Vec::new(),
            place_length: 0,
            key_value: Vec::new(),
            update: Vec::new(),
            grown: 0,
        })
    }

    /// A base partition begins.
    fn begin(&mut self, key: KeyRef<'_>) {
        self.place.clear();
        put_place(&mut self.place, key);
        self.place_length = self.place.len();
        if self.column.kind == ColumnKind::PartitionKey {
            self.key_value.clear();
            self.key_value.extend_from_slice(key_value(self.column, self.key_columns, key));
        }
    }

    /// Its static row.
    fn static_row(&mut self, row: RowRef<'_>) {
        match self.column.kind {
            ColumnKind::Static => self.cells(row),
            ColumnKind::PartitionKey => self.partition(row),
            _ => {}
        }
    }

    /// One of its rows.
    fn row(&mut self, clustering: &[u8], row: RowRef<'_>) {
        match self.column.kind {
            ColumnKind::Static => return,
            ColumnKind::PartitionKey => return self.partition(row),
            _ => {}
        }
        self.place.truncate(self.place_length);
        self.place.extend_from_slice(clustering);
        if self.column.kind == ColumnKind::Regular {
            return self.cells(row);
        }
        let value = ClusteringValues::new(clustering).nth(usize::from(self.column.position));
        if let (Some(Some(value)), Some(timestamp)) = (value, newest(row)) {
            self.put(value, lasting(timestamp));
        }
    }

    fn partition(&mut self, row: RowRef<'_>) {
        if let Some(timestamp) = newest(row) {
            let value = std::mem::take(&mut self.key_value);
            self.put(&value, lasting(timestamp));
            self.key_value = value;
        }
    }

    fn cells(&mut self, row: RowRef<'_>) {
        let expires = is_of_one_cell(self.column, self.target);
        for cell in row.cells().filter(|cell| cell.column == self.column.id) {
            let Some(value) = cell_value(self.column, self.target, &cell) else { continue };
            let liveness = Liveness { timestamp: cell.timestamp, ttl: cell.ttl, expires_at: cell.local };
            self.put(&value, if expires { liveness } else { lasting(cell.timestamp) });
        }
    }

    fn put(&mut self, value: &[u8], liveness: Liveness) {
        // The coordinator refuses longer values; one that was there before the index is not in it, as in Cassandra.
        if value.len() > VALUE_BYTES_MAX {
            return;
        }
        let place = if is_of_partitions(self.column) { &self.place[..self.place_length] } else { &self.place[..] };
        let mut row = Vec::with_capacity(24);
        RowHeader::new(liveness, DeletionTime::LIVE).encode(&mut row);
        self.update.clear();
        let mut writer = PartitionWriter::begin(&mut self.update, DeletionTime::LIVE, None);
        writer.row(place, &row);
        writer.end();
        let view = self.store.view.load();
        self.grown += view.active.apply(&self.hidden, KeyRef::new(value), &self.update, self.position);
    }
}

/// Appends what stands before a base row's clustering in the clustering of its entry.
pub(crate) fn put_place(out: &mut Vec<u8>, key: KeyRef<'_>) {
    put_clustering_value(out, Some(&key.token.0.to_be_bytes()));
    put_clustering_value(out, Some(key.key));
}

/// The value of a partition-key column.
fn key_value<'k>(column: &Column, columns: usize, key: KeyRef<'k>) -> &'k [u8] {
    let parts = split_partition_key(key.key, columns).unwrap_or_default();
    parts.get(usize::from(column.position)).copied().unwrap_or_default()
}

/// What an index has of a cell of its column, if the cell has a value.
pub(crate) fn cell_value<'v>(column: &Column, target: IndexTarget, cell: &CellRef<'v>) -> Option<Cow<'v, [u8]>> {
    // What has expired meanwhile is passed over when it is read.
    if !cell.is_live(i64::MIN) {
        return None;
    }
    match (target, cell.path) {
        (IndexTarget::Simple | IndexTarget::Full, None) => Some(Cow::Borrowed(cell.value)),
        (IndexTarget::Values, Some(path)) if matches!(column.ty, CqlType::Set { .. }) => Some(Cow::Borrowed(path)),
        (IndexTarget::Values, Some(_)) => Some(Cow::Borrowed(cell.value)),
        (IndexTarget::Keys, Some(path)) => Some(Cow::Borrowed(path)),
        (IndexTarget::Entries, Some(path)) => {
            if path.len() > VALUE_BYTES_MAX || cell.value.len() > VALUE_BYTES_MAX {
                return None;
            }
            let mut composed = Vec::with_capacity(path.len() + cell.value.len() + 6);
            put_composite_component(&mut composed, path);
            put_composite_component(&mut composed, cell.value);
            Some(Cow::Owned(composed))
        }
        _ => None,
    }
}

/// The newest time at which something of a row was written; None when it is not alive at all.
fn newest(row: RowRef<'_>) -> Option<WriteTimestamp> {
    let marker = row.header.liveness;
    let marker = (!marker.is_none()).then_some(marker.timestamp);
    let cells = row.cells().filter(|cell| cell.is_live(i64::MIN)).map(|cell| cell.timestamp);
    marker.into_iter().chain(cells).max()
}

fn lasting(timestamp: WriteTimestamp) -> Liveness {
    let timestamp = if timestamp == NO_TIMESTAMP { timestamp + 1 } else { timestamp };
    Liveness { timestamp, ttl: 0, expires_at: NO_DELETION_TIME }
}
