"""The visitor's HTTP calls. They stand in front of the application, which gets every other request."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from http.client import responses
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote

import structlog
from msgspec import Struct
from msgspec.json import encode
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)

from leflux import protocol
from leflux.chat.service import Chat
from leflux.http1.cors import origin_headers, preflight_headers
from leflux.protocol import Problem, as_problem, is_expected
from leflux.sites.origin_gate import OriginGate
from leflux.sites.rate_limits import RateLimit
from leflux.sites.registry import Site

T = TypeVar("T")
log = structlog.get_logger(__name__)

_SESSION, _CHAT, _INIT, _MESSAGES = "/api/session/", "/api/chat", "init", "messages"
_JSON, _TEXT = "application/json", "text/plain"
BYTES_PER_CALL, BYTES_PER_ANSWER = 4_096, 65_536
"""A call counts once for itself, and once more for each so many bytes of its body and of its answer."""
ORIGINS, ORIGIN_CHARS = 1024, 253
"""How many origins are remembered, and of which length."""


class VisitorRequest(Struct):
    """What the gate and the handlers look at."""

    method: str
    headers: HTTPHeaders
    remote_ip: str | None = None
    session_id: str = ""
    query: str = ""
    body: bytes = b""

    def json(self, kind: type[T], *also: str) -> T:
        """The body as `kind`. Raises `unsupported_media_type`, `bad_json`, `invalid_request`.

        `also`: other media types that it may be sent as.
        """
        media_type = self.headers.get("Content-Type", "")
        if media_type != _JSON and media_type.partition(";")[0].strip().lower() not in (_JSON, *also):
            raise Problem("unsupported_media_type", "The body must be application/json.")
        return protocol.decode(self.body, kind)

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A number of the query. Raises `invalid_request`."""
        text = parse_qs(self.query, keep_blank_values=True).get(name, [str(default)])[-1].strip()
        return protocol.whole_number(text, name, low, high)


