//! Reading `Index.db`: finding a key's entry, and the blocks of a wide partition (Cassandra: `RowIndexEntry`).

use helenus_model::codec::{DecodeError, Reader};
use helenus_model::key::{BoundKind, Position};
use helenus_model::row::DeletionTime;
use helenus_model::token::Token;

use super::block_file::{BlockFile, Window};
use super::cache::SsTableCaches;
use super::clustering::{KIND_CLUSTERING, read_values};
use super::encoding::widen_local;
use super::index_writer::WIDTH_BASE;
use super::landmarks::{Landmark, STEP};
use crate::error::ReadError;

/// Where a partition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntryPlace {
    /// Its start in unpacked Data.db.
    pub(super) data: u64,
    /// Start of its promoted index in Index.db.
    pub(super) promoted: u64,
    /// Length of that; 0 for none.
    pub(super) promoted_length: u64,
}

impl EntryPlace {
    /// Start of the next entry in Index.db.
    pub(super) fn end(&self) -> u64 {
        self.promoted + self.promoted_length
    }
}

/// Reads the deletion as it stands undelta'd.
pub(super) fn read_full_deletion(reader: &mut Reader<'_>) -> Result<DeletionTime, DecodeError> {
    let local = widen_local(reader.i32()?);
    Ok(DeletionTime { local, marked_at: reader.i64()? })
}

/// Reads the entry at `position` of Index.db and leaves its key in `key`.
pub(super) fn read_entry(
    window: &mut Window,
    file: &BlockFile,
    caches: &SsTableCaches,
    position: u64,
    key: &mut Vec<u8>,
) -> Result<EntryPlace, ReadError> {
    let (place, _) = window.record(file, caches, position, file.length, |bytes| {
        let mut reader = Reader::new(bytes);
        let found = reader.bytes16()?;
        let place = entry_place(&mut reader, position, file.length)?;
        key.clear();
        key.extend_from_slice(found);
        Ok((place, ()))
    })?;
    Ok(place)
}

fn entry_place(reader: &mut Reader<'_>, position: u64, file_length: u64) -> Result<EntryPlace, DecodeError> {
    let data = reader.vint()?;
    let promoted_length = reader.vint()?;
    let promoted = position + reader.position() as u64;
    if promoted.checked_add(promoted_length).is_none_or(|end| end > file_length) {
        return Err(reader.invalid("length of a promoted index"));
    }
    Ok(EntryPlace { data, promoted, promoted_length })
}

/// Finds `key` among the entries from `from` up to `to`.
pub(super) fn find_entry(
    window: &mut Window,
    file: &BlockFile,
    caches: &SsTableCaches,
    key: &[u8],
    from: u64,
    to: u64,
) -> Result<Option<EntryPlace>, ReadError> {
    let mut position = from;
    while position < to {
        // As many whole entries as the block at hand has, without going back to the window for each.
        let step = window.record(file, caches, position, file.length, |bytes| {
            let mut consumed = 0_usize;
            loop {
                let start = position + consumed as u64;
                if start >= to {
                    return Ok(Err(consumed));
                }
                let mut reader = Reader::new(bytes.get(consumed..).unwrap_or_default());
                let entry =
                    reader.bytes16().and_then(|found| Ok((found, entry_place(&mut reader, start, file.length)?)));
                match entry {
                    // One byte tells most keys apart.
                    Ok((found, place)) if found.last() == key.last() && found == key => return Ok(Ok(place)),
                    Ok((_, place)) => consumed = usize::try_from(place.end() - position).unwrap_or(usize::MAX),
                    Err(DecodeError::Truncated { .. }) if consumed > 0 => return Ok(Err(consumed)),
                    Err(error) => return Err(error),
                }
            }
        })?;
        match step {
            Ok(place) => return Ok(Some(place)),
            Err(consumed) => position += consumed as u64,
        }
    }
    Ok(None)
}

/// Walks the entries from `from` up to `to` and answers every [`STEP`]th one behind the first.
pub(super) fn learn_landmarks(
    window: &mut Window,
    file: &BlockFile,
    caches: &SsTableCaches,
    from: u64,
    to: u64,
) -> Result<Vec<Landmark>, ReadError> {
    let (mut position, mut key, mut found) = (from, Vec::new(), Vec::new());
    for entry in 0_usize.. {
        if position >= to {
            break;
        }
        let place = read_entry(window, file, caches, position, &mut key)?;
        // Promoted indexes make an interval long; what lies beyond 4 GiB goes without landmarks.
        let Ok(offset) = u32::try_from(position - from) else { break };
        if entry > 0 && entry.is_multiple_of(STEP) {
            found.push(Landmark { token: Token::of_key(&key), offset });
        }
        position = place.end();
    }
    Ok(found)
}

