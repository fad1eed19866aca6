"""The chat on the real demo shop for those who cannot see it well, and for those who use no mouse."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.browser.chat import Chat
from tests.browser.conftest import visit
from tests.browser.shop import Shop
from tests.browser.tabs import is_mirrored, shows_nothing
from tests.services.wait import until


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


AXE = Path(__file__).resolve().parents[2] / "leflux" / "widget" / "node_modules" / "axe-core" / "axe.min.js"
FOCUSED = """() => {
  const inside = document.activeElement?.shadowRoot?.activeElement;
  return inside?.getAttribute('part') ?? inside?.getAttribute('aria-label') ?? null;
}"""
MOST_TABS = 60


async def violations(page: Page) -> list[tuple[str, list[str]]]:
    report = await page.evaluate("axe.run()")
    assert len(report["passes"]) > 10
    return [(found["id"], [node["html"] for node in found["nodes"]]) for found in report["violations"]]


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_on_the_shop_with_the_chat_open(
    shop: Shop, context: BrowserContext, theme: Literal["light", "dark"]
) -> None:
    page = await context.new_page()
    await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    await page.goto(shop.home)
    await page.evaluate(AXE.read_text("utf-8"))
    chat = await Chat(page).open()
    assert await violations(page) == []
    await chat.converse(2)
    assert await violations(page) == []
    await page.get_by_role("button", name="Menu", exact=True).click()
    await expect(page.locator("leflux-widget [part=clear]")).to_be_visible()
    assert await violations(page) == []


async def tab_to(page: Page, name: str, key: str = "Tab") -> None:
    """Press the key until the part, or what has this label, has the focus."""
    for _ in range(MOST_TABS):
        await page.keyboard.press(key)
        if await page.evaluate(FOCUSED) == name:
            return
    pytest.fail(f"the keyboard does not reach {name}")


async def has_focus(page: Page, name: str) -> None:
    async def is_focused() -> bool:
        return bool(await page.evaluate(FOCUSED) == name)

    await until(is_focused, f"the focus is on {name}")


async def test_the_whole_conversation_by_keyboard_alone(shop: Shop, context: BrowserContext) -> None:
    page = await context.new_page()
    await page.goto(shop.home)
    chat = Chat(page)
    await page.locator("leflux-widget [part=launcher]").wait_for()
    await tab_to(page, "launcher", "Shift+Tab")
    await page.keyboard.press("Enter")
    await has_focus(page, "input")
    await page.keyboard.type("Hello there")
    await page.keyboard.press("Tab")
    await has_focus(page, "send")
    await page.keyboard.press("Enter")
    await chat.answered("Hello there")
    await has_focus(page, "input")
    for number in range(12):
        await page.keyboard.type(f"Line {number}")
        await page.keyboard.press("Enter")
        await chat.answered(f"Line {number}")
    await tab_to(page, "messages", "Shift+Tab")
    await page.keyboard.press("Home")
    await expect(page.locator("leflux-widget [part=message]").first).to_be_in_viewport()
    await tab_to(page, "Menu", "Shift+Tab")
    await page.keyboard.press("Enter")
    await has_focus(page, "clear")
    await page.keyboard.press("Enter")
    await shows_nothing(chat)
    # The way back has the focus.
    await has_focus(page, "undo")
    await page.keyboard.press("Escape")
    await is_mirrored(chat, is_open=False)
    await has_focus(page, "launcher")


async def test_a_screen_reader_hears_each_reply_once(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    await chat.ask("read this")
    spoken = chat.page.locator("leflux-widget [aria-live=polite]")
    await expect(spoken.get_by_text("echo: read this")).to_have_count(1)
    await expect(spoken.get_by_text("read this")).to_have_count(1)
