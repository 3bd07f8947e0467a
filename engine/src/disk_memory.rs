//! A disk in memory, for tests and for the simulator. It fails, stops, forgets and tears when told to.
//!
//! What a program wrote and what would survive a power cut are kept apart: a file's bytes become durable by `sync`, a directory's
//! entries by `sync_dir`. [`MemoryDisk::crash`] goes back to what survives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use helenus_model::rng::Rng;
use parking_lot::Mutex;

use crate::disk::{Disk, DiskError, DiskErrorKind, DiskFile, DiskResult};

/// Bytes that a device writes as a whole.
const SECTOR: usize = 512;

/// A directory tree in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    files: BTreeMap<String, Arc<MemoryFile>>,
    /// The entries that survive a power cut.
    durable: BTreeMap<String, Arc<MemoryFile>>,
    directories: BTreeSet<String>,
    faults: Faults,
    operations: u64,
    /// Set by the operation that killed the process; every later one fails, too.
    killed: bool,
    reads: u64,
}

/// What goes wrong, and when. Operations that change something (create, write, set length, rename, remove, link, sync of a file
/// or directory) are counted from 0; see [`MemoryDisk::operations`].
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// The process is killed at this operation: it is not done (a write: its first half is), and nothing works until
    /// [`MemoryDisk::crash`].
    pub kill_at: Option<u64>,
    /// These operations fail with an error of this kind; the others go on.
    pub fail_at: BTreeMap<u64, DiskErrorKind>,
    /// One in so many calls of `try_read_at` finds nothing in memory; 0 for none.
    pub cold_reads_every: u64,
    /// Bytes that fit on the disk; None for no limit.
    pub capacity_bytes: Option<u64>,
}

#[derive(Debug)]
struct MemoryFile {
    path: String,
    content: Mutex<Content>,
}

/// A file with the disk it lies on. The disk has its files, so a file of its own must not have the disk: neither would ever end.
#[derive(Debug)]
struct OpenFile {
    file: Arc<MemoryFile>,
    shared: Arc<Mutex<Shared>>,
}

impl std::ops::Deref for OpenFile {
    type Target = MemoryFile;

    fn deref(&self) -> &MemoryFile {
        &self.file
    }
}

#[derive(Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    /// Lowest offset that may differ between the two.
    changed_from: usize,
}

/// What a counted operation is to do.
enum Verdict {
    Go,
    Killed,
}

fn failure(operation: &'static str, path: &str, kind: DiskErrorKind, message: &str) -> DiskError {
    DiskError { operation, path: path.to_owned(), message: message.to_owned(), kind }
}

impl Shared {
    /// Counts an operation and lets it go, fail or be the last.
    fn count(&mut self, operation: &'static str, path: &str) -> DiskResult<Verdict> {
        if self.killed {
            return Err(failure(operation, path, DiskErrorKind::Other, "the process was killed"));
        }
        let number = self.operations;
        self.operations += 1;
        if self.faults.kill_at == Some(number) {
            self.killed = true;
            return Ok(Verdict::Killed);
        }
        match self.faults.fail_at.get(&number) {
            Some(kind) => Err(failure(operation, path, *kind, "injected")),
            None => Ok(Verdict::Go),
        }
    }

    fn counted(&mut self, operation: &'static str, path: &str) -> DiskResult<()> {
        match self.count(operation, path)? {
            Verdict::Go => Ok(()),
            Verdict::Killed => Err(failure(operation, path, DiskErrorKind::Other, "the process was killed")),
        }
    }

