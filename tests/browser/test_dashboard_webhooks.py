"""An owner adds a webhook, sees its secret once, and what was delivered to it, and sends again what was not."""

from playwright.async_api import BrowserContext, expect

from tests.browser.chat import Chat
from tests.browser.dashboard import SITE, Desk
from tests.browser.test_dashboard_face import PHONE, judge
from tests.server.notices.receiving import receiving
from tests.services.wait import until

WEBHOOKS = f"{SITE}/settings/notices"


async def test_a_webhook_is_added_fails_and_is_repeated(desk: Desk, context: BrowserContext) -> None:
    async with receiving() as receiver:
        receiver.status = 500
        tab = await desk.owner(context, WEBHOOKS)
        await expect(tab.page.get_by_text("No endpoint yet")).to_be_visible()
        await tab.page.get_by_label("Address", exact=True).fill("http://127.0.0.2/hooks")
        await tab.page.get_by_label("A conversation begins").check()
        await tab.page.get_by_role("button", name="Add the endpoint").click()
        await expect(tab.page.locator(".wrong-text:not(:empty)")).to_contain_text("not a public address")
        await tab.page.get_by_label("Address", exact=True).fill(receiver.url)
        await tab.page.get_by_role("button", name="Add the endpoint").click()
        secret = tab.page.get_by_label("Webhook secret")
        await expect(secret).to_contain_text("whsec_")
        visit = await context.new_page()
        await visit.goto(f"{tab.base}/demo/")
        await (await Chat(visit).open()).say("hello")
        await until(lambda: receiver.of("conversation.started"), "an attempt")
        failed = tab.page.locator(".entries li").filter(has_text="answered 500")
        await expect(failed).to_contain_text("Waiting")
        await judge(tab)
        await tab.page.set_viewport_size(PHONE)
        await judge(tab)
        receiver.status = 200
        await failed.get_by_role("button", name="Retry").click()
        await expect(tab.toast).to_contain_text("It is sent again.")
        await expect(tab.page.locator(".entries li").filter(has_text="Delivered")).to_be_visible()
        await tab.page.reload()
        await expect(tab.page.locator(".endpoint")).to_contain_text(receiver.url)
        await expect(secret).to_have_count(0)
        await tab.page.get_by_role("button", name="Switch off").click()
        await expect(tab.page.locator(".endpoint .state")).to_have_text("Off")
        await tab.page.get_by_role("button", name="Remove").click()
        await tab.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        await expect(tab.page.get_by_text("No endpoint yet")).to_be_visible()
        # Chromium writes down the 422 of the private address.
        assert [said for said in tab.wrong if "422" not in said] == []
