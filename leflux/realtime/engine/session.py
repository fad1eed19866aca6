"""One Engine.IO connection: its packets, its liveness and its order, whatever carries it."""

import asyncio
from collections import deque
from typing import Any, Protocol

from leflux.realtime.engine.wheel import NOWHERE

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = "0", "1", "2", "3", "4", "5", "6"
# A client may be this many packets, or the owner's `max_buffer` of characters, ahead of the handlers before it is taken
# for a flood.
INBOX = 1024


class Transport(Protocol):
    """What carries the packets of a connection."""

    name: str

    @property
    def overflows(self) -> bool:
        """More waits for the client than it may leave unread."""

    def send(self, packet: str, hold: bool = False) -> None:
        """Send now, or, with `hold`, at the end of this turn of the event loop at the latest."""

    def close(self, code: int, reason: str) -> None:
        """Say goodbye and hang up."""


class Owner(Protocol):
    """The engine, as a connection sees it."""

    ping_interval: float
    ping_timeout: float
    connect_timeout: float
    max_buffer: int

    def schedule(self, session: "Session", delay: float) -> None: ...
    def forget(self, session: "Session") -> None: ...
    def is_used(self, sid: str) -> bool: ...
    async def opened(self, session: "Session") -> None: ...
    async def received(self, session: "Session", data: str) -> None: ...
    async def closed(self, session: "Session", reason: str) -> None: ...


class _End:
    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


_START = object()


class Session:
    """Packets are handled one after the other, in a task that exists only while there is something to do.

    A handler that hangs holds up its own connection's later events and nothing else: pings are answered where
    they arrive.
    """

    __slots__ = (
        "_awaiting_pong",
        "_closing",
        "_inbox",
        "_inbox_size",
        "_owner",
        "_task",
        "address",
        "environ",
        "sid",
        "slot",
        "transport",
    )

    def __init__(self, sid: str, owner: Owner, address: str, environ: dict[str, Any], transport: Transport) -> None:
        self.sid = sid
        self.slot = NOWHERE
        self.address = address
        self.environ: dict[str, Any] | None = environ
        self.transport = transport
        self._owner = owner
        self._inbox: deque[Any] | None = None
        self._task: asyncio.Task[None] | None = None
        self._awaiting_pong = False
        self._closing = False
        self._inbox_size = 0

    @property
    def is_open(self) -> bool:
        return not self._closing

    def start(self) -> None:
        self._enqueue(_START)
        self._owner.schedule(self, min(self._owner.ping_interval, self._owner.connect_timeout))

    def receive(self, packet: str) -> None:
        """One packet from the client. A packet that makes no sense ends the connection."""
        if self._closing:
            return
        kind = packet[:1]
        if kind == MESSAGE:
            self._inbox_size += len(packet)
            if self._inbox is not None and (len(self._inbox) >= INBOX or self._inbox_size > self._owner.max_buffer):
                self.close(1008, "flood")
            else:
                self._enqueue(packet[1:])
        elif kind == PONG:
            self._awaiting_pong = False
            self._owner.schedule(self, self._owner.ping_interval)
        elif kind == PING:
            self.send(PONG + packet[1:])
        elif kind == CLOSE:
            self.close(1000, "client disconnect")
        elif kind not in (UPGRADE, NOOP):
            self.close(1002, "bad packet")

    def send(self, packet: str, hold: bool = False) -> None:
        if self._closing:
            return
        self.transport.send(packet, hold)
        if self.transport.overflows:
            self.close(1008, "slow reader")

    def due(self) -> None:
        """The wheel calls: the client is to be asked, or was asked and did not answer."""
        if not self._owner.is_used(self.sid):
            self.close(1008, "never connected")
            return
        if self._awaiting_pong:
            self.close(1001, "ping timeout")
            return
        self._awaiting_pong = True
        self.send(PING)
        self._owner.schedule(self, self._owner.ping_timeout)

    def close(self, code: int, reason: str) -> None:
        """Hang up, from either side. What has arrived before is still handled, then `disconnect` fires once."""
        if self._closing:
            return
        self._closing = True
        self._owner.forget(self)
        self.transport.close(code, reason)
        self._enqueue(_End(reason))

    async def ended(self) -> None:
        """Wait until the last event is handled."""
        if self._task is not None:
            await self._task

    def _enqueue(self, item: Any) -> None:
        if self._inbox is None:
            self._inbox = deque()
        self._inbox.append(item)
        if self._task is None:
            self._task = asyncio.create_task(self._handle())

    async def _handle(self) -> None:
        try:
            while self._inbox:
                item = self._inbox.popleft()
                if item is _START:
                    await self._owner.opened(self)
                elif isinstance(item, _End):
                    await self._owner.closed(self, item.reason)
                    self.environ = None
                else:
                    self._inbox_size -= len(item) + 1
                    await self._received(item)
        finally:
            self._inbox = None
            self._task = None

    async def _received(self, data: str) -> None:
        try:
            await self._owner.received(self, data)
        except ValueError:
            self.close(1008, "bad packet")
