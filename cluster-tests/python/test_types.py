"""Values of every type go in and come back exactly, at every protocol version, with and without compression."""

import datetime
import decimal
import math
import uuid

import pytest
from cassandra.cluster import ResultSet
from cassandra.util import Date, Duration, Time, max_uuid_from_time, uuid_from_time

from conftest import VERSIONS, fresh_keyspace

UTC = datetime.datetime(2024, 2, 29, 12, 30, 15, 123000)
TIME_UUID = uuid_from_time(UTC, node=0x010203040506, clock_seq=77)

# A CQL type, and values that must come back equal. Floats are exact in 32 bits.
TYPES = [
    ("ascii", ["", "plain", "a" * 300]),
    ("text", ["", "grüße, 世界 🌍", "x" * 70_000]),
    ("tinyint", [0, 127, -128]),
    ("smallint", [0, 32767, -32768]),
    ("int", [0, 2**31 - 1, -(2**31)]),
    ("bigint", [0, 2**63 - 1, -(2**63)]),
    ("varint", [0, -1, 127, 128, -129, 10**40, -(10**40)]),
    ("float", [0.0, -0.0, 1.5, 3.4028234663852886e38, 1.401298464324817e-45, math.inf, -math.inf, math.nan]),
    ("double", [0.0, 0.1, -1e308, 5e-324, math.inf, math.nan]),
    ("decimal", [decimal.Decimal(text) for text in ("0", "1.10", "-1.1E+20", "123456789012345678901234567890.5", "1E-30")]),
    ("boolean", [True, False]),
    ("blob", [b"", b"\x00", bytes(range(256)), b"z" * 70_000]),
    ("inet", ["127.0.0.1", "255.255.255.255", "2001:db8::1", "::"]),
    ("uuid", [uuid.UUID(int=0), uuid.UUID("123e4567-e89b-42d3-a456-426655440000")]),
    ("timeuuid", [TIME_UUID, max_uuid_from_time(0)]),
    ("timestamp", [UTC, datetime.datetime(1970, 1, 1), datetime.datetime(1901, 1, 1, 0, 0, 0, 1000)]),
    ("date", [Date(datetime.date(2024, 2, 29)), Date(datetime.date(1, 1, 1)), Date(0), Date(-1)]),
    ("time", [Time(0), Time("23:59:59.999999999")]),
    ("duration", [Duration(0, 0, 0), Duration(14, 25, 10**15), Duration(-1, -2, -3)]),
    ("list<int>", [[1], [3, 1, 2, 1]]),
    ("set<text>", [{"a"}, {"b", "a", "ü"}]),
    ("map<text, double>", [{"a": 0.5}, {"b": -1.0, "a": 2.0}]),
    ("frozen<list<text>>", [[], ["x", ""]]),
    ("frozen<set<int>>", [set(), {3, -1}]),
    ("frozen<map<int, frozen<list<int>>>>", [{}, {1: [2, 3], -1: []}]),
    ("list<frozen<map<text, int>>>", [[{"a": 1}, {}]]),
    ("tuple<int, text, uuid>", [(1, "x", uuid.UUID(int=5)), (None, "x", None)]),
    ("frozen<tuple<int, tuple<text, boolean>>>", [(1, ("y", True))]),
    ("vector<float, 3>", [[1.5, -2.0, 0.0]]),
    ("vector<float, 16>", [[number / 4 for number in range(16)]]),
    ("vector<int, 1>", [[-7]]),
    ("vector<text, 2>", [["", "long" * 100]]),
    ("frozen<place>", [("Main Street", 7, {"a", "b"}), ("", None, None)]),
    ("place", [("Side Street", None, {"a"})]),
    ("list<frozen<place>>", [[("x", 1, {"t"}), ("y", 2, None)]]),
]


def same(found, expected):
    """Equality that tells -0.0 from 0.0 and knows that NaN is NaN."""
    if isinstance(expected, float):
        both_nan = math.isnan(expected) and math.isnan(found)
        return both_nan or (found == expected and math.copysign(1, found) == math.copysign(1, expected))
    if isinstance(expected, decimal.Decimal):
        return found.as_tuple() == expected.as_tuple()
    if isinstance(expected, dict):
        pairs = list(found.items())
        return len(pairs) == len(expected) and all(key in expected and same(item, expected[key]) for key, item in pairs)
    if isinstance(expected, set):
        return set(found) == expected and len(found) == len(expected)
    if isinstance(expected, (list, tuple)):
        return found is not None and len(found) == len(expected) and all(map(same, found, expected))
    return type(found) is type(expected) and found == expected


