//! The real clocks.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use helenus_model::time::Now;

/// Both clocks as of now. The monotonic one starts at the first call, at a number above zero, so that zero is "never".
#[inline]
pub fn now() -> Now {
    static START: OnceLock<Instant> = OnceLock::new();
    const FIRST_MICROS: u64 = 1_000_000;
    let elapsed = START.get_or_init(Instant::now).elapsed().as_micros() as u64;
    Now { wall_micros: wall_micros(), monotonic_micros: FIRST_MICROS + elapsed }
}

/// Nanoseconds of a clock that never goes back.
pub fn nanos() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// Microseconds since the Unix epoch; negative before it.
#[inline]
pub fn wall_micros() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_micros() as i64,
        Err(before) => -(before.duration().as_micros() as i64),
    }
}

/// A number that differs between runs: the seed of everything random in this process. From the kernel, and from the clock where
/// that fails.
pub fn seed() -> u64 {
    use std::io::Read;
    let mut bytes = [0; 8];
    match std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)) {
        Ok(()) => u64::from_ne_bytes(bytes),
        Err(_) => (wall_micros() as u64).rotate_left(20) ^ u64::from(std::process::id()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_go_on() {
        let first = now();
        let second = now();
        assert!(first.monotonic_micros > 0);
        assert!(second.monotonic_micros >= first.monotonic_micros);
        assert!(second.seconds() > 1_600_000_000, "after 2020");
        assert_ne!(seed(), seed());
    }
}
