"""A process that sends hostile bytes over WebSockets without end: `attacker.py PORT KIND SOCKETS`. Sends again what was
closed; prints nothing; ends with its parent."""

import asyncio
import os
import sys
from contextlib import suppress

EMPTY = b"\0\0\0\0"
KINDS = {
    "pongs": b"\x8a\x80" + EMPTY,
    "pings": b"\x89\x80" + EMPTY,
    "noops": b"\x81\x81" + EMPTY + b"6",
    "engine pings": b"\x81\x81" + EMPTY + b"2",
    "bad packets": b"\x81\x82" + EMPTY + b"42",
    "unknown events": b"\x81\x87" + EMPTY + b'42["x"]',
    "asking events": b"\x81\x88" + EMPTY + b'421["x"]',
    "binary": b"\x82\x81" + EMPTY + b"x",
}
FRAGMENTS = (b"\x01\x80" + EMPTY) + (b"\x00\x80" + EMPTY) * 10_000
UPGRADE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: shop.test\r\nOrigin: http://shop.test\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
CONNECT = b"\x81\x82" + EMPTY + b"40"


async def attack(port: int, data: bytes) -> None:
    """One connection, until the server has had enough of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CONNECT)
        drain = asyncio.create_task(reader.read(-1))
        while not drain.done():
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(0)
    finally:
        writer.transport.abort()


async def attack_forever(port: int, data: bytes, parent: int) -> None:
    while os.getppid() == parent:
        with suppress(OSError, asyncio.IncompleteReadError):
            await attack(port, data)


async def main(port: int, kind: str, sockets: int) -> None:
    data = FRAGMENTS if kind == "fragments" else KINDS[kind] * 10_000
    await asyncio.gather(*(attack_forever(port, data, os.getppid()) for _ in range(sockets)))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
