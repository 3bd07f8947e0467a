//! A table's definition, with what the hot path needs worked out once.

use std::cmp::Ordering;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use uuid::Uuid;

use super::column::sort_for_selection;
use super::{Column, ColumnKind, DroppedColumn, Index, SortOrder, TableParams, ViewDefinition};
use crate::key::ClusteringComparator;
use crate::row::{CellPathOrder, ColumnId};
use crate::time::WriteTimestamp;
use crate::types::CqlType;
use crate::value::Comparator;

/// A table as of one schema epoch. Build with [`Table::new`]; it is shared as `Arc<Table>` and never changed in place.
#[derive(Clone, Debug)]
pub struct Table {
    /// Identity: two tables of one name at different times have different ids.
    pub id: Uuid,
    /// Keyspace it is in.
    pub keyspace: String,
    /// Name, without quotes.
    pub name: String,
    /// Epoch of the metadata log that made this definition.
    pub epoch: u64,
    /// Partition-key columns in order.
    pub partition_key: Vec<Column>,
    /// Clustering columns in order.
    pub clustering: Vec<Column>,
    /// Static columns, by name.
    pub statics: Vec<Column>,
    /// Regular columns, by name.
    pub regulars: Vec<Column>,
    /// Columns dropped so far, by name (the latest drop of each name).
    pub dropped: Vec<DroppedColumn>,
    /// The next column id to give out.
    pub next_column_id: ColumnId,
    /// Options.
    pub params: TableParams,
    /// Secondary indexes, by name. Almost always empty.
    pub indexes: Vec<Index>,
    /// What makes the table a materialized view; None for a table.
    pub view: Option<Arc<ViewDefinition>>,
    /// [`Table::keyspace`] and [`Table::name`] again, shared by all that tells of the table's columns.
    shared_names: [Arc<str>; 2],
    comparator: ClusteringComparator,
    by_name: FxHashMap<String, (ColumnKind, usize)>,
    paths: FxHashMap<ColumnId, Comparator>,
    by_id: FxHashMap<ColumnId, (ColumnKind, usize)>,
    revived: Vec<(ColumnId, WriteTimestamp)>,
    gone: Vec<Column>,
    is_counter: bool,
}

/// What [`Table::new`] is made from.
#[derive(Clone, Debug)]
pub struct TableParts {
    /// See [`Table::id`].
    pub id: Uuid,
    /// See [`Table::keyspace`].
    pub keyspace: String,
    /// See [`Table::name`].
    pub name: String,
    /// See [`Table::epoch`].
    pub epoch: u64,
    /// All columns, in any order; key columns carry their positions.
    pub columns: Vec<Column>,
    /// See [`Table::dropped`].
    pub dropped: Vec<DroppedColumn>,
    /// See [`Table::next_column_id`].
    pub next_column_id: ColumnId,
    /// See [`Table::params`].
    pub params: TableParams,
    /// See [`Table::indexes`].
    pub indexes: Vec<Index>,
    /// See [`Table::view`].
    pub view: Option<Arc<ViewDefinition>>,
}

impl Table {
    /// Works out orders and indexes. Key columns are sorted by position, others by name.
    pub fn new(parts: TableParts) -> Table {
        let TableParts { id, keyspace, name, epoch, columns, mut dropped, next_column_id, params, mut indexes, view } =
            parts;
        let of_kind = |kind| {
            let mut list: Vec<Column> = columns.iter().filter(|c| c.kind == kind).cloned().collect();
            if !kind.is_primary_key() {
                return sort_for_selection(list);
            }
            list.sort_by_key(|column| column.position);
            list
        };
        let partition_key = of_kind(ColumnKind::PartitionKey);
        let clustering = of_kind(ColumnKind::Clustering);
        let statics = of_kind(ColumnKind::Static);
        let regulars = of_kind(ColumnKind::Regular);
        dropped.sort_by(|a, b| a.name.cmp(&b.name));
        indexes.sort_by(|a, b| a.name.cmp(&b.name));
        let comparator = ClusteringComparator::new(
            clustering
                .iter()
                .map(|column| match column.order {
                    SortOrder::Ascending => Comparator::for_type(&column.ty),
                    SortOrder::Descending => Comparator::for_type(&column.ty).reversed(),
                })
                .collect::<Vec<_>>(),
        );
        let mut by_name = FxHashMap::default();
        let mut by_id = FxHashMap::default();
        let mut paths = FxHashMap::default();
        for list in [&partition_key, &clustering, &statics, &regulars] {
            for (i, column) in list.iter().enumerate() {
                by_name.insert(column.name.clone(), (column.kind, i));
                if !column.kind.is_primary_key() {
                    by_id.insert(column.id, (column.kind, i));
                    if let Some(path) = path_comparator(&column.ty) {
                        paths.insert(column.id, path);
                    }
                }
            }
        }
        let revived = statics.iter().chain(&regulars).filter_map(|column| {
            let before = dropped.iter().find(|before| before.name == column.name && before.kind == column.kind)?;
            Some((column.id, before.dropped_at))
        });
        let revived = revived.collect();
        let gone = dropped.iter().filter(|before| !by_name.contains_key(&before.name)).filter_map(gone_column);
        let gone: Vec<Column> = gone.collect();
        paths.extend(gone.iter().filter_map(|column| Some((column.id, path_comparator(&column.ty)?))));
        // A table of counters stays one when all of them are dropped.
        let is_counter = match regulars.iter().chain(&statics).next() {
            Some(column) => column.ty == CqlType::Counter,
            None => dropped.iter().any(|column| column.ty == CqlType::Counter),
        };
        Table {
            id,
            shared_names: [keyspace.as_str().into(), name.as_str().into()],
            keyspace,
            name,
            epoch,
            partition_key,
            clustering,
            statics,
            regulars,
            dropped,
            next_column_id,
            params,
            indexes,
            view,
            comparator,
            by_name,
            paths,
            by_id,
            revived,
            gone,
            is_counter,
        }
    }

