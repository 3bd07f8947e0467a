//! `String.format`: `%d %s %f %e %x %X %o %c %b %%` and `%n`, with flags, width and precision.

use helenus_model::value::Decimal;
use num_bigint::BigInt;

use super::big::{Rounding, rescale};
use crate::classes::Class;
use crate::heap::{Fault, Object, Outcome, Value, thrown};
use crate::run::{Machine, plain_decimal};

/// A conversion taken apart.
#[derive(Debug, Default)]
struct Conversion {
    argument: Option<usize>,
    flags: String,
    width: Option<usize>,
    precision: Option<usize>,
    letter: char,
}

/// The formatted string.
pub(super) fn format(m: &mut Machine<'_>, pattern: Value, arguments: Vec<Value>) -> Outcome<Value> {
    let pattern = m.string(pattern)?;
    let mut out = String::new();
    let mut rest = pattern.as_str();
    let mut next = 0;
    while let Some(place) = rest.find('%') {
        out.push_str(rest.get(..place).unwrap_or_default());
        let (conversion, behind) = conversion(rest.get(place + 1..).unwrap_or_default())?;
        rest = behind;
        match conversion.letter {
            '%' => out.push_str(&padded(&conversion, "%".to_owned())),
            'n' => out.push('\n'),
            _ => {
                let place = conversion.argument.unwrap_or(next);
                next += usize::from(conversion.argument.is_none());
                let Some(argument) = arguments.get(place).copied() else {
                    return thrown(Class::IllegalFormatException, format!("Format specifier '%{}'", conversion.letter));
                };
                let text = one(m, &conversion, argument)?;
                out.push_str(&padded(&conversion, text));
            }
        }
        m.work(1 + out.len() as u64 / 256)?;
        if out.len() > 1 << 22 {
            return Err(Fault::Limit("the function made a string of more than 8 MiB".to_owned()));
        }
    }
    out.push_str(rest);
    m.new_string(&out)
}

fn number(text: &str) -> (Option<usize>, &str) {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = text.split_at(digits);
    (number.parse().ok().filter(|number| *number <= 100_000), rest)
}

/// Behind the `%`.
fn conversion(text: &str) -> Outcome<(Conversion, &str)> {
    let mut conversion = Conversion::default();
    let mut rest = text;
    if let (Some(place @ 1..), behind) = number(rest)
        && let Some(behind) = behind.strip_prefix('$')
    {
        conversion.argument = Some(place - 1);
        rest = behind;
    }
    while let Some(flag) = rest.chars().next().filter(|c| "-#+ 0,(".contains(*c)) {
        conversion.flags.push(flag);
        rest = rest.get(1..).unwrap_or_default();
    }
    (conversion.width, rest) = number(rest);
    if let Some(behind) = rest.strip_prefix('.') {
        (conversion.precision, rest) = number(behind);
    }
    match rest.chars().next() {
        Some(letter) if "dsSfexXocCbB%nE".contains(letter) => {
            conversion.letter = letter;
            Ok((conversion, rest.get(1..).unwrap_or_default()))
        }
        Some(letter) => thrown(Class::IllegalFormatException, format!("Conversion = '{letter}'")),
        None => thrown(Class::IllegalFormatException, "Conversion = '%'"),
    }
}

fn padded(conversion: &Conversion, text: String) -> String {
    let width = conversion.width.unwrap_or(0);
    let missing = width.saturating_sub(text.encode_utf16().count());
    if missing == 0 {
        return text;
    }
    if conversion.flags.contains('-') {
        return text + &" ".repeat(missing);
    }
    if conversion.flags.contains('0') && "dfexXoE".contains(conversion.letter) {
        let sign = text.len() - text.trim_start_matches(['+', '-', ' ']).len();
        let (sign, digits) = text.split_at(sign);
        return format!("{sign}{}{digits}", "0".repeat(missing));
    }
    " ".repeat(missing) + &text
}

fn mismatch<T>(m: &Machine<'_>, letter: char, value: Value) -> Outcome<T> {
    let class = m.class_of(value).full_name();
    thrown(Class::IllegalFormatException, format!("{letter} != {class}"))
}

