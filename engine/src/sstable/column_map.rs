//! The columns of a file against those of the table's present schema.

use std::sync::Arc;

use helenus_model::row::ColumnId;
use helenus_model::schema::{ColumnKind, Table};
use helenus_model::types::{CqlType, composite_components, parse_clustering_class, parse_java_class};

use super::clustering::ClusteringLengths;
use super::encoding::Bases;
use super::serialization_header::{NamedType, SerializationHeader};
use helenus_model::read::ColumnFilter;
use helenus_model::schema::SortOrder;

/// A column of the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct MappedColumn {
    /// Its id in the table; None: its cells are skipped.
    pub(super) id: Option<ColumnId>,
    /// Cells with paths.
    pub(super) complex: bool,
    /// Its values are counters' contexts.
    pub(super) counter: bool,
    /// Length of values that carry none.
    pub(super) length: Option<u32>,
    /// Cells up to this timestamp were dropped with an earlier column of the name.
    pub(super) dropped_at: i64,
}

/// Static or regular columns of the file, in its order.
#[derive(Debug, Default)]
pub(super) struct KindMap {
    pub(super) columns: Vec<MappedColumn>,
    /// The ids ascend, so that rows need no sorting.
    pub(super) ascending: bool,
}

/// How the file's rows are read under one schema.
#[derive(Debug)]
pub(super) struct ColumnMap {
    pub(super) table: Arc<Table>,
    pub(super) bases: Bases,
    pub(super) lengths: ClusteringLengths,
    pub(super) statics: KindMap,
    pub(super) regulars: KindMap,
}

impl ColumnMap {
    /// Fails, in words, when a type does not fit the schema.
    pub(super) fn new(header: &SerializationHeader, table: &Arc<Table>) -> Result<Self, String> {
        check_keys(header, table)?;
        let length = |ty: &CqlType| ty.value_length_if_fixed().map(|length| length as u32);
        let mut lengths = Vec::new();
        for class in &header.clustering_types {
            lengths.push(length(&parse_java_class(class).map_err(|error| error.to_string())?));
        }
        Ok(ColumnMap {
            table: table.clone(),
            bases: header.bases,
            lengths: lengths.into(),
            statics: map_columns(&header.statics, table, ColumnKind::Static)?,
            regulars: map_columns(&header.regulars, table, ColumnKind::Regular)?,
        })
    }

    /// True when the file has static columns that the read wants.
    pub(super) fn wants_statics(&self, filter: &ColumnFilter) -> bool {
        self.statics.columns.iter().any(|column| column.id.is_some_and(|id| filter.includes(id)))
    }
}

fn check_keys(header: &SerializationHeader, table: &Table) -> Result<(), String> {
    let keys = composite_components(&header.key_type, table.partition_key.len()).map_err(|error| error.to_string())?;
    let fits = keys.len() == table.partition_key.len()
        && keys.iter().zip(&table.partition_key).all(|(file, column)| compatible(file, &column.ty));
    if !fits {
        return Err(format!("partition key type {} does not fit the schema", header.key_type));
    }
    if header.clustering_types.len() != table.clustering.len() {
        return Err(format!("{} clustering columns do not fit the schema", header.clustering_types.len()));
    }
    for (class, column) in header.clustering_types.iter().zip(&table.clustering) {
        let (ty, reversed) = parse_clustering_class(class).map_err(|error| error.to_string())?;
        if !compatible(&ty, &column.ty) || reversed != (column.order == SortOrder::Descending) {
            return Err(format!("clustering type {class} does not fit column {}", column.name));
        }
    }
    Ok(())
}

fn map_columns(list: &[NamedType], table: &Table, kind: ColumnKind) -> Result<KindMap, String> {
    let mut columns = Vec::with_capacity(list.len());
    for (name, class) in list {
        let ty = parse_java_class(class).map_err(|error| format!("type of column {name}: {error}"))?;
        let dropped = table.dropped_column(name).filter(|column| column.kind == kind);
        let current = table.column(name).filter(|column| column.kind == kind);
        let id = match current {
            Some(column) if compatible(&ty, &column.ty) => Some(column.id),
            Some(column) if dropped.is_none() => {
                return Err(format!(
                    "column {name} is {class} in the file and {} in the schema",
                    column.ty.java_class()
                ));
            }
            Some(_) => None,
            None => {
                let gone = table.gone().iter().find(|column| column.name == *name && column.kind == kind);
                gone.filter(|column| compatible(&ty, &column.ty)).map(|column| column.id)
            }
        };
        columns.push(MappedColumn {
            id,
            complex: ty.is_multi_cell(),
            counter: ty == CqlType::Counter,
            length: ty.value_length_if_fixed().map(|length| length as u32),
            dropped_at: dropped.map_or(i64::MIN, |column| column.dropped_at),
        });
    }
    let ids: Vec<ColumnId> = columns.iter().filter_map(|column| column.id).collect();
    Ok(KindMap { columns, ascending: ids.is_sorted() })
}

/// True when values written as `file` can be read as `schema`: the same type, or one that was widened by ALTER.
fn compatible(file: &CqlType, schema: &CqlType) -> bool {
    file.is_multi_cell() == schema.is_multi_cell() && readable(file, schema)
}

/// As [`compatible`], of types inside others: there every value is frozen, but the schema's fields of a UDT keep
/// the words of its CREATE TYPE, which may say `list<int>`.
fn readable(file: &CqlType, schema: &CqlType) -> bool {
    if file == schema {
        return true;
    }
    match (file, schema) {
        (CqlType::Ascii, CqlType::Text) => true,
        (CqlType::Int | CqlType::Bigint | CqlType::Timestamp, CqlType::Varint) => true,
        (CqlType::Timestamp, CqlType::Bigint) | (CqlType::Bigint, CqlType::Timestamp) => true,
        (CqlType::Timeuuid, CqlType::Uuid) => true,
        (file, CqlType::Blob) => !file.is_multi_cell() && !file.contains_counter(),
        (CqlType::List { element: a, .. }, CqlType::List { element: b, .. })
        | (CqlType::Set { element: a, .. }, CqlType::Set { element: b, .. }) => readable(a, b),
        (CqlType::Map { key: k, value: v, .. }, CqlType::Map { key: l, value: w, .. }) => {
            readable(k, l) && readable(v, w)
        }
        (CqlType::Tuple(a), CqlType::Tuple(b)) => {
            a.len() <= b.len() && a.iter().zip(b.iter()).all(|(a, b)| readable(a, b))
        }
        (CqlType::Udt { definition: a, .. }, CqlType::Udt { definition: b, .. }) => {
            a.fields.len() <= b.fields.len() && a.fields.iter().zip(&b.fields).all(|(a, b)| readable(&a.1, &b.1))
        }
        // A dropped column's type has no names of user-defined types.
        (CqlType::Udt { definition, .. }, CqlType::Tuple(parts)) => {
            definition.fields.len() <= parts.len()
                && definition.fields.iter().zip(parts.iter()).all(|(a, b)| readable(&a.1, b))
        }
        (CqlType::Tuple(parts), CqlType::Udt { definition, .. }) => {
            parts.len() <= definition.fields.len()
                && parts.iter().zip(&definition.fields).all(|(a, b)| readable(a, &b.1))
        }
        (CqlType::Vector { element: a, dimension: m }, CqlType::Vector { element: b, dimension: n }) => {
            m == n && readable(a, b)
        }
        _ => false,
    }
}
