//! `BigInteger`, `BigDecimal` and the numbers of any class.

use helenus_model::value::{Decimal, java_double};
use num_bigint::{BigInt, Sign};
use num_traits::{Signed, ToPrimitive, Zero};

use super::math::{int, long, number};
use super::text::at;
use super::{Members, Method};
use crate::classes::Class;
use crate::heap::{Fault, Object, Outcome, Value, null_pointer, thrown};
use crate::limits::BIG_BITS_MAX;
use crate::run::{Machine, plain_decimal};

/// How a number is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rounding {
    Up,
    Down,
    Ceiling,
    Floor,
    HalfUp,
    HalfDown,
    HalfEven,
    Unnecessary,
}

const ROUNDINGS: [(&str, Rounding); 8] = [
    ("UP", Rounding::Up),
    ("DOWN", Rounding::Down),
    ("CEILING", Rounding::Ceiling),
    ("FLOOR", Rounding::Floor),
    ("HALF_UP", Rounding::HalfUp),
    ("HALF_DOWN", Rounding::HalfDown),
    ("HALF_EVEN", Rounding::HalfEven),
    ("UNNECESSARY", Rounding::Unnecessary),
];

fn too_big<T>() -> Outcome<T> {
    Err(Fault::Limit(format!("the function made a number of more than {BIG_BITS_MAX} bits")))
}

/// The value of any `Number` as a primitive: whole big ones keep their low 64 bits.
pub(super) fn number_of(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let value = at(a, 0);
    let Value::Object(_) = value else { return Ok(value) };
    Ok(match m.heap.get(value)? {
        Object::Big(n) => Value::Long(low_bits(n)),
        Object::Decimal(n) => Value::Long(low_bits(&truncated(n)?)),
        _ => value,
    })
}

fn low_bits(n: &BigInt) -> i64 {
    let mask = BigInt::from(u64::MAX);
    (n & mask).to_u64().unwrap_or_default() as i64
}

fn real_of(m: &Machine<'_>, value: Value) -> Outcome<f64> {
    Ok(match m.heap.get(value)? {
        Object::Big(n) => n.to_f64().unwrap_or(f64::NAN),
        Object::Decimal(n) => format!("{}e{}", n.unscaled, -i64::from(n.scale)).parse().unwrap_or(f64::NAN),
        _ => value.to_double(),
    })
}

fn float_of(m: &Machine<'_>, value: Value) -> Outcome<f32> {
    Ok(match m.heap.get(value)? {
        Object::Big(n) => n.to_string().parse().unwrap_or(f32::NAN),
        Object::Decimal(n) => format!("{}e{}", n.unscaled, -i64::from(n.scale)).parse().unwrap_or(f32::NAN),
        _ => value.to_float(),
    })
}

fn big<'m>(m: &'m Machine<'_>, value: Value) -> Outcome<&'m BigInt> {
    match m.heap.get(value)? {
        Object::Big(n) => Ok(n),
        _ => null_pointer(),
    }
}

fn decimal<'m>(m: &'m Machine<'_>, value: Value) -> Outcome<&'m Decimal> {
    match m.heap.get(value)? {
        Object::Decimal(n) => Ok(n),
        _ => null_pointer(),
    }
}

fn made(m: &mut Machine<'_>, n: BigInt) -> Outcome<Value> {
    if n.bits() > BIG_BITS_MAX {
        return too_big();
    }
    m.work(n.bits() / 256)?;
    m.heap.make(Object::Big(n))
}

fn made_decimal(m: &mut Machine<'_>, n: Decimal) -> Outcome<Value> {
    if n.unscaled.bits() > BIG_BITS_MAX {
        return too_big();
    }
    m.work(n.unscaled.bits() / 256)?;
    m.heap.make(Object::Decimal(n))
}

/// An operation on two big integers.
fn two(m: &mut Machine<'_>, a: &[Value], f: impl Fn(&BigInt, &BigInt) -> Outcome<BigInt>) -> Outcome<Value> {
    let (x, y) = (big(m, at(a, 0))?.clone(), big(m, at(a, 1))?.clone());
    m.work(x.bits().max(1) / 64 * (y.bits() / 64))?;
    if x.bits() + y.bits() > 2 * BIG_BITS_MAX {
        return too_big();
    }
    made(m, f(&x, &y)?)
}

