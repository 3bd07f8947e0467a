//! Reading the log back at start.
//!
//! An invalid record is the end of the log only if nothing valid follows it. In the same segment that means: from there on, no
//! offset holds a valid record. Over segments: each says which one came before it and how long that was. When the one before is
//! shorter, its tail was lost: harmless if it was never durable (then everything later was not either, and is put aside), damage
//! otherwise. Damage is never skipped; the start stops and names the file.

use std::collections::BTreeMap;

use super::LogPosition;
use super::segment::{HEADER_BYTES, RECORD_OVERHEAD, SegmentHeader, read_all, record_at, segment_number, segment_path};
use crate::disk::{Disk, DiskErrorKind};
use crate::error::OpenError;

/// Receives each record with its position.
type Apply<'a> = dyn FnMut(LogPosition, &[u8]) -> Result<(), OpenError> + 'a;

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct LogReplay {
    /// Segments that stay, with their lengths.
    pub(crate) segments: BTreeMap<u32, u64>,
    /// Records given out.
    pub(crate) records: u64,
    /// Bytes of a torn tail that was cut.
    pub(crate) torn_bytes: u64,
    /// Files put aside (`….lost`): never durable, and behind a tail that was lost.
    pub(crate) put_aside: Vec<String>,
}

/// The number of the next segment to write: above every file there, and at least `least`.
pub(crate) fn next_segment(disk: &dyn Disk, directory: &str, least: u32) -> Result<u32, OpenError> {
    // Files that were put aside keep their numbers, too.
    let number = |name: &String| segment_number(name.strip_suffix(".lost").unwrap_or(name));
    list_segments(disk, directory)?;
    let last = disk.list(directory)?.iter().filter_map(number).max().unwrap_or(0);
    Ok(least.max(last + 1).max(1))
}

/// Where the log stands while it is read.
#[derive(Debug, Default)]
struct Before {
    segment: u32,
    end: u32,
    /// Length of the file, without zeros at its end: a power cut leaves appended bytes away or as zeros, damage does not.
    written: u32,
}

/// Reads the segments of `directory` from number `first` on and gives each record, with its position, to `apply`. Segments before
/// `first` are removed. A torn tail is cut off.
pub(crate) fn replay(
    disk: &dyn Disk,
    directory: &str,
    first: u32,
    apply: &mut Apply<'_>,
) -> Result<LogReplay, OpenError> {
    let mut result = LogReplay::default();
    let mut before = Before::default();
    let mut lost = false;
    for segment in list_segments(disk, directory)? {
        let path = segment_path(directory, segment);
        if segment < first {
            disk.remove(&path)?;
            continue;
        }
        let file = disk.open(&path)?;
        let bytes = read_all(&*file)?;
        let header = SegmentHeader::decode(&bytes, segment);
        if lost || !follows(&path, header, &before, first)? {
            lost = true;
            check_not_durable(&path, header)?;
            disk.rename(&path, &format!("{path}.lost"))?;
            result.put_aside.push(path);
            continue;
        }
        let end = match header {
            Some(_) => read_records(&path, segment, &bytes, &mut result.records, apply)?,
            None => headless(&path, segment, &bytes)?,
        };
        let rest = &bytes[end.min(bytes.len())..];
        let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        before = Before { segment, end: end as u32, written: written as u32 };
        if header.is_none() {
            disk.remove(&path)?;
            continue;
        }
        if !rest.is_empty() {
            result.torn_bytes += rest.len() as u64;
            file.set_len(end as u64)?;
        }
        // The process before may have been killed between its write and its sync; this one counts the segment as durable.
        file.sync()?;
        result.segments.insert(segment, end as u64);
    }
    disk.sync_dir(directory)?;
    Ok(result)
}

fn list_segments(disk: &dyn Disk, directory: &str) -> Result<Vec<u32>, OpenError> {
    let names = match disk.list(directory) {
        Ok(names) => names,
        Err(error) if error.kind == DiskErrorKind::NotFound => {
            disk.create_dir(directory)?;
            return Ok(Vec::new());
        }
        Err(error) => return Err(error.into()),
    };
    let mut segments = Vec::new();
    for name in names {
        match segment_number(&name) {
            Some(segment) => segments.push(segment),
            None if name.ends_with(".lost") => {}
            None => return Err(OpenError::UnknownFile { path: format!("{directory}/{name}") }),
        }
    }
    segments.sort_unstable();
    Ok(segments)
}

fn damage(path: &str, offset: usize, what: impl Into<String>) -> OpenError {
    OpenError::Corrupt { path: path.to_owned(), offset: offset as u64, what: what.into() }
}

/// True when the segment continues what was read so far; false when what lies between was lost without ever being durable.
fn follows(path: &str, header: Option<(SegmentHeader, bool)>, before: &Before, first: u32) -> Result<bool, OpenError> {
    let Some((header, previous_synced)) = header else { return Ok(true) };
    if header.previous == 0 || header.previous < first {
        return Ok(true);
    }
    if header.previous == before.segment && header.previous_end == before.end {
        return Ok(true);
    }
    if previous_synced || (header.previous == before.segment && before.written >= header.previous_end) {
        let what = format!("segment {} before it should have {} bytes", header.previous, header.previous_end);
        return Err(damage(path, 0, what));
    }
    Ok(false)
}

/// A segment behind a lost one may be put aside only if it was never durable itself; its successor would say so.
fn check_not_durable(path: &str, header: Option<(SegmentHeader, bool)>) -> Result<(), OpenError> {
    match header {
        Some((_, true)) => Err(damage(path, 0, "it was durable, but a segment before it is incomplete")),
        _ => Ok(()),
    }
}

/// A file without a valid head: made just before a crash, unless there are records in it.
fn headless(path: &str, segment: u32, bytes: &[u8]) -> Result<usize, OpenError> {
    match next_valid(segment, bytes, 0) {
        Some(offset) => Err(damage(path, 0, format!("no valid segment head, but a valid record at {offset}"))),
        None => Ok(0),
    }
}

fn read_records(
    path: &str,
    segment: u32,
    bytes: &[u8],
    records: &mut u64,
    apply: &mut Apply<'_>,
) -> Result<usize, OpenError> {
    let mut offset = HEADER_BYTES as usize;
    while offset < bytes.len() {
        let Some(body) = record_at(segment, bytes, offset) else {
            if let Some(valid) = next_valid(segment, bytes, offset + 1) {
                return Err(damage(path, offset, format!("invalid record before a valid one at {valid}")));
            }
            break;
        };
        apply(LogPosition { segment, offset: offset as u32 }, body)?;
        *records += 1;
        offset += body.len() + RECORD_OVERHEAD as usize;
    }
    Ok(offset)
}

fn next_valid(segment: u32, bytes: &[u8], from: usize) -> Option<usize> {
    (from..bytes.len()).find(|offset| record_at(segment, bytes, *offset).is_some())
}
