//! Values from JSON, for INSERT JSON and `fromJson`.

use super::{
    CollectionBuilder, Comparator, Decimal, Json, TupleBuilder, ValueError, VectorBuilder, encode_map_sorted,
    encode_set_sorted, encode_varint, parse_text, text,
};
use crate::types::{CqlType, UdtDefinition, maybe_quote};

/// The value of the type that a JSON value stands for; `None` for `null`. Strings are read as the type's text form where
/// Cassandra does so, and as JSON for collections, tuples, vectors and UDTs.
///
/// # Errors
/// JSON of another kind, text that is no value of the type, nulls inside collections, unknown fields of UDTs.
pub fn from_json(cql_type: &CqlType, json: &Json) -> Result<Option<Vec<u8>>, ValueError> {
    match json {
        Json::Null => Ok(None),
        _ => encode(cql_type, json).map(Some),
    }
}

/// The name of a column or field that the name of a JSON member stands for: without its double quotes when it has them,
/// else in lower case.
pub fn name_from_json(name: &str) -> String {
    match name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(exact) => exact.to_owned(),
        None => name.to_lowercase(),
    }
}

fn encode(cql_type: &CqlType, json: &Json) -> Result<Vec<u8>, ValueError> {
    if is_structured(cql_type) {
        return match json {
            Json::String(text) => encode_structured(cql_type, &Json::parse(text)?),
            _ => encode_structured(cql_type, json),
        };
    }
    let expected = match (cql_type, json) {
        (CqlType::Blob | CqlType::Custom(_), _) => return encode_bytes(cql_type, json),
        (CqlType::Varint, _) => return encode_varint_json(json),
        (CqlType::Decimal, _) => return encode_decimal(json),
        (CqlType::Counter, _) => {
            return Err(ValueError::new("not supported yet: counters from JSON"));
        }
        (CqlType::Empty, Json::String(text)) if text.is_empty() => return Ok(Vec::new()),
        (CqlType::Empty, _) => {
            return Err(ValueError::new(format!("Expected an empty string, but got: {json}")));
        }
        (_, Json::String(text)) => return parse_text(cql_type, text),
        (CqlType::Boolean, Json::Boolean(value)) => return Ok(vec![u8::from(*value)]),
        (CqlType::Tinyint | CqlType::Smallint, Json::Integer(_) | Json::BigInteger(_) | Json::Double(_)) => {
            return parse_text(cql_type, &json.to_string());
        }
        (CqlType::Int, Json::Integer(number)) if json.class() == "Integer" => {
            return Ok((*number as i32).to_be_bytes().to_vec());
        }
        (CqlType::Bigint, Json::Integer(number)) => return Ok(number.to_be_bytes().to_vec()),
        // Cassandra takes only numbers beyond 32 bits here: smaller ones it parses as another class.
        (CqlType::Timestamp, Json::Integer(number)) if json.class() == "Long" => {
            return Ok(number.to_be_bytes().to_vec());
        }
        (CqlType::Float, Json::Integer(number)) => {
            return Ok((*number as f32).to_be_bytes().to_vec());
        }
        (CqlType::Float, Json::Double(number)) => {
            return Ok((*number as f32).to_be_bytes().to_vec());
        }
        (CqlType::Double, Json::Integer(number)) => {
            return Ok((*number as f64).to_be_bytes().to_vec());
        }
        (CqlType::Double, Json::Double(number)) => return Ok(number.to_be_bytes().to_vec()),
        (CqlType::Float | CqlType::Double, Json::BigInteger(number)) => {
            return parse_text(cql_type, &number.to_string());
        }
        _ => expectation(cql_type),
    };
    Err(wrong_kind(expected, json))
}

fn wrong_kind(expected: &str, json: &Json) -> ValueError {
    ValueError::new(format!("Expected {expected}, but got a {}: {json}", json.class()))
}

