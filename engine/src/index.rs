//! Secondary indexes: for each value of a column the rows that have it, in a hidden table beside the base table.
//!
//! 1. The hidden table ([`hidden_table`]) has the indexed value as partition key, and as clustering the base partition's token and key and
//!    the base row's clustering: so the rows of a value lie in the order in which a scan of the base table meets them.
//! 2. A write of the base table adds an entry for each value it writes ([`entries`]), in memory and at replay: entries are never logged by
//!    themselves. Nothing is looked up and nothing removed on the way of a write.
//! 3. So an entry may be stale: its value was overwritten, deleted or has expired. A read ([`read`]) looks at the base row and passes over
//!    an entry whose row has not (or no longer) the value. If that can never change it removes the entry, in memory; a compaction of the
//!    hidden table drops it for good.
//! 4. An index on a table that has rows is built by a job ([`build`]) in slices, beside the writes; until that is done a read through it
//!    is [`crate::error::ReadError::IndexNotAvailable`]. The manifest remembers that it is done.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use helenus_model::schema::{Column, ColumnKind, Index, IndexTarget, SortOrder, Table, TableParams, TableParts};
use helenus_model::types::CqlType;
use uuid::Uuid;

pub(crate) mod build;
pub(crate) mod entries;
pub(crate) mod matching;
pub(crate) mod read;
#[cfg(test)]
mod tests;

/// Longest indexed value, bytes: it is a partition key.
pub(crate) const VALUE_BYTES_MAX: usize = helenus_model::limits::KEY_BYTES_MAX;

/// What a store that is an index's knows beside its table.
#[derive(Debug)]
pub(crate) struct IndexStore {
    /// The base table.
    pub(crate) base: Uuid,
    pub(crate) index: Index,
    state: AtomicU8,
    /// How many builds were begun.
    builds: AtomicU64,
}

/// How far an index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum IndexState {
    /// To be built by a job.
    Unbuilt = 0,
    /// A job builds it.
    Building = 1,
    /// Whole, but part of that is in memory only: a start would have to build it again.
    Complete = 2,
    /// Whole, and the manifest says so.
    Built = 3,
}

impl IndexStore {
    pub(crate) fn new(base: Uuid, index: Index, is_built: bool) -> Self {
        let state = if is_built { IndexState::Built } else { IndexState::Unbuilt };
        IndexStore { base, index, state: AtomicU8::new(state as u8), builds: AtomicU64::new(0) }
    }

    pub(crate) fn state(&self) -> IndexState {
        match self.state.load(Ordering::Acquire) {
            0 => IndexState::Unbuilt,
            1 => IndexState::Building,
            2 => IndexState::Complete,
            _ => IndexState::Built,
        }
    }

    /// A build begins; the caller holds the engine's state. Its number.
    pub(crate) fn begin_build(&self) -> u64 {
        self.set_state(IndexState::Building);
        self.builds.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// True while this build is under way and none was begun after it.
    pub(crate) fn is_build(&self, number: u64) -> bool {
        self.state() == IndexState::Building && self.builds.load(Ordering::Relaxed) == number
    }

    pub(crate) fn set_state(&self, state: IndexState) {
        self.state.store(state as u8, Ordering::Release);
    }

    /// True when reads may go through it.
    pub(crate) fn is_complete(&self) -> bool {
        self.state() >= IndexState::Complete
    }
}

/// True when an entry stands for a whole partition, not for one of its rows.
pub(crate) fn is_of_partitions(column: &Column) -> bool {
    matches!(column.kind, ColumnKind::Static | ColumnKind::PartitionKey)
}

/// The table that keeps an index; None when its column is not there.
pub(crate) fn hidden_table(base: &Table, index: &Index) -> Option<Table> {
    let column = base.column(&index.column)?;
    let key_column = |name: &str, ty: CqlType, kind, position: usize, order| Column {
        id: 0,
        name: name.to_owned(),
        ty,
        kind,
        position: position as u16,
        order,
    };
    let ascending = SortOrder::Ascending;
    let mut columns = vec![
        key_column("value", CqlType::Blob, ColumnKind::PartitionKey, 0, ascending),
        key_column("token", CqlType::Bigint, ColumnKind::Clustering, 0, ascending),
        key_column("key", CqlType::Blob, ColumnKind::Clustering, 1, ascending),
    ];
    if !is_of_partitions(column) {
        columns.extend(base.clustering.iter().enumerate().map(|(place, column)| {
            let name = format!("clustering{place}");
            key_column(&name, column.ty.clone(), ColumnKind::Clustering, 2 + place, column.order)
        }));
    }
    let params = TableParams {
        // Nothing in it is a tombstone that another node would have to hear of.
        gc_grace_seconds: 0,
        compression: base.params.compression.clone(),
        allow_auto_snapshot: false,
        comment: format!("index {} of {}.{}", index.name, base.keyspace, base.name),
        ..TableParams::default()
    };
    Some(Table::new(TableParts {
        id: index.id,
        keyspace: base.keyspace.clone(),
        name: format!("{}.{}", base.name, index.name),
        epoch: base.epoch,
        columns,
        dropped: Vec::new(),
        next_column_id: 0,
        params,
        indexes: Vec::new(),
        view: None,
    }))
}

/// Directory of an index's files: beside that of its table, and shorter than a file's name may be.
pub(crate) fn directory(definition: &Table) -> String {
    let base = definition.name.split('.').next().unwrap_or_default();
    let short: String = base.chars().take(120).collect();
    format!("data/{}/{short}.index-{}", definition.keyspace, definition.id.simple())
}

/// True when an entry of this target stands for exactly one cell, so that it may expire with it.
pub(crate) fn is_of_one_cell(column: &Column, target: IndexTarget) -> bool {
    match target {
        IndexTarget::Simple | IndexTarget::Full => !column.kind.is_primary_key(),
        IndexTarget::Keys | IndexTarget::Entries => true,
        IndexTarget::Values => matches!(column.ty, CqlType::Set { .. }),
    }
}
