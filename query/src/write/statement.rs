//! Checking INSERT, UPDATE and DELETE, in the order of Cassandra's checks.

use std::sync::Arc;

use helenus_cql::ast::{self, Assignment, Deletion, Operator, Relation};
use helenus_model::schema::{ColumnKind, Table};
use rustc_hash::{FxHashMap, FxHashSet};

use super::attributes::Attributes;
use super::operation::{self, Operation};
use super::plan::{self, WritePlan};
use crate::cas::Conditions;
use crate::error::QueryError;
use crate::repeated::first_repeated;
use crate::restrict::{self, RestrictOptions, StatementKind, existing_column};
use crate::term::Preparer;

/// The table a statement writes to.
pub(super) fn writable_table(name: &ast::QualifiedName, preparer: &Preparer<'_>) -> Result<Arc<Table>, QueryError> {
    let (table, is_local) = preparer.context().find_table(name)?;
    if is_local {
        return Err(QueryError::invalid(format!(
            "Modification is not supported by table {}.{}",
            table.keyspace, table.name
        )));
    }
    Ok(table)
}

/// Said of a statement that is right otherwise.
fn refuse_view(table: &Table) -> Result<(), QueryError> {
    if table.view.is_some() {
        return Err(QueryError::invalid("Cannot directly modify a materialized view"));
    }
    Ok(())
}

/// The time of a conditional write is its ballot's.
fn refuse_timestamp(conditional: bool, attributes: &ast::Using) -> Result<(), QueryError> {
    if conditional && attributes.timestamp.is_some() {
        return Err(QueryError::invalid("Cannot provide custom timestamp for conditional updates"));
    }
    Ok(())
}

/// Counters have no times of their own. In a batch this is looked at after all that is wrong with the batch.
pub(super) fn refuse_counter_times(plan: &WritePlan) -> Result<(), QueryError> {
    let attributes = &plan.attributes;
    if !plan.table.is_counter() {
        return Ok(());
    }
    if attributes.timestamp.is_some() {
        return Err(QueryError::invalid("Cannot provide custom timestamp for counter updates"));
    }
    if attributes.ttl.is_some() {
        return Err(QueryError::invalid("Cannot provide custom TTL for counter updates"));
    }
    Ok(())
}

/// Whether operations and conditions are about nothing but static columns (and something at all).
fn only_statics(kind: StatementKind, table: &Table, operations: &[Operation], conditions: Option<&Conditions>) -> bool {
    let is_static = |operation: &Operation| {
        table.column_by_id(operation.column).is_some_and(|column| column.kind == ColumnKind::Static)
    };
    let statics = operations.iter().any(is_static);
    let regulars = operations.iter().any(|operation| !is_static(operation));
    plan::only_statics(kind, regulars, statics, conditions)
}

/// INSERT
///
/// # Errors
/// Cassandra's refusals, in its words.
pub fn prepare_insert(insert: &ast::Insert, preparer: &mut Preparer<'_>) -> Result<WritePlan, QueryError> {
    let table = writable_table(&insert.table, preparer)?;
    insert_into(insert, table, preparer, None)
}

/// Counters are not inserted.
pub(super) fn refuse_counter_table(table: &Table) -> Result<(), QueryError> {
    if table.is_counter() {
        return Err(QueryError::invalid("INSERT statements are not allowed on counter tables, use UPDATE instead"));
    }
    Ok(())
}

/// An INSERT; with `own` its values' markers are bound there and not among the statement's.
pub(super) fn insert_into<'a>(
    insert: &ast::Insert,
    table: Arc<Table>,
    preparer: &mut Preparer<'a>,
    mut own: Option<Preparer<'a>>,
) -> Result<WritePlan, QueryError> {
    refuse_counter_table(&table)?;
    let conditions = insert.if_not_exists.then_some(Conditions::NotExists);
    let attributes = Attributes::prepare(&insert.using, &table, preparer)?;
    let preparer = own.as_mut().unwrap_or(preparer);
    if insert.columns.len() != insert.values.len() {
        return Err(QueryError::invalid("Unmatched column names/values"));
    }
    if first_repeated(insert.columns.iter().map(ast::Name::as_str)).is_some() {
        return Err(QueryError::invalid("The column names contains duplicates"));
    }
    let mut relations = Vec::new();
    let mut operations = Vec::with_capacity(insert.columns.len());
    let mut has_clustering = false;
    for (name, value) in insert.columns.iter().zip(&insert.values) {
        let column = existing_column(&table, name)?;
        has_clustering |= column.kind == ColumnKind::Clustering;
        if column.kind.is_primary_key() {
            relations.push(Relation::Column { column: name.clone(), operator: Operator::Equal, value: value.clone() });
        } else {
            operations.push(operation::set(&table, column, value, preparer)?);
        }
    }
    let options = RestrictOptions {
        kind: StatementKind::Insert,
        allow_filtering: false,
        only_statics: !has_clustering && only_statics(StatementKind::Insert, &table, &operations, conditions.as_ref()),
    };
    let restrictions = restrict::prepare(&relations, &table, options, preparer)?;
    refuse_timestamp(conditions.is_some(), &insert.using)?;
    refuse_view(&table)?;
    if has_clustering && operations.is_empty() {
        operations.extend(operation::compact_value(&table)?);
    }
    Ok(WritePlan::new(StatementKind::Insert, attributes, restrictions, operations, conditions))
}

