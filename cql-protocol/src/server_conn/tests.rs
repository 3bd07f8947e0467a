//! A server's connection: versions, order of messages, limits, damage. Expected bytes were recorded from Apache
//! Cassandra 5.0.6 where it answers at all.

use super::*;
use crate::compress::Compression;
use crate::response::{ErrorKind, ErrorResponse};
use crate::segment::{SegmentFormat, SegmentHeader, crc32};

/// A frame with a body.
fn frame(version: u8, opcode: u8, stream: i16, body: &[u8]) -> Vec<u8> {
    flagged(version, opcode, stream, 0, body)
}

fn flagged(version: u8, opcode: u8, stream: i16, flags: u8, body: &[u8]) -> Vec<u8> {
    let length = i32::try_from(body.len()).unwrap();
    let header = FrameHeader { version: version & 0x7f, response: version > 0x7f, flags, stream, opcode, length };
    [&header.encode()[..], body].concat()
}

/// A segment around envelopes.
fn segment(payload: &[u8], self_contained: bool) -> Vec<u8> {
    let mut bytes = vec![0; 6];
    SegmentHeader { wire_size: payload.len(), raw_size: 0, self_contained }
        .encode(&mut bytes, SegmentFormat::Uncompressed);
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&crc32(payload).to_le_bytes());
    bytes
}

const STARTUP: &[u8] = b"\0\x01\0\x0bCQL_VERSION\0\x053.0.0";

/// An ERROR of code PROTOCOL_ERROR.
fn protocol_error(version: u8, stream: i16, text: &str) -> Vec<u8> {
    error(version, stream, 0x0a, text)
}

fn error(version: u8, stream: i16, code: u32, text: &str) -> Vec<u8> {
    let size = u16::try_from(text.len()).unwrap().to_be_bytes();
    frame(0x80 | version, 0, stream, &[&code.to_be_bytes()[..], &size, text.as_bytes()].concat())
}

/// Lets a connection read some bytes; requests are answered with READY or with VOID.
fn exchange(connection: &mut ServerConn, bytes: &[u8]) -> Vec<u8> {
    connection.feed(bytes);
    loop {
        match connection.next_request() {
            Received::Request(frame, responses) => match frame.request {
                Request::Startup(_) | Request::Register(_) => responses.ready(frame.stream),
                Request::AuthResponse(_) => responses.auth_success(frame.stream, None),
                _ => responses.void(frame.stream),
            },
            Received::Answered => {}
            Received::Incomplete | Received::Closed => break,
        }
    }
    let mut output = Vec::new();
    connection.responses().take_output(&mut output);
    output
}

fn fresh() -> ServerConn {
    ServerConn::new(ServerConfig::default())
}

fn ready(version: u8) -> ServerConn {
    let mut connection = fresh();
    let answer = exchange(&mut connection, &frame(version, 1, 0, STARTUP));
    assert_eq!(answer, frame(0x80 | version, 2, 0, b""));
    assert_eq!(connection.stage(), Stage::Ready);
    assert_eq!(connection.version().map(ProtocolVersion::number), Some(version));
    connection
}

#[track_caller]
fn check(connection: &mut ServerConn, sent: &[u8], answer: &[u8], closing: bool) {
    let output = exchange(connection, sent);
    assert_eq!(output.escape_ascii().to_string(), answer.escape_ascii().to_string());
    assert_eq!(connection.is_closing(), closing);
}

const SUPPORTED: &str = "supported versions are (3/v3, 4/v4, 5/v5, 6/v6-beta)";

#[test]
fn older_versions_where_they_are_not_allowed() {
    for number in [3, 4] {
        let config = ServerConfig { allow_older_versions: false, ..ServerConfig::default() };
        let mut connection = ServerConn::new(config);
        let answer = protocol_error(5, 0, &format!("Rejecting Protocol Version {number}/v{number} < 5/v5."));
        check(&mut connection, &frame(number, 5, 7, b""), &answer, false);
        check(&mut connection, &frame(number, 1, 8, STARTUP), &answer, false);
        check(&mut connection, &frame(5, 1, 9, STARTUP), &frame(0x85, 2, 9, b""), false);
    }
}

