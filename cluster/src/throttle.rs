//! So many bytes a second and no more.

use std::sync::atomic::{AtomicU64, Ordering};

/// Hands out permission for bytes at a rate. One piece may be larger than a second's worth: what follows waits for it.
#[derive(Debug, Default)]
pub struct Throttle {
    /// When the next piece may go, monotonic microseconds.
    free_at: AtomicU64,
}

impl Throttle {
    /// True when the next piece may go.
    pub fn is_free(&self, now_micros: u64) -> bool {
        self.free_at.load(Ordering::Relaxed) <= now_micros
    }

    /// Notes that `bytes` go, at `rate` bytes a second; 0 is no limit.
    pub fn charge(&self, now_micros: u64, bytes: usize, rate: u64) {
        if rate == 0 {
            return;
        }
        let cost = (bytes as u64).saturating_mul(1_000_000) / rate;
        // Time in which nothing went is not saved up beyond a tick, so that what follows a pause is no burst.
        let from = self.free_at.load(Ordering::Relaxed).max(now_micros.saturating_sub(SAVED_MICROS_MAX));
        self.free_at.store(from.saturating_add(cost), Ordering::Relaxed);
    }
}

/// One node's part of a rate for the whole cluster; 0 stays no limit.
pub fn part_of(rate: u64, nodes: usize) -> u64 {
    if rate == 0 { 0 } else { (rate / (nodes.max(1) as u64)).max(1) }
}

/// Callers look every ten milliseconds; what they could have sent since then is theirs.
const SAVED_MICROS_MAX: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that pass in a second of ten-millisecond ticks.
    fn passed(piece: usize, rate: u64) -> usize {
        let throttle = Throttle::default();
        let mut bytes = 0;
        for tick in 1..=100 {
            let mut pieces = 0;
            while pieces < 1_000 && throttle.is_free(tick * 10_000) {
                throttle.charge(tick * 10_000, piece, rate);
                bytes += piece;
                pieces += 1;
            }
        }
        bytes
    }

    #[test]
    fn the_rate_is_kept() {
        let check = |piece, rate, least, most| {
            let found = passed(piece, rate);
            assert!((least..=most).contains(&found), "{piece} at {rate}: {found}");
        };
        check(100, 100_000, 98_000, 102_000);
        check(5_000, 100_000, 95_000, 105_000);
        check(1_000_000, 100_000, 1_000_000, 1_000_000);
        check(10, 0, 1_000_000, 1_000_000);
    }
}
