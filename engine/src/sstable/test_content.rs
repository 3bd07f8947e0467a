//! Random tables and partitions for tests: every type, every kind of cell and tombstone.

use helenus_model::key::{DecoratedKey, Position, put_clustering_value};
use helenus_model::partition::{Marker, Unfiltered};
use helenus_model::rng::Rng;
use helenus_model::row::{CellRef, DeletionTime, Liveness, RowHeader, RowRef};
use helenus_model::schema::{Column, ColumnKind, SortOrder, Table, TableParams, TableParts};
use helenus_model::time::NO_DELETION_TIME;
use helenus_model::types::{CqlType, UdtDefinition, parse_cql_type};
use helenus_model::value::{CollectionBuilder, Comparator, Duration, TupleBuilder, VectorBuilder, timeuuid_from_parts};
use std::sync::Arc;

/// 2025-01-01, microseconds.
const TIME: i64 = 1_735_689_600_000_000;

/// A row or marker, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TestItem {
    /// Clustering and row.
    Row(Vec<u8>, Vec<u8>),
    /// Prefix, weight, close, open.
    Marker(Vec<u8>, i8, DeletionTime, DeletionTime),
}

impl TestItem {
    /// Where it stands.
    pub(super) fn position(&self) -> Position<'_> {
        match self {
            TestItem::Row(clustering, _) => Position::row(clustering),
            TestItem::Marker(prefix, weight, ..) => Position { prefix, weight: *weight },
        }
    }

    /// As the writer takes it.
    pub(super) fn as_unfiltered(&self) -> Unfiltered<'_> {
        match self {
            TestItem::Row(clustering, row) => Unfiltered::Row { clustering, row: RowRef::new(row) },
            TestItem::Marker(_, _, close, open) => {
                Unfiltered::Marker(Marker { position: self.position(), close: *close, open: *open })
            }
        }
    }

    /// A copy of what a cursor shows.
    pub(super) fn of(item: &Unfiltered<'_>) -> TestItem {
        match item {
            Unfiltered::Row { clustering, row } => TestItem::Row(clustering.to_vec(), row.bytes().to_vec()),
            Unfiltered::Marker(marker) => {
                TestItem::Marker(marker.position.prefix.to_vec(), marker.position.weight, marker.close, marker.open)
            }
        }
    }

    /// What it says, whatever bases its bytes use.
    pub(super) fn content(&self) -> String {
        match self {
            TestItem::Row(clustering, row) => format!("row {clustering:02x?} {}", row_content(row)),
            marker => format!("{marker:?}"),
        }
    }
}

/// What a row says, whatever bases its bytes use.
pub(super) fn row_content(row: &[u8]) -> String {
    let row = RowRef::new(row);
    let cells: Vec<_> = row.cells().collect();
    format!("{:?} {:?} {cells:?}", row.header.liveness, row.header.deletion)
}

/// A partition, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TestPartition {
    /// Its key.
    pub(super) key: DecoratedKey,
    /// Its deletion.
    pub(super) deletion: DeletionTime,
    /// Its static row.
    pub(super) static_row: Option<Vec<u8>>,
    /// Rows and markers in table order.
    pub(super) items: Vec<TestItem>,
}

/// Simple types that may stand anywhere, keys included.
const SIMPLE: [&str; 20] = [
    "ascii",
    "bigint",
    "blob",
    "boolean",
    "date",
    "decimal",
    "double",
    "float",
    "inet",
    "int",
    "smallint",
    "text",
    "time",
    "timestamp",
    "timeuuid",
    "tinyint",
    "uuid",
    "varint",
    "frozen<list<int>>",
    "tuple<int, text>",
];
/// Types of values only.
const VALUES: [&str; 10] = [
    "duration",
    "list<int>",
    "set<text>",
    "map<int, text>",
    "map<timeuuid, frozen<list<text>>>",
    "set<smallint>",
    "frozen<map<text, int>>",
    "vector<float, 3>",
    "vector<text, 2>",
    "list<blob>",
];

