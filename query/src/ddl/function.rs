//! CREATE and DROP of FUNCTION and AGGREGATE.

use std::sync::Arc;

use helenus_cql::ast::{self, CqlTypeName};
use helenus_model::schema::{AggregateDefinition, FunctionDefinition, Keyspace, SchemaChange};
use helenus_model::types::CqlType;

use super::compatible::is_compatible;
use super::keyspace::missing;
use super::names::{is_local_system, is_replicated_system};
use super::outcome::{DdlContext, DdlOutcome, EventKind, EventTarget};
use crate::error::QueryError;
use crate::function::UserFunction;
use crate::prepare::{NoSystemTables, PrepareContext};
use crate::repeated::first_repeated;
use crate::spec::ColumnSpec;
use crate::term::{Preparer, Term, Value, qualified_type_text, resolve_type, type_text, written_type_text};
use crate::values::{ExecuteOptions, NoIds, NoValues};

fn invalid<T>(message: impl Into<String>) -> Result<T, QueryError> {
    Err(QueryError::invalid(message))
}

/// Functions may be made in no system keyspace.
fn check_keyspace(keyspace: &str) -> Result<(), QueryError> {
    if is_local_system(keyspace) {
        return invalid(format!("System keyspace '{keyspace}' is not user-modifiable"));
    }
    if is_replicated_system(keyspace) {
        return Err(QueryError::unsupported(format_args!("functions in keyspace {keyspace}")));
    }
    Ok(())
}

/// Refuses names that would not fit into the name of a resource.
fn check_name(name: &str, what: &str) -> Result<(), QueryError> {
    match name.contains(['/', '[', ']']) {
        true => invalid(format!("{what} name '{name}' is invalid")),
        false => Ok(()),
    }
}

/// Refuses `frozen<>` where signatures do without. `text`: how the statement's messages write a type.
fn check_frozen(name: &CqlTypeName, what: &str, text: &dyn Fn(&CqlTypeName) -> String) -> Result<(), QueryError> {
    let mut inner = name;
    while let CqlTypeName::Frozen(inside) = inner {
        inner = inside;
    }
    let can_be_frozen =
        matches!(inner, CqlTypeName::List(_) | CqlTypeName::Set(_) | CqlTypeName::Map(..) | CqlTypeName::UserType(_));
    if can_be_frozen && matches!(name, CqlTypeName::Frozen(_)) {
        let text = text(name);
        return invalid(format!("{what} '{text}' cannot be frozen; remove frozen<> modifier from '{text}'"));
    }
    Ok(())
}

fn type_list(types: &[String]) -> String {
    types.join(", ")
}

fn outcome(
    change: SchemaChange,
    (kind, target): (EventKind, EventTarget),
    keyspace: &str,
    name: &str,
    types: Vec<String>,
) -> DdlOutcome {
    let mut outcome = DdlOutcome::of(vec![change], kind, target, keyspace, name);
    if let Some(event) = &mut outcome.event {
        event.argument_types = types;
    }
    outcome
}

fn find_function<'k>(keyspace: &'k Keyspace, name: &str, types: &[CqlType]) -> Option<&'k Arc<FunctionDefinition>> {
    keyspace.functions.iter().find(|function| function.name == name && function.has_types(types))
}

fn find_aggregate<'k>(keyspace: &'k Keyspace, name: &str, types: &[CqlType]) -> Option<&'k Arc<AggregateDefinition>> {
    keyspace.aggregates.iter().find(|aggregate| aggregate.name == name && aggregate.has_types(types))
}

/// Why an aggregate cannot be built from a function that was not found.
fn no_function(keyspace: &Keyspace, name: &str, types: &[CqlType]) -> &'static str {
    match find_aggregate(keyspace, name, types) {
        Some(_) => "isn't a scalar function",
        None => "doesn't exist",
    }
}

