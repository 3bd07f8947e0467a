//! Tables that come, change, go, or are emptied.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use helenus_model::schema::{Schema, Table};
use helenus_model::time::Now;
use uuid::Uuid;

use super::{Engine, State, indexes};
use crate::error::WriteError;
use crate::table_store::{TableSet, TableStore, View};

impl Engine {
    /// Brings the tables in line with `schema`: new ones appear, changed ones get their new definition, those that are gone lose
    /// their memtables and files (after a snapshot, if configured). The node's local tables stay. Waits for the device only where a
    /// table goes. A table whose snapshot cannot be made goes, too, but its files stay: its name and the error are returned.
    pub fn set_schema(&self, schema: Arc<Schema>, now: Now) -> Result<Vec<(String, WriteError)>, WriteError> {
        let mut kept = BTreeMap::new();
        let gone = |store: &&Arc<TableStore>| {
            !store.is_local && store.index.is_none() && schema.table_by_id(store.id).is_none()
        };
        for store in self.tables.load_full().iter().filter(gone) {
            if let Err(error) = self.auto_snapshot(store, "dropped", now) {
                kept.insert(store.id, error);
            }
        }
        let mut state = self.state.lock();
        let before = self.tables.load_full();
        let mut first_error = None;
        let mut stores: Vec<Arc<TableStore>> = before.iter().filter(|store| store.is_local).map(Arc::clone).collect();
        for table in schema.tables() {
            match before.get(table.id) {
                Some(store) => {
                    if let Err(error) = redefine(store, table) {
                        first_error = first_error.or(Some(error));
                    }
                    stores.push(Arc::clone(store));
                }
                None => stores.push(Arc::new(TableStore::new(Arc::clone(table), false))),
            }
            for (store, hidden) in indexes::stores_of(table, &before) {
                if let Err(error) = redefine(&store, &hidden) {
                    first_error = first_error.or(Some(error));
                }
                stores.push(store);
            }
        }
        let after = Arc::new(TableSet::new(stores).with_views(&schema));
        self.fence_reused(&mut state, after.iter().filter(|store| before.get(store.id).is_none()))?;
        let alone = self.barrier.write();
        self.tables.store(Arc::clone(&after));
        drop(alone);
        self.build_new_indexes(&mut state, &after, now)?;
        for store in before.iter().filter(|store| after.get(store.id).is_none()) {
            self.forget_table(&mut state, store, kept.contains_key(&store.id))?;
        }
        let name = |store: &Arc<TableStore>| {
            let definition = store.definition.load();
            format!("{}.{}", definition.keyspace, definition.name)
        };
        let named = |store: &Arc<TableStore>| Some((name(store), kept.get(&store.id)?.clone()));
        first_error.map_or_else(|| Ok(before.iter().filter_map(named).collect()), Err)
    }

    /// A new table may have the id of one that was dropped (`WITH id = …`): nothing that is left of that one is its own.
    fn fence_reused<'a>(
        &self,
        state: &mut State,
        new: impl Iterator<Item = &'a Arc<TableStore>>,
    ) -> Result<(), WriteError> {
        let is_dropped = |id| state.manifest.tables.get(id).is_some_and(|record| record.dropped);
        let reused: Vec<_> = new.filter(|store| state.gone.contains(&store.id) || is_dropped(&store.id)).collect();
        let position = self.log.position();
        self.commit(state, |manifest| {
            for store in &reused {
                manifest.renew_table(store.id, &store.directory(), position);
            }
        })?;
        for store in reused {
            state.gone.remove(&store.id);
        }
        Ok(())
    }

    fn forget_table(&self, state: &mut State, store: &TableStore, keep_files: bool) -> Result<(), WriteError> {
        let view = store.view.swap(Arc::default());
        self.forget_memtables(&view);
        state.gone.insert(store.id);
        if keep_files {
            // The manifest goes on naming them, as files of a table that no schema knows.
            return Ok(());
        }
        let id = store.id;
        self.commit(state, |manifest| {
            if let Some(record) = manifest.tables.get_mut(&id) {
                record.dropped = true;
                let live = std::mem::take(&mut record.live);
                record.obsolete.extend(live);
            }
        })?;
        Ok(())
    }

    fn forget_memtables(&self, view: &View) {
        let bytes: usize = view.memtables().map(|memtable| memtable.bytes()).sum();
        self.memtable_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Empties a table: what was applied before the call is gone for good, also after a restart. If configured, a snapshot is left.
    /// Waits for the device.
    pub fn truncate(&self, table: Uuid, now: Now) -> Result<(), WriteError> {
        let tables = self.tables.load_full();
        let store = tables.get(table).ok_or(WriteError::UnknownTable(table))?;
        self.auto_snapshot(store, "truncated", now)?;
        let mut state = self.state.lock();
        let mut stores = self.indexes_of(table);
        stores.push(Arc::clone(store));
        let views = tables.views_of(table).map_or(&[][..], |views| views);
        stores.extend(views.iter().filter_map(|view| tables.get(view.id).cloned()));
        // What the log has before this position is fenced off by the manifest.
        let (views, position) = {
            let _alone = self.barrier.write();
            let views: Vec<_> = stores.iter().map(|store| store.view.swap(Arc::default())).collect();
            self.truncations.fetch_add(1, Ordering::Release);
            (views, self.log.position())
        };
        views.iter().for_each(|view| self.forget_memtables(view));
        self.commit(&mut state, |manifest| {
            for store in &stores {
                let record = manifest.table_mut(store.id, &store.directory());
                record.flushed = record.flushed.max(position);
                record.truncated_at = now.wall_micros;
                let live = std::mem::take(&mut record.live);
                record.obsolete.extend(live);
            }
        })?;
        Ok(())
    }

    /// When the table was last truncated, microseconds since the epoch.
    pub fn truncated_at(&self, table: Uuid) -> Option<i64> {
        self.state.lock().manifest.tables.get(&table).map(|record| record.truncated_at).filter(|at| *at != i64::MIN)
    }

    /// Leaves a snapshot of a table whose data is about to go, named as Cassandra names it.
    fn auto_snapshot(&self, store: &TableStore, why: &str, now: Now) -> Result<(), WriteError> {
        let definition = store.definition.load_full();
        if !self.config.auto_snapshot
            || !definition.params.allow_auto_snapshot
            || store.is_local
            || store.index.is_some()
        {
            return Ok(());
        }
        let tag = format!("{why}-{}-{}", now.wall_micros.div_euclid(1000), definition.name);
        self.snapshot(store.id, &tag, now).map_err(|error| WriteError::Snapshot(error.to_string()))
    }
}

/// Gives a table its new definition, if it is new.
fn redefine(store: &TableStore, table: &Arc<Table>) -> Result<(), WriteError> {
    let known = store.definition.load();
    if known.epoch == table.epoch && **known == **table {
        return Ok(());
    }
    store.definition.store(Arc::clone(table));
    for handle in &store.view.load().sstables {
        handle.reader.update_schema(table)?;
    }
    Ok(())
}
