"""What the agent does on a page of elements that a person could not press, and of clicks that lead elsewhere."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.async_api import BrowserContext, expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenShop
from tests.browser.test_view_hosts import opened, serve
from tests.hostile_site import hostile_site
from tests.services.wait import until

# What is said when the visitor asks for the click.
CASES = {
    **{name: f"cannot find what I need on this page for “click {name}”" for name in ("Faint", "Far", "Tiny", "Ghost")},
    # It has no height of its own, so what comes after it lies over it.
    "Folded": "is in the way of “click Folded”",
    "Below": "“Cookie notice” is in the way of “click Below”",
    "Same": "More than one thing on this page fits “click Same”",
    **{name: f"“click {name}” did not work" for name in ("Elsewhere", "Script", "Next")},
}
PRESSED = ["Twice", "Styled", "Low"]


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


def tasks(folder: Path) -> dict[str, Any]:
    steps = {f"press {name}".lower(): {"action": "click", "target": {"name": name}} for name in [*CASES, *PRESSED]}
    steps["type the email"] = {"action": "type", "target": {"label": "Email"}, "value": "ada@example.com"}
    listed = [
        {"id": f"t{n}", "match": [said], "done": "Done it.", "steps": [step]}
        for n, (said, step) in enumerate(steps.items())
    ]
    file = folder / "acting.yaml"
    file.write_text(yaml.safe_dump({"tasks": listed}))
    return {"kind": "playbook", "playbook": {"path": str(file)}}


async def has_said(chat: Chat, text: str, times: int) -> bool:
    return [bubble.text for bubble in await chat.bubbles()].count(text) == times


async def says(chat: Chat, text: str) -> None:
    again = chat.page.locator("leflux-widget").get_by_role("button", name="Click again")

    async def is_said() -> bool:
        # A connection that was lost and came back in mid-search leaves a doubt, which the visitor dispels.
        if await again.is_visible():
            await again.click()
        shown.append(await chat.page.locator("leflux-widget [part=panel]").inner_text())
        return text in shown[-1]

    shown: list[str] = []
    try:
        await until(is_said, f"{text!r} is said", 30)
    except BaseException as failure:
        failure.add_note(f"panel: {shown[-1:]}")
        raise


async def test_only_what_a_person_could_press_is_pressed_and_nothing_leads_away(
    open_shop: OpenShop, context: BrowserContext, tmp_path: Path
) -> None:
    shop = await open_shop(agent=tasks(tmp_path))
    async with hostile_site() as site:
        chat = await opened(context, serve(site, shop, "act_elements.html"))
        for name in PRESSED:
            await chat.say(f"press {name}")
            await expect(chat.page).to_have_title(f"Elements {' '.join(PRESSED[: PRESSED.index(name) + 1])}")
            # The click is watched for a moment, to see what comes of it.
            await until(partial(has_said, chat, "Done it.", PRESSED.index(name) + 1), "the task is done")
        for name, told in CASES.items():
            await chat.say(f"press {name}")
            await says(chat, told)
            await chat.say("stop")
        await chat.say("type the email")
        await says(chat, "“type Email” did not work")
        assert await chat.page.locator("form input").input_value() == ""
        assert await chat.page.title() == f"Elements {' '.join(PRESSED)}"
        assert chat.page.url.endswith("act_elements.html")
