//! Rows of an answer turned into rows of the result.
//!
//! What is counted here is what the replicas counted against the command's limits (every live row; a partition with nothing but a live
//! static row as one), so that "fewer than asked for" means "there are no more".

use std::ops::ControlFlow;

use helenus_model::key::{ClusteringValues, KeyRef};
use helenus_model::partition::Unfiltered;
use helenus_model::read::{Flow, Next, PartitionConsumer};
use helenus_model::row::{DeletionTime, RowRef};

use super::execution::{Progress, Stop, write_row};
use super::plan::PLAIN_COLUMNS_MAX;
use super::selector::{Environment, evaluate_all};
use crate::error::QueryError;
use crate::parts::PartBytes;
use crate::sink::RowSink;

const ITEM: Flow = ControlFlow::Continue(Next::Item);
const PARTITION: Flow = ControlFlow::Continue(Next::Partition);
const BREAK: Flow = ControlFlow::Break(());

/// Takes the answer of a command. It knows its sink by type: a value costs no call through a table.
pub struct SelectConsumer<'a, S> {
    execution: &'a mut Progress,
    sink: &'a mut S,
}

impl<'a, S: RowSink> SelectConsumer<'a, S> {
    pub(super) fn new(execution: &'a mut Progress, sink: &'a mut S) -> Self {
        SelectConsumer { execution, sink }
    }

    /// Counts what a replica counts; false when the command has given all it was asked for.
    fn count(&mut self) -> bool {
        let step = &mut self.execution.counters.step;
        *step = step.saturating_sub(1);
        *step > 0
    }

    fn stop(&mut self, stop: Stop) -> Flow {
        self.execution.stop = Some(stop);
        BREAK
    }

    fn fail(&mut self, error: QueryError) -> Flow {
        self.execution.failure = Some(error);
        BREAK
    }

    /// Whether the row belongs to another group than the current one.
    fn begins_group(&self, clustering: &[u8]) -> Result<bool, QueryError> {
        let execution = &*self.execution;
        let (Some(group), Some(aggregation)) = (&execution.plan.group_by, execution.aggregates.as_ref()) else {
            return Ok(false);
        };
        if aggregation.first.is_none() {
            return Ok(false);
        }
        let prefix = ClusteringValues::new(clustering).take(group.clustering);
        let same = prefix.eq(ClusteringValues::new(&aggregation.clustering).take(group.clustering));
        Ok(!same || execution.bucket(clustering)? != aggregation.bucket)
    }

    /// Writes the current group if there is one; true when the page or LIMIT is full then.
    fn close_group(&mut self) -> Result<bool, QueryError> {
        let execution = &mut *self.execution;
        let of_groups = execution.plan.group_by.is_some();
        let Some(mut aggregation) = execution.aggregates.take_if(|group| of_groups && group.first.is_some()) else {
            return Ok(false);
        };
        execution.emit_group(&mut aggregation, self.sink)?;
        execution.aggregates = Some(aggregation);
        let counters = &mut execution.counters;
        counters.take_row();
        counters.take_of_partition();
        Ok(counters.limit == 0 || counters.page == 0)
    }

    /// A row of a plain plan: its values go from the row's bytes to the sink.
    #[inline]
    fn deliver_plain(&mut self, clustering: &[u8], row: RowRef<'_>) {
        let Progress { plan, row: assembler, clock, .. } = &*self.execution;
        let mut values = [None; PLAIN_COLUMNS_MAX];
        assembler.plain_row(&plan.inputs, clustering, row, clock.now, &mut values);
        self.sink.row(values.get(..plan.inputs.len()).unwrap_or_default());
    }

    /// Whether the filters take the row.
    fn passes(&mut self, clustering: &[u8], row: RowRef<'_>) -> bool {
        let Progress { plan, row: assembler, checks, clock, .. } = &mut *self.execution;
        if checks.is_empty() {
            return true;
        }
        let view = assembler.row(&plan.inputs, clustering, row, clock.now);
        checks.iter().all(|check| check.passes(&view))
    }

