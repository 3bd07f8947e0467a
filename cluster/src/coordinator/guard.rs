//! Guardrails: whom they hold for, and what is said to them.

use std::sync::Arc;

use helenus_cql_protocol::request::{Batch, QueryParams};
use helenus_model::consistency::Consistency;
use helenus_query::error::QueryError;
use helenus_query::guardrail::{Asked, Guardrails, guard_batch, guard_statement};
use helenus_query::prepare::Statement;
use helenus_query::values::BoundValues;
use helenus_query::write::WritePlan;

use super::Coordinator;
use super::client::{Asker, Session};
use super::statement::PreparedStatement;
use super::values::RequestValues;
use crate::roles;

impl Coordinator {
    /// Guardrails hold for users who have to log in and are no superusers.
    pub(super) fn is_guarded(&self, session: &Session) -> bool {
        let role = session.role.as_deref().unwrap_or_default();
        self.shared.config.password_authentication && !roles::is_superuser(&self.view.metadata, role)
    }

    /// The guardrails of what is written, where they hold for this session's user.
    pub(super) fn guardrails_for(&self, session: &Session) -> Option<Arc<Guardrails>> {
        let config = &self.shared.config;
        (config.guards_statements && self.is_guarded(session)).then(|| Arc::clone(&config.guardrails))
    }

    /// The warnings of an answer with those of guardrails.
    #[inline]
    pub(super) fn with_guard_warnings(&mut self, asker: Asker, warnings: Vec<String>) -> Vec<String> {
        if self.guard_warnings.is_empty() {
            return warnings;
        }
        let mut all = self.guard_warnings.remove(&(asker.client, asker.stream)).unwrap_or_default();
        all.extend(warnings);
        all
    }

    /// Guards a statement that is about to be executed. Warnings go with its answer.
    pub(super) fn guard_statement(
        &mut self,
        asker: Asker,
        session: &Session,
        statement: &PreparedStatement,
        values: &dyn BoundValues,
        params: &QueryParams<'_>,
    ) -> Result<(), QueryError> {
        if !self.is_guarded(session) {
            return Ok(());
        }
        let options = self.execute_options(params);
        let guardrails = &self.shared.config.guardrails;
        let warnings = guard_statement(guardrails, &statement.prepared.statement, asked(params), values, &options)?;
        self.keep_guard_warnings(asker, warnings);
        Ok(())
    }

    /// Guards a BATCH message. What is wrong with a statement or its values is told by who binds them.
    pub(super) fn guard_batch(&mut self, asker: Asker, session: &Session, batch: &Batch<'_>) -> Result<(), QueryError> {
        if !self.is_guarded(session) {
            return Ok(());
        }
        let mut prepared = Vec::new();
        for statement in batch.statements.iter() {
            let Ok(found) = self.batch_statement(session, batch, statement.query) else { return Ok(()) };
            prepared.push(found);
        }
        let each = prepared.iter().zip(batch.statements.iter());
        let given: Option<Vec<_>> =
            each.map(|(found, statement)| RequestValues::new(&statement.values, &found.prepared)).collect();
        let Some(given) = given else { return Ok(()) };
        let mut statements: Vec<(&WritePlan, &dyn BoundValues)> = Vec::new();
        for (found, values) in prepared.iter().zip(&given) {
            let Statement::Write(plan) = &found.prepared.statement else { return Ok(()) };
            statements.push((plan, values));
        }
        let options = self.execute_options(&batch.params);
        let warnings = guard_batch(&self.shared.config.guardrails, &statements, asked(&batch.params), &options)?;
        self.keep_guard_warnings(asker, warnings);
        Ok(())
    }

    fn keep_guard_warnings(&mut self, asker: Asker, warnings: Vec<String>) {
        if !warnings.is_empty() {
            self.guard_warnings.insert((asker.client, asker.stream), warnings);
        }
    }
}

fn asked(params: &QueryParams<'_>) -> Asked {
    Asked {
        level: params.consistency,
        serial_level: params.serial_consistency.unwrap_or(Consistency::Serial),
        page_size: params.page_size.and_then(|size| u32::try_from(size).ok()).filter(|size| *size > 0),
    }
}
