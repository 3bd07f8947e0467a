//! Changes of the schema as the metadata log carries them: the resulting definitions, not the statements, so that applying
//! them is the same on every node and under every later version.
//!
//! ```text
//! change := kind u8, fields in the order they are written below; text and lists behind vint lengths; types as tag trees
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;
use uuid::Uuid;

use super::function::{
    AggregateDefinition, FunctionDefinition, put_aggregate, put_function, put_types, read_types, resolve_functions,
};
use super::table::TableParts;
use super::type_codec::{put_definition, put_type, read_definition, read_type};
use super::{
    Column, ColumnKind, DroppedColumn, Index, Keyspace, Replication, Schema, SortOrder, Storage, Table, TableParams,
    ViewDefinition,
};
use crate::codec::{DecodeError, Reader, put_bytes, put_text, put_vint};
use crate::row::ColumnId;
use crate::types::{CqlType, UdtDefinition};

/// One change of the schema.
#[derive(Clone, Debug)]
pub enum SchemaChange {
    /// Makes a keyspace, or gives it new options.
    PutKeyspace {
        /// Its name.
        name: String,
        /// Its replication.
        replication: Replication,
        /// Its `durable_writes`.
        durable_writes: bool,
    },
    /// Removes a keyspace and everything in it.
    DropKeyspace {
        /// Its name.
        name: String,
    },
    /// Makes a table, or replaces its definition (same id).
    PutTable(Box<TableParts>),
    /// Removes a table.
    DropTable {
        /// Its keyspace.
        keyspace: String,
        /// Its name.
        name: String,
        /// Its id: a table of the same name made since is left alone.
        id: Uuid,
    },
    /// Makes a type, or replaces its definition; tables that use it get the new one.
    PutType(UdtDefinition),
    /// Removes a type.
    DropType {
        /// Its keyspace.
        keyspace: String,
        /// Its name.
        name: String,
    },
    /// Makes a function, or replaces the one with the same name and argument types.
    PutFunction(Box<FunctionDefinition>),
    /// Removes a function.
    DropFunction {
        /// Its keyspace.
        keyspace: String,
        /// Its name.
        name: String,
        /// Its argument types.
        argument_types: Vec<CqlType>,
    },
    /// Makes an aggregate, or replaces the one with the same name and argument types.
    PutAggregate(Box<AggregateDefinition>),
    /// Removes an aggregate.
    DropAggregate {
        /// Its keyspace.
        keyspace: String,
        /// Its name.
        name: String,
        /// Its argument types.
        argument_types: Vec<CqlType>,
    },
}

/// A change does not fit the schema it is applied to: the log and the schema disagree, which is a fault of this program or
/// damage.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SchemaChangeError {
    /// The keyspace is not there.
    #[error("no keyspace {0}")]
    NoKeyspace(String),
    /// The bytes are no change.
    #[error("schema change: {0}")]
    Decode(#[from] DecodeError),
}

impl Schema {
    /// The schema after `changes`, as of `epoch`. Changed tables get this epoch.
    pub fn apply(&self, epoch: u64, changes: &[SchemaChange]) -> Result<Schema, SchemaChangeError> {
        let mut schema =
            Schema { epoch, keyspaces: self.keyspaces.clone(), tables: Default::default(), views: Default::default() };
        for change in changes {
            schema.apply_one(epoch, change)?;
        }
        schema.tables = schema.tables().map(|table| (table.id, Arc::clone(table))).collect();
        let views: Vec<_> = schema.views().map(|(table, view)| (view.base, Arc::clone(table))).collect();
        for (base, view) in views {
            schema.views.entry(base).or_default().push(view);
        }
        Ok(schema)
    }

    fn keyspace_mut(&mut self, name: &str) -> Result<&mut Keyspace, SchemaChangeError> {
        let keyspace = self.keyspaces.get_mut(name).ok_or_else(|| SchemaChangeError::NoKeyspace(name.to_owned()))?;
        Ok(Arc::make_mut(keyspace))
    }

