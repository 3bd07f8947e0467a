//! The options of UnifiedCompactionStrategy.

use super::compaction::{Options, config};
use super::properties::parse_double;
use crate::error::QueryError;

/// The least size of what a compaction or a flush writes.
const TARGET_SIZE_MIN: f64 = 1_048_576.0;
const TARGET_SIZE_DEFAULT: i64 = 1 << 30;

/// Checks the options in Cassandra's order.
pub(super) fn check(options: &Options) -> Result<(), QueryError> {
    let get = |name: &str| options.get(name).map(String::as_str);
    if let Some(parameters) = get("scaling_parameters") {
        // As Java splits: nothing behind the last comma.
        let parameters = parameters.trim_end_matches(',');
        parameters.split(',').map(str::trim).try_for_each(check_scaling)?;
    }
    if let Some(text) = get("base_shard_count") {
        let count: i32 = text.parse().map_err(|_| not_int(text, "base_shard_count"))?;
        if count <= 0 {
            return config(format!("Invalid configuration, base_shard_count should be positive: {count}"));
        }
    }
    let target = check_target(get("target_sstable_size"))?;
    if let Some(text) = get("flush_size_override") {
        let size = readable(text, "flush_size_override")?;
        check_least(size as i64 as f64, text, "flush_size_override")?;
    }
    if let Some(text) = get("max_sstables_to_compact") {
        text.parse::<i32>().map_err(|_| not_int(text, "max_sstables_to_compact"))?;
    }
    if let Some(text) = get("expired_sstable_check_frequency_seconds") {
        let name = "expired_sstable_check_frequency_seconds";
        let Ok(seconds) = text.parse::<i64>() else {
            return config(format!("{text} is not a parsable long (base10) for {name}"));
        };
        if seconds <= 0 {
            return config(format!("Invalid configuration, {name} should be positive: {seconds}"));
        }
    }
    if let Some(text) = get("unsafe_aggressive_sstable_expiration")
        && !["true", "false"].contains(&text.to_ascii_lowercase().as_str())
    {
        let name = "unsafe_aggressive_sstable_expiration";
        return config(format!("{name} should either be 'true' or 'false', not {text}"));
    }
    if let Some(text) = get("overlap_inclusion_method")
        && !["NONE", "SINGLE", "TRANSITIVE"].contains(&text.to_ascii_uppercase().as_str())
    {
        return config(format!(
            "Invalid overlap inclusion method {text}. The valid options are [NONE, SINGLE, TRANSITIVE]."
        ));
    }
    if let Some(text) = get("min_sstable_size") {
        check_min(text, target)?;
    }
    match get("sstable_growth") {
        Some(text) => check_growth(text),
        None => Ok(()),
    }
}

fn not_int(text: &str, name: &str) -> QueryError {
    QueryError::Config(format!("{text} is not a parsable int (base10) for {name}"))
}

/// `N`, `L8`, `T4` or a number.
fn check_scaling(parameter: &str) -> Result<(), QueryError> {
    let fan = parameter.strip_prefix(['L', 'T']);
    let digits = fan.unwrap_or_else(|| parameter.strip_prefix(['+', '-']).unwrap_or(parameter));
    if parameter == "N" {
        return Ok(());
    }
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return config(format!("Scaling parameter {parameter} must match N|L[0-9]+|T[0-9]+|[+-]?[0-9]+"));
    }
    let number = fan.unwrap_or(parameter);
    match number.parse::<i32>() {
        Ok(factor) if fan.is_some() && factor < 2 => {
            config(format!("Fan factor cannot be lower than 2 in {parameter}"))
        }
        Ok(_) => Ok(()),
        Err(_) => config(format!(
            "org.apache.cassandra.db.compaction.UnifiedCompactionStrategy.validateOptions() threw an error: java.lang.NumberFormatException For input string: \"{number}\""
        )),
    }
}

/// The size in bytes that SSTables are to have.
fn check_target(text: Option<&str>) -> Result<i64, QueryError> {
    let name = "target_sstable_size";
    let Some(text) = text else { return Ok(TARGET_SIZE_DEFAULT) };
    let size = readable(text, name)?;
    if size >= i64::MAX as f64 {
        return config(format!("{name} {text} is out of range of Long."));
    }
    check_least(size, text, name)?;
    Ok(size.ceil() as i64)
}

