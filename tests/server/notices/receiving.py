"""Receivers of webhooks: one that is a process of its own and can be killed, and one that answers as a test says."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.server.owner_kit import Caller
from tests.services import absent, free_port
from tests.services.wait import until

HERE = Path(__file__).parent
WIDGET = HERE.parents[2] / "leflux" / "widget"
WEBHOOKS = "/sites/shop/webhooks"
EVERY_EVENT = [
    "conversation.started",
    "message.received",
    "person.asked",
    "question.unanswered",
    "task.ended",
    "conversation.deleted",
]
QUICK = {"private_hosts": ["127.0.0.1"], "first_retry": "50ms", "timeout": "5s"}


class KillableReceiver:
    """Checks signatures with an independent implementation. Keeps its port and its file over kills."""

    def __init__(self, folder: Path, failing: float) -> None:
        self.port = free_port()
        self.file = folder / "received.jsonl"
        self.file.touch()
        self._failing = failing
        self._process: asyncio.subprocess.Process | None = None
        self._secrets: dict[str, str] = {}

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def start(self) -> None:
        node = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
        if node is None or not (WIDGET / "node_modules" / "standardwebhooks").exists():
            absent("node with the widget's packages")
        self._process = await asyncio.create_subprocess_exec(
            *(str(node), "-e", (HERE / "receiver.js").read_text(), str(self.port), str(self.file), str(self._failing)),
            cwd=WIDGET,
            stdout=asyncio.subprocess.DEVNULL,
        )
        await until(self._listens, "the receiver listens")
        for path, secret in self._secrets.items():
            await self.learn(secret, path)

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    async def learn(self, secret: str, path: str = "/hook") -> None:
        self._secrets[path] = secret
        async with aiohttp.ClientSession() as http, http.put(self.url(path), data=secret) as answer:
            assert answer.status == 200

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def received(self) -> list[dict[str, Any]]:
        # A kill may have left half a line at the end.
        lines = self.file.read_text().split("\n")
        return [json.loads(line) for line in lines if line.endswith("}")]


@asynccontextmanager
async def killable(folder: Path, failing: float = 0.0) -> AsyncIterator[KillableReceiver]:
    receiver = KillableReceiver(folder, failing)
    await receiver.start()
    try:
        yield receiver
    finally:
        await receiver.kill()


Answering = Callable[[dict[str, Any]], Awaitable[int]]


class Receiver:
    """Answers with `status`, or with what `answering` says; keeps what came in `notices`."""

    def __init__(self) -> None:
        self.notices: list[dict[str, Any]] = []
        self.requests: list[web.Request] = []
        self.status = 200
        self.answering: Answering | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def of(self, event: str) -> list[dict[str, Any]]:
        return [notice for notice in self.notices if notice["type"] == event]

    async def answer(self, request: web.Request) -> web.Response:
        notice = json.loads(await request.text())
        self.requests.append(request)
        self.notices.append(notice)
        status = self.status if self.answering is None else await self.answering(notice)
        headers = {"Location": f"http://127.0.0.1:{self.port}/elsewhere"} if 300 <= status < 400 else {}
        return web.Response(status=status, headers=headers)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        await runner.cleanup()


async def hook(owner: Caller, url: str, *events: str, site: str = "shop") -> dict[str, Any]:
    """Add a webhook; returns it with its secret."""
    now = await owner.get(f"/sites/{site}/webhooks")
    endpoints = [*now["endpoints"], {"url": url, "events": events or EVERY_EVENT}]
    body = {"endpoints": endpoints, "version": now["version"]}
    status, answer = await owner.call("PUT", f"/sites/{site}/webhooks", body)
    assert status == 200, answer
    made: dict[str, Any] = answer["endpoints"][-1]
    return made