    fn apply_one(&mut self, epoch: u64, change: &SchemaChange) -> Result<(), SchemaChangeError> {
        match change {
            SchemaChange::PutKeyspace { name, replication, durable_writes } => {
                let keyspace = self.keyspaces.entry(name.clone()).or_insert_with(|| {
                    Arc::new(Keyspace {
                        name: name.clone(),
                        replication: replication.clone(),
                        durable_writes: *durable_writes,
                        tables: BTreeMap::new(),
                        types: BTreeMap::new(),
                        functions: Vec::new(),
                        aggregates: Vec::new(),
                    })
                });
                let keyspace = Arc::make_mut(keyspace);
                keyspace.replication = replication.clone();
                keyspace.durable_writes = *durable_writes;
            }
            SchemaChange::DropKeyspace { name } => {
                self.keyspaces.remove(name);
            }
            SchemaChange::PutTable(parts) => {
                let mut parts = (**parts).clone();
                parts.epoch = epoch;
                let keyspace = self.keyspace_mut(&parts.keyspace)?;
                resolve_columns(&mut parts, &keyspace.types);
                keyspace.tables.insert(parts.name.clone(), Arc::new(Table::new(parts)));
            }
            SchemaChange::DropTable { keyspace, name, id } => {
                let keyspace = self.keyspace_mut(keyspace)?;
                if keyspace.tables.get(name).is_some_and(|table| table.id == *id) {
                    keyspace.tables.remove(name);
                }
            }
            SchemaChange::PutType(definition) => self.put_type(epoch, definition)?,
            SchemaChange::DropType { keyspace, name } => {
                self.keyspace_mut(keyspace)?.types.remove(name);
            }
            SchemaChange::PutFunction(definition) => {
                put_function(&mut self.keyspace_mut(&definition.keyspace)?.functions, definition);
            }
            SchemaChange::DropFunction { keyspace, name, argument_types } => {
                let functions = &mut self.keyspace_mut(keyspace)?.functions;
                functions.retain(|function| function.name != *name || !function.has_types(argument_types));
            }
            SchemaChange::PutAggregate(definition) => {
                put_aggregate(&mut self.keyspace_mut(&definition.keyspace)?.aggregates, definition);
            }
            SchemaChange::DropAggregate { keyspace, name, argument_types } => {
                let aggregates = &mut self.keyspace_mut(keyspace)?.aggregates;
                aggregates.retain(|aggregate| aggregate.name != *name || !aggregate.has_types(argument_types));
            }
        }
        Ok(())
    }

    /// Puts a type and gives every type and table that names it the new definition.
    fn put_type(&mut self, epoch: u64, definition: &UdtDefinition) -> Result<(), SchemaChangeError> {
        let keyspace = self.keyspace_mut(&definition.keyspace)?;
        keyspace.types.insert(definition.name.clone(), Arc::new(definition.clone()));
        // Types may nest: as many rounds as there are types reach every user of a user.
        for _ in 0..keyspace.types.len() {
            let types = keyspace.types.clone();
            let mut is_done = true;
            for definition in keyspace.types.values_mut() {
                let fields = definition.fields.iter().map(|(n, ty)| (n.clone(), resolve(ty, &types))).collect();
                if definition.fields != fields {
                    is_done = false;
                    *definition = Arc::new(UdtDefinition {
                        keyspace: definition.keyspace.clone(),
                        name: definition.name.clone(),
                        fields,
                    });
                }
            }
            if is_done {
                break;
            }
        }
        resolve_functions(&mut keyspace.functions, &mut keyspace.aggregates, &keyspace.types);
        for table in keyspace.tables.values_mut() {
            let mut parts = table.to_parts();
            resolve_columns(&mut parts, &keyspace.types);
            let renewed = Table::new(TableParts { epoch, ..parts });
            if renewed != **table {
                *table = Arc::new(renewed);
            }
        }
        Ok(())
    }
}

fn resolve_columns(parts: &mut TableParts, types: &BTreeMap<String, Arc<UdtDefinition>>) {
    for column in &mut parts.columns {
        column.ty = resolve(&column.ty, types);
    }
}

