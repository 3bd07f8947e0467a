"""Pages of every size give each row once, and a page's state is good on any node."""

import pytest
from cassandra import InvalidRequest
from cassandra.cluster import EXEC_PROFILE_DEFAULT
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.policies import WhiteListRoundRobinPolicy
from cassandra.query import SimpleStatement

from conftest import VERSIONS, fresh_keyspace

PARTITIONS = 40
ROWS = 50


def fill(session):
    session.execute("CREATE TABLE t (k int, c int, v text, s int static, PRIMARY KEY (k, c)) WITH CLUSTERING ORDER BY (c DESC)")
    write = session.prepare("INSERT INTO t (k, c, v, s) VALUES (?, ?, ?, ?)")
    values = [(key, row, f"{key}/{row}", key) for key in range(PARTITIONS) for row in range(ROWS)]
    assert all(done for done, _ in execute_concurrent_with_args(session, write, values))
    # One partition with only a static column.
    session.execute("INSERT INTO t (k, s) VALUES (1000, 5)")


@pytest.fixture(scope="module")
def filled(one):
    with one.cluster() as cluster:
        session = cluster.connect()
        fresh_keyspace(session, "test_paging", one.replication())
        fill(session)
        yield session
        session.execute("DROP KEYSPACE test_paging")


def pages(session, text, size):
    """All pages, each asked for by the state that the one before gave."""
    statement = SimpleStatement(text, fetch_size=size)
    result = session.execute(statement)
    found = [list(result.current_rows)]
    while result.paging_state is not None:
        result = session.execute(statement, paging_state=result.paging_state)
        found.append(list(result.current_rows))
    return found


QUERIES = [
    "SELECT k, c, v FROM t",
    "SELECT k, c FROM t WHERE k = 7",
    "SELECT k, c FROM t WHERE k = 7 ORDER BY c ASC",
    "SELECT k, c FROM t WHERE k = 7 AND c > 10 AND c < 31",
    "SELECT k, c FROM t WHERE k IN (9, 3, 1000, 5)",
    "SELECT k, c FROM t PER PARTITION LIMIT 3",
    "SELECT k, c FROM t LIMIT 117",
    "SELECT k, c FROM t WHERE token(k) > 0",
    "SELECT DISTINCT k, s FROM t",
    "SELECT k, c FROM t WHERE c = 3 ALLOW FILTERING",
    "SELECT count(*), max(c) FROM t",
    "SELECT k, c FROM t WHERE k = 12345",
    "SELECT k, c FROM t WHERE k = 7 AND c IN (1, 3, 5, 7)",
    "SELECT k, count(c) FROM t WHERE k IN (9, 3, 1000, 5) GROUP BY k",
    "SELECT k, c FROM t WHERE k IN (9, 3, 5) GROUP BY k, c",
]


@pytest.mark.parametrize("size", [1, 7, 100, 5000])
@pytest.mark.parametrize("text", QUERIES)
def test_pages(filled, text, size):
    if size == 1 and text == QUERIES[0]:
        text += " WHERE token(k) > 4611686018427387904"
    whole = pages(filled, text, None)
    assert len(whole) == 1
    found = pages(filled, text, size)
    assert [row for page in found for row in page] == whole[0]
    assert all(len(page) <= size for page in found)
    if "ALLOW" not in text:
        assert all(len(page) == size for page in found[:-1])


