"""Requests for `/socket.io/`: the gate and the caps, then long-polling or the upgrade to a WebSocket."""

import asyncio
from collections.abc import Awaitable, Callable
from http.client import responses
from typing import Any, cast
from urllib.parse import parse_qsl

import structlog
from msgspec import Struct
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)

from leflux.http1 import Exchange
from leflux.http1.cors import origin_headers, preflight_headers
from leflux.realtime.engine.handshake import accept
from leflux.realtime.engine.polling import SEPARATOR, Polling
from leflux.realtime.engine.request_check import METHODS, check
from leflux.realtime.engine.server import CONTEXT, Admission, Engine, Refusal, refuse
from leflux.realtime.engine.session import EngineSession
from leflux.realtime.engine.websocket import FRAMES_PER_TURN, WebSocket

log = structlog.get_logger(__name__)
PATH = "/socket.io/"
UPGRADES_PER_CONNECTION = 4
"""WebSockets that may try at the same time to take over one polling connection."""


class _Asked(Struct, frozen=True):
    """The request, as the gate and the engine see it."""

    method: str
    headers: HTTPHeaders
    remote_ip: str | None


class SocketFront(HTTPServerConnectionDelegate):
    """Answers the requests for the sockets, and hands every other request to `app`."""

    def __init__(self, app: HTTPServerConnectionDelegate, engine: Engine) -> None:
        self.app = app
        self.engine = engine
        self.running: set[asyncio.Task[None]] = set()

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        return _Request(self, server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        self.app.on_close(server_conn)


class _Request(HTTPMessageDelegate):
    """One request. A refusal is answered after the body, of which nothing is kept."""

    _admission: Admission | None = None
    _asked: _Asked
    _refusal: Refusal | None = None
    _version: str

    def __init__(self, front: SocketFront, server_conn: object, connection: Any) -> None:
        self._front = front
        self._engine = front.engine
        self._server_conn = server_conn
        self._connection: Exchange = connection
        self._inner: HTTPMessageDelegate | None = None
        self._body = bytearray()
        self._query: dict[str, str] = {}
        self._fetching: Polling | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        method, target, self._version = cast("tuple[str, str, str]", start_line)
        path, _, query = target.partition("?")
        if path != PATH:
            self._inner = self._front.app.start_request(self._server_conn, self._connection)
            return self._inner.headers_received(start_line, headers)
        self._asked = _Asked(method, headers, self._connection.context.remote_ip)
        try:
            self._read_query(query)
            self._admission = self._admit()
        except Refusal as refusal:
            if refusal.status == 403 and self._engine.late_gate is not None:
                return self._ask_late(self._engine.late_gate, refusal)
            self._refusal = refusal
        else:
            self._begin()
        return None

    def _read_query(self, query: str) -> None:
        try:
            self._query = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=32))
        except ValueError:
            raise refuse(400, "invalid_request", "The query has too many fields.") from None

    def _admit(self) -> Admission:
        """The gate judges each handshake. Later requests of clients that send no Origin are known by their `sid`."""
        known = self._engine.sessions.get(self._query.get("sid", ""))
        if known is not None and known.environ is not None and "Origin" not in self._asked.headers:
            return Admission(known.environ[CONTEXT], known.address)
        return self._engine.gate(cast("HTTPServerRequest", self._asked))

    async def _ask_late(
        self, late_gate: Callable[[HTTPServerRequest], Awaitable[Admission | None]], refusal: Refusal
    ) -> None:
        try:
            self._admission = await late_gate(cast("HTTPServerRequest", self._asked))
        except Refusal as second:
            refusal = second
        if self._admission is None:
            self._refusal = refusal
        else:
            self._begin()

    def _begin(self) -> None:
        """What is decided before the body is read; a WebSocket begins here."""
        try:
            self._check()
            if self._asked.method == "GET" and self._query["transport"] == "websocket":
                self._upgrade()
        except Refusal as refusal:
            self._refusal = refusal

    def _check(self) -> None:
        check(self._asked.method, self._connection.is_head, self._query, self._asked.headers, self._engine.max_frame)
        if self._asked.method == "POST":
            # The body of a refused request is not kept.
            self._polling_of(self._session())

    def _session(self) -> EngineSession | None:
        sid = self._query.get("sid", "")
        if not sid:
            return None
        session = self._engine.sessions.get(sid)
        environ = session.environ if session is not None else None
        assert self._admission is not None
        if session is None or environ is None or environ[CONTEXT] != self._admission.context:
            raise refuse(400, "invalid_request", "There is no such connection.")
        return session

    def _polling_of(self, session: EngineSession | None) -> Polling:
        if session is None:
            raise refuse(400, "invalid_request", "Open a connection first.")
        if not isinstance(session.transport, Polling):
            raise refuse(400, "invalid_request", "The connection has moved to a WebSocket.")
        return session.transport

    def _open(self, transport: Any) -> EngineSession:
        assert self._admission is not None
        return self._engine.open(self._admission, transport, cast("HTTPServerRequest", self._asked))

    def _check_room(self) -> None:
        assert self._admission is not None
        if not self._engine.has_room(self._admission.address):
            raise refuse(429, "rate_limited", "Too many connections from this address.")

    # WebSocket.

    def _upgrade(self) -> None:
        candidate = self._session()
        handshake = accept(self._version, self._asked.headers)
        if candidate is None:
            self._check_room()
        else:
            self._polling_of(candidate)
            if candidate.upgrades >= UPGRADES_PER_CONNECTION:
                raise refuse(429, "rate_limited", "Too many upgrades of this connection.")
        detached = self._connection.detach()
        websocket = WebSocket(handshake, self._engine, self._open, candidate)
        websocket.early, websocket.released = detached.early, detached.released
        detached.transport.set_protocol(websocket)
        websocket.connection_made(detached.transport)

    # The body and the answer.

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        if self._inner is not None:
            return self._inner.data_received(chunk)
        if self._refusal is None and len(self._body) <= self._engine.max_frame:
            self._body += chunk
        return None

    def finish(self) -> None:
        if self._inner is not None:
            self._inner.finish()
            return
        self._connection.set_close_callback(self._gone)
        task = asyncio.create_task(self._answer())
        self._front.running.add(task)
        task.add_done_callback(self._front.running.discard)

    def on_connection_close(self) -> None:
        if self._inner is not None:
            self._inner.on_connection_close()
        else:
            self._gone()

    def _gone(self) -> None:
        if self._fetching is not None:
            self._fetching.abandon()

    async def _answer(self) -> None:
        try:
            if self._refusal is not None:
                raise self._refusal
            await {"GET": self._get, "POST": self._post, "OPTIONS": self._options}[self._asked.method]()
        except Refusal as refusal:
            headers = {"Content-Type": "application/json; charset=UTF-8", **refusal.headers}
            self._send(refusal.status, refusal.body, headers)
        except Exception as error:
            log.error("a request failed", exc_info=error)
            self._connection.close()

    async def _get(self) -> None:
        session = self._session()
        if session is None:
            self._check_room()
            polling = Polling(self._engine.max_buffer)
            self._open(polling)
        else:
            polling = self._polling_of(session)
        if polling.is_busy:
            if session is not None:
                session.close(1002, "two polls at once")
            raise refuse(400, "invalid_request", "Another request is waiting already.")
        self._fetching = polling
        # Packets sent to a client that is gone would be lost. They wait for its next poll.
        self._connection.close_at_eof()
        text = await polling.fetch()
        if text is not None:
            self._text(text)

    async def _post(self) -> None:
        session = self._session()
        polling = self._polling_of(session)
        assert session is not None
        if len(self._body) > self._engine.max_frame:
            session.close(1009, "too large")
            raise refuse(413, "payload_too_large", "The body is too large.")
        if polling.is_posting:
            raise refuse(400, "invalid_request", "Another POST is being handled.")
        try:
            packets = self._body.decode().split(SEPARATOR)
        except UnicodeDecodeError:
            session.close(1007, "not UTF-8")
            raise refuse(400, "invalid_request", "The body is not UTF-8.") from None
        polling.is_posting = True
        try:
            await _receive(session, packets)
        finally:
            polling.is_posting = False
        self._text("ok")

    async def _options(self) -> None:
        requested = self._asked.headers.get("Access-Control-Request-Headers", "")
        self._send(204, b"", preflight_headers(METHODS, requested))

    def _text(self, text: str) -> None:
        headers = {"Content-Type": "text/plain; charset=UTF-8", "Cache-Control": "no-store"}
        self._send(200, text.encode(), headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        admitted = self._asked.headers.get("Origin") if self._admission is not None else None
        sent = HTTPHeaders(origin_headers(admitted) | headers)
        if status != 204:
            sent["Content-Length"] = str(len(body))
        self._connection.write_headers(ResponseStartLine("HTTP/1.1", status, responses[status]), sent, body)
        self._connection.finish()


async def _receive(session: EngineSession, packets: list[str]) -> None:
    """Hand the packets over, as fast as the handlers take them and a few in each turn of the loop."""
    for number, packet in enumerate(packets, 1):
        session.receive(packet)
        if session.is_full:
            room = asyncio.Event()
            session.when_room(room.set)
            await room.wait()
        elif number % FRAMES_PER_TURN == 0:
            await asyncio.sleep(0)
