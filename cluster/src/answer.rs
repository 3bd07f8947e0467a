//! What a replica answers to a read, and its digest.
//!
//! ```text
//! answer := (1, partition key (u16 length, bytes), partition)*, end
//! end    := 0 | 2, partition key (u16 length, bytes), (0 | 1, clustering as bytes)
//! ```
//!
//! An answer that ends with 2 has reached the bytes that its read may have ([`helenus_model::read::ReadLimits::bytes`]). It says nothing
//! of what stands behind the place it names: behind the row, or behind the partition. Who asked goes on from there.
//!
//! A digest is over the logical content only: rows are brought into one form first, what has expired counts as deleted, and
//! what may be purged counts as absent, so replicas that hold the same data in different pieces agree. The place at which an answer
//! has ended too early belongs to its content.

use std::ops::{ControlFlow, Range};

use helenus_model::codec::{DecodeError, Reader, put_bytes, put_bytes16};
use helenus_model::key::{KeyRef, Position, validate_clustering};
use helenus_model::limits::KEY_COLUMNS_MAX;
use helenus_model::partition::{Item, Marker, PartitionRef, PartitionWriter, Unfiltered};
use helenus_model::read::{Flow, Next, PartitionConsumer, ReadCommand};
use helenus_model::row::{DeletionTime, Purger, RowHeader, RowRef, purge_row};
use helenus_model::time::LocalSeconds;
use helenus_model::token::murmur3_x64_128;

/// Begins a partition.
const PARTITION: u8 = 1;
/// Ends an answer behind all there is.
const WHOLE: u8 = 0;
/// Ends an answer at its limit of bytes.
const SHORT: u8 = 2;

/// The place behind which an answer says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortEnd<'a> {
    /// The partition it has ended in or behind.
    pub key: &'a [u8],
    /// Clustering of the row it has ended behind; None: it has told the whole partition.
    pub row: Option<&'a [u8]>,
}

impl<'a> ShortEnd<'a> {
    /// Appends the place to an answer whose partitions are complete.
    fn put(self, out: &mut Vec<u8>) {
        out.push(SHORT);
        put_bytes16(out, self.key);
        out.push(u8::from(self.row.is_some()));
        if let Some(row) = self.row {
            put_bytes(out, row);
        }
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let key = reader.bytes16()?;
        let row = if reader.bool()? { Some(reader.bytes()?) } else { None };
        Ok(ShortEnd { key, row })
    }
}

/// Encodes a read's partitions as an answer.
#[derive(Debug)]
pub struct AnswerWriter<'o> {
    out: &'o mut Vec<u8>,
    /// Where the answer is to end.
    bytes_max: usize,
    reversed: bool,
    /// Where the key of the present partition stands in `out`, with its length before it.
    key: Range<usize>,
    /// The range deletion that is open behind what was told.
    open: DeletionTime,
    is_ended: bool,
}

impl<'o> AnswerWriter<'o> {
    /// Appends all it is given to `out`. End it with [`AnswerWriter::finish`].
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        AnswerWriter {
            out,
            bytes_max: usize::MAX,
            reversed: false,
            key: 0..0,
            open: DeletionTime::LIVE,
            is_ended: false,
        }
    }

    /// The same for rows that come from last to first, or not.
    pub(crate) fn of_whole(out: &'o mut Vec<u8>, reversed: bool) -> Self {
        AnswerWriter { reversed, ..AnswerWriter::new(out) }
    }

    /// The same up to the bytes that the answer to `command` may have.
    pub fn of_read(out: &'o mut Vec<u8>, command: &ReadCommand) -> Self {
        let bytes_max = match command.limits.bytes {
            u32::MAX => usize::MAX,
            bytes => out.len().saturating_add(bytes as usize),
        };
        AnswerWriter { bytes_max, ..AnswerWriter::of_whole(out, command.reversed) }
    }

    /// Ends the answer.
    pub fn finish(self) {
        if !self.is_ended {
            self.out.push(WHOLE);
        }
    }

    /// Ends the answer, saying nothing of what stands behind `end`.
    pub(crate) fn finish_at(self, end: Option<ShortEnd<'_>>) {
        match end {
            None => self.finish(),
            Some(end) => end.put(self.out),
        }
    }

    /// Leaves the present partition behind a row. A range deletion that is open there is closed: nothing is said of what comes behind.
    pub(crate) fn leave_behind(&mut self, row: &[u8]) {
        let mut partition = PartitionWriter::resume(self.out);
        if !self.open.is_live() {
            let position = Position { prefix: row, weight: if self.reversed { -1 } else { 1 } };
            let marker = Marker { position, close: self.open, open: DeletionTime::LIVE };
            partition.unfiltered(&Unfiltered::Marker(marker));
        }
        partition.end();
    }

    /// The bytes are reached behind this row, or behind the present partition.
    #[cold]
    fn end_short(&mut self, row: Option<&[u8]>) -> Flow {
        if let Some(row) = row {
            self.leave_behind(row);
        }
        self.is_ended = true;
        self.out.push(SHORT);
        self.out.extend_from_within(self.key.clone());
        self.out.push(u8::from(row.is_some()));
        if let Some(row) = row {
            put_bytes(self.out, row);
        }
        ControlFlow::Break(())
    }
}

