"""What the visitor clears or erases can be brought back for a few seconds; a failed answer can be asked for again."""

from uuid import uuid4

import pytest
from aiohttp import web
from playwright.async_api import BrowserContext, Locator, expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenShop, visit
from tests.browser.scripted import agent
from tests.browser.shop import Shop
from tests.browser.tabs import kept, shows_nothing, two_tabs
from tests.server.model_server import model_server, text
from tests.services.wait import until

CHOICES = {"clear": "Clear conversation", "forget": "Forget this conversation"}


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


def undo(chat: Chat) -> Locator:
    return chat.page.locator("leflux-widget [part=undo]")


async def remove(chat: Chat, how: str) -> None:
    """By the keyboard alone."""
    menu = chat.page.locator("leflux-widget").get_by_role("button", name="Menu")
    await menu.focus()
    await chat.page.keyboard.press("Enter")
    choice = chat.page.locator(f"leflux-widget [part={how}]")
    await expect(choice).to_have_accessible_name(CHOICES[how])
    does = {
        "clear": "Only here: the conversation and your details. The site keeps its copy.",
        "forget": "Here and on the server, with your details and your visitor number, for good.",
    }[how]
    await expect(choice).to_have_accessible_description(does)
    await choice.focus()
    await chat.page.keyboard.press("Enter")
    if how == "forget":
        await chat.page.keyboard.press("Shift+Tab")
        await chat.page.keyboard.press("Enter")
    await shows_nothing(chat)


async def session_ended(shop: Shop, session_id: str) -> None:
    async def is_gone() -> bool:
        return (await shop.get(f"/api/session/{session_id}"))[0] == 410

    await until(is_gone, "the server has erased it")


async def forgot_locally(chat: Chat, word: str) -> None:
    async def has_none() -> bool:
        return word not in str(await kept(chat.page))

    await until(has_none, "this browser has no word of it")


@pytest.mark.parametrize("how", ["clear", "forget"])
async def test_what_was_removed_is_back_in_both_tabs_after_undo(shop: Shop, context: BrowserContext, how: str) -> None:
    chat, other = await two_tabs(context, shop)
    await chat.ask("remember me")
    before = await shop.agrees(other, 2)
    session_id = await chat.session_id()
    await remove(chat, how)
    await shows_nothing(other)
    # The focus is on the way back, and a screen reader has been told.
    await expect(undo(chat)).to_be_focused()
    await expect(chat.page.locator("leflux-widget [aria-live=polite]")).to_contain_text("Undo")
    # From the other tab, and after a reload inside of the time.
    await other.page.reload()
    await other.open()
    await shows_nothing(other)
    await undo(other).click()
    assert await shop.agrees(chat, 2) == before
    assert await shop.agrees(other, 2) == before
    await expect(undo(chat)).to_be_hidden()
    await chat.ask("still here")
    assert await chat.session_id() == session_id


@pytest.mark.parametrize("how", ["clear", "forget"])
async def test_after_the_time_it_is_gone(shop: Shop, context: BrowserContext, how: str) -> None:
    chat, other = await two_tabs(context, shop)
    word = f"word{uuid4().hex}"
    await chat.ask(word)
    session_id = await chat.session_id()
    await remove(chat, how)
    await chat.page.reload()
    await chat.open()
    await forgot_locally(chat, word)
    await shows_nothing(other)
    await expect(undo(chat)).to_be_hidden()
    if how == "forget":
        await session_ended(shop, session_id)
    else:
        assert len(await shop.stored(session_id)) == 2


async def test_a_message_ends_the_time_and_begins_afresh(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    await chat.ask("the old one")
    session_id = await chat.session_id()
    await remove(chat, "forget")
    await chat.ask("the new one")
    assert await chat.session_id() != session_id
    await shop.agrees(chat, 2)
    await session_ended(shop, session_id)


async def test_an_erasure_reaches_a_server_that_was_away(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    word = f"word{uuid4().hex}"
    await chat.ask(word)
    session_id = await chat.session_id()
    shop.proxy.cut()
    await remove(chat, "forget")
    await forgot_locally(chat, word)
    shop.proxy.heal()
    await session_ended(shop, session_id)

    async def is_over() -> bool:
        return "leflux:removed" not in await kept(chat.page)

    await until(is_over, "nothing is left to be erased")


async def test_a_failed_answer_can_be_asked_for_again(open_shop: OpenShop, context: BrowserContext) -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        return web.Response(status=400, text="no")

    async with model_server() as model:
        model.answers = [broken, text("Now it works.")]
        shop = await open_shop(agent=agent(model))
        chat = await visit(context, shop.home)
        await chat.say("Hello")
        again = chat.page.locator("leflux-widget [part=retry]")
        await again.focus()
        await chat.page.keyboard.press("Enter")
        await chat.shows("Now it works.", "sent")
        await expect(again).to_be_hidden()
        assert [b.text for b in await chat.bubbles() if b.role == "visitor"] == ["Hello", "Hello"]
