//! Counter contexts: what the value of a counter's cell is, in memory, between nodes and in SSTables alike (Cassandra's
//! `CounterContext`).
//!
//! ```text
//! context := n i16, n × entry i16, shard*        nothing at all: no shards
//! entry   := index of a shard: −32768 + index for a global one, the index itself for a local one (Cassandra before 2.1)
//! shard   := counter id 16 bytes, clock i64, count i64; ordered by id
//! ```
//!
//! A counter's value is the sum of its shards' counts. A shard belongs to the node of that id: only that node changes it, by a higher
//! clock and the count so far. Of two shards of one id a global one wins, then the higher clock, then the higher count: so merging is
//! taking a maximum for each id, and whoever applies a context twice has counted once. Shards in no entry are remote ones, of
//! Cassandra before 2.1. Local ones were sums that only their own node could tell from others: whoever reads them from a file takes
//! them for remote ones ([`without_local`]), as Cassandra does with files of other nodes.

use std::cmp::Ordering;

use uuid::Uuid;

/// Bytes of a shard.
const SHARD_BYTES: usize = 32;
/// Bytes of a header's entry, and of their count.
const ENTRY_BYTES: usize = 2;

/// What one node has counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// The node's counter id: its host id.
    pub id: Uuid,
    /// Written by Cassandra 2.1 and newer, or by this program.
    pub is_global: bool,
    /// Grows with every change.
    pub clock: i64,
    /// The sum of what the node has counted.
    pub count: i64,
}

impl Shard {
    fn rank(&self) -> (bool, i64, i64) {
        (self.is_global, self.clock, self.count)
    }
}

/// The shards of a context, in the order of their ids. Bytes that are no context have none.
#[derive(Clone, Debug)]
pub struct Shards<'a> {
    /// Entries that are still ahead.
    entries: &'a [u8],
    shards: &'a [u8],
    /// Number of the next shard.
    index: u16,
}

impl<'a> Shards<'a> {
    /// Of a context.
    pub fn new(context: &'a [u8]) -> Self {
        split(context).unwrap_or(Shards { entries: &[], shards: &[], index: 0 })
    }
}

fn split(context: &[u8]) -> Option<Shards<'_>> {
    if context.is_empty() {
        return Some(Shards { entries: &[], shards: &[], index: 0 });
    }
    let (count, rest) = context.split_first_chunk()?;
    // Cassandra marks a context whose local shards are to be cleared by a negative count.
    let count = usize::from(i16::from_be_bytes(*count).unsigned_abs());
    let (entries, shards) = rest.split_at_checked(count * ENTRY_BYTES)?;
    let whole = shards.len().is_multiple_of(SHARD_BYTES) && count <= shards.len() / SHARD_BYTES;
    whole.then_some(Shards { entries, shards, index: 0 })
}

/// Number of the shard an entry names, and whether it is a global one.
fn parse_entry(entry: [u8; 2]) -> (u16, bool) {
    let entry = u16::from_be_bytes(entry);
    (entry & 0x7fff, entry & 0x8000 != 0)
}

impl Iterator for Shards<'_> {
    type Item = Shard;

    #[inline]
    fn next(&mut self) -> Option<Shard> {
        let (shard, rest) = self.shards.split_first_chunk::<SHARD_BYTES>()?;
        self.shards = rest;
        let mut is_global = false;
        if let Some((entry, behind)) = self.entries.split_first_chunk() {
            let (index, global) = parse_entry(*entry);
            if index == self.index {
                is_global = global;
                self.entries = behind;
            }
        }
        self.index = self.index.wrapping_add(1);
        let (id, times) = shard.split_first_chunk::<16>()?;
        let (clock, count) = times.split_first_chunk::<8>()?;
        Some(Shard {
            id: Uuid::from_bytes(*id),
            is_global,
            clock: i64::from_be_bytes(*clock),
            count: i64::from_be_bytes(*count.first_chunk()?),
        })
    }
}

/// True for bytes that are a context: lengths that fit, shards and entries in order.
pub fn is_context(bytes: &[u8]) -> bool {
    let Some(shards) = split(bytes) else { return false };
    let count = shards.shards.len() / SHARD_BYTES;
    let mut next = 0;
    for entry in shards.entries.chunks_exact(ENTRY_BYTES) {
        let Ok(entry) = <[u8; 2]>::try_from(entry) else { return false };
        let index = usize::from(parse_entry(entry).0);
        if index < next || index >= count {
            return false;
        }
        next = index + 1;
    }
    let mut last = None;
    shards.into_iter().all(|shard| last.replace(shard.id).is_none_or(|last| last < shard.id))
}

