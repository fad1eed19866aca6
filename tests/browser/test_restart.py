"""The server dies or is stopped in the middle of a conversation."""

import signal

import pytest
from playwright.async_api import BrowserContext, expect

from tests.browser.chat import LONG
from tests.browser.conftest import visit
from tests.browser.shop import Shop

pytestmark = pytest.mark.every_durable_store
TURNS = 3

pytestmark = pytest.mark.own_server


async def test_a_killed_server_comes_back_with_the_conversation(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    await chat.converse(TURNS)
    before = await shop.agrees(chat, 2 * TURNS)
    await shop.server.kill()
    await expect(chat.notice).to_have_attribute("data-kind", "reconnecting")
    await chat.say("said while the server was dead")
    await shop.server.start()
    await chat.answered("said while the server was dead")
    assert (await shop.agrees(chat, 2 * TURNS + 2))[: 2 * TURNS] == before


async def test_a_server_killed_in_mid_reply_loses_nothing_that_was_said(
    slow_shop: Shop, context: BrowserContext
) -> None:
    chat = await visit(context, slow_shop.home)
    await chat.converse(TURNS)
    before = await slow_shop.agrees(chat, 2 * TURNS)
    await chat.say(LONG)
    await chat.in_mid_reply(LONG)
    await slow_shop.server.kill()
    await slow_shop.server.start()
    # The turn ends once: with the reply, or with a message that says that there is none.
    after = await slow_shop.agrees(chat, 2 * TURNS + 2)
    assert after[: 2 * TURNS] == before
    assert [(b.role, b.text) for b in after[-2:-1]] == [("visitor", LONG)]
    assert after[-1].role == "assistant"
    assert after[-1].text == f"echo: {LONG}" or after[-1].kind in {"error", "aborted"}
    await chat.page.reload()
    await chat.open()
    assert await slow_shop.agrees(chat, 2 * TURNS + 2) == after


async def test_sigterm_lets_a_reply_in_flight_end(slow_shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, slow_shop.home)
    await chat.converse(1)
    await chat.say(LONG)
    await chat.in_mid_reply(LONG)
    slow_shop.server.signal(signal.SIGTERM)
    assert await slow_shop.server.stopped() == 0
    await slow_shop.server.start()
    await chat.answered(LONG)
    await slow_shop.agrees(chat, 4)


async def test_a_frozen_server_doubles_nothing_when_it_thaws(shop: Shop, context: BrowserContext) -> None:
    chat = await visit(context, shop.home)
    await chat.converse(1)
    shop.server.signal(signal.SIGSTOP)
    await chat.say("said to a frozen server")
    await chat.shows("said to a frozen server", "sending")
    # The visitor gives up on the page; what was sent lies in the frozen server's sockets.
    await chat.page.close()
    shop.server.signal(signal.SIGCONT)
    chat = await visit(context, shop.home)
    await chat.answered("said to a frozen server")
    await shop.agrees(chat, 4)
