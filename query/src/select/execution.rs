//! One execution of a SELECT: which read is next, what was consumed so far, where the page ended.

use std::sync::Arc;

use helenus_model::key::{ClusteringValues, KeyRef, Position, RingPosition};
use helenus_model::read::{ColumnFilter, ReadCommand, ReadLimits, ReadScope, Slice, Through};
use helenus_model::rng::Rng;
use helenus_model::value::decode_int;

use super::aggregate::State;
use super::assemble::{Assembler, RowView};
use super::consumer::SelectConsumer;
use super::filter::Check;
use super::paging::{self, PagingState};
use super::plan::SelectPlan;
use super::selection::{Constant, ConstantPlace};
use super::selector::{Environment, Selector};
use super::slices::{simple_slices, trim};
use super::sort::Sorter;
use super::{PageRequest, STEP_ROWS, SelectEnd};
use crate::error::QueryError;
use crate::parts::PartBytes;
use crate::restrict::{GroupTerm, KeyPart, PartitionRestriction, check_key, sort_keys};
use crate::sink::RowSink;
use crate::term::{Term, Value};
use crate::values::{BoundValues, ExecuteOptions, IdSource, NoIds, SteppingIds};

/// No limit.
pub(super) const UNLIMITED: u32 = u32::MAX;

/// An execution under way. It owns what it needs and may wait while replicas answer.
#[derive(Debug)]
pub struct SelectExecution {
    command: Option<ReadCommand>,
    scan: Scan,
    /// The slices of the statement, when a later partition needs them again.
    slices: Vec<Slice>,
    /// The index that finds the rows.
    through: Option<Box<Through>>,
    checkpoint: Checkpoint,
    page_end: Option<PagingState>,
    progress: Progress,
}

/// The part of an execution that an answer changes.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) plan: Arc<SelectPlan>,
    pub(super) row: Assembler,
    pub(super) counters: Counters,
    pub(super) checks: Vec<Check>,
    pub(super) constants: Vec<Option<Box<[u8]>>>,
    pub(super) aggregates: Option<Box<Aggregation>>,
    pub(super) sorter: Option<Box<Sorter>>,
    pub(super) clock: Clock,
    pub(super) stop: Option<Stop>,
    pub(super) failure: Option<QueryError>,
    pub(super) per_partition_limit: u32,
}

/// What is still to be read.
#[derive(Debug)]
enum Scan {
    /// The partitions behind `at`.
    Keys { keys: Vec<Box<[u8]>>, at: usize },
    /// What is left of the ring.
    Range { start: RingPosition, end: RingPosition },
    /// Nothing but the current command.
    Done,
}

/// Where the consumer stopped the current command; None: it was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Behind a row of the current partition.
    Row(Box<[u8]>),
    /// Behind the current partition.
    Partition,
}

/// What is left of the limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counters {
    /// Rows of LIMIT.
    pub(super) limit: u32,
    /// Rows of the page.
    pub(super) page: u32,
    /// Rows of PER PARTITION LIMIT in the current partition.
    pub(super) partition: u32,
    /// What the current command may still count, as the replicas count it.
    pub(super) step: u32,
    /// The next partition of the same key as the last goes on where it stopped.
    pub(super) resumed: bool,
    /// Nothing was shown of that partition yet: its static row may still be all it has.
    pub(super) untold: bool,
    /// Rows seen in the current partition.
    pub(super) seen: u32,
    /// The current partition has a live static row.
    pub(super) static_live: bool,
    /// It was shown already, or belongs to an earlier page.
    pub(super) static_told: bool,
}

impl Counters {
    /// A row of the result was given.
    pub(super) fn take_row(&mut self) {
        for left in [&mut self.limit, &mut self.page] {
            if *left != UNLIMITED {
                *left = left.saturating_sub(1);
            }
        }
    }

    /// The same for the limit of the partition.
    pub(super) fn take_of_partition(&mut self) {
        if self.partition != UNLIMITED {
            self.partition = self.partition.saturating_sub(1);
        }
    }
}

/// To go back to when a command is read again.
#[derive(Debug)]
struct Checkpoint {
    counters: Counters,
    key: Vec<u8>,
    aggregates: Option<Box<Aggregation>>,
    sorted: usize,
}

