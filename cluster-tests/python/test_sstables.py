"""Files that Helenus writes, read by Apache Cassandra 5.0.6 and its tools.

Tables full of every kind of content are written on a Helenus node, flushed and compacted with its nodetool. Cassandra
then imports the directories with its extended verification (every component is checked, every row is read) and must
answer every SELECT as Helenus does; sstabledump and sstablemetadata read the files too.
"""

import json
import shutil

import pytest
from cassandra import ConsistencyLevel
from cassandra.query import SimpleStatement

from conftest import fresh_keyspace, started
from servers import Server

COMPRESSORS = {
    "lz4": "{'class': 'LZ4Compressor', 'chunk_length_in_kb': 16}",
    "zstd": "{'class': 'ZstdCompressor', 'chunk_length_in_kb': 4}",
    "snappy": "{'class': 'SnappyCompressor', 'chunk_length_in_kb': 64}",
    "deflate": "{'class': 'DeflateCompressor'}",
    "none": "{'enabled': 'false'}",
}

COLUMNS = """(k int, part text, c bigint, d text, s text static, sm map<text, int> static,
    i int, t text, b blob, dbl double, fl float, bo boolean, ti tinyint, si smallint, big bigint, vi varint, de decimal,
    u uuid, tu timeuuid, ts timestamp, da date, tm time, du duration, ine inet,
    l list<int>, st set<text>, m map<text, int>, f frozen<list<text>>, p place, fp frozen<place>, tp tuple<int, text>,
    v vector<float, 4>, vt vector<text, 2>, PRIMARY KEY ((k, part), c, d)) WITH CLUSTERING ORDER BY (c DESC, d ASC)"""

KEYSPACE = "driver_files"
WIDE_ROWS = 1200


def first_half():
    """Statements of the first SSTable."""
    yield ("INSERT INTO {t} (k, part, c, d, i, t, b, dbl, fl, bo, ti, si, big, vi, de, u, tu, ts, da, tm, du, ine, l, st, m, f, p, fp, tp, v, vt) "
           "VALUES (1, 'all', 1, 'x', -5, 'text', 0x00ff, 0.1, 1.5, true, -1, -300, 9000000000, 123456789012345678901234567890, 1.10, "
           "123e4567-e89b-42d3-a456-426655440000, 123e4567-e89b-12d3-a456-426655440000, 1700000000123, '2024-02-29', '08:12:54.123456789', "
           "1y2mo3d4h, '2001:db8::1', [3, 1, 2], {{'b', 'a'}}, {{'y': 2, 'x': 1}}, ['f', ''], {{street: 'Main', number: 7}}, "
           "{{street: 'Side'}}, (1, null), [0.5, -1, 2, 1e10], ['one', '']) USING TIMESTAMP 1000")
    yield "INSERT INTO {t} (k, part, s, sm) VALUES (2, 'static', 'only', {{'a': 1}}) USING TIMESTAMP 1000"
    yield "INSERT INTO {t} (k, part, c, d) VALUES (3, 'marker', 1, '') USING TIMESTAMP 1000"
    yield "UPDATE {t} USING TIMESTAMP 1000 SET i = 1 WHERE k = 4 AND part = 'no marker' AND c = -1 AND d = 'd'"
    yield "INSERT INTO {t} (k, part, c, d, i) VALUES (5, 'ttl', 1, 'x', 1) USING TTL 100000 AND TIMESTAMP 1000"
    yield "UPDATE {t} USING TTL 100000 AND TIMESTAMP 1001 SET m['k'] = 1, l = [1] WHERE k = 5 AND part = 'ttl' AND c = 2 AND d = 'x'"
    for number in range(20):
        yield f"INSERT INTO {{t}} (k, part, c, d, i, st) VALUES (6, 'deleted', {number}, 'x', {number}, {{{{'a'}}}}) USING TIMESTAMP 1000"
        yield f"INSERT INTO {{t}} (k, part, c, d, i) VALUES ({100 + number}, 'small', 1, 'x', {number}) USING TIMESTAMP 1000"
    yield "INSERT INTO {t} (k, part, c, d, i) VALUES (7, 'gone', 1, 'x', 1) USING TIMESTAMP 1000"
    yield f"INSERT INTO {{t}} (k, part, c, d, t, b) VALUES (8, 'large', 1, 'x', '{'long ' * 20_000}', 0x{'ab' * 70_000}) USING TIMESTAMP 1000"
    yield f"INSERT INTO {{t}} (k, part, c, d, i) VALUES (9, '{'k' * 3000}', 1, '{'d' * 3000}', 1) USING TIMESTAMP 1000"


