"""What one turn of the loop has to say to a socket is one write, in the order in which it was said."""

import asyncio
from typing import Any, cast

import pytest

from leflux.realtime.engine.loop_turns import HELD, ReadTurns, WriteBatch
from leflux.realtime.engine.session import EngineSession
from leflux.realtime.engine.websocket import WebSocket
from leflux.realtime.engine.wire import TEXT, encode_frame
from tests.server.realtime.engine.conftest import Rig


class Writes:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def set_write_buffer_limits(self, high: int) -> None:
        del high

    def write(self, data: bytes) -> None:
        if self.is_closing() or b"half closed" in self.written:
            raise RuntimeError("closed, as uvloop says it")
        self.written.append(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self.written.append(b"closed")

    def write_eof(self) -> None:
        self.written.append(b"half closed")

    def abort(self) -> None:
        self.written.append(b"aborted")

    def is_closing(self) -> bool:
        return self.written[-1:] in ([b"closed"], [b"aborted"])


class Parts:
    """The part of the engine that a WebSocket uses."""

    max_frame, max_buffer = 1_000, 100_000

    def __init__(self, writes: WriteBatch) -> None:
        self.writes = writes
        self.reads = ReadTurns()


def connected(writes: Writes, turn: WriteBatch | None = None) -> WebSocket:
    def begin(socket: WebSocket) -> EngineSession:
        socket.send("0{}")
        return cast("EngineSession", None)

    socket = WebSocket(b"hello;", Parts(turn or WriteBatch()), begin)
    socket.connection_made(cast("Any", writes))
    return socket


def frames(*packets: str) -> bytes:
    return b"".join(encode_frame(TEXT, packet.encode()) for packet in packets)


async def test_the_handshake_and_the_first_packet_are_one_write() -> None:
    writes = Writes()
    connected(writes)
    assert writes.written == [b"hello;" + frames("0{}")]


async def test_what_is_held_goes_out_together_when_the_turn_ends() -> None:
    writes = Writes()
    socket, other = connected(writes), connected(Writes())
    writes.written.clear()
    for packet in ("4a", "4b", "4c"):
        socket.send(packet, hold=True)
        other.send(packet, hold=True)
    assert writes.written == []
    await asyncio.sleep(0)
    assert writes.written == [frames("4a", "4b", "4c")]
    socket.send("4d", hold=True)
    await asyncio.sleep(0)
    assert writes.written[1:] == [frames("4d")]


async def test_nothing_overtakes_what_is_held() -> None:
    writes = Writes()
    socket = connected(writes)
    writes.written.clear()
    socket.send("4a", hold=True)
    socket.send("4b")
    assert writes.written == [frames("4a", "4b")]
    socket.send("4c", hold=True)
    socket.close(1000, "")
    assert writes.written[1:] == [frames("4c") + b"\x88\x02\x03\xe8"]
    await asyncio.sleep(0)
    assert len(writes.written) == 2


async def test_no_more_is_held_than_the_cap() -> None:
    writes = Writes()
    socket = connected(writes)
    writes.written.clear()
    for _ in range(3):
        socket.send("4" + "x" * (HELD // 2), hold=True)
    assert len(writes.written) == 1
    await asyncio.sleep(0)
    assert sum(map(len, writes.written)) > 3 * (HELD // 2)


async def test_a_socket_that_is_gone_holds_nothing() -> None:
    writes = Writes()
    socket = connected(writes)
    writes.written.clear()
    socket.send("4a", hold=True)
    socket.connection_lost(None)
    socket.send("4b", hold=True)
    await asyncio.sleep(0)
    assert writes.written == []


async def test_one_that_is_being_closed_does_not_keep_the_others_from_their_turn() -> None:
    writes, others = Writes(), Writes()
    turn = WriteBatch()
    closing, other = connected(writes, turn), connected(others, turn)
    others.written.clear()
    closing.send("4a", hold=True)
    other.send("4b", hold=True)
    writes.abort()
    await asyncio.sleep(0)
    assert writes.written[-1] == b"aborted"
    assert others.written == [frames("4b")]


async def test_a_client_that_was_closed_for_its_flood_does_not_keep_the_others_from_their_turn() -> None:
    """The answer to its last ping comes after the close frame."""
    writes, others = Writes(), Writes()
    turn = WriteBatch()
    closing, other = connected(writes, turn), connected(others, turn)
    others.written.clear()
    closing.close(1008, "flood")
    closing.put(b"pong", hold=True)
    other.send("4b", hold=True)
    await asyncio.sleep(0)
    assert writes.written[-1] == b"half closed"
    assert others.written == [frames("4b")]


async def test_events_and_answers_keep_their_order(rig: Rig) -> None:
    raw = await rig.websocket()
    (sid,) = rig.sids
    for number in range(3):
        await rig.server.emit("told", number, to=sid)
    raw.text('421["echo","asked"]')
    packets = [await raw.packet() for _ in range(4)]
    assert packets == ['42["told",0]', '42["told",1]', '42["told",2]', '431["asked"]']


@pytest.mark.parametrize("payload", [b"", b"\x03\xe9", b"\x03\xe8bye", b"\x0b\xb8"])
async def test_a_goodbye_is_answered_with_the_same_and_takes_what_was_held_along(payload: bytes) -> None:
    writes = Writes()
    socket = connected(writes)
    writes.written.clear()
    socket.send("4a", hold=True)
    mask = b"\1\2\3\4"
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    socket.data_received(bytes((0x88, 0x80 | len(payload))) + mask + masked + b"\x81\x80\0\0\0\0 and more")
    assert writes.written == [frames("4a") + bytes((0x88, len(payload))) + payload, b"closed"]
    socket.send("4b")
    socket.data_received(b"whatever")
    socket.eof_received()
    assert len(writes.written) == 2
