"""The restore in front of the application answers as the application would, and hands it everything else."""

import asyncio
from uuid import uuid4

import msgspec
import pytest

from leflux import server
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


async def test_both_ways_give_the_same_answer(visitor: Visitor) -> None:
    session_id = await visitor.init()
    # A media type with a parameter is for the application.
    plain = await visitor.call("POST", f"/api/session/{session_id}", data=b"{}", headers=JSON)
    other = JSON | {"Content-Type": "application/json; charset=utf-8"}
    assert plain == await visitor.call("POST", f"/api/session/{session_id}", data=b"{}", headers=other)
    assert plain[0] == 200
    assert plain[1]["restored"] is True


@pytest.mark.parametrize("data", [b"{", b'{"since":-1}', b'{"since":"x"}', b"[]"])
async def test_both_ways_refuse_a_body_alike(visitor: Visitor, data: bytes) -> None:
    path = f"/api/session/{await visitor.init()}"
    other = JSON | {"Content-Type": "application/json; charset=utf-8"}
    refusal = await visitor.call("POST", path, data=data, headers=JSON)
    assert refusal[0] == 400
    assert refusal == await visitor.call("POST", path, data=data, headers=other)


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
    assert (await answer(reader))[0] == 200
    assert await asyncio.wait_for(reader.read(), 20) == b""
    writer.close()


async def test_a_body_that_does_not_come_closes_the_connection(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BODY_SECONDS", 0.2)
    visitor = await opened()
    half = request(await visitor.init(), b'{"since":0}')[:-5]
    reader, writer = await raw(visitor, half)
    assert await asyncio.wait_for(reader.read(), 20) == b""
    writer.close()


async def test_two_origins_are_for_the_application_to_refuse(visitor: Visitor) -> None:
    reader, writer = await raw(visitor, request(await visitor.init(), b"{}", "Origin: http://evil.test"))
    status, headers, body = await answer(reader)
    assert (status, body["error"]) == (403, "host_not_registered")
    assert "Access-Control-Allow-Origin" not in headers
    writer.close()
