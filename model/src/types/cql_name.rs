//! A type's name in CQL, as `system_schema.columns.type` and DESCRIBE show it.

use std::fmt;

use super::name::maybe_quote;
use super::{CqlType, java_class};

impl fmt::Display for CqlType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Vectors are frozen too, but are never written so.
        let frozen = self.is_frozen() && !matches!(self, CqlType::Vector { .. });
        if frozen {
            out.write_str("frozen<")?;
        }
        match self {
            CqlType::List { element, .. } => write!(out, "list<{element}>")?,
            CqlType::Set { element, .. } => write!(out, "set<{element}>")?,
            CqlType::Map { key, value, .. } => write!(out, "map<{key}, {value}>")?,
            CqlType::Tuple(components) => {
                out.write_str("tuple<")?;
                for (place, component) in components.iter().enumerate() {
                    let comma = if place == 0 { "" } else { ", " };
                    write!(out, "{comma}{component}")?;
                }
                out.write_str(">")?;
            }
            CqlType::Udt { definition, .. } => out.write_str(&maybe_quote(&definition.name))?,
            CqlType::Vector { element, dimension } => write!(out, "vector<{element}, {dimension}>")?,
            CqlType::Custom(class) if java_class::simple_name(class) == "DateType" => out.write_str("timestamp")?,
            CqlType::Custom(class) => write!(out, "'{}'", class.replace('\'', "''"))?,
            native => out.write_str(native.native_name().unwrap_or("unknown"))?,
        }
        if frozen {
            out.write_str(">")?;
        }
        Ok(())
    }
}

/// Names of the types without parameters, as CQL spells them.
const NATIVE: [(&str, CqlType); 21] = [
    ("ascii", CqlType::Ascii),
    ("bigint", CqlType::Bigint),
    ("blob", CqlType::Blob),
    ("boolean", CqlType::Boolean),
    ("counter", CqlType::Counter),
    ("date", CqlType::Date),
    ("decimal", CqlType::Decimal),
    ("double", CqlType::Double),
    ("duration", CqlType::Duration),
    ("empty", CqlType::Empty),
    ("float", CqlType::Float),
    ("inet", CqlType::Inet),
    ("int", CqlType::Int),
    ("smallint", CqlType::Smallint),
    ("text", CqlType::Text),
    ("time", CqlType::Time),
    ("timestamp", CqlType::Timestamp),
    ("timeuuid", CqlType::Timeuuid),
    ("tinyint", CqlType::Tinyint),
    ("uuid", CqlType::Uuid),
    ("varint", CqlType::Varint),
];

impl CqlType {
    /// Name of a type without parameters; `None` for the others.
    pub fn native_name(&self) -> Option<&'static str> {
        NATIVE.iter().find(|(_, native)| native == self).map(|(name, _)| *name)
    }

    /// The type without parameters that has this name, in any case; `varchar` is `text`.
    pub fn native(name: &str) -> Option<CqlType> {
        if name.eq_ignore_ascii_case("varchar") {
            return Some(CqlType::Text);
        }
        NATIVE.iter().find(|(native, _)| native.eq_ignore_ascii_case(name)).map(|(_, native)| native.clone())
    }
}
