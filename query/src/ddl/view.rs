//! CREATE, ALTER and DROP MATERIALIZED VIEW, and what a base table's changes do to its views.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use helenus_cql::ast::{self, Direction, Name, Relation, SelectClause, Selector};
use helenus_model::schema::{
    Column, ColumnKind, Schema, SchemaChange, SortOrder, Table, TableParams, TableParts, ViewDefinition,
};
use helenus_model::types::CqlType;

use super::keyspace::missing;
use super::names::{check_modifiable, check_table, is_local_system};
use super::options::{TABLE_OPTIONS, build_params, check_params, new_params};
use super::outcome::{DdlContext, DdlOutcome, EventKind, EventTarget};
use super::properties::Properties;
use super::table::{as_written, check_counts, check_id, check_order_once, table_id};
use super::view_where::ViewWhere;
use crate::error::QueryError;
use crate::restrict::existing_column;

/// What clients are told with every new view.
const USAGE_WARNING: &str = "Materialized views are experimental and are not recommended for production use.";

fn refuse<T>(message: impl Into<String>) -> Result<T, QueryError> {
    Err(QueryError::invalid(message))
}

/// What Cassandra refuses before it looks at the schema: the keyspace of a view is that of its base table.
pub(super) fn check_keyspaces(create: &ast::CreateView, keyspace: &str) -> Result<(), QueryError> {
    match &create.base.keyspace {
        Some(other) if other.as_str() != keyspace => {
            refuse("Cannot create a materialized view on a table in a different keyspace")
        }
        _ => check_order_once(&create.options.clustering_order, "view", &as_written(&create.name)),
    }
}

pub(super) fn create(
    create: &ast::CreateView,
    keyspace_name: &str,
    context: &DdlContext<'_>,
) -> Result<DdlOutcome, QueryError> {
    let (name, base_name) = (create.name.name.as_str(), create.base.name.as_str());
    check_modifiable(keyspace_name, &|| format!("ALTER <table {keyspace_name}.{base_name}>"))?;
    if !context.materialized_views_enabled {
        return refuse("Materialized views are disabled. Enable in cassandra.yaml to use.");
    }
    let Some(keyspace) = context.schema.keyspace(keyspace_name) else { return Err(missing(keyspace_name)) };
    let base = keyspace.tables.get(base_name).filter(|base| base.view.is_none());
    let Some(base) = base else { return refuse(format!("Base table '{base_name}' doesn't exist")) };
    match keyspace.tables.get(name) {
        Some(other) if other.view.is_none() => {
            return refuse(format!(
                "Cannot create materialized view '{name}' - a table with the same name already exists"
            ));
        }
        Some(_) if create.if_not_exists => {
            return Ok(DdlOutcome { warnings: vec![USAGE_WARNING.to_owned()], ..DdlOutcome::nothing() });
        }
        Some(_) => {
            return Err(QueryError::AlreadyExists {
                keyspace: keyspace_name.to_owned(),
                table: name.to_owned(),
                message: format!("Cannot add already existing table \"{name}\" to keyspace \"{keyspace_name}\""),
            });
        }
        None => {}
    }
    check_base(base, name)?;
    let selected = selected_columns(create, base, name)?;
    let key = key_columns(create, base, &selected, name)?;
    check_order(create)?;
    let extra = check_key(&key, base, name)?;
    check_counts(selected.len(), key.len())?;
    let clause = ViewWhere::of(&create.relations, base, name, context.schema)?;
    clause.check(&key, base)?;
    let params = params(create)?;
    let id = table_id(Properties(&create.options.properties))?.unwrap_or(context.new_table_id);
    check_table(keyspace_name, name)?;
    check_id(id, context)?;
    let definition = ViewDefinition {
        base: base.id,
        base_name: base.name.clone(),
        include_all: matches!(create.clause, SelectClause::All),
        where_clause: clause.text,
        conditions: clause.conditions,
        extra: extra.map(|column| column.id),
    };
    let parts = TableParts {
        id,
        keyspace: keyspace_name.to_owned(),
        name: name.to_owned(),
        epoch: 0,
        columns: columns(create, &key, &selected),
        dropped: Vec::new(),
        next_column_id: base.next_column_id,
        params,
        indexes: Vec::new(),
        view: Some(Arc::new(definition)),
    };
    let change = SchemaChange::PutTable(Box::new(parts));
    let outcome = DdlOutcome::of(vec![change], EventKind::Created, EventTarget::Table, keyspace_name, name);
    Ok(DdlOutcome { warnings: vec![USAGE_WARNING.to_owned()], ..outcome })
}

