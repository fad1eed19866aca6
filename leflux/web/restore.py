"""The restore, which every page view begins with, in front of the application.

It leaves out what a `RequestHandler` does for every kind of request. Whatever is not a plain restore that succeeds in
the gate is handed on untouched, so the application remains the one place that knows every rule of HTTP and every
refusal.
"""

import asyncio
import time
from functools import lru_cache
from http.client import responses
from typing import Any

import structlog
from msgspec.json import encode
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)

from leflux import wire
from leflux.conversation import Conversations
from leflux.gate import Gate
from leflux.problems import as_problem, is_expected
from leflux.sites import Site
from leflux.stats import Stats

log = structlog.get_logger(__name__)

_OK = b"HTTP/1.1 200 OK\r\n"
_PATH = "/api/session/"
_PATH_CHARS = len(_PATH) + 36
_JSON = "application/json"
_KEPT = "keep-alive"
_UNUSUAL = ("Transfer-Encoding", "Content-Encoding", "Expect")
"""A request that has one of these, or another Connection, is not plain."""
ORIGINS, ORIGIN_CHARS = 1024, 253
"""How many origins are remembered, and of which length."""


class _Known:
    """What the gate looks at in a request that names one Origin, and nothing else of it matters."""

    method = "POST"
    remote_ip = None

    def __init__(self, origin: str) -> None:
        self.headers = HTTPHeaders({"Origin": origin})


class RestoreFirst(HTTPServerConnectionDelegate):
    """Answers restores, and hands every other request to `app`."""

    def __init__(
        self,
        app: HTTPServerConnectionDelegate,
        gate: Gate,
        body_cap: int,
        conversations: Conversations,
        stats: Stats,
    ) -> None:
        self.app = app
        self.body_cap = body_cap
        self.conversations = conversations
        self.stats = stats
        self.running: set[asyncio.Task[None]] = set()
        self.admitted = lru_cache(ORIGINS)(lambda origin: _admitted(gate, origin))

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        return _Request(self, server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        self.app.on_close(server_conn)


def _admitted(gate: Gate, origin: str) -> tuple[Site, bytes]:
    """The site of an Origin, and the head of every answer to it. Raises `Problem`."""
    site = gate.admit(_Known(origin))
    head = (
        f"Content-Type: application/json; charset=UTF-8\r\nCache-Control: no-store\r\nVary: Origin\r\n"
        f"Access-Control-Allow-Origin: {origin}\r\nAccess-Control-Expose-Headers: Retry-After\r\nContent-Length: "
    )
    return site, head.encode("latin-1")


class _Request(HTTPMessageDelegate):
    """One request: a restore, or the application's."""

    def __init__(self, route: RestoreFirst, server_conn: object, connection: Any) -> None:
        self._route = route
        self._server_conn = server_conn
        self._connection = connection
        self._inner: HTTPMessageDelegate | None = None
        self._body = b""
        self._is_gone = False
        self._began = time.monotonic()

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> Any:
        if self._is_plain(start_line, headers):
            return None
        self._inner = self._route.app.start_request(self._server_conn, self._connection)
        return self._inner.headers_received(start_line, headers)

    def _is_plain(self, start_line: Any, headers: HTTPHeaders) -> bool:
        method, path, version = start_line
        if method != "POST" or len(path) != _PATH_CHARS or not path.startswith(_PATH) or version != "HTTP/1.1":
            return False
        if headers.get("Connection", _KEPT).lower() != _KEPT or any(name in headers for name in _UNUSUAL):
            return False
        origins, length = headers.get_list("Origin"), headers.get("Content-Length", "0")
        if len(origins) != 1 or not 0 < len(origins[0]) <= ORIGIN_CHARS or headers.get("Content-Type") != _JSON:
            return False
        if not (length.isascii() and length.isdigit() and len(length) < 8 and int(length) <= self._route.body_cap):
            return False
        self._session_id = path[len(_PATH) :]
        return wire.is_session_id(self._session_id) and self._admits(origins[0])

    def _admits(self, origin: str) -> bool:
        try:
            self._site, self._head = self._route.admitted(origin)
        except Exception:  # The application says why not.
            return False
        return True

    def data_received(self, chunk: bytes) -> Any:
        if self._inner is not None:
            return self._inner.data_received(chunk)
        self._body += chunk
        return None

    def finish(self) -> None:
        if self._inner is not None:
            self._inner.finish()
            return
        self._connection.set_close_callback(self._gone)
        task = asyncio.create_task(self._answer())
        self._route.running.add(task)
        task.add_done_callback(self._route.running.discard)

    def on_connection_close(self) -> None:
        if self._inner is not None:
            self._inner.on_connection_close()
            return
        self._gone()

    def _gone(self) -> None:
        self._is_gone = True

    async def _answer(self) -> None:
        try:
            request = wire.decode(self._body, wire.RestoreRequest) if self._body else wire.RestoreRequest()
            answer = await self._route.conversations.restore(self._site, self._session_id, request.since)
        except Exception as error:
            if not is_expected(error):
                log.error("restore failed", session=self._session_id[:8], exc_info=error)
            problem = as_problem(error)
            self._send(f"HTTP/1.1 {problem.status} {responses[problem.status]}\r\n".encode(), problem.json())
        else:
            self._send(_OK, encode(answer))
            took = 1000 * (time.monotonic() - self._began)
            self._route.stats.restored(self._site.id, "partial" if answer.truncated else "full", took)

    def _send(self, status: bytes, body: bytes) -> None:
        if not self._is_gone:
            # A head that is ready: Tornado would build and check it anew for each answer.
            self._connection.write(b"%b%b%d\r\n\r\n%b" % (status, self._head, len(body), body))
            self._connection.finish()
