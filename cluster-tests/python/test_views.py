"""Materialized views over time: built on rows that are there, after TTLs end, flushed, restarted, killed, on three nodes. What single
statements answer stands in `answers/views.cql`."""

import random
import time

import pytest
from cassandra import ConsistencyLevel as Level
from cassandra import InvalidRequest
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.query import SimpleStatement

from conftest import fresh_keyspace, started
from servers import until

BASE = "CREATE TABLE t (k int, c int, v int, w int, PRIMARY KEY (k, c))"
VIEWS = {
    "by_value": ("v, k, c", "CREATE MATERIALIZED VIEW by_value AS SELECT * FROM t"
                 " WHERE k IS NOT NULL AND c IS NOT NULL AND v IS NOT NULL PRIMARY KEY (v, k, c)"),
    "by_key": ("c, k", "CREATE MATERIALIZED VIEW by_key AS SELECT * FROM t"
               " WHERE k IS NOT NULL AND c IS NOT NULL PRIMARY KEY (c, k)"),
    "of_some": ("c, k", "CREATE MATERIALIZED VIEW of_some AS SELECT k, c, v FROM t"
                " WHERE k >= 3 AND c IS NOT NULL PRIMARY KEY (c, k)"),
}
ON = ["materialized_views_enabled=true"]


def rows(session, text, level=Level.ONE):
    return sorted((tuple(row) for row in session.execute(SimpleStatement(text, consistency_level=level))), key=str)


def wanted(base, name):
    """What a view is to show, from the base table's rows (k, c, v, w)."""
    if name == "by_value":
        base = [row for row in base if row[2] is not None]
    if name == "of_some":
        base = [row[:3] for row in base if row[0] >= 3]
    return base


def agrees(session, level=Level.ONE):
    base = rows(session, "SELECT k, c, v, w FROM t", level)
    for name in VIEWS:
        columns = "k, c, v" if name == "of_some" else "k, c, v, w"
        if rows(session, f"SELECT {columns} FROM {name}", level) != wanted(base, name):
            return False
    return True


def make_views(session):
    for _, statement in VIEWS.values():
        session.execute(statement)


def built(session, keyspace):
    names = session.execute(f"SELECT view_name FROM system.built_views WHERE keyspace_name = '{keyspace}'")
    return {row.view_name for row in names} == set(VIEWS)


def write_much(session, seed, count, base=0, level=Level.ONE):
    """Inserts, updates and deletes with timestamps in no order."""
    rng = random.Random(seed)
    times = list(range(base + 1, base + count + 1))
    rng.shuffle(times)
    for number in times:
        k, c, value = rng.randrange(6), rng.randrange(8), rng.choice(["null", 1, 2, 3])
        text = rng.choice([
            f"INSERT INTO t (k, c, v, w) VALUES ({k}, {c}, {value}, {number % 1000}) USING TIMESTAMP {number}",
            f"UPDATE t USING TIMESTAMP {number} SET v = {value} WHERE k = {k} AND c = {c}",
            f"UPDATE t USING TIMESTAMP {number} SET w = {number % 1000} WHERE k = {k} AND c = {c}",
            f"DELETE FROM t USING TIMESTAMP {number} WHERE k = {k} AND c = {c}",
            f"DELETE v FROM t USING TIMESTAMP {number} WHERE k = {k} AND c = {c}",
            f"INSERT INTO t (k, c, v) VALUES ({k}, {c}, {value}) USING TIMESTAMP {number}",
        ])
        session.execute(SimpleStatement(text, consistency_level=level))


def test_a_view_of_rows_that_are_there(session, one):
    fresh_keyspace(session, "views_built", one.replication())
    session.execute(BASE)
    write = session.prepare("INSERT INTO t (k, c, v, w) VALUES (?, ?, ?, ?)")
    execute_concurrent_with_args(session, write, [(n % 97, n, n % 5, n) for n in range(3000)])
    make_views(session)
    until(lambda: built(session, "views_built"), "the views are built", 60)
    until(lambda: agrees(session), "the views have every row", 20)
    write_much(session, 5, 60, 4 * 10**15)
    assert agrees(session)
    session.execute("DROP KEYSPACE views_built")


def test_metadata_of_the_driver(session, one):
    fresh_keyspace(session, "views_metadata", one.replication())
    session.execute(BASE)
    make_views(session)
    meta = session.cluster.metadata.keyspaces["views_metadata"]
    until(lambda: set(meta.views) == set(VIEWS), "the driver knows the views", 10)
    view = meta.views["by_value"]
    assert (view.base_table_name, view.include_all_columns) == ("t", True)
    assert view.where_clause == "k IS NOT NULL AND c IS NOT NULL AND v IS NOT NULL"
    assert [column.name for column in view.partition_key + view.clustering_key] == ["v", "k", "c"]
    assert set(meta.tables) == {"t"} and set(meta.tables["t"].views) == set(VIEWS)
    assert "CREATE MATERIALIZED VIEW views_metadata.of_some AS" in meta.views["of_some"].as_cql_query()
    session.execute("ALTER TABLE t ADD x int")
    until(lambda: "x" in session.cluster.metadata.keyspaces["views_metadata"].views["by_key"].columns, "the new column", 10)
    assert "x" not in session.cluster.metadata.keyspaces["views_metadata"].views["of_some"].columns
    session.execute("DROP MATERIALIZED VIEW by_key")
    until(lambda: "by_key" not in session.cluster.metadata.keyspaces["views_metadata"].views, "it is gone", 10)
    session.execute("DROP KEYSPACE views_metadata")


