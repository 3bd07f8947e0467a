//! Rows and markers to the bytes of `Data.db` (Cassandra: `UnfilteredSerializer`).

use helenus_model::codec::{put_bytes, put_vint, vint_len};
use helenus_model::counter;
use helenus_model::key::BoundKind;
use helenus_model::partition::Marker;
use helenus_model::row::{CellKind, CellRef, ColumnId, DeletionTime, Liveness, RowRef};
use helenus_model::schema::{Column, Table};

use super::clustering::{ClusteringLengths, write_values};
use super::encoding::{Bases, narrow_local};
use super::metadata::MetadataCollector;
use super::write_error::SsTableWriteError;

pub(super) const END_OF_PARTITION: u8 = 0x01;
pub(super) const IS_MARKER: u8 = 0x02;
pub(super) const HAS_TIMESTAMP: u8 = 0x04;
pub(super) const HAS_TTL: u8 = 0x08;
pub(super) const HAS_DELETION: u8 = 0x10;
pub(super) const HAS_ALL_COLUMNS: u8 = 0x20;
pub(super) const HAS_COMPLEX_DELETION: u8 = 0x40;
pub(super) const EXTENSION: u8 = 0x80;
pub(super) const EXTENSION_STATIC: u8 = 0x01;
pub(super) const EXTENSION_SHADOWABLE: u8 = 0x02;

pub(super) const CELL_DELETED: u8 = 0x01;
pub(super) const CELL_EXPIRING: u8 = 0x02;
pub(super) const CELL_EMPTY: u8 = 0x04;
pub(super) const CELL_ROW_TIMESTAMP: u8 = 0x08;
pub(super) const CELL_ROW_TTL: u8 = 0x10;

/// From this many header columns on, a subset is written as indexes instead of a bitmap.
pub(super) const LARGE_SUBSET: usize = 64;

/// No place: the column is not in the file.
const ABSENT: u16 = u16::MAX;

/// A column's place in the header and form.
#[derive(Clone, Copy, Debug)]
struct FileColumn {
    complex: bool,
    length: Option<u32>,
}

/// Columns of one kind, found by id.
#[derive(Debug, Default)]
struct FileColumns {
    columns: Vec<FileColumn>,
    places: Vec<u16>,
}

impl FileColumns {
    fn new(list: &[&Column]) -> Self {
        let ids = list.iter().map(|column| usize::from(column.id) + 1).max().unwrap_or(0);
        let mut places = vec![ABSENT; ids];
        for (place, column) in list.iter().enumerate() {
            places[usize::from(column.id)] = place as u16;
        }
        let form = |column: &&Column| FileColumn {
            complex: column.is_complex(),
            length: column.ty.value_length_if_fixed().map(|length| length as u32),
        };
        FileColumns { columns: list.iter().map(form).collect(), places }
    }

    fn place(&self, id: ColumnId) -> Option<u16> {
        self.places.get(usize::from(id)).copied().filter(|place| *place != ABSENT)
    }
}

/// A column of the row being written, and where its cells are in the scratch buffer.
#[derive(Clone, Copy, Debug)]
struct Piece {
    place: u16,
    complex: bool,
    start: usize,
    end: usize,
    cells: u64,
    deletion: DeletionTime,
}

/// Writes unfiltereds for one file.
#[derive(Debug)]
pub(super) struct RowWriter {
    bases: Bases,
    pub(super) lengths: ClusteringLengths,
    statics: FileColumns,
    regulars: FileColumns,
    /// Columns of the table that the header leaves out: an error when they occur. Other ids were dropped and are skipped.
    known: Vec<ColumnId>,
    cells: Vec<u8>,
    pieces: Vec<Piece>,
    body: Vec<u8>,
}

impl RowWriter {
    pub(super) fn new(table: &Table, bases: Bases, statics: &[&Column], regulars: &[&Column]) -> Self {
        let mut known: Vec<ColumnId> = table.statics.iter().chain(&table.regulars).map(|column| column.id).collect();
        known.sort_unstable();
        let length = |column: &Column| column.ty.value_length_if_fixed().map(|length| length as u32);
        RowWriter {
            bases,
            lengths: table.clustering.iter().map(length).collect(),
            statics: FileColumns::new(statics),
            regulars: FileColumns::new(regulars),
            known,
            cells: Vec::new(),
            pieces: Vec::new(),
            body: Vec::new(),
        }
    }

