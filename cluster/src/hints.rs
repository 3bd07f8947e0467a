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
//! 2. [`HintStore::sync`] puts them on the device. It waits, so a task does it: when something must not be done before a hint is
//!    durable (a batch forgotten, a write at ANY acknowledged), and every few seconds. Hints are counted, so that whoever waits
//!    knows when its own are there.
//! 3. When a host is up again its file is sealed, read from the start, and every hint sent; the file is removed when all its
//!    hints are acknowledged. Delivery that breaks off starts the file again: a mutation may be applied twice without harm.
//! 4. A damaged record ends its file: what stands before it is delivered, the rest is counted and given up,
//!    for anti-entropy to mend. A torn tail is what a power cut leaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use helenus_engine::disk::{Disk, DiskError, DiskErrorKind, DiskFile, DiskResult};
use helenus_model::codec::Reader;
use parking_lot::Mutex;
use uuid::Uuid;

/// A file is sealed when it is this long, bytes, or as long as `max_hints_file_size`: it is read whole for its delivery.
const FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Directory of the hints in the data directory.
pub const HINTS_DIRECTORY: &str = "hints";

const RECORD_OVERHEAD: usize = 12;
/// Hints that wait in memory, bytes: they are there for one batch of requests, or for as long as the disk is full.
const BUFFER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// All hints of this node.
#[derive(Debug)]
pub struct HintStore {
    disk: Arc<dyn Disk>,
    file_bytes_max: u64,
    state: Mutex<State>,
    /// Held by the one sync under way; nothing else waits for it.
    syncing: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    hosts: BTreeMap<Uuid, HostHints>,
    /// Hints kept since the start.
    written: u64,
    /// So many of them the kernel has.
    flushed: u64,
    /// So many of them the device has.
    synced: u64,
    /// Sealed files with bytes that the device may not have.
    unsynced: Vec<Arc<dyn DiskFile>>,
    /// Files were made since the directory was synced.
    directory_changed: bool,
    /// The first sync that failed: nobody can tell what the device has of what came before, so every later one fails, too.
    failure: Option<DiskError>,
}

#[derive(Debug, Default)]
struct HostHints {
    /// Complete files, by number, oldest first.
    sealed: Vec<u64>,
    /// Bytes of the complete files.
    sealed_bytes: BTreeMap<u64, u64>,
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
    /// It has bytes that the device may not have.
    dirty: bool,
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
    /// Finds the hints of earlier runs. Files become no longer than `file_bytes_max` and one batch of hints
    /// (`max_hints_file_size`).
    pub fn open(disk: Arc<dyn Disk>, file_bytes_max: u64) -> DiskResult<Self> {
        disk.create_dir(HINTS_DIRECTORY)?;
        let mut hosts: BTreeMap<Uuid, HostHints> = BTreeMap::new();
        for name in disk.list(HINTS_DIRECTORY)? {
            if let Some((host, number)) = parse_name(&name) {
                let hints = hosts.entry(host).or_default();
                hints.sealed.push(number);
                hints.sealed_bytes.insert(number, disk.open(&path(host, number))?.len()?);
                hints.next_number = hints.next_number.max(number + 1);
                hints.count += 1;
            }
        }
        hosts.values_mut().for_each(|hints| hints.sealed.sort_unstable());
        let state = State { hosts, ..State::default() };
        let file_bytes_max = file_bytes_max.min(FILE_BYTES_MAX);
        Ok(HintStore { disk, file_bytes_max, state: Mutex::new(state), syncing: Mutex::default() })
    }

    /// Keeps a hint; [`HintStore::flush`] hands it to the kernel. Returns how many hints were kept since the start, this one
    /// included: the number to compare with [`HintStore::flushed`] and [`HintStore::synced`].
    pub fn write(&self, host: Uuid, now_millis: i64, mutation: &[u8]) -> u64 {
        let mut state = self.state.lock();
        let hints = state.hosts.entry(host).or_default();
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
        state.written += 1;
        state.written
    }

    /// Gives everything kept to the kernel.
    pub fn flush(&self) -> DiskResult<()> {
        self.flush_all(&mut self.state.lock())
    }

    /// So many of the hints kept since the start the kernel has.
    pub fn flushed(&self) -> u64 {
        self.state.lock().flushed
    }

    /// So many of the hints kept since the start the device has.
    pub fn synced(&self) -> u64 {
        self.state.lock().synced
    }

    /// True when the device may lack hints.
    pub fn needs_sync(&self) -> bool {
        let state = self.state.lock();
        state.synced < state.written
    }

