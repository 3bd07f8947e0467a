"""Counters: bound values, batches, three nodes. (Nodes that are killed while clients count: test_kills.py.)"""

import pytest
from cassandra import ConsistencyLevel as Level
from cassandra import InvalidRequest, Unavailable
from cassandra.query import UNSET_VALUE, BatchStatement, BatchType

from conftest import fresh_keyspace
from servers import at, only


@pytest.fixture
def counted(session, one):
    fresh_keyspace(session, "driver_counters", one.replication())
    session.execute("CREATE TABLE t (k int PRIMARY KEY, c counter, d counter)")
    session.execute("CREATE TABLE plain (k int PRIMARY KEY, v int)")
    return session


def refused(session, statement, values=None):
    with pytest.raises(InvalidRequest) as error:
        session.execute(statement, values)
    return str(error.value).split('message="')[1].removesuffix('"')


def test_bound_increments(counted):
    add = counted.prepare("UPDATE t SET c = c + ?, d = d - ? WHERE k = ?")
    assert [(bind.name, bind.type.typename) for bind in add.column_metadata] == [("c", "counter"), ("d", "counter"), ("k", "int")]
    counted.execute(add, (5, 2, 1))
    counted.execute(add, (-7, UNSET_VALUE, 1))
    counted.execute(add, (UNSET_VALUE, UNSET_VALUE, 2))
    counted.execute("UPDATE t SET c += %s WHERE k = %s", (10, 3))
    result = counted.execute("SELECT k, c, d FROM t")
    assert [each.typename for each in result.column_types] == ["int", "counter", "counter"]
    assert sorted(result) == [(1, -2, -2), (3, 10, None)]
    assert refused(counted, add, (None, 1, 1)) == "Invalid null value for counter increment"
    assert refused(counted, add, (1, None, 1)) == "Invalid null value for counter increment"
    assert refused(counted, add, (1, -2**63, 1)) == (
        "The negation of -9223372036854775808 overflows supported counter precision (signed 8 bytes integer)")
    assert sorted(counted.execute("SELECT k, c, d FROM t")) == [(1, -2, -2), (3, 10, None)]


def test_updates_add_up_however_a_clustering_is_written(counted):
    counted.execute("CREATE TABLE kinds (k int, x decimal, c counter, PRIMARY KEY (k, x))")
    counted.execute("CREATE TYPE named (a int)")
    counted.execute("CREATE TABLE types (k int, x frozen<named>, c counter, PRIMARY KEY (k, x))")
    counted.execute("UPDATE types SET c += 100 WHERE k = 1 AND x = {a: 1}")
    old = counted.prepare("UPDATE types SET c += 1 WHERE k = 1 AND x = ?")
    counted.execute("ALTER TYPE named ADD b int")
    for amount, written in ((100, "1.0"), (10, "1.00"), (1, "1.0"), (1000, "1.000")):
        counted.execute(f"UPDATE kinds SET c += {amount} WHERE k = 1 AND x = {written}")
    assert [row.c for row in counted.execute("SELECT c FROM kinds")] == [1111]
    counted.execute("UPDATE types SET c += 10 WHERE k = 1 AND x = {a: 1}")
    counted.execute(old.bind([(1,)]))
    assert [row.c for row in counted.execute("SELECT c FROM types")] == [111]


def test_batches_of_the_protocol(counted):
    add = counted.prepare("UPDATE t SET c = c + ? WHERE k = ?")
    insert = counted.prepare("INSERT INTO plain (k, v) VALUES (?, ?)")

    def batch(kind, *statements):
        made = BatchStatement(batch_type=kind)
        for statement, values in statements:
            made.add(statement, values)
        return made

    counted.execute(batch(BatchType.COUNTER, (add, (1, 1)), (add, (2, 1)), (add, (4, 2)), ("UPDATE t SET d = d + 1 WHERE k = 2", ())))
    counted.execute(batch(BatchType.UNLOGGED, (add, (10, 1)), (add, (10, 3))))
    assert sorted(counted.execute("SELECT k, c, d FROM t")) == [(1, 13, None), (2, 4, 1), (3, 10, None)]
    for kind, statements, words in (
        (BatchType.LOGGED, [(add, (1, 1))], "Cannot include a counter statement in a logged batch"),
        (BatchType.LOGGED, [(add, (1, 1)), (insert, (1, 1))], "Counter and non-counter mutations cannot exist in the same batch"),
        (BatchType.UNLOGGED, [(insert, (1, 1)), (add, (1, 1))], "Counter and non-counter mutations cannot exist in the same batch"),
        (BatchType.COUNTER, [(insert, (1, 1))], "Cannot include non-counter statement in a counter batch"),
        (BatchType.COUNTER, [(add, (1, 1)), (insert, (1, 1))], "Cannot include non-counter statement in a counter batch"),
    ):
        assert refused(counted, batch(kind, *statements)) == words
    assert sorted(counted.execute("SELECT k, c, d FROM t")) == [(1, 13, None), (2, 4, 1), (3, 10, None)]
    assert list(counted.execute("SELECT * FROM plain")) == []


