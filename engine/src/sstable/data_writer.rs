//! Files written from start to end through a buffer, their checksums taken on the way.

use std::sync::Arc;

use super::checksum::BlockSums;
use super::compress::{ChunkCompressor, CompressionInfo, CompressionParams, UNCOMPRESSED_CHUNK};
use super::write_error::SsTableWriteError;
use crate::disk::{Disk, DiskFile, DiskResult};

/// Bytes gathered before they are handed to the operating system.
const BUFFER: usize = 256 * 1024;

/// A file that grows at its end.
#[derive(Debug)]
pub(super) struct OutputFile {
    file: Arc<dyn DiskFile>,
    buffer: Vec<u8>,
    flushed: u64,
    pub(super) sums: BlockSums,
}

impl OutputFile {
    pub(super) fn create(disk: &dyn Disk, path: &str, block: u32) -> DiskResult<Self> {
        let file = disk.create(path)?;
        Ok(OutputFile { file, buffer: Vec::new(), flushed: 0, sums: BlockSums::new(block) })
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> DiskResult<()> {
        self.sums.update(bytes);
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    /// Bytes put so far.
    pub(super) fn position(&self) -> u64 {
        self.flushed + self.buffer.len() as u64
    }

    fn flush(&mut self) -> DiskResult<()> {
        self.file.write_at(self.flushed, &self.buffer)?;
        self.flushed += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Writes what is left and makes it durable.
    pub(super) fn finish(&mut self) -> DiskResult<()> {
        if !self.buffer.is_empty() {
            self.flush()?;
        }
        self.buffer = Vec::new();
        self.sums.finish();
        self.file.sync()
    }
}

/// `Data.db` in chunks.
#[derive(Debug)]
pub(super) struct DataWriter {
    pub(super) out: OutputFile,
    chunk: Vec<u8>,
    chunk_length: usize,
    /// Uncompressed bytes in whole chunks written.
    written: u64,
    compressor: Option<ChunkCompressor>,
    body: Vec<u8>,
    offsets: Vec<u64>,
    /// Chunk bodies without their checksums, bytes.
    body_bytes: u64,
    chunk_sums: Vec<u32>,
    digest: crc32fast::Hasher,
}

/// What [`DataWriter::finish`] leaves for the other components.
#[derive(Debug)]
pub(super) struct DataSummary {
    pub(super) uncompressed_length: u64,
    pub(super) file_length: u64,
    /// −1 when uncompressed.
    pub(super) compression_ratio: f64,
    pub(super) digest: u32,
    pub(super) compression: Option<CompressionInfo>,
    /// `CRC.db` when uncompressed.
    pub(super) crc: Option<Vec<u8>>,
}

impl DataWriter {
    pub(super) fn new(out: OutputFile, params: Option<CompressionParams>) -> Result<Self, SsTableWriteError> {
        let chunk_length = params.as_ref().map_or(UNCOMPRESSED_CHUNK, |params| params.chunk_length) as usize;
        let compressor = params.map(ChunkCompressor::new).transpose()?;
        Ok(DataWriter {
            out,
            chunk: Vec::with_capacity(chunk_length),
            chunk_length,
            written: 0,
            compressor,
            body: Vec::new(),
            offsets: Vec::new(),
            body_bytes: 0,
            chunk_sums: Vec::new(),
            digest: crc32fast::Hasher::new(),
        })
    }

    /// Uncompressed bytes put so far.
    pub(super) fn position(&self) -> u64 {
        self.written + self.chunk.len() as u64
    }

    pub(super) fn put(&mut self, mut bytes: &[u8]) -> Result<(), SsTableWriteError> {
        while !bytes.is_empty() {
            let room = self.chunk_length - self.chunk.len();
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.chunk.extend_from_slice(now);
            if self.chunk.len() == self.chunk_length {
                self.end_chunk()?;
            }
            bytes = later;
        }
        Ok(())
    }

    fn end_chunk(&mut self) -> Result<(), SsTableWriteError> {
        match &mut self.compressor {
            None => {
                self.chunk_sums.push(crc32fast::hash(&self.chunk));
                self.digest.update(&self.chunk);
                self.out.put(&self.chunk)?;
            }
            Some(compressor) => {
                compressor.compress(&self.chunk, &mut self.body)?;
                let max = compressor.params.max_compressed_length() as usize;
                if self.body.len() >= max {
                    self.body.clear();
                    self.body.extend_from_slice(&self.chunk);
                    if self.body.len() < max {
                        self.body.resize(max, 0);
                    }
                }
                self.offsets.push(self.out.position());
                self.body_bytes += self.body.len() as u64;
                let sum = crc32fast::hash(&self.body);
                self.body.extend_from_slice(&sum.to_be_bytes());
                self.digest.update(&self.body);
                self.out.put(&self.body)?;
            }
        }
        self.written += self.chunk.len() as u64;
        self.chunk.clear();
        Ok(())
    }

    /// Writes the last chunk and makes the file durable.
    pub(super) fn finish(&mut self) -> Result<DataSummary, SsTableWriteError> {
        if !self.chunk.is_empty() {
            self.end_chunk()?;
        }
        self.out.finish()?;
        let digest = std::mem::replace(&mut self.digest, crc32fast::Hasher::new()).finalize();
        let mut summary = DataSummary {
            uncompressed_length: self.written,
            file_length: self.out.position(),
            compression_ratio: -1.0,
            digest,
            compression: None,
            crc: None,
        };
        match &self.compressor {
            None => {
                let mut crc = UNCOMPRESSED_CHUNK.to_be_bytes().to_vec();
                crc.extend(self.chunk_sums.iter().flat_map(|sum| sum.to_be_bytes()));
                summary.crc = Some(crc);
            }
            Some(compressor) => {
                summary.compression_ratio = self.body_bytes as f64 / self.written.max(1) as f64;
                summary.compression = Some(CompressionInfo {
                    compressor: compressor.params.compressor,
                    options: compressor.params.options.clone(),
                    chunk_length: compressor.params.chunk_length,
                    max_compressed_length: compressor.params.max_compressed_length(),
                    data_length: self.written,
                    offsets: std::mem::take(&mut self.offsets),
                });
            }
        }
        Ok(summary)
    }
}
