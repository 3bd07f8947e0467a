//! `Index.db`: an entry a partition, with the promoted index of wide ones (Cassandra: `RowIndexEntry`).

use helenus_model::codec::{put_bytes16, put_svint, put_vint};
use helenus_model::key::BoundKind;
use helenus_model::partition::Unfiltered;
use helenus_model::row::DeletionTime;

use super::clustering::{KIND_CLUSTERING, write_values};
use super::encoding::narrow_local;
use super::row_writer::write_bound;
use super::write_error::SsTableWriteError;

/// Block widths are written as differences from this.
pub(super) const WIDTH_BASE: i64 = 65536;

/// The promoted index of the partition being written. All offsets count from the partition's start.
#[derive(Debug)]
pub(super) struct PartitionIndex {
    block_size: u64,
    header_length: u64,
    deletion: DeletionTime,
    blocks: Vec<u8>,
    offsets: Vec<u32>,
    /// Start of the open block, if there is one.
    open_block: Option<u64>,
    first: Vec<u8>,
    last: Vec<u8>,
    open_marker: DeletionTime,
}

/// Appends a partition deletion as it stands undelta'd in Data.db and Index.db: local time first.
pub(super) fn put_full_deletion(deletion: DeletionTime, out: &mut Vec<u8>) -> Result<(), SsTableWriteError> {
    out.extend_from_slice(&narrow_local(deletion.local)?.to_be_bytes());
    out.extend_from_slice(&deletion.marked_at.to_be_bytes());
    Ok(())
}

impl PartitionIndex {
    pub(super) fn new(block_size: u32) -> Self {
        PartitionIndex {
            block_size: u64::from(block_size.max(1)),
            header_length: 0,
            deletion: DeletionTime::LIVE,
            blocks: Vec::new(),
            offsets: Vec::new(),
            open_block: None,
            first: Vec::new(),
            last: Vec::new(),
            open_marker: DeletionTime::LIVE,
        }
    }

    /// A partition begins; its first unfiltered will stand at `header_length`.
    pub(super) fn begin(&mut self, deletion: DeletionTime, header_length: u64) {
        self.deletion = deletion;
        self.header_length = header_length;
        self.blocks.clear();
        self.offsets.clear();
        self.open_block = None;
        self.open_marker = DeletionTime::LIVE;
    }

    /// An unfiltered was written at `start`..`end`; `kind` is that of a marker.
    pub(super) fn add(
        &mut self,
        item: &Unfiltered<'_>,
        kind: Option<BoundKind>,
        lengths: &[Option<u32>],
        start: u64,
        end: u64,
    ) -> Result<(), SsTableWriteError> {
        self.last.clear();
        match (item, kind) {
            (Unfiltered::Marker(marker), Some(kind)) => {
                write_bound(kind as u8, marker.position.prefix, lengths, &mut self.last)?;
                self.open_marker = if kind.opens() { marker.open } else { DeletionTime::LIVE };
            }
            _ => {
                self.last.push(KIND_CLUSTERING);
                write_values(item.position().prefix, lengths, &mut self.last)?;
            }
        }
        let block_start = match self.open_block {
            Some(start) => start,
            None => {
                self.first.clone_from(&self.last);
                self.open_block = Some(start);
                start
            }
        };
        if end - block_start >= self.block_size {
            self.close_block(end)?;
        }
        Ok(())
    }

    fn close_block(&mut self, end: u64) -> Result<(), SsTableWriteError> {
        let Some(start) = self.open_block.take() else { return Ok(()) };
        let offset = i32::try_from(self.blocks.len()).map_err(|_| SsTableWriteError::TooLarge("partition index"))?;
        self.offsets.push(offset as u32);
        self.blocks.extend_from_slice(&self.first);
        self.blocks.extend_from_slice(&self.last);
        put_vint(&mut self.blocks, start);
        put_svint(&mut self.blocks, (end - start) as i64 - WIDTH_BASE);
        let open = !self.open_marker.is_live();
        self.blocks.push(u8::from(open));
        if open {
            put_full_deletion(self.open_marker, &mut self.blocks)?;
        }
        Ok(())
    }

    /// Appends the partition's entry. `end` is the offset behind the end-of-partition byte.
    pub(super) fn finish(
        &mut self,
        key: &[u8],
        position: u64,
        end: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), SsTableWriteError> {
        self.close_block(end)?;
        put_bytes16(out, key);
        put_vint(out, position);
        if self.offsets.len() < 2 {
            out.push(0);
            return Ok(());
        }
        let mut head = Vec::with_capacity(32);
        put_vint(&mut head, self.header_length);
        put_full_deletion(self.deletion, &mut head)?;
        put_vint(&mut head, self.offsets.len() as u64);
        put_vint(out, (head.len() + self.blocks.len() + 4 * self.offsets.len()) as u64);
        out.extend_from_slice(&head);
        out.extend_from_slice(&self.blocks);
        for offset in &self.offsets {
            out.extend_from_slice(&offset.to_be_bytes());
        }
        Ok(())
    }
}
