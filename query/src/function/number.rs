//! Numbers of any CQL type, with Java's conversions between them.

use helenus_model::types::CqlType;
use helenus_model::value::{
    Decimal, decode_bigint, decode_double, decode_float, decode_int, decode_smallint, decode_tinyint, decode_varint,
    encode_varint, java_double,
};
use num_bigint::BigInt;
use num_traits::{ToPrimitive, Zero};

/// The most decimal digits arithmetic on decimals may come to (Cassandra rounds at 10000).
pub(super) const DIGITS_MAX: u64 = 20_000;

/// A number.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Number {
    Long(i64),
    Float(f32),
    Double(f64),
    Big(BigInt),
    Decimal(Decimal),
}

/// Whether values of the type are numbers.
pub(crate) fn is_number(ty: &CqlType) -> bool {
    matches!(
        ty,
        CqlType::Tinyint
            | CqlType::Smallint
            | CqlType::Int
            | CqlType::Bigint
            | CqlType::Counter
            | CqlType::Float
            | CqlType::Double
            | CqlType::Decimal
            | CqlType::Varint
    )
}

pub(super) fn bigint(bytes: &[u8]) -> Option<i64> {
    decode_bigint(bytes)
}

/// The number of a value; None when it is empty or no number.
pub(super) fn decode(ty: &CqlType, bytes: &[u8]) -> Option<Number> {
    Some(match ty {
        CqlType::Tinyint => Number::Long(decode_tinyint(bytes)?.into()),
        CqlType::Smallint => Number::Long(decode_smallint(bytes)?.into()),
        CqlType::Int => Number::Long(decode_int(bytes)?.into()),
        CqlType::Bigint | CqlType::Counter => Number::Long(decode_bigint(bytes)?),
        CqlType::Float => Number::Float(decode_float(bytes)?),
        CqlType::Double => Number::Double(decode_double(bytes)?),
        CqlType::Varint => Number::Big(decode_varint(bytes)?),
        CqlType::Decimal => Number::Decimal(Decimal::from_bytes(bytes)?),
        _ => return None,
    })
}

impl Number {
    /// Java's longValue.
    pub(super) fn to_long(&self) -> i64 {
        match self {
            Number::Long(n) => *n,
            Number::Float(n) => *n as i64,
            Number::Double(n) => *n as i64,
            Number::Big(n) => low_bits(n),
            Number::Decimal(n) => truncated(n).map_or(0, |n| low_bits(&n)),
        }
    }

    /// Java's intValue: floating numbers saturate, whole ones keep their low bits.
    pub(super) fn to_int(&self) -> i32 {
        match self {
            Number::Float(n) => *n as i32,
            Number::Double(n) => *n as i32,
            other => other.to_long() as i32,
        }
    }

    /// Java's doubleValue.
    pub(super) fn to_double(&self) -> f64 {
        match self {
            Number::Long(n) => *n as f64,
            Number::Float(n) => f64::from(*n),
            Number::Double(n) => *n,
            Number::Big(n) => n.to_f64().unwrap_or(f64::NAN),
            Number::Decimal(n) => {
                let exponent = -i64::from(n.scale);
                format!("{}e{exponent}", n.unscaled).parse().unwrap_or(f64::NAN)
            }
        }
    }

    /// Java's floatValue.
    pub(super) fn to_float(&self) -> f32 {
        match self {
            Number::Long(n) => *n as f32,
            Number::Float(n) => *n,
            Number::Double(n) => *n as f32,
            Number::Big(n) => n.to_f32().unwrap_or(f32::NAN),
            Number::Decimal(n) => {
                let exponent = -i64::from(n.scale);
                format!("{}e{exponent}", n.unscaled).parse().unwrap_or(f32::NAN)
            }
        }
    }

    /// As a whole number, its fraction cut off.
    ///
    /// # Errors
    /// NaN, infinities, and decimals of too many digits.
    pub(super) fn to_big(&self) -> Result<BigInt, String> {
        match self {
            Number::Long(n) => Ok(BigInt::from(*n)),
            Number::Big(n) => Ok(n.clone()),
            other => {
                let decimal = other.to_decimal()?;
                truncated(&decimal).ok_or_else(too_many_digits)
            }
        }
    }

    /// As an operand of decimal arithmetic: Cassandra takes integers of fixed width through a double there, so that 2 is 2.0.
    pub(super) fn to_decimal_operand(&self) -> Result<Decimal, String> {
        match self {
            Number::Long(n) => decimal_of_double(*n as f64),
            other => other.to_decimal(),
        }
    }

    /// As a decimal.
    ///
    /// # Errors
    /// NaN and infinities.
    pub(super) fn to_decimal(&self) -> Result<Decimal, String> {
        match self {
            Number::Long(n) => Ok(Decimal { unscaled: BigInt::from(*n), scale: 0 }),
            Number::Big(n) => Ok(Decimal { unscaled: n.clone(), scale: 0 }),
            Number::Decimal(n) => Ok(n.clone()),
            Number::Float(n) => decimal_of_double(f64::from(*n)),
            Number::Double(n) => decimal_of_double(*n),
        }
    }

    /// The bytes of the number as a value of the type, converted as Java does.
    ///
    /// # Errors
    /// NaN and infinities for varint and decimal.
    pub(super) fn encode(&self, ty: &CqlType) -> Result<Option<Vec<u8>>, String> {
        Ok(Some(match ty {
            CqlType::Tinyint => (self.to_int() as i8).to_be_bytes().to_vec(),
            CqlType::Smallint => (self.to_int() as i16).to_be_bytes().to_vec(),
            CqlType::Int => self.to_int().to_be_bytes().to_vec(),
            CqlType::Bigint | CqlType::Counter => self.to_long().to_be_bytes().to_vec(),
            CqlType::Float => self.to_float().to_be_bytes().to_vec(),
            CqlType::Double => self.to_double().to_be_bytes().to_vec(),
            CqlType::Varint => encode_varint(&self.to_big()?),
            CqlType::Decimal => self.to_decimal()?.to_bytes(),
            _ => return Ok(None),
        }))
    }
}

pub(super) fn too_many_digits() -> String {
    "the number has too many digits".to_owned()
}

fn decimal_of_double(number: f64) -> Result<Decimal, String> {
    if number.is_nan() {
        return Err("A NaN cannot be converted into a decimal".to_owned());
    }
    if number.is_infinite() {
        return Err("An infinite number cannot be converted into a decimal".to_owned());
    }
    java_double(number).parse::<Decimal>().map_err(|error| error.message().to_owned())
}

/// The low 64 bits in two's complement.
fn low_bits(number: &BigInt) -> i64 {
    let modulus = BigInt::from(1_u8) << 64_u32;
    let mut low = number % &modulus;
    if low < BigInt::zero() {
        low += &modulus;
    }
    low.to_u64().unwrap_or(0) as i64
}

/// The decimal without its fraction; None when it would have too many digits.
fn truncated(decimal: &Decimal) -> Option<BigInt> {
    let scale = i64::from(decimal.scale);
    if scale == 0 || decimal.unscaled.is_zero() {
        return Some(decimal.unscaled.clone());
    }
    if scale < 0 {
        let zeros = scale.unsigned_abs();
        if zeros > DIGITS_MAX {
            return None;
        }
        return Some(&decimal.unscaled * BigInt::from(10).pow(zeros as u32));
    }
    if scale as u64 > decimal.precision() {
        return Some(BigInt::zero());
    }
    Some(&decimal.unscaled / BigInt::from(10).pow(scale as u32))
}
