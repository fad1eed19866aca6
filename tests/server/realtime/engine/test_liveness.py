"""Who stays: only a client that connects and answers; a clock that jumps ends nothing."""

import asyncio
import time

import pytest

from leflux.realtime.engine.timer_wheel import NOWHERE, TimerWheel
from tests.server.conftest import until
from tests.server.realtime.engine.conftest import OpenRig, Rig


async def test_a_client_that_answers_stays(open_rig: OpenRig) -> None:
    rig = await open_rig(ping_interval=0.5, ping_timeout=20.0)
    raw = await rig.websocket()
    for number in range(5):
        await raw._until(lambda: bool(raw.packets))
        assert raw.packets.pop(0) == "2"
        raw.text("3")
        raw.text(f'421["echo",{number}]')
        assert await raw.packet() == f"431[{number}]"
    assert rig.left == []


async def test_a_client_that_does_not_answer_is_closed_with_the_reason(open_rig: OpenRig) -> None:
    rig = await open_rig(ping_interval=1.0, ping_timeout=0.3)
    raw = await rig.websocket()
    assert await raw.end() == (1001, "ping timeout")
    await rig.wait_for_baseline()
    assert rig.left == ["ping timeout"]
    assert rig.engine.closed_by == {"ping timeout": 1}


async def test_a_polling_client_that_is_gone_is_closed(open_rig: OpenRig) -> None:
    rig = await open_rig(ping_interval=1.0, ping_timeout=0.3)
    await rig.polling()
    await rig.wait_for_baseline()
    assert rig.left == ["ping timeout"]


@pytest.mark.parametrize("greeting", [[], ["40/admin,"], ['40{"refuse":true}']])
async def test_a_client_that_is_not_connected_is_closed_though_it_answers_pings(
    open_rig: OpenRig, greeting: list[str]
) -> None:
    rig = await open_rig(ping_interval=0.2, ping_timeout=5.0, connect_timeout=0.2)
    raw = await rig.websocket(connected=False)
    raw.text(*greeting)
    while not raw.closed and not any(frame.opcode == 8 for frame in raw.frames):
        await raw.read()
        raw.text("3")
    assert await raw.end() == (1008, "never connected")


async def test_a_client_that_has_left_its_namespace_stays_and_may_come_back(open_rig: OpenRig) -> None:
    rig = await open_rig(ping_interval=0.2, ping_timeout=5.0, connect_timeout=0.2)
    raw = await rig.websocket()
    raw.text("41")
    for _ in range(3):
        await raw._until(lambda: bool(raw.packets))
        assert raw.packets.pop(0) == "2"
        raw.text("3")
    raw.text("40", '421["echo",1]')
    assert (await raw.packet()).startswith("40{")
    assert await raw.packet() == "431[1]"


async def test_a_short_ping_interval_leaves_the_time_to_connect(open_rig: OpenRig) -> None:
    rig = await open_rig(ping_interval=0.1, ping_timeout=20.0, connect_timeout=60.0)
    raw = await rig.websocket(connected=False)
    for _ in range(5):
        await raw._until(lambda: bool(raw.packets))
        assert raw.packets.pop(0) == "2"
        raw.text("3")
    raw.text("40")
    assert (await raw.packet()).startswith("40{")


async def test_pongs_that_nobody_asked_for_gain_no_time(open_rig: OpenRig) -> None:
    rig = await open_rig(ping_interval=0.1, ping_timeout=5.0, connect_timeout=0.4)
    raw = await rig.websocket(connected=False)
    while not raw.closed and not any(frame.opcode == 8 for frame in raw.frames):
        raw.text("3", "3")
        await raw.read()
    assert await raw.end() == (1008, "never connected")


async def test_a_polling_client_that_never_connects_is_closed(open_rig: OpenRig) -> None:
    rig = await open_rig(connect_timeout=0.2)
    assert (await rig.poll())[0] == 200
    await rig.wait_for_baseline()
    assert rig.engine.closed_by == {"never connected": 1}


async def test_a_shutdown_says_goodbye_on_both_transports(rig: Rig) -> None:
    raw, sid = await rig.websocket(), await rig.polling()
    poll = asyncio.create_task(rig.poll("GET", sid))
    await until(lambda: rig.engine.sessions[sid].transport.is_busy, "the poll waits")
    await rig.server.shutdown()
    assert rig.left == ["server disconnect"] * 2
    assert rig.at_baseline
    assert await raw.end() == (1001, "server disconnect")
    assert await poll == (200, "1")


async def test_a_client_that_ignores_the_goodbye_is_cut_off(rig: Rig) -> None:
    raw = await rig.websocket()
    await rig.server.shutdown()
    await raw._until(lambda: False)
    assert raw.closed


class Item:
    slot = NOWHERE

    def __init__(self) -> None:
        self.is_due = False

    def due(self) -> None:
        self.is_due = True


class CountedWheel(TimerWheel):
    turns = 0

    def _turn(self) -> None:
        self.turns += 1
        super()._turn()


@pytest.fixture
async def wheel() -> CountedWheel:
    return CountedWheel(tick=0.02, longest=1.0)


async def test_an_item_is_due_after_its_ticks(wheel: CountedWheel) -> None:
    item = Item()
    wheel.schedule(item, 0.1)
    await until(lambda: item.is_due, "the item is due")
    assert wheel.turns == 5
    assert len(wheel) == 0


async def test_a_process_that_was_frozen_gives_everybody_the_full_time(wheel: CountedWheel) -> None:
    item = Item()
    wheel.schedule(item, 0.1)
    # The loop does not run, as under SIGSTOP: all the ticks of the meantime count as one.
    time.sleep(0.5)  # noqa: ASYNC251
    await until(lambda: item.is_due, "the item is due")
    assert wheel.turns == 5


@pytest.mark.parametrize("jump", [3_600.0, -3_600.0])
async def test_a_jump_of_the_wall_clock_ends_nothing(
    wheel: CountedWheel, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    item = Item()
    wheel.schedule(item, 0.1)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + jump)
    await until(lambda: item.is_due, "the item is due")
    assert wheel.turns == 5


async def test_a_new_appointment_replaces_the_old_one(wheel: CountedWheel) -> None:
    item, cancelled, last = Item(), Item(), Item()
    wheel.schedule(item, 0.02)
    wheel.schedule(item, 1.0)
    wheel.schedule(cancelled, 0.02)
    wheel.cancel(cancelled)
    wheel.schedule(last, 0.1)
    await until(lambda: last.is_due, "the last is due")
    assert not item.is_due
    assert not cancelled.is_due
    wheel.stop()