    /// True when every partition carries a static row.
    pub(super) fn has_statics(&self) -> bool {
        !self.statics.columns.is_empty()
    }

    /// Appends a static row; an empty one too.
    pub(super) fn static_row(
        &mut self,
        row: Option<RowRef<'_>>,
        meta: &mut MetadataCollector,
        out: &mut Vec<u8>,
    ) -> Result<(), SsTableWriteError> {
        let (liveness, deletion) =
            row.map_or((Liveness::NONE, DeletionTime::LIVE), |r| (r.header.liveness, r.header.deletion));
        let mut flags = EXTENSION | self.begin_body(liveness, deletion, meta)?;
        flags |= self.collect_cells(row, true, meta)?;
        meta.rows +=
            i64::from(row.is_some() && (!self.pieces.is_empty() || !liveness.is_none() || !deletion.is_live()));
        flags |= self.assemble(true, flags & HAS_COMPLEX_DELETION != 0)?;
        out.extend_from_slice(&[flags, EXTENSION_STATIC]);
        self.append_body(0, out);
        Ok(())
    }

    /// Appends a row. `previous` is the distance from the previous unfiltered. Returns false, with nothing written, when the
    /// row has only cells of dropped columns.
    pub(super) fn row(
        &mut self,
        clustering: &[u8],
        row: RowRef<'_>,
        previous: u64,
        meta: &mut MetadataCollector,
        out: &mut Vec<u8>,
    ) -> Result<bool, SsTableWriteError> {
        let (liveness, deletion) = (row.header.liveness, row.header.deletion);
        let mut flags = self.begin_body(liveness, deletion, meta)?;
        flags |= self.collect_cells(Some(row), false, meta)?;
        if self.pieces.is_empty() && liveness.is_none() && deletion.is_live() {
            return Ok(false);
        }
        meta.rows += 1;
        flags |= self.assemble(false, flags & HAS_COMPLEX_DELETION != 0)?;
        out.push(flags);
        if write_values(clustering, &self.lengths, out)? != self.lengths.len() {
            return Err(SsTableWriteError::InvalidClustering("too few values"));
        }
        self.append_body(previous, out);
        Ok(true)
    }

    /// Appends a range tombstone marker; it closes or opens something.
    pub(super) fn marker(
        &mut self,
        marker: &Marker<'_>,
        kind: BoundKind,
        previous: u64,
        meta: &mut MetadataCollector,
        out: &mut Vec<u8>,
    ) -> Result<(), SsTableWriteError> {
        out.push(IS_MARKER);
        write_bound(kind as u8, marker.position.prefix, &self.lengths, out)?;
        self.body.clear();
        for (deletion, present) in [(marker.close, kind.closes()), (marker.open, kind.opens())] {
            if present {
                meta.deletion(deletion.marked_at, narrow_local(deletion.local)?);
                self.put_deletion(deletion)?;
            }
        }
        self.append_body(previous, out);
        Ok(())
    }

    /// Starts the body with liveness and deletion; returns the flags they need.
    fn begin_body(
        &mut self,
        liveness: Liveness,
        deletion: DeletionTime,
        meta: &mut MetadataCollector,
    ) -> Result<u8, SsTableWriteError> {
        self.body.clear();
        let mut flags = 0;
        if !liveness.is_none() {
            flags |= HAS_TIMESTAMP;
            put_vint(&mut self.body, liveness.timestamp.wrapping_sub(self.bases.timestamp) as u64);
            if liveness.ttl != 0 {
                flags |= HAS_TTL;
                let local = narrow_local(liveness.expires_at)?;
                let (ttl, local_delta) = (self.ttl_delta(liveness.ttl)?, self.local_delta(local));
                put_vint(&mut self.body, ttl);
                put_vint(&mut self.body, local_delta);
                meta.mortal(liveness.timestamp, local, liveness.ttl);
            } else {
                meta.live(liveness.timestamp);
            }
        }
        if !deletion.is_live() {
            flags |= HAS_DELETION;
            meta.deletion(deletion.marked_at, narrow_local(deletion.local)?);
            self.put_deletion(deletion)?;
        }
        Ok(flags)
    }

