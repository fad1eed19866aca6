"""The visitor's calls on the wire: methods, preflights, framing, the access log."""

import asyncio
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import structlog

from leflux.chat.service import history_check
from leflux.runtime import server
from tests.server.conftest import ORIGIN, Opened, Visitor

JSON = {"Origin": ORIGIN, "Content-Type": "application/json"}


async def raw(visitor: Visitor, *parts: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = visitor.base.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for part in parts:
        writer.write(part)
        await writer.drain()
    return reader, writer


def request(session_id: str, body: bytes, *more: str) -> bytes:
    lines = (
        f"POST /api/session/{session_id} HTTP/1.1",
        "Host: x",
        f"Origin: {ORIGIN}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *more,
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], dict[str, object]]:
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)).decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(headers["Content-Length"]))
    return int(head[0].split(" ")[1]), headers, msgspec.json.decode(body)


async def test_a_media_type_may_have_a_parameter(visitor: Visitor) -> None:
    path = f"/api/session/{await visitor.init()}"
    plain = await visitor.call("POST", path, data=b"{}", headers=JSON)
    other = JSON | {"Content-Type": "Application/JSON; charset=utf-8"}
    assert plain == await visitor.call("POST", path, data=b"{}", headers=other)
    assert plain == await visitor.call("POST", path)
    assert (plain[0], plain[1]["restored"]) == (200, True)


@pytest.mark.parametrize("data", [b"{", b'{"since":-1}', b'{"since":"x"}', b"[]"])
async def test_a_restore_refuses_a_body_that_it_cannot_read(visitor: Visitor, data: bytes) -> None:
    path = f"/api/session/{await visitor.init()}"
    assert (await visitor.call("POST", path, data=data, headers=JSON))[0] == 400


async def test_a_page_learns_how_long_a_message_may_be(opened: Opened) -> None:
    visitor = await opened(limits={"message_chars": 70})
    _, started = await visitor.call("POST", "/api/session/init", {"websiteUrl": ORIGIN})
    path = f"/api/session/{started['sessionId']}"
    for answer in (started, (await visitor.call("POST", path))[1], (await visitor.call("GET", path))[1]):
        assert answer["limits"] == {"messageChars": 70}


CALLS = [
    ("/api/session/init", "POST, OPTIONS"),
    (f"/api/session/{uuid4()}", "GET, POST, DELETE, HEAD, OPTIONS"),
    (f"/api/session/{uuid4()}/messages", "GET, HEAD, OPTIONS"),
    ("/api/chat", "POST, OPTIONS"),
]


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        (None, "Content-Type"),
        ("x-trace, traceparent", "Content-Type, x-trace, traceparent"),
        ("x-a,x-a,, b c,é, x:y", "Content-Type, x-a"),
    ],
)
async def test_a_preflight_allows_the_headers_that_it_asks_for(
    visitor: Visitor, asked: str | None, allowed: str
) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    if asked is not None:
        headers["Access-Control-Request-Headers"] = asked
    for path, methods in CALLS:
        async with visitor.http.options(visitor.base + path, headers=headers) as response:
            assert (response.status, await response.read()) == (204, b"")
            assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert response.headers["Access-Control-Allow-Methods"] == methods
            assert response.headers["Access-Control-Allow-Headers"] == allowed
            assert response.headers["Access-Control-Max-Age"] == "86400"
            assert "Content-Length" not in response.headers


async def test_a_preflight_cannot_make_the_answer_grow_without_bound(visitor: Visitor) -> None:
    names = ", ".join(f"x-{number}" for number in range(1000))
    headers = {"Origin": ORIGIN, "Access-Control-Request-Headers": names}
    async with visitor.http.options(f"{visitor.base}/api/chat", headers=headers) as response:
        assert len(response.headers["Access-Control-Allow-Headers"].split(",")) <= 65


async def test_a_method_that_a_call_has_not_is_405_and_says_which_it_has(visitor: Visitor) -> None:
    for path, methods in CALLS:
        for method in ("PUT", "PATCH", "TRACE"):
            async with visitor.http.request(method, visitor.base + path, headers={"Origin": ORIGIN}) as response:
                assert (response.status, response.headers["Allow"]) == (405, methods)
                assert (await response.json())["error"] == "method_not_allowed"
                assert response.headers["Access-Control-Allow-Origin"] == ORIGIN


async def test_head_answers_as_get_without_a_body(visitor: Visitor) -> None:
    path = f"/api/session/{await visitor.init()}"
    for suffix in ("", "/messages"):
        async with visitor.http.get(visitor.base + path + suffix, headers={"Origin": ORIGIN}) as response:
            length = response.headers["Content-Length"]
        async with visitor.http.head(visitor.base + path + suffix, headers={"Origin": ORIGIN}) as response:
            assert (response.status, await response.read()) == (200, b"")
            assert response.headers["Content-Length"] == length
    async with visitor.http.head(f"{visitor.base}/api/session/{uuid4()}", headers={"Origin": ORIGIN}) as response:
        assert response.status == 404


@pytest.mark.parametrize("path", ["/api/session/", "/api/session/x/", "/api/session/x/y", "/api/chat/", "/api/chats"])
async def test_a_path_that_is_nearly_a_call_is_not_found(visitor: Visitor, path: str) -> None:
    status, answer = await visitor.call("GET", path)
    assert (status, answer["error"]) == (404, "not_found")


