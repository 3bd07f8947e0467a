//! The end of a conditional write: commit, and what the client is told.

use std::sync::Arc;

use helenus_cql_protocol::response::{ErrorKind, ErrorResponse, FailureReason, Progress, WriteType};
use helenus_model::consistency::Consistency;
use helenus_model::schema::Table;

use super::choose::own_rows;
use super::{CasWait, Goal, Phase, TargetState, Whose};
use crate::cas::ballot::Ballot;
use crate::cas::wire::{Value, register_bytes};
use crate::coordinator::client::{Handled, Reply};
use crate::coordinator::operation::Kind;
use crate::coordinator::select::EncodedRows;
use crate::coordinator::write::{Outgoing, Then, WriteOptions};
use crate::coordinator::{Coordinator, LOCAL, SlotId, errors};
use crate::message::{Message, WriteKind};

/// A decided value on its way to the replicas.
#[derive(Debug)]
pub(in crate::coordinator) struct Decision {
    pub(in crate::coordinator) table: Arc<Table>,
    pub(in crate::coordinator) ballot: Ballot,
    /// The body of the message that tells it: register and value.
    pub(in crate::coordinator) message: Vec<u8>,
}

impl Decision {
    pub(super) fn new(table: &Arc<Table>, key: &[u8], ballot: Ballot, value: &Value) -> Self {
        Decision { table: Arc::clone(table), ballot, message: register_bytes(table.id, key, Some(value)) }
    }

    /// What is said to a replica.
    pub(in crate::coordinator) fn message(&self, schema_epoch: u64) -> Message<'_> {
        Message::CasCommit { ballot: self.ballot.to_uuid(), schema_epoch, decision: &self.message }
    }
}

impl Coordinator {
    /// Enough have accepted: the value is decided.
    pub(super) fn value_accepted(&mut self, id: SlotId) {
        let Some(wait) = self.cas_wait(id) else { return };
        let Phase::Propose(value, whose) = &mut wait.phase else { return };
        let (value, whose) = (std::mem::replace(value, Value::nothing(Ballot::NONE)), *whose);
        let ballot = wait.ballot;
        if value.mutation.is_empty() {
            return self.value_committed(id, whose, None);
        }
        self.commit_value(id, ballot, value, whose);
    }

    /// Tells all replicas what is decided.
    pub(super) fn commit_value(&mut self, id: SlotId, ballot: Ballot, value: Value, whose: Whose) {
        let Some(wait) = self.cas_wait(id) else { return };
        wait.phase = Phase::Commit(whose);
        if whose == Whose::Own {
            // Of an earlier round, perhaps, after which a later one was to be refused.
            wait.refusal = None;
        }
        let wanted = wait.level_of(whose);
        let decision = Decision::new(&wait.table, &wait.key, ballot, &value);
        let keyspace: Arc<str> = wait.table.keyspace.as_str().into();
        let outgoing = Outgoing { keyspace: Arc::clone(&keyspace), token: wait.token, mutation: value.mutation };
        let short = self.check_alive(&keyspace, outgoing.token, wanted).err();
        // Where too few are there for the level, whoever is there learns what is decided all the same.
        let (level, then) = match &short {
            None => (wanted, Then::Decided(id)),
            Some(_) => (Consistency::Any, Then::Answer),
        };
        let options = WriteOptions {
            level,
            write_type: WriteType::Simple,
            kind: WriteKind::Normal,
            warnings: Vec::new(),
            then,
            decision: Some(Box::new(decision)),
        };
        self.outlive(id, self.shared.config.write_timeout_millis);
        let handled = self.write(None, vec![outgoing], options);
        let refused = match handled {
            Handled::Reply(Reply::Error(error), _) => Some(error),
            _ => None,
        };
        if let Some(error) = short.or(refused) {
            self.decision_written(id, Some(error));
        }
    }