/// The counter's value. It wraps, as Cassandra's does.
#[inline]
pub fn total(context: &[u8]) -> i64 {
    Shards::new(context).fold(0, |sum, shard| sum.wrapping_add(shard.count))
}

/// The shard of one node.
pub fn shard_of(context: &[u8], id: Uuid) -> Option<Shard> {
    Shards::new(context).find(|shard| shard.id == id)
}

/// True when the context has shards that are not global ones.
pub fn has_legacy_shards(context: &[u8]) -> bool {
    Shards::new(context).any(|shard| !shard.is_global)
}

/// Appends the context of one global shard: what a node writes when it counts.
pub fn put_global(out: &mut Vec<u8>, id: Uuid, clock: i64, count: i64) {
    out.extend_from_slice(&1_i16.to_be_bytes());
    out.extend_from_slice(&i16::MIN.to_be_bytes());
    put_shard(out, &Shard { id, is_global: true, clock, count });
}

fn put_shard(out: &mut Vec<u8>, shard: &Shard) {
    out.extend_from_slice(shard.id.as_bytes());
    out.extend_from_slice(&shard.clock.to_be_bytes());
    out.extend_from_slice(&shard.count.to_be_bytes());
}

/// The context with its local shards as remote ones; None when it has none of them.
pub fn without_local(context: &[u8]) -> Option<Vec<u8>> {
    let shards = Shards::new(context);
    let local = |entry: &[u8]| entry.first().is_some_and(|byte| byte & 0x80 == 0);
    if !shards.entries.chunks_exact(ENTRY_BYTES).any(local) {
        return None;
    }
    let mut out = Vec::with_capacity(context.len());
    put(&mut out, shards);
    Some(out)
}

/// Appends a context of these shards.
fn put(out: &mut Vec<u8>, shards: impl Iterator<Item = Shard> + Clone) {
    let globals = shards.clone().filter(|shard| shard.is_global).count();
    // An index has 15 bits: a cluster of more nodes than that has other troubles.
    out.extend_from_slice(&(globals as u16).to_be_bytes());
    for (index, _) in shards.clone().enumerate().filter(|(_, shard)| shard.is_global) {
        out.extend_from_slice(&(index as u16 | 0x8000).to_be_bytes());
    }
    shards.for_each(|shard| put_shard(out, &shard));
}

/// Appends the context that both stand for: of each node the shard that wins.
pub fn merge(a: &[u8], b: &[u8], out: &mut Vec<u8>) {
    put(out, Merged { a: Shards::new(a), b: Shards::new(b), left: None, right: None }.begun());
}

/// The winners of two contexts.
#[derive(Clone, Debug)]
struct Merged<'a> {
    a: Shards<'a>,
    b: Shards<'a>,
    left: Option<Shard>,
    right: Option<Shard>,
}

impl Merged<'_> {
    fn begun(mut self) -> Self {
        (self.left, self.right) = (self.a.next(), self.b.next());
        self
    }
}

