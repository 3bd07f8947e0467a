//! Statements that name elements of lists by place or value: their lists are read at the statement's consistency, then they are written
//! like any other. The request's values are kept for as long as that takes.

use std::sync::Arc;

use helenus_model::consistency::Consistency;
use helenus_query::error::QueryError;
use helenus_query::prepare::Statement;
use helenus_query::select::PageRequest;
use helenus_query::values::{ExecuteOptions, KeptValues};
use helenus_query::write::{ListRead, ListRows, WriteBatch, WritePlan};

use super::batch::{note_table, plain_level};
use super::client::{Asker, Handled};
use super::select::{SelectWait, Step};
use super::statement::PreparedStatement;
use super::{Coordinator, errors};

/// What an execution is told, kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeptOptions {
    timestamp: i64,
    now: i64,
    now_millis: i64,
}

impl KeptOptions {
    pub(super) fn of(options: &ExecuteOptions<'_>) -> Self {
        KeptOptions { timestamp: options.timestamp, now: options.now, now_millis: options.now_millis }
    }
}

/// How the statements are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WrittenAs {
    /// As one statement.
    Single,
    /// As a batch.
    Batch {
        /// Through the batch log when it has several partitions.
        logged: bool,
    },
}

/// A request whose lists are being read.
#[derive(Debug)]
pub(super) struct ListWrite {
    /// Its statements and their values; a BATCH as text is one of them.
    statements: Vec<(Arc<PreparedStatement>, KeptValues)>,
    options: KeptOptions,
    level: Consistency,
    written: WrittenAs,
    /// Each plan of the statements: number of the statement, and of the plan in it.
    plans: Vec<(usize, usize)>,
    /// What was read for the first of `plans`.
    read: Vec<ListRows>,
}

/// The plans of a statement that writes.
fn plans(statement: &PreparedStatement) -> &[WritePlan] {
    match &statement.prepared.statement {
        Statement::Write(plan) => std::slice::from_ref(&**plan),
        Statement::Batch(batch) => &batch.statements,
        _ => &[],
    }
}

impl ListWrite {
    pub(super) fn new(
        statements: Vec<(Arc<PreparedStatement>, KeptValues)>,
        options: KeptOptions,
        level: Consistency,
        written: WrittenAs,
    ) -> Self {
        let places = |(i, (statement, _)): (usize, &(Arc<PreparedStatement>, KeptValues))| {
            (0..plans(statement).len()).map(move |place| (i, place))
        };
        let plans = statements.iter().enumerate().flat_map(places).collect();
        ListWrite { statements, options, level, written, plans, read: Vec::new() }
    }

    /// The next plan that reads: its statement, what it reads, its values.
    fn next_read(&mut self) -> Option<(&Arc<PreparedStatement>, &Arc<ListRead>, &KeptValues)> {
        loop {
            let (statement, place) = *self.plans.get(self.read.len())?;
            if self.list_read(statement, place).is_none() {
                self.read.push(ListRows::default());
                continue;
            }
            let (statement, values) = self.statements.get(statement)?;
            let read = plans(statement).get(place)?.list_read()?;
            return Some((statement, read, values));
        }
    }

    fn list_read(&self, statement: usize, place: usize) -> Option<&Arc<ListRead>> {
        plans(&self.statements.get(statement)?.0).get(place)?.list_read()
    }

    /// Takes the rows of the read that was next.
    fn found(&mut self, rows: &[u8]) {
        let next = self.plans.get(self.read.len()).copied();
        let read = next.and_then(|(statement, place)| self.list_read(statement, place));
        let rows = read.map(|read| read.rows(rows)).unwrap_or_default();
        self.read.push(rows);
    }

    /// The keys of all statements of a batch are looked at before anything else of them.
    fn wrong_key(&self, options: &ExecuteOptions<'_>) -> Option<QueryError> {
        let WrittenAs::Batch { .. } = self.written else { return None };
        let checked = |(statement, values): &(Arc<PreparedStatement>, KeptValues)| {
            plans(statement).iter().find_map(|plan| plan.check_keys(values, options).err())
        };
        self.statements.iter().find_map(checked)
    }

