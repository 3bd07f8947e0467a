//! Java's types, as far as bodies use them.

use std::fmt;

use crate::classes::Class;

/// A primitive type, in the order of widening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Primitive {
    Boolean,
    Byte,
    Short,
    Char,
    Int,
    Long,
    Float,
    Double,
}

impl Primitive {
    pub(crate) const ALL: [Primitive; 8] = [
        Primitive::Boolean,
        Primitive::Byte,
        Primitive::Short,
        Primitive::Char,
        Primitive::Int,
        Primitive::Long,
        Primitive::Float,
        Primitive::Double,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Primitive::Boolean => "boolean",
            Primitive::Byte => "byte",
            Primitive::Short => "short",
            Primitive::Char => "char",
            Primitive::Int => "int",
            Primitive::Long => "long",
            Primitive::Float => "float",
            Primitive::Double => "double",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Primitive> {
        Primitive::ALL.into_iter().find(|primitive| primitive.name() == name)
    }

    /// The class whose objects hold such a value.
    pub(crate) fn boxed(self) -> Class {
        match self {
            Primitive::Boolean => Class::Boolean,
            Primitive::Byte => Class::Byte,
            Primitive::Short => Class::Short,
            Primitive::Char => Class::Character,
            Primitive::Int => Class::Integer,
            Primitive::Long => Class::Long,
            Primitive::Float => Class::Float,
            Primitive::Double => Class::Double,
        }
    }

    pub(crate) fn is_number(self) -> bool {
        self != Primitive::Boolean
    }

    pub(crate) fn is_whole(self) -> bool {
        !matches!(self, Primitive::Boolean | Primitive::Float | Primitive::Double)
    }

    /// Whether a value may stand, widened, where `to` is wanted.
    pub(crate) fn widens_to(self, to: Primitive) -> bool {
        match (self, to) {
            (from, to) if from == to => true,
            (Primitive::Boolean, _) | (_, Primitive::Boolean) | (_, Primitive::Char) => false,
            (Primitive::Char, to) => to >= Primitive::Int,
            (from, to) => from < to,
        }
    }

    /// The type of arithmetic with one operand.
    pub(crate) fn promoted(self) -> Primitive {
        self.max(Primitive::Int)
    }
}

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Void,
    /// The type of `null`.
    Null,
    Primitive(Primitive),
    /// A class with its type arguments; none when raw or not generic.
    Class(Class, Vec<Type>),
    Array(Box<Type>),
}

impl Type {
    pub(crate) const INT: Type = Type::Primitive(Primitive::Int);
    pub(crate) const BOOLEAN: Type = Type::Primitive(Primitive::Boolean);

    pub(crate) fn of(class: Class) -> Type {
        Type::Class(class, Vec::new())
    }

    pub(crate) fn string() -> Type {
        Type::of(Class::String)
    }

    /// The primitive it is or can be unboxed to.
    pub(crate) fn unboxed(&self) -> Option<Primitive> {
        match self {
            Type::Primitive(primitive) => Some(*primitive),
            Type::Class(class, _) => class.unboxed(),
            _ => None,
        }
    }

    pub(crate) fn is_string(&self) -> bool {
        matches!(self, Type::Class(Class::String, _))
    }

    pub(crate) fn is_primitive(&self) -> bool {
        matches!(self, Type::Primitive(_))
    }

    /// Objects: everything but primitives and void.
    pub(crate) fn is_reference(&self) -> bool {
        !matches!(self, Type::Primitive(_) | Type::Void)
    }

    /// The type with primitives boxed.
    pub(crate) fn boxed(&self) -> Type {
        match self {
            Type::Primitive(primitive) => Type::of(primitive.boxed()),
            other => other.clone(),
        }
    }

    /// The class whose methods its objects have.
    pub(crate) fn class(&self) -> Option<Class> {
        match self {
            Type::Class(class, _) => Some(*class),
            _ => None,
        }
    }

    /// Whether an object of this type may stand where `to` is wanted, without conversion.
    pub(crate) fn is_subtype(&self, to: &Type) -> bool {
        match (self, to) {
            (Type::Null, to) => to.is_reference(),
            (Type::Class(_, _) | Type::Array(_), Type::Class(Class::Object, _)) => true,
            (Type::Class(from, from_arguments), Type::Class(to, to_arguments)) => {
                if !from.is_subclass(*to) {
                    return false;
                }
                // Comparable<T> of a class is not spelled out: raw is good enough for it.
                if from_arguments.is_empty() || to_arguments.is_empty() || *to == Class::Comparable {
                    return true;
                }
                from_arguments.iter().zip(to_arguments).all(|(from, to)| {
                    // `?` was read as Object, `? extends T` as T.
                    from == to || *to == Type::of(Class::Object) || from.is_subtype(to)
                })
            }
            (Type::Array(from), Type::Array(to)) => from == to || (from.is_reference() && from.is_subtype(to)),
            (from, to) => from == to,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Void => out.write_str("void"),
            Type::Null => out.write_str("null"),
            Type::Primitive(primitive) => out.write_str(primitive.name()),
            Type::Class(class, arguments) if arguments.is_empty() => out.write_str(class.simple_name()),
            Type::Class(class, arguments) => {
                let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
                write!(out, "{}<{}>", class.simple_name(), arguments.join(","))
            }
            Type::Array(element) => write!(out, "{element}[]"),
        }
    }
}
