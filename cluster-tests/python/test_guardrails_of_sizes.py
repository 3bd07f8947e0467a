"""Guardrails of what is written: sizes of values, collections and their items, times. What is said is Apache Cassandra 5.0.6's, run with
these settings and logins; numbers of microseconds are written N."""

import re
import time

import pytest
from cassandra import ConsistencyLevel
from cassandra.query import BatchStatement, BatchType, SimpleStatement

from conftest import started
from test_guardrails import said, said_of

SETTINGS = [
    "authenticator=PasswordAuthenticator",
    "column_value_size_warn_threshold=1KiB",
    "column_value_size_fail_threshold=4KiB",
    "collection_size_warn_threshold=1536B",
    "collection_size_fail_threshold=3KiB",
    "items_per_collection_warn_threshold=3",
    "items_per_collection_fail_threshold=6",
    "maximum_timestamp_warn_threshold=1d",
    "maximum_timestamp_fail_threshold=10d",
    "minimum_timestamp_warn_threshold=1d",
    "minimum_timestamp_fail_threshold=10d",
    "non_partition_restricted_index_query_enabled=false",
]
DAY = 86_400_000_000


def x(count):
    return f"'{'x' * count}'"


def value(name, size, kind="warning"):
    limit = {"warning": 1024, "failure": 4096}[kind]
    return f"Guardrail column_value_size violated: Value of column '{name}' has size {size}, this exceeds the {kind} threshold of {limit}."


def items(name, count, kind="warning"):
    limit = {"warning": 3, "failure": 6}[kind]
    return (f"Guardrail items_per_collection violated: Detected collection {name} with {count} items, this exceeds the {kind} threshold "
            f"of {limit}.")


def size(name, bytes_, kind="warning"):
    limit = {"warning": 1536, "failure": 3072}[kind]
    return f"Guardrail collection_size violated: Detected collection {name} of size {bytes_}, this exceeds the {kind} threshold of {limit}."


def late(kind):
    return (f"Guardrail maximum_timestamp violated: The modification to table t has a timestamp N after the maximum allowable {kind} "
            "threshold N. Timestamps too far in the future can lead to data that can't be easily overwritten")


def early(kind):
    return (f"Guardrail minimum_timestamp violated: The modification to table t has a timestamp N before the minimum allowable {kind} "
            "threshold N. Timestamps too far in the past can cause writes can be unexpectedly lost")


INDEX = ("!Guardrail non_partition_restricted_index_query_enabled violated: Non-partition key restricted query is not allowed. Executing a "
         "query on secondary indexes without partition key restriction might degrade performance")
ROW = "WHERE k = 1 AND c = 1"

