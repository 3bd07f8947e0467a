//! Reading the log back at start.
//!
//! An invalid record is the end of the log only if nothing valid follows it. In the same segment that means: from there on, no
//! offset holds a valid record. Behind a mark, where records overwrite zeros, a power cut may take any sector that was not durable;
//! there it means: no later mark calls the place durable. Over segments: each says which one came before it and how long that was.
//! When the one before is shorter, its tail was lost: harmless if it was never durable (then everything later was not either, and
//! is put aside), damage otherwise. Damage is never skipped; the start stops and names the file.

use std::collections::BTreeMap;
use std::ops::Range;

use super::LogPosition;
use super::segment::{Entry, HEADER_BYTES, SegmentHeader, entry_at, read_all, segment_number, segment_path};
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
    /// Length of the file, without zeros at its end: a power cut leaves appended bytes away or as zeros, damage does not. `end`, if
    /// a sector is missing there that was not durable.
    written: u32,
}

impl Before {
    fn position(&self) -> LogPosition {
        LogPosition { segment: self.segment, offset: self.end }
    }
}

/// Bytes up to the last that is not zero: what follows was laid out ahead, or never written.
fn written_bytes(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
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
            check_not_durable(&path, header, segment, &bytes, &before)?;
            disk.rename(&path, &format!("{path}.lost"))?;
            result.put_aside.push(path);
            continue;
        }
        let (end, has_hole) = match header {
            Some(_) => read_records(&path, segment, &bytes, &mut result.records, apply)?,
            None => (headless(&path, segment, &bytes)?, false),
        };
        let written = written_bytes(&bytes);
        before = Before { segment, end: end as u32, written: if has_hole { end } else { written } as u32 };
        if header.is_none() {
            disk.remove(&path)?;
            continue;
        }
        result.torn_bytes += written.saturating_sub(end) as u64;
        if bytes.len() > end {
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

/// A segment behind a lost one may be put aside only if it was never durable itself; its successor would say so. Nor may it say that
/// more was durable of the log than was found.
fn check_not_durable(
    path: &str,
    header: Option<(SegmentHeader, bool)>,
    segment: u32,
    bytes: &[u8],
    found: &Before,
) -> Result<(), OpenError> {
    if matches!(header, Some((_, true))) {
        return Err(damage(path, 0, "it was durable, but a segment before it is incomplete"));
    }
    check_marks(path, segment, bytes, HEADER_BYTES as usize, found.position())
}

/// Refuses a log that ends at `found` where a mark behind `from` says that more was durable.
fn check_marks(path: &str, segment: u32, bytes: &[u8], from: usize, found: LogPosition) -> Result<(), OpenError> {
    let mut places = from..written_bytes(bytes);
    while let Some((at, entry, end)) = next_valid(segment, bytes, places.clone()) {
        if let Entry::Mark(durable) = entry
            && durable > found
            // Of the first segment of a process: nothing was durable yet.
            && durable.offset > HEADER_BYTES
        {
            let LogPosition { segment, offset } = found;
            return Err(damage(
                path,
                at,
                format!("a mark that more was durable than is found: segment {segment}, byte {offset}"),
            ));
        }
        places.start = end;
    }
    Ok(())
}

/// A file without a valid head: made just before a crash, unless there are records in it.
fn headless(path: &str, segment: u32, bytes: &[u8]) -> Result<usize, OpenError> {
    match next_valid(segment, bytes, 0..written_bytes(bytes)) {
        Some((offset, ..)) => Err(damage(path, 0, format!("no valid segment head, but a valid record at {offset}"))),
        None => Ok(0),
    }
}

/// Reads the records of a segment. Returns where they end, and whether more that was never durable may stand behind that.
fn read_records(
    path: &str,
    segment: u32,
    bytes: &[u8],
    records: &mut u64,
    apply: &mut Apply<'_>,
) -> Result<(usize, bool), OpenError> {
    let mut offset = HEADER_BYTES as usize;
    let written = written_bytes(bytes);
    let mut is_marked = false;
    while offset < written {
        let Some((entry, end)) = entry_at(segment, bytes, offset) else {
            if is_marked {
                check_marks(path, segment, bytes, offset + 1, LogPosition { segment, offset: offset as u32 })?;
            } else if let Some((valid, ..)) = next_valid(segment, bytes, offset + 1..written) {
                return Err(damage(path, offset, format!("invalid record before a valid one at {valid}")));
            }
            return Ok((offset, is_marked));
        };
        match entry {
            Entry::Record(body) => {
                apply(LogPosition { segment, offset: offset as u32 }, body)?;
                *records += 1;
            }
            Entry::Mark(_) => is_marked = true,
        }
        offset = end;
    }
    Ok((offset, false))
}

/// The first valid record or mark that begins at one of these places: where it stands, what it is, and where it ends.
fn next_valid(segment: u32, bytes: &[u8], places: Range<usize>) -> Option<(usize, Entry<'_>, usize)> {
    let mut found = places.map(|at| (at, entry_at(segment, bytes, at)));
    found.find_map(|(at, entry)| entry.map(|(entry, end)| (at, entry, end)))
}
