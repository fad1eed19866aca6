"""Hostile HTTP requests. Each row: the number of the input in the list of bad inputs, the request, the right answer."""

import json
from collections.abc import Callable
from functools import partial
from typing import NamedTuple
from uuid import uuid4

import pytest

from tests.security.target import Target
from tests.security.wire import UPGRADE, WEBSOCKET, request

POLLING = "/socket.io/?EIO=4&transport=polling"
INIT, CHAT = "/api/session/init", "/api/chat"
PAGE = b'{"websiteUrl": "http://shop.test/"}'
DEEP = b'{"websiteUrl": "x", "priorHistory": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
NEVER = f"/api/session/{uuid4()}"


class RequestCase(NamedTuple):
    fault: str
    name: str
    sent: bytes | Callable[[Target], bytes]
    status: int
    code: str | None = None


def start(
    *headers: str, body: bytes = PAGE, origin: str | None = "http://shop.test", host: str | None = "shop.test"
) -> bytes:
    return request("POST", INIT, *headers, body=body, origin=origin, host=host)


def _origins(fault: str, status: int, code: str | None, *origins: str | None) -> list[RequestCase]:
    """Each Origin at a call, at both transports of the socket, and at a call with a session id."""
    return [
        case
        for origin in origins
        for case in (
            RequestCase(fault, f"init {origin}", start(origin=origin), status, code),
            RequestCase(fault, f"polling {origin}", request("GET", POLLING, origin=origin), status, code),
            RequestCase(
                fault,
                f"upgrade {origin}",
                request("GET", WEBSOCKET, *UPGRADE, origin=origin),
                101 if status == 200 else status,
                code,
            ),
        )
    ]


def _said(t: Target, **fields: object) -> bytes:
    body = {"sessionId": t.session(), "clientMessageId": str(uuid4()), "message": "Hello"} | fields
    return request("POST", CHAT, body=json.dumps(body).encode())


def _said_to_erased(t: Target) -> bytes:
    return _said(t, sessionId=t.erased())


def _said_from_other(t: Target) -> bytes:
    return _said(t).replace(b"Origin: http://shop.test", b"Origin: http://other.test")


def _at_session(method: str, origin: str) -> Callable[[Target], bytes]:
    return lambda t: request(method, f"/api/session/{t.session()}", origin=origin)


def _at_erased(method: str, suffix: str = "") -> Callable[[Target], bytes]:
    return lambda t: request(method, f"/api/session/{t.erased()}{suffix}")


def _chat(raw: bytes) -> Callable[[Target], bytes]:
    """A message whose text is this piece of JSON."""

    def build(t: Target) -> bytes:
        body = b'{"sessionId": "%s", "clientMessageId": "a", "message": %s}' % (t.session().encode(), raw)
        return request("POST", CHAT, body=body)

    return build


ORIGINS = [
    *_origins("1", 403, "host_not_registered", "http://evil.test", "https://evil.test:8443"),
    *_origins("2", 403, "host_not_registered", "null"),
    *_origins("3", 403, "origin_required", None),
    *_origins("3", 403, "origin_required", ""),
    *_origins("3", 403, "host_not_registered", "http://shop.test\r\nOrigin: http://shop.test", "http://shop.test, http://shop.test"),
    *_origins("4", 200, None, "HTTP://SHOP.TEST", "http://shop.test:80", "https://shop.test:443", "http://shop.test:8081"),
    *_origins("5", 403, "host_not_registered", "ftp://shop.test", "file://", "chrome-extension://shop.test", "ws://shop.test"),
    *_origins(
        "6", 403, "host_not_registered", "http://shop.test.evil", "http://evilshop.test", "http://shop.test@evil.test",
        "http://evil.test/shop.test", "http://evil.test#shop.test", "http://evil.test\\@shop.test", "http://shop.test%00.evil",
    ),
    *_origins("7", 200, None, "http://www.shop.test", "http://a.b.shop.test", "http://strict.test"),
    *_origins("7", 403, "host_not_registered", "http://a.strict.test", "http://test", "http://.shop.test", "http://shop.test..evil"),
    *_origins("8", 200, None, "http://xn--bcher-kva.test"),
    *_origins("8", 403, "host_not_registered", "http://xn--shp-m6d.test", "http://bucher.test", "http://xn--.test"),
]  # fmt: skip

