//! CREATE and ALTER KEYSPACE.

use super::{Parsed, Parser};
use crate::ast::{AlterKeyspace, CreateKeyspace, Statement};
use crate::lexer::Keyword;

impl Parser<'_> {
    /// Behind `CREATE KEYSPACE`.
    pub(super) fn create_keyspace(&mut self) -> Parsed<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.keyspace_name()?;
        self.expect_keyword(Keyword::With)?;
        let properties = self.properties()?;
        Ok(Statement::CreateKeyspace(Box::new(CreateKeyspace { name, if_not_exists, properties })))
    }

    /// Behind `ALTER KEYSPACE`.
    pub(super) fn alter_keyspace(&mut self) -> Parsed<Statement> {
        let if_exists = self.if_exists()?;
        let name = self.keyspace_name()?;
        self.expect_keyword(Keyword::With)?;
        let properties = self.properties()?;
        Ok(Statement::AlterKeyspace(Box::new(AlterKeyspace { name, if_exists, properties })))
    }
}
