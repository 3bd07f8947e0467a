"""Types and literals for the generator: most fit, some are at an edge, a few are of another type."""

NATIVE = ["ascii", "bigint", "blob", "boolean", "date", "decimal", "double", "duration", "float", "inet", "int",
          "smallint", "text", "time", "timestamp", "timeuuid", "tinyint", "uuid", "varint"]
# Cassandra refuses durations in keys.
KEY_TYPES = [name for name in NATIVE if name != "duration"]
NUMBERS = ["tinyint", "smallint", "int", "bigint", "varint", "float", "double", "decimal"]

LITERALS = {
    "ascii": ["''", "'a'", "'b'", "'A z'", "'it''s'", "$$x$$"],
    "bigint": ["0", "1", "-1", "7", "9223372036854775807", "-9223372036854775808"],
    "blob": ["0x", "0x00", "0xff", "0x0102", "0xCAFE"],
    "boolean": ["true", "false", "TRUE"],
    "date": ["'1970-01-01'", "'2024-02-29'", "'-0001-01-01'", "'9999-12-31'", "2147483648"],
    "decimal": ["0", "1.0", "1.00", "-3.14", "1e3", "1E-5", "12345678901234567890.5"],
    "double": ["0.0", "-0.0", "1.5", "1e308", "NaN", "Infinity", "-Infinity", "3"],
    "duration": ["1h", "2d3h", "-1mo", "P1Y2M", "PT5M", "1y2mo3d4h5m6s7ms8us9ns"],
    "float": ["0.0", "2.25", "-1e10", "NaN", "Infinity", "7"],
    "inet": ["'127.0.0.1'", "'::1'", "'2001:db8::ff00:42:8329'", "'255.255.255.255'"],
    "int": ["0", "1", "-1", "5", "2147483647", "-2147483648"],
    "smallint": ["0", "1", "-1", "32767", "-32768"],
    "text": ["''", "'a'", "'b'", "'é'", "'日本'", "'a\"b'", "'x y'"],
    "time": ["'00:00:00'", "'23:59:59.999999999'", "'08:12:54.123'", "0"],
    "timestamp": ["'2020-01-01'", "'2020-01-01 12:34:56.789+0000'", "0", "-1", "1700000000000",
                  "'1969-12-31T23:59:59Z'"],
    "timeuuid": ["50554d6e-29bb-11e5-b345-feff819cdc9f", "d2177dd0-eaa2-11de-a572-001b779c76e3",
                 "00000000-0000-1000-8080-808080808080"],
    "tinyint": ["0", "1", "-1", "127", "-128"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "123e4567-e89b-42d3-a456-426614174000",
             "50554d6e-29bb-11e5-b345-feff819cdc9f"],
    "varint": ["0", "1", "-1", "170141183460469231731687303715884105728"],
}

# Literals that some types refuse, in words worth comparing.
STRANGE = ["null", "'not a value'", "12345678901234567890123", "-1.5", "0xf", "true", "'2024-13-01'", "1.0", "'x'",
           "[1]", "{1}", "{1: 2}", "(1, 2)", "{}", "[]", "now", "'25:00:00'", "128", "40000", "P", "NaN", "0x00",
           "not-a-uuid", "00000000-0000-0000-0000-00000000000", "''"]


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


def literal(rng, kind, strange=0.02, null=0.0):
    """A literal of a type, or now and then of no type of the kind."""
    if rng.random() < strange:
        return rng.choice(STRANGE)
    if rng.random() < null:
        return "null"
    inner = lambda part: literal(rng, part, strange)
    if kind.name == "list":
        return "[" + ", ".join(inner(kind.parts[0]) for _ in range(rng.randint(0, 3))) + "]"
    if kind.name == "set":
        return "{" + ", ".join(inner(kind.parts[0]) for _ in range(rng.randint(0, 3))) + "}"
    if kind.name == "map":
        return "{" + ", ".join(f"{inner(kind.parts[0])}: {inner(kind.parts[1])}" for _ in range(rng.randint(0, 3))) + "}"
    if kind.name == "tuple":
        count = len(kind.parts) if rng.random() < 0.9 else rng.randint(1, len(kind.parts) + 1)
        parts = [(kind.parts + kind.parts)[place] for place in range(count)]
        return "(" + ", ".join(literal(rng, part, strange, 0.1) for part in parts) + ")"
    if kind.name == "vector":
        count = kind.size if rng.random() < 0.95 else kind.size + 1
        return "[" + ", ".join(inner(kind.parts[0]) for _ in range(count)) + "]"
    if kind.name == "udt":
        fields = [(name, part) for name, part in zip(kind.fields[1:], kind.parts) if rng.random() < 0.8]
        return "{" + ", ".join(f"{name}: {literal(rng, part, strange, 0.1)}" for name, part in fields) + "}"
    return rng.choice(LITERALS[kind.name])
