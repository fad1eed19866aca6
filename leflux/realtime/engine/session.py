"""One Engine.IO connection: its packets, its liveness and its order, over any transport."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from leflux.protocol import Problem
from leflux.realtime.engine.timer_wheel import NOWHERE
from leflux.realtime.engine.wire import refusal

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = "0", "1", "2", "3", "4", "5", "6"
INBOX = 1_024
"""Packets that may wait for the handlers, or `max_buffer` characters; beyond that nothing more is read."""
CHEAP_PER_SECOND, CHEAP_BURST = 200, 2_000
"""Frames and packets without an event, after which the connection is closed as a flood."""
REFUSAL_COST = 10
"""So many of them a refused packet counts for: 200 at once, 20 a second."""
_CHEAP_COST = 1 / CHEAP_PER_SECOND
_CHEAP_SECONDS = CHEAP_BURST / CHEAP_PER_SECOND


class Transport(Protocol):
    """What carries the packets of a connection."""

    name: str

    @property
    def overflows(self) -> bool:
        """More waits for the client than it may leave unread."""

    def send(self, packet: str, hold: bool = False) -> None:
        """Send now, or, with `hold`, at the end of this turn of the event loop at the latest."""

    def close(self, code: int, reason: str) -> None:
        """Tell the client and hang up."""


class SessionEngine(Protocol):
    """The engine, as a connection sees it."""

    ping_interval: float
    ping_timeout: float
    connect_timeout: float
    max_buffer: int

    def schedule(self, session: "EngineSession", delay: float) -> None: ...
    def forget(self, session: "EngineSession") -> None: ...
    async def opened(self, session: "EngineSession") -> None: ...
    async def received(self, session: "EngineSession", data: str) -> None: ...
    async def closed(self, session: "EngineSession", reason: str) -> None: ...


class _End:
    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


_START = object()


class EngineSession:
    """Packets are handled one after the other, in a task that exists only while there is something to do.

    A handler that hangs delays the later events of its own connection and nothing else: pings are answered where they
    arrive. `upgrades` counts the WebSockets that ask to take the connection over; `has_connected` is set when the
    client has joined a namespace, and stays set when it leaves.
    """

    __slots__ = (
        "_awaiting_pong",
        "_cheap_until",
        "_closing",
        "_connect_left",
        "_engine",
        "_inbox",
        "_inbox_size",
        "_on_room",
        "_task",
        "_waits",
        "address",
        "environ",
        "has_connected",
        "sid",
        "slot",
        "transport",
        "upgrades",
    )

    def __init__(
        self, sid: str, engine: SessionEngine, address: str, environ: dict[str, Any], transport: Transport
    ) -> None:
        self.sid = sid
        self.slot = NOWHERE
        self.address = address
        self.environ: dict[str, Any] | None = environ
        self.transport = transport
        self.upgrades = 0
        self.has_connected = False
        self._engine = engine
        self._inbox: deque[Any] | None = None
        self._task: asyncio.Task[None] | None = None
        self._on_room: Callable[[], None] | None = None
        self._awaiting_pong = False
        self._closing = False
        self._inbox_size = 0
        self._cheap_until = 0.0
        self._connect_left = engine.connect_timeout
        self._waits = 0.0

    @property
    def is_open(self) -> bool:
        return not self._closing

    @property
    def is_full(self) -> bool:
        """So much waits for the handlers that the transport stops reading."""
        inbox = self._inbox
        return inbox is not None and (len(inbox) >= INBOX or self._inbox_size > self._engine.max_buffer)

    def when_room(self, callback: Callable[[], None]) -> None:
        """Call back once, when half of what makes the inbox full has been handled."""
        self._on_room = callback

    def start(self) -> None:
        self._enqueue(_START)
        self._schedule(min(self._engine.ping_interval, self._engine.connect_timeout))

    def _schedule(self, delay: float) -> None:
        self._waits = delay
        self._engine.schedule(self, delay)

    def receive(self, packet: str) -> None:
        """One packet from the client."""
        if self._closing:
            return
        kind = packet[:1]
        if kind == MESSAGE:
            self._inbox_size += len(packet)
            self._enqueue(packet[1:])
            return
        self.count_cheap()
        if kind == PONG:
            if self._awaiting_pong:
                self._awaiting_pong = False
                self._schedule(self._engine.ping_interval)
        elif kind == PING:
            self.send(PONG + packet[1:], hold=True)
        elif kind == CLOSE:
            self.close(1000, "client disconnect")
        elif kind not in (UPGRADE, NOOP):
            self.refuse(refusal("", Problem("bad_packet", "Not an Engine.IO packet.")))

    def refuse(self, answer: str) -> None:
        """Answer a packet that was not taken with a Socket.IO packet. The connection stays."""
        self.count_cheap(REFUSAL_COST)
        self.send(MESSAGE + answer, hold=True)

    def count_cheap(self, cost: int = 1) -> None:
        """Count a frame or a packet that costs its sender nothing; too many close the connection."""
        if self._closing:
            return
        now = time.monotonic()
        self._cheap_until = max(self._cheap_until, now) + _CHEAP_COST * cost
        if self._cheap_until - now > _CHEAP_SECONDS:
            if self._inbox is not None:
                self._inbox.clear()
            self.close(1008, "flood")

    def send(self, packet: str, hold: bool = False) -> None:
        if self._closing:
            return
        self.transport.send(packet, hold)
        if self.transport.overflows:
            self.close(1008, "slow reader")

    def due(self) -> None:
        """Called by the timer wheel: send a ping, or close when the last one was not answered."""
        if self._awaiting_pong:
            self.close(1001, "ping timeout")
            return
        self._connect_left -= self._waits
        if not self.has_connected and self._connect_left <= 0:
            self.close(1008, "never connected")
            return
        self._awaiting_pong = True
        self.send(PING)
        self._schedule(self._engine.ping_timeout)

    def close(self, code: int, reason: str) -> None:
        """Hang up, from either side. What has arrived before is still handled, then `disconnect` fires once."""
        if self._closing:
            return
        self._closing = True
        self._engine.forget(self)
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
                await self._handle_one(self._inbox.popleft())
                self._tell_room()
                if self._inbox:
                    # One event of each connection in a turn of the loop: handlers need not wait for anything.
                    await asyncio.sleep(0)
        finally:
            self._inbox = None
            self._task = None

    async def _handle_one(self, item: Any) -> None:
        if item is _START:
            await self._engine.opened(self)
        elif isinstance(item, _End):
            await self._engine.closed(self, item.reason)
            self.environ = None
        else:
            self._inbox_size -= len(item) + 1
            await self._engine.received(self, item)

    def _tell_room(self) -> None:
        callback = self._on_room
        if (
            callback is not None
            and len(self._inbox or ()) <= INBOX // 2
            and self._inbox_size <= self._engine.max_buffer // 2
        ):
            self._on_room = None
            callback()
