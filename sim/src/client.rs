//! Clients: connections of the native protocol over simulated links, the statements they prepare, the requests they have in flight.

use std::collections::BTreeMap;

use helenus_cql_protocol::client_conn::ClientConn;
use helenus_cql_protocol::compress::Compression;
use helenus_cql_protocol::request::{Prepare, Request};
use helenus_cql_protocol::response::result::QueryResult;
use helenus_cql_protocol::response::{ErrorKind, ErrorResponse, Response};
use helenus_cql_protocol::version::ProtocolVersion;
use helenus_model::rng::Rng;

use crate::net::{Item, Owner, Purpose, Side};
use crate::queue::Event;
use crate::workload::{Effect, Operation, Outcome, Statement};
use crate::world::{Rows, World};

/// A request without an answer after this is given up, microseconds: longer than every timeout of the members, and than it takes
/// until a client knows that its member lost its power.
const PATIENCE: u64 = 40_000_000;
/// Requests a client has in flight.
const WINDOW: usize = 4;

/// An answer, owned.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Rows.
    Rows(Rows),
    /// Anything else that is no error.
    Done,
    /// An error.
    Error(ErrorResponse),
}

/// A request in flight.
#[derive(Debug)]
struct Pending {
    operation: Operation,
    serial: u64,
}

/// A client.
#[derive(Debug)]
pub struct Client {
    /// Its number.
    pub number: usize,
    /// The member it is connected to, or was last.
    pub member: usize,
    /// Its end of the connection.
    pub conn: ClientConn,
    /// The link below it.
    pub link: Option<u64>,
    /// The last answer, for the client of the checks.
    pub answer: Option<Answer>,
    rng: Rng,
    started: bool,
    preparing: BTreeMap<i16, Statement>,
    prepared: BTreeMap<Statement, PreparedIds>,
    pending: BTreeMap<i16, Pending>,
    /// Requests that wait for their statement to be prepared anew.
    unprepared: Vec<Pending>,
    serial: u64,
}

/// What a server said of a prepared statement.
#[derive(Clone, Debug)]
pub struct PreparedIds {
    /// Its id.
    pub id: Vec<u8>,
    /// Id of its rows' metadata (v5).
    pub result_metadata: Option<Vec<u8>>,
}

impl Client {
    /// Not connected yet.
    pub fn new(number: usize, rng: Rng) -> Self {
        Client {
            number,
            member: 0,
            conn: ClientConn::new(ProtocolVersion::V4, None),
            link: None,
            answer: None,
            rng,
            started: false,
            preparing: BTreeMap::new(),
            prepared: BTreeMap::new(),
            pending: BTreeMap::new(),
            unprepared: Vec::new(),
            serial: 0,
        }
    }

    /// True when requests may be sent.
    pub fn is_ready(&self) -> bool {
        self.started && self.link.is_some() && self.preparing.is_empty()
    }

    /// Requests that have no answer yet.
    pub fn in_flight(&self) -> usize {
        self.pending.len() + self.unprepared.len()
    }

    /// Everything to be sent.
    pub fn output(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.conn.take_output(&mut bytes);
        bytes
    }

    fn prepare(&mut self, statement: Statement) {
        let request = Request::Prepare(Prepare { query: statement.text(), keyspace: None });
        if let Some(stream) = self.conn.send(&request, false) {
            self.preparing.insert(stream, statement);
        }
    }

    fn send(&mut self, pending: Pending) {
        let prepared = self.prepared.get(&pending.operation.statement);
        if let Some(stream) = pending.operation.send(&mut self.conn, prepared) {
            self.pending.insert(stream, pending);
        }
    }

    /// Everything that was in flight, when the connection is gone.
    pub(crate) fn abandon(&mut self) -> Vec<Operation> {
        self.link = None;
        self.started = false;
        self.preparing.clear();
        self.prepared.clear();
        let pending = std::mem::take(&mut self.pending).into_values().chain(std::mem::take(&mut self.unprepared));
        pending.map(|pending| pending.operation).collect()
    }
}

