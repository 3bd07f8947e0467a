//! The options of a table, as CREATE and ALTER TABLE give them.

use std::collections::BTreeMap;

use helenus_model::limits::TTL_SECONDS_MAX;
use helenus_model::schema::TableParams;
use helenus_model::value::java_double;

use super::properties::Properties;
use super::{compaction, compression, retry};
use crate::error::QueryError;

/// The options there are, and `id`.
pub(super) const TABLE_OPTIONS: [&str; 20] = [
    "additional_write_policy",
    "allow_auto_snapshot",
    "bloom_filter_fp_chance",
    "caching",
    "cdc",
    "comment",
    "compaction",
    "compression",
    "crc_check_chance",
    "default_time_to_live",
    "extensions",
    "gc_grace_seconds",
    "id",
    "incremental_backups",
    "max_index_interval",
    "memtable",
    "memtable_flush_period_in_ms",
    "min_index_interval",
    "read_repair",
    "speculative_retry",
];

/// Bloom filters cannot be better than this (BloomCalculations.minSupportedBloomFilterFpChance).
const FP_CHANCE_MIN: f64 = 6.71e-5;
/// Stands for the chance that the compaction strategy gives.
const FP_CHANCE_OF_STRATEGY: f64 = -1.0;

fn config<T>(message: String) -> Result<T, QueryError> {
    Err(QueryError::Config(message))
}

/// The options of a new table. Kinds of values and names of classes are checked here, numbers by [`check_params`].
pub(super) fn new_params(properties: Properties<'_>) -> Result<TableParams, QueryError> {
    let default = TableParams { bloom_filter_fp_chance: FP_CHANCE_OF_STRATEGY, ..TableParams::default() };
    build_params(properties, default)
}

/// `params` with the options of a statement put over them, in Cassandra's order.
pub(super) fn build_params(properties: Properties<'_>, mut params: TableParams) -> Result<TableParams, QueryError> {
    macro_rules! take {
        ($($read:ident $field:ident),* $(,)?) => {$(
            if let Some(value) = properties.$read(stringify!($field))? {
                params.$field = value;
            }
        )*};
    }
    take!(boolean allow_auto_snapshot, double bloom_filter_fp_chance);
    if let Some(caching) = properties.map("caching")? {
        params.caching = build_caching(caching)?;
    }
    if let Some(comment) = properties.text("comment")? {
        params.comment = comment.to_owned();
    }
    if let Some(options) = properties.map("compaction")? {
        params.compaction = compaction::build(options)?;
    }
    if let Some(options) = properties.map("compression")? {
        params.compression = compression::build(options)?;
    }
    if let Some(memtable) = properties.text("memtable")? {
        if memtable != "default" {
            return config(format!("Memtable configuration \"{memtable}\" not found."));
        }
        params.memtable = memtable.to_owned();
    }
    take!(
        integer default_time_to_live,
        integer gc_grace_seconds,
        boolean incremental_backups,
        integer max_index_interval,
        integer memtable_flush_period_in_ms,
        integer min_index_interval,
    );
    if let Some(policy) = properties.text("speculative_retry")? {
        params.speculative_retry = retry::build(policy)?;
    }
    if let Some(policy) = properties.text("additional_write_policy")? {
        params.additional_write_policy = retry::build(policy)?;
    }
    take!(double crc_check_chance, boolean cdc);
    if let Some(repair) = properties.text("read_repair")? {
        params.read_repair = match repair.to_ascii_uppercase().as_str() {
            name @ ("BLOCKING" | "NONE") => name.to_owned(),
            _ => return config(format!("Invalid value {repair} for option 'read_repair'")),
        };
    }
    // Extensions are accepted, whatever they are, and, as in Cassandra, not kept.
    if params.bloom_filter_fp_chance == FP_CHANCE_OF_STRATEGY {
        params.bloom_filter_fp_chance = compaction::default_fp_chance(&params.compaction);
    }
    Ok(params)
}

fn build_caching(mut options: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, QueryError> {
    let word = |text: &str| match text.to_ascii_uppercase().as_str() {
        upper @ ("ALL" | "NONE") => Some(upper.to_owned()),
        _ => None,
    };
    // What is not named is not cached.
    let keys = options.remove("keys").unwrap_or_else(|| "NONE".to_owned());
    let Some(keys) = word(&keys) else {
        return config(format!(
            "Invalid value '{keys}' for caching sub-option 'keys': only 'ALL' and 'NONE' are allowed"
        ));
    };
    let rows = options.remove("rows_per_partition").unwrap_or_else(|| "NONE".to_owned());
    let number = |text: &str| match text.parse::<i32>().ok().filter(|_| !text.starts_with(['+', '-']))? {
        0 => Some("NONE".to_owned()),
        i32::MAX => Some("ALL".to_owned()),
        number => Some(number.to_string()),
    };
    let Some(rows) = word(&rows).or_else(|| number(&rows)) else {
        return config(format!(
            "Invalid value '{rows}' for caching sub-option 'rows_per_partition': only 'ALL', 'NONE', and integer values are allowed"
        ));
    };
    if !options.is_empty() {
        let names: Vec<&str> = options.keys().map(String::as_str).collect();
        return config(format!(
            "Invalid caching sub-options [{}]: only 'keys' and 'rows_per_partition' are allowed",
            names.join(", ")
        ));
    }
    Ok(BTreeMap::from([("keys".to_owned(), keys), ("rows_per_partition".to_owned(), rows)]))
}

/// Checks the numbers of a table's options.
///
/// # Errors
/// The first that is out of its range (0x2300).
pub(super) fn check_params(params: &TableParams) -> Result<(), QueryError> {
    compaction::check(&params.compaction)?;
    let fp_chance = params.bloom_filter_fp_chance;
    if fp_chance.is_nan() || fp_chance <= FP_CHANCE_MIN || fp_chance > 1.0 {
        return config(format!(
            "bloom_filter_fp_chance must be larger than 6.71E-5 and less than or equal to 1.0 (got {})",
            java_double(fp_chance)
        ));
    }
    let crc = params.crc_check_chance;
    if !(0.0..=1.0).contains(&crc) {
        return config(format!(
            "crc_check_chance must be larger than or equal to 0 and smaller than or equal to 1.0 (got {})",
            java_double(crc)
        ));
    }
    let at_least = |name: &str, value: i32, least: i32| {
        if value < least {
            return config(format!("{name} must be greater than or equal to {least} (got {value})"));
        }
        Ok(())
    };
    at_least("default_time_to_live", params.default_time_to_live, 0)?;
    if params.default_time_to_live > TTL_SECONDS_MAX {
        return config(format!(
            "default_time_to_live must be less than or equal to {TTL_SECONDS_MAX} (got {})",
            params.default_time_to_live
        ));
    }
    at_least("gc_grace_seconds", params.gc_grace_seconds, 0)?;
    at_least("min_index_interval", params.min_index_interval, 1)?;
    if params.max_index_interval < params.min_index_interval {
        return config(format!(
            "max_index_interval must be greater than or equal to min_index_interval ({}) (got {})",
            params.min_index_interval, params.max_index_interval
        ));
    }
    at_least("memtable_flush_period_in_ms", params.memtable_flush_period_in_ms, 0)
}
