//! QUERY, EXECUTE and PREPARE: from the message to the statement's own way.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use helenus_cql_protocol::request::{Execute, Prepare, Query, QueryParams};
use helenus_cql_protocol::response::ErrorResponse;
use helenus_model::consistency::Consistency;
use helenus_query::ddl::{DdlContext, DdlPlan};
use helenus_query::describe::DescribeContext;
use helenus_query::error::QueryError;
use helenus_query::prepare::{PrepareContext, Statement};
use helenus_query::role::RolePlan;
use helenus_query::system_tables::NodeTables;
use helenus_query::values::{ExecuteOptions, KeptValues};
use helenus_query::write::{WriteBatch, WritePlan};
use uuid::Uuid;

use super::batch::{note_table, unprepared};
use super::client::{Asker, Handled, Reply, ReplyColumns, RowsReply, Session};
use super::lists::{KeptOptions, ListWrite, WrittenAs};
use super::operation::{Kind, Operation};
use super::select::EncodedRows;
use super::statement::PreparedStatement;
use super::values::RequestValues;
use super::write::{Outgoing, Then, WriteOptions};
use super::{Coordinator, errors};
use crate::control::{ControlRequest, Planned, Proposal, ProposalDone};
use crate::message::WriteKind;
use crate::metadata::{SchemaEvent, SchemaEventKind, SchemaEventTarget, Transformation};
use crate::roles;

/// A schema change's answer is given up after this, ms: longer than the control part tries.
const CONTROL_MILLIS: u64 = 15_000;

impl Coordinator {
    /// PREPARE
    pub(super) fn prepare(&mut self, session: &Session, prepare: &Prepare<'_>) -> Handled {
        if let Err(error) = self.check_named_keyspace(prepare.keyspace) {
            return error.into();
        }
        let keyspace = prepare.keyspace.or(session.keyspace.as_deref());
        match self.prepare_text(prepare.query, keyspace) {
            Ok(statement) => {
                if let Statement::Role(plan) = &statement.prepared.statement
                    && !self.shared.config.password_authentication
                {
                    let refusal = roles::refusal_without_authentication(plan, false, &self.view.metadata);
                    return errors::query_error(refusal).into();
                }
                let mut warnings = statement.prepared.warnings.clone();
                if !statement.is_qualified() && prepare.keyspace.is_none() && !session.told_of_use.replace(true) {
                    let used = statement.keyspace.as_deref().unwrap_or("null");
                    warnings.push(errors::use_with_prepared(used, &statement.id));
                }
                Handled::Reply(Reply::Prepared(Box::new(statement.answer())), warnings)
            }
            Err(error) => errors::query_error(error).into(),
        }
    }

    /// EXECUTE
    #[inline]
    pub(super) fn execute(&mut self, asker: Asker, session: &Session, execute: &Execute<'_>) -> Handled {
        let statement = match self.find_statement(execute.id) {
            Some(Ok(statement)) => statement,
            Some(Err(error)) => return errors::query_error(error).into(),
            None => return unprepared(execute.id).into(),
        };
        self.shared.stats.prepared_executed.fetch_add(1, Ordering::Relaxed);
        // A client that knows other columns than these must be told the new ones (v5).
        let given = execute.params.values.len();
        if given != statement.prepared.binds.len() {
            let expected = statement.prepared.binds.len();
            let text = format!("there were {expected} markers(?) in CQL but {given} bound variables");
            return errors::invalid(text).into();
        }
        let changed = execute
            .result_metadata_id
            .is_some_and(|id| id != statement.result_metadata_id() && !statement.result_columns().is_empty());
        self.run(asker, session, &statement, &execute.params, changed)
    }

    /// QUERY
    pub(super) fn query(&mut self, asker: Asker, session: &Session, query: &Query<'_>) -> Handled {
        if let Err(error) = self.check_named_keyspace(query.params.keyspace) {
            return error.into();
        }
        let keyspace = query.params.keyspace.map(Arc::from).or_else(|| session.keyspace.clone());
        self.shared.stats.regular_executed.fetch_add(1, Ordering::Relaxed);
        match self.text_statement(query.query, keyspace.as_ref()) {
            Ok(statement) => self.run(asker, session, &statement, &query.params, false),
            Err(error) => errors::query_error(error).into(),
        }
    }

