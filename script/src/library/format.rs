//! `String.format`, as `java.util.Formatter` of Java 17 has it: the specifiers are read and checked before the first one is printed.
//! `%a` and dates (`%t`) are not there yet.

use num_bigint::{BigInt, Sign};

use super::format_number::{Digits, Layout};
use crate::classes::Class;
use crate::heap::{Fault, Object, Outcome, Value, thrown};
use crate::run::Machine;

/// The flags, in the order in which messages list them.
const FLAGS: &str = "-#+ 0,(<";
/// The letters of conversions. `a`, `A`, `t` and `T` are not there yet.
const CONVERSIONS: &str = "bBhHsScCdoxXeEgGfn%";
/// The longest width and precision, in characters.
const LONGEST: i32 = 1 << 20;

/// Which argument a specifier prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Argument {
    Next,
    Last,
    /// From 1.
    Numbered(i32),
    None,
}

/// A specifier taken apart.
#[derive(Debug)]
struct Specifier<'a> {
    argument: Argument,
    flags: &'a str,
    width: Option<i32>,
    precision: Option<i32>,
    /// In lower case.
    letter: char,
    upper: bool,
}

/// The formatted string.
pub(super) fn format(m: &mut Machine<'_>, pattern: Value, arguments: Vec<Value>) -> Outcome<Value> {
    let pattern = m.string(pattern)?;
    // What is wrong with a later one is told before an earlier one is printed: they are read twice, and not kept.
    m.work(1 + pattern.len() as u64 / 2)?;
    let mut rest = pattern.as_str();
    while let Some((_, found)) = rest.split_once('%') {
        (_, rest) = specifier(found)?;
    }
    let mut out = String::new();
    let mut places = Places::default();
    let mut rest = pattern.as_str();
    while let Some((text, found)) = rest.split_once('%') {
        let (specifier, behind) = specifier(found)?;
        out.push_str(text);
        let value = places.argument(&specifier, &arguments)?;
        out.push_str(&specifier.print(m, value)?);
        m.work(1 + out.len() as u64 / 256)?;
        if out.len() > 1 << 22 {
            return Err(Fault::Limit("the function made a string of more than 8 MiB".to_owned()));
        }
        rest = behind;
    }
    out.push_str(rest);
    m.new_string(&out)
}

/// Which arguments were printed.
#[derive(Default)]
struct Places {
    /// How many of those that have no number.
    ordinary: usize,
    last: Option<usize>,
}

impl Places {
    /// What a specifier prints.
    fn argument(&mut self, specifier: &Specifier<'_>, arguments: &[Value]) -> Outcome<Value> {
        match specifier.argument {
            Argument::None => return Ok(Value::Null),
            Argument::Last => {}
            Argument::Next => {
                self.last = Some(self.ordinary);
                self.ordinary += 1;
            }
            Argument::Numbered(number) => self.last = usize::try_from(number - 1).ok(),
        }
        match self.last.and_then(|place| arguments.get(place)) {
            Some(value) => Ok(*value),
            None => thrown(Class::MissingFormatArgumentException, format!("Format specifier '{}'", specifier.text())),
        }
    }
}

fn unknown<T>(what: impl std::fmt::Display) -> Outcome<T> {
    thrown(Class::UnknownFormatConversionException, format!("Conversion = '{what}'"))
}

/// What a run of digits means; nothing where it is more than an `int`.
fn digits(text: &str) -> (Option<Option<i32>>, &str) {
    let length = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = text.split_at(length);
    ((length > 0).then(|| number.parse().ok()), rest)
}

