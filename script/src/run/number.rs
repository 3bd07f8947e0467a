//! Java's arithmetic on primitives: whole numbers wrap, shifts use the low bits of the distance, division by zero throws.

use std::cmp::Ordering;

use crate::classes::Class;
use crate::heap::{Outcome, Value, thrown};
use crate::syntax::Operator;
use crate::types::Primitive;

impl Value {
    /// The number as a long, by narrowing or widening.
    pub(crate) fn to_long(self) -> i64 {
        match self {
            Value::Byte(n) => n.into(),
            Value::Short(n) => n.into(),
            Value::Char(n) => n.into(),
            Value::Int(n) => n.into(),
            Value::Long(n) => n,
            Value::Float(n) => n as i64,
            Value::Double(n) => n as i64,
            _ => 0,
        }
    }

    /// The number as an int: floating numbers saturate, whole ones keep their low bits.
    pub(crate) fn to_int(self) -> i32 {
        match self {
            Value::Float(n) => n as i32,
            Value::Double(n) => n as i32,
            other => other.to_long() as i32,
        }
    }

    /// The number as a double.
    pub(crate) fn to_double(self) -> f64 {
        match self {
            Value::Float(n) => n.into(),
            Value::Double(n) => n,
            other => other.to_long() as f64,
        }
    }

    /// The number as a float, rounded once.
    pub(crate) fn to_float(self) -> f32 {
        match self {
            Value::Float(n) => n,
            Value::Double(n) => n as f32,
            other => other.to_long() as f32,
        }
    }

    pub(crate) fn to_boolean(self) -> bool {
        matches!(self, Value::Boolean(true))
    }
}

/// The number as another primitive type.
pub(crate) fn convert(value: Value, to: Primitive) -> Value {
    match to {
        Primitive::Boolean => value,
        Primitive::Byte => Value::Byte(value.to_int() as i8),
        Primitive::Short => Value::Short(value.to_int() as i16),
        Primitive::Char => Value::Char(value.to_int() as u16),
        Primitive::Int => Value::Int(value.to_int()),
        Primitive::Long => Value::Long(value.to_long()),
        Primitive::Float => Value::Float(value.to_float()),
        Primitive::Double => Value::Double(value.to_double()),
    }
}

/// `left operator right`. For shifts `kind` is the type of the left operand alone.
pub(crate) fn arithmetic(operator: Operator, kind: Primitive, left: Value, right: Value) -> Outcome<Value> {
    Ok(match kind {
        Primitive::Boolean => {
            let (a, b) = (left.to_boolean(), right.to_boolean());
            Value::Boolean(match operator {
                Operator::And => a & b,
                Operator::Or => a | b,
                _ => a ^ b,
            })
        }
        Primitive::Float => Value::Float(real(operator, left.to_float(), right.to_float())),
        Primitive::Double => Value::Double(real(operator, left.to_double(), right.to_double())),
        Primitive::Long => Value::Long(long(operator, left.to_long(), right.to_long())?),
        _ => Value::Int(int(operator, left.to_int(), right)?),
    })
}

fn real<T>(operator: Operator, a: T, b: T) -> T
where
    T: std::ops::Add<Output = T>
        + std::ops::Sub<Output = T>
        + std::ops::Mul<Output = T>
        + std::ops::Div<Output = T>
        + std::ops::Rem<Output = T>,
{
    match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        _ => a % b,
    }
}

fn by_zero<T>() -> Outcome<T> {
    thrown(Class::ArithmeticException, "/ by zero")
}

fn long(operator: Operator, a: i64, b: i64) -> Outcome<i64> {
    let distance = (b & 63) as u32;
    Ok(match operator {
        Operator::Add => a.wrapping_add(b),
        Operator::Subtract => a.wrapping_sub(b),
        Operator::Multiply => a.wrapping_mul(b),
        Operator::Divide | Operator::Remainder if b == 0 => return by_zero(),
        Operator::Divide => a.wrapping_div(b),
        Operator::Remainder => a.wrapping_rem(b),
        Operator::ShiftLeft => a.wrapping_shl(distance),
        Operator::ShiftRight => a.wrapping_shr(distance),
        Operator::ShiftRightUnsigned => (a as u64).wrapping_shr(distance) as i64,
        Operator::And => a & b,
        Operator::Or => a | b,
        _ => a ^ b,
    })
}

fn int(operator: Operator, a: i32, right: Value) -> Outcome<i32> {
    let b = right.to_int();
    let distance = (right.to_long() & 31) as u32;
    Ok(match operator {
        Operator::Add => a.wrapping_add(b),
        Operator::Subtract => a.wrapping_sub(b),
        Operator::Multiply => a.wrapping_mul(b),
        Operator::Divide | Operator::Remainder if b == 0 => return by_zero(),
        Operator::Divide => a.wrapping_div(b),
        Operator::Remainder => a.wrapping_rem(b),
        Operator::ShiftLeft => a.wrapping_shl(distance),
        Operator::ShiftRight => a.wrapping_shr(distance),
        Operator::ShiftRightUnsigned => (a as u32).wrapping_shr(distance) as i32,
        Operator::And => a & b,
        Operator::Or => a | b,
        _ => a ^ b,
    })
}

pub(super) fn negate(kind: Primitive, value: Value) -> Value {
    match kind {
        Primitive::Float => Value::Float(-value.to_float()),
        Primitive::Double => Value::Double(-value.to_double()),
        Primitive::Long => Value::Long(value.to_long().wrapping_neg()),
        _ => Value::Int(value.to_int().wrapping_neg()),
    }
}

/// A comparison of two numbers or booleans.
pub(crate) fn compare_numbers(operator: Operator, kind: Primitive, left: Value, right: Value) -> bool {
    let order: Option<Ordering> = match kind {
        Primitive::Boolean => Some(left.to_boolean().cmp(&right.to_boolean())),
        Primitive::Float | Primitive::Double => left.to_double().partial_cmp(&right.to_double()),
        _ => Some(left.to_long().cmp(&right.to_long())),
    };
    match operator {
        Operator::Less => order == Some(Ordering::Less),
        Operator::LessEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Operator::Greater => order == Some(Ordering::Greater),
        Operator::GreaterEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        Operator::Equal => order == Some(Ordering::Equal),
        _ => order != Some(Ordering::Equal),
    }
}
