//! Conditional statements that write what depends on what is there: elements of lists by place or value, whose time UUIDs only the read tells
//! that the conditions are decided on, and sums. They are bound when it was read; with them all statements of their batch, in their order.

use helenus_model::partition::PartitionRef;
use helenus_model::time::{LocalSeconds, WriteTimestamp};

use crate::error::QueryError;
use crate::values::{BoundValues, ExecuteOptions, IdSource, KeptValues};
use crate::write::{ListRows, WriteBatch, WritePlan};

/// Statements that are bound after the read, with their values.
#[derive(Clone, Debug)]
pub(super) struct LateWrite {
    statements: Vec<(WritePlan, KeptValues)>,
    timestamp: WriteTimestamp,
    now: LocalSeconds,
    now_millis: i64,
}

impl LateWrite {
    /// None yet.
    pub(super) fn new(options: &ExecuteOptions<'_>) -> Self {
        let ExecuteOptions { timestamp, now, now_millis, .. } = *options;
        LateWrite { statements: Vec::new(), timestamp, now, now_millis }
    }

    /// One more statement; its values are complete.
    pub(super) fn push(&mut self, plan: &WritePlan, values: &dyn BoundValues) {
        self.statements.push((plan.clone(), KeptValues::of(values)));
    }

    /// The mutation, at a time that is none yet. `current`: what was read of the partition `key`.
    pub(super) fn bind(
        &self,
        key: &[u8],
        current: Option<&PartitionRef<'_>>,
        ids: &dyn IdSource,
    ) -> Result<Option<Vec<u8>>, QueryError> {
        let options = ExecuteOptions { timestamp: self.timestamp, now: self.now, now_millis: self.now_millis, ids };
        let mut out = WriteBatch::new();
        for (plan, values) in &self.statements {
            let lists = current.map(|current| ListRows::of_partition(&plan.table, key, current, self.now));
            plan.bind_conditional(values, &options, Some(&lists.unwrap_or_default()), &mut out)?;
        }
        out.finish();
        Ok(out.mutations().next().map(|mutation| mutation.bytes.to_vec()))
    }
}
