//! Tuples and collections that are selected: values made of their parts, as `[k, null]` and `(k, v)`.

use helenus_cql::ast;
use helenus_model::types::CqlType;
use helenus_model::value::Comparator;

use super::name::result_name;
use super::selection::{Builder, Typed};
use super::selector::Selector;
use crate::error::QueryError;
use crate::term::{Term, check_size};

fn invalid<T>(message: impl Into<String>) -> Result<T, QueryError> {
    Err(QueryError::invalid(message))
}

impl Builder<'_, '_> {
    /// The type a selector has whatever place it stands at: literals have none, nor have maps, which could be user-defined types.
    pub(super) fn known_type(&self, raw: &ast::Selector) -> Option<CqlType> {
        let first = |parts: &[ast::Selector]| parts.iter().find_map(|part| self.known_type(part));
        match raw {
            ast::Selector::Literal(_) | ast::Selector::Null | ast::Selector::Marker(_) | ast::Selector::Map(_) => None,
            ast::Selector::Tuple(parts) if parts.len() == 1 => None,
            ast::Selector::Tuple(parts) => {
                Some(CqlType::tuple(parts.iter().map(|part| self.known_type(part)).collect::<Option<Vec<_>>>()?))
            }
            ast::Selector::List(parts) => Some(CqlType::list(first(parts)?, true)),
            ast::Selector::Set(parts) => Some(CqlType::set(first(parts)?, true)),
            other => self.type_of(other),
        }
    }

    /// True for a tuple or a collection of selectors that do not say what type it is of.
    pub(super) fn is_untyped(&self, raw: &ast::Selector) -> bool {
        let is_whole = matches!(
            raw,
            ast::Selector::Tuple(_) | ast::Selector::List(_) | ast::Selector::Set(_) | ast::Selector::Map(_)
        );
        is_whole && self.known_type(raw).is_none()
    }

    /// Tuples, lists, sets and maps of selectors.
    pub(super) fn parts(&mut self, raw: &ast::Selector, wanted: Option<&CqlType>) -> Typed {
        if let (ast::Selector::Tuple(parts), false) = (raw, matches!(wanted, Some(CqlType::Tuple(_))))
            && let [only] = parts.as_slice()
        {
            return self.selector(only, wanted);
        }
        let Some(ty) = wanted.cloned().or_else(|| self.known_type(raw)) else {
            return self.no_type(raw);
        };
        // What is made of the parts: `(k, k, …)` is of a type that nobody has written.
        check_size(&ty)?;
        check_durations(raw, &ty)?;
        let each = |builder: &mut Self, parts: &[ast::Selector], ty: &CqlType| {
            let parts = parts.iter().map(|part| Ok(builder.selector(part, Some(ty))?.0));
            parts.collect::<Result<Vec<_>, QueryError>>()
        };
        let selector = match (raw, &ty) {
            (ast::Selector::Tuple(parts), CqlType::Tuple(types)) if parts.len() <= types.len() => {
                let parts = parts.iter().zip(types.iter()).map(|(part, ty)| Ok(self.selector(part, Some(ty))?.0));
                Selector::Tuple(parts.collect::<Result<_, QueryError>>()?)
            }
            (ast::Selector::List(parts), CqlType::List { element, .. }) => Selector::List(each(self, parts, element)?),
            (ast::Selector::List(parts), CqlType::Vector { element, dimension })
                if parts.len() == *dimension as usize =>
            {
                Selector::Vector {
                    parts: each(self, parts, element)?,
                    element_length: element.value_length_if_fixed(),
                    empty_is_null: element.is_empty_value_meaningless(),
                }
            }
            (ast::Selector::Set(parts), CqlType::Set { element, .. }) => {
                Selector::Set(each(self, parts, element)?, Comparator::for_type(element))
            }
            (ast::Selector::Map(entries), CqlType::Map { key, value, .. }) => {
                let entries =
                    entries.iter().map(|(k, v)| Ok((self.selector(k, Some(key))?.0, self.selector(v, Some(value))?.0)));
                Selector::Map(entries.collect::<Result<_, QueryError>>()?, Comparator::for_type(key))
            }
            (ast::Selector::Map(entries), CqlType::Udt { definition, .. }) => {
                let unknown = entries.iter().find_map(|(key, _)| match key {
                    ast::Selector::Column(name) => {
                        (!definition.fields.iter().any(|(field, _)| *field == name.text)).then_some(&name.text)
                    }
                    _ => None,
                });
                if let Some(unknown) = unknown {
                    let name = &definition.name;
                    return invalid(format!("Unknown field '{unknown}' in value of user defined type {name}"));
                }
                let mut fields = Vec::with_capacity(definition.fields.len());
                for (field, ty) in &definition.fields {
                    let named = |key: &ast::Selector| matches!(key, ast::Selector::Column(name) if name.text == *field);
                    fields.push(match entries.iter().rev().find(|(key, _)| named(key)) {
                        Some((_, value)) => self.selector(value, Some(ty))?.0,
                        None => self.constant(Term::Null),
                    });
                }
                Selector::Tuple(fields)
            }
            _ => return invalid(format!("Cannot assign value {} to type {ty}", result_name(raw))),
        };
        Ok((selector, ty))
    }
}

/// True for a list, a set, a map or a tuple with a null or a bind marker in it.
pub(super) fn holds_no_value(raw: &ast::Selector) -> bool {
    let is_none =
        |raw: &ast::Selector| matches!(raw, ast::Selector::Null | ast::Selector::Marker(_)) || holds_no_value(raw);
    match raw {
        ast::Selector::List(parts) | ast::Selector::Set(parts) | ast::Selector::Tuple(parts) => {
            parts.iter().any(is_none)
        }
        ast::Selector::Map(entries) => entries.iter().any(|(key, value)| is_none(key) || is_none(value)),
        _ => false,
    }
}

/// Durations have no order: a literal of a set may not hold them.
pub(super) fn check_durations(raw: &ast::Selector, ty: &CqlType) -> Result<(), QueryError> {
    match (raw, ty) {
        (ast::Selector::Set(_), CqlType::Set { element, .. }) if **element == CqlType::Duration => {
            invalid(format!("Durations are not allowed inside sets: {}", ty.freeze()))
        }
        _ => Ok(()),
    }
}