# Statement, rows a page, rows of each page: there is no page behind the last row of a table without clustering columns, nor behind
# those that PER PARTITION LIMIT lets through.
ENDS = [
    ("SELECT k FROM short WHERE k = 1", 1, [1]),
    ("SELECT k FROM short WHERE k = 1 AND v = 1 ALLOW FILTERING", 1, [1]),
    ("SELECT k FROM short WHERE k IN (1, 2, 3)", 1, [1, 1, 1]),
    ("SELECT k FROM short WHERE k IN (1, 2, 3)", 2, [2, 1]),
    ("SELECT k FROM short WHERE k IN (1, 2, 9)", 2, [2, 0]),
    ("SELECT k FROM short WHERE k IN (1, 2) AND v < 5 ALLOW FILTERING", 2, [2]),
    ("SELECT c FROM t WHERE k = 1 AND c > 5 PER PARTITION LIMIT 2 ALLOW FILTERING", 1, [1, 1]),
    ("SELECT c FROM t WHERE k = 1 AND v > '' PER PARTITION LIMIT 2 ALLOW FILTERING", 1, [1, 1]),
    ("SELECT c FROM t WHERE k = 1 AND v > '' PER PARTITION LIMIT 2 ALLOW FILTERING", 2, [2]),
    ("SELECT c FROM t WHERE k IN (1, 2) AND v > '' PER PARTITION LIMIT 2 ALLOW FILTERING", 2, [2, 2]),
    ("SELECT c FROM t WHERE k IN (1, 2) AND v > '' PER PARTITION LIMIT 2 ALLOW FILTERING", 3, [3, 1]),
    ("SELECT c FROM t WHERE k = 1 AND v > '' PER PARTITION LIMIT 3 LIMIT 2 ALLOW FILTERING", 1, [1, 1]),
    # The last group of a page is known when something stands behind it.
    ("SELECT k, count(c) FROM t WHERE k IN (1, 2, 3) GROUP BY k", 1, [1, 1, 1, 0]),
    ("SELECT k, count(c) FROM t WHERE k IN (1, 2, 3) GROUP BY k", 3, [3, 0]),
    ("SELECT k, count(c) FROM t WHERE k IN (1, 2, 3) GROUP BY k", 4, [3]),
    ("SELECT k, count(*) FROM short GROUP BY k LIMIT 3", 3, [3]),
    ("SELECT k, c, v FROM t WHERE k = 1 AND c IN (1, 2) GROUP BY k, c", 2, [2, 0]),
    ("SELECT k, c, v FROM t WHERE k IN (1, 2) AND c IN (1, 2) GROUP BY k, c", 2, [2, 2, 0]),
    ("SELECT k, c, v FROM t WHERE k = 1 AND c IN (1, 2) GROUP BY k, c PER PARTITION LIMIT 1", 1, [1]),
    ("SELECT k, c, v FROM t WHERE k IN (1, 2) AND c IN (1, 2) GROUP BY k, c PER PARTITION LIMIT 1", 1, [1, 1]),
    ("SELECT DISTINCT k, count(k) FROM t WHERE k IN (9, 3, 1000, 5) GROUP BY k", 1, [4]),
    ("SELECT DISTINCT k, count(*) FROM short GROUP BY k", 1, [3]),
    ("SELECT DISTINCT k, count(*) FROM short GROUP BY k LIMIT 2", 1, [2]),
]


@pytest.mark.parametrize("text,size,sizes", ENDS)
def test_the_last_page_says_so(filled, text, size, sizes):
    filled.execute("CREATE TABLE IF NOT EXISTS short (k int PRIMARY KEY, v int)")
    for key in (1, 2, 3):
        filled.execute(f"INSERT INTO short (k, v) VALUES ({key}, {key})")
    assert [len(page) for page in pages(filled, text, size)] == sizes


@pytest.mark.parametrize("version", VERSIONS)
def test_the_driver_pages_by_itself(one, filled, version):
    with one.cluster(version) as cluster:
        session = cluster.connect("test_paging")
        session.default_fetch_size = 7
        rows = list(session.execute("SELECT k, c FROM t WHERE k = 3"))
        assert [row.c for row in rows] == list(range(ROWS - 1, -1, -1))


