//! A partition, or part of one, as bytes: what a mutation carries for a table and what a replica answers to a read.
//!
//! ```text
//! partition := flags u8 (1 deletion, 2 static row) [deletion: timestamp i64, local i64] [static row: vint length, row] item* 0
//! item      := 1 row:    clustering (vint length, bytes), row (vint length, bytes)
//!            | 2 marker: kind u8, prefix (vint length, bytes), [closing deletion] [opening deletion]
//!            | 3 range:  start kind u8, prefix, end kind u8, prefix, deletion
//! ```
//!
//! Rows are in clustering order. A *read answer* has markers in order with the rows (in the order of the read, so reversed
//! reads meet the end bound of a range first: the marker's `close` and `open` are always those met in reading order).
//! A *mutation* has ranges instead, before all rows.

use crate::codec::{DecodeError, Reader, put_bytes};
use crate::key::{BoundKind, Position, validate_clustering};
use crate::limits::KEY_COLUMNS_MAX;
use crate::row::{DeletionTime, RowRef};

const DELETION: u8 = 1;
const STATIC: u8 = 2;
const END: u8 = 0;
const ROW: u8 = 1;
const MARKER: u8 = 2;
const RANGE: u8 = 3;

/// A row or a range tombstone marker of a partition, in reading order.
#[derive(Clone, Copy, Debug)]
pub enum Unfiltered<'a> {
    /// A row.
    Row {
        /// Its encoded clustering.
        clustering: &'a [u8],
        /// Its content.
        row: RowRef<'a>,
    },
    /// A place where deletions of ranges end or start.
    Marker(Marker<'a>),
}

impl<'a> Unfiltered<'a> {
    /// Where it stands.
    pub fn position(&self) -> Position<'a> {
        match self {
            Unfiltered::Row { clustering, .. } => Position::row(clustering),
            Unfiltered::Marker(marker) => marker.position,
        }
    }
}

/// A range tombstone marker: what is met when reading over its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker<'a> {
    /// Its place; the weight is −1 or 1.
    pub position: Position<'a>,
    /// The deletion in force before it (in reading order); LIVE if none.
    pub close: DeletionTime,
    /// The deletion in force behind it (in reading order); LIVE if none.
    pub open: DeletionTime,
}

/// A deletion of all rows between two places, as a mutation carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeTombstone<'a> {
    /// First place covered.
    pub start: Position<'a>,
    /// Last place covered.
    pub end: Position<'a>,
    /// The deletion.
    pub deletion: DeletionTime,
}

/// One item of an encoded partition.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// Row or marker.
    Unfiltered(Unfiltered<'a>),
    /// A range deletion (mutations only).
    Range(RangeTombstone<'a>),
}

/// An encoded partition, its head read.
#[derive(Clone, Copy, Debug)]
pub struct PartitionRef<'a> {
    /// Deletion of the whole partition.
    pub deletion: DeletionTime,
    /// The static row, if there is one.
    pub static_row: Option<RowRef<'a>>,
    items: &'a [u8],
}

impl<'a> PartitionRef<'a> {
    /// Reads the head of a partition and leaves `reader` behind its end, every byte checked.
    pub fn validate(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let (deletion, static_row) = Self::head(reader, true)?;
        let items = reader.rest();
        let start = reader.position();
        loop {
            match reader.u8()? {
                END => break,
                ROW => {
                    validate_clustering(reader.bytes()?, KEY_COLUMNS_MAX)?;
                    RowRef::validate(reader.bytes()?)?;
                }
                MARKER => {
                    read_marker(reader)?;
                }
                RANGE => {
                    read_range(reader)?;
                }
                _ => return Err(reader.invalid("partition item")),
            }
        }
        let items = &items[..reader.position() - start];
        Ok(PartitionRef { deletion, static_row, items })
    }

    /// Over bytes of exactly one partition that this process wrote or [`PartitionRef::validate`]d before.
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut reader = Reader::new(bytes);
        let head = Self::head(&mut reader, false);
        debug_assert!(head.is_ok(), "a partition was not validated at the border");
        let (deletion, static_row) = head.unwrap_or((DeletionTime::LIVE, None));
        PartitionRef { deletion, static_row, items: reader.rest() }
    }

    fn head(reader: &mut Reader<'a>, check: bool) -> Result<(DeletionTime, Option<RowRef<'a>>), DecodeError> {
        let flags = reader.u8()?;
        if flags & !(DELETION | STATIC) != 0 {
            return Err(reader.invalid("partition flags"));
        }
        let deletion = if flags & DELETION != 0 { DeletionTime::decode(reader)? } else { DeletionTime::LIVE };
        let static_row = match flags & STATIC {
            0 => None,
            _ if check => Some(RowRef::validate(reader.bytes()?)?),
            _ => Some(RowRef::new(reader.bytes()?)),
        };
        Ok((deletion, static_row))
    }

    /// Rows, markers and ranges in order.
    pub fn items(&self) -> Items<'a> {
        Items(Reader::new(self.items))
    }
}

