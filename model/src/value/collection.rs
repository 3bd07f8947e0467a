//! Lists, sets and maps as one value: a count (i32), then each element with its length (i32) before it.

use super::{Comparator, ValueError};

/// The elements of a serialized list or set, in order. Malformed bytes end the iteration.
pub fn elements(bytes: &[u8]) -> Elements<'_> {
    match bytes.split_first_chunk::<4>() {
        Some((count, rest)) => Elements { rest, left: i32::from_be_bytes(*count).max(0) as u32 },
        None => Elements { rest: &[], left: 0 },
    }
}

/// The entries of a serialized map, in order. Malformed bytes end the iteration.
pub fn entries(bytes: &[u8]) -> Entries<'_> {
    Entries { parts: elements(bytes) }
}

/// The elements of a serialized list, some of which may be null: of what is selected, as [`CollectionBuilder::push_nullable`] makes it.
/// Malformed bytes end the iteration.
pub fn nullable_elements(bytes: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut parts = elements(bytes);
    std::iter::from_fn(move || {
        parts.left = parts.left.checked_sub(1)?;
        parts.split_nullable()
    })
}

/// The entries of a serialized map, whose values may be null, as those of [`nullable_elements`].
pub fn nullable_entries(bytes: &[u8]) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    let mut parts = elements(bytes);
    std::iter::from_fn(move || {
        parts.left = parts.left.checked_sub(1)?;
        Some((parts.split()?, parts.split_nullable()?))
    })
}

/// Iterator of [`elements`].
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    rest: &'a [u8],
    left: u32,
}

impl<'a> Elements<'a> {
    /// How many elements (entries of a map) the value claims to have and were not taken yet.
    pub fn left(&self) -> usize {
        self.left as usize
    }

    /// Takes one length and its bytes, without counting.
    fn split(&mut self) -> Option<&'a [u8]> {
        let (part, rest) = split_part(self.rest)?;
        self.rest = rest;
        Some(part)
    }

    /// As [`Elements::split`]; a length below zero is null.
    fn split_nullable(&mut self) -> Option<Option<&'a [u8]>> {
        match self.rest.split_first_chunk::<4>() {
            Some((length, rest)) if i32::from_be_bytes(*length) < 0 => {
                self.rest = rest;
                Some(None)
            }
            _ => self.split().map(Some),
        }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        self.split()
    }
}

/// Iterator of [`entries`].
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    parts: Elements<'a>,
}

impl Entries<'_> {
    /// How many entries the value claims to have and were not taken yet.
    pub fn left(&self) -> usize {
        self.parts.left()
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.parts.left = self.parts.left.checked_sub(1)?;
        Some((self.parts.split()?, self.parts.split()?))
    }
}

/// Splits a length (i32) and its bytes off; `None` for null and for too few bytes.
fn split_part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(i32::from_be_bytes(*length)).ok()?)
}

/// Builds a serialized list, set or map from its parts in order.
#[derive(Clone, Debug)]
pub struct CollectionBuilder {
    out: Vec<u8>,
    count: i32,
}

impl Default for CollectionBuilder {
    fn default() -> Self {
        CollectionBuilder { out: vec![0; 4], count: 0 }
    }
}

impl CollectionBuilder {
    /// Appends an element of a list or set.
    pub fn push(&mut self, element: &[u8]) {
        self.count += 1;
        self.put(element);
    }

    /// Appends an entry of a map.
    pub fn push_entry(&mut self, key: &[u8], value: &[u8]) {
        self.count += 1;
        self.put(key);
        self.put(value);
    }

    /// Appends an element of a list, or null: what is selected may hold it, what is stored never does.
    pub fn push_nullable(&mut self, element: Option<&[u8]>) {
        self.count += 1;
        self.put_nullable(element);
    }

    /// Appends an entry of a map whose value may be null, as in [`CollectionBuilder::push_nullable`].
    pub fn push_nullable_entry(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.count += 1;
        self.put(key);
        self.put_nullable(value);
    }

    /// The serialized value.
    pub fn finish(mut self) -> Vec<u8> {
        if let Some(count) = self.out.first_chunk_mut::<4>() {
            *count = self.count.to_be_bytes();
        }
        self.out
    }

    fn put_nullable(&mut self, part: Option<&[u8]>) {
        match part {
            Some(part) => self.put(part),
            None => self.out.extend_from_slice(&(-1_i32).to_be_bytes()),
        }
    }

    fn put(&mut self, part: &[u8]) {
        debug_assert!(i32::try_from(part.len()).is_ok());
        self.out.extend_from_slice(&(part.len() as i32).to_be_bytes());
        self.out.extend_from_slice(part);
    }
}

/// A serialized list of these elements, or a set when they are in its order already.
pub fn encode_list<'a>(elements: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut builder = CollectionBuilder::default();
    for element in elements {
        builder.push(element);
    }
    builder.finish()
}

/// A serialized set of these elements: sorted, each once.
pub fn encode_set_sorted<'a>(elements: impl IntoIterator<Item = &'a [u8]>, order: &Comparator) -> Vec<u8> {
    let mut elements: Vec<&[u8]> = elements.into_iter().collect();
    elements.sort_by(|a, b| order.compare(a, b));
    elements.dedup_by(|a, b| order.compare(a, b).is_eq());
    encode_list(elements)
}

/// A serialized map of these entries: sorted by key; of entries with the same key the last one stays.
pub fn encode_map_sorted<'a>(entries: impl IntoIterator<Item = (&'a [u8], &'a [u8])>, order: &Comparator) -> Vec<u8> {
    let mut entries: Vec<(&[u8], &[u8])> = entries.into_iter().collect();
    entries.sort_by(|a, b| order.compare(a.0, b.0));
    let mut builder = CollectionBuilder::default();
    for (place, &(key, value)) in entries.iter().enumerate() {
        let last_of_its_key = entries.get(place + 1).is_none_or(|next| order.compare(key, next.0).is_ne());
        if last_of_its_key {
            builder.push_entry(key, value);
        }
    }
    builder.finish()
}

/// A check of the part at a place.
pub(super) type PartCheck<'a> = dyn FnMut(usize, &[u8]) -> Result<(), ValueError> + 'a;

/// Checks the frame of a collection and calls `check` for each part: elements (0), or keys (0) and values (1) by turns.
pub(super) fn validate(
    bytes: &[u8],
    kind: &str,
    parts_each: usize,
    check: &mut PartCheck<'_>,
) -> Result<(), ValueError> {
    let short = || ValueError::new(format!("Not enough bytes to read a {kind}"));
    let (count, mut rest) = bytes.split_first_chunk::<4>().ok_or_else(short)?;
    for _ in 0..i32::from_be_bytes(*count) {
        for part in 0..parts_each {
            let (length, behind) = rest.split_first_chunk::<4>().ok_or_else(short)?;
            let length = usize::try_from(i32::from_be_bytes(*length))
                .map_err(|_| ValueError::new("Null value read when not allowed"))?;
            let (value, behind) = behind.split_at_checked(length).ok_or_else(short)?;
            check(part, value).map_err(|fault| if fault.is_underflow() { short() } else { fault })?;
            rest = behind;
        }
    }
    if rest.is_empty() {
        return Ok(());
    }
    Err(ValueError::new(format!("Unexpected extraneous bytes after {kind} value")))
}
