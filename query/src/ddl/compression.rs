//! The option `compression`: class and its own options.

use std::collections::BTreeMap;

use helenus_model::value::java_double;

use super::properties::parse_double;
use crate::error::QueryError;

const PACKAGE: &str = "org.apache.cassandra.io.compress.";
const COMPRESSORS: [&str; 5] =
    ["LZ4Compressor", "SnappyCompressor", "DeflateCompressor", "ZstdCompressor", "NoopCompressor"];

fn config<T>(message: String) -> Result<T, QueryError> {
    Err(QueryError::Config(message))
}

/// The option as it is stored: the class's full name and the chunk length, or `enabled` = `false`.
pub(super) fn build(mut options: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, QueryError> {
    let is_empty = options.is_empty();
    let enabled = options.remove("enabled").is_none_or(|text| text.eq_ignore_ascii_case("true"));
    if !enabled && !options.is_empty() {
        return config("If the 'enabled' option is set to false no other options must be specified".to_owned());
    }
    if !enabled || is_empty {
        return Ok(BTreeMap::from([("enabled".to_owned(), "false".to_owned())]));
    }
    let Some(class) = options.remove("class") else {
        return config("Missing sub-option 'class' for the 'compression' option.".to_owned());
    };
    if class.is_empty() {
        return config("The 'class' option must not be empty. To disable compression use 'enabled' : false".to_owned());
    }
    let full = if class.contains('.') { class } else { format!("{PACKAGE}{class}") };
    let chunk = options.remove("chunk_length_in_kb").map_or(Ok(16), |text| chunk_length(&text))?;
    let ratio = match options.remove("min_compress_ratio") {
        Some(text) => match parse_double(&text) {
            Some(ratio) => ratio,
            None => return config(format!("min_compress_ratio is no number: {text}")),
        },
        None => 0.0,
    };
    let name = full.strip_prefix(PACKAGE).unwrap_or_default();
    if !COMPRESSORS.contains(&name) {
        return config(format!("Could not create Compression for type {full}"));
    }
    check_compressor(name, &options)?;
    check_lengths(chunk, ratio)?;
    options.insert("class".to_owned(), full);
    options.insert("chunk_length_in_kb".to_owned(), chunk.to_string());
    if ratio != 0.0 {
        options.insert("min_compress_ratio".to_owned(), java_double(ratio));
    }
    Ok(options)
}

fn check_lengths(chunk: i32, ratio: f64) -> Result<(), QueryError> {
    if chunk <= 0 {
        return config("Invalid negative or null chunk_length_in_kb".to_owned());
    }
    if chunk.count_ones() != 1 {
        return config("chunk_length_in_kb must be a power of 2".to_owned());
    }
    // Bytes of a chunk that are not worth to be compressed any further.
    let bytes = f64::from(chunk) * 1024.0;
    let longest = (bytes / ratio).min(f64::from(i32::MAX)).ceil();
    if longest < 0.0 {
        return config("Invalid negative min_compress_ratio".to_owned());
    }
    if longest > bytes && longest < f64::from(i32::MAX) {
        return config("min_compress_ratio can either be 0 or greater than or equal to 1".to_owned());
    }
    Ok(())
}

/// Kibibytes of a chunk.
fn chunk_length(text: &str) -> Result<i32, QueryError> {
    match text.parse::<i32>() {
        Ok(length) if length > i32::MAX / 1024 => {
            config(format!("Value of chunk_length_in_kb is too large ({length})"))
        }
        Ok(length) => Ok(length),
        Err(_) => config("Invalid value for chunk_length_in_kb".to_owned()),
    }
}

/// Values first: what the compressor makes of them. Then options it does not know.
fn check_compressor(name: &str, options: &BTreeMap<String, String>) -> Result<(), QueryError> {
    let known: &[&str] = match name {
        "LZ4Compressor" => &["lz4_compressor_type", "lz4_high_compressor_level"],
        "ZstdCompressor" => &["compression_level"],
        _ => &[],
    };
    let get = |option: &str| options.get(option).filter(|_| known.contains(&option));
    if let Some(kind) = get("lz4_compressor_type")
        && !["high", "fast"].contains(&kind.as_str())
    {
        return config(format!(
            "Invalid compressor type '{kind}' specified for LZ4 parameter 'lz4_compressor_type'. Valid options are [high, fast]."
        ));
    }
    if let Some(level) = get("lz4_high_compressor_level")
        && !level.parse::<i32>().is_ok_and(|level| (1..=17).contains(&level))
    {
        return config(format!(
            "Invalid value [{level}] for parameter 'lz4_high_compressor_level'. Value must be between 1 and 17."
        ));
    }
    if let Some(level) = get("compression_level") {
        let why = match level.parse::<i32>() {
            Ok(-131_072..=22) => None,
            Ok(level) => Some(format!("IllegalArgumentException compression_level={level} is invalid")),
            Err(_) => Some(format!("NumberFormatException For input string: \"{level}\"")),
        };
        if let Some(why) = why {
            return config(format!("ZstdCompressor.create() threw an error: java.lang.{why}"));
        }
    }
    let unknown: Vec<&str> = options.keys().map(String::as_str).filter(|option| !known.contains(option)).collect();
    match unknown.is_empty() {
        true => Ok(()),
        false => config(format!("Unknown compression options {}", unknown.join(", "))),
    }
}
