"""Statements from a few seeds on Helenus and on Apache Cassandra side by side; `cargo xtask differ` runs as many as one likes."""

import pathlib
import sys

import pytest
from cassandra import InvalidRequest
from cassandra.query import PreparedStatement, tuple_factory

from conftest import started
from servers import Server

sys.path.insert(0, str(pathlib.Path(__file__).parent / "differ"))

import known  # noqa: E402
from compare import Seed, rows_of, run_both, run_seeds  # noqa: E402
from generate import Statement  # noqa: E402
from values import Kind, Literal, distinct  # noqa: E402

# A few seeds; a difference is a fault.
SEEDS = [302, 303, 304, 305, 306, 307]
STATEMENTS = 150
FEATURES = ["bind", "counter", "ddl", "index", "json", "list", "mask", "time", "ttl", "view"]


def test_answers_are_the_same(oracle):
    theirs = Server([oracle.address], "datacenter1")
    with started(1, settings=["materialized_views_enabled=true"]) as ours:
        with theirs.cluster(rows=tuple_factory, schema_metadata_enabled=False) as a:
            with ours.cluster(rows=tuple_factory, schema_metadata_enabled=False) as b:
                total, differences = run_seeds(
                    [a.connect(), b.connect()], SEEDS, STATEMENTS, FEATURES, 5, lambda *words: ours.nodes[0].nodetool(*words))
    assert total > len(SEEDS) * STATEMENTS
    assert not differences, "\n".join(map(str, differences))


def test_known_differences_are_told():
    told = (pathlib.Path(__file__).parents[2] / "docs" / "differences.md").read_text()
    reasons = [entry[-1] for entry in known.KNOWN + known.KNOWN_ORDERS] + [known.BY_STATIC_INDEX, known.BY_KEY_INDEX, known.LOG_10, known.LEGACY, known.EQUAL_CLUSTERINGS]
    reasons += [known.BY_CLUSTERING_INDEX, known.NOT_SELECTED, known.MAP_ELEMENTS, known.OPERATORS, known.NO_VALUE, known.FIELDS, known.LEFT_IN_VIEW]
    reasons += [known.BY_DELETED_ELEMENTS, known.BY_TRUNCATED_INDEX, known.SLICED]
    assert [reason for reason in reasons if reason not in told] == []


COMPOSITE = "columns p0 int, p1 map<int, text>, c0 text, s0 int, r0 int"
SIMPLE = "columns p0 int, c0 text, s0 int"


@pytest.mark.parametrize("statement, columns, extra, reason", [
    ("SELECT * FROM t0 WHERE p0 = 1", COMPOSITE, "row 1, {2: 'a, b'}, null, 3, null", known.BY_KEY_INDEX),
    ("SELECT * FROM t0 WHERE p0 = 1", COMPOSITE, "row 1, {2: 'a, b'}, 'x', 3, null", known.BY_CLUSTERING_INDEX),
    ("SELECT * FROM t0 WHERE p0 = 1 AND p1 = {2: 'a'}", COMPOSITE, "row 1, {2: 'a'}, null, 3, null", None),
    ("SELECT * FROM t0", COMPOSITE, "row 1, {}, null, 3, null", None),
    ("SELECT * FROM t0 WHERE p0 = 1", SIMPLE, "row 1, null, 3", None),
    ("SELECT * FROM t0 WHERE p0 = 1 AND c0 = 'a'", SIMPLE, "row 1, 'a', 3", None),
    ("SELECT * FROM t0 WHERE p0 = 1 AND c0 = 'a' AND s0 = 3", SIMPLE, "row 1, 'a', 3", known.BY_STATIC_INDEX),
    ("SELECT * FROM t0 WHERE s0 = 3", SIMPLE, "row 1, 'a', 3", known.BY_TRUNCATED_INDEX),
    ("SELECT * FROM t0 WHERE s0 > 3 ALLOW FILTERING", SIMPLE, "row 1, 'a', 4", None),
    ("SELECT * FROM t0 WHERE r0[1] = 2 ALLOW FILTERING", COMPOSITE, "row 1, {}, 'a', 3, 4", known.BY_TRUNCATED_INDEX),
    ("SELECT * FROM t0 WHERE p0 = 1 AND p1 = {} AND r0 = 3", COMPOSITE, "row 1, {}, 'a', 3, 3", None),
    ("SELECT * FROM t0 WHERE s0 CONTAINS 3 ALLOW FILTERING", SIMPLE, "row 1, 'a', 3", known.BY_DELETED_ELEMENTS),
    ("SELECT * FROM t0 WHERE s0 CONTAINS 3", SIMPLE, "row 1, 'a', 3", known.BY_TRUNCATED_INDEX),
    ("SELECT * FROM v0 WHERE p0 = 1", COMPOSITE, "row 1, {}, null, 3, null", None),
    ("SELECT * FROM t0 WHERE c0 = 'a'", SIMPLE, "row 1, 'a', 3", known.BY_CLUSTERING_INDEX),
    ("SELECT * FROM t0 WHERE c0 = 'a' ALLOW FILTERING", SIMPLE, "row 1, 'a', 3", known.BY_CLUSTERING_INDEX),
    ("SELECT p0, c0, s0 FROM v0", SIMPLE, "row 1, 'a', null", known.NOT_SELECTED),
    ("SELECT p0, mask_default(a1), c0 FROM t0", SIMPLE, "row 1, 0, 'a'", known.NOT_SELECTED),
    ("SELECT p0, c0, s0 FROM v0", SIMPLE, "row 1, 'a', 3", None),
    ("SELECT p0, c0, s0 FROM t0", SIMPLE, "row 1, 'a', null", known.NOT_SELECTED),
])
def test_a_row_more_is_known_only_where_cassandra_misses_it(statement, columns, extra, reason):
    assert known.reason_for(statement, [columns], [columns, extra]) == reason
    left = known.LEFT_IN_VIEW if statement.startswith("SELECT * FROM v") else None
    assert known.reason_for(statement, [columns, extra], [columns]) == left