/// Aggregates under way: of the whole result, or of the current group.
#[derive(Clone, Debug)]
pub(super) struct Aggregation {
    pub(super) states: Vec<State>,
    /// The inputs of the group's first row.
    pub(super) first: Option<Vec<Option<Box<[u8]>>>>,
    /// Partition key of the current group.
    pub(super) key: Vec<u8>,
    /// Clustering of the last row of the current group.
    pub(super) clustering: Vec<u8>,
    /// What GROUP BY's function made of the group's first row.
    pub(super) bucket: Option<Vec<u8>>,
}

impl Aggregation {
    fn new(plan: &SelectPlan) -> Self {
        let states = plan.aggregates.iter().map(State::new).collect();
        Aggregation { states, first: None, key: Vec::new(), clustering: Vec::new(), bucket: None }
    }
}

/// The times of the execution.
#[derive(Debug)]
pub(super) struct Clock {
    pub(super) timestamp: i64,
    pub(super) now: i64,
    pub(super) now_millis: i64,
    ids: Option<SteppingIds>,
}

impl Clock {
    fn new(options: &ExecuteOptions<'_>, impure: bool) -> Self {
        let ids = impure.then(|| {
            // A source of its own: it may wait for replicas while the coordinator's serves others.
            let seed = options.ids.random();
            let ids = SteppingIds::new((seed >> 64) as u64, Rng::new(seed as u64));
            ids.set_now(options.now_millis);
            ids
        });
        Clock { timestamp: options.timestamp, now: options.now, now_millis: options.now_millis, ids }
    }

    pub(super) fn options(&self) -> ExecuteOptions<'_> {
        let ids: &dyn IdSource = match &self.ids {
            Some(ids) => ids,
            None => &NoIds,
        };
        ExecuteOptions { timestamp: self.timestamp, now: self.now, now_millis: self.now_millis, ids }
    }
}

impl SelectExecution {
    /// True when the command under way is the last, and of one partition.
    pub fn reads_one_partition(&self) -> bool {
        let more = match &self.scan {
            Scan::Keys { keys, at } => keys.len() > at + 1,
            Scan::Range { .. } => true,
            Scan::Done => false,
        };
        !more && self.command.as_ref().is_some_and(|command| matches!(command.scope, ReadScope::Partition { .. }))
    }

    pub(super) fn start(
        plan: &Arc<SelectPlan>,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
        page: PageRequest<'_>,
    ) -> Result<Self, QueryError> {
        let limit = limit_value(plan.limit.as_ref(), values, options)?;
        let per_partition_limit = limit_value(plan.per_partition_limit.as_ref(), values, options)?;
        let page_size = page.size.filter(|size| *size > 0);
        let constants = constants(&plan.constants, values, options)?;
        // What is wrong is told in this order; without keys nothing is said of clusterings, without clusterings nothing of keys' bytes.
        let checks = plan.filters.iter().map(|filter| filter.evaluate(values, options)).collect::<Result<_, _>>()?;
        let index = plan.restrictions.indexing.found.as_ref();
        let through = index.map(|index| index.through(values, options).map(Box::new)).transpose()?;
        let keys = partition_keys(plan, values, options)?;
        if plan.is_of_write {
            keys.iter().flatten().try_for_each(|key| check_key(key))?;
        }
        let has_no_key = keys.as_ref().is_some_and(Vec::is_empty);
        let slices = if has_no_key { Vec::new() } else { slices(plan, values, options)? };
        // Where no row is named the static row is looked at still, unless slices were asked for.
        let looks_at_static = plan.restrictions.names_rows() && plan.inputs.reads_statics(&plan.table);
        let names_none = slices.is_empty() && !looks_at_static;
        let is_empty = has_no_key || names_none;
        if !is_empty {
            keys.iter().flatten().try_for_each(|key| check_key(key))?;
        }
        // LIMIT bounds what is shown, not what is sorted: any page could be too small.
        if plan.sort.is_some()
            && (!is_empty || plan.is_aggregate())
            && page_size.is_some_and(|size| size < i32::MAX as u32)
        {
            return Err(QueryError::invalid(
                "Cannot page queries with both ORDER BY and a IN restriction on the partition key; you must either remove the ORDER BY or the IN and sort client side, or disable paging for this query",
            ));
        }
        // A single aggregate row, and sorting, look at every row whatever the page and LIMIT.
        let whole = plan.sort.is_some() || (plan.is_aggregate() && plan.group_by.is_none());
        // Groups of DISTINCT partitions are not paged in Cassandra.
        let unpaged = whole || (plan.is_aggregate() && plan.distinct);
        let counters = Counters {
            limit: if whole { UNLIMITED } else { limit },
            page: if unpaged { UNLIMITED } else { page_size.unwrap_or(UNLIMITED) },
            partition: per_partition_limit,
            step: 0,
            resumed: false,
            untold: false,
            seen: 0,
            static_live: false,
            static_told: false,
        };
        let progress = Progress {
            row: Assembler::new(&plan.inputs),
            counters,
            checks,
            constants,
            aggregates: plan.is_aggregate().then(|| Box::new(Aggregation::new(plan))),
            sorter: plan.sort.as_ref().map(|_| Box::new(Sorter::new(limit))),
            clock: Clock::new(options, plan.impure),
            stop: None,
            failure: None,
            per_partition_limit,
            plan: Arc::clone(plan),
        };
        let mut execution = SelectExecution {
            command: None,
            scan: Scan::Done,
            slices,
            through,
            checkpoint: Checkpoint { counters, key: Vec::new(), aggregates: None, sorted: 0 },
            page_end: None,
            progress,
        };
        let state = page.state.map(|state| PagingState::decode(state, &plan.table, plan.hash)).transpose()?;
        execution.first_command(keys, values, options, state)?;
        Ok(execution)
    }

