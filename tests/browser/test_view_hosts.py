"""Pages whose styles and scripts would hide, hold or remove the chat: `hosts/view_*.html`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, expect

from tests.browser.chat import Chat
from tests.browser.shop import Shop
from tests.hostile_site import HostileSite, hostile_site, response
from tests.services.wait import until

HOSTS = Path(__file__).parent / "hosts"
STYLED = ["filter", "transform", "perspective", "will_change", "contain", "html_transform", "html_filter", "zoom"]
STYLED += ["body_zoom", "above"]
BOX = "name => { const {left, top, right, bottom} = document.querySelector('leflux-widget').shadowRoot"
BOX += ".querySelector(`[part=${name}]`).getBoundingClientRect(); return [left, top, right, bottom]; }"


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[HostileSite]:
    async with hostile_site() as running:
        yield running


def serve(site: HostileSite, shop: Shop, name: str, options: str = "") -> str:
    """The address of a page of `hosts/` with the chat on it."""
    text = (HOSTS / name).read_text().replace('src="EMBED"', f'src="{shop.base}/embed.js" {options}')
    site.pages[f"/{name}"] = response(text.encode())
    site.pages["/favicon.ico"] = response(b"")
    return f"{site.base}/{name}"


async def opened(context: BrowserContext, address: str) -> Chat:
    page = await context.new_page()
    await page.goto(address)
    return await Chat(page).open()


async def is_in_window(page: Page, part: str) -> None:
    async def is_so() -> bool:
        left, top, right, bottom = await page.evaluate(BOX, part)
        width, height = await page.evaluate("[innerWidth, innerHeight]")
        # Rounding by a zoomed page.
        return bool(left >= -1 and top >= -1 and right <= width + 1 and bottom <= height + 1 and bottom > top)

    await until(is_so, f"{part} is in the window")


@pytest.mark.parametrize("name", STYLED)
async def test_the_chat_stays_in_the_window_and_on_top(
    shop: Shop, context: BrowserContext, site: HostileSite, name: str
) -> None:
    chat = await opened(context, serve(site, shop, f"view_{name}.html"))
    await chat.page.evaluate("scrollTo(0, 2000)")
    for part in ("header", "close", "input"):
        await is_in_window(chat.page, part)
    await chat.ask("Hello")
    await chat.page.locator("leflux-widget [part=close]").click()
    await is_in_window(chat.page, "launcher")


async def test_the_chat_comes_back_after_any_number_of_replaced_bodies(
    shop: Shop, context: BrowserContext, site: HostileSite
) -> None:
    chat = await opened(context, serve(site, shop, "view_swap.html"))
    await chat.ask(" ".join(["Hello"] * 400))
    list_ = chat.page.locator("leflux-widget [part=messages]")
    # Two frames, so that the widget has heard of it.
    scrolled = "new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen)))"
    await list_.evaluate(f"list => {{ list.scrollTop = 100; return {scrolled}; }}")
    for number in range(1, 31):
        await chat.page.evaluate("number => visit(number)", number)
    await expect(chat.input).to_be_visible()
    assert await list_.evaluate("list => list.scrollTop") == 100
    await chat.page.evaluate("visit(31)")
    await expect(chat.input).to_be_visible()
    await chat.ask("Still here?")


async def test_printing_shows_the_page_alone(shop: Shop, context: BrowserContext, site: HostileSite) -> None:
    chat = await opened(context, serve(site, shop, "view_filter.html"))
    await chat.page.emulate_media(media="print")
    await expect(chat.page.locator("leflux-widget [part=panel]")).to_be_hidden()


async def test_a_pages_dialog_can_be_used(shop: Shop, context: BrowserContext, site: HostileSite) -> None:
    chat = await opened(context, serve(site, shop, "view_dialog.html"))
    await chat.page.locator("#open").click()
    await chat.page.locator("#close").click()
    await expect(chat.page.locator("#dialog")).to_be_hidden()
    await chat.ask("Hello")


@pytest.mark.parametrize(("width", "height"), [(844, 390), (844, 190), (390, 300), (1280, 400)])
async def test_header_and_field_are_within_reach_in_a_low_window(
    shop: Shop, context: BrowserContext, site: HostileSite, width: int, height: int
) -> None:
    page = await context.new_page()
    await page.set_viewport_size({"width": width, "height": height})
    await page.goto(serve(site, shop, "view_above.html"))
    chat = await Chat(page).open()
    for part in ("header", "close", "input", "send"):
        await is_in_window(page, part)
    await chat.ask("Hello")
    await page.locator("leflux-widget [part=close]").click()


async def test_the_page_behind_does_not_scroll_with_the_chat(
    shop: Shop, context: BrowserContext, site: HostileSite
) -> None:
    chat = await opened(context, serve(site, shop, "view_above.html"))
    for part in ("header", "messages", "input"):
        await chat.page.locator(f"leflux-widget [part={part}]").hover()
        await chat.page.mouse.wheel(0, 600)
    await chat.page.mouse.move(10, 10)
    await chat.page.mouse.wheel(0, 100)

    async def has_scrolled() -> bool:
        return bool(await chat.page.evaluate("scrollY > 0"))

    await until(has_scrolled, "the page itself scrolls")
    assert await chat.page.evaluate("scrollY") <= 100


async def test_a_right_to_left_placeholder_is_on_the_right(
    shop: Shop, context: BrowserContext, site: HostileSite
) -> None:
    chat = await opened(context, serve(site, shop, "view_above.html", 'data-locale="ar"'))
    assert await chat.input.evaluate("input => getComputedStyle(input).direction") == "rtl"
    await chat.input.fill("Hello")
    assert await chat.input.evaluate("input => getComputedStyle(input).direction") == "ltr"


async def test_the_list_stays_at_its_end_unless_a_person_has_scrolled_up(
    shop: Shop, context: BrowserContext, site: HostileSite
) -> None:
    chat = await opened(context, serve(site, shop, "view_above.html"))
    rest = "list => list.scrollHeight - list.scrollTop - list.clientHeight"
    list_ = chat.page.locator("leflux-widget [part=messages]")

    async def is_at_end() -> bool:
        return bool(await list_.evaluate(rest) < 2)

    for number in range(4):
        text = "\n".join(f"line {line} of {number}" for line in range(30))
        await chat.page.evaluate("text => LeFlux.send(text)", text)
        await until(lambda n=number: _count(chat, 2 * n + 2), "the answer is there")  # type: ignore[misc]
        await until(is_at_end, "the list is at its end")
    await list_.hover()
    await chat.page.mouse.wheel(0, -900)

    async def has_scrolled() -> bool:
        return bool(await list_.evaluate(rest) > 500)

    await until(has_scrolled, "the person has scrolled up")


async def _count(chat: Chat, count: int) -> bool:
    bubbles = await chat.bubbles()
    return len(bubbles) >= count and all(bubble.is_settled for bubble in bubbles)
