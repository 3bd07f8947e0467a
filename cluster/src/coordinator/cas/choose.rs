//! What a proposer does with a quorum's promises.

use helenus_query::cas::CasRequest;
use helenus_query::values::IdSource;

use super::finish::Decision;
use super::{Goal, Phase, ReadyStep, TargetState, Whose};
use crate::answer::Answer as ReadAnswer;
use crate::cas::ballot::Ballot;
use crate::cas::register::fits;
use crate::cas::wire::{BEFORE_MAX, Taken, Value};
use crate::coordinator::client::{ReplyColumns, RowsReply};
use crate::coordinator::operation::{Kind, Operation};
use crate::coordinator::select::EncodedRows;
use crate::coordinator::{Coordinator, LOCAL, SlotId, errors};

fn ballot_of(taken: &Taken) -> Ballot {
    taken.as_ref().map_or(Ballot::NONE, |(ballot, _)| *ballot)
}

/// What promises tell.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// An own value of an earlier round was decided.
    OwnDecided(Ballot, Value),
    /// An own value of an earlier round was decided, and others since.
    OwnPassed,
    /// So many values were decided behind an own one that some replicas may have accepted that nobody can tell.
    Unknown,
    /// A value that may be decided or not.
    HalfDecided(Value),
    /// These targets, by number, lack the latest decision.
    Lacking(Ballot, Value, Vec<usize>),
    /// Nothing is in the way.
    Free,
}

/// Looks through a quorum's promises: accepted and decided value of each target that has promised. `own`: origins of own values that
/// may have been accepted.
pub(super) fn look_through(promises: &[Option<(&Taken, &Taken)>], own: &[Ballot]) -> Found {
    let given = || promises.iter().flatten();
    let decided = given().map(|(_, decided)| *decided).max_by_key(|taken| ballot_of(taken)).unwrap_or(&None);
    let accepted = given().map(|(accepted, _)| *accepted).max_by_key(|taken| ballot_of(taken)).unwrap_or(&None);
    if let Some((ballot, value)) = decided {
        if own.contains(&value.origin) {
            return Found::OwnDecided(*ballot, value.clone());
        }
        if own.iter().any(|own| value.before.contains(own)) {
            return Found::OwnPassed;
        }
        // What is not among the decisions before this one was none, as far as they are remembered.
        let forgotten = value.before.get(BEFORE_MAX - 1);
        if forgotten.is_some_and(|oldest| own.iter().any(|own| own < oldest && own < ballot)) {
            return Found::Unknown;
        }
    }
    // Nothing was to be written by an empty one: whoever proposed it has seen what it had to see.
    if let Some((ballot, value)) = accepted
        && *ballot > ballot_of(decided)
        && !value.mutation.is_empty()
    {
        return Found::HalfDecided(value.clone());
    }
    if let Some((ballot, value)) = decided {
        let lacks = |(_, promise): &(usize, &Option<(&Taken, &Taken)>)| {
            promise.is_some_and(|(_, known)| ballot_of(known) < *ballot)
        };
        let lacking: Vec<usize> = promises.iter().enumerate().filter(lacks).map(|(i, _)| i).collect();
        if !lacking.is_empty() {
            return Found::Lacking(*ballot, value.clone(), lacking);
        }
    }
    Found::Free
}

impl Coordinator {
    /// Enough have promised.
    pub(super) fn choose_value(&mut self, id: SlotId) {
        let Some(wait) = self.cas_wait(id) else { return };
        let promises: Vec<Option<(&Taken, &Taken)>> = wait
            .targets
            .iter()
            .map(|target| match &target.state {
                TargetState::Promised { accepted, decided } => Some((accepted, decided)),
                _ => None,
            })
            .collect();
        let found = look_through(&promises, &wait.half_accepted);
        let decided = promises.iter().flatten().map(|(_, decided)| *decided).max_by_key(|taken| ballot_of(taken));
        let decisions = decided.unwrap_or(&None).as_ref().map(|(ballot, value)| {
            (*ballot, std::iter::once(value.origin).chain(value.before.iter().copied()).take(BEFORE_MAX).collect())
        });
        if let Some((ballot, decisions)) = decisions {
            wait.decided = decisions;
            if found != Found::Unknown {
                // Those before it that are not among the decisions never will be.
                wait.half_accepted.retain(|own| *own > ballot || wait.decided.contains(own));
            }
        }
        match found {
            Found::OwnPassed => self.finish_own(id),
            Found::OwnDecided(ballot, value) => {
                self.commit_value(id, ballot, value, Whose::Own);
            }
            Found::Unknown => self.unknown_outcome(id),
            Found::HalfDecided(value) => {
                let whose = if wait.half_accepted.contains(&value.origin) { Whose::Own } else { Whose::Found };
                self.propose_value(id, value, whose);
            }
            Found::Lacking(ballot, value, lacking) => self.teach(id, ballot, &value, &lacking),
            Found::Free => self.nothing_in_the_way(id),
        }
    }

