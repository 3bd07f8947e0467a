//! The commit log: what was written since the last flush, so that a crash loses nothing that was acknowledged.
//!
//! Three steps, each the caller's to time. [`Log::append`] puts a record into memory and gives it its position.
//! [`Log::flush`] hands everything appended so far to the operating system; a killed process loses nothing behind it.
//! [`Log::sync`] makes it durable; a power cut loses nothing behind that. The first failure of a write or sync is final:
//! nothing is accepted afterwards, because nobody can tell which bytes the device holds. Only a full disk is not:
//! records are refused until there is space again.
//!
//! A file that grows costs the file system more than the bytes at each sync. So while someone waits for every sync, the segment is laid
//! out ahead with zeros, and records overwrite those.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

mod position;
mod replay;
mod segment;
#[cfg(test)]
mod tests;

pub use position::LogPosition;
pub(crate) use replay::{next_segment, replay};

use crate::disk::{Disk, DiskError, DiskErrorKind, DiskFile};
use crate::error::WriteError;
use segment::{HEADER_BYTES, PREVIOUS_SYNCED, PREVIOUS_SYNCED_OFFSET, RECORD_OVERHEAD, SegmentHeader, segment_path};

/// The file of a segment, to name it in an error.
pub(crate) fn segment_file(directory: &str, segment: u32) -> String {
    segment_path(directory, segment)
}

/// Sizes of the commit log.
#[derive(Clone, Copy, Debug)]
pub struct LogConfig {
    /// Bytes of a segment, at most 1 GiB (`commitlog_segment_size`).
    pub segment_bytes: u32,
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig { segment_bytes: 32 << 20 }
    }
}

/// Most bytes that are laid out ahead at a time.
const AHEAD_BYTES_MAX: u32 = 1 << 20;

/// Bytes of one segment that are appended but not yet handed to the operating system.
#[derive(Debug)]
struct Chunk {
    segment: u32,
    /// Offset of the first byte.
    start: u32,
    bytes: Vec<u8>,
    /// It ends with a mark.
    is_marked: bool,
}

#[derive(Debug)]
struct Buffer {
    /// Chunks of segments that are full.
    full: Vec<Chunk>,
    current: Chunk,
    stopped: Option<String>,
    /// The disk is full: records are refused until there is space again.
    no_space: Option<DiskError>,
}

impl Buffer {
    fn next_position(&self) -> LogPosition {
        self.current.end()
    }
}

impl Chunk {
    fn new(segment: u32, start: u32, bytes: Vec<u8>) -> Self {
        Chunk { segment, start, bytes, is_marked: false }
    }

    fn end(&self) -> LogPosition {
        LogPosition { segment: self.segment, offset: self.start + self.bytes.len() as u32 }
    }
}

#[derive(Debug)]
struct Writer {
    file: Option<Arc<dyn DiskFile>>,
    /// Segment of `file` and its length; 0 when nothing was written yet.
    segment: u32,
    end: u32,
    /// Where the zeros end that are laid out behind the records of `file`.
    laid_out: u32,
    /// Segments not known to be wholly durable, oldest first; the last is `file`.
    unsynced: Vec<(u32, Arc<dyn DiskFile>)>,
    directory_unsynced: bool,
    /// Taken from the buffer and not written yet.
    pending: VecDeque<Chunk>,
    /// A buffer to swap in, so that steady state allocates nothing.
    spare: Vec<u8>,
}

