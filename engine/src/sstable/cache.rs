//! What all SSTables of a node share in memory: blocks as they were unpacked and checked (chunks of Data.db and blocks of
//! Index.db, in one budget of bytes) and places of keys, in another.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, Weighter};
use rustc_hash::FxBuildHasher;

use super::index_reader::EntryPlace;

/// Budget of the chunk cache unless told otherwise, bytes.
const CHUNK_BYTES: u64 = 32 << 20;
/// Budget of the key cache unless told otherwise, bytes.
const KEY_BYTES: u64 = 16 << 20;
/// What a cached thing takes beside its own bytes, about.
const OVERHEAD: u64 = 64;

/// A block of one file; a file's number is never used twice, and Data.db and Index.db of an SSTable have one each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ChunkKey {
    sstable: u64,
    chunk: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct PlaceKey {
    sstable: u64,
    key: Box<[u8]>,
}

struct PlaceLookup<'a> {
    sstable: u64,
    key: &'a [u8],
}

impl Hash for PlaceKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        PlaceLookup { sstable: self.sstable, key: &self.key }.hash(state);
    }
}

impl Hash for PlaceLookup<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.sstable);
        state.write(self.key);
    }
}

impl Equivalent<PlaceKey> for PlaceLookup<'_> {
    fn equivalent(&self, key: &PlaceKey) -> bool {
        self.sstable == key.sstable && *self.key == *key.key
    }
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<ChunkKey, Arc<Vec<u8>>> for ByBytes {
    fn weight(&self, _: &ChunkKey, chunk: &Arc<Vec<u8>>) -> u64 {
        chunk.capacity() as u64 + OVERHEAD
    }
}

impl Weighter<PlaceKey, EntryPlace> for ByBytes {
    fn weight(&self, key: &PlaceKey, _: &EntryPlace) -> u64 {
        key.key.len() as u64 + size_of::<EntryPlace>() as u64 + OVERHEAD
    }
}

type ByHash<K, V> = Cache<K, V, ByBytes, FxBuildHasher, DefaultLifecycle<K, V>>;

/// The caches. One for a node, shared by reference.
#[derive(Debug)]
pub struct SsTableCaches {
    chunks: ByHash<ChunkKey, Arc<Vec<u8>>>,
    places: ByHash<PlaceKey, EntryPlace>,
    next_number: AtomicU64,
    chunk_counts: Counts,
    key_counts: Counts,
}

/// Hits and misses.
#[derive(Debug, Default)]
struct Counts(AtomicU64, AtomicU64);

impl Counts {
    fn add(&self, hit: bool) {
        let counter = if hit { &self.0 } else { &self.1 };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> (u64, u64) {
        (self.0.load(Ordering::Relaxed), self.1.load(Ordering::Relaxed))
    }
}

impl Default for SsTableCaches {
    fn default() -> Self {
        SsTableCaches::new(CHUNK_BYTES, KEY_BYTES)
    }
}

impl SsTableCaches {
    /// Caches with these budgets in bytes (`file_cache_size`, `key_cache_size`).
    pub fn new(chunk_bytes: u64, key_bytes: u64) -> Self {
        let items = |bytes: u64, each: u64| usize::try_from(bytes / each).unwrap_or(usize::MAX).clamp(16, 1 << 20);
        let (hash, chunk_items, key_items) = (FxBuildHasher, items(chunk_bytes, 16 * 1024), items(key_bytes, 128));
        SsTableCaches {
            chunks: Cache::with(chunk_items, chunk_bytes, ByBytes, hash, DefaultLifecycle::default()),
            places: Cache::with(key_items, key_bytes, ByBytes, hash, DefaultLifecycle::default()),
            next_number: AtomicU64::new(1),
            chunk_counts: Counts::default(),
            key_counts: Counts::default(),
        }
    }

    /// A number for a file that is being opened.
    pub(super) fn next_number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// A block; one that is not there is not counted as missing until it is read: see [`Self::count_missing_chunk`].
    #[inline]
    pub(super) fn chunk(&self, sstable: u64, chunk: u64) -> Option<Arc<Vec<u8>>> {
        let found = self.chunks.get(&ChunkKey { sstable, chunk })?;
        self.chunk_counts.add(true);
        Some(found)
    }

    /// A block has to be read from its file.
    pub(super) fn count_missing_chunk(&self) {
        self.chunk_counts.add(false);
    }

    pub(super) fn put_chunk(&self, sstable: u64, chunk: u64, bytes: Arc<Vec<u8>>) {
        self.chunks.insert(ChunkKey { sstable, chunk }, bytes);
    }

    #[inline]
    pub(super) fn place(&self, sstable: u64, key: &[u8]) -> Option<EntryPlace> {
        let found = self.places.get(&PlaceLookup { sstable, key });
        self.key_counts.add(found.is_some());
        found
    }

    pub(super) fn put_place(&self, sstable: u64, key: &[u8], place: EntryPlace) {
        self.places.insert(PlaceKey { sstable, key: key.into() }, place);
    }

    /// Hits and misses of the chunk cache.
    pub fn chunk_counts(&self) -> (u64, u64) {
        self.chunk_counts.get()
    }

    /// Hits and misses of the key cache.
    pub fn key_counts(&self) -> (u64, u64) {
        self.key_counts.get()
    }

    /// Entries and bytes of the chunk cache.
    pub fn chunk_usage(&self) -> (u64, u64) {
        (self.chunks.len() as u64, self.chunks.weight())
    }

    /// Entries and bytes of the key cache.
    pub fn key_usage(&self) -> (u64, u64) {
        (self.places.len() as u64, self.places.weight())
    }

    /// Bytes held, chunks and keys.
    pub fn bytes(&self) -> u64 {
        self.chunks.weight() + self.places.weight()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.chunks.clear();
        self.places.clear();
    }
}
