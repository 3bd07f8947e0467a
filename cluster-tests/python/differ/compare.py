"""Runs what `generate.py` makes on two servers side by side and tells where they answer differently."""

import pathlib
import random
import re
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent.parent)]

from cassandra import ConsistencyLevel, RequestExecutionException
from cassandra.cluster import NoHostAvailable
from cassandra.protocol import ErrorMessage, TruncateError
from cassandra.query import UNSET_VALUE, BoundStatement, SimpleStatement

from generate import ALL_FEATURES, Generator, Statement
from known import BY_DELETED_ELEMENTS, BY_TRUNCATED_INDEX, LEFT_IN_VIEW, MISSED, NOT_SELECTED, columns_of, fits_equalities, parts, reason_for, rows_more
from test_answers import answer_of, code_of, error_lines
from values import UNSET

SECONDS = 30
# There is no answer: the driver cannot read some of Cassandra's, such as lists with nulls in them, and Cassandra does not take back
# some of its own paging states.
BROKEN = ("no answer:", "error 0x000a Invalid value for the paging state", "error NoHostAvailable", "error DriverException", "error Connection", "error OperationTimedOut")

REFUSED = ("error 0x20", "error 0x21", "error 0x22")
TRUNCATED = re.compile(r"TRUNCATE (?:TABLE )?(t\d+)\b")
# The tables that a write or a batch names.
WRITTEN = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE\b[^;]*? FROM) (t\d+)\b")


class Difference:
    """A statement that two servers answer differently."""

    def __init__(self, seed, number, statement, theirs, ours):
        self.seed = seed
        self.number = number
        self.statement = shown_with_values(statement)
        self.theirs = theirs
        self.ours = ours

    def __str__(self):
        lines = [f"seed {self.seed}, statement {self.number}: {self.statement}"]
        lines += [f"  Cassandra: {line}" for line in self.theirs] + [f"  Helenus:   {line}" for line in self.ours]
        return "\n".join(lines)


def shown_with_values(statement):
    """The text, and the values that are bound."""
    if not statement.values:
        return statement
    texts = ("unset" if value is UNSET else "null" if value is None else f"0x{value.hex()}" for value in statement.values)
    return f"{statement} -- {', '.join(texts)}"


def comparable(line):
    """A line without what differs between two runs of Cassandra: the order in which it names a function's signatures."""
    head, mark, signatures = line.partition("known type signatures: ")
    return head + mark + ", ".join(sorted(signatures.rstrip(")").split(", system."))) if mark else line


def run_both(sessions, statement, page):
    """What each answers; both work at the same time."""
    if statement.values is not None:
        return run_prepared(sessions, statement, page)
    query = SimpleStatement(statement, consistency_level=ConsistencyLevel.ONE, fetch_size=page)
    futures = [session.execute_async(query, timeout=SECONDS) for session in sessions]
    return [lines_of(future) for future in futures]


def run_prepared(sessions, statement, page):
    """As `run_both`, of a statement that is prepared first: what that tells comes before the answer. Where one refuses to prepare it,
    the other is asked to execute it all the same: some of what Cassandra prepares ends in a Java exception."""
    told = [prepared(session, statement) for session in sessions]
    futures = []
    for session, (found, _) in zip(sessions, told):
        if found is None:
            futures.append(None)
            continue
        bound = BoundStatement(found, consistency_level=ConsistencyLevel.ONE, fetch_size=page)
        bound.values = [UNSET_VALUE if value is UNSET else value for value in statement.values]
        futures.append(session.execute_async(bound, timeout=SECONDS))
    return [lines + (lines_of(future) if future else []) for future, (_, lines) in zip(futures, told)]


def prepared(session, statement):
    """The prepared statement and what is told of it, or None and the error."""
    try:
        found = session.prepare(str(statement))
    except Exception as error:
        return None, [comparable(line) for line in error_lines(code_of(error))]
    names = ", ".join(f"{column.name} {column.type.cql_parameterized_type()}" for column in found.column_metadata or [])
    return found, [f"prepared {names}; key {found.routing_key_indexes}"]


