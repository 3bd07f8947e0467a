//! Segments: what v5 wraps around envelopes after the handshake.
//!
//! ```text
//! header   uncompressed, 6 bytes: payload size (17 bits), self-contained (1), zero (6), CRC24 of the first 3 bytes
//!          lz4, 8 bytes: size on the wire (17 bits), size before compression (17), self-contained (1), zero (5),
//!          CRC24 of the first 5 bytes; a size before compression of zero means the payload is stored as it is
//! payload  at most 131,071 bytes
//! trailer  CRC32 of the payload as it is on the wire, seeded with the bytes FA 2D 55 CA
//! ```
//! All numbers are little-endian. A self-contained segment holds whole envelopes; a larger envelope is cut into
//! segments that are not, one after the other.

use crate::limits::SEGMENT_PAYLOAD_SIZE_MAX;

/// Size of the trailer in bytes.
pub const TRAILER_SIZE: usize = 4;

const CRC24_INITIAL: u32 = 0x0087_5060;
const CRC24_POLYNOMIAL: u32 = 0x0197_4F0B;
const CRC24_TABLE: [u32; 256] = crc24_table();

/// CRC32 of the bytes FA 2D 55 CA, with which every checksum of a payload continues.
const CRC32_SEED: u32 = 0x4477_7ED3;

const SIZE_BITS: u32 = 17;
const SIZE_MASK: u64 = (1 << SIZE_BITS) - 1;

/// Which of the two headers a connection uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentFormat {
    /// Six bytes of header, payload as it is.
    Uncompressed,
    /// Eight bytes of header, payload compressed by lz4 where that is smaller.
    Lz4,
}

/// The header of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Size of the payload on the wire in bytes.
    pub wire_size: usize,
    /// Size of the payload before compression in bytes, zero if it is not compressed.
    pub raw_size: usize,
    /// Whether the payload is whole envelopes.
    pub self_contained: bool,
}

/// Checksums of a header do not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid, unrecoverable CRC mismatch detected in frame header. Read {read}, Computed {computed}")]
pub struct HeaderMismatch {
    /// As received.
    pub read: u32,
    /// Of what was received.
    pub computed: u32,
}

impl SegmentFormat {
    /// Size of the header in bytes.
    #[must_use]
    pub const fn header_size(self) -> usize {
        match self {
            Self::Uncompressed => 6,
            Self::Lz4 => 8,
        }
    }
}

impl SegmentHeader {
    /// Reads a header at the beginning of some bytes; none if they are too few.
    ///
    /// # Errors
    /// If the checksum disagrees: then nothing after it can be trusted.
    pub fn decode(bytes: &[u8], format: SegmentFormat) -> Result<Option<Self>, HeaderMismatch> {
        let Some(header) = bytes.get(..format.header_size()) else {
            return Ok(None);
        };
        let mut word = [0; 8];
        word[..header.len()].copy_from_slice(header);
        let word = u64::from_le_bytes(word);
        let fields_size = format.header_size() - 3;
        let fields_bits = fields_size as u32 * 8;
        let computed = crc24(&header[..fields_size]);
        #[expect(clippy::cast_possible_truncation, reason = "24 bits are left")]
        let read = (word >> fields_bits) as u32;
        if read != computed {
            return Err(HeaderMismatch { read, computed });
        }
        let size_at = |shift: u32| usize::try_from((word >> shift) & SIZE_MASK).unwrap_or(SEGMENT_PAYLOAD_SIZE_MAX);
        Ok(Some(match format {
            SegmentFormat::Uncompressed => {
                Self { wire_size: size_at(0), raw_size: 0, self_contained: (word >> SIZE_BITS) & 1 == 1 }
            }
            SegmentFormat::Lz4 => Self {
                wire_size: size_at(0),
                raw_size: size_at(SIZE_BITS),
                self_contained: (word >> (2 * SIZE_BITS)) & 1 == 1,
            },
        }))
    }

    /// Writes the header over the beginning of some bytes.
    ///
    /// # Panics
    /// If they are too few, or a size does not fit its 17 bits.
    pub fn encode(&self, bytes: &mut [u8], format: SegmentFormat) {
        assert!(self.wire_size <= SEGMENT_PAYLOAD_SIZE_MAX, "a payload has at most 17 bits of size");
        assert!(self.raw_size <= SEGMENT_PAYLOAD_SIZE_MAX, "a payload has at most 17 bits of size");
        let contained = u64::from(self.self_contained);
        let fields = match format {
            SegmentFormat::Uncompressed => self.wire_size as u64 | contained << SIZE_BITS,
            SegmentFormat::Lz4 => {
                self.wire_size as u64 | (self.raw_size as u64) << SIZE_BITS | contained << (2 * SIZE_BITS)
            }
        };
        let fields_size = format.header_size() - 3;
        bytes[..fields_size].copy_from_slice(&fields.to_le_bytes()[..fields_size]);
        let checksum = crc24(&bytes[..fields_size]);
        bytes[fields_size..format.header_size()].copy_from_slice(&checksum.to_le_bytes()[..3]);
    }
}

