//! A read as a replica executes it: which partitions, which rows, which columns, how many.

use std::ops::ControlFlow;

use uuid::Uuid;

use crate::codec::{DecodeError, Reader, put_bytes, put_bytes16, put_vint};
use crate::key::{ClusteringComparator, KeyRef, Position, PositionBuf, RingPosition, validate_clustering};
use crate::limits::{COLUMN_IDS_MAX, KEY_COLUMNS_MAX};
use crate::partition::Unfiltered;
use crate::row::{CellRef, ColumnId, DeletionTime, RowRef};
use crate::time::LocalSeconds;

/// A contiguous part of every partition read: places `start` to `end` in table order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// First place.
    pub start: PositionBuf,
    /// Last place.
    pub end: PositionBuf,
}

impl Slice {
    /// Every row.
    pub fn all() -> Self {
        Slice { start: Position::FIRST.to_owned(), end: Position::LAST.to_owned() }
    }

    /// The rows that start with `prefix`; the row itself when the prefix is whole.
    pub fn of_prefix(prefix: &[u8]) -> Self {
        Slice { start: Position { prefix, weight: -1 }.to_owned(), end: Position { prefix, weight: 1 }.to_owned() }
    }

    /// If the slice is exactly one prefix (one row, when it has all columns): that prefix.
    pub fn as_prefix(&self) -> Option<&[u8]> {
        (self.start.weight < 0 && self.end.weight > 0 && self.start.prefix == self.end.prefix)
            .then_some(&*self.start.prefix)
    }
}

/// What is left of the slices behind `place` in reading order.
pub fn slices_behind(
    order: &ClusteringComparator,
    slices: &[Slice],
    place: Position<'_>,
    reversed: bool,
) -> Vec<Slice> {
    let mut out = Vec::with_capacity(slices.len());
    for slice in slices {
        let mut slice = slice.clone();
        // A row's own place is not part of what is behind it.
        if reversed {
            let place = Position { prefix: place.prefix, weight: if place.weight == 0 { -1 } else { place.weight } };
            if order.compare_positions(place, slice.end.as_ref()).is_lt() {
                slice.end = place.to_owned();
            }
        } else {
            let place = Position { prefix: place.prefix, weight: if place.weight == 0 { 1 } else { place.weight } };
            if order.compare_positions(slice.start.as_ref(), place).is_lt() {
                slice.start = place.to_owned();
            }
        }
        if order.compare_positions(slice.start.as_ref(), slice.end.as_ref()).is_lt() {
            out.push(slice);
        }
    }
    out
}

/// Which partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadScope {
    /// One partition, by key.
    Partition {
        /// Its key.
        key: Box<[u8]>,
    },
    /// The partitions of `[start, end)` on the ring.
    Range {
        /// First place.
        start: RingPosition,
        /// Place behind the last.
        end: RingPosition,
        /// In the partition of exactly this key, only rows behind (in reading order) this place: paging goes on there. When the
        /// position is None, the partition's rows are read from the start.
        resume: Option<(Box<[u8]>, Option<PositionBuf>)>,
    },
}

/// Which regular and static columns a read wants values of. Row markers and deletions always come along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnFilter {
    /// All of them.
    All,
    /// These ids, ascending.
    Only(Box<[ColumnId]>),
}

impl ColumnFilter {
    /// True when the column's cells are wanted.
    #[inline]
    pub fn includes(&self, column: ColumnId) -> bool {
        match self {
            ColumnFilter::All => true,
            ColumnFilter::Only(ids) => ids.binary_search(&column).is_ok(),
        }
    }
}

/// How many live rows, and how many bytes, at most. A partition that has a live static row and no live row counts as one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// In all.
    pub rows: u32,
    /// In each partition.
    pub per_partition: u32,
    /// Partitions, for DISTINCT; the rows of a partition then stop after the first live one.
    pub partitions: u32,
    /// Bytes: the answer ends behind the row or partition that brings it there. Who encodes the answer looks at this, not who reads.
    pub bytes: u32,
}

