//! The rows of a wide partition: a B+ tree that only grows and that copies the path it changes when a reader still looks at it.
//!
//! A writer holds the shard's lock and calls [`Tree::upsert`]; nodes that nobody else refers to are changed in place. A reader
//! clones the root under the same lock and then walks without any: whatever it refers to is never changed again.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::hint::black_box;
use std::ops::Range;
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
    Leaf(Leaf),
    Inner(Inner),
}

/// Rows in order. What decides most comparisons lies side by side, apart from the rows, each of which is a cache miss away.
/// Rings, because events arrive in order, from either end: an insertion there moves nothing.
#[derive(Clone, Debug, Default)]
struct Leaf {
    /// [`ClusteringComparator::head`] of each row.
    heads: VecDeque<u64>,
    rows: VecDeque<StoredRow>,
}

#[derive(Clone, Debug, Default)]
struct Inner {
    /// The head of each of `splits`.
    heads: Vec<u64>,
    /// `splits[i]` is the first clustering of `children[i + 1]`.
    splits: Vec<Arc<[u8]>>,
    children: Vec<Arc<Node>>,
}

/// A clustering with its head.
#[derive(Clone, Copy)]
struct Sought<'c> {
    order: &'c ClusteringComparator,
    head: u64,
    clustering: &'c [u8],
}

impl<'c> Sought<'c> {
    fn new(order: &'c ClusteringComparator, clustering: &'c [u8]) -> Self {
        Sought { order, head: order.head(clustering).unwrap_or(0), clustering }
    }

    fn compare(&self, clustering: &[u8]) -> Ordering {
        self.order.compare(clustering, self.clustering)
    }
}

/// What a node split off to the right: head and bytes of its first clustering, and the node.
struct SplitOff {
    head: u64,
    first: Arc<[u8]>,
    node: Arc<Node>,
}

/// The indexes of the `len` sorted heads that equal `head`. The ends are tried first: events arrive in order, from either end.
fn equal_heads(len: usize, at: impl Fn(usize) -> u64, head: u64) -> Range<usize> {
    if len == 0 || head < at(0) {
        return 0..0;
    }
    if head > at(len - 1) {
        return len..len;
    }
    let from = partition_point(0..len, |place| at(place) < head);
    from..partition_point(from..len, |place| at(place) == head)
}

/// The first index of `range` for which `is_before` is false; it is true for all before that one.
fn partition_point(mut range: Range<usize>, is_before: impl Fn(usize) -> bool) -> usize {
    while !range.is_empty() {
        let middle = range.start + range.len() / 2;
        range = if is_before(middle) { middle + 1..range.end } else { range.start..middle };
    }
    range.start
}

/// An ordered set of rows. Cloning costs one reference count.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    root: Arc<Node>,
}

impl Tree {
    /// A tree of one row.
    pub(crate) fn of_one(order: &ClusteringComparator, row: StoredRow) -> Self {
        let mut leaf = Leaf { heads: VecDeque::with_capacity(4), rows: VecDeque::with_capacity(4) };
        leaf.heads.push_back(order.head(clustering_of(&row)).unwrap_or(0));
        leaf.rows.push_back(row);
        Tree { root: Arc::new(Node::Leaf(leaf)) }
    }

    /// Puts the row that `make` builds at `clustering`; `make` gets the row that is there, if any, and may keep it by
    /// answering None.
    pub(crate) fn upsert(
        &mut self,
        order: &ClusteringComparator,
        clustering: &[u8],
        make: &mut dyn FnMut(Option<&StoredRow>) -> Option<StoredRow>,
    ) {
        let split = Arc::make_mut(&mut self.root).upsert(Sought::new(order, clustering), make);
        if let Some(SplitOff { head, first, node }) = split {
            let left = std::mem::replace(&mut self.root, Arc::new(Node::Inner(Inner::default())));
            let inner = Inner { heads: vec![head], splits: vec![first], children: vec![left, node] };
            self.root = Arc::new(Node::Inner(inner));
        }
    }

    /// The row at `clustering`.
    pub(crate) fn get(&self, order: &ClusteringComparator, clustering: &[u8]) -> Option<&StoredRow> {
        let sought = Sought::new(order, clustering);
        let mut node = &*self.root;
        loop {
            match node {
                Node::Leaf(leaf) => return leaf.search(sought).ok().and_then(|at| leaf.rows.get(at)),
                Node::Inner(inner) => node = &inner.children[inner.child_for(sought)],
            }
        }
    }
}

impl Leaf {
    fn equal_heads(&self, head: u64) -> Range<usize> {
        equal_heads(self.heads.len(), |at| self.heads[at], head)
    }

    fn clustering(&self, at: usize) -> &[u8] {
        clustering_of(&self.rows[at])
    }

    /// Place of a clustering: where it is, or where it belongs.
    fn search(&self, sought: Sought<'_>) -> Result<usize, usize> {
        let equal = self.equal_heads(sought.head);
        if equal.is_empty() || sought.compare(self.clustering(equal.end - 1)).is_lt() {
            return Err(equal.end);
        }
        let at = partition_point(equal, |at| sought.compare(self.clustering(at)).is_lt());
        if sought.compare(self.clustering(at)).is_eq() { Ok(at) } else { Err(at) }
    }

