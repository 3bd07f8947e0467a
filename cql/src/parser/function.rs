//! CREATE and DROP of FUNCTION and AGGREGATE.

use super::names::is_name;
use super::types::starts_type;
use super::{Parsed, Parser};
use crate::ast::{CqlTypeName, CreateAggregate, CreateFunction, DropFunction, Statement};
use crate::lexer::{Keyword, Kind};

impl Parser<'_> {
    /// Behind `CREATE [OR REPLACE] FUNCTION`.
    pub(super) fn create_function(&mut self, or_replace: bool) -> Parsed<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.function_name()?;
        let arguments = self.parenthesised_if(is_name, Self::field_definition)?;
        let called_on_null_input = self.eat_keyword(Keyword::Called);
        if !called_on_null_input {
            if !self.eat_keyword(Keyword::Returns) {
                return Err(self.no_viable());
            }
            self.expect_keyword(Keyword::Null)?;
        }
        self.expect_keywords(&[Keyword::On, Keyword::Null, Keyword::Input, Keyword::Returns])?;
        let return_type = self.type_name()?;
        self.expect_keyword(Keyword::Language)?;
        let token = self.expect(Kind::Identifier)?;
        let language = self.raw(token).to_ascii_lowercase();
        self.expect_keyword(Keyword::As)?;
        let body = self.string()?;
        Ok(Statement::CreateFunction(Box::new(CreateFunction {
            or_replace,
            if_not_exists,
            name,
            arguments,
            called_on_null_input,
            return_type,
            language,
            body,
        })))
    }

    /// Behind `CREATE [OR REPLACE] AGGREGATE`.
    pub(super) fn create_aggregate(&mut self, or_replace: bool) -> Parsed<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.function_name()?;
        let argument_types = self.argument_types()?;
        self.expect_keyword(Keyword::Sfunc)?;
        let state_function = self.unqualified_function_name()?;
        self.expect_keyword(Keyword::Stype)?;
        let state_type = self.type_name()?;
        let mut final_function = None;
        if self.eat_keyword(Keyword::Finalfunc) {
            final_function = Some(self.unqualified_function_name()?);
        }
        let mut initial_condition = None;
        if self.eat_keyword(Keyword::Initcond) {
            initial_condition = Some(self.term()?);
        }
        Ok(Statement::CreateAggregate(Box::new(CreateAggregate {
            or_replace,
            if_not_exists,
            name,
            argument_types,
            state_function,
            state_type,
            final_function,
            initial_condition,
        })))
    }

    /// `(type, type)`, perhaps empty.
    pub(super) fn argument_types(&mut self) -> Parsed<Vec<CqlTypeName>> {
        self.parenthesised_if(starts_type, Self::type_name)
    }

    /// Behind `DROP FUNCTION` and `DROP AGGREGATE`.
    pub(super) fn drop_function(&mut self) -> Parsed<Box<DropFunction>> {
        let if_exists = self.if_exists()?;
        let name = self.function_name()?;
        let argument_types = if self.kind() == Kind::ParenthesisOpen { Some(self.argument_types()?) } else { None };
        Ok(Box::new(DropFunction { if_exists, name, argument_types }))
    }
}
