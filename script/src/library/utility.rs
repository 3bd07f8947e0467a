//! `Object`, `UUID`, `Date`, `InetAddress`, `ByteBuffer`, exceptions, and the static helpers of `java.util`.

use helenus_model::value::{decode_uuid, timeuuid_unix_millis};

use super::math::{float, int, long, number};
use super::text::at;
use super::{Members, Method};
use crate::classes::Class;
use crate::heap::{Fault, Freedom, Object, Order, Outcome, Table, Value, null_pointer, thrown};
use crate::run::{Machine, inet_text};

pub(super) fn compare_to(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    Ok(Value::Int(m.compare(at(a, 0), at(a, 1))? as i32))
}

fn text(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    if let Value::Object(_) = at(a, 0)
        && let Object::Text(_) = m.heap.get(at(a, 0))?
    {
        return Ok(at(a, 0));
    }
    let units = m.show_units(at(a, 0))?;
    m.new_text(units)
}

pub(super) const OBJECT: &[Method] = &[
    ("equals(Object) boolean", |m, a| Ok(Value::Boolean(m.equals(at(a, 0), at(a, 1))?))),
    ("hashCode() int", |m, a| Ok(Value::Int(m.hash(at(a, 0))?))),
    ("toString() String", text),
];

pub(super) const COMPARABLE: &[Method] = &[("compareTo(Object) int", compare_to)];

pub(super) const THROWABLE: &[Method] = &[("getMessage() String", message), ("getLocalizedMessage() String", message)];

fn message(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    match m.heap.get(at(a, 0))? {
        Object::Thrown(_, Some(text)) => {
            let text = text.clone();
            m.new_string(&text)
        }
        _ => Ok(Value::Null),
    }
}

fn uuid_of(m: &Machine<'_>, value: Value) -> Outcome<u128> {
    match m.heap.get(value)? {
        Object::Uuid(uuid) => Ok(*uuid),
        _ => null_pointer(),
    }
}

pub(super) fn uuid() -> Members {
    Members {
        methods: &[
            ("version() int", |m, a| Ok(Value::Int((uuid_of(m, at(a, 0))? >> 76) as i32 & 0xf))),
            ("variant() int", |m, a| {
                let low = uuid_of(m, at(a, 0))? as u64;
                Ok(Value::Int(match low >> 61 {
                    0..=3 => 0,
                    4 | 5 => 2,
                    6 => 6,
                    _ => 7,
                }))
            }),
            ("getMostSignificantBits() long", |m, a| Ok(Value::Long((uuid_of(m, at(a, 0))? >> 64) as i64))),
            ("getLeastSignificantBits() long", |m, a| Ok(Value::Long(uuid_of(m, at(a, 0))? as i64))),
            ("timestamp() long", |m, a| {
                let uuid = uuid::Uuid::from_u128(uuid_of(m, at(a, 0))?);
                if decode_uuid(uuid.as_bytes()).as_ref().and_then(timeuuid_unix_millis).is_none() {
                    return thrown(Class::UnsupportedOperationException, "Not a time-based UUID");
                }
                let n = uuid.as_u128();
                let ticks = ((n >> 64 & 0xfff) << 48) | ((n >> 80 & 0xffff) << 32) | (n >> 96);
                Ok(Value::Long(ticks as i64))
            }),
            ("compareTo(UUID) int", compare_to),
        ],
        constructors: &[("new(long,long) UUID", |m, a| {
            let uuid = (u128::from(long(a, 0) as u64) << 64) | u128::from(long(a, 1) as u64);
            m.heap.make(Object::Uuid(uuid))
        })],
        statics: &[("fromString(String) UUID", |m, a| {
            let text = m.string(at(a, 0))?;
            let groups: Vec<Option<u64>> = text.split('-').map(|group| u64::from_str_radix(group, 16).ok()).collect();
            match groups.as_slice() {
                [Some(a), Some(b), Some(c), Some(d), Some(e)] if text.len() <= 36 => {
                    let high = ((a & 0xffff_ffff) << 32) | ((b & 0xffff) << 16) | (c & 0xffff);
                    let low = ((d & 0xffff) << 48) | (e & 0xffff_ffff_ffff);
                    m.heap.make(Object::Uuid((u128::from(high) << 64) | u128::from(low)))
                }
                [_, _, _, _, _] if text.len() > 36 => thrown(Class::IllegalArgumentException, "UUID string too large"),
                _ => thrown(Class::IllegalArgumentException, format!("Invalid UUID string: {text}")),
            }
        })],
        ..Members::default()
    }
}

