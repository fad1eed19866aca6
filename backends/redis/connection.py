"""One connection: it writes a batch of calls and resolves them with the replies.

The driver finds the server, authenticates and sets up TLS. Then this module takes over its stream, because the
driver's reader costs more for each reply than the rest of a call. A connection is dropped when a batch does not end
with its last reply, so that no late reply resolves another call.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from hiredis import ProtocolError, Reader, pack_command
from redis.exceptions import ResponseError

from backends.errors import StoreUnavailable
from backends.redis.errors import translate
from backends.redis.script import Command, LuaScript

_REDIRECTED = ("MOVED ", "ASK ", "TRYAGAIN ")
_LOST_MASTER = ("READONLY ", "MASTERDOWN ", "CLUSTERDOWN ")


class PendingCall:
    """A command, and the future of its reply. Errors are results too, so that an abandoned call logs no exception."""

    __slots__ = ("batch", "command", "reply", "source")

    def __init__(self, command: Command, batch: "CallBatch") -> None:
        self.command = command
        self.reply: asyncio.Future[Any] = batch.loop.create_future()
        self.source = False
        self.batch = batch

    @property
    def args(self) -> tuple[Any, ...]:
        """What is sent: a script's digest, or its source when the server has said that it does not know it."""
        return cast("tuple[Any, ...]", self.command.fallback) if self.source else self.command.args

    def resolve(self, reply: Any) -> None:
        if not self.reply.done():
            self.reply.set_result(translate(reply) if isinstance(reply, BaseException) else reply)
            self.batch.resolved()


class CallBatch:
    """The calls made in one iteration of the event loop: they share one deadline."""

    __slots__ = ("_left", "_timer", "calls", "loop", "shared")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.calls: list[PendingCall] = []
        self.shared: dict[tuple[str, ...], tuple[PendingCall, LuaScript, dict[str, None]]] = {}
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


class RedisConnection(asyncio.Protocol):
    """`free(connection, moved)` is called after the last reply of a batch, with the calls that a cluster redirects;
    `lost(connection)` once, when the connection cannot be used any more. With `wait_replicas`, a batch ends with WAIT,
    and its replies are told only when so many replicas have what it wrote.
    """

    def __init__(
        self,
        connection: Any,
        deadline: float,
        free: Callable[["RedisConnection", list[PendingCall]], None],
        lost: Callable[["RedisConnection"], None],
        wait_replicas: int = 0,
    ) -> None:
        self.connection = connection
        self._wait_replicas = wait_replicas
        self._deadline = deadline
        self._free = free
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._replies = Reader(replyError=ResponseError)
        # None stands for the WAIT at the end of a batch.
        self._batch: deque[PendingCall | None] = deque()
        self._held: list[tuple[PendingCall, Any]] = []
        self._unknown: list[PendingCall] = []
        self._moved: list[PendingCall] = []
        self._timer: asyncio.TimerHandle | None = None
        self._is_lost = False
        self._lost_master = False
        # The driver has no public way to hand over its stream; a test pins its version.
        self._transport: asyncio.Transport = connection._writer.transport
        self._driver = self._transport.get_protocol()
        self._transport.set_protocol(self)

    def send(self, calls: list[PendingCall]) -> None:
        """Write a batch. The one before it must have ended."""
        self._batch.extend(calls)
        packed = [pack_command(call.args) for call in calls]
        if self._wait_replicas:
            self._batch.append(None)
            wait: tuple[Any, ...] = ("WAIT", self._wait_replicas, round(500 * self._deadline))
            packed.append(pack_command(wait))
        try:
            self._transport.write(b"".join(packed))
        except RuntimeError as error:
            # uvloop raises on a transport that is closing.
            self.drop(ConnectionError(str(error)))
            return
        if self._timer is None:
            self._timer = self._loop.call_later(self._deadline, self.drop, TimeoutError("no answer in time"))

    def left(self) -> tuple[PendingCall, ...]:
        """The calls that were sent and have no reply."""
        return tuple(call for call in (*self._batch, *self._unknown) if call is not None)

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
                if call is None:
                    self._confirm(reply)
                elif not isinstance(reply, ResponseError) or not self._set_aside(call, str(reply)):
                    if self._wait_replicas:
                        self._held.append((call, reply))
                    else:
                        call.resolve(reply)
        except ProtocolError as error:
            self.drop(error)
            return
        self._end()

    def _confirm(self, replicas: Any) -> None:
        """Tell the replies of a batch, or that too few replicas have it: then its outcome is unknown."""
        held, self._held = self._held, []
        has_enough = isinstance(replicas, int) and replicas >= self._wait_replicas
        for call, reply in held:
            call.resolve(reply if has_enough else StoreUnavailable(f"not on {self._wait_replicas} replicas in time"))

    def _set_aside(self, call: PendingCall, error: str) -> bool:
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
        # The driver may wait for the end of its stream.
        self._driver.connection_lost(exc)
        self.drop(exc or ConnectionError("the connection is closed"))

    def drop(self, error: Exception) -> None:
        """Close the connection. The outcome of calls without a reply is unknown."""
        if self._is_lost:
            return
        self._is_lost = True
        if self._timer is not None:
            self._timer.cancel()
        self._transport.abort()
        for call in (*self.left(), *(call for call, _ in self._held), *self._moved):
            call.resolve(error)
        self._batch.clear()
        self._held.clear()
        self._lost(self)