pub(super) fn create_function(
    create: &ast::CreateFunction,
    keyspace_name: &str,
    context: &DdlContext<'_>,
) -> Result<DdlOutcome, QueryError> {
    check_keyspace(keyspace_name)?;
    if create.or_replace && create.if_not_exists {
        return invalid("Cannot use both 'OR REPLACE' and 'IF NOT EXISTS' directives");
    }
    if !context.user_functions_enabled {
        return invalid(
            "User-defined functions are disabled in cassandra.yaml - set user_defined_functions_enabled=true to enable",
        );
    }
    if create.language != "java" {
        return invalid(
            "Currently only Java UDFs are available in Cassandra. For more information - CASSANDRA-18252 and CASSANDRA-17281",
        );
    }
    let name = create.name.name.as_str();
    check_name(name, "Function")?;
    let names: Vec<&str> = create.arguments.iter().map(|argument| argument.name.as_str()).collect();
    if first_repeated(&names).is_some() {
        return invalid(format!(
            "Duplicate argument names for given function {name} with argument names [{}]",
            names.join(", ")
        ));
    }
    // Cassandra has resolved them where there is something of that name to compare them with.
    let keyspace = context.schema.keyspace(keyspace_name);
    let is_compared = keyspace.is_some_and(|keyspace| has_overload(keyspace, name, create.arguments.len()));
    let text = |ty: &CqlTypeName| match is_compared {
        true => qualified_type_text(ty, keyspace_name),
        false => type_text(ty),
    };
    for argument in &create.arguments {
        check_frozen(&argument.type_name, "Argument", &text)?;
    }
    check_frozen(&create.return_type, "Return type", &type_text)?;
    let Some(keyspace) = keyspace else { return Err(missing(keyspace_name)) };
    let mut arguments = Vec::with_capacity(create.arguments.len());
    for argument in &create.arguments {
        let ty = resolve_type(&argument.type_name, keyspace_name, Some(keyspace))?;
        arguments.push((argument.name.text.clone(), ty));
    }
    let definition = FunctionDefinition {
        keyspace: keyspace_name.to_owned(),
        name: name.to_owned(),
        arguments,
        return_type: resolve_type(&create.return_type, keyspace_name, Some(keyspace))?,
        called_on_null_input: create.called_on_null_input,
        language: create.language.clone(),
        body: create.body.clone(),
    };
    // The body is compiled before anything is looked at, as in Cassandra: a wrong one is told even when the function is there.
    UserFunction::compile(&definition, keyspace)?;
    let types: Vec<CqlType> = definition.arguments.iter().map(|(_, ty)| ty.clone()).collect();
    if find_aggregate(keyspace, name, &types).is_some() {
        return invalid(format!("Function '{name}' cannot replace an aggregate"));
    }
    let mut kind = EventKind::Created;
    if let Some(existing) = find_function(keyspace, name, &types) {
        if create.if_not_exists {
            return Ok(DdlOutcome::nothing());
        }
        if !create.or_replace {
            return invalid(format!("Function '{name}' already exists"));
        }
        if existing.called_on_null_input != definition.called_on_null_input {
            // Cassandra asks for the directive that the statement has, not for the one it lacks.
            let directive = if existing.called_on_null_input { "RETURNS NULL" } else { "CALLED" };
            return invalid(format!("Function '{name}' must have {directive} ON NULL INPUT directive"));
        }
        if !is_compatible(&definition.return_type.freeze(), &existing.return_type.freeze()) {
            return invalid(format!(
                "Cannot replace function '{name}', the new return type {} is not compatible with the return type {} of existing function",
                definition.return_type, existing.return_type
            ));
        }
        if **existing == definition {
            return Ok(DdlOutcome::nothing());
        }
        kind = EventKind::Updated;
    }
    let types = definition.type_texts();
    let change = SchemaChange::PutFunction(Box::new(definition));
    let written = create.arguments.iter().map(|argument| written_type_text(&argument.type_name, keyspace_name));
    let written_types = Some(written.collect());
    let outcome = outcome(change, (kind, EventTarget::Function), keyspace_name, name, types);
    Ok(DdlOutcome { written_types, ..outcome })
}