def lines_of(future):
    """The lines of an answer, or why there is none."""
    try:
        return [comparable(line) for line in answer_of(future)]
    except ErrorMessage as error:
        return [comparable(line) for line in error_lines(code_of(error))]
    except Exception as error:
        if isinstance(getattr(error, "__cause__", None), ErrorMessage) or isinstance(error, RequestExecutionException):
            return [comparable(line) for line in error_lines(code_of(error))]
        return [f"no answer: {type(error).__name__}: {error}"]


def is_broken(lines):
    return any(line.startswith(BROKEN) for line in lines)


def wait_for(session):
    """Waits until a session whose connection was lost has another."""
    for _ in range(300):
        try:
            session.execute("SELECT key FROM system.local")
            return
        except NoHostAvailable:
            time.sleep(0.1)


def rows_of(statement):
    """The statement that reads all columns of all rows that a SELECT works with; None if it is that one."""
    ends = r"(?: GROUP BY .*?)?(?: ORDER BY .*?)?(?: PER PARTITION LIMIT \S+)?(?: LIMIT \S+)?( ALLOW FILTERING)?"
    found = re.fullmatch(rf"SELECT (.*?) FROM (t\d WHERE .*?){ends}", statement)
    if not found:
        return None
    text = f"SELECT * FROM {found[2]}{found[3] or ''}"
    if text == statement:
        return None
    before = found[1].count("?")
    return Statement(text, statement.values and statement.values[before:before + found[2].count("?")])


