"""Three nodes: consistency levels, what happens while nodes are down, hints, batches, events of the topology."""

import itertools
import random
import socket
import struct
import time

import pytest
from cassandra import ConsistencyLevel as Level
from cassandra import Unavailable
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.query import BatchStatement

from conftest import fresh_keyspace, started
from servers import at, only, until
from wire import EVENT, READY, REGISTER, RESULT, Connection, frame, startup, text


@pytest.fixture(scope="module")
def trio():
    """Three nodes that tests of this module kill and start again; each test leaves all of them running."""
    with started(3) as server:
        with server.cluster() as cluster:
            session = cluster.connect()
            fresh_keyspace(session, "trio", server.replication(3))
            session.execute("CREATE TABLE t (k int PRIMARY KEY, v text)")
        yield server


def all_up(server):
    """Every node sees every node up."""
    def seen():
        return all(len([line for line in node.nodetool("status").splitlines() if line.startswith("UN ")]) == 3
                   for node in server.nodes)
    until(seen, "all nodes see each other", 60)


def asked_by_hand(address):
    """A connection that is ready for requests at once, which a driver's is not."""
    connection = Connection(address)
    connection.send(startup(4))
    assert connection.answer()[3] == READY
    return connection


def writes_through(connections, key):
    """A write at QUORUM and one at ALL through each connection, each of which must succeed."""
    for (address, connection), level in itertools.product(connections.items(), (Level.QUORUM, Level.ALL)):
        opcode, body = connection.ask(f"INSERT INTO trio.t (k, v) VALUES ({key}, 'up')", level)
        assert opcode == RESULT, f"{Level.value_to_name[level]} through {address}: {body!r}"


def test_a_page_of_large_rows_is_read_through_any_node(trio):
    """Five thousand rows of 30 KB: more than a link between nodes holds at once."""
    with trio.cluster() as cluster:
        session = cluster.connect()
        # One replica: two of three nodes have to ask another.
        fresh_keyspace(session, "large", trio.replication(1))
        session.execute("CREATE TABLE t (k int, c int, v blob, PRIMARY KEY (k, c))")
        insert = session.prepare("INSERT INTO t (k, c, v) VALUES (1, ?, ?)")
        execute_concurrent_with_args(session, insert, [(c, bytes(30_000)) for c in range(5_000)], concurrency=20)
    for address in trio.contact_points:
        with only(trio, address) as cluster:
            session = cluster.connect("large")
            select = at(Level.ONE, "SELECT c, v FROM t WHERE k = 1")
            select.fetch_size = 5_000
            rows = session.execute(select, timeout=60).current_rows
            assert [(row.c, len(row.v)) for row in rows] == [(c, 30_000) for c in range(5_000)], address


def test_a_change_is_answered_when_all_agree(three):
    """Drivers look for one schema version in `system.local` and `system.peers` behind each change, and wait long if they do not find it."""
    for address in three.contact_points:
        with only(three, address, max_schema_agreement_wait=0) as cluster:
            session = cluster.connect()
            fresh_keyspace(session, "agreed", three.replication(3))
            for number in range(10):
                session.execute(f"CREATE TABLE agreed.t{number} (k int PRIMARY KEY)")
                rows = [*session.execute("SELECT schema_version FROM system.local"), *session.execute("SELECT schema_version FROM system.peers")]
                assert len(rows) == 3 and len({row.schema_version for row in rows}) == 1
            session.execute("DROP KEYSPACE agreed")


def test_every_node_knows_every_node(three):
    all_up(three)
    with three.cluster() as cluster:
        session = cluster.connect()
        hosts = cluster.metadata.all_hosts()
        assert {host.address for host in hosts} == set(three.contact_points)
        assert all(host.is_up and host.release_version == "5.0.6" for host in hosts)
        assert len(cluster.metadata.token_map.ring) == 48
        until(lambda: len(session.get_pools()) == 3, "the driver is connected to all")
        versions = {session.execute("SELECT schema_version FROM system.local", host=host).one()[0] for host in hosts}
        assert len(versions) == 1
        for host in hosts:
            peers = list(session.execute("SELECT * FROM system.peers_v2", host=host))
            old = list(session.execute("SELECT * FROM system.peers", host=host))
            others = set(three.contact_points) - {host.address}
            assert {str(row.peer) for row in peers} == {str(row.peer) for row in old} == others
            assert all(len(row.tokens) == 16 and row.host_id and row.native_port == 9042 for row in peers)


