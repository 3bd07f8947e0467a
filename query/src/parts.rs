//! A bound for what one expression puts together: a statement may name the same value of megabytes thousands of times.

use crate::error::QueryError;

/// Most bytes that the parts of one value, or the arguments of one call, have together. One part alone may have more.
const PARTS_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes of the parts so far.
#[derive(Debug, Default)]
pub(crate) struct PartBytes(usize);

impl PartBytes {
    /// Counts a part.
    ///
    /// # Errors
    /// It is not the first, and they have more than 64 MiB together.
    #[inline]
    pub(crate) fn add(&mut self, part: Option<&[u8]>) -> Result<(), QueryError> {
        let (before, length) = (self.0, part.map_or(0, <[u8]>::len));
        self.0 = before.saturating_add(length);
        if before > 0 && length > 0 && self.0 > PARTS_BYTES_MAX {
            return Err(QueryError::unsupported(format_args!(
                "values whose parts have more than {PARTS_BYTES_MAX} bytes together"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_a_bound_together_and_one_alone_has_none() {
        let (half, more) = (vec![0; PARTS_BYTES_MAX / 2], vec![0; PARTS_BYTES_MAX + 1]);
        let check = |parts: &[Option<&[u8]>], fits: bool| {
            let mut bytes = PartBytes::default();
            assert_eq!(parts.iter().try_for_each(|part| bytes.add(*part)).is_ok(), fits);
        };
        check(&[Some(&half), None, Some(&half)], true);
        check(&[Some(&half), None, Some(&half), Some(b"x")], false);
        check(&[None, Some(&more), None], true);
        check(&[Some(&more), Some(b"x")], false);
        check(&[Some(b"x"), Some(&more)], false);
    }
}
