//! A place in the commit log.

use std::fmt;

/// A place in the commit log: a segment and a byte in it. Segment numbers only grow, so positions are ordered over restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPosition {
    /// Number of the segment, from 1.
    pub segment: u32,
    /// Byte in its file.
    pub offset: u32,
}

impl LogPosition {
    /// Before everything.
    pub const ZERO: LogPosition = LogPosition { segment: 0, offset: 0 };

    /// Both numbers in one, in the same order.
    pub fn to_u64(self) -> u64 {
        u64::from(self.segment) << 32 | u64::from(self.offset)
    }

    /// The inverse of [`LogPosition::to_u64`].
    pub fn from_u64(value: u64) -> Self {
        LogPosition { segment: (value >> 32) as u32, offset: value as u32 }
    }
}

impl fmt::Display for LogPosition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.segment, self.offset)
    }
}
