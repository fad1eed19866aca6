"""`python -m bench.peers.transport PORT`: the lower bound of a socket message.

It reads a frame and writes an acknowledgement of the size of LeFlux's. It checks and stores nothing, and knows one
client.
"""

import asyncio
import sys
from typing import cast

import uvloop

_ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_ANSWER = b'{"ok":true,"messageId":"9f1c2f7e-3f5b-4f43-9a67-4b0de6a5c1d2","seq":1}]'


def _text(packet: bytes) -> bytes:
    if len(packet) < 126:
        return b"\x81" + bytes((len(packet),)) + packet
    return b"\x81\x7e" + len(packet).to_bytes(2, "big") + packet


class Acknowledges(asyncio.Protocol):
    """Reads frames of up to 65,535 bytes, masked with zeros."""

    def __init__(self) -> None:
        self._received = b""
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._is_open:
            self._frames()
        elif self._received.endswith(b"\r\n\r\n"):
            self._is_open = b"websocket" in self._received
            self._received = b""
            self._transport.write(_ACCEPTED + _text(b"0{}") if self._is_open else _NOT_FOUND)

    def _frames(self) -> None:
        data, start = self._received, 0
        while len(data) - start >= 8:
            length, begin = data[start + 1] & 0x7F, start + 6
            if length == 126:
                length, begin = int.from_bytes(data[start + 2 : start + 4], "big"), start + 8
            if begin + length > len(data):
                break
            start = begin + length
            self._packet(data[begin:start])
        self._received = data[start:]

    def _packet(self, packet: bytes) -> None:
        if packet.startswith(b"42"):
            self._transport.write(_text(b"43" + packet[2 : packet.index(b"[")] + b"[" + _ANSWER))
        elif packet.startswith(b"40"):
            self._transport.write(_text(b'40{"sid":"bare"}'))


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Acknowledges, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
