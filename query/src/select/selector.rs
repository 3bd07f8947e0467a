//! Expressions over the values of a row, as the selection clause has them.

use std::borrow::Cow;
use std::sync::Arc;

use helenus_model::types::CqlType;
use helenus_model::value::{
    CollectionBuilder, Comparator, EMPTY_IN_VECTOR, TupleBuilder, VectorBuilder, components, elements,
    encode_set_sorted, entries, to_json, write_json_string,
};

use super::assemble::RowView;
use super::times::TimesSelector;
use crate::error::QueryError;
use crate::function::ScalarFunction;
use crate::parts::PartBytes;
use crate::term::vector_element;
use crate::values::ExecuteOptions;

/// A checked selector.
#[derive(Clone, Debug)]
pub(super) enum Selector {
    /// A value of the row.
    Input(u16),
    /// A value without columns, worked out when the execution starts: its number.
    Constant(usize),
    /// The result of an aggregate: its number.
    Aggregate(usize),
    /// A function of other selectors.
    Call { function: Arc<ScalarFunction>, arguments: Vec<Selector> },
    /// A field of a UDT: its place.
    Field(Box<Selector>, usize),
    /// A value of a map, or the element of a set, under a constant key.
    Element { inner: Box<Selector>, key: Box<Selector>, order: Comparator, map: bool },
    /// The part of a map or set between two constant keys.
    /// Of a value of one cell it may be empty; of many cells there is none then.
    Slice {
        inner: Box<Selector>,
        from: Option<Box<Selector>>,
        to: Option<Box<Selector>>,
        order: Comparator,
        map: bool,
        frozen: bool,
    },
    /// WRITETIME, MAXWRITETIME or TTL of a part of a column.
    Times(Box<TimesSelector>),
    /// `(a, b)`
    Tuple(Vec<Selector>),
    /// `[a, b]`
    List(Vec<Selector>),
    /// `[a, b]` as a vector: the length of an element if it is fixed, and whether an empty one is null.
    Vector { parts: Vec<Selector>, element_length: Option<usize>, empty_is_null: bool },
    /// `{a, b}`
    Set(Vec<Selector>, Comparator),
    /// The row of SELECT JSON: names, types, values.
    Json(Vec<(String, CqlType, Selector)>),
    /// `{a: b}`
    Map(Vec<(Selector, Selector)>, Comparator),
}

/// What selectors are evaluated with.
#[derive(Clone, Copy)]
pub(super) struct Environment<'a> {
    /// The values of `Constant`.
    pub(super) constants: &'a [Option<Box<[u8]>>],
    /// The results of `Aggregate`.
    pub(super) aggregates: &'a [Option<Vec<u8>>],
    /// Clock and ids for functions.
    pub(super) options: &'a ExecuteOptions<'a>,
}

type Selected<'a> = Result<Option<Cow<'a, [u8]>>, QueryError>;

