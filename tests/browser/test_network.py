"""What the network does in the middle of things: nothing is lost, nothing is doubled."""

import pytest
from playwright.async_api import BrowserContext, expect

from tests.browser.chat import LONG, Chat
from tests.browser.conftest import visit
from tests.browser.shop import Shop
from tests.services.proxy import Direction
from tests.services.wait import until

pytestmark = pytest.mark.every_store_under_soak
TURNS = 2
ACKNOWLEDGEMENT = rb"43\d+\["


@pytest.fixture
def text() -> str:
    return "said while the network failed"


async def conversation(shop: Shop, context: BrowserContext) -> Chat:
    chat = await visit(context, shop.home)
    await chat.converse(TURNS)
    return chat


async def finished(shop: Shop, chat: Chat, text: str) -> None:
    """The turn that was hit ends well, on the screen and after a reload."""
    await chat.answered(text)
    before = await shop.agrees(chat, 2 * TURNS + 2)
    await chat.page.reload()
    await chat.open()
    assert await shop.agrees(chat, 2 * TURNS + 2) == before


async def test_a_cut_before_the_message_arrived_sends_it_again(shop: Shop, context: BrowserContext, text: str) -> None:
    chat = await conversation(shop, context)
    shop.proxy.hold(Direction.REQUEST)
    await chat.say(text)
    await chat.shows(text, "sending")
    shop.proxy.cut()
    await expect(chat.notice).to_have_attribute("data-kind", "reconnecting")
    assert len(await shop.stored(await chat.session_id())) == 2 * TURNS
    shop.proxy.heal()
    await finished(shop, chat, text)
    await expect(chat.notice).to_be_hidden()


async def test_a_message_torn_in_two_is_stored_once(shop: Shop, context: BrowserContext, text: str) -> None:
    chat = await conversation(shop, context)
    shop.proxy.tear_request()
    await chat.say(text)
    await until(lambda: shop.proxy.has_torn, "the request was torn")
    await finished(shop, chat, text)


async def test_a_lost_acknowledgement_stores_the_message_once(shop: Shop, context: BrowserContext, text: str) -> None:
    chat = await conversation(shop, context)
    shop.proxy.drop_reply(ACKNOWLEDGEMENT)
    await chat.say(text)
    await until(lambda: shop.proxy.has_dropped, "the acknowledgement was lost")
    await finished(shop, chat, text)


async def test_a_cut_in_mid_reply_shows_the_whole_reply_once(slow_shop: Shop, context: BrowserContext) -> None:
    chat = await conversation(slow_shop, context)
    await chat.say(LONG)
    await chat.in_mid_reply(LONG)
    slow_shop.proxy.cut()
    await expect(chat.notice).to_have_attribute("data-kind", "reconnecting")
    slow_shop.proxy.heal()
    await finished(slow_shop, chat, LONG)


async def test_a_reset_in_mid_reply_goes_on_where_it_was(slow_shop: Shop, context: BrowserContext) -> None:
    chat = await conversation(slow_shop, context)
    await chat.say(LONG)
    await chat.in_mid_reply(LONG)
    slow_shop.proxy.reset()
    await finished(slow_shop, chat, LONG)


async def test_messages_typed_while_the_network_is_away_are_sent_in_order(shop: Shop, context: BrowserContext) -> None:
    chat = await conversation(shop, context)
    shop.proxy.cut()
    texts = [f"offline {number}" for number in range(3)]
    for text in texts:
        await chat.say(text)
        await chat.shows(text, "sending")
    await chat.page.close()
    shop.proxy.heal()
    chat = await visit(context, shop.home)
    for text in texts:
        await chat.answered(text)
    bubbles = await shop.agrees(chat, 2 * TURNS + 6)
    assert [b.text for b in bubbles if b.text in texts] == texts


async def test_a_slow_network_doubles_nothing(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    shop.proxy.latency = 0.3
    await chat.converse(2)
    await shop.agrees(chat, 4)