# (statement, what is said: warnings, or the refusal behind "!")
LINES = [
    (f"INSERT INTO g.t (k, c, v) VALUES (1, 1, {x(1024)})", ""),
    (f"INSERT INTO g.t (k, c, v) VALUES (1, 1, {x(1025)})", value("v", 1025)),
    (f"INSERT INTO g.t (k, c, v) VALUES (1, 1, {x(4097)})", "!" + value("v", 4097, "failure")),
    (f"INSERT INTO g.t (k, c, v, st) VALUES (1, 1, {x(1025)}, {x(1026)})", f"{value('v', 1025)} | {value('st', 1026)}"),
    (f"UPDATE g.t SET v = {x(1025)} WHERE k IN (1, 2) AND c IN (1, 2)", " | ".join([value("v", 1025)] * 4)),
    (f"UPDATE g.t SET st = {x(1027)}, v = {x(1025)} WHERE k IN (1, 2) AND c IN (1, 2)",
     " | ".join([value("v", 1025), value("st", 1027)] * 4)),
    (f"UPDATE g.t SET v = {x(5000)} WHERE k IN () AND c = 1", ""),
    (f"INSERT INTO g.w (k) VALUES ({x(5000)})", ""),
    (f"INSERT INTO g.t (k, c, tu) VALUES (1, 1, ({x(600)}, {x(600)}))", value("tu", 1208)),
    (f"INSERT INTO g.w (k, u) VALUES ('1', {{a: {x(600)}, b: {x(1025)}}})", value("u", 1025)),
    (f"INSERT INTO g.w (k, fu) VALUES ('1', {{a: {x(600)}, b: {x(600)}}})", value("fu", 1208)),
    (f"UPDATE g.w SET u.a = {x(1025)} WHERE k = '1'", value("u", 1025)),
    ("INSERT INTO g.t (k, c, l) VALUES (1, 1, ['a', 'b', 'c', 'd'])", items("l", 4)),
    ("INSERT INTO g.t (k, c, l) VALUES (1, 1, ['a', 'b', 'c', 'd', 'e', 'f', 'g'])", "!" + items("l", 7, "failure")),
    ("INSERT INTO g.t (k, c, s) VALUES (1, 1, {'a', 'b', 'c', 'd'})", items("s", 4)),
    ("INSERT INTO g.t (k, c, m) VALUES (1, 1, {'a': 'b', 'b': '', 'c': '', 'd': ''})", items("m", 4)),
    ("INSERT INTO g.t (k, c, fl) VALUES (1, 1, ['a', 'b', 'c', 'd'])", items("fl", 4)),
    ("INSERT INTO g.t (k, c, fs) VALUES (1, 1, {'a', 'b', 'c', 'd', 'd'})", items("fs", 4)),
    ("INSERT INTO g.t (k, c, fm) VALUES (1, 1, {'a': 'b', 'b': '', 'c': '', 'd': ''})", items("fm", 4)),
    ("INSERT INTO g.w (k, n) VALUES ('1', [['a', 'b', 'c', 'd', 'e', 'f', 'g']])", ""),
    (f"UPDATE g.t SET l = l + ['a', 'b', 'c', 'd'] {ROW}", items("l", 4)),
    (f"UPDATE g.t SET l = ['a', 'b', 'c', 'd'] + l {ROW}", ""),
    (f"UPDATE g.t SET s = s + {{'a', 'b', 'c', 'd'}} {ROW}", items("s", 4)),
    (f"UPDATE g.t SET s = s - {{'a', 'b', 'c', 'd'}} {ROW}", ""),
    (f"UPDATE g.t SET m = m + {{'a': '', 'b': '', 'c': '', 'd': ''}} {ROW}", items("m", 4)),
    (f"UPDATE g.t SET m = m - {{'a', 'b', 'c', 'd'}} {ROW}", ""),
    (f"INSERT INTO g.t (k, c, l) VALUES (1, 1, [{x(800)}, {x(800)}])", size("l", 1672)),
    (f"UPDATE g.t SET l = [{x(800)}, {x(800)}] + l {ROW}", ""),
    (f"UPDATE g.t SET l = l + [{x(2000)}, {x(2001)}] {ROW}", "!" + size("l", 4073, "failure")),
    (f"INSERT INTO g.t (k, c, s) VALUES (1, 1, {{{x(800)}, {x(801)}}})", size("s", 1641)),
    (f"INSERT INTO g.t (k, c, s) VALUES (1, 1, {{{x(1100)}}})", value("s", 1100)),
    (f"INSERT INTO g.t (k, c, m) VALUES (1, 1, {{'a': {x(1600)}}})", f"{value('m', 1600)} | {size('m', 1621)}"),
    (f"INSERT INTO g.t (k, c, m) VALUES (1, 1, {{{x(1600)}: {x(1101)}}})",
     f"{value('m', 1101)} | {value('m', 1600)} | {size('m', 2721)}"),
    (f"INSERT INTO g.t (k, c, fl) VALUES (1, 1, [{x(800)}, {x(800)}])", f"{value('fl', 1612)} | {size('fl', 1632)}"),
    (f"INSERT INTO g.t (k, c, fs) VALUES (1, 1, {{{x(800)}, {x(801)}}})", f"{value('fs', 1613)} | {size('fs', 1633)}"),
    (f"INSERT INTO g.t (k, c, fm) VALUES (1, 1, {{'a': {x(1600)}}})", f"{value('fm', 1613)} | {size('fm', 1633)}"),
    (f"UPDATE g.t SET m[{x(1100)}] = 'a' {ROW}", value("m", 1100)),
    (f"UPDATE g.t SET m['a'] = {x(1100)} {ROW}", value("m", 1100)),
    (f"UPDATE g.t SET m[{x(1100)}] = null {ROW}", value("m", 1100)),
    (f"DELETE m[{x(1100)}] FROM g.t {ROW}", value("m", 1100)),
    (f"DELETE s[{x(1100)}] FROM g.t {ROW}", value("s", 1100)),
    (f"UPDATE g.t SET s = s - {{{x(1100)}}} {ROW}", value("s", 1100)),
    (f"UPDATE g.t SET l[0] = {x(1100)} {ROW}", value("l", 1100)),
    (f"UPDATE g.t SET l = l - [{x(1100)}] {ROW}", ""),
    (f"BEGIN BATCH INSERT INTO g.t (k, c, v) VALUES (1, 1, {x(1025)}); INSERT INTO g.t (k, c, v) VALUES (1, 2, {x(1025)}); APPLY BATCH",
     " | ".join([value("v", 1025)] * 2)),
    (f"BEGIN BATCH INSERT INTO g.t (k, c, v) VALUES (1, 1, {x(1025)}); INSERT INTO g.t (k, c, v) VALUES (1, 2, {x(4097)}); APPLY BATCH",
     "!" + value("v", 4097, "failure")),
    (f"INSERT INTO g.w JSON '{{\"k\": \"1\", \"n\": [[\"{'x' * 1500}\"], []]}}'", f"{value('n', 1508)} | {size('n', 1584)}"),
    (f"UPDATE g.t SET v = 'a' {ROW} IF v = {x(1025)}", ""),
    # What a conditional statement writes is looked at when its conditions hold.
    (f"UPDATE g.t SET v = {x(5000)} {ROW} IF v = 'never'", ""),
    (f"UPDATE g.t SET v = {x(5000)} {ROW} IF v != 'never'", "!" + value("v", 5000, "failure")),
    (f"UPDATE g.t SET v = {x(1025)} {ROW} IF v != 'never'", value("v", 1025)),
    (f"UPDATE g.t SET st = {x(1030)}, v = {x(1040)} {ROW} IF v != 'never'", f"{value('v', 1040)} | {value('st', 1030)}"),
    (f"UPDATE g.t SET l[0] = {x(5000)} {ROW} IF v != 'never'", "!" + value("l", 5000, "failure")),
    (f"UPDATE g.t SET l[9999] = {x(5000)} {ROW} IF v != 'never'", "!List index 9999 out of bound, list has size N"),
    (f"BEGIN BATCH UPDATE g.t SET v = {x(1025)} {ROW} IF v != 'never'; INSERT INTO g.t (k, c, v) VALUES (1, 3, {x(1026)}); APPLY BATCH",
     f"{value('v', 1025)} | {value('v', 1026)}"),
    (f"BEGIN BATCH UPDATE g.t SET v = {x(1025)} {ROW} IF v = 'never'; INSERT INTO g.t (k, c, v) VALUES (1, 3, {x(5000)}); APPLY BATCH", ""),
    (f"INSERT INTO g.t (k, c, v) VALUES (null, 1, {x(5000)})", "!Invalid null value in condition for column k"),
    (f"BEGIN BATCH INSERT INTO g.w JSON '{{\"k\": \"1\", \"n\": [[\"{'x' * 5000}\"], []]}}'; APPLY BATCH", "!" + value("n", 5008, "failure")),
    (f"BEGIN BATCH INSERT INTO g.t (k, c, v) VALUES (1, 1, {x(5000)}); INSERT INTO g.t (k, c, v) VALUES (null, 1, 'a'); APPLY BATCH",
     "!Invalid null value in condition for column k"),
    ("INSERT INTO g.t (k, c, v) VALUES (1, 1, 'a') USING TIMESTAMP +2", late("warning")),
    ("INSERT INTO g.t (k, c, v) VALUES (1, 1, 'a') USING TIMESTAMP +20", "!" + late("failure")),
    ("INSERT INTO g.t (k, c, v) VALUES (1, 1, 'a') USING TIMESTAMP -2", early("warning")),
    ("INSERT INTO g.t (k, c, v) VALUES (1, 1, 'a') USING TIMESTAMP -20", "!" + early("failure")),
    ("DELETE FROM g.t USING TIMESTAMP -20 WHERE k = 1", "!" + early("failure")),
    ("BEGIN BATCH USING TIMESTAMP -20 INSERT INTO g.t (k, c, v) VALUES (1, 1, 'a'); APPLY BATCH", ""),
    ("BEGIN BATCH INSERT INTO g.t (k, c, v) VALUES (1, 1, 'a') USING TIMESTAMP -20; APPLY BATCH", ""),
    (f"INSERT INTO g.t (k, c, v) VALUES (1, 1, {x(5000)}) USING TIMESTAMP -20", "!" + early("failure")),
    ("UPDATE g.cnt SET c = c + 1 WHERE k = 'a'", ""),
    ("SELECT * FROM g.w WHERE i = 1", INDEX),
    ("SELECT * FROM g.w WHERE i = 1 AND k = 'a'", ""),
    ("SELECT * FROM g.w WHERE i = 1 AND j = 1 ALLOW FILTERING", INDEX),
    ("SELECT * FROM g.w WHERE i = 1 AND token(k) > 1", INDEX),
    ("SELECT * FROM g.w WHERE j = 1 ALLOW FILTERING", ""),
]


