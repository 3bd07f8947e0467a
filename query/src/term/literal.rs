//! Constants: which types they may become, and their bytes.

use helenus_cql::ast::{Literal, LiteralKind};
use helenus_model::types::CqlType;
use helenus_model::value::{Decimal, parse_text, validate};
use num_bigint::BigInt;

use super::Assignability;
use crate::error::QueryError;
use crate::spec::ColumnSpec;

/// Cassandra's name of the kind, as in "Invalid STRING constant".
pub(super) fn kind_name(kind: LiteralKind) -> &'static str {
    match kind {
        LiteralKind::String => "STRING",
        LiteralKind::Integer => "INTEGER",
        LiteralKind::Float => "FLOAT",
        LiteralKind::Boolean => "BOOLEAN",
        LiteralKind::Duration => "DURATION",
        LiteralKind::Uuid => "UUID",
        LiteralKind::Hex => "HEX",
    }
}

/// The type a constant has when nothing else decides: the smallest of its kind that holds it.
pub(crate) fn preferred_type(literal: &Literal) -> CqlType {
    match literal.kind {
        LiteralKind::String if literal.text.is_ascii() => CqlType::Ascii,
        LiteralKind::String => CqlType::Text,
        LiteralKind::Integer => match literal.text.parse::<i64>() {
            Ok(number) if i32::try_from(number).is_ok() => CqlType::Int,
            Ok(_) => CqlType::Bigint,
            Err(_) => CqlType::Varint,
        },
        LiteralKind::Float => {
            if double_holds(&literal.text) {
                CqlType::Double
            } else {
                CqlType::Decimal
            }
        }
        LiteralKind::Boolean => CqlType::Boolean,
        LiteralKind::Duration => CqlType::Duration,
        LiteralKind::Uuid => match literal.text.as_bytes().get(14) {
            Some(b'1') => CqlType::Timeuuid,
            _ => CqlType::Uuid,
        },
        LiteralKind::Hex => CqlType::Tinyint,
    }
}

/// True when the number, read as a double and printed again, is the same number.
fn double_holds(text: &str) -> bool {
    let Ok(double) = text.parse::<f64>() else { return false };
    if !double.is_finite() || has_few_digits(text) {
        return true;
    }
    match (text.parse::<Decimal>(), format!("{double:e}").parse::<Decimal>()) {
        (Ok(written), Ok(read)) => written.compare_numeric(&read).is_eq(),
        _ => false,
    }
}

/// Whether it has no exponent and so few digits that a double holds it (DBL_DIG of C: 15 decimal digits survive).
fn has_few_digits(text: &str) -> bool {
    text.len() <= 15 && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
}

/// Whether the constant may become a value of the type.
pub(super) fn test(literal: &Literal, ty: &CqlType) -> Assignability {
    match ty {
        // Cassandra does not look at constants for tuples and custom types; their parsers do.
        CqlType::Tuple(_) | CqlType::Custom(_) | CqlType::Empty => Assignability::Weak,
        _ if !fits(literal.kind, ty) => Assignability::No,
        _ if preferred_type(literal) == *ty => Assignability::Exact,
        _ => Assignability::Weak,
    }
}

/// Whether constants of the kind may become values of the type, their own kind's types among them.
fn fits(kind: LiteralKind, ty: &CqlType) -> bool {
    match kind {
        _ if matches!(ty, CqlType::Tuple(_) | CqlType::Custom(_) | CqlType::Empty) => true,
        LiteralKind::String => matches!(
            ty,
            CqlType::Ascii | CqlType::Text | CqlType::Inet | CqlType::Date | CqlType::Time | CqlType::Timestamp
        ),
        LiteralKind::Integer => matches!(
            ty,
            CqlType::Bigint
                | CqlType::Counter
                | CqlType::Date
                | CqlType::Decimal
                | CqlType::Double
                | CqlType::Duration
                | CqlType::Float
                | CqlType::Int
                | CqlType::Smallint
                | CqlType::Time
                | CqlType::Timestamp
                | CqlType::Tinyint
                | CqlType::Varint
        ),
        LiteralKind::Uuid => matches!(ty, CqlType::Uuid | CqlType::Timeuuid),
        LiteralKind::Float => matches!(ty, CqlType::Decimal | CqlType::Double | CqlType::Float),
        LiteralKind::Boolean => *ty == CqlType::Boolean,
        LiteralKind::Hex => matches!(ty, CqlType::Blob | CqlType::Tinyint),
        LiteralKind::Duration => *ty == CqlType::Duration,
    }
}

/// The constant's bytes as a value of the receiver's type.
pub(super) fn encode(literal: &Literal, receiver: &ColumnSpec) -> Result<Vec<u8>, QueryError> {
    if !fits(literal.kind, &receiver.ty) {
        return Err(QueryError::invalid(format!(
            "Invalid {} constant ({}) for \"{}\" of type {}",
            kind_name(literal.kind),
            literal.text,
            receiver.name,
            receiver.ty
        )));
    }
    let invalid = |error: helenus_model::value::ValueError| QueryError::invalid(error.message());
    match (literal.kind, &receiver.ty) {
        (LiteralKind::Hex, _) => {
            let digits = literal.text.get(2..).unwrap_or("");
            if digits.is_empty() {
                return Ok(Vec::new());
            }
            // The value's bytes, whatever its type. Cassandra stores them also where they are no value of it.
            let bytes = parse_text(&CqlType::Blob, digits).map_err(invalid)?;
            validate(&receiver.ty, &bytes).map_err(invalid)?;
            Ok(bytes)
        }
        (LiteralKind::Integer, CqlType::Varint) => match literal.text.parse::<BigInt>() {
            Ok(number) => Ok(helenus_model::value::encode_varint(&number)),
            Err(_) => Err(QueryError::invalid(format!("unable to make int from '{}'", literal.text))),
        },
        // Not a date or number, but no text either: only text types take the empty string.
        (LiteralKind::String, CqlType::Ascii) if !literal.text.is_ascii() => Err(QueryError::invalid(
            "Invalid ASCII character in string literal: java.nio.charset.UnmappableCharacterException: Input length = 1",
        )),
        (_, ty) => parse_text(ty, &literal.text).map_err(invalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_digits_are_held_exactly() {
        for (text, expected) in [
            ("123.25", true),
            ("0.1", true),
            ("-99999999999.999", true),
            ("1e3", true),
            ("1e-400", false),
            ("0.1234567890123456789", false),
            ("123456789012345678.0", false),
        ] {
            assert_eq!(double_holds(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        /// The quick way says only what the long way says, too.
        #[test]
        fn the_quick_way_is_right(text in "-?[0-9]{1,8}\\.[0-9]{0,7}") {
            if has_few_digits(&text) {
                let double: f64 = text.parse().expect("a number");
                let read: Decimal = format!("{double:e}").parse().expect("a number");
                proptest::prop_assert!(text.trim_end_matches('.').parse::<Decimal>().expect("a number").compare_numeric(&read).is_eq());
            }
        }
    }
}
