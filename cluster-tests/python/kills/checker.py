"""Whether what clients saw of a register can be explained by one order of its operations.

Linearizable: each operation takes effect at one moment between its request and its answer. The search is Wing and Gong's, with
Lowe's memory of where it has been: it builds the order from the front. Whoever comes next must have been asked before the
first answer among those that still have to come. Two things keep it short: a read that fits is taken at once (it changes nothing,
and later it would only stand in the way), and a state that was seen is not searched twice.

An operation of which nobody knows what came of it may take effect at any moment after its request, or never."""

from typing import NamedTuple, Optional

NEVER = float("inf")


class Look(NamedTuple):
    """Somebody was told this value: by a read, or by a refused write."""

    begun: float
    ended: float
    value: Optional[int]
    who: str = ""


class Swap(NamedTuple):
    """`old` became `new`. Of a swap that nobody knows of, `ended` is NEVER."""

    begun: float
    ended: float
    old: Optional[int]
    new: Optional[int]
    who: str = ""


class Violation(Exception):
    """No order explains a history."""


def shown(operation):
    end = "?" if operation.ended == NEVER else f"{operation.ended:.6f}"
    what = f"saw {operation.value}" if isinstance(operation, Look) else f"{operation.old} -> {operation.new}"
    return f"{operation.begun:.6f} .. {end}  {what}  {operation.who}".rstrip()


def check(history, first=None):
    """Raises Violation unless some order of `history` explains it. The register holds `first` in the beginning."""
    known = sorted((one for one in history if one.ended != NEVER), key=lambda one: one.begun)
    unknown = {}
    for place, one in enumerate(one for one in history if one.ended == NEVER and isinstance(one, Swap)):
        unknown.setdefault(one.old, []).append((place, one))
    # How many of the known are placed without a gap, which of those behind are, which of the unknown are; the value.
    start = (0, 0, 0, first)
    seen, stack = {start}, [start]
    furthest = start
    while stack:
        state = stack.pop()
        if state[0] == len(known):
            return
        furthest = max(furthest, state, key=lambda one: (one[0], one[1].bit_count()))
        for following in steps(known, unknown, state):
            if following not in seen:
                seen.add(following)
                stack.append(following)
    raise Violation(explain(known, unknown, furthest))


def candidates(known, state):
    """The known operations that may come next, and the moment before which it must have been asked for."""
    low, ahead, _, _ = state
    limit, found = NEVER, []
    place, rest = low, ahead
    while place < len(known) and known[place].begun <= limit:
        if not rest & 1:
            limit = min(limit, known[place].ended)
            found.append(place)
        place, rest = place + 1, rest >> 1
    return [place for place in found if known[place].begun <= limit], limit


def steps(known, unknown, state):
    low, ahead, used, value = state
    found, limit = candidates(known, state)
    for place in found:
        if isinstance(known[place], Look) and known[place].value == value:
            return [placed(low, ahead | 1 << (place - low), used, value)]
    following = [(low, ahead, used | 1 << place, one.new) for place, one in unknown.get(value, ())
                 if not used >> place & 1 and one.begun <= limit]
    for place in found:
        one = known[place]
        if isinstance(one, Swap) and one.old == value:
            following.append(placed(low, ahead | 1 << (place - low), used, one.new))
    return following


def placed(low, ahead, used, value):
    while ahead & 1:
        low, ahead = low + 1, ahead >> 1
    return low, ahead, used, value


def explain(known, unknown, state):
    """Where the longest order ends: what the register holds there, and what nobody can place."""
    low, ahead, used, value = state
    found, _ = candidates(known, state)
    lines = [f"{low + ahead.bit_count()} of {len(known)} operations in order lead to {value}; then none of these fits:"]
    lines += [f"  {shown(known[place])}" for place in found]
    left = [one for many in unknown.values() for place, one in many if not used >> place & 1]
    lines += [f"  unknown: {shown(one)}" for one in left[:20]]
    lines.append("before that:")
    lines += [f"  {shown(one)}" for place, one in enumerate(known[:low + ahead.bit_length()])
              if place < low or ahead >> (place - low) & 1][-20:]
    return "\n".join(lines)


def sums(numbers):
    """All sums of some of the numbers (which are not negative), as the bits of a number."""
    found = 1
    for number in numbers:
        found |= found << number
    return found


def check_counter(value, acknowledged, unknown):
    """A counter holds what was acknowledged, and of each increment that nobody knows of all or nothing."""
    surplus = value - sum(acknowledged)
    if surplus < 0:
        raise Violation(f"{value} was counted, but {sum(acknowledged)} were acknowledged: {-surplus} are lost")
    if not sums(unknown) >> surplus & 1:
        raise Violation(f"{value} was counted, {sum(acknowledged)} acknowledged: {surplus} are too many, for nobody knows of {unknown}")


def check_batches(found, acknowledged, size):
    """`found`: the rows that are there of each batch. All of a batch is there or nothing, and all of an acknowledged one."""
    torn = {number: count for number, count in found.items() if count != size}
    if torn:
        raise Violation(f"batches of {size} rows of which only these are there: {torn}")
    lost = sorted(set(acknowledged) - set(found))
    if lost:
        raise Violation(f"acknowledged batches that are not there: {lost}")
