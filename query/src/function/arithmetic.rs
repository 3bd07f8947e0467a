//! `+ - * / %` and the minus sign: numbers, text, dates and times with durations.

use helenus_cql::ast::ArithmeticOperator;
use helenus_model::types::CqlType;
use helenus_model::value::{Decimal, Duration};
use num_bigint::BigInt;
use num_traits::{Signed, Zero};

use super::number::{DIGITS_MAX, Number, decode, too_many_digits};
use super::signature::NUMBERS;
use super::{Body, ScalarFunction, temporal};
use crate::error::QueryError;

/// Digits a quotient of decimals keeps at least, and the bounds of its scale (Cassandra's DecimalType.divide).
/// Most bytes of a sum of texts: a sum of sums of one long text would grow with each.
const TEXT_BYTES_MAX: usize = 32 * 1024 * 1024;
const QUOTIENT_DIGITS_MIN: i64 = 32;
const QUOTIENT_SCALE_MAX: i64 = 1000;

/// Every pair of types the operator takes.
pub(super) fn signatures(name: &str, operator: ArithmeticOperator) -> Vec<ScalarFunction> {
    let mut out = Vec::new();
    let mut push = |left: &CqlType, right: &CqlType, returns: CqlType| {
        out.push(ScalarFunction {
            operator: Some(operator.symbol()),
            ..ScalarFunction::new(name, vec![left.clone(), right.clone()], returns, Body::Arithmetic(operator))
        });
    };
    for left in &NUMBERS {
        for right in &NUMBERS {
            push(left, right, result_type(left, right));
        }
    }
    if matches!(operator, ArithmeticOperator::Add | ArithmeticOperator::Subtract) {
        push(&CqlType::Timestamp, &CqlType::Duration, CqlType::Timestamp);
        push(&CqlType::Date, &CqlType::Duration, CqlType::Date);
    }
    if operator == ArithmeticOperator::Add {
        push(&CqlType::Text, &CqlType::Text, CqlType::Text);
        push(&CqlType::Ascii, &CqlType::Ascii, CqlType::Ascii);
        push(&CqlType::Ascii, &CqlType::Text, CqlType::Text);
        push(&CqlType::Text, &CqlType::Ascii, CqlType::Text);
    }
    out
}

/// The wider of two number types: floating if one is, of the longer length.
fn result_type(left: &CqlType, right: &CqlType) -> CqlType {
    let size = |ty: &CqlType| match ty {
        CqlType::Tinyint => 1,
        CqlType::Smallint => 2,
        CqlType::Int | CqlType::Float => 4,
        CqlType::Bigint | CqlType::Counter | CqlType::Double => 8,
        _ => usize::MAX,
    };
    let floating = |ty: &CqlType| matches!(ty, CqlType::Float | CqlType::Double | CqlType::Decimal);
    match (floating(left) || floating(right), size(left).max(size(right))) {
        (true, 4) => CqlType::Float,
        (true, 8) => CqlType::Double,
        (true, _) => CqlType::Decimal,
        (false, 1) => CqlType::Tinyint,
        (false, 2) => CqlType::Smallint,
        (false, 4) => CqlType::Int,
        (false, 8) => CqlType::Bigint,
        (false, _) => CqlType::Varint,
    }
}

pub(super) fn operate(
    function: &ScalarFunction,
    operator: ArithmeticOperator,
    arguments: &[&[u8]],
) -> Result<Option<Vec<u8>>, QueryError> {
    let ([left_type, right_type], [left, right]) = (function.argument_types.as_slice(), arguments) else {
        return Ok(None);
    };
    match (left_type, right_type) {
        (CqlType::Text | CqlType::Ascii, _) if left.len().saturating_add(right.len()) > TEXT_BYTES_MAX => {
            Err(function.failure(format!("the text would have more than {TEXT_BYTES_MAX} bytes")))
        }
        (CqlType::Text | CqlType::Ascii, _) => Ok(Some([*left, *right].concat())),
        (CqlType::Timestamp | CqlType::Date, CqlType::Duration) => {
            let Ok(duration) = Duration::from_bytes(right) else { return Ok(None) };
            let subtract = operator == ArithmeticOperator::Subtract;
            temporal::shift(left_type, left, &duration, subtract).map_err(|message| function.failure(message))
        }
        _ => {
            let (Some(left), Some(right)) = (decode(left_type, left), decode(right_type, right)) else {
                return Ok(None);
            };
            let result = of_numbers(operator, &function.return_type, &left, &right);
            let result = result.and_then(|number| number.encode(&function.return_type));
            result.map_err(|message| function.failure(message))
        }
    }
}

