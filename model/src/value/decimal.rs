//! `decimal`: a scale (32 bits) and an unscaled varint; the number is unscaled × 10^-scale.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};
use num_traits::Zero;

use super::{ValueError, encode_varint};

/// A decimal number. Equality is of the form: 1.0 and 1.00 differ, though they compare as equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The digits.
    pub unscaled: BigInt,
    /// Digits behind the point; negative for zeros in front of it.
    pub scale: i32,
}

impl Decimal {
    /// The number, or `None` when the value is empty or malformed. A scale without digits, which files of Cassandra may
    /// have, is zero.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (scale, digits) = bytes.split_first_chunk::<4>()?;
        Some(Decimal { unscaled: BigInt::from_signed_bytes_be(digits), scale: i32::from_be_bytes(*scale) })
    }

    /// The serialized form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.scale.to_be_bytes().to_vec();
        out.extend_from_slice(&encode_varint(&self.unscaled));
        out
    }

    /// Count of decimal digits of the unscaled number; 1 for zero.
    pub fn precision(&self) -> u64 {
        if self.unscaled.is_zero() {
            return 1;
        }
        self.unscaled.magnitude().to_str_radix(10).len() as u64
    }

    /// Order of the numbers themselves, whatever their scales.
    pub fn compare_numeric(&self, other: &Decimal) -> Ordering {
        let sign = |decimal: &Decimal| match decimal.unscaled.sign() {
            Sign::Minus => -1,
            Sign::NoSign => 0,
            Sign::Plus => 1,
        };
        let by_sign = sign(self).cmp(&sign(other));
        if by_sign != Ordering::Equal || sign(self) == 0 {
            return by_sign;
        }
        if self.scale == other.scale {
            return self.unscaled.cmp(&other.unscaled);
        }
        // The place of the first digit decides first: scales may differ by billions, digits may not be padded so far.
        let leading = |decimal: &Decimal| decimal.precision() as i64 - i64::from(decimal.scale);
        let by_leading = leading(self).cmp(&leading(other));
        if by_leading != Ordering::Equal {
            return if sign(self) < 0 { by_leading.reverse() } else { by_leading };
        }
        // Now the scales differ by no more than the count of digits.
        let difference = i64::from(self.scale) - i64::from(other.scale);
        let factor = BigInt::from(10).pow(difference.unsigned_abs() as u32);
        if difference > 0 {
            self.unscaled.cmp(&(&other.unscaled * factor))
        } else {
            (&self.unscaled * factor).cmp(&other.unscaled)
        }
    }
}

/// Order of serialized decimals; empty and malformed ones first.
pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    match (Decimal::from_bytes(a), Decimal::from_bytes(b)) {
        (Some(a), Some(b)) => a.compare_numeric(&b),
        (whole_a, whole_b) => whole_a.is_some().cmp(&whole_b.is_some()).then_with(|| a.cmp(b)),
    }
}

/// A scale without digits is no number: Cassandra lets it in, but cannot compare it, so a table whose clustering has
/// it takes no further write and cannot be flushed there, and drivers cannot read it.
pub(super) fn validate(bytes: &[u8]) -> Result<(), ValueError> {
    match bytes.len() {
        1..4 => Err(ValueError::new(format!("Expected 0 or at least 4 bytes ({})", bytes.len()))),
        4 => Err(ValueError::new("Expected digits behind the scale of a decimal (4 bytes)")),
        _ => Ok(()),
    }
}
