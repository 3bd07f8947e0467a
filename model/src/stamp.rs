//! A mutation with other write timestamps: a conditional write is bound before its ballot is known, and what it writes carries the
//! ballot's time.

use crate::codec::DecodeError;
use crate::mutation::{MutationRef, put_mutation_head, put_update};
use crate::partition::{Item, PartitionRef, PartitionWriter, RangeTombstone, Unfiltered};
use crate::row::{CellKind, CellRef, DeletionTime, Liveness, RowHeader, RowRef};
use crate::time::WriteTimestamp;

/// The same mutation written at `timestamp`. Deletions are set one microsecond before it (as Cassandra's
/// `PartitionUpdate.withUpdatedTimestamps` does): they win at equal times, and must not delete what the mutation itself writes.
///
/// # Errors
/// The bytes are no mutation.
pub fn stamped(mutation: &[u8], timestamp: WriteTimestamp) -> Result<Vec<u8>, DecodeError> {
    let mutation = MutationRef::validate(mutation)?;
    let updates: Vec<_> = mutation.updates().collect();
    let mut out = Vec::new();
    put_mutation_head(&mut out, mutation.key.key, updates.len());
    for (table, partition) in updates {
        let mut stamped = Vec::with_capacity(partition.len() + 16);
        stamp_partition(&PartitionRef::new(partition), timestamp, &mut stamped);
        put_update(&mut out, table, &stamped);
    }
    Ok(out)
}

fn deletion(deletion: DeletionTime, timestamp: WriteTimestamp) -> DeletionTime {
    if deletion.is_live() { deletion } else { DeletionTime { marked_at: timestamp.saturating_sub(1), ..deletion } }
}

fn stamp_partition(partition: &PartitionRef<'_>, timestamp: WriteTimestamp, out: &mut Vec<u8>) {
    let static_row = partition.static_row.map(|row| stamp_row(row, timestamp));
    let mut writer = PartitionWriter::begin(out, deletion(partition.deletion, timestamp), static_row.as_deref());
    for item in partition.items() {
        match item {
            Item::Unfiltered(Unfiltered::Row { clustering, row }) => {
                writer.row(clustering, &stamp_row(row, timestamp));
            }
            Item::Range(range) => {
                writer.range(&RangeTombstone { deletion: deletion(range.deletion, timestamp), ..range });
            }
            // Read answers have markers, mutations do not.
            Item::Unfiltered(Unfiltered::Marker(_)) => {}
        }
    }
    writer.end();
}

fn stamp_row(row: RowRef<'_>, timestamp: WriteTimestamp) -> Vec<u8> {
    let old = row.header;
    let liveness = if old.liveness.is_none() { Liveness::NONE } else { Liveness { timestamp, ..old.liveness } };
    let header = RowHeader { liveness, deletion: deletion(old.deletion, timestamp), base_timestamp: timestamp, ..old };
    let mut out = Vec::with_capacity(row.bytes().len() + 16);
    header.encode(&mut out);
    for cell in row.cells() {
        let timestamp = match cell.kind {
            CellKind::Live | CellKind::Expiring | CellKind::Counter => timestamp,
            CellKind::Tombstone | CellKind::ComplexDeletion => timestamp.saturating_sub(1),
        };
        CellRef { timestamp, ..cell }.encode(&header, &mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::key::{Position, put_clustering_value};
    use crate::mutation::encode_mutation;

    fn mutation(timestamp: WriteTimestamp, deleted: WriteTimestamp) -> Vec<u8> {
        let mut clustering = Vec::new();
        put_clustering_value(&mut clustering, Some(b"c"));
        let deleted_at = DeletionTime { marked_at: deleted, local: 7 };
        let row = |marker: bool, ttl: i32| {
            let mut header = RowHeader::of_statement(timestamp, ttl, 99, marker);
            header.deletion = deleted_at;
            let mut row = Vec::new();
            header.encode(&mut row);
            CellRef::expiring(1, timestamp, ttl, 99, b"value").encode(&header, &mut row);
            CellRef::tombstone(2, deleted, 7).encode(&header, &mut row);
            CellRef::complex_deletion(3, deleted_at).encode(&header, &mut row);
            CellRef::live(3, timestamp, b"e").at(b"path").encode(&header, &mut row);
            row
        };
        let mut partition = Vec::new();
        let mut writer = PartitionWriter::begin(&mut partition, deleted_at, Some(&row(false, 0)));
        let place = |weight| Position { prefix: &clustering, weight };
        writer.range(&RangeTombstone { start: place(-1), end: place(1), deletion: deleted_at });
        writer.row(&clustering, &row(true, 5));
        writer.end();
        let mut out = Vec::new();
        encode_mutation(&mut out, b"key", &[(Uuid::from_u128(9), &partition)]);
        out
    }

    #[test]
    fn what_is_written_gets_the_time_and_what_is_deleted_the_one_before() {
        assert_eq!(stamped(&mutation(50, 50), 1000), Ok(mutation(1000, 999)));
        assert_eq!(stamped(&mutation(50, 3), 1000), Ok(mutation(1000, 999)));
        assert!(stamped(b"none", 1000).is_err());
    }
}
