//! The engine's disk over the operating system's files.
//!
//! Paths below `data/`, `commitlog/` and `hints/` go to the directories that `cassandra.yaml` names for them, all others to the base
//! directory. Nothing is retried but what a signal interrupted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use helenus_engine::disk::{Disk, DiskError, DiskErrorKind, DiskFile, DiskResult};
use rustix::io::{Errno, ReadWriteFlags};

/// Where each part of a node's files lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskLayout {
    /// What has no directory of its own.
    pub base: PathBuf,
    /// `data_file_directories`
    pub data: PathBuf,
    /// `commitlog_directory`
    pub commitlog: PathBuf,
    /// `hints_directory`
    pub hints: PathBuf,
}

impl DiskLayout {
    /// Everything below one directory, under Cassandra's own names.
    pub fn below(base: &Path) -> Self {
        DiskLayout {
            base: base.to_owned(),
            data: base.join("data"),
            commitlog: base.join("commitlog"),
            hints: base.join("hints"),
        }
    }
}

/// The real disk.
#[derive(Debug)]
pub struct RealDisk {
    layout: DiskLayout,
}

impl RealDisk {
    /// Makes the directories, if they are not there.
    ///
    /// # Errors
    /// One cannot be made.
    pub fn new(layout: DiskLayout) -> DiskResult<Self> {
        for directory in [&layout.base, &layout.data, &layout.commitlog, &layout.hints] {
            fs::create_dir_all(directory).map_err(|error| refused("create directory", directory, &error))?;
        }
        Ok(RealDisk { layout })
    }

    fn path(&self, path: &str) -> PathBuf {
        let (head, rest) = path.split_once('/').unwrap_or((path, ""));
        let root = match head {
            "data" => &self.layout.data,
            "commitlog" => &self.layout.commitlog,
            "hints" => &self.layout.hints,
            "" => return self.layout.base.clone(),
            _ => return self.layout.base.join(path),
        };
        if rest.is_empty() { root.clone() } else { root.join(rest) }
    }
}

/// An error in the engine's form, with the path as an operator would type it.
pub(crate) fn refused(operation: &'static str, path: &Path, error: &io::Error) -> DiskError {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => DiskErrorKind::NotFound,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DiskErrorKind::Full,
        _ => DiskErrorKind::Other,
    };
    DiskError { operation, path: path.display().to_string(), message: words(error), kind }
}

/// The operating system's words without its number.
pub(crate) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

impl Disk for RealDisk {
    fn create(&self, path: &str) -> DiskResult<Arc<dyn DiskFile>> {
        let path = self.path(path);
        let opened = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
        let file = opened.map_err(|error| refused("create", &path, &error))?;
        Ok(Arc::new(RealFile::new(file, path)))
    }

    fn open(&self, path: &str) -> DiskResult<Arc<dyn DiskFile>> {
        let path = self.path(path);
        let opened = OpenOptions::new().read(true).write(true).open(&path);
        let file = opened.map_err(|error| refused("open", &path, &error))?;
        Ok(Arc::new(RealFile::new(file, path)))
    }

    fn rename(&self, from: &str, to: &str) -> DiskResult<()> {
        let (from, to) = (self.path(from), self.path(to));
        fs::rename(&from, &to).map_err(|error| refused("rename", &from, &error))
    }