pub(super) fn create_aggregate(
    create: &ast::CreateAggregate,
    keyspace_name: &str,
    context: &DdlContext<'_>,
) -> Result<DdlOutcome, QueryError> {
    check_keyspace(keyspace_name)?;
    let Some(keyspace) = context.schema.keyspace(keyspace_name) else {
        return Err(QueryError::Config(format!("Keyspace {keyspace_name} doesn't exist")));
    };
    // Cassandra looks whether its functions may be executed before anything else, and that takes the types.
    let resolve = |ty: &CqlTypeName| resolve_type(ty, keyspace_name, Some(keyspace));
    let state_type = resolve(&create.state_type)?;
    let argument_types = create.argument_types.iter().map(resolve).collect::<Result<Vec<_>, _>>()?;
    if create.or_replace && create.if_not_exists {
        return invalid("Cannot use both 'OR REPLACE' and 'IF NOT EXISTS' directives");
    }
    let name = create.name.name.as_str();
    check_name(name, "Aggregate")?;
    // Its messages name the keyspace of a type.
    let text = |ty: &CqlTypeName| qualified_type_text(ty, keyspace_name);
    create.argument_types.iter().try_for_each(|ty| check_frozen(ty, "Argument", &text))?;
    check_frozen(&create.state_type, "State type", &text)?;
    let state_arguments: Vec<CqlType> = std::iter::once(&state_type).chain(&argument_types).cloned().collect();
    let state_function = create.state_function.as_str();
    let spelled = std::iter::once(&create.state_type).chain(&create.argument_types).map(&text).collect::<Vec<_>>();
    let spelled = type_list(&spelled);
    let Some(function) = find_function(keyspace, state_function, &state_arguments) else {
        return invalid(format!(
            "State function {keyspace_name}.{state_function}({spelled}) {}",
            no_function(keyspace, state_function, &state_arguments)
        ));
    };
    if function.return_type.freeze() != state_type.freeze() {
        return invalid(format!(
            "State function {keyspace_name}.{state_function}({spelled}) return type must be the same as the first argument type - check STYPE, argument and return types"
        ));
    }
    let mut return_type = state_type.clone();
    if let Some(last) = &create.final_function {
        let Some(found) = find_function(keyspace, last.as_str(), std::slice::from_ref(&state_type)) else {
            let why = no_function(keyspace, last.as_str(), std::slice::from_ref(&state_type));
            return invalid(format!("Final function {keyspace_name}.{last}({}) {why}", text(&create.state_type)));
        };
        return_type = found.return_type.clone();
    }
    let initial_condition = match &create.initial_condition {
        Some(term) => initial_value(term, &state_type, keyspace_name, context)?,
        None => None,
    };
    if initial_condition.is_none() && !function.called_on_null_input {
        return invalid(format!(
            "Cannot create aggregate '{name}' without INITCOND because state function {keyspace_name}.{state_function} does not accept 'null' arguments"
        ));
    }
    if find_function(keyspace, name, &argument_types).is_some() {
        return invalid(format!("Aggregate '{name}' cannot replace a function"));
    }
    let definition = AggregateDefinition {
        keyspace: keyspace_name.to_owned(),
        name: name.to_owned(),
        argument_types,
        state_function: state_function.to_owned(),
        state_type,
        final_function: create.final_function.as_ref().map(|name| name.text.clone()),
        initial_condition,
        return_type,
    };
    put_aggregate(create, definition, keyspace)
}

fn put_aggregate(
    create: &ast::CreateAggregate,
    definition: AggregateDefinition,
    keyspace: &Keyspace,
) -> Result<DdlOutcome, QueryError> {
    let name = definition.name.clone();
    let mut kind = EventKind::Created;
    if let Some(existing) = find_aggregate(keyspace, &name, &definition.argument_types) {
        if create.if_not_exists {
            return Ok(DdlOutcome::nothing());
        }
        if !create.or_replace {
            return invalid(format!("Aggregate '{name}' already exists"));
        }
        if !is_compatible(&definition.return_type.freeze(), &existing.return_type.freeze()) {
            return invalid(format!(
                "Cannot replace aggregate '{name}', the new return type {} isn't compatible with the return type {} of existing function",
                definition.return_type, existing.return_type
            ));
        }
        if **existing == definition {
            return Ok(DdlOutcome::nothing());
        }
        kind = EventKind::Updated;
    }
    let types = definition.type_texts();
    let change = SchemaChange::PutAggregate(Box::new(definition));
    let written = create.argument_types.iter().map(|ty| written_type_text(ty, &keyspace.name));
    let written_types = Some(written.collect());
    let outcome = outcome(change, (kind, EventTarget::Aggregate), &keyspace.name, &name, types);
    Ok(DdlOutcome { written_types, ..outcome })
}

