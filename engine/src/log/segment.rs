//! Bytes of a log segment.
//!
//! ```text
//! segment := "HELNLOG" 1, number u32, previous segment u32 (0: none), its length u32, CRC32 of these 20 bytes u32,
//!            'S' once the previous segment is known to be durable, else 0 (one byte, so that it is never half written), 0 * 7,
//!            (record | mark)*, 0*
//! record  := length of the body u32, CRC32 of (segment u32, offset of the record u32, length u32) u32, body, CRC32 of the body u32
//! mark    := 2^32 - 1 u32, CRC32 of (segment u32, offset of the mark u32, 2^32 - 1 u32) u32, position u64, CRC32 of these 8 bytes u32
//! ```
//!
//! A mark says up to which position the log was durable when the mark was written. In front of zeros that are laid out ahead there is
//! always one: only behind it may a power cut leave later bytes and take earlier ones.
//!
//! The first CRC names the record's own place, so bytes of another segment, or a value that happens to hold a copy of log
//! bytes, are never taken for a record.

use super::LogPosition;
use crate::disk::DiskResult;

/// Bytes before the first record.
pub(super) const HEADER_BYTES: u32 = 32;
/// Bytes of a record beside its body.
pub(super) const RECORD_OVERHEAD: u32 = 12;
/// Stands for the length of a mark.
const MARK: u32 = u32::MAX;

/// Where the header says that the previous segment is durable.
pub(super) const PREVIOUS_SYNCED_OFFSET: u64 = 24;
/// What it says then.
pub(super) const PREVIOUS_SYNCED: [u8; 1] = *b"S";

const MAGIC: [u8; 8] = *b"HELNLOG\x01";
const SUFFIX: &str = ".log";
const PREFIX: &str = "segment-";

/// Path of a segment.
pub(super) fn segment_path(directory: &str, segment: u32) -> String {
    format!("{directory}/{PREFIX}{segment:010}{SUFFIX}")
}

/// Number of the segment whose file has this name.
pub(super) fn segment_number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    (digits.len() == 10 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// The head of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    /// Its number.
    pub(super) segment: u32,
    /// The segment written before it by the same process, 0 if none.
    pub(super) previous: u32,
    /// Length of that one.
    pub(super) previous_end: u32,
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES as usize] {
        let mut out = [0; HEADER_BYTES as usize];
        out[..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&self.segment.to_be_bytes());
        out[12..16].copy_from_slice(&self.previous.to_be_bytes());
        out[16..20].copy_from_slice(&self.previous_end.to_be_bytes());
        let crc = crc32fast::hash(&out[..20]);
        out[20..24].copy_from_slice(&crc.to_be_bytes());
        out
    }

    /// Reads the head of segment `segment`; the flag is whether it says that the previous segment is durable. None when the
    /// bytes are no head of this segment.
    pub(super) fn decode(bytes: &[u8], segment: u32) -> Option<(Self, bool)> {
        let head = bytes.first_chunk::<{ HEADER_BYTES as usize }>()?;
        let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        if head[..8] != MAGIC || word(20) != crc32fast::hash(&head[..20]) || word(8) != segment {
            return None;
        }
        let synced = match head[24..] {
            [0, 0, 0, 0, 0, 0, 0, 0] => false,
            [b'S', 0, 0, 0, 0, 0, 0, 0] => true,
            _ => return None,
        };
        Some((SegmentHeader { segment, previous: word(12), previous_end: word(16) }, synced))
    }
}

fn head_crc(at: LogPosition, length: u32) -> u32 {
    let mut place = [0; 12];
    place[..4].copy_from_slice(&at.segment.to_be_bytes());
    place[4..8].copy_from_slice(&at.offset.to_be_bytes());
    place[8..].copy_from_slice(&length.to_be_bytes());
    crc32fast::hash(&place)
}

/// Appends a record that stands at `at`.
pub(super) fn put_record(out: &mut Vec<u8>, at: LogPosition, body: &[u8], body_crc: u32) {
    let length = body.len() as u32;
    out.reserve(body.len() + RECORD_OVERHEAD as usize);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&head_crc(at, length).to_be_bytes());
    out.extend_from_slice(body);
    out.extend_from_slice(&body_crc.to_be_bytes());
}

/// Appends a mark that stands at `at`: the log is durable up to `durable`.
pub(super) fn put_mark(out: &mut Vec<u8>, at: LogPosition, durable: LogPosition) {
    let position = durable.to_u64().to_be_bytes();
    out.extend_from_slice(&MARK.to_be_bytes());
    out.extend_from_slice(&head_crc(at, MARK).to_be_bytes());
    out.extend_from_slice(&position);
    out.extend_from_slice(&crc32fast::hash(&position).to_be_bytes());
}

/// What stands in a segment.
#[derive(Debug)]
pub(super) enum Entry<'a> {
    /// A record's body.
    Record(&'a [u8]),
    /// A mark: the log was durable up to here.
    Mark(LogPosition),
}

/// The record or mark at `offset` of segment `segment`, if there is a whole and undamaged one, and where it ends.
pub(super) fn entry_at(segment: u32, bytes: &[u8], offset: usize) -> Option<(Entry<'_>, usize)> {
    let rest = bytes.get(offset..)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length);
    let at = LogPosition { segment, offset: u32::try_from(offset).ok()? };
    if u32::from_be_bytes(*crc) != head_crc(at, length) {
        return None;
    }
    let body_bytes = if length == MARK { 8 } else { length as usize };
    let (body, rest) = rest.split_at_checked(body_bytes)?;
    let (crc, _) = rest.split_first_chunk::<4>()?;
    if u32::from_be_bytes(*crc) != crc32fast::hash(body) {
        return None;
    }
    let entry = match body.first_chunk() {
        Some(position) if length == MARK => Entry::Mark(LogPosition::from_u64(u64::from_be_bytes(*position))),
        _ => Entry::Record(body),
    };
    Some((entry, offset + body_bytes + RECORD_OVERHEAD as usize))
}

/// The whole content of a file.
pub(super) fn read_all(file: &dyn crate::disk::DiskFile) -> DiskResult<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or(usize::MAX)];
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}
