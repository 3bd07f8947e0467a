//! `exp`, `log` and `log10` of decimals and varints: to the digits the argument has, at least 32, rounded half to even.
//!
//! All is done with whole numbers that stand for themselves times a power of ten, with guard digits.

use helenus_model::value::Decimal;
use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::math::MathFunction;

/// Digits a result has at least (Cassandra: DecimalType.MIN_SIGNIFICANT_DIGITS).
const DIGITS_MIN: u64 = 32;
/// Arguments of more digits are refused: the work grows with their cube.
const DIGITS_MAX: u64 = 1_000;
/// Digits beyond those of the result.
const GUARD: u64 = 24;
/// How often an exponent is halved before its series is summed.
const HALVINGS: u32 = 12;

/// The function of a decimal.
///
/// # Errors
/// Logarithms of what is not above zero, results out of a decimal's range, arguments of more than 1000 digits.
pub(super) fn call(function: MathFunction, number: &Decimal) -> Result<Decimal, String> {
    let digits = number.precision().max(DIGITS_MIN);
    if digits > DIGITS_MAX {
        return Err("the number has too many digits".to_owned());
    }
    match function {
        MathFunction::Exp => exp(number, digits),
        MathFunction::Log if !number.unscaled.is_positive() => Err("Natural log of number zero or less".to_owned()),
        MathFunction::Log10 if !number.unscaled.is_positive() => Err("Log10 of number zero or less".to_owned()),
        MathFunction::Log => Ok(rounded_log(number, digits)),
        MathFunction::Log10 => {
            let work = digits + 2;
            let ten = round(&log_of_ten(work + GUARD), work + GUARD, work);
            let quotient = quotient(&rounded_log(number, work), &ten, work);
            Ok(round_decimal(quotient, digits))
        }
        MathFunction::Abs | MathFunction::Round => Ok(number.clone()),
    }
}

/// The natural logarithm to so many digits; that of one is a plain zero.
fn rounded_log(number: &Decimal, digits: u64) -> Decimal {
    if is_one(number) {
        return Decimal { unscaled: BigInt::zero(), scale: 0 };
    }
    round(&log(number, digits + GUARD), digits + GUARD, digits)
}

fn is_one(number: &Decimal) -> bool {
    let digits = number.precision() - 1;
    i64::from(number.scale) == digits as i64 && number.unscaled == power(digits)
}

/// Java's quotient to so many digits: one that is exact keeps no more zeros than the difference of the scales asks for.
fn quotient(dividend: &Decimal, divisor: &Decimal, digits: u64) -> Decimal {
    let preferred = dividend.scale - divisor.scale;
    if dividend.unscaled.is_zero() {
        return Decimal { unscaled: BigInt::zero(), scale: preferred };
    }
    let shift = digits + GUARD + divisor.precision();
    let shifted = &dividend.unscaled * power(shift);
    let is_exact = (&shifted % &divisor.unscaled).is_zero();
    let whole = Decimal { unscaled: shifted / &divisor.unscaled, scale: preferred + shift as i32 };
    let Decimal { mut unscaled, mut scale } = round_decimal(whole.clone(), digits);
    let ten = BigInt::from(10);
    let is_same = is_exact && (&whole.unscaled % power((whole.scale - scale).max(0) as u64)).is_zero();
    while is_same && scale > preferred && (&unscaled % &ten).is_zero() {
        unscaled /= &ten;
        scale -= 1;
    }
    Decimal { unscaled, scale }
}

fn power(digits: u64) -> BigInt {
    BigInt::from(10).pow(digits as u32)
}

/// `2 × artanh(1 / n)`, which is the logarithm of (n + 1) / (n − 1).
fn log_of_ratio(n: u32, work: u64) -> BigInt {
    let square = BigInt::from(n) * n;
    let mut term: BigInt = power(work) * 2_u8 / n;
    let (mut sum, mut divisor) = (BigInt::zero(), 1_u32);
    while !term.is_zero() {
        sum += &term / divisor;
        term /= &square;
        divisor += 2;
    }
    sum
}

