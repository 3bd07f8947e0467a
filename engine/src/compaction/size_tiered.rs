//! SizeTieredCompactionStrategy: SSTables of about one size are merged.

use crate::manifest::Generation;

/// Options of the strategy, with Cassandra's names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SizeTieredOptions {
    /// Fewest SSTables of one size to merge.
    pub(crate) min_threshold: usize,
    /// Most SSTables to merge at once.
    pub(crate) max_threshold: usize,
    /// A file belongs to a bucket if it is larger than this times the bucket's average …
    pub(crate) bucket_low: f64,
    /// … and smaller than this times it.
    pub(crate) bucket_high: f64,
    /// Files smaller than this are all of one size, bytes.
    pub(crate) min_sstable_size: u64,
}

/// An SSTable that no compaction works on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    /// Which.
    pub(crate) generation: Generation,
    /// Bytes of its data.
    pub(crate) bytes: u64,
    /// Worth a compaction of its own for the tombstones it could drop.
    pub(crate) droppable: bool,
}

#[derive(Debug)]
struct Bucket {
    average: f64,
    members: Vec<Candidate>,
}

/// The SSTables to merge now; none when there is nothing to do. Of several sizes the smallest is taken: it costs least and
/// helps reads as much.
pub(crate) fn choose(candidates: &[Candidate], options: &SizeTieredOptions) -> Vec<Generation> {
    let buckets = buckets(candidates, options);
    let ready = buckets.iter().filter(|bucket| bucket.members.len() >= options.min_threshold.max(2));
    if let Some(bucket) = ready.min_by(|a, b| a.average.total_cmp(&b.average)) {
        return bucket.members.iter().take(options.max_threshold.max(2)).map(|member| member.generation).collect();
    }
    let droppable = candidates.iter().filter(|candidate| candidate.droppable);
    droppable
        .max_by_key(|candidate| (candidate.bytes, candidate.generation))
        .map(|c| c.generation)
        .into_iter()
        .collect()
}

fn buckets(candidates: &[Candidate], options: &SizeTieredOptions) -> Vec<Bucket> {
    let mut sorted = candidates.to_vec();
    sorted.sort_by_key(|candidate| (candidate.bytes, candidate.generation));
    let small = options.min_sstable_size as f64;
    let mut buckets: Vec<Bucket> = Vec::new();
    for candidate in sorted {
        let size = candidate.bytes as f64;
        let fits = |bucket: &&mut Bucket| {
            (size > bucket.average * options.bucket_low && size < bucket.average * options.bucket_high)
                || (size < small && bucket.average < small)
        };
        match buckets.iter_mut().find(fits) {
            Some(bucket) => {
                let count = bucket.members.len() as f64;
                bucket.average = (bucket.average * count + size) / (count + 1.0);
                bucket.members.push(candidate);
            }
            None => buckets.push(Bucket { average: size, members: vec![candidate] }),
        }
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(sizes: &[u64], droppable: &[usize]) -> Vec<u64> {
        let options = SizeTieredOptions {
            min_threshold: 4,
            max_threshold: 6,
            bucket_low: 0.5,
            bucket_high: 1.5,
            min_sstable_size: 50,
        };
        let candidates: Vec<_> = sizes
            .iter()
            .enumerate()
            .map(|(i, bytes)| Candidate { generation: i as u64, bytes: *bytes, droppable: droppable.contains(&i) })
            .collect();
        choose(&candidates, &options)
    }

    #[test]
    fn files_of_one_size_are_merged() {
        for (sizes, droppable, expected) in [
            (&[][..], &[][..], &[][..]),
            (&[100, 100, 100], &[], &[]),
            (&[100, 110, 90, 100], &[], &[2, 0, 3, 1]),
            // Small files are of one size, whatever it is.
            (&[1, 49, 7, 20, 1000], &[], &[0, 2, 3, 1]),
            // Two sizes are ready: the smaller one.
            (&[1000, 100, 1000, 100, 1000, 100, 1000, 100], &[], &[1, 3, 5, 7]),
            // Not more than the maximum.
            (&[100; 9], &[], &[0, 1, 2, 3, 4, 5]),
            // Nothing of one size, but tombstones to drop: the largest such file.
            (&[100, 1000, 10_000], &[0, 1], &[1]),
            // Each file outside the bucket of the one before.
            (&[100, 200, 400, 800], &[], &[]),
        ] {
            assert_eq!(chosen(sizes, droppable), expected, "{sizes:?}");
        }
    }
}
