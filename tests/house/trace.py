"""Counts the source files that a message, a restore and an erasure cross, by tracing real calls.

The product runs on SQLite in this process. A profile function notes every project file whose code runs between the
moment a request is sent and the moment its answer is written to the socket. `python -m tests.house.trace` prints them.
"""

import asyncio
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec

from leflux.chat.service import history_check
from leflux.config import load
from leflux.runtime.server import LeFlux

ROOT = Path(__file__).resolve().parent.parent.parent
HOUSES = (f"{ROOT}/leflux/", f"{ROOT}/backends/")
ORIGIN = "http://shop.test"
HTTP_ANSWER, ACKNOWLEDGEMENT = b"HTTP/1.1 ", b"430"
REPEATS = 5
CONFIGURATION = """
server: {{host: 127.0.0.1, port: 0}}
storage: {{backend: sqlite, sqlite: {{path: {folder}/trace.db}}}}
limits: {{init_per_minute: 1000}}
agent: {{kind: echo}}
sites: [{{id: shop, name: Shop, allowed_hosts: [shop.test]}}]
"""


class Tracer:
    """A profile function for every thread. Between `begin` and the write that holds `answer`, it notes files."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self._answer: bytes | None = None

    def begin(self, answer: bytes) -> None:
        self.files = set()
        self._answer = answer

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if self._answer is None or event != "call":
            return
        code = frame.f_code
        if code.co_name == "write" and code.co_filename.endswith("selector_events.py"):
            if self._answer in bytes(frame.f_locals["data"])[:200]:
                self._answer = None
        elif code.co_filename.startswith(HOUSES):
            self.files.add(str(Path(code.co_filename).relative_to(ROOT)))


class Page:
    """A visitor's page: HTTP calls, and one WebSocket that has joined a session."""

    def __init__(self, base: str, http: aiohttp.ClientSession, tracer: Tracer) -> None:
        self.base = base
        self.http = http
        self.tracer = tracer
        self.session_id = ""

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Origin": ORIGIN, "Content-Type": "application/json"}
        data = None if body is None else msgspec.json.encode(body)
        async with self.http.request(method, self.base + path, data=data, headers=headers) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    @asynccontextmanager
    async def joined(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A socket that has joined a new session."""
        self.session_id = (await self.call("POST", "/api/session/init", {"websiteUrl": ORIGIN}))["sessionId"]
        url = f"{self.base}/socket.io/?EIO=4&transport=websocket"
        async with self.http.ws_connect(url, headers={"Origin": ORIGIN}) as socket:
            await socket.send_str("40" + msgspec.json.encode({"sessionId": self.session_id}).decode())
            await _until(socket, "session_joined")
            yield socket

    async def say(self, socket: aiohttp.ClientWebSocketResponse) -> set[str]:
        """Returns once the message is answered."""
        message = {"sessionId": self.session_id, "clientMessageId": str(uuid4()), "text": "Hello"}
        self.tracer.begin(ACKNOWLEDGEMENT)
        await socket.send_str("420" + msgspec.json.encode(["send_message", message]).decode())
        await _until(socket, '"ok":true')
        files = self.tracer.files
        await _until(socket, "message_done")
        return files

    async def message(self) -> set[str]:
        async with self.joined() as socket:
            return await self.say(socket)

    async def restore(self) -> set[str]:
        async with self.joined() as socket:
            await self.say(socket)
            stored = (await self.call("GET", f"/api/session/{self.session_id}/messages"))["messages"]
            check = history_check(map(msgspec.json.encode, stored))
            # As the widget asks: it proves what it has.
            return await self._traced("POST", {"url": ORIGIN, "since": len(stored), "first": 1, "check": check})

    async def erasure(self) -> set[str]:
        async with self.joined() as socket:
            await self.say(socket)
            return await self._traced("DELETE")

    async def _traced(self, method: str, body: Any = None) -> set[str]:
        # Opens the connection, which the traced call uses again.
        await self.call("GET", f"/api/session/{self.session_id}")
        self.tracer.begin(HTTP_ANSWER)
        await self.call(method, f"/api/session/{self.session_id}", body)
        return self.tracer.files


async def _until(socket: aiohttp.ClientWebSocketResponse, text: str) -> None:
    while text not in (packet := await socket.receive_str(timeout=60)):
        if packet == "2":
            await socket.send_str("3")


async def crossed() -> dict[str, set[str]]:
    """The files that every repetition of a call crosses. A timer that fires meanwhile does not count."""
    tracer = Tracer()
    sys.setprofile(tracer)
    threading.setprofile(tracer)
    try:
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            (folder / "trace.yaml").write_text(CONFIGURATION.format(folder=folder), "utf-8")
            server = LeFlux(load(folder / "trace.yaml"))
            port = await server.start()
            stack.push_async_callback(server.stop)
            http = await stack.enter_async_context(aiohttp.ClientSession())
            page = Page(f"http://127.0.0.1:{port}", http, tracer)
            kinds = {"message": page.message, "restore": page.restore, "erasure": page.erasure}
            return {name: await _common(kind) for name, kind in kinds.items()}
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


async def _common(kind: Callable[[], Awaitable[set[str]]]) -> set[str]:
    return set.intersection(*[await kind() for _ in range(REPEATS)])


if __name__ == "__main__":
    for name, files in asyncio.run(crossed()).items():
        print(f"{name}: {len(files)} files", *sorted(files), sep="\n  ")
