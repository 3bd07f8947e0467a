//! `duration`: months, days and nanoseconds, each a signed vint, all of one sign.

use super::ValueError;
use crate::codec::{Reader, put_svint};

/// A duration. The three parts are never mixed: months and days vary in length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Duration {
    /// Months.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Nanoseconds.
    pub nanoseconds: i64,
}

impl Duration {
    /// A duration of these parts.
    ///
    /// # Errors
    /// Parts of different sign.
    pub fn new(months: i32, days: i32, nanoseconds: i64) -> Result<Self, ValueError> {
        let some_negative = months < 0 || days < 0 || nanoseconds < 0;
        let some_positive = months > 0 || days > 0 || nanoseconds > 0;
        if some_negative && some_positive {
            return Err(ValueError::new(format!(
                "The duration months, days and nanoseconds must be all of the same sign ({months}, {days}, {nanoseconds})"
            )));
        }
        Ok(Duration { months, days, nanoseconds })
    }

    /// Reads the serialized form. Bytes behind the third number are ignored, as Cassandra does.
    ///
    /// # Errors
    /// Fewer than three vints, months or days beyond 32 bits, parts of different sign.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ValueError> {
        if bytes.len() < 3 {
            return Err(ValueError::new(format!("Expected at least 3 bytes for a duration ({})", bytes.len())));
        }
        let mut reader = Reader::new(bytes);
        let mut next = || reader.svint().map_err(|_| ValueError::new("Not enough bytes to read a duration"));
        let (months, days, nanoseconds) = (next()?, next()?, next()?);
        let narrow = |value: i64, part: &str| {
            i32::try_from(value)
                .map_err(|_| ValueError::new(format!("The duration {part} must be a 32 bits integer but was: {value}")))
        };
        Duration::new(narrow(months, "months")?, narrow(days, "days")?, nanoseconds)
    }

    /// The serialized form.
    pub fn to_bytes(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(8);
        put_svint(&mut out, i64::from(self.months));
        put_svint(&mut out, i64::from(self.days));
        put_svint(&mut out, self.nanoseconds);
        out
    }

    /// True when the parts are negative.
    pub fn is_negative(&self) -> bool {
        self.months < 0 || self.days < 0 || self.nanoseconds < 0
    }
}