impl ReadLimits {
    /// No limit.
    pub const NONE: ReadLimits =
        ReadLimits { rows: u32::MAX, per_partition: u32::MAX, partitions: u32::MAX, bytes: u32::MAX };
}

/// A read of one table on one replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadCommand {
    /// The table.
    pub table: Uuid,
    /// Epoch of the table's schema the command was made under.
    pub schema_epoch: u64,
    /// Which partitions.
    pub scope: ReadScope,
    /// Which rows: slices in table order, not overlapping. The static row comes whenever the table has static columns and the column filter wants one.
    pub slices: Vec<Slice>,
    /// Rows from last to first.
    pub reversed: bool,
    /// Which columns.
    pub columns: ColumnFilter,
    /// How many rows.
    pub limits: ReadLimits,
    /// The second that decides what has expired, the same on every replica.
    pub now: LocalSeconds,
    /// How the rows are found, unless by looking at all that scope and slices name.
    pub through: Option<Box<Through>>,
}

impl ReadCommand {
    /// True unless nothing of a row is wanted: it has no marker, no deletion, and no cell of a column that is read. The sources know of more
    /// than the columns that are read, and a partition may have many such rows.
    #[inline]
    pub fn wants(&self, row: &RowRef<'_>) -> bool {
        match &self.columns {
            ColumnFilter::All => true,
            columns => {
                !row.header.liveness.is_none()
                    || !row.header.deletion.is_live()
                    || row.cells().any(|cell| columns.includes(cell.column))
            }
        }
    }

    /// True for a row that counts: that is live in what the read wants of it. `strict`: [`crate::schema::Table::is_strict`].
    #[inline]
    pub fn counts(&self, row: &RowRef<'_>, strict: bool) -> bool {
        match &self.columns {
            ColumnFilter::Only(_) if !strict => {
                let is_live = |cell: CellRef<'_>| self.columns.includes(cell.column) && cell.is_live(self.now);
                row.header.liveness.is_live(self.now) || row.cells().any(is_live)
            }
            _ => row.is_live_in(strict, self.now),
        }
    }
}

/// How the rows of a read are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Through {
    /// By a secondary index: only live rows that have the value on this replica are told, and no deletions.
    Index {
        /// The index.
        index: Uuid,
        /// What it is asked for: a partition key of its hidden table.
        value: Box<[u8]>,
    },
    /// They were found before: partitions in ring order, and what is read of each, instead of the command's slices.
    Rows(Vec<(Box<[u8]>, Vec<Slice>)>),
}

const PLAIN: u8 = 1;
const THROUGH: u8 = 2;