impl Writer {
    /// Keeps the memory of a written chunk for the next one.
    fn keep_buffer(&mut self, mut bytes: Vec<u8>) {
        bytes.clear();
        bytes.shrink_to(1 << 20);
        if bytes.capacity() > self.spare.capacity() {
            self.spare = bytes;
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    directory: String,
    config: LogConfig,
    buffer: Mutex<Buffer>,
    writer: Mutex<Writer>,
    /// Held while syncing, so that syncs do not overtake one another.
    syncing: Mutex<()>,
    /// Held while segments are removed.
    removing: Mutex<()>,
    appended: AtomicU64,
    written: AtomicU64,
    synced: AtomicU64,
    /// Syncs are waited for: segments are laid out ahead.
    is_awaited: AtomicBool,
    /// Segments on disk and their lengths.
    segments: Mutex<BTreeMap<u32, u64>>,
}

impl Log {
    /// A log that goes on behind what [`replay`] found: its first segment is `first_segment`, and `existing` are those kept from
    /// before, with their lengths.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        directory: &str,
        config: LogConfig,
        first_segment: u32,
        existing: BTreeMap<u32, u64>,
    ) -> Self {
        let start = LogPosition { segment: first_segment, offset: HEADER_BYTES };
        Log {
            disk,
            directory: directory.to_owned(),
            config,
            buffer: Mutex::new(Buffer {
                full: Vec::new(),
                current: Chunk::new(first_segment, HEADER_BYTES, Vec::new()),
                stopped: None,
                no_space: None,
            }),
            writer: Mutex::new(Writer {
                file: None,
                segment: 0,
                end: 0,
                laid_out: 0,
                unsynced: Vec::new(),
                directory_unsynced: false,
                pending: VecDeque::new(),
                spare: Vec::new(),
            }),
            syncing: Mutex::new(()),
            removing: Mutex::new(()),
            appended: AtomicU64::new(start.to_u64()),
            written: AtomicU64::new(start.to_u64()),
            synced: AtomicU64::new(start.to_u64()),
            is_awaited: AtomicBool::new(false),
            segments: Mutex::new(existing),
        }
    }

    /// Takes over the segments that a replay kept.
    pub(crate) fn adopt(&self, segments: BTreeMap<u32, u64>) {
        self.segments.lock().extend(segments);
    }

    /// Largest record body, bytes: half a segment, as Cassandra's `max_mutation_size`.
    pub(crate) fn record_bytes_max(&self) -> usize {
        (self.config.segment_bytes / 2) as usize
    }

    /// Appends a record in memory. Returns where it begins and where it ends.
    pub(crate) fn append(&self, body: &[u8]) -> Result<(LogPosition, LogPosition), WriteError> {
        if body.len() > self.record_bytes_max() {
            return Err(WriteError::TooLarge { bytes: body.len(), bytes_max: self.record_bytes_max() });
        }
        let body_crc = crc32fast::hash(body);
        let total = body.len() as u32 + RECORD_OVERHEAD;
        let mut buffer = self.buffer.lock();
        if let Some(reason) = &buffer.stopped {
            return Err(WriteError::Stopped(reason.clone()));
        }
        if let Some(error) = &buffer.no_space {
            return Err(error.clone().into());
        }
        let mut start = buffer.next_position();
        if start.offset + total > self.config.segment_bytes && start.offset > HEADER_BYTES {
            start = LogPosition { segment: start.segment + 1, offset: HEADER_BYTES };
            let next = Chunk::new(start.segment, HEADER_BYTES, Vec::new());
            let full = std::mem::replace(&mut buffer.current, next);
            buffer.full.push(full);
        }
        segment::put_record(&mut buffer.current.bytes, start, body, body_crc);
        let end = LogPosition { segment: start.segment, offset: start.offset + total };
        self.appended.store(end.to_u64(), Ordering::Release);
        Ok((start, end))
    }

    /// Where the next record will begin, or later.
    pub(crate) fn position(&self) -> LogPosition {
        self.buffer.lock().next_position()
    }

    /// Hands everything appended so far to the operating system.
    pub(crate) fn flush(&self) -> Result<(), WriteError> {
        let wanted = self.appended.load(Ordering::Acquire);
        if self.written.load(Ordering::Acquire) >= wanted {
            return self.check_running();
        }
        let mut writer = self.writer.lock();
        if self.written.load(Ordering::Acquire) >= wanted {
            return self.check_running();
        }
        let target = self.take_buffer(&mut writer)?;
        while let Some(chunk) = writer.pending.pop_front() {
            match self.write(&mut writer, &chunk) {
                Ok(()) => writer.keep_buffer(chunk.bytes),
                Err(error) if error.kind == DiskErrorKind::Full => {
                    // Nothing that was acknowledged is in doubt: the same bytes go to the same place when there is space again.
                    writer.pending.push_front(chunk);
                    self.buffer.lock().no_space = Some(error.clone());
                    return Err(error.into());
                }
                Err(error) => {
                    self.stop(&error);
                    return Err(error.into());
                }
            }
        }
        self.written.store(target.to_u64(), Ordering::Release);
        Ok(())
    }

    /// Moves everything appended so far to the writer; returns where it ends.
    fn take_buffer(&self, writer: &mut Writer) -> Result<LogPosition, WriteError> {
        let spare = std::mem::take(&mut writer.spare);
        let mut buffer = self.buffer.lock();
        if let Some(reason) = &buffer.stopped {
            return Err(WriteError::Stopped(reason.clone()));
        }
        if self.is_awaited.load(Ordering::Relaxed) || writer.laid_out > writer.end {
            let Buffer { full, current, .. } = &mut *buffer;
            full.iter_mut().chain([current]).for_each(|chunk| self.mark(chunk));
        }
        let target = buffer.next_position();
        let chunk = Chunk::new(target.segment, target.offset, spare);
        let current = std::mem::replace(&mut buffer.current, chunk);
        writer.pending.extend(buffer.full.drain(..));
        writer.pending.push_back(current);
        Ok(target)
    }

    /// Says at the end of a chunk how far the log is durable.
    fn mark(&self, chunk: &mut Chunk) {
        if !chunk.bytes.is_empty() {
            let at = chunk.end();
            segment::put_mark(&mut chunk.bytes, at, self.synced_position());
            chunk.is_marked = true;
        }
    }

    /// Tries again to write what the disk had no space for; true when nothing waits any more.
    pub(crate) fn retry(&self) -> bool {
        // The flush says so again if there is still no space.
        let waiting = self.buffer.lock().no_space.take().is_some();
        !waiting || self.flush().is_ok()
    }

    /// Refuses records until [`Log::retry`] finds that there is space: called when there is so little left that the memtables
    /// could not be flushed.
    pub(crate) fn refuse(&self, error: DiskError) {
        self.buffer.lock().no_space = Some(error);
    }

    fn write(&self, writer: &mut Writer, chunk: &Chunk) -> Result<(), DiskError> {
        if writer.file.is_none() || writer.segment != chunk.segment {
            let path = segment_path(&self.directory, chunk.segment);
            let file = self.disk.create(&path)?;
            let header = SegmentHeader { segment: chunk.segment, previous: writer.segment, previous_end: writer.end };
            if let Err(error) = file.write_at(0, &header.encode()) {
                self.disk.remove(&path)?;
                return Err(error);
            }
            writer.directory_unsynced = true;
            writer.unsynced.push((chunk.segment, Arc::clone(&file)));
            writer.file = Some(file);
            writer.segment = chunk.segment;
            writer.end = HEADER_BYTES;
            writer.laid_out = HEADER_BYTES;
        }
        assert!(writer.end == chunk.start, "log chunks are written in order");
        if let Some(file) = &writer.file
            && !chunk.bytes.is_empty()
        {
            file.write_at(u64::from(chunk.start), &chunk.bytes)?;
            writer.end += chunk.bytes.len() as u32;
            if chunk.is_marked && writer.end > writer.laid_out && self.is_awaited.load(Ordering::Relaxed) {
                writer.laid_out = self.lay_out(&**file, writer.end)?;
            }
        }
        self.segments.lock().insert(writer.segment, u64::from(writer.end));
        Ok(())
    }

    /// Writes zeros behind the records of a segment, which end at `end`. Returns where the zeros end.
    fn lay_out(&self, file: &dyn DiskFile, end: u32) -> Result<u32, DiskError> {
        let ahead = (self.config.segment_bytes / 4).min(AHEAD_BYTES_MAX);
        let laid_out = end.saturating_add(ahead).min(self.config.segment_bytes).max(end);
        match file.write_at(u64::from(end), &vec![0; (laid_out - end) as usize]) {
            // The records themselves have their place.
            Err(error) if error.kind == DiskErrorKind::Full => Ok(end),
            written => written.map(|()| laid_out),
        }
    }

    /// True when something was handed to the operating system that is not durable yet.
    pub(crate) fn needs_sync(&self) -> bool {
        self.synced.load(Ordering::Acquire) < self.written.load(Ordering::Acquire)
    }

    /// Everything before this place is durable.
    pub(crate) fn synced_position(&self) -> LogPosition {
        LogPosition::from_u64(self.synced.load(Ordering::Acquire))
    }

    /// Whether syncs are waited for from now on.
    pub(crate) fn set_awaited(&self, is_awaited: bool) {
        self.is_awaited.store(is_awaited, Ordering::Relaxed);
    }

    /// Makes durable what [`Log::flush`] wrote before the call. Waits for the device.
    pub(crate) fn sync(&self) -> Result<LogPosition, WriteError> {
        let _one_at_a_time = self.syncing.lock();
        self.check_running()?;
        let (files, directory, target) = {
            let mut writer = self.writer.lock();
            let target = self.written.load(Ordering::Acquire);
            (writer.unsynced.clone(), std::mem::take(&mut writer.directory_unsynced), target)
        };
        if let Err(error) = self.sync_files(&files, directory) {
            self.stop(&error);
            return Err(error.into());
        }
        if let Some((last, _)) = files.last() {
            self.writer.lock().unsynced.retain(|(segment, _)| segment >= last);
        }
        self.synced.fetch_max(target, Ordering::AcqRel);
        Ok(LogPosition::from_u64(target))
    }

    fn sync_files(&self, files: &[(u32, Arc<dyn DiskFile>)], directory: bool) -> Result<(), DiskError> {
        if directory {
            self.disk.sync_dir(&self.directory)?;
        }
        for (i, (_, file)) in files.iter().enumerate() {
            if i > 0 {
                // Before anything in this segment counts as durable, it says that the one before it is: a start can then tell
                // a tail that was lost with the power from one that was damaged.
                file.write_at(PREVIOUS_SYNCED_OFFSET, &PREVIOUS_SYNCED)?;
            }
            file.sync()?;
        }
        Ok(())
    }

    fn check_running(&self) -> Result<(), WriteError> {
        match &self.buffer.lock().stopped {
            Some(reason) => Err(WriteError::Stopped(reason.clone())),
            None => Ok(()),
        }
    }

    /// Accepts nothing any more.
    pub(crate) fn stop(&self, error: &DiskError) {
        let mut buffer = self.buffer.lock();
        if buffer.stopped.is_none() {
            buffer.stopped = Some(error.to_string());
        }
    }

    /// Removes the segments before `segment`, the oldest first: nothing in them is needed any more. Flushes that end together do so one
    /// after the other, for a file can be removed once. What could not be removed stays listed, and is tried again with the next flush.
    pub(crate) fn remove_before(&self, segment: u32) -> Result<(), DiskError> {
        let _alone = self.removing.lock();
        let current = self.writer.lock().segment;
        let needless: Vec<u32> =
            self.segments.lock().range(..segment).map(|(id, _)| *id).filter(|id| *id != current).collect();
        for id in &needless {
            self.disk.remove(&segment_path(&self.directory, *id))?;
            self.segments.lock().remove(id);
            self.writer.lock().unsynced.retain(|(unsynced, _)| unsynced != id);
        }
        if needless.is_empty() { Ok(()) } else { self.disk.sync_dir(&self.directory) }
    }

    /// Number and bytes of the segments on disk.
    pub(crate) fn usage(&self) -> (usize, u64) {
        let segments = self.segments.lock();
        (segments.len(), segments.values().sum())
    }

    /// The oldest segment on disk.
    pub(crate) fn oldest_segment(&self) -> Option<u32> {
        self.segments.lock().keys().next().copied()
    }
}
