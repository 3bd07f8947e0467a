//! CREATE and DROP TRIGGER. A trigger is a Java class that Cassandra finds in a folder of its own; here as there a class that is not
//! found makes no trigger, and none is ever found. So there are no triggers to drop either.

use helenus_cql::ast;

use super::keyspace::missing;
use super::names::{is_local_system, is_replicated_system};
use super::outcome::{DdlContext, DdlOutcome};
use crate::error::QueryError;
use crate::prepare::SystemTables;
use crate::system_tables::NodeTables;

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
    let name = create.table.name.as_str();
    let table = match context.schema.keyspace(keyspace_name) {
        Some(keyspace) => keyspace.tables.get(name).cloned(),
        None if is_replicated_system(keyspace_name) => NodeTables.table(keyspace_name, name),
        None => return Err(missing(keyspace_name)),
    };
    let Some(table) = table else {
        return refuse(format!("Table '{name}' doesn't exist"));
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