impl ReadCommand {
    /// Appends the command.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match &self.through {
            None => out.push(PLAIN),
            Some(through) => {
                out.push(THROUGH);
                through.encode(out);
            }
        }
        out.extend_from_slice(self.table.as_bytes());
        put_vint(out, self.schema_epoch);
        match &self.scope {
            ReadScope::Partition { key } => {
                out.push(0);
                put_bytes16(out, key);
            }
            ReadScope::Range { start, end, resume } => {
                out.push(1);
                start.encode(out);
                end.encode(out);
                match resume {
                    None => out.push(0),
                    Some((key, position)) => {
                        out.push(1 + u8::from(position.is_some()));
                        put_bytes16(out, key);
                        if let Some(position) = position {
                            put_position(out, position);
                        }
                    }
                }
            }
        }
        put_slices(out, &self.slices);
        out.push(u8::from(self.reversed));
        match &self.columns {
            ColumnFilter::All => out.push(0),
            ColumnFilter::Only(ids) => {
                out.push(1);
                put_vint(out, ids.len() as u64);
                for id in ids {
                    put_vint(out, u64::from(*id));
                }
            }
        }
        let ReadLimits { rows, per_partition, partitions, bytes } = self.limits;
        for limit in [rows, per_partition, partitions, bytes] {
            out.extend_from_slice(&limit.to_be_bytes());
        }
        out.extend_from_slice(&self.now.to_be_bytes());
    }

    /// Reads a command, every field checked.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let through = match reader.u8()? {
            PLAIN => None,
            THROUGH => Some(Box::new(Through::decode(reader)?)),
            _ => return Err(reader.invalid("read command version")),
        };
        let table = reader.uuid()?;
        let schema_epoch = reader.vint()?;
        let scope = match reader.u8()? {
            0 => ReadScope::Partition { key: reader.bytes16()?.into() },
            1 => {
                let start = RingPosition::decode(reader)?;
                let end = RingPosition::decode(reader)?;
                let resume = match reader.u8()? {
                    0 => None,
                    1 => Some((reader.bytes16()?.into(), None)),
                    2 => Some((reader.bytes16()?.into(), Some(read_position(reader)?))),
                    _ => return Err(reader.invalid("resume")),
                };
                ReadScope::Range { start, end, resume }
            }
            _ => return Err(reader.invalid("read scope")),
        };
        let slices = read_slices(reader)?;
        let reversed = reader.bool()?;
        let columns = Self::decode_columns(reader)?;
        let limits = ReadLimits {
            rows: reader.u32()?,
            per_partition: reader.u32()?,
            partitions: reader.u32()?,
            bytes: reader.u32()?,
        };
        let now = reader.i64()?;
        Ok(ReadCommand { table, schema_epoch, scope, slices, reversed, columns, limits, now, through })
    }

    fn decode_columns(reader: &mut Reader<'_>) -> Result<ColumnFilter, DecodeError> {
        if !reader.bool()? {
            return Ok(ColumnFilter::All);
        }
        let count = reader.count()?;
        if count > COLUMN_IDS_MAX {
            return Err(reader.invalid("column count"));
        }
        let mut ids = Vec::with_capacity(count);
        for _ in 0..count {
            let id = ColumnId::try_from(reader.vint()?).map_err(|_| reader.invalid("column id"))?;
            if ids.last().is_some_and(|last| *last >= id) {
                return Err(reader.invalid("order of columns"));
            }
            ids.push(id);
        }
        Ok(ColumnFilter::Only(ids.into()))
    }
}

impl Through {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Through::Index { index, value } => {
                out.push(1);
                out.extend_from_slice(index.as_bytes());
                put_bytes16(out, value);
            }
            Through::Rows(partitions) => {
                out.push(2);
                put_vint(out, partitions.len() as u64);
                for (key, slices) in partitions {
                    put_bytes16(out, key);
                    put_slices(out, slices);
                }
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match reader.u8()? {
            1 => Through::Index { index: reader.uuid()?, value: reader.bytes16()?.into() },
            2 => {
                let count = reader.count()?;
                let mut partitions = Vec::with_capacity(count.min(1024));
                for _ in 0..count {
                    partitions.push((reader.bytes16()?.into(), read_slices(reader)?));
                }
                Through::Rows(partitions)
            }
            _ => return Err(reader.invalid("way of a read")),
        })
    }
}

fn put_slices(out: &mut Vec<u8>, slices: &[Slice]) {
    put_vint(out, slices.len() as u64);
    for slice in slices {
        put_position(out, &slice.start);
        put_position(out, &slice.end);
    }
}

fn read_slices(reader: &mut Reader<'_>) -> Result<Vec<Slice>, DecodeError> {
    let count = reader.count()?;
    let mut slices = Vec::with_capacity(count.min(1024));
    for _ in 0..count {
        slices.push(Slice { start: read_position(reader)?, end: read_position(reader)? });
    }
    Ok(slices)
}

fn put_position(out: &mut Vec<u8>, position: &PositionBuf) {
    out.push((position.weight + 1) as u8);
    put_bytes(out, &position.prefix);
}

fn read_position(reader: &mut Reader<'_>) -> Result<PositionBuf, DecodeError> {
    let weight = match reader.u8()? {
        w @ 0..=2 => w as i8 - 1,
        _ => return Err(reader.invalid("weight")),
    };
    let prefix = reader.bytes()?;
    validate_clustering(prefix, KEY_COLUMNS_MAX)?;
    Ok(PositionBuf { prefix: prefix.into(), weight })
}

