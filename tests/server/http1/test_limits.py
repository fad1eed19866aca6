"""Caps and time limits, and how a server stops."""

import asyncio
from contextlib import suppress

import pytest

from leflux.http1 import server
from tests.server.conftest import until
from tests.server.http1.conftest import CAP, HEAD, OpenRig, Rig

POST = b"POST /capped HTTP/1.1\r\nHost: x\r\n"
BIG = 8 * CAP + 1


async def test_a_head_over_the_cap_is_431(open_rig: OpenRig) -> None:
    rig = await open_rig(head_bytes=2_000)
    fits = HEAD + b"A: " + b"a" * (2_000 - len(HEAD) - 7) + b"\r\n\r\n"
    assert len(fits) == 2_000
    assert (await rig.ask(fits)).status == 200
    for data in (fits.replace(b"A: ", b"A: a"), b"GET /" + b"a" * 3_000, HEAD + b"A: b\r\n" * 1_000):
        client = await rig.client(data)
        answer = await client.answer()
        assert (answer.status, answer.headers["Connection"]) == (431, "close")
        assert await client.rest() == b""


async def test_a_body_over_the_cap_is_refused_before_it_is_sent(rig: Rig) -> None:
    client = await rig.client(POST + b"Content-Length: %d\r\n\r\n" % BIG)
    assert (await client.answer()).status == 413
    assert await client.rest() == b""
    assert rig.watched.ends == [["closed"]]


async def test_the_refusal_of_a_body_reaches_a_client_that_is_still_sending(rig: Rig) -> None:
    client = await rig.client(POST + b"Content-Length: 50000000\r\n\r\n")
    client.send(b"x" * 3_000_000)
    assert (await client.answer()).status == 413


async def test_chunks_are_counted(rig: Rig) -> None:
    client = await rig.client(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(9):
        client.send(b"%x\r\n%b\r\n" % (CAP, b"x" * CAP))
    assert (await client.answer()).status == 413
    assert await client.rest() == b""


@pytest.mark.parametrize("noise", [b"1;" + b"a" * 1_000 + b"\r\nx\r\n", b"0\r\n" + b"A: " + b"b" * 4_000])
async def test_what_is_sent_around_the_chunks_is_counted_too(open_rig: OpenRig, noise: bytes) -> None:
    rig = await open_rig(head_bytes=3_000)
    assert (await rig.ask(POST + b"Transfer-Encoding: chunked\r\n\r\n" + noise * 4)).status == 400


async def test_chunks_of_one_byte_are_no_noise(open_rig: OpenRig) -> None:
    rig = await open_rig(head_bytes=200)
    body = b"1;a\r\nx\r\n" * 900 + b"0\r\n\r\n"
    assert (await rig.ask(POST + b"Transfer-Encoding: chunked\r\n\r\n" + body)).body == b"900"


@pytest.mark.parametrize(
    "data",
    [b"", HEAD, POST + b"Content-Length: 9\r\n\r\nhalf", POST + b"Transfer-Encoding: chunked\r\n\r\n4\r\nha"],
    ids=["nothing", "half a head", "half a body", "half a chunk"],
)
async def test_a_request_that_does_not_come_ends_the_connection(open_rig: OpenRig, data: bytes) -> None:
    rig = await open_rig(head_seconds=0.3, body_seconds=0.3, idle_seconds=0.3)
    client = await rig.client(data)
    with suppress(ConnectionResetError):
        assert await client.rest() == b""
    await until(lambda: rig.watched.closed == 1, "the connection is closed")
    assert rig.watched.ends in ([], [["closed"]])


async def test_a_request_that_drips_ends_the_connection(open_rig: OpenRig) -> None:
    rig = await open_rig(head_seconds=0.5, body_seconds=0.5)
    client = await rig.client(HEAD)
    for _ in range(200):
        if rig.watched.closed:
            break
        client.send(b"A: b\r\n")
        await asyncio.sleep(0.05)
    assert rig.watched.closed == 1


async def test_an_answer_may_take_longer_than_any_limit(open_rig: OpenRig) -> None:
    rig = await open_rig(head_seconds=0.2, body_seconds=0.2, idle_seconds=0.2)
    client = await rig.client(HEAD.replace(b"/echo", b"/slow") + b"\r\n")
    other = await rig.client()
    assert await other.rest() == b""
    assert rig.running == 1
    rig.go.set()
    assert (await client.answer()).body == b"slow"


async def test_a_client_that_does_not_hang_up_is_hung_up_on(open_rig: OpenRig) -> None:
    rig = await open_rig(linger_seconds=0.2, head_seconds=0.4)
    client = await rig.client(b"nonsense\r\n\r\n")
    assert (await client.answer()).status == 400
    await until(lambda: rig.watched.closed == 1, "the connection is closed")


async def test_a_server_that_stops_answers_what_was_asked_and_closes(rig: Rig) -> None:
    idle = await rig.client(HEAD + b"\r\n")
    assert (await idle.answer()).status == 200
    slow = await rig.client(HEAD.replace(b"/echo", b"/slow") + b"\r\n")
    await until(lambda: rig.running == 1, "the request is being answered")
    rig.server.stop()
    assert await idle.rest() == b""
    with pytest.raises(OSError):
        await rig.client()
    closing = asyncio.create_task(rig.server.close_all_connections())
    rig.go.set()
    answer = await slow.answer()
    assert (answer.body, answer.headers["Connection"]) == (b"slow", "close")
    assert await slow.rest() == b""
    await closing


async def test_a_server_that_stops_does_not_wait_for_ever(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "GRACE", 0.1)
    slow = await rig.client(HEAD.replace(b"/echo", b"/slow") + b"\r\n")
    half = await rig.client(HEAD)
    await until(lambda: rig.running == 1, "the request is being answered")
    await rig.stop()
    assert rig.watched.closed == 2
    assert rig.closed == 1
    for client in (slow, half):
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await client.answer()
    rig.go.set()
    await until(lambda: rig.running == 0, "the handler has ended")