/// The sum of two numbers of one type; None when one of them is empty.
///
/// # Errors
/// Decimals of too many digits.
pub(crate) fn sum(ty: &CqlType, left: &[u8], right: &[u8]) -> Result<Option<Vec<u8>>, QueryError> {
    let (Some(left), Some(right)) = (decode(ty, left), decode(ty, right)) else { return Ok(None) };
    of_numbers(ArithmeticOperator::Add, ty, &left, &right)
        .and_then(|number| number.encode(ty))
        .map_err(QueryError::invalid)
}

fn of_numbers(operator: ArithmeticOperator, ty: &CqlType, left: &Number, right: &Number) -> Result<Number, String> {
    Ok(match ty {
        CqlType::Tinyint | CqlType::Smallint | CqlType::Int | CqlType::Bigint | CqlType::Counter => {
            Number::Long(of_longs(operator, left.to_long(), right.to_long())?)
        }
        CqlType::Float => {
            let (a, b) = (left.to_float(), right.to_float());
            Number::Float(match operator {
                ArithmeticOperator::Add => a + b,
                ArithmeticOperator::Subtract => a - b,
                ArithmeticOperator::Multiply => a * b,
                ArithmeticOperator::Divide => a / b,
                ArithmeticOperator::Modulo => a % b,
            })
        }
        CqlType::Double => {
            let (a, b) = (left.to_double(), right.to_double());
            Number::Double(match operator {
                ArithmeticOperator::Add => a + b,
                ArithmeticOperator::Subtract => a - b,
                ArithmeticOperator::Multiply => a * b,
                ArithmeticOperator::Divide => a / b,
                ArithmeticOperator::Modulo => a % b,
            })
        }
        CqlType::Decimal => {
            Number::Decimal(of_decimals(operator, &left.to_decimal_operand()?, &right.to_decimal_operand()?)?)
        }
        _ => Number::Big(of_bigs(operator, &left.to_big()?, &right.to_big()?)?),
    })
}

/// Java's arithmetic on integers: results wrap (the caller keeps the low bits).
fn of_longs(operator: ArithmeticOperator, a: i64, b: i64) -> Result<i64, String> {
    let by_zero = b == 0 && matches!(operator, ArithmeticOperator::Divide | ArithmeticOperator::Modulo);
    if by_zero {
        return Err("/ by zero".to_owned());
    }
    Ok(match operator {
        ArithmeticOperator::Add => a.wrapping_add(b),
        ArithmeticOperator::Subtract => a.wrapping_sub(b),
        ArithmeticOperator::Multiply => a.wrapping_mul(b),
        ArithmeticOperator::Divide => a.wrapping_div(b),
        ArithmeticOperator::Modulo => a.wrapping_rem(b),
    })
}

fn of_bigs(operator: ArithmeticOperator, a: &BigInt, b: &BigInt) -> Result<BigInt, String> {
    let by_zero = b.is_zero() && matches!(operator, ArithmeticOperator::Divide | ArithmeticOperator::Modulo);
    if by_zero {
        return Err("BigInteger divide by zero".to_owned());
    }
    Ok(match operator {
        ArithmeticOperator::Add => a + b,
        ArithmeticOperator::Subtract => a - b,
        ArithmeticOperator::Multiply => a * b,
        ArithmeticOperator::Divide => a / b,
        ArithmeticOperator::Modulo => a % b,
    })
}

fn of_decimals(operator: ArithmeticOperator, a: &Decimal, b: &Decimal) -> Result<Decimal, String> {
    match operator {
        ArithmeticOperator::Add | ArithmeticOperator::Subtract | ArithmeticOperator::Modulo => {
            let scale = a.scale.max(b.scale);
            let (x, y) = (rescaled(a, scale)?, rescaled(b, scale)?);
            if operator == ArithmeticOperator::Modulo && y.is_zero() {
                return Err(if x.is_zero() { "Division undefined" } else { "Division by zero" }.to_owned());
            }
            match operator {
                ArithmeticOperator::Add => Ok(Decimal { unscaled: x + y, scale }),
                ArithmeticOperator::Subtract => Ok(Decimal { unscaled: x - y, scale }),
                _ => Ok(remainder(&x, &y, a.scale, b.scale)),
            }
        }
        ArithmeticOperator::Multiply => {
            if a.precision() + b.precision() > DIGITS_MAX {
                return Err(too_many_digits());
            }
            let scale = a.scale.checked_add(b.scale).ok_or_else(|| "Overflow".to_owned())?;
            Ok(Decimal { unscaled: &a.unscaled * &b.unscaled, scale })
        }
        ArithmeticOperator::Divide => divide(a, b),
    }
}