def second_half():
    """Statements of the second: newer and older writes, deletions of every kind."""
    yield "UPDATE {t} USING TIMESTAMP 2000 SET i = 6, l = l + [9], m['y'] = 22, st = st - {{'a'}}, p.number = 8 WHERE k = 1 AND part = 'all' AND c = 1 AND d = 'x'"
    yield "UPDATE {t} USING TIMESTAMP 500 SET t = 'too old' WHERE k = 1 AND part = 'all' AND c = 1 AND d = 'x'"
    yield "DELETE s, sm['a'] FROM {t} USING TIMESTAMP 2000 WHERE k = 2 AND part = 'static'"
    yield "UPDATE {t} USING TIMESTAMP 2001 SET sm['b'] = 2 WHERE k = 2 AND part = 'static'"
    yield "DELETE FROM {t} USING TIMESTAMP 2000 WHERE k = 6 AND part = 'deleted' AND c = 3 AND d = 'x'"
    yield "DELETE FROM {t} USING TIMESTAMP 2000 WHERE k = 6 AND part = 'deleted' AND c >= 5 AND c < 8"
    yield "DELETE FROM {t} USING TIMESTAMP 2001 WHERE k = 6 AND part = 'deleted' AND c > 6 AND c <= 10"
    yield "DELETE FROM {t} USING TIMESTAMP 2000 WHERE k = 6 AND part = 'deleted' AND c = 12"
    yield "DELETE i FROM {t} USING TIMESTAMP 2000 WHERE k = 6 AND part = 'deleted' AND c = 13 AND d = 'x'"
    yield "DELETE st FROM {t} USING TIMESTAMP 2000 WHERE k = 6 AND part = 'deleted' AND c = 14 AND d = 'x'"
    yield "UPDATE {t} USING TIMESTAMP 2000 SET st = {{'new'}} WHERE k = 6 AND part = 'deleted' AND c = 15 AND d = 'x'"
    yield "DELETE FROM {t} USING TIMESTAMP 2000 WHERE k = 7 AND part = 'gone'"
    yield "INSERT INTO {t} (k, part, c, d, i) VALUES (7, 'gone', 2, 'x', 2) USING TIMESTAMP 2001"
    yield "DELETE FROM {t} USING TIMESTAMP 2000 WHERE k = 999 AND part = 'never there'"


def write(session, table, statements):
    for statement in statements:
        session.execute(statement.format(t=table))


def write_wide(session, table, start):
    """A partition far larger than an index block, in both SSTables, with gaps of range tombstones."""
    insert = session.prepare(f"INSERT INTO {table} (k, part, c, d, i, t) VALUES (50, 'wide', ?, ?, ?, ?) USING TIMESTAMP ?")
    futures = [session.execute_async(insert, (number, f"{number % 7}", number, f"value {number} " * 5, 1000 + start))
               for number in range(start, WIDE_ROWS, 2)]
    for future in futures:
        future.result()
    if start:
        session.execute(f"DELETE FROM {table} USING TIMESTAMP 3000 WHERE k = 50 AND part = 'wide' AND c > 400 AND c <= 700")


