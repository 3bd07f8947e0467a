//! Values of statements: checked against the type of their place when the statement is prepared, evaluated with the bound values
//! when it is executed. What needs no bound value and no function is worked out at once.

mod assign;
mod collection;
mod evaluate;
mod literal;
mod meanings;
mod nulls;
mod prepare;
mod text;
mod type_name;

use std::borrow::Cow;
use std::sync::Arc;

use helenus_model::types::{CqlType, UdtDefinition};
use helenus_model::value::Comparator;

use crate::function::ScalarFunction;

pub use assign::Assignability;
pub(crate) use assign::type_assignability;
pub(crate) use evaluate::{validate_bound, vector_element};
pub(crate) use nulls::{NullableElements, has_empty_null, without_nulls};
pub use prepare::{Collected, Preparer};
pub use text::term_text;
pub(crate) use text::{MARKER_TEXT, function_text};
pub(crate) use type_name::native_type;
pub use type_name::resolve_type;
pub(crate) use type_name::{check_size, qualified_type_text, type_text, written_type_text};

/// A checked value.
#[derive(Clone, Debug)]
pub enum Term {
    /// NULL
    Null,
    /// A value known since the statement was prepared.
    Constant(Box<[u8]>),
    /// A bind marker.
    Marker {
        /// Its number.
        index: u16,
        /// The type its value must have.
        ty: CqlType,
    },
    /// A list with parts to be evaluated.
    List(Vec<Term>),
    /// A set.
    Set {
        /// Its elements.
        elements: Vec<Term>,
        /// Their order.
        order: Comparator,
    },
    /// A map.
    Map {
        /// Its entries.
        entries: Vec<(Term, Term)>,
        /// Order of the keys.
        order: Comparator,
    },
    /// A vector.
    Vector {
        /// Its elements.
        elements: Vec<Term>,
        /// Length of an element when it is fixed.
        element_length: Option<usize>,
        /// An empty element is null.
        empty_is_null: bool,
    },
    /// A tuple.
    Tuple(Vec<Term>),
    /// A value of a user-defined type: a term for each field.
    UserType {
        /// The type.
        definition: Arc<UdtDefinition>,
        /// Stored as one value: unset fields are refused then.
        frozen: bool,
        /// The fields, null where the literal has none.
        fields: Vec<Term>,
    },
    /// A function call.
    Function {
        /// The function.
        function: Arc<ScalarFunction>,
        /// Its arguments.
        arguments: Vec<Term>,
    },
}

/// An evaluated value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'v> {
    /// Null.
    Null,
    /// Not set.
    Unset,
    /// Its bytes.
    Bytes(Cow<'v, [u8]>),
}

impl Value<'_> {
    /// The bytes; None for null and unset.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl Term {
    /// A value known now.
    pub fn constant(bytes: impl Into<Box<[u8]>>) -> Term {
        Term::Constant(bytes.into())
    }

    /// True when the value is the same at every execution.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Term::Null | Term::Constant(_))
    }
}
