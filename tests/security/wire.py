"""Clients that send exactly the bytes they are told, one address each."""

import json
import socket
from collections.abc import Iterator, Sequence
from http.client import HTTPResponse
from typing import Any

from msgspec import Struct

from bench.frames import Frames, frame

PATIENCE = 25.0
CLOSE = 0x8
TEXT = 0x1
ORIGIN = "http://shop.test"
UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"


class Reply(Struct, frozen=True):
    """An HTTP answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """The error code of the body, if it has one."""
        try:
            answer = self.json()
        except ValueError:
            return None
        return answer.get("error") if isinstance(answer, dict) else None


def request(
    method: str,
    path: str,
    *headers: str,
    body: bytes = b"",
    origin: str | None = ORIGIN,
    host: str | None = "shop.test",
) -> bytes:
    """The bytes of a request. A body is JSON of its length, unless `headers` say otherwise."""
    named = {line.partition(":")[0].lower() for line in headers}
    lines = [f"{method} {path} HTTP/1.1"]
    if host is not None:
        lines.append(f"Host: {host}")
    if origin is not None:
        lines.append(f"Origin: {origin}")
    if body and "content-type" not in named:
        lines.append("Content-Type: application/json")
    if (body or method in ("POST", "PUT")) and not named & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1") + body


def connect(port: int, address: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), PATIENCE, source_address=(address, 0))


def ask(port: int, raw: bytes, address: str) -> Reply:
    """Send a request and read its answer."""
    with connect(port, address) as client:
        client.sendall(raw)
        return reply_of(client, raw.split(b" ", 1)[0].decode("latin-1"))


def reply_of(client: socket.socket, method: str = "GET") -> Reply:
    response = HTTPResponse(client, method=method)
    response.begin()
    return Reply(response.status, response.getheaders(), response.read())


class RawSocket:
    """A WebSocket that says anything. `connected`: the default namespace has been joined."""

    def __init__(self, port: int, address: str, *headers: str, path: str = WEBSOCKET, origin: str = ORIGIN) -> None:
        self._client = connect(port, address)
        self._client.sendall(request("GET", path, *UPGRADE, *headers, origin=origin))
        self.reply = self._head()
        self._frames = Frames()
        self._waiting: list[tuple[int, bytes]] = []

    def __enter__(self) -> "RawSocket":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _head(self) -> Reply:
        read = b""
        while not read.endswith(b"\r\n\r\n"):
            if not (more := self._client.recv(1)):
                break
            read += more
        lines = read.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = [(line.partition(":")[0], line.partition(":")[2].strip()) for line in lines[1:] if line]
        return Reply(status, headers, b"")

    def send(self, *raw: bytes) -> None:
        self._client.sendall(b"".join(raw))

    def text(self, *packets: str) -> None:
        self.send(*(frame(packet.encode()) for packet in packets))

    def connect(self, auth: str = "") -> "RawSocket":
        """Join the default namespace."""
        self.text("40" + auth)
        self.until("40")
        return self

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """What the server sends, until it closes."""
        while True:
            while self._waiting:
                yield self._waiting.pop(0)
            try:
                data = self._client.recv(65_536)
            except ConnectionError:
                return
            if not data:
                return
            self._waiting += self._frames.feed(data)

    def until(self, start: str) -> str:
        """The next packet that begins with `start`."""
        for opcode, payload in self.frames():
            if opcode == TEXT and payload.decode().startswith(start):
                return payload.decode()
            if opcode == CLOSE:
                raise AssertionError(f"closed with {payload!r} before {start!r}")
        raise AssertionError(f"hung up before {start!r}")

    def ask(self, event: str, *payload: Any, number: int = 7) -> Any:
        """Emit an event and return its acknowledgement."""
        self.text(f"42{number}" + json.dumps([event, *payload]))
        answer = self.until(f"43{number}[")
        return json.loads(answer[len(f"43{number}") :])[0]

    def closing(self) -> int | None:
        """The code with which the server closes; None when it only hangs up."""
        for opcode, payload in self.frames():
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big")
        return None


def fragment(payload: bytes, opcode: int) -> bytes:
    """A masked frame that is not the last of its message."""
    whole = frame(payload, opcode)
    return bytes((whole[0] & 0x7F,)) + whole[1:]


def error_of(packets: Sequence[str]) -> list[str]:
    """The error codes that `error` events carry."""
    return [json.loads(packet[2:])[1]["error"] for packet in packets if packet.startswith('42["error"')]
