//! Nulls inside bound lists: elements of length −1, and empty ones where the type has no empty value.

use helenus_model::types::CqlType;
use helenus_model::value::elements;

/// True when an element of a well-formed list is empty where its type has no empty value: Cassandra reads such an element as null.
pub(crate) fn has_empty_null(ty: &CqlType, bytes: &[u8]) -> bool {
    match ty {
        CqlType::List { element, .. } if element.is_empty_value_meaningless() => elements(bytes).any(<[u8]>::is_empty),
        _ => false,
    }
}

/// A list's bytes without its nulls, and how many they were; None for a list that has none, or is none.
pub(crate) fn without_nulls(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (count, mut rest) = bytes.split_first_chunk::<4>()?;
    let count = i32::from_be_bytes(*count);
    let mut left = vec![0; 4];
    let mut nulls = 0;
    for _ in 0..count {
        let (length, behind) = rest.split_first_chunk::<4>()?;
        let length = i32::from_be_bytes(*length);
        let Ok(size) = usize::try_from(length) else {
            nulls += 1;
            rest = behind;
            continue;
        };
        let (value, behind) = behind.split_at_checked(size)?;
        left.extend_from_slice(&length.to_be_bytes());
        left.extend_from_slice(value);
        rest = behind;
    }
    left.extend_from_slice(rest);
    let kept = count.checked_sub(i32::try_from(nulls).ok()?)?;
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
