//! One value of the file read as the type its key wants. Errors carry no key name: the caller, who
//! knows it, puts it in front.

use std::time::Duration;

use super::keys::Kind;
use super::units::{self, Bound, SizeUnit, TimeUnit};
use super::yaml::Yaml;

/// A class with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// The name after the last dot.
    pub name: String,
    /// What stands under `parameters`.
    pub parameters: Yaml,
}

/// The text of a scalar.
///
/// # Errors
/// The value is a list or a mapping, or nothing is written.
pub(super) fn text(value: &Yaml) -> Result<&str, String> {
    match value {
        Yaml::Scalar(text) => Ok(text),
        Yaml::Null => Err("a value is expected, nothing is written".to_owned()),
        Yaml::List(_) => Err("a single value is expected, not a list".to_owned()),
        Yaml::Map(_) => Err("a single value is expected, not a mapping".to_owned()),
    }
}

/// `true` or `false`, or one of the words that YAML 1.1, and so Cassandra's parser, takes for them.
///
/// # Errors
/// Anything else.
pub(super) fn boolean(value: &Yaml) -> Result<bool, String> {
    let text = text(value)?;
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Ok(true),
        "false" | "no" | "off" => Ok(false),
        _ => Err(format!("'{text}' is neither true nor false")),
    }
}

/// A whole number between `least` and `most`.
///
/// # Errors
/// Anything else.
pub(super) fn integer(value: &Yaml, least: i64, most: i64) -> Result<i64, String> {
    let text = text(value)?;
    let number: i64 = text.replace('_', "").parse().map_err(|_| format!("'{text}' is not a whole number"))?;
    if !(least..=most).contains(&number) {
        return Err(format!("{number} is not between {least} and {most}"));
    }
    Ok(number)
}

/// A TCP port.
///
/// # Errors
/// Anything else, also 0.
pub(super) fn port(value: &Yaml) -> Result<u16, String> {
    let number = integer(value, 1, i64::from(u16::MAX))?;
    u16::try_from(number).map_err(|_| format!("{number} is not a port"))
}

/// A finite number.
///
/// # Errors
/// Anything else.
pub(super) fn float(value: &Yaml) -> Result<f64, String> {
    let text = text(value)?;
    let number: Option<f64> = text.parse().ok();
    number.filter(|number| number.is_finite()).ok_or_else(|| format!("'{text}' is not a number"))
}

/// A duration; a key that counts in `finest`.
///
/// # Errors
/// See [`units::duration`].
pub(super) fn duration(value: &Yaml, finest: TimeUnit, bound: Bound) -> Result<Duration, String> {
    units::duration(text(value)?, finest, bound)
}

/// A data size in bytes; a key that counts in `finest`.
///
/// # Errors
/// See [`units::size`].
pub(super) fn size(value: &Yaml, finest: SizeUnit, bound: Bound) -> Result<u64, String> {
    units::size(text(value)?, finest, bound)
}

/// A class: its name alone, a mapping of `class_name` and `parameters`, or a list of one such mapping.
///
/// # Errors
/// Any other shape.
pub(super) fn class(value: &Yaml) -> Result<Class, String> {
    let short = |name: &str| name.rsplit(['.', '$']).next().unwrap_or(name).to_owned();
    match value {
        Yaml::Scalar(name) => Ok(Class { name: short(name), parameters: Yaml::Null }),
        Yaml::List(items) => match items.as_slice() {
            [only] => class(only),
            _ => Err(format!("one class is expected, not {}", items.len())),
        },
        Yaml::Map(entries) => {
            check_inner_keys(entries, &["class_name", "parameters"])?;
            let name = value.get("class_name").ok_or("class_name is missing")?;
            let parameters = match value.get("parameters") {
                Some(Yaml::List(items)) => items.first().cloned().unwrap_or(Yaml::Null),
                Some(other) => other.clone(),
                None => Yaml::Null,
            };
            Ok(Class { name: short(text(name)?), parameters })
        }
        Yaml::Null => Err("a class name is expected, nothing is written".to_owned()),
    }
}

