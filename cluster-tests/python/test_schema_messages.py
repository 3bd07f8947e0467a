"""What the protocol tells of schema statements beside rows and texts. Each line was first true of Cassandra."""

import struct

import pytest
from cassandra import InvalidRequest, Unauthorized
from cassandra.cluster import ResponseFuture
from cassandra.protocol import ConfigurationException, PrepareMessage, SyntaxException

from conftest import fresh_keyspace
from servers import until
from wire import READY, Connection, query, startup

JAVA = "CALLED ON NULL INPUT RETURNS {} LANGUAGE java AS '{}'"
ERROR, RESULT, WARNING = 0, 8, 8
SCHEMA_CHANGE = 5


@pytest.fixture(scope="module")
def told(one):
    with one.cluster(schema_metadata_enabled=False) as cluster:
        session = cluster.connect()
        fresh_keyspace(session, "told", one.replication())
        session.execute("CREATE TYPE told.u (a int)")
        session.execute("CREATE TABLE told.t (k int PRIMARY KEY, v int)")
        yield session
        session.execute("DROP KEYSPACE told")


@pytest.fixture
def wire(one):
    with Connection(one.contact_points[0]) as connection:
        connection.send(startup(4))
        assert connection.answer()[3] == READY
        yield connection


def test_events_of_all_that_changes_with_it(one):
    with one.cluster(schema_metadata_enabled=False) as cluster, one.cluster() as watcher:
        session = cluster.connect()
        watcher.connect()
        heard = []
        watcher.control_connection._connection.register_watcher("SCHEMA_CHANGE", heard.append)
        fresh_keyspace(session, "heard_of", one.replication())
        for statement in (
            "CREATE TYPE u (a int)", "CREATE TYPE w (a frozen<u>)", "CREATE TABLE t (k int PRIMARY KEY, v int, x frozen<w>)",
            "CREATE TABLE other (k int PRIMARY KEY)", "CREATE FUNCTION s (s u, a int) " + JAVA.format("u", "return s;"),
            "CREATE AGGREGATE ag (int) SFUNC s STYPE u",
            "CREATE MATERIALIZED VIEW mv AS SELECT * FROM t WHERE k IS NOT NULL AND v IS NOT NULL PRIMARY KEY (v, k)",
        ):
            session.execute(statement)

        def events():
            names = ("table", "type", "function", "aggregate")
            return [(event["change_type"], event["target_type"], str(next(filter(None, map(event.get, names)), "")))
                    for event in heard if event["keyspace"] == "heard_of"]

        def hears(statement, *expected):
            until(lambda: len(events()) >= 8 or statement is None, f"the events before: {events()}", 10)
            before = len(events())
            session.execute(statement)
            until(lambda: len(events()) >= before + len(expected), f"{statement}: {events()[before:]}", 10)
            assert sorted(events()[before:]) == sorted(expected), statement

        function, aggregate = "UserFunctionDescriptor(s, ['u', 'int'])", "UserAggregateDescriptor(ag, ['int'])"
        hears("ALTER TABLE t ADD y int", ("UPDATED", "TABLE", "t"), ("UPDATED", "TABLE", "mv"))
        hears("ALTER TYPE u ADD b int", *[("UPDATED", target, name) for target, name in (
            ("TYPE", "u"), ("TYPE", "w"), ("TABLE", "t"), ("TABLE", "mv"), ("FUNCTION", function),
            ("AGGREGATE", aggregate))])
        hears("ALTER TABLE t RENAME k TO kk", ("UPDATED", "TABLE", "t"), ("UPDATED", "TABLE", "mv"))
        hears("ALTER TABLE t WITH comment = 'x'", ("UPDATED", "TABLE", "t"))
        hears("DROP KEYSPACE heard_of", *[("DROPPED", target, name) for target, name in (
            ("AGGREGATE", aggregate), ("FUNCTION", function), ("TABLE", "mv"), ("TABLE", "t"), ("TABLE", "other"),
            ("TYPE", "u"), ("TYPE", "w"), ("KEYSPACE", ""))])


def strings(body):
    """The [string]s of a SCHEMA_CHANGE, lists among them flattened."""
    found = []
    while body:
        (length,) = struct.unpack(">H", body[:2])
        if len(found) == 4:
            # the number of argument types
            body, length = body[2:], struct.unpack(">H", body[2:4])[0] if len(body) > 2 else None
            if length is None:
                break
        found.append(body[2:2 + length].decode())
        body = body[2 + length:]
        if len(found) > 4:
            while body:
                (length,) = struct.unpack(">H", body[:2])
                found.append(body[2:2 + length].decode())
                body = body[2 + length:]
    return found