    /// A row of the result, unless a filter refuses it; false then.
    fn deliver(&mut self, row: Option<(&[u8], RowRef<'_>)>) -> Result<bool, QueryError> {
        let Progress { plan, row: assembler, checks, clock, constants, aggregates, sorter, .. } = &mut *self.execution;
        let view = match row {
            Some((clustering, row)) => assembler.row(&plan.inputs, clustering, row, clock.now),
            None => assembler.static_only(&plan.inputs),
        };
        if !checks.iter().all(|check| check.passes(&view)) {
            return Ok(false);
        }
        let options = clock.options();
        let environment = Environment { constants, aggregates: &[], options: &options };
        if let Some(aggregation) = aggregates {
            if aggregation.first.is_none() {
                aggregation.first = Some(view.keep(plan.inputs.len()));
                aggregation.key = view.key().to_vec();
            }
            aggregation.clustering.clear();
            aggregation.clustering.extend_from_slice(row.map_or(&[], |(clustering, _)| clustering));
            // Each may keep what it is given.
            let mut bytes = PartBytes::default();
            for (state, aggregate) in aggregation.states.iter_mut().zip(&plan.aggregates) {
                if let Some((_, arguments)) = &aggregate.user {
                    let values = evaluate_all(arguments, &view, &environment)?;
                    state.add_all(&values.iter().map(Option::as_deref).collect::<Vec<_>>())?;
                    continue;
                }
                match &aggregate.argument {
                    None => state.add(Some(&[])),
                    Some(argument) => {
                        let value = argument.evaluate(&view, &environment)?;
                        bytes.add(value.as_deref())?;
                        state.add(value.as_deref());
                    }
                }
            }
            return Ok(true);
        }
        if let (Some(sorter), Some(sort)) = (sorter, &plan.sort) {
            sorter.begin(sort, &view);
            write_row(plan, &view, &environment, &mut **sorter)?;
            return Ok(true);
        }
        write_row(plan, &view, &environment, self.sink)?;
        Ok(true)
    }

    /// After a row was taken: the limits. Of groups the limits count groups, as each is complete.
    fn take_row(&mut self) {
        if self.execution.aggregates.is_none() {
            self.execution.counters.take_row();
            self.execution.counters.take_of_partition();
        }
    }

    fn is_full(&self) -> bool {
        self.execution.counters.limit == 0 || self.execution.counters.page == 0
    }

    fn row(&mut self, clustering: &[u8], row: RowRef<'_>) -> Flow {
        if !row.is_live_in(self.execution.plan.table.is_strict(), self.execution.clock.now) {
            return ITEM;
        }
        // The limit of a partition counts something else than the replicas do.
        let filtered = !self.execution.checks.is_empty() || self.execution.plan.group_by.is_some();
        if self.execution.counters.partition == 0 && !filtered {
            return PARTITION;
        }
        self.execution.counters.seen = self.execution.counters.seen.saturating_add(1);
        if self.execution.plan.distinct {
            return self.distinct_row(clustering, row);
        }
        if self.execution.plan.plain && self.execution.counters.partition > 0 {
            self.deliver_plain(clustering, row);
            if let Some(error) = self.sink.refusal() {
                return self.fail(error);
            }
            self.take_row();
        } else if let Some(flow) = self.deliver_any(clustering, row) {
            return flow;
        }
        let more = self.count();
        if self.execution.counters.partition == 0 && !filtered {
            return if more && !self.is_full() { PARTITION } else { self.stop(Stop::Partition) };
        }
        if more && !self.is_full() {
            return ITEM;
        }
        // What else the partition has is not wanted, or it has nothing else: the page after this one is of another, or there is none.
        let plan = &self.execution.plan;
        let is_told = self.execution.counters.partition == 0 && plan.group_by.is_none();
        if is_told || plan.table.clustering.is_empty() {
            return self.stop(Stop::Partition);
        }
        self.stop(Stop::Row(clustering.into()))
    }

    /// A row of a plan that is not plain: the group it belongs to, then the row. Something is told where the page or the statement ends.
    #[inline(never)]
    fn deliver_any(&mut self, clustering: &[u8], row: RowRef<'_>) -> Option<Flow> {
        // A row that a filter refuses is of no group: GROUP BY's function does not see it.
        if self.execution.plan.has_bucket() && !self.passes(clustering, row) {
            return None;
        }
        let is_full = match self.begins_group(clustering) {
            Ok(true) => self.close_group(),
            other => other,
        };
        match is_full {
            Err(error) => return Some(self.fail(error)),
            Ok(false) => {}
            Ok(true) => {
                let last = self.execution.aggregates.as_ref().map(|group| group.clustering.clone());
                return Some(self.stop(Stop::Row(last.unwrap_or_default().into())));
            }
        }
        if self.execution.counters.partition > 0 {
            match self.begin_group(clustering).and_then(|()| self.deliver(Some((clustering, row)))) {
                Err(error) => return Some(self.fail(error)),
                Ok(true) => self.take_row(),
                Ok(false) => {}
            }
        }
        None
    }

    /// The value of GROUP BY's function for a group's first row.
    fn begin_group(&mut self, clustering: &[u8]) -> Result<(), QueryError> {
        let execution = &mut *self.execution;
        if execution.plan.has_bucket() && execution.aggregates.as_ref().is_some_and(|group| group.first.is_none()) {
            let bucket = execution.bucket(clustering)?;
            if let Some(aggregation) = &mut execution.aggregates {
                aggregation.bucket = bucket;
            }
        }
        Ok(())
    }

    /// One row a partition.
    fn distinct_row(&mut self, clustering: &[u8], row: RowRef<'_>) -> Flow {
        self.execution.counters.static_told = true;
        match self.deliver(Some((clustering, row))) {
            Err(error) => return self.fail(error),
            Ok(true) => self.take_row(),
            Ok(false) => {}
        }
        if self.count() && !self.is_full() { PARTITION } else { self.stop(Stop::Partition) }
    }
}

impl<S: RowSink> PartitionConsumer for SelectConsumer<'_, S> {
    fn partition(&mut self, key: KeyRef<'_>, _deletion: DeletionTime, static_row: Option<RowRef<'_>>) -> Flow {
        let same = self.execution.row.key == key.key;
        let group_ended = self.execution.aggregates.as_ref().is_some_and(|group| group.key != key.key);
        if group_ended {
            match self.close_group() {
                Err(error) => return self.fail(error),
                Ok(false) => {}
                // The partition of the group is still the assembler's.
                Ok(true) => return self.stop(Stop::Partition),
            }
        }
        let execution = &mut *self.execution;
        let now = execution.clock.now;
        let resumed = execution.counters.resumed && same;
        execution.counters.resumed = false;
        let untold = std::mem::take(&mut execution.counters.untold);
        if !resumed {
            execution.counters.partition = execution.per_partition_limit;
        }
        execution.counters.seen = 0;
        execution.counters.static_live = static_row.is_some_and(|row| row.is_live(now));
        // Behind a place inside the partition a static row says nothing new, unless all before it was deleted.
        execution.counters.static_told = resumed && !untold;
        let plan = &execution.plan;
        execution.row.begin(&plan.inputs, key.key, plan.table.partition_key.len(), static_row, now);
        ITEM
    }

    fn unfiltered(&mut self, item: Unfiltered<'_>) -> Flow {
        match item {
            Unfiltered::Row { clustering, row } => self.row(clustering, row),
            Unfiltered::Marker(_) => ITEM,
        }
    }

    fn end_partition(&mut self) -> Flow {
        let counters = &mut self.execution.counters;
        if counters.seen > 0 || !counters.static_live {
            return PARTITION;
        }
        counters.static_live = false;
        let told = counters.static_told;
        if self.execution.plan.full_partitions && !told {
            match self.deliver(None) {
                Err(error) => return self.fail(error),
                Ok(true) => self.take_row(),
                Ok(false) => {}
            }
        }
        if self.count() && !self.is_full() { PARTITION } else { self.stop(Stop::Partition) }
    }
}
