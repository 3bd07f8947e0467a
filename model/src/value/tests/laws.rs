//! Laws: orders are total, what is encoded decodes to itself, nothing panics on any bytes.

use std::cmp::Ordering;

use num_bigint::BigInt;
use proptest::prelude::*;

use super::support::cql_type;
use crate::types::CqlType;
use crate::value::*;

const TYPES: &[&str] = &[
    "ascii",
    "bigint",
    "blob",
    "boolean",
    "counter",
    "date",
    "decimal",
    "double",
    "duration",
    "empty",
    "float",
    "inet",
    "int",
    "smallint",
    "text",
    "time",
    "timestamp",
    "timeuuid",
    "tinyint",
    "uuid",
    "varint",
    "list<int>",
    "set<text>",
    "map<int, varint>",
    "tuple<int, text, decimal>",
    "frozen<point>",
    "frozen<\"Big Udt\">",
    "vector<float, 3>",
    "vector<text, 2>",
    "frozen<list<frozen<map<text, boolean>>>>",
    "'org.apache.cassandra.db.marshal.LexicalUUIDType'",
    "'org.apache.cassandra.db.marshal.DateType'",
];

fn any_type() -> impl Strategy<Value = CqlType> {
    (0..TYPES.len()).prop_map(|place| cql_type(TYPES[place]))
}

/// Bytes that are often near to a value: few different bytes, lengths that types have, collections in parts.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(0u8), Just(1), Just(4), Just(0x7f), Just(0x80), Just(0xff), Just(0x10), any::<u8>()];
    let length = prop_oneof![Just(0usize), Just(1), Just(2), Just(4), Just(5), Just(8), Just(12), Just(16), 0usize..40];
    let plain = length.prop_flat_map(move |length| proptest::collection::vec(byte.clone(), length));
    let part = proptest::collection::vec(any::<u8>(), 0..6);
    let parts = proptest::collection::vec(part, 0..4).prop_map(|parts| encode_list(parts.iter().map(Vec::as_slice)));
    prop_oneof![3 => plain, 1 => parts]
}

proptest! {
    #[test]
    fn orders_are_total(cql_type in any_type(), a in any_bytes(), b in any_bytes(), c in any_bytes()) {
        let order = Comparator::for_type(&cql_type);
        let (ab, bc, ac) = (order.compare(&a, &b), order.compare(&b, &c), order.compare(&a, &c));
        prop_assert_eq!(order.compare(&a, &a), Ordering::Equal);
        prop_assert_eq!(order.compare(&b, &a), ab.reverse());
        if ab == bc {
            prop_assert_eq!(ac, ab);
        }
        if ab == Ordering::Equal {
            prop_assert_eq!(ac, bc);
        }
    }

    #[test]
    fn validation_of_any_bytes_ends(cql_type in any_type(), bytes in any_bytes()) {
        if validate(&cql_type, &bytes).is_ok() && bytes.is_empty() {
            prop_assert!(cql_type.allows_empty());
        }
    }

    #[test]
    fn varints_have_numeric_order(a in any::<i128>(), b in any::<i128>(), shift in 0u32..120) {
        let (a, b) = (BigInt::from(a >> shift), BigInt::from(b >> shift));
        let (a_bytes, b_bytes) = (encode_varint(&a), encode_varint(&b));
        prop_assert_eq!(Comparator::Varint.compare(&a_bytes, &b_bytes), a.cmp(&b));
        prop_assert_eq!(decode_varint(&a_bytes), Some(a));
    }

    #[test]
    fn decimals_have_numeric_order(a in -10_000i64..10_000, b in -10_000i64..10_000, a_scale in -5i32..5, b_scale in -5i32..5) {
        let scaled = |unscaled: i64, scale: i32| BigInt::from(unscaled) * BigInt::from(10).pow((5 - scale) as u32);
        let left = Decimal { unscaled: BigInt::from(a), scale: a_scale };
        let right = Decimal { unscaled: BigInt::from(b), scale: b_scale };
        prop_assert_eq!(left.compare_numeric(&right), scaled(a, a_scale).cmp(&scaled(b, b_scale)));
        prop_assert_eq!(Decimal::from_bytes(&left.to_bytes()), Some(left));
    }

    #[test]
    fn durations_read_back(months in any::<i32>(), days in any::<i32>(), nanoseconds in any::<i64>()) {
        if let Ok(duration) = Duration::new(months, days, nanoseconds) {
            prop_assert_eq!(Duration::from_bytes(&duration.to_bytes()), Ok(duration));
        }
        let (months, days, nanoseconds) = (months & i32::MAX, days & i32::MAX, nanoseconds & i64::MAX);
        let positive = Duration::new(months, days, nanoseconds).unwrap();
        prop_assert_eq!(Duration::from_bytes(&positive.to_bytes()), Ok(positive));
    }

    #[test]
    fn collections_read_back(parts in proptest::collection::vec(any_bytes(), 0..5)) {
        let slices = || parts.iter().map(Vec::as_slice);
        let list = encode_list(slices());
        prop_assert!(elements(&list).eq(slices()));
        prop_assert_eq!(validate(&cql_type("list<blob>"), &list), Ok(()));
        let map = encode_map_sorted(slices().map(|part| (part, part)), &Comparator::Bytes);
        prop_assert_eq!(validate(&cql_type("map<blob, blob>"), &map), Ok(()));
        let set = encode_set_sorted(slices(), &Comparator::Bytes);
        prop_assert!(elements(&set).is_sorted());
        prop_assert!(elements(&set).eq(entries(&map).map(|(key, _)| key)));
        let mut vector = VectorBuilder::new(None);
        slices().for_each(|part| vector.push(part));
        prop_assert!(vector_elements(&vector.finish(), None).eq(slices()));
        let mut tuple = TupleBuilder::default();
        tuple.push(None);
        slices().for_each(|part| tuple.push(Some(part)));
        prop_assert!(components(&tuple.finish()).eq(std::iter::once(None).chain(slices().map(Some))));
    }

    #[test]
    fn timeuuids_hold_their_millisecond(millis in -12_219_292_800_000i64..100_000_000_000_000) {
        let (low, high) = (min_timeuuid(millis), max_timeuuid(millis));
        prop_assert_eq!(timeuuid_unix_millis(&low), Some(millis));
        prop_assert_eq!(timeuuid_unix_millis(&high), Some(millis));
        prop_assert_eq!(Comparator::Timeuuid.compare(low.as_bytes(), high.as_bytes()), Ordering::Less);
        prop_assert_eq!(Comparator::Timeuuid.compare(high.as_bytes(), min_timeuuid(millis + 1).as_bytes()), Ordering::Less);
        prop_assert_eq!(validate(&CqlType::Timeuuid, high.as_bytes()), Ok(()));
    }
}

