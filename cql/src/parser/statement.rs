//! Which statement it is.

use super::{Parsed, Parser};
use crate::ast::{DropObject, Modification, QualifiedName, Statement};
use crate::lexer::{Keyword, Kind};

impl Parser<'_> {
    /// A whole statement.
    pub(super) fn statement(&mut self) -> Parsed<Statement> {
        let Kind::Keyword(keyword) = self.kind() else {
            return Err(self.no_viable());
        };
        match keyword {
            Keyword::Select => self.select(),
            Keyword::Insert => Ok(match self.insert()? {
                Modification::InsertJson(insert) => Statement::InsertJson(Box::new(insert)),
                Modification::Insert(insert) => Statement::Insert(Box::new(insert)),
                Modification::Update(update) => Statement::Update(Box::new(update)),
                Modification::Delete(delete) => Statement::Delete(Box::new(delete)),
            }),
            Keyword::Update => Ok(Statement::Update(Box::new(self.update()?))),
            Keyword::Delete => Ok(Statement::Delete(Box::new(self.delete()?))),
            Keyword::Begin => self.batch(),
            Keyword::Use => {
                self.advance();
                self.keyspace_name().map(Statement::Use)
            }
            Keyword::Truncate => {
                self.advance();
                self.eat_keyword(Keyword::Table);
                self.table_name().map(Statement::Truncate)
            }
            Keyword::Create => self.create(),
            Keyword::Alter => self.alter(),
            Keyword::Drop => self.drop_statement(),
            Keyword::Grant => self.grant(),
            Keyword::Revoke => self.revoke(),
            Keyword::List => self.list_statement(),
            Keyword::Add => {
                self.advance();
                self.expect_keyword(Keyword::Identity)?;
                self.add_identity()
            }
            Keyword::Describe | Keyword::Desc => self.describe(),
            _ => Err(self.no_viable()),
        }
    }

    fn create(&mut self) -> Parsed<Statement> {
        let Kind::Keyword(what) = self.kind_ahead(1) else {
            return Err(self.no_viable_ahead(1));
        };
        match what {
            Keyword::Or => return self.create_or_replace(),
            Keyword::Keyspace
            | Keyword::Table
            | Keyword::Type
            | Keyword::Index
            | Keyword::Custom
            | Keyword::Materialized
            | Keyword::Function
            | Keyword::Aggregate
            | Keyword::Trigger
            | Keyword::Role
            | Keyword::User => {}
            _ => return Err(self.no_viable_ahead(1)),
        }
        self.advance();
        self.advance();
        match what {
            Keyword::Keyspace => self.create_keyspace(),
            Keyword::Table => self.create_table(),
            Keyword::Type => self.create_type(),
            Keyword::Index => self.create_index(false),
            Keyword::Custom => {
                self.expect_keyword(Keyword::Index)?;
                self.create_index(true)
            }
            Keyword::Materialized => {
                self.expect_keyword(Keyword::View)?;
                self.create_view()
            }
            Keyword::Function => self.create_function(false),
            Keyword::Aggregate => self.create_aggregate(false),
            Keyword::Trigger => self.create_trigger(),
            Keyword::Role => self.create_role(),
            _ => self.create_user(),
        }
    }

    fn create_or_replace(&mut self) -> Parsed<Statement> {
        if !self.keyword_ahead(2, Keyword::Replace) {
            return Err(self.no_viable_ahead(2));
        }
        let aggregate = self.keyword_ahead(3, Keyword::Aggregate);
        if !aggregate && !self.keyword_ahead(3, Keyword::Function) {
            return Err(self.no_viable_ahead(3));
        }
        self.expect_keywords(&[Keyword::Create, Keyword::Or, Keyword::Replace])?;
        self.advance();
        if aggregate { self.create_aggregate(true) } else { self.create_function(true) }
    }

    fn alter(&mut self) -> Parsed<Statement> {
        let Kind::Keyword(what) = self.kind_ahead(1) else {
            return Err(self.no_viable_ahead(1));
        };
        match what {
            Keyword::Keyspace
            | Keyword::Table
            | Keyword::Type
            | Keyword::Materialized
            | Keyword::Role
            | Keyword::User => {}
            _ => return Err(self.no_viable_ahead(1)),
        }
        self.advance();
        self.advance();
        match what {
            Keyword::Keyspace => self.alter_keyspace(),
            Keyword::Table => self.alter_table(),
            Keyword::Type => self.alter_type(),
            Keyword::Materialized => {
                self.expect_keyword(Keyword::View)?;
                self.alter_view()
            }
            Keyword::Role => self.alter_role(),
            _ => self.alter_user(),
        }
    }

    fn drop_statement(&mut self) -> Parsed<Statement> {
        let Kind::Keyword(what) = self.kind_ahead(1) else {
            return Err(self.no_viable_ahead(1));
        };
        match what {
            Keyword::Keyspace
            | Keyword::Table
            | Keyword::Type
            | Keyword::Index
            | Keyword::Materialized
            | Keyword::Function
            | Keyword::Aggregate
            | Keyword::Trigger
            | Keyword::Role
            | Keyword::User
            | Keyword::Identity => {}
            _ => return Err(self.no_viable_ahead(1)),
        }
        self.advance();
        self.advance();
        match what {
            Keyword::Keyspace => {
                let if_exists = self.if_exists()?;
                let name = QualifiedName { keyspace: None, name: self.keyspace_name()? };
                Ok(Statement::DropKeyspace(DropObject { name, if_exists }))
            }
            Keyword::Table => self.drop_object(Self::table_name).map(Statement::DropTable),
            Keyword::Type => self.drop_object(Self::user_type_name).map(Statement::DropType),
            Keyword::Index => self.drop_object(Self::qualified_index_name).map(Statement::DropIndex),
            Keyword::Materialized => {
                self.expect_keyword(Keyword::View)?;
                self.drop_object(Self::table_name).map(Statement::DropView)
            }
            Keyword::Function => self.drop_function().map(Statement::DropFunction),
            Keyword::Aggregate => self.drop_function().map(Statement::DropAggregate),
            Keyword::Trigger => self.drop_trigger(),
            Keyword::Role => self.drop_role(),
            Keyword::User => self.drop_user(),
            _ => self.drop_identity(),
        }
    }

    fn drop_object(&mut self, name: impl FnOnce(&mut Self) -> Parsed<QualifiedName>) -> Parsed<DropObject> {
        let if_exists = self.if_exists()?;
        Ok(DropObject { name: name(self)?, if_exists })
    }
}
