//! Partition keys in ring order, clusterings and their bounds in table order.
//!
//! A *clustering* is encoded as its values one after the other, each behind a vint: 0 for null, else length + 1. A *prefix*
//! is the same with fewer values. A place between rows is a [`Position`]: a prefix and a weight, −1 before everything that
//! starts with the prefix, +1 behind it, 0 the row itself (Cassandra's `ClusteringPrefix.Kind.comparedToClustering`).

use std::cmp::Ordering;

use crate::codec::{DecodeError, Reader, put_bytes16, put_vint};
use crate::limits::{KEY_BYTES_MAX, KEY_COLUMNS_MAX};
use crate::token::Token;
use crate::value::Comparator;

/// A partition key and its token; ordered by token, then by unsigned key bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DecoratedKey {
    /// Place on the ring.
    pub token: Token,
    /// The key as in an SSTable: the bare value, or for a composite key each component as u16 length, bytes, 0.
    pub key: Box<[u8]>,
}

impl DecoratedKey {
    /// Computes the token of `key`.
    pub fn new(key: impl Into<Box<[u8]>>) -> Self {
        let key = key.into();
        DecoratedKey { token: Token::of_key(&key), key }
    }

    /// The same, borrowed.
    pub fn as_ref(&self) -> KeyRef<'_> {
        KeyRef { token: self.token, key: &self.key }
    }
}

impl PartialOrd for DecoratedKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DecoratedKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_ref().cmp(&other.as_ref())
    }
}

/// A borrowed [`DecoratedKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyRef<'a> {
    /// Place on the ring.
    pub token: Token,
    /// The key's bytes.
    pub key: &'a [u8],
}

impl<'a> KeyRef<'a> {
    /// Computes the token of `key`.
    pub fn new(key: &'a [u8]) -> Self {
        KeyRef { token: Token::of_key(key), key }
    }

    /// Copies the key.
    pub fn to_owned(self) -> DecoratedKey {
        DecoratedKey { token: self.token, key: self.key.into() }
    }
}

/// Appends a composite partition key's component. The caller has checked its length against [`KEY_BYTES_MAX`].
pub fn put_composite_component(out: &mut Vec<u8>, value: &[u8]) {
    put_bytes16(out, value);
    out.push(0);
}

/// Splits a partition key into its `columns` values: the key itself when there is one, else the components.
pub fn split_partition_key(key: &[u8], columns: usize) -> Result<Vec<&[u8]>, DecodeError> {
    if columns == 1 {
        return Ok(vec![key]);
    }
    let mut reader = Reader::new(key);
    let mut out = Vec::with_capacity(columns.min(KEY_COLUMNS_MAX));
    for _ in 0..columns {
        out.push(reader.bytes16()?);
        if reader.u8()? != 0 {
            return Err(reader.invalid("end of composite component"));
        }
    }
    reader.finish()?;
    Ok(out)
}

/// Appends one value of a clustering.
#[inline]
pub fn put_clustering_value(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        None => out.push(0),
        Some(value) => {
            put_vint(out, value.len() as u64 + 1);
            out.extend_from_slice(value);
        }
    }
}

/// The values of an encoded clustering or prefix.
#[derive(Clone, Debug)]
pub struct ClusteringValues<'a>(Reader<'a>);

impl<'a> ClusteringValues<'a> {
    /// Over bytes that [`validate_clustering`] accepted.
    #[inline]
    pub fn new(clustering: &'a [u8]) -> Self {
        ClusteringValues(Reader::new(clustering))
    }
}

impl<'a> Iterator for ClusteringValues<'a> {
    type Item = Option<&'a [u8]>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        match self.0.vint() {
            Ok(0) => Some(None),
            Ok(n) => self.0.take((n - 1) as usize).ok().map(Some),
            Err(_) => None,
        }
    }
}

