"""The opening handshake of a WebSocket (RFC 6455, 4.2)."""

import re
from base64 import b64decode
from itertools import islice

from tornado.httputil import HTTPHeaders
from websockets.utils import accept_key

from leflux.realtime.engine.server import Refusal, refuse

_HINTS = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
_KEY_CHARS = 24
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ANSWER = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: {}\r\n{}\r\n"
)


def accept(version: str, headers: HTTPHeaders) -> bytes:
    """The answer to a valid upgrade request. Raises `Refusal`."""
    if version != "HTTP/1.1" or "websocket" not in _tokens(headers, "Upgrade"):
        raise _refused(426, "A WebSocket needs an upgrade request.")
    if "upgrade" not in _tokens(headers, "Connection") or headers.get("Sec-WebSocket-Version") != "13":
        raise _refused(426, "A WebSocket needs Connection: Upgrade and Sec-WebSocket-Version: 13.")
    if not _is_key(headers.get("Sec-WebSocket-Key", "")):
        raise _refused(400, "The Sec-WebSocket-Key is not valid.")
    if headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers:
        raise _refused(400, "An upgrade request has no body.")
    # Clients fail when none of the subprotocols that they offer is chosen; ours has no name.
    offered = filter(_TOKEN.fullmatch, map(str.strip, headers.get("Sec-WebSocket-Protocol", "").split(",")))
    chosen = "".join(f"Sec-WebSocket-Protocol: {name}\r\n" for name in islice(offered, 1))
    return _ANSWER.format(accept_key(headers["Sec-WebSocket-Key"]), chosen).encode("latin-1")


def _refused(status: int, message: str) -> Refusal:
    return refuse(status, "invalid_request", message, _HINTS)


def _tokens(headers: HTTPHeaders, name: str) -> list[str]:
    return [token.strip().lower() for token in headers.get(name, "").split(",")]


def _is_key(text: str) -> bool:
    """Whether it is the base64 of 16 bytes."""
    try:
        return len(text) == _KEY_CHARS and len(b64decode(text, validate=True)) == 16
    except ValueError:
        return False
