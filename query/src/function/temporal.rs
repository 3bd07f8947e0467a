//! Dates and times: conversions, durations added, `floor`.

use helenus_model::types::CqlType;
use helenus_model::value::{
    DATE_EPOCH, Duration, decode_date, decode_time, decode_timestamp, decode_uuid, encode_date_from_epoch_days,
    timeuuid_unix_millis, to_text,
};

use super::calendar::{MILLIS_PER_DAY, add_months, add_to_millis};
use crate::error::QueryError;

const NANOS_PER_MILLI: i64 = 1_000_000;
const NANOS_PER_DAY: i64 = MILLIS_PER_DAY * NANOS_PER_MILLI;

/// Milliseconds since the epoch of a timestamp, date or timeuuid.
pub(super) fn millis_of(ty: &CqlType, bytes: &[u8]) -> Option<i64> {
    match ty {
        CqlType::Timestamp => decode_timestamp(bytes),
        CqlType::Date => Some(epoch_days(bytes)? * MILLIS_PER_DAY),
        CqlType::Timeuuid => timeuuid_unix_millis(&decode_uuid(bytes)?),
        _ => None,
    }
}

fn epoch_days(bytes: &[u8]) -> Option<i64> {
    Some(i64::from(decode_date(bytes)?) - i64::from(DATE_EPOCH))
}

/// The date of a moment. As Cassandra's it is cut towards 1970-01-01: moments before that day begin the day after theirs.
pub(super) fn date_of_millis(millis: i64) -> [u8; 4] {
    encode_date_from_epoch_days((millis / MILLIS_PER_DAY) as i32)
}

fn duration_text(duration: &Duration) -> String {
    to_text(&CqlType::Duration, &duration.to_bytes())
}

/// A timestamp or date with a duration added or taken away.
pub(super) fn shift(
    ty: &CqlType,
    bytes: &[u8],
    duration: &Duration,
    subtract: bool,
) -> Result<Option<Vec<u8>>, String> {
    let sign = if subtract { -1 } else { 1 };
    let months = i64::from(duration.months) * sign;
    let days = i64::from(duration.days) * sign;
    match ty {
        CqlType::Date => {
            if duration.nanoseconds != 0 {
                return Err(format!("The duration must have a day precision. Was: {}", duration_text(duration)));
            }
            let Some(start) = epoch_days(bytes) else { return Ok(None) };
            Ok(Some(encode_date_from_epoch_days((add_months(start, months) + days) as i32).to_vec()))
        }
        _ => {
            if duration.nanoseconds % NANOS_PER_MILLI != 0 {
                return Err(format!(
                    "The duration must have a millisecond precision. Was: {}",
                    duration_text(duration)
                ));
            }
            let Some(start) = decode_timestamp(bytes) else { return Ok(None) };
            let millis = days * MILLIS_PER_DAY + duration.nanoseconds / NANOS_PER_MILLI * sign;
            if start.checked_div(MILLIS_PER_DAY).is_some_and(|day| day.abs() > 100_000_000_000) && months != 0 {
                return Err("The timestamp is too far away for months to be added".to_owned());
            }
            Ok(Some(add_to_millis(start, months, millis).to_be_bytes().to_vec()))
        }
    }
}

/// `floor(time, duration[, start])`
pub(super) fn floor(types: &[CqlType], arguments: &[&[u8]]) -> Result<Option<Vec<u8>>, QueryError> {
    let (Some(ty), Some(value), Some(duration)) = (types.first(), arguments.first(), arguments.get(1)) else {
        return Ok(None);
    };
    let Ok(duration) = Duration::from_bytes(duration) else { return Ok(None) };
    if duration.is_negative() {
        return Err(QueryError::invalid("Negative durations are not supported by the floor function"));
    }
    match ty {
        CqlType::Time => floor_time(value, &duration),
        CqlType::Date => {
            if duration.nanoseconds != 0 {
                return Err(imprecise(" on date values", &duration, "1 day"));
            }
            let start = arguments.get(2).and_then(|start| millis_of(&CqlType::Date, start)).unwrap_or(0);
            let Some(millis) = millis_of(ty, value) else { return Ok(None) };
            Ok(Some(date_of_millis(floor_millis(millis, &duration, start)?).to_vec()))
        }
        _ => {
            if duration.nanoseconds % NANOS_PER_MILLI != 0 {
                return Err(imprecise("", &duration, "1 millisecond"));
            }
            let start = arguments.get(2).and_then(|start| decode_timestamp(start)).unwrap_or(0);
            let Some(millis) = millis_of(ty, value) else { return Ok(None) };
            Ok(Some(floor_millis(millis, &duration, start)?.to_be_bytes().to_vec()))
        }
    }
}

fn imprecise(ty: &str, duration: &Duration, precision: &str) -> QueryError {
    QueryError::invalid(format!(
        "The floor{ty} cannot be computed for the {} duration as precision is below {precision}",
        duration_text(duration)
    ))
}

fn floor_time(value: &[u8], duration: &Duration) -> Result<Option<Vec<u8>>, QueryError> {
    if duration.months != 0 || duration.days != 0 || duration.nanoseconds > NANOS_PER_DAY {
        return Err(QueryError::invalid(
            "For time values, the floor can only be computed for durations smaller that a day",
        ));
    }
    let Some(time) = decode_time(value) else { return Ok(None) };
    let floored = if duration.nanoseconds == 0 { time } else { time - time % duration.nanoseconds };
    Ok(Some(floored.to_be_bytes().to_vec()))
}

/// The last of start, start + duration, start + 2 × duration … that is not after `millis`.
fn floor_millis(millis: i64, duration: &Duration, start: i64) -> Result<i64, QueryError> {
    if start > millis {
        return Err(QueryError::invalid("The floor function starting time is greater than the provided time"));
    }
    let step = i64::from(duration.days) * MILLIS_PER_DAY + duration.nanoseconds / NANOS_PER_MILLI;
    let distance = i128::from(millis) - i128::from(start);
    if duration.months == 0 {
        if step == 0 {
            return Ok(millis);
        }
        return Ok((i128::from(millis) - distance % i128::from(step)) as i64);
    }
    // A guess from the shortest possible months, then downward to the answer.
    let shortest = i64::from(duration.months) * 28 * MILLIS_PER_DAY + step;
    let at = |times: i64| add_to_millis(start, times * i64::from(duration.months), times.saturating_mul(step));
    let mut low = 0;
    let mut high = (distance / i128::from(shortest)) as i64 + 1;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if at(middle) <= millis {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(at(low))
}
