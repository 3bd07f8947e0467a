//! CREATE and DROP INDEX.

use helenus_cql::ast;
use helenus_model::limits::NAME_CHARS_MAX;
use helenus_model::schema::{Column, ColumnKind, Index, IndexTarget, Keyspace, SchemaChange, Table, TableParts};
use helenus_model::types::{CqlType, maybe_quote};

use super::names::{check_modifiable, is_local_system};
use super::outcome::{DdlContext, DdlOutcome, EventKind, EventTarget};
use super::properties::Properties;
use crate::error::QueryError;
use crate::repeated::first_repeated;
use crate::restrict::existing_column;

/// The implementation this is, as `USING` and `default_secondary_index` name it.
const LEGACY: &str = "legacy_local_table";
/// Cassandra's other kinds, which are not supported yet: how their names end, in lower case.
const LATER: [&str; 3] = ["sai", "storageattachedindex", "sasiindex"];

fn refuse<T>(message: impl Into<String>) -> Result<T, QueryError> {
    Err(QueryError::invalid(message))
}

pub(super) fn create(
    create: &ast::CreateIndex,
    keyspace_name: &str,
    context: &DdlContext<'_>,
) -> Result<DdlOutcome, QueryError> {
    let table_name = create.table.name.as_str();
    check_modifiable(keyspace_name, &|| format!("ALTER <table {keyspace_name}.{table_name}>"))?;
    check_attributes(create)?;
    let Some(keyspace) = context.schema.keyspace(keyspace_name) else {
        return refuse(format!("Keyspace '{keyspace_name}' doesn't exist"));
    };
    let Some(table) = keyspace.tables.get(table_name) else {
        return refuse(format!("Table '{table_name}' doesn't exist"));
    };
    if let Some(name) = &create.name
        && find(keyspace, name.as_str()).is_some()
    {
        if create.if_not_exists {
            return Ok(DdlOutcome::nothing());
        }
        return refuse(format!("Index '{name}' already exists"));
    }
    if table.view.is_some() {
        return refuse("Secondary indexes on materialized views aren't supported");
    }
    if table.is_counter() {
        return refuse("Secondary indexes on counter tables aren't supported");
    }
    let columns = create.targets.iter().map(|target| existing_column(table, &target.column));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    if let Some(class) = custom_class(create) {
        return refuse_custom(create, table, &columns, class);
    }
    let (target, column) = match (create.targets.as_slice(), columns.as_slice()) {
        ([target], [column]) => (target, *column),
        ([], _) => return refuse("Only CUSTOM indexes can be created without specifying a target column"),
        _ => return refuse("Only CUSTOM indexes support multiple columns"),
    };
    let target = target_of(target.kind, column);
    check_target(table, column, target)?;
    let name = match &create.name {
        Some(name) => name.text.clone(),
        None => available_name(keyspace, table_name, &column.name),
    };
    let duplicate = table.indexes.iter().find(|index| index.column == column.name && index.target == target);
    if let Some(duplicate) = duplicate {
        if create.if_not_exists {
            return Ok(DdlOutcome::nothing());
        }
        return refuse(format!("Index {name} is a duplicate of existing index {}", duplicate.name));
    }
    check_name(&name)?;
    let mut parts = table.to_parts();
    parts.indexes.push(Index { id: context.new_table_id, name, column: column.name.clone(), target });
    Ok(updated(parts))
}

fn updated(parts: TableParts) -> DdlOutcome {
    let (keyspace, name) = (parts.keyspace.clone(), parts.name.clone());
    let change = SchemaChange::PutTable(Box::new(parts));
    DdlOutcome::of(vec![change], EventKind::Updated, EventTarget::Table, &keyspace, &name)
}

/// CUSTOM, USING and WITH, before anything of the schema is looked at.
fn check_attributes(create: &ast::CreateIndex) -> Result<(), QueryError> {
    if let Some(class) = &create.using_class
        && LATER.iter().any(|later| class.to_ascii_lowercase().ends_with(later))
    {
        return Err(QueryError::unsupported(format_args!("indexes of class {class}")));
    }
    let properties = Properties(&create.properties);
    properties.check_known(&["options"])?;
    if custom_class(create).is_none() && !create.properties.is_empty() {
        return refuse("Cannot specify options for a non-CUSTOM index");
    }
    let options = properties.map("options")?.unwrap_or_default();
    match ["class_name", "target"].into_iter().find(|name| options.contains_key(*name)) {
        Some(name) => refuse(format!("Cannot specify {name} as a CUSTOM option")),
        None => Ok(()),
    }
}

/// Why there is no index of another class: what is wrong with its columns is told first.
fn refuse_custom<T>(
    create: &ast::CreateIndex,
    table: &Table,
    columns: &[&Column],
    class: &str,
) -> Result<T, QueryError> {
    if let Some(column) = first_repeated(columns.iter().map(|column| column.name.as_str())) {
        return refuse(format!("Duplicate column '{column}' in index target list"));
    }
    for (target, column) in create.targets.iter().zip(columns) {
        let name = &column.name;
        if check_name(name).is_err() {
            return refuse(format!("Column '{name}' contains non-alphanumeric-underscore characters"));
        }
        if name.chars().count() > NAME_CHARS_MAX {
            return refuse(format!(
                "Column '{name}' is longer than the permissible name length of {NAME_CHARS_MAX} characters"
            ));
        }
        check_target(table, column, target_of(target.kind, column))?;
    }
    if let Some(name) = &create.name {
        check_name(name.as_str())?;
    }
    Err(QueryError::Config(format!("Unable to find custom indexer class '{class}'")))
}

