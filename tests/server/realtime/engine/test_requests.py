"""Requests for the sockets: the transport, the handshake and its refusals, and what a poll's answer says."""

from typing import Any

import pytest

from tests.server.realtime.engine.conftest import ORIGIN, Rig

UPGRADE = {
    "Origin": ORIGIN,
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


async def ask(rig: Rig, query: str, method: str = "GET", **headers: str) -> tuple[int, Any]:
    url = f"{rig.base}/socket.io/?{query}"
    async with rig.http.request(method, url, headers={"Origin": ORIGIN} | headers) as response:
        response.close()
        return response.status, response.headers


@pytest.mark.parametrize("query", ["EIO=4", "EIO=4&transport=", "EIO=4&transport=flash", "EIO=4&transport=WebSocket"])
@pytest.mark.parametrize("headers", [{}, UPGRADE], ids=["request", "upgrade"])
async def test_a_missing_or_unknown_transport_is_400(rig: Rig, query: str, headers: dict[str, str]) -> None:
    assert (await ask(rig, query, **headers))[0] == 400
    assert rig.at_baseline


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Upgrade": "h2c"}, 426),
        ({"Connection": "keep-alive"}, 426),
        ({"Sec-WebSocket-Version": "8"}, 426),
        ({"Sec-WebSocket-Version": ""}, 426),
        ({"Sec-WebSocket-Key": "short"}, 400),
        ({"Sec-WebSocket-Key": ""}, 400),
    ],
)
async def test_a_bad_handshake_says_what_is_spoken(rig: Rig, changed: dict[str, str], status: int) -> None:
    answered, headers = await ask(rig, "EIO=4&transport=websocket", **(UPGRADE | changed))
    assert answered == status
    assert (headers["Upgrade"], headers["Sec-WebSocket-Version"]) == ("websocket", "13")
    assert rig.at_baseline


@pytest.mark.parametrize("offered", ["chat, superchat", "chat", " , chat", "no token,chat", "chat,chat"])
async def test_an_offered_subprotocol_is_chosen_so_that_the_client_goes_on(rig: Rig, offered: str) -> None:
    status, headers = await ask(rig, "EIO=4&transport=websocket", **UPGRADE, **{"Sec-WebSocket-Protocol": offered})
    assert (status, headers["Sec-WebSocket-Protocol"]) == (101, "chat")


@pytest.mark.parametrize("more", ["t=N8hyd6w", "b64=1", "b64=1&t=1", "EIO=4", "supportsBinary=false"])
@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_what_older_clients_add_to_the_query_is_ignored(rig: Rig, transport: str, more: str) -> None:
    headers = UPGRADE if transport == "websocket" else {}
    status, _ = await ask(rig, f"{more}&EIO=4&transport={transport}&{more}", **headers)
    assert status == (101 if transport == "websocket" else 200)


@pytest.mark.parametrize("number", ["0", "", "x"])
async def test_jsonp_is_refused_before_a_connection_is_opened(rig: Rig, number: str) -> None:
    assert (await ask(rig, f"EIO=4&transport=polling&j={number}"))[0] == 400
    assert rig.at_baseline


async def test_a_post_belongs_to_long_polling_alone(rig: Rig) -> None:
    sid = await rig.polling()
    assert (await ask(rig, f"EIO=4&transport=websocket&sid={sid}", "POST"))[0] == 400
    assert await rig.poll("POST", sid, '421["echo",1]') == (200, "ok")


async def test_an_upgrade_request_for_long_polling_is_a_poll(rig: Rig) -> None:
    status, headers = await ask(rig, "EIO=4&transport=polling", **UPGRADE)
    assert (status, "Upgrade" in headers) == (200, False)


async def test_a_poll_is_answered_whatever_its_conditions(rig: Rig) -> None:
    status, headers = await ask(rig, "EIO=4&transport=polling", **{"If-None-Match": "*"})
    assert status == 200
    assert "ETag" not in headers


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH"])
async def test_other_methods_are_405_with_what_is_allowed(rig: Rig, method: str) -> None:
    sid = await rig.polling()
    await rig.server.emit("told", 1, to=rig.sids[0])
    status, headers = await ask(rig, f"EIO=4&transport=polling&sid={sid}", method)
    assert (status, headers["Allow"]) == (405, "GET, POST, OPTIONS")
    # Nothing of what waits was lost to it.
    assert await rig.poll("GET", sid) == (200, '42["told",1]')


async def test_a_preflight_is_answered(rig: Rig) -> None:
    status, headers = await ask(rig, "EIO=4&transport=polling", "OPTIONS")
    assert (status, headers["Access-Control-Allow-Origin"]) == (204, ORIGIN)
