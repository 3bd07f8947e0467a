"""Apache Cassandra 5.0.6, as `cargo xtask oracle` starts it."""

import os
import shlex
import socket
import subprocess

from servers import free_addresses


class Oracle:
    """Apache Cassandra of `cargo xtask oracle`, one node in a folder of its own; or one that runs already, which
    HELENUS_ORACLE_NODE names by its address and the port of its nodetool, as in `127.0.0.99:7299`."""

    def __init__(self, folder):
        self.command = shlex.split(os.environ.get("HELENUS_XTASK", "cargo xtask"))
        self.folder = folder
        self.running = os.environ.get("HELENUS_ORACLE_NODE")
        if self.running:
            self.address, self.port = self.running.split(":")
            return
        (self.address,) = free_addresses(1)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])

    def run(self, *words, timeout=600):
        done = subprocess.run([*self.command, "oracle", *words], capture_output=True, text=True, timeout=timeout)
        assert done.returncode == 0, f"{words}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self):
        if not self.running:
            self.run("start", self.address, "--heap", "768M", "--jmx-port", self.port, "--directory", str(self.folder))

    def stop(self):
        if not self.running:
            self.run("stop", self.address)

    def nodetool(self, *words):
        return self.run("nodetool", "-p", self.port, *words)

    def tool(self, name, *words):
        return self.run("tool", f"org.apache.cassandra.tools.{name}", *words)
