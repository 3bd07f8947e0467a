//! Maps and their entries.

use super::Method;
use super::collection::hashed;
use super::math::int;
use super::text::at;
use crate::classes::Class;
use crate::heap::{Fault, Object, Order, Outcome, Table, Value, View, null_pointer};
use crate::run::Machine;

fn or_null(found: Option<Value>) -> Outcome<Value> {
    Ok(found.unwrap_or(Value::Null))
}

fn view(m: &mut Machine<'_>, a: &[Value], view: View) -> Outcome<Value> {
    let Value::Object(map) = at(a, 0) else { return null_pointer() };
    m.heap.make(Object::View { map, view })
}

fn put_all(m: &mut Machine<'_>, to: Value, from: Value) -> Outcome<Value> {
    for (key, value) in m.map_entries(from)? {
        m.table_put(to, key, value)?;
    }
    Ok(Value::Null)
}

pub(super) const MAP: &[Method] = &[
    ("size() int", |m, a| Ok(Value::Int(m.size(at(a, 0))? as i32))),
    ("isEmpty() boolean", |m, a| Ok(Value::Boolean(m.size(at(a, 0))? == 0))),
    ("get(Object) V", |m, a| or_null(m.table_get(at(a, 0), at(a, 1))?)),
    ("getOrDefault(Object,V) V", |m, a| Ok(m.table_get(at(a, 0), at(a, 1))?.unwrap_or(at(a, 2)))),
    ("put(K,V) V", |m, a| or_null(m.table_put(at(a, 0), at(a, 1), at(a, 2))?)),
    ("putIfAbsent(K,V) V", |m, a| match m.table_get(at(a, 0), at(a, 1))? {
        Some(value) if !matches!(value, Value::Null) => Ok(value),
        _ => {
            m.table_put(at(a, 0), at(a, 1), at(a, 2))?;
            Ok(Value::Null)
        }
    }),
    ("putAll(Map<K,V>) void", |m, a| put_all(m, at(a, 0), at(a, 1))),
    ("remove(Object) V", |m, a| or_null(m.table_remove(at(a, 0), at(a, 1))?)),
    ("containsKey(Object) boolean", |m, a| Ok(Value::Boolean(m.table_find(at(a, 0), at(a, 1))?.is_ok()))),
    ("containsValue(Object) boolean", |m, a| {
        for (_, value) in m.map_entries(at(a, 0))? {
            if m.equals(at(a, 1), value)? {
                return Ok(Value::Boolean(true));
            }
        }
        Ok(Value::Boolean(false))
    }),
    ("clear() void", |m, a| {
        m.table_mut(at(a, 0))?.clear();
        Ok(Value::Null)
    }),
    ("keySet() Set<K>", |m, a| view(m, a, View::Keys)),
    ("values() Collection<V>", |m, a| view(m, a, View::Values)),
    ("entrySet() Set<Entry<K,V>>", |m, a| view(m, a, View::Entries)),
];

fn end(m: &mut Machine<'_>, a: &[Value], last: bool) -> Outcome<Option<(Value, Value)>> {
    let entries = m.map_entries(at(a, 0))?;
    Ok(if last { entries.last().copied() } else { entries.first().copied() })
}

fn key(found: Option<(Value, Value)>) -> Outcome<Value> {
    found.map_or(Err(Fault::Thrown(Class::NoSuchElementException, None)), |(key, _)| Ok(key))
}

fn entry(m: &mut Machine<'_>, found: Option<(Value, Value)>) -> Outcome<Value> {
    match found {
        Some((key, value)) => m.heap.make(Object::Entry { map: None, key, value }),
        None => Ok(Value::Null),
    }
}

pub(super) const SORTED_MAP: &[Method] = &[
    ("firstKey() K", |m, a| key(end(m, a, false)?)),
    ("lastKey() K", |m, a| key(end(m, a, true)?)),
    ("firstEntry() Entry<K,V>", |m, a| {
        let found = end(m, a, false)?;
        entry(m, found)
    }),
    ("lastEntry() Entry<K,V>", |m, a| {
        let found = end(m, a, true)?;
        entry(m, found)
    }),
];

fn parts(m: &Machine<'_>, value: Value) -> Outcome<(Option<u32>, Value, Value)> {
    match m.heap.get(value)? {
        Object::Entry { map, key, value } => Ok((*map, *key, *value)),
        _ => null_pointer(),
    }
}

pub(super) const ENTRY: &[Method] = &[
    ("getKey() K", |m, a| Ok(parts(m, at(a, 0))?.1)),
    ("getValue() V", |m, a| Ok(parts(m, at(a, 0))?.2)),
    ("setValue(V) V", |m, a| {
        let (map, key, old) = parts(m, at(a, 0))?;
        let Some(map) = map else { return Err(Fault::Thrown(Class::UnsupportedOperationException, None)) };
        m.table_put(Value::Object(map), key, at(a, 1))?;
        if let Object::Entry { value, .. } = m.heap.get_mut(at(a, 0))? {
            *value = at(a, 1);
        }
        Ok(old)
    }),
];

fn new_map(m: &mut Machine<'_>, class: Class, order: Order) -> Outcome<Value> {
    m.heap.make(Object::Map { class, table: Table::new(order), read_only: false })
}

fn copied(m: &mut Machine<'_>, a: &[Value], class: Class, order: Order) -> Outcome<Value> {
    let map = new_map(m, class, order)?;
    put_all(m, map, at(a, 0))?;
    Ok(map)
}

pub(super) const NEW_HASH_MAP: &[Method] = &[
    ("new() HashMap<K,V>", |m, _| new_map(m, Class::HashMap, Order::Hash { capacity: 16 })),
    ("new(int) HashMap<K,V>", |m, a| new_map(m, Class::HashMap, hashed(int(a, 0))?)),
    ("new(Map<K,V>) HashMap<K,V>", |m, a| {
        let size = m.size(at(a, 0))?;
        copied(m, a, Class::HashMap, hashed((size as f32 / 0.75 + 1.0) as i32)?)
    }),
];

pub(super) const NEW_LINKED_MAP: &[Method] = &[
    ("new() LinkedHashMap<K,V>", |m, _| new_map(m, Class::LinkedHashMap, Order::Linked)),
    ("new(int) LinkedHashMap<K,V>", |m, a| {
        hashed(int(a, 0))?;
        new_map(m, Class::LinkedHashMap, Order::Linked)
    }),
    ("new(Map<K,V>) LinkedHashMap<K,V>", |m, a| copied(m, a, Class::LinkedHashMap, Order::Linked)),
];

pub(super) const NEW_TREE_MAP: &[Method] = &[
    ("new() TreeMap<K,V>", |m, _| new_map(m, Class::TreeMap, Order::Tree)),
    ("new(Map<K,V>) TreeMap<K,V>", |m, a| copied(m, a, Class::TreeMap, Order::Tree)),
];
