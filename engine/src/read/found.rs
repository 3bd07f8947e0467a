//! Reads of rows that were found before: partition by partition, each with its own slices.

use helenus_model::key::KeyRef;
use helenus_model::read::{PartitionConsumer, ReadCommand, ReadScope, Slice};
use helenus_model::schema::Table;

use super::{LimitState, Read, wants_statics};
use crate::cursor::ReadMode;
use crate::error::ReadError;
use crate::table_store::View;

/// See the module. The slices of the command are not looked at.
pub(crate) struct FoundRows<'r> {
    table: &'r Table,
    view: &'r View,
    command: &'r ReadCommand,
    mode: ReadMode,
    statics: bool,
    /// Items that may still be looked at.
    budget: u64,
}

impl<'r> FoundRows<'r> {
    pub(crate) fn new(table: &'r Table, view: &'r View, command: &'r ReadCommand, mode: ReadMode) -> Self {
        let statics = wants_statics(table, &command.columns);
        FoundRows { table, view, command, mode, statics, budget: mode.rows_budget }
    }

    /// Items that may still be looked at.
    pub(crate) fn budget_left(&self) -> u64 {
        self.budget
    }

    /// So many items were looked at elsewhere.
    pub(crate) fn spend(&mut self, items: u64) -> Result<(), ReadError> {
        self.budget = self.budget.checked_sub(items).ok_or(ReadError::OverBudget)?;
        Ok(())
    }

    /// Reads from one partition, up to the command's limits.
    pub(crate) fn read_one(
        &mut self,
        key: KeyRef<'_>,
        slices: &[Slice],
        consumer: &mut dyn PartitionConsumer,
    ) -> Result<(), ReadError> {
        let mut read = self.begin(consumer);
        let result = read.partition(key, slices, false);
        let left = read.budget;
        self.budget = left;
        result.map(|_| ())
    }

    /// Reads what is listed of the command's scope, up to its limits.
    pub(crate) fn read_listed(
        &mut self,
        partitions: &[(Box<[u8]>, Vec<Slice>)],
        consumer: &mut dyn PartitionConsumer,
    ) -> Result<(), ReadError> {
        let scope = &self.command.scope;
        let mut read = self.begin(consumer);
        for (key, slices) in partitions {
            let key = KeyRef::new(key);
            let is_within = match scope {
                ReadScope::Partition { key: only } => **only == *key.key,
                ReadScope::Range { start, end, .. } => {
                    start.compare_to_key(key).is_lt() && end.compare_to_key(key).is_gt()
                }
            };
            if is_within && read.partition(key, slices, false)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn begin<'s>(&'s self, consumer: &'s mut dyn PartitionConsumer) -> Read<'s> {
        Read {
            table: self.table,
            view: self.view,
            command: self.command,
            mode: self.mode,
            statics: self.statics,
            budget: self.budget,
            limits: LimitState::new(self.command, self.table.is_strict()),
            consumer,
        }
    }
}
