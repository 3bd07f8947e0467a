//! Both ends of a connection against each other: every version, every compression, many requests in flight, cut at every
//! byte.

use crate::client_conn::{ClientConn, ClientError};
use crate::compress::Compression;
use crate::notation::{Value, ValuesBuffer};
use crate::opcode::Opcode;
use crate::request::{
    AuthResponse, Batch, BatchBuffer, BatchKind, BatchQuery, EventKinds, Execute, Prepare, Query, QueryParams,
    Register, Request,
};
use crate::response::{
    ColumnSpec, EncodedColumns, ErrorKind, ErrorResponse, Event, Extras, QueryResult, Response, ResponseFrame, RowsHead,
};
use crate::server_conn::{Received, Responses, ServerConfig, ServerConn};
use crate::version::ProtocolVersion;
use helenus_model::consistency::Consistency;
use helenus_model::types::CqlType;
use proptest::prelude::*;
use uuid::Uuid;

const KINDS: [(ProtocolVersion, Option<Compression>); 8] = [
    (ProtocolVersion::V3, None),
    (ProtocolVersion::V3, Some(Compression::Lz4)),
    (ProtocolVersion::V3, Some(Compression::Snappy)),
    (ProtocolVersion::V4, None),
    (ProtocolVersion::V4, Some(Compression::Lz4)),
    (ProtocolVersion::V4, Some(Compression::Snappy)),
    (ProtocolVersion::V5, None),
    (ProtocolVersion::V5, Some(Compression::Lz4)),
];

/// Answers with rows that repeat some values.
fn echo<'a>(responses: &mut Responses, stream: i16, tracing: bool, values: impl Iterator<Item = Option<&'a [u8]>>) {
    let blob = CqlType::Blob;
    let column = ColumnSpec { keyspace: "k", table: "t", name: "v", cql_type: &blob };
    let columns = EncodedColumns::new(&[column], responses.version());
    let mut writer = responses.begin(stream, Opcode::Result);
    let mut rows = writer.rows(&RowsHead::new(&columns));
    for value in values {
        rows.value(value);
    }
    rows.finish(None);
    let extras = Extras { tracing_id: tracing.then(|| Uuid::from_u128(7)), ..Extras::NONE };
    writer.finish(&extras);
}

/// Answers everything there is to answer.
fn serve(server: &mut ServerConn) {
    loop {
        match server.next_request() {
            Received::Request(frame, responses) => {
                let (stream, tracing) = (frame.stream, frame.tracing);
                match frame.request {
                    Request::Startup(_) => responses.authenticate(stream, "a.B"),
                    Request::AuthResponse(auth) => responses.auth_success(stream, auth.token),
                    Request::Register(_) => {
                        responses.ready(stream);
                        assert!(responses.event(&Event::Up("127.0.0.1:1".parse().unwrap())));
                    }
                    Request::Options => unreachable!("answered by the connection"),
                    Request::Query(query) => {
                        let text = std::iter::once(Some(query.query.as_bytes()));
                        let values = query.params.values.iter().map(Value::as_bytes);
                        echo(responses, stream, tracing, text.chain(values));
                    }
                    Request::Execute(execute) => {
                        let values = execute.params.values.iter().map(Value::as_bytes);
                        let id = std::iter::once(Some(execute.id));
                        echo(responses, stream, tracing, id.chain(values));
                    }
                    Request::Batch(batch) => {
                        let count = batch.statements.iter().count().to_string();
                        echo(responses, stream, tracing, std::iter::once(Some(count.as_bytes())));
                    }
                    Request::Prepare(prepare) => {
                        let error = ErrorResponse::new(ErrorKind::SyntaxError, prepare.query);
                        responses.error(stream, &error);
                    }
                }
            }
            Received::Answered => {}
            Received::Incomplete | Received::Closed => break,
        }
    }
    assert!(!server.is_closing());
}

/// What a response says, in short.
fn shown(frame: &ResponseFrame<'_>) -> String {
    let traced = if frame.tracing_id.is_some() { " traced" } else { "" };
    let what = match &frame.response {
        Response::Result(QueryResult::Rows(rows)) => {
            let values: Vec<String> = rows
                .iter()
                .flat_map(|row| row.values())
                .map(|value| match value {
                    Some(value) if value.len() > 20 => format!("{} bytes", value.len()),
                    Some(value) => value.escape_ascii().to_string(),
                    None => "null".to_owned(),
                })
                .collect();
            format!("rows {}", values.join(","))
        }
        Response::Error(error) => format!("error {}", error.message),
        other => other.opcode().name().to_owned(),
    };
    format!("{}{traced} {what}", frame.stream)
}

