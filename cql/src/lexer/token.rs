//! The tokens of CQL.

use super::Keyword;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name without quotes that is no keyword.
    Identifier,
    /// A name in double quotes.
    QuotedName,
    /// `""`
    EmptyQuotedName,
    /// `'…'`
    String,
    /// `$$…$$`
    DollarString,
    /// Digits, with an optional minus sign.
    Integer,
    /// A number with a point or an exponent.
    Float,
    /// `true`, `false`
    Boolean,
    /// A duration in any of its notations.
    Duration,
    /// A UUID.
    Uuid,
    /// `0x…`
    Hex,
    /// `-nan`
    NegativeNan,
    /// `-infinity`
    NegativeInfinity,
    /// A keyword.
    Keyword(Keyword),
    /// `?`
    Question,
    /// `..`
    Range,
    /// `expr(`, lower case and in one piece: a token of its own.
    ExpressionOpen,
    /// `(`
    ParenthesisOpen,
    /// `)`
    ParenthesisClose,
    /// `[`
    BracketOpen,
    /// `]`
    BracketClose,
    /// `{`
    BraceOpen,
    /// `}`
    BraceClose,
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// `:`
    Colon,
    /// `.`
    Dot,
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Star,
    /// `/`
    Slash,
    /// `%`
    Percent,
    /// `+=`
    PlusEqual,
    /// `-=`
    MinusEqual,
    /// Blanks or a comment; the parser never sees it.
    Hidden,
    /// Characters that are no token. Nothing follows it.
    Invalid,
    /// The end of the text. Nothing follows it.
    End,
}

impl Kind {
    /// The token's name in error messages.
    pub(crate) fn token_name(self) -> &'static str {
        match self {
            Kind::Identifier => "IDENT",
            Kind::QuotedName => "QUOTED_NAME",
            Kind::EmptyQuotedName => "EMPTY_QUOTED_NAME",
            Kind::String | Kind::DollarString => "STRING_LITERAL",
            Kind::Integer => "INTEGER",
            Kind::Float => "FLOAT",
            Kind::Boolean => "BOOLEAN",
            Kind::Duration => "DURATION",
            Kind::Uuid => "UUID",
            Kind::Hex => "HEXNUMBER",
            Kind::NegativeNan => "K_NEGATIVE_NAN",
            Kind::NegativeInfinity => "K_NEGATIVE_INFINITY",
            Kind::Keyword(keyword) => keyword.token_name(),
            Kind::Question => "QMARK",
            Kind::Range => "RANGE",
            Kind::ExpressionOpen => "'expr('",
            Kind::ParenthesisOpen => "'('",
            Kind::ParenthesisClose => "')'",
            Kind::BracketOpen => "'['",
            Kind::BracketClose => "']'",
            Kind::BraceOpen => "'{'",
            Kind::BraceClose => "'}'",
            Kind::Comma => "','",
            Kind::Semicolon => "';'",
            Kind::Colon => "':'",
            Kind::Dot => "'.'",
            Kind::Equal => "'='",
            Kind::NotEqual => "'!='",
            Kind::Less => "'<'",
            Kind::LessOrEqual => "'<='",
            Kind::Greater => "'>'",
            Kind::GreaterOrEqual => "'>='",
            Kind::Plus => "'+'",
            Kind::Minus => "'-'",
            Kind::Star => "'\\*'",
            Kind::Slash => "'/'",
            Kind::Percent => "'%'",
            Kind::PlusEqual => "'+='",
            Kind::MinusEqual => "'-='",
            Kind::Hidden => "WS",
            Kind::Invalid => "<invalid>",
            Kind::End => "EOF",
        }
    }
}

/// A token: what it is and where it stands. Offsets are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its first byte.
    pub(crate) start: u32,
    /// The byte after its last.
    pub(crate) end: u32,
}
