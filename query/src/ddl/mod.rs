//! Schema statements: from the statement and the present schema to the changes the metadata log is to carry.

mod compact;
mod compaction;
mod compatible;
mod compression;
mod function;
mod hashed;
mod index;
mod keyspace;
mod names;
mod options;
mod outcome;
mod plan;
mod properties;
mod replication;
mod retry;
mod size;
mod table;
mod table_alter;
#[cfg(test)]
mod tests;
mod trigger;
mod unified;
mod user_type;
mod view;
mod view_where;

pub(crate) use index::find as find_index;
pub use outcome::{DdlContext, DdlOutcome, EventKind, EventTarget, SchemaEvent};
pub use plan::DdlPlan;
