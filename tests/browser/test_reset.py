"""The visitor starts afresh, or has everything erased: in every tab, and in every cache."""

import json
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.chat import Chat
from tests.browser.conftest import visit
from tests.browser.shop import Shop
from tests.browser.tabs import kept, shows_nothing, two_tabs
from tests.services.chromium import LIMIT_MS
from tests.services.wait import until


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


ROUNDS = 15
Clear = Callable[[Chat, Chat], Awaitable[object]]


async def by_mouse(page: Page) -> None:
    await page.locator("leflux-widget [part=header] h2").hover()
    await page.mouse.down()
    await expect(page.locator("leflux-widget [part=clear]")).to_be_visible()
    await page.mouse.up()


async def by_finger(page: Page) -> None:
    box = await page.locator("leflux-widget [part=header] h2").bounding_box()
    assert box is not None
    devtools = await page.context.new_cdp_session(page)
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    await devtools.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    await expect(page.locator("leflux-widget [part=clear]")).to_be_visible()
    await devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


async def clear(chat: Chat) -> None:
    await by_mouse(chat.page)
    button = chat.page.locator("leflux-widget [part=clear]")
    await expect(button).to_have_text("Clear conversation")
    await button.click()


async def erase(shop: Shop, session_id: str) -> None:
    """As a site's own privacy page asks for it."""
    url, headers = f"{shop.server.base}/api/session/{session_id}", {"Origin": shop.server.base}
    async with aiohttp.ClientSession() as http, http.delete(url, headers=headers) as answer:
        assert answer.status == 200


async def goes_on_afresh(shop: Shop, chat: Chat, old_id: str) -> None:
    await chat.ask("a fresh start")
    assert await chat.session_id() != old_id
    await shop.agrees(chat, 2)


async def test_a_long_press_of_the_mouse_clears(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    await chat.converse(1)
    old_id = await chat.session_id()
    await clear(chat)
    await shows_nothing(chat)

    async def is_cleared() -> bool:
        return "leflux:sessionId" not in await kept(chat.page)

    await until(is_cleared, "the time for undoing has passed")
    await goes_on_afresh(shop, chat, old_id)


async def test_a_long_press_of_a_finger_clears(shop: Shop, browser: Browser) -> None:
    phone = await browser.new_context(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    phone.set_default_timeout(LIMIT_MS)
    chat = await visit(phone, shop.home)
    await chat.converse(1)
    old_id = await chat.session_id()
    await by_finger(chat.page)
    await chat.page.locator("leflux-widget [part=clear]").tap()
    await shows_nothing(chat)
    await goes_on_afresh(shop, chat, old_id)
    await phone.close()


async def by_the_menu(one: Chat, other: Chat) -> None:
    await clear(one)


async def by_devtools_here(one: Chat, other: Chat) -> None:
    await one.page.evaluate("localStorage.clear()")


async def by_devtools_there(one: Chat, other: Chat) -> None:
    await other.page.evaluate("localStorage.clear()")


@pytest.mark.parametrize("clearing", [by_the_menu, by_devtools_here, by_devtools_there])
async def test_clearing_in_one_tab_clears_every_tab(shop: Shop, context: BrowserContext, clearing: Clear) -> None:
    first, second = await two_tabs(context, shop)
    await first.converse(2)
    await shop.agrees(second, 4)
    old_id = await first.session_id()
    await clearing(first, second)
    await shows_nothing(first)
    await shows_nothing(second)
    await second.open()
    await goes_on_afresh(shop, second, old_id)
    await first.answered("a fresh start")
    assert await first.session_id() == await second.session_id()
    await first.page.reload()
    await first.open()
    await shop.agrees(first, 2)


async def test_a_tab_that_does_not_own_the_conversation_clears_it_for_good(shop: Shop, context: BrowserContext) -> None:
    first, second = await two_tabs(context, shop)
    for number in range(ROUNDS):
        await second.ask(f"round {number}")
        await first.answered(f"round {number}")
        old_id = await first.session_id()
        await first.page.evaluate("LeFlux.clearConversation()")
        await shows_nothing(second)
        await shows_nothing(first)
        assert await second.page.evaluate("LeFlux.getSessionId()") is None
        assert old_id not in (await kept(first.page)).values()


async def test_clearing_while_a_message_waits_does_not_send_it_afterwards(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    await chat.converse(1)
    old_id = await chat.session_id()
    shop.proxy.cut()
    await chat.say("never mind")
    await chat.shows("never mind", "sending")
    await clear(chat)
    await shows_nothing(chat)
    shop.proxy.heal()
    await goes_on_afresh(shop, chat, old_id)
    assert "never mind" not in [m["text"] for m in await shop.stored(old_id)]


async def test_a_deletion_on_the_server_wipes_every_tab_and_every_cache(shop: Shop, context: BrowserContext) -> None:
    first, second = await two_tabs(context, shop)
    third = await visit(context, f"{shop.base}/demo/faq.html")
    await first.page.evaluate("LeFlux.setVisitorData({ name: 'Ada Lindqvist' })")
    await first.ask("a secret of mine")
    for chat in (second, third):
        await chat.answered("a secret of mine")
    old_id = await first.session_id()
    await erase(shop, old_id)
    for chat in (first, second, third):
        await shows_nothing(chat)
    left = json.dumps(await kept(first.page))
    assert [text for text in ("a secret of mine", "Ada Lindqvist", old_id) if text in left] == []
    assert await first.page.evaluate("sessionStorage.length") == 0
    assert await first.page.evaluate("indexedDB.databases()") == []
    assert await first.page.evaluate("caches.keys()") == []
    assert (await shop.get(f"/api/session/{old_id}"))[0] == 410
    await goes_on_afresh(shop, third, old_id)


async def test_a_deletion_while_no_tab_is_there_is_noticed_by_the_next(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    await chat.ask("a secret of mine")
    old_id = await chat.session_id()
    await chat.page.close()
    await erase(shop, old_id)
    chat = await visit(context, shop.home)
    await shows_nothing(chat)
    assert "a secret of mine" not in json.dumps(await kept(chat.page))
    await goes_on_afresh(shop, chat, old_id)
