"""The engine alone under an HTTP server in this process, and a client that writes raw frames to it."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from tornado.httputil import HTTPServerRequest
from tornado.testing import bind_unused_port
from tornado.web import Application
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import CLIENT, Protocol, State

from leflux.http1 import HttpLimits, HttpServer
from leflux.realtime.engine import Admission, Gates, Refusal, Server, SocketFront
from tests.server.conftest import until

ORIGIN = "http://shop.test"
CONTEXT = object()


def gate(request: HTTPServerRequest) -> Admission:
    """One site; the address is the peer's."""
    if request.headers.get_list("Origin") != [ORIGIN]:
        raise Refusal(403, b'{"error":"host_not_registered","message":"no"}')
    return Admission(CONTEXT, request.remote_ip or "")


class Rig:
    """The server, what its handlers saw, and connections to it that end with the test."""

    def __init__(self, stack: AsyncExitStack, server: Server, port: int, http: aiohttp.ClientSession) -> None:
        self.server = server
        self.engine = server.eio
        self.port = port
        self.base = f"http://127.0.0.1:{port}"
        self.http = http
        self.seen: list[Any] = []
        self.left: list[str] = []
        self._stack = stack
        server.on("connect", self._connect)
        server.on("disconnect", self._disconnect)
        server.on("echo", self._echo)

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> bool | None:
        return False if auth == {"refuse": True} else None

    async def _disconnect(self, sid: str, reason: str) -> None:
        self.left.append(reason)

    async def _echo(self, sid: str, value: Any = None) -> Any:
        self.seen.append(value)
        return value

    @property
    def at_baseline(self) -> bool:
        """Nothing is left of any connection."""
        manager = self.server.manager
        kept = (self.engine.sessions, self.engine.by_address, self.engine._ending, self.server.environ)
        waiting = (self.server._binary_packet, manager.callbacks, len(self.engine._wheel))
        return not any((*kept, manager.rooms, *waiting))

    @property
    def sids(self) -> list[str]:
        """The sockets of the main namespace, the oldest first."""
        return [sid for sid, _ in self.server.manager.get_participants("/", None)]

    async def wait_for_baseline(self) -> None:
        await until(lambda: self.at_baseline, "every trace of the connections is gone")

    async def raw(self, query: str = "EIO=4&transport=websocket", origin: str | None = ORIGIN, **tcp: Any) -> "Raw":
        """The connection after the request; look at `status`."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, **tcp)
        raw = Raw(reader, writer)
        self.keep(raw)
        await raw.ask(query, origin)
        return raw

    def keep(self, raw: "Raw") -> None:
        """Hang up at the end of the test at the latest."""
        self._stack.push_async_callback(raw.hang_up)

    async def websocket(self, connected: bool = True, **options: Any) -> "Raw":
        """An open WebSocket, past the handshakes of Engine.IO and (`connected`) Socket.IO."""
        raw = await self.raw(**options)
        assert raw.status == 101
        assert (await raw.packet())[0] == "0"
        if connected:
            raw.text("40")
            assert (await raw.packet()).startswith("40{")
        return raw

    async def websocket_when_there_is_room(self) -> None:
        async def admitted() -> bool:
            return (await self.raw()).status == 101

        await until(admitted, "there is room for a connection again")

    async def poll(self, method: str = "GET", sid: str = "", data: Any = None, **headers: str) -> tuple[int, str]:
        query = f"EIO=4&transport=polling{'&sid=' if sid else ''}{sid}"
        url = f"{self.base}/socket.io/?{query}"
        async with self.http.request(method, url, data=data, headers={"Origin": ORIGIN} | headers) as response:
            return response.status, await response.text()

    async def polling(self) -> str:
        """The `sid` of a connected long-polling client."""
        status, text = await self.poll()
        assert status == 200, text
        sid: str = json.loads(text[1:])["sid"]
        assert await self.poll("POST", sid, "40") == (200, "ok")
        assert (await self.poll("GET", sid))[1].startswith("40{")
        return sid


class Raw:
    """A client without scruples: it writes the bytes it is told to and keeps what it is sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.status = 0
        self.head = ""
        self.packets: list[str] = []
        self.frames: list[Frame] = []
        self.closed = False
        self._reader = reader
        self.writer = writer
        self._protocol = Protocol(CLIENT, state=State.OPEN, max_size=None)

    async def ask(self, query: str, origin: str | None) -> None:
        lines = [f"GET /socket.io/?{query} HTTP/1.1", "Host: shop.test", "Upgrade: websocket", "Connection: Upgrade"]
        lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]
        lines += ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"]
        lines += [] if origin is None else [f"Origin: {origin}"]
        self.writer.write("\r\n".join([*lines, "", ""]).encode())
        self.head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        self.status = int(self.head.split()[1])

    def frame(
        self, data: bytes, opcode: Opcode = Opcode.TEXT, fin: bool = True, mask: bool = True, **bits: bool
    ) -> None:
        self.writer.write(Frame(opcode, data, fin=fin, **bits).serialize(mask=mask))

    def text(self, *packets: str) -> None:
        for packet in packets:
            self.frame(packet.encode())

    async def read(self) -> None:
        """Take in what comes next, be it the end."""
        try:
            data = await self._reader.read(65_536)
        except ConnectionResetError:
            data = b""
        if data:
            self._protocol.receive_data(data)
        else:
            self.closed = True
        for frame in self._protocol.events_received():
            assert isinstance(frame, Frame)
            self.frames.append(frame)
            if frame.opcode is Opcode.TEXT:
                self.packets.append(bytes(frame.data).decode())

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(90):
            while not condition() and not self.closed:
                await self.read()

    async def next_packet(self) -> str:
        """The next Engine.IO packet, be it a ping."""
        await self._until(lambda: bool(self.packets))
        assert self.packets, f"the connection ended: {self.frames[-1:]}"
        return self.packets.pop(0)

    async def packet(self) -> str:
        """The next Engine.IO packet; a ping is answered and passed over."""
        while True:
            packet = await self.next_packet()
            if packet != "2":
                return packet
            self.text("3")

    async def control(self, opcode: Opcode) -> bytes:
        """The payload of the first frame of this kind."""
        await self._until(lambda: any(frame.opcode is opcode for frame in self.frames))
        return next(bytes(frame.data) for frame in self.frames if frame.opcode is opcode)

    async def end(self) -> tuple[int, str]:
        """Code and reason with which the server closes."""
        close = Close.parse(await self.control(Opcode.CLOSE))
        return int(close.code), close.reason

    async def hang_up(self) -> None:
        self.writer.transport.abort()
        self.closed = True