fn by_zero<T>(message: &str) -> Outcome<T> {
    thrown(Class::ArithmeticException, message)
}

fn parse_big(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let text = m.string(at(a, 0))?;
    let radix = if a.len() > 1 { int(a, 1) } else { 10 };
    let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
    if digits.is_empty() {
        return thrown(Class::NumberFormatException, "Zero length BigInteger");
    }
    if !(2..=36).contains(&radix) {
        return thrown(Class::NumberFormatException, "Radix out of range");
    }
    if digits.len() > 20_000 {
        return too_big();
    }
    m.work(digits.len() as u64 * digits.len() as u64 / 4096)?;
    if !digits.chars().all(|c| c.is_digit(radix as u32)) {
        return thrown(Class::NumberFormatException, format!("For input string: \"{text}\""));
    }
    let plain = text.strip_prefix('+').unwrap_or(&text);
    match BigInt::parse_bytes(plain.as_bytes(), radix as u32) {
        Some(n) => made(m, n),
        None => thrown(Class::NumberFormatException, format!("For input string: \"{text}\"")),
    }
}

fn text_of_big(m: &mut Machine<'_>, n: &BigInt, radix: i32) -> Outcome<Value> {
    m.work_on_digits(n.bits())?;
    let text = n.to_str_radix(if (2..=36).contains(&radix) { radix as u32 } else { 10 });
    m.new_string(&text)
}

const BIG: &[Method] = &[
    ("add(BigInteger) BigInteger", |m, a| two(m, a, |x, y| Ok(x + y))),
    ("subtract(BigInteger) BigInteger", |m, a| two(m, a, |x, y| Ok(x - y))),
    ("multiply(BigInteger) BigInteger", |m, a| two(m, a, |x, y| Ok(x * y))),
    ("divide(BigInteger) BigInteger", |m, a| {
        two(m, a, |x, y| if y.is_zero() { by_zero("BigInteger divide by zero") } else { Ok(x / y) })
    }),
    ("remainder(BigInteger) BigInteger", |m, a| {
        two(m, a, |x, y| if y.is_zero() { by_zero("BigInteger divide by zero") } else { Ok(x % y) })
    }),
    ("mod(BigInteger) BigInteger", |m, a| {
        two(m, a, |x, y| {
            if !y.is_positive() {
                return by_zero("BigInteger: modulus not positive");
            }
            let rest = x % y;
            Ok(if rest.is_negative() { rest + y } else { rest })
        })
    }),
    ("gcd(BigInteger) BigInteger", |m, a| {
        let (mut x, mut y) = (big(m, at(a, 0))?.abs(), big(m, at(a, 1))?.abs());
        while !y.is_zero() {
            m.work(1 + (x.bits() / 64) * (y.bits() / 64))?;
            (x, y) = (y.clone(), x % y);
        }
        made(m, x)
    }),
    ("max(BigInteger) BigInteger", |m, a| two(m, a, |x, y| Ok(x.max(y).clone()))),
    ("min(BigInteger) BigInteger", |m, a| two(m, a, |x, y| Ok(x.min(y).clone()))),
    ("and(BigInteger) BigInteger", |m, a| two(m, a, |x, y| Ok(x & y))),
    ("or(BigInteger) BigInteger", |m, a| two(m, a, |x, y| Ok(x | y))),
    ("xor(BigInteger) BigInteger", |m, a| two(m, a, |x, y| Ok(x ^ y))),
    ("negate() BigInteger", |m, a| {
        let n = -big(m, at(a, 0))?;
        made(m, n)
    }),
    ("abs() BigInteger", |m, a| {
        let n = big(m, at(a, 0))?.abs();
        made(m, n)
    }),
    ("signum() int", |m, a| Ok(Value::Int(sign(big(m, at(a, 0))?)))),
    ("bitLength() int", |m, a| {
        let n = big(m, at(a, 0))?;
        let bits = if n.is_negative() { (-n - 1_u8).bits() } else { n.bits() };
        Ok(Value::Int(bits as i32))
    }),
    ("pow(int) BigInteger", |m, a| {
        let (n, power) = (big(m, at(a, 0))?.clone(), int(a, 1));
        if power < 0 {
            return by_zero("Negative exponent");
        }
        if n.bits().saturating_mul(power as u64) > BIG_BITS_MAX && n.bits() > 1 {
            return too_big();
        }
        m.work(n.bits() * power as u64 / 64)?;
        made(m, n.pow(power as u32))
    }),
    ("shiftLeft(int) BigInteger", |m, a| shift(m, a, int(a, 1).into())),
    ("shiftRight(int) BigInteger", |m, a| shift(m, a, -i64::from(int(a, 1)))),
    ("compareTo(BigInteger) int", |m, a| super::utility::compare_to(m, a)),
    ("toString(int) String", |m, a| {
        let n = big(m, at(a, 0))?.clone();
        text_of_big(m, &n, int(a, 1))
    }),
    ("doubleValue() double", |m, a| Ok(Value::Double(real_of(m, at(a, 0))?))),
    ("floatValue() float", |m, a| Ok(Value::Float(float_of(m, at(a, 0))?))),
    ("longValueExact() long", |m, a| match big(m, at(a, 0))?.to_i64() {
        Some(n) => Ok(Value::Long(n)),
        None => by_zero("BigInteger out of long range"),
    }),
    ("intValueExact() int", |m, a| match big(m, at(a, 0))?.to_i32() {
        Some(n) => Ok(Value::Int(n)),
        None => by_zero("BigInteger out of int range"),
    }),
];