/// The specifier behind a `%`, and what follows it.
fn specifier(text: &str) -> Outcome<(Specifier<'_>, &str)> {
    let Some(first) = text.chars().next() else { return unknown('%') };
    let (number, after_number) = match digits(text) {
        (Some(number), behind) if behind.starts_with('$') => (Some(number), behind.get(1..).unwrap_or_default()),
        _ => (None, text),
    };
    let after_flags = after_number.trim_start_matches(|c| FLAGS.contains(c));
    let flags = after_number.strip_suffix(after_flags).unwrap_or_default();
    let (width, behind) = digits(after_flags);
    let (precision, behind) = match behind.strip_prefix('.').map(digits) {
        Some((Some(precision), behind)) => (Some(precision), behind),
        _ => (None, behind),
    };
    let Some(letter) = behind.chars().next().filter(|c| c.is_ascii_alphabetic() || *c == '%') else {
        return unknown(first);
    };
    let numbered = numbered(number)?;
    unrepeated(flags)?;
    let width = representable(width, Class::IllegalFormatWidthException)?;
    let precision = representable(precision, Class::IllegalFormatPrecisionException)?;
    if "tTaA".contains(letter) {
        return Err(Fault::Limit(format!("not supported yet: %{letter} in String.format")));
    }
    if !CONVERSIONS.contains(letter) {
        return unknown(letter);
    }
    let argument = match numbered {
        _ if "n%".contains(letter) => Argument::None,
        _ if flags.contains('<') => Argument::Last,
        Some(number) => Argument::Numbered(number),
        None => Argument::Next,
    };
    let (lower, upper) = (letter.to_ascii_lowercase(), letter.is_ascii_uppercase());
    let specifier = Specifier { argument, flags, width, precision, letter: lower, upper };
    specifier.check()?;
    Ok((specifier, behind.get(1..).unwrap_or_default()))
}

/// The number of an argument, from 1.
fn numbered(number: Option<Option<i32>>) -> Outcome<Option<i32>> {
    let message = match number {
        None => return Ok(None),
        Some(Some(number @ 1..)) => return Ok(Some(number)),
        Some(Some(number)) => format!("Illegal format argument index = {number}"),
        Some(None) => "Format argument index: (not representable as int)".to_owned(),
    };
    thrown(Class::IllegalFormatArgumentIndexException, message)
}

fn unrepeated(flags: &str) -> Outcome<()> {
    match flags.char_indices().find(|(place, flag)| flags.get(..*place).is_some_and(|before| before.contains(*flag))) {
        Some((_, flag)) => thrown(Class::DuplicateFormatFlagsException, format!("Flags = '{flag}'")),
        None => Ok(()),
    }
}

fn representable(number: Option<Option<i32>>, class: Class) -> Outcome<Option<i32>> {
    if number == Some(None) { thrown(class, i32::MIN.to_string()) } else { Ok(number.flatten()) }
}

