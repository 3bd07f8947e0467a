//! Random access to a file in checked blocks: the chunks of Data.db, the 4 KiB blocks of Index.db.

use std::sync::Arc;

use helenus_model::codec::DecodeError;

use super::cache::SsTableCaches;
use super::compress::{CompressionInfo, Compressor, Decompressors};
use crate::disk::DiskFile;
use crate::error::ReadError;

/// Chunk offsets between two absolute ones.
const OFFSET_GROUP: usize = 32;

/// An error about a file's content.
pub(super) fn corrupt(path: &str, offset: u64, what: impl ToString) -> ReadError {
    ReadError::Corrupt { path: path.to_owned(), offset, what: what.to_string() }
}

/// File offsets of chunks, about four bytes each.
#[derive(Debug)]
struct ChunkOffsets {
    bases: Box<[u64]>,
    relative: Box<[u32]>,
    end: u64,
}

impl ChunkOffsets {
    /// None when a chunk is absurdly long.
    fn new(offsets: &[u64], end: u64) -> Option<Self> {
        let bases = offsets.chunks(OFFSET_GROUP).map(|group| group[0]).collect();
        let relative =
            offsets.chunks(OFFSET_GROUP).flat_map(|group| group.iter().map(|offset| u32::try_from(offset - group[0])));
        Some(ChunkOffsets { bases, relative: relative.collect::<Result<_, _>>().ok()?, end })
    }

    fn start(&self, chunk: usize) -> u64 {
        match (self.bases.get(chunk / OFFSET_GROUP), self.relative.get(chunk)) {
            (Some(base), Some(relative)) => base + u64::from(*relative),
            _ => self.end,
        }
    }

    fn range(&self, chunk: u64) -> (u64, u64) {
        let chunk = usize::try_from(chunk).unwrap_or(usize::MAX - 1);
        (self.start(chunk), self.start(chunk + 1))
    }
}

#[derive(Debug)]
enum Form {
    /// Blocks as they are, their CRC-32s beside them.
    Raw { sums: Box<[u32]> },
    /// Packed chunks, each followed by its CRC-32.
    Chunks { compressor: Compressor, offsets: ChunkOffsets, max_compressed_length: u64 },
}

/// A file of blocks. Positions are those of the unpacked content.
#[derive(Debug)]
pub(super) struct BlockFile {
    file: Arc<dyn DiskFile>,
    pub(super) path: String,
    /// Unpacked bytes.
    pub(super) length: u64,
    block: u64,
    form: Form,
    /// Number under which blocks are cached; None: not at all.
    cached: Option<u64>,
}

impl BlockFile {
    /// Blocks of `block` bytes whose CRC-32s are `sums`; there must be one for each.
    pub(super) fn raw(
        file: Arc<dyn DiskFile>,
        path: String,
        length: u64,
        block: u32,
        sums: Box<[u32]>,
        cached: Option<u64>,
    ) -> Result<Self, ReadError> {
        let block = u64::from(block.max(1));
        if (sums.len() as u64) < length.div_ceil(block) {
            return Err(corrupt(&path, length, "fewer checksums than blocks"));
        }
        Ok(BlockFile { file, path, length, block, form: Form::Raw { sums }, cached })
    }

    pub(super) fn chunks(
        file: Arc<dyn DiskFile>,
        path: String,
        file_length: u64,
        info: &CompressionInfo,
        cached: Option<u64>,
    ) -> Result<Self, ReadError> {
        let offsets = ChunkOffsets::new(&info.offsets, file_length);
        let offsets = offsets.ok_or_else(|| corrupt(&path, 0, "a chunk is longer than 4 GiB"))?;
        let form = Form::Chunks {
            compressor: info.compressor,
            offsets,
            max_compressed_length: info.max_compressed_length as u64,
        };
        let (length, block) = (info.data_length, u64::from(info.chunk_length));
        Ok(BlockFile { file, path, length, block, form, cached })
    }

    /// Bytes held in memory.
    pub(super) fn memory(&self) -> usize {
        match &self.form {
            Form::Raw { sums } => sums.len() * 4,
            Form::Chunks { offsets, .. } => offsets.bases.len() * 8 + offsets.relative.len() * 4,
        }
    }

    /// An error at an unpacked position.
    pub(super) fn corrupt(&self, position: u64, what: impl ToString) -> ReadError {
        corrupt(&self.path, position, what)
    }

    /// An error about a record that starts at an unpacked position.
    pub(super) fn undecodable(&self, position: u64, error: &DecodeError) -> ReadError {
        corrupt(&self.path, position, format!("record: {error}"))
    }

