//! The two kinds of histogram in `Statistics.db` (Cassandra: `EstimatedHistogram`, `TombstoneHistogram`).

use std::collections::BTreeMap;

use helenus_model::codec::{DecodeError, Reader};

/// Offsets of the histogram of partition sizes.
pub(super) const SIZE_OFFSETS: usize = 155;
/// Offsets of the histogram of cells a partition.
pub(super) const CELL_OFFSETS: usize = 118;
/// Tombstone times are rounded up to this many seconds.
const ROUND_SECONDS: i64 = 60;
/// Most bins of a tombstone histogram.
const BINS_MAX: usize = 100;
/// Most buckets or bins that a file may have.
const BUCKETS_READ_MAX: usize = 100_000;

/// Counts of values between offsets that grow by a fifth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EstimatedHistogram {
    /// Upper ends, inclusive, of all buckets but the last.
    pub offsets: Vec<i64>,
    /// One more than offsets: the last counts what is larger.
    pub counts: Vec<i64>,
}

impl EstimatedHistogram {
    /// No values, with so many offsets.
    pub fn new(offsets: usize) -> Self {
        let mut list: Vec<i64> = Vec::with_capacity(offsets);
        let mut next = 1_i64;
        for _ in 0..offsets {
            list.push(next);
            let grown = (next as f64 * 1.2).round() as i64;
            next = if grown == next { next + 1 } else { grown };
        }
        EstimatedHistogram { counts: vec![0; list.len() + 1], offsets: list }
    }

    /// Counts a value.
    pub fn add(&mut self, value: i64) {
        let bucket = self.offsets.partition_point(|offset| *offset < value);
        self.counts[bucket] += 1;
    }

    /// Number of values.
    pub fn count(&self) -> i64 {
        self.counts.iter().sum()
    }

    /// The largest bucket's end that has a value; 0 when there is none.
    pub fn max(&self) -> i64 {
        match self.counts.iter().rposition(|count| *count > 0) {
            None => 0,
            Some(bucket) => self.offsets.get(bucket).copied().unwrap_or(i64::MAX),
        }
    }

    /// The least that the smallest value may be; 0 when there is none.
    pub fn min(&self) -> i64 {
        match self.counts.iter().position(|count| *count > 0) {
            None | Some(0) => 0,
            Some(bucket) => self.offsets.get(bucket - 1).map_or(0, |offset| offset + 1),
        }
    }

    /// Mean of the values, each taken as its bucket's end.
    pub fn mean(&self) -> i64 {
        let (mut sum, mut values) = (0_i128, 0_i128);
        for (offset, count) in self.offsets.iter().zip(&self.counts) {
            sum += i128::from(*offset) * i128::from(*count);
            values += i128::from(*count);
        }
        if values == 0 { 0 } else { ((sum + values - 1) / values) as i64 }
    }

    /// The bucket end below which the share `percentile` (0 to 1) of the values lies.
    pub fn percentile(&self, percentile: f64) -> i64 {
        let wanted = (self.count() as f64 * percentile).ceil() as i64;
        let mut seen = 0;
        for (offset, count) in self.offsets.iter().zip(&self.counts) {
            seen += count;
            if seen >= wanted && seen > 0 {
                return *offset;
            }
        }
        0
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.counts.len() as i32).to_be_bytes());
        for (i, count) in self.counts.iter().enumerate() {
            let offset = self.offsets[i.saturating_sub(1)];
            out.extend_from_slice(&offset.to_be_bytes());
            out.extend_from_slice(&count.to_be_bytes());
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = count_of(reader)?;
        let mut histogram =
            EstimatedHistogram { offsets: Vec::with_capacity(count), counts: Vec::with_capacity(count) };
        for i in 0..count {
            let offset = reader.i64()?;
            if i > 0 {
                histogram.offsets.push(offset);
            }
            histogram.counts.push(reader.i64()?);
        }
        Ok(histogram)
    }
}

/// A number of things of 16 bytes each, all of which must be there.
fn count_of(reader: &mut Reader<'_>) -> Result<usize, DecodeError> {
    let count = reader.i32()?;
    match usize::try_from(count) {
        Ok(count) if count <= BUCKETS_READ_MAX && count <= reader.remaining() / 16 => Ok(count),
        _ => Err(reader.invalid("size of a histogram")),
    }
}

/// When how many tombstones (and expiring cells) can be dropped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TombstoneHistogram {
    /// Local deletion time in seconds, and count; ascending.
    pub bins: Vec<(f64, i64)>,
}

