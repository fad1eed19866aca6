"""One connection: reads requests, one at a time, and hands each to the delegate until it is answered."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

import structlog
from tornado.httputil import HTTPInputError, HTTPMessageDelegate

from leflux.http1.address import Address
from leflux.http1.exchange import Detached, Exchange
from leflux.http1.keeper import ANSWER, BODY, FOREVER, GONE, HEAD, IDLE, LINGER, Keeper
from leflux.http1.reader import Reader
from leflux.http1.refusal import Refused
from leflux.http1.writer import Writer

log = structlog.get_logger(__name__)


class Connection(asyncio.Protocol):
    """While a request is answered at most one read of what follows it waits here, and reading is paused."""

    __slots__ = (
        "_at",
        "_awaited",
        "_data",
        "_delegate",
        "_ends_with_client",
        "_exchange",
        "_is_eof",
        "_is_paused",
        "_is_reading",
        "_keeper",
        "_phase",
        "_reader",
        "_transport",
        "address",
        "patience",
        "writer",
    )

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._reader = Reader(keeper.limits.head_bytes, keeper.limits.body_bytes)
        self._exchange: Exchange | None = None
        self._delegate: HTTPMessageDelegate | None = None
        self._awaited: asyncio.Future[Any] | None = None
        self._data, self._at = b"", 0
        self._is_eof = self._is_paused = self._is_reading = self._ends_with_client = False
        self._phase = IDLE
        self.patience = FOREVER

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.writer = Writer(self._transport, self._keeper.written)
        self.address = Address(transport.get_extra_info("peername"))
        self._enter(IDLE)
        self._keeper.add(self)
        if self._keeper.is_stopping:
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
        self.patience = self._keeper.patience[IDLE]

    def resume_writing(self) -> None:
        self._enter(self._phase)
        self.writer.resumed()
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._phase = GONE
        self._keeper.discard(self)
        self.writer.lost()
        self._forget()
        self._keeper.delegate.on_close(self)

    # Reading.

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
        except Refused as refused:
            self._refuse(refused)
        except HTTPInputError as error:
            self._refuse(Refused(str(error)))
        except Exception as error:
            log.error("a request failed", exc_info=error)
            self.abort()
        finally:
            self._is_reading = False
        self._settle()

    @property
    def _is_held(self) -> bool:
        return self._phase >= ANSWER or self.writer.is_full or self._awaited is not None

    @property
    def _is_read_whole(self) -> bool:
        """The request, whether or not its answer has begun."""
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
        self._enter(BODY)
        self._exchange = Exchange(self, start_line, self._reader.keeps_alive)
        self._delegate = self._keeper.delegate.start_request(self, self._exchange)
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
        self._reader.next(self._keeper.limits.body_bytes)
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

    # Ending.

    def _refuse(self, refused: Refused) -> None:
        """The client is told what is wrong, unless an answer is on its way already."""
        log.debug("request refused", status=refused.status, reason=str(refused))
        if self._exchange is None or not self._exchange.has_begun:
            self._transport.write(refused.answer())
        self._hang_up()

    def _hang_up(self) -> None:
        """Close once everything is written. What still comes is read and dropped for a moment: to close on unread data
        would reset the connection, and take the answer along."""
        is_all = self._is_read_whole and self._at == len(self._data)
        self._data, self._at = b"", 0
        self._forget()
        if is_all or self._is_eof or self._transport.is_closing():
            self._close()
            return
        self._enter(LINGER)
        self._transport.write_eof()
        self._resume()

    def _close(self) -> None:
        """What waits is still sent, as long as the client takes it."""
        self._enter(GONE)
        self._transport.close()

    def _forget(self) -> None:
        """Tell the delegate, once, of a request that ends before its time."""
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
        """The server stops: a connection that waits for a request, or for its client to go, is closed."""
        if self._phase in (IDLE, LINGER):
            self._close()

    def _enter(self, phase: int) -> None:
        self._phase = phase
        self.patience = self._keeper.patience[phase]

    # What the exchange calls.

    @property
    def is_ending(self) -> bool:
        """The connection is closed after this answer; one that overtakes the end of its request always costs it."""
        return self._keeper.is_stopping or self._phase != ANSWER

    def answered(self, closes: bool) -> None:
        self._exchange = None
        self._ends_with_client = False
        if closes or self.is_ending:
            self._hang_up()
            return
        self._enter(IDLE)
        if not self._is_reading and (self._data or self._is_eof):
            # Not within the call of the handler that has just answered.
            asyncio.get_running_loop().call_soon(self._go_on)

    def abort(self) -> None:
        """Close without sending what waits."""
        self._phase = GONE
        self._transport.abort()

    def detach(self) -> Detached:
        self._phase = GONE
        self._delegate = self._exchange = None
        self._keeper.discard(self)
        self._resume()
        early, self._data = self._data[self._at :], b""
        self._keeper.delegate.on_close(self)
        return Detached(self._transport, early)

    def close_at_eof(self) -> None:
        self._ends_with_client = True
        if self._is_eof:
            self._transport.close()

    def set_body_timeout(self, seconds: float | None) -> None:
        if self._phase == BODY:
            self.patience = FOREVER if seconds is None else self._keeper.ticks(seconds)

    def set_max_body_size(self, size: int) -> None:
        self._reader.body_limit = size
