//! Rows as bytes, and *the* merge rule.
//!
//! A row is one run of bytes from the moment a statement is bound until its values are written into a RESULT frame: in the
//! mutation, the commit log, the memtable, between nodes. Nothing allocates per cell.
//!
//! ```text
//! row    := flags u8                         1 liveness, 2 base TTL, 4 deletion, 8 base timestamp
//!           [base timestamp i64] [base TTL i32, base expiry i64] [deletion: timestamp i64, local i64]
//!           cell*
//! cell   := column vint, flags u8            1 tombstone, 2 expiring, 4 complex deletion, 8 path, 16 base timestamp, 32 base TTL,
//!                                            64 counter: the value is a context
//!           [timestamp i64 unless 16]
//!           [local deletion time i64 if 1 or 4] [TTL i32, expiry i64 if 2 and not 32]
//!           [path: vint length, bytes if 8] [value: vint length, bytes unless 1 or 4]
//! ```
//!
//! Cells are ordered by column id; inside a complex column the complex deletion comes first, then cells by path.
//! The merge rule is Cassandra's `Cells.resolveRegular` and `LivenessInfo.supersedes` (CASSANDRA-14592): commutative,
//! associative, idempotent and independent of the clock. Counters have their own ([`crate::counter`]).

use std::cmp::Ordering;

use crate::codec::{DecodeError, Reader, put_bytes, put_vint};
use crate::time::{LocalSeconds, NO_DELETION_TIME, NO_TIMESTAMP, WriteTimestamp};

mod merge;
mod purge;
mod tally;

pub use merge::{CellPathOrder, filter_deleted, merge_rows};
pub use purge::{Purger, purge_row};
pub use tally::RowTally;

/// Number of a regular or static column inside its table: given once, never to another column.
pub type ColumnId = u16;

/// A deletion: everything with a timestamp up to `marked_at` is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeletionTime {
    /// Write timestamp, microseconds; [`NO_TIMESTAMP`] when nothing is deleted.
    pub marked_at: WriteTimestamp,
    /// When it was issued, seconds; decides when it may be purged.
    pub local: LocalSeconds,
}

impl DeletionTime {
    /// Nothing is deleted.
    pub const LIVE: DeletionTime = DeletionTime { marked_at: NO_TIMESTAMP, local: NO_DELETION_TIME };

    /// True when nothing is deleted.
    #[inline]
    pub fn is_live(self) -> bool {
        self.marked_at == NO_TIMESTAMP && self.local == NO_DELETION_TIME
    }

    /// True when something written at `timestamp` is deleted by this.
    #[inline]
    pub fn deletes(self, timestamp: WriteTimestamp) -> bool {
        !self.is_live() && timestamp <= self.marked_at
    }

    /// The stronger of the two: the later timestamp, then the later local time.
    #[inline]
    pub fn max(self, other: DeletionTime) -> DeletionTime {
        if self.is_live() {
            return other;
        }
        if other.is_live() {
            return self;
        }
        if (other.marked_at, other.local) > (self.marked_at, self.local) { other } else { self }
    }

    /// Appends timestamp and local time, 16 bytes.
    pub fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.marked_at.to_be_bytes());
        out.extend_from_slice(&self.local.to_be_bytes());
    }

    /// Reads what [`DeletionTime::encode`] wrote.
    #[inline]
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(DeletionTime { marked_at: reader.i64()?, local: reader.i64()? })
    }
}

/// The TTL of a marker that is dead already (Cassandra: `LivenessInfo.EXPIRED_LIVENESS_TTL`). No statement can give it.
const EXPIRED_TTL: i32 = i32::MAX;

/// The row marker that INSERT leaves (Cassandra's primary key liveness).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liveness {
    /// Write timestamp; [`NO_TIMESTAMP`] when there is no marker.
    pub timestamp: WriteTimestamp,
    /// Seconds; 0 when it does not expire.
    pub ttl: i32,
    /// When it expires; [`NO_DELETION_TIME`] when it does not.
    pub expires_at: LocalSeconds,
}

impl Liveness {
    /// No marker.
    pub const NONE: Liveness = Liveness { timestamp: NO_TIMESTAMP, ttl: 0, expires_at: NO_DELETION_TIME };