#[test]
fn versions_that_are_not_spoken() {
    for number in [1, 2] {
        let text = format!("Invalid or unsupported protocol version ({number}); {SUPPORTED}");
        let new = protocol_error(number, 0, &text);
        let old = [&new[..2], &new[3..]].concat();
        check(&mut fresh(), &[number, 0, 3, 5, 0, 0, 0, 0], &old, false);
    }
    // A STARTUP of version 1, whole and in pieces, then one of version 4.
    let mut sent = frame(1, 1, 0, STARTUP);
    sent.remove(3);
    let text = format!("Invalid or unsupported protocol version (1); {SUPPORTED}");
    let mut refusal = protocol_error(1, 0, &text);
    refusal.remove(3);
    for cut in [8, 12, sent.len()] {
        let mut connection = fresh();
        check(&mut connection, &sent[..cut], &refusal, false);
        check(&mut connection, &sent[cut..], b"", false);
        check(&mut connection, &frame(4, 1, 4, STARTUP), &frame(0x84, 2, 4, b""), false);
    }
    for number in [0, 7, 0x41, 0x42, 0x7f] {
        let text = format!("Invalid or unsupported protocol version ({number}); {SUPPORTED}");
        let mut connection = fresh();
        check(&mut connection, &frame(number, 5, 9, b""), &protocol_error(5, 0, &text), false);
        assert!(exchange(&mut connection, &frame(4, 5, 3, b"")).starts_with(&[0x84, 0, 0, 3, 6]));
        let sent = frame(number, 1, 9, STARTUP);
        check(&mut connection, &sent, &protocol_error(5, 0, &text), false);
        let answer = protocol_error(5, 0, &text);
        check(&mut connection, &sent[..12], &answer, false);
        check(&mut connection, &sent[12..], b"", false);
        check(&mut connection, &frame(5, 1, 4, STARTUP), &frame(0x85, 2, 4, b""), false);
    }
}

#[test]
fn version_6() {
    let text = "Beta version of the protocol used (6/v6-beta), but USE_BETA flag is unset";
    let mut answer = protocol_error(6, 0, text);
    answer[1] = 0x10;
    let mut connection = fresh();
    check(&mut connection, &frame(6, 1, 9, STARTUP), &answer, false);
    let text = "not supported yet: native protocol version 6/v6-beta";
    check(&mut connection, &flagged(6, 1, 9, 0x10, STARTUP), &protocol_error(5, 9, text), false);
    check(&mut connection, &frame(5, 1, 4, STARTUP), &frame(0x85, 2, 4, b""), false);
    check(&mut fresh(), &[6, 0, 0], b"", false);
}

#[test]
fn only_startup_and_options_come_first() {
    let mut connection = fresh();
    for (opcode, name) in
        [(7, "QUERY"), (9, "PREPARE"), (10, "EXECUTE"), (11, "REGISTER"), (13, "BATCH"), (15, "AUTH_RESPONSE")]
    {
        let text = format!("Unexpected message {name}, expecting STARTUP or OPTIONS");
        check(&mut connection, &frame(4, opcode, 5, b""), &protocol_error(4, 5, &text), false);
    }
    let text = "Unexpected message QUERY, expecting STARTUP or OPTIONS";
    check(&mut connection, &frame(3, 7, 5, b""), &protocol_error(3, 5, text), false);
    assert_eq!((connection.stage(), connection.version()), (Stage::Established, None));
    assert!(exchange(&mut connection, &frame(3, 5, 1, b"")).starts_with(&[0x83, 0, 0, 1, 6]));
}

