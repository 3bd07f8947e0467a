//! One client's connection, and what its requests are answered with.

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use helenus_cql_protocol::opcode::Opcode;
use helenus_cql_protocol::request::{Request, RequestFrame};
use helenus_cql_protocol::response::{
    EncodedColumns, ErrorKind, ErrorResponse, Extras, Prepared, QueryResult, Response, RowsHead, SchemaChange,
};
use helenus_cql_protocol::server_conn::{Received, Responses, ServerConn};

use super::addresses::AddressId;
use super::statement::{PreparedStatement, column_specs};
use super::{Coordinator, SlotId, errors};
use crate::coordinator::operation::{Kind, Operation};
use crate::task::{Task, TaskReply};

/// A client that leaves so many bytes unread gets no more of its requests read.
pub(super) const UNSENT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Class that AUTHENTICATE names.
const AUTHENTICATOR: &str = "org.apache.cassandra.auth.PasswordAuthenticator";

/// A client's connection.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) conn: ServerConn,
    pub(super) session: Session,
    /// It stands in the list of those with output.
    pub(super) dirty: bool,
}

/// What a connection remembers between requests.
#[derive(Debug)]
pub(super) struct Session {
    /// For the logs.
    pub(super) address: SocketAddr,
    /// What its requests hold in memory is counted there.
    pub(super) address_id: AddressId,
    pub(super) keyspace: Option<Arc<str>>,
    pub(super) role: Option<Arc<str>>,
    /// It was warned of preparing statements whose keyspace is the one in use.
    pub(super) told_of_use: Cell<bool>,
}

impl Session {
    fn new(address: SocketAddr, address_id: AddressId) -> Self {
        Session { address, address_id, keyspace: None, role: None, told_of_use: Cell::new(false) }
    }
}

impl Client {
    pub(super) fn new(conn: ServerConn, address: SocketAddr, address_id: AddressId) -> Self {
        Client { conn, session: Session::new(address, address_id), dirty: false }
    }
}

/// Who gets an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    pub(super) client: SlotId,
    pub(super) stream: i16,
    /// Its address.
    pub(super) address: AddressId,
    /// When the request began, monotonic microseconds.
    pub(super) began: u64,
}

/// An answer.
#[derive(Debug)]
pub(super) enum Reply {
    Void,
    Rows(Box<RowsReply>),
    SetKeyspace(String),
    SchemaChange(SchemaChange),
    Prepared(Box<Prepared>),
    LoggedIn(Arc<str>),
    Error(ErrorResponse),
}

/// The columns of rows.
#[derive(Debug)]
pub(crate) enum ReplyColumns {
    /// Those of a statement.
    Statement(Arc<PreparedStatement>),
    /// Columns of their own.
    Own(Vec<helenus_query::spec::ColumnSpec>),
}

/// Rows encoded value by value.
#[derive(Debug)]
pub(crate) struct RowsReply {
    pub(crate) columns: ReplyColumns,
    pub(crate) rows: Vec<u8>,
    pub(crate) count: u32,
    pub(crate) paging_state: Option<Vec<u8>>,
    pub(crate) skip_metadata: bool,
    /// The client's idea of the metadata is old (v5).
    pub(crate) metadata_changed: bool,
}

/// How a request went.
pub(super) enum Handled {
    /// Answered now.
    Reply(Reply, Vec<String>),
    /// The answer comes later.
    Later,
}

impl From<ErrorResponse> for Handled {
    fn from(error: ErrorResponse) -> Self {
        Handled::Reply(Reply::Error(error), Vec::new())
    }
}

