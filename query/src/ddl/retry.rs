//! The options `speculative_retry` and `additional_write_policy`.

use crate::error::QueryError;

/// What MIN and MAX put together: one of each.
#[derive(Clone, Copy)]
enum Simple {
    Percentile(f64),
    Fixed(i32),
}

impl Simple {
    /// As Cassandra writes it: four decimals at most.
    fn text(self) -> String {
        let Simple::Percentile(percentile) = self else {
            let Simple::Fixed(millis) = self else { return String::new() };
            return format!("{millis}ms");
        };
        let text = format!("{percentile:.4}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        format!("{text}p")
    }

    fn kind(self) -> &'static str {
        match self {
            Simple::Percentile(_) => "PERCENTILE",
            Simple::Fixed(_) => "FIXED",
        }
    }
}

fn invalid(text: &str) -> QueryError {
    QueryError::Config(format!("Invalid value {text} for option 'speculative_retry'"))
}

/// The policy in Cassandra's own spelling: `99p`, `10ms`, `NEVER`, `ALWAYS`, `MIN(50p,10ms)`. Both options are called
/// `speculative_retry` when they are refused.
pub(super) fn build(text: &str) -> Result<String, QueryError> {
    match text.to_ascii_uppercase().as_str() {
        "ALWAYS" => return Ok("ALWAYS".to_owned()),
        "NEVER" | "NONE" => return Ok("NEVER".to_owned()),
        _ => {}
    }
    if let Some(simple) = simple(text)? {
        return Ok(simple.text());
    }
    let Some((function, left, right)) = hybrid(text) else { return Err(invalid(text)) };
    let part = |part| simple(part).ok().flatten().ok_or_else(|| invalid(text));
    match (part(left)?, part(right)?) {
        // The percentile is shown in front.
        (percentile @ Simple::Percentile(_), fixed @ Simple::Fixed(_))
        | (fixed @ Simple::Fixed(_), percentile @ Simple::Percentile(_)) => {
            Ok(format!("{function}({},{})", percentile.text(), fixed.text()))
        }
        (same, _) => Err(QueryError::Config(format!(
            "Invalid value {text} for option 'speculative_retry': MIN()/MAX() arguments should be of different types, but both are of type {}",
            same.kind()
        ))),
    }
}

/// Digits and points, and what follows them.
fn split(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
    text.split_at_checked(end).filter(|(number, _)| !number.is_empty())
}

/// A percentile or a time; None when it is neither.
fn simple(text: &str) -> Result<Option<Simple>, QueryError> {
    let Some((number, unit)) = split(text) else { return Ok(None) };
    let number = || number.parse::<f64>().map_err(|_| invalid(text));
    match unit.to_ascii_lowercase().as_str() {
        "p" | "percentile" => {
            let percentile = number()?;
            if percentile <= 0.0 || percentile >= 100.0 {
                return Err(QueryError::Config(format!(
                    "Invalid value {text} for PERCENTILE option 'speculative_retry': must be between (0.0 and 100.0)"
                )));
            }
            Ok(Some(Simple::Percentile(percentile)))
        }
        // Whole milliseconds are kept.
        "ms" => Ok(Some(Simple::Fixed(number()? as i32))),
        _ => Ok(None),
    }
}

/// `MIN(a, b)` and `MAX(a, b)`: spaces only around the comma.
fn hybrid(text: &str) -> Option<(&'static str, &str, &str)> {
    let (function, rest) = text.split_at_checked(3)?;
    let function = match function.to_ascii_uppercase().as_str() {
        "MIN" => "MIN",
        "MAX" => "MAX",
        _ => return None,
    };
    let (left, right) = rest.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
    let (left, right) = (left.trim_end(), right.trim_start());
    let is_value = |text| split(text).is_some_and(|(_, unit)| unit.bytes().all(|letter| letter.is_ascii_alphabetic()));
    (is_value(left) && is_value(right)).then_some((function, left, right))
}
