//! CREATE, ALTER and DROP TYPE.

use std::collections::BTreeMap;
use std::sync::Arc;

use helenus_cql::ast::{self, AlterTypeAction, CqlTypeName, FieldDefinition, Renaming};
use helenus_model::schema::{Keyspace, SchemaChange};
use helenus_model::types::{CqlType, UdtDefinition};

use super::keyspace::missing;
use super::names::check_modifiable;
use super::outcome::{DdlContext, DdlOutcome, EventKind, EventTarget};
use super::size::check_grown;
use crate::error::QueryError;
use crate::repeated::first_repeated;
use crate::term::{check_size, qualified_type_text, resolve_type};

pub(super) fn create(
    create: &ast::CreateType,
    keyspace_name: &str,
    context: &DdlContext<'_>,
) -> Result<DdlOutcome, QueryError> {
    let name = create.name.name.as_str();
    check_modifiable(keyspace_name, &|| format!("CREATE <all tables in {keyspace_name}>"))?;
    let Some(keyspace) = context.schema.keyspace(keyspace_name) else { return Err(missing(keyspace_name)) };
    if keyspace.types.contains_key(name) {
        if create.if_not_exists {
            return Ok(DdlOutcome::nothing());
        }
        return Err(QueryError::invalid(format!("A user type with name '{name}' already exists")));
    }
    if let Some(field) = first_repeated(create.fields.iter().map(|field| field.name.as_str())) {
        return Err(QueryError::invalid(format!("Duplicate field name '{field}' in type '{name}'")));
    }
    let mut fields = Vec::with_capacity(create.fields.len());
    // As Cassandra, which resolves the types behind these checks.
    create.fields.iter().try_for_each(|field| check_field(&field.type_name))?;
    for field in &create.fields {
        fields.push((field.name.text.clone(), resolve_type(&field.type_name, keyspace_name, Some(keyspace))?));
    }
    // Nothing that is there names a type that is not, so nothing else grows.
    let definition = UdtDefinition { keyspace: keyspace_name.to_owned(), name: name.to_owned(), fields };
    check_size(&CqlType::Udt { definition: Arc::new(definition.clone()), frozen: true })?;
    Ok(put(definition, EventKind::Created))
}

fn check_field(ty: &CqlTypeName) -> Result<(), QueryError> {
    match ty {
        CqlTypeName::Native(ast::NativeType::Counter) => {
            Err(QueryError::invalid("A user type cannot contain counters"))
        }
        CqlTypeName::UserType(_) => Err(QueryError::invalid("A user type cannot contain non-frozen UDTs")),
        _ => Ok(()),
    }
}

fn put(definition: UdtDefinition, kind: EventKind) -> DdlOutcome {
    let (keyspace, name) = (definition.keyspace.clone(), definition.name.clone());
    DdlOutcome::of(vec![SchemaChange::PutType(definition)], kind, EventTarget::Type, &keyspace, &name)
}

pub(super) fn alter(
    alter: &ast::AlterType,
    keyspace_name: &str,
    context: &DdlContext<'_>,
) -> Result<DdlOutcome, QueryError> {
    let name = alter.name.name.as_str();
    check_modifiable(keyspace_name, &|| format!("ALTER <all tables in {keyspace_name}>"))?;
    let found = context.schema.keyspace(keyspace_name).and_then(|keyspace| Some((keyspace, keyspace.types.get(name)?)));
    let Some((keyspace, definition)) = found else {
        if alter.if_exists {
            return Ok(DdlOutcome::nothing());
        }
        return Err(QueryError::invalid(format!("Type {keyspace_name}.{name} doesn't exist")));
    };
    match &alter.action {
        AlterTypeAction::Add { if_not_exists, field } => {
            let outcome = add_field(definition, field, *if_not_exists, keyspace)?;
            check_grown(&outcome, keyspace_name, context)?;
            Ok(outcome)
        }
        AlterTypeAction::Rename { if_exists, renamings } => rename(definition, renamings, *if_exists, keyspace),
        AlterTypeAction::AlterType(_) => Err(QueryError::invalid("Altering field types is no longer supported")),
    }
}

fn add_field(
    definition: &UdtDefinition,
    field: &FieldDefinition,
    if_not_exists: bool,
    keyspace: &Keyspace,
) -> Result<DdlOutcome, QueryError> {
    let full = format!("{}.{}", definition.keyspace, definition.name);
    let name = &field.name;
    check_field(&field.type_name)?;
    if definition.fields.iter().any(|(other, _)| *other == name.text) {
        if if_not_exists {
            return Ok(DdlOutcome::nothing());
        }
        return Err(QueryError::invalid(format!(
            "Cannot add field {name} to type {full}: a field with name {name} already exists"
        )));
    }
    let ty = resolve_type(&field.type_name, &keyspace.name, Some(keyspace))?;
    let type_name = qualified_type_text(&field.type_name, &keyspace.name);
    if ty.references_udt(&definition.keyspace, &definition.name) {
        return Err(QueryError::invalid(format!(
            "Cannot add new field {name} of type {type_name} to user type {full} as it would create a circular reference"
        )));
    }
    let uses = |ty: &CqlType| ty.references_udt(&definition.keyspace, &definition.name);
    let tables: Vec<String> = keyspace
        .tables
        .values()
        .filter(|table| table.partition_key.iter().any(|column| uses(&column.ty)))
        .map(|table| format!("{}.{}", table.keyspace, table.name))
        .collect();
    if !tables.is_empty() {
        return Err(QueryError::invalid(format!(
            "Cannot add new field {name} of type {type_name} to user type {full} as the type is being used in partition key by the following tables: {}",
            tables.join(", ")
        )));
    }
    let mut fields = definition.fields.clone();
    fields.push((name.text.clone(), ty));
    Ok(put(UdtDefinition { fields, ..definition.clone() }, EventKind::Updated))
}