/// What is left of `x / y`, both written at the greater of the scales. As in Java its scale is the dividend's, or greater when the
/// whole quotient has too few zeros at its end to make up for the divisor's.
fn remainder(x: &BigInt, y: &BigInt, dividend_scale: i32, divisor_scale: i32) -> Decimal {
    let scale = dividend_scale.max(divisor_scale);
    let (mut quotient, mut unscaled) = (x / y, x % y);
    let ten = BigInt::from(10);
    let mut scale_left = scale;
    while scale_left > dividend_scale && (&quotient % &ten).is_zero() {
        quotient /= &ten;
        unscaled /= &ten;
        scale_left -= 1;
    }
    Decimal { unscaled, scale: scale_left }
}

/// The digits of the decimal at a scale not below its own.
fn rescaled(decimal: &Decimal, scale: i32) -> Result<BigInt, String> {
    let zeros = (i64::from(scale) - i64::from(decimal.scale)).unsigned_abs();
    if zeros + decimal.precision() > DIGITS_MAX {
        return Err(too_many_digits());
    }
    Ok(&decimal.unscaled * BigInt::from(10).pow(zeros as u32))
}

/// Quotient with at least 32 digits, rounded half up, without zeros at its end.
fn divide(a: &Decimal, b: &Decimal) -> Result<Decimal, String> {
    if b.unscaled.is_zero() {
        return Err("BigInteger divide by zero".to_owned());
    }
    let place = |d: &Decimal| d.precision() as i64 - i64::from(d.scale);
    let first_digit = place(a) - place(b);
    let wanted = (QUOTIENT_DIGITS_MIN - first_digit).max(i64::from(a.scale)).max(i64::from(b.scale));
    let scale = wanted.clamp(QUOTIENT_DIGITS_MIN, QUOTIENT_SCALE_MAX);
    // a / b = (A / B) × 10^(sb − sa); at the wanted scale the digits are A × 10^(scale − sa + sb) / B.
    let shift = scale - i64::from(a.scale) + i64::from(b.scale);
    if shift.unsigned_abs() > DIGITS_MAX {
        return Err(too_many_digits());
    }
    let power = BigInt::from(10).pow(shift.unsigned_abs() as u32);
    let (dividend, divisor) =
        if shift >= 0 { (&a.unscaled * power, b.unscaled.clone()) } else { (a.unscaled.clone(), &b.unscaled * power) };
    let quotient = &dividend / &divisor;
    let rest: BigInt = (&dividend % &divisor) * 2;
    let negative = dividend.is_negative() != divisor.is_negative();
    let unscaled = match (rest.abs() >= divisor.abs(), negative) {
        (false, _) => quotient,
        (true, false) => quotient + 1,
        (true, true) => quotient - 1,
    };
    Ok(strip_zeros(Decimal { unscaled, scale: scale as i32 }))
}

/// Java's stripTrailingZeros.
fn strip_zeros(decimal: Decimal) -> Decimal {
    if decimal.unscaled.is_zero() {
        return Decimal { unscaled: BigInt::zero(), scale: 0 };
    }
    let Decimal { mut unscaled, mut scale } = decimal;
    let ten = BigInt::from(10);
    while (&unscaled % &ten).is_zero() && scale > i32::MIN {
        unscaled /= &ten;
        scale -= 1;
    }
    Decimal { unscaled, scale }
}

pub(super) fn negate(ty: &CqlType, bytes: &[u8]) -> Result<Option<Vec<u8>>, QueryError> {
    let negated = match decode(ty, bytes) {
        None => return Ok(None),
        Some(Number::Long(n)) => Number::Long(n.wrapping_neg()),
        Some(Number::Float(n)) => Number::Float(-n),
        Some(Number::Double(n)) => Number::Double(-n),
        Some(Number::Big(n)) => Number::Big(-n),
        Some(Number::Decimal(n)) => Number::Decimal(Decimal { unscaled: -n.unscaled, scale: n.scale }),
    };
    negated.encode(ty).map_err(QueryError::invalid)
}