CLUSTERED = "columns p0 int, c0 frozen<list<decimal>>, r0 decimal"


@pytest.mark.parametrize("theirs, ours, reason", [
    ("row 1, [0, 0.000010, -3.14], 1.0", "row 1, [0, 0.00001, -3.14], 1.0", known.EQUAL_CLUSTERINGS),
    ("row 1, [1.00], 1.0", "row 1, [1], 1.0", known.EQUAL_CLUSTERINGS),
    ("row 1, [1.00], 1.0", "row 1, [1.00], 1.00", None),
    ("row 1, [1.01], 1.0", "row 1, [1.10], 1.0", None),
    ("row 1, [10], 1.0", "row 1, [1], 1.0", None),
])
def test_clusterings_differ_by_zeros_only(theirs, ours, reason):
    assert known.reason_for("SELECT * FROM t0", [CLUSTERED, theirs], [CLUSTERED, ours]) == reason


LEGACY = "'org.apache.cassandra.db.marshal.LegacyTimeUUIDType'"


@pytest.mark.parametrize("theirs, ours, reason", [
    ([f"columns a {LEGACY}", "row 0x50554d6e"], ["columns a timeuuid", "row 5055-4d6e"], known.LEGACY),
    ([f"columns a {LEGACY}", "row 0x50554d6e"], ["columns a timeuuid", "row 5055-4d6f"], None),
    ([f"prepared a {LEGACY}, b int; key None", "error 0x2200 x"], ["prepared a timeuuid, b int; key None", "error 0x2200 x"], known.LEGACY),
    ([f"prepared a {LEGACY}; key None", "done"], ["prepared a uuid; key None", "done"], None),
    (["columns a uuid", "row 0x00"], ["columns a timeuuid", "row 00"], None),
])
def test_legacy_class_is_known_only_beside_timeuuid(theirs, ours, reason):
    assert known.reason_for("SELECT f(a) FROM t0", theirs, ours) == reason


NULL = "error 0x2200 Null value read when not allowed"
AMBIGUOUS = "error 0x2200 Ambiguous '+' operation with args 1 and 2: use type hint to disambiguate, example '(int) ?'"
DESC = "An operator between numbers in the place of a clustering column with DESC"
DESC_CAST = "CAST of a clustering column with DESC"
JAVA = "Where Cassandra answers with a Java exception"
NO_HOST = """error NoHostAvailable ('Unable to complete', {<Host>: <Error from server: code=0000 [Server error] message="{}">})"""
FLOOR = "error 0x2200 The floor function starting time is greater than the provided time"
NO_TIME = "error 0x2200 Invalid call to function to_timestamp, none of its type signatures match"
NO_CAST = "error 0x2200 Invalid call to function system.cast_as_{}, none of its type signatures match"
WRITE_FAILED = "error 0x1500 Operation failed - received 0 responses and 1 failures"
NO_DIGITS = "error 0x2200 Expected digits behind the scale of a decimal (4 bytes)"
NO_COUNTER = "error 0x2200 Invalid operation (s0 = s0 + 1) for non counter column"
NO_NULL = "error 0x2200 Invalid null value in condition for column {}"
FAILED = "error 0x1400 the operation '{}' failed: / by zero"
UNSET_BOUND = "Unset as the bound of one column beside a relation of several"
CANNOT_PASS = "error 0x2200 Type error: {f0: 1} cannot be passed as argument 0 of function system.token of type frozen<u0>"