/// The promoted index of one partition. Offsets of blocks count from the partition's start.
#[derive(Clone, Copy, Debug)]
pub(super) struct PromotedIndex {
    /// Offset of the first unfiltered.
    pub(super) header_length: u64,
    /// The partition's deletion.
    pub(super) deletion: DeletionTime,
    /// Number of blocks.
    pub(super) count: usize,
    blocks: u64,
    offsets: u64,
}

/// One block of it, reused.
#[derive(Clone, Debug, Default)]
pub(super) struct IndexBlock {
    pub(super) first: Vec<u8>,
    pub(super) first_weight: i8,
    pub(super) last: Vec<u8>,
    pub(super) last_weight: i8,
    /// Offset of its first unfiltered.
    pub(super) offset: u64,
    /// Bytes to the end of its last.
    pub(super) width: u64,
    /// Deletion in force behind it.
    pub(super) open: Option<DeletionTime>,
}

impl IndexBlock {
    pub(super) fn first(&self) -> Position<'_> {
        Position { prefix: &self.first, weight: self.first_weight }
    }

    pub(super) fn last(&self) -> Position<'_> {
        Position { prefix: &self.last, weight: self.last_weight }
    }

    pub(super) fn open(&self) -> DeletionTime {
        self.open.unwrap_or(DeletionTime::LIVE)
    }
}

/// What is needed to read promoted indexes.
#[derive(Clone, Copy, Debug)]
pub(super) struct IndexContext<'a> {
    pub(super) file: &'a BlockFile,
    pub(super) caches: &'a SsTableCaches,
    pub(super) lengths: &'a [Option<u32>],
}

impl PromotedIndex {
    pub(super) fn open(window: &mut Window, context: IndexContext<'_>, place: EntryPlace) -> Result<Self, ReadError> {
        window.record(context.file, context.caches, place.promoted, place.end(), |bytes| {
            let mut reader = Reader::new(bytes);
            let header_length = reader.vint()?;
            let deletion = read_full_deletion(&mut reader)?;
            let count = reader.vint()?;
            let blocks = place.promoted + reader.position() as u64;
            let offsets = count.checked_mul(4).and_then(|bytes| place.end().checked_sub(bytes));
            match offsets.filter(|offsets| *offsets >= blocks && count > 0) {
                Some(offsets) => Ok(PromotedIndex { header_length, deletion, count: count as usize, blocks, offsets }),
                None => Err(reader.invalid("count of index blocks")),
            }
        })
    }

    /// Reads block `i` into `block`.
    pub(super) fn block(
        &self,
        window: &mut Window,
        context: IndexContext<'_>,
        i: usize,
        block: &mut IndexBlock,
    ) -> Result<(), ReadError> {
        let at = self.offsets + 4 * i as u64;
        let IndexContext { file, caches, lengths, .. } = context;
        let offset = window.record(file, caches, at, at + 4, |bytes| Reader::new(bytes).u32())?;
        let at = self.blocks + u64::from(offset);
        if i >= self.count || at >= self.offsets {
            return Err(file.corrupt(at, "offset of an index block"));
        }
        window.record(file, caches, at, self.offsets, |bytes| {
            let mut reader = Reader::new(bytes);
            block.first_weight = read_bound(&mut reader, lengths, &mut block.first)?;
            block.last_weight = read_bound(&mut reader, lengths, &mut block.last)?;
            block.offset = reader.vint()?;
            let width = reader.svint()?.checked_add(WIDTH_BASE).and_then(|width| u64::try_from(width).ok());
            block.width = width.ok_or_else(|| reader.invalid("width of an index block"))?;
            block.open = if reader.bool()? { Some(read_full_deletion(&mut reader)?) } else { None };
            Ok(())
        })
    }

    /// The number of blocks at the start for which `before` holds; `block` is scratch.
    pub(super) fn partition_point(
        &self,
        window: &mut Window,
        context: IndexContext<'_>,
        block: &mut IndexBlock,
        before: impl Fn(&IndexBlock) -> bool,
    ) -> Result<usize, ReadError> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            self.block(window, context, middle, block)?;
            if before(block) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

/// Reads a clustering or bound; returns its weight.
fn read_bound(reader: &mut Reader<'_>, lengths: &[Option<u32>], prefix: &mut Vec<u8>) -> Result<i8, DecodeError> {
    prefix.clear();
    let kind = reader.u8()?;
    if kind == KIND_CLUSTERING {
        read_values(reader, lengths, lengths.len(), prefix)?;
        return Ok(0);
    }
    let kind = BoundKind::from_u8(kind).ok_or_else(|| reader.invalid("kind of a bound"))?;
    let count = reader.u16()?;
    read_values(reader, lengths, usize::from(count), prefix)?;
    Ok(kind.weight())
}
