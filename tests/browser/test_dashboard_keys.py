"""Every page by keyboard alone: whatever can be used comes under Tab, and shows that it has the focus."""

from typing import Any

from playwright.async_api import BrowserContext, expect

from tests.browser.dashboard import SITE, Desk, Owner

PAGES = ["", "/conversations?q=lamp+number+1", "/analytics"]
PAGES += [
    f"/settings/{name}" for name in ("privacy", "appearance", "install", "knowledge", "answers", "playbooks", "audit")
]

# Of a group of radio buttons, one is under Tab and the arrow keys lead to the others.
FIND = """() => {
  const usable = 'a[href], button, input, select, textarea, summary, iframe, [tabindex="0"]';
  const groups = new Set();
  window.wanted = [...document.querySelectorAll(usable)].filter((one) => {
    if (one.disabled || !one.checkVisibility() || one.closest('[inert]')) return false;
    if (one.type !== 'radio') return true;
    const isFirst = !groups.has(one.name);
    groups.add(one.name);
    return isFirst;
  });
  document.activeElement.blur();
  return window.wanted.length;
}"""
LOOK = """() => {
  const here = document.activeElement;
  const outlined = (one) => one && getComputedStyle(one).outlineStyle !== 'none';
  const isSame = (one) => one === here || (one.type === 'radio' && one.name === here.name);
  window.wanted = window.wanted.filter((one) => !isSame(one));
  const isShown = [here, here.nextElementSibling, here.parentElement].some(outlined);
  // The parts of a date take the focus one after the other, inside of the input, and the browser marks them.
  const isPage = here === document.body || here.tagName === 'IFRAME' || here.type === 'date';
  return {left: window.wanted.length, dark: isPage || isShown ? null : here.outerHTML.slice(0, 200)};
}"""


async def walk(tab: Owner) -> None:
    """Press Tab until everything had the focus."""
    count = await tab.page.evaluate(FIND)
    assert count > 5
    for _ in range(2 * count + 40):
        await tab.page.keyboard.press("Tab")
        seen: dict[str, Any] = await tab.page.evaluate(LOOK)
        assert seen["dark"] is None, f"{tab.page.url}: nothing shows that this has the focus: {seen['dark']}"
        if seen["left"] == 0:
            return
    left = await tab.page.evaluate("window.wanted.map(one => one.outerHTML.slice(0, 200))")
    raise AssertionError(f"{tab.page.url}: Tab never comes to {left}")


async def test_everything_on_every_page_comes_under_tab(desk: Desk, context: BrowserContext) -> None:
    tab = await desk.owner(context)
    for path in [*PAGES, f"/conversations/{desk.sessions['live']}"]:
        await tab.go(SITE + path)
        await expect(tab.title).to_be_visible()
        await expect(tab.page.locator(".skeleton")).to_have_count(0)
        await walk(tab)
    assert tab.wrong == []


async def test_settings_are_changed_and_filters_set_by_keys(desk: Desk, context: BrowserContext) -> None:
    tab = await desk.owner(context, f"{SITE}/settings/privacy")
    keys = tab.page.keyboard
    await tab.page.get_by_label("On the server, when idle", exact=True).focus()
    await keys.press("Control+A")
    await keys.type("20")
    await tab.page.get_by_label("Keep a log of messages").focus()
    await keys.press("Space")
    await tab.page.get_by_role("button", name="Save", exact=True).focus()
    await keys.press("Enter")
    await expect(tab.toast).to_contain_text("Saved.")
    await tab.page.reload()
    await expect(tab.page.get_by_label("On the server, when idle", exact=True)).to_have_value("20")
    await expect(tab.page.get_by_label("Keep a log of messages")).not_to_be_checked()
    await tab.page.get_by_role("link", name="Conversations").focus()
    await keys.press("Enter")
    await tab.page.locator(".filters select").focus()
    await keys.press("L")
    await expect(tab.page.locator(".sessions li")).to_have_count(1)
    await tab.page.get_by_role("checkbox", name="Select all").focus()
    await keys.press("Space")
    await expect(tab.page.get_by_text("1 selected")).to_be_visible()
    assert tab.wrong == []
