//! What a write to a base table does to a materialized view: from a base row before and after the write to the rows of the view
//! that change. A pure function, so every replica comes to the same from the same rows.
//!
//! The rules are Cassandra's (`ViewUpdateGenerator`, CASSANDRA-11500):
//!
//! 1. The entry of a base row has the row's marker, deletion and selected cells, with their own times.
//! 2. When a regular column of the base table is part of the view's primary key, the marker has the times of that cell instead,
//!    and an entry is there only as long as its marker is ([`Table::is_strict`]).
//! 3. When the primary keys have the same columns and some columns are not selected, those keep the row alive, too: the marker
//!    takes the latest of their times and the longest of their expiries.
//! 4. An entry that goes leaves a marker that is dead already ([`Liveness::expired`]) at the time of what made the entry: of the cell
//!    of rule 2, or the latest of what rule 3 may have used. So an older write that comes late does not bring it back, and a newer
//!    one does.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::key::{ClusteringValues, put_clustering_value, put_composite_component, split_partition_key};
use crate::limits::KEY_BYTES_MAX;
use crate::mutation::encode_mutation;
use crate::partition::PartitionWriter;
use crate::row::{CellKind, CellRef, ColumnId, DeletionTime, Liveness, RowHeader, RowRef};
use crate::schema::{ColumnKind, Table, ViewDefinition};
use crate::time::{LocalSeconds, NO_DELETION_TIME, NO_TIMESTAMP};

/// A key of the view is longer than a key may be: so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewKeyTooLong(pub usize);

/// The rows of one partition of a view: clusterings and rows.
type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// Collects what a write to one partition of the base table does to one view.
#[derive(Debug)]
pub struct ViewUpdates<'a> {
    base: &'a Table,
    view: &'a Table,
    definition: &'a ViewDefinition,
    /// The values of the base partition's key.
    key: Vec<&'a [u8]>,
    now: LocalSeconds,
    partitions: BTreeMap<Vec<u8>, Rows>,
    too_long: Option<ViewKeyTooLong>,
}

/// What becomes of a row's entry.
enum Action {
    None,
    New,
    Delete,
    Update,
    Switch,
}

impl<'a> ViewUpdates<'a> {
    /// For the partition `key` of `base`; None when `view` is no view of it.
    pub fn new(base: &'a Table, view: &'a Table, key: &'a [u8], now: LocalSeconds) -> Option<Self> {
        let definition = view.view.as_deref().filter(|definition| definition.base == base.id)?;
        let key = split_partition_key(key, base.partition_key.len()).ok()?;
        Some(ViewUpdates { base, view, definition, key, now, partitions: BTreeMap::new(), too_long: None })
    }

    /// Adds a base row: as it was before the write, with the deletions that cover it as its own, and as it is after it.
    pub fn add(&mut self, clustering: &[u8], before: RowRef<'_>, after: RowRef<'_>) {
        if after.is_empty() || !self.selects(clustering) {
            return;
        }
        match self.action(before, after) {
            Action::None => {}
            Action::New => self.create(clustering, after),
            Action::Delete => self.delete(clustering, before, after),
            Action::Update => self.update(clustering, before, after),
            Action::Switch => {
                self.create(clustering, after);
                self.delete(clustering, before, after);
            }
        }
    }

    /// The mutations of the view, one a partition.
    ///
    /// # Errors
    /// One of the view's keys would be too long.
    pub fn finish(self) -> Result<Vec<Vec<u8>>, ViewKeyTooLong> {
        if let Some(too_long) = self.too_long {
            return Err(too_long);
        }
        let view = self.view;
        let mutation = |(key, mut rows): (Vec<u8>, Rows)| {
            rows.sort_by(|(a, _), (b, _)| view.comparator().compare(a, b));
            let mut partition = Vec::new();
            let mut writer = PartitionWriter::begin(&mut partition, DeletionTime::LIVE, None);
            rows.iter().for_each(|(clustering, row)| writer.row(clustering, row));
            writer.end();
            let mut out = Vec::new();
            encode_mutation(&mut out, &key, &[(view.id, &partition)]);
            out
        };
        Ok(self.partitions.into_iter().map(mutation).collect())
    }

