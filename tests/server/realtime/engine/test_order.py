"""One socket's events are handled in order, and nobody waits for anybody else's handler."""

import asyncio

import pytest

from tests.server.conftest import until
from tests.server.realtime.engine.conftest import OpenRig, Rig

SEPARATOR = "\x1e"


def hanging(rig: Rig) -> asyncio.Event:
    """An event `hang` whose handler waits until this is set."""
    release = asyncio.Event()

    async def hang(sid: str) -> str:
        await release.wait()
        return "released"

    rig.server.on("hang", hang)
    return release


async def test_events_are_handled_in_order_however_long_each_takes(rig: Rig) -> None:
    done: list[int] = []

    async def work(sid: str, number: int) -> int:
        for _ in range(20 - number):
            await asyncio.sleep(0)
        done.append(number)
        return number

    rig.server.on("work", work)
    raw = await rig.websocket()
    raw.text(*(f'42{number}["work",{number}]' for number in range(20)))
    assert [await raw.packet() for _ in range(20)] == [f"43{number}[{number}]" for number in range(20)]
    assert done == list(range(20))


@pytest.mark.parametrize("count", [17, 100, 1_100])
async def test_every_packet_of_one_post_is_handled_in_order(rig: Rig, count: int) -> None:
    sid = await rig.polling()
    packets = SEPARATOR.join(f'42["echo",{number}]' for number in range(count))
    assert await rig.poll("POST", sid, packets) == (200, "ok")
    await until(lambda: len(rig.seen) == count, "all are handled")
    assert rig.seen == list(range(count))


async def test_a_handler_that_hangs_starves_no_ping_and_no_other_socket(open_rig: OpenRig) -> None:
    rig = await open_rig(ping_interval=0.5, ping_timeout=20.0)
    release = hanging(rig)
    slow, other = await rig.websocket(), await rig.websocket()
    slow.text('421["hang"]', '422["echo",2]', "2probe")
    # Its own pings are answered, from either side, and it is asked again and again.
    assert await slow.packet() == "3probe"
    pings = 0
    while pings < 5:
        await slow._until(lambda: bool(slow.packets))
        assert slow.packets.pop(0) == "2"
        slow.text("3")
        pings += 1
    other.text('421["echo",1]')
    assert await other.packet() == "431[1]"
    assert rig.seen == [1]
    release.set()
    assert [await slow.packet(), await slow.packet()] == ['431["released"]', "432[2]"]
    assert rig.left == []


async def test_what_arrived_before_the_end_is_handled_before_it(rig: Rig) -> None:
    release = hanging(rig)
    raw = await rig.websocket()
    raw.text('42["hang"]', '42["echo","last words"]')
    (session,) = rig.engine.sessions.values()
    await until(lambda: len(session._inbox or ()) == 1, "the last words have arrived")
    await raw.hang_up()
    await until(lambda: not rig.engine.sessions, "the end has arrived")
    assert rig.left == []
    release.set()
    await rig.wait_for_baseline()
    assert rig.seen == ["last words"]
    assert rig.left == ["transport close"]
