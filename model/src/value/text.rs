//! `ascii`, `text` and `blob`.

use std::borrow::Cow;

use super::ValueError;

/// The characters of a `text` or `ascii` value; bytes that are no character become U+FFFD.
pub fn decode_text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// True when every byte is below 0x80.
pub fn is_valid_ascii(bytes: &[u8]) -> bool {
    bytes.is_ascii()
}

/// True when Cassandra takes the bytes for UTF-8. It is laxer than the standard: surrogates, `c0 80` and numbers up to
/// 1fffff pass, and two of its tests look at fewer bits than they should.
pub fn is_valid_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok() || is_lax_utf8(bytes)
}

fn is_lax_utf8(mut bytes: &[u8]) -> bool {
    let continues = |byte: u8| byte & 0xc0 == 0x80;
    loop {
        bytes = match *bytes {
            [] => return true,
            [0x00..=0x7f, ref rest @ ..] => rest,
            [0xc0, 0x80, ref rest @ ..] => rest,
            [0xc2..=0xdf, second, ref rest @ ..] if continues(second) => rest,
            [0xe0, second, third, ref rest @ ..] if second & 0xe0 != 0x80 && continues(third) => rest,
            [0xe1..=0xef, second, third, ref rest @ ..] if continues(second) && continues(third) => rest,
            [0xf0, second, third, fourth, ref rest @ ..]
                if second & 0x30 != 0 && continues(third) && continues(fourth) =>
            {
                rest
            }
            [0xf1..=0xf7, second, third, fourth, ref rest @ ..]
                if continues(second) && continues(third) && continues(fourth) =>
            {
                rest
            }
            _ => return false,
        };
    }
}

pub(super) fn validate_ascii(bytes: &[u8]) -> Result<(), ValueError> {
    match bytes.iter().find(|byte| !byte.is_ascii()) {
        None => Ok(()),
        Some(&byte) => Err(ValueError::new(format!("Invalid byte for ascii: {}", byte as i8))),
    }
}

pub(super) fn validate_utf8(bytes: &[u8]) -> Result<(), ValueError> {
    if is_valid_utf8(bytes) { Ok(()) } else { Err(ValueError::new("String didn't validate.")) }
}

/// Lower-case hexadecimal digits of bytes, without `0x`.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
    out
}

/// Bytes of hexadecimal digits in either case.
pub(super) fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let value = |digit: u8| (digit as char).to_digit(16).map(|digit| digit as u8);
    digits.as_chunks::<2>().0.iter().map(|&[high, low]| Some(value(high)? << 4 | value(low)?)).collect()
}
