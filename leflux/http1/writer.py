"""The writing half of a connection: tells a writer when its client does not keep up."""

import asyncio

from tornado.iostream import StreamClosedError


class Writer:
    """`written` is the future for every write that need not wait; one for all, as most need not."""

    __slots__ = ("_drained", "_written", "is_full", "transport")

    def __init__(self, transport: asyncio.Transport, written: asyncio.Future[None]) -> None:
        self.transport = transport
        self.is_full = False
        self._written = written
        self._drained: asyncio.Future[None] | None = None

    def write(self, data: bytes) -> asyncio.Future[None]:
        """The future is done once little waits to be sent; it raises `StreamClosedError` when nobody will read it."""
        if self.transport.is_closing():
            return gone()
        self.transport.write(data)
        if not self.is_full:
            return self._written
        if self._drained is None or self._drained.done():
            self._drained = asyncio.get_running_loop().create_future()
        return self._drained

    def resumed(self) -> None:
        """The transport takes more again."""
        self.is_full = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    def lost(self) -> None:
        """Whoever waits is told."""
        if self._drained is not None and not self._drained.done():
            self._drained.set_exception(StreamClosedError())
            # It need not be looked at.
            self._drained.exception()
        self._drained = None


def gone() -> asyncio.Future[None]:
    """What a write comes to when the connection is gone. It need not be looked at."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_exception(StreamClosedError())
    future.exception()
    return future