fn millis(m: &Machine<'_>, value: Value) -> Outcome<i64> {
    match m.heap.get(value)? {
        Object::Date(millis) => Ok(*millis),
        _ => null_pointer(),
    }
}

pub(super) fn date() -> Members {
    Members {
        methods: &[
            ("getTime() long", |m, a| Ok(Value::Long(millis(m, at(a, 0))?))),
            ("setTime(long) void", |m, a| {
                if let Object::Date(millis) = m.heap.get_mut(at(a, 0))? {
                    *millis = long(a, 1);
                }
                Ok(Value::Null)
            }),
            ("before(Date) boolean", |m, a| Ok(Value::Boolean(millis(m, at(a, 0))? < millis(m, at(a, 1))?))),
            ("after(Date) boolean", |m, a| Ok(Value::Boolean(millis(m, at(a, 0))? > millis(m, at(a, 1))?))),
            ("compareTo(Date) int", compare_to),
        ],
        constructors: &[("new(long) Date", |m, a| m.heap.make(Object::Date(long(a, 0))))],
        ..Members::default()
    }
}

pub(super) fn inet() -> Members {
    Members {
        methods: &[
            ("getHostAddress() String", |m, a| {
                let Object::Inet(address) = m.heap.get(at(a, 0))? else { return null_pointer() };
                let text = inet_text(*address);
                m.new_string(&text)
            }),
            ("getAddress() byte[]", |m, a| {
                let Object::Inet(address) = m.heap.get(at(a, 0))? else { return null_pointer() };
                let bytes = match address {
                    std::net::IpAddr::V4(v4) => v4.octets().to_vec(),
                    std::net::IpAddr::V6(v6) => v6.octets().to_vec(),
                };
                let items = bytes.into_iter().map(|byte| Value::Byte(byte as i8)).collect();
                m.heap.make(Object::Array(items))
            }),
            ("isLoopbackAddress() boolean", |m, a| {
                let Object::Inet(address) = m.heap.get(at(a, 0))? else { return null_pointer() };
                Ok(Value::Boolean(address.is_loopback()))
            }),
        ],
        ..Members::default()
    }
}

/// Content and range of a buffer.
fn buffer<'m>(m: &'m Machine<'_>, value: Value) -> Outcome<(&'m [u8], usize, usize)> {
    match m.heap.get(value)? {
        Object::Bytes { data, position, limit } => Ok((data, *position, *limit)),
        _ => null_pointer(),
    }
}

/// The next bytes of a buffer, or those at an index.
fn read<const N: usize>(m: &mut Machine<'_>, a: &[Value]) -> Outcome<[u8; N]> {
    let (data, position, limit) = buffer(m, at(a, 0))?;
    let absolute = a.len() > 1;
    let start = if absolute { usize::try_from(int(a, 1)).unwrap_or(usize::MAX) } else { position };
    let end = start.saturating_add(N);
    let found = data.get(..limit).and_then(|data| data.get(start..end)).and_then(|found| found.try_into().ok());
    let Some(found) = found else {
        let class = if absolute { Class::IndexOutOfBoundsException } else { Class::BufferUnderflowException };
        return Err(Fault::Thrown(class, None));
    };
    if !absolute && let Object::Bytes { position, .. } = m.heap.get_mut(at(a, 0))? {
        *position = end;
    }
    Ok(found)
}

/// Puts bytes at the position, or at an index.
fn write(m: &mut Machine<'_>, a: &[Value], absolute: bool, bytes: &[u8]) -> Outcome<Value> {
    let Object::Bytes { data, position, limit } = m.heap.get_mut(at(a, 0))? else { return null_pointer() };
    let start = if absolute { usize::try_from(int(a, 1)).unwrap_or(usize::MAX) } else { *position };
    let end = start.saturating_add(bytes.len());
    let Some(place) = data.get_mut(..*limit).and_then(|data| data.get_mut(start..end)) else {
        let class = if absolute { Class::IndexOutOfBoundsException } else { Class::BufferOverflowException };
        return Err(Fault::Thrown(class, None));
    };
    place.copy_from_slice(bytes);
    if !absolute {
        *position = end;
    }
    Ok(at(a, 0))
}