@pytest.mark.parametrize("level", [Level.ONE, Level.TWO, Level.THREE, Level.QUORUM, Level.ALL, Level.LOCAL_ONE,
                                   Level.LOCAL_QUORUM, Level.EACH_QUORUM])
def test_consistency_levels(three, level):
    with three.cluster() as cluster:
        session = cluster.connect()
        name = f"level_{Level.value_to_name[level].lower()}"
        fresh_keyspace(session, name, three.replication(3))
        session.execute("CREATE TABLE t (k int PRIMARY KEY, v int)")
        for key in range(30):
            session.execute(at(level, f"INSERT INTO t (k, v) VALUES ({key}, {key * 2})"))
        # A read at ALL sees what was written at any level.
        read = level if level in (Level.QUORUM, Level.ALL, Level.LOCAL_QUORUM) else Level.ALL
        found = {row.k: row.v for row in session.execute(at(read, "SELECT * FROM t"))}
        assert found == {key: key * 2 for key in range(30)}
        for key in range(30):
            assert session.execute(at(read, f"SELECT v FROM t WHERE k = {key}")).one() == (key * 2,)
        session.execute(f"DROP KEYSPACE {name}")


def test_ddl_through_any_node_is_seen_through_all(three):
    with three.cluster() as cluster:
        fresh_keyspace(cluster.connect(), "everywhere", three.replication(3))
    sessions = [only(three, address) for address in three.contact_points]
    try:
        connected = [each.connect("everywhere") for each in sessions]
        for number, session in enumerate(connected):
            session.execute(f"CREATE TABLE t{number} (k int PRIMARY KEY, v int)")
            for other in connected:
                other.execute(f"INSERT INTO t{number} (k, v) VALUES (1, {number})")
                assert other.execute(f"SELECT v FROM t{number} WHERE k = 1").one() == (number,)
        text = "SELECT v FROM everywhere.t0 WHERE k = ?"
        assert len({session.prepare(text).query_id for session in connected}) == 1
    finally:
        for each in sessions:
            each.shutdown()


def test_replicas_are_where_the_driver_expects_them(three):
    with three.cluster() as cluster:
        session = cluster.connect()
        fresh_keyspace(session, "placed", three.replication(1))
        session.execute("CREATE TABLE t (k int PRIMARY KEY)")
        until(lambda: "placed" in cluster.metadata.keyspaces, "the driver knows the keyspace")
        for key in range(20):
            routing = key.to_bytes(4, "big")
            (replica,) = cluster.metadata.get_replicas("placed", routing)
            told = three.nodes[0].nodetool("getendpoints", "placed", "t", str(key)).split()
            assert told == [replica.address]


def test_one_node_down(trio):
    down = trio.nodes[2]
    with only(trio, trio.nodes[0].address) as cluster:
        session = cluster.connect("trio")
        down.kill()
        until(lambda: f"DN  {down.address}" in trio.nodes[0].nodetool("status"), "the node is seen down", 60)
        write = session.prepare("INSERT INTO t (k, v) VALUES (?, ?)")
        write.consistency_level = Level.QUORUM
        for key in range(200):
            session.execute(write, (key, f"while down {key}"))
        found = list(session.execute(at(Level.QUORUM, "SELECT k FROM t")))
        assert {row.k for row in found} >= set(range(200))
        for level, text in ((Level.ALL, "INSERT INTO t (k, v) VALUES (1, 'x')"), (Level.ALL, "SELECT * FROM t WHERE k = 1"),
                            (Level.THREE, "INSERT INTO t (k, v) VALUES (1, 'x')")):
            with pytest.raises(Unavailable) as refused:
                session.execute(at(level, text))
            error = refused.value
            assert (error.consistency, error.required_replicas, error.alive_replicas) == (level, 3, 2)
        until(lambda: "does not have any pending hints" not in trio.nodes[0].nodetool("listpendinghints"), "hints are kept", 15)
        down.start()
        down.wait()
        for node in trio.nodes:
            until(lambda: "does not have any pending hints" in node.nodetool("listpendinghints"), "hints are delivered", 60)
    with only(trio, down.address) as cluster:
        session = cluster.connect("trio")
        all_up(trio)
        for key in range(200):
            assert session.execute(at(Level.ONE, f"SELECT v FROM t WHERE k = {key}")).one() == (f"while down {key}",)


