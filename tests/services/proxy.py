"""A TCP proxy on loopback that injects network faults between a client and a server or a store."""

import asyncio
import contextlib
import re
import socket
import struct
from enum import Enum

CHUNK = 65_536
# Close with a reset: what was not yet sent is thrown away.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Direction(Enum):
    REQUEST = "from the client to the target"
    REPLY = "from the target to the client"


class _Link:
    """One connection of a client, and its connection to the target."""

    def __init__(self, client: asyncio.StreamWriter, target: asyncio.StreamWriter) -> None:
        self._writers = (client, target)
        self.pumps: list[asyncio.Task[None]] = []

    def close(self) -> None:
        for writer in self._writers:
            writer.close()

    def reset(self) -> None:
        for writer in self._writers:
            raw = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            writer.transport.abort()


class Proxy:
    """Forwards bytes to `127.0.0.1:target`, with faults on request. An asynchronous context manager."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.latency = 0.0
        """Seconds by which every chunk is late, in both directions."""
        self.swallowed = 0
        """Bytes that went into the black hole so far."""
        self._target = target
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._flowing = {direction: asyncio.Event() for direction in Direction}
        self._resets = 0
        self._refusing = False
        self._swallowing = False
        self._dropped: re.Pattern[bytes] | None = None
        self._tearing = False

    async def __aenter__(self) -> "Proxy":
        for event in self._flowing.values():
            event.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._refusing = True
        self._server.close()
        for event in self._flowing.values():
            event.set()
        pumps = [pump for link in self._links for pump in link.pumps]
        self.reset()
        await asyncio.gather(*pumps, return_exceptions=True)
        await self._server.wait_closed()

    def reset(self) -> None:
        """Reset every connection; bytes in transit are lost. New connections are accepted."""
        self._resets += 1
        for link in list(self._links):
            link.reset()

    def cut(self) -> None:
        """Reset every connection and refuse new ones, until `heal`."""
        self._refusing = True
        self.reset()

    def hold(self, *directions: Direction) -> None:
        """Hold bytes back until `heal`. Without an argument: in both directions."""
        for direction in directions or Direction:
            self._flowing[direction].clear()

    def blackhole(self) -> None:
        """Drop every byte and close nothing, like an unplugged cable elsewhere."""
        self._swallowing = True

    def heal(self) -> None:
        """End all faults. Connections that have lost bytes are reset."""
        if self._swallowing:
            self.reset()
        self._refusing = self._swallowing = self._tearing = False
        self._dropped = None
        for event in self._flowing.values():
            event.set()

    def drop_reply(self, pattern: bytes) -> None:
        """Once: a reply that matches the regular expression is not delivered; its connection is reset instead.

        The target has done its work by then, and the client cannot know.
        """
        self._dropped = re.compile(pattern, re.DOTALL)

    def tear_request(self) -> None:
        """Once: of the next bytes of a client only the first half gets through, then the connection is reset."""
        self._tearing = True

    @property
    def has_dropped(self) -> bool:
        return self._dropped is None

    @property
    def has_torn(self) -> bool:
        return not self._tearing

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        resets = self._resets
        try:
            target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, target_writer)
        if self._refusing or resets != self._resets:
            link.reset()
            return
        self._links.add(link)
        link.pumps = [
            asyncio.create_task(self._pump(link, reader, target_writer, Direction.REQUEST)),
            asyncio.create_task(self._pump(link, target_reader, writer, Direction.REPLY)),
        ]
        await asyncio.wait(link.pumps)
        self._links.discard(link)

    async def _pump(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                if self.latency:
                    await asyncio.sleep(self.latency)
                await self._flowing[direction].wait()
                if self._swallowing:
                    self.swallowed += len(data)
                elif not await self._pass(link, data, writer, direction):
                    return
        link.close()

    async def _pass(self, link: _Link, data: bytes, writer: asyncio.StreamWriter, direction: Direction) -> bool:
        """False when the connection ends here."""
        if direction is Direction.REPLY and self._dropped is not None and self._dropped.search(data):
            self._dropped = None
            link.reset()
            return False
        is_torn = direction is Direction.REQUEST and self._tearing
        writer.write(data[: len(data) // 2] if is_torn else data)
        await writer.drain()
        if is_torn:
            self._tearing = False
            link.reset()
        return not is_torn
