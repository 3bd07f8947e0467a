//! The node's hold on its data directory: one process at a time.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use thiserror::Error;

use crate::real_disk::words;

/// File that is locked; it holds the process id of its owner.
const LOCK_FILE: &str = "lock";

/// The data directory cannot be used.
#[derive(Debug, Error)]
pub(crate) enum DirectoryError {
    /// It cannot be made or written.
    #[error("data directory {path}: {message}")]
    Unusable {
        /// The path.
        path: String,
        /// The operating system's words.
        message: String,
    },
    /// Another process has it.
    #[error(
        "data directory {path} is locked by another Helenus process{owner}: stop that one, or choose another --data-dir"
    )]
    Locked {
        /// The path.
        path: String,
        /// Its id in brackets, where it is known.
        owner: String,
    },
}

/// A data directory that no other process uses while this value lives.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Makes the directory if it is not there, and locks it.
    ///
    /// # Errors
    /// It cannot be made or written, or another process has it.
    pub(crate) fn take(path: &Path) -> Result<Self, DirectoryError> {
        let unusable = |error: std::io::Error| DirectoryError::Unusable {
            path: path.display().to_string(),
            message: words(&error),
        };
        std::fs::create_dir_all(path).map_err(unusable)?;
        std::fs::read_dir(path).map_err(unusable)?;
        let lock_path = path.join(LOCK_FILE);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(lock_path);
        let mut lock = opened.map_err(unusable)?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut owner = String::new();
            let _unknown = lock.read_to_string(&mut owner);
            let owner = match owner.trim() {
                "" => String::new(),
                pid => format!(" (pid {pid})"),
            };
            return Err(DirectoryError::Locked { path: path.display().to_string(), owner });
        }
        let written =
            lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| writeln!(lock, "{}", std::process::id()));
        written.map_err(unusable)?;
        Ok(DataDirectory { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    #[test]
    fn one_process_at_a_time() {
        let folder = Folder::new("data-directory");
        let path = folder.path().join("a").join("b");
        let held = DataDirectory::take(&path).expect("made and locked");
        let error = DataDirectory::take(&path).expect_err("locked");
        let expected = format!(
            "data directory {} is locked by another Helenus process (pid {}): stop that one, or choose another --data-dir",
            path.display(),
            std::process::id()
        );
        assert_eq!(error.to_string(), expected);
        drop(held);
        DataDirectory::take(&path).expect("free again");
        let file = folder.path().join("file");
        std::fs::write(&file, "x").expect("written");
        let error = DataDirectory::take(&file).expect_err("not a directory");
        assert_eq!(error.to_string(), format!("data directory {}: File exists", file.display()));
    }
}
