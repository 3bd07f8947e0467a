//! Figures for nodetool and metrics.

use std::sync::atomic::Ordering;

use uuid::Uuid;

use super::Engine;

/// Figures of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableStats {
    /// The table.
    pub id: Uuid,
    /// Its keyspace.
    pub keyspace: String,
    /// Its name.
    pub name: String,
    /// Bytes of its memtables, those being flushed included.
    pub memtable_bytes: u64,
    /// Memtables waiting for or in a flush.
    pub pending_flushes: u64,
    /// Reads run since the start.
    pub reads: u64,
    /// Updates applied since the start.
    pub writes: u64,
}

/// Figures of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// By table id.
    pub tables: Vec<TableStats>,
    /// Bytes of all memtables.
    pub memtable_bytes: u64,
    /// Log segments on disk.
    pub log_segments: u64,
    /// Their bytes.
    pub log_bytes: u64,
    /// Updates skipped because their table is not known.
    pub skipped_updates: u64,
}

impl Engine {
    /// The figures as of now.
    pub fn stats(&self) -> EngineStats {
        let tables = self.tables.load();
        let (segments, bytes) = self.log.usage();
        let of_table = |store: &crate::table_store::TableStore| {
            let definition = store.definition.load();
            let view = store.view.load();
            TableStats {
                id: store.id,
                keyspace: definition.keyspace.clone(),
                name: definition.name.clone(),
                memtable_bytes: view.memtables().map(|memtable| memtable.bytes() as u64).sum(),
                pending_flushes: view.flushing.len() as u64,
                reads: store.counters.reads.load(Ordering::Relaxed),
                writes: store.counters.writes.load(Ordering::Relaxed),
            }
        };
        EngineStats {
            tables: tables.iter().map(|store| of_table(store)).collect(),
            memtable_bytes: self.memtable_bytes.load(Ordering::Relaxed) as u64,
            log_segments: segments as u64,
            log_bytes: bytes,
            skipped_updates: self.skipped_updates.load(Ordering::Relaxed),
        }
    }
}
