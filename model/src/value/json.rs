//! Printing values as JSON, for SELECT JSON and `toJson`.

use super::{
    components, decode_double, decode_float, decode_text, decode_timestamp, nullable_elements, nullable_entries, print,
    text, timestamp, vector_elements,
};
use crate::types::{CqlType, UdtDefinition};

/// The value as JSON, exactly as Cassandra writes it: `", "` between parts, floats that are no number as `null`,
/// timestamps with a space between day and time. Keys of maps are strings always.
pub fn to_json(cql_type: &CqlType, bytes: &[u8]) -> String {
    let mut out = String::new();
    write_json(&mut out, cql_type, bytes);
    out
}

/// Appends `text` as a JSON string with its quotes.
pub fn write_json_string(out: &mut String, text: &str) {
    out.push('"');
    write_escaped(out, text);
    out.push('"');
}

fn write_json(out: &mut String, cql_type: &CqlType, bytes: &[u8]) {
    match cql_type {
        CqlType::List { element, .. } | CqlType::Set { element, .. } => {
            write_array(out, nullable_elements(bytes).map(|part| (&**element, part)));
        }
        CqlType::Vector { element, .. } => {
            let parts = vector_elements(bytes, element.value_length_if_fixed());
            write_array(out, parts.map(|part| (&**element, Some(part))));
        }
        CqlType::Tuple(parts) => {
            let mut values = components(bytes);
            write_array(out, parts.iter().map(|part| (part, values.next().flatten())));
        }
        CqlType::Udt { definition, .. } => write_udt(out, definition, bytes),
        CqlType::Map { key, value, .. } => write_map(out, key, value, bytes),
        CqlType::Ascii | CqlType::Text => write_json_string(out, &decode_text(bytes)),
        CqlType::Blob => write_json_string(out, &format!("0x{}", text::hex(bytes))),
        _ if bytes.is_empty() => out.push_str("\"\""),
        CqlType::Float if decode_float(bytes).is_some_and(|value| !value.is_finite()) => out.push_str("null"),
        CqlType::Double if decode_double(bytes).is_some_and(|value| !value.is_finite()) => out.push_str("null"),
        CqlType::Timestamp => write_timestamp(out, bytes),
        CqlType::Custom(_) if cql_type.value_length_if_fixed() == Some(8) => write_timestamp(out, bytes),
        CqlType::Custom(_) => match print::custom_text(cql_type, bytes) {
            Some(uuid) => write_json_string(out, &uuid),
            None => write_json_string(out, &format!("0x{}", text::hex(bytes))),
        },
        _ => match print::simple(cql_type, bytes) {
            Some(bare) if is_bare(cql_type) => out.push_str(&bare),
            Some(quoted) => write_json_string(out, &quoted),
            None => write_json_string(out, &format!("0x{}", text::hex(bytes))),
        },
    }
}

/// True for the types whose JSON is a number or a truth value.
fn is_bare(cql_type: &CqlType) -> bool {
    matches!(
        cql_type,
        CqlType::Boolean
            | CqlType::Tinyint
            | CqlType::Smallint
            | CqlType::Int
            | CqlType::Bigint
            | CqlType::Counter
            | CqlType::Varint
            | CqlType::Decimal
            | CqlType::Float
            | CqlType::Double
    )
}

fn write_timestamp(out: &mut String, bytes: &[u8]) {
    match decode_timestamp(bytes) {
        Some(millis) => write_json_string(out, &timestamp::print(millis, ' ')),
        None => out.push_str("null"),
    }
}

fn write_array<'a>(out: &mut String, parts: impl Iterator<Item = (&'a CqlType, Option<&'a [u8]>)>) {
    out.push('[');
    for (place, (part, value)) in parts.enumerate() {
        if place > 0 {
            out.push_str(", ");
        }
        write_nullable(out, part, value);
    }
    out.push(']');
}

fn write_nullable(out: &mut String, cql_type: &CqlType, value: Option<&[u8]>) {
    match value {
        Some(value) => write_json(out, cql_type, value),
        None => out.push_str("null"),
    }
}

fn write_map(out: &mut String, key: &CqlType, value: &CqlType, bytes: &[u8]) {
    out.push('{');
    for (place, (left, right)) in nullable_entries(bytes).enumerate() {
        if place > 0 {
            out.push_str(", ");
        }
        let name = to_json(key, left);
        if name.starts_with('"') {
            out.push_str(&name);
        } else {
            write_json_string(out, &name);
        }
        out.push_str(": ");
        write_nullable(out, value, right);
    }
    out.push('}');
}

fn write_udt(out: &mut String, definition: &UdtDefinition, bytes: &[u8]) {
    let mut values = components(bytes);
    out.push('{');
    for (place, (name, field)) in definition.fields.iter().enumerate() {
        if place > 0 {
            out.push_str(", ");
        }
        write_json_string(out, &json_name(name));
        out.push_str(": ");
        write_nullable(out, field, values.next().flatten());
    }
    out.push('}');
}

/// A column's or field's name as the name of a JSON member: with double quotes around it when it is not all lower case.
pub fn json_name(name: &str) -> String {
    if name == name.to_lowercase() { name.to_owned() } else { format!("\"{name}\"") }
}

fn write_escaped(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..'\u{20}' => out.push_str(&format!("\\u{:04X}", letter as u32)),
            _ => out.push(letter),
        }
    }
}
