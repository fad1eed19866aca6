"""A message that is too long for the server is refused where it is typed, and is not lost."""

import pytest
from playwright.async_api import BrowserContext, expect

from tests.browser.conftest import OpenShop, visit
from tests.browser.shop import Shop


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


async def test_a_text_over_the_limit_is_named_and_stays_in_the_field(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    await chat.converse(1)
    text = "x" * 5001
    await chat.say(text)
    await expect(chat.input).to_have_attribute("aria-invalid", "true")
    await expect(chat.input).to_have_value(text)
    await expect(chat.page.locator("leflux-widget").get_by_text("characters too many")).to_be_visible()
    await chat.ask(text[:1000])
    await shop.agrees(chat, 4)


async def test_the_limit_is_the_servers_and_nothing_typed_is_lost(open_shop: OpenShop, context: BrowserContext) -> None:
    shop = await open_shop(limits={"message_chars": 40})
    chat = await visit(context, shop.home)
    await chat.converse(1)
    text = "far too long for this server " * 3
    await chat.say(text)
    await expect(chat.input).to_have_attribute("aria-invalid", "true")
    await chat.page.reload()
    await chat.open()
    await expect(chat.input).to_have_value(text)
    await chat.ask("short enough")
    assert len(await shop.stored(await chat.session_id())) == 4
