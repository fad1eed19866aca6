"""Published Socket.IO clients with default options: each joins, says something, hears the reply, and does it again when
the server was killed."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.server.conftest import ORIGIN, serving
from tests.services import absent, free_port
from tests.services.config import embedded, write_config
from tests.services.find import OLD_CLIENTS, old_client
from tests.services.server import ServerProcess
from tests.services.wait import until

HERE = Path(__file__).parent
WIDGET = HERE.parents[3] / "leflux" / "widget"
JAVASCRIPT = ["3.1", "4.0", "4.4", "4.6", "4.7", "current"]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    port = free_port()
    config = write_config(tmp_path, embedded("sqlite", tmp_path / "leflux.db"), port)
    async with ServerProcess(config, port) as running:
        yield running


class Client:
    """A process, and the lines that it has printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.lines: list[str] = []
        self.process = process
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode().strip())

    async def ended(self) -> int:
        await self.reading
        return await self.process.wait()


@asynccontextmanager
async def running(*command: str, **environment: str) -> AsyncIterator[Client]:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=WIDGET,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    client = Client(process)
    try:
        yield client
    finally:
        if process.returncode is None:
            process.kill()
        await client.ended()


def javascript(base: str) -> list[str]:
    node = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
    if node is None or not (WIDGET / "node_modules" / "socket.io-client-3.1").exists():
        absent("node with the widget's packages")
    return [str(node), "-e", (HERE / "visit.js").read_text(), base, *JAVASCRIPT]


def python(base: str) -> Iterator[tuple[list[str], str]]:
    """Command and PYTHONPATH of each version; without a path it is the server's own."""
    for version in [*OLD_CLIENTS, "current"]:
        folder = "" if version == "current" else old_client(version)
        if folder is None:
            absent(f"python-socketio {version}")
        yield [sys.executable, str(HERE / "visit.py"), base, f"python-{version}"], folder or ""


async def test_every_client_goes_on_after_a_kill(server: ServerProcess) -> None:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(running(*javascript(server.base)))]
        for command, folder in python(server.base):
            clients.append(await stack.enter_async_context(running(*command, PYTHONPATH=folder)))

        def heard() -> int:
            return len([line for client in clients for line in client.lines if "echo: message" in line])

        def have_heard(count: int) -> bool:
            broken = [client.lines for client in clients if client.process.returncode]
            assert not broken, broken
            return heard() == count

        total = len(JAVASCRIPT) + len(OLD_CLIENTS) + 1
        await until(lambda: have_heard(total), "every client has its reply")
        await server.kill()
        await server.start()
        await until(lambda: have_heard(2 * total), "every client has a second reply from the new process")
        assert [await client.ended() for client in clients] == [0] * len(clients)
        said = sorted(line for client in clients for line in client.lines)
        assert len(set(said)) == 2 * total, said


async def test_a_client_of_version_3_is_told_which_version_is_spoken(tmp_path: Path) -> None:
    async with serving(tmp_path, "memory") as base, aiohttp.ClientSession(headers={"Origin": ORIGIN}) as http:
        for query in ("transport=polling&b64=1", "transport=websocket", "transport=polling&j=0"):
            async with http.get(f"{base}/socket.io/?EIO=3&{query}") as answer:
                assert answer.status == 400
                assert (await answer.json())["message"] == "Only version 4 of the protocol is spoken."
                # A page may read why it was refused.
                assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