#[test]
fn startup_is_checked_and_may_be_tried_again() {
    let mut connection = fresh();
    let text = "Missing value CQL_VERSION in STARTUP message";
    check(&mut connection, &frame(4, 1, 5, b"\0\0"), &protocol_error(4, 5, text), false);
    let snappy = b"\0\x02\0\x0bCQL_VERSION\0\x053.0.0\0\x0bCOMPRESSION\0\x06snappy";
    let text = "Snappy compression is not supported in protocol V5";
    check(&mut connection, &frame(5, 1, 5, snappy), &protocol_error(5, 5, text), false);
    assert_eq!(connection.startup_options(), None);
    check(&mut connection, &frame(4, 1, 5, snappy), &frame(0x84, 2, 5, b""), false);
    assert_eq!(connection.startup_options().unwrap().get("COMPRESSION"), Some("snappy"));
    let text = "Unexpected message STARTUP, the connection is already initialized";
    check(&mut connection, &frame(4, 1, 6, STARTUP), &protocol_error(4, 6, text), false);
}

#[test]
fn nothing_is_read_before_startup_is_answered() {
    let mut connection = fresh();
    let mut bytes = frame(5, 1, 5, STARTUP);
    bytes.extend_from_slice(&segment(&frame(5, 11, 6, b"\0\0"), true));
    connection.feed(&bytes);
    assert!(matches!(connection.next_request(), Received::Request(..)));
    assert!(matches!(connection.next_request(), Received::Incomplete));
    connection.responses().error(5, &ErrorResponse::new(ErrorKind::Overloaded, ""));
    assert_eq!(connection.stage(), Stage::Established);
    let mut connection = fresh();
    connection.feed(&bytes);
    assert!(matches!(connection.next_request(), Received::Request(..)));
    connection.responses().ready(5);
    let answer = [frame(0x85, 2, 5, b""), segment(&frame(0x85, 2, 6, b""), true)].concat();
    check(&mut connection, b"", &answer, false);
}

#[test]
fn authentication() {
    let mut connection = fresh();
    connection.feed(&frame(4, 1, 0, STARTUP));
    assert!(matches!(connection.next_request(), Received::Request(..)));
    connection.responses().authenticate(0, "a.B");
    assert_eq!(connection.stage(), Stage::Authenticating);
    check(&mut connection, b"", &frame(0x84, 3, 0, b"\0\x03a.B"), false);
    for (opcode, name) in [(7, "QUERY"), (5, "OPTIONS"), (1, "STARTUP")] {
        let text = format!("Unexpected message {name}, expecting SASL_RESPONSE");
        check(&mut connection, &frame(4, opcode, 5, b""), &protocol_error(4, 5, &text), false);
    }
    connection.feed(&frame(4, 15, 1, b"\0\0\0\x01x"));
    assert!(matches!(connection.next_request(), Received::Request(..)));
    connection.responses().send(1, &Response::AuthChallenge(Some(b"y")), &Extras::NONE);
    assert_eq!(connection.stage(), Stage::Authenticating);
    connection.feed(&frame(4, 15, 1, b"\0\0\0\x01x"));
    assert!(matches!(connection.next_request(), Received::Request(..)));
    connection.responses().error(1, &ErrorResponse::new(ErrorKind::BadCredentials, "no"));
    assert_eq!(connection.stage(), Stage::Authenticating);
    exchange(&mut connection, &frame(4, 15, 1, b"\0\0\0\x01x"));
    assert_eq!(connection.stage(), Stage::Ready);
    let text = "Unexpected message AUTH_RESPONSE, the connection is already initialized";
    check(&mut connection, &frame(4, 15, 1, b"\0\0\0\x01x"), &protocol_error(4, 1, text), false);
}

#[test]
fn a_stranger_sends_no_large_bodies() {
    let mut connection = fresh();
    let limit = i32::try_from(UNAUTHENTICATED_BODY_SIZE_MAX).unwrap();
    let header = FrameHeader { version: 4, response: false, flags: 0, stream: 5, opcode: 1, length: limit };
    let output = exchange(&mut connection, &header.encode());
    assert!(output.starts_with(&[0x84, 0, 0, 5, 0]), "{output:?}");
    assert!(output.escape_ascii().to_string().contains("authentication is still pending"));
    assert!(connection.is_closing());
    assert!(matches!(connection.next_request(), Received::Closed));
}

