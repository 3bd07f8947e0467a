//! The relations of a WHERE clause.

use super::{Marker, Name, QualifiedName, Term};

/// The operators between a column and one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `CONTAINS`; only in `Relation::Column` and conditions on a whole column.
    Contains,
    /// `CONTAINS KEY`; only in `Relation::Column` and conditions on a whole column.
    ContainsKey,
    /// `LIKE`; only in `Relation::Column`.
    Like,
}

impl Operator {
    /// The operator as CQL writes it.
    pub fn symbol(self) -> &'static str {
        match self {
            Operator::Equal => "=",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
            Operator::Contains => "CONTAINS",
            Operator::ContainsKey => "CONTAINS KEY",
            Operator::Like => "LIKE",
        }
    }
}

/// The right side of IN.
#[derive(Debug, Clone, PartialEq)]
pub enum InValues {
    /// `IN (a, b)`; may be empty. For a multi-column IN all terms are tuples or all are markers.
    List(Vec<Term>),
    /// `IN ?`
    Marker(Marker),
}

/// One relation of a WHERE clause.
#[derive(Debug, Clone, PartialEq)]
pub enum Relation {
    /// `c = 1`, `c CONTAINS 'x'`, `c LIKE 'a%'`
    Column {
        /// The column.
        column: Name,
        /// The operator.
        operator: Operator,
        /// The value.
        value: Term,
    },
    /// `c IN …`
    In {
        /// The column.
        column: Name,
        /// The values.
        values: InValues,
    },
    /// `c IS NOT NULL`
    IsNotNull(Name),
    /// `m['k'] = v`
    Element {
        /// The map.
        column: Name,
        /// Its key.
        key: Term,
        /// The operator: a comparison.
        operator: Operator,
        /// The value.
        value: Term,
    },
    /// `(a, b) > (1, 2)`
    MultiColumn {
        /// The columns.
        columns: Vec<Name>,
        /// The operator: a comparison.
        operator: Operator,
        /// A `Term::Tuple` or a `Term::Marker`.
        value: Term,
    },
    /// `(a, b) IN …`
    MultiColumnIn {
        /// The columns.
        columns: Vec<Name>,
        /// The values.
        values: InValues,
    },
    /// `token(a, b) > …`
    Token {
        /// The columns.
        columns: Vec<Name>,
        /// The operator: a comparison.
        operator: Operator,
        /// The value.
        value: Term,
    },
    /// `expr(index, 'text')`
    IndexExpression {
        /// The custom index; the grammar takes no keyspace here, so it is always `None`.
        index: QualifiedName,
        /// What is handed to the index.
        value: Term,
    },
}
