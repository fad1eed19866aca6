"""A whole server in this process, on a free port, over each embedded backend."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
import socketio
import yaml

from leflux.config import load
from leflux.runtime.server import LeFlux
from tests.services.config import embedded

ORIGIN = "http://shop.test"


def settings_tree(folder: Path, backend: str = "memory", **sections: Any) -> dict[str, Any]:
    """A small configuration; `sections` are merged into its top-level sections."""
    tree: dict[str, Any] = {
        "server": {"host": "127.0.0.1", "port": 0},
        "storage": embedded(backend, folder / "leflux.db").section(),
        "limits": {"init_per_minute": 1000, "messages_per_minute": 5000, "address_messages_per_minute": 5000},
        "agent": {"kind": "echo"},
        "demo": {"enabled": True},
        "sites": [
            {"id": "shop", "name": "Shop", "allowed_hosts": ["shop.test"], "config": {"greeting": "Hello"}},
            {"id": "other", "name": "Other", "allowed_hosts": ["other.test"]},
        ],
    }
    for name, section in sections.items():
        merged = isinstance(section, dict) and "backend" not in section
        tree[name] = tree.get(name, {}) | section if merged else section
    return tree


class Visitor:
    """One browser: HTTP calls and sockets that come from a page of the site."""

    def __init__(self, base: str, http: aiohttp.ClientSession, stack: AsyncExitStack) -> None:
        self.base = base
        self.http = http
        self._stack = stack

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        """Status and parsed JSON."""
        options.setdefault("headers", {"Origin": ORIGIN})
        if body is not None:
            options["json"] = body
        async with self.http.request(method, self.base + path, **options) as response:
            return response.status, await response.json()

    async def init(self, **fields: Any) -> str:
        status, answer = await self.call("POST", "/api/session/init", {"websiteUrl": "http://shop.test/"} | fields)
        assert status == 200, answer
        session_id: str = answer["sessionId"]
        return session_id

    async def messages(self, session_id: str) -> list[dict[str, Any]]:
        status, answer = await self.call("GET", f"/api/session/{session_id}/messages?limit=500")
        assert status == 200, answer
        found: list[dict[str, Any]] = answer["messages"]
        return found

    async def socket(
        self, session_id: str | None = None, since: int | None = None, transport: str = "websocket", **auth: Any
    ) -> "Socket":
        """A connected socket; with `session_id` it joins in the handshake."""
        socket = Socket(self.http)
        if session_id is not None:
            auth |= {"sessionId": session_id, "url": "http://shop.test/"}
        if since is not None:
            auth["since"] = since
        await socket.client.connect(
            self.base, headers={"Origin": ORIGIN}, transports=[transport], auth=auth or None, retry=False
        )
        self._stack.push_async_callback(socket.client.disconnect)
        return socket


class Socket:
    """A python-socketio client that keeps every event it received."""

    def __init__(self, http: aiohttp.ClientSession | None = None) -> None:
        # A client that fails to connect leaves a session of its own open.
        self.client = socketio.AsyncClient(reconnection=False, http_session=http)
        self.events: list[tuple[str, Any]] = []
        self.client.on("*", self._received)

    async def _received(self, event: str, payload: Any = None) -> None:
        self.events.append((event, payload))

    async def ask(self, event: str, payload: Any) -> Any:
        """Emit and wait for the acknowledgement."""
        return await self.client.call(event, payload, timeout=60)

    async def say(self, session_id: str, text: str, client_message_id: str | None = None) -> Any:
        message = {"sessionId": session_id, "clientMessageId": client_message_id or str(uuid4()), "text": text}
        return await self.ask("send_message", message)

    def of(self, event: str) -> list[Any]:
        return [payload for name, payload in self.events if name == event]

    async def wait(self, event: str, count: int = 1) -> Any:
        """The payload of the `count`-th such event."""
        await until(lambda: len(self.of(event)) >= count, f"{count} x {event}")
        return self.of(event)[count - 1]


async def until(condition: Callable[[], bool | Awaitable[bool]], what: str, seconds: float = 90.0) -> None:
    """Wait for a condition; fails naming `what`."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                answer = condition()
                if await answer if isinstance(answer, Awaitable) else answer:
                    return
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"did not happen within {seconds} s: {what}")


Opened = Callable[..., Awaitable[Visitor]]


@pytest.fixture(params=["memory", "sqlite"])
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@asynccontextmanager
async def serving(tmp_path: Path, backend: str, **sections: dict[str, Any]) -> AsyncIterator[str]:
    """A running server; yields its base URL."""
    file = tmp_path / f"{uuid4()}.yaml"
    file.write_text(yaml.safe_dump(settings_tree(tmp_path, backend, **sections)))
    server = LeFlux(load(file))
    port = await server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await server.stop()


@pytest.fixture
async def opened(tmp_path: Path, backend: str) -> AsyncIterator[Opened]:
    """Start a server with these sections of configuration and get a visitor of it."""
    async with AsyncExitStack() as stack:

        async def open_(**sections: dict[str, Any]) -> Visitor:
            base = await stack.enter_async_context(serving(tmp_path, backend, **sections))
            http = await stack.enter_async_context(aiohttp.ClientSession())
            return Visitor(base, http, stack)

        yield open_


@pytest.fixture
async def visitor(opened: Opened) -> Visitor:
    return await opened()
