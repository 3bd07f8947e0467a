//! Bytes of strangers: random, or right ones with some changed. Nothing panics, nothing loops, and memory stays in
//! proportion to what was sent.

use crate::client_conn::ClientConn;
use crate::compress::Compression;
use crate::notation::{Value, ValuesBuffer};
use crate::opcode::Opcode;
use crate::request::{self, Execute, Prepare, Query, QueryParams, Register, Request};
use crate::response::{
    self, Column, ErrorResponse, Event, FailureReason, Failures, Prepared, Progress, QueryResult, Response,
    RowsMetadata, WriteType,
};
use crate::response::{BindMetadata, ErrorKind};
use crate::segment::{SegmentFormat, SegmentHeader, crc32};
use crate::server_conn::{Received, ServerConfig, ServerConn};
use crate::version::ProtocolVersion;
use helenus_model::consistency::Consistency;
use helenus_model::types::CqlType;
use proptest::prelude::*;
use std::sync::Arc;

const MEBIBYTE: usize = 1 << 20;

fn any_version() -> impl Strategy<Value = ProtocolVersion> {
    proptest::sample::select(ProtocolVersion::EVERY.to_vec())
}

fn any_compression() -> impl Strategy<Value = Option<Compression>> {
    proptest::sample::select(vec![None, Some(Compression::Lz4)])
}

fn any_bytes(size_max: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..size_max)
}

/// A connection past the handshake, with the client that made it.
fn connected(version: ProtocolVersion, compression: Option<Compression>) -> (ClientConn, ServerConn) {
    let mut client = ClientConn::new(version, compression);
    let mut server = ServerConn::new(ServerConfig::default());
    client.startup(&[]);
    let mut bytes = Vec::new();
    client.take_output(&mut bytes);
    server.feed(&bytes);
    while drive(&mut server) {}
    bytes.clear();
    server.responses().take_output(&mut bytes);
    client.feed(&bytes);
    assert!(client.next_response().unwrap().is_some());
    (client, server)
}

/// One step; answers what comes. False if nothing more can be done.
fn drive(server: &mut ServerConn) -> bool {
    match server.next_request() {
        Received::Request(frame, responses) => {
            walk(&frame.request);
            let stream = frame.stream;
            match frame.request.opcode() {
                Opcode::AuthResponse => responses.auth_success(stream, None),
                Opcode::Startup | Opcode::Register => responses.ready(stream),
                _ => responses.void(stream),
            }
            true
        }
        Received::Answered => true,
        Received::Incomplete | Received::Closed => false,
    }
}

/// Looks at all that a request holds.
fn walk(request: &Request<'_>) {
    let walked = match request {
        Request::Query(query) => query.params.values.iter_named().count() == query.params.values.len(),
        Request::Execute(execute) => execute.params.values.iter().count() == execute.params.values.len(),
        Request::Batch(batch) => {
            let values = batch.statements.iter().all(|s| s.values.iter().count() == s.values.len());
            values && batch.statements.iter().count() == batch.statements.len()
        }
        Request::Startup(startup) => startup.options.iter().count() < 1 << 16,
        _ => true,
    };
    assert!(walked, "what was checked once is there to the last element: {request:?}");
}

/// Feeds bytes in pieces and works them off; fails if that takes more steps or memory than it should.
fn withstands(server: &mut ServerConn, bytes: &[u8], piece_size: usize) -> Result<(), TestCaseError> {
    for piece in bytes.chunks(piece_size.max(1)) {
        server.feed(piece);
        let mut steps = 0;
        while drive(server) {
            steps += 1;
            prop_assert!(steps <= piece.len() + bytes.len() + 16, "too many steps");
        }
    }
    prop_assert!(server.allocated() <= 16 * bytes.len() + MEBIBYTE, "{} bytes", server.allocated());
    Ok(())
}

/// Changes some bytes of a message.
fn mutate(bytes: &mut [u8], changes: &[(usize, u8)]) {
    for (position, value) in changes {
        if let Some(length) = bytes.len().checked_sub(1).map(|last| last + 1) {
            bytes[position % length] = *value;
        }
    }
}

