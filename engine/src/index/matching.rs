//! What a read through an index tells: of the base rows it looked at those that have the value now, up to the limits.

use std::ops::ControlFlow;

use helenus_model::key::{DecoratedKey, KeyRef};
use helenus_model::partition::Unfiltered;
use helenus_model::read::{Flow, Next, PartitionConsumer, ReadCommand};
use helenus_model::row::{CellKind, DeletionTime, RowRef};
use helenus_model::schema::{Column, ColumnKind, IndexTarget};
use helenus_model::time::{LocalSeconds, WriteTimestamp};

use super::entries::cell_value;
use crate::read::LimitState;

/// The test of one row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) column: &'a Column,
    pub(crate) target: IndexTarget,
    pub(crate) value: &'a [u8],
    pub(crate) now: LocalSeconds,
}

impl Wanted<'_> {
    /// True when a live cell of the column has the value.
    fn has_value(&self, row: RowRef<'_>) -> bool {
        row.cells()
            .filter(|cell| cell.column == self.column.id && cell.is_live(self.now))
            .any(|cell| cell_value(self.column, self.target, &cell).is_some_and(|value| *value == *self.value))
    }

    /// If a cell of a simple column has another value than the one looked for: entries written before it are outdated. Of one written at
    /// the same time nothing is said: a longer TTL may yet make it the stronger.
    fn overwritten(&self, row: RowRef<'_>) -> Option<WriteTimestamp> {
        let mut cells = row.cells().filter(|cell| cell.column == self.column.id && cell.path.is_none());
        let cell = cells.next().filter(|cell| cell.kind != CellKind::ComplexDeletion)?;
        (*cell.value != *self.value || cell.kind == CellKind::Tombstone).then(|| cell.timestamp.saturating_sub(1))
    }

    /// True when the static row lets the partition's rows pass.
    fn passes_partition(&self, static_row: Option<RowRef<'_>>) -> bool {
        self.column.kind != ColumnKind::Static || static_row.is_some_and(|row| self.has_value(row))
    }

    /// True when a row passes that is read because of an entry. What keys say needs no test: the entry was found by it.
    fn passes_row(&self, row: RowRef<'_>) -> bool {
        row.is_live(self.now) && (self.column.kind != ColumnKind::Regular || self.has_value(row))
    }
}

/// Stands between reads of base partitions, which know no limits and may come to one partition several times, and the consumer, which
/// hears of each partition once and of matching rows only.
pub(crate) struct Matching<'r> {
    wanted: Wanted<'r>,
    limits: LimitState<'r>,
    consumer: &'r mut dyn PartitionConsumer,
    /// The partition at hand.
    key: Option<DecoratedKey>,
    /// Its static row, encoded.
    static_row: Option<Vec<u8>>,
    /// The consumer has heard of it.
    is_told: bool,
    /// No more of it is wanted.
    is_over: bool,
    /// Some of its rows were told on an earlier page.
    is_resumed: bool,
    /// Nothing more is wanted at all.
    is_done: bool,
    /// What was learned of entries whose rows have the value no more.
    outdated: Outdated,
}

/// Up to which times entries of a base partition can never come true again.
#[derive(Debug, Default)]
pub(crate) struct Outdated {
    /// Of all of them.
    partition: Option<WriteTimestamp>,
    /// Of those of a row, by its clustering; empty for the partition's own.
    rows: Vec<(Box<[u8]>, WriteTimestamp)>,
}

impl Outdated {
    /// True when an entry of this time is only in the way.
    pub(crate) fn covers(&self, clustering: &[u8], timestamp: WriteTimestamp) -> bool {
        self.partition.is_some_and(|until| timestamp <= until)
            || self.rows.iter().any(|(row, until)| **row == *clustering && timestamp <= *until)
    }

    /// True when there is nothing to remove.
    pub(crate) fn is_empty(&self) -> bool {
        self.partition.is_none() && self.rows.is_empty()
    }

    fn note_deletion(&mut self, clustering: &[u8], deletion: DeletionTime) {
        if !deletion.is_live() {
            self.rows.push((clustering.into(), deletion.marked_at));
        }
    }
}

impl<'r> Matching<'r> {
    pub(crate) fn new(wanted: Wanted<'r>, command: &'r ReadCommand, consumer: &'r mut dyn PartitionConsumer) -> Self {
        Matching {
            wanted,
            limits: LimitState::new(command, false),
            consumer,
            key: None,
            static_row: None,
            is_told: false,
            is_over: false,
            is_resumed: false,
            is_done: false,
            outdated: Outdated::default(),
        }
    }

