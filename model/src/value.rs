//! Values: encode, decode, compare, validate, by type.

use std::cmp::Ordering;

use crate::types::CqlType;

/// Compares values of one type.
#[derive(Clone, Debug)]
pub struct Comparator {
    reversed: bool,
    ty: CqlType,
}

impl Comparator {
    /// For a type.
    pub fn for_type(ty: &CqlType) -> Self {
        Comparator { reversed: false, ty: ty.clone() }
    }
    /// The opposite order.
    pub fn reversed(self) -> Self {
        Comparator { reversed: !self.reversed, ..self }
    }
    /// Compares.
    pub fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        let order = match self.ty {
            CqlType::Int => i32::from_be_bytes(a.try_into().unwrap_or_default()).cmp(&i32::from_be_bytes(b.try_into().unwrap_or_default())),
            _ => a.cmp(b),
        };
        if self.reversed { order.reverse() } else { order }
    }
}
