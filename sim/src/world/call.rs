//! Requests of the run itself: asked of one member, the world going on until the answer is there.

use std::fmt;

use helenus_cql_protocol::request::{Query, QueryParams, Request};
use helenus_cql_protocol::response::ErrorResponse;
use helenus_model::consistency::Consistency;

use super::World;
use crate::client::Answer;
use crate::net::{Item, Side};

/// Rows of an answer, each value as bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// The rows.
    pub rows: Vec<Vec<Option<Vec<u8>>>>,
    /// Where the next page begins.
    pub paging_state: Option<Vec<u8>>,
}

/// A request has no good answer.
#[derive(Clone, Debug)]
pub enum CallError {
    /// It was refused.
    Refused(ErrorResponse),
    /// The connection ended.
    Lost,
    /// There was no answer in time.
    Late,
}

impl fmt::Display for CallError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Refused(error) => write!(formatter, "{:?} {}", error.kind, error.message),
            CallError::Lost => formatter.write_str("the connection ended"),
            CallError::Late => formatter.write_str("no answer in time"),
        }
    }
}

/// How long an answer may take, microseconds.
const PATIENCE: u64 = 15_000_000;

impl World {
    /// Asks a member by its client of the checks. Failed attempts are not repeated.
    pub fn call(&mut self, member: usize, query: &str, level: Consistency) -> Result<Rows, CallError> {
        self.call_page(member, query, level, None, None)
    }

    /// The same for a page of an answer.
    pub fn call_page(
        &mut self,
        member: usize,
        query: &str,
        level: Consistency,
        page_size: Option<i32>,
        paging_state: Option<&[u8]>,
    ) -> Result<Rows, CallError> {
        let deadline = self.queue.now() + PATIENCE;
        let caller = self.clients.len() - 1;
        self.connect_caller(caller, member, deadline)?;
        let client = &mut self.clients[caller];
        let params = QueryParams { page_size, paging_state, ..QueryParams::new(level) };
        client.answer = None;
        client.conn.send(&Request::Query(Query { query, params }), false);
        let (link, bytes) = (client.link, client.output());
        if let Some(link) = link {
            self.trace.bytes(self.queue.now(), link, &bytes);
            self.net.send(&mut self.queue, link, Side::Acceptor, Item::Bytes(bytes));
        }
        while self.failure.is_none() && self.queue.next_at().is_some_and(|at| at <= deadline) {
            let client = &mut self.clients[caller];
            match client.answer.take() {
                Some(Answer::Rows(rows)) => return Ok(rows),
                Some(Answer::Done) => return Ok(Rows::default()),
                Some(Answer::Error(error)) => return Err(CallError::Refused(error)),
                None if client.link.is_none() => return Err(CallError::Lost),
                None => self.step(),
            }
        }
        self.hang_up(caller);
        Err(CallError::Late)
    }

    fn connect_caller(&mut self, caller: usize, member: usize, deadline: u64) -> Result<(), CallError> {
        let client = &self.clients[caller];
        // Every third call over a connection of its own, for the other coordinators.
        let stays = client.is_ready() && client.member == member && !self.rng.chance(30);
        if !stays {
            self.hang_up(caller);
            self.clients[caller].member = member;
            self.client_connect(caller);
        }
        while !self.clients[caller].is_ready() {
            if self.failure.is_some() || self.queue.next_at().is_none_or(|at| at > deadline) {
                return Err(CallError::Late);
            }
            self.step();
            if self.clients[caller].link.is_none() {
                return Err(CallError::Lost);
            }
        }
        Ok(())
    }

    fn hang_up(&mut self, caller: usize) {
        if let Some(link) = self.clients[caller].link.take() {
            self.net.close(&mut self.queue, link, Side::Dialer);
        }
        self.clients[caller].abandon();
    }
}