/// Whether a term has one value, now and always.
fn is_fixed(term: &Term) -> bool {
    match term {
        Term::Function { function, arguments } => function.is_pure() && arguments.iter().all(is_fixed),
        other => other.is_terminal(),
    }
}

/// The value of INITCOND.
fn initial_value(
    term: &ast::Term,
    ty: &CqlType,
    keyspace: &str,
    context: &DdlContext<'_>,
) -> Result<Option<Vec<u8>>, QueryError> {
    let prepare = PrepareContext { schema: context.schema, keyspace: Some(keyspace), local: &NoSystemTables };
    let mut preparer = Preparer::new(prepare, &[]);
    let spec = ColumnSpec {
        keyspace: keyspace.into(),
        table: "--dummy--".into(),
        name: "(dummy)".to_owned(),
        ty: ty.freeze(),
    };
    let term = preparer.term(term, &spec)?;
    if !is_fixed(&term) {
        return Err(QueryError::unsupported("an INITCOND that is another one each time"));
    }
    let options = ExecuteOptions { timestamp: 0, now: 0, now_millis: 0, ids: &NoIds };
    match term.evaluate(&NoValues, &options)? {
        Value::Bytes(bytes) if bytes.is_empty() && ty.is_empty_value_meaningless() => {
            invalid("INITCOND must not be empty for all types except TEXT, ASCII, BLOB")
        }
        Value::Bytes(bytes) => Ok(Some(bytes.into_owned())),
        Value::Null | Value::Unset => Ok(None),
    }
}

/// The types a DROP names, resolved; user-defined types that are not there are told.
fn dropped_types(drop: &ast::DropFunction, keyspace: &Keyspace) -> Result<Option<Vec<CqlType>>, QueryError> {
    let Some(types) = &drop.argument_types else { return Ok(None) };
    // Cassandra has resolved them where there is something of that name to compare them with.
    let text = |ty: &CqlTypeName| match overloads(keyspace, drop.name.name.as_str()) {
        0 => type_text(ty),
        _ => qualified_type_text(ty, &keyspace.name),
    };
    types.iter().try_for_each(|ty| check_frozen(ty, "Argument", &text))?;
    let resolved = types.iter().map(|ty| resolve_type(ty, &keyspace.name, Some(keyspace)));
    Ok(Some(resolved.collect::<Result<_, _>>()?))
}

/// What a DROP names, with the types as it spells them.
fn dropped_name(drop: &ast::DropFunction, keyspace: &str) -> String {
    let types = drop.argument_types.as_ref();
    let types = types.map(|types| format!("({})", type_list(&types.iter().map(type_text).collect::<Vec<_>>())));
    format!("{keyspace}.{}{}", drop.name.name, types.unwrap_or_default())
}

/// Cassandra's words for a name that several overloads share.
fn ambiguous<T>(kind: &str, name: &str) -> Result<T, QueryError> {
    invalid(format!(
        "'DROP {kind} {name}' matches multiple function definitions; specify the argument types by issuing a statement like 'DROP {kind} {name} (type, type, ...)'. You can use cqlsh 'DESCRIBE {kind} {name}' command to find all overloads"
    ))
}

fn not_there(drop: &ast::DropFunction, kind: &str, keyspace: &str) -> Result<DdlOutcome, QueryError> {
    if drop.if_exists {
        return Ok(DdlOutcome::nothing());
    }
    invalid(format!("{kind} '{}' doesn't exist", dropped_name(drop, keyspace)))
}

