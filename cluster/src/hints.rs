//! Hints: writes that a node missed, kept by a coordinator until the node is back.
//!
//! One run of files a host, `hints/<host id>-<number>.hints`, each a run of records
//!
//! ```text
//! record := length u32, CRC32 u32 of the length, body, CRC32 u32 of the body
//! body   := written at i64 (ms since the epoch), mutation
//! ```
//!
//! 1. A coordinator appends to a buffer; the batch's [`HintStore::flush`] gives it to the kernel with one write a host.
//! 2. When a host is up again its file is sealed, read from the start, and every hint sent; the file is removed when all its
//!    hints are acknowledged. Delivery that breaks off starts the file again: a mutation may be applied twice without harm.
//! 3. A damaged record ends its file: what stands before it is delivered, the rest is counted and given up (RELIABILITY 2.27),
//!    for anti-entropy to mend. A torn tail is what a power cut leaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use helenus_engine::disk::{Disk, DiskErrorKind, DiskFile, DiskResult};
use helenus_model::codec::Reader;
use parking_lot::Mutex;
use uuid::Uuid;

/// A file is sealed when it is this long, bytes.
pub const HINTS_FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Directory of the hints in the data directory.
pub const HINTS_DIRECTORY: &str = "hints";

const RECORD_OVERHEAD: usize = 12;

/// All hints of this node.
#[derive(Debug)]
pub struct HintStore {
    disk: Arc<dyn Disk>,
    hosts: Mutex<BTreeMap<Uuid, HostHints>>,
}

#[derive(Debug, Default)]
struct HostHints {
    /// Complete files, by number, oldest first.
    sealed: Vec<u64>,
    /// The file being written.
    open: Option<OpenFile>,
    /// Records that no file has yet.
    buffer: Vec<u8>,
    next_number: u64,
    oldest_millis: i64,
    newest_millis: i64,
    count: u64,
}

#[derive(Debug)]
struct OpenFile {
    number: u64,
    file: Arc<dyn DiskFile>,
    len: u64,
}

/// What waits for one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingHints {
    /// The host.
    pub host: Uuid,
    /// Files with hints for it.
    pub files: usize,
    /// Hints written since the start; those found on disk count as at least one a file.
    pub hints: u64,
    /// When the oldest was written, ms since the epoch; 0 when not known.
    pub oldest_millis: i64,
    /// When the newest was written.
    pub newest_millis: i64,
}

/// A hint read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// When it was written, ms since the epoch.
    pub written_millis: i64,
    /// The mutation's bytes; not validated yet.
    pub mutation: Vec<u8>,
}

fn path(host: Uuid, number: u64) -> String {
    format!("{HINTS_DIRECTORY}/{host}-{number}.hints")
}

fn parse_name(name: &str) -> Option<(Uuid, u64)> {
    let (host, number) = name.strip_suffix(".hints")?.rsplit_once('-')?;
    Some((Uuid::try_parse(host).ok()?, number.parse().ok()?))
}

impl HintStore {
    /// Finds the hints of earlier runs.
    pub fn open(disk: Arc<dyn Disk>) -> DiskResult<Self> {
        disk.create_dir(HINTS_DIRECTORY)?;
        let mut hosts: BTreeMap<Uuid, HostHints> = BTreeMap::new();
        for name in disk.list(HINTS_DIRECTORY)? {
            if let Some((host, number)) = parse_name(&name) {
                let hints = hosts.entry(host).or_default();
                hints.sealed.push(number);
                hints.next_number = hints.next_number.max(number + 1);
                hints.count += 1;
            }
        }
        hosts.values_mut().for_each(|hints| hints.sealed.sort_unstable());
        Ok(HintStore { disk, hosts: Mutex::new(hosts) })
    }

    /// Keeps a hint; [`HintStore::flush`] hands it to the kernel.
    pub fn write(&self, host: Uuid, now_millis: i64, mutation: &[u8]) {
        let mut hosts = self.hosts.lock();
        let hints = hosts.entry(host).or_default();
        let length = (8 + mutation.len()) as u32;
        hints.buffer.extend_from_slice(&length.to_be_bytes());
        hints.buffer.extend_from_slice(&crc32fast::hash(&length.to_be_bytes()).to_be_bytes());
        let body = hints.buffer.len();
        hints.buffer.extend_from_slice(&now_millis.to_be_bytes());
        hints.buffer.extend_from_slice(mutation);
        let checksum = crc32fast::hash(&hints.buffer[body..]);
        hints.buffer.extend_from_slice(&checksum.to_be_bytes());
        hints.count += 1;
        hints.newest_millis = now_millis;
        if hints.oldest_millis == 0 {
            hints.oldest_millis = now_millis;
        }
    }

