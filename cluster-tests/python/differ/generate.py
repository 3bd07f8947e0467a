"""Schemas and statements from a seed: valid, odd and invalid, over all types and clauses.

The generator keeps no model of the data: two servers that answer the same are right together. It avoids what cannot be the
same on two servers: clocks, random ids, and remaining times to live.
"""

import copy
import re

from values import (KEY_TYPES, NATIVE, NUMBERS, STRANGE, UNSET, Kind, Literal, collection, literal, random_kind,
                    with_length)

MANY = 4  # different values of a key column
ALL_FEATURES = ["bind", "counter", "ddl", "index", "json", "list", "lwt", "mask", "time", "ttl", "view"]
# Marks a value that is bound, with its number.
MARK = "\x01"


class Statement(str):
    """The text of a statement; the values bound to its markers if it is prepared; the seconds to wait before it."""

    def __new__(cls, text, values=None, wait=0):
        made = super().__new__(cls, text)
        made.values = values
        made.wait = wait
        return made


class Column:
    """A column of a table under test, with the few values its key values are drawn from."""

    def __init__(self, rng, name, role, kind):
        self.name = name
        self.role = role
        self.kind = kind
        self.indexed = False
        self.pool = [literal(rng, kind, strange=0) for _ in range(MANY)]

    def pick(self, generator):
        """A value for it; of keys mostly one of the few."""
        if (self.role in ("partition", "clustering") or self.indexed) and generator.some(0.97):
            return generator.rng.choice(self.pool)
        return literal(generator.rng, self.kind, null=0.08)

    def value(self, generator):
        """A value for it as the generator writes values."""
        if (self.role in ("partition", "clustering") or self.indexed) and generator.some(0.97):
            return generator.written(generator.rng.choice(self.pool), self.kind)
        return generator.lit(self.kind, null=0.08)


def order_of(rng, column):
    """The order of a clustering column: see "Collections in a clustering column with DESC" in docs/differences.md."""
    return "ASC" if column.kind.is_collection else rng.choice(["ASC", "DESC"])


class Table:
    """A table under test."""

    def __init__(self, rng, name, types, counter=False, timed=False):
        self.name = name
        self.counter = counter
        # Every write has a timestamp of the statement's, so that times can be read.
        self.timed = timed
        value_kind = lambda: Kind("counter") if counter else random_kind(rng, types)
        key_kind = lambda: self.key_kind(rng, types)
        self.partition = [Column(rng, f"p{i}", "partition", key_kind()) for i in range(rng.choice([1, 1, 1, 2]))]
        self.clustering = [Column(rng, f"c{i}", "clustering", key_kind()) for i in range(rng.choice([0, 1, 1, 2, 3]))]
        self.orders = [order_of(rng, column) for column in self.clustering]
        statics = rng.choice([0, 0, 1, 2]) if self.clustering else 0
        self.static = [Column(rng, f"s{i}", "static", value_kind()) for i in range(statics)]
        self.regular = [Column(rng, f"r{i}", "regular", value_kind()) for i in range(rng.randint(1 if counter else 0, 3 if counter else 6))]
        self.added = 0

    @staticmethod
    def key_kind(rng, types):
        if rng.random() < 0.85:
            return Kind(rng.choice(KEY_TYPES))
        while True:
            kind = random_kind(rng, types, 1)
            if "duration" not in str(kind):
                kind.frozen = kind.frozen or kind.is_collection or kind.name == "udt"
                return kind

    @property
    def columns(self):
        return self.partition + self.clustering + self.static + self.regular

    @property
    def values(self):
        return self.static + self.regular

    def create(self, rng):
        columns = [f"{c.name} {c.kind}{' static' if c.role == 'static' else ''}" for c in self.columns]
        partition = ", ".join(c.name for c in self.partition)
        if len(self.partition) > 1:
            partition = f"({partition})"
        key = ", ".join([partition, *(c.name for c in self.clustering)])
        options = []
        if self.clustering and rng.random() < 0.7:
            orders = ", ".join(f"{c.name} {order}" for c, order in zip(self.clustering, self.orders))
            options.append(f"CLUSTERING ORDER BY ({orders})")
        # Deletions may be forgotten at any time there: what was written before them could come back, if times were the statements'.
        self.forgets = not self.timed and rng.random() < 0.12
        options += rng.choice([[], [], ["gc_grace_seconds = 0"] if self.forgets else [], ["comment = 'it''s'"],
                               ["compression = {'class': 'LZ4Compressor', 'chunk_length_in_kb': 4}"],
                               *([] if self.counter else [["default_time_to_live = 1000000"]]), ["bloom_filter_fp_chance = 0.1"]])
        text = f"CREATE TABLE {self.name} ({', '.join(columns)}, PRIMARY KEY ({key}))"
        return text + (" WITH " + " AND ".join(options) if options else "")


