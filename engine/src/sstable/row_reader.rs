//! The bytes of `Data.db` to rows in the model's form (Cassandra: `UnfilteredSerializer`).

use helenus_model::codec::{DecodeError, Reader};
use helenus_model::counter;
use helenus_model::key::BoundKind;
use helenus_model::read::ColumnFilter;
use helenus_model::row::{CellKind, CellRef, ColumnId, DeletionTime, Liveness, RowHeader};
use helenus_model::time::{NO_DELETION_TIME, NO_TIMESTAMP};

use super::clustering::read_values;
use super::column_map::{ColumnMap, KindMap, MappedColumn};
use super::encoding::{Bases, widen_local};
use super::row_writer::{
    CELL_DELETED, CELL_EMPTY, CELL_EXPIRING, CELL_ROW_TIMESTAMP, CELL_ROW_TTL, END_OF_PARTITION, EXTENSION,
    EXTENSION_SHADOWABLE, EXTENSION_STATIC, HAS_ALL_COLUMNS, HAS_COMPLEX_DELETION, HAS_DELETION, HAS_TIMESTAMP,
    HAS_TTL, IS_MARKER, LARGE_SUBSET,
};

/// What stands at a place of Data.db.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadKind {
    /// The end of the partition.
    End,
    /// A row, with its flags.
    Row(u8),
    /// A range tombstone marker.
    Marker(BoundKind),
}

/// The part of an unfiltered before its body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) kind: HeadKind,
    /// Offset of the body from the unfiltered's start.
    pub(super) body: usize,
    /// Length of the whole unfiltered.
    pub(super) length: u64,
}

/// Reads flags, clustering and size; the clustering or bound goes to `clustering` in the model's form.
#[inline]
pub(super) fn read_head(
    bytes: &[u8],
    map: &ColumnMap,
    is_static: bool,
    clustering: &mut Vec<u8>,
) -> Result<Head, DecodeError> {
    let mut reader = Reader::new(bytes);
    clustering.clear();
    let flags = reader.u8()?;
    if flags & END_OF_PARTITION != 0 {
        if flags != END_OF_PARTITION || is_static {
            return Err(reader.invalid("end of partition"));
        }
        return Ok(Head { kind: HeadKind::End, body: 1, length: 1 });
    }
    let extension = if flags & EXTENSION != 0 { reader.u8()? } else { 0 };
    if extension & EXTENSION_SHADOWABLE != 0 {
        return Err(reader.invalid("row deletion: shadowable ones are not supported yet"));
    }
    if extension & !EXTENSION_STATIC != 0 || (extension & EXTENSION_STATIC != 0) != is_static {
        return Err(reader.invalid("extended flags"));
    }
    let kind = if flags & IS_MARKER != 0 {
        if flags != IS_MARKER || is_static {
            return Err(reader.invalid("marker flags"));
        }
        let kind = reader.u8()?;
        let kind = BoundKind::from_u8(kind).ok_or_else(|| reader.invalid("kind of a marker"))?;
        let count = reader.u16()?;
        read_values(&mut reader, &map.lengths, usize::from(count), clustering)?;
        HeadKind::Marker(kind)
    } else {
        if !is_static {
            read_values(&mut reader, &map.lengths, map.lengths.len(), clustering)?;
        }
        HeadKind::Row(flags)
    };
    let size = reader.vint()?;
    let body = reader.position();
    match size.checked_add(body as u64) {
        Some(length) => Ok(Head { kind, body, length }),
        None => Err(reader.invalid("size of a row")),
    }
}

/// The size field of an unfiltered: the distance from the start of the previous one.
pub(super) fn read_previous_size(body: &[u8]) -> Result<u64, DecodeError> {
    Reader::new(body).vint()
}

/// Reads a marker's body: what it closes and opens in the file's order.
pub(super) fn read_marker(
    body: &[u8],
    kind: BoundKind,
    bases: Bases,
) -> Result<(DeletionTime, DeletionTime), DecodeError> {
    let mut reader = Reader::new(body);
    reader.vint()?;
    let close = if kind.closes() { read_deletion(&mut reader, bases)? } else { DeletionTime::LIVE };
    let open = if kind.opens() { read_deletion(&mut reader, bases)? } else { DeletionTime::LIVE };
    reader.finish()?;
    if close.is_live() == kind.closes() || open.is_live() == kind.opens() {
        return Err(reader.invalid("deletion of a marker"));
    }
    Ok((close, open))
}

#[inline]
fn read_timestamp(reader: &mut Reader<'_>, bases: Bases) -> Result<i64, DecodeError> {
    Ok((reader.vint()? as i64).wrapping_add(bases.timestamp))
}

#[inline]
fn read_local(reader: &mut Reader<'_>, bases: Bases) -> Result<i64, DecodeError> {
    Ok(widen_local((reader.vint()? as i32).wrapping_add(bases.local)))
}

#[inline]
fn read_ttl(reader: &mut Reader<'_>, bases: Bases) -> Result<i32, DecodeError> {
    let ttl = (reader.vint()? as i32).wrapping_add(bases.ttl);
    if ttl <= 0 { Err(reader.invalid("TTL")) } else { Ok(ttl) }
}

