"""What all connections of a server share: who answers, the limits, and one slow timer."""

import asyncio
import math
from typing import Protocol

from msgspec import Struct
from tornado.httputil import HTTPServerConnectionDelegate

# Where a connection is. From ANSWER on nothing more is read of what its client sends.
IDLE, HEAD, BODY, ANSWER, LINGER, GONE = range(6)
FOREVER = 0


class Limits(Struct, frozen=True):
    """Bytes and seconds. `linger_seconds`: how long a client that is hung up on may still send what nobody reads."""

    head_bytes: int = 65_536
    body_bytes: int = 2_097_152
    head_seconds: float = 10.0
    body_seconds: float = 10.0
    idle_seconds: float = 120.0
    linger_seconds: float = 2.0


class Kept(Protocol):
    """A connection, as the timer sees it: `patience` is the number of ticks it may still take, or `FOREVER`."""

    patience: int

    def abort(self) -> None: ...
    def shut(self) -> None: ...


class Keeper:
    """Holds every connection, and ends those whose patience is over.

    Time is counted in ticks that the loop really ran, so a process that was frozen for a minute comes back to clients
    that still have their full time.
    """

    def __init__(self, delegate: HTTPServerConnectionDelegate, limits: Limits) -> None:
        self.delegate = delegate
        self.limits = limits
        self.is_stopping = False
        self.connections: set[Kept] = set()
        self.tick = min(1.0, limits.head_seconds / 4, limits.body_seconds / 4, limits.idle_seconds / 4)
        idle = self.ticks(limits.idle_seconds)
        head, body, linger = map(self.ticks, (limits.head_seconds, limits.body_seconds, limits.linger_seconds))
        self.patience = (idle, head, body, FOREVER, linger, idle)
        """By where a connection is; the last is for a client that does not take the rest of its answer."""
        self._empty = asyncio.Event()
        self._empty.set()
        self._timer: asyncio.TimerHandle | None = None
        self.written = asyncio.get_running_loop().create_future()
        """The answer to every write that need not wait; one for all, as most need not."""
        self.written.set_result(None)

    def ticks(self, seconds: float) -> int:
        """At least so long."""
        return math.ceil(seconds / self.tick) + 1

    def add(self, connection: Kept) -> None:
        self.connections.add(connection)
        self._empty.clear()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.tick, self._sweep)

    def discard(self, connection: Kept) -> None:
        self.connections.discard(connection)
        if not self.connections:
            self._empty.set()

    async def wait_empty(self) -> None:
        """Until no connection is left."""
        await self._empty.wait()

    def _sweep(self) -> None:
        self._timer = None
        for connection in tuple(self.connections):
            if connection.patience != FOREVER:
                connection.patience -= 1
                if connection.patience == 0:
                    connection.abort()
        if self.connections:
            self._timer = asyncio.get_running_loop().call_later(self.tick, self._sweep)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
