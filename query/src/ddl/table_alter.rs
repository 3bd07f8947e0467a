//! ALTER TABLE.

use std::collections::BTreeMap;

use helenus_cql::ast::{self, AlterTableAction, ColumnDefinition, DropColumns, Name, Renaming};
use helenus_model::limits::COLUMN_IDS_MAX;
use helenus_model::row::ColumnId;
use helenus_model::schema::{Column, ColumnKind, DroppedColumn, Keyspace, SchemaChange, SortOrder, Table, TableParts};
use helenus_model::types::{CqlType, maybe_quote};

use super::compact;
use super::compatible::{is_serialization_compatible, without_names};
use super::hashed::as_hashed;
use super::index::check_independent;
use super::names::check_modifiable;
use super::options::{TABLE_OPTIONS, build_params, check_params, new_params};
use super::outcome::{DdlContext, DdlOutcome, EventKind, EventTarget};
use super::properties::Properties;
use super::table::{check_mask, check_nested, column_type, table_id};
use super::view;
use crate::error::QueryError;
use crate::restrict::existing_column;

fn refuse<T>(message: String) -> Result<T, QueryError> {
    Err(QueryError::invalid(message))
}

pub(super) fn alter(
    alter: &ast::AlterTable,
    keyspace_name: &str,
    context: &DdlContext<'_>,
) -> Result<DdlOutcome, QueryError> {
    let name = alter.name.name.as_str();
    check_modifiable(keyspace_name, &|| format!("ALTER <table {keyspace_name}.{name}>"))?;
    let found =
        context.schema.keyspace(keyspace_name).and_then(|keyspace| Some((keyspace, keyspace.tables.get(name)?)));
    let Some((keyspace, table)) = found else {
        if alter.if_exists {
            return Ok(DdlOutcome::nothing());
        }
        return refuse(format!("Table '{keyspace_name}.{name}' doesn't exist"));
    };
    view::check_alter_table(table)?;
    let mut parts = table.to_parts();
    let mut renamed = BTreeMap::new();
    match &alter.action {
        AlterTableAction::Add { if_not_exists, columns } => {
            for column in columns {
                add_column(&mut parts, column, *if_not_exists, table, keyspace)?;
            }
            check_counters(&parts, table)?;
        }
        AlterTableAction::Drop(drop) => drop_columns(&mut parts, drop, table, context)?,
        AlterTableAction::Rename { renamings, .. } => {
            renamed = renamings_of(renamings);
            rename_columns(&mut parts, &renamed, table)?;
        }
        AlterTableAction::With(properties) => {
            set_options(&mut parts, Properties(properties), table)?;
            view::check_base_params(table, &parts.params, context.schema)?;
        }
        AlterTableAction::AlterType { .. } => return refuse("Altering column types is no longer supported".to_owned()),
        // No column has a mask: there is none to drop.
        AlterTableAction::Mask { if_exists, column, mask } => {
            check_mask(mask.as_ref())?;
            if table.column(column.as_str()).is_none() && !if_exists {
                return refuse(format!("Column with name '{column}' doesn't exist on table '{name}'"));
            }
        }
        AlterTableAction::DropCompactStorage => {
            compact::drop_storage(&mut parts, table, context)?;
        }
    }
    if Table::new(parts.clone()) == **table && parts.next_column_id == table.next_column_id {
        return Ok(DdlOutcome::nothing());
    }
    let views = view::follow(table, &parts, &renamed, context.schema)?;
    let changes = std::iter::once(SchemaChange::PutTable(Box::new(parts))).chain(views).collect();
    Ok(DdlOutcome::of(changes, EventKind::Updated, EventTarget::Table, keyspace_name, name))
}

fn add_column(
    parts: &mut TableParts,
    definition: &ColumnDefinition,
    if_not_exists: bool,
    table: &Table,
    keyspace: &Keyspace,
) -> Result<(), QueryError> {
    let name = definition.name.as_str();
    let ty = column_type(definition, keyspace)?;
    if parts.columns.iter().any(|column| column.name == name) {
        if if_not_exists {
            return Ok(());
        }
        return refuse(format!("Column with name '{name}' already exists"));
    }
    if table.params.storage.is_compact() {
        return refuse("Cannot add new column to a COMPACT STORAGE table".to_owned());
    }
    if definition.is_static && table.clustering.is_empty() {
        return refuse(
            "Static columns are only useful (and thus allowed) if the table has at least one clustering column"
                .to_owned(),
        );
    }
    check_nested(&ty, &format!(" for column {name}"))?;
    let kind = if definition.is_static { ColumnKind::Static } else { ColumnKind::Regular };
    let mut former_id = None;
    if let Some(dropped) = parts.dropped.iter().find(|dropped| dropped.name == name) {
        check_readded(name, &ty, kind, dropped, table)?;
        former_id = dropped.id;
    }
    let id = match former_id {
        Some(id) => id,
        None => new_id(parts, table)?,
    };
    parts.columns.push(Column { id, name: name.to_owned(), ty, kind, position: 0, order: SortOrder::Ascending });
    Ok(())
}

/// Refuses columns that are added to a table of counters, or beside its values, where they are none. Of several, the first in the order
/// of a table's columns is told.
fn check_counters(parts: &TableParts, table: &Table) -> Result<(), QueryError> {
    let is_wrong = |column: &&Column| {
        table.column(&column.name).is_none() && (column.ty == CqlType::Counter) != table.is_counter()
    };
    let wrong =
        parts.columns.iter().filter(is_wrong).min_by_key(|column| (column.kind != ColumnKind::Static, &column.name));
    let Some(Column { name, .. }) = wrong else { return Ok(()) };
    let (what, place) = if table.is_counter() { ("non counter", "counter") } else { ("counter", "non counter") };
    Err(QueryError::Config(format!(
        "{}.{}: Cannot have a {what} column (\"{name}\") in a {place} table",
        table.keyspace, table.name
    )))
}