fn rename(
    definition: &UdtDefinition,
    renamings: &[Renaming],
    if_exists: bool,
    keyspace: &Keyspace,
) -> Result<DdlOutcome, QueryError> {
    let full = format!("{}.{}", definition.keyspace, definition.name);
    let uses = |ty: &CqlType| ty.references_udt(&definition.keyspace, &definition.name);
    // Their initial conditions are kept as literals, which name fields.
    let aggregates: Vec<String> = keyspace
        .aggregates
        .iter()
        .filter(|aggregate| aggregate.initial_condition.is_some() && uses(&aggregate.state_type))
        .map(|aggregate| format!("{}.{}", keyspace.name, aggregate.name))
        .collect();
    if !aggregates.is_empty() {
        return Err(QueryError::invalid(format!(
            "Cannot alter user type {full} as it is still used in INITCOND by aggregates {}",
            aggregates.join(", ")
        )));
    }
    let mut fields = definition.fields.clone();
    // All names are those before the statement. Of two new names for one field the last counts.
    let renamings: BTreeMap<&str, &str> = renamings.iter().map(|one| (one.from.as_str(), one.to.as_str())).collect();
    for (from, to) in renamings {
        let place = definition.fields.iter().position(|(name, _)| name == from);
        match place.and_then(|place| fields.get_mut(place)) {
            Some((name, _)) => to.clone_into(name),
            None if if_exists => {}
            None => return Err(QueryError::invalid(format!("Unkown field {from} in user type {full}"))),
        }
    }
    if let Some(name) = first_repeated(fields.iter().map(|(name, _)| name.as_str())) {
        return Err(QueryError::invalid(format!("Duplicate field name {name} in type {}", definition.keyspace)));
    }
    if fields == definition.fields {
        return Ok(DdlOutcome::nothing());
    }
    Ok(put(UdtDefinition { fields, ..definition.clone() }, EventKind::Updated))
}

pub(super) fn drop(
    drop: &ast::DropObject,
    keyspace_name: &str,
    context: &DdlContext<'_>,
) -> Result<DdlOutcome, QueryError> {
    let name = drop.name.name.as_str();
    check_modifiable(keyspace_name, &|| format!("DROP <all tables in {keyspace_name}>"))?;
    let keyspace = context.schema.keyspace(keyspace_name).filter(|keyspace| keyspace.types.contains_key(name));
    let Some(keyspace) = keyspace else {
        if drop.if_exists {
            return Ok(DdlOutcome::nothing());
        }
        return Err(QueryError::invalid(format!("Type '{keyspace_name}.{name}' doesn't exist")));
    };
    let uses = |ty: &CqlType| ty.references_udt(keyspace_name, name);
    let still_used = |what: &str, names: Vec<&str>| {
        let names = names.join(", ");
        QueryError::invalid(format!(
            "Cannot drop user type '{keyspace_name}.{name}' as it is still used by {what} {names}"
        ))
    };
    let functions = keyspace.functions.iter().filter(|function| function.types().any(uses)).map(|one| &one.name);
    let aggregates = keyspace.aggregates.iter().filter(|aggregate| aggregate.types().any(uses)).map(|one| &one.name);
    let functions: Vec<String> = functions.chain(aggregates).map(|other| format!("{keyspace_name}.{other}")).collect();
    if !functions.is_empty() {
        return Err(still_used("functions", functions.iter().map(String::as_str).collect()));
    }
    let types: Vec<&str> = keyspace
        .types
        .values()
        .filter(|other| other.name != name && other.fields.iter().any(|(_, ty)| uses(ty)))
        .map(|other| other.name.as_str())
        .collect();
    if !types.is_empty() {
        return Err(still_used("user types", types));
    }
    let tables: Vec<&str> = keyspace
        .tables
        .values()
        .filter(|table| table.view.is_none())
        .filter(|table| table.columns().any(|column| uses(&column.ty)))
        .map(|table| table.name.as_str())
        .collect();
    if !tables.is_empty() {
        return Err(still_used("tables", tables));
    }
    let change = SchemaChange::DropType { keyspace: keyspace_name.to_owned(), name: name.to_owned() };
    Ok(DdlOutcome::of(vec![change], EventKind::Dropped, EventTarget::Type, keyspace_name, name))
}