    fn block_length(&self, block: u64) -> usize {
        self.block.min(self.length.saturating_sub(block * self.block)) as usize
    }

    /// File range of a block.
    fn range(&self, block: u64) -> (u64, u64) {
        match &self.form {
            Form::Raw { .. } => (block * self.block, block * self.block + self.block_length(block) as u64),
            Form::Chunks { offsets, .. } => offsets.range(block),
        }
    }

    /// Checks and unpacks a block from its bytes on disk.
    fn unpack(
        &self,
        block: u64,
        stored: &[u8],
        decompressors: &mut Decompressors,
        out: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let length = self.block_length(block);
        let at = self.range(block).0;
        match &self.form {
            Form::Raw { sums } => {
                if sums.get(block as usize) != Some(&crc32fast::hash(stored)) {
                    return Err(self.corrupt(at, "checksum of a block"));
                }
                out.clear();
                out.extend_from_slice(stored);
            }
            Form::Chunks { compressor, max_compressed_length, .. } => {
                let Some((body, sum)) = stored.split_last_chunk::<4>() else {
                    return Err(self.corrupt(at, "chunk without checksum"));
                };
                if crc32fast::hash(body) != u32::from_be_bytes(*sum) {
                    return Err(self.corrupt(at, "checksum of a chunk"));
                }
                if body.len() as u64 >= *max_compressed_length {
                    let plain = body.get(..length).ok_or_else(|| self.corrupt(at, "stored chunk is too short"))?;
                    out.clear();
                    out.extend_from_slice(plain);
                } else {
                    out.resize(length, 0);
                    decompressors.decompress(*compressor, body, out).map_err(|what| self.corrupt(at, what))?;
                }
            }
        }
        Ok(())
    }
}

/// How a [`Window`] gets at blocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct WindowMode {
    /// False: answer `WouldBlock` rather than wait.
    pub(super) may_block: bool,
    /// Bytes to read ahead at most; 0 for random access.
    pub(super) read_ahead: usize,
    /// Use and fill the chunk cache.
    pub(super) cache: bool,
}

#[derive(Debug)]
enum Held {
    Shared(Arc<Vec<u8>>),
    Own(Vec<u8>),
}

impl Held {
    fn bytes(&self) -> &[u8] {
        match self {
            Held::Shared(bytes) => bytes,
            Held::Own(bytes) => bytes,
        }
    }
}

/// A place in a [`BlockFile`]: the block last used, and a buffer for records that lie in several blocks.
#[derive(Debug)]
pub(super) struct Window {
    mode: WindowMode,
    block: Option<u64>,
    held: Held,
    joined: Vec<u8>,
    joined_at: u64,
    /// Bytes of the file as stored, from `stored_at` on.
    stored: Vec<u8>,
    stored_at: u64,
    ahead: usize,
    decompressors: Decompressors,
}

/// First read-ahead of a sequential reader, bytes; it doubles with each read.
const AHEAD_FIRST: usize = 16 * 1024;

impl Window {
    pub(super) fn new(mode: WindowMode) -> Self {
        Window {
            mode,
            block: None,
            held: Held::Own(Vec::new()),
            joined: Vec::new(),
            joined_at: 0,
            stored: Vec::new(),
            stored_at: 0,
            ahead: AHEAD_FIRST,
            decompressors: Decompressors::default(),
        }
    }

    /// At least `length` bytes from `position` on, perhaps more.
    #[inline]
    pub(super) fn get(
        &mut self,
        file: &BlockFile,
        caches: &SsTableCaches,
        position: u64,
        length: usize,
    ) -> Result<&[u8], ReadError> {
        let end = position.checked_add(length as u64).filter(|end| *end <= file.length);
        let Some(end) = end else {
            return Err(file.corrupt(position, "a record reaches beyond the end of the file"));
        };
        if position >= self.joined_at && end <= self.joined_at + self.joined.len() as u64 {
            return Ok(&self.joined[(position - self.joined_at) as usize..]);
        }
        if length == 0 {
            return Ok(&[]);
        }
        let mut block = position / file.block;
        let offset = (position % file.block) as usize;
        self.load(file, caches, block)?;
        if offset + length <= self.held.bytes().len() {
            return Ok(&self.held.bytes()[offset..]);
        }
        self.joined.clear();
        self.joined_at = position;
        self.joined.extend_from_slice(self.held.bytes().get(offset..).unwrap_or_default());
        while self.joined.len() < length {
            block += 1;
            if let Err(error) = self.load(file, caches, block) {
                self.joined.clear();
                return Err(error);
            }
            let wanted = length - self.joined.len();
            let bytes = self.held.bytes();
            self.joined.extend_from_slice(&bytes[..wanted.min(bytes.len())]);
        }
        Ok(&self.joined)
    }

