//! RESULT with rows, as a server writes it: straight into the frame, values one after the other.
//!
//! The number of rows is patched in at the end. So is the paging state, known only when the page is full: it stands
//! before the rows, which are then moved by its size, once.

use super::kind;
use crate::notation::{insert, write_bytes, write_int, write_short_bytes};
use crate::response::metadata::{EncodedColumns, flag};
use crate::version::ProtocolVersion;

/// What stands before the rows.
#[derive(Clone, Copy, Debug)]
pub struct RowsHead<'a> {
    /// The columns, encoded for the connection's version.
    pub columns: &'a EncodedColumns,
    /// Leave the columns out: the client knows them. Ignored with a new id.
    pub skip_metadata: bool,
    /// Id of metadata that the client does not know yet (v5; left out before).
    pub new_metadata_id: Option<&'a [u8]>,
}

impl<'a> RowsHead<'a> {
    /// A head that describes all columns.
    #[must_use]
    pub const fn new(columns: &'a EncodedColumns) -> Self {
        Self { columns, skip_metadata: false, new_metadata_id: None }
    }
}

/// Where a [`RowsWriter`] stands: keeps a result that is paused, without its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowsProgress {
    /// Position of the flags in the buffer.
    flags_at: usize,
    flags: i32,
    /// Position of the number of rows in the buffer.
    count_at: usize,
    column_count: u32,
    /// Values of rows begun so far.
    values: u64,
}

/// Writes rows at the end of a buffer.
#[derive(Debug)]
pub struct RowsWriter<'b> {
    out: &'b mut Vec<u8>,
    progress: RowsProgress,
}

impl<'b> RowsWriter<'b> {
    /// Appends everything before the rows.
    ///
    /// # Panics
    /// If the id has 64 KiB or more.
    pub fn new(out: &'b mut Vec<u8>, head: &RowsHead<'_>, version: ProtocolVersion) -> Self {
        write_int(out, kind::ROWS);
        let flags_at = out.len();
        let new_id = head.new_metadata_id.filter(|_| version >= ProtocolVersion::V5);
        let skip = head.skip_metadata && new_id.is_none();
        let mut flags = head.columns.flags;
        if skip {
            flags |= flag::NO_METADATA;
        }
        if new_id.is_some() {
            flags |= flag::METADATA_CHANGED;
        }
        write_int(out, flags);
        write_int(out, head.columns.count);
        if let Some(id) = new_id {
            write_short_bytes(out, id);
        }
        if !skip {
            out.extend_from_slice(&head.columns.specs);
        }
        let count_at = out.len();
        write_int(out, 0);
        let column_count = head.columns.count.cast_unsigned();
        Self { out, progress: RowsProgress { flags_at, flags, count_at, column_count, values: 0 } }
    }

    /// Goes on where [`RowsWriter::suspend`] stopped. The buffer must be the same, and begin at the same place.
    #[must_use]
    pub fn resume(out: &'b mut Vec<u8>, progress: RowsProgress) -> Self {
        Self { out, progress }
    }

    /// Stops for a while, giving the buffer back.
    #[must_use]
    pub fn suspend(self) -> RowsProgress {
        self.progress
    }

    /// Appends the next value: the first of a row after the last of the row before.
    ///
    /// # Panics
    /// If it has 2 GiB or more.
    #[inline]
    pub fn value(&mut self, value: Option<&[u8]>) {
        write_bytes(self.out, value);
        self.progress.values += 1;
    }

    /// Appends the next value by a function that writes its bytes, without its size.
    ///
    /// # Panics
    /// If it has 2 GiB or more.
    #[inline]
    pub fn value_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let size_at = self.out.len();
        write_int(self.out, 0);
        write(self.out);
        let size = i32::try_from(self.out.len() - size_at - 4).expect("a value is smaller than 2 GiB");
        patch_int(self.out, size_at, size);
        self.progress.values += 1;
    }

    /// Appends rows that were encoded elsewhere, value by value as [`RowsWriter::value`] does.
    pub fn raw_rows(&mut self, rows: &[u8], count: u32) {
        self.out.extend_from_slice(rows);
        self.progress.values += u64::from(count) * u64::from(self.progress.column_count.max(1));
    }

    /// Appends a row without columns: counts it only.
    ///
    /// # Panics
    /// If there are columns.
    pub fn empty_row(&mut self) {
        assert_eq!(self.progress.column_count, 0, "a row with columns is written value by value");
        self.progress.values += 1;
    }

    /// Whole rows so far.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        self.progress.values / u64::from(self.progress.column_count.max(1))
    }

    /// Bytes of the rows so far.
    #[must_use]
    pub fn size(&self) -> usize {
        self.out.len() - self.progress.count_at - 4
    }

    /// Ends the rows, with where the next page begins if there is one.
    ///
    /// # Panics
    /// If a row is not whole, or there are 2^31 rows or more.
    pub fn finish(self, paging_state: Option<&[u8]>) {
        let columns = u64::from(self.progress.column_count.max(1));
        assert_eq!(self.progress.values % columns, 0, "the last row is whole");
        let count = i32::try_from(self.row_count()).expect("a page has fewer than 2^31 rows");
        patch_int(self.out, self.progress.count_at, count);
        if let Some(paging_state) = paging_state {
            patch_int(self.out, self.progress.flags_at, self.progress.flags | flag::MORE_PAGES);
            let size = i32::try_from(paging_state.len()).expect("a paging state is smaller than 2 GiB");
            // After the flags and the number of columns.
            insert(self.out, self.progress.flags_at + 8, &[&size.to_be_bytes(), paging_state]);
        }
    }
}

/// Overwrites an `[int]`.
fn patch_int(out: &mut [u8], at: usize, value: i32) {
    out[at..at + 4].copy_from_slice(&value.to_be_bytes());
}
