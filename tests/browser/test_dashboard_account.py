"""The account page: password, sign-ins, tokens, accounts."""

import re

import aiohttp
from playwright.async_api import Browser, BrowserContext, expect

from tests.browser.dashboard import EMAIL, PASSWORD, SITE, Desk, Owner

ACCOUNT = f"{SITE}/account"
NEW = "another horse battery"


async def change_password(tab: Owner, current: str, new: str) -> None:
    await tab.page.get_by_label("Current password").fill(current)
    await tab.page.get_by_label("New password").fill(new)
    await tab.page.get_by_role("button", name="Change the password").click()


async def test_a_new_password_keeps_this_browser_in_and_ends_the_others(
    desk: Desk, context: BrowserContext, browser: Browser
) -> None:
    elsewhere = await browser.new_context()
    try:
        other = await desk.owner(elsewhere, ACCOUNT)
        tab = await desk.owner(context, ACCOUNT)
        await tab.shows("Account")
        await change_password(tab, "not the password", NEW)
        await expect(tab.page.get_by_role("alert")).to_contain_text("current password is not right")
        await change_password(tab, PASSWORD, NEW)
        await expect(tab.toast).to_contain_text("The password is changed")
        await expect(tab.page.locator(".entries .live")).to_have_count(1)
        await other.page.reload()
        await expect(other.page.get_by_label("Password")).to_be_visible()
        await change_password(tab, NEW, PASSWORD)
        await expect(tab.toast.last).to_contain_text("The password is changed")
        assert other.wrong == []
    finally:
        await elsewhere.close()


async def test_another_sign_in_is_ended_after_a_question(desk: Desk, context: BrowserContext, browser: Browser) -> None:
    elsewhere = await browser.new_context()
    try:
        other = await desk.owner(elsewhere, f"{SITE}/")
        tab = await desk.owner(context, f"{SITE}/")
        await tab.page.get_by_role("link", name=EMAIL).click()
        await tab.shows("Account")
        ends = tab.page.get_by_role("button", name="End", exact=True)
        # The list comes after the heading: counted before that, there would be nothing to end.
        await expect(ends.first).to_be_visible()
        while before := await ends.count():
            await ends.first.click()
            await tab.page.get_by_role("dialog").get_by_role("button", name="End", exact=True).click()
            await expect(ends).to_have_count(before - 1)
        await other.page.reload()
        await expect(other.page.get_by_label("Password")).to_be_visible()
        assert tab.wrong == []
    finally:
        await elsewhere.close()


async def test_a_session_id_does_not_stay_in_the_address(desk: Desk, context: BrowserContext) -> None:
    base = desk.server.base
    async with (
        aiohttp.ClientSession(headers={"Origin": base}) as http,
        http.post(f"{base}/api/session/init", json={"websiteUrl": f"{base}/"}) as answer,
    ):
        session_id = (await answer.json())["sessionId"]
    tab = await desk.owner(context, f"{SITE}/conversations/{session_id}")
    await tab.page.wait_for_url(re.compile("/conversations/[a-z2-7]{26}$"))
    await expect(tab.page.locator("dl.details")).to_be_visible()
    assert session_id not in await tab.page.content()
    assert tab.wrong == []
