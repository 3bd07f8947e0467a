//! How large Cassandra takes a mutation to be (`PartitionUpdate.dataSize`): its thresholds for batches count so, and name the figure.

use crate::key::{ClusteringValues, Position};
use crate::mutation::MutationRef;
use crate::partition::{Item, PartitionRef, Unfiltered};
use crate::row::{CellKind, RowRef};

/// No byte of an encoded mutation stands for more than this: whoever only compares with a threshold can often spare the counting.
pub const DATA_SIZE_PER_BYTE: usize = 8;

const TIMESTAMP: usize = 8;
const TTL: usize = 4;
/// Local deletion times have 64 bits in cells and row markers, 32 in deletions.
const LOCAL_TIME: usize = 8;
const DELETION: usize = 12;
const CELL: usize = TIMESTAMP + TTL + LOCAL_TIME;
/// The marker that every row has, and its deletion with the flag that says whether it is shadowable.
const ROW: usize = TIMESTAMP + DELETION + 1;

/// The size of all its updates.
pub fn data_size(mutation: &MutationRef<'_>) -> usize {
    mutation.updates().map(|(_, partition)| partition_size(&PartitionRef::new(partition))).sum()
}

fn partition_size(partition: &PartitionRef<'_>) -> usize {
    let mut size = TIMESTAMP + partition.static_row.map_or(ROW, |row| row_size(&row));
    let mut has_ranges = false;
    for item in partition.items() {
        size += match item {
            Item::Unfiltered(Unfiltered::Row { clustering, row }) => values_size(clustering) + row_size(&row),
            Item::Unfiltered(Unfiltered::Marker(_)) => 0,
            Item::Range(range) => {
                has_ranges = true;
                place_size(&range.start) + place_size(&range.end) + DELETION
            }
        };
    }
    // A list of ranges begins with their number.
    size + if has_ranges { 4 } else { 0 }
}

fn place_size(place: &Position<'_>) -> usize {
    values_size(place.prefix)
}

fn values_size(clustering: &[u8]) -> usize {
    ClusteringValues::new(clustering).flatten().map(<[u8]>::len).sum()
}

fn row_size(row: &RowRef<'_>) -> usize {
    let mut size = ROW + if row.header.liveness.ttl == 0 { 0 } else { TTL + LOCAL_TIME };
    let mut complex = None;
    for cell in row.cells() {
        let is_deletion = cell.kind == CellKind::ComplexDeletion;
        if (is_deletion || cell.path.is_some()) && complex != Some(cell.column) {
            complex = Some(cell.column);
            size += DELETION;
        }
        if !is_deletion {
            size += CELL + cell.path.map_or(0, <[u8]>::len) + cell.value.len();
        }
    }
    size
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::put_clustering_value;
    use crate::mutation::encode_mutation;
    use crate::partition::{PartitionWriter, RangeTombstone};
    use crate::row::{CellRef, DeletionTime, RowHeader};
    use uuid::Uuid;

    const GONE: DeletionTime = DeletionTime { marked_at: 5, local: 6 };

    /// A mutation of a row `y` with these cells, behind a deletion of ranges and with a static row where that is wanted.
    fn check(what: &str, header: RowHeader, cells: &[CellRef<'_>], fixed: bool, ranges: usize, expected: usize) {
        let (mut row, mut clustering, mut partition, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        header.encode(&mut row);
        cells.iter().for_each(|cell| cell.encode(&header, &mut row));
        put_clustering_value(&mut clustering, Some(b"y"));
        let mut writer = PartitionWriter::begin(&mut partition, DeletionTime::LIVE, fixed.then_some(&row));
        for _ in 0..ranges {
            let start = Position { prefix: &clustering, weight: 1 };
            writer.range(&RangeTombstone { start, end: Position::LAST, deletion: GONE });
        }
        if !fixed {
            writer.row(&clustering, &row);
        }
        writer.end();
        encode_mutation(&mut bytes, b"b", &[(Uuid::from_u128(9), &partition)]);
        assert_eq!(data_size(&MutationRef::new(&bytes)), expected, "{what}");
        assert!(expected <= bytes.len() * DATA_SIZE_PER_BYTE, "{what}: {} bytes", bytes.len());
    }

    #[test]
    fn sizes_are_cassandras() {
        let insert = RowHeader::of_statement(1, 0, 0, true);
        let expiring = RowHeader::of_statement(1, 10, 20, true);
        let update = RowHeader::of_statement(1, 0, 0, false);
        let path = CellRef { path: Some(&[0, 1]), ..CellRef::live(1, 1, &[0; 4]) };
        let other = CellRef { path: Some(&[0, 2]), ..path };
        let emptied = CellRef { kind: CellKind::ComplexDeletion, local: 3, ..CellRef::live(1, 1, &[]) };
        check("a marker", insert, &[], false, 0, 51);
        check("a marker that expires", expiring, &[], false, 0, 63);
        check("a value", update, &[CellRef::live(1, 1, &[0; 4])], false, 0, 75);
        check("a tombstone", update, &[CellRef::tombstone(1, 1, 5)], false, 0, 71);
        check("a field", update, &[path], false, 0, 51 + 38);
        check("two fields", update, &[path, other], false, 0, 51 + 64);
        check("an emptied collection", update, &[emptied], false, 0, 63);
        check("a new collection", update, &[emptied, path], false, 0, 51 + 38);
        check("a static row", update, &[CellRef::live(1, 1, &[0])], true, 0, 50);
        check("a range", insert, &[], false, 1, 51 + 17);
        check("two ranges", insert, &[], false, 2, 51 + 30);
    }
}
