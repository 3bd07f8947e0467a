//! The orders of values, exactly Cassandra's: they decide where rows and cells stand in files.

use std::cmp::Ordering;

use super::{collection, decimal, float, tuple, uuid, varint, vector};
use crate::types::CqlType;

/// Order of two serialized values of a type. For many comparisons make a [`Comparator`] once.
pub fn compare(cql_type: &CqlType, a: &[u8], b: &[u8]) -> Ordering {
    Comparator::for_type(cql_type).compare(a, b)
}

/// The order of one type, resolved once so that comparing needs no walk over shared types. Making one for a simple
/// type does not allocate.
///
/// Empty values stand first. Values that are no values of the type stand between the empty ones and the others, or are
/// cut where they stop making sense: the order is total for any bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparator {
    /// Unsigned bytes: text, ascii, blob, inet, date, time, duration.
    Bytes,
    /// False before true; every byte but zero is true.
    Boolean,
    /// Signed 8 bits.
    Tinyint,
    /// Signed 16 bits.
    Smallint,
    /// Signed 32 bits.
    Int,
    /// Signed 64 bits: bigint, counter, timestamp.
    Bigint,
    /// Java's order of floats.
    Float,
    /// Java's order of doubles.
    Double,
    /// Version, time for version 1, bytes.
    Uuid,
    /// Time, then signed bytes.
    Timeuuid,
    /// Two signed halves: the old `LexicalUUIDType`.
    LexicalUuid,
    /// Numeric.
    Decimal,
    /// Numeric.
    Varint,
    /// Lists and sets: by elements, then by length.
    Elements(Box<Comparator>),
    /// Maps: by keys and values in turn, then by length.
    Entries(Box<(Comparator, Comparator)>),
    /// Tuples and UDTs: by components, null first.
    Components(Box<[Comparator]>),
    /// Vectors, with the length of an element when it is fixed.
    Vector(Box<Comparator>, Option<usize>),
    /// The other way round: a clustering column in descending order. Empty values stand last.
    Reversed(Box<Comparator>),
}

impl Comparator {
    /// The order of a type.
    pub fn for_type(cql_type: &CqlType) -> Comparator {
        match cql_type {
            CqlType::Ascii
            | CqlType::Text
            | CqlType::Blob
            | CqlType::Inet
            | CqlType::Date
            | CqlType::Time
            | CqlType::Duration
            | CqlType::Empty => Comparator::Bytes,
            CqlType::Boolean => Comparator::Boolean,
            CqlType::Tinyint => Comparator::Tinyint,
            CqlType::Smallint => Comparator::Smallint,
            CqlType::Int => Comparator::Int,
            CqlType::Bigint | CqlType::Counter | CqlType::Timestamp => Comparator::Bigint,
            CqlType::Float => Comparator::Float,
            CqlType::Double => Comparator::Double,
            CqlType::Uuid => Comparator::Uuid,
            CqlType::Timeuuid => Comparator::Timeuuid,
            CqlType::Decimal => Comparator::Decimal,
            CqlType::Varint => Comparator::Varint,
            CqlType::List { element, .. } | CqlType::Set { element, .. } => {
                Comparator::Elements(Box::new(Comparator::for_type(element)))
            }
            CqlType::Map { key, value, .. } => {
                Comparator::Entries(Box::new((Comparator::for_type(key), Comparator::for_type(value))))
            }
            CqlType::Tuple(parts) => Comparator::Components(parts.iter().map(Comparator::for_type).collect()),
            CqlType::Udt { definition, .. } => {
                Comparator::Components(definition.fields.iter().map(|(_, field)| Comparator::for_type(field)).collect())
            }
            CqlType::Vector { element, .. } => {
                Comparator::Vector(Box::new(Comparator::for_type(element)), element.value_length_if_fixed())
            }
            CqlType::Custom(_) if cql_type.value_length_if_fixed() == Some(16) => Comparator::LexicalUuid,
            CqlType::Custom(_) => Comparator::Bytes,
        }
    }

