"""Statements and what Apache Cassandra 5.0.6 answers, in files of `answers/`.

Each file begins with the statements' keyspace made anew. A line is a statement; what follows it, indented,
is the answer: columns with their types and rows in order, warnings, a schema change, or the error's code and
message. `HELENUS_RECORD=1` with HELENUS_TEST_CONTACT writes Cassandra's answers into the files.
"""

import difflib
import os
import pathlib
import re

import pytest
from cassandra import ConsistencyLevel
from cassandra.protocol import ErrorMessage, SyntaxException
from cassandra.query import SimpleStatement, tuple_factory

from conftest import fresh_keyspace

FOLDER = pathlib.Path(__file__).parent / "answers"
INDENT = "    "
# Marks what Helenus answers where that is known to differ from Cassandra.
HERE = "    here: "
FILES = sorted(path.name for path in FOLDER.glob("*.cql"))


def shown(value):
    """A value as text that does not depend on the driver's own wrappers."""
    if value is None:
        return "null"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, str):
        return repr(value)
    if hasattr(value, "_fields"):
        inner = ", ".join(f"{name}: {shown(item)}" for name, item in zip(value._fields, value))
        return f"{{{inner}}}"
    if isinstance(value, (list, tuple)):
        left, right = ("[", "]") if isinstance(value, list) else ("(", ")")
        return left + ", ".join(map(shown, value)) + right
    if hasattr(value, "items"):
        return "{" + ", ".join(f"{shown(key)}: {shown(item)}" for key, item in value.items()) + "}"
    if hasattr(value, "__iter__") and not hasattr(value, "nanoseconds"):
        return "{" + ", ".join(map(shown, value)) + "}"
    return str(value)


# Cassandra lists functions of one name in an order that changes from start to start.
SIGNATURES = re.compile(r"(?<=signatures: )\w+\..*?(?=\))(?:\).*?)*(?=\)(?:: |$))")


JSON_READER = re.compile(r"(Could not decode JSON string(?: as a map)?|Error decoding JSON string)\b.*", re.DOTALL)


def in_order(found):
    """The signatures sorted."""
    return ", ".join(sorted(re.split(r", (?=\w+\.\S+ : )", found.group())))


def error_lines(error):
    """The code and the message. A syntax error's message names the place; the words after it are ours."""
    code = getattr(error, "error_code", None)
    text = str(getattr(error, "message", error))
    if isinstance(error, SyntaxException) or code == 0x2000:
        text = text.split(" ")[1] if text.startswith("line ") else text.split(":")[0]
    text = SIGNATURES.sub(in_order, text)
    # What is wrong with a text that is no JSON is said in our own words.
    text = JSON_READER.sub(r"\1", text)
    return [f"error {code:#06x} {text}"] if code is not None else [f"error {type(error).__name__} {text}"]


class Told(Exception):
    """An error message as it came over the wire."""

    def __init__(self, code, message):
        super().__init__(message)
        self.error_code = code
        self.message = message


def code_of(error):
    """The wire's error for a driver's exception, which may have lost its code."""
    for candidate in (error, getattr(error, "__cause__", None)):
        if isinstance(candidate, ErrorMessage):
            return Told(candidate.code, candidate.message)
    names = {"InvalidRequest": 0x2200, "SyntaxException": 0x2000, "Unauthorized": 0x2100,
             "ConfigurationException": 0x2300, "AlreadyExists": 0x2400, "Unavailable": 0x1000,
             "WriteTimeout": 0x1100, "ReadTimeout": 0x1200, "ReadFailure": 0x1300,
             "FunctionFailure": 0x1400, "WriteFailure": 0x1500, "TruncateError": 0x1003}
    name = type(error).__name__
    if name in names:
        text = str(error)
        marker = "message=\""
        if marker in text:
            text = text[text.index(marker) + len(marker):].rsplit("\"", 1)[0]
        return Told(names[name], text)
    return error


def answer(session, statement):
    """The lines of the answer to one statement."""
    return answer_of(session.execute_async(SimpleStatement(statement, consistency_level=ConsistencyLevel.ONE)))


def answer_of(future):
    """The lines of the answer that a future of the driver brings."""
    try:
        result = future.result()
    except Exception as error:
        return error_lines(code_of(error))
    lines = [f"warning {text}" for text in future.warnings or []]
    if result.column_names is not None:
        types = [kind.cql_parameterized_type() for kind in result.column_types]
        lines.append("columns " + ", ".join(f"{n} {t}" for n, t in zip(future._col_names, types)))
        lines += ["row " + ", ".join(shown(value) for value in row) for row in result]
    return lines or ["done"]


def blocks(text):
    """(line, answer of Cassandra, answer here where it differs) for each statement, comment and empty line."""
    found = []
    for line in text.splitlines():
        if line.startswith(HERE):
            found[-1][2].append(INDENT + line.removeprefix(HERE))
        elif line.startswith(" "):
            found[-1][1].append(line)
        else:
            found.append((line, [], []))
    return found


def answered(session, text, answer=answer):
    """The lines of the file with the answers that come now."""
    found = []
    for line, _, _ in blocks(text):
        found.append(line)
        if line and not line.startswith("--"):
            found += [INDENT + part for each in answer(session, line) for part in each.splitlines()]
    return found


def expected(text, here):
    """The lines of the file with the answers that are right: Cassandra's, or ours where they are known to differ."""
    found = []
    for line, theirs, ours in blocks(text):
        found += [line, *(ours if here and ours else theirs)]
    return found


def recorded(text, found):
    """The file's text with Cassandra's new answers; what is known of ours stays."""
    lines = iter(found)
    out, ahead = [], next(lines, None)
    for line, _, ours in blocks(text):
        assert ahead == line
        out.append(line)
        ahead = next(lines, None)
        while ahead is not None and ahead.startswith(INDENT):
            out.append(ahead)
            ahead = next(lines, None)
        out += [HERE + each.removeprefix(INDENT) for each in ours]
    return "\n".join(out) + "\n"


def check_file(one, path, keyspace, answer=answer):
    """Compares the answers to a file's statements with those it has, or records them."""
    text = path.read_text()
    # Columns may have any name, or one name twice: rows stay plain tuples.
    with one.cluster(rows=tuple_factory) as cluster:
        session = cluster.connect()
        fresh_keyspace(session, keyspace, one.replication())
        found = answered(session, text, answer)
        session.execute(f"DROP KEYSPACE IF EXISTS {keyspace}")
    if os.environ.get("HELENUS_RECORD"):
        path.write_text(recorded(text, found))
        return
    right = expected(text, bool(one.nodes))
    assert len(right) > 10, "the file has statements and answers"
    difference = "\n".join(difflib.unified_diff(right, found, "expected", "found", lineterm="", n=1))
    assert not difference, difference


@pytest.mark.parametrize("name", FILES)
def test_answers(one, name):
    path = FOLDER / name
    check_file(one, path, "answers_" + path.stem)
