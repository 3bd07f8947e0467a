//! Whether bytes are a value of a type: what Cassandra's serializers check when a value comes in.

use super::{ValueError, boolean, collection, decimal, duration, inet, integer, text, tuple, uuid, vector};
use crate::types::{CqlType, UdtDefinition};

/// Checks that `bytes` are a value of the type. Multi-cell types are checked in their serialized form, as it comes in
/// with a statement.
///
/// # Errors
/// The first fault, in Cassandra's words.
pub fn validate(cql_type: &CqlType, bytes: &[u8]) -> Result<(), ValueError> {
    match cql_type {
        CqlType::Ascii => text::validate_ascii(bytes),
        CqlType::Text => text::validate_utf8(bytes),
        CqlType::Blob => Ok(()),
        CqlType::Bigint | CqlType::Counter => integer::validate_or_empty(bytes, 8, "byte long"),
        CqlType::Int => integer::validate_or_empty(bytes, 4, "byte int"),
        CqlType::Smallint => integer::validate_exact(bytes, 2, "bytes for a smallint"),
        CqlType::Tinyint => integer::validate_exact(bytes, 1, "byte for a tinyint"),
        CqlType::Time => integer::validate_exact(bytes, 8, "byte long for time"),
        CqlType::Date => integer::validate_exact(bytes, 4, "byte long for date"),
        CqlType::Timestamp => integer::validate_or_empty(bytes, 8, "byte long for date"),
        CqlType::Float => integer::validate_or_empty(bytes, 4, "byte value for a float"),
        CqlType::Double => integer::validate_or_empty(bytes, 8, "byte value for a double"),
        CqlType::Boolean => boolean::validate(bytes),
        CqlType::Uuid => uuid::validate_uuid(bytes),
        CqlType::Timeuuid => uuid::validate_timeuuid(bytes),
        CqlType::Inet => inet::validate(bytes),
        CqlType::Decimal => decimal::validate(bytes),
        CqlType::Varint => Ok(()),
        CqlType::Duration => duration::Duration::from_bytes(bytes).map(|_| ()),
        CqlType::Empty if bytes.is_empty() => Ok(()),
        CqlType::Empty => Err(ValueError::new("EmptyType only accept empty values")),
        CqlType::List { element, .. } => collection::validate(bytes, "list", 1, &mut |_, part| validate(element, part)),
        CqlType::Set { element, .. } => collection::validate(bytes, "set", 1, &mut |_, part| validate(element, part)),
        CqlType::Map { key, value, .. } => collection::validate(bytes, "map", 2, &mut |which, part| {
            validate(if which == 0 { key } else { value }, part)
        }),
        CqlType::Tuple(components) => validate_tuple(components, bytes),
        CqlType::Udt { definition, .. } => validate_udt(definition, bytes),
        CqlType::Vector { element, dimension } => {
            let length = element.value_length_if_fixed();
            let check = &mut |part: &[u8]| validate(element, part);
            vector::validate(bytes, *dimension, length, &|| cql_type.to_string(), check)
        }
        CqlType::Custom(_) => validate_custom(cql_type, bytes),
    }
}

fn validate_tuple(components: &[CqlType], bytes: &[u8]) -> Result<(), ValueError> {
    let frame = tuple::Frame { kind: "tuple", component: &|_| "component".to_owned() };
    tuple::validate(bytes, components.len(), &frame, &mut |place, part| match components.get(place) {
        Some(component) => validate(component, part),
        None => Ok(()),
    })
}

fn validate_udt(definition: &UdtDefinition, bytes: &[u8]) -> Result<(), ValueError> {
    let name = |place: usize| definition.fields.get(place).map_or("", |(name, _)| name.as_str());
    let frame = tuple::Frame { kind: "UDT", component: &|place| format!("field {}", name(place)) };
    tuple::validate(bytes, definition.fields.len(), &frame, &mut |place, part| match definition.fields.get(place) {
        Some((name, field)) => validate(field, part).map_err(|fault| match fault.is_underflow() {
            true => fault,
            false => ValueError::new(format!("Failure validating the {place}th field {name}; {fault}")),
        }),
        None => Ok(()),
    })
}

/// The old classes that have a fixed length are checked for it; the others take any bytes.
fn validate_custom(cql_type: &CqlType, bytes: &[u8]) -> Result<(), ValueError> {
    match cql_type.value_length_if_fixed() {
        Some(16) => uuid::validate_uuid(bytes),
        Some(8) => integer::validate_or_empty(bytes, 8, "byte long for date"),
        _ => Ok(()),
    }
}
