//! Which secondary index a SELECT goes through, and what for.

use helenus_cql::ast::Operator;
use helenus_model::key::put_composite_component;
use helenus_model::limits::KEY_BYTES_MAX;
use helenus_model::read::Through;
use helenus_model::schema::{Column, Index, IndexTarget, Table};

use super::{ClusteringKind, ClusteringRestriction, Filter, FilterTest, GroupTerm, KeyPart};
use crate::error::QueryError;
use crate::term::{Term, Value};
use crate::values::{BoundValues, ExecuteOptions};

/// A restriction that an index answers.
#[derive(Clone, Debug)]
pub struct IndexUse {
    /// The index.
    pub index: Index,
    value: IndexValue,
}

#[derive(Clone, Debug)]
enum IndexValue {
    /// One value of a relation.
    Group(GroupTerm, usize),
    /// `CONTAINS`, `CONTAINS KEY`
    Term(Term),
    /// `m[key] = value`
    Entry(Term, Term),
}

impl IndexUse {
    /// How the rows of an execution are found.
    ///
    /// # Errors
    /// Null and unset values, values longer than any indexed one.
    pub fn through(&self, values: &dyn BoundValues, options: &ExecuteOptions<'_>) -> Result<Through, QueryError> {
        let one = |term: &Term| match term.evaluate(values, options)? {
            Value::Bytes(bytes) => Ok(bytes.into_owned()),
            Value::Null => Err(super::unsupported_null(&self.index.column)),
            Value::Unset => {
                Err(QueryError::invalid(format!("Unsupported unset value for column {}", self.index.column)))
            }
        };
        let value = match &self.value {
            IndexValue::Group(group, place) => {
                let names = vec![self.index.column.as_str(); group.width()];
                let mut all = group.evaluate(&names, values, options)?;
                if *place < all.len() { all.swap_remove(*place).into_owned() } else { Vec::new() }
            }
            IndexValue::Term(term) => one(term)?,
            IndexValue::Entry(key, value) => {
                let (key, value) = (one(key)?, one(value)?);
                let mut composed = Vec::with_capacity(key.len() + value.len() + 6);
                if key.len().max(value.len()) > KEY_BYTES_MAX {
                    return Err(too_long());
                }
                put_composite_component(&mut composed, &key);
                put_composite_component(&mut composed, &value);
                composed
            }
        };
        if value.len() > KEY_BYTES_MAX {
            return Err(too_long());
        }
        Ok(Through::Index { index: self.index.id, value: value.into() })
    }
}

fn too_long() -> QueryError {
    QueryError::invalid("Index expression values may not be larger than 64K")
}

fn find<'t>(table: &'t Table, column: &Column, fits: impl Fn(IndexTarget) -> bool) -> Option<&'t Index> {
    table.indexes.iter().find(|index| index.column == column.name && fits(index.target))
}

fn is_whole(target: IndexTarget) -> bool {
    matches!(target, IndexTarget::Simple | IndexTarget::Full)
}

fn used(index: &Index, value: IndexValue) -> IndexUse {
    IndexUse { index: index.clone(), value }
}

/// True for a column with an index of whatever kind.
pub(super) fn is_indexed(table: &Table, column: &Column) -> bool {
    find(table, column, |_| true).is_some()
}

/// The index that answers a restriction of a partition-key column.
pub(super) fn of_key_part(table: &Table, column: &Column, part: &KeyPart) -> Option<IndexUse> {
    let KeyPart::Equal(group) = part else { return None };
    Some(used(find(table, column, is_whole)?, IndexValue::Group(group.clone(), 0)))
}

/// The index that answers a restriction of clustering columns.
pub(super) fn of_clustering(table: &Table, restriction: &ClusteringRestriction) -> Option<IndexUse> {
    let ClusteringKind::Equal(group) = &restriction.kind else { return None };
    (0..restriction.width).find_map(|place| {
        let column = table.clustering.get(restriction.first + place)?;
        Some(used(find(table, column, is_whole)?, IndexValue::Group(group.clone(), place)))
    })
}

/// The index that answers a filter.
pub(super) fn of_filter(table: &Table, filter: &Filter) -> Option<IndexUse> {
    let [column] = filter.columns.as_slice() else { return None };
    let is = |wanted| move |target| target == wanted;
    match &filter.test {
        FilterTest::Compare { operator: Operator::Equal, value } => {
            Some(used(find(table, column, is_whole)?, IndexValue::Group(value.clone(), 0)))
        }
        FilterTest::Contains(term) => {
            Some(used(find(table, column, is(IndexTarget::Values))?, IndexValue::Term(term.clone())))
        }
        FilterTest::ContainsKey(term) => {
            Some(used(find(table, column, is(IndexTarget::Keys))?, IndexValue::Term(term.clone())))
        }
        FilterTest::Element { key, value } => {
            let value = IndexValue::Entry(key.clone(), value.clone());
            Some(used(find(table, column, is(IndexTarget::Entries))?, value))
        }
        _ => None,
    }
}