def test_two_nodes_down(trio):
    with only(trio, trio.nodes[0].address) as cluster:
        session = cluster.connect("trio")
        session.execute(at(Level.ALL, "INSERT INTO t (k, v) VALUES (5000, 'all')"))
        for node in trio.nodes[1:]:
            node.kill()
        for node in trio.nodes[1:]:
            until(lambda: f"DN  {node.address}" in trio.nodes[0].nodetool("status"), "the node is seen down", 60)
        session.execute(at(Level.ONE, "INSERT INTO t (k, v) VALUES (5001, 'one')"))
        assert session.execute(at(Level.ONE, "SELECT v FROM t WHERE k = 5000")).one() == ("all",)
        for level, required in ((Level.QUORUM, 2), (Level.TWO, 2), (Level.LOCAL_QUORUM, 2), (Level.ALL, 3)):
            for text in ("INSERT INTO t (k, v) VALUES (1, 'x')", "SELECT * FROM t WHERE k = 1", "SELECT * FROM t"):
                with pytest.raises(Unavailable) as refused:
                    session.execute(at(level, text))
                error = refused.value
                assert (error.consistency, error.required_replicas, error.alive_replicas) == (level, required, 1)
        for node in trio.nodes[1:]:
            node.start()
        for node in trio.nodes[1:]:
            node.wait()
        all_up(trio)
        assert session.execute(at(Level.ALL, "SELECT v FROM t WHERE k = 5001")).one() == ("one",)


def test_all_killed_at_once_lose_nothing(trio):
    keys = range(10_000, 11_000)
    with trio.cluster() as cluster:
        session = cluster.connect("trio")
        write = session.prepare("INSERT INTO t (k, v) VALUES (?, ?)")
        write.consistency_level = Level.QUORUM
        assert all(done for done, _ in execute_concurrent_with_args(session, write, [(key, f"kept {key}") for key in keys]))
    for node in trio.nodes:
        node.kill()
    for node in reversed(trio.nodes):
        node.start()
    for node in trio.nodes:
        node.wait()
    all_up(trio)
    with trio.cluster() as cluster:
        session = cluster.connect("trio")
        read = session.prepare("SELECT v FROM t WHERE k = ?")
        read.consistency_level = Level.QUORUM
        results = execute_concurrent_with_args(session, read, [(key,) for key in keys])
        assert [result.one() for _, result in results] == [(f"kept {key}",) for key in keys]


def test_logged_batches_are_whole_or_absent(trio):
    """A coordinator dies while it writes batches; every batch is there whole in the end, or not at all, and as it was written."""
    with only(trio, trio.nodes[1].address) as cluster:
        session = cluster.connect("trio")
        session.execute("CREATE TABLE b (k int PRIMARY KEY, v int)")
        write = session.prepare("INSERT INTO b (k, v) VALUES (?, ?)")
        futures = []
        for number in range(300):
            batch = BatchStatement(consistency_level=Level.QUORUM)
            for part in range(3):
                batch.add(write, (number * 3 + part, number))
            futures.append(session.execute_async(batch))
            if number == 200:
                futures[100].result()
                trio.nodes[1].kill()
                killed = time.time() * 1e6
        acknowledged = set()
        for number, future in enumerate(futures):
            try:
                future.result()
                acknowledged.add(number)
            except Exception:  # noqa: BLE001 - the node is dead; the outcome is unknown
                pass
    assert acknowledged
    trio.nodes[1].start()
    trio.nodes[1].wait()
    all_up(trio)

    def counts():
        with trio.cluster() as cluster:
            rows = cluster.connect("trio").execute(at(Level.ALL, "SELECT v, writetime(v) AS written FROM b"))
            found, written = {}, {}
            for row in rows:
                found[row.v] = found.get(row.v, 0) + 1
                # One timestamp for all of a batch, whoever wrote it in the end, and from before the coordinator's death.
                assert written.setdefault(row.v, row.written) == row.written < killed
            return found

    def whole():
        found = counts()
        return set(found.values()) <= {3} and acknowledged <= set(found)

    until(whole, "every batch is whole", 60)


