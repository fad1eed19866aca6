"""Long-polling and the move to a WebSocket: nothing is lost or doubled on the way."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.server.conftest import until
from tests.server.realtime.engine.conftest import OpenRig, Rig

WEBSOCKET = "EIO=4&transport=websocket"


async def waiting_poll(rig: Rig, sid: str) -> "asyncio.Task[tuple[int, str]]":
    poll = asyncio.create_task(rig.poll("GET", sid))
    await until(lambda: rig.engine.sessions[sid].transport.is_busy, "the poll waits")
    return poll


async def tell(rig: Rig, *values: int) -> None:
    for value in values:
        await rig.server.emit("told", value, to=rig.sids[0])


async def test_a_poll_waits_for_what_comes(rig: Rig) -> None:
    sid = await rig.polling()
    poll = await waiting_poll(rig, sid)
    await tell(rig, 1)
    assert await poll == (200, '42["told",1]')
    await tell(rig, 2, 3)
    assert await rig.poll("GET", sid) == (200, '42["told",2]\x1e42["told",3]')


async def test_two_polls_at_once_end_the_connection(rig: Rig) -> None:
    sid = await rig.polling()
    poll = await waiting_poll(rig, sid)
    assert (await rig.poll("GET", sid))[0] == 400
    assert await poll == (200, "1")
    await rig.wait_for_baseline()
    assert rig.left == ["two polls at once"]


async def test_an_abandoned_poll_loses_nothing(rig: Rig) -> None:
    sid = await rig.polling()
    poll = await waiting_poll(rig, sid)
    poll.cancel()
    await until(lambda: not rig.engine.sessions[sid].transport.is_busy, "the poll is gone")
    await tell(rig, 1)
    assert await rig.poll("GET", sid) == (200, '42["told",1]')


async def test_the_clients_goodbye_ends_the_connection(rig: Rig) -> None:
    sid = await rig.polling()
    poll = await waiting_poll(rig, sid)
    await rig.poll("POST", sid, "1")
    # As the protocol wants it: a close packet is for a client that did not close.
    assert await poll == (200, "6")
    await rig.wait_for_baseline()
    assert rig.left == ["client disconnect"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_post_over_the_cap_is_413(open_rig: OpenRig, chunked: bool) -> None:
    rig = await open_rig(max_frame=4_096)
    sid = await rig.polling()

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"4" * 1_000

    status, _ = await rig.poll("POST", sid, chunks() if chunked else b"4" * 4_097)
    assert status == 413
    assert rig.seen == []


async def test_a_compressed_post_is_415(rig: Rig) -> None:
    sid = await rig.polling()
    assert (await rig.poll("POST", sid, b"\x1f\x8b", **{"Content-Encoding": "gzip"}))[0] == 415


async def test_a_post_that_is_not_utf8_ends_the_connection(rig: Rig) -> None:
    sid = await rig.polling()
    assert (await rig.poll("POST", sid, b"4\xff"))[0] == 400
    await rig.wait_for_baseline()


async def test_a_client_that_never_polls_is_dropped_at_the_byte_cap(open_rig: OpenRig) -> None:
    rig = await open_rig(max_buffer=10_000)
    sid = await rig.polling()
    session = rig.engine.sessions[sid]
    room = rig.sids[0]
    for _ in range(200):
        await rig.server.emit("told", "x" * 1_000, to=room)
        assert session.transport._size < 12_000
        await asyncio.sleep(0)
    await rig.wait_for_baseline()
    assert rig.left == ["slow reader"]


async def test_an_upgrade_moves_what_waits_and_answers_the_waiting_poll(rig: Rig) -> None:
    sid = await rig.polling()
    poll = await waiting_poll(rig, sid)
    raw = await rig.raw(f"{WEBSOCKET}&sid={sid}")
    raw.text("2probe")
    assert await raw.packet() == "3probe"
    # The client may not move while a poll of it waits: it is let go.
    assert await poll == (200, "6")
    await tell(rig, 1, 2)
    raw.text("5", '421["echo",3]')
    assert [await raw.packet() for _ in range(3)] == ['42["told",1]', '42["told",2]', "431[3]"]
    await tell(rig, 4)
    assert await raw.packet() == '42["told",4]'
    assert (await rig.poll("GET", sid))[0] == 400
    assert (await rig.poll("POST", sid, '42["echo",5]'))[0] == 400
    assert rig.seen == [3]
    assert rig.left == []


async def test_a_poll_that_waits_in_spite_of_the_upgrade_gets_what_is_there(rig: Rig) -> None:
    sid = await rig.polling()
    raw = await rig.raw(f"{WEBSOCKET}&sid={sid}")
    raw.text("2probe")
    assert await raw.packet() == "3probe"
    assert await rig.poll("GET", sid) == (200, "6")
    poll = await waiting_poll(rig, sid)
    raw.text("5", '421["echo",1]')
    assert await raw.packet() == "431[1]"
    assert await poll == (200, "6")


async def test_a_probe_that_is_repeated_is_answered_again(rig: Rig) -> None:
    sid = await rig.polling()
    raw = await rig.raw(f"{WEBSOCKET}&sid={sid}")
    raw.text("2probe", "2probe", "5", '421["echo",1]')
    assert [await raw.packet() for _ in range(3)] == ["3probe", "3probe", "431[1]"]


async def test_a_goodbye_in_mid_upgrade_ends_both(rig: Rig) -> None:
    sid = await rig.polling()
    raw = await rig.raw(f"{WEBSOCKET}&sid={sid}")
    raw.text("2probe")
    assert await raw.packet() == "3probe"
    assert await rig.poll("POST", sid, "1") == (200, "ok")
    raw.text("5")
    assert await raw.end() == (1002, "not an upgrade")
    await rig.wait_for_baseline()
    assert rig.left == ["client disconnect"]


@pytest.mark.parametrize("wrong", ["40", "2", "x", ""])
async def test_a_failed_probe_leaves_the_polling_alone(rig: Rig, wrong: str) -> None:
    sid = await rig.polling()
    raw = await rig.raw(f"{WEBSOCKET}&sid={sid}")
    raw.text(wrong)
    assert await raw.end() == (1002, "not an upgrade")
    await rig.poll("POST", sid, '421["echo",1]')
    assert await rig.poll("GET", sid) == (200, "431[1]")
    assert rig.left == []


async def test_a_probe_that_is_cut_off_leaves_the_polling_alone(rig: Rig) -> None:
    sid = await rig.polling()
    raw = await rig.raw(f"{WEBSOCKET}&sid={sid}")
    raw.text("2probe")
    assert await raw.packet() == "3probe"
    await raw.hang_up()
    assert await rig.poll("GET", sid) == (200, "6")
    await rig.poll("POST", sid, '421["echo",1]')
    assert await rig.poll("GET", sid) == (200, "431[1]")
    assert rig.left == []


async def test_a_websocket_cannot_be_taken_over_by_another(rig: Rig) -> None:
    raw = await rig.websocket()
    (sid,) = rig.engine.sessions
    assert (await rig.raw(f"{WEBSOCKET}&sid={sid}")).status == 400
    raw.text('421["echo",1]')
    assert await raw.packet() == "431[1]"


async def test_of_two_upgrades_the_first_wins(rig: Rig) -> None:
    sid = await rig.polling()
    first, second = [await rig.raw(f"{WEBSOCKET}&sid={sid}") for _ in range(2)]
    first.text("2probe", "5", '421["echo",1]')
    assert [await first.packet(), await first.packet()] == ["3probe", "431[1]"]
    second.text("2probe", "5")
    assert await second.end() == (1002, "not an upgrade")
    first.text('422["echo",2]')
    assert await first.packet() == "432[2]"


async def test_an_upgrade_that_never_comes_to_its_point_is_cut_off(rig: Rig) -> None:
    sid = await rig.polling()
    raw = await rig.raw(f"{WEBSOCKET}&sid={sid}")
    await raw._until(lambda: False)
    assert raw.closed
    assert rig.left == []
