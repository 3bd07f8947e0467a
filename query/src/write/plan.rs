//! A checked INSERT, UPDATE or DELETE.

use std::sync::Arc;

use helenus_model::schema::{ColumnKind, Table};

use super::attributes::Attributes;
use super::json::JsonPlan;
use super::lists::ListRead;
use super::operation::Operation;
use crate::cas::Conditions;
use crate::restrict::{ClusteringKind, GroupTerm, KeyPart, PartitionRestriction, Restrictions, StatementKind};
use crate::term::Term;

/// A statement that writes.
#[derive(Clone, Debug)]
pub struct WritePlan {
    /// The table.
    pub table: Arc<Table>,
    /// INSERT, UPDATE or DELETE.
    pub kind: StatementKind,
    /// USING.
    pub attributes: Attributes,
    /// IF.
    pub conditions: Option<Conditions>,
    pub(super) restrictions: Restrictions,
    /// The key's terms when every key column that is restricted is so by `=`: the way without allocation.
    pub(super) single: Option<SingleRow>,
    /// Operations on static columns, by column id.
    pub(super) statics: Vec<Operation>,
    /// Operations on regular columns, by column id.
    pub(super) regulars: Vec<Operation>,
    /// Two operations are on one column: their cells have to be merged.
    pub(super) merges: bool,
    /// INSERT leaves a row marker; in a compact table there are none.
    pub(super) marks_rows: bool,
    /// INSERT JSON: where the columns' values come from.
    pub(super) json: Option<Arc<JsonPlan>>,
    /// What must be read before it can be bound.
    pub(super) read: Option<Arc<ListRead>>,
}

/// The terms of one row's key.
#[derive(Clone, Debug)]
pub(super) struct SingleRow {
    pub(super) partition: Vec<Term>,
    /// All clustering columns, or none.
    pub(super) clustering: Vec<Term>,
}

impl WritePlan {
    pub(super) fn new(
        kind: StatementKind,
        attributes: Attributes,
        restrictions: Restrictions,
        mut operations: Vec<Operation>,
        conditions: Option<Conditions>,
    ) -> Self {
        let table = Arc::clone(&restrictions.table);
        let is_static = |operation: &Operation| {
            table.column_by_id(operation.column).is_some_and(|column| column.kind == ColumnKind::Static)
        };
        operations.iter_mut().enumerate().for_each(|(place, operation)| operation.place = place);
        let (mut statics, mut regulars): (Vec<_>, Vec<_>) = operations.into_iter().partition(is_static);
        let mut merges = false;
        for list in [&mut statics, &mut regulars] {
            // Cells stand in a row by column id; the sort keeps the statement's order within a column.
            list.sort_by_key(|operation| operation.column);
            merges |= list.windows(2).any(|pair| matches!(pair, [a, b] if a.column == b.column));
        }
        let single = single_row(&restrictions);
        let marks_rows = kind == StatementKind::Insert && !table.params.storage.is_compact();
        let read = ListRead::of(&restrictions, &statics, &regulars).map(Arc::new);
        WritePlan {
            table,
            kind,
            attributes,
            conditions,
            restrictions,
            single,
            statics,
            regulars,
            merges,
            marks_rows,
            json: None,
            read,
        }
    }

    /// What must be read before the statement can be bound: lists whose elements it names by place or value.
    #[inline]
    pub fn list_read(&self) -> Option<&Arc<ListRead>> {
        self.read.as_ref()
    }

    /// True when what it writes depends on what is there: with conditions it is bound when the partition was read.
    pub fn reads_current(&self) -> bool {
        self.read.is_some() || self.operations().any(Operation::adds)
    }

    /// True when something is added to values of a row.
    pub(crate) fn adds_to_rows(&self) -> bool {
        self.regulars.iter().any(Operation::adds)
    }

    /// True when a row of the clustering is written, not only statics.
    pub(super) fn writes_rows(&self) -> bool {
        self.table.clustering.is_empty() || !self.restrictions.clustering.is_empty()
    }

    /// True for a DELETE that names columns of rows.
    pub(super) fn deletes_columns(&self) -> bool {
        self.kind == StatementKind::Delete && !self.regulars.is_empty()
    }

    /// What is done to columns: the regular ones first.
    pub(crate) fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.regulars.iter().chain(&self.statics)
    }

    /// What the WHERE says.
    pub(crate) fn restrictions(&self) -> &Restrictions {
        &self.restrictions
    }

    /// True when the WHERE says something of the clustering.
    pub(crate) fn restricts_clustering(&self) -> bool {
        !self.restrictions.clustering.is_empty()
    }

    /// True when static columns are written.
    pub(crate) fn writes_statics(&self) -> bool {
        !self.statics.is_empty()
    }

    /// True when a DELETE is of regular columns or of whole rows.
    pub(super) fn deletes_regulars(&self) -> bool {
        !self.regulars.is_empty() || self.statics.is_empty()
    }

    /// True when nothing but static columns is written or looked at.
    pub(crate) fn only_statics(&self) -> bool {
        only_statics(self.kind, !self.regulars.is_empty(), !self.statics.is_empty(), self.conditions.as_ref())
    }

    /// True for DELETE of whole rows, ranges or partitions.
    pub(super) fn deletes_rows(&self) -> bool {
        self.kind == StatementKind::Delete && self.statics.is_empty() && self.regulars.is_empty()
    }
}

/// Whether a statement is about static columns only (Cassandra's `appliesOnlyToStaticColumns`). A DELETE of no columns is about whole
/// rows.
pub(super) fn only_statics(
    kind: StatementKind,
    regulars: bool,
    statics: bool,
    conditions: Option<&Conditions>,
) -> bool {
    let regulars = regulars || (kind == StatementKind::Delete && !statics);
    let tests_regulars = conditions.is_some_and(Conditions::look_at_regulars);
    !regulars && !tests_regulars && (statics || conditions.is_some_and(Conditions::look_at_statics))
}

fn single_row(restrictions: &Restrictions) -> Option<SingleRow> {
    let PartitionRestriction::Keys(parts) = &restrictions.partition else { return None };
    if restrictions.key_tokens.is_some() || restrictions.table.params.storage.refuses_empty_clustering() {
        return None;
    }
    let mut partition = Vec::with_capacity(parts.len());
    for part in parts {
        let KeyPart::Equal(GroupTerm::Elements(terms)) = part else { return None };
        partition.extend(terms.iter().cloned());
    }
    let mut clustering = Vec::new();
    for restriction in &restrictions.clustering {
        let ClusteringKind::Equal(GroupTerm::Elements(terms)) = &restriction.kind else { return None };
        if restriction.multi {
            return None;
        }
        clustering.extend(terms.iter().cloned());
    }
    let whole = clustering.is_empty() || clustering.len() == restrictions.table.clustering.len();
    whole.then_some(SingleRow { partition, clustering })
}