impl PartitionConsumer for AnswerWriter<'_> {
    fn partition(&mut self, key: KeyRef<'_>, deletion: DeletionTime, static_row: Option<RowRef<'_>>) -> Flow {
        self.out.push(PARTITION);
        let start = self.out.len();
        put_bytes16(self.out, key.key);
        self.key = start..self.out.len();
        self.open = DeletionTime::LIVE;
        PartitionWriter::begin(self.out, deletion, static_row.as_ref().map(RowRef::bytes));
        ControlFlow::Continue(Next::Item)
    }

    fn unfiltered(&mut self, item: Unfiltered<'_>) -> Flow {
        PartitionWriter::resume(self.out).unfiltered(&item);
        match item {
            Unfiltered::Marker(marker) => self.open = marker.open,
            Unfiltered::Row { clustering, .. } if self.out.len() >= self.bytes_max => {
                return self.end_short(Some(clustering));
            }
            Unfiltered::Row { .. } => {}
        }
        ControlFlow::Continue(Next::Item)
    }

    fn end_partition(&mut self) -> Flow {
        PartitionWriter::resume(self.out).end();
        if self.out.len() >= self.bytes_max {
            return self.end_short(None);
        }
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
        let mut is_empty = true;
        loop {
            match reader.u8()? {
                WHOLE => break,
                // One that tells nothing would be asked for again and again.
                SHORT if !is_empty => {
                    let end = ShortEnd::read(&mut reader)?;
                    validate_clustering(end.row.unwrap_or_default(), KEY_COLUMNS_MAX)?;
                    break;
                }
                PARTITION => {
                    reader.bytes16()?;
                    PartitionRef::validate(&mut reader)?;
                    is_empty = false;
                }
                _ => return Err(reader.invalid("answer")),
            }
        }
        reader.finish()?;
        Ok(Answer::new(bytes))
    }

    /// Behind the last partition: the place at which the answer has ended too early.
    fn short_end(&self) -> Option<ShortEnd<'a>> {
        let mut reader = self.reader;
        if reader.u8().ok()? != SHORT {
            return None;
        }
        ShortEnd::read(&mut reader).ok()
    }

    /// Over an answer that this process made or checked.
    pub fn new(bytes: &'a [u8]) -> Self {
        Answer { reader: Reader::new(bytes) }
    }
}

impl<'a> Iterator for Answer<'a> {
    type Item = (KeyRef<'a>, PartitionRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = self.reader;
        if reader.u8().ok()? != PARTITION {
            return None;
        }
        self.reader = reader;
        let key = KeyRef::new(self.reader.bytes16().ok()?);
        Some((key, PartitionRef::validate(&mut self.reader).ok()?))
    }
}

/// The place at which an answer has ended too early; None: it is whole.
pub(crate) fn short_end(bytes: &[u8]) -> Option<ShortEnd<'_>> {
    let mut answer = Answer::new(bytes);
    while answer.next().is_some() {}
    answer.short_end()
}

/// Makes a whole answer one that says nothing of what stands behind `end`.
pub(crate) fn shorten(answer: &mut Vec<u8>, end: ShortEnd<'_>) {
    if short_end(answer).is_none() {
        answer.pop();
        end.put(answer);
    }
}

/// How far a consumer was fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fed<'a> {
    /// With all there is.
    Whole,
    /// With the whole answer, which has ended too early.
    Short(ShortEnd<'a>),
    /// As far as it wanted.
    Enough,
}

/// Feeds an answer's partitions to a consumer.
pub fn feed<'a>(mut answer: Answer<'a>, consumer: &mut dyn PartitionConsumer) -> Fed<'a> {
    while let Some((key, partition)) = answer.next() {
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
        if flow.is_break() {
            return Fed::Enough;
        }
        match answer.short_end() {
            // The partition goes on.
            Some(end) if end.row.is_some() && end.key == key.key => return Fed::Short(end),
            _ if consumer.end_partition().is_break() => return Fed::Enough,
            _ => {}
        }
    }
    answer.short_end().map_or(Fed::Whole, Fed::Short)
}

/// The digest of an answer to a read at second `now`, where tombstones older than `gc_before` may be purged.
pub fn digest(mut answer: Answer<'_>, now: LocalSeconds, gc_before: LocalSeconds, scratch: &mut Vec<u8>) -> [u8; 16] {
    let purger = Purger { now, gc_before, max_purgeable: i64::MAX };
    scratch.clear();
    for (key, partition) in answer.by_ref() {
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
    if let Some(end) = answer.short_end() {
        end.put(scratch);
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
    fn where_an_answer_has_ended_is_read_back_and_belongs_to_its_digest() {
        let rows = [(b"a".as_slice(), row(RowHeader::EMPTY, &[CellRef::live(1, 7, b"v")]))];
        let whole = answer(&rows);
        let mut digests = vec![digest_of(&whole)];
        for end in [ShortEnd { key: b"k", row: None }, ShortEnd { key: b"k", row: Some(b"") }] {
            let mut short = whole.clone();
            shorten(&mut short, end);
            digests.push(digest_of(&short));
            assert_eq!(short_end(&short), Some(end));
            let mut copy = Vec::new();
            assert_eq!(feed(Answer::new(&short), &mut AnswerWriter::new(&mut copy)), Fed::Short(end));
            for cut in 0..short.len() {
                assert!(Answer::validate(&short[..cut]).is_err(), "cut at {cut}");
            }
        }
        assert!(digests.iter().enumerate().all(|(i, digest)| !digests[..i].contains(digest)), "{digests:?}");
        assert!(Answer::validate(&[SHORT, 0, 1, b'k', 0]).is_err(), "it tells nothing");
    }

    #[test]
    fn answers_read_back() {
        let bytes = answer(&[(b"a", row(RowHeader::EMPTY, &[CellRef::live(1, 7, b"v")]))]);
        let mut copy = Vec::new();
        let mut writer = AnswerWriter::new(&mut copy);
        assert_eq!(feed(Answer::new(&bytes), &mut writer), Fed::Whole);
        writer.finish();
        assert_eq!(bytes, copy);
        for cut in 0..bytes.len() {
            assert!(Answer::validate(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}
