"""What one page view shows first, and what it costs."""

import asyncio
import re
from urllib.parse import urlsplit

import pytest
from playwright.async_api import BrowserContext, Page, Request, Route, WebSocket, WebSocketRoute, expect

from tests.browser.chat import Chat
from tests.browser.conftest import visit
from tests.browser.shop import Shop
from tests.services.wait import until


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


OF_THE_DEMO = "/demo/"
SCRIPTS = ["GET /embed.js", "GET /leflux-agent.js", "GET /leflux-page.js", "GET /leflux-socket.js"]


class Traffic:
    """Every request and socket of a page, as `METHOD path`."""

    def __init__(self, page: Page) -> None:
        self.requests: list[str] = []
        self.bodies: dict[str, object] = {}
        self.sockets: list[str] = []
        page.on("request", self._requested)
        page.on("websocket", self._connected)

    def _requested(self, request: Request) -> None:
        self.requests.append(f"{request.method} {urlsplit(request.url).path}")

    def _connected(self, socket: WebSocket) -> None:
        self.sockets.append(urlsplit(socket.url).path)

    def of_the_widget(self) -> list[str]:
        return [request for request in self.requests if OF_THE_DEMO not in request]


async def test_cached_messages_are_on_screen_before_the_api_answers(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    await chat.converse(10)
    before = await shop.agrees(chat, 20)
    asked, answering = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        asked.set()
        await answering.wait()
        await route.continue_()

    async def silence(socket: WebSocketRoute) -> None:
        """Accepts the socket and passes nothing on."""

    await chat.page.route("**/api/**", hold)
    await chat.page.route_web_socket(re.compile(r"/socket\.io/"), silence)
    await chat.page.reload()
    await chat.open()
    assert await chat.bubbles() == before
    await asked.wait()
    assert await chat.bubbles() == before
    answering.set()
    await chat.page.unroute_all(behavior="wait")


async def test_a_reload_costs_one_restore_and_one_socket(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    await chat.converse(2)
    session_id = await chat.session_id()
    traffic = Traffic(chat.page)
    await chat.page.reload()
    await chat.open()
    await shop.agrees(chat, 4)
    await until(lambda: traffic.sockets, "the socket is there")
    # A whole turn later everything that a page view would ask for has been asked for.
    await chat.ask("one more")
    assert sorted(traffic.of_the_widget()) == [*SCRIPTS, f"POST /api/session/{session_id}"]
    assert traffic.sockets == ["/socket.io/"]


async def test_the_first_page_view_costs_one_init_and_one_socket(shop: Shop, context: BrowserContext) -> None:
    page = await context.new_page()
    traffic = Traffic(page)
    await page.goto(shop.home)
    chat = await Chat(page).open()
    await chat.ask("hello")
    assert sorted(traffic.of_the_widget()) == [*SCRIPTS, "POST /api/session/init"]
    assert traffic.sockets == ["/socket.io/"]


async def test_the_widget_lives_with_a_strict_content_security_policy(shop: Shop, context: BrowserContext) -> None:
    page = await context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    await page.goto(shop.home)
    chat = await Chat(page).open()
    await chat.ask("hello")
    await expect(chat.page.locator("leflux-widget [part=panel]")).to_have_css("position", "fixed")
    assert problems == []