    /// The marker of an entry of a view that is gone: it beats every marker of its time, and is dead whatever the time.
    pub fn expired(timestamp: WriteTimestamp, now: LocalSeconds) -> Liveness {
        Liveness { timestamp, ttl: EXPIRED_TTL, expires_at: now }
    }

    /// True when there is no marker.
    #[inline]
    pub fn is_none(self) -> bool {
        self.timestamp == NO_TIMESTAMP && self.expires_at == NO_DELETION_TIME
    }

    /// True when the marker keeps the row alive at `now`.
    #[inline]
    pub fn is_live(self, now: LocalSeconds) -> bool {
        !self.is_none() && now < self.expires_at && self.ttl != EXPIRED_TTL
    }

    /// The marker that wins when both are there.
    pub fn max(self, other: Liveness) -> Liveness {
        if self.is_none() {
            return other;
        }
        if other.is_none() {
            return self;
        }
        // Of the same time the expired marker of a view wins, then an expiring one, then the longer one, then the larger TTL.
        let rank = |l: Liveness| {
            (l.timestamp, l.ttl == EXPIRED_TTL, l.ttl != 0, if l.ttl != 0 { l.expires_at } else { 0 }, l.ttl)
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

const ROW_LIVENESS: u8 = 1;
const ROW_TTL: u8 = 2;
const ROW_DELETION: u8 = 4;
const ROW_TIMESTAMP: u8 = 8;

const CELL_TOMBSTONE: u8 = 1;
const CELL_EXPIRING: u8 = 2;
const CELL_COMPLEX_DELETION: u8 = 4;
const CELL_PATH: u8 = 8;
const CELL_BASE_TIMESTAMP: u8 = 16;
const CELL_BASE_TTL: u8 = 32;
const CELL_COUNTER: u8 = 64;

/// What stands before a row's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowHeader {
    /// The row marker.
    pub liveness: Liveness,
    /// The row's own deletion.
    pub deletion: DeletionTime,
    /// Timestamp that most cells share; cells with it take no bytes for it.
    pub base_timestamp: WriteTimestamp,
    /// TTL that most cells share, 0 for none.
    pub base_ttl: i32,
    /// Expiry that goes with `base_ttl`.
    pub base_expires_at: LocalSeconds,
}

impl RowHeader {
    /// A header of nothing: no marker, no deletion, no bases.
    pub const EMPTY: RowHeader = RowHeader {
        liveness: Liveness::NONE,
        deletion: DeletionTime::LIVE,
        base_timestamp: NO_TIMESTAMP,
        base_ttl: 0,
        base_expires_at: NO_DELETION_TIME,
    };

    /// The header of a statement's row: INSERT leaves a marker, UPDATE does not. `ttl` 0 means none; `expires_at` belongs to it.
    pub fn of_statement(timestamp: WriteTimestamp, ttl: i32, expires_at: LocalSeconds, marker: bool) -> Self {
        let expires_at = if ttl == 0 { NO_DELETION_TIME } else { expires_at };
        let liveness = if marker { Liveness { timestamp, ttl, expires_at } } else { Liveness::NONE };
        RowHeader {
            liveness,
            deletion: DeletionTime::LIVE,
            base_timestamp: timestamp,
            base_ttl: ttl,
            base_expires_at: expires_at,
        }
    }

    /// A header that carries `liveness` and `deletion`; its bases are the marker's, or none.
    pub fn new(liveness: Liveness, deletion: DeletionTime) -> Self {
        RowHeader {
            liveness,
            deletion,
            base_timestamp: liveness.timestamp,
            base_ttl: liveness.ttl,
            base_expires_at: liveness.expires_at,
        }
    }

    /// Appends the header.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut flags = 0;
        if !self.liveness.is_none() {
            debug_assert!(
                self.liveness.timestamp == self.base_timestamp && self.liveness.ttl == self.base_ttl,
                "the marker's times are the bases"
            );
            flags |= ROW_LIVENESS;
        }
        if self.base_timestamp != NO_TIMESTAMP {
            flags |= ROW_TIMESTAMP;
        }
        if self.base_ttl != 0 {
            flags |= ROW_TTL;
        }
        if !self.deletion.is_live() {
            flags |= ROW_DELETION;
        }
        out.push(flags);
        if flags & ROW_TIMESTAMP != 0 {
            out.extend_from_slice(&self.base_timestamp.to_be_bytes());
        }
        if flags & ROW_TTL != 0 {
            out.extend_from_slice(&self.base_ttl.to_be_bytes());
            out.extend_from_slice(&self.base_expires_at.to_be_bytes());
        }
        if flags & ROW_DELETION != 0 {
            self.deletion.encode(out);
        }
    }

    #[inline]
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let flags = reader.u8()?;
        if flags & !(ROW_LIVENESS | ROW_TTL | ROW_DELETION | ROW_TIMESTAMP) != 0 {
            return Err(reader.invalid("row flags"));
        }
        let mut header = RowHeader::EMPTY;
        if flags & ROW_TIMESTAMP != 0 {
            header.base_timestamp = reader.i64()?;
        }
        if flags & ROW_TTL != 0 {
            header.base_ttl = reader.i32()?;
            header.base_expires_at = reader.i64()?;
        }
        if flags & ROW_LIVENESS != 0 {
            header.liveness =
                Liveness { timestamp: header.base_timestamp, ttl: header.base_ttl, expires_at: header.base_expires_at };
        }
        if flags & ROW_DELETION != 0 {
            header.deletion = DeletionTime::decode(reader)?;
        }
        Ok(header)
    }
}

