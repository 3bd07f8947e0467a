//! The values of relations: one for each column of a group, given one by one or as a tuple.

use std::borrow::Cow;

use helenus_model::types::CqlType;
use helenus_model::value::{canonical_collection, components, elements, validate};

use crate::error::QueryError;
use crate::term::{NullableElements, Term, Value, validate_bound};
use crate::values::{BoundValue, BoundValues, ExecuteOptions};

/// A value for each column of a group.
#[derive(Clone, Debug)]
pub enum GroupTerm {
    /// One term for each column.
    Elements(Vec<Term>),
    /// The same between parentheses: nulls are looked for when all of them are known.
    Tuple(Vec<Term>),
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
            GroupTerm::Elements(terms) | GroupTerm::Tuple(terms) => terms.len(),
            GroupTerm::Marker { ty: CqlType::Tuple(parts), .. } => parts.len(),
            GroupTerm::Marker { .. } => 1,
        }
    }

    /// True for a null that stands for one column, outside of parentheses.
    ///
    /// # Errors
    /// Its bytes are no value of its type.
    pub(crate) fn is_null(&self, values: &dyn BoundValues, options: &ExecuteOptions<'_>) -> Result<bool, QueryError> {
        match self {
            GroupTerm::Elements(terms) => match terms.as_slice() {
                [term] => Ok(matches!(term.evaluate(values, options)?, Value::Null)),
                _ => Ok(false),
            },
            GroupTerm::Tuple(_) | GroupTerm::Marker { .. } => Ok(false),
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
    pub(crate) fn evaluate_or<'v>(
        &'v self,
        names: &[&str],
        values: &'v dyn BoundValues,
        options: &ExecuteOptions<'_>,
        null: &dyn Fn(&str) -> QueryError,
    ) -> Result<Vec<Cow<'v, [u8]>>, QueryError> {
        match self {
            GroupTerm::Elements(terms) => {
                let mut out = Vec::with_capacity(terms.len());
                for (term, name) in terms.iter().zip(names) {
                    match term.evaluate(values, options)? {
                        Value::Null => return Err(null(name)),
                        Value::Unset => return Err(unset_value(name)),
                        Value::Bytes(bytes) => out.push(bytes),
                    }
                }
                Ok(out)
            }
            GroupTerm::Tuple(terms) => {
                let mut out = Vec::with_capacity(terms.len());
                for (place, term) in terms.iter().enumerate() {
                    out.push(match term.evaluate(values, options)? {
                        Value::Bytes(bytes) => Some(bytes),
                        Value::Null => None,
                        Value::Unset => return Err(unset_field(place)),
                    });
                }
                out.into_iter().zip(names).map(|(value, name)| value.ok_or_else(|| null(name))).collect()
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
                // A bound of a slice may be of fewer columns than the other.
                tuple_values(bytes, names.get(..self.width()).unwrap_or(names), null)
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
        match parts.next() {
            Some(Some(part)) => out.push(Cow::Borrowed(part)),
            Some(None) => return Err(null(name)),
            // A tuple may end early: it is compared as far as it goes.
            None => break,
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
            GroupIn::List(terms) => {
                let rows = terms.iter().map(|term| term.evaluate_or(names, values, options, null));
                rows.collect::<Result<_, _>>().map_err(|error| match names {
                    _ if let Some(fault) = first_fault(terms, values, options) => fault,
                    // A null is told before what is unset.
                    [name] if error == unset_value(name) && has_null(terms, values, options) => null(name),
                    _ => error,
                })
            }
            GroupIn::Marker { index, ty, multi } => {
                let bytes = list_bytes(values.get(usize::from(*index)), *multi, names)?;
                in_values(bytes, ty, *multi, names, null)
            }
        }
    }
}

/// The values of an IN of one column that rows are tested for. As in Cassandra what stands behind a null is not looked at, and
/// unset is an empty value.
pub(crate) fn tested_values(
    list: &GroupIn,
    name: &str,
    values: &dyn BoundValues,
    options: &ExecuteOptions<'_>,
) -> Result<Vec<Box<[u8]>>, QueryError> {
    let found: Vec<Option<Box<[u8]>>> = match list {
        GroupIn::List(terms) => {
            let mut found = Vec::with_capacity(terms.len());
            for term in terms {
                match term {
                    GroupTerm::Elements(terms) => {
                        for term in terms {
                            found.push(match term.evaluate(values, options)? {
                                Value::Bytes(bytes) => Some(bytes.into_owned().into_boxed_slice()),
                                Value::Unset => Some(Box::default()),
                                Value::Null => None,
                            });
                        }
                    }
                    GroupTerm::Tuple(terms) => {
                        for (place, term) in terms.iter().enumerate() {
                            found.push(match term.evaluate(values, options)? {
                                Value::Bytes(bytes) => Some(bytes.into_owned().into_boxed_slice()),
                                Value::Unset => return Err(unset_field(place)),
                                Value::Null => None,
                            });
                        }
                    }
                    marker => {
                        let row = marker.evaluate_or(&[name], values, options, &unsupported_null)?;
                        found.extend(row.into_iter().map(|value| Some(value.into_owned().into_boxed_slice())));
                    }
                }
            }
            found
        }
        GroupIn::Marker { index, ty, multi } => {
            let bytes = list_bytes(values.get(usize::from(*index)), *multi, &[name])?;
            let found = nullable_values(bytes, ty)?;
            if *multi { found.into_iter().map(|tuple| first_component(&tuple?)).collect() } else { found }
        }
    };
    Ok(found.into_iter().map_while(|value| value).collect())
}

/// The bytes of the list of `IN ?`.
fn list_bytes<'v>(value: BoundValue<'v>, multi: bool, names: &[&str]) -> Result<&'v [u8], QueryError> {
    let name = names.first().copied().unwrap_or_default();
    match value {
        BoundValue::Bytes(bytes) => Ok(bytes),
        BoundValue::Null if multi => Err(QueryError::invalid("Invalid null value for IN restriction")),
        BoundValue::Unset if multi => {
            Err(QueryError::invalid(format!("Invalid unset value for in({})", names.join(","))))
        }
        BoundValue::Null => Err(QueryError::invalid(format!("Invalid null value for column {name}"))),
        BoundValue::Unset => Err(unset_value(name)),
    }
}

