//! CREATE and DROP TABLE.

use helenus_cql::ast::{self, ColumnDefinition, Direction, Name, PrimaryKey};
use helenus_model::row::ColumnId;
use helenus_model::schema::{Column, ColumnKind, Keyspace, SchemaChange, SortOrder, TableParams, TableParts};
use helenus_model::types::CqlType;
use rustc_hash::FxHashMap;
use uuid::Uuid;

use super::compact;
use super::keyspace::missing;
use super::names::{check_modifiable, check_table};
use super::options::{TABLE_OPTIONS, build_params, check_params};
use super::outcome::{DdlContext, DdlOutcome, EventKind, EventTarget};
use super::properties::Properties;
use super::view::check_drop_table;
use crate::error::QueryError;
use crate::repeated::first_repeated;
use crate::term::resolve_type;

fn refuse<T>(message: String) -> Result<T, QueryError> {
    Err(QueryError::invalid(message))
}

pub(super) fn create(
    create: &ast::CreateTable,
    keyspace_name: &str,
    context: &DdlContext<'_>,
) -> Result<DdlOutcome, QueryError> {
    let name = create.name.name.as_str();
    let primary_key = single_primary_key(create)?;
    check_modifiable(keyspace_name, &|| format!("CREATE <all tables in {keyspace_name}>"))?;
    let properties = Properties(&create.options.properties);
    let mut params = build_params(properties, TableParams::default())?;
    let leveled = params.compaction.get("class").is_some_and(|class| class.ends_with(".LeveledCompactionStrategy"));
    if leveled && properties.double("bloom_filter_fp_chance")?.is_none() {
        // With leveled compaction few SSTables are asked for a row: Cassandra makes its filters smaller.
        params.bloom_filter_fp_chance = 0.1;
    }
    let id = table_id(properties)?.unwrap_or(context.new_table_id);
    let Some(keyspace) = context.schema.keyspace(keyspace_name) else { return Err(missing(keyspace_name)) };
    if keyspace.tables.contains_key(name) {
        if create.if_not_exists {
            return Ok(DdlOutcome::nothing());
        }
        return Err(QueryError::AlreadyExists {
            keyspace: keyspace_name.to_owned(),
            table: name.to_owned(),
            message: format!("Cannot add already existing table \"{name}\" to keyspace \"{keyspace_name}\""),
        });
    }
    properties.check_known(&TABLE_OPTIONS)?;
    let mut columns = columns(create, primary_key, keyspace)?;
    check_table(keyspace_name, name)?;
    check_params(&params)?;
    if params.default_time_to_live > 0 && columns.iter().any(|column| column.ty == CqlType::Counter) {
        return refuse("Cannot set default_time_to_live on a table with counters".to_owned());
    }
    if let Some(other) = context.schema.table_by_id(id) {
        return Err(QueryError::Config(format!("Table id {id} is that of {}.{} already", other.keyspace, other.name)));
    }
    if create.options.compact_storage {
        params.storage = compact::fix_up(&mut columns);
    }
    let next_column_id = columns.iter().filter(|column| !column.kind.is_primary_key()).count() as ColumnId;
    let parts = TableParts {
        id,
        keyspace: keyspace_name.to_owned(),
        name: name.to_owned(),
        epoch: 0,
        columns,
        dropped: Vec::new(),
        next_column_id,
        params,
        indexes: Vec::new(),
        view: None,
    };
    let change = SchemaChange::PutTable(Box::new(parts));
    Ok(DdlOutcome::of(vec![change], EventKind::Created, EventTarget::Table, keyspace_name, name))
}

fn single_primary_key(create: &ast::CreateTable) -> Result<&PrimaryKey, QueryError> {
    match create.primary_keys.as_slice() {
        [only] => Ok(only),
        [] => {
            let name = as_written(create);
            refuse(format!("No PRIMARY KEY specifed for table '{name}' (exactly one required)"))
        }
        _ => several_primary_keys(create),
    }
}