/// The type with each UDT's definition replaced by the keyspace's present one.
pub(super) fn resolve(ty: &CqlType, types: &BTreeMap<String, Arc<UdtDefinition>>) -> CqlType {
    let arc = |inner: &CqlType| Arc::new(resolve(inner, types));
    match ty {
        CqlType::List { element, frozen } => CqlType::List { element: arc(element), frozen: *frozen },
        CqlType::Set { element, frozen } => CqlType::Set { element: arc(element), frozen: *frozen },
        CqlType::Map { key, value, frozen } => CqlType::Map { key: arc(key), value: arc(value), frozen: *frozen },
        CqlType::Tuple(parts) => CqlType::Tuple(parts.iter().map(|part| resolve(part, types)).collect()),
        CqlType::Vector { element, dimension } => CqlType::Vector { element: arc(element), dimension: *dimension },
        CqlType::Udt { definition, frozen } => {
            CqlType::Udt { definition: types.get(&definition.name).unwrap_or(definition).clone(), frozen: *frozen }
        }
        simple => simple.clone(),
    }
}

fn put_map(out: &mut Vec<u8>, map: &BTreeMap<String, String>) {
    put_vint(out, map.len() as u64);
    for (key, value) in map {
        put_text(out, key);
        put_text(out, value);
    }
}

fn read_map(reader: &mut Reader<'_>) -> Result<BTreeMap<String, String>, DecodeError> {
    let count = reader.count()?;
    (0..count).map(|_| Ok((reader.text()?.to_owned(), reader.text()?.to_owned()))).collect()
}

fn put_replication(out: &mut Vec<u8>, replication: &Replication) {
    match replication {
        Replication::Simple { factor } => {
            out.push(0);
            put_vint(out, u64::from(*factor));
        }
        Replication::NetworkTopology { factors } => {
            out.push(1);
            put_vint(out, factors.len() as u64);
            for (datacenter, factor) in factors {
                put_text(out, datacenter);
                put_vint(out, u64::from(*factor));
            }
        }
        Replication::Local => out.push(2),
    }
}

fn read_u32(reader: &mut Reader<'_>) -> Result<u32, DecodeError> {
    u32::try_from(reader.vint()?).map_err(|_| reader.invalid("number"))
}

fn read_replication(reader: &mut Reader<'_>) -> Result<Replication, DecodeError> {
    Ok(match reader.u8()? {
        0 => Replication::Simple { factor: read_u32(reader)? },
        1 => {
            let count = reader.count()?;
            let factors: Result<_, DecodeError> =
                (0..count).map(|_| Ok((reader.text()?.to_owned(), read_u32(reader)?))).collect();
            Replication::NetworkTopology { factors: factors? }
        }
        2 => Replication::Local,
        _ => return Err(reader.invalid("replication")),
    })
}

fn put_params(out: &mut Vec<u8>, p: &TableParams) {
    put_text(out, &p.additional_write_policy);
    out.push(u8::from(p.allow_auto_snapshot));
    out.extend_from_slice(&p.bloom_filter_fp_chance.to_bits().to_be_bytes());
    put_map(out, &p.caching);
    out.push(u8::from(p.cdc));
    put_text(out, &p.comment);
    put_map(out, &p.compaction);
    put_map(out, &p.compression);
    out.extend_from_slice(&p.crc_check_chance.to_bits().to_be_bytes());
    out.extend_from_slice(&p.default_time_to_live.to_be_bytes());
    put_vint(out, p.extensions.len() as u64);
    for (key, value) in &p.extensions {
        put_text(out, key);
        put_bytes(out, value);
    }
    out.extend_from_slice(&p.gc_grace_seconds.to_be_bytes());
    out.push(u8::from(p.incremental_backups));
    out.extend_from_slice(&p.max_index_interval.to_be_bytes());
    put_text(out, &p.memtable);
    out.extend_from_slice(&p.memtable_flush_period_in_ms.to_be_bytes());
    out.extend_from_slice(&p.min_index_interval.to_be_bytes());
    put_text(out, &p.read_repair);
    put_text(out, &p.speculative_retry);
}

