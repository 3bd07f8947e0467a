//! Lists, sets, queues and iterators.

use super::Method;
use super::math::int;
use super::text::at;
use super::utility::sorted;
use crate::classes::Class;
use crate::heap::{Fault, Freedom, Object, Order, Outcome, Table, Value, View, null_pointer, thrown};
use crate::run::Machine;

fn refused<T>() -> Outcome<T> {
    Err(Fault::Thrown(Class::UnsupportedOperationException, None))
}

fn no_element<T>() -> Outcome<T> {
    Err(Fault::Thrown(Class::NoSuchElementException, None))
}

/// The elements of a list that may grow and shrink; counts as a change.
fn list_mut<'m>(m: &'m mut Machine<'_>, value: Value) -> Outcome<&'m mut Vec<Value>> {
    match m.heap.get_mut(value)? {
        Object::List { freedom: Freedom::Free, items, changes, .. } => {
            *changes += 1;
            Ok(items)
        }
        _ => refused(),
    }
}

fn list<'m>(m: &'m Machine<'_>, value: Value) -> Outcome<&'m Vec<Value>> {
    match m.heap.get(value)? {
        Object::List { items, .. } => Ok(items),
        _ => null_pointer(),
    }
}

/// An index inside a list.
fn place(m: &Machine<'_>, a: &[Value]) -> Outcome<usize> {
    let (index, length) = (int(a, 1), list(m, at(a, 0))?.len());
    match usize::try_from(index).ok().filter(|place| *place < length) {
        Some(place) => Ok(place),
        None => thrown(Class::IndexOutOfBoundsException, format!("Index {index} out of bounds for length {length}")),
    }
}

