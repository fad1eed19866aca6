"""Requests are read as they were meant, however they are torn, and one at a time."""

import asyncio
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leflux.http1.reader import RequestReader
from tests.server.conftest import until
from tests.server.http1.conftest import CAP, HEAD, Rig, still

BODY = b"PUT /echo HTTP/1.1\r\nHost: shop.test\r\n"
CHUNKED = BODY + b"Transfer-Encoding: chunked\r\n\r\n"
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
PIPELINED = [
    HEAD + b"\r\n",
    BODY + b"Content-Length: 3\r\n\r\n\r\n\r",
    CHUNKED + b"4\r\n\r\n\r\n\r\n3;a=b\r\nxyz\r\n0\r\n\r\n",
    CHUNKED + b"1\r\nx\r\n0\r\nTrailer: 1\r\n\r\n",
    b"\r\n" + HEAD + b"A: b \t\r\nA: c\r\n\r\n",
    BODY + UPGRADE + b"Content-Length: 2\r\n\r\nhi",
    BODY + UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    HEAD + UPGRADE + b"\r\n",
    BODY + b"Content-Length: 0\r\n\r\n",
]
TEXTS = ["", "\r\n\r", "\r\n\r\nxyz", "x", "", "hi", "hi", "", ""]


def said(body: bytes) -> Any:
    return json.loads(body)


def read(pieces: list[bytes]) -> list[tuple[Any, list[tuple[str, str]], bytes]]:
    """What a reader makes of the pieces: start line, headers and body of each request."""
    reader, found = RequestReader(65_536, 65_536), []
    current: tuple[Any, list[tuple[str, str]]] | None = None
    body = b""
    for piece in pieces:
        at = 0
        while at < len(piece):
            at = reader.feed(piece, at)
            if current is None and reader.has_head:
                start_line, headers = reader.head()
                current = start_line, list(headers.get_all())
            body += reader.take()
            if current is not None and reader.is_complete:
                found.append((*current, body))
                reader.next()
                current, body = None, b""
    return found


WHOLE = read([b"".join(PIPELINED)])


def test_pipelined_requests_are_told_apart() -> None:
    assert [body.decode() for _, _, body in WHOLE] == TEXTS
    assert WHOLE[4][1] == [("Host", "shop.test"), ("A", "b"), ("A", "c")]
    assert [name for name, _ in WHOLE[3][1]] == ["Host", "Transfer-Encoding"]


@given(st.sets(st.integers(1, sum(map(len, PIPELINED)) - 1)))
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_torn_reads_give_the_same_requests(cuts: set[int]) -> None:
    data = b"".join(PIPELINED)
    edges = [0, *sorted(cuts), len(data)]
    assert read([data[start:end] for start, end in pairwise(edges)]) == WHOLE


def test_a_request_that_is_torn_anywhere_is_the_same() -> None:
    data = b"".join(PIPELINED)
    assert read([data[at : at + 1] for at in range(len(data))]) == WHOLE
    for at in range(1, len(data)):
        assert read([data[:at], data[at:]]) == WHOLE


async def test_pipelined_requests_are_answered_in_order(rig: Rig) -> None:
    client = await rig.client(b"".join(PIPELINED))
    assert [said((await client.answer()).body)["body"] for _ in PIPELINED] == TEXTS
    client.send(HEAD + b"\r\n")
    assert (await client.answer()).status == 200


async def test_a_request_waits_until_the_one_before_is_answered(rig: Rig) -> None:
    slow = HEAD.replace(b"/echo", b"/slow") + b"\r\n"
    client = await rig.client(slow + slow)
    await until(lambda: rig.running == 1, "the first is being answered")
    other = await rig.client(HEAD + b"\r\n")
    assert (await other.answer()).status == 200
    assert rig.running == 1
    rig.go.set()
    assert [(await client.answer()).body for _ in range(2)] == [b"slow", b"slow"]


