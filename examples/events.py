"""An event log: append with a bounded window of asynchronous writes, read the newest first.

Start a cluster first (`cargo run --release -- cluster`), then `python examples/events.py`.
Needs only `pip install cassandra-driver`.
"""

import datetime
import sys
import threading
import uuid

from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile

contact_points = sys.argv[1:] or ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
# A majority of the replicas answers each request, so a read sees the write before it.
quorum = ExecutionProfile(consistency_level=ConsistencyLevel.QUORUM)

with Cluster(contact_points, execution_profiles={EXEC_PROFILE_DEFAULT: quorum}) as cluster, cluster.connect() as session:
    session.execute("""
        CREATE KEYSPACE IF NOT EXISTS event_log
        WITH replication = {'class': 'SimpleStrategy', 'replication_factor': %d}""" % len(contact_points))
    session.set_keyspace("event_log")
    # A partition a user and day: no partition grows for ever. Newest first: the question asked most.
    session.execute("""
        CREATE TABLE IF NOT EXISTS events (
            user_id uuid, day date, event_time timestamp, event_id timeuuid,
            event_type text, properties map<text, text>,
            PRIMARY KEY ((user_id, day), event_time, event_id))
        WITH CLUSTERING ORDER BY (event_time DESC, event_id ASC)""")
    append = session.prepare("""
        INSERT INTO events (user_id, day, event_time, event_id, event_type, properties)
        VALUES (?, ?, ?, ?, ?, ?)""")
    append.is_idempotent = True  # it carries its own id, so the driver may send it again

    # At most 256 writes under way: enough to keep the cluster busy, never more than it can hold.
    window = threading.Semaphore(256)
    failures = []

    def failed(error):
        failures.append(error)
        window.release()

    user = uuid.uuid4()
    start = datetime.datetime(2024, 5, 1)
    for second in range(10_000):
        moment = start + datetime.timedelta(seconds=second)
        values = (user, moment.date(), moment, uuid.uuid1(), "view", {"page": f"/item/{second}"})
        window.acquire()
        session.execute_async(append, values).add_callbacks(lambda _: window.release(), failed)
    for _ in range(256):
        window.acquire()
    assert not failures, failures[0]

    newest = session.execute(
        "SELECT event_time, properties FROM events WHERE user_id = %s AND day = %s LIMIT 20",
        (user, start.date())).all()
    assert len(newest) == 20 and newest[0].event_time == start + datetime.timedelta(seconds=9_999)
    total = sum(1 for _ in session.execute(
        "SELECT event_id FROM events WHERE user_id = %s AND day = %s", (user, start.date())))
    print(f"{total} events; the newest is {newest[0].event_time} on {newest[0].properties['page']}")
