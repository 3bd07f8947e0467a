//! The tables of the system keyspaces, as Apache Cassandra 5.0.6 defines them.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use helenus_model::schema::{Column, ColumnKind, Keyspace, Replication, SortOrder, Table, TableParams, TableParts};
use helenus_model::types::{CqlType, UdtResolver, parse_cql_type};
use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::prepare::SystemTables;

/// One line a table; see its first line.
const TABLES: &str = include_str!("tables.txt");

/// The keyspaces of the node itself, and what their tables have in common: gc_grace_seconds and memtable_flush_period_in_ms.
const KEYSPACES: [(&str, i32, i32); 7] = [
    ("system", 0, 3_600_000),
    ("system_auth", 7_776_000, 0),
    ("system_distributed", 864_000, 0),
    ("system_schema", 604_800, 3_600_000),
    ("system_traces", 0, 0),
    ("system_views", 864_000, 0),
    ("system_virtual_schema", 864_000, 0),
];

/// The system keyspaces.
#[derive(Debug)]
pub struct Definitions {
    keyspaces: BTreeMap<String, Arc<Keyspace>>,
    by_id: FxHashMap<Uuid, Arc<Table>>,
}

impl Definitions {
    /// All keyspaces, by name.
    pub fn keyspaces(&self) -> impl Iterator<Item = &Arc<Keyspace>> {
        self.keyspaces.values()
    }

    /// All tables, by keyspace and name.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.keyspaces().flat_map(|keyspace| keyspace.tables.values())
    }

    /// A keyspace by its exact name.
    pub fn keyspace(&self, name: &str) -> Option<&Arc<Keyspace>> {
        self.keyspaces.get(name)
    }

    /// A table by exact names.
    pub fn table(&self, keyspace: &str, name: &str) -> Option<&Arc<Table>> {
        self.keyspaces.get(keyspace)?.tables.get(name)
    }

    /// A table by its id.
    pub fn table_by_id(&self, id: Uuid) -> Option<&Arc<Table>> {
        self.by_id.get(&id)
    }
}

/// The definitions, made at the first call.
pub fn definitions() -> &'static Definitions {
    static DEFINITIONS: OnceLock<Definitions> = OnceLock::new();
    DEFINITIONS.get_or_init(build)
}

/// [`SystemTables`] over [`definitions`].
#[derive(Clone, Copy, Debug, Default)]
pub struct NodeTables;

impl SystemTables for NodeTables {
    fn table(&self, keyspace: &str, name: &str) -> Option<Arc<Table>> {
        definitions().table(keyspace, name).cloned()
    }
    fn keyspace(&self, name: &str) -> Option<Arc<Keyspace>> {
        definitions().keyspace(name).cloned()
    }
}

/// True for keyspaces that exist in memory only and are described by `system_virtual_schema`.
pub fn is_virtual_keyspace(name: &str) -> bool {
    matches!(name, "system_views" | "system_virtual_schema")
}

/// True for the keyspaces of this module.
pub fn is_system_keyspace(name: &str) -> bool {
    KEYSPACES.iter().any(|(keyspace, _, _)| *keyspace == name)
}

/// The id Cassandra gives a system table: a name-based UUID of keyspace and table.
pub fn system_table_id(keyspace: &str, name: &str) -> Uuid {
    use md5::{Digest, Md5};
    let mut md5 = Md5::new();
    md5.update(keyspace.as_bytes());
    md5.update(name.as_bytes());
    uuid::Builder::from_md5_bytes(md5.finalize().into()).into_uuid()
}

/// The comments of virtual tables stand in `system_virtual_schema.tables`, those of others among their options.
fn build() -> Definitions {
    let mut keyspaces: BTreeMap<String, Keyspace> = KEYSPACES
        .iter()
        .map(|(name, _, _)| {
            let keyspace = Keyspace {
                name: (*name).to_owned(),
                replication: replication(name),
                durable_writes: true,
                tables: BTreeMap::new(),
                types: BTreeMap::new(),
                functions: Vec::new(),
                aggregates: Vec::new(),
            };
            ((*name).to_owned(), keyspace)
        })
        .collect();
    let mut by_id = FxHashMap::default();
    for line in TABLES.lines().filter(|line| !line.starts_with('#')) {
        let table = parse_table(line);
        debug_assert!(table.is_some(), "a system table is not well written: {line}");
        let Some(table) = table.map(Arc::new) else { continue };
        by_id.insert(table.id, Arc::clone(&table));
        if let Some(keyspace) = keyspaces.get_mut(&table.keyspace) {
            keyspace.tables.insert(table.name.clone(), table);
        }
    }
    let keyspaces = keyspaces.into_iter().map(|(name, keyspace)| (name, Arc::new(keyspace))).collect();
    Definitions { keyspaces, by_id }
}

