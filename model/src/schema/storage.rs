//! How a table keeps its rows: as every table does, or as one made `WITH COMPACT STORAGE` (Cassandra: the flags of `TableMetadata`).

use super::{Column, ColumnKind};
use crate::codec::{DecodeError, Reader};
use crate::types::CqlType;

/// How a table keeps its rows.
///
/// A compact table has no row markers: a row is there as long as one of its columns has a value. Some of its columns are hidden: no
/// statement can name them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// As every table not made WITH COMPACT STORAGE.
    #[default]
    Rows,
    /// Compact without clustering columns: what was declared is static; a clustering and a regular column are hidden.
    CompactStatic,
    /// Compact with clustering columns and one regular column, which is hidden if it is of type `empty`: none was declared then.
    CompactDense {
        /// There are several clustering columns; of a row's the last ones may be null.
        compound: bool,
    },
}

impl Storage {
    /// Made WITH COMPACT STORAGE.
    #[inline]
    pub fn is_compact(self) -> bool {
        self != Storage::Rows
    }

    /// Compact with one clustering column, which may not be empty in what is written.
    pub fn refuses_empty_clustering(self) -> bool {
        matches!(self, Storage::CompactDense { compound: false })
    }

    /// Compact with clustering columns.
    pub fn is_dense(self) -> bool {
        matches!(self, Storage::CompactDense { .. })
    }

    /// Whether statements cannot name a column of such a table.
    #[inline]
    pub fn hides(self, column: &Column) -> bool {
        match self {
            Storage::Rows => false,
            Storage::CompactStatic => matches!(column.kind, ColumnKind::Clustering | ColumnKind::Regular),
            Storage::CompactDense { .. } => column.kind == ColumnKind::Regular && column.ty == CqlType::Empty,
        }
    }

    /// As in `system_schema.tables.flags`, without `counter`.
    pub fn flags(self) -> &'static [&'static str] {
        match self {
            Storage::Rows => &["compound"],
            Storage::CompactStatic => &[],
            Storage::CompactDense { compound: false } => &["dense"],
            Storage::CompactDense { compound: true } => &["compound", "dense"],
        }
    }

    pub(super) fn encode(self, out: &mut Vec<u8>) {
        out.push(match self {
            Storage::Rows => 0,
            Storage::CompactStatic => 1,
            Storage::CompactDense { compound: false } => 2,
            Storage::CompactDense { compound: true } => 3,
        });
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match reader.u8()? {
            0 => Storage::Rows,
            1 => Storage::CompactStatic,
            2 => Storage::CompactDense { compound: false },
            3 => Storage::CompactDense { compound: true },
            _ => return Err(reader.invalid("storage")),
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::{SchemaChange, SortOrder, TableParams, TableParts};
    use super::*;

    #[test]
    fn compact_tables_read_back() {
        let all = [
            (Storage::Rows, "compound"),
            (Storage::CompactStatic, ""),
            (Storage::CompactDense { compound: false }, "dense"),
            (Storage::CompactDense { compound: true }, "compound dense"),
        ];
        for (storage, flags) in all {
            let column = Column {
                id: 0,
                name: "k".to_owned(),
                ty: CqlType::Int,
                kind: ColumnKind::PartitionKey,
                position: 0,
                order: SortOrder::Ascending,
            };
            let parts = TableParts {
                id: Uuid::from_u128(1),
                keyspace: "ks".to_owned(),
                name: "t".to_owned(),
                epoch: 1,
                columns: vec![column],
                dropped: Vec::new(),
                next_column_id: 0,
                params: TableParams { storage, ..TableParams::default() },
                indexes: Vec::new(),
                view: None,
            };
            let mut bytes = Vec::new();
            SchemaChange::PutTable(Box::new(parts)).encode(&mut bytes);
            let mut reader = Reader::new(&bytes);
            let read = SchemaChange::decode(&mut reader).expect("decodes");
            reader.finish().expect("nothing left");
            let SchemaChange::PutTable(read) = read else { panic!("{read:?}") };
            assert_eq!(read.params.storage, storage);
            assert_eq!(read.params.storage.flags().join(" "), flags);
        }
    }
}
