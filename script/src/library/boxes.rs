//! The classes of boxed primitives.

use helenus_model::value::{java_double, java_float};

use super::big::number_of;
use super::math::{float, int, number};
use super::{Members, Method};
use crate::classes::Class;
use crate::heap::{Outcome, Value, thrown};
use crate::run::Machine;
use crate::run::{compare_doubles, double_bits, float_bits};
use crate::types::{Primitive, Type};

pub(super) const NUMBER: &[Method] = &[
    ("intValue() int", |m, a| Ok(Value::Int(number_of(m, a)?.to_int()))),
    ("longValue() long", |m, a| Ok(Value::Long(number_of(m, a)?.to_long()))),
    ("doubleValue() double", |m, a| Ok(Value::Double(number_of(m, a)?.to_double()))),
    ("floatValue() float", |m, a| Ok(Value::Float(number_of(m, a)?.to_float()))),
    ("shortValue() short", |m, a| Ok(Value::Short(number_of(m, a)?.to_int() as i16))),
    ("byteValue() byte", |m, a| Ok(Value::Byte(number_of(m, a)?.to_int() as i8))),
];

fn bad_number<T>(text: &str) -> Outcome<T> {
    thrown(Class::NumberFormatException, format!("For input string: \"{text}\""))
}

/// A whole number in Java's form: a sign and digits.
fn parse_whole(m: &Machine<'_>, a: &[Value], radix: u32) -> Outcome<i64> {
    let Some(Value::Object(_)) = a.first() else {
        return thrown(Class::NumberFormatException, "Cannot parse null string");
    };
    let text = m.string(a.first().copied().unwrap_or(Value::Null))?;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return bad_number(&text);
    }
    i64::from_str_radix(&text, radix).or_else(|_| bad_number(&text))
}

fn parse_in(m: &Machine<'_>, a: &[Value], least: i64, most: i64, kind: &str) -> Outcome<i64> {
    let radix = match a.get(1) {
        Some(radix) => radix.to_int(),
        None => 10,
    };
    if !(2..=36).contains(&radix) {
        return thrown(Class::NumberFormatException, format!("radix {radix} out of range"));
    }
    let value = parse_whole(m, a, radix as u32)?;
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    let text = m.string(a.first().copied().unwrap_or(Value::Null))?;
    if kind.is_empty() {
        return bad_number(&text);
    }
    thrown(Class::NumberFormatException, format!("Value out of range. Value:\"{text}\" Radix:{radix}"))
}

fn parse_int(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    Ok(Value::Int(parse_in(m, a, i32::MIN.into(), i32::MAX.into(), "")? as i32))
}

fn parse_long(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    Ok(Value::Long(parse_in(m, a, i64::MIN, i64::MAX, "")?))
}

fn parse_short(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    Ok(Value::Short(parse_in(m, a, i16::MIN.into(), i16::MAX.into(), "short")? as i16))
}

fn parse_byte(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    Ok(Value::Byte(parse_in(m, a, i8::MIN.into(), i8::MAX.into(), "byte")? as i8))
}

/// A floating number in Java's form.
fn real_text(m: &Machine<'_>, a: &[Value]) -> Outcome<String> {
    let Some(Value::Object(_)) = a.first() else {
        return Err(crate::heap::Fault::Thrown(Class::NullPointerException, None));
    };
    let text = m.string(a.first().copied().unwrap_or(Value::Null))?;
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return thrown(Class::NumberFormatException, "empty String");
    }
    let plain = trimmed.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(trimmed);
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(plain);
    if unsigned == "NaN" || unsigned == "Infinity" {
        return Ok(plain.replace("Infinity", "inf"));
    }
    let numeric = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    if !numeric || plain.parse::<f64>().is_err() {
        return bad_number(&text);
    }
    Ok(plain.to_owned())
}

fn parse_double(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    Ok(Value::Double(real_text(m, a)?.parse().unwrap_or(f64::NAN)))
}

fn parse_float(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    Ok(Value::Float(real_text(m, a)?.parse().unwrap_or(f32::NAN)))
}

