//! Columns of a table.

use crate::row::ColumnId;
use crate::types::CqlType;

/// The part a column plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnKind {
    /// Part of the partition key.
    PartitionKey,
    /// Part of the clustering.
    Clustering,
    /// One value for the partition.
    Static,
    /// A value of each row.
    Regular,
}

impl ColumnKind {
    /// As in `system_schema.columns.kind`.
    pub fn name(self) -> &'static str {
        match self {
            ColumnKind::PartitionKey => "partition_key",
            ColumnKind::Clustering => "clustering",
            ColumnKind::Static => "static",
            ColumnKind::Regular => "regular",
        }
    }

    /// True for key columns.
    pub fn is_primary_key(self) -> bool {
        matches!(self, ColumnKind::PartitionKey | ColumnKind::Clustering)
    }
}

/// Order of a clustering column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SortOrder {
    /// Smallest first.
    #[default]
    Ascending,
    /// Largest first.
    Descending,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Names the column in rows and mutations. Only static and regular columns have one of their own; for key columns it is 0 and
    /// means nothing.
    pub id: ColumnId,
    /// Name, without quotes.
    pub name: String,
    /// Type. A DESC clustering column has its plain type here and the order beside it.
    pub ty: CqlType,
    /// The part it plays.
    pub kind: ColumnKind,
    /// Place among the partition-key or clustering columns; 0 for others.
    pub position: u16,
    /// Order of a clustering column.
    pub order: SortOrder,
}

impl Column {
    /// `position` as in `system_schema.columns`: −1 for static and regular columns.
    pub fn schema_position(&self) -> i32 {
        if self.kind.is_primary_key() { i32::from(self.position) } else { -1 }
    }

    /// True when the column is stored as cells with paths.
    pub fn is_complex(&self) -> bool {
        self.ty.is_multi_cell()
    }

    /// Names as Cassandra sorts them, in its files as well: those that begin with a letter beyond ASCII come first (it compares a
    /// prefix with the sign turned).
    pub fn name_order(&self) -> impl Ord + '_ {
        let bytes = self.name.as_bytes();
        (bytes.first().is_none_or(u8::is_ascii), bytes)
    }
}

/// Sorts static or regular columns as `SELECT *` gives them: by name. Complex ones whose name begins with a letter beyond ASCII stand
/// behind the simple ones in this, as Cassandra's search for the first complex column does not find them.
pub(super) fn sort_for_selection(columns: Vec<Column>) -> Vec<Column> {
    let is_apart = |column: &Column| column.is_complex() && column.name.as_bytes().first().is_none_or(u8::is_ascii);
    let (mut complex, mut simple): (Vec<Column>, Vec<Column>) = columns.into_iter().partition(is_apart);
    complex.sort_by(|a, b| a.name_order().cmp(&b.name_order()));
    simple.sort_by(|a, b| (a.is_complex(), a.name_order()).cmp(&(b.is_complex(), b.name_order())));
    let mut sorted = Vec::with_capacity(simple.len() + complex.len());
    let mut complex = complex.into_iter().peekable();
    for column in simple {
        while let Some(before) = complex.next_if(|other| other.name_order() < column.name_order()) {
            sorted.push(before);
        }
        sorted.push(column);
    }
    sorted.extend(complex);
    sorted
}

/// A column that was dropped: what was written to it up to then is not to be seen, should a column of that name come again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DroppedColumn {
    /// Name it had.
    pub name: String,
    /// Type it had.
    pub ty: CqlType,
    /// Static or regular.
    pub kind: ColumnKind,
    /// Cells with timestamps up to this are gone, microseconds.
    pub dropped_at: i64,
    /// The id it had, which it gets again: what is newer than the drop is seen then. None of what was dropped by an older version.
    pub id: Option<ColumnId>,
}
