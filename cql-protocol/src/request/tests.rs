//! Bytes of every request in every version, both ways.

use super::*;
use crate::notation::{Value, Values, ValuesBuffer, write_string_map};
use crate::version::ProtocolVersion::{V3, V4, V5};
use helenus_model::consistency::Consistency;

const EVERY: [ProtocolVersion; 3] = ProtocolVersion::EVERY;

#[track_caller]
fn check(request: &Request<'_>, versions: &[ProtocolVersion], expected: &[u8]) {
    for &version in versions {
        let mut body = Vec::new();
        request.encode(&mut body, version);
        assert_eq!(body, expected, "{request:?} in {version}");
        assert_eq!(Request::decode(request.opcode(), &body, version).as_ref(), Ok(request), "in {version}");
        body.extend_from_slice(&[1, 2, 3]);
        assert_eq!(Request::decode(request.opcode(), &body, version).as_ref(), Ok(request), "with more after it");
        for size in 0..expected.len() {
            let cut = Request::decode(request.opcode(), &expected[..size], version);
            assert!(cut.is_err(), "{request:?} cut to {size} is {cut:?}");
        }
    }
}

#[test]
fn startup() {
    let mut options = Vec::new();
    write_string_map(&mut options, &[("CQL_VERSION", "3.0.0")]);
    let startup = Startup::decode(&mut Reader::new(&options)).unwrap();
    check(&Request::Startup(startup), &EVERY, b"\0\x01\0\x0bCQL_VERSION\0\x053.0.0");
}

#[test]
fn options() {
    check(&Request::Options, &EVERY, b"");
}

#[test]
fn query() {
    let query = Request::Query(Query { query: "USE k", params: QueryParams::new(Consistency::One) });
    check(&query, &[V3, V4], b"\0\0\0\x05USE k\0\x01\0");
    check(&query, &[V5], b"\0\0\0\x05USE k\0\x01\0\0\0\0");
}

#[test]
fn prepare() {
    check(&Request::Prepare(Prepare { query: "SE", keyspace: None }), &[V3, V4], b"\0\0\0\x02SE");
    check(&Request::Prepare(Prepare { query: "SE", keyspace: None }), &[V5], b"\0\0\0\x02SE\0\0\0\0");
    check(&Request::Prepare(Prepare { query: "SE", keyspace: Some("k") }), &[V5], b"\0\0\0\x02SE\0\0\0\x01\0\x01k");
}

#[test]
fn execute() {
    let values = ValuesBuffer::from_positional([Value::Bytes(b"xy"), Value::Null]);
    let params = QueryParams::new(Consistency::LocalQuorum).with_values(values.values());
    let old = Execute { id: &[1, 2], result_metadata_id: None, params };
    let expected = b"\0\x02\x01\x02\0\x06\x01\0\x02\0\0\0\x02xy\xff\xff\xff\xff";
    check(&Request::Execute(old), &[V3, V4], expected);
    let new = Execute { result_metadata_id: Some(&[3]), ..old };
    let expected = b"\0\x02\x01\x02\0\x01\x03\0\x06\0\0\0\x01\0\x02\0\0\0\x02xy\xff\xff\xff\xff";
    check(&Request::Execute(new), &[V5], expected);
}

#[test]
fn batch() {
    let values = ValuesBuffer::from_positional([Value::Bytes(b"x")]);
    for (version, flags) in [(V3, &[0x20][..]), (V4, &[0x20]), (V5, &[0, 0, 0, 0x20])] {
        let mut statements = BatchBuffer::new(version);
        statements.push(BatchQuery::Text("I"), Values::EMPTY);
        statements.push(BatchQuery::Prepared(&[9]), values.values());
        let mut params = QueryParams::new(Consistency::Two);
        params.timestamp = Some(1);
        let batch = Batch { kind: BatchKind::Unlogged, statements: statements.statements(), params };
        assert_eq!(batch.statements.len(), 2);
        let head = b"\x01\0\x02\0\0\0\0\x01I\0\0\x01\0\x01\x09\0\x01\0\0\0\x01x\0\x02";
        let expected = [head, flags, b"\0\0\0\0\0\0\0\x01"].concat();
        check(&Request::Batch(batch), &[version], &expected);
    }
}

