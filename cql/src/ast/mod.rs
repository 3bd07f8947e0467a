//! The syntax tree: what a statement says, owned, without positions and without any knowledge of a schema.
//!
//! Names are already folded to lower case unless they were quoted. Two statements that mean the same to Cassandra's parser are equal here,
//! whatever their spacing, comments, case and quoting.

mod describe;
mod modify;
mod name;
mod property;
mod relation;
mod role;
mod schema;
mod select;
mod term;
mod type_name;

pub use describe::{Describe, DescribeTarget};
pub use modify::{
    Assignment, Batch, BatchKind, Condition, ConditionTarget, ConditionTest, Conditions, Delete, Deletion, Insert,
    InsertJson, JsonValue, Modification, Update, Using,
};
pub use name::{FunctionName, Name, QualifiedName};
pub use property::{Property, PropertyValue};
pub use relation::{InValues, Operator, Relation};
pub use role::{
    AccessList, AddIdentity, AlterRole, AlterUser, CreateRole, CreateUser, DropIdentity, DropRole, GrantPermissions,
    GrantRole, ListPermissions, ListRoles, Permission, PermissionSet, Resource, RevokePermissions, RevokeRole,
    RoleOptions, UserPassword,
};
pub use schema::{
    AlterKeyspace, AlterTable, AlterTableAction, AlterType, AlterTypeAction, AlterView, ColumnDefinition, ColumnMask,
    CreateAggregate, CreateFunction, CreateIndex, CreateKeyspace, CreateTable, CreateTrigger, CreateType, CreateView,
    DropColumns, DropFunction, DropObject, DropTrigger, FieldDefinition, IndexTarget, IndexTargetKind, PrimaryKey,
    Renaming, TableOptions,
};
pub use select::{Direction, Ordering, Select, SelectClause, SelectedItem, Selector, WriteTimeKind};
pub use term::{ArithmeticOperator, Literal, LiteralKind, Marker, Term};
pub use type_name::{CqlTypeName, NativeType};

/// One CQL statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `USE keyspace`
    Use(Name),
    /// `SELECT …`
    Select(Box<Select>),
    /// `INSERT INTO t (…) VALUES (…)`
    Insert(Box<Insert>),
    /// `INSERT INTO t JSON …`
    InsertJson(Box<InsertJson>),
    /// `UPDATE …`
    Update(Box<Update>),
    /// `DELETE …`
    Delete(Box<Delete>),
    /// `BEGIN BATCH … APPLY BATCH`
    Batch(Box<Batch>),
    /// `TRUNCATE [TABLE] t`
    Truncate(QualifiedName),
    /// `CREATE KEYSPACE …`
    CreateKeyspace(Box<CreateKeyspace>),
    /// `ALTER KEYSPACE …`
    AlterKeyspace(Box<AlterKeyspace>),
    /// `DROP KEYSPACE [IF EXISTS] k`; the object's `name.name` is the keyspace, `name.keyspace` is `None`
    DropKeyspace(DropObject),
    /// `CREATE TABLE …`
    CreateTable(Box<CreateTable>),
    /// `ALTER TABLE …`
    AlterTable(Box<AlterTable>),
    /// `DROP TABLE …`
    DropTable(DropObject),
    /// `CREATE TYPE …`
    CreateType(Box<CreateType>),
    /// `ALTER TYPE …`
    AlterType(Box<AlterType>),
    /// `DROP TYPE …`
    DropType(DropObject),
    /// `CREATE [CUSTOM] INDEX …`
    CreateIndex(Box<CreateIndex>),
    /// `DROP INDEX …`
    DropIndex(DropObject),
    /// `CREATE MATERIALIZED VIEW …`
    CreateView(Box<CreateView>),
    /// `ALTER MATERIALIZED VIEW …`
    AlterView(Box<AlterView>),
    /// `DROP MATERIALIZED VIEW …`
    DropView(DropObject),
    /// `CREATE FUNCTION …`
    CreateFunction(Box<CreateFunction>),
    /// `DROP FUNCTION …`
    DropFunction(Box<DropFunction>),
    /// `CREATE AGGREGATE …`
    CreateAggregate(Box<CreateAggregate>),
    /// `DROP AGGREGATE …`
    DropAggregate(Box<DropFunction>),
    /// `CREATE TRIGGER …`
    CreateTrigger(Box<CreateTrigger>),
    /// `DROP TRIGGER …`
    DropTrigger(Box<DropTrigger>),
    /// `CREATE ROLE …`
    CreateRole(Box<CreateRole>),
    /// `ALTER ROLE …`
    AlterRole(Box<AlterRole>),
    /// `DROP ROLE …`
    DropRole(DropRole),
    /// `CREATE USER …`
    CreateUser(Box<CreateUser>),
    /// `ALTER USER …`
    AlterUser(Box<AlterUser>),
    /// `DROP USER …`
    DropUser(DropRole),
    /// `LIST USERS`
    ListUsers,
    /// `LIST ROLES …`
    ListRoles(ListRoles),
    /// `LIST … PERMISSIONS …`
    ListPermissions(Box<ListPermissions>),
    /// `GRANT role TO role`
    GrantRole(GrantRole),
    /// `REVOKE role FROM role`
    RevokeRole(RevokeRole),
    /// `GRANT permissions ON resource TO role`
    GrantPermissions(Box<GrantPermissions>),
    /// `REVOKE permissions ON resource FROM role`
    RevokePermissions(Box<RevokePermissions>),
    /// `ADD IDENTITY …`
    AddIdentity(AddIdentity),
    /// `DROP IDENTITY …`
    DropIdentity(DropIdentity),
    /// `DESCRIBE …`
    Describe(Box<Describe>),
}