/// Writes an answer.
pub(super) fn send_reply(responses: &mut Responses, stream: i16, reply: &Reply, warnings: Vec<String>) {
    let extras = if warnings.is_empty() { Extras::NONE } else { Extras { warnings, ..Extras::NONE } };
    match reply {
        Reply::Void if extras.is_empty() => responses.void(stream),
        Reply::Void => responses.send(stream, &Response::Result(QueryResult::Void), &extras),
        Reply::Rows(rows) => {
            let mut writer = responses.begin(stream, Opcode::Result);
            let own;
            let (columns, id) = match &rows.columns {
                ReplyColumns::Statement(statement) => {
                    (statement.columns_for(writer.version()), Some(&statement.result_metadata_id()[..]))
                }
                ReplyColumns::Own(columns) => {
                    own = EncodedColumns::new(&column_specs(columns), writer.version());
                    (&own, None)
                }
            };
            let head = RowsHead {
                columns,
                skip_metadata: rows.skip_metadata,
                new_metadata_id: id.filter(|_| rows.metadata_changed),
            };
            let mut out = writer.rows(&head);
            out.raw_rows(&rows.rows, rows.count);
            out.finish(rows.paging_state.as_deref());
            writer.finish(&extras);
        }
        Reply::SetKeyspace(keyspace) => {
            responses.send(stream, &Response::Result(QueryResult::SetKeyspace(keyspace)), &extras);
        }
        Reply::SchemaChange(change) => {
            responses.send(stream, &Response::Result(QueryResult::SchemaChange(change.clone())), &extras);
        }
        Reply::Prepared(prepared) => {
            responses.send(stream, &Response::Result(QueryResult::Prepared((**prepared).clone())), &extras);
        }
        Reply::LoggedIn(_) => responses.auth_success(stream, None),
        Reply::Error(error) if extras.is_empty() => responses.error(stream, error),
        Reply::Error(error) => responses.send(stream, &Response::Error(error.clone()), &extras),
    }
}

impl Coordinator {
    /// Handles every whole request that a client has sent.
    pub(super) fn handle_client(&mut self, id: SlotId) {
        let Some(mut client) = self.clients.take(id) else { return };
        let Client { conn, session, .. } = &mut client;
        loop {
            match conn.next_request() {
                Received::Request(frame, responses) => self.handle_request(id, session, &frame, responses),
                Received::Answered => {}
                Received::Incomplete | Received::Closed => break,
            }
        }
        let has_output = client.conn.responses().has_output() || client.conn.is_closing();
        self.clients.put_back(id, client);
        if has_output {
            self.mark_client(id);
        }
    }

    #[inline]
    fn handle_request(
        &mut self,
        client: SlotId,
        session: &mut Session,
        frame: &RequestFrame<'_>,
        responses: &mut Responses,
    ) {
        self.shared.stats.requests.fetch_add(1, Ordering::Relaxed);
        let began = self.now.monotonic_micros;
        let asker = Asker { client, stream: frame.stream, address: session.address_id, began };
        let handled = match &frame.request {
            Request::Execute(_) | Request::Query(_) | Request::Batch(_) if self.is_overloaded(session.address_id) => {
                errors::overloaded().into()
            }
            Request::Execute(execute) => self.execute(asker, session, execute),
            Request::Query(query) => self.query(asker, session, query),
            Request::Batch(batch) => self.batch(asker, session, batch),
            Request::Prepare(prepare) => self.prepare(session, prepare),
            Request::Startup(_) => {
                self.startup(session, frame.stream, responses);
                return;
            }
            Request::AuthResponse(response) => self.authenticate(asker, response.token),
            Request::Register(_) => {
                responses.ready(frame.stream);
                return;
            }
            // The connection answers OPTIONS itself.
            Request::Options => return,
        };
        if let Handled::Reply(reply, warnings) = handled {
            let warnings = self.with_guard_warnings(asker, warnings);
            if let Reply::SetKeyspace(keyspace) = &reply {
                session.keyspace = Some(keyspace.as_str().into());
            }
            send_reply(responses, frame.stream, &reply, warnings);
            self.recycle(reply);
        }
    }

