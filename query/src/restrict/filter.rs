//! Restrictions that only a look at the row decides.

use helenus_cql::ast::Operator;
use helenus_model::schema::Column;

use super::{GroupIn, GroupTerm};
use crate::term::Term;

/// A test of some columns of a row.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The columns: several only for multi-column relations on clustering columns.
    pub columns: Vec<Column>,
    /// Written with parentheses: `(a, b) = …`, also with one column in them.
    pub multi: bool,
    /// What must hold.
    pub test: FilterTest,
}

/// What a filter asks.
#[derive(Clone, Debug)]
pub enum FilterTest {
    /// A comparison (`=`, `<`, `<=`, `>`, `>=`) of the columns with values.
    Compare {
        /// The operator.
        operator: Operator,
        /// The values.
        value: GroupTerm,
    },
    /// `IN`
    In(GroupIn),
    /// `CONTAINS`
    Contains(Term),
    /// `CONTAINS KEY`
    ContainsKey(Term),
    /// `m[key] = value`
    Element {
        /// The map's key.
        key: Term,
        /// Its value.
        value: Term,
    },
}
