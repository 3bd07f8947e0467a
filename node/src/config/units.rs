//! Durations, data sizes and data rates with their unit suffixes, as Cassandra 4.1 and later write
//! them: `10s`, `32MiB`, `24MiB/s`. A number without a unit is refused, upper and lower case count,
//! and a unit finer than the key's own (`10ns` for a key counted in milliseconds) is refused too,
//! because it would be rounded silently.

use std::time::Duration;

/// The units of time, finest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeUnit {
    /// `ns`
    Nanoseconds,
    /// `us`, also written `µs`
    Microseconds,
    /// `ms`
    Milliseconds,
    /// `s`
    Seconds,
    /// `m`
    Minutes,
    /// `h`
    Hours,
    /// `d`
    Days,
}

impl TimeUnit {
    const ALL: [TimeUnit; 7] = [
        TimeUnit::Nanoseconds,
        TimeUnit::Microseconds,
        TimeUnit::Milliseconds,
        TimeUnit::Seconds,
        TimeUnit::Minutes,
        TimeUnit::Hours,
        TimeUnit::Days,
    ];

    fn from_symbol(symbol: &str) -> Option<TimeUnit> {
        Some(match symbol {
            "ns" => TimeUnit::Nanoseconds,
            "us" | "µs" | "μs" => TimeUnit::Microseconds,
            "ms" => TimeUnit::Milliseconds,
            "s" => TimeUnit::Seconds,
            "m" => TimeUnit::Minutes,
            "h" => TimeUnit::Hours,
            "d" => TimeUnit::Days,
            _ => return None,
        })
    }

    fn symbol(self) -> &'static str {
        match self {
            TimeUnit::Nanoseconds => "ns",
            TimeUnit::Microseconds => "us",
            TimeUnit::Milliseconds => "ms",
            TimeUnit::Seconds => "s",
            TimeUnit::Minutes => "m",
            TimeUnit::Hours => "h",
            TimeUnit::Days => "d",
        }
    }

    fn nanoseconds(self) -> u128 {
        match self {
            TimeUnit::Nanoseconds => 1,
            TimeUnit::Microseconds => 1_000,
            TimeUnit::Milliseconds => 1_000_000,
            TimeUnit::Seconds => 1_000_000_000,
            TimeUnit::Minutes => 60 * 1_000_000_000,
            TimeUnit::Hours => 3_600 * 1_000_000_000,
            TimeUnit::Days => 86_400 * 1_000_000_000,
        }
    }
}

/// The units of data, finest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SizeUnit {
    /// `B`
    Bytes,
    /// `KiB`
    Kibibytes,
    /// `MiB`
    Mebibytes,
    /// `GiB`
    Gibibytes,
}

impl SizeUnit {
    const ALL: [SizeUnit; 4] = [SizeUnit::Bytes, SizeUnit::Kibibytes, SizeUnit::Mebibytes, SizeUnit::Gibibytes];

    fn from_symbol(symbol: &str) -> Option<SizeUnit> {
        SizeUnit::ALL.into_iter().find(|unit| unit.symbol() == symbol)
    }

    fn symbol(self) -> &'static str {
        match self {
            SizeUnit::Bytes => "B",
            SizeUnit::Kibibytes => "KiB",
            SizeUnit::Mebibytes => "MiB",
            SizeUnit::Gibibytes => "GiB",
        }
    }

    /// How many bytes one of this unit is.
    pub fn bytes(self) -> u64 {
        match self {
            SizeUnit::Bytes => 1,
            SizeUnit::Kibibytes => 1 << 10,
            SizeUnit::Mebibytes => 1 << 20,
            SizeUnit::Gibibytes => 1 << 30,
        }
    }
}

/// How large a value may be, counted in the key's own unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Below 2^31 - 1.
    Int,
    /// Below 2^63 - 1.
    Long,
}

impl Bound {
    fn limit(self) -> u128 {
        match self {
            Bound::Int => i32::MAX as u128,
            Bound::Long => i64::MAX as u128,
        }
    }
}

/// Splits `10s` into 10 and `s`; `None` unless it is ASCII digits followed by something else.
fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, symbol) = text.split_at(end);
    Some((digits.parse().ok()?, symbol))
}

/// Reads a duration whose key counts in `finest`.
///
/// # Errors
/// A message without the key's name, for a missing or unknown unit, a unit finer than `finest`, or a
/// value at or beyond `bound`.
pub(super) fn duration(text: &str, finest: TimeUnit, bound: Bound) -> Result<Duration, String> {
    let refused = || {
        let accepted: Vec<&str> =
            TimeUnit::ALL.into_iter().filter(|unit| *unit >= finest).map(TimeUnit::symbol).collect();
        format!(
            "invalid duration '{text}': write a non-negative whole number and one of the units {}",
            accepted.join(", ")
        )
    };
    let (count, symbol) = split(text).ok_or_else(refused)?;
    let unit = TimeUnit::from_symbol(symbol).filter(|unit| *unit >= finest).ok_or_else(refused)?;
    let total = u128::from(count) * unit.nanoseconds();
    if total / finest.nanoseconds() >= bound.limit() {
        return Err(format!("invalid duration '{text}': it is too long"));
    }
    let seconds = u64::try_from(total / 1_000_000_000).map_err(|_| refused())?;
    let nanoseconds = u32::try_from(total % 1_000_000_000).map_err(|_| refused())?;
    Ok(Duration::new(seconds, nanoseconds))
}

