"""cqlsh 6.2.2, unmodified: the first things anyone types."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from conftest import fresh_keyspace

CQLSH = pathlib.Path(sys.executable).with_name("cqlsh")


@pytest.fixture(scope="module")
def shell(one, tmp_path_factory):
    program = str(CQLSH) if CQLSH.exists() else shutil.which("cqlsh")
    if not program:
        pytest.skip("cqlsh is not installed")
    home = tmp_path_factory.mktemp("home")
    with one.cluster() as cluster:
        session = cluster.connect()
        fresh_keyspace(session, "shell", "{'class': 'SimpleStrategy', 'replication_factor': 1}")
        session.execute("CREATE TABLE flights (carrier text, number int, delay double, tags set<text>, PRIMARY KEY (carrier, number))")
        session.execute("INSERT INTO flights (carrier, number, delay, tags) VALUES ('AA', 1, 2.5, {'late', 'wet'})")
        session.execute("INSERT INTO flights (carrier, number) VALUES ('AA', 2)")

    def run(text, fails=False):
        environment = {**os.environ, "HOME": str(home), "COLUMNS": "200", "PYTHONWARNINGS": "ignore"}
        done = subprocess.run([program, "--no-color", one.contact_points[0], "-e", text], capture_output=True, text=True,
                              timeout=60, env=environment)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        # A cqlsh of 5.0.0 says to every later 5.0 that it is newer.
        lines = [line for line in done.stdout.splitlines(keepends=True) if not line.startswith("WARNING: cqlsh was built")]
        return done.stderr if fails else "".join(lines)

    yield run
    with one.cluster() as cluster:
        cluster.connect().execute("DROP KEYSPACE shell")


def test_select(shell):
    assert shell("SELECT * FROM shell.flights") == """
 carrier | number | delay | tags
---------+--------+-------+-----------------
      AA |      1 |   2.5 | {'late', 'wet'}
      AA |      2 |  null |            null

(2 rows)
"""


def test_describe(shell):
    assert {"system", "system_schema", "shell"} <= set(shell("DESCRIBE KEYSPACES").split())
    assert shell("USE shell; DESCRIBE TABLES").split() == ["flights"]
    table = shell("DESCRIBE TABLE shell.flights")
    assert table.lstrip().startswith("""CREATE TABLE shell.flights (
    carrier text,
    number int,
    delay double,
    tags set<text>,
    PRIMARY KEY (carrier, number)
) WITH CLUSTERING ORDER BY (number ASC)
    AND additional_write_policy = '99p'""")
    keyspace = shell("DESCRIBE KEYSPACE shell")
    assert keyspace.lstrip().startswith(
        "CREATE KEYSPACE shell WITH replication = {'class': 'SimpleStrategy', 'replication_factor': '1'}  AND durable_writes = true;")
    assert "CREATE TABLE shell.flights" in keyspace
    assert "Murmur3Partitioner" in shell("DESCRIBE CLUSTER")


def test_show_version_and_consistency(shell):
    assert "Cassandra 5.0.6 | CQL spec 3.4.7 | Native protocol v5" in shell("SHOW VERSION")
    assert "Consistency level set to QUORUM." in shell("CONSISTENCY QUORUM")


def test_errors_are_shown(shell):
    assert "InvalidRequest: Error from server: code=2200 [Invalid query] message=\"table nothing does not exist\"" in shell(
        "SELECT * FROM shell.nothing", fails=True)
    assert "SyntaxException: line 1:0" in shell("SELEC", fails=True)


def test_writing_and_paging(shell):
    shell("CREATE TABLE shell.made (k int PRIMARY KEY, v text); INSERT INTO shell.made (k, v) VALUES (1, 'x')")
    assert "(1 rows)" in shell("PAGING 1; SELECT * FROM shell.made")
    shell("TRUNCATE shell.made; DROP TABLE shell.made")


def test_copy(shell, tmp_path):
    out = tmp_path / "flights.csv"
    shell(f"COPY shell.flights TO '{out}'")
    lines = out.read_text().splitlines()
    assert sorted(lines) == ["AA,1,2.5,\"{'late', 'wet'}\"", "AA,2,,"]
    shell("CREATE TABLE shell.copied (carrier text, number int, delay double, tags set<text>, PRIMARY KEY (carrier, number))")
    shell(f"COPY shell.copied (carrier, number, delay, tags) FROM '{out}'")
    assert "(2 rows)" in shell("SELECT * FROM shell.copied")
