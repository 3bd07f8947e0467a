//! Nulls inside bound lists: elements of length −1, and empty ones where the type has no empty value.

use helenus_model::types::CqlType;
use helenus_model::value::elements;

/// The elements of a bound list; None is a null, which drivers send as an element of length −1.
pub(crate) struct NullableElements<'b> {
    left: i32,
    /// What stands behind the elements so far; None when it was too short for the next one.
    rest: Option<&'b [u8]>,
}

impl<'b> NullableElements<'b> {
    /// Of the bytes of a list, which may be none.
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        match bytes.split_first_chunk::<4>() {
            Some((count, rest)) => NullableElements { left: i32::from_be_bytes(*count), rest: Some(rest) },
            None => NullableElements { left: 0, rest: None },
        }
    }

    /// What stands behind all elements once they were taken; None: the bytes were no list.
    pub(crate) fn rest(&self) -> Option<&'b [u8]> {
        self.rest
    }
}

impl<'b> Iterator for NullableElements<'b> {
    type Item = Option<&'b [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left <= 0 {
            return None;
        }
        self.left -= 1;
        let (length, rest) = self.rest.take()?.split_first_chunk::<4>()?;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            self.rest = Some(rest);
            return Some(None);
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.rest = Some(rest);
        Some(Some(value))
    }
}

/// True when an element of a well-formed list is empty where its type has no empty value: Cassandra reads such an element as null.
pub(crate) fn has_empty_null(ty: &CqlType, bytes: &[u8]) -> bool {
    let CqlType::List { element, .. } = ty else { return false };
    if !element.is_empty_value_meaningless() {
        return false;
    }
    let count = bytes.first_chunk::<4>().and_then(|count| usize::try_from(i32::from_be_bytes(*count)).ok());
    match (element.value_length_if_fixed(), count) {
        (_, None) => false,
        // Elements have the type's length or none: the bytes' length tells whether there is an empty one.
        (Some(length), Some(count)) => bytes.len() != 4 + count * (4 + length),
        (None, _) => elements(bytes).any(<[u8]>::is_empty),
    }
}

/// A list's bytes without its nulls, and how many they were; None for a list that has none, or is none.
pub(crate) fn without_nulls(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut parts = NullableElements::new(bytes);
    let (mut left, mut kept, mut nulls) = (vec![0; 4], 0_i32, 0);
    for part in parts.by_ref() {
        let Some(value) = part else {
            nulls += 1;
            continue;
        };
        kept += 1;
        left.extend_from_slice(&i32::try_from(value.len()).ok()?.to_be_bytes());
        left.extend_from_slice(value);
    }
    left.extend_from_slice(parts.rest()?);
    left.get_mut(..4)?.copy_from_slice(&kept.to_be_bytes());
    (nulls > 0).then_some((left, nulls))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_are_left_out() {
        let list = |count: i32, parts: &[Option<&[u8]>]| {
            let mut bytes = count.to_be_bytes().to_vec();
            for part in parts {
                bytes.extend_from_slice(&part.map_or(-1, |part| part.len() as i32).to_be_bytes());
                bytes.extend_from_slice(part.unwrap_or_default());
            }
            bytes
        };
        for (given, expected) in [
            (list(2, &[Some(b"a"), None]), Some((list(1, &[Some(b"a")]), 1))),
            (list(3, &[None, Some(b""), None]), Some((list(1, &[Some(b"")]), 2))),
            (list(1, &[None, Some(b"behind")]), Some((list(0, &[Some(b"behind")]), 1))),
            (list(1, &[Some(b"a")]), None),
            (list(0, &[]), None),
            (list(-1, &[]), None),
            (list(2, &[None]), None),
            (b"123".to_vec(), None),
        ] {
            assert_eq!(without_nulls(&given), expected, "{given:?}");
        }
    }
}
