//! Tuples and frozen UDTs: each component with its length (i32) before it, -1 for null; components at the end may be
//! missing and are null then.

use std::cmp::Ordering;

use super::collection::PartCheck;
use super::{Comparator, ValueError};

/// The components of a serialized tuple or UDT that are there, `None` for null ones. Malformed bytes end the iteration.
pub fn components(bytes: &[u8]) -> Components<'_> {
    Components { rest: bytes }
}

/// Iterator of [`components`].
#[derive(Clone, Debug)]
pub struct Components<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Components<'a> {
    type Item = Option<&'a [u8]>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (length, rest) = self.rest.split_first_chunk::<4>()?;
        match usize::try_from(i32::from_be_bytes(*length)) {
            Err(_) => {
                self.rest = rest;
                Some(None)
            }
            Ok(length) => {
                let (component, rest) = rest.split_at_checked(length)?;
                self.rest = rest;
                Some(Some(component))
            }
        }
    }
}

/// Builds a serialized tuple or UDT.
#[derive(Clone, Debug, Default)]
pub struct TupleBuilder {
    out: Vec<u8>,
}

impl TupleBuilder {
    /// Appends a component.
    pub fn push(&mut self, component: Option<&[u8]>) {
        let length = component.map_or(-1, |component| component.len() as i32);
        self.out.extend_from_slice(&length.to_be_bytes());
        self.out.extend_from_slice(component.unwrap_or_default());
    }

    /// The serialized value.
    pub fn finish(self) -> Vec<u8> {
        self.out
    }
}

/// Order of tuples: empty first, then by components with null first; missing components count as null.
pub(super) fn compare(orders: &[Comparator], a: &[u8], b: &[u8]) -> Ordering {
    if a.is_empty() || b.is_empty() {
        return a.len().min(1).cmp(&b.len().min(1));
    }
    let (mut a, mut b) = (components(a), components(b));
    for order in orders {
        let (left, right) = (a.next(), b.next());
        if left.is_none() && right.is_none() {
            return Ordering::Equal;
        }
        let by_component = match (left.flatten(), right.flatten()) {
            (Some(left), Some(right)) => order.compare(left, right),
            (left, right) => left.is_some().cmp(&right.is_some()),
        };
        if by_component != Ordering::Equal {
            return by_component;
        }
    }
    // Components beyond the type come from a newer definition of a UDT: only whether one is set counts.
    a.any(|component| component.is_some()).cmp(&b.any(|component| component.is_some()))
}

/// Where a tuple or UDT stands in messages.
pub(super) struct Frame<'a> {
    /// `tuple` or `UDT`.
    pub(super) kind: &'static str,
    /// Names the component at a place, as `component` or `field x`.
    pub(super) component: &'a dyn Fn(usize) -> String,
}

/// Checks the frame of a tuple of `count` components and calls `check` for each that is not null.
pub(super) fn validate(
    bytes: &[u8],
    count: usize,
    frame: &Frame<'_>,
    check: &mut PartCheck<'_>,
) -> Result<(), ValueError> {
    let mut rest = bytes;
    for place in 0..count {
        if rest.is_empty() {
            return Ok(());
        }
        let (length, behind) = rest.split_first_chunk::<4>().ok_or_else(|| {
            ValueError::new(format!("Not enough bytes to read size of {place}th {}", (frame.component)(place)))
        })?;
        rest = behind;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            continue;
        };
        let (component, behind) = rest.split_at_checked(length).ok_or_else(|| {
            ValueError::new(format!("Not enough bytes to read {place}th {}", (frame.component)(place)))
        })?;
        check(place, component)?;
        rest = behind;
    }
    if rest.is_empty() {
        return Ok(());
    }
    Err(ValueError::new(format!("Invalid remaining data after end of {} value", frame.kind)))
}
