"""Two tabs of a site are one conversation, and the tab that is used has it."""

import asyncio
import time

import pytest
from playwright.async_api import BrowserContext, expect

from tests.browser.chat import LONG, Chat
from tests.browser.conftest import OpenShop, visit
from tests.browser.shop import Shop
from tests.browser.tabs import BRIEF, COUNT_TAKEOVERS, is_mirrored, takeovers, two_tabs
from tests.services.wait import until


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


ROUNDS = 100
SEND_AT = """async ([text, at]) => {
  await new Promise(resolve => setTimeout(resolve, at - Date.now() - 20));
  while (Date.now() < at) {}
  let tries = 1;
  while (LeFlux.send(text) === null) {
    tries += 1;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  return tries;
}"""


async def connected_sockets(shop: Shop) -> int:
    _, stats = await shop.get("/api/stats")
    return int(stats["connectedSockets"])


async def has_one_socket(shop: Shop) -> None:
    async def is_one() -> bool:
        return await connected_sockets(shop) == 1

    await until(is_one, "one socket is left")


async def is_free(*chats: Chat) -> None:
    for chat in chats:
        await expect(chat.input).to_be_enabled()


async def test_two_tabs_have_one_session_and_one_conversation(shop: Shop, context: BrowserContext) -> None:
    first = await visit(context, shop.home)
    await first.converse(2)
    second = await visit(context, f"{shop.base}/demo/lamps/")
    assert await second.session_id() == await first.session_id()
    assert await shop.agrees(second, 4) == await shop.agrees(first, 4)


async def test_what_is_typed_in_one_tab_appears_in_the_other(shop: Shop, context: BrowserContext) -> None:
    first, second = await two_tabs(context, shop)
    await first.ask("typed in the first")
    await second.answered("typed in the first")
    await second.ask("typed in the second")
    await first.answered("typed in the second")
    assert await shop.agrees(first, 4) == await shop.agrees(second, 4)


async def test_the_other_tab_sees_the_reply_being_written(slow_shop: Shop, context: BrowserContext) -> None:
    first, second = await two_tabs(context, slow_shop)
    await first.say(LONG)
    await second.shows(LONG)
    await second.in_mid_reply(LONG)
    await second.answered(LONG)
    assert await slow_shop.agrees(first, 2) == await slow_shop.agrees(second, 2)


@pytest.mark.parametrize("closing", [0, 1], ids=["first", "second"])
async def test_opening_in_one_tab_opens_both_and_closing_in_either_closes_all(
    shop: Shop, context: BrowserContext, closing: int
) -> None:
    pages = [await context.new_page() for _ in range(3)]
    for page in pages:
        await page.goto(shop.home)
    chats = [Chat(page) for page in pages]
    await chats[1].open()
    for chat in chats:
        await is_mirrored(chat, is_open=True)
    await pages[closing].locator("leflux-widget [part=close]").click()
    for chat in chats:
        await is_mirrored(chat, is_open=False)


async def test_the_newer_tab_wins_and_the_older_is_read_only_for_a_moment(
    open_shop: OpenShop, context: BrowserContext
) -> None:
    shop = await open_shop(session={"takeover_read_only": "4s"})
    first = await visit(context, shop.home)
    await first.ask("in the first")
    second = await visit(context, shop.home)
    await expect(first.notice).to_have_attribute("data-kind", "taken-over")
    await expect(first.input).to_be_disabled()
    await has_one_socket(shop)
    await second.ask("in the second")
    await expect(first.notice).to_be_hidden()
    await expect(first.input).to_be_enabled()
    await first.ask("in the first again")
    await has_one_socket(shop)
    assert await shop.agrees(first, 6) == await shop.agrees(second, 6)


async def test_two_tabs_in_use_do_not_fight_over_the_conversation(open_shop: OpenShop, context: BrowserContext) -> None:
    shop = await open_shop(session=BRIEF)
    await context.add_init_script(COUNT_TAKEOVERS)
    first, second = await two_tabs(context, shop)
    await first.ask("in the first")
    await second.ask("in the second")
    await is_free(first, second)
    before = await takeovers(first, second)
    # Both were used a moment ago and both are in sight: only use may move the conversation.
    await second.converse(5)
    assert await takeovers(first, second) == before
    await has_one_socket(shop)
    await first.ask("once more in the first")
    await is_free(first, second)
    assert await takeovers(first, second) == before + 1


@pytest.mark.timeout(400)
async def test_two_tabs_that_send_at_the_same_instant_lose_and_double_nothing(
    open_shop: OpenShop, context: BrowserContext
) -> None:
    shop = await open_shop(session={"takeover_read_only": "50ms"}, agent={"kind": "none"})
    chats = await two_tabs(context, shop)
    at_once = 0
    for number in range(ROUNDS):
        await is_free(*chats)
        at = int(time.time() * 1000) + 60
        # A tab that has just heard of the other is read-only, and its visitor presses again.
        tries = await asyncio.gather(
            *(chat.page.evaluate(SEND_AT, [f"{number} {name}", at]) for chat, name in zip(chats, "ab", strict=True))
        )
        at_once += tries == [1, 1]
    assert at_once > 0
    one, other = [await shop.agrees(chat, 2 * ROUNDS) for chat in chats]
    assert one == other
    assert sorted(b.text for b in one) == sorted(f"{number} {name}" for number in range(ROUNDS) for name in "ab")
