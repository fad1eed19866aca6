"""What is typed without a network survives the page, the tab, the browser and the server, and arrives once."""

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, BrowserType, Page, Route, WebSocketRoute

from tests.browser.conftest import visit
from tests.browser.shop import Shop
from tests.services.chromium import open_profile

pytestmark = pytest.mark.own_server


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


SERVER = re.compile(r"/(api|socket\.io)/")
TEXT = "typed without a network"


async def refuse(route: Route) -> None:
    await route.abort("internetdisconnected")


async def hang_up(socket: WebSocketRoute) -> None:
    await socket.close()


async def go_offline(context: BrowserContext) -> None:
    """Pages still load, as from a cache; the server cannot be reached."""
    await context.route(SERVER, refuse)
    await context.route_web_socket(SERVER, hang_up)


async def cut(shop: Shop, context: BrowserContext) -> None:
    await go_offline(context)
    shop.proxy.reset()


async def crash(page: Page) -> None:
    devtools = await page.context.new_cdp_session(page)
    async with page.expect_event("crash"):
        # It is never answered: the page that would is gone.
        crashing = asyncio.ensure_future(devtools.send("Page.crash"))
    crashing.cancel()
    await page.close()


async def test_a_message_typed_offline_survives_reload_crash_and_restart(
    shop: Shop, chromium: BrowserType, tmp_path: Path
) -> None:
    profile = tmp_path / "profile"
    async with await open_profile(chromium, profile) as first:
        chat = await visit(first, shop.home)
        await chat.converse(2)
        session_id = await chat.session_id()
        await cut(shop, first)
        await chat.say(TEXT)
        await chat.shows(TEXT, "sending")
        await chat.page.reload()
        await chat.open()
        await chat.shows(TEXT, "sending")
        await crash(chat.page)
        chat = await visit(first, shop.home)
        await chat.shows(TEXT, "sending")
    assert len(await shop.stored(session_id)) == 4
    await shop.server.kill()
    await shop.server.start()
    async with await open_profile(chromium, profile) as second:
        chat = await visit(second, shop.home)
        await chat.answered(TEXT)
        bubbles = await shop.agrees(chat, 6)
        assert [b.text for b in bubbles].count(TEXT) == 1
        assert await chat.session_id() == session_id


async def test_a_first_message_typed_offline_starts_the_session_when_the_network_is_back(
    shop: Shop, context: BrowserContext
) -> None:
    await go_offline(context)
    chat = await visit(context, shop.home)
    await chat.say(TEXT)
    await chat.shows(TEXT, "sending")
    await chat.page.reload()
    await chat.open()
    await chat.shows(TEXT, "sending")
    await chat.page.close()
    await context.unroute_all()
    await context.route_web_socket(SERVER, lambda socket: socket.connect_to_server() and None)
    chat = await visit(context, shop.home)
    await chat.answered(TEXT)
    await shop.agrees(chat, 2)


async def test_messages_typed_offline_in_two_tabs_arrive_once_each(shop: Shop, context: BrowserContext) -> None:
    first, second = await visit(context, shop.home), await visit(context, shop.home)
    await first.converse(1)
    shop.proxy.cut()
    await first.say("typed in the first")
    await second.shows("typed in the first", "sending")
    await second.say("typed in the second")
    await first.shows("typed in the second", "sending")
    shop.proxy.heal()
    for chat in (first, second):
        for text in ("typed in the first", "typed in the second"):
            await chat.answered(text)
    assert await shop.agrees(first, 6) == await shop.agrees(second, 6)
