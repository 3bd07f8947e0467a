//! Snapshots: second names for the files of a table's SSTables.

use helenus_model::time::Now;
use uuid::Uuid;

use super::jobs::{JobError, JobProgress};
use super::{Engine, State};
use crate::disk::{DiskErrorKind, DiskResult};
use crate::error::WriteError;
use crate::sstable::Descriptor;
use crate::table_store::TableStore;

impl Engine {
    /// Flushes a table and links all its files into `snapshots/<tag>` below its directory. Waits for the device.
    pub fn snapshot(&self, table: Uuid, tag: &str, now: Now) -> Result<(), JobError> {
        self.flush(table);
        self.run_flushes(now)?;
        let state = self.state.lock();
        if let Some(store) = self.tables.load().get(table) {
            self.link_files(&state, store, tag)?;
        }
        Ok(())
    }

    /// Names of the snapshots of a table.
    pub fn snapshots(&self, table: Uuid) -> DiskResult<Vec<String>> {
        let Some(directory) = self.tables.load().get(table).map(|store| store.directory()) else {
            return Ok(Vec::new());
        };
        match self.disk.list(&format!("{directory}/snapshots")) {
            Ok(names) => Ok(names.iter().filter_map(|name| name.strip_suffix('/')).map(str::to_owned).collect()),
            Err(error) if error.kind == DiskErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Links the files of a table's live SSTables. Holding `state` keeps compactions from removing them meanwhile.
    pub(super) fn link_files(&self, state: &State, store: &TableStore, tag: &str) -> DiskResult<()> {
        let Some(record) = state.manifest.tables.get(&store.id) else { return Ok(()) };
        if record.live.is_empty() {
            return Ok(());
        }
        let target = format!("{}/snapshots/{tag}", record.directory);
        self.disk.create_dir(&target)?;
        for name in self.disk.list(&record.directory)? {
            let Some((descriptor, component)) = Descriptor::parse(&record.directory, &name) else { continue };
            if descriptor.id.parse().is_ok_and(|generation| record.live.contains(&generation)) {
                match self.disk.link(&descriptor.path(component), &format!("{target}/{name}")) {
                    Err(error) if self.disk.open(&format!("{target}/{name}")).is_err() => return Err(error),
                    _ => {}
                }
            }
        }
        self.disk.sync_dir(&target)
    }

    /// Runs all flushes that wait, to their end.
    pub(super) fn run_flushes(&self, now: Now) -> Result<(), JobError> {
        while let Some(mut job) = self.next_flush(now) {
            while matches!(job.run_slice(self, u64::MAX, now)?, JobProgress::More { .. }) {}
        }
        Ok(())
    }

    /// Flushes everything and makes the log durable: nothing has to be replayed by the next start. Waits for the device.
    pub fn drain(&self, now: Now) -> Result<(), DrainError> {
        self.log_flush()?;
        self.log.sync()?;
        self.flush_all();
        self.run_flushes(now)?;
        Ok(())
    }
}

/// Draining did not end.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DrainError {
    /// The log.
    #[error(transparent)]
    Log(#[from] WriteError),
    /// A flush.
    #[error(transparent)]
    Flush(#[from] JobError),
}
