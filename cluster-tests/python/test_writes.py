"""What the clock decides: TTL, timestamps of the client and of the server; what limits decide: sizes of batches."""

import datetime
import time

import pytest
from cassandra import InvalidRequest
from cassandra.query import BatchStatement, BatchType, SimpleStatement

from servers import until


def micros():
    return int(time.time() * 1_000_000)


def test_ttl_counts_down_and_ends(session, table):
    session.execute(f"CREATE TABLE {table} (k int, c int, v int, l list<int>, PRIMARY KEY (k, c))")
    session.execute(f"INSERT INTO {table} (k, c, v, l) VALUES (1, 1, 1, [1, 2]) USING TTL 1000")
    row = session.execute(f"SELECT ttl(v) AS v, ttl(l) AS l FROM {table} WHERE k = 1").one()
    assert 900 < row.v <= 1000 and all(900 < each <= 1000 for each in row.l) and len(row.l) == 2
    session.execute(f"INSERT INTO {table} (k, c, v) VALUES (2, 1, 1) USING TTL 1")
    session.execute(f"INSERT INTO {table} (k, c) VALUES (3, 1)")
    session.execute(f"UPDATE {table} USING TTL 1 SET v = 1 WHERE k = 3 AND c = 1")
    session.execute(f"UPDATE {table} USING TTL 1 SET v = 1 WHERE k = 4 AND c = 1")
    until(lambda: not list(session.execute(f"SELECT * FROM {table} WHERE k = 2")), "the row of one second is gone", 10)
    until(lambda: not list(session.execute(f"SELECT * FROM {table} WHERE k = 4")), "and the one without a marker", 10)
    # The row's own marker has no TTL, so the row stays.
    until(lambda: session.execute(f"SELECT v FROM {table} WHERE k = 3").one() == (None,), "the cell of one second is gone", 10)
    assert session.execute(f"SELECT v FROM {table} WHERE k = 1").one() == (1,)


def test_the_last_value_that_a_map_literal_gives_a_key_counts(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, m map<text, int>, f frozen<map<text, int>>)")
    for first, last in [(1, 2), (2, 1)]:
        literal = f"{{'a': 0, 'x': {first}, 'x': {last}}}"
        session.execute(f"INSERT INTO {table} (k, m, f) VALUES (1, {literal}, {literal})")
        row = session.execute(f"SELECT m, f FROM {table} WHERE k = 1").one()
        assert dict(row.m) == dict(row.f) == {"a": 0, "x": last}


def test_default_time_to_live(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, v int) WITH default_time_to_live = 500")
    session.execute(f"INSERT INTO {table} (k, v) VALUES (1, 1)")
    session.execute(f"INSERT INTO {table} (k, v) VALUES (2, 2) USING TTL 0")
    session.execute(f"INSERT INTO {table} (k, v) VALUES (3, 3) USING TTL 5000")
    found = {row.k: row.ttl for row in session.execute(f"SELECT k, ttl(v) AS ttl FROM {table}")}
    assert 400 < found[1] <= 500 and found[2] is None and 4900 < found[3] <= 5000


def test_timestamps_of_client_statement_and_server(one, session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, v int)")
    before = micros()
    session.execute(f"INSERT INTO {table} (k, v) VALUES (1, 1)")
    stamp = session.execute(f"SELECT writetime(v) FROM {table} WHERE k = 1").one()[0]
    assert before - 1_000_000 <= stamp <= micros() + 1_000_000
    session.execute(f"INSERT INTO {table} (k, v) VALUES (1, 2) USING TIMESTAMP 5")
    assert session.execute(f"SELECT v FROM {table} WHERE k = 1").one() == (1,)
    # Without a client timestamp the server's own clock counts.
    with one.cluster() as cluster:
        other = cluster.connect(session.keyspace)
        other.use_client_timestamp = False
        other.execute(f"INSERT INTO {table} (k, v) VALUES (2, 2)")
        stamp = other.execute(f"SELECT writetime(v) FROM {table} WHERE k = 2").one()[0]
        assert abs(stamp - micros()) < 60_000_000
    with one.cluster(timestamp_generator=lambda: 123) as cluster:
        cluster.connect(session.keyspace).execute(f"INSERT INTO {table} (k, v) VALUES (3, 3)")
    assert session.execute(f"SELECT writetime(v) FROM {table} WHERE k = 3").one() == (123,)


def test_batches_of_one_and_of_several_partitions(session, table):
    session.execute(f"CREATE TABLE {table} (k int, c int, v text, PRIMARY KEY (k, c))")
    write = session.prepare(f"INSERT INTO {table} (k, c, v) VALUES (?, ?, ?)")
    for kind, base in ((BatchType.LOGGED, 0), (BatchType.UNLOGGED, 100)):
        for partitions in (1, 5):
            batch = BatchStatement(kind)
            for number in range(20):
                batch.add(write, (base + number % partitions, number, "x"))
            session.execute(batch)
        keys = ", ".join(str(base + key) for key in range(5))
        assert len(list(session.execute(f"SELECT * FROM {table} WHERE k IN ({keys})"))) == 36
    stamps = {row[0] for row in session.execute(f"SELECT writetime(v) FROM {table} WHERE k IN (1, 2, 3, 4)")}
    assert len(stamps) == 1, "one batch has one timestamp"


