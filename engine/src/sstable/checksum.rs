//! `Helenus.db`: CRC-32 of every block of every other component, itself under a CRC-32.
//!
//! ```text
//! magic "HELS", version u16 = 1, flags u16 (1 some partition has a deletion of its own), partitions u64, components u8,
//! each: component u8, length u64, block size u32, CRC-32 of each block u32; then CRC-32 of all that u32
//! ```
//! Blocks are 64 KiB; those of Index.db 4 KiB, because a point read looks at little more than that.

use helenus_model::codec::{DecodeError, Reader};

use super::component::Component;

const MAGIC: [u8; 4] = *b"HELS";
const VERSION: u16 = 1;
const FLAG_PARTITION_DELETIONS: u16 = 1;

/// Bytes under one CRC, by component.
pub(super) fn block_size(component: Component) -> u32 {
    if component == Component::Index { 4096 } else { 65536 }
}

/// CRC-32s of the blocks of a run of bytes that comes in pieces.
#[derive(Clone, Debug)]
pub(super) struct BlockSums {
    pub(super) block: u32,
    pub(super) length: u64,
    pub(super) sums: Vec<u32>,
    open: crc32fast::Hasher,
}

impl BlockSums {
    pub(super) fn new(block: u32) -> Self {
        BlockSums { block, length: 0, sums: Vec::new(), open: crc32fast::Hasher::new() }
    }

    /// Of a whole component at once.
    pub(super) fn of(component: Component, bytes: &[u8]) -> Self {
        let mut sums = BlockSums::new(block_size(component));
        sums.update(bytes);
        sums.finish();
        sums
    }

    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        let block = u64::from(self.block);
        while !bytes.is_empty() {
            let room = block - self.length % block;
            let (now, later) = bytes.split_at(bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
            self.open.update(now);
            self.length += now.len() as u64;
            if self.length.is_multiple_of(block) {
                self.close();
            }
            bytes = later;
        }
    }

    /// Ends the last, short block.
    pub(super) fn finish(&mut self) {
        if !self.length.is_multiple_of(u64::from(self.block)) {
            self.close();
        }
    }

    fn close(&mut self) {
        let sum = std::mem::replace(&mut self.open, crc32fast::Hasher::new()).finalize();
        self.sums.push(sum);
    }
}

/// What the sidecar says of one component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ComponentSums {
    pub(super) component: Component,
    pub(super) length: u64,
    pub(super) block: u32,
    pub(super) sums: Vec<u32>,
}

impl ComponentSums {
    /// First offset where `bytes`, the whole component, is not what was written.
    pub(super) fn check(&self, bytes: &[u8]) -> Result<(), u64> {
        if bytes.len() as u64 != self.length {
            return Err(self.length.min(bytes.len() as u64));
        }
        for (i, block) in bytes.chunks(self.block.max(1) as usize).enumerate() {
            if self.sums.get(i) != Some(&crc32fast::hash(block)) {
                return Err(i as u64 * u64::from(self.block));
            }
        }
        Ok(())
    }
}

/// The sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sidecar {
    pub(super) partitions: u64,
    pub(super) has_partition_deletions: bool,
    pub(super) components: Vec<ComponentSums>,
}

impl Sidecar {
    pub(super) fn add(&mut self, component: Component, sums: BlockSums) {
        let BlockSums { block, length, sums, .. } = sums;
        self.components.push(ComponentSums { component, length, block, sums });
    }

    pub(super) fn find(&self, component: Component) -> Option<&ComponentSums> {
        self.components.iter().find(|sums| sums.component == component)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&VERSION.to_be_bytes());
        let flags = if self.has_partition_deletions { FLAG_PARTITION_DELETIONS } else { 0 };
        out.extend_from_slice(&flags.to_be_bytes());
        out.extend_from_slice(&self.partitions.to_be_bytes());
        out.push(self.components.len() as u8);
        for component in &self.components {
            out.push(component.component as u8);
            out.extend_from_slice(&component.length.to_be_bytes());
            out.extend_from_slice(&component.block.to_be_bytes());
            for sum in &component.sums {
                out.extend_from_slice(&sum.to_be_bytes());
            }
        }
        let sum = crc32fast::hash(&out);
        out.extend_from_slice(&sum.to_be_bytes());
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let Some((content, sum)) = bytes.split_last_chunk::<4>() else {
            return Err(reader.invalid("length of the sidecar"));
        };
        if crc32fast::hash(content) != u32::from_be_bytes(*sum) {
            return Err(reader.invalid("checksum of the sidecar"));
        }
        reader = Reader::new(content);
        if reader.array::<4>()? != MAGIC || reader.u16()? != VERSION {
            return Err(reader.invalid("magic or version of the sidecar"));
        }
        let flags = reader.u16()?;
        if flags & !FLAG_PARTITION_DELETIONS != 0 {
            return Err(reader.invalid("flags of the sidecar"));
        }
        let partitions = reader.u64()?;
        let mut components = Vec::new();
        for _ in 0..reader.u8()? {
            components.push(Self::component(&mut reader)?);
        }
        reader.finish()?;
        Ok(Sidecar { partitions, has_partition_deletions: flags & FLAG_PARTITION_DELETIONS != 0, components })
    }

    fn component(reader: &mut Reader<'_>) -> Result<ComponentSums, DecodeError> {
        let number = reader.u8()?;
        let component = Component::ALL.into_iter().find(|component| *component as u8 == number);
        let component = component.ok_or_else(|| reader.invalid("component"))?;
        let length = reader.u64()?;
        let block = reader.u32()?;
        if block == 0 {
            return Err(reader.invalid("block size"));
        }
        let count = length.div_ceil(u64::from(block));
        if count > reader.remaining() as u64 / 4 {
            return Err(reader.invalid("block count"));
        }
        let mut sums = Vec::with_capacity(count as usize);
        for _ in 0..count {
            sums.push(reader.u32()?);
        }
        Ok(ComponentSums { component, length, block, sums })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_come_back_and_find_damage() {
        let bytes: Vec<u8> = (0..150_000_u32).map(|i| (i % 251) as u8).collect();
        let mut sidecar = Sidecar { partitions: 3, has_partition_deletions: true, components: Vec::new() };
        for component in [Component::Data, Component::Index] {
            let mut pieces = BlockSums::new(block_size(component));
            for piece in bytes.chunks(777) {
                pieces.update(piece);
            }
            pieces.finish();
            assert_eq!(pieces.sums, BlockSums::of(component, &bytes).sums);
            sidecar.add(component, pieces);
        }
        let encoded = sidecar.encode();
        assert_eq!(Sidecar::decode(&encoded), Ok(sidecar.clone()));
        let sums = sidecar.find(Component::Data).expect("there");
        assert_eq!(sums.check(&bytes), Ok(()));
        assert_eq!(sums.check(&bytes[..149_999]), Err(149_999));
        let mut damaged = bytes.clone();
        damaged[70_000] ^= 1;
        assert_eq!(sums.check(&damaged), Err(65_536));
        for at in 0..encoded.len() {
            let mut damaged = encoded.clone();
            damaged[at] ^= 0x10;
            assert!(Sidecar::decode(&damaged).is_err(), "byte {at}");
            assert!(Sidecar::decode(&encoded[..at]).is_err(), "cut at {at}");
        }
    }
}
