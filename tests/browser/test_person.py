"""A visitor and two owners in Chromium: a person takes a conversation over, speaks in it, and hands it back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Route, expect

from backends import StoreSettings, open_storage
from backends.sqlite import SqliteSettings
from leflux.owner.accounts import Accounts
from tests.browser.chat import LONG, Chat
from tests.browser.conftest import visit
from tests.browser.dashboard import EMAIL, PASSWORD, SITE, Desk, Owner, seed_account
from tests.services import free_port
from tests.services.chromium import LIMIT_MS
from tests.services.config import write_config
from tests.services.server import ServerProcess

BOB = "bob.stone@northlight.example"


@pytest_asyncio.fixture(loop_scope="session")
async def house(tmp_path: Path) -> AsyncIterator[Desk]:
    """A shop with two owners, on SQLite, whose agent takes its time."""
    settings = StoreSettings(backend="sqlite", options=SqliteSettings(path=str(tmp_path / "leflux.db")))
    storage = await open_storage(settings)
    await seed_account(storage)
    await Accounts(storage.settings).set_account(BOB, [SITE], PASSWORD)
    await storage.close()
    port = free_port()
    config = write_config(tmp_path, settings, port, agent={"echo": {"delay": "60ms"}})
    async with ServerProcess(config, port) as server:
        yield Desk(server, {})


async def owner_at(browser: Browser, house: Desk, email: str = EMAIL) -> Owner:
    """An owner in a browser of their own, at the list of live conversations."""
    context = await browser.new_context()
    context.set_default_timeout(LIMIT_MS)
    tab = Owner(await context.new_page(), house.server.base)
    await tab.go(f"{SITE}/conversations?state=live")
    await tab.page.get_by_label("Email").fill(email)
    await tab.page.get_by_label("Password").fill(PASSWORD)
    await tab.page.get_by_role("button", name="Sign in").click()
    return tab


async def open_first(tab: Owner, text: str) -> None:
    await tab.page.get_by_role("link", name=text).first.click()
    await expect(tab.title).to_have_text(text)


async def speak(tab: Owner, text: str) -> None:
    await tab.page.get_by_label("Your message to the visitor").fill(text)
    await tab.page.get_by_role("button", name="Send").click()


async def visitor_at(context: BrowserContext, house: Desk) -> Chat:
    return await visit(context, f"{house.server.base}/demo/")


async def test_a_person_takes_speaks_and_hands_back(house: Desk, context: BrowserContext, browser: Browser) -> None:
    chat = await visitor_at(context, house)
    await chat.ask("Is anybody there?")
    ada, bob = await owner_at(browser, house), await owner_at(browser, house, BOB)
    await open_first(ada, "Is anybody there?")
    await open_first(bob, "Is anybody there?")
    await chat.say(LONG)
    await chat.in_mid_reply(LONG)
    await ada.page.get_by_role("button", name="Take over").click()
    header = chat.page.locator("leflux-widget [part=header]")
    await expect(header).to_contain_text("Ada has joined")
    await expect(bob.page.get_by_text("Ada has this conversation")).to_be_visible()
    await speak(ada, "I am Ada, <b>not</b> a robot")
    said = await chat.shows("I am Ada, <b>not</b> a robot")
    assert (said.role, said.kind) == ("assistant", "person")
    await expect(chat.page.locator("leflux-widget .row[data-name=Ada]")).to_have_attribute("data-initials", "A")
    # The reply that was cut is nowhere.
    assert [bubble.text for bubble in await chat.bubbles()][2:] == [LONG, "I am Ada, <b>not</b> a robot"]
    await chat.input.press_sequentially("So I am talking to a person")
    await expect(ada.page.get_by_text("The visitor is typing…")).to_be_visible()
    await expect(ada.page.get_by_text("So I am talking")).to_have_count(0)
    await chat.input.press("Enter")
    await expect(ada.page.get_by_text("So I am talking to a person")).to_be_visible()
    await ada.page.get_by_label("Your message to the visitor").press_sequentially("Yes")
    await expect(chat.page.locator("leflux-widget .typing")).to_be_visible()
    await chat.page.reload()
    await chat.open()
    await expect(header).to_contain_text("Ada has joined")
    await ada.page.get_by_role("button", name="Hand back").click()
    await expect(chat.notice).to_contain_text("The person has left")
    await chat.ask("and now the bot")
    for tab in (ada, bob):
        assert tab.wrong == []
        await tab.page.context.close()


async def test_of_two_owners_one_has_it_and_the_other_takes_it(
    house: Desk, context: BrowserContext, browser: Browser
) -> None:
    chat = await visitor_at(context, house)
    await chat.ask("Whose am I?")
    ada, bob = await owner_at(browser, house), await owner_at(browser, house, BOB)
    for tab in (ada, bob):
        await open_first(tab, "Whose am I?")
    await ada.page.get_by_role("button", name="Take over").click()
    await expect(ada.page.get_by_text("You answer as Ada")).to_be_visible()
    await bob.page.get_by_role("button", name="Take it over").click()
    await bob.page.get_by_role("dialog").get_by_role("button", name="Take over").click()
    await expect(bob.page.get_by_text("You answer as Bob Stone")).to_be_visible()
    await expect(ada.page.get_by_text("Bob Stone has this conversation")).to_be_visible()
    await speak(bob, "I am Bob")
    await chat.shows("I am Bob")
    for tab in (ada, bob):
        assert tab.wrong == []
        await tab.page.context.close()


async def test_what_was_written_without_a_network_is_sent_once_also_after_a_reload(
    house: Desk, context: BrowserContext, browser: Browser
) -> None:
    chat = await visitor_at(context, house)
    await chat.ask("Can you hear me?")
    ada = await owner_at(browser, house)
    await open_first(ada, "Can you hear me?")
    await ada.page.get_by_role("button", name="Take over").click()
    answers = 0

    async def lose_the_answer(route: Route) -> None:
        nonlocal answers
        answers += 1
        if answers > 1:
            await route.abort()
            return
        # The server has stored it, and the page does not learn of it.
        await route.fetch()
        await route.abort()

    await ada.page.route("**/say", lose_the_answer)
    await speak(ada, "Loud and clear")
    await expect(ada.page.get_by_text("Sending…")).to_be_visible()
    await chat.shows("Loud and clear")
    await ada.page.reload()
    await ada.page.unroute("**/say")
    await expect(ada.page.get_by_text("Sending…")).to_have_count(0)
    assert [bubble.text for bubble in await chat.bubbles()].count("Loud and clear") == 1
    await expect(ada.page.get_by_text("Loud and clear")).to_have_count(1)
    await ada.page.context.close()