    fn used_bytes(&self) -> u64 {
        self.files.values().map(|file| file.content.lock().bytes.len() as u64).sum()
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

fn new_file(path: &str, content: Content) -> Arc<MemoryFile> {
    Arc::new(MemoryFile { path: path.to_owned(), content: Mutex::new(content) })
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> Self {
        MemoryDisk::default()
    }

    /// Paths of all files, sorted.
    pub fn files(&self) -> Vec<String> {
        self.shared.lock().files.keys().cloned().collect()
    }

    /// A file's content.
    pub fn content(&self, path: &str) -> Option<Vec<u8>> {
        let file = self.shared.lock().files.get(path).cloned()?;
        let content = file.content.lock();
        Some(content.bytes.clone())
    }

    /// Replaces or makes a file's content, durably, as damage or a foreign program does.
    pub fn put(&self, path: &str, bytes: Vec<u8>) {
        let content = Content { durable: bytes.clone(), changed_from: bytes.len(), bytes };
        let file = new_file(path, content);
        let mut shared = self.shared.lock();
        shared.files.insert(path.to_owned(), Arc::clone(&file));
        shared.durable.insert(path.to_owned(), file);
    }

    /// Sets what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.lock().faults = faults;
    }

    /// Operations counted so far.
    pub fn operations(&self) -> u64 {
        self.shared.lock().operations
    }

    /// A disk with the same files that shares nothing with this one.
    pub fn copy(&self) -> MemoryDisk {
        let copy = MemoryDisk::new();
        let shared = self.shared.lock();
        let twin = |file: &Arc<MemoryFile>| {
            let content = file.content.lock();
            let content = Content {
                bytes: content.bytes.clone(),
                durable: content.durable.clone(),
                changed_from: content.changed_from,
            };
            new_file(&file.path, content)
        };
        let files: BTreeMap<_, _> = shared.files.iter().map(|(path, file)| (path.clone(), twin(file))).collect();
        let durable = shared
            .durable
            .iter()
            .map(|(path, file)| match (shared.files.get(path), files.get(path)) {
                (Some(current), Some(twin)) if Arc::ptr_eq(current, file) => (path.clone(), Arc::clone(twin)),
                _ => (path.clone(), twin(file)),
            })
            .collect();
        let directories = shared.directories.clone();
        drop(shared);
        let mut inner = copy.shared.lock();
        inner.files = files;
        inner.durable = durable;
        inner.directories = directories;
        drop(inner);
        copy
    }

    /// Ends the process that used the disk. Killed, it loses nothing it wrote. With the power cut, every directory entry that was
    /// not synced is there or not by chance, and of the bytes that were not synced any part may be missing: appended bytes from some
    /// point on, overwritten ones sector by sector. Faults are cleared; files opened before must not be used any more.
    pub fn crash(&self, power_cut: bool, rng: &mut Rng) {
        let mut shared = self.shared.lock();
        shared.faults = Faults::default();
        shared.killed = false;
        if power_cut {
            let paths: BTreeSet<String> = shared.files.keys().chain(shared.durable.keys()).cloned().collect();
            let mut survivors = BTreeMap::new();
            for path in paths {
                let (new, old) = (shared.files.get(&path), shared.durable.get(&path));
                let same = matches!((new, old), (Some(a), Some(b)) if Arc::ptr_eq(a, b));
                let kept = if same || rng.chance(50) { new } else { old };
                if let Some(file) = kept {
                    survivors.insert(path, Arc::clone(file));
                }
            }
            shared.files = survivors;
        }
        let old = std::mem::take(&mut shared.files);
        let mut renewed = BTreeMap::new();
        for (path, file) in old {
            let content = file.content.lock();
            let bytes = if power_cut { content.after_power_cut(rng) } else { content.bytes.clone() };
            let content = Content { durable: bytes.clone(), changed_from: bytes.len(), bytes };
            renewed.insert(path.clone(), new_file(&path, content));
        }
        shared.durable = renewed.clone();
        shared.files = renewed;
    }

    fn opened(&self, file: Arc<MemoryFile>) -> Arc<dyn DiskFile> {
        Arc::new(OpenFile { file, shared: Arc::clone(&self.shared) })
    }
}

impl Content {
    fn after_power_cut(&self, rng: &mut Rng) -> Vec<u8> {
        if self.changed_from >= self.bytes.len() && self.bytes.len() == self.durable.len() {
            return self.bytes.clone();
        }
        let (short, long) = (self.durable.len().min(self.bytes.len()), self.durable.len().max(self.bytes.len()));
        let mut out = self.durable[..short].to_vec();
        for start in (0..short).step_by(SECTOR) {
            let end = (start + SECTOR).min(short);
            if end > self.changed_from && rng.chance(50) {
                out[start..end].copy_from_slice(&self.bytes[start..end]);
            }
        }
        let longer = if self.bytes.len() > self.durable.len() { &self.bytes } else { &self.durable };
        let keep = rng.between(short as u64, long as u64) as usize;
        out.extend_from_slice(&longer[short..keep]);
        if rng.chance(25) {
            // The length was made durable before the bytes: zeros.
            out.resize(rng.between(keep as u64, long as u64) as usize, 0);
        }
        out
    }
}

impl Disk for MemoryDisk {
    fn create(&self, path: &str) -> DiskResult<Arc<dyn DiskFile>> {
        let mut shared = self.shared.lock();
        shared.counted("create", path)?;
        if shared.files.contains_key(path) {
            return Err(failure("create", path, DiskErrorKind::Other, "file exists"));
        }
        let file = new_file(path, Content::default());
        shared.files.insert(path.to_owned(), Arc::clone(&file));
        drop(shared);
        Ok(self.opened(file))
    }

    fn open(&self, path: &str) -> DiskResult<Arc<dyn DiskFile>> {
        match self.shared.lock().files.get(path) {
            Some(file) => Ok(self.opened(Arc::clone(file))),
            None => Err(failure("open", path, DiskErrorKind::NotFound, "no such file")),
        }
    }

