//! BEGIN … BATCH.

use std::sync::Arc;

use helenus_cql::ast::{self, BatchKind, Modification};
use helenus_model::schema::Table;
use helenus_model::types::CqlType;

use super::attributes::Attributes;
use super::draft::WriteBatch;
use super::json::prepare_insert_json;
use super::lists::ListRows;
use super::plan::WritePlan;
use super::statement::{delete_in_batch, prepare_insert, refuse_counter_times, update_in_batch};
use crate::error::QueryError;
use crate::spec::ColumnSpec;
use crate::term::Preparer;
use crate::values::{BoundValues, ExecuteOptions};

/// A checked batch.
#[derive(Clone, Debug)]
pub struct BatchPlan {
    /// Logged, unlogged or counter.
    pub kind: BatchKind,
    /// Its statements.
    pub statements: Vec<WritePlan>,
    /// USING TIMESTAMP of the batch.
    pub attributes: Attributes,
}

impl BatchPlan {
    /// The table all statements write to, if it is one.
    pub fn single_table(&self) -> Option<&Arc<Table>> {
        let first = &self.statements.first()?.table;
        self.statements.iter().all(|statement| statement.table.id == first.id).then_some(first)
    }

    /// True when one of the statements has conditions.
    pub fn is_conditional(&self) -> bool {
        self.statements.iter().any(|statement| statement.conditions.is_some())
    }

    /// Adds what the statements write. Markers are numbered through the whole batch.
    ///
    /// # Errors
    /// The first statement's that fails; the batch is to be thrown away then.
    pub fn bind(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
        out: &mut WriteBatch,
    ) -> Result<(), QueryError> {
        self.bind_with(values, options, &[], out)
    }

    /// As [`BatchPlan::bind`], with what was read for the statements ([`WritePlan::list_read`]): one for each, or none at all.
    ///
    /// # Errors
    /// As [`BatchPlan::bind`].
    pub fn bind_with(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
        lists: &[ListRows],
        out: &mut WriteBatch,
    ) -> Result<(), QueryError> {
        let bound = self.attributes.timestamp(values, options).and_then(|timestamp| {
            let options = ExecuteOptions { timestamp, ..*options };
            let mut statements = self.statements.iter().enumerate();
            statements.try_for_each(|(place, statement)| statement.bind_with(values, &options, lists.get(place), out))
        });
        bound.map_err(|error| {
            // Cassandra works out the keys of all statements before it looks at anything else of them.
            let wrong = self.statements.iter().try_for_each(|statement| statement.check_keys(values, options));
            wrong.err().unwrap_or(error)
        })
    }
}

/// Refuses batches in which counters stand where they must not. `counts`: some statements are of counters; `others`: some are not.
///
/// # Errors
/// Cassandra's, in its order.
pub fn check_counters(kind: BatchKind, counts: bool, others: bool) -> Result<(), QueryError> {
    let refused = match (kind, counts, others) {
        (BatchKind::Counter, _, true) => "Cannot include non-counter statement in a counter batch",
        (_, true, true) => "Counter and non-counter mutations cannot exist in the same batch",
        (BatchKind::Logged, true, false) => "Cannot include a counter statement in a logged batch",
        _ => return Ok(()),
    };
    Err(QueryError::invalid(refused))
}

/// BEGIN … BATCH
///
/// # Errors
/// Those of its statements; TTL on the batch, timestamps on both.
pub fn prepare_batch(batch: &ast::Batch, preparer: &mut Preparer<'_>) -> Result<BatchPlan, QueryError> {
    let mut statements = Vec::with_capacity(batch.statements.len());
    for statement in &batch.statements {
        statements.push(match statement {
            Modification::Insert(insert) => prepare_insert(insert, preparer)?,
            Modification::InsertJson(insert) => prepare_insert_json(insert, preparer)?,
            Modification::Update(update) => update_in_batch(update, preparer)?,
            Modification::Delete(delete) => delete_in_batch(delete, preparer)?,
        });
    }
    if batch.using.ttl.is_some() {
        return Err(QueryError::invalid("Global TTL on the BATCH statement is not supported."));
    }
    let conditional = statements.iter().any(|plan| plan.conditions.is_some());
    if conditional && batch.using.timestamp.is_some() {
        return Err(QueryError::invalid("Cannot provide custom timestamp for conditional BATCH"));
    }
    if batch.kind == BatchKind::Counter && batch.using.timestamp.is_some() {
        return Err(QueryError::invalid("Cannot provide custom timestamp for counter BATCH"));
    }
    let both = batch.using.timestamp.is_some() && statements.iter().any(|plan| plan.attributes.timestamp.is_some());
    if both {
        return Err(QueryError::invalid("Timestamp must be set either on BATCH or individual statements"));
    }
    if batch.using.timestamp.is_some() && statements.iter().any(|plan| plan.table.is_counter()) {
        return Err(QueryError::invalid("Cannot provide custom timestamp for a BATCH containing counters"));
    }
    let counts = statements.iter().any(|plan| plan.table.is_counter());
    check_counters(batch.kind, counts, statements.iter().any(|plan| !plan.table.is_counter()))?;
    let of_one_table = |pair: &[WritePlan]| matches!(pair, [a, b] if a.table.id == b.table.id);
    if conditional && !statements.windows(2).all(of_one_table) {
        return Err(QueryError::invalid("Batch with conditions cannot span multiple tables"));
    }
    statements.iter().try_for_each(refuse_counter_times)?;
    // The batch's own time is of no table.
    let spec = ColumnSpec {
        keyspace: "[batch]".into(),
        table: "[batch]".into(),
        name: "[timestamp]".into(),
        ty: CqlType::Bigint,
    };
    let timestamp = match &batch.using.timestamp {
        Some(term) => Some(preparer.term(term, &spec)?),
        None => None,
    };
    Ok(BatchPlan { kind: batch.kind, statements, attributes: Attributes { timestamp, ttl: None } })
}
