//! Terms: the values of INSERT, SET, WHERE, IF and function arguments.

use super::{CqlTypeName, FunctionName, Name, NativeType};

/// What a literal was written as. The target type decides later what it may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LiteralKind {
    /// `'…'` or `$$…$$`
    String,
    /// Digits with an optional minus sign.
    Integer,
    /// With a point or an exponent, or `NaN`, `Infinity`, `-Infinity`.
    Float,
    /// `true` or `false`
    Boolean,
    /// `1h30m`, `-P1Y`, …
    Duration,
    /// `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`
    Uuid,
    /// `0x…`
    Hex,
}

/// A constant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Literal {
    /// How it was written.
    pub kind: LiteralKind,
    /// The text: for strings the content with its escapes undone, for everything else the characters as they stand in the statement
    /// (`NaN`, `Infinity` and `-Infinity` in exactly this case; `-NaN` becomes `NaN`).
    pub text: String,
}

/// A place for a bound value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Marker {
    /// The place among all markers of the whole statement, from 0, in the order of the text. The same name twice makes two places.
    pub index: u16,
    /// The name of `:name`; `None` for `?`.
    pub name: Option<Name>,
}

/// `+ - * / %`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArithmeticOperator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
}

impl ArithmeticOperator {
    /// The operator's character.
    pub fn symbol(self) -> &'static str {
        match self {
            ArithmeticOperator::Add => "+",
            ArithmeticOperator::Subtract => "-",
            ArithmeticOperator::Multiply => "*",
            ArithmeticOperator::Divide => "/",
            ArithmeticOperator::Modulo => "%",
        }
    }
}

/// A value as the statement writes it.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// A constant.
    Literal(Literal),
    /// `NULL`
    Null,
    /// `?` or `:name`
    Marker(Marker),
    /// `[a, b]`: a list or a vector.
    List(Vec<Term>),
    /// `{a, b}`; empty for `{}`, which may also stand for an empty map.
    Set(Vec<Term>),
    /// `{a: b}` with terms as keys, never empty.
    Map(Vec<(Term, Term)>),
    /// `{field: value}`, never empty.
    UserType(Vec<(Name, Term)>),
    /// `(a, b)`, never empty; `(a)` is a tuple of one as well, there are no grouping parentheses among terms.
    Tuple(Vec<Term>),
    /// `f(a, b)`, also with a keyspace.
    Function {
        /// Which function.
        name: FunctionName,
        /// Its arguments.
        arguments: Vec<Term>,
    },
    /// `(type) term`: a type hint.
    TypeHint {
        /// The type in the parentheses.
        type_name: CqlTypeName,
        /// The term behind them.
        term: Box<Term>,
    },
    /// `CAST(term AS type)`
    Cast {
        /// What is cast.
        term: Box<Term>,
        /// Into what.
        target: NativeType,
    },
    /// `- term`; the sign of a number literal belongs to the literal instead.
    Negation(Box<Term>),
    /// `left operator right`
    Arithmetic {
        /// Which operation.
        operator: ArithmeticOperator,
        /// Left operand.
        left: Box<Term>,
        /// Right operand.
        right: Box<Term>,
    },
}
