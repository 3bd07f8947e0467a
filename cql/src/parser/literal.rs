//! Constants and bind markers.

use super::{MAX_MARKERS, Parsed, Parser};
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
    /// A constant, if one stands here.
    pub(super) fn literal(&mut self) -> Option<Literal> {
        let kind = literal_kind(self.kind())?;
        let token = self.advance();
        let text = match token.kind {
            Kind::NegativeNan | Kind::Keyword(Keyword::Nan) => "NaN".to_owned(),
            Kind::Keyword(Keyword::Infinity) => "Infinity".to_owned(),
            Kind::NegativeInfinity => "-Infinity".to_owned(),
            Kind::String | Kind::DollarString => self.decoded(token),
            _ => self.raw(token).to_owned(),
        };
        Some(Literal { kind, text })
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
        let index = match u16::try_from(self.markers.len()) {
            Ok(index) if self.markers.len() < MAX_MARKERS => index,
            _ => {
                return Err(
                    self.raised(format!("Too many markers(?). More markers than the allowed maximum of {MAX_MARKERS}"))
                );
            }
        };
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
