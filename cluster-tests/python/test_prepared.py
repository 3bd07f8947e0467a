"""Prepared and simple statements, named and unset values, statements in flight, and the ids of statements."""

import pytest
from cassandra import InvalidRequest
from cassandra.query import UNSET_VALUE, BatchStatement, BatchType, SimpleStatement

from conftest import VERSIONS, fresh_keyspace

ROWS = 10_000
IN_FLIGHT = 128


def test_named_values(session, table):
    session.execute(f"CREATE TABLE {table} (k int, c text, v double, PRIMARY KEY (k, c))")
    write = session.prepare(f"INSERT INTO {table} (k, c, v) VALUES (:key, :name, :value)")
    session.execute(write, {"key": 1, "name": "one", "value": 1.5})
    read = session.prepare(f"SELECT v FROM {table} WHERE k = ? AND c = ?")
    assert session.execute(read, {"k": 1, "c": "one"}).one() == (1.5,)
    simple = f"INSERT INTO {table} (k, c, v) VALUES (%(k)s, %(c)s, %(v)s)"
    session.execute(simple, {"k": 1, "c": "two", "v": 2.5})
    assert [row.c for row in session.execute(f"SELECT c FROM {table} WHERE k = 1")] == ["one", "two"]


def test_names_and_types_of_markers(session, table):
    session.execute(f"CREATE TABLE {table} (k int, c text, v list<int>, m map<text, int>, PRIMARY KEY (k, c))")
    expected = [
        (f"SELECT * FROM {table} WHERE k = ? AND c > ? LIMIT ?", ["k int", "c varchar", "[limit] int"]),
        (f"SELECT * FROM {table} WHERE k IN ? PER PARTITION LIMIT ?", ["in(k) list<int>", "[per_partition_limit] int"]),
        (f"SELECT * FROM {table} WHERE k = ? AND c IN (?, ?)", ["k int", "c varchar", "c varchar"]),
        (f"SELECT * FROM {table} WHERE token(k) > ?", ["partition key token bigint"]),
        (f"SELECT * FROM {table} WHERE token(k) > token(?)", ["arg0(system.token) int"]),
        (f"INSERT INTO {table} (k, c, v) VALUES (?, ?, ?) USING TTL ? AND TIMESTAMP ?",
         ["k int", "c varchar", "v list<int>", "[ttl] int", "[timestamp] bigint"]),
        (f"UPDATE {table} SET v = v + ?, m[?] = ? WHERE k = ? AND c = ?",
         ["v list<int>", "key(m) varchar", "value(m) int", "k int", "c varchar"]),
        (f"DELETE m[?] FROM {table} WHERE k = ? AND c = ?", ["key(m) varchar", "k int", "c varchar"]),
        (f"SELECT count(?) FROM {table}", ["[selection] blob"]),
        (f"SELECT * FROM {table} WHERE k = ? AND (c) > ?", ["k int", "(c) frozen<tuple<varchar>>"]),
    ]
    found = []
    for text, _ in expected:
        markers = session.prepare(text).column_metadata
        found.append((text, [f"{marker.name} {marker.type.cql_parameterized_type()}" for marker in markers]))
    assert found == expected


def test_partition_key_of_a_prepared_statement(session, table):
    session.execute(f"CREATE TABLE {table} (a int, b text, c int, v int, PRIMARY KEY ((a, b), c))")
    write = session.prepare(f"INSERT INTO {table} (v, c, b, a) VALUES (?, ?, ?, ?)")
    assert write.routing_key_indexes == [3, 2]
    assert write.bind((1, 2, "x", 5)).routing_key == b"\x00\x04\x00\x00\x00\x05\x00\x00\x01x\x00"
    hinted = session.prepare(f"SELECT v FROM {table} WHERE b = (text)? AND a = (int)?")
    assert hinted.routing_key_indexes == [1, 0]


