//! BATCH. One partition becomes one mutation. Several partitions of a logged batch go through the batch log (Cassandra: `BatchlogManager`):
//!
//! 1. The mutations are stored on two other nodes (racks of their own where there are), or here when this node is alone.
//! 2. When both have them, the mutations are written at the client's level.
//! 3. When that level is met the client is answered. When every replica has answered, or has a hint that lasts (hinted.rs), the
//!    batch is forgotten where it is stored. Who still has it after a while replays it, with the original timestamps.

use std::sync::Arc;

use helenus_cql_protocol::request::{Batch, BatchKind, BatchQuery};
use helenus_cql_protocol::response::{ErrorKind, ErrorResponse, FailureReason, WriteType};

use helenus_engine::log::LogPosition;
use helenus_model::consistency::Consistency;
use helenus_model::data_size::{DATA_SIZE_PER_BYTE, data_size};
use helenus_model::mutation::MutationRef;
use helenus_model::schema::Table;
use helenus_query::ast;
use helenus_query::error::QueryError;
use helenus_query::prepare::{Prepared, Statement};
use helenus_query::values::{ExecuteOptions, KeptValues};
use helenus_query::write::{WriteBatch, check_counters};
use uuid::Uuid;

use super::client::{Asker, Handled, Session};
use super::errors;
use super::lists::{KeptOptions, ListWrite, WrittenAs};
use super::statement::PreparedStatement;
use super::values::RequestValues;
use super::write::{Outgoing, Then, WriteOptions};
use super::{Coordinator, LOCAL};
use crate::message::{Message, WriteKind, put_list, read_list};
use crate::system;

/// A batch that is being stored: what follows when it is.
#[derive(Debug)]
pub(super) struct StoredBatch {
    pub(super) outgoing: Vec<Outgoing>,
    pub(super) level: Consistency,
    pub(super) places: BatchPlaces,
}

/// Where a batch is stored.
#[derive(Clone, Debug)]
pub(super) struct BatchPlaces {
    pub(super) batch: Uuid,
    pub(super) peers: Vec<u16>,
    pub(super) here: bool,
}

/// The statements of a BATCH message.
enum Bound {
    /// They are bound; so many.
    Plain(usize),
    /// One of them reads lists before it is bound: all of them wait for that.
    Lists(Vec<Arc<PreparedStatement>>),
    /// One of them has conditions: they are bound together.
    Conditional(Vec<Arc<PreparedStatement>>),
}

/// The level that asks as many replicas. Cassandra looks at the levels of single statements only: a batch at SERIAL is written at QUORUM.
pub(super) fn plain_level(level: Consistency) -> Consistency {
    match level {
        Consistency::Any => Consistency::One,
        Consistency::Serial => Consistency::Quorum,
        Consistency::LocalSerial => Consistency::LocalQuorum,
        other => other,
    }
}

impl Coordinator {
    /// A BATCH message.
    pub(super) fn batch(&mut self, asker: Asker, session: &Session, batch: &Batch<'_>) -> Handled {
        if let Err(error) = self.check_named_keyspace(batch.params.keyspace) {
            return error.into();
        }
        if self.shared.config.guards_statements
            && let Err(error) = self.guard_batch(asker, session, batch)
        {
            return errors::query_error(error).into();
        }
        let mut write = std::mem::take(&mut self.scratch.batch);
        write.clear();
        let mut tables = Vec::new();
        let bound = self.bind_batch(session, batch, &mut write, &mut tables);
        write.finish();
        let handled = match bound {
            Ok(Bound::Lists(statements)) => self.batch_after_read(asker, batch, statements),
            Ok(Bound::Conditional(statements)) => self.cas_batch(asker, session, batch, &statements),
            Ok(Bound::Plain(statements)) => {
                let logged = batch.kind == BatchKind::Logged;
                self.write_batch(asker, &write, logged, statements, batch.params.consistency, &tables)
            }
            Err(error) => error.into(),
        };
        self.scratch.batch = write;
        handled
    }

