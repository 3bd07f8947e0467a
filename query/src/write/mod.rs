//! INSERT, UPDATE, DELETE and BATCH: from checked statements to the bytes of mutations.
//!
//! A [`WritePlan`] is made once; [`WritePlan::bind`] adds what one execution writes to a [`WriteBatch`], which holds one mutation for
//! each partition. The common statement, one row of one partition, is encoded straight into the batch's buffer.

mod addition;
mod attributes;
mod batch;
mod bind;
mod cells;
mod count;
mod draft;
mod indexed;
mod json;
mod lists;
mod operation;
mod plan;
mod statement;
#[cfg(test)]
mod tests;

pub use attributes::Attributes;
pub use batch::{BatchPlan, check_counters, prepare_batch};
pub use draft::{MutationOut, WriteBatch};
pub use json::prepare_insert_json;
pub use lists::{ListRead, ListRows};
pub use operation::{Action, Operation};
pub use plan::WritePlan;
pub use statement::{prepare_delete, prepare_insert, prepare_update};