    /// The value of a key column of the base row.
    fn key_value<'v>(&'v self, clustering: &'v [u8], name: &str) -> Option<&'v [u8]> {
        let column = self.base.column(name)?;
        let place = usize::from(column.position);
        match column.kind {
            ColumnKind::PartitionKey => self.key.get(place).copied(),
            ColumnKind::Clustering => ClusteringValues::new(clustering).nth(place)?,
            _ => None,
        }
    }

    fn selects(&self, clustering: &[u8]) -> bool {
        // Clusterings of COMPACT STORAGE may lack values; such rows have no entry.
        let whole = ClusteringValues::new(clustering).filter(Option::is_some).count() == self.base.clustering.len();
        whole && self.definition.selects(self.base, &|name| self.key_value(clustering, name))
    }

    fn action(&self, before: RowRef<'_>, after: RowRef<'_>) -> Action {
        let Some(extra) = self.definition.extra else {
            return match (before.is_live(self.now), after.is_live(self.now)) {
                (true, true) => Action::Update,
                (true, false) => Action::Delete,
                (false, true) => Action::New,
                (false, false) => Action::None,
            };
        };
        match (self.live_cell(before, extra), self.live_cell(after, extra)) {
            (None, None) => Action::None,
            (None, Some(_)) => Action::New,
            (Some(_), None) => Action::Delete,
            (Some(before), Some(after)) if self.same_value(extra, before.value, after.value) => Action::Update,
            (Some(_), Some(_)) => Action::Switch,
        }
    }

    /// Whether two values lie at the same place of the view. Values that compare equal may differ in their bytes (decimals).
    fn same_value(&self, column: ColumnId, a: &[u8], b: &[u8]) -> bool {
        a == b
            || self
                .base
                .column_by_id(column)
                .is_some_and(|column| crate::value::Comparator::for_type(&column.ty).compare(a, b) == Ordering::Equal)
    }

