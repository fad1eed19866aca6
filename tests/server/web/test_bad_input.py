"""Bad input: the code of docs/protocol.md#errors, nothing stored, the process unharmed."""

import asyncio
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from tests.server.conftest import ORIGIN, Opened, Visitor

SOME_ID = "7f3c1a52-90d4-4e0b-8a67-1c2d3e4f5a6b"
JSON = {"Origin": ORIGIN, "Content-Type": "application/json"}


async def post(visitor: Visitor, path: str, data: bytes, headers: dict[str, str] = JSON) -> tuple[int, Any]:
    return await visitor.call("POST", path, data=data, headers=headers)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "bad_json"),
        (b"", "bad_json"),
        (b'{"websiteUrl": NaN}', "bad_json"),
        (b'{"websiteUrl": "\\ud800}', "bad_json"),
        (b'{"websiteUrl": "\xff"}', "bad_json"),
        (b'{"websiteUrl": ' + b"[" * 100_000, "bad_json"),
        (b"[]", "invalid_request"),
        (b"{}", "invalid_request"),
        (b'{"websiteUrl": 7}', "invalid_request"),
        (b'{"websiteUrl": "http://shop.test/", "visitorId": "../x"}', "invalid_request"),
        (b'{"websiteUrl": "http://shop.test/", "visitorId": "a\\r\\nb"}', "invalid_request"),
        (b'{"websiteUrl": "http://shop.test/", "priorHistory": {}}', "invalid_request"),
    ],
)
async def test_init_refuses_what_it_cannot_read(visitor: Visitor, body: bytes, code: str) -> None:
    status, answer = await post(visitor, "/api/session/init", body)
    assert (status, answer["error"]) == (400, code)
    assert answer["message"]
    assert (await visitor.call("GET", "/api/stats", headers={}))[1]["activeSessions"] == 0


async def test_an_ill_typed_field_is_named(visitor: Visitor) -> None:
    _, answer = await post(visitor, "/api/session/init", b'{"websiteUrl": 7}')
    assert answer["details"] == {"path": "$.websiteUrl"}
    _, answer = await post(visitor, "/api/chat", b'{"sessionId": "x", "message": "y"}')
    assert answer["details"] == {"path": "$.clientMessageId"}


@pytest.mark.parametrize("path", ["/api/session/init", "/api/session/x", "/api/chat"])
async def test_a_body_that_is_not_json_is_415(visitor: Visitor, path: str) -> None:
    for headers in ({"Content-Type": "text/html"}, {"Content-Type": "application/json", "Content-Encoding": "gzip"}):
        status, answer = await post(visitor, path, b'{"websiteUrl":"x"}', {"Origin": ORIGIN} | headers)
        assert (status, answer["error"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_oversized_body_is_413_and_the_connection_lives(visitor: Visitor, chunked: bool) -> None:
    body: Any = b" " * 300_000
    if chunked:

        async def stream() -> Any:
            for _ in range(30):
                yield b" " * 10_000

        body = stream()
    status, answer = await post(visitor, "/api/session/init", body)
    assert (status, answer["error"]) == (413, "payload_too_large")
    assert await visitor.init()


@pytest.mark.parametrize("session_id", ["nonsense", "..%2F..", "__x__", "A" * 36, SOME_ID.upper(), "%0d%0aX: y"])
async def test_a_malformed_session_id_is_400(visitor: Visitor, session_id: str) -> None:
    for method, suffix in [("GET", ""), ("POST", ""), ("DELETE", ""), ("GET", "/messages")]:
        status, answer = await visitor.call(method, f"/api/session/{session_id}{suffix}")
        assert (status, answer["error"]) == (400, "invalid_session_id")


async def test_an_unknown_session_id_is_404_with_one_body_for_all(visitor: Visitor) -> None:
    for method, suffix in [("GET", ""), ("POST", ""), ("DELETE", ""), ("GET", "/messages")]:
        status, answer = await visitor.call(method, f"/api/session/{uuid4()}{suffix}")
        assert (status, answer) == (404, {"error": "session_not_found", "message": "There is no such session."})


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        (None, "origin_required"),
        ("null", "host_not_registered"),
        ("http://evil.test", "host_not_registered"),
        ("http://shop.test.evil", "host_not_registered"),
        ("http://evilshop.test", "host_not_registered"),
        ("http://shop.test@evil.test", "host_not_registered"),
        ("ftp://shop.test", "host_not_registered"),
        ("http://shop.test, http://shop.test", "host_not_registered"),
    ],
)
async def test_a_foreign_origin_is_403_everywhere(visitor: Visitor, origin: str | None, code: str) -> None:
    headers = {} if origin is None else {"Origin": origin}
    sid = uuid4()
    for method, path in [("POST", "/api/session/init"), ("GET", f"/api/session/{sid}"), ("POST", "/api/chat")]:
        status, answer = await visitor.call(method, path, headers=headers, data=b"{}")
        assert (status, answer["error"]) == (403, code)
    for query in ("transport=polling&EIO=4", "transport=websocket&EIO=4"):
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        extra = upgrade | key if "websocket" in query else {}
        status, answer = await visitor.call("GET", f"/socket.io/?{query}", headers=headers | extra)
        assert (status, answer["error"]) == (403, code)


