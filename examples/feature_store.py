"""An online feature store: write features with a prepared statement, serve them by key.

Start a cluster first (`cargo run --release -- cluster`), then `python examples/feature_store.py`.
Needs only `pip install cassandra-driver`.
"""

import datetime
import sys
import uuid

from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.query import BatchStatement

contact_points = sys.argv[1:] or ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
# A majority of the replicas answers each request, so a read sees the write before it.
quorum = ExecutionProfile(consistency_level=ConsistencyLevel.QUORUM)

with Cluster(contact_points, execution_profiles={EXEC_PROFILE_DEFAULT: quorum}) as cluster, cluster.connect() as session:
    session.execute("""
        CREATE KEYSPACE IF NOT EXISTS feature_store
        WITH replication = {'class': 'SimpleStrategy', 'replication_factor': %d}""" % len(contact_points))
    session.set_keyspace("feature_store")
    session.execute("""
        CREATE TABLE IF NOT EXISTS user_features (
            user_id uuid PRIMARY KEY,
            age int,
            purchase_mean double,
            last_category text,
            last_seen timestamp,
            recent_items list<int>,
            embedding vector<float, 4>)""")

    # One prepared statement serves every write: the server parses it once.
    write = session.prepare("""
        INSERT INTO user_features (user_id, age, purchase_mean, last_category, last_seen,
                                   recent_items, embedding)
        VALUES (?, ?, ?, ?, ?, ?, ?)""")
    now = datetime.datetime(2024, 5, 1, 12, 30)
    users = [uuid.uuid4() for _ in range(1000)]
    for number, user in enumerate(users):
        session.execute(write, (user, 20 + number % 50, number / 7, "books", now,
                                [number, number + 1], [0.5, -1.0, 2.0, float(number)]))

    # Serving: one row by its key.
    row = session.execute("SELECT * FROM user_features WHERE user_id = %s", (users[7],)).one()
    assert row.age == 27 and row.last_seen == now and row.recent_items == [7, 8]
    assert list(row.embedding) == [0.5, -1.0, 2.0, 7.0]

    # Several features of one user change together: a batch within one partition is atomic.
    batch = BatchStatement()
    update = session.prepare("UPDATE user_features SET last_category = ?, age = ? WHERE user_id = ?")
    batch.add(update, ("music", 28, users[7]))
    session.execute(batch)
    row = session.execute("SELECT age, last_category FROM user_features WHERE user_id = %s", (users[7],)).one()
    assert (row.age, row.last_category) == (28, "music")

    count = session.execute("SELECT count(*) FROM user_features").one()[0]
    print(f"{count} users; user 7 is {row.age} and last looked at {row.last_category}")
