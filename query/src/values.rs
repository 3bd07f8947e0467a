//! The values a client binds, and the options it sends beside them.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;

use helenus_model::rng::Rng;
use helenus_model::time::{LocalSeconds, WriteTimestamp};
use helenus_model::value::GREGORIAN_EPOCH_OFFSET_MILLIS;

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

/// Values that outlive their request.
#[derive(Clone, Debug)]
pub struct KeptValues(Vec<KeptValue>);

#[derive(Clone, Debug)]
enum KeptValue {
    Null,
    Unset,
    Bytes(Vec<u8>),
}

impl KeptValues {
    /// A copy of these.
    pub fn of(values: &dyn BoundValues) -> Self {
        let keep = |index| match values.get(index) {
            BoundValue::Null => KeptValue::Null,
            BoundValue::Unset => KeptValue::Unset,
            BoundValue::Bytes(bytes) => KeptValue::Bytes(bytes.to_vec()),
        };
        KeptValues((0..values.len()).map(keep).collect())
    }
}

impl BoundValues for KeptValues {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, index: usize) -> BoundValue<'_> {
        match self.0.get(index) {
            Some(KeptValue::Bytes(bytes)) => BoundValue::Bytes(bytes),
            Some(KeptValue::Unset) => BoundValue::Unset,
            Some(KeptValue::Null) | None => BoundValue::Null,
        }
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

impl BoundValues for [BoundValue<'_>] {
    fn len(&self) -> usize {
        <[BoundValue<'_>]>::len(self)
    }
    fn get(&self, index: usize) -> BoundValue<'_> {
        <[BoundValue<'_>]>::get(self, index).copied().unwrap_or(BoundValue::Null)
    }
}

impl BoundValues for Vec<BoundValue<'_>> {
    fn len(&self) -> usize {
        self.as_slice().len()
    }
    fn get(&self, index: usize) -> BoundValue<'_> {
        self.as_slice().get(index).copied().unwrap_or(BoundValue::Null)
    }
}

/// What an execution is told besides values.
#[derive(Clone, Copy, Debug)]
pub struct ExecuteOptions<'a> {
    /// The timestamp for statements without USING TIMESTAMP: the client's default timestamp, or the server's clock, microseconds.
    pub timestamp: WriteTimestamp,
    /// The second that decides expiry (the client's `now_in_seconds`, or the server's clock).
    pub now: LocalSeconds,
    /// Milliseconds since the epoch for `current_timestamp()` and friends.
    pub now_millis: i64,
    /// Where time UUIDs (`now()`, places in lists) and random UUIDs come from.
    pub ids: &'a dyn IdSource,
}

/// Hands out what must be unique or random. One coordinator owns one.
pub trait IdSource: Debug {
    /// A count of 100 ns steps since 1582-10-15, close to now and greater than any this source gave before.
    fn next_ticks(&self) -> u64;
    /// Clock sequence and node of the time UUIDs made from the ticks: different for every source of a cluster.
    fn clock_and_node(&self) -> u64;
    /// 128 random bits.
    fn random(&self) -> u128;
}

/// For what needs no ids: constants.
#[derive(Debug)]
pub(crate) struct NoIds;

impl IdSource for NoIds {
    fn next_ticks(&self) -> u64 {
        0
    }
    fn clock_and_node(&self) -> u64 {
        0
    }
    fn random(&self) -> u128 {
        0
    }
}

/// An [`IdSource`] over a clock that its owner sets and a seeded generator.
#[derive(Debug)]
pub struct SteppingIds {
    ticks: Cell<u64>,
    clock_and_node: u64,
    rng: RefCell<Rng>,
}

impl SteppingIds {
    /// A source. `clock_and_node` gets the variant and multicast bits a time UUID of no network card has.
    pub fn new(clock_and_node: u64, rng: Rng) -> Self {
        let clock_and_node = (clock_and_node & 0x3fff_ffff_ffff_ffff) | 0x8000_0100_0000_0000;
        SteppingIds { ticks: Cell::new(0), clock_and_node, rng: RefCell::new(rng) }
    }

    /// Tells the time. A clock that goes back is not followed: ticks never do.
    pub fn set_now(&self, now_millis: i64) {
        let ticks = now_millis.saturating_add(GREGORIAN_EPOCH_OFFSET_MILLIS).saturating_mul(10_000).max(0) as u64;
        self.ticks.set(self.ticks.get().max(ticks));
    }
}

impl IdSource for SteppingIds {
    fn next_ticks(&self) -> u64 {
        let next = self.ticks.get() + 1;
        self.ticks.set(next);
        next
    }

    fn clock_and_node(&self) -> u64 {
        self.clock_and_node
    }

    fn random(&self) -> u128 {
        let mut rng = self.rng.borrow_mut();
        (u128::from(rng.next_u64()) << 64) | u128::from(rng.next_u64())
    }
}
