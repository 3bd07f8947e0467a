//! Consistency levels: how many replicas, and where, must answer before a request succeeds.

use std::fmt;
use std::str::FromStr;

/// A consistency level, with Cassandra's own names and wire codes (native protocol specification, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Consistency {
    /// Any node, a stored hint included; writes only.
    Any = 0x00,
    /// One replica.
    One = 0x01,
    /// Two replicas.
    Two = 0x02,
    /// Three replicas.
    Three = 0x03,
    /// A majority of all replicas.
    Quorum = 0x04,
    /// Every replica.
    All = 0x05,
    /// A majority of the replicas of the coordinator's data centre.
    LocalQuorum = 0x06,
    /// A majority of the replicas of each data centre; writes only.
    EachQuorum = 0x07,
    /// Linearizable over all data centres; the Paxos phase of conditional writes, and reads.
    Serial = 0x08,
    /// Linearizable within the coordinator's data centre.
    LocalSerial = 0x09,
    /// One replica of the coordinator's data centre.
    LocalOne = 0x0A,
}

/// Why a name is not a consistency level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Unknown consistency level {0:?}")]
pub struct UnknownConsistency(pub String);

impl Consistency {
    /// All levels in the order of their codes.
    pub const EVERY: [Self; 11] = [
        Self::Any,
        Self::One,
        Self::Two,
        Self::Three,
        Self::Quorum,
        Self::All,
        Self::LocalQuorum,
        Self::EachQuorum,
        Self::Serial,
        Self::LocalSerial,
        Self::LocalOne,
    ];

    /// The level of a wire code, or none if the code is unknown (0x0B, Cassandra's internal NODE_LOCAL, included).
    #[must_use]
    pub fn from_code(code: u16) -> Option<Self> {
        Self::EVERY.get(usize::from(code)).copied()
    }

    /// The wire code, 0 to 10.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// Cassandra's name in upper case, as in messages and in cqlsh.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "ANY",
            Self::One => "ONE",
            Self::Two => "TWO",
            Self::Three => "THREE",
            Self::Quorum => "QUORUM",
            Self::All => "ALL",
            Self::LocalQuorum => "LOCAL_QUORUM",
            Self::EachQuorum => "EACH_QUORUM",
            Self::Serial => "SERIAL",
            Self::LocalSerial => "LOCAL_SERIAL",
            Self::LocalOne => "LOCAL_ONE",
        }
    }

    /// Whether this is a level of the Paxos phase.
    #[must_use]
    pub const fn is_serial(self) -> bool {
        matches!(self, Self::Serial | Self::LocalSerial)
    }

    /// Whether only replicas of the coordinator's own data centre are counted.
    #[must_use]
    pub const fn is_datacenter_local(self) -> bool {
        matches!(self, Self::LocalOne | Self::LocalQuorum | Self::LocalSerial)
    }
}

impl fmt::Display for Consistency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Consistency {
    type Err = UnknownConsistency;

    /// Reads a name, in any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::EVERY
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownConsistency(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_go_both_ways() {
        for (code, level) in Consistency::EVERY.into_iter().enumerate() {
            assert_eq!(usize::from(level.code()), code, "{level}");
            assert_eq!(Consistency::from_code(level.code()), Some(level));
            assert_eq!(level.name().to_lowercase().parse(), Ok(level));
            assert_eq!(level.to_string(), level.name());
        }
        assert_eq!(Consistency::from_code(11), None);
        assert_eq!(Consistency::from_code(u16::MAX), None);
        assert_eq!("NODE_LOCAL".parse::<Consistency>(), Err(UnknownConsistency("NODE_LOCAL".to_owned())));
    }

    #[test]
    fn serial_and_local_levels() {
        let serial: Vec<_> = Consistency::EVERY.into_iter().filter(|level| level.is_serial()).collect();
        assert_eq!(serial, [Consistency::Serial, Consistency::LocalSerial]);
        let local: Vec<_> = Consistency::EVERY.into_iter().filter(|level| level.is_datacenter_local()).collect();
        assert_eq!(local, [Consistency::LocalQuorum, Consistency::LocalSerial, Consistency::LocalOne]);
    }
}
