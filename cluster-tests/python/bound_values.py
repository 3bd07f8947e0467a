"""Values of markers as files of answers write them, and their bytes: Python's literals, and names for what Python has no literal of."""

import struct

from cassandra.query import UNSET_VALUE


class Big(int):
    """A number of eight bytes; a plain number has four."""


class Vector(tuple):
    """A vector of elements of fixed length."""


class Raw(tuple):
    """A collection whose count is the first, whatever follows it."""


def counted(parts):
    """Each part behind its length; null's is -1."""
    out = b""
    for part in map(encoded, parts):
        out += struct.pack(">i", -1) if part is None else struct.pack(">i", len(part)) + part
    return out


def encoded(value):
    """The bytes; null and unset stay what they are."""
    if value is None or value is UNSET_VALUE or isinstance(value, bytes):
        return value
    if isinstance(value, Big):
        return struct.pack(">q", value)
    if isinstance(value, bool):
        return bytes([value])
    if isinstance(value, int):
        return struct.pack(">i", value)
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, Raw):
        return struct.pack(">i", value[0]) + counted(value[1:])
    if isinstance(value, Vector):
        return b"".join(map(encoded, value))
    if isinstance(value, list):
        return struct.pack(">i", len(value)) + counted(value)
    if isinstance(value, dict):
        return struct.pack(">i", len(value)) + counted(part for pair in value.items() for part in pair)
    return counted(value)


NAMES = {
    "null": None, "unset": UNSET_VALUE, "empty": b"", "big": Big, "__builtins__": {},
    "vector": lambda *parts: Vector(parts),
    "raw": lambda *parts: Raw(parts),
    # A map that has a key twice.
    "pairs": lambda *pairs: Raw((len(pairs), *(part for pair in pairs for part in pair))),
}


def values_of(text):
    """The bytes of the values that a line writes."""
    return [encoded(value) for value in eval(f"[{text}]", dict(NAMES))]
