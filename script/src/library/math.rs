//! `java.lang.Math`.

use super::{Members, Method};
use crate::classes::Class;
use crate::heap::{Outcome, Value, thrown};
use crate::types::{Primitive, Type};

fn double(f: impl Fn(f64) -> f64, a: &[Value]) -> Outcome<Value> {
    Ok(Value::Double(f(number(a, 0))))
}

pub(super) fn number(a: &[Value], place: usize) -> f64 {
    a.get(place).copied().unwrap_or(Value::Null).to_double()
}

pub(super) fn int(a: &[Value], place: usize) -> i32 {
    a.get(place).copied().unwrap_or(Value::Null).to_int()
}

pub(super) fn long(a: &[Value], place: usize) -> i64 {
    a.get(place).copied().unwrap_or(Value::Null).to_long()
}

pub(super) fn float(a: &[Value], place: usize) -> f32 {
    a.get(place).copied().unwrap_or(Value::Null).to_float()
}

fn overflow(kind: &str) -> Outcome<Value> {
    thrown(Class::ArithmeticException, format!("{kind} overflow"))
}

fn exact_int(value: Option<i32>) -> Outcome<Value> {
    value.map_or_else(|| overflow("integer"), |value| Ok(Value::Int(value)))
}

fn exact_long(value: Option<i64>) -> Outcome<Value> {
    value.map_or_else(|| overflow("long"), |value| Ok(Value::Long(value)))
}

fn by_zero() -> Outcome<Value> {
    thrown(Class::ArithmeticException, "/ by zero")
}

fn floor_div(a: i64, b: i64) -> i64 {
    let quotient = a.wrapping_div(b);
    if a.wrapping_rem(b) != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient }
}

fn floor_mod(a: i64, b: i64) -> i64 {
    let rest = a.wrapping_rem(b);
    if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
}

/// Half up, as Java rounds.
pub(super) fn round(n: f64) -> f64 {
    let floor = n.floor();
    if n - floor >= 0.5 { floor + 1.0 } else { floor }
}

/// Greater of two: not-a-number wins, 0.0 is greater than −0.0.
pub(super) fn max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    if a.total_cmp(&b).is_ge() { a } else { b }
}

pub(super) fn min(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    if a.total_cmp(&b).is_le() { a } else { b }
}

/// Java's pow: 1 to the infinite is not a number.
fn pow(a: f64, b: f64) -> f64 {
    if b.is_nan() || (a.abs() == 1.0 && b.is_infinite()) { f64::NAN } else { a.powf(b) }
}

