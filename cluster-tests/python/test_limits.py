"""Statements at their limits: nested, long, many-named. Each is answered, by what it asks for or by an error that says what is wrong, and
the node is there for the next. Work that grows with the square of a statement's length, or worse, does not end in time here."""

import time

import pytest
from cassandra.protocol import ErrorMessage
from cassandra.query import tuple_factory

from conftest import fresh_keyspace

DEEP = 100_000
# About so many items of seven bytes make a megabyte.
MANY = 150_000
SECONDS = 60


def nested(before, inner, after, times=DEEP):
    return before * times + inner + after * times


def listed(item, count=MANY, between=", "):
    return between.join(item.format(number) for number in range(count))


TOO_DEEP = "Statement is nested deeper than the 100 levels allowed"

# (name, statement, how the error's message starts or None for an answer)
STATEMENTS = [
    ("parentheses", "INSERT INTO {t} (k) VALUES (" + nested("(", "1", ")") + ")", TOO_DEEP),
    ("selected parentheses", "SELECT " + nested("(", "k", ")") + " FROM {t}", TOO_DEEP),
    ("lists", "INSERT INTO {t} (k, l) VALUES (1, " + nested("[", "1", "]") + ")", TOO_DEEP),
    ("sets", "INSERT INTO {t} (k, l) VALUES (1, " + nested("{{", "1", "}}") + ")", TOO_DEEP),
    ("maps", "INSERT INTO {t} (k, l) VALUES (1, " + nested("{{1:", "1", "}}") + ")", TOO_DEEP),
    ("open parentheses", "SELECT * FROM {t} WHERE k = " + "(" * DEEP, TOO_DEEP),
    ("types", "CREATE TABLE {t}_bad (k int PRIMARY KEY, v " + nested("frozen<list<", "int", ">>") + ")", TOO_DEEP),
    ("class names of types", "CREATE TABLE {t}_bad (k int PRIMARY KEY, v '" + nested("ListType(", "Int32Type", ")") + "')",
     "Error setting type"),
    ("class names in types", "CREATE TABLE {t}_bad (k int PRIMARY KEY, v " + nested("list<", "'" + nested("ListType(", "Int32Type", ")", 60) + "'", ">", 60)
     + ")", "Non-frozen collections are not allowed"),
    ("frozen class names in types", "CREATE TABLE {t}_bad (k int PRIMARY KEY, v " + nested("frozen<list<", "'" + nested("ListType(", "Int32Type", ")", 60) + "'", ">>", 40)
     + ")", "Type is nested too deeply"),
    ("functions", "SELECT " + nested("abs(", "k", ")") + " FROM {t}", TOO_DEEP),
    ("hints", "SELECT * FROM {t} WHERE k = " + "(int)" * DEEP + "1", TOO_DEEP),
    ("signs", "SELECT * FROM {t} WHERE k = " + "- " * DEEP + "k", ""),
    ("sums", "SELECT * FROM {t} WHERE k = 1" + " + 1" * DEEP, TOO_DEEP),
    ("functions of many meanings", "INSERT INTO {t} (k) VALUES (" + nested("abs(", "-1", ")", 90) + ")", None),
    ("selected functions of many meanings", "SELECT " + nested("abs(", "k", ")", 90) + " FROM {t}", None),
    ("sums of many meanings", "INSERT INTO {t} (k) VALUES (1" + " + 1" * 90 + ")", None),
    ("selected sums of many meanings", "SELECT k" + " + 1" * 90 + " FROM {t}", None),
    ("bracketed sums", "INSERT INTO {t} (k) VALUES (" + nested("(1 + ", "1", ")", 45) + ")", None),
    ("selected bracketed sums", "SELECT " + nested("(1 + ", "k", ")", 30) + " + 1 FROM {t}", None),
    ("selected bracketed functions", "SELECT " + nested("abs((", "k", "))", 30) + " FROM {t}", None),
    ("selected lists in functions", "SELECT " + nested("collection_count([", "k", "])", 45) + " FROM {t}", None),
    ("selected tuples in functions", "SELECT " + nested("mask_null((1, ", "k", "))", 30) + " FROM {t}", None),
    ("selected sets and maps in functions", "SELECT " + nested("collection_count({{collection_count((map<int, int>){{1: ", "k", "}})}})", 15) + " FROM {t}", None),
    ("JSON of JSON", "SELECT " + nested("to_json(", "k", ")", 60) + " FROM {t}", "not supported yet: to_json of values of more than"),
    ("written JSON of JSON", "INSERT INTO {t}_t (k, v) VALUES ('k', " + nested("to_json(", "'a'", ")", 60) + ")", "not supported yet: to_json of values of more than"),
    ("a selected tuple of many parts", "SELECT (" + "k, " * 65_535 + "k) FROM {t}", "not supported yet: types of more than 65536 parts"),
    ("selected tuples of many parts", "SELECT " + nested("[(", "k" + ", k" * 40_000, ")]", 1) + ", ((" + "k, " * 40_000 + "k), (" + "k, " * 40_000 + "k)) FROM {t}", "not supported yet: types of more than 65536 parts"),
    ("a type that is not there, by its class", "CREATE TABLE {t}_bad (k int PRIMARY KEY, v 'UserType(limits,6e,61:Int32Type)')",
     "not supported yet: org.apache.cassandra.db.marshal.UserType(limits,6e,61:org.apache.cassandra.db.marshal.Int32Type), for no type limits.n is defined like this"),
    ("the id of a table of the system", "CREATE TABLE {t}_bad (k int PRIMARY KEY) WITH id = b7b7f0c2-fd0a-3410-8c05-3ef614bb7c2d",
     "Table id b7b7f0c2-fd0a-3410-8c05-3ef614bb7c2d is that of system.paxos already"),
    ("sets in functions", "INSERT INTO {t} (k) VALUES (" + nested("collection_count({{", "1", "}})", 30) + ")", None),
    ("tuples in functions", "INSERT INTO {t} (k) VALUES (" + nested("collection_count((1, ", "1", "))", 30) + ")", "Cannot infer type of argument"),
    ("tokens", "SELECT * FROM {t} WHERE k = " + "1 " * 2_100_000, ""),
    ("markers", "SELECT * FROM {t} WHERE k IN (" + ", ".join("?" * 65_536) + ")",
     "Too many markers(?). 65536 markers exceed the allowed maximum of 65535"),
    ("keys in a list", "SELECT * FROM {t} WHERE k IN (" + listed("{}") + ")",
     "The cartesian product of values in IN conditions is greater than 65535"),
    ("clusterings in a list", "SELECT * FROM {t}_c WHERE k = 1 AND c IN (" + listed("{}", 60_000) + ")", None),
    ("filtered list", "SELECT * FROM {t} WHERE v IN (" + listed("-{}") + ") ALLOW FILTERING", None),
    ("tuples in a list", "SELECT * FROM {t}_c WHERE k = 1 AND (c) IN (" + listed("({})", 60_000) + ")", None),
    ("list", "INSERT INTO {t} (k, l) VALUES (1, [" + listed("{}", 60_000) + "])", None),
    ("set", "INSERT INTO {t} (k, s) VALUES (1, {{" + listed("{}", 60_000) + "}})", None),
    ("map", "INSERT INTO {t} (k, m) VALUES (1, {{" + listed("{0}: {0}", 60_000) + "}})", None),
    ("columns of INSERT", "INSERT INTO {t} (" + listed("c{}") + ") VALUES (" + listed("1") + ")",
     "Undefined column name c0"),
    ("columns of INSERT and few values", "INSERT INTO {t} (" + listed("c{}") + ") VALUES (1)",
     "Unmatched column names/values"),
    ("columns of UPDATE", "UPDATE {t} SET " + listed("c{} = 1", 100_000) + " WHERE k = 1", "Undefined column name c0"),
    ("elements of UPDATE", "UPDATE {t} SET " + listed("m[{}] = 1", 60_000) + " WHERE k = 1", None),
    ("columns of DELETE", "DELETE " + listed("c{}") + " FROM {t} WHERE k = 1", "Undefined column name c0"),
    ("columns of SELECT", "SELECT " + listed("c{}") + " FROM {t}", "Undefined column name c0"),
    ("selections of one column", "SELECT " + listed("v", 60_000) + " FROM {t}", None),
    ("elements of SELECT", "SELECT " + listed("m[{}]", 20_000) + " FROM {t} WHERE k = 2", None),
    ("columns of CREATE TABLE", "CREATE TABLE {t}_bad (k int PRIMARY KEY, " + listed("c{} nope", 100_000) + ")", "Unknown type"),
    ("key columns of CREATE TABLE", "CREATE TABLE {t}_bad (k int, PRIMARY KEY (k, " + listed("c{}") + "))",
     "Unknown column 'c0' referenced in PRIMARY KEY"),
    ("key columns", "CREATE TABLE {t}_bad (" + listed("c{} int", 50_000) + ", PRIMARY KEY (" + listed("c{}", 50_000)
     + ", x))", "Unknown column 'x' referenced in PRIMARY KEY"),
    ("columns", "CREATE TABLE {t}_bad (k int PRIMARY KEY, " + listed("c{} int", 66_000) + ")",
     "not supported yet: tables of more than 65535 columns"),
    ("columns of a key", "CREATE TABLE {t}_bad (" + listed("c{} int", 3_000) + ", PRIMARY KEY (" + listed("c{}", 3_000) + "))",
     "not supported yet: primary keys of more than 2048 columns"),
    ("fields of CREATE TYPE", "CREATE TYPE {t}_bad (" + listed("c{} int", 50_000) + ", c1 int)", "Duplicate field name 'c1'"),
    ("added columns", "ALTER TABLE {t} ADD (" + listed("c{} nope", 100_000) + ")", "Unknown type"),
    ("dropped columns", "ALTER TABLE {t} DROP (" + listed("c{}") + ")", "Column c121849 was not found"),
    ("renamed columns", "ALTER TABLE {t} RENAME " + listed("c{0} TO d{0}", 60_000, " AND "), "Undefined column name c40080"),
    ("arguments of a function", "CREATE FUNCTION {t}_bad (" + listed("c{} int", 50_000)
     + ") CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'return'", ""),
    ("arguments", "SELECT abs(" + listed("{}") + ") FROM {t}", "Invalid"),
    ("relations", "SELECT * FROM {t} WHERE " + listed("c{} = 1", 100_000, " AND "), "Undefined column name c0"),
    ("CONTAINS", "SELECT * FROM {t} WHERE " + listed("l CONTAINS -{}", 40_000, " AND ") + " ALLOW FILTERING", None),
    ("GROUP BY", "SELECT * FROM {t} GROUP BY " + listed("k"), "Group by currently only support"),
    ("ORDER BY", "SELECT * FROM {t} WHERE k = 1 ORDER BY " + listed("c{}"), "Undefined column name c0"),
    ("conditions", "UPDATE {t} SET v = 1 WHERE k = 1 IF " + listed("v != {}", 60_000, " AND "), None),
    ("properties", "ALTER TABLE {t} WITH " + listed("c{} = 1", 60_000, " AND "), ""),
    ("options", "ALTER TABLE {t} WITH compression = {{" + listed("'c{0}': '{0}'", 60_000) + "}}", ""),
    ("statements of a batch", "BEGIN UNLOGGED BATCH " + listed("UPDATE {{t}} SET v = 1 WHERE k = {}", 300, "; ") + " APPLY BATCH", None),
    ("members of JSON", "INSERT INTO {t} JSON '{{\"k\": 1, " + listed('"c{}": 1', 100_000) + "}}'",
     "JSON values map contains unrecognized column: c0"),
    ("one member of JSON", "INSERT INTO {t} JSON '{{\"k\": 1, " + listed('"v": {}', 100_000) + "}}'", None),
    ("elements in JSON", "INSERT INTO {t} JSON '{{\"k\": 1, \"s\": [" + listed("{}", 60_000) + "]}}'", None),
    ("deep JSON", "INSERT INTO {t} JSON '" + nested('{{"k":', "1", "}}") + "'", "Could not decode JSON string as a map"),
    ("deep JSON arrays", "INSERT INTO {t} JSON '{{\"k\": 1, \"l\": " + nested("[", "", "]") + "}}'",
     "Could not decode JSON string as a map"),
    ("a long name", "SELECT " + "c" * 65_536 + " FROM {t}", "Undefined column name cccc"),
    ("a long table name", "SELECT * FROM " + "c" * 65_536, ""),
    ("a long keyspace name", "CREATE KEYSPACE " + "c" * 65_536 + " WITH replication = {{'class': 'SimpleStrategy'}}", ""),
    ("a long function name", "SELECT " + "c" * 65_536 + "(k) FROM {t}", "Unknown function"),
    ("a key too long", "INSERT INTO {t}_t (k) VALUES ('" + "c" * 65_536 + "')",
     "Key length of 65536 is longer than maximum of 65535"),
    ("a long key", "INSERT INTO {t}_t (k) VALUES ('" + "c" * 65_535 + "')", None),
    ("a long text", "INSERT INTO {t}_t (k, v) VALUES ('k', '" + "''" * 500_000 + "')", None),
    ("a long number", "INSERT INTO {t}_t (k, n) VALUES ('k', " + "9" * 100_000 + ")", None),
    ("a long blob", "INSERT INTO {t}_t (k, b) VALUES ('k', 0x" + "ff" * 500_000 + ")", None),
    ("comments", "SELECT /*" + "*" * 1_000_000 + "*/ * FROM {t}", None),
    ("an open comment", "SELECT * FROM {t} /*" + "/*" * 500_000, ""),
]


