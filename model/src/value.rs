//! CQL values in the serialized form that the wire, the cells and the files share: checking, ordering, taking apart,
//! building, reading from text and printing.
//!
//! A value is a slice of bytes plus the [`CqlType`](crate::types::CqlType) it is read by; null is the absence of a
//! slice. Where Cassandra allows it a value may be empty (no bytes), which is neither null nor zero.
//!
//! Everything here takes bytes from outside: no function panics on malformed ones. Those that answer an `Option` or
//! iterate treat malformed bytes as absent; call [`validate`] where bytes enter the system.

mod boolean;
mod canonical;
mod civil;
mod collection;
mod compare;
mod date;
mod decimal;
mod decimal_text;
mod duration;
mod duration_text;
mod error;
mod float;
mod float_text;
mod from_json;
mod head;
mod inet;
mod integer;
mod json;
mod json_text;
mod parse;
mod print;
mod text;
mod time_of_day;
mod timestamp;
mod tuple;
mod uuid;
mod validate;
mod varint;
mod vector;

pub use boolean::decode_boolean;
pub use canonical::canonical_collection;
pub use collection::{
    CollectionBuilder, Elements, Entries, elements, encode_list, encode_map_sorted, encode_set_sorted, entries,
    nullable_elements, nullable_entries,
};
pub use compare::{Comparator, compare};
pub use date::{DATE_EPOCH, decode_date, encode_date_from_epoch_days};
pub use decimal::Decimal;
pub use duration::Duration;
pub use error::ValueError;
pub use float::{decode_double, decode_float};
pub use float_text::{java_double, java_float};
pub use from_json::{EMPTY_IN_VECTOR, from_json, name_from_json};
pub use inet::{decode_inet, encode_inet};
pub use integer::{decode_bigint, decode_int, decode_smallint, decode_time, decode_timestamp, decode_tinyint};
pub use json::{json_name, to_json, write_json_string};
pub use json_text::Json;
pub use parse::parse_text;
pub use print::{to_cql_literal, to_text};
pub use text::{decode_text, is_valid_ascii, is_valid_utf8};
pub use tuple::{Components, TupleBuilder, components};
pub use uuid::{
    GREGORIAN_EPOCH_OFFSET_MILLIS, decode_uuid, max_timeuuid, min_timeuuid, timeuuid_from_parts, timeuuid_unix_millis,
};
pub use validate::validate;
pub use varint::{decode_varint, encode_varint};
pub use vector::{VectorBuilder, VectorElements, vector_elements};

#[cfg(test)]
mod tests;
