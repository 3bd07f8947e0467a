//! `[string list]`, `[string map]`, `[string multimap]` and `[bytes map]`: a `[short]` count, then the elements.
//!
//! A list or map that was read borrows the body: it is checked once, then walked without allocating.

use super::bytes::write_bytes;
use super::integer::write_short;
use super::string::write_string;
use super::{DecodeError, Reader};

/// Elements that the count before a list can express.
const COUNT_MAX: usize = u16::MAX as usize;

/// A checked `[string list]` within a body.
#[derive(Clone, Copy, Debug, Default)]
pub struct StringList<'a> {
    count: u16,
    elements: &'a [u8],
}

/// A checked `[string map]` within a body, in the sender's order, duplicates included.
#[derive(Clone, Copy, Debug, Default)]
pub struct StringMap<'a> {
    count: u16,
    elements: &'a [u8],
}

/// A checked `[bytes map]` within a body, in the sender's order, duplicates included.
#[derive(Clone, Copy, Debug, Default)]
pub struct BytesMap<'a> {
    count: u16,
    elements: &'a [u8],
}

impl<'a> StringList<'a> {
    /// The strings.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut reader = Reader::new(self.elements);
        (0..self.count).map_while(move |_| reader.string().ok())
    }

    /// Number of strings.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<'a> StringMap<'a> {
    /// Keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let mut reader = Reader::new(self.elements);
        (0..self.count).map_while(move |_| Some((reader.string().ok()?, reader.string().ok()?)))
    }
}

impl<'a> BytesMap<'a> {
    /// Keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a [u8]>)> + use<'a> {
        let mut reader = Reader::new(self.elements);
        (0..self.count).map_while(move |_| Some((reader.string().ok()?, reader.bytes().ok()?)))
    }

    /// Appends the map as it was read.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_short(out, self.count);
        out.extend_from_slice(self.elements);
    }
}

impl PartialEq for StringList<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl PartialEq for StringMap<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl PartialEq for BytesMap<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a> Reader<'a> {
    /// A `[string list]`.
    ///
    /// # Errors
    /// If the body ends or a string is not UTF-8.
    pub fn string_list(&mut self) -> Result<StringList<'a>, DecodeError> {
        let count = self.short()?;
        let before = *self;
        for _ in 0..count {
            self.string()?;
        }
        Ok(StringList { count, elements: self.since(before) })
    }

    /// A `[string map]`.
    ///
    /// # Errors
    /// If the body ends or a string is not UTF-8.
    pub fn string_map(&mut self) -> Result<StringMap<'a>, DecodeError> {
        let count = self.short()?;
        let before = *self;
        for _ in 0..count {
            self.string()?;
            self.string()?;
        }
        Ok(StringMap { count, elements: self.since(before) })
    }

    /// A `[string multimap]`.
    ///
    /// # Errors
    /// If the body ends or a string is not UTF-8.
    pub fn string_multimap(&mut self) -> Result<Vec<(&'a str, StringList<'a>)>, DecodeError> {
        let count = self.short()?;
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push((self.string()?, self.string_list()?));
        }
        Ok(entries)
    }

    /// A `[bytes map]`.
    ///
    /// # Errors
    /// If the body ends or a key is not UTF-8.
    pub fn bytes_map(&mut self) -> Result<BytesMap<'a>, DecodeError> {
        let count = self.short()?;
        let before = *self;
        for _ in 0..count {
            self.string()?;
            self.bytes()?;
        }
        Ok(BytesMap { count, elements: self.since(before) })
    }
}

/// Appends a count, cut to what it can express; returns the number of elements to follow.
fn write_count(out: &mut Vec<u8>, count: usize) -> usize {
    let count = count.min(COUNT_MAX);
    #[expect(clippy::cast_possible_truncation, reason = "cut to 65,535 above")]
    write_short(out, count as u16);
    count
}