fn owned(response: Response<'_>) -> Answer {
    match response {
        Response::Error(error) => Answer::Error(error),
        Response::Result(QueryResult::Rows(rows)) => Answer::Rows(Rows {
            rows: rows.iter().map(|row| row.values().map(|value| value.map(<[u8]>::to_vec)).collect()).collect(),
            paging_state: rows.metadata.paging_state.clone(),
        }),
        _ => Answer::Done,
    }
}

impl World {
    /// True for the client that asks for the checks.
    fn is_caller(&self, client: usize) -> bool {
        client + 1 == self.clients.len()
    }

    /// A client opens a connection: those that work to any member, that of the checks to the one it has in mind.
    pub fn client_connect(&mut self, number: usize) {
        let members = self.members.len();
        let is_caller = self.is_caller(number);
        let client = &mut self.clients[number];
        if client.link.is_some() {
            return;
        }
        if !is_caller {
            client.member = client.rng.index(members);
        }
        let version = if client.rng.chance(50) { ProtocolVersion::V4 } else { ProtocolVersion::V5 };
        let compression = client.rng.chance(30).then_some(Compression::Lz4);
        client.conn = ClientConn::new(version, compression);
        let member = client.member;
        let link = self.net.dial(&mut self.queue, Purpose::Client, Owner::Client(number), member, Vec::new());
        self.clients[number].link = Some(link);
    }

    /// The member took the connection.
    pub(crate) fn client_connected(&mut self, number: usize, link: u64) {
        let client = &mut self.clients[number];
        if client.link == Some(link) {
            client.conn.startup(&[]);
            self.send_client(number);
        }
    }

    fn send_client(&mut self, number: usize) {
        let client = &mut self.clients[number];
        let Some(link) = client.link else { return };
        let bytes = client.output();
        if !bytes.is_empty() {
            self.trace.bytes(self.queue.now(), link, &bytes);
            self.net.send(&mut self.queue, link, Side::Acceptor, Item::Bytes(bytes));
        }
    }

    /// The connection is gone, or did not come about.
    pub(crate) fn client_disconnected(&mut self, number: usize, link: u64) {
        if self.clients[number].link != Some(link) {
            return;
        }
        for operation in self.clients[number].abandon() {
            self.finish(operation, Outcome::Unknown);
        }
        if !self.is_caller(number) {
            let delay = self.rng.between(10_000, 300_000);
            self.queue.after(delay, Event::Connect(number));
        }
    }

    /// Bytes came from the member.
    pub(crate) fn client_received(&mut self, number: usize, bytes: &[u8]) {
        self.clients[number].conn.feed(bytes);
        loop {
            let client = &mut self.clients[number];
            let (stream, answer, prepared) = match client.conn.next_response() {
                Ok(None) => break,
                Ok(Some(frame)) => {
                    let prepared = match &frame.response {
                        Response::Result(QueryResult::Prepared(prepared)) => Some(PreparedIds {
                            id: prepared.id.clone(),
                            result_metadata: prepared.result_metadata_id.clone(),
                        }),
                        _ => None,
                    };
                    (frame.stream, owned(frame.response), prepared)
                }
                Err(error) => return self.fail("answers can be read", format!("client {number}: {error}")),
            };
            self.answered(number, stream, answer, prepared);
            if self.clients[number].link.is_none() {
                return;
            }
        }
        self.send_client(number);
    }

    fn answered(&mut self, number: usize, stream: i16, answer: Answer, prepared: Option<PreparedIds>) {
        let is_caller = self.is_caller(number);
        let client = &mut self.clients[number];
        if !client.started {
            if let Answer::Error(error) = answer {
                return self.fail("STARTUP is accepted", format!("client {number}: {error:?}"));
            }
            client.started = true;
            if !is_caller {
                Statement::EVERY.iter().for_each(|statement| client.prepare(*statement));
            }
            return;
        }
        if let Some(statement) = client.preparing.remove(&stream) {
            return self.prepared(number, statement, answer, prepared);
        }
        if let Some(pending) = client.pending.remove(&stream) {
            if let Answer::Error(ErrorResponse { kind: ErrorKind::Unprepared { .. }, .. }) = &answer {
                let statement = pending.operation.statement;
                client.unprepared.push(pending);
                if !client.preparing.values().any(|preparing| *preparing == statement) {
                    client.prepare(statement);
                }
                return;
            }
            return self.finish(pending.operation, answer.into());
        }
        if is_caller && stream >= 0 {
            client.answer = Some(answer);
        }
    }

