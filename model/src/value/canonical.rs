//! The form in which Cassandra keeps a collection that a client sent: sets and maps in order and each key once, nested
//! ones too, numbers in their shortest form. It takes such collections apart into objects and writes them anew; what
//! stands in a tuple or UDT it keeps as it came.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::{
    CollectionBuilder, Comparator, Decimal, Duration, decode_boolean, decode_varint, elements, encode_map_sorted,
    encode_set_sorted, encode_varint, entries,
};
use crate::types::CqlType;

/// The value as Cassandra keeps it, when it comes in as a bound value. The bytes must have been validated; values that
/// are no collections, and collections that are in this form already, are given back as they are.
pub fn canonical_collection<'a>(cql_type: &CqlType, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    match cql_type {
        CqlType::List { element, .. } => canonical_list(element, bytes),
        CqlType::Set { element, .. } => canonical_set(element, bytes),
        CqlType::Map { key, value, .. } => canonical_map(key, value, bytes),
        _ => Cow::Borrowed(bytes),
    }
}

/// As [`canonical_collection`], for what stands inside a collection.
fn canonical_part<'a>(cql_type: &CqlType, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    let rewritten = match cql_type {
        CqlType::Varint => decode_varint(bytes).map(|number| encode_varint(&number)),
        CqlType::Decimal => Decimal::from_bytes(bytes).map(|number| number.to_bytes()),
        // What follows the three numbers is lost.
        CqlType::Duration => Duration::from_bytes(bytes).ok().map(Duration::to_bytes),
        CqlType::Boolean => decode_boolean(bytes).map(|value| vec![u8::from(value)]),
        // An IPv4 address that is mapped into IPv6 is IPv4.
        CqlType::Inet => bytes.strip_prefix(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]).map(<[u8]>::to_vec),
        _ => return canonical_collection(cql_type, bytes),
    };
    match rewritten {
        Some(rewritten) if rewritten != bytes => Cow::Owned(rewritten),
        _ => Cow::Borrowed(bytes),
    }
}

fn canonical_list<'a>(element: &CqlType, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    if elements(bytes).all(|part| is_canonical(element, part)) {
        return Cow::Borrowed(bytes);
    }
    let mut builder = CollectionBuilder::default();
    elements(bytes).for_each(|part| builder.push(&canonical_part(element, part)));
    Cow::Owned(builder.finish())
}

fn canonical_set<'a>(element: &CqlType, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    let order = Comparator::for_type(element);
    if is_ascending(elements(bytes), &order) && elements(bytes).all(|part| is_canonical(element, part)) {
        return Cow::Borrowed(bytes);
    }
    let parts: Vec<_> = elements(bytes).map(|part| canonical_part(element, part)).collect();
    Cow::Owned(encode_set_sorted(parts.iter().map(|part| &**part), &order))
}

fn canonical_map<'a>(key: &CqlType, value: &CqlType, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    let order = Comparator::for_type(key);
    let parts_are = entries(bytes).all(|(left, right)| is_canonical(key, left) && is_canonical(value, right));
    if parts_are && is_ascending(entries(bytes).map(|(left, _)| left), &order) {
        return Cow::Borrowed(bytes);
    }
    let parts: Vec<_> =
        entries(bytes).map(|(left, right)| (canonical_part(key, left), canonical_part(value, right))).collect();
    Cow::Owned(encode_map_sorted(parts.iter().map(|(left, right)| (&**left, &**right)), &order))
}

fn is_canonical(cql_type: &CqlType, bytes: &[u8]) -> bool {
    matches!(canonical_part(cql_type, bytes), Cow::Borrowed(_))
}

/// True when each part is greater than the one before it.
fn is_ascending<'a>(mut parts: impl Iterator<Item = &'a [u8]>, order: &Comparator) -> bool {
    let Some(mut before) = parts.next() else {
        return true;
    };
    parts.all(|part| order.compare(std::mem::replace(&mut before, part), part) == Ordering::Less)
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::{cql_type, hex, unhex};
    use super::super::validate;
    use super::*;

    fn check(name: &str, sent: &str, kept: &str) {
        let cql_type = cql_type(name);
        let sent = unhex(sent);
        validate(&cql_type, &sent).unwrap();
        let answer = canonical_collection(&cql_type, &sent);
        assert_eq!(hex(&answer), kept, "{name}");
        assert_eq!(matches!(answer, Cow::Borrowed(_)), hex(&sent) == kept, "{name}");
        assert!(matches!(canonical_collection(&cql_type, &answer), Cow::Borrowed(_)), "{name}");
    }

    #[test]
    fn collections_are_kept_in_order() {
        check("set<tinyint>", "00000000", "00000000");
        check("set<tinyint>", "00000003000000010300000001010000000103", "0000000200000001010000000103");
        check("set<tinyint>", "0000000200000001010000000103", "0000000200000001010000000103");
        check("set<tinyint>", "00000002000000017f0000000180", "000000020000000180000000017f");
        check("list<tinyint>", "0000000200000001030000000101", "0000000200000001030000000101");
        check("set<varint>", "00000002000000020001000000017f", "000000020000000101000000017f");
        check("set<varint>", "0000000200000002000100000001ff", "0000000200000001ff0000000101");
        check("set<boolean>", "0000000100000001ff", "000000010000000101");
        check("list<decimal>", "0000000100000006000000010005", "00000001000000050000000105");
        check("list<duration>", "0000000100000005000000ff07", "0000000100000003000000");
        check("set<inet>", "000000010000001000000000000000000000ffff7f000001", "00000001000000047f000001");
        check(
            "set<inet>",
            "000000010000001000000000000000000000fffe7f000001",
            "000000010000001000000000000000000000fffe7f000001",
        );
        check(
            "map<tinyint, tinyint>",
            "00000002000000010200000001090000000101000000010a",
            "000000020000000101000000010a00000001020000000109",
        );
        check(
            "map<tinyint, tinyint>",
            "000000020000000102000000010900000001020000000108",
            "0000000100000001020000000108",
        );
        check("map<tinyint, varint>", "00000001000000010200000002000a", "000000010000000102000000010a");
        check(
            "list<frozen<set<tinyint>>>",
            "000000010000000e0000000200000001030000000101",
            "000000010000000e0000000200000001010000000103",
        );
        check(
            "tuple<frozen<set<tinyint>>>",
            "0000000e0000000200000001030000000101",
            "0000000e0000000200000001030000000101",
        );
        check("varint", "0001", "0001");
    }
}
