//! `date`: days as an unsigned number, 2^31 for 1970-01-01; as text `yyyy-mm-dd`.

use super::ValueError;
use super::civil::{CivilDate, padded_year};

/// The value of 1970-01-01.
pub const DATE_EPOCH: u32 = 1 << 31;

/// Days of a `date`, [`DATE_EPOCH`] for 1970-01-01; `None` when malformed.
#[inline]
pub fn decode_date(bytes: &[u8]) -> Option<u32> {
    bytes.try_into().ok().map(u32::from_be_bytes)
}

/// Bytes of the date so many days after 1970-01-01.
pub fn encode_date_from_epoch_days(days: i32) -> [u8; 4] {
    DATE_EPOCH.wrapping_add(days as u32).to_be_bytes()
}

/// Reads a date: `yyyy-mm-dd`, or the unsigned number itself.
///
/// # Errors
/// Other text, days that do not exist, and days 32 bits cannot count.
pub(super) fn parse(text: &str) -> Result<u32, ValueError> {
    if super::integer::looks_like_integer(text) {
        return text
            .parse()
            .map_err(|_| ValueError::new(format!("Unable to make unsigned int (for date) from: '{text}'")));
    }
    let date = match CivilDate::parse_prefix(text) {
        // Years beyond these overflow milliseconds, which Cassandra computes with.
        Some((date, "")) if date.exists() && date.year.abs() < 292_278_994 => date,
        _ => {
            return Err(ValueError::new(format!("Unable to coerce '{text}' to a formatted date (long)")));
        }
    };
    let days = date.epoch_days() + i64::from(DATE_EPOCH);
    u32::try_from(days).map_err(|_| {
        ValueError::new(if days < 0 {
            format!("Input date {text} is less than min supported date -5877641-06-23T00:00Z")
        } else {
            format!("Input date {text} is greater than max supported date +5881580-07-11T00:00Z")
        })
    })
}

/// A date as `yyyy-mm-dd`.
pub(super) fn print(days: u32) -> String {
    let CivilDate { year, month, day } = CivilDate::from_epoch_days(i64::from(days) - i64::from(DATE_EPOCH));
    format!("{}-{month:02}-{day:02}", padded_year(year))
}