fn any_changes() -> impl Strategy<Value = Vec<(usize, u8)>> {
    proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6)
}

/// Some right requests.
fn requests(client: &mut ClientConn) {
    let values = ValuesBuffer::from_positional([Value::Bytes(b"abc"), Value::Null, Value::Unset]);
    let mut params = QueryParams::new(Consistency::Quorum).with_values(values.values());
    params.page_size = Some(100);
    params.paging_state = Some(b"state");
    let query = Query { query: "SELECT a FROM b WHERE c = ?", params };
    for request in [
        Request::Query(query),
        Request::Execute(Execute { id: b"0123456789abcdef", result_metadata_id: Some(b"m"), params }),
        Request::Prepare(Prepare { query: "INSERT", keyspace: Some("k") }),
        Request::Register(Register { kinds: request::EventKinds::ALL }),
        Request::Options,
    ] {
        client.send(&request, false);
    }
}

/// A segment around any payload, with checksums that are right.
fn sealed(payload: &[u8], raw_size: usize, self_contained: bool, format: SegmentFormat) -> Vec<u8> {
    let mut bytes = vec![0; format.header_size()];
    let header = SegmentHeader { wire_size: payload.len(), raw_size, self_contained };
    header.encode(&mut bytes, format);
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&crc32(payload).to_le_bytes());
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_to_a_fresh_server(bytes in any_bytes(400), piece_size in 1..400_usize) {
        withstands(&mut ServerConn::new(ServerConfig::default()), &bytes, piece_size)?;
    }

    #[test]
    fn random_bytes_to_a_ready_server(
        version in any_version(),
        compression in any_compression(),
        bytes in any_bytes(400),
        piece_size in 1..400_usize,
    ) {
        withstands(&mut connected(version, compression).1, &bytes, piece_size)?;
    }

    #[test]
    fn changed_requests(
        version in any_version(),
        compression in any_compression(),
        changes in any_changes(),
        piece_size in 1..600_usize,
    ) {
        let (mut client, mut server) = connected(version, compression);
        requests(&mut client);
        let mut bytes = client.output().to_vec();
        mutate(&mut bytes, &changes);
        withstands(&mut server, &bytes, piece_size)?;
    }

    #[test]
    fn changed_requests_in_right_segments(
        changes in any_changes(),
        cut in any::<usize>(),
        self_contained in any::<bool>(),
        piece_size in 1..600_usize,
    ) {
        // The envelopes of v5, from a client that is not framing yet.
        let mut client = ClientConn::new(ProtocolVersion::V5, None);
        requests(&mut client);
        let mut bytes = client.output().to_vec();
        mutate(&mut bytes, &changes);
        let (first, second) = bytes.split_at(cut % bytes.len());
        let format = SegmentFormat::Uncompressed;
        let sent = [sealed(first, 0, self_contained, format), sealed(second, 0, self_contained, format)].concat();
        let mut server = connected(ProtocolVersion::V5, None).1;
        withstands(&mut server, &sent, piece_size)?;
    }

    #[test]
    fn random_lz4_in_right_segments(
        payload in any_bytes(300),
        raw_size in 0..131_072_usize,
        self_contained in any::<bool>(),
    ) {
        let sent = sealed(&payload, raw_size, self_contained, SegmentFormat::Lz4);
        let mut server = connected(ProtocolVersion::V5, Some(Compression::Lz4)).1;
        withstands(&mut server, &sent, usize::MAX)?;
    }

    #[test]
    fn random_bodies(
        version in any_version(),
        code in 0..17_u8,
        flags in any::<u8>(),
        body in any_bytes(120),
    ) {
        if let Some(opcode) = Opcode::from_code(code) {
            if let Ok((_, request)) = request::decode_body(opcode, flags, &body, version) {
                walk(&request);
            }
            let _ = response::decode_body(opcode, flags, 1, &body, version);
        }
    }

    #[test]
    fn random_bytes_to_a_client(
        version in any_version(),
        compression in any_compression(),
        bytes in any_bytes(400),
    ) {
        let (mut client, _) = connected(version, compression);
        client.feed(&bytes);
        for _ in 0..bytes.len() {
            if !matches!(client.next_response(), Ok(Some(_))) {
                break;
            }
        }
    }

    #[test]
    fn responses_go_both_ways(version in any_version(), response in any_response()) {
        let mut body = Vec::new();
        response.encode(&mut body, version);
        let read = Response::decode(response.opcode(), &body, version).unwrap();
        let mut again = Vec::new();
        read.encode(&mut again, version);
        prop_assert_eq!(&again, &body);
        // What the newest version reads is what was sent.
        if version == ProtocolVersion::V5 {
            prop_assert_eq!(read, response);
        }
    }

    #[test]
    fn requests_go_both_ways(
        version in any_version(),
        query in ".{0,40}",
        values in proptest::collection::vec(proptest::option::of(any_bytes(20)), 0..6),
        names in any::<bool>(),
        params in any_params(),
    ) {
        let mut buffer = if names { ValuesBuffer::named() } else { ValuesBuffer::positional() };
        for (position, value) in values.iter().enumerate() {
            let value = value.as_deref().map_or(Value::Null, Value::Bytes);
            buffer.push(&format!("n{position}"), value);
        }
        let mut params = params;
        if !values.is_empty() {
            params.values = buffer.values();
        }
        if version < ProtocolVersion::V5 {
            params.keyspace = None;
            params.now_in_seconds = None;
        }
        let id = (version >= ProtocolVersion::V5).then_some(&b"m"[..]);
        for request in [
            Request::Query(Query { query: &query, params }),
            Request::Execute(Execute { id: b"id", result_metadata_id: id, params }),
            Request::Prepare(Prepare { query: &query, keyspace: params.keyspace }),
        ] {
            let mut body = Vec::new();
            request.encode(&mut body, version);
            prop_assert_eq!(Request::decode(request.opcode(), &body, version), Ok(request));
        }
    }
}

