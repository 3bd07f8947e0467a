"""The schema as the driver sees it: metadata, CREATE statements rebuilt from it, changes under a prepared SELECT *, events."""

import threading

import pytest
from cassandra import AlreadyExists
from cassandra.metadata import SimpleStrategy

from conftest import VERSIONS, fresh_keyspace
from servers import until

TABLE = """CREATE TABLE test_schema.everything (
    k1 int,
    k2 text,
    c1 timeuuid,
    c2 text,
    s map<text, frozen<list<int>>> static,
    "Mixed" double,
    f vector<float, 16>,
    p frozen<place>,
    t frozen<tuple<int, text>>,
    v text,
    l list<int>,
    PRIMARY KEY ((k1, k2), c1, c2)
) WITH CLUSTERING ORDER BY (c1 DESC, c2 ASC)
    AND additional_write_policy = '99p'
    AND allow_auto_snapshot = true
    AND bloom_filter_fp_chance = 0.01
    AND caching = {'keys': 'ALL', 'rows_per_partition': 'NONE'}
    AND cdc = false
    AND comment = 'it''s'
    AND compaction = {'class': 'org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy', 'max_threshold': '32', 'min_threshold': '4'}
    AND compression = {'chunk_length_in_kb': '16', 'class': 'org.apache.cassandra.io.compress.LZ4Compressor'}
    AND memtable = 'default'
    AND crc_check_chance = 1.0
    AND default_time_to_live = 0
    AND extensions = {}
    AND gc_grace_seconds = 864000
    AND incremental_backups = true
    AND max_index_interval = 2048
    AND memtable_flush_period_in_ms = 0
    AND min_index_interval = 128
    AND read_repair = 'BLOCKING'
    AND speculative_retry = '99p'"""


@pytest.fixture(scope="module")
def made(session):
    session.execute("CREATE TYPE place (street text, number int)")
    session.execute(TABLE.replace("\n    AND extensions = {}", ""))
    until(lambda: "everything" in session.cluster.metadata.keyspaces["test_schema"].tables, "the driver knows the table")
    return session


def test_metadata_of_a_table(made):
    made.cluster.refresh_schema_metadata()
    keyspace = made.cluster.metadata.keyspaces["test_schema"]
    assert isinstance(keyspace.replication_strategy, SimpleStrategy) and keyspace.durable_writes
    table = keyspace.tables["everything"]
    assert [column.name for column in table.partition_key] == ["k1", "k2"]
    assert [(column.name, column.is_reversed) for column in table.clustering_key] == [("c1", True), ("c2", False)]
    types = {name: column.cql_type for name, column in table.columns.items()}
    assert types == {
        "k1": "int", "k2": "text", "c1": "timeuuid", "c2": "text", "s": "map<text, frozen<list<int>>>", "Mixed": "double",
        "f": "vector<float, 16>", "l": "list<int>", "p": "frozen<place>", "t": "frozen<tuple<int, text>>", "v": "text",
    }
    assert table.columns["s"].is_static and table.options["comment"] == "it's"
    place = keyspace.user_types["place"]
    assert (place.field_names, place.field_types) == (["street", "number"], ["text", "int"])


def test_create_statement_from_metadata(made):
    text = made.cluster.metadata.keyspaces["test_schema"].tables["everything"].as_cql_query(formatted=True)
    # The driver puts the columns in the order of their names and leaves out options that it does not know.
    static, collection = "    s map<text, frozen<list<int>>> static,\n", "    l list<int>,\n"
    expected = TABLE.replace(static, "").replace(collection, "").replace("    t frozen", static + "    t frozen")
    expected = expected.replace("    p frozen", collection + "    p frozen")
    unknown = ("allow_auto_snapshot", "cdc", "memtable =", "extensions", "incremental_backups")
    lines = [line for line in expected.splitlines() if not any(f"AND {name}" in line for name in unknown)]
    assert text == "\n".join(lines)


def test_describe_statements(made):
    described = made.execute("DESCRIBE TABLE test_schema.everything").one()
    assert (described.keyspace_name, described.type, described.name) == ("test_schema", "table", "everything")
    text = described.create_statement
    assert text == TABLE + ";"
    described = made.execute("DESCRIBE TYPE test_schema.place").one()
    assert described.create_statement == "CREATE TYPE test_schema.place (\n    street text,\n    number int\n);"
    rows = list(made.execute("DESCRIBE TABLES"))
    assert ("test_schema", "table", "everything") in [tuple(row) for row in rows]
    names = [row.name for row in made.execute("DESCRIBE KEYSPACES")]
    assert {"system", "system_schema", "system_virtual_schema", "test_schema"} <= set(names)
    elements = [(row.type, row.name) for row in made.execute("DESCRIBE KEYSPACE test_schema")]
    assert elements[0] == ("keyspace", "test_schema") and ("table", "everything") in elements
    row = made.execute("DESCRIBE CLUSTER").one()
    assert row.partitioner == "Murmur3Partitioner"


def test_token_map(one, made):
    metadata = made.cluster.metadata
    ring = metadata.token_map.ring
    assert len(ring) == 16 * len(one.contact_points)
    replicas = metadata.get_replicas("test_schema", b"\x00\x00\x00\x01")
    assert {host.address for host in replicas} <= set(one.contact_points) and replicas
    token = made.execute("SELECT token(k1, k2) FROM everything WHERE k1 = 1 AND k2 = 'x'")
    assert token.one() is None