/// Checks that `bytes` are at most `columns_max` whole values; returns how many.
pub fn validate_clustering(bytes: &[u8], columns_max: usize) -> Result<usize, DecodeError> {
    let mut reader = Reader::new(bytes);
    let mut values = 0;
    while !reader.is_empty() {
        let header = reader.vint()?;
        if header > KEY_BYTES_MAX as u64 + 1 || values == columns_max {
            return Err(reader.invalid("clustering"));
        }
        if header > 0 {
            reader.take((header - 1) as usize)?;
        }
        values += 1;
    }
    Ok(values)
}

/// A place in a partition: a prefix and −1, 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position<'a> {
    /// Encoded values, from none to all.
    pub prefix: &'a [u8],
    /// −1: before everything with this prefix; 0: the row; 1: behind everything with this prefix.
    pub weight: i8,
}

impl<'a> Position<'a> {
    /// Before every row.
    pub const FIRST: Position<'static> = Position { prefix: &[], weight: -1 };
    /// Behind every row.
    pub const LAST: Position<'static> = Position { prefix: &[], weight: 1 };

    /// The row with this clustering.
    pub fn row(clustering: &'a [u8]) -> Self {
        Position { prefix: clustering, weight: 0 }
    }

    /// Copies the prefix.
    pub fn to_owned(self) -> PositionBuf {
        PositionBuf { prefix: self.prefix.into(), weight: self.weight }
    }
}

/// An owned [`Position`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PositionBuf {
    /// Encoded values, from none to all.
    pub prefix: Box<[u8]>,
    /// −1, 0 or 1 as in [`Position`].
    pub weight: i8,
}

impl PositionBuf {
    /// The same, borrowed.
    pub fn as_ref(&self) -> Position<'_> {
        Position { prefix: &self.prefix, weight: self.weight }
    }
}

/// The order of a table's rows.
#[derive(Clone, Debug, Default)]
pub struct ClusteringComparator {
    parts: Box<[Comparator]>,
}

impl ClusteringComparator {
    /// One comparator for each clustering column, already reversed where the column is DESC.
    pub fn new(parts: impl Into<Box<[Comparator]>>) -> Self {
        ClusteringComparator { parts: parts.into() }
    }

    /// Number of clustering columns.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// True for a table without clustering columns.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Compares two values of clustering column `i`; null sorts first in either order, as in Cassandra.
    #[inline]
    pub fn compare_values(&self, i: usize, a: Option<&[u8]>, b: Option<&[u8]>) -> Ordering {
        match (a, b) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match self.parts.get(i) {
                Some(comparator) => comparator.compare(a, b),
                None => a.cmp(b),
            },
        }
    }

    /// A number in the order of places that start with this prefix, from its first value alone: where two heads differ, so do
    /// the places, in the same direction. None for an empty prefix, which has no value to go by.
    #[inline]
    pub fn head(&self, prefix: &[u8]) -> Option<u64> {
        let value = ClusteringValues::new(prefix).next()?;
        // Null sorts first in either order.
        Some(match (value, self.parts.first()) {
            (Some(value), Some(order)) => order.head(value),
            _ => 0,
        })
    }

    /// Compares two rows' clusterings.
    #[inline]
    pub fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        if a == b {
            return Ordering::Equal;
        }
        self.compare_positions(Position::row(a), Position::row(b))
    }

    /// Compares two places.
    pub fn compare_positions(&self, a: Position<'_>, b: Position<'_>) -> Ordering {
        let mut left = ClusteringValues::new(a.prefix);
        let mut right = ClusteringValues::new(b.prefix);
        let mut i = 0;
        loop {
            match (left.next(), right.next()) {
                (Some(l), Some(r)) => match self.compare_values(i, l, r) {
                    Ordering::Equal => i += 1,
                    unequal => return unequal,
                },
                (None, None) => return a.weight.cmp(&b.weight),
                // A shorter prefix lies before or behind all that start with it.
                (None, Some(_)) => return if a.weight < 0 { Ordering::Less } else { Ordering::Greater },
                (Some(_), None) => return if b.weight < 0 { Ordering::Greater } else { Ordering::Less },
            }
        }
    }
}