/// A list of scalars; nothing written is the empty list, and a single scalar a list of one.
///
/// # Errors
/// A list of anything else.
pub(super) fn list(value: &Yaml) -> Result<Vec<String>, String> {
    match value {
        Yaml::Null => Ok(Vec::new()),
        Yaml::Scalar(text) => Ok(vec![text.clone()]),
        Yaml::List(items) => items.iter().map(|item| text(item).map(str::to_owned)).collect(),
        Yaml::Map(_) => Err("a list is expected, not a mapping".to_owned()),
    }
}

fn check_inner_keys(entries: &[(String, Yaml)], known: &[&str]) -> Result<(), String> {
    match entries.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        Some((name, _)) => Err(format!("it has no key '{name}'")),
        None => Ok(()),
    }
}

/// Checks that a value has the shape of its key, whatever is then done with it. Nothing written is
/// every shape: the key's default holds.
///
/// # Errors
/// The value has another shape.
pub(super) fn check(kind: Kind, value: &Yaml) -> Result<(), String> {
    if *value == Yaml::Null {
        return Ok(());
    }
    match kind {
        Kind::Text => text(value).map(drop),
        Kind::Integer => integer(value, i64::from(i32::MIN), i64::from(i32::MAX)).map(drop),
        Kind::Long => integer(value, i64::MIN, i64::MAX).map(drop),
        Kind::Float => float(value).map(drop),
        Kind::Boolean => boolean(value).map(drop),
        Kind::Time(finest, bound) => duration(value, finest, bound).map(drop),
        Kind::Size(finest, bound) => size(value, finest, bound).map(drop),
        Kind::Rate => units::rate(text(value)?).map(drop),
        Kind::Class => class(value).map(drop),
        Kind::List => list(value).map(drop),
        Kind::Tree(known) => match value {
            Yaml::Map(entries) => check_inner_keys(entries, known),
            _ => Err("a mapping is expected".to_owned()),
        },
        Kind::Any => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys;
    use super::*;

    fn yaml(text: &str) -> Yaml {
        serde_saphyr::from_str(text).expect("a table line")
    }

    #[test]
    fn shapes() {
        let table = [
            ("cluster_name", "x", true),
            ("cluster_name", "[x]", false),
            ("num_tokens", "16", true),
            ("num_tokens", "2147483648", false),
            ("num_tokens", "1.5", false),
            ("tombstone_warn_threshold", "many", false),
            ("cdc_enabled", "true", true),
            ("cdc_enabled", "maybe", false),
            ("phi_convict_threshold", "8", true),
            ("phi_convict_threshold", "x", false),
            ("max_hint_window", "3h", true),
            ("max_hint_window", "3", false),
            ("key_cache_size", "100MiB", true),
            ("key_cache_size", "100KiB", false),
            ("stream_throughput_outbound", "24MiB/s", true),
            ("stream_throughput_outbound", "24MiB", false),
            ("authenticator", "AllowAllAuthenticator", true),
            ("authenticator", "{class_name: a.b.C, parameters: {x: 1}}", true),
            ("authenticator", "{class: a.b.C}", false),
            ("hints_compression", "[{class_name: LZ4Compressor, parameters: [~]}]", true),
            ("data_file_directories", "[a, b]", true),
            ("data_file_directories", "[[a]]", false),
            ("client_encryption_options", "{enabled: false}", true),
            ("client_encryption_options", "{enable: true}", false),
            ("client_encryption_options", "true", false),
            ("startup_checks", "{a: {b: c}}", true),
            ("num_tokens", "~", true),
        ];
        for (name, text, expected) in table {
            let key = keys::find(name).expect(name);
            assert_eq!(check(key.kind, &yaml(text)).is_ok(), expected, "{name}: {text}");
        }
    }

    #[test]
    fn classes() {
        let table = [
            ("SimpleSnitch", Some("SimpleSnitch")),
            ("org.apache.cassandra.auth.PasswordAuthenticator", Some("PasswordAuthenticator")),
            ("{class_name: a.B}", Some("B")),
            ("[{class_name: a.B, parameters: [{x: y}]}]", Some("B")),
            ("[{class_name: a.B}, {class_name: a.C}]", None),
            ("{parameters: {}}", None),
            ("~", None),
        ];
        for (text, expected) in table {
            let found = class(&yaml(text)).ok().map(|class| class.name);
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