async def test_a_registered_origin_may_read_answers_and_errors(visitor: Visitor) -> None:
    for path, expected in [("/api/session/init", 200), ("/api/session/nonsense", 400)]:
        async with visitor.http.post(
            visitor.base + path, json={"websiteUrl": "x"}, headers={"Origin": ORIGIN}
        ) as response:
            assert response.status == expected
            assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    async with visitor.http.options(visitor.base + "/api/chat", headers={"Origin": ORIGIN}) as response:
        assert response.status == 204
        assert "POST" in response.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("text", ["", "   \n", "x" * 5001, "a\x00b"])
async def test_a_text_that_cannot_be_a_message(visitor: Visitor, text: str) -> None:
    session_id = await visitor.init()
    chat = {"sessionId": session_id, "clientMessageId": str(uuid4()), "message": text}
    status, answer = await visitor.call("POST", "/api/chat", chat)
    assert (status, answer["error"]) == (400, "invalid_message")
    socket = await visitor.socket(session_id)
    await socket.wait("session_joined")
    assert (await socket.say(session_id, text))["error"] == "invalid_message"
    assert await visitor.messages(session_id) == []


async def test_a_message_of_the_greatest_length_is_stored_whole(visitor: Visitor) -> None:
    session_id = await visitor.init()
    socket = await visitor.socket(session_id)
    await socket.wait("session_joined")
    text = "\U0001f642" * 5000
    assert (await socket.say(session_id, text))["ok"] is True
    assert (await visitor.messages(session_id))[0]["text"] == text


@pytest.mark.parametrize(
    ("event", "payload", "code"),
    [
        ("send_message", None, "invalid_request"),
        ("send_message", 7, "invalid_request"),
        ("send_message", {}, "invalid_request"),
        ("send_message", {"sessionId": "x", "clientMessageId": "a/b", "text": "t"}, "invalid_request"),
        ("send_message", {"sessionId": "x", "clientMessageId": "c", "text": "t"}, "invalid_session_id"),
        ("send_message", {"sessionId": SOME_ID, "clientMessageId": "c", "text": "t"}, "not_owner"),
        ("join_session", None, "invalid_request"),
        ("join_session", "nonsense", "invalid_session_id"),
        ("join_session", SOME_ID, "session_not_found"),
        ("join_session", {"sessionId": SOME_ID, "since": -1}, "invalid_request"),
        ("update_context", {"sessionId": "x", "context": []}, "invalid_request"),
        ("visibility", {"sessionId": "x", "visible": 1}, "invalid_request"),
        ("no_such_event", {}, "invalid_request"),
    ],
)
async def test_an_event_that_is_wrong_is_acknowledged_with_its_code(
    visitor: Visitor, event: str, payload: Any, code: str
) -> None:
    socket = await visitor.socket()
    answer = await socket.ask(event, payload)
    assert (answer["ok"], answer["error"]) == (False, code)
    assert answer["message"]
    assert socket.client.connected