@pytest.mark.parametrize("version", [4, 5])
def test_unset_values_leave_columns_alone(one, version):
    with one.cluster(version) as cluster:
        session = cluster.connect()
        fresh_keyspace(session, f"unset_{version}", one.replication())
        session.execute("CREATE TABLE t (k int PRIMARY KEY, a int, b text, l list<int>)")
        write = session.prepare("INSERT INTO t (k, a, b, l) VALUES (?, ?, ?, ?)")
        session.execute(write, (1, 1, "one", [1]))
        session.execute(write, (1, UNSET_VALUE, "two", UNSET_VALUE))
        assert session.execute("SELECT a, b, l FROM t WHERE k = 1").one() == (1, "two", [1])
        session.execute(write, (1, 5))
        assert session.execute("SELECT a, b, l FROM t WHERE k = 1").one() == (5, "two", [1])
        with pytest.raises((InvalidRequest, ValueError)):
            session.execute(write, (UNSET_VALUE, 1, "x", None))
        limited = session.prepare("SELECT a FROM t WHERE k = ? LIMIT ?")
        assert session.execute(limited, (1, UNSET_VALUE)).one() == (5,)
        timed = session.prepare("UPDATE t USING TTL ? AND TIMESTAMP ? SET a = ? WHERE k = 1")
        session.execute(timed, (UNSET_VALUE, UNSET_VALUE, 9))
        assert session.execute("SELECT a, ttl(a) FROM t WHERE k = 1").one() == (9, None)
        session.execute(f"DROP KEYSPACE unset_{version}")


@pytest.mark.parametrize("version", VERSIONS)
def test_many_writes_in_flight(one, version):
    with one.cluster(version, "lz4") as cluster:
        session = cluster.connect()
        keyspace = f"window_{version}"
        fresh_keyspace(session, keyspace, one.replication())
        session.execute("CREATE TABLE t (k int, c int, v text, PRIMARY KEY (k, c))")
        write = session.prepare("INSERT INTO t (k, c, v) VALUES (?, ?, ?)")
        waiting = []
        for number in range(ROWS):
            if len(waiting) == IN_FLIGHT:
                waiting.pop(0).result()
            waiting.append(session.execute_async(write, (number % 10, number, f"value {number}")))
        for future in waiting:
            future.result()
        for key in range(10):
            rows = list(session.execute("SELECT c, v FROM t WHERE k = %s", (key,)))
            assert rows == [(number, f"value {number}") for number in range(key, ROWS, 10)]
        session.execute(f"DROP KEYSPACE {keyspace}")


def test_ids_do_not_depend_on_the_connection(one, session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY)")
    text = f"SELECT * FROM {session.keyspace}.{table} WHERE k = ?"
    first = session.prepare(text).query_id
    with one.cluster() as cluster:
        assert cluster.connect().prepare(text).query_id == first
        assert cluster.connect(session.keyspace).prepare(text).query_id == first
    import hashlib
    assert first == hashlib.md5(text.encode()).digest()
    short = f"SELECT * FROM {table} WHERE k = ?"
    assert session.prepare(short).query_id == hashlib.md5((session.keyspace + short).encode()).digest()


def test_values_that_do_not_fit_are_refused(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, v int, t text)")
    cases = [
        ("INSERT INTO {} (k, v) VALUES (?, ?)", [b"\x00\x00\x00\x01", b"\x00\x01"], "Expected 4 or 0 byte int (2)"),
        ("INSERT INTO {} (k, t) VALUES (?, ?)", [b"\x00\x00\x00\x01", b"\xff\xfe"], "String didn't validate."),
        ("INSERT INTO {} (k, v) VALUES (?, ?)", [None, b"\x00\x00\x00\x01"], "Invalid null value in condition for column k"),
        ("SELECT * FROM {} LIMIT ?", [b"\x00\x00\x00\x00"], "LIMIT must be strictly positive"),
    ]
    for text, values, message in cases:
        bound = session.prepare(text.format(table)).bind([1] * (len(values) - 1) + ["1" if "t)" in text else 1])
        bound.values = values
        with pytest.raises(InvalidRequest) as refused:
            session.execute(bound)
        assert message in str(refused.value)


def test_ddl_and_use_can_be_prepared(session, table):
    session.execute(session.prepare(f"CREATE TABLE {table} (k int PRIMARY KEY)"))
    assert list(session.execute(session.prepare(f"SELECT * FROM {table}"))) == []


