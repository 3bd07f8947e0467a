"""`cargo xtask kills`: three nodes, clients that write conditionally, count and batch while nodes are killed, and the check of what they saw."""

import argparse
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
sys.path.remove(str(pathlib.Path(__file__).parent))

from kills.checker import Violation
from kills.run import Run
from servers import Started


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--pause", type=float, default=20, help="seconds between two deaths")
    parser.add_argument("--seed", type=int, help="of what clients choose and of who is killed; at random unless given")
    parser.add_argument("--addresses", help="three loopback addresses, separated by commas; free ones unless given")
    words = parser.parse_args()
    seed = random.randrange(1_000_000) if words.seed is None else words.seed
    addresses = words.addresses.split(",") if words.addresses else None
    with Started(3, addresses=addresses) as server:
        run = Run(server, seed, words.minutes * 60, words.pause)
        try:
            run.go()
        except (Violation, AssertionError) as violation:
            print(run.report())
            print(f"\nVIOLATION\n{violation}", file=sys.stderr)
            sys.exit(1)
        print(run.report())


if __name__ == "__main__":
    main()