@pytest.mark.parametrize("statement, theirs, ours, reason", [
    ("UPDATE t0 SET r0 = 1 IF r1[1] > 2", ["columns [applied] boolean", "row True"],
     ["columns [applied] boolean, r1 map<int, int>", "row False, {1: 1}"], known.MAP_ELEMENTS),
    ("UPDATE t0 SET r0 = 1 IF r1[1] > 2", ["columns [applied] boolean", "row True"],
     ["columns [applied] boolean, r1 list<int>", "row False, [1]"], None),
    ("UPDATE t0 SET r1[1] = 1 IF r0 > 2", ["columns [applied] boolean", "row True"],
     ["columns [applied] boolean, r0 int", "row False, 3"], None),
    ("UPDATE t0 SET r0 = 1 * 400 + 0", ["error 0x2200 Unable to make short from '400'"], ["done"], known.OPERATORS),
    ("UPDATE t0 SET r0 = -1 % -2147483648 + 0", ["error 0x2200 Unable to make short from '-2147483648'"],
     ["error 0x2200 Unable to make byte from '-2147483648'"], known.OPERATORS),
    ("UPDATE t0 SET s0 = -99999999999, r0 = 1 * 2", ["error 0x2200 Unable to make int from '-99999999999'"], ["done"], None),
    ("UPDATE t0 SET s0 = abs(-9) * -99999999999", ["error 0x2200 Unable to make int from '-99999999999'"], ["done"], known.OPERATORS),
    ("SELECT c0 FROM t0 WHERE (c0, c1) <= (?, 1) AND c0 >= ? -- 0x01, unset", ["columns c0 int"], ["error 0x2200 Invalid unset value for column c0"], UNSET_BOUND),
    ("SELECT c0 FROM t0 WHERE c0 >= ? -- unset", ["columns c0 int"], ["error 0x2200 Invalid unset value for column c0"], None),
    ("SELECT CAST(c1 AS date), r0, CAST(c1 AS smallint) FROM t1", [NO_CAST.format("date")], [NO_CAST.format("smallint")], DESC_CAST),
    ("SELECT CAST(c1 AS date), r0, CAST(c1 AS smallint) FROM v1", [NO_CAST.format("smallint")], [NO_CAST.format("date")], None),
    ("SELECT CAST(r1 AS date), r0, CAST(c1 AS smallint) FROM v1", [NO_CAST.format("date")], [NO_CAST.format("smallint")], None),
    ("SELECT writetime(r0[?..]) FROM t1 -- 0x01", [NO_HOST.replace("{}", "java.lang.ClassCastException: class a")], ["no answer: TypeError: None"], JAVA),
    ("SELECT writetime(r0[?..]) FROM t1 -- 0x01", [NO_HOST.replace("{}", "all gone")], ["no answer: TypeError: None"], None),
    ("UPDATE t0 SET r0 = 0x00", [WRITE_FAILED], ["error 0x2200 Not enough bytes to read size of 0th component"], known.NO_VALUE),
    ("UPDATE t0 SET r0 = 0x00", [WRITE_FAILED], ["done"], None),
    ("SELECT r0[..0], r0[..'a'], c1 FROM t0", ["columns x int, y int, z int", "row null, {1: null, 2: null}, True"], ["columns x int, y int, z int", "row null, {1: [7], 2: 3}, True"], known.SLICED),
    ("SELECT r0[..0], r0[..'a'], c1 FROM t0", ["columns x int, y int, z int", "row null, {1: null, 2: 3}, True"], ["columns x int, y int, z int", "row null, {1: [7], 2: 4}, True"], None),
    ("SELECT r0[0], r0[1], c1 FROM t0", ["columns x int, y int, z int", "row null, {1: null}, True"], ["columns x int, y int, z int", "row null, {1: [7]}, True"], None),
    ("SELECT r0[..0], r1[1], c1 FROM t0", ["columns x int, y int, z int", "row null, {1: null}, True"], ["columns x int, y int, z int", "row null, {1: [7]}, True"], None),
    ("UPDATE t0 SET r0 = 400, r1 = 1 - 2", ["error 0x2200 Unable to make byte from '400'"], ["done"], None),
    ("SELECT * FROM t0 WHERE (c0, c1) >= ? -- 0x00000001ff", ["columns c0 tinyint"], ["error 0x2200 Expected 1 byte for a tinyint (2)"], "Each value in a bound tuple"),
    ("SELECT * FROM t0 WHERE p0 = ? AND (c0, c1) >= ? -- 0x01, 0x00000000", ["columns c0 list<int>"], ["error 0x2200 Not enough bytes to read a list"], "Each value in a bound tuple"),
    ("SELECT * FROM t0 WHERE c0 >= ? -- 0x00", ["columns c0 list<int>"], ["error 0x2200 Not enough bytes to read a list"], None),
    ("SELECT * FROM t0 WHERE c0 >= ? -- 0x00000001ff", ["columns c0 tinyint"], ["error 0x2200 Expected 1 byte for a tinyint (2)"], None),
    ("INSERT INTO t0 (c0) VALUES (?) -- 0x00000001", [WRITE_FAILED], [NO_DIGITS], "A decimal of a scale without digits"),
    ("INSERT INTO t0 (c0) VALUES (?) -- 0x00000001", ["done"], [NO_DIGITS], "A decimal of a scale without digits"),
    ("INSERT INTO t0 (c0) VALUES (?) -- 0x00000001", [WRITE_FAILED], ["done"], None),
    ("INSERT INTO t0 (c0) VALUES ('a')", ["done"], [NO_DIGITS], None),
    ("INSERT INTO t0 (r0) VALUES (0x00)", ["done"], ["error 0x2200 Not enough bytes to read a list"], known.NO_VALUE),
    ("INSERT INTO t0 (r0) VALUES (?) -- 0x00", ["prepared r0 int; key None", "done"], ["prepared r0 int; key None", "error 0x2200 Not enough bytes to read a list"], None),
    ("INSERT INTO t0 (r0, r1) VALUES (?, 0x00) -- 0x00", ["prepared r0 int; key None", "done"], ["error 0x2200 Not enough bytes to read a list"], known.NO_VALUE),
    ("INSERT INTO t0 (r0, r1) VALUES (?, '1:2') -- 0x00", ["prepared r0 int; key None"], ["error 0x2200 Not enough bytes to read a list"], known.NO_VALUE),
    ("INSERT INTO t0 (r0, r1) VALUES (?, '') -- 0x00", ["prepared r0 int; key None", "done"], ["prepared r0 int; key None", "error 0x2200 Not enough bytes to read a list"], None),
    ("BEGIN BATCH UPDATE t0 SET r0 = r0 + 1 WHERE c0 = 2 IF s0 = 3; APPLY BATCH", ["columns [applied] boolean, c0 int", "row False, 1"],
     ["columns [applied] boolean, c0 int", "row False, 2"], known.SUMS_BESIDE_STATICS),
    ("BEGIN BATCH UPDATE t0 SET r0 = r0 + 1 WHERE c0 = 2 IF s0 = 3; APPLY BATCH", ["columns [applied] boolean, c0 int", "row False, 1"],
     ["columns [applied] boolean", "row True"], None),
    ("BEGIN BATCH UPDATE t0 SET r0 = r1 + 1 WHERE c0 = 2 IF s0 = 3; APPLY BATCH", ["columns [applied] boolean, c0 int", "row False, 1"],
     ["columns [applied] boolean, c0 int", "row False, 2"], None),
    ("UPDATE t0 SET r0 = 1 IF r1 = 0x00", ["columns [applied] boolean", "row False"], ["error 0x2200 Not enough bytes to read a list"], known.NO_VALUE),
    ("UPDATE t0 SET r0 = 0x00, s0 = s0 + 1 WHERE p0 = 1", [f"{NO_COUNTER} s0"], ["error 0x2200 Not enough bytes to read size"], known.NO_VALUE),
    ("UPDATE t0 SET r0 = 0x00, s0 = ? WHERE p0 = 1 -- 0x01", ["error 0x2200 Key may not be empty"], ["prepared s0 int; key None", "error 0x2200 Expected 4 or 0 byte int (1)"], None),
    ("UPDATE t0 SET r0 = 5, s0 = s0 + 1 WHERE p0 = 0x00", [f"{NO_COUNTER} s0"], ["error 0x2200 Not enough bytes to read size"], known.NO_VALUE),
    ("UPDATE t0 SET r0 = '1:2', s0 = s0 + 1 WHERE p0 = 1", [f"{NO_COUNTER} s0"], ["error 0x2200 Not enough bytes to read a list"], known.NO_VALUE),
    ("UPDATE t0 SET r0 = [1], s0 = s0 + 1 WHERE p0 = 1", [f"{NO_COUNTER} s0"], ["error 0x2200 Not enough bytes to read a list"], None),
    ("UPDATE t0 SET r0 += ? WHERE p0 = 1 -- unset", ["error 0x0000 java.lang.ClassCastException"], ["done"], "Unset that is appended to a list"),
    ("DELETE r1[?], r0 FROM t0 WHERE p0 = 1 -- unset", [WRITE_FAILED], ["done"], "Unset that is appended to a list"),
    ("DELETE r1[?], r0 FROM t0 WHERE p0 = 1 -- 0x01", [WRITE_FAILED], ["done"], None),
    ("UPDATE t0 SET r0 = ? WHERE p0 = 1 -- unset", ["error 0x0000 java.lang.ClassCastException"], ["done"], None),
    ("UPDATE t0 SET r0 = 0x00, s0 = s0 + 1 WHERE p0 = 1", ["error 0x2000 1:2"], ["error 0x2200 Not enough bytes to read size"], None),
    ("INSERT INTO t0 JSON '{\"r0\": {}, \"r1\": \"x\"}'", ["error 0x2200 Unable to convert 'x' to a duration"], ["error 0x2200 Error decoding JSON value for r0: x"],
     "Of several members of a JSON text"),
    ("SELECT * FROM t0 WHERE (c0, c1) IN ((1, '')) AND c2 = 0", ["error 0x2200 Invalid unset value for column c2"], ["columns c0 int"],
     "An empty value in a tuple of `(c, d) IN (…)`"),
    ("SELECT * FROM t0 WHERE (c0, c1) IN ? AND c2 = ? -- 0x0000000100000009000000010000000000, 0x01", ["error 0x2200 Invalid unset value for column c2"], ["columns c0 int"],
     "An empty value in a tuple of `(c, d) IN (…)`"),
    ("SELECT * FROM t0 WHERE (c0, c1) IN ? AND c2 = ? -- 0x0000000100000001ff, 0x01", ["error 0x2200 Invalid unset value for column c2"], ["columns c0 int"], None),
    ("SELECT * FROM t0 WHERE (c0, c1) IN ((1, '')) AND c2 = ? -- unset", ["error 0x2200 Invalid unset value for column c2"], ["columns c0 int"], None),
    ("UPDATE t0 SET r0 = ? WHERE p0 = 1 -- 0x00", ["error 0x2200 Expected 4 or 0 byte int (1)"], [NULL], "Nulls inside bound lists"),
    ("UPDATE t0 SET r0 = ? WHERE p0 = 1 -- 0x00", ["error 0x2200 Key may not be empty"], [NULL], None),
    ("INSERT INTO t0 JSON '{\"p0\": 1, \"r0\": [1, \"\"]}'", ["done"], [NULL], "Nulls inside bound lists"),
    ("INSERT INTO t0 JSON '{\"p0\": 1, \"r0\": [1, 2]}'", ["done"], [NULL], None),
    ("SELECT * FROM t0 WHERE c0 = 1 + 2", [AMBIGUOUS], ["columns c0 double"], DESC),
    ("INSERT INTO t0 (p0, c0) VALUES (1, 3 + 0)", [AMBIGUOUS], ["done"], DESC),
    ("UPDATE t0 SET r0 = 1 + 2 WHERE c0 = 1", [AMBIGUOUS], ["done"], None),
    ("UPDATE t0 SET r0 = (1, 2) WHERE c0 = 1", ["done"], ["error 0x2200 Invalid tuple type literal for r0 of type u0"], None),
    ("SELECT * FROM v0 WHERE token(c0) = token({f0: 1})", [CANNOT_PASS], ["columns c0 u0"], "A literal of a user-defined type or a vector in `token(…)` of a view"),
    ("SELECT * FROM v0 WHERE token(c0) = token([1])", [CANNOT_PASS.replace("{f0: 1}", "[1]").replace("frozen<u0>", "vector<int, 1>")], ["columns c0 int"],
     "A literal of a user-defined type or a vector in `token(…)` of a view"),
    ("SELECT * FROM t0 WHERE token(p0) = token({f0: 1})", [CANNOT_PASS], ["columns c0 u0"], None),
    ("SELECT {f0: 1, f1: 2} FROM t0", ["columns {f1: 2, f0: 1} u0", "row 1"], ["columns {f0: 1, f1: 2} u0", "row 1"], known.FIELDS),
    ("SELECT {f0: 1, f1: 2} FROM t0", ["columns {f1: 2, f0: 1} u0", "row 1"], ["columns {f0: 1, f1: 2} u0", "row 2"], None),
    ("SELECT JSON CAST(c0 AS int) FROM v1", ["columns [json] varchar", """row '{"cast(c0 as int)": 5}'"""], ["columns [json] varchar", """row '{"c0": 5}'"""],
     "CAST of a clustering column with DESC"),
    ("SELECT JSON CAST(c0 AS int) FROM v1", ["columns [json] varchar", """row '{"cast(c0 as int)": 5}'"""], ["columns [json] varchar", """row '{"c0": 6}'"""], None),
    ("SELECT CAST(c0 AS int) FROM t1", ["columns cast(c0 as int) int", "row 5"], ["columns c0 int", "row 5"], "CAST of a clustering column with DESC"),
    ("SELECT CAST(c0 AS int) FROM t1", ["columns cast(c0 as int) int", "row 5"], ["columns c0 bigint", "row 5"], None),
    ("SELECT CAST(r0 AS int) FROM t1", ["columns cast(r0 as int) int", "row 5"], ["columns r0 int", "row 5"], None),
    ("SELECT JSON CAST(c0 AS int) FROM t1", ["columns [json] varchar", """row '{"cast(c0 as int)": 5}'"""], ["columns [json] varchar", """row '{"c0": 5}'"""], None),
    ("SELECT JSON log10(a1) FROM t1", ["columns [json] varchar", """row '{"system.log10(a1)": -5.000}'"""],
     ["columns [json] varchar", """row '{"system.log10(a1)": -5}'"""], known.LOG_10),
    ("SELECT p0, count(*) FROM t0 GROUP BY p0, floor(c1, 1mo) LIMIT 2", ["columns p0 int", "row 1"], [FLOOR], "GROUP BY `floor(…)` beside LIMIT"),
    ("SELECT p0, count(*) FROM t0 GROUP BY p0, floor(c1, 1mo)", ["columns p0 int", "row 1"], [FLOOR], None),
    ("UPDATE t0 SET r3 = -(1) % 0", [FAILED.format("tinyint % int")], [FAILED.format("int % int")], known.OPERATORS),
    ("UPDATE t0 SET r3 = -(1) % 0", [FAILED.format("tinyint % int")], ["done"], None),
    ("SELECT CAST(p0 AS text), CAST(p0 AS ascii) FROM v0", [NO_CAST.format("text")], [NO_CAST.format("ascii")], "CAST of a clustering column with DESC"),
    ("SELECT JSON CAST(c0 AS text), to_timestamp(r0) FROM v0", [NO_CAST.format("text")], [NO_TIME], "CAST of a clustering column with DESC"),
    ("SELECT JSON CAST(r0 AS text), to_timestamp(r0) FROM v0", [NO_CAST.format("text")], [NO_TIME], None),
    ("SELECT CAST(p0 AS text), CAST(p0 AS ascii) FROM t0", [NO_CAST.format("text")], [NO_CAST.format("ascii")], None),
    ("BEGIN BATCH DELETE FROM t0 WHERE c1 > ?; INSERT INTO t0 (c2) VALUES (?); APPLY BATCH -- null, null", [NO_NULL.format("c2")], [NO_NULL.format("c1")],
     "Null as a bound of what a DELETE deletes"),
    ("BEGIN BATCH DELETE FROM t0 WHERE c1 = ?; INSERT INTO t0 (c2) VALUES (?); APPLY BATCH -- null, null", [NO_NULL.format("c2")], [NO_NULL.format("c1")], None),
    ("UPDATE t0 SET r3 = 1 / 0 % 0", [FAILED.format("int % int")], [FAILED.format("int / int")], None),
])
def test_a_reason_covers_no_more_than_it_says(statement, theirs, ours, reason):
    assert known.reason_for(statement, theirs, ours) == reason


