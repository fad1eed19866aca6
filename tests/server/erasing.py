"""One round of the erasure race: two tabs talk, an agent answers, an outbox sends again; a DELETE comes in between."""

import asyncio
import random
from typing import Any
from uuid import uuid4

from tests.server.conftest import Socket, Visitor, until
from tests.server.owner_kit import Caller
from tests.server.searching import Search


class Round:
    """`search` looks into the bytes of every store."""

    def __init__(self, visitor: Visitor, owner: Caller, search: Search, seed: int) -> None:
        self._visitor = visitor
        self._owner = owner
        self._search = search
        self._random = random.Random(seed)
        self.canary = f"canary{uuid4().hex}"
        self.session_id = ""
        self._outbox: list[dict[str, Any]] = []
        self._acknowledged: set[int] = set()

    async def run(self) -> None:
        self.session_id = await self._visitor.init(visitorId=f"v-{self.canary[:20]}")
        await self._send(self._message("at the beginning"))
        tabs = [await self._visitor.socket(self.session_id) for _ in range(2)]
        writers = [asyncio.create_task(self._write(tab)) for tab in tabs]
        resender = asyncio.create_task(self._resend())
        await asyncio.sleep(self._random.random() * 0.15)
        assert await self._search(self.canary), "the canary must have been stored, else its absence says nothing"
        deleted = await self._delete()
        await asyncio.gather(*writers, resender)
        self._check_receipt(deleted, tabs)
        await self._check_gone()
        # The newest tab owned the session; the other one had been told that it lost it.
        await tabs[-1].wait("session_deleted")

    def _message(self, text: str) -> dict[str, Any]:
        message = {"sessionId": self.session_id, "clientMessageId": str(uuid4()), "message": f"{self.canary} {text}"}
        self._outbox.append(message)
        return message

    async def _send(self, message: dict[str, Any]) -> int:
        status, answer = await self._visitor.call("POST", "/api/chat", message)
        if status == 200:
            self._acknowledged.add(answer["seq"])
        return status

    async def _write(self, tab: Socket) -> None:
        for number in range(12):
            message = self._message(f"line {number}")
            payload = {"text": message["message"], **message, "context": {"visibleText": self.canary}}
            answer = await tab.ask("send_message", payload)
            if answer["ok"]:
                self._acknowledged.add(answer["seq"])
            else:
                assert answer["error"] in {"session_deleted", "not_owner"}, answer
            await asyncio.sleep(self._random.random() * 0.02)

    async def _resend(self) -> None:
        for _ in range(20):
            status = await self._send(self._random.choice(self._outbox))
            assert status in {200, 410}, status
            await asyncio.sleep(self._random.random() * 0.02)

    async def _delete(self) -> dict[str, Any]:
        if self._random.random() < 0.5:
            status, answer = await self._visitor.call("DELETE", f"/api/session/{self.session_id}")
        else:
            status, answer = await self._owner.call("DELETE", f"/sites/shop/sessions/{self.session_id}")
        assert status == 200, answer
        deleted: dict[str, Any] = answer["deleted"]
        return deleted

    def _check_receipt(self, deleted: dict[str, Any], tabs: list[Socket]) -> None:
        """Every call was answered: what was stored of the visitor was acknowledged, and had one reply at most."""
        assert (deleted["sessions"], deleted["tasks"]) == (1, 0)
        assert deleted["logged"] == deleted["messages"]
        sent = {done["message"]["seq"] for tab in tabs for done in tab.of("message_done")}
        assert len(self._acknowledged | sent) <= deleted["messages"] <= 2 * len(self._acknowledged)
        # Without gaps from 1 on: what was counted is as far as the session ever came.
        assert max(self._acknowledged | sent) <= deleted["messages"]

    async def _check_gone(self) -> None:
        for method, path in (("GET", ""), ("POST", ""), ("GET", "/messages")):
            status, answer = await self._visitor.call(method, f"/api/session/{self.session_id}{path}")
            assert (status, answer["error"]) == (410, "session_deleted")
        for message in (self._outbox[0], self._message("written offline, sent for the first time")):
            assert await self._send(message) == 410
        late = await self._visitor.socket()
        assert (await late.ask("join_session", {"sessionId": self.session_id}))["error"] == "session_deleted"
        assert (await self._owner.call("GET", f"/sites/shop/sessions/{self.session_id}"))[0] == 410
        found = await self._owner.get(f"/sites/shop/sessions?q={self.canary}")
        assert found["sessions"] == []

        async def is_gone() -> bool:
            return not await self._search(self.canary)

        await until(is_gone, f"{self.canary} is in no store; it is in {await self._search(self.canary)}")