fn sign(n: &BigInt) -> i32 {
    match n.sign() {
        Sign::Minus => -1,
        Sign::NoSign => 0,
        Sign::Plus => 1,
    }
}

fn shift(m: &mut Machine<'_>, a: &[Value], by: i64) -> Outcome<Value> {
    let n = big(m, at(a, 0))?.clone();
    if by > 0 && n.bits() + by as u64 > BIG_BITS_MAX {
        return too_big();
    }
    made(m, if by > 0 { n << by as u64 } else { n >> by.unsigned_abs() })
}

pub(super) fn integer() -> Members {
    Members {
        methods: BIG,
        constructors: &[("new(String) BigInteger", parse_big), ("new(String,int) BigInteger", parse_big)],
        statics: &[("valueOf(long) BigInteger", |m, a| made(m, long(a, 0).into()))],
        objects: &[
            ("ZERO() BigInteger", |m, _| made(m, 0.into())),
            ("ONE() BigInteger", |m, _| made(m, 1.into())),
            ("TWO() BigInteger", |m, _| made(m, 2.into())),
            ("TEN() BigInteger", |m, _| made(m, 10.into())),
        ],
        ..Members::default()
    }
}

/// 10 to the power of `exponent`.
fn ten(exponent: i64) -> Outcome<BigInt> {
    match u32::try_from(exponent) {
        Ok(exponent) if u64::from(exponent) * 4 <= BIG_BITS_MAX => Ok(BigInt::from(10).pow(exponent)),
        _ => too_big(),
    }
}

/// The whole part.
fn truncated(n: &Decimal) -> Outcome<BigInt> {
    if n.scale <= 0 {
        return Ok(&n.unscaled * ten(-i64::from(n.scale))?);
    }
    if i64::from(n.scale) > n.precision() as i64 {
        return Ok(BigInt::zero());
    }
    Ok(&n.unscaled / ten(n.scale.into())?)
}

/// `number / by`, rounded.
fn divide(number: &BigInt, by: &BigInt, rounding: Rounding) -> Outcome<BigInt> {
    let (quotient, rest) = (number / by, number % by);
    if rest.is_zero() {
        return Ok(quotient);
    }
    let negative = number.is_negative() != by.is_negative();
    let twice: BigInt = rest.abs() * 2;
    let half = twice.cmp(&by.abs());
    let away = match rounding {
        Rounding::Up => true,
        Rounding::Down => false,
        Rounding::Ceiling => !negative,
        Rounding::Floor => negative,
        Rounding::HalfUp => half.is_ge(),
        Rounding::HalfDown => half.is_gt(),
        Rounding::HalfEven => half.is_gt() || (half.is_eq() && (&quotient % 2_i32) != BigInt::zero()),
        Rounding::Unnecessary => return by_zero("Rounding necessary"),
    };
    let step = if away { if negative { -1 } else { 1 } } else { 0 };
    Ok(quotient + step)
}

