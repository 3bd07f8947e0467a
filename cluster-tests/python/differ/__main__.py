"""`cargo xtask differ`: a node of Helenus beside Apache Cassandra, statements from seeds."""

import argparse
import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent.parent)]

from cassandra.query import tuple_factory

from compare import run_seeds
from generate import ALL_FEATURES
from servers import Server, Started


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cassandra", required=True, help="address of Apache Cassandra")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--statements", type=int, default=300, help="statements a seed")
    parser.add_argument("--most", type=int, default=5, help="differences after which a seed ends")
    parser.add_argument("--features", default=",".join(ALL_FEATURES), help="which, separated by commas; all unless given")
    words = parser.parse_args()
    theirs = Server([words.cassandra], "datacenter1")
    with Started(1, settings=["materialized_views_enabled=true"]) as ours:
        with theirs.cluster(rows=tuple_factory, schema_metadata_enabled=False) as a:
            with ours.cluster(rows=tuple_factory, schema_metadata_enabled=False) as b:
                _, differences = run_seeds(
                    [a.connect(), b.connect()], range(words.first, words.first + words.seeds), words.statements,
                    [feature for feature in words.features.split(",") if feature], words.most,
                    lambda *command: ours.nodes[0].nodetool(*command))
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
