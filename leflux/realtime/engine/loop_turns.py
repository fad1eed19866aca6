"""What sockets read and write in one turn of the event loop.

Writes are collected into one: each is a system call. No socket reads more than a little.
"""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Protocol, cast

import structlog

log = structlog.get_logger(__name__)

HELD = 65_536
"""Bytes that are held until the end of a turn."""


class BatchedWriter(asyncio.Protocol):
    """The writing half of a socket."""

    __slots__ = ("_batch", "_held", "_held_size", "_is_ended", "_transport")

    def __init__(self, batch: "WriteBatch") -> None:
        self._batch = batch
        self._held: list[bytes] = []
        self._held_size = 0
        self._is_ended = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport, self._held = None, []

    def put(self, data: bytes, hold: bool) -> None:
        """Write `data` after everything that is held; with `hold`, at the end of this turn at the latest."""
        if self._transport is None or self._is_ended:
            return
        if not hold and not self._held:
            self._transport.write(data)
            return
        if not self._held:
            self._batch.add(self)
        self.hold(data)
        if not hold or self._held_size > HELD:
            self.release()

    def hold(self, data: bytes) -> None:
        """Keep `data` until `release` is called."""
        self._held.append(data)
        self._held_size += len(data)

    def release(self) -> None:
        """Write what is held."""
        if not self._held:
            return
        held, self._held, self._held_size = self._held, [], 0
        # uvloop raises on a write to a closing transport, which would keep the other sockets of the batch waiting.
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(held[0] if len(held) == 1 else b"".join(held))

    def end_writing(self) -> None:
        """Write what is held, then the end of the stream; whatever is put afterwards is dropped."""
        self.release()
        self._is_ended = True
        if self._transport is not None and not self._transport.is_closing():
            # The client may have reset the connection already.
            with suppress(OSError):
                self._transport.write_eof()


class WriteBatch:
    """The sockets of a process that hold something until the turn ends."""

    __slots__ = ("_sockets",)

    def __init__(self) -> None:
        self._sockets: list[BatchedWriter] = []

    def add(self, socket: BatchedWriter) -> None:
        if not self._sockets:
            asyncio.get_running_loop().call_soon(self._end)
        self._sockets.append(socket)

    def _end(self) -> None:
        sockets, self._sockets = self._sockets, []
        for socket in sockets:
            try:
                socket.release()
            except Exception as error:
                # The others still hold what they have to write.
                log.error("a socket could not be written to", exc_info=error)


SECONDS = 0.002
"""Time in one turn of the loop for all sockets that have more to read than one turn allows."""


class WaitingSocket(Protocol):
    """A socket whose client has sent more than it may handle at once."""

    def read_some(self) -> bool:
        """Handle a limited number of frames. True: there is more, and another turn is wanted."""


class ReadTurns:
    """Calls waiting sockets one after the other, each at most once in a turn of the loop."""

    __slots__ = ("_handle", "_waiting")

    def __init__(self) -> None:
        self._waiting: deque[WaitingSocket] = deque()
        self._handle: asyncio.Handle | None = None

    def add(self, socket: WaitingSocket) -> None:
        """`socket` wants a turn. It may not be added again before `read_some` has returned False."""
        self._waiting.append(socket)
        if self._handle is None:
            self._handle = asyncio.get_running_loop().call_soon(self._run)

    def _run(self) -> None:
        loop = asyncio.get_running_loop()
        self._handle = None
        end = loop.time() + SECONDS
        try:
            for _ in range(len(self._waiting)):
                socket = self._waiting.popleft()
                if socket.read_some():
                    self._waiting.append(socket)
                if loop.time() >= end:
                    break
        finally:
            if self._waiting and self._handle is None:
                self._handle = loop.call_soon(self._run)


class TurnReader(BatchedWriter):
    """The reading half of a socket: what one turn of the loop does not handle waits, and reading is paused."""

    __slots__ = ("_is_paused", "_reads")

    def __init__(self, reads: ReadTurns, writes: WriteBatch) -> None:
        super().__init__(writes)
        self._reads = reads
        self._is_paused = False

    def read_turn(self) -> bool:
        """Handle the frames of one turn. True: there are more."""
        raise NotImplementedError

    def waits_for_room(self) -> bool:
        """Whether nothing is to be read until `read_on` is called."""
        raise NotImplementedError

    def read_on(self) -> None:
        if self.read_some():
            self._reads.add(self)

    def read_some(self) -> bool:
        has_more = self.read_turn()
        if has_more or self.waits_for_room():
            self._pause()
        else:
            self.resume()
        return has_more

    def _pause(self) -> None:
        if not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._is_paused:
            self._is_paused = False
            if self._transport is not None and not self._transport.is_closing():
                self._transport.resume_reading()
