"""What travels on a socket: WebSocket frames (RFC 6455, no extensions) and Socket.IO packets."""

import re
from typing import Any

import msgspec
from msgspec import Struct
from websockets.exceptions import ProtocolError
from websockets.frames import Close

from leflux.protocol import ERROR, Problem
from leflux.protocol.surrogates import replace_lone_surrogates

try:
    from websockets.speedups import apply_mask
except ImportError:  # pragma: no cover - a platform for which there is no wheel
    from websockets.utils import apply_mask


CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FINAL = 0x80
MAX_FRAGMENTS = 1_024
"""Fragments of one message."""
_MASKED = 0x80
_LONG, _VERY_LONG = 126, 127
# Control frames are never fragmented, and no reserved bit or opcode is in use.
_FIRST_BYTES = frozenset(
    [FINAL | opcode for opcode in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG)] + [CONTINUATION, TEXT, BINARY]
)


class FrameError(Exception):
    """A client broke the framing; the close code and the reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Frame(Struct, frozen=True, gc=False):
    opcode: int
    is_final: bool
    payload: bytes


class FrameReader:
    """Splits a byte stream into frames. Keeps at most one incomplete frame of at most `limit` bytes of payload.

    After a `FrameError` the position in the stream is lost: the reader is not used again.
    """

    __slots__ = ("_at", "_data", "_limit")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data: bytes | bytearray = b""
        self._at = 0

    def feed(self, data: bytes) -> None:
        if self._at == len(self._data):
            self._data = data
        else:
            # A bytearray grows without a copy for each byte of a client that sends byte by byte.
            if not isinstance(self._data, bytearray):
                self._data = bytearray(self._data)
            del self._data[: self._at]
            self._data += data
        self._at = 0

    def next(self) -> Frame | None:
        """The next complete frame, or None. Raises `FrameError`."""
        data, at = self._data, self._at
        have = len(data) - at
        if have < 2:
            return None
        first, length, begin = data[at], data[at + 1] & 0x7F, at + 6
        if first not in _FIRST_BYTES or not data[at + 1] & _MASKED or (first & CLOSE and length >= _LONG):
            raise FrameError(1002, "invalid frame")
        if length >= _LONG:
            size = 2 if length == _LONG else 8
            if have < 2 + size:
                return None
            length = int.from_bytes(data[at + 2 : at + 2 + size], "big")
            begin += size
        if length > self._limit:
            raise FrameError(1009, "frame too large")
        end = begin + length
        if end > len(data):
            return None
        payload = apply_mask(data[begin:end], data[begin - 4 : begin])
        if end == len(data):
            self._data, self._at = b"", 0
        else:
            self._at = end
        return Frame(first & 0x0F, first >= FINAL, payload)


class Fragments:
    """Assembles one fragmented message of at most `limit` bytes."""

    __slots__ = ("_count", "_data", "_limit", "opcode")

    def __init__(self, opcode: int, limit: int) -> None:
        self.opcode = opcode
        self._data = bytearray()
        self._count = 0
        self._limit = limit

    def add(self, frame: Frame) -> bytes | None:
        """The message when `frame` is its last fragment. Raises `FrameError`."""
        self._data += frame.payload
        self._count += 1
        if len(self._data) > self._limit:
            raise FrameError(1009, "message too large")
        if self._count > MAX_FRAGMENTS:
            raise FrameError(1008, "too many fragments")
        return bytes(self._data) if frame.is_final else None


def check_close(payload: bytes) -> None:
    """Raise `FrameError` for a close frame with an invalid code or a reason that is not UTF-8."""
    try:
        Close.parse(payload)
    except UnicodeDecodeError:
        raise FrameError(1007, "not UTF-8") from None
    except ProtocolError:
        raise FrameError(1002, "invalid close code") from None


def close_payload(code: int, reason: str) -> bytes:
    return Close(code, reason).serialize()


def encode_frame(opcode: int, payload: bytes) -> bytes:
    """An unmasked, final frame."""
    length = len(payload)
    first = FINAL | opcode
    if length < _LONG:
        return bytes((first, length)) + payload
    if length < 65_536:
        return bytes((first, _LONG)) + length.to_bytes(2, "big") + payload
    return bytes((first, _VERY_LONG)) + length.to_bytes(8, "big") + payload


CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = range(7)
# Names with a meaning of their own on one side or the other: a client that emits one is forging it.
RESERVED = frozenset({"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"})
_HEAD = re.compile(r"([0-4]|[56](?:[0-9]{1,10}-)?)(?:(/[^,\x00-\x20]{0,255})(?:,|\Z))?([0-9]{1,15}(?![0-9]))?")
_encode = msgspec.json.encode
_decode = msgspec.json.decode


class Packet:
    """What `socketio.AsyncServer` builds. `data` may hold structs and `msgspec.Raw`."""

    __slots__ = ("data", "id", "namespace", "packet_type")

    uses_binary_events = False
    json: Any = None

    def __init__(
        self,
        packet_type: int = EVENT,
        data: Any = None,
        namespace: str | None = None,
        id: int | None = None,  # noqa: A002 - python-socketio's name
    ) -> None:
        self.packet_type = packet_type
        self.data = data
        self.namespace = namespace
        self.id = id

    def encode(self) -> str:
        namespace = "" if self.namespace in (None, "/") else f"{self.namespace},"
        number = "" if self.id is None else self.id
        data = "" if self.data is None else _encode(self.data).decode()
        return f"{self.packet_type}{namespace}{number}{data}"


def parse(text: str) -> Packet:
    """The packet of a client. Raises `bad_packet` and `bad_json`."""
    match = _HEAD.match(text)
    if match is None:
        raise Problem("bad_packet", "Not a Socket.IO packet.")
    packet = _packet(match)
    if packet.packet_type >= BINARY_EVENT:
        raise Problem("bad_packet", "Binary packets are not accepted.")
    body = text[match.end() :]
    if body[:1].isdigit():
        raise Problem("bad_packet", "A packet id has at most 15 digits.")
    packet.data = _json(body) if body else None
    _check(packet)
    return packet


def _packet(match: re.Match[str]) -> Packet:
    return Packet(int(match[1][0]), namespace=match[2], id=int(match[3]) if match[3] else None)


def _json(body: str) -> Any:
    try:
        try:
            return _decode(body)
        except msgspec.DecodeError:
            return _decode(replace_lone_surrogates(body))
    except RecursionError:
        raise Problem("bad_json", "The data of the packet is nested too deeply.") from None
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise Problem("bad_json", f"The data of the packet is not JSON: {error}.") from None


def _check(packet: Packet) -> None:
    data = packet.data
    if packet.packet_type == EVENT:
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            raise Problem("bad_packet", "An event is a list that starts with its name.")
        if data[0] in RESERVED:
            raise Problem("bad_packet", "A client cannot emit a reserved event.")
    elif packet.packet_type == ACK:
        if not isinstance(data, list) or packet.id is None:
            raise Problem("bad_packet", "An acknowledgement is a list with an id.")
    elif packet.packet_type == CONNECT_ERROR:
        raise Problem("bad_packet", "A client cannot refuse a connection.")
    elif data is not None and not isinstance(data, dict):
        raise Problem("bad_packet", "A connection packet carries an object.")


def refusal(text: str, problem: Problem) -> str:
    """The packet that refuses the packet `text`: an acknowledgement, a connection error, or an `error` event."""
    match = _HEAD.match(text)
    asked, body = Packet() if match is None else _packet(match), problem.body()
    if asked.packet_type == CONNECT and match is not None:
        data: Any = {"message": problem.message, "data": body}
        return Packet(CONNECT_ERROR, data, asked.namespace).encode()
    if asked.packet_type in (EVENT, BINARY_EVENT) and asked.id is not None:
        return Packet(ACK, [{"ok": False} | body], asked.namespace, asked.id).encode()
    return Packet(EVENT, [ERROR, body], asked.namespace).encode()