/// A type by its CQL name.
pub(super) fn cql(text: &str) -> CqlType {
    parse_cql_type(text, "ks", &|_, _| None).expect("a type")
}

fn simple_type(rng: &mut Rng) -> CqlType {
    cql(SIMPLE[rng.index(SIMPLE.len())])
}

fn value_type(rng: &mut Rng) -> CqlType {
    match rng.below(10) {
        0..=3 => simple_type(rng),
        4 | 5 => {
            let definition = UdtDefinition {
                keyspace: "ks".to_owned(),
                name: "udt".to_owned(),
                fields: vec![("a".to_owned(), CqlType::Int), ("b".to_owned(), CqlType::Text)],
            };
            CqlType::Udt { definition: Arc::new(definition), frozen: rng.chance(50) }
        }
        _ => cql(VALUES[rng.index(VALUES.len())]),
    }
}

/// A random table in keyspace `ks`. `clustering` and `columns` bound the numbers of columns.
pub(super) fn random_table(rng: &mut Rng, name: &str, clustering: u64, columns: u64) -> Table {
    let mut list = Vec::new();
    let mut ids: Vec<u16> = (0..columns as u16 * 2 + 2).collect();
    rng.shuffle(&mut ids);
    let mut push = |name: String, ty: CqlType, kind, position, order| {
        let id = if matches!(kind, ColumnKind::Static | ColumnKind::Regular) { ids.pop().expect("an id") } else { 0 };
        list.push(Column { id, name, ty, kind, position, order });
    };
    for i in 0..1 + rng.below(2) as u16 {
        push(format!("k{i}"), simple_type(rng), ColumnKind::PartitionKey, i, SortOrder::Ascending);
    }
    let clustering = rng.below(clustering + 1) as u16;
    for i in 0..clustering {
        let order = if rng.chance(50) { SortOrder::Descending } else { SortOrder::Ascending };
        push(format!("c{i}"), simple_type(rng), ColumnKind::Clustering, i, order);
    }
    if clustering > 0 {
        for i in 0..rng.below(4) {
            push(format!("s{i}"), value_type(rng), ColumnKind::Static, 0, SortOrder::Ascending);
        }
    }
    for i in 0..1 + rng.below(columns) {
        push(format!("v{i:02}"), value_type(rng), ColumnKind::Regular, 0, SortOrder::Ascending);
    }
    Table::new(TableParts {
        id: rng.uuid(),
        keyspace: "ks".to_owned(),
        name: name.to_owned(),
        epoch: 1,
        columns: list,
        dropped: Vec::new(),
        next_column_id: columns as u16 * 2 + 2,
        params: TableParams::default(),
        indexes: Vec::new(),
        view: None,
    })
}

fn bytes(rng: &mut Rng, max: u64) -> Vec<u8> {
    let mut out = vec![0; rng.below(max + 1) as usize];
    rng.fill(&mut out);
    out
}

fn text(rng: &mut Rng, max: u64) -> Vec<u8> {
    (0..rng.below(max + 1)).map(|_| b'a' + rng.below(26) as u8).collect()
}

