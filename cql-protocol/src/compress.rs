//! Compression of bodies (v3, v4) and of segments (v5).
//!
//! A stranger decides the size that compressed bytes claim to have. So the claim is held against the limit and against
//! what the format can reach at all, and room is given in two steps: only data that has really filled the first gets the
//! second.

use crate::limits::{DECOMPRESSION_ALLOWANCE, DECOMPRESSION_FACTOR};
use lz4_flex::block::{CompressTable, DecompressError};

/// lz4 can say at most 255 bytes with one more byte.
const LZ4_RATIO_MAX: usize = 255;

/// snappy can say at most 64 bytes with three.
const SNAPPY_RATIO_MAX: usize = 22;

/// Bytes that a tiny input may claim beyond its ratio.
const RATIO_ALLOWANCE: usize = 64;

/// An algorithm, as named in STARTUP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// lz4 blocks; in v3 and v4 after their raw size as four bytes, big-endian.
    Lz4,
    /// snappy blocks; v3 and v4 only.
    Snappy,
}

/// Why compressed bytes are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompressError {
    /// The bytes are not what the algorithm writes.
    #[error("Provided frame does not appear to be {0} compressed")]
    Malformed(&'static str),
    /// They claim to be larger than what is allowed.
    #[error("Compressed frame claims {claimed} bytes, which exceeds the maximum of {maximum} bytes")]
    TooLarge {
        /// Bytes claimed.
        claimed: usize,
        /// Bytes allowed.
        maximum: usize,
    },
}

impl Compression {
    /// The name in STARTUP and SUPPORTED.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lz4 => "lz4",
            Self::Snappy => "snappy",
        }
    }

    /// The algorithm of a name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Lz4, Self::Snappy].into_iter().find(|compression| compression.name().eq_ignore_ascii_case(name))
    }

    /// Decompresses a body of v3 or v4 into `out`, replacing what it holds.
    ///
    /// # Errors
    /// If the bytes are malformed or would fill more than `size_max` bytes.
    pub fn decompress_body(self, input: &[u8], out: &mut Vec<u8>, size_max: usize) -> Result<(), CompressError> {
        match self {
            Self::Lz4 => {
                let (size, input) = input.split_first_chunk::<4>().ok_or(CompressError::Malformed("LZ4"))?;
                let claimed = u32::from_be_bytes(*size) as usize;
                decompress_lz4(input, out, claimed, size_max)
            }
            Self::Snappy => decompress_snappy(input, out, size_max),
        }
    }
}

/// A compressor with its reused tables.
pub struct Compressor {
    lz4: Option<Box<CompressTable>>,
    snappy: Option<Box<snap::raw::Encoder>>,
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Compressor").finish_non_exhaustive()
    }
}

impl Default for Compressor {
    fn default() -> Self {
        Self::new()
    }
}

impl Compressor {
    /// A compressor that has allocated nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { lz4: None, snappy: None }
    }

    /// Compresses a body for v3 or v4 into `out`, replacing what it holds.
    pub fn compress_body(&mut self, compression: Compression, input: &[u8], out: &mut Vec<u8>) {
        match compression {
            Compression::Lz4 => {
                out.clear();
                let size = u32::try_from(input.len()).expect("a body is smaller than 4 GiB");
                out.extend_from_slice(&size.to_be_bytes());
                self.append_lz4(input, out);
            }
            Compression::Snappy => {
                let encoder = self.snappy.get_or_insert_with(|| Box::new(snap::raw::Encoder::new()));
                out.resize(snap::raw::max_compress_len(input.len()), 0);
                let size = encoder.compress(input, out).expect("the room is what the format asks for");
                out.truncate(size);
            }
        }
    }

    /// Compresses the payload of a segment into `out`, replacing what it holds.
    pub fn compress_payload(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.clear();
        self.append_lz4(input, out);
    }

    fn append_lz4(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + lz4_flex::block::get_maximum_output_size(input.len()), 0);
        let table = self.lz4.get_or_insert_with(|| Box::new(CompressTable::default()));
        let size = lz4_flex::block::compress_into_with_table(input, &mut out[start..], table)
            .expect("the room is what the format asks for");
        out.truncate(start + size);
    }
}

/// Decompresses an lz4 block that says it has `claimed` bytes into `out`, replacing what it holds.
///
/// # Errors
/// If the block is malformed, has another size than claimed, or the claim exceeds `size_max`.
pub fn decompress_lz4(input: &[u8], out: &mut Vec<u8>, claimed: usize, size_max: usize) -> Result<(), CompressError> {
    check_claim(claimed, size_max, input.len(), LZ4_RATIO_MAX, "LZ4")?;
    let first = claimed.min(input.len() * DECOMPRESSION_FACTOR + DECOMPRESSION_ALLOWANCE);
    out.clear();
    out.resize(first, 0);
    let mut decompressed = lz4_flex::block::decompress_into(input, out);
    if first < claimed && matches!(decompressed, Err(DecompressError::OutputTooSmall { .. })) {
        out.resize(claimed, 0);
        decompressed = lz4_flex::block::decompress_into(input, out);
    }
    match decompressed {
        Ok(size) if size == claimed => Ok(()),
        _ => {
            out.clear();
            Err(CompressError::Malformed("LZ4"))
        }
    }
}

