//! SSTables of another program that are brought in while the node runs (`nodetool import`).
//!
//! 1. [`Engine::begin_import`] gives a place: its files are copied there under that number, by whoever has them.
//! 2. [`Engine::check_import`] reads every byte of them and writes their checksums.
//! 3. [`Engine::install_import`] makes them part of the table. A start before that removes what was copied.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use helenus_model::time::Now;
use helenus_model::token::Token;
use thiserror::Error;
use uuid::Uuid;

use super::Engine;
use crate::cursor::PartitionScan;
use crate::disk::DiskError;
use crate::error::ReadError;
use crate::manifest::Generation;
use crate::sstable::SsTable;
use crate::table_store::{TableStore, View};

/// An SSTable is not brought in.
#[derive(Clone, Debug, Error)]
pub enum ImportError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// It is damaged, or does not fit the table.
    #[error(transparent)]
    SsTable(#[from] ReadError),
    /// It has a partition that belongs to other nodes.
    #[error("the partition at token {} belongs to other nodes", .0.0)]
    NotOwned(Token),
    /// The table has materialized views, which would not follow.
    #[error("not supported yet: import into a table with materialized views")]
    HasViews,
}

impl Engine {
    fn importing(&self, table: Uuid) -> Result<Arc<TableStore>, ReadError> {
        self.tables.load().get(table).cloned().ok_or(ReadError::UnknownTable(table))
    }

    /// A place for one SSTable: the directory and the number for its files.
    ///
    /// # Errors
    /// There is no such table, or the manifest cannot be written.
    pub fn begin_import(&self, table: Uuid) -> Result<(String, Generation), ImportError> {
        if self.tables.load().views_of(table).is_some() {
            return Err(ImportError::HasViews);
        }
        let store = self.importing(table)?;
        let generation = self.new_generation(&mut self.state.lock(), &store)?;
        Ok((store.directory(), generation))
    }

    /// Verifies what was copied, every byte, and that this node `owns` each partition; writes its checksums. Waits for the device.
    ///
    /// # Errors
    /// The first fault found.
    pub fn check_import(
        &self,
        table: Uuid,
        generation: Generation,
        owns: &dyn Fn(Token) -> bool,
    ) -> Result<(), ImportError> {
        let store = self.importing(table)?;
        let (disk, caches) = (Arc::clone(&self.disk), Arc::clone(&self.caches));
        let definition = store.definition.load_full();
        let sstable = SsTable::import(disk, &store.directory(), &generation.to_string(), &definition, caches)?;
        let mut scan = sstable.scan_all()?;
        while scan.next_partition()? {
            let token = scan.key().token;
            if !owns(token) {
                return Err(ImportError::NotOwned(token));
            }
        }
        Ok(())
    }

    /// Makes a checked SSTable part of its table.
    ///
    /// # Errors
    /// The table is gone or another one now, or the manifest cannot be written.
    pub fn install_import(&self, table: Uuid, generation: Generation, now: Now) -> Result<(), ImportError> {
        let store = self.importing(table)?;
        let handle = Arc::new(self.open_sstable(&store, generation, now)?);
        let mut state = self.state.lock();
        self.importing(table)?;
        // The definition may have changed since the file was opened; it does not while `state` is held.
        handle.reader.update_schema(&store.definition.load_full())?;
        let directory = store.directory();
        self.rebuild_indexes(&mut state, table)?;
        self.commit(&mut state, |manifest| {
            let record = manifest.table_mut(table, &directory);
            record.pending.remove(&generation);
            record.live.insert(generation);
        })?;
        let view = store.view.load_full();
        let mut sstables = view.sstables.clone();
        sstables.push(handle);
        store.view.store(View::new(Arc::clone(&view.active), view.flushing.clone(), sstables));
        store.compaction_due.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Nothing comes of it: its files go.
    pub fn abandon_import(&self, table: Uuid, generation: Generation) {
        self.state.lock().obsolete_pending(table, generation);
    }
}
