//! Reads of this node's own data, with what they pass counted: too many tombstones are warned of, far too many end the read.

use std::ops::ControlFlow;

use helenus_engine::cursor::ReadMode;
use helenus_engine::error::ReadError;
use helenus_model::key::KeyRef;
use helenus_model::partition::Unfiltered;
use helenus_model::read::{Flow, PartitionConsumer, ReadCommand};
use helenus_model::row::{DeletionTime, RowRef};
use helenus_model::schema::Table;
use helenus_model::time::LocalSeconds;
use helenus_model::token::Token;

use crate::read_text::read_text;
use crate::shared::Shared;

/// What a read passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// Rows, static ones included, that are live.
    pub live_rows: u64,
    /// Tombstones that may not be purged yet: cells, rows without any that are deleted, bounds of range deletions.
    pub tombstones: u64,
    /// The partition it came to last.
    pub token: Token,
}

impl Default for Scanned {
    fn default() -> Self {
        Scanned { live_rows: 0, tombstones: 0, token: Token(0) }
    }
}

impl Scanned {
    /// What is said of a read that passed more tombstones than `tombstone_warn_threshold`, in Cassandra's words.
    pub(crate) fn warning(&self, shared: &Shared, table: &Table, command: &ReadCommand) -> Option<String> {
        if self.tombstones <= shared.config.tombstone_warn || is_local(table) {
            return None;
        }
        let Scanned { live_rows, tombstones, token } = self;
        let query: String = read_text(table, command).chars().take(512).collect();
        let text = format!(
            "Read {live_rows} live rows and {tombstones} tombstone cells for query {query}; token {} (see tombstone_warn_threshold)",
            token.0
        );
        tracing::warn!("{text}");
        Some(text)
    }
}

/// Runs `command` on this node's own data.
///
/// # Errors
/// Those of [`helenus_engine::engine::Engine::read`], and [`ReadError::TooManyTombstones`].
pub(crate) fn read<C: PartitionConsumer>(
    shared: &Shared,
    table: &Table,
    command: &ReadCommand,
    mode: ReadMode,
    consumer: &mut C,
) -> Result<Scanned, ReadError> {
    let mut counter = Counter {
        consumer,
        now: command.now,
        gc_before: command.now - i64::from(table.params.gc_grace_seconds),
        most: if is_local(table) { u64::MAX } else { shared.config.tombstone_failure },
        scanned: Scanned::default(),
    };
    shared.engine.read(command, mode, &mut counter)?;
    let (scanned, most) = (counter.scanned, counter.most);
    if scanned.tombstones <= most {
        shared.engine.note_scan(command.table, command.now, scanned.live_rows, scanned.tombstones);
        return Ok(scanned);
    }
    let query = read_text(table, command);
    tracing::error!(
        token = scanned.token.0,
        "Scanned over {} tombstones during query '{query}'; query aborted",
        scanned.tombstones
    );
    Err(ReadError::TooManyTombstones(scanned.tombstones))
}

/// The node's own tables are read whatever is in them.
fn is_local(table: &Table) -> bool {
    matches!(table.keyspace.as_str(), "system" | "system_schema")
}

/// Hands everything on and counts it.
struct Counter<'c, C> {
    consumer: &'c mut C,
    now: LocalSeconds,
    gc_before: LocalSeconds,
    /// Tombstones that may be passed.
    most: u64,
    scanned: Scanned,
}

impl<C> Counter<'_, C> {
    #[inline]
    fn row(&mut self, row: RowRef<'_>) {
        let tally = row.tally(self.now, self.gc_before);
        self.scanned.live_rows += u64::from(tally.is_live);
        self.scanned.tombstones += u64::from(tally.tombstones);
    }
}

impl<C: PartitionConsumer> PartitionConsumer for Counter<'_, C> {
    #[inline]
    fn partition(&mut self, key: KeyRef<'_>, deletion: DeletionTime, static_row: Option<RowRef<'_>>) -> Flow {
        self.scanned.token = key.token;
        if let Some(row) = static_row {
            self.row(row);
        }
        self.consumer.partition(key, deletion, static_row)
    }

    #[inline]
    fn unfiltered(&mut self, item: Unfiltered<'_>) -> Flow {
        match item {
            Unfiltered::Row { row, .. } => self.row(row),
            Unfiltered::Marker(marker) => {
                let counts = |deletion: DeletionTime| !deletion.is_live() && deletion.local >= self.gc_before;
                self.scanned.tombstones += u64::from(counts(marker.close) || counts(marker.open));
            }
        }
        if self.scanned.tombstones > self.most {
            return ControlFlow::Break(());
        }
        self.consumer.unfiltered(item)
    }

    #[inline]
    fn end_partition(&mut self) -> Flow {
        self.consumer.end_partition()
    }
}
