"""The WebSocket transport: an asyncio protocol around `websockets`' sans-I/O state machine. Text only.

Whole text frames, which are nearly all, and the client's goodbye bypass the state machine; see `frames`.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from websockets.frames import Frame, Opcode
from websockets.protocol import SERVER, Protocol, State

from leflux.realtime.engine.frames import Cutter, close_frame, goodbye, text_frame
from leflux.realtime.engine.polling import Polling
from leflux.realtime.engine.session import NOOP, PING, UPGRADE, Session
from leflux.realtime.engine.turn import Turn

HANG_UP_AFTER = 5.0
# No more bytes than that are held until the end of a turn.
HELD = 65_536
_PROBE = f"{PING}probe"


class WebSocket(asyncio.Protocol):
    """`hello` answers the handshake. `begin` makes the session of a direct connection; a `candidate` began by
    polling and may move here. `early` is what the client sent before the handshake was answered.
    """

    name = "websocket"
    __slots__ = (
        "_begin",
        "_candidate",
        "_cutter",
        "_hang_up",
        "_held",
        "_held_size",
        "_hello",
        "_is_ended",
        "_machine",
        "_max_buffer",
        "_max_frame",
        "_parts",
        "_transport",
        "_turn",
        "early",
        "session",
    )

    overflows = False

    def __init__(
        self,
        hello: bytes,
        max_frame: int,
        max_buffer: int,
        begin: Callable[["WebSocket"], Session],
        turn: Turn,
        candidate: Session | None = None,
    ) -> None:
        self._machine: Protocol | None = None
        self._max_frame = max_frame
        self._cutter: Cutter | None = Cutter(max_frame)
        self._hello = hello
        self._is_ended = False
        self._turn = turn
        self._held: list[bytes] = []
        self._held_size = 0
        self._transport: asyncio.Transport | None = None
        self._parts: bytearray | None = None
        self._hang_up: asyncio.TimerHandle | None = None
        self._candidate = candidate
        self._begin = begin
        self._max_buffer = max_buffer
        self.session: Session | None = None
        self.early = b""

    @property
    def _ws(self) -> Protocol:
        """The state machine; a socket that only ever carries whole text frames needs none unless we hang up."""
        if self._machine is None:
            self._machine = Protocol(SERVER, state=State.OPEN, max_size=self._max_frame)
        return self._machine

    @property
    def _is_open(self) -> bool:
        return not self._is_ended and (self._machine is None or self._machine.state is State.OPEN)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=self._max_buffer)
        if self._candidate is not None:
            # An upgrade that does not come to its point must not stay.
            self._hang_up = asyncio.get_running_loop().call_later(HANG_UP_AFTER, self._abort)
        self._hold(self._hello)
        self._hello = b""
        if self._candidate is None:
            self.session = self._begin(self)
        self.release()
        if self.early:
            early, self.early = self.early, b""
            self.data_received(early)

    def pause_writing(self) -> None:
        """The client does not read: what it misses is in the store."""
        if self.session is not None:
            self.session.close(1008, "slow reader")
        self._abort()

    def data_received(self, data: bytes) -> None:
        if self._cutter is None:
            self._state_machine(data)
            return
        for piece in self._cutter.feed(data):
            if self._is_ended:
                return
            if piece.text is None:
                if self._machine is None and (payload := goodbye(piece.data)) is not None:
                    self._leave(payload)
                    return
                if piece.is_rest:
                    self._cutter = None
                self._state_machine(piece.data)
            elif self._is_open:
                self._whole(piece.text)

    def _leave(self, payload: bytes) -> None:
        """The client says goodbye, and is answered with the same."""
        self._is_ended = True
        self._hold(close_frame(payload))
        self.release()
        if self._transport is not None:
            self._transport.close()
            if self._transport.get_write_buffer_size() and self._hang_up is None:
                self._hang_up = asyncio.get_running_loop().call_later(HANG_UP_AFTER, self._abort)
        if self.session is not None:
            self.session.close(1006, "transport close")

    def _whole(self, text: bytes) -> None:
        if self._parts is not None:
            self._fail(1002, "a message within another")
        else:
            self._packet(text)

    def _state_machine(self, data: bytes) -> None:
        self._ws.receive_data(data)
        for event in self._ws.events_received():
            self._frame(cast("Frame", event))
        self._flush()

    def eof_received(self) -> None:
        if self._is_ended:
            return
        self._ws.receive_eof()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._cancel_hang_up()
        self._transport = None
        self._held = []
        session, self.session = self.session, None
        if session is not None:
            session.close(1006, "transport close")

    def _frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.TEXT or frame.opcode is Opcode.CONT:
            self._text(frame)
        elif frame.opcode is Opcode.BINARY:
            self._ws.fail(1003, "text only")

    def _text(self, frame: Frame) -> None:
        data = bytes(frame.data)
        if self._parts is not None or not frame.fin:
            # Their sum is bounded by the protocol's max_size; empty fragments, which it does not bound, add nothing.
            self._parts = self._parts or bytearray()
            self._parts += data
            if not frame.fin:
                return
            data, self._parts = bytes(self._parts), None
        self._packet(data)

    def _packet(self, data: bytes) -> None:
        try:
            packet = data.decode()
        except UnicodeDecodeError:
            self._fail(1007, "not UTF-8")
            return
        if self.session is not None:
            self.session.receive(packet)
        else:
            self._upgrading(packet)

    def _upgrading(self, packet: str) -> None:
        candidate = self._candidate
        if candidate is None or not candidate.is_open or not isinstance(candidate.transport, Polling):
            self._fail(1002, "not an upgrade")
        elif packet == _PROBE:
            self._ws.send_text(b"3probe")
            self._flush()
            # The client moves only when no poll of it waits any more.
            candidate.send(NOOP)
        elif packet == UPGRADE:
            self._move(candidate, candidate.transport)
        else:
            self._fail(1002, "not an upgrade")

    def _move(self, candidate: Session, polling: Polling) -> None:
        self._candidate = None
        self._cancel_hang_up()
        self.session = candidate
        candidate.transport = self
        for packet in polling.leave():
            self.send(packet)

    def send(self, packet: str, hold: bool = False) -> None:
        if self._transport is None or not self._is_open:
            return
        frame = text_frame(packet.encode())
        if not hold and not self._held:
            self._transport.write(frame)
            return
        if not self._held:
            self._turn.add(self)
        self._hold(frame)
        if not hold or self._held_size > HELD:
            self.release()

    def _hold(self, data: bytes) -> None:
        self._held.append(data)
        self._held_size += len(data)

    def release(self) -> None:
        """Write what was held. Whatever else is written comes after it."""
        if not self._held:
            return
        held, self._held, self._held_size = self._held, [], 0
        # A connection that is being closed refuses what is written, and others wait for their turn behind this one.
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(held[0] if len(held) == 1 else b"".join(held))

    def close(self, code: int, reason: str) -> None:
        self.session = None
        if self._is_open:
            self._ws.send_close(1001 if code == 1006 else code, reason)
        self._flush()

    def _fail(self, code: int, reason: str) -> None:
        self._ws.fail(code, reason)
        self._flush()

    def _flush(self) -> None:
        self.release()
        transport = self._transport
        if transport is None or self._machine is None:
            return
        for data in self._ws.data_to_send():
            if data:
                transport.write(data)
            else:
                transport.close()
        if self._hang_up is None and self._ws.close_expected():
            self._hang_up = asyncio.get_running_loop().call_later(HANG_UP_AFTER, self._abort)
            if self.session is not None:
                self.session.close(1006, "protocol error" if self._ws.parser_exc else "transport close")

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _cancel_hang_up(self) -> None:
        if self._hang_up is not None:
            self._hang_up.cancel()
            self._hang_up = None