fn readable(text: &str, name: &str) -> Result<f64, QueryError> {
    human_readable(text).map_err(|why| QueryError::Config(format!("{name} {text} is not a valid size in bytes: {why}")))
}

fn check_least(size: f64, text: &str, name: &str) -> Result<(), QueryError> {
    match size < TARGET_SIZE_MIN {
        true => config(format!("{name} {text} is not acceptable, size must be at least 1.000MiB")),
        false => Ok(()),
    }
}

fn check_min(text: &str, target: i64) -> Result<(), QueryError> {
    let name = "min_sstable_size";
    let Ok(size) = human_readable(text) else {
        return config(format!("{text} is not a valid size in bytes for {name}"));
    };
    let size = size as i64;
    if size < 0 {
        return config(format!("Invalid configuration, {name} should be greater than or equal to 0 (zero)"));
    }
    if size >= (target as f64 * 0.5f64.sqrt()).ceil() as i64 {
        return config(format!(
            "Invalid configuration, {name} ({}) should be less than 70% of the targetSSTableSize ({})",
            memory_text(size),
            memory_text(target)
        ));
    }
    Ok(())
}

fn check_growth(text: &str) -> Result<(), QueryError> {
    let name = "sstable_growth";
    let trimmed = text.trim();
    let (number, unit) = match trimmed.strip_suffix('%') {
        Some(number) => (number.trim(), 100.0),
        None => (trimmed, 1.0),
    };
    let Some(growth) = parse_double(number) else {
        let why = match number {
            "" => "empty String".to_owned(),
            number => format!("For input string: \"{number}\""),
        };
        return config(format!("{name} is not a valid number between 0 and 1: {why}"));
    };
    let growth = growth / unit;
    if !(0.0..=1.0).contains(&growth) {
        return config(format!("{name} {text} must be between 0 and 1"));
    }
    Ok(())
}

/// Units of a thousand and, with an `i`, of 1024: the one in the middle is 1.
const UNITS: &str = "qryzafpnum KMGTPEZYRQ";

/// `1.5 GiB` as a number of bytes. The error is the message of Cassandra's exception.
fn human_readable(text: &str) -> Result<f64, String> {
    let Some(number) = text.strip_suffix('B') else { return Err(format!("{text} does not end in unit B")) };
    let (mut value, rest) = base_number(number).ok_or("null")?;
    let mut rest = rest.trim_start();
    let unit = rest.chars().next().and_then(|letter| UNITS.find(letter).map(|place| (letter, place)));
    if let Some((letter, place)) = unit {
        let power = place as i32 - UNITS.len() as i32 / 2;
        rest = rest.strip_prefix(letter).unwrap_or(rest);
        match rest.strip_prefix('i') {
            Some(behind) => {
                rest = behind;
                value *= 2f64.powi(power * 10);
            }
            None => value *= (1000f64.ln() * f64::from(power)).exp(),
        }
    }
    if !rest.is_empty() {
        let end = number.len();
        return Err(format!("Unexpected characters between pos {} and {end} in {text}", end - rest.len()));
    }
    Ok(value)
}

/// The decimal number a text begins with, and the rest.
fn base_number(text: &str) -> Option<(f64, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let signed = |text: &str| usize::from(text.starts_with(['+', '-']));
    let mut end = signed(text);
    let whole = digits(text.get(end..)?);
    if whole == 0 {
        return None;
    }
    end += whole;
    if text.get(end..)?.starts_with('.') {
        let fraction = digits(text.get(end + 1..)?);
        end += if fraction > 0 { fraction + 1 } else { 0 };
    }
    if text.get(end..)?.starts_with(['e', 'E']) {
        let sign = signed(text.get(end + 1..)?);
        let exponent = digits(text.get(end + 1 + sign..)?);
        end += if exponent > 0 { 1 + sign + exponent } else { 0 };
    }
    let (number, rest) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, rest))
}

/// `1.500GiB`
fn memory_text(size: i64) -> String {
    const PREFIXES: [char; 6] = ['K', 'M', 'G', 'T', 'P', 'E'];
    let steps = size.unsigned_abs().checked_ilog2().unwrap_or(0) / 10;
    match steps.checked_sub(1).and_then(|step| PREFIXES.get(step as usize)) {
        None => format!("{size}B"),
        Some(prefix) => format!("{:.3}{prefix}iB", size as f32 / 2f32.powi(steps as i32 * 10)),
    }
}