def test_a_node_that_says_it_is_ready_is_reached_through_all(trio):
    """No request is refused for want of a node that answers CQL: not by the node itself, not by the others."""
    chance = random.Random(11)
    for number in range(6):
        node = trio.nodes[number % 3]
        others = {other.address: asked_by_hand(other.address) for other in trio.nodes if other is not node}
        node.kill()
        # The others' attempts to reach it become rarer with time.
        time.sleep(chance.uniform(0, 2.5))
        opcode, body = next(iter(others.values())).ask(f"CREATE TABLE trio.meanwhile{number} (k int PRIMARY KEY)")
        assert opcode == RESULT, body
        node.start()
        node.wait_for_its_word()
        own = asked_by_hand(node.address)
        writes_through({node.address: own, **others}, 20_000 + number)
        # What happened to the schema meanwhile, too.
        opcode, body = own.ask(f"INSERT INTO trio.meanwhile{number} (k) VALUES (1)", Level.ALL)
        assert opcode == RESULT, body
    for order in itertools.permutations(trio.nodes):
        for node in trio.nodes:
            node.kill()
        for node in order:
            node.start()
        for node in order:
            node.wait_for_its_word()
        writes_through({node.address: asked_by_hand(node.address) for node in order}, 20_100)


def test_up_is_told_when_the_node_can_be_used(trio):
    """At the moment a client hears UP of a node, ALL succeeds through the node that told it."""
    for node in trio.nodes[:2]:
        all_up(trio)
        teller = trio.nodes[2].address
        with asked_by_hand(teller) as listener, asked_by_hand(teller) as asking:
            listener.send(frame(4, 3, REGISTER, struct.pack(">H", 1) + text("STATUS_CHANGE")))
            assert listener.answer()[3] == READY
            node.kill()
            node.start()
            # An UP before its DOWN is of the time before the kill.
            wanted = ["DOWN", "UP"]
            while wanted:
                _, _, stream, opcode, body = listener.answer()
                assert (stream, opcode) == (-1, EVENT)
                if body.startswith(text("STATUS_CHANGE") + text(wanted[0])) and socket.inet_aton(node.address) in body:
                    wanted.pop(0)
            writes_through({teller: asking, node.address: asked_by_hand(node.address)}, 20_200)


def test_status_events(trio):
    with trio.cluster() as cluster:
        session = cluster.connect()
        heard = []
        cluster.control_connection._connection.register_watcher("STATUS_CHANGE", heard.append)
        control = cluster.control_connection._connection.endpoint.address
        node = next(node for node in trio.nodes if node.address != control)

        def told(kind):
            return any(event["change_type"] == kind and event["address"][0] == node.address for event in heard)

        node.kill()
        until(lambda: told("DOWN"), f"DOWN is told: {heard}", 60)
        node.start()
        node.wait()
        until(lambda: told("UP"), f"UP is told: {heard}", 60)
        assert session.execute("SELECT key FROM system.local").one().key == "local"
        all_up(trio)


def test_a_node_that_stops_politely_is_down_at_once(trio):
    node = trio.nodes[2]
    assert node.stop() == 0
    until(lambda: f"DN  {node.address}" in trio.nodes[0].nodetool("status"), "the shutdown was told", 10)
    node.start()
    node.wait()
    all_up(trio)