#[test]
fn plain_messages_that_make_no_sense() {
    let text = "Unknown opcode 51";
    check(&mut ready(4), &frame(4, 0x33, 5, b"abc"), &protocol_error(4, 5, text), true);
    let text = "Wrong protocol direction (expected RESPONSE, got REQUEST) for opcode 2 (READY)";
    check(&mut ready(4), &frame(4, 2, 5, b""), &protocol_error(4, 5, text), true);
    let text = "Wrong protocol direction (expected REQUEST, got RESPONSE) for opcode 7 (QUERY)";
    check(&mut ready(4), &frame(0x84, 7, 5, b""), &protocol_error(4, 5, text), true);
    let text = "Invalid value for envelope header body length field: -5";
    check(&mut ready(4), &[4, 0, 0, 5, 7, 0xff, 0xff, 0xff, 0xfb], &protocol_error(4, 5, text), true);
    let text = format!("Invalid or unsupported protocol version (66); {SUPPORTED}");
    check(&mut ready(4), &frame(0x42, 5, 5, b""), &protocol_error(4, 0, &text), true);
}

#[test]
fn plain_messages_that_are_wrong_leave_the_connection_open() {
    let mut connection = ready(4);
    let text = "Not enough bytes to read an UTF8 serialized string preceded by its 4 bytes length";
    check(&mut connection, &frame(4, 7, 5, b"\0\0\0\x09SEL"), &protocol_error(4, 5, text), false);
    let text = "Invalid value 'FOO' for Type";
    check(&mut connection, &frame(4, 11, 5, b"\0\x01\0\x03FOO"), &protocol_error(4, 5, text), false);
    check(&mut connection, &frame(4, 4, 5, b"\0\0"), &protocol_error(4, 5, "Unsupported message"), false);
    for (version, name) in [(3, "3/v3"), (5, "5/v5")] {
        let text =
            format!("Invalid message version. Got {name} but previous messages on this connection had version 4/v4");
        check(&mut connection, &frame(version, 5, 5, b""), &protocol_error(4, 5, &text), false);
    }
    let use_keyspace = b"\0\0\0\x05USE k\0\x01\0";
    check(&mut connection, &frame(4, 7, 6, use_keyspace), &frame(0x84, 8, 6, b"\0\0\0\x01"), false);
}

#[test]
fn a_body_that_is_too_large_closes() {
    let config = ServerConfig { body_size_max: 20_000, ..ServerConfig::default() };
    let options = frame(4, 11, 6, b"\0\0");
    let mut connection = ServerConn::new(config.clone());
    exchange(&mut connection, &frame(4, 1, 0, STARTUP));
    let text = "Request is too big: length 30009 exceeds maximum allowed length 20000.";
    let bytes = [frame(4, 7, 5, &[7; 30_000]), options.clone()].concat();
    check(&mut connection, &bytes, &protocol_error(4, 5, text), true);
    // The header is enough.
    let mut connection = ServerConn::new(config.clone());
    exchange(&mut connection, &frame(4, 1, 0, STARTUP));
    check(&mut connection, &bytes[..9], &protocol_error(4, 5, text), true);

    let text = "CQL Message of size 30000 bytes exceeds allowed maximum of 20000 bytes";
    let large = frame(5, 7, 5, &[7; 30_000]);
    let good = frame(5, 11, 6, b"\0\0");
    let answer = segment(&protocol_error(5, 5, text), true);
    let bytes = [segment(&large[..10_000], false), segment(&large[10_000..], false), segment(&good, true)].concat();
    for bytes in [bytes, segment(&[large, good].concat(), true)] {
        let mut connection = ServerConn::new(config.clone());
        exchange(&mut connection, &frame(5, 1, 0, STARTUP));
        check(&mut connection, &bytes, &answer, true);
    }
}

#[test]
fn damaged_segments_close() {
    let good = segment(&frame(5, 5, 6, b""), true);
    for (position, text) in [
        (3, "invalid, unrecoverable CRC mismatch detected in frame header. Read 12699813, Computed 12699812"),
        (15, "invalid, unrecoverable CRC mismatch detected in frame body. Read -1687067380, Computed -1687067379"),
    ] {
        let mut broken = good.clone();
        broken[position] ^= 1;
        check(&mut ready(5), &broken, &segment(&protocol_error(5, 0, text), true), true);
    }
}

