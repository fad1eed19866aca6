"""One connection of the driver, taken over once it is connected: a batch is written, and its replies resolve the calls.

The driver finds the server, logs in and speaks TLS; from then on its stream is ours, because its own reader costs more
for each reply than the rest of a call. A connection whose batch ended in any other way than with its last reply is
dropped, so that no late reply meets another call.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from hiredis import ProtocolError, Reader, pack_command
from redis.exceptions import ResponseError

from backends.errors import StoreUnavailable
from backends.redis_errors import translate
from backends.redis_script import Command, Script

_REDIRECTED = ("MOVED ", "ASK ", "TRYAGAIN ")
_LOST_MASTER = ("READONLY ", "MASTERDOWN ", "CLUSTERDOWN ")


class Call:
    """A command, and the future of its reply. An error is a reply like any other, so that one that nobody waits for
    any more is no unhandled exception.
    """

    __slots__ = ("command", "reply", "source", "turn")

    def __init__(self, command: Command, turn: "Turn") -> None:
        self.command = command
        self.reply: asyncio.Future[Any] = turn.loop.create_future()
        self.source = False
        self.turn = turn

    @property
    def args(self) -> tuple[Any, ...]:
        """What is sent: a script's digest, or its source when the server has said that it does not know it."""
        return cast("tuple[Any, ...]", self.command.fallback) if self.source else self.command.args

    def resolve(self, reply: Any) -> None:
        if not self.reply.done():
            self.reply.set_result(translate(reply) if isinstance(reply, BaseException) else reply)
            self.turn.resolved()


class Turn:
    """The calls made in one turn of the event loop: they share one deadline."""

    __slots__ = ("_left", "_timer", "calls", "loop", "shared")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.calls: list[Call] = []
        self.shared: dict[tuple[str, ...], tuple[Call, Script, dict[str, None]]] = {}
        self._left = 0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, deadline: float) -> None:
        for keys, (call, script, members) in self.shared.items():
            call.command = script(keys, "", *members)
        self._left = len(self.calls)
        self._timer = self.loop.call_later(deadline, self._expire, deadline)

    def resolved(self) -> None:
        self._left -= 1
        if not self._left and self._timer is not None:
            self._timer.cancel()

    def _expire(self, deadline: float) -> None:
        for call in self.calls:
            call.resolve(StoreUnavailable(f"no answer within {deadline} s"))


class Wire(asyncio.Protocol):
    """`free(wire, moved)` is called after the last reply of a batch, with the calls that a cluster wants to have
    elsewhere; `lost(wire)` once, when the connection can carry nothing more.
    """

    def __init__(
        self,
        connection: Any,
        deadline: float,
        free: Callable[["Wire", list[Call]], None],
        lost: Callable[["Wire"], None],
    ) -> None:
        self.connection = connection
        self._deadline = deadline
        self._free = free
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._replies = Reader(replyError=ResponseError)
        self._batch: deque[Call] = deque()
        self._unknown: list[Call] = []
        self._moved: list[Call] = []
        self._timer: asyncio.TimerHandle | None = None
        self._is_lost = False
        self._lost_master = False
        # The driver has no public way to give up its stream; this is the one place that knows (see the pins' test).
        self._transport: asyncio.Transport = connection._writer.transport
        self._driver = self._transport.get_protocol()
        self._transport.set_protocol(self)

    def send(self, calls: list[Call]) -> None:
        """Write a batch; the one before it must have come to its end."""
        self._batch.extend(calls)
        self._transport.write(b"".join([pack_command(call.args) for call in calls]))
        if self._timer is None:
            self._timer = self._loop.call_later(self._deadline, self.drop, TimeoutError("no answer in time"))

    def left(self) -> tuple[Call, ...]:
        """What has been sent and is not answered."""
        return (*self._batch, *self._unknown)

    def data_received(self, data: bytes) -> None:
        if self._is_lost:
            return
        try:
            self._replies.feed(data)
            while self._batch:
                reply = self._replies.gets()
                if reply is False:
                    return
                call = self._batch.popleft()
                if not isinstance(reply, ResponseError) or not self._set_aside(call, str(reply)):
                    call.resolve(reply)
        except ProtocolError as error:
            self.drop(error)
            return
        self._end()

    def _set_aside(self, call: Call, error: str) -> bool:
        if error.startswith("NOSCRIPT") and not call.source and call.command.fallback is not None:
            # The script did not run, so sending its source cannot run it twice.
            call.source = True
            self._unknown.append(call)
            return True
        if error.startswith(_REDIRECTED):
            self._moved.append(call)
            return True
        if error.startswith(_LOST_MASTER):
            self._lost_master = True
        return False

    def _end(self) -> None:
        if self._lost_master:
            self.drop(ConnectionError("the server is no master any more"))
            return
        if self._unknown:
            unknown, self._unknown = self._unknown, []
            self.send(unknown)
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        moved, self._moved = self._moved, []
        self._free(self, moved)

    def eof_received(self) -> None:
        self.drop(ConnectionError("the server closed the connection"))

    def connection_lost(self, exc: Exception | None) -> None:
        # Whoever in the driver waits for the end of its stream is to hear of it.
        self._driver.connection_lost(exc)
        self.drop(exc or ConnectionError("the connection is closed"))

    def drop(self, error: Exception) -> None:
        """Hang up; the outcome of what was sent and not answered is unknown."""
        if self._is_lost:
            return
        self._is_lost = True
        if self._timer is not None:
            self._timer.cancel()
        self._transport.abort()
        for call in (*self._batch, *self._unknown, *self._moved):
            call.resolve(error)
        self._batch.clear()
        self._lost(self)