fn read_deletion(reader: &mut Reader<'_>, bases: Bases) -> Result<DeletionTime, DecodeError> {
    let marked_at = read_timestamp(reader, bases)?;
    Ok(DeletionTime { marked_at, local: read_local(reader, bases)? })
}

/// Scratch of one reader of rows.
#[derive(Debug, Default)]
pub(super) struct RowScratch {
    /// Columns of a row in a file of 64 and more.
    places: Vec<u16>,
    /// Where each column's cells are in the row, when they must be sorted.
    pieces: Vec<(ColumnId, usize, usize)>,
    cells: Vec<u8>,
}

/// A row as it is put together: the header waits for the first cell, whose times it may share.
struct RowBuilder<'o> {
    header: RowHeader,
    begun: bool,
    out: &'o mut Vec<u8>,
}

impl RowBuilder<'_> {
    #[inline]
    fn cell(&mut self, cell: &CellRef<'_>) {
        if !self.begun {
            if self.header.base_timestamp == NO_TIMESTAMP {
                self.header.base_timestamp = cell.timestamp;
                if cell.kind == CellKind::Expiring {
                    self.header.base_ttl = cell.ttl;
                    self.header.base_expires_at = cell.local;
                }
            }
            self.begin();
        }
        cell.encode(&self.header, self.out);
    }

    fn begin(&mut self) {
        self.begun = true;
        self.header.encode(self.out);
    }
}

/// Reads a row's body (from its size of the previous on) and appends the row to `out`. Returns false, with `out` as it was,
/// when the row says nothing: all its cells were dropped or are not wanted.
pub(super) fn read_row(
    body: &[u8],
    flags: u8,
    columns: &KindMap,
    bases: Bases,
    filter: &ColumnFilter,
    scratch: &mut RowScratch,
    out: &mut Vec<u8>,
) -> Result<bool, DecodeError> {
    let mut reader = Reader::new(body);
    reader.vint()?;
    let start = out.len();
    let liveness = read_liveness(&mut reader, flags, bases)?;
    let deletion = if flags & HAS_DELETION != 0 { read_deletion(&mut reader, bases)? } else { DeletionTime::LIVE };
    let mut row = RowBuilder { header: RowHeader::new(liveness, deletion), begun: false, out };
    scratch.pieces.clear();
    let total = columns.columns.len();
    let mut missing = 0;
    let mut listed = false;
    if flags & HAS_ALL_COLUMNS == 0 {
        missing = reader.vint()?;
        if total < LARGE_SUBSET {
            if missing >> total != 0 {
                return Err(reader.invalid("column bitmap"));
            }
        } else {
            read_large_subset(&mut reader, missing, total, &mut scratch.places)?;
            listed = true;
        }
    }
    let count = if listed { scratch.places.len() } else { total };
    for i in 0..count {
        let place = if listed { usize::from(scratch.places[i]) } else { i };
        if !listed && i < LARGE_SUBSET && (missing >> i) & 1 != 0 {
            continue;
        }
        let Some(column) = columns.columns.get(place) else { return Err(reader.invalid("column index")) };
        let before = row.out.len();
        read_column(&mut reader, column, flags & HAS_COMPLEX_DELETION != 0, &liveness, bases, filter, &mut row)?;
        let after = row.out.len();
        if !columns.ascending && after > before {
            // The first column's piece may begin with the header: it is cut off below.
            scratch.pieces.push((column.id.unwrap_or(0), before, after));
        }
    }
    reader.finish()?;
    if !row.begun {
        if liveness.is_none() && deletion.is_live() {
            return Ok(false);
        }
        row.begin();
    }
    if !columns.ascending {
        let header = row.header;
        sort_pieces(&header, start, scratch, out);
    }
    Ok(true)
}

/// Puts the cells of columns in the order of their ids.
fn sort_pieces(header: &RowHeader, start: usize, scratch: &mut RowScratch, out: &mut Vec<u8>) {
    scratch.cells.clear();
    header.encode(&mut scratch.cells);
    let header_length = scratch.cells.len();
    if let Some(first) = scratch.pieces.first_mut() {
        first.1 = start + header_length;
    }
    if scratch.pieces.is_sorted_by_key(|piece| piece.0) {
        return;
    }
    scratch.pieces.sort_unstable_by_key(|piece| piece.0);
    for (_, from, to) in &scratch.pieces {
        scratch.cells.extend_from_slice(&out[*from..*to]);
    }
    out.truncate(start);
    out.extend_from_slice(&scratch.cells);
}

fn read_liveness(reader: &mut Reader<'_>, flags: u8, bases: Bases) -> Result<Liveness, DecodeError> {
    if flags & HAS_TIMESTAMP == 0 {
        return if flags & HAS_TTL == 0 { Ok(Liveness::NONE) } else { Err(reader.invalid("row flags")) };
    }
    let timestamp = read_timestamp(reader, bases)?;
    if flags & HAS_TTL == 0 {
        return Ok(Liveness { timestamp, ttl: 0, expires_at: NO_DELETION_TIME });
    }
    let ttl = read_ttl(reader, bases)?;
    Ok(Liveness { timestamp, ttl, expires_at: read_local(reader, bases)? })
}

