"""Answers: framed as HTTP wants them, no faster than the client reads, and never into another's."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import LogCapture
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPOutputError,
    HTTPServerConnectionDelegate,
    ResponseStartLine,
)
from tornado.iostream import StreamClosedError

from leflux.http1 import Exchange
from leflux.http1.exchange import ResponseWriter
from tests.server.conftest import until
from tests.server.http1.conftest import HEAD, OpenRig, Rig, still

OK = ResponseStartLine("", 200, "OK")
STREAM = HEAD.replace(b"/echo", b"/stream/%d")


class Scripted(HTTPServerConnectionDelegate):
    """Answers each request by a function."""

    def __init__(self, answer: Callable[[Exchange], Any]) -> None:
        self._answer = answer

    def start_request(self, server_conn: object, request_conn: Any) -> HTTPMessageDelegate:
        return _Once(self._answer, request_conn)


class _Once(HTTPMessageDelegate):
    def __init__(self, answer: Callable[[Exchange], Any], exchange: Exchange) -> None:
        self._answer = answer
        self._exchange = exchange

    def finish(self) -> None:
        self._answer(self._exchange)


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_has_none(rig: Rig, status: int) -> None:
    client = await rig.client(HEAD.replace(b"/echo", b"/echo/%d" % status) + b"\r\n", HEAD + b"\r\n")
    answer = await client.answer(bodiless=True)
    assert answer.status == status
    assert "Transfer-Encoding" not in answer.headers
    assert (await client.answer()).status == 200


async def test_the_answer_to_head_has_the_length_but_no_body(rig: Rig) -> None:
    client = await rig.client(HEAD.replace(b"GET", b"HEAD") + b"\r\n", HEAD + b"\r\n")
    answer = await client.answer(bodiless=True)
    assert int(answer.headers["Content-Length"]) > 10
    assert (await client.answer()).status == 200


@pytest.mark.parametrize("code", [204, 304, 200])
async def test_a_body_that_may_not_be_is_left_out(open_rig: OpenRig, code: int) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.write_headers(ResponseStartLine("", code, "Fine"), HTTPHeaders(), b"body")
        exchange.write(b"more")
        exchange.finish()

    rig = await open_rig(Scripted(answer))
    method = b"HEAD" if code == 200 else b"GET"
    client = await rig.client(HEAD.replace(b"GET", method) + b"\r\n", HEAD + b"Connection: close\r\n\r\n")
    assert (await client.answer(bodiless=True)).status == code
    assert (await client.answer(bodiless=code != 200)).status == code
    assert await client.rest() == b""


async def test_an_answer_of_unknown_length_is_chunked_or_ends_with_the_connection(rig: Rig) -> None:
    answer = await rig.ask(STREAM % 3 + b"\r\n")
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.body == b"x" * 3 * 65_536
    old = await rig.ask(STREAM.replace(b"1.1", b"1.0") % 3 + b"Connection: keep-alive\r\n\r\n")
    assert old.headers["Connection"] == "close"
    assert old.body == answer.body


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\0b"])
async def test_a_header_cannot_be_injected(open_rig: OpenRig, value: str) -> None:
    raised: list[Exception] = []

    def answer(exchange: Exchange) -> None:
        headers = HTTPHeaders()
        headers["Location"] = value
        try:
            exchange.write_headers(OK, headers, b"body")
        except ValueError as error:
            raised.append(error)
        exchange.write(b"HTTP/1.1 200 OK\r\n\r\n")
        exchange.finish()

    rig = await open_rig(Scripted(answer))
    client = await rig.client(HEAD + b"\r\n")
    assert await client.rest() == b""
    assert len(raised) == 1


async def test_a_reason_cannot_be_injected(open_rig: OpenRig) -> None:
    def answer(exchange: Exchange) -> None:
        with pytest.raises(ValueError):
            exchange.write_headers(ResponseStartLine("", 200, "OK\r\nA: b"), HTTPHeaders())

    rig = await open_rig(Scripted(answer))
    assert await (await rig.client(HEAD + b"\r\n")).rest() == b""


@pytest.mark.parametrize("body", [b"four", b"more than four"])
async def test_an_answer_that_is_not_as_long_as_it_says_is_broken_off(open_rig: OpenRig, body: bytes) -> None:
    raised: list[Exception] = []

    def answer(exchange: Exchange) -> None:
        headers = HTTPHeaders({"Content-Length": "5"})
        try:
            exchange.write_headers(OK, headers)
            exchange.write(body)
            exchange.finish()
        except HTTPOutputError as error:
            raised.append(error)

    rig = await open_rig(Scripted(answer))
    client = await rig.client(HEAD + b"\r\n")
    assert body not in await client.rest() or len(body) < 5
    assert len(raised) == 1


async def test_what_is_written_after_the_answer_reaches_nobody(open_rig: OpenRig) -> None:
    exchanges: list[Exchange] = []

    def answer(exchange: Exchange) -> None:
        for older in exchanges:
            older.write(b"too late")
            older.finish()
            older.close()
        exchanges.append(exchange)
        exchange.write_headers(OK, HTTPHeaders({"Content-Length": "2"}), b"ok")
        exchange.finish()

    rig = await open_rig(Scripted(answer))
    client = await rig.client(HEAD + b"\r\n", HEAD + b"\r\n", HEAD + b"\r\n")
    assert [(await client.answer()).body for _ in range(3)] == [b"ok"] * 3
    with pytest.raises(StreamClosedError):
        await exchanges[0].write(b"x")


async def test_head_and_body_are_one_write(open_rig: OpenRig, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[bytes] = []
    write = ResponseWriter.write

    def counted(self: ResponseWriter, data: bytes) -> asyncio.Future[None]:
        writes.append(data)
        return write(self, data)

    monkeypatch.setattr(ResponseWriter, "write", counted)
    rig = await open_rig()
    answer = await rig.ask(HEAD + b"\r\n")
    assert len(writes) == 1
    assert writes[0].endswith(answer.body)


def slow_reader(rig: Rig, request: bytes) -> socket.socket:
    """A connection that asks and then takes nothing."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    reader.connect(("127.0.0.1", rig.port))
    reader.sendall(request)
    reader.setblocking(False)
    return reader


