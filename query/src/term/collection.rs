//! Literals of collections, vectors, tuples and user-defined types.

use helenus_cql::ast::{Name, Term as RawTerm};
use helenus_model::types::CqlType;
use helenus_model::value::Comparator;

use super::assign::{tuple_components, value_name};
use super::text::qualified_term_text;
use super::{Preparer, Term};
use crate::error::QueryError;
use crate::spec::ColumnSpec;

impl Preparer<'_> {
    /// `[a, b]`
    pub(super) fn list_literal(&mut self, elements: &[RawTerm], receiver: &ColumnSpec) -> Result<Term, QueryError> {
        match &receiver.ty {
            CqlType::List { element, .. } => {
                let spec = receiver.inner(value_name(receiver), (**element).clone());
                Ok(Term::List(self.collection_elements("list", elements, &spec, receiver)?))
            }
            CqlType::Vector { element, dimension } => self.vector_literal(elements, element, *dimension, receiver),
            other => Err(super::prepare::not_a_list(other)),
        }
    }

    fn vector_literal(
        &mut self,
        elements: &[RawTerm],
        element: &CqlType,
        dimension: u32,
        receiver: &ColumnSpec,
    ) -> Result<Term, QueryError> {
        if elements.len() != dimension as usize {
            return Err(QueryError::invalid(format!(
                "Invalid vector literal for {} of type {}; expected {dimension} elements, but given {}",
                receiver.name,
                receiver.ty,
                elements.len()
            )));
        }
        let spec = receiver.inner(value_name(receiver), element.clone());
        for part in elements {
            if !self.assignability(part, &spec)?.is_assignable() {
                return Err(wrong_part("vector", "value", part, receiver, &spec));
            }
        }
        let elements = elements.iter().map(|part| self.term(part, &spec)).collect::<Result<Vec<_>, _>>()?;
        let (element_length, empty_is_null) = (element.value_length_if_fixed(), element.is_empty_value_meaningless());
        Ok(Term::Vector { elements, element_length, empty_is_null })
    }

    /// `{a, b}`, and `{}` for an empty map.
    pub(super) fn set_literal(&mut self, elements: &[RawTerm], receiver: &ColumnSpec) -> Result<Term, QueryError> {
        match &receiver.ty {
            CqlType::Map { key, .. } if elements.is_empty() => {
                Ok(Term::Map { entries: Vec::new(), order: Comparator::for_type(key) })
            }
            CqlType::Set { element, .. } => {
                let spec = receiver.inner(value_name(receiver), (**element).clone());
                let elements = self.collection_elements("set", elements, &spec, receiver)?;
                Ok(Term::Set { elements, order: Comparator::for_type(element) })
            }
            _ => Err(wrong_literal("set", receiver)),
        }
    }

    fn collection_elements(
        &mut self,
        kind: &str,
        elements: &[RawTerm],
        spec: &ColumnSpec,
        receiver: &ColumnSpec,
    ) -> Result<Vec<Term>, QueryError> {
        for element in elements {
            if !self.assignability(element, spec)?.is_assignable() {
                return Err(wrong_part(kind, "value", element, receiver, spec));
            }
        }
        let mut terms = Vec::with_capacity(elements.len());
        for element in elements {
            refuse_markers(kind, element, receiver)?;
            terms.push(self.term(element, spec)?);
        }
        Ok(terms)
    }

    /// `{a: b}`
    pub(super) fn map_literal(
        &mut self,
        entries: &[(RawTerm, RawTerm)],
        receiver: &ColumnSpec,
    ) -> Result<Term, QueryError> {
        let CqlType::Map { key, value, .. } = &receiver.ty else { return Err(wrong_literal("map", receiver)) };
        let key_spec = receiver.inner(format!("key({})", receiver.name), (**key).clone());
        let value_spec = receiver.inner(value_name(receiver), (**value).clone());
        for (key, value) in entries {
            if !self.assignability(key, &key_spec)?.is_assignable() {
                return Err(wrong_part("map", "key", key, receiver, &key_spec));
            }
            if !self.assignability(value, &value_spec)?.is_assignable() {
                return Err(wrong_part("map", "value", value, receiver, &value_spec));
            }
        }
        let mut terms = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            refuse_markers("map", key, receiver)?;
            refuse_markers("map", value, receiver)?;
            terms.push((self.term(key, &key_spec)?, self.term(value, &value_spec)?));
        }
        Ok(Term::Map { entries: terms, order: Comparator::for_type(key) })
    }

    /// `(a, b)`
    pub(super) fn tuple_literal(&mut self, elements: &[RawTerm], receiver: &ColumnSpec) -> Result<Term, QueryError> {
        let Some(components) = tuple_components(&receiver.ty) else {
            return Err(wrong_literal("tuple type", receiver));
        };
        let specs: Vec<ColumnSpec> = components
            .iter()
            .enumerate()
            .map(|(place, ty)| receiver.inner(format!("{}[{place}]", receiver.name), ty.clone()))
            .collect();
        for (place, (element, spec)) in elements.iter().zip(&specs).enumerate() {
            if !self.assignability(element, spec)?.is_assignable() {
                return Err(QueryError::invalid(format!(
                    "Invalid tuple literal for {}: component {place} is not of type {}",
                    receiver.name, spec.ty
                )));
            }
        }
        if elements.len() > components.len() {
            return Err(QueryError::invalid(format!(
                "Invalid tuple literal for {}: too many elements. Type {} expects {} but got {}",
                receiver.name,
                receiver.ty,
                components.len(),
                elements.len()
            )));
        }
        let terms =
            elements.iter().zip(&specs).map(|(element, spec)| self.term(element, spec)).collect::<Result<_, _>>()?;
        Ok(Term::Tuple(terms))
    }

    /// `{field: value}`
    pub(super) fn user_type_literal(
        &mut self,
        entries: &[(Name, RawTerm)],
        receiver: &ColumnSpec,
    ) -> Result<Term, QueryError> {
        let CqlType::Udt { definition, frozen } = &receiver.ty else {
            return Err(wrong_literal("user type", receiver));
        };
        // Of values for one field the last counts.
        let named = |field: &str| entries.iter().rev().find(|(name, _)| name.text == field);
        let mut found = 0;
        let mut specs = Vec::with_capacity(definition.fields.len());
        for (field, ty) in &definition.fields {
            let spec = receiver.inner(format!("{}.{field}", receiver.name), ty.clone());
            if let Some((_, value)) = named(field) {
                found += 1;
                if !self.assignability(value, &spec)?.is_assignable() {
                    return Err(QueryError::invalid(format!(
                        "Invalid user type literal for {}: field {field} is not of type {ty}",
                        receiver.name
                    )));
                }
            }
            specs.push(spec);
        }
        if found != entries.len() {
            let unknown =
                entries.iter().find(|(name, _)| !definition.fields.iter().any(|(field, _)| *field == name.text));
            if let Some((name, _)) = unknown {
                return Err(QueryError::invalid(format!(
                    "Unknown field '{name}' in value of user defined type {}",
                    definition.name
                )));
            }
        }
        let mut fields = Vec::with_capacity(specs.len());
        for ((field, _), spec) in definition.fields.iter().zip(&specs) {
            fields.push(match named(field) {
                Some((_, value)) => self.term(value, spec)?,
                None => Term::Null,
            });
        }
        Ok(Term::UserType { definition: definition.clone(), frozen: *frozen, fields })
    }
}

