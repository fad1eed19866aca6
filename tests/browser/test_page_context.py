"""The page is read when it is needed: what leaves the browser of it, and when."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, Request, WebSocket, expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenShop
from tests.browser.shop import Shop
from tests.browser.tabs import embed
from tests.hostile_site import HostileSite, hostile_site
from tests.services.wait import until

PATH = "/account?reset_token=canaryquery&utm_source=mail"
ADDRESS = f"{PATH}#access_token=canaryfragment"
BODY = """<p>Our lamps last for years.</p>
<div data-leflux-private><p>canaryname owes us 129.00</p><button>Pay for canaryname</button></div>
<textarea>canaryarea</textarea><div contenteditable="true">canaryeditor</div>
<input value="canaryfield" aria-label="City">
<p>Your verification code is 482913. Token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl</p>
<p>Paid with 4111 1111 1111 1111 from DE89 3704 0044 0532 0130 00.</p>"""
CANARIES = ["canary", "482913", "eyJ", "4111 1111", "DE89"]


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[HostileSite]:
    async with hostile_site() as running:
        yield running


class Recording:
    """Everything that a page sends to the server: addresses, headers, bodies and frames."""

    def __init__(self, page: Page, base: str) -> None:
        self.sent: list[str] = []
        self._host = urlsplit(base).netloc
        page.on("request", self._requested)
        page.on("websocket", self._connected)

    def _requested(self, request: Request) -> None:
        if urlsplit(request.url).netloc == self._host:
            self.sent.append(f"{request.method} {request.url} {request.headers} {request.post_data or ''}")

    def _connected(self, socket: WebSocket) -> None:
        self.sent.append(f"socket {socket.url}")
        socket.on("framesent", lambda payload: self.sent.append(str(payload)))

    def contexts(self) -> list[dict[str, Any]]:
        """The descriptions of pages, in the order in which they were sent."""
        frames = [line for line in self.sent if '"update_context"' in line]
        return [json.loads(line[line.index("[") :])[1]["context"] for line in frames]

    def text(self) -> str:
        return "\n".join(self.sent)


async def viewed(page: Page, address: str) -> Chat:
    await page.goto("about:blank")
    await page.goto(address)
    await until(lambda: page.evaluate("window.LeFlux?.isReady()"), "the chat is ready")
    return Chat(page)


async def test_ten_page_views_tell_nothing_of_the_page_and_a_message_tells_what_may_be_told(
    shop: Shop, context: BrowserContext, site: HostileSite
) -> None:
    address = embed(site, shop, PATH, body=BODY).replace(PATH, ADDRESS)
    page = await context.new_page()
    recording = Recording(page, shop.base)
    for _ in range(10):
        chat = await viewed(page, address)
    assert recording.contexts() == []
    assert [word for word in [*CANARIES, "lamps", "account", "utm_source"] if word in recording.text()] == []
    await (await chat.open()).ask("Hello")
    told = recording.contexts()[0]
    assert "Our lamps last for years." in told["visibleText"]
    assert urlsplit(told["url"]).path == "/account"
    assert [word for word in [*CANARIES, "=mail"] if word in recording.text()] == []
    # The next view of somebody who has a conversation tells nothing either.
    count = len(recording.contexts())
    chat = await viewed(page, address)
    await until(lambda: page.evaluate("LeFlux.getState().connected"), "the socket has joined")
    assert len(recording.contexts()) == count
    assert '"url"' not in recording.sent[-1]
    await (await chat.open()).ask("Once more")
    assert len(recording.contexts()) == count + 1


async def test_the_menu_shows_exactly_what_is_sent(shop: Shop, context: BrowserContext, site: HostileSite) -> None:
    page = await context.new_page()
    recording = Recording(page, shop.base)
    await page.goto(embed(site, shop, PATH, body=BODY))
    chat = await Chat(page).open()

    async def known() -> tuple[str, Any]:
        await page.locator("leflux-widget").get_by_role("button", name="Menu").click()
        await page.locator("leflux-widget").get_by_role("button", name="What the chat knows of this page").click()
        shown = page.locator("leflux-widget [part=page-known]")
        await expect(shown.locator("pre")).to_be_visible()
        told = await shown.locator("p").inner_text(), json.loads(await shown.locator("pre").inner_text())
        await page.keyboard.press("Escape")
        return told

    says, before = await known()
    assert says.startswith("Nothing has been sent yet.")
    assert recording.contexts() == []
    await chat.ask("Hello")
    says, after = await known()
    assert says == "This was sent:"
    assert recording.contexts() == [after]
    # The marks of the address belong to the conversation, and are the same before and after its beginning.
    assert before == after


@pytest.mark.parametrize("options", ["data-no-page-context"])
async def test_the_tag_can_switch_it_off(shop: Shop, context: BrowserContext, site: HostileSite, options: str) -> None:
    page = await context.new_page()
    recording = Recording(page, shop.base)
    await page.goto(embed(site, shop, PATH, options, body=BODY))
    chat = await Chat(page).open()
    await chat.ask("Hello")
    assert recording.contexts() == []
    assert [word for word in [*CANARIES, "lamps", "account"] if word in recording.text()] == []
    await page.locator("leflux-widget").get_by_role("button", name="Menu").click()
    await page.locator("leflux-widget").get_by_role("button", name="What the chat knows of this page").click()
    await expect(page.locator("leflux-widget [part=page-known]")).to_have_text("The chat sends nothing of this page.")


async def test_the_site_decides_when_and_what_of_the_address(
    open_shop: OpenShop, context: BrowserContext, site: HostileSite
) -> None:
    demo = {"id": "demo", "name": "Demo shop", "allowed_hosts": ["127.0.0.1"]}
    never = await open_shop(sites=[demo | {"context": {"read": "never"}}])
    page = await context.new_page()
    recording = Recording(page, never.base)
    await page.goto(embed(site, never, PATH, body=BODY))
    await (await Chat(page).open()).ask("Hello")
    assert recording.contexts() == []
    assert [word for word in [*CANARIES, "lamps"] if word in recording.text()] == []
    await page.close()


async def test_a_site_may_ask_for_each_page_view_and_for_query_values(
    open_shop: OpenShop, context: BrowserContext, site: HostileSite
) -> None:
    demo = {"id": "demo", "name": "Demo shop", "allowed_hosts": ["127.0.0.1"]}
    shop = await open_shop(sites=[demo | {"context": {"read": "view", "query": ["utm_source"]}}])
    page = await context.new_page()
    recording = Recording(page, shop.base)
    await page.goto(embed(site, shop, PATH, body=BODY))
    await until(lambda: recording.contexts(), "the page is described without a message")
    assert "utm_source=mail" in recording.contexts()[0]["url"]
    assert [word for word in CANARIES if word in recording.text()] == []


async def test_the_description_names_the_language_of_the_chat(
    shop: Shop, context: BrowserContext, site: HostileSite
) -> None:
    page = await context.new_page()
    recording = Recording(page, shop.base)
    await page.goto(embed(site, shop, PATH, 'data-locale="de"', body=BODY))
    await (await Chat(page).open()).ask("Hallo")
    assert recording.contexts()[0]["locale"] == "de"
