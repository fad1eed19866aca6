"""A conversation that a visitor forgets is gone from both of their tabs, and from every byte of the store."""

import asyncio
from uuid import uuid4

from playwright.async_api import BrowserContext, Page

from tests.browser.chat import Chat
from tests.browser.conftest import OpenShop, visit
from tests.browser.shop import Shop
from tests.services.wait import until

KEPT = """async () => {
  const { shadowRoot } = document.querySelector('leflux-widget');
  const typed = [...shadowRoot.querySelectorAll('textarea')].map((one) => one.value);
  const databases = (await indexedDB.databases()).map(({ name }) => name);
  const stored = [{ ...localStorage }, { ...sessionStorage }, document.cookie, databases, await caches.keys()];
  return JSON.stringify([shadowRoot.textContent, typed, stored]);
}"""


async def held(page: Page, word: str) -> str:
    """What there is around the word on the page's screen, or wherever its browser keeps things for it."""
    kept: str = await page.evaluate(KEPT)
    at = kept.find(word)
    return "" if at < 0 else kept[max(at - 200, 0) : at + 200]


async def gone(shop: Shop, chats: list[Chat], session_id: str, word: str) -> None:
    """Both tabs forget it, the store has no byte of it, and the id stays buried."""
    found: list[str] = []
    for chat in chats:

        async def is_forgotten(page: Page = chat.page) -> bool:
            found.append(await held(page, word))
            return not found[-1]

        try:
            await until(is_forgotten, "a tab has forgotten every word")
        except BaseException as failure:
            failure.add_note(f"it still holds {found[-1]}")
            raise
        await chat.page.reload()
        await chat.open()
        assert not await held(chat.page, word)
    assert (await shop.get(f"/api/session/{session_id}"))[0] == 410

    def where() -> list[str]:
        files = [file for file in shop.server.config.parent.rglob("*") if file.is_file()]
        return [file.name for file in files if word.encode() in file.read_bytes()]

    async def is_nowhere() -> bool:
        return not await asyncio.to_thread(where)

    await until(is_nowhere, f"no file, the server's log included, holds a word of it: {where()}")


async def test_a_visitor_forgets_a_conversation_by_the_menu(open_shop: OpenShop, context: BrowserContext) -> None:
    shop = await open_shop()
    word = f"word{uuid4().hex}"
    chat, other = await visit(context, shop.home), await visit(context, shop.home)
    await chat.ask(f"{word} to be forgotten")
    await other.shows(f"{word} to be forgotten")
    session_id = await chat.session_id()
    menu = chat.page.locator("leflux-widget")
    await menu.get_by_role("button", name="Menu").click()
    await menu.get_by_role("button", name="Forget this conversation").click()
    await menu.get_by_role("button", name="Erase", exact=True).click()
    await gone(shop, [chat, other], session_id, word)
