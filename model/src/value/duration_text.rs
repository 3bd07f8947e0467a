//! `duration` as text, in Cassandra's three forms: `1y2mo3w4d5h6m7s8ms9us10ns`, ISO 8601 `P1Y2M3DT4H5M6S` or `P3W`, and
//! `P0001-02-03T04:05:06`. A minus before the whole makes it negative.

use super::{Duration, ValueError};

/// A unit in its order, with its name and size in months, days or nanoseconds.
struct Unit {
    name: &'static str,
    kind: Kind,
    size: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Months,
    Days,
    Nanoseconds,
}

const fn unit(name: &'static str, kind: Kind, size: i64) -> Unit {
    Unit { name, kind, size }
}

/// The units from large to small.
const UNITS: [Unit; 10] = [
    unit("years", Kind::Months, 12),
    unit("months", Kind::Months, 1),
    unit("weeks", Kind::Days, 7),
    unit("days", Kind::Days, 1),
    unit("hours", Kind::Nanoseconds, 3_600_000_000_000),
    unit("minutes", Kind::Nanoseconds, 60_000_000_000),
    unit("seconds", Kind::Nanoseconds, 1_000_000_000),
    unit("milliseconds", Kind::Nanoseconds, 1_000_000),
    unit("microseconds", Kind::Nanoseconds, 1_000),
    unit("nanoseconds", Kind::Nanoseconds, 1),
];

const YEARS: usize = 0;
const MONTHS: usize = 1;
const WEEKS: usize = 2;
const DAYS: usize = 3;
const HOURS: usize = 4;
const MINUTES: usize = 5;
const SECONDS: usize = 6;

/// Reads a duration.
///
/// # Errors
/// Other text, units out of order or twice, and more than 32 bits of months or days or 63 bits of nanoseconds.
pub(super) fn parse(text: &str) -> Result<Duration, ValueError> {
    let (negative, source) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut sum = Sum::default();
    let parts = match source.strip_prefix('P') {
        Some(week) if week.ends_with('W') => iso_week(week),
        Some(alternative) if alternative.contains('-') => iso_alternative(alternative),
        Some(iso) => iso_designators(iso),
        None => Some(standard(source)),
    };
    let (parts, rest) = parts.unwrap_or((Vec::new(), source));
    // Units out of order are found before letters that make no sense behind them.
    for (unit, digits) in parts {
        sum.add(unit, digits)?;
    }
    if !rest.is_empty() || source.is_empty() {
        return Err(ValueError::new(format!("Unable to convert '{source}' to a duration")));
    }
    let sign = if negative { -1 } else { 1 };
    Duration::new(sign * sum.months as i32, sign * sum.days as i32, i64::from(sign) * sum.nanoseconds)
}

/// Units with their digits, and what follows them.
type Parts<'a> = (Vec<(usize, &'a str)>, &'a str);

fn standard(mut text: &str) -> Parts<'_> {
    let mut parts = Vec::new();
    while let Some((digits, rest)) = split_digits(text)
        && let Some((unit, length)) = unit_symbol(rest)
    {
        parts.push((unit, digits));
        text = rest.get(length..).unwrap_or("");
    }
    (parts, text)
}

/// The unit a text starts with, in either case, and the symbol's length in bytes.
fn unit_symbol(text: &str) -> Option<(usize, usize)> {
    // Longer symbols first: `mo` and `ms` begin like `m`.
    const SYMBOLS: [(&str, usize); 11] = [
        ("mo", 1),
        ("ms", 7),
        ("us", 8),
        ("\u{b5}s", 8),
        ("ns", 9),
        ("y", 0),
        ("w", 2),
        ("d", 3),
        ("h", 4),
        ("m", 5),
        ("s", 6),
    ];
    SYMBOLS.iter().find_map(|&(symbol, unit)| {
        let found = text.get(..symbol.len())?.eq_ignore_ascii_case(symbol);
        found.then_some((unit, symbol.len()))
    })
}

fn iso_week(text: &str) -> Option<Parts<'_>> {
    let (digits, rest) = split_digits(text)?;
    (rest == "W").then(|| (vec![(WEEKS, digits)], ""))
}

