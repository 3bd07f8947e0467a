"""Logging in with a password, roles, and a batch over several partitions.

Start a cluster with `cargo run --release -- cluster --set authenticator=PasswordAuthenticator`, then
`python examples/batch_auth.py`. Needs only `pip install cassandra-driver`.
"""

import sys

from cassandra import AuthenticationFailed, ConsistencyLevel
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable
from cassandra.query import BatchStatement

contact_points = sys.argv[1:] or ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
# A majority of the replicas answers each request, so a read sees the write before it.
quorum = ExecutionProfile(consistency_level=ConsistencyLevel.QUORUM)


def login(user, password):
    return Cluster(contact_points, auth_provider=PlainTextAuthProvider(user, password),
                   execution_profiles={EXEC_PROFILE_DEFAULT: quorum})


# The first superuser; change its password before anything else on a machine of one's own.
with login("cassandra", "cassandra") as cluster, cluster.connect() as session:
    session.execute("CREATE ROLE IF NOT EXISTS app WITH PASSWORD = 'secret' AND LOGIN = true")
    session.execute("""
        CREATE KEYSPACE IF NOT EXISTS accounts
        WITH replication = {'class': 'SimpleStrategy', 'replication_factor': %d}""" % len(contact_points))
    session.execute("CREATE TABLE IF NOT EXISTS accounts.balance (owner text PRIMARY KEY, cents bigint)")

with login("app", "secret") as cluster, cluster.connect("accounts") as session:
    # A logged batch over two partitions: both writes happen in the end, whatever fails meanwhile.
    write = session.prepare("INSERT INTO balance (owner, cents) VALUES (?, ?)")
    transfer = BatchStatement()
    transfer.add(write, ("ada", 7_500))
    transfer.add(write, ("grace", 2_500))
    session.execute(transfer)
    rows = {row.owner: row.cents for row in session.execute("SELECT owner, cents FROM balance")}
    assert rows["ada"] == 7_500 and rows["grace"] == 2_500
    print(f"balances: {rows}")

try:
    login("app", "wrong").connect()
except NoHostAvailable as refused:
    assert any(isinstance(error, AuthenticationFailed) for error in refused.errors.values())
    print("a wrong password is refused")
else:
    raise SystemExit("a wrong password was accepted")