#[test]
fn segments_that_do_not_fit_envelopes_close() {
    let options = frame(5, 5, 6, b"");
    let large = frame(5, 7, 5, &[7; 1000]);
    for (bytes, text) in [
        (segment(&options[..8], true), "A self-contained frame ends within the header of an envelope"),
        (segment(&large[..100], true), "A self-contained frame ends within the body of an envelope"),
        (segment(&options[..8], false), "The first part of a large message has no whole header"),
        (
            [segment(&large[..100], false), segment(&options, true)].concat(),
            "A self-contained frame stands between the parts of a large message",
        ),
        (
            [segment(&large[..100], false), segment(&[0; 2000], false)].concat(),
            "The parts of a large message are larger than the message",
        ),
    ] {
        check(&mut ready(5), &bytes, &segment(&protocol_error(5, 0, text), true), true);
    }
    let text = "Invalid value for envelope header body length field: -5";
    let negative = segment(&[5, 0, 0, 5, 7, 0xff, 0xff, 0xff, 0xfb], true);
    check(&mut ready(5), &negative, &segment(&protocol_error(5, 5, text), true), true);
}

#[test]
fn one_wrong_envelope_is_forgiven_two_in_a_row_are_not() {
    let unknown = |stream| frame(5, 0x33, stream, b"abc");
    let register = |stream| frame(5, 11, stream, b"\0\0");
    let answer = |stream| protocol_error(5, stream, "Unknown opcode 51");
    let good = |stream| frame(0x85, 2, stream, b"");
    let mut connection = ready(5);
    let sent = segment(&[unknown(1), register(2), unknown(3), register(4)].concat(), true);
    let answers = segment(&[answer(1), good(2), answer(3), good(4)].concat(), true);
    check(&mut connection, &sent, &answers, false);
    let sent = [segment(&unknown(1), true), segment(&unknown(2), true)].concat();
    check(&mut connection, &sent, &segment(&[answer(1), answer(2)].concat(), true), false);
    let sent = segment(&[unknown(1), unknown(2), register(3)].concat(), true);
    check(&mut connection, &sent, &segment(&[answer(1), answer(2)].concat(), true), true);
    let text = "Invalid message version. Got 4/v4 but previousmessages on this connection had version 5/v5";
    let sent = segment(&frame(4, 5, 5, b""), true);
    check(&mut ready(5), &sent, &segment(&protocol_error(5, 5, text), true), false);
}

#[test]
fn a_body_that_cannot_be_decompressed_closes() {
    let lz4 = b"\0\x02\0\x0bCQL_VERSION\0\x053.0.0\0\x0bCOMPRESSION\0\x03lz4";
    for (body, text) in [
        (
            &b"\xff\xff\xff\xff\x30abc"[..],
            "Compressed frame claims 4294967295 bytes, which exceeds the maximum of 16777216 bytes",
        ),
        (b"\0\0\0\x09\x30abc", "Provided frame does not appear to be LZ4 compressed"),
    ] {
        let mut connection = fresh();
        exchange(&mut connection, &frame(4, 1, 0, lz4));
        check(&mut connection, &flagged(4, 7, 5, 1, body), &protocol_error(4, 5, text), true);
    }
}

#[test]
fn an_unfinished_response_leaves_no_trace() {
    for version in [4, 5] {
        let mut connection = ready(version);
        let responses = connection.responses();
        responses.void(1);
        let mut writer = responses.begin(2, Opcode::Result);
        writer.body().extend_from_slice(&[9; 100]);
        assert_eq!(writer.body_size(), 100);
        drop(writer);
        let mut writer = responses.begin(3, Opcode::Result);
        writer.body().extend_from_slice(&[9; 200_000]);
        writer.fail(&ErrorResponse::protocol("x"));
        std::mem::forget(responses.begin(4, Opcode::Result));
        let frames = [frame(0x80 | version, 8, 1, b"\0\0\0\x01"), protocol_error(version, 3, "x")].concat();
        check(&mut connection, b"", &if version == 5 { segment(&frames, true) } else { frames }, false);
        drop(connection.responses().begin(1, Opcode::Result));
        check(&mut connection, b"", b"", false);
    }
}