/// Reads a data size in bytes, for a key that counts in `finest`.
///
/// # Errors
/// A message without the key's name, for a missing or unknown unit, a unit finer than `finest`, or a
/// value at or beyond `bound`.
pub(super) fn size(text: &str, finest: SizeUnit, bound: Bound) -> Result<u64, String> {
    let refused = || {
        let accepted: Vec<&str> =
            SizeUnit::ALL.into_iter().filter(|unit| *unit >= finest).map(SizeUnit::symbol).collect();
        format!(
            "invalid data size '{text}': write a non-negative whole number and one of the units {}",
            accepted.join(", ")
        )
    };
    let (count, symbol) = split(text).ok_or_else(refused)?;
    let unit = SizeUnit::from_symbol(symbol).filter(|unit| *unit >= finest).ok_or_else(refused)?;
    let total = u128::from(count) * u128::from(unit.bytes());
    if total / u128::from(finest.bytes()) >= bound.limit() {
        return Err(format!("invalid data size '{text}': it is too large"));
    }
    u64::try_from(total).map_err(|_| format!("invalid data size '{text}': it is too large"))
}

/// Reads a data rate in bytes a second: `B/s`, `KiB/s` or `MiB/s`.
///
/// # Errors
/// A message without the key's name, for a missing or unknown unit or a value that is too large.
pub(super) fn rate(text: &str) -> Result<u64, String> {
    let refused = || {
        format!(
            "invalid data rate '{text}': write a non-negative whole number and one of the units \
             B/s, KiB/s, MiB/s"
        )
    };
    let (count, symbol) = split(text).ok_or_else(refused)?;
    let unit = symbol
        .strip_suffix("/s")
        .and_then(SizeUnit::from_symbol)
        .filter(|unit| *unit < SizeUnit::Gibibytes)
        .ok_or_else(refused)?;
    count
        .checked_mul(unit.bytes())
        .filter(|total| u128::from(*total) < Bound::Long.limit())
        .ok_or_else(|| format!("invalid data rate '{text}': it is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        use TimeUnit::{Milliseconds, Nanoseconds, Seconds};
        let table: &[(&str, TimeUnit, Bound, Option<u128>)] = &[
            ("10s", Milliseconds, Bound::Int, Some(10_000_000_000)),
            ("0ms", Milliseconds, Bound::Int, Some(0)),
            ("3h", Milliseconds, Bound::Int, Some(10_800_000_000_000)),
            ("1d", Seconds, Bound::Int, Some(86_400_000_000_000)),
            ("2m", Seconds, Bound::Int, Some(120_000_000_000)),
            ("7us", Nanoseconds, Bound::Long, Some(7_000)),
            ("7µs", Nanoseconds, Bound::Long, Some(7_000)),
            ("2147483646ms", Milliseconds, Bound::Int, Some(2_147_483_646_000_000)),
            ("2147483647ms", Milliseconds, Bound::Int, None),
            ("2147483647ms", Milliseconds, Bound::Long, Some(2_147_483_647_000_000)),
            ("9223372036854775807d", Milliseconds, Bound::Long, None),
            ("18446744073709551616ms", Milliseconds, Bound::Long, None),
            ("10ns", Milliseconds, Bound::Int, None),
            ("50ms", Seconds, Bound::Int, None),
            ("10", Milliseconds, Bound::Int, None),
            ("-10s", Milliseconds, Bound::Int, None),
            ("1.5s", Milliseconds, Bound::Int, None),
            ("10 s", Milliseconds, Bound::Int, None),
            ("10S", Milliseconds, Bound::Int, None),
            ("s", Milliseconds, Bound::Int, None),
            ("", Milliseconds, Bound::Int, None),
        ];
        for (text, finest, bound, expected) in table {
            let found = duration(text, *finest, *bound).ok().map(|found| found.as_nanos());
            assert_eq!(found, *expected, "{text}");
        }
    }

    #[test]
    fn sizes() {
        use SizeUnit::{Bytes, Kibibytes, Mebibytes};
        let table: &[(&str, SizeUnit, Bound, Option<u64>)] = &[
            ("32MiB", Mebibytes, Bound::Int, Some(33_554_432)),
            ("64KiB", Kibibytes, Bound::Int, Some(65_536)),
            ("1GiB", Bytes, Bound::Int, Some(1_073_741_824)),
            ("2GiB", Bytes, Bound::Int, None),
            ("2GiB", Bytes, Bound::Long, Some(2_147_483_648)),
            ("17B", Bytes, Bound::Int, Some(17)),
            ("17B", Kibibytes, Bound::Int, None),
            ("64KiB", Mebibytes, Bound::Int, None),
            ("9223372036854775807GiB", Mebibytes, Bound::Long, None),
            ("32MB", Mebibytes, Bound::Int, None),
            ("32mib", Mebibytes, Bound::Int, None),
            ("32", Mebibytes, Bound::Int, None),
            ("-1MiB", Mebibytes, Bound::Int, None),
        ];
        for (text, finest, bound, expected) in table {
            assert_eq!(size(text, *finest, *bound).ok(), *expected, "{text}");
        }
    }

    #[test]
    fn rates() {
        let table: &[(&str, Option<u64>)] = &[
            ("24MiB/s", Some(25_165_824)),
            ("0MiB/s", Some(0)),
            ("5KiB/s", Some(5_120)),
            ("9B/s", Some(9)),
            ("1GiB/s", None),
            ("24MiB", None),
            ("24", None),
            ("9223372036854775807MiB/s", None),
        ];
        for (text, expected) in table {
            assert_eq!(rate(text).ok(), *expected, "{text}");
        }
    }
}
