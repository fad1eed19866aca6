"""The long-polling transport: packets wait here until the client asks for them."""

import asyncio

from leflux.realtime.engine.session import CLOSE, NOOP

SEPARATOR = "\x1e"


class Polling:
    """At most `max_buffer` characters wait; a client that does not fetch them is dropped."""

    name = "polling"
    __slots__ = ("_abandoned", "_closed", "_max_buffer", "_size", "_waiter", "_waiting", "is_posting")

    def __init__(self, max_buffer: int) -> None:
        self._waiting: list[str] = []
        self._size = 0
        self._max_buffer = max_buffer
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        self._abandoned = False
        self.is_posting = False
        """A POST is being handled."""

    @property
    def is_busy(self) -> bool:
        """A request is waiting already."""
        return self._waiter is not None

    @property
    def overflows(self) -> bool:
        return self._size > self._max_buffer

    def send(self, packet: str, hold: bool = False) -> None:
        del hold
        if self._closed:
            return
        self._waiting.append(packet)
        self._size += len(packet)
        self._wake()

    def close(self, code: int, reason: str) -> None:
        """The request that waits gets what is there, and a close packet unless the client closed the connection."""
        del reason
        self._waiting.append(NOOP if code == 1000 else CLOSE)
        self._closed = True
        self._wake()

    def leave(self) -> list[str]:
        """The client has moved to another transport: returns what it is still to be sent there."""
        self._closed = True
        if self._waiter is not None:
            # A waiting request takes the packets that are there.
            self._waiting.append(NOOP)
            self._wake()
            return []
        packets, self._waiting, self._size = self._waiting, [], 0
        return [packet for packet in packets if packet != NOOP]

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def abandon(self) -> None:
        """The request that waited is gone; what comes next waits for the next one."""
        self._abandoned = True
        self._wake()

    async def fetch(self) -> str | None:
        """The packets that wait, as soon as there is one; None when the request was abandoned."""
        self._abandoned = False
        if not self._waiting:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._abandoned:
            return None
        packets, self._waiting, self._size = self._waiting, [], 0
        return SEPARATOR.join(packets)
