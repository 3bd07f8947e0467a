//! The text of `cassandra.yaml` as a small tree. Scalars stay text: which type a key wants is the
//! key's business, and `cluster_name: 5` must not lose its spelling on the way.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Spanned};

use super::error::{ConfigError, Origin};

/// One YAML node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Yaml {
    /// Nothing after the colon, `~` or `null`.
    Null,
    /// Any scalar, as text.
    Scalar(String),
    /// A sequence.
    List(Vec<Yaml>),
    /// A mapping, in the order written.
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    /// The entry of a mapping; the last one if it is written twice.
    pub(super) fn get(&self, key: &str) -> Option<&Yaml> {
        match self {
            Yaml::Map(entries) => entries.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Yaml::Scalar(text) => Some(text),
            _ => None,
        }
    }
}

/// A key of the file with its value and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The key as written.
    pub key: String,
    /// What follows the colon.
    pub value: Yaml,
    /// Where it stands.
    pub origin: Origin,
}

struct YamlVisitor;

impl<'de> Visitor<'de> for YamlVisitor {
    type Value = Yaml;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_none<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Yaml, D::Error> {
        Yaml::deserialize(inner)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Yaml, E> {
        Ok(Yaml::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Yaml, E> {
        Ok(Yaml::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Yaml, E> {
        Ok(Yaml::Scalar(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Yaml, E> {
        Ok(Yaml::Scalar(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Yaml, E> {
        Ok(Yaml::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Yaml, E> {
        // Debug keeps the ".0" that Display drops.
        Ok(Yaml::Scalar(format!("{value:?}")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Yaml, E> {
        Ok(Yaml::Scalar(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Yaml, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Yaml::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Yaml, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry::<String, Yaml>()? {
            map.push(entry);
        }
        Ok(Yaml::Map(map))
    }
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YamlVisitor)
    }
}

/// The outermost mapping: keys with their lines.
struct Document(Vec<(String, u64, Yaml)>);

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of 'key: value' lines")
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document(Vec::new()))
    }

    fn visit_none<E>(self) -> Result<Document, E> {
        Ok(Document(Vec::new()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Document, A::Error> {
        let mut document = Vec::new();
        while let Some((key, value)) = entries.next_entry::<Spanned<String>, Yaml>()? {
            document.push((key.value, key.referenced.line(), value));
        }
        Ok(Document(document))
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DocumentVisitor)
    }
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        with_snippet: false,
    }
}

/// Whether nothing but comments, blank lines and a document marker is there.
fn is_blank(text: &str) -> bool {
    text.lines().all(|line| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line == "---"
    })
}

/// Reads the text of a configuration file called `name`.
///
/// # Errors
/// What is not YAML, or not a mapping, with the line.
pub(super) fn parse(name: &str, text: &str) -> Result<Vec<Entry>, ConfigError> {
    if is_blank(text) {
        return Ok(Vec::new());
    }
    let document: Document = serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let line = error.location().map_or(0, |location| location.line());
        let origin = Origin::File { name: name.to_owned(), line };
        ConfigError::new(origin, format!("not valid YAML: {}", error.without_snippet()))
    })?;
    let with_origin = |(key, line, value)| {
        let origin = Origin::File { name: name.to_owned(), line };
        Entry { key, value, origin }
    };
    Ok(document.0.into_iter().map(with_origin).collect())
}

/// Reads one `key=value` of the command line; the value is YAML, and `outer.inner=value` reaches into
/// a mapping.
///
/// # Errors
/// A missing `=` or a value that is not YAML.
pub(super) fn parse_override(text: &str) -> Result<Entry, ConfigError> {
    let wrong = |message: String| ConfigError::new(Origin::CommandLine, message);
    let (path, value) = text.split_once('=').ok_or_else(|| wrong(format!("'{text}' is not of the form key=value")))?;
    let value: Yaml = if is_blank(value) {
        Yaml::Null
    } else {
        serde_saphyr::from_str_with_options(value, options())
            .map_err(|error| wrong(format!("the value of '{path}' is not YAML: {}", error.without_snippet())))?
    };
    let mut names = path.split('.');
    let key = names.next().unwrap_or_default().trim().to_owned();
    let value = names.rev().fold(value, |inner, name| Yaml::Map(vec![(name.trim().to_owned(), inner)]));
    Ok(Entry { key, value, origin: Origin::CommandLine })
}

/// Lays `above` over `below`: mappings join key by key, anything else is replaced.
pub(super) fn merge(below: Yaml, above: Yaml) -> Yaml {
    match (below, above) {
        (Yaml::Map(mut below), Yaml::Map(above)) => {
            for (key, value) in above {
                match below.iter_mut().rev().find(|(name, _)| *name == key) {
                    Some((_, old)) => {
                        let taken = std::mem::replace(old, Yaml::Null);
                        *old = merge(taken, value);
                    }
                    None => below.push((key, value)),
                }
            }
            Yaml::Map(below)
        }
        (_, above) => above,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A short spelling of a tree for the tables below.
    fn show(yaml: &Yaml) -> String {
        match yaml {
            Yaml::Null => "~".to_owned(),
            Yaml::Scalar(text) => format!("'{text}'"),
            Yaml::List(items) => {
                format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(" "))
            }
            Yaml::Map(entries) => {
                let entries: Vec<String> =
                    entries.iter().map(|(key, value)| format!("{key}={}", show(value))).collect();
                format!("{{{}}}", entries.join(" "))
            }
        }
    }

    fn parsed(text: &str) -> String {
        match parse("c.yaml", text) {
            Err(error) => format!("error {}", error.origin),
            Ok(entries) => {
                let entries = entries.iter().map(|entry| {
                    let line = match &entry.origin {
                        Origin::File { line, .. } => *line,
                        _ => 0,
                    };
                    format!("{line}:{}={}", entry.key, show(&entry.value))
                });
                entries.collect::<Vec<_>>().join(" ")
            }
        }
    }

    #[test]
    fn files() {
        let table = [
            ("", ""),
            ("# nothing\n---\n", ""),
            ("a: 1\nb: x y\n", "1:a='1' 2:b='x y'"),
            ("\n\na: 10s # comment\n", "3:a='10s'"),
            ("a:\nb: ~\n", "1:a=~ 2:b=~"),
            ("a: true\nb: 0.10\nc: -1\n", "1:a='true' 2:b='0.1' 3:c='-1'"),
            ("a: [x, 2]\n", "1:a=['x' '2']"),
            ("a:\n  - b: c\n    d: 'e'\n", "1:a=[{b='c' d='e'}]"),
            ("a: 1\na: 2\n", "1:a='1' 2:a='2'"),
            ("a: \"1\"\n", "1:a='1'"),
            ("just words\n", "error c.yaml:1: "),
            ("a: [1\n", "error c.yaml:1: "),
            ("a: 1\n  b: 2\n", "error c.yaml:2: "),
        ];
        for (text, expected) in table {
            assert_eq!(parsed(text), expected, "{text:?}");
        }
    }

    #[test]
    fn overrides() {
        let table = [
            ("a=1", Some("a='1'")),
            ("a=[1, 2]", Some("a=['1' '2']")),
            ("a.b.c=x", Some("a={b={c='x'}}")),
            ("a={b: c}", Some("a={b='c'}")),
            ("a=", Some("a=~")),
            ("a=b=c", Some("a='b=c'")),
            ("a", None),
            ("a=[1", None),
        ];
        for (text, expected) in table {
            let found = parse_override(text).ok().map(|entry| format!("{}={}", entry.key, show(&entry.value)));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn merging() {
        let table = [
            ("a: 1", "a=2", "{a='2'}"),
            ("a: {b: 1, c: 2}", "a.b=3", "{a={b='3' c='2'}}"),
            ("a: {b: 1}", "a.c.d=3", "{a={b='1' c={d='3'}}}"),
            ("a: [1]", "a=[2]", "{a=['2']}"),
        ];
        for (file, above, expected) in table {
            let below = serde_saphyr::from_str::<Yaml>(file).expect("a table line");
            let above = parse_override(above).expect("a table line");
            let above = Yaml::Map(vec![(above.key, above.value)]);
            assert_eq!(show(&merge(below, above)), expected, "{file}");
        }
    }
}