/// A random valid value; sometimes empty where that is legal.
pub(super) fn random_value(rng: &mut Rng, ty: &CqlType, size: u64) -> Vec<u8> {
    if ty.allows_empty() && !matches!(ty, CqlType::Tuple(_) | CqlType::Udt { .. }) && rng.chance(3) {
        return Vec::new();
    }
    match ty {
        CqlType::Ascii | CqlType::Text => text(rng, size),
        CqlType::Blob => bytes(rng, size),
        CqlType::Boolean => vec![rng.below(2) as u8],
        CqlType::Tinyint => vec![rng.below(256) as u8],
        CqlType::Smallint => (rng.below(6) as i16 - 3).to_be_bytes().to_vec(),
        CqlType::Int => (rng.below(12) as i32 - 6).to_be_bytes().to_vec(),
        CqlType::Date => ((1_u32 << 31) + rng.below(20_000) as u32).to_be_bytes().to_vec(),
        CqlType::Float => (rng.below(100) as f32 - 50.0).to_be_bytes().to_vec(),
        CqlType::Double => (rng.below(100) as f64 / 3.0 - 15.0).to_be_bytes().to_vec(),
        CqlType::Bigint => (rng.next_u64() as i64 >> rng.below(64)).to_be_bytes().to_vec(),
        CqlType::Timestamp => (TIME / 1000 + rng.below(1_000_000) as i64).to_be_bytes().to_vec(),
        CqlType::Time => rng.below(86_400_000_000_000).to_be_bytes().to_vec(),
        CqlType::Uuid => rng.uuid().as_bytes().to_vec(),
        CqlType::Timeuuid => {
            timeuuid_from_parts(139_000_000_000_000_000 + rng.below(1_000_000), rng.next_u64()).as_bytes().to_vec()
        }
        CqlType::Inet => {
            let mut out = vec![0; if rng.chance(50) { 4 } else { 16 }];
            rng.fill(&mut out);
            out
        }
        CqlType::Varint => varint(rng),
        CqlType::Decimal => {
            let mut out = (rng.below(5) as i32).to_be_bytes().to_vec();
            out.extend_from_slice(&varint(rng));
            out
        }
        CqlType::Duration => Duration::new(rng.below(100) as i32, rng.below(100) as i32, rng.below(1 << 40) as i64)
            .expect("one sign")
            .to_bytes(),
        CqlType::List { element, .. } | CqlType::Set { element, .. } => {
            let mut builder = CollectionBuilder::default();
            let mut values: Vec<_> = (0..rng.below(4)).map(|_| random_value(rng, element, 8)).collect();
            if matches!(ty, CqlType::Set { .. }) {
                sort_values(&mut values, element);
            }
            values.iter().for_each(|value| builder.push(value));
            builder.finish()
        }
        CqlType::Map { key, value, .. } => {
            let mut builder = CollectionBuilder::default();
            let mut keys: Vec<_> = (0..rng.below(4)).map(|_| random_value(rng, key, 8)).collect();
            sort_values(&mut keys, key);
            keys.iter().for_each(|key| builder.push_entry(key, &random_value(rng, value, 8)));
            builder.finish()
        }
        CqlType::Tuple(parts) => {
            let mut builder = TupleBuilder::default();
            for part in parts.iter() {
                let value = random_value(rng, part, 8);
                builder.push(if rng.chance(20) { None } else { Some(&value) });
            }
            builder.finish()
        }
        CqlType::Udt { definition, .. } => {
            let mut builder = TupleBuilder::default();
            for (_, field) in &definition.fields {
                let value = random_value(rng, field, 8);
                builder.push(if rng.chance(20) { None } else { Some(&value) });
            }
            builder.finish()
        }
        CqlType::Vector { element, dimension } => {
            let mut builder = VectorBuilder::new(element.value_length_if_fixed());
            for _ in 0..*dimension {
                let value = loop {
                    let value = random_value(rng, element, 8);
                    if !value.is_empty() {
                        break value;
                    }
                };
                builder.push(&value);
            }
            builder.finish()
        }
        _ => bytes(rng, size),
    }
}

/// A varint in its shortest form.
fn varint(rng: &mut Rng) -> Vec<u8> {
    let number = rng.next_u64() as i64 >> rng.below(64);
    let bytes = number.to_be_bytes();
    let sign = if number < 0 { 0xff } else { 0 };
    let mut start = 0;
    while start < 7 && bytes[start] == sign && (bytes[start + 1] ^ sign) < 0x80 {
        start += 1;
    }
    bytes[start..].to_vec()
}

fn sort_values(values: &mut Vec<Vec<u8>>, ty: &CqlType) {
    let order = Comparator::for_type(ty);
    values.sort_by(|a, b| order.compare(a, b));
    values.dedup_by(|a, b| order.compare(a, b).is_eq());
}