class Seed:
    """One seed's keyspace and statements."""

    def __init__(self, sessions, seed, features, disturb):
        self.sessions = sessions
        self.seed = seed
        self.rng = random.Random(seed)
        self.generator = Generator(self.rng, features)
        self.disturb = disturb
        self.keyspace = f"differ_{seed}"
        self.generator.keyspace = self.keyspace
        self.truncated = set()
        self.is_spent = False
        self.count = 0

    def both(self, statement, page=5000):
        if statement.wait:
            time.sleep(statement.wait)
        self.count += 1
        self.truncated.update(TRUNCATED.findall(str(statement)))
        theirs, ours = run_both(self.sessions, statement, page)
        for session, lines in zip(self.sessions, (theirs, ours)):
            if is_broken(lines):
                wait_for(session)
        if theirs == ours:
            return None
        broken = is_broken(theirs) and (not is_broken(ours) or "shutdown" in " ".join(ours))
        if broken or self.is_known(statement, theirs, ours) or self.has_known_rows(statement, page):
            self.make_alike(statement, theirs, ours)
            return None
        return Difference(self.seed, self.count, statement, theirs, ours)

    def is_known(self, statement, theirs, ours):
        reason = reason_for(shown_with_values(statement), theirs, ours)
        return bool(reason) and self.is_borne_out(reason, statement, theirs, ours)

    def has_known_rows(self, statement, page):
        """True where the rows that something was worked out of (aggregates, JSON, the first ones) differ for a known reason: all of
        them, or as they come in pages."""
        rows = rows_of(statement)
        if rows is None:
            return False
        for size in dict.fromkeys((5000, page)):
            theirs, ours = run_both(self.sessions, rows, size)
            if theirs != ours:
                return self.is_known(rows, theirs, ours)
        return False

    def is_borne_out(self, reason, statement, theirs, ours):
        """Rows that Cassandra's answer misses are known only where Cassandra has them: it tells them when it is asked for all rows, or
        for as many when it is asked for all columns, or for one page. That they belong into the answer is seen by the columns that have one value."""
        if reason == LEFT_IN_VIEW:
            return self.has_no_rows_for(statement, rows_more(ours, theirs), ours)
        if reason not in MISSED:
            return True
        if reason == BY_TRUNCATED_INDEX and not self.truncated.intersection(re.findall(r" FROM (t\d+) ", statement)):
            return False
        if reason == BY_DELETED_ELEMENTS:
            return "?" not in statement and self.ask(statement) == [line for line in ours if not line.startswith("prepared ")]
        selected, rest = re.match(r"SELECT (.*?) FROM (.*)", statement).groups()
        question = f"SELECT * FROM {rest}" if reason == NOT_SELECTED else f"SELECT {selected} FROM {rest.split()[0]}"
        if "?" in question:
            return False
        rows = [line[len("row "):] for line in self.ask(question) if line.startswith("row ")]
        if reason == NOT_SELECTED:
            return len(rows) == sum(line.startswith("row ") for line in ours)
        return set(rows_more(theirs, ours)) <= set(rows) and fits_equalities(statement, ours)

    def has_no_rows_for(self, statement, more, lines):
        """True where Cassandra has no row in the table of a view that has the keys of these rows."""
        view = re.match(r"SELECT \* FROM (v\d)", statement)[1]
        base = f"SELECT base_table_name FROM system_schema.views WHERE keyspace_name = '{self.keyspace}' AND view_name = '{view}'"
        table = self.ask(base)[-1].removeprefix("row ").strip("'")
        names = [column.split()[0] for column in parts(columns_of(lines))]
        places = [place for place, name in enumerate(names) if re.fullmatch(r"[pc]\d", name)]
        held = self.ask(f"SELECT {', '.join(names[place] for place in places)} FROM {table}")
        lost = {", ".join(parts(row)[place] for place in places) for row in more}
        return held[0].startswith("columns ") and lost.isdisjoint(line[len("row "):] for line in held)

    def ask(self, question):
        """Cassandra's answer to another statement."""
        query = SimpleStatement(question, consistency_level=ConsistencyLevel.ONE, fetch_size=5000)
        return lines_of(self.sessions[0].execute_async(query, timeout=SECONDS))

    def make_alike(self, statement, theirs, ours):
        """Empties the tables of a write that only one of the two may have done: what they answer later would differ for the same reason.
        Where Cassandra cannot empty one, which a value that is none of its type brings about, the seed ends."""
        if all(lines[-1].startswith(REFUSED) for lines in (theirs, ours)):
            return
        for table in dict.fromkeys(WRITTEN.findall(str(statement))):
            self.truncated.add(table)
            try:
                self.sessions[0].execute(f"TRUNCATE {table}", timeout=SECONDS)
            except TruncateError:
                self.is_spent = True
                return
            self.sessions[1].execute(f"TRUNCATE {table}", timeout=SECONDS)

    def statements(self, count):
        yield from map(Statement, self.generator.begin())
        for _ in range(count):
            yield self.generator.statement()

    def run(self, count, most):
        """The differences, at most `most` of them: behind the first ones the data may differ."""
        replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
        for session in self.sessions:
            session.execute(f"DROP KEYSPACE IF EXISTS {self.keyspace}", timeout=SECONDS)
            session.execute(f"CREATE KEYSPACE {self.keyspace} WITH replication = {replication}", timeout=SECONDS)
            session.set_keyspace(self.keyspace)
        found = []
        for statement in self.statements(count):
            page = self.rng.choice([5000, 5000, 1, 2, 3, 7])
            if self.disturb and self.rng.random() < 0.02:
                self.disturb(self.rng.choice(["flush", "flush", "compact"]), self.keyspace)
            difference = self.both(statement, page)
            if difference:
                found.append(difference)
            if len(found) >= most or self.is_spent:
                break
        for session in self.sessions:
            wait_for(session)
            session.execute(f"DROP KEYSPACE IF EXISTS {self.keyspace}", timeout=SECONDS)
        return found


def run_seeds(sessions, seeds, statements, features=ALL_FEATURES, most=5, disturb=None, tell=print):
    """Runs seeds; answers how many statements were compared and the differences. `disturb` flushes or compacts one of the two
    now and then: it must not be seen."""
    total, differences, began = 0, [], time.monotonic()
    for seed in seeds:
        run = Seed(sessions, seed, features, disturb)
        found = run.run(statements, most)
        total += run.count
        differences += found
        for difference in found:
            tell(str(difference))
    tell(f"{total} statements, {len(differences)} differences, {time.monotonic() - began:.0f} s")
    return total, differences
