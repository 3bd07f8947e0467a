//! Finding names that stand twice in a list, in a time that grows with the list and not with its square: a statement may name a
//! hundred thousand.

use std::hash::Hash;

use rustc_hash::FxHashSet;

/// The first item that is equal to one before it.
pub(crate) fn first_repeated<T: Eq + Hash + Copy>(items: impl IntoIterator<Item = T>) -> Option<T> {
    let mut seen = FxHashSet::default();
    items.into_iter().find(|item| !seen.insert(*item))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_first_that_stands_twice() {
        for (items, expected) in [("", None), ("abc", None), ("abca", Some('a')), ("abcbcc", Some('b'))] {
            assert_eq!(super::first_repeated(items.chars()), expected, "{items}");
        }
    }
}
