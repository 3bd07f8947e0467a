//! Whether a term may stand where a value of some type is wanted, and what type it has by itself.

use helenus_cql::ast::{self, Term as RawTerm};
use helenus_model::types::CqlType;

use super::{Preparer, literal, resolve_type};
use crate::error::QueryError;
use crate::function::{self, Argument};
use crate::spec::ColumnSpec;

/// The answer of [`Preparer::assignability`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assignability {
    /// It may not.
    No,
    /// It may, converted.
    Weak,
    /// It is of exactly this type.
    Exact,
}

impl Assignability {
    /// True unless `No`.
    pub fn is_assignable(self) -> bool {
        self != Assignability::No
    }

    /// The weaker of the two.
    #[must_use]
    pub fn and(self, other: Assignability) -> Assignability {
        self.min(other)
    }
}

/// Whether a value of type `from` may stand where `to` is wanted without conversion of its bytes: the same type, or one whose values
/// are all values of `to` (Cassandra's isValueCompatibleWith).
pub(crate) fn type_assignability(to: &CqlType, from: &CqlType) -> Assignability {
    if to == from {
        return Assignability::Exact;
    }
    if is_value_compatible(to, from) { Assignability::Weak } else { Assignability::No }
}

fn is_value_compatible(to: &CqlType, from: &CqlType) -> bool {
    use CqlType::{
        Ascii, Bigint, Blob, Int, List, Map, Set, Text, Timestamp, Timeuuid, Tuple, Udt, Uuid, Varint, Vector,
    };
    if to == from {
        return true;
    }
    match (to, from) {
        (Blob, from) => !matches!(from, CqlType::Counter),
        (Text, Ascii) => true,
        (Uuid, Timeuuid) => true,
        (CqlType::Date, Int) | (CqlType::Time, Bigint) => true,
        (Bigint, Timestamp) | (Timestamp, Bigint) => true,
        (Varint, Int | Bigint | Timestamp) => true,
        _ if to.is_multi_cell() != from.is_multi_cell() => false,
        (List { element: a, .. }, List { element: b, .. }) => is_value_compatible(a, b),
        (Set { element: a, .. }, Set { element: b, .. }) => is_value_compatible(a, b),
        (Map { key: ka, value: va, .. }, Map { key: kb, value: vb, .. }) => {
            is_value_compatible(ka, kb) && is_value_compatible(va, vb)
        }
        (Tuple(a), Tuple(b)) => a.len() >= b.len() && a.iter().zip(b.iter()).all(|(a, b)| is_value_compatible(a, b)),
        (Udt { definition: a, .. }, Udt { definition: b, .. }) => a.keyspace == b.keyspace && a.name == b.name,
        (Vector { element: a, dimension: m }, Vector { element: b, dimension: n }) => {
            m == n && is_value_compatible(a, b)
        }
        _ => false,
    }
}