    fn rename(&self, from: &str, to: &str) -> DiskResult<()> {
        let mut shared = self.shared.lock();
        shared.counted("rename", from)?;
        match shared.files.remove(from) {
            Some(file) => {
                shared.files.insert(to.to_owned(), file);
                Ok(())
            }
            None => Err(failure("rename", from, DiskErrorKind::NotFound, "no such file")),
        }
    }

    fn remove(&self, path: &str) -> DiskResult<()> {
        let mut shared = self.shared.lock();
        shared.counted("remove", path)?;
        if shared.files.remove(path).is_some() {
            return Ok(());
        }
        let path = path.trim_end_matches('/');
        let inside = format!("{path}/");
        if shared.files.keys().chain(&shared.directories).any(|known| known.starts_with(&inside)) {
            return Err(failure("remove", path, DiskErrorKind::Other, "the directory is not empty"));
        }
        if shared.directories.remove(path) {
            return Ok(());
        }
        Err(failure("remove", path, DiskErrorKind::NotFound, "no such file"))
    }

    fn link(&self, from: &str, to: &str) -> DiskResult<()> {
        let mut shared = self.shared.lock();
        shared.counted("link", to)?;
        let Some(file) = shared.files.get(from).cloned() else {
            return Err(failure("link", from, DiskErrorKind::NotFound, "no such file"));
        };
        if shared.files.contains_key(to) {
            return Err(failure("link", to, DiskErrorKind::Other, "file exists"));
        }
        shared.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn create_dir(&self, path: &str) -> DiskResult<()> {
        let path = path.trim_end_matches('/');
        let mut shared = self.shared.lock();
        for (at, _) in path.match_indices('/').filter(|(at, _)| *at > 0) {
            shared.directories.insert(path[..at].to_owned());
        }
        shared.directories.insert(path.to_owned());
        Ok(())
    }

    fn list(&self, path: &str) -> DiskResult<Vec<String>> {
        let path = path.trim_end_matches('/');
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let shared = self.shared.lock();
        let mut names = BTreeSet::new();
        for known in shared.files.keys() {
            if let Some(rest) = known.strip_prefix(&prefix) {
                names.insert(
                    rest.split_once('/').map_or_else(|| rest.to_owned(), |(directory, _)| format!("{directory}/")),
                );
            }
        }
        for known in &shared.directories {
            if let Some(rest) = known.strip_prefix(&prefix)
                && !rest.is_empty()
            {
                names.insert(format!("{}/", rest.split('/').next().unwrap_or(rest)));
            }
        }
        if names.is_empty() && !path.is_empty() && !shared.directories.contains(path) {
            return Err(failure("list", path, DiskErrorKind::NotFound, "no such directory"));
        }
        Ok(names.into_iter().collect())
    }

    fn sync_dir(&self, path: &str) -> DiskResult<()> {
        let path = path.trim_end_matches('/');
        let mut shared = self.shared.lock();
        shared.counted("sync directory", path)?;
        shared.durable.retain(|known, _| parent(known) != path);
        let entries: Vec<_> = shared
            .files
            .iter()
            .filter(|(known, _)| parent(known) == path)
            .map(|(known, file)| (known.clone(), Arc::clone(file)))
            .collect();
        shared.durable.extend(entries);
        Ok(())
    }

    fn free_bytes(&self) -> DiskResult<u64> {
        let shared = self.shared.lock();
        Ok(shared.faults.capacity_bytes.map_or(1 << 40, |capacity| capacity.saturating_sub(shared.used_bytes())))
    }
}

impl MemoryFile {
    fn put(&self, start: usize, bytes: &[u8]) {
        let mut content = self.content.lock();
        let end = start + bytes.len();
        content.changed_from = content.changed_from.min(start).min(content.bytes.len());
        if content.bytes.len() < end {
            content.bytes.resize(end, 0);
        }
        content.bytes[start..end].copy_from_slice(bytes);
    }
}

impl DiskFile for OpenFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> DiskResult<()> {
        let start = offset as usize;
        let mut shared = self.shared.lock();
        let verdict = shared.count("write", &self.path)?;
        if let Some(capacity) = shared.faults.capacity_bytes {
            let grows = (start + bytes.len()).saturating_sub(self.content.lock().bytes.len()) as u64;
            if shared.used_bytes() + grows > capacity {
                return Err(failure("write", &self.path, DiskErrorKind::Full, "no space is left"));
            }
        }
        drop(shared);
        match verdict {
            Verdict::Go => {
                self.put(start, bytes);
                Ok(())
            }
            Verdict::Killed => {
                self.put(start, &bytes[..bytes.len() / 2]);
                Err(failure("write", &self.path, DiskErrorKind::Other, "the process was killed"))
            }
        }
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> DiskResult<()> {
        let content = self.content.lock();
        let start = usize::try_from(offset).ok();
        let found = start.and_then(|start| content.bytes.get(start..start.checked_add(into.len())?));
        match found {
            Some(bytes) => {
                into.copy_from_slice(bytes);
                Ok(())
            }
            None => Err(failure("read", &self.path, DiskErrorKind::Other, "the file is shorter")),
        }
    }

