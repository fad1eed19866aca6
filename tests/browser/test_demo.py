"""The demo shop itself: every link leads somewhere, no page breaks its own policy, and the booking arrives once."""

from urllib.parse import urldefrag, urljoin

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.browser.shop import Shop


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


PHONE_WIDTH = 390


async def links_of(page: Page) -> list[str]:
    found: list[str] = await page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
    return found


async def test_every_link_leads_to_a_page_that_keeps_the_policy(shop: Shop, context: BrowserContext) -> None:
    page = await context.new_page()
    await page.set_viewport_size({"width": PHONE_WIDTH, "height": 844})
    problems: list[str] = []
    page.on("console", lambda message: problems.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
    seen: set[str] = set()
    waiting = [shop.home]
    while waiting:
        url = waiting.pop()
        if url in seen:
            continue
        seen.add(url)
        answer = await page.goto(url)
        assert answer is not None
        assert answer.status == 200, url
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH, url
        links = [urldefrag(urljoin(url, link)).url for link in await links_of(page)]
        waiting += [link for link in links if link.startswith(shop.home)]
    assert len(seen) >= 18
    assert problems == []


async def test_an_unknown_page_is_a_404_in_the_shops_own_dress(shop: Shop, context: BrowserContext) -> None:
    page = await context.new_page()
    answer = await page.goto(f"{shop.base}/demo/lamps/none.html")
    assert answer is not None
    assert answer.status == 404
    await expect(page.get_by_role("link", name="To the lamps")).to_be_visible()


async def book(page: Page, shop: Shop) -> None:
    """Fill in all three pages, up to the review."""
    await page.goto(f"{shop.base}/demo/book/")
    await page.locator("main").get_by_label("Lamps for my home").check()
    await page.locator("main").get_by_label("Showroom").select_option("Hamburg")
    await page.locator("main").get_by_label("Day").select_option("Friday")
    await page.locator("main").get_by_label("Time").select_option("14:00")
    await page.get_by_role("button", name="Continue").click()
    await page.wait_for_url("**/book/details.html")
    await page.locator("main").get_by_label("Name").fill("Ada Lindqvist")
    await page.locator("main").get_by_label("Email").fill("ada@example.org")
    await page.locator("main").get_by_label("Phone").fill("+46 70 123 45 67")
    await page.locator("main").get_by_label("Note").fill("A low ceiling")
    await page.get_by_role("button", name="Continue to review").click()
    await page.wait_for_url("**/book/review.html")


@pytest.mark.own_server
async def test_a_booking_is_submitted_once_with_everything(shop: Shop, context: BrowserContext) -> None:
    page = await context.new_page()
    await book(page, shop)
    await expect(page.get_by_text("ada@example.org")).to_be_visible()
    await page.get_by_role("button", name="Confirm booking").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your demo is booked.")
    assert [entry["fields"] for entry in await shop.submissions()] == [
        {
            "topic": "Lamps for my home",
            "showroom": "Hamburg",
            "day": "Friday",
            "time": "14:00",
            "name": "Ada Lindqvist",
            "email": "ada@example.org",
            "phone": "+46 70 123 45 67",
            "note": "A low ceiling",
        }
    ]
    await page.goto(f"{shop.base}/demo/book/review.html")
    await expect(page.get_by_role("button", name="Confirm booking")).to_be_disabled()


async def test_a_reload_keeps_what_was_filled_in(shop: Shop, context: BrowserContext) -> None:
    page = await context.new_page()
    await book(page, shop)
    await page.go_back()
    await page.reload()
    await expect(page.locator("main").get_by_label("Name")).to_have_value("Ada Lindqvist")


@pytest.mark.own_server
async def test_the_contact_form_arrives(shop: Shop, context: BrowserContext) -> None:
    page = await context.new_page()
    await page.goto(f"{shop.base}/demo/contact/")
    await page.locator("main").get_by_label("Name").fill("Ada Lindqvist")
    await page.locator("main").get_by_label("Email").fill("ada@example.org")
    await page.locator("main").get_by_label("Message").fill("Does Halden come in blue?")
    await page.get_by_role("button", name="Send message").click()
    await page.wait_for_url("**/contact/thanks.html")
    assert (await shop.submissions())[0]["fields"]["message"] == "Does Halden come in blue?"


async def test_the_studio_prices_what_was_chosen(shop: Shop, context: BrowserContext) -> None:
    page = await context.new_page()
    await page.goto(f"{shop.base}/demo/studio/")
    await page.locator("main").get_by_label("Bell").check()
    await page.get_by_role("link", name="Choose a finish").click()
    await page.locator("main").get_by_label("Copper").check()
    await expect(page.locator("#total")).to_have_text("€249")
    await page.locator("main").get_by_label("Studio").get_by_role("link", name="Summary").click()
    await expect(page.get_by_text("Copper")).to_be_visible()