@pytest.fixture(scope="module")
def limited(one):
    # Thousands of columns of one name make no named tuple.
    with one.cluster(rows=tuple_factory) as cluster:
        session = cluster.connect()
        fresh_keyspace(session, "limits", one.replication())
        yield made(session)
        session.execute("DROP KEYSPACE limits")


def made(session):
    session.execute("CREATE TABLE limited (k int PRIMARY KEY, v int, l list<int>, s set<int>, m map<int, int>)")
    session.execute("CREATE TABLE limited_c (k int, c int, v int, PRIMARY KEY (k, c))")
    session.execute("CREATE TABLE limited_t (k text PRIMARY KEY, v text, n varint, b blob)")
    session.execute("INSERT INTO limited (k, v) VALUES (1, 1)")
    return session


def answer_to(session, statement):
    """The message of the error, or None."""
    try:
        session.execute(statement, timeout=SECONDS)
    except Exception as error:
        cause = error if isinstance(error, ErrorMessage) else getattr(error, "__cause__", None) or error
        return getattr(cause, "message", str(cause)) or str(error)
    return None


@pytest.mark.parametrize("name,statement,expected", STATEMENTS, ids=[line[0] for line in STATEMENTS])
def test_limits(limited, name, statement, expected):
    began = time.monotonic()
    found = answer_to(limited, statement.format(t="limited"))
    print(f"LIMIT {time.monotonic() - began:8.3f} s  {name}: {(found or 'answered')[:100]}")
    if expected is None:
        assert found is None
    else:
        assert found is not None and expected in found
    assert limited.execute("SELECT k FROM limited WHERE k = 1").one() == (1,)


