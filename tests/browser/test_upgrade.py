"""A browser that still holds what 0.2.0's widget has kept (tests/stores/v0_2_0/local_storage.json)."""

import json
import time

import pytest
from playwright.async_api import BrowserContext, expect

from tests.browser.chat import Chat
from tests.browser.shop import Shop
from tests.services.server import ROOT

CORPUS = ROOT / "tests" / "stores" / "v0_2_0" / "local_storage.json"


@pytest.fixture
def store() -> str:
    return "sqlite"


def kept() -> dict[str, str]:
    """The records as if they had been written a minute ago."""
    records: dict[str, str] = json.loads(CORPUS.read_text("utf-8"))
    session, now = json.loads(records["leflux:session"]), round(time.time() * 1000)
    shift = now - 60_000 - session["lastActivity"]
    session["createdAt"] += shift
    session["lastActivity"] += shift
    history, person = json.loads(records["leflux:history"]), json.loads(records["leflux:userData"])
    for message in history["messages"]:
        message["ts"] += shift
    person["expiresAt"] += shift
    changed = {"leflux:session": session, "leflux:history": history, "leflux:userData": person}
    return records | {name: json.dumps(value) for name, value in changed.items()}


async def test_the_conversation_the_draft_and_the_visitors_name_are_still_there(
    shop: Shop, context: BrowserContext
) -> None:
    page = await context.new_page()
    await page.goto(f"{shop.base}/health")
    await page.evaluate(
        "kept => Object.entries(kept).forEach(([key, text]) => localStorage.setItem(key, text))", kept()
    )
    await page.goto(shop.home)
    chat = await Chat(page).open()
    old = ["What does shipping cost?", "Do you repair lamps?"]
    for text in old:
        await chat.shows(text)
    await expect(chat.input).to_have_value("Half a thought")
    # The server of this test has never heard of the session: the next message begins one that continues it.
    await chat.ask("And now?")
    assert [bubble.text for bubble in await chat.bubbles() if bubble.role == "visitor"] == [*old, "And now?"]
    person = await chat.stored_locally("leflux:userData")
    assert (person["name"], person["email"]) == ("Ada Lovelace", "ada@example.com")