/// What a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    /// A value.
    Live,
    /// A value until [`CellRef::local`].
    Expiring,
    /// A deleted cell.
    Tombstone,
    /// Deletes the older cells of a complex column; it has neither path nor value.
    ComplexDeletion,
    /// What nodes have counted: its value is a context ([`crate::counter`]).
    Counter,
}

/// One cell, borrowed from a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellRef<'a> {
    /// Its column.
    pub column: ColumnId,
    /// What it is.
    pub kind: CellKind,
    /// Write timestamp, microseconds.
    pub timestamp: WriteTimestamp,
    /// When it was deleted or will expire, seconds; [`NO_DELETION_TIME`] for a live cell.
    pub local: LocalSeconds,
    /// Seconds; 0 unless expiring.
    pub ttl: i32,
    /// Place in a complex column: list time UUID, set element, map key, UDT field as u16.
    pub path: Option<&'a [u8]>,
    /// The value; empty for tombstones.
    pub value: &'a [u8],
}

impl<'a> CellRef<'a> {
    /// A value of a simple column that does not expire.
    pub fn live(column: ColumnId, timestamp: WriteTimestamp, value: &'a [u8]) -> Self {
        CellRef { column, kind: CellKind::Live, timestamp, local: NO_DELETION_TIME, ttl: 0, path: None, value }
    }

    /// A value with a TTL; `ttl` 0 makes it a live cell.
    pub fn expiring(
        column: ColumnId,
        timestamp: WriteTimestamp,
        ttl: i32,
        expires_at: LocalSeconds,
        value: &'a [u8],
    ) -> Self {
        if ttl == 0 {
            return CellRef::live(column, timestamp, value);
        }
        CellRef { column, kind: CellKind::Expiring, timestamp, local: expires_at, ttl, path: None, value }
    }

    /// A counter with its context.
    pub fn counter(column: ColumnId, timestamp: WriteTimestamp, context: &'a [u8]) -> Self {
        CellRef { kind: CellKind::Counter, ..CellRef::live(column, timestamp, context) }
    }

    /// A deleted cell.
    pub fn tombstone(column: ColumnId, timestamp: WriteTimestamp, local: LocalSeconds) -> Self {
        CellRef { column, kind: CellKind::Tombstone, timestamp, local, ttl: 0, path: None, value: &[] }
    }

    /// The deletion of a whole complex column.
    pub fn complex_deletion(column: ColumnId, deletion: DeletionTime) -> Self {
        CellRef {
            column,
            kind: CellKind::ComplexDeletion,
            timestamp: deletion.marked_at,
            local: deletion.local,
            ttl: 0,
            path: None,
            value: &[],
        }
    }

    /// The same cell at a place in a complex column.
    pub fn at(self, path: &'a [u8]) -> Self {
        CellRef { path: Some(path), ..self }
    }

    /// True when the cell has a value at `now`.
    #[inline]
    pub fn is_live(&self, now: LocalSeconds) -> bool {
        match self.kind {
            CellKind::Live | CellKind::Counter => true,
            CellKind::Expiring => now < self.local,
            CellKind::Tombstone | CellKind::ComplexDeletion => false,
        }
    }