# Version 5 has no snappy.
@pytest.fixture(params=[(version, compression) for version in VERSIONS for compression in (False, "lz4", "snappy")
                        if (version, compression) != (5, "snappy")],
                ids=lambda pair: f"v{pair[0]}-{pair[1] or 'plain'}", scope="module")
def versioned(one, request):
    version, compression = request.param
    with one.cluster(version, compression) as cluster:
        session = cluster.connect()
        name = f"types_v{version}_{compression or 'plain'}"
        fresh_keyspace(session, name, one.replication())
        session.execute("CREATE TYPE place (street text, number int, tags frozen<set<text>>)")
        columns = ", ".join(f"c{index} {kind}" for index, (kind, _) in enumerate(TYPES))
        session.execute(f"CREATE TABLE t (k text PRIMARY KEY, {columns})")
        assert cluster.protocol_version == version
        assert (cluster.control_connection._connection._compression_type or False) == compression
        yield session
        session.execute(f"DROP KEYSPACE {name}")


def check(result: ResultSet, column, expected):
    rows = list(result)
    assert len(rows) == 1
    assert result.column_names == [column]
    assert same(rows[0][0], expected), f"{rows[0][0]!r} for {expected!r}"


def test_prepared_values_come_back(versioned):
    for index, (kind, values) in enumerate(TYPES):
        write = versioned.prepare(f"INSERT INTO t (k, c{index}) VALUES (?, ?)")
        read = versioned.prepare(f"SELECT c{index} FROM t WHERE k = ?")
        for number, value in enumerate(values):
            key = f"{index}-{number}"
            versioned.execute(write, (key, value))
            check(versioned.execute(read, (key,)), f"c{index}", value)
            check(versioned.execute(f"SELECT c{index} FROM t WHERE k = '{key}'"), f"c{index}", value)


def test_literals_of_the_driver_come_back(versioned):
    # The driver writes these values into the statement's text itself.
    skipped = ("frozen<place>", "place", "list<frozen<place>>", "tuple", "frozen<tuple", "frozen<map", "list<frozen<map", "duration",
               # The driver writes a decimal as a double.
               "decimal")
    for index, (kind, values) in enumerate(TYPES):
        if kind.startswith(skipped):
            continue
        for number, value in enumerate(values):
            if isinstance(value, float) and (math.isinf(value) or math.isnan(value)) or value in (set(), {}):
                continue
            key = f"literal-{index}-{number}"
            versioned.execute(f"INSERT INTO t (k, c{index}) VALUES (%s, %s)", (key, value))
            check(versioned.execute(f"SELECT c{index} FROM t WHERE k = %s", (key,)), f"c{index}", value)


def test_null_and_empty_collections_are_absent(versioned):
    for index, (kind, values) in enumerate(TYPES):
        write = versioned.prepare(f"INSERT INTO t (k, c{index}) VALUES (?, ?)")
        versioned.execute(write, ("null", values[0]))
        versioned.execute(write, ("null", None))
        row = versioned.execute(f"SELECT c{index} FROM t WHERE k = 'null'").one()
        assert row[0] is None, kind
    for index, empty in [(number, [] if kind.startswith("list") else set() if kind.startswith("set") else {})
                         for number, (kind, _) in enumerate(TYPES) if kind.startswith(("list", "set", "map"))]:
        write = versioned.prepare(f"INSERT INTO t (k, c{index}) VALUES (?, ?)")
        versioned.execute(write, ("empty", empty))
        assert versioned.execute(f"SELECT c{index} FROM t WHERE k = 'empty'").one()[0] is None


def test_types_in_result_metadata(versioned):
    result = versioned.execute("SELECT * FROM t LIMIT 1")
    found = {name: kind.cql_parameterized_type() for name, kind in zip(result.column_names, result.column_types)}
    for index, (kind, _) in enumerate(TYPES):
        told = found[f"c{index}"].replace("org.apache.cassandra.db.marshal.VectorType", "vector")
        told = told.replace("varchar", "text").replace("frozen<", "").replace(">", "")
        assert told == kind.replace("frozen<", "").replace(">", ""), kind
