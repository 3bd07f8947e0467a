//! Names of keyspaces, tables, columns, functions, roles.

use std::fmt;

/// An identifier: folded to lower case if it was written without quotes, exact (with `""` undone) if it was written with them.
///
/// Displays as its bare text; `print::maybe_quote` gives the form CQL reads back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// The identifier's text. Empty only for the legacy column name `""`.
    pub text: String,
}

impl Name {
    /// A name with exactly this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The name of a table, index, view, type: with or without its keyspace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QualifiedName {
    /// The keyspace, if the statement names it.
    pub keyspace: Option<Name>,
    /// The object itself.
    pub name: Name,
}

/// The name of a function or aggregate: with or without its keyspace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FunctionName {
    /// The keyspace, if the statement names it.
    pub keyspace: Option<Name>,
    /// The function itself.
    pub name: Name,
}
