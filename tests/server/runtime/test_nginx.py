"""Two servers behind the nginx of `deploy/`: WebSockets go anywhere, long polling stays where it began."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.conftest import Services
from tests.server.conftest import Socket, Visitor
from tests.server.fleet import Member, configure, fleet, in_redis
from tests.services.nginx import below_a_path, proxied
from tests.services.redis import RedisServer, redis
from tests.services.wait import until


@asynccontextmanager
async def behind_nginx(
    folder: Path, services: Services, **sections: Any
) -> AsyncIterator[tuple[Visitor, list[Member]]]:
    """A visitor who comes through nginx, and the two servers behind it."""
    store: RedisServer = services.get(redis)
    async with AsyncExitStack() as stack:
        members = await stack.enter_async_context(fleet(folder, store, **sections))
        port = await stack.enter_async_context(proxied(folder, [member.server.port for member in members]))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield Visitor(f"http://127.0.0.1:{port}", http, stack), members


async def sockets_of(member: Member) -> int:
    _, stats = await member.visitor.call("GET", "/api/stats")
    count: int = stats["connectedSockets"]
    return count


async def seated(visitor: Visitor, session_id: str, transport: str = "websocket") -> Socket:
    socket = await visitor.socket(session_id, transport=transport)
    await socket.wait("session_joined")
    return socket


async def test_a_websocket_needs_no_sticky_routing(tmp_path: Path, services: Services) -> None:
    async with behind_nginx(tmp_path, services) as (visitor, members):
        session_id = await visitor.init()
        sockets = []
        for number in range(6):
            socket = await seated(visitor, session_id)
            assert (await socket.say(session_id, f"page {number}"))["seq"] == 2 * number + 1
            await socket.wait("message_done")
            sockets.append(socket)
        assert all([await sockets_of(member) for member in members])
        for older in sockets[:-1]:
            await older.wait("session_taken_over")
            assert (await older.say(session_id, "too late"))["error"] == "not_owner"
        assert len(await visitor.messages(session_id)) == 12


async def test_a_visitor_who_can_only_poll_is_served(tmp_path: Path, services: Services) -> None:
    async with behind_nginx(tmp_path, services) as (visitor, members):
        session_id = await visitor.init()
        socket = await seated(visitor, session_id, "polling")
        for number in range(5):
            assert (await socket.say(session_id, f"poll {number}"))["ok"]
            await socket.wait("message_done", number + 1)
        assert sorted([await sockets_of(member) for member in members]) == [0, 1]
        newer = await seated(visitor, session_id)
        assert (await socket.wait("session_taken_over"))["sessionId"] == session_id
        assert (await newer.say(session_id, "by websocket"))["ok"]


async def test_a_polling_client_is_upgraded_where_it_began(tmp_path: Path, services: Services) -> None:
    async with behind_nginx(tmp_path, services) as (visitor, _):
        session_id = await visitor.init()
        await visitor.socket()  # takes the first turn, so that a WebSocket that goes anywhere would go elsewhere
        socket = Socket()
        await socket.client.connect(
            visitor.base,
            headers={"Origin": "http://shop.test"},
            transports=["polling", "websocket"],
            auth={"sessionId": session_id, "url": "http://shop.test/"},
            retry=False,
        )
        try:
            await socket.wait("session_joined")
            await until(lambda: socket.client.transport() == "websocket", "the transport is upgraded")
            assert (await socket.say(session_id, "upgraded"))["ok"]
        finally:
            await socket.client.disconnect()


@pytest.mark.parametrize("victim", [0, 1])
async def test_one_server_may_die(tmp_path: Path, services: Services, victim: int) -> None:
    async with behind_nginx(tmp_path, services) as (visitor, members):
        session_id = await visitor.init()
        before = await seated(visitor, session_id)
        assert (await before.say(session_id, "before"))["ok"]
        await before.wait("message_done")
        await members[victim].server.kill()
        after = await seated(visitor, session_id)
        assert (await after.say(session_id, "after"))["seq"] == 3
        await after.wait("message_done")
        assert [m["seq"] for m in await visitor.messages(session_id)] == [1, 2, 3, 4]


async def test_the_metrics_are_not_for_visitors(tmp_path: Path, services: Services) -> None:
    async with behind_nginx(tmp_path, services) as (visitor, _):
        async with visitor.http.get(f"{visitor.base}/metrics") as answer:
            assert answer.status == 403
        async with visitor.http.get(f"{visitor.base}/health") as answer:
            assert answer.status == 200


async def test_the_access_log_shortens_session_ids_and_holds_no_query(tmp_path: Path, services: Services) -> None:
    async with behind_nginx(tmp_path, services) as (visitor, _):
        session_id = await visitor.init()
        encoded = f"%{ord(session_id[0]):02x}{session_id[1:]}"
        for path in (session_id, f"{session_id}/messages", encoded, f"x?sessionId={session_id}"):
            await visitor.call("GET", f"/api/session/{path}")
        headers = {"Referer": f"http://shop.test/?s={session_id}"}
        async with visitor.http.get(f"{visitor.base}/api/admin/sites/shop/sessions/{session_id}", headers=headers):
            pass
        log = tmp_path / "leflux.log"
        await until(lambda: "/api/admin/sites/" in log.read_text(), "the last request is logged")
        said = log.read_text()
        assert f"/api/session/{session_id[:8]}~/messages" in said
        assert session_id[9:] not in said


async def test_each_visitor_is_known_by_an_own_address(tmp_path: Path, services: Services) -> None:
    """Or one who asks too often would be refused together with everybody else."""
    sections = {"server": {"trusted_proxies": ["127.0.0.1"]}, "limits": {"init_per_minute": 2}}
    async with behind_nginx(tmp_path, services, **sections) as (visitor, members):
        statuses = [await init_from("127.0.0.2", visitor) for _ in range(2 * len(members) + 1)]
        assert statuses[-1] == 429
        assert await init_from("127.0.0.3", visitor) == 200


async def test_a_visitor_is_served_below_a_path_of_another_site(tmp_path: Path, services: Services) -> None:
    async with fleet(tmp_path, services.get(redis), 1) as (member,), below_a_path(tmp_path, member.server.port) as port:
        visitor = Visitor(f"http://127.0.0.1:{port}/chat", member.visitor.http, AsyncExitStack())
        session_id = await visitor.init()
        async with visitor.http.get(f"{visitor.base}/embed.js") as script:
            assert script.status == 200
        headers = {"Origin": "http://shop.test"}
        socket = f"{visitor.base}/socket.io/?EIO=4&transport=websocket"
        async with visitor.http.ws_connect(socket, headers=headers) as opened:
            assert (await opened.receive_str()).startswith("0{")
            await opened.send_str(f'40{{"sessionId": "{session_id}", "url": "http://shop.test/"}}')
            assert (await opened.receive_str()).startswith("40{")
        for path in ("/dashboard/", "/api/admin/login", "/metrics", "/ready", "/api/stats", "/demo/"):
            async with visitor.http.get(visitor.base + path) as answer:
                assert answer.status == 404, path


async def test_the_dashboard_is_served_below_the_path_and_what_is_the_operators_is_not(
    tmp_path: Path, services: Services
) -> None:
    store = in_redis(services.get(redis).url)
    server = configure(tmp_path, store, server={"base_path": "/chat"}, demo={"enabled": False})
    server.path = "/chat"
    async with server, below_a_path(tmp_path, server.port, keeps_path=True) as port, aiohttp.ClientSession() as http:
        base = f"http://127.0.0.1:{port}/chat"
        visitor = Visitor(base, http, AsyncExitStack())
        assert await visitor.init()
        for path, status in {
            "/embed.js": 200, "/dashboard/": 200, "/api/admin/me": 401,
            "/metrics": 404, "/ready": 404, "/api/stats": 404, "/demo/": 404,
        }.items():  # fmt: skip
            async with http.get(base + path) as answer:
                assert answer.status == status, path


async def init_from(address: str, visitor: Visitor) -> int:
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(connector=connector) as http, AsyncExitStack() as stack:
        status, _ = await Visitor(visitor.base, http, stack).call(
            "POST", "/api/session/init", {"websiteUrl": "http://shop.test/"}
        )
        return status
