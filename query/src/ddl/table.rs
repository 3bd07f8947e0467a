//! CREATE and DROP TABLE.

use helenus_cql::ast::{self, ColumnDefinition, ColumnMask, CqlTypeName, Direction, Name, NativeType, PrimaryKey};
use helenus_model::limits::{COLUMN_IDS_MAX, KEY_COLUMNS_MAX};
use helenus_model::row::ColumnId;
use helenus_model::schema::{Column, ColumnKind, Keyspace, SchemaChange, SortOrder, TableParts};
use helenus_model::types::CqlType;
use rustc_hash::FxHashMap;
use uuid::Uuid;

use super::compact;
use super::hashed::as_hashed;
use super::keyspace::missing;
use super::names::{check_modifiable, check_table};
use super::options::{TABLE_OPTIONS, check_params, new_params};
use super::outcome::{DdlContext, DdlOutcome, EventKind, EventTarget};
use super::properties::Properties;
use super::view::check_drop_table;
use crate::error::QueryError;
use crate::repeated::first_repeated;
use crate::system_tables::definitions;
use crate::term::{resolve_type, type_text};

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
    let mut params = new_params(properties)?;
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
    check_params(&params)?;
    let mut columns = columns(create, primary_key, keyspace)?;
    if params.default_time_to_live > 0 && columns.iter().any(|column| column.ty == CqlType::Counter) {
        return refuse("Cannot set default_time_to_live on a table with counters".to_owned());
    }
    let id = table_id(properties)?.unwrap_or(context.new_table_id);
    check_table(keyspace_name, name)?;
    check_id(id, context)?;
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

pub(super) fn single_primary_key(create: &ast::CreateTable) -> Result<&PrimaryKey, QueryError> {
    match create.primary_keys.as_slice() {
        [only] => Ok(only),
        [] => {
            let name = as_written(&create.name);
            refuse(format!("No PRIMARY KEY specifed for table '{name}' (exactly one required)"))
        }
        _ => several_primary_keys(create),
    }
}

fn several_primary_keys<T>(create: &ast::CreateTable) -> Result<T, QueryError> {
    let name = as_written(&create.name);
    refuse(format!("Multiple PRIMARY KEY specified for table '{name}' (exactly one required)"))
}

/// The name of a table or view, with its keyspace if that is written.
pub(super) fn as_written(name: &ast::QualifiedName) -> String {
    match &name.keyspace {
        Some(keyspace) => format!("{keyspace}.{}", name.name),
        None => name.name.text.clone(),
    }
}

/// What Cassandra refuses while it parses, whatever keyspace is in use.
pub(super) fn check_declarations(create: &ast::CreateTable) -> Result<(), QueryError> {
    if let Some(column) = first_repeated(create.columns.iter().map(|column| column.name.as_str())) {
        return refuse(format!("Duplicate column '{column}' declaration for table '{}'", as_written(&create.name)));
    }
    if create.primary_keys.len() > 1 {
        return several_primary_keys(create);
    }
    check_order_once(&create.options.clustering_order, "table", &as_written(&create.name))
}

/// What Cassandra refuses before it looks at the schema: kinds of options' values, names of classes, masks.
pub(super) fn check_attributes(create: &ast::CreateTable) -> Result<(), QueryError> {
    new_params(Properties(&create.options.properties))?;
    create.columns.iter().try_for_each(|column| check_mask(column.mask.as_ref()))
}

/// Refuses a column twice in CLUSTERING ORDER BY. `what`: table or view.
pub(super) fn check_order_once(order: &[(Name, Direction)], what: &str, name: &str) -> Result<(), QueryError> {
    match first_repeated(order.iter().map(|(column, _)| column.as_str())) {
        Some(column) => {
            refuse(format!("Duplicate column '{column}' in CLUSTERING ORDER BY clause for {what} '{name}'"))
        }
        None => Ok(()),
    }
}

/// The id of `WITH id = …`.
pub(super) fn table_id(properties: Properties<'_>) -> Result<Option<Uuid>, QueryError> {
    let Some(text) = properties.text("id")? else { return Ok(None) };
    match parse_uuid(text) {
        Some(id) => Ok(Some(id)),
        None => Err(QueryError::Config("Invalid table id".to_owned())),
    }
}

/// Refuses an id that something else has: a user's table or view, a table of the system, whose rows it would take over, or an index.
pub(super) fn check_id(id: Uuid, context: &DdlContext<'_>) -> Result<(), QueryError> {
    let taken = |what: String| Err(QueryError::Config(format!("Table id {id} is that of {what} already")));
    if let Some(other) = context.schema.table_by_id(id).or_else(|| definitions().table_by_id(id)) {
        return taken(format!("{}.{}", other.keyspace, other.name));
    }
    let tables = context.schema.keyspaces.values().flat_map(|keyspace| keyspace.tables.values());
    for table in tables {
        if let Some(index) = table.indexes.iter().find(|index| index.id == id) {
            return taken(format!("the index {}.{}", table.keyspace, index.name));
        }
    }
    Ok(())
}

