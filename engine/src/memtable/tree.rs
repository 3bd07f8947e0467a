//! The rows of a wide partition: a B+ tree that only grows and that copies the path it changes when a reader still looks at it.
//!
//! A writer holds the shard's lock and calls [`Tree::upsert`]; nodes that nobody else refers to are changed in place. A reader
//! clones the root under the same lock and then walks without any: whatever it refers to is never changed again.

use std::cmp::Ordering;
use std::sync::Arc;

use helenus_model::codec::{Reader, put_vint};
use helenus_model::key::{ClusteringComparator, Position};

/// Rows in a leaf, children in an inner node.
const FANOUT: usize = 64;

/// A row as it lies in memory: vint length of the clustering, clustering, row. One allocation.
pub(crate) type StoredRow = Arc<[u8]>;

/// Writes `clustering` and `row` into `scratch` as a [`StoredRow`] has them.
pub(crate) fn lay_out_row(scratch: &mut Vec<u8>, clustering: &[u8], row: &[u8]) {
    scratch.clear();
    put_vint(scratch, clustering.len() as u64);
    scratch.extend_from_slice(clustering);
    scratch.extend_from_slice(row);
}

/// Clustering and row of a [`StoredRow`].
#[inline]
pub(crate) fn split_row(stored: &[u8]) -> (&[u8], &[u8]) {
    if let Some((first, rest)) = stored.split_first()
        && *first < 0x80
        && usize::from(*first) <= rest.len()
    {
        return rest.split_at(usize::from(*first));
    }
    let mut reader = Reader::new(stored);
    let clustering = reader.bytes().expect("a stored row was laid out by this module");
    (clustering, reader.rest())
}

/// The clustering of a [`StoredRow`].
#[inline]
pub(crate) fn clustering_of(stored: &[u8]) -> &[u8] {
    split_row(stored).0
}

#[derive(Clone, Debug)]
enum Node {
    Leaf(Vec<StoredRow>),
    Inner(Inner),
}

#[derive(Clone, Debug)]
struct Inner {
    /// `splits[i]` is the first clustering of `children[i + 1]`.
    splits: Vec<Arc<[u8]>>,
    children: Vec<Arc<Node>>,
}

/// What [`Node::upsert`] split off to the right: its first clustering and the node.
type SplitOff = (Arc<[u8]>, Arc<Node>);

/// An ordered set of rows. Cloning costs one reference count.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    root: Arc<Node>,
}

impl Tree {
    /// A tree of one row.
    pub(crate) fn of_one(row: StoredRow) -> Self {
        let mut rows = Vec::with_capacity(4);
        rows.push(row);
        Tree { root: Arc::new(Node::Leaf(rows)) }
    }

    /// Puts the row that `make` builds at `clustering`; `make` gets the row that is there, if any, and may keep it by
    /// answering None.
    pub(crate) fn upsert(
        &mut self,
        order: &ClusteringComparator,
        clustering: &[u8],
        make: &mut dyn FnMut(Option<&StoredRow>) -> Option<StoredRow>,
    ) {
        let split = Arc::make_mut(&mut self.root).upsert(order, clustering, make);
        if let Some((first, right)) = split {
            let left = std::mem::replace(&mut self.root, Arc::new(Node::Leaf(Vec::new())));
            let mut inner = Inner { splits: Vec::with_capacity(4), children: Vec::with_capacity(4) };
            inner.splits.push(first);
            inner.children.extend([left, right]);
            self.root = Arc::new(Node::Inner(inner));
        }
    }

    /// The row at `clustering`.
    pub(crate) fn get(&self, order: &ClusteringComparator, clustering: &[u8]) -> Option<&StoredRow> {
        let mut node = &*self.root;
        loop {
            match node {
                Node::Leaf(rows) => return search(rows, order, clustering).ok().and_then(|at| rows.get(at)),
                Node::Inner(inner) => node = &inner.children[inner.child_for(order, clustering)],
            }
        }
    }
}

/// Place of `clustering` among `rows`. The end is tried first: events arrive in order.
fn search(rows: &[StoredRow], order: &ClusteringComparator, clustering: &[u8]) -> Result<usize, usize> {
    let Some(last) = rows.last() else { return Err(0) };
    match order.compare(clustering_of(last), clustering) {
        Ordering::Less => Err(rows.len()),
        Ordering::Equal => Ok(rows.len() - 1),
        Ordering::Greater => {
            rows[..rows.len() - 1].binary_search_by(|row| order.compare(clustering_of(row), clustering))
        }
    }
}

impl Inner {
    fn child_for(&self, order: &ClusteringComparator, clustering: &[u8]) -> usize {
        match self.splits.last() {
            Some(last) if order.compare(last, clustering).is_le() => self.splits.len(),
            _ => self.splits.partition_point(|split| order.compare(split, clustering).is_le()),
        }
    }

