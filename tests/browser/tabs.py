"""Several tabs of one visitor, and pages of a foreign site that embed the chat."""

from typing import Any

from playwright.async_api import BrowserContext, CDPSession, Page, expect

from tests.browser.chat import Chat
from tests.browser.conftest import visit
from tests.browser.shop import Shop
from tests.hostile_site import HostileSite, html
from tests.services.wait import until

COUNT_TAKEOVERS = "window.takeovers = 0; addEventListener('leflux:taken-over', () => { takeovers += 1; })"
# A takeover that a test can wait for, and that a visitor would still see.
BRIEF = {"takeover_read_only": "700ms"}
KEPT = "Object.entries(localStorage).filter(([key]) => key.startsWith('leflux:'))"


async def two_tabs(context: BrowserContext, shop: Shop) -> tuple[Chat, Chat]:
    return await visit(context, shop.home), await visit(context, shop.home)


async def is_mirrored(chat: Chat, is_open: bool) -> None:
    panel = chat.page.locator("leflux-widget [part=panel]")
    await (expect(panel).to_be_visible() if is_open else expect(panel).to_be_hidden())


async def shows_nothing(chat: Chat) -> None:
    async def is_empty() -> bool:
        return await chat.bubbles() == []

    await until(is_empty, "the conversation is gone from the screen")


async def kept(page: Page) -> dict[str, str]:
    """What localStorage holds of the chat."""
    entries: list[tuple[str, str]] = await page.evaluate(KEPT)
    return dict(entries)


async def takeovers(*chats: Chat) -> int:
    """How often a visitor was told that another tab took over; the context counts with `COUNT_TAKEOVERS`."""
    return sum([await chat.page.evaluate("takeovers") for chat in chats])


async def freeze(devtools: CDPSession, is_frozen: bool) -> None:
    await devtools.send("Page.setWebLifecycleState", {"state": "frozen" if is_frozen else "active"})


def embed(
    site: HostileSite, shop: Shop, path: str, options: str = "", head: str = "", headers: str = "", body: str = ""
) -> str:
    """A page of another origin with the chat on it; its address."""
    snippet = f'<script src="{shop.base}/embed.js" async {options}></script>'
    site.pages[path] = html(f"<h1>Another shop</h1>{body}", "Another shop", head + snippet, headers)
    return site.base + path


def paths(page: Page, base: str) -> list[str]:
    """Every request and socket from now on to `base`, as it is made."""
    found: list[str] = []

    def note(sent: Any) -> None:
        if base.split("//")[1] in sent.url:
            found.append(sent.url)

    page.on("request", note)
    page.on("websocket", note)
    return found