fn read_params(reader: &mut Reader<'_>) -> Result<TableParams, DecodeError> {
    Ok(TableParams {
        additional_write_policy: reader.text()?.to_owned(),
        allow_auto_snapshot: reader.bool()?,
        bloom_filter_fp_chance: f64::from_bits(reader.u64()?),
        caching: read_map(reader)?,
        cdc: reader.bool()?,
        comment: reader.text()?.to_owned(),
        compaction: read_map(reader)?,
        compression: read_map(reader)?,
        crc_check_chance: f64::from_bits(reader.u64()?),
        default_time_to_live: reader.i32()?,
        extensions: {
            let count = reader.count()?;
            let pairs: Result<_, DecodeError> =
                (0..count).map(|_| Ok((reader.text()?.to_owned(), reader.bytes()?.to_vec()))).collect();
            pairs?
        },
        gc_grace_seconds: reader.i32()?,
        incremental_backups: reader.bool()?,
        max_index_interval: reader.i32()?,
        memtable: reader.text()?.to_owned(),
        memtable_flush_period_in_ms: reader.i32()?,
        min_index_interval: reader.i32()?,
        read_repair: reader.text()?.to_owned(),
        speculative_retry: reader.text()?.to_owned(),
        storage: Storage::Rows,
    })
}

fn put_kind(out: &mut Vec<u8>, kind: ColumnKind) {
    out.push(match kind {
        ColumnKind::PartitionKey => 0,
        ColumnKind::Clustering => 1,
        ColumnKind::Static => 2,
        ColumnKind::Regular => 3,
    });
}

fn read_kind(reader: &mut Reader<'_>) -> Result<ColumnKind, DecodeError> {
    Ok(match reader.u8()? {
        0 => ColumnKind::PartitionKey,
        1 => ColumnKind::Clustering,
        2 => ColumnKind::Static,
        3 => ColumnKind::Regular,
        _ => return Err(reader.invalid("column kind")),
    })
}

/// The kinds of dropped columns whose ids are known.
const DROPPED_STATIC: u8 = 4;
const DROPPED_REGULAR: u8 = 5;

fn put_dropped_kind(out: &mut Vec<u8>, column: &DroppedColumn) {
    let Some(id) = column.id else { return put_kind(out, column.kind) };
    out.push(if column.kind == ColumnKind::Static { DROPPED_STATIC } else { DROPPED_REGULAR });
    out.extend_from_slice(&id.to_be_bytes());
}

fn read_dropped_kind(reader: &mut Reader<'_>) -> Result<(ColumnKind, Option<ColumnId>), DecodeError> {
    Ok(match reader.u8()? {
        2 => (ColumnKind::Static, None),
        3 => (ColumnKind::Regular, None),
        DROPPED_STATIC => (ColumnKind::Static, Some(reader.u16()?)),
        DROPPED_REGULAR => (ColumnKind::Regular, Some(reader.u16()?)),
        _ => return Err(reader.invalid("kind of a dropped column")),
    })
}

fn put_table(out: &mut Vec<u8>, parts: &TableParts) {
    out.extend_from_slice(parts.id.as_bytes());
    put_text(out, &parts.keyspace);
    put_text(out, &parts.name);
    put_vint(out, parts.epoch);
    put_vint(out, parts.columns.len() as u64);
    for column in &parts.columns {
        out.extend_from_slice(&column.id.to_be_bytes());
        put_text(out, &column.name);
        put_type(out, &column.ty);
        put_kind(out, column.kind);
        out.extend_from_slice(&column.position.to_be_bytes());
        out.push(u8::from(column.order == SortOrder::Descending));
    }
    put_vint(out, parts.dropped.len() as u64);
    for column in &parts.dropped {
        put_text(out, &column.name);
        put_type(out, &column.ty);
        put_dropped_kind(out, column);
        out.extend_from_slice(&column.dropped_at.to_be_bytes());
    }
    out.extend_from_slice(&parts.next_column_id.to_be_bytes());
    put_params(out, &parts.params);
}

