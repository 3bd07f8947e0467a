"""Prepared statements with bound values, and what Apache Cassandra 5.0.6 answers, in files of `answers/bound/`.

As the files of `answers/`, but a line may end with ` <- ` and the values of the statement's markers (`bound_values.py`).
The first answer to a text begins with what is told of its markers when it is prepared.
"""

import pathlib

import pytest
from cassandra import ConsistencyLevel
from cassandra.query import BoundStatement

from bound_values import values_of
from test_answers import answer, answer_of, check_file, code_of, error_lines

FOLDER = pathlib.Path(__file__).parent / "answers" / "bound"
FILES = sorted(path.name for path in FOLDER.glob("*.cql"))


class Preparing:
    """Answers lines; knows which texts were prepared before."""

    def __init__(self):
        self.known = set()

    def __call__(self, session, line):
        text, mark, values = line.rpartition(" <- ")
        if not mark:
            return answer(session, line)
        try:
            prepared = session.prepare(text)
        except Exception as error:
            return ["prepare", *error_lines(code_of(error))]
        lines = []
        if text not in self.known:
            self.known.add(text)
            markers = ", ".join(f"{m.name} {m.type.cql_parameterized_type()}" for m in prepared.column_metadata or [])
            lines.append(f"markers {markers}; key {prepared.routing_key_indexes}")
        bound = BoundStatement(prepared, consistency_level=ConsistencyLevel.ONE)
        bound.values = values_of(values)
        return lines + answer_of(session.execute_async(bound))


@pytest.mark.parametrize("name", FILES)
def test_bound_answers(one, name):
    path = FOLDER / name
    check_file(one, path, "answers_bound_" + path.stem, Preparing())
