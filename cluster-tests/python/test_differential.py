"""Statements from a few seeds on Helenus and on Apache Cassandra side by side; `cargo xtask differ` runs as many as one likes."""

import pathlib
import sys

from cassandra.query import tuple_factory

from conftest import started
from servers import Server

sys.path.insert(0, str(pathlib.Path(__file__).parent / "differ"))

from compare import run_seeds  # noqa: E402

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