async def test_every_call_is_in_the_access_log_and_no_session_id_is(visitor: Visitor) -> None:
    session_id = await visitor.init()
    with structlog.testing.capture_logs() as lines:
        await visitor.call("POST", f"/api/session/{session_id}")
        await visitor.call("GET", f"/api/session/{session_id}/messages?since=0")
        await visitor.call("PUT", f"/api/session/{session_id}")
        await visitor.call("GET", "/health")
    shown = f"/api/session/{session_id[:8]}…"
    found = [(line["method"], line["path"], line["status"]) for line in lines if line["event"] == "http"]
    assert found == [
        ("POST", shown, 200),
        ("GET", f"{shown}/messages", 200),
        ("PUT", shown, 405),
        ("GET", "/health", 200),
    ]


async def test_an_old_client_is_answered_and_hung_up_on(visitor: Visitor) -> None:
    old = request(await visitor.init(), b"{}").replace(b"HTTP/1.1", b"HTTP/1.0")
    reader, writer = await raw(visitor, old)
    status, headers, _ = await answer(reader)
    assert (status, headers["Connection"]) == (200, "close")
    assert await asyncio.wait_for(reader.read(), 20) == b""
    writer.close()


async def test_a_page_can_read_the_answer_and_the_refusal(visitor: Visitor) -> None:
    known = await visitor.init()
    reader, writer = await raw(visitor, request(known, b""), request(str(uuid4()), b"{}"))
    for status in (200, 404):
        found, headers, body = await answer(reader)
        assert found == status
        assert headers["Access-Control-Allow-Origin"] == ORIGIN
        assert (headers["Vary"], headers["Cache-Control"]) == ("Origin", "no-store")
    assert body["error"] == "session_not_found"
    writer.close()


async def test_a_body_may_come_in_pieces_and_requests_back_to_back(visitor: Visitor) -> None:
    session_id = await visitor.init()
    whole = request(session_id, b'{"since":0}')
    reader, writer = await raw(visitor, *(whole[at : at + 1] for at in range(len(whole))), whole + whole)
    for _ in range(3):
        assert (await answer(reader))[2]["sessionId"] == session_id
    writer.close()


async def test_a_client_that_asks_to_hang_up_is_hung_up_on(visitor: Visitor) -> None:
    reader, writer = await raw(visitor, request(await visitor.init(), b"{}", "Connection: close"))
    status, headers, _ = await answer(reader)
    assert (status, headers["Connection"]) == (200, "close")
    assert await asyncio.wait_for(reader.read(), 20) == b""
    writer.close()


async def test_a_body_that_does_not_come_closes_the_connection(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BODY_SECONDS", 0.2)
    visitor = await opened()
    half = request(await visitor.init(), b'{"since":0}')[:-5]
    reader, writer = await raw(visitor, half)
    assert await asyncio.wait_for(reader.read(), 20) == b""
    writer.close()


async def test_two_origins_are_refused(visitor: Visitor) -> None:
    reader, writer = await raw(visitor, request(await visitor.init(), b"{}", "Origin: http://evil.test"))
    status, headers, body = await answer(reader)
    assert (status, body["error"]) == (403, "host_not_registered")
    assert "Access-Control-Allow-Origin" not in headers
    writer.close()


async def test_a_restore_sends_what_the_browser_lacks_and_everything_when_it_has_something_else(
    visitor: Visitor,
) -> None:
    session_id = await visitor.init()
    socket = await visitor.socket(session_id)
    await socket.wait("session_joined")
    for number in range(2):
        await socket.say(session_id, f"text {number} \U0001f4a1")
        await socket.wait("message_done", number + 1)
    stored = await visitor.messages(session_id)

    async def restored(**body: Any) -> tuple[int, list[int]]:
        status, answer = await visitor.call("POST", f"/api/session/{session_id}", {"url": "http://shop.test/"} | body)
        assert (status, answer["truncated"], answer["seq"]) == (200, False, 4)
        return answer["since"], [message["seq"] for message in answer["history"]]

    everything = (0, [1, 2, 3, 4])
    check = history_check(map(msgspec.json.encode, stored[:3]))
    assert await restored() == everything
    assert await restored(since=3) == (3, [4])
    assert await restored(since=3, check=check) == (3, [4])
    assert await restored(since=4, first=2, check=history_check(map(msgspec.json.encode, stored[1:]))) == (4, [])
    for wrong in (
        {"since": 3, "check": check + 1},
        {"since": 4, "check": check},
        {"since": 3, "first": 2, "check": check},
    ):
        assert await restored(**wrong) == everything
    for odd in ({"since": 9}, {"since": 0}, {"first": 0}, {"since": 3, "first": 4}, {"since": 900}):
        assert await restored(check=check, **odd) == everything


async def test_a_restore_is_a_simple_request_which_needs_no_preflight(visitor: Visitor) -> None:
    session_id = await visitor.init()
    headers = {"Origin": ORIGIN, "Content-Type": "text/plain;charset=UTF-8"}
    url = f"{visitor.base}/api/session/{session_id}"
    async with visitor.http.post(url, data=b'{"url": "http://shop.test/"}', headers=headers) as response:
        assert (response.status, (await response.json())["restored"]) == (200, True)
    async with visitor.http.post(url, data=b"no JSON", headers=headers) as response:
        assert (response.status, (await response.json())["error"]) == (400, "bad_json")
    headers["Origin"] = "http://elsewhere.test"
    async with visitor.http.post(url, data=b"{}", headers=headers) as response:
        assert response.status == 403
