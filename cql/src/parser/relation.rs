//! WHERE.

use super::names::is_column_name;
use super::term::starts_term;
use super::{Parsed, Parser};
use crate::ast::{InValues, Name, Operator, QualifiedName, Relation, Term};
use crate::lexer::{Keyword, Kind};

/// The comparison a token stands for.
pub(super) fn comparison(kind: Kind) -> Option<Operator> {
    Some(match kind {
        Kind::Equal => Operator::Equal,
        Kind::NotEqual => Operator::NotEqual,
        Kind::Less => Operator::Less,
        Kind::LessOrEqual => Operator::LessOrEqual,
        Kind::Greater => Operator::Greater,
        Kind::GreaterOrEqual => Operator::GreaterOrEqual,
        _ => return None,
    })
}

impl Parser<'_> {
    /// `WHERE …`, if it stands here.
    pub(super) fn optional_where(&mut self) -> Parsed<Vec<Relation>> {
        if self.is_keyword(Keyword::Where) { self.where_clause() } else { Ok(Vec::new()) }
    }

    /// `WHERE …`
    pub(super) fn where_clause(&mut self) -> Parsed<Vec<Relation>> {
        self.expect_keyword(Keyword::Where)?;
        let mut relations = vec![self.relation_or_expression()?];
        while self.eat_keyword(Keyword::And) {
            relations.push(self.relation_or_expression()?);
        }
        Ok(relations)
    }

    fn relation_or_expression(&mut self) -> Parsed<Relation> {
        if !self.eat(Kind::ExpressionOpen) {
            return self.relation();
        }
        let name = self.index_name()?;
        self.expect(Kind::Comma)?;
        let value = self.term()?;
        self.expect(Kind::ParenthesisClose)?;
        Ok(Relation::IndexExpression { index: QualifiedName { keyspace: None, name }, value })
    }

    fn relation(&mut self) -> Parsed<Relation> {
        match self.kind() {
            Kind::Keyword(Keyword::Token) => self.token_relation(),
            Kind::ParenthesisOpen => self.parenthesised_relation(),
            kind if is_column_name(kind) => self.column_relation(),
            _ => Err(self.no_viable()),
        }
    }

    /// A relation that begins with one column. What comes behind the column decides which.
    fn column_relation(&mut self) -> Parsed<Relation> {
        let next = self.kind_ahead(1);
        if comparison(next).is_some() || goes_on_as_relation(next) {
            self.decided_by(1);
        }
        if let Some(operator) = comparison(next) {
            let column = self.take_name();
            self.advance();
            return Ok(Relation::Column { column, operator, value: self.term()? });
        }
        match next {
            Kind::Keyword(Keyword::In) => {
                if !matches!(self.kind_ahead(2), Kind::ParenthesisOpen | Kind::Question | Kind::Colon) {
                    return Err(self.no_viable_ahead(2));
                }
                let column = self.take_name();
                self.advance();
                Ok(Relation::In { column, values: self.in_values()? })
            }
            Kind::Keyword(Keyword::Is) => {
                let column = self.take_name();
                self.expect_keywords(&[Keyword::Is, Keyword::Not, Keyword::Null])?;
                Ok(Relation::IsNotNull(column))
            }
            Kind::Keyword(Keyword::Like) => {
                let column = self.take_name();
                self.advance();
                Ok(Relation::Column { column, operator: Operator::Like, value: self.term()? })
            }
            Kind::Keyword(Keyword::Contains) => {
                let column = self.take_name();
                let operator = self.contains()?;
                Ok(Relation::Column { column, operator, value: self.term()? })
            }
            Kind::BracketOpen => self.element_relation(),
            _ => Err(self.no_viable_ahead(1)),
        }
    }

    /// `CONTAINS [KEY]`
    pub(super) fn contains(&mut self) -> Parsed<Operator> {
        self.expect_keyword(Keyword::Contains)?;
        // KEY is a name as well: as a function's keyspace it begins the value
        if self.is_keyword(Keyword::Key) && self.kind_ahead(1) != Kind::Dot {
            self.advance();
            return Ok(Operator::ContainsKey);
        }
        Ok(Operator::Contains)
    }

    fn element_relation(&mut self) -> Parsed<Relation> {
        let column = self.take_name();
        self.advance();
        let key = self.term()?;
        self.expect(Kind::BracketClose)?;
        let operator = self.comparison()?;
        Ok(Relation::Element { column, key, operator, value: self.term()? })
    }

    pub(super) fn comparison(&mut self) -> Parsed<Operator> {
        match comparison(self.kind()) {
            Some(operator) => {
                self.advance();
                Ok(operator)
            }
            None => Err(self.no_viable()),
        }
    }

    fn token_relation(&mut self) -> Parsed<Relation> {
        self.advance();
        let columns = self.column_tuple()?;
        let operator = self.comparison()?;
        Ok(Relation::Token { columns, operator, value: self.term()? })
    }

    fn column_tuple(&mut self) -> Parsed<Vec<Name>> {
        self.parenthesised(Self::column_name)
    }

    /// `(relation)` or `(a, b) …`
    fn parenthesised_relation(&mut self) -> Parsed<Relation> {
        let first = self.kind_ahead(1);
        if is_column_name(first) {
            return match self.kind_ahead(2) {
                Kind::Comma | Kind::ParenthesisClose => self.tuple_relation(),
                next if comparison(next).is_some() || goes_on_as_relation(next) => self.relation_in_parentheses(),
                _ => Err(self.no_viable_ahead(2)),
            };
        }
        match first {
            Kind::ParenthesisOpen | Kind::Keyword(Keyword::Token) => self.relation_in_parentheses(),
            _ => Err(self.no_viable_ahead(1)),
        }
    }

    fn relation_in_parentheses(&mut self) -> Parsed<Relation> {
        self.advance();
        let relation = self.nested(Self::relation)?;
        self.expect(Kind::ParenthesisClose)?;
        Ok(relation)
    }

    /// `(a, b) …`
    fn tuple_relation(&mut self) -> Parsed<Relation> {
        let columns = self.column_tuple()?;
        if self.eat_keyword(Keyword::In) {
            return Ok(Relation::MultiColumnIn { columns, values: self.tuple_in_values()? });
        }
        let Some(operator) = comparison(self.kind()) else {
            return Err(self.no_viable());
        };
        if !matches!(self.kind_ahead(1), Kind::ParenthesisOpen | Kind::Question | Kind::Colon) {
            return Err(self.no_viable_ahead(1));
        }
        self.advance();
        let value = match self.marker()? {
            Some(marker) => Term::Marker(marker),
            None => self.nested(Self::tuple)?,
        };
        Ok(Relation::MultiColumn { columns, operator, value })
    }

    /// What follows IN behind one column.
    pub(super) fn in_values(&mut self) -> Parsed<InValues> {
        if let Some(marker) = self.marker()? {
            return Ok(InValues::Marker(marker));
        }
        if self.kind() != Kind::ParenthesisOpen {
            return Err(self.no_viable());
        }
        Ok(InValues::List(self.parenthesised_if(starts_term, Self::term)?))
    }

    /// What follows IN behind several columns.
    fn tuple_in_values(&mut self) -> Parsed<InValues> {
        if let Some(marker) = self.marker()? {
            return Ok(InValues::Marker(marker));
        }
        if self.kind() != Kind::ParenthesisOpen {
            return Err(self.no_viable());
        }
        match self.kind_ahead(1) {
            Kind::ParenthesisClose => {
                self.advance();
                self.advance();
                Ok(InValues::List(Vec::new()))
            }
            Kind::ParenthesisOpen => Ok(InValues::List(self.parenthesised(|parser| parser.nested(Self::tuple))?)),
            Kind::Question | Kind::Colon => {
                let values = self.parenthesised(|parser| match parser.marker()? {
                    Some(marker) => Ok(Term::Marker(marker)),
                    None => Err(parser.no_viable()),
                })?;
                Ok(InValues::List(values))
            }
            _ => Err(self.no_viable_ahead(1)),
        }
    }
}

/// Whether a token behind a column, besides a comparison, makes a relation of it.
fn goes_on_as_relation(kind: Kind) -> bool {
    matches!(kind, Kind::BracketOpen | Kind::Keyword(Keyword::In | Keyword::Is | Keyword::Like | Keyword::Contains))
}
