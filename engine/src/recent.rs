//! How far the log must be durable before what a read has seen may be told: a write is in the memtable before its record is on the
//! device, and a power cut in between would take back what was shown.
//!
//! A fixed number of slots by token, each with the end of the last record of its tokens. A read of a partition looks at one, a scan at
//! all. Two tokens of one slot may wait for each other's records, never less than for their own.

use std::sync::atomic::{AtomicU64, Ordering};

use helenus_model::key::KeyRef;
use helenus_model::read::ReadScope;
use helenus_model::token::Token;

use crate::log::LogPosition;

const SLOTS: usize = 4096;

/// See the module.
#[derive(Debug)]
pub(crate) struct RecentWrites {
    slots: Box<[AtomicU64]>,
}

impl RecentWrites {
    pub(crate) fn new() -> Self {
        RecentWrites { slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Tokens are hashes already.
    fn slot(&self, token: Token) -> &AtomicU64 {
        &self.slots[token.0 as usize % SLOTS]
    }

    /// A record of this token ends there. Call it before the write can be read.
    #[inline]
    pub(crate) fn note(&self, token: Token, end: LogPosition) {
        self.slot(token).fetch_max(end.to_u64(), Ordering::Release);
    }

    /// The end of the last record of what a read may have seen; call it after the read.
    pub(crate) fn newest(&self, scope: &ReadScope) -> LogPosition {
        let newest = match scope {
            ReadScope::Partition { key } => self.slot(KeyRef::new(key).token).load(Ordering::Acquire),
            ReadScope::Range { .. } => self.slots.iter().map(|slot| slot.load(Ordering::Acquire)).max().unwrap_or(0),
        };
        LogPosition::from_u64(newest)
    }
}

#[cfg(test)]
mod tests {
    use helenus_model::key::RingPosition;

    use super::*;

    #[test]
    fn a_read_waits_for_the_last_record_of_its_key_and_a_scan_for_all() {
        let recent = RecentWrites::new();
        let at = |offset| LogPosition { segment: 1, offset };
        let key = |key: &[u8]| ReadScope::Partition { key: Box::from(key) };
        let token = |key: &[u8]| KeyRef::new(key).token;
        for (name, offset) in [(b"a", 10), (b"b", 30), (b"a", 20)] {
            recent.note(token(name), at(offset));
        }
        let all = ReadScope::Range { start: RingPosition::FIRST, end: RingPosition::LAST, resume: None };
        for (scope, expected) in
            [(key(b"a"), at(20)), (key(b"b"), at(30)), (key(b"c"), LogPosition::ZERO), (all, at(30))]
        {
            assert_eq!(recent.newest(&scope), expected, "{scope:?}");
        }
    }
}