fn byte_array(m: &Machine<'_>, value: Value) -> Outcome<Vec<u8>> {
    match m.heap.get(value)? {
        Object::Array(items) => Ok(items.iter().map(|item| item.to_int() as u8).collect()),
        _ => null_pointer(),
    }
}

pub(super) fn bytes() -> Members {
    Members {
        methods: &[
            ("remaining() int", |m, a| buffer(m, at(a, 0)).map(|(_, from, to)| Value::Int((to - from) as i32))),
            ("hasRemaining() boolean", |m, a| buffer(m, at(a, 0)).map(|(_, from, to)| Value::Boolean(to > from))),
            ("position() int", |m, a| buffer(m, at(a, 0)).map(|(_, from, _)| Value::Int(from as i32))),
            ("limit() int", |m, a| buffer(m, at(a, 0)).map(|(_, _, to)| Value::Int(to as i32))),
            ("capacity() int", |m, a| buffer(m, at(a, 0)).map(|(data, _, _)| Value::Int(data.len() as i32))),
            ("position(int) ByteBuffer", |m, a| {
                let to = int(a, 1);
                let Object::Bytes { position, limit, .. } = m.heap.get_mut(at(a, 0))? else { return null_pointer() };
                match usize::try_from(to).ok().filter(|to| to <= limit) {
                    Some(to) => *position = to,
                    None => return Err(Fault::Thrown(Class::IllegalArgumentException, None)),
                }
                Ok(at(a, 0))
            }),
            ("get() byte", |m, a| Ok(Value::Byte(i8::from_be_bytes(read(m, a)?)))),
            ("get(int) byte", |m, a| Ok(Value::Byte(i8::from_be_bytes(read(m, a)?)))),
            ("getShort() short", |m, a| Ok(Value::Short(i16::from_be_bytes(read(m, a)?)))),
            ("getShort(int) short", |m, a| Ok(Value::Short(i16::from_be_bytes(read(m, a)?)))),
            ("getInt() int", |m, a| Ok(Value::Int(i32::from_be_bytes(read(m, a)?)))),
            ("getInt(int) int", |m, a| Ok(Value::Int(i32::from_be_bytes(read(m, a)?)))),
            ("getLong() long", |m, a| Ok(Value::Long(i64::from_be_bytes(read(m, a)?)))),
            ("getLong(int) long", |m, a| Ok(Value::Long(i64::from_be_bytes(read(m, a)?)))),
            ("getFloat() float", |m, a| Ok(Value::Float(f32::from_be_bytes(read(m, a)?)))),
            ("getDouble() double", |m, a| Ok(Value::Double(f64::from_be_bytes(read(m, a)?)))),
            ("put(byte) ByteBuffer", |m, a| write(m, a, false, &[int(a, 1) as u8])),
            ("put(int,byte) ByteBuffer", |m, a| write(m, a, true, &[int(a, 2) as u8])),
            ("put(byte[]) ByteBuffer", |m, a| {
                let bytes = byte_array(m, at(a, 1))?;
                write(m, a, false, &bytes)
            }),
            ("putShort(short) ByteBuffer", |m, a| write(m, a, false, &(int(a, 1) as i16).to_be_bytes())),
            ("putInt(int) ByteBuffer", |m, a| write(m, a, false, &int(a, 1).to_be_bytes())),
            ("putInt(int,int) ByteBuffer", |m, a| write(m, a, true, &int(a, 2).to_be_bytes())),
            ("putLong(long) ByteBuffer", |m, a| write(m, a, false, &long(a, 1).to_be_bytes())),
            ("putLong(int,long) ByteBuffer", |m, a| write(m, a, true, &long(a, 2).to_be_bytes())),
            ("putFloat(float) ByteBuffer", |m, a| write(m, a, false, &float(a, 1).to_be_bytes())),
            ("putDouble(double) ByteBuffer", |m, a| write(m, a, false, &number(a, 1).to_be_bytes())),
            ("flip() ByteBuffer", |m, a| {
                let Object::Bytes { position, limit, .. } = m.heap.get_mut(at(a, 0))? else { return null_pointer() };
                (*limit, *position) = (*position, 0);
                Ok(at(a, 0))
            }),
            ("rewind() ByteBuffer", |m, a| {
                let Object::Bytes { position, .. } = m.heap.get_mut(at(a, 0))? else { return null_pointer() };
                *position = 0;
                Ok(at(a, 0))
            }),
            ("clear() ByteBuffer", |m, a| {
                let Object::Bytes { position, limit, data } = m.heap.get_mut(at(a, 0))? else { return null_pointer() };
                (*limit, *position) = (data.len(), 0);
                Ok(at(a, 0))
            }),
            ("array() byte[]", |m, a| {
                let items = buffer(m, at(a, 0))?.0.iter().map(|byte| Value::Byte(*byte as i8)).collect();
                m.heap.make(Object::Array(items))
            }),
            ("compareTo(ByteBuffer) int", compare_to),
        ],
        statics: &[
            ("allocate(int) ByteBuffer", |m, a| {
                let size = int(a, 0);
                if size < 0 {
                    return thrown(Class::IllegalArgumentException, format!("capacity < 0: ({size} < 0)"));
                }
                m.heap.charge(size as usize)?;
                m.heap.make(Object::Bytes { data: vec![0; size as usize], position: 0, limit: size as usize })
            }),
            ("wrap(byte[]) ByteBuffer", |m, a| {
                let data = byte_array(m, at(a, 0))?;
                let limit = data.len();
                m.heap.make(Object::Bytes { data, position: 0, limit })
            }),
        ],
        ..Members::default()
    }
}