def test_metadata_of_a_host(one, made):
    host = made.cluster.metadata.all_hosts()[0]
    assert host.release_version == "5.0.6" and host.datacenter == one.data_center and host.rack == "rack1"
    local = made.execute("SELECT * FROM system.local").one()
    assert local.host_id == host.host_id and str(local.rpc_address) in one.contact_points
    assert local.rpc_port == 9042 and local.listen_port == 7000 and len(local.tokens) == 16
    assert sorted(map(int, local.tokens)) == sorted(token.value for token in made.cluster.metadata.token_map.ring)


def test_virtual_keyspaces_are_known(made):
    keyspace = made.cluster.metadata.keyspaces["system_virtual_schema"]
    assert keyspace.virtual and set(keyspace.tables) == {"keyspaces", "tables", "columns"}


@pytest.mark.parametrize("version", VERSIONS)
def test_altered_table_under_a_prepared_select(one, version):
    with one.cluster(version) as cluster:
        session = cluster.connect()
        keyspace = f"altered_{version}"
        fresh_keyspace(session, keyspace, one.replication())
        session.execute("CREATE TABLE t (k int PRIMARY KEY, a int, b text)")
        write = session.prepare("INSERT INTO t (k, a, b) VALUES (?, ?, ?)")
        session.execute(write, (1, 1, "b"))
        read = session.prepare("SELECT * FROM t WHERE k = ?")
        assert session.execute(read, (1,)).one()._asdict() == {"k": 1, "a": 1, "b": "b"}
        session.execute("ALTER TABLE t ADD aa double")
        session.execute("UPDATE t SET aa = 0.5 WHERE k = 1")
        # The version that tells the driver of new columns is 5; below it the old columns must stay right.
        row = session.execute(read, (1,)).one()._asdict()
        if version >= 5:
            assert row == {"k": 1, "a": 1, "aa": 0.5, "b": "b"}
        fresh = session.prepare("SELECT  * FROM t WHERE k = ?")
        assert session.execute(fresh, (1,)).one()._asdict() == {"k": 1, "a": 1, "aa": 0.5, "b": "b"}
        session.execute("ALTER TABLE t DROP a")
        if version >= 5:
            assert session.execute(fresh, (1,)).one()._asdict() == {"k": 1, "aa": 0.5, "b": "b"}
        assert session.execute("SELECT * FROM t WHERE k = 1").one()._asdict() == {"k": 1, "aa": 0.5, "b": "b"}
        session.execute("ALTER TABLE t ADD a int")
        assert session.execute("SELECT a FROM t WHERE k = 1").one() == (None,)
        session.execute(f"DROP KEYSPACE {keyspace}")


def test_columns_come_and_go_while_reading_and_writing(one):
    with one.cluster(5) as cluster:
        session = cluster.connect()
        fresh_keyspace(session, "evolving", one.replication())
        session.execute("CREATE TABLE t (k int PRIMARY KEY, v int)")
        write = session.prepare("INSERT INTO t (k, v) VALUES (?, ?)")
        read = session.prepare("SELECT * FROM t WHERE k = ?")
        stop, failures, written = threading.Event(), [], []

        def work():
            number = 0
            while not stop.is_set():
                try:
                    session.execute(write, (number, number * 3))
                    row = session.execute(read, (number,)).one()
                    assert row.v == number * 3, row
                except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
                    failures.append(error)
                    return
                number += 1
                written.append(number)

        workers = [threading.Thread(target=work) for _ in range(2)]
        for worker in workers:
            worker.start()
        try:
            for step in range(5):
                session.execute(f"ALTER TABLE t ADD extra{step} text")
                session.execute(f"UPDATE t SET extra{step} = 'x' WHERE k = -1")
                if step % 2:
                    session.execute(f"ALTER TABLE t DROP extra{step - 1}")
        finally:
            stop.set()
            for worker in workers:
                worker.join()
        assert not failures and written
        assert set(session.execute("SELECT * FROM t WHERE k = -1").one()._fields) == {"k", "v", "extra1", "extra3", "extra4"}
        session.execute("DROP KEYSPACE evolving")


def test_schema_events(one):
    with one.cluster() as cluster, one.cluster() as watcher:
        session = cluster.connect()
        watcher.connect()
        heard = []
        watcher.control_connection._connection.register_watcher("SCHEMA_CHANGE", heard.append)
        fresh_keyspace(session, "heard", one.replication())
        for statement in ("CREATE TYPE u (a int)", "CREATE TABLE t (k int PRIMARY KEY)", "ALTER TABLE t ADD v int",
                          "ALTER TYPE u ADD b int", "DROP TABLE t", "DROP TYPE u", "DROP KEYSPACE heard"):
            session.execute(statement)

        def told():
            return [(event["change_type"], event["target_type"], event.get("table") or event.get("type") or "")
                    for event in heard if event["keyspace"] == "heard"]

        expected = [
            ("CREATED", "KEYSPACE", ""), ("CREATED", "TYPE", "u"), ("CREATED", "TABLE", "t"), ("UPDATED", "TABLE", "t"),
            ("UPDATED", "TYPE", "u"), ("DROPPED", "TABLE", "t"), ("DROPPED", "TYPE", "u"), ("DROPPED", "KEYSPACE", ""),
        ]
        until(lambda: len(told()) >= len(expected), f"the events: {told()}", 10)
        assert told() == expected
        until(lambda: "heard" not in watcher.metadata.keyspaces, "the driver's own metadata follows")


def test_already_exists_names_what(session, table):
    session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY)")
    with pytest.raises(AlreadyExists) as refused:
        session.execute(f"CREATE TABLE {table} (k int PRIMARY KEY)")
    assert (refused.value.keyspace, refused.value.table) == (session.keyspace, table)
    with pytest.raises(AlreadyExists) as refused:
        session.execute(f"CREATE KEYSPACE {session.keyspace} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}")
    assert (refused.value.keyspace, refused.value.table) == (session.keyspace, "")