/// What Cassandra says it expected.
fn expectation(cql_type: &CqlType) -> &'static str {
    match cql_type {
        CqlType::Ascii => "an ascii string",
        CqlType::Text => "a UTF-8 string",
        CqlType::Boolean => "a boolean value",
        CqlType::Tinyint => "a byte value",
        CqlType::Smallint => "a short value",
        CqlType::Int => "an int value",
        CqlType::Bigint => "a bigint value",
        CqlType::Float => "a float value",
        CqlType::Double => "a double value",
        CqlType::Inet => "a string representation of an inet value",
        CqlType::Uuid => "a string representation of a uuid",
        CqlType::Timeuuid => "a string representation of a timeuuid",
        CqlType::Date => "a string representation of a date value",
        CqlType::Time => "a string representation of a time value",
        CqlType::Timestamp => "a long or a datestring representation of a timestamp value",
        CqlType::Duration => "a string representation of a duration",
        _ => "another value",
    }
}

fn encode_bytes(cql_type: &CqlType, json: &Json) -> Result<Vec<u8>, ValueError> {
    match (cql_type.value_length_if_fixed(), json) {
        (Some(16), Json::String(text)) => return parse_text(&CqlType::Uuid, text),
        (Some(8), Json::String(text)) => return parse_text(&CqlType::Timestamp, text),
        (Some(16), _) => return Err(wrong_kind("a string representation of a uuid", json)),
        (Some(8), _) => {
            return Err(wrong_kind("a long or a datestring representation of a date value", json));
        }
        _ => {}
    }
    let fault =
        |reason: String| ValueError::new(format!("Value '{json}' is not a valid blob representation: {reason}"));
    let Json::String(source) = json else {
        return Err(fault(format!("a String is wanted, not a {}", json.class())));
    };
    let digits = source
        .strip_prefix("0x")
        .ok_or_else(|| fault(format!("String representation of blob is missing 0x prefix: {source}")))?;
    text::unhex(digits).ok_or_else(|| fault(format!("cannot parse '{digits}' as hex bytes")))
}

fn encode_varint_json(json: &Json) -> Result<Vec<u8>, ValueError> {
    let source = json.to_string();
    let value = match json {
        Json::Integer(number) => Some(encode_varint(&(*number).into())),
        Json::BigInteger(number) => Some(encode_varint(number)),
        Json::String(_) if !source.is_empty() => parse_text(&CqlType::Varint, &source).ok(),
        _ => None,
    };
    value.ok_or_else(|| ValueError::new(format!("Value '{source}' is not a valid representation of a varint value")))
}

/// Numbers with a point or an exponent have gone through a double by now, and lost what it does not hold.
fn encode_decimal(json: &Json) -> Result<Vec<u8>, ValueError> {
    let source = json.to_string();
    if source.is_empty() {
        return Ok(Vec::new());
    }
    let number = match json {
        Json::Boolean(_) | Json::Array(_) | Json::Object(_) => None,
        _ => source.parse::<Decimal>().ok(),
    };
    number
        .map(|number| number.to_bytes())
        .ok_or_else(|| ValueError::new(format!("Value '{source}' is not a valid representation of a decimal value")))
}

fn is_structured(cql_type: &CqlType) -> bool {
    cql_type.is_collection() || matches!(cql_type, CqlType::Tuple(_) | CqlType::Udt { .. } | CqlType::Vector { .. })
}

