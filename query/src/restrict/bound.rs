//! The values of relations: one for each column of a group, given one by one or as a tuple.

use std::borrow::Cow;

use helenus_model::types::CqlType;
use helenus_model::value::{canonical_collection, components, elements, validate};

use crate::error::QueryError;
use crate::term::{Term, Value};
use crate::values::{BoundValue, BoundValues, ExecuteOptions};

/// A value for each column of a group.
#[derive(Clone, Debug)]
pub enum GroupTerm {
    /// One term for each column.
    Elements(Vec<Term>),
    /// A marker for the whole tuple.
    Marker {
        /// Its number.
        index: u16,
        /// The tuple's type.
        ty: CqlType,
    },
}

/// The values of an IN.
#[derive(Clone, Debug)]
pub enum GroupIn {
    /// `IN (…)`
    List(Vec<GroupTerm>),
    /// `IN ?`
    Marker {
        /// Its number.
        index: u16,
        /// The list's type.
        ty: CqlType,
        /// True when the elements are tuples of several columns' values.
        multi: bool,
    },
}

pub(super) fn null_value(column: &str) -> QueryError {
    QueryError::invalid(format!("Invalid null value in condition for column {column}"))
}

pub(super) fn unset_value(column: &str) -> QueryError {
    QueryError::invalid(format!("Invalid unset value for column {column}"))
}

impl GroupTerm {
    /// How many columns it has values for.
    pub fn width(&self) -> usize {
        match self {
            GroupTerm::Elements(terms) => terms.len(),
            GroupTerm::Marker { ty: CqlType::Tuple(parts), .. } => parts.len(),
            GroupTerm::Marker { .. } => 1,
        }
    }

    /// The values, none null. `names` are the columns'.
    ///
    /// # Errors
    /// Null or unset values, bytes that are no value of their type.
    pub fn evaluate<'v>(
        &'v self,
        names: &[&str],
        values: &'v dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<Vec<Cow<'v, [u8]>>, QueryError> {
        self.evaluate_or(names, values, options, &null_value)
    }

    /// As [`GroupTerm::evaluate`], with other words for a null.
    pub(super) fn evaluate_or<'v>(
        &'v self,
        names: &[&str],
        values: &'v dyn BoundValues,
        options: &ExecuteOptions<'_>,
        null: &dyn Fn(&str) -> QueryError,
    ) -> Result<Vec<Cow<'v, [u8]>>, QueryError> {
        match self {
            GroupTerm::Elements(terms) => {
                let mut out = Vec::with_capacity(terms.len());
                for (place, (term, name)) in terms.iter().zip(names).enumerate() {
                    match term.evaluate(values, options)? {
                        Value::Null => return Err(null(name)),
                        Value::Unset if terms.len() > 1 => {
                            return Err(QueryError::invalid(format!(
                                "Invalid unset value for tuple field number {place}"
                            )));
                        }
                        Value::Unset => return Err(unset_value(name)),
                        Value::Bytes(bytes) => out.push(bytes),
                    }
                }
                Ok(out)
            }
            GroupTerm::Marker { index, ty } => {
                let bytes = match values.get(usize::from(*index)) {
                    BoundValue::Null => return Err(null_value(&format!("({})", names.join(", ")))),
                    BoundValue::Unset => {
                        return Err(QueryError::invalid(format!(
                            "Invalid unset value for tuple ({})",
                            names.join(",")
                        )));
                    }
                    BoundValue::Bytes(bytes) => bytes,
                };
                validate(ty, bytes).map_err(|error| QueryError::invalid(error.message()))?;
                tuple_values(bytes, names, null)
            }
        }
    }
}

fn tuple_values<'v>(
    bytes: &'v [u8],
    names: &[&str],
    null: &dyn Fn(&str) -> QueryError,
) -> Result<Vec<Cow<'v, [u8]>>, QueryError> {
    let mut parts = components(bytes);
    let mut out = Vec::with_capacity(names.len());
    for name in names {
        match parts.next().flatten() {
            Some(part) => out.push(Cow::Borrowed(part)),
            None => return Err(null(name)),
        }
    }
    Ok(out)
}

impl GroupIn {
    /// The rows of values.
    ///
    /// # Errors
    /// As [`GroupTerm::evaluate`]; a null or unset list.
    pub fn evaluate<'v>(
        &'v self,
        names: &[&str],
        values: &'v dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<Vec<Vec<Cow<'v, [u8]>>>, QueryError> {
        self.evaluate_or(names, values, options, &null_value)
    }

    /// As [`GroupIn::evaluate`], with other words for a null.
    pub(super) fn evaluate_or<'v>(
        &'v self,
        names: &[&str],
        values: &'v dyn BoundValues,
        options: &ExecuteOptions<'_>,
        null: &dyn Fn(&str) -> QueryError,
    ) -> Result<Vec<Vec<Cow<'v, [u8]>>>, QueryError> {
        match self {
            GroupIn::List(terms) => terms.iter().map(|term| term.evaluate_or(names, values, options, null)).collect(),
            GroupIn::Marker { index, ty, multi } => {
                let name = names.first().copied().unwrap_or_default();
                let bytes = match values.get(usize::from(*index)) {
                    BoundValue::Null if *multi => {
                        return Err(QueryError::invalid("Invalid null value for IN restriction"));
                    }
                    BoundValue::Unset if *multi => {
                        return Err(QueryError::invalid(format!("Invalid unset value for in({})", names.join(","))));
                    }
                    BoundValue::Null => {
                        return Err(QueryError::invalid(format!("Invalid null value for column {name}")));
                    }
                    BoundValue::Unset => return Err(unset_value(name)),
                    BoundValue::Bytes(bytes) => bytes,
                };
                in_values(bytes, ty, *multi, names, null)
            }
        }
    }
}

fn in_values<'v>(
    bytes: &'v [u8],
    ty: &CqlType,
    multi: bool,
    names: &[&str],
    null: &dyn Fn(&str) -> QueryError,
) -> Result<Vec<Vec<Cow<'v, [u8]>>>, QueryError> {
    // Drivers send a null inside the list as an element of length −1; the list's own check would only say that it may not be.
    if has_null_element(bytes) {
        return Err(null(names.first().copied().unwrap_or_default()));
    }
    validate(ty, bytes).map_err(|error| QueryError::invalid(error.message()))?;
    if multi {
        return elements(bytes).map(|element| tuple_values(element, names, null)).collect();
    }
    Ok(match canonical_collection(ty, bytes) {
        Cow::Borrowed(bytes) => elements(bytes).map(|element| vec![Cow::Borrowed(element)]).collect(),
        Cow::Owned(bytes) => elements(&bytes).map(|element| vec![Cow::Owned(element.to_vec())]).collect(),
    })
}

fn has_null_element(bytes: &[u8]) -> bool {
    let Some((count, mut rest)) = bytes.split_first_chunk::<4>() else { return false };
    for _ in 0..i32::from_be_bytes(*count) {
        let Some((length, behind)) = rest.split_first_chunk::<4>() else { return false };
        match usize::try_from(i32::from_be_bytes(*length)) {
            Err(_) => return true,
            Ok(length) => match behind.get(length..) {
                Some(behind) => rest = behind,
                None => return false,
            },
        }
    }
    false
}
