//! One table's data: its memtables and SSTables behind one pointer.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};

use arc_swap::ArcSwap;
use helenus_model::schema::{Schema, Table};
use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::engine::{ScanWindow, Times};
use crate::index::IndexStore;
use crate::log::LogPosition;
use crate::memtable::Memtable;
use crate::sstable_handle::SsTableHandle;

/// A memtable on its way to disk.
#[derive(Clone, Debug)]
pub(crate) struct Flushing {
    pub(crate) memtable: Arc<Memtable>,
    /// Every log record before this is in this memtable or an older one, none behind it is.
    pub(crate) position: LogPosition,
}

/// Everything a read of a table looks at, as of one moment. The active memtable still grows.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// Takes the writes.
    pub(crate) active: Arc<Memtable>,
    /// On their way to disk, oldest first.
    pub(crate) flushing: Vec<Flushing>,
    /// On disk, those with the newest data first.
    pub(crate) sstables: Vec<Arc<SsTableHandle>>,
}

impl View {
    /// A view of these parts.
    pub(crate) fn new(
        active: Arc<Memtable>,
        flushing: Vec<Flushing>,
        mut sstables: Vec<Arc<SsTableHandle>>,
    ) -> Arc<Self> {
        sstables.sort_by_key(|handle| (Reverse(handle.max_timestamp), handle.generation));
        Arc::new(View { active, flushing, sstables })
    }

    /// All memtables.
    pub(crate) fn memtables(&self) -> impl Iterator<Item = &Arc<Memtable>> {
        std::iter::once(&self.active).chain(self.flushing.iter().map(|flushing| &flushing.memtable))
    }

    /// True when a memtable waits for or is in a flush.
    pub(crate) fn has_flushing(&self) -> bool {
        !self.flushing.is_empty()
    }

    /// Bytes of the memtables on their way to disk.
    pub(crate) fn flushing_bytes(&self) -> usize {
        self.flushing.iter().map(|flushing| flushing.memtable.bytes()).sum()
    }
}

/// Counts of one table.
#[derive(Debug, Default)]
pub(crate) struct TableCounters {
    pub(crate) reads: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) compactions: AtomicU64,
    pub(crate) flushes: AtomicU64,
    pub(crate) read_times: Times,
    pub(crate) write_times: Times,
    pub(crate) scans: ScanWindow,
}

/// One table.
#[derive(Debug)]
pub(crate) struct TableStore {
    pub(crate) id: Uuid,
    /// One of the node's own tables, which are in no schema.
    pub(crate) is_local: bool,
    pub(crate) definition: ArcSwap<Table>,
    pub(crate) view: ArcSwap<View>,
    pub(crate) counters: TableCounters,
    /// The SSTables changed since the last look for a compaction.
    pub(crate) compaction_due: AtomicBool,
    /// Second from which it is due in any case.
    pub(crate) compaction_check_at: AtomicI64,
    /// Set for the hidden table of a secondary index.
    pub(crate) index: Option<IndexStore>,
}

impl TableStore {
    pub(crate) fn new(table: Arc<Table>, is_local: bool) -> Self {
        TableStore {
            id: table.id,
            is_local,
            definition: ArcSwap::new(table),
            view: ArcSwap::default(),
            counters: TableCounters::default(),
            compaction_due: AtomicBool::new(true),
            compaction_check_at: AtomicI64::new(i64::MIN),
            index: None,
        }
    }

    /// The store of an index.
    pub(crate) fn of_index(hidden: Arc<Table>, index: IndexStore) -> Self {
        TableStore { index: Some(index), ..TableStore::new(hidden, false) }
    }

    /// The directory of the table's files, named as Cassandra names it.
    pub(crate) fn directory(&self) -> String {
        let definition = self.definition.load();
        if self.index.is_some() {
            return crate::index::directory(&definition);
        }
        format!("data/{}/{}-{}", definition.keyspace, definition.name, self.id.simple())
    }
}

/// All tables of the node. Immutable; a schema change makes a new one.
#[derive(Debug, Default)]
pub(crate) struct TableSet {
    by_id: FxHashMap<Uuid, Arc<TableStore>>,
    ordered: BTreeMap<Uuid, Arc<TableStore>>,
    /// The views of each base table that has some. Almost always empty.
    views: FxHashMap<Uuid, Arc<[Arc<Table>]>>,
}

impl TableSet {
    pub(crate) fn new(stores: impl IntoIterator<Item = Arc<TableStore>>) -> Self {
        let ordered: BTreeMap<_, _> = stores.into_iter().map(|store| (store.id, store)).collect();
        let by_id = ordered.iter().map(|(id, store)| (*id, Arc::clone(store))).collect();
        TableSet { by_id, ordered, views: FxHashMap::default() }
    }

    /// With the views of a schema.
    pub(crate) fn with_views(mut self, schema: &Schema) -> Self {
        for (_, definition) in schema.views() {
            self.views.entry(definition.base).or_insert_with(|| schema.views_of(definition.base).into());
        }
        self
    }

    /// The views of a base table.
    #[inline]
    pub(crate) fn views_of(&self, base: Uuid) -> Option<&Arc<[Arc<Table>]>> {
        if self.views.is_empty() { None } else { self.views.get(&base) }
    }

    /// True when there are no views at all.
    #[inline]
    pub(crate) fn has_views(&self) -> bool {
        !self.views.is_empty()
    }

    #[inline]
    pub(crate) fn get(&self, id: Uuid) -> Option<&Arc<TableStore>> {
        self.by_id.get(&id)
    }

    /// All tables, by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<TableStore>> {
        self.ordered.values()
    }
}