/// UPDATE
///
/// # Errors
/// As [`prepare_insert`].
pub fn prepare_update(update: &ast::Update, preparer: &mut Preparer<'_>) -> Result<WritePlan, QueryError> {
    let plan = update_in_batch(update, preparer)?;
    refuse_counter_times(&plan)?;
    Ok(plan)
}

/// An UPDATE that may be a batch's.
pub(super) fn update_in_batch(update: &ast::Update, preparer: &mut Preparer<'_>) -> Result<WritePlan, QueryError> {
    check_conflicts(&update.assignments)?;
    let table = writable_table(&update.table, preparer)?;
    let attributes = Attributes::prepare(&update.using, &table, preparer)?;
    refuse_timestamp(matches!(update.conditions, ast::Conditions::If(_)), &update.using)?;
    let conditions = Conditions::prepare(&update.conditions, &table, preparer)?;
    let mut operations = Vec::with_capacity(update.assignments.len());
    for assignment in &update.assignments {
        let column = existing_column(&table, assignment.column())?;
        if column.kind.is_primary_key() {
            return Err(QueryError::invalid(format!("PRIMARY KEY part {} found in SET part", column.name)));
        }
        operations.push(operation::assign(&table, column, assignment, conditions.is_some(), preparer)?);
    }
    let plan =
        where_of(StatementKind::Update, &table, &update.relations, operations, (attributes, conditions), preparer)?;
    refuse_timestamp(plan.conditions.is_some(), &update.using)?;
    refuse_view(&table)?;
    Ok(plan)
}

/// Several assignments of one column must be to its elements or fields, or all add to it (the parser's check in Cassandra).
fn check_conflicts(assignments: &[Assignment]) -> Result<(), QueryError> {
    // Of each column: whether it is set as a whole; and the fields that are set.
    let mut whole: FxHashMap<&str, bool> = FxHashMap::default();
    let mut fields: FxHashSet<(&str, &str)> = FxHashSet::default();
    for assignment in assignments {
        let column = assignment.column().as_str();
        let sets_all = matches!(assignment, Assignment::Set { .. });
        let before = whole.insert(column, sets_all);
        let repeats = match assignment {
            Assignment::SetField { field, .. } => !fields.insert((column, field.as_str())),
            _ => false,
        };
        if repeats || before.is_some_and(|before| before || sets_all) {
            return Err(QueryError::Syntax(format!("Multiple incompatible setting of column {column}")));
        }
    }
    Ok(())
}

/// DELETE
///
/// # Errors
/// As [`prepare_insert`].
pub fn prepare_delete(delete: &ast::Delete, preparer: &mut Preparer<'_>) -> Result<WritePlan, QueryError> {
    let plan = delete_in_batch(delete, preparer)?;
    refuse_counter_times(&plan)?;
    Ok(plan)
}

/// A DELETE that may be a batch's.
pub(super) fn delete_in_batch(delete: &ast::Delete, preparer: &mut Preparer<'_>) -> Result<WritePlan, QueryError> {
    let table = writable_table(&delete.table, preparer)?;
    let using = ast::Using { timestamp: delete.timestamp.clone(), ttl: None };
    let attributes = Attributes::prepare(&using, &table, preparer)?;
    refuse_timestamp(matches!(delete.conditions, ast::Conditions::If(_)), &using)?;
    let conditions = Conditions::prepare(&delete.conditions, &table, preparer)?;
    let mut operations = Vec::with_capacity(delete.deletions.len());
    for deletion in &delete.deletions {
        let (Deletion::Column(name) | Deletion::Element { column: name, .. } | Deletion::Field { column: name, .. }) =
            deletion;
        let column = existing_column(&table, name)?;
        if column.kind.is_primary_key() {
            return Err(QueryError::invalid(format!(
                "Invalid identifier {name} for deletion (should not be a PRIMARY KEY part)"
            )));
        }
        operations.push(operation::delete(&table, column, deletion, preparer)?);
    }
    let plan =
        where_of(StatementKind::Delete, &table, &delete.relations, operations, (attributes, conditions), preparer)?;
    refuse_timestamp(plan.conditions.is_some(), &using)?;
    check_conditional_delete(&plan)?;
    refuse_view(&table)?;
    Ok(plan)
}

/// A DELETE with conditions is of one row, or of static columns.
fn check_conditional_delete(plan: &WritePlan) -> Result<(), QueryError> {
    let Some(conditions) = &plan.conditions else { return Ok(()) };
    if plan.restrictions().has_whole_clustering() {
        return Ok(());
    }
    if plan.deletes_regulars() {
        return Err(QueryError::invalid(
            "DELETE statements must restrict all PRIMARY KEY columns with equality relations in order to delete non static columns",
        ));
    }
    if conditions.look_at_regulars() {
        return Err(QueryError::invalid(
            "DELETE statements must restrict all PRIMARY KEY columns with equality relations in order to use IF condition on non static columns",
        ));
    }
    Ok(())
}

fn where_of(
    kind: StatementKind,
    table: &Arc<Table>,
    relations: &[Relation],
    operations: Vec<Operation>,
    (attributes, conditions): (Attributes, Option<Conditions>),
    preparer: &mut Preparer<'_>,
) -> Result<WritePlan, QueryError> {
    let only_statics = only_statics(kind, table, &operations, conditions.as_ref());
    let options = RestrictOptions { kind, allow_filtering: false, only_statics };
    let restrictions = restrict::prepare(relations, table, options, preparer)?;
    if conditions.is_some() && table.is_counter() {
        return Err(QueryError::invalid("Conditional updates are not supported on counter tables"));
    }
    Ok(WritePlan::new(kind, attributes, restrictions, operations, conditions))
}
