//! Compressors of `Data.db` and what `CompressionInfo.db` says (Cassandra: `CompressionMetadata`).

use std::collections::BTreeMap;

use helenus_model::codec::{DecodeError, Reader, put_bytes16};
use helenus_model::schema::TableParams;

use super::write_error::SsTableWriteError;

/// Default chunk length, bytes.
const CHUNK_LENGTH: u32 = 16 * 1024;
/// Longest chunk that is read or written, bytes: Cassandra has no limit of its own, 16 MiB bounds what one read allocates.
const CHUNK_LENGTH_MAX: u32 = 16 << 20;
/// Chunk length of uncompressed files' checksums, bytes.
pub(super) const UNCOMPRESSED_CHUNK: u32 = 64 * 1024;

/// How chunks are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compressor {
    /// `LZ4Compressor`
    Lz4,
    /// `ZstdCompressor`
    Zstd {
        /// Effort, −131072 to 22.
        level: i32,
    },
    /// `SnappyCompressor`
    Snappy,
    /// `DeflateCompressor`
    Deflate,
    /// `NoopCompressor`
    Noop,
}

impl Compressor {
    /// Simple class name, as in the file.
    pub fn class(self) -> &'static str {
        match self {
            Compressor::Lz4 => "LZ4Compressor",
            Compressor::Zstd { .. } => "ZstdCompressor",
            Compressor::Snappy => "SnappyCompressor",
            Compressor::Deflate => "DeflateCompressor",
            Compressor::Noop => "NoopCompressor",
        }
    }

    fn from_class(class: &str, options: &BTreeMap<String, String>) -> Option<Compressor> {
        Some(match class.rsplit('.').next()? {
            "LZ4Compressor" => Compressor::Lz4,
            "ZstdCompressor" => {
                let level = options.get("compression_level").and_then(|level| level.parse().ok()).unwrap_or(3);
                Compressor::Zstd { level }
            }
            "SnappyCompressor" => Compressor::Snappy,
            "DeflateCompressor" => Compressor::Deflate,
            "NoopCompressor" => Compressor::Noop,
            _ => return None,
        })
    }
}

/// A table's compression.
#[derive(Clone, Debug, PartialEq)]
pub struct CompressionParams {
    /// The algorithm.
    pub compressor: Compressor,
    /// Uncompressed bytes of a chunk, a power of two.
    pub chunk_length: u32,
    /// Chunks that do not shrink to this share are stored as they are; 0 for none.
    pub min_compress_ratio: f64,
    /// Options of the class, as the file lists them.
    pub options: BTreeMap<String, String>,
}

impl CompressionParams {
    /// LZ4 with 16 KiB chunks: the default, and what `flush_compression: fast` uses instead of Zstd and Deflate.
    pub fn fast() -> Self {
        CompressionParams {
            compressor: Compressor::Lz4,
            chunk_length: CHUNK_LENGTH,
            min_compress_ratio: 0.0,
            options: BTreeMap::new(),
        }
    }

    /// From `compression` of a table; None when it is switched off.
    pub fn of_table(params: &TableParams) -> Result<Option<Self>, SsTableWriteError> {
        let map = &params.compression;
        let unsupported = |what: &str| SsTableWriteError::Unsupported(format!("compression {what}"));
        let class = map.get("class").or_else(|| map.get("sstable_compression")).filter(|class| !class.is_empty());
        let Some(class) = class.filter(|_| map.get("enabled").is_none_or(|on| on != "false")) else {
            return Ok(None);
        };
        let compressor = Compressor::from_class(class, map).ok_or_else(|| unsupported(class))?;
        let kilobytes = map.get("chunk_length_in_kb").or_else(|| map.get("chunk_length_kb"));
        let chunk_length = match kilobytes {
            None => CHUNK_LENGTH,
            Some(text) => text
                .parse::<u32>()
                .ok()
                .and_then(|kilobytes| kilobytes.checked_mul(1024))
                .filter(|length| length.is_power_of_two())
                .ok_or_else(|| unsupported(&format!("chunk_length_in_kb {text}")))?
                // A table may ask for more, up to a gibibyte; each file says how long its chunks are.
                .min(CHUNK_LENGTH_MAX),
        };
        let min_compress_ratio = match map.get("min_compress_ratio") {
            None => 0.0,
            Some(text) => text.parse().map_err(|_| unsupported(&format!("min_compress_ratio {text}")))?,
        };
        let known =
            ["class", "sstable_compression", "enabled", "chunk_length_in_kb", "chunk_length_kb", "min_compress_ratio"];
        let options = map.iter().filter(|(key, _)| !known.contains(&key.as_str()) && *key != "crc_check_chance");
        let options = options.map(|(key, value)| (key.clone(), value.clone())).collect();
        Ok(Some(CompressionParams { compressor, chunk_length, min_compress_ratio, options }))
    }