    /// Keyspace and name, to be kept without a copy.
    pub fn shared_names(&self) -> &[Arc<str>; 2] {
        &self.shared_names
    }

    /// The parts this table was made from, to change and to build anew.
    pub fn to_parts(&self) -> TableParts {
        TableParts {
            id: self.id,
            keyspace: self.keyspace.clone(),
            name: self.name.clone(),
            epoch: self.epoch,
            columns: self.columns().cloned().collect(),
            dropped: self.dropped.clone(),
            next_column_id: self.next_column_id,
            params: self.params.clone(),
            indexes: self.indexes.clone(),
            view: self.view.clone(),
        }
    }

    /// Every column: partition key, clustering, static, regular (the order of `SELECT *`).
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.partition_key.iter().chain(&self.clustering).chain(&self.statics).chain(&self.regulars)
    }

    fn list(&self, kind: ColumnKind) -> &[Column] {
        match kind {
            ColumnKind::PartitionKey => &self.partition_key,
            ColumnKind::Clustering => &self.clustering,
            ColumnKind::Static => &self.statics,
            ColumnKind::Regular => &self.regulars,
        }
    }

    /// A column by its exact name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        let (kind, i) = self.by_name.get(name)?;
        self.list(*kind).get(*i)
    }

    /// A static or regular column by id; None when it was dropped since.
    #[inline]
    pub fn column_by_id(&self, id: ColumnId) -> Option<&Column> {
        let (kind, i) = self.by_id.get(&id)?;
        self.list(*kind).get(*i)
    }

    /// The order of rows.
    #[inline]
    pub fn comparator(&self) -> &ClusteringComparator {
        &self.comparator
    }

    /// A dropped column by name.
    pub fn dropped_column(&self, name: &str) -> Option<&DroppedColumn> {
        self.dropped.iter().find(|column| column.name == name)
    }

    /// Columns whose name another column had before, with the time at which that one was dropped: what is not newer belonged to
    /// it. Almost always empty.
    #[inline]
    pub fn revived(&self) -> &[(ColumnId, WriteTimestamp)] {
        &self.revived
    }

    /// Columns that are dropped now: no statement can name them, but files keep what is newer than the drop, should they come again.
    #[inline]
    pub fn gone(&self) -> &[Column] {
        &self.gone
    }

    /// Whether a cell is not to be seen: of a column that is dropped, or older than the drop of the one that came again.
    #[inline]
    pub fn is_gone(&self, column: ColumnId, timestamp: WriteTimestamp) -> bool {
        self.column_by_id(column).is_none()
            || self.revived.iter().any(|(revived, dropped_at)| *revived == column && timestamp <= *dropped_at)
    }

    /// True when the table counts.
    #[inline]
    pub fn is_counter(&self) -> bool {
        self.is_counter
    }

    /// True when a row is there only as long as its marker is: a view whose primary key has a value of the base row.
    #[inline]
    pub fn is_strict(&self) -> bool {
        self.view.as_ref().is_some_and(|view| view.extra.is_some())
    }

    /// Whether no statement can name the column: see [`super::Storage`].
    #[inline]
    pub fn is_hidden(&self, column: &Column) -> bool {
        self.params.storage.hides(column)
    }

    /// The columns that statements can name, in the order of `SELECT *`.
    pub fn visible_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns().filter(|column| !self.is_hidden(column))
    }

    /// A column by its exact name, if statements can name it.
    pub fn visible_column(&self, name: &str) -> Option<&Column> {
        self.column(name).filter(|column| !self.is_hidden(column))
    }

    /// The one value column of a compact table with clustering columns.
    pub fn compact_value(&self) -> Option<&Column> {
        self.regulars.first().filter(|_| self.params.storage.is_dense())
    }

    /// True when there are static columns.
    pub fn has_statics(&self) -> bool {
        !self.statics.is_empty()
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && self.keyspace == other.keyspace
            && self.name == other.name
            && self.columns().eq(other.columns())
            && self.dropped == other.dropped
            && self.params == other.params
            && self.indexes == other.indexes
            && self.view == other.view
    }
}

impl CellPathOrder for Table {
    fn compare_paths(&self, column: ColumnId, a: &[u8], b: &[u8]) -> Ordering {
        match self.paths.get(&column) {
            Some(comparator) => comparator.compare(a, b),
            None => a.cmp(b),
        }
    }
}

/// A dropped column as files have it. What was counted does not come again.
fn gone_column(dropped: &DroppedColumn) -> Option<Column> {
    let id = dropped.id.filter(|_| dropped.ty != CqlType::Counter)?;
    let DroppedColumn { name, ty, kind, .. } = dropped.clone();
    Some(Column { id, name, ty, kind, position: 0, order: SortOrder::Ascending })
}

/// The order of a complex column's paths: list time UUIDs, set elements, map keys, UDT field numbers.
fn path_comparator(ty: &CqlType) -> Option<Comparator> {
    Some(match ty {
        CqlType::List { frozen: false, .. } => Comparator::for_type(&CqlType::Timeuuid),
        CqlType::Set { element, frozen: false } => Comparator::for_type(element),
        CqlType::Map { key, frozen: false, .. } => Comparator::for_type(key),
        CqlType::Udt { frozen: false, .. } => Comparator::for_type(&CqlType::Blob),
        _ => return None,
    })
}
