//! Printing values: as text, as Cassandra's tools and casts show them, and as CQL literals.

use super::{
    Decimal, Duration, components, date, decode_bigint, decode_boolean, decode_date, decode_double, decode_float,
    decode_inet, decode_int, decode_smallint, decode_text, decode_time, decode_timestamp, decode_tinyint, decode_uuid,
    decode_varint, duration_text, elements, entries, float_text, inet, text, time_of_day, timestamp, vector_elements,
};
use crate::types::{CqlType, UdtDefinition, maybe_quote};

/// The value as text, without quotes: Cassandra's `getString`. Empty values give no text; collections, vectors and
/// blobs hexadecimal digits; tuples and UDTs `a:b` with `@` for null. Malformed values print as hexadecimal digits.
pub fn to_text(cql_type: &CqlType, bytes: &[u8]) -> String {
    match cql_type {
        CqlType::Tuple(parts) => tuple_text(&mut parts.iter(), bytes),
        CqlType::Udt { definition, .. } => tuple_text(&mut definition.fields.iter().map(|(_, field)| field), bytes),
        CqlType::Timestamp => decode_timestamp(bytes).map(|millis| timestamp::print(millis, 'T')),
        CqlType::Custom(_) => custom_text(cql_type, bytes),
        _ => simple(cql_type, bytes),
    }
    .unwrap_or_else(|| text::hex(bytes))
}

/// The value as a literal CQL reads, as DESCRIBE and messages show it; `null` for empty values of types to which they
/// mean nothing.
pub fn to_cql_literal(cql_type: &CqlType, bytes: &[u8]) -> String {
    match cql_type {
        CqlType::Ascii | CqlType::Text => format!("'{}'", decode_text(bytes).replace('\'', "''")),
        CqlType::Blob => format!("0x{}", text::hex(bytes)),
        CqlType::Tuple(parts) => tuple_literal(parts, bytes),
        CqlType::Udt { definition, .. } => udt_literal(definition, bytes),
        CqlType::List { element, .. } => joined("[", "]", elements(bytes).map(|part| to_cql_literal(element, part))),
        CqlType::Set { element, .. } => joined("{", "}", elements(bytes).map(|part| to_cql_literal(element, part))),
        CqlType::Map { key, value, .. } => {
            let entry = |(left, right)| format!("{}: {}", to_cql_literal(key, left), to_cql_literal(value, right));
            joined("{", "}", entries(bytes).map(entry))
        }
        CqlType::Vector { element, .. } => {
            let parts = vector_elements(bytes, element.value_length_if_fixed());
            joined("[", "]", parts.map(|part| to_cql_literal(element, part)))
        }
        _ if bytes.is_empty() => "null".to_owned(),
        CqlType::Date | CqlType::Time | CqlType::Timestamp | CqlType::Inet => {
            format!("'{}'", to_text(cql_type, bytes))
        }
        CqlType::Custom(_) => match custom_text(cql_type, bytes) {
            Some(time) if cql_type.value_length_if_fixed() == Some(8) => format!("'{time}'"),
            _ => format!("0x{}", text::hex(bytes)),
        },
        _ => simple(cql_type, bytes).unwrap_or_else(|| format!("0x{}", text::hex(bytes))),
    }
}

/// Text of the types that print alike everywhere; `None` for the others and for malformed values.
pub(super) fn simple(cql_type: &CqlType, bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() {
        return Some(String::new());
    }
    match cql_type {
        CqlType::Ascii | CqlType::Text => Some(decode_text(bytes).into_owned()),
        CqlType::Boolean => decode_boolean(bytes).map(|value| value.to_string()),
        CqlType::Tinyint => decode_tinyint(bytes).map(|value| value.to_string()),
        CqlType::Smallint => decode_smallint(bytes).map(|value| value.to_string()),
        CqlType::Int => decode_int(bytes).map(|value| value.to_string()),
        CqlType::Bigint | CqlType::Counter => decode_bigint(bytes).map(|value| value.to_string()),
        CqlType::Varint => decode_varint(bytes).map(|value| value.to_string()),
        CqlType::Decimal => Decimal::from_bytes(bytes).map(|value| value.to_string()),
        CqlType::Float => decode_float(bytes).map(float_text::java_float),
        CqlType::Double => decode_double(bytes).map(float_text::java_double),
        CqlType::Inet => decode_inet(bytes).map(inet::print),
        CqlType::Uuid | CqlType::Timeuuid => decode_uuid(bytes).map(|value| value.to_string()),
        CqlType::Date => decode_date(bytes).map(date::print),
        CqlType::Time => decode_time(bytes).map(time_of_day::print),
        CqlType::Duration => Duration::from_bytes(bytes).ok().map(|value| duration_text::print(&value)),
        _ => None,
    }
}

/// Text of the old classes: a UUID, a time, or hexadecimal digits.
pub(super) fn custom_text(cql_type: &CqlType, bytes: &[u8]) -> Option<String> {
    match cql_type.value_length_if_fixed() {
        Some(16) => simple(&CqlType::Uuid, bytes),
        Some(8) => decode_timestamp(bytes).map(|millis| timestamp::print(millis, 'T')),
        _ => None,
    }
}

fn tuple_text(parts: &mut dyn Iterator<Item = &CqlType>, bytes: &[u8]) -> Option<String> {
    let texts = parts.zip(components(bytes)).map(|(part, component)| match component {
        None => "@".to_owned(),
        Some(component) => to_text(part, component).replace(':', "\\:").replace('@', "\\@"),
    });
    Some(texts.collect::<Vec<_>>().join(":"))
}

fn tuple_literal(parts: &[CqlType], bytes: &[u8]) -> String {
    joined("(", ")", parts.iter().zip(components(bytes)).map(|(part, component)| nullable_literal(part, component)))
}

fn udt_literal(definition: &UdtDefinition, bytes: &[u8]) -> String {
    let fields = definition.fields.iter().zip(components(bytes));
    let field = |((name, part), component): (&(String, CqlType), _)| {
        format!("{}: {}", maybe_quote(name), nullable_literal(part, component))
    };
    joined("{", "}", fields.map(field))
}

fn nullable_literal(part: &CqlType, component: Option<&[u8]>) -> String {
    component.map_or_else(|| "null".to_owned(), |component| to_cql_literal(part, component))
}

fn joined(open: &str, close: &str, parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    format!("{open}{}{close}", parts.join(", "))
}
