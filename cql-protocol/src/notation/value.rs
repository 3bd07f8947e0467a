//! `[value]`: what a client binds to a marker, and lists of them, with or without names.

use super::bytes::write_bytes;
use super::integer::{write_int, write_short};
use super::string::write_string;
use super::{DecodeError, Reader};
use crate::version::ProtocolVersion;

/// A value bound to a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value<'a> {
    /// Null: deletes the cell.
    Null,
    /// Not set (v4 and later): leaves the cell as it is.
    Unset,
    /// A value, maybe empty.
    Bytes(&'a [u8]),
}

/// Values as they stand in a body: checked once, then walked without allocating.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    count: u16,
    named: bool,
    /// In v3 every negative length is null.
    unset_allowed: bool,
    bytes: &'a [u8],
}

/// Values being gathered by a client.
#[derive(Clone, Debug, Default)]
pub struct ValuesBuffer {
    count: u16,
    named: bool,
    bytes: Vec<u8>,
}

impl<'a> Value<'a> {
    /// The bytes, or none for null and unset.
    #[must_use]
    pub const fn as_bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Null | Self::Unset => None,
        }
    }
}

impl<'a> Values<'a> {
    /// No values.
    pub const EMPTY: Self = Self { count: 0, named: false, unset_allowed: true, bytes: &[] };

    /// Reads a `[short]` count and that many values, each after its name if `named`.
    ///
    /// # Errors
    /// If the body ends, a name is not UTF-8, or (v4 and later) a length is below −2.
    pub fn decode(reader: &mut Reader<'a>, named: bool, version: ProtocolVersion) -> Result<Self, DecodeError> {
        let count = reader.short()?;
        let before = *reader;
        let unset_allowed = version >= ProtocolVersion::V4;
        for _ in 0..count {
            if named {
                reader.string()?;
            }
            read_value(reader, unset_allowed)?;
        }
        Ok(Self { count, named, unset_allowed, bytes: reader.since(before) })
    }

    /// Appends the count and the values.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_short(out, self.count);
        out.extend_from_slice(self.bytes);
    }

    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether each has a name.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.named
    }

    /// The values in the sender's order, without their names.
    #[must_use]
    pub fn iter(&self) -> ValueIterator<'a> {
        ValueIterator { named: self.iter_named() }
    }

    /// The values in the sender's order with their names; an empty name if they have none.
    #[must_use]
    pub fn iter_named(&self) -> NamedValueIterator<'a> {
        NamedValueIterator {
            left: self.count,
            named: self.named,
            unset_allowed: self.unset_allowed,
            reader: Reader::new(self.bytes),
        }
    }

    /// The value at a position from 0. Walks the ones before it.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<Value<'a>> {
        self.iter().nth(position)
    }

    /// The last value of a name, which is the one that counts.
    #[must_use]
    pub fn get_named(&self, name: &str) -> Option<Value<'a>> {
        if !self.named {
            return None;
        }
        self.iter_named().filter(|(key, _)| *key == name).last().map(|(_, value)| value)
    }
}

impl Default for Values<'_> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl PartialEq for Values<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.named == other.named && self.iter_named().eq(other.iter_named())
    }
}

impl<'a> IntoIterator for &Values<'a> {
    type Item = Value<'a>;
    type IntoIter = ValueIterator<'a>;

    fn into_iter(self) -> ValueIterator<'a> {
        self.iter()
    }
}

/// Walks values with their names.
#[derive(Clone, Debug)]
pub struct NamedValueIterator<'a> {
    left: u16,
    named: bool,
    unset_allowed: bool,
    reader: Reader<'a>,
}

impl<'a> Iterator for NamedValueIterator<'a> {
    type Item = (&'a str, Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = if self.named { self.reader.string().ok()? } else { "" };
        Some((name, read_value(&mut self.reader, self.unset_allowed).ok()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.left), Some(usize::from(self.left)))
    }
}

impl ExactSizeIterator for NamedValueIterator<'_> {}

/// Walks values.
#[derive(Clone, Debug)]
pub struct ValueIterator<'a> {
    named: NamedValueIterator<'a>,
}

impl<'a> Iterator for ValueIterator<'a> {
    type Item = Value<'a>;

    #[inline]
    fn next(&mut self) -> Option<Value<'a>> {
        self.named.next().map(|(_, value)| value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.named.size_hint()
    }
}

impl ExactSizeIterator for ValueIterator<'_> {}

impl ValuesBuffer {
    /// Values by position.
    #[must_use]
    pub fn positional() -> Self {
        Self::default()
    }

    /// Values by name.
    #[must_use]
    pub fn named() -> Self {
        Self { named: true, ..Self::default() }
    }