def test_a_batch_mixes_text_and_prepared(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, v text)")
    batch = BatchStatement()
    batch.add(session.prepare(f"INSERT INTO {table} (k, v) VALUES (?, ?)"), (1, "prepared"))
    batch.add(SimpleStatement(f"INSERT INTO {table} (k, v) VALUES (%s, %s)"), (2, "text"))
    batch.add(f"INSERT INTO {table} (k, v) VALUES (3, 'literal')")
    session.execute(batch)
    assert sorted(session.execute(f"SELECT k, v FROM {table}")) == [(1, "prepared"), (2, "text"), (3, "literal")]


def test_what_is_wrong_with_a_batch(session, table):
    """Statements are looked at before values, and all keys before anything else of the values."""
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, v int)")
    insert = session.prepare(f"INSERT INTO {table} (k, v) VALUES (?, ?)")
    timed = session.prepare(f"INSERT INTO {table} (k, v) VALUES (?, ?) USING TIMESTAMP ?")
    read = session.prepare(f"SELECT * FROM {table} WHERE k = ?")
    null_key = "Invalid null value in condition for column k"
    for kind, statements, expected in [
        (BatchType.LOGGED, [(insert, (None, 1)), (f"INSERT INTO {table}_not (k) VALUES (1)", ())], "does not exist"),
        (BatchType.LOGGED, [(insert, (None, 1)), (read, (1,))], "only UPDATE, INSERT and DELETE statements are allowed"),
        (BatchType.COUNTER, [(insert, (None, 1))], "Cannot include non-counter statement in a counter batch"),
        (BatchType.LOGGED, [(timed, (1, 1, None)), (insert, (None, 1))], null_key),
        (BatchType.LOGGED, [(timed, (1, 1, None)), (insert, (1, 1))], "Invalid null value of timestamp"),
        (BatchType.LOGGED, [(insert, (1, 1)), (insert, (None, 1))], null_key),
    ]:
        batch = BatchStatement(kind)
        for statement, values in statements:
            batch.add(statement, values)
        with pytest.raises(InvalidRequest, match=expected):
            session.execute(batch)
    with pytest.raises(InvalidRequest, match="Invalid null value of timestamp"):
        session.execute(timed, (None, 1, None))
    assert not list(session.execute(f"SELECT * FROM {table}"))


def test_lists_by_index_with_bound_values(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY, v list<int>)")
    session.execute(f"INSERT INTO {table} (k, v) VALUES (1, [1, 2, 3, 2])")
    put = session.prepare(f"UPDATE {table} SET v[?] = ? WHERE k = ?")
    assert [slot.name for slot in put.column_metadata] == ["idx(v)", "value(v)", "k"]
    take = session.prepare(f"DELETE v[?] FROM {table} WHERE k = ?")
    discard = session.prepare(f"UPDATE {table} SET v = v - ? WHERE k = ?")

    def holds(*elements):
        # A list without elements is no list.
        assert session.execute(f"SELECT v FROM {table} WHERE k = 1").one().v == (list(elements) or None)

    session.execute(put, [0, 10, 1])
    holds(10, 2, 3, 2)
    session.execute(put, [0, UNSET_VALUE, 1])
    holds(10, 2, 3, 2)
    session.execute(put, [2, None, 1])
    holds(10, 2, 2)
    session.execute(take, [UNSET_VALUE, 1])
    holds(10, 2, 2)
    session.execute(take, [0, 1])
    holds(2, 2)
    session.execute(discard, [None, 1])
    session.execute(discard, [UNSET_VALUE, 1])
    session.execute(discard, [[5], 1])
    holds(2, 2)
    for values, text in [
        ([None, 1, 1], "Invalid null value for list index"),
        ([UNSET_VALUE, 1, 1], "Invalid unset value for list index"),
        ([2, 1, 1], "List index 2 out of bound, list has size 2"),
        ([-1, 1, 1], "List index -1 out of bound, list has size 2"),
        ([0, 1, 2], "Attempted to set an element on a list which is null"),
    ]:
        with pytest.raises(InvalidRequest, match=text):
            session.execute(put, values)
    batch = BatchStatement()
    batch.add(put, [0, 7, 1])
    batch.add(discard, [[2], 1])
    batch.add(SimpleStatement(f"INSERT INTO {table} (k, v) VALUES (2, [4])"))
    session.execute(batch)
    holds()
    assert session.execute(f"SELECT v FROM {table} WHERE k = 2").one().v == [4]


