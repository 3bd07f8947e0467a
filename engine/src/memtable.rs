//! What was written since the last flush of a table, in memory.
//!
//! A memtable is split by token into shards, each a small lock over an ordered map. An update of a partition happens under its
//! shard's lock; a read clones one reference under the same lock and then sees the partition as it was at that moment, whole,
//! for as long as it likes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use helenus_model::key::{KeyRef, RingPosition};
use helenus_model::partition::PartitionRef;
use helenus_model::schema::Table;
use helenus_model::token::Token;
use parking_lot::Mutex;

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
use partition::{PARTITION_OVERHEAD, Scratch};

/// Shards of a memtable, a power of two.
const SHARDS: usize = 64;

/// The partitions of one token: nearly always one.
#[derive(Debug)]
enum Slot {
    One(Arc<Partition>),
    /// Different keys of one token, ordered by key.
    Several(Vec<Arc<Partition>>),
}

impl Slot {
    fn as_slice(&self) -> &[Arc<Partition>] {
        match self {
            Slot::One(partition) => std::slice::from_ref(partition),
            Slot::Several(partitions) => partitions,
        }
    }
}

#[derive(Debug, Default)]
struct Shard {
    partitions: BTreeMap<Token, Slot>,
    count: usize,
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
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            bytes: AtomicUsize::new(0),
            first_position: AtomicU64::new(u64::MAX),
        }
    }
}

fn shard_of(token: Token) -> usize {
    // Tokens are signed; shards cover equal parts of the ring in ring order.
    (((token.0 as u64) ^ (1 << 63)) >> (64 - SHARDS.trailing_zeros())) as usize
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
        shard.stats.operations += 1;
        let (partition, new) = find_or_insert(&mut shard.partitions, key);
        let mut grown = Arc::make_mut(partition).apply(table, update, &mut shard.scratch, &mut shard.stats);
        if new {
            shard.count += 1;
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
        let slot = shard.partitions.get(&key.token)?;
        slot.as_slice().iter().find(|partition| *partition.key == *key.key).cloned()
    }

    /// If the partition is here: a timestamp that nothing in it is below.
    pub(crate) fn min_timestamp(&self, key: KeyRef<'_>) -> Option<i64> {
        let shard = self.shards[shard_of(key.token)].lock();
        let slot = shard.partitions.get(&key.token)?;
        slot.as_slice().iter().any(|partition| *partition.key == *key.key).then_some(shard.stats.min_timestamp)
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
        let (first, last) = (shard_of(start.token), shard_of(end.token));
        for shard in self.shards.iter().take(last + 1).skip(first) {
            let shard = shard.lock();
            let range = (Bound::Included(start.token), Bound::Included(end.token));
            if start.token > end.token {
                return false;
            }
            for (token, slot) in shard.partitions.range(range) {
                for partition in slot.as_slice() {
                    let key = KeyRef { token: *token, key: &partition.key };
                    if start.compare_to_key(key).is_lt() && end.compare_to_key(key).is_gt() {
                        into.push((*token, Arc::clone(partition)));
                    }
                }
                if into.len() >= count {
                    return true;
                }
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
        self.shards.iter().all(|shard| shard.lock().partitions.is_empty())
    }

    /// Number of partitions.
    pub fn partition_count(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().count).sum()
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

/// The partition of `key`, made if it is not there; true when it was made.
fn find_or_insert<'m>(map: &'m mut BTreeMap<Token, Slot>, key: KeyRef<'_>) -> (&'m mut Arc<Partition>, bool) {
    let make = || Arc::new(Partition::new(key.key));
    let slot = match map.entry(key.token) {
        Entry::Vacant(entry) => {
            let Slot::One(partition) = entry.insert(Slot::One(make())) else { unreachable!("just made") };
            return (partition, true);
        }
        Entry::Occupied(entry) => entry.into_mut(),
    };
    if let Slot::One(partition) = slot
        && *partition.key != *key.key
    {
        *slot = Slot::Several(vec![Arc::clone(partition)]);
    }
    match slot {
        Slot::One(partition) => (partition, false),
        Slot::Several(partitions) => match partitions.binary_search_by(|partition| (*partition.key).cmp(key.key)) {
            Ok(at) => (&mut partitions[at], false),
            Err(at) => {
                partitions.insert(at, make());
                (&mut partitions[at], true)
            }
        },
    }
}
