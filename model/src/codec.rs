//! Reading and writing of the project's own binary forms (log, wire, hints): big-endian integers, Cassandra's unsigned
//! vints (Cassandra: `VIntCoding`), length-prefixed bytes. Every length is checked against what is left before it is believed.

use thiserror::Error;

/// Why bytes could not be decoded. Offsets count from the start of the slice the [`Reader`] was made for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The bytes end before the value does.
    #[error("truncated at byte {at}: {wanted} more bytes wanted, {left} left")]
    Truncated {
        /// Offset of the value.
        at: usize,
        /// Bytes the value needs.
        wanted: usize,
        /// Bytes that are there.
        left: usize,
    },
    /// A field has a value outside its range.
    #[error("invalid {what} at byte {at}")]
    Invalid {
        /// The field.
        what: &'static str,
        /// Offset behind the field.
        at: usize,
    },
    /// Bytes are left over behind the last field.
    #[error("{left} bytes left over at byte {at}")]
    Trailing {
        /// Offset of the first of them.
        at: usize,
        /// How many.
        left: usize,
    },
}

/// A cursor over a byte slice.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

macro_rules! fixed {
    ($($name:ident $type:ty),*) => {$(
        #[doc = concat!("Reads a big-endian `", stringify!($type), "`.")]
        #[inline]
        pub fn $name(&mut self) -> Result<$type, DecodeError> {
            let bytes = self.array()?;
            Ok(<$type>::from_be_bytes(bytes))
        }
    )*};
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, at: 0 }
    }

    /// Offset of the next byte.
    #[inline]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Bytes not read yet.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// True when nothing is left.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// What is left, without consuming it.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Fails unless everything was read.
    pub fn finish(&self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(DecodeError::Trailing { at: self.at, left }),
        }
    }

    /// An error about the field just read.
    pub fn invalid(&self, what: &'static str) -> DecodeError {
        DecodeError::Invalid { what, at: self.at }
    }

    /// The next `n` bytes.
    #[inline]
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        let left = self.remaining();
        if n > left {
            return Err(DecodeError::Truncated { at: self.at, wanted: n, left });
        }
        let out = &self.bytes[self.at..self.at + n];
        self.at += n;
        Ok(out)
    }

    /// Passes `n` bytes of [`Reader::rest`]; what is not there cannot be passed.
    #[inline]
    pub fn skip(&mut self, n: usize) {
        self.at = self.bytes.len().min(self.at + n);
    }

    /// The next `N` bytes as an array.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let bytes = self.take(N)?;
        let mut out = [0; N];
        out.copy_from_slice(bytes);
        Ok(out)
    }

    fixed!(u8 u8, u16 u16, u32 u32, u64 u64, i16 i16, i32 i32, i64 i64);

    /// Reads a UUID, most significant byte first.
    #[inline]
    pub fn uuid(&mut self) -> Result<uuid::Uuid, DecodeError> {
        Ok(uuid::Uuid::from_bytes(self.array()?))
    }

    /// Reads an unsigned vint. Longer than shortest forms are accepted.
    #[inline]
    pub fn vint(&mut self) -> Result<u64, DecodeError> {
        let first = self.u8()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let extra = first.leading_ones() as usize;
        let bytes = self.take(extra)?;
        let mut value = if extra >= 8 { 0 } else { u64::from(first & (0xff_u8 >> extra)) };
        for byte in bytes {
            value = (value << 8) | u64::from(*byte);
        }
        Ok(value)
    }

    /// Reads a zigzag vint.
    #[inline]
    pub fn svint(&mut self) -> Result<i64, DecodeError> {
        let v = self.vint()?;
        Ok(((v >> 1) as i64) ^ -((v & 1) as i64))
    }

    /// Reads a vint that counts bytes or things of at least one byte each, so at most what is left.
    #[inline]
    pub fn count(&mut self) -> Result<usize, DecodeError> {
        let v = self.vint()?;
        let left = self.remaining();
        if v > left as u64 {
            return Err(DecodeError::Truncated { at: self.at, wanted: usize::try_from(v).unwrap_or(usize::MAX), left });
        }
        Ok(v as usize)
    }

    /// Reads bytes behind a vint length.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let n = self.count()?;
        self.take(n)
    }

    /// Reads bytes behind a u16 length.
    #[inline]
    pub fn bytes16(&mut self) -> Result<&'a [u8], DecodeError> {
        let n = self.u16()?;
        self.take(usize::from(n))
    }

    /// Reads UTF-8 text behind a vint length.
    pub fn text(&mut self) -> Result<&'a str, DecodeError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| self.invalid("utf-8 text"))
    }

    /// Reads a byte that is 0 or 1.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.invalid("boolean")),
        }
    }
}

/// Appends an unsigned vint in its shortest form.
#[inline]
pub fn put_vint(out: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        out.push(value as u8);
        return;
    }
    let size = vint_len(value);
    if size == 9 {
        out.push(0xff);
        out.extend_from_slice(&value.to_be_bytes());
        return;
    }
    let extra = size - 1;
    let mut bytes = value.to_be_bytes();
    let start = 8 - size;
    bytes[start] |= !(0xff_u8 >> extra);
    out.extend_from_slice(&bytes[start..]);
}

/// Bytes [`put_vint`] writes for `value`, 1 to 9.
#[inline]
pub fn vint_len(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    if bits > 56 { 9 } else { bits.div_ceil(7) }
}

/// Appends a zigzag vint.
#[inline]
pub fn put_svint(out: &mut Vec<u8>, value: i64) {
    put_vint(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends bytes behind a vint length.
#[inline]
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_vint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends bytes behind a u16 length. The caller has checked that they are at most 65535.
#[inline]
pub fn put_bytes16(out: &mut Vec<u8>, bytes: &[u8]) {
    assert!(bytes.len() <= usize::from(u16::MAX), "a 16-bit length cannot hold {}", bytes.len());
    out.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Appends text behind a vint length.
#[inline]
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn vints_have_cassandras_bytes() {
        for (value, bytes) in [
            (0, &[0_u8][..]),
            (127, &[0x7f]),
            (128, &[0x80, 0x80]),
            (16383, &[0xbf, 0xff]),
            (16384, &[0xc0, 0x40, 0x00]),
            ((1 << 49) - 1, &[0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            ((1 << 56) - 1, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            (1 << 56, &[0xff, 0x01, 0, 0, 0, 0, 0, 0, 0]),
            (u64::MAX, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ] {
            let mut out = Vec::new();
            put_vint(&mut out, value);
            assert_eq!(out, bytes, "{value}");
            assert_eq!(vint_len(value), bytes.len(), "{value}");
            assert_eq!(Reader::new(&out).vint(), Ok(value));
        }
    }

    proptest! {
        #[test]
        fn vint_round_trip(value: u64, shift in 0..64_u32) {
            let value = value >> shift;
            let mut out = Vec::new();
            put_vint(&mut out, value);
            put_svint(&mut out, value as i64);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.vint(), Ok(value));
            prop_assert_eq!(reader.svint(), Ok(value as i64));
            prop_assert!(reader.finish().is_ok());
        }

        #[test]
        fn any_bytes_decode_without_panic(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            while reader.vint().is_ok() {}
            let _ = Reader::new(&bytes).bytes();
            let _ = Reader::new(&bytes).text();
            let _ = Reader::new(&bytes).bytes16();
        }
    }
}