impl Selector {
    /// The selector's value for a row.
    pub(super) fn evaluate<'a>(&self, row: &RowView<'a>, environment: &Environment<'a>) -> Selected<'a> {
        Ok(match self {
            Selector::Input(input) => row.value(*input).map(Cow::Borrowed),
            Selector::Constant(number) => {
                environment.constants.get(*number).and_then(Option::as_deref).map(Cow::Borrowed)
            }
            Selector::Aggregate(number) => {
                environment.aggregates.get(*number).and_then(Option::as_deref).map(Cow::Borrowed)
            }
            Selector::Call { function, arguments } => {
                let values = evaluate_all(arguments, row, environment)?;
                let values: Vec<Option<&[u8]>> = values.iter().map(Option::as_deref).collect();
                function.execute(&values, environment.options)?.map(Cow::Owned)
            }
            Selector::Field(inner, place) => {
                let Some(whole) = inner.evaluate(row, environment)? else { return Ok(None) };
                components(&whole).nth(*place).flatten().map(|field| Cow::Owned(field.to_vec()))
            }
            Selector::Element { inner, key, order, map } => {
                let (whole, key) = (inner.evaluate(row, environment)?, key.evaluate(row, environment)?);
                let (Some(whole), Some(key)) = (whole, key) else { return Ok(None) };
                let found = if *map {
                    entries(&whole).find(|(found, _)| order.compare(found, &key).is_eq()).map(|(_, value)| value)
                } else {
                    elements(&whole).find(|found| order.compare(found, &key).is_eq())
                };
                found.map(|value| Cow::Owned(value.to_vec()))
            }
            Selector::Slice { inner, from, to, order, map, frozen } => {
                let Some(whole) = inner.evaluate(row, environment)? else { return Ok(None) };
                let end = |end: &Option<Box<Selector>>| match end {
                    Some(end) => end.evaluate(row, environment),
                    None => Ok(None),
                };
                let (from, to) = (end(from)?, end(to)?);
                slice(&whole, from.as_deref(), to.as_deref(), order, (*map, *frozen)).map(Cow::Owned)
            }
            Selector::Times(times) => times.evaluate(row, environment)?,
            Selector::Tuple(parts) => {
                let mut builder = TupleBuilder::default();
                for part in evaluate_all(parts, row, environment)? {
                    builder.push(part.as_deref());
                }
                Some(Cow::Owned(builder.finish()))
            }
            Selector::List(parts) => {
                let mut builder = CollectionBuilder::default();
                for part in evaluate_all(parts, row, environment)? {
                    builder.push_nullable(part.as_deref());
                }
                Some(Cow::Owned(builder.finish()))
            }
            Selector::Vector { parts, element_length, empty_is_null } => {
                let mut builder = VectorBuilder::new(*element_length);
                for part in evaluate_all(parts, row, environment)? {
                    let part = part.filter(|part| !(*empty_is_null && part.is_empty()));
                    let part = part.ok_or_else(|| QueryError::invalid(EMPTY_IN_VECTOR))?;
                    builder.push(&vector_element(part, *element_length)?);
                }
                Some(Cow::Owned(builder.finish()))
            }
            Selector::Set(parts, order) => {
                let parts = present(parts, row, environment)?;
                Some(Cow::Owned(encode_set_sorted(parts.iter().map(AsRef::as_ref), order)))
            }
            Selector::Json(members) => {
                let (mut out, mut bytes) = (String::from("{"), PartBytes::default());
                for (place, (name, ty, selector)) in members.iter().enumerate() {
                    if place > 0 {
                        out.push_str(", ");
                    }
                    write_json_string(&mut out, name);
                    out.push_str(": ");
                    let value = selector.evaluate(row, environment)?;
                    bytes.add(value.as_deref())?;
                    match value {
                        Some(value) => out.push_str(&to_json(ty, &value)),
                        None => out.push_str("null"),
                    }
                }
                out.push('}');
                Some(Cow::Owned(out.into_bytes()))
            }
            Selector::Map(parts, order) => {
                let (mut out, mut bytes) = (Vec::with_capacity(parts.len()), PartBytes::default());
                for (key, value) in parts {
                    let (key, value) = (one(key, row, environment)?, value.evaluate(row, environment)?);
                    bytes.add(Some(&key))?;
                    bytes.add(value.as_deref())?;
                    out.push((key, value));
                }
                Some(Cow::Owned(encode_map(out, order)))
            }
        })
    }
}

/// A key and its value, which may be null.
type Entry<'a> = (Cow<'a, [u8]>, Option<Cow<'a, [u8]>>);

/// A map sorted by key; of entries with the same key the last one stays.
fn encode_map(mut entries: Vec<Entry<'_>>, order: &Comparator) -> Vec<u8> {
    entries.sort_by(|a, b| order.compare(&a.0, &b.0));
    let mut builder = CollectionBuilder::default();
    for (place, (key, value)) in entries.iter().enumerate() {
        if entries.get(place + 1).is_none_or(|next| order.compare(key, &next.0).is_ne()) {
            builder.push_nullable_entry(key, value.as_deref());
        }
    }
    builder.finish()
}

pub(super) fn evaluate_all<'a>(
    selectors: &[Selector],
    row: &RowView<'a>,
    environment: &Environment<'a>,
) -> Result<Vec<Option<Cow<'a, [u8]>>>, QueryError> {
    let mut bytes = PartBytes::default();
    let each = selectors.iter().map(|selector| {
        let value = selector.evaluate(row, environment)?;
        bytes.add(value.as_deref())?;
        Ok(value)
    });
    each.collect()
}

fn one<'a>(selector: &Selector, row: &RowView<'a>, environment: &Environment<'a>) -> Result<Cow<'a, [u8]>, QueryError> {
    let value = selector.evaluate(row, environment)?;
    value.ok_or_else(|| QueryError::invalid("null is not supported inside collections"))
}

fn present<'a>(
    selectors: &[Selector],
    row: &RowView<'a>,
    environment: &Environment<'a>,
) -> Result<Vec<Cow<'a, [u8]>>, QueryError> {
    let mut bytes = PartBytes::default();
    let each = selectors.iter().map(|selector| {
        let value = one(selector, row, environment)?;
        bytes.add(Some(&value))?;
        Ok(value)
    });
    each.collect()
}

/// The entries with keys from `from` to `to`, both included; None when there are none and the value is not frozen.
fn slice(
    whole: &[u8],
    from: Option<&[u8]>,
    to: Option<&[u8]>,
    order: &Comparator,
    (map, frozen): (bool, bool),
) -> Option<Vec<u8>> {
    let within = |key: &[u8]| {
        from.is_none_or(|from| order.compare(key, from).is_ge()) && to.is_none_or(|to| order.compare(key, to).is_le())
    };
    let mut builder = CollectionBuilder::default();
    let mut any = false;
    if map {
        for (key, value) in entries(whole).filter(|(key, _)| within(key)) {
            builder.push_entry(key, value);
            any = true;
        }
    } else {
        for element in elements(whole).filter(|element| within(element)) {
            builder.push(element);
            any = true;
        }
    }
    (any || frozen).then(|| builder.finish())
}