fn array(m: &Machine<'_>, value: Value) -> Outcome<Vec<Value>> {
    match m.heap.get(value)? {
        Object::Array(items) => Ok(items.clone()),
        _ => null_pointer(),
    }
}

/// Sorts by `compareTo`, stably.
pub(super) fn sorted(m: &mut Machine<'_>, items: Vec<Value>) -> Outcome<Vec<Value>> {
    m.work(items.len() as u64 * 8)?;
    let mut fault = None;
    let mut items = items;
    let machine = &*m;
    items.sort_by(|a, b| {
        machine.compare(*a, *b).unwrap_or_else(|found| {
            fault.get_or_insert(found);
            std::cmp::Ordering::Equal
        })
    });
    match fault {
        Some(fault) => Err(fault),
        None => Ok(items),
    }
}

fn set_array(m: &mut Machine<'_>, value: Value, new: Vec<Value>) -> Outcome<Value> {
    if let Object::Array(items) = m.heap.get_mut(value)? {
        *items = new;
    }
    Ok(Value::Null)
}

fn sort_array(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let items = array(m, at(a, 0))?;
    let items = sorted(m, items)?;
    set_array(m, at(a, 0), items)
}

fn fill(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let length = array(m, at(a, 0))?.len();
    m.work(length as u64 / 4)?;
    set_array(m, at(a, 0), vec![at(a, 1); length])
}

fn show_array(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    if matches!(at(a, 0), Value::Null) {
        return m.new_string("null");
    }
    let items = array(m, at(a, 0))?;
    let list = m.new_list(items)?;
    let units = m.show_units(list)?;
    m.new_text(units)
}

pub(super) const ARRAYS: &[Method] = &[
    ("asList(T...) List<T>", |m, a| {
        let items = array(m, at(a, 0))?;
        m.heap.make(Object::List { class: Class::List, items, freedom: Freedom::FixedSize, changes: 0 })
    }),
    ("sort(int[]) void", sort_array),
    ("sort(long[]) void", sort_array),
    ("sort(double[]) void", sort_array),
    ("sort(char[]) void", sort_array),
    ("sort(Object[]) void", sort_array),
    ("fill(int[],int) void", fill),
    ("fill(long[],long) void", fill),
    ("fill(double[],double) void", fill),
    ("fill(char[],char) void", fill),
    ("fill(boolean[],boolean) void", fill),
    ("fill(Object[],Object) void", fill),
    ("toString(int[]) String", show_array),
    ("toString(long[]) String", show_array),
    ("toString(double[]) String", show_array),
    ("toString(char[]) String", show_array),
    ("toString(byte[]) String", show_array),
    ("toString(boolean[]) String", show_array),
    ("toString(Object[]) String", show_array),
];