/// The value in a tuple of one; a tuple that ends before it has a null there.
fn first_component(tuple: &[u8]) -> Option<Box<[u8]>> {
    components(tuple).next().flatten().map(Into::into)
}

/// Cassandra's words for a null that rows are tested for.
pub(crate) fn unsupported_null(column: &str) -> QueryError {
    QueryError::invalid(format!("Unsupported null value for column {column}"))
}

/// The elements of a bound list, with nulls among them.
fn nullable_values(bytes: &[u8], ty: &CqlType) -> Result<Vec<Option<Box<[u8]>>>, QueryError> {
    let mut parts = NullableElements::new(bytes);
    let found: Vec<Option<&[u8]>> = parts.by_ref().collect();
    let (CqlType::List { element, .. }, Some([])) = (ty, parts.rest()) else {
        validate_bound(ty, bytes)?;
        return Ok(Vec::new());
    };
    if found.is_empty() {
        validate_bound(ty, bytes)?;
    }
    let each = found.into_iter().map(|part| match part {
        Some(part) if part.is_empty() && element.is_empty_value_meaningless() => Ok(None),
        Some(part) => {
            validate_bound(element, part)?;
            Ok(Some(canonical_collection(element, part).into_owned().into_boxed_slice()))
        }
        None => Ok(None),
    });
    each.collect()
}

/// What is wrong while the values of a list are bound: that is told before they are looked at for nulls.
fn first_fault(terms: &[GroupTerm], values: &dyn BoundValues, options: &ExecuteOptions<'_>) -> Option<QueryError> {
    terms.iter().find_map(|term| {
        let (parts, is_tuple) = match term {
            GroupTerm::Elements(parts) => (parts, false),
            GroupTerm::Tuple(parts) => (parts, true),
            GroupTerm::Marker { .. } => return None,
        };
        parts.iter().enumerate().find_map(|(place, part)| match part.evaluate(values, options) {
            Err(error) => Some(error),
            Ok(Value::Unset) if is_tuple => Some(unset_field(place)),
            Ok(_) => None,
        })
    })
}

fn unset_field(place: usize) -> QueryError {
    QueryError::invalid(format!("Invalid unset value for tuple field number {place}"))
}

/// Whether one of several single values is null.
fn has_null(terms: &[GroupTerm], values: &dyn BoundValues, options: &ExecuteOptions<'_>) -> bool {
    terms.iter().any(|term| {
        let GroupTerm::Elements(parts) = term else { return false };
        parts.iter().any(|part| matches!(part.evaluate(values, options), Ok(Value::Null)))
    })
}

fn in_values<'v>(
    bytes: &'v [u8],
    ty: &CqlType,
    multi: bool,
    names: &[&str],
    null: &dyn Fn(&str) -> QueryError,
) -> Result<Vec<Vec<Cow<'v, [u8]>>>, QueryError> {
    // The list's own check would only say that a null may not be. An empty number is one, too.
    let is_null = |part: Option<&[u8]>| match (part, ty) {
        (Some(part), CqlType::List { element, .. }) => {
            part.is_empty() && !multi && element.is_empty_value_meaningless()
        }
        (part, _) => part.is_none(),
    };
    let mut parts = NullableElements::new(bytes);
    let nulls = parts.by_ref().filter(|part| is_null(*part)).count();
    if nulls > 0 && parts.rest().is_some_and(<[u8]>::is_empty) {
        return Err(null(names.first().copied().unwrap_or_default()));
    }
    validate_bound(ty, bytes)?;
    if multi {
        return elements(bytes).map(|element| tuple_values(element, names, null)).collect();
    }
    Ok(match canonical_collection(ty, bytes) {
        Cow::Borrowed(bytes) => elements(bytes).map(|element| vec![Cow::Borrowed(element)]).collect(),
        Cow::Owned(bytes) => elements(&bytes).map(|element| vec![Cow::Owned(element.to_vec())]).collect(),
    })
}
