//! What the tables of values share.

use std::sync::Arc;

use crate::types::{CqlType, UdtDefinition, parse_cql_type};

/// The type with this CQL name; `point` and `"Big Udt"` are UDTs.
pub(in crate::value) fn cql_type(name: &str) -> CqlType {
    parse_cql_type(name, "ks", &|_, name| udt(name)).unwrap()
}

fn udt(name: &str) -> Option<Arc<UdtDefinition>> {
    let fields = match name {
        "point" => vec![("x".to_owned(), CqlType::Int), ("Y y".to_owned(), CqlType::Text)],
        "Big Udt" => {
            let point = CqlType::Udt { definition: udt("point")?, frozen: true };
            vec![("a".to_owned(), CqlType::list(CqlType::Int, true)), ("b".to_owned(), point)]
        }
        _ => return None,
    };
    Some(Arc::new(UdtDefinition { keyspace: "ks".to_owned(), name: name.to_owned(), fields }))
}

pub(in crate::value) fn unhex(digits: &str) -> Vec<u8> {
    crate::value::text::unhex(digits).unwrap()
}

pub(in crate::value) fn hex(bytes: &[u8]) -> String {
    crate::value::text::hex(bytes)
}