fn items_of(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Vec<Value>> {
    m.items(at(a, 0))
}

fn set_items(m: &mut Machine<'_>, list: Value, new: Vec<Value>) -> Outcome<Value> {
    match m.heap.get_mut(list)? {
        Object::List { freedom: Freedom::ReadOnly, .. } => {
            Err(Fault::Thrown(Class::UnsupportedOperationException, None))
        }
        Object::List { items, .. } => {
            *items = new;
            Ok(Value::Null)
        }
        _ => null_pointer(),
    }
}

fn extreme(m: &mut Machine<'_>, a: &[Value], wanted: std::cmp::Ordering) -> Outcome<Value> {
    let mut items = items_of(m, a)?.into_iter();
    let Some(mut best) = items.next() else { return Err(Fault::Thrown(Class::NoSuchElementException, None)) };
    for item in items {
        m.work(1)?;
        if m.compare(item, best)? == wanted {
            best = item;
        }
    }
    Ok(best)
}

fn read_only(m: &mut Machine<'_>, items: Vec<Value>) -> Outcome<Value> {
    m.heap.make(Object::List { class: Class::List, items, freedom: Freedom::ReadOnly, changes: 0 })
}

pub(super) const COLLECTIONS: &[Method] = &[
    ("sort(List<T>) void", |m, a| {
        let items = items_of(m, a)?;
        let items = sorted(m, items)?;
        set_items(m, at(a, 0), items)
    }),
    ("reverse(List<T>) void", |m, a| {
        let mut items = items_of(m, a)?;
        items.reverse();
        set_items(m, at(a, 0), items)
    }),
    ("swap(List<T>,int,int) void", |m, a| {
        let mut items = items_of(m, a)?;
        let (i, j) = (int(a, 1), int(a, 2));
        for place in [i, j] {
            if place < 0 || place as usize >= items.len() {
                return thrown(
                    Class::IndexOutOfBoundsException,
                    format!("Index {place} out of bounds for length {}", items.len()),
                );
            }
        }
        items.swap(i as usize, j as usize);
        set_items(m, at(a, 0), items)
    }),
    ("max(Collection<T>) T", |m, a| extreme(m, a, std::cmp::Ordering::Greater)),
    ("min(Collection<T>) T", |m, a| extreme(m, a, std::cmp::Ordering::Less)),
    ("frequency(Collection<T>,Object) int", |m, a| {
        let mut count = 0;
        for item in items_of(m, a)? {
            count += i32::from(m.equals(item, at(a, 1))?);
        }
        Ok(Value::Int(count))
    }),
    ("emptyList() List<T>", |m, _| read_only(m, Vec::new())),
    ("singletonList(T) List<T>", |m, a| read_only(m, vec![at(a, 0)])),
    ("unmodifiableList(List<T>) List<T>", |m, a| {
        let items = items_of(m, a)?;
        read_only(m, items)
    }),
    ("emptySet() Set<T>", |m, _| {
        m.heap.make(Object::Set { class: Class::Set, table: Table::new(Order::Linked), read_only: true })
    }),
    ("emptyMap() Map<S,T>", |m, _| {
        m.heap.make(Object::Map { class: Class::Map, table: Table::new(Order::Linked), read_only: true })
    }),
];

pub(super) const OBJECTS: &[Method] = &[
    ("equals(Object,Object) boolean", |m, a| Ok(Value::Boolean(m.equals(at(a, 0), at(a, 1))?))),
    ("isNull(Object) boolean", |_, a| Ok(Value::Boolean(matches!(at(a, 0), Value::Null)))),
    ("nonNull(Object) boolean", |_, a| Ok(Value::Boolean(!matches!(at(a, 0), Value::Null)))),
    ("hashCode(Object) int", |m, a| Ok(Value::Int(m.hash(at(a, 0))?))),
    ("toString(Object) String", |m, a| {
        let units = m.show_units(at(a, 0))?;
        m.new_text(units)
    }),
    ("toString(Object,String) String", |m, a| match at(a, 0) {
        Value::Null => Ok(at(a, 1)),
        value => {
            let units = m.show_units(value)?;
            m.new_text(units)
        }
    }),
    ("requireNonNull(T) T", |_, a| match at(a, 0) {
        Value::Null => null_pointer(),
        value => Ok(value),
    }),
    ("requireNonNull(T,String) T", |m, a| match at(a, 0) {
        Value::Null => {
            let message = m.string(at(a, 1))?;
            thrown(Class::NullPointerException, message)
        }
        value => Ok(value),
    }),
    ("requireNonNullElse(T,T) T", |_, a| match at(a, 0) {
        Value::Null => Ok(at(a, 1)),
        value => Ok(value),
    }),
];