impl Preparer<'_> {
    /// Whether the term may stand at the receiver. Parts of a literal are tried one by one up to the first that may not.
    ///
    /// # Errors
    /// There is `[…]` where neither a list nor a vector is wanted: Cassandra has no answer for that, and refuses it where it tries it,
    /// but for the parts of tuples and of user-defined types.
    pub fn assignability(&self, term: &RawTerm, receiver: &ColumnSpec) -> Result<Assignability, QueryError> {
        Ok(match term {
            RawTerm::Literal(literal) => literal::test(literal, &receiver.ty),
            RawTerm::Null if receiver.ty == CqlType::Counter => Assignability::No,
            RawTerm::Null | RawTerm::Marker(_) => Assignability::Weak,
            RawTerm::List(elements) => match &receiver.ty {
                CqlType::List { element, .. } => self.all(elements, element, receiver)?,
                CqlType::Vector { element, dimension } if elements.len() == *dimension as usize => {
                    self.all(elements, element, receiver)?
                }
                CqlType::Vector { .. } => Assignability::No,
                other => return Err(super::prepare::not_a_list(other)),
            },
            RawTerm::Set(elements) => match &receiver.ty {
                CqlType::Map { .. } if elements.is_empty() => Assignability::Weak,
                CqlType::Set { element, .. } => self.all(elements, element, receiver)?,
                _ => Assignability::No,
            },
            RawTerm::Map(entries) => match &receiver.ty {
                CqlType::Map { key, value, .. } => {
                    let key = receiver.inner(format!("key({})", receiver.name), (**key).clone());
                    let value = receiver.inner(value_name(receiver), (**value).clone());
                    let mut answer = if entries.is_empty() { Assignability::Weak } else { Assignability::Exact };
                    for (k, v) in entries {
                        answer = answer.and(self.assignability(k, &key)?).and(self.assignability(v, &value)?);
                        if answer == Assignability::No {
                            break;
                        }
                    }
                    answer
                }
                _ => Assignability::No,
            },
            RawTerm::UserType(fields) => match &receiver.ty {
                CqlType::Udt { definition, .. } => {
                    for (field, ty) in &definition.fields {
                        // Of values for one field the last counts.
                        let Some((_, value)) = fields.iter().rev().find(|(name, _)| name.text == *field) else {
                            continue;
                        };
                        let spec = receiver.inner(format!("{}.{field}", receiver.name), ty.clone());
                        if !self.fits(value, &spec) {
                            return Ok(Assignability::No);
                        }
                    }
                    Assignability::Weak
                }
                _ => Assignability::No,
            },
            RawTerm::Tuple(elements) if is_parenthesis(elements, &receiver.ty) => {
                elements.first().map_or(Ok(Assignability::No), |only| self.assignability(only, receiver))?
            }
            RawTerm::Tuple(elements) => match tuple_components(&receiver.ty) {
                Some(components) if elements.len() <= components.len() => {
                    for (place, (element, ty)) in elements.iter().zip(components).enumerate() {
                        let spec = receiver.inner(format!("{}[{place}]", receiver.name), ty);
                        if !self.fits(element, &spec) {
                            return Ok(Assignability::No);
                        }
                    }
                    Assignability::Weak
                }
                _ => Assignability::No,
            },
            RawTerm::TypeHint { type_name, .. } => match self.hint_type(type_name, receiver) {
                Ok(ty) => type_assignability(&receiver.ty, &ty),
                Err(_) => Assignability::No,
            },
            RawTerm::Function { .. } | RawTerm::Cast { .. } | RawTerm::Negation(_) | RawTerm::Arithmetic { .. } => {
                self.call_assignability(term, receiver)
            }
        })
    }

    /// Whether the term may stand at the receiver, where Cassandra takes what it cannot even try for what may not.
    fn fits(&self, term: &RawTerm, receiver: &ColumnSpec) -> bool {
        self.assignability(term, receiver).is_ok_and(Assignability::is_assignable)
    }

    /// The elements of a collection literal as elements of the type.
    fn all(&self, elements: &[RawTerm], ty: &CqlType, receiver: &ColumnSpec) -> Result<Assignability, QueryError> {
        let spec = receiver.inner(value_name(receiver), ty.clone());
        // Nothing says that an empty one is of exactly this type.
        let mut answer = if elements.is_empty() { Assignability::Weak } else { Assignability::Exact };
        for element in elements {
            answer = answer.and(self.assignability(element, &spec)?);
            if answer == Assignability::No {
                break;
            }
        }
        Ok(answer)
    }

    /// A call is tried with the receiver's type first and then with the call's own, as Cassandra does: its function is only chosen
    /// for good when it is prepared.
    fn call_assignability(&self, term: &RawTerm, receiver: &ColumnSpec) -> Assignability {
        if self.meanings.is_known_to_fail(term, &receiver.ty) {
            return Assignability::Weak;
        }
        match self.resolve_call(term, receiver) {
            // A missing or ill-typed function is reported when the call is prepared.
            Err(_) => {
                self.meanings.remember_failure(term, &receiver.ty);
                Assignability::Weak
            }
            // What such a function returns depends on its arguments or its place: that tells nothing.
            Ok(function) if function.is_made_for_call() => Assignability::Weak,
            Ok(function) => function.returns(&receiver.ty),
        }
    }

    /// The function a call means at this receiver.
    pub(super) fn resolve_call(
        &self,
        term: &RawTerm,
        receiver: &ColumnSpec,
    ) -> Result<std::sync::Arc<function::ScalarFunction>, QueryError> {
        if let Some(function) = self.meanings.find(term, Some(&receiver.ty)) {
            return Ok(function);
        }
        let (name, arguments) = call_parts(term);
        let arguments: Vec<RawArgument<'_>> = arguments
            .into_iter()
            .map(|term| RawArgument { preparer: self, term, keyspace: &receiver.keyspace })
            .collect();
        let arguments: Vec<&dyn Argument> = arguments.iter().map(|argument| argument as &dyn Argument).collect();
        let function = function::resolve(&name, &arguments, receiver, self.context())?;
        self.meanings.remember(term, Some(&receiver.ty), &function);
        Ok(function)
    }

    /// The type the term has whatever its receiver is; None when that depends on the receiver.
    pub fn exact_type(&self, term: &RawTerm, receiver: &ColumnSpec) -> Option<CqlType> {
        match term {
            RawTerm::TypeHint { type_name, .. } => self.hint_type(type_name, receiver).ok(),
            RawTerm::Literal(literal) => Some(literal::preferred_type(literal)),
            RawTerm::Set(elements) => {
                let element = self.exact_type(elements.first()?, receiver)?;
                Some(CqlType::set(element, true))
            }
            RawTerm::Map(entries) => {
                let (key, value) = entries.first()?;
                Some(CqlType::map(self.exact_type(key, receiver)?, self.exact_type(value, receiver)?, true))
            }
            RawTerm::Tuple(elements) => {
                let parts: Option<Vec<CqlType>> = elements.iter().map(|part| self.only_type(part, receiver)).collect();
                Some(CqlType::tuple(parts?))
            }
            RawTerm::Cast { target, .. } => Some(super::type_name::native_type(*target)),
            RawTerm::Function { .. } | RawTerm::Negation(_) | RawTerm::Arithmetic { .. } => {
                Some(self.resolve_call_untyped(term, receiver).ok()?.return_type.clone())
            }
            // Outside of the selection clause `[…]` may as well be a vector.
            RawTerm::List(_) | RawTerm::Null | RawTerm::Marker(_) | RawTerm::UserType(_) => None,
        }
    }

    /// The one type the term can have: constants may be of several.
    fn only_type(&self, term: &RawTerm, receiver: &ColumnSpec) -> Option<CqlType> {
        match term {
            RawTerm::Literal(_) => None,
            RawTerm::Set(elements) => {
                let element = elements.iter().find_map(|element| self.only_type(element, receiver))?;
                Some(CqlType::set(element, true))
            }
            RawTerm::Map(entries) => {
                let key = entries.iter().find_map(|(key, _)| self.only_type(key, receiver))?;
                let value = entries.iter().find_map(|(_, value)| self.only_type(value, receiver))?;
                Some(CqlType::map(key, value, true))
            }
            _ => self.exact_type(term, receiver),
        }
    }

    fn resolve_call_untyped(
        &self,
        term: &RawTerm,
        receiver: &ColumnSpec,
    ) -> Result<std::sync::Arc<function::ScalarFunction>, QueryError> {
        if let Some(function) = self.meanings.find(term, None) {
            return Ok(function);
        }
        let (name, arguments) = call_parts(term);
        let arguments: Vec<RawArgument<'_>> = arguments
            .into_iter()
            .map(|term| RawArgument { preparer: self, term, keyspace: &receiver.keyspace })
            .collect();
        let arguments: Vec<&dyn Argument> = arguments.iter().map(|argument| argument as &dyn Argument).collect();
        let function = function::resolve_for_type(&name, &arguments, receiver, None, self.context())?;
        self.meanings.remember(term, None, &function);
        Ok(function)
    }

    pub(super) fn hint_type(&self, name: &ast::CqlTypeName, receiver: &ColumnSpec) -> Result<CqlType, QueryError> {
        let keyspace = self.context().find_keyspace(&receiver.keyspace);
        resolve_type(name, &receiver.keyspace, keyspace.as_deref())
    }
}

