//! `uuid` and `timeuuid`: 16 bytes; their orders, and the time in a version 1 UUID.

use std::cmp::Ordering;

use ::uuid::Uuid;

use super::ValueError;

/// Milliseconds from the start of the Gregorian calendar (1582-10-15), where UUID time begins, to 1970-01-01.
pub const GREGORIAN_EPOCH_OFFSET_MILLIS: i64 = 12_219_292_800_000;
/// Lowest clock sequence and node in the order of timeuuids: every byte -128.
const MIN_CLOCK_AND_NODE: u64 = 0x8080_8080_8080_8080;
/// Highest clock sequence and node in that order: every byte 127.
const MAX_CLOCK_AND_NODE: u64 = 0x7f7f_7f7f_7f7f_7f7f;

/// The value, or `None` when it is empty or malformed.
#[inline]
pub fn decode_uuid(bytes: &[u8]) -> Option<Uuid> {
    bytes.try_into().ok().map(Uuid::from_bytes)
}

/// The timeuuid of a count of 100 ns steps since 1582-10-15 (60 bits) and a clock sequence and node, taken as they are.
pub fn timeuuid_from_parts(ticks: u64, clock_and_node: u64) -> Uuid {
    let low = ticks << 32;
    let middle = (ticks >> 16) & 0xffff_0000;
    let high = (ticks >> 48) & 0x0fff;
    Uuid::from_u64_pair(low | middle | 0x1000 | high, clock_and_node)
}

/// Ticks of 100 ns since 1582-10-15 of a millisecond since 1970-01-01, wrapped to 60 bits as Cassandra does.
fn ticks_of_millis(unix_millis: i64) -> u64 {
    unix_millis.wrapping_add(GREGORIAN_EPOCH_OFFSET_MILLIS).wrapping_mul(10_000) as u64
}

/// The lowest timeuuid of a millisecond since 1970-01-01, `minTimeuuid` in CQL.
pub fn min_timeuuid(unix_millis: i64) -> Uuid {
    timeuuid_from_parts(ticks_of_millis(unix_millis), MIN_CLOCK_AND_NODE)
}

/// The highest timeuuid of a millisecond since 1970-01-01, `maxTimeuuid` in CQL.
pub fn max_timeuuid(unix_millis: i64) -> Uuid {
    let last_tick_of_it = ticks_of_millis(unix_millis.wrapping_add(1)).wrapping_sub(1);
    timeuuid_from_parts(last_tick_of_it, MAX_CLOCK_AND_NODE)
}

/// Milliseconds since 1970-01-01 of a version 1 UUID; `None` for other versions.
pub fn timeuuid_unix_millis(uuid: &Uuid) -> Option<i64> {
    let most = uuid.as_u64_pair().0;
    if (most >> 12) & 0xf != 1 {
        return None;
    }
    let ticks = reorder_timestamp(most) & 0x0fff_ffff_ffff_ffff;
    // Ticks are never negative: Cassandra divides before it subtracts the offset.
    Some((ticks / 10_000) as i64 - GREGORIAN_EPOCH_OFFSET_MILLIS)
}

/// The fields of the first word from the most to the least significant: version, high, middle and low time.
#[inline]
fn reorder_timestamp(most: u64) -> u64 {
    (most << 48) | ((most << 16) & 0xffff_0000_0000) | (most >> 32)
}

#[inline]
fn halves(bytes: &[u8]) -> Option<(u64, u64)> {
    let bytes: [u8; 16] = bytes.try_into().ok()?;
    let whole = u128::from_be_bytes(bytes);
    Some(((whole >> 64) as u64, whole as u64))
}