/// Types whose text form says all there is to say.
const TEXTUAL: &[&str] = &[
    "ascii",
    "text",
    "bigint",
    "blob",
    "boolean",
    "counter",
    "date",
    "decimal",
    "double",
    "duration",
    "float",
    "inet",
    "int",
    "smallint",
    "time",
    "timestamp",
    "timeuuid",
    "tinyint",
    "uuid",
    "varint",
    "list<int>",
    "vector<text, 2>",
];

/// Values that validate, made from bytes: cut or padded to the type's length.
fn value_of(cql_type: &CqlType, seed: &[u8]) -> Vec<u8> {
    let sized = |length: usize| (0..length).map(|place| seed.get(place).copied().unwrap_or(7)).collect::<Vec<u8>>();
    match cql_type {
        CqlType::Boolean => vec![seed.first().map_or(0, |byte| byte & 1)],
        CqlType::Tinyint => sized(1),
        CqlType::Smallint => sized(2),
        CqlType::Int | CqlType::Float | CqlType::Date => sized(4),
        CqlType::Bigint | CqlType::Counter | CqlType::Double => sized(8),
        CqlType::Time => {
            (i64::from_be_bytes(sized(8).try_into().unwrap()).rem_euclid(86_400_000_000_000)).to_be_bytes().to_vec()
        }
        // Years before 1 do not read back: Cassandra prints them without their era.
        CqlType::Timestamp => {
            (i64::from_be_bytes(sized(8).try_into().unwrap()).rem_euclid(250_000_000_000_000)).to_be_bytes().to_vec()
        }
        CqlType::Uuid => sized(16),
        CqlType::Timeuuid => {
            let mut bytes = sized(16);
            bytes[6] = 0x10 | bytes[6] & 15;
            bytes
        }
        CqlType::Inet => sized(if seed.len().is_multiple_of(2) { 4 } else { 16 }),
        CqlType::Varint => encode_varint(&BigInt::from_signed_bytes_be(&[&[0], seed].concat())),
        CqlType::Decimal => {
            let scale = i32::from(seed.first().map_or(0, |byte| *byte as i8));
            Decimal { unscaled: BigInt::from_signed_bytes_be(seed), scale }.to_bytes()
        }
        CqlType::Duration => {
            let sign = if seed.len().is_multiple_of(2) { 1 } else { -1 };
            let part = |place: usize| i64::from(seed.get(place).copied().unwrap_or(1)) + 1;
            let months = sign * part(0) as i32 * 7;
            Duration {
                months,
                days: sign * part(1) as i32 * 9_001,
                nanoseconds: i64::from(sign) * part(2) * 777_777_777_777,
            }
            .to_bytes()
        }
        CqlType::Ascii | CqlType::Text => seed.iter().map(|byte| byte & 0x7f).collect(),
        // list<int> and vector<text, 2>
        CqlType::List { .. } => {
            let elements = seed.iter().flat_map(|byte| [0, 0, 0, 4, 0xff, 0, 0, *byte]);
            (seed.len() as u32).to_be_bytes().into_iter().chain(elements).collect()
        }
        CqlType::Vector { .. } => {
            let (first, second) = seed.split_at(seed.len() / 2);
            let text = |part: &[u8]| -> Vec<u8> { part.iter().map(|byte| byte & 0x7f).collect() };
            [&[first.len() as u8][..], &text(first), &[second.len() as u8], &text(second)].concat()
        }
        _ => seed.to_vec(),
    }
}

