//! Counting live rows against a read's limits.

use helenus_model::read::ReadCommand;
use helenus_model::row::RowRef;

/// How much of the limits is used up.
#[derive(Debug)]
pub(crate) struct LimitState<'r> {
    command: &'r ReadCommand,
    rows_left: u32,
    partitions_left: u32,
    rows_in_partition: u32,
    counting: bool,
    strict: bool,
}

impl<'r> LimitState<'r> {
    /// `strict`: see [`helenus_model::schema::Table::is_strict`].
    pub(crate) fn new(command: &'r ReadCommand, strict: bool) -> Self {
        let limits = &command.limits;
        LimitState {
            command,
            rows_left: limits.rows,
            partitions_left: limits.partitions,
            rows_in_partition: 0,
            counting: limits.rows != u32::MAX || limits.per_partition != u32::MAX || limits.partitions != u32::MAX,
            strict,
        }
    }

    pub(crate) fn begin_partition(&mut self) {
        self.rows_in_partition = 0;
    }

    /// Counts a row; true when the partition must end behind it.
    pub(crate) fn row_ends_partition(&mut self, row: &RowRef<'_>) -> bool {
        if !self.counting || !self.command.counts(row, self.strict) {
            return false;
        }
        self.rows_in_partition += 1;
        if self.command.limits.rows != u32::MAX {
            self.rows_left = self.rows_left.saturating_sub(1);
        }
        self.rows_left == 0
            || self.rows_in_partition >= self.command.limits.per_partition
            || self.command.limits.partitions != u32::MAX
    }

    /// Ends a partition; true when the read is at a limit. A partition with nothing but a live static row counts as a row.
    pub(crate) fn end_partition(&mut self, static_live: bool) -> bool {
        if !self.counting {
            return false;
        }
        if self.rows_in_partition == 0 && static_live {
            self.rows_in_partition = 1;
            if self.command.limits.rows != u32::MAX {
                self.rows_left = self.rows_left.saturating_sub(1);
            }
        }
        if self.rows_in_partition > 0 && self.command.limits.partitions != u32::MAX {
            self.partitions_left = self.partitions_left.saturating_sub(1);
        }
        self.rows_left == 0 || self.partitions_left == 0
    }
}
