"""Secondary indexes over time: built on data that is there, flushed, compacted, restarted, paged, on three nodes. What single
statements answer stands in `answers/index.cql`."""

import random

import pytest
from cassandra import ConsistencyLevel as Level
from cassandra import InvalidRequest, ReadFailure
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.query import SimpleStatement

from conftest import fresh_keyspace, started
from servers import until


def rows(session, text, fetch_size=None, level=Level.ONE):
    statement = SimpleStatement(text, fetch_size=fetch_size, consistency_level=level)
    return [tuple(row) for row in session.execute(statement)]


def when_built(session, text):
    """The rows, as soon as the index is built."""
    def asked():
        try:
            return [rows(session, text)]
        except ReadFailure:
            return None
    return until(asked, "the index is built", 60)[0]


def fill(session, table, count):
    write = session.prepare(f"INSERT INTO {table} (k, c, v, w) VALUES (?, ?, ?, ?)")
    values = [(number % 97, number, number % 5, f"w{number % 7}") for number in range(count)]
    execute_concurrent_with_args(session, write, values)


def test_an_index_on_rows_that_are_there(session, table):
    session.execute(f"CREATE TABLE {table} (k int, c int, v int, w text, PRIMARY KEY (k, c))")
    fill(session, table, 2000)
    session.execute(f"CREATE INDEX ON {table} (v)")
    expected = rows(session, f"SELECT k, c FROM {table} WHERE v = 3 ALLOW FILTERING")
    assert len(expected) == 400
    assert when_built(session, f"SELECT k, c FROM {table} WHERE v = 3") == expected


@pytest.mark.parametrize("size", [1, 3, 50, 399, 400, 401])
def test_pages(session, table, size):
    session.execute(f"CREATE TABLE {table} (k int, c int, v int, w text, s int static, PRIMARY KEY (k, c))")
    for column in ("v", "c", "s"):
        session.execute(f"CREATE INDEX ON {table} ({column})")
    count = 200 if size < 50 else 2000
    fill(session, table, count)
    session.execute(f"INSERT INTO {table} (k, s) VALUES (5, 8)")
    session.execute(f"INSERT INTO {table} (k, s) VALUES (6, 8)")
    session.execute(f"INSERT INTO {table} (k, s) VALUES (7777, 8)")
    for where in ("v = 3", "c = 77", "s = 8", "v = 3 AND w = 'w2' ALLOW FILTERING"):
        whole = rows(session, f"SELECT k, c, v, w, s FROM {table} WHERE {where}", 5000)
        plain = where.removesuffix(" ALLOW FILTERING") + " ALLOW FILTERING"
        assert whole and rows(session, f"SELECT k, c, v, w, s FROM {table} WHERE {where}", size) == whole, where
        session.execute(f"CREATE TABLE IF NOT EXISTS {table}_plain (k int, c int, v int, w text, s int static, PRIMARY KEY (k, c))")
        limited = f"SELECT k, c, v, w, s FROM {table} WHERE {plain.replace(' ALLOW', ' LIMIT 7 ALLOW')}"
        assert rows(session, limited, size) == whole[:7], where
    session.execute(f"DROP TABLE {table}_plain")


def test_values_that_are_too_long(session, table):
    session.execute(f"CREATE TABLE {table} (k int, c int, v text, m map<text, text>, s text static, PRIMARY KEY (k, c))")
    for target in ("v", "s", "values(m)", "keys(m)", "entries(m)"):
        session.execute(f"CREATE INDEX ON {table} ({target})")
    def refused(text, *values):
        with pytest.raises(InvalidRequest, match="Cannot index value of size 65535 for index .* \\(maximum allowed size=65535\\)"):
            session.execute(session.prepare(text), values)
    long = "x" * 65535
    refused(f"INSERT INTO {table} (k, c, v) VALUES (1, 1, ?)", long)
    refused(f"INSERT INTO {table} (k, s) VALUES (1, ?)", long)
    refused(f"UPDATE {table} SET m['a'] = ? WHERE k = 1 AND c = 1", long)
    refused(f"UPDATE {table} SET m[?] = 'a' WHERE k = 1 AND c = 1", long)
    refused(f"INSERT INTO {table} (k, c, m) VALUES (1, 1, ?)", {"a": "x" * 65528})
    assert not rows(session, f"SELECT * FROM {table}")
    session.execute(session.prepare(f"INSERT INTO {table} (k, c, v) VALUES (1, 1, ?)"), ["x" * 65534])
    found = session.prepare(f"SELECT k FROM {table} WHERE v = ?")
    assert list(session.execute(found, ["x" * 65534])) and not list(session.execute(found, [long]))
    with pytest.raises(InvalidRequest, match="Index expression values may not be larger than 64K"):
        session.execute(found, [long + "x"])