    /// Writes the cells into the scratch buffer, a piece for each column; returns the flag for complex deletions.
    fn collect_cells(
        &mut self,
        row: Option<RowRef<'_>>,
        is_static: bool,
        meta: &mut MetadataCollector,
    ) -> Result<u8, SsTableWriteError> {
        self.cells.clear();
        self.pieces.clear();
        let Some(row) = row else { return Ok(0) };
        let mut flags = 0;
        let mut current: Option<ColumnId> = None;
        for cell in row.cells() {
            let columns = if is_static { &self.statics } else { &self.regulars };
            let Some(place) = columns.place(cell.column) else {
                if self.known.binary_search(&cell.column).is_ok() {
                    return Err(SsTableWriteError::ColumnNotInHeader(cell.column));
                }
                continue;
            };
            let column = columns.columns[usize::from(place)];
            if current != Some(cell.column) {
                current = Some(cell.column);
                let (complex, start) = (column.complex, self.cells.len());
                self.pieces.push(Piece { place, complex, start, end: start, cells: 0, deletion: DeletionTime::LIVE });
            } else if !column.complex {
                return Err(SsTableWriteError::InvalidCell {
                    column: cell.column,
                    what: "two cells of a simple column",
                });
            }
            if cell.kind == CellKind::ComplexDeletion {
                flags |= HAS_COMPLEX_DELETION;
                meta.deletion(cell.timestamp, narrow_local(cell.local)?);
            } else {
                self.put_cell(&cell, column, &row.header.liveness, meta)?;
            }
            if let Some(piece) = self.pieces.last_mut() {
                piece.end = self.cells.len();
                match cell.kind {
                    CellKind::ComplexDeletion => piece.deletion = cell.deletion(),
                    _ => piece.cells += 1,
                }
            }
        }
        self.pieces.sort_unstable_by_key(|piece| piece.place);
        meta.columns_set += self.pieces.iter().filter(|piece| piece.cells > 0).count() as i64;
        Ok(flags)
    }

    fn put_cell(
        &mut self,
        cell: &CellRef<'_>,
        column: FileColumn,
        liveness: &Liveness,
        meta: &mut MetadataCollector,
    ) -> Result<(), SsTableWriteError> {
        let invalid = |what| SsTableWriteError::InvalidCell { column: cell.column, what };
        meta.partition_cells += 1;
        let mut flags = 0;
        let mut local = i32::MAX;
        match cell.kind {
            CellKind::Live => meta.live(cell.timestamp),
            CellKind::Counter => {
                meta.live(cell.timestamp);
                meta.legacy_counter_shards |= counter::has_legacy_shards(cell.value);
            }
            CellKind::Tombstone | CellKind::ComplexDeletion => {
                flags |= CELL_DELETED;
                local = narrow_local(cell.local)?;
                meta.mortal(cell.timestamp, local, 0);
            }
            CellKind::Expiring => {
                flags |= CELL_EXPIRING;
                local = narrow_local(cell.local)?;
                meta.mortal(cell.timestamp, local, cell.ttl);
            }
        }
        if cell.value.is_empty() {
            flags |= CELL_EMPTY;
        }
        if !liveness.is_none() && cell.timestamp == liveness.timestamp {
            flags |= CELL_ROW_TIMESTAMP;
        }
        let row_ttl = flags & CELL_EXPIRING != 0
            && !liveness.is_none()
            && liveness.ttl != 0
            && (cell.ttl, cell.local) == (liveness.ttl, liveness.expires_at);
        if row_ttl {
            flags |= CELL_ROW_TTL;
        }
        self.cells.push(flags);
        if flags & CELL_ROW_TIMESTAMP == 0 {
            put_vint(&mut self.cells, cell.timestamp.wrapping_sub(self.bases.timestamp) as u64);
        }
        if flags & (CELL_DELETED | CELL_EXPIRING) != 0 && !row_ttl {
            let delta = self.local_delta(local);
            put_vint(&mut self.cells, delta);
            if flags & CELL_EXPIRING != 0 {
                let delta = self.ttl_delta(cell.ttl)?;
                put_vint(&mut self.cells, delta);
            }
        }
        match (column.complex, cell.path) {
            (true, Some(path)) => put_bytes(&mut self.cells, path),
            (false, None) => {}
            (true, None) => return Err(invalid("a cell of a complex column has no path")),
            (false, Some(_)) => return Err(invalid("a cell of a simple column has a path")),
        }
        if !cell.value.is_empty() {
            match column.length {
                Some(length) if !column.complex && length as usize != cell.value.len() => {
                    return Err(invalid("length of a value"));
                }
                Some(_) if !column.complex => self.cells.extend_from_slice(cell.value),
                _ => put_bytes(&mut self.cells, cell.value),
            }
        }
        Ok(())
    }