    /// The same for a flush under `flush_compression: fast`: slow compressors give way to LZ4.
    #[must_use]
    pub fn for_fast_flush(self) -> Self {
        match self.compressor {
            Compressor::Zstd { .. } | Compressor::Deflate => CompressionParams::fast(),
            _ => self,
        }
    }

    /// Bodies this long or longer are stored uncompressed.
    pub(super) fn max_compressed_length(&self) -> i32 {
        if self.min_compress_ratio <= 0.0 {
            return i32::MAX;
        }
        (f64::from(self.chunk_length) / self.min_compress_ratio).ceil().min(f64::from(i32::MAX)) as i32
    }
}

/// `CompressionInfo.db`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CompressionInfo {
    pub(super) compressor: Compressor,
    pub(super) options: BTreeMap<String, String>,
    pub(super) chunk_length: u32,
    pub(super) max_compressed_length: i32,
    /// Uncompressed bytes in all.
    pub(super) data_length: u64,
    /// Offset of each chunk's body in the file.
    pub(super) offsets: Vec<u64>,
}

impl CompressionInfo {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128 + 8 * self.offsets.len());
        put_bytes16(&mut out, self.compressor.class().as_bytes());
        out.extend_from_slice(&(self.options.len() as u32).to_be_bytes());
        for (key, value) in &self.options {
            put_bytes16(&mut out, key.as_bytes());
            put_bytes16(&mut out, value.as_bytes());
        }
        out.extend_from_slice(&self.chunk_length.to_be_bytes());
        out.extend_from_slice(&self.max_compressed_length.to_be_bytes());
        out.extend_from_slice(&self.data_length.to_be_bytes());
        out.extend_from_slice(&(self.offsets.len() as u32).to_be_bytes());
        for offset in &self.offsets {
            out.extend_from_slice(&offset.to_be_bytes());
        }
        out
    }

    /// `file_length`: of Data.db; every chunk must lie in it, with its checksum, and there must be enough of them.
    pub(super) fn decode(bytes: &[u8], file_length: u64) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let class = text16(&mut reader)?;
        let mut options = BTreeMap::new();
        for _ in 0..reader.u32()? {
            let key = text16(&mut reader)?;
            let value = text16(&mut reader)?;
            options.insert(key.to_owned(), value.to_owned());
        }
        let compressor = Compressor::from_class(class, &options).ok_or_else(|| reader.invalid("compressor class"))?;
        let chunk_length = reader.u32()?;
        if chunk_length == 0 || chunk_length > CHUNK_LENGTH_MAX {
            return Err(reader.invalid("chunk length"));
        }
        let max_compressed_length = reader.i32()?;
        let data_length = reader.u64()?;
        let count = reader.u32()? as usize;
        if reader.remaining() != count.saturating_mul(8) {
            return Err(reader.invalid("chunk count"));
        }
        let wanted = data_length.div_ceil(u64::from(chunk_length));
        if max_compressed_length < 0 || (count as u64 != wanted && count as u64 != wanted + 1) {
            return Err(reader.invalid("chunk count"));
        }
        let mut offsets = Vec::with_capacity(count);
        for _ in 0..count {
            let offset = reader.u64()?;
            let floor = offsets.last().map_or(0, |last: &u64| last + 4);
            if offset < floor || offset.checked_add(4).is_none_or(|end| end > file_length) {
                return Err(reader.invalid("chunk offset"));
            }
            offsets.push(offset);
        }
        Ok(CompressionInfo { compressor, options, chunk_length, max_compressed_length, data_length, offsets })
    }
}