fn encode_structured(cql_type: &CqlType, json: &Json) -> Result<Vec<u8>, ValueError> {
    match (cql_type, json) {
        (CqlType::List { element, .. }, Json::Array(parts)) => {
            let mut builder = CollectionBuilder::default();
            for part in parts {
                builder.push(&encode_present(element, part, "element in list")?);
            }
            Ok(builder.finish())
        }
        (CqlType::Set { element, .. }, Json::Array(parts)) => {
            let values: Result<Vec<_>, _> =
                parts.iter().map(|part| encode_present(element, part, "element in set")).collect();
            Ok(encode_set_sorted(values?.iter().map(Vec::as_slice), &Comparator::for_type(element)))
        }
        (CqlType::Map { key, value, .. }, Json::Object(members)) => encode_map(key, value, members),
        (CqlType::Vector { element, dimension }, Json::Array(parts)) => {
            if parts.len() != *dimension as usize {
                return Err(ValueError::new(format!(
                    "List had incorrect size: expected {dimension} but given {}; {json}",
                    parts.len()
                )));
            }
            encode_vector(element, parts)
        }
        (CqlType::Tuple(components), Json::Array(parts)) => encode_tuple(components, parts, json),
        (CqlType::Udt { definition, .. }, Json::Object(members)) => encode_udt(definition, members),
        (CqlType::Set { .. }, _) => Err(wrong_kind("a list (representing a set)", json)),
        (CqlType::Tuple(_), _) => Err(wrong_kind("a list representation of a tuple", json)),
        (CqlType::Map { .. } | CqlType::Udt { .. }, _) => Err(wrong_kind("a map", json)),
        _ => Err(wrong_kind("a list", json)),
    }
}

fn encode_present(cql_type: &CqlType, json: &Json, what: &str) -> Result<Vec<u8>, ValueError> {
    from_json(cql_type, json)?.ok_or_else(|| ValueError::new(format!("Invalid null {what}")))
}

fn encode_map(key: &CqlType, value: &CqlType, members: &[(String, Json)]) -> Result<Vec<u8>, ValueError> {
    let mut entries = Vec::with_capacity(members.len());
    for (name, part) in members {
        let value = encode_present(value, part, "value in map")?;
        entries.push((encode(key, &Json::String(name.clone()))?, value));
    }
    let slices = entries.iter().map(|(key, value)| (key.as_slice(), value.as_slice()));
    Ok(encode_map_sorted(slices, &Comparator::for_type(key)))
}

/// Words for an empty element of a vector, whose type has no empty value.
pub const EMPTY_IN_VECTOR: &str = "null is not supported inside vectors";

fn encode_vector(element: &CqlType, parts: &[Json]) -> Result<Vec<u8>, ValueError> {
    let length = element.value_length_if_fixed();
    let mut builder = VectorBuilder::new(length);
    for part in parts {
        let value = encode_present(element, part, "element in list")?;
        if value.is_empty() && !matches!(element, CqlType::Text | CqlType::Ascii | CqlType::Blob) {
            return Err(ValueError::new(EMPTY_IN_VECTOR));
        }
        builder.push(&value);
    }
    Ok(builder.finish())
}

fn encode_tuple(components: &[CqlType], parts: &[Json], json: &Json) -> Result<Vec<u8>, ValueError> {
    let count = components.len();
    if parts.len() > count {
        return Err(ValueError::new(format!("Tuple contains extra items (expected {count}): {json}")));
    }
    if parts.len() < count {
        return Err(ValueError::new(format!("Tuple is missing items (expected {count}): {json}")));
    }
    let mut builder = TupleBuilder::default();
    for (component, part) in components.iter().zip(parts) {
        builder.push(from_json(component, part)?.as_deref());
    }
    Ok(builder.finish())
}

fn encode_udt(definition: &UdtDefinition, members: &[(String, Json)]) -> Result<Vec<u8>, ValueError> {
    let named: Vec<(String, &Json)> = members.iter().map(|(name, part)| (name_from_json(name), part)).collect();
    let mut builder = TupleBuilder::default();
    for (field, field_type) in &definition.fields {
        // Of members that name the same field the last one counts.
        let part = named.iter().rev().find(|(name, _)| name == field).map_or(&Json::Null, |(_, part)| part);
        builder.push(from_json(field_type, part)?.as_deref());
    }
    let unknown = named.iter().find(|(name, _)| definition.fields.iter().all(|(field, _)| field != name));
    if let Some((name, _)) = unknown {
        return Err(ValueError::new(format!(
            "Unknown field '{name}' in value of user defined type {}",
            maybe_quote(&definition.name)
        )));
    }
    Ok(builder.finish())
}
