//! `cast_as_x`, which `CAST(a AS x)` means.

use helenus_model::types::CqlType;
use helenus_model::value::{Decimal, encode_varint, to_text};

use super::number::decode;
use super::{Body, ScalarFunction, temporal};
use crate::error::QueryError;

const NUMBERS: [CqlType; 9] = [
    CqlType::Bigint,
    CqlType::Smallint,
    CqlType::Float,
    CqlType::Int,
    CqlType::Decimal,
    CqlType::Double,
    CqlType::Varint,
    CqlType::Tinyint,
    CqlType::Counter,
];

/// The casts of a name, one for each type that can be cast so.
pub(super) fn signatures(name: &str) -> Option<Vec<ScalarFunction>> {
    // Named after the types that Cassandra lists: `varchar` is another name of one of them.
    let target = name.strip_prefix("cast_as_").filter(|target| *target != "varchar")?;
    let target = CqlType::native(target)?;
    let others = [
        CqlType::Boolean,
        CqlType::Date,
        CqlType::Time,
        CqlType::Timestamp,
        CqlType::Timeuuid,
        CqlType::Uuid,
        CqlType::Inet,
        CqlType::Ascii,
    ];
    let sources: Vec<CqlType> = match target {
        CqlType::Text => NUMBERS.iter().chain(&others).cloned().collect(),
        CqlType::Ascii => NUMBERS.iter().chain(&others).filter(|ty| **ty != CqlType::Ascii).cloned().collect(),
        CqlType::Timestamp => vec![CqlType::Timeuuid, CqlType::Date],
        CqlType::Date => vec![CqlType::Timeuuid, CqlType::Timestamp],
        CqlType::Counter => return None,
        _ if NUMBERS.contains(&target) => NUMBERS.iter().filter(|ty| **ty != target).cloned().collect(),
        _ => return None,
    };
    let cast = |source: CqlType| ScalarFunction::new(name, vec![source], target.clone(), Body::Cast);
    Some(sources.into_iter().map(cast).collect())
}

/// The value as one of the other type; null for an empty value.
pub(super) fn cast(from: &CqlType, to: &CqlType, bytes: &[u8]) -> Result<Option<Vec<u8>>, QueryError> {
    if from == to {
        return Ok(Some(bytes.to_vec()));
    }
    match to {
        CqlType::Text | CqlType::Ascii => Ok(Some(to_text(from, bytes).into_bytes())),
        CqlType::Timestamp => Ok(temporal::millis_of(from, bytes).map(|millis| millis.to_be_bytes().to_vec())),
        CqlType::Date => Ok(temporal::millis_of(from, bytes).map(|millis| temporal::date_of_millis(millis).to_vec())),
        // As it is written, not as the double it is.
        CqlType::Decimal if *from == CqlType::Float => {
            let text = to_text(from, bytes);
            match text.parse::<Decimal>() {
                Ok(decimal) => Ok(Some(decimal.to_bytes())),
                Err(_) if bytes.is_empty() => Ok(None),
                Err(_) => Err(QueryError::invalid(format!("{text} cannot be converted into a decimal"))),
            }
        }
        // Whatever comes, as a long: what is greater loses its high bits, or is the greatest long.
        CqlType::Varint => Ok(decode(from, bytes).map(|number| encode_varint(&number.to_long().into()))),
        _ => match decode(from, bytes) {
            Some(number) => number.encode(to).map_err(QueryError::invalid),
            None => Ok(None),
        },
    }
}
