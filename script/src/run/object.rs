//! What every object can: its class, `equals`, `hashCode`, `compareTo`.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

use super::Machine;
use crate::classes::Class;
use crate::convert::encode_text;
use crate::heap::{Fault, Freedom, Object, Outcome, Value, View, null_pointer, thrown};
use crate::limits::OBJECT_DEPTH_MAX;

fn too_deep<T>() -> Outcome<T> {
    Err(Fault::Limit("java.lang.StackOverflowError".to_owned()))
}

/// The hash of a string's units.
fn text_hash(units: &[u16]) -> i32 {
    units.iter().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(*unit)))
}

fn long_hash(n: i64) -> i32 {
    (n ^ ((n as u64) >> 32) as i64) as i32
}

/// The bits of a double, all not-a-numbers as one.
pub(crate) fn double_bits(n: f64) -> i64 {
    if n.is_nan() { 0x7ff8_0000_0000_0000 } else { n.to_bits() as i64 }
}

/// The bits of a float, all not-a-numbers as one.
pub(crate) fn float_bits(n: f32) -> i32 {
    if n.is_nan() { 0x7fc0_0000 } else { n.to_bits() as i32 }
}

fn big_hash(n: &BigInt) -> i32 {
    let (sign, digits) = n.to_u32_digits();
    let hash = digits.iter().rev().fold(0_i32, |hash, digit| hash.wrapping_mul(31).wrapping_add(*digit as i32));
    match sign {
        Sign::Minus => hash.wrapping_neg(),
        Sign::NoSign => 0,
        Sign::Plus => hash,
    }
}

/// Java's order of doubles: −0.0 before 0.0, not-a-number last.
pub(crate) fn compare_doubles(a: f64, b: f64) -> Ordering {
    if a.is_nan() || b.is_nan() {
        return a.is_nan().cmp(&b.is_nan());
    }
    a.total_cmp(&b)
}