    /// Gives everything kept to the device and waits for it; how many hints that are since the start. The first error is final.
    pub fn sync(&self) -> DiskResult<u64> {
        let _one_at_a_time = self.syncing.lock();
        let (files, directory_changed, flushed) = {
            let mut state = self.state.lock();
            if let Some(failure) = &state.failure {
                return Err(failure.clone());
            }
            self.flush_all(&mut state)?;
            let mut files = std::mem::take(&mut state.unsynced);
            for open in state.hosts.values_mut().filter_map(|hints| hints.open.as_mut()) {
                if std::mem::take(&mut open.dirty) {
                    files.push(Arc::clone(&open.file));
                }
            }
            (files, std::mem::take(&mut state.directory_changed), state.flushed)
        };
        let directory = || if directory_changed { self.disk.sync_dir(HINTS_DIRECTORY) } else { Ok(()) };
        let synced = files.iter().try_for_each(|file| file.sync()).and_then(|()| directory());
        let mut state = self.state.lock();
        match synced {
            Ok(()) => {
                state.synced = flushed;
                Ok(flushed)
            }
            Err(error) => {
                state.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    fn flush_all(&self, state: &mut State) -> DiskResult<()> {
        let State { hosts, unsynced, directory_changed, .. } = state;
        for (host, hints) in hosts.iter_mut().filter(|(_, hints)| !hints.buffer.is_empty()) {
            *directory_changed |= hints.open.is_none();
            self.flush_host(*host, hints)?;
            if hints.open.as_ref().is_some_and(|open| open.len >= self.file_bytes_max) {
                seal(hints, unsynced);
            }
        }
        state.flushed = state.written;
        Ok(())
    }

    fn flush_host(&self, host: Uuid, hints: &mut HostHints) -> DiskResult<()> {
        if hints.open.is_none() {
            let number = hints.next_number;
            hints.next_number += 1;
            let file = self.disk.create(&path(host, number))?;
            hints.open = Some(OpenFile { number, file, len: 0, dirty: false });
        }
        let Some(open) = &mut hints.open else { return Ok(()) };
        open.dirty = true;
        open.file.write_at(open.len, &hints.buffer)?;
        open.len += hints.buffer.len() as u64;
        hints.buffer.clear();
        Ok(())
    }

    /// The oldest file for `host`, to be delivered; the file being written is sealed if there is
    /// no other. None: nothing waits.
    pub fn next_file(&self, host: Uuid) -> DiskResult<Option<u64>> {
        let mut state = self.state.lock();
        self.flush_all(&mut state)?;
        let State { hosts, unsynced, .. } = &mut *state;
        let Some(hints) = hosts.get_mut(&host) else { return Ok(None) };
        if hints.sealed.is_empty() {
            seal(hints, unsynced);
        }
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
        let mut state = self.state.lock();
        if let Some(hints) = state.hosts.get_mut(&host) {
            hints.sealed.retain(|sealed| *sealed != number);
            hints.sealed_bytes.remove(&number);
            if hints.sealed.is_empty() && hints.open.is_none() && hints.buffer.is_empty() {
                hints.count = 0;
                hints.oldest_millis = 0;
            }
        }
        drop(state);
        match self.disk.remove(&path(host, number)) {
            Err(error) if error.kind == DiskErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// True when hints wait for `host`.
    pub fn has_hints(&self, host: Uuid) -> bool {
        let state = self.state.lock();
        state.hosts.get(&host).is_some_and(|h| !h.sealed.is_empty() || h.open.is_some() || !h.buffer.is_empty())
    }

    /// False while so much waits in memory, because the disk is full, that no more may be kept.
    pub fn has_room(&self) -> bool {
        self.state.lock().hosts.values().map(|hints| hints.buffer.len()).sum::<usize>() < BUFFER_BYTES_MAX
    }

    /// Bytes of the hints for `host`.
    pub fn bytes(&self, host: Uuid) -> u64 {
        let state = self.state.lock();
        state.hosts.get(&host).map_or(0, |hints| {
            let open = hints.open.as_ref().map_or(0, |open| open.len);
            hints.sealed_bytes.values().sum::<u64>() + open + hints.buffer.len() as u64
        })
    }

    /// What waits, by host.
    pub fn pending(&self) -> Vec<PendingHints> {
        let state = self.state.lock();
        let files = |h: &HostHints| h.sealed.len() + usize::from(h.open.is_some() || !h.buffer.is_empty());
        state
            .hosts
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

/// Ends the file being written.
fn seal(hints: &mut HostHints, unsynced: &mut Vec<Arc<dyn DiskFile>>) {
    if let Some(open) = hints.open.take() {
        hints.sealed.push(open.number);
        hints.sealed_bytes.insert(open.number, open.len);
        if open.dirty {
            unsynced.push(open.file);
        }
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

#[cfg(test)]
mod tests {
    use helenus_engine::disk_memory::{Faults, MemoryDisk};
    use helenus_model::rng::Rng;

    use super::*;

    const HOSTS: [Uuid; 2] = [Uuid::from_u128(1), Uuid::from_u128(2)];

    fn store(disk: &MemoryDisk) -> HintStore {
        HintStore::open(Arc::new(disk.clone()), u64::MAX).expect("opens")
    }

    /// Everything that waits for a host, file by file, as text.
    fn deliver(store: &HintStore, host: Uuid) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(number) = store.next_file(host).expect("sealed") {
            let (hints, _) = store.read_file(host, number).expect("read");
            all.extend(hints.into_iter().map(|hint| String::from_utf8_lossy(&hint.mutation).into_owned()));
            store.remove_file(host, number).expect("removed");
        }
        all
    }

    #[test]
    fn a_kill_keeps_what_was_flushed_and_a_power_cut_what_was_synced() {
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            let disk = MemoryDisk::new();
            let hints = store(&disk);
            for host in HOSTS {
                hints.write(host, 5, b"synced");
            }
            assert!(hints.needs_sync());
            assert_eq!((hints.flushed(), hints.synced()), (0, 0));
            assert_eq!(hints.sync().expect("synced"), 2);
            assert!(!hints.needs_sync());
            assert_eq!(hints.write(HOSTS[0], 6, b"flushed"), 3);
            hints.flush().expect("flushed");
            assert_eq!((hints.flushed(), hints.synced()), (3, 2));
            let power_cut = seed % 2 == 0;
            disk.crash(power_cut, &mut rng);
            let hints = store(&disk);
            assert!(HOSTS.iter().all(|host| hints.has_hints(*host)));
            let first = deliver(&hints, HOSTS[0]);
            assert_eq!(first[0], "synced");
            assert!(first.len() == 2 || power_cut && first.len() == 1, "{first:?}");
            assert_eq!(deliver(&hints, HOSTS[1]), ["synced"]);
            assert_eq!(hints.pending(), []);
        }
    }

    #[test]
    fn a_file_sealed_for_delivery_is_synced_with_the_rest() {
        let disk = MemoryDisk::new();
        let hints = store(&disk);
        hints.write(HOSTS[0], 5, b"one");
        let number = hints.next_file(HOSTS[0]).expect("sealed").expect("a file");
        assert_eq!(hints.write(HOSTS[0], 6, b"two"), 2);
        assert_eq!(hints.next_file(HOSTS[0]).expect("sealed"), Some(number), "one file at a time, the oldest first");
        assert_eq!(hints.sync().expect("synced"), 2);
        disk.crash(true, &mut Rng::new(1));
        assert_eq!(deliver(&store(&disk), HOSTS[0]), ["one", "two"]);
    }

    #[test]
    fn files_are_as_long_as_configured_and_their_bytes_are_known() {
        let disk = MemoryDisk::new();
        let hints = HintStore::open(Arc::new(disk.clone()), 100).expect("opens");
        for _ in 0..10 {
            hints.write(HOSTS[0], 5, &[7; 40]);
            hints.flush().expect("flushed");
        }
        // 60 bytes a record: two fill a file.
        assert_eq!(disk.files().len(), 5, "{:?}", disk.files());
        hints.write(HOSTS[0], 5, &[7; 40]);
        assert_eq!((hints.bytes(HOSTS[0]), hints.bytes(HOSTS[1])), (660, 0));
        hints.flush().expect("flushed");
        let hints = HintStore::open(Arc::new(disk), 100).expect("opens");
        assert_eq!(hints.bytes(HOSTS[0]), 660);
        assert_eq!(deliver(&hints, HOSTS[0]).len(), 11);
        assert_eq!(hints.bytes(HOSTS[0]), 0);
    }

    #[test]
    fn the_first_failed_sync_is_final() {
        let disk = MemoryDisk::new();
        let hints = store(&disk);
        hints.write(HOSTS[0], 5, b"one");
        hints.flush().expect("flushed");
        let fail_at = BTreeMap::from([(disk.operations(), DiskErrorKind::Other)]);
        disk.set_faults(Faults { fail_at, ..Faults::default() });
        assert!(hints.sync().is_err());
        hints.write(HOSTS[0], 5, b"two");
        assert!(hints.sync().is_err(), "nobody can tell what the device has of the first");
        assert_eq!(hints.synced(), 0);
        assert_eq!(deliver(&hints, HOSTS[0]), ["one", "two"], "they are delivered all the same");
    }
}