/// Appends a `[string list]`; elements past the 65,535th are left out.
pub fn write_string_list<Text: AsRef<str>>(out: &mut Vec<u8>, values: &[Text]) {
    let count = write_count(out, values.len());
    for value in values.iter().take(count) {
        write_string(out, value.as_ref());
    }
}

/// Appends a `[string map]`; entries past the 65,535th are left out.
pub fn write_string_map<Text: AsRef<str>>(out: &mut Vec<u8>, entries: &[(Text, Text)]) {
    let count = write_count(out, entries.len());
    for (key, value) in entries.iter().take(count) {
        write_string(out, key.as_ref());
        write_string(out, value.as_ref());
    }
}

/// Appends a `[string multimap]`; entries past the 65,535th are left out.
pub fn write_string_multimap<Text: AsRef<str>>(out: &mut Vec<u8>, entries: &[(Text, Vec<Text>)]) {
    let count = write_count(out, entries.len());
    for (key, values) in entries.iter().take(count) {
        write_string(out, key.as_ref());
        write_string_list(out, values);
    }
}

/// Appends a `[bytes map]`; entries past the 65,535th are left out.
pub fn write_bytes_map<Text: AsRef<str>, Bytes: AsRef<[u8]>>(out: &mut Vec<u8>, entries: &[(Text, Option<Bytes>)]) {
    let count = write_count(out, entries.len());
    for (key, value) in entries.iter().take(count) {
        write_string(out, key.as_ref());
        write_bytes(out, value.as_ref().map(AsRef::as_ref));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_maps_go_both_ways() {
        let mut out = Vec::new();
        write_string_list(&mut out, &["a", ""]);
        write_string_map(&mut out, &[("k", "v")]);
        write_string_multimap(&mut out, &[("m", vec!["x", "y"]), ("n", vec![])]);
        write_bytes_map(&mut out, &[("p", Some(&[1_u8, 2][..])), ("q", None)]);
        let expected = [
            &[0, 2, 0, 1, b'a', 0, 0][..],
            &[0, 1, 0, 1, b'k', 0, 1, b'v'],
            &[0, 2, 0, 1, b'm', 0, 2, 0, 1, b'x', 0, 1, b'y', 0, 1, b'n', 0, 0],
            &[0, 2, 0, 1, b'p', 0, 0, 0, 2, 1, 2, 0, 1, b'q', 0xff, 0xff, 0xff, 0xff],
        ]
        .concat();
        assert_eq!(out, expected);
        let mut reader = Reader::new(&out);
        let list = reader.string_list().unwrap();
        assert_eq!((list.len(), list.is_empty()), (2, false));
        assert_eq!(list.iter().collect::<Vec<_>>(), ["a", ""]);
        assert_eq!(reader.string_map().unwrap().iter().collect::<Vec<_>>(), [("k", "v")]);
        let multimap = reader.string_multimap().unwrap();
        assert_eq!(multimap.len(), 2);
        assert_eq!(multimap[0].1.iter().collect::<Vec<_>>(), ["x", "y"]);
        let payload = reader.bytes_map().unwrap();
        assert_eq!(payload.iter().collect::<Vec<_>>(), [("p", Some(&[1_u8, 2][..])), ("q", None)]);
        assert!(reader.rest().is_empty());
        let mut again = Vec::new();
        payload.encode(&mut again);
        assert_eq!(again, expected[expected.len() - again.len()..]);
    }

    #[test]
    fn a_count_without_its_elements_is_refused() {
        assert!(Reader::new(&[0xff, 0xff, 0, 1, b'a']).string_list().is_err());
        assert!(Reader::new(&[0xff, 0xff, 0, 1, b'a']).string_map().is_err());
        assert!(Reader::new(&[0xff, 0xff, 0, 1, b'a']).string_multimap().is_err());
        assert!(Reader::new(&[0xff, 0xff, 0, 1, b'a']).bytes_map().is_err());
    }
}
