"""Harnesses for what comes over a connection: requests, frames, packets. `CORPUS` keeps inputs that were once wrong."""

from contextlib import suppress
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st
from tornado.httputil import HTTPInputError

from bench.frames import frame
from leflux.http1.reader import RequestReader
from leflux.http1.rejection import RequestRejected
from leflux.protocol import Problem
from leflux.realtime.engine.wire import FrameError, FrameReader, check_close, parse, refusal

HEAD_LIMIT, BODY_LIMIT, FRAME_LIMIT = 2_000, 1_000, 1_000
Torn = tuple[bytes, list[int]]
"""Bytes, and where they are torn."""

_line = st.sampled_from([
    b"GET / HTTP/1.1", b"POST /api/chat HTTP/1.1", b"GET http://x/ HTTP/1.0", b"OPTIONS * HTTP/1.1", b"PRI * HTTP/2.0",
    b"Host: shop.test", b"Host: a\x00b", b"Content-Length: 5", b"Content-Length: 05", b"Content-Length: +5",
    b"Content-Length: 5, 5", b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding : chunked", b"Connection: close", b"Expect: 100-continue", b" folded", b"X: " + b"y" * 500,
    b"5", b"hello", b"0", b"ffffffffffffffffff", b"5;ext=\"x\"", b"",
])  # fmt: skip
_request = st.lists(st.tuples(_line, st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"])), max_size=12).map(
    lambda lines: b"".join(line + end for line, end in lines) + b"\r\n\r\n"
)
_cuts = st.lists(st.integers(0, 400), max_size=6)


def _pieces(torn: Torn) -> list[bytes]:
    data, cuts = torn
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    return [data[one:other] for one, other in pairwise(places)]


REQUESTS: st.SearchStrategy[Torn] = st.tuples(
    st.one_of(_request, st.lists(_request, max_size=3).map(b"".join), st.binary(max_size=300)), _cuts
)
REQUEST_CORPUS: list[Torn] = [
    (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", []),
    (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: x\r\n\r\n", [3, 60]),
    (b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", []),
    (b"\r\n" * 200, [1, 2, 3]),
]


def check_requests(torn: Torn) -> None:
    """A request is the same wherever it is torn, nothing else than a rejection is raised, and the limits hold."""
    whole = _read([torn[0]])
    assert _read(_pieces(torn)) == whole
    for found in whole:
        assert found == "rejected" or sum(map(len, found[1])) <= BODY_LIMIT


def _read(pieces: list[bytes]) -> list[Any]:
    found: list[Any] = []
    reader = RequestReader(HEAD_LIMIT, BODY_LIMIT)
    body: list[bytes] = []
    head: Any = None
    try:
        for piece in pieces:
            at = 0
            while at < len(piece):
                at = reader.feed(piece, at)
                if reader.has_head and head is None:
                    line, headers = reader.head()
                    head = (line, sorted(headers.get_all()))
                    reader.check_length()
                body.append(reader.take())
                if reader.is_complete:
                    found.append((head, [b"".join(body)]))
                    head, body = None, []
                    reader.next()
    except (RequestRejected, HTTPInputError):
        found.append("rejected")
    return found


_frame = st.builds(
    lambda payload, opcode, first: bytes((first(frame(payload, opcode)[0]),)) + frame(payload, opcode)[1:],
    st.binary(max_size=200),
    st.integers(0, 15),
    st.sampled_from([lambda one: one, lambda one: one & 0x7F, lambda one: one | 0x40]),
)
FRAMES: st.SearchStrategy[Torn] = st.tuples(
    st.one_of(st.lists(_frame, max_size=6).map(b"".join), st.binary(max_size=100)), _cuts
)
FRAME_CORPUS: list[Torn] = [
    (b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", [1, 2, 9]),
    (b"\x88\x80\0\0\0\0\x88", [6]),
    (b"\x01\x80\0\0\0\0" * 3, [1]),
]


def check_frames(torn: Torn) -> None:
    """Frames are the same wherever they are torn; nothing else than a `FrameError` is raised."""
    whole = _cut([torn[0]])
    assert _cut(_pieces(torn)) == whole
    for found in whole:
        if isinstance(found, tuple):
            assert len(found[2]) <= FRAME_LIMIT
            with suppress(FrameError):
                check_close(found[2])


def _cut(pieces: list[bytes]) -> list[Any]:
    found: list[Any] = []
    reader = FrameReader(FRAME_LIMIT)
    try:
        for piece in pieces:
            reader.feed(piece)
            while (one := reader.next()) is not None:
                found.append((one.opcode, one.is_final, one.payload))
    except FrameError as error:
        found.append(error.code)
    return found


_packet_part = st.sampled_from(
    ["0", "1", "2", "3", "4", "5", "6", "51-", "/dashboard,", "/x", ",", "12", "9" * 16, '["x"]', '["x",', "[", "{",
     "}", "]", '"', "\\ud800", "\\u0000", "1e999", "NaN", "null", '{"token":1}', '["connect"]', "\ud800", "\x1e", "٣"]
)  # fmt: skip
PACKETS = st.one_of(st.lists(_packet_part, max_size=8).map("".join), st.text(max_size=80))
PACKET_CORPUS = [
    '2/' + "a" * 5_000, "2" + "[" * 5_000, '2["x"]garbage', "٣", "5" * 50, '0{"a":', "2\ud800",
    '2["' + "\\ud83d" * 50 + '"]',
]  # fmt: skip


def check_packets(text: str) -> None:
    """Every text is a packet or a problem, and every problem can be answered."""
    try:
        packet = parse(text)
    except Problem as problem:
        refusal(text, problem).encode("utf-8", "surrogatepass")
    else:
        assert 0 <= packet.packet_type <= 3