    fn try_read_at(&self, offset: u64, into: &mut [u8]) -> DiskResult<bool> {
        let mut shared = self.shared.lock();
        shared.reads += 1;
        if shared.faults.cold_reads_every != 0 && shared.reads.is_multiple_of(shared.faults.cold_reads_every) {
            return Ok(false);
        }
        drop(shared);
        self.read_at(offset, into)?;
        Ok(true)
    }

    fn sync(&self) -> DiskResult<()> {
        self.shared.lock().counted("sync", &self.path)?;
        let mut guard = self.content.lock();
        let Content { bytes, durable, changed_from } = &mut *guard;
        durable.truncate(*changed_from);
        let from = durable.len();
        durable.extend_from_slice(&bytes[from.min(bytes.len())..]);
        *changed_from = bytes.len();
        Ok(())
    }

    fn len(&self) -> DiskResult<u64> {
        Ok(self.content.lock().bytes.len() as u64)
    }

    fn set_len(&self, len: u64) -> DiskResult<()> {
        self.shared.lock().counted("set length of", &self.path)?;
        let mut content = self.content.lock();
        let len = len as usize;
        content.changed_from = content.changed_from.min(len).min(content.bytes.len());
        content.bytes.resize(len, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_ends_with_its_last_user() {
        let disk = MemoryDisk::new();
        let file = disk.create("a").expect("an empty disk");
        disk.put("b", b"content".to_vec());
        let (copy, shared) = (disk.copy(), Arc::downgrade(&disk.shared));
        drop(disk);
        assert!(shared.upgrade().is_some(), "an open file keeps its disk");
        drop(file);
        assert!(shared.upgrade().is_none());
        assert_eq!(copy.files(), ["a", "b"]);
    }

    fn written(disk: &MemoryDisk, path: &str) -> Arc<dyn DiskFile> {
        let file = disk.create(path).expect("created");
        file.write_at(0, b"first").expect("written");
        file
    }

    #[test]
    fn a_power_cut_keeps_what_was_synced_and_a_kill_keeps_all() {
        let mut seen = BTreeSet::new();
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            let disk = MemoryDisk::new();
            let file = written(&disk, "d/a");
            file.sync().expect("synced");
            disk.sync_dir("d").expect("synced");
            file.write_at(5, b"second").expect("written");
            written(&disk, "d/unsynced");
            disk.crash(false, &mut rng);
            assert_eq!(disk.content("d/a").as_deref(), Some(&b"firstsecond"[..]));
            assert!(disk.content("d/unsynced").is_some());

            let disk = MemoryDisk::new();
            let file = written(&disk, "d/a");
            file.sync().expect("synced");
            disk.sync_dir("d").expect("synced");
            file.write_at(5, b"second").expect("written");
            written(&disk, "d/unsynced");
            disk.crash(true, &mut rng);
            let content = disk.content("d/a").expect("its entry was synced");
            assert!(content.starts_with(b"first") && content.len() <= 11);
            seen.insert((content.len(), disk.content("d/unsynced").is_some()));
        }
        assert!(seen.len() > 8, "all lengths and both fates occur: {seen:?}");
    }

    #[test]
    fn the_nth_operation_fails_or_kills() {
        let disk = MemoryDisk::new();
        let file = written(&disk, "a");
        disk.set_faults(Faults { fail_at: BTreeMap::from([(2, DiskErrorKind::Full)]), ..Faults::default() });
        assert_eq!(file.sync().map_err(|error| error.kind), Err(DiskErrorKind::Full));
        assert!(file.sync().is_ok());
        disk.set_faults(Faults { kill_at: Some(4), ..Faults::default() });
        assert!(file.write_at(0, b"FIRST").is_err());
        assert!(disk.rename("a", "b").is_err());
        disk.crash(false, &mut Rng::new(1));
        assert_eq!(disk.content("a").as_deref(), Some(&b"FIrst"[..]));
    }

    #[test]
    fn a_full_disk_says_so() {
        let disk = MemoryDisk::new();
        disk.set_faults(Faults { capacity_bytes: Some(8), ..Faults::default() });
        let file = written(&disk, "a");
        assert_eq!(file.write_at(5, b"second").map_err(|error| error.kind), Err(DiskErrorKind::Full));
        assert_eq!(disk.free_bytes().expect("known"), 3);
    }
}
