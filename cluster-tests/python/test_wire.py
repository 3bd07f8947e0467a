"""Bytes that no driver sends: each is refused with Cassandra's code on the right stream, and nobody else notices."""

import struct

import pytest

from wire import (COMPRESSED, ERROR, OPTIONS, QUERY, READY, RESULT, STARTUP, SUPPORTED, Connection, error_of, frame, map_of,
                  query, segment, startup, text, text_map)

SELECT = "SELECT key FROM system.local"
PROTOCOL = 0x0A
VERSIONS_TEXT = "supported versions are (3/v3, 4/v4, 5/v5, 6/v6-beta)"


@pytest.mark.parametrize("version", [3, 4, 5])
def test_supported(one, version):
    with Connection(one.contact_points[0]) as connection:
        connection.send(frame(version, 7, OPTIONS))
        found, flags, stream, opcode, body = connection.answer()
        assert (found, flags, stream, opcode) == (0x80 | version, 0, 7, SUPPORTED)
        assert map_of(body) == {
            "PROTOCOL_VERSIONS": ["3/v3", "4/v4", "5/v5", "6/v6-beta"], "COMPRESSION": ["snappy", "lz4"], "CQL_VERSION": ["3.4.7"],
        }


@pytest.mark.parametrize("version", [1, 2, 6, 7, 0x41, 0x42])
def test_versions_that_are_refused(one, version):
    with Connection(one.contact_points[0]) as connection:
        connection.send(frame(version, 7, OPTIONS))
        found, _, _, opcode, body = connection.answer()
        assert (found & 0x7F, opcode) == (version if version in (1, 2, 6) else 5, ERROR)
        expected = (f"Invalid or unsupported protocol version ({version}); {VERSIONS_TEXT}" if version != 6 else
                    "Beta version of the protocol used (6/v6-beta), but USE_BETA flag is unset")
        assert error_of(body) == (PROTOCOL, expected)


LONG_STRING = "Not enough bytes to read an UTF8 serialized string preceded by its 4 bytes length"

# What is sent before (a STARTUP of that version, or nothing), the bytes, and the answer's stream, code and message;
# a message of None is Java's own and is not compared.
REFUSED = [
    ("direction", None, frame(0x84, 7, OPTIONS), 7, PROTOCOL, "Wrong protocol direction (expected REQUEST, got RESPONSE) for opcode 5 (OPTIONS)"),
    ("opcode first", None, frame(4, 7, 0x20), 7, PROTOCOL, "Unknown opcode 32"),
    ("opcode", 4, frame(4, 7, 0x20), 7, PROTOCOL, "Unknown opcode 32"),
    ("an answer's opcode", 4, frame(4, 7, RESULT), 7, PROTOCOL, "Wrong protocol direction (expected RESPONSE, got REQUEST) for opcode 8 (RESULT)"),
    ("too early", None, query(4, SELECT), None, PROTOCOL, "Unexpected message QUERY, expecting STARTUP or OPTIONS"),
    ("twice", 4, startup(4), 1, PROTOCOL, "Unexpected message STARTUP, the connection is already initialized"),
    ("no CQL version", None, frame(4, 1, STARTUP, text_map({})), 1, PROTOCOL, "Missing value CQL_VERSION in STARTUP message"),
    ("a CQL version", None, frame(4, 1, STARTUP, text_map({"CQL_VERSION": "x"})), 1, PROTOCOL, "Invalid version value: x"),
    ("compression", None, startup(4, COMPRESSION="zip"), 1, PROTOCOL, "Unknown compression algorithm: zip"),
    ("snappy in 5", None, startup(5, COMPRESSION="snappy"), 1, PROTOCOL, "Snappy compression is not supported in protocol V5"),
    ("a cut body", 4, frame(4, 9, QUERY, struct.pack(">i", 100) + b"abc"), 9, PROTOCOL, LONG_STRING),
    ("an empty body", 4, frame(4, 9, QUERY), 9, PROTOCOL, LONG_STRING),
    ("a negative length", 4, frame(4, 9, QUERY, struct.pack(">i", -5) + b"abc"), 9, PROTOCOL, None),
    ("consistency", 4, query(4, SELECT, consistency=99), 2, PROTOCOL, "Unknown code 99 for a consistency level"),
    ("not UTF-8", 4, frame(4, 9, QUERY, struct.pack(">i", 2) + b"\xff\xfe\x00\x01\x00"), 9, PROTOCOL, None),
    ("a paging state", 4, query(4, SELECT, flags=8, tail=struct.pack(">i", 2) + b"xx"), 2, PROTOCOL, "Invalid value for the paging state"),
    ("another version", 4, query(3, SELECT), 2, PROTOCOL, "Invalid message version. Got 3/v3 but previous messages on this connection had version 4/v4"),
    ("an unknown id", 4, frame(4, 9, 0x0A, struct.pack(">H", 16) + b"i" * 16 + b"\x00\x01\x00"), 9, 0x2500,
     "Prepared query with ID " + "69" * 16 + " not found (either the query was not prepared on this host (maybe the host has been "
     "restarted?) or you have prepared too many queries and it has been evicted from the internal cache)"),
    ("an unknown event", 4, frame(4, 9, 0x0B, struct.pack(">H", 1) + text("NOTHING")), 9, PROTOCOL, "Invalid value 'NOTHING' for Type"),
    ("a batch's kind", 4, frame(4, 9, 0x0D, b"\x09\x00\x00\x00\x01\x00"), 9, PROTOCOL, "Invalid BATCH message type 9"),
    ("opcode in 5", 5, segment(frame(5, 9, 0x20)), 9, PROTOCOL, "Unknown opcode 32"),
    ("a cut body in 5", 5, segment(frame(5, 9, QUERY, b"\0\0\0\x7f")), 9, PROTOCOL, LONG_STRING),
    ("version 4 in 5", 5, segment(query(4, SELECT)), 2, PROTOCOL, None),
    ("CRC24", 5, segment(query(5, SELECT), break_header=True), 0, PROTOCOL, None),
    ("CRC32", 5, segment(query(5, SELECT), break_payload=True), 0, PROTOCOL, None),
    ("a segment that ends early", 5, segment(query(5, SELECT)[:20]), 0, None, None),
    ("bad lz4", "lz4", frame(4, 9, QUERY, b"\0\0\0\1\xff\xff", flags=COMPRESSED), None, None, None),
]