def test_an_index_lives_through_flush_compaction_and_restart():
    with started(1) as server:
        node = server.nodes[0]
        draw = random.Random(7)

        indexed = ["v =", "s =", "c =", "k2 ="]

        def check(session):
            for value in range(4):
                for where in (f"{relation} {value}" for relation in indexed):
                    text = f"SELECT * FROM i.t WHERE {where}"
                    expected = [row for row in everything(session) if matches(row, where)]
                    assert when_built(session, text) == expected, where

        def everything(session):
            return rows(session, "SELECT * FROM i.t")

        def matches(row, where):
            k1, k2, c, s, tags, v = row
            value = int(where.split(" ")[-1])
            return {"v": v == value, "tags": value in (tags or ()), "s": s == value, "c": c == value, "k2": k2 == value}[where.split(" ")[0]]

        def change(session, count):
            for _ in range(count):
                k1, k2, c, value = (draw.randrange(4) for _ in range(4))
                row = f"k1 = {k1} AND k2 = {k2}"
                session.execute(draw.choice([
                    f"INSERT INTO i.t (k1, k2, c, v) VALUES ({k1}, {k2}, {c}, {value})",
                    f"INSERT INTO i.t (k1, k2, c, v, s) VALUES ({k1}, {k2}, {c}, {value}, {value})",
                    f"UPDATE i.t SET v = {value} WHERE {row} AND c = {c}",
                    f"UPDATE i.t SET tags = tags + {{{value}}} WHERE {row} AND c = {c}",
                    f"UPDATE i.t SET tags = {{{value}}} WHERE {row} AND c = {c}",
                    f"UPDATE i.t SET s = {value} WHERE {row}",
                    f"DELETE v FROM i.t WHERE {row} AND c = {c}",
                    f"DELETE FROM i.t WHERE {row} AND c = {c}",
                    f"DELETE FROM i.t WHERE {row} AND c > {c}",
                    f"DELETE FROM i.t WHERE {row}",
                ]))

        with server.cluster() as cluster:
            session = cluster.connect()
            fresh_keyspace(session, "i", server.replication())
            session.execute("CREATE TABLE t (k1 int, k2 int, c int, v int, s int static, tags set<int>, PRIMARY KEY ((k1, k2), c))")
            for column in ("v", "s", "c", "k2"):
                session.execute(f"CREATE INDEX ON t ({column})")
            change(session, 150)
            check(session)
            node.nodetool("flush", "i")
            session.execute("CREATE INDEX ON t (tags)")
            indexed.append("tags CONTAINS")
            change(session, 150)
            check(session)
            node.nodetool("flush", "i")
            change(session, 50)
            node.nodetool("compact", "i")
            check(session)
            change(session, 50)
        node.kill()
        node.start()
        node.wait()
        with server.cluster() as cluster:
            session = cluster.connect()
            check(session)
            assert len(rows(session, "SELECT index_name FROM system.\"IndexInfo\" WHERE table_name = 'i'")) == 5
            session.execute("DROP INDEX i.t_v_idx")
            session.execute("CREATE INDEX ON i.t (v)")
            check(session)
            session.execute("TRUNCATE i.t")
            check(session)
            change(session, 50)
            check(session)


def test_a_truncation_leaves_nothing_in_an_index():
    """Of values, deletions and compactions before: what is written at earlier times behind it is found."""
    with started(1) as server, server.cluster() as cluster:
        session = cluster.connect()
        fresh_keyspace(session, "i", server.replication())
        session.execute("CREATE TABLE t (k int PRIMARY KEY, v int)")
        session.execute("CREATE INDEX ON t (v)")
        for _ in range(10):
            for text in ("INSERT INTO t (k, v) VALUES (1, 0) USING TIMESTAMP 17", "DELETE v FROM t USING TIMESTAMP 22 WHERE k = 1",
                         "INSERT INTO t (k, v) VALUES (2, 0) USING TIMESTAMP 17"):
                session.execute(text)
                server.nodes[0].nodetool("flush", "i")
            assert rows(session, "SELECT k FROM t WHERE v = 0") == [(2,)]
            server.nodes[0].nodetool("compact", "i")
            session.execute("TRUNCATE t")
            session.execute("INSERT INTO t (k, v) VALUES (1, 0) USING TIMESTAMP 8")
            assert rows(session, "SELECT k FROM t WHERE v = 0") == [(1,)]


def test_three_nodes(three):
    with three.cluster() as cluster:
        session = cluster.connect()
        fresh_keyspace(session, "index_three", three.replication(3))
        session.execute("CREATE TABLE t (k int, c int, v int, w text, PRIMARY KEY (k, c))")
        session.execute("CREATE INDEX ON t (v)")
        fill(session, "t", 1000)
        for number in range(0, 1000, 10):
            session.execute(f"UPDATE t SET v = 9 WHERE k = {number % 97} AND c = {number}")
        for level in (Level.ONE, Level.QUORUM, Level.ALL):
            whole = rows(session, "SELECT k, c, v, w FROM t", level=Level.ALL)
            for value in (0, 3, 9, 11):
                expected = [row for row in whole if row[2] == value]
                for size in (7, 5000):
                    assert rows(session, f"SELECT k, c, v, w FROM t WHERE v = {value}", size, level) == expected
        fresh_keyspace(session, "index_two", three.replication(2))
        session.execute("CREATE TABLE t (k int, c int, v int, w text, PRIMARY KEY (k, c))")
        fill(session, "t", 300)
        session.execute("CREATE INDEX ON t (v)")
        expected = [row for row in rows(session, "SELECT k, c, v FROM t") if row[2] == 2]
        assert when_built(session, "SELECT k, c, v FROM t WHERE v = 2") == expected
        assert rows(session, "SELECT k, c, v FROM t WHERE v = 2", 7, Level.TWO) == expected
