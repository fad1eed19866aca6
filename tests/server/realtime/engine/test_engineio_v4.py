"""The cases of the Engine.IO protocol, version 4, against the engine with an echo behind it.

Those in `DEVIATIONS` show what LeFlux does instead.
"""

import asyncio
import json
import sys
from typing import Any

import pytest
from websockets.frames import Opcode

from tests.server.conftest import until
from tests.server.realtime.engine.cases import check_suite
from tests.server.realtime.engine.conftest import ORIGIN, OpenRig, Rig

POLLING, WEBSOCKET = "EIO=4&transport=polling", "EIO=4&transport=websocket"
SEPARATOR = "\x1e"
KEPT = "a packet that cannot be read is refused by itself, and the session goes on: its visitor would only come back"
BINARY = "binary data is refused"
DEVIATIONS = {
    "polling_invalid_method": "a POST without a session is 400 as it should be, but PUT is 405 with `Allow`",
    "polling_text_and_binary": BINARY,
    "polling_invalid_packet": KEPT,
    "polling_cancelled_poll": "a phone that changes its network comes back: an abandoned poll ends nothing",
    "websocket_binary": BINARY,
    "websocket_invalid_packet": KEPT,
}


@pytest.fixture
async def open_echo(open_rig: OpenRig) -> OpenRig:
    """Start an engine that sends every message back."""

    async def open_(**options: Any) -> Rig:
        rig = await open_rig(**options)

        async def echo(sid: str, data: str) -> None:
            await rig.engine.send(sid, data)

        rig.engine.on("message", echo)
        return rig

    return open_


@pytest.fixture
async def echo(open_echo: OpenRig) -> Rig:
    return await open_echo()


@pytest.fixture
async def hurried(open_echo: OpenRig) -> Rig:
    return await open_echo(ping_interval=0.3, ping_timeout=0.2)


async def ask(rig: Rig, query: str, method: str = "GET", data: str | None = None) -> tuple[int, str]:
    url = f"{rig.base}/socket.io/?{query}"
    async with rig.http.request(method, url, data=data, headers={"Origin": ORIGIN}) as response:
        return response.status, await response.text()


async def opened(rig: Rig) -> str:
    """The `sid` of a new polling session."""
    status, text = await ask(rig, POLLING)
    assert status == 200
    sid: str = json.loads(text[1:])["sid"]
    return sid


async def upgraded(rig: Rig, sid: str, *packets: str) -> Any:
    raw = await rig.raw(f"{WEBSOCKET}&sid={sid}")
    assert raw.status == 101
    raw.text(*packets)
    return raw


def check_hello(packet: str, upgrades: list[str]) -> None:
    assert packet[0] == "0"
    hello = json.loads(packet[1:])
    assert isinstance(hello.pop("sid"), str)
    assert hello == {"upgrades": upgrades, "pingInterval": 25_000, "pingTimeout": 20_000, "maxPayload": 262_144}


# Handshake.


async def test_polling_handshake(echo: Rig) -> None:
    status, text = await ask(echo, POLLING)
    assert status == 200
    check_hello(text, ["websocket"])


async def test_polling_invalid_version(echo: Rig) -> None:
    for query in ("transport=polling", "EIO=abc&transport=polling"):
        assert (await ask(echo, query))[0] == 400


async def test_polling_invalid_transport(echo: Rig) -> None:
    for query in ("EIO=4", "EIO=4&transport=abc"):
        assert (await ask(echo, query))[0] == 400


async def test_polling_invalid_method(echo: Rig) -> None:
    assert [(await ask(echo, POLLING, method))[0] for method in ("POST", "PUT")] == [400, 405]


async def test_websocket_handshake(echo: Rig) -> None:
    raw = await echo.raw(WEBSOCKET)
    check_hello(await raw.packet(), [])


async def test_websocket_invalid_version(echo: Rig) -> None:
    for query in ("transport=websocket", "EIO=abc&transport=websocket"):
        assert (await echo.raw(query)).status == 400


async def test_websocket_invalid_transport(echo: Rig) -> None:
    for query in ("EIO=4", "EIO=4&transport=abc"):
        assert (await echo.raw(query)).status == 400


# Messages.


async def test_polling_one_packet(echo: Rig) -> None:
    sid = await opened(echo)
    assert await echo.poll("POST", sid, "4hello") == (200, "ok")
    assert await echo.poll("GET", sid) == (200, "4hello")


async def test_polling_several_packets(echo: Rig) -> None:
    sid = await opened(echo)
    packets = SEPARATOR.join(["4test1", "4test2", "4test3"])
    assert await echo.poll("POST", sid, packets) == (200, "ok")
    text = (await echo.poll("GET", sid))[1]
    while text.count(SEPARATOR) < 2:
        text += SEPARATOR + (await echo.poll("GET", sid))[1]
    assert text == packets


