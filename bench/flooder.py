"""One client of a flood: connections, handshakes, and what it hears."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

import msgspec

from bench.frames import Frames, frame

ORIGIN = "http://shop.test"
OPEN, POLLING = "/socket.io/?EIO=4&transport=websocket", "/socket.io/?EIO=4&transport=polling"
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_CLOSE = 0x8
_UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def head(method: str, path: str, more: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: shop.test\r\nOrigin: {ORIGIN}\r\n{more}\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    return head("POST", path, f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n") + body


def text(packet: str) -> bytes:
    return frame(packet.encode())


def event(name: str, payload: Any, number: int = 1) -> bytes:
    """An event that asks for an acknowledgement."""
    return frame(b"42%d" % number + msgspec.json.encode([name, payload]))


def torn(payload: bytes, opcode: int) -> bytes:
    """A frame that is not the last of its message."""
    whole = frame(payload, opcode)
    return bytes((whole[0] & 0x7F,)) + whole[1:]


class Flooder:
    """One attacker, who has a session of its own."""

    def __init__(self, port: int, address: str, seen: Counter[str]) -> None:
        self.port = port
        self.address = address
        self.seen = seen
        self.session_id = ""

    @asynccontextmanager
    async def connection(self) -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(self.address, 0))
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def start(self) -> None:
        """Start a session."""
        async with self.connection() as (reader, writer):
            writer.write(post("/api/session/init", b'{"websiteUrl": "http://shop.test/"}'))
            answer = await self._answer(reader)
            self.session_id = (
                msgspec.json.decode(answer)["sessionId"] if answer.startswith(b'{"sessionId') else str(uuid4())
            )

    async def sid(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        """Open a connection by polling."""
        writer.write(head("GET", POLLING))
        answer = await self._answer(reader)
        if not answer.startswith(b"0{"):
            raise ConnectionError("refused")
        sid: str = msgspec.json.decode(answer[1:])["sid"]
        return sid

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        self.seen[lines[9:12]] += 1
        found = re.search(r"content-length: (\d+)", lines)
        return await reader.readexactly(int(found[1])) if found else b""

    async def upgrade(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str = OPEN) -> None:
        writer.write(head("GET", path, _UPGRADE))
        answer = await reader.readuntil(b"\r\n\r\n")
        self.seen[answer[9:12].decode()] += 1
        if not answer.startswith(b"HTTP/1.1 101"):
            raise ConnectionError("refused")

    async def drain_frames(self, reader: asyncio.StreamReader) -> None:
        """Read until the server hangs up; note the code of its close frame."""
        frames = Frames()
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                for opcode, payload in frames.feed(data):
                    if opcode == _CLOSE:
                        self.seen[f"close {int.from_bytes(payload[:2], 'big')}"] += 1
                    elif b"rate_limited" in payload:
                        self.seen["rate_limited"] += 1

    async def drain_answers(self, reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                self.seen.update(status.decode() for status in _STATUS.findall(data))

    async def send_all(
        self, writer: asyncio.StreamWriter, draining: asyncio.Task[None], chunks: Iterator[bytes], pause: float
    ) -> None:
        """Send as fast as the server reads, until it hangs up."""
        try:
            while not draining.done():
                writer.write(next(chunks))
                await writer.drain()
                await asyncio.sleep(pause)
        finally:
            draining.cancel()
