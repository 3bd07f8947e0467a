"""Odd values bound to relations: nulls, empty and unset values in lists and tuples. Each line was first true of Cassandra."""

import struct

import pytest
from cassandra import InvalidRequest
from cassandra.query import UNSET_VALUE

from conftest import fresh_keyspace


def number(value):
    return struct.pack(">i", value)


def several(*parts):
    """A tuple's bytes; None is a null."""
    return b"".join(number(-1) if part is None else number(len(part)) + part for part in parts)


def listed(*parts):
    """A list's bytes."""
    return number(len(parts)) + several(*parts)


ONE, TWO, EMPTY = number(1), number(2), b""
NULL_IN = "Invalid null value in condition for column "

LINES = [
    # Where rows are tested nothing behind a null is looked at; empty numbers are nulls, empty texts are not; unset is empty.
    ("v IN ? ALLOW FILTERING", [listed(ONE, None, TWO)], [1]),
    ("v IN ? ALLOW FILTERING", [listed(None, ONE)], []),
    ("v IN ? ALLOW FILTERING", [listed(EMPTY, ONE)], []),
    ("v IN ? ALLOW FILTERING", [listed(TWO, EMPTY, ONE)], [2]),
    ("v IN ? ALLOW FILTERING", [listed()], []),
    ("v IN ? ALLOW FILTERING", [None], "Invalid null value for column v"),
    ("v IN ? ALLOW FILTERING", [UNSET_VALUE], "Invalid unset value for column v"),
    ("v IN ? ALLOW FILTERING", [listed(b"\x01")], r"Expected 4 or 0 byte int \(1\)"),
    ("x IN ? ALLOW FILTERING", [listed(b"1", None, b"2")], [1]),
    ("x IN ? ALLOW FILTERING", [listed(EMPTY, b"1")], [1, 9]),
    ("v IN (?, ?) ALLOW FILTERING", [None, ONE], []),
    ("v IN (?, ?) ALLOW FILTERING", [ONE, UNSET_VALUE], [1]),
    ("x IN (?, ?) ALLOW FILTERING", [UNSET_VALUE, b"1"], [1, 9]),
    ("d IN ? ALLOW FILTERING", [listed(ONE, None, TWO)], [1]),
    ("d IN (?, ?) ALLOW FILTERING", [None, ONE], []),
    # Where keys are named neither may be.
    ("k IN ?", [listed(ONE, None)], NULL_IN + "k"),
    ("k IN ?", [listed(EMPTY, ONE)], NULL_IN + "k"),
    ("k = 1 AND c IN ?", [listed(ONE, EMPTY)], NULL_IN + "c"),
    ("k = 1 AND c IN ?", [listed(TWO, ONE, TWO)], [1, 2]),
    # Tuples are whole before nulls in them are looked for; one that ends early is compared as far as it goes.
    ("k = 1 AND (c) = (?)", [UNSET_VALUE], "Invalid unset value for tuple field number 0"),
    ("k = 1 AND (c, d) > (?, ?)", [None, UNSET_VALUE], "Invalid unset value for tuple field number 1"),
    ("k = 1 AND (c, d) = (?, ?)", [None, b"\x01"], r"Expected 4 or 0 byte int \(1\)"),
    ("k = 1 AND (c, d) > (?, ?)", [None, ONE], NULL_IN + "c"),
    ("k = 1 AND (c) IN ((?), (?))", [ONE, UNSET_VALUE], "Invalid unset value for tuple field number 0"),
    ("k = 1 AND (c, d) > ?", [several(ONE)], [2, 9]),
    ("k = 1 AND (c, d) >= ?", [several(ONE)], [1, 2, 9]),
    ("k = 1 AND (c, d) = ?", [several(ONE)], []),
    ("k = 1 AND (c, d) IN ?", [listed(several(ONE), several(TWO, TWO))], [2]),
    ("k = 1 AND (c, d) > ?", [several(ONE, None)], NULL_IN + "d"),
    # The token of an empty value is the smallest.
    ("token(k) = token(?)", [EMPTY], [1, 2, 9]),
    ("token(k) > token(?)", [EMPTY], [1, 2, 9]),
]

# Cassandra compares the bytes, whatever they are.
CHECKED_HERE = [
    ("k = 1 AND (c, d) >= ?", [several(ONE, b"\x01")], r"Expected 4 or 0 byte int \(1\)"),
    ("(c, d) = ? ALLOW FILTERING", [several(ONE + b"\x01", ONE)], r"Expected 4 or 0 byte int \(5\)"),
]


@pytest.fixture(scope="module")
def filled(one):
    with one.cluster() as cluster:
        session = cluster.connect()
        fresh_keyspace(session, "bound_relations", one.replication())
        session.execute("CREATE TABLE t (k int, c int, d int, v int, x text, PRIMARY KEY (k, c, d))")
        for row in (1, 2):
            session.execute(f"INSERT INTO t (k, c, d, v, x) VALUES (1, {row}, {row}, {row}, '{row}')")
        session.execute("INSERT INTO t (k, c, d, x) VALUES (1, 9, 9, '')")
        yield session
        session.execute("DROP KEYSPACE bound_relations")


@pytest.mark.parametrize("where,values,expected", LINES + CHECKED_HERE)
def test_odd_values(filled, where, values, expected):
    prepared = filled.prepare(f"SELECT c FROM t WHERE {where}")
    statement = prepared.bind([None] * len(prepared.column_metadata))
    statement.values = values
    if isinstance(expected, str):
        with pytest.raises(InvalidRequest, match=expected):
            filled.execute(statement)
    else:
        assert [row[0] for row in filled.execute(statement)] == expected
