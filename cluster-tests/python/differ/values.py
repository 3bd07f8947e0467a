"""Types and literals for the generator: most fit, some are at an edge, a few are of another type.

A literal is its text, and with it the bytes of the same value, so that it can stand in a statement or be bound to a marker.
"""

import decimal
import ipaddress
import struct
import uuid

from cassandra.cqltypes import DurationType
from cassandra.marshal import varint_pack
from cassandra.util import Duration

NATIVE = ["ascii", "bigint", "blob", "boolean", "date", "decimal", "double", "duration", "float", "inet", "int",
          "smallint", "text", "time", "timestamp", "timeuuid", "tinyint", "uuid", "varint"]
# Cassandra refuses durations in keys.
KEY_TYPES = [name for name in NATIVE if name != "duration"]
NUMBERS = ["tinyint", "smallint", "int", "bigint", "varint", "float", "double", "decimal"]
# Types whose values have one length: a vector's elements of these have no lengths of their own.
FIXED = {"bigint": 8, "boolean": 1, "double": 8, "float": 4, "int": 4, "timestamp": 8, "timeuuid": 16, "uuid": 16}

DAY = 86_400_000
EPOCH = 2**31


def decimal_bytes(text):
    number = decimal.Decimal(text)
    sign, digits, exponent = number.as_tuple()
    unscaled = int("".join(map(str, digits))) * (-1 if sign else 1)
    return struct.pack(">i", -exponent) + varint_pack(unscaled)


def duration_bytes(months=0, days=0, nanos=0):
    return DurationType.serialize(Duration(months, days, nanos), 4)


def packed(form):
    return lambda number: struct.pack(form, number)


HOUR = 3_600_000_000_000

# For each type its encoder, and literals with the Python values they stand for.
ENCODERS = {
    "ascii": str.encode, "text": str.encode, "bigint": packed(">q"), "blob": bytes.fromhex,
    "boolean": lambda value: bytes([value]), "date": packed(">I"), "decimal": decimal_bytes, "double": packed(">d"),
    "duration": lambda parts: duration_bytes(*parts), "float": packed(">f"),
    "inet": lambda text: ipaddress.ip_address(text).packed, "int": packed(">i"), "smallint": packed(">h"),
    "time": packed(">q"), "timestamp": packed(">q"), "timeuuid": lambda text: uuid.UUID(text).bytes,
    "tinyint": packed(">b"), "uuid": lambda text: uuid.UUID(text).bytes, "varint": varint_pack,
}


def numbers(*texts):
    return [(text, int(text)) for text in texts]


def reals(*texts):
    return [(text, float(text)) for text in texts]


def same(*texts):
    return [(text, text) for text in texts]


