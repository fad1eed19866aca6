"""Reads requests with llhttp, never past the end of one, and refuses requests that a proxy could read differently."""

import re
from functools import lru_cache

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from tornado.httputil import HTTPHeaders, RequestStartLine

from leflux.http1.rejection import RequestRejected

_LENGTH_DIGITS = 20
_BLANK = b"\r\n\r\n"
_SPACE = " \t"
_HOST = re.compile(r"[A-Za-z0-9\-._~!$&'()*+;=%\[\]:]*")
_ABSOLUTE = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_VERSIONS = {"1.0": "HTTP/1.0", "1.1": "HTTP/1.1"}
# Bytes allowed around each byte of the body: a little more than chunks of one byte need.
_CHUNK_OVERHEAD = 8


@lru_cache(1024)
def _name(raw: bytes) -> str:
    return "-".join(word.capitalize() for word in raw.decode("ascii").split("-"))


@lru_cache(256)
def _is_host(text: str) -> bool:
    return _HOST.fullmatch(text) is not None


class RequestReader:
    """One request after the other, a piece at a time.

    After `feed`: `has_head` when the head is whole, `body` with what came of the body, `is_complete` at its end.
    """

    __slots__ = (
        "_body_limit",
        "_head_bytes",
        "_head_limit",
        "_left",
        "_overhead",
        "_pairs",
        "_parser",
        "_pieces",
        "_received",
        "_url",
        "expects_continue",
        "has_head",
        "is_complete",
        "keeps_alive",
    )

    def __init__(self, head_limit: int, body_limit: int) -> None:
        self._parser = HttpRequestParser(self)
        self._head_limit = head_limit
        self._body_limit = body_limit
        self.next()

    def next(self) -> None:
        """Get ready for another request."""
        self._url = b""
        self._pairs: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._left: int | None = None
        self._head_bytes = self._received = self._overhead = 0
        self.has_head = self.is_complete = self.expects_continue = self.keeps_alive = False

    # What the parser calls.

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # After the head it is a trailer, which is ignored.
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

        Raises `RequestRejected`.
        """
        end, had_head = self._end(data, start), self.has_head
        if not had_head:
            # One byte over the limit is enough to refuse.
            end = min(end, start + self._head_limit - self._head_bytes + 1)
        self._parse(data if end - start == len(data) else data[start:end])
        if had_head:
            self._count(end - start)
        else:
            self._head_bytes += end - start
            if self._head_bytes > self._head_limit:
                raise RequestRejected("The head of the request is too large.", 431)
        return end

    def _parse(self, piece: bytes) -> None:
        try:
            self._parser.feed_data(piece)
        except HttpParserUpgrade:
            # Also raised for an upgrade that no handler accepts. The request is then handled as an ordinary one.
            pass
        except HttpParserError as error:
            raise RequestRejected(f"Not a valid HTTP request: {error}.") from None

    def _end(self, data: bytes, start: int) -> int:
        """The parser cannot be stopped. A message ends behind an empty line, or where its length says."""
        if self._left is not None:
            return min(start + self._left, len(data))
        if start < 3 and (line := data.find(b"\n", start, 3)) >= 0:
            # It may be the rest of an empty line.
            return line + 1
        # A chunk that ends too early does no harm.
        blank = data.find(_BLANK, max(start - 3, 0))
        return len(data) if blank < 0 else blank + 4

    def _count(self, size: int) -> None:
        if self._left is not None:
            self._left -= size
            return
        body = sum(map(len, self._pieces))
        self._received += body
        self._overhead += size - body
        if self._received > self._body_limit:
            raise _too_large()
        # Chunk headers and trailers are not kept, but their number is limited.
        if self._overhead > self._head_limit + _CHUNK_OVERHEAD * self._received:
            raise RequestRejected("The chunks of the body carry too little.")

    def head(self) -> tuple[RequestStartLine, HTTPHeaders]:
        """Raises `RequestRejected`."""
        version = _VERSIONS.get(self._parser.get_http_version())
        if version is None:
            raise RequestRejected("Only HTTP/1.1 and HTTP/1.0 are spoken.")
        # Read before the parser may have to be replaced.
        start_line = RequestStartLine(self._parser.get_method().decode("ascii"), self._url.decode("latin-1"), version)
        headers = HTTPHeaders()
        for raw, value in self._pairs:
            name, text = _name(raw), value.decode("latin-1").rstrip(_SPACE)
            if name in headers:
                headers.add(name, text)
            else:
                # The parser has checked name and value already.
                headers[name] = text
        if _ABSOLUTE.match(start_line.path):
            start_line = _origin_form(start_line, headers)
        if "%00" in start_line.path.partition("?")[0]:
            raise RequestRejected("There is nothing here.", 404, "not_found")
        self._check_host(version, headers)
        self._frame(version, headers)
        return start_line, headers

    def _check_host(self, version: str, headers: HTTPHeaders) -> None:
        hosts = headers.get_list("Host")
        if len(hosts) > 1 or (not hosts and version == "HTTP/1.1"):
            raise RequestRejected("A request has one Host.")
        if hosts and not _is_host(hosts[0]):
            raise RequestRejected("The Host is not a host.")

    def _frame(self, version: str, headers: HTTPHeaders) -> None:
        """Find how the body ends. The parser has refused an invalid length, two of them, and a length beside chunks."""
        if "Transfer-Encoding" in headers:
            if version != "HTTP/1.1" or headers["Transfer-Encoding"].lower() != "chunked":
                raise RequestRejected("The only transfer coding is chunked.")
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
        """llhttp reads no body after a request for an upgrade. Read the body when the upgrade is not accepted."""
        framing = b"Transfer-Encoding: chunked" if self._left is None else b"Content-Length: %d" % self._left
        keeps_alive, self._parser = self.keeps_alive, HttpRequestParser(self)
        self._parse(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framing)
        self.keeps_alive, self.is_complete = keeps_alive, False

    def check_length(self) -> None:
        """Raises `RequestRejected` when the body that is announced is too large."""
        if self._left is not None and self._left > self._body_limit:
            raise _too_large()

    def take(self) -> bytes:
        """The part of the body that was read since the last call."""
        pieces, self._pieces = self._pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _origin_form(start_line: RequestStartLine, headers: HTTPHeaders) -> RequestStartLine:
    """The request line of a client that talks as if to a proxy: the target names the host (RFC 9112, 3.2.2)."""
    match = _ABSOLUTE.match(start_line.path)
    assert match is not None
    if len(headers.get_list("Host")) == 1:
        headers["Host"] = match[1]
    path = start_line.path[match.end() :]
    return start_line._replace(path=path if path.startswith("/") else f"/{path}")


def below(start_line: RequestStartLine, base_path: str) -> RequestStartLine:
    """The request line without `base_path`. Raises `RequestRejected` for a path that is not below it."""
    path = start_line.path.partition("?")[0]
    if path != base_path and not path.startswith(f"{base_path}/"):
        raise RequestRejected("There is nothing at this address.", 404, "not_found")
    rest = start_line.path.removeprefix(base_path)
    return start_line._replace(path=rest if rest.startswith("/") else f"/{rest}")


def _length(text: str) -> int:
    if len(text) > _LENGTH_DIGITS:
        raise RequestRejected("The Content-Length has too many digits.")
    return int(text)


def _too_large() -> RequestRejected:
    return RequestRejected("The body of the request is too large.", 413, "payload_too_large")
