//! Statements turned into reads and writes: preparing against a schema, binding values, building mutations and read commands,
//! turning what was read into result rows. Knows no frame, no disk, no peer.

pub mod error;
pub mod values;