fn decompress_snappy(input: &[u8], out: &mut Vec<u8>, size_max: usize) -> Result<(), CompressError> {
    let malformed = CompressError::Malformed("Snappy");
    let claimed = snap::raw::decompress_len(input).map_err(|_| malformed.clone())?;
    check_claim(claimed, size_max, input.len(), SNAPPY_RATIO_MAX, "Snappy")?;
    out.clear();
    out.resize(claimed, 0);
    match snap::raw::Decoder::new().decompress(input, out) {
        Ok(size) if size == claimed => Ok(()),
        _ => {
            out.clear();
            Err(malformed)
        }
    }
}

/// Refuses a size that is not allowed or that `size` bytes cannot hold.
fn check_claim(
    claimed: usize,
    maximum: usize,
    size: usize,
    ratio_max: usize,
    name: &'static str,
) -> Result<(), CompressError> {
    if claimed > maximum {
        return Err(CompressError::TooLarge { claimed, maximum });
    }
    if claimed > size.saturating_mul(ratio_max).saturating_add(RATIO_ALLOWANCE) {
        return Err(CompressError::Malformed(name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOTH: [Compression; 2] = [Compression::Lz4, Compression::Snappy];
    const MAXIMUM: usize = 1 << 20;

    fn round_trip(input: &[u8]) {
        let mut compressor = Compressor::new();
        let (mut compressed, mut out) = (vec![9; 3], vec![9; 3]);
        for compression in BOTH {
            compressor.compress_body(compression, input, &mut compressed);
            compression.decompress_body(&compressed, &mut out, MAXIMUM).unwrap();
            assert_eq!(out, input, "{compression:?}");
        }
        compressor.compress_payload(input, &mut compressed);
        decompress_lz4(&compressed, &mut out, input.len(), MAXIMUM).unwrap();
        assert_eq!(out, input);
    }

    #[test]
    fn known_bytes() {
        let mut out = Vec::new();
        Compression::Lz4.decompress_body(&[0, 0, 0, 3, 0x30, b'a', b'b', b'c'], &mut out, 10).unwrap();
        assert_eq!(out, b"abc");
        Compression::Snappy.decompress_body(&[3, 0x08, b'a', b'b', b'c'], &mut out, 10).unwrap();
        assert_eq!(out, b"abc");
        Compressor::new().compress_body(Compression::Lz4, b"abc", &mut out);
        assert_eq!(out, [0, 0, 0, 3, 0x30, b'a', b'b', b'c']);
        Compressor::new().compress_body(Compression::Snappy, b"abc", &mut out);
        assert_eq!(out, [3, 0x08, b'a', b'b', b'c']);
    }

    #[test]
    fn large_and_empty_inputs_go_both_ways() {
        round_trip(b"");
        round_trip(&[0; MAXIMUM]);
        let noise: Vec<u8> = (0..100_000_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        round_trip(&noise);
    }

    #[test]
    fn a_claim_beyond_the_limit_is_refused() {
        let too_large = Err(CompressError::TooLarge { claimed: 0xffff_ffff, maximum: MAXIMUM });
        let mut out = Vec::new();
        let bomb = [0xff, 0xff, 0xff, 0xff, 0x1f, 0, 1, 0, 0xff];
        assert_eq!(Compression::Lz4.decompress_body(&bomb, &mut out, MAXIMUM), too_large);
        let bomb = [0xff, 0xff, 0xff, 0xff, 0x0f, 0];
        assert_eq!(Compression::Snappy.decompress_body(&bomb, &mut out, MAXIMUM), too_large);
        assert_eq!(out.capacity(), 0);
    }

    #[test]
    fn another_size_than_claimed_is_refused() {
        for claimed in [0, 2, 4, 64, 1000] {
            let mut input = vec![0, 0, 0, 0, 0x30, b'a', b'b', b'c'];
            input[..4].copy_from_slice(&u32::to_be_bytes(claimed));
            let refused = Compression::Lz4.decompress_body(&input, &mut Vec::new(), MAXIMUM);
            assert_eq!(refused, Err(CompressError::Malformed("LZ4")), "{claimed}");
        }
        assert!(Compression::Lz4.decompress_body(&[0, 0], &mut Vec::new(), MAXIMUM).is_err());
        assert!(Compression::Snappy.decompress_body(&[], &mut Vec::new(), MAXIMUM).is_err());
    }

    #[test]
    fn names() {
        assert_eq!(Compression::from_name("LZ4"), Some(Compression::Lz4));
        assert_eq!(Compression::from_name("snappy"), Some(Compression::Snappy));
        assert_eq!(Compression::from_name("zstd"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_go_both_ways(input in proptest::collection::vec(0_u8..4, 0..3000)) {
            round_trip(&input);
        }

        #[test]
        fn garbage_never_panics_nor_grows(input in proptest::collection::vec(any::<u8>(), 0..300)) {
            for compression in BOTH {
                let mut out = Vec::new();
                let _ = compression.decompress_body(&input, &mut out, 16 << 20);
                prop_assert!(out.capacity() <= 16 * input.len() + (1 << 20));
            }
        }
    }
}