    /// The commit has met its level, or cannot.
    pub(in crate::coordinator) fn decision_written(&mut self, id: SlotId, failure: Option<ErrorResponse>) {
        if let Some(CasWait { phase: Phase::Commit(whose), .. }) = self.cas_wait(id) {
            let whose = *whose;
            self.value_committed(id, whose, failure);
        }
    }

    fn value_committed(&mut self, id: SlotId, whose: Whose, failure: Option<ErrorResponse>) {
        let Some(wait) = self.cas_wait(id) else { return };
        match (whose, failure) {
            (Whose::Own, Some(error)) => {
                let error = after_decision(error, wait.commit_level);
                self.end_cas(id, error);
            }
            (Whose::Own, None) => self.finish_cas(id),
            (Whose::Found, Some(_)) => self.time_out_cas(id),
            (Whose::Found, None) => {
                // A later value is decided than those: they never will be.
                wait.half_accepted.clear();
                self.round_again(id);
            }
        }
    }

    /// An own value of an earlier round is decided, and more since.
    pub(super) fn finish_own(&mut self, id: SlotId) {
        if let Some(wait) = self.cas_wait(id) {
            wait.refusal = None;
            self.finish_cas(id);
        }
    }

    /// The operation's own value is decided.
    fn finish_cas(&mut self, id: SlotId) {
        let Some(operation) = self.end(id) else { return };
        let (Some(asker), Kind::Cas(wait)) = (operation.asker, operation.kind) else { return };
        match wait.goal {
            Goal::Write(request) => {
                let rows = wait.refusal.unwrap_or_else(|| {
                    let (mut rows, mut count) = (Vec::new(), 0);
                    let columns = request.success(&mut EncodedRows::whole(&mut rows, &mut count));
                    Box::new(own_rows(columns, rows, count))
                });
                self.count_write(asker.began);
                self.respond(asker, Reply::Rows(rows), wait.warnings);
            }
            Goal::Settle(select) => {
                if let Handled::Reply(reply, warnings) = self.settled_select(asker, *select) {
                    self.respond(asker, reply, warnings);
                }
            }
        }
    }

    /// Ends with an error. It may have been decided all the same when some replicas have accepted.
    pub(super) fn fail_cas(&mut self, id: SlotId, error: ErrorResponse) {
        match self.cas_wait(id) {
            Some(wait) if !wait.half_accepted.is_empty() => self.unknown_outcome(id),
            _ => self.end_cas(id, error),
        }
    }

    fn end_cas(&mut self, id: SlotId, error: ErrorResponse) {
        let Some(operation) = self.end(id) else { return };
        if let Some(asker) = operation.asker {
            self.respond(asker, Reply::Error(error), Vec::new());
        }
    }

    /// Some replicas have accepted, others have not, and nobody can tell any more.
    pub(super) fn unknown_outcome(&mut self, id: SlotId) {
        let Some(wait) = self.cas_wait(id) else { return };
        let (received, block_for) = (wait.done().max(1) as i32, wait.required as i32);
        let progress = Progress { consistency: wait.serial, received, block_for };
        let text = format!("CAS operation result is unknown - proposal accepted by {received} but not a quorum.");
        self.count_failure(&self.shared.stats.writes.timeouts);
        self.end_cas(id, ErrorResponse::new(ErrorKind::CasWriteUnknown { progress }, text));
    }

    /// Others were quicker all the time, or replicas did not answer.
    pub(super) fn time_out_cas(&mut self, id: SlotId) {
        let Some(wait) = self.cas_wait(id) else { return };
        let received = if matches!(wait.phase, Phase::Prepare) { wait.promised() } else { wait.done() };
        let (received, block_for) = (received as u32, wait.required as u32);
        let (serial, contentions) = (wait.serial, wait.contentions);
        if let (Phase::Commit(Whose::Own), Goal::Write(_)) = (&wait.phase, &wait.goal) {
            let level = wait.commit_level;
            return self.end_cas(id, errors::write_timeout(level, 0, 1, WriteType::Simple));
        }
        if matches!(wait.goal, Goal::Settle(_)) {
            self.count_failure(&self.shared.stats.reads.timeouts);
            return self.end_cas(id, errors::read_timeout(serial, 0, block_for, false));
        }
        self.count_failure(&self.shared.stats.writes.timeouts);
        self.fail_cas(id, errors::cas_timeout(serial, received, block_for, contentions));
    }

