//! The option `compression`: class and its own options.

use std::collections::BTreeMap;

use crate::error::QueryError;

const PACKAGE: &str = "org.apache.cassandra.io.compress.";
const COMPRESSORS: [&str; 5] =
    ["LZ4Compressor", "SnappyCompressor", "DeflateCompressor", "ZstdCompressor", "NoopCompressor"];

fn config<T>(message: String) -> Result<T, QueryError> {
    Err(QueryError::Config(message))
}

/// The option as it is stored: the class's full name and the chunk length, or `enabled` = `false`.
pub(super) fn build(mut options: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, QueryError> {
    let enabled = options.remove("enabled").is_none_or(|text| text.eq_ignore_ascii_case("true"));
    if !enabled || options.is_empty() {
        if !options.is_empty() {
            return config("If the 'enabled' option is set to false no other options must be specified".to_owned());
        }
        return Ok(BTreeMap::from([("enabled".to_owned(), "false".to_owned())]));
    }
    let Some(class) = options.remove("class").filter(|class| !class.is_empty()) else {
        return config("Missing sub-option 'class' for the 'compression' option.".to_owned());
    };
    let full = if class.contains('.') { class } else { format!("{PACKAGE}{class}") };
    let name = full.strip_prefix(PACKAGE).unwrap_or_default();
    if !COMPRESSORS.contains(&name) {
        return config(format!("Could not create Compression for type {full}"));
    }
    let chunk = chunk_length(options.remove("chunk_length_in_kb"))?;
    let ratio = options.remove("min_compress_ratio");
    if let Some(text) = &ratio {
        match text.parse::<f64>() {
            Ok(ratio) if ratio == 0.0 || ratio >= 1.0 => {}
            _ => return config("min_compress_ratio can either be 0 or greater than or equal to 1".to_owned()),
        }
    }
    check_compressor(name, &options)?;
    options.insert("class".to_owned(), full);
    options.insert("chunk_length_in_kb".to_owned(), chunk.to_string());
    options.extend(ratio.map(|ratio| ("min_compress_ratio".to_owned(), ratio)));
    Ok(options)
}

/// Kibibytes of a chunk.
fn chunk_length(text: Option<String>) -> Result<i32, QueryError> {
    let Some(text) = text else { return Ok(16) };
    let Ok(length) = text.parse::<i32>() else { return config("Invalid value for chunk_length_in_kb".to_owned()) };
    if length <= 0 {
        return config("Invalid negative or null chunk_length_in_kb".to_owned());
    }
    if length.count_ones() != 1 {
        return config("chunk_length_in_kb must be a power of 2".to_owned());
    }
    match length.checked_mul(1024) {
        Some(_) => Ok(length),
        None => config(format!("Value of chunk_length_in_kb is too large ({length})")),
    }
}

fn check_compressor(name: &str, options: &BTreeMap<String, String>) -> Result<(), QueryError> {
    let known: &[&str] = match name {
        "LZ4Compressor" => &["lz4_compressor_type", "lz4_high_compressor_level"],
        "ZstdCompressor" => &["compression_level"],
        _ => &[],
    };
    let unknown: Vec<&str> = options.keys().map(String::as_str).filter(|option| !known.contains(option)).collect();
    if !unknown.is_empty() {
        return config(format!("Unknown compression options {}", unknown.join(", ")));
    }
    if let Some(kind) = options.get("lz4_compressor_type")
        && !["high", "fast"].contains(&kind.as_str())
    {
        return config(format!(
            "Invalid compressor type '{kind}' specified for LZ4 parameter 'lz4_compressor_type'. Valid options are [high, fast]."
        ));
    }
    if let Some(level) = options.get("lz4_high_compressor_level")
        && !level.parse::<i32>().is_ok_and(|level| (1..=17).contains(&level))
    {
        return config(format!(
            "Invalid value [{level}] for parameter 'lz4_high_compressor_level'. Value must be between 1 and 17."
        ));
    }
    if let Some(level) = options.get("compression_level")
        && !level.parse::<i32>().is_ok_and(|level| (-131_072..=22).contains(&level))
    {
        return config(format!(
            "ZstdCompressor.create() threw an error: java.lang.IllegalArgumentException compression_level={level} is invalid"
        ));
    }
    Ok(())
}
