//! Helpers of this crate's tests: a table, statements as mutations, a consumer that collects what a client would see.

use std::collections::BTreeMap;
use std::sync::Arc;

use helenus_model::key::{KeyRef, Position, put_clustering_value};
use helenus_model::mutation::encode_mutation;
use helenus_model::partition::{PartitionWriter, RangeTombstone, Unfiltered};
use helenus_model::read::{Flow, Next, PartitionConsumer};
use helenus_model::row::{CellKind, CellRef, ColumnId, DeletionTime, RowHeader, RowRef};
use helenus_model::schema::{
    Column, ColumnKind, Replication, Schema, SchemaChange, SortOrder, Table, TableParams, TableParts,
};
use helenus_model::time::LocalSeconds;
use helenus_model::types::CqlType;
use uuid::Uuid;

/// Column ids of [`table_parts`].
pub(crate) const STATIC: ColumnId = 1;
/// A regular blob.
pub(crate) const VALUE: ColumnId = 2;
/// Another regular blob.
pub(crate) const OTHER: ColumnId = 3;
/// A set of ints.
pub(crate) const TAGS: ColumnId = 4;

/// `CREATE TABLE ks.t (k blob, a int, b int, s blob static, v blob, w blob, tags set<int>, PRIMARY KEY (k, a, b))
/// WITH CLUSTERING ORDER BY (a ASC, b DESC)`.
pub(crate) fn table_parts(id: u128, name: &str, gc_grace_seconds: i32) -> TableParts {
    let column =
        |id, name: &str, ty, kind, position, order| Column { id, name: name.to_owned(), ty, kind, position, order };
    let (ascending, descending) = (SortOrder::Ascending, SortOrder::Descending);
    let tags = CqlType::Set { element: Arc::new(CqlType::Int), frozen: false };
    TableParts {
        id: Uuid::from_u128(id),
        keyspace: "ks".to_owned(),
        name: name.to_owned(),
        epoch: 1,
        columns: vec![
            column(0, "k", CqlType::Blob, ColumnKind::PartitionKey, 0, ascending),
            column(0, "a", CqlType::Int, ColumnKind::Clustering, 0, ascending),
            column(0, "b", CqlType::Int, ColumnKind::Clustering, 1, descending),
            column(STATIC, "s", CqlType::Blob, ColumnKind::Static, 0, ascending),
            column(VALUE, "v", CqlType::Blob, ColumnKind::Regular, 0, ascending),
            column(OTHER, "w", CqlType::Blob, ColumnKind::Regular, 0, ascending),
            column(TAGS, "tags", tags, ColumnKind::Regular, 0, ascending),
        ],
        dropped: Vec::new(),
        next_column_id: 5,
        params: TableParams { gc_grace_seconds, ..TableParams::default() },
        indexes: Vec::new(),
        view: None,
    }
}

/// A schema of these tables in keyspace `ks`.
pub(crate) fn schema(tables: Vec<TableParts>) -> Arc<Schema> {
    let replication = Replication::Simple { factor: 1 };
    let mut changes = vec![SchemaChange::PutKeyspace { name: "ks".to_owned(), replication, durable_writes: true }];
    changes.extend(tables.into_iter().map(|parts| SchemaChange::PutTable(Box::new(parts))));
    Arc::new(Schema::default().apply(1, &changes).expect("a valid schema"))
}

/// An encoded clustering or prefix.
pub(crate) fn clustering(values: &[i32]) -> Vec<u8> {
    let mut out = Vec::new();
    for value in values {
        put_clustering_value(&mut out, Some(&value.to_be_bytes()));
    }
    out
}

/// A row of cells.
pub(crate) fn row(header: RowHeader, cells: &[CellRef<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    header.encode(&mut out);
    for cell in cells {
        cell.encode(&header, &mut out);
    }
    out
}

/// What a mutation does to one table.
#[derive(Debug, Default)]
pub(crate) struct Change<'a> {
    pub(crate) deletion: Option<DeletionTime>,
    pub(crate) static_row: Option<Vec<u8>>,
    pub(crate) ranges: Vec<(Position<'a>, Position<'a>, DeletionTime)>,
    pub(crate) rows: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Change<'_> {
    /// The mutation of this change to `table`'s partition `key`.
    pub(crate) fn encode(&self, table: Uuid, key: &[u8]) -> Vec<u8> {
        let mut partition = Vec::new();
        let deletion = self.deletion.unwrap_or(DeletionTime::LIVE);
        let mut writer = PartitionWriter::begin(&mut partition, deletion, self.static_row.as_deref());
        for (start, end, deletion) in &self.ranges {
            writer.range(&RangeTombstone { start: *start, end: *end, deletion: *deletion });
        }
        for (clustering, row) in &self.rows {
            writer.row(clustering, row);
        }
        writer.end();
        let mut out = Vec::new();
        encode_mutation(&mut out, key, &[(table, &partition)]);
        out
    }
}

