//! CREATE, ALTER and DROP of keyspaces, tables, types, indexes, views, functions, aggregates and triggers.

use super::{CqlTypeName, Direction, FunctionName, Name, Property, QualifiedName, Relation, SelectClause, Term};

/// `CREATE KEYSPACE`
#[derive(Debug, Clone, PartialEq)]
pub struct CreateKeyspace {
    /// The keyspace.
    pub name: Name,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `WITH`, not empty.
    pub properties: Vec<Property>,
}

/// `ALTER KEYSPACE`
#[derive(Debug, Clone, PartialEq)]
pub struct AlterKeyspace {
    /// The keyspace.
    pub name: Name,
    /// `IF EXISTS`
    pub if_exists: bool,
    /// `WITH`, not empty.
    pub properties: Vec<Property>,
}

/// `DROP … [IF EXISTS] name`
#[derive(Debug, Clone, PartialEq)]
pub struct DropObject {
    /// What is dropped.
    pub name: QualifiedName,
    /// `IF EXISTS`
    pub if_exists: bool,
}

/// `MASKED WITH f(args)` or `MASKED WITH DEFAULT`
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnMask {
    /// The masking function; `mask_default` of `system` for `DEFAULT`.
    pub function: FunctionName,
    /// Its further arguments.
    pub arguments: Vec<Term>,
}

/// A column of CREATE TABLE or ALTER TABLE ADD.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDefinition {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub type_name: CqlTypeName,
    /// `STATIC`
    pub is_static: bool,
    /// `MASKED WITH`
    pub mask: Option<ColumnMask>,
}

/// A PRIMARY KEY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimaryKey {
    /// Partition key columns, not empty.
    pub partition: Vec<Name>,
    /// Clustering columns.
    pub clustering: Vec<Name>,
}

/// The WITH of CREATE TABLE and CREATE MATERIALIZED VIEW.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TableOptions {
    /// `name = value`; the table id is the property `id`.
    pub properties: Vec<Property>,
    /// `CLUSTERING ORDER BY`; empty without it.
    pub clustering_order: Vec<(Name, Direction)>,
    /// `COMPACT STORAGE`; never for a view.
    pub compact_storage: bool,
}

/// `CREATE TABLE`
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTable {
    /// The table.
    pub name: QualifiedName,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// The columns in the order of the text. A column twice is judged later, with Cassandra's text.
    pub columns: Vec<ColumnDefinition>,
    /// Every PRIMARY KEY the statement has, inline (`a int PRIMARY KEY`) or as a clause. A valid table has exactly one; the count is judged
    /// later, with Cassandra's texts.
    pub primary_keys: Vec<PrimaryKey>,
    /// `WITH`
    pub options: TableOptions,
}

/// `a TO b`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renaming {
    /// The old name.
    pub from: Name,
    /// The new name.
    pub to: Name,
}

/// `ALTER TABLE … DROP`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropColumns {
    /// `IF EXISTS` before the columns.
    pub if_exists: bool,
    /// The columns, not empty.
    pub columns: Vec<Name>,
    /// `USING TIMESTAMP`, in microseconds.
    pub timestamp: Option<i64>,
}

/// What ALTER TABLE does.
#[derive(Debug, Clone, PartialEq)]
pub enum AlterTableAction {
    /// `ADD`
    Add {
        /// `IF NOT EXISTS` before the columns.
        if_not_exists: bool,
        /// The columns, not empty.
        columns: Vec<ColumnDefinition>,
    },
    /// `DROP`
    Drop(DropColumns),
    /// `RENAME`
    Rename {
        /// `IF EXISTS` before the columns.
        if_exists: bool,
        /// The renamings, not empty.
        renamings: Vec<Renaming>,
    },
    /// `ALTER c TYPE t`: parsed, refused later.
    AlterType {
        /// The column.
        column: Name,
        /// The new type.
        type_name: CqlTypeName,
    },
    /// `ALTER c MASKED WITH …` or, with `None`, `ALTER c DROP MASKED`
    Mask {
        /// `IF EXISTS` before the column.
        if_exists: bool,
        /// The column.
        column: Name,
        /// The mask; `None` drops it.
        mask: Option<ColumnMask>,
    },
    /// `DROP COMPACT STORAGE`
    DropCompactStorage,
    /// `WITH`, not empty.
    With(Vec<Property>),
}

/// `ALTER TABLE`
#[derive(Debug, Clone, PartialEq)]
pub struct AlterTable {
    /// The table.
    pub name: QualifiedName,
    /// `IF EXISTS` before the table.
    pub if_exists: bool,
    /// What is done.
    pub action: AlterTableAction,
}

/// A field of a user-defined type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldDefinition {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub type_name: CqlTypeName,
}

/// `CREATE TYPE`
#[derive(Debug, Clone, PartialEq)]
pub struct CreateType {
    /// The type.
    pub name: QualifiedName,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// Its fields, not empty.
    pub fields: Vec<FieldDefinition>,
}

