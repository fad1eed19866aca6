"""A connection that another protocol takes over: nothing of what its client has sent is lost, and HTTP lets go."""

import asyncio
from typing import Any, cast

import pytest
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, HTTPServerConnectionDelegate, ResponseStartLine
from tornado.iostream import StreamClosedError

from leflux.http1 import Detached, Exchange
from tests.server.conftest import until
from tests.server.http1.conftest import HEAD, OpenRig

UPGRADE = HEAD.replace(b"/echo", b"/upgrade") + b"Connection: Upgrade\r\nUpgrade: parrot\r\n\r\n"


class Parrot(asyncio.Protocol):
    """Says everything again, and at the end of it goodbye."""

    def __init__(self, detached: Detached) -> None:
        self._transport = detached.transport
        self._released = detached.released
        self._transport.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + detached.early)

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)

    def eof_received(self) -> None:
        self._transport.write(b"goodbye")

    def connection_lost(self, exc: Exception | None) -> None:
        self._released()


class Upgrading(HTTPServerConnectionDelegate):
    """Lets a parrot have the connection: at once, or `later`, when the test says so."""

    def __init__(self, later: asyncio.Event | None = None) -> None:
        self.later = later
        self.tasks: list[asyncio.Task[None]] = []
        self.exchanges: list[Exchange] = []

    def start_request(self, server_conn: object, request_conn: Any) -> HTTPMessageDelegate:
        self.exchanges.append(request_conn)
        return _Upgrading(self, request_conn)


class _Upgrading(HTTPMessageDelegate):
    def __init__(self, front: Upgrading, exchange: Exchange) -> None:
        self._front = front
        self._exchange = exchange
        self._is_upgrade = False

    def headers_received(self, start_line: Any, headers: HTTPHeaders) -> None:
        self._is_upgrade = "Upgrade" in headers
        if self._is_upgrade and self._front.later is None:
            self._hand_over()

    def finish(self) -> None:
        if self._is_upgrade:
            self._front.tasks.append(asyncio.create_task(self._later()))
        else:
            self._exchange.write_headers(ResponseStartLine("", 200, "OK"), HTTPHeaders({"Content-Length": "0"}))
            self._exchange.finish()

    async def _later(self) -> None:
        assert self._front.later is not None
        await self._front.later.wait()
        self._hand_over()

    def _hand_over(self) -> None:
        detached = self._exchange.detach()
        detached.transport.set_protocol(Parrot(detached))


@pytest.mark.parametrize("is_later", [False, True])
@pytest.mark.parametrize("early", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x81\x00" * 100_000], ids=["", "short", "long"])
async def test_what_comes_with_and_after_the_request_reaches_the_other_protocol(
    open_rig: OpenRig, is_later: bool, early: bytes
) -> None:
    front = Upgrading(asyncio.Event() if is_later else None)
    rig = await open_rig(front)
    client = await rig.client(HEAD + b"\r\n" + UPGRADE + early)
    assert (await client.head())[0] == 200
    if front.later is not None:
        await until(lambda: len(front.exchanges) == 2, "the upgrade is asked for")
        front.later.set()
    assert (await client.head())[0] == 101
    assert await client.reader.readexactly(len(early)) == early
    client.send(b"later")
    assert await client.reader.readexactly(5) == b"later"
    await rig.stop()
    client.send(b"the server has stopped")
    client.writer.write_eof()
    assert await client.rest() == b"the server has stoppedgoodbye"
    assert rig.watched.ends[1:] == [["finish"] if is_later else []]


async def test_a_connection_that_is_gone_cannot_be_handed_over(open_rig: OpenRig) -> None:
    front = Upgrading(asyncio.Event())
    rig = await open_rig(front)
    client = await rig.client(UPGRADE)
    await until(lambda: len(front.tasks) == 1, "the upgrade is asked for")
    client.reset()
    await until(lambda: rig.watched.closed == 1, "the connection is closed")
    cast(asyncio.Event, front.later).set()
    with pytest.raises(StreamClosedError):
        await front.tasks[0]
