//! Reading values from text, as Cassandra reads literals, JSON strings and the arguments of its tools.

use num_bigint::BigInt;

use super::{
    Decimal, TupleBuilder, ValueError, date, duration_text, encode_inet, encode_varint, float, inet, integer, text,
    time_of_day, timestamp, uuid, validate,
};
use crate::types::CqlType;

/// Reads a value of the type from its text form. No text gives the empty value where Cassandra gives it.
///
/// Tuples and UDTs are read as `a:b`, with `@` for null and `\` before `:` and `@` in a component; collections, vectors
/// and blobs as hexadecimal digits.
///
/// # Errors
/// Text that is no value of the type, in Cassandra's words.
pub fn parse_text(cql_type: &CqlType, source: &str) -> Result<Vec<u8>, ValueError> {
    if source.is_empty() && !matches!(cql_type, CqlType::Date | CqlType::Time | CqlType::Boolean) {
        return Ok(Vec::new());
    }
    Ok(match cql_type {
        CqlType::Ascii if source.is_ascii() => source.as_bytes().to_vec(),
        CqlType::Ascii => return Err(not_ascii(source)),
        CqlType::Text => source.as_bytes().to_vec(),
        CqlType::Boolean => vec![u8::from(parse_boolean(source)?)],
        CqlType::Tinyint => integer::parse::<i8>(source, "byte")?.to_be_bytes().to_vec(),
        CqlType::Smallint => integer::parse::<i16>(source, "short")?.to_be_bytes().to_vec(),
        CqlType::Int => integer::parse::<i32>(source, "int")?.to_be_bytes().to_vec(),
        CqlType::Bigint | CqlType::Counter => integer::parse::<i64>(source, "long")?.to_be_bytes().to_vec(),
        CqlType::Varint => encode_varint(&parse_varint(source)?),
        CqlType::Decimal => source.parse::<Decimal>()?.to_bytes(),
        CqlType::Float => float::parse::<f32>(source, "float")?.to_be_bytes().to_vec(),
        CqlType::Double => float::parse::<f64>(source, "double")?.to_be_bytes().to_vec(),
        CqlType::Inet => encode_inet(inet::parse(source)?),
        CqlType::Uuid => uuid::parse_uuid(source)?.as_bytes().to_vec(),
        CqlType::Timeuuid => uuid::parse_timeuuid(source)?.as_bytes().to_vec(),
        CqlType::Date => date::parse(source)?.to_be_bytes().to_vec(),
        CqlType::Time => time_of_day::parse(source)?.to_be_bytes().to_vec(),
        CqlType::Timestamp => timestamp::parse(source)?.to_be_bytes().to_vec(),
        CqlType::Duration => duration_text::parse(source)?.to_bytes(),
        CqlType::Empty => return Err(ValueError::new(format!("'{source}' is not empty"))),
        CqlType::Tuple(components) => parse_tuple(cql_type, &mut components.iter(), source)?,
        CqlType::Udt { definition, .. } => {
            parse_tuple(cql_type, &mut definition.fields.iter().map(|(_, field)| field), source)?
        }
        CqlType::Blob
        | CqlType::List { .. }
        | CqlType::Set { .. }
        | CqlType::Map { .. }
        | CqlType::Vector { .. }
        | CqlType::Custom(_) => {
            let digits = text::unhex(source);
            let bytes = digits.ok_or_else(|| ValueError::new(format!("cannot parse '{source}' as hex bytes")))?;
            // Cassandra keeps what is no value, too.
            validate(cql_type, &bytes)?;
            bytes
        }
    })
}

/// Cassandra's message carries Java's, which counts the UTF-16 units of the first character that is not ASCII.
fn not_ascii(source: &str) -> ValueError {
    let units = source.chars().find(|letter| !letter.is_ascii()).map_or(1, char::len_utf16);
    ValueError::new(format!(
        "Invalid ASCII character in string literal: java.nio.charset.UnmappableCharacterException: Input length = {units}"
    ))
}

fn parse_boolean(source: &str) -> Result<bool, ValueError> {
    if source.eq_ignore_ascii_case("true") {
        return Ok(true);
    }
    if source.is_empty() || source.eq_ignore_ascii_case("false") {
        return Ok(false);
    }
    Err(ValueError::new(format!("Unable to make boolean from '{source}'")))
}

fn parse_varint(source: &str) -> Result<BigInt, ValueError> {
    let digits = source.strip_prefix(['+', '-']).unwrap_or(source);
    let only_digits = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    only_digits
        .then(|| source.parse().ok())
        .flatten()
        .ok_or_else(|| ValueError::new(format!("unable to make int from '{source}'")))
}

fn parse_tuple(
    cql_type: &CqlType,
    components: &mut dyn ExactSizeIterator<Item = &CqlType>,
    source: &str,
) -> Result<Vec<u8>, ValueError> {
    let parts = split_tuple(source);
    if parts.len() > components.len() {
        return Err(ValueError::new(format!(
            "Invalid tuple literal: too many elements. Type {cql_type} expects {} but got {}",
            components.len(),
            parts.len()
        )));
    }
    let mut builder = TupleBuilder::default();
    for (component, part) in components.zip(&parts) {
        if part == "@" {
            builder.push(None);
        } else {
            let part = part.replace("\\:", ":").replace("\\@", "@");
            builder.push(Some(&parse_text(component, &part)?));
        }
    }
    let bytes = builder.finish();
    // No text is no bytes, which not all types take. Cassandra keeps them.
    validate(cql_type, &bytes)?;
    Ok(bytes)
}

/// Splits at colons that no backslash stands before.
fn split_tuple(source: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut before = ' ';
    for letter in source.chars() {
        match parts.last_mut() {
            Some(part) if letter != ':' || before == '\\' => part.push(letter),
            _ => parts.push(String::new()),
        }
        before = letter;
    }
    parts
}
