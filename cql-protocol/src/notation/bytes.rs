//! `[bytes]` (a size of four bytes, negative for null) and `[short bytes]`.

use super::integer::{size_as_int, write_int, write_short};
use super::{DecodeError, Reader};

impl<'a> Reader<'a> {
    /// A `[bytes]`, or none for null.
    ///
    /// # Errors
    /// If the body ends.
    pub fn bytes(&mut self) -> Result<Option<&'a [u8]>, DecodeError> {
        match usize::try_from(self.int()?) {
            Ok(size) => self.take(size, "bytes preceded by their 4 bytes length").map(Some),
            Err(_) => Ok(None),
        }
    }

    /// A `[short bytes]`.
    ///
    /// # Errors
    /// If the body ends.
    pub fn short_bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        const NOTATION: &str = "a byte array preceded by its 2 bytes length";
        let size = u16::from_be_bytes(self.take_array(NOTATION)?);
        self.take(usize::from(size), NOTATION)
    }
}

/// Appends a `[bytes]`.
///
/// # Panics
/// If it has 2 GiB or more.
#[inline]
pub fn write_bytes(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        Some(bytes) => {
            write_int(out, size_as_int(bytes.len()));
            out.extend_from_slice(bytes);
        }
        None => write_int(out, -1),
    }
}

/// Appends a `[short bytes]`.
///
/// # Panics
/// If it has 64 KiB or more: ids have sixteen bytes.
pub fn write_short_bytes(out: &mut Vec<u8>, value: &[u8]) {
    write_short(out, u16::try_from(value.len()).expect("ids are shorter than 64 KiB"));
    out.extend_from_slice(value);
}

/// Inserts bytes, moving what follows once.
pub(crate) fn insert(out: &mut Vec<u8>, at: usize, parts: &[&[u8]]) {
    let size: usize = parts.iter().map(|part| part.len()).sum();
    let end = out.len();
    out.resize(end + size, 0);
    out.copy_within(at..end, at + size);
    let mut at = at;
    for part in parts {
        out[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: Option<&[u8]>, expected: &[u8]) {
        let mut out = Vec::new();
        write_bytes(&mut out, value);
        assert_eq!(out, expected);
        assert_eq!(Reader::new(&out).bytes(), Ok(value));
    }

    #[test]
    fn bytes_go_both_ways() {
        check(None, &[0xff, 0xff, 0xff, 0xff]);
        check(Some(&[]), &[0, 0, 0, 0]);
        check(Some(&[7]), &[0, 0, 0, 1, 7]);
        assert_eq!(Reader::new(&[0xff, 0, 0, 0]).bytes(), Ok(None));
        assert!(Reader::new(&[0, 0, 0, 2, 7]).bytes().is_err());
        let mut out = Vec::new();
        write_short_bytes(&mut out, &[7, 8]);
        assert_eq!(out, [0, 2, 7, 8]);
        assert_eq!(Reader::new(&out).short_bytes(), Ok(&[7, 8][..]));
        assert!(Reader::new(&[0, 3, 7, 8]).short_bytes().is_err());
    }
}
