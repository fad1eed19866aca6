"""What all connections of a server share: the delegate, the limits, and one slow timer."""

import asyncio
import math
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from msgspec import Struct
from tornado.httputil import HTTPServerConnectionDelegate

from leflux.http1.address import PeerAddress
from leflux.http1.connection_counts import ConnectionCounts, descriptors_left
from leflux.http1.exchange import Exchange

# Where a connection is. From ANSWER on nothing more is read of what its client sends.
IDLE, HEAD, BODY, ANSWER, LINGER, GONE = range(6)
FOREVER = 0


class HttpLimits(Struct, frozen=True):
    """Bytes, seconds and connections. `linger_seconds`: how long a client may still send after the server has closed
    its side."""

    head_bytes: int = 65_536
    body_bytes: int = 2_097_152
    head_seconds: float = 10.0
    body_seconds: float = 10.0
    idle_seconds: float = 120.0
    linger_seconds: float = 2.0
    connections_per_address: int = 512
    connections: int | None = None
    """In all; None: as many as the limit on open files allows."""
    is_proxy: Callable[[str], bool] = lambda _address: False
    """Whether many clients come from this address, so that its number of connections is not limited."""


AccessLog = Callable[[str, str, int, float], None]
"""Called after each answer with method, target, status and seconds."""


class RegisteredConnection(Protocol):
    """A connection, as the timer sees it: `ticks_left` is the number of ticks it may still take, or `FOREVER`."""

    ticks_left: int

    def abort(self) -> None: ...
    def shut(self) -> None: ...


class ConnectionRegistry:
    """Holds every connection, and ends those that have no ticks left.

    Time is counted in ticks that the loop really ran, so a process that was frozen for a minute comes back to clients
    that still have their full time.
    """

    def __init__(
        self,
        delegate: HTTPServerConnectionDelegate,
        limits: HttpLimits,
        log_access: AccessLog | None,
        base_path: str = "",
    ) -> None:
        self.delegate = delegate
        self.base_path = base_path
        self.limits = limits
        self._log_access = log_access
        total = descriptors_left() if limits.connections is None else limits.connections
        self._counts = ConnectionCounts(limits.connections_per_address, total)
        self.is_stopping = False
        self.connections: set[RegisteredConnection] = set()
        self.tick = min(1.0, limits.head_seconds / 4, limits.body_seconds / 4, limits.idle_seconds / 4)
        idle = self.ticks(limits.idle_seconds)
        head, body, linger = map(self.ticks, (limits.head_seconds, limits.body_seconds, limits.linger_seconds))
        self.ticks_in = (idle, head, body, FOREVER, linger, idle)
        """Ticks for each phase; the last is for a client that does not read the rest of its answer."""
        self._empty = asyncio.Event()
        self._empty.set()
        self._timer: asyncio.TimerHandle | None = None
        self.written = asyncio.get_running_loop().create_future()
        """The result of every write that need not wait, shared by all."""
        self.written.set_result(None)

    def ticks(self, seconds: float) -> int:
        """The number of ticks that last at least so long."""
        return math.ceil(seconds / self.tick) + 1

    def admit(self, address: PeerAddress) -> Callable[[], None] | None:
        """Count a connection. Returns a function to call when it is closed; None when there is no room."""
        is_limited = address.is_known and not self.limits.is_proxy(address.remote_ip)
        if not self._counts.admit(address.remote_ip, is_limited):
            return None
        return partial(self._counts.release, address.remote_ip)

    def log(self, exchange: Exchange) -> None:
        """An answer has been written."""
        if self._log_access is not None:
            line, seconds = exchange.start_line, time.monotonic() - exchange.began
            self._log_access(line.method, line.path, exchange.status, seconds)

    def add(self, connection: RegisteredConnection) -> None:
        self.connections.add(connection)
        self._empty.clear()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.tick, self._sweep)

    def discard(self, connection: RegisteredConnection) -> None:
        self.connections.discard(connection)
        if not self.connections:
            self._empty.set()

    async def wait_empty(self) -> None:
        """Until no connection is left."""
        await self._empty.wait()

    def _sweep(self) -> None:
        self._timer = None
        for connection in tuple(self.connections):
            if connection.ticks_left != FOREVER:
                connection.ticks_left -= 1
                if connection.ticks_left == 0:
                    connection.abort()
        if self.connections:
            self._timer = asyncio.get_running_loop().call_later(self.tick, self._sweep)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
