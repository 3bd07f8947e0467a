//! Evaluating a [`Term`] with the bound values.

use std::borrow::Cow;

use helenus_model::types::CqlType;
use helenus_model::value::{
    Comparator, EMPTY_IN_VECTOR, TupleBuilder, VectorBuilder, canonical_collection, elements, encode_list,
    encode_map_sorted, encode_set_sorted, entries, validate, vector_elements,
};

use super::{Term, Value, has_empty_null};
use crate::error::QueryError;
use crate::function::ScalarFunction;
use crate::parts::PartBytes;
use crate::values::{BoundValue, BoundValues, ExecuteOptions};

const NULL_IN_COLLECTION: &str = "null is not supported inside collections";

impl Term {
    /// The value. Bound values are checked against their type here.
    ///
    /// # Errors
    /// Bound bytes that are no value of the type, null and unset where they may not be, functions that fail.
    #[inline]
    pub fn evaluate<'v>(
        &'v self,
        values: &'v dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<Value<'v>, QueryError> {
        match self {
            Term::Null => Ok(Value::Null),
            Term::Constant(bytes) => Ok(Value::Bytes(Cow::Borrowed(bytes))),
            Term::Marker { index, ty } => match values.get(usize::from(*index)) {
                BoundValue::Null => Ok(Value::Null),
                BoundValue::Unset => Ok(Value::Unset),
                BoundValue::Bytes(bytes) => {
                    validate(ty, bytes).map_err(|error| QueryError::invalid(error.message()))?;
                    check_count(ty, bytes)?;
                    Ok(Value::Bytes(canonical_collection(ty, bytes)))
                }
            },
            composed => composed.evaluate_composed(values, options),
        }
    }

    /// Values made of parts, and calls.
    fn evaluate_composed<'v>(
        &'v self,
        values: &'v dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<Value<'v>, QueryError> {
        match self {
            Term::Null | Term::Constant(_) | Term::Marker { .. } => self.evaluate(values, options),
            Term::List(elements) => {
                let Some(parts) = evaluate_parts(elements, values, options)? else { return Ok(Value::Unset) };
                Ok(owned(encode_list(parts.iter().map(AsRef::as_ref))))
            }
            Term::Set { elements, order } => {
                let Some(parts) = evaluate_parts(elements, values, options)? else { return Ok(Value::Unset) };
                Ok(owned(encode_set_sorted(parts.iter().map(AsRef::as_ref), order)))
            }
            Term::Map { entries, order } => evaluate_map(entries, order, values, options),
            Term::Vector { elements, element_length, empty_is_null } => {
                let (mut builder, mut total) = (VectorBuilder::new(*element_length), PartBytes::default());
                for element in elements {
                    match element.evaluate(values, options)? {
                        Value::Bytes(bytes) if !(*empty_is_null && bytes.is_empty()) => {
                            total.add(Some(&bytes))?;
                            builder.push(&vector_element(bytes, *element_length)?);
                        }
                        _ => return Err(QueryError::invalid(EMPTY_IN_VECTOR)),
                    }
                }
                Ok(owned(builder.finish()))
            }
            Term::Tuple(elements) => evaluate_components(elements, values, options, &|place| {
                Some(format!("Invalid unset value for tuple field number {place}"))
            }),
            Term::UserType { definition, frozen, fields } => evaluate_components(fields, values, options, &|place| {
                let name = definition.fields.get(place).map_or("", |(name, _)| name);
                let type_name = &definition.name;
                frozen.then(|| format!("Invalid unset value for field '{name}' of user defined type {type_name}"))
            }),
            Term::Function { function, arguments } => evaluate_call(function, arguments, values, options),
        }
    }

    /// The value, for a place where unset may not stand.
    ///
    /// # Errors
    /// As [`Term::evaluate`]; `unset` gives the message for unset.
    pub fn evaluate_set<'v>(
        &'v self,
        values: &'v dyn BoundValues,
        options: &ExecuteOptions<'_>,
        unset: impl FnOnce() -> String,
    ) -> Result<Option<Cow<'v, [u8]>>, QueryError> {
        match self.evaluate(values, options)? {
            Value::Unset => Err(QueryError::invalid(unset())),
            Value::Null => Ok(None),
            Value::Bytes(bytes) => Ok(Some(bytes)),
        }
    }
}

/// A count below zero is well formed for Cassandra's validation, and refused when the collection is taken apart. So are nulls in lists.
#[inline]
fn check_count(ty: &CqlType, bytes: &[u8]) -> Result<(), QueryError> {
    if !matches!(ty, CqlType::List { .. } | CqlType::Set { .. } | CqlType::Map { .. }) {
        return Ok(());
    }
    check_counts(ty, bytes)?;
    match has_empty_null(ty, bytes) {
        true => Err(QueryError::invalid("Null value read when not allowed")),
        false => Ok(()),
    }
}

/// Checks that bytes are a value of the type as Cassandra takes it apart: see [`check_counts`].
///
/// # Errors
/// The first fault, in Cassandra's words.
pub(crate) fn validate_bound(ty: &CqlType, bytes: &[u8]) -> Result<(), QueryError> {
    validate(ty, bytes).map_err(|error| QueryError::invalid(error.message()))?;
    check_counts(ty, bytes)
}

