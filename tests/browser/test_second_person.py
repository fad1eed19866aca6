"""Two people on one browser: what the first one cleared or forgot is nowhere for the second one."""

import json
from uuid import uuid4

import pytest
from playwright.async_api import BrowserContext

from tests.browser.chat import Chat
from tests.browser.conftest import visit
from tests.browser.shop import Shop
from tests.browser.test_forgetting import held
from tests.browser.test_page_context import Recording
from tests.services.wait import until


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


async def choose(chat: Chat, *names: str) -> None:
    """The menu's choice, and the answer to its question."""
    for name in ("Menu", *names):
        await chat.page.locator("leflux-widget").get_by_role("button", name=name, exact=True).click()


async def cookie(context: BrowserContext) -> str | None:
    found = [each["value"] for each in await context.cookies() if each.get("name") == "leflux:visitorId"]
    return found[0] if found else None


async def talk(context: BrowserContext, shop: Shop, word: str) -> tuple[Chat, Chat]:
    """Two tabs of somebody who has said who they are, and left a text unsent in one of them."""
    chat, other = await visit(context, shop.home), await visit(context, shop.home)
    await chat.page.evaluate("name => LeFlux.setVisitorData({ name, phone: '123' })", f"Ada {word}")
    await chat.ask(f"{word} is my secret")
    await other.shows(f"{word} is my secret")
    await other.input.fill(f"{word} not sent yet")
    return chat, other


async def forgotten(word: str, *chats: Chat) -> None:
    for chat in chats:

        async def is_clean(one: Chat = chat) -> bool:
            return not await held(one.page, word)

        await until(is_clean, "a tab has forgotten the first person")


@pytest.mark.parametrize("how", ["clear", "forget"])
async def test_the_second_person_finds_sends_and_fills_in_nothing_of_the_first(
    shop: Shop, context: BrowserContext, how: str
) -> None:
    word = f"word{uuid4().hex}"
    chat, other = await talk(context, shop, word)
    first, visitor = await chat.session_id(), await cookie(context)
    await choose(chat, *(["Clear conversation"] if how == "clear" else ["Forget this conversation", "Erase"]))
    await forgotten(word, chat, other)
    assert await chat.stored_locally("leflux:userData") is None
    assert (await cookie(context) == visitor) == (how == "clear")
    status = (await shop.get(f"/api/session/{first}"))[0]
    assert status == (200 if how == "clear" else 410)
    page = await context.new_page()
    recording = Recording(page, shop.base)
    await page.goto(shop.home)
    second = await Chat(page).open()
    await second.ask("Hello, I am somebody else")
    assert await second.session_id() != first
    assert recording.contexts()[-1]["userData"] == {}
    assert word not in recording.text()
    assert first not in recording.text()
    assert visitor is not None
    assert (visitor in recording.text()) == (how == "clear")
    await forgotten(word, chat, other, second)


async def test_what_is_forgotten_while_the_server_is_away_is_erased_by_the_next_page_view(
    shop: Shop, context: BrowserContext
) -> None:
    word = f"word{uuid4().hex}"
    chat, other = await talk(context, shop, word)
    first = await chat.session_id()
    shop.proxy.cut()
    await choose(chat, "Forget this conversation", "Erase")
    await forgotten(word, chat, other)
    assert json.loads(await chat.page.evaluate("localStorage.getItem('leflux:erasing')"))["ids"] == [first]
    assert (await shop.get(f"/api/session/{first}"))[0] == 200
    await other.page.close()
    await chat.page.close()
    shop.proxy.heal()
    page = await context.new_page()
    await page.goto(shop.home)

    async def is_erased() -> bool:
        return (await shop.get(f"/api/session/{first}"))[0] == 410

    await until(is_erased, "the server has erased it")
    await until(lambda: page.evaluate("localStorage.getItem('leflux:erasing') === null"), "the promise is kept")