fn text16<'a>(reader: &mut Reader<'a>) -> Result<&'a str, DecodeError> {
    let bytes = reader.bytes16()?;
    std::str::from_utf8(bytes).map_err(|_| reader.invalid("text"))
}

/// A compressor with its reusable state.
pub(super) struct ChunkCompressor {
    pub(super) params: CompressionParams,
    state: State,
}

enum State {
    Lz4(lz4_flex::block::CompressTable),
    Zstd(zstd::bulk::Compressor<'static>),
    Snappy(Box<snap::raw::Encoder>),
    Deflate(flate2::Compress),
    Noop,
}

impl std::fmt::Debug for ChunkCompressor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ChunkCompressor").field("params", &self.params).finish_non_exhaustive()
    }
}

impl ChunkCompressor {
    pub(super) fn new(params: CompressionParams) -> Result<Self, SsTableWriteError> {
        let state = match params.compressor {
            Compressor::Lz4 => State::Lz4(lz4_flex::block::CompressTable::default()),
            Compressor::Zstd { level } => State::Zstd(
                zstd::bulk::Compressor::new(level)
                    .map_err(|error| SsTableWriteError::Unsupported(format!("zstd level {level}: {error}")))?,
            ),
            Compressor::Snappy => State::Snappy(Box::new(snap::raw::Encoder::new())),
            Compressor::Deflate => State::Deflate(flate2::Compress::new(flate2::Compression::default(), true)),
            Compressor::Noop => State::Noop,
        };
        Ok(ChunkCompressor { params, state })
    }

    /// Replaces `out` by the body of a chunk.
    pub(super) fn compress(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), SsTableWriteError> {
        out.clear();
        let failed = |what: &str| SsTableWriteError::Unsupported(format!("compression failed: {what}"));
        match &mut self.state {
            State::Lz4(table) => {
                out.resize(4 + lz4_flex::block::get_maximum_output_size(chunk.len()), 0);
                let (head, body) = out.split_at_mut(4);
                head.copy_from_slice(&(chunk.len() as u32).to_le_bytes());
                let length =
                    lz4_flex::block::compress_into_with_table(chunk, body, table).map_err(|_| failed("lz4"))?;
                out.truncate(4 + length);
            }
            State::Zstd(compressor) => {
                out.resize(zstd::zstd_safe::compress_bound(chunk.len()), 0);
                let length = compressor.compress_to_buffer(chunk, &mut out[..]).map_err(|_| failed("zstd"))?;
                out.truncate(length);
            }
            State::Snappy(encoder) => {
                out.resize(snap::raw::max_compress_len(chunk.len()), 0);
                let length = encoder.compress(chunk, out).map_err(|_| failed("snappy"))?;
                out.truncate(length);
            }
            State::Deflate(compress) => {
                compress.reset();
                out.reserve(chunk.len() + chunk.len() / 1000 + 64);
                let status = compress.compress_vec(chunk, out, flate2::FlushCompress::Finish);
                if !matches!(status, Ok(flate2::Status::StreamEnd)) {
                    return Err(failed("deflate"));
                }
            }
            State::Noop => out.extend_from_slice(chunk),
        }
        Ok(())
    }
}

/// Decompressors' reusable state.
#[derive(Default)]
pub(super) struct Decompressors {
    zstd: Option<zstd::bulk::Decompressor<'static>>,
    inflate: Option<flate2::Decompress>,
}

impl std::fmt::Debug for Decompressors {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Decompressors")
    }
}