def test_insert_json_with_bound_values(session, table):
    session.execute(f"CREATE TABLE {table} (k int, c text, v int, l list<int>, PRIMARY KEY (k, c))")
    insert = session.prepare(f"INSERT INTO {table} JSON ?")
    assert [(slot.name, slot.type.typename) for slot in insert.column_metadata] == [("[json]", "varchar")]
    timed = session.prepare(f"INSERT INTO {table} JSON :doc DEFAULT UNSET USING TTL :ttl AND TIMESTAMP :at")
    assert [slot.name for slot in timed.column_metadata] == ["doc", "ttl", "at"]
    session.execute(insert, ['{"k": 1, "c": "a", "v": 2, "l": [1, 2]}'])
    session.execute(timed, ['{"k": 1, "c": "a", "v": 3}', 1000, 5])
    session.execute(timed, ['{"k": 1, "c": "b", "v": 3}', 1000, 5])
    rows = session.execute(f"SELECT c, v, l, writetime(v) AS w FROM {table} WHERE k = 1").all()
    assert [(row.c, row.v, row.l) for row in rows] == [("a", 2, [1, 2]), ("b", 3, None)]
    assert rows[1].w == 5
    session.execute(insert, ['{"k": 1, "c": "a"}'])
    assert session.execute(f"SELECT v, l FROM {table} WHERE k = 1 AND c = 'a'").one() == (None, None)
    for document, text in [
        (None, "Got null for INSERT JSON values"),
        ("null", "Got null for INSERT JSON values"),
        ('{"k": 1}', "Invalid null value in condition for column c"),
        ('{"k": 1, "c": "a", "x": 1}', "JSON values map contains unrecognized column: x"),
        ("[]", "Could not decode JSON string as a map"),
        ("{", "Could not decode JSON string as a map"),
    ]:
        with pytest.raises(InvalidRequest, match=text):
            session.execute(insert, [document])
    batch = BatchStatement()
    batch.add(insert, ['{"k": 2, "c": "a", "v": 1}'])
    batch.add(insert, ['{"k": 3, "c": "a", "v": 2}'])
    session.execute(batch)
    assert [row.v for row in session.execute(f"SELECT v FROM {table} WHERE k IN (2, 3)")] == [1, 2]


def test_bound_collections_are_kept_in_order(session, table):
    """However a client orders a map or a set that it binds, it is one key."""
    session.execute(f"CREATE TABLE {table} (k int, m frozen<map<int, int>>, s frozen<set<int>>, v int, PRIMARY KEY (k, m, s))")
    insert = session.prepare(f"INSERT INTO {table} (k, m, s, v) VALUES (1, ?, ?, ?)")
    for number, (m, s) in enumerate([({2: 2, 1: 1}, [2, 1]), ({1: 1, 2: 2}, [1, 2])]):
        session.execute(insert, (m, s, number))
    assert [(dict(row.m), list(row.s), row.v) for row in session.execute(f"SELECT * FROM {table}")] == [({1: 1, 2: 2}, [1, 2], 1)]
    read = session.prepare(f"SELECT v FROM {table} WHERE k = 1 AND m IN ? AND s = ?")
    assert [row.v for row in session.execute(read, ([{2: 2, 1: 1}], [2, 1]))] == [1]


def test_a_keyspace_that_a_request_names_must_be_there(one, session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY)")
    keyspace = session.keyspace
    batch = BatchStatement()
    batch.add(SimpleStatement(f"INSERT INTO {keyspace}.{table} (k) VALUES (1)"))
    batch.keyspace = "nowhere"
    with one.cluster(5) as cluster:
        other = cluster.connect()
        found = other.execute(SimpleStatement(f"SELECT count(*) FROM {table}", keyspace=keyspace))
        assert found.one()[0] == 0
        texts = [f"SELECT k FROM {table}", f"SELECT nothing FROM {keyspace}.{table}", "no statement", f"DROP TABLE {keyspace}.{table}"]
        calls = [lambda text=text: other.execute(SimpleStatement(text, keyspace="nowhere")) for text in texts]
        calls += [lambda text=text: other.prepare(text, keyspace="nowhere") for text in texts]
        for call in [*calls, lambda: other.execute(batch)]:
            with pytest.raises(InvalidRequest, match="Keyspace 'nowhere' does not exist"):
                call()