fn index_of(m: &mut Machine<'_>, items: &[Value], wanted: Value) -> Outcome<Option<usize>> {
    for (place, item) in items.iter().enumerate() {
        if m.equals(wanted, *item)? {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

fn add(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let of = at(a, 0);
    if let Object::Set { .. } = m.heap.get(of)? {
        let before = m.size(of)?;
        m.table_put(of, at(a, 1), Value::Null)?;
        return Ok(Value::Boolean(m.size(of)? > before));
    }
    m.heap.charge(16)?;
    list_mut(m, of)?.push(at(a, 1));
    Ok(Value::Boolean(true))
}

fn add_all(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let mut changed = false;
    for item in m.items(at(a, 1))? {
        changed |= add(m, &[at(a, 0), item])?.to_boolean();
    }
    Ok(Value::Boolean(changed))
}

fn contains(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let of = at(a, 0);
    let found = match m.heap.get(of)? {
        Object::Set { .. } => m.table_find(of, at(a, 1))?.is_ok(),
        Object::View { map, view: View::Keys } => {
            let map = Value::Object(*map);
            m.table_find(map, at(a, 1))?.is_ok()
        }
        _ => {
            let items = m.items(of)?;
            index_of(m, &items, at(a, 1))?.is_some()
        }
    };
    Ok(Value::Boolean(found))
}

/// Removes an element by value.
fn remove(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let of = at(a, 0);
    match m.heap.get(of)? {
        Object::Set { .. } => Ok(Value::Boolean(m.table_remove(of, at(a, 1))?.is_some())),
        Object::View { map, view: View::Keys } => {
            let map = Value::Object(*map);
            let found = m.table_find(map, at(a, 1))?.is_ok();
            m.table_remove(map, at(a, 1))?;
            Ok(Value::Boolean(found))
        }
        Object::List { .. } => {
            let items = m.items(of)?;
            let Some(place) = index_of(m, &items, at(a, 1))? else { return Ok(Value::Boolean(false)) };
            list_mut(m, of)?.remove(place);
            Ok(Value::Boolean(true))
        }
        _ => Err(Fault::Limit("not supported yet: removing from this view of a map".to_owned())),
    }
}

/// Keeps the elements that are, or are not, in the other collection.
fn filter(m: &mut Machine<'_>, a: &[Value], keep: bool) -> Outcome<Value> {
    let of = at(a, 0);
    let mut changed = false;
    let items = m.items(of)?;
    let mut kept = Vec::new();
    for item in items {
        if contains(m, &[at(a, 1), item])?.to_boolean() == keep {
            kept.push(item);
        } else {
            changed = true;
            if !matches!(m.heap.get(of)?, Object::List { .. }) {
                remove(m, &[of, item])?;
            }
        }
    }
    if changed && matches!(m.heap.get(of)?, Object::List { .. }) {
        *list_mut(m, of)? = kept;
    }
    Ok(Value::Boolean(changed))
}

fn clear(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    match m.heap.get(at(a, 0))? {
        Object::Set { .. } => m.table_mut(at(a, 0))?.clear(),
        Object::View { map, .. } => {
            let map = Value::Object(*map);
            m.table_mut(map)?.clear();
        }
        _ => list_mut(m, at(a, 0))?.clear(),
    }
    Ok(Value::Null)
}

fn iterator(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let items = m.items(at(a, 0))?;
    let Value::Object(of) = at(a, 0) else { return null_pointer() };
    m.heap.make(Object::Iterator { items, next: 0, of })
}

pub(super) const ITERABLE: &[Method] = &[("iterator() Iterator<E>", iterator)];

pub(super) const ITERATOR: &[Method] = &[
    ("hasNext() boolean", |m, a| match m.heap.get(at(a, 0))? {
        Object::Iterator { items, next, .. } => Ok(Value::Boolean(*next < items.len())),
        _ => null_pointer(),
    }),
    ("next() E", |m, a| match m.heap.get_mut(at(a, 0))? {
        Object::Iterator { items, next, .. } => match items.get(*next).copied() {
            Some(item) => {
                *next += 1;
                Ok(item)
            }
            None => no_element(),
        },
        _ => null_pointer(),
    }),
    ("remove() void", |m, a| {
        let Object::Iterator { items, next, of } = m.heap.get(at(a, 0))? else { return null_pointer() };
        let Some(item) = next.checked_sub(1).and_then(|place| items.get(place).copied()) else {
            return Err(Fault::Thrown(Class::IllegalStateException, None));
        };
        let (place, of) = (*next - 1, Value::Object(*of));
        if let Object::List { .. } = m.heap.get(of)? {
            let items = list_mut(m, of)?;
            if place < items.len() {
                items.remove(place);
            }
            if let Object::Iterator { items, next, .. } = m.heap.get_mut(at(a, 0))? {
                items.remove(place);
                *next -= 1;
            }
            return Ok(Value::Null);
        }
        remove(m, &[of, item])?;
        Ok(Value::Null)
    }),
];

pub(super) const COLLECTION: &[Method] = &[
    ("size() int", |m, a| Ok(Value::Int(m.size(at(a, 0))? as i32))),
    ("isEmpty() boolean", |m, a| Ok(Value::Boolean(m.size(at(a, 0))? == 0))),
    ("add(E) boolean", add),
    ("addAll(Collection<E>) boolean", add_all),
    ("contains(Object) boolean", contains),
    ("containsAll(Collection) boolean", |m, a| {
        for item in m.items(at(a, 1))? {
            if !contains(m, &[at(a, 0), item])?.to_boolean() {
                return Ok(Value::Boolean(false));
            }
        }
        Ok(Value::Boolean(true))
    }),
    ("remove(Object) boolean", remove),
    ("removeAll(Collection) boolean", |m, a| filter(m, a, false)),
    ("retainAll(Collection) boolean", |m, a| filter(m, a, true)),
    ("clear() void", clear),
    ("toArray() Object[]", |m, a| {
        let items = m.items(at(a, 0))?;
        m.heap.make(Object::Array(items))
    }),
    ("toArray(T[]) T[]", |m, a| {
        let items = m.items(at(a, 0))?;
        m.heap.make(Object::Array(items))
    }),
];

pub(super) const LIST: &[Method] = &[
    ("get(int) E", |m, a| {
        let place = place(m, a)?;
        Ok(list(m, at(a, 0))?.get(place).copied().unwrap_or(Value::Null))
    }),
    ("set(int,E) E", |m, a| {
        let place = place(m, a)?;
        match m.heap.get_mut(at(a, 0))? {
            Object::List { freedom: Freedom::ReadOnly, .. } => refused(),
            Object::List { items, .. } => match items.get_mut(place) {
                Some(item) => Ok(std::mem::replace(item, at(a, 2))),
                None => Ok(Value::Null),
            },
            _ => null_pointer(),
        }
    }),
    ("add(int,E) void", |m, a| {
        let (index, length) = (int(a, 1), list(m, at(a, 0))?.len());
        if index < 0 || index as usize > length {
            return thrown(Class::IndexOutOfBoundsException, format!("Index: {index}, Size: {length}"));
        }
        m.heap.charge(16)?;
        m.work(length as u64 / 64)?;
        list_mut(m, at(a, 0))?.insert(index as usize, at(a, 2));
        Ok(Value::Null)
    }),
    ("addAll(int,Collection<E>) boolean", |m, a| {
        let (index, length) = (int(a, 1), list(m, at(a, 0))?.len());
        if index < 0 || index as usize > length {
            return thrown(Class::IndexOutOfBoundsException, format!("Index: {index}, Size: {length}"));
        }
        let items = m.items(at(a, 2))?;
        m.heap.charge(16 * items.len())?;
        m.work((length + items.len()) as u64 / 64)?;
        let changed = !items.is_empty();
        list_mut(m, at(a, 0))?.splice(index as usize..index as usize, items);
        Ok(Value::Boolean(changed))
    }),
    ("remove(int) E", |m, a| {
        let place = place(m, a)?;
        let cost = list(m, at(a, 0))?.len() as u64 / 64;
        m.work(cost)?;
        Ok(list_mut(m, at(a, 0))?.remove(place))
    }),
    ("indexOf(Object) int", |m, a| {
        let items = m.items(at(a, 0))?;
        Ok(Value::Int(index_of(m, &items, at(a, 1))?.map_or(-1, |place| place as i32)))
    }),
    ("lastIndexOf(Object) int", |m, a| {
        let mut items = m.items(at(a, 0))?;
        items.reverse();
        let found = index_of(m, &items, at(a, 1))?;
        Ok(Value::Int(found.map_or(-1, |place| (items.len() - 1 - place) as i32)))
    }),
    ("subList(int,int) List<E>", |m, a| {
        let items = list(m, at(a, 0))?;
        let (from, to, length) = (int(a, 1), int(a, 2), items.len() as i32);
        if from < 0 {
            return thrown(Class::IndexOutOfBoundsException, format!("fromIndex = {from}"));
        }
        if to > length {
            return thrown(Class::IndexOutOfBoundsException, format!("toIndex = {to}"));
        }
        if from > to {
            return thrown(Class::IllegalArgumentException, format!("fromIndex({from}) > toIndex({to})"));
        }
        // Java's is a view: changing it would change the list, so this one may not be changed.
        let items = items.get(from as usize..to as usize).unwrap_or_default().to_vec();
        m.heap.make(Object::List { class: Class::List, items, freedom: Freedom::ReadOnly, changes: 0 })
    }),
];

fn first(m: &mut Machine<'_>, of: Value, remove: bool, last: bool) -> Outcome<Option<Value>> {
    let items = list(m, of)?;
    let found = if last { items.last() } else { items.first() };
    let found = found.copied();
    if remove && found.is_some() {
        let cost = if last { 0 } else { items.len() as u64 / 64 };
        m.work(cost)?;
        let items = list_mut(m, of)?;
        if last {
            items.pop();
        } else {
            items.remove(0);
        }
    }
    Ok(found)
}

fn or_null(found: Option<Value>) -> Outcome<Value> {
    Ok(found.unwrap_or(Value::Null))
}

fn or_fail(found: Option<Value>) -> Outcome<Value> {
    found.map_or_else(no_element, Ok)
}

fn push_first(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let cost = list(m, at(a, 0))?.len() as u64 / 64;
    m.work(cost)?;
    m.heap.charge(16)?;
    list_mut(m, at(a, 0))?.insert(0, at(a, 1));
    Ok(Value::Null)
}

/// What queues have; stacks, too.
pub(super) const DEQUE: &[Method] = &[
    ("addFirst(E) void", push_first),
    ("push(E) void", push_first),
    ("addLast(E) void", |m, a| add(m, a).map(|_| Value::Null)),
    ("offer(E) boolean", add),
    ("offerLast(E) boolean", add),
    ("getFirst() E", |m, a| or_fail(first(m, at(a, 0), false, false)?)),
    ("getLast() E", |m, a| or_fail(first(m, at(a, 0), false, true)?)),
    ("peek() E", |m, a| or_null(first(m, at(a, 0), false, false)?)),
    ("peekFirst() E", |m, a| or_null(first(m, at(a, 0), false, false)?)),
    ("peekLast() E", |m, a| or_null(first(m, at(a, 0), false, true)?)),
    ("element() E", |m, a| or_fail(first(m, at(a, 0), false, false)?)),
    ("poll() E", |m, a| or_null(first(m, at(a, 0), true, false)?)),
    ("pollFirst() E", |m, a| or_null(first(m, at(a, 0), true, false)?)),
    ("pollLast() E", |m, a| or_null(first(m, at(a, 0), true, true)?)),
    ("pop() E", |m, a| or_fail(first(m, at(a, 0), true, false)?)),
    ("remove() E", |m, a| or_fail(first(m, at(a, 0), true, false)?)),
    ("removeFirst() E", |m, a| or_fail(first(m, at(a, 0), true, false)?)),
    ("removeLast() E", |m, a| or_fail(first(m, at(a, 0), true, true)?)),
];

pub(super) const SORTED_SET: &[Method] = &[
    ("first() E", |m, a| or_fail(m.items(at(a, 0))?.first().copied())),
    ("last() E", |m, a| or_fail(m.items(at(a, 0))?.last().copied())),
];

fn new_list(m: &mut Machine<'_>, class: Class, items: Vec<Value>) -> Outcome<Value> {
    m.work(items.len() as u64 / 4)?;
    m.heap.make(Object::List { class, items, freedom: Freedom::Free, changes: 0 })
}

fn capacity(n: i32) -> Outcome<u32> {
    if n < 0 {
        return thrown(Class::IllegalArgumentException, format!("Illegal initial capacity: {n}"));
    }
    Ok((n as u32).clamp(1, 1 << 30).next_power_of_two())
}

/// The order of a HashMap of this first capacity.
pub(super) fn hashed(n: i32) -> Outcome<Order> {
    Ok(Order::Hash { capacity: capacity(n)? })
}

fn new_set(m: &mut Machine<'_>, class: Class, order: Order, items: Vec<Value>) -> Outcome<Value> {
    let set = m.heap.make(Object::Set { class, table: Table::new(order), read_only: false })?;
    for item in items {
        m.table_put(set, item, Value::Null)?;
    }
    Ok(set)
}

pub(super) const NEW_ARRAY_LIST: &[Method] = &[
    ("new() ArrayList<E>", |m, _| new_list(m, Class::ArrayList, Vec::new())),
    ("new(int) ArrayList<E>", |m, a| match int(a, 0) {
        n if n < 0 => thrown(Class::IllegalArgumentException, format!("Illegal Capacity: {n}")),
        _ => new_list(m, Class::ArrayList, Vec::new()),
    }),
    ("new(Collection<E>) ArrayList<E>", |m, a| {
        let items = m.items(at(a, 0))?;
        new_list(m, Class::ArrayList, items)
    }),
];

pub(super) const NEW_LINKED_LIST: &[Method] = &[
    ("new() LinkedList<E>", |m, _| new_list(m, Class::LinkedList, Vec::new())),
    ("new(Collection<E>) LinkedList<E>", |m, a| {
        let items = m.items(at(a, 0))?;
        new_list(m, Class::LinkedList, items)
    }),
];

pub(super) const NEW_HASH_SET: &[Method] = &[
    ("new() HashSet<E>", |m, _| new_set(m, Class::HashSet, Order::Hash { capacity: 16 }, Vec::new())),
    ("new(int) HashSet<E>", |m, a| new_set(m, Class::HashSet, hashed(int(a, 0))?, Vec::new())),
    ("new(Collection<E>) HashSet<E>", |m, a| {
        let items = m.items(at(a, 0))?;
        let wanted = (items.len() as f32 / 0.75) as i32 + 1;
        new_set(m, Class::HashSet, hashed(wanted.max(16))?, items)
    }),
];

pub(super) const NEW_LINKED_SET: &[Method] = &[
    ("new() LinkedHashSet<E>", |m, _| new_set(m, Class::LinkedHashSet, Order::Linked, Vec::new())),
    ("new(int) LinkedHashSet<E>", |m, a| {
        capacity(int(a, 0))?;
        new_set(m, Class::LinkedHashSet, Order::Linked, Vec::new())
    }),
    ("new(Collection<E>) LinkedHashSet<E>", |m, a| {
        let items = m.items(at(a, 0))?;
        new_set(m, Class::LinkedHashSet, Order::Linked, items)
    }),
];

pub(super) const NEW_TREE_SET: &[Method] = &[
    ("new() TreeSet<E>", |m, _| new_set(m, Class::TreeSet, Order::Tree, Vec::new())),
    ("new(Collection<E>) TreeSet<E>", |m, a| {
        let items = m.items(at(a, 0))?;
        let items = sorted(m, items)?;
        new_set(m, Class::TreeSet, Order::Tree, items)
    }),
];