/// What ALTER TYPE does.
#[derive(Debug, Clone, PartialEq)]
pub enum AlterTypeAction {
    /// `ADD f t`
    Add {
        /// `IF NOT EXISTS` before the field.
        if_not_exists: bool,
        /// The field.
        field: FieldDefinition,
    },
    /// `RENAME a TO b AND …`
    Rename {
        /// `IF EXISTS` before the fields.
        if_exists: bool,
        /// The renamings, not empty.
        renamings: Vec<Renaming>,
    },
    /// `ALTER f TYPE t`: parsed, refused later.
    AlterType(FieldDefinition),
}

/// `ALTER TYPE`
#[derive(Debug, Clone, PartialEq)]
pub struct AlterType {
    /// The type.
    pub name: QualifiedName,
    /// `IF EXISTS` before the type.
    pub if_exists: bool,
    /// What is done.
    pub action: AlterTypeAction,
}

/// Which part of a collection an index covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IndexTargetKind {
    /// `(c)`: the values of a collection, or the column.
    Simple,
    /// `(VALUES(c))`
    Values,
    /// `(KEYS(c))`
    Keys,
    /// `(ENTRIES(c))`
    Entries,
    /// `(FULL(c))`
    Full,
}

/// What an index is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexTarget {
    /// Which part of the column.
    pub kind: IndexTargetKind,
    /// The column.
    pub column: Name,
}

/// `CREATE [CUSTOM] INDEX`
#[derive(Debug, Clone, PartialEq)]
pub struct CreateIndex {
    /// `CUSTOM`
    pub custom: bool,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// The index's name, if given.
    pub name: Option<Name>,
    /// The table.
    pub table: QualifiedName,
    /// The columns; may be empty.
    pub targets: Vec<IndexTarget>,
    /// `USING 'class'`
    pub using_class: Option<String>,
    /// `WITH`; the index's options are the property `options`.
    pub properties: Vec<Property>,
}

/// `CREATE MATERIALIZED VIEW`
#[derive(Debug, Clone, PartialEq)]
pub struct CreateView {
    /// The view.
    pub name: QualifiedName,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// What is selected.
    pub clause: SelectClause,
    /// The base table.
    pub base: QualifiedName,
    /// `WHERE`
    pub relations: Vec<Relation>,
    /// `PRIMARY KEY`
    pub primary_key: PrimaryKey,
    /// `WITH`
    pub options: TableOptions,
}

/// `ALTER MATERIALIZED VIEW`
#[derive(Debug, Clone, PartialEq)]
pub struct AlterView {
    /// The view.
    pub name: QualifiedName,
    /// `IF EXISTS`
    pub if_exists: bool,
    /// `WITH`, not empty.
    pub properties: Vec<Property>,
}

/// `CREATE FUNCTION`
#[derive(Debug, Clone, PartialEq)]
pub struct CreateFunction {
    /// `OR REPLACE`
    pub or_replace: bool,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// The function.
    pub name: FunctionName,
    /// Its arguments.
    pub arguments: Vec<FieldDefinition>,
    /// `CALLED ON NULL INPUT`; false for `RETURNS NULL ON NULL INPUT`.
    pub called_on_null_input: bool,
    /// What it returns.
    pub return_type: CqlTypeName,
    /// Its language, lower case.
    pub language: String,
    /// Its text.
    pub body: String,
}

/// `DROP FUNCTION`, `DROP AGGREGATE`
#[derive(Debug, Clone, PartialEq)]
pub struct DropFunction {
    /// `IF EXISTS`
    pub if_exists: bool,
    /// The function.
    pub name: FunctionName,
    /// Its argument types; `None` if the statement gives no parentheses.
    pub argument_types: Option<Vec<CqlTypeName>>,
}

/// `CREATE AGGREGATE`
#[derive(Debug, Clone, PartialEq)]
pub struct CreateAggregate {
    /// `OR REPLACE`
    pub or_replace: bool,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// The aggregate.
    pub name: FunctionName,
    /// Its argument types.
    pub argument_types: Vec<CqlTypeName>,
    /// `SFUNC`
    pub state_function: Name,
    /// `STYPE`
    pub state_type: CqlTypeName,
    /// `FINALFUNC`
    pub final_function: Option<Name>,
    /// `INITCOND`
    pub initial_condition: Option<Term>,
}

/// `CREATE TRIGGER`
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTrigger {
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// The trigger.
    pub name: Name,
    /// The table.
    pub table: QualifiedName,
    /// `USING 'class'`
    pub class: String,
}

/// `DROP TRIGGER`
#[derive(Debug, Clone, PartialEq)]
pub struct DropTrigger {
    /// `IF EXISTS`
    pub if_exists: bool,
    /// The trigger.
    pub name: Name,
    /// The table.
    pub table: QualifiedName,
}