    /// What was learned since the last call.
    pub(crate) fn take_outdated(&mut self) -> Outdated {
        std::mem::take(&mut self.outdated)
    }

    /// True when nothing more is wanted at all.
    pub(crate) fn is_done(&self) -> bool {
        self.is_done
    }

    /// Goes to a base partition, from another or again to the same. False: nothing more of it is wanted.
    pub(crate) fn enter(&mut self, key: KeyRef<'_>, is_resumed: bool) -> bool {
        if self.key.as_ref().is_none_or(|at| at.as_ref() != key) {
            self.leave();
            self.key = Some(key.to_owned());
            self.is_resumed = is_resumed;
            self.is_over = false;
            self.limits.begin_partition();
        }
        !self.is_over && !self.is_done
    }

    /// Leaves the partition at hand.
    pub(crate) fn leave(&mut self) {
        let static_row = self.static_row.take();
        let was_told = std::mem::take(&mut self.is_told);
        let Some(key) = self.key.take() else { return };
        if self.is_over || self.is_done {
            return;
        }
        let of_partitions = super::is_of_partitions(self.wanted.column);
        let static_live =
            static_row.as_ref().is_some_and(|row| !self.is_resumed && RowRef::new(row).is_live(self.wanted.now));
        if !was_told {
            let Some(row) = static_row.filter(|_| static_live && of_partitions) else { return };
            if self.consumer.partition(key.as_ref(), DeletionTime::LIVE, Some(RowRef::new(&row))).is_break() {
                self.is_done = true;
                return;
            }
        }
        self.close(static_live);
    }

    /// Ends the partition that the consumer has heard of.
    fn close(&mut self, static_live: bool) {
        self.is_over = true;
        if self.consumer.end_partition().is_break() || self.limits.end_partition(static_live) {
            self.is_done = true;
        }
    }

    /// Tells of the partition, once.
    fn tell_partition(&mut self) -> Flow {
        if self.is_told {
            return ControlFlow::Continue(Next::Item);
        }
        self.is_told = true;
        let Some(key) = &self.key else { return ControlFlow::Continue(Next::Partition) };
        self.consumer.partition(key.as_ref(), DeletionTime::LIVE, self.static_row.as_deref().map(RowRef::new))
    }

    fn row(&mut self, clustering: &[u8], row: RowRef<'_>) -> Flow {
        let mut flow = self.tell_partition();
        if flow == ControlFlow::Continue(Next::Item) {
            flow = self.consumer.unfiltered(Unfiltered::Row { clustering, row });
        }
        match flow {
            ControlFlow::Break(()) => {
                self.is_done = true;
                return flow;
            }
            ControlFlow::Continue(Next::Item) if !self.limits.row_ends_partition(&row) => return flow,
            ControlFlow::Continue(_) => {}
        }
        self.close(false);
        if self.is_done { ControlFlow::Break(()) } else { ControlFlow::Continue(Next::Partition) }
    }
}

impl PartitionConsumer for Matching<'_> {
    fn partition(&mut self, _key: KeyRef<'_>, deletion: DeletionTime, static_row: Option<RowRef<'_>>) -> Flow {
        if !deletion.is_live() {
            self.outdated.partition = Some(deletion.marked_at);
        }
        if !self.wanted.passes_partition(static_row) {
            if let Some(until) = static_row.and_then(|row| self.wanted.overwritten(row)) {
                self.outdated.rows.push((Box::default(), until));
            }
            return ControlFlow::Continue(Next::Partition);
        }
        if !self.is_told {
            self.static_row = static_row.map(|row| row.bytes().to_vec());
        }
        ControlFlow::Continue(Next::Item)
    }

    fn unfiltered(&mut self, item: Unfiltered<'_>) -> Flow {
        match item {
            Unfiltered::Row { clustering, row } if self.wanted.passes_row(row) => return self.row(clustering, row),
            // A deletion of rows says nothing of an entry that stands for the partition.
            _ if super::is_of_partitions(self.wanted.column) => {}
            Unfiltered::Row { clustering, row } => {
                self.outdated.note_deletion(clustering, row.header.deletion);
                if let Some(until) = self.wanted.overwritten(row) {
                    self.outdated.rows.push((clustering.into(), until));
                }
            }
            // Each row is read by itself: what is deleted at its place is deleted of it.
            Unfiltered::Marker(marker) => self.outdated.note_deletion(marker.position.prefix, marker.open),
        }
        ControlFlow::Continue(Next::Item)
    }

    fn end_partition(&mut self) -> Flow {
        // Other entries may lead to the same partition: it is ended when it is left.
        if self.is_done { ControlFlow::Break(()) } else { ControlFlow::Continue(Next::Partition) }
    }
}
