"""The engine: every open connection of this process, as python-socketio's server expects to find them."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
import structlog
from tornado.httputil import HTTPServerRequest

from leflux.realtime.engine.loop_turns import ReadTurns, WriteBatch
from leflux.realtime.engine.session import MESSAGE, OPEN, EngineSession, Transport
from leflux.realtime.engine.timer_wheel import TimerWheel

log = structlog.get_logger(__name__)


CONTEXT = "leflux.context"


class Admission(msgspec.Struct, frozen=True):
    """The gate's yes: whatever the handlers shall find as `environ[CONTEXT]`, and the client's address."""

    context: Any
    address: str


class Refusal(Exception):
    """A request that is refused, as an HTTP answer."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = headers


def refuse(status: int, code: str, message: str, headers: Mapping[str, str] = MappingProxyType({})) -> Refusal:
    return Refusal(status, msgspec.json.encode({"error": code, "message": message}), headers)


Gate = Callable[[HTTPServerRequest], Admission]
LateGate = Callable[[HTTPServerRequest], Awaitable[Admission | None]]
Handler = Callable[..., Awaitable[Any]]


class Gates(msgspec.Struct, frozen=True):
    """`admit` judges every request before anything is kept; it raises `Refusal`. What it refuses, `admit_late` may
    admit after all; it may take its time."""

    admit: Gate
    admit_late: LateGate | None = None


class Engine:
    """Speaks Engine.IO v4. Sizes are bytes, times seconds. `closed_by` counts closed connections by reason."""

    async_mode = "leflux"

    def __init__(
        self,
        gates: Gates,
        ping_interval: float = 25.0,
        ping_timeout: float = 20.0,
        max_frame: int = 262_144,
        max_buffer: int = 1_048_576,
        connect_timeout: float = 10.0,
        sockets_per_address: int = 200,
        **_: Any,
    ) -> None:
        self.gate = gates.admit
        self.late_gate = gates.admit_late
        self.ping_interval = ping_interval
        self.ping_timeout = ping_timeout
        self.max_frame = max_frame
        self.max_buffer = max_buffer
        self.connect_timeout = connect_timeout
        self.sockets_per_address = sockets_per_address
        self.sessions: dict[str, EngineSession] = {}
        self.writes = WriteBatch()
        self.reads = ReadTurns()
        self.by_address: Counter[str] = Counter()
        self.closed_by: Counter[str] = Counter()
        self._handlers: dict[str, Handler] = {}
        self._ending: set[EngineSession] = set()
        longest = max(ping_interval, ping_timeout, connect_timeout)
        self._wheel = TimerWheel(min(1.0, min(ping_interval, ping_timeout, connect_timeout) / 4), longest)
        self._hello = {
            "pingInterval": round(ping_interval * 1000),
            "pingTimeout": round(ping_timeout * 1000),
            "maxPayload": max_frame,
        }

    # What the transports call.

    def has_room(self, address: str) -> bool:
        return self.by_address[address] < self.sockets_per_address

    def open(self, admission: Admission, transport: Transport, request: HTTPServerRequest) -> EngineSession:
        """A new connection; the transport has sent its hello when this returns."""
        sid = self.generate_id()
        environ = {
            CONTEXT: admission.context,
            "REMOTE_ADDR": admission.address,
            "HTTP_USER_AGENT": request.headers.get("User-Agent", "")[:256],
        }
        session = EngineSession(sid, self, admission.address, environ, transport)
        self.sessions[sid] = session
        self.by_address[admission.address] += 1
        upgrades = ["websocket"] if transport.name == "polling" else []
        hello = {"sid": sid, "upgrades": upgrades} | self._hello
        session.send(OPEN + msgspec.json.encode(hello).decode())
        session.start()
        return session

    # What a session calls.

    def schedule(self, session: EngineSession, delay: float) -> None:
        self._wheel.schedule(session, delay)

    def forget(self, session: EngineSession) -> None:
        """The session hangs up; its last events are still to be handled."""
        self._wheel.cancel(session)
        self._ending.add(session)
        del self.sessions[session.sid]
        self.by_address[session.address] -= 1
        if not self.by_address[session.address]:
            del self.by_address[session.address]

    async def opened(self, session: EngineSession) -> None:
        await self._handlers["connect"](session.sid, session.environ)

    async def received(self, session: EngineSession, data: str) -> None:
        try:
            await self._handlers["message"](session.sid, data)
        except Exception:
            log.exception("event handler failed")

    async def closed(self, session: EngineSession, reason: str) -> None:
        self.closed_by[reason] += 1
        try:
            await self._handlers["disconnect"](session.sid, reason)
        except Exception:
            log.exception("disconnect handler failed")
        finally:
            self._ending.discard(session)

    # What socketio.AsyncServer calls on its `eio`.

    def on(self, event: str, handler: Handler) -> None:
        self._handlers[event] = handler

    def generate_id(self) -> str:
        return secrets.token_urlsafe(18)

    async def send(self, sid: str, data: str) -> None:
        """Send a Socket.IO packet; a connection that is gone is no error."""
        session = self.sessions.get(sid)
        if session is not None:
            session.send(MESSAGE + data)

    def refuse(self, sid: str, answer: str) -> None:
        """Send the answer to a packet that was not taken; a client that goes on with such packets is closed."""
        session = self.sessions.get(sid)
        if session is not None:
            session.refuse(answer)

    def has_connected(self, sid: str) -> None:
        """The client has joined a namespace."""
        session = self.sessions.get(sid)
        if session is not None:
            session.has_connected = True

    async def send_packet(self, sid: str, packet: Any) -> None:
        await self.send(sid, packet.data)

    def transport(self, sid: str) -> str:
        return self.sessions[sid].transport.name

    async def disconnect(self, sid: str | None = None) -> None:
        """Hang up on one connection, or on all."""
        chosen = list(self.sessions.values()) if sid is None else [self.sessions.get(sid)]
        for session in chosen:
            if session is not None:
                session.close(1001, "server disconnect")

    def hang_up(self, is_chosen: Callable[[str], bool]) -> None:
        """Hang up on the connections of these addresses."""
        for session in list(self.sessions.values()):
            if is_chosen(session.address):
                session.close(1001, "server disconnect")

    async def shutdown(self) -> None:
        """Hang up on all, and wait until their last events are handled."""
        await self.disconnect()
        await asyncio.gather(*(session.ended() for session in self._ending), return_exceptions=True)
        self._wheel.stop()

    def start_background_task(self, target: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> asyncio.Task[Any]:
        return asyncio.create_task(target(*args))

    async def sleep(self, seconds: float = 0) -> None:
        await asyncio.sleep(seconds)

    def create_event(self) -> asyncio.Event:
        return asyncio.Event()