/// The number with another scale.
pub(super) fn rescale(n: &Decimal, scale: i32, rounding: Rounding) -> Outcome<Decimal> {
    let difference = i64::from(scale) - i64::from(n.scale);
    let unscaled = if n.unscaled.is_zero() {
        BigInt::zero()
    } else if difference >= 0 {
        &n.unscaled * ten(difference)?
    } else {
        divide(&n.unscaled, &ten(-difference)?, rounding)?
    };
    Ok(Decimal { unscaled, scale })
}

/// Both unscaled at the greater of the scales.
fn aligned(x: &Decimal, y: &Decimal) -> Outcome<(BigInt, BigInt, i32)> {
    let scale = x.scale.max(y.scale);
    Ok((rescale(x, scale, Rounding::Unnecessary)?.unscaled, rescale(y, scale, Rounding::Unnecessary)?.unscaled, scale))
}

fn pair(m: &mut Machine<'_>, a: &[Value]) -> Outcome<(Decimal, Decimal)> {
    let pair = (decimal(m, at(a, 0))?.clone(), decimal(m, at(a, 1))?.clone());
    m.work(1 + (pair.0.unscaled.bits() / 64) * (pair.1.unscaled.bits() / 64))?;
    Ok(pair)
}

fn narrow(scale: i64) -> Outcome<i32> {
    match i32::try_from(scale) {
        Ok(scale) => Ok(scale),
        Err(_) => by_zero(if scale > 0 { "Underflow" } else { "Overflow" }),
    }
}

fn rounding_of(m: &Machine<'_>, value: Value) -> Outcome<Rounding> {
    if let Value::Int(n) = value {
        let found = usize::try_from(n).ok().and_then(|n| ROUNDINGS.get(n));
        return found.map_or_else(
            || thrown(Class::IllegalArgumentException, "Invalid rounding mode"),
            |(_, rounding)| Ok(*rounding),
        );
    }
    match m.heap.get(value)? {
        Object::Rounding(name) => {
            Ok(ROUNDINGS.iter().find(|(other, _)| other == name).map_or(Rounding::HalfUp, |(_, rounding)| *rounding))
        }
        _ => null_pointer(),
    }
}

fn divide_to(m: &mut Machine<'_>, a: &[Value], scale: i32, rounding: Rounding) -> Outcome<Value> {
    let (x, y) = pair(m, a)?;
    if y.unscaled.is_zero() {
        return by_zero(if x.unscaled.is_zero() { "Division undefined" } else { "Division by zero" });
    }
    // x·10^-sx / (y·10^-sy) at `scale`: shift so that the quotient of the unscaled numbers has it.
    let shift = i64::from(scale) - i64::from(x.scale) + i64::from(y.scale);
    let (number, by) =
        if shift >= 0 { (x.unscaled * ten(shift)?, y.unscaled) } else { (x.unscaled, y.unscaled * ten(-shift)?) };
    m.work((number.bits() / 64) * (by.bits() / 64))?;
    made_decimal(m, Decimal { unscaled: divide(&number, &by, rounding)?, scale })
}

/// Without a scale the quotient must end.
fn divide_exactly(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let (x, y) = pair(m, a)?;
    if y.unscaled.is_zero() {
        return by_zero(if x.unscaled.is_zero() { "Division undefined" } else { "Division by zero" });
    }
    let preferred = narrow(i64::from(x.scale) - i64::from(y.scale))?;
    if x.unscaled.is_zero() {
        return made_decimal(m, Decimal { unscaled: BigInt::zero(), scale: preferred });
    }
    // As many digits as an ending quotient can have.
    let digits = (10 * y.precision()).div_ceil(3) + x.precision();
    let scale = i64::from(preferred) + digits as i64;
    let shift = scale - i64::from(preferred);
    let number = x.unscaled * ten(shift)?;
    m.work((number.bits() / 64) * (y.unscaled.bits() / 64 + 1))?;
    if !(&number % &y.unscaled).is_zero() {
        return by_zero("Non-terminating decimal expansion; no exact representable decimal result.");
    }
    let result = stripped(Decimal { unscaled: number / y.unscaled, scale: narrow(scale)? }, preferred);
    made_decimal(m, result)
}

/// Without zeros at the end, but no scale smaller than `least`.
fn stripped(mut n: Decimal, least: i32) -> Decimal {
    let ten = BigInt::from(10);
    while n.scale > least && (&n.unscaled % &ten).is_zero() {
        n.unscaled /= &ten;
        n.scale -= 1;
    }
    n
}