impl TombstoneHistogram {
    /// Estimate of the tombstones with times up to `seconds`: bins count as spread evenly between their neighbours.
    pub fn sum_until(&self, seconds: f64) -> f64 {
        let mut sum = 0.0;
        for (i, (point, count)) in self.bins.iter().enumerate() {
            if *point > seconds {
                break;
            }
            match self.bins.get(i + 1) {
                Some((next, next_count)) if *next > seconds => {
                    let share = (seconds - point) / (next - point);
                    let at = *count as f64 + (*next_count as f64 - *count as f64) * share;
                    return sum + *count as f64 / 2.0 + (*count as f64 + at) * share / 2.0;
                }
                _ => sum += *count as f64,
            }
        }
        sum
    }

    /// All tombstones counted.
    pub fn count(&self) -> i64 {
        self.bins.iter().map(|(_, count)| count).sum()
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        for _ in 0..2 {
            out.extend_from_slice(&(self.bins.len() as i32).to_be_bytes());
        }
        for (point, count) in &self.bins {
            out.extend_from_slice(&point.to_be_bytes());
            out.extend_from_slice(&count.to_be_bytes());
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.i32()?;
        let count = count_of(reader)?;
        let mut bins = Vec::with_capacity(count);
        for _ in 0..count {
            let point = f64::from_bits(reader.u64()?);
            bins.push((point, reader.i64()?));
        }
        Ok(TombstoneHistogram { bins })
    }
}

/// Builds a [`TombstoneHistogram`].
#[derive(Clone, Debug, Default)]
pub(super) struct TombstoneCounter {
    bins: BTreeMap<i64, i64>,
}

impl TombstoneCounter {
    pub(super) fn add(&mut self, local: i32) {
        let local = i64::from(local);
        let rounded = local + (ROUND_SECONDS - local.rem_euclid(ROUND_SECONDS)) % ROUND_SECONDS;
        *self.bins.entry(rounded.min(i64::from(i32::MAX) - 1)).or_default() += 1;
        // Merging is rare work: bins may grow to a multiple first.
        if self.bins.len() > BINS_MAX * 4 {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        while self.bins.len() > BINS_MAX {
            let mut nearest: Option<(i64, i64)> = None;
            let mut last = None;
            for point in self.bins.keys().copied() {
                if let Some(last) = last
                    && nearest.is_none_or(|(a, b)| point - last < b - a)
                {
                    nearest = Some((last, point));
                }
                last = Some(point);
            }
            let Some((a, b)) = nearest else { return };
            let (m, n) = (self.bins.remove(&a).unwrap_or(0), self.bins.remove(&b).unwrap_or(0));
            let total = i128::from(m + n).max(1);
            let point = (i128::from(a) * i128::from(m) + i128::from(b) * i128::from(n)) / total;
            *self.bins.entry(point as i64).or_default() += m + n;
        }
    }

    pub(super) fn finish(mut self) -> TombstoneHistogram {
        self.shrink();
        TombstoneHistogram { bins: self.bins.into_iter().map(|(point, count)| (point as f64, count)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_end_where_cassandras_do() {
        assert_eq!(EstimatedHistogram::new(SIZE_OFFSETS).offsets.last(), Some(&3_520_571_548_412));
        assert_eq!(EstimatedHistogram::new(CELL_OFFSETS).offsets.last(), Some(&4_139_110_981));
        assert_eq!(EstimatedHistogram::new(13).offsets, [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20]);
    }

    #[test]
    fn histograms_come_back() {
        let mut histogram = EstimatedHistogram::new(CELL_OFFSETS);
        for value in [0, 1, 2, 9, 10, 11, i64::MAX] {
            histogram.add(value);
        }
        assert_eq!(histogram.counts[..10], [2, 1, 0, 0, 0, 0, 0, 0, 2, 1]);
        assert_eq!(histogram.counts.last(), Some(&1));
        let mut bytes = Vec::new();
        histogram.encode(&mut bytes);
        assert_eq!(EstimatedHistogram::decode(&mut Reader::new(&bytes)), Ok(histogram));

        let mut counter = TombstoneCounter::default();
        (0..100_000).for_each(|i| counter.add(i * 7));
        let tombstones = counter.finish();
        assert_eq!((tombstones.bins.len(), tombstones.count()), (BINS_MAX, 100_000));
        assert!((tombstones.sum_until(350_000.0) - 50_000.0).abs() < 2_000.0);
        let mut bytes = Vec::new();
        tombstones.encode(&mut bytes);
        assert_eq!(TombstoneHistogram::decode(&mut Reader::new(&bytes)), Ok(tombstones));
    }
}
