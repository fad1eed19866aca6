"""Any string in any place of a packet: it is stored in a well-formed shape or refused, and the next is answered."""

import json
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from tests.random_text import random_text, well_formed
from tests.server.conftest import ORIGIN, Visitor, serving

MANY = {"messages_per_minute": 1_000_000, "address_messages_per_minute": 1_000_000}
BATCH = 100


class RawSocket:
    """Writes packets as text; answers pings."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, packet: str) -> None:
        await self._socket.send_str(packet)

    async def packet(self, head: str) -> str:
        """The rest of the next packet that begins with `head`."""
        while True:
            text = await self._socket.receive_str()
            if text == "2":
                await self.send("3")
            elif text.startswith(head):
                return text.removeprefix(head)

    async def ask(self, number: int, event: str, payload: Any) -> Any:
        # Half of a pair is written as an escape, as by a browser.
        await self.send(f"42{number}{json.dumps([event, payload])}")
        (answer,) = json.loads(await self.packet(f"43{number}"))
        return answer


@pytest.mark.parametrize(
    ("seed", "count"), [(1, 400), pytest.param(2, 10_000, marks=[pytest.mark.soak, pytest.mark.timeout(900)])]
)
async def test_any_text_is_stored_well_formed_or_refused(tmp_path: Path, seed: int, count: int) -> None:
    random = Random(seed)
    async with AsyncExitStack() as stack:
        base = await stack.enter_async_context(serving(tmp_path, "sqlite", limits=MANY, agent={"kind": "none"}))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        visitor = Visitor(base, http, stack)
        url = f"{base}/socket.io/?EIO=4&transport=websocket"
        connected = await stack.enter_async_context(http.ws_connect(url, headers={"Origin": ORIGIN}))
        socket = RawSocket(connected)
        await socket.send("40")
        await socket.packet("40")
        for first in range(0, count, BATCH):
            texts = [random_text(random) for _ in range(BATCH)]
            await check(visitor, socket, first * 10, texts)


async def check(visitor: Visitor, socket: RawSocket, number: int, texts: list[str]) -> None:
    """In a session of its own: say each, and compare what is stored."""
    session_id = await visitor.init()
    joined = await socket.ask(number, "join_session", {"sessionId": session_id, "url": texts[0][:2_000]})
    assert joined["ok"] is True or joined["error"] == "invalid_request"
    if not joined["ok"]:
        assert (await socket.ask(number, "join_session", {"sessionId": session_id}))["ok"] is True
    expected = []
    for text in texts:
        number += 1
        message = {"sessionId": session_id, "clientMessageId": f"c{number}", "text": text}
        said = await socket.ask(number, "send_message", message)
        if said["ok"]:
            expected.append((said["seq"], well_formed(text)))
        else:
            assert said["error"] == "invalid_message", said
            assert not text.strip() or "\0" in text or len(text) > 5_000, json.dumps(text)
        number += 1
        described = await socket.ask(number, "update_context", {"sessionId": session_id, "context": {text: text}})
        assert described["ok"] is True or described["error"] in ("invalid_request", "payload_too_large"), described
    stored = await visitor.messages(session_id)
    assert [(message["seq"], message["text"]) for message in stored] == expected
