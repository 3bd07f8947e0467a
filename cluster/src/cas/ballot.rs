//! Ballots: time UUIDs, later ones greater.

use helenus_model::value::{GREGORIAN_EPOCH_OFFSET_MILLIS, timeuuid_from_parts};
use uuid::Uuid;

/// A ballot of a register. Its time is that of whole microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ballot {
    /// Microseconds since the Unix epoch.
    pub(crate) micros: i64,
    /// Who made it: clock sequence and node of the UUID.
    maker: u64,
}

/// Ticks of 100 ns since 1582-10-15 at the Unix epoch.
const EPOCH_TICKS: i64 = GREGORIAN_EPOCH_OFFSET_MILLIS * 10_000;

impl Ballot {
    /// Before all others.
    pub(crate) const NONE: Ballot = Ballot { micros: i64::MIN, maker: 0 };

    /// A ballot of `maker`, the clock sequence and node of its time UUIDs.
    pub(crate) fn new(micros: i64, maker: u64) -> Self {
        Ballot { micros, maker }
    }

    /// As a version 1 UUID.
    pub(crate) fn to_uuid(self) -> Uuid {
        let ticks = self.micros.saturating_mul(10).saturating_add(EPOCH_TICKS).max(0) as u64;
        timeuuid_from_parts(ticks & 0x0fff_ffff_ffff_ffff, self.maker)
    }

    /// The ballot of a UUID made by [`Ballot::to_uuid`]. The nil UUID is [`Ballot::NONE`].
    pub(crate) fn from_uuid(uuid: Uuid) -> Self {
        if uuid.is_nil() {
            return Ballot::NONE;
        }
        let (most, maker) = uuid.as_u64_pair();
        let ticks = (most >> 32) | (most & 0xffff_0000) << 16 | (most & 0x0fff) << 48;
        Ballot { micros: (ticks as i64).saturating_sub(EPOCH_TICKS).div_euclid(10), maker }
    }

    /// Whether a register that has seen `other` may still take this one: of two of one time only the first.
    pub(crate) fn may_follow(self, other: Ballot) -> bool {
        self == other || self.micros > other.micros
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ballots_are_time_uuids() {
        for micros in [0, 1, 1_790_000_000_123_456] {
            let ballot = Ballot::new(micros, 0x8123_4567_89ab_cdef);
            let uuid = ballot.to_uuid();
            assert_eq!(Ballot::from_uuid(uuid), ballot);
            assert_eq!(uuid.get_version_num(), 1);
            assert_eq!(helenus_model::value::timeuuid_unix_millis(&uuid), Some(micros / 1000));
        }
        assert_eq!(Ballot::from_uuid(Uuid::nil()), Ballot::NONE);
        let (a, b) = (Ballot::new(5, 1), Ballot::new(5, 2));
        assert!(a.may_follow(a) && !a.may_follow(b) && !b.may_follow(a) && Ballot::new(6, 0).may_follow(b));
    }
}