/// As Java reads it: five numbers, each cut to its place.
fn parse_uuid(text: &str) -> Option<Uuid> {
    let parts = text.split('-').map(|part| u64::from_str_radix(part, 16).ok());
    let parts = parts.collect::<Option<Vec<u64>>>().filter(|_| text.len() <= 36 && !text.contains('+'))?;
    let [time_low, time_middle, time_high, clock, node] = parts.as_slice() else { return None };
    let high = (time_low << 32) | (time_middle & 0xffff) << 16 | time_high & 0xffff;
    Some(Uuid::from_u64_pair(high, clock << 48 | node & 0xffff_ffff_ffff))
}

/// Refuses masks.
pub(super) fn check_mask(mask: Option<&ColumnMask>) -> Result<(), QueryError> {
    match mask {
        None => Ok(()),
        Some(_) => refuse(
            "Cannot mask columns because dynamic data masking is not enabled. You can enable it with the dynamic_data_masking_enabled property on cassandra.yaml"
                .to_owned(),
        ),
    }
}

/// The type of a column.
pub(super) fn column_type(definition: &ColumnDefinition, keyspace: &Keyspace) -> Result<CqlType, QueryError> {
    check_mask(definition.mask.as_ref())?;
    resolve_type(&definition.type_name, &keyspace.name, Some(keyspace))
}

/// Refuses a column whose fields would be cells that are made of cells. `of`: how the message ends.
pub(super) fn check_nested(ty: &CqlType, of: &str) -> Result<(), QueryError> {
    match ty {
        CqlType::Udt { definition, frozen: false }
            if definition.fields.iter().any(|(_, field)| field.is_multi_cell()) =>
        {
            refuse(format!("Non-frozen UDTs with nested non-frozen collections are not supported{of}"))
        }
        _ => Ok(()),
    }
}

fn columns(create: &ast::CreateTable, key: &PrimaryKey, keyspace: &Keyspace) -> Result<Vec<Column>, QueryError> {
    let table = &create.name.name;
    let mut types = Vec::with_capacity(create.columns.len());
    for definition in as_hashed(&create.columns, |definition| definition.name.as_str()) {
        types.push((definition, column_type(definition, keyspace)?));
    }
    types.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    types.iter().try_for_each(|(_, ty)| check_nested(ty, ""))?;
    // They stand in the order of their names.
    let declared = |name: &Name| {
        let place = types.binary_search_by(|(definition, _)| definition.name.cmp(name)).ok()?;
        types.get(place)
    };
    let mut key_places: FxHashMap<&str, (ColumnKind, usize)> = FxHashMap::default();
    let partition = key.partition.iter().enumerate().map(|(place, name)| (name, ColumnKind::PartitionKey, place));
    let clustering = key.clustering.iter().enumerate().map(|(place, name)| (name, ColumnKind::Clustering, place));
    for (name, kind, place) in partition.chain(clustering) {
        let Some((definition, ty)) = declared(name) else {
            return refuse(format!("Unknown column '{name}' referenced in PRIMARY KEY for table '{table}'"));
        };
        if key_places.insert(name.as_str(), (kind, place)).is_some() {
            return refuse(format!("Duplicate column '{name}' in PRIMARY KEY clause for table '{table}'"));
        }
        check_key_column(definition, ty)?;
    }
    check_counts(types.len(), key.partition.len() + key.clustering.len())?;
    let order = clustering_order(&create.options.clustering_order, key)?;
    if !create.options.compact_storage
        && key.clustering.is_empty()
        && create.columns.iter().any(|column| column.is_static)
    {
        return refuse(
            "Static columns are only useful (and thus allowed) if the table has at least one clustering column"
                .to_owned(),
        );
    }
    let counts = |(_, ty): &&(&ColumnDefinition, CqlType)| *ty == CqlType::Counter;
    let counters = types.iter().filter(counts).count();
    let first_counter = types.iter().find(counts).map(|(definition, _)| &definition.name);
    // Where the type of no column is written as `counter`, but as the name of its class, Cassandra makes no table of counters.
    let is_counter =
        types.iter().any(|(definition, _)| definition.type_name == CqlTypeName::Native(NativeType::Counter));
    let mixes_counters = is_counter && counters + key_places.len() < types.len();
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
    if let (Some(column), false) = (first_counter, is_counter) {
        let keyspace = &keyspace.name;
        return Err(QueryError::Config(format!(
            "{keyspace}.{table}: Cannot have a counter column (\"{column}\") in a non counter table"
        )));
    }
    Ok(columns)
}

/// Bounds of what rows and their keys can number.
pub(super) fn check_counts(columns: usize, key_columns: usize) -> Result<(), QueryError> {
    if columns > COLUMN_IDS_MAX {
        return Err(QueryError::unsupported(format_args!("tables of more than {COLUMN_IDS_MAX} columns")));
    }
    if key_columns > KEY_COLUMNS_MAX {
        return Err(QueryError::unsupported(format_args!("primary keys of more than {KEY_COLUMNS_MAX} columns")));
    }
    Ok(())
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
        let ty = match &definition.type_name {
            custom @ CqlTypeName::Custom(_) => type_text(custom),
            _ => ty.to_string(),
        };
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
