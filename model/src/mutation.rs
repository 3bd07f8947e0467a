//! A mutation: what one write changes in one partition, of one or several tables of a keyspace, atomically.
//!
//! ```text
//! mutation := version u8 = 1, partition key (u16 length, bytes), update count vint, update*
//! update   := table id 16 bytes, partition (vint length, bytes as in `partition`)
//! ```
//!
//! Columns are named by id, so the bytes decode under any later schema; whoever applies them skips columns and tables that
//! are gone and counts them.

use uuid::Uuid;

use crate::codec::{DecodeError, Reader, put_bytes, put_bytes16, put_vint};
use crate::key::KeyRef;
use crate::partition::PartitionRef;

/// Version of the encoding.
pub const MUTATION_VERSION: u8 = 1;

/// An encoded mutation, its head read.
#[derive(Clone, Copy, Debug)]
pub struct MutationRef<'a> {
    /// The partition key, with its token.
    pub key: KeyRef<'a>,
    count: usize,
    updates: &'a [u8],
}

impl<'a> MutationRef<'a> {
    /// Reads a mutation that came from a file or a peer, every byte checked.
    pub fn validate(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (mutation, mut reader) = Self::head(bytes)?;
        for _ in 0..mutation.count {
            reader.uuid()?;
            let mut partition = Reader::new(reader.bytes()?);
            PartitionRef::validate(&mut partition)?;
            partition.finish()?;
        }
        reader.finish()?;
        Ok(mutation)
    }

    /// Reads a mutation that this process wrote or validated before. Bytes that are none read as one of no update.
    pub fn new(bytes: &'a [u8]) -> Self {
        let head = Self::head(bytes);
        debug_assert!(head.is_ok(), "a mutation was not validated at the border");
        match head {
            Ok((mutation, _)) => mutation,
            Err(_) => MutationRef { key: KeyRef::new(&[]), count: 0, updates: &[] },
        }
    }

    fn head(bytes: &'a [u8]) -> Result<(Self, Reader<'a>), DecodeError> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != MUTATION_VERSION {
            return Err(reader.invalid("mutation version"));
        }
        let key = KeyRef::new(reader.bytes16()?);
        let count = reader.count()?;
        Ok((MutationRef { key, count, updates: reader.rest() }, reader))
    }

    /// The updates: table id and the bytes of its partition.
    pub fn updates(&self) -> Updates<'a> {
        Updates { left: self.count, reader: Reader::new(self.updates) }
    }
}

/// Iterator over the updates of a mutation.
#[derive(Clone, Debug)]
pub struct Updates<'a> {
    left: usize,
    reader: Reader<'a>,
}

impl<'a> Iterator for Updates<'a> {
    type Item = (Uuid, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let table = self.reader.uuid().ok()?;
        Some((table, self.reader.bytes().ok()?))
    }
}

/// Appends a mutation of several tables. Each update is a table id and the bytes of its partition.
pub fn encode_mutation(out: &mut Vec<u8>, key: &[u8], updates: &[(Uuid, &[u8])]) {
    put_mutation_head(out, key, updates.len());
    for (table, partition) in updates {
        put_update(out, *table, partition);
    }
}

/// Appends the head of a mutation of `updates` updates, for callers that write them one by one with [`put_update`].
pub fn put_mutation_head(out: &mut Vec<u8>, key: &[u8], updates: usize) {
    out.push(MUTATION_VERSION);
    put_bytes16(out, key);
    put_vint(out, updates as u64);
}

/// First byte of a set of mutations, where a mutation has its version.
const SET: u8 = 2;

/// Appends several mutations as one: what the log keeps of a write to a table with materialized views.
///
/// ```text
/// set := 2 u8, count vint, (vint length, mutation)*
/// ```
pub fn put_mutation_set(out: &mut Vec<u8>, mutations: &[&[u8]]) {
    out.push(SET);
    put_vint(out, mutations.len() as u64);
    mutations.iter().for_each(|mutation| put_bytes(out, mutation));
}

/// The mutations of a record: of a set those in it, else the record itself. Every byte is checked.
pub fn validate_mutations(record: &[u8]) -> Result<Vec<MutationRef<'_>>, DecodeError> {
    if record.first() != Some(&SET) {
        return Ok(vec![MutationRef::validate(record)?]);
    }
    let mut reader = Reader::new(record);
    reader.u8()?;
    let count = reader.count()?;
    let mutations: Result<_, DecodeError> = (0..count).map(|_| MutationRef::validate(reader.bytes()?)).collect();
    let mutations = mutations?;
    reader.finish()?;
    Ok(mutations)
}

/// Appends one update.
pub fn put_update(out: &mut Vec<u8>, table: Uuid, partition: &[u8]) {
    out.extend_from_slice(table.as_bytes());
    put_bytes(out, partition);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::put_clustering_value;
    use crate::partition::{Item, PartitionWriter, Unfiltered};
    use crate::row::{CellRef, DeletionTime, RowHeader, RowRef};

    fn sample() -> Vec<u8> {
        let header = RowHeader::of_statement(77, 0, 0, true);
        let mut row = Vec::new();
        header.encode(&mut row);
        CellRef::live(3, 77, b"value").encode(&header, &mut row);
        CellRef::tombstone(4, 70, 5).encode(&header, &mut row);
        let mut clustering = Vec::new();
        put_clustering_value(&mut clustering, Some(b"c"));
        let mut partition = Vec::new();
        let mut writer = PartitionWriter::begin(&mut partition, DeletionTime { marked_at: 1, local: 2 }, Some(&row));
        writer.row(&clustering, &row);
        writer.end();
        let mut out = Vec::new();
        encode_mutation(&mut out, b"key", &[(Uuid::from_u128(9), &partition)]);
        out
    }

    #[test]
    fn sets_read_back() {
        let (one, mut set) = (sample(), Vec::new());
        put_mutation_set(&mut set, &[&one, &one]);
        assert_eq!(validate_mutations(&one).map(|mutations| mutations.len()), Ok(1));
        assert_eq!(validate_mutations(&set).map(|mutations| mutations.len()), Ok(2));
        for cut in 0..set.len() {
            assert!(validate_mutations(&set[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_mutation_reads_back() {
        let bytes = sample();
        let mutation = MutationRef::validate(&bytes).expect("a valid mutation");
        assert_eq!(mutation.key.key, b"key");
        let updates: Vec<_> = mutation.updates().collect();
        assert_eq!(updates.len(), 1);
        assert_eq!(updates[0].0, Uuid::from_u128(9));
        let partition = PartitionRef::new(updates[0].1);
        assert_eq!(partition.deletion.marked_at, 1);
        assert_eq!(partition.static_row.map(|row| row.cells().count()), Some(2));
        let items: Vec<_> = partition.items().collect();
        let [Item::Unfiltered(Unfiltered::Row { row, .. })] = items.as_slice() else { panic!("{items:?}") };
        assert_eq!(row.cells().next(), Some(CellRef::live(3, 77, b"value")));
        assert_eq!(row.header.liveness.timestamp, 77);
    }

    #[test]
    fn every_cut_and_every_flipped_byte_is_an_answer() {
        let bytes = sample();
        for cut in 0..bytes.len() {
            assert!(MutationRef::validate(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                if let Ok(mutation) = MutationRef::validate(&damaged) {
                    for (_, partition) in mutation.updates() {
                        let partition = PartitionRef::new(partition);
                        let _ = partition.static_row.map(|row: RowRef<'_>| row.cells().count());
                        let _ = partition.items().count();
                    }
                }
            }
        }
    }
}