/// Sends every kind of request, one large if wanted; returns what is expected in answer.
fn send_all(client: &mut ClientConn, large: usize) -> Vec<String> {
    let large_value = vec![7; large];
    let values = ValuesBuffer::from_positional([Value::Bytes(b"x"), Value::Null, Value::Bytes(&large_value)]);
    let params = QueryParams::new(Consistency::One).with_values(values.values());
    let large_shown = if large > 20 { format!("{large} bytes") } else { "\\x07".repeat(large) };
    let mut batch = BatchBuffer::new(client.version());
    batch.push(BatchQuery::Text("INSERT"), values.values());
    batch.push(BatchQuery::Prepared(b"id"), values.values());
    let batch =
        Batch { kind: BatchKind::Logged, statements: batch.statements(), params: QueryParams::new(Consistency::Two) };
    let execute = Execute { id: b"id", result_metadata_id: Some(b"m"), params };
    let mut expected = Vec::new();
    let mut send = |request: Request<'_>, tracing: bool, answer: &str| {
        let stream = client.send(&request, tracing).unwrap();
        let traced = if tracing { " traced" } else { "" };
        expected.push(format!("{stream}{traced} {answer}"));
    };
    send(Request::Options, false, "SUPPORTED");
    send(Request::Register(Register { kinds: EventKinds::ALL }), false, "READY");
    let rows = format!("rows SELECT,x,null,{large_shown}");
    send(Request::Query(Query { query: "SELECT", params }), true, &rows);
    for _ in 0..3 {
        send(Request::Execute(execute), false, &format!("rows id,x,null,{large_shown}"));
    }
    send(Request::Batch(batch), false, "rows 2");
    send(Request::Prepare(Prepare { query: "SELEC", keyspace: None }), false, "error SELEC");
    expected.insert(2, "-1 EVENT".to_owned());
    expected
}