/// Which columns a row of a file with 64 or more columns has.
fn read_large_subset(
    reader: &mut Reader<'_>,
    missing: u64,
    total: usize,
    places: &mut Vec<u16>,
) -> Result<(), DecodeError> {
    places.clear();
    let missing = usize::try_from(missing).unwrap_or(usize::MAX);
    let Some(present) = total.checked_sub(missing) else { return Err(reader.invalid("column count")) };
    let listed = if present < total / 2 { present } else { missing };
    let mut next = 0_usize;
    for _ in 0..listed {
        let place = usize::try_from(reader.vint()?).unwrap_or(usize::MAX);
        if place < next || place >= total {
            return Err(reader.invalid("column index"));
        }
        if present < total / 2 {
            places.push(place as u16);
        } else {
            places.extend((next..place).map(|place| place as u16));
        }
        next = place + 1;
    }
    if present >= total / 2 {
        places.extend((next..total).map(|place| place as u16));
    }
    Ok(())
}

fn read_column(
    reader: &mut Reader<'_>,
    column: &MappedColumn,
    complex_deletions: bool,
    liveness: &Liveness,
    bases: Bases,
    filter: &ColumnFilter,
    row: &mut RowBuilder<'_>,
) -> Result<(), DecodeError> {
    let id = column.id.filter(|id| filter.includes(*id));
    if !column.complex {
        return read_cell(reader, column, id, liveness, bases, row);
    }
    if complex_deletions {
        let deletion = read_deletion(reader, bases)?;
        if let Some(id) = id
            && !deletion.is_live()
            && deletion.marked_at > column.dropped_at
        {
            row.cell(&CellRef::complex_deletion(id, deletion));
        }
    }
    for _ in 0..reader.count()? {
        read_cell(reader, column, id, liveness, bases, row)?;
    }
    Ok(())
}

#[inline]
fn read_cell(
    reader: &mut Reader<'_>,
    column: &MappedColumn,
    id: Option<ColumnId>,
    liveness: &Liveness,
    bases: Bases,
    row: &mut RowBuilder<'_>,
) -> Result<(), DecodeError> {
    let flags = reader.u8()?;
    let known = CELL_DELETED | CELL_EXPIRING | CELL_EMPTY | CELL_ROW_TIMESTAMP | CELL_ROW_TTL;
    let kind = match flags & (CELL_DELETED | CELL_EXPIRING) {
        0 => CellKind::Live,
        CELL_DELETED => CellKind::Tombstone,
        CELL_EXPIRING => CellKind::Expiring,
        _ => return Err(reader.invalid("cell flags")),
    };
    let row_ttl = flags & CELL_ROW_TTL != 0;
    if flags & !known != 0
        || (flags & CELL_ROW_TIMESTAMP != 0 && liveness.is_none())
        || (row_ttl && (kind != CellKind::Expiring || liveness.ttl == 0))
    {
        return Err(reader.invalid("cell flags"));
    }
    let timestamp = if flags & CELL_ROW_TIMESTAMP != 0 { liveness.timestamp } else { read_timestamp(reader, bases)? };
    let (mut local, mut ttl) = (NO_DELETION_TIME, 0);
    if row_ttl {
        (local, ttl) = (liveness.expires_at, liveness.ttl);
    } else if kind != CellKind::Live {
        local = read_local(reader, bases)?;
        if kind == CellKind::Expiring {
            ttl = read_ttl(reader, bases)?;
        }
    }
    let path = if column.complex { Some(reader.bytes()?) } else { None };
    let mut value: &[u8] = &[];
    if flags & CELL_EMPTY == 0 {
        value = match column.length {
            Some(length) if !column.complex => reader.take(length as usize)?,
            _ => reader.bytes()?,
        };
    }
    if let Some(column_id) = id
        && timestamp > column.dropped_at
    {
        if column.counter && kind != CellKind::Tombstone {
            return read_counter(reader, &CellRef { column: column_id, kind, timestamp, local, ttl, path, value }, row);
        }
        let value = if kind == CellKind::Tombstone { &[] } else { value };
        row.cell(&CellRef { column: column_id, kind, timestamp, local, ttl, path, value });
    }
    Ok(())
}

/// A cell of a counter column that is not deleted: its value is a context.
#[inline(never)]
fn read_counter(reader: &Reader<'_>, cell: &CellRef<'_>, row: &mut RowBuilder<'_>) -> Result<(), DecodeError> {
    if cell.kind != CellKind::Live || !counter::is_context(cell.value) {
        return Err(reader.invalid("counter"));
    }
    let cleared = counter::without_local(cell.value);
    let context = cleared.as_deref().unwrap_or(cell.value);
    row.cell(&CellRef::counter(cell.column, cell.timestamp, context));
    Ok(())
}
