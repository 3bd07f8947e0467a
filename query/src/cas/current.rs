//! Values of the rows that a conditional write has read.

use helenus_model::row::{CellRef, ColumnId, RowRef};
use helenus_model::schema::Column;
use helenus_model::time::LocalSeconds;
use helenus_model::types::CqlType;
use helenus_model::value::{CollectionBuilder, TupleBuilder};

/// The live cells of a column.
pub(super) fn cells<'a>(
    row: RowRef<'a>,
    column: ColumnId,
    now: LocalSeconds,
) -> impl Iterator<Item = CellRef<'a>> + use<'a> {
    row.cells().filter(move |cell| cell.column == column && cell.is_live(now))
}

/// The value of a column; None is null.
pub(super) fn value(row: RowRef<'_>, column: &Column, now: LocalSeconds) -> Option<Vec<u8>> {
    let mut cells = cells(row, column.id, now).peekable();
    cells.peek()?;
    let mut builder = CollectionBuilder::default();
    match &column.ty {
        CqlType::List { frozen: false, .. } => cells.for_each(|cell| builder.push(cell.value)),
        CqlType::Set { frozen: false, .. } => cells.for_each(|cell| builder.push(cell.path.unwrap_or_default())),
        CqlType::Map { frozen: false, .. } => {
            cells.for_each(|cell| builder.push_entry(cell.path.unwrap_or_default(), cell.value));
        }
        CqlType::Udt { frozen: false, definition } => {
            let mut fields: Vec<Option<&[u8]>> = vec![None; definition.fields.len()];
            for cell in cells {
                let place = cell.path.and_then(|path| <[u8; 2]>::try_from(path).ok()).map(u16::from_be_bytes);
                if let Some(field) = place.and_then(|place| fields.get_mut(usize::from(place))) {
                    *field = Some(cell.value);
                }
            }
            let mut tuple = TupleBuilder::default();
            fields.into_iter().for_each(|field| tuple.push(field));
            return Some(tuple.finish());
        }
        _ => return cells.next().map(|cell| cell.value.to_vec()),
    }
    Some(builder.finish())
}
