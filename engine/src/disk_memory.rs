//! A disk in memory, for tests: files are byte vectors, nothing fails and nothing is ever lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use crate::disk::{Disk, DiskError, DiskErrorKind, DiskFile, DiskResult};

/// A directory tree in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    tree: Arc<Mutex<Tree>>,
}

#[derive(Debug, Default)]
struct Tree {
    files: BTreeMap<String, Arc<MemoryFile>>,
    directories: BTreeSet<String>,
}

#[derive(Debug)]
struct MemoryFile {
    path: String,
    bytes: RwLock<Vec<u8>>,
}

fn failure(operation: &'static str, path: &str, kind: DiskErrorKind, message: &str) -> DiskError {
    DiskError { operation, path: path.to_owned(), message: message.to_owned(), kind }
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> Self {
        MemoryDisk::default()
    }

    /// Paths of all files, sorted.
    pub fn files(&self) -> Vec<String> {
        self.tree.lock().files.keys().cloned().collect()
    }

    /// A file's content.
    pub fn content(&self, path: &str) -> Option<Vec<u8>> {
        self.tree.lock().files.get(path).map(|file| file.bytes.read().clone())
    }

    /// Replaces or makes a file's content, as damage or a foreign program does.
    pub fn put(&self, path: &str, bytes: Vec<u8>) {
        let file = Arc::new(MemoryFile { path: path.to_owned(), bytes: RwLock::new(bytes) });
        self.tree.lock().files.insert(path.to_owned(), file);
    }

    fn file(&self, operation: &'static str, path: &str) -> DiskResult<Arc<MemoryFile>> {
        let tree = self.tree.lock();
        tree.files.get(path).cloned().ok_or_else(|| failure(operation, path, DiskErrorKind::NotFound, "no such file"))
    }
}

impl Disk for MemoryDisk {
    fn create(&self, path: &str) -> DiskResult<Arc<dyn DiskFile>> {
        let mut tree = self.tree.lock();
        if tree.files.contains_key(path) {
            return Err(failure("create", path, DiskErrorKind::Other, "file exists"));
        }
        let file = Arc::new(MemoryFile { path: path.to_owned(), bytes: RwLock::default() });
        tree.files.insert(path.to_owned(), file.clone());
        Ok(file)
    }

    fn open(&self, path: &str) -> DiskResult<Arc<dyn DiskFile>> {
        Ok(self.file("open", path)?)
    }

    fn rename(&self, from: &str, to: &str) -> DiskResult<()> {
        let mut tree = self.tree.lock();
        match tree.files.remove(from) {
            Some(file) => {
                tree.files.insert(to.to_owned(), file);
                Ok(())
            }
            None => Err(failure("rename", from, DiskErrorKind::NotFound, "no such file")),
        }
    }

    fn remove(&self, path: &str) -> DiskResult<()> {
        let mut tree = self.tree.lock();
        if tree.files.remove(path).is_some() || tree.directories.remove(path.trim_end_matches('/')) {
            return Ok(());
        }
        Err(failure("remove", path, DiskErrorKind::NotFound, "no such file"))
    }

    fn link(&self, from: &str, to: &str) -> DiskResult<()> {
        let file = self.file("link", from)?;
        let mut tree = self.tree.lock();
        if tree.files.contains_key(to) {
            return Err(failure("link", to, DiskErrorKind::Other, "file exists"));
        }
        tree.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn create_dir(&self, path: &str) -> DiskResult<()> {
        let path = path.trim_end_matches('/');
        let mut tree = self.tree.lock();
        for (at, _) in path.match_indices('/').filter(|(at, _)| *at > 0) {
            tree.directories.insert(path[..at].to_owned());
        }
        tree.directories.insert(path.to_owned());
        Ok(())
    }

    fn list(&self, path: &str) -> DiskResult<Vec<String>> {
        let path = path.trim_end_matches('/');
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let tree = self.tree.lock();
        let mut names = BTreeSet::new();
        for known in tree.files.keys() {
            if let Some(rest) = known.strip_prefix(&prefix) {
                names.insert(rest.split_once('/').map_or_else(|| rest.to_owned(), |(directory, _)| format!("{directory}/")));
            }
        }
        for known in &tree.directories {
            if let Some(rest) = known.strip_prefix(&prefix)
                && !rest.is_empty()
            {
                names.insert(format!("{}/", rest.split('/').next().unwrap_or(rest)));
            }
        }
        if names.is_empty() && !path.is_empty() && !tree.directories.contains(path) {
            return Err(failure("list", path, DiskErrorKind::NotFound, "no such directory"));
        }
        Ok(names.into_iter().collect())
    }

    fn sync_dir(&self, _path: &str) -> DiskResult<()> {
        Ok(())
    }

    fn free_bytes(&self) -> DiskResult<u64> {
        Ok(1 << 40)
    }
}

impl DiskFile for MemoryFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> DiskResult<()> {
        let mut content = self.bytes.write();
        let start = offset as usize;
        let end = start + bytes.len();
        if content.len() < end {
            content.resize(end, 0);
        }
        content[start..end].copy_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> DiskResult<()> {
        let content = self.bytes.read();
        let found = usize::try_from(offset).ok().and_then(|start| content.get(start..start.checked_add(into.len())?));
        match found {
            Some(bytes) => {
                into.copy_from_slice(bytes);
                Ok(())
            }
            None => Err(failure("read", &self.path, DiskErrorKind::Other, "the file is shorter")),
        }
    }

    fn try_read_at(&self, offset: u64, into: &mut [u8]) -> DiskResult<bool> {
        self.read_at(offset, into)?;
        Ok(true)
    }

    fn sync(&self) -> DiskResult<()> {
        Ok(())
    }

    fn len(&self) -> DiskResult<u64> {
        Ok(self.bytes.read().len() as u64)
    }

    fn set_len(&self, len: u64) -> DiskResult<()> {
        self.bytes.write().resize(len as usize, 0);
        Ok(())
    }
}
