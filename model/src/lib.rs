//! The nouns of Helenus: types, values, tokens, keys, rows, mutations, schema, reads.
//!
//! Everything else in the workspace uses these; this crate knows no CQL text, no wire frame and no disk.

pub mod consistency;
pub mod token;
pub mod types;
