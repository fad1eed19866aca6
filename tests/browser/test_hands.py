"""What the agent may press, fill in and read, for each markup of `hands.py`, by the widget's own code in Chromium."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.browser.hands import CLICKS, EDITORS, FILLS, FORBIDDEN
from tests.browser.host_pages import bundle
from tests.hostile_site import hostile_site, html, response

SOURCE = """
export { clickRefusal, fillRefusal } from './src/click-effect.js';
export { isForbidden } from './src/page-fields.js';
export { factsOf, roleOf, shortName, submits, usable, visibleText } from './src/page-elements.js';
"""
# Puts each markup on the page alone. Declarative shadow roots need `setHTMLUnsafe`.
TRY = """([cases, decide]) => cases.map((markup) => {
  document.body.setHTMLUnsafe(markup.replaceAll('OWN', location.origin));
  const element = document.querySelector('[data-x]');
  const answer = new Function('hands', 'element', 'hosts', `return ${decide}`);
  try { return { answer: answer(hands, element, ['.shop.example']) }; }
  catch (error) { return { error: String(error) }; }
})"""
READ = """JSON.stringify([hands.visibleText(document.body), document.title, hands.usable(document).map((one) =>
  [hands.roleOf(one), hands.shortName(one), hands.submits(one), hands.factsOf(one)])])"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """One page for all cases, with the functions that the widget decides with."""
    async with hostile_site() as site:
        site.pages["/"] = html("", head='<script src="/hands.js"></script>')
        site.pages["/hands.js"] = response(bundle(SOURCE, "--global-name=hands"), "text/javascript")
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(f"{site.base}/")
        yield page
        await context.close()


async def wrong(page: Page, cases: list[tuple[str, Any]], decide: str) -> list[Any]:
    """The cases with another answer than they should have."""
    given = await page.evaluate(TRY, [[markup for markup, _ in cases], decide])
    return [
        (markup, answer) for (markup, right), answer in zip(cases, given, strict=True) if answer != {"answer": right}
    ]


async def test_no_click_leads_to_another_site_or_a_script(page: Page) -> None:
    assert await wrong(page, CLICKS, "hands.clickRefusal(element, hosts)") == []


async def test_nothing_is_typed_into_the_form_of_another_site(page: Page) -> None:
    assert await wrong(page, FILLS, "hands.fillRefusal(element, hosts)") == []


async def test_cards_codes_passwords_and_files_are_never_filled_in(page: Page) -> None:
    assert await wrong(page, FORBIDDEN, "hands.isForbidden(element)") == []


async def test_what_editors_hold_is_never_read(page: Page) -> None:
    read = await page.evaluate(TRY, [EDITORS, READ])
    assert [one for one in zip(EDITORS, read, strict=True) if "SECRET" in str(one[1]) or "error" in one[1]] == []


async def test_nothing_is_read_while_the_whole_document_is_edited(page: Page) -> None:
    await page.evaluate("document.designMode = 'on'")
    [read] = await page.evaluate(TRY, [["<p>SECRET</p><a href='#x'>SECRET</a><button>SECRET</button>"], READ])
    await page.evaluate("document.designMode = 'off'")
    assert "SECRET" not in read["answer"]


def test_there_are_at_least_a_hundred_cases() -> None:
    assert len(CLICKS) + len(FILLS) + len(FORBIDDEN) + len(EDITORS) >= 100