/// A random deletion.
pub(super) fn random_deletion(rng: &mut Rng) -> DeletionTime {
    let at = rng.below(1_000_000) as i64;
    DeletionTime { marked_at: TIME + at, local: TIME / 1_000_000 + at % 5000 }
}

fn random_cell(
    rng: &mut Rng,
    column: &Column,
    header: &RowHeader,
    ty: &CqlType,
    path: Option<Vec<u8>>,
    out: &mut Vec<u8>,
) {
    let value =
        if matches!(column.ty, CqlType::Set { frozen: false, .. }) { Vec::new() } else { random_value(rng, ty, 40) };
    let now = TIME + rng.below(1_000_000) as i64;
    let timestamp = if rng.chance(60) && header.base_timestamp > i64::MIN { header.base_timestamp } else { now };
    let cell = match rng.below(10) {
        0 => CellRef::tombstone(column.id, timestamp, timestamp / 1_000_000),
        1 => CellRef::expiring(
            column.id,
            timestamp,
            1 + rng.below(5000) as i32,
            TIME / 1_000_000 + rng.below(5000) as i64,
            &value,
        ),
        2..=4 if header.base_ttl != 0 => {
            CellRef::expiring(column.id, timestamp, header.base_ttl, header.base_expires_at, &value)
        }
        _ => CellRef::live(column.id, timestamp, &value),
    };
    let cell = match &path {
        Some(path) => cell.at(path),
        None => cell,
    };
    cell.encode(header, out);
}

fn complex_paths(rng: &mut Rng, ty: &CqlType) -> (Vec<Vec<u8>>, Vec<CqlType>) {
    let count = rng.below(5);
    let (path_type, value) = match ty {
        CqlType::List { element, .. } => (CqlType::Timeuuid, (**element).clone()),
        CqlType::Set { element, .. } => ((**element).clone(), CqlType::Blob),
        CqlType::Map { key, value, .. } => ((**key).clone(), (**value).clone()),
        CqlType::Udt { definition, .. } => {
            let fields = definition.fields.iter().enumerate().filter(|_| rng.chance(60));
            return fields.map(|(i, (_, ty))| ((i as u16).to_be_bytes().to_vec(), ty.clone())).unzip();
        }
        _ => return (Vec::new(), Vec::new()),
    };
    let mut paths: Vec<Vec<u8>> =
        (0..count).map(|_| random_value(rng, &path_type, 12)).filter(|path| !path.is_empty()).collect();
    sort_values(&mut paths, &path_type);
    let values = vec![value; paths.len()];
    (paths, values)
}

/// A random row over these columns (ordered by id in the row).
pub(super) fn random_row(rng: &mut Rng, columns: &[Column], is_static: bool) -> Vec<u8> {
    let mut header = RowHeader::EMPTY;
    if !is_static && rng.chance(70) {
        let timestamp = TIME + rng.below(1_000_000) as i64;
        let liveness = if rng.chance(20) {
            Liveness {
                timestamp,
                ttl: 1 + rng.below(3000) as i32,
                expires_at: TIME / 1_000_000 + rng.below(5000) as i64,
            }
        } else {
            Liveness { timestamp, ttl: 0, expires_at: NO_DELETION_TIME }
        };
        header = RowHeader::new(liveness, DeletionTime::LIVE);
    }
    if !is_static && rng.chance(10) {
        header.deletion = random_deletion(rng);
    }
    let mut out = Vec::new();
    header.encode(&mut out);
    let mut columns: Vec<&Column> = columns.iter().filter(|_| rng.chance(75)).collect();
    columns.sort_by_key(|column| column.id);
    for column in columns {
        if !column.is_complex() {
            random_cell(rng, column, &header, &column.ty, None, &mut out);
            continue;
        }
        if rng.chance(30) {
            CellRef::complex_deletion(column.id, random_deletion(rng)).encode(&header, &mut out);
        }
        let (paths, types) = complex_paths(rng, &column.ty);
        for (path, ty) in paths.into_iter().zip(&types) {
            random_cell(rng, column, &header, ty, Some(path), &mut out);
        }
    }
    out
}