fn new_id(parts: &mut TableParts, table: &Table) -> Result<ColumnId, QueryError> {
    if usize::from(parts.next_column_id) >= COLUMN_IDS_MAX {
        return refuse(format!(
            "Table {}.{} has had {COLUMN_IDS_MAX} columns: no more can be added",
            table.keyspace, table.name
        ));
    }
    let id = parts.next_column_id;
    parts.next_column_id += 1;
    Ok(id)
}

/// A column that was dropped may only come back as what it was: old cells are still in the files.
fn check_readded(
    name: &str,
    ty: &CqlType,
    kind: ColumnKind,
    dropped: &DroppedColumn,
    table: &Table,
) -> Result<(), QueryError> {
    if !is_serialization_compatible(ty, &dropped.ty) {
        return refuse(format!(
            "Cannot re-add previously dropped column '{name}' of type {ty}, incompatible with previous type {}",
            dropped.ty
        ));
    }
    if kind != dropped.kind {
        return refuse(format!(
            "Cannot re-add previously dropped column '{name}' of kind {}, incompatible with previous kind {}",
            kind.name().to_ascii_uppercase(),
            dropped.kind.name().to_ascii_uppercase()
        ));
    }
    if table.is_counter() {
        return refuse(format!("Cannot re-add previously dropped counter column {name}"));
    }
    Ok(())
}

fn drop_columns(
    parts: &mut TableParts,
    drop: &DropColumns,
    table: &Table,
    context: &DdlContext<'_>,
) -> Result<(), QueryError> {
    for name in as_hashed(&drop.columns, Name::as_str) {
        let Some(column) = table.column(name.as_str()) else {
            if drop.if_exists {
                continue;
            }
            return refuse(format!("Column {name} was not found in table '{}'", full_name(table)));
        };
        if column.kind.is_primary_key() {
            return refuse(format!("Cannot drop PRIMARY KEY column {name}"));
        }
        // All that is left would be a table whose rows hold nothing: what was in them could not be read any more.
        if table.params.storage.is_compact() && column.kind == ColumnKind::Regular {
            return refuse(format!("Cannot drop column {name}, which holds the values of a COMPACT STORAGE table"));
        }
        // Its cells name fields by number; with the type gone nobody could read them any more.
        if column.ty.is_udt() && column.ty.is_multi_cell() {
            return refuse(format!("Cannot drop non-frozen column {name} of user type {}", column.ty));
        }
        check_independent(table, &column.name, "Cannot drop")?;
        view::check_drop_column(table, &column.name, context.schema)?;
        parts.columns.retain(|other| other.name != column.name);
        parts.dropped.retain(|other| other.name != column.name);
        parts.dropped.push(DroppedColumn {
            name: column.name.clone(),
            ty: without_names(&column.ty),
            kind: column.kind,
            dropped_at: drop.timestamp.unwrap_or(context.now_micros),
            id: Some(column.id),
        });
    }
    Ok(())
}

/// The table as messages name it.
fn full_name(table: &Table) -> String {
    format!("{}.{}", maybe_quote(&table.keyspace), maybe_quote(&table.name))
}

/// Old names and new ones. Of two new names for one column the last counts.
fn renamings_of(renamings: &[Renaming]) -> BTreeMap<String, String> {
    renamings.iter().map(|one| (one.from.text.clone(), one.to.text.clone())).collect()
}

/// All names are those before the statement.
fn rename_columns(
    parts: &mut TableParts,
    renamings: &BTreeMap<String, String>,
    table: &Table,
) -> Result<(), QueryError> {
    let full = full_name(table);
    let renamings: Vec<_> = renamings.iter().collect();
    for (from, to) in as_hashed(&renamings, |(from, _)| from) {
        let column = existing_column(table, &Name::new(from.as_str()))?;
        if !column.kind.is_primary_key() {
            return refuse(format!("Cannot rename non PRIMARY KEY column {from}"));
        }
        if table.column(to).is_some() || parts.columns.iter().any(|column| column.name == **to) {
            return refuse(format!(
                "Cannot rename column {from} to {to} in table '{full}'; another column with that name already exists"
            ));
        }
        check_independent(table, from, "Can't rename")?;
        if let Some(column) = parts.columns.iter_mut().find(|column| column.name == **from) {
            column.name.clone_from(to);
        }
    }
    Ok(())
}

fn set_options(parts: &mut TableParts, properties: Properties<'_>, table: &Table) -> Result<(), QueryError> {
    properties.check_known(&TABLE_OPTIONS)?;
    // The numbers are looked at beside the defaults, not beside what the table has.
    check_params(&new_params(properties)?)?;
    if table_id(properties)?.is_some() {
        return Err(QueryError::Config("Cannot alter table id.".to_owned()));
    }
    let params = build_params(properties, parts.params.clone())?;
    if table.is_counter() && params.default_time_to_live > 0 {
        return refuse("Cannot set default_time_to_live on a table with counters".to_owned());
    }
    parts.params = params;
    Ok(())
}

/// What Cassandra refuses before it looks at the schema: kinds of options' values, names of classes, masks.
pub(super) fn check_attributes(alter: &ast::AlterTable) -> Result<(), QueryError> {
    match &alter.action {
        AlterTableAction::With(properties) => new_params(Properties(properties)).map(|_| ()),
        AlterTableAction::Mask { mask, .. } => check_mask(mask.as_ref()),
        _ => Ok(()),
    }
}
