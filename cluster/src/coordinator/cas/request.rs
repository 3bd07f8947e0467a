//! Conditional statements and SERIAL reads: what is checked before the first round.

use std::sync::Arc;

use helenus_cql_protocol::request::{Batch, QueryParams};
use helenus_cql_protocol::response::ErrorResponse;
use helenus_model::consistency::Consistency;
use helenus_model::key::KeyRef;
use helenus_model::schema::{Replication, Table};
use helenus_model::token::Token;
use helenus_query::cas::{CasBuilder, CasRequest};
use helenus_query::error::QueryError;
use helenus_query::prepare::Statement;
use helenus_query::select::SelectPlan;
use helenus_query::values::{BoundValues, ExecuteOptions};
use helenus_query::write::{BatchPlan, WriteBatch, WritePlan};

use super::{CasWait, Goal, Phase, ReadyStep};
use crate::cas::ballot::Ballot;
use crate::coordinator::client::{Asker, Handled, Reply, Session};
use crate::coordinator::consistency::{Requirement, Unavailable};
use crate::coordinator::operation::{Kind, Operation};
use crate::coordinator::select::SelectWait;
use crate::coordinator::statement::PreparedStatement;
use crate::coordinator::values::RequestValues;
use crate::coordinator::{Coordinator, errors};