    /// Sends the latest decision to those who lack it: a quorum must have it before the partition is read.
    fn teach(&mut self, id: SlotId, ballot: Ballot, value: &Value, lacking: &[usize]) {
        let schema_epoch = self.view.schema().epoch;
        let Some(wait) = self.cas_wait(id) else { return };
        let peers: Vec<u16> = lacking.iter().filter_map(|i| wait.targets.get(*i)).map(|target| target.peer).collect();
        wait.ask(&peers);
        wait.phase = Phase::Learn;
        let first = wait.first;
        let decision = Decision::new(&wait.table, &wait.key, ballot, value);
        let message = decision.message(schema_epoch);
        let mut own = None;
        for (part, peer) in (first..).zip(&peers) {
            match *peer {
                LOCAL => own = Some(part),
                peer => self.request(peer, id, part, &message),
            }
        }
        if let Some(part) = own {
            self.learn_here(id, part, &decision);
        }
    }

    /// Everybody that promised has the latest decision.
    pub(super) fn all_have_learned(&mut self, id: SlotId) {
        self.nothing_in_the_way(id);
    }

    fn nothing_in_the_way(&mut self, id: SlotId) {
        let Some(wait) = self.cas_wait(id) else { return };
        match &wait.goal {
            Goal::Settle(_) => {
                let nothing = Value::nothing(wait.ballot);
                self.propose_value(id, nothing, Whose::Own);
            }
            Goal::Write(request) => {
                let command = request.read_command();
                let (keyspace, level) = (wait.table.keyspace.clone(), wait.quorum());
                wait.phase = Phase::Read;
                self.outlive(id, self.shared.config.read_timeout_millis);
                if let Err(error) = self.begin_inner_read(id, &keyspace, command, level) {
                    self.fail_cas(id, error);
                }
            }
        }
    }

    /// The operation waits for one that ends by itself within so many milliseconds.
    pub(super) fn outlive(&mut self, id: SlotId, millis: u64) {
        let least = self.deadline(millis) + 1_000;
        if let Some(operation) = self.operations.get_mut(id) {
            operation.deadline = operation.deadline.max(least);
        }
    }

    /// The partition was read.
    pub(in crate::coordinator) fn inner_read_done(
        &mut self,
        id: SlotId,
        answer: Result<Vec<u8>, helenus_cql_protocol::response::ErrorResponse>,
    ) {
        let Some(Operation { kind: Kind::Cas(wait), .. }) = self.operations.get_mut(id) else { return };
        let (Phase::Read, Goal::Write(request)) = (&wait.phase, &wait.goal) else { return };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return self.fail_cas(id, error),
        };
        let most = self.shared.config.mutation_bytes_max;
        match decide(request, &answer, wait.ballot, &self.ids) {
            Ok((value, _)) if !fits(&value.mutation, &wait.key, most) => {
                let (bytes, keyspace) = (value.mutation.len(), &wait.table.keyspace);
                let text = format!("Rejected an oversized mutation ({bytes}/{most}) for keyspace: {keyspace}.");
                self.fail_cas(id, errors::invalid(text));
            }
            Ok((mut value, refusal)) => {
                if let (Goal::Write(request), None) = (&mut wait.goal, &refusal) {
                    wait.warnings.extend(request.take_warnings());
                }
                value.before.clone_from(&wait.decided);
                wait.refusal = refusal.map(Box::new);
                self.propose_value(id, value, Whose::Own);
            }
            Err(error) => self.fail_cas(id, errors::query_error(error)),
        }
    }

    pub(super) fn round_again(&mut self, id: SlotId) {
        self.cas.ready.push_back(ReadyStep::Round(id));
    }
}