/// The CRC24 of Koopman that protects headers: bits from the highest, no reflection, no final inversion.
#[must_use]
pub fn crc24(bytes: &[u8]) -> u32 {
    bytes.iter().fold(CRC24_INITIAL, |crc, byte| {
        let index = ((crc >> 16) as u8 ^ byte) as usize;
        ((crc << 8) & 0x00FF_FFFF) ^ CRC24_TABLE[index]
    })
}

const fn crc24_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u32) << 16;
        let mut bit = 0;
        while bit < 8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= CRC24_POLYNOMIAL;
            }
            bit += 1;
        }
        table[index] = crc & 0x00FF_FFFF;
        index += 1;
    }
    table
}

/// The CRC32 of a payload.
#[must_use]
pub fn crc32(payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(CRC32_SEED);
    hasher.update(payload);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use SegmentFormat::{Lz4, Uncompressed};

    /// The definition, bit by bit.
    fn crc24_slow(bytes: &[u8]) -> u32 {
        let mut crc = CRC24_INITIAL;
        for byte in bytes {
            crc ^= u32::from(*byte) << 16;
            for _ in 0..8 {
                crc <<= 1;
                if crc & 0x0100_0000 != 0 {
                    crc ^= CRC24_POLYNOMIAL;
                }
            }
        }
        crc
    }

    #[test]
    fn the_seed_is_the_checksum_of_four_bytes() {
        assert_eq!(crc32fast::hash(&[0xFA, 0x2D, 0x55, 0xCA]), CRC32_SEED);
        assert_eq!(crc32(b"abc"), crc32fast::hash(b"\xFA\x2D\x55\xCAabc"));
        assert_eq!(crc32(b""), CRC32_SEED);
    }

    #[test]
    fn crc24_of_the_table_is_crc24_of_the_definition() {
        for bytes in
            [&b""[..], b"\0", b"\xff\xff\xff", b"\x09\0\x02", b"\0\x01\x02\x03\x04", b"\xff\0\xff\0\xff\0\xff\0"]
        {
            assert_eq!(crc24(bytes), crc24_slow(bytes), "{bytes:02x?}");
        }
        assert_eq!(crc24(b""), CRC24_INITIAL);
    }

    #[track_caller]
    fn check(header: SegmentHeader, format: SegmentFormat, expected: &[u8]) {
        let mut bytes = [0; 8];
        header.encode(&mut bytes, format);
        let bytes = &bytes[..format.header_size()];
        assert_eq!(bytes, expected, "{header:?} is {bytes:02x?}");
        assert_eq!(SegmentHeader::decode(bytes, format), Ok(Some(header)));
        assert_eq!(SegmentHeader::decode(&bytes[..bytes.len() - 1], format), Ok(None));
        for bit in 0..bytes.len() * 8 {
            let mut broken = bytes.to_vec();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&broken, format).is_err(), "bit {bit} flipped");
        }
    }

    #[test]
    fn headers_go_both_ways() {
        let header = |wire_size, raw_size, self_contained| SegmentHeader { wire_size, raw_size, self_contained };
        check(header(9, 0, true), Uncompressed, HAND_COMPUTED[0].1);
        check(header(131_071, 0, false), Uncompressed, HAND_COMPUTED[1].1);
        check(header(5, 300, true), Lz4, HAND_COMPUTED[2].1);
        check(header(131_071, 0, false), Lz4, HAND_COMPUTED[3].1);
    }

    /// Headers worked out with a separate program from the polynomial, bit by bit.
    const HAND_COMPUTED: [(&str, &[u8]); 4] = [
        ("9 bytes, self-contained", &[0x09, 0x00, 0x02, 0xa4, 0xc8, 0xc1]),
        ("131,071 bytes, a part", &[0xff, 0xff, 0x01, 0x38, 0x91, 0xfe]),
        ("5 bytes, 300 before, self-contained", &[0x05, 0x00, 0x58, 0x02, 0x04, 0x8d, 0x63, 0xa8]),
        ("131,071 bytes as they are, a part", &[0xff, 0xff, 0x01, 0x00, 0x00, 0xe8, 0x4f, 0xe1]),
    ];
}
