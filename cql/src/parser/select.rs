//! SELECT.

use super::names::is_name;
use super::{Parsed, Parser};
use crate::ast::{Direction, Ordering, Select, SelectClause, SelectedItem, Statement};
use crate::lexer::{Keyword, Kind};

impl Parser<'_> {
    /// SELECT, from its keyword.
    pub(super) fn select(&mut self) -> Parsed<Statement> {
        self.expect_keyword(Keyword::Select)?;
        let (json, distinct, clause) = self.select_clause()?;
        self.expect_keyword(Keyword::From)?;
        let table = self.table_name()?;
        let relations = self.optional_where()?;
        let mut group_by = Vec::new();
        if self.eat_keyword(Keyword::Group) {
            self.expect_keyword(Keyword::By)?;
            group_by = self.comma_separated(Self::selector)?;
        }
        let mut order_by = Vec::new();
        if self.eat_keyword(Keyword::Order) {
            self.expect_keyword(Keyword::By)?;
            order_by = self.comma_separated(Self::ordering)?;
        }
        let mut per_partition_limit = None;
        if self.eat_keyword(Keyword::Per) {
            self.expect_keywords(&[Keyword::Partition, Keyword::Limit])?;
            per_partition_limit = Some(self.integer_or_marker()?);
        }
        let mut limit = None;
        if self.eat_keyword(Keyword::Limit) {
            limit = Some(self.integer_or_marker()?);
        }
        let allow_filtering = self.eat_keyword(Keyword::Allow);
        if allow_filtering {
            self.expect_keyword(Keyword::Filtering)?;
        }
        Ok(Statement::Select(Box::new(Select {
            json,
            distinct,
            clause,
            table,
            relations,
            group_by,
            order_by,
            per_partition_limit,
            limit,
            allow_filtering,
        })))
    }

    /// `[JSON] [DISTINCT] selectors`. JSON and DISTINCT are names of columns as well: they are taken as keywords if selectors follow them.
    fn select_clause(&mut self) -> Parsed<(bool, bool, SelectClause)> {
        if self.is_keyword(Keyword::Json)
            && let Some((distinct, clause)) = self.attempt(|parser| {
                parser.advance();
                parser.distinct_clause()
            })
        {
            return Ok((true, distinct, clause));
        }
        let (distinct, clause) = self.distinct_clause()?;
        Ok((false, distinct, clause))
    }

    fn distinct_clause(&mut self) -> Parsed<(bool, SelectClause)> {
        if self.is_keyword(Keyword::Distinct)
            && let Some(clause) = self.attempt(|parser| {
                parser.advance();
                parser.selectors()
            })
        {
            return Ok((true, clause));
        }
        Ok((false, self.selectors()?))
    }

    /// `*` or selectors with their aliases.
    pub(super) fn selectors(&mut self) -> Parsed<SelectClause> {
        if self.eat(Kind::Star) {
            return Ok(SelectClause::All);
        }
        Ok(SelectClause::Items(self.comma_separated(Self::selected_item)?))
    }

    fn selected_item(&mut self) -> Parsed<SelectedItem> {
        let selector = self.selector()?;
        let mut alias = None;
        if self.eat_keyword(Keyword::As) {
            if !is_name(self.kind()) {
                return Err(self.no_viable());
            }
            alias = Some(self.take_name());
        }
        Ok(SelectedItem { selector, alias })
    }

    fn ordering(&mut self) -> Parsed<Ordering> {
        let column = self.column_name()?;
        let mut ann_of = None;
        if self.eat_keyword(Keyword::Ann) {
            self.expect_keyword(Keyword::Of)?;
            ann_of = Some(self.term()?);
        }
        let direction = if self.eat_keyword(Keyword::Desc) {
            Direction::Descending
        } else {
            self.eat_keyword(Keyword::Asc);
            Direction::Ascending
        };
        Ok(Ordering { column, ann_of, direction })
    }
}
