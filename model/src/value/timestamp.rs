//! `timestamp` as text. Without a zone a time is UTC, the zone Cassandra should run in.
//!
//! Two families of forms are read, as Cassandra's formatters do:
//! 1. a day alone, `yyyy-mm-dd`, strictly padded;
//! 2. a day and a time, `y-m-d h:m[:s[.fraction]]` with a space or `T` between, padded or not.
//!
//! Both may be followed by an offset (`Z`, `+hh`, `+hhmm`, `+hh:mm`), with or without a space before it, or by a space
//! and the name of a zone. Days beyond the end of their month count as its last day.

use super::ValueError;
use super::civil::{CivilDate, padded_year};

/// Names of UTC in Java's zone tables.
const UTC_NAMES: [&str; 19] = [
    "UTC",
    "GMT",
    "UT",
    "UCT",
    "GMT0",
    "Zulu",
    "Universal",
    "Greenwich",
    "Etc/UTC",
    "Etc/GMT",
    "Etc/UCT",
    "Etc/GMT0",
    "Etc/GMT+0",
    "Etc/GMT-0",
    "Etc/Greenwich",
    "Etc/Universal",
    "Etc/Zulu",
    "Coordinated Universal Time",
    "Greenwich Mean Time",
];
const MILLIS_PER_DAY: i64 = 86_400_000;

/// Reads a timestamp, milliseconds since 1970-01-01 UTC: such a number, or one of the forms above.
///
/// # Errors
/// Other text, times that 64 bits cannot count, and zones other than UTC by name.
pub(super) fn parse(text: &str) -> Result<i64, ValueError> {
    if super::integer::looks_like_integer(text) {
        return text.parse().map_err(|_| ValueError::new(format!("Unable to make long (for date) from: '{text}'")));
    }
    if text.eq_ignore_ascii_case("now") {
        return Err(ValueError::new("not supported yet: 'now' as a timestamp; use toTimestamp(now())"));
    }
    let fault = || ValueError::new(format!("Unable to parse a date/time from '{text}'"));
    let (date, millis, zone) = parse_day_and_time(text).or_else(|| parse_day(text)).ok_or_else(fault)?;
    if !(1..=12).contains(&date.month) || !(1..=31).contains(&date.day) {
        return Err(fault());
    }
    let offset_minutes = match parse_zone(zone) {
        Zone::Offset(minutes) => i64::from(minutes),
        Zone::Named => {
            return Err(ValueError::new(format!("not supported yet: time zone '{}'", zone.trim())));
        }
        Zone::Malformed => return Err(fault()),
    };
    let day_millis = date.clamped().epoch_days().checked_mul(MILLIS_PER_DAY);
    day_millis.and_then(|day_millis| day_millis.checked_add(millis - offset_minutes * 60_000)).ok_or_else(fault)
}

fn parse_day(text: &str) -> Option<(CivilDate, i64, &str)> {
    let (date, zone) = CivilDate::parse_prefix(text)?;
    Some((date, 0, zone))
}

/// The day, the milliseconds of the day, and what follows them.
fn parse_day_and_time(text: &str) -> Option<(CivilDate, i64, &str)> {
    let (year, rest) = number(text)?;
    let (month, rest) = number(rest.strip_prefix('-')?)?;
    let (day, rest) = number(rest.strip_prefix('-')?)?;
    let (hour, rest) = number(rest.strip_prefix(['T', ' '])?)?;
    let (minute, mut rest) = number(rest.strip_prefix(':')?)?;
    let (mut second, mut millis) = (0, 0);
    if let Some(behind) = rest.strip_prefix(':') {
        (second, rest) = number(behind)?;
        if let Some(fraction) = rest.strip_prefix('.') {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count().min(9);
            let (fraction, behind) = fraction.split_at_checked(digits)?;
            millis = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
            rest = behind;
        }
    }
    let midnight_at_the_end = hour == 24 && minute == 0 && second == 0 && millis == 0;
    let time_exists = (hour < 24 && minute < 60 && second < 60) || midnight_at_the_end;
    if !time_exists || !(1..=999_999_999).contains(&year) {
        return None;
    }
    let date = CivilDate { year, month: month.try_into().ok()?, day: day.try_into().ok()? };
    Some((date, ((hour * 60 + minute) * 60 + second) * 1_000 + millis, rest))
}

/// Digits, up to 19, and what follows them.
fn number(text: &str) -> Option<(i64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, rest))
}

enum Zone {
    /// Minutes east of Greenwich.
    Offset(i32),
    /// A name other than UTC's.
    Named,
    Malformed,
}

fn parse_zone(text: &str) -> Zone {
    let spaced = text.strip_prefix(' ');
    let zone = spaced.unwrap_or(text);
    if text.is_empty() || zone == "Z" {
        return Zone::Offset(0);
    }
    if let Some(minutes) = parse_offset(zone, true) {
        return Zone::Offset(minutes);
    }
    if spaced.is_none() {
        return Zone::Malformed;
    }
    if UTC_NAMES.contains(&zone) {
        return Zone::Offset(0);
    }
    let prefixed = ["UTC", "GMT", "UT"].iter().find_map(|prefix| zone.strip_prefix(prefix));
    if let Some(offset) = prefixed.filter(|offset| offset.starts_with(['+', '-'])) {
        return parse_offset(offset, false).map_or(Zone::Malformed, Zone::Offset);
    }
    let name_like = zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+- ".contains(&byte));
    if name_like && zone.len() > 1 && zone.starts_with(|first: char| first.is_ascii_uppercase()) {
        return Zone::Named;
    }
    Zone::Malformed
}

/// `+hh:mm` and, when `short`, `+hh` and `+hhmm`; at most 18 hours.
fn parse_offset(text: &str, short: bool) -> Option<i32> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, rest) = super::civil::two_digits(rest)?;
    let minutes = match rest.strip_prefix(':') {
        Some(minutes) => minutes,
        None if short => rest,
        None => return None,
    };
    let minutes = match (minutes, rest) {
        ("", "") => 0,
        _ => match super::civil::two_digits(minutes)? {
            (minutes @ 0..60, "") => minutes,
            _ => return None,
        },
    };
    let offset = i32::from(hours) * 60 + i32::from(minutes);
    (offset <= 18 * 60).then_some(sign * offset)
}

/// A timestamp in UTC with milliseconds, as `yyyy-mm-ddThh:mm:ss.mmmZ`; `separator` stands between day and time.
/// Years before 1 are printed as years of their era, without saying so, as Cassandra does.
pub(super) fn print(millis: i64, separator: char) -> String {
    let CivilDate { year, month, day } = CivilDate::from_epoch_days(millis.div_euclid(MILLIS_PER_DAY));
    let year_of_era = if year > 0 { year } else { 1 - year };
    let rest = millis.rem_euclid(MILLIS_PER_DAY);
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60);
    format!(
        "{}-{month:02}-{day:02}{separator}{hour:02}:{minute:02}:{second:02}.{:03}Z",
        padded_year(year_of_era),
        rest % 1_000
    )
}