class View(Table):
    """A materialized view of a table under test: it is read like a table."""

    def __init__(self, rng, name, base):
        self.name = name
        self.base = base
        self.counter, self.timed, self.forgets, self.static, self.added = False, base.timed, base.forgets, [], 0
        keys = base.partition + base.clustering
        fit = [c for c in base.regular if not c.kind.is_multicell and "duration" not in str(c.kind)]
        extra = [rng.choice(fit)] if fit and rng.random() < 0.7 else []
        for column in extra:
            # Its values repeat, so that rows of the view come, go and come back.
            column.indexed = True
        keys = rng.sample(keys + extra, len(keys) + len(extra))
        split = min(len(keys), rng.choice([1, 1, 2]))
        others = [c for c in base.regular if c not in keys]
        self.whole = not base.static and rng.random() < 0.6
        if not self.whole:
            others = [c for c in others if rng.random() < 0.6]
        self.partition = [self.column(c, "partition") for c in keys[:split]]
        self.clustering = [self.column(c, "clustering") for c in keys[split:]]
        self.regular = [self.column(c, "regular") for c in others]
        self.orders = [order_of(rng, column) for column in self.clustering]

    @staticmethod
    def column(of, role):
        made = copy.copy(of)
        made.role = role
        return made

    def create(self, rng):
        keys = self.partition + self.clustering
        what = "*" if self.whole else ", ".join(c.name for c in self.columns)
        where = " AND ".join(f"{c.name} IS NOT NULL" for c in keys)
        partition = f"({', '.join(c.name for c in self.partition)})"
        key = ", ".join([partition, *(c.name for c in self.clustering)])
        text = f"CREATE MATERIALIZED VIEW {self.name} AS SELECT {what} FROM {self.base.name} WHERE {where} PRIMARY KEY ({key})"
        if self.clustering:
            orders = ", ".join(f"{c.name} {order}" for c, order in zip(self.clustering, self.orders))
            text += f" WITH CLUSTERING ORDER BY ({orders})"
        return text


