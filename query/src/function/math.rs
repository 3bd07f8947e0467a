//! `abs exp log log10 round`: the result has the argument's type.

use helenus_model::types::CqlType;
use helenus_model::value::Decimal;
use num_bigint::BigInt;
use num_traits::Signed;

use super::decimal_math;
use super::number::{Number, decode};
use crate::error::QueryError;

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the function of that name")]
pub enum MathFunction {
    Abs,
    Exp,
    Log,
    Log10,
    Round,
}

pub(super) fn call(function: MathFunction, ty: &CqlType, bytes: &[u8]) -> Result<Option<Vec<u8>>, QueryError> {
    let Some(number) = decode(ty, bytes) else { return Ok(None) };
    let result = match (function, number) {
        (MathFunction::Abs, number) => absolute(number),
        (MathFunction::Round, number) => round(number),
        (_, number @ (Number::Big(_) | Number::Decimal(_))) => {
            let number = number.to_decimal().map_err(QueryError::invalid)?;
            Number::Decimal(decimal_math::call(function, &number).map_err(QueryError::invalid)?)
        }
        (MathFunction::Exp, number) => Number::Double(number.to_double().exp()),
        (MathFunction::Log, number) => Number::Double(number.to_double().ln()),
        (MathFunction::Log10, number) => Number::Double(number.to_double().log10()),
    };
    result.encode(ty).map_err(QueryError::invalid)
}

fn absolute(number: Number) -> Number {
    match number {
        Number::Long(n) => Number::Long(n.wrapping_abs()),
        Number::Float(n) => Number::Float(n.abs()),
        Number::Double(n) => Number::Double(n.abs()),
        Number::Big(n) => Number::Big(n.abs()),
        Number::Decimal(n) => Number::Decimal(Decimal { unscaled: n.unscaled.abs(), scale: n.scale }),
    }
}

/// Java's Math.round: half up, so that −2.5 becomes −2; decimals half away from zero.
fn round(number: Number) -> Number {
    match number {
        Number::Float(n) => Number::Float((f64::from(n) + 0.5).floor() as i32 as f32),
        Number::Double(n) => {
            let floor = n.floor();
            Number::Double((if n - floor >= 0.5 { floor + 1.0 } else { floor }) as i64 as f64)
        }
        Number::Decimal(n) if n.scale > 0 => {
            if n.scale as u64 > n.precision() {
                return Number::Decimal(Decimal { unscaled: BigInt::from(0), scale: 0 });
            }
            let power = BigInt::from(10).pow(n.scale as u32);
            let rest: BigInt = (&n.unscaled % &power) * 2;
            let quotient = &n.unscaled / &power;
            let step = if rest.abs() >= power { n.unscaled.signum() } else { BigInt::from(0) };
            Number::Decimal(Decimal { unscaled: quotient + step, scale: 0 })
        }
        // Tens and hundreds are written out.
        Number::Decimal(n) if n.scale < 0 && u64::from(n.scale.unsigned_abs()) <= ROUNDED_ZEROS_MAX => {
            let power = BigInt::from(10).pow(n.scale.unsigned_abs());
            Number::Decimal(Decimal { unscaled: n.unscaled * power, scale: 0 })
        }
        whole => whole,
    }
}

/// Zeros that rounding writes out at most: a number of more is left as it is.
const ROUNDED_ZEROS_MAX: u64 = 10_000;