@pytest.mark.parametrize("statement, values, rows, left", [
    ("SELECT * FROM t0 WHERE p0 = 1 ALLOW FILTERING", None, None, None),
    ("SELECT * FROM t0", None, None, None),
    ("SELECT count(*) FROM t0 WHERE p0 = ? AND s0 = ?", ["a", "b"], "SELECT * FROM t0 WHERE p0 = ? AND s0 = ?", ["a", "b"]),
    ("SELECT JSON f(?), c0 FROM t0 WHERE p0 = ? GROUP BY p0, c0 ORDER BY c0 DESC PER PARTITION LIMIT ? LIMIT ? ALLOW FILTERING", ["x", "a", "b", "c"],
     "SELECT * FROM t0 WHERE p0 = ? ALLOW FILTERING", ["a"]),
    ("SELECT * FROM t0 WHERE s0 = 1 LIMIT 1", None, "SELECT * FROM t0 WHERE s0 = 1", None),
    ("INSERT INTO t0 (p0) VALUES (1)", None, None, None),
])
def test_the_rows_that_something_was_worked_out_of(statement, values, rows, left):
    found = rows_of(Statement(statement, values))
    assert (found, found and found.values) == (rows, left)


@pytest.mark.parametrize("texts, left", [
    (["'x'", "$$x$$"], ["$$x$$"]), (["'it''s'", "$$it's$$", "'x'"], ["$$it's$$", "'x'"]), (["'x'", "'y'"], ["'x'", "'y'"]),
])
def test_literals_of_one_text_are_one_key(texts, left):
    parts = [Literal(text, bytes([place])) for place, text in enumerate(texts)]
    assert [str(part) for part in distinct(parts, Kind("int"))] == left


