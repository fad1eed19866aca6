"""A second namespace: a connection lives as long as one of them uses it, and a second gate may admit to it."""

import json
from typing import Any

from tornado.httputil import HTTPServerRequest

from leflux.realtime.engine import Admission
from tests.server.realtime.engine.conftest import CONTEXT, OpenRig, Raw, Rig

OTHER = "/other"


async def in_other(rig: Rig, raw: Raw) -> str:
    """The `sid` that the client gets in the other namespace."""
    rig.server.on("connect", rig._connect, namespace=OTHER)
    raw.text(f"40{OTHER},")
    head, _, body = (await raw.packet()).partition(",")
    assert head == f"40{OTHER}"
    sid: str = json.loads(body)["sid"]
    return sid


async def test_a_socket_of_the_other_namespace_alone_is_in_use_until_it_is_ended(open_rig: OpenRig) -> None:
    rig = await open_rig(ping_interval=0.1)
    raw = await rig.websocket(connected=False)
    sid = await in_other(rig, raw)
    for _ in range(3):
        await raw._until(lambda: bool(raw.packets))
        assert raw.packets.pop(0) == "2"
        raw.text("3")
    await rig.server.hang_up(sid, OTHER)
    assert await raw.packet() == f"41{OTHER},"
    assert await raw.end() == (1001, "server disconnect")
    await rig.wait_for_baseline()


async def test_a_socket_that_is_ended_in_one_namespace_stays_in_the_other(rig: Rig) -> None:
    raw = await rig.websocket()
    await rig.server.hang_up(await in_other(rig, raw), OTHER)
    assert await raw.packet() == f"41{OTHER},"
    raw.text('421["echo","still here"]')
    assert await raw.packet() == '431["still here"]'


async def test_what_the_gate_refuses_a_second_one_may_admit(open_rig: OpenRig) -> None:
    async def late(request: HTTPServerRequest) -> Admission | None:
        own: Any = request.headers.get_list("Origin") == ["http://own.test"]
        return Admission(CONTEXT, "") if own else None

    rig = await open_rig(late_gate=late)
    for query in ("EIO=4&transport=websocket", "EIO=4&transport=polling"):
        raw = await rig.raw(query, origin="http://evil.test")
        assert raw.status == 403
        assert rig.at_baseline
    assert (await rig.raw(origin="http://own.test")).status == 101