fn wrong_literal(kind: &str, receiver: &ColumnSpec) -> QueryError {
    QueryError::invalid(format!("Invalid {kind} literal for {} of type {}", receiver.name, receiver.ty))
}

fn wrong_part(kind: &str, part: &str, term: &RawTerm, receiver: &ColumnSpec, spec: &ColumnSpec) -> QueryError {
    QueryError::invalid(format!(
        "Invalid {kind} literal for {}: {part} {} is not of type {}",
        receiver.name,
        qualified_term_text(term, &receiver.keyspace),
        spec.ty
    ))
}

/// Lists, sets and maps take no markers inside, as in Cassandra.
fn refuse_markers(kind: &str, term: &RawTerm, receiver: &ColumnSpec) -> Result<(), QueryError> {
    if !contains_marker(term) {
        return Ok(());
    }
    Err(QueryError::invalid(format!(
        "Invalid {kind} literal for {}: bind variables are not supported inside collection literals",
        receiver.name
    )))
}

fn contains_marker(term: &RawTerm) -> bool {
    match term {
        RawTerm::Literal(_) | RawTerm::Null => false,
        RawTerm::Marker(_) => true,
        RawTerm::List(parts) | RawTerm::Set(parts) | RawTerm::Tuple(parts) => parts.iter().any(contains_marker),
        RawTerm::Map(entries) => entries.iter().any(|(key, value)| contains_marker(key) || contains_marker(value)),
        RawTerm::UserType(fields) => fields.iter().any(|(_, value)| contains_marker(value)),
        RawTerm::Function { arguments, .. } => arguments.iter().any(contains_marker),
        RawTerm::TypeHint { term, .. } | RawTerm::Cast { term, .. } | RawTerm::Negation(term) => contains_marker(term),
        RawTerm::Arithmetic { left, right, .. } => contains_marker(left) || contains_marker(right),
    }
}