HEADS = [
    RequestCase("9", "no Host", start(host=None), 400),
    RequestCase("9", "two Hosts", start("Host: evil.test"), 400),
    RequestCase("9", "a Host with a path", request("GET", "/demo/", host="evil.test/x"), 400),
    RequestCase("11", "guessed", request("GET", NEVER), 404, "session_not_found"),
    RequestCase("11", "guessed messages", request("GET", f"{NEVER}/messages"), 404, "session_not_found"),
    RequestCase("11", "a guessed restore", request("POST", NEVER, body=b"{}"), 404, "session_not_found"),
    *(
        RequestCase(
            "12",
            f"another site's session, {method}",
            _at_session(method, origin="http://other.test"),
            404,
            "session_not_found",
        )
        for method in ("GET", "POST", "DELETE")
    ),
    RequestCase(
        "12",
        "a message from another site",
        _said_from_other,
        404,
        "session_not_found",
    ),
    RequestCase("15", "text/plain", start("Content-Type: text/plain"), 415, "unsupported_media_type"),
    RequestCase("15", "a form", start("Content-Type: application/x-www-form-urlencoded"), 415),
    RequestCase("15", "multipart", start("Content-Type: multipart/form-data; boundary=x"), 415),
    RequestCase("15", "no type", start("Content-Type:"), 415, "unsupported_media_type"),
    RequestCase("16", "over the cap", start(body=b" " * 300_000), 413, "payload_too_large"),
    RequestCase("16", "said to be huge", start("Content-Length: 99999999999", body=b"{"), 413),
    RequestCase("16", "a huge poll", request("POST", f"{POLLING}&sid=x", body=b"4" * 300_000), 413),
    RequestCase("16", "no number", start("Content-Length: 1e3"), 400),
    RequestCase("16", "less than nothing", start("Content-Length: -1"), 400),
    RequestCase("16", "two lengths", start("Content-Length: 3", "Content-Length: 35"), 400),
    RequestCase("16", "length and chunks", start("Content-Length: 3", "Transfer-Encoding: chunked"), 400),
    RequestCase("16", "a long head", start("X-Long: " + "x" * 100_000), 431),
    RequestCase("19", "gzip", start("Content-Encoding: gzip"), 415, "unsupported_media_type"),
    RequestCase("19", "br", start("Content-Encoding: br"), 415, "unsupported_media_type"),
    RequestCase("19", "a gzip poll", request("POST", f"{POLLING}&sid=x", "Content-Encoding: gzip", body=b"4"), 415),
]