    /// What an execution is told beside its values.
    #[inline]
    pub(super) fn execute_options(&self, params: &QueryParams<'_>) -> ExecuteOptions<'_> {
        ExecuteOptions {
            timestamp: params.timestamp.unwrap_or_else(|| self.shared.timestamp(self.now)),
            now: params.now_in_seconds.unwrap_or_else(|| self.now.seconds()),
            now_millis: self.now.wall_micros.div_euclid(1000),
            ids: &self.ids,
        }
    }

    #[inline]
    fn run(
        &mut self,
        asker: Asker,
        session: &Session,
        statement: &Arc<PreparedStatement>,
        params: &QueryParams<'_>,
        metadata_changed: bool,
    ) -> Handled {
        let Some(values) = RequestValues::new(&params.values, &statement.prepared) else {
            return errors::invalid("Invalid amount of bind variables").into();
        };
        if self.shared.config.guards_statements
            && let Err(error) = self.guard_statement(asker, session, statement, &values, params)
        {
            return errors::query_error(error).into();
        }
        match &statement.prepared.statement {
            Statement::Write(plan) if plan.conditions.is_some() => {
                self.cas_statement(asker, session, statement, plan, &values, params)
            }
            Statement::Write(plan) => self.write_plan(asker, statement, plan, &values, params),
            Statement::Select(plan) => {
                if params.consistency == Consistency::Any {
                    return errors::invalid("ANY ConsistencyLevel is only supported for writes").into();
                }
                self.select(asker, statement, plan, &values, params, metadata_changed)
            }
            Statement::Batch(plan) if plan.is_conditional() => {
                self.cas_batch_plan(asker, session, plan, &values, params)
            }
            Statement::Batch(plan) => {
                let logged = plan.kind == helenus_query::ast::BatchKind::Logged;
                if plan.statements.iter().any(|statement| statement.list_read().is_some()) {
                    return self.write_after_read(asker, statement, &values, params, WrittenAs::Batch { logged });
                }
                let mut batch = std::mem::take(&mut self.scratch.batch);
                batch.clear();
                let bound = plan.bind(&values, &self.execute_options(params), &mut batch);
                batch.finish();
                let handled = match bound {
                    Ok(()) => {
                        let mut tables = Vec::new();
                        for statement in &plan.statements {
                            note_table(&mut tables, &statement.table);
                        }
                        let statements = plan.statements.len();
                        self.write_batch(asker, &batch, logged, statements, params.consistency, &tables)
                    }
                    Err(error) => errors::query_error(error).into(),
                };
                self.scratch.batch = batch;
                handled
            }
            Statement::Use(keyspace) => self.use_keyspace(keyspace),
            Statement::Ddl(plan) => self.change_schema(asker, session, plan),
            Statement::Role(plan) => self.role_statement(asker, session, plan),
            Statement::Truncate(table) => self.truncate(asker, table),
            Statement::Describe(describe) => self.describe(session, describe, params),
        }
    }

    #[inline]
    fn write_plan(
        &mut self,
        asker: Asker,
        statement: &Arc<PreparedStatement>,
        plan: &WritePlan,
        values: &RequestValues<'_>,
        params: &QueryParams<'_>,
    ) -> Handled {
        if plan.list_read().is_some() {
            return self.write_after_read(asker, statement, values, params, WrittenAs::Single);
        }
        let mut batch = std::mem::take(&mut self.scratch.batch);
        batch.clear();
        let bound = plan.bind_alone(values, &self.execute_options(params), None, &mut batch);
        batch.finish();
        let handled = match bound {
            Err(error) => errors::query_error(error).into(),
            Ok(()) if plan.table.is_counter() => match self
                .check_sizes(&batch)
                .and_then(|()| super::count::check_level(params.consistency, &plan.table.name))
            {
                Ok(()) => {
                    let warnings = statement.prepared.warnings.clone();
                    self.write_counters(asker, &batch, params.consistency, warnings)
                }
                Err(error) => error.into(),
            },
            Ok(()) => self.write_bound(asker, &batch, params.consistency, statement.prepared.warnings.clone()),
        };
        self.scratch.batch = batch;
        handled
    }

    /// A statement that reads lists before it writes.
    fn write_after_read(
        &mut self,
        asker: Asker,
        statement: &Arc<PreparedStatement>,
        values: &RequestValues<'_>,
        params: &QueryParams<'_>,
        written: WrittenAs,
    ) -> Handled {
        let options = KeptOptions::of(&self.execute_options(params));
        let statements = vec![(Arc::clone(statement), KeptValues::of(values))];
        self.read_lists(asker, Box::new(ListWrite::new(statements, options, params.consistency, written)))
    }

    /// Writes what a statement was bound to.
    #[inline]
    pub(super) fn write_bound(
        &mut self,
        asker: Asker,
        batch: &WriteBatch,
        level: Consistency,
        warnings: Vec<String>,
    ) -> Handled {
        if let Err(error) = self.check_sizes(batch) {
            return error.into();
        }
        let mut mutations = batch.mutations();
        match (mutations.next(), mutations.next()) {
            (None, _) if level.is_serial() => super::write::unconditional_serial(),
            (None, _) => Handled::Reply(Reply::Void, warnings),
            (Some(only), None) => self.write_one(asker, only.keyspace(), only.key.token, only.bytes, level, warnings),
            (Some(_), Some(_)) if level.is_serial() => super::write::unconditional_serial(),
            (Some(_), Some(_)) => {
                let outgoing = batch.mutations().map(|mutation| Outgoing {
                    keyspace: mutation.keyspace().into(),
                    token: mutation.key.token,
                    mutation: mutation.bytes.to_vec(),
                });
                let options = WriteOptions {
                    level,
                    write_type: helenus_cql_protocol::response::WriteType::UnloggedBatch,
                    kind: WriteKind::Normal,
                    warnings,
                    then: Then::Answer,
                    decision: None,
                };
                self.write(Some(asker), outgoing.collect(), options)
            }
        }
    }

    /// Refuses mutations above `max_mutation_size`.
    #[inline]
    pub(super) fn check_sizes(&self, batch: &WriteBatch) -> Result<(), ErrorResponse> {
        let most = self.shared.config.mutation_bytes_max;
        if batch.size() <= most {
            return Ok(());
        }
        match batch.mutations().find(|mutation| mutation.bytes.len() > most) {
            None => Ok(()),
            Some(mutation) => Err(errors::oversized(&mutation, most)),
        }
    }

    /// A time UUID of this coordinator.
    pub(super) fn time_uuid(&mut self) -> Uuid {
        use helenus_query::values::IdSource;
        let ticks = self.ids.next_ticks();
        let rest = self.ids.clock_and_node();
        let low = u128::from(ticks & 0xffff_ffff) << 96;
        let middle = u128::from((ticks >> 32) & 0xffff) << 80;
        let high = u128::from(0x1000 | (ticks >> 48) & 0x0fff) << 64;
        Uuid::from_u128(low | middle | high | u128::from(rest))
    }

    /// Hands a proposal to the control part; the client is answered when it is in the log.
    fn propose(&mut self, asker: Asker, proposal: Proposal) -> Handled {
        let deadline = self.deadline(CONTROL_MILLIS);
        let operation = self.begin(Operation::new(Some(asker), deadline, Kind::Control));
        self.requests.push(ControlRequest::Propose { coordinator: self.number, operation, proposal });
        Handled::Later
    }

    fn change_schema(&mut self, asker: Asker, session: &Session, plan: &Arc<DdlPlan>) -> Handled {
        let guardrails = self.is_guarded(session).then(|| Arc::clone(&self.shared.config.guardrails));
        let plan = Arc::clone(plan);
        let table_id = self.time_uuid();
        let now_micros = self.shared.timestamp(self.now);
        let default_replication_factor = self.shared.config.default_replication_factor;
        let user_functions_enabled = self.shared.config.user_functions_enabled;
        let materialized_views_enabled = self.shared.config.materialized_views_enabled;
        let drop_compact_storage_enabled = self.shared.config.drop_compact_storage_enabled;
        let proposal = Proposal::new(move |metadata| {
            let mut datacenters: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
            for node in metadata.nodes.values() {
                *datacenters.entry(node.datacenter.clone()).or_default() += 1;
            }
            let schema = &metadata.schema;
            let context = DdlContext {
                schema,
                new_table_id: table_id,
                now_micros,
                datacenters: &datacenters,
                default_replication_factor,
                user_functions_enabled,
                materialized_views_enabled,
                drop_compact_storage_enabled,
            };
            let outcome = match &guardrails {
                None => plan.outcome(&context)?,
                Some(guardrails) => plan.guarded_outcome(&context, guardrails)?,
            };
            let event = outcome.event.map(schema_event);
            let own = outcome.written_types;
            let told = event.clone().map(|event| match own {
                Some(argument_types) => SchemaEvent { argument_types, ..event },
                None => event,
            });
            let changes = outcome.changes;
            let transformation = (!changes.is_empty()).then_some(Transformation::Schema { changes, event });
            Ok(Planned { transformation, done: ProposalDone { event: told, warnings: outcome.warnings } })
        });
        self.propose(asker, proposal)
    }

    fn use_keyspace(&self, keyspace: &str) -> Handled {
        match self.check_named_keyspace(Some(keyspace)) {
            Ok(()) => Handled::Reply(Reply::SetKeyspace(keyspace.to_owned()), Vec::new()),
            Err(error) => error.into(),
        }
    }

    /// The keyspace that a request names for itself (v5) must be there: this is looked at before the text.
    pub(super) fn check_named_keyspace(&self, named: Option<&str>) -> Result<(), ErrorResponse> {
        let Some(keyspace) = named else { return Ok(()) };
        let context = PrepareContext { schema: self.view.schema(), keyspace: None, local: &NodeTables };
        match context.find_keyspace(keyspace) {
            Some(_) => Ok(()),
            None => Err(errors::invalid(format!("Keyspace '{keyspace}' does not exist"))),
        }
    }

    fn role_statement(&mut self, asker: Asker, session: &Session, plan: &RolePlan) -> Handled {
        if !self.shared.config.password_authentication {
            return errors::query_error(roles::refusal_without_authentication(plan, true, &self.view.metadata)).into();
        }
        if let RolePlan::List { of, recursive, users } = plan {
            return match roles::list(of.as_deref(), *recursive, *users, &self.view.metadata) {
                Ok(rows) => Handled::Reply(Reply::Rows(Box::new(rows)), Vec::new()),
                Err(error) => errors::query_error(error).into(),
            };
        }
        let mut salt = [0; 16];
        self.rng.fill(&mut salt);
        let asking = session.role.clone().unwrap_or_default();
        match roles::proposal(plan, &asking, &self.view.metadata, salt) {
            Ok(proposal) => self.propose(asker, proposal),
            Err(error) => errors::query_error(error).into(),
        }
    }

    /// DESCRIBE, page by page.
    fn describe(
        &mut self,
        session: &Session,
        describe: &helenus_query::ast::Describe,
        params: &QueryParams<'_>,
    ) -> Handled {
        match self.describe_rows(session, describe, params) {
            Ok(rows) => Handled::Reply(Reply::Rows(Box::new(rows)), Vec::new()),
            Err(error) => errors::query_error(error).into(),
        }
    }

    fn describe_rows(
        &mut self,
        session: &Session,
        describe: &helenus_query::ast::Describe,
        params: &QueryParams<'_>,
    ) -> Result<RowsReply, QueryError> {
        let keyspace = params.keyspace.or(session.keyspace.as_deref());
        let ownership = keyspace.map(|keyspace| self.range_ownership(keyspace)).unwrap_or_default();
        let context = DescribeContext {
            schema: self.view.schema(),
            keyspace,
            cluster_name: &self.shared.config.cluster_name,
            snitch: &self.shared.config.snitch,
            range_ownership: &ownership,
        };
        let described = helenus_query::describe::describe(describe, &context)?;
        let size = params.page_size.and_then(|size| u32::try_from(size).ok()).filter(|size| *size > 0);
        let (range, paging_state) = described.page(size, params.paging_state)?;
        let (mut rows, mut count) = (Vec::new(), 0);
        described.write(range, &mut EncodedRows::whole(&mut rows, &mut count));
        let columns = ReplyColumns::Own(described.columns);
        Ok(RowsReply { columns, rows, count, paging_state, skip_metadata: false, metadata_changed: false })
    }

    /// End token of each range of the ring, and the replicas of a keyspace in it.
    fn range_ownership(&self, keyspace: &str) -> Vec<(String, Vec<String>)> {
        let replicas = |token| -> Vec<String> {
            let nodes = self.view.replicas(keyspace, token).iter();
            nodes.map(|node| format!("/{}", self.view.node(*node).internode)).collect()
        };
        let tokens = self.view.ring.tokens.iter();
        let mut out: Vec<_> = tokens.map(|(token, _)| (token.0.to_string(), replicas(*token))).collect();
        out.sort();
        out
    }
}

fn schema_event(event: helenus_query::ddl::SchemaEvent) -> SchemaEvent {
    use helenus_query::ddl::{EventKind, EventTarget};
    SchemaEvent {
        change: match event.kind {
            EventKind::Created => SchemaEventKind::Created,
            EventKind::Updated => SchemaEventKind::Updated,
            EventKind::Dropped => SchemaEventKind::Dropped,
        },
        target: match event.target {
            EventTarget::Keyspace => SchemaEventTarget::Keyspace,
            EventTarget::Table => SchemaEventTarget::Table,
            EventTarget::Type => SchemaEventTarget::Type,
            EventTarget::Function => SchemaEventTarget::Function,
            EventTarget::Aggregate => SchemaEventTarget::Aggregate,
        },
        keyspace: event.keyspace,
        name: event.name,
        argument_types: event.argument_types,
    }
}
