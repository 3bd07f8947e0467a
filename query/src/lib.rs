//! Statements turned into reads and writes: preparing against a schema, binding values, building mutations and read commands,
//! turning what was read into result rows. Knows no frame, no disk, no peer.

pub use helenus_cql::ast;

pub mod cas;
pub mod ddl;
pub mod describe;
pub mod error;
pub mod function;
pub mod guardrail;
mod parts;
pub mod prepare;
mod repeated;
pub mod restrict;
pub mod role;
pub mod select;
pub mod sink;
pub mod spec;
pub mod system_tables;
pub mod term;
pub mod values;
pub mod write;

#[cfg(test)]
mod golden_tests;
