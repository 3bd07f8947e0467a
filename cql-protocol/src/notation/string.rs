//! `[string]` and `[long string]`: a size in bytes, then UTF-8.

use super::integer::{size_as_int, write_int, write_short};
use super::{DecodeError, Reader};

const STRING: &str = "an UTF8 serialized string preceded by its 2 bytes length";
const LONG_STRING: &str = "an UTF8 serialized string preceded by its 4 bytes length";

/// Bytes of a broken string that an error message shows.
const SHOWN_SIZE_MAX: usize = 64;

impl<'a> Reader<'a> {
    /// A `[string]`.
    ///
    /// # Errors
    /// If the body ends or the string is not UTF-8.
    pub fn string(&mut self) -> Result<&'a str, DecodeError> {
        let size = u16::from_be_bytes(self.take_array(STRING)?);
        utf8(self.take(usize::from(size), STRING)?)
    }

    /// A `[long string]`.
    ///
    /// # Errors
    /// If the body ends, the size is negative or the string is not UTF-8.
    pub fn long_string(&mut self) -> Result<&'a str, DecodeError> {
        let size = i32::from_be_bytes(self.take_array(LONG_STRING)?);
        let size = usize::try_from(size)
            .map_err(|_| DecodeError::NegativeLength { notation: "a long string", length: size })?;
        utf8(self.take(size, LONG_STRING)?)
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(bytes).map_err(|_| {
        let shown = bytes.get(..SHOWN_SIZE_MAX).unwrap_or(bytes);
        DecodeError::NotUtf8(shown.iter().map(|byte| format!("{byte:02x}")).collect())
    })
}

/// Appends a `[string]`. What does not fit its 65,535 bytes is cut off at a whole character, so that the message stays
/// well-formed whatever an error text quotes.
pub fn write_string(out: &mut Vec<u8>, value: &str) {
    let value = match value.get(..usize::from(u16::MAX)) {
        _ if value.len() <= usize::from(u16::MAX) => value,
        Some(cut) => cut,
        None => &value[..value.floor_char_boundary(usize::from(u16::MAX))],
    };
    #[expect(clippy::cast_possible_truncation, reason = "cut to 65,535 bytes above")]
    write_short(out, value.len() as u16);
    out.extend_from_slice(value.as_bytes());
}

/// Appends a `[long string]`.
///
/// # Panics
/// If it has 2 GiB or more.
pub fn write_long_string(out: &mut Vec<u8>, value: &str) {
    write_int(out, size_as_int(value.len()));
    out.extend_from_slice(value.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, short: &[u8], long: &[u8]) {
        let mut out = Vec::new();
        write_string(&mut out, value);
        assert_eq!(out, short);
        assert_eq!(Reader::new(&out).string(), Ok(value));
        out.clear();
        write_long_string(&mut out, value);
        assert_eq!(out, long);
        assert_eq!(Reader::new(&out).long_string(), Ok(value));
    }

    #[test]
    fn strings_go_both_ways() {
        check("", &[0, 0], &[0, 0, 0, 0]);
        check("ab", &[0, 2, b'a', b'b'], &[0, 0, 0, 2, b'a', b'b']);
        check("é", &[0, 2, 0xc3, 0xa9], &[0, 0, 0, 2, 0xc3, 0xa9]);
    }

    #[test]
    fn broken_strings_are_refused() {
        assert_eq!(Reader::new(&[0]).string(), Err(DecodeError::Truncated(STRING)));
        assert_eq!(Reader::new(&[0, 2, b'a']).string(), Err(DecodeError::Truncated(STRING)));
        assert_eq!(Reader::new(&[0, 1, 0xff]).string(), Err(DecodeError::NotUtf8("ff".to_owned())));
        assert_eq!(Reader::new(&[0, 0, 0]).long_string(), Err(DecodeError::Truncated(LONG_STRING)));
        assert_eq!(
            Reader::new(&[0x7f, 0xff, 0xff, 0xff, b'a']).long_string(),
            Err(DecodeError::Truncated(LONG_STRING))
        );
        assert_eq!(
            Reader::new(&[0xff, 0xff, 0xff, 0xff]).long_string(),
            Err(DecodeError::NegativeLength { notation: "a long string", length: -1 })
        );
    }

    #[test]
    fn a_long_text_is_cut_at_a_whole_character() {
        for (text, size) in [("a".repeat(70_000), 65_535), ("é".repeat(40_000), 65_534)] {
            let mut out = Vec::new();
            write_string(&mut out, &text);
            let read = Reader::new(&out).string().unwrap();
            assert_eq!(read.len(), size);
            assert!(text.starts_with(read));
        }
    }
}
