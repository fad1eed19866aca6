"""Real Redis: one server that can be killed, frozen and started again on its data, and a cluster of three masters."""

import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from redis import Redis

from tests.services import absent
from tests.services.find import redis_cli, redis_server

PATIENCE = 90.0
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

    def section(self) -> dict[str, Any]:
        """A `storage` section with data of its own."""
        return {"backend": "redis", "redis": {"url": self.url, "prefix": f"{uuid4().hex[:8]}:"}}

    def bus_at(self, port: int) -> str:
        """The `bus` that leads here through a proxy on `port`."""
        return f"redis://127.0.0.1:{port}/0"

    def listeners(self) -> int:
        """How many processes listen on the bus that most listen on."""
        channels = self.cli("PUBSUB", "CHANNELS", "*:bus").decode().split()
        return max((int(self.cli("PUBSUB", "NUMSUB", channel).split()[1]) for channel in channels), default=0)

    def end_listeners(self) -> int:
        """Drop every subscription; how many there were."""
        return int(self.cli("CLIENT", "KILL", "TYPE", "pubsub"))

    def holds(self, needle: bytes) -> bool:
        """Whether any key has these bytes, in its name or its value."""
        return self.keys_with(needle) != []

    def start(self) -> None:
        """Start on the folder's data and wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        options = ("--appendonly", "yes", "--appendfsync", "always", "--save", "", "--bind", "127.0.0.1")
        self.run("--port", str(self.port), "--dir", str(self._folder), *options, *self._options)

    def run(self, *arguments: str) -> None:
        program = redis_server()
        if program is None:
            absent("redis-server")
        self._process = subprocess.Popen(
            [str(program), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self._answers, f"redis-server on port {self.port} answers")

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            # Whoever answers on this port now is another test's server, and will go with that test.
            raise RuntimeError(f"redis-server on port {self.port} has exited with {self._process.returncode}")
        return self.ask(b"PING") == b"+PONG"

    def ask(self, *words: bytes) -> bytes | None:
        """The first line of the reply to one command, without a driver; None without a reply."""
        command = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as client:
                client.sendall(command)
                return client.makefile("rb").readline().rstrip() or None
        except OSError:
            return None

    def info(self) -> dict[str, str]:
        """What INFO says."""
        lines = self.cli("INFO").decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def keys_with(self, needle: bytes) -> list[str]:
        """The keys that hold these bytes, by name or in their value."""
        with Redis(port=self.port) as client:
            # A dump that is compressed hides what it holds.
            client.config_set("rdbcompression", "no")
            names = list(client.scan_iter(count=1_000))
            with client.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.dump(name)
                dumps = pipeline.execute()
        return [name.decode() for name, dump in zip(names, dumps, strict=True) if needle in name + (dump or b"")]

    def cli(self, *words: str | bytes) -> bytes:
        """What `redis-cli` prints."""
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
        wait_for(lambda: all(self._is_up(node) for node in self.nodes), "every node serves the cluster")

    def move_slots(self, count: int) -> None:
        """Move slots with what they hold from the first node to the second, while they are in use."""
        first, second = (node.cli("CLUSTER", "MYID").decode().strip() for node in self.nodes[:2])
        self.nodes[0].cli(
            "--cluster",
            "reshard",
            f"127.0.0.1:{self.nodes[0].port}",
            *("--cluster-from", first, "--cluster-to", second, "--cluster-slots", str(count), "--cluster-yes"),
        )

    @staticmethod
    def _is_up(node: RedisServer) -> bool:
        answer = node.ask(b"EXISTS", b"any")
        return answer is not None and (answer.startswith((b":", b"-MOVED")))

    def close(self) -> None:
        for node in self.nodes:
            node.close()


class RedisSentinel:
    """A master, its replica and one Sentinel that watches them under the name `leflux`."""

    def __init__(self, folder: Path) -> None:
        self.master = RedisServer(folder / "master")
        self.replica = RedisServer(folder / "replica", "--replicaof", "127.0.0.1", str(self.master.port))
        self._folder = folder / "sentinel"
        self._sentinel = RedisServer(self._folder)

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self._sentinel.port}/leflux/0"

    def start(self) -> None:
        self.master.start()
        self.replica.start()
        self._folder.mkdir()
        rules = self._folder / "sentinel.conf"
        rules.write_text(
            f"port {self._sentinel.port}\ndir {self._folder}\n"
            f"sentinel monitor leflux 127.0.0.1 {self.master.port} 1\n"
            "sentinel down-after-milliseconds leflux 1000\nsentinel failover-timeout leflux 5000\n"
        )
        self._sentinel.run(str(rules), "--sentinel")
        wait_for(lambda: self._knows_replica(), "the Sentinel knows the replica")

    def _knows_replica(self) -> bool:
        replicas = self._sentinel.cli("SENTINEL", "REPLICAS", "leflux")
        return b"master-link-status\nok" in replicas

    def fail_over(self) -> None:
        """Make the replica the master, as after a crash of the master but in order."""
        self._sentinel.cli("SENTINEL", "FAILOVER", "leflux")

    def close(self) -> None:
        for server in (self._sentinel, self.replica, self.master):
            server.close()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"did not happen within {PATIENCE:g} s: {what}")
        time.sleep(0.02)


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
        # Not from `random`, which a test may have seeded: two test processes would choose the same ports.
        port = secrets.randbelow(12_000) + 20_000
        with socket.socket() as probe, socket.socket() as bus:
            try:
                probe.bind(("127.0.0.1", port))
                bus.bind(("127.0.0.1", port + _BUS))
                return port
            except OSError:
                continue


@contextmanager
def redis_sentinel() -> Iterator[RedisSentinel]:
    """A running master, replica and Sentinel."""
    with tempfile.TemporaryDirectory(prefix="leflux-sentinel-") as folder:
        watched = RedisSentinel(Path(folder))
        try:
            watched.start()
            yield watched
        finally:
            watched.close()
