//! SELECT: a checked statement ([`SelectPlan`]) is started with bound values and becomes a [`SelectExecution`], which asks for one
//! bounded read after the other and turns what was read into result rows.
//!
//! ```text
//! let mut execution = plan.start(values, &options, page)?;
//! while let Some(command) = execution.command() {
//!     // read it from the replicas, reconcile
//!     feed(answer, &mut execution.consumer(&mut sink));
//!     execution.command_done(&mut sink)?;
//! }
//! let end = execution.finish(&mut sink)?;
//! ```

mod aggregate;
mod argument;
mod assemble;
mod consumer;
mod execution;
mod filter;
mod guarded;
mod lists;
mod name;
mod named;
mod paging;
mod plan;
mod qualify;
mod selection;
mod selector;
mod slices;
mod sort;
#[cfg(test)]
pub(crate) mod tests;
mod times;
mod wholes;

pub(crate) use aggregate::{average_of, sum_of};
pub use consumer::SelectConsumer;
pub use execution::SelectExecution;
pub use plan::{SelectPlan, prepare_select};

use crate::spec::ColumnSpec;

/// A column of the result: name, type, table.
pub type ResultColumn = ColumnSpec;

/// How much of the result is wanted now.
#[derive(Clone, Copy, Debug, Default)]
pub struct PageRequest<'a> {
    /// Rows; None: all of them.
    pub size: Option<u32>,
    /// Where the page before ended: bytes that a [`SelectEnd`] gave.
    pub state: Option<&'a [u8]>,
}

/// How an execution ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectEnd {
    /// Where the next page begins; None when there is none.
    pub paging_state: Option<Vec<u8>>,
    /// Warnings for the client.
    pub warnings: Vec<String>,
}

/// Most live rows (for DISTINCT: partitions) one read command asks for: what a coordinator holds at once.
pub const STEP_ROWS: u32 = 5_000;