impl Decompressors {
    /// Unpacks `body` so that it fills `out` exactly; what else is an error in words.
    pub(super) fn decompress(
        &mut self,
        compressor: Compressor,
        body: &[u8],
        out: &mut [u8],
    ) -> Result<(), &'static str> {
        let written = match compressor {
            Compressor::Lz4 => {
                let (head, packed) = body.split_first_chunk::<4>().ok_or("lz4 body is too short")?;
                if u32::from_le_bytes(*head) as usize != out.len() {
                    return Err("lz4 length is not the chunk's");
                }
                lz4_flex::block::decompress_into(packed, out).map_err(|_| "lz4 body is damaged")?
            }
            Compressor::Zstd { .. } => {
                if self.zstd.is_none() {
                    self.zstd = zstd::bulk::Decompressor::new().ok();
                }
                let decompressor = self.zstd.as_mut().ok_or("no memory for zstd")?;
                decompressor.decompress_to_buffer(body, out).map_err(|_| "zstd body is damaged")?
            }
            Compressor::Snappy => {
                if snap::raw::decompress_len(body).ok() != Some(out.len()) {
                    return Err("snappy length is not the chunk's");
                }
                snap::raw::Decoder::new().decompress(body, out).map_err(|_| "snappy body is damaged")?
            }
            Compressor::Deflate => {
                let inflate = self.inflate.get_or_insert_with(|| flate2::Decompress::new(true));
                inflate.reset(true);
                let status = inflate.decompress(body, out, flate2::FlushDecompress::Finish);
                if !matches!(status, Ok(flate2::Status::StreamEnd)) {
                    return Err("deflate body is damaged");
                }
                inflate.total_out() as usize
            }
            Compressor::Noop => {
                if body.len() != out.len() {
                    return Err("noop body is not the chunk's length");
                }
                out.copy_from_slice(body);
                body.len()
            }
        };
        if written == out.len() { Ok(()) } else { Err("chunk is shorter than it should be") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_compressor_round_trips() {
        let inputs: [Vec<u8>; 4] = [
            vec![7],
            vec![0; 16384],
            (0..16384_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect(),
            b"abcabcabcabc".to_vec(),
        ];
        for class in ["LZ4Compressor", "ZstdCompressor", "SnappyCompressor", "DeflateCompressor", "NoopCompressor"] {
            let mut table = TableParams::default();
            table.compression.insert("class".to_owned(), format!("org.apache.cassandra.io.compress.{class}"));
            let params = CompressionParams::of_table(&table).expect("known").expect("on");
            assert_eq!(params.compressor.class(), class);
            let mut compressor = ChunkCompressor::new(params.clone()).expect("made");
            let mut decompressors = Decompressors::default();
            let mut body = Vec::new();
            for input in &inputs {
                compressor.compress(input, &mut body).expect("compresses");
                let mut back = vec![0; input.len()];
                assert_eq!(decompressors.decompress(params.compressor, &body, &mut back), Ok(()), "{class}");
                assert_eq!(&back, input, "{class}");
                assert!(decompressors.decompress(params.compressor, &body, &mut vec![0; input.len() + 1]).is_err());
                assert!(decompressors.decompress(params.compressor, &body[..body.len() - 1], &mut back).is_err());
            }
        }
    }

    #[test]
    fn params_of_tables() {
        let of = |pairs: &[(&str, &str)]| {
            let compression = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            CompressionParams::of_table(&TableParams { compression, ..TableParams::default() })
        };
        assert!(matches!(of(&[]), Ok(None)));
        assert!(matches!(of(&[("enabled", "false")]), Ok(None)));
        assert!(of(&[("class", "LZ4Compressor"), ("chunk_length_in_kb", "3")]).is_err());
        assert!(of(&[("class", "Other")]).is_err());
        for (kilobytes, expected) in [("1", 1 << 10), ("16384", 16 << 20), ("32768", 16 << 20), ("1048576", 16 << 20)] {
            let params =
                of(&[("class", "LZ4Compressor"), ("chunk_length_in_kb", kilobytes)]).expect("valid").expect("on");
            assert_eq!(params.chunk_length, expected, "{kilobytes} KiB");
        }
        let params = of(&[("class", "ZstdCompressor"), ("min_compress_ratio", "1.1"), ("compression_level", "5")]);
        let params = params.expect("valid").expect("on");
        assert_eq!(params.compressor, Compressor::Zstd { level: 5 });
        assert_eq!(params.max_compressed_length(), 14895);
        assert_eq!(params.options.keys().collect::<Vec<_>>(), ["compression_level"]);
        assert_eq!(params.for_fast_flush(), CompressionParams::fast());
    }
}
