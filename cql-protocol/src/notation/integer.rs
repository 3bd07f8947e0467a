//! `[byte]`, `[short]`, `[int]`, `[long]`: big-endian.

use super::{DecodeError, Reader};

impl Reader<'_> {
    /// A `[byte]`, unsigned.
    ///
    /// # Errors
    /// If the body ends.
    pub fn byte(&mut self) -> Result<u8, DecodeError> {
        self.take_array::<1>("a byte").map(|[byte]| byte)
    }

    /// A `[short]`, unsigned.
    ///
    /// # Errors
    /// If the body ends.
    pub fn short(&mut self) -> Result<u16, DecodeError> {
        self.take_array("a short").map(u16::from_be_bytes)
    }

    /// An `[int]`, signed.
    ///
    /// # Errors
    /// If the body ends.
    pub fn int(&mut self) -> Result<i32, DecodeError> {
        self.take_array("an int").map(i32::from_be_bytes)
    }

    /// A `[long]`, signed.
    ///
    /// # Errors
    /// If the body ends.
    pub fn long(&mut self) -> Result<i64, DecodeError> {
        self.take_array("a long").map(i64::from_be_bytes)
    }
}

/// Appends a `[byte]`.
pub fn write_byte(out: &mut Vec<u8>, value: u8) {
    out.push(value);
}

/// Appends a `[short]`.
pub fn write_short(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends an `[int]`.
pub fn write_int(out: &mut Vec<u8>, value: i32) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends a `[long]`.
pub fn write_long(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// The size of something as the number before it. Frames are limited far below 2 GiB.
///
/// # Panics
/// If something within a frame has 2 GiB or more.
pub(super) fn size_as_int(size: usize) -> i32 {
    i32::try_from(size).expect("nothing within a frame has 2 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_go_both_ways() {
        let mut out = Vec::new();
        write_byte(&mut out, 0xfe);
        write_short(&mut out, 0xfffe);
        write_int(&mut out, -2);
        write_long(&mut out, i64::MIN + 1);
        assert_eq!(out, [0xfe, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 1]);
        let mut reader = Reader::new(&out);
        assert_eq!(reader.byte(), Ok(0xfe));
        assert_eq!(reader.short(), Ok(0xfffe));
        assert_eq!(reader.int(), Ok(-2));
        assert_eq!(reader.long(), Ok(i64::MIN + 1));
        assert_eq!(reader.byte(), Err(DecodeError::Truncated("a byte")));
        assert_eq!(Reader::new(&out[..1]).short(), Err(DecodeError::Truncated("a short")));
        assert_eq!(Reader::new(&out[..3]).int(), Err(DecodeError::Truncated("an int")));
        assert_eq!(Reader::new(&out[..7]).long(), Err(DecodeError::Truncated("a long")));
    }
}
