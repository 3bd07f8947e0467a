//! The partitions of one shard, ordered by token and found fast.
//!
//! A shard covers an equal part of the ring, its buckets equal parts of the shard. Tokens are hashes, so a bucket's number is a
//! good first guess of a partition's place: with few partitions a bucket, what remains is one small node instead of a walk
//! down a deep tree, each level of which is a cache miss. Each bucket is an ordered map all the same, for keys can be chosen
//! so that their tokens are not spread.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::RangeInclusive;
use std::sync::Arc;

use helenus_model::key::KeyRef;
use helenus_model::token::Token;

use super::Partition;

/// Partitions a bucket on average; past it the buckets double.
const LOAD: usize = 8;

/// The partitions of one token: nearly always one.
#[derive(Debug)]
enum Slot {
    One(Arc<Partition>),
    /// Different keys of one token, ordered by key.
    #[expect(clippy::box_collection, reason = "rare; a bare vector would make every slot three words long")]
    Several(Box<Vec<Arc<Partition>>>),
}

impl Slot {
    fn as_slice(&self) -> &[Arc<Partition>] {
        match self {
            Slot::One(partition) => std::slice::from_ref(partition),
            Slot::Several(partitions) => partitions,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Buckets {
    /// A power of two of them.
    maps: Vec<BTreeMap<Token, Slot>>,
    /// Number of the shard, in the highest `shard_bits` bits of its tokens.
    shard: u64,
    shard_bits: u32,
    len: usize,
}

/// A token's place on the ring counted from zero.
fn place(token: Token) -> u64 {
    (token.0 as u64) ^ (1 << 63)
}

fn token_at(place: u64) -> Token {
    Token((place ^ (1 << 63)) as i64)
}

impl Buckets {
    /// Of the shard that has the tokens whose place starts with the `shard_bits` bits of `shard`; 1 to 32 bits.
    pub(super) fn new(shard: usize, shard_bits: u32) -> Self {
        Buckets { maps: vec![BTreeMap::new()], shard: shard as u64, shard_bits, len: 0 }
    }

    /// Number of partitions.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn bucket_of(&self, token: Token) -> usize {
        let bits = self.maps.len().trailing_zeros();
        // Two shifts, for one by 64 would be none.
        (((place(token) << self.shard_bits) >> 1) >> (63 - bits)) as usize
    }

    /// The partition of `key`.
    #[inline]
    pub(super) fn get(&self, key: KeyRef<'_>) -> Option<&Arc<Partition>> {
        let slot = self.maps[self.bucket_of(key.token)].get(&key.token)?;
        slot.as_slice().iter().find(|partition| *partition.key == *key.key)
    }

    /// The partition of `key`, made if it is not there; true when it was made.
    pub(super) fn get_or_insert(&mut self, key: KeyRef<'_>) -> (&mut Arc<Partition>, bool) {
        if self.len >= self.maps.len() * LOAD && self.maps.len() < 1 << 20 {
            self.double();
        }
        let bucket = self.bucket_of(key.token);
        let (partition, new) = find_or_insert(&mut self.maps[bucket], key);
        self.len += usize::from(new);
        (partition, new)
    }

    fn double(&mut self) {
        let bits = self.maps.len().trailing_zeros() + 1;
        let mut maps = Vec::with_capacity(self.maps.len() * 2);
        let shard_start = self.shard << (64 - self.shard_bits);
        for mut low in self.maps.drain(..) {
            let middle = shard_start + (((maps.len() as u64) + 1) << (64 - self.shard_bits - bits));
            let high = low.split_off(&token_at(middle));
            maps.extend([low, high]);
        }
        self.maps = maps;
    }

    /// Calls `take` for the partitions of a range of tokens of this shard, in ring order, until it answers false after a token.
    /// False when it did.
    pub(super) fn range(
        &self,
        tokens: RangeInclusive<Token>,
        mut take: impl FnMut(Token, &[Arc<Partition>]) -> bool,
    ) -> bool {
        let clamp = |token: Token| (place(token) >> (64 - self.shard_bits)).cmp(&self.shard);
        let first = if clamp(*tokens.start()).is_lt() { 0 } else { self.bucket_of(*tokens.start()) };
        let last = if clamp(*tokens.end()).is_gt() { self.maps.len() - 1 } else { self.bucket_of(*tokens.end()) };
        for map in self.maps.iter().take(last + 1).skip(first) {
            for (token, slot) in map.range(tokens.clone()) {
                if !take(*token, slot.as_slice()) {
                    return false;
                }
            }
        }
        true
    }
}

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
        *slot = Slot::Several(Box::new(vec![Arc::clone(partition)]));
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const BITS: u32 = 2;

    proptest! {
        #[test]
        fn buckets_are_an_ordered_map(
            // Spread over shard 1 of four, or crowded at its start.
            places in proptest::collection::vec((any::<bool>(), any::<u64>(), 0..3_u8), 0..400),
            (from, to) in (any::<u64>(), any::<u64>()),
            narrow in any::<bool>(),
        ) {
            let shard = |place: u64| (1 << 62) | (place >> 2);
            let mut buckets = Buckets::new(1, BITS);
            let mut model = BTreeSet::new();
            for (spread, at, key) in places {
                let token = token_at(shard(if spread { at } else { at % 64 }));
                let key = [key];
                let (partition, new) = buckets.get_or_insert(KeyRef { token, key: &key });
                prop_assert_eq!(&*partition.key, &key[..]);
                prop_assert_eq!(new, model.insert((token, key[0])));
            }
            prop_assert_eq!(buckets.len(), model.len());
            for (token, key) in &model {
                let found = |key: &[u8]| buckets.get(KeyRef { token: *token, key }).is_some();
                prop_assert!(found(&[*key]) && !found(&[*key, 0]));
            }
            let (from, to) = if narrow { (shard(from), shard(to)) } else { (from, to) };
            let tokens = token_at(from.min(to))..=token_at(from.max(to));
            let expected: Vec<_> = model.iter().filter(|(token, _)| tokens.contains(token)).copied().collect();
            let mut found = Vec::new();
            // A range that ends before the shard begins, or begins behind it, is not asked of it.
            if (from.min(to) >> 62) <= 1 && (from.max(to) >> 62) >= 1 {
                let whole = buckets.range(tokens, |token, partitions| {
                    found.extend(partitions.iter().map(|partition| (token, partition.key[0])));
                    true
                });
                prop_assert!(whole);
            }
            prop_assert_eq!(found, expected);
        }
    }
}
