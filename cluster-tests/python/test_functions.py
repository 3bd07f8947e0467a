"""User functions and aggregates on three nodes: every node calls them, the driver hears of them, pages and restarts change nothing."""

import pytest
from cassandra import InvalidRequest
from cassandra.concurrent import execute_concurrent_with_args

from conftest import fresh_keyspace, started
from servers import external, only, until

ROWS = 500
PARTITIONS = 5
TWICE = "CREATE OR REPLACE FUNCTION {name} (v {type}) RETURNS NULL ON NULL INPUT RETURNS {type} LANGUAGE java AS $$ return v * {factor}; $$"
LONGEST = [
    """CREATE FUNCTION keep_longest (state tuple<int, text>, t text) CALLED ON NULL INPUT RETURNS tuple<int, text> LANGUAGE java
       AS $$ if (t != null && t.length() > state.getInt(0)) { state.setInt(0, t.length()); state.setString(1, t); } return state; $$""",
    """CREATE FUNCTION the_text (state tuple<int, text>) RETURNS NULL ON NULL INPUT RETURNS text LANGUAGE java
       AS $$ return state.getString(1); $$""",
    """CREATE AGGREGATE longest (text) SFUNC keep_longest STYPE tuple<int, text> FINALFUNC the_text INITCOND (-1, null)""",
]


@pytest.fixture(scope="module")
def nodes():
    server = external()
    if server:
        yield server
        return
    with started(3, settings=["user_defined_functions_enabled=true"]) as server:
        yield server


@pytest.fixture(scope="module")
def made(nodes):
    """A session to all three, the keyspace with its rows: `t` of row (k, c) is a text of c letters."""
    with nodes.cluster() as cluster:
        session = cluster.connect()
        fresh_keyspace(session, "fn", nodes.replication())
        session.execute("CREATE TABLE rows (k int, c int, v bigint, t text, PRIMARY KEY (k, c))")
        insert = session.prepare("INSERT INTO rows (k, c, v, t) VALUES (?, ?, ?, ?)")
        rows = [(number % PARTITIONS, number // PARTITIONS, number, "x" * (number // PARTITIONS)) for number in range(ROWS)]
        execute_concurrent_with_args(session, insert, rows)
        for type_name in ("bigint", "int"):
            session.execute(TWICE.format(name="times", type=type_name, factor=2))
        for statement in LONGEST:
            session.execute(statement)
        yield session


def test_every_node_calls_what_one_made(nodes, made):
    for address in nodes.contact_points:
        with only(nodes, address) as cluster:
            session = cluster.connect("fn")
            assert session.execute("SELECT times(v), times(c) FROM rows WHERE k = 3 AND c = 7").one() == (76, 14)
            assert session.execute("SELECT longest(t) FROM rows WHERE k = 3").one()[0] == "x" * (ROWS // PARTITIONS - 1)


@pytest.mark.parametrize("size", [1, 7, 100, 5000])
def test_pages_change_nothing(made, size):
    def paged(text):
        statement = made.prepare(text)
        statement.fetch_size = size
        return [tuple(row) for row in made.execute(statement)]

    places = ROWS // PARTITIONS
    assert sorted(paged("SELECT times(v) FROM rows")) == [(2 * number,) for number in range(ROWS)]
    assert paged("SELECT longest(t) FROM rows") == [("x" * (places - 1),)]
    groups = paged("SELECT k, longest(t), count(c) FROM rows GROUP BY k")
    assert sorted(groups) == [(key, "x" * (places - 1), places) for key in range(PARTITIONS)]
    assert paged("SELECT c, longest(t) FROM rows WHERE k = 2 GROUP BY k, c") == [(place, "x" * place) for place in range(places)]


def test_the_driver_knows_them(made):
    made.cluster.refresh_schema_metadata()
    keyspace = made.cluster.metadata.keyspaces["fn"]
    assert set(keyspace.functions) == {"times(bigint)", "times(int)", "keep_longest(frozen<tuple<int, text>>,text)",
                                       "the_text(frozen<tuple<int, text>>)"}
    function = keyspace.functions["times(int)"]
    assert (function.argument_names, function.return_type, function.language) == (["v"], "int", "java")
    assert function.body == " return v * 2; " and not function.called_on_null_input
    assert keyspace.functions["keep_longest(frozen<tuple<int, text>>,text)"].called_on_null_input
    aggregate = keyspace.aggregates["longest(text)"]
    assert (aggregate.state_func, aggregate.final_func, aggregate.return_type) == ("keep_longest", "the_text", "text")
    assert aggregate.initial_condition == "(-1, null)"


def test_events_tell_the_driver(made):
    def known():
        keyspace = made.cluster.metadata.keyspaces["fn"]
        return {name for name in [*keyspace.functions, *keyspace.aggregates] if "told" in name}

    made.execute("CREATE FUNCTION told (s int, v int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'return v;'")
    until(lambda: known() == {"told(int,int)"}, "the function is known")
    made.execute("CREATE AGGREGATE told_last (int) SFUNC told STYPE int")
    until(lambda: known() == {"told(int,int)", "told_last(int)"}, "the aggregate is known")
    made.execute("DROP AGGREGATE told_last")
    until(lambda: known() == {"told(int,int)"}, "the aggregate is forgotten")
    made.execute("DROP FUNCTION told(int, int)")
    until(lambda: not known(), "the function is forgotten")


def test_a_prepared_call_follows_its_function(nodes, made):
    made.execute(TWICE.format(name="follow", type="int", factor=2))
    call = made.prepare("SELECT follow(c) FROM fn.rows WHERE k = 1 AND c = 5")

    def on_every_node():
        return {tuple(made.execute(call, host=host).one()) for host in made.cluster.metadata.all_hosts()}

    assert on_every_node() == {(10,)}
    made.execute(TWICE.format(name="follow", type="int", factor=3))
    assert on_every_node() == {(15,)}
    made.execute("DROP FUNCTION follow")
    with pytest.raises(InvalidRequest, match="Unknown function 'follow'"):
        made.execute(call)


def test_they_outlive_a_restart(nodes, made):
    if not nodes.nodes:
        pytest.skip("needs nodes of its own")
    for node in nodes.nodes:
        node.kill()
    for node in nodes.nodes:
        node.start()
    for node in nodes.nodes:
        node.wait()
    for address in nodes.contact_points:
        with only(nodes, address) as cluster:
            session = cluster.connect("fn")
            until(lambda: len(cluster.metadata.all_hosts()) == 3, "all nodes are known")
            assert session.execute("SELECT times(c), longest(t) FROM rows WHERE k = 3 AND c = 7").one() == (14, "x" * 7)
