"""`cargo xtask differ`: a node of Helenus beside Apache Cassandra, statements from seeds."""

import argparse
import multiprocessing
import pathlib
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent.parent)]

from cassandra.query import tuple_factory

from compare import run_seeds
from generate import ALL_FEATURES
from servers import Server, Started

SETTINGS = ["materialized_views_enabled=true"]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cassandra", required=True, help="address of Apache Cassandra")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--statements", type=int, default=300, help="statements a seed")
    parser.add_argument("--most", type=int, default=5, help="differences after which a seed ends")
    parser.add_argument("--features", default=",".join(ALL_FEATURES), help="which, separated by commas; all unless given")
    parser.add_argument("--jobs", type=int, default=4, help="seeds under way at a time")
    return parser.parse_args()


def work(words, ours, seeds, results):
    """Runs the seeds it takes from one queue; puts what each came to, and None at the end, into the other."""
    theirs = Server([words.cassandra], "datacenter1")
    features = [feature for feature in words.features.split(",") if feature]
    disturb = lambda *command: ours.nodes[0].nodetool(*command)
    try:
        with theirs.cluster(rows=tuple_factory, schema_metadata_enabled=False) as a:
            with ours.cluster(rows=tuple_factory, schema_metadata_enabled=False) as b:
                sessions = [a.connect(), b.connect()]
                for seed in iter(seeds.get, None):
                    total, found = run_seeds(sessions, [seed], words.statements, features, words.most, disturb, lambda _: None)
                    results.put((total, [str(difference) for difference in found]))
    finally:
        results.put(None)


def main():
    words = arguments()
    seeds, results = multiprocessing.Queue(), multiprocessing.Queue()
    for seed in range(words.first, words.first + words.seeds):
        seeds.put(seed)
    total, differences, began, done = 0, 0, time.monotonic(), 0
    with Started(1, settings=SETTINGS) as ours:
        workers = [multiprocessing.Process(target=work, args=(words, ours, seeds, results)) for _ in range(words.jobs)]
        for worker in workers:
            seeds.put(None)
            worker.start()
        for _ in workers:
            for count, found in iter(results.get, None):
                total, differences, done = total + count, differences + len(found), done + 1
                print("\n".join(found), end="\n" * bool(found), flush=True)
        for worker in workers:
            worker.join()
        print(f"{total} statements, {differences} differences, {time.monotonic() - began:.0f} s")
        if done < words.seeds:
            print(f"{words.seeds - done} seeds came to no end:\n{ours.nodes[0].tail()}")
    sys.exit(1 if differences or done < words.seeds else 0)


if __name__ == "__main__":
    main()