/// A mutation that inserts one row with one value.
pub(crate) fn insert(table: Uuid, key: &[u8], at: &[i32], timestamp: i64, value: &[u8]) -> Vec<u8> {
    let header = RowHeader::of_statement(timestamp, 0, 0, true);
    let row = row(header, &[CellRef::live(VALUE, timestamp, value)]);
    Change { rows: vec![(clustering(at), row)], ..Change::default() }.encode(table, key)
}

/// What a client sees of a row: whether it has a live marker, and its live values by column and path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SeenRow {
    pub(crate) marker: bool,
    pub(crate) cells: BTreeMap<(ColumnId, Option<Vec<u8>>), Vec<u8>>,
}

impl SeenRow {
    pub(crate) fn of(row: &RowRef<'_>, now: LocalSeconds) -> SeenRow {
        let mut seen = SeenRow { marker: row.header.liveness.is_live(now), ..SeenRow::default() };
        for cell in row.cells().filter(|cell| cell.is_live(now) && cell.kind != CellKind::ComplexDeletion) {
            seen.cells.insert((cell.column, cell.path.map(<[u8]>::to_vec)), cell.value.to_vec());
        }
        seen
    }

    pub(crate) fn is_live(&self) -> bool {
        self.marker || !self.cells.is_empty()
    }
}

/// What a client sees of a partition: the static row, and the live rows in reading order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SeenPartition {
    pub(crate) key: Vec<u8>,
    pub(crate) statics: SeenRow,
    pub(crate) rows: Vec<(Vec<u8>, SeenRow)>,
}

/// Collects what a client sees, and checks that items come in order and that markers pair up.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) table: Arc<Table>,
    pub(crate) now: LocalSeconds,
    pub(crate) reversed: bool,
    pub(crate) partitions: Vec<SeenPartition>,
    last: Option<(Vec<u8>, i8)>,
    open: DeletionTime,
    in_partition: bool,
    /// All partitions told, also those without anything live.
    pub(crate) told: usize,
}

impl Collector {
    pub(crate) fn new(table: &Arc<Table>, now: LocalSeconds, reversed: bool) -> Self {
        Collector {
            table: Arc::clone(table),
            now,
            reversed,
            partitions: Vec::new(),
            last: None,
            open: DeletionTime::LIVE,
            in_partition: false,
            told: 0,
        }
    }

    /// Partitions with something live.
    pub(crate) fn seen(self) -> Vec<SeenPartition> {
        assert!(!self.in_partition, "the last partition was ended");
        self.partitions
            .into_iter()
            .filter(|partition| partition.statics.is_live() || !partition.rows.is_empty())
            .collect()
    }
}

impl PartitionConsumer for Collector {
    fn partition(&mut self, key: KeyRef<'_>, _: DeletionTime, static_row: Option<RowRef<'_>>) -> Flow {
        assert!(!self.in_partition, "partitions do not nest");
        self.in_partition = true;
        self.told += 1;
        let statics = static_row.map(|row| SeenRow::of(&row, self.now)).unwrap_or_default();
        self.partitions.push(SeenPartition { key: key.key.to_vec(), statics, rows: Vec::new() });
        self.last = None;
        self.open = DeletionTime::LIVE;
        Flow::Continue(Next::Item)
    }

    fn unfiltered(&mut self, item: Unfiltered<'_>) -> Flow {
        assert!(self.in_partition, "items are told inside a partition");
        let place = item.position();
        if let Some((prefix, weight)) = &self.last {
            let ordering = self.table.comparator().compare_positions(Position { prefix, weight: *weight }, place);
            let ordering = if self.reversed { ordering.reverse() } else { ordering };
            assert!(ordering.is_lt(), "items come in order: {prefix:?} {weight} before {place:?}");
        }
        self.last = Some((place.prefix.to_vec(), place.weight));
        match item {
            Unfiltered::Marker(marker) => {
                assert_eq!(marker.close, self.open, "a marker closes what is open");
                assert_ne!(marker.close, marker.open, "a marker says something");
                self.open = marker.open;
            }
            Unfiltered::Row { clustering, row } => {
                let row = RowRef::validate(row.bytes()).expect("a valid row");
                assert!(!row.is_empty(), "empty rows are not told");
                let seen = SeenRow::of(&row, self.now);
                if seen.is_live()
                    && let Some(partition) = self.partitions.last_mut()
                {
                    partition.rows.push((clustering.to_vec(), seen));
                }
            }
        }
        Flow::Continue(Next::Item)
    }

    fn end_partition(&mut self) -> Flow {
        assert!(self.open.is_live(), "every deletion opened is closed");
        self.in_partition = false;
        Flow::Continue(Next::Item)
    }
}
