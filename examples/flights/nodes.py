"""Three Helenus nodes as processes: started, killed without warning, started again."""

import pathlib
import shutil
import signal
import socket
import subprocess
import time

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

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


class Nodes:
    """A cluster of nodes on 127.0.0.1 and the addresses after it."""

    def __init__(self, binary, folder, data_center, count=3, settings=()):
        self.binary = binary
        folder = pathlib.Path(folder)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.addresses = [f"127.0.0.{last}" for last in range(1, count + 1)]
        self.all = [
            Node(binary, address, self.addresses[0], folder / address, data_center, settings)
            for address in self.addresses
        ]

    def __enter__(self):
        for address in self.addresses:
            if answers(address):
                raise RuntimeError(f"{address}:9042 is taken: something answers CQL there")
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
            node.stop()

    def nodetool(self, address, *words):
        command = [self.binary, "nodetool", "-h", address, "-p", "7199", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    def wait_for_hints(self, seconds=120):
        """Until no node keeps a write for another."""
        deadline = time.monotonic() + seconds
        for address in self.addresses:
            while "does not have any pending hints" not in self.nodetool(address, "listpendinghints"):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{address} still keeps hints after {seconds} s")
                time.sleep(0.5)
