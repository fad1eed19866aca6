"""A card that is said by mistake: the visitor is told, and neither browser nor server keeps it."""

import json
from uuid import uuid4

import pytest
from playwright.async_api import BrowserContext, expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenShop, visit
from tests.browser.tabs import kept
from tests.services.wait import until

CARD = "4111 1111 1111 1111"


@pytest.fixture
def store() -> str:
    """What this test is about does not depend on the store."""
    return "sqlite"


@pytest.mark.parametrize("is_cut", [False, True])
async def test_a_card_is_hidden_in_every_tab_and_in_what_the_browser_keeps(
    open_shop: OpenShop, context: BrowserContext, is_cut: bool
) -> None:
    shop = await open_shop()
    chat, other = await visit(context, shop.home), await visit(context, shop.home)
    await chat.ask("Hello")
    word = f"word{uuid4().hex}"
    if is_cut:
        shop.proxy.cut()
    await chat.say(f"{word} {CARD}")
    if is_cut:
        # What waits to be sent is the visitor's own text.
        await chat.shows(f"{word} {CARD}", "sending")
        shop.proxy.heal()
    for one in (chat, other):
        await one.answered(f"{word} •••")
        await expect(one.page.locator("leflux-widget [part=hidden]")).to_have_count(1)

        async def is_clean(one: Chat = one) -> bool:
            stored = json.dumps(await kept(one.page)) + json.dumps([b.text for b in await one.bubbles()])
            return word in stored and CARD not in stored

        await until(is_clean, "no copy of the card is left in the browser")
    files = [file for file in shop.server.config.parent.rglob("*") if file.is_file()]
    assert [file.name for file in files if CARD.encode() in file.read_bytes()] == []
    assert [file.name for file in files if word.encode() in file.read_bytes()] != []
    await chat.page.reload()
    await chat.open()
    await chat.answered(f"{word} •••")
    await expect(chat.page.locator("leflux-widget [part=hidden]")).to_have_count(1)