def content(session, table):
    """Every row with its times of writing, and a few reads of parts."""
    found = []
    for text in (
        f"SELECT * FROM {table}",
        f"SELECT k, part, c, writetime(i), writetime(t), writetime(l), writetime(m), writetime(st), writetime(fp) FROM {table}",
        f"SELECT c, d FROM {table} WHERE k = 50 AND part = 'wide' AND c > 300 AND c < 800 ORDER BY c ASC",
        f"SELECT c, i FROM {table} WHERE k = 50 AND part = 'wide' AND c IN (0, 399, 400, 401, 700, 701, 1199)",
        f"SELECT c FROM {table} WHERE k = 6 AND part = 'deleted'",
        f"SELECT * FROM {table} WHERE k = 999 AND part = 'never there'",
        f"SELECT count(*) FROM {table}",
    ):
        found.append([repr(row) for row in session.execute(SimpleStatement(text, fetch_size=500))])
    assert len(found[0]) > WIDE_ROWS / 2
    return found


@pytest.fixture(scope="module")
def written():
    """A node, a session, and for each table what its rows were before any flush, after it, and after compaction."""
    with started(1) as server:
        with server.cluster() as cluster:
            session = cluster.connect()
            fresh_keyspace(session, KEYSPACE, server.replication())
            session.execute("CREATE TYPE place (street text, number int)")
            tables = {}
            node = server.nodes[0]
            for name, compression in COMPRESSORS.items():
                for compacted in (False, True):
                    table = f"{name}_compacted" if compacted else name
                    session.execute(f"CREATE TABLE {table} {COLUMNS} AND compression = {compression} AND gc_grace_seconds = 864000")
                    write(session, table, first_half())
                    write_wide(session, table, 0)
                    node.nodetool("flush", KEYSPACE, table)
                    write(session, table, second_half())
                    write_wide(session, table, 1)
                    before = content(session, table)
                    node.nodetool("flush", KEYSPACE, table)
                    after = content(session, table)
                    if compacted:
                        node.nodetool("compact", KEYSPACE, table)
                        again = content(session, table)
                        assert again == after, f"{table}: compaction changed what is read"
                    assert after == before, f"{table}: the flush changed what is read"
                    tables[table] = after
            yield node, session, tables


def table_folder(node, session, table):
    """The directory of a table, and the table's id."""
    query = f"SELECT id FROM system_schema.tables WHERE keyspace_name = '{KEYSPACE}' AND table_name = '{table}'"
    identity = session.execute(query).one().id
    folders = {path.parent for path in node.folder.rglob("nb-*-big-Data.db") if f"{table}-{identity.hex}" == path.parent.name}
    assert len(folders) == 1, f"{table}-{identity.hex}: {folders}"
    return folders.pop(), identity


def test_files_of_a_table(written):
    node, session, tables = written
    for table in tables:
        folder, _ = table_folder(node, session, table)
        names = {path.name for path in folder.iterdir() if path.is_file()}
        data = sorted(name for name in names if name.endswith("-Data.db"))
        assert len(data) == (1 if table.endswith("compacted") else 2), names
        for name in data:
            stem = name.removesuffix("Data.db")
            components = {"Data.db", "Index.db", "Statistics.db", "Filter.db", "Summary.db", "Digest.crc32", "TOC.txt", "Helenus.db"}
            components.add("CRC.db" if table.startswith("none") else "CompressionInfo.db")
            assert {each.removeprefix(stem) for each in names if each.startswith(stem)} == components
            toc = set((folder / f"{stem}TOC.txt").read_text().split())
            assert toc <= components and components - toc <= {"Helenus.db"}


def test_cassandra_imports_and_reads_the_same(written, oracle):
    node, session, tables = written
    cassandra = Server([oracle.address], "datacenter1")
    with cassandra.cluster() as cluster:
        theirs = cluster.connect()
        fresh_keyspace(theirs, KEYSPACE, cassandra.replication())
        theirs.execute("CREATE TYPE place (street text, number int)")
        for table, expected in tables.items():
            folder, identity = table_folder(node, session, table)
            compression = COMPRESSORS[table.removesuffix("_compacted")]
            theirs.execute(f"CREATE TABLE {table} {COLUMNS} AND compression = {compression} AND id = {identity}")
            copy = oracle.folder / "import" / KEYSPACE / table
            shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("snapshots", "backups", "*Helenus.db"))
            oracle.nodetool("import", "--extended-verify", "--copy-data", KEYSPACE, table, str(copy))
            assert content(theirs, table) == expected, table
        # And Cassandra's own compaction reads and rewrites them.
        oracle.nodetool("compact", KEYSPACE, "lz4")
        assert content(theirs, "lz4") == tables["lz4"]


