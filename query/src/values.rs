//! The values a client binds, and the options it sends beside them.

use helenus_model::time::{LocalSeconds, WriteTimestamp};

/// A bound value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoundValue<'a> {
    /// Null.
    Null,
    /// Not set (protocol v4 and later): leaves the column alone.
    Unset,
    /// Its bytes.
    Bytes(&'a [u8]),
}

/// The values of one execution, by marker number in textual order. Named values are put in that order before they come here.
pub trait BoundValues {
    /// How many there are.
    fn len(&self) -> usize;
    /// True when there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Value `index`; Null beyond the end (callers check [`BoundValues::len`] against the statement's markers first).
    fn get(&self, index: usize) -> BoundValue<'_>;
}

/// No values.
#[derive(Clone, Copy, Debug)]
pub struct NoValues;

impl BoundValues for NoValues {
    fn len(&self) -> usize {
        0
    }
    fn get(&self, _index: usize) -> BoundValue<'_> {
        BoundValue::Null
    }
}

/// Owned values, for tests and for batches decoded before.
#[derive(Clone, Debug, Default)]
pub struct OwnedValues(pub Vec<Option<Vec<u8>>>);

impl BoundValues for OwnedValues {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn get(&self, index: usize) -> BoundValue<'_> {
        match self.0.get(index) {
            Some(Some(bytes)) => BoundValue::Bytes(bytes),
            _ => BoundValue::Null,
        }
    }
}

/// What an execution is told besides values.
#[derive(Clone, Copy, Debug)]
pub struct ExecuteOptions {
    /// The timestamp for statements without USING TIMESTAMP: the client's default timestamp, or the server's clock, microseconds.
    pub timestamp: WriteTimestamp,
    /// The second that decides expiry (the client's `now_in_seconds`, or the server's clock).
    pub now: LocalSeconds,
    /// Milliseconds since the epoch for `now()` and friends.
    pub now_millis: i64,
}
