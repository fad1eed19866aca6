"""Autobahn's cases for RFC 6455 against our WebSocket: the set that does not pass is exact, and each has its reason."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from kosoku import FailureError, run_fuzzingclient
from websockets.utils import accept_key

from leflux.realtime.engine.loop_turns import ReadTurns, WriteBatch
from leflux.realtime.engine.websocket import WebSocket

# Compression is never agreed on.
NOT_OFFERED = ["12.*", "13.*"]
# They send binary messages and expect an echo; ours are refused.
BINARY = {f"1.2.{number}" for number in range(1, 9)}
BINARY |= {f"9.2.{number}" for number in range(1, 7)} | {f"9.4.{number}" for number in range(1, 10)}
BINARY |= {f"9.6.{number}" for number in range(1, 7)} | {f"9.8.{number}" for number in range(1, 7)}
# A message may have 1,024 fragments; these have 4,096 and more.
FRAGMENTS = {"9.3.1", "9.3.2", "9.3.3"}
MESSAGE_BYTES = 32 * 2**20


class Engine:
    """Limits above those of the largest case."""

    max_frame = MESSAGE_BYTES
    max_buffer = 8 * MESSAGE_BYTES

    def __init__(self) -> None:
        self.writes = WriteBatch()
        self.reads = ReadTurns()


class Echo:
    """A session that sends back what it receives."""

    is_full = False
    is_open = True

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    def receive(self, packet: str) -> None:
        self._socket.send(packet)

    def refuse(self, packet: str) -> None:
        self._socket.close(1003, "text only")

    def count_cheap(self) -> None:
        """No limit: some cases send thousands of fragments."""

    def close(self, code: int, reason: str) -> None:
        self._socket.close(code, reason)

    def when_room(self, proceed: Callable[[], None]) -> None:
        raise AssertionError("an echo is never full")


class Handshake(asyncio.Protocol):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, end, early = self._data.partition(b"\r\n\r\n")
        if not end:
            return
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        key = next(value for name, value in lines.items() if name.lower() == "sec-websocket-key")
        upgrade = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        answer = f"{upgrade}Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n"
        socket = WebSocket(answer.encode(), self._engine, lambda opened: cast("Any", Echo(opened)))
        socket.early = early
        self._transport.set_protocol(socket)
        socket.connection_made(self._transport)


async def test_only_binary_messages_and_too_many_fragments_are_refused() -> None:
    engine = Engine()
    server = await asyncio.get_running_loop().create_server(lambda: Handshake(engine), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        try:
            results = await run_fuzzingclient(f"ws://127.0.0.1:{port}", exclude_cases=NOT_OFFERED, concurrency=4)
        except FailureError as failure:
            results = failure.results
    failed = {result.case_id for result in results if not result.passed}
    assert failed == BINARY | FRAGMENTS
    assert len(results) > 290
