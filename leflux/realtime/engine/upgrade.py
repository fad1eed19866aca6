"""The handshake of nearly every socket, in front of the application: straight to a WebSocket, nothing unusual in it.

Whatever is not that, or would be refused, is handed on untouched: the handler knows every rule and every refusal.
"""

from base64 import b64decode
from collections.abc import Awaitable
from typing import Any, cast

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
from websockets.utils import accept_key

from leflux.realtime.engine.http import hand_over
from leflux.realtime.engine.server import Admission, Engine, Refusal
from leflux.realtime.engine.session import Session
from leflux.realtime.engine.websocket import WebSocket

_TARGET = "/socket.io/?EIO=4&transport=websocket"
_KEY_CHARS = 24
_UNUSUAL = ("Content-Length", "Transfer-Encoding", "Sec-WebSocket-Protocol")
_HELLO = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"
)


class _Asked(Struct, frozen=True):
    """What the gate looks at."""

    method: str
    headers: HTTPHeaders
    remote_ip: str | None


class UpgradeFirst(HTTPServerConnectionDelegate):
    """Answers plain handshakes, and hands every other request to `app`."""

    def __init__(self, app: HTTPServerConnectionDelegate, engine: Engine) -> None:
        self.app = app
        self.engine = engine

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        return _Request(self, server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        self.app.on_close(server_conn)


class _Request(HTTPMessageDelegate):
    """One request: a handshake, or the application's."""

    def __init__(self, front: UpgradeFirst, server_conn: object, connection: Any) -> None:
        self._front = front
        self._server_conn = server_conn
        self._connection = connection
        self._inner: HTTPMessageDelegate | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        if start_line[1] == _TARGET and _is_plain(start_line, headers):
            asked = _Asked("GET", headers, self._connection.context.remote_ip)
            if (admission := self._admission(asked)) is not None:
                self._upgrade(asked, admission)
                return None
        self._inner = self._front.app.start_request(self._server_conn, self._connection)
        return self._inner.headers_received(start_line, headers)

    def _admission(self, asked: _Asked) -> Admission | None:
        engine = self._front.engine
        try:
            admission = engine.gate(cast(HTTPServerRequest, asked))
        except Refusal:
            return None
        return admission if engine.has_room(admission.address) else None

    def _upgrade(self, asked: _Asked, admission: Admission) -> None:
        engine = self._front.engine

        def begin(protocol: WebSocket) -> Session:
            return engine.open(admission, protocol, cast(HTTPServerRequest, asked))

        hello = _HELLO % accept_key(asked.headers["Sec-WebSocket-Key"]).encode()
        hand_over(self._connection.detach(), WebSocket(hello, engine.max_frame, engine.max_buffer, begin, engine.turn))

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return None if self._inner is None else self._inner.data_received(chunk)

    def finish(self) -> None:
        if self._inner is not None:
            self._inner.finish()

    def on_connection_close(self) -> None:
        if self._inner is not None:
            self._inner.on_connection_close()


def _is_plain(start_line: Any, headers: HTTPHeaders) -> bool:
    return (
        start_line[0] == "GET"
        and start_line[2] == "HTTP/1.1"
        and headers.get("Upgrade", "").lower() == "websocket"
        and "upgrade" in [word.strip() for word in headers.get("Connection", "").lower().split(",")]
        and headers.get("Sec-WebSocket-Version") == "13"
        and _is_key(headers.get("Sec-WebSocket-Key", ""))
        and not any(name in headers for name in _UNUSUAL)
    )


def _is_key(text: str) -> bool:
    """Whether it is the base64 of 16 bytes."""
    try:
        return len(text) == _KEY_CHARS and len(b64decode(text, validate=True)) == 16
    except ValueError:
        return False