fn check_base(base: &Table, name: &str) -> Result<(), QueryError> {
    if base.is_counter() {
        return refuse("Materialized views are not supported on counter tables");
    }
    if base.params.gc_grace_seconds == 0 {
        return refuse(format!(
            "Cannot create materialized view '{name}' for base table '{}' with gc_grace_seconds of 0, since this value is used to TTL undelivered updates. Setting gc_grace_seconds too low might cause undelivered updates to expire before being replayed.",
            base.name
        ));
    }
    Ok(())
}

fn selected_columns<'b>(create: &ast::CreateView, base: &'b Table, name: &str) -> Result<Vec<&'b Column>, QueryError> {
    let mut selected: Vec<&Column> = Vec::new();
    match &create.clause {
        SelectClause::All => selected.extend(base.columns()),
        SelectClause::Items(items) => {
            for item in items {
                let text = || helenus_cql::print::selector_text(&item.selector);
                if let Some(alias) = &item.alias {
                    return refuse(format!(
                        "Cannot use aliases when defining a materialized view (got {} AS {alias})",
                        text()
                    ));
                }
                let Selector::Column(column) = &item.selector else {
                    return refuse(format!(
                        "Can only select columns by name when defining a materialized view (got {})",
                        text()
                    ));
                };
                let column = existing_column(base, column)?;
                if !selected.iter().any(|other| other.name == column.name) {
                    selected.push(column);
                }
            }
        }
    }
    match selected.iter().find(|column| column.kind == ColumnKind::Static) {
        Some(column) => refuse(format!("Cannot include static column '{}' in materialized view '{name}'", column.name)),
        None => Ok(selected),
    }
}

/// The columns of the view's primary key, in order.
fn key_columns<'b>(
    create: &ast::CreateView,
    base: &'b Table,
    selected: &[&Column],
    name: &str,
) -> Result<Vec<&'b Column>, QueryError> {
    let mut key: Vec<&Column> = Vec::new();
    for column_name in create.primary_key.partition.iter().chain(&create.primary_key.clustering) {
        let column = base.column(column_name.as_str());
        let column = column.filter(|column| selected.iter().any(|other| other.name == column.name));
        let Some(column) = column else {
            return refuse(format!(
                "Unknown column '{column_name}' referenced in PRIMARY KEY for materialized view '{name}'"
            ));
        };
        if key.iter().any(|other| other.name == column.name) {
            return refuse(format!(
                "Duplicate column '{column_name}' in PRIMARY KEY clause for materialized view '{name}'"
            ));
        }
        key.push(column);
        let ty = &column.ty;
        if ty.is_multi_cell() {
            let kind = if ty.is_collection() { "collection" } else { "user-defined" };
            let ty = ty.java_class();
            return refuse(format!("Invalid non-frozen {kind} type '{ty}' for PRIMARY KEY column '{column_name}'"));
        }
        if *ty == CqlType::Counter {
            return refuse(format!("counter type is not supported for PRIMARY KEY column '{column_name}'"));
        }
        if ty.contains_duration() {
            return refuse(format!("duration type is not supported for PRIMARY KEY column '{column_name}'"));
        }
    }
    Ok(key)
}

fn check_order(create: &ast::CreateView) -> Result<(), QueryError> {
    let order = &create.options.clustering_order;
    if !order.is_empty() && !order.iter().map(|(name, _)| name).eq(&create.primary_key.clustering) {
        return refuse("Clustering key columns must exactly match columns in CLUSTERING ORDER BY directive");
    }
    Ok(())
}

/// The key must have that of the base table, and one column more at most: that one is the answer.
fn check_key<'b>(key: &[&'b Column], base: &Table, name: &str) -> Result<Option<&'b Column>, QueryError> {
    let is_key = |column: &Column| key.iter().any(|other| other.name == column.name);
    let of_base = base.partition_key.iter().chain(&base.clustering);
    let left: Vec<&str> = of_base.filter(|column| !is_key(column)).map(|column| column.name.as_str()).collect();
    if !left.is_empty() {
        return refuse(format!(
            "Cannot create materialized view '{name}' without primary key columns {} from base table '{}'",
            left.join(", "),
            base.name
        ));
    }
    let extra: Vec<&Column> = key.iter().filter(|column| !column.kind.is_primary_key()).copied().collect();
    if extra.len() > 1 {
        let names: Vec<&str> = extra.iter().map(|column| column.name.as_str()).collect();
        return refuse(format!(
            "Cannot include more than one non-primary key column in materialized view primary key (got {})",
            names.join(", ")
        ));
    }
    Ok(extra.first().copied())
}