    /// Replicas could not do their part.
    pub(super) fn fail_replicas(&mut self, id: SlotId) {
        let Some(mut operation) = self.operations.take(id) else { return };
        let Kind::Cas(wait) = &mut operation.kind else { return self.operations.put_back(id, operation) };
        let mut failures = Vec::new();
        for target in &wait.targets {
            if let TargetState::Failed(reason) = target.state
                && reason != FailureReason::NodeDown.code()
            {
                let host = (target.peer != LOCAL).then(|| self.peers[usize::from(target.peer)].host);
                let node = host.and_then(|host| self.view.metadata.nodes.get(&host));
                let address = node.map_or(self.shared.config.internode, |node| node.internode);
                failures.push((address, FailureReason::from_code(reason)));
            }
        }
        let (serial, received, block_for) = (wait.serial, wait.promised() as u32, wait.required as u32);
        let is_read = matches!(wait.goal, Goal::Settle(_));
        self.operations.put_back(id, operation);
        let error = if is_read {
            errors::read_failure(serial, received, block_for, false, failures)
        } else {
            self.count_failure(&self.shared.stats.writes.failures);
            errors::write_failure(serial, received, block_for, WriteType::Cas, failures)
        };
        self.fail_cas(id, error);
    }
}

impl CasWait {
    /// Level of a commit.
    fn level_of(&self, whose: Whose) -> Consistency {
        if whose == Whose::Own { self.commit_level } else { self.quorum() }
    }
}

/// The error of a commit. The value is decided, so none may say that nothing was done, or that nobody can tell: where it could not
/// be told to enough replicas, for whatever reason, the write has timed out, and its type says that it is decided.
fn after_decision(error: ErrorResponse, level: Consistency) -> ErrorResponse {
    match error.kind {
        ErrorKind::WriteTimeout { write_type: WriteType::Simple, .. }
        | ErrorKind::WriteFailure { write_type: WriteType::Simple, .. } => error,
        ErrorKind::Unavailable { consistency, required, .. } => {
            errors::write_timeout(consistency, 0, required.unsigned_abs(), WriteType::Simple)
        }
        _ => errors::write_timeout(level, 0, 1, WriteType::Simple),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decided_write_is_never_called_undone_nor_unknown() {
        let level = Consistency::Quorum;
        let progress = Progress { consistency: level, received: 1, block_for: 2 };
        let simple = errors::write_timeout(level, 1, 2, WriteType::Simple);
        let failed = errors::write_failure(level, 1, 2, WriteType::Simple, Vec::new());
        let timed_out = |block_for| errors::write_timeout(level, 0, block_for, WriteType::Simple).kind;
        let of = |kind| ErrorResponse::new(kind, "of the commit".to_owned());
        for (error, told) in [
            (simple.clone(), simple.kind),
            (failed.clone(), failed.kind),
            (of(ErrorKind::Unavailable { consistency: level, required: 2, alive: 1 }), timed_out(2)),
            (of(ErrorKind::Overloaded), timed_out(1)),
            (of(ErrorKind::IsBootstrapping), timed_out(1)),
            (of(ErrorKind::ServerError), timed_out(1)),
            (of(ErrorKind::Invalid), timed_out(1)),
            (of(ErrorKind::ReadTimeout { progress, data_present: false }), timed_out(1)),
            (errors::write_timeout(level, 1, 2, WriteType::Cas), timed_out(1)),
            (errors::cas_timeout(level, 1, 2, 3), timed_out(1)),
            (of(ErrorKind::CasWriteUnknown { progress }), timed_out(1)),
        ] {
            assert_eq!(after_decision(error.clone(), level).kind, told, "{error:?}");
        }
    }
}
