//! `tinyint`, `smallint`, `int`, `bigint`, `counter`, `time` and `timestamp`: big-endian two's complement.

use super::ValueError;

macro_rules! decoders {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// `None` when the value is empty or malformed.
        #[inline]
        pub fn $name(bytes: &[u8]) -> Option<$type> {
            bytes.try_into().ok().map(<$type>::from_be_bytes)
        }
    )*};
}

decoders! {
    /// Value of a `tinyint`.
    decode_tinyint: i8;
    /// Value of a `smallint`.
    decode_smallint: i16;
    /// Value of an `int`.
    decode_int: i32;
    /// Value of a `bigint` or `counter`.
    decode_bigint: i64;
    /// Value of a `time`, nanoseconds since midnight.
    decode_time: i64;
    /// Value of a `timestamp`, milliseconds since 1970-01-01 UTC.
    decode_timestamp: i64;
}

/// Checks the length of a value that may not be empty.
pub(super) fn validate_exact(bytes: &[u8], length: usize, expected: &str) -> Result<(), ValueError> {
    if bytes.len() == length {
        return Ok(());
    }
    Err(ValueError::new(format!("Expected {length} {expected} ({})", bytes.len())))
}

/// Checks the length of a value that may be empty.
pub(super) fn validate_or_empty(bytes: &[u8], length: usize, expected: &str) -> Result<(), ValueError> {
    if bytes.is_empty() || bytes.len() == length {
        return Ok(());
    }
    Err(ValueError::new(format!("Expected {length} or 0 {expected} ({})", bytes.len())))
}

/// True for digits with an optional minus before them: where a number may stand for a date or time.
pub(super) fn looks_like_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
}

/// Reads an integer as Java's `parseInt` and its kin do.
///
/// # Errors
/// Text that is no such integer.
pub(super) fn parse<Integer: std::str::FromStr>(text: &str, java_name: &str) -> Result<Integer, ValueError> {
    text.parse().map_err(|_| ValueError::new(format!("Unable to make {java_name} from '{text}'")))
}
