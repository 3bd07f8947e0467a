//! `float` and `double`: IEEE 754, big-endian; Java's order and Java's way of reading.

use std::cmp::Ordering;

use super::ValueError;

/// Value of a `float`, or `None` when it is empty or malformed.
#[inline]
pub fn decode_float(bytes: &[u8]) -> Option<f32> {
    bytes.try_into().ok().map(f32::from_be_bytes)
}

/// Value of a `double`, or `None` when it is empty or malformed.
#[inline]
pub fn decode_double(bytes: &[u8]) -> Option<f64> {
    bytes.try_into().ok().map(f64::from_be_bytes)
}

/// Java's `Double.compare`: -0.0 before 0.0, and every NaN equal and after infinity.
#[inline]
pub(super) fn compare_java(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => a.total_cmp(&b),
        (a_nan, b_nan) => a_nan.cmp(&b_nan),
    }
}

/// Reads a number as Java's `parseFloat` and `parseDouble` do, but for their hexadecimal form: spaces around it, a
/// suffix `f` or `d`, `NaN` and `Infinity` in exactly this spelling.
///
/// # Errors
/// Other text.
pub(super) fn parse<Number>(text: &str, java_name: &str) -> Result<Number, ValueError>
where
    Number: std::str::FromStr + From<f32>,
{
    let fault = || ValueError::new(format!("Unable to make {java_name} from '{text}'"));
    let trimmed = text.trim_matches(|letter: char| letter <= ' ');
    match trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed) {
        "NaN" => return Ok(f32::NAN.into()),
        "Infinity" if trimmed.starts_with('-') => return Ok(f32::NEG_INFINITY.into()),
        "Infinity" => return Ok(f32::INFINITY.into()),
        _ => {}
    }
    let number = trimmed.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(trimmed);
    let only_number_signs = number.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if !only_number_signs {
        return Err(fault());
    }
    number.parse().map_err(|_| fault())
}