def begin(connection, before):
    """Sends a STARTUP and reads READY."""
    if before is None:
        return
    version = 4 if before == "lz4" else before
    connection.send(startup(version, COMPRESSION="lz4") if before == "lz4" else startup(version))
    assert connection.answer()[3] == READY
    connection.modern = version >= 5


@pytest.mark.parametrize("name, before, payload, stream, code, message", REFUSED, ids=[case[0] for case in REFUSED])
def test_malformed_frames_are_refused(one, shared, name, before, payload, stream, code, message):
    with Connection(one.contact_points[0]) as connection:
        begin(connection, before)
        connection.send(payload)
        _, _, found_stream, opcode, body = connection.answer()
        found_code, found_message = error_of(body)
        assert opcode == ERROR
        assert stream is None or found_stream == stream
        assert code is None or found_code == code, found_message
        assert message is None or found_message == message
    assert shared.execute(SELECT).one().key == "local", "the others never notice"


@pytest.mark.parametrize("length", [-1, 257 * 1024 * 1024, 2**31 - 1])
@pytest.mark.parametrize("version", [4, 5])
def test_lengths_beyond_the_limit(one, shared, version, length):
    with Connection(one.contact_points[0]) as connection:
        begin(connection, version)
        envelope = frame(version, 9, QUERY, length=length)
        connection.send(segment(envelope, self_contained=False) if version == 5 else envelope)
        if one.nodes:
            # Cassandra waits for the bytes and throws them away; Helenus refuses at once and closes.
            _, _, stream, opcode, body = connection.answer()
            assert (stream, opcode, error_of(body)[0]) == (9, ERROR, PROTOCOL)
            assert connection.answer() is None
    assert shared.execute(SELECT).one().key == "local"


def test_noise_and_half_messages(one, shared):
    for payload in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), b"\x00" * 4096,
                    b"\xff" * 4096, startup(4)[:5], frame(4, 1, QUERY, length=1000)):
        with Connection(one.contact_points[0]) as connection:
            connection.send(payload)
        assert shared.execute(SELECT).one().key == "local"


def test_several_envelopes_in_one_segment_and_one_in_several(one):
    with Connection(one.contact_points[0]) as connection:
        begin(connection, 5)
        connection.send(segment(query(5, SELECT, stream=2) + frame(5, 9, OPTIONS)))
        assert {connection.answer()[2:4] for _ in range(2)} == {(2, RESULT), (9, SUPPORTED)}
        envelope = query(5, SELECT, stream=3)
        connection.send(segment(envelope[:10], self_contained=False) + segment(envelope[10:], self_contained=False))
        assert connection.answer()[2:4] == (3, RESULT)


def test_options_at_any_time_and_unknown_startup_keys(one):
    with Connection(one.contact_points[0]) as connection:
        connection.send(frame(4, 1, OPTIONS))
        assert connection.answer()[3] == SUPPORTED
        connection.send(startup(4, WHATEVER="x", DRIVER_NAME="by hand", THROW_ON_OVERLOAD="1"))
        assert connection.answer()[3] == READY
        connection.send(frame(4, -5, OPTIONS))
        assert connection.answer()[2:4] == (-5, SUPPORTED)


@pytest.mark.parametrize("version", [3, 4, 5])
def test_many_streams_at_once(one, version):
    with Connection(one.contact_points[0]) as connection:
        begin(connection, version)
        for stream in range(500):
            envelope = query(version, SELECT, stream=stream)
            connection.send(segment(envelope) if version == 5 else envelope)
        answers = [connection.answer() for _ in range(500)]
        assert {answer[2] for answer in answers} == set(range(500))
        assert all(answer[3] == RESULT for answer in answers)
        assert len({answer[4] for answer in answers}) == 1


def test_bytes_of_a_result(one):
    with Connection(one.contact_points[0]) as connection:
        begin(connection, 4)
        connection.send(query(4, SELECT))
        _, flags, _, _, body = connection.answer()
        # Rows; one table for all columns; one column; system.local; key varchar; one row.
        expected = (struct.pack(">iii", 2, 1, 1) + text("system") + text("local") + text("key") + b"\x00\x0d" +
                    struct.pack(">i", 1) + struct.pack(">i", 5) + b"local")
        assert (flags, body) == (0, expected)
        # Flag 2: without metadata; the flag of one table for all columns stays.
        connection.send(query(4, SELECT, flags=2))
        assert connection.answer()[4] == struct.pack(">iiii", 2, 5, 1, 1) + struct.pack(">i", 5) + b"local"