async def test_a_handler_waits_for_a_client_that_reads_slowly(rig: Rig) -> None:
    with slow_reader(rig, STREAM % 300 + b"Connection: close\r\n\r\n") as reader:
        await until(lambda: rig.sent > 0, "the answer has begun")
        stuck = await still(lambda: rig.sent)
        assert stuck < 200  # what the kernel takes
        [connection] = rig.server._registry.connections
        assert connection._transport.get_write_buffer_size() < 300_000  # type: ignore[attr-defined]
        loop, got = asyncio.get_running_loop(), 0
        while data := await asyncio.wait_for(loop.sock_recv(reader, 1_000_000), 20):
            got += len(data)
        assert got > 300 * 65_536
    await until(lambda: rig.running == 0, "the handler has ended")


async def test_a_handler_that_waits_for_a_client_is_told_that_it_is_gone(rig: Rig) -> None:
    with slow_reader(rig, STREAM % 1_000 + b"\r\n"):
        await until(lambda: rig.sent > 0, "the answer has begun")
        await still(lambda: rig.sent)
    await until(lambda: rig.running == 0, "the handler has ended")
    assert rig.sent < 1_000


async def test_a_client_that_never_reads_is_dropped(open_rig: OpenRig) -> None:
    rig = await open_rig(idle_seconds=0.4)
    with slow_reader(rig, STREAM % 1_000 + b"\r\n"):
        await until(lambda: rig.sent > 0, "the answer has begun")
        await until(lambda: rig.running == 0, "the handler has ended")
        await until(lambda: rig.watched.closed == 1, "the connection is closed")


async def test_a_client_that_pipelines_and_never_reads_is_not_answered_on(rig: Rig) -> None:
    with slow_reader(rig, b"".join([STREAM % 20 + b"\r\n"] * 200)):
        await until(lambda: rig.sent > 0, "the first is being answered")
        assert await still(lambda: rig.sent) < 200
        assert len(rig.watched.ends) < 20


async def test_a_client_that_vanishes_is_told_of_once(rig: Rig) -> None:
    client = await rig.client(HEAD.replace(b"/echo", b"/slow") + b"\r\n")
    await until(lambda: rig.running == 1, "the request is being answered")
    client.reset()
    await until(lambda: rig.closed == 1, "the handler is told")
    rig.go.set()
    await until(lambda: rig.running == 0, "the handler has ended")
    assert rig.closed == 1
    assert rig.watched.ends == [["finish"]]
    assert rig.watched.closed == 1


async def test_a_client_that_vanishes_amid_its_body_is_told_of_once(rig: Rig) -> None:
    for is_polite in (False, True):
        rig.watched.ends.clear()
        client = await rig.client(b"POST /capped HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
        await until(lambda: len(rig.watched.ends) == 1, "the head has come")
        if is_polite:
            client.writer.write_eof()
        else:
            client.reset()
        await until(lambda: rig.watched.ends == [["closed"]], "the delegate is told")


async def test_a_delegate_that_fails_costs_the_connection_and_no_more(open_rig: OpenRig, logged: LogCapture) -> None:
    def answer(exchange: Exchange) -> None:
        raise RuntimeError("broken")

    rig = await open_rig(Scripted(answer))
    for _ in range(2):
        assert await (await rig.client(HEAD + b"\r\n")).rest() == b""
    assert rig.watched.ends == [["finish", "closed"]] * 2
    errors = [entry for entry in logged.entries if entry["log_level"] == "error"]
    assert len(errors) == 2
    logged.entries.clear()


async def test_an_answer_that_overtakes_its_request_arrives(open_rig: OpenRig) -> None:
    class Early(HTTPServerConnectionDelegate, HTTPMessageDelegate):
        def start_request(self, server_conn: object, request_conn: Any) -> HTTPMessageDelegate:
            self.exchange: Exchange = request_conn
            return self

        def headers_received(self, start_line: Any, headers: HTTPHeaders) -> None:
            self.exchange.write_headers(OK, HTTPHeaders({"Content-Length": "5"}), b"early")
            self.exchange.finish()

    rig = await open_rig(Early())
    client = await rig.client(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n")
    client.send(b"x" * 1_999_999)
    answer = await client.answer()
    assert (answer.body, answer.headers["Connection"]) == (b"early", "close")
    assert await client.rest() == b""
    assert rig.watched.ends == [["closed"]]