/// Moves bytes from one end to the other in pieces of the sizes given, over and over.
fn pieces<'a>(mut bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut sizes = sizes.iter().cycle();
    while !bytes.is_empty() {
        let size = sizes.next().copied().unwrap_or(usize::MAX).clamp(1, bytes.len());
        let (piece, rest) = bytes.split_at(size);
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

fn to_server(client: &mut ClientConn, server: &mut ServerConn, sizes: &[usize]) {
    let mut bytes = Vec::new();
    client.take_output(&mut bytes);
    for piece in pieces(&bytes, sizes) {
        server.feed(piece);
        serve(server);
    }
}

fn to_client(server: &mut ServerConn, client: &mut ClientConn, sizes: &[usize]) -> Vec<String> {
    let mut bytes = Vec::new();
    server.responses().take_output(&mut bytes);
    let mut received = Vec::new();
    for piece in pieces(&bytes, sizes) {
        client.feed(piece);
        while let Some(frame) = client.next_response().unwrap() {
            received.push(shown(&frame));
        }
    }
    received
}

fn converse(version: ProtocolVersion, compression: Option<Compression>, large: usize, sizes: &[usize]) {
    let mut client = ClientConn::new(version, compression);
    let mut server = ServerConn::new(ServerConfig::default());
    client.startup(&[("DRIVER_NAME", "test")]);
    to_server(&mut client, &mut server, sizes);
    assert_eq!(to_client(&mut server, &mut client, sizes), ["0 AUTHENTICATE"]);
    let token = AuthResponse { token: Some(b"\0u\0p") };
    client.send(&Request::AuthResponse(token), false).unwrap();
    to_server(&mut client, &mut server, sizes);
    assert_eq!(to_client(&mut server, &mut client, sizes), ["0 AUTH_SUCCESS"]);
    assert_eq!(server.version(), Some(version));
    assert_eq!(server.startup_options().unwrap().get("DRIVER_NAME"), Some("test"));
    for _ in 0..2 {
        let expected = send_all(&mut client, large);
        assert_eq!(client.in_flight(), 8);
        to_server(&mut client, &mut server, sizes);
        assert_eq!(to_client(&mut server, &mut client, sizes), expected, "{version} {compression:?}");
        assert_eq!(client.in_flight(), 0);
    }
}

#[test]
fn whole_and_byte_by_byte() {
    for (version, compression) in KINDS {
        converse(version, compression, 5, &[]);
        converse(version, compression, 200, &[1]);
        converse(version, compression, 300_000, &[]);
        converse(version, compression, 300_000, &[9000, 1]);
    }
}

#[test]
fn cut_in_two_at_every_byte() {
    for (version, compression) in KINDS {
        for first in 1..900 {
            converse(version, compression, 40, &[first, usize::MAX]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn cut_anywhere(
        kind in 0..KINDS.len(),
        large in 0..400_000_usize,
        sizes in proptest::collection::vec(1..70_000_usize, 1..20),
    ) {
        let (version, compression) = KINDS[kind];
        converse(version, compression, large, &sizes);
    }
}

#[test]
fn a_socket_reads_into_the_room() {
    let mut client = ClientConn::new(ProtocolVersion::V5, Some(Compression::Lz4));
    let mut server = ServerConn::new(ServerConfig::default());
    client.startup(&[]);
    let sent = client.output().to_vec();
    server.room()[..sent.len()].copy_from_slice(&sent);
    server.received(sent.len());
    client.sent(sent.len());
    serve(&mut server);
    let answer = server.responses().output().to_vec();
    server.responses().sent(answer.len());
    client.room()[..answer.len()].copy_from_slice(&answer);
    client.received(answer.len());
    assert_eq!(shown(&client.next_response().unwrap().unwrap()), "0 AUTHENTICATE");
}

#[test]
fn answers_in_any_order() {
    let mut client = ClientConn::new(ProtocolVersion::V4, None);
    let mut server = ServerConn::new(ServerConfig::default());
    client.startup(&[]);
    server.feed(client.output());
    let Received::Request(frame, responses) = server.next_request() else { panic!() };
    let stream = frame.stream;
    responses.ready(stream);
    let sent = client.output().len();
    client.sent(sent);
    let mut answer = Vec::new();
    server.responses().take_output(&mut answer);
    client.feed(&answer);
    assert_eq!(client.next_response().unwrap().unwrap().response, Response::Ready);
    let query = Request::Query(Query { query: "Q", params: QueryParams::new(Consistency::One) });
    for _ in 0..128 {
        client.send(&query, false).unwrap();
    }
    server.feed(client.output());
    let mut streams = Vec::new();
    while let Received::Request(frame, _) = server.next_request() {
        streams.push(frame.stream);
    }
    assert_eq!(streams, (0..128).collect::<Vec<i16>>());
    for stream in streams.iter().rev() {
        server.responses().void(*stream);
    }
    answer.clear();
    server.responses().take_output(&mut answer);
    client.feed(&answer);
    for stream in streams.iter().rev() {
        assert_eq!(client.next_response().unwrap().unwrap().stream, *stream);
    }
    assert!(client.next_response().unwrap().is_none());
}

#[test]
fn custom_payloads_arrive() {
    for (version, expected) in [(ProtocolVersion::V4, true), (ProtocolVersion::V3, false)] {
        let mut client = ClientConn::new(version, None);
        let mut server = ServerConn::new(ServerConfig::default());
        client.startup(&[]);
        to_server(&mut client, &mut server, &[]);
        let token = AuthResponse { token: None };
        client.send(&Request::AuthResponse(token), false);
        to_server(&mut client, &mut server, &[]);
        let query = Request::Query(Query { query: "Q", params: QueryParams::new(Consistency::One) });
        client.send_with_payload(&query, false, &[("p", Some(b"v"))]).unwrap();
        server.feed(client.output());
        let Received::Request(frame, _) = server.next_request() else { panic!() };
        let payload = frame.custom_payload.map(|payload| payload.iter().collect::<Vec<_>>());
        assert_eq!(payload, expected.then(|| vec![("p", Some(&b"v"[..]))]));
        assert_eq!(frame.request, query);
    }
}

#[test]
fn a_client_learns_of_a_version_that_is_refused() {
    let refused = |bytes: &[u8]| {
        let mut client = ClientConn::new(ProtocolVersion::V4, None);
        client.startup(&[]);
        client.feed(bytes);
        client.next_response().err()
    };
    let five = b"\x85\0\0\0\0\0\0\0\x07\0\0\0\x0a\0\x01m";
    assert_eq!(refused(five), Some(ClientError::Version { number: 5, message: "m".to_owned() }));
    let two = b"\x82\0\0\0\0\0\0\x07\0\0\0\x0a\0\x01m";
    assert_eq!(refused(two), Some(ClientError::Version { number: 2, message: "m".to_owned() }));
    assert!(matches!(refused(b"\x84\0\0\0\x07\0\0\0\0"), Some(ClientError::Frame(_))));
    assert_eq!(refused(b"\x84\0\0"), None);
}

#[test]
fn streams_are_given_out_once() {
    let mut client = ClientConn::new(ProtocolVersion::V4, None);
    for stream in 0..=i16::MAX {
        assert_eq!(client.send(&Request::Options, false), Some(stream));
    }
    assert_eq!(client.send(&Request::Options, false), None);
    assert_eq!(client.in_flight(), 1 << 15);
}
