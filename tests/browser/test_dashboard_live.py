"""What an owner's page shows as it happens, without asking for it."""

import asyncio

from playwright.async_api import BrowserContext, Route, expect

from tests.browser.dashboard import SITE, Desk, Owner
from tests.hostile_site import HostileSite, hostile_site, html

LAST = 3


def gates(site: HostileSite) -> list[asyncio.Event]:
    """Make the site a chain of pages; each but the first one comes when its gate is opened."""
    opened = [asyncio.Event() for _ in range(LAST)]
    site.page("/", body(0))

    def gated(number: int) -> None:
        async def answer(writer: asyncio.StreamWriter) -> None:
            await opened[number - 1].wait()
            writer.write(html(body(number)))

        site.pages[f"/{number}"] = answer

    for number in range(1, LAST + 1):
        gated(number)
    return opened


def body(number: int) -> str:
    return f"<h1>Lamp {number}</h1><p>Lamp number {number} is made of brass.</p><a href='/{number + 1}'>Next</a>"


async def test_a_crawl_moves_on_the_page_without_asking_and_the_page_ends_with_the_sign_in(
    desk: Desk, context: BrowserContext
) -> None:
    tab = await desk.owner(context, f"{SITE}/settings/knowledge")
    progress = tab.page.locator(".crawl-status")
    await expect(tab.page.get_by_text("The site has not been read yet.")).to_be_visible()

    async def hold_back(route: Route) -> None:
        if route.request.method != "GET":
            await route.continue_()

    await tab.page.route("**/api/admin/sites/*/crawl", hold_back)
    async with hostile_site() as site:
        opened = gates(site)
        # The last page leads to one that is not there.
        await tab.page.get_by_label("Start at").fill(f"{site.base}/")
        await tab.page.get_by_role("button", name="Read the site").click()
        for number, gate in enumerate(opened, start=1):
            await expect(progress).to_contain_text(f"{number} of {number + 1} pages")
            await expect(tab.page.locator(".current")).to_contain_text(f"/{number}")
            gate.set()
        await expect(progress).to_contain_text("done")
    await expect(tab.page.get_by_text("The chat answers from 4 pages.")).to_be_visible()
    await tab.page.unroute_all(behavior="ignoreErrors")
    assert tab.wrong == []
    other = Owner(await context.new_page(), tab.base)
    await other.go(f"{SITE}/")
    await other.page.get_by_role("button", name="Sign out").click()
    await expect(other.page.get_by_label("Password")).to_be_visible()
    await expect(tab.page.get_by_label("Password")).to_be_visible()
