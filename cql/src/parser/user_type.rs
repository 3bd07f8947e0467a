//! CREATE and ALTER TYPE.

use super::names::is_name;
use super::{Parsed, Parser};
use crate::ast::{AlterType, AlterTypeAction, CreateType, FieldDefinition, Statement};
use crate::lexer::{Keyword, Kind};

impl Parser<'_> {
    /// Behind `CREATE TYPE`.
    pub(super) fn create_type(&mut self) -> Parsed<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.user_type_name()?;
        self.expect(Kind::ParenthesisOpen)?;
        let mut fields = vec![self.field_definition()?];
        while self.eat(Kind::Comma) {
            if is_name(self.kind()) {
                fields.push(self.field_definition()?);
            }
        }
        self.expect(Kind::ParenthesisClose)?;
        Ok(Statement::CreateType(Box::new(CreateType { name, if_not_exists, fields })))
    }

    /// `name type`
    pub(super) fn field_definition(&mut self) -> Parsed<FieldDefinition> {
        let name = self.name()?;
        Ok(FieldDefinition { name, type_name: self.type_name()? })
    }

    /// Behind `ALTER TYPE`.
    pub(super) fn alter_type(&mut self) -> Parsed<Statement> {
        let if_exists = self.if_exists()?;
        let name = self.user_type_name()?;
        let action = match self.kind() {
            Kind::Keyword(Keyword::Alter) => {
                self.advance();
                let field = self.name()?;
                self.expect_keyword(Keyword::Type)?;
                AlterTypeAction::AlterType(FieldDefinition { name: field, type_name: self.type_name()? })
            }
            Kind::Keyword(Keyword::Add) => {
                self.advance();
                let if_not_exists = self.if_not_exists()?;
                AlterTypeAction::Add { if_not_exists, field: self.field_definition()? }
            }
            Kind::Keyword(Keyword::Rename) => {
                self.advance();
                let if_exists = self.if_exists()?;
                AlterTypeAction::Rename { if_exists, renamings: self.renamings()? }
            }
            _ => return Err(self.no_viable()),
        };
        Ok(Statement::AlterType(Box::new(AlterType { name, if_exists, action })))
    }
}