proptest! {
    #[test]
    fn text_reads_back(place in 0..TEXTUAL.len(), seed in proptest::collection::vec(any::<u8>(), 1..24)) {
        let cql_type = cql_type(TEXTUAL[place]);
        let value = value_of(&cql_type, &seed);
        let text = to_text(&cql_type, &value);
        let back = parse_text(&cql_type, &text);
        // Every NaN reads back as the same one.
        prop_assert!(back.is_ok(), "{} {:?} {:?}", TEXTUAL[place], text, back);
        let back = back.unwrap();
        prop_assert!(back == value || text == "NaN", "{} {:?} {:?} {:?}", TEXTUAL[place], text, value, back);
    }

    #[test]
    fn json_reads_back(place in 0..TEXTUAL.len(), seed in proptest::collection::vec(any::<u8>(), 1..24)) {
        let cql_type = cql_type(TEXTUAL[place]);
        // Decimals with an exponent go through doubles, and counters are not read.
        if !matches!(TEXTUAL[place], "decimal" | "counter") {
            let value = value_of(&cql_type, &seed);
            let json = to_json(&cql_type, &value);
            let back = from_json(&cql_type, &Json::parse(&json).unwrap()).unwrap();
            prop_assert!(back.as_ref() == Some(&value) || json == "null", "{} {} {:?}", TEXTUAL[place], json, back);
        }
    }

    #[test]
    fn json_is_read_or_refused(cql_type in any_type(), text in "[\\[\\]{}:,\"0-9a-z.eE+\\\\u -]{0,24}") {
        let value = Json::parse(&text).and_then(|json| from_json(&cql_type, &json));
        // The empty string makes an empty value even of types that have none, as in Cassandra.
        if let (Ok(Some(value)), false) = (value, text.contains("\"\"")) {
            prop_assert_eq!(validate(&cql_type, &value), Ok(()), "{}", text);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(cql_type in any_type(), text in "\\PC{0,24}|[-+0-9:.TPZYMDHSe \"@]{0,24}") {
        if let Ok(value) = parse_text(&cql_type, &text) {
            let printed = (to_text(&cql_type, &value), to_json(&cql_type, &value), to_cql_literal(&cql_type, &value));
            prop_assert!(!printed.1.is_empty());
        }
    }

    #[test]
    fn any_bytes_are_printed(cql_type in any_type(), bytes in any_bytes()) {
        prop_assert!(!to_json(&cql_type, &bytes).is_empty());
        prop_assert!(to_text(&cql_type, &bytes).len() <= 100_000);
        prop_assert!(to_cql_literal(&cql_type, &bytes).len() <= 100_000);
    }
}

#[test]
fn maps_keep_the_last_of_equal_keys() {
    let map = encode_map_sorted([(&b"b"[..], &b"1"[..]), (b"a", b"2"), (b"b", b"3")], &Comparator::Bytes);
    assert!(entries(&map).eq([(&b"a"[..], &b"2"[..]), (b"b", b"3")]));
    assert_eq!(entries(&map).left(), 2);
}

#[test]
fn nulls_of_what_is_selected_are_told_from_the_end() {
    let mut list = CollectionBuilder::default();
    [None, Some(&b"a"[..]), None].into_iter().for_each(|element| list.push_nullable(element));
    let list = list.finish();
    assert!(nullable_elements(&list).eq([None, Some(&b"a"[..]), None]));
    for cut in 0..list.len() {
        assert!(nullable_elements(&list[..cut]).count() < 3, "{cut}");
    }
    let mut map = CollectionBuilder::default();
    map.push_nullable_entry(b"a", None);
    map.push_nullable_entry(b"b", Some(b"1"));
    let map = map.finish();
    assert!(nullable_entries(&map).eq([(&b"a"[..], None), (b"b", Some(&b"1"[..]))]));
    for cut in 0..map.len() {
        assert!(nullable_entries(&map[..cut]).count() < 2, "{cut}");
    }
}
