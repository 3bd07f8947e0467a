//! The methods, constructors and constants that bodies may use: tables of signatures and what they do.
//!
//! A line is `name(types) result`. Types are written as in Java; a single capital letter is a type parameter of the class, or of the method
//! itself when the class has none of that name. `name(T...)` takes any number. Overloads stand with the more special first: the first
//! that fits without boxing is taken, else the first that fits with it.

mod big;
mod boxes;
mod builder;
mod collection;
mod driver;
mod format;
mod format_number;
mod map;
mod math;
pub(crate) mod pattern;
mod text;
mod utility;

use crate::classes::Class;
use crate::code::Native;
use crate::heap::Value;
use crate::types::{Primitive, Type};

/// A method: its signature and what it does.
pub(crate) type Method = (&'static str, Native);

/// The members of a class.
#[derive(Default)]
pub(crate) struct Members {
    /// Methods of objects.
    pub(crate) methods: &'static [Method],
    /// More of them.
    pub(crate) more: &'static [Method],
    /// Static methods.
    pub(crate) statics: &'static [Method],
    /// Constructors, named `new`.
    pub(crate) constructors: &'static [Method],
    /// Constants of primitive types.
    pub(crate) constants: &'static [(&'static str, Type, Value)],
    /// Constants that are objects: called without arguments.
    pub(crate) objects: &'static [Method],
}

/// The members that a class has itself.
pub(crate) fn members(class: Class) -> Members {
    match class {
        Class::Object => Members { methods: utility::OBJECT, ..Members::default() },
        Class::Comparable => Members { methods: utility::COMPARABLE, ..Members::default() },
        Class::Number => Members { methods: boxes::NUMBER, ..Members::default() },
        Class::Boolean => boxes::boolean(),
        Class::Byte => boxes::byte(),
        Class::Short => boxes::short(),
        Class::Character => boxes::character(),
        Class::Integer => boxes::integer(),
        Class::Long => boxes::long(),
        Class::Float => boxes::float_box(),
        Class::Double => boxes::double(),
        Class::CharSequence => Members { methods: text::CHAR_SEQUENCE, ..Members::default() },
        Class::String => text::string(),
        Class::StringBuilder | Class::StringBuffer => builder::builder(),
        Class::Math => math::math(),
        Class::BigInteger => big::integer(),
        Class::BigDecimal => big::decimals(),
        Class::RoundingMode => big::rounding(),
        Class::Uuid => utility::uuid(),
        Class::Date => utility::date(),
        Class::InetAddress => utility::inet(),
        Class::ByteBuffer => utility::bytes(),
        Class::LocalDate => driver::local_date(),
        Class::Duration => driver::duration(),
        Class::UdtValue | Class::TupleValue => driver::components(class),
        Class::UdfContext => driver::context(),
        Class::Iterable => Members { methods: collection::ITERABLE, ..Members::default() },
        Class::Iterator => Members { methods: collection::ITERATOR, ..Members::default() },
        Class::Collection => Members { methods: collection::COLLECTION, ..Members::default() },
        Class::List => Members { methods: collection::LIST, ..Members::default() },
        Class::Queue | Class::Deque => Members { methods: collection::DEQUE, ..Members::default() },
        Class::ArrayList => Members { constructors: collection::NEW_ARRAY_LIST, ..Members::default() },
        Class::LinkedList | Class::ArrayDeque => {
            Members { constructors: collection::NEW_LINKED_LIST, ..Members::default() }
        }
        Class::HashSet => Members { constructors: collection::NEW_HASH_SET, ..Members::default() },
        Class::LinkedHashSet => Members { constructors: collection::NEW_LINKED_SET, ..Members::default() },
        Class::TreeSet => Members { constructors: collection::NEW_TREE_SET, ..Members::default() },
        Class::SortedSet => Members { methods: collection::SORTED_SET, ..Members::default() },
        Class::Map => Members { methods: map::MAP, ..Members::default() },
        Class::HashMap => Members { constructors: map::NEW_HASH_MAP, ..Members::default() },
        Class::LinkedHashMap => Members { constructors: map::NEW_LINKED_MAP, ..Members::default() },
        Class::TreeMap => Members { constructors: map::NEW_TREE_MAP, ..Members::default() },
        Class::SortedMap => Members { methods: map::SORTED_MAP, ..Members::default() },
        Class::Entry => Members { methods: map::ENTRY, ..Members::default() },
        Class::Arrays => Members { statics: utility::ARRAYS, ..Members::default() },
        Class::Collections => Members { statics: utility::COLLECTIONS, ..Members::default() },
        Class::Objects => Members { statics: utility::OBJECTS, ..Members::default() },
        Class::Throwable => Members { methods: utility::THROWABLE, ..Members::default() },
        // Exceptions are made by the checker: their constructors are all alike.
        _ => Members::default(),
    }
}

/// A signature taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) returns: Parameter,
    pub(crate) is_variadic: bool,
}

/// A type in a signature.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Parameter {
    Variable(char),
    Primitive(Primitive),
    Void,
    Class(Class, Vec<Parameter>),
    Array(Box<Parameter>),
}

/// Takes a signature apart. Signatures are ours: a test reads all of them.
pub(crate) fn signature(text: &'static str) -> Option<Signature> {
    let (_, rest) = text.split_once('(')?;
    let (parameters, returns) = rest.split_once(')')?;
    let is_variadic = parameters.ends_with("...");
    let parameters = parameters.strip_suffix("...").unwrap_or(parameters);
    Some(Signature {
        parameters: split(parameters).into_iter().map(parameter).collect::<Option<_>>()?,
        returns: parameter(returns.trim())?,
        is_variadic,
    })
}

/// At commas outside `<…>`.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_i32, 0, Vec::new());
    for (at, letter) in text.char_indices() {
        match letter {
            '<' => depth += 1,
            '>' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    if !text.is_empty() {
        parts.push(text.get(start..).unwrap_or_default());
    }
    parts
}

fn parameter(text: &str) -> Option<Parameter> {
    if let Some(element) = text.strip_suffix("[]") {
        return Some(Parameter::Array(Box::new(parameter(element)?)));
    }
    if let Some(primitive) = Primitive::of_name(text) {
        return Some(Parameter::Primitive(primitive));
    }
    let mut letters = text.chars();
    if let (Some(letter @ 'A'..='Z'), None) = (letters.next(), letters.next()) {
        return Some(Parameter::Variable(letter));
    }
    if text == "void" {
        return Some(Parameter::Void);
    }
    let (name, arguments) = match text.split_once('<') {
        Some((name, arguments)) => (name, split(arguments.strip_suffix('>')?)),
        None => (text, Vec::new()),
    };
    let class = match name {
        "Entry" => Class::Entry,
        "BigInteger" => Class::BigInteger,
        "BigDecimal" => Class::BigDecimal,
        "RoundingMode" => Class::RoundingMode,
        "InetAddress" => Class::InetAddress,
        name => Class::of_name(name)?,
    };
    Some(Parameter::Class(class, arguments.into_iter().map(parameter).collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signature_can_be_read() {
        for class in crate::classes::all() {
            let members = members(*class);
            for (text, _) in
                [members.methods, members.more, members.statics, members.constructors, members.objects].concat()
            {
                assert!(signature(text).is_some(), "{}: {text}", class.full_name());
            }
        }
    }
}