impl Iterator for Merged<'_> {
    type Item = Shard;

    fn next(&mut self) -> Option<Shard> {
        let order = match (&self.left, &self.right) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left.id.cmp(&right.id),
        };
        let left = if order.is_le() { std::mem::replace(&mut self.left, self.a.next()) } else { None };
        let right = if order.is_ge() { std::mem::replace(&mut self.right, self.b.next()) } else { None };
        match (left, right) {
            (Some(left), Some(right)) => Some(if right.rank() > left.rank() { right } else { left }),
            (left, right) => left.or(right),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn context(shards: &[(u128, bool, i64, i64)]) -> Vec<u8> {
        let shards = shards.iter().map(|(id, is_global, clock, count)| Shard {
            id: Uuid::from_u128(*id),
            is_global: *is_global,
            clock: *clock,
            count: *count,
        });
        let mut out = Vec::new();
        put(&mut out, shards);
        assert!(is_context(&out), "{out:02x?}");
        out
    }

    fn merged(a: &[u8], b: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        merge(a, b, &mut out);
        assert!(is_context(&out), "{out:02x?}");
        out
    }

    #[test]
    fn shards_of_one_node_are_replaced_and_those_of_others_added() {
        let check = |a: &[(u128, bool, i64, i64)], b: &[(u128, bool, i64, i64)], value| {
            let (a, b) = (context(a), context(b));
            assert_eq!(total(&merged(&a, &b)), value, "{a:02x?} {b:02x?}");
            assert_eq!(merged(&a, &b), merged(&b, &a));
        };
        check(&[], &[], 0);
        check(&[(1, true, 5, 10)], &[], 10);
        check(&[(1, true, 5, 10)], &[(1, true, 6, 3)], 3);
        check(&[(1, true, 5, 10)], &[(1, true, 5, 11)], 11);
        check(&[(1, true, 5, 10)], &[(2, true, 1, 7)], 17);
        check(&[(1, true, 5, 10), (3, true, 1, 1)], &[(2, true, 1, 7), (3, true, 2, 2)], 19);
        check(&[(1, true, 1, 10)], &[(1, false, 9, 99)], 10);
        check(&[(1, true, 1, i64::MAX)], &[(2, true, 1, 1)], i64::MIN);
    }

    #[test]
    fn the_bytes_are_cassandras() {
        let mut one = Vec::new();
        put_global(&mut one, Uuid::from_u128(0x0102), 3, -1);
        let mut expected = vec![0, 1, 0x80, 0];
        expected.extend_from_slice(&0x0102_u128.to_be_bytes());
        expected.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 3, 255, 255, 255, 255, 255, 255, 255, 255]);
        assert_eq!(one, expected);
        assert_eq!(one, context(&[(0x0102, true, 3, -1)]));
        assert_eq!(context(&[(1, false, 1, 1), (2, true, 1, 1)])[..4], [0, 1, 0x80, 1]);
        assert_eq!(shard_of(&one, Uuid::from_u128(0x0102)).map(|shard| (shard.clock, shard.count)), Some((3, -1)));
        assert_eq!(shard_of(&one, Uuid::from_u128(3)), None);
        assert!(!has_legacy_shards(&one) && has_legacy_shards(&context(&[(1, false, 1, 1)])));
    }

    #[test]
    fn local_shards_become_remote_ones() {
        let remote = context(&[(1, false, 4, 5), (2, true, 6, 7)]);
        let mut local = vec![0, 2, 0, 0, 0x80, 1];
        local.extend_from_slice(&remote[4..]);
        assert!(is_context(&local));
        assert_eq!(total(&local), 12);
        assert_eq!(without_local(&local), Some(remote.clone()));
        // To be cleared: a negative count.
        local[..2].copy_from_slice(&(-2_i16).to_be_bytes());
        assert_eq!(without_local(&local), Some(remote.clone()));
        assert_eq!(without_local(&remote), None);
    }

    #[test]
    fn what_is_no_context_is_told_and_counts_nothing() {
        let sound = context(&[(1, true, 4, 5), (2, true, 6, 7)]);
        for cut in 1..sound.len() {
            assert!(!is_context(&sound[..cut]), "cut at {cut}");
            assert_eq!(total(&sound[..cut]), 0);
        }
        let mut unordered = sound.clone();
        unordered[6 + 15] = 9;
        assert!(!is_context(&unordered));
        let mut beyond = sound.clone();
        beyond[5] = 2;
        assert!(!is_context(&beyond));
        assert!(!is_context(&7_i64.to_be_bytes()), "a number is not taken for a context");
    }

    /// Few ids, clocks and counts, so that ties abound.
    fn contexts() -> impl Strategy<Value = Vec<u8>> {
        let shard = (any::<bool>(), 0..3_i64, 0..3_i64);
        proptest::collection::btree_map(0..4_u128, shard, 0..4).prop_map(|shards| {
            let shards = shards.iter().map(|(id, (global, clock, count))| (*id, *global, *clock, *count));
            context(&shards.collect::<Vec<_>>())
        })
    }

    proptest! {
        #[test]
        fn merging_is_commutative_associative_idempotent(a in contexts(), b in contexts(), c in contexts()) {
            prop_assert_eq!(merged(&a, &b), merged(&b, &a));
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            prop_assert_eq!(merged(&a, &a), a.clone());
            prop_assert_eq!(merged(&merged(&a, &b), &b), merged(&a, &b));
        }
    }
}