fn radix_text(number: i64, radix: i32) -> String {
    let radix = if (2..=36).contains(&radix) { radix as u64 } else { 10 };
    let mut rest = number.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((rest % radix) as u32, radix as u32).unwrap_or('0'));
        rest /= radix;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        digits.push('-');
    }
    digits.into_iter().rev().collect()
}

fn ordering(order: std::cmp::Ordering) -> Outcome<Value> {
    Ok(Value::Int(order as i32))
}

fn first(a: &[Value]) -> Value {
    a.first().copied().unwrap_or(Value::Null)
}

const INTEGER: Type = Type::Primitive(Primitive::Int);
const LONG: Type = Type::Primitive(Primitive::Long);
const FLOAT: Type = Type::Primitive(Primitive::Float);
const DOUBLE: Type = Type::Primitive(Primitive::Double);
const TRUTHS: &[(&str, Type, Value)] = &[
    ("TRUE", Type::Class(Class::Boolean, Vec::new()), Value::Boolean(true)),
    ("FALSE", Type::Class(Class::Boolean, Vec::new()), Value::Boolean(false)),
];

pub(super) fn integer() -> Members {
    Members {
        methods: &[("compareTo(Integer) int", |m, a| super::utility::compare_to(m, a))],
        constructors: &[("new(int) Integer", |_, a| Ok(first(a))), ("new(String) Integer", parse_int)],
        statics: &[
            ("valueOf(int) Integer", |_, a| Ok(Value::Int(int(a, 0)))),
            ("valueOf(String) Integer", parse_int),
            ("valueOf(String,int) Integer", parse_int),
            ("parseInt(String) int", parse_int),
            ("parseInt(String,int) int", parse_int),
            ("toString(int) String", |m, a| m.new_string(&int(a, 0).to_string())),
            ("toString(int,int) String", |m, a| m.new_string(&radix_text(int(a, 0).into(), int(a, 1)))),
            ("toHexString(int) String", |m, a| m.new_string(&format!("{:x}", int(a, 0)))),
            ("toBinaryString(int) String", |m, a| m.new_string(&format!("{:b}", int(a, 0)))),
            ("toOctalString(int) String", |m, a| m.new_string(&format!("{:o}", int(a, 0)))),
            ("compare(int,int) int", |_, a| ordering(int(a, 0).cmp(&int(a, 1)))),
            ("signum(int) int", |_, a| Ok(Value::Int(int(a, 0).signum()))),
            ("bitCount(int) int", |_, a| Ok(Value::Int(int(a, 0).count_ones() as i32))),
            ("reverse(int) int", |_, a| Ok(Value::Int(int(a, 0).reverse_bits()))),
            ("numberOfLeadingZeros(int) int", |_, a| Ok(Value::Int(int(a, 0).leading_zeros() as i32))),
            ("numberOfTrailingZeros(int) int", |_, a| Ok(Value::Int(int(a, 0).trailing_zeros() as i32))),
            ("max(int,int) int", |_, a| Ok(Value::Int(int(a, 0).max(int(a, 1))))),
            ("min(int,int) int", |_, a| Ok(Value::Int(int(a, 0).min(int(a, 1))))),
            ("sum(int,int) int", |_, a| Ok(Value::Int(int(a, 0).wrapping_add(int(a, 1))))),
            ("hashCode(int) int", |_, a| Ok(Value::Int(int(a, 0)))),
        ],
        constants: &[("MAX_VALUE", INTEGER, Value::Int(i32::MAX)), ("MIN_VALUE", INTEGER, Value::Int(i32::MIN))],
        ..Members::default()
    }
}