#[test]
fn events_go_to_those_who_asked() {
    let address = "127.0.0.1:9042".parse().unwrap();
    let (up, new) = (crate::response::Event::Up(address), crate::response::Event::NewNode(address));
    let mut connection = ready(4);
    assert!(!connection.responses().event(&up));
    exchange(&mut connection, &frame(4, 11, 1, b"\0\x01\0\x0dSTATUS_CHANGE"));
    assert!(connection.responses().event(&up));
    assert!(!connection.responses().event(&new));
    let event = frame(0x84, 12, -1, b"\0\x0dSTATUS_CHANGE\0\x02UP\x04\x7f\0\0\x01\0\0\x23\x52");
    check(&mut connection, b"", &event, false);
}

#[test]
fn extras_stand_before_the_body() {
    let mut connection = ready(4);
    let extras = Extras { warnings: vec!["w".to_owned()], ..Extras::NONE };
    connection.responses().send_body(1, Opcode::Result, b"\0\0\0\x01", &extras);
    check(&mut connection, b"", &flagged(0x84, 8, 1, 8, b"\0\x01\0\x01w\0\0\0\x01"), false);
}

#[test]
fn envelopes_share_segments_until_they_are_large() {
    const LARGEST: usize = crate::limits::SEGMENT_PAYLOAD_SIZE_MAX;
    for (sizes, segments) in [
        (&[1, 2, 3][..], &[33][..]),
        (&[40_000, 1], &[40_009, 10]),
        (&[10, LARGEST - 9], &[19, LARGEST]),
        (&[LARGEST - 9], &[LARGEST]),
        (&[10, 300_000, 10], &[19, LARGEST, LARGEST, 300_009 - 2 * LARGEST, 19]),
        (&[100_000, 300_000], &[100_009, LARGEST, LARGEST, 300_009 - 2 * LARGEST]),
    ] {
        let mut connection = ready(5);
        for size in sizes {
            connection.responses().send_body(1, Opcode::Result, &vec![7; *size], &Extras::NONE);
        }
        let output = connection.responses().output().to_vec();
        let mut found = Vec::new();
        let mut rest = output.as_slice();
        while let Some(header) = SegmentHeader::decode(rest, SegmentFormat::Uncompressed).unwrap() {
            let payload = &rest[6..6 + header.wire_size];
            assert_eq!(rest[6 + header.wire_size..][..4], crc32(payload).to_le_bytes());
            found.push(header.wire_size);
            rest = &rest[header.wire_size + 10..];
        }
        assert!(rest.is_empty());
        assert_eq!(found, segments, "{sizes:?}");
        assert_eq!(connection.responses().unsent_size(), output.len());
        connection.responses().sent(output.len() - 1);
        assert_eq!(connection.responses().output(), &output[output.len() - 1..]);
        connection.responses().sent(1);
        assert!(!connection.responses().has_output());
    }
}

#[test]
fn compression_of_responses() {
    for compression in [Compression::Lz4, Compression::Snappy] {
        let mut connection = fresh();
        let mut startup = STARTUP.to_vec();
        startup[1] = 2;
        startup.extend_from_slice(b"\0\x0bCOMPRESSION\0");
        startup.push(u8::try_from(compression.name().len()).unwrap());
        startup.extend_from_slice(compression.name().as_bytes());
        exchange(&mut connection, &frame(4, 1, 0, &startup));
        connection.responses().send_body(1, Opcode::Result, &[7; 1000], &Extras::NONE);
        connection.responses().void(2);
        let output = exchange(&mut connection, b"");
        let header = FrameHeader::decode_prefix(&output).unwrap();
        assert_eq!(header.flags, flag::COMPRESSED);
        let end = 9 + usize::try_from(header.length).unwrap();
        let mut body = Vec::new();
        compression.decompress_body(&output[9..end], &mut body, 1000).unwrap();
        assert_eq!(body, [7; 1000]);
        assert_eq!(output[end..], frame(0x84, 8, 2, b"\0\0\0\x01"));
    }
}
