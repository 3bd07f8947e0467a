//! Secondary indexes beside their tables: which are there, which are built.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use helenus_model::schema::Table;
use helenus_model::time::Now;
use parking_lot::RwLockReadGuard;
use uuid::Uuid;

use super::{Engine, State};
use crate::disk::DiskError;
use crate::error::WriteError;
use crate::index::build::build_at_once;
use crate::index::{IndexState, IndexStore, hidden_table};
use crate::table_store::{TableSet, TableStore};

/// The stores of a table's indexes: those that are there already, and new ones.
pub(super) fn stores_of(table: &Arc<Table>, before: &TableSet) -> Vec<(Arc<TableStore>, Arc<Table>)> {
    let each = table.indexes.iter().filter_map(|index| {
        let hidden = Arc::new(hidden_table(table, index)?);
        let store = before.get(index.id).cloned().unwrap_or_else(|| {
            let index = IndexStore::new(table.id, index.clone(), false);
            Arc::new(TableStore::of_index(Arc::clone(&hidden), index))
        });
        Some((store, hidden))
    });
    each.collect()
}

impl Engine {
    /// True when reads may go through an index.
    pub fn is_index_built(&self, index: Uuid) -> bool {
        let tables = self.tables.load();
        tables.get(index).and_then(|store| store.index.as_ref()).is_some_and(IndexStore::is_complete)
    }

    /// The indexes of a table.
    pub(super) fn indexes_of(&self, table: Uuid) -> Vec<Arc<TableStore>> {
        let tables = self.tables.load();
        let is_of = |store: &&Arc<TableStore>| store.index.as_ref().is_some_and(|index| index.base == table);
        tables.iter().filter(is_of).cloned().collect()
    }

    /// True while the table is one of this store.
    pub(crate) fn has_store(&self, store: &Arc<TableStore>) -> bool {
        self.tables.load().get(store.id).is_some_and(|known| Arc::ptr_eq(known, store))
    }

    /// Keeps memtables from being switched meanwhile.
    pub(crate) fn hold_memtables(&self) -> RwLockReadGuard<'_, ()> {
        self.barrier.read()
    }

    /// Memtables grew by so many bytes, or shrank.
    pub(crate) fn note_growth(&self, grown: isize) {
        // Wrapping addition of a negative number subtracts.
        self.memtable_bytes.fetch_add(grown as usize, Ordering::Relaxed);
    }

    /// New indexes on tables that are small or empty are built on the spot; others wait for a job.
    pub(super) fn build_new_indexes(&self, state: &mut State, tables: &TableSet, now: Now) -> Result<(), WriteError> {
        for store in tables.iter() {
            let Some(index) = store.index.as_ref().filter(|index| index.state() == IndexState::Unbuilt) else {
                continue;
            };
            let Some(base) = tables.get(index.base) else { continue };
            if build_at_once(self, base, store, now.seconds())? {
                self.persist_built(state, store)?;
            }
        }
        Ok(())
    }

    /// Every row of the base table has its entries; what of them is in memory only is to be flushed.
    /// Builds are numbered: one that was overtaken by another says nothing.
    pub(crate) fn index_complete(&self, store: &Arc<TableStore>, build: u64) {
        let _state = self.state.lock();
        self.switch(store, None);
        if let Some(index) = store.index.as_ref().filter(|index| index.is_build(build)) {
            index.set_state(IndexState::Complete);
        }
    }

    /// A build stopped at an error; another is to begin.
    pub(crate) fn index_build_failed(&self, store: &Arc<TableStore>, build: u64) {
        let _state = self.state.lock();
        if let Some(index) = store.index.as_ref().filter(|index| index.is_build(build)) {
            index.set_state(IndexState::Unbuilt);
        }
    }

    /// Notes in the manifest which indexes are whole on disk.
    pub(super) fn note_built_indexes(&self, state: &mut State, tables: &TableSet) {
        for store in tables.iter() {
            let is_complete = store.index.as_ref().is_some_and(|index| index.state() == IndexState::Complete);
            if is_complete && !store.view.load().has_flushing() {
                // What cannot be noted now is noted later, or the index is built again by the next start.
                let _ = self.persist_built(state, store);
            }
        }
    }

    fn persist_built(&self, state: &mut State, store: &TableStore) -> Result<(), WriteError> {
        let directory = store.directory();
        self.commit(state, |manifest| manifest.table_mut(store.id, &directory).index_built = true)?;
        if let Some(index) = &store.index {
            index.set_state(IndexState::Built);
        }
        Ok(())
    }

    /// Rows came to a table by another way than a write: its indexes are built again.
    pub(super) fn rebuild_indexes(&self, state: &mut State, table: Uuid) -> Result<(), DiskError> {
        for store in self.indexes_of(table) {
            let directory = store.directory();
            self.commit(state, |manifest| manifest.table_mut(store.id, &directory).index_built = false)?;
            if let Some(index) = &store.index {
                index.set_state(IndexState::Unbuilt);
            }
        }
        Ok(())
    }
}