    fn split_off(&mut self, at: usize) -> Leaf {
        let mut right = Leaf { heads: VecDeque::with_capacity(FANOUT), rows: VecDeque::with_capacity(FANOUT) };
        right.heads.extend(self.heads.drain(at..));
        right.rows.extend(self.rows.drain(at..));
        right
    }

    fn insert(&mut self, at: usize, head: u64, row: StoredRow) {
        self.heads.insert(at, head);
        self.rows.insert(at, row);
    }

    /// Inserts a row, and splits when the leaf is full.
    fn insert_or_split(&mut self, at: usize, head: u64, row: StoredRow) -> Option<SplitOff> {
        if self.rows.len() < FANOUT {
            self.insert(at, head, row);
            return None;
        }
        // Rows that arrive in order, from either end, leave full leaves behind.
        let middle = match at {
            0 => 0,
            at if at == FANOUT => FANOUT,
            _ => FANOUT / 2,
        };
        let mut right = self.split_off(middle);
        if at <= middle && at < FANOUT {
            self.insert(at, head, row);
        } else {
            right.insert(at - middle, head, row);
        }
        let first = Arc::from(clustering_of(&right.rows[0]));
        Some(SplitOff { head: right.heads[0], first, node: Arc::new(Node::Leaf(right)) })
    }

    /// Reads a few bytes of the rows from `from` on: their cache misses then pass side by side instead of one after the
    /// other, which is most of the time that a slice takes.
    fn touch(&self, from: usize, count: usize, reversed: bool) {
        let range = if reversed { (from + 1).saturating_sub(count)..from + 1 } else { from..from + count };
        let end = range.end.min(self.rows.len());
        let mut seen = 0;
        for row in self.rows.range(range.start.min(end)..end) {
            let at = |at: usize| row.get(at).copied().unwrap_or(0);
            seen ^= at(0) ^ at(64) ^ at(row.len().wrapping_sub(1));
        }
        black_box(seen);
    }
}

impl Inner {
    fn equal_heads(&self, head: u64) -> Range<usize> {
        equal_heads(self.heads.len(), |at| self.heads[at], head)
    }

    fn child_for(&self, sought: Sought<'_>) -> usize {
        partition_point(self.equal_heads(sought.head), |at| sought.compare(&self.splits[at]).is_le())
    }

    /// Adds a child right of child `at`; splits when full.
    fn insert(&mut self, at: usize, SplitOff { head, first, node }: SplitOff) -> Option<SplitOff> {
        self.heads.insert(at, head);
        self.splits.insert(at, first);
        self.children.insert(at + 1, node);
        if self.children.len() <= FANOUT {
            return None;
        }
        // A node that grows at its end is left full.
        let keep = if at + 2 == self.children.len() { FANOUT } else { FANOUT / 2 };
        let children = self.children.split_off(keep);
        let (heads, splits) = (self.heads.split_off(keep), self.splits.split_off(keep));
        let first = self.splits.pop().expect("a split child has a first clustering");
        let head = self.heads.pop().expect("a split child has a head");
        Some(SplitOff { head, first, node: Arc::new(Node::Inner(Inner { heads, splits, children })) })
    }
}

impl Node {
    fn upsert(
        &mut self,
        sought: Sought<'_>,
        make: &mut dyn FnMut(Option<&StoredRow>) -> Option<StoredRow>,
    ) -> Option<SplitOff> {
        match self {
            Node::Leaf(leaf) => match leaf.search(sought) {
                Ok(at) => {
                    if let Some(row) = make(leaf.rows.get(at)) {
                        leaf.rows[at] = row;
                    }
                    None
                }
                Err(at) => {
                    let row = make(None)?;
                    leaf.insert_or_split(at, sought.head, row)
                }
            },
            Node::Inner(inner) => {
                let at = inner.child_for(sought);
                let split = Arc::make_mut(&mut inner.children[at]).upsert(sought, make)?;
                inner.insert(at, split)
            }
        }
    }
}

/// Rows touched ahead at first and at most, where nobody told how many are wanted: a reader of one row pays for few that it
/// does not want.
const TOUCH_FIRST: usize = 2;
const TOUCH_MAX: usize = 16;
/// A reader that wants more rows than this may well not find them.
const WANTED_MAX: u32 = 100;

/// A place in a [`Tree`] that can be moved in one direction.
#[derive(Debug)]
pub(crate) struct TreeCursor {
    root: Arc<Node>,
    /// Inner nodes from the root and the child taken in each.
    path: Vec<(Arc<Node>, usize)>,
    leaf: Option<(Arc<Node>, usize)>,
    reversed: bool,
    /// Rows touched ahead that are still to come, and how many to touch next.
    touched: usize,
    touch_next: usize,
    /// How many more rows the reader said it wants; 0 when it did not say.
    wanted: usize,
}

