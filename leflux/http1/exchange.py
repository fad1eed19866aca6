"""One request and its response, in the form of Tornado's `HTTPConnection`."""

import asyncio
import time
from asyncio import Future, Transport
from collections.abc import Callable
from typing import NamedTuple, Protocol

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPOutputError,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import StreamClosedError

from leflux.http1.address import PeerAddress


class ResponseWriter:
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
        """The connection is lost: fail the waiting writes."""
        if self._drained is not None and not self._drained.done():
            self._drained.set_exception(StreamClosedError())
            # Nobody has to await it.
            self._drained.exception()
        self._drained = None


def gone() -> asyncio.Future[None]:
    """The result of a write to a closed connection. Nobody has to await it."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_exception(StreamClosedError())
    future.exception()
    return future


class Detached(NamedTuple):
    """A connection that HTTP no longer uses, and what its client has sent after the request. The next protocol calls
    `released` when the connection is lost."""

    transport: Transport
    early: bytes
    released: Callable[[], None]


class Carrier(Protocol):
    """The connection below, which outlives the exchange."""

    address: PeerAddress
    writer: ResponseWriter

    @property
    def is_ending(self) -> bool: ...
    def answered(self, exchange: "Exchange", closes: bool) -> None: ...
    def abort(self) -> None: ...
    def detach(self, exchange: "Exchange") -> Detached: ...
    def close_at_eof(self) -> None: ...


class Exchange(HTTPConnection):
    """Writes one response. Once it is finished, or the client is gone, further writes are dropped."""

    def __init__(self, carrier: Carrier, start_line: RequestStartLine, keeps_alive: bool) -> None:
        self.context = carrier.address
        self.start_line = start_line
        self.status = 0
        """Of the answer; 0: nothing of it has been written."""
        self.began = time.monotonic()
        self._carrier: Carrier | None = carrier
        self.is_head = start_line.method == "HEAD"
        """The answer has no body."""
        self._is_old = start_line.version == "HTTP/1.0"
        self._closes = not keeps_alive
        self._is_chunked = False
        self._is_bodiless = False
        self._left: int | None = None
        self._on_close: Callable[[], None] | None = None

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """Called once when the client goes away between the end of its request and the end of the answer."""
        self._on_close = callback

    def close_at_eof(self) -> None:
        """Treat a client that has closed its side as gone."""
        if self._carrier is not None:
            self._carrier.close_at_eof()

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
    ) -> Future[None]:
        """See `HTTPConnection`. Raises `ValueError`, and closes, for a header that is none."""
        carrier = self._carrier
        if carrier is None:
            return gone()
        assert isinstance(start_line, ResponseStartLine)
        self._frame(start_line.code, headers)
        try:
            head = _head(start_line, headers)
        except ValueError:
            self.close()
            raise
        self.status = start_line.code
        return carrier.writer.write(head + self._framed(chunk) if chunk else head)

    def _frame(self, code: int, headers: HTTPHeaders) -> None:
        """How the answer ends, and whether the connection does."""
        assert self._carrier is not None
        self._is_bodiless = self.is_head or code in (204, 304) or code < 200
        if "Content-Length" in headers:
            self._left = None if self._is_bodiless else int(headers["Content-Length"])
        elif not self._is_bodiless:
            if self._is_old:
                # The end of the connection ends the body.
                self._closes = True
            else:
                self._is_chunked = True
                headers["Transfer-Encoding"] = "chunked"
        if self._closes or self._carrier.is_ending or headers.get("Connection", "").lower() == "close":
            self._closes = True
            headers["Connection"] = "close"
        elif self._is_old:
            headers["Connection"] = "Keep-Alive"

    def _framed(self, chunk: bytes) -> bytes:
        if self._is_bodiless:
            return b""
        if self._left is not None:
            self._left -= len(chunk)
            if self._left < 0:
                self.close()
                raise HTTPOutputError("The answer is longer than its Content-Length.")
        return b"%x\r\n%b\r\n" % (len(chunk), chunk) if self._is_chunked and chunk else chunk

    def write(self, chunk: bytes) -> Future[None]:
        """See `HTTPConnection`."""
        if self._carrier is None:
            return gone()
        return self._carrier.writer.write(self._framed(chunk))

    def answer(self, head: bytes, body: bytes | None) -> None:
        """Write a whole answer. `head`: its lines without those of the framing. `body` None: a status without one."""
        carrier = self._carrier
        if carrier is None:
            return
        self._closes = self._closes or carrier.is_ending
        if body is not None:
            head += b"Content-Length: %d\r\n" % len(body)
        if self._closes:
            head += b"Connection: close\r\n"
        elif self._is_old:
            head += b"Connection: Keep-Alive\r\n"
        self.status = int(head[9:12])
        carrier.writer.write(head + b"\r\n" + (body if body and not self.is_head else b""))
        self.finish()

    def finish(self) -> None:
        """The answer is whole. Raises `HTTPOutputError`, and closes, when it is shorter than it said."""
        carrier = self._carrier
        if carrier is None:
            return
        if self._left:
            self.close()
            raise HTTPOutputError("The answer is shorter than its Content-Length.")
        if self._is_chunked:
            carrier.writer.write(b"0\r\n\r\n")
        self._let_go()
        carrier.answered(self, self._closes)

    def close(self) -> None:
        """Abort the response and the connection, without the close callback."""
        carrier = self._carrier
        self._let_go()
        if carrier is not None:
            carrier.abort()

    def detach(self) -> Detached:
        """Take the connection out of HTTP. Raises `StreamClosedError` when it is closed."""
        if self._carrier is None:
            raise StreamClosedError
        carrier = self._carrier
        self._let_go()
        self.status = 101
        return carrier.detach(self)

    def _let_go(self) -> None:
        self._carrier = None
        self._on_close = None

    def drop(self) -> Callable[[], None] | None:
        """The connection is gone: write nothing any more. Returns the close callback."""
        callback = self._on_close
        self._let_go()
        return callback


def _head(start_line: ResponseStartLine, headers: HTTPHeaders) -> bytes:
    lines = [f"HTTP/1.1 {start_line.code} {start_line.reason}"]
    lines += [f"{name}: {value}" for name, value in headers.get_all()]
    text = "\r\n".join(lines)
    if text.count("\n") >= len(lines) or text.count("\r") >= len(lines) or "\0" in text:
        raise ValueError("A header of the answer has a line break or a NUL in it.")
    return text.encode("latin-1") + b"\r\n\r\n"
