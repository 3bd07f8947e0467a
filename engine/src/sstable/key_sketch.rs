//! A HyperLogLog++ sketch of the partition keys (p = 13, sp = 25), which compaction uses to foresee how many keys a merge will
//! have (Cassandra: `CompactionMetadata`).

use std::collections::BTreeSet;

const P: u32 = 13;
const SP: u32 = 25;
const REGISTERS: usize = 1 << P;
/// Sparse entries kept before the registers alone are.
const SPARSE_MAX: usize = 3000;
const FORMAT_NORMAL: u64 = 0;
const FORMAT_SPARSE: u64 = 1;

/// The sketch while it is built.
#[derive(Clone, Debug)]
pub(super) struct KeySketch {
    registers: Box<[u8]>,
    /// By index, then entry; None once there are too many.
    sparse: Option<BTreeSet<(u32, u32)>>,
}

/// MurmurHash2-64A with seed 0, whose tail bytes are sign-extended, as Cassandra's is.
fn murmur2_64(bytes: &[u8]) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    let mut hash = M.wrapping_mul(bytes.len() as u64);
    let (words, tail) = bytes.as_chunks::<8>();
    for word in words {
        let mut k = u64::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 47;
        hash = (hash ^ k.wrapping_mul(M)).wrapping_mul(M);
    }
    if !tail.is_empty() {
        for (i, byte) in tail.iter().enumerate() {
            hash ^= (i64::from(*byte as i8) as u64) << (8 * i);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 47;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 47)
}

/// 1 + the leading zeros of what lies below the register's index.
fn run(hash: u64) -> u32 {
    ((hash << P) | (1 << (P - 1))).leading_zeros() + 1
}

fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

impl KeySketch {
    pub(super) fn new() -> Self {
        KeySketch { registers: vec![0; REGISTERS].into(), sparse: Some(BTreeSet::new()) }
    }

    pub(super) fn add(&mut self, key: &[u8]) {
        let hash = murmur2_64(key);
        let register = (hash >> (64 - P)) as usize;
        let run = run(hash);
        self.registers[register] = self.registers[register].max(run.min(31) as u8);
        if let Some(sparse) = &mut self.sparse {
            let index = (hash >> (64 - SP)) as u32;
            let entry = if index & 0xfff != 0 { index << 1 } else { (index << 7) | ((run ^ 63) << 1) | 1 };
            // Of one index the entry with the longer run counts; runs differ only where the low bits are zero.
            sparse.insert((index, entry));
            if sparse.len() > SPARSE_MAX {
                self.sparse = None;
            }
        }
    }

    /// The compaction part of Statistics.db: the sketch behind its i32 length.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut sketch = (-2_i32).to_be_bytes().to_vec();
        put_varint(&mut sketch, P);
        put_varint(&mut sketch, SP);
        match &self.sparse {
            Some(entries) => {
                put_varint(&mut sketch, FORMAT_SPARSE as u32);
                put_varint(&mut sketch, entries.len() as u32);
                let mut last = 0_u32;
                for (_, entry) in entries {
                    put_varint(&mut sketch, entry.wrapping_sub(last));
                    last = *entry;
                }
            }
            None => {
                put_varint(&mut sketch, FORMAT_NORMAL as u32);
                put_varint(&mut sketch, (REGISTERS.div_ceil(6) * 4) as u32);
                for six in self.registers.chunks(6) {
                    let word =
                        six.iter().enumerate().fold(0_u32, |word, (i, value)| word | u32::from(*value) << (5 * i));
                    sketch.extend_from_slice(&word.to_be_bytes());
                }
            }
        }
        let mut out = (sketch.len() as i32).to_be_bytes().to_vec();
        out.extend_from_slice(&sketch);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_keys_are_sparse_and_many_are_registers() {
        let mut sketch = KeySketch::new();
        for i in 0..100_u32 {
            sketch.add(&i.to_be_bytes());
            sketch.add(&i.to_be_bytes());
        }
        let bytes = sketch.encode();
        assert_eq!(&bytes[4..11], [0xff, 0xff, 0xff, 0xfe, 13, 25, 1]);
        assert_eq!(bytes[11], 100);
        for i in 100..10_000_u32 {
            sketch.add(&i.to_be_bytes());
        }
        let bytes = sketch.encode();
        assert_eq!(bytes.len(), 4 + 4 + 3 + 2 + 5464);
        // The estimate from the registers is near the truth.
        let sum: f64 = sketch.registers.iter().map(|r| 2_f64.powi(-i32::from(*r))).sum();
        let estimate = 0.7213 / (1.0 + 1.079 / 8192.0) * 8192.0 * 8192.0 / sum;
        assert!((8_000.0..14_000.0).contains(&estimate), "{estimate}");
    }
}
