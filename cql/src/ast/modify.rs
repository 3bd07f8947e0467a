//! INSERT, UPDATE, DELETE, BATCH.

use super::{InValues, Marker, Name, Operator, QualifiedName, Relation, Term};

/// `USING TIMESTAMP … AND TTL …`: integer literals or markers. Said twice, the last counts, as in Cassandra.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Using {
    /// `TIMESTAMP`, in microseconds.
    pub timestamp: Option<Term>,
    /// `TTL`, in seconds.
    pub ttl: Option<Term>,
}

/// `INSERT INTO t (columns) VALUES (values)`. The parser does not compare the two lengths.
#[derive(Debug, Clone, PartialEq)]
pub struct Insert {
    /// The table.
    pub table: QualifiedName,
    /// The columns, not empty.
    pub columns: Vec<Name>,
    /// The values, not empty.
    pub values: Vec<Term>,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `USING`
    pub using: Using,
}

/// The text of `INSERT … JSON`.
#[derive(Debug, Clone, PartialEq)]
pub enum JsonValue {
    /// A string literal's content.
    Text(String),
    /// `?` or `:name`
    Marker(Marker),
}

/// `INSERT INTO t JSON '…'`
#[derive(Debug, Clone, PartialEq)]
pub struct InsertJson {
    /// The table.
    pub table: QualifiedName,
    /// The JSON text.
    pub json: JsonValue,
    /// `DEFAULT UNSET`; false for `DEFAULT NULL` and for nothing.
    pub default_unset: bool,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `USING`
    pub using: Using,
}

/// One assignment of SET.
#[derive(Debug, Clone, PartialEq)]
pub enum Assignment {
    /// `c = value`
    Set {
        /// The column.
        column: Name,
        /// Its new value.
        value: Term,
    },
    /// `c = c + value`, `c += value`
    Add {
        /// The column.
        column: Name,
        /// What is added. `c = c -3` (no blank before the digit) is an addition of `-3`.
        value: Term,
    },
    /// `c = c - value`, `c -= value`
    Subtract {
        /// The column.
        column: Name,
        /// What is taken away.
        value: Term,
    },
    /// `c = value + c`
    Prepend {
        /// The column.
        column: Name,
        /// What is put before it.
        value: Term,
    },
    /// `c[key] = value`
    SetElement {
        /// The column.
        column: Name,
        /// Map key or list index.
        key: Term,
        /// The element's new value.
        value: Term,
    },
    /// `c.field = value`
    SetField {
        /// The column.
        column: Name,
        /// The field of the user-defined type.
        field: Name,
        /// The field's new value.
        value: Term,
    },
}

impl Assignment {
    /// The column assigned to.
    pub fn column(&self) -> &Name {
        match self {
            Assignment::Set { column, .. }
            | Assignment::Add { column, .. }
            | Assignment::Subtract { column, .. }
            | Assignment::Prepend { column, .. }
            | Assignment::SetElement { column, .. }
            | Assignment::SetField { column, .. } => column,
        }
    }
}

/// `UPDATE`
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// The table.
    pub table: QualifiedName,
    /// `USING`
    pub using: Using,
    /// `SET`, not empty.
    pub assignments: Vec<Assignment>,
    /// `WHERE`, not empty.
    pub relations: Vec<Relation>,
    /// `IF`
    pub conditions: Conditions,
}

/// What one element of `DELETE a, b['k'], c.f` removes.
#[derive(Debug, Clone, PartialEq)]
pub enum Deletion {
    /// A column.
    Column(Name),
    /// `c[key]`
    Element {
        /// The column.
        column: Name,
        /// Map key, set element or list index.
        key: Term,
    },
    /// `c.field`
    Field {
        /// The column.
        column: Name,
        /// The field of the user-defined type.
        field: Name,
    },
}

/// `DELETE`
#[derive(Debug, Clone, PartialEq)]
pub struct Delete {
    /// What to remove; empty for whole rows.
    pub deletions: Vec<Deletion>,
    /// The table.
    pub table: QualifiedName,
    /// `USING TIMESTAMP`, in microseconds: an integer literal or a marker.
    pub timestamp: Option<Term>,
    /// `WHERE`, not empty.
    pub relations: Vec<Relation>,
    /// `IF`
    pub conditions: Conditions,
}

/// The IF of UPDATE and DELETE.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Conditions {
    /// No IF.
    #[default]
    None,
    /// `IF EXISTS`
    IfExists,
    /// `IF c = 1 AND …`, not empty.
    If(Vec<Condition>),
}

/// What a condition looks at.
#[derive(Debug, Clone, PartialEq)]
pub enum ConditionTarget {
    /// The whole column.
    Column,
    /// `c[key]`
    Element(Term),
    /// `c.field`
    Field(Name),
}

/// What a condition asks.
#[derive(Debug, Clone, PartialEq)]
pub enum ConditionTest {
    /// A comparison, or CONTAINS on a whole column.
    Compare(Operator, Term),
    /// `IN …`
    In(InValues),
}

/// One condition of IF.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The column.
    pub column: Name,
    /// The part of it that is looked at.
    pub target: ConditionTarget,
    /// What must hold.
    pub test: ConditionTest,
}

/// The kind of a BATCH.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BatchKind {
    /// `BEGIN BATCH`
    Logged,
    /// `BEGIN UNLOGGED BATCH`
    Unlogged,
    /// `BEGIN COUNTER BATCH`
    Counter,
}

/// A statement that may stand in a BATCH.
#[derive(Debug, Clone, PartialEq)]
pub enum Modification {
    /// `INSERT … VALUES`
    Insert(Insert),
    /// `INSERT … JSON`
    InsertJson(InsertJson),
    /// `UPDATE`
    Update(Update),
    /// `DELETE`
    Delete(Delete),
}

/// `BEGIN … BATCH … APPLY BATCH`
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Its kind.
    pub kind: BatchKind,
    /// `USING` of the batch itself.
    pub using: Using,
    /// Its statements; may be empty.
    pub statements: Vec<Modification>,
}