fn parse_decimal(m: &mut Machine<'_>, text: &str) -> Outcome<Value> {
    let bad = || thrown(Class::NumberFormatException, "Character array is missing \"exponent\" mark 'e' or 'E'.");
    let (digits, exponent) = match text.find(['e', 'E']) {
        Some(place) => (text.get(..place).unwrap_or_default(), text.get(place + 1..).unwrap_or_default()),
        None => (text, "0"),
    };
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let unsigned = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    let numeric = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if (unsigned.is_empty() && part.is_empty()) || !numeric(unsigned) || !numeric(part) {
        return match text.chars().find(|c| !c.is_ascii_digit() && !matches!(c, '.' | 'e' | 'E' | '+' | '-')) {
            Some(letter) => thrown(
                Class::NumberFormatException,
                format!(
                    "Character {letter} is neither a decimal digit number, decimal point, nor \"e\" notation exponential mark."
                ),
            ),
            None => Err(Fault::Thrown(Class::NumberFormatException, None)),
        };
    }
    if digits.len() > 20_000 {
        return too_big();
    }
    let Ok(exponent) = exponent.parse::<i32>() else { return bad() };
    let sign = if whole.starts_with('-') { "-" } else { "" };
    m.work(digits.len() as u64 * digits.len() as u64 / 4096)?;
    let unscaled: BigInt = format!("{sign}{unsigned}{part}").parse().unwrap_or_default();
    made_decimal(m, Decimal { unscaled, scale: narrow(part.len() as i64 - i64::from(exponent))? })
}

/// The exact value of a double.
fn exact(m: &mut Machine<'_>, n: f64) -> Outcome<Value> {
    if !n.is_finite() {
        return thrown(Class::NumberFormatException, "Infinite or NaN");
    }
    let bits = n.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i64;
    let fraction = bits & ((1 << 52) - 1);
    let (mut significand, mut exponent) =
        if exponent == 0 { (fraction, -1074) } else { (fraction | (1 << 52), exponent - 1075) };
    if significand == 0 {
        return made_decimal(m, Decimal { unscaled: BigInt::zero(), scale: 0 });
    }
    while significand & 1 == 0 {
        significand >>= 1;
        exponent += 1;
    }
    let signed = BigInt::from(significand) * if n < 0.0 { -1 } else { 1 };
    let decimal = if exponent >= 0 {
        Decimal { unscaled: signed << exponent as u64, scale: 0 }
    } else {
        Decimal { unscaled: signed * BigInt::from(5).pow(exponent.unsigned_abs() as u32), scale: -exponent as i32 }
    };
    made_decimal(m, decimal)
}