impl TreeCursor {
    /// A cursor that stands nowhere yet, of a reader that wants at most so many rows.
    pub(crate) fn new(tree: &Tree, reversed: bool, wanted: u32) -> Self {
        TreeCursor {
            root: Arc::clone(&tree.root),
            path: Vec::new(),
            leaf: None,
            reversed,
            touched: 0,
            touch_next: TOUCH_FIRST,
            wanted: if wanted <= WANTED_MAX { wanted as usize } else { 0 },
        }
    }

    /// Goes to the first row at or behind `place` in reading order.
    pub(crate) fn seek(&mut self, order: &ClusteringComparator, place: Position<'_>) {
        self.path.clear();
        self.touched = 0;
        self.touch_next = TOUCH_FIRST;
        let bound = Bound::new(order, place, self.reversed);
        let mut node = Arc::clone(&self.root);
        loop {
            let next = match &*node {
                Node::Inner(inner) => {
                    let at =
                        bound.count_before(inner.heads.len(), |head| inner.equal_heads(head), |at| &inner.splits[at]);
                    self.path.push((Arc::clone(&node), at));
                    Arc::clone(&inner.children[at])
                }
                Node::Leaf(leaf) => {
                    let at =
                        bound.count_before(leaf.heads.len(), |head| leaf.equal_heads(head), |at| leaf.clustering(at));
                    let len = leaf.rows.len();
                    self.leaf = Some((Arc::clone(&node), at));
                    match (self.reversed, at) {
                        (false, at) if at == len => self.next_leaf(),
                        (true, 0) => self.next_leaf(),
                        (true, at) => self.leaf = Some((node, at - 1)),
                        _ => {}
                    }
                    self.touch_ahead();
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
                Node::Leaf(leaf) => leaf.rows.get(*at).map(|row| split_row(row)),
                Node::Inner(_) => None,
            },
            None => None,
        }
    }

    /// Goes one row on in reading order.
    #[inline]
    pub(crate) fn step(&mut self) {
        let Some((node, at)) = self.leaf.as_mut() else { return };
        let Node::Leaf(leaf) = &**node else { return };
        self.touched = self.touched.saturating_sub(1);
        if self.reversed {
            match at.checked_sub(1) {
                Some(before) => *at = before,
                None => self.next_leaf(),
            }
        } else {
            *at += 1;
            if *at == leaf.rows.len() {
                self.next_leaf();
            }
        }
        if self.touched == 0 {
            self.touch_ahead();
        }
    }

    /// Touches the next rows: those that are wanted, or else more each time.
    fn touch_ahead(&mut self) {
        let Some((node, at)) = self.leaf.as_ref() else { return };
        let Node::Leaf(leaf) = &**node else { return };
        let count = if self.wanted > 0 { self.wanted.min(TOUCH_MAX) } else { self.touch_next };
        leaf.touch(*at, count, self.reversed);
        self.touched = count;
        if self.wanted > 0 {
            self.wanted -= count;
        } else {
            self.touch_next = (count * 2).min(TOUCH_MAX);
        }
    }

    /// True when there is a row to stand at.
    #[inline]
    pub(crate) fn is_at_row(&self) -> bool {
        self.leaf.is_some()
    }

    fn next_leaf(&mut self) {
        self.leaf = None;
        self.touched = 0;
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
                Node::Leaf(leaf) => {
                    let at = if self.reversed { leaf.rows.len() - 1 } else { 0 };
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

/// The place a cursor seeks.
struct Bound<'p> {
    order: &'p ClusteringComparator,
    head: Option<u64>,
    place: Position<'p>,
    reversed: bool,
}

impl<'p> Bound<'p> {
    fn new(order: &'p ClusteringComparator, place: Position<'p>, reversed: bool) -> Self {
        Bound { order, head: order.head(place.prefix), place, reversed }
    }

    /// How many of `len` clusterings come before the place in table order, or up to it when reading backwards, where they are
    /// what is wanted.
    fn count_before<'c>(
        &self,
        len: usize,
        equal_heads: impl Fn(u64) -> Range<usize>,
        clustering: impl Fn(usize) -> &'c [u8],
    ) -> usize {
        let Some(head) = self.head else {
            // All rows lie on the same side of an empty prefix.
            return if self.place.weight < 0 { 0 } else { len };
        };
        partition_point(equal_heads(head), |at| {
            let ordering = self.order.compare_positions(Position::row(clustering(at)), self.place);
            if self.reversed { ordering.is_le() } else { ordering.is_lt() }
        })
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
            None => *tree = Some(Tree::of_one(order, Arc::from(&scratch[..]))),
            Some(tree) => tree.upsert(order, &at, &mut |_| Some(Arc::from(&scratch[..]))),
        }
    }

    fn contents(tree: &Tree, order: &ClusteringComparator, from: Position<'_>, reversed: bool) -> Vec<(Vec<u8>, u8)> {
        // What a reader says it wants changes what is touched ahead, not what is found.
        let wanted = from.prefix.last().map_or(u32::MAX, |last| u32::from(*last));
        let mut cursor = TreeCursor::new(tree, reversed, wanted);
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
