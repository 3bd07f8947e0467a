//! Names: which tokens may be one, and where.

use super::{Parsed, Parser, follow};
use crate::ast::{FunctionName, Name, QualifiedName};
use crate::lexer::{Keyword, KeywordClass, Kind};

/// Whether a token may be a name: an identifier, a quoted name or a keyword that is not reserved.
pub(super) fn is_name(kind: Kind) -> bool {
    match kind {
        Kind::Identifier | Kind::QuotedName => true,
        Kind::Keyword(keyword) => keyword.class() != KeywordClass::Reserved,
        _ => false,
    }
}

/// Whether a token may be the name of a column in a data statement: a name, or the legacy `""`.
pub(super) fn is_column_name(kind: Kind) -> bool {
    kind == Kind::EmptyQuotedName || is_name(kind)
}

/// Whether a token may be the name of a function.
pub(super) fn is_function_name(kind: Kind) -> bool {
    match kind {
        Kind::Identifier | Kind::QuotedName => true,
        Kind::Keyword(Keyword::Token | Keyword::Count) => true,
        Kind::Keyword(keyword) => {
            matches!(keyword.class(), KeywordClass::Basic | KeywordClass::Native)
        }
        _ => false,
    }
}

/// Names that are refused for user-defined types when written without quotes in exactly this case.
const RESERVED_TYPE_NAMES: [&str; 7] = ["byte", "complex", "enum", "date", "interval", "macaddr", "bitstring"];

impl Parser<'_> {
    /// The current token as a name, whatever it is.
    pub(super) fn take_name(&mut self) -> Name {
        let token = self.advance();
        match token.kind {
            Kind::QuotedName => Name::new(self.decoded(token)),
            Kind::EmptyQuotedName => Name::new(""),
            _ => Name::new(self.raw(token).to_ascii_lowercase()),
        }
    }

    /// A name.
    pub(super) fn name(&mut self) -> Parsed<Name> {
        if is_name(self.kind()) { Ok(self.take_name()) } else { Err(self.no_viable()) }
    }

    /// The name of a column in a data statement.
    pub(super) fn column_name(&mut self) -> Parsed<Name> {
        if is_column_name(self.kind()) { Ok(self.take_name()) } else { Err(self.no_viable()) }
    }

    fn name_or_marker(&mut self, what: &str) -> Parsed<Name> {
        if self.kind() == Kind::Question {
            return Err(self.raised(format!("Bind variables cannot be used for {what} names")));
        }
        self.name()
    }

    /// The name of a keyspace.
    pub(super) fn keyspace_name(&mut self) -> Parsed<Name> {
        self.name_or_marker("keyspace")
    }

    /// The name of an index, without a keyspace.
    pub(super) fn index_name(&mut self) -> Parsed<Name> {
        self.name_or_marker("index")
    }

    /// The name of a role: a name or a string.
    pub(super) fn role_name(&mut self) -> Parsed<Name> {
        if matches!(self.kind(), Kind::String | Kind::DollarString) {
            return self.string().map(Name::new);
        }
        self.name_or_marker("role")
    }

    /// The name of a table or a view.
    pub(super) fn table_name(&mut self) -> Parsed<QualifiedName> {
        self.qualified_name("table")
    }

    /// The name of an index that may carry its keyspace.
    pub(super) fn qualified_index_name(&mut self) -> Parsed<QualifiedName> {
        self.qualified_name("index")
    }

    fn qualified_name(&mut self, what: &str) -> Parsed<QualifiedName> {
        let kind = self.kind();
        if !is_name(kind) && kind != Kind::Question {
            return Err(self.no_viable());
        }
        let next = self.kind_ahead(1);
        if next == Kind::Dot {
            self.decided_by(1);
            let keyspace = self.keyspace_name()?;
            self.advance();
            let name = self.name_or_marker(what)?;
            return Ok(QualifiedName { keyspace: Some(keyspace), name });
        }
        if !follow::of_table(next) {
            return Err(self.no_viable_ahead(1));
        }
        self.decided_by(1);
        Ok(QualifiedName { keyspace: None, name: self.name_or_marker(what)? })
    }

    /// The name of a user-defined type.
    pub(super) fn user_type_name(&mut self) -> Parsed<QualifiedName> {
        if !is_name(self.kind()) {
            return Err(self.no_viable());
        }
        if self.kind_ahead(1) == Kind::Dot {
            let keyspace = self.take_name();
            self.advance();
            let name = self.unqualified_type_name()?;
            return Ok(QualifiedName { keyspace: Some(keyspace), name });
        }
        if !is_type_name(self.kind()) {
            // only a keyspace may be called like this
            self.advance();
            return Err(self.mismatched(Kind::Dot.token_name()));
        }
        Ok(QualifiedName { keyspace: None, name: self.unqualified_type_name()? })
    }

    fn unqualified_type_name(&mut self) -> Parsed<Name> {
        if !is_type_name(self.kind()) {
            return Err(self.no_viable());
        }
        let token = self.current();
        let raw = self.raw(token);
        if token.kind == Kind::Identifier && RESERVED_TYPE_NAMES.contains(&raw) {
            return Err(self.raised(format!("Invalid (reserved) user type name {raw}")));
        }
        Ok(self.take_name())
    }

    /// The name of a function, its opening parenthesis not included.
    pub(super) fn function_name(&mut self) -> Parsed<FunctionName> {
        let kind = self.kind();
        if !is_name(kind) && !is_function_name(kind) && kind != Kind::Question {
            return Err(self.no_viable());
        }
        if self.kind_ahead(1) == Kind::Dot && kind != Kind::Keyword(Keyword::Token) {
            let keyspace = self.keyspace_name()?;
            self.advance();
            let name = self.unqualified_function_name()?;
            return Ok(FunctionName { keyspace: Some(keyspace), name });
        }
        if !is_function_name(kind) {
            if kind == Kind::Question {
                return Err(self.raised("Bind variables cannot be used for keyspace names"));
            }
            self.advance();
            return Err(self.mismatched(Kind::Dot.token_name()));
        }
        if !follow::of_function(self.kind_ahead(1)) {
            return Err(self.no_viable_ahead(1));
        }
        self.decided_by(1);
        Ok(FunctionName { keyspace: None, name: self.take_name() })
    }

    /// The name of a function that may not carry a keyspace.
    pub(super) fn unqualified_function_name(&mut self) -> Parsed<Name> {
        if is_function_name(self.kind()) { Ok(self.take_name()) } else { Err(self.no_viable()) }
    }
}

/// Whether a token may be the name of a user-defined type.
fn is_type_name(kind: Kind) -> bool {
    match kind {
        Kind::Identifier | Kind::QuotedName | Kind::Keyword(Keyword::Key) => true,
        Kind::Keyword(keyword) => keyword.class() == KeywordClass::Basic,
        _ => false,
    }
}
