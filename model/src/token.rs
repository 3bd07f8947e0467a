//! Tokens of the Murmur3 partitioner.
//!
//! The hash is MurmurHash3 x64-128 as Cassandra wrote it: the bytes of the tail (those after the last whole
//! 16-byte block) are sign-extended before they are shifted, so keys with bytes above 7f in their tail get
//! other tokens than the published algorithm gives. No registry crate does this.

use std::fmt;

const C1: u64 = 0x87c3_7b91_1142_53d5;
const C2: u64 = 0x4cf5_ad43_2745_937f;

/// A position on the ring of the Murmur3 partitioner. `i64::MIN` is the minimum token, which no key has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub i64);

impl Token {
    /// Smaller than the token of any key; as a range's end it means "to the end of the ring".
    pub const MIN: Token = Token(i64::MIN);
    /// The largest token a key can have.
    pub const MAX: Token = Token(i64::MAX);

    /// Token of a partition key in its serialized form. The empty key has the minimum token, as in Cassandra.
    pub fn of_key(key: &[u8]) -> Token {
        if key.is_empty() {
            return Token::MIN;
        }
        let hash = murmur3_x64_128(key, 0)[0];
        Token(if hash == i64::MIN { i64::MAX } else { hash })
    }
}

impl fmt::Display for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Both words of Cassandra's MurmurHash3 x64-128. Bloom filters use both, tokens the first.
pub fn murmur3_x64_128(bytes: &[u8], seed: i64) -> [i64; 2] {
    let mut h1 = seed as u64;
    let mut h2 = seed as u64;
    let (blocks, tail) = bytes.as_chunks::<16>();
    for block in blocks {
        let word = u128::from_le_bytes(*block);
        h1 ^= mix_first(word as u64);
        h1 = h1.rotate_left(27).wrapping_add(h2).wrapping_mul(5).wrapping_add(0x52dc_e729);
        h2 ^= mix_second((word >> 64) as u64);
        h2 = h2.rotate_left(31).wrapping_add(h1).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    if !tail.is_empty() {
        let (low, high) = tail.split_at(tail.len().min(8));
        if !high.is_empty() {
            h2 ^= mix_second(signed_tail(high));
        }
        h1 ^= mix_first(signed_tail(low));
    }
    let length = bytes.len() as u64;
    h1 ^= length;
    h2 ^= length;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    h1 = final_mix(h1);
    h2 = final_mix(h2);
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    [h1 as i64, h2 as i64]
}

fn mix_first(word: u64) -> u64 {
    word.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2)
}

fn mix_second(word: u64) -> u64 {
    word.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1)
}

/// XOR of up to eight little-endian bytes, each sign-extended to 64 bits first: Cassandra's deviation.
fn signed_tail(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0u64, |word, &byte| (word << 8) ^ (byte as i8 as i64 as u64))
}

fn final_mix(mut word: u64) -> u64 {
    word ^= word >> 33;
    word = word.wrapping_mul(0xff51_afd7_ed55_8ccd);
    word ^= word >> 33;
    word = word.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ (word >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(key: &[u8], token: i64) {
        assert_eq!(Token::of_key(key), Token(token), "key {key:02x?}");
    }

    #[test]
    fn known_tokens() {
        check(&[0xff, 1, 2], 3_431_796_732_797_377_213);
        check(b"", i64::MIN);
        check(b"123", -7_468_325_962_851_647_638);
        check(&[0x00, 0xff, 0x10, 0xfa, 0x99].repeat(10), 5_837_342_703_291_459_765);
        check(&[0xfe; 8], -8_927_430_733_708_461_935);
        check(&[0x10; 8], 1_446_172_840_243_228_796);
        check(b"9223372036854775807", 7_162_290_910_810_015_547);
    }

    proptest! {
        #[test]
        fn ascii_keys_hash_as_published(key in proptest::collection::vec(0u8..128, 0..70)) {
            let published = murmur3::murmur3_x64_128(&mut &key[..], 0).unwrap();
            let ours = murmur3_x64_128(&key, 0);
            prop_assert_eq!(ours, [published as u64 as i64, (published >> 64) as u64 as i64]);
        }

        #[test]
        fn tail_equals_the_unfolded_form(key in proptest::collection::vec(any::<u8>(), 1..9)) {
            let unfolded = key.iter().enumerate().fold(0u64, |word, (place, &byte)| word ^ ((byte as i8 as i64 as u64) << (8 * place)));
            prop_assert_eq!(signed_tail(&key), unfolded);
        }
    }
}