    /// The next read to do; None when there is none left.
    pub fn command(&self) -> Option<&ReadCommand> {
        self.command.as_ref()
    }

    /// Takes the answer of [`SelectExecution::command`].
    pub fn consumer<'a, S: RowSink>(&'a mut self, sink: &'a mut S) -> SelectConsumer<'a, S> {
        SelectConsumer::new(&mut self.progress, sink)
    }

    /// The next read to do and what takes its answer, side by side: for reads on the spot, which need no copy of the command.
    pub fn command_and_consumer<'a, S: RowSink>(
        &'a mut self,
        sink: &'a mut S,
    ) -> Option<(&'a ReadCommand, SelectConsumer<'a, S>)> {
        let command = self.command.as_ref()?;
        Some((command, SelectConsumer::new(&mut self.progress, sink)))
    }

    /// True when it reads ranges of partitions.
    pub fn is_range(&self) -> bool {
        self.progress.plan.is_range()
    }

    /// The statement.
    pub fn plan(&self) -> &Arc<SelectPlan> {
        &self.progress.plan
    }

    /// The answer of the current command has ended behind this row, or behind the whole partition: there may be more. To be told when
    /// all of it was consumed, before [`SelectExecution::command_done`], which goes on there.
    pub fn answer_ended(&mut self, key: &[u8], row: Option<&[u8]>) {
        let Progress { plan, row: assembler, counters, checks, stop, per_partition_limit, .. } = &mut self.progress;
        if stop.is_some() {
            return;
        }
        if assembler.key != key {
            assembler.key = key.to_vec();
            counters.partition = *per_partition_limit;
            (counters.seen, counters.static_told) = (0, false);
        }
        counters.untold = counters.seen == 0 && !counters.static_told;
        let counts_rows = checks.is_empty() && plan.group_by.is_none();
        let is_told = plan.distinct && !counters.untold || counts_rows && counters.partition == 0;
        *stop = Some(match row {
            Some(row) if !is_told && !plan.table.clustering.is_empty() => Stop::Row(row.into()),
            _ => Stop::Partition,
        });
    }

    /// The current command's answer is complete: moves to the next one.
    ///
    /// # Errors
    /// A function failed on a row; the execution is over then.
    pub fn command_done(&mut self, _sink: &mut dyn RowSink) -> Result<(), QueryError> {
        if let Some(failure) = self.progress.failure.take() {
            self.command = None;
            return Err(failure);
        }
        if let Some(sorter) = &self.progress.sorter {
            sorter.check()?;
        }
        match self.progress.stop.take() {
            None => {
                self.progress.counters.resumed = false;
                self.next_scope();
            }
            Some(_) if self.progress.counters.limit == 0 => self.command = None,
            Some(stop) if self.progress.counters.page == 0 => {
                self.command = None;
                let is_told = self.progress.counters.partition == 0 && self.progress.plan.group_by.is_some();
                let stop = if is_told { Stop::Partition } else { stop };
                if stop != Stop::Partition || self.has_more_partitions() {
                    self.end_page(&stop);
                }
            }
            Some(stop) => self.go_on(&stop),
        }
        if self.command.is_some() {
            self.save();
        }
        Ok(())
    }

    /// Forgets what was consumed for the current command, which will be read again. The caller takes the sink's rows back.
    pub fn restart_command(&mut self) {
        self.progress.counters = self.checkpoint.counters;
        self.progress.row.key.clone_from(&self.checkpoint.key);
        self.progress.stop = None;
        self.progress.failure = None;
        if let Some(aggregates) = &self.checkpoint.aggregates {
            self.progress.aggregates = Some(aggregates.clone());
        }
        if let Some(sorter) = &mut self.progress.sorter {
            sorter.truncate(self.checkpoint.sorted);
        }
    }

    /// Ends the execution: aggregates and sorted rows come now.
    ///
    /// # Errors
    /// A function of an aggregate failed, or the rows are too large for a result.
    pub fn finish(mut self, sink: &mut dyn RowSink) -> Result<SelectEnd, QueryError> {
        if let Some(mut aggregation) = self.progress.aggregates.take()
            && (self.progress.plan.group_by.is_none() || aggregation.first.is_some())
        {
            self.progress.emit_group(&mut aggregation, sink)?;
            self.end_of_groups();
        }
        if let (Some(sorter), Some(plan)) = (self.progress.sorter.take(), &self.progress.plan.sort) {
            sorter.check()?;
            sorter.finish(plan, sink);
        }
        if let Some(error) = sink.refusal() {
            return Err(error);
        }
        let paging_state =
            self.page_end.as_ref().map(|state| state.encode(&self.progress.plan.table, self.progress.plan.hash));
        Ok(SelectEnd { paging_state, warnings: self.progress.plan.warnings.clone() })
    }

    fn first_command(
        &mut self,
        keys: Option<Vec<Box<[u8]>>>,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
        state: Option<PagingState>,
    ) -> Result<(), QueryError> {
        if self.slices.is_empty() {
            return Ok(());
        }
        let stop = state.map(|state| {
            self.progress.counters.limit = self.progress.counters.limit.min(state.limit_left);
            self.progress.counters.partition = state.partition_left.min(self.progress.per_partition_limit);
            self.progress.row.key = state.key.into_vec();
            match state.clustering {
                Some(clustering) => Stop::Row(clustering),
                None => Stop::Partition,
            }
        });
        if let Some(keys) = keys {
            let at = match &stop {
                None => 0,
                Some(_) => keys.iter().position(|key| **key == *self.progress.row.key).ok_or_else(paging::invalid)?,
            };
            let key = if keys.len() > 1 {
                let Some(key) = keys.get(at).cloned() else { return Ok(()) };
                self.scan = Scan::Keys { keys, at };
                key
            } else {
                let Some(only) = keys.into_iter().next() else { return Ok(()) };
                only
            };
            self.command = Some(self.new_command(ReadScope::Partition { key }));
        } else {
            let range = match &self.progress.plan.restrictions.partition {
                PartitionRestriction::Token(token) => token.range(values, options)?,
                _ => Some((RingPosition::FIRST, RingPosition::LAST)),
            };
            let Some((start, end)) = range else { return Ok(()) };
            self.scan = Scan::Range { start: start.clone(), end: end.clone() };
            let scope = ReadScope::Range { start, end, resume: None };
            self.command = Some(self.new_command(scope));
        }
        match stop {
            Some(stop) => self.go_on(&stop),
            None => self.set_limits(self.progress.per_partition_limit),
        }
        self.save();
        Ok(())
    }

    fn new_command(&mut self, scope: ReadScope) -> ReadCommand {
        let again = !matches!(self.scan, Scan::Done);
        let slices = if again { self.slices.clone() } else { std::mem::take(&mut self.slices) };
        ReadCommand {
            table: self.progress.plan.table.id,
            schema_epoch: self.progress.plan.table.epoch,
            scope,
            slices,
            reversed: self.progress.plan.reversed,
            columns: ColumnFilter::All,
            limits: ReadLimits::NONE,
            now: self.progress.clock.now,
            through: self.through.clone(),
        }
    }

    /// How much the current command reads.
    fn set_limits(&mut self, per_partition: u32) {
        let every =
            self.progress.plan.filters_rows || self.progress.aggregates.is_some() || self.progress.sorter.is_some();
        let wanted = if every {
            STEP_ROWS
        } else {
            self.progress.counters.limit.min(self.progress.counters.page).min(STEP_ROWS)
        };
        self.progress.counters.step = wanted;
        let Some(command) = &mut self.command else { return };
        command.limits = if self.progress.plan.distinct {
            ReadLimits { partitions: wanted, ..ReadLimits::NONE }
        } else {
            let counts_rows = self.progress.checks.is_empty() && self.progress.plan.group_by.is_none();
            let per_partition = if counts_rows { per_partition } else { UNLIMITED };
            ReadLimits { rows: wanted, per_partition, ..ReadLimits::NONE }
        };
    }

    /// The current scope is read to its end.
    fn next_scope(&mut self) {
        match &mut self.scan {
            Scan::Done => self.command = None,
            Scan::Keys { keys, at } => {
                *at += 1;
                match (keys.get(*at), &mut self.command) {
                    (Some(key), Some(command)) => {
                        command.scope = ReadScope::Partition { key: key.clone() };
                        command.slices.clone_from(&self.slices);
                        self.set_limits(self.progress.per_partition_limit);
                    }
                    _ => self.command = None,
                }
            }
            Scan::Range { start, end } => match &mut self.command {
                // The rest of a partition was read by itself; the ring behind it is next.
                Some(command) if matches!(command.scope, ReadScope::Partition { .. }) && *start < *end => {
                    command.scope = ReadScope::Range { start: start.clone(), end: end.clone(), resume: None };
                    command.slices.clone_from(&self.slices);
                    self.set_limits(self.progress.per_partition_limit);
                }
                _ => self.command = None,
            },
        }
    }

    /// Goes on behind the place where the last command (or page) stopped; the partition is the assembler's.
    fn go_on(&mut self, stop: &Stop) {
        let single = matches!(self.scan, Scan::Done | Scan::Keys { .. });
        if single {
            match stop {
                Stop::Partition => self.next_scope(),
                Stop::Row(clustering) => self.rest_of_partition(clustering),
            }
            return;
        }
        let key = self.progress.row.key.clone();
        let limited = self.progress.per_partition_limit != UNLIMITED
            && self.progress.checks.is_empty()
            && self.progress.aggregates.is_none();
        let behind = RingPosition::behind(KeyRef::new(&key));
        let Scan::Range { start, end } = &mut self.scan else { return };
        let in_ring = |start: &RingPosition| *start < *end;
        match (stop, &mut self.command) {
            (Stop::Row(clustering), Some(command)) if limited => {
                // What is left of PER PARTITION LIMIT holds for this partition only: it is read by itself.
                *start = behind;
                command.scope = ReadScope::Partition { key: key.into() };
                self.rest_of_partition(clustering);
            }
            (Stop::Row(clustering), Some(command)) => {
                *start = RingPosition::at(KeyRef::new(&key));
                let position = Position { prefix: clustering, weight: if command.reversed { -1 } else { 1 } };
                let resume = Some((key.into(), Some(position.to_owned())));
                command.scope = ReadScope::Range { start: start.clone(), end: end.clone(), resume };
                self.progress.counters.resumed = true;
                self.set_limits(self.progress.per_partition_limit);
            }
            (Stop::Partition, Some(command)) => {
                *start = behind;
                if in_ring(start) {
                    command.scope = ReadScope::Range { start: start.clone(), end: end.clone(), resume: None };
                    command.slices.clone_from(&self.slices);
                    self.set_limits(self.progress.per_partition_limit);
                } else {
                    self.command = None;
                }
            }
            (_, None) => {}
        }
    }

    /// Reads the current partition behind a row.
    fn rest_of_partition(&mut self, clustering: &[u8]) {
        let Some(command) = &mut self.command else { return };
        trim(&self.progress.plan.table, &mut command.slices, clustering, command.reversed);
        if command.slices.is_empty() {
            self.next_scope();
            return;
        }
        self.progress.counters.resumed = true;
        self.set_limits(self.progress.counters.partition);
    }

    /// False when the current partition was surely the last.
    fn has_more_partitions(&self) -> bool {
        match &self.scan {
            Scan::Done => false,
            // A group ends when the next partition begins: that one is still to be read.
            Scan::Keys { keys, at } => {
                at + 1 < keys.len() || keys.get(*at).is_some_and(|key| **key != *self.progress.row.key)
            }
            Scan::Range { .. } => true,
        }
    }

    fn end_page(&mut self, stop: &Stop) {
        let clustering = match stop {
            Stop::Row(clustering) => Some(clustering.clone()),
            Stop::Partition => None,
        };
        self.page_end = Some(PagingState {
            key: self.progress.row.key.as_slice().into(),
            clustering,
            limit_left: self.progress.counters.limit,
            partition_left: self.progress.counters.partition,
        });
    }

    /// As in Cassandra, a page that the last group has filled is not known to be the last one, unless a limit says so.
    fn end_of_groups(&mut self) {
        if self.progress.plan.group_by.is_none() || self.progress.sorter.is_some() || self.page_end.is_some() {
            return;
        }
        let counters = &mut self.progress.counters;
        counters.take_row();
        counters.take_of_partition();
        let is_told = counters.limit == 0 || (counters.partition == 0 && !matches!(self.scan, Scan::Range { .. }));
        if counters.page == 0 && !is_told {
            self.end_page(&Stop::Partition);
        }
    }

    /// Remembers where the next command begins.
    fn save(&mut self) {
        self.checkpoint.counters = self.progress.counters;
        self.checkpoint.key.clone_from(&self.progress.row.key);
        if self.progress.aggregates.is_some() {
            self.checkpoint.aggregates.clone_from(&self.progress.aggregates);
        }
        self.checkpoint.sorted = self.progress.sorter.as_ref().map_or(0, |sorter| sorter.len());
    }
}

