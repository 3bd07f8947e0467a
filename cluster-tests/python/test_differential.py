"""Statements from a few seeds on Helenus and on Apache Cassandra side by side; `cargo xtask differ` runs as many as one likes."""

from cassandra.query import tuple_factory

from conftest import started
from differ.compare import run_seeds
from servers import Server

SEEDS = range(1, 7)
STATEMENTS = 250


def test_answers_are_the_same(oracle):
    theirs = Server([oracle.address], "datacenter1")
    with started(1) as ours:
        with theirs.cluster(rows=tuple_factory, schema_metadata_enabled=False) as a:
            with ours.cluster(rows=tuple_factory, schema_metadata_enabled=False) as b:
                total, differences = run_seeds(
                    [a.connect(), b.connect()], SEEDS, STATEMENTS, disturb=lambda *words: ours.nodes[0].nodetool(*words))
    assert total > len(SEEDS) * STATEMENTS
    assert not differences, "\n".join(map(str, differences))
