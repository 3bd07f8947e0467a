//! Conditional writes: the IF of INSERT, UPDATE, DELETE and of batches.
//!
//! 1. [`Conditions`] are checked with the statement they belong to and stay in its [`crate::write::WritePlan`].
//! 2. An execution binds the conditions of its statements into one [`CasRequest`]: what must hold of which row of the partition, the
//!    read that tells, and the mutation that is to be applied if it does.
//! 3. When the read is answered, [`CasRequest::applies`] decides, and [`CasRequest::refusal`] gives the rows of a refused write.
//!
//! Who agrees on the outcome with other nodes is no matter of this crate.

mod bound;
mod condition;
mod current;
mod late;
mod request;
mod result;
#[cfg(test)]
mod tests;

pub use condition::{ColumnCondition, Conditions};
pub use request::{CasBuilder, CasRequest};
