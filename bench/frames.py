"""WebSocket frames for a client of a well-behaved server (RFC 6455 section 5.2)."""

from collections.abc import Iterator

_TEXT = 0x1
_NO_MASK = b"\0\0\0\0"


def frame(payload: bytes, opcode: int = _TEXT) -> bytes:
    """A final, masked frame."""
    length = len(payload)
    first = 0x80 | opcode
    if length < 126:
        return bytes((first, 0x80 | length)) + _NO_MASK + payload
    if length < 65_536:
        return bytes((first, 0xFE)) + length.to_bytes(2, "big") + _NO_MASK + payload
    return bytes((first, 0xFF)) + length.to_bytes(8, "big") + _NO_MASK + payload


class Frames:
    """Splits received bytes into frames; yields `(opcode, payload)` of each complete one."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        data = self._rest + data
        start = 0
        while len(data) - start >= 2:
            length, begin = data[start + 1], start + 2
            if length >= 126:
                size = 2 if length == 126 else 8
                length, begin = int.from_bytes(data[begin : begin + size], "big"), begin + size
            if begin > len(data) or begin + length > len(data):
                break
            opcode = data[start] & 0x0F
            start = begin + length
            yield opcode, data[begin:start]
        self._rest = data[start:]