    /// Whether the block of this position is in the cache; it is at hand then.
    #[inline]
    pub(super) fn has_cached(&mut self, file: &BlockFile, caches: &SsTableCaches, position: u64) -> bool {
        self.take_cached(file, caches, position / file.block)
    }

    fn take_cached(&mut self, file: &BlockFile, caches: &SsTableCaches, block: u64) -> bool {
        if self.block == Some(block) {
            return true;
        }
        let Some(number) = file.cached.filter(|_| self.mode.cache) else { return false };
        let Some(bytes) = caches.chunk(number, block) else { return false };
        self.held = Held::Shared(bytes);
        self.block = Some(block);
        true
    }

    /// Does something that may give up where it would have to wait for the device.
    pub(super) fn without_waiting<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let may_block = std::mem::replace(&mut self.mode.may_block, false);
        let done = work(self);
        self.mode.may_block = may_block;
        done
    }

    fn load(&mut self, file: &BlockFile, caches: &SsTableCaches, block: u64) -> Result<(), ReadError> {
        if self.take_cached(file, caches, block) {
            return Ok(());
        }
        self.block = None;
        let cached = file.cached.filter(|_| self.mode.cache);
        if cached.is_some() {
            caches.count_missing_chunk();
        }
        let (start, end) = file.range(block);
        self.fetch(file, start, end)?;
        let stored = &self.stored[(start - self.stored_at) as usize..(end - self.stored_at) as usize];
        let mut out = match std::mem::replace(&mut self.held, Held::Own(Vec::new())) {
            Held::Own(mut bytes) if cached.is_none() => {
                bytes.clear();
                bytes
            }
            _ => Vec::new(),
        };
        out.reserve_exact(file.block_length(block));
        file.unpack(block, stored, &mut self.decompressors, &mut out)?;
        self.held = match cached {
            Some(number) => {
                let bytes = Arc::new(out);
                caches.put_chunk(number, block, bytes.clone());
                Held::Shared(bytes)
            }
            None => Held::Own(out),
        };
        self.block = Some(block);
        Ok(())
    }

    /// Has the file's bytes `start..end` in `stored`.
    fn fetch(&mut self, file: &BlockFile, start: u64, end: u64) -> Result<(), ReadError> {
        if start >= self.stored_at && end <= self.stored_at + self.stored.len() as u64 {
            return Ok(());
        }
        let mut until = end;
        if self.mode.read_ahead > 0 {
            if start != self.stored_at + self.stored.len() as u64 {
                // A jump: nothing is known of what comes next.
                self.ahead = AHEAD_FIRST;
            }
            // The end of what can be read: that of the last block.
            let file_end = file.range(file.length.saturating_sub(1) / file.block).1;
            until = end.max((start + self.ahead as u64).min(file_end));
            self.ahead = (self.ahead * 2).min(self.mode.read_ahead);
        }
        let length = usize::try_from(until - start).map_err(|_| file.corrupt(start, "length of a chunk"))?;
        self.stored.clear();
        self.stored.resize(length, 0);
        self.stored_at = start;
        let read = match self.mode.may_block {
            true => file.file.read_at(start, &mut self.stored).map(|()| true),
            false => file.file.try_read_at(start, &mut self.stored),
        };
        if !matches!(read, Ok(true)) {
            self.stored.clear();
        }
        if read? { Ok(()) } else { Err(ReadError::WouldBlock) }
    }

    /// Reads a record of unknown length at `position` that ends before `limit`: `parse` is called with more and more bytes
    /// until it does not find them truncated.
    #[inline]
    pub(super) fn record<T>(
        &mut self,
        file: &BlockFile,
        caches: &SsTableCaches,
        position: u64,
        limit: u64,
        mut parse: impl FnMut(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<T, ReadError> {
        let left = usize::try_from(limit.saturating_sub(position)).unwrap_or(usize::MAX);
        let mut wanted = left.min(64);
        loop {
            let bytes = self.get(file, caches, position, wanted)?;
            let seen = bytes.len();
            match parse(bytes) {
                Ok(record) => return Ok(record),
                Err(DecodeError::Truncated { .. }) if seen < left => wanted = (seen * 2).max(256).min(left),
                Err(error) => return Err(file.undecodable(position, &error)),
            }
        }
    }
}
