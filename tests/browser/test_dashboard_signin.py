"""Who may look at the dashboard, and that a session which ends costs nothing but a password."""

from playwright.async_api import BrowserContext, expect

from tests.browser.dashboard import SITE, Desk


async def test_a_wrong_password_is_refused_in_words_and_the_right_one_leads_to_the_overview(
    desk: Desk, context: BrowserContext
) -> None:
    tab = await desk.stranger(context)
    await tab.go()
    await tab.sign_in("no such password")
    await expect(tab.page.get_by_role("alert")).to_contain_text("do not match")
    await tab.sign_in()
    await tab.shows("Overview")
    await expect(tab.page).to_have_url(f"{tab.base}/dashboard/{SITE}")
    assert tab.wrong == []


async def test_too_many_attempts_are_put_off_and_the_page_says_for_how_long(
    desk: Desk, context: BrowserContext
) -> None:
    tab = await desk.stranger(context)
    await tab.go()
    alert = tab.page.get_by_role("alert")
    for _ in range(30):
        async with tab.page.expect_response("**/api/admin/login") as answer:
            await tab.sign_in("no such password")
        if (await answer.value).status == 429:
            break
        await expect(tab.page.get_by_role("button", name="Sign in")).to_be_enabled()
    await expect(alert).to_contain_text("Too many attempts. Try again in")


async def test_whoever_signs_in_again_is_where_they_were(desk: Desk, context: BrowserContext) -> None:
    path = f"{SITE}/conversations/{desk.sessions['first']}"
    tab = await desk.owner(context, path)
    await tab.shows("Is there a showroom in Hamburg?")
    await context.clear_cookies()
    await tab.page.get_by_role("link", name="Went on in a later conversation").click()
    await expect(tab.page.get_by_text("Your session has ended")).to_be_visible()
    await tab.sign_in()
    await tab.shows("And one in Lisbon?")


async def test_signing_out_ends_the_session_on_the_server(desk: Desk, context: BrowserContext) -> None:
    tab = await desk.owner(context)
    cookies = await context.cookies()
    await tab.page.get_by_role("button", name="Sign out").click()
    await tab.shows("Sign in to LeFlux")
    await context.add_cookies([{"name": c["name"], "value": c["value"], "url": tab.base} for c in cookies])
    await tab.go(f"{SITE}/conversations")
    await tab.shows("Sign in to LeFlux")


async def test_keys_alone_sign_in_open_a_conversation_and_delete_it(desk: Desk, context: BrowserContext) -> None:
    tab = await desk.stranger(context)
    page, keys = tab.page, tab.page.keyboard
    await tab.go(f"{SITE}/conversations?q=hamburg+showroom")
    await expect(page.get_by_label("Email")).to_be_visible()

    async def tab_to(role: str, name: str) -> None:
        """Press Tab until the one that is meant has the focus."""
        wanted = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
        for _ in range(60):
            await keys.press("Tab")
            if await wanted.evaluate("element => element === document.activeElement"):
                return
        raise AssertionError(f"Tab never comes to the {role} {name!r}")

    await tab_to("textbox", "Email")
    await keys.type("ada@northlight.example")
    await keys.press("Tab")
    await keys.type("correct horse battery")
    await keys.press("Enter")
    await expect(page.locator(".sessions li")).to_have_count(1)
    await tab_to("link", "Is there a showroom in Hamburg?")
    await keys.press("Enter")
    await tab.shows("Is there a showroom in Hamburg?")
    await expect(tab.title).to_be_focused()
    await tab_to("button", "Delete")
    await keys.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("1 message")
    await keys.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_role("button", name="Delete")).to_be_focused()
    await keys.press("Enter")
    await tab_to("button", "Delete for good")
    await keys.press("Enter")
    await tab.shows("Conversation deleted")
    assert tab.wrong == []
