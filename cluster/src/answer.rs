//! What a replica answers to a read, and its digest.
//!
//! ```text
//! answer := (1, partition key (u16 length, bytes), partition)* 0
//! ```
//!
//! A digest is over the logical content only: rows are brought into one form first, what has expired counts as deleted, and
//! what may be purged counts as absent, so replicas that hold the same data in different pieces agree.

use std::ops::ControlFlow;

use helenus_model::codec::{DecodeError, Reader, put_bytes, put_bytes16};
use helenus_model::key::KeyRef;
use helenus_model::partition::{Item, PartitionRef, PartitionWriter, Unfiltered};
use helenus_model::read::{Flow, Next, PartitionConsumer};
use helenus_model::row::{DeletionTime, Purger, RowHeader, RowRef, purge_row};
use helenus_model::time::LocalSeconds;
use helenus_model::token::murmur3_x64_128;

/// Encodes a read's partitions as an answer.
#[derive(Debug)]
pub struct AnswerWriter<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> AnswerWriter<'o> {
    /// Appends to `out`. End it with [`AnswerWriter::finish`].
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        AnswerWriter { out }
    }

    /// Ends the answer.
    pub fn finish(self) {
        self.out.push(0);
    }
}

impl PartitionConsumer for AnswerWriter<'_> {
    fn partition(&mut self, key: KeyRef<'_>, deletion: DeletionTime, static_row: Option<RowRef<'_>>) -> Flow {
        self.out.push(1);
        put_bytes16(self.out, key.key);
        PartitionWriter::begin(self.out, deletion, static_row.as_ref().map(RowRef::bytes));
        ControlFlow::Continue(Next::Item)
    }

    fn unfiltered(&mut self, item: Unfiltered<'_>) -> Flow {
        PartitionWriter::resume(self.out).unfiltered(&item);
        ControlFlow::Continue(Next::Item)
    }

    fn end_partition(&mut self) -> Flow {
        PartitionWriter::resume(self.out).end();
        ControlFlow::Continue(Next::Partition)
    }
}

/// The partitions of an answer.
#[derive(Clone, Debug)]
pub struct Answer<'a> {
    reader: Reader<'a>,
}

impl<'a> Answer<'a> {
    /// Checks an answer that came from a peer, every byte of it.
    pub fn validate(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        while reader.bool()? {
            reader.bytes16()?;
            PartitionRef::validate(&mut reader)?;
        }
        reader.finish()?;
        Ok(Answer::new(bytes))
    }

    /// Over an answer that this process made or checked.
    pub fn new(bytes: &'a [u8]) -> Self {
        Answer { reader: Reader::new(bytes) }
    }
}

impl<'a> Iterator for Answer<'a> {
    type Item = (KeyRef<'a>, PartitionRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.u8().ok()? == 0 {
            return None;
        }
        let key = KeyRef::new(self.reader.bytes16().ok()?);
        Some((key, PartitionRef::validate(&mut self.reader).ok()?))
    }
}

/// Feeds an answer's partitions to a consumer. True: it broke off, for it has all it wants.
pub fn feed(answer: Answer<'_>, consumer: &mut dyn PartitionConsumer) -> bool {
    for (key, partition) in answer {
        let mut flow = consumer.partition(key, partition.deletion, partition.static_row);
        if flow == ControlFlow::Continue(Next::Item) {
            for item in partition.items() {
                let Item::Unfiltered(item) = item else { continue };
                flow = consumer.unfiltered(item);
                if flow != ControlFlow::Continue(Next::Item) {
                    break;
                }
            }
        }
        if flow.is_break() || consumer.end_partition().is_break() {
            return true;
        }
    }
    false
}

/// The digest of an answer to a read at second `now`, where tombstones older than `gc_before` may be purged.
pub fn digest(answer: Answer<'_>, now: LocalSeconds, gc_before: LocalSeconds, scratch: &mut Vec<u8>) -> [u8; 16] {
    let purger = Purger { now, gc_before, max_purgeable: i64::MAX };
    scratch.clear();
    for (key, partition) in answer {
        let start = scratch.len();
        put_bytes16(scratch, key.key);
        let content = scratch.len();
        put_deletion(scratch, partition.deletion, &purger);
        if let Some(row) = partition.static_row {
            put_row(scratch, &[], row, &purger);
        }
        for item in partition.items() {
            match item {
                Item::Unfiltered(Unfiltered::Row { clustering, row }) => put_row(scratch, clustering, row, &purger),
                Item::Unfiltered(Unfiltered::Marker(marker)) => {
                    let before = scratch.len();
                    put_deletion(scratch, marker.close, &purger);
                    put_deletion(scratch, marker.open, &purger);
                    if scratch.len() > before {
                        scratch.push(marker.position.weight as u8);
                        put_bytes(scratch, marker.position.prefix);
                    }
                }
                Item::Range(_) => {}
            }
        }
        if scratch.len() == content {
            scratch.truncate(start);
        }
    }
    let [a, b] = murmur3_x64_128(scratch, 0);
    let mut out = [0; 16];
    out[..8].copy_from_slice(&a.to_be_bytes());
    out[8..].copy_from_slice(&b.to_be_bytes());
    out
}

