//! Bytes of a client in any cuts, at any stage, in v3, v4 and v5; and bytes of a server to the client's end.
//!
//! Nothing panics, nothing loops, and after the handshake the answers do not depend on how the bytes were cut.
#![no_main]

use helenus_cql_protocol::request::Request;
use helenus_cql_protocol::segment::{SegmentFormat, SegmentHeader, crc32};
use helenus_cql_protocol::{ClientConn, Compression, Opcode, ProtocolVersion, Received, ServerConfig, ServerConn, Stage};
use helenus_fuzz::input::Input;
use libfuzzer_sys::fuzz_target;

/// One step; answers what comes. False if nothing more can be done.
fn drive(server: &mut ServerConn, authenticate: bool) -> bool {
    match server.next_request() {
        Received::Request(frame, responses) => {
            walk(&frame.request);
            let stream = frame.stream;
            match frame.request.opcode() {
                Opcode::Startup if authenticate => responses.authenticate(stream, "PasswordAuthenticator"),
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

/// Looks at all that a request holds: what was checked once must be there to the last element.
fn walk(request: &Request<'_>) {
    match request {
        Request::Query(query) => assert_eq!(query.params.values.iter_named().count(), query.params.values.len()),
        Request::Execute(execute) => assert_eq!(execute.params.values.iter().count(), execute.params.values.len()),
        Request::Batch(batch) => {
            assert_eq!(batch.statements.iter().count(), batch.statements.len());
            for statement in batch.statements.iter() {
                assert_eq!(statement.values.iter().count(), statement.values.len());
            }
        }
        Request::Startup(startup) => assert!(startup.options.iter().count() < 1 << 16),
        _ => {}
    }
}

/// Feeds bytes in pieces and answers all; what the server said.
fn converse(server: &mut ServerConn, bytes: &[u8], piece: usize, authenticate: bool) -> Vec<u8> {
    let mut output = Vec::new();
    for part in bytes.chunks(piece.max(1)) {
        server.feed(part);
        let mut steps = 0;
        while drive(server, authenticate) {
            steps += 1;
            assert!(steps <= bytes.len() + 16, "more steps than bytes");
        }
        server.responses().take_output(&mut output);
    }
    output
}

fn handshake(version: ProtocolVersion, compression: Option<Compression>) -> (ClientConn, ServerConn) {
    let mut client = ClientConn::new(version, compression);
    let mut server = ServerConn::new(ServerConfig::default());
    client.startup(&[]);
    let mut bytes = Vec::new();
    client.take_output(&mut bytes);
    let answer = converse(&mut server, &bytes, bytes.len(), false);
    client.feed(&answer);
    assert!(client.next_response().expect("a sound answer").is_some());
    assert_eq!(server.stage(), Stage::Ready);
    (client, server)
}

/// The bytes in segments with right checksums, cut where the input says.
fn sealed(input: &mut Input<'_>, format: SegmentFormat) -> Vec<u8> {
    let mut out = Vec::new();
    while !input.is_empty() {
        let head = input.byte();
        let size = if head & 1 == 0 { usize::from(input.byte()) } else { usize::from(input.word()) };
        let payload = input.take(size);
        let raw_size = if format == SegmentFormat::Lz4 && head & 4 != 0 { usize::from(input.word()) } else { 0 };
        let header = SegmentHeader { wire_size: payload.len(), raw_size, self_contained: head & 2 == 0 };
        let mut bytes = [0; 8];
        header.encode(&mut bytes, format);
        out.extend_from_slice(&bytes[..format.header_size()]);
        out.extend_from_slice(payload);
        out.extend_from_slice(&crc32(payload).to_le_bytes());
    }
    out
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let mode = input.byte();
    let piece = usize::from(input.byte());
    let version = [ProtocolVersion::V3, ProtocolVersion::V4, ProtocolVersion::V5][usize::from(mode >> 2) % 3];
    let compression = match (mode >> 4) & 3 {
        0 | 1 => None,
        2 if version < ProtocolVersion::V5 => Some(Compression::Snappy),
        _ => Some(Compression::Lz4),
    };
    match mode & 3 {
        // A stranger's first bytes.
        0 => {
            let mut server = ServerConn::new(ServerConfig::default());
            converse(&mut server, input.rest(), piece, mode & 0x80 != 0);
        }
        // After the handshake: the same bytes at once and in pieces.
        1 | 2 => {
            let (_, mut whole) = handshake(version, compression);
            let (_, mut cut) = handshake(version, compression);
            let format = if compression.is_some() { SegmentFormat::Lz4 } else { SegmentFormat::Uncompressed };
            let bytes = if mode & 3 == 2 && version == ProtocolVersion::V5 {
                sealed(&mut input, format)
            } else {
                input.rest().to_vec()
            };
            let expected = converse(&mut whole, &bytes, bytes.len(), false);
            let got = converse(&mut cut, &bytes, piece, false);
            // v5 gathers the answers of one batch into segments, so there only the closing is comparable.
            if version < ProtocolVersion::V5 {
                assert_eq!(expected, got, "answers depend on how the bytes were cut");
            }
            assert_eq!(whole.is_closing(), cut.is_closing());
        }
        // A server's bytes to the client's end.
        _ => {
            let (mut client, _) = handshake(version, compression);
            for part in input.rest().chunks(piece.max(1)) {
                client.feed(part);
                while let Ok(Some(_)) = client.next_response() {}
            }
        }
    }
});