const STATICS: &[Method] = &[
    ("abs(int) int", |_, a| Ok(Value::Int(int(a, 0).wrapping_abs()))),
    ("abs(long) long", |_, a| Ok(Value::Long(long(a, 0).wrapping_abs()))),
    ("abs(float) float", |_, a| Ok(Value::Float(float(a, 0).abs()))),
    ("abs(double) double", |_, a| double(f64::abs, a)),
    ("max(int,int) int", |_, a| Ok(Value::Int(int(a, 0).max(int(a, 1))))),
    ("max(long,long) long", |_, a| Ok(Value::Long(long(a, 0).max(long(a, 1))))),
    ("max(float,float) float", |_, a| Ok(Value::Float(max(number(a, 0), number(a, 1)) as f32))),
    ("max(double,double) double", |_, a| Ok(Value::Double(max(number(a, 0), number(a, 1))))),
    ("min(int,int) int", |_, a| Ok(Value::Int(int(a, 0).min(int(a, 1))))),
    ("min(long,long) long", |_, a| Ok(Value::Long(long(a, 0).min(long(a, 1))))),
    ("min(float,float) float", |_, a| Ok(Value::Float(min(number(a, 0), number(a, 1)) as f32))),
    ("min(double,double) double", |_, a| Ok(Value::Double(min(number(a, 0), number(a, 1))))),
    ("pow(double,double) double", |_, a| Ok(Value::Double(pow(number(a, 0), number(a, 1))))),
    ("sqrt(double) double", |_, a| double(f64::sqrt, a)),
    ("cbrt(double) double", |_, a| double(f64::cbrt, a)),
    ("exp(double) double", |_, a| double(f64::exp, a)),
    ("expm1(double) double", |_, a| double(f64::exp_m1, a)),
    ("log(double) double", |_, a| double(f64::ln, a)),
    ("log10(double) double", |_, a| double(f64::log10, a)),
    ("log1p(double) double", |_, a| double(f64::ln_1p, a)),
    ("sin(double) double", |_, a| double(f64::sin, a)),
    ("cos(double) double", |_, a| double(f64::cos, a)),
    ("tan(double) double", |_, a| double(f64::tan, a)),
    ("asin(double) double", |_, a| double(f64::asin, a)),
    ("acos(double) double", |_, a| double(f64::acos, a)),
    ("atan(double) double", |_, a| double(f64::atan, a)),
    ("atan2(double,double) double", |_, a| Ok(Value::Double(number(a, 0).atan2(number(a, 1))))),
    ("sinh(double) double", |_, a| double(f64::sinh, a)),
    ("cosh(double) double", |_, a| double(f64::cosh, a)),
    ("tanh(double) double", |_, a| double(f64::tanh, a)),
    ("hypot(double,double) double", |_, a| Ok(Value::Double(number(a, 0).hypot(number(a, 1))))),
    ("ceil(double) double", |_, a| double(f64::ceil, a)),
    ("floor(double) double", |_, a| double(f64::floor, a)),
    ("rint(double) double", |_, a| double(f64::round_ties_even, a)),
    ("round(float) int", |_, a| Ok(Value::Int(round(number(a, 0)) as i32))),
    ("round(double) long", |_, a| Ok(Value::Long(round(number(a, 0)) as i64))),
    ("signum(float) float", |_, a| {
        let n = float(a, 0);
        Ok(Value::Float(if n == 0.0 || n.is_nan() { n } else { n.signum() }))
    }),
    ("signum(double) double", |_, a| double(|n| if n == 0.0 || n.is_nan() { n } else { n.signum() }, a)),
    ("toRadians(double) double", |_, a| double(|n| n * (std::f64::consts::PI / 180.0), a)),
    ("toDegrees(double) double", |_, a| double(|n| n * (180.0 / std::f64::consts::PI), a)),
    ("copySign(float,float) float", |_, a| Ok(Value::Float(float(a, 0).copysign(float(a, 1))))),
    ("copySign(double,double) double", |_, a| Ok(Value::Double(number(a, 0).copysign(number(a, 1))))),
    ("nextUp(double) double", |_, a| double(f64::next_up, a)),
    ("nextDown(double) double", |_, a| double(f64::next_down, a)),
    ("fma(double,double,double) double", |_, a| Ok(Value::Double(number(a, 0).mul_add(number(a, 1), number(a, 2))))),
    ("decrementExact(int) int", |_, a| exact_int(int(a, 0).checked_sub(1))),
    ("decrementExact(long) long", |_, a| exact_long(long(a, 0).checked_sub(1))),
    ("multiplyHigh(long,long) long", |_, a| {
        let product = i128::from(long(a, 0)) * i128::from(long(a, 1));
        Ok(Value::Long((product >> 64) as i64))
    }),
    ("addExact(int,int) int", |_, a| exact_int(int(a, 0).checked_add(int(a, 1)))),
    ("addExact(long,long) long", |_, a| exact_long(long(a, 0).checked_add(long(a, 1)))),
    ("subtractExact(int,int) int", |_, a| exact_int(int(a, 0).checked_sub(int(a, 1)))),
    ("subtractExact(long,long) long", |_, a| exact_long(long(a, 0).checked_sub(long(a, 1)))),
    ("multiplyExact(int,int) int", |_, a| exact_int(int(a, 0).checked_mul(int(a, 1)))),
    ("multiplyExact(long,long) long", |_, a| exact_long(long(a, 0).checked_mul(long(a, 1)))),
    ("negateExact(int) int", |_, a| exact_int(int(a, 0).checked_neg())),
    ("negateExact(long) long", |_, a| exact_long(long(a, 0).checked_neg())),
    ("incrementExact(int) int", |_, a| exact_int(int(a, 0).checked_add(1))),
    ("incrementExact(long) long", |_, a| exact_long(long(a, 0).checked_add(1))),
    ("toIntExact(long) int", |_, a| exact_int(i32::try_from(long(a, 0)).ok())),
    ("floorDiv(int,int) int", |_, a| match int(a, 1) {
        0 => by_zero(),
        b => Ok(Value::Int(floor_div(int(a, 0).into(), b.into()) as i32)),
    }),
    ("floorDiv(long,long) long", |_, a| match long(a, 1) {
        0 => by_zero(),
        b => Ok(Value::Long(floor_div(long(a, 0), b))),
    }),
    ("floorMod(int,int) int", |_, a| match int(a, 1) {
        0 => by_zero(),
        b => Ok(Value::Int(floor_mod(int(a, 0).into(), b.into()) as i32)),
    }),
    ("floorMod(long,long) long", |_, a| match long(a, 1) {
        0 => by_zero(),
        b => Ok(Value::Long(floor_mod(long(a, 0), b))),
    }),
];

pub(super) fn math() -> Members {
    const DOUBLE: Type = Type::Primitive(Primitive::Double);
    Members {
        statics: STATICS,
        constants: &[
            ("PI", DOUBLE, Value::Double(std::f64::consts::PI)),
            ("E", DOUBLE, Value::Double(std::f64::consts::E)),
        ],
        ..Members::default()
    }
}