    /// The opposite order.
    #[must_use]
    pub fn reversed(self) -> Comparator {
        match self {
            Comparator::Reversed(inner) => *inner,
            other => Comparator::Reversed(Box::new(other)),
        }
    }

    /// Compares two serialized values.
    #[inline]
    pub fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        match self {
            Comparator::Bytes => a.cmp(b),
            Comparator::Int => fixed::<4>(a, b, |a, b| i32::from_be_bytes(a).cmp(&i32::from_be_bytes(b))),
            Comparator::Bigint => fixed::<8>(a, b, |a, b| i64::from_be_bytes(a).cmp(&i64::from_be_bytes(b))),
            Comparator::Timeuuid => uuid::compare_timeuuid(a, b),
            Comparator::Uuid => uuid::compare_uuid(a, b),
            Comparator::Reversed(inner) => inner.compare(b, a),
            _ => self.compare_rare(a, b),
        }
    }

    fn compare_rare(&self, a: &[u8], b: &[u8]) -> Ordering {
        match self {
            Comparator::Boolean => fixed::<1>(a, b, |[a], [b]| (a != 0).cmp(&(b != 0))),
            Comparator::Tinyint => fixed::<1>(a, b, |[a], [b]| (a as i8).cmp(&(b as i8))),
            Comparator::Smallint => fixed::<2>(a, b, |a, b| i16::from_be_bytes(a).cmp(&i16::from_be_bytes(b))),
            Comparator::Float => {
                fixed::<4>(a, b, |a, b| float::compare_java(f32::from_be_bytes(a).into(), f32::from_be_bytes(b).into()))
            }
            Comparator::Double => {
                fixed::<8>(a, b, |a, b| float::compare_java(f64::from_be_bytes(a), f64::from_be_bytes(b)))
            }
            Comparator::LexicalUuid => uuid::compare_lexical_uuid(a, b),
            Comparator::Decimal => decimal::compare(a, b),
            Comparator::Varint => varint::compare(a, b),
            Comparator::Components(orders) => tuple::compare(orders, a, b),
            Comparator::Elements(order) => empty_first(a, b).unwrap_or_else(|| {
                sequences(collection::elements(a), collection::elements(b), |a, b| order.compare(a, b))
            }),
            Comparator::Entries(orders) => empty_first(a, b).unwrap_or_else(|| {
                sequences(collection::entries(a), collection::entries(b), |a, b| {
                    orders.0.compare(a.0, b.0).then_with(|| orders.1.compare(a.1, b.1))
                })
            }),
            Comparator::Vector(order, length) => {
                let parts = |bytes| vector::vector_elements(bytes, *length);
                sequences(parts(a), parts(b), |a, b| order.compare(a, b))
            }
            common => common.compare(a, b),
        }
    }
}

/// Orders values of exactly `N` bytes; all others stand before them, by their bytes, so empty ones first.
#[inline]
fn fixed<const N: usize>(a: &[u8], b: &[u8], order: impl Fn([u8; N], [u8; N]) -> Ordering) -> Ordering {
    match (<[u8; N]>::try_from(a), <[u8; N]>::try_from(b)) {
        (Ok(a), Ok(b)) => order(a, b),
        (whole_a, whole_b) => whole_a.is_ok().cmp(&whole_b.is_ok()).then_with(|| a.cmp(b)),
    }
}

/// The order when at least one value is empty.
fn empty_first(a: &[u8], b: &[u8]) -> Option<Ordering> {
    (a.is_empty() || b.is_empty()).then(|| b.is_empty().cmp(&a.is_empty()))
}

/// Orders sequences by their first differing part; one that goes on where the other ends is greater.
fn sequences<Part>(
    mut a: impl Iterator<Item = Part>,
    mut b: impl Iterator<Item = Part>,
    order: impl Fn(Part, Part) -> Ordering,
) -> Ordering {
    loop {
        match (a.next(), b.next()) {
            (Some(a), Some(b)) => match order(a, b) {
                Ordering::Equal => {}
                decided => return decided,
            },
            (a, b) => return a.is_some().cmp(&b.is_some()),
        }
    }
}
