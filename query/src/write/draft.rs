//! The mutations of one request: one for each partition, whatever statements wrote to it.
//!
//! A request mostly writes one row. It is encoded at once, into a buffer that is used again for the next request. Only when
//! something else is added is it taken apart again, and everything is kept as drafts until [`WriteBatch::finish`].

use std::ops::Range;
use std::sync::Arc;

use helenus_model::codec::{put_bytes, put_vint, vint_len};
use helenus_model::key::{KeyRef, PositionBuf};
use helenus_model::mutation::{MutationRef, put_mutation_head};
use helenus_model::partition::{Item, PartitionRef, PartitionWriter, RangeTombstone, Unfiltered};
use helenus_model::row::{DeletionTime, RowRef};
use helenus_model::schema::Table;
use helenus_model::token::Token;
use rustc_hash::FxHashMap;

use super::count::merge_writes;

/// Buffers that live from one request to the next.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) key: Vec<u8>,
    pub(super) clustering: Vec<u8>,
    pub(super) row: Vec<u8>,
    pub(super) static_row: Vec<u8>,
    pub(super) spare: Vec<u8>,
}

impl Scratch {
    pub(super) fn clear(&mut self) {
        self.key.clear();
        self.clustering.clear();
        self.row.clear();
        self.static_row.clear();
    }
}

/// Collects what the statements of a request write.
#[derive(Debug, Default)]
pub struct WriteBatch {
    bytes: Vec<u8>,
    encoded: Vec<Encoded>,
    drafts: Vec<Draft>,
    by_key: FxHashMap<Box<[u8]>, Vec<usize>>,
    pub(super) scratch: Scratch,
}

/// An encoded mutation's place in the buffer.
#[derive(Debug)]
struct Encoded {
    table: Arc<Table>,
    token: Token,
    key: Range<usize>,
    bytes: Range<usize>,
}

/// A mutation still open.
#[derive(Debug)]
struct Draft {
    key: Box<[u8]>,
    token: Token,
    updates: Vec<TableDraft>,
}

#[derive(Debug)]
struct TableDraft {
    table: Arc<Table>,
    deletion: DeletionTime,
    static_row: Vec<u8>,
    /// Clusterings and rows, in the order of the statements.
    rows: Vec<DraftRow>,
    ranges: Vec<(PositionBuf, PositionBuf, DeletionTime)>,
}

type DraftRow = (Box<[u8]>, Box<[u8]>);

/// A finished mutation.
#[derive(Clone, Copy, Debug)]
pub struct MutationOut<'a> {
    /// Its partition key.
    pub key: KeyRef<'a>,
    /// The table it writes to (the first, when a batch writes to several of a keyspace).
    pub table: &'a Arc<Table>,
    /// Its bytes, as [`helenus_model::mutation`] draws them.
    pub bytes: &'a [u8],
}

impl MutationOut<'_> {
    /// The keyspace.
    pub fn keyspace(&self) -> &str {
        &self.table.keyspace
    }
}