class Fake:
    """A session that keeps what it is told."""

    def __init__(self):
        self.told = []

    def execute(self, statement, timeout):
        self.told.append(statement)


@pytest.mark.parametrize("statement, theirs, ours, emptied", [
    ("INSERT INTO t0 (p0) VALUES (1)", "done", "error 0x2200 x", ["t0"]),
    ("DELETE r0 FROM t1 WHERE p0 = 1", "error 0x1500 x", "done", ["t1"]),
    ("BEGIN BATCH UPDATE t1 SET r0 = 1; DELETE FROM t0; UPDATE t1 SET r1 = 2; APPLY BATCH", "done", "error 0x2200 x", ["t1", "t0"]),
    ("INSERT INTO t0 (p0) VALUES (1)", "error 0x2200 y", "error 0x2200 x", []),
    ("SELECT * FROM t0", "columns a int", "error 0x2200 x", []),
])
def test_tables_that_a_known_difference_leaves_unlike_are_emptied(statement, theirs, ours, emptied):
    sessions = [Fake(), Fake()]
    seed = Seed(sessions, 1, [], None)
    seed.make_alike(statement, [theirs], [ours])
    assert [session.told for session in sessions] == [[f"TRUNCATE {table}" for table in emptied]] * 2
    assert seed.truncated == set(emptied)