/// A term as the argument of a function still to be found.
struct RawArgument<'a> {
    preparer: &'a Preparer<'a>,
    term: &'a RawTerm,
    /// Where user-defined types are looked for.
    keyspace: &'a str,
}

impl Argument for RawArgument<'_> {
    fn assignability(&self, spec: &ColumnSpec) -> Result<Assignability, QueryError> {
        self.preparer.assignability(self.term, spec)
    }
    fn exact_type(&self, receiver: &ColumnSpec) -> Option<CqlType> {
        self.preparer.exact_type(self.term, receiver)
    }
    fn text(&self) -> String {
        super::text::qualified_term_text(self.term, self.keyspace)
    }
    fn is_marker(&self) -> bool {
        matches!(self.term, RawTerm::Marker(_))
    }
    fn is_hint(&self) -> bool {
        matches!(self.term, RawTerm::TypeHint { .. })
    }
    fn list_length(&self) -> Option<usize> {
        // Outside of the selection clause Cassandra takes a list for nothing but a list.
        None
    }
}

/// Name and arguments of a call, a cast or an operation.
pub(super) fn call_parts(term: &RawTerm) -> (ast::FunctionName, Vec<&RawTerm>) {
    match term {
        RawTerm::Function { name, arguments } => (name.clone(), arguments.iter().collect()),
        RawTerm::Cast { term, target } => (function::native_name(format!("cast_as_{}", target.name())), vec![term]),
        RawTerm::Negation(term) => (function::native_name("_negate"), vec![term]),
        RawTerm::Arithmetic { operator, left, right } => {
            (function::native_name(function::operation_name(*operator)), vec![left, right])
        }
        // Not a call: no function has this name.
        _ => (function::native_name(""), Vec::new()),
    }
}

pub(super) fn value_name(receiver: &ColumnSpec) -> String {
    format!("value({})", receiver.name)
}

/// Parentheses around one value only group it, unless a tuple is wanted.
pub(super) fn is_parenthesis(elements: &[RawTerm], wanted: &CqlType) -> bool {
    elements.len() == 1 && !matches!(wanted, CqlType::Tuple(_) | CqlType::Udt { .. })
}

/// The components of a tuple; a user-defined type stored as one value may be written as one too.
pub(super) fn tuple_components(ty: &CqlType) -> Option<Vec<CqlType>> {
    match ty {
        CqlType::Tuple(components) => Some(components.to_vec()),
        // To Cassandra a user-defined type is a tuple with names, also where it is not frozen.
        CqlType::Udt { definition, .. } => Some(definition.fields.iter().map(|(_, ty)| ty.clone()).collect()),
        _ => None,
    }
}