impl Specifier<'_> {
    fn has(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }

    fn flags_text(&self) -> String {
        FLAGS.chars().filter(|flag| self.has(*flag)).collect()
    }

    /// As messages show it.
    fn text(&self) -> String {
        let mut text = format!("%{}", self.flags_text());
        if let Argument::Numbered(number) = self.argument {
            text += &format!("{number}$");
        }
        if let Some(width) = self.width {
            text += &width.to_string();
        }
        if let Some(precision) = self.precision {
            text += &format!(".{precision}");
        }
        text.push(if self.upper { self.letter.to_ascii_uppercase() } else { self.letter });
        text
    }

    fn refuse(&self, flags: &str) -> Outcome<()> {
        match flags.chars().find(|flag| self.has(*flag)) {
            Some(flag) => {
                let message = format!("Conversion = {}, Flags = {flag}", self.letter);
                thrown(Class::FormatFlagsConversionMismatchException, message)
            }
            None => Ok(()),
        }
    }

    fn needs_width(&self, flags: &str) -> Outcome<()> {
        if self.width.is_none() && flags.chars().any(|flag| self.has(flag)) {
            return thrown(Class::MissingFormatWidthException, self.text());
        }
        Ok(())
    }

    fn without_precision(&self) -> Outcome<()> {
        match self.precision {
            Some(precision) => thrown(Class::IllegalFormatPrecisionException, precision.to_string()),
            None => Ok(()),
        }
    }

    fn bad_flags(&self) -> Outcome<()> {
        thrown(Class::IllegalFormatFlagsException, format!("Flags = '{}'", self.flags_text()))
    }

    /// What is wrong with it whatever the argument is.
    fn check(&self) -> Outcome<()> {
        match self.letter {
            'b' | 'h' | 's' => {
                if self.letter != 's' {
                    self.refuse("#")?;
                }
                self.needs_width("-")?;
                self.refuse("+ 0,(")
            }
            'c' => {
                self.without_precision()?;
                self.refuse("#+ 0,(")?;
                self.needs_width("-")
            }
            'd' | 'o' | 'x' => {
                self.check_number()?;
                self.without_precision()?;
                self.refuse(if self.letter == 'd' { "#" } else { "," })
            }
            'e' | 'f' | 'g' => {
                self.check_number()?;
                self.refuse(match self.letter {
                    'e' => ",",
                    'g' => "#",
                    _ => "",
                })
            }
            '%' => {
                self.without_precision()?;
                if !matches!(self.flags, "" | "-") {
                    return self.bad_flags();
                }
                self.needs_width("-")
            }
            _ => {
                self.without_precision()?;
                match self.width {
                    Some(width) => thrown(Class::IllegalFormatWidthException, width.to_string()),
                    None if !self.flags.is_empty() => self.bad_flags(),
                    None => Ok(()),
                }
            }
        }
    }

    fn check_number(&self) -> Outcome<()> {
        self.needs_width("-0")?;
        if self.has('+') && self.has(' ') || self.has('-') && self.has('0') {
            return self.bad_flags();
        }
        Ok(())
    }

    fn print(&self, m: &mut Machine<'_>, value: Value) -> Outcome<String> {
        let decimals = self.precision.filter(|_| "efg".contains(self.letter));
        if self.width.max(decimals).is_some_and(|length| length > LONGEST) {
            return Err(Fault::Limit("the function made a string of more than 8 MiB".to_owned()));
        }
        let text = match (self.letter, value) {
            ('n', _) => return Ok("\n".to_owned()),
            ('%', _) => "%".to_owned(),
            ('b', Value::Null) => self.cut("false"),
            ('b', Value::Boolean(value)) => self.cut(&value.to_string()),
            ('b', _) => self.cut("true"),
            ('s', value) => {
                self.refuse("#")?;
                let text = m.show(value)?;
                self.cut(&text)
            }
            (_, Value::Null) => self.cut("null"),
            ('h', value) => {
                let hash = m.hash(value)?;
                self.cut(&format!("{hash:x}"))
            }
            ('c', value) => self.character(m, value)?,
            ('d' | 'o' | 'x', value) => self.integer(m, value)?,
            (_, value) => self.real(m, value)?,
        };
        Ok(self.justified(text))
    }

    /// A text as far as the precision reaches, in UTF-16 units.
    fn cut(&self, text: &str) -> String {
        let mut left = self.precision.map_or(usize::MAX, |length| length as usize);
        let taken = text.chars().take_while(|c| {
            let fits = c.len_utf16() <= left;
            left = if fits { left - c.len_utf16() } else { 0 };
            fits
        });
        let text: String = taken.collect();
        if self.upper { text.to_uppercase() } else { text }
    }

    fn justified(&self, text: String) -> String {
        let missing = self.missing(text.encode_utf16().count());
        if self.has('-') { text + &" ".repeat(missing) } else { " ".repeat(missing) + &text }
    }

    /// What a text of so many characters misses to the width.
    fn missing(&self, length: usize) -> usize {
        self.width.map_or(0, |width| (width as usize).saturating_sub(length))
    }

    fn mismatch<T>(&self, m: &Machine<'_>, value: Value) -> Outcome<T> {
        let class = m.class_of(value).full_name();
        thrown(Class::IllegalFormatConversionException, format!("{} != {class}", self.letter))
    }

    fn character(&self, m: &mut Machine<'_>, value: Value) -> Outcome<String> {
        match value {
            Value::Char(_) => {
                let text = m.show(value)?;
                Ok(self.cut(&text))
            }
            Value::Byte(_) | Value::Short(_) | Value::Int(_) => {
                let code = value.to_int() as u32;
                if code > char::MAX as u32 {
                    return thrown(Class::IllegalFormatCodePointException, format!("Code point = 0x{code:x}"));
                }
                Ok(self.cut(&char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER).to_string()))
            }
            value => self.mismatch(m, value),
        }
    }

    fn integer(&self, m: &mut Machine<'_>, value: Value) -> Outcome<String> {
        let (number, bits) = match value {
            Value::Byte(n) => (BigInt::from(n), u64::from(n as u8)),
            Value::Short(n) => (BigInt::from(n), u64::from(n as u16)),
            Value::Int(n) => (BigInt::from(n), u64::from(n as u32)),
            Value::Long(n) => (BigInt::from(n), n as u64),
            Value::Object(_) => match m.heap.get(value)? {
                Object::Big(number) => {
                    let number = number.clone();
                    m.work_on_digits(number.bits())?;
                    return self.big(&number);
                }
                _ => return self.mismatch(m, value),
            },
            value => return self.mismatch(m, value),
        };
        if self.letter == 'd' {
            return self.big(&number);
        }
        self.refuse("( +")?;
        Ok(self.radix("", &self.in_radix(&BigInt::from(bits)), ""))
    }

    fn big(&self, number: &BigInt) -> Outcome<String> {
        let negative = number.sign() == Sign::Minus;
        let magnitude = BigInt::from(number.magnitude().clone());
        if self.letter == 'd' {
            return Ok(self.signed(negative, &magnitude.to_string(), ""));
        }
        let (before, after) = self.signs(negative);
        Ok(self.radix(before, &self.in_radix(&magnitude), after))
    }

    fn in_radix(&self, number: &BigInt) -> String {
        number.to_str_radix(if self.letter == 'o' { 8 } else { 16 })
    }

    /// Digits to the base of 8 or 16 between the signs.
    fn radix(&self, before: &str, digits: &str, after: &str) -> String {
        let prefix = match (self.has('#'), self.letter) {
            (false, _) => "",
            (true, 'o') => "0",
            (true, _) => "0x",
        };
        let length = before.len() + prefix.len() + digits.len() + after.len();
        let zeros = if self.has('0') { self.missing(length) } else { 0 };
        let text = format!("{before}{prefix}{}{digits}{after}", "0".repeat(zeros));
        if self.upper { text.to_uppercase() } else { text }
    }

    fn signs(&self, negative: bool) -> (&'static str, &'static str) {
        match negative {
            true if self.has('(') => ("(", ")"),
            true => ("-", ""),
            false if self.has('+') => ("+", ""),
            false if self.has(' ') => (" ", ""),
            false => ("", ""),
        }
    }

    /// A number between its signs, with groups and leading zeros. What stands behind the mantissa counts for the width.
    fn signed(&self, negative: bool, mantissa: &str, exponent: &str) -> String {
        let (before, after) = self.signs(negative);
        let mantissa = if self.has(',') { grouped(mantissa) } else { mantissa.to_owned() };
        let length = before.len() + mantissa.len() + exponent.len() + after.len();
        let zeros = if self.has('0') { self.missing(length) } else { 0 };
        format!("{before}{}{mantissa}{exponent}{after}", "0".repeat(zeros))
    }

    fn real(&self, m: &mut Machine<'_>, value: Value) -> Outcome<String> {
        let (negative, digits) = match value {
            Value::Double(_) | Value::Float(_) => {
                let n = value.to_double();
                if n.is_nan() {
                    return Ok(if self.upper { "NAN" } else { "NaN" }.to_owned());
                }
                if n.is_infinite() {
                    let (before, after) = self.signs(n < 0.0);
                    return Ok(format!("{before}{}{after}", if self.upper { "INFINITY" } else { "Infinity" }));
                }
                (n.is_sign_negative(), Digits::of_double(n))
            }
            Value::Object(_) => match m.heap.get(value)? {
                Object::Decimal(decimal) => {
                    let decimal = decimal.clone();
                    m.work_on_digits(decimal.unscaled.bits())?;
                    (decimal.unscaled.sign() == Sign::Minus, Digits::of_decimal(&decimal))
                }
                _ => return self.mismatch(m, value),
            },
            value => return self.mismatch(m, value),
        };
        let layout = Layout { precision: self.precision.unwrap_or(6) as usize, with_point: self.has('#') };
        let laid_out = match self.letter {
            'f' => digits.fixed(layout).map(|mantissa| (mantissa, String::new())),
            'e' => Some(digits.scientific(layout)),
            _ => digits.general(layout),
        };
        let Some((mantissa, exponent)) = laid_out else {
            return Err(Fault::Limit("the function made a string of more than 8 MiB".to_owned()));
        };
        m.work(mantissa.len() as u64 / 16)?;
        Ok(self.signed(negative, &mantissa, &if self.upper { exponent.to_uppercase() } else { exponent }))
    }
}

fn grouped(digits: &str) -> String {
    let (whole, part) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut out = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + part
}