@pytest.mark.parametrize("statement, rows, fits", [
    ("SELECT * FROM t0 WHERE p0 = 1", ["row 1, 'a', 3", "row 1, 'b', 3"], True),
    ("SELECT * FROM t0 WHERE p0 = 1", ["row 1, 'a', 3", "row 2, 'b', 3"], False),
    ("SELECT * FROM t0 WHERE c0 = 'a' AND s0 = 3", ["row 1, 'a', 3", "row 2, 'a', 4"], False),
    ("SELECT * FROM t0 WHERE c0 > 'a'", ["row 1, 'b', 3", "row 2, 'c', 4"], True),
    ("SELECT * FROM t0 WHERE s0 = ?", ["row 1, 'b', 3", "row 2, 'c', 4"], False),
])
def test_rows_more_have_the_values_that_are_asked_for(statement, rows, fits):
    assert known.fits_equalities(statement, [SIMPLE, *rows]) == fits


class Asked(Seed):
    """A seed whose Cassandra gives one answer; t0 was truncated before."""

    def __init__(self, answer):
        super().__init__([], 1, [], None)
        self.answer = answer
        self.truncated.add("t0")

    def ask(self, question):
        self.question = question
        return self.answer


HELD = "SELECT c0, s0 FROM t0 WHERE c0 = 'a' ALLOW FILTERING"


