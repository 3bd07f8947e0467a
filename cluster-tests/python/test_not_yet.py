"""What Helenus does not do yet answers "not supported yet", never a wrong result. A statement that starts to work fails
here: it moves into a file of `answers/` then."""

import pytest
from cassandra import InvalidRequest

from conftest import fresh_keyspace

STATEMENTS = [
    # Indexes, views, functions, triggers.
    "CREATE INDEX ON t (v) USING 'sai'",
    "SELECT k FROM t ORDER BY e ANN OF [1, 2] LIMIT 3",
]


@pytest.fixture(scope="module")
def made(one):
    if not one.nodes:
        pytest.skip("Cassandra does all of it")
    with one.cluster() as cluster:
        session = cluster.connect()
        fresh_keyspace(session, "not_yet", one.replication())
        session.execute("CREATE TABLE t (k int, c int, v int, l list<int>, e vector<float, 2>, PRIMARY KEY (k, c))")
        session.execute("INSERT INTO t (k, c, v, l) VALUES (1, 1, 1, [5])")
        yield session


@pytest.mark.parametrize("statement", STATEMENTS)
def test_not_supported_yet(made, statement):
    before = list(made.execute("SELECT * FROM t"))
    with pytest.raises(InvalidRequest, match="not supported yet"):
        made.execute(statement)
    with pytest.raises(InvalidRequest, match="not supported yet"):
        made.execute(made.prepare(statement))
    assert list(made.execute("SELECT * FROM t")) == before
