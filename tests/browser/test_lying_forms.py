"""Forms that do not do what their button says: the task's end tells what happened (docs/acting.md#what-is-said)."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.async_api import BrowserContext, Error, expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenShop
from tests.browser.forms_site import PAGES, FormsSite, forms_site
from tests.browser.test_view_hosts import opened
from tests.services.wait import until

EXPECTS: dict[str, dict[str, Any]] = {
    "declined-expected": {"text": "Order 7", "within": "500ms"},
    "late": {"text": "all saved"},
    "never": {"element": "Saved for good", "within": "500ms"},
}
BUTTONS = {"late": "Save", "never": "Save", "by-script": "Order"}
# What is said, and how often the form was sent.
TOLD = {
    "required": ("does not accept the form of “press Send”: “Email”: Please fill out this field.", 0),
    "pattern": ("“Email”: Please match the requested format", 0),
    "scripted": ("“Email”: No such mail.", 0),
    "unprocessable": ("The site answered “press Send” with an error (422): “The code has expired.”", 1),
    "by-fetch": ("The site answered “press Send” with an error (422): “The code has expired.”", 1),
    "broken": ("The site answered “press Send” with an error (500): “Error”", 1),
    "back": ("(The page says: “Please try again.”.)", 1),
    "declined": ("Ended at Payment. (The page says: “Your card was declined.”.)", 1),
    "declined-expected": (
        "I did “press Send”, but what should follow did not happen. The page shows: “Your card was declined.”.",
        1,
    ),
    "guard": ("Ended at Thank you.", 1),
    "by-script": ("Ended at Thank you.", 1),
    "moves": ("Ended at Thank you.", 1),
    "alert": ("Ended at Thank you.", 1),
    "late": ("Ended at Form late.", 0),
    "never": ("I did “press Save”, but what should follow did not happen. The page shows: “Form never”.", 0),
}
HALVES = [list(TOLD)[::2], list(TOLD)[1::2]]


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


def tasks(folder: Path) -> dict[str, Any]:
    listed = []
    for name in PAGES:
        button = BUTTONS.get(name, "Send")
        step = {"action": "click", "target": {"name": button}, "description": f"press {button}"}
        step |= {"expect": EXPECTS[name]} if name in EXPECTS else {}
        listed.append({"id": name, "match": [f"do {name}"], "done": "Ended at {page.title}.", "steps": [step]})
    file = folder / "forms.yaml"
    file.write_text(yaml.safe_dump({"tasks": listed}))
    return {"kind": "playbook", "playbook": {"path": str(file)}}


async def says(chat: Chat, *texts: str) -> None:
    """Wait until one of these is said."""
    shown: list[str] = []

    async def is_said() -> bool:
        shown.append(await chat.page.locator("leflux-widget [part=panel]").inner_text())
        return any(text in shown[-1] for text in texts)

    try:
        await until(is_said, f"one of {texts!r} is said", 30)
    except BaseException as failure:
        failure.add_note(f"panel: {shown[-1:]}")
        raise


async def does(context: BrowserContext, site: FormsSite, name: str) -> Chat:
    chat = await opened(context, f"{site.base}/form/{name}")
    await chat.say(f"do {name}")
    return chat


@pytest.mark.parametrize("names", HALVES, ids=["one", "two"])
async def test_the_end_says_what_became_of_the_form(
    open_shop: OpenShop, context: BrowserContext, tmp_path: Path, names: list[str]
) -> None:
    shop = await open_shop(agent=tasks(tmp_path))
    async with forms_site(shop.base) as site:
        for name in names:
            text, count = TOLD[name]
            site.sent.clear()
            chat = await does(context, site, name)
            await says(chat, text)
            assert len(site.sent) == count, name
            await chat.page.evaluate("localStorage.clear(); sessionStorage.clear()")
            await chat.page.close()


async def test_a_form_is_sent_when_the_visitor_has_filled_in_what_was_missing(
    open_shop: OpenShop, context: BrowserContext, tmp_path: Path
) -> None:
    shop = await open_shop(agent=tasks(tmp_path))
    async with forms_site(shop.base) as site:
        chat = await does(context, site, "required")
        await says(chat, "Please fill out this field")
        await chat.page.locator("main").get_by_label("Email").fill("ada@shop.test")
        await chat.page.locator("leflux-widget").get_by_role("button", name="Try again").click()
        await says(chat, "Ended at Thank you.")
        assert site.sent == ["ok"]


async def test_a_reload_while_the_form_is_being_sent_is_asked_about(
    open_shop: OpenShop, context: BrowserContext, tmp_path: Path
) -> None:
    """The request has gone out, and nobody can know what the site has made of it."""
    shop = await open_shop(agent=tasks(tmp_path))
    async with forms_site(shop.base) as site:
        chat = await does(context, site, "slow")
        await until(lambda: site.sent, "the form is on its way")
        # The reload cancels the navigation, which Playwright takes for an error.
        with pytest.raises(Error, match="ERR_ABORTED"):
            await chat.page.reload()
        await chat.open()
        again = chat.page.locator("leflux-widget").get_by_role("button", name="Click again")
        await expect(again).to_be_visible()
        assert site.sent == ["slow"]
