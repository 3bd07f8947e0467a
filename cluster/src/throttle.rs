//! So many bytes a second and no more.

use std::sync::atomic::{AtomicU64, Ordering};

/// Hands out permission for bytes at a rate. One piece may be larger than a second's worth: what follows waits for it.
#[derive(Debug, Default)]
pub struct Throttle {
    /// When the next piece may go, monotonic microseconds.
    free_at: AtomicU64,
}

impl Throttle {
    /// Takes `bytes` at `rate` bytes a second; 0 is no limit. False: not yet.
    pub fn take(&self, now_micros: u64, bytes: usize, rate: u64) -> bool {
        if rate == 0 {
            return true;
        }
        let free_at = self.free_at.load(Ordering::Relaxed);
        if free_at > now_micros {
            return false;
        }
        let cost = (bytes as u64).saturating_mul(1_000_000) / rate;
        // Time in which nothing went is not saved up beyond a tick, so that what follows a pause is no burst.
        let from = free_at.max(now_micros.saturating_sub(SAVED_MICROS_MAX));
        self.free_at.store(from.saturating_add(cost), Ordering::Relaxed);
        true
    }
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
            while pieces < 1_000 && throttle.take(tick * 10_000, piece, rate) {
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
