"""The engine as the whole server wires it: the gate by sites, the real address behind a proxy, its rate limits."""

import uuid
from typing import Any

import pytest
import socketio

from leflux.sites.rate_limits import LOOKUP_MISSES_PER_MINUTE
from tests.server.conftest import ORIGIN, Opened, Visitor


@pytest.fixture
def backend() -> str:
    return "memory"


async def handshake(visitor: Visitor, transport: str, origin: str | None, **headers: str) -> int:
    """The status of a first request. A WebSocket is closed again."""
    url = f"{visitor.base}/socket.io/?EIO=4&transport={transport}"
    sent: dict[str, str] = headers | ({} if origin is None else {"Origin": origin})
    if transport == "websocket":
        sent |= {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        sent["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    async with visitor.http.get(url, headers=sent) as response:
        status = response.status
        response.close()
    return status


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("origin", ["http://evil.test", "null", "http://shop.test.evil.test", None])
async def test_a_page_of_no_site_is_403(visitor: Visitor, transport: str, origin: str | None) -> None:
    assert await handshake(visitor, transport, origin) == 403
    _, stats = await visitor.call("GET", "/api/stats", headers={})
    assert stats["connectedSockets"] == 0


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_connections_are_counted_by_the_address_behind_the_trusted_proxy(opened: Opened, transport: str) -> None:
    visitor = await opened(server={"trusted_proxies": ["127.0.0.1"]}, limits={"sockets_per_address": 1})
    await visitor.socket()
    assert await handshake(visitor, "polling", ORIGIN, **{"X-Forwarded-For": "203.0.113.5"}) == 200
    again: dict[str, Any] = {"X-Forwarded-For": "198.51.100.1, 203.0.113.5"}
    assert await handshake(visitor, transport, ORIGIN, **again) == 429
    assert await handshake(visitor, "polling", ORIGIN, **{"X-Forwarded-For": "203.0.113.6"}) == 200


async def test_a_forged_forwarded_address_gives_no_room(opened: Opened) -> None:
    visitor = await opened(limits={"sockets_per_address": 1})
    await visitor.socket()
    assert await handshake(visitor, "polling", ORIGIN, **{"X-Forwarded-For": "203.0.113.5"}) == 429


async def test_messages_are_limited_by_the_real_address_over_sessions(opened: Opened) -> None:
    visitor = await opened(limits={"address_messages_per_minute": 3})
    codes: list[str | None] = []
    for _ in range(2):
        session_id = await visitor.init()
        socket = await visitor.socket(session_id)
        await socket.wait("session_joined")
        codes += [(await socket.say(session_id, f"message {number}")).get("error") for number in range(2)]
    assert codes == [None, None, None, "rate_limited"]


async def test_guesses_of_a_session_id_are_limited_by_address(visitor: Visitor) -> None:
    socket = await visitor.socket()
    codes = [(await socket.ask("join_session", {"sessionId": str(uuid.uuid4())})).get("error") for _ in range(300)]
    assert codes.index("rate_limited") <= LOOKUP_MISSES_PER_MINUTE + 20
    assert codes[:LOOKUP_MISSES_PER_MINUTE] == ["session_not_found"] * LOOKUP_MISSES_PER_MINUTE
    assert codes[-1] == "rate_limited"


async def test_another_namespace_is_refused(visitor: Visitor) -> None:
    client = socketio.AsyncClient(reconnection=False)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(visitor.base, headers={"Origin": ORIGIN}, namespaces=["/admin"], retry=False)