fn several_primary_keys<T>(create: &ast::CreateTable) -> Result<T, QueryError> {
    let name = as_written(create);
    refuse(format!("Multiple PRIMARY KEY specified for table '{name}' (exactly one required)"))
}

/// The table's name with its keyspace if that is written.
fn as_written(create: &ast::CreateTable) -> String {
    match &create.name.keyspace {
        Some(keyspace) => format!("{keyspace}.{}", create.name.name),
        None => create.name.name.text.clone(),
    }
}

/// What Cassandra refuses while it parses, whatever keyspace is in use.
pub(super) fn check_declarations(create: &ast::CreateTable) -> Result<(), QueryError> {
    if let Some(column) = first_repeated(create.columns.iter().map(|column| column.name.as_str())) {
        return refuse(format!("Duplicate column '{column}' declaration for table '{}'", as_written(create)));
    }
    if create.primary_keys.len() > 1 {
        return several_primary_keys(create);
    }
    Ok(())
}

/// The id of `WITH id = …`.
pub(super) fn table_id(properties: Properties<'_>) -> Result<Option<Uuid>, QueryError> {
    let Some(text) = properties.text("id")? else { return Ok(None) };
    match Uuid::parse_str(text) {
        Ok(id) => Ok(Some(id)),
        Err(_) => Err(QueryError::Config("Invalid table id".to_owned())),
    }
}

/// The column's type, checked as a column of a table.
pub(super) fn column_type(definition: &ColumnDefinition, keyspace: &Keyspace) -> Result<CqlType, QueryError> {
    if definition.mask.is_some() {
        return refuse(
            "Cannot mask columns because dynamic data masking is not enabled. You can enable it with the dynamic_data_masking_enabled property on cassandra.yaml"
                .to_owned(),
        );
    }
    let ty = resolve_type(&definition.type_name, &keyspace.name, Some(keyspace))?;
    if let CqlType::Udt { definition, frozen: false } = &ty
        && definition.fields.iter().any(|(_, field)| field.is_multi_cell())
    {
        return refuse("Non-frozen UDTs with nested non-frozen collections are not supported".to_owned());
    }
    Ok(ty)
}

fn columns(create: &ast::CreateTable, key: &PrimaryKey, keyspace: &Keyspace) -> Result<Vec<Column>, QueryError> {
    let table = &create.name.name;
    let mut sorted: Vec<&ColumnDefinition> = create.columns.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut types = Vec::with_capacity(sorted.len());
    for definition in &sorted {
        types.push((*definition, column_type(definition, keyspace)?));
    }
    // They stand in the order of their names.
    let declared = |name: &Name| {
        let place = types.binary_search_by(|(definition, _)| definition.name.cmp(name)).ok()?;
        types.get(place)
    };
    let mut key_places: FxHashMap<&str, (ColumnKind, usize)> = FxHashMap::default();
    let partition = key.partition.iter().enumerate().map(|(place, name)| (name, ColumnKind::PartitionKey, place));
    let clustering = key.clustering.iter().enumerate().map(|(place, name)| (name, ColumnKind::Clustering, place));
    for (name, kind, place) in partition.chain(clustering) {
        if declared(name).is_none() {
            return refuse(format!("Unknown column '{name}' referenced in PRIMARY KEY for table '{table}'"));
        }
        if key_places.insert(name.as_str(), (kind, place)).is_some() {
            return refuse(format!("Duplicate column '{name}' in PRIMARY KEY clause for table '{table}'"));
        }
    }
    for (definition, ty) in key.partition.iter().chain(&key.clustering).filter_map(declared) {
        check_key_column(definition, ty)?;
    }
    if !create.options.compact_storage
        && key.clustering.is_empty()
        && create.columns.iter().any(|column| column.is_static)
    {
        return refuse(
            "Static columns are only useful (and thus allowed) if the table has at least one clustering column"
                .to_owned(),
        );
    }
    let order = clustering_order(&create.options.clustering_order, key)?;
    let counters = types.iter().filter(|(_, ty)| *ty == CqlType::Counter).count();
    let mixes_counters = counters > 0 && counters + key_places.len() < types.len();
    let mut next_id: ColumnId = 0;
    let mut columns = Vec::with_capacity(types.len());
    for (definition, ty) in types {
        let (kind, position) = match key_places.get(definition.name.as_str()) {
            Some(place) => *place,
            None if definition.is_static => (ColumnKind::Static, 0),
            None => (ColumnKind::Regular, 0),
        };
        let id = if kind.is_primary_key() { 0 } else { next_id };
        next_id += ColumnId::from(!kind.is_primary_key());
        let order = match kind {
            ColumnKind::Clustering => order.get(position).copied().unwrap_or_default(),
            _ => SortOrder::Ascending,
        };
        let name = definition.name.text.clone();
        columns.push(Column { id, name, ty, kind, position: position as u16, order });
    }
    if create.options.compact_storage {
        compact::check(create, &columns)?;
    }
    if mixes_counters {
        return refuse("Cannot mix counter and non counter columns in the same table".to_owned());
    }
    Ok(columns)
}

