//! The bloom filter, `Filter.db` (Cassandra: `BloomFilterSerializer`).

use helenus_model::codec::{DecodeError, Reader};
use helenus_model::token::murmur3_x64_128;

/// Bits beyond what the keys need.
const EXCESS_BITS: u64 = 20;
/// Most bits a key.
const BITS_PER_KEY_MAX: u32 = 20;
/// Most hash rounds that a file may ask for.
const ROUNDS_MAX: i32 = 64;

/// A set of partition keys that is sometimes wrong about what is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BloomFilter {
    rounds: i32,
    bits: Box<[u8]>,
}

/// Share of false positives with `bits` a key and `rounds` hashes, to three digits as in Cassandra's table.
fn false_positives(bits: u32, rounds: u32) -> f64 {
    let exact = (1.0 - (-f64::from(rounds) / f64::from(bits)).exp()).powi(rounds as i32);
    let digit = 10_f64.powf(exact.log10().floor() - 2.0);
    (exact / digit).round() * digit
}

/// Fewest bits a key and hash rounds for a share of false positives, as Cassandra's `BloomCalculations` chooses them.
fn specification(chance: f64) -> (u32, u32) {
    const BEST_ROUNDS: [u32; 16] = [1, 1, 1, 2, 3, 3, 4, 5, 5, 6, 7, 8, 8, 8, 8, 8];
    let best = |bits: u32| BEST_ROUNDS.get(bits as usize).copied().unwrap_or(8);
    let mut bits = 2;
    while bits < BITS_PER_KEY_MAX && false_positives(bits, best(bits)) > chance * (1.0 + 1e-9) {
        bits += 1;
    }
    let mut rounds = best(bits);
    while rounds > 1 && false_positives(bits, rounds - 1) <= chance * (1.0 + 1e-9) {
        rounds -= 1;
    }
    (bits, rounds)
}

impl BloomFilter {
    /// For about `keys` keys; None when the chance is 1 or more, as a filter would say nothing.
    pub(super) fn new(keys: u64, chance: f64) -> Option<Self> {
        if chance >= 1.0 {
            return None;
        }
        let (bits, rounds) = specification(chance);
        let words = keys.max(1).saturating_mul(u64::from(bits)).saturating_add(EXCESS_BITS).div_ceil(64);
        let words = words.min(i32::MAX as u64 / 8);
        Some(BloomFilter { rounds: rounds as i32, bits: vec![0; words as usize * 8].into() })
    }

    fn places(&self, key: &[u8]) -> impl Iterator<Item = u64> + use<> {
        let [step, mut base] = murmur3_x64_128(key, 0);
        let capacity = self.bits.len() as i64 * 8;
        (0..self.rounds).map(move |_| {
            let place = (base % capacity).unsigned_abs();
            base = base.wrapping_add(step);
            place
        })
    }

    pub(super) fn add(&mut self, key: &[u8]) {
        for place in self.places(key) {
            self.bits[(place >> 3) as usize] |= 1 << (place & 7);
        }
    }

    /// False when the key was surely not added.
    #[inline]
    pub(super) fn may_contain(&self, key: &[u8]) -> bool {
        let [step, mut base] = murmur3_x64_128(key, 0);
        let capacity = self.bits.len() as i64 * 8;
        for _ in 0..self.rounds {
            let place = (base % capacity).unsigned_abs();
            if self.bits[(place >> 3) as usize] & (1 << (place & 7)) == 0 {
                return false;
            }
            base = base.wrapping_add(step);
        }
        true
    }

    pub(super) fn memory(&self) -> usize {
        self.bits.len()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(8 + self.bits.len());
        out.extend_from_slice(&self.rounds.to_be_bytes());
        out.extend_from_slice(&((self.bits.len() / 8) as i32).to_be_bytes());
        out.extend_from_slice(&self.bits);
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let rounds = reader.i32()?;
        let words = reader.i32()?;
        let length = usize::try_from(words).ok().filter(|words| *words > 0).and_then(|words| words.checked_mul(8));
        if !(1..=ROUNDS_MAX).contains(&rounds) || length != Some(reader.remaining()) {
            return Err(reader.invalid("size of the bloom filter"));
        }
        Ok(BloomFilter { rounds, bits: reader.rest().into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_cassandras() {
        for (chance, bits, rounds) in [(0.01, 10, 5), (0.1, 5, 3), (0.001, 15, 7)] {
            assert_eq!(specification(chance), (bits, rounds), "{chance}");
        }
        assert_eq!(BloomFilter::new(1, 1.0), None);
        assert_eq!(BloomFilter::new(100, 0.01).map(|filter| filter.memory()), Some(16 * 8));
    }

    #[test]
    fn keys_are_found_and_few_others() {
        let mut filter = BloomFilter::new(1000, 0.01).expect("a filter");
        let key = |i: u32| i.wrapping_mul(0x9e37_79b9).to_be_bytes();
        (0..1000).for_each(|i| filter.add(&key(i)));
        let filter = BloomFilter::decode(&filter.encode()).expect("reads back");
        assert!((0..1000).all(|i| filter.may_contain(&key(i))));
        let wrong = (1000..11_000).filter(|i| filter.may_contain(&key(*i))).count();
        assert!(wrong < 200, "{wrong} of 10000");
    }
}