async def test_a_context_over_the_cap_is_refused(visitor: Visitor) -> None:
    session_id = await visitor.init()
    socket = await visitor.socket(session_id)
    await socket.wait("session_joined")

    async def update(context: dict[str, Any]) -> Any:
        return await socket.ask("update_context", {"sessionId": session_id, "context": context})

    assert (await update({"visibleText": "x" * 5000})) == {"ok": True}
    assert (await update({"visibleText": "x" * 5001}))["error"] == "invalid_request"
    assert (await update({"elements": "x" * 66_000}))["error"] == "payload_too_large"


async def test_a_flood_is_rate_limited_and_says_when_to_come_back(opened: Opened) -> None:
    visitor = await opened(limits={"init_per_minute": 3, "messages_per_minute": 5})
    session_id = await visitor.init()
    await visitor.init()
    await visitor.init()
    async with visitor.http.post(
        visitor.base + "/api/session/init", json={"websiteUrl": "x"}, headers={"Origin": ORIGIN}
    ) as response:
        assert response.status == 429
        assert (await response.json())["error"] == "rate_limited"
        assert 1 <= int(response.headers["Retry-After"]) <= 20
    socket = await visitor.socket(session_id)
    await socket.wait("session_joined")
    answers = await asyncio.gather(*(socket.say(session_id, f"text {number}") for number in range(7)))
    assert [answer["ok"] for answer in answers] == [True] * 5 + [False] * 2
    assert answers[-1]["error"] == "rate_limited"
    assert answers[-1]["details"]["retryAfterMs"] > 0
    stored = await visitor.messages(session_id)
    assert [entry["text"] for entry in stored if entry["role"] == "visitor"] == [f"text {n}" for n in range(5)]


async def test_unknown_paths_and_methods_are_clear_errors(visitor: Visitor) -> None:
    assert (await visitor.call("GET", "/api/nothing"))[1]["error"] == "not_found"
    assert (await visitor.call("PUT", "/api/chat"))[0] == 405
    _, answer = await visitor.call("GET", f"/api/session/{uuid4()}/messages?limit=501")
    assert answer["details"] == {"path": "$.limit"}


async def test_forged_forwarding_headers_do_not_lift_a_limit(opened: Opened) -> None:
    visitor = await opened(limits={"init_per_minute": 2})
    statuses = []
    for number in range(3):
        headers = {"Origin": ORIGIN, "X-Forwarded-For": f"10.0.0.{number}"}
        status, _ = await visitor.call("POST", "/api/session/init", {"websiteUrl": "x"}, headers=headers)
        statuses.append(status)
    assert statuses == [200, 200, 429]


async def test_every_call_of_an_address_counts_restores_and_reads_included(opened: Opened) -> None:
    visitor = await opened(limits={"address_messages_per_minute": 1})
    session_id = await visitor.init()
    calls = [("POST", ""), ("GET", ""), ("GET", "/messages"), ("DELETE", "x")]
    statuses = []
    for number in range(45):
        method, suffix = calls[number % len(calls)]
        statuses.append((await visitor.call(method, f"/api/session/{session_id}{suffix}"))[0])
    assert 429 not in statuses[:39]
    assert statuses[-3:] == [429] * 3
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with aiohttp.ClientSession(connector=connector) as http:
        headers = {"Origin": ORIGIN}
        async with http.get(f"{visitor.base}/api/session/{session_id}", headers=headers) as other:
            assert other.status == 200


async def test_a_call_counts_by_its_bytes_too(opened: Opened) -> None:
    visitor = await opened(limits={"address_messages_per_minute": 1})
    statuses = [(await post(visitor, "/api/chat", b"[" * 65_000))[0] for _ in range(4)]
    assert statuses == [400, 400, 429, 429]


async def test_an_answer_counts_by_its_bytes_too(opened: Opened) -> None:
    visitor = await opened(limits={"address_messages_per_minute": 3})
    session_id = await visitor.init()
    for number in range(3):
        said = {"sessionId": session_id, "clientMessageId": str(number), "message": "\U0001f642" * 5_000}
        assert (await visitor.call("POST", "/api/chat", said))[0] == 200
    statuses = [(await visitor.call("POST", f"/api/session/{session_id}"))[0] for _ in range(120)]
    assert 20 < statuses.count(200) < 80
    assert statuses[-1] == 429
