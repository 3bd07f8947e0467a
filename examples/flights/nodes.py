"""Helenus nodes as processes: started, killed without warning, started again; and whole local clusters."""

import ipaddress
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

OPTIONS = bytes([4, 0, 0, 0, 5, 0, 0, 0, 0])
SUPPORTED = 6


def answers(address, port=9042):
    """Whether the address answers the native protocol's OPTIONS with SUPPORTED."""
    try:
        with socket.create_connection((address, port), timeout=1) as stream:
            stream.sendall(OPTIONS)
            header = stream.recv(9)
            return len(header) == 9 and header[4] == SUPPORTED
    except OSError:
        return False


class Node:
    """One node: its address, its folder, and its process while it runs."""

    def __init__(self, binary, address, seed, folder, data_center, settings):
        self.address = address
        self.folder = folder
        self.process = None
        self.command = [
            binary, "node", "--address", address, "--seeds", seed, "--data-dir", str(folder),
            "--dc", data_center, "--rack", "rack1",
        ]
        for setting in settings:
            self.command += ["--set", setting]

    def start(self):
        log = open(f"{self.folder}.log", "ab")
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()

    def wait(self, seconds=30):
        deadline = time.monotonic() + seconds
        while not answers(self.address):
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.address} ended with {self.process.returncode}: see {self.folder}.log")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.address} does not answer CQL: see {self.folder}.log")
            time.sleep(0.01)

    def kill(self):
        """As a power supply does it: no warning, no goodbye."""
        self.process.kill()
        self.process.wait()

    def ask_to_stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def stop(self):
        self.ask_to_stop()
        if self.process:
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


def following(base, count):
    """`count` addresses from `base` on."""
    return [str(ipaddress.ip_address(base) + offset) for offset in range(count)]


class Nodes:
    """A cluster of nodes on `base` and the addresses after it."""

    def __init__(self, binary, folder, data_center, base="127.0.0.1", count=3, settings=()):
        self.binary = binary
        folder = pathlib.Path(folder)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.addresses = following(base, count)
        self.all = [
            Node(binary, address, self.addresses[0], folder / address, data_center, settings)
            for address in self.addresses
        ]

    def __enter__(self):
        for address in self.addresses:
            if answers(address):
                raise SystemExit(
                    f"{address}:9042 is taken: stop what answers CQL there, or give another --base-address")
        try:
            for node in self.all:
                node.start()
            for node in self.all:
                node.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for node in self.all:
            node.ask_to_stop()
        for node in self.all:
            node.stop()

    def nodetool(self, address, *words):
        command = [self.binary, "nodetool", "-h", address, "-p", "7199", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    def metric(self, address, name):
        """A figure of the page that Prometheus reads."""
        with urllib.request.urlopen(f"http://{address}:7199/metrics", timeout=10) as page:
            for line in page.read().decode().splitlines():
                if line.startswith(f"org_apache_cassandra_metrics_{name} "):
                    return float(line.split()[1])
        raise RuntimeError(f"{address} has no metric {name}")

    def wait_for_hints(self, seconds=120):
        """Until no node keeps a write for another, by nodetool and by the metrics; answers how many were delivered."""
        deadline = time.monotonic() + seconds
        for address in self.addresses:
            while "does not have any pending hints" not in self.nodetool(address, "listpendinghints"):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{address} still keeps hints after {seconds} s")
                time.sleep(0.1)
            assert self.metric(address, "hints_service_hints_pending") == 0, address
            assert self.metric(address, "hints_service_hints_dropped") == 0, address
        return int(sum(self.metric(address, "hints_service_hints_succeeded") for address in self.addresses))


class LocalCluster:
    """`helenus cluster`, as a user starts it."""

    def __init__(self, binary, folder, topology, base):
        self.process = None
        self.data_centers = dict(part.split(":") for part in topology.split(","))
        self.addresses = following(base, sum(map(int, self.data_centers.values())))
        self.command = [
            binary, "cluster", "--topology", topology, "--base-address", base, "--dir", str(folder)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if line.startswith("ready: "):
                return self
        raise RuntimeError(f"{' '.join(self.command)} ended with {self.process.wait()}")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(30) == 0, "helenus cluster did not end well"