fn params(create: &ast::CreateView) -> Result<TableParams, QueryError> {
    let properties = Properties(&create.options.properties);
    properties.check_known(&TABLE_OPTIONS)?;
    let params = new_params(properties)?;
    check_params(&params)?;
    if params.default_time_to_live != 0 {
        return refuse(
            "Cannot set default_time_to_live for a materialized view. Data in a materialized view always expire at the same time than the corresponding data in the parent table.",
        );
    }
    Ok(params)
}

fn columns(create: &ast::CreateView, key: &[&Column], selected: &[&Column]) -> Vec<Column> {
    let partition = create.primary_key.partition.len();
    let order = |column: &Column| {
        let named = create.options.clustering_order.iter().find(|(name, _)| name.as_str() == column.name);
        named.map_or(column.order, |(_, direction)| match direction {
            Direction::Ascending => SortOrder::Ascending,
            Direction::Descending => SortOrder::Descending,
        })
    };
    let of_key = key.iter().enumerate().map(|(place, column)| match place.checked_sub(partition) {
        None => Column {
            id: 0,
            kind: ColumnKind::PartitionKey,
            position: place as u16,
            order: SortOrder::Ascending,
            ..(*column).clone()
        },
        Some(place) => Column {
            id: 0,
            kind: ColumnKind::Clustering,
            position: place as u16,
            order: order(column),
            ..(*column).clone()
        },
    });
    let others = selected.iter().filter(|column| !key.iter().any(|other| other.name == column.name));
    of_key.chain(others.map(|column| (*column).clone())).collect()
}

/// A view by name.
fn find<'s>(schema: &'s Schema, keyspace: &str, name: &str) -> Option<&'s Arc<Table>> {
    schema.table(keyspace, name).filter(|table| table.view.is_some())
}

/// No system keyspace has views.
fn check_system(keyspace: &str) -> Result<(), QueryError> {
    match is_local_system(keyspace) {
        true => refuse(format!("System keyspace '{keyspace}' is not user-modifiable")),
        false => Ok(()),
    }
}

fn doesnt_exist<T>(keyspace: &str, name: &str) -> Result<T, QueryError> {
    refuse(format!("Materialized view '{keyspace}.{name}' doesn't exist"))
}

pub(super) fn alter(
    alter: &ast::AlterView,
    keyspace_name: &str,
    context: &DdlContext<'_>,
) -> Result<DdlOutcome, QueryError> {
    let name = alter.name.name.as_str();
    check_system(keyspace_name)?;
    let Some(view) = find(context.schema, keyspace_name, name) else {
        return if alter.if_exists { Ok(DdlOutcome::nothing()) } else { doesnt_exist(keyspace_name, name) };
    };
    let properties = Properties(&alter.properties);
    properties.check_known(&TABLE_OPTIONS)?;
    check_params(&new_params(properties)?)?;
    if table_id(properties)?.is_some() {
        return Err(QueryError::Config("Cannot alter table id.".to_owned()));
    }
    let params = build_params(properties, view.params.clone())?;
    if params.gc_grace_seconds == 0 {
        return refuse(
            "Cannot alter gc_grace_seconds of a materialized view to 0, since this value is used to TTL undelivered updates. Setting gc_grace_seconds too low might cause undelivered updates to expire before being replayed.",
        );
    }
    if params.default_time_to_live > 0 {
        return refuse(
            "Forbidden default_time_to_live detected for a materialized view. Data in a materialized view always expire at the same time than the corresponding data in the parent table. default_time_to_live must be set to zero, see CASSANDRA-12868 for more information",
        );
    }
    if params == view.params {
        return Ok(DdlOutcome::nothing());
    }
    let change = SchemaChange::PutTable(Box::new(TableParts { params, ..view.to_parts() }));
    Ok(DdlOutcome::of(vec![change], EventKind::Updated, EventTarget::Table, keyspace_name, name))
}

pub(super) fn drop(
    drop: &ast::DropObject,
    keyspace_name: &str,
    context: &DdlContext<'_>,
) -> Result<DdlOutcome, QueryError> {
    let name = drop.name.name.as_str();
    check_system(keyspace_name)?;
    let Some(view) = find(context.schema, keyspace_name, name) else {
        return if drop.if_exists { Ok(DdlOutcome::nothing()) } else { doesnt_exist(keyspace_name, name) };
    };
    let change = SchemaChange::DropTable { keyspace: keyspace_name.to_owned(), name: name.to_owned(), id: view.id };
    Ok(DdlOutcome::of(vec![change], EventKind::Dropped, EventTarget::Table, keyspace_name, name))
}