class VisitorCalls(HTTPServerConnectionDelegate):
    """Answers visitors' calls, and hands every other request to `app`."""

    def __init__(
        self, app: HTTPServerConnectionDelegate, gate: OriginGate, chat: Chat, limit: RateLimit, body_cap: int
    ) -> None:
        self.app = app
        self.gate = gate
        self.limit = limit
        self.chat = chat
        self.body_cap = body_cap
        self.running: set[asyncio.Task[None]] = set()
        self._remembered = lru_cache(ORIGINS)(self._admit_origin)

    def start_request(self, server_conn: object, request_conn: Any) -> HTTPMessageDelegate:
        return _Call(self, server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        self.app.on_close(server_conn)

    def admit(self, request: VisitorRequest) -> tuple[Site, bytes]:
        """The request's site, and the headers of every answer to its Origin. Raises `Problem`."""
        origins = request.headers.get_list("Origin")
        if len(origins) == 1 and 0 < len(origins[0]) <= ORIGIN_CHARS:
            return self._remembered(origins[0])
        return self.gate.admit(request), _head(_answer_headers(request.headers.get("Origin")))

    def _admit_origin(self, origin: str) -> tuple[Site, bytes]:
        # A request that names one Origin is judged by nothing else.
        return self.gate.admit(VisitorRequest("POST", HTTPHeaders({"Origin": origin}))), _head(_answer_headers(origin))


class _Call(HTTPMessageDelegate):
    """One request: a visitor's call, or the application's."""

    def __init__(self, calls: VisitorCalls, server_conn: object, connection: Any) -> None:
        self._calls = calls
        self._server_conn = server_conn
        self._connection = connection
        self._inner: HTTPMessageDelegate | None = None
        self._target = ""
        self._body = b""
        self._problem: Exception | None = None
        self._head = _REFUSED

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> Any:
        method, self._target = str(start_line[0]), str(start_line[1])
        path, _, query = self._target.partition("?")
        handlers, session_id = _route(path)
        if handlers is None:
            self._inner = self._calls.app.start_request(self._server_conn, self._connection)
            return self._inner.headers_received(start_line, headers)
        self._handlers = handlers
        self._request = VisitorRequest(method, headers, self._connection.context.remote_ip, session_id, query)
        try:
            self._site, self._head = self._calls.admit(self._request)
            self._check()
        except Exception as error:
            self._problem = error
            if handlers is _INIT_CALL:
                self._turn_away(error)
        return None

    def _turn_away(self, error: Exception) -> None:
        """A page whose host is not registered may read that, and nothing else: its widget then asks no more."""
        if not isinstance(error, Problem) or error.code != "host_not_registered":
            return
        origin = self._calls.gate.turn_away(self._request)
        if origin is not None:
            self._head = _head(_answer_headers(origin))
            if self._request.method == "OPTIONS":
                self._problem = None

    def _check(self) -> None:
        """Refuse a request before its body is read."""
        headers, method = self._request.headers, self._request.method
        if method == "HEAD" and "GET" in self._handlers:
            self._request.method = "GET"
        elif method not in self._handlers and method != "OPTIONS":
            raise Problem("method_not_allowed", f"This call takes {_methods(self._handlers)}.")
        length = headers.get("Content-Length", "0")
        if length.isdigit() and int(length) > self._calls.body_cap:
            raise self._too_large()
        if headers.get_list("Content-Encoding") not in ([], ["identity"]):
            raise Problem("unsupported_media_type", "A compressed body is not accepted.")

    def _too_large(self) -> Problem:
        limit = self._calls.body_cap
        return Problem("payload_too_large", f"A body has at most {limit} bytes.", limit=limit)

    def data_received(self, chunk: bytes) -> Any:
        if self._inner is not None:
            return self._inner.data_received(chunk)
        if self._problem is None:
            self._body += chunk
            if len(self._body) > self._calls.body_cap:
                self._problem, self._body = self._too_large(), b""
        return None

    def finish(self) -> None:
        if self._inner is not None:
            self._inner.finish()
            return
        task = asyncio.create_task(self._answer())
        self._calls.running.add(task)
        task.add_done_callback(self._calls.running.discard)

    def on_connection_close(self) -> None:
        if self._inner is not None:
            self._inner.on_connection_close()

    async def _answer(self) -> None:
        request = self._request
        try:
            if self._problem is not None:
                raise self._problem
            if request.method == "OPTIONS":
                requested = request.headers.get("Access-Control-Request-Headers", "")
                self._send(204, None, preflight_headers(_methods(self._handlers), requested))
                return
            request.body = self._body
            answer = await self._call(self._handlers[request.method])
            status = 202 if isinstance(answer, protocol.DeleteAnswer) and answer.pending else 200
            body = encode(answer)
            if len(body) > BYTES_PER_ANSWER:
                self._calls.limit.charge(self._calls.gate.address(request), len(body) // BYTES_PER_ANSWER)
        except Exception as error:
            self._refuse(error)
        else:
            self._send(status, body)

    async def _call(self, handler: "Handler") -> Any:
        calls, request = self._calls, self._request
        address = calls.gate.address(request)
        calls.limit.spend(address, 1 + len(request.body) // BYTES_PER_CALL)
        if self._handlers is _INIT_CALL:
            return await handler(calls, self._site, request)
        with calls.chat.lookups.guard(address):
            return await handler(calls, self._site, request)

    def _refuse(self, error: Exception) -> None:
        problem = as_problem(error)
        if not is_expected(error):
            log.error("request failed", path=self._target[:100], exc_info=error)
        more = {}
        if problem.code == "method_not_allowed":
            more["Allow"] = _methods(self._handlers)
        if problem.code == "rate_limited":
            more["Retry-After"] = str(-(-problem.details.get("retryAfterMs", 1000) // 1000))
        self._send(problem.status, problem.json(), more)

    def _send(self, status: int, body: bytes | None, more: Mapping[str, str] = {}) -> None:
        # The head is ready for each origin: to build and check it anew for each answer costs more than the rest.
        head = _OK if status == 200 else f"HTTP/1.1 {status} {responses[status]}\r\n".encode()
        self._connection.answer(head + self._head + (_head(more) if more else b""), body)


def _answer_headers(origin: str | None) -> dict[str, str]:
    return {"Content-Type": f"{_JSON}; charset=UTF-8", "Cache-Control": "no-store", **origin_headers(origin)}


def _head(headers: Mapping[str, str]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")


_OK = b"HTTP/1.1 200 OK\r\n"
_REFUSED = _head(_answer_headers(None))
"""A page whose Origin is refused cannot read why, save when it begins a session."""


async def _start(calls: VisitorCalls, site: Site, request: VisitorRequest) -> protocol.InitAnswer:
    return await calls.chat.start(site, request.json(protocol.InitRequest), calls.gate.address(request))


async def _info(calls: VisitorCalls, site: Site, request: VisitorRequest) -> protocol.SessionInfo:
    return await calls.chat.info(site, request.session_id)


async def _restore(calls: VisitorCalls, site: Site, request: VisitorRequest) -> protocol.RestoreAnswer:
    # Sent as plain text it needs no preflight, so that a page view costs one round trip.
    wanted = request.json(protocol.RestoreRequest, _TEXT) if request.body else protocol.RestoreRequest()
    return await calls.chat.restore(site, request.session_id, wanted)


async def _erase(calls: VisitorCalls, site: Site, request: VisitorRequest) -> protocol.DeleteAnswer:
    return await calls.chat.erase(site.id, request.session_id)


async def _messages(calls: VisitorCalls, site: Site, request: VisitorRequest) -> protocol.MessagePage:
    since = request.number("since", 0, 0, 2**53 - 1)
    limit = request.number("limit", protocol.HISTORY_LIMIT, 1, protocol.PAGE_LIMIT)
    return await calls.chat.messages(site, request.session_id, since, limit)


async def _post(calls: VisitorCalls, site: Site, request: VisitorRequest) -> protocol.Chatted:
    said = request.json(protocol.ChatRequest)
    message = protocol.SendMessage(said.session_id, said.client_message_id, said.message, said.context)
    return await calls.chat.post(site, message, calls.gate.address(request))


Handler = Callable[[VisitorCalls, Site, VisitorRequest], Awaitable[Any]]
Handlers = Mapping[str, Handler]
_INIT_CALL: Handlers = {"POST": _start}
_SESSION_CALL: Handlers = {"GET": _info, "POST": _restore, "DELETE": _erase}
_MESSAGES_CALL: Handlers = {"GET": _messages}
_CHAT_CALL: Handlers = {"POST": _post}


def _methods(handlers: Handlers) -> str:
    return ", ".join([*handlers, *(["HEAD"] if "GET" in handlers else []), "OPTIONS"])


def _route(path: str) -> tuple[Handlers | None, str]:
    """The handlers of a visitor's call by method, and the session id in its path."""
    if not path.startswith(_SESSION):
        return (_CHAT_CALL if path == _CHAT else None), ""
    name, slash, call = path[len(_SESSION) :].partition("/")
    if not slash:
        handlers: Handlers | None = _INIT_CALL if name == _INIT else _SESSION_CALL
    else:
        handlers = _MESSAGES_CALL if call == _MESSAGES else None
    return handlers if name else None, unquote(name) if "%" in name else name
