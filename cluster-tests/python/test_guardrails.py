"""Guardrails of cassandra.yaml: what a user who is no superuser is warned of or refused, and that nobody else is. The words are those of
Cassandra's sources: guardrails cannot be set on a node without logins."""

import pytest
from cassandra import ConsistencyLevel
from cassandra.query import SimpleStatement

from conftest import started
from test_answers import code_of

SETTINGS = [
    "authenticator=PasswordAuthenticator",
    "partition_keys_in_select_warn_threshold=2",
    "partition_keys_in_select_fail_threshold=4",
    "in_select_cartesian_product_warn_threshold=2",
    "in_select_cartesian_product_fail_threshold=3",
    "page_size_warn_threshold=100",
    "page_size_fail_threshold=200",
    "allow_filtering_enabled=false",
    "group_by_enabled=false",
    "user_timestamps_enabled=false",
    "read_before_write_list_operations_enabled=false",
    "drop_truncate_table_enabled=false",
    "read_consistency_levels_warned=[ALL]",
    "read_consistency_levels_disallowed=[QUORUM]",
    "write_consistency_levels_disallowed=[ANY, ALL]",
    "tables_fail_threshold=2",
]
ONE, ALL, ANY, QUORUM = (ConsistencyLevel.ONE, ConsistencyLevel.ALL, ConsistencyLevel.ANY, ConsistencyLevel.QUORUM)

# (statement, level, page size, what is said: warnings, or the refusal behind "!")
LINES = [
    ("SELECT * FROM g.t WHERE k = 1", ONE, 50, ""),
    ("SELECT * FROM g.t WHERE k IN (1, 2)", ONE, 50, ""),
    ("SELECT * FROM g.t WHERE k IN (1, 2, 3)", ONE, 50,
     "Guardrail partition_keys_in_select violated: Query with partition keys in IN clause on table t, with number of partition keys 3 "
     "exceeds warning threshold of 2. | Guardrail in_select_cartesian_product violated: The cartesian product of the IN restrictions on "
     "partition key produces 3 values, this exceeds warning threshold of 2."),
    ("SELECT * FROM g.t WHERE k IN (1, 2, 3, 4, 5)", ONE, 50,
     "!Guardrail partition_keys_in_select violated: Aborting query with partition keys in IN clause on table t, number of partition keys "
     "5 exceeds fail threshold of 4."),
    ("SELECT * FROM g.t WHERE k = 1 AND c IN (1, 2, 3, 4)", ONE, 50,
     "!Guardrail in_select_cartesian_product violated: Aborting query because the cartesian product of the IN restrictions on clustering "
     "key produces 4 values, this exceeds fail threshold of 3."),
    ("SELECT * FROM g.t", ONE, 150,
     "Guardrail page_size violated: Query for table g.t with page size 150 exceeds warning threshold of 100."),
    ("SELECT * FROM g.t", ONE, 500,
     "!Guardrail page_size violated: Aborting query for table g.t, page size 500 exceeds fail threshold of 200."),
    ("SELECT * FROM system.local", ONE, 500, ""),
    ("SELECT * FROM g.t WHERE v = 1 ALLOW FILTERING", ONE, 50,
     "!Guardrail allow_filtering violated: Querying with ALLOW FILTERING is not allowed. ALLOW FILTERING can potentially visit all the "
     "data in the table and have unpredictable performance."),
    ("SELECT k, max(v) FROM g.t WHERE k = 1 GROUP BY k", ONE, 50,
     "!Guardrail group_by violated: GROUP BY functionality is not allowed"),
    ("SELECT * FROM g.t WHERE k = 1", ALL, 50,
     "Guardrail read_consistency_levels violated: Provided values [ALL] are not recommended for read consistency levels (warned values "
     "are: [ALL])"),
    ("SELECT * FROM g.t WHERE k = 1", QUORUM, 50,
     "!Guardrail read_consistency_levels violated: Provided values [QUORUM] are not allowed for read consistency levels (disallowed "
     "values are: [QUORUM])"),
    ("INSERT INTO g.t (k, c, v) VALUES (1, 1, 1)", ONE, 50, ""),
    ("INSERT INTO g.t (k, c, v) VALUES (1, 1, 1)", ALL, 50,
     "!Guardrail write_consistency_levels violated: Provided values [ALL] are not allowed for write consistency levels (disallowed values "
     "are: [ANY, ALL])"),
    ("INSERT INTO g.t (k, c, v) VALUES (1, 1, 1) USING TIMESTAMP 1", ONE, 50,
     "!Guardrail user_timestamps violated: User provided timestamps (USING TIMESTAMP) is not allowed"),
    ("BEGIN BATCH USING TIMESTAMP 1 INSERT INTO g.t (k, c) VALUES (1, 1) APPLY BATCH", ONE, 50,
     "!Guardrail user_timestamps violated: User provided timestamps (USING TIMESTAMP) is not allowed"),
    ("UPDATE g.t SET l[0] = 1 WHERE k = 1 AND c = 1", ONE, 50,
     "!Guardrail read_before_write_list_operations violated: List operation requiring read before write is not allowed"),
    ("TRUNCATE g.t", ONE, 50,
     "!Guardrail drop_truncate_table_enabled violated: DROP and TRUNCATE TABLE functionality is not allowed"),
    ("DROP TABLE g.t", ONE, 50,
     "!Guardrail drop_truncate_table_enabled violated: DROP and TRUNCATE TABLE functionality is not allowed"),
    ("CREATE TABLE g.third (k int PRIMARY KEY)", ONE, 50,
     "!Guardrail tables violated: Cannot have more than 2 tables, aborting the creation of table third"),
]


@pytest.fixture(scope="module")
def guarded():
    with started(1, SETTINGS) as server:
        with server.cluster(login=("cassandra", "cassandra")) as cluster:
            session = cluster.connect()
            session.execute("CREATE KEYSPACE g WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
            session.execute("CREATE TABLE g.t (k int, c int, v int, l list<int>, PRIMARY KEY (k, c))")
            session.execute("CREATE TABLE g.other (k int PRIMARY KEY)")
            session.execute("CREATE ROLE app WITH PASSWORD = 'secret' AND LOGIN = true")
            yield server, session


@pytest.fixture(scope="module")
def ordinary(guarded):
    with guarded[0].cluster(login=("app", "secret")) as cluster:
        yield cluster.connect()


def said(session, statement, level, size):
    return said_of(session, SimpleStatement(statement, consistency_level=level, fetch_size=size))


def said_of(session, request):
    future = session.execute_async(request)
    try:
        future.result()
    except Exception as error:
        told = code_of(error)
        assert told.error_code == 0x2200
        return f"!{told.message}"
    return " | ".join(future.warnings or [])


@pytest.mark.parametrize("statement,level,size,expected", LINES)
def test_guardrails(guarded, ordinary, statement, level, size, expected):
    assert said(ordinary, statement, level, size) == expected
    if not statement.startswith(("TRUNCATE", "DROP", "UPDATE")):
        assert "Guardrail" not in said(guarded[1], statement, level, size), "superusers may"
