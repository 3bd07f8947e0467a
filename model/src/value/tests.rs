//! Tables of values with Cassandra's answers, and laws that hold for all values.

mod compare;
mod from_json;
mod laws;
mod parse;
mod print;
pub(super) mod support;
mod validate;
