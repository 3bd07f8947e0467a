//! When a name needs double quotes in CQL.

use std::borrow::Cow;

/// Cassandra 5.0's reserved words (its `reserved_keywords.txt`), sorted, in lower case.
const RESERVED_WORDS: [&str; 57] = [
    "add",
    "allow",
    "alter",
    "and",
    "apply",
    "asc",
    "authorize",
    "batch",
    "begin",
    "by",
    "columnfamily",
    "create",
    "delete",
    "desc",
    "describe",
    "drop",
    "entries",
    "execute",
    "from",
    "full",
    "grant",
    "if",
    "in",
    "index",
    "infinity",
    "insert",
    "into",
    "is",
    "keyspace",
    "limit",
    "materialized",
    "modify",
    "nan",
    "norecursive",
    "not",
    "null",
    "of",
    "on",
    "or",
    "order",
    "primary",
    "rename",
    "revoke",
    "schema",
    "select",
    "set",
    "table",
    "to",
    "token",
    "truncate",
    "unlogged",
    "update",
    "use",
    "using",
    "view",
    "where",
    "with",
];

/// True when `word`, in lower case, cannot be a name without quotes.
pub fn is_reserved_word(word: &str) -> bool {
    RESERVED_WORDS.binary_search(&word).is_ok()
}

/// The name as CQL must spell it: bare when it is `[a-z][a-z0-9_]*` and not reserved, else quoted.
pub fn maybe_quote(name: &str) -> Cow<'_, str> {
    let mut bytes = name.bytes();
    let starts_well = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
    let bare = starts_well && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if bare && !is_reserved_word(name) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(quote(name))
}

/// The name between double quotes, inner ones doubled.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_sorted() {
        assert!(RESERVED_WORDS.is_sorted());
    }

    #[test]
    fn names_are_quoted_when_needed() {
        for (name, spelled) in [
            ("a", "a"),
            ("a_1", "a_1"),
            ("text", "text"),
            ("select", "\"select\""),
            ("with", "\"with\""),
            ("default", "default"),
            ("D", "\"D\""),
            ("_a", "\"_a\""),
            ("1a", "\"1a\""),
            ("a b", "\"a b\""),
            ("a\"b", "\"a\"\"b\""),
            ("", "\"\""),
            ("ä", "\"ä\""),
        ] {
            assert_eq!(maybe_quote(name), spelled);
        }
    }
}
