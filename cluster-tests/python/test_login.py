"""Passwords and roles: PasswordAuthenticator on nodes of their own."""

import struct

import pytest
from cassandra import AuthenticationFailed, InvalidRequest, Unauthorized
from cassandra.cluster import NoHostAvailable
from cassandra.query import tuple_factory

from conftest import VERSIONS, started
from servers import until
from wire import AUTH_RESPONSE, AUTH_SUCCESS, AUTHENTICATE, Connection, frame, startup, text

FIRST = ("cassandra", "cassandra")
SETTINGS = ["authenticator=PasswordAuthenticator"]


@pytest.fixture(scope="module")
def guarded():
    with started(1, SETTINGS) as server:
        yield server


def refused(server, login, **more):
    """Whether the server refuses this login with the code for bad credentials."""
    with server.cluster(login=login, **more) as cluster:
        try:
            cluster.connect()
            return False
        except NoHostAvailable as error:
            assert any(isinstance(each, AuthenticationFailed) for each in error.errors.values()), error.errors
            return True


@pytest.mark.parametrize("version", VERSIONS)
def test_the_first_superuser(guarded, version):
    with guarded.cluster(version, login=FIRST) as cluster:
        assert cluster.connect().execute("SELECT key FROM system.local").one().key == "local"
    assert refused(guarded, ("cassandra", "wrong"), version=version)
    assert refused(guarded, ("nobody", "cassandra"), version=version)


@pytest.mark.parametrize("count", [1, 3])
def test_the_first_connection_can_log_in(count):
    """Cassandra makes the first superuser ten seconds after it answers CQL; here it is there from the start."""
    with started(count, SETTINGS, wait=False) as server:
        for node in server.nodes:
            node.wait_for_its_word()
            with Connection(node.address) as connection:
                connection.send(startup(4))
                assert connection.answer()[3] == AUTHENTICATE
                connection.send(frame(4, 2, AUTH_RESPONSE, struct.pack(">i", 20) + b"\0cassandra\0cassandra"))
                assert connection.answer()[3] == AUTH_SUCCESS


def test_without_credentials(guarded):
    assert refused(guarded, None)
    with Connection(guarded.contact_points[0]) as connection:
        connection.send(startup(4))
        _, _, _, opcode, body = connection.answer()
        assert (opcode, body) == (3, text("org.apache.cassandra.auth.PasswordAuthenticator"))
        connection.send(frame(4, 2, 7, b"\x00\x00\x00\x01x\x00\x01\x00"))
        assert connection.answer()[3] == 0


def test_roles_come_change_and_go(guarded):
    with guarded.cluster(login=FIRST) as cluster:
        session = cluster.connect()
        session.execute("CREATE ROLE app WITH PASSWORD = 'secret' AND LOGIN = true")
        with pytest.raises(InvalidRequest, match="app already exists"):
            session.execute("CREATE ROLE app WITH PASSWORD = 'x' AND LOGIN = true")
        session.execute("CREATE ROLE IF NOT EXISTS app WITH PASSWORD = 'x' AND LOGIN = true")
        session.execute("CREATE ROLE nologin WITH PASSWORD = 'secret'")
        assert not refused(guarded, ("app", "secret"))
        assert refused(guarded, ("nologin", "secret"))
        with guarded.cluster(login=("app", "secret")) as own:
            mine = own.connect()
            assert mine.execute("SELECT key FROM system.local").one().key == "local"
            with pytest.raises(Unauthorized):
                mine.execute("CREATE ROLE other WITH LOGIN = true")
            with pytest.raises(Unauthorized):
                mine.execute("DROP ROLE cassandra")
        session.execute("ALTER ROLE app WITH PASSWORD = 'changed'")
        # Cassandra caches credentials for up to two seconds.
        until(lambda: refused(guarded, ("app", "secret")), "the old password is refused", 10)
        assert not refused(guarded, ("app", "changed"))
        session.execute("ALTER ROLE app WITH LOGIN = false")
        until(lambda: refused(guarded, ("app", "changed")), "no login", 10)
        session.execute("ALTER ROLE app WITH LOGIN = true")
        until(lambda: not refused(guarded, ("app", "changed")), "login again", 10)
        rows = {row.role: (row.can_login, row.is_superuser) for row in session.execute("SELECT * FROM system_auth.roles")}
        assert rows["cassandra"] == (True, True) and rows["app"] == (True, False) and rows["nologin"] == (False, False)
        hashed = session.execute("SELECT salted_hash FROM system_auth.roles WHERE role = 'app'").one().salted_hash
        assert hashed.startswith("$2a$10$") and len(hashed) == 60
        session.execute("DROP ROLE app")
        until(lambda: refused(guarded, ("app", "changed")), "the role is gone", 10)
        with pytest.raises(InvalidRequest, match="app doesn't exist"):
            session.execute("DROP ROLE app")
        session.execute("DROP ROLE IF EXISTS app")
        session.execute("DROP ROLE nologin")


def test_roles_are_listed(guarded):
    with guarded.cluster(login=FIRST, rows=tuple_factory) as cluster:
        session = cluster.connect()
        for statement in ["CREATE ROLE la WITH PASSWORD = 'a' AND LOGIN = true", "CREATE ROLE lb", "CREATE ROLE lc WITH SUPERUSER = true",
                          "GRANT lb TO la", "GRANT lc TO lb"]:
            session.execute(statement)

        def rows(statement):
            return [row for row in session.execute(statement) if row[0].startswith("l")]

        la, lb, lc = ("la", False, True, {}, "ALL"), ("lb", False, False, {}, "ALL"), ("lc", True, False, {}, "ALL")
        until(lambda: rows("LIST ROLES") == [la, lb, lc], "the roles are listed", 10)
        assert session.execute("LIST ROLES").column_names == ["role", "super", "login", "options", "datacenters"]
        assert rows("LIST ROLES OF la") == [la, lb, lc]
        assert rows("LIST ROLES OF la NORECURSIVE") == [la, lb]
        assert rows("LIST USERS") == [("la", True, "ALL")], "a superuser by what it was granted"
        assert session.execute("LIST USERS").column_names == ["name", "super", "datacenters"]
        with pytest.raises(InvalidRequest, match="<role nope> doesn't exist"):
            session.execute("LIST ROLES OF nope")
        for name in ["la", "lb", "lc"]:
            session.execute(f"DROP ROLE {name}")


def test_roles_survive_a_restart_and_the_death_of_any_node():
    with started(3, SETTINGS) as server:
        with server.cluster(login=FIRST) as cluster:
            session = cluster.connect()
            session.execute("CREATE ROLE app WITH PASSWORD = 'secret' AND LOGIN = true")
        for node in server.nodes:
            others = [other for other in server.contact_points if other != node.address]
            node.kill()
            for address in others:
                assert not refused(server, ("app", "secret"), contact_points=[address])
            node.start()
            node.wait()
        assert refused(server, ("app", "wrong"))
