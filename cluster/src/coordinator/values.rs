//! Values as the protocol brings them, in the form `query` binds.

use helenus_cql_protocol::notation::{Value, Values};
use helenus_query::prepare::Prepared;
use helenus_query::values::{BoundValue, BoundValues};

const INLINE: usize = 16;

/// The values of one execution by marker number; up to 16 without an allocation.
#[derive(Debug)]
pub(crate) struct RequestValues<'a> {
    inline: [BoundValue<'a>; INLINE],
    spilled: Vec<BoundValue<'a>>,
    len: usize,
}

fn bound(value: Value<'_>) -> BoundValue<'_> {
    match value {
        Value::Null => BoundValue::Null,
        Value::Unset => BoundValue::Unset,
        Value::Bytes(bytes) => BoundValue::Bytes(bytes),
    }
}

impl<'a> RequestValues<'a> {
    /// Puts the values into the order of the statement's markers; None when there are too many or too few.
    #[inline]
    pub(crate) fn new(values: &Values<'a>, prepared: &Prepared) -> Option<Self> {
        let mut out = RequestValues { inline: [BoundValue::Null; INLINE], spilled: Vec::new(), len: 0 };
        if values.is_named() {
            for (i, slot) in prepared.binds.iter().enumerate() {
                let name = prepared.marker_names.get(i).and_then(Option::as_deref).unwrap_or(&slot.name);
                out.push(bound(values.get_named(name)?));
            }
        } else {
            for value in values.iter() {
                out.push(bound(value));
            }
        }
        (out.len == prepared.binds.len()).then_some(out)
    }

    #[inline]
    fn push(&mut self, value: BoundValue<'a>) {
        match self.inline.get_mut(self.len) {
            Some(slot) => *slot = value,
            None => self.spilled.push(value),
        }
        self.len += 1;
    }
}

impl BoundValues for RequestValues<'_> {
    fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn get(&self, index: usize) -> BoundValue<'_> {
        if index >= self.len {
            return BoundValue::Null;
        }
        match self.inline.get(index) {
            Some(value) => *value,
            None => self.spilled.as_slice().get(index - INLINE).copied().unwrap_or(BoundValue::Null),
        }
    }
}