    /// The statement of a batch's element.
    pub(super) fn batch_statement(
        &mut self,
        session: &Session,
        batch: &Batch<'_>,
        query: BatchQuery<'_>,
    ) -> Result<Arc<PreparedStatement>, ErrorResponse> {
        let prepared = match query {
            BatchQuery::Prepared(id) => self.find_statement(id).ok_or_else(|| unprepared(id))?,
            BatchQuery::Text(text) => {
                let keyspace = batch.params.keyspace.map(Arc::from).or_else(|| session.keyspace.clone());
                self.text_statement(text, keyspace.as_ref())
            }
        };
        prepared.map_err(errors::query_error)
    }

    /// A batch of which a statement reads lists before it writes.
    fn batch_after_read(&mut self, asker: Asker, batch: &Batch<'_>, prepared: Vec<Arc<PreparedStatement>>) -> Handled {
        let timestamp = batch.params.timestamp.unwrap_or_else(|| self.shared.timestamp(self.now));
        let mut statements = Vec::new();
        for (statement, prepared) in batch.statements.iter().zip(prepared) {
            let Some(values) = RequestValues::new(&statement.values, &prepared.prepared) else {
                return wrong_count(&prepared.prepared, statement.values.len()).into();
            };
            statements.push((prepared, KeptValues::of(&values)));
        }
        let options = KeptOptions::of(&ExecuteOptions { timestamp, ..self.execute_options(&batch.params) });
        let written = WrittenAs::Batch { logged: batch.kind == BatchKind::Logged };
        self.read_lists(asker, Box::new(ListWrite::new(statements, options, batch.params.consistency, written)))
    }

    /// Binds those statements of a batch that need nothing read before.
    fn bind_batch(
        &mut self,
        session: &Session,
        batch: &Batch<'_>,
        write: &mut WriteBatch,
        tables: &mut Vec<String>,
    ) -> Result<Bound, ErrorResponse> {
        let mut statements = Vec::new();
        let (mut conditional, mut reads_lists) = (false, false);
        let (mut counts, mut others) = (false, false);
        // What is wrong with values is told when all statements are known to be right.
        let mut wrong = Ok(());
        // One timestamp for all.
        let timestamp = batch.params.timestamp.unwrap_or_else(|| self.shared.timestamp(self.now));
        for statement in batch.statements.iter() {
            let prepared = self.batch_statement(session, batch, statement.query)?;
            let Some(values) = RequestValues::new(&statement.values, &prepared.prepared) else {
                return Err(wrong_count(&prepared.prepared, statement.values.len()));
            };
            if let Statement::Write(plan) = &prepared.prepared.statement {
                let (has_conditions, reads) = (plan.conditions.is_some(), plan.list_read().is_some());
                conditional |= has_conditions;
                reads_lists |= reads;
                counts |= plan.table.is_counter();
                others |= !plan.table.is_counter();
                // The others are bound when something was read.
                if !(has_conditions || reads) && wrong.is_ok() {
                    let options = ExecuteOptions { timestamp, ..self.execute_options(&batch.params) };
                    note_table(tables, &plan.table);
                    wrong = plan.bind(&values, &options, write);
                }
            }
            statements.push(prepared);
        }
        if !statements.iter().all(|statement| matches!(statement.prepared.statement, Statement::Write(_))) {
            return Err(errors::invalid(
                "Invalid statement in batch: only UPDATE, INSERT and DELETE statements are allowed.",
            ));
        }
        let kind = match batch.kind {
            BatchKind::Logged => ast::BatchKind::Logged,
            BatchKind::Unlogged => ast::BatchKind::Unlogged,
            BatchKind::Counter => ast::BatchKind::Counter,
        };
        check_counters(kind, counts, others).map_err(errors::query_error)?;
        if let Err(error) = wrong
            && !conditional
        {
            let options = ExecuteOptions { timestamp, ..self.execute_options(&batch.params) };
            let wrong_key = wrong_key(&statements, batch, &options);
            return Err(errors::query_error(wrong_key.unwrap_or(error)));
        }
        Ok(match (conditional, reads_lists) {
            (true, _) => Bound::Conditional(statements),
            (false, true) => Bound::Lists(statements),
            (false, false) => Bound::Plain(statements.len()),
        })
    }

