"""The frames that make up nearly all traffic, without the state machine: whole, final, masked text frames (RFC 6455),
and the one that says goodbye.

Everything else, in whole frames, is for `websockets`' protocol, which knows every rule.
"""

from collections.abc import Iterator

from msgspec import Struct
from websockets.exceptions import ProtocolError
from websockets.frames import Close

try:
    from websockets.speedups import apply_mask
except ImportError:  # pragma: no cover - a platform for which there is no wheel
    from websockets.utils import apply_mask

_FINAL_TEXT = 0x81
_FINAL_CLOSE = 0x88
_MASKED = 0x80
_LONG, _VERY_LONG = 126, 127


class Piece(Struct, frozen=True):
    """`text` is the payload of a final text frame; None: `data` is something else, whole unless `is_rest`."""

    text: bytes | None
    data: bytes
    is_rest: bool = False


class Cutter:
    """Cuts what arrives into frames; keeps the beginning of a text frame of at most `limit` bytes until it is whole.

    After a piece with `is_rest` the cutter may not be used again: only the state machine knows where it is.
    """

    __slots__ = ("_limit", "_need", "_tail")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tail: bytearray | None = None
        self._need = 0

    def feed(self, data: bytes) -> Iterator[Piece]:
        if self._tail is not None:
            # Not copied again for each byte of a client that sends byte by byte.
            self._tail += data
            if len(self._tail) < self._need:
                return
            data, self._tail = bytes(self._tail), None
        start, size = 0, len(data)
        while start < size:
            begin, end = _extent(data, start)
            is_text = data[start] == _FINAL_TEXT and (size - start < 2 or data[start + 1] & _MASKED)
            if end > size:
                if is_text and end - begin <= self._limit:
                    self._tail, self._need = bytearray(data[start:]), end - start
                else:
                    yield Piece(None, data[start:], is_rest=True)
                return
            if is_text and end - begin <= self._limit:
                yield Piece(apply_mask(data[begin:end], data[begin - 4 : begin]), b"")
            else:
                yield Piece(None, data[start:end])
            start = end


def _extent(data: bytes, start: int) -> tuple[int, int]:
    """Where a frame's payload begins and ends; when its head is not there yet, an end that is."""
    have = len(data) - start
    if have < 2:
        return start + 2, start + 2
    length, masked = data[start + 1] & 0x7F, 4 if data[start + 1] & _MASKED else 0
    if length < _LONG:
        return start + 2 + masked, start + 2 + masked + length
    size = 2 if length == _LONG else 8
    begin = start + 2 + size + masked
    if have < 2 + size:
        return begin, start + 2 + size
    return begin, begin + int.from_bytes(data[start + 2 : start + 2 + size], "big")


def goodbye(frame: bytes) -> bytes | None:
    """The payload of a proper close frame of a client; None for any other frame. `frame` is whole."""
    if len(frame) < 6 or frame[0] != _FINAL_CLOSE or not _MASKED <= frame[1] < _MASKED + _LONG:
        return None
    payload = apply_mask(frame[6:], frame[2:6])
    try:
        Close.parse(payload)
    except (ProtocolError, UnicodeDecodeError):
        return None
    return payload


def close_frame(payload: bytes) -> bytes:
    """An unmasked close frame; `payload` is a code of two bytes and a reason, or nothing."""
    return bytes((_FINAL_CLOSE, len(payload))) + payload


def text_frame(payload: bytes) -> bytes:
    """An unmasked, final text frame."""
    length = len(payload)
    if length < _LONG:
        return bytes((_FINAL_TEXT, length)) + payload
    if length < 65_536:
        return bytes((_FINAL_TEXT, _LONG)) + length.to_bytes(2, "big") + payload
    return bytes((_FINAL_TEXT, _VERY_LONG)) + length.to_bytes(8, "big") + payload
