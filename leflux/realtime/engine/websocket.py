"""The WebSocket transport: an asyncio protocol. Only text messages carry packets."""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from leflux.protocol import Problem
from leflux.realtime.engine import wire
from leflux.realtime.engine.loop_turns import ReadTurns, TurnReader, WriteBatch
from leflux.realtime.engine.polling import Polling
from leflux.realtime.engine.session import NOOP, UPGRADE, EngineSession

CLOSE_SECONDS = 5.0
"""Time that a client has to answer a close frame, or to complete an upgrade."""
CLOSE_BYTES = 16_777_216
"""Read and dropped after a close frame. Closing with unread data resets the connection, and the frame is lost."""
FRAMES_PER_TURN, BYTES_PER_TURN = 16, 65_536
"""What one socket may have handled in one turn of the event loop."""
_PROBE = "2probe"
# Open; a close frame was sent, and frames are read until it is answered; whatever comes is dropped.
_OPEN, _CLOSING, _DROPPING = range(3)


class SocketEngine(Protocol):
    """The engine, as a WebSocket sees it."""

    max_frame: int
    max_buffer: int
    writes: WriteBatch
    reads: ReadTurns


class WebSocket(TurnReader):
    """`handshake` answers the upgrade request. `begin` opens the session of a direct connection; a `candidate` began by
    polling and may move here. `early` came before the handshake was answered; `released` is called at the end.
    """

    name = "websocket"
    __slots__ = (
        "_begin",
        "_candidate",
        "_deadline",
        "_dropped",
        "_engine",
        "_fragments",
        "_handshake",
        "_reader",
        "_state",
        "early",
        "released",
        "session",
    )

    overflows = False

    def __init__(
        self,
        handshake: bytes,
        engine: SocketEngine,
        begin: Callable[["WebSocket"], EngineSession],
        candidate: EngineSession | None = None,
    ) -> None:
        super().__init__(engine.reads, engine.writes)
        self._engine = engine
        self._reader = wire.FrameReader(engine.max_frame)
        self._handshake = handshake
        self._state = _OPEN
        self._dropped = 0
        self._fragments: wire.Fragments | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._candidate = candidate
        self._begin = begin
        self.session: EngineSession | None = None
        self.early = b""
        self.released: Callable[[], None] = lambda: None

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        cast("asyncio.Transport", transport).set_write_buffer_limits(high=self._engine.max_buffer)
        if self._candidate is not None:
            self._candidate.upgrades += 1
            self._set_deadline()
        self.hold(self._handshake)
        self._handshake = b""
        if self._candidate is None:
            self.session = self._begin(self)
        self.release()
        if self.early:
            early, self.early = self.early, b""
            self.data_received(early)

    def data_received(self, data: bytes) -> None:
        if self._state == _DROPPING:
            self._drop(len(data))
            return
        self._reader.feed(data)
        if not self._is_paused:
            self.read_on()

    def eof_received(self) -> None:
        self._state = _DROPPING
        if self.session is not None:
            self.session.close(1006, "transport close")

    def pause_writing(self) -> None:
        """The client does not read: what it misses is in the store."""
        if self.session is not None:
            self.session.close(1008, "slow reader")
        self._abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._cancel_deadline()
        self._state = _DROPPING
        self._leave_candidate()
        session, self.session = self.session, None
        if session is not None:
            session.close(1006, "transport close")
        self.released()

    # Reading.

    def read_turn(self) -> bool:
        try:
            return self._read_frames()
        except wire.FrameError as error:
            self._fail(error.code, error.reason)
            return False

    def _read_frames(self) -> bool:
        size = 0
        for _ in range(FRAMES_PER_TURN):
            if self._state == _DROPPING or (self.session is not None and self.session.is_full):
                return False
            frame = self._reader.next()
            if frame is None:
                return False
            self._frame(frame)
            size += len(frame.payload)
            if size > BYTES_PER_TURN:
                break
        return self._state != _DROPPING

    def waits_for_room(self) -> bool:
        """Whether the handlers are so far behind that nothing more is read until they have caught up."""
        session = self.session
        if session is None or not session.is_full:
            return False
        session.when_room(self.read_on)
        return True

    def _drop(self, size: int) -> None:
        self._dropped += size
        if self._dropped > CLOSE_BYTES:
            self._abort()

    # Frames.

    def _frame(self, frame: wire.Frame) -> None:
        if frame.opcode == wire.CLOSE:
            self._closed_by_client(frame.payload)
        elif self._state != _OPEN:
            self._drop(len(frame.payload))
        elif frame.opcode == wire.TEXT and frame.is_final and self._fragments is None:
            self._message(frame.payload)
        elif frame.opcode in (wire.PING, wire.PONG):
            self._count()
            if frame.opcode == wire.PING and self._state == _OPEN:
                self.put(wire.encode_frame(wire.PONG, frame.payload), hold=True)
        else:
            self._fragment(frame)

    def _count(self) -> None:
        """One more frame that says nothing."""
        session = self.session or self._candidate
        if session is not None:
            session.count_cheap()
            if not session.is_open:
                self._fail(1008, "flood")

    def _fragment(self, frame: wire.Frame) -> None:
        if (frame.opcode == wire.CONTINUATION) is (self._fragments is None):
            raise wire.FrameError(1002, "fragment out of order")
        if self._fragments is None:
            self._fragments = wire.Fragments(frame.opcode, self._engine.max_frame)
        data = self._fragments.add(frame)
        if data is None:
            self._count()
            return
        is_text, self._fragments = self._fragments.opcode == wire.TEXT, None
        if is_text:
            self._message(data)
        elif self.session is not None:
            self.session.refuse(wire.refusal("", Problem("bad_packet", "Binary messages are not accepted.")))
        else:
            self._fail(1002, "not an upgrade")

    def _message(self, data: bytes) -> None:
        try:
            packet = data.decode()
        except UnicodeDecodeError:
            raise wire.FrameError(1007, "not UTF-8") from None
        if self.session is not None:
            self.session.receive(packet)
        else:
            self._upgrade(packet)

    # The move from polling.

    def _upgrade(self, packet: str) -> None:
        candidate = self._candidate
        if candidate is None or not candidate.is_open or not isinstance(candidate.transport, Polling):
            self._fail(1002, "not an upgrade")
        elif packet == _PROBE:
            candidate.count_cheap()
            self.send("3probe")
            # The client moves only when no poll of it waits any more.
            candidate.send(NOOP)
        elif packet == UPGRADE:
            self._move(candidate, candidate.transport)
        else:
            self._fail(1002, "not an upgrade")

    def _move(self, candidate: EngineSession, polling: Polling) -> None:
        self._leave_candidate()
        self._cancel_deadline()
        self.session = candidate
        candidate.transport = self
        for packet in polling.leave():
            self.send(packet)

    def _leave_candidate(self) -> None:
        if self._candidate is not None:
            self._candidate.upgrades -= 1
            self._candidate = None

    def send(self, packet: str, hold: bool = False) -> None:
        if self._state == _OPEN:
            self.put(wire.encode_frame(wire.TEXT, packet.encode()), hold)

    # Closing.

    def close(self, code: int, reason: str) -> None:
        """Send a close frame; the connection ends when the client answers it, or at the deadline."""
        self.session = None
        if self._state != _OPEN or self._transport is None:
            return
        self.hold(wire.encode_frame(wire.CLOSE, wire.close_payload(1001 if code == 1006 else code, reason)))
        self.release()
        self._state = _CLOSING
        self._set_deadline()
        if code in (1002, 1007, 1008, 1009):
            self._drop_rest()

    def _drop_rest(self) -> None:
        """The client broke the rules: read no more frames, only let it take note of the close frame."""
        self._state = _DROPPING
        self._reader, self._fragments = wire.FrameReader(self._engine.max_frame), None
        self.end_writing()
        self.resume()

    def _closed_by_client(self, payload: bytes) -> None:
        """Answer with the same close frame, unless this is the client's own answer."""
        if self._state == _OPEN:
            wire.check_close(payload)
            self.hold(wire.encode_frame(wire.CLOSE, payload))
            self.release()
        self._state = _DROPPING
        if self._transport is not None:
            self._transport.close()
            self._set_deadline()
        if self.session is not None:
            self.session.close(1006, "transport close")

    def _fail(self, code: int, reason: str) -> None:
        if self.session is not None:
            self.session.close(code, reason)
        else:
            self.close(code, reason)

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _set_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._abort)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
