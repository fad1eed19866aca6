"""Real Redis: one server that can be killed, frozen and started again on its data, and a cluster of three masters."""

import os
import random
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services import absent
from tests.services.find import redis_cli, redis_server

PATIENCE = 30.0
_BUS = 10_000
"""A cluster node listens on its port and, for the other nodes, this far above it."""


class RedisServer:
    """One `redis-server` with an append-only file that is flushed before every answer."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = _port()
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start on the folder's data and wait until it answers."""
        program = redis_server()
        if program is None:
            absent("redis-server")
        self._folder.mkdir(parents=True, exist_ok=True)
        options = ("--appendonly", "yes", "--appendfsync", "always", "--save", "", "--bind", "127.0.0.1")
        self._process = subprocess.Popen(
            [str(program), "--port", str(self.port), "--dir", str(self._folder), *options, *self._options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        end = time.monotonic() + PATIENCE
        while self.ask(b"PING") != b"+PONG":
            if time.monotonic() > end:
                raise TimeoutError(f"redis-server on port {self.port} does not answer")
            time.sleep(0.02)

    def ask(self, *words: bytes) -> bytes | None:
        """The first line of the answer to one command, past every driver; None when there is none."""
        command = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as client:
                client.sendall(command)
                return client.makefile("rb").readline().rstrip() or None
        except OSError:
            return None

    def info(self) -> dict[str, str]:
        """What INFO says."""
        lines = self._run("INFO").decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def keys_with(self, needle: bytes) -> list[str]:
        """The keys that hold these bytes, by name or in their value."""
        names = [name for name in self._run("--scan").splitlines() if name]
        return [name.decode() for name in names if needle in name or needle in self._run("DUMP", name)]

    def _run(self, *words: str | bytes) -> bytes:
        program = redis_cli()
        if program is None:
            absent("redis-cli")
        return subprocess.run([str(program), "-p", str(self.port), *words], check=True, capture_output=True).stdout

    def kill(self) -> None:
        """`kill -9`."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(PATIENCE)

    def freeze(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def close(self) -> None:
        if self._process is not None:
            self.kill()


class RedisCluster:
    """Three masters without replicas."""

    def __init__(self, folder: Path) -> None:
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "5000", "--cluster-config-file", "nodes.conf")
        self.nodes = [RedisServer(folder / str(i), *options) for i in range(3)]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def start(self) -> None:
        program = redis_cli()
        if program is None:
            absent("redis-cli")
        for node in self.nodes:
            node.start()
        places = [f"127.0.0.1:{node.port}" for node in self.nodes]
        subprocess.run(
            [str(program), "--cluster", "create", *places, "--cluster-replicas", "0", "--cluster-yes"],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=PATIENCE * 2,
        )
        end = time.monotonic() + PATIENCE
        # SCARD of a key in each third of the slots answers only where the cluster is up.
        while not all(self._is_up(node) for node in self.nodes):
            if time.monotonic() > end:
                raise TimeoutError("the cluster does not come up")
            time.sleep(0.05)

    @staticmethod
    def _is_up(node: RedisServer) -> bool:
        answer = node.ask(b"EXISTS", b"any")
        return answer is not None and (answer.startswith((b":", b"-MOVED")))

    def close(self) -> None:
        for node in self.nodes:
            node.close()


@contextmanager
def redis() -> Iterator[RedisServer]:
    """A running server in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="leflux-redis-") as folder:
        server = RedisServer(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.close()


@contextmanager
def redis_cluster() -> Iterator[RedisCluster]:
    """A running cluster in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="leflux-cluster-") as folder:
        cluster = RedisCluster(Path(folder))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.close()


def _port() -> int:
    """A free port whose bus port is valid and free as well, below those the system hands out by itself."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, socket.socket() as bus:
            try:
                probe.bind(("127.0.0.1", port))
                bus.bind(("127.0.0.1", port + _BUS))
                return port
            except OSError:
                continue