fn any_consistency() -> impl Strategy<Value = Consistency> + Clone {
    proptest::sample::select(Consistency::EVERY.to_vec())
}

fn any_params() -> impl Strategy<Value = QueryParams<'static>> {
    let optional = (
        proptest::option::of(any::<i32>()),
        proptest::option::of(Just(&b"paging"[..])),
        proptest::option::of(any_consistency()),
        proptest::option::of(i64::MIN + 1..=i64::MAX),
        proptest::option::of(Just("ks")),
        proptest::option::of(0..=i64::from(u32::MAX)),
    );
    (any_consistency(), any::<bool>(), optional).prop_map(|(consistency, skip_metadata, optional)| {
        let (page_size, paging_state, serial_consistency, timestamp, keyspace, now_in_seconds) = optional;
        QueryParams {
            skip_metadata,
            page_size,
            paging_state,
            serial_consistency,
            timestamp,
            keyspace,
            now_in_seconds,
            ..QueryParams::new(consistency)
        }
    })
}

fn any_type() -> impl Strategy<Value = CqlType> {
    let simple = prop_oneof![
        Just(CqlType::Int),
        Just(CqlType::Text),
        Just(CqlType::Duration),
        Just(CqlType::Date),
        Just(CqlType::Custom(Arc::from("a.B"))),
    ];
    simple.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|element| CqlType::List { element: Arc::new(element), frozen: false }),
            inner.clone().prop_map(|element| CqlType::Set { element: Arc::new(element), frozen: false }),
            (inner.clone(), inner.clone()).prop_map(|(key, value)| CqlType::Map {
                key: Arc::new(key),
                value: Arc::new(value),
                frozen: false,
            }),
            proptest::collection::vec(inner, 0..4).prop_map(|elements| CqlType::Tuple(Arc::from(elements))),
        ]
    })
}

