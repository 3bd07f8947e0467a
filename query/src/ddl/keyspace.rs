//! CREATE, ALTER and DROP KEYSPACE.

use helenus_cql::ast;
use helenus_model::schema::SchemaChange;

use super::names::{check_keyspace, check_modifiable, is_local_system, is_replicated_system};
use super::outcome::{DdlContext, DdlOutcome, EventKind, EventTarget};
use super::properties::Properties;
use super::replication::{missing_class, replication, warnings};
use crate::error::QueryError;

const KNOWN: [&str; 2] = ["replication", "durable_writes"];

/// Unknown properties and a replication without class are told before anything else.
fn check(properties: Properties<'_>) -> Result<(), QueryError> {
    properties.check_known(&KNOWN)?;
    match properties.map("replication")? {
        Some(map) if !map.contains_key("class") && !map.is_empty() => Err(missing_class()),
        _ => Ok(()),
    }
}

pub(super) fn create(create: &ast::CreateKeyspace, context: &DdlContext<'_>) -> Result<DdlOutcome, QueryError> {
    let name = create.name.as_str();
    let properties = Properties(&create.properties);
    if is_local_system(name) {
        return Err(QueryError::invalid(format!("System keyspace '{name}' is not user-modifiable")));
    }
    check_keyspace(name)?;
    check(properties)?;
    let Some(options) = properties.map("replication")? else {
        return Err(QueryError::invalid("Missing mandatory option 'replication'"));
    };
    if context.schema.keyspace(name).is_some() || is_replicated_system(name) {
        if create.if_not_exists {
            return Ok(DdlOutcome::nothing());
        }
        return Err(QueryError::AlreadyExists {
            keyspace: name.to_owned(),
            table: String::new(),
            message: format!("Cannot add existing keyspace \"{name}\""),
        });
    }
    let durable_writes = properties.boolean("durable_writes")?.unwrap_or(true);
    let replication = replication(name, options, None, context)?;
    let warnings = warnings(name, &replication, context);
    let change = SchemaChange::PutKeyspace { name: name.to_owned(), replication, durable_writes };
    let outcome = DdlOutcome::of(vec![change], EventKind::Created, EventTarget::Keyspace, name, "");
    Ok(DdlOutcome { warnings, ..outcome })
}

pub(super) fn alter(alter: &ast::AlterKeyspace, context: &DdlContext<'_>) -> Result<DdlOutcome, QueryError> {
    let name = alter.name.as_str();
    let properties = Properties(&alter.properties);
    if is_local_system(name) {
        return Err(QueryError::Unauthorized(format!("{name} keyspace is not user-modifiable.")));
    }
    check(properties)?;
    if is_replicated_system(name) {
        let warning =
            format!("Keyspace {name} is kept by every node: its replication cannot be changed and need not be");
        return Ok(DdlOutcome { warnings: vec![warning], ..DdlOutcome::nothing() });
    }
    let Some(keyspace) = context.schema.keyspace(name) else {
        if alter.if_exists {
            return Ok(DdlOutcome::nothing());
        }
        return Err(missing(name));
    };
    let durable_writes = properties.boolean("durable_writes")?.unwrap_or(keyspace.durable_writes);
    let replication = match properties.map("replication")? {
        Some(options) if !options.is_empty() => replication(name, options, Some(&keyspace.replication), context)?,
        _ => keyspace.replication.clone(),
    };
    let mut warnings = warnings(name, &replication, context);
    if durable_writes == keyspace.durable_writes && replication == keyspace.replication {
        return Ok(DdlOutcome { warnings, ..DdlOutcome::nothing() });
    }
    if replication.total_factor() > keyspace.replication.total_factor() {
        let text = "When increasing replication factor you need to run a full (-full) repair to distribute the data.";
        warnings.push(text.to_owned());
    }
    let change = SchemaChange::PutKeyspace { name: name.to_owned(), replication, durable_writes };
    let outcome = DdlOutcome::of(vec![change], EventKind::Updated, EventTarget::Keyspace, name, "");
    Ok(DdlOutcome { warnings, ..outcome })
}

pub(super) fn drop(drop: &ast::DropObject, context: &DdlContext<'_>) -> Result<DdlOutcome, QueryError> {
    let name = drop.name.name.as_str();
    check_modifiable(name, &|| format!("DROP <keyspace {name}>"))?;
    if context.schema.keyspace(name).is_none() {
        if drop.if_exists {
            return Ok(DdlOutcome::nothing());
        }
        return Err(missing(name));
    }
    let change = SchemaChange::DropKeyspace { name: name.to_owned() };
    Ok(DdlOutcome::of(vec![change], EventKind::Dropped, EventTarget::Keyspace, name, ""))
}

pub(super) fn missing(name: &str) -> QueryError {
    QueryError::invalid(format!("Keyspace '{name}' doesn't exist"))
}
