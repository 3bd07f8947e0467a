//! A reader of JSON text that keeps what Cassandra's reader keeps: whole numbers by size, others as doubles, members in
//! order with the last of equal names.

use std::fmt;

use num_bigint::BigInt;

use super::{ValueError, java_double};

/// Deepest nesting of arrays and objects.
const DEPTH_MAX: usize = 128;

/// A JSON value. It prints as Java prints the parsed object, which is how it stands in messages.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean(bool),
    /// A whole number of 64 bits.
    Integer(i64),
    /// A whole number beyond 64 bits.
    BigInteger(BigInt),
    /// A number with a point or an exponent.
    Double(f64),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// Members of an object, each name once.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads the first JSON value of a text.
    ///
    /// # Errors
    /// Text that is no JSON, and nesting beyond 128.
    pub fn parse(text: &str) -> Result<Json, ValueError> {
        let mut parser = Parser { text, at: 0 };
        let value = parser.value(0)?;
        if matches!(value, Json::Integer(_) | Json::BigInteger(_) | Json::Double(_))
            && parser.peek().is_some_and(|byte| !byte.is_ascii_whitespace())
        {
            return Err(parser.unexpected("Expected space separating root-level values"));
        }
        Ok(value)
    }

    /// Name of the Java class of the parsed object.
    pub(super) fn class(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Boolean(_) => "Boolean",
            Json::Integer(number) if i32::try_from(*number).is_ok() => "Integer",
            Json::Integer(_) => "Long",
            Json::BigInteger(_) => "BigInteger",
            Json::Double(_) => "Double",
            Json::String(_) => "String",
            Json::Array(_) => "ArrayList",
            Json::Object(_) => "LinkedHashMap",
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => out.write_str("null"),
            Json::Boolean(value) => value.fmt(out),
            Json::Integer(number) => number.fmt(out),
            Json::BigInteger(number) => number.fmt(out),
            Json::Double(number) => out.write_str(&java_double(*number)),
            Json::String(text) => out.write_str(text),
            Json::Array(elements) => {
                out.write_str("[")?;
                for (place, element) in elements.iter().enumerate() {
                    write!(out, "{}{element}", if place == 0 { "" } else { ", " })?;
                }
                out.write_str("]")
            }
            Json::Object(members) => {
                out.write_str("{")?;
                for (place, (name, value)) in members.iter().enumerate() {
                    write!(out, "{}{name}={value}", if place == 0 { "" } else { ", " })?;
                }
                out.write_str("}")
            }
        }
    }
}

