//! CREATE and DROP TRIGGER. A trigger is a Java class that Cassandra finds in a folder of its own; here as there a class that is not
//! found makes no trigger, and none is ever found. So there are no triggers to drop either.

use helenus_cql::ast;

use super::names::{is_local_system, is_replicated_system};
use super::outcome::{DdlContext, DdlOutcome};
use crate::error::QueryError;

fn refuse<T>(message: String) -> Result<T, QueryError> {
    Err(QueryError::invalid(message))
}

fn check_modifiable(keyspace: &str) -> Result<(), QueryError> {
    match is_local_system(keyspace) {
        true => refuse(format!("System keyspace '{keyspace}' is not user-modifiable")),
        false => Ok(()),
    }
}

pub(super) fn create(
    create: &ast::CreateTrigger,
    keyspace_name: &str,
    context: &DdlContext<'_>,
) -> Result<DdlOutcome, QueryError> {
    check_modifiable(keyspace_name)?;
    if is_replicated_system(keyspace_name) {
        return Err(QueryError::unsupported(format_args!("triggers in keyspace {keyspace_name}")));
    }
    let Some(keyspace) = context.schema.keyspace(keyspace_name) else {
        return refuse(format!("Keyspace '{keyspace_name}' doesn't exist"));
    };
    let Some(table) = keyspace.tables.get(create.table.name.as_str()) else {
        return refuse(format!("Table '{}' doesn't exist", create.table.name));
    };
    if table.view.is_some() {
        return refuse("Cannot CREATE TRIGGER for a materialized view".to_owned());
    }
    refuse(format!("Trigger class '{}' couldn't be loaded", create.class))
}

pub(super) fn drop(drop: &ast::DropTrigger, keyspace_name: &str) -> Result<DdlOutcome, QueryError> {
    check_modifiable(keyspace_name)?;
    if drop.if_exists {
        return Ok(DdlOutcome::nothing());
    }
    refuse(format!("Trigger '{}' on '{keyspace_name}.{}' doesn't exist", drop.name, drop.table.name))
}
