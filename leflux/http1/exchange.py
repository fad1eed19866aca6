"""One request and its answer, as Tornado and what stands before it see the connection."""

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

from leflux.http1.address import Address
from leflux.http1.writer import Writer, gone


class Detached(NamedTuple):
    """A connection that HTTP has let go of, and what its client has sent beyond the request."""

    transport: Transport
    early: bytes


class Carrier(Protocol):
    """The connection below, which outlives the exchange."""

    address: Address
    writer: Writer

    @property
    def is_ending(self) -> bool: ...
    def answered(self, closes: bool) -> None: ...
    def abort(self) -> None: ...
    def detach(self) -> Detached: ...
    def close_at_eof(self) -> None: ...
    def set_body_timeout(self, seconds: float | None) -> None: ...
    def set_max_body_size(self, size: int) -> None: ...


class Exchange(HTTPConnection):
    """Writes are for one answer: once it is finished, or its client gone, nothing of it reaches the connection."""

    def __init__(self, carrier: Carrier, start_line: RequestStartLine, keeps_alive: bool) -> None:
        self.context = carrier.address
        self.has_begun = False
        """Whether anything of the answer has been written."""
        self._carrier: Carrier | None = carrier
        self._is_head = start_line.method == "HEAD"
        self._is_old = start_line.version == "HTTP/1.0"
        self._closes = not keeps_alive
        self._is_chunked = False
        self._is_bodiless = False
        self._left: int | None = None
        self._on_close: Callable[[], None] | None = None

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """Called once when the client goes away between the end of its request and the end of the answer."""
        self._on_close = callback

    def set_body_timeout(self, timeout: float | None) -> None:
        """Seconds for the body of this request; None: without limit."""
        if self._carrier is not None:
            self._carrier.set_body_timeout(timeout)

    def set_max_body_size(self, max_body_size: int) -> None:
        """Bytes for the body of this request. Only before the body is read."""
        if self._carrier is not None:
            self._carrier.set_max_body_size(max_body_size)

    def close_at_eof(self) -> None:
        """The answer is for a client that waits for it: one that has closed its side is taken for gone."""
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
        self.has_begun = True
        return carrier.writer.write(head + self._framed(chunk) if chunk else head)

    def _frame(self, code: int, headers: HTTPHeaders) -> None:
        """How the answer ends, and whether the connection does."""
        assert self._carrier is not None
        self._is_bodiless = self._is_head or code in (204, 304) or code < 200
        if "Content-Length" in headers:
            self._left = None if self._is_bodiless else int(headers["Content-Length"])
        elif not self._is_bodiless:
            if self._is_old:
                # Only its end says that this is all.
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
        """See `HTTPConnection`. Without `write_headers` before it, `chunk` begins with a head that is ready."""
        if self._carrier is None:
            return gone()
        self.has_begun = True
        return self._carrier.writer.write(self._framed(chunk))

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
        carrier.answered(self._closes)

    def close(self) -> None:
        """Break the answer off, and the connection; nobody is called back."""
        carrier = self._carrier
        self._let_go()
        if carrier is not None:
            carrier.abort()

    def detach(self) -> Detached:
        """The connection is no longer spoken HTTP on. Raises `StreamClosedError` when it is gone."""
        if self._carrier is None:
            raise StreamClosedError
        carrier = self._carrier
        self._let_go()
        return carrier.detach()

    def _let_go(self) -> None:
        self._carrier = None
        self._on_close = None

    def drop(self) -> Callable[[], None] | None:
        """The connection is gone: nothing is written any more. Returns whom to tell."""
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