fn read_table(reader: &mut Reader<'_>) -> Result<TableParts, DecodeError> {
    let id = reader.uuid()?;
    let keyspace = reader.text()?.to_owned();
    let name = reader.text()?.to_owned();
    let epoch = reader.vint()?;
    let mut columns = Vec::new();
    for _ in 0..reader.count()? {
        columns.push(Column {
            id: reader.u16()?,
            name: reader.text()?.to_owned(),
            ty: read_type(reader, 0)?,
            kind: read_kind(reader)?,
            position: reader.u16()?,
            order: if reader.bool()? { SortOrder::Descending } else { SortOrder::Ascending },
        });
    }
    let mut dropped = Vec::new();
    for _ in 0..reader.count()? {
        let (name, ty) = (reader.text()?.to_owned(), read_type(reader, 0)?);
        let (kind, id) = read_dropped_kind(reader)?;
        dropped.push(DroppedColumn { name, ty, kind, dropped_at: reader.i64()?, id });
    }
    let next_column_id = reader.u16()?;
    let params = read_params(reader)?;
    let indexes = Vec::new();
    Ok(TableParts { id, keyspace, name, epoch, columns, dropped, next_column_id, params, indexes, view: None })
}

fn put_indexes(out: &mut Vec<u8>, indexes: &[Index]) {
    put_vint(out, indexes.len() as u64);
    indexes.iter().for_each(|index| index.encode(out));
}

fn read_indexes(reader: &mut Reader<'_>) -> Result<Vec<Index>, DecodeError> {
    let count = reader.count()?;
    (0..count).map(|_| Index::decode(reader)).collect()
}

const PUT_TABLE: u8 = 3;
const PUT_INDEXED_TABLE: u8 = 20;
const PUT_VIEW: u8 = 21;
const PUT_COMPACT_TABLE: u8 = 48;

