"""Fixtures: one node, three nodes, sessions and keyspaces on them.

Every expectation of these tests was first true of Apache Cassandra 5.0.6. To ask it again:
`HELENUS_TEST_CONTACT=127.0.0.99 python -m pytest cluster-tests/python`. Tests that need nodes of their own
(to kill them, to give them settings) are skipped then.
"""

import os

import pytest

from oracle import Oracle
from servers import Started, external

VERSIONS = [3, 4, 5]


@pytest.fixture(scope="session")
def one():
    """One node, shared by all tests that do not stop it."""
    server = external()
    if server:
        yield server
        return
    with started(1, settings=["user_defined_functions_enabled=true", "materialized_views_enabled=true"]) as server:
        yield server


@pytest.fixture(scope="session")
def three():
    """Three nodes, shared by all tests that leave them running."""
    if external():
        pytest.skip("needs nodes of its own")
    with started(3) as server:
        yield server


def started(count=1, settings=(), words=(), wait=True, topology=()):
    """Nodes of a test's own; the test is skipped where an external server is tested."""
    if external():
        pytest.skip("needs nodes of its own")
    if not os.environ.get("HELENUS_BIN"):  # a path, as `cargo xtask test` sets it
        pytest.skip("HELENUS_BIN names no binary")
    return Started(count, settings, words, wait, topology=topology)


@pytest.fixture(scope="session")
def shared(one):
    """A session to the one node, at the version the driver chooses."""
    with one.cluster() as cluster:
        yield cluster.connect()


@pytest.fixture(scope="module")
def session(one, request):
    """A session of a module's own, in a keyspace of its own."""
    name = request.module.__name__
    with one.cluster() as cluster:
        session = cluster.connect()
        fresh_keyspace(session, name, one.replication())
        yield session
        session.execute(f"DROP KEYSPACE IF EXISTS {name}")


def fresh_keyspace(session, name, replication):
    session.execute(f"DROP KEYSPACE IF EXISTS {name}")
    session.execute(f"CREATE KEYSPACE {name} WITH replication = {replication}")
    session.set_keyspace(name)


@pytest.fixture
def table(session, request):
    """A name for a test's table, dropped before and after."""
    name = "".join(letter if letter.isalnum() else "_" for letter in request.node.name.lower())[:48]
    session.execute(f"DROP TABLE IF EXISTS {name}")
    yield name
    session.execute(f"DROP TABLE IF EXISTS {name}")


@pytest.fixture(scope="session")
def oracle(tmp_path_factory):
    """Apache Cassandra, shared by all tests that compare with it."""
    state = os.environ.get("HELENUS_ORACLE", "HELENUS_ORACLE is not set: run through `cargo xtask test`")
    if state != "yes":
        pytest.skip(f"no Apache Cassandra: {state}")
    oracle = Oracle(tmp_path_factory.mktemp("oracle"))
    oracle.start()
    yield oracle
    oracle.stop()