fn replication(keyspace: &str) -> Replication {
    match keyspace {
        "system_auth" => Replication::Simple { factor: 1 },
        "system_distributed" => Replication::Simple { factor: 3 },
        "system_traces" => Replication::Simple { factor: 2 },
        _ => Replication::Local,
    }
}

fn parse_table(line: &str) -> Option<Table> {
    let mut parts = line.splitn(4, '|').map(str::trim);
    let (name, comment, options, columns) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (keyspace, name) = name.split_once('.')?;
    let (_, gc_grace_seconds, flush) = *KEYSPACES.iter().find(|(known, _, _)| *known == keyspace)?;
    let mut params = TableParams {
        comment: comment.to_owned(),
        gc_grace_seconds,
        memtable_flush_period_in_ms: flush,
        ..TableParams::default()
    };
    for option in options.split_whitespace() {
        set_option(&mut params, option.split_once('=')?)?;
    }
    let columns = parse_columns(columns, keyspace, &|_, _| None)?;
    let next_column_id = columns.iter().map(|column| column.id + 1).max().unwrap_or(0);
    Some(Table::new(TableParts {
        id: system_table_id(keyspace, name),
        keyspace: keyspace.to_owned(),
        name: name.to_owned(),
        epoch: 0,
        columns,
        dropped: Vec::new(),
        next_column_id,
        params,
        indexes: Vec::new(),
        view: None,
    }))
}

fn set_option(params: &mut TableParams, (key, value): (&str, &str)) -> Option<()> {
    let mut compaction = |key: &str, value: &str| params.compaction.insert(key.to_owned(), value.to_owned());
    match key {
        "min_threshold" => {
            compaction("min_threshold", value);
        }
        "default_time_to_live" => params.default_time_to_live = value.parse().ok()?,
        "compaction" => {
            compaction("class", &format!("org.apache.cassandra.db.compaction.{value}CompactionStrategy"));
            if value == "TimeWindow" {
                compaction("compaction_window_size", "1");
                compaction("compaction_window_unit", "DAYS");
            }
        }
        _ => return None,
    }
    Some(())
}

/// Columns as `*name type, +name type desc, name type static`. Commas inside `<…>` belong to the type.
pub(crate) fn parse_columns(text: &str, keyspace: &str, types: &UdtResolver<'_>) -> Option<Vec<Column>> {
    let (mut columns, mut keys, mut clusterings, mut id) = (Vec::new(), 0, 0, 0);
    let (mut depth, mut start) = (0_i32, 0);
    let mut pieces = Vec::new();
    for (at, letter) in text.char_indices() {
        match letter {
            '<' => depth += 1,
            '>' => depth -= 1,
            ',' if depth == 0 => {
                pieces.push(text.get(start..at)?);
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(text.get(start..)?);
    for piece in pieces {
        let (name, ty) = piece.trim().split_once(' ')?;
        let (ty, order) = match ty.strip_suffix(" desc") {
            Some(ty) => (ty, SortOrder::Descending),
            None => (ty, SortOrder::Ascending),
        };
        let (ty, other) = match ty.strip_suffix(" static") {
            Some(ty) => (ty, ColumnKind::Static),
            None => (ty, ColumnKind::Regular),
        };
        let ty: CqlType = parse_cql_type(ty, keyspace, types).ok()?;
        let (kind, name, position) = if let Some(name) = name.strip_prefix('*') {
            keys += 1;
            (ColumnKind::PartitionKey, name, keys - 1)
        } else if let Some(name) = name.strip_prefix('+') {
            clusterings += 1;
            (ColumnKind::Clustering, name, clusterings - 1)
        } else {
            (other, name, 0)
        };
        let column_id = if kind.is_primary_key() { 0 } else { id };
        id += u16::from(!kind.is_primary_key());
        columns.push(Column { id: column_id, name: name.to_owned(), ty, kind, position, order });
    }
    Some(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_table() {
        let lines = TABLES.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(definitions().tables().count(), lines);
        assert_eq!(lines, 94);
    }

    #[test]
    fn ids_are_cassandras() {
        for (keyspace, table, id) in [
            ("system", "local", "7ad54392-bcdd-35a6-8417-4e047860b377"),
            ("system", "peers_v2", "c4325fbb-8e5e-3baf-bd07-0f9250ed818e"),
            ("system_schema", "tables", "afddfb9d-bc1e-3068-8056-eed6c302ba09"),
            ("system_auth", "roles", "5bc52802-de25-35ed-aeab-188eecebb090"),
            ("system_traces", "sessions", "c5e99f16-8677-3914-b17e-960613512345"),
            ("system_distributed", "repair_history", "759fffad-624b-3181-80ee-fa9a52d1f627"),
        ] {
            assert_eq!(definitions().table(keyspace, table).unwrap().id.to_string(), id, "{keyspace}.{table}");
        }
    }
}
