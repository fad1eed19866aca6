"""The back/forward cache: the conversation goes on after Back, whether the page was kept or is loaded again."""

from tests.browser.engines.tab import EngineBrowser
from tests.browser.shop import Shop
from tests.services.wait import until

# Firefox decides before `pagehide` and never keeps a page that has an open WebSocket.
KEEPING = ("chromium", "webkit")
WATCH = """window.life = [];
addEventListener('pageshow', (event) => life.push(event.persisted));
addEventListener('pagehide', (event) => life.push(event.persisted))"""


async def test_the_conversation_goes_on_after_back(browser: EngineBrowser, shop: Shop, engine: str) -> None:
    tab = await (await browser.tab(shop.home)).open()
    await tab.ask("before")
    await tab.script(WATCH)
    await tab.script("location.href = '/demo/about.html'")

    async def is_there() -> bool:
        return "about" in str(await tab.script("return location.pathname"))

    async def is_back() -> bool:
        return "about" not in str(await tab.script("return location.pathname"))

    await until(is_there, "the next page is there")
    await tab.open()
    await tab.ask("on the next page")
    await tab.script("history.back()")
    await until(is_back, "the first page is back")
    await tab.open()
    life = await tab.script("return window.life ?? null")
    # Left and shown again as the same page; a page that is loaded again remembers nothing.
    assert life == ([True, True] if engine in KEEPING else None)
    await tab.shows(["before", "echo: before", "on the next page", "echo: on the next page"])
    await tab.ask("after back")