/// What a range tombstone bound or marker is; the numbers are those of the nb format (Cassandra: `ClusteringPrefix.Kind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BoundKind {
    /// A deletion ends before the rows of the prefix.
    ExclusiveEnd = 0,
    /// A deletion starts with the rows of the prefix.
    InclusiveStart = 1,
    /// One ends and another starts, before the rows of the prefix.
    ExclusiveEndInclusiveStart = 2,
    /// One ends and another starts, behind the rows of the prefix.
    InclusiveEndExclusiveStart = 5,
    /// A deletion ends with the rows of the prefix.
    InclusiveEnd = 6,
    /// A deletion starts behind the rows of the prefix.
    ExclusiveStart = 7,
}

impl BoundKind {
    /// From its number on disk and wire.
    pub fn from_u8(kind: u8) -> Option<Self> {
        Some(match kind {
            0 => BoundKind::ExclusiveEnd,
            1 => BoundKind::InclusiveStart,
            2 => BoundKind::ExclusiveEndInclusiveStart,
            5 => BoundKind::InclusiveEndExclusiveStart,
            6 => BoundKind::InclusiveEnd,
            7 => BoundKind::ExclusiveStart,
            _ => return None,
        })
    }

    /// The weight of the [`Position`] the bound stands at.
    pub fn weight(self) -> i8 {
        match self {
            BoundKind::ExclusiveEnd | BoundKind::InclusiveStart | BoundKind::ExclusiveEndInclusiveStart => -1,
            _ => 1,
        }
    }

    /// True when a deletion ends here.
    pub fn closes(self) -> bool {
        !matches!(self, BoundKind::InclusiveStart | BoundKind::ExclusiveStart)
    }

    /// True when a deletion starts here.
    pub fn opens(self) -> bool {
        !matches!(self, BoundKind::InclusiveEnd | BoundKind::ExclusiveEnd)
    }

    /// The kind of a marker at a place of this weight that closes and opens as told; None if it does neither.
    pub fn of(weight: i8, closes: bool, opens: bool) -> Option<Self> {
        Some(match (weight < 0, closes, opens) {
            (true, true, false) => BoundKind::ExclusiveEnd,
            (true, false, true) => BoundKind::InclusiveStart,
            (true, true, true) => BoundKind::ExclusiveEndInclusiveStart,
            (false, true, true) => BoundKind::InclusiveEndExclusiveStart,
            (false, true, false) => BoundKind::InclusiveEnd,
            (false, false, true) => BoundKind::ExclusiveStart,
            (_, false, false) => return None,
        })
    }
}

/// A place between keys on the ring: ranges are `[start, end)` of these.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RingPosition {
    /// Token.
    pub token: Token,
    /// Place among the keys of that token.
    pub key: RingKey,
}

/// Place among the keys of one token, in this order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RingKey {
    /// Before every key of the token.
    Before,
    /// At (`after` false) or just behind (`after` true) this key.
    At {
        /// The key.
        key: Box<[u8]>,
        /// Behind it.
        after: bool,
    },
    /// Behind every key of the token.
    After,
}

impl RingPosition {
    /// Before every key.
    pub const FIRST: RingPosition = RingPosition { token: Token(i64::MIN), key: RingKey::Before };
    /// Behind every key.
    pub const LAST: RingPosition = RingPosition { token: Token(i64::MAX), key: RingKey::After };

    /// Before the keys of `token`.
    pub fn before(token: Token) -> Self {
        RingPosition { token, key: RingKey::Before }
    }

    /// Behind the keys of `token`.
    pub fn after(token: Token) -> Self {
        RingPosition { token, key: RingKey::After }
    }

    /// At a key.
    pub fn at(key: KeyRef<'_>) -> Self {
        RingPosition { token: key.token, key: RingKey::At { key: key.key.into(), after: false } }
    }

    /// Just behind a key.
    pub fn behind(key: KeyRef<'_>) -> Self {
        RingPosition { token: key.token, key: RingKey::At { key: key.key.into(), after: true } }
    }