@pytest.fixture(scope="module")
def sessions():
    with started(1, SETTINGS) as server:
        with server.cluster(login=("cassandra", "cassandra")) as cluster:
            session = cluster.connect()
            for statement in [
                "CREATE KEYSPACE g WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
                "CREATE TABLE g.t (k int, c int, v text, l list<text>, s set<text>, m map<text, text>, fl frozen<list<text>>, "
                "fs frozen<set<text>>, fm frozen<map<text, text>>, tu tuple<text, text>, st text static, PRIMARY KEY (k, c))",
                "CREATE TYPE g.u (a text, b text)",
                "CREATE TABLE g.w (k text PRIMARY KEY, u u, fu frozen<u>, i int, j int, n list<frozen<list<text>>>)",
                "CREATE TABLE g.cnt (k text PRIMARY KEY, c counter)",
                "CREATE INDEX wi ON g.w (i)",
                "INSERT INTO g.t (k, c, l) VALUES (1, 1, ['a'])",
                "CREATE ROLE app WITH PASSWORD = 'secret' AND LOGIN = true",
            ]:
                session.execute(statement)
            with server.cluster(login=("app", "secret")) as ordinary:
                yield session, ordinary.connect()


@pytest.mark.parametrize("statement,expected", LINES, ids=range(len(LINES)))
def test_guardrails_of_sizes(sessions, statement, expected):
    now = int(time.time() * 1_000_000)
    statement = re.sub(r"(?<=TIMESTAMP )[-+]\d+", lambda days: str(now + int(days.group()) * DAY), statement)
    if "l[0]" in statement:
        sessions[0].execute("INSERT INTO g.t (k, c, l) VALUES (1, 1, ['a'])")
    assert re.sub(r"\d{16}|(?<=has size )\d+$", "N", said(sessions[1], statement, ConsistencyLevel.ONE, 50)) == expected
    assert "Guardrail" not in said(sessions[0], statement, ConsistencyLevel.ONE, 50), "superusers may"


