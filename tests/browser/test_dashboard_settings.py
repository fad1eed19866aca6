"""What an owner changes holds, says what it does before it does it, and never overwrites somebody else's change."""

from playwright.async_api import BrowserContext, expect

from tests.browser.chat import Chat
from tests.browser.dashboard import SITE, Desk, Owner

PRIVACY, APPEARANCE = f"{SITE}/settings/privacy", f"{SITE}/settings/appearance"


async def save(tab: Owner) -> None:
    await tab.page.get_by_role("button", name="Save", exact=True).click()


async def test_a_change_is_saved_and_the_audit_trail_names_who_made_it(desk: Desk, context: BrowserContext) -> None:
    tab = await desk.owner(context, PRIVACY)
    await tab.page.get_by_label("On the server, when idle", exact=True).fill("15")
    await expect(tab.page.get_by_text("After 15 minutes without a message")).to_be_visible()
    await save(tab)
    await expect(tab.toast).to_contain_text("Saved.")
    await tab.page.reload()
    await expect(tab.page.get_by_label("On the server, when idle", exact=True)).to_have_value("15")
    await tab.page.get_by_role("link", name="Audit trail").click()
    await expect(tab.page.locator(".trail li").first).to_contain_text("ada@northlight.example")
    await expect(tab.page.locator(".trail li").first).to_contain_text("On the server, when idle: 15 minutes")
    assert tab.wrong == []


async def test_a_form_that_only_loads_never_asks_whether_to_leave(desk: Desk, context: BrowserContext) -> None:
    await context.add_init_script("""
        window.guards = 0;
        const listen = window.addEventListener;
        window.addEventListener = function (type, ...rest) {
            if (type === "beforeunload") window.guards += 1;
            return listen.call(this, type, ...rest);
        };
    """)
    tab = await desk.owner(context, PRIVACY)
    for path in (PRIVACY, APPEARANCE, PRIVACY):
        await tab.go(path)
        await expect(tab.page.locator(".save-bar")).to_contain_text("Everything is saved")
        assert await tab.page.evaluate("window.guards") == 0
    await tab.page.get_by_label("On the server, when idle", exact=True).fill("15")
    await expect(tab.page.locator(".save-bar")).to_contain_text("Not saved yet")
    assert await tab.page.evaluate("window.guards") == 1


async def test_of_two_tabs_the_later_one_is_shown_what_the_other_has_changed(
    desk: Desk, context: BrowserContext
) -> None:
    first = await desk.owner(context, PRIVACY)
    second = Owner(await context.new_page(), first.base)
    await second.go(PRIVACY)
    idle = "On the server, when idle"
    await first.page.get_by_label(idle, exact=True).fill("20")
    await second.page.get_by_label(idle, exact=True).fill("40")
    await save(first)
    await expect(first.toast).to_contain_text("Saved.")
    await save(second)
    conflict = second.page.get_by_role("alert").filter(has_text="Somebody else has saved")
    await expect(conflict).to_contain_text(f"{idle}: 30 minutes → 20 minutes")
    await expect(second.page.get_by_label(idle, exact=True)).to_have_value("40")
    await second.page.get_by_role("button", name="Load theirs").click()
    await expect(second.page.get_by_label(idle, exact=True)).to_have_value("20")
    await second.page.get_by_label(idle, exact=True).fill("50")
    await save(second)
    await expect(second.toast).to_contain_text("Saved.")


async def test_a_value_that_is_refused_is_explained_beside_its_field(desk: Desk, context: BrowserContext) -> None:
    tab = await desk.owner(context, PRIVACY)
    field = tab.page.get_by_label("The visitor's own details", exact=True)
    await field.fill("999999999")
    await save(tab)
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(tab.page.locator(".field.wrong .wrong-text")).not_to_be_empty()
    await tab.page.get_by_role("button", name="Undo").click()
    await expect(field).to_have_value("30")


async def test_a_retention_rule_counts_what_it_would_delete_and_asks(desk: Desk, context: BrowserContext) -> None:
    tab = await desk.owner(context, PRIVACY)
    await tab.page.get_by_label("For a number of days").check()
    await tab.page.get_by_label("Days", exact=True).fill("50")
    await expect(tab.page.locator(".forecast")).to_have_text(
        "This rule would delete 1 conversation with 1 message now."
    )
    await save(tab)
    dialog = tab.page.get_by_role("dialog")
    await expect(dialog).to_contain_text("1 conversation with 1 message are older than 50 days")
    await tab.page.get_by_role("button", name="Save and delete").click()
    await expect(tab.toast).to_contain_text("Saved.")
    await tab.page.get_by_label("For ever, until you delete it").check()
    await tab.page.get_by_label("Keep a log of messages").uncheck()
    await expect(tab.page.get_by_text("is gone when its session ends")).to_be_visible()


async def test_the_preview_follows_each_key_and_the_site_follows_what_is_saved(
    desk: Desk, context: BrowserContext
) -> None:
    tab = await desk.owner(context, APPEARANCE)
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    preview = tab.page.frame_locator("iframe[title='Preview of the chat']")
    panel = preview.locator("leflux-widget [part=panel]")
    await expect(panel).to_contain_text("Northlight")
    await tab.page.get_by_label("Title", exact=True).fill("Ask the workshop")
    await expect(panel).to_contain_text("Ask the workshop")
    await tab.page.get_by_label("Suggestions").fill("What is in stock?\n\nWhere are you?")
    await expect(panel.locator(".chip")).to_have_text(["What is in stock?", "Where are you?"])
    await tab.page.get_by_label("Colour").fill("#0b6e4f")
    await tab.page.get_by_label("Left", exact=True).check()
    await save(tab)
    await expect(tab.toast).to_contain_text("Saved.")
    assert await tab.page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('leflux:session'))") == []
    assert [url for url in asked if "/api/session" in url or "/socket.io" in url] == []
    shop = await context.new_page()
    await shop.goto(f"{tab.base}/demo/")
    await Chat(shop).open()
    await expect(shop.locator("leflux-widget [part=panel]")).to_contain_text("Ask the workshop")
    assert tab.wrong == []


async def test_the_snippet_is_copied(desk: Desk, context: BrowserContext) -> None:
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab = await desk.owner(context, f"{SITE}/settings/install")
    await tab.page.get_by_role("button", name="Copy").click()
    await expect(tab.page.get_by_role("button", name="Copied")).to_be_visible()
    copied = await tab.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("<script")
    assert "/embed.js" in copied
    await expect(tab.page.locator(".hosts")).to_contain_text("127.0.0.1")


async def test_a_crawl_is_started_and_followed_to_its_end(desk: Desk, context: BrowserContext) -> None:
    tab = await desk.owner(context, f"{SITE}/settings/knowledge")
    await tab.page.get_by_label("Start at").fill("https://elsewhere.example/")
    await tab.page.get_by_role("button", name="Read the site").click()
    await expect(tab.page.locator(".wrong-text:not(:empty)")).to_be_visible()
    await tab.page.get_by_label("Start at").fill(f"{tab.base}/demo/")
    await tab.page.get_by_role("button", name="Read the site").click()
    await expect(tab.toast).to_contain_text("The crawl has begun.")
    await expect(tab.page.locator(".state-word")).to_have_text("done")