    /// Adds a child right of child `at`; splits when full.
    fn insert(&mut self, at: usize, (first, child): SplitOff) -> Option<SplitOff> {
        self.splits.insert(at, first);
        self.children.insert(at + 1, child);
        if self.children.len() <= FANOUT {
            return None;
        }
        // A node that grows at its end is left full.
        let keep = if at + 2 == self.children.len() { FANOUT } else { FANOUT / 2 };
        let children = self.children.split_off(keep);
        let splits = self.splits.split_off(keep);
        let first = self.splits.pop().expect("a split child has a first clustering");
        Some((first, Arc::new(Node::Inner(Inner { splits, children }))))
    }
}

impl Node {
    fn upsert(
        &mut self,
        order: &ClusteringComparator,
        clustering: &[u8],
        make: &mut dyn FnMut(Option<&StoredRow>) -> Option<StoredRow>,
    ) -> Option<SplitOff> {
        match self {
            Node::Leaf(rows) => match search(rows, order, clustering) {
                Ok(at) => {
                    if let Some(row) = make(rows.get(at)) {
                        rows[at] = row;
                    }
                    None
                }
                Err(at) => {
                    let row = make(None)?;
                    insert_row(rows, at, row)
                }
            },
            Node::Inner(inner) => {
                let at = inner.child_for(order, clustering);
                let split = Arc::make_mut(&mut inner.children[at]).upsert(order, clustering, make)?;
                inner.insert(at, split)
            }
        }
    }
}

fn insert_row(rows: &mut Vec<StoredRow>, at: usize, row: StoredRow) -> Option<SplitOff> {
    if rows.len() < FANOUT {
        rows.insert(at, row);
        return None;
    }
    // Rows that arrive in order, from either end, leave full leaves behind.
    let right = if at == rows.len() {
        let mut right = Vec::with_capacity(FANOUT);
        right.push(row);
        right
    } else if at == 0 {
        let mut left = Vec::with_capacity(FANOUT);
        left.push(row);
        std::mem::replace(rows, left)
    } else {
        let mut right = Vec::with_capacity(FANOUT);
        right.extend(rows.drain(FANOUT / 2..));
        if at <= FANOUT / 2 {
            rows.insert(at, row)
        } else {
            right.insert(at - FANOUT / 2, row)
        }
        right
    };
    let first = Arc::from(clustering_of(&right[0]));
    Some((first, Arc::new(Node::Leaf(right))))
}

/// A place in a [`Tree`] that can be moved in one direction.
#[derive(Debug)]
pub(crate) struct TreeCursor {
    root: Arc<Node>,
    /// Inner nodes from the root and the child taken in each.
    path: Vec<(Arc<Node>, usize)>,
    leaf: Option<(Arc<Node>, usize)>,
    reversed: bool,
}

impl TreeCursor {
    /// A cursor that stands nowhere yet.
    pub(crate) fn new(tree: &Tree, reversed: bool) -> Self {
        TreeCursor { root: Arc::clone(&tree.root), path: Vec::new(), leaf: None, reversed }
    }

    /// Goes to the first row at or behind `place` in reading order.
    pub(crate) fn seek(&mut self, order: &ClusteringComparator, place: Position<'_>) {
        self.path.clear();
        // Rows that come before the place in table order (up to it, when reading backwards, where they are what is wanted).
        let before = |clustering: &[u8]| {
            let ordering = order.compare_positions(Position::row(clustering), place);
            if self.reversed { ordering.is_le() } else { ordering.is_lt() }
        };
        let mut node = Arc::clone(&self.root);
        loop {
            let next = match &*node {
                Node::Inner(inner) => {
                    let at = inner.splits.partition_point(|split| before(split));
                    self.path.push((Arc::clone(&node), at));
                    Arc::clone(&inner.children[at])
                }
                Node::Leaf(rows) => {
                    let at = rows.partition_point(|row| before(clustering_of(row)));
                    let len = rows.len();
                    self.leaf = Some((Arc::clone(&node), at));
                    match (self.reversed, at) {
                        (false, at) if at == len => self.next_leaf(),
                        (true, 0) => self.next_leaf(),
                        (true, at) => self.leaf = Some((node, at - 1)),
                        _ => {}
                    }
                    return;
                }
            };
            node = next;
        }
    }

    /// The row stood at: clustering and row.
    #[inline]
    pub(crate) fn current(&self) -> Option<(&[u8], &[u8])> {
        match self.leaf.as_ref() {
            Some((node, at)) => match &**node {
                Node::Leaf(rows) => rows.get(*at).map(|row| split_row(row)),
                Node::Inner(_) => None,
            },
            None => None,
        }
    }