pub(super) fn long() -> Members {
    Members {
        methods: &[("compareTo(Long) int", |m, a| super::utility::compare_to(m, a))],
        constructors: &[("new(long) Long", |_, a| Ok(first(a))), ("new(String) Long", parse_long)],
        statics: &[
            ("valueOf(long) Long", |_, a| Ok(Value::Long(long_at(a, 0)))),
            ("valueOf(String) Long", parse_long),
            ("parseLong(String) long", parse_long),
            ("parseLong(String,int) long", parse_long),
            ("toString(long) String", |m, a| m.new_string(&long_at(a, 0).to_string())),
            ("toString(long,int) String", |m, a| m.new_string(&radix_text(long_at(a, 0), int(a, 1)))),
            ("toHexString(long) String", |m, a| m.new_string(&format!("{:x}", long_at(a, 0)))),
            ("toBinaryString(long) String", |m, a| m.new_string(&format!("{:b}", long_at(a, 0)))),
            ("compare(long,long) int", |_, a| ordering(long_at(a, 0).cmp(&long_at(a, 1)))),
            ("signum(long) int", |_, a| Ok(Value::Int(long_at(a, 0).signum() as i32))),
            ("bitCount(long) int", |_, a| Ok(Value::Int(long_at(a, 0).count_ones() as i32))),
            ("max(long,long) long", |_, a| Ok(Value::Long(long_at(a, 0).max(long_at(a, 1))))),
            ("min(long,long) long", |_, a| Ok(Value::Long(long_at(a, 0).min(long_at(a, 1))))),
            ("sum(long,long) long", |_, a| Ok(Value::Long(long_at(a, 0).wrapping_add(long_at(a, 1))))),
        ],
        constants: &[("MAX_VALUE", LONG, Value::Long(i64::MAX)), ("MIN_VALUE", LONG, Value::Long(i64::MIN))],
        ..Members::default()
    }
}

fn long_at(a: &[Value], place: usize) -> i64 {
    super::math::long(a, place)
}

pub(super) fn short() -> Members {
    Members {
        methods: &[("compareTo(Short) int", |_, a| Ok(Value::Int(int(a, 0) - int(a, 1))))],
        constructors: &[("new(short) Short", |_, a| Ok(first(a)))],
        statics: &[
            ("valueOf(short) Short", |_, a| Ok(first(a))),
            ("valueOf(String) Short", parse_short),
            ("parseShort(String) short", parse_short),
            ("toString(short) String", |m, a| m.new_string(&int(a, 0).to_string())),
            ("compare(short,short) int", |_, a| Ok(Value::Int(int(a, 0) - int(a, 1)))),
        ],
        constants: &[
            ("MAX_VALUE", Type::Primitive(Primitive::Short), Value::Short(i16::MAX)),
            ("MIN_VALUE", Type::Primitive(Primitive::Short), Value::Short(i16::MIN)),
        ],
        ..Members::default()
    }
}

pub(super) fn byte() -> Members {
    Members {
        methods: &[("compareTo(Byte) int", |_, a| Ok(Value::Int(int(a, 0) - int(a, 1))))],
        constructors: &[("new(byte) Byte", |_, a| Ok(first(a)))],
        statics: &[
            ("valueOf(byte) Byte", |_, a| Ok(first(a))),
            ("valueOf(String) Byte", parse_byte),
            ("parseByte(String) byte", parse_byte),
            ("toString(byte) String", |m, a| m.new_string(&int(a, 0).to_string())),
            ("compare(byte,byte) int", |_, a| Ok(Value::Int(int(a, 0) - int(a, 1)))),
        ],
        constants: &[
            ("MAX_VALUE", Type::Primitive(Primitive::Byte), Value::Byte(i8::MAX)),
            ("MIN_VALUE", Type::Primitive(Primitive::Byte), Value::Byte(i8::MIN)),
        ],
        ..Members::default()
    }
}

