//! `float` and `double`: IEEE 754, big-endian; Java's order and Java's way of printing.

use std::cmp::Ordering;

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

/// The number as Java's `Double.toString` prints it: `1.0`, `1.0E7`, `1.0E-4`, `NaN`, `-Infinity`.
pub fn java_double(value: f64) -> String {
    match special(value) {
        Some(name) => name.to_owned(),
        None => java_digits(&format!("{value:e}")),
    }
}

/// The number as Java's `Float.toString` prints it.
pub fn java_float(value: f32) -> String {
    match special(f64::from(value)) {
        Some(name) => name.to_owned(),
        None => java_digits(&format!("{value:e}")),
    }
}

fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        None
    }
}

/// Rewrites Rust's `{:e}` (`-1.25e-7`, the shortest digits that read back) in Java's notation: plain from 10^-3 up to
/// 10^7, else one digit before the point and `E`; always at least one digit behind the point.
fn java_digits(scientific: &str) -> String {
    let (sign, unsigned) = match scientific.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", scientific),
    };
    let (mantissa, exponent) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    if digits == "0" {
        return format!("{sign}0.0");
    }
    match exponent {
        0..7 => {
            let whole = exponent as usize + 1;
            let padded = format!("{digits:0<whole$}");
            let (before, behind) = padded.split_at(whole);
            format!(
                "{sign}{before}.{}",
                if behind.is_empty() { "0" } else { behind }
            )
        }
        -3..0 => format!("{sign}0.{}{digits}", "0".repeat((-exponent - 1) as usize)),
        _ => {
            let (before, behind) = digits.split_at(1);
            format!(
                "{sign}{before}.{}E{exponent}",
                if behind.is_empty() { "0" } else { behind }
            )
        }
    }
}