    /// The deletion that a complex deletion stands for.
    pub fn deletion(&self) -> DeletionTime {
        DeletionTime { marked_at: self.timestamp, local: self.local }
    }

    /// Appends the cell to a row that began with `base`.
    pub fn encode(&self, base: &RowHeader, out: &mut Vec<u8>) {
        let mut flags = match self.kind {
            CellKind::Live => 0,
            CellKind::Expiring => CELL_EXPIRING,
            CellKind::Tombstone => CELL_TOMBSTONE,
            CellKind::ComplexDeletion => CELL_COMPLEX_DELETION,
            CellKind::Counter => CELL_COUNTER,
        };
        if self.timestamp == base.base_timestamp && base.base_timestamp != NO_TIMESTAMP {
            flags |= CELL_BASE_TIMESTAMP;
        }
        if self.kind == CellKind::Expiring && self.ttl == base.base_ttl && self.local == base.base_expires_at {
            flags |= CELL_BASE_TTL;
        }
        if self.path.is_some() {
            flags |= CELL_PATH;
        }
        put_vint(out, u64::from(self.column));
        out.push(flags);
        if flags & CELL_BASE_TIMESTAMP == 0 {
            out.extend_from_slice(&self.timestamp.to_be_bytes());
        }
        if flags & (CELL_TOMBSTONE | CELL_COMPLEX_DELETION) != 0 {
            out.extend_from_slice(&self.local.to_be_bytes());
        }
        if flags & (CELL_EXPIRING | CELL_BASE_TTL) == CELL_EXPIRING {
            out.extend_from_slice(&self.ttl.to_be_bytes());
            out.extend_from_slice(&self.local.to_be_bytes());
        }
        if let Some(path) = self.path {
            put_bytes(out, path);
        }
        if flags & (CELL_TOMBSTONE | CELL_COMPLEX_DELETION) == 0 {
            put_bytes(out, self.value);
        }
    }

    fn decode(base: &RowHeader, reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let column = ColumnId::try_from(reader.vint()?).map_err(|_| reader.invalid("column id"))?;
        let flags = reader.u8()?;
        let kind = match flags & (CELL_TOMBSTONE | CELL_EXPIRING | CELL_COMPLEX_DELETION | CELL_COUNTER) {
            0 => CellKind::Live,
            CELL_COUNTER => CellKind::Counter,
            CELL_TOMBSTONE => CellKind::Tombstone,
            CELL_EXPIRING => CellKind::Expiring,
            CELL_COMPLEX_DELETION => CellKind::ComplexDeletion,
            _ => return Err(reader.invalid("cell flags")),
        };
        let timestamp = if flags & CELL_BASE_TIMESTAMP != 0 { base.base_timestamp } else { reader.i64()? };
        let mut local = NO_DELETION_TIME;
        let mut ttl = 0;
        match kind {
            CellKind::Live | CellKind::Counter => {}
            CellKind::Tombstone | CellKind::ComplexDeletion => local = reader.i64()?,
            CellKind::Expiring if flags & CELL_BASE_TTL != 0 => (ttl, local) = (base.base_ttl, base.base_expires_at),
            CellKind::Expiring => (ttl, local) = (reader.i32()?, reader.i64()?),
        }
        let path = if flags & CELL_PATH != 0 { Some(reader.bytes()?) } else { None };
        let value = match kind {
            CellKind::Live | CellKind::Expiring | CellKind::Counter => reader.bytes()?,
            _ => &[],
        };
        Ok(CellRef { column, kind, timestamp, local, ttl, path, value })
    }
}

/// A row's bytes, its header read.
#[derive(Clone, Copy, Debug)]
pub struct RowRef<'a> {
    /// What stands before the cells.
    pub header: RowHeader,
    bytes: &'a [u8],
    cells: &'a [u8],
}