/// What is proposed for what was read, and the rows of a refusal.
fn decide(
    request: &CasRequest,
    answer: &[u8],
    ballot: Ballot,
    ids: &dyn IdSource,
) -> Result<(Value, Option<RowsReply>), helenus_query::error::QueryError> {
    let current = ReadAnswer::new(answer).next().map(|(_, partition)| partition);
    if request.applies(current.as_ref())? {
        let mutation = match request.written(current.as_ref(), ids)? {
            Some(mutation) => helenus_model::stamp::stamped(&mutation, ballot.micros)
                .map_err(|error| helenus_query::error::QueryError::Server(error.to_string()))?,
            None => Vec::new(),
        };
        return Ok((Value { origin: ballot, before: Vec::new(), mutation }, None));
    }
    let (mut rows, mut count) = (Vec::new(), 0);
    let columns = request.refusal(current.as_ref(), &mut EncodedRows::whole(&mut rows, &mut count));
    Ok((Value::nothing(ballot), Some(own_rows(columns, rows, count))))
}

/// Rows with columns of their own.
pub(super) fn own_rows(columns: Vec<helenus_query::spec::ColumnSpec>, rows: Vec<u8>, count: u32) -> RowsReply {
    let columns = ReplyColumns::Own(columns);
    RowsReply { columns, rows, count, paging_state: None, skip_metadata: false, metadata_changed: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Ballot {
        Ballot::new(micros, 1)
    }

    fn taken(ballot: i64, origin: i64, mutation: &[u8]) -> Taken {
        Some((at(ballot), Value { origin: at(origin), before: Vec::new(), mutation: mutation.to_vec() }))
    }

    #[test]
    fn promises_tell_what_is_in_the_way() {
        let none: Taken = None;
        let (old, new) = (taken(3, 3, b"old"), taken(5, 4, b"new"));
        let (half, empty) = (taken(7, 6, b"half"), taken(7, 7, b""));
        let behind = |count: i64| {
            let before = (0..count).map(|i| at(99 - i)).collect();
            Some((at(105), Value { origin: at(100), before, mutation: b"late".to_vec() }))
        };
        let (behind_few, behind_many) = (behind(3), behind(BEFORE_MAX as i64));
        let value = |taken: &Taken| taken.clone().expect("a value").1;
        let lacking = |places: &[usize]| Found::Lacking(at(5), value(&new), places.to_vec());
        for (promises, own, expected) in [
            (vec![(&none, &none), (&none, &none)], vec![], Found::Free),
            (vec![(&none, &new), (&none, &new)], vec![], Found::Free),
            (vec![(&none, &new), (&none, &old)], vec![], lacking(&[1])),
            (vec![(&none, &none), (&none, &new)], vec![], lacking(&[0])),
            (vec![(&half, &none), (&none, &new)], vec![], Found::HalfDecided(value(&half))),
            (vec![(&old, &none), (&half, &none)], vec![], Found::HalfDecided(value(&half))),
            // What was accepted before the latest decision is dead.
            (vec![(&old, &none), (&none, &new)], vec![], lacking(&[0])),
            // An empty value hides what was accepted before it.
            (vec![(&old, &none), (&empty, &none)], vec![], Found::Free),
            (vec![(&none, &new), (&none, &none)], vec![at(4)], Found::OwnDecided(at(5), value(&new))),
            // No decision before that one: the own value was none.
            (vec![(&none, &new), (&none, &new)], vec![at(2)], Found::Free),
            (vec![(&none, &behind_few), (&none, &new)], vec![at(98)], Found::OwnPassed),
            (vec![(&none, &behind_few), (&none, &behind_few)], vec![at(96)], Found::Free),
            (vec![(&none, &behind_many), (&none, &behind_many)], vec![at(83)], Found::Unknown),
            (vec![(&none, &behind_many), (&none, &behind_many)], vec![at(84)], Found::OwnPassed),
            (vec![(&none, &behind_many), (&none, &behind_many)], vec![at(200)], Found::Free),
            (vec![(&none, &new), (&none, &new)], vec![at(6)], Found::Free),
            (vec![(&half, &new), (&none, &new)], vec![at(6)], Found::HalfDecided(value(&half))),
            (vec![(&half, &none), (&none, &none)], vec![at(2)], Found::HalfDecided(value(&half))),
        ] {
            let mut promises: Vec<_> = promises.into_iter().map(Some).collect();
            assert_eq!(look_through(&promises, &own), expected, "{promises:?} {own:?}");
            promises.push(None);
            assert_eq!(look_through(&promises, &own), expected, "and one that has not promised");
        }
    }
}
