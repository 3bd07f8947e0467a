//! Guardrails of reads and writes.

use std::collections::BTreeSet;

use helenus_model::consistency::Consistency;

use super::{Guardrails, Warnings, ensure, guard_values};
use crate::error::QueryError;
use crate::prepare::Statement;
use crate::select::SelectPlan;
use crate::values::{BoundValues, ExecuteOptions};
use crate::write::WritePlan;

/// What a request asks beside its statement.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The consistency level.
    pub level: Consistency,
    /// The serial consistency level of conditional statements.
    pub serial_level: Consistency,
    /// Rows of a page; None: all.
    pub page_size: Option<u32>,
}

/// Guards a statement that is about to be executed.
///
/// # Errors
/// A guardrail that is violated; values that cannot be bound.
pub fn guard_statement(
    guardrails: &Guardrails,
    statement: &Statement,
    asked: Asked,
    values: &dyn BoundValues,
    options: &ExecuteOptions<'_>,
) -> Result<Warnings, QueryError> {
    let mut warnings = Vec::new();
    match statement {
        Statement::Select(plan) => guard_select(guardrails, plan, asked, values, options, &mut warnings)?,
        Statement::Write(plan) => {
            guard_write(guardrails, plan)?;
            guard_write_levels(guardrails, plan.conditions.is_some(), asked, &mut warnings)?;
            if plan.conditions.is_none() {
                guardrails.guard_timestamp(plan, values, options, &mut warnings)?;
                guardrails.guard_sizes(plan, values, options, &mut warnings)?;
            }
        }
        Statement::Batch(plan) => {
            let statements: Vec<_> = plan.statements.iter().map(|statement| (statement, values)).collect();
            guard_statements(
                guardrails,
                &statements,
                plan.attributes.timestamp.is_some(),
                asked,
                options,
                &mut warnings,
            )?;
        }
        Statement::Truncate(_) => guardrails.guard_drop_table()?,
        _ => {}
    }
    Ok(warnings)
}

/// Guards the statements of a BATCH message, each with its values.
///
/// # Errors
/// As [`guard_statement`].
pub fn guard_batch(
    guardrails: &Guardrails,
    statements: &[(&WritePlan, &dyn BoundValues)],
    asked: Asked,
    options: &ExecuteOptions<'_>,
) -> Result<Warnings, QueryError> {
    let mut warnings = Vec::new();
    guard_statements(guardrails, statements, false, asked, options, &mut warnings)?;
    Ok(warnings)
}

/// The statements of a batch. Sizes of conditional ones are looked at when the conditions hold.
fn guard_statements(
    guardrails: &Guardrails,
    statements: &[(&WritePlan, &dyn BoundValues)],
    has_timestamp: bool,
    asked: Asked,
    options: &ExecuteOptions<'_>,
    warnings: &mut Warnings,
) -> Result<(), QueryError> {
    for (statement, _) in statements {
        guard_write(guardrails, statement)?;
    }
    if has_timestamp {
        ensure_timestamps(guardrails)?;
    }
    let is_conditional = statements.iter().any(|(statement, _)| statement.conditions.is_some());
    guard_write_levels(guardrails, is_conditional, asked, warnings)?;
    // Cassandra names the rows of all statements before it looks at values: what is wrong with them is told by who binds them.
    let names_rows = |(statement, values): &(&WritePlan, &dyn BoundValues)| {
        statement.with_values(*values, |values| statement.rows_written(values, options).map(drop)).is_ok()
    };
    if is_conditional || !guardrails.guards_sizes() || !statements.iter().all(names_rows) {
        return Ok(());
    }
    for (statement, values) in statements {
        guardrails.guard_sizes(statement, *values, options, warnings)?;
    }
    Ok(())
}

