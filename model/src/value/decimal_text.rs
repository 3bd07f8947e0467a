//! `decimal` as text: Java's `BigDecimal(String)` and `BigDecimal.toString`.

use std::fmt;
use std::str::FromStr;

use num_bigint::{BigInt, Sign};

use super::{Decimal, ValueError};

impl FromStr for Decimal {
    type Err = ValueError;

    /// Reads digits with an optional sign, point and exponent. The scale is the count of digits behind the point less
    /// the exponent.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        parse(text).ok_or_else(|| ValueError::new(format!("unable to make BigDecimal from '{text}'")))
    }
}

fn parse(text: &str) -> Option<Decimal> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (text, 0),
    };
    let (sign, unsigned) = match mantissa.as_bytes().first()? {
        b'-' => (Sign::Minus, mantissa.get(1..)?),
        b'+' => (Sign::Plus, mantissa.get(1..)?),
        _ => (Sign::Plus, mantissa),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let scale = i32::try_from(fraction.len() as i64 - exponent).ok()?;
    let magnitude = BigInt::from_str(&digits).ok()?;
    Some(Decimal { unscaled: if sign == Sign::Minus { -magnitude } else { magnitude }, scale })
}

/// Digits with an optional sign, within 32 bits.
fn parse_exponent(text: &str) -> Option<i64> {
    text.parse::<i32>().ok().map(i64::from)
}

impl fmt::Display for Decimal {
    /// Plain while the scale is not negative and at most six zeros stand behind the point before the first digit, else
    /// with one digit before the point and an exponent, as Java does.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.unscaled.sign() == Sign::Minus {
            out.write_str("-")?;
        }
        let digits = self.unscaled.magnitude().to_str_radix(10);
        let scale = i64::from(self.scale);
        let exponent = digits.len() as i64 - 1 - scale;
        if scale == 0 {
            return out.write_str(&digits);
        }
        if scale > 0 && exponent >= -6 {
            let zeros = "0".repeat((scale + 1 - digits.len() as i64).max(0) as usize);
            let padded = zeros + &digits;
            let (whole, fraction) = padded.split_at(padded.len() - scale as usize);
            return write!(out, "{whole}.{fraction}");
        }
        let (first, rest) = digits.split_at(1);
        out.write_str(first)?;
        if !rest.is_empty() {
            write!(out, ".{rest}")?;
        }
        if exponent != 0 {
            write!(out, "E{exponent:+}")?;
        }
        Ok(())
    }
}
