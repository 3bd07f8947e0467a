//! `time` as text: `hh:mm:ss.nnnnnnnnn`.

use super::ValueError;

/// Nanoseconds of a day.
const NANOS_PER_DAY: i64 = 86_400_000_000_000;

/// Reads a time of day: `h:m:s`, with up to nine digits behind a point, or the nanoseconds themselves.
///
/// # Errors
/// Other text, and times outside the day.
pub(super) fn parse(text: &str) -> Result<i64, ValueError> {
    if super::integer::looks_like_integer(text) {
        return text
            .parse()
            .ok()
            .filter(|nanos| (0..NANOS_PER_DAY).contains(nanos))
            .ok_or_else(|| ValueError::new(format!("Unable to make long (for time) from: '{text}'")));
    }
    parse_parts(text.trim())
        .ok_or_else(|| ValueError::new(format!("(TimeType) Unable to coerce '{text}' to a formatted time (long)")))
}

fn parse_parts(text: &str) -> Option<i64> {
    let (hour, rest) = text.split_once(':')?;
    let (minute, rest) = rest.split_once(':')?;
    let (second, nanos) = match rest.split_once('.') {
        None => (rest, 0),
        Some((second, fraction)) => {
            let digits_only = !fraction.is_empty() && fraction.bytes().all(|digit| digit.is_ascii_digit());
            if !digits_only || fraction.len() > 9 {
                return None;
            }
            (second, format!("{fraction:0<9}").parse().ok()?)
        }
    };
    let within = |part: &str, bound: i64| part.parse::<i64>().ok().filter(|number| (0..bound).contains(number));
    let seconds = within(hour, 24)? * 3_600 + within(minute, 60)? * 60 + within(second, 60)?;
    Some(seconds * 1_000_000_000 + nanos)
}

/// A time of day with nine digits behind the point. Values outside the day are printed as Cassandra prints them.
pub(super) fn print(nanos: i64) -> String {
    let seconds = nanos / 1_000_000_000;
    let mut out = String::with_capacity(18);
    for (part, width, mark) in [
        (seconds / 3_600 % 24, 2, ""),
        (seconds / 60 % 60, 2, ":"),
        (seconds % 60, 2, ":"),
        (nanos / 1_000_000 % 1_000, 3, "."),
        (nanos / 1_000 % 1_000, 3, ""),
        (nanos % 1_000, 3, ""),
    ] {
        out.push_str(mark);
        let digits = if part < 1 { 1 } else { part.ilog10() as usize + 1 };
        out.push_str(&"0".repeat(width - digits.min(width)));
        out.push_str(&part.to_string());
    }
    out
}