    fn prepared(&mut self, number: usize, statement: Statement, answer: Answer, ids: Option<PreparedIds>) {
        let client = &mut self.clients[number];
        let Some(ids) = ids else {
            return self.fail("statements are prepared", format!("{}: {answer:?}", statement.text()));
        };
        client.prepared.insert(statement, ids);
        let waiting = std::mem::take(&mut client.unprepared);
        for pending in waiting {
            if pending.operation.statement == statement {
                client.send(pending);
            } else {
                client.unprepared.push(pending);
            }
        }
    }

    /// It is time for a client to ask something, if it can.
    pub(crate) fn client_ask(&mut self, number: usize) {
        let Some(pause) = self.workload.pause() else { return };
        let delay = self.rng.below(pause * 2) + 1;
        self.queue.after(delay, Event::Ask(number));
        let now = self.queue.now();
        let client = &mut self.clients[number];
        if !client.is_ready() || client.in_flight() >= WINDOW {
            return;
        }
        let Some(operation) = self.workload.next(now) else { return };
        if let Effect::Swap(register, ..) = operation.effect {
            self.gather(number, register);
        }
        self.ask(number, operation);
    }

    fn ask(&mut self, number: usize, operation: Operation) {
        let now = self.queue.now();
        self.trace.numbers(now, [number as u64, operation.statement as u64, operation.timestamp.unwrap_or(0) as u64]);
        let client = &mut self.clients[number];
        client.serial += 1;
        let serial = client.serial;
        client.send(Pending { operation, serial });
        self.queue.after(PATIENCE, Event::GiveUp(number, serial));
        self.send_client(number);
    }

    /// While one client swaps a register, the others want it as well: now, while the first is at it, and a while later, when what became
    /// of it may have to be found out. At times something breaks meanwhile.
    fn gather(&mut self, first: usize, register: i32) {
        if !self.rng.chance(self.options.gather_percent) {
            return;
        }
        // About as long as a round takes.
        let round = 4 * self.options.delay_micros.1 + 3 * self.options.sync_micros_max.min(20_000);
        for _ in 0..2 {
            for client in (0..self.clients.len() - 1).filter(|client| *client != first) {
                let delay = self.rng.below(round);
                self.queue.after(delay, Event::Gather(client, register));
            }
        }
        if self.rng.chance(40) {
            let delay = self.rng.below(round);
            self.queue.after(delay, Event::GatherFault);
        }
        for _ in 0..2 {
            let client = self.rng.index(self.clients.len() - 1);
            let delay = round + self.rng.below(40 * round);
            self.queue.after(delay, Event::Gather(client, register));
        }
    }

    /// One of those who gather asks.
    pub(crate) fn client_gathers(&mut self, number: usize, register: i32) {
        let client = &self.clients[number];
        if !client.is_ready() || client.in_flight() >= 2 * WINDOW {
            return;
        }
        let now = self.queue.now();
        if let Some(operation) = self.workload.next_at(register, now) {
            self.ask(number, operation);
        }
    }

    /// Every request is answered while its connection lasts; this one was not.
    pub(crate) fn client_give_up(&mut self, number: usize, serial: u64) {
        let client = &self.clients[number];
        let pending = client.pending.values().chain(&client.unprepared).find(|pending| pending.serial == serial);
        if let Some(pending) = pending {
            let text = format!("client {number} at member {}: {:?}", client.member, pending.operation);
            self.fail("every request is answered", text);
        }
    }

    fn finish(&mut self, operation: Operation, outcome: Outcome) {
        let now = self.queue.now();
        self.trace.numbers(now, [operation.statement as u64, operation.begun, outcome.code()]);
        if self.trace.prints() && !matches!(outcome, Outcome::Rows(_)) {
            let text = format!("{operation:?} -> {outcome:?}");
            self.say(|| text);
        }
        if let Err((promise, what)) = self.workload.finish(&operation, outcome, now) {
            self.fail(promise, what);
        }
    }
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Rows(rows) => Outcome::Rows(rows),
            Answer::Done => Outcome::Done,
            Answer::Error(error) => Outcome::Error(error),
        }
    }
}