fn any_column() -> impl Strategy<Value = Column> {
    ("[ab]", "[cd]", ".{0,8}", any_type()).prop_map(|(keyspace, table, name, cql_type)| Column {
        keyspace: keyspace.into(),
        table: table.into(),
        name,
        cql_type,
    })
}

fn any_metadata() -> impl Strategy<Value = RowsMetadata> {
    let columns = proptest::collection::vec(any_column(), 0..5);
    (columns, proptest::option::of(any_bytes(9)), proptest::option::of(any_bytes(9))).prop_map(
        |(columns, paging_state, new_metadata_id)| RowsMetadata {
            paging_state,
            new_metadata_id,
            ..RowsMetadata::of_columns(columns)
        },
    )
}

fn any_error_kind() -> impl Strategy<Value = ErrorKind> {
    let progress = (any_consistency(), any::<i32>(), any::<i32>())
        .prop_map(|(consistency, received, block_for)| Progress { consistency, received, block_for });
    let reason =
        (any::<[u8; 4]>(), any::<u16>()).prop_map(|(address, code)| (address.into(), FailureReason::from_code(code)));
    let failures = proptest::collection::vec(reason, 0..4).prop_map(Failures::Reasons);
    let write_type = proptest::sample::select(WriteType::EVERY.to_vec());
    prop_oneof![
        Just(ErrorKind::ServerError),
        Just(ErrorKind::CdcWriteFailure),
        (any_consistency(), any::<i32>(), any::<i32>())
            .prop_map(|(consistency, required, alive)| { ErrorKind::Unavailable { consistency, required, alive } }),
        (progress.clone(), write_type.clone(), any::<u16>()).prop_map(|(progress, write_type, count)| {
            let contentions = (write_type == WriteType::Cas).then_some(count);
            ErrorKind::WriteTimeout { progress, write_type, contentions }
        }),
        (progress.clone(), failures.clone(), any::<bool>())
            .prop_map(|(progress, failures, data_present)| ErrorKind::ReadFailure { progress, failures, data_present }),
        (progress.clone(), failures, write_type).prop_map(|(progress, failures, write_type)| {
            ErrorKind::WriteFailure { progress, failures, write_type }
        }),
        progress.prop_map(|progress| ErrorKind::CasWriteUnknown { progress }),
        (".{0,9}", ".{0,9}").prop_map(|(keyspace, table)| ErrorKind::AlreadyExists { keyspace, table }),
        any_bytes(20).prop_map(|id| ErrorKind::Unprepared { id }),
    ]
}

fn any_response() -> impl Strategy<Value = Response<'static>> {
    let prepared = (any_metadata(), proptest::collection::vec(any_column(), 0..5)).prop_map(|(result, columns)| {
        let bind = BindMetadata { partition_key_indexes: Vec::new(), columns };
        let id = b"0123456789abcdef".to_vec();
        let result_metadata_id = Some(id.clone());
        Response::Result(QueryResult::Prepared(Prepared { id, result_metadata_id, bind, result }))
    });
    prop_oneof![
        (any_error_kind(), ".{0,30}").prop_map(|(kind, text)| Response::Error(ErrorResponse::new(kind, text))),
        prepared,
        (any::<[u8; 16]>(), any::<u16>())
            .prop_map(|(address, port)| Response::Event(Event::Down((address, port).into()))),
    ]
}

#[test]
fn a_large_claim_without_its_bytes_costs_nothing() {
    let mut server = connected(ProtocolVersion::V4, None).1;
    server.feed(&[4, 0, 0, 1, 7, 0, 0xff, 0xff, 0xf0]);
    assert!(!drive(&mut server));
    assert!(server.allocated() < MEBIBYTE / 8);
    let mut server = connected(ProtocolVersion::V5, None).1;
    let first = sealed(&[5, 0, 0, 1, 7, 0, 0xff, 0xff, 0xf0], 0, false, SegmentFormat::Uncompressed);
    server.feed(&first);
    assert!(!drive(&mut server));
    assert!(server.allocated() < MEBIBYTE / 8);
}