def test_a_state_is_good_on_another_node(three):
    with three.cluster() as cluster:
        session = cluster.connect()
        fresh_keyspace(session, "paging_three", three.replication())
        fill(session)
        session.execute("SELECT count(*) FROM t")
        sessions = []
        for address in three.contact_points:
            alone = three.cluster(contact_points=[address])
            alone.profile_manager.profiles[EXEC_PROFILE_DEFAULT].load_balancing_policy = WhiteListRoundRobinPolicy([address])
            sessions.append((alone, alone.connect("paging_three")))
        try:
            for text in QUERIES[:6]:
                whole = list(session.execute(SimpleStatement(text, fetch_size=None)))
                found, state, turn = [], None, 0
                while True:
                    statement = SimpleStatement(text, fetch_size=13)
                    result = sessions[turn % 3][1].execute(statement, paging_state=state)
                    found += result.current_rows
                    state, turn = result.paging_state, turn + 1
                    if state is None:
                        break
                assert found == whole, text
        finally:
            for alone, _ in sessions:
                alone.shutdown()
            session.execute("DROP KEYSPACE paging_three")


# Rows of `ordered`, and what Cassandra answers: sorted over the partitions, groups too; only LIMIT's rows of them.
ORDERED_ROWS = [(1, 2, 1, 6), (1, 2, 2, 12), (1, 4, 2, 12), (2, 2, 3, 6), (2, 4, 3, 12), (4, 8, 2, 24)]
ORDERED = [
    ("SELECT k, a, max(v) FROM {} WHERE k IN (1, 2, 4) GROUP BY k, a ORDER BY a DESC, b DESC",
     [(4, 8, 24), (2, 4, 12), (1, 4, 12), (2, 2, 6), (1, 2, 12)]),
    ("SELECT k, a, max(v) FROM {} WHERE k IN (1, 2, 4) GROUP BY k, a ORDER BY a ASC",
     [(1, 2, 12), (2, 2, 6), (1, 4, 12), (2, 4, 12), (4, 8, 24)]),
    ("SELECT k, a, v FROM {} WHERE k IN (1, 2, 4) GROUP BY k, a, b ORDER BY a DESC, b DESC LIMIT 3",
     [(4, 8, 24), (2, 4, 12), (1, 4, 12)]),
    ("SELECT max(v) FROM {} WHERE k IN (1, 2, 4) ORDER BY a DESC", [(24,)]),
    ("SELECT k, a FROM {} WHERE k IN (1, 2, 3) ORDER BY a DESC, b DESC LIMIT 3", [(2, 4), (1, 4), (2, 2)]),
    # A partition with only a static column has no place: first in the table's order, last against it.
    ("SELECT k, a FROM {} WHERE k IN (2, 3) ORDER BY a ASC", [(3, None), (2, 2), (2, 4)]),
    ("SELECT k, a FROM {} WHERE k IN (2, 3) ORDER BY a DESC", [(2, 4), (2, 2), (3, None)]),
]


@pytest.mark.parametrize("text, rows", ORDERED)
def test_order_over_partitions(filled, text, rows):
    filled.execute("CREATE TABLE IF NOT EXISTS ordered (k int, a int, b int, v int, s int static, PRIMARY KEY (k, a, b))")
    for row in ORDERED_ROWS:
        filled.execute("INSERT INTO ordered (k, a, b, v) VALUES (%s, %s, %s, %s)", row)
    filled.execute("INSERT INTO ordered (k, s) VALUES (3, 3)")
    text = text.format("ordered")
    assert [tuple(row) for row in filled.execute(SimpleStatement(text, fetch_size=None))] == rows
    with pytest.raises(InvalidRequest, match="Cannot page queries with both ORDER BY"):
        filled.execute(SimpleStatement(text, fetch_size=5000))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 5000])
def test_an_element_deleted_beside_others_ends_no_page(filled, size):
    filled.execute("CREATE TABLE IF NOT EXISTS elements (k int, c int, s set<text> static, PRIMARY KEY (k, c))")
    for key in range(6):
        filled.execute(f"INSERT INTO elements (k, s) VALUES ({key}, {{'a', 'b'}})")
        for row in range(3):
            filled.execute(f"INSERT INTO elements (k, c) VALUES ({key}, {row})")
    filled.execute("UPDATE elements SET s = s - {'a'} WHERE k IN (1, 4)")
    found = pages(filled, "SELECT k, c FROM elements WHERE s CONTAINS 'a' ALLOW FILTERING", size)
    assert sorted(map(tuple, sum(found, []))) == [(key, row) for key in (0, 2, 3, 5) for row in range(3)]
