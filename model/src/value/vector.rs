//! Vectors: elements of fixed length one behind the other; others each with its length as an unsigned vint before it.

use super::ValueError;
use crate::codec::{Reader, put_vint};

/// The elements of a serialized vector. `element_length` is that of
/// [`CqlType::value_length_if_fixed`](crate::types::CqlType::value_length_if_fixed) of the element type. Malformed bytes
/// end the iteration.
pub fn vector_elements(bytes: &[u8], element_length: Option<usize>) -> VectorElements<'_> {
    VectorElements { rest: bytes, element_length }
}

/// Iterator of [`vector_elements`].
#[derive(Clone, Debug)]
pub struct VectorElements<'a> {
    rest: &'a [u8],
    element_length: Option<usize>,
}

impl<'a> Iterator for VectorElements<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let (element, rest) = match self.element_length {
            // Elements of no length cannot be told from none.
            Some(0) => return None,
            Some(length) => self.rest.split_at_checked(length)?,
            None => split_element(self.rest)?,
        };
        self.rest = rest;
        Some(element)
    }
}

/// Splits a vint length and its bytes off.
fn split_element(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut reader = Reader::new(bytes);
    let length = usize::try_from(reader.vint().ok()?).ok()?;
    reader.rest().split_at_checked(length)
}

/// Builds a serialized vector.
#[derive(Clone, Debug)]
pub struct VectorBuilder {
    out: Vec<u8>,
    element_length: Option<usize>,
}

impl VectorBuilder {
    /// A builder for elements of this fixed length, or of varying length.
    pub fn new(element_length: Option<usize>) -> Self {
        VectorBuilder { out: Vec::new(), element_length }
    }

    /// Appends an element; one of fixed length must have that length.
    pub fn push(&mut self, element: &[u8]) {
        match self.element_length {
            Some(length) => debug_assert_eq!(element.len(), length),
            None => put_vint(&mut self.out, element.len() as u64),
        }
        self.out.extend_from_slice(element);
    }

    /// The serialized value.
    pub fn finish(self) -> Vec<u8> {
        self.out
    }
}

/// Checks the frame of a vector of `dimension` elements and calls `check` for each. `name` is the type's CQL name.
pub(super) fn validate(
    bytes: &[u8],
    dimension: u32,
    element_length: Option<usize>,
    name: &dyn Fn() -> String,
    check: &mut dyn FnMut(&[u8]) -> Result<(), ValueError>,
) -> Result<(), ValueError> {
    if bytes.is_empty() {
        return Err(ValueError::new("Invalid empty vector value"));
    }
    let mut rest = bytes;
    // Elements without bytes are all alike: one is looked at.
    let dimension = if element_length == Some(0) { dimension.min(1) } else { dimension };
    for _ in 0..dimension {
        let split = match element_length {
            Some(length) => rest.split_at_checked(length),
            None => split_element(rest),
        };
        let short = || {
            let message = format!("Not enough bytes to read a {}", name());
            let is_inside = element_length.is_none() && !rest.is_empty();
            if is_inside { ValueError::underflow(message) } else { ValueError::new(message) }
        };
        let (element, behind) = split.ok_or_else(short)?;
        check(element)?;
        rest = behind;
    }
    if rest.is_empty() {
        return Ok(());
    }
    Err(ValueError::new(format!("Unexpected {} extraneous bytes after {} value", rest.len(), name())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_elements_without_bytes_one_is_looked_at() {
        let mut looked_at = 0;
        let mut check = |element: &[u8]| {
            looked_at += 1;
            // A second time is too often: there may be 2^31 of them.
            if element.is_empty() && looked_at == 1 { Ok(()) } else { Err(ValueError::new("looked at again")) }
        };
        let found = validate(&[0], i32::MAX as u32, Some(0), &|| "vector<empty, 2147483647>".to_owned(), &mut check);
        let expected = "Unexpected 1 extraneous bytes after vector<empty, 2147483647> value";
        assert_eq!(found.expect_err("a byte too many").to_string(), expected);
    }
}
