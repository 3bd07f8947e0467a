"""Collections that clients bind: in whatever order they send them, kept in order, each element once."""

import pytest
from cassandra import InvalidRequest

KINDS = {
    "frozen<set<int>>": ([3, 1, 2, 1], "{1, 2, 3}"),
    "frozen<map<text, int>>": ({"b": 2, "a": 1}, "{'a': 1, 'b': 2}"),
    "frozen<list<frozen<set<int>>>>": ([[2, 1], []], "[{1, 2}, {}]"),
    "frozen<map<frozen<set<int>>, int>>": ({(2, 1): 1, (): 0}, "{{}: 0, {1, 2}: 1}"),
}


@pytest.mark.parametrize("place", ["partition key", "clustering", "regular"])
@pytest.mark.parametrize("kind", KINDS)
def test_order_of_what_is_bound_does_not_matter(session, table, kind, place):
    keys = {"partition key": "v", "clustering": "k, v", "regular": "k"}[place]
    session.execute(f"CREATE TABLE {table} (k int, v {kind}, PRIMARY KEY ({keys}))")
    bound, literal = KINDS[kind]
    session.execute(session.prepare(f"INSERT INTO {table} (k, v) VALUES (1, ?)"), [bound])
    filtering = " ALLOW FILTERING" if place != "partition key" else ""
    assert session.execute(f"SELECT k FROM {table} WHERE v = {literal}{filtering}").all() == [(1,)]
    session.execute(f"INSERT INTO {table} (k, v) VALUES (1, {literal})")
    read = session.prepare(f"SELECT k FROM {table} WHERE v = ?{filtering}")
    assert session.execute(read, [bound]).all() == [(1,)]
    assert session.execute(f"SELECT count(*) FROM {table}").one() == (1,)


@pytest.mark.parametrize("kind", ["list<int>", "set<int>", "map<int, int>"])
@pytest.mark.parametrize("frozen", [False, True])
def test_counts_below_zero(session, table, kind, frozen):
    column = f"frozen<{kind}>" if frozen else kind
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, v {column})")
    bound = session.prepare(f"INSERT INTO {table} (k, v) VALUES (1, ?)").bind([None])
    bound.values = [b"\xff\xff\xff\xff"]
    name = kind.split("<")[0]
    with pytest.raises(InvalidRequest, match=f"The data cannot be deserialized as a {name}"):
        session.execute(bound)


def test_names_of_elements(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, s set<int>, m map<text, int>)")
    expected = [
        ("s[?]", ["value(s)"]), ("s[?..?]", ["value(s)", "value(s)"]), ("s[..?]", ["value(s)"]),
        ("m[?]", ["key(m)"]), ("m[?..?]", ["key(m)", "key(m)"]),
    ]
    for selector, names in expected:
        markers = session.prepare(f"SELECT {selector} FROM {table}").column_metadata
        assert [marker.name for marker in markers] == names, selector
