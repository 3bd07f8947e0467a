//! What a value is for: the column, argument or clause it goes to, as errors, bind slots and result metadata name it.

use std::sync::Arc;

use helenus_model::schema::{Column, Table};
use helenus_model::types::CqlType;

/// A named, typed place for a value (Cassandra's ColumnSpecification).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Keyspace of the table.
    pub keyspace: Arc<str>,
    /// The table.
    pub table: Arc<str>,
    /// Name: of the column, or `[ttl]`, `in(c)`, `value(l)`, ….
    pub name: String,
    /// Type of the value.
    pub ty: CqlType,
}

/// A bind slot as PREPARE's answer describes it.
pub type BindSlot = ColumnSpec;

impl ColumnSpec {
    /// The place of a column.
    pub fn of_column(table: &Table, column: &Column) -> Self {
        ColumnSpec::named(table, column.name.clone(), column.ty.clone())
    }

    /// A place of another name in a table's statement.
    pub fn named(table: &Table, name: impl Into<String>, ty: CqlType) -> Self {
        let [keyspace, table] = table.shared_names();
        ColumnSpec { keyspace: Arc::clone(keyspace), table: Arc::clone(table), name: name.into(), ty }
    }

    /// A place inside this one: same table, other name and type.
    pub fn inner(&self, name: String, ty: CqlType) -> Self {
        ColumnSpec { keyspace: Arc::clone(&self.keyspace), table: Arc::clone(&self.table), name, ty }
    }
}
