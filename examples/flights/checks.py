"""What the database answers, against what pandas says of the same flights."""

import itertools
import random
import threading

from cassandra import ConsistencyLevel, InvalidRequest
from cassandra.query import BatchStatement, BatchType, SimpleStatement

from . import features, world


def scan(session, table, columns, fetch_size, consistency=ConsistencyLevel.QUORUM, on_row=lambda: None):
    """All rows of a table, page by page; every page but the last is full."""
    statement = SimpleStatement(
        f"SELECT {columns} FROM {table}", fetch_size=fetch_size, consistency_level=consistency)
    result = session.execute(statement, timeout=120)
    for number in itertools.count(1):
        page = result.current_rows
        assert len(page) == fetch_size or not result.has_more_pages, f"page {number} has {len(page)} rows"
        for row in page:
            on_row()
            yield row
        if not result.has_more_pages:
            return
        result.fetch_next_page()


def partitions(flights):
    """What pandas says of each partition: rows, sum of distances, newest and oldest time."""
    grouped = flights.groupby(["carrier", "day"])
    return {
        key: (len(group), int(group["distance"].sum()), group["event_time"].max(), group["event_time"].min())
        for key, group in grouped
    }


def every_event_once(session, flights, expected, fetch_size, consistency=ConsistencyLevel.QUORUM,
                     on_row=lambda: None):
    """Pages through everything: each event once, each partition newest first and as pandas has it."""
    seen = set()
    found = {}
    columns = "carrier, day, event_time, event_id, distance"
    for row in scan(session, "events", columns, fetch_size, consistency, on_row):
        assert row.event_id not in seen, f"{row.event_id} came twice"
        seen.add(row.event_id)
        key = (row.carrier, row.day.date())
        rows, distance, newest, oldest = found.get(key, (0, 0, row.event_time, row.event_time))
        assert row.event_time <= oldest, f"{key}: {row.event_time} after {oldest}"
        found[key] = (rows + 1, distance + row.distance, newest, row.event_time)
    assert len(seen) == len(flights), f"{len(seen)} events instead of {len(flights)}"
    for key, value in expected.items():
        assert found.get(key) == value, f"{key}: {found.get(key)} instead of {value}"
    return len(seen)