IN_PAGES = "SELECT c0, s0 FROM t0 WHERE s0 CONTAINS 3 ALLOW FILTERING"


@pytest.mark.parametrize("reason, statement, held, question, is_known", [
    (known.BY_CLUSTERING_INDEX, HELD, ["columns", "row 'b', 1", "row 'a', 3"], "SELECT c0, s0 FROM t0", True),
    (known.BY_CLUSTERING_INDEX, HELD, ["columns", "row 'b', 1", "row 'a', 4"], "SELECT c0, s0 FROM t0", False),
    (known.BY_CLUSTERING_INDEX, "SELECT f(?) FROM t0 WHERE c0 = 'a'", [], None, False),
    (known.NOT_SELECTED, "SELECT c0 FROM v0 WHERE p0 = 1", ["columns", "row 'a', 3"], "SELECT * FROM v0 WHERE p0 = 1", True),
    (known.NOT_SELECTED, "SELECT c0 FROM v0", ["columns"], "SELECT * FROM v0", False),
    (known.BY_DELETED_ELEMENTS, IN_PAGES, ["columns c0 text, s0 int", "row 'a', 3"], IN_PAGES, True),
    (known.BY_DELETED_ELEMENTS, IN_PAGES, ["columns c0 text, s0 int"], IN_PAGES, False),
    (known.BY_DELETED_ELEMENTS, "SELECT c0, s0 FROM t0 WHERE s0 CONTAINS ? ALLOW FILTERING", [], None, False),
    (known.BY_TRUNCATED_INDEX, "SELECT c0, s0 FROM t0 WHERE s0 = ?", ["columns", "row 'b', 1", "row 'a', 3"], "SELECT c0, s0 FROM t0", True),
    (known.BY_TRUNCATED_INDEX, "SELECT c0, s0 FROM t0 WHERE s0 = ?", ["columns", "row 'b', 1"], "SELECT c0, s0 FROM t0", False),
    (known.BY_TRUNCATED_INDEX, "SELECT c0, s0 FROM t1 WHERE s0 = ?", ["columns", "row 'b', 1", "row 'a', 3"], None, False),
    (known.LOG_10, "SELECT log10(r0) FROM t0", [], None, True),
])
def test_rows_that_cassandra_misses_are_rows_that_it_has(reason, statement, held, question, is_known):
    seed = Asked(held)
    columns = "columns c0 text, s0 int"
    assert seed.is_borne_out(reason, statement, [columns], [columns, "row 'a', 3"]) == is_known
    assert getattr(seed, "question", None) == question


