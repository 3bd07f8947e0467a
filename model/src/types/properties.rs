//! What a type is made of and how its values are stored.

use std::sync::Arc;

use super::CqlType;

impl CqlType {
    /// A list type; its elements are frozen, as everything inside a collection is.
    pub fn list(element: CqlType, frozen: bool) -> CqlType {
        CqlType::List { element: Arc::new(element.freeze()), frozen }
    }

    /// A set type; its elements are frozen.
    pub fn set(element: CqlType, frozen: bool) -> CqlType {
        CqlType::Set { element: Arc::new(element.freeze()), frozen }
    }

    /// A map type; its keys and values are frozen.
    pub fn map(key: CqlType, value: CqlType, frozen: bool) -> CqlType {
        CqlType::Map { key: Arc::new(key.freeze()), value: Arc::new(value.freeze()), frozen }
    }

    /// A tuple type; its components are frozen.
    pub fn tuple(components: impl IntoIterator<Item = CqlType>) -> CqlType {
        CqlType::Tuple(components.into_iter().map(|component| component.freeze()).collect())
    }

    /// A vector type.
    pub fn vector(element: CqlType, dimension: u32) -> CqlType {
        CqlType::Vector { element: Arc::new(element), dimension }
    }

    /// True when the parts of a value are stored as cells of their own: lists, sets, maps and UDTs that are not frozen.
    pub fn is_multi_cell(&self) -> bool {
        match self {
            CqlType::List { frozen, .. }
            | CqlType::Set { frozen, .. }
            | CqlType::Map { frozen, .. }
            | CqlType::Udt { frozen, .. } => !frozen,
            _ => false,
        }
    }

    /// True for collections, UDTs, tuples and vectors stored as one value; false for all simple types.
    pub fn is_frozen(&self) -> bool {
        match self {
            CqlType::Tuple(_) | CqlType::Vector { .. } => true,
            _ => self.is_collection_or_udt() && !self.is_multi_cell(),
        }
    }

    /// True for lists, sets and maps.
    pub fn is_collection(&self) -> bool {
        matches!(self, CqlType::List { .. } | CqlType::Set { .. } | CqlType::Map { .. })
    }

    /// True for user-defined types.
    pub fn is_udt(&self) -> bool {
        matches!(self, CqlType::Udt { .. })
    }

    fn is_collection_or_udt(&self) -> bool {
        self.is_collection() || self.is_udt()
    }

    /// The same type stored as one value. What a collection, tuple or vector holds is frozen with it; the fields of a
    /// UDT stay as declared, because the definition belongs to the schema.
    pub fn freeze(&self) -> CqlType {
        match self {
            CqlType::List { element, .. } => CqlType::List { element: freeze_shared(element), frozen: true },
            CqlType::Set { element, .. } => CqlType::Set { element: freeze_shared(element), frozen: true },
            CqlType::Map { key, value, .. } => {
                CqlType::Map { key: freeze_shared(key), value: freeze_shared(value), frozen: true }
            }
            CqlType::Tuple(components) if components.iter().any(|component| component.has_multi_cell_part()) => {
                CqlType::Tuple(components.iter().map(CqlType::freeze).collect())
            }
            CqlType::Udt { definition, .. } => CqlType::Udt { definition: definition.clone(), frozen: true },
            CqlType::Vector { element, dimension } => {
                CqlType::Vector { element: freeze_shared(element), dimension: *dimension }
            }
            other => other.clone(),
        }
    }

    /// Length in bytes of every value that is not empty, or `None` when it varies (Cassandra: `AbstractType.valueLengthIfFixed`). `tinyint`,
    /// `smallint`, `date` and `time` count as varying, as they do in Cassandra's files.
    pub fn value_length_if_fixed(&self) -> Option<usize> {
        match self {
            CqlType::Empty => Some(0),
            CqlType::Boolean => Some(1),
            CqlType::Int | CqlType::Float => Some(4),
            CqlType::Bigint | CqlType::Double | CqlType::Timestamp => Some(8),
            CqlType::Uuid | CqlType::Timeuuid => Some(16),
            CqlType::Vector { element, dimension } => element.value_length_if_fixed()?.checked_mul(*dimension as usize),
            CqlType::Custom(class) => match super::java_class::simple_name(class) {
                "DateType" => Some(8),
                "LexicalUUIDType" => Some(16),
                _ => None,
            },
            _ => None,
        }
    }

    /// True when a value of no bytes is legal besides those of [`Self::value_length_if_fixed`] or of the type's form.
    pub fn allows_empty(&self) -> bool {
        !matches!(
            self,
            CqlType::Tinyint
                | CqlType::Smallint
                | CqlType::Date
                | CqlType::Time
                | CqlType::Duration
                | CqlType::List { .. }
                | CqlType::Set { .. }
                | CqlType::Map { .. }
                | CqlType::Vector { .. }
        )
    }

