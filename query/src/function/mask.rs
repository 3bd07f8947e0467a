//! Dynamic data masking: functions that hide a value or a part of it. The masks of columns are another matter; these are only called.

use helenus_model::types::CqlType;
use helenus_model::value::{TupleBuilder, VectorBuilder, decode_int, encode_date_from_epoch_days, encode_list};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::{Argument, Body, ScalarFunction};
use crate::error::QueryError;
use crate::spec::ColumnSpec;

/// What a masking function leaves of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// Nothing.
    Null,
    /// A fixed value of its type.
    Default,
    /// Another value.
    Replace,
    /// The first and last characters.
    Inner,
    /// The characters between the first and last.
    Outer,
    /// Its digest.
    Hash,
}

impl Mask {
    fn of_name(name: &str) -> Option<Mask> {
        Some(match name {
            "mask_null" => Mask::Null,
            "mask_default" => Mask::Default,
            "mask_replace" => Mask::Replace,
            "mask_inner" => Mask::Inner,
            "mask_outer" => Mask::Outer,
            "mask_hash" => Mask::Hash,
            _ => return None,
        })
    }

    /// The parameters as messages name them.
    fn parameters(self) -> &'static str {
        match self {
            Mask::Null | Mask::Default => "any",
            Mask::Replace => "any, any",
            Mask::Inner | Mask::Outer => "[text|varchar|ascii], int, int, [text]",
            Mask::Hash => "any, [text]",
        }
    }

    /// Fewest and most arguments.
    fn arguments(self) -> (usize, usize) {
        match self {
            Mask::Null | Mask::Default => (1, 1),
            Mask::Replace => (2, 2),
            Mask::Inner | Mask::Outer => (3, 4),
            Mask::Hash => (1, 2),
        }
    }
}

/// The function of this name for these arguments.
pub(super) fn signatures(
    name: &str,
    arguments: &[&dyn Argument],
    receiver: &ColumnSpec,
    wanted: Option<&CqlType>,
) -> Result<Vec<ScalarFunction>, QueryError> {
    let Some(mask) = Mask::of_name(name) else { return Ok(Vec::new()) };
    let (least, most) = mask.arguments();
    if !(least..=most).contains(&arguments.len()) {
        return Err(QueryError::invalid(format!(
            "Invalid number of arguments for function system.{name}({})",
            mask.parameters()
        )));
    }
    let mut types: Vec<CqlType> = Vec::with_capacity(arguments.len());
    for (place, argument) in arguments.iter().enumerate() {
        let text = |ty: &CqlType| matches!(ty, CqlType::Text | CqlType::Ascii);
        let found = argument.exact_type(receiver);
        let ty = match (mask, place) {
            (Mask::Inner | Mask::Outer, 1 | 2) => Some(CqlType::Int),
            (Mask::Inner | Mask::Outer, 3) | (Mask::Hash, 1) => Some(CqlType::Text),
            (Mask::Inner | Mask::Outer, _) => found.clone().or(Some(CqlType::Text)),
            (Mask::Replace, 1) => types.first().cloned(),
            (Mask::Replace, _) => found.clone().or_else(|| wanted.cloned()),
            _ => found.clone(),
        };
        let Some(ty) = ty else {
            return Err(QueryError::invalid(format!(
                "Cannot infer type of argument {} in call to function system.{name}({}): use type casts to disambiguate",
                argument.text(),
                mask.parameters()
            )));
        };
        let required = match (mask, place) {
            (Mask::Inner | Mask::Outer, 0) if !text(&ty) => Some("[text|varchar|ascii]"),
            (Mask::Inner | Mask::Outer, 1 | 2) if found.as_ref().is_some_and(|found| *found != CqlType::Int) => {
                Some("int")
            }
            (Mask::Inner | Mask::Outer, 3) | (Mask::Hash, 1) if found.as_ref().is_some_and(|found| !text(found)) => {
                Some("text")
            }
            _ => None,
        };
        if let Some(required) = required {
            return Err(QueryError::invalid(format!(
                "Function system.{name} requires an argument of type {required}, but found argument {} of type {}",
                argument.text(),
                found.unwrap_or(ty)
            )));
        }
        types.push(ty);
    }
    let returns = match mask {
        Mask::Hash => CqlType::Blob,
        _ => types.first().cloned().unwrap_or(CqlType::Blob),
    };
    Ok(vec![ScalarFunction::new(name, types, returns, Body::Mask(mask))])
}

pub(super) fn call(
    mask: Mask,
    function: &ScalarFunction,
    arguments: &[Option<&[u8]>],
) -> Result<Option<Vec<u8>>, QueryError> {
    let argument = |place: usize| arguments.get(place).copied().flatten();
    Ok(match mask {
        Mask::Null => None,
        Mask::Default => {
            if default_length(&function.return_type) > DEFAULT_BYTES_MAX {
                return Err(QueryError::unsupported(format_args!(
                    "default masks of values of more than {DEFAULT_BYTES_MAX} bytes"
                )));
            }
            Some(default_value(&function.return_type))
        }
        Mask::Replace => argument(1).map(<[u8]>::to_vec),
        Mask::Inner | Mask::Outer => {
            let padding = padding(function, argument(3))?;
            let Some(value) = argument(0) else { return Ok(None) };
            let count = |place| argument(place).and_then(decode_int).unwrap_or(0).max(0) as usize;
            Some(masked(mask, &String::from_utf8_lossy(value), count(1), count(2), padding).into_bytes())
        }
        Mask::Hash => match argument(0) {
            Some(value) => Some(digest(argument(1), value)?),
            // A wrong algorithm is told all the same.
            None => digest(argument(1), &[]).map(|_| None)?,
        },
    })
}

