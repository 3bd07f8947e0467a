//! The nouns of Helenus: types, values, tokens, keys, rows, mutations, schema, reads.
//!
//! Everything else in the workspace uses these; this crate knows no CQL text, no wire frame and no disk.

pub mod codec;
pub mod consistency;
pub mod counter;
pub mod data_size;
pub mod key;
pub mod limits;
pub mod mutation;
pub mod partition;
pub mod read;
pub mod rng;
pub mod row;
pub mod schema;
pub mod stamp;
pub mod time;
pub mod token;
pub mod types;
pub mod value;
pub mod view;
