//! The properties of `WITH a = b AND c = {…}`.

use super::{Literal, Name};

/// The value of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PropertyValue {
    /// A constant: string, number, boolean, uuid, …
    Literal(Literal),
    /// A word that is a keyword but not reserved, as it is written, such as `compact`.
    Keyword(String),
    /// `{'a': 'b', 'c': 1}`, in the order of the text, no key twice.
    Map(Vec<(Literal, Literal)>),
}

impl PropertyValue {
    /// The bare text of a simple value; `None` for a map.
    pub fn text(&self) -> Option<&str> {
        match self {
            PropertyValue::Literal(literal) => Some(&literal.text),
            PropertyValue::Keyword(word) => Some(word),
            PropertyValue::Map(_) => None,
        }
    }
}

/// `name = value`. No list of properties has a name twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// The property.
    pub name: Name,
    /// Its value.
    pub value: PropertyValue,
}