fn put_deletion(out: &mut Vec<u8>, deletion: DeletionTime, purger: &Purger) {
    if !deletion.is_live() && !purger.may_purge_deletion(deletion) {
        out.push(2);
        deletion.encode(out);
    }
}

/// Appends a row in its one form: purged, and every cell with its own times.
fn put_row(out: &mut Vec<u8>, clustering: &[u8], row: RowRef<'_>, purger: &Purger) {
    let mut purged = Vec::new();
    if !purge_row(row, purger, &mut purged) {
        return;
    }
    let row = RowRef::new(&purged);
    out.push(1);
    put_bytes(out, clustering);
    RowHeader::new(row.header.liveness, row.header.deletion).encode(out);
    for cell in row.cells() {
        cell.encode(&RowHeader::EMPTY, out);
    }
}

#[cfg(test)]
mod tests {
    use helenus_model::key::put_clustering_value;
    use helenus_model::row::{CellRef, Liveness};

    use super::*;

    fn answer(rows: &[(&[u8], Vec<u8>)]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = AnswerWriter::new(&mut out);
        let _ = writer.partition(KeyRef::new(b"k"), DeletionTime::LIVE, None);
        for (value, row) in rows {
            let mut clustering = Vec::new();
            put_clustering_value(&mut clustering, Some(value));
            let _ = writer.unfiltered(Unfiltered::Row { clustering: &clustering, row: RowRef::new(row) });
        }
        let _ = writer.end_partition();
        writer.finish();
        out
    }

    fn row(base: RowHeader, cells: &[CellRef<'_>]) -> Vec<u8> {
        let mut out = Vec::new();
        base.encode(&mut out);
        cells.iter().for_each(|cell| cell.encode(&base, &mut out));
        out
    }

    fn digest_of(bytes: &[u8]) -> [u8; 16] {
        digest(Answer::validate(bytes).expect("sound"), 1000, 500, &mut Vec::new())
    }

    #[test]
    fn equal_content_has_an_equal_digest() {
        let base = |timestamp| RowHeader { base_timestamp: timestamp, ..RowHeader::EMPTY };
        let cell = CellRef::live(1, 7, b"v");
        let plain = digest_of(&answer(&[(b"a", row(base(7), &[cell]))]));
        let check = |cells: &[CellRef<'_>], at, equal: bool| {
            let other = digest_of(&answer(&[(b"a", row(base(at), cells))]));
            assert_eq!(other == plain, equal, "{cells:?}");
        };
        check(&[cell], 3, true);
        check(&[cell, CellRef::tombstone(2, 9, 499)], 7, true);
        check(&[cell, CellRef::tombstone(2, 9, 501)], 7, false);
        check(&[CellRef::live(1, 7, b"w")], 7, false);
        check(&[CellRef::live(1, 8, b"v")], 7, false);
        let expired = row(base(7), &[CellRef::expiring(1, 7, 10, 900, b"v")]);
        let deleted = row(base(7), &[CellRef::tombstone(1, 7, 890)]);
        assert_eq!(digest_of(&answer(&[(b"a", expired)])), digest_of(&answer(&[(b"a", deleted)])));
        let marker = Liveness { timestamp: 7, ttl: 0, expires_at: i64::MAX };
        let header = RowHeader::new(marker, DeletionTime::LIVE);
        assert_ne!(digest_of(&answer(&[(b"a", row(header, &[cell]))])), plain);
    }

    #[test]
    fn answers_read_back() {
        let bytes = answer(&[(b"a", row(RowHeader::EMPTY, &[CellRef::live(1, 7, b"v")]))]);
        let mut copy = Vec::new();
        let mut writer = AnswerWriter::new(&mut copy);
        assert!(!feed(Answer::new(&bytes), &mut writer));
        writer.finish();
        assert_eq!(bytes, copy);
        for cut in 0..bytes.len() {
            assert!(Answer::validate(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}