#[test]
fn register() {
    let one = Register { kinds: EventKinds::NONE.with(EventKind::StatusChange) };
    check(&Request::Register(one), &EVERY, b"\0\x01\0\x0dSTATUS_CHANGE");
    let all = b"\0\x03\0\x0fTOPOLOGY_CHANGE\0\x0dSTATUS_CHANGE\0\x0dSCHEMA_CHANGE";
    check(&Request::Register(Register { kinds: EventKinds::ALL }), &EVERY, all);
    let trace = Register { kinds: EventKinds::NONE.with(EventKind::TraceComplete) };
    check(&Request::Register(trace), &[V4, V5], b"\0\x01\0\x0eTRACE_COMPLETE");
}

#[test]
fn auth_response() {
    check(&Request::AuthResponse(AuthResponse { token: Some(b"\0u\0p") }), &EVERY, b"\0\0\0\x04\0u\0p");
    check(&Request::AuthResponse(AuthResponse { token: None }), &EVERY, b"\xff\xff\xff\xff");
    let shown = format!("{:?}", AuthResponse { token: Some(b"\0u\0secret") });
    assert_eq!(shown, "AuthResponse { .. }");
}

#[track_caller]
fn refused(opcode: Opcode, version: ProtocolVersion, body: &[u8], text: &str) {
    assert_eq!(Request::decode(opcode, body, version).unwrap_err().to_string(), text);
}

#[test]
fn malformed_bodies_are_refused_with_cassandras_words() {
    refused(
        Opcode::Query,
        V4,
        b"\0\0\0\x09SELECT",
        "Not enough bytes to read an UTF8 serialized string preceded by its 4 bytes length",
    );
    refused(Opcode::Query, V4, b"\0\0\0\x01S\0\x0b\0", "Unknown code 11 for a consistency level");
    refused(Opcode::Execute, V4, b"\0\x05x", "Not enough bytes to read a byte array preceded by its 2 bytes length");
    refused(Opcode::Execute, V4, b"\0\0\0\x01\x01\0\x01\xff\xff\xff\xf0", "Invalid ByteBuf length -16");
    refused(Opcode::Batch, V4, b"\x03\0\0\0\x01\0", "Invalid BATCH message type 3");
    refused(Opcode::Batch, V4, b"\xff\0\0\0\x01\0", "Invalid BATCH message type -1");
    refused(Opcode::Batch, V4, b"\0\0\x01\x02\0\0", "Invalid query kind in BATCH messages. Must be 0 or 1 but got 2");
    refused(Opcode::Register, V4, b"\0\x01\0\x03FOO", "Invalid value 'FOO' for Type");
    refused(
        Opcode::Register,
        V3,
        b"\0\x01\0\x0eTRACE_COMPLETE",
        "Event TRACE_COMPLETE not valid for protocol version 3/v3",
    );
    refused(Opcode::Ready, V4, b"", "Unexpected RESPONSE message READY, expecting REQUEST");
}

#[test]
fn custom_payload_stands_before_the_message() {
    let body = b"\0\x01\0\x01k\0\0\0\x02\x07\x08\0\0\0\x05USE k\0\x01\0";
    let (payload, request) = decode_body(Opcode::Query, flag::CUSTOM_PAYLOAD, body, V4).unwrap();
    assert_eq!(payload.unwrap().iter().collect::<Vec<_>>(), [("k", Some(&[7, 8][..]))]);
    assert_eq!(request, Request::Query(Query { query: "USE k", params: QueryParams::new(Consistency::One) }));
    let refused = decode_body(Opcode::Query, flag::CUSTOM_PAYLOAD, body, V3).unwrap_err();
    assert_eq!(refused, DecodeError::CustomPayload);
}

#[test]
fn a_million_statements_in_an_empty_body_are_not_allocated() {
    assert!(Request::decode(Opcode::Batch, &[0, 0xff, 0xff, 0], V4).is_err());
}
