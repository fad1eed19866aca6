"""Malformed WebSocket frames: the close code that RFC 6455 has for each, and nothing kept."""

import os
import struct

import pytest
from websockets.frames import Frame, Opcode

from leflux.realtime.engine.wire import MAX_FRAGMENTS
from tests.server.realtime.engine.conftest import OpenRig, Rig

CAP = 4_096


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"\x81\x022x", 1002, id="unmasked"),
        pytest.param(b"\xc1\x81\0\0\0\0002", 1002, id="reserved bit 1: compressed, though not negotiated"),
        pytest.param(b"\xa1\x81\0\0\0\0002", 1002, id="reserved bit 2"),
        pytest.param(b"\x91\x81\0\0\0\0002", 1002, id="reserved bit 3"),
        pytest.param(b"\x83\x81\0\0\0\0002", 1002, id="reserved opcode"),
        pytest.param(b"\x8b\x81\0\0\0\0002", 1002, id="reserved control opcode"),
        pytest.param(b"\x80\x81\0\0\0\0002", 1002, id="continuation of nothing"),
        pytest.param(b"\x01\x81\0\0\0\0004\x81\x81\0\0\0\0002", 1002, id="a message inside a message"),
        pytest.param(b"\x09\x80\0\0\0\0", 1002, id="fragmented ping"),
        pytest.param(b"\x89\xfe\0\x7e\0\0\0\0" + b"p" * 126, 1002, id="oversized ping"),
        pytest.param(b"\x88\xfe\0\x7e\0\0\0\0" + b"\x03\xe8" + b"r" * 124, 1002, id="oversized close"),
        pytest.param(b"\x88\x81\0\0\0\0\x03", 1002, id="close with half a code"),
        pytest.param(b"\x88\x82\0\0\0\0" + struct.pack("!H", 1005), 1002, id="close code 1005"),
        pytest.param(b"\x88\x82\0\0\0\0" + struct.pack("!H", 999), 1002, id="close code 999"),
        pytest.param(b"\x88\x82\0\0\0\0" + struct.pack("!H", 2000), 1002, id="close code 2000"),
        pytest.param(b"\x88\x84\0\0\0\0" + struct.pack("!H", 1000) + b"\xff\xfe", 1007, id="close reason not UTF-8"),
        pytest.param(b"\x81\x82\0\0\0\0004\xff", 1007, id="text not UTF-8"),
        pytest.param(b"\x81\x84\0\0\0\0004\xed\xa0\x80", 1007, id="text with a lone surrogate"),
        pytest.param(b"\x81\xff" + struct.pack("!Q", 2**40) + b"\0\0\0\0", 1009, id="a terabyte announced"),
    ],
)
async def test_a_malformed_frame_closes_with_its_code(open_rig: OpenRig, data: bytes, code: int) -> None:
    rig = await open_rig(max_frame=CAP)
    raw = await rig.websocket()
    raw.writer.write(data)
    assert (await raw.end())[0] == code
    await rig.wait_for_baseline()
    assert len(rig.left) == 1


@pytest.mark.parametrize("parts", [[b"4"], [b"", b"4", b""]], ids=["whole", "in fragments"])
async def test_a_binary_message_is_refused_and_the_socket_lives(rig: Rig, parts: list[bytes]) -> None:
    raw = await rig.websocket()
    for at, part in enumerate(parts):
        raw.frame(part, Opcode.CONT if at else Opcode.BINARY, fin=at == len(parts) - 1)
    raw.text('421["echo",1]')
    assert (await raw.packet()).startswith('42["error",{"error":"bad_packet"')
    assert await raw.packet() == "431[1]"


async def test_a_close_frame_that_is_torn_by_the_end_is_not_answered(rig: Rig) -> None:
    raw = await rig.websocket()
    raw.writer.write(b"\x88\x85\0\0\0\0\x03\xe8b")
    raw.writer.write_eof()
    await raw._until(lambda: False)
    assert raw.frames[-1].opcode is not Opcode.CLOSE
    await rig.wait_for_baseline()
    assert rig.left == ["transport close"]