    /// Appends column subset and column data to the body; returns the flag when all columns are there.
    fn assemble(&mut self, is_static: bool, complex_deletions: bool) -> Result<u8, SsTableWriteError> {
        let total = if is_static { self.statics.columns.len() } else { self.regulars.columns.len() };
        let all = self.pieces.len() == total;
        if !all {
            self.put_subset(total);
        }
        for at in 0..self.pieces.len() {
            let piece = self.pieces[at];
            if piece.complex {
                if complex_deletions {
                    self.put_deletion(piece.deletion)?;
                }
                put_vint(&mut self.body, piece.cells);
            }
            self.body.extend_from_slice(&self.cells[piece.start..piece.end]);
        }
        Ok(if all { HAS_ALL_COLUMNS } else { 0 })
    }

    fn put_subset(&mut self, total: usize) {
        let present = self.pieces.len();
        if total < LARGE_SUBSET {
            let have = self.pieces.iter().fold(0_u64, |bits, piece| bits | 1 << piece.place);
            put_vint(&mut self.body, !have & ((1 << total) - 1));
            return;
        }
        put_vint(&mut self.body, (total - present) as u64);
        if present < total / 2 {
            for piece in &self.pieces {
                put_vint(&mut self.body, u64::from(piece.place));
            }
            return;
        }
        let mut pieces = self.pieces.iter().peekable();
        for place in 0..total {
            if pieces.next_if(|piece| usize::from(piece.place) == place).is_none() {
                put_vint(&mut self.body, place as u64);
            }
        }
    }

    fn append_body(&mut self, previous: u64, out: &mut Vec<u8>) {
        put_vint(out, (vint_len(previous) + self.body.len()) as u64);
        put_vint(out, previous);
        out.extend_from_slice(&self.body);
    }

    fn put_deletion(&mut self, deletion: DeletionTime) -> Result<(), SsTableWriteError> {
        let local = self.local_delta(narrow_local(deletion.local)?);
        put_vint(&mut self.body, deletion.marked_at.wrapping_sub(self.bases.timestamp) as u64);
        put_vint(&mut self.body, local);
        Ok(())
    }

    fn local_delta(&self, local: i32) -> u64 {
        i64::from(local.wrapping_sub(self.bases.local)) as u64
    }

    fn ttl_delta(&self, ttl: i32) -> Result<u64, SsTableWriteError> {
        if ttl < 0 {
            return Err(SsTableWriteError::NegativeTtl(ttl));
        }
        Ok(i64::from(ttl.wrapping_sub(self.bases.ttl)) as u64)
    }
}

/// Appends a bound of kind other than a clustering: kind, u16 count, values.
pub(super) fn write_bound(
    kind: u8,
    prefix: &[u8],
    lengths: &[Option<u32>],
    out: &mut Vec<u8>,
) -> Result<(), SsTableWriteError> {
    out.push(kind);
    let count_at = out.len();
    out.extend_from_slice(&[0, 0]);
    let count = write_values(prefix, lengths, out)? as u16;
    out[count_at..count_at + 2].copy_from_slice(&count.to_be_bytes());
    Ok(())
}