    /// Where this place lies, seen from `key`: Less when it is at or before it, Greater when behind it. Never Equal, so a range
    /// `[start, end)` contains the key when `start` is Less and `end` is Greater.
    pub fn compare_to_key(&self, key: KeyRef<'_>) -> Ordering {
        match self.token.cmp(&key.token) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
        match &self.key {
            RingKey::Before => Ordering::Less,
            RingKey::After => Ordering::Greater,
            RingKey::At { key: at, after } => match (**at).cmp(key.key) {
                Ordering::Equal if *after => Ordering::Greater,
                Ordering::Equal => Ordering::Less,
                unequal => unequal,
            },
        }
    }

    /// Appends the place.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.token.0.to_be_bytes());
        match &self.key {
            RingKey::Before => out.push(0),
            RingKey::At { key, after } => {
                out.push(if *after { 2 } else { 1 });
                put_bytes16(out, key);
            }
            RingKey::After => out.push(3),
        }
    }

    /// Reads what [`RingPosition::encode`] wrote.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let token = Token(reader.i64()?);
        let key = match reader.u8()? {
            0 => RingKey::Before,
            kind @ (1 | 2) => RingKey::At { key: reader.bytes16()?.into(), after: kind == 2 },
            3 => RingKey::After,
            _ => return Err(reader.invalid("ring position")),
        };
        Ok(RingPosition { token, key })
    }
}

impl PartialOrd for RingPosition {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RingPosition {
    fn cmp(&self, other: &Self) -> Ordering {
        self.token.cmp(&other.token).then_with(|| self.key.cmp(&other.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::CqlType;

    fn prefix(values: &[i32]) -> Vec<u8> {
        let mut out = Vec::new();
        for value in values {
            put_clustering_value(&mut out, Some(&value.to_be_bytes()));
        }
        out
    }

    #[test]
    fn positions_order_as_bounds_do() {
        let int = || Comparator::for_type(&CqlType::Int);
        let order = ClusteringComparator::new(vec![int(), int().reversed()]);
        let check = |a: (&[i32], i8), b: (&[i32], i8), expected| {
            let (pa, pb) = (prefix(a.0), prefix(b.0));
            let a = Position { prefix: &pa, weight: a.1 };
            let b = Position { prefix: &pb, weight: b.1 };
            assert_eq!(order.compare_positions(a, b), expected, "{a:?} {b:?}");
            assert_eq!(order.compare_positions(b, a), expected.reverse(), "{b:?} {a:?}");
        };
        check((&[1, 5], 0), (&[1, 4], 0), Ordering::Less);
        check((&[1, 5], 0), (&[2, 9], 0), Ordering::Less);
        check((&[1], -1), (&[1, 5], 0), Ordering::Less);
        check((&[1], 1), (&[1, 5], 0), Ordering::Greater);
        check((&[1], 1), (&[2], -1), Ordering::Less);
        check((&[], -1), (&[-9, 0], 0), Ordering::Less);
        check((&[], 1), (&[9], 1), Ordering::Greater);
        check((&[1, 5], -1), (&[1, 5], 0), Ordering::Less);
        check((&[1, 5], 0), (&[1, 5], 0), Ordering::Equal);
    }

    #[test]
    fn ring_positions_contain_keys() {
        let key = DecoratedKey::new(*b"k");
        let contains = |start: &RingPosition, end: &RingPosition| {
            start.compare_to_key(key.as_ref()).is_lt() && end.compare_to_key(key.as_ref()).is_gt()
        };
        let (at, behind) = (RingPosition::at(key.as_ref()), RingPosition::behind(key.as_ref()));
        assert!(contains(&RingPosition::FIRST, &RingPosition::LAST));
        assert!(contains(&at, &behind));
        assert!(!contains(&behind, &RingPosition::LAST));
        assert!(!contains(&RingPosition::FIRST, &at));
        assert!(contains(&RingPosition::before(key.token), &RingPosition::after(key.token)));
        assert!(at < behind && RingPosition::before(key.token) < at && behind < RingPosition::after(key.token));
    }
}
