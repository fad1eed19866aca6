"""Reads requests with llhttp, never past the end of one, and refuses what two parties could read differently."""

import re
from functools import lru_cache

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from tornado.httputil import HTTPHeaders, RequestStartLine

from leflux.http1.refusal import Refused

_LENGTH_DIGITS = 20
_BLANK = b"\r\n\r\n"
_SPACE = " \t"
_HOST = re.compile(r"[A-Za-z0-9\-._~!$&'()*+;=%\[\]:]*")
_VERSIONS = {"1.0": "HTTP/1.0", "1.1": "HTTP/1.1"}
# What is sent around each byte of a body in chunks of one byte, and a little more.
_CHUNK_OVERHEAD = 8


@lru_cache(1024)
def _name(raw: bytes) -> str:
    return "-".join(word.capitalize() for word in raw.decode("ascii").split("-"))


@lru_cache(256)
def _is_host(text: str) -> bool:
    return _HOST.fullmatch(text) is not None


class Reader:
    """One request after the other, a piece at a time.

    After `feed`: `has_head` when the head is whole, `body` with what came of the body, `is_complete` at its end.
    """

    __slots__ = (
        "_head_bytes",
        "_head_limit",
        "_left",
        "_overhead",
        "_pairs",
        "_parser",
        "_pieces",
        "_received",
        "_url",
        "body_limit",
        "expects_continue",
        "has_head",
        "is_complete",
        "keeps_alive",
    )

    def __init__(self, head_limit: int, body_limit: int) -> None:
        self._parser = HttpRequestParser(self)
        self._head_limit = head_limit
        self.next(body_limit)

    def next(self, body_limit: int) -> None:
        """Ready for another request, whose body has at most so many bytes."""
        self._url = b""
        self._pairs: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._left: int | None = None
        self._head_bytes = self._received = self._overhead = 0
        self.body_limit = body_limit
        self.has_head = self.is_complete = self.expects_continue = self.keeps_alive = False

    # What the parser calls.

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # Behind the head it is a trailer, which nobody asked for.
        if not self.has_head:
            self._pairs.append((name, value))

    def on_headers_complete(self) -> None:
        self.has_head = True
        self.keeps_alive = self._parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        self.is_complete = True

    # What the connection calls.

    def feed(self, data: bytes, start: int) -> int:
        """Parse from `start` up to the end of a head or a message at the farthest; returns where that was.

        Raises `Refused`.
        """
        end, had_head = self._end(data, start), self.has_head
        if not had_head:
            # One byte more than may be is enough to know.
            end = min(end, start + self._head_limit - self._head_bytes + 1)
        self._parse(data if end - start == len(data) else data[start:end])
        if had_head:
            self._count(end - start)
        else:
            self._head_bytes += end - start
            if self._head_bytes > self._head_limit:
                raise Refused("The head of the request is too large.", 431)
        return end

    def _parse(self, piece: bytes) -> None:
        try:
            self._parser.feed_data(piece)
        except HttpParserUpgrade:
            # Also raised for a request that asks for something that nobody gives it; then it is like any other.
            pass
        except HttpParserError as error:
            raise Refused(f"Not a valid HTTP request: {error}.") from None

    def _end(self, data: bytes, start: int) -> int:
        """The parser cannot be stopped. A message ends behind an empty line, or where its length says."""
        if self._left is not None:
            return min(start + self._left, len(data))
        if start < 3 and (line := data.find(b"\n", start, 3)) >= 0:
            # Perhaps the rest of an empty line that was torn.
            return line + 1
        # One cut too many does no harm.
        blank = data.find(_BLANK, max(start - 3, 0))
        return len(data) if blank < 0 else blank + 4

    def _count(self, size: int) -> None:
        if self._left is not None:
            self._left -= size
            return
        body = sum(map(len, self._pieces))
        self._received += body
        self._overhead += size - body
        if self._received > self.body_limit:
            raise _too_large()
        # Of the signs between the chunks and of the trailers nothing is kept, but there must be an end of them.
        if self._overhead > self._head_limit + _CHUNK_OVERHEAD * self._received:
            raise Refused("The chunks of the body carry too little.")

    def head(self) -> tuple[RequestStartLine, HTTPHeaders]:
        """Raises `Refused`."""
        version = _VERSIONS.get(self._parser.get_http_version())
        if version is None:
            raise Refused("Only HTTP/1.1 and HTTP/1.0 are spoken.")
        # Read before the parser may have to be replaced.
        start_line = RequestStartLine(self._parser.get_method().decode("ascii"), self._url.decode("latin-1"), version)
        headers = HTTPHeaders()
        for raw, value in self._pairs:
            name, text = _name(raw), value.decode("latin-1").rstrip(_SPACE)
            if name in headers:
                headers.add(name, text)
            else:
                # The parser has checked them already.
                headers[name] = text
        self._check_host(version, headers)
        self._frame(version, headers)
        return start_line, headers

    def _check_host(self, version: str, headers: HTTPHeaders) -> None:
        hosts = headers.get_list("Host")
        if len(hosts) > 1 or (not hosts and version == "HTTP/1.1"):
            raise Refused("A request has one Host.")
        if hosts and not _is_host(hosts[0]):
            raise Refused("The Host is not a host.")

    def _frame(self, version: str, headers: HTTPHeaders) -> None:
        """How the body ends. The parser has refused a length that is not one, two, and one beside chunks."""
        if "Transfer-Encoding" in headers:
            if version != "HTTP/1.1" or headers["Transfer-Encoding"].lower() != "chunked":
                raise Refused("The only transfer coding is chunked.")
        elif "Content-Length" in headers:
            self._left = _length(headers["Content-Length"])
            if not self._left:
                return
        else:
            return
        self.expects_continue = version == "HTTP/1.1" and headers.get("Expect", "").lower() == "100-continue"
        if self.is_complete:
            self._replace_parser()

    def _replace_parser(self) -> None:
        """llhttp takes a request that asks for an upgrade as one without a body. When nobody upgrades, it has one."""
        framing = b"Transfer-Encoding: chunked" if self._left is None else b"Content-Length: %d" % self._left
        keeps_alive, self._parser = self.keeps_alive, HttpRequestParser(self)
        self._parse(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framing)
        self.keeps_alive, self.is_complete = keeps_alive, False

    def check_length(self) -> None:
        """Raises `Refused` when the body that is announced is too large."""
        if self._left is not None and self._left > self.body_limit:
            raise _too_large()

    def take(self) -> bytes:
        """What came of the body since the last time."""
        pieces, self._pieces = self._pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _length(text: str) -> int:
    if len(text) > _LENGTH_DIGITS:
        raise Refused("The Content-Length has too many digits.")
    return int(text)


def _too_large() -> Refused:
    return Refused("The body of the request is too large.", 413, "payload_too_large")