def test_levels(counted):
    text = "UPDATE t SET c = c + 1 WHERE k = 1"
    assert refused(counted, at(Level.ANY, text)) == "Consistency level ANY is not yet supported for counter table t"
    for level in (Level.SERIAL, Level.LOCAL_SERIAL):
        assert refused(counted, at(level, text)) == "Counter operations are inherently non-serializable"
    with pytest.raises(Unavailable):
        counted.execute(at(Level.TWO, text))
    for level in (Level.ONE, Level.QUORUM, Level.ALL, Level.LOCAL_ONE, Level.LOCAL_QUORUM, Level.EACH_QUORUM):
        counted.execute(at(level, text))
    assert counted.execute("SELECT c FROM t WHERE k = 1").one() == (6,)


# Statement, level, what is answered: of the statements of a batch nobody looks at the level.
BATCH_LEVELS = [
    ("BEGIN COUNTER BATCH UPDATE t SET c = c + 1 WHERE k = 2; APPLY BATCH", Level.ANY, None),
    ("BEGIN COUNTER BATCH UPDATE t SET c = c + 1 WHERE k = 2; APPLY BATCH", Level.SERIAL, None),
    ("BEGIN COUNTER BATCH UPDATE t SET c = c + 1 WHERE k = 2; APPLY BATCH", Level.LOCAL_SERIAL, None),
    ("BEGIN BATCH UPDATE lists SET l[0] = 2 WHERE k = 1; APPLY BATCH", Level.SERIAL, None),
    ("BEGIN BATCH UPDATE lists SET l = l - [3] WHERE k = 1; APPLY BATCH", Level.LOCAL_SERIAL, None),
    ("BEGIN BATCH UPDATE lists SET l[9] = 2 WHERE k = 1; APPLY BATCH", Level.SERIAL, "List index 9 out of bound, list has size 1"),
    ("BEGIN BATCH UPDATE lists SET l[0] = 2 WHERE k = 1; APPLY BATCH", Level.ANY, "Write operation require a read but consistency ANY is not supported on reads"),
    ("UPDATE lists SET l[0] = 2 WHERE k = 1", Level.SERIAL, "You must use conditional updates for serializable writes"),
    ("DELETE FROM lists WHERE k IN ()", Level.SERIAL, "You must use conditional updates for serializable writes"),
]


def test_levels_of_batches(counted):
    counted.execute("CREATE TABLE lists (k int PRIMARY KEY, l list<int>)")
    counted.execute("INSERT INTO lists (k, l) VALUES (1, [1, 3])")
    for text, level, wrong in BATCH_LEVELS:
        if wrong:
            assert refused(counted, at(level, text)) == wrong, text
        else:
            counted.execute(at(level, text))
    assert counted.execute("SELECT c FROM t WHERE k = 2").one() == (3,)
    assert counted.execute("SELECT l FROM lists").one() == ([2],)


def test_every_node_counts_for_all(three):
    """Replication factors below and at the number of nodes: coordinators that lead, and some that send to a leader."""
    for factor in (1, 2, 3):
        with three.cluster() as cluster:
            session = cluster.connect()
            name = f"counted_{factor}"
            fresh_keyspace(session, name, three.replication(factor))
            session.execute("CREATE TABLE t (k int PRIMARY KEY, c counter)")
        for number, address in enumerate(three.contact_points):
            with only(three, address) as cluster:
                session = cluster.connect(name)
                add = session.prepare("UPDATE t SET c = c + ? WHERE k = ?")
                add.consistency_level = Level.ALL if number == 1 else Level.ONE
                for future in [session.execute_async(add, (10 ** number, key)) for key in range(20) for _ in range(3)]:
                    future.result()
                batch = BatchStatement(batch_type=BatchType.COUNTER, consistency_level=Level.QUORUM)
                for key in range(20):
                    batch.add(add, (1000, key))
                session.execute(batch)
        with three.cluster() as cluster:
            rows = cluster.connect(name).execute(at(Level.ALL, "SELECT k, c FROM t"))
            assert sorted(rows) == [(key, 3333) for key in range(20)], f"factor {factor}"
