"""docs/operations.md: `server.base_path` puts the widget, its calls and sockets and the dashboard below one path."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, expect

from backends import StoreSettings, open_storage
from backends.sqlite import SqliteSettings
from tests.browser.chat import Chat
from tests.browser.dashboard import SITE, Desk, seed
from tests.services import free_port
from tests.services.config import write_config
from tests.services.server import ServerProcess

BASE_PATH = "/help/chat"
PAGE = '<!doctype html><title>A shop</title><p>Lamps</p><script src="{base}/embed.js" async></script>'


@pytest_asyncio.fixture(loop_scope="session")
async def mounted(tmp_path: Path) -> AsyncIterator[Desk]:
    store = StoreSettings(backend="sqlite", options=SqliteSettings(path=str(tmp_path / "leflux.db")))
    storage = await open_storage(store)
    try:
        sessions = await seed(storage)
    finally:
        await storage.close()
    port = free_port()
    config = write_config(tmp_path, store, port, server={"base_path": BASE_PATH}, demo={"enabled": False})
    server = ServerProcess(config, port)
    server.path = BASE_PATH
    async with server:
        yield Desk(server, sessions)


@pytest.mark.parametrize("path", ["/embed.js", "/health", "/help/embed.js", "/help/chatter/embed.js", "/"])
async def test_nothing_is_served_beside_the_path(mounted: Desk, context: BrowserContext, path: str) -> None:
    origin = mounted.server.base.removesuffix(BASE_PATH)
    assert (await context.request.get(origin + path)).status == 404
    assert (await context.request.get(f"{mounted.server.base}/embed.js?v=1")).status == 200
    assert (await context.request.get(mounted.server.base)).status == 200


async def test_a_conversation_below_the_path_survives_a_reload(mounted: Desk, context: BrowserContext) -> None:
    base = mounted.server.base
    home = base.removesuffix(BASE_PATH) + "/page"
    await context.route(home, lambda route: route.fulfill(body=PAGE.format(base=base), content_type="text/html"))
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url.replace("ws:", "http:")))
    await page.goto(home)
    chat = await Chat(page).open()
    await chat.ask("still here?")
    await page.reload()
    await chat.open()
    await chat.answered("still here?")
    assert any("/socket.io/" in url for url in asked)
    assert [url for url in asked if not url.startswith((base, home))] == []


async def test_the_dashboard_works_below_the_path(mounted: Desk, context: BrowserContext) -> None:
    tab = await mounted.owner(context)
    tab.page.on("response", lambda answer: tab.wrong.append(answer.url) if answer.status == 404 else None)
    await tab.shows("Overview")
    pages = tab.page.get_by_role("navigation", name="Pages")
    await pages.get_by_role("link", name="Conversations").click()
    await expect(tab.page).to_have_url(f"{mounted.server.base}/dashboard/{SITE}/conversations")
    await tab.page.reload()
    await expect(tab.page.get_by_text("Is there a showroom in Hamburg?").first).to_be_visible()
    await pages.get_by_role("link", name="Settings").click()
    await tab.page.get_by_role("link", name="Install").click()
    await expect(tab.page.get_by_text(f"http://localhost:8080{BASE_PATH}/embed.js").first).to_be_visible()
    assert tab.wrong == []
