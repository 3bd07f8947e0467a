"""Features of planes, carriers and routes: computed by pandas, written, served, and compared exactly."""

import struct
import uuid
from collections import namedtuple

import pandas
from cassandra.query import BatchStatement

COLUMNS = (
    "user_id", "kind", "flights", "delay_mean", "distance_sum", "last_seen", "last_category", "model_id",
    "embedding_blob", "recent_delays", "destinations", "flights_by_month", "longest", "embedding",
)
Leg = namedtuple("leg", ("origin", "dest", "distance"))
Features = namedtuple("Features", COLUMNS)
MODEL = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


def single(number):
    """The number as a 32-bit float, which is what a vector holds."""
    return struct.unpack(">f", struct.pack(">f", number))[0]


def of_group(kind, name, group):
    """One entity's features."""
    delays = group["arr_delay"].dropna()
    last = group.iloc[-1]
    longest = group.loc[group["distance"].idxmax()]
    vector = [single(float(group["distance"].sum()) / (place + 1)) for place in range(16)]
    months = group["month"].value_counts()
    return Features(
        f"{kind}:{name}", kind, len(group), float(delays.mean()) if len(delays) else None,
        int(group["distance"].sum()), last["event_time"].to_pydatetime(), last["event_type"], MODEL,
        struct.pack(">16f", *vector), [float(delay) for delay in delays.tail(5)] or None,
        set(group["dest"]), {int(month): int(count) for month, count in months.items()},
        Leg(longest["origin"], longest["dest"], int(longest["distance"])), vector,
    )


def compute(flights):
    """The features of every plane, carrier and route."""
    route = flights["origin"] + "-" + flights["dest"]
    groups = [("plane", "tailnum"), ("carrier", "carrier"), ("route", route)]
    return [
        of_group(kind, name, group)
        for kind, by in groups
        for name, group in flights.groupby(by)
    ]


def insert(session):
    names, marks = ", ".join(COLUMNS), ", ".join("?" * len(COLUMNS))
    statement = session.prepare(f"INSERT INTO user_features ({names}) VALUES ({marks})")
    statement.is_idempotent = True
    return statement


def write(session, window, features):
    """Every other entity by a prepared statement, the rest in logged batches of three."""
    statement = insert(session)
    alone, together = features[::2], features[1::2]
    for values in alone:
        window.send(statement, values)
    for start in range(0, len(together), 3):
        batch = BatchStatement()
        for values in together[start:start + 3]:
            batch.add(statement, values)
        window.send(batch)
    window.finish()
    return len(features)


def compare(expected, row):
    """Raises unless the row is exactly what was written."""
    assert row is not None, f"{expected.user_id} is missing"
    for column in COLUMNS:
        written, found = getattr(expected, column), getattr(row, column)
        if column == "longest":
            found = Leg(*found)
        elif column in ("recent_delays", "embedding"):
            found = None if found is None else list(found)
        elif column in ("destinations", "flights_by_month"):
            found = type(written)(found)
        same = found == written or (pandas.isna(found) if written is None else False)
        assert same, f"{expected.user_id}.{column}: {found!r} instead of {written!r}"


def serve(session, features):
    """Reads each entity as a model server does, one by its key."""
    for expected in features:
        row = session.execute("SELECT * FROM user_features WHERE user_id = %s", (expected.user_id,)).one()
        compare(expected, row)
    return len(features)
