//! Partitions in memory: writes by the crate's own statements, reads as a replica answers them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use helenus_model::codec::Reader;
use helenus_model::key::{DecoratedKey, Position, put_clustering_value};
use helenus_model::mutation::MutationRef;
use helenus_model::partition::{Item, PartitionRef, Unfiltered};
use helenus_model::read::{Next, PartitionConsumer, ReadCommand, ReadScope};
use helenus_model::row::{CellRef, DeletionTime, RowHeader, RowRef, filter_deleted, merge_rows};
use helenus_model::schema::{Replication, Schema, SchemaChange, Table, TableParams, TableParts};
use helenus_model::types::{CqlType, UdtDefinition};
use uuid::Uuid;

use crate::prepare::{NoSystemTables, PrepareContext, Statement, prepare};
use crate::system_tables::parse_columns;
use crate::values::NoValues;
use crate::write::WriteBatch;

type Rows = Vec<(Vec<u8>, Vec<u8>)>;

#[derive(Debug, Default)]
struct Partition {
    static_row: Vec<u8>,
    rows: Rows,
}

/// A keyspace with its data.
#[derive(Debug)]
pub(super) struct Store {
    keyspace: String,
    schema: Schema,
    data: BTreeMap<Uuid, BTreeMap<DecoratedKey, Partition>>,
    timestamp: i64,
}

impl Store {
    pub(super) fn new(keyspace: &str) -> Self {
        let mut store = Store {
            keyspace: keyspace.to_owned(),
            schema: Schema::default(),
            data: BTreeMap::new(),
            timestamp: 10_000,
        };
        let address = UdtDefinition {
            keyspace: keyspace.to_owned(),
            name: "addr".to_owned(),
            fields: vec![
                ("street".to_owned(), CqlType::Text),
                ("zip".to_owned(), CqlType::Int),
                ("tags".to_owned(), CqlType::set(CqlType::Text, true)),
            ],
        };
        store.change(SchemaChange::PutKeyspace {
            name: keyspace.to_owned(),
            replication: Replication::Simple { factor: 1 },
            durable_writes: true,
        });
        store.change(SchemaChange::PutType(address));
        store
    }

    fn change(&mut self, change: SchemaChange) {
        self.schema = self.schema.apply(self.schema.epoch + 1, &[change]).unwrap();
    }

    /// Makes a table of columns in the notation of the system tables.
    pub(super) fn table(&mut self, name: &str, columns: &str) {
        let types = self.schema.keyspace(&self.keyspace).unwrap().types.clone();
        let columns = parse_columns(columns, &self.keyspace, &|_, name| types.get(name).cloned()).unwrap();
        let parts = TableParts {
            id: Uuid::from_u128(self.schema.epoch.into()),
            keyspace: self.keyspace.clone(),
            name: name.to_owned(),
            epoch: 0,
            next_column_id: columns.len() as u16,
            columns,
            dropped: Vec::new(),
            params: TableParams::default(),
            indexes: Vec::new(),
            view: None,
        };
        self.change(SchemaChange::PutTable(Box::new(parts)));
    }

    pub(super) fn context(&self) -> PrepareContext<'_> {
        PrepareContext { schema: &self.schema, keyspace: Some(&self.keyspace), local: &NoSystemTables }
    }

    /// Runs INSERT, UPDATE or DELETE; each has a later timestamp than the one before unless it says otherwise.
    pub(super) fn write(&mut self, statement: &str) {
        self.timestamp += 1;
        let mut batch = WriteBatch::new();
        let prepared = prepare(statement, &self.context()).unwrap_or_else(|error| panic!("{statement}: {error}"));
        let Statement::Write(plan) = prepared.statement else { panic!("no write: {statement}") };
        super::with_options(|options| {
            let options = crate::values::ExecuteOptions { timestamp: self.timestamp, ..*options };
            plan.bind(&NoValues, &options, &mut batch).unwrap_or_else(|error| panic!("{statement}: {error}"));
        });
        batch.finish();
        for mutation in batch.mutations() {
            let mutation = MutationRef::validate(mutation.bytes).unwrap();
            for (id, partition) in mutation.updates() {
                let table = Arc::clone(self.schema.table_by_id(id).unwrap());
                let partitions = self.data.entry(id).or_default();
                let stored = partitions.entry(mutation.key.to_owned()).or_default();
                stored.apply(&table, PartitionRef::validate(&mut Reader::new(partition)).unwrap());
            }
        }
    }

    /// Puts a row of (k, c) and v = 1 into a table of these int columns, without a statement.
    pub(super) fn write_row(&mut self, name: &str, k: i32, c: i32) {
        let table = self.schema.table(&self.keyspace, name).unwrap();
        let mut clustering = Vec::new();
        put_clustering_value(&mut clustering, Some(&c.to_be_bytes()));
        let header = RowHeader::of_statement(1, 0, 0, true);
        let mut row = Vec::new();
        header.encode(&mut row);
        CellRef::live(table.regulars[0].id, 1, &1_i32.to_be_bytes()).encode(&header, &mut row);
        let key = DecoratedKey::new(k.to_be_bytes());
        self.data.entry(table.id).or_default().entry(key).or_default().rows.push((clustering, row));
    }

    /// Answers a read as a replica does: merged, limited.
    pub(super) fn read(&self, command: &ReadCommand, consumer: &mut dyn PartitionConsumer) {
        let table = self.schema.table_by_id(command.table).unwrap();
        let Some(partitions) = self.data.get(&command.table) else { return };
        let mut left = command.limits;
        for (key, partition) in partitions {
            let behind = match &command.scope {
                ReadScope::Partition { key: wanted } if **wanted == *key.key => None,
                ReadScope::Partition { .. } => continue,
                ReadScope::Range { start, end, resume } => {
                    if !start.compare_to_key(key.as_ref()).is_lt() || !end.compare_to_key(key.as_ref()).is_gt() {
                        continue;
                    }
                    match resume {
                        Some((at, place)) if **at == *key.key => place.as_ref(),
                        _ => None,
                    }
                }
            };
            let order = table.comparator();
            let within = |clustering: &[u8]| {
                let place = Position::row(clustering);
                let open = command.slices.iter().any(|slice| {
                    order.compare_positions(slice.start.as_ref(), place).is_lt()
                        && order.compare_positions(place, slice.end.as_ref()).is_lt()
                });
                open && behind.is_none_or(|behind| {
                    let order = order.compare_positions(place, behind.as_ref());
                    if command.reversed { order.is_lt() } else { order.is_gt() }
                })
            };
            let mut rows: Vec<&(Vec<u8>, Vec<u8>)> = partition.rows.iter().filter(|(place, _)| within(place)).collect();
            if command.reversed {
                rows.reverse();
            }
            if !partition.tell(key, &rows, behind.is_some(), command, &mut left, consumer) {
                return;
            }
        }
    }
}