fn check_key_column(definition: &ColumnDefinition, ty: &CqlType) -> Result<(), QueryError> {
    let name = &definition.name;
    if let CqlType::Udt { definition: udt, frozen: false } = ty {
        return refuse(format!(
            "Invalid non-frozen user-defined type \"{}.{}\" for PRIMARY KEY column '{name}'",
            udt.keyspace, udt.name
        ));
    }
    if ty.is_multi_cell() {
        return refuse(format!("Invalid non-frozen collection type {ty} for PRIMARY KEY column '{name}'"));
    }
    if ty.contains_counter() {
        return refuse(format!("counter type is not supported for PRIMARY KEY column '{name}'"));
    }
    if ty.contains_duration() {
        return refuse(format!("duration type is not supported for PRIMARY KEY column '{name}'"));
    }
    if definition.is_static {
        return refuse(format!("Static column '{name}' cannot be part of the PRIMARY KEY"));
    }
    Ok(())
}

/// The order of each clustering column: those named first, as CLUSTERING ORDER BY says, the rest ascending.
fn clustering_order(directive: &[(Name, Direction)], key: &PrimaryKey) -> Result<Vec<SortOrder>, QueryError> {
    let foreign: Vec<&str> =
        directive.iter().filter(|(name, _)| !key.clustering.contains(name)).map(|(name, _)| name.as_str()).collect();
    if !foreign.is_empty() {
        return refuse(format!(
            "Only clustering key columns can be defined in CLUSTERING ORDER directive: [{}] are not clustering columns",
            foreign.join(", ")
        ));
    }
    let mut orders = Vec::with_capacity(directive.len());
    for ((name, direction), expected) in directive.iter().zip(&key.clustering) {
        if name != expected {
            if directive.iter().any(|(other, _)| other == expected) {
                return refuse(format!(
                    "The order of columns in the CLUSTERING ORDER directive must match that of the clustering columns ({expected} must appear before {name})"
                ));
            }
            return refuse(format!("Missing CLUSTERING ORDER for column {expected}"));
        }
        orders.push(match direction {
            Direction::Ascending => SortOrder::Ascending,
            Direction::Descending => SortOrder::Descending,
        });
    }
    Ok(orders)
}

pub(super) fn drop(
    drop: &ast::DropObject,
    keyspace_name: &str,
    context: &DdlContext<'_>,
) -> Result<DdlOutcome, QueryError> {
    let name = drop.name.name.as_str();
    check_modifiable(keyspace_name, &|| format!("DROP <table {keyspace_name}.{name}>"))?;
    let Some(table) = context.schema.table(keyspace_name, name) else {
        if drop.if_exists {
            return Ok(DdlOutcome::nothing());
        }
        return refuse(format!("Table '{keyspace_name}.{name}' doesn't exist"));
    };
    check_drop_table(table, context.schema)?;
    let change = SchemaChange::DropTable { keyspace: keyspace_name.to_owned(), name: name.to_owned(), id: table.id };
    Ok(DdlOutcome::of(vec![change], EventKind::Dropped, EventTarget::Table, keyspace_name, name))
}