fn iso_designators(text: &str) -> Option<Parts<'_>> {
    let mut parts = Vec::new();
    let (day, time) = match text.split_once('T') {
        Some((day, time)) => (day, time),
        None => (text, ""),
    };
    for (mut rest, designators) in
        [(day, [('Y', YEARS), ('M', MONTHS), ('D', DAYS)]), (time, [('H', HOURS), ('M', MINUTES), ('S', SECONDS)])]
    {
        for (designator, unit) in designators {
            let Some((digits, behind)) = split_digits(rest) else {
                continue;
            };
            if let Some(behind) = behind.strip_prefix(designator) {
                parts.push((unit, digits));
                rest = behind;
            }
        }
        if !rest.is_empty() {
            return None;
        }
    }
    Some((parts, ""))
}

fn iso_alternative(text: &str) -> Option<Parts<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    for (unit, width, mark) in
        [(YEARS, 4, ""), (MONTHS, 2, "-"), (DAYS, 2, "-"), (HOURS, 2, "T"), (MINUTES, 2, ":"), (SECONDS, 2, ":")]
    {
        let (digits, behind) = rest.strip_prefix(mark)?.split_at_checked(width)?;
        if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        parts.push((unit, digits));
        rest = behind;
    }
    rest.is_empty().then_some((parts, ""))
}

/// At least one digit, and what follows.
fn split_digits(text: &str) -> Option<(&str, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 { None } else { text.split_at_checked(digits) }
}

/// What was added so far, none of it negative.
#[derive(Default)]
struct Sum {
    months: i64,
    days: i64,
    nanoseconds: i64,
    last_unit: Option<usize>,
}

impl Sum {
    fn add(&mut self, place: usize, digits: &str) -> Result<(), ValueError> {
        let Some(unit) = UNITS.get(place) else {
            return Ok(());
        };
        let number: i64 = digits.parse().map_err(|_| ValueError::new(format!("For input string: \"{digits}\"")))?;
        match self.last_unit {
            Some(last) if last == place => {
                return Err(ValueError::new(format!(
                    "Invalid duration. The {} are specified multiple times",
                    unit.name
                )));
            }
            Some(last) if last > place => {
                let last = UNITS.get(last).map_or("", |last| last.name);
                return Err(ValueError::new(format!("Invalid duration. The {last} should be after {}", unit.name)));
            }
            _ => self.last_unit = Some(place),
        }
        let (total, limit, name) = match unit.kind {
            Kind::Months => (&mut self.months, i64::from(i32::MAX), "months"),
            Kind::Days => (&mut self.days, i64::from(i32::MAX), "days"),
            Kind::Nanoseconds => (&mut self.nanoseconds, i64::MAX, "nanoseconds"),
        };
        if number > (limit - *total) / unit.size {
            // Cassandra names the limit of months and days for nanoseconds too.
            return Err(ValueError::new(format!(
                "Invalid duration. The total number of {name} must be less or equal to {}",
                i32::MAX
            )));
        }
        *total += number * unit.size;
        Ok(())
    }
}

/// A duration in the first form. Zero prints as nothing.
pub(super) fn print(duration: &Duration) -> String {
    let mut out = String::new();
    if duration.is_negative() {
        out.push('-');
    }
    // The most negative numbers have no positive counterpart and print as nothing, as in Java.
    let mut months = i64::from(duration.months.wrapping_abs());
    let mut days = i64::from(duration.days.wrapping_abs());
    let mut nanoseconds = duration.nanoseconds.wrapping_abs();
    let mut append = |rest: &mut i64, size: i64, symbol: &str| {
        if *rest >= size {
            out.push_str(&(*rest / size).to_string());
            out.push_str(symbol);
            *rest %= size;
        }
    };
    append(&mut months, 12, "y");
    append(&mut months, 1, "mo");
    append(&mut days, 1, "d");
    for (size, symbol) in [
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
        (1, "ns"),
    ] {
        append(&mut nanoseconds, size, symbol);
    }
    out
}
