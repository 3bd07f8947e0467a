//! Evaluating a [`Term`] with the bound values.

use std::borrow::Cow;

use helenus_model::value::{
    CollectionBuilder, TupleBuilder, VectorBuilder, encode_map_sorted, encode_set_sorted, validate,
};

use super::{Term, Value};
use crate::error::QueryError;
use crate::values::{BoundValue, BoundValues, ExecuteOptions};

const NULL_IN_COLLECTION: &str = "null is not supported inside collections";

impl Term {
    /// The value. Bound values are checked against their type here.
    ///
    /// # Errors
    /// Bound bytes that are no value of the type, null and unset where they may not be, functions that fail.
    pub fn evaluate<'v>(
        &'v self,
        values: &'v dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<Value<'v>, QueryError> {
        Ok(match self {
            Term::Null => Value::Null,
            Term::Constant(bytes) => Value::Bytes(Cow::Borrowed(bytes)),
            Term::Marker { index, ty } => match values.get(usize::from(*index)) {
                BoundValue::Null => Value::Null,
                BoundValue::Unset => Value::Unset,
                BoundValue::Bytes(bytes) => {
                    validate(ty, bytes).map_err(|error| QueryError::invalid(error.message()))?;
                    Value::Bytes(Cow::Borrowed(bytes))
                }
            },
            Term::List(elements) => {
                let mut builder = CollectionBuilder::default();
                for element in elements {
                    match element.evaluate(values, options)? {
                        Value::Null => return Err(QueryError::invalid(NULL_IN_COLLECTION)),
                        Value::Unset => return Ok(Value::Unset),
                        Value::Bytes(bytes) => builder.push(&bytes),
                    }
                }
                owned(builder.finish())
            }
            Term::Set { elements, order } => {
                let Some(parts) = evaluate_parts(elements, values, options)? else { return Ok(Value::Unset) };
                owned(encode_set_sorted(parts.iter().map(AsRef::as_ref), order))
            }
            Term::Map { entries, order } => {
                let mut parts = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    let key = key.evaluate(values, options)?;
                    let value = value.evaluate(values, options)?;
                    match (key, value) {
                        (Value::Null, _) | (_, Value::Null) => return Err(QueryError::invalid(NULL_IN_COLLECTION)),
                        (Value::Unset, _) | (_, Value::Unset) => return Ok(Value::Unset),
                        (Value::Bytes(key), Value::Bytes(value)) => parts.push((key, value)),
                    }
                }
                owned(encode_map_sorted(parts.iter().map(|(key, value)| (&**key, &**value)), order))
            }
            Term::Vector { elements, element_length } => {
                let mut builder = VectorBuilder::new(*element_length);
                for element in elements {
                    match element.evaluate(values, options)? {
                        Value::Bytes(bytes) => builder.push(&vector_element(bytes, *element_length)?),
                        _ => return Err(QueryError::invalid("null is not supported inside vectors")),
                    }
                }
                owned(builder.finish())
            }
            Term::Tuple(elements) => {
                let mut builder = TupleBuilder::default();
                for (place, element) in elements.iter().enumerate() {
                    let value = element.evaluate(values, options)?;
                    if value == Value::Unset {
                        return Err(QueryError::invalid(format!("Invalid unset value for tuple field number {place}")));
                    }
                    builder.push(value.bytes());
                }
                owned(builder.finish())
            }
            Term::UserType { definition, frozen, fields } => {
                let mut builder = TupleBuilder::default();
                for (place, field) in fields.iter().enumerate() {
                    let value = field.evaluate(values, options)?;
                    if *frozen && value == Value::Unset {
                        let name = definition.fields.get(place).map_or("", |(name, _)| name);
                        return Err(QueryError::invalid(format!(
                            "Invalid unset value for field '{name}' of user defined type {}",
                            definition.name
                        )));
                    }
                    builder.push(value.bytes());
                }
                owned(builder.finish())
            }
            Term::Function { function, arguments } => {
                let mut evaluated = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    let value = argument.evaluate(values, options)?;
                    if value == Value::Unset {
                        return Err(QueryError::invalid(format!(
                            "Invalid unset value for argument in call to function {}",
                            function.name
                        )));
                    }
                    evaluated.push(value);
                }
                let evaluated: Vec<Option<&[u8]>> = evaluated.iter().map(Value::bytes).collect();
                match function.execute(&evaluated, options)? {
                    Some(bytes) => owned(bytes),
                    None => Value::Null,
                }
            }
        })
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

fn owned(bytes: Vec<u8>) -> Value<'static> {
    Value::Bytes(Cow::Owned(bytes))
}

/// A vector's element of fixed length must have that length: an empty value cannot stand in it.
fn vector_element<'v>(bytes: Cow<'v, [u8]>, length: Option<usize>) -> Result<Cow<'v, [u8]>, QueryError> {
    match length {
        Some(length) if bytes.len() != length => {
            Err(QueryError::invalid(format!("Expected {length} bytes for a vector element ({})", bytes.len())))
        }
        _ => Ok(bytes),
    }
}

/// All parts, or None if one is unset.
fn evaluate_parts<'v>(
    parts: &'v [Term],
    values: &'v dyn BoundValues,
    options: &ExecuteOptions<'_>,
) -> Result<Option<Vec<Cow<'v, [u8]>>>, QueryError> {
    let mut out = Vec::with_capacity(parts.len());
    for part in parts {
        match part.evaluate(values, options)? {
            Value::Null => return Err(QueryError::invalid(NULL_IN_COLLECTION)),
            Value::Unset => return Ok(None),
            Value::Bytes(bytes) => out.push(bytes),
        }
    }
    Ok(Some(out))
}
