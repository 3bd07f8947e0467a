//! The option `compaction`: class and its own options.

use std::collections::BTreeMap;

use helenus_model::value::java_double;

use super::properties::parse_double;
use super::unified;
use crate::error::QueryError;

const PACKAGE: &str = "org.apache.cassandra.db.compaction.";

/// Options every strategy takes.
const COMMON: [&str; 8] = [
    "class",
    "enabled",
    "log_all",
    "only_purge_repaired_tombstones",
    "provide_overlapping_tombstones",
    "tombstone_compaction_interval",
    "tombstone_threshold",
    "unchecked_tombstone_compaction",
];
const THRESHOLDS: [&str; 2] = ["min_threshold", "max_threshold"];
const SIZE_TIERED: [&str; 3] = ["bucket_high", "bucket_low", "min_sstable_size"];
const LEVELED: [&str; 3] = ["fanout_size", "single_sstable_uplevel", "sstable_size_in_mb"];
const TIME_WINDOW: [&str; 5] = [
    "compaction_window_size",
    "compaction_window_unit",
    "expired_sstable_check_frequency_seconds",
    "timestamp_resolution",
    "unsafe_aggressive_sstable_expiration",
];
const UNIFIED: [&str; 10] = [
    "base_shard_count",
    "expired_sstable_check_frequency_seconds",
    "flush_size_override",
    "max_sstables_to_compact",
    "min_sstable_size",
    "overlap_inclusion_method",
    "scaling_parameters",
    "sstable_growth",
    "target_sstable_size",
    "unsafe_aggressive_sstable_expiration",
];

pub(super) type Options = BTreeMap<String, String>;

pub(super) fn config<T>(message: String) -> Result<T, QueryError> {
    Err(QueryError::Config(message))
}

/// The strategies and the options that are theirs alone; whether they have thresholds.
fn strategy(name: &str) -> Option<(Vec<&'static str>, bool)> {
    Some(match name {
        "SizeTieredCompactionStrategy" => (SIZE_TIERED.to_vec(), true),
        "LeveledCompactionStrategy" => ([LEVELED.as_slice(), &SIZE_TIERED].concat(), true),
        "TimeWindowCompactionStrategy" => ([TIME_WINDOW.as_slice(), &SIZE_TIERED].concat(), true),
        "UnifiedCompactionStrategy" => (UNIFIED.to_vec(), false),
        _ => return None,
    })
}

/// The chance of false positives a table has whose options do not say it. With leveled compaction few SSTables are asked for a row.
pub(super) fn default_fp_chance(options: &Options) -> f64 {
    match options.get("class").is_some_and(|class| class.ends_with(".LeveledCompactionStrategy")) {
        true => 0.1,
        false => 0.01,
    }
}

/// The option as it is stored: the class's full name, thresholds filled in.
pub(super) fn build(mut options: Options) -> Result<Options, QueryError> {
    let Some(class) = options.remove("class") else {
        return config("Missing sub-option 'class' for the 'compaction' option".to_owned());
    };
    let full = if class.contains('.') { class } else { format!("{PACKAGE}{class}") };
    let Some((_, thresholds)) = full.strip_prefix(PACKAGE).and_then(strategy) else {
        return config(format!("Unable to find compaction strategy class '{full}'"));
    };
    if let Some(overlapping) = options.get("provide_overlapping_tombstones") {
        let upper = overlapping.to_ascii_uppercase();
        if !["NONE", "ROW", "CELL"].contains(&upper.as_str()) {
            return config(format!(
                "Invalid value {upper} for 'provide_overlapping_tombstones' compaction sub-option - must be one of the following [NONE, ROW, CELL]."
            ));
        }
    }
    if thresholds {
        options.entry("max_threshold".to_owned()).or_insert_with(|| "32".to_owned());
        options.entry("min_threshold".to_owned()).or_insert_with(|| "4".to_owned());
    }
    options.insert("class".to_owned(), full);
    Ok(options)
}

/// Checks the options of a stored `compaction`.
pub(super) fn check(options: &Options) -> Result<(), QueryError> {
    let name = options.get("class").and_then(|class| class.strip_prefix(PACKAGE)).unwrap_or_default();
    let Some((own, thresholds)) = strategy(name) else { return Ok(()) };
    check_common(options)?;
    match name {
        "LeveledCompactionStrategy" => check_leveled(options)?,
        "TimeWindowCompactionStrategy" => check_time_window(options)?,
        "UnifiedCompactionStrategy" => unified::check(options)?,
        _ => {}
    }
    if name != "UnifiedCompactionStrategy" {
        check_size_tiered(options)?;
    }
    let known = |option: &str| {
        COMMON.contains(&option) || own.contains(&option) || (thresholds && THRESHOLDS.contains(&option))
    };
    let unknown: Vec<&str> = options.keys().map(String::as_str).filter(|option| !known(option)).collect();
    if !unknown.is_empty() {
        return config(format!("Properties specified [{}] are not understood by {name}", unknown.join(", ")));
    }
    if thresholds { check_thresholds(options) } else { Ok(()) }
}

fn whole<N: std::str::FromStr>(options: &Options, name: &str) -> Result<Option<N>, QueryError> {
    let Some(text) = options.get(name) else { return Ok(None) };
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => config(format!("{text} is not a parsable int (base10) for {name}")),
    }
}

