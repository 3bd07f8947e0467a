//! What was written since the last flush of a table, in memory.
//!
//! A memtable is split by token into shards, each a small lock over an ordered map. An update of a partition happens under its
//! shard's lock; a read clones one reference under the same lock and then sees the partition as it was at that moment, whole,
//! for as long as it likes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use helenus_model::key::{KeyRef, RingPosition};
use helenus_model::partition::PartitionRef;
use helenus_model::schema::Table;
use helenus_model::token::Token;
use parking_lot::Mutex;

mod buckets;
mod cursor;
mod partition;
mod ranges;
mod scan;
mod stats;
mod tree;

pub(crate) use cursor::MemtableCursor;
pub(crate) use partition::Partition;
pub(crate) use scan::{MemtableScan, ScanShape};
pub use stats::{ColumnSet, MemtableStats};

use crate::log::LogPosition;
use buckets::Buckets;
use partition::{PARTITION_OVERHEAD, Scratch};

/// Shards of a memtable: two to this power.
const SHARD_BITS: u32 = 6;

#[derive(Debug)]
struct Shard {
    partitions: Buckets,
    stats: MemtableStats,
    scratch: Scratch,
}

/// One generation of a table's writes.
#[derive(Debug)]
pub struct Memtable {
    shards: Box<[Mutex<Shard>]>,
    bytes: AtomicUsize,
    /// The lowest log position applied, `u64::MAX` when there is none: the log is kept from here on.
    first_position: AtomicU64,
}

impl Default for Memtable {
    fn default() -> Self {
        Memtable {
            shards: (0..1 << SHARD_BITS).map(|shard| Mutex::new(Shard::new(shard))).collect(),
            bytes: AtomicUsize::new(0),
            first_position: AtomicU64::new(u64::MAX),
        }
    }
}

impl Shard {
    fn new(shard: usize) -> Self {
        Shard {
            partitions: Buckets::new(shard, SHARD_BITS),
            stats: MemtableStats::default(),
            scratch: Scratch::default(),
        }
    }
}

fn shard_of(token: Token) -> usize {
    // Tokens are signed; shards cover equal parts of the ring in ring order.
    (((token.0 as u64) ^ (1 << 63)) >> (64 - SHARD_BITS)) as usize
}

impl Memtable {
    /// Applies one table's part of a mutation, which stands at `position` in the log if it is there at all. Returns by how many
    /// bytes the memtable grew (or shrank).
    pub(crate) fn apply(&self, table: &Table, key: KeyRef<'_>, update: &[u8], position: Option<LogPosition>) -> isize {
        if let Some(position) = position
            && position.to_u64() < self.first_position.load(Ordering::Relaxed)
        {
            self.first_position.fetch_min(position.to_u64(), Ordering::Relaxed);
        }
        let update = PartitionRef::new(update);
        let mut guard = self.shards[shard_of(key.token)].lock();
        let shard = &mut *guard;
        let (partition, new) = shard.partitions.get_or_insert(key);
        let mut grown = Arc::make_mut(partition).apply(table, update, &mut shard.scratch, &mut shard.stats);
        if new {
            grown += (PARTITION_OVERHEAD + key.key.len()) as isize;
        }
        drop(guard);
        if grown != 0 {
            // Wrapping addition of a negative number subtracts.
            self.bytes.fetch_add(grown as usize, Ordering::Relaxed);
        }
        grown
    }

    /// The partition of `key` as of now.
    pub(crate) fn partition(&self, key: KeyRef<'_>) -> Option<Arc<Partition>> {
        let shard = self.shards[shard_of(key.token)].lock();
        shard.partitions.get(key).cloned()
    }

    /// If the partition is here: a timestamp that nothing in it is below.
    pub(crate) fn min_timestamp(&self, key: KeyRef<'_>) -> Option<i64> {
        let shard = self.shards[shard_of(key.token)].lock();
        shard.partitions.get(key).map(|_| shard.stats.min_timestamp)
    }

    /// Up to `count` partitions from `start` on and before `end`, in ring order, appended to `into`. Returns false when the
    /// range has no more; otherwise another call from behind the last one may find more.
    pub(crate) fn partitions_between(
        &self,
        start: &RingPosition,
        end: &RingPosition,
        count: usize,
        into: &mut Vec<(Token, Arc<Partition>)>,
    ) -> bool {
        if start.token > end.token {
            return false;
        }
        let (first, last) = (shard_of(start.token), shard_of(end.token));
        for shard in self.shards.iter().take(last + 1).skip(first) {
            let shard = shard.lock();
            let whole = shard.partitions.range(start.token..=end.token, |token, partitions| {
                for partition in partitions {
                    let key = KeyRef { token, key: &partition.key };
                    if start.compare_to_key(key).is_lt() && end.compare_to_key(key).is_gt() {
                        into.push((token, Arc::clone(partition)));
                    }
                }
                into.len() < count
            });
            if !whole {
                return true;
            }
        }
        false
    }

    /// Bytes in memory, about, with what the structure costs.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// True when nothing was written.
    pub fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| shard.lock().partitions.len() == 0)
    }

    /// Number of partitions.
    pub fn partition_count(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().partitions.len()).sum()
    }

    /// Bounds over all that was written.
    pub fn stats(&self) -> MemtableStats {
        let mut stats = MemtableStats::default();
        for shard in &self.shards {
            stats.union(&shard.lock().stats);
        }
        stats
    }

    /// The lowest log position that this memtable needs.
    pub(crate) fn first_position(&self) -> Option<LogPosition> {
        match self.first_position.load(Ordering::Relaxed) {
            u64::MAX => None,
            position => Some(LogPosition::from_u64(position)),
        }
    }
}