impl SchemaChange {
    /// Appends the change.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            SchemaChange::PutKeyspace { name, replication, durable_writes } => {
                out.push(1);
                put_text(out, name);
                put_replication(out, replication);
                out.push(u8::from(*durable_writes));
            }
            SchemaChange::DropKeyspace { name } => {
                out.push(2);
                put_text(out, name);
            }
            SchemaChange::PutTable(parts) if parts.params.storage.is_compact() => {
                out.push(PUT_COMPACT_TABLE);
                parts.params.storage.encode(out);
                put_table(out, parts);
                put_indexes(out, &parts.indexes);
            }
            SchemaChange::PutTable(parts) => {
                if let Some(view) = &parts.view {
                    out.push(PUT_VIEW);
                    put_table(out, parts);
                    return view.encode(out);
                }
                // A table without indexes is written as it always was.
                out.push(if parts.indexes.is_empty() { PUT_TABLE } else { PUT_INDEXED_TABLE });
                put_table(out, parts);
                if !parts.indexes.is_empty() {
                    put_indexes(out, &parts.indexes);
                }
            }
            SchemaChange::DropTable { keyspace, name, id } => {
                out.push(4);
                put_text(out, keyspace);
                put_text(out, name);
                out.extend_from_slice(id.as_bytes());
            }
            SchemaChange::PutType(definition) => {
                out.push(5);
                put_definition(out, definition);
            }
            SchemaChange::DropType { keyspace, name } => {
                out.push(6);
                put_text(out, keyspace);
                put_text(out, name);
            }
            SchemaChange::PutFunction(definition) => {
                out.push(16);
                definition.put(out);
            }
            SchemaChange::DropFunction { keyspace, name, argument_types } => {
                out.push(17);
                put_text(out, keyspace);
                put_text(out, name);
                put_types(out, argument_types);
            }
            SchemaChange::PutAggregate(definition) => {
                out.push(18);
                definition.put(out);
            }
            SchemaChange::DropAggregate { keyspace, name, argument_types } => {
                out.push(19);
                put_text(out, keyspace);
                put_text(out, name);
                put_types(out, argument_types);
            }
        }
    }

    /// Reads a change, every field checked.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match reader.u8()? {
            1 => SchemaChange::PutKeyspace {
                name: reader.text()?.to_owned(),
                replication: read_replication(reader)?,
                durable_writes: reader.bool()?,
            },
            2 => SchemaChange::DropKeyspace { name: reader.text()?.to_owned() },
            PUT_TABLE => SchemaChange::PutTable(Box::new(read_table(reader)?)),
            PUT_INDEXED_TABLE => {
                let parts = read_table(reader)?;
                SchemaChange::PutTable(Box::new(TableParts { indexes: read_indexes(reader)?, ..parts }))
            }
            PUT_VIEW => {
                let parts = read_table(reader)?;
                let view = Some(Arc::new(ViewDefinition::decode(reader)?));
                SchemaChange::PutTable(Box::new(TableParts { view, ..parts }))
            }
            PUT_COMPACT_TABLE => {
                let storage = Storage::decode(reader)?;
                let mut parts = read_table(reader)?;
                parts.params.storage = storage;
                SchemaChange::PutTable(Box::new(TableParts { indexes: read_indexes(reader)?, ..parts }))
            }
            4 => SchemaChange::DropTable {
                keyspace: reader.text()?.to_owned(),
                name: reader.text()?.to_owned(),
                id: reader.uuid()?,
            },
            5 => SchemaChange::PutType(read_definition(reader, 0)?),
            6 => SchemaChange::DropType { keyspace: reader.text()?.to_owned(), name: reader.text()?.to_owned() },
            16 => SchemaChange::PutFunction(Box::new(FunctionDefinition::read(reader)?)),
            17 => SchemaChange::DropFunction {
                keyspace: reader.text()?.to_owned(),
                name: reader.text()?.to_owned(),
                argument_types: read_types(reader)?,
            },
            18 => SchemaChange::PutAggregate(Box::new(AggregateDefinition::read(reader)?)),
            19 => SchemaChange::DropAggregate {
                keyspace: reader.text()?.to_owned(),
                name: reader.text()?.to_owned(),
                argument_types: read_types(reader)?,
            },
            _ => return Err(reader.invalid("schema change")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(id: u16, name: &str, ty: CqlType, kind: ColumnKind) -> Column {
        Column { id, name: name.to_owned(), ty, kind, position: 0, order: SortOrder::Ascending }
    }

    #[test]
    fn functions_follow_their_types_and_read_back() {
        let point = |fields: &[&str]| UdtDefinition {
            keyspace: "ks".to_owned(),
            name: "point".to_owned(),
            fields: fields.iter().map(|f| ((*f).to_owned(), CqlType::Int)).collect(),
        };
        let udt = CqlType::Udt { definition: Arc::new(point(&["x"])), frozen: false };
        let function = |ty: &CqlType| FunctionDefinition {
            keyspace: "ks".to_owned(),
            name: "f".to_owned(),
            arguments: vec![("s".to_owned(), CqlType::Int), ("a".to_owned(), ty.clone())],
            return_type: CqlType::Int,
            called_on_null_input: true,
            language: "java".to_owned(),
            body: "return s;".to_owned(),
        };
        let aggregate = AggregateDefinition {
            keyspace: "ks".to_owned(),
            name: "g".to_owned(),
            argument_types: vec![udt.clone()],
            state_function: "f".to_owned(),
            state_type: CqlType::Int,
            final_function: None,
            initial_condition: Some(vec![0, 0, 0, 1]),
            return_type: CqlType::Int,
        };
        let dropped = |types: &[CqlType]| SchemaChange::DropFunction {
            keyspace: "ks".to_owned(),
            name: "f".to_owned(),
            argument_types: types.to_vec(),
        };
        let changes = [
            SchemaChange::PutKeyspace {
                name: "ks".to_owned(),
                replication: Replication::Simple { factor: 3 },
                durable_writes: true,
            },
            SchemaChange::PutType(point(&["x"])),
            SchemaChange::PutFunction(Box::new(function(&udt))),
            SchemaChange::PutFunction(Box::new(function(&CqlType::Text))),
            SchemaChange::PutFunction(Box::new(function(&CqlType::Text))),
            SchemaChange::PutAggregate(Box::new(aggregate.clone())),
            SchemaChange::PutType(point(&["x", "y"])),
            dropped(&[CqlType::Int, CqlType::Text]),
            dropped(&[CqlType::Int]),
            SchemaChange::DropAggregate {
                keyspace: "ks".to_owned(),
                name: "f".to_owned(),
                argument_types: vec![udt.clone()],
            },
        ];
        let mut bytes = Vec::new();
        changes.iter().for_each(|change| change.encode(&mut bytes));
        let mut reader = Reader::new(&bytes);
        let decoded: Vec<_> = changes.iter().map(|_| SchemaChange::decode(&mut reader).expect("decodes")).collect();
        reader.finish().expect("nothing left");
        let schema = Schema::default().apply(5, &decoded).expect("applies");
        let keyspace = schema.keyspace("ks").expect("the keyspace");
        let [only] = keyspace.functions.as_slice() else { panic!("{:?}", keyspace.functions) };
        let CqlType::Udt { definition, .. } = &only.arguments[1].1 else { panic!("{only:?}") };
        assert_eq!(definition.fields.len(), 2, "the function follows its type");
        assert_eq!(keyspace.aggregates.len(), 1);
        assert_eq!(keyspace.aggregates[0].initial_condition, aggregate.initial_condition);
        for cut in 0..bytes.len() {
            let mut reader = Reader::new(&bytes[..cut]);
            while SchemaChange::decode(&mut reader).is_ok() {}
        }
    }

    #[test]
    fn changes_read_back_and_apply() {
        let point = |fields: &[&str]| UdtDefinition {
            keyspace: "ks".to_owned(),
            name: "point".to_owned(),
            fields: fields.iter().map(|f| ((*f).to_owned(), CqlType::Int)).collect(),
        };
        let udt = CqlType::Udt { definition: Arc::new(point(&["x"])), frozen: true };
        let table = TableParts {
            id: Uuid::from_u128(7),
            keyspace: "ks".to_owned(),
            name: "t".to_owned(),
            epoch: 0,
            columns: vec![
                column(0, "k", CqlType::Text, ColumnKind::PartitionKey),
                column(1, "v", CqlType::List { element: Arc::new(udt), frozen: false }, ColumnKind::Regular),
            ],
            dropped: vec![],
            next_column_id: 2,
            params: TableParams::default(),
            indexes: vec![Index {
                id: Uuid::from_u128(9),
                name: "t_v_idx".to_owned(),
                column: "v".to_owned(),
                target: super::super::IndexTarget::Values,
            }],
            view: None,
        };
        let changes = [
            SchemaChange::PutKeyspace {
                name: "ks".to_owned(),
                replication: Replication::Simple { factor: 3 },
                durable_writes: true,
            },
            SchemaChange::PutType(point(&["x"])),
            SchemaChange::PutTable(Box::new(table)),
            SchemaChange::PutType(point(&["x", "y"])),
        ];
        let mut bytes = Vec::new();
        changes.iter().for_each(|change| change.encode(&mut bytes));
        let mut reader = Reader::new(&bytes);
        let decoded: Vec<_> = (0..4).map(|_| SchemaChange::decode(&mut reader).expect("decodes")).collect();
        reader.finish().expect("nothing left");
        let schema = Schema::default().apply(5, &decoded).expect("applies");
        let table = schema.table_by_id(Uuid::from_u128(7)).expect("the table");
        let CqlType::List { element, .. } = &table.column("v").expect("v").ty else { panic!("{table:?}") };
        let CqlType::Udt { definition, .. } = &**element else { panic!("{element:?}") };
        assert_eq!(definition.fields.len(), 2, "the table follows its type");
        assert_eq!(table.epoch, 5);
        assert_eq!(table.indexes.first().map(Index::target_text).as_deref(), Some("values(v)"));
        for cut in 0..bytes.len() {
            let mut reader = Reader::new(&bytes[..cut]);
            while SchemaChange::decode(&mut reader).is_ok() {}
        }
        let dropped =
            SchemaChange::DropTable { keyspace: "ks".to_owned(), name: "t".to_owned(), id: Uuid::from_u128(8) };
        let schema = schema.apply(6, &[dropped]).expect("applies");
        assert!(schema.table("ks", "t").is_some(), "another id is another table");
    }
}
