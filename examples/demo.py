"""The main job on real input: 336,776 flights as events and features, through failures.

`cargo xtask demo` builds everything and runs this. By hand: set HELENUS_BIN to the `helenus` program, or
give `--contact` the addresses of a running cluster, Helenus or Apache Cassandra; then nothing is killed.
"""

import argparse
import itertools
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

from cassandra import ConsistencyLevel
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import (
    DCAwareRoundRobinPolicy, ExponentialReconnectionPolicy, TokenAwarePolicy, WhiteListRoundRobinPolicy,
)
from tqdm import tqdm

from flights import checks, features, world
from flights.nodes import LocalCluster, Nodes
from flights.window import Window


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contact", help="addresses of a running cluster, separated by commas")
    parser.add_argument("--dc", default="us-east")
    parser.add_argument("--replication", type=int, default=3)
    parser.add_argument("--rows", type=int, default=336_776)
    parser.add_argument("--base-address", default="127.0.0.1", help="the first node's; the others have those after it")
    parser.add_argument("--dir", help="where the nodes keep their data; a temporary folder unless given")
    return parser.parse_args()


class Report:
    """A line for each thing verified, printed as a table at the end."""

    def __init__(self):
        self.lines = []

    def run(self, what, step, *arguments, **named):
        started = time.monotonic()
        count = step(*arguments, **named)
        took = time.monotonic() - started
        self.lines.append((what, count, took))
        tqdm.write(f"{what}: {count:,} in {took:.1f} s")
        return count

    def note(self, what, value):
        self.lines.append((what, value, None))
        tqdm.write(f"{what}: {value}")

    def print(self):
        print(f"\n{'verified':<58} {'count':>10} {'seconds':>8} {'a second':>9}")
        for what, count, took in self.lines:
            if took is None:
                print(f"{what:<58} {count:>10}")
            else:
                print(f"{what:<58} {count:>10,} {took:>8.1f} {count / max(took, 1e-9):>9,.0f}")


def connect(addresses, data_center, consistency=ConsistencyLevel.QUORUM, policy=None, **more):
    policy = policy or TokenAwarePolicy(DCAwareRoundRobinPolicy(local_dc=data_center))
    profile = ExecutionProfile(
        load_balancing_policy=policy, consistency_level=consistency, request_timeout=30)
    return Cluster(
        addresses, execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        reconnection_policy=ExponentialReconnectionPolicy(0.2, 2), **more)


def load_events(session, flights, nodes, report):
    """Writes every flight and reads some back; on the way a node dies and comes back."""
    insert = session.prepare("""
        INSERT INTO events (carrier, day, event_time, event_id, event_type, tailnum, origin, dest,
                            distance, delay_minutes, properties)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""")
    read = session.prepare("SELECT event_id FROM events WHERE carrier = ? AND day = ? LIMIT 1")
    insert.is_idempotent = read.is_idempotent = True
    victim = nodes.all[-1] if nodes else None
    events = (world.event(number, row) for number, row in enumerate(flights.itertuples()))
    with tqdm(total=len(flights), desc="events", unit="row", mininterval=0.5) as bar:
        window = Window(session)
        for number, values in enumerate(events):
            if victim and number == len(flights) * 2 // 5:
                victim.kill()
                tqdm.write(f"killed {victim.address}")
            if victim and number == len(flights) * 7 // 10:
                victim.start()
                tqdm.write(f"started {victim.address} again")
            window.send(insert, values)
            if number % 50 == 49:
                window.send(read, values[:2])
            bar.update()
        window.finish()
    if victim:
        victim.wait()
    assert window.longest_silence < 1.0, f"no answer for {window.longest_silence:.2f} s"
    report.note("longest time without an answer, ms", round(window.longest_silence * 1000))
    return len(flights)


def scanned(session, flights, expected, fetch_size, consistency=ConsistencyLevel.QUORUM):
    with tqdm(total=len(flights), desc=f"pages of {fetch_size}", unit="row", mininterval=0.5) as bar:
        return checks.every_event_once(session, flights, expected, fetch_size, consistency, bar.update)


def after_failures(nodes, options, flights, expected, report):
    """Hints are delivered; one read at ALL, then everything at ONE from every single node."""
    assert report.run("hints delivered", nodes.wait_for_hints) > 0, "no write was kept for the dead node"
    with connect(nodes.addresses, options.dc) as cluster, cluster.connect(world.KEYSPACE) as session:
        report.run("events, each once, at ALL", scanned, session, flights, expected, 5000, ConsistencyLevel.ALL)
    for address in nodes.addresses:
        policy = WhiteListRoundRobinPolicy([address])
        with connect([address], options.dc, ConsistencyLevel.ONE, policy) as cluster:
            with cluster.connect(world.KEYSPACE) as session:
                report.run(f"events, each once, at ONE from {address}", scanned, session, flights, expected,
                           5000, ConsistencyLevel.ONE)


def everything_dies(nodes, options, flights, expected, report):
    """All nodes die at once and come back, in every order."""
    longest = 0
    for order in itertools.permutations(nodes.all):
        for node in nodes.all:
            node.process.kill()
        for node in nodes.all:
            node.process.wait()
        started = time.monotonic()
        for node in order:
            node.start()
            node.wait()
        longest = max(longest, time.monotonic() - started)
        with connect(nodes.addresses, options.dc) as cluster, cluster.connect(world.KEYSPACE) as session:
            checks.slices(session, flights, expected)
    report.note("all killed and back in each order, at most ms", round(longest * 1000))
    with connect(nodes.addresses, options.dc) as cluster, cluster.connect(world.KEYSPACE) as session:
        report.run("events after that, each once, at QUORUM", scanned, session, flights, expected, 5000)


