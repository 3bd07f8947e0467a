//! SELECT.

use super::{
    ArithmeticOperator, CqlTypeName, FunctionName, Literal, Marker, Name, NativeType, QualifiedName, Relation, Term,
};

/// A SELECT statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    /// `SELECT JSON`
    pub json: bool,
    /// `SELECT DISTINCT`
    pub distinct: bool,
    /// What is selected.
    pub clause: SelectClause,
    /// `FROM`
    pub table: QualifiedName,
    /// `WHERE`, joined by AND; empty without it.
    pub relations: Vec<Relation>,
    /// `GROUP BY`; empty without it.
    pub group_by: Vec<Selector>,
    /// `ORDER BY`; empty without it.
    pub order_by: Vec<Ordering>,
    /// `PER PARTITION LIMIT`: an integer literal or a marker.
    pub per_partition_limit: Option<Term>,
    /// `LIMIT`: an integer literal or a marker.
    pub limit: Option<Term>,
    /// `ALLOW FILTERING`
    pub allow_filtering: bool,
}

/// What a SELECT asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum SelectClause {
    /// `*`
    All,
    /// One or more selectors.
    Items(Vec<SelectedItem>),
}

/// One selector with its alias.
#[derive(Debug, Clone, PartialEq)]
pub struct SelectedItem {
    /// What to compute. Cassandra names the result column after this tree, not after the text: `print::selector_text` gives that form.
    pub selector: Selector,
    /// `AS alias`
    pub alias: Option<Name>,
}

/// `WRITETIME`, `MAXWRITETIME` or `TTL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WriteTimeKind {
    /// `WRITETIME(…)`
    WriteTime,
    /// `MAXWRITETIME(…)`
    MaxWriteTime,
    /// `TTL(…)`
    Ttl,
}

/// An expression over the columns of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Selector {
    /// A column.
    Column(Name),
    /// A constant.
    Literal(Literal),
    /// `NULL`
    Null,
    /// `?` or `:name`
    Marker(Marker),
    /// `COUNT(*)`
    CountRows,
    /// `f(a, b)`
    Function {
        /// Which function.
        name: FunctionName,
        /// Its arguments.
        arguments: Vec<Selector>,
    },
    /// `WRITETIME(c)`, `MAXWRITETIME(c)`, `TTL(c)`
    WriteTime {
        /// Which of the three.
        kind: WriteTimeKind,
        /// A `Column` with any chain of `Field`, `Element` and `Slice` around it.
        inner: Box<Selector>,
    },
    /// `CAST(x AS type)`
    Cast {
        /// What is cast.
        inner: Box<Selector>,
        /// Into what.
        target: NativeType,
    },
    /// `(type) x`
    TypeHint {
        /// The type in the parentheses.
        type_name: CqlTypeName,
        /// The selector behind them.
        inner: Box<Selector>,
    },
    /// `x.field`
    Field {
        /// Of what.
        inner: Box<Selector>,
        /// Which field.
        field: Name,
    },
    /// `x[key]`
    Element {
        /// Of what.
        inner: Box<Selector>,
        /// Map key, set element or list index.
        key: Term,
    },
    /// `x[from..to]`, both ends optional, not both absent.
    Slice {
        /// Of what.
        inner: Box<Selector>,
        /// Lower end, included.
        from: Option<Term>,
        /// Upper end, included.
        to: Option<Term>,
    },
    /// `-x`
    Negation(Box<Selector>),
    /// `left operator right`
    Arithmetic {
        /// Which operation.
        operator: ArithmeticOperator,
        /// Left operand.
        left: Box<Selector>,
        /// Right operand.
        right: Box<Selector>,
    },
    /// `(a, b)`, a tuple; with a single element plain parentheses or a tuple of one, as the type asks.
    Tuple(Vec<Selector>),
    /// `[a, b]`: list or vector.
    List(Vec<Selector>),
    /// `{a, b}`; empty for `{}`.
    Set(Vec<Selector>),
    /// `{a: b}`: a map or a user-defined type (then the keys are `Column`s), never empty.
    Map(Vec<(Selector, Selector)>),
}

/// ASC or DESC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// `ASC`, also when nothing is said.
    Ascending,
    /// `DESC`
    Descending,
}

/// One element of ORDER BY.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordering {
    /// The column.
    pub column: Name,
    /// The vector of `ANN OF`.
    pub ann_of: Option<Term>,
    /// Direction.
    pub direction: Direction,
}