def test_types_inside_of_each_other(limited):
    """A type that has others twice doubles at each step. What the schema keeps can be read again, whatever is asked for."""
    session = limited

    def created(name, width, steps):
        session.execute(f"CREATE TYPE {name}_0 (f int)")
        for step in range(1, steps):
            fields = ", ".join(f"f{i} frozen<{name}_{step - 1}>" for i in range(width))
            error = answer_to(session, f"CREATE TYPE {name}_{step} ({fields})")
            if error is not None:
                return step, error
        return steps, None

    step, error = created("chain", 1, 80)
    assert step == 64 and "Type is nested too deeply" in error
    step, error = created("doubled", 2, 80)
    assert step == 15 and "not supported yet: types of more than 65536 parts" in error
    session.execute("CREATE TABLE doubled (k int PRIMARY KEY, v frozen<doubled_14>, w tuple<int, frozen<chain_60>>)")
    session.execute("INSERT INTO doubled (k, v, w) VALUES (1, null, null)")
    # The types that hold it would grow.
    for name in "chain_0", "doubled_0":
        fields = " ".join(f"f{i} int," for i in range(20))
        session.execute(f"CREATE TYPE wide_{name} ({fields} l frozen<list<frozen<list<frozen<list<frozen<list<int>>>>>>>>)")
        error = answer_to(session, f"ALTER TYPE {name} ADD g frozen<wide_{name}>")
        assert error is not None and ("nested too deeply" in error or "types of more than 65536 parts" in error)
    assert session.execute("SELECT k FROM doubled").one() == (1,)
    session.execute("DROP TABLE doubled")


