//! INSERT, UPDATE, DELETE.

use std::collections::BTreeMap;

use super::names::is_column_name;
use super::{Parsed, Parser};
use crate::ast::{
    Assignment, Delete, Deletion, Insert, InsertJson, JsonValue, Literal, LiteralKind, Modification, Name, Term,
    Update, Using,
};
use crate::lexer::{Keyword, Kind};

impl Parser<'_> {
    /// INSERT, from its keyword.
    pub(super) fn insert(&mut self) -> Parsed<Modification> {
        self.expect_keywords(&[Keyword::Insert, Keyword::Into])?;
        let table = self.table_name()?;
        if self.eat_keyword(Keyword::Json) {
            let json = self.json_value()?;
            let default_unset = self.default_unset()?;
            let if_not_exists = self.if_not_exists()?;
            let using = self.using()?;
            return Ok(Modification::InsertJson(InsertJson { table, json, default_unset, if_not_exists, using }));
        }
        if self.kind() != Kind::ParenthesisOpen {
            return Err(self.no_viable());
        }
        let columns = self.parenthesised(Self::column_name)?;
        self.expect_keyword(Keyword::Values)?;
        let values = self.parenthesised(Self::term)?;
        let if_not_exists = self.if_not_exists()?;
        let using = self.using()?;
        Ok(Modification::Insert(Insert { table, columns, values, if_not_exists, using }))
    }

    fn json_value(&mut self) -> Parsed<JsonValue> {
        if matches!(self.kind(), Kind::String | Kind::DollarString) {
            return self.string().map(JsonValue::Text);
        }
        match self.marker()? {
            Some(marker) => Ok(JsonValue::Marker(marker)),
            None => Err(self.no_viable()),
        }
    }

    fn default_unset(&mut self) -> Parsed<bool> {
        if !self.eat_keyword(Keyword::Default) || self.eat_keyword(Keyword::Null) {
            return Ok(false);
        }
        if self.eat_keyword(Keyword::Unset) { Ok(true) } else { Err(self.no_viable()) }
    }

    /// `USING TIMESTAMP … AND TTL …`, if it stands here.
    pub(super) fn using(&mut self) -> Parsed<Using> {
        let mut using = Using::default();
        if !self.eat_keyword(Keyword::Using) {
            return Ok(using);
        }
        loop {
            if self.eat_keyword(Keyword::Timestamp) {
                using.timestamp = Some(self.integer_or_marker()?);
            } else if self.eat_keyword(Keyword::Ttl) {
                using.ttl = Some(self.integer_or_marker()?);
            } else {
                return Err(self.no_viable());
            }
            if !self.eat_keyword(Keyword::And) {
                return Ok(using);
            }
        }
    }

    /// UPDATE, from its keyword.
    pub(super) fn update(&mut self) -> Parsed<Update> {
        self.expect_keyword(Keyword::Update)?;
        let table = self.table_name()?;
        let using = self.using()?;
        self.expect_keyword(Keyword::Set)?;
        let mut assignments = Vec::new();
        loop {
            assignments.push(self.assignment()?);
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        self.check_compatible(&assignments)?;
        let relations = self.where_clause()?;
        let conditions = self.conditions()?;
        Ok(Update { table, using, assignments, relations, conditions })
    }

    /// A column that is set as a whole may not be touched by another assignment.
    fn check_compatible(&mut self, assignments: &[Assignment]) -> Parsed<()> {
        if assignments.len() == 1 {
            return Ok(());
        }
        let mut set_as_a_whole = BTreeMap::new();
        for assignment in assignments {
            let column = assignment.column();
            let whole = matches!(assignment, Assignment::Set { .. });
            if let Some(before) = set_as_a_whole.insert(column, whole)
                && (before || whole)
            {
                return Err(self.raised(format!("Multiple incompatible setting of column {column}")));
            }
        }
        Ok(())
    }

    fn assignment(&mut self) -> Parsed<Assignment> {
        let column = self.column_name()?;
        match self.kind() {
            Kind::Equal => {
                self.advance();
                self.plain_assignment(column)
            }
            Kind::PlusEqual => {
                self.advance();
                Ok(Assignment::Add { column, value: self.term()? })
            }
            Kind::MinusEqual => {
                self.advance();
                Ok(Assignment::Subtract { column, value: self.term()? })
            }
            Kind::BracketOpen => {
                self.advance();
                let key = self.term()?;
                self.expect(Kind::BracketClose)?;
                self.expect(Kind::Equal)?;
                Ok(Assignment::SetElement { column, key, value: self.term()? })
            }
            Kind::Dot => {
                self.advance();
                let field = self.name()?;
                self.expect(Kind::Equal)?;
                Ok(Assignment::SetField { column, field, value: self.term()? })
            }
            _ => Err(self.no_viable()),
        }
    }

    /// What stands behind `column =`.
    fn plain_assignment(&mut self, column: Name) -> Parsed<Assignment> {
        if is_column_name(self.kind()) {
            match self.kind_ahead(1) {
                Kind::Plus | Kind::Minus => return self.operation_on_itself(column),
                Kind::Integer => return self.signed_number_behind_itself(column),
                Kind::ParenthesisOpen | Kind::Dot => {}
                _ => return Err(self.no_viable_ahead(1)),
            }
        }
        let value = self.term()?;
        if !self.eat(Kind::Plus) {
            return Ok(Assignment::Set { column, value });
        }
        if self.column_name()? != column {
            return Err(self.raised("Only expressions of the form X = <value> + X are supported."));
        }
        Ok(Assignment::Prepend { column, value })
    }

    /// `c + value`, `c - value`
    fn operation_on_itself(&mut self, column: Name) -> Parsed<Assignment> {
        let same = self.take_name() == column;
        let adds = self.advance().kind == Kind::Plus;
        let value = self.term()?;
        if !same {
            let sign = if adds { '+' } else { '-' };
            return Err(self.raised(format!("Only expressions of the form X = X {sign}<value> are supported.")));
        }
        Ok(if adds { Assignment::Add { column, value } } else { Assignment::Subtract { column, value } })
    }

    /// `c -3`: the lexer has taken the sign for the number's.
    fn signed_number_behind_itself(&mut self, column: Name) -> Parsed<Assignment> {
        let same = self.take_name() == column;
        let token = self.advance();
        let text = self.raw(token).to_owned();
        if !same {
            let sign = if text.starts_with('-') { '-' } else { '+' };
            return Err(self.raised(format!("Only expressions of the form X = X {sign} <value> are supported.")));
        }
        let value = Term::Literal(Literal { kind: LiteralKind::Integer, text });
        Ok(Assignment::Add { column, value })
    }

    /// DELETE, from its keyword.
    pub(super) fn delete(&mut self) -> Parsed<Delete> {
        self.expect_keyword(Keyword::Delete)?;
        let mut deletions = Vec::new();
        if is_column_name(self.kind()) {
            deletions = self.comma_separated(Self::deletion)?;
        }
        self.expect_keyword(Keyword::From)?;
        let table = self.table_name()?;
        let mut timestamp = None;
        if self.eat_keyword(Keyword::Using) {
            self.expect_keyword(Keyword::Timestamp)?;
            timestamp = Some(self.integer_or_marker()?);
        }
        let relations = self.where_clause()?;
        let conditions = self.conditions()?;
        Ok(Delete { deletions, table, timestamp, relations, conditions })
    }

    fn deletion(&mut self) -> Parsed<Deletion> {
        if !is_column_name(self.kind()) {
            return Err(self.no_viable());
        }
        match self.kind_ahead(1) {
            Kind::Comma | Kind::Keyword(Keyword::From) => Ok(Deletion::Column(self.take_name())),
            Kind::BracketOpen => {
                let column = self.take_name();
                self.advance();
                let key = self.term()?;
                self.expect(Kind::BracketClose)?;
                Ok(Deletion::Element { column, key })
            }
            Kind::Dot => {
                let column = self.take_name();
                self.advance();
                Ok(Deletion::Field { column, field: self.name()? })
            }
            _ => Err(self.no_viable_ahead(1)),
        }
    }
}
