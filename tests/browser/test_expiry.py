"""Sessions that the server let go, and sessions that the browser may no longer keep."""

import json
from typing import Any

from playwright.async_api import BrowserContext, Page, Request

from tests.browser.chat import Chat
from tests.browser.conftest import OpenShop, visit
from tests.browser.shop import Shop
from tests.services.wait import until

DAY_MS = 24 * 3600 * 1000


def inits(page: Page) -> list[dict[str, Any]]:
    """The bodies of the calls that start a session, as they are made."""
    found: list[dict[str, Any]] = []

    def requested(request: Request) -> None:
        if request.url.endswith("/api/session/init"):
            found.append(json.loads(request.post_data or "{}"))

    page.on("request", requested)
    return found


async def evicted(shop: Shop, session_id: str) -> None:
    async def is_gone() -> bool:
        status, _ = await shop.get(f"/api/session/{session_id}")
        return status == 404

    await until(is_gone, "the server has let the idle session go")


async def shows_past_and_goes_on(shop: Shop, chat: Chat, old_id: str, texts: list[str]) -> None:
    """The old messages stay in sight, and the next message belongs to another session."""
    await chat.ask("after the break")
    new_id = await chat.session_id()
    assert new_id != old_id
    assert [b.text for b in await chat.bubbles()] == [*texts, "after the break", "echo: after the break"]
    assert [m["text"] for m in await shop.stored(new_id)] == ["after the break", "echo: after the break"]


async def test_a_visitor_who_returns_after_eviction_sees_the_old_messages(
    open_shop: OpenShop, context: BrowserContext
) -> None:
    shop = await open_shop(session={"idle_ttl": "2s"})
    chat = await visit(context, shop.home)
    await chat.converse(2)
    old_id = await chat.session_id()
    texts = [b.text for b in await chat.bubbles()]
    await chat.page.close()
    await evicted(shop, old_id)
    page = await context.new_page()
    started = inits(page)
    await page.goto(shop.home)
    chat = await Chat(page).open()
    assert [b.text for b in await chat.bubbles()] == texts
    await shows_past_and_goes_on(shop, chat, old_id, texts)
    assert [call.get("continues") for call in started] == [old_id]
    assert [m["text"] for m in started[0]["priorHistory"]] == texts


async def test_a_visitor_who_stays_through_eviction_goes_on_in_a_fresh_session(
    open_shop: OpenShop, context: BrowserContext
) -> None:
    shop = await open_shop(session={"idle_ttl": "2s"})
    chat = await visit(context, shop.home)
    started = inits(chat.page)
    await chat.converse(2)
    old_id = await chat.session_id()
    texts = [b.text for b in await chat.bubbles()]
    await evicted(shop, old_id)
    await shows_past_and_goes_on(shop, chat, old_id, texts)
    assert [call.get("continues") for call in started] == [old_id]


async def test_a_session_older_than_the_client_ttl_is_not_restored(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    await chat.converse(2)
    old_id = await chat.session_id()
    # Away from the widget, which would write its own time again.
    await chat.page.goto(f"{shop.base}/health")
    await chat.page.evaluate(
        """age => {
          const session = JSON.parse(localStorage.getItem("leflux:session"));
          session.lastActivity -= age;
          localStorage.setItem("leflux:session", JSON.stringify(session));
        }""",
        DAY_MS + 60_000,
    )
    restored: list[str] = []
    chat.page.on("request", lambda request: restored.append(request.url) if old_id in request.url else None)
    await chat.page.goto(shop.home)
    await chat.open()
    assert await chat.bubbles() == []
    await chat.ask("a new day")
    assert await chat.session_id() != old_id
    await shop.agrees(chat, 2)
    assert restored == []
