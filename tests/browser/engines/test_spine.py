"""What a conversation survives, row by row, in every browser engine (docs/testing.md has the table)."""

from collections.abc import Awaitable, Callable

import pytest

from tests.browser.conftest import OpenShop
from tests.browser.engines.tab import EngineBrowser, Tab
from tests.browser.shop import Shop
from tests.services.wait import until

Row = Callable[[EngineBrowser, Shop], Awaitable[None]]
SLOW = {"agent": {"echo": {"delay": "50ms"}}}
LONG = " ".join(f"word{number}" for number in range(30))


def talk(*texts: str) -> list[str]:
    """What the screen shows after these were asked of the echo agent."""
    return [shown for text in texts for shown in (text, f"echo: {text}")]


async def visit(browser: EngineBrowser, shop: Shop) -> Tab:
    return await (await browser.tab(shop.home)).open()


async def reload(browser: EngineBrowser, shop: Shop) -> None:
    tab = await visit(browser, shop)
    await tab.ask("before")
    await tab.reload()
    await tab.open()
    await tab.shows(talk("before"))
    await tab.ask("after")
    await tab.shows(talk("before", "after"))


async def hard_navigation(browser: EngineBrowser, shop: Shop) -> None:
    tab = await visit(browser, shop)
    await tab.ask("on the first page")
    session_id = await tab.session_id()
    await tab.goto(f"{shop.base}/demo/about.html")
    await until(tab.is_open, "the chat is open on the next page too")
    await tab.shows(talk("on the first page"))
    assert await tab.session_id() == session_id


async def client_side_navigation(browser: EngineBrowser, shop: Shop) -> None:
    tab = await visit(browser, shop)
    await tab.ask("before the route changes")
    await tab.script("history.pushState(null, '', '/demo/?route=2')")
    await tab.ask("after")
    await tab.shows(talk("before the route changes", "after"))


async def closed_and_reopened(browser: EngineBrowser, shop: Shop) -> None:
    tab = await visit(browser, shop)
    await tab.ask("remember me")
    session_id = await tab.session_id()
    await tab.close()
    tab = await visit(browser, shop)
    await tab.shows(talk("remember me"))
    assert await tab.session_id() == session_id


async def cut_link(browser: EngineBrowser, shop: Shop) -> None:
    tab = await visit(browser, shop)
    await tab.ask("before the cut")
    shop.proxy.cut()
    await tab.say("typed while it was cut")
    shop.proxy.heal()
    await tab.shows(talk("before the cut", "typed while it was cut"))


async def restarted_server(browser: EngineBrowser, shop: Shop) -> None:
    tab = await visit(browser, shop)
    await tab.ask("before the crash")
    await shop.server.kill()
    await tab.say("typed while it was down")
    await shop.server.start()
    await tab.shows(talk("before the crash", "typed while it was down"))


async def reload_in_mid_reply(browser: EngineBrowser, shop: Shop) -> None:
    tab = await visit(browser, shop)
    await tab.say(LONG)

    async def is_partial() -> bool:
        last = (await tab.bubbles())[-1]
        return last.streaming and last.text != f"echo: {LONG}"

    await until(is_partial, "a reply is being written")
    await tab.reload()
    await tab.open()
    await tab.shows(talk(LONG))


async def two_tabs_mirror(browser: EngineBrowser, shop: Shop) -> None:
    first = await visit(browser, shop)
    await first.ask("from the first tab")
    second = await visit(browser, shop)
    await second.shows(talk("from the first tab"))
    await second.ask("from the second")
    await first.shows(talk("from the first tab", "from the second"))


async def two_tabs_close(browser: EngineBrowser, shop: Shop) -> None:
    first = await visit(browser, shop)
    await first.ask("hello")
    second = await visit(browser, shop)
    await second.press("close")

    async def are_closed() -> bool:
        return not await first.is_open() and not await second.is_open()

    await until(are_closed, "closing in one tab closes both")


async def two_tabs_send(browser: EngineBrowser, shop: Shop) -> None:
    first = await visit(browser, shop)
    await first.ask("hello")
    second = await visit(browser, shop)
    await first.say("from one")
    await second.say("from two")
    expected = {"hello", "from one", "from two"}

    async def are_stored() -> bool:
        said = [m["text"] for m in await shop.stored(await first.session_id()) if m["role"] == "visitor"]
        assert len(said) == len(set(said)), "nothing twice"
        return set(said) == expected

    await until(are_stored, "both messages are stored, once each")


async def cleared(browser: EngineBrowser, shop: Shop) -> None:
    tab = await visit(browser, shop)
    await tab.ask("forget this")
    session_id = await tab.session_id()
    await tab.script("LeFlux.clearConversation()")
    await tab.shows([])
    await tab.ask("a fresh start")
    await tab.shows(talk("a fresh start"))
    assert await tab.session_id() != session_id


async def typed_and_not_sent(browser: EngineBrowser, shop: Shop) -> None:
    tab = await visit(browser, shop)
    await tab.type("half a sentence")
    await tab.reload()
    await tab.open()
    await tab.say(" and the rest")
    await tab.shows(talk("half a sentence and the rest"))


ROWS: list[Row] = [
    reload,
    hard_navigation,
    client_side_navigation,
    closed_and_reopened,
    cut_link,
    two_tabs_mirror,
    two_tabs_close,
    two_tabs_send,
    cleared,
    typed_and_not_sent,
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.__name__)
async def test_the_conversation_survives(row: Row, browser: EngineBrowser, shop: Shop) -> None:
    await row(browser, shop)


async def test_the_conversation_survives_a_reload_in_mid_reply(browser: EngineBrowser, slow_shop: Shop) -> None:
    await reload_in_mid_reply(browser, slow_shop)


async def test_the_conversation_survives_a_restarted_server(browser: EngineBrowser, open_shop: OpenShop) -> None:
    await restarted_server(browser, await open_shop())
