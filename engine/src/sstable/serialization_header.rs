//! The header part of `Statistics.db`: delta bases, types and columns of the file (Cassandra: `SerializationHeader.Component`).

use helenus_model::codec::{DecodeError, Reader, put_text, put_vint};
use helenus_model::schema::{Column, ColumnKind, SortOrder, Table};
use helenus_model::types::{CqlType, composite_java_class, reversed_java_class};

use super::encoding::{Bases, DELETION_EPOCH, EncodingStats, TIMESTAMP_EPOCH};
use super::write_error::SsTableWriteError;

/// A name and a Java class string.
pub(super) type NamedType = (String, String);

/// What must be known to read a file's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SerializationHeader {
    pub(super) bases: Bases,
    pub(super) key_type: String,
    pub(super) clustering_types: Vec<String>,
    pub(super) statics: Vec<NamedType>,
    pub(super) regulars: Vec<NamedType>,
}

/// The class string of a table's partition key.
pub(super) fn key_class(table: &Table) -> String {
    composite_java_class(&table.partition_key.iter().map(|column| column.ty.clone()).collect::<Vec<CqlType>>())
}

/// The class string of a clustering column.
pub(super) fn clustering_class(column: &Column) -> String {
    match column.order {
        SortOrder::Ascending => column.ty.java_class(),
        SortOrder::Descending => reversed_java_class(&column.ty),
    }
}

/// The table's columns of `kind` that occur, dropped ones among them, in the file's order: simple before complex, then by name.
pub(super) fn columns_in_file<'t>(table: &'t Table, stats: &EncodingStats, kind: ColumnKind) -> Vec<&'t Column> {
    let all = if kind == ColumnKind::Static { &table.statics } else { &table.regulars };
    let gone = table.gone().iter().filter(|column| column.kind == kind);
    let occurs = |column: &&Column| stats.columns.binary_search(&column.id).is_ok();
    let mut list: Vec<&Column> = all.iter().chain(gone).filter(occurs).collect();
    list.sort_by(|a, b| (a.is_complex(), a.name_order()).cmp(&(b.is_complex(), b.name_order())));
    list
}

impl SerializationHeader {
    pub(super) fn of_table(table: &Table, stats: &EncodingStats) -> Result<Self, SsTableWriteError> {
        let names = |kind| {
            let list = columns_in_file(table, stats, kind);
            list.into_iter().map(|column| (column.name.clone(), column.ty.java_class())).collect()
        };
        Ok(SerializationHeader {
            bases: Bases::of(stats)?,
            key_type: key_class(table),
            clustering_types: table.clustering.iter().map(clustering_class).collect(),
            statics: names(ColumnKind::Static),
            regulars: names(ColumnKind::Regular),
        })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_vint(&mut out, self.bases.timestamp.wrapping_sub(TIMESTAMP_EPOCH) as u64);
        put_vint(&mut out, i64::from(self.bases.local.wrapping_sub(DELETION_EPOCH)) as u64);
        put_vint(&mut out, i64::from(self.bases.ttl) as u64);
        put_text(&mut out, &self.key_type);
        put_vint(&mut out, self.clustering_types.len() as u64);
        for class in &self.clustering_types {
            put_text(&mut out, class);
        }
        for columns in [&self.statics, &self.regulars] {
            put_vint(&mut out, columns.len() as u64);
            for (name, class) in columns {
                put_text(&mut out, name);
                put_text(&mut out, class);
            }
        }
        out
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bases = Bases {
            timestamp: (reader.vint()? as i64).wrapping_add(TIMESTAMP_EPOCH),
            local: (reader.vint()? as i32).wrapping_add(DELETION_EPOCH),
            ttl: reader.vint()? as i32,
        };
        let key_type = reader.text()?.to_owned();
        let mut clustering_types = Vec::new();
        for _ in 0..reader.count()? {
            clustering_types.push(reader.text()?.to_owned());
        }
        let statics = Self::decode_columns(reader)?;
        let regulars = Self::decode_columns(reader)?;
        Ok(SerializationHeader { bases, key_type, clustering_types, statics, regulars })
    }

    fn decode_columns(reader: &mut Reader<'_>) -> Result<Vec<NamedType>, DecodeError> {
        let mut columns = Vec::new();
        for _ in 0..reader.count()? {
            let name = reader.text()?.to_owned();
            columns.push((name, reader.text()?.to_owned()));
        }
        Ok(columns)
    }
}
