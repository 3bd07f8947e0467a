"""What clients saw, collected while they work; and the promises, checked when everything is mended."""

import collections
import threading
import time

from kills.checker import NEVER, Look, Swap, Violation, check, check_batches, check_counter, shown

ROWS_OF_A_BATCH = 3


class Registers:
    """Histories of the registers of one table."""

    def __init__(self, name):
        self.name = name
        self.lock = threading.Lock()
        self.histories = collections.defaultdict(list)
        # What was last heard of a key, right or wrong.
        self.heard = {}
        self.applied = self.refused = self.read = self.unknown = 0

    def looked(self, key, begun, value, who):
        with self.lock:
            self.histories[key].append(Look(begun, time.monotonic(), value, who))
            self.heard[key] = value

    def swapped(self, key, begun, old, new, who):
        with self.lock:
            self.applied += 1
            self.histories[key].append(Swap(begun, time.monotonic(), old, new, who))
            self.heard[key] = new

    def lost(self, key, begun, old, new, who):
        with self.lock:
            self.unknown += 1
            self.histories[key].append(Swap(begun, NEVER, old, new, who))

    def check(self):
        for key, history in sorted(self.histories.items()):
            try:
                check(history)
            except Violation as violation:
                lines = [f"{self.name}, key {key}: no order explains the history", str(violation), "all of it:"]
                lines += [f"  {shown(one)}" for one in sorted(history, key=lambda one: one.begun)]
                raise Violation("\n".join(lines)) from None

    def line(self):
        asked = self.applied + self.refused + self.read
        return (self.name, len(self.histories), asked, self.applied, self.unknown, "linearizable")


class CasCounters(Registers):
    """Registers that are only ever made one greater."""

    def check(self):
        super().check()
        for key, history in self.histories.items():
            swaps = [one for one in history if isinstance(one, Swap)]
            acknowledged = sum(one.ended != NEVER for one in swaps)
            last = max((one for one in history if isinstance(one, Look)), key=lambda one: one.begun).value or 0
            if not acknowledged <= last <= len(swaps):
                raise Violation(f"{self.name}, key {key}: {last}, but {acknowledged} to {len(swaps)} were added")

    def line(self):
        return (*super().line()[:-1], "none lost, none twice")


class Counters:
    """Increments of counter columns."""

    def __init__(self):
        self.lock = threading.Lock()
        self.acknowledged = collections.defaultdict(list)
        self.unknown = collections.defaultdict(list)

    def counted(self, key, by):
        with self.lock:
            self.acknowledged[key].append(by)

    def lost(self, key, by):
        with self.lock:
            self.unknown[key].append(by)

    def keys(self):
        return sorted(set(self.acknowledged) | set(self.unknown))

    def check(self, key, value, where):
        try:
            check_counter(value, self.acknowledged[key], self.unknown[key])
        except Violation as violation:
            raise Violation(f"counters, key {key}, {where}: {violation}") from None

    def line(self):
        acknowledged = sum(map(len, self.acknowledged.values()))
        unknown = sum(map(len, self.unknown.values()))
        return ("counters", len(self.keys()), acknowledged + unknown, acknowledged, unknown, "as acknowledged and unknown allow")


class Batches:
    """Logged batches, each of ROWS_OF_A_BATCH rows of as many partitions."""

    def __init__(self):
        self.lock = threading.Lock()
        self.acknowledged = set()
        self.unknown = set()

    def written(self, number):
        with self.lock:
            self.acknowledged.add(number)

    def lost(self, number):
        with self.lock:
            self.unknown.add(number)

    def check(self, found):
        try:
            check_batches(found, self.acknowledged, ROWS_OF_A_BATCH)
        except Violation as violation:
            raise Violation(f"logged batches: {violation}") from None
        ghosts = sorted(set(found) - self.acknowledged - self.unknown)
        if ghosts:
            raise Violation(f"logged batches that were refused are there: {ghosts}")

    def line(self):
        asked = len(self.acknowledged) + len(self.unknown)
        return ("logged batches", ROWS_OF_A_BATCH, asked, len(self.acknowledged), len(self.unknown), "whole or absent")


class Record:
    """Everything that was asked."""

    def __init__(self):
        self.registers = Registers("LWT registers")
        self.cas_counters = CasCounters("CAS counters")
        self.counters = Counters()
        self.batches = Batches()
        self.lock = threading.Lock()
        # Answers that no fault explains.
        self.wrong = []
        self.errors = collections.Counter()

    def error(self, what):
        with self.lock:
            self.errors[what] += 1

    def never_expected(self, what):
        with self.lock:
            self.wrong.append(what)

    def table(self):
        lines = [f"{'':<16} {'keys':>6} {'asked':>9} {'done':>9} {'unknown':>8}  verified"]
        for part in (self.registers, self.cas_counters, self.counters, self.batches):
            name, keys, asked, done, unknown, verified = part.line()
            lines.append(f"{name:<16} {keys:>6} {asked:>9,} {done:>9,} {unknown:>8,}  {verified}")
        return "\n".join(lines)