    /// What is wrong with the keys, or with a statement before the one whose read cannot even begin; if nothing is, `error`.
    fn first_error(&self, options: &ExecuteOptions<'_>, error: QueryError) -> QueryError {
        if let Some(wrong) = self.wrong_key(options) {
            return wrong;
        }
        let mut batch = WriteBatch::default();
        let before = self.read.iter().zip(&self.plans);
        let mut errors = before.filter_map(|(rows, (statement, place))| {
            let (statement, values) = self.statements.get(*statement)?;
            plans(statement).get(*place)?.bind_with(values, options, Some(rows), &mut batch).err()
        });
        errors.next().unwrap_or(error)
    }

    /// Puts everything into the batch.
    fn bind(
        &self,
        options: &ExecuteOptions<'_>,
        batch: &mut WriteBatch,
        tables: &mut Vec<String>,
    ) -> Result<(), QueryError> {
        let mut read = self.read.as_slice();
        for (statement, values) in &self.statements {
            let plans = plans(statement);
            plans.iter().for_each(|plan| note_table(tables, &plan.table));
            let (mine, rest) = read.split_at(plans.len().min(read.len()));
            read = rest;
            match &statement.prepared.statement {
                Statement::Write(plan) if matches!(self.written, WrittenAs::Single) => {
                    plan.bind_alone(values, options, mine.first(), batch)?;
                }
                Statement::Write(plan) => plan.bind_with(values, options, mine.first(), batch)?,
                Statement::Batch(plan) => plan.bind_with(values, options, mine, batch)?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl Coordinator {
    /// Reads the lists of the statements that are left, then writes all of them.
    pub(super) fn read_lists(&mut self, asker: Asker, mut write: Box<ListWrite>) -> Handled {
        loop {
            let (level, kept, written) = (write.level, write.options, write.written);
            let Some((statement, read, values)) = write.next_read() else { return self.write_lists(asker, &write) };
            if level.is_serial() && matches!(written, WrittenAs::Single) {
                return super::write::unconditional_serial();
            }
            if level == Consistency::Any {
                return errors::invalid("Write operation require a read but consistency ANY is not supported on reads")
                    .into();
            }
            let plan = Arc::clone(read.select());
            let options = self.kept_options(kept);
            let execution = match plan.start(values, &options, PageRequest::default()) {
                Ok(execution) => execution,
                Err(error) => return errors::query_error(write.first_error(&options, error)).into(),
            };
            let mut select = SelectWait::new(Arc::clone(statement), execution, plain_level(level));
            match self.advance_select(&mut select, &plan) {
                Step::Done => match select.into_rows() {
                    Ok(rows) => write.found(&rows),
                    Err(error) => return errors::query_error(error).into(),
                },
                Step::Failed(error) => return error.into(),
                Step::Settle(_) => return errors::server("a list is not read at SERIAL").into(),
                Step::Wait => {
                    select.then = Some(write);
                    return self.await_select(asker, select);
                }
            }
        }
    }

    /// A list was read.
    pub(super) fn lists_read(&mut self, asker: Asker, select: SelectWait, mut write: Box<ListWrite>) -> Handled {
        match select.into_rows() {
            Ok(rows) => write.found(&rows),
            Err(error) => return errors::query_error(error).into(),
        }
        self.read_lists(asker, write)
    }

    fn kept_options(&self, kept: KeptOptions) -> ExecuteOptions<'_> {
        let KeptOptions { timestamp, now, now_millis } = kept;
        ExecuteOptions { timestamp, now, now_millis, ids: &self.ids }
    }

    fn write_lists(&mut self, asker: Asker, write: &ListWrite) -> Handled {
        let mut batch = std::mem::take(&mut self.scratch.batch);
        batch.clear();
        let mut tables = Vec::new();
        let bound = write.bind(&self.kept_options(write.options), &mut batch, &mut tables);
        batch.finish();
        let handled = match (bound, write.written) {
            (Err(error), _) => {
                let options = self.kept_options(write.options);
                errors::query_error(write.wrong_key(&options).unwrap_or(error)).into()
            }
            (Ok(()), WrittenAs::Single) => {
                let warnings = write.statements.first().map(|(statement, _)| statement.prepared.warnings.clone());
                self.write_bound(asker, &batch, write.level, warnings.unwrap_or_default())
            }
            (Ok(()), WrittenAs::Batch { logged }) => {
                self.write_batch(asker, &batch, logged, write.plans.len(), write.level, &tables)
            }
        };
        self.scratch.batch = batch;
        handled
    }
}