fn double(options: &Options, name: &str, kind: &str) -> Result<Option<f64>, QueryError> {
    let Some(text) = options.get(name) else { return Ok(None) };
    match parse_double(text) {
        Some(number) => Ok(Some(number)),
        None => config(format!("{text} is not a parsable {kind} for {name}")),
    }
}

fn is_boolean(text: &str) -> bool {
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

fn check_common(options: &Options) -> Result<(), QueryError> {
    if let Some(threshold) = double(options, "tombstone_threshold", "int (base10)")?
        && threshold < 0.0
    {
        let threshold = f64::from(threshold as f32);
        return config(format!("tombstone_threshold must be greater than 0, but was {threshold:.6}"));
    }
    if let Some(interval) = whole::<i64>(options, "tombstone_compaction_interval")?
        && interval < 0
    {
        return config(format!("tombstone_compaction_interval must be greater than 0, but was {interval}"));
    }
    let boolean = |name: &str| options.get(name).filter(|text| !is_boolean(text));
    if let Some(text) = boolean("unchecked_tombstone_compaction") {
        return config(format!("'unchecked_tombstone_compaction' should be either 'true' or 'false', not '{text}'"));
    }
    if let Some(text) = boolean("log_all") {
        return config(format!("'log_all' should either be 'true' or 'false', not {text}"));
    }
    if let Some(text) = boolean("enabled") {
        return config(format!("enabled should either be 'true' or 'false', not {text}"));
    }
    Ok(())
}

fn check_size_tiered(options: &Options) -> Result<(), QueryError> {
    if let Some(size) = whole::<i64>(options, "min_sstable_size")?
        && size < 0
    {
        return config(format!("min_sstable_size must be non negative: {size}"));
    }
    let low = double(options, "bucket_low", "float")?.unwrap_or(0.5);
    let high = double(options, "bucket_high", "float")?.unwrap_or(1.5);
    if high <= low {
        return config(format!(
            "bucket_high value ({}) is less than or equal to the bucket_low value ({})",
            java_double(high),
            java_double(low)
        ));
    }
    Ok(())
}

fn check_leveled(options: &Options) -> Result<(), QueryError> {
    for name in ["sstable_size_in_mb", "fanout_size"] {
        let Some(text) = options.get(name) else { continue };
        match text.parse::<i32>() {
            Ok(value) if value < 1 => return config(format!("{name} must be larger than 0, but was {value}")),
            Ok(_) => {}
            Err(_) => {
                // Of the fan-out, too, Cassandra shows the size.
                let size = options.get("sstable_size_in_mb").map_or("1", String::as_str);
                return config(format!("{size} is not a parsable int (base10) for {name}"));
            }
        }
    }
    Ok(())
}

fn check_time_window(options: &Options) -> Result<(), QueryError> {
    let units = ["NANOSECONDS", "MICROSECONDS", "MILLISECONDS", "SECONDS"];
    if let Some(text) = options.get("timestamp_resolution")
        && !units.contains(&text.as_str())
    {
        return config(format!("{text} is not valid for timestamp_resolution"));
    }
    if let Some(text) = options.get("compaction_window_unit")
        && !["MINUTES", "HOURS", "DAYS"].contains(&text.as_str())
    {
        return config(format!("{text} is not valid for compaction_window_unit"));
    }
    if let Some(size) = whole::<i32>(options, "compaction_window_size")?
        && size < 1
    {
        return config(format!("{size} must be greater than 1 for compaction_window_size"));
    }
    if let Some(frequency) = whole::<i64>(options, "expired_sstable_check_frequency_seconds")?
        && frequency < 0
    {
        return config(format!("expired_sstable_check_frequency_seconds must not be negative, but was {frequency}"));
    }
    let Some(text) = options.get("unsafe_aggressive_sstable_expiration") else { return Ok(()) };
    if !is_boolean(text) {
        return config(format!("unsafe_aggressive_sstable_expiration is not 'true' or 'false' ({text})"));
    }
    if text.eq_ignore_ascii_case("true") {
        return config(
            "unsafe_aggressive_sstable_expiration is requested but not allowed, restart cassandra with -Dcassandra.allow_unsafe_aggressive_sstable_expiration=true to allow it"
                .to_owned(),
        );
    }
    Ok(())
}

fn check_thresholds(options: &Options) -> Result<(), QueryError> {
    let threshold = |name: &str, default: i32| match options.get(name) {
        None => Ok(default),
        // Digits only: neither a sign nor a point.
        Some(text) => text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit())).ok_or_else(|| {
            QueryError::Config(format!("Invalid value {text} for '{name}' compaction sub-option - must be an integer"))
        }),
    };
    let (min, max) = (threshold("min_threshold", 4)?, threshold("max_threshold", 32)?);
    if min <= 0 || max <= 0 {
        return config(
            "Disabling compaction by setting compaction thresholds to 0 has been removed, set the compaction option 'enabled' to false instead."
                .to_owned(),
        );
    }
    if min <= 1 {
        return config(format!("Min compaction threshold cannot be less than 2 (got {min})"));
    }
    if min > max {
        return config(format!(
            "Min compaction threshold (got {min}) cannot be greater than max compaction threshold (got {max})"
        ));
    }
    Ok(())
}
