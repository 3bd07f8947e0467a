//! Versions of the native protocol.

use std::fmt;

/// A version of the native protocol that this crate speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ProtocolVersion {
    /// Version 3, Cassandra 2.1.
    V3 = 3,
    /// Version 4, Cassandra 2.2.
    V4 = 4,
    /// Version 5, Cassandra 4.0: segments with checksums around the frames.
    V5 = 5,
}

impl ProtocolVersion {
    /// All versions, oldest first.
    pub const EVERY: [Self; 3] = [Self::V3, Self::V4, Self::V5];

    /// What SUPPORTED lists under PROTOCOL_VERSIONS: Cassandra 5.0's own four.
    pub const ADVERTISED: [&'static str; 4] = ["3/v3", "4/v4", "5/v5", "6/v6-beta"];

    /// The version of a number, or none if this crate does not speak it.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            3 => Some(Self::V3),
            4 => Some(Self::V4),
            5 => Some(Self::V5),
            _ => None,
        }
    }

    /// The number in the first byte of a frame.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for ProtocolVersion {
    /// `5/v5`, as in SUPPORTED and in error messages.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{0}/v{0}", self.number())
    }
}
