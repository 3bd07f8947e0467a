//! Columns that were dropped and added again: values with timestamps up to the drop belonged to the column that is gone.
//!
//! SSTables leave such cells out when they are read. So that a memtable does not show what its SSTable will not, they are left out
//! of updates before these are applied; the log keeps them.

use helenus_model::partition::{Item, PartitionRef, PartitionWriter, Unfiltered};
use helenus_model::row::{ColumnId, RowRef};
use helenus_model::time::WriteTimestamp;

/// `update` without cells of `revived` columns that are not newer than the drop.
pub(super) fn without_dropped(update: &[u8], revived: &[(ColumnId, WriteTimestamp)]) -> Vec<u8> {
    let partition = PartitionRef::new(update);
    let mut out = Vec::with_capacity(update.len());
    let mut row = Vec::new();
    let static_row = partition.static_row.map(|static_row| filtered(static_row, revived, &mut row));
    let mut writer = PartitionWriter::begin(&mut out, partition.deletion, static_row.map(|_| row.as_slice()));
    for item in partition.items() {
        match item {
            Item::Unfiltered(Unfiltered::Row { clustering, row }) => {
                let mut left = Vec::new();
                if filtered(row, revived, &mut left) {
                    writer.row(clustering, &left);
                }
            }
            Item::Unfiltered(Unfiltered::Marker(marker)) => writer.marker(&marker),
            Item::Range(range) => writer.range(&range),
        }
    }
    writer.end();
    out
}

/// Writes what is left of a row to `out`. False: nothing.
fn filtered(row: RowRef<'_>, revived: &[(ColumnId, WriteTimestamp)], out: &mut Vec<u8>) -> bool {
    row.header.encode(out);
    for cell in row.cells() {
        let belongs_to_dropped =
            revived.iter().any(|(column, dropped_at)| cell.column == *column && cell.timestamp <= *dropped_at);
        if !belongs_to_dropped {
            cell.encode(&row.header, out);
        }
    }
    !RowRef::new(out).is_empty()
}
