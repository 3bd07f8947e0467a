//! Places of entries of Index.db between two samples of the summary, learned where reads pass by: a later read of a key near them looks
//! through a few entries instead of a whole interval. They are kept in memory only, so that files stay as Cassandra writes them.

use std::sync::OnceLock;

use helenus_model::token::Token;

/// Entries between two landmarks.
pub(super) const STEP: usize = 8;

/// An entry that was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Landmark {
    /// Of its key.
    pub(super) token: Token,
    /// Where it starts, counted from the interval's start.
    pub(super) offset: u32,
}

/// The landmarks of every interval that was walked once.
#[derive(Debug)]
pub(super) struct Landmarks {
    intervals: Box<[OnceLock<Box<[Landmark]>>]>,
}

impl Landmarks {
    /// Of a file with so many samples; nothing is learned yet.
    pub(super) fn new(samples: usize) -> Self {
        Landmarks { intervals: (0..samples).map(|_| OnceLock::new()).collect() }
    }

    /// True when the interval behind this sample was walked.
    pub(super) fn knows(&self, sample: usize) -> bool {
        self.intervals.get(sample).is_some_and(|interval| interval.get().is_some())
    }

    /// Keeps what was learned of an interval, unless another reader was faster. The landmarks are in the order of the file.
    pub(super) fn keep(&self, sample: usize, found: Vec<Landmark>) {
        debug_assert!(
            found.is_sorted_by_key(|landmark| (landmark.token, landmark.offset)),
            "entries are in ring order"
        );
        if let Some(interval) = self.intervals.get(sample) {
            // Whoever was first saw the same file.
            let _kept = interval.set(found.into());
        }
    }

    /// The part of an interval `from..to` in which a key of this token can be.
    #[inline]
    pub(super) fn narrow(&self, sample: usize, token: Token, from: u64, to: u64) -> (u64, u64) {
        let Some(known) = self.intervals.get(sample).and_then(OnceLock::get) else { return (from, to) };
        // Several keys may have one token: all of them lie behind the last landmark before it and before the first one after it.
        let before = known.partition_point(|landmark| landmark.token < token);
        let behind = known.partition_point(|landmark| landmark.token <= token);
        let place = |landmark: &Landmark| from + u64::from(landmark.offset);
        let low = before.checked_sub(1).and_then(|at| known.get(at));
        (low.map_or(from, place), known.get(behind).map_or(to, place))
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        let known = self.intervals.iter().filter_map(OnceLock::get).map(|known| size_of_val::<[Landmark]>(known));
        size_of_val::<[_]>(&self.intervals) + known.sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn landmarks(tokens: &[i64]) -> Landmarks {
        let all = Landmarks::new(2);
        let offsets = (1..).map(|at| at * 100);
        all.keep(
            1,
            tokens.iter().zip(offsets).map(|(token, offset)| Landmark { token: Token(*token), offset }).collect(),
        );
        all
    }

    #[test]
    fn an_interval_is_narrowed_to_where_a_token_can_be() {
        let known = landmarks(&[10, 20, 20, 30]);
        let table = [
            (5, (1_000, 1_100)),
            (10, (1_000, 1_200)),
            (15, (1_100, 1_200)),
            // Its keys may lie before, between and behind the two landmarks.
            (20, (1_100, 1_400)),
            (25, (1_300, 1_400)),
            (30, (1_300, 2_000)),
            (35, (1_400, 2_000)),
        ];
        for (token, expected) in table {
            assert_eq!(known.narrow(1, Token(token), 1_000, 2_000), expected, "{token}");
        }
        assert!(known.knows(1) && !known.knows(0) && !known.knows(2));
        assert_eq!(known.narrow(0, Token(20), 0, 1_000), (0, 1_000), "nothing learned");
        assert_eq!(landmarks(&[]).narrow(1, Token(20), 1_000, 2_000), (1_000, 2_000), "fewer entries than a step");
    }
}
