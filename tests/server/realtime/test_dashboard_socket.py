"""The dashboard's socket: who may have one, what it is told, and that it ends with the sign-in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from argon2 import PasswordHasher
from socketio.exceptions import ConnectionError as Refused

from leflux.sites.crawled_pages import CrawledPages, Head
from tests.conftest import Services
from tests.hostile_site import HostileSite, hostile_site, html
from tests.server.conftest import until
from tests.server.fleet import fleet
from tests.server.owner.test_admin_processes import with_account
from tests.server.owner_kit import EMAIL, PASSWORD, Caller, OwnerKit, owning
from tests.server.owner_page import NAMESPACE, OwnerPage, PageSocket, sign_in
from tests.services.redis import redis

LOOK_EVERY = "leflux.realtime.dashboard.DashboardEvents.__init__.__defaults__"

# The crawled site is on a host of the shop's; the server itself, on 127.0.0.1, is on none.
SHOP = {"id": "shop", "name": "Shop", "allowed_hosts": ["shop.test", "localhost"]}
OTHER = {"id": "other", "name": "Other", "allowed_hosts": ["other.test"]}
CRAWLING: dict[str, Any] = {"sites": [SHOP, OTHER], "crawler": {"private_hosts": ["localhost"]}}


@asynccontextmanager
async def signed_in(tmp_path: Path, *sites: str, **sections: Any) -> AsyncIterator[tuple[OwnerKit, OwnerPage]]:
    async with owning(tmp_path, **CRAWLING | sections) as kit:
        # How well a password is kept is tested elsewhere, and costs a second each time.
        kit.owners._passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        await kit.owners.set_account(EMAIL, sites or ["*"], PASSWORD)
        yield kit, await sign_in(await kit.anonymous())


class Gated:
    """A site of two pages; the second one comes when it is let."""

    def __init__(self, site: HostileSite) -> None:
        self.url = f"http://localhost:{site.port}/"
        self.let = asyncio.Event()
        site.page("/", "<h1>Beeswax</h1><p>Candles of beeswax burn for forty hours.</p><a href='/late'>Late</a>")
        site.pages["/late"] = self._late

    async def _late(self, writer: asyncio.StreamWriter) -> None:
        await self.let.wait()
        writer.write(html("<h1>Tallow</h1><p>Candles of tallow are cheap, and smell of it.</p>"))


@asynccontextmanager
async def gated() -> AsyncIterator[Gated]:
    async with hostile_site() as site:
        yield Gated(site)


async def watch_a_crawl(watcher: OwnerPage, starter: OwnerPage, transport: str = "websocket") -> None:
    """`starter` begins a crawl; `watcher` is told of each of its states, and of the last one."""
    socket = await watcher.socket(transport=transport)
    async with gated() as site:
        answer = await socket.watch("shop")
        assert answer == {"ok": True} | await watcher.browser.get("/sites/shop/crawl")
        assert answer["state"] == "idle"
        status, begun = await starter.call("POST", "/sites/shop/crawl", {"url": site.url})
        assert status == 202, begun
        await until(lambda: any(said["done"] == 1 for said in socket.told), "told of the first page", 30)
        assert {said["state"] for said in socket.told} == {"running"}
        site.let.set()
        last = await socket.wait("done")
    assert last == {"siteId": "shop"} | await watcher.browser.get("/sites/shop/crawl")
    assert (last["found"], last["done"], last["pages"]) == (2, 2, 2)
    await socket.close()


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_page_is_told_how_a_crawl_gets_on(tmp_path: Path, transport: str) -> None:
    async with signed_in(tmp_path) as (_, page):
        await watch_a_crawl(page, page, transport)


async def test_a_crawl_that_fails_is_told_too(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as (_, page), hostile_site() as site:
        socket = await page.socket()
        await socket.watch("shop")
        await page.call("POST", "/sites/shop/crawl", {"url": f"http://localhost:{site.port}/nothing"})
        assert "nothing" in (await socket.wait("failed"))["error"]
        await socket.close()


async def test_a_crawl_of_another_process_reaches_the_page_over_the_bus(tmp_path: Path, services: Services) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        fleet(tmp_path, services.get(redis), **CRAWLING) as (one, two),
        aiohttp.ClientSession(cookie_jar=jar) as http,
    ):
        await with_account(one, PASSWORD)
        watcher = await sign_in(Caller(two.server.base, http, {}))
        # One sign-in serves both: a cookie does not look at the port.
        await watch_a_crawl(watcher, OwnerPage(Caller(one.server.base, http, {}), watcher.csrf))


async def test_what_no_note_told_is_read_from_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOOK_EVERY, (0.2,))
    async with signed_in(tmp_path) as (kit, page):
        socket = await page.socket()
        assert (await socket.watch("shop"))["state"] == "idle"
        # As a crawl by command does, which is on no bus.
        await CrawledPages(kit.storage.settings).put_head("shop", Head(generation=1, pages=3, done=3, state="done"), 0)
        assert (await socket.wait("done"))["pages"] == 3
        await socket.close()


async def test_another_owners_site_is_not_there(tmp_path: Path) -> None:
    async with signed_in(tmp_path, "other") as (_, page):
        socket = await page.socket()
        status, answer = await page.browser.call("GET", "/sites/shop/crawl")
        assert status == 404
        assert await socket.watch("shop") == await socket.watch("nowhere") == {"ok": False} | answer
        assert (await socket.watch("other"))["ok"]
        assert (await socket.watch(7))["error"] == "invalid_request"
        unknown = await socket.client.call("join_session", {"sessionId": "x"}, namespace=NAMESPACE)
        assert unknown["error"] == "invalid_request"
        assert socket.told == []
        await socket.close()


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_foreign_page_gets_no_socket_by_the_owners_cookie(tmp_path: Path, transport: str) -> None:
    async with signed_in(tmp_path) as (_, page):
        own = page.browser.base
        host = own.removeprefix("http://")
        fetched = "Sec-Fetch-Site"
        foreign = [
            {"Origin": "http://evil.test"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:1"},
            {"Origin": "http://127.0.0.1"},
            {"Origin": f"http://www.{host}"},
            {"Origin": f"{own}.evil.test"},
            {"Origin": f"http://evil.test@{host}"},
            {"Origin": f"{own}/"},
            {"Origin": own, fetched: "same-site"},
            {"Origin": own, fetched: "cross-site"},
            {fetched: "cross-site"},
            {},
        ]
        for headers in foreign:
            assert await page.handshake(transport, headers) == 403, headers
        for headers in ({"Origin": own}, {"Origin": own, fetched: "same-origin"}):
            assert await page.handshake(transport, headers) in (101, 200), headers


async def test_a_page_without_a_sign_in_that_holds_is_refused_as_any_strange_page(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as (kit, page):
        own = {"Origin": page.browser.base}
        for cookie in ("", "leflux=made-up", "leflux=", "other=1", "__Host-" + page.cookie):
            assert await page.handshake("websocket", own, cookie) == 403, cookie
        assert await page.handshake("websocket", own, f"a=b; {page.cookie}") == 101
        await kit.owners.logout(page.secret)
        assert await page.handshake("websocket", own) == 403


async def test_behind_a_proxy_the_page_has_the_public_origin(tmp_path: Path) -> None:
    server = {"host": "127.0.0.1", "port": 0, "public_url": "https://chat.shop.example/"}
    async with signed_in(tmp_path, server=server) as (kit, page):
        secret, _ = await kit.owners.login(EMAIL, PASSWORD)
        for origin, status in (
            ("https://chat.shop.example", 101),
            ("https://chat.shop.example:443", 101),
            ("http://chat.shop.example", 403),
            ("https://chat.shop.example:8443", 403),
            (kit.base, 403),
            (kit.base.replace("http:", "https:"), 101),
        ):
            headers = {"Origin": origin}
            assert await page.handshake("websocket", headers, f"__Host-leflux={secret}") == status, origin
            assert await page.handshake("websocket", headers, f"leflux={secret}") == 403


async def refused(socket: PageSocket, page: OwnerPage, **options: Any) -> None:
    with pytest.raises(Refused):
        await socket.connect(page, **options)


async def test_a_visitors_socket_is_none_of_the_dashboard_even_with_the_owners_cookie(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as (_, page):
        socket = PageSocket()
        await refused(socket, page, origin="http://shop.test")
        assert socket.refusals == ["unauthorized"]


async def test_an_owners_socket_is_none_of_the_visitors(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as (_, page):
        await refused(PageSocket(), page, namespaces=("/",))


async def test_a_page_of_a_site_on_this_very_host_may_be_both(tmp_path: Path) -> None:
    here = SHOP | {"allowed_hosts": ["127.0.0.1"]}
    async with signed_in(tmp_path, sites=[here]) as (_, page):
        socket = await page.socket(namespaces=("/", NAMESPACE))
        assert (await socket.watch("shop"))["ok"]
        unknown = await socket.client.call("join_session", {"sessionId": "x"})
        assert unknown["error"] == "invalid_session_id"
        await socket.close()
        stranger = PageSocket()
        await refused(stranger, page, origin="http://127.0.0.1:1")
        assert stranger.refusals == ["unauthorized"]


async def test_the_csrf_token_is_wanted_as_for_a_call(tmp_path: Path) -> None:
    async with signed_in(tmp_path) as (_, page):
        socket = PageSocket()
        await refused(socket, page, csrf="another")
        assert socket.refusals == ["forbidden"]


@pytest.mark.parametrize("how", ["signed out", "account changed"])
async def test_the_socket_ends_with_the_sign_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(LOOK_EVERY, (0.2,))
    async with signed_in(tmp_path) as (kit, page):
        socket, cookie = await page.socket(), page.cookie
        assert (await socket.watch("shop"))["ok"]
        if how == "signed out":
            await page.sign_out()
        else:
            await kit.owners.set_account(EMAIL, ["other"], None)
        await until(lambda: socket.left == 1, "the socket is ended")
        assert await page.handshake("websocket", {"Origin": kit.base}, cookie) == 403


async def test_nothing_is_answered_after_signing_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Only the event itself can end it: the slow timer would take an hour.
    monkeypatch.setattr(LOOK_EVERY, (3600.0,))
    async with signed_in(tmp_path) as (_, page):
        socket = await page.socket()
        await page.sign_out()
        asked = asyncio.create_task(socket.client.emit("watch_crawl", {"siteId": "shop"}, namespace=NAMESPACE))
        await until(lambda: socket.left == 1, "the socket is ended")
        await asked
        assert socket.told == []


async def test_there_is_no_such_socket_without_a_dashboard(tmp_path: Path) -> None:
    async with owning(tmp_path, dashboard={"enabled": False}) as kit:
        await kit.owners.set_account(EMAIL, ["*"], PASSWORD)
        secret, owner = await kit.owners.login(EMAIL, PASSWORD)
        page = OwnerPage(await kit.anonymous(), owner.csrf or "")
        assert await page.handshake("websocket", {"Origin": kit.base}, f"leflux={secret}") == 403
