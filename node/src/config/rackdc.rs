//! `cassandra-rackdc.properties`: where a node with GossipingPropertyFileSnitch stands.

use super::error::{ConfigError, Origin};

/// A node's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The data centre, with `dc_suffix` appended if there is one.
    pub data_center: String,
    /// The rack.
    pub rack: String,
    /// `prefer_local`: use the listen address inside the data centre, the broadcast address outside.
    pub prefer_local: bool,
}

/// Splits `key=value`, `key: value` and `key value`, the three forms of a Java properties file.
fn split(line: &str) -> (&str, &str) {
    let end = line.find(|c: char| c == '=' || c == ':' || c.is_whitespace()).unwrap_or(line.len());
    let (key, rest) = line.split_at(end);
    let rest = rest.trim_start();
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, rest.trim())
}

/// Reads the text of a properties file called `name`.
///
/// # Errors
/// A missing `dc` or `rack`, or a `prefer_local` that is neither true nor false.
pub fn parse(name: &str, text: &str) -> Result<Place, ConfigError> {
    let (mut data_center, mut rack, mut suffix, mut prefer_local) = (None, None, "", false);
    for (line, number) in text.lines().map(str::trim).zip(1u64..) {
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let origin = Origin::File { name: name.to_owned(), line: number };
        let (key, value) = split(line);
        match key {
            "dc" => data_center = Some(value),
            "rack" => rack = Some(value),
            "dc_suffix" => suffix = value,
            "prefer_local" => {
                prefer_local = match value.to_ascii_lowercase().as_str() {
                    "true" => true,
                    "false" => false,
                    _ => {
                        let message = format!("prefer_local: '{value}' is neither true nor false");
                        return Err(ConfigError::new(origin, message));
                    }
                }
            }
            _ => return Err(ConfigError::new(origin, format!("unknown key '{key}'"))),
        }
    }
    let found = |key: &str, value: Option<&str>| match value {
        Some(value) if !value.is_empty() => Ok(value.to_owned()),
        _ => {
            let origin = Origin::File { name: name.to_owned(), line: 0 };
            Err(ConfigError::new(origin, format!("'{key}' is missing")))
        }
    };
    let data_center = found("dc", data_center)? + suffix;
    Ok(Place { data_center, rack: found("rack", rack)?, prefer_local })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let table = [
            ("dc=dc1\nrack=rack1\n", "dc1/rack1/false"),
            ("# here\n\n dc = us-east \nrack: r2\nprefer_local=true", "us-east/r2/true"),
            ("dc=a\nrack=b\ndc_suffix=_x", "a_x/b/false"),
            ("dc a\nrack b", "a/b/false"),
            ("dc=a\ndc=c\nrack=b", "c/b/false"),
            ("dc=a\n", "p: 'rack' is missing"),
            ("dc=\nrack=b", "p: 'dc' is missing"),
            ("dc=a\nrack=b\nprefer_local=maybe", "p:3: prefer_local: 'maybe' is neither true nor false"),
            ("dc=a\nrock=b", "p:2: unknown key 'rock'"),
        ];
        for (text, expected) in table {
            let found = match parse("p", text) {
                Ok(place) => format!("{}/{}/{}", place.data_center, place.rack, place.prefer_local),
                Err(error) => error.to_string(),
            };
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