BODIES = [
    RequestCase("20", "depth 100,000", start(body=DEEP[:262_000]), 400, "bad_json"),
    RequestCase("20", "depth 100,000, never closed", start(body=b'{"a":' * 40_000), 400, "bad_json"),
    RequestCase("20", "depth within the context", _chat(b'"x", "context": {"a": ' + b"[" * 90_000), 400, "bad_json"),
    RequestCase("21", "NaN", _chat(b"NaN"), 400, "bad_json"),
    RequestCase("21", "Infinity", _chat(b'"x", "context": {"a": Infinity}'), 400, "bad_json"),
    RequestCase("21", "1e999", _chat(b'"x", "context": {"a": 1e999}'), 400),
    RequestCase("21", "a huge integer", _chat(b'"x", "context": {"a": %s}' % (b"9" * 5_000)), 400),
    RequestCase("21", "2^53", _chat(b'"x", "context": {"a": 9007199254740992}'), 400, "invalid_request"),
    RequestCase("21", "-2^53", _chat(b'"x", "context": {"a": [{"b": -9007199254740993}]}'), 400, "invalid_request"),
    RequestCase("21", "NUL", _chat(b'"a\\u0000b"'), 400, "invalid_message"),
    RequestCase("21", "not UTF-8", _chat(b'"\xff\xfe"'), 400, "bad_json"),
    RequestCase("21", "over-long UTF-8", _chat(b'"\xc0\xaf"'), 400, "bad_json"),
    RequestCase("35", "a long id", start(body=b'{"websiteUrl": "x", "visitorId": "%s!"}' % (b"a" * 100_000)), 400),
    RequestCase("35", "a long media type", start("Content-Type: " + "application/" * 5_000), 415),
    RequestCase("35", "a long path", request("GET", "/api/session/" + "a-" * 25_000), 400),
    RequestCase("35", "long percent signs", request("GET", "/api/session/" + "%2" * 25_000), 400),
    RequestCase("38", "delete what never was", request("DELETE", NEVER), 404, "session_not_found"),
    *(
        RequestCase("39", f"an erased session, {method}", _at_erased(method), 410, "session_deleted")
        for method in ("GET", "POST")
    ),
    RequestCase("39", "its messages", _at_erased("GET", "/messages"), 410, "session_deleted"),
    RequestCase("39", "a message to it", _said_to_erased, 410, "session_deleted"),
    *(
        RequestCase("40", f"the id {bad!r}", request("GET", f"/api/session/{bad}"), 400, "invalid_session_id")
        for bad in ("..%2f..", "__x__", "%0d%0aX:%20y", "*", "%01", "a" * 36,
                    "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE", "%f0%9f%99%82", "%")
    ),
    *(
        RequestCase("40", f"the message id {bad!r}", partial(_said, clientMessageId=bad), 400, "invalid_request")
        for bad in ("../x", "a/b", "a\r\nb", "~reply:1", "", "x" * 65, "a\n")
    ),
]  # fmt: skip

ISSUE = [
    RequestCase("logs", "a line end", request("GET", "/demo/assets/..%2f..%0aFORGED%1b[31m"), 404),
    RequestCase("40", "NUL in an id", request("GET", "/api/session/%00"), 404, "not_found"),
    RequestCase("logs", "NUL", request("GET", "/demo/assets/%00"), 404),
    RequestCase("logs", "NUL in a page", request("GET", "/demo/%00.html"), 404),
    RequestCase("logs", "NUL in the dashboard", request("GET", "/dashboard/assets/%00"), 404),
    RequestCase("demo", "the form log of a stranger", request("GET", "/demo/forms/log"), 401, "unauthorized"),
    RequestCase("demo", "a foreign form", request("POST", "/demo/forms/contact", "Sec-Fetch-Site: cross-site"), 403),
]  # fmt: skip
CASES = [*ORIGINS, *HEADS, *BODIES, *ISSUE]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.fault}-{case.name}"[:60].encode("ascii", "replace"))
def test_a_hostile_request_gets_the_right_answer(attacked: Target, case: RequestCase) -> None:
    raw = case.sent if isinstance(case.sent, bytes) else case.sent(attacked)
    before = attacked.stats()
    reply = attacked.ask(raw)
    assert reply.status == case.status, reply.body
    if case.code is not None:
        assert reply.code == case.code
    if case.status >= 400:
        # Nothing was allocated for it.
        after = attacked.stats()
        assert {name: after[name] for name in ("activeSessions", "connectedSockets")} == {
            name: before[name] for name in ("activeSessions", "connectedSockets")
        }
        assert reply.status == 400 or b"Traceback" not in reply.body
    if case.status == 403:
        # A page whose host has no site may read that, and nothing else, when it begins a session.
        allowed = reply.header("Access-Control-Allow-Origin")
        assert allowed is None or (case.code == "host_not_registered" and b"/api/session/init" in raw)