def test_sstabledump_and_sstablemetadata(written, oracle):
    node, session, tables = written
    for table in ("lz4_compacted", "none"):
        folder, _ = table_folder(node, session, table)
        data = sorted(folder.glob("*-Data.db"))
        dumps = [json.loads(oracle.tool("SSTableExport", str(path))) for path in data]
        if len(data) == 1:
            keys = {tuple(partition["partition"]["key"]) for partition in dumps[0]}
            assert ("50", "wide") in keys and ("999", "never there") in keys and ("2", "static") in keys
            wide = next(partition for partition in dumps[0] if partition["partition"]["key"] == ["50", "wide"])
            rows = [row["clustering"][0] for row in wide["rows"] if row["type"] == "row"]
            assert rows == [number for number in range(WIDE_ROWS - 1, -1, -1) if not 400 < number <= 700]
            bounds = [row for row in wide["rows"] if row["type"].startswith("range_tombstone")]
            assert len(bounds) == 2
        told = oracle.tool("SSTableMetadataViewer", str(data[0]))
        assert "Partitioner: org.apache.cassandra.dht.Murmur3Partitioner" in told
        assert "SSTable" in told and "Minimum timestamp" in told


def test_helenus_imports_what_cassandra_wrote(written, oracle, tmp_path):
    node, session, _ = written
    keyspace = "driver_theirs"
    cassandra = Server([oracle.address], "datacenter1")
    with cassandra.cluster() as cluster, Server([node.address], "datacenter1").cluster() as own:
        theirs, ours = cluster.connect(), own.connect()
        for each, server in ((theirs, cassandra), (ours, cassandra)):
            fresh_keyspace(each, keyspace, server.replication())
            each.execute("CREATE TYPE place (street text, number int)")
        for name, compression in COMPRESSORS.items():
            made = f"CREATE TABLE {name} {COLUMNS} AND compression = {compression} AND gc_grace_seconds = 864000"
            theirs.execute(made)
            write(theirs, name, first_half())
            write_wide(theirs, name, 0)
            oracle.nodetool("flush", keyspace, name)
            write(theirs, name, second_half())
            write_wide(theirs, name, 1)
            oracle.nodetool("flush", keyspace, name)
            expected = content(theirs, name)
            identity = theirs.execute(f"SELECT id FROM system_schema.tables WHERE keyspace_name = '{keyspace}' AND table_name = '{name}'").one().id
            folders = {path.parent for path in oracle.folder.rglob("nb-*-big-Data.db") if path.parent.name == f"{name}-{identity.hex}"}
            if not folders:
                pytest.skip("the files of this Cassandra are not here")
            copy = tmp_path / name
            shutil.copytree(folders.pop(), copy, ignore=shutil.ignore_patterns("snapshots", "backups"))
            ours.execute(made)
            data = sorted(copy.glob("*-Data.db"))
            assert len(data) == 2
            # One bit that differs keeps all of the directory out.
            whole = data[1].read_bytes()
            data[1].write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
            with pytest.raises(Exception):
                node.nodetool("import", keyspace, name, str(copy))
            assert list(ours.execute(f"SELECT k FROM {name}")) == []
            data[1].write_bytes(whole)
            node.nodetool("import", keyspace, name, str(copy))
            assert content(ours, name) == expected, name
            assert not list(copy.glob("nb-*")), "the files were moved"
            node.nodetool("compact", keyspace, name)
            assert content(ours, name) == expected, f"{name}: compaction changed what is read"
        ours.execute(f"DROP KEYSPACE {keyspace}")