    /// Goes one row on in reading order.
    pub(crate) fn step(&mut self) {
        let Some((node, at)) = self.leaf.as_mut() else { return };
        let Node::Leaf(rows) = &**node else { return };
        if self.reversed {
            match at.checked_sub(1) {
                Some(before) => *at = before,
                None => self.next_leaf(),
            }
        } else {
            *at += 1;
            if *at == rows.len() {
                self.next_leaf();
            }
        }
    }

    fn next_leaf(&mut self) {
        self.leaf = None;
        while let Some((node, at)) = self.path.pop() {
            let Node::Inner(inner) = &*node else { continue };
            let next = if self.reversed { at.checked_sub(1) } else { Some(at + 1) };
            if let Some(next) = next
                && let Some(child) = inner.children.get(next)
            {
                let child = Arc::clone(child);
                self.path.push((node, next));
                self.descend(child);
                return;
            }
        }
    }

    fn descend(&mut self, mut node: Arc<Node>) {
        loop {
            let next = match &*node {
                Node::Leaf(rows) => {
                    let at = if self.reversed { rows.len() - 1 } else { 0 };
                    self.leaf = Some((node, at));
                    return;
                }
                Node::Inner(inner) => {
                    let at = if self.reversed { inner.children.len() - 1 } else { 0 };
                    self.path.push((Arc::clone(&node), at));
                    Arc::clone(&inner.children[at])
                }
            };
            node = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use helenus_model::key::put_clustering_value;
    use helenus_model::types::CqlType;
    use helenus_model::value::Comparator;
    use proptest::prelude::*;

    use super::*;

    fn clustering(value: i32) -> Vec<u8> {
        let mut out = Vec::new();
        put_clustering_value(&mut out, Some(&value.to_be_bytes()));
        out
    }

    fn put(tree: &mut Option<Tree>, order: &ClusteringComparator, key: i32, value: u8) {
        let at = clustering(key);
        let mut scratch = Vec::new();
        lay_out_row(&mut scratch, &at, &[value]);
        match tree {
            None => *tree = Some(Tree::of_one(Arc::from(&scratch[..]))),
            Some(tree) => tree.upsert(order, &at, &mut |_| Some(Arc::from(&scratch[..]))),
        }
    }

    fn contents(tree: &Tree, order: &ClusteringComparator, from: Position<'_>, reversed: bool) -> Vec<(Vec<u8>, u8)> {
        let mut cursor = TreeCursor::new(tree, reversed);
        cursor.seek(order, from);
        let mut out = Vec::new();
        while let Some((clustering, row)) = cursor.current() {
            out.push((clustering.to_vec(), row[0]));
            cursor.step();
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn a_tree_is_an_ordered_map_and_snapshots_stay(
            keys in proptest::collection::vec((0..2000_i32, any::<u8>()), 1..1500),
            mode in 0..3_u8,
            cut in 0..1500_usize,
            probe in -1..2001_i32,
        ) {
            let order = ClusteringComparator::new(vec![Comparator::for_type(&CqlType::Int)]);
            let mut keys = keys;
            match mode {
                0 => {}
                1 => keys.sort(),
                _ => keys.sort_by(|a, b| b.cmp(a)),
            }
            let (mut tree, mut model) = (None, BTreeMap::new());
            let mut snapshot = None;
            for (i, (key, value)) in keys.iter().enumerate() {
                put(&mut tree, &order, *key, *value);
                model.insert(*key, *value);
                if i == cut {
                    snapshot = tree.clone().map(|tree| (tree, model.clone()));
                }
            }
            let check = |tree: &Tree, model: &BTreeMap<i32, u8>| {
                let all: Vec<_> = model.iter().map(|(k, v)| (clustering(*k), *v)).collect();
                assert_eq!(contents(tree, &order, Position::FIRST, false), all);
                let mut back = all.clone();
                back.reverse();
                assert_eq!(contents(tree, &order, Position::LAST, true), back);
                let at = clustering(probe);
                for weight in [-1_i8, 0, 1] {
                    let place = Position { prefix: &at, weight };
                    let from: Vec<_> = all.iter().filter(|(c, _)| order.compare_positions(Position::row(c), place).is_ge()).cloned().collect();
                    assert_eq!(contents(tree, &order, place, false), from);
                    let mut upto: Vec<_> = all.iter().filter(|(c, _)| order.compare_positions(Position::row(c), place).is_le()).cloned().collect();
                    upto.reverse();
                    assert_eq!(contents(tree, &order, place, true), upto);
                }
                assert_eq!(tree.get(&order, &at).map(|row| split_row(row).1[0]), model.get(&probe).copied());
            };
            if let Some(tree) = &tree {
                check(tree, &model);
            }
            if let Some((tree, model)) = snapshot {
                check(&tree, &model);
            }
        }
    }
}
