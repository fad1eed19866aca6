"""Browsers without a channel or locks, pages that sleep, are copied or come back, and clocks that are wrong."""

from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, BrowserType, expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenShop, visit
from tests.browser.shop import Shop
from tests.browser.tabs import freeze, is_mirrored, shows_nothing, two_tabs
from tests.services.chromium import ARGS, LIMIT_MS
from tests.services.find import chromium as find_chromium
from tests.services.wait import until


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


NO_CHANNEL = "delete window.BroadcastChannel;"
NO_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined });"
YEAR_MS = 365 * 24 * 3600 * 1000
WRONG_CLOCK = """(() => {
  const Real = Date, offset = %d;
  window.Date = class extends Real {
    constructor(...parts) { if (parts.length) super(...parts); else super(Real.now() + offset); }
    static now() { return Real.now() + offset; }
  };
})()"""
COME_BACK = "window.cameBack = null; addEventListener('pageshow', event => { cameBack = event.persisted; })"


@pytest.mark.parametrize("missing", [NO_CHANNEL, NO_LOCKS, NO_CHANNEL + NO_LOCKS], ids=["channel", "locks", "both"])
async def test_two_tabs_are_one_without_what_the_browser_lacks(
    shop: Shop, context: BrowserContext, missing: str
) -> None:
    await context.add_init_script(missing)
    first, second = await two_tabs(context, shop)
    await first.ask("in the first")
    await second.answered("in the first")
    await second.ask("in the second")
    await first.answered("in the second")
    assert await shop.agrees(first, 4) == await shop.agrees(second, 4)
    await first.page.locator("leflux-widget [part=close]").click()
    await is_mirrored(second, is_open=False)
    await second.open()
    await is_mirrored(first, is_open=True)
    await first.page.evaluate("LeFlux.clearConversation()")
    await shows_nothing(second)


async def test_a_duplicated_tab_shares_the_conversation(shop: Shop, context: BrowserContext) -> None:
    first = await visit(context, shop.home)
    await first.converse(2)
    async with first.page.expect_popup() as opening:
        # As a browser duplicates a tab: same address, a copy of its session storage.
        await first.page.evaluate("() => void window.open(location.href)")
    copy = await Chat(await opening.value).open()
    await copy.ask("in the copy")
    await first.answered("in the copy")
    await first.ask("in the original")
    await copy.answered("in the original")
    assert await shop.agrees(first, 8) == await shop.agrees(copy, 8)


async def test_a_frozen_tab_catches_up_when_it_wakes(shop: Shop, context: BrowserContext) -> None:
    first, second = await two_tabs(context, shop)
    await first.converse(1)
    devtools = await context.new_cdp_session(first.page)
    await freeze(devtools, is_frozen=True)
    await second.converse(2, start=2)
    await freeze(devtools, is_frozen=False)
    await first.answered("question number 3")
    assert await shop.agrees(first, 6) == await shop.agrees(second, 6)
    await first.ask("awake again")
    await shop.agrees(second, 8)


async def test_a_page_from_the_back_forward_cache_catches_up(shop: Shop, chromium: BrowserType, tmp_path: Path) -> None:
    # Playwright turns the cache off unless it is told not to.
    browser = await chromium.launch(
        executable_path=find_chromium(), args=ARGS, ignore_default_args=["--disable-back-forward-cache"]
    )
    context = await browser.new_context()
    context.set_default_timeout(LIMIT_MS)
    await context.add_init_script(COME_BACK)
    chat = await visit(context, shop.home)
    await chat.converse(1)
    await chat.page.evaluate("window.mark = 'the same page'")
    await chat.page.goto(f"{shop.base}/demo/faq.html")
    await chat.converse(1, start=2)
    # A page that comes back from the cache is not loaded again.
    await chat.page.go_back(wait_until="commit")
    await until(lambda: chat.page.evaluate("window.cameBack === true"), "the page comes back as it was")
    assert await chat.page.evaluate("[cameBack, window.mark]") == [True, "the same page"]
    await chat.answered("question number 2")
    await shop.agrees(chat, 4)
    await chat.ask("back again")
    await shop.agrees(chat, 6)
    await browser.close()


@pytest.mark.parametrize("offset", [YEAR_MS, -YEAR_MS], ids=["ahead", "behind"])
async def test_a_clock_that_is_wrong_by_a_year_changes_no_order(
    open_shop: OpenShop, context: BrowserContext, offset: int
) -> None:
    # Each turn of the two tabs waits for this.
    shop = await open_shop(session={"takeover_read_only": "300ms"})
    await context.add_init_script(WRONG_CLOCK % offset)
    first, second = await two_tabs(context, shop)
    for number in range(3):
        await first.ask(f"first {number}")
        await second.answered(f"first {number}")
        await second.ask(f"second {number}")
        await first.answered(f"second {number}")
    assert await shop.agrees(first, 12) == await shop.agrees(second, 12)
    await first.page.reload()
    await first.open()
    texts = [b.text for b in await shop.agrees(first, 12) if b.role == "visitor"]
    assert texts == [f"{name} {number}" for number in range(3) for name in ("first", "second")]
    await expect(first.notice).to_be_hidden()
