"""On a page with a strict policy or aggressive rules the chat looks, pixel for pixel, as it does on a plain one."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext

from tests.browser.chat import Chat
from tests.browser.shop import Shop
from tests.browser.tabs import embed
from tests.hostile_site import HostileSite, hostile_site


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


# Rules that reach every element of a page, and the widget's host by name. Behind the panel's round corners the page
# itself is seen, so its canvas stays white.
AGGRESSIVE = """<style>
*, *::before, *::after, leflux-widget, leflux-widget * {
  all: revert !important; font: 40px/3 cursive !important; display: block !important; color: red !important;
  margin: 9px !important; padding: 9px !important; letter-spacing: 9px !important; text-transform: uppercase !important;
  box-sizing: content-box !important; border: 5px solid lime !important;
  float: left !important; text-align: center !important; white-space: pre !important; word-spacing: 20px !important;
  max-width: 200px !important; zoom: 1.2 !important; user-select: none !important;
}
leflux-widget {
  visibility: hidden !important; transform: rotate(20deg) !important; opacity: .1 !important;
  filter: blur(5px) !important; position: static !important; z-index: -1 !important;
  direction: rtl !important; clip-path: circle(5px) !important; pointer-events: none !important;
}
html { font-size: 50px !important; zoom: 1 !important; }
html, body { background: #fff !important; border: 0 !important; max-width: none !important; zoom: 1 !important; }
button, textarea, h2, p { background: lime !important; animation: none !important; }
:root { --bg: red !important; --text: lime !important; --accent: red !important; --line: red !important; }
</style>"""
NONCE = "bm9uY2U"


def policy(shop: Shop) -> str:
    socket = shop.base.replace("http", "ws")
    rules = f"default-src 'none'; script-src 'nonce-{NONCE}'; connect-src {shop.base} {socket}; base-uri 'none'"
    return f"Content-Security-Policy: {rules}\r\n"


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[HostileSite]:
    async with hostile_site() as running:
        yield running


async def picture(context: BrowserContext, address: str) -> bytes:
    page = await context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    await page.goto(address)
    chat = await Chat(page).open()
    await chat.shows("echo: bold and code", "sent")
    # The pointer and the caret are no part of the look.
    await page.mouse.move(0, 0)
    # Every page shows the same stored messages, so their times need no mask; a page could restyle one.
    panel = page.locator("leflux-widget [part=panel]")
    shot = await panel.screenshot(animations="disabled", caret="hide")
    await page.close()
    assert [text for text in problems if "favicon" not in text] == []
    return shot


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_panel_looks_the_same_on_every_page(
    shop: Shop, context: BrowserContext, site: HostileSite, theme: str
) -> None:
    plain = embed(site, shop, "/plain")
    strict = embed(site, shop, "/strict", f'nonce="{NONCE}"', headers=policy(shop))
    aggressive = embed(site, shop, "/aggressive", head=AGGRESSIVE)
    site.pages["/favicon.ico"] = b"HTTP/1.1 204 No Content\r\n\r\n"
    page = await context.new_page()
    await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    await page.goto(plain)
    chat = await Chat(page).open()
    await chat.ask("Hello")
    await chat.say("**bold** and `code`")
    await chat.shows("echo: bold and code", "sent")
    await page.close()
    reference = await picture(context, plain)
    assert await picture(context, plain) == reference
    assert await picture(context, strict) == reference
    assert await picture(context, aggressive) == reference


async def test_the_chat_can_be_used_under_aggressive_rules(
    shop: Shop, context: BrowserContext, site: HostileSite
) -> None:
    page = await context.new_page()
    await page.goto(embed(site, shop, "/aggressive", head=AGGRESSIVE))
    chat = await Chat(page).open()
    await chat.ask("Hello")
    await shop.agrees(chat, 2)
    await page.locator("leflux-widget [part=close]").click()
    await page.locator("leflux-widget [part=launcher]").click()
    await shop.agrees(chat, 2)