impl<'a> RowRef<'a> {
    /// Reads the header of a row that this process wrote or [`RowRef::validate`]d. Bytes that are no row read as an empty one.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut reader = Reader::new(bytes);
        let header = RowHeader::decode(&mut reader);
        debug_assert!(header.is_ok(), "a row was not validated at the border");
        match header {
            Ok(header) => RowRef { header, bytes, cells: reader.rest() },
            Err(_) => RowRef { header: RowHeader::EMPTY, bytes: &[0], cells: &[] },
        }
    }

    /// Checks every byte of a row that came from a file or a peer: form, and the order of columns.
    pub fn validate(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let header = RowHeader::decode(&mut reader)?;
        let cells = reader.rest();
        let mut last = None;
        while !reader.is_empty() {
            let cell = CellRef::decode(&header, &mut reader)?;
            if last.is_some_and(|last| cell.column < last) {
                return Err(reader.invalid("order of cells"));
            }
            if cell.kind == CellKind::Counter && !crate::counter::is_context(cell.value) {
                return Err(reader.invalid("counter context"));
            }
            last = Some(cell.column);
        }
        Ok(RowRef { header, bytes, cells })
    }

    /// The row's bytes.
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The cells in order.
    #[inline]
    pub fn cells(&self) -> Cells<'a> {
        Cells { header: self.header, rest: self.cells }
    }

    /// True when the row has neither marker nor deletion nor cells.
    pub fn is_empty(&self) -> bool {
        self.header.liveness.is_none() && self.header.deletion.is_live() && self.cells.is_empty()
    }

    /// [`RowRef::is_empty`] of a row's bytes, without reading the whole header of a row that has a marker, as most do.
    #[inline]
    pub fn is_empty_row(bytes: &[u8]) -> bool {
        bytes.first().is_none_or(|flags| flags & (ROW_LIVENESS | ROW_DELETION) == 0) && RowRef::new(bytes).is_empty()
    }

    /// True when nothing in the row is a deletion or expires, and something is in it.
    pub fn is_immortal(&self) -> bool {
        let header = &self.header;
        header.deletion.is_live()
            && header.liveness.ttl == 0
            && header.base_ttl == 0
            && !(header.liveness.is_none() && self.cells.is_empty())
            && self.cells().all(|cell| matches!(cell.kind, CellKind::Live | CellKind::Counter))
    }

    /// True when the row would be returned at `now`: a live marker or a live cell. Deletions inside the row are already applied.
    #[inline]
    pub fn is_live(&self, now: LocalSeconds) -> bool {
        self.header.liveness.is_live(now) || self.cells().any(|cell| cell.is_live(now))
    }

    /// The same for a row of a table that may be strict: there the marker alone decides ([`crate::schema::Table::is_strict`]).
    #[inline]
    pub fn is_live_in(&self, strict: bool, now: LocalSeconds) -> bool {
        if strict { self.header.liveness.is_live(now) } else { self.is_live(now) }
    }
}

/// Iterator over a row's cells.
#[derive(Clone, Debug)]
pub struct Cells<'a> {
    header: RowHeader,
    rest: &'a [u8],
}

impl<'a> Iterator for Cells<'a> {
    type Item = CellRef<'a>;

    /// Most cells are short values of a row written at one time: three bytes tell that, and the rest is for the others.
    #[inline]
    fn next(&mut self) -> Option<CellRef<'a>> {
        if let [column @ 0..0x80, CELL_BASE_TIMESTAMP, length @ 0..0x80, rest @ ..] = self.rest
            && let Some((value, rest)) = rest.split_at_checked(usize::from(*length))
        {
            self.rest = rest;
            return Some(CellRef::live(ColumnId::from(*column), self.header.base_timestamp, value));
        }
        self.next_of_any_form()
    }
}

impl<'a> Cells<'a> {
    #[inline(never)]
    fn next_of_any_form(&mut self) -> Option<CellRef<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let mut reader = Reader::new(self.rest);
        let cell = CellRef::decode(&self.header, &mut reader);
        debug_assert!(cell.is_ok(), "a row was not validated at the border");
        self.rest = reader.rest();
        cell.ok()
    }
}

/// The winner of two cells of one column and path (Cassandra `Cells.resolveRegular`): Greater or Equal keeps `a`.
pub fn compare_cells(a: &CellRef<'_>, b: &CellRef<'_>) -> Ordering {
    let mortal = |c: &CellRef<'_>| c.local != NO_DELETION_TIME;
    a.timestamp
        .cmp(&b.timestamp)
        .then_with(|| mortal(a).cmp(&mortal(b)))
        .then_with(|| (a.kind == CellKind::Tombstone).cmp(&(b.kind == CellKind::Tombstone)))
        .then_with(|| if mortal(a) { a.local.cmp(&b.local) } else { Ordering::Equal })
        .then_with(|| a.value.cmp(b.value))
        .then_with(|| a.ttl.cmp(&b.ttl))
}
