//! Values, and the objects of one call. Objects live until the call ends: nothing is freed before, so cycles do no harm, and what a call
//! may make in all is bounded.

use std::net::IpAddr;

use helenus_model::types::CqlType;
use helenus_model::value::{Decimal, Duration};
use num_bigint::BigInt;
use rustc_hash::FxHashMap;

use crate::classes::Class;
use crate::limits::HEAP_BYTES_MAX;

/// A value of a variable.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    Byte(i8),
    Short(i16),
    Char(u16),
    Int(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    /// The number of an object.
    Object(u32),
}

/// Why a call ends early.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// An exception of this class with its message.
    Thrown(Class, Option<String>),
    /// A limit; nothing catches it.
    Limit(String),
}

pub(crate) type Outcome<T> = Result<T, Fault>;

/// An exception with a message.
pub(crate) fn thrown<T>(class: Class, message: impl Into<String>) -> Outcome<T> {
    Err(Fault::Thrown(class, Some(message.into())))
}

pub(crate) fn null_pointer<T>() -> Outcome<T> {
    Err(Fault::Thrown(Class::NullPointerException, None))
}

/// How a map or set orders its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// As Java's HashMap: by the hash within a power of two, then as inserted.
    Hash { capacity: u32 },
    /// As inserted.
    Linked,
    /// By the keys.
    Tree,
}

/// An entry of a table: the key's hash, the key, the value (null in sets).
pub(crate) type TableEntry = (i32, Value, Value);

/// The entries of a map or set.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) order: Order,
    /// As inserted, with gaps where entries were removed; sorted for trees.
    pub(crate) entries: Vec<Option<TableEntry>>,
    /// Places of the entries by hash; empty for trees.
    pub(crate) index: FxHashMap<i32, Vec<u32>>,
    pub(crate) size: usize,
    /// Counts insertions and removals.
    pub(crate) changes: u32,
}

impl Table {
    pub(crate) fn new(order: Order) -> Self {
        Table { order, entries: Vec::new(), index: FxHashMap::default(), size: 0, changes: 0 }
    }

    /// The entries in the order of iteration.
    pub(crate) fn in_order(&self) -> Vec<TableEntry> {
        let mut entries: Vec<TableEntry> = self.entries.iter().flatten().copied().collect();
        if let Order::Hash { capacity } = self.order {
            entries.sort_by_key(|(hash, _, _)| ((*hash as u32) ^ (*hash as u32 >> 16)) & (capacity - 1));
        }
        entries
    }

    /// Adds an entry of a key that is not there. `place` is where trees put it.
    pub(crate) fn insert(&mut self, place: usize, hash: i32, key: Value, value: Value) {
        self.size += 1;
        self.changes += 1;
        if self.order == Order::Tree {
            self.entries.insert(place.min(self.entries.len()), Some((hash, key, value)));
            return;
        }
        self.index.entry(hash).or_default().push(self.entries.len() as u32);
        self.entries.push(Some((hash, key, value)));
        if let Order::Hash { capacity } = &mut self.order
            && self.size as u64 * 4 > u64::from(*capacity) * 3
        {
            *capacity *= 2;
        }
    }

    /// Removes the entry at a place.
    pub(crate) fn remove(&mut self, place: usize) {
        self.size -= 1;
        self.changes += 1;
        if self.order == Order::Tree {
            self.entries.remove(place);
            return;
        }
        if let Some((hash, _, _)) = self.entries.get_mut(place).and_then(Option::take)
            && let Some(places) = self.index.get_mut(&hash)
        {
            places.retain(|found| *found as usize != place);
        }
        if self.entries.len() > 2 * self.size + 32 {
            self.entries.retain(Option::is_some);
            self.index.clear();
            for (place, (hash, _, _)) in self.entries.iter().flatten().enumerate() {
                self.index.entry(*hash).or_default().push(place as u32);
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.index.clear();
        self.size = 0;
        self.changes += 1;
    }
}

/// Which part of a map a view shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Keys,
    Values,
    Entries,
}

/// What may be done to a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freedom {
    Free,
    /// Elements may be replaced.
    FixedSize,
    ReadOnly,
}

/// An object.
#[derive(Clone, Debug)]
pub(crate) enum Object {
    Text(Vec<u16>),
    Builder(Vec<u16>),
    Big(BigInt),
    Decimal(Decimal),
    Rounding(&'static str),
    Uuid(u128),
    /// Milliseconds since the epoch.
    Date(i64),
    Inet(IpAddr),
    Bytes {
        data: Vec<u8>,
        position: usize,
        limit: usize,
    },
    /// Days since the epoch.
    LocalDate(i32),
    Duration(Duration),
    List {
        class: Class,
        items: Vec<Value>,
        freedom: Freedom,
        changes: u32,
    },
    Set {
        class: Class,
        table: Table,
        read_only: bool,
    },
    Map {
        class: Class,
        table: Table,
        read_only: bool,
    },
    View {
        map: u32,
        view: View,
    },
    /// An entry: of a map if it is one of a map.
    Entry {
        map: Option<u32>,
        key: Value,
        value: Value,
    },
    Iterator {
        items: Vec<Value>,
        next: usize,
        of: u32,
    },
    Array(Vec<Value>),
    /// A tuple, or a value of a user-defined type: serialized components.
    Components {
        ty: CqlType,
        values: Vec<Option<Vec<u8>>>,
    },
    Context,
    Thrown(Class, Option<String>),
    /// `new Object()`
    Plain,
}

impl Object {
    /// About how much memory it takes, bytes.
    fn weight(&self) -> usize {
        64 + match self {
            Object::Text(units) | Object::Builder(units) => units.len() * 2,
            Object::Big(number) => (number.bits() / 8) as usize,
            Object::Decimal(number) => (number.unscaled.bits() / 8) as usize,
            Object::Bytes { data, .. } => data.len(),
            Object::List { items, .. } | Object::Array(items) | Object::Iterator { items, .. } => items.len() * 16,
            Object::Set { table, .. } | Object::Map { table, .. } => table.entries.len() * 96,
            Object::Components { values, .. } => {
                values.iter().map(|value| 24 + value.as_ref().map_or(0, Vec::len)).sum()
            }
            Object::Thrown(_, message) => message.as_ref().map_or(0, String::len),
            _ => 0,
        }
    }
}

/// The objects of a call.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    objects: Vec<Object>,
    bytes: usize,
}

impl Heap {
    /// Counts memory that an object grows by.
    pub(crate) fn charge(&mut self, bytes: usize) -> Outcome<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > HEAP_BYTES_MAX {
            return Err(Fault::Limit(format!("the function made objects of more than {HEAP_BYTES_MAX} bytes")));
        }
        Ok(())
    }

    /// Makes an object.
    pub(crate) fn make(&mut self, object: Object) -> Outcome<Value> {
        self.charge(object.weight())?;
        self.objects.push(object);
        Ok(Value::Object((self.objects.len() - 1) as u32))
    }

    /// An object; null is an exception.
    pub(crate) fn get(&self, value: Value) -> Outcome<&Object> {
        match value {
            Value::Object(number) => self.objects.get(number as usize).map_or_else(null_pointer, Ok),
            Value::Null => null_pointer(),
            _ => Ok(&Object::Plain),
        }
    }

    /// An object to be changed; null is an exception.
    pub(crate) fn get_mut(&mut self, value: Value) -> Outcome<&mut Object> {
        match value {
            Value::Object(number) => self.objects.get_mut(number as usize).map_or_else(null_pointer, Ok),
            _ => null_pointer(),
        }
    }
}
