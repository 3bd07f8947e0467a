"""The checker of histories itself; and a short form of `cargo xtask kills`: clients write conditionally, count and batch while nodes are
killed, and what they saw must be true of one order of their writes."""

import itertools
import random

import pytest

from conftest import started
from kills.checker import NEVER, Look, Swap, Violation, check, check_batches, check_counter
from kills.run import Run


def history(*operations):
    """`(begun, ended, "look", value)` and `(begun, ended, old, new)`; ended None: nobody knows."""
    def one(begun, ended, a, b):
        ended = NEVER if ended is None else ended
        return Look(begun, ended, b) if a == "look" else Swap(begun, ended, a, b)
    return [one(*operation) for operation in operations]


def is_linearizable(operations):
    try:
        check(operations)
    except Violation:
        return False
    return True


EXPLAINED = [
    [],
    [(0, 1, None, 1), (2, 3, 1, 2), (4, 5, "look", 2)],
    # At once, in either order.
    [(0, 9, None, 1), (0, 9, 1, 2), (0, 9, "look", None), (0, 9, "look", 1), (0, 9, "look", 2)],
    # What nobody knows of happened, or did not, or happened late.
    [(0, 1, None, 1), (2, None, 1, 2), (3, 4, "look", 2)],
    [(0, 1, None, 1), (2, None, 1, 2), (3, 4, "look", 1)],
    [(0, 1, None, 1), (2, None, 1, 2), (3, 4, "look", 1), (5, 6, "look", 1), (7, 8, "look", 2)],
    [(0, 1, None, 1), (2, None, 1, 2), (2, None, 1, 3), (3, 4, "look", 1), (5, 6, 3, 4)],
    # A value that comes back.
    [(0, 1, None, 1), (2, 3, 1, None), (4, 5, None, 1), (6, 7, "look", 1)],
    # Long reads.
    [(0, 20, "look", 1), (1, 2, None, 1), (3, 4, 1, 2), (0, 20, "look", 2), (0, 20, "look", None)],
]
REFUSED = [
    # Read before it was written.
    [(0, 1, "look", 1), (2, 3, None, 1)],
    # An acknowledged write is lost.
    [(0, 1, None, 1), (2, 3, "look", None)],
    [(0, 1, None, 1), (2, 3, 1, 2), (4, 5, "look", 1)],
    # Two were applied to one value.
    [(0, 1, None, 1), (2, 9, 1, 2), (2, 9, 1, 3)],
    [(0, 9, None, 1), (0, 9, None, 1)],
    # It went back.
    [(0, 1, None, 1), (2, None, 1, 2), (3, 4, "look", 2), (5, 6, "look", 1)],
    [(0, 1, None, 1), (2, 9, 1, 2), (3, 4, "look", 2), (5, 6, "look", 1)],
    # A value that nobody wrote.
    [(0, 1, None, 1), (2, 3, "look", 7)],
    # What nobody knows of happened once at most.
    [(0, 1, None, 1), (2, None, 1, 2), (3, 4, 2, 1), (5, 6, "look", 2)],
    # Before it was asked for.
    [(0, 1, None, 1), (2, 3, "look", 2), (4, None, 1, 2)],
    # The order of answers: 3 was answered before 2 was asked for.
    [(0, 1, None, 1), (8, 9, 1, 2), (2, 3, 2, 3)],
    # Two clients add one to the same number.
    [(0, 1, None, 1), (2, 5, "look", 1), (3, 6, "look", 1), (7, 9, 1, 2), (7, 9, 1, 2), (10, 11, "look", 2)],
]


@pytest.mark.parametrize("operations", EXPLAINED)
def test_a_history_that_can_be_true(operations):
    check(history(*operations))


@pytest.mark.parametrize("operations", REFUSED)
def test_a_history_that_cannot_be_true(operations):
    with pytest.raises(Violation):
        check(history(*operations))


def explained_by_trying_all(operations):
    """The definition, word by word: an order of all that is known and of some that is not."""
    known = [one for one in operations if one.ended != NEVER]
    unknown = [one for one in operations if one.ended == NEVER and isinstance(one, Swap)]
    for count in range(len(unknown) + 1):
        for chosen in itertools.combinations(unknown, count):
            for order in itertools.permutations(known + list(chosen)):
                if explains(order):
                    return True
    return False


def explains(order):
    value = None
    for place, one in enumerate(order):
        if any(later.ended < one.begun for later in order[place + 1:]):
            return False
        if (one.value if isinstance(one, Look) else one.old) != value:
            return False
        value = value if isinstance(one, Look) else one.new
    return True


def test_the_search_finds_what_trying_all_orders_finds():
    chance = random.Random(5)
    values, answers = [None, 1, 2], []
    for _ in range(1500):
        operations = []
        for _ in range(chance.randint(1, 5)):
            begun = chance.randint(0, 8)
            ended = NEVER if chance.random() < 0.2 else begun + chance.randint(0, 5)
            if chance.random() < 0.4:
                operations.append(Look(begun, ended, chance.choice(values)))
            else:
                old = chance.choice(values)
                operations.append(Swap(begun, ended, old, chance.choice([value for value in values if value != old])))
        answers.append(is_linearizable(operations))
        assert answers[-1] == explained_by_trying_all(operations), operations
    assert 100 < sum(answers) < 1400


def test_a_long_history_is_checked_in_no_time():
    """Six clients at once for 5,000 operations, many of them unknown: the search does not branch out."""
    chance, operations, value = random.Random(6), [], None
    for step in range(5_000):
        begun, ended = step - chance.random() * 5, step + 1 + chance.random() * 5
        if chance.random() < 0.3:
            operations.append(Look(begun, ended, value))
        else:
            operations.append(Swap(begun, NEVER if chance.random() < 0.05 else ended, value, step))
            value = step
        if chance.random() < 0.05:
            operations.append(Swap(begun, NEVER, value, -step))
    check(operations)
    with pytest.raises(Violation):
        check([*operations, Look(30_000, 30_001, 4_000)])


@pytest.mark.parametrize("value, acknowledged, unknown, holds", [
    (0, [], [], True), (6, [1, 5], [], True), (5, [1, 5], [], False), (7, [1, 5], [], False), (11, [1, 5], [], False),
    (6, [1, 5], [7], True), (13, [1, 5], [7], True), (12, [1, 5], [7], False), (20, [1, 5], [7], False), (16, [1, 5], [7, 3], True),
])
def test_counters(value, acknowledged, unknown, holds):
    if holds:
        check_counter(value, acknowledged, unknown)
    else:
        with pytest.raises(Violation):
            check_counter(value, acknowledged, unknown)


@pytest.mark.parametrize("found, acknowledged, holds", [
    ({}, [], True), ({1: 3, 2: 3}, [1], True), ({1: 3, 2: 2}, [1], False), ({2: 3}, [1], False), ({1: 2}, [], False),
])
def test_batches(found, acknowledged, holds):
    if holds:
        check_batches(found, acknowledged, 3)
    else:
        with pytest.raises(Violation):
            check_batches(found, acknowledged, 3)


def test_nodes_are_killed_while_clients_work():
    with started(3) as server:
        run = Run(server, random.randrange(1_000_000), 30, 6)
        try:
            run.go()
        finally:
            print(run.report())
        assert sum(run.deaths.values()) >= 3
        record = run.record
        assert min(record.registers.applied, record.cas_counters.applied, len(record.batches.acknowledged)) > 20, run.report()
        assert len(record.counters.keys()) > 2, run.report()
