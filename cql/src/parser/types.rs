//! Types.

use helenus_model::types::parse_written_class;

use super::names::is_name;
use super::{Parsed, Parser, follow};
use crate::ast::{CqlTypeName, NativeType};
use crate::lexer::{Keyword, Kind};
use crate::print;

/// The native type a keyword names.
pub(super) fn native_type(kind: Kind) -> Option<NativeType> {
    let Kind::Keyword(keyword) = kind else {
        return None;
    };
    Some(match keyword {
        Keyword::Ascii => NativeType::Ascii,
        Keyword::Bigint => NativeType::Bigint,
        Keyword::Blob => NativeType::Blob,
        Keyword::Boolean => NativeType::Boolean,
        Keyword::Counter => NativeType::Counter,
        Keyword::Date => NativeType::Date,
        Keyword::Decimal => NativeType::Decimal,
        Keyword::Double => NativeType::Double,
        Keyword::Duration => NativeType::Duration,
        Keyword::Float => NativeType::Float,
        Keyword::Inet => NativeType::Inet,
        Keyword::Int => NativeType::Int,
        Keyword::Smallint => NativeType::Smallint,
        Keyword::Text => NativeType::Text,
        Keyword::Time => NativeType::Time,
        Keyword::Timestamp => NativeType::Timestamp,
        Keyword::Timeuuid => NativeType::Timeuuid,
        Keyword::Tinyint => NativeType::Tinyint,
        Keyword::Uuid => NativeType::Uuid,
        Keyword::Varchar => NativeType::Varchar,
        Keyword::Varint => NativeType::Varint,
        _ => return None,
    })
}

/// Whether a token may begin a type.
pub(super) fn starts_type(kind: Kind) -> bool {
    is_name(kind) || matches!(kind, Kind::Keyword(Keyword::Set) | Kind::String | Kind::DollarString)
}

impl Parser<'_> {
    /// A native type, as CAST takes it.
    pub(super) fn native_type(&mut self) -> Parsed<NativeType> {
        match native_type(self.kind()) {
            Some(native) => {
                self.advance();
                Ok(native)
            }
            None => Err(self.no_viable()),
        }
    }

    /// A type.
    pub(super) fn type_name(&mut self) -> Parsed<CqlTypeName> {
        let kind = self.kind();
        let next = self.kind_ahead(1);
        if let Some(native) = native_type(kind)
            && next != Kind::Dot
        {
            if !follow::of_type(next) {
                return Err(self.no_viable_ahead(1));
            }
            self.decided_by(1);
            self.advance();
            return Ok(CqlTypeName::Native(native));
        }
        match kind {
            Kind::String | Kind::DollarString => self.class(),
            Kind::Keyword(Keyword::Set) => self.nested(Self::parameterised_type),
            Kind::Keyword(Keyword::Map | Keyword::List | Keyword::Tuple | Keyword::Frozen | Keyword::Vector)
                if next == Kind::Less =>
            {
                self.nested(Self::parameterised_type)
            }
            _ => self.user_type_name().map(CqlTypeName::UserType),
        }
    }

    /// `word<…>`
    fn parameterised_type(&mut self) -> Parsed<CqlTypeName> {
        let word = self.advance().kind;
        self.expect(Kind::Less)?;
        let first = self.type_name()?;
        let type_name = match word {
            Kind::Keyword(Keyword::Map) => {
                self.expect(Kind::Comma)?;
                CqlTypeName::Map(Box::new(first), Box::new(self.type_name()?))
            }
            Kind::Keyword(Keyword::List) => CqlTypeName::List(Box::new(first)),
            Kind::Keyword(Keyword::Tuple) => {
                let mut elements = vec![first];
                while self.eat(Kind::Comma) {
                    elements.push(self.type_name()?);
                }
                CqlTypeName::Tuple(elements)
            }
            Kind::Keyword(Keyword::Vector) => {
                self.expect(Kind::Comma)?;
                CqlTypeName::Vector(Box::new(first), self.dimension()?)
            }
            Kind::Keyword(Keyword::Frozen) => {
                // said before the closing bracket is looked at, as Cassandra does after it: the text is the same
                self.expect(Kind::Greater)?;
                return self.frozen(first);
            }
            _ => CqlTypeName::Set(Box::new(first)),
        };
        self.expect(Kind::Greater)?;
        Ok(type_name)
    }

    /// A type by the name of its class, which Cassandra looks for while it parses.
    fn class(&mut self) -> Parsed<CqlTypeName> {
        let class = self.string()?;
        if let (Err(error), None) = (parse_written_class(&class), &self.unknown_class) {
            self.unknown_class = Some(self.raised(format!("Error setting type {class}: {error}")));
        }
        Ok(CqlTypeName::Custom(class))
    }

    fn frozen(&mut self, inner: CqlTypeName) -> Parsed<CqlTypeName> {
        if matches!(inner, CqlTypeName::Native(_) | CqlTypeName::Custom(_)) {
            let shown = print::type_name_text(&inner);
            return Err(self.raised(format!(
                "frozen<> is only allowed on collections, tuples, and user-defined types (got {shown})"
            )));
        }
        Ok(CqlTypeName::Frozen(Box::new(inner)))
    }

    fn dimension(&mut self) -> Parsed<i32> {
        let token = self.expect(Kind::Integer)?;
        let raw = self.raw(token);
        raw.parse().map_err(|_| self.failed(&format!("NumberFormatException For input string: \"{raw}\"")))
    }
}