    /// Gives everything kept to the kernel.
    pub fn flush(&self) -> DiskResult<()> {
        let mut hosts = self.hosts.lock();
        for (host, hints) in hosts.iter_mut() {
            if !hints.buffer.is_empty() {
                self.flush_host(*host, hints)?;
            }
        }
        Ok(())
    }

    fn flush_host(&self, host: Uuid, hints: &mut HostHints) -> DiskResult<()> {
        if hints.open.is_none() {
            let number = hints.next_number;
            hints.next_number += 1;
            let file = self.disk.create(&path(host, number))?;
            self.disk.sync_dir(HINTS_DIRECTORY)?;
            hints.open = Some(OpenFile { number, file, len: 0 });
        }
        let Some(open) = &mut hints.open else { return Ok(()) };
        open.file.write_at(open.len, &hints.buffer)?;
        open.len += hints.buffer.len() as u64;
        hints.buffer.clear();
        if open.len >= HINTS_FILE_BYTES_MAX {
            Self::seal(hints)?;
        }
        Ok(())
    }

    fn seal(hints: &mut HostHints) -> DiskResult<()> {
        if let Some(open) = hints.open.take() {
            open.file.sync()?;
            hints.sealed.push(open.number);
        }
        Ok(())
    }

    /// The oldest file for `host`, to be delivered; the file being written is sealed first. None: nothing waits.
    pub fn next_file(&self, host: Uuid) -> DiskResult<Option<u64>> {
        let mut hosts = self.hosts.lock();
        let Some(hints) = hosts.get_mut(&host) else { return Ok(None) };
        if !hints.buffer.is_empty() {
            self.flush_host(host, hints)?;
        }
        Self::seal(hints)?;
        Ok(hints.sealed.first().copied())
    }

    /// Reads a sealed file. The flag is false when it ends in damage.
    pub fn read_file(&self, host: Uuid, number: u64) -> DiskResult<(Vec<Hint>, bool)> {
        let file = match self.disk.open(&path(host, number)) {
            Err(error) if error.kind == DiskErrorKind::NotFound => return Ok((Vec::new(), false)),
            file => file?,
        };
        let mut bytes = vec![0; file.len()? as usize];
        file.read_at(0, &mut bytes)?;
        Ok(parse(&bytes))
    }

    /// Forgets a file whose hints were all delivered.
    pub fn remove_file(&self, host: Uuid, number: u64) -> DiskResult<()> {
        let mut hosts = self.hosts.lock();
        if let Some(hints) = hosts.get_mut(&host) {
            hints.sealed.retain(|sealed| *sealed != number);
            if hints.sealed.is_empty() && hints.open.is_none() && hints.buffer.is_empty() {
                hints.count = 0;
                hints.oldest_millis = 0;
            }
        }
        match self.disk.remove(&path(host, number)) {
            Err(error) if error.kind == DiskErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// True when hints wait for `host`.
    pub fn has_hints(&self, host: Uuid) -> bool {
        let hosts = self.hosts.lock();
        hosts.get(&host).is_some_and(|h| !h.sealed.is_empty() || h.open.is_some() || !h.buffer.is_empty())
    }

    /// What waits, by host.
    pub fn pending(&self) -> Vec<PendingHints> {
        let hosts = self.hosts.lock();
        let files = |h: &HostHints| h.sealed.len() + usize::from(h.open.is_some() || !h.buffer.is_empty());
        hosts
            .iter()
            .filter(|(_, h)| files(h) > 0)
            .map(|(host, h)| PendingHints {
                host: *host,
                files: files(h),
                hints: h.count,
                oldest_millis: h.oldest_millis,
                newest_millis: h.newest_millis,
            })
            .collect()
    }
}

fn parse(bytes: &[u8]) -> (Vec<Hint>, bool) {
    let mut reader = Reader::new(bytes);
    let mut hints = Vec::new();
    while !reader.is_empty() {
        match parse_record(&mut reader) {
            Some(hint) => hints.push(hint),
            None => return (hints, false),
        }
    }
    (hints, true)
}

fn parse_record(reader: &mut Reader<'_>) -> Option<Hint> {
    let length = reader.u32().ok()?;
    if reader.u32().ok()? != crc32fast::hash(&length.to_be_bytes()) || length < 8 {
        return None;
    }
    if reader.remaining() < length as usize + RECORD_OVERHEAD - 8 {
        return None;
    }
    let body = reader.take(length as usize).ok()?;
    if reader.u32().ok()? != crc32fast::hash(body) {
        return None;
    }
    let mut body = Reader::new(body);
    Some(Hint { written_millis: body.i64().ok()?, mutation: body.rest().to_vec() })
}
