//! CREATE and ALTER MATERIALIZED VIEW.

use super::{Parsed, Parser};
use crate::ast::{AlterView, CreateView, Statement};
use crate::lexer::Keyword;

impl Parser<'_> {
    /// Behind `CREATE MATERIALIZED VIEW`.
    pub(super) fn create_view(&mut self) -> Parsed<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.table_name()?;
        self.expect_keywords(&[Keyword::As, Keyword::Select])?;
        let clause = self.selectors()?;
        self.expect_keyword(Keyword::From)?;
        let base = self.table_name()?;
        let relations = self.optional_where()?;
        let primary_key = self.primary_key()?;
        let options = self.table_options(false)?;
        Ok(Statement::CreateView(Box::new(CreateView {
            name,
            if_not_exists,
            clause,
            base,
            relations,
            primary_key,
            options,
        })))
    }

    /// Behind `ALTER MATERIALIZED VIEW`.
    pub(super) fn alter_view(&mut self) -> Parsed<Statement> {
        let if_exists = self.if_exists()?;
        let name = self.table_name()?;
        self.expect_keyword(Keyword::With)?;
        let properties = self.properties()?;
        Ok(Statement::AlterView(Box::new(AlterView { name, if_exists, properties })))
    }
}
