//! Values that are too long for a secondary index are refused when they are written.

use helenus_model::limits::KEY_BYTES_MAX;
use helenus_model::row::{CellRef, RowRef};
use helenus_model::schema::{IndexTarget, Table};
use helenus_model::types::CqlType;

use crate::error::QueryError;

/// Checks the cells of an encoded row of a table that has indexes.
pub(super) fn check_row(table: &Table, row: &[u8]) -> Result<(), QueryError> {
    for index in &table.indexes {
        let Some(column) = table.column(&index.column).filter(|column| !column.kind.is_primary_key()) else { continue };
        for cell in RowRef::new(row).cells().filter(|cell| cell.column == column.id && cell.is_live(i64::MIN)) {
            let size = indexed_length(&column.ty, index.target, &cell);
            if size >= KEY_BYTES_MAX {
                return Err(QueryError::invalid(format!(
                    "Cannot index value of size {size} for index {} on {}.{}({}) (maximum allowed size={KEY_BYTES_MAX})",
                    index.name, table.keyspace, table.name, column.name
                )));
            }
        }
    }
    Ok(())
}

fn indexed_length(ty: &CqlType, target: IndexTarget, cell: &CellRef<'_>) -> usize {
    let path = cell.path.map_or(0, <[u8]>::len);
    match target {
        IndexTarget::Simple | IndexTarget::Full => cell.value.len(),
        IndexTarget::Values if matches!(ty, CqlType::Set { .. }) => path,
        IndexTarget::Values => cell.value.len(),
        IndexTarget::Keys => path,
        IndexTarget::Entries => path + cell.value.len() + 6,
    }
}
