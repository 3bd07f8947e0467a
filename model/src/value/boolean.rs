//! `boolean`: one byte, zero for false, anything else for true.

use super::ValueError;

/// The value, or `None` when it is empty or malformed.
pub fn decode_boolean(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [byte] => Some(*byte != 0),
        _ => None,
    }
}

pub(super) fn validate(bytes: &[u8]) -> Result<(), ValueError> {
    match bytes.len() {
        0 | 1 => Ok(()),
        length => Err(ValueError::new(format!("Expected 1 or 0 byte value ({length})"))),
    }
}
