//! Which types may come after which: of dropped columns that come back, and of functions that are replaced.

use helenus_model::types::CqlType;

use crate::term::type_assignability;

/// Whether values of the old type are values of the new one, in the same order (Cassandra's isCompatibleWith).
pub(super) fn is_compatible(new: &CqlType, old: &CqlType) -> bool {
    use CqlType::{Ascii, Blob, List, Map, Set, Text, Tuple};
    if new.is_collection() && new.is_multi_cell() != old.is_multi_cell() {
        return false;
    }
    let has_cells = new.is_multi_cell();
    let is_value = |new, old| if has_cells { is_serialization_compatible(new, old) } else { is_compatible(new, old) };
    match (new, old) {
        (Text, Ascii) | (Blob, Ascii | Text) => true,
        (List { element: new, .. }, List { element: old, .. }) => is_value(new, old),
        (Set { element: new, .. }, Set { element: old, .. }) => is_compatible(new, old),
        (Map { key, value, .. }, Map { key: old_key, value: old_value, .. }) => {
            is_compatible(key, old_key) && is_value(value, old_value)
        }
        (Tuple(new), Tuple(old)) => {
            new.len() >= old.len() && new.iter().zip(old.iter()).all(|(new, old)| is_compatible(new, old))
        }
        _ => new == old,
    }
}

/// Whether values of the old type are values of the new one (isValueCompatibleWith).
fn is_value_compatible(new: &CqlType, old: &CqlType) -> bool {
    use CqlType::{List, Map, Set, Tuple, Udt, Vector};
    match (new, old) {
        (List { .. } | Set { .. } | Map { .. }, _) if new.is_multi_cell() => is_compatible(new, old),
        (List { .. } | Set { .. } | Map { .. }, _) if old.is_multi_cell() => false,
        (List { element: new, .. }, List { element: old, .. }) => is_value_compatible(new, old),
        (Set { .. }, Set { .. }) => is_compatible(new, old),
        (Map { key, value, .. }, Map { key: old_key, value: old_value, .. }) => {
            is_compatible(key, old_key) && is_value_compatible(value, old_value)
        }
        (Tuple(new), Tuple(old)) => {
            new.len() >= old.len() && new.iter().zip(old.iter()).all(|(new, old)| is_value_compatible(new, old))
        }
        (Udt { .. }, _) | (_, Udt { .. }) | (Vector { .. }, Vector { .. }) => new == old,
        _ => type_assignability(new, old).is_assignable(),
    }
}

/// Whether what is stored under the old type can be read as the new one (isSerializationCompatibleWith).
pub(super) fn is_serialization_compatible(new: &CqlType, old: &CqlType) -> bool {
    if !is_value_compatible(new, old) {
        return false;
    }
    match (new, old) {
        (CqlType::List { element: new, .. }, CqlType::List { element: old, .. })
        | (CqlType::Map { value: new, .. }, CqlType::Map { value: old, .. }) => is_serialization_compatible(new, old),
        (CqlType::Set { .. }, _) => true,
        _ => new.value_length_if_fixed() == old.value_length_if_fixed() && new.is_multi_cell() == old.is_multi_cell(),
    }
}

/// The type without names of user-defined types, which may be gone when the column still is in files.
pub(super) fn without_names(ty: &CqlType) -> CqlType {
    match ty {
        CqlType::Udt { definition, .. } => {
            CqlType::tuple(definition.fields.iter().map(|(_, field)| without_names(field)).collect::<Vec<_>>())
        }
        CqlType::Tuple(parts) => CqlType::tuple(parts.iter().map(without_names).collect::<Vec<_>>()),
        CqlType::List { element, .. } => CqlType::list(without_names(element), !ty.is_multi_cell()),
        CqlType::Set { element, .. } => CqlType::set(without_names(element), !ty.is_multi_cell()),
        CqlType::Map { key, value, .. } => CqlType::map(without_names(key), without_names(value), !ty.is_multi_cell()),
        CqlType::Vector { element, dimension } => CqlType::vector(without_names(element), *dimension),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ty(text: &str) -> CqlType {
        let schema = "CREATE TABLE t (k int PRIMARY KEY, v ";
        let parsed = helenus_cql::parse(&format!("{schema}{text})")).expect("parses").statement;
        let helenus_cql::ast::Statement::CreateTable(create) = parsed else { panic!("no table") };
        crate::term::resolve_type(&create.columns[1].type_name, "k", None).expect("a type")
    }

    /// New type, old type, whether the new one may come after the old one, and whether it may keep its cells.
    #[test]
    fn as_cassandra_says() {
        for (new, old, compatible, stored) in [
            ("int", "int", true, true),
            ("text", "ascii", true, true),
            ("ascii", "text", false, false),
            ("blob", "text", true, true),
            ("blob", "int", false, false),
            ("bigint", "timestamp", false, true),
            ("list<int>", "list<int>", true, true),
            ("list<blob>", "list<int>", false, false),
            ("list<blob>", "list<text>", true, true),
            ("list<int>", "frozen<list<int>>", false, false),
            ("frozen<list<blob>>", "frozen<list<text>>", true, true),
            ("frozen<list<blob>>", "frozen<list<int>>", false, false),
            ("set<blob>", "set<ascii>", true, true),
            ("set<blob>", "set<int>", false, false),
            ("map<text, blob>", "map<ascii, text>", true, true),
            ("map<text, varint>", "map<text, int>", false, false),
            ("tuple<int, text>", "tuple<int>", true, true),
            ("tuple<int>", "tuple<int, text>", false, false),
            ("vector<int, 2>", "vector<int, 3>", false, false),
            ("vector<blob, 2>", "vector<text, 2>", false, false),
        ] {
            let (new, old) = (ty(new), ty(old));
            assert_eq!(is_compatible(&new, &old), compatible, "{new} after {old}");
            assert_eq!(is_serialization_compatible(&new, &old), stored, "{new} for what {old} stored");
        }
    }
}
