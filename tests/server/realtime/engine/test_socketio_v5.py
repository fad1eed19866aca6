"""The cases of the Socket.IO protocol, version 5, against the whole server.

The first half is the protocol below, which `test_engineio_v4` has case by case; here it is asked of `Server` once more.
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
from tests.server.realtime.engine.conftest import OpenRig, Raw, Rig
from tests.server.realtime.engine.test_engineio_v4 import POLLING, WEBSOCKET, ask, check_hello, opened, upgraded

CUSTOM = "/custom"
KEPT = "a packet that cannot be read is refused by itself, and the connection goes on"
BINARY = "binary packets are refused"
DEVIATIONS = {
    "polling_invalid_method": "a POST without a session is 400 as it should be, but PUT is 405 with `Allow`",
    "connect_invalid_handshake": KEPT,
    "message_binary": BINARY,
    "message_binary_acknowledged": BINARY,
    "message_unknown_type": KEPT,
    "message_payload_no_list": KEPT,
    "message_invalid_id": KEPT,
}
ATTACHMENTS = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'


class Told:
    """What the handlers of a namespace were given as `auth`."""

    def __init__(self, rig: Rig) -> None:
        self.auth: list[Any] = []
        for namespace in ("/", CUSTOM):
            rig.server.on("connect", self.connect, namespace=namespace)

    async def connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        self.auth.append(auth)


@pytest.fixture
def told(rig: Rig) -> Told:
    async def message(sid: str, *values: Any) -> None:
        await rig.server.emit("message-back", values, to=sid)

    async def message_with_ack(sid: str, *values: Any) -> Any:
        return values

    rig.server.on("message", message)
    rig.server.on("message-with-ack", message_with_ack)
    return Told(rig)


async def unconnected(rig: Rig) -> Raw:
    return await rig.websocket(connected=False)


# Engine.IO.


async def test_polling_handshake(rig: Rig) -> None:
    status, text = await ask(rig, POLLING)
    assert status == 200
    check_hello(text, ["websocket"])


async def test_polling_invalid_version(rig: Rig) -> None:
    assert [(await ask(rig, query))[0] for query in ("transport=polling", "EIO=abc&transport=polling")] == [400] * 2


async def test_polling_invalid_transport(rig: Rig) -> None:
    assert [(await ask(rig, query))[0] for query in ("EIO=4", "EIO=4&transport=abc")] == [400] * 2


async def test_polling_invalid_method(rig: Rig) -> None:
    assert [(await ask(rig, POLLING, method))[0] for method in ("POST", "PUT")] == [400, 405]


async def test_websocket_handshake(rig: Rig) -> None:
    raw = await rig.raw(WEBSOCKET)
    check_hello(await raw.packet(), [])


async def test_websocket_invalid_version(rig: Rig) -> None:
    statuses = [(await rig.raw(query)).status for query in ("transport=websocket", "EIO=abc&transport=websocket")]
    assert statuses == [400] * 2


async def test_websocket_invalid_transport(rig: Rig) -> None:
    assert [(await rig.raw(query)).status for query in ("EIO=4", "EIO=4&transport=abc")] == [400] * 2


async def test_polling_heartbeat(open_rig: OpenRig) -> None:
    rig = await open_rig(ping_interval=0.3)
    sid = await opened(rig)
    for _ in range(3):
        assert await rig.poll("GET", sid) == (200, "2")
        assert await rig.poll("POST", sid, "3") == (200, "ok")


async def test_polling_ping_timeout(open_rig: OpenRig) -> None:
    rig = await open_rig(ping_interval=0.3, ping_timeout=0.2)
    sid = await opened(rig)
    await until(lambda: not rig.engine.sessions, "the client is given up")
    assert (await rig.poll("GET", sid))[0] == 400


async def test_websocket_heartbeat(open_rig: OpenRig) -> None:
    rig = await open_rig(ping_interval=0.3)
    raw = await unconnected(rig)
    for _ in range(3):
        assert await raw.next_packet() == "2"
        raw.text("3")


async def test_websocket_ping_timeout(open_rig: OpenRig) -> None:
    rig = await open_rig(ping_interval=0.3, ping_timeout=0.2)
    raw = await rig.raw(WEBSOCKET)
    assert await raw.end() == (1001, "ping timeout")


async def test_polling_close(rig: Rig) -> None:
    sid = await opened(rig)
    poll = asyncio.create_task(rig.poll("GET", sid))
    await until(lambda: rig.engine.sessions[sid].transport.is_busy, "the poll waits")
    assert await rig.poll("POST", sid, "1") == (200, "ok")
    assert await poll == (200, "6")
    assert (await rig.poll("GET", sid))[0] == 400


async def test_websocket_close(rig: Rig) -> None:
    raw = await unconnected(rig)
    raw.text("1")
    assert (await raw.end())[0] == 1000


async def test_upgrade(rig: Rig) -> None:
    raw = await upgraded(rig, await opened(rig), "2probe")
    assert await raw.packet() == "3probe"
    raw.text("5", "40")
    assert (await raw.packet()).startswith("40{")


async def test_upgrade_ends_polling(rig: Rig) -> None:
    sid = await opened(rig)
    raw = await upgraded(rig, sid, "2probe", "5")
    assert await raw.packet() == "3probe"
    assert (await rig.poll("GET", sid))[0] == 400


async def test_upgrade_once(rig: Rig) -> None:
    sid = await opened(rig)
    raw = await upgraded(rig, sid, "2probe", "5")
    assert await raw.packet() == "3probe"
    assert (await rig.raw(f"{WEBSOCKET}&sid={sid}")).status == 400


# Namespaces.


async def check_connected(rig: Rig, told: Told, namespace: str, payload: str) -> None:
    head = f"40{namespace}," if namespace != "/" else "40"
    raw = await unconnected(rig)
    raw.text(head + payload)
    answer = await raw.packet()
    assert answer.startswith(head)
    handshake = json.loads(answer.removeprefix(head))
    assert (list(handshake), type(handshake["sid"])) == (["sid"], str)
    assert told.auth == [json.loads(payload) if payload else None]


async def test_connect(rig: Rig, told: Told) -> None:
    await check_connected(rig, told, "/", "")


async def test_connect_with_payload(rig: Rig, told: Told) -> None:
    await check_connected(rig, told, "/", '{"token":"123"}')


async def test_connect_namespace(rig: Rig, told: Told) -> None:
    await check_connected(rig, told, CUSTOM, "")


async def test_connect_namespace_with_payload(rig: Rig, told: Told) -> None:
    await check_connected(rig, told, CUSTOM, '{"token":"abc"}')


async def test_connect_unknown_namespace(rig: Rig) -> None:
    raw = await unconnected(rig)
    raw.text("40/random")
    assert await raw.packet() == '44/random,{"message":"Invalid namespace"}'


async def test_connect_invalid_handshake(rig: Rig) -> None:
    raw = await unconnected(rig)
    raw.text("4abc", "40")
    assert "bad_packet" in await raw.packet()
    assert (await raw.packet()).startswith("40{")


async def test_connect_never(open_rig: OpenRig) -> None:
    rig = await open_rig(connect_timeout=0.3)
    raw = await unconnected(rig)
    assert await raw.end() == (1008, "never connected")


async def test_disconnect(open_rig: OpenRig) -> None:
    rig = await open_rig(ping_interval=0.3)
    raw = await rig.websocket()
    raw.text("41")
    assert await raw.next_packet() == "2"


async def test_disconnect_namespace(rig: Rig, told: Told) -> None:
    raw = await rig.websocket()
    raw.text("40/custom")
    assert (await raw.packet()).startswith("40/custom,{")
    raw.text("41/custom", '42["message","message to main namespace"]')
    assert await raw.packet() == '42["message-back","message to main namespace"]'


# Messages.


async def test_message(rig: Rig, told: Told) -> None:
    raw = await rig.websocket()
    raw.text('42["message",1,"2",{"3":[true]}]')
    assert await raw.packet() == '42["message-back",1,"2",{"3":[true]}]'


async def test_message_binary(rig: Rig, told: Told) -> None:
    raw = await rig.websocket()
    raw.text(f'452-["message",{ATTACHMENTS}]')
    for attachment in (b"\x01\x02\x03", b"\x04\x05\x06"):
        raw.frame(attachment, Opcode.BINARY)
    assert ["bad_packet" in await raw.packet() for _ in range(3)] == [True] * 3
    raw.text('42["message",1]')
    assert await raw.packet() == '42["message-back",1]'


async def test_message_acknowledged(rig: Rig, told: Told) -> None:
    raw = await rig.websocket()
    raw.text('42456["message-with-ack",1,"2",{"3":[false]}]')
    assert await raw.packet() == '43456[1,"2",{"3":[false]}]'


async def test_message_binary_acknowledged(rig: Rig, told: Told) -> None:
    raw = await rig.websocket()
    raw.text(f'452-789["message-with-ack",{ATTACHMENTS}]')
    answer = await raw.packet()
    assert (answer.startswith("43789["), "bad_packet" in answer) == (True, True)


async def check_refused(rig: Rig, packet: str) -> None:
    raw = await rig.websocket()
    raw.text(packet, '421["message-with-ack",1]')
    assert "bad_packet" in await raw.packet()
    assert await raw.packet() == "431[1]"


async def test_message_unknown_type(rig: Rig, told: Told) -> None:
    await check_refused(rig, "4abc")


async def test_message_payload_no_list(rig: Rig, told: Told) -> None:
    await check_refused(rig, "42{}")


async def test_message_invalid_id(rig: Rig, told: Told) -> None:
    raw = await rig.websocket()
    raw.text('42abc["message-with-ack",1]', '421["message-with-ack",1]')
    assert "bad_json" in await raw.packet()
    assert await raw.packet() == "431[1]"


def test_suite() -> None:
    check_suite(sys.modules[__name__], 32, DEVIATIONS)
