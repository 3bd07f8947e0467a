//! Selectors.

use super::literal::literal_kind;
use super::names::{is_function_name, is_name};
use super::term::{additive, multiplicative};
use super::{Parsed, Parser, follow};
use crate::ast::{FunctionName, Name, Selector, Term, WriteTimeKind};
use crate::lexer::{Keyword, Kind};

/// Whether a token may begin a selector without a sign.
fn starts_selector(kind: Kind) -> bool {
    literal_kind(kind).is_some()
        || is_name(kind)
        || matches!(
            kind,
            Kind::Keyword(Keyword::Null | Keyword::Token)
                | Kind::ParenthesisOpen
                | Kind::BracketOpen
                | Kind::BraceOpen
                | Kind::Colon
                | Kind::Question
        )
}

/// Whether a token may begin a selector.
fn starts_signed_selector(kind: Kind) -> bool {
    kind == Kind::Minus || starts_selector(kind)
}

impl Parser<'_> {
    /// A selector without an alias.
    pub(super) fn selector(&mut self) -> Parsed<Selector> {
        self.nested(Self::selection_addition)
    }

    fn selection_addition(&mut self) -> Parsed<Selector> {
        let mut left = self.selection_multiplication()?;
        while let Some(operator) = additive(self.kind()) {
            self.advance();
            let right = self.selection_multiplication()?;
            self.grow()?;
            left = Selector::Arithmetic { operator, left: Box::new(left), right: Box::new(right) };
        }
        Ok(left)
    }

    fn selection_multiplication(&mut self) -> Parsed<Selector> {
        let mut left = self.selection_group()?;
        while let Some(operator) = multiplicative(self.kind()) {
            self.advance();
            let right = self.selection_group()?;
            self.grow()?;
            left = Selector::Arithmetic { operator, left: Box::new(left), right: Box::new(right) };
        }
        Ok(left)
    }

    fn selection_group(&mut self) -> Parsed<Selector> {
        if self.eat(Kind::Minus) {
            let inner = self.nested(Self::selection_group)?;
            return Ok(Selector::Negation(Box::new(inner)));
        }
        let inner = self.simple_selector()?;
        self.modified(inner)
    }

    /// Any `.field`, `[key]` and `[from..to]` behind a selector. If they do not all parse, with something behind them that may follow a
    /// selector, they are left to the rule that comes next.
    fn modified(&mut self, selector: Selector) -> Parsed<Selector> {
        if !matches!(self.kind(), Kind::Dot | Kind::BracketOpen) {
            return Ok(selector);
        }
        let modifiers = self.attempt(|parser| {
            let mut modifiers = Vec::new();
            while matches!(parser.kind(), Kind::Dot | Kind::BracketOpen) {
                modifiers.push(parser.modifier()?);
                parser.grow()?;
            }
            if follow::of_selected_name(parser.kind()) { Ok(modifiers) } else { Err(parser.no_viable()) }
        });
        let modifiers = modifiers.unwrap_or_default();
        Ok(modifiers.into_iter().fold(selector, |selector, modifier| modifier.around(selector)))
    }

    fn modifier(&mut self) -> Parsed<Modifier> {
        if self.eat(Kind::Dot) { self.name().map(Modifier::Field) } else { self.sub_selection() }
    }

    fn sub_selection(&mut self) -> Parsed<Modifier> {
        self.expect(Kind::BracketOpen)?;
        let modifier = if self.eat(Kind::Range) {
            Modifier::Slice(None, Some(self.term()?))
        } else {
            let first = self.term()?;
            if !self.eat(Kind::Range) {
                Modifier::Element(first)
            } else if self.kind() == Kind::BracketClose {
                Modifier::Slice(Some(first), None)
            } else {
                Modifier::Slice(Some(first), Some(self.term()?))
            }
        };
        self.expect(Kind::BracketClose)?;
        Ok(modifier)
    }

    fn simple_selector(&mut self) -> Parsed<Selector> {
        if let Some(literal) = self.literal()? {
            return Ok(Selector::Literal(literal));
        }
        match self.kind() {
            Kind::Question | Kind::Colon => match self.marker()? {
                Some(marker) => Ok(Selector::Marker(marker)),
                None => Err(self.no_viable()),
            },
            Kind::Keyword(Keyword::Null) => {
                self.advance();
                Ok(Selector::Null)
            }
            Kind::Keyword(Keyword::Token) => {
                let name = FunctionName { keyspace: None, name: self.take_name() };
                self.selection_arguments(name)
            }
            Kind::BracketOpen => self.selection_list(),
            Kind::BraceOpen => self.selection_map_or_set(),
            Kind::ParenthesisOpen => self.selection_parentheses(),
            kind if is_name(kind) => self.selection_name(kind),
            _ => Err(self.no_viable()),
        }
    }

    /// A column, or a function called by a name that could be a column.
    fn selection_name(&mut self, kind: Kind) -> Parsed<Selector> {
        match self.kind_ahead(1) {
            Kind::ParenthesisOpen => match kind {
                Kind::Keyword(Keyword::Count) if self.kind_ahead(2) == Kind::Star => {
                    self.advance();
                    self.advance();
                    self.advance();
                    self.expect(Kind::ParenthesisClose)?;
                    Ok(Selector::CountRows)
                }
                Kind::Keyword(Keyword::Writetime) => self.write_time(WriteTimeKind::WriteTime),
                Kind::Keyword(Keyword::Maxwritetime) => self.write_time(WriteTimeKind::MaxWriteTime),
                Kind::Keyword(Keyword::Ttl) => self.write_time(WriteTimeKind::Ttl),
                Kind::Keyword(Keyword::Cast) => self.selection_cast(),
                _ if is_function_name(kind) => self.selection_function(),
                _ => Err(self.no_viable_ahead(1)),
            },
            Kind::Dot if is_function_name(self.kind_ahead(2)) && self.kind_ahead(3) == Kind::ParenthesisOpen => {
                self.selection_function()
            }
            Kind::Dot if !is_name(self.kind_ahead(2)) && !is_function_name(self.kind_ahead(2)) => {
                Err(self.no_viable_ahead(2))
            }
            next if follow::of_selected_name(next) => {
                self.decided_by(1);
                Ok(Selector::Column(self.take_name()))
            }
            _ => Err(self.no_viable_ahead(1)),
        }
    }

    fn selection_function(&mut self) -> Parsed<Selector> {
        let name = self.function_name()?;
        self.selection_arguments(name)
    }

    fn selection_arguments(&mut self, name: FunctionName) -> Parsed<Selector> {
        let arguments = self.parenthesised_if(starts_signed_selector, Self::selector)?;
        Ok(Selector::Function { name, arguments })
    }

    fn write_time(&mut self, kind: WriteTimeKind) -> Parsed<Selector> {
        self.advance();
        self.advance();
        let mut column = Selector::Column(self.name()?);
        while matches!(self.kind(), Kind::Dot | Kind::BracketOpen) {
            column = self.modifier()?.around(column);
            self.grow()?;
        }
        let inner = Box::new(column);
        self.expect(Kind::ParenthesisClose)?;
        Ok(Selector::WriteTime { kind, inner })
    }

    fn selection_cast(&mut self) -> Parsed<Selector> {
        self.advance();
        self.advance();
        let inner = Box::new(self.selector()?);
        self.expect_keyword(Keyword::As)?;
        let target = self.native_type()?;
        self.expect(Kind::ParenthesisClose)?;
        Ok(Selector::Cast { inner, target })
    }

    fn selection_list(&mut self) -> Parsed<Selector> {
        self.advance();
        let mut elements = Vec::new();
        if starts_signed_selector(self.kind()) {
            elements = self.comma_separated(Self::selector)?;
        }
        self.expect(Kind::BracketClose)?;
        Ok(Selector::List(elements))
    }

    fn selection_map_or_set(&mut self) -> Parsed<Selector> {
        self.advance();
        if self.eat(Kind::BraceClose) {
            return Ok(Selector::Set(Vec::new()));
        }
        let first = self.selector()?;
        let selector = if self.eat(Kind::Colon) {
            let mut entries = vec![(first, self.selector()?)];
            while self.eat(Kind::Comma) {
                let key = self.selector()?;
                self.expect(Kind::Colon)?;
                entries.push((key, self.selector()?));
            }
            Selector::Map(entries)
        } else {
            let mut elements = vec![first];
            while self.eat(Kind::Comma) {
                elements.push(self.selector()?);
            }
            Selector::Set(elements)
        };
        self.expect(Kind::BraceClose)?;
        Ok(selector)
    }

    /// `(type) x` if it parses like that, else `(a, b)`.
    fn selection_parentheses(&mut self) -> Parsed<Selector> {
        let first = self.kind_ahead(1);
        let may_be_type =
            is_name(first) || matches!(first, Kind::Keyword(Keyword::Set) | Kind::String | Kind::DollarString);
        if may_be_type && let Some(hint) = self.attempt(|parser| parser.nested(Self::selection_type_hint)) {
            return Ok(hint);
        }
        Ok(Selector::Tuple(self.parenthesised(Self::selector)?))
    }

    fn selection_type_hint(&mut self) -> Parsed<Selector> {
        self.expect(Kind::ParenthesisOpen)?;
        let type_name = self.type_name()?;
        self.expect(Kind::ParenthesisClose)?;
        let kind = self.kind();
        // `(a) as b` is an alias, `(a) as as b` is one of a hinted column called `as`
        let as_twice = self.keyword_ahead(1, Keyword::As) && is_name(self.kind_ahead(2));
        let alias = kind == Kind::Keyword(Keyword::As) && is_name(self.kind_ahead(1)) && !as_twice;
        let next_clause = kind == Kind::Keyword(Keyword::Per) && self.keyword_ahead(1, Keyword::Partition);
        if alias || next_clause || !starts_selector(kind) {
            return Err(self.no_viable());
        }
        let inner = Box::new(self.simple_selector()?);
        Ok(Selector::TypeHint { type_name, inner })
    }
}

/// What stands behind a selector and picks a part of it.
enum Modifier {
    /// `.field`
    Field(Name),
    /// `[key]`
    Element(Term),
    /// `[from..to]`
    Slice(Option<Term>, Option<Term>),
}

impl Modifier {
    fn around(self, selector: Selector) -> Selector {
        let inner = Box::new(selector);
        match self {
            Modifier::Field(field) => Selector::Field { inner, field },
            Modifier::Element(key) => Selector::Element { inner, key },
            Modifier::Slice(from, to) => Selector::Slice { inner, from, to },
        }
    }
}