fn random_prefix(rng: &mut Rng, table: &Table, values: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for column in &table.clustering[..values] {
        put_clustering_value(&mut out, Some(&random_value(rng, &column.ty, 10)));
    }
    out
}

fn random_items(rng: &mut Rng, table: &Table, rows: u64) -> Vec<TestItem> {
    let columns = table.clustering.len();
    let mut places: Vec<(Vec<u8>, i8)> = Vec::new();
    for _ in 0..if columns == 0 { 1 } else { rng.below(rows + 1) } {
        places.push((random_prefix(rng, table, columns), 0));
        if columns > 0 && rng.chance(15) {
            let values = rng.below(columns as u64 + 1) as usize;
            let mut prefix = random_prefix(rng, table, values);
            if rng.chance(50) && values == columns {
                prefix.clone_from(&places[rng.index(places.len())].0);
            }
            places.push((prefix, if rng.chance(50) { 1 } else { -1 }));
        }
    }
    let place = |p: &(Vec<u8>, i8)| (p.0.clone(), p.1);
    let mut places: Vec<(Vec<u8>, i8)> = places.iter().map(place).collect();
    let order = |a: &(Vec<u8>, i8), b: &(Vec<u8>, i8)| {
        let (a, b) = (Position { prefix: &a.0, weight: a.1 }, Position { prefix: &b.0, weight: b.1 });
        table.comparator().compare_positions(a, b)
    };
    places.sort_by(order);
    places.dedup_by(|a, b| order(a, b).is_eq());
    let mut open = DeletionTime::LIVE;
    let mut items = Vec::new();
    for (prefix, weight) in places {
        if weight == 0 {
            let row = random_row(rng, &table.regulars, false);
            if !RowRef::new(&row).is_empty() {
                items.push(TestItem::Row(prefix, row));
            }
            continue;
        }
        let next = if open.is_live() || rng.chance(40) { random_deletion(rng) } else { DeletionTime::LIVE };
        if next != open {
            items.push(TestItem::Marker(prefix, weight, open, next));
            open = next;
        }
    }
    if !open.is_live() {
        if let Some(TestItem::Marker(prefix, 1, ..)) = items.last()
            && prefix.is_empty()
        {
            items.pop();
        }
        let still_open = items.iter().rev().find_map(|item| match item {
            TestItem::Marker(_, _, _, open) => Some(*open),
            TestItem::Row(..) => None,
        });
        if let Some(still_open) = still_open.filter(|open| !open.is_live()) {
            items.push(TestItem::Marker(Vec::new(), 1, still_open, DeletionTime::LIVE));
        }
    }
    items
}

/// Random partitions in ring order. `rows` bounds the rows of each.
pub(super) fn random_partitions(rng: &mut Rng, table: &Table, partitions: u64, rows: u64) -> Vec<TestPartition> {
    let mut out = Vec::new();
    for _ in 0..partitions {
        let values: Vec<Vec<u8>> = table
            .partition_key
            .iter()
            .map(|column| {
                loop {
                    let value = random_value(rng, &column.ty, 12);
                    if !value.is_empty() {
                        break value;
                    }
                }
            })
            .collect();
        let key = match &values[..] {
            [only] => only.clone(),
            many => {
                let mut key = Vec::new();
                many.iter().for_each(|value| helenus_model::key::put_composite_component(&mut key, value));
                key
            }
        };
        let deletion = if rng.chance(10) { random_deletion(rng) } else { DeletionTime::LIVE };
        let static_row = Some(random_row(rng, &table.statics, true)).filter(|row| !RowRef::new(row).is_empty());
        let items = random_items(rng, table, rows);
        if deletion.is_live() && static_row.is_none() && items.is_empty() {
            continue;
        }
        out.push(TestPartition { key: DecoratedKey::new(key), deletion, static_row, items });
    }
    out.sort_by(|a, b| a.key.cmp(&b.key));
    out.dedup_by(|a, b| a.key == b.key);
    out
}