pub(super) fn double() -> Members {
    Members {
        methods: &[
            ("compareTo(Double) int", |m, a| super::utility::compare_to(m, a)),
            ("isNaN() boolean", |_, a| Ok(Value::Boolean(number(a, 0).is_nan()))),
            ("isInfinite() boolean", |_, a| Ok(Value::Boolean(number(a, 0).is_infinite()))),
        ],
        constructors: &[("new(double) Double", |_, a| Ok(first(a))), ("new(String) Double", parse_double)],
        statics: &[
            ("valueOf(double) Double", |_, a| Ok(Value::Double(number(a, 0)))),
            ("valueOf(String) Double", parse_double),
            ("parseDouble(String) double", parse_double),
            ("toString(double) String", |m, a| m.new_string(&java_double(number(a, 0)))),
            ("compare(double,double) int", |_, a| ordering(compare_doubles(number(a, 0), number(a, 1)))),
            ("isNaN(double) boolean", |_, a| Ok(Value::Boolean(number(a, 0).is_nan()))),
            ("isInfinite(double) boolean", |_, a| Ok(Value::Boolean(number(a, 0).is_infinite()))),
            ("isFinite(double) boolean", |_, a| Ok(Value::Boolean(number(a, 0).is_finite()))),
            ("doubleToLongBits(double) long", |_, a| Ok(Value::Long(double_bits(number(a, 0))))),
            ("longBitsToDouble(long) double", |_, a| Ok(Value::Double(f64::from_bits(long_at(a, 0) as u64)))),
            ("max(double,double) double", |_, a| Ok(Value::Double(super::math::max(number(a, 0), number(a, 1))))),
            ("min(double,double) double", |_, a| Ok(Value::Double(super::math::min(number(a, 0), number(a, 1))))),
            ("sum(double,double) double", |_, a| Ok(Value::Double(number(a, 0) + number(a, 1)))),
        ],
        constants: &[
            ("MAX_VALUE", DOUBLE, Value::Double(f64::MAX)),
            ("MIN_VALUE", DOUBLE, Value::Double(5e-324)),
            ("NaN", DOUBLE, Value::Double(f64::NAN)),
            ("POSITIVE_INFINITY", DOUBLE, Value::Double(f64::INFINITY)),
            ("NEGATIVE_INFINITY", DOUBLE, Value::Double(f64::NEG_INFINITY)),
        ],
        ..Members::default()
    }
}

pub(super) fn float_box() -> Members {
    Members {
        methods: &[
            ("compareTo(Float) int", |m, a| super::utility::compare_to(m, a)),
            ("isNaN() boolean", |_, a| Ok(Value::Boolean(number(a, 0).is_nan()))),
            ("isInfinite() boolean", |_, a| Ok(Value::Boolean(number(a, 0).is_infinite()))),
        ],
        constructors: &[
            ("new(float) Float", |_, a| Ok(first(a))),
            ("new(double) Float", |_, a| Ok(Value::Float(number(a, 0) as f32))),
            ("new(String) Float", parse_float),
        ],
        statics: &[
            ("valueOf(float) Float", |_, a| Ok(Value::Float(float(a, 0)))),
            ("valueOf(String) Float", parse_float),
            ("parseFloat(String) float", parse_float),
            ("toString(float) String", |m, a| m.new_string(&java_float(float(a, 0)))),
            ("compare(float,float) int", |_, a| ordering(compare_doubles(number(a, 0), number(a, 1)))),
            ("isNaN(float) boolean", |_, a| Ok(Value::Boolean(number(a, 0).is_nan()))),
            ("isInfinite(float) boolean", |_, a| Ok(Value::Boolean(number(a, 0).is_infinite()))),
            ("floatToIntBits(float) int", |_, a| Ok(Value::Int(float_bits(float(a, 0))))),
            ("intBitsToFloat(int) float", |_, a| Ok(Value::Float(f32::from_bits(int(a, 0) as u32)))),
            ("max(float,float) float", |_, a| Ok(Value::Float(super::math::max(number(a, 0), number(a, 1)) as f32))),
            ("min(float,float) float", |_, a| Ok(Value::Float(super::math::min(number(a, 0), number(a, 1)) as f32))),
            ("sum(float,float) float", |_, a| Ok(Value::Float(float(a, 0) + float(a, 1)))),
        ],
        constants: &[
            ("MAX_VALUE", FLOAT, Value::Float(f32::MAX)),
            ("MIN_VALUE", FLOAT, Value::Float(1e-45)),
            ("NaN", FLOAT, Value::Float(f32::NAN)),
            ("POSITIVE_INFINITY", FLOAT, Value::Float(f32::INFINITY)),
            ("NEGATIVE_INFINITY", FLOAT, Value::Float(f32::NEG_INFINITY)),
        ],
        ..Members::default()
    }
}