def logins(options, binary, folder):
    """With passwords asked for: whoever may log in can do so with any one node dead."""
    count = 0
    with Nodes(binary, folder, options.dc, options.base_address,
               settings=["authenticator=PasswordAuthenticator"]) as nodes:
        first = PlainTextAuthProvider("cassandra", "cassandra")
        with connect(nodes.addresses, options.dc, auth_provider=first) as cluster, cluster.connect() as session:
            session.execute("CREATE ROLE app WITH PASSWORD = 'secret' AND LOGIN = true")
        for victim in nodes.all:
            victim.kill()
            for node in nodes.all:
                if node is victim:
                    continue
                own = PlainTextAuthProvider("app", "secret")
                policy = WhiteListRoundRobinPolicy([node.address])
                with connect([node.address], options.dc, policy=policy, auth_provider=own) as cluster:
                    with cluster.connect() as session:
                        assert session.execute("SELECT key FROM system.local").one().key == "local"
                count += 1
            victim.start()
            victim.wait()
    return count


def topologies(options, binary, folder, computed):
    """`helenus cluster` with one data centre and with two: features written at home are read everywhere."""
    count = 0
    for number, topology in enumerate((f"{options.dc}:3", f"{options.dc}:3,eu-west:3")):
        with LocalCluster(binary, f"{folder}-{number}", topology, options.base_address) as local:
            with connect(local.addresses[:3], options.dc, ConsistencyLevel.LOCAL_QUORUM) as cluster:
                session = cluster.connect()
                world.create(session, {"class": "NetworkTopologyStrategy"} | {name: 3 for name in local.data_centers})
                features.write(session, Window(session), computed)
                hosts = cluster.metadata.all_hosts()
                assert sorted(host.address for host in hosts) == sorted(local.addresses)
            for name in local.data_centers:
                here = [host.address for host in hosts if host.datacenter == name]
                assert len(here) == 3, hosts
                for level in (ConsistencyLevel.EACH_QUORUM, ConsistencyLevel.ALL, ConsistencyLevel.LOCAL_ONE):
                    with connect(here, name, level) as cluster, cluster.connect(world.KEYSPACE) as session:
                        count += features.serve(session, computed)
    return count


def cqlsh(address):
    """The first things anyone types."""
    program = pathlib.Path(sys.executable).parent / "cqlsh"
    statements = {
        "DESCRIBE KEYSPACES": world.KEYSPACE,
        f"USE {world.KEYSPACE}; DESCRIBE TABLES": "user_features",
        f"DESCRIBE TABLE {world.KEYSPACE}.events": "PRIMARY KEY ((carrier, day), event_time, event_id)",
        f"SELECT flights FROM {world.KEYSPACE}.user_features WHERE user_id = 'carrier:UA'": "(1 rows)",
    }
    for statement, wanted in statements.items():
        run = subprocess.run([program, address, "-e", statement], capture_output=True, text=True, timeout=120)
        assert run.returncode == 0 and wanted in run.stdout, f"{statement}: {run.stdout}{run.stderr}"
    return len(statements)


def run(options, nodes, addresses, report):
    flights = world.flights(options.rows)
    expected = checks.partitions(flights)
    with connect(addresses, options.dc) as cluster, cluster.connect() as session:
        world.create(session, {"class": "NetworkTopologyStrategy", options.dc: options.replication})
        report.run("tables in the driver's metadata", checks.metadata, cluster)
        report.run("events written at QUORUM", load_events, session, flights, nodes, report)
        report.run("events, each once, pages of 5000", scanned, session, flights, expected, 5000)
        report.run("events, each once, pages of 100", scanned, session, flights, expected, 100)
        report.run("partitions' sums and slices against pandas", checks.slices, session, flights, expected)
        computed = features.compute(flights)
        report.run("features written", features.write, session, Window(session), computed)
        report.run("features served and compared exactly", features.serve, session, computed)
        report.run("columns added and dropped, requests meanwhile", checks.evolve, session, computed)
        report.run("rows for small pages", checks.fill_pages, session, Window(session))
        for fetch_size in (7, 1):
            report.run(f"rows in pages of {fetch_size}", checks.small_pages, session, fetch_size)
        report.run("batches: quiet, warned of, refused", checks.batches, session)
        report.run("rows written and read at ONE, QUORUM, ALL", checks.levels, session, Window(session))
    report.run("statements in cqlsh", cqlsh, addresses[0])
    if nodes:
        after_failures(nodes, options, flights, expected, report)
        everything_dies(nodes, options, flights, expected, report)
    return [entity for entity in computed if entity.kind == "carrier"]


def main():
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    options = arguments()
    report = Report()
    if options.contact:
        run(options, None, options.contact.split(","), report)
    else:
        binary = os.environ.get("HELENUS_BIN", "helenus")
        with tempfile.TemporaryDirectory(prefix="helenus-demo-", dir=os.environ.get("HELENUS_TARGET")) as temporary:
            folder = options.dir or f"{temporary}/nodes"
            with Nodes(binary, folder, options.dc, options.base_address) as nodes:
                carriers = run(options, nodes, nodes.addresses, report)
            report.run("logins with one node dead", logins, options, binary, f"{folder}-with-passwords")
            report.run("features in one and two data centres", topologies, options, binary, f"{folder}-topology", carriers)
    report.print()


if __name__ == "__main__":
    main()