    /// Keeps a reply's buffer for the next one.
    fn recycle(&mut self, reply: Reply) {
        if let Reply::Rows(rows) = reply
            && rows.rows.capacity() <= 1 << 20
        {
            self.scratch.rows = rows.rows;
            self.scratch.rows.clear();
        }
    }

    /// Answers a request that had to wait.
    pub(super) fn respond(&mut self, asker: Asker, reply: Reply, warnings: Vec<String>) {
        let warnings = self.with_guard_warnings(asker, warnings);
        if let Some(client) = self.clients.get_mut(asker.client) {
            match &reply {
                Reply::SetKeyspace(keyspace) => client.session.keyspace = Some(keyspace.as_str().into()),
                Reply::LoggedIn(role) => client.session.role = Some(Arc::clone(role)),
                _ => {}
            }
            send_reply(client.conn.responses(), asker.stream, &reply, warnings);
            self.mark_client(asker.client);
        }
        let logged_in = matches!(reply, Reply::LoggedIn(_));
        self.recycle(reply);
        if logged_in {
            // Requests that came behind the login were not read until now.
            self.handle_client(asker.client);
        }
    }

    fn startup(&mut self, session: &mut Session, stream: i16, responses: &mut Responses) {
        if self.shared.config.password_authentication {
            responses.authenticate(stream, AUTHENTICATOR);
        } else {
            session.role = Some("anonymous".into());
            responses.ready(stream);
        }
    }

    fn authenticate(&mut self, asker: Asker, token: Option<&[u8]>) -> Handled {
        let Some((name, password)) = token.and_then(parse_token) else {
            let text = "Error decoding SASL token: expected user name and password, separated by zero bytes";
            return ErrorResponse::new(ErrorKind::BadCredentials, text).into();
        };
        let role = self.view.metadata.roles.get(&name).filter(|role| role.can_login);
        let hash = role.and_then(|role| role.salted_hash.clone());
        let deadline = self.deadline(self.shared.config.read_timeout_millis);
        let operation = self.begin(Operation::new(Some(asker), deadline, Kind::Login { name: name.into() }));
        self.tasks.push(Task::CheckPassword { hash, password, reply: TaskReply::Operation(operation, 0) });
        Handled::Later
    }

    /// A password was checked.
    pub(super) fn login_done(&mut self, id: SlotId, fits: bool) {
        self.count_failure(&self.shared.stats.logins);
        let Some(operation) = self.end(id) else { return };
        let (Some(asker), Kind::Login { name }) = (operation.asker, operation.kind) else { return };
        let reply = if fits {
            Reply::LoggedIn(name)
        } else {
            let address = self.clients.get_mut(asker.client).map(|client| client.session.address);
            tracing::warn!(role = %name, ?address, "a login failed");
            let text = format!("Provided username {name} and/or password are incorrect");
            Reply::Error(ErrorResponse::new(ErrorKind::BadCredentials, text))
        };
        self.respond(asker, reply, Vec::new());
    }
}

/// User and password of a SASL PLAIN token: `authzid 0 user 0 password` (RFC 4616).
fn parse_token(token: &[u8]) -> Option<(String, String)> {
    let mut parts = token.rsplitn(3, |byte| *byte == 0);
    let password = parts.next()?;
    let user = parts.next()?;
    parts.next()?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    Some((text(user)?, text(password)?)).filter(|(user, _)| !user.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_split_at_their_last_zeros() {
        let check = |token: &[u8], expected: Option<(&str, &str)>| {
            let expected = expected.map(|(user, password)| (user.to_owned(), password.to_owned()));
            assert_eq!(parse_token(token), expected, "{token:?}");
        };
        check(b"\0user\0pass", Some(("user", "pass")));
        check(b"zid\0user\0", Some(("user", "")));
        check(b"\0\0pass", None);
        check(b"user\0pass", None);
        check(b"", None);
        check(b"\0\xff\0pass", None);
    }
}