fn one(m: &mut Machine<'_>, conversion: &Conversion, value: Value) -> Outcome<String> {
    let letter = conversion.letter;
    let cut = |text: String| match conversion.precision {
        Some(length) => text.chars().take(length).collect(),
        None => text,
    };
    Ok(match (letter, value) {
        ('b' | 'B', value) => {
            let text = match value {
                Value::Null => false,
                Value::Boolean(value) => value,
                _ => true,
            };
            upper(letter, cut(text.to_string()))
        }
        (_, Value::Null) => upper(letter, cut("null".to_owned())),
        ('s' | 'S', value) => {
            let text = m.show(value)?;
            upper(letter, cut(text))
        }
        ('c' | 'C', Value::Char(_)) => {
            let text = m.show(value)?;
            upper(letter, text)
        }
        ('c', Value::Int(n)) => char::from_u32(n as u32).map(String::from).unwrap_or_default(),
        ('d', value) => {
            let Some(number) = whole(m, value)? else { return mismatch(m, letter, value) };
            signed(conversion, number.sign() == num_bigint::Sign::Minus, number.magnitude().to_string())
        }
        ('x' | 'X' | 'o', value) => {
            let text = match value {
                Value::Int(n) => radix(letter, u64::from(n as u32)),
                Value::Long(n) => radix(letter, n as u64),
                Value::Short(n) => radix(letter, u64::from(n as u16)),
                Value::Byte(n) => radix(letter, u64::from(n as u8)),
                value => return mismatch(m, letter, value),
            };
            upper(letter, text)
        }
        ('f', value) => {
            let Some((negative, digits)) = fixed(m, value, conversion.precision.unwrap_or(6))? else {
                return mismatch(m, letter, value);
            };
            signed(conversion, negative, digits)
        }
        ('e' | 'E', Value::Double(_) | Value::Float(_)) => {
            let n = value.to_double();
            let text = format!("{:.*e}", conversion.precision.unwrap_or(6), n.abs());
            let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let exponent: i32 = exponent.parse().unwrap_or(0);
            let sign = if exponent < 0 { '-' } else { '+' };
            let text = format!("{digits}e{sign}{:02}", exponent.abs());
            upper(letter, signed(conversion, n.is_sign_negative(), text))
        }
        (letter, value) => return mismatch(m, letter, value),
    })
}

fn upper(letter: char, text: String) -> String {
    if letter.is_uppercase() { text.to_uppercase() } else { text }
}

fn radix(letter: char, n: u64) -> String {
    if letter == 'o' { format!("{n:o}") } else { format!("{n:x}") }
}

fn whole(m: &Machine<'_>, value: Value) -> Outcome<Option<BigInt>> {
    Ok(match value {
        Value::Byte(_) | Value::Short(_) | Value::Int(_) | Value::Long(_) => Some(value.to_long().into()),
        Value::Object(_) => match m.heap.get(value)? {
            Object::Big(number) => Some(number.clone()),
            _ => None,
        },
        _ => None,
    })
}

/// The sign and the digits of a number with so many decimals, rounded half up.
fn fixed(m: &Machine<'_>, value: Value, decimals: usize) -> Outcome<Option<(bool, String)>> {
    let decimal = match value {
        Value::Double(_) | Value::Float(_) => {
            let n = value.to_double();
            if n.is_nan() {
                return Ok(Some((false, "NaN".to_owned())));
            }
            if n.is_infinite() {
                return Ok(Some((n < 0.0, "Infinity".to_owned())));
            }
            // Java rounds the shortest decimal that means the number.
            let text = match value {
                Value::Float(n) => format!("{}", n.abs()),
                _ => format!("{}", n.abs()),
            };
            let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
            let unscaled: BigInt = format!("{whole}{part}").parse().unwrap_or_default();
            let scale = part.len() as i32;
            let rounded = rescale(&Decimal { unscaled, scale }, decimals as i32, Rounding::HalfUp)?;
            return Ok(Some((n.is_sign_negative(), plain_decimal(&rounded))));
        }
        Value::Object(_) => match m.heap.get(value)? {
            Object::Decimal(decimal) => decimal.clone(),
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    let negative = decimal.unscaled.sign() == num_bigint::Sign::Minus;
    let rounded = rescale(&decimal, decimals as i32, Rounding::HalfUp)?;
    Ok(Some((negative, plain_decimal(&rounded).trim_start_matches('-').to_owned())))
}

fn signed(conversion: &Conversion, negative: bool, digits: String) -> String {
    let digits = if conversion.flags.contains(',') { grouped(&digits) } else { digits };
    if negative && conversion.flags.contains('(') {
        return format!("({digits})");
    }
    let sign = match negative {
        true => "-",
        false if conversion.flags.contains('+') => "+",
        false if conversion.flags.contains(' ') => " ",
        false => "",
    };
    format!("{sign}{digits}")
}

fn grouped(digits: &str) -> String {
    let (whole, part) = match digits.split_once('.') {
        Some((whole, part)) => (whole, Some(part)),
        None => (digits, None),
    };
    let mut out = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    match part {
        Some(part) => format!("{out}.{part}"),
        None => out,
    }
}