/// Receives what a read yields, merged over a replica's memtables and SSTables: for each partition a call of `partition`, its
/// rows and markers in reading order, and `end_partition`. Deletions are applied to the rows they cover, and are still told.
/// `Break` ends the read; `Continue(Next::Partition)` from `partition` or `unfiltered` leaves the partition.
pub trait PartitionConsumer {
    /// A partition begins. `static_row` is given when there is one and the read wants static columns.
    fn partition(&mut self, key: KeyRef<'_>, deletion: DeletionTime, static_row: Option<RowRef<'_>>) -> Flow;
    /// A row or marker.
    fn unfiltered(&mut self, item: Unfiltered<'_>) -> Flow;
    /// The partition ends, also after a skip, but not after a `Break`.
    fn end_partition(&mut self) -> Flow;
}

/// What a consumer wants next: `Continue(Next::Item)`, `Continue(Next::Partition)` or `Break(())`.
pub type Flow = ControlFlow<(), Next>;

/// Where a read goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// With the next item.
    Item,
    /// With the next partition.
    Partition,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::RowHeader;
    use crate::time::NO_DELETION_TIME;

    #[test]
    fn a_row_is_wanted_and_counts_by_what_is_read_of_it() {
        let marker = RowHeader::of_statement(5, 0, NO_DELETION_TIME, true);
        let expired = RowHeader::of_statement(5, 1, 8, true);
        let deletion = DeletionTime { marked_at: 4, local: 4 };
        let nothing = RowHeader::EMPTY;
        for (header, cells, read, wanted, counts) in [
            (nothing, &[1, 3][..], None, true, true),
            (nothing, &[1, 3], Some(&[1][..]), true, true),
            (nothing, &[1, 3], Some(&[2]), false, false),
            (nothing, &[1, 3], Some(&[]), false, false),
            (marker, &[1], Some(&[]), true, true),
            (expired, &[1], Some(&[]), true, false),
            (RowHeader { deletion, ..nothing }, &[1], Some(&[]), true, false),
        ] {
            let mut row = Vec::new();
            header.encode(&mut row);
            cells.iter().for_each(|column| CellRef::live(*column, 6, b"v").encode(&header, &mut row));
            let row = RowRef::new(&row);
            let command = ReadCommand {
                table: Uuid::nil(),
                schema_epoch: 1,
                scope: ReadScope::Partition { key: Box::default() },
                slices: vec![Slice::all()],
                reversed: false,
                columns: read.map_or(ColumnFilter::All, |ids: &[ColumnId]| ColumnFilter::Only(ids.into())),
                limits: ReadLimits::NONE,
                now: 9,
                through: None,
            };
            assert_eq!((command.wants(&row), command.counts(&row, false)), (wanted, counts), "{row:?} {read:?}");
            assert_eq!(command.counts(&row, true), header == marker, "{row:?} of a strict table");
        }
    }

    #[test]
    fn commands_read_back_and_a_cut_is_an_error() {
        let check = |through: Option<Through>| {
            let command = ReadCommand {
                table: Uuid::from_u128(7),
                schema_epoch: 3,
                scope: ReadScope::Partition { key: Box::from(*b"k") },
                slices: vec![Slice::all()],
                reversed: false,
                columns: ColumnFilter::All,
                limits: ReadLimits { rows: 1, per_partition: 2, partitions: 3, bytes: 4 },
                now: 9,
                through: through.map(Box::new),
            };
            let mut bytes = Vec::new();
            command.encode(&mut bytes);
            let mut reader = Reader::new(&bytes);
            assert_eq!(ReadCommand::decode(&mut reader), Ok(command));
            assert!(reader.finish().is_ok());
            for cut in 0..bytes.len() {
                assert!(ReadCommand::decode(&mut Reader::new(&bytes[..cut])).is_err(), "cut at {cut}");
            }
        };
        check(None);
        check(Some(Through::Index { index: Uuid::from_u128(5), value: Box::from(*b"") }));
        check(Some(Through::Rows(vec![(Box::from(*b"a"), vec![Slice::all()]), (Box::from(*b"b"), Vec::new())])));
    }
}
