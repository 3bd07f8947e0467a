//! The text of CQL: lexer, parser, syntax tree, printer.
//!
//! The grammar is that of Apache Cassandra 5.0. The crate knows no schema and no data: a statement that parses may still be refused when
//! it is prepared.

pub mod ast;
mod lexer;
mod parser;
pub mod print;
#[cfg(test)]
mod tests;

pub use parser::{
    MAX_MARKERS, MAX_NESTING, MAX_STATEMENT_BYTES, MAX_TOKENS, ParsedStatement, SyntaxError, parse, parse_term,
    parse_type,
};
