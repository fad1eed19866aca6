"""What a hostile client can make the process hold: next to nothing."""

import asyncio
import os
import socket
from pathlib import Path

from leflux.realtime.engine.session import CHEAP_BURST
from tests.server.realtime.engine.conftest import ORIGIN, OpenRig, Raw, Rig

MEGABYTE = 1_048_576


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def half_post(rig: Rig, sid: str, declared: int, sent: int) -> asyncio.StreamWriter:
    """A POST of which the last bytes do not come."""
    _, writer = await asyncio.open_connection("127.0.0.1", rig.port)
    writer.transport.set_write_buffer_limits(0)
    head = f"POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: shop.test\r\nOrigin: {ORIGIN}\r\n"
    writer.write(f"{head}Content-Length: {declared}\r\n\r\n".encode() + b"4" * sent)
    await writer.drain()
    return writer


async def test_half_sent_posts_of_guessed_connections_hold_little_memory(rig: Rig) -> None:
    before = resident()
    cap = rig.engine.max_frame
    small = [await half_post(rig, "guessed", cap, cap - 1) for _ in range(200)]
    large = [await half_post(rig, "guessed", cap * 8, cap * 8 - 1) for _ in range(40)]
    # 50 MB and 80 MB were sent.
    assert resident() - before < 40 * MEGABYTE
    assert rig.at_baseline
    for writer in small + large:
        writer.transport.abort()


async def never_reading(rig: Rig) -> Raw:
    tiny = socket.socket()
    tiny.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    tiny.setblocking(False)
    await asyncio.get_running_loop().sock_connect(tiny, ("127.0.0.1", rig.port))
    reader, writer = await asyncio.open_connection(sock=tiny)
    raw = Raw(reader, writer)
    rig.keep(raw)
    await raw.ask("EIO=4&transport=websocket", ORIGIN)
    raw.text("40")
    assert (await raw.packet())[0] == "0"
    assert (await raw.packet()).startswith("40{")
    return raw


async def test_a_reader_that_never_reads_is_dropped_at_the_byte_cap(open_rig: OpenRig) -> None:
    rig = await open_rig(max_buffer=262_144)
    before = resident()
    for number in range(1, 11):
        raw = await never_reading(rig)
        (session,) = rig.engine.sessions.values()
        (sid,) = rig.sids
        sent = 0
        while session.is_open and sent < 64 * MEGABYTE:
            await rig.server.emit("told", "x" * 65_536, to=sid)
            sent += 65_536
            await asyncio.sleep(0)
        assert not session.is_open
        await raw.hang_up()
        await rig.wait_for_baseline()
        assert rig.left == ["slow reader"] * number
    assert resident() - before < 32 * MEGABYTE


async def test_a_slow_reader_costs_the_others_nothing(open_rig: OpenRig) -> None:
    rig = await open_rig(max_buffer=262_144)
    await never_reading(rig)
    other = await rig.websocket()
    for number, sid in enumerate(rig.sids):
        await rig.server.enter_room(sid, "all")
        assert number < 2
    for number in range(1_000):
        await rig.server.emit("told", str(number) + "x" * 16_384, to="all")
        assert (await other.packet()).startswith(f'42["told","{number}x')
    assert rig.left == ["slow reader"]


async def test_pings_that_are_never_read_do_not_pile_up(open_rig: OpenRig) -> None:
    rig = await open_rig(max_buffer=65_536)
    raw = await never_reading(rig)
    (session,) = rig.engine.sessions.values()
    # Few and large, so that they are not taken for a flood before.
    for _ in range(CHEAP_BURST):
        raw.text("2" + "p" * 60_000)
        if not session.is_open:
            break
        try:
            await raw.writer.drain()
        except ConnectionError:
            break
        await asyncio.sleep(0)
    await rig.wait_for_baseline()
    assert rig.left == ["slow reader"]


async def test_a_thousand_connections_leave_nothing(open_rig: OpenRig) -> None:
    rig = await open_rig()
    for _ in range(50):
        some = [await rig.websocket() for _ in range(20)]
        for raw in some:
            raw.text('42["echo",1]')
            await raw.hang_up()
    await rig.wait_for_baseline()
    assert len(rig.left) == 1_000