pub(super) fn boolean() -> Members {
    fn parse(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
        Ok(Value::Boolean(match first(a) {
            Value::Null => false,
            text => m.string(text)?.eq_ignore_ascii_case("true"),
        }))
    }
    Members {
        methods: &[
            ("booleanValue() boolean", |_, a| Ok(first(a))),
            ("compareTo(Boolean) int", |m, a| super::utility::compare_to(m, a)),
        ],
        statics: &[
            ("valueOf(boolean) Boolean", |_, a| Ok(first(a))),
            ("valueOf(String) Boolean", parse),
            ("parseBoolean(String) boolean", parse),
            ("toString(boolean) String", |m, a| m.new_string(&first(a).to_boolean().to_string())),
            ("logicalAnd(boolean,boolean) boolean", |_, a| Ok(Value::Boolean(flag(a, 0) & flag(a, 1)))),
            ("logicalOr(boolean,boolean) boolean", |_, a| Ok(Value::Boolean(flag(a, 0) | flag(a, 1)))),
            ("logicalXor(boolean,boolean) boolean", |_, a| Ok(Value::Boolean(flag(a, 0) ^ flag(a, 1)))),
            ("compare(boolean,boolean) int", |_, a| ordering(flag(a, 0).cmp(&flag(a, 1)))),
        ],
        constants: TRUTHS,
        ..Members::default()
    }
}

fn flag(a: &[Value], place: usize) -> bool {
    a.get(place).copied().unwrap_or(Value::Null).to_boolean()
}

/// The character of a unit; half characters are none.
fn letter(a: &[Value]) -> char {
    char::from_u32(int(a, 0) as u32).unwrap_or('\u{fffd}')
}

fn one_to_one(mut letters: impl Iterator<Item = char>, unchanged: i32) -> u16 {
    match (letters.next(), letters.next()) {
        (Some(only), None) => only as u32 as u16,
        _ => unchanged as u16,
    }
}

pub(super) fn character() -> Members {
    Members {
        methods: &[
            ("charValue() char", |_, a| Ok(first(a))),
            ("compareTo(Character) int", |_, a| Ok(Value::Int(int(a, 0) - int(a, 1)))),
        ],
        statics: &[
            ("valueOf(char) Character", |_, a| Ok(first(a))),
            ("toString(char) String", |m, a| m.new_text(vec![int(a, 0) as u16])),
            ("isDigit(char) boolean", |_, a| Ok(Value::Boolean(letter(a).is_ascii_digit()))),
            ("isLetter(char) boolean", |_, a| Ok(Value::Boolean(letter(a).is_alphabetic()))),
            ("isLetterOrDigit(char) boolean", |_, a| Ok(Value::Boolean(letter(a).is_alphanumeric()))),
            ("isAlphabetic(int) boolean", |_, a| Ok(Value::Boolean(letter(a).is_alphabetic()))),
            ("isUpperCase(char) boolean", |_, a| Ok(Value::Boolean(letter(a).is_uppercase()))),
            ("isLowerCase(char) boolean", |_, a| Ok(Value::Boolean(letter(a).is_lowercase()))),
            ("isWhitespace(char) boolean", |_, a| {
                let c = letter(a);
                let none = matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{85}');
                Ok(Value::Boolean((c.is_whitespace() && !none) || matches!(c, '\u{1c}'..='\u{1f}')))
            }),
            ("toUpperCase(char) char", |_, a| Ok(Value::Char(one_to_one(letter(a).to_uppercase(), int(a, 0))))),
            ("toLowerCase(char) char", |_, a| Ok(Value::Char(one_to_one(letter(a).to_lowercase(), int(a, 0))))),
            ("getNumericValue(char) int", |_, a| Ok(Value::Int(letter(a).to_digit(36).map_or(-1, |n| n as i32)))),
            ("digit(char,int) int", |_, a| {
                let radix = int(a, 1);
                let digit = if (2..=36).contains(&radix) { letter(a).to_digit(radix as u32) } else { None };
                Ok(Value::Int(digit.map_or(-1, |n| n as i32)))
            }),
            ("compare(char,char) int", |_, a| Ok(Value::Int(int(a, 0) - int(a, 1)))),
        ],
        constants: &[
            ("MAX_VALUE", Type::Primitive(Primitive::Char), Value::Char(u16::MAX)),
            ("MIN_VALUE", Type::Primitive(Primitive::Char), Value::Char(0)),
        ],
        ..Members::default()
    }
}