impl Progress {
    /// The value of GROUP BY's function for a row; None without one.
    pub(super) fn bucket(&self, clustering: &[u8]) -> Result<Option<Vec<u8>>, QueryError> {
        let Some(group) = &self.plan.group_by else { return Ok(None) };
        let Some(bucket) = &group.bucket else { return Ok(None) };
        let value = ClusteringValues::new(clustering).nth(group.clustering).flatten();
        let mut values = vec![None; self.plan.inputs.len()];
        if let Some(input) = values.get_mut(usize::from(bucket.input)) {
            *input = value.map(Into::into);
        }
        let options = self.clock.options();
        let environment = Environment { constants: &self.constants, aggregates: &[], options: &options };
        let found = bucket.selector.evaluate(&RowView::of_values(&values), &environment)?;
        Ok(found.map(std::borrow::Cow::into_owned))
    }

    /// Writes a group's row and begins a new group.
    pub(super) fn emit_group(
        &mut self,
        aggregation: &mut Aggregation,
        sink: &mut dyn RowSink,
    ) -> Result<(), QueryError> {
        let results = aggregation.states.iter().map(State::result).collect::<Result<Vec<_>, _>>()?;
        let options = self.clock.options();
        let environment = Environment { constants: &self.constants, aggregates: &results, options: &options };
        let first = aggregation.first.take().unwrap_or_default();
        let row = RowView::of_values(&first);
        match (&mut self.sorter, &self.plan.sort) {
            (Some(sorter), Some(sort)) => {
                sorter.begin(sort, &row);
                write_row(&self.plan, &row, &environment, &mut **sorter)?;
            }
            _ => write_row(&self.plan, &row, &environment, sink)?,
        }
        aggregation.states = self.plan.aggregates.iter().map(State::new).collect();
        Ok(())
    }
}

