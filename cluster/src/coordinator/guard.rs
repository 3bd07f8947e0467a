//! Guardrails: whom they hold for, and what is said to them.

use helenus_cql_protocol::request::QueryParams;
use helenus_model::consistency::Consistency;
use helenus_query::error::QueryError;
use helenus_query::guardrail::{Asked, guard_statement};
use helenus_query::values::BoundValues;

use super::Coordinator;
use super::client::{Asker, Session};
use super::statement::PreparedStatement;
use crate::roles;

impl Coordinator {
    /// Guardrails hold for users who have to log in and are no superusers.
    pub(super) fn is_guarded(&self, session: &Session) -> bool {
        let role = session.role.as_deref().unwrap_or_default();
        self.shared.config.password_authentication && !roles::is_superuser(&self.view.metadata, role)
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
        let asked = Asked {
            level: params.consistency,
            serial_level: params.serial_consistency.unwrap_or(Consistency::Serial),
            page_size: params.page_size.and_then(|size| u32::try_from(size).ok()).filter(|size| *size > 0),
        };
        let options = self.execute_options(params);
        let guardrails = &self.shared.config.guardrails;
        let warnings = guard_statement(guardrails, &statement.prepared.statement, asked, values, &options)?;
        if !warnings.is_empty() {
            self.guard_warnings.insert((asker.client, asker.stream), warnings);
        }
        Ok(())
    }
}