/// The count of a collection and those of collections and vectors inside it. What is inside of tuples is not taken apart.
fn check_counts(ty: &CqlType, bytes: &[u8]) -> Result<(), QueryError> {
    let is_negative = bytes.first().is_some_and(|first| *first >= 0x80);
    let refused = |kind: &str| Err(QueryError::invalid(format!("The data cannot be deserialized as a {kind}")));
    let counts = |ty: &CqlType| {
        matches!(ty, CqlType::List { .. } | CqlType::Set { .. } | CqlType::Map { .. } | CqlType::Vector { .. })
    };
    match ty {
        CqlType::List { .. } if is_negative => refused("list"),
        CqlType::Set { .. } if is_negative => refused("set"),
        CqlType::Map { .. } if is_negative => refused("map"),
        CqlType::List { element, .. } | CqlType::Set { element, .. } if counts(element) => {
            elements(bytes).try_for_each(|part| check_counts(element, part))
        }
        CqlType::Map { key, value, .. } if counts(key) || counts(value) => {
            entries(bytes).try_for_each(|(k, v)| check_counts(key, k).and_then(|()| check_counts(value, v)))
        }
        CqlType::Vector { element, .. } if counts(element) => {
            let mut parts = vector_elements(bytes, element.value_length_if_fixed());
            parts.try_for_each(|part| check_counts(element, part))
        }
        _ => Ok(()),
    }
}

fn owned(bytes: Vec<u8>) -> Value<'static> {
    Value::Bytes(Cow::Owned(bytes))
}

/// A vector's element of fixed length must have that length: an empty value cannot stand in it.
pub(crate) fn vector_element<'v>(bytes: Cow<'v, [u8]>, length: Option<usize>) -> Result<Cow<'v, [u8]>, QueryError> {
    match length {
        Some(_) if bytes.is_empty() => Err(QueryError::invalid(EMPTY_IN_VECTOR)),
        Some(length) if bytes.len() != length => {
            Err(QueryError::invalid(format!("Expected {length} bytes for a vector element ({})", bytes.len())))
        }
        _ => Ok(bytes),
    }
}

fn evaluate_map<'v>(
    entries: &[(Term, Term)],
    order: &Comparator,
    values: &dyn BoundValues,
    options: &ExecuteOptions<'_>,
) -> Result<Value<'v>, QueryError> {
    let (mut parts, mut bytes) = (Vec::with_capacity(entries.len()), PartBytes::default());
    for (key, value) in entries {
        match (key.evaluate(values, options)?, value.evaluate(values, options)?) {
            (Value::Null, _) | (_, Value::Null) => return Err(QueryError::invalid(NULL_IN_COLLECTION)),
            (Value::Unset, _) | (_, Value::Unset) => return Ok(Value::Unset),
            (Value::Bytes(key), Value::Bytes(value)) => {
                bytes.add(Some(&key))?;
                bytes.add(Some(&value))?;
                parts.push((key, value));
            }
        }
    }
    Ok(owned(encode_map_sorted(parts.iter().map(|(key, value)| (&**key, &**value)), order)))
}

/// A tuple or user-defined type. `unset` gives the message for an unset component, None where it may be unset.
fn evaluate_components<'v>(
    components: &[Term],
    values: &dyn BoundValues,
    options: &ExecuteOptions<'_>,
    unset: &dyn Fn(usize) -> Option<String>,
) -> Result<Value<'v>, QueryError> {
    let (mut builder, mut bytes) = (TupleBuilder::default(), PartBytes::default());
    for (place, component) in components.iter().enumerate() {
        let value = component.evaluate(values, options)?;
        if value == Value::Unset
            && let Some(message) = unset(place)
        {
            return Err(QueryError::invalid(message));
        }
        bytes.add(value.bytes())?;
        // As Cassandra: what is unset is empty where it may be unset.
        builder.push(if value == Value::Unset { Some(&[]) } else { value.bytes() });
    }
    Ok(owned(builder.finish()))
}

fn evaluate_call<'v>(
    function: &ScalarFunction,
    arguments: &[Term],
    values: &dyn BoundValues,
    options: &ExecuteOptions<'_>,
) -> Result<Value<'v>, QueryError> {
    let (mut evaluated, mut bytes) = (Vec::with_capacity(arguments.len()), PartBytes::default());
    for argument in arguments {
        let unset = || format!("Invalid unset value for argument in call to function {}", function.name);
        let value = argument.evaluate_set(values, options, unset)?;
        bytes.add(value.as_deref())?;
        evaluated.push(value);
    }
    let evaluated: Vec<Option<&[u8]>> = evaluated.iter().map(Option::as_deref).collect();
    Ok(function.execute(&evaluated, options)?.map_or(Value::Null, owned))
}

/// All parts, or None if one is unset.
fn evaluate_parts<'v>(
    parts: &'v [Term],
    values: &'v dyn BoundValues,
    options: &ExecuteOptions<'_>,
) -> Result<Option<Vec<Cow<'v, [u8]>>>, QueryError> {
    let (mut out, mut total) = (Vec::with_capacity(parts.len()), PartBytes::default());
    for part in parts {
        match part.evaluate(values, options)? {
            Value::Null => return Err(QueryError::invalid(NULL_IN_COLLECTION)),
            Value::Unset => return Ok(None),
            Value::Bytes(bytes) => {
                total.add(Some(&bytes))?;
                out.push(bytes);
            }
        }
    }
    Ok(Some(out))
}