class Future:
    def result(self):
        return self

    warnings, column_names = None, None


class Preparing:
    """A session that prepares a statement, or refuses it."""

    def __init__(self, refuses):
        self.refuses = refuses
        self.executed = 0

    def prepare(self, _statement):
        if self.refuses:
            raise InvalidRequest("Error from server: code=2200 [Invalid query] message=\"no\"")
        return PreparedStatement([], b"1", None, "", "", 4, None, None)

    def execute_async(self, _statement, timeout):
        self.executed += 1
        return Future()


@pytest.mark.parametrize("refuses", [(False, False), (False, True), (True, False), (True, True)])
def test_who_prepares_a_statement_executes_it(refuses):
    sessions = [Preparing(each) for each in refuses]
    answers = run_both(sessions, Statement("UPDATE t0 SET r0 = 1", []), 5000)
    refused, done = ["error 0x2200 no"], ["prepared ; key None", "done"]
    assert answers == [refused if each else done for each in refuses]
    assert [session.executed for session in sessions] == [not each for each in refuses]


class Views(Seed):
    """A seed whose Cassandra has the view v1 of t1, and these rows in t1."""

    def __init__(self, rows):
        super().__init__([], 1, [], None)
        self.rows = rows

    def ask(self, question):
        if question.startswith("SELECT base_table_name"):
            assert "keyspace_name = 'differ_1' AND view_name = 'v1'" in question
            return ["columns base_table_name varchar", "row 't1'"]
        assert question == "SELECT p0, c0 FROM t1"
        return ["columns p0 int, c0 text", *self.rows]


@pytest.mark.parametrize("rows, is_known", [([], True), (["row 2, 'a, b'", "row 1, 'b'"], True), (["row 2, 'c'", "row 1, 'a, b'"], False)])
def test_rows_that_cassandra_left_in_a_view_are_not_in_its_table(rows, is_known):
    columns = "columns p0 int, c0 text, r0 int"
    assert Views(rows).is_borne_out(known.LEFT_IN_VIEW, "SELECT * FROM v1 ALLOW FILTERING", [columns, "row 1, 'a, b', 3"], [columns]) == is_known
