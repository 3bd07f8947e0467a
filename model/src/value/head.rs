//! The first eight bytes of an order: a number that decides most comparisons without looking at the values.

use super::Comparator;
use super::uuid::{timeuuid_head, uuid_head};

impl Comparator {
    /// A number in the order of the values: where two heads differ, so do the values, in the same direction. Equal heads say
    /// nothing. Types whose order does not fit into a number have the same head for all values.
    #[inline]
    pub fn head(&self, value: &[u8]) -> u64 {
        match self {
            Comparator::Bytes => bytes_head(value),
            Comparator::Bigint => fixed_head::<8>(value, |value| i64::from_be_bytes(value) as u64 ^ (1 << 63)),
            Comparator::Int => {
                fixed_head::<4>(value, |value| u64::from(i32::from_be_bytes(value) as u32 ^ (1 << 31)) << 32)
            }
            Comparator::Timeuuid => fixed_head::<16>(value, timeuuid_head),
            Comparator::Uuid => fixed_head::<16>(value, uuid_head),
            Comparator::Reversed(inner) => !inner.head(value),
            Comparator::Smallint => {
                fixed_head::<2>(value, |value| u64::from(i16::from_be_bytes(value) as u16 ^ (1 << 15)) << 48)
            }
            Comparator::Tinyint => fixed_head::<1>(value, |[value]| u64::from(value ^ (1 << 7)) << 56),
            _ => 0,
        }
    }
}

/// Up to eight bytes; a shorter value is filled up with zeros, which sorts it before what it is a prefix of, or beside it.
#[inline]
fn bytes_head(value: &[u8]) -> u64 {
    match value.first_chunk::<8>() {
        Some(first) => u64::from_be_bytes(*first),
        None => value.iter().fold(0, |head, byte| (head << 8) | u64::from(*byte)) << ((8 - value.len()) * 8 % 64),
    }
}

/// Values of another length than the type's stand before all others.
#[inline]
fn fixed_head<const N: usize>(value: &[u8], head: impl Fn([u8; N]) -> u64) -> u64 {
    <[u8; N]>::try_from(value).map_or(0, head)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::types::CqlType;
    use crate::value::Comparator;

    fn orders() -> Vec<Comparator> {
        let types = [
            CqlType::Text,
            CqlType::Bigint,
            CqlType::Int,
            CqlType::Smallint,
            CqlType::Tinyint,
            CqlType::Timeuuid,
            CqlType::Uuid,
            CqlType::Double,
            CqlType::Varint,
        ];
        types.iter().map(Comparator::for_type).flat_map(|order| [order.clone(), order.reversed()]).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn heads_never_contradict_the_order(
            a in prop_oneof![proptest::collection::vec(any::<u8>(), 0..18), proptest::collection::vec(any::<u8>(), 16)],
            b in prop_oneof![proptest::collection::vec(any::<u8>(), 0..18), proptest::collection::vec(any::<u8>(), 16)],
            cut in 0..18_usize,
            fixed in prop_oneof![Just(1_usize), Just(2), Just(4), Just(8)],
        ) {
            let mut near = a.clone();
            near.truncate(cut);
            let (mut short_a, mut short_b) = (a.clone(), b.clone());
            short_a.truncate(fixed);
            short_b.truncate(fixed);
            for order in orders() {
                for (a, b) in [(&a, &b), (&a, &near), (&near, &b), (&short_a, &short_b)] {
                    let (heads, values) = (order.head(a).cmp(&order.head(b)), order.compare(a, b));
                    prop_assert!(heads.is_eq() || heads == values, "{order:?} {a:?} {b:?}: {heads:?}, {values:?}");
                }
            }
        }
    }

    #[test]
    fn heads_tell_common_values_apart() {
        let check = |ty: CqlType, a: &[u8], b: &[u8]| {
            let order = Comparator::for_type(&ty);
            assert!(order.head(a) < order.head(b), "{ty:?}");
            assert!(order.clone().reversed().head(a) > order.reversed().head(b), "{ty:?} reversed");
        };
        check(CqlType::Text, b"abc", b"abd");
        check(CqlType::Text, b"ab", b"abd");
        check(CqlType::Timestamp, &(-5_i64).to_be_bytes(), &5_i64.to_be_bytes());
        check(CqlType::Int, &(-5_i32).to_be_bytes(), &5_i32.to_be_bytes());
        let (early, late) = (crate::value::min_timeuuid(1000), crate::value::min_timeuuid(1001));
        check(CqlType::Timeuuid, early.as_bytes(), late.as_bytes());
        check(CqlType::Uuid, early.as_bytes(), late.as_bytes());
    }
}
