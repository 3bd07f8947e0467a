//! WHERE: relations checked against a table and joined into restrictions of its keys, and, for each execution, the partition keys,
//! clusterings and slices they stand for. INSERT, UPDATE, DELETE and SELECT share it.
//!
//! 1. [`prepare`] turns each relation into a restriction of a column (or several clustering columns, or the token) and merges those of
//!    the same columns, with Cassandra's refusals.
//! 2. What fixes the partition key and a prefix of the clustering is kept apart from what only filters rows.
//! 3. [`Restrictions`] is evaluated with the bound values of an execution.

mod bound;
mod clustering;
mod collect;
mod filter;
mod index;
mod partition;
mod relation;

mod token;

use std::sync::Arc;

use helenus_cql::ast;
use helenus_model::limits::KEY_BYTES_MAX;
use helenus_model::schema::Table;

use crate::error::QueryError;
use crate::term::Preparer;

pub use bound::{GroupIn, GroupTerm};
pub(crate) use bound::{tested_values, unsupported_null};
pub(crate) use clustering::check_length;
pub use clustering::{ClusteringKind, ClusteringRestriction, SliceBound};
pub use filter::{Filter, FilterTest};
pub use index::IndexUse;
pub use partition::{KeyPart, PartitionRestriction};
pub(crate) use partition::{check_product, sort_keys};
pub(crate) use relation::existing_column;
pub use token::TokenRestriction;

/// The kind of a statement, for what its WHERE may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementKind {
    /// SELECT
    Select,
    /// INSERT
    Insert,
    /// UPDATE
    Update,
    /// DELETE
    Delete,
}

impl StatementKind {
    /// As messages name it.
    pub fn name(self) -> &'static str {
        match self {
            StatementKind::Select => "SELECT",
            StatementKind::Insert => "INSERT",
            StatementKind::Update => "UPDATE",
            StatementKind::Delete => "DELETE",
        }
    }

    fn allows_clustering_slices(self) -> bool {
        matches!(self, StatementKind::Select | StatementKind::Delete)
    }
}

/// What else decides about a WHERE.
#[derive(Clone, Copy, Debug)]
pub struct RestrictOptions {
    /// The statement.
    pub kind: StatementKind,
    /// ALLOW FILTERING, or a virtual table.
    pub allow_filtering: bool,
    /// Only static columns are selected or written: the clustering may be missing.
    pub only_statics: bool,
}

/// A checked WHERE.
#[derive(Clone, Debug)]
pub struct Restrictions {
    /// The table.
    pub table: Arc<Table>,
    /// What is said about the partition key.
    pub partition: PartitionRestriction,
    /// A range of tokens that named keys must lie in as well.
    pub key_tokens: Option<TokenRestriction>,
    /// What is said about a prefix of the clustering columns: equalities and INs, then at most one slice.
    pub clustering: Vec<ClusteringRestriction>,
    /// What can only be decided row by row. Not empty only with `allow_filtering` or a secondary index (SELECT).
    pub filters: Vec<Filter>,
    /// What a secondary index may do for a SELECT.
    pub indexing: Indexing,
}

/// What secondary indexes do for a SELECT.
#[derive(Clone, Debug, Default)]
pub struct Indexing {
    /// Cassandra would look for an index: some things are refused then.
    pub is_wanted: bool,
    /// The index that finds the rows, if there is one.
    pub found: Option<IndexUse>,
    /// Beside what the index answers rows are filtered, and that was not allowed.
    pub needs_filtering: bool,
}

/// Checks the relations of a WHERE and takes them together. Markers are bound in the order of the text.
///
/// # Errors
/// Cassandra's refusals of relations, in its words.
pub fn prepare(
    relations: &[ast::Relation],
    table: &Arc<Table>,
    options: RestrictOptions,
    preparer: &mut Preparer<'_>,
) -> Result<Restrictions, QueryError> {
    let mut collector = collect::Collector::new(table, options);
    for relation in relations {
        relation::add(relation, table, options, preparer, &mut collector)?;
    }
    collector.finish()
}

/// Cassandra's words for a key beyond its limit.
pub(crate) fn key_too_long(length: usize) -> QueryError {
    QueryError::invalid(format!("Key length of {length} is longer than maximum of {KEY_BYTES_MAX}"))
}

/// Checks a whole partition key.
///
/// # Errors
/// It is empty or too long.
pub fn check_key(key: &[u8]) -> Result<(), QueryError> {
    if key.is_empty() {
        return Err(QueryError::invalid("Key may not be empty"));
    }
    if key.len() > KEY_BYTES_MAX {
        return Err(key_too_long(key.len()));
    }
    Ok(())
}
