"""The owner turns the message log off and on again: only what is said while it is on is ever kept."""

from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import Services
from tests.server.conftest import Socket, Visitor, until
from tests.server.owner_kit import change, converse
from tests.server.searching import STORES, searched


class Talk:
    """Conversations with a connected page each, which hears when its session ends."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._pages: dict[str, Socket] = {}

    async def begin(self, text: str) -> str:
        session_id = await converse(self._visitor, text)
        self._pages[session_id] = await self._visitor.socket(session_id)
        await self._pages[session_id].wait("session_joined")
        return session_id

    async def go_on(self, session_id: str, text: str) -> None:
        page = self._pages[session_id]
        answers = len(page.of("message_done"))
        assert (await page.say(session_id, text))["ok"]
        await page.wait("message_done", answers + 1)

    async def ended(self) -> None:
        """Every session was taken out of the store: what is left is the log, and what waits for it."""
        for page in self._pages.values():
            await page.wait("session_expired")


@pytest.mark.parametrize("kind", STORES)
async def test_only_what_is_said_while_the_log_is_on_is_in_the_bytes_of_the_store(
    tmp_path: Path, services: Services, kind: str
) -> None:
    before, meanwhile, after = (f"word{uuid4().hex}" for _ in range(3))
    async with searched(kind, tmp_path, services) as (kit, search):
        talk, owner = Talk(await kit.visitor()), await kit.owner()
        first = await talk.begin(before)
        await change(owner, messageLog=False)
        await talk.go_on(first, meanwhile)
        await talk.begin(meanwhile)
        assert not [name for name in await search(meanwhile) if name.startswith("log.db")]
        await change(owner, messageLog=True)
        await talk.go_on(first, after)
        await talk.begin(after)

        async def is_logged() -> bool:
            return len((await owner.get(f"/sites/shop/sessions?q={after}"))["sessions"]) == 2

        await until(is_logged, "the log has what was said last")
        assert (await owner.get(f"/sites/shop/sessions?q={meanwhile}"))["sessions"] == []
        await change(owner, idleTtlMs=1_000)
        await talk.ended()
    # SQLite's journal holds what was until the file is closed.
    assert await search(before)
    assert await search(after)
    assert await search(meanwhile) == []
