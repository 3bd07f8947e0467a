//! Figures for nodetool and metrics.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use uuid::Uuid;

use super::Engine;
use crate::compaction::strategy::CompactionOptions;
use crate::manifest::Generation;
use crate::table_store::TableStore;

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
    /// SSTables in use.
    pub live_sstables: u64,
    /// Their bytes on disk, all components.
    pub live_bytes: u64,
    /// Their bytes before compression.
    pub uncompressed_bytes: u64,
    /// Partitions in memtables and SSTables, those in several counted several times.
    pub estimated_partitions: u64,
    /// Bytes kept in memory for the SSTables: filters, summaries, chunk offsets.
    pub sstable_memory_bytes: u64,
    /// SSTables being compacted.
    pub compacting_sstables: u64,
    /// Point reads that a bloom filter let through and that found their key.
    pub bloom_true_positives: u64,
    /// Those that did not.
    pub bloom_false_positives: u64,
    /// Compactions finished since the start.
    pub compactions: u64,
    /// The strategy that the table's options name.
    pub strategy: String,
    /// The strategy that really runs; another one where the named one is not supported yet.
    pub strategy_in_use: String,
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
    /// Hits and misses of the cache of uncompressed chunks.
    pub chunk_cache: (u64, u64),
    /// Hits and misses of the cache of places in indexes.
    pub key_cache: (u64, u64),
    /// Entries and bytes of the cache of uncompressed chunks.
    pub chunk_cache_usage: (u64, u64),
    /// Entries and bytes of the cache of places in indexes.
    pub key_cache_usage: (u64, u64),
    /// Bytes of both caches.
    pub cache_bytes: u64,
    /// Updates skipped because their table is not known.
    pub skipped_updates: u64,
}

impl Engine {
    /// The figures as of now.
    pub fn stats(&self) -> EngineStats {
        let tables = self.tables.load();
        let (segments, bytes) = self.log.usage();
        let compacting = self.state.lock().compacting.clone();
        EngineStats {
            tables: tables.iter().map(|store| of_table(store, &compacting)).collect(),
            memtable_bytes: self.memtable_bytes.load(Ordering::Relaxed) as u64,
            log_segments: segments as u64,
            log_bytes: bytes,
            chunk_cache: self.caches.chunk_counts(),
            key_cache: self.caches.key_counts(),
            chunk_cache_usage: self.caches.chunk_usage(),
            key_cache_usage: self.caches.key_usage(),
            cache_bytes: self.caches.bytes(),
            skipped_updates: self.skipped_updates.load(Ordering::Relaxed),
        }
    }
}

fn of_table(store: &TableStore, compacting: &BTreeSet<Generation>) -> TableStats {
    let definition = store.definition.load();
    let view = store.view.load();
    let options = CompactionOptions::of_table(&definition);
    let mut stats = TableStats {
        id: store.id,
        keyspace: definition.keyspace.clone(),
        name: definition.name.clone(),
        memtable_bytes: view.memtables().map(|memtable| memtable.bytes() as u64).sum(),
        pending_flushes: view.flushing.len() as u64,
        estimated_partitions: view.memtables().map(|memtable| memtable.partition_count() as u64).sum(),
        strategy_in_use: options.in_use().to_owned(),
        strategy: options.class,
        compactions: store.counters.compactions.load(Ordering::Relaxed),
        reads: store.counters.reads.load(Ordering::Relaxed),
        writes: store.counters.writes.load(Ordering::Relaxed),
        ..TableStats::default()
    };
    for handle in &view.sstables {
        let reader = &handle.reader;
        let (hits, misses) = reader.bloom_counts();
        stats.live_sstables += 1;
        stats.live_bytes += handle.bytes;
        stats.uncompressed_bytes += reader.uncompressed_length();
        stats.estimated_partitions += reader.estimate_partitions();
        stats.sstable_memory_bytes += reader.memory() as u64;
        stats.bloom_true_positives += hits;
        stats.bloom_false_positives += misses;
        stats.compacting_sstables += u64::from(compacting.contains(&handle.generation));
    }
    stats
}
