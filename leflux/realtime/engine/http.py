"""The HTTP side: the gate and the caps, then long-polling, or the upgrade to a WebSocket."""

from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, cast

from tornado.iostream import StreamClosedError
from websockets.datastructures import Headers
from websockets.http11 import Request
from websockets.server import ServerProtocol

from leflux.body import CappedBody
from leflux.http1 import Detached, Exchange
from leflux.realtime.engine.polling import SEPARATOR, Polling
from leflux.realtime.engine.server import CONTEXT, Admission, Engine, Refusal
from leflux.realtime.engine.session import INBOX, Session
from leflux.realtime.engine.sio import Server
from leflux.realtime.engine.websocket import WebSocket

PACKETS_PER_POST = INBOX // 2


def _refuse(status: int, code: str, message: str) -> Refusal:
    return Refusal(status, b'{"error":"%s","message":"%s"}' % (code.encode(), message.encode()))


class EngineHandler(CappedBody):
    """`/socket.io/`. Nothing is kept of a request that the gate refuses, nor of a body over the cap."""

    def initialize(self, engine: Engine) -> None:
        self._engine = engine
        self.body_cap = engine.max_frame
        self._fetching: Polling | None = None
        self._refusal: Refusal | None = None

    def prepare(self) -> Awaitable[None] | None:
        try:
            self._admission = self._admit()
        except Refusal as refusal:
            return self._ask_late(refusal)
        return super().prepare()

    async def _ask_late(self, refusal: Refusal) -> None:
        try:
            admission = await self._engine.late_gate(self.request) if self._engine.late_gate is not None else None
            if admission is None:
                self._refusal = refusal
            else:
                self._admission = admission
        except Refusal as second:
            self._refusal = second
        super().prepare()

    def check(self) -> None:
        if self._refusal is not None:
            raise self._refusal
        if origin := self.request.headers.get("Origin"):
            self.set_header("Access-Control-Allow-Origin", origin)
            self.set_header("Vary", "Origin")
        if self.get_query_argument("EIO", "") != "4":
            raise _refuse(400, "invalid_request", "Only version 4 of the protocol is spoken.")
        if self.declared_too_large():
            raise _refuse(413, "payload_too_large", "The body is too large.")
        if self.is_compressed():
            raise _refuse(415, "unsupported_media_type", "A compressed body is not accepted.")
        if self.request.method == "POST":
            # A body for nobody is not worth keeping.
            self._session()

    def _admit(self) -> Admission:
        """The gate judges each handshake. Later requests of clients that send no Origin are known by their `sid`."""
        known = self._engine.sessions.get(self.get_query_argument("sid", ""))
        if known is not None and known.environ is not None and "Origin" not in self.request.headers:
            return Admission(known.environ[CONTEXT], known.address)
        return self._engine.gate(self.request)

    async def get(self) -> None:
        if "websocket" in self.request.headers.get("Upgrade", "").lower():
            self._upgrade()
            return
        if self.get_query_argument("transport", "") != "polling":
            raise _refuse(400, "invalid_request", "A WebSocket needs an upgrade request.")
        session = self._session()
        if session is None:
            polling = Polling(self._engine.max_buffer)
            self._check_room()
            self._engine.open(self._admission, polling, self.request)
        else:
            polling = self._polling_of(session)
        if polling.is_busy:
            if session is not None:
                session.close(1002, "two polls at once")
            raise _refuse(400, "invalid_request", "Another request is waiting already.")
        self._fetching = polling
        # What is sent to a client that has gone is lost; it comes again, and is owed it then.
        cast(Exchange, self.request.connection).close_at_eof()
        text = await polling.fetch()
        if text is not None:
            self._text(text)

    def on_connection_close(self) -> None:
        if self._fetching is not None:
            self._fetching.abandon()
        super().on_connection_close()

    async def post(self) -> None:
        session = self._session()
        if session is None:
            raise _refuse(400, "invalid_request", "Open a connection first.")
        self._polling_of(session)
        if self.is_too_large():
            session.close(1009, "too large")
            raise _refuse(413, "payload_too_large", "The body is too large.")
        try:
            packets = self.body.decode().split(SEPARATOR)
        except UnicodeDecodeError:
            packets = []
        if not packets or len(packets) > PACKETS_PER_POST:
            session.close(1002, "bad payload")
            raise _refuse(400, "invalid_request", "The payload is not a list of packets.")
        for packet in packets:
            session.receive(packet)
        self._text("ok")

    def options(self) -> None:
        self.set_header("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
        self.set_header("Access-Control-Allow-Headers", "Content-Type")
        self.set_status(204)
        self.finish()

    def _session(self) -> Session | None:
        sid = self.get_query_argument("sid", "")
        if not sid:
            return None
        session = self._engine.sessions.get(sid)
        environ = session.environ if session is not None else None
        if session is None or environ is None or environ[CONTEXT] != self._admission.context:
            raise _refuse(400, "invalid_request", "There is no such connection.")
        return session

    def _polling_of(self, session: Session) -> Polling:
        if not isinstance(session.transport, Polling):
            raise _refuse(400, "invalid_request", "The connection has moved to a WebSocket.")
        return session.transport

    def _check_room(self) -> None:
        if not self._engine.has_room(self._admission.address):
            raise _refuse(429, "rate_limited", "Too many connections from this address.")

    def _upgrade(self) -> None:
        candidate = self._session()
        if candidate is None:
            self._check_room()
        else:
            self._polling_of(candidate)
        headers = Headers(list(self.request.headers.get_all()))
        response = ServerProtocol(extensions=[]).accept(Request(self.request.uri or "/", headers))
        if response.status_code != 101:
            raise _refuse(response.status_code, "invalid_request", "Not a valid WebSocket handshake.")
        engine, admission, request = self._engine, self._admission, self.request

        def begin(protocol: WebSocket) -> Session:
            return engine.open(admission, protocol, request)

        websocket = WebSocket(response.serialize(), engine.max_frame, engine.max_buffer, begin, engine.turn, candidate)
        with suppress(StreamClosedError):
            hand_over(cast(Detached, self.detach()), websocket)

    def _text(self, text: str) -> None:
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(text)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, Refusal):
            self.set_status(error.status)
            body = error.body
        else:
            body = b'{"error":"invalid_request","message":"%d"}' % status_code
        if (origin := self.request.headers.get("Origin")) and hasattr(self, "_admission"):
            self.set_header("Access-Control-Allow-Origin", origin)
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.finish(body)

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        if not isinstance(value, Refusal):
            super().log_exception(typ, value, tb)


def hand_over(detached: Detached, protocol: WebSocket) -> None:
    """Let a WebSocket go on with the connection, beginning with what the client sent too early."""
    protocol.early = detached.early
    detached.transport.set_protocol(protocol)
    protocol.connection_made(detached.transport)


def make_handler(server: Server) -> tuple[str, type[EngineHandler], dict[str, Any]]:
    """The route for Tornado."""
    return r"/socket\.io/", EngineHandler, {"engine": server.eio}
