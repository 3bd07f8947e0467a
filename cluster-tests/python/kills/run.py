"""A run: three nodes, six clients, deaths, healing, the checks."""

import collections
import random
import threading
import time

from cassandra import ConsistencyLevel as Level
from cassandra.cluster import ExecutionProfile
from cassandra.policies import ConstantReconnectionPolicy, FallthroughRetryPolicy, RoundRobinPolicy, WhiteListRoundRobinPolicy
from cassandra.query import SimpleStatement

from kills.checker import Violation
from kills.clients import KEYSPACE, TABLES, Client
from kills.record import Record
from servers import until

CLIENTS = 6
REQUEST_SECONDS = 15


class Driver:
    """Sessions to the nodes in which every request is sent once, to whichever node is up."""

    def __init__(self, server):
        self.server = server

    def cluster(self, address=None):
        policy = WhiteListRoundRobinPolicy([address]) if address else RoundRobinPolicy()
        profile = ExecutionProfile(load_balancing_policy=policy, retry_policy=FallthroughRetryPolicy(), request_timeout=REQUEST_SECONDS)
        return self.server.cluster(contact_points=[address] if address else None, profile=profile,
                                   reconnection_policy=ConstantReconnectionPolicy(0.3, None), schema_metadata_enabled=False)


class Run:
    """See the module. `seconds` of work, a death every `pause` seconds."""

    def __init__(self, server, seed, seconds, pause):
        self.server = server
        self.driver = Driver(server)
        self.random = random.Random(f"{seed} deaths")
        self.seed = seed
        self.seconds = seconds
        self.pause = pause
        self.record = Record()
        self.deaths = collections.Counter()

    def go(self):
        """Works, heals and checks. Raises Violation."""
        self.make_schema()
        self.work()
        self.heal()
        self.check()

    def make_schema(self):
        with self.driver.cluster() as cluster:
            session = cluster.connect()
            session.execute(f"CREATE KEYSPACE {KEYSPACE} WITH replication = {self.server.replication(3)}")
            session.set_keyspace(KEYSPACE)
            for table in TABLES:
                session.execute(table)

    def work(self):
        began, stop = time.monotonic(), threading.Event()
        clients = [Client(number, self.driver, self.record, self.seed, began, stop) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            death = began
            while True:
                death += self.pause
                if death > began + self.seconds:
                    break
                time.sleep(max(death - time.monotonic(), 0))
                self.kill_one()
            time.sleep(max(began + self.seconds - time.monotonic(), 0))
        finally:
            stop.set()
            for client in clients:
                client.join()

    def kill_one(self):
        """SIGKILL to the process of one node, which is started again after a while."""
        node = self.random.choice(self.server.nodes)
        self.deaths[node.address] += 1
        node.kill()
        # At times it comes back before the others have noticed, at times long after.
        time.sleep(self.random.uniform(0.1, self.pause * 0.4))
        node.start()
        node.wait()

    def heal(self):
        """Everybody sees everybody, every hint is delivered, every batch replayed."""
        def all_see_all():
            return all(sum(line.startswith("UN ") for line in node.nodetool("status").splitlines()) == len(self.server.nodes)
                       for node in self.server.nodes)
        until(all_see_all, "all nodes see each other", 60)

        def no_batches():
            for address in self.server.contact_points:
                with self.driver.cluster(address) as cluster:
                    if list(cluster.connect().execute("SELECT id FROM system.batches")):
                        return False
            return True
        until(no_batches, "every batch is replayed", 60)
        for node in self.server.nodes:
            until(lambda: "does not have any pending hints" in node.nodetool("listpendinghints"), "hints are delivered", 60)

    def check(self):
        record = self.record
        if record.wrong:
            raise Violation("answers that no fault explains:\n  " + "\n  ".join(record.wrong[:20]))
        with self.driver.cluster() as cluster:
            session = cluster.connect(KEYSPACE)
            for registers, table, column in ((record.registers, "registers", "v"), (record.cas_counters, "cas_counts", "n")):
                self.read_at_the_end(session, registers, f"SELECT {column} FROM {table} WHERE k = ?")
                registers.check()
            self.check_counters(session, Level.ALL, "at ALL")
            self.check_batches(session)
        for address in self.server.contact_points:
            with self.driver.cluster(address) as cluster:
                self.check_counters(cluster.connect(KEYSPACE), Level.ONE, f"at ONE from {address}")

    def read_at_the_end(self, session, registers, text):
        """The last value of each register at SERIAL becomes part of its history; all replicas have it then."""
        read = session.prepare(text)
        for key in sorted(registers.histories):
            values = {}
            for level in (Level.SERIAL, Level.ALL):
                begun, bound = time.monotonic(), read.bind((key,))
                bound.consistency_level = level
                rows = list(session.execute(bound))
                values[level] = rows[0][0] if rows else None
                registers.looked(key, begun, values[level], f"the end, {Level.value_to_name[level]}")
            if len(set(values.values())) > 1:
                raise Violation(f"{registers.name}, key {key}: {values[Level.SERIAL]} at SERIAL, {values[Level.ALL]} at ALL")

    def check_counters(self, session, level, where):
        statement = SimpleStatement("SELECT k, c FROM counts", consistency_level=level)
        found = dict(session.execute(statement))
        for key in self.record.counters.keys():
            self.record.counters.check(key, found.get(key) or 0, where)

    def check_batches(self, session):
        found = collections.Counter()
        for table in ("pieces", "others"):
            statement = SimpleStatement(f"SELECT b FROM {table}", consistency_level=Level.ALL)
            found.update(row.b for row in session.execute(statement))
        self.record.batches.check(found)

    def report(self):
        """The table of the run."""
        deaths = ", ".join(f"{address} {count} times" for address, count in sorted(self.deaths.items()))
        errors = ", ".join(f"{name} {count:,}" for name, count in self.record.errors.most_common())
        return (f"{CLIENTS} clients, {self.seconds / 60:.1f} minutes, seed {self.seed}; killed: {deaths or 'none'}\n"
                f"{self.record.table()}\nerrors: {errors or 'none'}")
