"""The tab or the whole browser is killed."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, BrowserType

from tests.browser.chat import LONG
from tests.browser.conftest import visit
from tests.browser.shop import Shop
from tests.services.chromium import kill_profile, open_profile
from tests.services.proxy import Direction
from tests.services.wait import until


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


async def test_a_crashed_tab_is_restored(slow_shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, slow_shop.home)
    await chat.converse(2)
    await chat.say(LONG)
    await chat.in_mid_reply(LONG)
    devtools = await context.new_cdp_session(chat.page)
    async with chat.page.expect_event("crash"):
        # It is never answered: the page that would is gone.
        crash = asyncio.ensure_future(devtools.send("Page.crash"))
    crash.cancel()
    await chat.page.close()
    chat = await visit(context, slow_shop.home)
    await chat.answered(LONG)
    await slow_shop.agrees(chat, 6)


async def test_a_browser_killed_in_mid_send_sends_once_when_it_is_back(
    shop: Shop, chromium: BrowserType, tmp_path: Path
) -> None:
    profile = tmp_path / "profile"
    first = await open_profile(chromium, profile)
    chat = await visit(first, shop.home)
    await chat.converse(2)
    session_id = await chat.session_id()
    shop.proxy.hold(Direction.REQUEST)
    await chat.say("said just before the end")
    await chat.shows("said just before the end", "sending")
    # Chromium writes localStorage to the disk a few seconds late; what it has not written dies with it.
    await until(lambda: is_on_disk(profile, b"said just before the end"), "the outbox is on the disk")
    async with first.expect_event("close"):
        kill_profile(profile)
    shop.proxy.cut()
    assert len(await shop.stored(session_id)) == 4
    shop.proxy.heal()
    async with await open_profile(chromium, profile) as second:
        chat = await visit(second, shop.home)
        await chat.answered("said just before the end")
        await shop.agrees(chat, 6)
        assert await chat.session_id() == session_id


def is_on_disk(profile: Path, text: bytes) -> bool:
    files = (profile / "Default" / "Local Storage" / "leveldb").glob("*.log")
    return any(text in file.read_bytes() for file in files)
