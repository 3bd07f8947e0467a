"""What clients are warned of, and the routing markers they are told, beside the answers' files. Each line was first true of Cassandra."""

import pytest
from cassandra.cluster import ResponseFuture
from cassandra.protocol import PrepareMessage

from conftest import fresh_keyspace

REPAIR = "When increasing replication factor you need to run a full (-full) repair to distribute the data."


@pytest.fixture(scope="module")
def warned(one):
    with one.cluster() as cluster:
        session = cluster.connect()
        fresh_keyspace(session, "warned", one.replication())
        session.execute("CREATE TABLE warned.t (k int, c int, v int, PRIMARY KEY (k, c))")
        session.execute("CREATE TABLE warned.u (a int, b int, v int, PRIMARY KEY ((a, b)))")
        yield session
        session.execute("DROP KEYSPACE warned")


def warnings_of(session, statement):
    future = session.execute_async(statement)
    future.result()
    return future.warnings or []


def prepared(session, statement):
    future = ResponseFuture(session, PrepareMessage(query=statement), query=None, timeout=20)
    future.send_request()
    return future.result().one(), future.warnings or []


@pytest.mark.parametrize("replication,expected", [
    ("{'class': 'SimpleStrategy', 'replication_factor': 2}",
     ["Your replication factor 2 for keyspace warned_of is higher than the number of nodes 1", REPAIR]),
    ("{'class': 'SimpleStrategy', 'replication_factor': 2}",
     ["Your replication factor 2 for keyspace warned_of is higher than the number of nodes 1"]),
    ("{'class': 'SimpleStrategy', 'replication_factor': 1}", []),
    ("{'class': 'NetworkTopologyStrategy', 'datacenter1': 3}",
     ["Your replication factor 3 for keyspace warned_of is higher than the number of nodes 1 for datacenter datacenter1", REPAIR]),
])
def test_replication(warned, replication, expected):
    warned.execute("CREATE KEYSPACE IF NOT EXISTS warned_of WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    assert warnings_of(warned, f"ALTER KEYSPACE warned_of WITH replication = {replication}") == expected


@pytest.mark.parametrize("statement,expected", [
    ("BEGIN BATCH INSERT INTO warned.t (k, c, v) VALUES (?, ?, ?); UPDATE warned.t SET v = ? WHERE k = ? AND c = ? APPLY BATCH", [4]),
    ("BEGIN BATCH UPDATE warned.t SET v = ? WHERE k = ? AND c = ? APPLY BATCH", [1]),
    ("BEGIN BATCH UPDATE warned.t SET v = 1 WHERE k = 1 AND c = 1; DELETE FROM warned.t WHERE k = ? APPLY BATCH", [0]),
    ("BEGIN BATCH INSERT INTO warned.t (k, c) VALUES (1, 1); INSERT INTO warned.u (a, b) VALUES (?, ?) APPLY BATCH", []),
    ("BEGIN BATCH INSERT INTO warned.u (a, b) VALUES (?, ?); UPDATE warned.u SET v = 1 WHERE a = ? AND b = 1 APPLY BATCH", [2, 1]),
    ("BEGIN BATCH INSERT INTO warned.u (a, b) VALUES (1, ?); UPDATE warned.u SET v = 1 WHERE a = 1 AND b = ? APPLY BATCH", []),
    ("BEGIN BATCH USING TIMESTAMP ? UPDATE warned.t SET v = 1 WHERE k = ? AND c = 1 APPLY BATCH", []),
    ("BEGIN UNLOGGED BATCH APPLY BATCH", []),
])
def test_routing_markers_of_batches(warned, statement, expected):
    assert prepared(warned, statement)[0].pk_indexes == expected


def test_preparing_in_the_keyspace_in_use(one, warned):
    with one.cluster() as cluster:
        session = cluster.connect()
        assert prepared(session, "SELECT v FROM warned.t")[1] == []
        session.set_keyspace("warned")
        answer, warnings = prepared(session, "SELECT c FROM t WHERE k = ?")
        assert len(warnings) == 1 and warnings[0].startswith("`USE <keyspace>` with prepared statements")
        identity = answer.query_id.hex()
        assert warnings[0].endswith(f"Keyspace used: warned, statement keyspace: warned, statement id: {identity}")
        assert prepared(session, "SELECT v FROM t WHERE k = ?")[1] == [], "it is said once"
