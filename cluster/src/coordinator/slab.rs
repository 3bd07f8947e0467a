//! Slots with generations: a late answer for a slot that was given to another finds nothing.

/// Names an entry of a [`Slab`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId {
    /// Index of the slot.
    pub index: u32,
    /// How often the slot was given away before, modulo 2^16.
    pub generation: u16,
}

/// Entries by [`SlotId`].
#[derive(Debug)]
pub(crate) struct Slab<T> {
    slots: Vec<(u16, Option<T>)>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Slab { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    pub(crate) fn insert(&mut self, value: T) -> SlotId {
        if let Some(index) = self.free.pop() {
            let slot = &mut self.slots[index as usize];
            slot.1 = Some(value);
            return SlotId { index, generation: slot.0 };
        }
        self.slots.push((0, Some(value)));
        SlotId { index: (self.slots.len() - 1) as u32, generation: 0 }
    }

    pub(crate) fn get_mut(&mut self, id: SlotId) -> Option<&mut T> {
        let (generation, value) = self.slots.get_mut(id.index as usize)?;
        if *generation == id.generation { value.as_mut() } else { None }
    }

    /// Takes the entry out for a while; [`Slab::put_back`] returns it. The slot stays its.
    pub(crate) fn take(&mut self, id: SlotId) -> Option<T> {
        let (generation, value) = self.slots.get_mut(id.index as usize)?;
        if *generation == id.generation { value.take() } else { None }
    }

    pub(crate) fn put_back(&mut self, id: SlotId, value: T) {
        if let Some((generation, slot)) = self.slots.get_mut(id.index as usize)
            && *generation == id.generation
        {
            *slot = Some(value);
        }
    }

    /// Frees the slot, also when its entry is taken out.
    pub(crate) fn remove(&mut self, id: SlotId) -> Option<T> {
        let (generation, value) = self.slots.get_mut(id.index as usize)?;
        if *generation != id.generation {
            return None;
        }
        *generation = generation.wrapping_add(1);
        let value = value.take();
        self.free.push(id.index);
        value
    }

    pub(crate) fn ids(&self) -> Vec<SlotId> {
        let entry = |(index, (generation, value)): (usize, &(u16, Option<T>))| {
            value.is_some().then_some(SlotId { index: index as u32, generation: *generation })
        };
        self.slots.iter().enumerate().filter_map(entry).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_slot_does_not_answer_to_its_old_name() {
        let mut slab = Slab::default();
        let a = slab.insert("a");
        assert_eq!(slab.take(a), Some("a"));
        assert_eq!(slab.get_mut(a), None);
        slab.put_back(a, "a2");
        assert_eq!(slab.remove(a), Some("a2"));
        let b = slab.insert("b");
        assert_eq!(b.index, a.index);
        assert_eq!(slab.get_mut(a), None);
        slab.put_back(a, "stale");
        assert_eq!(slab.get_mut(b), Some(&mut "b"));
        assert_eq!((slab.len(), slab.ids()), (1, vec![b]));
    }
}
