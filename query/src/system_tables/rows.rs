//! Rows made up on the spot, and read like stored ones: by key, slice, from either end.

use std::cmp::Ordering;
use std::net::IpAddr;

use helenus_model::key::{
    DecoratedKey, Position, RingKey, RingPosition, put_clustering_value, put_composite_component, split_partition_key,
};
use helenus_model::partition::Unfiltered;
use helenus_model::read::{Next, PartitionConsumer, ReadCommand, ReadScope};
use helenus_model::row::{CellRef, DeletionTime, RowHeader, RowRef};
use helenus_model::schema::{ColumnKind, Table};
use helenus_model::types::CqlType;
use helenus_model::value::{CollectionBuilder, Comparator, components, elements, encode_inet, encode_list, entries};
use uuid::Uuid;

use super::definitions::is_virtual_keyspace;

/// Collects the rows of one table.
#[derive(Debug)]
pub struct VirtualRows<'t> {
    table: &'t Table,
    rows: Vec<(DecoratedKey, Vec<u8>, Vec<u8>)>,
    values: Vec<(usize, Vec<u8>)>,
}

impl<'t> VirtualRows<'t> {
    /// None yet.
    pub fn new(table: &'t Table) -> Self {
        VirtualRows { table, rows: Vec::new(), values: Vec::new() }
    }

    /// The table.
    pub fn table(&self) -> &'t Table {
        self.table
    }

    /// Sets a column of the current row to a serialized value. Columns the table does not have are left out: views share code with
    /// tables that have fewer columns.
    pub fn value(&mut self, column: &str, value: impl Into<Vec<u8>>) -> &mut Self {
        if let Some(place) = self.table.columns().position(|known| known.name == column) {
            self.values.push((place, value.into()));
        }
        self
    }

    /// A text.
    pub fn text(&mut self, column: &str, value: &str) -> &mut Self {
        self.value(column, value.as_bytes())
    }

    /// An int.
    pub fn int(&mut self, column: &str, value: i32) -> &mut Self {
        self.value(column, value.to_be_bytes())
    }

    /// A bigint, or a timestamp in milliseconds.
    pub fn bigint(&mut self, column: &str, value: i64) -> &mut Self {
        self.value(column, value.to_be_bytes())
    }

    /// A double.
    pub fn double(&mut self, column: &str, value: f64) -> &mut Self {
        self.value(column, value.to_be_bytes())
    }

    /// A boolean.
    pub fn boolean(&mut self, column: &str, value: bool) -> &mut Self {
        self.value(column, [u8::from(value)])
    }

    /// A UUID.
    pub fn uuid(&mut self, column: &str, value: Uuid) -> &mut Self {
        self.value(column, *value.as_bytes())
    }

    /// An address.
    pub fn inet(&mut self, column: &str, value: IpAddr) -> &mut Self {
        self.value(column, encode_inet(value))
    }

    /// A list of texts, or a set when they are sorted.
    pub fn texts<S: AsRef<str>>(&mut self, column: &str, values: impl IntoIterator<Item = S>) -> &mut Self {
        let values: Vec<S> = values.into_iter().collect();
        self.value(column, encode_list(values.iter().map(|value| value.as_ref().as_bytes())))
    }

    /// A map of texts, the keys sorted.
    pub fn text_map<K: AsRef<str>, V: AsRef<str>>(
        &mut self,
        column: &str,
        values: impl IntoIterator<Item = (K, V)>,
    ) -> &mut Self {
        let mut builder = CollectionBuilder::default();
        for (key, value) in values {
            builder.push_entry(key.as_ref().as_bytes(), value.as_ref().as_bytes());
        }
        self.value(column, builder.finish())
    }

    /// The current row is complete. One without a value for each key column is dropped.
    pub fn end(&mut self) {
        let values = std::mem::take(&mut self.values);
        let of = |place: usize| values.iter().rev().find(|(at, _)| *at == place).map(|(_, value)| value.as_slice());
        let keys = self.table.partition_key.len();
        let mut key = Vec::new();
        for place in 0..keys {
            let Some(value) = of(place) else { return };
            if keys == 1 {
                key.extend_from_slice(value);
            } else {
                put_composite_component(&mut key, value);
            }
        }
        let mut clustering = Vec::new();
        for place in 0..self.table.clustering.len() {
            let Some(value) = of(keys + place) else { return };
            put_clustering_value(&mut clustering, Some(value));
        }
        let header = RowHeader::of_statement(0, 0, 0, true);
        let mut row = Vec::new();
        header.encode(&mut row);
        let mut cells: Vec<_> = self
            .table
            .columns()
            .enumerate()
            .filter(|(_, column)| column.kind == ColumnKind::Regular)
            .filter_map(|(place, column)| Some((column, of(place)?)))
            .collect();
        cells.sort_by_key(|(column, _)| column.id);
        for (column, value) in cells {
            encode_cells(column.id, &column.ty, value, &header, &mut row);
        }
        self.rows.push((DecoratedKey::new(key), clustering, row));
    }

    /// Gives the rows a command asks for to a consumer.
    pub fn read(mut self, command: &ReadCommand, consumer: &mut dyn PartitionConsumer) {
        let order = self.table.comparator();
        let keys = KeyOrder::of(self.table);
        self.rows.sort_by(|a, b| keys.compare(&a.0, &b.0).then_with(|| order.compare(&a.1, &b.1)));
        self.rows.dedup_by(|a, b| a.0 == b.0 && a.1 == b.1);
        let mut left = (command.limits.rows, command.limits.partitions);
        for partition in self.rows.chunk_by(|a, b| a.0 == b.0) {
            let Some((key, _, _)) = partition.first() else { continue };
            let Some(behind) = place_in_scope(command, key, &keys) else { continue };
            let within = |clustering: &[u8]| {
                let place = Position::row(clustering);
                let resumed = behind.is_none_or(|behind| {
                    let order = order.compare_positions(place, behind);
                    if command.reversed { order.is_lt() } else { order.is_gt() }
                });
                resumed
                    && command.slices.iter().any(|slice| {
                        order.compare_positions(slice.start.as_ref(), place).is_lt()
                            && order.compare_positions(place, slice.end.as_ref()).is_lt()
                    })
            };
            let mut rows: Vec<_> = partition.iter().filter(|(_, clustering, _)| within(clustering)).collect();
            if rows.is_empty() {
                continue;
            }
            if command.reversed {
                rows.reverse();
            }
            rows.truncate(command.limits.per_partition.min(left.0) as usize);
            if give(key, &rows, consumer).is_none() {
                return;
            }
            left = (left.0.saturating_sub(rows.len() as u32), left.1.saturating_sub(1));
            if left.0 == 0 || left.1 == 0 {
                return;
            }
        }
    }
}

