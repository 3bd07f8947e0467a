//! `Summary.db`: every n-th key of the index (Cassandra: `IndexSummary`).

use helenus_model::codec::{DecodeError, Reader};
use helenus_model::key::KeyRef;
use helenus_model::token::Token;

use super::write_error::SsTableWriteError;

const FULL_SAMPLING: i32 = 128;

/// The sample, in memory: keys one after the other, tokens beside them for the search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    tokens: Vec<Token>,
    keys: Vec<u8>,
    /// Where each key ends in `keys`.
    ends: Vec<u32>,
    /// Where each key's entry starts in Index.db.
    positions: Vec<u64>,
    /// First key of the file.
    pub(super) first: Box<[u8]>,
    /// Last key of the file.
    pub(super) last: Box<[u8]>,
    interval: u32,
    partitions_at_full_sampling: u32,
}

impl Summary {
    pub(super) fn len(&self) -> usize {
        self.positions.len()
    }

    pub(super) fn key(&self, i: usize) -> &[u8] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] as usize };
        &self.keys[start..self.ends[i] as usize]
    }

    pub(super) fn position(&self, i: usize) -> Option<u64> {
        self.positions.get(i).copied()
    }

    /// The last sample at or before `key`; None when the key lies before the first.
    #[inline]
    pub(super) fn floor(&self, key: KeyRef<'_>) -> Option<usize> {
        self.partition_point(|token, bytes| (token, bytes) <= (key.token, key.key)).checked_sub(1)
    }

    /// Number of samples from the start for which `before` holds.
    pub(super) fn partition_point(&self, before: impl Fn(Token, &[u8]) -> bool) -> usize {
        let (mut low, mut high) = (0, self.tokens.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if before(self.tokens[middle], self.key(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    pub(super) fn memory(&self) -> usize {
        self.tokens.len() * 20 + self.keys.len()
    }

    pub(super) fn decode(bytes: &[u8], index_length: u64) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let interval = reader.u32()?;
        let count = reader.u32()? as usize;
        let memory = reader.u64()?;
        reader.i32()?;
        let partitions_at_full_sampling = reader.u32()?;
        let memory = usize::try_from(memory).map_err(|_| reader.invalid("memory size"))?;
        let entries = reader.take(memory)?;
        if count > memory / 4 {
            return Err(reader.invalid("count of entries"));
        }
        let mut summary = Summary { interval, partitions_at_full_sampling, ..Summary::default() };
        let offset = |i: usize| match entries.get(4 * i..4 * i + 4) {
            Some(&[a, b, c, d]) if i < count => u32::from_le_bytes([a, b, c, d]) as usize,
            _ => memory,
        };
        for i in 0..count {
            let entry = entries.get(offset(i)..offset(i + 1)).and_then(|entry| entry.split_last_chunk::<8>());
            let Some((key, position)) = entry else { return Err(reader.invalid("entry offset")) };
            let position = u64::from_le_bytes(*position);
            if position >= index_length {
                return Err(reader.invalid("index position"));
            }
            summary.push(key, position);
        }
        summary.first = take32(&mut reader)?.into();
        summary.last = take32(&mut reader)?.into();
        reader.finish()?;
        let ordered = (1..count).all(|i| {
            (summary.tokens[i - 1], summary.key(i - 1)) < (summary.tokens[i], summary.key(i))
                && summary.positions[i - 1] < summary.positions[i]
        });
        if count == 0 || !ordered {
            return Err(reader.invalid("order of entries"));
        }
        Ok(summary)
    }

    fn push(&mut self, key: &[u8], position: u64) {
        self.tokens.push(Token::of_key(key));
        self.keys.extend_from_slice(key);
        self.ends.push(self.keys.len() as u32);
        self.positions.push(position);
    }
}

fn take32<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let length = reader.u32()? as usize;
    reader.take(length)
}

/// Samples keys as they are written.
#[derive(Debug)]
pub(super) struct SummaryBuilder {
    summary: Summary,
    partitions: u64,
}

impl SummaryBuilder {
    /// `interval`: `min_index_interval` of the table.
    pub(super) fn new(interval: i32) -> Self {
        let interval = u32::try_from(interval).unwrap_or(128).max(1);
        SummaryBuilder { summary: Summary { interval, ..Summary::default() }, partitions: 0 }
    }

    pub(super) fn add(&mut self, key: &[u8], index_position: u64) {
        if self.partitions.is_multiple_of(u64::from(self.summary.interval)) {
            self.summary.push(key, index_position);
        }
        if self.partitions == 0 {
            self.summary.first = key.into();
        }
        self.partitions += 1;
    }

    /// The summary of what was added; `last` is the last key.
    pub(super) fn finish(mut self, last: &[u8]) -> Summary {
        self.summary.last = last.into();
        self.summary.partitions_at_full_sampling = self.summary.positions.len() as u32;
        self.summary
    }
}

impl Summary {
    pub(super) fn encode(&self) -> Result<Vec<u8>, SsTableWriteError> {
        let count = self.len();
        let memory = count * (4 + 8) + self.keys.len();
        if i32::try_from(memory).is_err() {
            return Err(SsTableWriteError::TooLarge("index summary"));
        }
        let mut out = Vec::with_capacity(memory + 64);
        out.extend_from_slice(&self.interval.to_be_bytes());
        out.extend_from_slice(&(count as u32).to_be_bytes());
        out.extend_from_slice(&(memory as u64).to_be_bytes());
        out.extend_from_slice(&FULL_SAMPLING.to_be_bytes());
        out.extend_from_slice(&self.partitions_at_full_sampling.to_be_bytes());
        let mut offset = 4 * count;
        for i in 0..count {
            out.extend_from_slice(&(offset as u32).to_le_bytes());
            offset += self.key(i).len() + 8;
        }
        for (i, position) in self.positions.iter().enumerate() {
            out.extend_from_slice(self.key(i));
            out.extend_from_slice(&position.to_le_bytes());
        }
        for key in [&self.first, &self.last] {
            out.extend_from_slice(&(key.len() as u32).to_be_bytes());
            out.extend_from_slice(key);
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_back_and_are_found() {
        let mut keys: Vec<Vec<u8>> = (0..1000_u32).map(|i| i.to_be_bytes()[..].repeat(1 + i as usize % 3)).collect();
        keys.sort_by_key(|key| KeyRef::new(key).to_owned());
        let mut builder = SummaryBuilder::new(128);
        for (i, key) in keys.iter().enumerate() {
            builder.add(key, i as u64 * 10);
        }
        let summary = builder.finish(&keys[999]);
        assert_eq!(summary.len(), 8);
        let bytes = summary.encode().expect("small");
        assert_eq!(Summary::decode(&bytes, 10_000).as_ref(), Ok(&summary));
        assert!(Summary::decode(&bytes, 100).is_err());
        for (i, key) in keys.iter().enumerate() {
            assert_eq!(summary.floor(KeyRef::new(key)), Some(i / 128), "key {i}");
        }
        for cut in 0..bytes.len() {
            assert!(Summary::decode(&bytes[..cut], 10_000).is_err(), "cut at {cut}");
        }
    }
}