impl WriteBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything but the buffers.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.encoded.clear();
        self.drafts.clear();
        self.by_key.clear();
    }

    /// Ends the collecting: from now on [`WriteBatch::mutations`] gives everything that was added.
    pub fn finish(&mut self) {
        for draft in std::mem::take(&mut self.drafts) {
            let Some(first) = draft.updates.first() else { continue };
            let table = Arc::clone(&first.table);
            let start = self.bytes.len();
            put_mutation_head(&mut self.bytes, &draft.key, draft.updates.len());
            for update in draft.updates {
                update.encode(&mut self.bytes, &mut self.scratch.spare);
            }
            self.encoded.push(Encoded {
                table,
                token: draft.token,
                key: start + 3..start + 3 + draft.key.len(),
                bytes: start..self.bytes.len(),
            });
        }
        self.by_key.clear();
    }

    /// The mutations, one for each partition of a keyspace, in the order of their first statements. Call [`WriteBatch::finish`]
    /// before.
    pub fn mutations(&self) -> impl ExactSizeIterator<Item = MutationOut<'_>> {
        debug_assert!(self.drafts.is_empty(), "finish() comes first");
        self.encoded.iter().map(|encoded| MutationOut {
            key: KeyRef { token: encoded.token, key: self.bytes.get(encoded.key.clone()).unwrap_or_default() },
            table: &encoded.table,
            bytes: self.bytes.get(encoded.bytes.clone()).unwrap_or_default(),
        })
    }

    /// How many partitions are written to.
    pub fn len(&self) -> usize {
        self.encoded.len() + self.drafts.len()
    }

    /// True when nothing is written: unset values, or an IN without values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all mutations; what batch size thresholds are compared with. Call [`WriteBatch::finish`] before.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Adds to a partition: its deletion, its static row, a row.
    pub(super) fn add(
        &mut self,
        table: &Arc<Table>,
        key: &[u8],
        deletion: DeletionTime,
        static_row: Option<&[u8]>,
        row: Option<(&[u8], &[u8])>,
    ) {
        if self.encoded.is_empty() && self.drafts.is_empty() {
            self.encode_alone(table, key, deletion, static_row, row);
            return;
        }
        self.reopen();
        self.draft(table, key).add(deletion, static_row, row);
    }

    /// Adds the deletion of a range of rows.
    pub(super) fn add_range(&mut self, table: &Arc<Table>, key: &[u8], range: &RangeTombstone<'_>) {
        self.reopen();
        let range = (range.start.to_owned(), range.end.to_owned(), range.deletion);
        self.draft(table, key).ranges.push(range);
    }

    /// Encodes the only update so far. All lengths are known, so every byte is written once.
    fn encode_alone(
        &mut self,
        table: &Arc<Table>,
        key: &[u8],
        deletion: DeletionTime,
        static_row: Option<&[u8]>,
        row: Option<(&[u8], &[u8])>,
    ) {
        let counted = |bytes: &[u8]| vint_len(bytes.len() as u64) + bytes.len();
        let mut length = 2 + static_row.map_or(0, counted);
        if !deletion.is_live() {
            length += 16;
        }
        if let Some((clustering, row)) = row {
            length += 1 + counted(clustering) + counted(row);
        }
        let out = &mut self.bytes;
        out.clear();
        put_mutation_head(out, key, 1);
        out.extend_from_slice(table.id.as_bytes());
        put_vint(out, length as u64);
        let start = out.len();
        let mut writer = PartitionWriter::begin(out, deletion, static_row);
        if let Some((clustering, row)) = row {
            writer.row(clustering, row);
        }
        writer.end();
        assert_eq!(out.len() - start, length, "the length of a partition was counted wrongly");
        self.encoded.push(Encoded {
            table: Arc::clone(table),
            token: Token::of_key(key),
            key: 3..3 + key.len(),
            bytes: 0..out.len(),
        });
    }

    /// Turns what was encoded back into drafts.
    fn reopen(&mut self) {
        for encoded in std::mem::take(&mut self.encoded) {
            let bytes = self.bytes.get(encoded.bytes).unwrap_or_default().to_vec();
            let mutation = MutationRef::new(&bytes);
            for (_, partition) in mutation.updates() {
                self.draft(&encoded.table, mutation.key.key).absorb(&PartitionRef::new(partition));
            }
        }
        if self.drafts.is_empty() || self.encoded.is_empty() {
            self.bytes.clear();
        }
    }

    /// The draft of a table's part of a partition. Tables of one keyspace share a mutation.
    fn draft(&mut self, table: &Arc<Table>, key: &[u8]) -> &mut TableDraft {
        let of_keyspace = |index: &&usize| {
            let first = self.drafts.get(**index).and_then(|draft| draft.updates.first());
            first.is_some_and(|update| update.table.keyspace == table.keyspace)
        };
        let found = self.by_key.get(key).and_then(|indexes| indexes.iter().find(of_keyspace)).copied();
        let index = match found {
            Some(index) => index,
            None => {
                let index = self.drafts.len();
                self.drafts.push(Draft { key: key.into(), token: Token::of_key(key), updates: Vec::new() });
                self.by_key.entry(key.into()).or_default().push(index);
                index
            }
        };
        let updates = &mut self.drafts[index].updates;
        let place = match updates.iter().position(|update| update.table.id == table.id) {
            Some(place) => place,
            None => {
                updates.push(TableDraft {
                    table: Arc::clone(table),
                    deletion: DeletionTime::LIVE,
                    static_row: Vec::new(),
                    rows: Vec::new(),
                    ranges: Vec::new(),
                });
                updates.len() - 1
            }
        };
        &mut updates[place]
    }
}

impl TableDraft {
    fn add(&mut self, deletion: DeletionTime, static_row: Option<&[u8]>, row: Option<(&[u8], &[u8])>) {
        self.deletion = self.deletion.max(deletion);
        if let Some(new) = static_row {
            if self.static_row.is_empty() {
                self.static_row.extend_from_slice(new);
            } else {
                let mut merged = Vec::with_capacity(self.static_row.len() + new.len());
                merge_writes(&self.table, RowRef::new(&self.static_row), RowRef::new(new), &mut merged);
                self.static_row = merged;
            }
        }
        if let Some((clustering, row)) = row {
            self.rows.push((clustering.into(), row.into()));
        }
    }

    fn absorb(&mut self, partition: &PartitionRef<'_>) {
        self.add(partition.deletion, partition.static_row.map(|row| row.bytes()), None);
        for item in partition.items() {
            match item {
                Item::Unfiltered(Unfiltered::Row { clustering, row }) => {
                    self.rows.push((clustering.into(), row.bytes().into()));
                }
                Item::Range(range) => {
                    self.ranges.push((range.start.to_owned(), range.end.to_owned(), range.deletion));
                }
                Item::Unfiltered(Unfiltered::Marker(_)) => {}
            }
        }
    }

    /// Appends the update. Rows are put in order, those of one clustering merged.
    fn encode(mut self, out: &mut Vec<u8>, partition: &mut Vec<u8>) {
        let comparator = self.table.comparator();
        self.rows.sort_by(|a, b| comparator.compare(&a.0, &b.0));
        partition.clear();
        let static_row = (!self.static_row.is_empty()).then_some(&*self.static_row);
        let mut writer = PartitionWriter::begin(partition, self.deletion, static_row);
        for (start, end, deletion) in &self.ranges {
            writer.range(&RangeTombstone { start: start.as_ref(), end: end.as_ref(), deletion: *deletion });
        }
        for same in self.rows.chunk_by(|a, b| comparator.compare(&a.0, &b.0).is_eq()) {
            match same {
                [(clustering, row)] => writer.row(clustering, row),
                [(clustering, first), rest @ ..] => {
                    let mut merged = first.to_vec();
                    for (_, row) in rest {
                        let mut next = Vec::with_capacity(merged.len() + row.len());
                        merge_writes(&self.table, RowRef::new(&merged), RowRef::new(row), &mut next);
                        merged = next;
                    }
                    writer.row(clustering, &merged);
                }
                [] => {}
            }
        }
        writer.end();
        out.extend_from_slice(self.table.id.as_bytes());
        put_bytes(out, partition);
    }
}