/// How many functions and aggregates a name has.
fn overloads(keyspace: &Keyspace, name: &str) -> usize {
    keyspace.functions.iter().filter(|function| function.name == name).count()
        + keyspace.aggregates.iter().filter(|aggregate| aggregate.name == name).count()
}

/// Whether something of that name takes as many arguments.
fn has_overload(keyspace: &Keyspace, name: &str, arguments: usize) -> bool {
    keyspace.functions.iter().any(|function| function.name == name && function.arguments.len() == arguments)
        || keyspace
            .aggregates
            .iter()
            .any(|aggregate| aggregate.name == name && aggregate.argument_types.len() == arguments)
}

/// The keyspace of a DROP, once it may be changed.
fn dropped_keyspace<'c>(name: &str, context: &DdlContext<'c>) -> Result<Option<&'c Arc<Keyspace>>, QueryError> {
    if is_local_system(name) {
        return invalid(format!("System keyspace '{name}' is not user-modifiable"));
    }
    Ok(context.schema.keyspace(name))
}

pub(super) fn drop_function(
    drop: &ast::DropFunction,
    keyspace_name: &str,
    context: &DdlContext<'_>,
) -> Result<DdlOutcome, QueryError> {
    let name = drop.name.name.as_str();
    let Some(keyspace) = dropped_keyspace(keyspace_name, context)? else {
        return not_there(drop, "Function", keyspace_name);
    };
    if drop.argument_types.is_none() && overloads(keyspace, name) > 1 {
        return ambiguous("FUNCTION", name);
    }
    let types = dropped_types(drop, keyspace)?;
    let found = keyspace
        .functions
        .iter()
        .find(|function| function.name == name && types.as_ref().is_none_or(|types| function.has_types(types)));
    let Some(found) = found else { return not_there(drop, "Function", keyspace_name) };
    let own: Vec<CqlType> = found.arguments.iter().map(|(_, ty)| ty.clone()).collect();
    let users: Vec<String> = keyspace
        .aggregates
        .iter()
        .filter(|aggregate| {
            (aggregate.state_function == name && found.has_types(&aggregate.state_arguments()))
                || (aggregate.final_function.as_deref() == Some(name)
                    && found.has_types(std::slice::from_ref(&aggregate.state_type)))
        })
        .map(|aggregate| format!("{keyspace_name}.{}", aggregate.name))
        .collect();
    if !users.is_empty() {
        return invalid(format!(
            "Function '{}' is still referenced by aggregates {}",
            dropped_name(drop, keyspace_name),
            users.join(", ")
        ));
    }
    let change =
        SchemaChange::DropFunction { keyspace: keyspace_name.to_owned(), name: name.to_owned(), argument_types: own };
    Ok(outcome(change, (EventKind::Dropped, EventTarget::Function), keyspace_name, name, found.type_texts()))
}

pub(super) fn drop_aggregate(
    drop: &ast::DropFunction,
    keyspace_name: &str,
    context: &DdlContext<'_>,
) -> Result<DdlOutcome, QueryError> {
    let name = drop.name.name.as_str();
    let Some(keyspace) = dropped_keyspace(keyspace_name, context)? else {
        return not_there(drop, "Aggregate", keyspace_name);
    };
    if drop.argument_types.is_none() && overloads(keyspace, name) > 1 {
        return ambiguous("AGGREGATE", name);
    }
    let types = dropped_types(drop, keyspace)?;
    let found = keyspace
        .aggregates
        .iter()
        .find(|aggregate| aggregate.name == name && types.as_ref().is_none_or(|types| aggregate.has_types(types)));
    let Some(found) = found else { return not_there(drop, "Aggregate", keyspace_name) };
    let change = SchemaChange::DropAggregate {
        keyspace: keyspace_name.to_owned(),
        name: name.to_owned(),
        argument_types: found.argument_types.clone(),
    };
    Ok(outcome(change, (EventKind::Dropped, EventTarget::Aggregate), keyspace_name, name, found.type_texts()))
}