def test_counters_travel_both_ways(oracle, tmp_path):
    """Counters of three Helenus nodes, counted on by Apache Cassandra, counted on by another Helenus node."""
    keyspace = "driver_counted"
    columns = "(k int, a int, s counter static, c counter, d counter, PRIMARY KEY (k, a)) WITH gc_grace_seconds = 864000"

    def totals(session):
        query = SimpleStatement("SELECT k, a, s, c, d FROM t", consistency_level=ConsistencyLevel.ALL)
        return sorted(session.execute(query), key=repr)

    def count(session, by):
        for key in range(20):
            for row in range(5):
                session.execute(f"UPDATE t SET c = c + {by * (key + 1)}, d = d - {row}, s = s + 1 WHERE k = {key} AND a = {row}")

    def files(folder, session, copy):
        query = f"SELECT id FROM system_schema.tables WHERE keyspace_name = '{keyspace}' AND table_name = 't'"
        name = f"t-{session.execute(query).one().id.hex}"
        folders = {path.parent for path in folder.rglob("nb-*-big-Data.db") if path.parent.name == name}
        if not folders:
            pytest.skip("the files of this Cassandra are not here")
        shutil.copytree(folders.pop(), copy, ignore=shutil.ignore_patterns("snapshots", "backups", "*Helenus.db"))
        return sorted(copy.glob("*-Data.db"))

    cassandra = Server([oracle.address], "datacenter1")
    with started(3) as nodes, started(1) as last, cassandra.cluster() as theirs, last.cluster() as own:
        with nodes.cluster() as cluster:
            session = cluster.connect()
            fresh_keyspace(session, keyspace, nodes.replication(3))
            session.execute(f"CREATE TABLE t {columns}")
        for number, address in enumerate(nodes.contact_points):
            # The first replica asked leads: each node has shards of its own.
            with nodes.cluster(contact_points=[address]) as cluster:
                session = cluster.connect(keyspace)
                count(session, 10 ** number)
                session.execute("DELETE c FROM t WHERE k = 7 AND a = 1")
                session.execute("DELETE FROM t WHERE k = 8 AND a = 1")
        node = nodes.nodes[0]
        with nodes.cluster() as cluster:
            session = cluster.connect(keyspace)
            expected = totals(session)
            node.nodetool("flush", keyspace, "t")
            node.nodetool("compact", keyspace, "t")
            assert totals(session) == expected
            data = files(node.folder, session, tmp_path / "ours")
        assert len(data) == 1
        dump = json.loads(oracle.tool("SSTableExport", str(data[0])))
        assert len(dump) == 20 and "c" in json.dumps(dump[0])

        session = theirs.connect()
        fresh_keyspace(session, keyspace, cassandra.replication())
        session.execute(f"CREATE TABLE t {columns}")
        copy = oracle.folder / "import" / keyspace / "t"
        shutil.copytree(tmp_path / "ours", copy)
        oracle.nodetool("import", "--extended-verify", "--copy-data", keyspace, "t", str(copy))
        assert totals(session) == expected
        count(session, 1000)
        oracle.nodetool("flush", keyspace, "t")
        expected = totals(session)
        files(oracle.folder, session, tmp_path / "theirs")

        session = own.connect()
        fresh_keyspace(session, keyspace, last.replication())
        session.execute(f"CREATE TABLE t {columns}")
        node = last.nodes[0]
        node.nodetool("import", keyspace, "t", str(tmp_path / "theirs"))
        assert totals(session) == expected
        node.nodetool("compact", keyspace, "t")
        assert totals(session) == expected
        session.execute("UPDATE t SET c = c + 1 WHERE k = 1 AND a = 1")
        before = next(row.c for row in expected if (row.k, row.a) == (1, 1))
        assert session.execute("SELECT c FROM t WHERE k = 1 AND a = 1").one().c == before + 1