async def test_a_pong_is_sent_before_the_answer_to_what_came_after_the_ping(rig: Rig) -> None:
    raw = await rig.websocket()
    before = len(raw.frames)
    ping, text = Frame(Opcode.PING, b"first"), Frame(Opcode.TEXT, b"2second")
    raw.writer.write(ping.serialize(mask=True) + text.serialize(mask=True))
    await raw._until(lambda: len(raw.frames) >= before + 2)
    assert [frame.data for frame in raw.frames[before:]] == [b"first", b"3second"]


async def test_a_client_that_still_sends_its_too_large_frame_reads_the_close_frame(open_rig: OpenRig) -> None:
    rig = await open_rig(max_frame=CAP)
    raw = await rig.websocket()
    raw.frame(b"x" * 8_000_000)
    await raw.writer.drain()
    assert await raw.end() == (1009, "frame too large")
    await raw._until(lambda: False)
    await rig.wait_for_baseline()


async def test_utf8_split_between_fragments_is_text(rig: Rig) -> None:
    raw = await rig.websocket()
    data = '421["echo","ü€"]'.encode()
    for at in range(len(data)):
        raw.frame(data[at : at + 1], Opcode.CONT if at else Opcode.TEXT, fin=at == len(data) - 1)
    assert await raw.packet() == '431["ü€"]'


async def test_control_frames_between_fragments_are_answered_at_once(rig: Rig) -> None:
    raw = await rig.websocket()
    raw.frame(b'421["echo",', fin=False)
    raw.frame(b"between", Opcode.PING)
    assert await raw.control(Opcode.PONG) == b"between"
    raw.frame(b"unasked", Opcode.PONG)
    raw.frame(b"7]", Opcode.CONT)
    assert await raw.packet() == "431[7]"


async def test_a_frame_over_the_cap_is_1009_by_its_header(open_rig: OpenRig) -> None:
    rig = await open_rig(max_frame=CAP)
    fits = await rig.websocket()
    fits.text('421["echo","' + "x" * (CAP - 14) + '"]')
    assert len(await fits.packet()) == CAP - 7
    over = await rig.websocket()
    over.writer.write(b"\x81\xfe" + struct.pack("!H", CAP + 1) + b"\0\0\0\0")
    assert (await over.end())[0] == 1009


async def test_endless_fragments_are_1009_at_the_cap(open_rig: OpenRig) -> None:
    rig = await open_rig(max_frame=CAP)
    raw = await rig.websocket()
    raw.frame(b"4" * 1_000, fin=False)
    for _ in range(4):
        raw.frame(b"x" * 1_000, Opcode.CONT, fin=False)
    assert (await raw.end())[0] == 1009


async def test_endless_empty_fragments_end_at_the_cap(rig: Rig) -> None:
    raw = await rig.websocket()
    raw.frame(b'421["echo",', fin=False)
    for _ in range(MAX_FRAGMENTS):
        raw.frame(b"", Opcode.CONT, fin=False)
    assert await raw.end() == (1008, "too many fragments")


async def test_the_clients_own_close_is_answered_and_disconnect_fires(rig: Rig) -> None:
    raw = await rig.websocket()
    raw.frame(struct.pack("!H", 1000) + b"bye", Opcode.CLOSE)
    assert (await raw.end())[0] == 1000
    await rig.wait_for_baseline()
    assert rig.left == ["transport close"]


async def test_a_reset_connection_leaves_nothing(rig: Rig) -> None:
    raw = await rig.websocket()
    raw.frame(b"4", fin=False)
    await raw.hang_up()
    await rig.wait_for_baseline()
    assert rig.left == ["transport close"]


async def test_noise_leaves_nothing(rig: Rig) -> None:
    for _ in range(30):
        raw = await rig.websocket()
        raw.writer.write(os.urandom(600))
        await raw.hang_up()
    await rig.wait_for_baseline()
    assert len(rig.left) == 30
