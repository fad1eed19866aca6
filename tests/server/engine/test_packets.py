"""Packets that make no sense or forge something: the connection closes at once and its end is told (FAULTS §3, §4)."""

import asyncio

import pytest
from websockets.frames import Opcode

from leflux.realtime.engine.packet import RESERVED
from tests.server.conftest import until
from tests.server.engine.conftest import OpenRig, Rig

GARBAGE = ["x", "", "9", "-1", "\x00", "4", "49", "4x", '4"', "0{}"]
NOT_EVENTS = ["42", "42[", "42{}", "42[]", "42[7]", "42[null]", '42["echo",NaN]', "43[]", "431{}", "44{}", "40[]"]
BINARY = ['451-["echo",{"_placeholder":true,"num":0}]', '45-["echo"]', "461-1[]", '45999999-["echo"]']


@pytest.mark.parametrize("packet", [*GARBAGE, *NOT_EVENTS, *BINARY])
async def test_a_packet_without_sense_closes_and_disconnect_fires(rig: Rig, packet: str) -> None:
    raw = await rig.websocket()
    raw.text(packet)
    assert (await raw.end())[0] in (1002, 1008)
    await rig.wait_for_baseline()
    assert len(rig.left) == 1
    assert not rig.server._binary_packet


@pytest.mark.parametrize("packet", ["x", *BINARY, '42["connect"]'])
async def test_the_same_by_polling(rig: Rig, packet: str) -> None:
    sid = await rig.polling()
    await rig.poll("POST", sid, packet)
    await rig.wait_for_baseline()
    assert len(rig.left) == 1
    assert (await rig.poll("GET", sid))[0] == 400


@pytest.mark.parametrize("name", sorted(RESERVED))
async def test_a_client_that_emits_a_reserved_event_is_closed_and_no_handler_runs(rig: Rig, name: str) -> None:
    calls: list[object] = []
    if name not in ("connect", "disconnect"):
        rig.server.on(name, lambda *arguments: calls.append(arguments))
    raw = await rig.websocket()
    raw.text(f'42["{name}",{{"forged":true}}]')
    assert await raw.end() == (1008, "bad packet")
    await rig.wait_for_baseline()
    # Once: for the real end, not for the forged one.
    assert rig.left == ["bad packet"]
    assert calls == []


async def test_unfinished_binary_packets_leave_nothing(rig: Rig) -> None:
    for _ in range(20):
        raw = await rig.websocket()
        raw.text(BINARY[0])
        raw.frame(b"b" * 1_000, Opcode.BINARY)
        await raw.end()
    await rig.wait_for_baseline()


async def test_deep_json_closes_only_its_sender(open_rig: OpenRig) -> None:
    rig = await open_rig()
    raw, other = await rig.websocket(), await rig.websocket()
    raw.text('42["echo",' + "[" * 100_000)
    assert (await raw.end())[0] == 1008
    other.text('421["echo",1]')
    assert await other.packet() == "431[1]"


async def test_a_handler_that_fails_keeps_its_connection(rig: Rig) -> None:
    async def fails(sid: str) -> None:
        raise RuntimeError("a fault of ours")

    rig.server.on("fails", fails)
    raw = await rig.websocket()
    raw.text('421["fails"]', '422["echo",2]')
    assert await raw.packet() == "432[2]"


async def test_an_event_before_the_connection_is_ignored(rig: Rig) -> None:
    raw = await rig.websocket(connected=False)
    raw.text('421["echo",1]', "40", '422["echo",2]')
    assert (await raw.packet()).startswith("40{")
    assert await raw.packet() == "432[2]"
    assert rig.seen == [2]


async def test_a_client_that_connects_twice_is_closed_and_leaves_nothing(rig: Rig) -> None:
    raw = await rig.websocket()
    raw.text("40")
    assert (await raw.end())[0] == 1008
    await rig.wait_for_baseline()
    assert len(rig.left) == 1


async def test_another_namespace_is_refused_and_the_first_stays(rig: Rig) -> None:
    raw = await rig.websocket()
    raw.text("40/admin,")
    assert await raw.packet() == '44/admin,"Unable to connect"'
    raw.text('42/admin,1["echo",1]', '422["echo",2]')
    assert await raw.packet() == "432[2]"
    assert rig.seen == [2]


async def test_acknowledgements_nobody_waits_for_are_ignored(rig: Rig) -> None:
    raw = await rig.websocket()
    raw.text("437[]", '421["echo",1]')
    assert await raw.packet() == "431[1]"


async def test_a_flood_ahead_of_a_handler_is_closed_by_count_and_by_size(open_rig: OpenRig) -> None:
    rig = await open_rig(max_buffer=100_000)
    release = asyncio.Event()

    async def hang(sid: str) -> None:
        await release.wait()

    rig.server.on("hang", hang)
    many, large = await rig.websocket(), await rig.websocket()
    many.text('42["hang"]', *['42["echo"]'] * 1_100)
    large.text('42["hang"]', *['42["echo","' + "x" * 20_000 + '"]'] * 6)
    assert await many.end() == (1008, "flood")
    assert await large.end() == (1008, "flood")
    release.set()
    await until(lambda: len(rig.left) == 2, "both have left")