impl Partition {
    fn apply(&mut self, table: &Table, update: PartitionRef<'_>) {
        self.delete(update.deletion, |_| true);
        if !update.deletion.is_live() {
            let mut left = Vec::new();
            if !self.static_row.is_empty() && filter_deleted(RowRef::new(&self.static_row), update.deletion, &mut left)
            {
                self.static_row = left;
            } else {
                self.static_row.clear();
            }
        }
        if let Some(row) = update.static_row {
            self.static_row = merged(table, &self.static_row, row);
        }
        for item in update.items() {
            match item {
                Item::Range(range) => {
                    let order = table.comparator();
                    self.delete(range.deletion, |clustering| {
                        let place = Position::row(clustering);
                        order.compare_positions(range.start, place).is_lt()
                            && order.compare_positions(place, range.end).is_lt()
                    });
                }
                Item::Unfiltered(Unfiltered::Row { clustering, row }) => {
                    let order = table.comparator();
                    match self.rows.binary_search_by(|(place, _)| order.compare(place, clustering)) {
                        Ok(at) => self.rows[at].1 = merged(table, &self.rows[at].1, row),
                        Err(at) => self.rows.insert(at, (clustering.to_vec(), row.bytes().to_vec())),
                    }
                }
                Item::Unfiltered(Unfiltered::Marker(_)) => panic!("a mutation has no markers"),
            }
        }
    }

    fn delete(&mut self, deletion: DeletionTime, covers: impl Fn(&[u8]) -> bool) {
        self.rows.retain_mut(|(clustering, row)| {
            if deletion.is_live() || !covers(clustering) {
                return true;
            }
            let mut left = Vec::new();
            let any = filter_deleted(RowRef::new(row), deletion, &mut left);
            *row = left;
            any
        });
    }

    /// False when the read is over.
    fn tell(
        &self,
        key: &DecoratedKey,
        rows: &[&(Vec<u8>, Vec<u8>)],
        resumed: bool,
        command: &ReadCommand,
        left: &mut helenus_model::read::ReadLimits,
        consumer: &mut dyn PartitionConsumer,
    ) -> bool {
        let static_row = (!self.static_row.is_empty()).then(|| RowRef::new(&self.static_row));
        let distinct = command.limits.partitions != u32::MAX;
        let mut flow = consumer.partition(key.as_ref(), DeletionTime::LIVE, static_row);
        let (mut in_partition, mut live) = (command.limits.per_partition.min(left.rows), 0);
        for (clustering, row) in rows {
            if flow != ControlFlow::Continue(Next::Item) || in_partition == 0 || (distinct && live > 0) {
                break;
            }
            let row = RowRef::new(row);
            if row.is_live(command.now) {
                in_partition -= 1;
                live += 1;
            }
            flow = consumer.unfiltered(Unfiltered::Row { clustering, row });
        }
        if flow.is_break() || consumer.end_partition().is_break() {
            return false;
        }
        if live == 0 && !resumed && static_row.is_some_and(|row| row.is_live(command.now)) {
            live = 1;
        }
        left.rows = left.rows.saturating_sub(live);
        left.partitions = left.partitions.saturating_sub(u32::from(live > 0));
        left.rows > 0 && left.partitions > 0
    }
}

fn merged(table: &Table, old: &[u8], new: RowRef<'_>) -> Vec<u8> {
    if old.is_empty() {
        return new.bytes().to_vec();
    }
    let mut out = Vec::new();
    merge_rows(table, RowRef::new(old), new, &mut out);
    out
}