def batch_of(session, table, kind, statements, size):
    write = session.prepare(f"INSERT INTO {table} (k, c, v) VALUES (?, ?, ?)")
    batch = BatchStatement(kind)
    for number in range(statements):
        batch.add(write, (number, 0, "v" * size))
    return batch


def test_sizes_of_batches_warn_and_fail(session, table):
    session.execute(f"CREATE TABLE {table} (k int, c int, v text, PRIMARY KEY (k, c))")
    cases = [
        (BatchType.LOGGED, 4, 100, None),
        (BatchType.LOGGED, 10, 1000, "is of size"),
        (BatchType.UNLOGGED, 10, 1000, "is of size"),
        (BatchType.UNLOGGED, 11, 1, "Unlogged batch covering 11 partitions detected"),
        (BatchType.UNLOGGED, 10, 1, None),
    ]
    for kind, statements, size, expected in cases:
        future = session.execute_async(batch_of(session, table, kind, statements, size))
        future.result()
        found = " ".join(future.warnings or [])
        assert (expected in found) if expected else not found, (kind, statements, size, found)
    for kind in (BatchType.LOGGED, BatchType.UNLOGGED):
        with pytest.raises(InvalidRequest, match="Batch too large"):
            session.execute(batch_of(session, table, kind, 60, 1000))
    assert not list(session.execute(f"SELECT k FROM {table} WHERE k = 59")), "a refused batch writes nothing"


def test_large_values(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, v blob)")
    write = session.prepare(f"INSERT INTO {table} (k, v) VALUES (?, ?)")
    for size in (65_535, 65_536, 131_071, 131_072, 1_000_000, 5_000_000):
        value = bytes(number % 251 for number in range(1000)) * (size // 1000) + b"e" * (size % 1000)
        session.execute(write, (size, value))
        assert session.execute(f"SELECT v FROM {table} WHERE k = %s", (size,)).one().v == value


def test_a_key_of_65535_bytes_is_the_longest(session, table):
    session.execute(f"CREATE TABLE {table} (k text PRIMARY KEY, v int)")
    session.execute(f"INSERT INTO {table} (k, v) VALUES (%s, 1)", ("k" * 65_535,))
    assert session.execute(f"SELECT v FROM {table} WHERE k = %s", ("k" * 65_535,)).one() == (1,)
    with pytest.raises(InvalidRequest, match="Key length of 65536 is longer than maximum of 65535"):
        session.execute(f"INSERT INTO {table} (k, v) VALUES (%s, 1)", ("k" * 65_536,))


def test_functions_of_the_clock(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, t timeuuid, u uuid, ts timestamp, d date)")
    before = datetime.datetime.utcnow() - datetime.timedelta(seconds=5)
    session.execute(f"INSERT INTO {table} (k, t, u, ts, d) VALUES (1, now(), uuid(), to_timestamp(now()), to_date(now()))")
    row = session.execute(f"SELECT t, u, ts, d, to_timestamp(t) AS of_t, to_unix_timestamp(t) AS unix FROM {table}").one()
    assert row.t.version == 1 and row.u.version == 4
    after = datetime.datetime.utcnow() + datetime.timedelta(seconds=5)
    assert before <= row.ts <= after and before <= row.of_t <= after
    assert row.d.date() in (before.date(), after.date())
    assert abs(row.unix - micros() // 1000) < 60_000
    first, second = session.execute("SELECT now() AS a, now() AS b FROM system.local").one()
    assert first == second or first.time <= second.time


def test_truncate(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, v int)")
    for key in range(50):
        session.execute(f"INSERT INTO {table} (k, v) VALUES ({key}, 1)")
    session.execute(f"TRUNCATE {table}")
    assert list(session.execute(f"SELECT * FROM {table}")) == []
    session.execute(f"INSERT INTO {table} (k, v) VALUES (1, 2)")
    assert session.execute(f"SELECT * FROM {table}").one() == (1, 2)


def test_many_tombstones_in_one_partition(session, table):
    session.execute(f"CREATE TABLE {table} (k int, c int, v int, PRIMARY KEY (k, c))")
    write = session.prepare(f"INSERT INTO {table} (k, c, v) VALUES (1, ?, 1)")
    remove = session.prepare(f"DELETE FROM {table} WHERE k = 1 AND c = ?")
    for number in range(300):
        session.execute(write, (number,))
        if number % 3:
            session.execute(remove, (number,))
    found = [row.c for row in session.execute(SimpleStatement(f"SELECT c FROM {table} WHERE k = 1", fetch_size=10))]
    assert found == list(range(0, 300, 3))
    session.execute(f"DELETE FROM {table} WHERE k = 1 AND c >= 100 AND c < 200")
    found = [row.c for row in session.execute(SimpleStatement(f"SELECT c FROM {table} WHERE k = 1 ORDER BY c DESC", fetch_size=10))]
    assert found == [number for number in range(297, -1, -3) if not 100 <= number < 200]
