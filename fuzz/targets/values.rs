//! Any bytes as a value of any type, and any text: checking, ordering, printing and reading end without a panic, orders are
//! total, and what a text or JSON is read as is valid.
#![no_main]

use std::cmp::Ordering;
use std::sync::Arc;

use helenus_fuzz::input::Input;
use helenus_model::types::{CqlType, UdtDefinition, parse_java_class};
use helenus_model::value::{
    Comparator, Json, canonical_collection, from_json, parse_text, to_cql_literal, to_json, to_text, validate,
};
use libfuzzer_sys::fuzz_target;

fn any_type(input: &mut Input<'_>, depth: usize) -> CqlType {
    const PLAIN: [CqlType; 20] = [
        CqlType::Ascii,
        CqlType::Bigint,
        CqlType::Blob,
        CqlType::Boolean,
        CqlType::Date,
        CqlType::Decimal,
        CqlType::Double,
        CqlType::Duration,
        CqlType::Float,
        CqlType::Inet,
        CqlType::Int,
        CqlType::Smallint,
        CqlType::Text,
        CqlType::Time,
        CqlType::Timestamp,
        CqlType::Timeuuid,
        CqlType::Tinyint,
        CqlType::Uuid,
        CqlType::Varint,
        CqlType::Empty,
    ];
    let choice = usize::from(input.byte());
    if depth == 0 || choice < 200 {
        return PLAIN[choice % PLAIN.len()].clone();
    }
    let frozen = depth < 3 || choice & 1 == 0;
    match choice % 7 {
        0 => CqlType::list(any_type(input, depth - 1), frozen),
        1 => CqlType::set(any_type(input, depth - 1), frozen),
        2 => CqlType::map(any_type(input, depth - 1), any_type(input, depth - 1), frozen),
        3 => CqlType::vector(any_type(input, depth - 1), 1 + u32::from(input.byte() % 8)),
        4 => CqlType::tuple((0..1 + input.byte() % 3).map(|_| any_type(input, depth - 1)).collect::<Vec<_>>()),
        5 => {
            let fields = (0..1 + input.byte() % 3).map(|at| (format!("f{at}"), any_type(input, depth - 1))).collect();
            let definition = UdtDefinition { keyspace: "ks".to_owned(), name: "u".to_owned(), fields };
            CqlType::Udt { definition: Arc::new(definition), frozen }
        }
        _ => {
            let class = String::from_utf8_lossy(input.short()).into_owned();
            parse_java_class(&class).unwrap_or(CqlType::Int)
        }
    }
}

fn check_bytes(cql_type: &CqlType, bytes: &[u8]) {
    to_text(cql_type, bytes);
    to_cql_literal(cql_type, bytes);
    to_json(cql_type, bytes);
    let canonical = canonical_collection(cql_type, bytes);
    if validate(cql_type, bytes).is_ok() {
        assert_eq!(validate(cql_type, &canonical), Ok(()), "{cql_type:?} {bytes:?}");
    }
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let cql_type = any_type(&mut input, 3);
    let values = [input.short(), input.short(), input.rest()];
    values.iter().for_each(|bytes| check_bytes(&cql_type, bytes));
    let order = Comparator::for_type(&cql_type);
    let [a, b, c] = values;
    let (ab, bc, ac) = (order.compare(a, b), order.compare(b, c), order.compare(a, c));
    assert_eq!(order.compare(a, a), Ordering::Equal);
    assert_eq!(order.compare(b, a), ab.reverse());
    if ab == bc || bc == Ordering::Equal {
        assert_eq!(ac, ab, "{cql_type:?} {a:?} {b:?} {c:?}");
    }
    if let Ok(text) = std::str::from_utf8(c) {
        // No text is no bytes, as in Cassandra.
        if let Ok(bytes) = parse_text(&cql_type, text)
            && !text.is_empty()
        {
            assert_eq!(validate(&cql_type, &bytes), Ok(()), "{cql_type:?} {text:?}");
        }
        // The empty string makes an empty value of any type, as in Cassandra; the statements that write it look at it then.
        if let Ok(json) = Json::parse(text)
            && let Ok(Some(bytes)) = from_json(&cql_type, &json)
            && !text.contains("\"\"")
        {
            assert_eq!(validate(&cql_type, &bytes), Ok(()), "{cql_type:?} {text:?}");
        }
    }
});