/// Writes one result row.
pub(super) fn write_row<S: RowSink + ?Sized>(
    plan: &SelectPlan,
    row: &RowView<'_>,
    environment: &Environment<'_>,
    sink: &mut S,
) -> Result<(), QueryError> {
    if let Some(simple) = &plan.simple {
        for input in simple {
            sink.value(row.value(*input));
        }
    } else {
        for selector in &plan.selectors {
            match selector {
                Selector::Input(input) => sink.value(row.value(*input)),
                selector => {
                    let value = selector.evaluate(row, environment)?;
                    if let Some(error) = sink.refusal() {
                        return Err(error);
                    }
                    sink.value(value.as_deref());
                }
            }
        }
    }
    sink.end_row();
    sink.refusal().map_or(Ok(()), Err)
}

fn limit_value(term: Option<&Term>, values: &dyn BoundValues, options: &ExecuteOptions<'_>) -> Result<u32, QueryError> {
    let Some(term) = term else { return Ok(UNLIMITED) };
    let bytes = match term.evaluate(values, options)? {
        Value::Unset => return Ok(UNLIMITED),
        Value::Null => return Err(QueryError::invalid("Invalid null value of limit")),
        Value::Bytes(bytes) => bytes,
    };
    match decode_int(&bytes) {
        Some(limit @ 1..) => Ok(limit as u32),
        Some(_) => Err(QueryError::invalid("LIMIT must be strictly positive")),
        None => Err(QueryError::invalid("Invalid limit value")),
    }
}