    /// Writes what the statements of a batch add up to.
    pub(super) fn write_batch(
        &mut self,
        asker: Asker,
        write: &WriteBatch,
        logged: bool,
        statements: usize,
        level: Consistency,
        tables: &[String],
    ) -> Handled {
        let mut warnings = Vec::new();
        warnings.extend(logged.then(|| self.short_log_warning(tables)).flatten());
        if let Err(error) = self.check_sizes(write) {
            return error.into();
        }
        let outgoing: Vec<Outgoing> = write
            .mutations()
            .map(|mutation| Outgoing {
                keyspace: mutation.keyspace().into(),
                token: mutation.key.token,
                mutation: mutation.bytes.to_vec(),
            })
            .collect();
        if outgoing.is_empty() {
            return Handled::Reply(super::client::Reply::Void, warnings);
        }
        if let Err(error) = self.check_batch(&outgoing, logged, tables, &mut warnings) {
            return error.into();
        }
        if write.mutations().next().is_some_and(|first| first.table.is_counter()) {
            return self.write_counters(asker, write, plain_level(level), warnings);
        }
        let write_type = super::operation::write_type(logged, statements);
        if logged && outgoing.len() > 1 {
            return self.write_logged(asker, outgoing, level, warnings);
        }
        let options =
            WriteOptions { level, write_type, kind: WriteKind::Normal, warnings, then: Then::Answer, decision: None };
        self.write(Some(asker), outgoing, options)
    }

    /// Cassandra's warning about tables whose batch log entries would be gone at once, if there are any.
    fn short_log_warning(&self, tables: &[String]) -> Option<String> {
        let is_short = |name: &&String| {
            let table = name.split_once('.').and_then(|(keyspace, table)| self.view.schema().table(keyspace, table));
            table.is_some_and(|table| table.params.gc_grace_seconds == 0)
        };
        let names: Vec<String> = tables.iter().filter(is_short).cloned().collect();
        if names.is_empty() {
            return None;
        }
        let plural = if names.len() == 1 { "" } else { "s" };
        Some(format!(
            "Executing a LOGGED BATCH on table{plural} [{}], configured with a gc_grace_seconds of 0. The gc_grace_seconds is used to TTL batchlog entries, so setting gc_grace_seconds too low on tables involved in an atomic batch might cause batchlog entries to expire before being replayed.",
            in_java_order(&names)
        ))
    }

    /// Cassandra's thresholds: a size that warns, one that refuses, and unlogged batches over many partitions.
    fn check_batch(
        &self,
        outgoing: &[Outgoing],
        logged: bool,
        tables: &[String],
        warnings: &mut Vec<String>,
    ) -> Result<(), ErrorResponse> {
        if outgoing.len() < 2 {
            return Ok(());
        }
        let (warn, fail) = (self.shared.config.batch_warn_bytes, self.shared.config.batch_fail_bytes);
        let size = size_above(outgoing, warn.min(fail));
        if size > fail {
            let names = in_java_order(tables);
            tracing::error!(
                "Batch for [{names}] is of size {size}, exceeding specified threshold of {fail} by {}",
                size - fail
            );
            return Err(errors::invalid("Batch too large"));
        }
        if size > warn {
            let names = in_java_order(tables);
            let over = size - warn;
            warnings.push(format!(
                "Batch for [{names}] is of size {size}, exceeding specified threshold of {warn} by {over}."
            ));
        }
        if !logged && outgoing.len() > self.shared.config.unlogged_batch_partitions_warn {
            let (plural, count) = (if tables.len() == 1 { "" } else { "s" }, outgoing.len());
            let names = in_java_order(tables);
            warnings.push(format!(
                "Unlogged batch covering {count} partitions detected against table{plural} [{names}]. You should use a \
                 logged batch for atomicity, or asynchronous writes for performance."
            ));
        }
        Ok(())
    }