OpenRig = Callable[..., Awaitable[Rig]]


@pytest.fixture
async def open_rig() -> AsyncIterator[OpenRig]:
    """Start an engine with these options. The test fails when a connection or a task outlives its end."""
    before = asyncio.all_tasks()
    files = len(os.listdir("/proc/self/fd"))
    rigs: list[Rig] = []
    async with AsyncExitStack() as stack:

        async def open_(**options: Any) -> Rig:
            server = Server(gates=Gates(options.pop("gate", gate), options.pop("late_gate", None)), **options)
            sock, port = bind_unused_port()
            limits = HttpLimits(body_bytes=options.get("max_frame", 262_144) * 8)
            http = HttpServer(SocketFront(Application(), server.eio), limits)
            await http.start([sock])
            stack.push_async_callback(http.close_all_connections)
            stack.callback(http.stop)
            stack.push_async_callback(server.shutdown)
            rig = Rig(stack, server, port, await stack.enter_async_context(aiohttp.ClientSession()))
            rigs.append(rig)
            return rig

        yield open_
    for rig in rigs:
        await rig.wait_for_baseline()
    await until(lambda: asyncio.all_tasks() - {asyncio.current_task()} <= before, "every task has ended")
    await until(lambda: len(os.listdir("/proc/self/fd")) <= files, "every connection is closed")


@pytest.fixture
async def rig(open_rig: OpenRig) -> Rig:
    return await open_rig()
