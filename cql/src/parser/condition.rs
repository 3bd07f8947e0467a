//! The IF of UPDATE and DELETE.

use super::relation::comparison;
use super::{Parsed, Parser};
use crate::ast::{Condition, ConditionTarget, ConditionTest, Conditions};
use crate::lexer::{Keyword, Kind};

impl Parser<'_> {
    /// `IF EXISTS`, `IF c = 1 AND …` or nothing.
    pub(super) fn conditions(&mut self) -> Parsed<Conditions> {
        if !self.eat_keyword(Keyword::If) {
            return Ok(Conditions::None);
        }
        if self.is_keyword(Keyword::Exists) {
            let next = self.kind_ahead(1);
            if ends_modification(next) {
                self.advance();
                return Ok(Conditions::IfExists);
            }
            if !begins_condition(next) {
                return Err(self.no_viable_ahead(1));
            }
        }
        let mut conditions = vec![self.condition()?];
        while self.eat_keyword(Keyword::And) {
            conditions.push(self.condition()?);
        }
        Ok(Conditions::If(conditions))
    }

    fn condition(&mut self) -> Parsed<Condition> {
        let column = self.column_name()?;
        match self.kind() {
            Kind::BracketOpen => {
                self.advance();
                let key = self.term()?;
                self.expect(Kind::BracketClose)?;
                let test = self.part_test()?;
                Ok(Condition { column, target: ConditionTarget::Element(key), test })
            }
            Kind::Dot => {
                self.advance();
                let field = self.name()?;
                let test = self.part_test()?;
                Ok(Condition { column, target: ConditionTarget::Field(field), test })
            }
            Kind::Keyword(Keyword::Contains) => {
                let operator = self.contains()?;
                let test = ConditionTest::Compare(operator, self.term()?);
                Ok(Condition { column, target: ConditionTarget::Column, test })
            }
            _ => {
                let test = self.part_test()?;
                Ok(Condition { column, target: ConditionTarget::Column, test })
            }
        }
    }

    /// A comparison or IN.
    fn part_test(&mut self) -> Parsed<ConditionTest> {
        if self.eat_keyword(Keyword::In) {
            return Ok(ConditionTest::In(self.in_values()?));
        }
        let operator = self.comparison()?;
        Ok(ConditionTest::Compare(operator, self.term()?))
    }
}

/// Whether a token may stand behind a whole UPDATE or DELETE.
fn ends_modification(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::End
            | Kind::Semicolon
            | Kind::Keyword(Keyword::Apply | Keyword::Insert | Keyword::Update | Keyword::Delete)
    )
}

/// Whether a token makes a condition of the column before it.
fn begins_condition(kind: Kind) -> bool {
    comparison(kind).is_some()
        || matches!(kind, Kind::BracketOpen | Kind::Dot | Kind::Keyword(Keyword::In | Keyword::Contains))
}