async def test_polling_text_and_binary(echo: Rig) -> None:
    sid = await opened(echo)
    assert await echo.poll("POST", sid, f"4hello{SEPARATOR}bAQIDBA==") == (200, "ok")
    text = (await echo.poll("GET", sid))[1]
    while SEPARATOR not in text:
        text += SEPARATOR + (await echo.poll("GET", sid))[1]
    assert "4hello" in text.split(SEPARATOR)
    assert "bad_packet" in text


async def test_polling_invalid_packet(echo: Rig) -> None:
    sid = await opened(echo)
    assert await echo.poll("POST", sid, "abc") == (200, "ok")
    status, text = await echo.poll("GET", sid)
    assert (status, "bad_packet" in text) == (200, True)


async def test_polling_two_polls(echo: Rig) -> None:
    sid = await opened(echo)
    first = asyncio.create_task(echo.poll("GET", sid))
    await until(lambda: echo.engine.sessions[sid].transport.is_busy, "the first poll waits")
    assert (await ask(echo, f"{POLLING}&sid={sid}&t=burst"))[0] == 400
    assert await first == (200, "1")
    assert (await echo.poll("GET", sid))[0] == 400


async def test_polling_cancelled_poll(echo: Rig) -> None:
    sid = await opened(echo)
    first = asyncio.create_task(echo.poll("GET", sid))
    await until(lambda: echo.engine.sessions[sid].transport.is_busy, "the poll waits")
    first.cancel()
    await until(lambda: not echo.engine.sessions[sid].transport.is_busy, "the poll is gone")
    await echo.poll("POST", sid, "4hello")
    assert await echo.poll("GET", sid) == (200, "4hello")


async def test_websocket_text(echo: Rig) -> None:
    raw = await echo.websocket(connected=False)
    raw.text("4hello")
    assert await raw.packet() == "4hello"


async def test_websocket_binary(echo: Rig) -> None:
    raw = await echo.websocket(connected=False)
    raw.frame(b"\x01\x02\x03\x04", Opcode.BINARY)
    raw.text("4hello")
    assert "bad_packet" in await raw.packet()
    assert await raw.packet() == "4hello"


async def test_websocket_invalid_packet(echo: Rig) -> None:
    raw = await echo.websocket(connected=False)
    raw.text("abc", "4hello")
    assert "bad_packet" in await raw.packet()
    assert await raw.packet() == "4hello"


# Heartbeat.


async def test_polling_heartbeat(open_echo: OpenRig) -> None:
    rig = await open_echo(ping_interval=0.3)
    sid = await opened(rig)
    for _ in range(3):
        assert await rig.poll("GET", sid) == (200, "2")
        assert await rig.poll("POST", sid, "3") == (200, "ok")


async def test_polling_ping_timeout(hurried: Rig) -> None:
    sid = await opened(hurried)
    await until(lambda: not hurried.engine.sessions, "the client is given up")
    assert (await hurried.poll("GET", sid))[0] == 400


async def test_websocket_heartbeat(open_echo: OpenRig) -> None:
    rig = await open_echo(ping_interval=0.3)
    raw = await rig.raw(WEBSOCKET)
    await raw.next_packet()
    for _ in range(3):
        assert await raw.next_packet() == "2"
        raw.text("3")


async def test_websocket_ping_timeout(hurried: Rig) -> None:
    raw = await hurried.raw(WEBSOCKET)
    assert await raw.end() == (1001, "ping timeout")


# Close.


async def test_polling_close(echo: Rig) -> None:
    sid = await opened(echo)
    poll = asyncio.create_task(echo.poll("GET", sid))
    await until(lambda: echo.engine.sessions[sid].transport.is_busy, "the poll waits")
    assert await echo.poll("POST", sid, "1") == (200, "ok")
    assert await poll == (200, "6")
    assert (await echo.poll("GET", sid))[0] == 400


async def test_websocket_close(echo: Rig) -> None:
    raw = await echo.websocket(connected=False)
    raw.text("1")
    assert (await raw.end())[0] == 1000


# Upgrade.


async def test_upgrade(echo: Rig) -> None:
    sid = await opened(echo)
    raw = await upgraded(echo, sid, "2probe")
    assert await raw.packet() == "3probe"
    assert await echo.poll("GET", sid) == (200, "6")
    raw.text("5", "4hello")
    assert await raw.packet() == "4hello"


async def test_upgrade_ends_polling(echo: Rig) -> None:
    sid = await opened(echo)
    raw = await upgraded(echo, sid, "2probe", "5")
    assert await raw.packet() == "3probe"
    assert (await echo.poll("GET", sid))[0] == 400
    raw.text("4hello")
    assert await raw.packet() == "4hello"


async def test_upgrade_once(echo: Rig) -> None:
    sid = await opened(echo)
    raw = await upgraded(echo, sid, "2probe", "5")
    assert await raw.packet() == "3probe"
    assert (await echo.raw(f"{WEBSOCKET}&sid={sid}")).status == 400
    raw.text("4hello")
    assert await raw.packet() == "4hello"


def test_suite() -> None:
    check_suite(sys.modules[__name__], 25, DEVIATIONS)
