"""Servers to test against: Helenus nodes as processes of their own, or one that runs already."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import DCAwareRoundRobinPolicy, FallthroughRetryPolicy, WhiteListRoundRobinPolicy
from cassandra.query import SimpleStatement, named_tuple_factory

OPTIONS = bytes([4, 0, 0, 0, 5, 0, 0, 0, 0])
SUPPORTED = 6
PORTS = {"CQL": 9042, "internode": 7000, "admin": 7199}
READY_SECONDS = 30
READY_LINE = b"Helenus answers CQL on"


def answers(address, port=9042):
    """Whether the address answers the native protocol's OPTIONS with SUPPORTED."""
    try:
        with socket.create_connection((address, port), timeout=2) as stream:
            stream.sendall(OPTIONS)
            header = stream.recv(9)
            return len(header) == 9 and header[4] == SUPPORTED
    except OSError:
        return False


def is_free(address):
    """Whether nobody listens on any of the ports a node takes."""
    for port in PORTS.values():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


_taken = set()


def free_addresses(count):
    """`count` neighbouring loopback addresses that nobody uses: 127.0.N.1 and on."""
    # Test runs side by side start their search at different places.
    start = os.getpid() % 200
    for step in range(200):
        third = 20 + (start + step) % 200
        addresses = [f"127.0.{third}.{last}" for last in range(1, count + 1)]
        if third not in _taken and all(is_free(address) for address in addresses):
            _taken.add(third)
            return addresses
    raise RuntimeError("no free loopback addresses: on macOS, add aliases to lo0 first")


def until(check, what, seconds=30):
    """Waits until `check()` is true and answers its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class Node:
    """One Helenus node: its address, its folder, and its process while it runs."""

    def __init__(self, binary, address, seed, folder, words):
        self.binary = binary
        self.address = address
        self.folder = folder
        self.log = folder.with_name(f"{folder.name}.log")
        self.log_start = 0
        self.process = None
        self.command = [
            binary, "node", "--address", address, "--seeds", seed, "--data-dir", str(folder), *words,
        ]

    def start(self):
        self.log_start = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            # A node told of its parent does not outlive it, whatever ends the tests.
            environment = {**os.environ, "HELENUS_PARENT": str(os.getpid())}
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)

    def wait_for_its_word(self):
        """Waits for the line that says that it answers CQL, and not a moment longer."""
        deadline = time.monotonic() + READY_SECONDS
        while READY_LINE not in self.log.read_bytes()[self.log_start:]:
            assert self.process.poll() is None and time.monotonic() < deadline, self.tail()
            time.sleep(0.001)

    def wait(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.address} ended with {self.process.returncode}:\n{self.tail()}")
            return answers(self.address)
        until(ready, f"{self.address} answers CQL\n{self.tail()}", READY_SECONDS)

    def tail(self):
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def kill(self):
        """SIGKILL: what the kernel holds survives, nothing else."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM; answers the exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode

    def nodetool(self, *words):
        done = subprocess.run([self.binary, "nodetool", "-h", self.address, "-p", "7199", *words],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"nodetool {words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout


class Server:
    """Something that answers CQL: contact points, the name of its data centre, and its nodes if they are ours."""

    def __init__(self, contact_points, data_center, nodes=()):
        self.contact_points = contact_points
        self.data_center = data_center
        self.nodes = list(nodes)

    def replication(self, factor=None):
        factor = factor or len(self.contact_points)
        return "{'class': 'SimpleStrategy', 'replication_factor': %d}" % factor

    def cluster(self, version=None, compression=False, login=None, contact_points=None, profile=None, rows=named_tuple_factory, **more):
        """A cluster of the stock driver whose requests are never retried behind the test's back."""
        profile = profile or ExecutionProfile(
            load_balancing_policy=DCAwareRoundRobinPolicy(local_dc=self.data_center),
            retry_policy=FallthroughRetryPolicy(), request_timeout=20, row_factory=rows)
        if version:
            more["protocol_version"] = version
        if login:
            more["auth_provider"] = PlainTextAuthProvider(*login)
        return Cluster(contact_points or self.contact_points, compression=compression,
                       execution_profiles={EXEC_PROFILE_DEFAULT: profile}, connect_timeout=20, **more)


class Started(Server):
    """Helenus nodes in a temporary folder; a context manager. `topology`: the data centre of each."""

    def __init__(self, count=1, settings=(), words=(), wait=True, addresses=None, topology=()):
        binary = os.environ["HELENUS_BIN"]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="helenus-tests-", dir=os.environ.get("HELENUS_TARGET")))
        addresses = addresses or free_addresses(count)
        words = list(words)
        for setting in settings:
            words += ["--set", setting]
        places = [["--dc", name] for name in topology] or [[]] * count
        nodes = [Node(binary, address, addresses[0], self.folder / address, words + place)
                 for address, place in zip(addresses, places)]
        self.waits = wait
        super().__init__(addresses, topology[0] if topology else "datacenter1", nodes)

    def __enter__(self):
        try:
            for node in self.nodes:
                node.start()
            for node in self.nodes if self.waits else ():
                node.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            node.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def external():
    """The server that HELENUS_TEST_CONTACT names, such as Apache Cassandra, if it names one."""
    contact = os.environ.get("HELENUS_TEST_CONTACT")
    if not contact:
        return None
    return Server(contact.split(","), os.environ.get("HELENUS_TEST_DC", "datacenter1"))


def only(server, address, **more):
    """A cluster of the driver that sends every request to one node, and none twice."""
    profile = ExecutionProfile(load_balancing_policy=WhiteListRoundRobinPolicy([address]), request_timeout=20,
                               retry_policy=FallthroughRetryPolicy())
    return server.cluster(contact_points=[address], profile=profile, **more)


def at(level, text):
    """The statement, to be sent at this consistency level."""
    return SimpleStatement(text, consistency_level=level)