fn guard_select(
    guardrails: &Guardrails,
    plan: &SelectPlan,
    asked: Asked,
    values: &dyn BoundValues,
    options: &ExecuteOptions<'_>,
    warnings: &mut Warnings,
) -> Result<(), QueryError> {
    let table = plan.table();
    if table.keyspace.starts_with("system") {
        return Ok(());
    }
    let given = BTreeSet::from([asked.level]);
    let levels = &guardrails.read_consistency_levels;
    guard_values(levels, "read_consistency_levels", "read consistency levels", &given, warnings, |level| level.name())?;
    if plan.allows_filtering() {
        let reason =
            "ALLOW FILTERING can potentially visit all the data in the table and have unpredictable performance.";
        ensure(guardrails.allow_filtering_enabled, "allow_filtering", "Querying with ALLOW FILTERING")
            .map_err(|error| QueryError::invalid(format!("{error}. {reason}")))?;
    }
    if plan.reads_all_by_index() {
        let what = "Non-partition key restricted query";
        let reason =
            "Executing a query on secondary indexes without partition key restriction might degrade performance";
        let enabled = guardrails.non_partition_restricted_index_query_enabled;
        ensure(enabled, "non_partition_restricted_index_query_enabled", what)
            .map_err(|error| QueryError::invalid(format!("{error}. {reason}")))?;
    }
    if plan.groups() {
        ensure(guardrails.group_by_enabled, "group_by", "GROUP BY functionality")?;
    }
    let name = format!("{}.{}", table.keyspace, table.name);
    if let Some(size) = asked.page_size.map(u64::from) {
        guardrails.page_size.guard("page_size", size, warnings, |is_warning, most| match is_warning {
            true => format!("Query for table {name} with page size {size} exceeds warning threshold of {most}."),
            false => format!("Aborting query for table {name}, page size {size} exceeds fail threshold of {most}."),
        })?;
    }
    let short = &table.name;
    if let Some(keys) = plan.partition_keys_asked(values, options)? {
        let threshold = guardrails.partition_keys_in_select;
        threshold.guard("partition_keys_in_select", keys, warnings, |is_warning, most| match is_warning {
            true => format!("Query with partition keys in IN clause on table {short}, with number of partition keys {keys} exceeds warning threshold of {most}."),
            false => format!("Aborting query with partition keys in IN clause on table {short}, number of partition keys {keys} exceeds fail threshold of {most}."),
        })?;
    }
    for (what, product) in plan.products_asked(values, options)? {
        let threshold = guardrails.in_select_cartesian_product;
        threshold.guard("in_select_cartesian_product", product, warnings, |is_warning, most| match is_warning {
            true => format!("The cartesian product of the IN restrictions on {what} produces {product} values, this exceeds warning threshold of {most}."),
            false => format!("Aborting query because the cartesian product of the IN restrictions on {what} produces {product} values, this exceeds fail threshold of {most}."),
        })?;
    }
    Ok(())
}

fn ensure_timestamps(guardrails: &Guardrails) -> Result<(), QueryError> {
    ensure(guardrails.user_timestamps_enabled, "user_timestamps", "User provided timestamps (USING TIMESTAMP)")
}

fn guard_write(guardrails: &Guardrails, plan: &WritePlan) -> Result<(), QueryError> {
    if plan.attributes.timestamp.is_some() {
        ensure_timestamps(guardrails)?;
    }
    if plan.list_read().is_some() {
        let what = "List operation requiring read before write";
        ensure(guardrails.read_before_write_list_operations_enabled, "read_before_write_list_operations", what)?;
    }
    Ok(())
}

fn guard_write_levels(
    guardrails: &Guardrails,
    conditional: bool,
    asked: Asked,
    warnings: &mut Warnings,
) -> Result<(), QueryError> {
    let mut given = BTreeSet::from([asked.level]);
    if conditional {
        given.insert(asked.serial_level);
    }
    let levels = &guardrails.write_consistency_levels;
    guard_values(levels, "write_consistency_levels", "write consistency levels", &given, warnings, |level| level.name())
}
