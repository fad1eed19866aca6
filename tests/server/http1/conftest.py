"""The HTTP server alone, on both event loops, and a client that writes the bytes it is told to."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

import pytest
import structlog
import uvloop
from structlog.testing import LogCapture
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import StreamClosedError
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from leflux.http1 import HttpLimits, HttpServer
from leflux.http1.capped_body import CappedBody
from tests.server.conftest import until
from tests.services.proxy import RESET_ON_CLOSE

CAP = 1_000
HEAD = b"GET /echo HTTP/1.1\r\nHost: shop.test\r\n"


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Echo(RequestHandler):
    """Says what it was asked; `/echo/304` and `/echo/204` say nothing."""

    SUPPORTED_METHODS = (*RequestHandler.SUPPORTED_METHODS, "CONNECT")

    def answer(self, status: str | None = None) -> None:
        if status is not None:
            self.set_status(int(status))
            return
        self.finish({"method": self.request.method, "uri": self.request.uri, "body": self.request.body.decode()})

    get = post = head = put = options = connect = answer


class Capped(CappedBody):
    """A body that is read as it comes, up to a cap; what is declared larger is refused when it has come."""

    body_cap = CAP

    def check(self) -> None:
        if self.declared_too_large():
            raise ValueError

    def log_exception(self, *_: Any) -> None:
        pass

    def post(self) -> None:
        if self.is_too_large():
            raise ValueError
        self.finish(str(len(self.body)))

    def write_error(self, status_code: int, **_: Any) -> None:
        self.set_status(413)
        self.finish("too large")


class Slow(RequestHandler):
    """Answers when the test says so."""

    async def get(self) -> None:
        rig: Rig = self.settings["rig"]
        rig.running += 1
        try:
            await rig.go.wait()
        finally:
            rig.running -= 1
        self.finish("slow")

    def on_connection_close(self) -> None:
        self.settings["rig"].closed += 1


class Stream(RequestHandler):
    """So many pieces, each when the one before is on its way."""

    async def get(self, count: str) -> None:
        rig: Rig = self.settings["rig"]
        rig.running += 1
        try:
            for _ in range(int(count)):
                self.write(b"x" * 65_536)
                await self.flush()
                rig.sent += 1
        except StreamClosedError:
            rig.told += 1
        finally:
            rig.running -= 1


class Watched(HTTPServerConnectionDelegate):
    """Hands everything to `inner`, and keeps what each delegate was told at the end."""

    def __init__(self, inner: HTTPServerConnectionDelegate) -> None:
        self.inner = inner
        self.ends: list[list[str]] = []
        self.closed = 0

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        self.ends.append([])
        return _Told(self.inner.start_request(server_conn, request_conn), self.ends[-1])

    def on_close(self, server_conn: object) -> None:
        self.closed += 1


class _Told(HTTPMessageDelegate):
    def __init__(self, inner: HTTPMessageDelegate, ends: list[str]) -> None:
        self._inner = inner
        self._ends = ends

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        return self._inner.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._inner.data_received(chunk)

    def finish(self) -> None:
        self._ends.append("finish")
        self._inner.finish()

    def on_connection_close(self) -> None:
        self._ends.append("closed")
        self._inner.on_connection_close()


class Answer(NamedTuple):
    status: int
    headers: HTTPHeaders
    body: bytes


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)

    async def head(self) -> tuple[int, HTTPHeaders]:
        text = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 20)).decode("latin-1")
        first, _, rest = text.partition("\r\n")
        return int(first.split(" ")[1]), HTTPHeaders.parse(rest)

    async def answer(self, bodiless: bool = False) -> Answer:
        status, headers = await self.head()
        if bodiless:
            return Answer(status, headers, b"")
        if headers.get("Transfer-Encoding") == "chunked":
            return Answer(status, headers, await self._chunks())
        if "Content-Length" not in headers:
            return Answer(status, headers, await self.rest())
        return Answer(status, headers, await self.reader.readexactly(int(headers["Content-Length"])))

    async def _chunks(self) -> bytes:
        body = b""
        while True:
            size = int(await self.reader.readline(), 16)
            body += await self.reader.readexactly(size)
            assert await self.reader.readexactly(2) == b"\r\n"
            if not size:
                return body

    async def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        return await asyncio.wait_for(self.reader.read(), 20)

    def reset(self) -> None:
        """Go away so that the other side hears of it at once."""
        raw = self.writer.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.writer.transport.abort()


class Rig:
    """A server, and what its handlers did."""

    def __init__(
        self, stack: AsyncExitStack, limits: HttpLimits, delegate: HTTPServerConnectionDelegate | None
    ) -> None:
        self.go = asyncio.Event()
        self.running = self.closed = self.sent = self.told = 0
        routes = [(r"/echo(?:/(\d+))?", Echo), (r"/capped", Capped), (r"/slow", Slow), (r"/stream/(\d+)", Stream)]
        self.watched = Watched(delegate or Application([*routes, (r".*", Echo)], rig=self, log_function=lambda _: None))
        self.accesses: list[tuple[str, str, int]] = []
        self.server = HttpServer(self.watched, limits, lambda *access: self.accesses.append(access[:3]))
        self._stack = stack

    async def start(self) -> None:
        sock, self.port = bind_unused_port()
        await self.server.start([sock])
        self._stack.push_async_callback(self.stop)
        self._stack.callback(self.go.set)

    async def stop(self) -> None:
        self.server.stop()
        await self.server.close_all_connections()

    async def client(self, *pieces: bytes) -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)
        client = Client(reader, writer)
        self._stack.callback(client.reset)
        client.send(*pieces)
        return client

    async def ask(self, *pieces: bytes, bodiless: bool = False) -> Answer:
        return await (await self.client(*pieces)).answer(bodiless)


async def still(counter: Callable[[], int]) -> int:
    """The count once it has stopped."""
    while True:
        before = counter()
        await asyncio.sleep(0.2)
        if counter() == before:
            return before


OpenRig = Callable[..., Awaitable[Rig]]


@pytest.fixture
def logged() -> Iterator[LogCapture]:
    """What the server logs."""
    capture = LogCapture()
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[capture])
    yield capture
    structlog.configure(processors=before)


@pytest.fixture
async def open_rig(logged: LogCapture) -> AsyncIterator[OpenRig]:
    """Start a server with these limits. The test fails when a task outlives its end or an error was logged."""
    before = asyncio.all_tasks()
    async with AsyncExitStack() as stack:

        async def open_(delegate: HTTPServerConnectionDelegate | None = None, **limits: Any) -> Rig:
            rig = Rig(stack, HttpLimits(**limits), delegate)
            await rig.start()
            return rig

        yield open_
    await until(lambda: asyncio.all_tasks() - {asyncio.current_task()} <= before, "every task has ended")
    assert not [entry for entry in logged.entries if entry["log_level"] == "error"]


@pytest.fixture
async def rig(open_rig: OpenRig) -> Rig:
    return await open_rig(body_bytes=8 * CAP)
