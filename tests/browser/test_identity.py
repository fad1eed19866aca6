"""What the chat keeps of a visitor, only where the site allows it; and what the page may ask of the chat."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, Request

from tests.browser.chat import Chat
from tests.browser.shop import Shop
from tests.browser.tabs import embed, is_mirrored, kept, paths
from tests.hostile_site import HostileSite, hostile_site
from tests.services.wait import until


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[HostileSite]:
    async with hostile_site() as running:
        yield running


HEAR = """window.heard = [];
const names = ['ready', 'open', 'close', 'expand', 'collapse', 'message', 'reply', 'cleared', 'restored', 'destroy'];
for (const name of names)
  addEventListener(`leflux:${name}`, () => heard.push(name));"""


async def is_ready(page: Page) -> None:
    await until(lambda: page.evaluate("window.LeFlux?.isReady()"), "the chat says that it is ready")


async def visitor_cookies(context: BrowserContext) -> list[dict[str, Any]]:
    return [dict(found) for found in await context.cookies() if found.get("name") == "leflux:visitorId"]


def inits(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def requested(request: Request) -> None:
        if request.url.endswith("/api/session/init") and request.method == "POST":
            found.append(json.loads(request.post_data or "{}"))

    page.on("request", requested)
    return found


async def start(context: BrowserContext, address: str) -> tuple[Chat, dict[str, Any]]:
    """A new visitor's first page view, and what the server was told when the session began."""
    page = await context.new_page()
    started = inits(page)
    await page.goto(address)
    chat = await Chat(page).open()
    await chat.ask("hello")
    return chat, started[0]


async def test_a_visitor_id_is_a_first_party_cookie_of_a_year(
    shop: Shop, context: BrowserContext, site: HostileSite
) -> None:
    chat, body = await start(context, embed(site, shop, "/"))
    [cookie] = await visitor_cookies(context)
    assert cookie["value"] == body["visitorId"]
    assert cookie["sameSite"] == "Lax"
    now = await chat.page.evaluate("Date.now() / 1000")
    assert 360 * 86_400 < cookie["expires"] - now < 367 * 86_400
    await chat.page.evaluate("LeFlux.clearConversation()")
    await chat.page.close()
    _, again = await start(context, site.base + "/")
    assert again["visitorId"] == body["visitorId"]


async def test_no_visitor_id_sets_no_cookie_and_sends_none(
    shop: Shop, context: BrowserContext, site: HostileSite
) -> None:
    _, body = await start(context, embed(site, shop, "/", "data-no-visitor-id"))
    assert await visitor_cookies(context) == []
    assert "visitorId" not in body


@pytest.mark.parametrize(("options", "is_kept"), [("", True), ("data-no-user-memory", False)])
async def test_user_data_is_kept_only_where_the_site_allows_it(
    shop: Shop, context: BrowserContext, site: HostileSite, options: str, is_kept: bool
) -> None:
    chat, _ = await start(context, embed(site, shop, "/", options))
    await chat.page.evaluate("LeFlux.setVisitorData({ name: 'Ada Lindqvist', email: 'ada@example.org' })")
    await chat.ask("something else")
    found = await chat.stored_locally("leflux:userData")
    assert ("Ada Lindqvist" in json.dumps(await kept(chat.page))) == is_kept
    assert (found is not None and found["email"] == "ada@example.org") == is_kept


async def test_a_preview_asks_nothing_and_keeps_nothing(shop: Shop, context: BrowserContext, site: HostileSite) -> None:
    page = await context.new_page()
    asked = paths(page, shop.base)
    await page.goto(embed(site, shop, "/", "data-preview"))
    chat = await Chat(page).open()
    await chat.say("only for show")
    await chat.shows("only for show")
    await is_ready(page)
    await page.locator("leflux-widget [part=close]").click()
    assert [url.removeprefix(shop.base).split("?")[0] for url in asked] == ["/embed.js", "/leflux-agent.js"]
    assert await page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]


async def test_the_pages_own_script_can_use_every_method(shop: Shop, context: BrowserContext) -> None:
    await context.add_init_script(HEAR)
    page = await context.new_page()
    await page.goto(shop.home)
    await is_ready(page)
    chat = Chat(page)
    assert await page.evaluate("[LeFlux.isOpen(), LeFlux.isExpanded()]") == [False, False]
    assert await page.evaluate("LeFlux.ask('what is this').then(reply => reply.text)") == "echo: what is this"
    await is_mirrored(chat, is_open=True)
    assert await page.evaluate("LeFlux.getSessionId()") == await chat.session_id()
    await page.evaluate("LeFlux.dock()")
    assert await page.evaluate("LeFlux.isExpanded()")
    await page.evaluate("LeFlux.undock(); LeFlux.close(); LeFlux.toggle()")
    assert await page.evaluate("[LeFlux.isOpen(), LeFlux.isExpanded(), LeFlux.getState().seq]") == [True, False, 2]
    await page.evaluate("window.told = []; LeFlux.on('reply', window.tell = reply => told.push(reply.text))")
    await page.evaluate("LeFlux.send('with a handler')")
    await chat.answered("with a handler")
    await page.evaluate("LeFlux.off('reply', tell); LeFlux.send('without')")
    await chat.answered("without")
    assert await page.evaluate("told") == ["echo: with a handler"]
    await page.evaluate("LeFlux.close(); LeFlux.showLauncher(false)")
    await page.locator("leflux-widget [part=launcher]").wait_for(state="hidden")
    await page.evaluate("LeFlux.showLauncher(); LeFlux.clearConversation()")
    await until(lambda: chat.page.evaluate("LeFlux.getSessionId() === null"), "the session is let go")
    await page.evaluate("LeFlux.destroy()")
    assert await page.evaluate("[document.querySelector('leflux-widget'), window.LeFlux ?? null]") == [None, None]
    heard: list[str] = await page.evaluate("heard")
    assert set(heard) == {
        *("ready", "open", "close", "expand", "collapse"),
        *("message", "reply", "cleared", "restored", "destroy"),
    }
    assert [heard.count(name) for name in ("ready", "message", "reply", "destroy")] == [1, 3, 3, 1]
