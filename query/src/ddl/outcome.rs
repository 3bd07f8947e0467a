//! What a schema statement needs to know and what it answers.

use std::collections::BTreeMap;

use helenus_model::schema::{Schema, SchemaChange};
use uuid::Uuid;

/// What a schema statement is executed against.
#[derive(Clone, Copy, Debug)]
pub struct DdlContext<'a> {
    /// The schema the changes will be applied to.
    pub schema: &'a Schema,
    /// The id a new table gets unless the statement gives one.
    pub new_table_id: Uuid,
    /// Now, microseconds since the epoch: the time of dropped columns.
    pub now_micros: i64,
    /// The data centres and how many nodes each has.
    pub datacenters: &'a BTreeMap<String, usize>,
    /// The replication factor of a keyspace that names none (`default_keyspace_rf`).
    pub default_replication_factor: u32,
    /// `user_defined_functions_enabled`
    pub user_functions_enabled: bool,
    /// `materialized_views_enabled`
    pub materialized_views_enabled: bool,
    /// `drop_compact_storage_enabled`
    pub drop_compact_storage_enabled: bool,
}

impl DdlContext<'_> {
    /// Nodes in all.
    pub fn node_count(&self) -> usize {
        self.datacenters.values().sum()
    }
}

/// The answer of a schema statement.
#[derive(Clone, Debug, Default)]
pub struct DdlOutcome {
    /// The changes, to be applied together; empty when there is nothing to do.
    pub changes: Vec<SchemaChange>,
    /// What clients are told; None when there was nothing to do (`IF NOT EXISTS`).
    pub event: Option<SchemaEvent>,
    /// The argument types of a new function or aggregate as the statement writes them: its own answer tells these.
    pub written_types: Option<Vec<String>>,
    /// Warnings for the client.
    pub warnings: Vec<String>,
}

impl DdlOutcome {
    /// Nothing to do.
    pub(super) fn nothing() -> Self {
        DdlOutcome::default()
    }

    pub(super) fn of(
        changes: Vec<SchemaChange>,
        kind: EventKind,
        target: EventTarget,
        keyspace: &str,
        name: &str,
    ) -> Self {
        let event = SchemaEvent {
            kind,
            target,
            keyspace: keyspace.to_owned(),
            name: name.to_owned(),
            argument_types: Vec::new(),
        };
        DdlOutcome { changes, event: Some(event), written_types: None, warnings: Vec::new() }
    }
}

/// A change as the protocol tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaEvent {
    /// What happened.
    pub kind: EventKind,
    /// To what.
    pub target: EventTarget,
    /// Its keyspace.
    pub keyspace: String,
    /// Its name; empty for a keyspace.
    pub name: String,
    /// The argument types of a function or aggregate.
    pub argument_types: Vec<String>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// `CREATED`
    Created,
    /// `UPDATED`
    Updated,
    /// `DROPPED`
    Dropped,
}

impl EventKind {
    /// As on the wire.
    pub fn name(self) -> &'static str {
        match self {
            EventKind::Created => "CREATED",
            EventKind::Updated => "UPDATED",
            EventKind::Dropped => "DROPPED",
        }
    }
}

/// What it happened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventTarget {
    /// `KEYSPACE`
    Keyspace,
    /// `TABLE`
    Table,
    /// `TYPE`
    Type,
    /// `FUNCTION`
    Function,
    /// `AGGREGATE`
    Aggregate,
}

impl EventTarget {
    /// As on the wire.
    pub fn name(self) -> &'static str {
        match self {
            EventTarget::Keyspace => "KEYSPACE",
            EventTarget::Table => "TABLE",
            EventTarget::Type => "TYPE",
            EventTarget::Function => "FUNCTION",
            EventTarget::Aggregate => "AGGREGATE",
        }
    }
}
