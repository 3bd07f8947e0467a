"""Two data centres of three nodes each: who takes part in a conditional write at SERIAL, and who at LOCAL_SERIAL."""

import threading
import time

import pytest
from cassandra import ConsistencyLevel as Level
from cassandra import ReadTimeout, Unavailable, WriteTimeout
from cassandra.cluster import ExecutionProfile
from cassandra.policies import FallthroughRetryPolicy, WhiteListRoundRobinPolicy
from cassandra.protocol import ErrorMessage

from conftest import started
from kills.checker import check
from kills.clients import CAS_WRITE_UNKNOWN
from kills.record import Registers
from servers import until

CLIENTS = 4
EACH = 15


@pytest.fixture(scope="module")
def six():
    with started(6, topology=["us-east"] * 3 + ["eu-west"] * 3) as server:
        yield server


def connect(server, address, serial):
    profile = ExecutionProfile(load_balancing_policy=WhiteListRoundRobinPolicy([address]), retry_policy=FallthroughRetryPolicy(),
                               request_timeout=20, serial_consistency_level=serial, consistency_level=Level.LOCAL_QUORUM)
    return server.cluster(contact_points=[address], profile=profile)


@pytest.fixture(scope="module")
def made(six):
    with connect(six, six.contact_points[0], Level.SERIAL) as cluster:
        session = cluster.connect()
        session.execute("CREATE KEYSPACE dcs WITH replication = {'class': 'NetworkTopologyStrategy', 'us-east': 3, 'eu-west': 3}")
        session.execute("CREATE TABLE dcs.t (k int PRIMARY KEY, v int)")
    return six


def add_ones(server, address, serial, key, registers, wrong):
    """One client that adds one, again and again, to what it reads."""
    try:
        with connect(server, address, serial) as cluster:
            session = cluster.connect("dcs")
            read = session.prepare("SELECT v FROM t WHERE k = ?")
            read.consistency_level = serial
            update = session.prepare("UPDATE t SET v = ? WHERE k = ? IF v = ?")
            for _ in range(EACH):
                begun = time.monotonic()
                try:
                    value = session.execute(read, (key,)).one().v
                except ReadTimeout:  # others were quicker all the time
                    continue
                registers.looked(key, begun, value, address)
                begun = time.monotonic()
                try:
                    answer = session.execute(update, (value + 1, key, value)).one()
                except WriteTimeout:
                    registers.lost(key, begun, value, value + 1, address)
                    continue
                except ErrorMessage as error:  # some replicas had accepted when others were quicker
                    if error.code != CAS_WRITE_UNKNOWN:
                        raise
                    registers.lost(key, begun, value, value + 1, address)
                    continue
                if answer.applied:
                    registers.swapped(key, begun, value, value + 1, address)
                else:
                    registers.looked(key, begun, answer.v, address)
    except Exception as error:  # noqa: BLE001 - nothing is expected to fail
        wrong.append(f"{address}: {type(error).__name__}: {error}")


@pytest.mark.parametrize("serial, addresses", [
    (Level.LOCAL_SERIAL, range(3)), (Level.LOCAL_SERIAL, range(3, 6)), (Level.SERIAL, range(6)),
])
def test_clients_that_meet(made, serial, addresses):
    key = addresses[0] + 10 * serial
    places = [made.contact_points[place] for place in addresses]
    with connect(made, places[0], serial) as cluster:
        assert cluster.connect("dcs").execute(f"INSERT INTO t (k, v) VALUES ({key}, 0) IF NOT EXISTS").one().applied
    registers, wrong = Registers("registers"), []
    clients = [threading.Thread(target=add_ones, args=(made, places[number % len(places)], serial, key, registers, wrong))
               for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert not wrong, wrong
    history = registers.histories[key]
    check(history, first=0)
    assert registers.applied >= EACH // 2
    with connect(made, places[-1], serial) as cluster:
        session = cluster.connect("dcs")
        read = session.prepare("SELECT v FROM t WHERE k = ?")
        for level in (serial, Level.ALL):
            read.consistency_level = level
            found = session.execute(read, (key,)).one().v
            assert registers.applied <= found <= registers.applied + registers.unknown


def test_the_other_data_centre_is_needed_by_serial_only(made):
    """Of six nodes three are gone, one here and two there: LOCAL_SERIAL goes on here and not there, SERIAL nowhere."""
    down = [made.nodes[2], *made.nodes[4:]]
    for node in down:
        node.kill()
    here, there = made.nodes[0], made.nodes[3]
    for node in (here, there):
        for other in down:
            until(lambda: f"DN  {other.address}" in node.nodetool("status"), "the node is seen down", 60)
    insert = "INSERT INTO t (k, v) VALUES (1, 1) IF NOT EXISTS"
    for node, serial, required, alive in ((there, Level.LOCAL_SERIAL, 2, 1), (here, Level.SERIAL, 4, 3), (there, Level.SERIAL, 4, 3)):
        with connect(made, node.address, serial) as cluster:
            with pytest.raises(Unavailable) as refused:
                cluster.connect("dcs").execute(insert)
        error = refused.value
        assert (error.consistency, error.required_replicas, error.alive_replicas) == (serial, required, alive)
    with connect(made, here.address, Level.LOCAL_SERIAL) as cluster:
        assert cluster.connect("dcs").execute(insert).one().applied
