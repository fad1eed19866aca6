"""Finding, reading, exporting and deleting conversations."""

import csv
import json
import time
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Download, expect

from tests.browser.dashboard import HOSTILE, HOUR, KINDS, SITE, Desk, Owner

LIST = f"{SITE}/conversations"


def day(hours_ago: float) -> str:
    """The day, as a date input takes it."""
    return datetime.fromtimestamp(time.time() - hours_ago * HOUR / 1000).strftime("%Y-%m-%d")


async def finds(tab: Owner, count: int) -> None:
    await expect(tab.page.locator(".sessions li")).to_have_count(count)


async def test_a_search_finds_whole_words_and_the_beginning_of_the_last(desk: Desk, context: BrowserContext) -> None:
    tab = await desk.owner(context, LIST)
    search = tab.page.get_by_role("searchbox")
    await search.fill("showroom hamb")
    await finds(tab, 1)
    await expect(tab.page).to_have_url(f"{tab.base}/dashboard/{LIST}?q=showroom+hamb")
    await search.fill("room hamburg")
    await expect(tab.page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    await tab.page.get_by_role("button", name="Clear the filters").click()
    await finds(tab, 30)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
async def test_a_day_has_all_of_its_hours(desk: Desk, browser: Browser, day: str, hours: int) -> None:
    context = await browser.new_context(timezone_id="Europe/Berlin")
    tab = await desk.owner(context, LIST)
    await tab.page.get_by_label("From").fill(day)
    async with tab.page.expect_request(lambda request: "to=" in request.url) as asked:
        await tab.page.get_by_label("To").fill(day)
    query = parse_qs(urlsplit((await asked.value).url).query)
    assert int(query["to"][0]) - int(query["from"][0]) == hours * HOUR
    await context.close()


async def test_days_limit_the_list_and_the_address_keeps_them(desk: Desk, context: BrowserContext) -> None:
    tab = await desk.owner(context, LIST)
    await tab.page.get_by_label("To").fill(day(99 * 24))
    await finds(tab, 1)
    await tab.page.reload()
    await expect(tab.page.get_by_role("link", name="Ancient question about varnish")).to_be_visible()
    await finds(tab, 1)


async def test_more_pages_are_loaded_and_nothing_comes_twice(desk: Desk, context: BrowserContext) -> None:
    tab = await desk.owner(context, LIST)
    await finds(tab, 30)
    await tab.page.get_by_role("button", name="Load more").click()
    await finds(tab, len(desk.sessions))
    links = await tab.page.locator(".sessions a").evaluate_all("links => links.map(link => link.href)")
    assert len(set(links)) == len(desk.sessions)
    await expect(tab.page.get_by_role("button", name="Load more")).to_be_hidden()


async def test_back_leads_to_the_search_that_one_came_from(desk: Desk, context: BrowserContext) -> None:
    tab = await desk.owner(context, f"{LIST}?q=lisbon")
    await tab.page.get_by_role("link", name="And one in Lisbon?").click()
    await tab.shows("And one in Lisbon?")
    await tab.page.get_by_role("link", name="Continues an earlier conversation").click()
    await tab.shows("Is there a showroom in Hamburg?")
    await tab.page.get_by_role("link", name="Went on in a later conversation").click()
    await tab.shows("And one in Lisbon?")
    for _ in range(3):
        await tab.page.go_back()
    await tab.shows("Conversations")
    await expect(tab.page.get_by_role("searchbox")).to_have_value("lisbon")
    await finds(tab, 1)


async def test_hostile_messages_are_text_and_no_link_leads_out_of_them(desk: Desk, context: BrowserContext) -> None:
    tab = await desk.owner(context, f"{LIST}/{desk.sessions['hostile']}")
    bubbles = tab.page.locator(".bubble")
    await expect(bubbles).to_have_count(len(HOSTILE) + len(KINDS) + 1)
    assert await tab.page.locator(".messages").locator("img, script, [data-role=visitor] a").count() == 0
    assert await bubbles.first.locator("p").inner_text() == HOSTILE[0]
    links = await tab.page.locator(".sources a").evaluate_all("links => links.map(link => link.href)")
    assert links == ["https://northlight.example/shipping"]
    # As in the chat: the agent's Markdown is shown, and what is no place to go to stays text.
    said = bubbles.last
    await expect(said.locator("strong")).to_have_text("Six")
    await expect(said.locator("a")).to_have_count(1)
    await expect(said.locator("a")).to_have_attribute("target", "_blank")
    await expect(said).to_contain_text("[this](javascript:alert(6))")
    for kind in KINDS:
        await expect(tab.page.locator(f".row[data-kind={kind}] .kind")).to_have_text(kind.capitalize())
    await tab.page.set_viewport_size({"width": 390, "height": 844})
    assert await tab.page.evaluate("document.documentElement.scrollWidth") == 390
    assert tab.wrong == []


async def test_a_live_session_shows_its_page_and_its_task(desk: Desk, context: BrowserContext) -> None:
    tab = await desk.owner(context, f"{LIST}/{desk.sessions['live']}")
    steps = tab.page.locator(".steps li")
    await expect(steps).to_have_text(["Open the form: done", "Choose the day: started", "Confirm: not run"])
    url = tab.page.get_by_text("https://northlight.example/book/", exact=True)
    await expect(url).to_be_hidden()
    await tab.page.get_by_text("What the chat knows of the page").click()
    await expect(url).to_be_visible()


async def test_what_is_deleted_is_counted_on_a_receipt_and_gone(desk: Desk, context: BrowserContext) -> None:
    path = f"{LIST}/{desk.sessions['lamp 3']}"
    tab = await desk.owner(context, path)
    await tab.page.get_by_role("button", name="Delete").click()
    await tab.page.get_by_role("button", name="Delete for good").click()
    await tab.shows("Conversation deleted")
    receipt = tab.page.locator(".receipt")
    await expect(receipt).to_contain_text("Lines of the message log2")
    await expect(receipt).to_contain_text(desk.sessions["lamp 3"])
    await tab.go(path)
    await expect(tab.page.get_by_role("heading", name="This conversation is not here")).to_be_visible()


async def test_several_are_deleted_together_after_a_question(desk: Desk, context: BrowserContext) -> None:
    tab = await desk.owner(context, f"{LIST}?q=lamp+number+1")
    await finds(tab, 11)
    for name in ("number 1 cost", "number 12 cost"):
        await tab.page.get_by_role("checkbox", name=name).check()
    await tab.page.get_by_role("button", name="Delete", exact=True).click()
    await expect(tab.page.get_by_role("dialog")).to_contain_text("Delete 2 conversations?")
    await tab.page.get_by_role("button", name="Delete for good").click()
    await expect(tab.toast).to_contain_text("Deleted 2 conversations with 4 messages.")
    await finds(tab, 9)


async def saved(download: Download, folder: Path) -> str:
    file = folder / download.suggested_filename
    await download.save_as(file)
    return file.read_text("utf-8")


async def test_the_chosen_days_are_exported_as_both_formats(
    desk: Desk, context: BrowserContext, tmp_path: Path
) -> None:
    tab = await desk.owner(context, f"{LIST}?to={day(99 * 24)}")
    await finds(tab, 1)
    async with tab.page.expect_download() as lines:
        await tab.page.get_by_role("link", name="JSONL").click()
    messages = [json.loads(line) for line in (await saved(await lines.value, tmp_path)).splitlines()]
    assert [message["text"] for message in messages] == ["Ancient question about varnish"]
    async with tab.page.expect_download() as table:
        await tab.page.get_by_role("link", name="CSV").click()
    rows = list(csv.reader((await saved(await table.value, tmp_path)).splitlines()))
    assert len(rows) == 2
    assert "Ancient question about varnish" in rows[1]
