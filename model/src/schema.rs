//! Keyspaces, tables and types as of one epoch of the metadata log. A [`Schema`] is immutable: a change makes a new one that
//! shares what did not change.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::types::UdtDefinition;

mod change;
mod column;
mod function;
mod index;
mod params;
mod storage;
mod table;
mod type_codec;
mod view;

pub use change::{SchemaChange, SchemaChangeError};
pub use column::{Column, ColumnKind, DroppedColumn, SortOrder};
pub use function::{AggregateDefinition, FunctionDefinition};
pub use index::{Index, IndexTarget};
pub use params::{Replication, TableParams};
pub use storage::Storage;
pub use table::{Table, TableParts};
pub use view::{ViewCondition, ViewDefinition, ViewOperator};

/// All keyspaces as of one epoch.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// Last epoch of the metadata log that changed the schema; 0 before the first.
    pub epoch: u64,
    /// By name. System keyspaces are not here: they belong to the node, see `system_tables`.
    pub keyspaces: BTreeMap<String, Arc<Keyspace>>,
    tables: FxHashMap<Uuid, Arc<Table>>,
    /// The views of each base table that has some. Almost always empty.
    views: FxHashMap<Uuid, Vec<Arc<Table>>>,
}

impl Schema {
    /// A keyspace by its exact name.
    pub fn keyspace(&self, name: &str) -> Option<&Arc<Keyspace>> {
        self.keyspaces.get(name)
    }

    /// A table by exact names.
    pub fn table(&self, keyspace: &str, name: &str) -> Option<&Arc<Table>> {
        self.keyspaces.get(keyspace)?.tables.get(name)
    }

    /// A table by id.
    #[inline]
    pub fn table_by_id(&self, id: Uuid) -> Option<&Arc<Table>> {
        self.tables.get(&id)
    }

    /// The views of a base table, by name.
    pub fn views_of(&self, base: Uuid) -> &[Arc<Table>] {
        self.views.get(&base).map_or(&[], Vec::as_slice)
    }

    /// All views with their definitions, by keyspace and name.
    pub fn views(&self) -> impl Iterator<Item = (&Arc<Table>, &ViewDefinition)> {
        self.tables().filter_map(|table| Some((table, &**table.view.as_ref()?)))
    }

    /// All tables, views among them, by keyspace and name.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.keyspaces.values().flat_map(|keyspace| keyspace.tables.values())
    }

    /// `schema_version` of this schema: a name-based UUID of the epoch, equal on all nodes.
    pub fn version(&self) -> Uuid {
        let mut bytes = [0x48; 16];
        bytes[8..].copy_from_slice(&self.epoch.to_be_bytes());
        bytes[..8].copy_from_slice(&self.epoch.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        uuid::Builder::from_md5_bytes(bytes).into_uuid()
    }
}

/// A keyspace: how it is replicated, and what is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyspace {
    /// Name, without quotes.
    pub name: String,
    /// Where its data goes.
    pub replication: Replication,
    /// False: writes skip the commit log.
    pub durable_writes: bool,
    /// Tables by name.
    pub tables: BTreeMap<String, Arc<Table>>,
    /// User-defined types by name.
    pub types: BTreeMap<String, Arc<UdtDefinition>>,
    /// User functions, in the order they were made.
    pub functions: Vec<Arc<FunctionDefinition>>,
    /// User aggregates, in the order they were made.
    pub aggregates: Vec<Arc<AggregateDefinition>>,
}
