"""A step that leads to a slow page is run once and nobody is asked, also when the socket is lost on the way.

Firefox closes sockets when a navigation begins, seconds before the page goes; a proxy that cuts plays its part here.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, WebSocket, expect

from tests.browser.conftest import OpenShop, visit
from tests.browser.shop import Shop
from tests.browser.tabs import embed
from tests.hostile_site import HostileSite, Respond, hostile_site, html
from tests.server.acting import playbook
from tests.services.wait import until

DONE = "You are there."
STEPS: dict[str, dict[str, Any]] = {
    "link": {"action": "navigate", "url": "/goal"},
    "address": {"action": "navigate", "url": "/goal?by=address"},
    "form": {"action": "click", "target": {"role": "button", "name": "Send"}, "url": "/goal?"},
}
BODY = '<a href="/goal">Goal</a><form action="/goal"><button>Send</button></form>'


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[HostileSite]:
    async with hostile_site() as running:
        yield running


def slow(page: bytes, shop: Shop, seconds: float, cuts: bool) -> Respond:
    async def respond(writer: asyncio.StreamWriter) -> None:
        if cuts:
            shop.proxy.cut()
            shop.proxy.heal()
        await asyncio.sleep(seconds)
        writer.write(page)

    return respond


def listen(page: Page, heard: list[str]) -> None:
    """Collect what the page's sockets receive."""

    def opened(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: heard.append(str(frame)))

    page.on("websocket", opened)


@pytest.mark.parametrize("cuts", [False, True], ids=["socket kept", "socket lost"])
@pytest.mark.parametrize("seconds", [0, 0.5, 3, pytest.param(12, marks=pytest.mark.soak)])
@pytest.mark.parametrize("step", STEPS)
async def test_a_slow_page_is_asked_for_once(
    open_shop: OpenShop,
    context: BrowserContext,
    site: HostileSite,
    tmp_path: Path,
    step: str,
    seconds: float,
    cuts: bool,
) -> None:
    goes = {"id": "go", "match": ["take me there"], "say": "Off we go.", "done": DONE, "steps": [STEPS[step]]}
    shop = await open_shop(agent=playbook(tmp_path, {"tasks": [goes]}))
    snippet = f'<script src="{shop.base}/embed.js" async></script>'
    goal = html("<h1>Goal</h1>", head=snippet)
    for path in ("/goal", "/goal?", "/goal?by=address"):
        site.pages[path] = slow(goal, shop, seconds, cuts)
    heard: list[str] = []
    context.on("page", lambda page: listen(page, heard))
    chat = await visit(context, embed(site, shop, "/start", body=BODY))
    await chat.say("please take me there")

    async def has_arrived() -> bool:
        return "/goal" in chat.page.url and any(b.text == DONE for b in await chat.bubbles())

    await expect(chat.page).to_have_url(f"{site.base}{STEPS[step]['url']}", timeout=60_000)
    await chat.open()
    await until(has_arrived, "the task is done")
    assert len([path for path in site.asked if path.startswith("/goal")]) == 1
    assert [frame for frame in heard if "confirmation_required" in frame] == []