def test_many_columns_of_large_types(limited):
    """What the schema keeps of a table has each type whole, with all that is in it."""
    session = limited
    session.execute("CREATE TYPE flat (" + listed("f{} int", 200) + ")")
    session.execute("CREATE TYPE flats (" + listed("f{} frozen<flat>", 100) + ")")
    too_many = "not supported yet: tables whose types have more than 1048576 parts"
    error = answer_to(session, "CREATE TABLE flat_t (k int PRIMARY KEY, " + listed("v{} frozen<flats>", 60) + ")")
    assert error is not None and too_many in error
    session.execute("CREATE TABLE flat_t (k int PRIMARY KEY, " + listed("v{} frozen<flats>", 45) + ")")
    session.execute("INSERT INTO flat_t (k) VALUES (1)")
    for statement in ["ALTER TYPE flat ADD g frozen<tuple<" + "int, " * 40 + "int>>", "ALTER TABLE flat_t ADD (" + listed("w{} frozen<flats>", 15) + ")"]:
        error = answer_to(session, statement)
        assert error is not None and too_many in error
    assert session.execute("SELECT k, v1 FROM flat_t").one() == (1, None)
    session.execute("DROP TABLE flat_t")


def test_as_many_markers_as_there_may_be(limited):
    prepared = limited.prepare("SELECT k FROM limited WHERE k IN (" + ", ".join("?" * 65_535) + ")")
    assert len(prepared.column_metadata) == 65_535
    # Whatever rows the statements before left: all have keys that are asked for.
    rows = sorted(limited.execute("SELECT k FROM limited"))
    assert (1,) in rows and rows[0] >= (0,) and rows[-1] < (65_535,)
    assert sorted(limited.execute(prepared, range(65_535), timeout=SECONDS)) == rows