async def test_requests_that_nobody_waits_for_are_not_buffered(rig: Rig) -> None:
    client = await rig.client(HEAD.replace(b"/echo", b"/slow") + b"\r\n")
    await until(lambda: rig.running == 1, "the first is being answered")
    piece = (HEAD + b"\r\n") * 1_000

    async def flood() -> None:
        for _ in range(2_000):
            client.send(piece)
            await client.writer.drain()

    flooding = asyncio.create_task(flood())
    await still(lambda: client.writer.transport.get_write_buffer_size())
    assert not flooding.done()
    flooding.cancel()
    [connection] = rig.server._registry.connections
    assert len(connection._data) <= 2 * 262_144  # type: ignore[attr-defined]
    assert rig.running == 1


@pytest.mark.parametrize("body", [b"Content-Length: 500\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
async def test_a_body_is_streamed_to_a_handler_that_wants_it(rig: Rig, body: bytes) -> None:
    client = await rig.client(b"POST /capped HTTP/1.1\r\nHost: x\r\n" + body)
    for _ in range(10):
        client.send(b"x" * 50 if b"Length" in body else b"32\r\n" + b"x" * 50 + b"\r\n")
        await client.writer.drain()
    if b"chunked" in body:
        client.send(b"0\r\n\r\n")
    assert (await client.answer()).body == b"500"


@pytest.mark.parametrize("size", [CAP, CAP + 1, 8 * CAP])
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_handler_refuses_a_body_over_its_own_cap(rig: Rig, size: int, is_chunked: bool) -> None:
    head = b"POST /capped HTTP/1.1\r\nHost: x\r\n"
    chunks = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (size, b"x" * size)
    client = await rig.client(head, chunks if is_chunked else b"Content-Length: %d\r\n\r\n%b" % (size, b"x" * size))
    assert (await client.answer()).status == (200 if size <= CAP else 413)
    client.send(HEAD + b"\r\n")
    assert (await client.answer()).status == 200


async def test_a_client_that_asks_first_is_told_to_continue(rig: Rig) -> None:
    client = await rig.client(BODY + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert (await client.head())[0] == 100
    client.send(b"hi")
    assert said((await client.answer()).body)["body"] == "hi"


async def test_a_client_whose_body_is_too_large_is_not_told_to_continue(rig: Rig) -> None:
    answer = await rig.ask(BODY + b"Content-Length: 99999\r\nExpect: 100-continue\r\n\r\n")
    assert answer.status == 413


@pytest.mark.parametrize("more", [b"", b"Content-Length: 0\r\n"])
async def test_nobody_is_told_to_send_a_body_that_is_not_there(rig: Rig, more: bytes) -> None:
    assert (await rig.ask(HEAD + b"Expect: 100-continue\r\n" + more + b"\r\n")).status == 200


@pytest.mark.parametrize(
    ("head", "stays"),
    [
        (b"GET /echo HTTP/1.1\r\nHost: x\r\n", True),
        (b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", False),
        (b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: x, Close\r\n", False),
        (b"GET /echo HTTP/1.0\r\n", False),
        (b"GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n", True),
    ],
)
async def test_a_connection_stays_as_long_as_both_want_it(rig: Rig, head: bytes, stays: bool) -> None:
    client = await rig.client(head + b"\r\n")
    answer = await client.answer()
    assert answer.status == 200
    assert answer.headers.get("Connection", "").lower() == (
        "close" if not stays else "keep-alive" if b"1.0" in head else ""
    )
    if stays:
        client.send(head + b"\r\n")
        assert (await client.answer()).body == answer.body
    else:
        assert await client.rest() == b""


async def test_a_client_that_has_closed_its_side_gets_its_answers(rig: Rig) -> None:
    client = await rig.client(HEAD.replace(b"/echo", b"/slow") + b"\r\n" + HEAD + b"\r\n")
    client.writer.write_eof()
    await until(lambda: rig.running == 1, "the request is being answered")
    rig.go.set()
    assert [(await client.answer()).status for _ in range(2)] == [200, 200]
    assert await client.rest() == b""
