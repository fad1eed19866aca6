"""Any string that a page can hold goes through the widget: it is stored in a well-formed shape or fails with a code.

The message after it is answered.
"""

import json
from random import Random

import pytest
from playwright.async_api import BrowserContext

from tests.browser.conftest import visit
from tests.browser.shop import Shop
from tests.random_text import random_text, well_formed
from tests.services.wait import until

SEND = "json => JSON.parse(json).map((text) => LeFlux.send(text))"
FAILED = """ids => Object.fromEntries(ids.map((id) => [id, localStorage.getItem(`leflux:outbox:${id}`)])
  .filter(([, kept]) => kept).map(([id, kept]) => [id, JSON.parse(kept).failed ?? null]))"""
IS_IDLE = """() => !Object.entries(localStorage).some(([key, kept]) =>
  key.startsWith('leflux:outbox:') && JSON.parse(kept).failed === undefined)"""
BATCH = 100


@pytest.mark.parametrize(
    ("seed", "count"), [(1, 300), pytest.param(2, 10_000, marks=[pytest.mark.soak, pytest.mark.timeout(3_000)])]
)
async def test_any_text_is_stored_well_formed_or_fails(
    shop: Shop, context: BrowserContext, seed: int, count: int
) -> None:
    random = Random(seed)
    chat = await visit(context, shop.home)
    for number in range(0, count, BATCH):
        texts = [random_text(random) for _ in range(BATCH)]
        # Without the escapes, half of a pair would not reach the page.
        ids = await chat.page.evaluate(SEND, json.dumps(texts))
        await chat.say(f"and after {number}")
        await until(lambda: chat.page.evaluate(IS_IDLE), f"what waited before {number} has left", 120)
        await chat.answered(f"and after {number}")
        stored = {m.get("clientMessageId"): m["text"] for m in await shop.stored(await chat.session_id())}
        failed = await chat.page.evaluate(FAILED, [sent for sent in ids if sent])
        for text, sent in zip(texts, ids, strict=True):
            if sent is None:
                # To JavaScript, the byte order mark is white space.
                assert not text.replace("\ufeff", "").strip() or len(text) > 5_000, json.dumps(text)
            elif sent in failed:
                assert failed[sent] == "invalid_message", json.dumps(text)
                assert sent not in stored
            else:
                assert stored[sent] == well_formed(text)
        await chat.page.evaluate("() => LeFlux.clearConversation()")
