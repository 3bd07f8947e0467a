//! Time as plain integers, handed in from outside. Nothing here reads a clock.

/// Microseconds since the Unix epoch, as in `USING TIMESTAMP`; any i64 is legal.
pub type WriteTimestamp = i64;

/// Seconds since the Unix epoch at which something was deleted or will expire. 64-bit, so that neither 2038 nor 2106 is an end.
pub type LocalSeconds = i64;

/// "Never": the local deletion time of what is neither deleted nor expiring.
pub const NO_DELETION_TIME: LocalSeconds = i64::MAX;

/// "No timestamp": lower than any a client may send.
pub const NO_TIMESTAMP: WriteTimestamp = i64::MIN;

/// Now, in both clocks a member is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Wall clock, microseconds since the Unix epoch. It may step.
    pub wall_micros: i64,
    /// Monotonic clock, microseconds since an arbitrary start.
    pub monotonic_micros: u64,
}

impl Now {
    /// Wall clock in whole seconds.
    pub fn seconds(self) -> LocalSeconds {
        self.wall_micros.div_euclid(1_000_000)
    }

    /// Monotonic clock in whole milliseconds.
    pub fn monotonic_millis(self) -> u64 {
        self.monotonic_micros / 1000
    }
}
