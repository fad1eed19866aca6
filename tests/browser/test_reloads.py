"""A page that reloads again and again while a reply is being written: one reply, complete, drawn once."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext

from tests.browser import scripted
from tests.browser.booking import patient
from tests.browser.chat import Chat
from tests.browser.conftest import OpenShop, visit
from tests.server.model_server import ModelServer, fed, model_server
from tests.services.wait import until


@pytest_asyncio.fixture(loop_scope="session")
async def model() -> AsyncIterator[ModelServer]:
    async with model_server() as server:
        yield server


async def is_being_written(chat: Chat, text: str) -> None:
    """Wait until just this much of the reply is on the screen, once."""

    async def is_so() -> bool:
        replies = [bubble for bubble in await chat.bubbles() if bubble.role == "assistant"]
        return [(bubble.text.strip(), bubble.streaming) for bubble in replies] == [(text.strip(), True)]

    await until(patient(is_so), f"{text[-30:]!r} is the end of what has been written", 30)


@pytest.mark.parametrize("reloads", [15, pytest.param(100, marks=[pytest.mark.soak, pytest.mark.timeout(600)])])
async def test_a_reply_survives_any_number_of_reloads(
    open_shop: OpenShop, context: BrowserContext, model: ModelServer, reloads: int
) -> None:
    """The model writes on while the page is away, and each third reload does not wait for the page to catch up."""
    words: asyncio.Queue[str | None] = asyncio.Queue()
    model.answers.append(fed(words))
    shop = await open_shop(agent=scripted.agent(model, "60s"))
    chat = await visit(context, shop.home)
    await chat.say("Tell me everything")
    told = ""
    for number in range(reloads):
        for word in (f"word{number} ", "and "):
            words.put_nowait(word)
            told += word
            if number % 3:
                await is_being_written(chat, told)
        await chat.page.reload(wait_until="commit" if number % 3 == 1 else "load")
    await chat.open()
    await is_being_written(chat, told)
    words.put_nowait("done.")
    words.put_nowait(None)
    _, reply = await shop.agrees(chat, 2)
    assert reply.text == told + "done."
    assert len(model.requests) == 1, "nothing was asked for twice"