const DECIMAL: &[Method] = &[
    ("add(BigDecimal) BigDecimal", |m, a| {
        let (x, y) = pair(m, a)?;
        let (x, y, scale) = aligned(&x, &y)?;
        made_decimal(m, Decimal { unscaled: x + y, scale })
    }),
    ("subtract(BigDecimal) BigDecimal", |m, a| {
        let (x, y) = pair(m, a)?;
        let (x, y, scale) = aligned(&x, &y)?;
        made_decimal(m, Decimal { unscaled: x - y, scale })
    }),
    ("multiply(BigDecimal) BigDecimal", |m, a| {
        let (x, y) = pair(m, a)?;
        let scale = narrow(i64::from(x.scale) + i64::from(y.scale))?;
        made_decimal(m, Decimal { unscaled: x.unscaled * y.unscaled, scale })
    }),
    ("divide(BigDecimal) BigDecimal", divide_exactly),
    ("divide(BigDecimal,int,RoundingMode) BigDecimal", |m, a| {
        let rounding = rounding_of(m, at(a, 3))?;
        divide_to(m, a, int(a, 2), rounding)
    }),
    ("divide(BigDecimal,int,int) BigDecimal", |m, a| {
        let rounding = rounding_of(m, at(a, 3))?;
        divide_to(m, a, int(a, 2), rounding)
    }),
    ("divide(BigDecimal,RoundingMode) BigDecimal", |m, a| {
        let rounding = rounding_of(m, at(a, 2))?;
        let scale = decimal(m, at(a, 0))?.scale;
        divide_to(m, a, scale, rounding)
    }),
    ("remainder(BigDecimal) BigDecimal", |m, a| {
        let (x, y) = pair(m, a)?;
        if y.unscaled.is_zero() {
            return by_zero(if x.unscaled.is_zero() { "Division undefined" } else { "Division by zero" });
        }
        let (x, y, scale) = aligned(&x, &y)?;
        made_decimal(m, Decimal { unscaled: x % y, scale })
    }),
    ("negate() BigDecimal", |m, a| {
        let n = decimal(m, at(a, 0))?.clone();
        made_decimal(m, Decimal { unscaled: -n.unscaled, scale: n.scale })
    }),
    ("abs() BigDecimal", |m, a| {
        let n = decimal(m, at(a, 0))?.clone();
        made_decimal(m, Decimal { unscaled: n.unscaled.abs(), scale: n.scale })
    }),
    ("pow(int) BigDecimal", |m, a| {
        let (n, power) = (decimal(m, at(a, 0))?.clone(), int(a, 1));
        if !(0..=999_999_999).contains(&power) {
            return by_zero("Invalid operation");
        }
        if n.unscaled.bits().saturating_mul(power as u64) > BIG_BITS_MAX && n.unscaled.bits() > 1 {
            return too_big();
        }
        m.work(n.unscaled.bits() * power as u64 / 64)?;
        let scale = narrow(i64::from(n.scale) * i64::from(power))?;
        made_decimal(m, Decimal { unscaled: n.unscaled.pow(power as u32), scale })
    }),
    ("setScale(int) BigDecimal", |m, a| {
        let n = rescale(decimal(m, at(a, 0))?, int(a, 1), Rounding::Unnecessary)?;
        made_decimal(m, n)
    }),
    ("setScale(int,RoundingMode) BigDecimal", |m, a| {
        let rounding = rounding_of(m, at(a, 2))?;
        let n = rescale(decimal(m, at(a, 0))?, int(a, 1), rounding)?;
        made_decimal(m, n)
    }),
    ("setScale(int,int) BigDecimal", |m, a| {
        let rounding = rounding_of(m, at(a, 2))?;
        let n = rescale(decimal(m, at(a, 0))?, int(a, 1), rounding)?;
        made_decimal(m, n)
    }),
    ("scale() int", |m, a| Ok(Value::Int(decimal(m, at(a, 0))?.scale))),
    ("precision() int", |m, a| Ok(Value::Int(decimal(m, at(a, 0))?.precision() as i32))),
    ("signum() int", |m, a| Ok(Value::Int(sign(&decimal(m, at(a, 0))?.unscaled)))),
    ("unscaledValue() BigInteger", |m, a| {
        let n = decimal(m, at(a, 0))?.unscaled.clone();
        made(m, n)
    }),
    ("toBigInteger() BigInteger", |m, a| {
        let n = truncated(decimal(m, at(a, 0))?)?;
        made(m, n)
    }),
    ("max(BigDecimal) BigDecimal", |m, a| {
        let (x, y) = pair(m, a)?;
        Ok(if x.compare_numeric(&y).is_ge() { at(a, 0) } else { at(a, 1) })
    }),
    ("min(BigDecimal) BigDecimal", |m, a| {
        let (x, y) = pair(m, a)?;
        Ok(if x.compare_numeric(&y).is_le() { at(a, 0) } else { at(a, 1) })
    }),
    ("compareTo(BigDecimal) int", |m, a| super::utility::compare_to(m, a)),
    ("toPlainString() String", |m, a| {
        let n = decimal(m, at(a, 0))?.clone();
        if n.scale.unsigned_abs() > 100_000 {
            return too_big();
        }
        m.work_on_digits(n.unscaled.bits())?;
        m.new_string(&plain_decimal(&n))
    }),
    ("stripTrailingZeros() BigDecimal", |m, a| {
        let n = decimal(m, at(a, 0))?.clone();
        m.work((n.unscaled.bits() / 64) * (n.unscaled.bits() / 64) + 1)?;
        let zero = n.unscaled.is_zero();
        made_decimal(m, if zero { Decimal { scale: 0, ..n } } else { stripped(n, i32::MIN) })
    }),
    ("movePointLeft(int) BigDecimal", |m, a| move_point(m, a, int(a, 1).into())),
    ("movePointRight(int) BigDecimal", |m, a| move_point(m, a, -i64::from(int(a, 1)))),
    ("doubleValue() double", |m, a| Ok(Value::Double(real_of(m, at(a, 0))?))),
    ("floatValue() float", |m, a| Ok(Value::Float(float_of(m, at(a, 0))?))),
];

