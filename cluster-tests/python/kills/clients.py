"""Clients that work on registers, CAS counters, counter columns and logged batches, and remember what they were told."""

import random
import threading
import time

from cassandra import (
    ConsistencyLevel as Level, OperationTimedOut, ReadFailure, ReadTimeout, Unavailable, WriteFailure, WriteTimeout, WriteType,
)
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionException
from cassandra.protocol import ErrorMessage, IsBootstrappingErrorMessage, OverloadedErrorMessage
from cassandra.query import BatchStatement, BatchType

from kills.record import ROWS_OF_A_BATCH

KEYSPACE = "kills"
TABLES = (
    "CREATE TABLE registers (k int PRIMARY KEY, v bigint)",
    "CREATE TABLE cas_counts (k int PRIMARY KEY, n bigint)",
    "CREATE TABLE counts (k int PRIMARY KEY, c counter)",
    "CREATE TABLE pieces (p int, b bigint, PRIMARY KEY (p, b))",
    "CREATE TABLE others (p int, b bigint, PRIMARY KEY (p, b))",
)
# A key lives so long, then clients go on to new ones: histories stay short, and none without a death of a node near it.
KEY_SECONDS = 15
KEYS = {"registers": 3, "cas_counts": 2, "counts": 3}
PARTITIONS = 40

# What came of a request that was not answered with rows.
NOT_DONE, UNKNOWN, DECIDED = "not done", "unknown", "decided"
CAS_WRITE_UNKNOWN = 0x1700


def outcome_of(error, record):
    """What an error says of a request; None: no fault explains it."""
    name = type(error).__name__
    if isinstance(error, WriteTimeout):
        name += " " + WriteType.value_to_name[error.write_type]
    record.error(name)
    if isinstance(error, (Unavailable, NoHostAvailable, OverloadedErrorMessage, IsBootstrappingErrorMessage)):
        # NoHostAvailable: it left for no node, for requests are sent once.
        return NOT_DONE
    if isinstance(error, WriteTimeout):
        # Decided, says the protocol, and not applied by enough replicas yet.
        return DECIDED if error.write_type == WriteType.SIMPLE else UNKNOWN
    if isinstance(error, (ReadTimeout, ReadFailure, WriteFailure, OperationTimedOut, ConnectionException)):
        return UNKNOWN
    if isinstance(error, ErrorMessage) and error.code == CAS_WRITE_UNKNOWN:
        return UNKNOWN
    return None