    fn write_logged(
        &mut self,
        asker: Asker,
        outgoing: Vec<Outgoing>,
        level: Consistency,
        warnings: Vec<String>,
    ) -> Handled {
        // Refused at once, or not at all: what is stored is replayed.
        for out in &outgoing {
            if let Err(error) = self.check_alive(&out.keyspace, out.token, level) {
                self.count_failure(&self.shared.stats.writes.unavailables);
                return error.into();
            }
        }
        let batch = self.time_uuid();
        let mut places = self.batch_places();
        places.batch = batch;
        let mutations: Vec<&[u8]> = outgoing.iter().map(|out| out.mutation.as_slice()).collect();
        let mut stored = Vec::new();
        put_list(&mut stored, mutations.into_iter());
        let here = match places.here.then(|| self.store_batch(batch, &stored)) {
            None => None,
            Some(Ok(position)) => Some(position),
            Some(Err(reason)) => {
                let address = self.shared.config.internode;
                let failures = vec![(address, FailureReason::from_code(reason))];
                return errors::write_failure(level, 0, 1, WriteType::BatchLog, failures).into();
            }
        };
        let batch = StoredBatch { outgoing, level, places };
        self.store_at_places(asker, batch, &stored, here, warnings)
    }

    /// Two other nodes of this data centre, of other racks than this one where there are; this node when it is alone.
    fn batch_places(&mut self) -> BatchPlaces {
        let own = &self.shared.config;
        let mut others: Vec<(bool, u16)> = Vec::new();
        for (i, node) in self.view.ring.nodes.iter().enumerate() {
            let peer = self.peer_of_node[i];
            if peer != LOCAL && self.peers[usize::from(peer)].up && node.datacenter == own.datacenter {
                others.push((node.rack == own.rack, peer));
            }
        }
        self.rng.shuffle(&mut others);
        others.sort_by_key(|(same_rack, _)| *same_rack);
        let peers: Vec<u16> = others.into_iter().take(2).map(|(_, peer)| peer).collect();
        BatchPlaces { batch: Uuid::nil(), here: peers.is_empty(), peers }
    }

    /// The batch is stored on enough nodes: its mutations go out.
    pub(super) fn batch_stored(
        &mut self,
        asker: Option<Asker>,
        batch: StoredBatch,
        failure: Option<ErrorResponse>,
        warnings: Vec<String>,
    ) -> Handled {
        if let Some(error) = failure {
            return error.into();
        }
        let then = Then::ForgetBatch(batch.places);
        let options = WriteOptions {
            level: batch.level,
            write_type: WriteType::Batch,
            kind: WriteKind::Normal,
            warnings,
            then,
            decision: None,
        };
        match self.write(asker, batch.outgoing, options) {
            // It is stored, so it comes to be there all the same.
            Handled::Reply(super::client::Reply::Error(error), _) => after_storing(error, batch.level).into(),
            handled => handled,
        }
    }

    /// Every replica has the mutations of a batch, or a hint for them that lasts.
    pub(super) fn forget_batch(&mut self, places: &BatchPlaces) {
        for peer in &places.peers {
            self.send(*peer, 0, &Message::BatchRemove { batch: places.batch });
        }
        if places.here {
            self.remove_batch(places.batch);
        }
    }

