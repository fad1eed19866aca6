"""A request that two parties could read differently is refused, clearly, and the connection is closed."""

import json

import pytest

from tests.server.http1.conftest import HEAD, Rig

POST = b"POST /echo HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

HEADS = {
    "a line that is no request": b"hello\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP 0.9": b"GET /\r\n\r\n",
    "HTTP 2": b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
    "the preface of HTTP 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an unknown version": b"GET / HTTP/1.2\r\nHost: x\r\n\r\n",
    "a method in small letters": b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "a control sign in the target": b"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space after the version": b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: x\n\n",
    "one bare line feed": b"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n",
    "a bare carriage return": HEAD + b"A: b\rC: d\r\n\r\n",
    "a folded line": HEAD + b"A: b\r\n c\r\n\r\n",
    "a space before the colon": HEAD + b"A : b\r\n\r\n",
    "no colon": HEAD + b"A\r\n\r\n",
    "no name": HEAD + b": b\r\n\r\n",
    "a name beyond ASCII": HEAD + b"\xc3\xa4: b\r\n\r\n",
    "a NUL in a name": HEAD + b"A\x00: b\r\n\r\n",
    "a NUL in a value": HEAD + b"A: b\x00\r\n\r\n",
    "a control sign in a value": HEAD + b"A: b\x7f\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": HEAD + b"Host: x\r\n\r\n",
    "two Hosts in a line": b"GET / HTTP/1.1\r\nHost: x, y\r\n\r\n",
    "a Host with a path": b"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n",
    "two Hosts in HTTP 1.0": b"GET / HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n",
    "a broken query": b"GET /?" + b"&".join([b"a=1"] * 2_000) + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "the same length twice": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "two lengths in a line": POST + b"Content-Length: 5, 5\r\n\r\nhello",
    "a signed length": POST + b"Content-Length: +5\r\n\r\nhello",
    "a negative length": POST + b"Content-Length: -5\r\n\r\nhello",
    "a hexadecimal length": POST + b"Content-Length: 0x5\r\n\r\nhello",
    "an empty length": POST + b"Content-Length:\r\n\r\nhello",
    "a length beyond 64 bits": POST + b"Content-Length: 99999999999999999999999\r\n\r\nhello",
    "a length of 5,000 digits": POST + b"Content-Length: " + b"0" * 5_000 + b"5\r\n\r\nhello",
    "another transfer coding": POST + b"Transfer-Encoding: gzip\r\n\r\n",
    "a second transfer coding": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a coding after the chunks": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a disguised chunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks in HTTP 1.0": POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk size that is none": CHUNKED + b"x\r\n",
    "a negative chunk size": CHUNKED + b"-5\r\nhello\r\n",
    "a prefixed chunk size": CHUNKED + b"0x5\r\nhello\r\n",
    "a space after the chunk size": CHUNKED + b"5 \r\nhello\r\n",
    "a chunk size beyond 64 bits": CHUNKED + b"fffffffffffffffff\r\n",
    "a bare line feed after the chunk size": CHUNKED + b"5\nhello\r\n",
    "a bare line feed after the chunk": CHUNKED + b"5\r\nhello\n0\r\n\r\n",
    "a chunk longer than its size": CHUNKED + b"5\r\nhello!\r\n0\r\n\r\n",
    "a bare line feed at the end": CHUNKED + b"5\r\nhello\r\n0\r\n\n",
    "a broken trailer": CHUNKED + b"0\r\nA : b\r\n\r\n",
}


@pytest.mark.parametrize("data", HEADS.values(), ids=HEADS.keys())
async def test_a_malformed_request_is_refused_and_what_follows_is_not_read(rig: Rig, data: bytes) -> None:
    client = await rig.client(data + HEAD + b"\r\n")
    answer = await client.answer()
    assert answer.status == 400
    assert answer.headers["Connection"] == "close"
    assert json.loads(answer.body)["error"] == "invalid_request"
    assert json.loads(answer.body)["message"]
    assert await client.rest() == b""
    assert "finish" not in [end for ends in rig.watched.ends for end in ends]
    assert (await rig.ask(HEAD + b"\r\n")).status == 200


@pytest.mark.parametrize("data", HEADS.values(), ids=HEADS.keys())
async def test_a_malformed_request_is_refused_byte_by_byte(rig: Rig, data: bytes) -> None:
    client = await rig.client()
    for at in range(0, len(data), 1 if len(data) < 300 else 500):
        client.send(data[at : at + (1 if len(data) < 300 else 500)])
        await client.writer.drain()
    assert (await client.answer()).status == 400
    assert await client.rest() == b""


async def test_a_request_in_absolute_form_and_one_without_a_path_are_answered(rig: Rig) -> None:
    assert (await rig.ask(b"GET http://x/echo HTTP/1.1\r\nHost: x\r\n\r\n")).status == 200
    assert (await rig.ask(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")).status == 200
    assert (await rig.ask(b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n")).status == 200


async def test_a_host_may_be_an_address_or_be_left_out_in_http_1_0(rig: Rig) -> None:
    assert (await rig.ask(b"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n")).status == 200
    assert (await rig.ask(b"GET / HTTP/1.0\r\n\r\n")).status == 200
