"""One connection: reads requests, one at a time, and hands each to the delegate until it is answered."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, cast

import structlog
from tornado.httputil import HTTPInputError, HTTPMessageDelegate

from leflux.http1.address import PeerAddress
from leflux.http1.exchange import Detached, Exchange, ResponseWriter
from leflux.http1.reader import RequestReader, below
from leflux.http1.registry import ANSWER, BODY, FOREVER, GONE, HEAD, IDLE, LINGER, ConnectionRegistry
from leflux.http1.rejection import NO_ROOM, RequestRejected

log = structlog.get_logger(__name__)


class ServerConnection(asyncio.Protocol):
    """While a request is answered, reading is paused, and at most one chunk of the next request is buffered."""

    _transport: asyncio.Transport
    address: PeerAddress
    writer: ResponseWriter

    def __init__(self, registry: ConnectionRegistry) -> None:
        self._registry = registry
        self._reader = RequestReader(registry.limits.head_bytes, registry.limits.body_bytes)
        self._exchange: Exchange | None = None
        self._delegate: HTTPMessageDelegate | None = None
        self._awaited: asyncio.Future[Any] | None = None
        self._release: Callable[[], None] | None = None
        self._data, self._at = b"", 0
        self._is_eof = self._is_paused = self._is_reading = self._is_resting = self._ends_with_client = False
        self._phase = IDLE
        self.ticks_left = FOREVER

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.writer = ResponseWriter(self._transport, self._registry.written)
        self.address = PeerAddress(transport.get_extra_info("peername"))
        self._release = self._registry.admit(self.address)
        if self._release is None:
            self._transport.write(NO_ROOM)
            self._close()
            return
        self._enter(IDLE)
        self._registry.add(self)
        if self._registry.is_stopping:
            self.abort()

    def data_received(self, data: bytes) -> None:
        if self._phase >= LINGER:
            return
        self._data = self._data[self._at :] + data if self._data else data
        self._at = 0
        self._go_on()

    def eof_received(self) -> bool:
        """A client that has closed its side after a request may still read the answer: True keeps the connection."""
        self._is_eof = True
        if self._ends_with_client:
            return False
        return bool(self._data) or self._is_read_whole

    def pause_writing(self) -> None:
        self.writer.is_full = True
        self.ticks_left = self._registry.ticks_in[IDLE]

    def resume_writing(self) -> None:
        self._enter(self._phase)
        self.writer.resumed()
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._phase = GONE
        if self._release is None:
            return
        self._release()
        self._registry.discard(self)
        self.writer.lost()
        self._forget()
        self._registry.delegate.on_close(self)

    # Reading. Nothing is read while a request is answered.

    def _go_on(self, first: Callable[[], None] | None = None) -> None:
        """Do `first`, then read until there is nothing more, or something to wait for."""
        if self._is_reading:
            return
        self._is_reading = True
        try:
            if first is not None:
                first()
            while self._at < len(self._data) and not self._is_held:
                self._step()
        except RequestRejected as refused:
            self._refuse(refused)
        except HTTPInputError as error:
            self._refuse(RequestRejected(str(error)))
        except Exception as error:
            log.error("a request failed", exc_info=error)
            self.abort()
        finally:
            self._is_reading = False
        self._settle()

    @property
    def _is_held(self) -> bool:
        return self._phase >= ANSWER or self.writer.is_full or self._awaited is not None or self._is_resting

    @property
    def _is_read_whole(self) -> bool:
        """Whether the request has been read to its end."""
        return self._phase == ANSWER or (self._phase == BODY and self._reader.is_complete)

    def _settle(self) -> None:
        """Read on only when nothing waits to be looked at."""
        if self._phase >= LINGER:
            return
        if self._at == len(self._data):
            self._data, self._at = b"", 0
            if self._is_eof and not self._is_held:
                self._hang_up()
            else:
                self._resume()
        elif not self._is_paused and not self._is_eof:
            self._is_paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._is_paused:
            self._is_paused = False
            if not self._is_eof and not self._transport.is_closing():
                self._transport.resume_reading()

    def _step(self) -> None:
        if self._phase == IDLE:
            self._enter(HEAD)
        reader = self._reader
        self._at = reader.feed(self._data, self._at)
        if self._phase == BODY:
            assert self._delegate is not None
            body = reader.take()
            self._then(self._delegate.data_received(body) if body else None, self._body_taken)
        elif reader.has_head:
            self._begin()

    def _begin(self) -> None:
        start_line, headers = self._reader.head()
        if self._registry.base_path:
            start_line = below(start_line, self._registry.base_path)
        self._enter(BODY)
        self._exchange = Exchange(self, start_line, self._reader.keeps_alive)
        self._delegate = self._registry.delegate.start_request(self, self._exchange)
        if start_line.method == "HEAD":
            # The same answer; the exchange leaves the body out.
            start_line = start_line._replace(method="GET")
        self._then(self._delegate.headers_received(start_line, headers), self._head_taken)

    def _head_taken(self) -> None:
        if self._phase == BODY:
            self._reader.check_length()
            if self._reader.expects_continue and self._at == len(self._data):
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._body_taken()

    def _body_taken(self) -> None:
        if self._phase == BODY and self._reader.is_complete:
            self._complete()

    def _complete(self) -> None:
        delegate, self._delegate = self._delegate, None
        assert delegate is not None
        self._reader.next()
        self._enter(ANSWER)
        try:
            delegate.finish()
        except Exception:
            self._delegate = delegate
            raise

    def _then(self, awaitable: Awaitable[None] | None, follow: Callable[[], None]) -> None:
        """`follow` once the delegate is ready for more; nothing is read meanwhile."""
        if awaitable is None:
            follow()
            return
        self._awaited = asyncio.ensure_future(awaitable)
        self._awaited.add_done_callback(partial(self._ready, follow))

    def _ready(self, follow: Callable[[], None], future: asyncio.Future[None]) -> None:
        self._awaited = None

        def proceed() -> None:
            if not future.cancelled():
                future.result()
            follow()

        if self._phase < LINGER:
            self._go_on(proceed)

    def _next_request(self) -> None:
        self._is_resting = False
        self._go_on()

    def _enter(self, phase: int) -> None:
        self._phase = phase
        self.ticks_left = self._registry.ticks_in[phase]

    # Ending.

    def _refuse(self, refused: RequestRejected) -> None:
        """Send the error response, unless another response has begun, and close."""
        log.debug("request refused", status=refused.status, reason=str(refused))
        if self._exchange is None or not self._exchange.status:
            self._transport.write(refused.answer())
        self._hang_up()

    def _hang_up(self) -> None:
        """Close once everything is written. Read and drop what still comes for a moment: closing with unread data would
        reset the connection, and the client could lose the answer."""
        is_all = self._is_read_whole and self._at == len(self._data)
        self._data, self._at = b"", 0
        self._forget()
        if is_all or self._is_eof or self._transport.is_closing():
            self._close()
            return
        self._enter(LINGER)
        # The client may have reset the connection already.
        with suppress(OSError):
            self._transport.write_eof()
        self._resume()

    def _close(self) -> None:
        """Close; buffered data is still sent."""
        self._enter(GONE)
        self._transport.close()

    def _forget(self) -> None:
        """Tell the delegate, once, that its request was cut off."""
        delegate, self._delegate = self._delegate, None
        exchange, self._exchange = self._exchange, None
        callback = exchange.drop() if exchange is not None else None
        try:
            if delegate is not None:
                delegate.on_connection_close()
            elif callback is not None:
                callback()
        except Exception as error:
            log.error("a closed connection could not be told of", exc_info=error)

    def shut(self) -> None:
        """Close a connection without a request: the server stops."""
        if self._phase in (IDLE, LINGER):
            self._close()

    # What the exchange calls.

    @property
    def is_ending(self) -> bool:
        """Whether the connection is closed after this answer. An answer before the end of its request closes it."""
        return self._registry.is_stopping or self._phase != ANSWER

    def answered(self, exchange: Exchange, closes: bool) -> None:
        self._registry.log(exchange)
        self._exchange = None
        self._ends_with_client = False
        if closes or self.is_ending:
            self._hang_up()
            return
        self._enter(IDLE)
        if self._at < len(self._data) or self._is_eof:
            # One request in a turn of the loop, and not within the call of the handler that has just answered.
            self._is_resting = True
            asyncio.get_running_loop().call_soon(self._next_request)

    def abort(self) -> None:
        """Close without sending buffered data."""
        self._phase = GONE
        self._transport.abort()

    def detach(self, exchange: Exchange) -> Detached:
        self._registry.log(exchange)
        self._phase = GONE
        self._delegate = self._exchange = None
        self._registry.discard(self)
        self._resume()
        early, self._data = self._data[self._at :], b""
        self._registry.delegate.on_close(self)
        assert self._release is not None
        return Detached(self._transport, early, self._release)

    def close_at_eof(self) -> None:
        self._ends_with_client = True
        if self._is_eof:
            self._transport.close()
