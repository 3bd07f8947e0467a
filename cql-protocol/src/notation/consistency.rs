//! `[consistency]`: a `[short]`.

use super::integer::write_short;
use super::{DecodeError, Reader};
use helenus_model::consistency::Consistency;

impl Reader<'_> {
    /// A `[consistency]`.
    ///
    /// # Errors
    /// If the body ends or the code is unknown.
    pub fn consistency(&mut self) -> Result<Consistency, DecodeError> {
        let code = self.short()?;
        Consistency::from_code(code).ok_or(DecodeError::Consistency(code))
    }
}

/// Appends a `[consistency]`.
pub fn write_consistency(out: &mut Vec<u8>, value: Consistency) {
    write_short(out, value.code());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_go_both_ways() {
        for level in Consistency::EVERY {
            let mut out = Vec::new();
            write_consistency(&mut out, level);
            assert_eq!(out, level.code().to_be_bytes());
            assert_eq!(Reader::new(&out).consistency(), Ok(level));
        }
        assert_eq!(Reader::new(&[0, 11]).consistency(), Err(DecodeError::Consistency(11)));
    }
}
