//! Columns: what RESULT says about rows, and about the markers of a prepared statement.

use crate::notation::{
    DecodeError, Reader, write_bytes, write_int, write_short, write_short_bytes, write_string, write_type,
};
use crate::version::ProtocolVersion;
use helenus_model::types::CqlType;
use std::sync::Arc;

/// Bits of the flags.
pub(crate) mod flag {
    /// Keyspace and table stand once, before the columns.
    pub(crate) const GLOBAL_TABLE: i32 = 0x1;
    /// A paging state is there.
    pub(crate) const MORE_PAGES: i32 = 0x2;
    /// No columns are there.
    pub(crate) const NO_METADATA: i32 = 0x4;
    /// The id of new metadata is there (v5).
    pub(crate) const METADATA_CHANGED: i32 = 0x8;
}

/// A column of a result, or a marker of a statement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColumnSpec<'a> {
    /// Its keyspace.
    pub keyspace: &'a str,
    /// Its table.
    pub table: &'a str,
    /// Its name or alias.
    pub name: &'a str,
    /// Its type.
    pub cql_type: &'a CqlType,
}

/// Columns as bytes of one version: made once, copied into every result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodedColumns {
    /// [`flag::GLOBAL_TABLE`] or nothing.
    pub(crate) flags: i32,
    pub(crate) count: i32,
    /// The global table if there is one, and the columns.
    pub(crate) specs: Vec<u8>,
}

impl EncodedColumns {
    /// Encodes columns. If all are of one table, it is named once.
    ///
    /// # Panics
    /// If there are 2^31 or more.
    #[must_use]
    pub fn new(columns: &[ColumnSpec<'_>], version: ProtocolVersion) -> Self {
        let mut specs = Vec::new();
        let global = columns
            .split_first()
            .filter(|(first, rest)| rest.iter().all(|c| c.keyspace == first.keyspace && c.table == first.table))
            .map(|(first, _)| first);
        if let Some(first) = global {
            write_string(&mut specs, first.keyspace);
            write_string(&mut specs, first.table);
        }
        for column in columns {
            if global.is_none() {
                write_string(&mut specs, column.keyspace);
                write_string(&mut specs, column.table);
            }
            write_string(&mut specs, column.name);
            write_type(&mut specs, column.cql_type, version);
        }
        Self {
            flags: if global.is_some() { flag::GLOBAL_TABLE } else { 0 },
            count: i32::try_from(columns.len()).expect("fewer than 2^31 columns"),
            specs,
        }
    }

    /// Number of columns.
    #[must_use]
    pub fn count(&self) -> usize {
        usize::try_from(self.count).unwrap_or_default()
    }
}

/// A column as a client reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its keyspace: shared, as columns are mostly of one table.
    pub keyspace: Arc<str>,
    /// Its table.
    pub table: Arc<str>,
    /// Its name or alias.
    pub name: String,
    /// Its type.
    pub cql_type: CqlType,
}

impl Column {
    /// The column, borrowed.
    #[must_use]
    pub fn spec(&self) -> ColumnSpec<'_> {
        ColumnSpec { keyspace: &self.keyspace, table: &self.table, name: &self.name, cql_type: &self.cql_type }
    }
}

/// Encodes columns that a client has read.
pub(crate) fn encode_columns(columns: &[Column], version: ProtocolVersion) -> EncodedColumns {
    EncodedColumns::new(&columns.iter().map(Column::spec).collect::<Vec<_>>(), version)
}

/// What a RESULT says about its rows, or what the answer to PREPARE says about the rows to come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowsMetadata {
    /// Number of columns, also if they are not described.
    pub column_count: i32,
    /// The columns, unless the client said that it knows them.
    pub columns: Option<Vec<Column>>,
    /// Where the next page begins, if there is one.
    pub paging_state: Option<Vec<u8>>,
    /// Id of the metadata if it is not what the client knows (v5).
    pub new_metadata_id: Option<Vec<u8>>,
}

impl RowsMetadata {
    /// Metadata of a statement that returns no rows.
    pub const NONE: Self = Self { column_count: 0, columns: None, paging_state: None, new_metadata_id: None };