    fn remove(&self, path: &str) -> DiskResult<()> {
        let path = self.path(path);
        let removed = match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir(&path),
            Ok(_) => fs::remove_file(&path),
            Err(error) => Err(error),
        };
        removed.map_err(|error| refused("remove", &path, &error))
    }

    fn link(&self, from: &str, to: &str) -> DiskResult<()> {
        let (from, to) = (self.path(from), self.path(to));
        fs::hard_link(&from, &to).map_err(|error| refused("link", &from, &error))
    }

    fn create_dir(&self, path: &str) -> DiskResult<()> {
        let path = self.path(path);
        fs::create_dir_all(&path).map_err(|error| refused("create directory", &path, &error))
    }

    fn list(&self, path: &str) -> DiskResult<Vec<String>> {
        let path = self.path(path);
        let failed = |error: io::Error| refused("list", &path, &error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(mut name) = entry.file_name().into_string() else {
                return Err(failed(io::Error::other("a name that is not UTF-8 does not belong here")));
            };
            if entry.file_type().map_err(failed)?.is_dir() {
                name.push('/');
            }
            names.push(name);
        }
        names.sort_unstable();
        Ok(names)
    }

    fn sync_dir(&self, path: &str) -> DiskResult<()> {
        let path = self.path(path);
        let synced = File::open(&path).and_then(|directory| directory.sync_all());
        synced.map_err(|error| refused("sync directory", &path, &error))
    }

    fn free_bytes(&self) -> DiskResult<u64> {
        let path = &self.layout.data;
        let stat = rustix::fs::statvfs(path).map_err(|error| refused("statvfs", path, &error.into()))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

/// One file.
#[derive(Debug)]
struct RealFile {
    file: File,
    path: PathBuf,
    /// False once the file system has said that it cannot read without waiting: then every read waits.
    can_try: AtomicBool,
}

impl RealFile {
    fn new(file: File, path: PathBuf) -> Self {
        RealFile { file, path, can_try: AtomicBool::new(true) }
    }

    fn refused(&self, operation: &'static str, error: &io::Error) -> DiskError {
        refused(operation, &self.path, error)
    }
}

impl DiskFile for RealFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> DiskResult<()> {
        self.file.write_all_at(bytes, offset).map_err(|error| self.refused("write", &error))
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> DiskResult<()> {
        self.file.read_exact_at(into, offset).map_err(|error| self.refused("read", &error))
    }

    fn try_read_at(&self, offset: u64, into: &mut [u8]) -> DiskResult<bool> {
        if !self.can_try.load(Ordering::Relaxed) {
            return self.read_at(offset, into).map(|()| true);
        }
        let mut done = 0;
        while done < into.len() {
            let slice = &mut [IoSliceMut::new(&mut into[done..])];
            match rustix::io::preadv2(&self.file, slice, offset + done as u64, ReadWriteFlags::NOWAIT) {
                Ok(0) => return Err(self.refused("read", &io::ErrorKind::UnexpectedEof.into())),
                Ok(read) => done += read,
                Err(Errno::AGAIN) => return Ok(false),
                Err(Errno::INTR) => {}
                Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {
                    self.can_try.store(false, Ordering::Relaxed);
                    return self.read_at(offset, into).map(|()| true);
                }
                Err(error) => return Err(self.refused("read", &error.into())),
            }
        }
        Ok(true)
    }

    fn sync(&self) -> DiskResult<()> {
        self.file.sync_data().map_err(|error| self.refused("sync", &error))
    }

    fn len(&self) -> DiskResult<u64> {
        let metadata = self.file.metadata().map_err(|error| self.refused("stat", &error))?;
        Ok(metadata.len())
    }

    fn set_len(&self, len: u64) -> DiskResult<()> {
        self.file.set_len(len).map_err(|error| self.refused("set length of", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    fn disk(folder: &Folder) -> RealDisk {
        RealDisk::new(DiskLayout::below(folder.path())).expect("directories")
    }

    #[test]
    fn files_do_what_the_trait_says() {
        let folder = Folder::new("real-disk-files");
        let disk = disk(&folder);
        disk.create_dir("data/ks/t-1").expect("made");
        disk.create_dir("data/ks/t-1").expect("there already");
        let file = disk.create("data/ks/t-1/a").expect("created");
        assert!(file.is_empty().expect("length"));
        file.write_at(3, b"def").expect("written");
        file.write_at(0, b"abc").expect("written");
        file.sync().expect("synced");
        assert_eq!(file.len().expect("length"), 6);
        let mut bytes = [0; 4];
        file.read_at(1, &mut bytes).expect("read");
        assert_eq!(&bytes, b"bcde");
        let mut bytes = [0; 6];
        if file.try_read_at(0, &mut bytes).expect("read") {
            assert_eq!(&bytes, b"abcdef");
        }
        file.set_len(2).expect("cut");
        let error = file.read_at(0, &mut bytes).expect_err("too short");
        assert_eq!((error.operation, error.kind), ("read", DiskErrorKind::Other));
        assert!(file.try_read_at(0, &mut bytes).is_err(), "too short");
        disk.link("data/ks/t-1/a", "data/ks/t-1/b").expect("linked");
        disk.rename("data/ks/t-1/b", "data/ks/t-1/c").expect("renamed");
        disk.sync_dir("data/ks/t-1").expect("synced");
        assert_eq!(disk.list("data/ks/t-1").expect("list"), ["a", "c"]);
        assert_eq!(disk.list("").expect("list"), ["commitlog/", "data/", "hints/"]);
        disk.remove("data/ks/t-1/a").expect("removed");
        assert_eq!(disk.open("data/ks/t-1/c").expect("open").len().expect("length"), 2);
        disk.remove("data/ks/t-1/c").expect("removed");
        disk.remove("data/ks/t-1").expect("removed");
        assert!(disk.free_bytes().expect("free") > 0);
    }

    #[test]
    fn errors_name_operation_and_path() {
        let folder = Folder::new("real-disk-errors");
        let disk = disk(&folder);
        let check = |result: DiskResult<()>, operation: &str, path: &str, kind: DiskErrorKind| {
            let error = result.expect_err(operation);
            let path = folder.path().join(path).display().to_string();
            assert_eq!((error.operation, error.path.as_str(), error.kind), (operation, path.as_str(), kind), "{error}");
        };
        check(disk.open("data/no").map(|_| ()), "open", "data/no", DiskErrorKind::NotFound);
        check(disk.create("no/file").map(|_| ()), "create", "no/file", DiskErrorKind::NotFound);
        check(disk.remove("manifest"), "remove", "manifest", DiskErrorKind::NotFound);
        check(disk.list("hints/x").map(|_| ()), "list", "hints/x", DiskErrorKind::NotFound);
        check(disk.rename("a", "b"), "rename", "a", DiskErrorKind::NotFound);
        check(disk.link("a", "b"), "link", "a", DiskErrorKind::NotFound);
        check(disk.sync_dir("x"), "sync directory", "x", DiskErrorKind::NotFound);
        disk.create("a").expect("created");
        check(disk.create("a").map(|_| ()), "create", "a", DiskErrorKind::Other);
    }

    #[test]
    fn directories_may_lie_apart() {
        let folder = Folder::new("real-disk-apart");
        let root = folder.path();
        let layout = DiskLayout {
            base: root.join("base"),
            data: root.join("d"),
            commitlog: root.join("log"),
            hints: root.join("h"),
        };
        let disk = RealDisk::new(layout).expect("directories");
        for (path, expected) in [
            ("data/ks/a", "d/ks/a"),
            ("commitlog/1", "log/1"),
            ("hints", "h"),
            ("manifest", "base/manifest"),
            ("metadata/log", "base/metadata/log"),
            ("database", "base/database"),
            ("", "base"),
        ] {
            assert_eq!(disk.path(path), root.join(expected), "{path}");
        }
    }
}