@pytest.mark.parametrize("texts,expected", [
    ([f"(1, 1, {x(1025)})", f"(1, 2, {x(1026)})"], f"{value('v', 1025)} | {value('v', 1026)}"),
    ([f"(1, 1, {x(1025)})", f"(1, 2, {x(5000)})"], "!" + value("v", 5000, "failure")),
    ([f"(1, 1, {x(5000)})", "(null, 2, 'a')"], "!Invalid null value in condition for column k"),
    ([f"(1, 77, {x(1025)}) IF NOT EXISTS", f"(1, 2, {x(1027)})"], f"{value('v', 1025)} | {value('v', 1027)}"),
    ([f"(1, 77, {x(5025)}) IF NOT EXISTS", f"(1, 2, {x(1027)})"], ""),
    ([f"(1, 78, {x(5025)}) IF NOT EXISTS", f"(1, 2, {x(1027)})"], "!" + value("v", 5025, "failure")),
])
def test_guardrails_of_batch_messages(sessions, texts, expected):
    def batch():
        whole = BatchStatement(BatchType.UNLOGGED, consistency_level=ConsistencyLevel.ONE)
        for text in texts:
            whole.add(SimpleStatement("INSERT INTO g.t (k, c, v) VALUES " + text))
        return whole

    if "IF NOT EXISTS" in texts[0]:
        place = texts[0].split(",")[1]
        exists = expected == ""
        sessions[0].execute(f"INSERT INTO g.t (k, c, v) VALUES (1, {place}, 'a')" if exists else f"DELETE FROM g.t WHERE k = 1 AND c = {place}")
    assert said_of(sessions[1], batch()) == expected
    assert "Guardrail" not in said_of(sessions[0], batch()), "superusers may"
