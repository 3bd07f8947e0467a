//! CREATE and DROP TRIGGER. A trigger is a Java class in a folder of Cassandra's server. Here is no such folder, so there is never a
//! class to be found, nor a trigger: the answers are those of a Cassandra whose folder is empty.

use helenus_cql::ast;

use super::names::is_local_system;
use super::outcome::{DdlContext, DdlOutcome};
use crate::error::QueryError;

fn refuse(message: String) -> Result<DdlOutcome, QueryError> {
    Err(QueryError::invalid(message))
}

fn check_keyspace(name: &str) -> Result<(), QueryError> {
    match is_local_system(name) {
        true => Err(QueryError::invalid(format!("System keyspace '{name}' is not user-modifiable"))),
        false => Ok(()),
    }
}

pub(super) fn create(
    create: &ast::CreateTrigger,
    keyspace_name: &str,
    context: &DdlContext<'_>,
) -> Result<DdlOutcome, QueryError> {
    check_keyspace(keyspace_name)?;
    let table_name = create.table.name.as_str();
    let Some(keyspace) = context.schema.keyspace(keyspace_name) else {
        return refuse(format!("Keyspace '{keyspace_name}' doesn't exist"));
    };
    match keyspace.tables.get(table_name) {
        None => refuse(format!("Table '{table_name}' doesn't exist")),
        Some(table) if table.view.is_some() => refuse("Cannot CREATE TRIGGER for a materialized view".to_owned()),
        Some(_) => refuse(format!("Trigger class '{}' couldn't be loaded", create.class)),
    }
}

pub(super) fn drop(drop: &ast::DropTrigger, keyspace_name: &str) -> Result<DdlOutcome, QueryError> {
    check_keyspace(keyspace_name)?;
    if drop.if_exists {
        return Ok(DdlOutcome::nothing());
    }
    refuse(format!("Trigger '{}' on '{keyspace_name}.{}' doesn't exist", drop.name, drop.table.name))
}