/// The class of an index of another kind than this one.
fn custom_class(create: &ast::CreateIndex) -> Option<&str> {
    let class = create.using_class.as_deref().unwrap_or(LEGACY);
    (create.custom || !class.eq_ignore_ascii_case(LEGACY)).then_some(class)
}

fn target_of(kind: ast::IndexTargetKind, column: &Column) -> IndexTarget {
    match kind {
        ast::IndexTargetKind::Simple if column.ty.is_collection() => IndexTarget::Values,
        ast::IndexTargetKind::Simple => IndexTarget::Simple,
        ast::IndexTargetKind::Values => IndexTarget::Values,
        ast::IndexTargetKind::Keys => IndexTarget::Keys,
        ast::IndexTargetKind::Entries => IndexTarget::Entries,
        ast::IndexTargetKind::Full => IndexTarget::Full,
    }
}

fn check_target(table: &Table, column: &Column, target: IndexTarget) -> Result<(), QueryError> {
    let (name, kind) = (&column.name, target.name());
    if column.ty.contains_duration() {
        let what = match &column.ty {
            CqlType::List { .. } | CqlType::Set { .. } | CqlType::Map { .. } => "collections containing durations",
            CqlType::Tuple(_) => "tuples containing durations",
            CqlType::Udt { .. } => "UDTs containing durations",
            _ => "duration columns",
        };
        return refuse(format!("Secondary indexes are not supported on {what}"));
    }
    if table.params.storage.is_compact() {
        if column.kind.is_primary_key() {
            return refuse("Secondary indexes are not supported on PRIMARY KEY columns in COMPACT STORAGE tables");
        }
        if table.compact_value().is_some_and(|value| value.name == *name) {
            return refuse("Secondary indexes are not supported on compact value column of COMPACT STORAGE tables");
        }
    }
    if column.kind == ColumnKind::PartitionKey && table.partition_key.len() == 1 {
        return refuse(format!("Cannot create secondary index on the only partition key column {name}"));
    }
    let is_frozen_collection = column.ty.is_collection() && !column.ty.is_multi_cell();
    if is_frozen_collection && target != IndexTarget::Full {
        return refuse(format!(
            "Cannot create {kind}() index on frozen column {name}. Frozen collections are immutable and must be fully indexed by using the 'full({})' modifier",
            maybe_quote(name)
        ));
    }
    if !is_frozen_collection && target == IndexTarget::Full {
        return refuse("full() indexes can only be created on frozen collections");
    }
    if !column.ty.is_collection() && target != IndexTarget::Simple {
        return refuse(format!(
            "Cannot create {kind}() index on {name}. Non-collection columns only support simple indexes"
        ));
    }
    let is_map = matches!(column.ty, CqlType::Map { .. }) && column.ty.is_multi_cell();
    if !is_map && matches!(target, IndexTarget::Keys | IndexTarget::Entries) {
        return refuse(format!("Cannot create index on {kind} of column {name} with non-map type"));
    }
    if column.ty.is_udt() && column.ty.is_multi_cell() {
        return refuse(format!("Cannot create index on non-frozen UDT column {name}"));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), QueryError> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(QueryError::Config(format!("Illegal index name {name}")));
    }
    Ok(())
}

/// The table of a keyspace that has an index of this name.
pub(crate) fn find<'k>(keyspace: &'k Keyspace, name: &str) -> Option<(&'k Table, &'k Index)> {
    keyspace.tables.values().find_map(|table| {
        let index = table.indexes.iter().find(|index| index.name == name)?;
        Some((&**table, index))
    })
}

/// `t_c_idx`, and `t_c_idx_1` and so on where that is taken.
fn available_name(keyspace: &Keyspace, table: &str, column: &str) -> String {
    let base: String = format!("{table}_{column}_idx")
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
        .collect();
    let mut name = base.clone();
    let mut number = 0;
    while find(keyspace, &name).is_some() {
        number += 1;
        name = format!("{base}_{number}");
    }
    name
}

pub(super) fn drop(
    drop: &ast::DropObject,
    keyspace_name: &str,
    context: &DdlContext<'_>,
) -> Result<DdlOutcome, QueryError> {
    let name = drop.name.name.as_str();
    if is_local_system(keyspace_name) {
        return refuse(format!("System keyspace '{keyspace_name}' is not user-modifiable"));
    }
    let found = context.schema.keyspace(keyspace_name).and_then(|keyspace| find(keyspace, name));
    let Some((table, index)) = found else {
        if drop.if_exists {
            return Ok(DdlOutcome::nothing());
        }
        return refuse(format!("Index '{keyspace_name}.{name}' doesn't exist'"));
    };
    let mut parts = table.to_parts();
    parts.indexes.retain(|other| other.id != index.id);
    Ok(updated(parts))
}

/// Refuses to touch a column that indexes depend on: `verb` is what was to be done.
pub(super) fn check_independent(table: &Table, column: &str, verb: &str) -> Result<(), QueryError> {
    let names: Vec<&str> =
        table.indexes.iter().filter(|index| index.column == column).map(|index| index.name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    refuse(format!("{verb} column {column} because it has dependent secondary indexes ({})", names.join(", ")))
}
