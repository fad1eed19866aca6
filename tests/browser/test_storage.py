"""localStorage that is broken, forged, full or forbidden. The chat works all the same, and says what it cannot keep."""

import json
from typing import Any

import pytest
from playwright.async_api import BrowserContext, expect

from tests.browser.chat import Chat
from tests.browser.conftest import visit
from tests.browser.shop import Shop


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


KEYS = ("leflux:session", "leflux:history", "leflux:widget", "leflux:outbox", "leflux:userData")
GARBAGE = {
    "not JSON": '{"v":1,"messages":[',
    "another version": '{"v":999,"messages":[{"text":"from the future"}]}',
    "another shape": '{"v":1,"messages":{"0":"not a list"},"lastActivity":"yesterday"}',
    "null": "null",
    "wrong items": '{"v":1,"messages":[null,7,{"id":1}],"past":[[]]}',
}
FORBIDDEN = """Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("The browser forbids it.", "SecurityError"); } })"""
# Chromium gives an origin 5 million UTF-16 units: fill it in ever smaller pieces.
FILL = """() => {
  for (let size = 1 << 20, n = 0; size >= 1; n += 1) {
    try { localStorage.setItem("ballast" + n, "x".repeat(size)); } catch { size >>= 1; }
  }
}"""


async def write(chat: Chat, shop: Shop, records: dict[str, str]) -> None:
    """Change localStorage on a page without the widget, then come back."""
    await chat.page.goto(f"{shop.base}/health")
    await chat.page.evaluate(
        "records => Object.entries(records).forEach(([key, text]) => localStorage.setItem(key, text))", records
    )
    await chat.page.goto(shop.home)
    await chat.open()


@pytest.mark.parametrize("kind", sorted(GARBAGE))
async def test_garbage_in_every_record_is_discarded_and_fetched_again(
    shop: Shop, context: BrowserContext, kind: str
) -> None:
    chat = await visit(context, shop.home)
    await chat.converse(2)
    await write(chat, shop, dict.fromkeys(KEYS, GARBAGE[kind]))
    await shop.agrees(chat, 4)
    await chat.ask("still here")
    await shop.agrees(chat, 6)


async def test_a_session_id_that_is_none_starts_a_fresh_session(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    await write(chat, shop, {"leflux:sessionId": "../../etc/passwd"})
    await chat.ask("hello")
    await shop.agrees(chat, 2)


async def test_forbidden_storage_is_said_and_the_chat_works(shop: Shop, context: BrowserContext) -> None:
    await context.add_init_script(FORBIDDEN)
    chat = await visit(context, shop.home)
    await expect(chat.notice).to_have_attribute("data-kind", "storage-blocked")
    await chat.converse(2)
    assert [b.text for b in await chat.bubbles()][-1] == "echo: question number 2"


async def test_full_storage_is_said_and_the_chat_works(shop: Shop, context: BrowserContext) -> None:
    page = await context.new_page()
    await page.goto(f"{shop.base}/health")
    await page.evaluate(FILL)
    await page.goto(shop.home)
    chat = await Chat(page).open()
    await chat.converse(2)
    await expect(chat.notice).to_have_attribute("data-kind", "storage-full")
    assert [b.text for b in await chat.bubbles()][-1] == "echo: question number 2"


async def test_storage_that_fills_up_later_keeps_the_conversation(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    await chat.converse(2)
    await chat.page.evaluate(FILL)
    await chat.ask("with a full storage")
    await chat.page.reload()
    await chat.open()
    await shop.agrees(chat, 6)


MARKUP = '<img src="/demo/none.png" onerror="window.forged = true"><b>forged</b>'


async def test_forged_history_is_text_and_the_server_wins(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    await chat.converse(2)
    session_id = await chat.session_id()
    history: dict[str, Any] = await chat.stored_locally("leflux:history")
    for message in history["messages"]:
        message["text"] = MARKUP
    forged = history["messages"][-1] | {"id": "8d6f9c1e-3b1a-4c53-9d53-5a8a3a0f6b11", "seq": 5}
    history["messages"].append(forged)
    # Without the server, so that what was forged is what there is to show.
    shop.proxy.latency = 0
    await chat.page.route("**/api/**", lambda route: route.abort())
    await chat.page.route_web_socket("**/socket.io/**", lambda socket: None)
    await write(chat, shop, {"leflux:history": json.dumps(history)})
    await chat.shows(MARKUP)
    await expect(chat.page.locator("leflux-widget [part=message]").locator("img, b")).to_have_count(0)
    assert await chat.page.evaluate("window.forged") is None
    await chat.page.close()
    chat = await visit(context, shop.home)
    await shop.agrees(chat, 4)
    assert MARKUP not in [m["text"] for m in await shop.stored(session_id)]
