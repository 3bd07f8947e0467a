//! Constants and bind markers.

use super::{Parsed, Parser};
use crate::ast::{Literal, LiteralKind, Marker, Term};
use crate::lexer::{Keyword, Kind};

/// What kind of constant a token is, if it is one.
pub(super) fn literal_kind(kind: Kind) -> Option<LiteralKind> {
    Some(match kind {
        Kind::String | Kind::DollarString => LiteralKind::String,
        Kind::Integer => LiteralKind::Integer,
        Kind::Float | Kind::NegativeNan | Kind::NegativeInfinity | Kind::Keyword(Keyword::Nan | Keyword::Infinity) => {
            LiteralKind::Float
        }
        Kind::Boolean => LiteralKind::Boolean,
        Kind::Duration => LiteralKind::Duration,
        Kind::Uuid => LiteralKind::Uuid,
        Kind::Hex => LiteralKind::Hex,
        _ => return None,
    })
}

impl Parser<'_> {
    /// A constant, if one stands here. A float that no double can hold is refused.
    pub(super) fn literal(&mut self) -> Parsed<Option<Literal>> {
        let Some(kind) = literal_kind(self.kind()) else {
            return Ok(None);
        };
        let token = self.advance();
        if token.kind == Kind::Float && self.raw(token).parse().is_ok_and(f64::is_infinite) {
            // Cassandra takes the literal for a double at once and stumbles over its size
            return Err(self.failed(
                "NumberFormatException Character I is neither a decimal digit number, decimal point, \
                 nor \"e\" notation exponential mark.",
            ));
        }
        let text = match token.kind {
            Kind::NegativeNan | Kind::Keyword(Keyword::Nan) => "NaN".to_owned(),
            Kind::Keyword(Keyword::Infinity) => "Infinity".to_owned(),
            Kind::NegativeInfinity => "-Infinity".to_owned(),
            Kind::String | Kind::DollarString => self.decoded(token),
            _ => self.raw(token).to_owned(),
        };
        Ok(Some(Literal { kind, text }))
    }

    /// `?` or `:name`, if one stands here.
    pub(super) fn marker(&mut self) -> Parsed<Option<Marker>> {
        let name = match self.kind() {
            Kind::Question => {
                self.advance();
                None
            }
            Kind::Colon => {
                self.advance();
                Some(self.name()?)
            }
            _ => return Ok(None),
        };
        // a statement with too many is refused at its end, with their number in the message
        let index = u16::try_from(self.markers.len()).unwrap_or(u16::MAX);
        self.markers.push(name.as_ref().map(|name| name.text.clone()));
        Ok(Some(Marker { index, name }))
    }

    /// An integer or a marker, as limits, timestamps and times to live take it.
    pub(super) fn integer_or_marker(&mut self) -> Parsed<Term> {
        if self.kind() == Kind::Integer {
            let token = self.advance();
            let text = self.raw(token).to_owned();
            return Ok(Term::Literal(Literal { kind: LiteralKind::Integer, text }));
        }
        match self.marker()? {
            Some(marker) => Ok(Term::Marker(marker)),
            None => Err(self.no_viable()),
        }
    }
}