    /// Metadata with all columns.
    ///
    /// # Panics
    /// If there are 2^31 or more.
    #[must_use]
    pub fn of_columns(columns: Vec<Column>) -> Self {
        let column_count = i32::try_from(columns.len()).expect("fewer than 2^31 columns");
        Self { column_count, columns: Some(columns), ..Self::NONE }
    }

    /// Appends the metadata; the id is left out before v5.
    ///
    /// # Panics
    /// If a part is too large for its notation.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        let columns = self.columns.as_ref().map(|columns| encode_columns(columns, version));
        let new_id = self.new_metadata_id.as_ref().filter(|_| version >= ProtocolVersion::V5);
        let mut flags = columns.as_ref().map_or(flag::NO_METADATA, |columns| columns.flags);
        if self.paging_state.is_some() {
            flags |= flag::MORE_PAGES;
        }
        if new_id.is_some() {
            flags |= flag::METADATA_CHANGED;
        }
        write_int(out, flags);
        write_int(out, self.column_count);
        if let Some(paging_state) = &self.paging_state {
            write_bytes(out, Some(paging_state));
        }
        if let Some(id) = new_id {
            write_short_bytes(out, id);
        }
        if let Some(columns) = columns {
            out.extend_from_slice(&columns.specs);
        }
    }

    /// Reads metadata.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let flags = reader.int()?;
        let column_count = reader.int()?;
        if column_count < 0 {
            return Err(DecodeError::NegativeLength { notation: "a list of columns", length: column_count });
        }
        let paging_state = if flags & flag::MORE_PAGES != 0 { reader.bytes()?.map(<[u8]>::to_vec) } else { None };
        let changed = flags & flag::METADATA_CHANGED != 0;
        let new_metadata_id = if changed { Some(reader.short_bytes()?.to_vec()) } else { None };
        let columns =
            if flags & flag::NO_METADATA != 0 { None } else { Some(decode_columns(reader, flags, column_count)?) };
        Ok(Self { column_count, columns, paging_state, new_metadata_id })
    }
}

/// What the answer to PREPARE says about the markers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BindMetadata {
    /// Positions of the markers that are the partition key's columns, in the key's order; empty if one is missing (v4).
    pub partition_key_indexes: Vec<u16>,
    /// The markers.
    pub columns: Vec<Column>,
}

impl BindMetadata {
    /// Appends the metadata. Positions are sent only if all markers are of one table, as in Cassandra; none before v4.
    ///
    /// # Panics
    /// If there are 2^31 or more markers.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        let columns = encode_columns(&self.columns, version);
        write_int(out, columns.flags);
        write_int(out, columns.count);
        if version >= ProtocolVersion::V4 {
            let global = columns.flags & flag::GLOBAL_TABLE != 0;
            let indexes = if global { self.partition_key_indexes.as_slice() } else { &[] };
            write_int(out, i32::try_from(indexes.len()).expect("fewer than 2^31 columns"));
            for index in indexes {
                write_short(out, *index);
            }
        }
        out.extend_from_slice(&columns.specs);
    }

    /// Reads metadata.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn decode(reader: &mut Reader<'_>, version: ProtocolVersion) -> Result<Self, DecodeError> {
        let flags = reader.int()?;
        let count = reader.int()?;
        let mut partition_key_indexes = Vec::new();
        if version >= ProtocolVersion::V4 {
            for _ in 0..reader.int()? {
                partition_key_indexes.push(reader.short()?);
            }
        }
        Ok(Self { partition_key_indexes, columns: decode_columns(reader, flags, count)? })
    }
}

fn decode_columns(reader: &mut Reader<'_>, flags: i32, count: i32) -> Result<Vec<Column>, DecodeError> {
    let table_of = |reader: &mut Reader<'_>| -> Result<(Arc<str>, Arc<str>), DecodeError> {
        Ok((Arc::from(reader.string()?), Arc::from(reader.string()?)))
    };
    let is_global = flags & flag::GLOBAL_TABLE != 0;
    let global = if is_global { Some(table_of(reader)?) } else { None };
    let mut columns = Vec::new();
    for _ in 0..count {
        let (keyspace, table) = match &global {
            Some(global) => global.clone(),
            None => table_of(reader)?,
        };
        columns.push(Column { keyspace, table, name: reader.string()?.to_owned(), cql_type: reader.cql_type()? });
    }
    Ok(columns)
}
