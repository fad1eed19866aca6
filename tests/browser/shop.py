"""The demo shop on a real server behind a proxy that a test can break, and what the store holds of a conversation."""

import re
from collections.abc import Sequence
from typing import Any

import aiohttp

from tests.browser.chat import Bubble, Chat
from tests.services.proxy import Proxy
from tests.services.server import ServerProcess
from tests.services.wait import until


class Shop:
    """`base`: the address that browsers use; it leads through the proxy."""

    def __init__(self, server: ServerProcess, proxy: Proxy) -> None:
        self.server = server
        self.proxy = proxy
        self.base = f"http://127.0.0.1:{proxy.port}"
        self.home = f"{self.base}/demo/"

    async def get(self, path: str) -> tuple[int, Any]:
        """Ask the server itself, past the proxy: status and parsed JSON."""
        url, headers = self.server.base + path, {"Origin": self.server.base}
        async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as answer:
            return answer.status, await answer.json()

    async def submissions(self) -> list[dict[str, Any]]:
        """What was submitted to the demo's forms, read as the owner whose password the first start has told."""
        email, password = await until(self._account, "the first start shows its account")
        jar, base = aiohttp.CookieJar(unsafe=True), self.server.base
        async with aiohttp.ClientSession(cookie_jar=jar) as http:
            async with http.post(f"{base}/api/admin/login", json={"email": email, "password": password}) as answer:
                assert answer.status == 200, await answer.text()
            async with http.get(f"{base}/demo/forms/log") as answer:
                entries: list[dict[str, Any]] = (await answer.json())["entries"]
                return entries

    async def _account(self) -> tuple[str, str] | None:
        shown = r"The account for the dashboard, shown this once:.*\n\W*(\S+@\S+) +(\S+)"
        found = re.search(shown, self.server.log.read_text("utf-8"))
        return None if found is None else (found[1], found[2])

    async def stored(self, session_id: str) -> list[dict[str, Any]]:
        """Every message of the session as the store has it."""
        status, answer = await self.get(f"/api/session/{session_id}/messages?limit=500")
        assert status == 200, answer
        messages: list[dict[str, Any]] = answer["messages"]
        return messages

    async def agrees(self, chat: Chat, count: int) -> list[Bubble]:
        """Wait until screen and store hold the same `count` messages: ids, order, roles and text, nothing twice."""
        session_id = await chat.session_id()
        seen: dict[str, Any] = {}

        async def is_same() -> bool:
            bubbles = await chat.bubbles()
            stored = await self.stored(session_id)
            seen.update(screen=bubbles, store=stored)
            return all(b.is_settled for b in bubbles) and len(stored) == count and _same(bubbles, stored)

        try:
            await until(is_same, f"screen and store hold the same {count} messages")
        except BaseException as failure:
            failure.add_note(f"screen: {seen.get('screen')}\nstore: {seen.get('store')}")
            raise
        bubbles: list[Bubble] = seen["screen"]
        assert [b.seq for b in bubbles] == list(range(1, count + 1))
        assert len({b.id for b in bubbles}) == count
        return bubbles


def _same(bubbles: Sequence[Bubble], stored: Sequence[dict[str, Any]]) -> bool:
    on_screen = [(b.id, b.seq, b.role, b.text) for b in bubbles]
    return on_screen == [(m["id"], m["seq"], m["role"], m["text"]) for m in stored]
