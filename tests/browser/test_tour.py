"""The tour at `/`: each button breaks something, and the page itself proves that nothing is lost or said twice."""

import re
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.browser.booking import AGENT
from tests.browser.conftest import OpenShop
from tests.services.wait import until

PHONE_WIDTH = 390
STEP_MS = 60_000


@pytest.fixture
def store() -> str:
    return "sqlite"


async def press(page: Page, step: str) -> str:
    """Run one step to its end; what it says then."""
    item = page.locator(f"[data-step={step}]")
    await item.get_by_role("button").click()
    await expect(item).to_have_attribute("data-state", re.compile("done|failed"), timeout=STEP_MS)
    said = await item.get_by_role("status").inner_text()
    assert await item.get_attribute("data-state") == "done", said
    return said


@pytest.mark.own_server
async def test_every_button_of_the_tour_proves_its_promise(open_shop: OpenShop, context: BrowserContext) -> None:
    sections: dict[str, Any] = {"agent": AGENT}
    shop = await open_shop(**sections)
    page = await context.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda message: failures.append(message.text) if "Content Security" in message.text else None)
    await page.goto(f"{shop.base}/")
    pid = shop.server.pid
    for step in ("reload", "twice", "cut", "restart", "booking"):
        assert "no gap, nothing twice" in await press(page, step)
    assert shop.server.pid == pid
    await expect(page.locator("#session")).to_have_text(re.compile("^[0-9a-f]{8}…$"))
    await expect(page.locator("#twice")).to_have_text("1 message")
    await expect(page.locator("#waiting")).to_have_text("0 messages")
    session_id = await page.evaluate("localStorage.getItem('leflux:sessionId')")

    async def screen_and_store_agree() -> bool:
        last = int(re.findall(r"\d+", await page.locator("#seq").inner_text())[-1])
        return [message["seq"] for message in await shop.stored(session_id)] == list(range(1, last + 1))

    await until(screen_and_store_agree, "the panel shows the numbers that are stored")
    assert [entry["form"] for entry in await shop.submissions()] == ["booking"]
    async with context.expect_page() as opened:
        await press(page, "tab")
    second = await opened.value
    await expect(second.locator("leflux-widget")).to_be_attached()
    assert failures == []


@pytest.mark.own_server
async def test_the_tour_fits_a_phone_in_light_and_dark(open_shop: OpenShop, context: BrowserContext) -> None:
    shop = await open_shop()
    page = await context.new_page()
    await page.set_viewport_size({"width": PHONE_WIDTH, "height": 844})
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await page.goto(f"{shop.base}/")
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH
        await expect(page.get_by_role("button", name="Play the 60-second tour")).to_be_visible()
