//! Terms.

use super::literal::literal_kind;
use super::names::{is_column_name, is_function_name, is_name};
use super::types::native_type;
use super::{Parsed, Parser, follow};
use crate::ast::{ArithmeticOperator, Name, Term};
use crate::lexer::{Keyword, Kind};

/// Whether a token may begin a term.
pub(super) fn starts_term(kind: Kind) -> bool {
    kind == Kind::Minus || starts_simple_term(kind)
}

/// Whether a token may begin a term without a sign.
fn starts_simple_term(kind: Kind) -> bool {
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

/// Whether a token may stand behind a term without a sign.
fn goes_on_behind_term(kind: Kind) -> bool {
    follow::of_term(kind)
        || additive(kind).is_some()
        || multiplicative(kind).is_some()
        || kind == Kind::Keyword(Keyword::As)
}

pub(super) fn additive(kind: Kind) -> Option<ArithmeticOperator> {
    match kind {
        Kind::Plus => Some(ArithmeticOperator::Add),
        Kind::Minus => Some(ArithmeticOperator::Subtract),
        _ => None,
    }
}

pub(super) fn multiplicative(kind: Kind) -> Option<ArithmeticOperator> {
    match kind {
        Kind::Star => Some(ArithmeticOperator::Multiply),
        Kind::Slash => Some(ArithmeticOperator::Divide),
        Kind::Percent => Some(ArithmeticOperator::Modulo),
        _ => None,
    }
}

impl Parser<'_> {
    /// A term, with what follows it checked.
    pub(super) fn term(&mut self) -> Parsed<Term> {
        // most terms are a lone constant: no need to walk down the levels of precedence
        if literal_kind(self.kind()).is_some()
            && matches!(self.kind_ahead(1), Kind::Comma | Kind::ParenthesisClose)
            && let Some(literal) = self.literal()?
        {
            self.decided_by(0);
            return Ok(Term::Literal(literal));
        }
        let term = self.nested(Self::addition)?;
        if !follow::of_term(self.kind()) {
            return Err(self.no_viable());
        }
        self.decided_by(0);
        Ok(term)
    }

    fn addition(&mut self) -> Parsed<Term> {
        let mut left = self.multiplication()?;
        while let Some(operator) = additive(self.kind()) {
            if operator == ArithmeticOperator::Add && self.prepends()? {
                break;
            }
            self.advance();
            let right = self.multiplication()?;
            self.grow()?;
            left = Term::Arithmetic { operator, left: Box::new(left), right: Box::new(right) };
        }
        Ok(left)
    }

    /// Whether the current `+` is the one of `SET c = value + c`: a column stands behind it, not a function.
    fn prepends(&mut self) -> Parsed<bool> {
        if !is_column_name(self.kind_ahead(1)) {
            return Ok(false);
        }
        match self.kind_ahead(2) {
            Kind::ParenthesisOpen | Kind::Dot => Ok(false),
            Kind::Comma | Kind::Keyword(Keyword::Where) => Ok(true),
            _ => Err(self.no_viable_ahead(2)),
        }
    }

    fn multiplication(&mut self) -> Parsed<Term> {
        let mut left = self.signed_term()?;
        while let Some(operator) = multiplicative(self.kind()) {
            self.advance();
            let right = self.signed_term()?;
            self.grow()?;
            left = Term::Arithmetic { operator, left: Box::new(left), right: Box::new(right) };
        }
        Ok(left)
    }

    fn signed_term(&mut self) -> Parsed<Term> {
        if self.eat(Kind::Minus) {
            let term = self.nested(Self::simple_term)?;
            return Ok(Term::Negation(Box::new(term)));
        }
        self.simple_term()
    }

    fn simple_term(&mut self) -> Parsed<Term> {
        if let Some(literal) = self.literal()? {
            return Ok(Term::Literal(literal));
        }
        match self.kind() {
            // a keyspace can be a `?` to the grammar, which is refused then
            Kind::Question if self.kind_ahead(1) == Kind::Dot => self.function(),
            Kind::Question if !goes_on_behind_term(self.kind_ahead(1)) => Err(self.no_viable_ahead(1)),
            Kind::Question | Kind::Colon => match self.marker()? {
                Some(marker) => Ok(Term::Marker(marker)),
                None => Err(self.no_viable()),
            },
            Kind::Keyword(Keyword::Null) => {
                self.advance();
                Ok(Term::Null)
            }
            Kind::BracketOpen => self.list(),
            Kind::BraceOpen => self.braces(),
            Kind::ParenthesisOpen => self.tuple_or_type_hint(),
            Kind::Keyword(Keyword::Cast) if self.kind_ahead(1) == Kind::ParenthesisOpen => self.cast(),
            Kind::Keyword(Keyword::Token) if self.kind_ahead(1) == Kind::ParenthesisOpen => self.function(),
            Kind::Keyword(Keyword::Token) => Err(self.no_viable_ahead(1)),
            kind if is_name(kind) => match self.kind_ahead(1) {
                Kind::ParenthesisOpen if is_function_name(kind) => self.function(),
                Kind::Dot => self.function(),
                _ => Err(self.no_viable_ahead(1)),
            },
            _ => Err(self.no_viable()),
        }
    }

    /// `[a, b]`
    fn list(&mut self) -> Parsed<Term> {
        self.advance();
        let mut elements = Vec::new();
        if starts_term(self.kind()) {
            elements = self.comma_separated(Self::term)?;
        }
        self.expect(Kind::BracketClose)?;
        Ok(Term::List(elements))
    }

    /// `{…}`: set, map, user-defined type.
    fn braces(&mut self) -> Parsed<Term> {
        let first = self.kind_ahead(1);
        if first == Kind::BraceClose {
            self.advance();
            self.advance();
            return Ok(Term::Set(Vec::new()));
        }
        if is_name(first) {
            match self.kind_ahead(2) {
                Kind::Colon => return self.user_type_literal(),
                Kind::ParenthesisOpen | Kind::Dot => {}
                _ => return Err(self.no_viable_ahead(2)),
            }
        } else if !starts_term(first) {
            return Err(self.no_viable_ahead(1));
        }
        self.advance();
        let first = self.term()?;
        let collection = if self.kind() == Kind::Colon {
            Term::Map(self.map_entries(first)?)
        } else {
            let mut elements = vec![first];
            while self.eat(Kind::Comma) {
                elements.push(self.term()?);
            }
            Term::Set(elements)
        };
        self.expect(Kind::BraceClose)?;
        Ok(collection)
    }

    /// `: value, key: value, …` behind the first key.
    pub(super) fn map_entries(&mut self, first: Term) -> Parsed<Vec<(Term, Term)>> {
        self.expect(Kind::Colon)?;
        let mut entries = vec![(first, self.term()?)];
        while self.eat(Kind::Comma) {
            let key = self.term()?;
            self.expect(Kind::Colon)?;
            entries.push((key, self.term()?));
        }
        Ok(entries)
    }

    /// `{field: value, …}`
    fn user_type_literal(&mut self) -> Parsed<Term> {
        self.advance();
        let fields = self.comma_separated(|parser| -> Parsed<(Name, Term)> {
            let field = parser.name()?;
            parser.expect(Kind::Colon)?;
            Ok((field, parser.term()?))
        })?;
        self.expect(Kind::BraceClose)?;
        Ok(Term::UserType(fields))
    }

    /// `(a, b)` or `(type) term`
    fn tuple_or_type_hint(&mut self) -> Parsed<Term> {
        if self.type_in_parentheses()? {
            self.advance();
            let type_name = self.type_name()?;
            self.expect(Kind::ParenthesisClose)?;
            let term = self.nested(Self::simple_term)?;
            return Ok(Term::TypeHint { type_name, term: Box::new(term) });
        }
        self.tuple()
    }

    /// `(a, b)`
    pub(super) fn tuple(&mut self) -> Parsed<Term> {
        Ok(Term::Tuple(self.parenthesised(Self::term)?))
    }

    /// Whether a type, and no term, stands in the parentheses that open here.
    fn type_in_parentheses(&mut self) -> Parsed<bool> {
        let first = self.kind_ahead(1);
        let second = self.kind_ahead(2);
        match first {
            Kind::Keyword(Keyword::Set) => Ok(true),
            Kind::String | Kind::DollarString => Ok(second == Kind::ParenthesisClose
                && self.kind_ahead(3) != Kind::Colon
                && starts_simple_term(self.kind_ahead(3))
                && self.goes_on_as_term(3)),
            _ if is_name(first) || native_type(first).is_some() => match second {
                Kind::ParenthesisClose => Ok(true),
                Kind::ParenthesisOpen => Ok(false),
                Kind::Less
                    if matches!(
                        first,
                        Kind::Keyword(
                            Keyword::Map | Keyword::List | Keyword::Tuple | Keyword::Frozen | Keyword::Vector
                        )
                    ) =>
                {
                    Ok(true)
                }
                Kind::Dot if !is_name(self.kind_ahead(3)) && !is_function_name(self.kind_ahead(3)) => {
                    Err(self.no_viable_ahead(3))
                }
                Kind::Dot => match self.kind_ahead(4) {
                    Kind::ParenthesisOpen => Ok(false),
                    Kind::ParenthesisClose => Ok(true),
                    _ => Err(self.no_viable_ahead(4)),
                },
                _ => Err(self.no_viable_ahead(2)),
            },
            _ if starts_term(first) => Ok(false),
            _ => Err(self.no_viable_ahead(1)),
        }
    }

    /// Whether the token `ahead` begins a term: a name does so only as a function, other words are the next clause.
    fn goes_on_as_term(&mut self, ahead: usize) -> bool {
        !is_name(self.kind_ahead(ahead)) || matches!(self.kind_ahead(ahead + 1), Kind::ParenthesisOpen | Kind::Dot)
    }

    /// `CAST(term AS type)`
    fn cast(&mut self) -> Parsed<Term> {
        self.advance();
        self.advance();
        let term = self.nested(Self::simple_term)?;
        self.expect_keyword(Keyword::As)?;
        let target = self.native_type()?;
        self.expect(Kind::ParenthesisClose)?;
        Ok(Term::Cast { term: Box::new(term), target })
    }

    /// `f(a, b)`
    fn function(&mut self) -> Parsed<Term> {
        let name = self.function_name()?;
        let arguments = self.parenthesised_or_empty(Self::term)?;
        Ok(Term::Function { name, arguments })
    }
}