fn padding(function: &ScalarFunction, padding: Option<&[u8]>) -> Result<char, QueryError> {
    let Some(padding) = padding else { return Ok('*') };
    let padding = String::from_utf8_lossy(padding);
    let mut letters = padding.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) => Ok(letter),
        _ => Err(QueryError::invalid(format!(
            "The padding argument for function system.{} should be single-character, but '{padding}' has {} characters.",
            function.name,
            padding.encode_utf16().count()
        ))),
    }
}

/// The text with the characters between the first `begin` and the last `end` hidden, or the others.
fn masked(mask: Mask, value: &str, begin: usize, end: usize, padding: char) -> String {
    // Characters are counted as Java does, by UTF-16 units: of one of two units a half may be left, which is shown as `?`.
    let length = value.encode_utf16().count();
    let hidden = |place: usize| {
        let inside = place >= begin && place + end < length;
        if mask == Mask::Inner { inside } else { !inside }
    };
    let mut out = String::with_capacity(value.len());
    let mut place = 0;
    for letter in value.chars() {
        let units = place..place + letter.len_utf16();
        place = units.end;
        if units.clone().any(hidden) {
            out.extend(units.map(|unit| if hidden(unit) { padding } else { '?' }));
        } else {
            out.push(letter);
        }
    }
    out
}

fn digest(algorithm: Option<&[u8]>, value: &[u8]) -> Result<Vec<u8>, QueryError> {
    let name = algorithm.map_or("SHA-256".into(), String::from_utf8_lossy);
    Ok(match name.to_ascii_uppercase().as_str() {
        "MD5" => Md5::digest(value).to_vec(),
        "SHA" | "SHA-1" | "SHA1" => Sha1::digest(value).to_vec(),
        "SHA-224" => Sha224::digest(value).to_vec(),
        "SHA-256" => Sha256::digest(value).to_vec(),
        "SHA-384" => Sha384::digest(value).to_vec(),
        "SHA-512" => Sha512::digest(value).to_vec(),
        _ => return Err(QueryError::invalid(format!("Hash algorithm not found: {name}"))),
    })
}

/// Longest value that stands for another, bytes: a vector may have 2^31 elements.
const DEFAULT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// No less than the length of what stands for a value of the type.
fn default_length(ty: &CqlType) -> usize {
    let of_parts = |sum: usize, part: &CqlType| sum.saturating_add(4).saturating_add(default_length(part));
    match ty {
        CqlType::Vector { element, dimension } => of_parts(0, element).saturating_mul(*dimension as usize),
        CqlType::Tuple(parts) => parts.iter().fold(0, of_parts),
        CqlType::Udt { definition, .. } => definition.fields.iter().fold(0, |sum, (_, field)| of_parts(sum, field)),
        _ => 16,
    }
}

/// What stands for a value of the type.
fn default_value(ty: &CqlType) -> Vec<u8> {
    match ty {
        CqlType::Ascii | CqlType::Text => b"****".to_vec(),
        CqlType::Boolean | CqlType::Tinyint | CqlType::Varint => vec![0],
        CqlType::Smallint => vec![0; 2],
        CqlType::Int | CqlType::Float | CqlType::Inet => vec![0; 4],
        CqlType::Date => encode_date_from_epoch_days(0).to_vec(),
        CqlType::Bigint | CqlType::Counter | CqlType::Double | CqlType::Time | CqlType::Timestamp => vec![0; 8],
        CqlType::Decimal => vec![0; 5],
        CqlType::Duration => vec![0; 3],
        CqlType::Uuid => vec![0; 16],
        // The first time UUID of the epoch.
        CqlType::Timeuuid => helenus_model::value::min_timeuuid(0).as_bytes().to_vec(),
        CqlType::List { .. } | CqlType::Set { .. } | CqlType::Map { .. } => encode_list(std::iter::empty()),
        CqlType::Vector { element, dimension } => {
            let mut builder = VectorBuilder::new(element.value_length_if_fixed());
            let value = default_value(element);
            (0..*dimension).for_each(|_| builder.push(&value));
            builder.finish()
        }
        CqlType::Tuple(parts) => {
            let mut builder = TupleBuilder::default();
            parts.iter().for_each(|part| builder.push(Some(&default_value(part))));
            builder.finish()
        }
        CqlType::Udt { definition, .. } => {
            let mut builder = TupleBuilder::default();
            definition.fields.iter().for_each(|(_, field)| builder.push(Some(&default_value(field))));
            builder.finish()
        }
        CqlType::Blob | CqlType::Custom(_) | CqlType::Empty => Vec::new(),
    }
}