const VALUE_EXPECTED: &str =
    "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn value(&mut self, depth: usize) -> Result<Json, ValueError> {
        self.skip_space();
        match self.peek() {
            None if self.text.trim_ascii().is_empty() => Err(fault("No content to map due to end-of-input")),
            None => Err(fault("Unexpected end-of-input within/between values")),
            Some(b'[' | b'{') if depth >= DEPTH_MAX => Err(fault("Document nesting is too deep")),
            Some(b'[') => self.array(depth),
            Some(b'{') => self.object(depth),
            Some(b'"') => Ok(Json::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => self.word(),
            Some(_) => Err(self.unexpected(VALUE_EXPECTED)),
        }
    }

    fn word(&mut self) -> Result<Json, ValueError> {
        match self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            "null" => Ok(Json::Null),
            "true" => Ok(Json::Boolean(true)),
            "false" => Ok(Json::Boolean(false)),
            other => Err(fault(format!(
                "Unrecognized token '{other}': was expecting (JSON String, Number, Array, Object or token 'null', \
                 'true' or 'false')"
            ))),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, ValueError> {
        self.at += 1;
        let mut elements = Vec::new();
        if self.eat(b']') {
            return Ok(Json::Array(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            if self.eat(b']') {
                return Ok(Json::Array(elements));
            }
            self.comma("Array")?;
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, ValueError> {
        self.at += 1;
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut places = std::collections::BTreeMap::new();
        if self.eat(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("was expecting double-quote to start field name"));
            }
            let name = self.string()?;
            if !self.eat(b':') {
                return Err(self.unexpected("was expecting a colon to separate field name and value"));
            }
            let value = self.value(depth + 1)?;
            let place = *places.entry(name.clone()).or_insert(members.len());
            match members.get_mut(place) {
                Some(member) => member.1 = value,
                None => members.push((name, value)),
            }
            if self.eat(b'}') {
                return Ok(Json::Object(members));
            }
            self.comma("Object")?;
        }
    }

    fn comma(&mut self, what: &str) -> Result<(), ValueError> {
        if self.eat(b',') {
            return Ok(());
        }
        if self.peek().is_none() {
            return Err(fault(format!("Unexpected end-of-input: expected close marker for {what}")));
        }
        Err(self.unexpected(&format!("was expecting comma to separate {what} entries")))
    }

    fn number(&mut self) -> Result<Json, ValueError> {
        let number = self.take_while(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        let unsigned = number.strip_prefix('-').unwrap_or(number);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
            None => (unsigned, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() > 1 && whole.starts_with('0') {
            return Err(fault("Invalid numeric value: Leading zeroes not allowed"));
        }
        if !digits(whole) || !fraction.is_none_or(digits) || !exponent.is_none_or(digits) {
            return Err(fault(format!("Invalid numeric value: {number}")));
        }
        if fraction.is_some() || exponent.is_some() {
            return number.parse().map(Json::Double).map_err(|_| fault("Invalid numeric value"));
        }
        match number.parse() {
            Ok(small) => Ok(Json::Integer(small)),
            Err(_) => number.parse().map(Json::BigInteger).map_err(|_| fault("Invalid numeric value")),
        }
    }

    fn string(&mut self) -> Result<String, ValueError> {
        self.at += 1;
        let mut content = String::new();
        loop {
            content.push_str(self.take_while(|byte| byte != b'"' && byte != b'\\' && byte >= b' '));
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(content);
                }
                Some(b'\\') => {
                    self.at += 1;
                    content.push(self.escape()?);
                }
                Some(control) => {
                    return Err(fault(format!(
                        "Illegal unquoted character ((CTRL-CHAR, code {control})): has to be escaped using backslash to be \
                         included in string value"
                    )));
                }
                None => {
                    return Err(fault("Unexpected end-of-input: was expecting closing quote for a string value"));
                }
            }
        }
    }

    /// What stands behind a backslash. Half a surrogate pair becomes `?`, as Java encodes it.
    fn escape(&mut self) -> Result<char, ValueError> {
        let escaped = self.rest().chars().next();
        let Some(escaped) = escaped else {
            return Err(fault("Unexpected end-of-input in character escape sequence"));
        };
        self.at += escaped.len_utf8();
        Ok(match escaped {
            '"' | '\\' | '/' => escaped,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let first = self.hex_unit()?;
                if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
                    let before = self.at;
                    self.at += 2;
                    let second = self.hex_unit()?;
                    if let Some(Ok(paired)) = char::decode_utf16([first, second]).next() {
                        return Ok(paired);
                    }
                    self.at = before;
                }
                char::from_u32(u32::from(first)).unwrap_or('?')
            }
            other => {
                return Err(fault(format!("Unrecognized character escape '{other}' (code {})", other as u32)));
            }
        })
    }

    fn hex_unit(&mut self) -> Result<u16, ValueError> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        self.at += 4;
        unit.ok_or_else(|| fault("expected a hex-digit for character escape sequence"))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Takes bytes while `accept` holds; it must hold for all bytes that are not ASCII, or for none.
    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.bytes().position(|byte| !accept(byte)).unwrap_or(rest.len());
        let taken = rest.get(..length).unwrap_or("");
        self.at += taken.len();
        taken
    }

    fn unexpected(&self, expectation: &str) -> ValueError {
        match self.rest().chars().next() {
            Some(letter) => fault(format!("Unexpected character ('{letter}' (code {})): {expectation}", letter as u32)),
            None => fault(format!("Unexpected end-of-input: {expectation}")),
        }
    }
}

fn fault(reason: impl fmt::Display) -> ValueError {
    ValueError::new(format!("Error decoding JSON string: {reason}"))
}