    fn live_cell<'r>(&self, row: RowRef<'r>, column: ColumnId) -> Option<CellRef<'r>> {
        row.cells().find(|cell| cell.column == column && cell.is_live(self.now))
    }

    /// True when the view has the column among its regular ones.
    fn is_selected(&self, column: ColumnId) -> bool {
        self.view.column_by_id(column).is_some()
    }

    /// True when the base table has the column and the view has not, not even in its key.
    fn is_unselected(&self, column: ColumnId) -> bool {
        !self.is_selected(column) && self.definition.extra != Some(column) && self.base.column_by_id(column).is_some()
    }

    fn create(&mut self, clustering: &[u8], row: RowRef<'_>) {
        let liveness = self.liveness(row);
        let cells: Vec<CellRef<'_>> = row.cells().filter(|cell| self.is_selected(cell.column)).collect();
        self.submit(clustering, row, liveness, row.header.deletion, &cells);
    }

    fn update(&mut self, clustering: &[u8], before: RowRef<'_>, after: RowRef<'_>) {
        let liveness = self.liveness(after);
        let cells = self.changed_cells(before, after);
        self.submit(clustering, after, liveness, after.header.deletion, &cells);
    }

    fn delete(&mut self, clustering: &[u8], before: RowRef<'_>, after: RowRef<'_>) {
        let deletion = after.header.deletion;
        let timestamp = self.deletion_timestamp(before, deletion);
        let liveness = match timestamp > deletion.marked_at {
            true => Liveness::expired(timestamp, self.now),
            false => Liveness::NONE,
        };
        let cells = self.changed_cells(before, after);
        self.submit(clustering, before, liveness, deletion, &cells);
    }

    /// The selected cells of `after` that `before` has not, or has differently.
    fn changed_cells<'r>(&self, before: RowRef<'_>, after: RowRef<'r>) -> Vec<CellRef<'r>> {
        let place = |cell: &CellRef<'_>| (cell.column, cell.kind == CellKind::ComplexDeletion);
        let known: FxHashMap<_, _> = before.cells().map(|cell| ((place(&cell), cell.path), cell)).collect();
        let is_new = |cell: &CellRef<'_>| known.get(&(place(cell), cell.path)) != Some(cell);
        after.cells().filter(|cell| self.is_selected(cell.column) && is_new(cell)).collect()
    }

    /// The marker of a row's entry: rules 1 to 3.
    fn liveness(&self, row: RowRef<'_>) -> Liveness {
        let own = row.header.liveness;
        if let Some(extra) = self.definition.extra {
            return self.live_cell(row, extra).map_or(Liveness::NONE, |cell| marker(cell.timestamp, &cell));
        }
        if self.definition.include_all {
            return own;
        }
        let mut timestamp = own.timestamp;
        let mut stays = !own.is_none() && own.ttl == 0;
        let mut longest: Option<CellRef<'_>> = None;
        for cell in row.cells().filter(|cell| self.is_unselected(cell.column) && cell.is_live(self.now)) {
            timestamp = timestamp.max(cell.timestamp);
            if cell.kind != CellKind::Expiring {
                stays = true;
            } else if longest.is_none_or(|longest| cell.local > longest.local) {
                longest = Some(cell);
            }
        }
        if stays {
            return Liveness { timestamp, ttl: 0, expires_at: NO_DELETION_TIME };
        }
        match longest {
            Some(cell) if !own.is_live(self.now) || cell.local > own.expires_at => marker(timestamp, &cell),
            _ => own,
        }
    }

    /// The time of the dead marker of an entry that goes: rule 4.
    fn deletion_timestamp(&self, before: RowRef<'_>, deletion: DeletionTime) -> i64 {
        if let Some(extra) = self.definition.extra {
            let made_it = self.live_cell(before, extra).map_or(NO_TIMESTAMP, |cell| cell.timestamp);
            return if deletion.deletes(made_it) { deletion.marked_at } else { made_it };
        }
        let timestamp = deletion.marked_at.max(before.header.liveness.timestamp);
        if self.definition.include_all {
            return timestamp;
        }
        // Dead ones count as well: nobody knows whether they kept the entry alive before.
        let unselected = before.cells().filter(|cell| self.is_unselected(cell.column));
        unselected.fold(timestamp, |timestamp, cell| timestamp.max(cell.timestamp))
    }

    /// Writes the row of the entry that `row` has.
    fn submit(
        &mut self,
        clustering: &[u8],
        row: RowRef<'_>,
        liveness: Liveness,
        deletion: DeletionTime,
        cells: &[CellRef<'_>],
    ) {
        if liveness.is_none() && deletion.is_live() && cells.is_empty() {
            return;
        }
        let Some((key, place)) = self.place(clustering, row) else { return };
        if key.len() > KEY_BYTES_MAX {
            self.too_long = Some(ViewKeyTooLong(key.len()));
            return;
        }
        let header = RowHeader::new(liveness, deletion);
        let mut out = Vec::new();
        header.encode(&mut out);
        cells.iter().for_each(|cell| cell.encode(&header, &mut out));
        self.partitions.entry(key).or_default().push((place, out));
    }

    /// Partition key and clustering of the entry of a row; None when a value of them is not there.
    fn place(&mut self, clustering: &[u8], row: RowRef<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
        let extra = self.definition.extra.and_then(|extra| self.live_cell(row, extra));
        let value = |name: &str| match self.base.column(name)?.kind {
            ColumnKind::Regular => extra.map(|cell| cell.value),
            _ => self.key_value(clustering, name),
        };
        let mut key = Vec::new();
        let mut too_long = None;
        match self.view.partition_key.as_slice() {
            [only] => key.extend_from_slice(value(&only.name)?),
            several => {
                for column in several {
                    let value = value(&column.name)?;
                    if value.len() > KEY_BYTES_MAX {
                        too_long = Some(ViewKeyTooLong(value.len()));
                    } else {
                        put_composite_component(&mut key, value);
                    }
                }
            }
        }
        let mut place = Vec::new();
        for column in &self.view.clustering {
            let value = value(&column.name)?;
            if value.len() > KEY_BYTES_MAX {
                too_long = Some(ViewKeyTooLong(value.len()));
            }
            put_clustering_value(&mut place, Some(value));
        }
        self.too_long = self.too_long.or(too_long);
        Some((key, place))
    }
}

/// A marker with the expiry of a cell.
fn marker(timestamp: i64, cell: &CellRef<'_>) -> Liveness {
    match cell.kind {
        CellKind::Expiring => Liveness { timestamp, ttl: cell.ttl, expires_at: cell.local },
        _ => Liveness { timestamp, ttl: 0, expires_at: NO_DELETION_TIME },
    }
}