    /// True when an empty value says nothing, so that arithmetic and casts take it as null.
    pub fn is_empty_value_meaningless(&self) -> bool {
        matches!(
            self,
            CqlType::Bigint
                | CqlType::Boolean
                | CqlType::Counter
                | CqlType::Decimal
                | CqlType::Double
                | CqlType::Float
                | CqlType::Inet
                | CqlType::Int
                | CqlType::Timestamp
                | CqlType::Timeuuid
                | CqlType::Uuid
                | CqlType::Varint
        )
    }

    /// True when `predicate` holds for the type or for any type inside it, the fields of UDTs included.
    pub fn any(&self, predicate: &mut dyn FnMut(&CqlType) -> bool) -> bool {
        if predicate(self) {
            return true;
        }
        match self {
            CqlType::List { element, .. } | CqlType::Set { element, .. } | CqlType::Vector { element, .. } => {
                element.any(predicate)
            }
            CqlType::Map { key, value, .. } => key.any(predicate) || value.any(predicate),
            CqlType::Tuple(components) => components.iter().any(|component| component.any(predicate)),
            CqlType::Udt { definition, .. } => definition.fields.iter().any(|(_, field)| field.any(predicate)),
            _ => false,
        }
    }

    /// True for `counter` and types that hold one.
    pub fn contains_counter(&self) -> bool {
        self.any(&mut |part| matches!(part, CqlType::Counter))
    }

    /// True for `duration` and types that hold one where Cassandra looks for it, which is not in sets, vectors nor keys of maps; such types
    /// have no order and cannot stand in a key (Cassandra: AbstractType.referencesDuration).
    pub fn contains_duration(&self) -> bool {
        match self {
            CqlType::Duration => true,
            CqlType::List { element, .. } => element.contains_duration(),
            CqlType::Map { value, .. } => value.contains_duration(),
            CqlType::Tuple(parts) => parts.iter().any(CqlType::contains_duration),
            CqlType::Udt { definition, .. } => definition.fields.iter().any(|(_, field)| field.contains_duration()),
            _ => false,
        }
    }

    /// True for UDTs and types that hold one.
    pub fn contains_udt(&self) -> bool {
        self.any(&mut |part| part.is_udt())
    }

    /// True when the UDT `keyspace.name` is this type or part of it.
    pub fn references_udt(&self, keyspace: &str, name: &str) -> bool {
        self.any(&mut |part| match part {
            CqlType::Udt { definition, .. } => definition.keyspace == keyspace && definition.name == name,
            _ => false,
        })
    }

    fn has_multi_cell_part(&self) -> bool {
        match self {
            CqlType::Udt { frozen, .. } => !frozen,
            CqlType::List { element, .. } | CqlType::Set { element, .. } => {
                self.is_multi_cell() || element.has_multi_cell_part()
            }
            CqlType::Map { key, value, .. } => {
                self.is_multi_cell() || key.has_multi_cell_part() || value.has_multi_cell_part()
            }
            CqlType::Tuple(components) => components.iter().any(CqlType::has_multi_cell_part),
            CqlType::Vector { element, .. } => element.has_multi_cell_part(),
            _ => false,
        }
    }
}

/// Freezes a shared type, keeping the same one when it has nothing to freeze.
fn freeze_shared(shared: &Arc<CqlType>) -> Arc<CqlType> {
    if shared.has_multi_cell_part() { Arc::new(shared.freeze()) } else { shared.clone() }
}

#[cfg(test)]
mod tests {
    use super::super::parse_cql_type;

    fn check(text: &str, fixed: Option<usize>, multi_cell: bool, empty_ok: bool) {
        let parsed = parse_cql_type(text, "ks", &|_, _| None).unwrap();
        assert_eq!(parsed.value_length_if_fixed(), fixed, "{text}");
        assert_eq!(parsed.is_multi_cell(), multi_cell, "{text}");
        assert_eq!(parsed.allows_empty(), empty_ok, "{text}");
    }

    #[test]
    fn storage_properties() {
        check("ascii", None, false, true);
        check("bigint", Some(8), false, true);
        check("blob", None, false, true);
        check("boolean", Some(1), false, true);
        check("counter", None, false, true);
        check("date", None, false, false);
        check("decimal", None, false, true);
        check("double", Some(8), false, true);
        check("duration", None, false, false);
        check("empty", Some(0), false, true);
        check("float", Some(4), false, true);
        check("inet", None, false, true);
        check("int", Some(4), false, true);
        check("smallint", None, false, false);
        check("text", None, false, true);
        check("time", None, false, false);
        check("timestamp", Some(8), false, true);
        check("timeuuid", Some(16), false, true);
        check("tinyint", None, false, false);
        check("uuid", Some(16), false, true);
        check("varint", None, false, true);
        check("list<int>", None, true, false);
        check("frozen<list<int>>", None, false, false);
        check("tuple<int, int>", None, false, true);
        check("vector<int, 2>", Some(8), false, false);
        check("vector<text, 2>", None, false, false);
        check("vector<tinyint, 2>", None, false, false);
        check("vector<vector<boolean, 2>, 3>", Some(6), false, false);
        check("'org.apache.cassandra.db.marshal.LexicalUUIDType'", Some(16), false, true);
        check("'org.apache.cassandra.db.marshal.DateType'", Some(8), false, true);
    }
}