/// The logarithm of 10 = 2³ × 5/4.
fn log_of_ten(work: u64) -> BigInt {
    log_of_ratio(3, work + 4) * 3 / power(4) + log_of_ratio(9, work + 4) / power(4)
}

/// The natural logarithm with `work` digits behind the point.
fn log(number: &Decimal, work: u64) -> BigInt {
    // The number is m × 10^exponent with m from 1 to 10.
    let exponent = number.precision() as i64 - 1 - i64::from(number.scale);
    let shift = work as i64 - (number.precision() as i64 - 1);
    let m = match shift {
        0.. => &number.unscaled * power(shift as u64),
        _ => &number.unscaled / power(shift.unsigned_abs()),
    };
    let one = power(work);
    // artanh's series wants what is near 1: a hundredth of m's root is taken off by halving the logarithm three times.
    let mut root = m;
    for _ in 0..3 {
        root = (root * &one).sqrt();
    }
    let ratio = (&root - &one) * &one / (&root + &one);
    let square = &ratio * &ratio / &one;
    let (mut term, mut sum, mut divisor) = (ratio, BigInt::zero(), 1_u32);
    while !term.is_zero() {
        sum += &term / divisor;
        term = term * &square / &one;
        divisor += 2;
    }
    sum * 16 + log_of_ten(work) * exponent
}

fn exp(number: &Decimal, digits: u64) -> Result<Decimal, String> {
    if number.unscaled.is_zero() {
        return Ok(Decimal { unscaled: BigInt::one(), scale: 0 });
    }
    let overflow = || "Overflow".to_owned();
    // Digits before the point of the argument: each asks for another digit of the logarithm of ten.
    let whole = (number.precision() as i64 - i64::from(number.scale)).max(0);
    if whole > 12 {
        return Err(overflow());
    }
    let work = digits + GUARD + whole as u64;
    let shift = work as i64 - i64::from(number.scale);
    let x = match shift {
        0.. => {
            if shift as u64 > 2 * DIGITS_MAX + work {
                return Err(overflow());
            }
            &number.unscaled * power(shift as u64)
        }
        _ if shift.unsigned_abs() > number.precision() => BigInt::zero(),
        _ => &number.unscaled / power(shift.unsigned_abs()),
    };
    let ten = log_of_ten(work);
    let mut exponent = &x / &ten;
    let mut rest = x - &exponent * &ten;
    if rest.is_negative() {
        rest += &ten;
        exponent -= 1;
    }
    let one = power(work);
    let small = rest >> HALVINGS;
    let (mut term, mut sum, mut place) = (one.clone(), one.clone(), 1_u32);
    loop {
        term = term * &small / &one / place;
        if term.is_zero() {
            break;
        }
        sum += &term;
        place += 1;
    }
    for _ in 0..HALVINGS {
        sum = &sum * &sum / &one;
    }
    let rounded = round(&sum, work, digits);
    let exponent = exponent.to_i64().ok_or_else(overflow)?;
    let scale = i32::try_from(i64::from(rounded.scale) - exponent).map_err(|_| overflow())?;
    Ok(Decimal { unscaled: rounded.unscaled, scale })
}

/// A whole number that stands for itself × 10^−scale, rounded half to even to so many digits.
fn round(number: &BigInt, scale: u64, digits: u64) -> Decimal {
    round_decimal(Decimal { unscaled: number.clone(), scale: scale as i32 }, digits)
}

fn round_decimal(whole: Decimal, digits: u64) -> Decimal {
    let number = &whole.unscaled;
    let surplus = whole.precision().saturating_sub(digits);
    if surplus == 0 || number.is_zero() {
        return whole;
    }
    let divisor = power(surplus);
    let (quotient, rest) = (number / &divisor, (number % &divisor).abs() * 2);
    let up = rest > divisor || (rest == divisor && (&quotient % 2_u8) != BigInt::zero());
    let unscaled = match (up, number.is_negative()) {
        (false, _) => quotient,
        (true, false) => quotient + BigInt::one(),
        (true, true) => quotient - BigInt::one(),
    };
    Decimal { unscaled, scale: whole.scale - surplus as i32 }
}
