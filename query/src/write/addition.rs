//! `v = v + 1` and `t = t + 'x'` with conditions: what is written is the value that was read and what is added to it.

use helenus_cql::ast::Term as RawTerm;
use helenus_model::schema::Column;
use helenus_model::types::CqlType;

use super::cells::CellWriter;
use crate::error::QueryError;
use crate::function::{is_number, sum};
use crate::spec::ColumnSpec;
use crate::term::{Preparer, Term, Value, term_text};

/// Whether a conditional UPDATE may add to a column of the type: neither counters nor collections, which are added to without a read, nor
/// tuples, which nothing is added to.
pub(super) fn is_of(ty: &CqlType) -> bool {
    !matches!(ty, CqlType::Counter | CqlType::Tuple(_) | CqlType::Udt { .. }) && !ty.is_collection()
}

/// Whether values of the type, which [`is_of`] allows, can be added.
pub(super) fn has_sums(ty: &CqlType) -> bool {
    is_text(ty) || is_number(ty)
}

fn is_text(ty: &CqlType) -> bool {
    matches!(ty, CqlType::Text | CqlType::Ascii)
}

/// What is added to a column [`is_of`] whose type it is.
///
/// # Errors
/// Types without sums; terms that are not of the column's type.
pub(super) fn term(
    column: &Column,
    value: &RawTerm,
    spec: &ColumnSpec,
    preparer: &mut Preparer<'_>,
) -> Result<Term, QueryError> {
    if !has_sums(&column.ty) {
        return Err(QueryError::invalid(format!(
            "Invalid operation ({0} = {0} + {1}) for non-numeric and non-text type {0}",
            column.name,
            term_text(value)
        )));
    }
    preparer.term(value, spec)
}

impl CellWriter<'_> {
    /// Writes the sum of the term and the value that was read, or that the same statement wrote before; nothing where there was none. What
    /// other statements of a batch write is not seen: of two sums the greater stays, as of any two values of one time.
    pub(super) fn add(&mut self, column: u16, term: &Term) -> Result<(), QueryError> {
        let pending = self.pending.and_then(|row| row.cells().find(|cell| cell.column == column));
        let read = || self.lists.and_then(|lists| lists.value(self.place, column));
        let before = pending.map(|cell| cell.value).or_else(read);
        let (Some(before), Some(column)) = (before, self.table.column_by_id(column)) else { return Ok(()) };
        let wrong = |what: &str| QueryError::invalid(format!("Invalid {what} value in an addition to {}", column.name));
        let added = term.evaluate(self.values, self.options)?;
        let sum = match (&added, is_text(&column.ty)) {
            (Value::Null, _) => return Err(wrong("null")),
            (Value::Unset, false) => return Err(wrong("unset")),
            (added, true) => [before, added.bytes().unwrap_or_default()].concat(),
            (Value::Bytes(added), false) => sum(&column.ty, before, added)?.ok_or_else(|| wrong("empty"))?,
        };
        self.value(column.id, None, &sum);
        Ok(())
    }
}