VALUES = {
    "ascii": [("''", ""), ("'a'", "a"), ("'b'", "b"), ("'A z'", "A z"), ("'it''s'", "it's"), ("$$x$$", "x")],
    "bigint": numbers("0", "1", "-1", "7", "9223372036854775807", "-9223372036854775808"),
    "blob": [("0x", ""), ("0x00", "00"), ("0xff", "ff"), ("0x0102", "0102"), ("0xCAFE", "cafe")],
    "boolean": [("true", 1), ("false", 0), ("TRUE", 1)],
    "date": [("'1970-01-01'", EPOCH), ("'2024-02-29'", EPOCH + 19782), ("'-0001-01-01'", EPOCH - 719893),
             ("'9999-12-31'", EPOCH + 2932896), ("2147483648", EPOCH)],
    # No two of them are equal: which of the texts of a key is kept depends on flushes.
    "decimal": same("0", "1.0", "20.00", "-3.14", "1e3", "1E-5", "12345678901234567890.5"),
    "double": reals("0.0", "-0.0", "1.5", "1e308", "NaN", "Infinity", "-Infinity", "3"),
    "duration": [("1h", (0, 0, HOUR)), ("2d3h", (0, 2, 3 * HOUR)), ("-1mo", (-1, 0, 0)), ("P1Y2M", (14, 0, 0)),
                 ("PT5M", (0, 0, HOUR // 12)),
                 ("1y2mo3d4h5m6s7ms8us9ns", (14, 3, 4 * HOUR + HOUR // 12 + 6_007_008_009))],
    "float": reals("0.0", "2.25", "-1e10", "NaN", "Infinity", "7"),
    "inet": [(f"'{text}'", text) for text in ("127.0.0.1", "::1", "2001:db8::ff00:42:8329", "255.255.255.255")],
    "int": numbers("0", "1", "-1", "5", "2147483647", "-2147483648"),
    "smallint": numbers("0", "1", "-1", "32767", "-32768"),
    "text": [("''", ""), ("'a'", "a"), ("'b'", "b"), ("'é'", "é"), ("'日本'", "日本"), ("'a\"b'", 'a"b'), ("'x y'", "x y")],
    "time": [("'00:00:00'", 0), ("'23:59:59.999999999'", 24 * HOUR - 1), ("'08:12:54.123'", 29_574_123_000_000), ("0", 0)],
    "timestamp": [("'2020-01-01'", 18262 * DAY), ("'2020-01-01 12:34:56.789+0000'", 18262 * DAY + 45_296_789), ("0", 0),
                  ("-1", -1), ("1700000000000", 1_700_000_000_000), ("'1969-12-31T23:59:59Z'", -1000)],
    "timeuuid": same("50554d6e-29bb-11e5-b345-feff819cdc9f", "d2177dd0-eaa2-11de-a572-001b779c76e3",
                     "00000000-0000-1000-8080-808080808080"),
    "tinyint": numbers("0", "1", "-1", "127", "-128"),
    "uuid": same("00000000-0000-0000-0000-000000000000", "123e4567-e89b-42d3-a456-426614174000",
                 "50554d6e-29bb-11e5-b345-feff819cdc9f"),
    "varint": numbers("0", "1", "-1", "170141183460469231731687303715884105728"),
}

# Literals that some types refuse, in words worth comparing.
STRANGE = ["null", "'not a value'", "12345678901234567890123", "-1.5", "0xf", "true", "'2024-13-01'", "1.0", "'x'",
           "[1]", "{1}", "{1: 2}", "(1, 2)", "{}", "[]", "now", "'25:00:00'", "128", "40000", "P", "NaN", "0x00",
           "not-a-uuid", "00000000-0000-0000-0000-00000000000", "''"]

UNSET = object()


class Literal(str):
    """The text of a value, with its bytes: None for null. `same` is what it has in common with values that are equal, unless the bytes."""

    def __new__(cls, text, data, same=None):
        made = super().__new__(cls, text)
        made.data = data
        made.same = same
        return made


def plain(name):
    """The literals of a native type."""
    return [Literal(text, ENCODERS[name](value)) for text, value in VALUES[name]]


LITERALS = {name: plain(name) for name in NATIVE}
LITERALS["counter"] = LITERALS["bigint"]


class Kind:
    """A type of the language: its name, whether it is frozen, and what it is made of."""

    def __init__(self, name, parts=(), frozen=False, fields=(), size=0):
        self.name = name
        self.parts = list(parts)
        self.frozen = frozen
        self.fields = list(fields)
        self.size = size

    def __str__(self):
        inner = ", ".join(map(str, self.parts))
        if self.name == "udt":
            text = self.fields[0]
        elif self.name == "vector":
            text = f"vector<{inner}, {self.size}>"
        elif self.parts:
            text = f"{self.name}<{inner}>"
        else:
            text = self.name
        return f"frozen<{text}>" if self.frozen and self.name != "vector" else text

    @property
    def is_collection(self):
        return self.name in ("list", "set", "map")

    @property
    def is_multicell(self):
        return not self.frozen and (self.is_collection or self.name == "udt")


def random_kind(rng, types, depth=0, frozen=False):
    """A type for a regular column. `types` are the user types of the keyspace: name and fields."""
    pick = rng.random()
    if depth >= 2 or pick < 0.55:
        return Kind(rng.choice(NATIVE))
    inner = lambda name=None: random_kind(rng, types, depth + 1, frozen=True)
    key = lambda: Kind(rng.choice(KEY_TYPES)) if rng.random() < 0.85 else inner()
    is_frozen = frozen or rng.random() < 0.3
    if pick < 0.66:
        return Kind("list", [inner()], is_frozen)
    if pick < 0.77:
        return Kind("set", [key()], is_frozen)
    if pick < 0.88:
        return Kind("map", [key(), inner()], is_frozen)
    if pick < 0.92:
        return Kind("tuple", [inner() for _ in range(rng.randint(1, 3))], False)
    if pick < 0.95:
        return Kind("vector", [Kind(rng.choice(["float", "int", "text", "bigint"]))], size=rng.randint(1, 3))
    if types:
        name, fields = rng.choice(types)
        return Kind("udt", [kind for _, kind in fields], is_frozen, [name, *(field for field, _ in fields)])
    return Kind("int")


def with_length(data):
    """A value as a part of another one: null has the length −1."""
    return struct.pack(">i", -1) if data is None else struct.pack(">i", len(data)) + data


def collection(parts, count):
    return struct.pack(">i", count) + b"".join(with_length(part.data) for part in parts)


def distinct(parts, kind):
    """The parts without those that are equal to others: of the values of one key Cassandra keeps any."""
    parts = {same(part, kind): part for part in parts}.values()
    # The bytes of a literal of no type of the kind say nothing of its text.
    return list({quoted(str(part)): part for part in parts}.values())


def quoted(text):
    """A literal with the usual quotes."""
    return "'" + text[2:-2].replace("'", "''") + "'" if text.startswith("$$") else text


def same(part, kind):
    """What equal values have in common: decimals however written, and sets in any order."""
    if kind.name == "decimal" and part.data:
        return decimal_value(part.data)
    return part.same if part.same is not None else part.data


def decimal_value(data):
    if len(data) < 5:
        return data
    return decimal.Decimal(int.from_bytes(data[4:], "big", signed=True)).scaleb(-struct.unpack(">i", data[:4])[0])


def literal(rng, kind, strange=0.02, null=0.0):
    """A literal of a type, or now and then of no type of the kind: that one's bytes are noise."""
    if rng.random() < strange:
        return Literal(rng.choice(STRANGE), rng.choice([None, b"", b"\xff", b"\0\0\0\1", b"\0\0\0\1\0\0\0\1\7", bytes(16)]))
    if rng.random() < null:
        return Literal("null", None)
    inner = lambda part: literal(rng, part, strange)
    some = lambda: range(rng.randint(0, 3))
    if kind.name in ("list", "set"):
        parts = [inner(kind.parts[0]) for _ in some()]
        parts = distinct(parts, kind.parts[0]) if kind.name == "set" else parts
        left, right = "[]" if kind.name == "list" else "{}"
        values = [same(part, kind.parts[0]) for part in parts]
        values = tuple(values) if kind.name == "list" else frozenset(values)
        return Literal(left + ", ".join(parts) + right, collection(parts, len(parts)), values)
    if kind.name == "map":
        pairs = [(key, inner(kind.parts[1])) for key in distinct([inner(kind.parts[0]) for _ in some()], kind.parts[0])]
        text = "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
        values = frozenset((same(key, kind.parts[0]), same(value, kind.parts[1])) for key, value in pairs)
        return Literal(text, collection([part for pair in pairs for part in pair], len(pairs)), values)
    if kind.name == "tuple":
        count = len(kind.parts) if rng.random() < 0.9 else rng.randint(1, len(kind.parts) + 1)
        parts = [literal(rng, (kind.parts + kind.parts)[place], strange, 0.1) for place in range(count)]
        return Literal("(" + ", ".join(parts) + ")", b"".join(with_length(part.data) for part in parts))
    if kind.name == "vector":
        count = kind.size if rng.random() < 0.95 else kind.size + 1
        parts = [inner(kind.parts[0]) for _ in range(count)]
        element = kind.parts[0].name
        data = b"".join((part.data or b"") if element in FIXED else varying(part.data or b"") for part in parts)
        return Literal("[" + ", ".join(parts) + "]", data)
    if kind.name == "udt":
        fields = [(name, literal(rng, part, strange, 0.1) if rng.random() < 0.8 else None)
                  for name, part in zip(kind.fields[1:], kind.parts)]
        text = "{" + ", ".join(f"{name}: {value}" for name, value in fields if value is not None) + "}"
        return Literal(text, b"".join(with_length(value and value.data) for _, value in fields))
    return rng.choice(LITERALS[kind.name])


def varying(data):
    """An element of a vector whose elements differ in length; all of ours are shorter than 128 bytes."""
    return bytes([len(data)]) + data
