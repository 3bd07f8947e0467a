//! `[uuid]`: sixteen bytes.

use super::{DecodeError, Reader};
use uuid::Uuid;

impl Reader<'_> {
    /// A `[uuid]`.
    ///
    /// # Errors
    /// If the body ends.
    pub fn uuid(&mut self) -> Result<Uuid, DecodeError> {
        self.take_array("a uuid").map(Uuid::from_bytes)
    }
}

/// Appends a `[uuid]`.
pub fn write_uuid(out: &mut Vec<u8>, value: Uuid) {
    out.extend_from_slice(value.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_go_both_ways() {
        let value = Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10);
        let mut out = Vec::new();
        write_uuid(&mut out, value);
        assert_eq!(out, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
        assert_eq!(Reader::new(&out).uuid(), Ok(value));
        assert_eq!(Reader::new(&out[1..]).uuid(), Err(DecodeError::Truncated("a uuid")));
    }
}