class Client(threading.Thread):
    """One client: a session of its own, one request at a time."""

    def __init__(self, number, server, record, seed, began, stop):
        super().__init__(daemon=True)
        self.number = number
        self.server = server
        self.record = record
        self.random = random.Random(f"{seed} client {number}")
        self.began = began
        self.stop = stop
        self.last = 0

    def run(self):
        try:
            with self.server.cluster() as cluster:
                self.session = cluster.connect(KEYSPACE)
                self.prepare()
                while not self.stop.is_set():
                    work = self.random.choices((self.register, self.count_by_cas, self.count, self.batch), (50, 25, 15, 10))[0]
                    work()
        except Exception as error:  # noqa: BLE001 - told by the checks
            self.record.never_expected(f"client {self.number}: {type(error).__name__}: {error}")

    def prepare(self):
        prepare = self.session.prepare
        self.insert = prepare("INSERT INTO registers (k, v) VALUES (?, ?) IF NOT EXISTS")
        self.update = prepare("UPDATE registers SET v = ? WHERE k = ? IF v = ?")
        self.delete = prepare("DELETE FROM registers WHERE k = ? IF v = ?")
        self.read = prepare("SELECT v FROM registers WHERE k = ?")
        self.first = prepare("INSERT INTO cas_counts (k, n) VALUES (?, 1) IF NOT EXISTS")
        self.next = prepare("UPDATE cas_counts SET n = ? WHERE k = ? IF n = ?")
        self.read_count = prepare("SELECT n FROM cas_counts WHERE k = ?")
        self.add = prepare("UPDATE counts SET c = c + ? WHERE k = ?")
        self.piece = prepare("INSERT INTO pieces (p, b) VALUES (?, ?)")
        self.other = prepare("INSERT INTO others (p, b) VALUES (?, ?)")

    def key(self, table):
        """A key of this moment."""
        return int((time.monotonic() - self.began) / KEY_SECONDS) * KEYS[table] + self.random.randrange(KEYS[table])

    def number_of_its_own(self):
        self.last += 1
        return self.last * 100 + self.number

    def level(self):
        return self.random.choices((Level.ONE, Level.QUORUM, Level.ANY, Level.LOCAL_ONE), (40, 45, 8, 7))[0]

    def execute(self, statement, values, level):
        """The rows, or what came of it instead."""
        bound = statement.bind(values) if values is not None else statement
        bound.consistency_level = level
        try:
            return list(self.session.execute(bound))
        except Exception as error:  # noqa: BLE001 - sorted by what it says
            outcome = outcome_of(error, self.record)
            if outcome is None:
                self.record.never_expected(f"{type(error).__name__}: {error}")
                outcome = UNKNOWN
            if outcome == NOT_DONE:
                # No replicas, or no node: the faults go on for a while.
                time.sleep(0.02)
            return outcome

    def swap(self, registers, key, statement, values, old, new, column):
        """A conditional write of a register."""
        begun = time.monotonic()
        answer = self.execute(statement, values, self.level())
        who = f"client {self.number}"
        if answer == NOT_DONE:
            return
        if answer == UNKNOWN:
            registers.lost(key, begun, old, new, who)
        elif answer == DECIDED or answer[0].applied:
            registers.swapped(key, begun, old, new, who)
        else:
            found = getattr(answer[0], column, None)
            registers.refused += 1
            if found == old:
                self.record.never_expected(f"key {key}: refused, although {old} was there")
            registers.looked(key, begun, found, f"{who}, refused {old} -> {new}")

    def look(self, registers, key, statement):
        """A read at SERIAL; answers whether there was one."""
        begun = time.monotonic()
        rows = self.execute(statement, (key,), Level.SERIAL)
        if not isinstance(rows, list):
            return False
        registers.read += 1
        registers.looked(key, begun, rows[0][0] if rows else None, f"client {self.number}, read")
        return True

    def register(self):
        registers, key = self.record.registers, self.key("registers")
        heard, new = registers.heard.get(key), self.number_of_its_own()
        kind = self.random.randrange(100)
        if kind < 25:
            self.look(registers, key, self.read)
        elif heard is None or kind < 32:
            self.swap(registers, key, self.insert, (key, new), None, new, "v")
        elif kind < 42:
            self.swap(registers, key, self.delete, (key, heard), heard, None, "v")
        else:
            self.swap(registers, key, self.update, (new, key, heard), heard, new, "v")

    def count_by_cas(self):
        """Read, then add one to what was read."""
        counters, key = self.record.cas_counters, self.key("cas_counts")
        if not self.look(counters, key, self.read_count):
            return
        found = counters.heard.get(key)
        if found is None:
            self.swap(counters, key, self.first, (key,), None, 1, "n")
        else:
            self.swap(counters, key, self.next, (found + 1, key, found), found, found + 1, "n")

    def count(self):
        key, by = self.key("counts"), self.random.randint(1, 999)
        level = self.random.choice((Level.ONE, Level.QUORUM))
        answer = self.execute(self.add, (by, key), level)
        if isinstance(answer, list):
            self.record.counters.counted(key, by)
        elif answer != NOT_DONE:
            self.record.counters.lost(key, by)

    def batch(self):
        number = self.number_of_its_own()
        batch = BatchStatement(batch_type=BatchType.LOGGED)
        for place, partition in enumerate(self.random.sample(range(PARTITIONS), ROWS_OF_A_BATCH)):
            batch.add(self.other if place == 0 else self.piece, (partition, number))
        answer = self.execute(batch, None, self.random.choice((Level.ONE, Level.QUORUM)))
        if isinstance(answer, list):
            self.record.batches.written(number)
        elif answer != NOT_DONE:
            self.record.batches.lost(number)
