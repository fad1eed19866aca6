"""A cheap load generator: raw HTTP and Socket.IO over asyncio protocols.

It knows unfragmented text frames and bodies with `Content-Length`. A mask of zeros leaves the payload unchanged, so
masking costs the client nothing; the server unmasks as usual.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import msgspec

from bench.frames import Frames, frame

LIMIT = 30.0
"""The time-out of any answer, in seconds."""
_CLOSE = 0x8
HANDSHAKE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://localhost\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n"
)


def _ignored(_packet: bytes) -> None:
    return None


class BadAnswer(Exception):
    """The server gave an answer that a working server does not give."""


class Http(asyncio.Protocol):
    """A keep-alive connection with one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._received = b""
        self._answer: asyncio.Future[bytes] | None = None

    @classmethod
    async def open(cls, port: int) -> "Http":
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(lambda: cls(port), "127.0.0.1", port)
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    async def post(self, path: str, body: bytes) -> bytes:
        """The body of a 200 answer. Raises `BadAnswer` for any other status."""
        self._answer = asyncio.get_running_loop().create_future()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nOrigin: http://localhost\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._transport.write(head.encode() + body)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or self._answer is None:
            return
        lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if not head.startswith(b"HTTP/1.1 200") or not lengths:
            self._fail(BadAnswer(self._received[:500]))
        elif len(body) >= int(lengths[0]):
            self._received = b""
            self._answer.set_result(body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or BadAnswer("the server closed the connection"))

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def close(self) -> None:
        self._transport.close()


class Socket(asyncio.Protocol):
    """A Socket.IO client over WebSocket. With a session it joins in the handshake.

    `heard(packet)` gets the events that nothing here waits for.
    """

    def __init__(self, port: int, auth: dict[str, Any] | None) -> None:
        loop = asyncio.get_running_loop()
        self._port = port
        self._auth = auth
        self._frames: Frames | None = None
        self._head = b""
        self._asked: deque[tuple[bytes, asyncio.Future[bytes]]] = deque()
        self._count = 0
        self.heard: Callable[[bytes], None] = _ignored
        self.ready: asyncio.Future[None] = loop.create_future()
        self._gone: asyncio.Future[None] = loop.create_future()

    @classmethod
    async def open(cls, port: int, auth: dict[str, Any] | None = None) -> "Socket":
        """Connect, and join the session of `auth`."""
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(lambda: cls(port, auth), "127.0.0.1", port)
        async with asyncio.timeout(LIMIT):
            await protocol.ready
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(HANDSHAKE.format(port=self._port).encode())

    def ask(self, event: str, payload: bytes) -> "asyncio.Future[bytes]":
        """Emit an event with a JSON payload; returns the acknowledgement."""
        number = str(self._count).encode()
        self._count += 1
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked.append((b"43" + number + b"[", answer))
        self._transport.write(frame(b'42%b["%b",%b]' % (number, event.encode(), payload)))
        return answer

    async def leave(self) -> None:
        """Close like a browser that leaves the page, and wait until the server has closed."""
        self._transport.write(frame(b"\x03\xe9", _CLOSE))
        async with asyncio.timeout(LIMIT):
            await self._gone

    def data_received(self, data: bytes) -> None:
        if self._frames is None:
            self._head += data
            head, found, data = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._fail(BadAnswer(self._head[:500]))
                return
            self._frames = Frames()
        for opcode, payload in self._frames.feed(data):
            if opcode == _CLOSE:
                self._transport.close()
            else:
                self._packet(payload)

    def _packet(self, packet: bytes) -> None:
        if packet.startswith(b"43"):
            self._acknowledged(packet)
        elif packet == b"2":
            self._transport.write(frame(b"3"))
        elif packet.startswith(b"0"):
            self._transport.write(frame(b"40" + (msgspec.json.encode(self._auth) if self._auth else b"")))
        elif packet.startswith(b"40"):
            if self._auth is None:
                self.ready.set_result(None)
        elif packet.startswith(b'42["session_joined"'):
            self.ready.set_result(None)
        elif packet.startswith((b"44", b'42["error"')):
            self._fail(BadAnswer(packet[:500]))
        else:
            self.heard(packet)

    def _acknowledged(self, packet: bytes) -> None:
        head, answer = self._asked.popleft()
        if packet.startswith(head):
            answer.set_result(packet[len(head) : -1])
        else:
            answer.set_exception(BadAnswer(packet[:200]))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or BadAnswer("the server closed the socket"))
        if not self._gone.done():
            self._gone.set_result(None)

    def _fail(self, error: Exception) -> None:
        if not self.ready.done():
            self.ready.set_exception(error)
        for _, answer in self._asked:
            if not answer.done():
                answer.set_exception(error)

    def close(self) -> None:
        self._transport.close()
