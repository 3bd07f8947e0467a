//! Maps and sets: looking up, putting, removing, by Java's `equals` and `hashCode` or, in trees, by `compareTo`.

use std::cmp::Ordering;

use super::Machine;
use crate::classes::Class;
use crate::heap::{Fault, Object, Order, Outcome, Table, Value, null_pointer};

impl Machine<'_> {
    fn table(&self, of: Value) -> Outcome<&Table> {
        match self.heap.get(of)? {
            Object::Set { table, .. } | Object::Map { table, .. } => Ok(table),
            _ => null_pointer(),
        }
    }

    /// The table of a set or map that may be changed.
    pub(crate) fn table_mut(&mut self, of: Value) -> Outcome<&mut Table> {
        match self.heap.get_mut(of)? {
            Object::Set { read_only: true, .. } | Object::Map { read_only: true, .. } => {
                Err(Fault::Thrown(Class::UnsupportedOperationException, None))
            }
            Object::Set { table, .. } | Object::Map { table, .. } => Ok(table),
            _ => null_pointer(),
        }
    }

    /// The place of a key, or the place where a tree would put it.
    pub(crate) fn table_find(&mut self, of: Value, key: Value) -> Outcome<Result<usize, usize>> {
        if self.table(of)?.order == Order::Tree {
            return self.tree_find(of, key);
        }
        let hash = self.hash(key)?;
        let places = self.table(of)?.index.get(&hash).cloned().unwrap_or_default();
        for place in places {
            let found = self.table(of)?.entries.get(place as usize).copied().flatten();
            if let Some((_, found, _)) = found
                && self.equals(found, key)?
            {
                return Ok(Ok(place as usize));
            }
        }
        Ok(Err(0))
    }

    fn tree_find(&mut self, of: Value, key: Value) -> Outcome<Result<usize, usize>> {
        let (mut low, mut high) = (0, self.table(of)?.entries.len());
        if high == 0 {
            // Even the first key is compared, with itself.
            self.compare(key, key)?;
        }
        while low < high {
            self.work(1)?;
            let middle = low.midpoint(high);
            let found = self.table(of)?.entries.get(middle).copied().flatten();
            let Some((_, found, _)) = found else { return Ok(Err(low)) };
            match self.compare(key, found)? {
                Ordering::Equal => return Ok(Ok(middle)),
                Ordering::Less => high = middle,
                Ordering::Greater => low = middle + 1,
            }
        }
        Ok(Err(low))
    }

    /// The value of a key, if it is there.
    pub(crate) fn table_get(&mut self, of: Value, key: Value) -> Outcome<Option<Value>> {
        let Ok(place) = self.table_find(of, key)? else { return Ok(None) };
        Ok(self.table(of)?.entries.get(place).copied().flatten().map(|(_, _, value)| value))
    }

    /// Puts a value; the one there was before.
    pub(crate) fn table_put(&mut self, of: Value, key: Value, value: Value) -> Outcome<Option<Value>> {
        self.table_mut(of)?;
        match self.table_find(of, key)? {
            Ok(place) => match self.table_mut(of)?.entries.get_mut(place) {
                Some(Some((_, _, old))) => Ok(Some(std::mem::replace(old, value))),
                _ => Ok(None),
            },
            Err(place) => {
                let is_tree = self.table(of)?.order == Order::Tree;
                let hash = if is_tree { 0 } else { self.hash(key)? };
                self.heap.charge(96)?;
                let size = self.table(of)?.size as u64;
                self.work(if is_tree { size / 64 } else { 0 })?;
                self.table_mut(of)?.insert(place, hash, key, value);
                Ok(None)
            }
        }
    }

    /// Removes a key; the value it had.
    pub(crate) fn table_remove(&mut self, of: Value, key: Value) -> Outcome<Option<Value>> {
        self.table_mut(of)?;
        let Ok(place) = self.table_find(of, key)? else { return Ok(None) };
        let table = self.table_mut(of)?;
        let old = table.entries.get(place).copied().flatten().map(|(_, _, value)| value);
        table.remove(place);
        let size = table.size as u64;
        self.work(size / 64)?;
        Ok(old)
    }
}