class Generator:
    """An endless run of statements from one seed."""

    def __init__(self, rng, features=()):
        self.rng = rng
        self.features = set(features)
        self.types = []
        self.tables = []
        self.views = []
        self.keyspace = None
        # The values of the statement under way that may be bound, if it is to be prepared.
        self.marked = None
        # How many writes that expire were given a time of their own.
        self.expired = 0
        self.later = []

    def some(self, chance):
        return self.rng.random() < chance

    # Values

    def lit(self, kind, strange=0.02, null=0.0):
        """A value of a type as a statement may have it."""
        value = literal(self.rng, kind, strange, null)
        if value.data and kind.name in NATIVE and self.some(0.02):
            value = self.computed(value, kind.name)
        return self.written(value, kind)

    def computed(self, value, name):
        """The value by another way."""
        forms = [f"({name}) {value}"]
        if not value.startswith("$"):
            json = self.json(Kind(name), value).replace("'", "''")
            forms.append(f"from_json('{json}')")
        if name != "blob":
            forms += [f"blob_as_{name}(0x{value.data.hex()})", f"blob_as_{name}({name}_as_blob({value}))"]
        if name in NUMBERS:
            forms += [f"abs({value})", f"-({value})", f"-{value}"]
        # The sum of decimals may be equal to another value and have another scale.
        if name in NUMBERS and name != "decimal":
            forms.append(f"{value} + {self.rng.choice([0, 1])}")
        return Literal(self.rng.choice(forms), value.data)

    def written(self, value, kind):
        """The value's text, or a mark for one that will be bound."""
        if self.marked is None or not self.some(0.6):
            return value
        return self.mark(value.data)

    def mark(self, data):
        """A marker, now and then for null or no value."""
        pick = self.rng.random()
        self.marked.append(UNSET if pick < 0.04 else None if pick < 0.06 else data)
        return f"{MARK}{len(self.marked) - 1}{MARK}"

    def in_values(self, column, least=0):
        """What stands behind the IN of a key column, of `least` values at least."""
        picks = [column.pick(self) for _ in range(self.rng.randint(least, 3))]
        if self.marked is not None and self.some(0.3):
            return self.mark(collection(picks, len(picks)))
        return f"({', '.join(self.written(pick, column.kind) for pick in picks)})"

    def finished(self, text, wait=0):
        """The statement of a text with marks."""
        if self.marked is None:
            return Statement(text, None, wait)
        values = []

        def bound(found):
            values.append(self.marked[int(found.group(1))])
            return "?"

        text = re.sub(f"{MARK}(\\d+){MARK}", bound, text)
        self.marked = None
        return Statement(text, values, wait)

    # Schema

    def begin(self):
        """The statements that make types and tables."""
        rng = self.rng
        for number in range(rng.randint(0, 2)):
            fields = [(f"f{i}", random_kind(rng, self.types, 1, frozen=True)) for i in range(rng.randint(1, 3))]
            name = f"u{number}"
            yield f"CREATE TYPE {name} ({', '.join(f'{field} {kind}' for field, kind in fields)})"
            self.types.append((name, fields))
        for number in range(rng.randint(1, 2)):
            table = Table(rng, f"t{number}", self.types, timed="time" in self.features and self.some(0.3))
            yield table.create(rng)
            self.tables.append(table)
            if "index" in self.features and self.some(0.4):
                yield from self.indexes(table)
            if "view" in self.features and not table.forgets and self.some(0.3):
                for _ in range(rng.randint(1, 2)):
                    view = View(rng, f"v{len(self.views)}", table)
                    yield view.create(rng)
                    self.views.append(view)
        if "counter" in self.features and self.some(0.25):
            table = Table(rng, "t9", self.types, counter=True)
            yield table.create(rng)
            self.tables.append(table)

    def indexes(self, table):
        """Indexes on an empty table: on rows that are there two servers build them at different speeds."""
        rng = self.rng
        for _ in range(rng.randint(1, 5)):
            column = rng.choice(table.columns)
            targets = [column.name]
            if column.kind.is_collection:
                targets = [f"{part}({column.name})" for part in ("values", "keys", "entries", "full")]
            column.indexed = True
            yield f"CREATE INDEX ON {table.name} ({rng.choice(targets)})"

    def statement(self):
        """The next statement."""
        if self.later:
            return self.later.pop(0)
        if "bind" in self.features and self.some(0.3):
            self.marked = []
        table = self.rng.choice(self.tables)
        if "ttl" in self.features and not table.counter and self.some(0.004):
            return self.expiring(table)
        if self.views and self.some(0.2):
            view = self.rng.choice(self.views)
            return self.finished(self.insert(view) if self.some(0.03) else self.select(view))
        return self.finished(self.text(table))

    def text(self, table):
        deletes = 0 if table.counter else 10
        kinds = [(30 if not table.counter else 3, self.insert), (12 if not table.counter else 40, self.update), (deletes, self.delete),
                 (5, self.batch), (45, self.select), (1.0, self.alter), (0 if table.counter else 0.3, self.truncate),
                 (3 if "json" in self.features else 0, self.insert_json)]
        if "ddl" in self.features:
            kinds += [(1.0, self.odd_schema), (1.0, self.schema_read)]
        pick = self.rng.random() * sum(weight for weight, _ in kinds)
        for weight, make in kinds:
            pick -= weight
            if pick <= 0:
                return make(table)
        return self.select(table)

    def expiring(self, table):
        """Writes that are gone when the next statement is run."""
        self.marked = None
        # What lies under a row that expires must not show again: see "A row that lives only by a column" in docs/differences.md.
        by_insert = self.some(0.6) or not table.values
        make = (lambda: self.insert(table, "TTL 1", whole=True)) if by_insert else (lambda: self.update(table, "TTL 1"))
        texts = [make() for _ in range(self.rng.randint(1, 4))]
        self.later = [Statement(text) for text in texts[1:]]
        self.later.append(Statement(f"SELECT * FROM {table.name}", wait=2.1))
        self.later += [Statement(self.select(table)) for _ in range(3)]
        return Statement(texts[0])

    def truncate(self, table):
        return f"TRUNCATE {table.name}"

    def alter(self, table):
        rng = self.rng
        pick = rng.random()
        self.marked = None
        if pick < 0.4 or not table.regular:
            table.added += 1
            column = Column(rng, f"a{table.added}", "regular", Kind("counter") if table.counter else random_kind(rng, self.types))
            table.regular.append(column)
            return f"ALTER TABLE {table.name} ADD {column.name} {column.kind}"
        if pick < 0.7:
            column = rng.choice(table.regular)
            # A table with views keeps its columns.
            if not any(view.base is table for view in self.views):
                table.regular.remove(column)
            return f"ALTER TABLE {table.name} DROP {column.name}"
        return rng.choice([
            f"ALTER TABLE {table.name} WITH comment = 'x{rng.randint(0, 9)}'",
            f"ALTER TABLE {table.name} DROP {rng.choice(table.partition).name}",
            f"ALTER TABLE {table.name} ADD {rng.choice(table.columns).name} int",
            f"ALTER TABLE {table.name} WITH gc_grace_seconds = -1",
            f"ALTER TABLE {table.name} ALTER {rng.choice(table.columns).name} TYPE blob",
        ])

    def odd_schema(self, table):
        """A statement on the schema that is mostly refused, or changes types and names."""
        rng = self.rng
        self.marked = None
        kind = random_kind(rng, self.types)
        target = rng.choice(table.columns)
        forms = [
            f"CREATE TABLE {table.name} (k int PRIMARY KEY)", f"CREATE TABLE IF NOT EXISTS {table.name} (k int PRIMARY KEY)",
            f"CREATE TABLE x (k {kind} PRIMARY KEY, v nosuch)", f"CREATE TABLE x (k duration PRIMARY KEY, v {kind})",
            f"CREATE TABLE x (k list<{kind}> PRIMARY KEY)", f"CREATE TABLE x (k int, c set<int>, v {kind}, PRIMARY KEY (k, c))",
            f"CREATE TABLE x (k int PRIMARY KEY, v frozen<{kind}>, w list<{kind}>) WITH nosuch = 1",
            f"CREATE TABLE x (k int PRIMARY KEY, v map<{kind}, {kind}>) WITH gc_grace_seconds = 'a'",
            "CREATE TABLE x (k int, k int, PRIMARY KEY (k))", "CREATE TABLE x (k int, v int)", "CREATE TABLE x (k int, PRIMARY KEY (z))",
            "CREATE TABLE x (k int PRIMARY KEY, s int static)", "CREATE TABLE x (k int, c int, PRIMARY KEY (k, c)) WITH CLUSTERING ORDER BY (k ASC)",
            f"CREATE TABLE x (k int PRIMARY KEY, v vector<{kind}, 0>)", "CREATE TABLE x (k int PRIMARY KEY, v counter, w int)",
            f"CREATE TABLE x (k int PRIMARY KEY, v tuple<{kind}, counter>)", f"CREATE TABLE x (k int PRIMARY KEY, v int MASKED WITH DEFAULT)",
            f"DROP TABLE {rng.choice(['x', 'nosuch.x', 'IF EXISTS x', 'IF EXISTS nosuch.x'])}", f"DROP TYPE {rng.choice(['u0', 'u9', 'IF EXISTS u9', 'nosuch.u'])}",
            f"CREATE TYPE u0 (a {kind})", f"CREATE TYPE u9 (a {kind}, a int)", "CREATE TYPE u8 (a nosuch)", "CREATE TYPE u8 (a counter)",
            f"ALTER TYPE u0 ADD {rng.choice(['f0', 'a b', 'g'])} {kind}", "ALTER TYPE u9 ADD a int", "ALTER TYPE u0 RENAME nosuch TO b",
            f"ALTER TABLE {table.name} RENAME {target.name} TO {rng.choice(table.columns).name}", f"ALTER TABLE {table.name} RENAME nosuch TO x",
            f"ALTER TABLE {table.name} DROP nosuch", f"ALTER TABLE {table.name} DROP IF EXISTS nosuch", f"ALTER TABLE nosuch ADD x {kind}",
            f"ALTER TABLE {table.name} ADD IF NOT EXISTS {target.name} int", f"ALTER TABLE {table.name} ADD {table.name}x {kind} static",
            f"ALTER TABLE {table.name} DROP {table.name}x",
            f"ALTER TABLE {table.name} WITH {rng.choice(['compaction', 'compression', 'caching'])} = {rng.choice(['1', '{}', chr(123) + chr(39) + 'class' + chr(39) + ': ' + chr(39) + 'x' + chr(39) + chr(125)])}",
            f"CREATE INDEX ON {table.name} (nosuch)", f"CREATE INDEX ON nosuch ({target.name})", "DROP INDEX nosuch", "DROP INDEX IF EXISTS nosuch",
            f"CREATE INDEX ON {table.name} ({rng.choice(['keys', 'entries', 'full', 'values'])}({target.name}))" if "index" not in self.features else "DROP INDEX nosuch",
            "USE nosuch", "DROP KEYSPACE nosuch", "CREATE KEYSPACE x", "CREATE KEYSPACE x WITH replication = {}",
            "ALTER KEYSPACE nosuch WITH durable_writes = false", f"TRUNCATE nosuch",
        ]
        return rng.choice(forms)

    def schema_read(self, table):
        """What `system_schema` tells."""
        self.marked = None
        what = self.rng.choice([
            "table_name, column_name, clustering_order, kind, position, type FROM system_schema.columns",
            "table_name, additional_write_policy, bloom_filter_fp_chance, caching, comment, compaction, compression, default_time_to_live, flags, "
            "gc_grace_seconds, max_index_interval, memtable_flush_period_in_ms, min_index_interval, read_repair, speculative_retry FROM system_schema.tables",
            "* FROM system_schema.types", "table_name, column_name, kind, type FROM system_schema.dropped_columns",
            "* FROM system_schema.indexes", "* FROM system_schema.keyspaces",
        ])
        return f"SELECT {what} WHERE keyspace_name = '{self.keyspace}'"

    # Writes

    def using(self, table, ttl=True):
        """`ttl` may be the words themselves. What counters refuse Cassandra tells of a prepared statement only when it is executed."""
        rng, parts = self.rng, []
        timed = table.timed
        early = table.counter and self.marked is not None
        if timed or (self.some(0.12) and not early and not table.forgets):
            number = rng.choice([1, 1700000000000000, 5, -3, 0, *range(6, 20)])
            if ttl == "TTL 1":
                # Whether it is stronger than another write of its time depends on whether it was compacted since it expired.
                self.expired += 1
                number = rng.choice([20, -100]) + self.expired
            value = Literal(str(number), number.to_bytes(8, "big", signed=True))
            # Without a value it would be the clock's.
            parts.append(f"TIMESTAMP {value if timed else self.written(value, None)}")
        if isinstance(ttl, str):
            parts.append(ttl)
        elif ttl and self.some(0.08) and not early:
            number = rng.choice([1000000, 0, 2000000, -1, 630720001])
            ttl = self.written(Literal(str(number), number.to_bytes(4, "big", signed=True)), None)
            parts.append(f"TTL {rng.choice([ttl, ttl, ttl, 'null'])}")
        rng.shuffle(parts)
        return " USING " + " AND ".join(parts) if parts else ""

    def insert(self, table, ttl=True, whole=False):
        rng = self.rng
        columns = table.partition + table.clustering
        if table.static and not table.regular or self.some(0.04):
            columns = list(table.partition)
        if self.some(0.02):
            columns = columns[1:]
        columns = columns + [c for c in table.values if whole or self.some(0.6)]
        if self.some(0.1):
            rng.shuffle(columns)
        if self.some(0.01):
            columns.append(rng.choice(table.columns))
        names = [c.name for c in columns]
        values = [c.value(self) for c in columns]
        if names and self.some(0.01):
            names[-1] = "nosuch"
        if values and self.some(0.01):
            values.pop()
        condition = " IF NOT EXISTS" if "lwt" in self.features and not table.timed and self.some(0.1) else ""
        return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join(values)}){condition}{self.using(table, ttl)}"

    def insert_json(self, table):
        rng = self.rng
        columns = table.partition + table.clustering + [c for c in table.values if self.some(0.4)]
        marked, self.marked = self.marked, None
        members = [f'"{c.name}": {self.json(c.kind, rng.choice(c.pool) if c.role in ("partition", "clustering") else self.lit(c.kind))}'
                   for c in columns]
        if self.some(0.03):
            members.append('"nosuch": 1')
        text = "{" + ", ".join(members) + "}"
        self.marked = marked
        default = rng.choice(["", "", " DEFAULT UNSET", " DEFAULT NULL"])
        using = self.using(table)
        value = self.written(Literal("'" + text.replace("'", "''") + "'", text.encode()), None)
        return f"INSERT INTO {table.name} JSON {value}{default}{using}"

    def json(self, kind, text):
        """A literal's JSON, roughly: what it gets wrong is refused by both sides in the same words."""
        if text.startswith("'"):
            inner = text[1:-1].replace("''", "'").replace("\\", "\\\\").replace('"', '\\"')
            return f'"{inner}"'
        # Without quotes a decimal's digits are those of a double: a key equal to others, but written otherwise, which either may show.
        if kind.name in ("uuid", "decimal", "timeuuid", "blob", "duration", "ascii") or text in ("NaN", "Infinity", "-Infinity"):
            return f'"{text}"'
        return text.replace("'", '"').lower() if kind.name == "boolean" else text.replace("'", '"')

    def assignment(self, column):
        rng, name, kind = self.rng, column.name, column.kind
        if kind.name == "counter" and self.some(0.95):
            return f"{name} {rng.choice(['+=', '-=', f'= {name} +', f'= {name} -'])} {self.lit(kind, null=0.02)}"
        value = lambda: self.lit(kind, null=0.05)
        if kind.is_multicell and kind.is_collection and self.some(0.75):
            part = kind.parts[-1]
            forms = [f"{name} = {name} + {value()}", f"{name} = {name} - {value()}", f"{name} += {value()}",
                     f"{name} -= {value()}", f"{name} = {value()}"]
            if kind.name == "list":
                forms += [f"{name} = {value()} + {name}", *([f"{name}[{rng.randint(-1, 3)}] = {self.lit(part, null=0.1)}"] if "list" in self.features else [])]
            if kind.name == "map":
                keys = Kind("set", [kind.parts[0]])
                forms += [f"{name}[{self.lit(kind.parts[0])}] = {self.lit(part, null=0.1)}",
                          f"{name} = {name} - {self.lit(keys)}"]
            return rng.choice(forms)
        if kind.is_multicell and kind.name == "udt" and self.some(0.5):
            place = rng.randrange(len(kind.parts))
            return f"{name}.{kind.fields[place + 1]} = {self.lit(kind.parts[place], null=0.1)}"
        if self.some(0.02):
            return f"{name} = {name} + {value()}"
        if kind.name in NUMBERS and self.some(0.1):
            return f"{name} = {value()} {rng.choice('+-*/%')} {value()}"
        return f"{name} = {value()}"

    def key_where(self, table, ranges=False):
        """Restrictions of the primary key, mostly whole."""
        rng, parts = self.rng, []
        # Cassandra fails inside at a write to elements of lists of no partition, and the data would differ from there on.
        least = 0 if ranges or not any(column.kind.name == "list" for column in table.values) else 1
        if ranges and table.clustering and self.some(0.06):
            return f"{self.static_where(table)} AND {self.multi(table)}"
        for column in table.partition:
            if self.some(0.08):
                parts.append(f"{column.name} IN {self.in_values(column, least)}")
            elif not self.some(0.01):
                parts.append(f"{column.name} = {column.value(self)}")
        for column in table.clustering:
            pick = rng.random()
            if pick < 0.08:
                parts.append(f"{column.name} IN {self.in_values(column, least)}")
            elif pick < (0.3 if ranges else 0.03):
                parts.append(f"{column.name} {rng.choice(['<', '<=', '>', '>='])} {column.value(self)}")
                if self.some(0.3):
                    parts.append(f"{column.name} {rng.choice(['<', '<=', '>', '>='])} {column.value(self)}")
                break
            elif pick < (0.45 if ranges else 0.05):
                break
            else:
                parts.append(f"{column.name} = {column.value(self)}")
        if self.some(0.02) and table.regular:
            column = rng.choice(table.regular)
            parts.append(f"{column.name} = {column.value(self)}")
        if self.some(0.1):
            rng.shuffle(parts)
        return " AND ".join(parts) or f"{table.partition[0].name} = null"

    def static_where(self, table):
        return " AND ".join(f"{c.name} = {c.value(self)}" for c in table.partition)

    def condition(self, table):
        rng = self.rng
        if "lwt" not in self.features or table.timed or not self.some(0.12):
            return ""
        if self.some(0.3) or not table.values:
            return " IF EXISTS"
        parts = []
        for column in rng.sample(table.values, rng.randint(1, min(2, len(table.values)))):
            kind, name = column.kind, column.name
            operator = rng.choice(["=", "=", "!=", "<", "<=", ">", ">="])
            forms = [f"{name} {operator} {self.lit(kind, null=0.2)}",
                     f"{name} IN ({self.lit(kind)}, {self.lit(kind)})"]
            if kind.name == "map":
                forms.append(f"{name}[{self.lit(kind.parts[0])}] {operator} {self.lit(kind.parts[1], null=0.1)}")
            if kind.name == "list":
                forms.append(f"{name}[{rng.randint(-1, 2)}] {operator} {self.lit(kind.parts[0], null=0.1)}")
            if kind.name == "udt":
                place = rng.randrange(len(kind.parts))
                forms.append(f"{name}.{kind.fields[place + 1]} {operator} {self.lit(kind.parts[place], null=0.1)}")
            parts.append(rng.choice(forms))
        return " IF " + " AND ".join(parts)

    def update(self, table, ttl=True):
        rng = self.rng
        if not table.values:
            return self.insert(table)
        columns = rng.sample(table.values, rng.randint(1, min(3, len(table.values))))
        statics_only = all(c.role == "static" for c in columns) and self.some(0.7)
        where = self.static_where(table) if statics_only else self.key_where(table)
        assignments = ", ".join(self.assignment(c) for c in columns)
        return f"UPDATE {table.name}{self.using(table, ttl)} SET {assignments} WHERE {where}{self.condition(table)}"

    def delete(self, table):
        rng, what, statics = self.rng, [], False
        if table.values and self.some(0.4):
            columns = rng.sample(table.values, rng.randint(1, min(2, len(table.values))))
            statics = all(c.role == "static" for c in columns) and self.some(0.7)
            for column in columns:
                kind, name = column.kind, column.name
                if kind.name == "map" and self.some(0.5):
                    what.append(f"{name}[{self.lit(kind.parts[0])}]")
                elif kind.name in ("list", "set") and self.some(0.3):
                    what.append(f"{name}[{rng.choice(['0', '1', self.lit(kind.parts[0])])}]")
                elif kind.name == "udt" and self.some(0.4):
                    what.append(f"{name}.{rng.choice(kind.fields[1:])}")
                else:
                    what.append(name)
        where = self.static_where(table) if statics else self.key_where(table, ranges=not what)
        words = (" " + ", ".join(what)) if what else ""
        return f"DELETE{words} FROM {table.name}{self.using(table, self.some(0.02))} WHERE {where}{self.condition(table)}"

    def batch(self, table):
        rng = self.rng
        kind = rng.choice(["BATCH", "BATCH", "UNLOGGED BATCH"])
        if table.counter and self.some(0.9):
            kind = "COUNTER BATCH"
            return f"BEGIN {kind} " + "; ".join(self.update(table) for _ in range(rng.randint(1, 3))) + "; APPLY BATCH"
        make = [self.insert, self.update, self.delete]
        tables = [table] if self.some(0.7) else [other for other in self.tables if not other.counter]
        parts = []
        for _ in range(rng.randint(1, 4)):
            write, of = rng.choice(make), rng.choice(tables)
            # A counter that was deleted goes on from what Cassandra's cache remembers.
            parts.append((self.update if of.counter and write == self.delete else write)(of))
        using = " USING TIMESTAMP 1234" if self.some(0.1) and not any(other.timed or other.forgets for other in self.tables) else ""
        return f"BEGIN {kind}{using} " + "; ".join(parts) + "; APPLY BATCH"

    # Reads

    def selector(self, table):
        rng = self.rng
        column = rng.choice(table.columns)
        name, kind = column.name, column.kind
        forms = [name] * 6
        forms += [f"{name} AS \"As {rng.randint(0, 9)}\"", f"to_json({name})", f"CAST({name} AS text)", f"({kind}) {name}"]
        if kind.name in NATIVE:
            forms += [f"{kind.name}_as_blob({name})" if kind.name != "blob" else f"blob_as_text({name})",
                      f"CAST({name} AS {rng.choice(NATIVE)})"]
        if kind.name in NATIVE and "mask" in self.features:
            forms += [f"mask_default({name})", f"mask_null({name})", f"mask_replace({name}, {self.lit(kind)})",
                      f"mask_hash({name})", f"mask_inner({name}, 1, 1)", f"mask_outer({name}, 1, 0)"]
        if kind.name in NUMBERS:
            other = self.lit(Kind(rng.choice(NUMBERS)), strange=0)
            forms += [f"{name} {rng.choice('+-*/%')} {other}", f"-{name}", f"abs({name})", f"round({name})",
                      f"exp({name})", f"log({name})", f"log10({name})",
                      f"{name} {rng.choice('+-*/%')} {rng.choice(table.columns).name}"]
        if kind.name in ("timestamp", "date", "timeuuid"):
            forms += [f"to_date({name})", f"to_timestamp({name})", f"to_unix_timestamp({name})", f"{name} + 2d",
                      f"{name} - 1mo", f"floor({name}, {rng.choice(['1d', '1h', '3mo', '2y', '1mo2d'])})"]
        if kind.name == "timeuuid":
            forms += [f"min_timeuuid({name})"]
        if kind.name in ("list", "set", "map"):
            forms += [f"collection_count({name})", f"collection_min({name})", f"collection_max({name})",
                      f"collection_sum({name})", f"collection_avg({name})",
                      f"count({name})"]
        if kind.name == "map":
            key = lambda: self.lit(kind.parts[0])
            forms += [f"{name}[{key()}]", f"{name}[{key()}..{key()}]", f"{name}[{key()}..]", f"{name}[..{key()}]",
                      f"map_keys({name})", f"map_values({name})"]
        if kind.name == "set":
            value = lambda: self.lit(kind.parts[0])
            forms += [f"{name}[{value()}]", f"{name}[{value()}..{value()}]", f"{name}[{value()}..]"]
        if kind.name == "udt":
            forms += [f"{name}.{field}" for field in kind.fields[1:]] + [f"{name}.nosuch"]
        if kind.name == "vector":
            forms += [f"similarity_{which}({name}, {self.lit(kind)})" for which in ("cosine", "euclidean", "dot_product")]
        if table.timed and column.role in ("static", "regular"):
            forms += [f"writetime({name})", f"writetime({name})", f"maxwritetime({name})"]
            if kind.name in ("map", "set"):
                forms += [f"writetime({name}[{self.lit(kind.parts[0])}])", f"writetime({name}[{self.lit(kind.parts[0])}..])"]
            if kind.name == "udt":
                forms += [f"writetime({name}.{field})" for field in kind.fields[1:]]
        if column.role == "partition":
            # With nulls inside Cassandra answers what drivers cannot read, or a server error.
            forms += [f"[{name}, {name}]", f"{{{name}}}", f"{{{name}: {name}}}"]
        forms += [f"({name}, {rng.choice(table.columns).name})", "nosuch", f"nosuch({name})", self.lit(Kind(rng.choice(NATIVE))), f"(int) {rng.choice(STRANGE)}"]
        return rng.choice(forms)

    def aggregate(self, table):
        rng = self.rng
        name = rng.choice(table.columns).name
        return rng.choice(["count(*)", "count(1)", *(f"{each}({name})" for each in ("count", "min", "max", "sum", "avg"))])

    def filter(self, table):
        """A restriction of any column."""
        rng = self.rng
        column = rng.choice(table.columns)
        name, kind = column.name, column.kind
        value = lambda: column.value(self)
        forms = [f"{name} = {value()}", f"{name} {rng.choice(['<', '<=', '>', '>='])} {value()}",
                 f"{name} IN ({value()}, {value()})"]
        if kind.is_collection:
            forms += [f"{name} CONTAINS {self.lit(kind.parts[-1])}"] * 2
        if kind.name == "map":
            forms += [f"{name} CONTAINS KEY {self.lit(kind.parts[0])}",
                      f"{name}[{self.lit(kind.parts[0])}] = {self.lit(kind.parts[1])}"]
        if self.some(0.06):
            forms = [f"{name} != {value()}", f"{name} IS NOT NULL", f"{name} LIKE 'a%'", f"{name} CONTAINS 1", "nosuch = 1"]
        return rng.choice(forms)

    def by_index(self, column):
        """What an index of the column may answer."""
        rng, kind, name = self.rng, column.kind, column.name
        forms = [f"{name} = {column.value(self)}"]
        if kind.is_multicell:
            forms = [f"{name} CONTAINS {self.lit(kind.parts[-1])}"]
            if kind.name == "map":
                forms += [f"{name} CONTAINS KEY {self.lit(kind.parts[0])}",
                          f"{name}[{self.lit(kind.parts[0])}] = {self.lit(kind.parts[1])}"]
        return rng.choice(forms)

    def multi(self, table):
        """A restriction of several clustering columns."""
        rng = self.rng
        columns = table.clustering[rng.choice([0, 0, 0, 1]):][:rng.randint(1, 3)]
        names = ", ".join(c.name for c in columns)
        values = lambda: "(" + ", ".join(c.value(self) for c in columns) + ")"
        whole = lambda: b"".join(with_length(c.pick(self).data) for c in columns)
        if self.some(0.3):
            if self.marked is not None and self.some(0.3):
                rows = [Literal("", whole()) for _ in range(rng.randint(0, 3))]
                return f"({names}) IN {self.mark(collection(rows, len(rows)))}"
            return f"({names}) IN ({', '.join(values() for _ in range(rng.randint(0, 3)))})"
        value = self.mark(whole()) if self.marked is not None and self.some(0.3) else values()
        return f"({names}) {rng.choice(['=', '<', '<=', '>', '>='])} {value}"

    def token(self, table):
        names = ", ".join(c.name for c in table.partition)
        values = ", ".join(c.value(self) for c in table.partition)
        right = self.rng.choice([f"token({values})", "0", "-9223372036854775808", "5000000000000000000"])
        return f"token({names}) {self.rng.choice(['<', '<=', '>', '>=', '='])} {right}"

    def where(self, table):
        rng, parts = self.rng, []
        pick = rng.random()
        if pick < 0.55:
            parts.append(self.key_where(table, ranges=True))
        elif pick < 0.65:
            parts.append(self.token(table))
        elif pick < 0.75 and table.clustering:
            parts += [self.static_where(table), self.multi(table)]
        if "index" in self.features and self.some(0.6):
            indexed = [column for column in table.columns if column.indexed]
            if self.some(0.8):
                parts = []
            if indexed:
                parts.append(self.by_index(rng.choice(indexed)))
        if self.some(0.2):
            parts.append(self.filter(table))
        return " WHERE " + " AND ".join(parts) if parts else ""

    def select(self, table):
        rng = self.rng
        group = ""
        pick = rng.random()
        if pick < 0.45:
            what = "*"
        elif pick < 0.85:
            what = ", ".join(self.selector(table) for _ in range(rng.randint(1, 3)))
        else:
            what = ", ".join(self.aggregate(table) for _ in range(rng.randint(1, 3)))
            if self.some(0.5):
                names = [c.name for c in table.partition + table.clustering]
                names = names[:rng.randint(1, len(names))]
                if self.some(0.1):
                    names = names[1:] or names
                group = " GROUP BY " + ", ".join(names)
                timed = [c.name for c in table.clustering if c.kind.name in ("timestamp", "date", "timeuuid")]
                if timed and self.some(0.3):
                    group += f", floor({rng.choice(timed)}, {rng.choice(['1d', '1h', '1mo'])})"
                what = ", ".join([*names, what])
        words = "JSON " if self.some(0.06) else ""
        if self.some(0.06):
            words += "DISTINCT "
            if self.some(0.8):
                what = ", ".join(c.name for c in table.partition + table.static[:1])
        order = ""
        if table.clustering and self.some(0.2):
            columns = table.clustering[:rng.randint(1, len(table.clustering))]
            flip = self.some(0.5)
            turned = {"ASC": "DESC", "DESC": "ASC"}
            directions = [turned[o] if flip else o for o in table.orders]
            if self.some(0.1):
                directions = [rng.choice(["ASC", "DESC"]) for _ in columns]
            order = " ORDER BY " + ", ".join(f"{c.name} {d}" for c, d in zip(columns, directions))
        number = lambda value: self.written(Literal(str(value), value.to_bytes(4, "big", signed=True)), None)
        per = f" PER PARTITION LIMIT {number(rng.choice([1, 2, 0]))}" if self.some(0.07) else ""
        limit = f" LIMIT {number(rng.choice([1, 2, 3, 10, 0, -1]))}" if self.some(0.15) else ""
        filtering = " ALLOW FILTERING" if self.some(0.45) else ""
        return f"SELECT {words}{what} FROM {table.name}{self.where(table)}{group}{order}{per}{limit}{filtering}"
