"""Misbehaving clients. Each attacks until the server hangs up, and then connects again."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

from bench.client import HANDSHAKE
from bench.frames import frame

PACE = 0.02
"""Seconds between two packets of one client: a load for the server, but not for the generator."""
_CONT = 0x0
_FINAL = 0x80
_JOIN = b'40{"sessionId":"%b","url":"http://localhost/demo/"}'


class Line:
    """A connection that writes, and reads only when an attack says so."""

    def __init__(self, connection: socket.socket, port: int) -> None:
        self._socket = connection
        self._port = port
        self._loop = asyncio.get_running_loop()

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._socket, data)

    async def upgrade(self) -> None:
        await self.send(HANDSHAKE.format(port=self._port).encode())
        await self.answered()

    async def answered(self) -> None:
        await self._loop.sock_recv(self._socket, 4_096)

    async def closed(self) -> None:
        """Read until the server hangs up."""
        while await self._loop.sock_recv(self._socket, 65_536):
            pass


async def half_body(line: Line, session_id: str) -> None:
    """A body that stops in the middle."""
    head = f"POST /api/session/{session_id} HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
    await line.send(f"{head}Content-Type: application/json\r\nContent-Length: 200000\r\n\r\n".encode())
    await line.send(b'{"url":"' + b"x" * 100_000)
    await line.closed()


async def endless_fragments(line: Line, _session_id: str) -> None:
    """A message that never ends."""
    await line.upgrade()
    await line.send(_fragment(b"42", 0x1))
    while True:
        await line.send(_CONTINUED)
        await asyncio.sleep(PACE)


async def oversized(line: Line, _session_id: str) -> None:
    """The beginning of a frame of ten megabytes."""
    await line.upgrade()
    await line.send(_OVERSIZED)
    await line.closed()


async def pongs(line: Line, session_id: str) -> None:
    """Pongs of six bytes without end, for whom nobody asked."""
    await line.upgrade()
    await line.send(frame(_JOIN % session_id.encode()))
    while True:
        await line.send(_PONGS)


async def unknown_events(line: Line, session_id: str) -> None:
    """Events that nobody handles, without end."""
    await line.upgrade()
    await line.send(frame(_JOIN % session_id.encode()))
    while True:
        await line.send(_UNKNOWN)


async def unmasked(line: Line, _session_id: str) -> None:
    """A frame that only a server may send."""
    await line.upgrade()
    await line.send(b"\x81\x02" + b"40")
    await line.closed()


async def wrong_version(line: Line, _session_id: str) -> None:
    """An upgrade of an old WebSocket version."""
    await line.send(HANDSHAKE.format(port=0).replace("EIO=4", "EIO=2").encode())
    await line.answered()


async def never_reads(line: Line, session_id: str) -> None:
    """Makes the server answer and reads nothing."""
    await line.upgrade()
    await line.send(frame(_JOIN % session_id.encode()))
    while True:
        await line.send(_PING)
        await asyncio.sleep(PACE)


def _fragment(payload: bytes, opcode: int) -> bytes:
    whole = frame(payload, opcode)
    return bytes((whole[0] & ~_FINAL,)) + whole[1:]


# Built once: the generator only sends them.
_OVERSIZED = frame(b"x" * 10_000_000)[:400_000]
_CONTINUED = _fragment(b"x" * 8_000, _CONT)
_PING = frame(b"2" + b"x" * 64_000)
_PONGS = frame(b"", 0xA) * 10_000
_UNKNOWN = frame(b'42["x"]') * 5_000

Attack = Callable[[Line, str], Awaitable[None]]
ATTACKS: tuple[Attack, ...] = (
    half_body,
    endless_fragments,
    oversized,
    pongs,
    unknown_events,
    unmasked,
    wrong_version,
    never_reads,
)


async def attack_forever(port: int, session_id: str, attack: Attack, closings: list[str]) -> None:
    """Repeat one attack until cancelled. Notes its name each time the server hangs up."""
    while True:
        with socket.socket() as connection, suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            connection.setblocking(False)
            await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
            await attack(Line(connection, port), session_id)
        closings.append(attack.__name__)
        await asyncio.sleep(PACE)
