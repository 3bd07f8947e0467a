//! `date`: days as an unsigned number, 2^31 for 1970-01-01.

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
