//! A schema statement ready to be executed.

use helenus_cql::ast::{FunctionName, QualifiedName, Statement};

use super::names::{check_keyspace, is_local_system, is_replicated_system};
use super::outcome::{DdlContext, DdlOutcome};
use super::size::check_tables;
use super::{function, index, keyspace, table, table_alter, trigger, user_type, view};
use crate::error::QueryError;
use crate::guardrail::{Guardrails, without_ignored};
use crate::prepare::{PrepareContext, no_keyspace};

/// A schema statement with the keyspace it works in. Nothing of the schema is looked at before it is executed.
#[derive(Clone, Debug)]
pub struct DdlPlan {
    statement: Statement,
    keyspace: String,
}

impl DdlPlan {
    /// The plan of a schema statement.
    ///
    /// # Errors
    /// A name without keyspace where none is in use; attributes that can be judged alone; statements that are not supported yet.
    pub fn of(statement: &Statement, context: &PrepareContext<'_>) -> Result<DdlPlan, QueryError> {
        let of_name = |name: &QualifiedName| match (&name.keyspace, context.keyspace) {
            (Some(keyspace), _) => Ok(keyspace.text.clone()),
            (None, Some(keyspace)) => Ok(keyspace.to_owned()),
            (None, None) => Err(no_keyspace()),
        };
        let of_function = |name: &FunctionName| match (&name.keyspace, context.keyspace) {
            (Some(keyspace), _) => Ok(keyspace.text.clone()),
            (None, Some(keyspace)) => Ok(keyspace.to_owned()),
            (None, None) => Err(no_keyspace()),
        };
        let keyspace = match statement {
            Statement::CreateKeyspace(create) => create.name.text.clone(),
            Statement::AlterKeyspace(alter) => alter.name.text.clone(),
            Statement::DropKeyspace(drop) => drop.name.name.text.clone(),
            Statement::CreateTable(create) => {
                table::check_declarations(create)?;
                let keyspace = of_name(&create.name)?;
                table::single_primary_key(create)?;
                keyspace
            }
            Statement::AlterTable(alter) => of_name(&alter.name)?,
            Statement::DropTable(drop) | Statement::DropType(drop) | Statement::DropIndex(drop) => of_name(&drop.name)?,
            Statement::CreateIndex(create) => of_name(&create.table)?,
            Statement::CreateView(create) => {
                let keyspace = of_name(&create.name)?;
                view::check_keyspaces(create, &keyspace)?;
                keyspace
            }
            Statement::AlterView(alter) => of_name(&alter.name)?,
            Statement::DropView(drop) => of_name(&drop.name)?,
            Statement::CreateType(create) => of_name(&create.name)?,
            Statement::AlterType(alter) => of_name(&alter.name)?,
            Statement::CreateFunction(create) => of_function(&create.name)?,
            Statement::CreateAggregate(create) => of_function(&create.name)?,
            Statement::DropFunction(drop) | Statement::DropAggregate(drop) => of_function(&drop.name)?,
            Statement::CreateTrigger(create) => of_name(&create.table)?,
            Statement::DropTrigger(drop) => of_name(&drop.table)?,
            _ => return Err(QueryError::unsupported("this statement")),
        };
        if !is_local_system(&keyspace) && !is_replicated_system(&keyspace) {
            match statement {
                Statement::CreateTable(create) => table::check_attributes(create)?,
                Statement::AlterTable(alter) => table_alter::check_attributes(alter)?,
                _ => {}
            }
        }
        Ok(DdlPlan { statement: statement.clone(), keyspace })
    }

    /// The keyspace the statement works in.
    pub fn keyspace(&self) -> &str {
        &self.keyspace
    }

    /// The statement.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// As [`DdlPlan::outcome`], for a user whom guardrails hold for.
    ///
    /// # Errors
    /// As [`DdlPlan::outcome`]; a guardrail that is violated.
    pub fn guarded_outcome(&self, context: &DdlContext<'_>, guardrails: &Guardrails) -> Result<DdlOutcome, QueryError> {
        let mut warnings = Vec::new();
        let stripped;
        let mut plan = self;
        if let Some((statement, warning)) = without_ignored(&self.statement, guardrails) {
            warnings.push(warning);
            stripped = DdlPlan { statement, keyspace: self.keyspace.clone() };
            plan = &stripped;
        }
        let mut outcome = plan.outcome(context)?;
        warnings.extend(guardrails.guard_schema(&plan.statement, &outcome.changes, context.schema)?);
        warnings.append(&mut outcome.warnings);
        outcome.warnings = warnings;
        Ok(outcome)
    }

    /// What the statement does to this schema.
    ///
    /// # Errors
    /// Cassandra's refusals, in its words and codes.
    pub fn outcome(&self, context: &DdlContext<'_>) -> Result<DdlOutcome, QueryError> {
        let outcome = self.changes(context)?;
        check_tables(&outcome.changes)?;
        Ok(outcome)
    }

    fn changes(&self, context: &DdlContext<'_>) -> Result<DdlOutcome, QueryError> {
        let keyspace = self.keyspace.as_str();
        check_keyspace(keyspace)?;
        match &self.statement {
            Statement::CreateKeyspace(create) => keyspace::create(create, context),
            Statement::AlterKeyspace(alter) => keyspace::alter(alter, context),
            Statement::DropKeyspace(drop) => keyspace::drop(drop, context),
            Statement::CreateTable(create) => table::create(create, keyspace, context),
            Statement::AlterTable(alter) => table_alter::alter(alter, keyspace, context),
            Statement::DropTable(drop) => table::drop(drop, keyspace, context),
            Statement::CreateIndex(create) => index::create(create, keyspace, context),
            Statement::DropIndex(drop) => index::drop(drop, keyspace, context),
            Statement::CreateView(create) => view::create(create, keyspace, context),
            Statement::AlterView(alter) => view::alter(alter, keyspace, context),
            Statement::DropView(drop) => view::drop(drop, keyspace, context),
            Statement::CreateType(create) => user_type::create(create, keyspace, context),
            Statement::AlterType(alter) => user_type::alter(alter, keyspace, context),
            Statement::DropType(drop) => user_type::drop(drop, keyspace, context),
            Statement::CreateFunction(create) => function::create_function(create, keyspace, context),
            Statement::CreateAggregate(create) => function::create_aggregate(create, keyspace, context),
            Statement::DropFunction(drop) => function::drop_function(drop, keyspace, context),
            Statement::DropAggregate(drop) => function::drop_aggregate(drop, keyspace, context),
            Statement::CreateTrigger(create) => trigger::create(create, keyspace, context),
            Statement::DropTrigger(drop) => trigger::drop(drop, keyspace),
            _ => Err(QueryError::unsupported("this statement")),
        }
    }
}