/// Refuses DROP TABLE of a view or of a table that has views.
pub(super) fn check_drop_table(table: &Table, schema: &Schema) -> Result<(), QueryError> {
    if table.view.is_some() {
        return refuse("Cannot use DROP TABLE on a materialized view. Please use DROP MATERIALIZED VIEW instead.");
    }
    if !schema.views_of(table.id).is_empty() {
        return refuse(format!("Cannot drop a table when materialized views still depend on it ({})", table.keyspace));
    }
    Ok(())
}

/// Refuses ALTER TABLE of a view.
pub(super) fn check_alter_table(table: &Table) -> Result<(), QueryError> {
    if table.view.is_some() {
        return refuse("Cannot use ALTER TABLE on a materialized view; use ALTER MATERIALIZED VIEW instead");
    }
    Ok(())
}

/// Refuses to drop a column of a table that has views.
pub(super) fn check_drop_column(table: &Table, column: &str, schema: &Schema) -> Result<(), QueryError> {
    if !schema.views_of(table.id).is_empty() {
        return refuse(format!("Cannot drop column {column} on base table {} with materialized views", table.name));
    }
    Ok(())
}

/// Refuses options that a table with views may not have.
pub(super) fn check_base_params(table: &Table, params: &TableParams, schema: &Schema) -> Result<(), QueryError> {
    if params.gc_grace_seconds == 0 && !schema.views_of(table.id).is_empty() {
        return refuse(
            "Cannot alter gc_grace_seconds of the base table of a materialized view to 0, since this value is used to TTL undelivered updates. Setting gc_grace_seconds too low might cause undelivered updates to expire before being replayed.",
        );
    }
    Ok(())
}

/// What the views of a table become when it becomes `after`: columns that were added, where all are selected, and new names of key
/// columns.
pub(super) fn follow(
    before: &Table,
    after: &TableParts,
    renamings: &BTreeMap<String, String>,
    schema: &Schema,
) -> Result<Vec<SchemaChange>, QueryError> {
    let mut changes = Vec::new();
    for view in schema.views_of(before.id) {
        let Some(definition) = view.view.as_deref() else { continue };
        let mut parts = view.to_parts();
        let mut definition = definition.clone();
        if definition.include_all {
            let is_new = |column: &&Column| column.kind == ColumnKind::Regular && before.column(&column.name).is_none();
            parts.columns.extend(after.columns.iter().filter(is_new).cloned());
        }
        parts.next_column_id = after.next_column_id;
        for (from, to) in renamings {
            for column in parts.columns.iter_mut().filter(|column| column.name == *from) {
                column.name.clone_from(to);
            }
            for condition in &mut definition.conditions {
                condition.columns.iter_mut().filter(|name| *name == from).for_each(|name| name.clone_from(to));
            }
            definition.where_clause = renamed(&definition.where_clause, from, to)?;
        }
        parts.view = Some(Arc::new(definition));
        if Table::new(parts.clone()) != **view || parts.next_column_id != view.next_column_id {
            changes.push(SchemaChange::PutTable(Box::new(parts)));
        }
    }
    Ok(changes)
}

/// A WHERE with another name for a column.
fn renamed(clause: &str, from: &str, to: &str) -> Result<String, QueryError> {
    let parsed = helenus_cql::parse(&format!("SELECT * FROM t WHERE {clause}"));
    let parsed = parsed.map_err(|error| QueryError::Server(format!("the WHERE of a view: {error}")))?;
    let ast::Statement::Select(mut select) = parsed.statement else { return Ok(clause.to_owned()) };
    let rename = |name: &mut Name| {
        if name.text == from {
            *name = Name::new(to);
        }
    };
    for relation in &mut select.relations {
        match relation {
            Relation::Column { column, .. } | Relation::In { column, .. } | Relation::IsNotNull(column) => {
                rename(column)
            }
            Relation::MultiColumn { columns, .. } | Relation::MultiColumnIn { columns, .. } => {
                columns.iter_mut().for_each(rename);
            }
            _ => {}
        }
    }
    Ok(helenus_cql::print::relations_text(&select.relations))
}

/// Names of columns in the order in which messages list them.
pub(super) fn listed(names: impl Iterator<Item = String>) -> String {
    let names: BTreeSet<String> = names.collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}
