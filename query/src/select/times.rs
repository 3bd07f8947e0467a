//! WRITETIME, MAXWRITETIME and TTL of parts of columns: of elements, slices and fields.

use std::borrow::Cow;

use helenus_model::types::CqlType;
use helenus_model::value::{Comparator, decode_bigint, elements, encode_list, entries};

use super::assemble::RowView;
use super::selector::{Environment, Selector};
use crate::error::QueryError;

/// A checked WRITETIME, MAXWRITETIME or TTL of a part.
#[derive(Clone, Debug)]
pub(super) struct TimesSelector {
    pub(super) part: Part,
    /// The answer is a list: the part is made of several cells.
    pub(super) many: bool,
    /// The latest of them is wanted.
    pub(super) latest: bool,
}

/// The part of a column.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// All of it: the input with its times, and whether that is a list of them.
    Column(u16, bool),
    /// A field.
    Field(Box<Part>, Box<Selector>, usize),
    /// The element under a key of a collection.
    Element { inner: Box<Part>, of: Collection, key: Box<Selector> },
    /// The elements between two keys of a collection.
    Slice { inner: Box<Part>, of: Collection, from: Option<Box<Selector>>, to: Option<Box<Selector>> },
}

/// A collection in which places are looked up.
#[derive(Clone, Debug)]
pub(super) struct Collection {
    pub(super) value: Box<Selector>,
    pub(super) order: Comparator,
    pub(super) map: bool,
}

/// The times of a part.
enum Times<'a> {
    /// Of one cell, None when it has none.
    One(Option<Cow<'a, [u8]>>),
    /// Of several.
    Many(Vec<Option<Vec<u8>>>),
}

const NO_TIME: Times<'static> = Times::One(None);

/// The elements of a list, of which some may be null.
fn nullable(list: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut out = Vec::new();
    let mut rest = list.get(4..).unwrap_or_default();
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = i32::from_be_bytes(*length);
        let (value, behind) = behind.split_at_checked(usize::try_from(length).unwrap_or(0)).unwrap_or((behind, &[]));
        out.push((length >= 0).then(|| value.to_vec()));
        rest = behind;
    }
    out
}

fn encode(times: &[Option<Vec<u8>>]) -> Vec<u8> {
    if let Some(times) = times.iter().map(Option::as_deref).collect::<Option<Vec<_>>>() {
        return encode_list(times);
    }
    let mut out = (times.len() as i32).to_be_bytes().to_vec();
    for time in times {
        out.extend_from_slice(&time.as_ref().map_or(-1, |time| time.len() as i32).to_be_bytes());
        out.extend_from_slice(time.as_deref().unwrap_or_default());
    }
    out
}

impl TimesSelector {
    pub(super) fn evaluate<'a>(
        &self,
        row: &RowView<'a>,
        environment: &Environment<'a>,
    ) -> Result<Option<Cow<'a, [u8]>>, QueryError> {
        Ok(match self.part.times(row, environment)? {
            Times::One(time) if self.many && !self.latest => {
                time.map(|time| Cow::Owned(encode_list(std::iter::once(&*time))))
            }
            Times::One(time) => time,
            Times::Many(times) if self.latest => {
                let latest = times.into_iter().flatten().max_by_key(|time| decode_bigint(time));
                latest.map(Cow::Owned)
            }
            Times::Many(times) if times.is_empty() => None,
            Times::Many(times) => Some(Cow::Owned(encode(&times))),
        })
    }
}

impl Part {
    fn times<'a>(&self, row: &RowView<'a>, environment: &Environment<'a>) -> Result<Times<'a>, QueryError> {
        Ok(match self {
            Part::Column(input, false) => Times::One(row.value(*input).map(Cow::Borrowed)),
            Part::Column(input, true) => Times::Many(row.value(*input).map(nullable).unwrap_or_default()),
            // A field that is null has no time, whatever the rest of the value has.
            Part::Field(_, value, _) if value.evaluate(row, environment)?.is_none() => NO_TIME,
            Part::Field(inner, _, place) => at(inner.times(row, environment)?, Some(*place)),
            Part::Element { inner, of, key } => {
                let (whole, key) = (of.value.evaluate(row, environment)?, key.evaluate(row, environment)?);
                let (Some(whole), Some(key)) = (whole, key) else { return Ok(NO_TIME) };
                let place = of.places(&whole, Some(&key), Some(&key)).start;
                at(inner.times(row, environment)?, place)
            }
            Part::Slice { inner, of, from, to } => {
                let Some(whole) = of.value.evaluate(row, environment)? else { return Ok(NO_TIME) };
                let end = |end: &Option<Box<Selector>>| match end {
                    Some(end) => end.evaluate(row, environment),
                    None => Ok(None),
                };
                let (from, to) = (end(from)?, end(to)?);
                let places = of.places(&whole, from.as_deref(), to.as_deref());
                match (inner.times(row, environment)?, places.start) {
                    (_, None) => NO_TIME,
                    (Times::Many(times), Some(start)) => {
                        Times::Many(times.get(start..start + places.count).unwrap_or_default().to_vec())
                    }
                    (one, Some(_)) => one,
                }
            }
        })
    }
}

/// Where keys lie in a collection.
struct Places {
    start: Option<usize>,
    count: usize,
}

impl Collection {
    fn places(&self, whole: &[u8], from: Option<&[u8]>, to: Option<&[u8]>) -> Places {
        let within = |key: &[u8]| {
            from.is_none_or(|from| self.order.compare(key, from).is_ge())
                && to.is_none_or(|to| self.order.compare(key, to).is_le())
        };
        let places: Vec<usize> = if self.map {
            entries(whole).enumerate().filter(|(_, (key, _))| within(key)).map(|(place, _)| place).collect()
        } else {
            elements(whole).enumerate().filter(|(_, key)| within(key)).map(|(place, _)| place).collect()
        };
        Places { start: places.first().copied(), count: places.len() }
    }
}

/// One of the times. What is one cell has one time for all its parts.
fn at(times: Times<'_>, place: Option<usize>) -> Times<'_> {
    match (times, place) {
        (_, None) => NO_TIME,
        (Times::Many(times), Some(place)) => Times::One(times.into_iter().nth(place).flatten().map(Cow::Owned)),
        (one, Some(_)) => one,
    }
}

/// The type of the answer.
pub(super) fn result_type(time: CqlType, many: bool) -> CqlType {
    if many { CqlType::list(time, true) } else { time }
}