fn move_point(m: &mut Machine<'_>, a: &[Value], by: i64) -> Outcome<Value> {
    let n = decimal(m, at(a, 0))?.clone();
    if by == 0 {
        return Ok(at(a, 0));
    }
    let n = Decimal { unscaled: n.unscaled, scale: narrow(i64::from(n.scale) + by)? };
    let n = if n.scale < 0 { rescale(&n, 0, Rounding::Unnecessary)? } else { n };
    made_decimal(m, n)
}

pub(super) fn decimals() -> Members {
    Members {
        methods: DECIMAL,
        constructors: &[
            ("new(int) BigDecimal", |m, a| made_decimal(m, Decimal { unscaled: int(a, 0).into(), scale: 0 })),
            ("new(long) BigDecimal", |m, a| made_decimal(m, Decimal { unscaled: long(a, 0).into(), scale: 0 })),
            ("new(double) BigDecimal", |m, a| exact(m, number(a, 0))),
            ("new(String) BigDecimal", |m, a| {
                let text = m.string(at(a, 0))?;
                parse_decimal(m, &text)
            }),
            ("new(BigInteger) BigDecimal", |m, a| {
                let unscaled = big(m, at(a, 0))?.clone();
                made_decimal(m, Decimal { unscaled, scale: 0 })
            }),
            ("new(BigInteger,int) BigDecimal", |m, a| {
                let unscaled = big(m, at(a, 0))?.clone();
                made_decimal(m, Decimal { unscaled, scale: int(a, 1) })
            }),
        ],
        statics: &[
            ("valueOf(long) BigDecimal", |m, a| made_decimal(m, Decimal { unscaled: long(a, 0).into(), scale: 0 })),
            ("valueOf(long,int) BigDecimal", |m, a| {
                made_decimal(m, Decimal { unscaled: long(a, 0).into(), scale: int(a, 1) })
            }),
            ("valueOf(double) BigDecimal", |m, a| {
                let n = number(a, 0);
                if !n.is_finite() {
                    return thrown(Class::NumberFormatException, "Infinite or NaN");
                }
                parse_decimal(m, &java_double(n))
            }),
        ],
        constants: &[
            ("ROUND_HALF_UP", crate::types::Type::INT, Value::Int(4)),
            ("ROUND_DOWN", crate::types::Type::INT, Value::Int(1)),
            ("ROUND_UP", crate::types::Type::INT, Value::Int(0)),
            ("ROUND_HALF_EVEN", crate::types::Type::INT, Value::Int(6)),
        ],
        objects: &[
            ("ZERO() BigDecimal", |m, _| made_decimal(m, Decimal { unscaled: 0.into(), scale: 0 })),
            ("ONE() BigDecimal", |m, _| made_decimal(m, Decimal { unscaled: 1.into(), scale: 0 })),
            ("TEN() BigDecimal", |m, _| made_decimal(m, Decimal { unscaled: 10.into(), scale: 0 })),
        ],
        ..Members::default()
    }
}

pub(super) fn rounding() -> Members {
    Members {
        objects: &[
            ("UP() RoundingMode", |m, _| m.heap.make(Object::Rounding("UP"))),
            ("DOWN() RoundingMode", |m, _| m.heap.make(Object::Rounding("DOWN"))),
            ("CEILING() RoundingMode", |m, _| m.heap.make(Object::Rounding("CEILING"))),
            ("FLOOR() RoundingMode", |m, _| m.heap.make(Object::Rounding("FLOOR"))),
            ("HALF_UP() RoundingMode", |m, _| m.heap.make(Object::Rounding("HALF_UP"))),
            ("HALF_DOWN() RoundingMode", |m, _| m.heap.make(Object::Rounding("HALF_DOWN"))),
            ("HALF_EVEN() RoundingMode", |m, _| m.heap.make(Object::Rounding("HALF_EVEN"))),
            ("UNNECESSARY() RoundingMode", |m, _| m.heap.make(Object::Rounding("UNNECESSARY"))),
        ],
        ..Members::default()
    }
}