/// Iterator over the items of a partition.
#[derive(Clone, Debug)]
pub struct Items<'a>(Reader<'a>);

impl<'a> Items<'a> {
    fn read(&mut self) -> Result<Option<Item<'a>>, DecodeError> {
        let reader = &mut self.0;
        Ok(Some(match reader.u8()? {
            ROW => {
                let clustering = reader.bytes()?;
                Item::Unfiltered(Unfiltered::Row { clustering, row: RowRef::new(reader.bytes()?) })
            }
            MARKER => Item::Unfiltered(Unfiltered::Marker(read_marker(reader)?)),
            RANGE => Item::Range(read_range(reader)?),
            _ => return Ok(None),
        }))
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let item = self.read();
        debug_assert!(item.is_ok(), "a partition was not validated at the border");
        item.ok().flatten()
    }
}

fn read_kind(reader: &mut Reader<'_>) -> Result<BoundKind, DecodeError> {
    let kind = reader.u8()?;
    BoundKind::from_u8(kind).ok_or_else(|| reader.invalid("bound kind"))
}

fn read_place<'a>(reader: &mut Reader<'a>, kind: BoundKind) -> Result<Position<'a>, DecodeError> {
    let prefix = reader.bytes()?;
    validate_clustering(prefix, KEY_COLUMNS_MAX)?;
    Ok(Position { prefix, weight: kind.weight() })
}

fn read_marker<'a>(reader: &mut Reader<'a>) -> Result<Marker<'a>, DecodeError> {
    let kind = read_kind(reader)?;
    let position = read_place(reader, kind)?;
    let close = if kind.closes() { DeletionTime::decode(reader)? } else { DeletionTime::LIVE };
    let open = if kind.opens() { DeletionTime::decode(reader)? } else { DeletionTime::LIVE };
    Ok(Marker { position, close, open })
}

fn read_range<'a>(reader: &mut Reader<'a>) -> Result<RangeTombstone<'a>, DecodeError> {
    let start_kind = read_kind(reader)?;
    let start = read_place(reader, start_kind)?;
    let end_kind = read_kind(reader)?;
    let end = read_place(reader, end_kind)?;
    if !matches!(start_kind, BoundKind::InclusiveStart | BoundKind::ExclusiveStart)
        || !matches!(end_kind, BoundKind::InclusiveEnd | BoundKind::ExclusiveEnd)
    {
        return Err(reader.invalid("range tombstone"));
    }
    Ok(RangeTombstone { start, end, deletion: DeletionTime::decode(reader)? })
}

/// Appends partitions to a buffer.
#[derive(Debug)]
pub struct PartitionWriter<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> PartitionWriter<'o> {
    /// Writes the head. `static_row` is an encoded row.
    pub fn begin(out: &'o mut Vec<u8>, deletion: DeletionTime, static_row: Option<&[u8]>) -> Self {
        let deleted = !deletion.is_live();
        out.push(if deleted { DELETION } else { 0 } | if static_row.is_some() { STATIC } else { 0 });
        if deleted {
            deletion.encode(out);
        }
        if let Some(row) = static_row {
            put_bytes(out, row);
        }
        PartitionWriter { out }
    }

    /// Goes on with a partition whose head is in `out` already, for writers that receive the items one by one.
    pub fn resume(out: &'o mut Vec<u8>) -> Self {
        PartitionWriter { out }
    }

    /// Writes a row.
    #[inline]
    pub fn row(&mut self, clustering: &[u8], row: &[u8]) {
        self.out.push(ROW);
        put_bytes(self.out, clustering);
        put_bytes(self.out, row);
    }

    /// Writes a marker; one that neither closes nor opens is left out.
    pub fn marker(&mut self, marker: &Marker<'_>) {
        let kind = BoundKind::of(marker.position.weight, !marker.close.is_live(), !marker.open.is_live());
        let Some(kind) = kind else { return };
        self.out.push(MARKER);
        self.out.push(kind as u8);
        put_bytes(self.out, marker.position.prefix);
        if kind.closes() {
            marker.close.encode(self.out);
        }
        if kind.opens() {
            marker.open.encode(self.out);
        }
    }

    /// Writes a row or marker.
    pub fn unfiltered(&mut self, item: &Unfiltered<'_>) {
        match item {
            Unfiltered::Row { clustering, row } => self.row(clustering, row.bytes()),
            Unfiltered::Marker(marker) => self.marker(marker),
        }
    }

    /// Writes a range deletion (mutations only; before all rows).
    pub fn range(&mut self, range: &RangeTombstone<'_>) {
        self.out.push(RANGE);
        self.out.push(if range.start.weight < 0 { BoundKind::InclusiveStart } else { BoundKind::ExclusiveStart } as u8);
        put_bytes(self.out, range.start.prefix);
        self.out.push(if range.end.weight < 0 { BoundKind::ExclusiveEnd } else { BoundKind::InclusiveEnd } as u8);
        put_bytes(self.out, range.end.prefix);
        range.deletion.encode(self.out);
    }

    /// Ends the partition.
    pub fn end(self) {
        self.out.push(END);
    }
}