    /// Adds a value; its name is ignored unless the values are named.
    ///
    /// # Panics
    /// If there are 65,535 values already.
    pub fn push(&mut self, name: &str, value: Value<'_>) {
        self.count = self.count.checked_add(1).expect("at most 65,535 values");
        if self.named {
            write_string(&mut self.bytes, name);
        }
        write_value(&mut self.bytes, value);
    }

    /// Values by position.
    ///
    /// # Panics
    /// If there are more than 65,535.
    #[must_use]
    pub fn from_positional<'a>(values: impl IntoIterator<Item = Value<'a>>) -> Self {
        let mut buffer = Self::positional();
        for value in values {
            buffer.push("", value);
        }
        buffer
    }

    /// The values so far, to put into a request.
    #[must_use]
    pub fn values(&self) -> Values<'_> {
        Values { count: self.count, named: self.named, unset_allowed: true, bytes: &self.bytes }
    }
}

#[inline]
fn read_value<'a>(reader: &mut Reader<'a>, unset_allowed: bool) -> Result<Value<'a>, DecodeError> {
    let length = reader.int()?;
    if let Ok(size) = usize::try_from(length) {
        return reader.take(size, "a value preceded by its 4 bytes length").map(Value::Bytes);
    }
    match length {
        -1 => Ok(Value::Null),
        _ if !unset_allowed => Ok(Value::Null),
        -2 => Ok(Value::Unset),
        _ => Err(DecodeError::ValueLength(length)),
    }
}

/// Appends a `[value]`.
///
/// # Panics
/// If it has 2 GiB or more.
pub fn write_value(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Null => write_int(out, -1),
        Value::Unset => write_int(out, -2),
        Value::Bytes(bytes) => write_bytes(out, Some(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V3: ProtocolVersion = ProtocolVersion::V3;
    const V4: ProtocolVersion = ProtocolVersion::V4;

    #[test]
    fn values_by_position() {
        let values = [Value::Bytes(&[1, 2]), Value::Null, Value::Unset, Value::Bytes(&[])];
        let buffer = ValuesBuffer::from_positional(values);
        let mut out = Vec::new();
        buffer.values().encode(&mut out);
        let expected =
            [&[0, 4][..], &[0, 0, 0, 2, 1, 2], &[0xff, 0xff, 0xff, 0xff], &[0xff, 0xff, 0xff, 0xfe], &[0, 0, 0, 0]]
                .concat();
        assert_eq!(out, expected);
        let read = Values::decode(&mut Reader::new(&out), false, V4).unwrap();
        assert_eq!(read, buffer.values());
        assert_eq!(read.iter().collect::<Vec<_>>(), values);
        assert_eq!(read.iter().len(), 4);
        assert_eq!(read.get(0), Some(Value::Bytes(&[1, 2])));
        assert_eq!(read.get(2), Some(Value::Unset));
        assert_eq!(read.get(4), None);
        assert_eq!(read.get_named("a"), None);
        assert_eq!(Values::decode(&mut Reader::new(&out), false, V3).unwrap().get(2), Some(Value::Null));
    }

    #[test]
    fn values_by_name() {
        let mut buffer = ValuesBuffer::named();
        buffer.push("a", Value::Bytes(&[1]));
        buffer.push("b", Value::Null);
        buffer.push("a", Value::Bytes(&[2]));
        let mut out = Vec::new();
        buffer.values().encode(&mut out);
        let read = Values::decode(&mut Reader::new(&out), true, V4).unwrap();
        assert_eq!(read, buffer.values());
        assert_eq!(read.get_named("a"), Some(Value::Bytes(&[2])));
        assert_eq!(read.get_named("b"), Some(Value::Null));
        assert_eq!(read.get_named("c"), None);
        assert_eq!(read.iter_named().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b", "a"]);
        assert_eq!(read.iter().next(), Some(Value::Bytes(&[1])));
    }

    #[test]
    fn broken_values_are_refused() {
        for (bytes, version, error) in [
            (&[0, 1, 0xff, 0xff, 0xff, 0xfd][..], V4, Some(DecodeError::ValueLength(-3))),
            (&[0, 1, 0xff, 0xff, 0xff, 0xfd], V3, None),
            (&[0, 1, 0, 0, 0, 2, 1], V4, Some(DecodeError::Truncated("a value preceded by its 4 bytes length"))),
            (&[0, 2, 0, 0, 0, 0], V4, Some(DecodeError::Truncated("an int"))),
        ] {
            assert_eq!(Values::decode(&mut Reader::new(bytes), false, version).err(), error);
        }
    }
}
