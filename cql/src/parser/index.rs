//! CREATE INDEX, CREATE and DROP TRIGGER.

use super::names::{is_column_name, is_name};
use super::{Parsed, Parser};
use crate::ast::{CreateIndex, CreateTrigger, DropTrigger, IndexTarget, IndexTargetKind, Statement};
use crate::lexer::{Keyword, Kind};

impl Parser<'_> {
    /// Behind `CREATE [CUSTOM] INDEX`.
    pub(super) fn create_index(&mut self, custom: bool) -> Parsed<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = if self.is_keyword(Keyword::On) {
            None
        } else if is_name(self.kind()) || self.kind() == Kind::Question {
            Some(self.index_name()?)
        } else {
            return Err(self.mismatched(Keyword::On.token_name()));
        };
        self.expect_keyword(Keyword::On)?;
        let table = self.table_name()?;
        let targets = self.index_targets()?;
        let using_class = if self.eat_keyword(Keyword::Using) { Some(self.string()?) } else { None };
        let properties = if self.eat_keyword(Keyword::With) { self.properties()? } else { Vec::new() };
        Ok(Statement::CreateIndex(Box::new(CreateIndex {
            custom,
            if_not_exists,
            name,
            table,
            targets,
            using_class,
            properties,
        })))
    }

    /// `(target, target)`, perhaps empty.
    fn index_targets(&mut self) -> Parsed<Vec<IndexTarget>> {
        let starts = |kind| is_column_name(kind) || matches!(kind, Kind::Keyword(Keyword::Entries | Keyword::Full));
        self.parenthesised_if(starts, Self::index_target)
    }

    fn index_target(&mut self) -> Parsed<IndexTarget> {
        let kind = match self.kind() {
            Kind::Keyword(Keyword::Entries) => IndexTargetKind::Entries,
            Kind::Keyword(Keyword::Full) => IndexTargetKind::Full,
            Kind::Keyword(Keyword::Values | Keyword::Keys)
                if !matches!(self.kind_ahead(1), Kind::ParenthesisOpen | Kind::Comma | Kind::ParenthesisClose) =>
            {
                return Err(self.no_viable_ahead(1));
            }
            Kind::Keyword(Keyword::Values) if self.kind_ahead(1) == Kind::ParenthesisOpen => IndexTargetKind::Values,
            Kind::Keyword(Keyword::Keys) if self.kind_ahead(1) == Kind::ParenthesisOpen => IndexTargetKind::Keys,
            _ => {
                let column = self.column_name()?;
                return Ok(IndexTarget { kind: IndexTargetKind::Simple, column });
            }
        };
        self.advance();
        self.expect(Kind::ParenthesisOpen)?;
        let column = self.column_name()?;
        self.expect(Kind::ParenthesisClose)?;
        Ok(IndexTarget { kind, column })
    }

    /// Behind `CREATE TRIGGER`.
    pub(super) fn create_trigger(&mut self) -> Parsed<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.name()?;
        self.expect_keyword(Keyword::On)?;
        let table = self.table_name()?;
        self.expect_keyword(Keyword::Using)?;
        let class = self.string()?;
        Ok(Statement::CreateTrigger(Box::new(CreateTrigger { if_not_exists, name, table, class })))
    }

    /// Behind `DROP TRIGGER`.
    pub(super) fn drop_trigger(&mut self) -> Parsed<Statement> {
        let if_exists = self.if_exists()?;
        let name = self.name()?;
        self.expect_keyword(Keyword::On)?;
        let table = self.table_name()?;
        Ok(Statement::DropTrigger(Box::new(DropTrigger { if_exists, name, table })))
    }
}
