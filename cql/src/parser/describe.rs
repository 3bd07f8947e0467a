//! DESCRIBE.

use super::names::{is_function_name, is_name};
use super::{Parsed, Parser};
use crate::ast::{Describe, DescribeTarget, Name, QualifiedName, Statement};
use crate::lexer::{Keyword, Kind};

impl Parser<'_> {
    /// DESCRIBE or DESC, from its keyword.
    pub(super) fn describe(&mut self) -> Parsed<Statement> {
        self.advance();
        let target = self.describe_target()?;
        let with_internals = self.eat_keyword(Keyword::With);
        if with_internals {
            self.expect_keyword(Keyword::Internals)?;
        }
        Ok(Statement::Describe(Box::new(Describe { target, with_internals })))
    }

    fn describe_target(&mut self) -> Parsed<DescribeTarget> {
        let Kind::Keyword(keyword) = self.kind() else {
            return self.describe_any();
        };
        let operand = is_name(self.kind_ahead(1));
        let function = operand || is_function_name(self.kind_ahead(1));
        let target = match keyword {
            Keyword::Cluster => DescribeTarget::Cluster,
            Keyword::Schema => DescribeTarget::Schema { full: false },
            Keyword::Full => {
                self.advance();
                self.expect_keyword(Keyword::Schema)?;
                return Ok(DescribeTarget::Schema { full: true });
            }
            Keyword::Keyspaces => DescribeTarget::Keyspaces,
            Keyword::Tables => DescribeTarget::Tables,
            Keyword::Types => DescribeTarget::Types,
            Keyword::Functions => DescribeTarget::Functions,
            Keyword::Aggregates => DescribeTarget::Aggregates,
            Keyword::Only if self.keyword_ahead(1, Keyword::Keyspace) => {
                self.advance();
                return self.describe_keyspace(true);
            }
            Keyword::Keyspace => return self.describe_keyspace(false),
            Keyword::Table => {
                self.advance();
                return self.table_name().map(DescribeTarget::Table);
            }
            Keyword::Index => {
                self.advance();
                return self.table_name().map(DescribeTarget::Index);
            }
            Keyword::Materialized => {
                self.advance();
                self.expect_keyword(Keyword::View)?;
                return self.table_name().map(DescribeTarget::View);
            }
            Keyword::Type if operand => {
                self.advance();
                return self.user_type_name().map(DescribeTarget::Type);
            }
            Keyword::Function if function => {
                self.advance();
                return self.function_name().map(DescribeTarget::Function);
            }
            Keyword::Aggregate if function => {
                self.advance();
                return self.function_name().map(DescribeTarget::Aggregate);
            }
            _ => return self.describe_any(),
        };
        self.advance();
        Ok(target)
    }

    fn describe_keyspace(&mut self, only: bool) -> Parsed<DescribeTarget> {
        self.advance();
        let kind = self.kind();
        let name = if is_name(kind) || kind == Kind::Question { Some(self.keyspace_name()?) } else { None };
        Ok(DescribeTarget::Keyspace { only, name })
    }

    /// A bare name, with or without a keyspace.
    fn describe_any(&mut self) -> Parsed<DescribeTarget> {
        let name: Name = self.name()?;
        let next = self.kind();
        if !matches!(next, Kind::Dot | Kind::End | Kind::Semicolon | Kind::Keyword(Keyword::With)) {
            return Err(self.no_viable_between(self.position - 1, self.position));
        }
        if self.eat(Kind::Dot) {
            let qualified = QualifiedName { keyspace: Some(name), name: self.name()? };
            return Ok(DescribeTarget::Generic(qualified));
        }
        Ok(DescribeTarget::Generic(QualifiedName { keyspace: None, name }))
    }
}
