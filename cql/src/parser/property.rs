//! Properties: the WITH of schema statements.

use std::collections::BTreeSet;

use super::names::is_name;
use super::{Parsed, Parser};
use crate::ast::{Literal, Property, PropertyValue, Term};
use crate::lexer::{Keyword, Kind};
use crate::print;

impl Parser<'_> {
    /// `a = b AND c = d`, at least one.
    pub(super) fn properties(&mut self) -> Parsed<Vec<Property>> {
        let mut properties = Vec::new();
        loop {
            properties.push(self.property()?);
            if !self.eat_keyword(Keyword::And) {
                break;
            }
        }
        self.check_properties(&properties)?;
        Ok(properties)
    }

    /// Refuses a property that is there twice.
    pub(super) fn check_properties(&mut self, properties: &[Property]) -> Parsed<()> {
        let mut names = BTreeSet::new();
        match properties.iter().find(|property| !names.insert(&property.name.text)) {
            Some(property) => Err(self.raised(format!("Multiple definitions for property '{}'", property.name))),
            None => Ok(()),
        }
    }

    /// `a = b`
    pub(super) fn property(&mut self) -> Parsed<Property> {
        if !is_name(self.kind()) {
            return Err(self.no_viable());
        }
        if self.kind_ahead(1) != Kind::Equal {
            return Err(self.no_viable_ahead(1));
        }
        let start = self.position;
        let name = self.take_name();
        self.advance();
        let value = match self.kind() {
            Kind::BraceOpen => PropertyValue::Map(self.literal_map()?),
            kind if is_keyword_name(kind) => {
                let token = self.advance();
                PropertyValue::Keyword(self.raw(token).to_owned())
            }
            _ => match self.literal()? {
                Some(literal) => PropertyValue::Literal(literal),
                None => return Err(self.no_viable_between(start, self.position)),
            },
        };
        Ok(Property { name, value })
    }

    /// `{a: b, …}` of constants, perhaps empty.
    pub(super) fn literal_map(&mut self) -> Parsed<Vec<(Literal, Literal)>> {
        self.expect(Kind::BraceOpen)?;
        if self.eat(Kind::BraceClose) {
            return Ok(Vec::new());
        }
        let first = self.term()?;
        let entries = self.map_entries(first)?;
        self.expect(Kind::BraceClose)?;
        let mut literals: Vec<(Literal, Literal)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let Term::Literal(key) = key else {
                return Err(self.not_a_constant("Invalid property name: ", &key, ""));
            };
            let Term::Literal(value) = value else {
                let behind = format!(" for property: {}", print::literal_text(&key));
                return Err(self.not_a_constant("Invalid property value: ", &value, &behind));
            };
            literals.push((key, value));
        }
        let mut keys = BTreeSet::new();
        if let Some((key, _)) = literals.iter().find(|(key, _)| !keys.insert(&key.text)) {
            return Err(self.raised(format!("Multiple definition for property {}", key.text)));
        }
        Ok(literals)
    }

    fn not_a_constant(&mut self, before: &str, term: &Term, behind: &str) -> super::SyntaxError {
        let (shown, hint) = match term {
            Term::Marker(_) => ("?".to_owned(), " (bind variables are not supported in DDL queries)"),
            _ => (print::term_text(term), ""),
        };
        self.raised(format!("{before}{shown}{behind}{hint}"))
    }
}

/// Whether a token is a keyword that may be a name.
fn is_keyword_name(kind: Kind) -> bool {
    matches!(kind, Kind::Keyword(_)) && is_name(kind)
}