def slices(session, flights, expected, count=200):
    """Aggregates, newest ten and a range of time in some partitions."""
    aggregate = session.prepare("""
        SELECT count(*) AS rows, sum(distance) AS distance, max(event_time) AS newest,
               min(event_time) AS oldest FROM events WHERE carrier = ? AND day = ?""")
    newest = session.prepare(
        "SELECT event_time FROM events WHERE carrier = ? AND day = ? LIMIT 10")
    between = session.prepare("""
        SELECT event_time, tailnum, delay_minutes, properties FROM events
        WHERE carrier = ? AND day = ? AND event_time >= ? AND event_time < ?
        ORDER BY event_time ASC""")
    by_partition = flights.groupby(["carrier", "day"])
    chosen = random.Random(7).sample(sorted(expected), min(count, len(expected)))
    for key in chosen:
        assert tuple(session.execute(aggregate, key).one()) == expected[key], key
        group = by_partition.get_group(key)
        times = sorted(group["event_time"].tolist(), reverse=True)
        assert [row.event_time for row in session.execute(newest, key)] == times[:10], key
        middle = times[len(times) // 2]
        rows = session.execute(between, (*key, times[-1], middle)).all()
        wanted = sorted(time for time in times if time < middle)
        assert [row.event_time for row in rows] == wanted, key
        assert all(set(row.properties) == {"flight", "hour"} for row in rows), key
    return len(chosen)


def fill_pages(session, window, rows=10_000):
    """One partition with a row for each position."""
    statement = session.prepare("INSERT INTO pages (bucket, position, event_type) VALUES (?, ?, ?)")
    statement.is_idempotent = True
    for position in range(rows):
        window.send(statement, (0, position, "view"))
    return window.finish()


def small_pages(session, fetch_size, rows=10_000, on_row=lambda: None):
    """Pages through them a few at a time: each row once, in order."""
    positions = [row.position for row in scan(session, "pages", "position", fetch_size, on_row=on_row)]
    assert positions == list(range(rows)), f"page size {fetch_size}"
    return len(positions)


def levels(session, window, rows=1_000):
    """Written at one level and read at another, so that every read overlaps every write."""
    one, quorum, all_of_them = ConsistencyLevel.ONE, ConsistencyLevel.QUORUM, ConsistencyLevel.ALL
    for bucket, (write, read) in enumerate([(one, all_of_them), (quorum, quorum), (all_of_them, one)], start=100):
        insert = session.prepare("INSERT INTO pages (bucket, position, event_type) VALUES (?, ?, ?)")
        insert.consistency_level = write
        insert.is_idempotent = True
        for position in range(rows):
            window.send(insert, (bucket, position, f"{bucket}/{position}"))
        window.finish()
        select = SimpleStatement(
            "SELECT position, event_type FROM pages WHERE bucket = %s", consistency_level=read, fetch_size=300)
        found = [(row.position, row.event_type) for row in session.execute(select, (bucket,))]
        assert found == [(position, f"{bucket}/{position}") for position in range(rows)], (write, read)
    return 3 * rows


def batches(session):
    """One partition's batch is whole; 5 KiB warn and 50 KiB are refused, as in Cassandra."""
    insert = session.prepare("INSERT INTO pages (bucket, position, event_type) VALUES (?, ?, ?)")

    def batch(size, partitions, kind=BatchType.LOGGED):
        statement = BatchStatement(batch_type=kind)
        for position in range(10):
            statement.add(insert, (1 + position % partitions, position, "x" * (size // 10)))
        return session.execute_async(statement)

    quiet = batch(1_000, 1)
    quiet.result()
    assert not quiet.warnings, quiet.warnings
    loud = batch(10_000, 3)
    loud.result()
    assert loud.warnings and "exceeding specified threshold" in loud.warnings[0], loud.warnings
    try:
        batch(60_000, 3).result()
    except InvalidRequest as refused:
        assert "Batch too large" in str(refused), refused
    else:
        raise AssertionError("a batch of 60 kB was accepted")
    count = session.execute("SELECT count(*) FROM pages WHERE bucket IN (1, 2, 3)").one()[0]
    assert count == 16, count
    return 3


class Traffic:
    """Writes and reads features all the time, in a thread of its own, while something else goes on."""

    def __init__(self, session, computed):
        self.session = session
        self.computed = computed
        self.requests = 0
        self.failure = None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            insert = features.insert(self.session)
            read = self.session.prepare("SELECT * FROM user_features WHERE user_id = ?")
            for expected in itertools.cycle(self.computed):
                if self.over.is_set():
                    return
                self.session.execute(insert, expected)
                features.compare(expected, self.session.execute(read, (expected.user_id,)).one())
                self.requests += 2
        except Exception as error:  # told to the thread that waits
            self.failure = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        if self.failure:
            raise self.failure


def evolve(session, computed, rounds=20):
    """ALTER TABLE ADD and DROP while others write and read; a dropped column's data stay gone."""
    write = "INSERT INTO user_features (user_id, score) VALUES (%s, %s)"
    read = "SELECT user_id, score FROM user_features WHERE user_id = %s"
    with Traffic(session, computed[:100]) as traffic:
        for number in range(rounds):
            key = f"evolving:{number}"
            session.execute("ALTER TABLE user_features ADD score double")
            session.execute(write, (key, number / 3))
            assert session.execute(read, (key,)).one().score == number / 3
            if number > 0:
                before = session.execute(read, (f"evolving:{number - 1}",)).one()
                assert before is not None and before.score is None, before
            session.execute("ALTER TABLE user_features DROP score")
            try:
                session.execute(read, (key,))
            except InvalidRequest:
                continue
            raise AssertionError("a dropped column was read")
    assert traffic.requests > rounds, f"only {traffic.requests} requests meanwhile"
    for number in range(rounds):
        session.execute("DELETE FROM user_features WHERE user_id = %s", (f"evolving:{number}",))
    return rounds + traffic.requests


def metadata(cluster):
    """The driver has read the schema as it was made."""
    keyspace = cluster.metadata.keyspaces[world.KEYSPACE]
    assert set(world.TABLES) <= set(keyspace.tables), keyspace.tables
    events = keyspace.tables["events"]
    assert [column.name for column in events.partition_key] == ["carrier", "day"]
    assert [column.name for column in events.clustering_key] == ["event_time", "event_id"]
    assert keyspace.user_types["leg"].field_names == ["origin", "dest", "distance"]
    return len(keyspace.tables)
