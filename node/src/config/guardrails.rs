//! The keys of guardrails.

use std::collections::BTreeSet;

use helenus_cluster::guardrail::{Guardrails, Threshold};
use helenus_model::consistency::Consistency;

use super::units::{Bound, SizeUnit, TimeUnit};
use super::value;
use super::yaml::Yaml;

/// A threshold; −1, Cassandra's own word for none, and nothing written are none.
fn threshold(value: &Yaml) -> Result<Option<u64>, String> {
    match value::integer(value, -1, i64::from(i32::MAX))? {
        -1 => Ok(None),
        0 => Err("Invalid value 0: it must be positive, or -1 for none".to_owned()),
        number => Ok(u64::try_from(number).ok()),
    }
}

fn names(value: &Yaml) -> Result<BTreeSet<String>, String> {
    Ok(value::list(value)?.into_iter().map(|name| name.to_ascii_lowercase()).collect())
}

fn levels(value: &Yaml) -> Result<BTreeSet<Consistency>, String> {
    let level = |name: String| name.to_ascii_uppercase().parse::<Consistency>().map_err(|error| error.to_string());
    value::list(value)?.into_iter().map(level).collect()
}

/// A data size.
fn bytes(value: &Yaml) -> Result<Option<u64>, String> {
    match value::size(value, SizeUnit::Bytes, Bound::Long)? {
        0 => Err("Invalid value 0: it must be positive".to_owned()),
        size => Ok(Some(size)),
    }
}

/// A distance in time, in microseconds.
fn micros(value: &Yaml) -> Result<Option<u64>, String> {
    let duration = value::duration(value, TimeUnit::Microseconds, Bound::Long)?;
    Ok(u64::try_from(duration.as_micros()).ok())
}

/// Reads a threshold.
type Reader = fn(&Yaml) -> Result<Option<u64>, String>;

/// The threshold that a key without its `_warn_threshold` or `_fail_threshold` names.
fn threshold_of<'g>(guardrails: &'g mut Guardrails, name: &str) -> Option<(&'g mut Threshold, Reader)> {
    let read: Reader = match name {
        "collection_size" | "column_value_size" => bytes,
        "maximum_timestamp" | "minimum_timestamp" => micros,
        _ => threshold,
    };
    let threshold = match name {
        "keyspaces" => &mut guardrails.keyspaces,
        "tables" => &mut guardrails.tables,
        "columns_per_table" => &mut guardrails.columns_per_table,
        "secondary_indexes_per_table" => &mut guardrails.secondary_indexes_per_table,
        "fields_per_udt" => &mut guardrails.fields_per_udt,
        "vector_dimensions" => &mut guardrails.vector_dimensions,
        "page_size" => &mut guardrails.page_size,
        "partition_keys_in_select" => &mut guardrails.partition_keys_in_select,
        "in_select_cartesian_product" => &mut guardrails.in_select_cartesian_product,
        "minimum_replication_factor" => &mut guardrails.minimum_replication_factor,
        "maximum_replication_factor" => &mut guardrails.maximum_replication_factor,
        "items_per_collection" => &mut guardrails.items_per_collection,
        "collection_size" => &mut guardrails.collection_size,
        "column_value_size" => &mut guardrails.column_value_size,
        "maximum_timestamp" => &mut guardrails.maximum_timestamp,
        "minimum_timestamp" => &mut guardrails.minimum_timestamp,
        "materialized_views_per_table" => &mut guardrails.materialized_views_per_table,
        _ => return None,
    };
    Some((threshold, read))
}

fn switch_of<'g>(guardrails: &'g mut Guardrails, name: &str) -> Option<&'g mut bool> {
    Some(match name {
        "allow_filtering_enabled" => &mut guardrails.allow_filtering_enabled,
        "non_partition_restricted_index_query_enabled" => &mut guardrails.non_partition_restricted_index_query_enabled,
        "vector_type_enabled" => &mut guardrails.vector_type_enabled,
        "group_by_enabled" => &mut guardrails.group_by_enabled,
        "alter_table_enabled" => &mut guardrails.alter_table_enabled,
        "drop_truncate_table_enabled" => &mut guardrails.drop_truncate_table_enabled,
        "drop_keyspace_enabled" => &mut guardrails.drop_keyspace_enabled,
        "user_timestamps_enabled" => &mut guardrails.user_timestamps_enabled,
        "uncompressed_tables_enabled" => &mut guardrails.uncompressed_tables_enabled,
        "compact_tables_enabled" => &mut guardrails.compact_tables_enabled,
        "secondary_indexes_enabled" => &mut guardrails.secondary_indexes_enabled,
        "read_before_write_list_operations_enabled" => &mut guardrails.read_before_write_list_operations_enabled,
        "simplestrategy_enabled" => &mut guardrails.simplestrategy_enabled,
        "zero_ttl_on_twcs_warned" => &mut guardrails.zero_ttl_on_twcs_warned,
        "zero_ttl_on_twcs_enabled" => &mut guardrails.zero_ttl_on_twcs_enabled,
        _ => return None,
    })
}

/// Takes the value of a key. Answers whether it is a guardrail's.
///
/// # Errors
/// A message without the key's name when the value is not one the key may have.
pub(super) fn apply(guardrails: &mut Guardrails, name: &str, value: &Yaml) -> Result<bool, String> {
    if let Some(name) = name.strip_suffix("_warn_threshold")
        && let Some((found, read)) = threshold_of(guardrails, name)
    {
        found.warn = read(value)?;
        return Ok(true);
    }
    if let Some(name) = name.strip_suffix("_fail_threshold")
        && let Some((found, read)) = threshold_of(guardrails, name)
    {
        found.fail = read(value)?;
        return Ok(true);
    }
    if let Some(found) = switch_of(guardrails, name) {
        *found = value::boolean(value)?;
        return Ok(true);
    }
    match name {
        "table_properties_warned" => guardrails.table_properties.warned = names(value)?,
        "table_properties_ignored" => guardrails.table_properties_ignored = names(value)?,
        "table_properties_disallowed" => guardrails.table_properties.disallowed = names(value)?,
        "read_consistency_levels_warned" => guardrails.read_consistency_levels.warned = levels(value)?,
        "read_consistency_levels_disallowed" => guardrails.read_consistency_levels.disallowed = levels(value)?,
        "write_consistency_levels_warned" => guardrails.write_consistency_levels.warned = levels(value)?,
        "write_consistency_levels_disallowed" => guardrails.write_consistency_levels.disallowed = levels(value)?,
        _ => return Ok(false),
    }
    Ok(true)
}