fn constants(
    terms: &[Constant],
    values: &dyn BoundValues,
    options: &ExecuteOptions<'_>,
) -> Result<Vec<Option<Box<[u8]>>>, QueryError> {
    let mut bytes = PartBytes::default();
    let each = terms.iter().map(|constant| match (constant.term.evaluate(values, options)?, &constant.place) {
        (Value::Bytes(value), _) => {
            bytes.add(Some(&value))?;
            Ok(Some(value.into_owned().into_boxed_slice()))
        }
        (Value::Unset, ConstantPlace::Argument(function)) => {
            Err(QueryError::invalid(format!("Invalid unset value for argument in call to function {function}")))
        }
        (absent, ConstantPlace::Element(name)) => {
            let kind = if matches!(absent, Value::Unset) { "unset" } else { "null" };
            Err(QueryError::invalid(format!("Invalid {kind} value for element selection on {name}")))
        }
        (Value::Null, ConstantPlace::Slice(name)) => {
            Err(QueryError::invalid(format!("Invalid null value for slice selection on {name}")))
        }
        (Value::Null | Value::Unset, _) => Ok(None),
    });
    each.collect()
}

/// The slices of the clustering that are named.
fn slices(plan: &SelectPlan, values: &dyn BoundValues, options: &ExecuteOptions<'_>) -> Result<Vec<Slice>, QueryError> {
    match simple_slices(&plan.restrictions, values, options)? {
        Some(slices) => Ok(slices),
        None => plan.restrictions.read_slices(values, options),
    }
}

/// The partitions that are named, in the order of their results; None for ranges. The bytes of a single key are not looked at yet.
fn partition_keys(
    plan: &SelectPlan,
    values: &dyn BoundValues,
    options: &ExecuteOptions<'_>,
) -> Result<Option<Vec<Box<[u8]>>>, QueryError> {
    if plan.restrictions.key_tokens.is_none()
        && let PartitionRestriction::Keys(parts) = &plan.restrictions.partition
        && let ([KeyPart::Equal(GroupTerm::Elements(terms))], [column]) =
            (parts.as_slice(), plan.table.partition_key.as_slice())
        && let [term] = terms.as_slice()
    {
        // The commonest of all: one column, one value.
        return match term.evaluate(values, options)? {
            Value::Bytes(key) => Ok(Some(vec![key.into_owned().into()])),
            Value::Null => {
                Err(QueryError::invalid(format!("Invalid null value in condition for column {}", column.name)))
            }
            Value::Unset => Err(QueryError::invalid(format!("Invalid unset value for column {}", column.name))),
        };
    }
    let mut keys = plan.restrictions.partition_keys(values, options)?;
    if let Some(keys) = &mut keys
        && keys.len() > 1
    {
        sort_keys(&plan.table, keys);
    }
    Ok(keys)
}
