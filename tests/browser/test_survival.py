"""A conversation of twenty messages is the same after whatever a visitor does to the page."""

from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, BrowserType, expect

from tests.browser.chat import LONG
from tests.browser.conftest import visit
from tests.browser.shop import Shop
from tests.services.chromium import open_profile

pytestmark = pytest.mark.every_store
TURNS = 10
MESSAGES = 2 * TURNS


async def test_a_reload_keeps_the_conversation(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    await chat.converse(TURNS)
    before = await shop.agrees(chat, MESSAGES)
    await chat.page.reload()
    await chat.open()
    assert await shop.agrees(chat, MESSAGES) == before


async def test_a_hard_navigation_keeps_the_conversation_open(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    await chat.converse(TURNS)
    before = await shop.agrees(chat, MESSAGES)
    await chat.page.get_by_label("Main").get_by_role("link", name="Lamps").click()
    await chat.page.wait_for_url("**/demo/lamps/")
    await expect(chat.input).to_be_visible()
    assert await shop.agrees(chat, MESSAGES) == before


async def test_the_conversation_goes_on_after_a_hard_navigation(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    await chat.converse(TURNS)
    before = await shop.agrees(chat, MESSAGES)
    await chat.page.goto(f"{shop.base}/demo/shipping.html")
    await chat.converse(1, start=TURNS + 1)
    assert (await shop.agrees(chat, MESSAGES + 2))[:MESSAGES] == before


async def test_client_side_navigation_leaves_the_widget_alone(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, f"{shop.base}/demo/studio/")
    await chat.converse(TURNS)
    before = await shop.agrees(chat, MESSAGES)
    await chat.page.evaluate("document.querySelector('leflux-widget').dataset.mark = 'same element'")
    for link in ("Finish", "Light", "Summary"):
        await chat.page.get_by_label("Studio").get_by_role("link", name=link).click()
        await chat.page.wait_for_url(f"**/studio/{link.lower()}")
    await chat.page.go_back()
    await expect(chat.page.locator("leflux-widget")).to_have_attribute("data-mark", "same element")
    assert await shop.agrees(chat, MESSAGES) == before
    await chat.converse(1, start=TURNS + 1)
    assert (await shop.agrees(chat, MESSAGES + 2))[:MESSAGES] == before


async def test_a_reload_on_a_client_side_route_keeps_the_conversation(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, f"{shop.base}/demo/studio/")
    await chat.converse(2)
    await chat.page.get_by_label("Studio").get_by_role("link", name="Light").click()
    await chat.page.reload()
    await expect(chat.page.get_by_role("heading", level=1)).to_have_text("Set the light")
    await chat.open()
    await shop.agrees(chat, 4)


async def test_closing_the_browser_and_opening_it_again_keeps_the_conversation(
    shop: Shop, chromium: BrowserType, tmp_path: Path
) -> None:
    async with await open_profile(chromium, tmp_path / "profile") as first:
        chat = await visit(first, shop.home)
        await chat.converse(TURNS)
        before = await shop.agrees(chat, MESSAGES)
    async with await open_profile(chromium, tmp_path / "profile") as second:
        chat = await visit(second, shop.home)
        assert await shop.agrees(chat, MESSAGES) == before


async def test_a_reload_in_mid_reply_shows_the_whole_reply_once(slow_shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, slow_shop.home)
    await chat.converse(1)
    await chat.say(LONG)
    await chat.in_mid_reply(LONG)
    await chat.page.reload()
    await chat.open()
    await chat.answered(LONG)
    await slow_shop.agrees(chat, 4)


async def test_text_that_was_typed_and_not_sent_survives_a_reload(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    await chat.input.fill("half a thought")
    await chat.page.reload()
    await chat.open()
    await expect(chat.input).to_have_value("half a thought")
