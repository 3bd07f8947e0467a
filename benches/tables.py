"""How long tables take to create and to drop: `tables.py COUNT ADDRESS…`, one by one on one connection; prints the seconds of both."""

import json
import sys
import time

from cassandra.cluster import Cluster

TABLE = """CREATE TABLE bench_tables.t{} (user_id uuid, event_time timestamp, event_id uuid, event_type text, amount double,
    properties map<text, text>, PRIMARY KEY (user_id, event_time, event_id)) WITH CLUSTERING ORDER BY (event_time DESC, event_id ASC)"""


def timed(session, count, text):
    started = time.perf_counter()
    for number in range(count):
        session.execute(text.format(number), timeout=120)
    return time.perf_counter() - started


def main(count, addresses):
    # The driver's own reading of the schema after each change is the client's time, not the server's.
    cluster = Cluster(addresses, schema_metadata_enabled=False)
    session = cluster.connect()
    session.execute("DROP KEYSPACE IF EXISTS bench_tables", timeout=120)
    session.execute("CREATE KEYSPACE bench_tables WITH replication = {'class': 'SimpleStrategy', 'replication_factor': %d}"
                    % len(addresses), timeout=120)
    created = timed(session, count, TABLE)
    dropped = timed(session, count, "DROP TABLE bench_tables.t{}")
    cluster.shutdown()
    print(json.dumps({"created_seconds": created, "dropped_seconds": dropped}))


main(int(sys.argv[1]), sys.argv[2:])
