"""The socket that the bundle makes: a WebSocket where there is one, and long-polling where there is none."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import BrowserContext, Page, Request

from tests.browser.chat import Chat
from tests.browser.shop import Shop

TURNS = 2
BLOCKED = {
    "missing": "delete window.WebSocket",
    "forbidden": "window.WebSocket = class { constructor() { throw new DOMException('blocked', 'SecurityError') } }",
    "failing": """window.WebSocket = class {
      constructor() { setTimeout(() => this.onerror?.(new Event('error'))) }
      close() {}
    }""",
}

# A proxy that accepts a WebSocket and then passes only the first messages.
SILENT = """window.WebSocket = class extends WebSocket {
  passed = 0;
  set onopen(handler) { super.onopen = (event) => %(passes)d > 0 && handler(event); }
  set onmessage(handler) { super.onmessage = (event) => { if (++this.passed <= %(passes)d) handler(event); }; }
};"""


def transports(page: Page) -> list[str]:
    """Filled with the transport of every request for the socket."""
    found: list[str] = []

    def noted(request: Request) -> None:
        query = parse_qs(urlsplit(request.url).query)
        if "EIO" in query:
            found.extend(query["transport"])

    page.on("request", noted)
    page.on("websocket", lambda socket: found.append("websocket" if "transport=websocket" in socket.url else "other"))
    return found


async def test_a_websocket_is_all_that_is_used_where_there_is_one(shop: Shop, context: BrowserContext) -> None:
    page = await context.new_page()
    used = transports(page)
    await page.goto(shop.home)
    chat = await Chat(page).open()
    await chat.converse(TURNS)
    shop.proxy.cut()
    shop.proxy.heal()
    await chat.ask("after the cut")
    await shop.agrees(chat, 2 * TURNS + 2)
    assert set(used) == {"websocket"}


@pytest.mark.parametrize("how", BLOCKED)
async def test_long_polling_carries_the_chat_where_a_websocket_is_blocked(
    how: str, shop: Shop, context: BrowserContext
) -> None:
    await context.add_init_script(BLOCKED[how])
    page = await context.new_page()
    used = transports(page)
    await page.goto(shop.home)
    chat = await Chat(page).open()
    await chat.converse(TURNS)
    shop.proxy.cut()
    await chat.say("said while it was cut")
    shop.proxy.heal()
    await chat.answered("said while it was cut")
    await page.reload()
    await shop.agrees(await chat.open(), 2 * TURNS + 2)
    assert set(used) == {"polling"}


@pytest.mark.parametrize("passes", [0, 1, 2, 4])
async def test_long_polling_takes_over_from_a_websocket_that_falls_silent_and_is_remembered(
    passes: int, shop: Shop, context: BrowserContext
) -> None:
    await context.add_init_script(SILENT % {"passes": passes})
    page = await context.new_page()
    used = transports(page)
    await page.goto(shop.home)
    chat = await Chat(page).open()
    await chat.converse(TURNS)
    assert used[0] == "websocket"
    assert used[-1] == "polling"
    used.clear()
    await page.reload()
    await chat.open()
    await chat.ask("after a reload")
    assert set(used) == {"polling"}
    await shop.agrees(chat, 2 * TURNS + 2)
