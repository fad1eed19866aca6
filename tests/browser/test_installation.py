"""The first install explains itself: the owner's server looks at a page and says what keeps the chat from running."""

from playwright.async_api import BrowserContext, expect

from tests.browser.dashboard import SITE, Desk
from tests.hostile_site import hostile_site

TAG = '<script src="{base}/embed.js" async></script>'


async def test_an_owner_checks_a_page_of_the_site(desk: Desk, context: BrowserContext) -> None:
    async with hostile_site() as web:
        web.page("/", "Lamps", head=TAG.format(base="http://localhost:8080"))
        web.page("/bare", "Lamps", head='<meta http-equiv="Content-Security-Policy" content="script-src \'self\'">')
        tab = await desk.owner(context, f"{SITE}/settings/install")
        card = tab.page.locator(".checks li")
        for path, state in (("/", "Good"), ("/bare", "Wrong")):
            await tab.page.get_by_label("Page", exact=True).fill(web.base + path)
            await tab.page.get_by_role("button", name="Check my site").click()
            await expect(card.filter(has_text="Snippet")).to_contain_text(state)
        await expect(card.filter(has_text="Content-Security-Policy")).to_contain_text(
            "script-src http://localhost:8080"
        )
        assert tab.wrong == []