/// The order of partitions: that of the ring, but for virtual keyspaces that of the keys' values (Cassandra's LocalPartitioner).
enum KeyOrder {
    Ring,
    Values(Vec<Comparator>),
}

impl KeyOrder {
    fn of(table: &Table) -> Self {
        if is_virtual_keyspace(&table.keyspace) {
            KeyOrder::Values(table.partition_key.iter().map(|column| Comparator::for_type(&column.ty)).collect())
        } else {
            KeyOrder::Ring
        }
    }

    fn compare(&self, a: &DecoratedKey, b: &DecoratedKey) -> Ordering {
        match self {
            KeyOrder::Ring => a.cmp(b),
            KeyOrder::Values(orders) => compare_keys(orders, &a.key, &b.key),
        }
    }

    /// True when the key is not before a range's start. A start at a key is where a page ended: it counts in this order.
    fn is_behind(&self, start: &RingPosition, key: &DecoratedKey) -> bool {
        match (self, &start.key) {
            (KeyOrder::Values(orders), RingKey::At { key: at, after }) => match compare_keys(orders, &key.key, at) {
                Ordering::Less => false,
                Ordering::Equal => !after,
                Ordering::Greater => true,
            },
            _ => start.compare_to_key(key.as_ref()).is_lt(),
        }
    }
}

fn compare_keys(orders: &[Comparator], a: &[u8], b: &[u8]) -> Ordering {
    let (Ok(a), Ok(b)) = (split_partition_key(a, orders.len()), split_partition_key(b, orders.len())) else {
        return a.cmp(b);
    };
    let each = orders.iter().zip(a.iter().zip(&b)).map(|(order, (a, b))| order.compare(a, b));
    each.fold(Ordering::Equal, Ordering::then)
}

/// None when the consumer has enough.
fn give(
    key: &DecoratedKey,
    rows: &[&(DecoratedKey, Vec<u8>, Vec<u8>)],
    consumer: &mut dyn PartitionConsumer,
) -> Option<()> {
    use std::ops::ControlFlow::{Break, Continue};
    let mut flow = consumer.partition(key.as_ref(), DeletionTime::LIVE, None);
    for (_, clustering, row) in rows {
        if flow != Continue(Next::Item) {
            break;
        }
        flow = consumer.unfiltered(Unfiltered::Row { clustering, row: RowRef::new(row) });
    }
    match flow {
        Break(()) => None,
        Continue(_) => consumer.end_partition().is_continue().then_some(()),
    }
}

/// None when the partition is not asked for; else the place behind which its rows are.
fn place_in_scope<'c>(command: &'c ReadCommand, key: &DecoratedKey, keys: &KeyOrder) -> Option<Option<Position<'c>>> {
    match &command.scope {
        ReadScope::Partition { key: wanted } => (**wanted == *key.key).then_some(None),
        ReadScope::Range { start, end, resume } => {
            let within = keys.is_behind(start, key) && end.compare_to_key(key.as_ref()).is_gt();
            let behind = match resume {
                Some((at, behind)) if **at == *key.key => behind.as_ref().map(|place| place.as_ref()),
                _ => None,
            };
            within.then_some(behind)
        }
    }
}

/// A value as its cells: one, or one for each part of a collection that is not frozen.
fn encode_cells(column: u16, ty: &CqlType, value: &[u8], header: &RowHeader, row: &mut Vec<u8>) {
    match ty {
        CqlType::Map { frozen: false, .. } => {
            for (key, value) in entries(value) {
                CellRef::live(column, 0, value).at(key).encode(header, row);
            }
        }
        CqlType::Set { frozen: false, .. } => {
            for element in elements(value) {
                CellRef::live(column, 0, &[]).at(element).encode(header, row);
            }
        }
        CqlType::List { frozen: false, .. } => {
            for (place, element) in elements(value).enumerate() {
                let path = helenus_model::value::timeuuid_from_parts(place as u64, 0);
                CellRef::live(column, 0, element).at(path.as_bytes()).encode(header, row);
            }
        }
        CqlType::Udt { frozen: false, .. } => {
            for (place, field) in components(value).enumerate() {
                if let Some(field) = field {
                    CellRef::live(column, 0, field).at(&(place as u16).to_be_bytes()).encode(header, row);
                }
            }
        }
        _ => CellRef::live(column, 0, value).encode(header, row),
    }
}