impl Coordinator {
    /// A conditional INSERT, UPDATE or DELETE.
    pub(in crate::coordinator) fn cas_statement(
        &mut self,
        asker: Asker,
        session: &Session,
        statement: &PreparedStatement,
        plan: &WritePlan,
        values: &RequestValues<'_>,
        params: &QueryParams<'_>,
    ) -> Handled {
        let warnings = statement.prepared.warnings.clone();
        let bind = |cas: &mut CasBuilder, options: &ExecuteOptions<'_>, write: &mut WriteBatch| {
            cas.add(plan, values, options, write)
        };
        let cas = CasBuilder::new(false, plan.reads_current(), self.guardrails_for(session));
        self.bind_cas(asker, params, cas, warnings, &bind)
    }

    /// BEGIN … BATCH with conditions.
    pub(in crate::coordinator) fn cas_batch_plan(
        &mut self,
        asker: Asker,
        session: &Session,
        plan: &BatchPlan,
        values: &dyn BoundValues,
        params: &QueryParams<'_>,
    ) -> Handled {
        let bind = |cas: &mut CasBuilder, options: &ExecuteOptions<'_>, write: &mut WriteBatch| {
            plan.statements.iter().try_for_each(|statement| cas.add(statement, values, options, write))
        };
        let is_late = plan.statements.iter().any(WritePlan::reads_current);
        let cas = CasBuilder::new(true, is_late, self.guardrails_for(session));
        self.bind_cas(asker, params, cas, Vec::new(), &bind)
    }

    /// A BATCH message with conditional statements in it.
    pub(in crate::coordinator) fn cas_batch(
        &mut self,
        asker: Asker,
        session: &Session,
        batch: &Batch<'_>,
        statements: &[Arc<PreparedStatement>],
    ) -> Handled {
        let bind = |cas: &mut CasBuilder, options: &ExecuteOptions<'_>, write: &mut WriteBatch| {
            for (prepared, given) in statements.iter().zip(batch.statements.iter()) {
                let Statement::Write(plan) = &prepared.prepared.statement else { continue };
                let Some(values) = RequestValues::new(&given.values, &prepared.prepared) else { continue };
                cas.add(plan, &values, options, write)?;
            }
            Ok(())
        };
        let is_late = statements
            .iter()
            .any(|prepared| matches!(&prepared.prepared.statement, Statement::Write(plan) if plan.reads_current()));
        let cas = CasBuilder::new(true, is_late, self.guardrails_for(session));
        self.bind_cas(asker, &batch.params, cas, Vec::new(), &bind)
    }

    fn bind_cas(
        &mut self,
        asker: Asker,
        params: &QueryParams<'_>,
        mut cas: CasBuilder,
        warnings: Vec<String>,
        bind: &dyn Fn(&mut CasBuilder, &ExecuteOptions<'_>, &mut WriteBatch) -> Result<(), QueryError>,
    ) -> Handled {
        let mut write = std::mem::take(&mut self.scratch.batch);
        write.clear();
        let options = self.execute_options(params);
        let now = options.now;
        let bound = bind(&mut cas, &options, &mut write);
        write.finish();
        let sizes = self.check_sizes(&write);
        let request = cas.finish(&write, now);
        self.scratch.batch = write;
        match (bound, sizes, request) {
            (Err(error), _, _) => errors::query_error(error).into(),
            (_, Err(error), _) => error.into(),
            (_, _, None) => Handled::Reply(Reply::Void, warnings),
            (_, _, Some(request)) => {
                let serial = params.serial_consistency.unwrap_or(Consistency::Serial);
                self.start_cas_write(asker, request, serial, params.consistency, warnings)
            }
        }
    }

    fn start_cas_write(
        &mut self,
        asker: Asker,
        request: CasRequest,
        serial: Consistency,
        commit_level: Consistency,
        warnings: Vec<String>,
    ) -> Handled {
        let table = Arc::clone(request.table());
        let checked = self.check_cas_levels(&table, request.key().token, serial, commit_level);
        if let Err(error) = checked {
            return error.into();
        }
        let key = request.key().key.into();
        let bytes = request.mutation().map_or(0, <[u8]>::len);
        let goal = Goal::Write(Box::new(request));
        let timeout = self.shared.config.write_timeout_millis;
        self.start_cas(asker, CasStart { table, key, goal, serial, commit_level, warnings, timeout, bytes })
    }

    /// Refuses levels, and what cannot be committed, before anything is proposed.
    fn check_cas_levels(
        &mut self,
        table: &Table,
        token: Token,
        serial: Consistency,
        commit_level: Consistency,
    ) -> Result<(), ErrorResponse> {
        if !serial.is_serial() {
            return Err(errors::invalid(
                "Invalid consistency for conditional update. Must be one of SERIAL or LOCAL_SERIAL",
            ));
        }
        if commit_level.is_serial() {
            return Err(errors::invalid(format!(
                "{commit_level} is not supported as conditional update commit consistency. Use ANY if you mean \"make sure it is accepted but I don't care how many replicas commit it for non-SERIAL reads\""
            )));
        }
        let view = Arc::clone(&self.view);
        let Some(keyspace) = view.keyspace(&table.keyspace) else {
            return Err(errors::invalid(format!("Keyspace '{}' does not exist", table.keyspace)));
        };
        if commit_level == Consistency::EachQuorum && matches!(keyspace.replication, Replication::Simple { .. }) {
            return Err(errors::invalid(
                "consistency level EACH_QUORUM not compatible with replication strategy (org.apache.cassandra.locator.SimpleStrategy)",
            ));
        }
        self.participants(&table.keyspace, token, serial)?;
        self.check_alive(&table.keyspace, token, commit_level).inspect_err(|_| {
            self.count_failure(&self.shared.stats.writes.unavailables);
        })
    }

    /// Who takes part in the rounds of a token's registers, and how many of them must promise and accept: a majority of the replicas,
    /// at LOCAL_SERIAL of those of this data centre.
    pub(super) fn participants(
        &self,
        keyspace: &str,
        token: Token,
        serial: Consistency,
    ) -> Result<(Vec<u16>, usize), ErrorResponse> {
        let view = &self.view;
        let Some(place) = view.keyspace(keyspace) else {
            return Err(errors::invalid(format!("Keyspace '{keyspace}' does not exist")));
        };
        let own_datacenter = self.shared.config.datacenter.as_str();
        let local =
            serial == Consistency::LocalSerial && matches!(place.replication, Replication::NetworkTopology { .. });
        let replicas = place.placement.replicas(token).iter().copied();
        let nodes: Vec<_> = replicas.filter(|node| !local || view.node(*node).datacenter == own_datacenter).collect();
        let required = nodes.len() / 2 + 1;
        let alive: Vec<u16> =
            nodes.iter().filter(|node| self.is_alive(**node)).map(|node| self.peer_of(*node)).collect();
        let refuse = |level, error| {
            self.count_failure(&self.shared.stats.writes.unavailables);
            Err(errors::unavailable(level, error))
        };
        if alive.len() < required {
            return refuse(serial, Unavailable { required: required as u32, alive: alive.len() as u32 });
        }
        // The partition is read at the quorum of what the keyspace wants, be there so many nodes or not.
        let level = if serial == Consistency::LocalSerial { Consistency::LocalQuorum } else { Consistency::Quorum };
        let requirement = Requirement::new(level, &place.replication, own_datacenter);
        let checked =
            requirement.check(view, place.placement.replicas(token), own_datacenter, |node| self.is_alive(node));
        match checked {
            Ok(()) => Ok((alive, required)),
            Err(error) => refuse(level, error),
        }
    }

    /// A SELECT at SERIAL or LOCAL_SERIAL is about to read a partition: whatever was proposed before is decided first, or never will be.
    pub(in crate::coordinator) fn settle_before(
        &mut self,
        asker: Asker,
        select: SelectWait,
        plan: &SelectPlan,
        key: Box<[u8]>,
    ) -> Handled {
        let Some(serial) = select.serial else { return self.settled_select(asker, select) };
        let table = Arc::clone(plan.table());
        if let Err(error) = self.participants(&table.keyspace, KeyRef::new(&key).token, serial) {
            return error.into();
        }
        let commit_level = select.level;
        let goal = Goal::Settle(Box::new(select));
        let timeout = self.shared.config.read_timeout_millis;
        let warnings = Vec::new();
        self.start_cas(asker, CasStart { table, key, goal, serial, commit_level, warnings, timeout, bytes: 0 })
    }

    fn start_cas(&mut self, asker: Asker, start: CasStart) -> Handled {
        let CasStart { table, key, goal, serial, commit_level, warnings, timeout, bytes } = start;
        let token = KeyRef::new(&key).token;
        let expires_at = self.deadline(timeout);
        let wait = CasWait {
            table,
            key,
            token,
            goal,
            serial,
            commit_level,
            warnings,
            phase: Phase::Backoff,
            ballot: Ballot::NONE,
            latest: Ballot::NONE,
            participants: Vec::new(),
            required: 0,
            targets: Vec::new(),
            first: 0,
            half_accepted: Vec::new(),
            decided: Vec::new(),
            refusal: None,
            contentions: 0,
            rounds: 0,
            give_up_at: self.deadline(self.shared.config.cas_contention_timeout_millis),
            expires_at,
        };
        let operation = Operation::new(Some(asker), expires_at, Kind::Cas(Box::new(wait))).carrying(bytes);
        let id = self.begin(operation);
        self.cas.ready.push_back(ReadyStep::Round(id));
        Handled::Later
    }
}

/// What an operation begins with.
struct CasStart {
    table: Arc<Table>,
    key: Box<[u8]>,
    goal: Goal,
    serial: Consistency,
    commit_level: Consistency,
    warnings: Vec<String>,
    /// Milliseconds.
    timeout: u64,
    bytes: usize,
}