impl Machine<'_> {
    /// The class of a value that is not null.
    pub(crate) fn class_of(&self, value: Value) -> Class {
        match value {
            Value::Null => Class::Object,
            Value::Boolean(_) => Class::Boolean,
            Value::Byte(_) => Class::Byte,
            Value::Short(_) => Class::Short,
            Value::Char(_) => Class::Character,
            Value::Int(_) => Class::Integer,
            Value::Long(_) => Class::Long,
            Value::Float(_) => Class::Float,
            Value::Double(_) => Class::Double,
            Value::Object(_) => match self.heap.get(value) {
                Ok(object) => class_of_object(object),
                Err(_) => Class::Object,
            },
        }
    }

    /// The characters of a string or builder.
    pub(crate) fn units(&self, value: Value) -> Outcome<&[u16]> {
        match self.heap.get(value)? {
            Object::Text(units) | Object::Builder(units) => Ok(units),
            _ => null_pointer(),
        }
    }

    /// A string as ours; half characters become `?`.
    pub(crate) fn string(&self, value: Value) -> Outcome<String> {
        Ok(String::from_utf8(encode_text(self.units(value)?)).unwrap_or_default())
    }

    pub(crate) fn new_text(&mut self, units: Vec<u16>) -> Outcome<Value> {
        self.work(units.len() as u64 / 16)?;
        self.heap.make(Object::Text(units))
    }

    pub(crate) fn new_string(&mut self, text: &str) -> Outcome<Value> {
        self.new_text(text.encode_utf16().collect())
    }

    pub(crate) fn new_list(&mut self, items: Vec<Value>) -> Outcome<Value> {
        self.work(items.len() as u64 / 4)?;
        self.heap.make(Object::List { class: Class::ArrayList, items, freedom: Freedom::Free, changes: 0 })
    }

    /// The elements of a collection, in the order of iteration.
    pub(crate) fn items(&mut self, value: Value) -> Outcome<Vec<Value>> {
        let (map, view) = match self.heap.get(value)? {
            Object::List { items, .. } => {
                let items = items.clone();
                self.work(items.len() as u64 / 16)?;
                return Ok(items);
            }
            Object::Set { table, .. } => {
                let items: Vec<Value> = table.in_order().into_iter().map(|(_, key, _)| key).collect();
                self.work(items.len() as u64)?;
                return Ok(items);
            }
            Object::View { map, view } => (*map, *view),
            _ => return null_pointer(),
        };
        let entries = self.map_entries(Value::Object(map))?;
        let mut out = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            out.push(match view {
                View::Keys => key,
                View::Values => value,
                View::Entries => self.heap.make(Object::Entry { map: Some(map), key, value })?,
            });
        }
        Ok(out)
    }

    /// The entries of a map, in the order of iteration.
    pub(crate) fn map_entries(&mut self, value: Value) -> Outcome<Vec<(Value, Value)>> {
        let Object::Map { table, .. } = self.heap.get(value)? else { return null_pointer() };
        let entries: Vec<(Value, Value)> = table.in_order().into_iter().map(|(_, key, value)| (key, value)).collect();
        self.work(entries.len() as u64)?;
        Ok(entries)
    }

    /// How many elements a collection or map has.
    pub(crate) fn size(&self, value: Value) -> Outcome<usize> {
        Ok(match self.heap.get(value)? {
            Object::List { items, .. } | Object::Array(items) => items.len(),
            Object::Set { table, .. } | Object::Map { table, .. } => table.size,
            Object::View { map, .. } => return self.size(Value::Object(*map)),
            _ => 0,
        })
    }

    /// How often a collection was changed; None for arrays.
    pub(crate) fn changes(&self, value: Value) -> Outcome<Option<u32>> {
        Ok(match self.heap.get(value)? {
            Object::List { changes, .. } => Some(*changes),
            Object::Set { table, .. } | Object::Map { table, .. } => Some(table.changes),
            Object::View { map, .. } => return self.changes(Value::Object(*map)),
            _ => None,
        })
    }

    /// `a.equals(b)`, null equal to null only.
    pub(crate) fn equals(&mut self, a: Value, b: Value) -> Outcome<bool> {
        self.equals_at(a, b, 0)
    }

    fn equals_at(&mut self, a: Value, b: Value, depth: u32) -> Outcome<bool> {
        self.work(1)?;
        if depth > OBJECT_DEPTH_MAX {
            return too_deep();
        }
        Ok(match (a, b) {
            (Value::Null, Value::Null) => true,
            (Value::Boolean(a), Value::Boolean(b)) => a == b,
            (Value::Byte(a), Value::Byte(b)) => a == b,
            (Value::Short(a), Value::Short(b)) => a == b,
            (Value::Char(a), Value::Char(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Long(a), Value::Long(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => float_bits(a) == float_bits(b),
            (Value::Double(a), Value::Double(b)) => double_bits(a) == double_bits(b),
            (Value::Object(x), Value::Object(y)) if x == y => true,
            (Value::Object(_), Value::Object(_)) => return self.objects_equal(a, b, depth),
            _ => false,
        })
    }

    fn objects_equal(&mut self, a: Value, b: Value, depth: u32) -> Outcome<bool> {
        let (left, right) = (self.heap.get(a)?, self.heap.get(b)?);
        Ok(match (left, right) {
            (Object::Text(a), Object::Text(b)) => a == b,
            (Object::Big(a), Object::Big(b)) => a == b,
            (Object::Decimal(a), Object::Decimal(b)) => a == b,
            (Object::Rounding(a), Object::Rounding(b)) => a == b,
            (Object::Uuid(a), Object::Uuid(b)) => a == b,
            (Object::Date(a), Object::Date(b)) => a == b,
            (Object::Inet(a), Object::Inet(b)) => a == b,
            (Object::LocalDate(a), Object::LocalDate(b)) => a == b,
            (Object::Duration(a), Object::Duration(b)) => a == b,
            (
                Object::Bytes { data: a, position: from_a, limit: to_a },
                Object::Bytes { data: b, position: from_b, limit: to_b },
            ) => a.get(*from_a..*to_a) == b.get(*from_b..*to_b),
            (Object::Components { ty: ta, values: a }, Object::Components { ty: tb, values: b }) => ta == tb && a == b,
            (Object::Entry { key: ka, value: va, .. }, Object::Entry { key: kb, value: vb, .. }) => {
                let (ka, va, kb, vb) = (*ka, *va, *kb, *vb);
                self.equals_at(ka, kb, depth + 1)? && self.equals_at(va, vb, depth + 1)?
            }
            (Object::List { items: x, .. }, Object::List { items: y, .. }) => {
                if x.len() != y.len() {
                    return Ok(false);
                }
                let pairs: Vec<(Value, Value)> = x.iter().copied().zip(y.iter().copied()).collect();
                for (x, y) in pairs {
                    if !self.equals_at(x, y, depth + 1)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Object::Map { .. }, Object::Map { .. }) => {
                if self.size(a)? != self.size(b)? {
                    return Ok(false);
                }
                for (key, value) in self.map_entries(a)? {
                    match self.table_get(b, key)? {
                        Some(other) if self.equals_at(value, other, depth + 1)? => {}
                        _ => return Ok(false),
                    }
                }
                true
            }
            (Object::Set { .. } | Object::View { .. }, Object::Set { .. } | Object::View { .. }) => {
                if self.size(a)? != self.size(b)? {
                    return Ok(false);
                }
                let others = self.items(b)?;
                for item in self.items(a)? {
                    let mut found =
                        matches!(self.heap.get(b)?, Object::Set { .. }) && self.table_find(b, item)?.is_ok();
                    for other in &others {
                        if found {
                            break;
                        }
                        found = self.equals_at(item, *other, depth + 1)?;
                    }
                    if !found {
                        return Ok(false);
                    }
                }
                true
            }
            _ => false,
        })
    }

    /// `hashCode()`; of null 0.
    pub(crate) fn hash(&mut self, value: Value) -> Outcome<i32> {
        self.hash_at(value, 0)
    }

    fn hash_at(&mut self, value: Value, depth: u32) -> Outcome<i32> {
        self.work(1)?;
        if depth > OBJECT_DEPTH_MAX {
            return too_deep();
        }
        let object = match value {
            Value::Null => return Ok(0),
            Value::Boolean(b) => return Ok(if b { 1231 } else { 1237 }),
            Value::Byte(n) => return Ok(n.into()),
            Value::Short(n) => return Ok(n.into()),
            Value::Char(n) => return Ok(n.into()),
            Value::Int(n) => return Ok(n),
            Value::Long(n) => return Ok(long_hash(n)),
            Value::Float(n) => return Ok(float_bits(n)),
            Value::Double(n) => return Ok(long_hash(double_bits(n))),
            Value::Object(_) => self.heap.get(value)?,
        };
        Ok(match object {
            Object::Text(units) => text_hash(units),
            Object::Big(n) => big_hash(n),
            Object::Decimal(n) => big_hash(&n.unscaled).wrapping_mul(31).wrapping_add(n.scale),
            Object::Uuid(n) => long_hash((*n >> 64) as i64 ^ *n as i64),
            Object::Date(n) => long_hash(*n),
            Object::LocalDate(days) => long_hash(i64::from(*days)),
            Object::Inet(address) => match address {
                std::net::IpAddr::V4(v4) => u32::from(*v4) as i32,
                std::net::IpAddr::V6(v6) => {
                    let words = v6.octets();
                    let words =
                        words.chunks(4).map(|w| w.iter().fold(0_i32, |n, b| (n << 8).wrapping_add(i32::from(*b))));
                    words.fold(0_i32, i32::wrapping_add)
                }
            },
            Object::Duration(d) => {
                long_hash(d.nanoseconds).wrapping_add(d.days.wrapping_mul(31)).wrapping_add(d.months.wrapping_mul(961))
            }
            Object::Bytes { data, position, limit } => {
                let bytes = data.get(*position..*limit).unwrap_or_default();
                bytes.iter().rev().fold(1_i32, |hash, b| hash.wrapping_mul(31).wrapping_add(i32::from(*b as i8)))
            }
            Object::Components { values, .. } => values
                .iter()
                .flatten()
                .flatten()
                .fold(31_i32, |hash, b| hash.wrapping_mul(31).wrapping_add(i32::from(*b))),
            Object::Entry { key, value, .. } => {
                let (key, value) = (*key, *value);
                self.hash_at(key, depth + 1)? ^ self.hash_at(value, depth + 1)?
            }
            Object::List { .. } => {
                let mut hash = 1_i32;
                for item in self.items(value)? {
                    hash = hash.wrapping_mul(31).wrapping_add(self.hash_at(item, depth + 1)?);
                }
                hash
            }
            Object::Set { .. } | Object::View { .. } => {
                let mut hash = 0_i32;
                for item in self.items(value)? {
                    hash = hash.wrapping_add(self.hash_at(item, depth + 1)?);
                }
                hash
            }
            Object::Map { .. } => {
                let mut hash = 0_i32;
                for (key, value) in self.map_entries(value)? {
                    hash = hash.wrapping_add(self.hash_at(key, depth + 1)? ^ self.hash_at(value, depth + 1)?);
                }
                hash
            }
            _ => {
                return thrown(Class::UnsupportedOperationException, "not supported yet: the hash code of this object");
            }
        })
    }

    /// `a.compareTo(b)` as an order.
    pub(crate) fn compare(&self, a: Value, b: Value) -> Outcome<Ordering> {
        Ok(match (a, b) {
            (Value::Null, _) | (_, Value::Null) => return null_pointer(),
            (Value::Boolean(a), Value::Boolean(b)) => a.cmp(&b),
            (Value::Byte(a), Value::Byte(b)) => a.cmp(&b),
            (Value::Short(a), Value::Short(b)) => a.cmp(&b),
            (Value::Char(a), Value::Char(b)) => a.cmp(&b),
            (Value::Int(a), Value::Int(b)) => a.cmp(&b),
            (Value::Long(a), Value::Long(b)) => a.cmp(&b),
            (Value::Float(a), Value::Float(b)) => compare_doubles(a.into(), b.into()),
            (Value::Double(a), Value::Double(b)) => compare_doubles(a, b),
            (Value::Object(_), Value::Object(_)) => match (self.heap.get(a)?, self.heap.get(b)?) {
                (Object::Text(a), Object::Text(b)) => a.cmp(b),
                (Object::Big(a), Object::Big(b)) => a.cmp(b),
                (Object::Decimal(a), Object::Decimal(b)) => a.compare_numeric(b),
                (Object::Date(a), Object::Date(b)) => a.cmp(b),
                (Object::Uuid(a), Object::Uuid(b)) => {
                    let halves = |n: u128| ((n >> 64) as i64, n as i64);
                    halves(*a).cmp(&halves(*b))
                }
                (
                    Object::Bytes { data: a, position: from_a, limit: to_a },
                    Object::Bytes { data: b, position: from_b, limit: to_b },
                ) => {
                    let signed = |data: &[u8], from: usize, to: usize| {
                        data.get(from..to).unwrap_or_default().iter().map(|b| *b as i8).collect::<Vec<i8>>()
                    };
                    signed(a, *from_a, *to_a).cmp(&signed(b, *from_b, *to_b))
                }
                _ => return self.not_comparable(a, b),
            },
            _ => return self.not_comparable(a, b),
        })
    }

    fn not_comparable<T>(&self, a: Value, b: Value) -> Outcome<T> {
        let (a, b) = (self.class_of(a), self.class_of(b));
        let wanted = if a.is_subclass(Class::Comparable) { b.full_name() } else { "java.lang.Comparable" };
        thrown(Class::ClassCastException, super::cast_message(a.full_name(), wanted))
    }
}

fn class_of_object(object: &Object) -> Class {
    match object {
        Object::Text(_) => Class::String,
        Object::Builder(_) => Class::StringBuilder,
        Object::Big(_) => Class::BigInteger,
        Object::Decimal(_) => Class::BigDecimal,
        Object::Rounding(_) => Class::RoundingMode,
        Object::Uuid(_) => Class::Uuid,
        Object::Date(_) => Class::Date,
        Object::Inet(_) => Class::InetAddress,
        Object::Bytes { .. } => Class::ByteBuffer,
        Object::LocalDate(_) => Class::LocalDate,
        Object::Duration(_) => Class::Duration,
        Object::List { class, .. } | Object::Set { class, .. } | Object::Map { class, .. } => *class,
        Object::View { view: View::Values, .. } => Class::Collection,
        Object::View { .. } => Class::Set,
        Object::Entry { .. } => Class::Entry,
        Object::Iterator { .. } => Class::Iterator,
        Object::Array(_) | Object::Plain => Class::Object,
        Object::Components { ty, .. } if ty.is_udt() => Class::UdtValue,
        Object::Components { .. } => Class::TupleValue,
        Object::Context => Class::UdfContext,
        Object::Thrown(class, _) => *class,
    }
}