    /// Keeps a batch on this node. Where in the log it stands, or the protocol's reason why not.
    pub(super) fn store_batch(&mut self, batch: Uuid, mutations: &[u8]) -> Result<LogPosition, u16> {
        let sound = read_list(mutations).is_ok_and(|list| list.iter().all(|m| MutationRef::validate(m).is_ok()));
        if !sound {
            tracing::error!(%batch, "a batch cannot be decoded");
            return Err(FailureReason::Unknown.code());
        }
        let timestamp = self.shared.timestamp(self.now);
        let mutation = system::batch_mutation(batch, mutations, timestamp);
        match self.shared.engine.apply(&mutation, true) {
            Ok(position) => {
                self.log_dirty = true;
                self.background.batch_stored(batch, self.now);
                Ok(position)
            }
            Err(error) => {
                tracing::error!(%error, "a batch cannot be stored");
                Err(errors::write_reason(&error))
            }
        }
    }

    /// Forgets a batch.
    pub(super) fn remove_batch(&mut self, batch: Uuid) {
        let timestamp = self.shared.timestamp(self.now);
        let mutation = system::batch_removal(batch, timestamp, self.now.seconds());
        match self.shared.engine.apply(&mutation, true) {
            Ok(_) => {
                self.log_dirty = true;
                self.background.batch_removed(batch);
            }
            Err(error) => tracing::error!(%error, "a finished batch cannot be forgotten"),
        }
    }
}

/// The error of a batch that is stored already: none may say that nothing was done.
fn after_storing(error: ErrorResponse, level: Consistency) -> ErrorResponse {
    match error.kind {
        ErrorKind::Unavailable { required, .. } => {
            errors::write_timeout(level, 0, required.unsigned_abs(), WriteType::Batch)
        }
        _ => error,
    }
}

/// What is wrong with the keys of a batch's statements: Cassandra works out all of them before it looks at anything else.
fn wrong_key(
    statements: &[Arc<PreparedStatement>],
    batch: &Batch<'_>,
    options: &ExecuteOptions<'_>,
) -> Option<QueryError> {
    statements.iter().zip(batch.statements.iter()).find_map(|(prepared, given)| {
        let Statement::Write(plan) = &prepared.prepared.statement else { return None };
        plan.check_keys(&RequestValues::new(&given.values, &prepared.prepared)?, options).err()
    })
}

/// What Cassandra takes the batch's size to be if that is above the threshold, else something below it.
fn size_above(outgoing: &[Outgoing], threshold: usize) -> usize {
    let bytes: usize = outgoing.iter().map(|out| out.mutation.len()).sum();
    match bytes * DATA_SIZE_PER_BYTE > threshold {
        true => outgoing.iter().map(|out| data_size(&MutationRef::new(&out.mutation))).sum(),
        false => 0,
    }
}

/// The names of tables in the order of Java's hash set, as Cassandra writes them.
fn in_java_order(tables: &[String]) -> String {
    let buckets = (tables.len() * 4).div_ceil(3).next_power_of_two().max(16) as u32;
    let bucket = |name: &str| {
        let hash = name.encode_utf16().fold(0_u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)));
        (hash ^ (hash >> 16)) & (buckets - 1)
    };
    let mut names: Vec<&str> = tables.iter().map(String::as_str).collect();
    names.sort_by_key(|name| bucket(name));
    names.join(", ")
}

/// Remembers a table's name for warnings.
pub(super) fn note_table(tables: &mut Vec<String>, table: &Table) {
    let name = format!("{}.{}", table.keyspace, table.name);
    if !tables.contains(&name) {
        tables.push(name);
    }
}

/// 0x2500
pub(super) fn unprepared(id: &[u8]) -> ErrorResponse {
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = format!(
        "Prepared query with ID {hex} not found (either the query was not prepared on this host (maybe the host has been \
         restarted?) or you have prepared too many queries and it has been evicted from the internal cache)"
    );
    ErrorResponse::new(ErrorKind::Unprepared { id: id.to_vec() }, text)
}

/// The number of values is not the number of markers.
fn wrong_count(prepared: &Prepared, given: usize) -> ErrorResponse {
    let expected = prepared.binds.len();
    errors::invalid(format!("There were {expected} markers(?) in CQL but {given} bound variables"))
}