def test_what_has_a_ttl_ends_in_the_view(session, one):
    fresh_keyspace(session, "views_ttl", one.replication())
    session.execute(BASE)
    make_views(session)
    for text in [
        "INSERT INTO t (k, c, v, w) VALUES (1, 1, 1, 1) USING TTL 1",
        "INSERT INTO t (k, c, v, w) VALUES (1, 2, 1, 1)",
        "UPDATE t USING TTL 1 SET v = 2 WHERE k = 1 AND c = 2",
        "UPDATE t USING TTL 1 SET w = 2 WHERE k = 5 AND c = 3",
        "INSERT INTO t (k, c, v) VALUES (5, 4, 1) USING TTL 1",
        "UPDATE t SET w = 7 WHERE k = 5 AND c = 4",
        "INSERT INTO t (k, c, v, w) VALUES (5, 5, 5, 5) USING TTL 1",
        "INSERT INTO t (k, c, v, w) VALUES (5, 5, 5, 5)",
    ]:
        session.execute(text)
    time.sleep(2.2)
    assert rows(session, "SELECT k, c, v, w FROM by_value") == [(5, 5, 5, 5)]
    assert rows(session, "SELECT k, c, v, w FROM by_key") == [(1, 2, None, 1), (5, 4, None, 7), (5, 5, 5, 5)]
    assert rows(session, "SELECT k, c, v FROM of_some") == [(5, 4, None), (5, 5, 5)]
    session.execute("UPDATE t SET v = 3 WHERE k = 1 AND c = 2")
    assert rows(session, "SELECT k, c, v, w FROM by_value") == [(1, 2, 3, 1), (5, 5, 5, 5)]
    session.execute("DROP KEYSPACE views_ttl")


def test_disabled_as_in_cassandra_by_default():
    with started(1) as server, server.cluster() as cluster:
        session = cluster.connect()
        fresh_keyspace(session, "views_off", server.replication())
        session.execute(BASE)
        with pytest.raises(InvalidRequest) as error:
            session.execute(VIEWS["by_key"][1])
        assert "Materialized views are disabled. Enable in cassandra.yaml to use." in str(error.value)


def test_views_survive_flushes_kills_and_restarts():
    with started(1, settings=ON) as server:
        node = server.nodes[0]
        for turn in range(3):
            with server.cluster() as cluster:
                session = cluster.connect()
                if turn == 0:
                    fresh_keyspace(session, "views_kill", server.replication())
                    session.execute(BASE)
                    make_views(session)
                session.set_keyspace("views_kill")
                assert agrees(session), turn
                write_much(session, turn, 150, turn * 1000)
                assert agrees(session), turn
                if turn == 1:
                    node.nodetool("flush")
                    write_much(session, 77, 50, turn * 1000 + 500)
                    assert agrees(session)
            node.kill()
            node.start()
            node.wait()
        with server.cluster() as cluster:
            session = cluster.connect("views_kill")
            assert agrees(session) and built(session, "views_kill")


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_three_nodes(factor):
    with started(3, settings=ON) as server:
        with server.cluster() as cluster:
            session = cluster.connect()
            fresh_keyspace(session, "views_three", server.replication(factor))
            session.execute(BASE)
            write_much(session, 3, 60, level=Level.ALL)
            make_views(session)
            write_much(session, 4, 200, 1000, Level.ALL)
            until(lambda: agrees(session, Level.ALL), "the views follow", 30)
            # Nodes are killed while clients write. Whatever became of a write, the views say what the base table says.
            level = {1: Level.ONE, 2: Level.ONE, 3: Level.QUORUM}[factor]
            rng = random.Random(9)
            done = 0
            for number in range(240):
                if number % 80 == 20:
                    server.nodes[1 + number // 80 % 2].kill()
                if number % 80 == 60:
                    server.nodes[1 + number // 80 % 2].start()
                    server.nodes[1 + number // 80 % 2].wait()
                key = f"k = {rng.randrange(6)} AND c = {rng.randrange(8)}"
                text = rng.choice([f"UPDATE t SET v = {rng.randrange(3)}, w = {number} WHERE {key}",
                                   f"UPDATE t SET v = null WHERE {key}", f"DELETE FROM t WHERE {key}"])
                try:
                    session.execute(SimpleStatement(text, consistency_level=level), timeout=3)
                    done += 1
                except Exception:
                    pass
            assert done > 80
        with server.cluster() as cluster:
            session = cluster.connect("views_three")

            def follows():
                try:
                    return agrees(session, Level.ALL)
                except Exception:
                    return False
            until(follows, "the views follow", 90)