@pytest.mark.parametrize("statement,expected", [
    ("CREATE FUNCTION told.f (a varchar, b told.u, c u, d list<frozen<u>>) " + JAVA.format("int", "return 1;"),
     ["CREATED", "FUNCTION", "told", "f", "varchar", "told.u", "told.u", "list<frozen<told.u>>"]),
    ("CREATE OR REPLACE FUNCTION told.f (a TEXT, b u, c u, d list<frozen<u>>) " + JAVA.format("int", "return 2;"),
     ["UPDATED", "FUNCTION", "told", "f", "text", "told.u", "told.u", "list<frozen<told.u>>"]),
    ("DROP FUNCTION told.f", ["DROPPED", "FUNCTION", "told", "f", "text", "u", "u", "list<frozen<u>>"]),
    ("CREATE FUNCTION told.g (a frozen<tuple<int, varchar>>, b vector<int, 2>) " + JAVA.format("int", "return 1;"),
     ["CREATED", "FUNCTION", "told", "g", "tuple<int, varchar>", "vector<int, 2>"]),
    ("DROP FUNCTION told.g", ["DROPPED", "FUNCTION", "told", "g", "frozen<tuple<int, text>>", "vector<int, 2>"]),
    ("CREATE FUNCTION told.s (s int, a varchar) " + JAVA.format("int", "return 1;"),
     ["CREATED", "FUNCTION", "told", "s", "int", "varchar"]),
    ("CREATE AGGREGATE told.ag (varchar) SFUNC s STYPE int", ["CREATED", "AGGREGATE", "told", "ag", "varchar"]),
    ("DROP AGGREGATE told.ag", ["DROPPED", "AGGREGATE", "told", "ag", "text"]),
])
def test_own_answer_spells_types_as_written(told, wire, statement, expected):
    opcode, body = wire.ask(statement)
    assert (opcode, struct.unpack(">i", body[:4])[0]) == (RESULT, SCHEMA_CHANGE), body
    assert strings(body[4:]) == expected


@pytest.mark.parametrize("statement,code,warnings", [
    ("SELECT sum(v), told.fail(1) FROM told.t", 0x1400, 1),
    ("SELECT sum(v / 0) FROM told.t", 0x1400, 1),
    ("SELECT told.fail(v) FROM told.t", 0x1400, 0),
    ("SELECT sum(v), told.fail(1) FROM told.t WHERE k = 1", 0x1400, 0),
    ("SELECT sum(nosuch) FROM told.t", 0x2200, 0),
])
def test_warnings_come_with_errors(told, wire, statement, code, warnings):
    told.execute("CREATE OR REPLACE FUNCTION told.fail (a int) "
                 + JAVA.format("int", 'throw new RuntimeException("no");'))
    told.execute("INSERT INTO told.t (k, v) VALUES (1, 1)")
    wire.send(query(4, statement))
    _, flags, _, opcode, body = wire.answer()
    assert opcode == ERROR
    count = 0
    if flags & WARNING:
        (count,) = struct.unpack(">H", body[:2])
        body = body[2:]
        for _ in range(count):
            body = body[2 + struct.unpack(">H", body[:2])[0]:]
    assert (struct.unpack(">i", body[:4])[0], count) == (code, warnings)


def prepared(session, statement):
    future = ResponseFuture(session, PrepareMessage(query=statement), query=None, timeout=20)
    future.send_request()
    return future.result()


@pytest.mark.parametrize("statement,refused", [
    ("CREATE TABLE told.p (k int PRIMARY KEY)", None),
    ("CREATE TABLE told.t (k int PRIMARY KEY)", None),
    ("CREATE TABLE nosuchks.t (k nosuch PRIMARY KEY)", None),
    ("CREATE TABLE told.p (k int PRIMARY KEY) WITH nothing = 1", None),
    ("CREATE TABLE told.p (k int PRIMARY KEY) WITH gc_grace_seconds = -1", None),
    ("CREATE TABLE told.p (k int)", InvalidRequest),
    ("CREATE TABLE told.p (k int PRIMARY KEY, k int)", InvalidRequest),
    ("CREATE TABLE told.p (k int PRIMARY KEY) WITH gc_grace_seconds = 'x'", SyntaxException),
    ("CREATE TABLE told.p (k int PRIMARY KEY) WITH compaction = {'class': 'nosuch'}", ConfigurationException),
    ("CREATE TABLE told.p (k int MASKED WITH DEFAULT PRIMARY KEY)", InvalidRequest),
    ("ALTER TABLE told.nosuch WITH compression = {'class': 'nosuch'}", ConfigurationException),
    ("ALTER TABLE told.nosuch ADD x nosuch", None),
    ("USE nosuchks", None),
    ("TRUNCATE told.nosuch", InvalidRequest),
    ("CREATE KEYSPACE told WITH nothing = 1", None),
    ("DROP TYPE told.nosuch", None),
    ("CREATE ROLE r", Unauthorized),
    ("CREATE ROLE r WITH SUPERUSER = true", Unauthorized),
    ("CREATE ROLE r WITH PASSWORD = 'x'", InvalidRequest),
    ("CREATE ROLE r WITH ACCESS TO DATACENTERS {'nosuch'}", InvalidRequest),
    ("DROP ROLE IF EXISTS r", Unauthorized),
    ("LIST ROLES", Unauthorized),
])
def test_what_prepare_refuses(told, statement, refused):
    if refused is None:
        prepared(told, statement)
        return
    with pytest.raises(Exception) as error:
        prepared(told, statement)
    assert isinstance(error.value, refused), error.value


def test_a_batch_has_a_slot_of_its_own_for_its_timestamp(told):
    statement = told.prepare("BEGIN BATCH USING TIMESTAMP ? INSERT INTO told.t (k) VALUES (?) APPLY BATCH")
    slots = [(slot.keyspace_name, slot.table_name, slot.name) for slot in statement.column_metadata]
    assert slots == [("[batch]", "[batch]", "[timestamp]"), ("told", "t", "k")]
