"""Nobody's flood: a socket that sends without end is given a little in each turn of the loop, and is closed in the end.

What is asserted are counts: how much of the attackers' is handled between two turns of an honest socket.
"""

import asyncio
import itertools
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from leflux.realtime.engine.session import EngineSession
from leflux.realtime.engine.websocket import FRAMES_PER_TURN, WebSocket
from tests.server.conftest import until
from tests.server.realtime.engine.attacker import KINDS
from tests.server.realtime.engine.conftest import OpenRig, Rig

ATTACKER = Path(__file__).with_name("attacker.py")


@asynccontextmanager
async def attacked(rig: Rig, kind: str, sockets: int) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(sys.executable, str(ATTACKER), str(rig.port), kind, str(sockets))
    try:
        yield
    finally:
        process.kill()
        await process.wait()


def count_frames(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many frames the server has handled of all sockets."""
    frames = 0
    original: Any = WebSocket._frame

    def counted(self: WebSocket, frame: Any) -> None:
        nonlocal frames
        frames += 1
        original(self, frame)

    monkeypatch.setattr(WebSocket, "_frame", counted)
    return lambda: frames


@pytest.mark.parametrize("sockets", [1, 60])
@pytest.mark.parametrize("kind", [*KINDS, "fragments"])
async def test_honest_messages_are_answered_beside_a_flood_and_the_flood_is_closed(
    open_rig: OpenRig, monkeypatch: pytest.MonkeyPatch, kind: str, sockets: int
) -> None:
    # On a slow machine the flood may take longer than a ping's interval, and this client answers none.
    rig = await open_rig(ping_interval=600.0)
    frames = count_frames(monkeypatch)
    honest = await rig.websocket(local_addr=("127.0.0.2", 0))
    closed = rig.engine.closed_by
    async with attacked(rig, kind, sockets):
        await until(lambda: frames() > 1_000, "the flood has begun")
        for number in range(30):
            honest.text(f'421["echo",{number}]')
            assert await honest.packet() == f"431[{number}]"
        await until(lambda: sum(closed.values()) > 0, "a flooding socket is closed")
    assert set(closed) <= {"flood", "too many fragments", "transport close"}
    assert not any(session.is_open is False for session in rig.engine.sessions.values())
    honest.text('421["echo","still here"]')
    assert await honest.packet() == '431["still here"]'


async def test_between_two_turns_of_a_socket_the_others_have_a_few_frames_each(
    open_rig: OpenRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = await open_rig()
    frames, turns = count_frames(monkeypatch), []
    attackers = [await rig.websocket() for _ in range(5)]
    honest = await rig.websocket()
    flood = Frame(Opcode.PONG, b"").serialize(mask=True) * 1_500
    for raw in attackers:
        raw.writer.write(flood)
    before = frames()
    while frames() - before < 5 * 1_500:
        turns.append(frames())
        await asyncio.sleep(0)
    most = max(after - earlier for earlier, after in itertools.pairwise(turns))
    # Once when it is read, and once in the shared turn.
    assert most <= 2 * len(attackers) * FRAMES_PER_TURN
    honest.text('421["echo",1]')
    assert await honest.packet() == "431[1]"


async def test_one_event_of_each_socket_is_handled_in_a_turn_of_the_loop(open_rig: OpenRig) -> None:
    rig = await open_rig()
    raw = await rig.websocket()
    handled: list[int] = []
    raw.text(*['42["echo"]'] * 200)
    while len(rig.seen) < 200:
        handled.append(len(rig.seen))
        await asyncio.sleep(0)
    assert max(after - before for before, after in itertools.pairwise(handled)) <= 1


async def test_five_hundred_upgrades_of_one_connection_are_refused(open_rig: OpenRig) -> None:
    rig = await open_rig()
    sid = await rig.polling()
    query = f"EIO=4&transport=websocket&sid={sid}"
    statuses = [(await rig.raw(query)).status for _ in range(12)]
    assert statuses == [101] * 4 + [429] * 8
    session: EngineSession = rig.engine.sessions[sid]
    assert session.upgrades == 4


async def test_sockets_that_ignore_the_close_frame_are_cut_at_the_deadline(
    open_rig: OpenRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leflux.realtime.engine.websocket.CLOSE_SECONDS", 0.2)
    rig = await open_rig()
    sockets = [await rig.websocket() for _ in range(20)]
    files = len(os.listdir("/proc/self/fd"))
    await rig.engine.disconnect()
    # Neither answered nor closed by the clients.
    await until(lambda: len(os.listdir("/proc/self/fd")) <= files - len(sockets), "the server has closed its ends")
