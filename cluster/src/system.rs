//! The node's own tables: those kept by the engine, and those made from live state.

use std::sync::Arc;

use helenus_model::key::RingPosition;
use helenus_model::mutation::encode_mutation;
use helenus_model::partition::PartitionWriter;
use helenus_model::read::{ColumnFilter, ReadCommand, ReadLimits, ReadScope, Slice};
use helenus_model::row::{CellRef, DeletionTime, RowHeader};
use helenus_model::schema::Table;
use helenus_query::system_tables::{definitions, is_stored};
use uuid::Uuid;

use crate::answer::Answer;
use crate::message::{put_list, read_list};

mod live;

pub(crate) use live::LiveSystem;

/// Tables of the system keyspaces that the engine keeps.
pub(crate) fn stored_tables() -> Vec<Arc<Table>> {
    definitions().tables().filter(|table| is_stored(table)).cloned().collect()
}

fn batches() -> &'static Table {
    definitions().table("system", "batches").expect("system.batches is defined")
}

/// The write that keeps a batch: its mutations are the list `mutations`, in order.
pub(crate) fn batch_mutation(batch: Uuid, mutations: &[u8], timestamp: i64) -> Vec<u8> {
    let table = batches();
    let mutations_id = table.column("mutations").expect("a column of system.batches").id;
    let version_id = table.column("version").expect("a column of system.batches").id;
    let header = RowHeader::of_statement(timestamp, 0, 0, true);
    let mut row = Vec::new();
    header.encode(&mut row);
    let list = read_list(mutations).unwrap_or_default();
    let paths: Vec<[u8; 16]> = (0..list.len()).map(list_path).collect();
    let version = 1_i32.to_be_bytes();
    let put_version = |row: &mut Vec<u8>| CellRef::live(version_id, timestamp, &version).encode(&header, row);
    let version_first = version_id < mutations_id;
    if version_first {
        put_version(&mut row);
    }
    for (path, mutation) in paths.iter().zip(list) {
        CellRef::live(mutations_id, timestamp, mutation).at(path).encode(&header, &mut row);
    }
    if !version_first {
        put_version(&mut row);
    }
    one_partition(table, batch, DeletionTime::LIVE, Some(&row))
}

/// A time UUID for place `i` of a list.
fn list_path(i: usize) -> [u8; 16] {
    let ticks = i as u64;
    let mut path = [0; 16];
    path[..4].copy_from_slice(&(ticks as u32).to_be_bytes());
    path[6] = 0x10;
    path[8] = 0x80;
    path
}

/// The write that forgets a batch.
pub(crate) fn batch_removal(batch: Uuid, timestamp: i64, now: i64) -> Vec<u8> {
    let deletion = DeletionTime { marked_at: timestamp, local: now };
    one_partition(batches(), batch, deletion, None)
}

fn one_partition(table: &Table, key: Uuid, deletion: DeletionTime, row: Option<&[u8]>) -> Vec<u8> {
    let mut partition = Vec::new();
    let mut writer = PartitionWriter::begin(&mut partition, deletion, None);
    if let Some(row) = row {
        writer.row(&[], row);
    }
    writer.end();
    let mut out = Vec::new();
    encode_mutation(&mut out, key.as_bytes(), &[(table.id, &partition)]);
    out
}

fn read_of(table: &Table, scope: ReadScope, now: i64) -> ReadCommand {
    ReadCommand {
        table: table.id,
        schema_epoch: table.epoch,
        scope,
        slices: vec![Slice::all()],
        reversed: false,
        columns: ColumnFilter::All,
        limits: ReadLimits::NONE,
        now,
        through: None,
    }
}

/// The read of every batch kept here.
pub(crate) fn all_batches(now: i64) -> ReadCommand {
    let scope = ReadScope::Range { start: RingPosition::FIRST, end: RingPosition::LAST, resume: None };
    read_of(batches(), scope, now)
}

/// The read of one batch.
pub(crate) fn one_batch(batch: Uuid, now: i64) -> ReadCommand {
    read_of(batches(), ReadScope::Partition { key: Box::from(*batch.as_bytes()) }, now)
}

/// Batches of an answer: id, and mutations as they were stored.
pub(crate) fn read_batches(answer: &[u8], now: i64) -> Vec<(Uuid, Vec<u8>)> {
    use helenus_model::partition::{Item, Unfiltered};
    let mutations_id = batches().column("mutations").map(|column| column.id);
    let mut out = Vec::new();
    for (key, partition) in Answer::new(answer) {
        let Ok(batch) = Uuid::from_slice(key.key) else { continue };
        for item in partition.items() {
            let Item::Unfiltered(Unfiltered::Row { row, .. }) = item else { continue };
            let cells = row.cells().filter(|cell| Some(cell.column) == mutations_id && cell.is_live(now));
            let list: Vec<&[u8]> = cells.map(|cell| cell.value).collect();
            if !list.is_empty() {
                let mut stored = Vec::new();
                put_list(&mut stored, list.into_iter());
                out.push((batch, stored));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_read_back() {
        let mut stored = Vec::new();
        put_list(&mut stored, [&b"one"[..], b"two", b"three"].into_iter());
        let mutation = batch_mutation(Uuid::from_u128(7), &stored, 5);
        let mutation = helenus_model::mutation::MutationRef::validate(&mutation).expect("sound");
        let (_, partition) = mutation.updates().next().expect("one update");
        let mut answer = vec![1];
        helenus_model::codec::put_bytes16(&mut answer, mutation.key.key);
        answer.extend_from_slice(partition);
        answer.push(0);
        assert_eq!(read_batches(&answer, 0), [(Uuid::from_u128(7), stored)]);
    }
}