/// Order of `uuid`: version, then time when the version is 1, then all bytes unsigned.
pub(super) fn compare_uuid(a: &[u8], b: &[u8]) -> Ordering {
    compare_with(a, b, |(a_most, a_least), (b_most, b_least)| {
        let version = |most: u64| (most >> 12) & 0xf;
        let by_version = version(a_most).cmp(&version(b_most));
        let by_most = || match version(a_most) {
            1 => reorder_timestamp(a_most).cmp(&reorder_timestamp(b_most)),
            _ => a_most.cmp(&b_most),
        };
        by_version.then_with(by_most).then_with(|| a_least.cmp(&b_least))
    })
}

/// Order of `timeuuid`: time, then the other bytes signed.
pub(super) fn compare_timeuuid(a: &[u8], b: &[u8]) -> Ordering {
    compare_with(a, b, |(a_most, a_least), (b_most, b_least)| {
        // Flipping the sign bit of every byte turns the signed order of bytes into the unsigned order of words.
        let signed = |least: u64| least ^ 0x8080_8080_8080_8080;
        reorder_timestamp(a_most).cmp(&reorder_timestamp(b_most)).then_with(|| signed(a_least).cmp(&signed(b_least)))
    })
}

/// What decides first in the order of `timeuuid`.
#[inline]
pub(super) fn timeuuid_head(value: [u8; 16]) -> u64 {
    reorder_timestamp((u128::from_be_bytes(value) >> 64) as u64)
}

/// What decides first in the order of `uuid`: the version, then the time or the first bytes.
#[inline]
pub(super) fn uuid_head(value: [u8; 16]) -> u64 {
    let most = (u128::from_be_bytes(value) >> 64) as u64;
    match (most >> 12) & 0xf {
        1 => reorder_timestamp(most),
        version => (version << 60) | (most >> 4),
    }
}

/// Order of Cassandra's old `LexicalUUIDType`: Java's, both halves as signed numbers.
pub(super) fn compare_lexical_uuid(a: &[u8], b: &[u8]) -> Ordering {
    compare_with(a, b, |(a_most, a_least), (b_most, b_least)| {
        (a_most as i64).cmp(&(b_most as i64)).then((a_least as i64).cmp(&(b_least as i64)))
    })
}

fn compare_with(a: &[u8], b: &[u8], order: impl Fn((u64, u64), (u64, u64)) -> Ordering) -> Ordering {
    match (halves(a), halves(b)) {
        (Some(a), Some(b)) => order(a, b),
        (whole_a, whole_b) => whole_a.is_some().cmp(&whole_b.is_some()).then_with(|| a.cmp(b)),
    }
}

pub(super) fn validate_uuid(bytes: &[u8]) -> Result<(), ValueError> {
    match bytes.len() {
        0 | 16 => Ok(()),
        length => Err(ValueError::new(format!("UUID should be 16 or 0 bytes ({length})"))),
    }
}

pub(super) fn validate_timeuuid(bytes: &[u8]) -> Result<(), ValueError> {
    validate_uuid(bytes)?;
    match (bytes.first(), bytes.get(6)) {
        // The message shows the first digit of the value rather than that of the version, as Cassandra's does.
        (Some(first), Some(version)) if version >> 4 != 1 => {
            Err(ValueError::new(format!("Invalid version for TimeUUID type: 0x{:x}", first >> 4)))
        }
        _ => Ok(()),
    }
}

/// Reads 8-4-4-4-12 hexadecimal digits in either case.
fn parse_hyphenated(text: &str) -> Option<Uuid> {
    // The registry's parser reads other forms too; Cassandra does not.
    (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten()
}

pub(super) fn parse_uuid(text: &str) -> Result<Uuid, ValueError> {
    parse_hyphenated(text).ok_or_else(|| ValueError::new(format!("Unable to make UUID from '{text}'")))
}

pub(super) fn parse_timeuuid(text: &str) -> Result<Uuid, ValueError> {
    let uuid =
        parse_hyphenated(text).ok_or_else(|| ValueError::new(format!("Unknown timeuuid representation: {text}")))?;
    if timeuuid_unix_millis(&uuid).is_none() {
        return Err(ValueError::new("TimeUUID supports only version 1 UUIDs"));
    }
    Ok(uuid)
}
