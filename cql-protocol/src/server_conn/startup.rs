//! What STARTUP must say.

use crate::compress::Compression;
use crate::request::StartupOptions;
use crate::request::startup::option;
use crate::version::ProtocolVersion;

/// Checks the options of a STARTUP; returns the compression asked for, or Cassandra's words of refusal.
pub(super) fn check_startup(options: &StartupOptions, version: ProtocolVersion) -> Result<Option<Compression>, String> {
    let cql_version =
        options.get(option::CQL_VERSION).ok_or_else(|| "Missing value CQL_VERSION in STARTUP message".to_owned())?;
    let (major, minor) = major_and_minor(cql_version).ok_or_else(|| format!("Invalid version value: {cql_version}"))?;
    if (major, minor) < (2, 99) {
        return Err(format!(
            "CQL version {cql_version} is not supported by the binary protocol (supported version are >= 3.0.0)"
        ));
    }
    let Some(name) = options.get(option::COMPRESSION) else {
        return Ok(None);
    };
    match Compression::from_name(name) {
        Some(Compression::Snappy) if version >= ProtocolVersion::V5 => {
            Err("Snappy compression is not supported in protocol V5".to_owned())
        }
        Some(compression) => Ok(Some(compression)),
        None => Err(format!("Unknown compression algorithm: {}", name.to_lowercase())),
    }
}

/// The first two numbers of a version such as `3.4.7` or `3.0.0-beta1`.
fn major_and_minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.splitn(3, '.');
    let major = digits(parts.next()?)?;
    let minor = parts.next()?;
    let (minor, suffix) = match minor.find(['-', '+']) {
        Some(position) => minor.split_at(position),
        None => (minor, ""),
    };
    let rest = parts.next();
    let word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-+".contains(c));
    let well_formed = suffix.len() != 1 && word(suffix) && rest.is_none_or(|rest| !rest.is_empty() && word(rest));
    Some((major, digits(minor)?)).filter(|_| well_formed)
}

fn digits(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProtocolVersion::{V3, V4, V5};

    #[track_caller]
    fn check(options: &[(&str, &str)], version: ProtocolVersion, expected: Result<Option<Compression>, &str>) {
        let mut startup = StartupOptions::default();
        for (key, value) in options {
            startup.set(key, value);
        }
        assert_eq!(
            check_startup(&startup, version).as_ref().map_err(String::as_str),
            expected.as_ref().map_err(|e| *e)
        );
    }

    #[test]
    fn options_of_startup() {
        const CQL: (&str, &str) = ("CQL_VERSION", "3.0.0");
        check(&[CQL], V4, Ok(None));
        check(&[("CQL_VERSION", "3.4.7")], V5, Ok(None));
        check(&[("CQL_VERSION", "4.0-beta1")], V5, Ok(None));
        check(&[CQL, ("COMPRESSION", "LZ4")], V5, Ok(Some(Compression::Lz4)));
        check(&[CQL, ("COMPRESSION", "snappy")], V3, Ok(Some(Compression::Snappy)));
        check(&[CQL, ("NO_COMPACT", "true"), ("ANYTHING", "")], V4, Ok(None));
        check(&[], V4, Err("Missing value CQL_VERSION in STARTUP message"));
        check(&[("CQL_VERSION", "three")], V4, Err("Invalid version value: three"));
        check(&[("CQL_VERSION", "3.")], V4, Err("Invalid version value: 3."));
        check(&[("CQL_VERSION", "3.0.")], V4, Err("Invalid version value: 3.0."));
        check(&[("CQL_VERSION", "+3.0.0")], V4, Err("Invalid version value: +3.0.0"));
        let old = "CQL version 2.0.0 is not supported by the binary protocol (supported version are >= 3.0.0)";
        check(&[("CQL_VERSION", "2.0.0")], V4, Err(old));
        check(&[CQL, ("COMPRESSION", "snappy")], V5, Err("Snappy compression is not supported in protocol V5"));
        check(&[CQL, ("COMPRESSION", "ZSTD")], V4, Err("Unknown compression algorithm: zstd"));
    }
}
